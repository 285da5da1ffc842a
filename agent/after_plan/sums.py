"""The sums behind a plan's figures, from its own records."""

from collections.abc import Callable, Mapping
from typing import Final

from agent.report.blocks import Block, Bullets, Column, Facts, Paragraph, Table
from agent.report.cost.price_origin import price_sourced
from agent.report.plan.replay_section import replay_sentence
from agent.report.words import accelerators_noun, calls_shown, singular, usd_shown
from catalogs.units import GIB, HOURS_PER_MONTH, show_count, show_figure, show_percent, show_seconds, show_usd
from engine.plan import CapacityPlan, Latency, Performance
from engine.question.fleet_limits import fewest_replicas

Explanation = tuple[Block, ...]


# --- how many ---------------------------------------------------------------------------------------------------------


def _fleet(plan: CapacityPlan) -> Explanation:
    capacity, chosen, traffic = plan.replica_capacity, plan.chosen, plan.spec.traffic
    noun = accelerators_noun(chosen)
    first = (
        f"One replica is {chosen.accelerators_per_replica} × {chosen.accelerator_name} and carries "
        f"{calls_shown(plan, capacity.requests_per_s)}, limited by {capacity.binds}; saturated it would do "
        f"{calls_shown(plan, capacity.saturated_requests_per_s)}."
    )
    blocks: list[Block] = [Paragraph(singular(first))]
    clients, scaling = traffic.concurrency, plan.autoscaling
    holds = scaling.target_in_flight_per_replica / scaling.target_utilisation if clients else capacity.requests_per_s
    if mean := clients or (traffic.requests_per_s or 0.0) * traffic.calls_per_request:
        peak = mean * traffic.peak_factor
        loads = [f"{show_count(load)} in flight" if clients else calls_shown(plan, load) for load in (mean, peak)]
        text = (
            f"{loads[0]} × {show_figure(traffic.peak_factor)} in the busiest hour = {loads[1]}; ÷ {show_figure(holds)}"
            f"{' a replica' * bool(clients)} = {show_figure(peak / holds)}, so {_replicas_sum(plan)} ×"
            f" {chosen.accelerators_per_replica} = {plan.fleet.accelerators} {noun}."
        )
        blocks.append(Paragraph(singular(text)))
    columns = (Column("for"), *Column.figures("replicas", noun, "monthly"), Column.sentences("why"))
    rows = tuple(
        (line.reason, show_count(line.replicas), show_count(line.accelerators), usd_shown(line.monthly_usd), line.why)
        for line in plan.fleet.ledger
        if line.accelerators or line.replicas
    )
    blocks.append(Table(columns, rows))
    moving = tuple(f"{assumption.text}: {assumption.effect}" for assumption in plan.assumptions if assumption.effect)
    if moving:
        blocks.append(Bullets(moving[:3], "What would move it:"))
    return tuple(blocks)


def _replicas_sum(plan: CapacityPlan) -> str:
    """Return the replicas that run today, as a sum where spares or a stated minimum are among them."""
    fleet, least = plan.fleet, fewest_replicas(plan.spec)
    asked = " as was asked" if least > 1 and fleet.working_replicas == least else ""
    needed = f"{fleet.working_replicas} replicas{asked}"
    return f"{needed} + {fleet.spares} spare = {fleet.replicas}" if fleet.spares else needed


def _holds(plan: CapacityPlan) -> Explanation:
    capacity = plan.replica_capacity
    total = capacity.requests_per_s * plan.fleet.working_replicas
    down = " with the spares down" if plan.fleet.spares else ""
    text = (
        f"{plan.fleet.working_replicas} replicas{down} × {calls_shown(plan, capacity.requests_per_s)} = "
        f"{calls_shown(plan, total)}. A replica stops there because of {capacity.binds}; next comes "
        f"{capacity.breaks_next}."
    )
    return (Paragraph(singular(text)),)


# --- latencies --------------------------------------------------------------------------------------------------------


