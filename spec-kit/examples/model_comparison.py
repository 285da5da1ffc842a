"""Several models under one traffic: which fleet each of them takes, and what a million tokens then cost.

Run with fleetcast installed: python model_comparison.py
"""

from catalogs.catalog import Catalog
from engine import NoPlan, forecast, spec_from

MODELS = ("llama 3.1 8b", "qwen3 32b", "llama 3.1 70b", "gpt-oss 120b")


def main() -> None:
    """Print one line for each model, on H100s, in its own precision, with a p95 TTFT within a second."""
    catalog = Catalog.load()
    print(f"{'model':<16}{'weights':<9}{'fleet':<27}{'ITL':>7}{'TTFT p95':>10}{'USD/month':>12}{'USD/M tokens':>14}")
    for model in MODELS:
        spec = spec_from(
            {
                "model": model,
                "traffic.requests_per_s": 20,
                "tokens.input.mean": 1500,
                "tokens.output.mean": 300,
                "targets": [{"metric": "ttft", "percentile": "p95", "seconds": 1.0}],
                "hardware.accelerators": ["H100 SXM"],
            }
        )
        plan = forecast(spec, catalog)
        if isinstance(plan, NoPlan):
            print(f"{model:<16}{plan.sentence}")
            continue
        chosen, at_peak, cost = plan.chosen, plan.performance.at_peak, plan.cost
        fleet = f"{plan.fleet.replicas} × {chosen.accelerators_per_replica} = {plan.fleet.accelerators} accelerators"
        blended = cost.usd_per_million_tokens.blended if cost.usd_per_million_tokens else 0
        print(
            f"{model:<16}{chosen.precision.weights:<9}{fleet:<27}{at_peak.itl_s.mean * 1e3:>4.0f} ms"
            f"{at_peak.ttft_s.p95 * 1e3:>7.0f} ms{cost.monthly_usd or 0:>12,.0f}{blended:>14.2f}"
        )


if __name__ == "__main__":
    main()
