"""A realistic plan, written by hand: Llama 3.1 70B in BF16, 10 requests/s, three replicas of four A100s."""

from msgspec.structs import replace

from agent.report.rendering.layout import Line
from engine.plan import (
    AcceleratorMemory,
    Alternative,
    Answer,
    Assumption,
    Autoscaling,
    CapacityPlan,
    Chosen,
    ChosenOffer,
    ChosenPrecision,
    Cost,
    Energy,
    Fleet,
    Latency,
    LaunchFlag,
    LedgerLine,
    Memory,
    Performance,
    PerformanceAt,
    Provenance,
    Rejection,
    ReplicaCapacity,
    TargetResult,
    TokenPrices,
)
from engine.workload import Source, Statement, Target, merge, spec_from

GIB = 2.0**30


def plan() -> CapacityPlan:
    """Return the plan: every target met but the end-to-end one, one warning, all parts filled."""
    values, sources, _ = merge(
        (
            Statement(
                "flag",
                {
                    "traffic.requests_per_s": 10.0,
                    "tokens.input.mean": 500.0,
                    "tokens.output.mean": 200.0,
                    "model": "llama-3.1-70b",
                    "precision.weights": "bf16",
                    "hardware.accelerators": ("a100-sxm-80gb",),
                },
                {
                    "traffic.requests_per_s": "--rps",
                    "tokens.input.mean": "--input-tokens",
                    "tokens.output.mean": "--output-tokens",
                    "model": "--model",
                    "precision.weights": "--precision",
                    "hardware.accelerators": "--gpu-type",
                },
            ),
            Statement(
                "said",
                {
                    "targets": (
                        Target(metric="ttft", percentile="p95", seconds=0.8),
                        Target(metric="itl", percentile="mean", seconds=0.06),
                        Target(metric="e2e", percentile="p99", seconds=24.0),
                    )
                },
                {"targets": "p95 TTFT under 800ms, ITL 60ms, p99 under 24s"},
            ),
            Statement("preset", {"tokens.prefix_hit": 0.0, "traffic.burstiness": 1.1}, {"traffic.burstiness": "chat"}),
        )
    )
    return CapacityPlan(
        answer=Answer(
            meets_targets=False,
            sentence="12 × A100 SXM4 80GB: 3 replicas of TP4 serve Llama 3.1 70B in BF16 on vLLM",
            holds_to_requests_per_s=16.2,
            breaks_first="TTFT p95",
        ),
        spec=spec_from(values),
        sources=dict(sources) | {"traffic.peak_factor": Source("default")},
        chosen=chosen(),
        memory=memory(),
        performance=PerformanceAt(at_mean=performance(3.33, 41.2, 0.055), at_peak=performance(5.0, 64.6, 0.0587)),
        targets=(
            TargetResult("ttft", "p95", 0.8, 0.64, True),
            TargetResult("itl", "mean", 0.06, 0.0587, True),
            TargetResult("e2e", "p99", 24.0, 27.6, False),
        ),
        replica_capacity=ReplicaCapacity(5.4, 7.1, "TTFT p95", "prefill and decode together fill the device"),
        fleet=fleet(),
        autoscaling=autoscaling(),
        cost=cost(),
        energy=Energy(
            watts=3840.0,
            kwh_per_month=2803.2,
            joules_per_output_token=1.92,
            g_co2e_per_month=1_121_280.0,
            basis="measured power by load on A100, Llama 70B (ML.ENERGY)",
        ),
        alternatives=alternatives(),
        rejected=rejected(),
        assumptions=(
            Assumption("Requests arrive at random within the hour (Poisson)"),
            Assumption("The busiest hour has 1.5 × the mean rate", "at 2 × it would take 16 GPUs"),
            Assumption("No prompt shares a prefix with another", "with half of it cached 8 GPUs would do"),
            Assumption("Lengths spread with a CV of 0.8", "with fixed lengths it would stay 12 GPUs"),
            Assumption("No spare replicas were asked for", "one spare makes it 16 GPUs"),
        ),
        warnings=(
            "E2E p99 of 24 s cannot be met on A100: a p99 answer of 893 tokens takes 24.9 s at a batch of one; "
            "28 s works, or H100.",
            "The price of a2-ultragpu-4g was checked more than 90 days before the catalog's newest.",
        ),
        bands=None,
        provenance=Provenance(
            program="fleetcast",
            version="0.1.0",
            catalog="sha256:5f0c2f7b9a4e",
            kernels="measured on the A100 SXM4 80GB itself (vLLM 0.14)",
            method="step table, closed-form queue; spec-kit/methodology.md",
        ),
    )


