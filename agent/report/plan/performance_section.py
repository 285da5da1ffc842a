"""What one replica does, as the full report shows it: latencies, the simulation beside them, and what binds."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from agent.report.blocks import Block, Column, Facts, Heading, Paragraph, Table
from agent.report.simulated_latencies import simulated_latencies
from agent.report.words import calls_shown, figure, listed_names
from catalogs.units import show_count, show_figure, show_percent, show_rate, show_seconds
from engine.plan import CapacityPlan, Verification


def performance_tables(plan: CapacityPlan) -> Iterator[Block]:
    """Yield load and latencies of one replica, at the mean and at the peak."""
    loads: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        ("load", "requests_per_s", show_rate),
        ("decoding together", "batch", show_figure),
        ("running or waiting", "in_flight", show_figure),
        ("utilisation", "utilisation", show_percent),
        ("KV cache in use", "kv_cache_usage", show_percent),
        ("output", "output_tokens_per_s", partial(show_rate, unit="tokens/s")),
    )
    yield Table(
        (Column(""), Column("at mean", "right"), Column("at peak", "right")),
        tuple(
            (label, *(figure(plan, f"performance.at_{when}.{name}", shown) for when in ("mean", "peak")))
            for label, name, shown in loads
        ),
    )
    names = ("mean", "p50", "p90", "p95", "p99")
    yield Table(
        (Column("latency"), *(Column(name, "right") for name in names)),
        tuple(
            (
                f"{metric} at {when}",
                *(figure(plan, f"performance.at_{when}.{field}.{name}", show_seconds) for name in names),
            )
            for metric, field in (("TTFT", "ttft_s"), ("ITL", "itl_s"), ("E2E", "e2e_s"), ("token gap", "token_gap_s"))
            for when in ("mean", "peak")
        ),
    )


def simulated_blocks(plan: CapacityPlan) -> Iterator[Block]:
    """Yield the simulation beside the formulas; nothing where the plan was not simulated."""
    verification = plan.verification
    if verification is None:
        return
    yield Heading("Simulated")
    one, whole = verification.replicas == 1, verification.replicas == plan.fleet.working_replicas
    who = "One replica" if one else f"{verification.replicas} replicas{'' if whole else ' of the fleet'}"
    down = ", the spares down," if plan.fleet.spares else ""
    shared = "" if one else " on each, every request to the one with the fewest outstanding"
    yield Paragraph(
        f"{who}{down} at the peak hour, request by request: {show_count(verification.requests)} requests at "
        f"{calls_shown(plan, verification.requests_per_s)}{shared}; seed {verification.seed}."
    )
    yield Paragraph(sized_sentence(plan, verification))
    yield simulated_latencies(
        verification.ttft_s, verification.itl_s, verification.e2e_s, ("mean", "p50", "p95", "p99")
    )


def sized_sentence(plan: CapacityPlan, verification: Verification) -> str:
    """Return which of formulas and simulation sized the fleet, and why, and where they differ beyond the interval."""
    if verification.sized:
        why = "as asked" if plan.provenance.refine else "since a target failed in it at the capacity of the formulas"
        text = f"The simulation sized the fleet and gives the forecast, {why}."
    elif not plan.answer.meets_targets:
        text = "The formulas sized the fleet; a target that fails in either counts as missed."
    else:
        kept = "every target is kept in" if plan.targets else "the fleet keeps pace in"
        text = f"The formulas sized the fleet and give the forecast: {kept} the simulation too, which changes nothing."
    faster, slower = [], []
    for label, latency in (("TTFT", verification.ttft_s), ("ITL", verification.itl_s), ("E2E", verification.e2e_s)):
        for name in ("mean", "p50", "p95") if latency else ():
            figure = getattr(latency, name)
            if figure.formula is None or figure.low is None:
                continue
            if figure.high < figure.formula:
                faster.append(f"{label} {name}")
            if figure.low > figure.formula:
                slower.append(f"{label} {name}")
    differs = [f"{listed_names(names)} {how}" for names, how in ((faster, "faster"), (slower, "slower")) if names]
    return f"{text} Beyond its interval it has {', '.join(differs)} than the formulas." if differs else text


def binding_facts(plan: CapacityPlan) -> Facts:
    """Return how much one replica and the fleet serve, and what stops them there."""
    calls = partial(calls_shown, plan)
    one, out = plan.replica_capacity, show_rate(plan.fleet.capacity_output_tokens_per_s, "output tokens/s")
    return Facts(
        (
            ("one replica serves", figure(plan, "replica_capacity.requests_per_s", calls, " within the targets")),
            ("what stops it there", one.binds),
            ("what breaks next", one.breaks_next),
            ("with every queue full", figure(plan, "replica_capacity.saturated_requests_per_s", calls)),
            ("the fleet serves", figure(plan, "fleet.capacity_requests_per_s", show_rate, f", {out}")),
        )
    )
