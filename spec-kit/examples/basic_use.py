"""A forecast in three lines: load a catalog, build a spec, forecast.

Run with fleetcast installed: python basic_use.py
"""

from catalogs.catalog import Catalog
from engine import CapacityPlan, NoPlan, forecast, spec_from


def llama_70b_on_a100() -> CapacityPlan | NoPlan:
    """Return the plan for 10 requests/s of 500 tokens in and 200 out, in fp16 on A100s of 80 GB."""
    catalog = Catalog.load()
    spec = spec_from(
        {
            "model": "llama 3.1 70b",
            "precision.weights": "fp16",
            "traffic.requests_per_s": 10,
            "traffic.peak_factor": 1,
            "tokens.input.mean": 500,
            "tokens.output.mean": 200,
            "hardware.accelerators": ["A100 80GB SXM"],
        }
    )
    return forecast(spec, catalog)


def main() -> None:
    """Print the answer, what it is made of, and what it costs."""
    plan = llama_70b_on_a100()
    if isinstance(plan, NoPlan):  # nothing fits: a result with its reasons, not an exception
        raise SystemExit(plan.sentence)
    at_mean, memory, cost = plan.performance.at_mean, plan.memory, plan.cost
    weights_gib, kv_kib = memory.weights_bytes / 2**30, memory.kv_cache_bytes_per_token / 1024
    print(plan.answer.sentence)
    print(f"weights      {weights_gib:.1f} GiB, KV cache {kv_kib:g} KiB a token")
    print(f"per replica  {at_mean.batch:.0f} requests decode together, ITL {at_mean.itl_s.mean * 1e3:.0f} ms")
    print(f"TTFT         {at_mean.ttft_s.p50 * 1e3:.0f} ms at p50, {at_mean.ttft_s.p95 * 1e3:.0f} ms at p95")
    print(f"holds to     {plan.answer.holds_to_requests_per_s:.1f} requests/s, then {plan.answer.breaks_first}")
    if cost.monthly_usd is not None:
        print(f"bill         {cost.monthly_usd:,.0f} USD a month: {cost.note}")


if __name__ == "__main__":
    main()