def ttft_parts(plan: CapacityPlan) -> str:
    """Return what the time to the first token is made of, in the busiest hour."""
    tokens, rate = plan.spec.tokens, plan.replica_capacity.prefill_tokens_per_s
    mean_s = plan.performance.at_peak.ttft_s.mean
    alone_s = tokens.input.mean * (1 - tokens.prefix_hit) / rate if rate else 0.0
    parts = (
        f" Of the mean {show_seconds(mean_s)} at the peak {show_seconds(alone_s)} are the prefill of a mean prompt with"
        f" nobody else there, the other {show_seconds(mean_s - alone_s)} the wait and what others take of its steps."
        if 0 < alone_s < mean_s
        else ""
    )
    return (
        f"TTFT is the wait for a place in a step plus the prefill of {show_count(tokens.input.mean)} tokens on average;"
        f" the p95 also holds the long prompts.{parts}"
    )


def _ttft(plan: CapacityPlan) -> Explanation:
    lower = "Half the prompt, a shared prefix or a lower peak brings it down."
    return _latency(plan, "TTFT", lambda at: at.ttft_s, f"{ttft_parts(plan)} {lower}")


def _itl(plan: CapacityPlan) -> Explanation:
    peak = plan.performance.at_peak
    weights = plan.memory.per_accelerator.weights_bytes / GIB
    return _latency(
        plan,
        "ITL",
        lambda at: at.itl_s,
        f"A step reads {show_figure(weights)} GiB of weights per accelerator and the KV cache of "
        f"{show_figure(peak.batch)} requests, and carries other requests' prefill. More tensor parallelism, fewer "
        "weight bytes or more bandwidth bring it down.",
    )


def _e2e(plan: CapacityPlan) -> Explanation:
    peak, output = plan.performance.at_peak, plan.spec.tokens.output.mean
    total = peak.ttft_s.mean + (output - 1) * peak.itl_s.mean
    return _latency(
        plan,
        "E2E",
        lambda at: at.e2e_s,
        f"TTFT {show_seconds(peak.ttft_s.mean)} + {show_count(max(0, output - 1))} further tokens × ITL "
        f"{show_seconds(peak.itl_s.mean)} = about {show_seconds(total)} on average.",
    )


def _latency(plan: CapacityPlan, name: str, of: Callable[[Performance], Latency], text: str) -> Explanation:
    mean, peak = plan.performance.at_mean, plan.performance.at_peak
    columns = (Column(name), *Column.figures("mean", "p95", "p99", "load"))
    rows = tuple(
        (label, *map(show_seconds, (of(at).mean, of(at).p95, of(at).p99)), show_percent(at.utilisation))
        for label, at in (("at the mean rate", mean), ("at the peak hour", peak))
    )
    limits = [target for target in plan.targets if target.metric == name.lower()]
    said = "; ".join(
        f"{result.name} may be {show_seconds(result.target_s)} and is {show_seconds(result.forecast_s)}"
        for result in limits
    )
    bound = f" The fleet is sized by it: {said}." if said else ""
    return Table(columns, rows), Paragraph(f"{text}{bound}")


# --- the replica ------------------------------------------------------------------------------------------------------


def _memory(plan: CapacityPlan) -> Explanation:
    each = plan.memory.per_accelerator
    parts = (
        ("weights", each.weights_bytes),
        ("KV cache", each.kv_cache_bytes),
        ("activations", each.activations_bytes),
        ("runtime", each.runtime_bytes),
        ("not taken", each.unused_bytes),
        ("in all", each.total_bytes),
    )
    facts = Facts(tuple((label, f"{show_figure(size / GIB)} GiB") for label, size in parts))
    text = (
        f"Per {plan.chosen.accelerator_name}. The KV pool holds {show_count(plan.memory.max_concurrent_sequences)} "
        "requests of mean length, a twentieth of it left to longer ones; at the peak"
        f" {show_percent(plan.memory.headroom)} of it is free."
    )
    return facts, Paragraph(text)