def unpriced() -> CapacityPlan:
    """Return the plan without any price and without any target."""
    base = plan()
    ledger = tuple(replace(line, monthly_usd=None) for line in base.fleet.ledger)
    cost = Cost(None, None, None, None, None, None, None, None, None, 0.0, None, "no offer of it has a price")
    return replace(
        base,
        answer=replace(base.answer, meets_targets=True),
        spec=replace(base.spec, targets=()),
        targets=(),
        chosen=replace(base.chosen, offer=None),
        fleet=replace(base.fleet, ledger=ledger),
        cost=cost,
        energy=None,
        alternatives=tuple(replace(item, monthly_usd=None) for item in base.alternatives),
        warnings=(),
    )


def verbose() -> CapacityPlan:
    """Return a plan whose every sentence and name is far too long, with twelve targets, eleven of them missed."""
    base = plan()
    long = "a sentence that goes on about the placement of replicas over zones " * 8
    name = "nvidia-h100-sxm5-80gb-in-a-very-long-catalog-name-of-an-accelerator"
    targets = tuple(
        TargetResult(metric, percentile, 0.0123456, 1.23456 + number, number == 0)
        for number, (metric, percentile) in enumerate(
            (metric, percentile) for metric in ("ttft", "itl", "e2e") for percentile in ("mean", "p50", "p95", "p99")
        )
    )
    offer = ChosenOffer(
        "a-provider-with-a-long-name", "asia-southeast-3-zone-b", name, 8, "reserved_3y", 12.3, long, "2026-08-03"
    )
    return replace(
        base,
        answer=Answer(False, long, 123456.0, long),
        chosen=replace(
            base.chosen,
            accelerator_name=name,
            model_name=f"{name}/{name}",
            offer=offer,
            command=base.chosen.command + " --some-flag value" * 30,
        ),
        targets=targets,
        fleet=replace(
            base.fleet,
            replicas=123_456,
            accelerators=12_345_678,
            ledger=tuple(replace(line, why=long) for line in base.fleet.ledger),
        ),
        alternatives=tuple(replace(item, accelerator_name=name, why_not=long) for item in base.alternatives),
        assumptions=tuple(Assumption(long, long) for _ in range(9)),
        warnings=(long, long, long),
    )


def chosen() -> Chosen:
    return Chosen(
        model="llama-3.1-70b",
        model_name="Llama 3.1 70B",
        accelerator="a100-sxm-80gb",
        accelerator_name="A100 SXM4 80GB",
        accelerators_per_replica=4,
        tensor_parallel=4,
        pipeline_parallel=1,
        data_parallel=1,
        expert_parallel=1,
        precision=ChosenPrecision("bf16", "bf16", "bf16"),
        runtime="vllm",
        offer=ChosenOffer(
            provider="gcp",
            region="us-central1",
            instance="a2-ultragpu-4g",
            accelerators=4,
            term="on_demand",
            usd_per_hour=20.2752,
            source="cloudpilot-ai/karpenter-provider-gcp pkg/providers/pricing/initial-prices.json",
            checked="2026-08-03",
        ),
        command=(
            "vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 4 --dtype bfloat16 "
            "--max-num-seqs 256 --max-num-batched-tokens 2048 --gpu-memory-utilization 0.9"
        ),
        flags=(LaunchFlag("--tensor-parallel-size", "4", "each layer is split over 4 accelerators"),),
    )


def memory() -> Memory:
    total, weights, activations, runtime = 79.25 * GIB, 32.86 * GIB, 1.1 * GIB, 1.5 * GIB
    kv = 0.9 * total - weights - activations - runtime
    return Memory(
        weights_bytes=131.42 * GIB,
        kv_cache_bytes_per_token=320 * 1024.0,
        kv_cache_bytes_per_sequence=600 * 320 * 1024.0,
        kv_cache_pool_bytes=4 * kv,
        max_concurrent_sequences=781,
        max_concurrent_sequences_p95=318,
        headroom=0.89,
        verdict="compatible",
        per_accelerator=AcceleratorMemory(
            total_bytes=total,
            weights_bytes=weights,
            kv_cache_bytes=kv,
            activations_bytes=activations,
            runtime_bytes=runtime,
            unused_bytes=0.1 * total,
        ),
    )


def performance(rate: float, batch: float, itl: float) -> Performance:
    return Performance(
        requests_per_s=rate,
        batch=batch,
        in_flight=batch * 1.04,
        utilisation=rate / 7.1,
        kv_cache_usage=batch / 781,
        output_tokens_per_s=rate * 200,
        ttft_s=latency(0.31 * itl / 0.055),
        itl_s=latency(itl, 1.12),
        e2e_s=latency(200 * itl, 2.2),
        token_gap_s=latency(itl, 3.4),
    )