def _batch(plan: CapacityPlan) -> Explanation:
    peak = plan.performance.at_peak
    text = (
        f"At the peak {show_figure(peak.batch)} requests decode together in a replica: "
        f"{calls_shown(plan, peak.requests_per_s)} × {show_seconds(peak.e2e_s.mean)} each = "
        f"{show_figure(peak.requests_per_s * peak.e2e_s.mean)} in flight (Little). Memory would hold "
        f"{show_count(plan.memory.max_concurrent_sequences)}."
    )
    return (Paragraph(text),)


def _scaling(plan: CapacityPlan) -> Explanation:
    reasons_given = tuple(f"{name.replace('_', ' ')}: {why}" for name, why in plan.autoscaling.reasons.items())
    thresholds = Bullets(reasons_given, "The thresholds:")
    replayed = replay_sentence(plan)
    return (Paragraph(replayed), thresholds) if replayed else (thresholds,)


# --- the bill ---------------------------------------------------------------------------------------------------------


def _cost(plan: CapacityPlan) -> Explanation:
    cost, offer = plan.cost, plan.chosen.offer
    if offer is None or cost.monthly_usd is None:
        return (Paragraph(cost.note or "No price is known."),)
    sum_usd = plan.fleet.instances * offer.usd_per_hour * HOURS_PER_MONTH
    fleet, noun = plan.fleet, accelerators_noun(plan.chosen)
    runs = singular(
        f"{fleet.replicas} replicas × {plan.chosen.accelerators_per_replica} = {fleet.accelerators} {noun}, in"
        f" {fleet.instances} × {offer.accelerators} = {fleet.billed_accelerators} {noun} billed."
    )
    text = (
        f"{plan.fleet.instances} × {offer.provider} {offer.instance} at {show_usd(offer.usd_per_hour)} an hour × "
        f"{HOURS_PER_MONTH:g} h = {show_usd(sum_usd)} a month"
    )
    if cost.other_monthly_usd:
        text += f", and {show_usd(cost.other_monthly_usd)} of other costs"
    bounds = ""
    if cost.cheapest_at != cost.dearest_at and cost.cheapest_monthly_usd and cost.dearest_monthly_usd:
        bounds = (
            f" The same fleet costs {show_usd(cost.cheapest_monthly_usd)} at the cheapest provider"
            f" ({cost.cheapest_at}) and {show_usd(cost.dearest_monthly_usd)} at the dearest ({cost.dearest_at})."
        )
    idle = (
        f" {show_percent(cost.idle_share)} of it pays for capacity that is idle on average." if cost.idle_share else ""
    )
    return Paragraph(f"{runs} {text}.{bounds}{idle}"), Paragraph(f"The price: {price_sourced(offer)}.")


FIGURES: Final[Mapping[str, Callable[[CapacityPlan], Explanation]]] = {
    "cost": _cost,
    "ttft": _ttft,
    "itl": _itl,
    "e2e": _e2e,
    "memory": _memory,
    "batch": _batch,
    "scaling": _scaling,
    "holds": _holds,
    "fleet": _fleet,
}
"""What explains a figure, by topic."""


def weights_spread(plan: CapacityPlan) -> str:
    """Say what the weights take of each accelerator of a replica, and what they leave for requests."""
    chosen, memory = plan.chosen, plan.memory
    each = memory.per_accelerator
    return (
        f"The weights take {show_figure(memory.weights_bytes / GIB)} GiB in {chosen.precision.weights.upper()} and one"
        f" {chosen.accelerator_name} holds {show_figure(each.total_bytes / GIB)} GiB. Spread over"
        f" {chosen.accelerators_per_replica}, weights take {show_figure(each.weights_bytes / GIB)} GiB each and leave"
        f" {show_figure(each.kv_cache_bytes / GIB)} GiB for KV, {show_count(memory.max_concurrent_sequences)} requests."
    )