def latency(mean: float, tail: float = 2.0) -> Latency:
    return Latency(mean, mean * 0.95, mean * (1 + 0.6 * (tail - 1)), mean * (1 + 0.8 * (tail - 1)), mean * tail)


def fleet() -> Fleet:
    month = 20.2752 * 730
    return Fleet(
        replicas=3,
        minimum_replicas=1,
        maximum_replicas=4,
        accelerators=12,
        instances=3,
        billed_accelerators=12,
        maximum_accelerators=16,
        capacity_requests_per_s=16.2,
        capacity_output_tokens_per_s=3240.0,
        ledger=(
            LedgerLine("mean", "10 requests/s at 5.4 per replica", 2, 8, 2 * month),
            LedgerLine("peak", "the busiest hour has 1.5 × the mean: 15 requests/s", 1, 4, month),
            LedgerLine("growth", "20 % more within the horizon of 1 year", 1, 4, month),
            LedgerLine("spares", "none were asked for", 0, 0, 0.0),
        ),
    )


def autoscaling() -> Autoscaling:
    return Autoscaling(
        target_in_flight_per_replica=48.3,
        rps_per_replica=4.06,
        queue_length=2.7,
        ttft_s=0.72,
        kv_cache_usage=0.75,
        gpu_utilisation=0.99,
        target_utilisation=0.752,
        growth_within_reaction=1.33,
        scale_down_window_s=512.0,
        reaction_time_s=256.0,
        reaction_parts_s={
            "scrape": 15.0,
            "poll": 30.0,
            "controller": 15.0,
            "metric_window": 60.0,
            "node": 0.0,
            "weights": 66.0,
            "warm_up": 60.0,
            "ready": 10.0,
        },
        reasons={
            "target_in_flight_per_replica": "requests in flight at 75 % of a replica's capacity, from its load curve",
            "rps_per_replica": "75 % of 5.4 requests/s",
            "queue_length": "5.4 requests/s × (800 ms − 300 ms of prefill): a longer queue breaks the TTFT target",
            "ttft_s": "between the forecast of 640 ms and the target of 800 ms",
            "gpu_utilisation": "it saturates long before targets break",
            "scale_down_window_s": "twice the reaction time",
        },
        warnings=("The KV cache never fills before TTFT breaks: its threshold stays silent.",),
    )


def cost() -> Cost:
    month = 20.2752 * 730
    return Cost(
        monthly_usd=3 * month,
        minimum_monthly_usd=month,
        autoscaled_monthly_usd=2.31 * month,
        maximum_monthly_usd=4 * month,
        usd_per_request=3 * month / (10 * 730 * 3600),
        usd_per_million_tokens=TokenPrices(1.13, 5.62, 2.41),
        idle_share=0.38,
        cheapest_monthly_usd=24_440.4,
        dearest_monthly_usd=49_999.7,
        other_monthly_usd=0.0,
        within_budget=None,
        note="Whole instances are billed; the median of 9 qualifying offers",
    )


def alternatives() -> tuple[Alternative, ...]:
    return (
        Alternative(
            "h100-sxm-80gb", "H100 SXM5 80GB", "bf16", 4, 1, 1, 1, 2, 8, 51_322.0, 0.41, 0.0321,
            "15 % dearer; meets every target, E2E p99 included",
        ),
        Alternative(
            "h200-sxm-141gb", "H200 SXM5 141GB", "fp8", 2, 1, 1, 1, 2, 4, 25_117.0, 0.52, 0.0388,
            "another precision than the one asked for",
        ),
        Alternative("l40s", "L40S", "bf16", 8, 2, 1, 1, 3, 48, None, 1.92, 0.0873, "no price; PCIe all-reduce is slow"),
    )  # fmt: skip


def rejected() -> tuple[Rejection, ...]:
    return (
        Rejection(
            "1 × A100 SXM4 80GB", "the weights do not fit", 131.42 * GIB, 71.3 * GIB, "bytes", ("TP2", "INT4 weights")
        ),
        Rejection("A100 with FP8 weights", "the accelerator has no FP8 unit; it would run as BF16", None, None, ""),
        Rejection("2 × A100 SXM4 80GB", "reading the weights once takes too long", 0.034, 0.025, "s", ("ITL 40 ms",)),
    )


def line_text(line: Line) -> str:
    """Return a line without its tones."""
    return "".join(span.text for span in line)
