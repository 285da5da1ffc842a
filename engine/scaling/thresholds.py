"""When to scale: thresholds read from the replica's own load curve, each checked before it is given.

Demand keeps growing while a new replica starts, so the fleet scales at ρ = 1/(g(R)·burst) of a replica's capacity: one
reaction later it stands at the capacity, with the targets still met.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from math import exp, sqrt

from msgspec import Struct
from msgspec.structs import replace

from catalogs.units import show_rate
from engine.plan import Autoscaling
from engine.question.demand import Demand, replicas_for
from engine.question.fleet_limits import fewest_replicas
from engine.replica.load_curve import LoadCurve
from engine.scaling.controller import TOLERANCE, asked_on
from engine.workload import Scaling, Target, WorkloadSpec

STABILISATION_S = 300.0
"""Kubernetes' HPA default for scaling down."""
FULL = 0.99
"""Share of the KV pool from which it counts as full."""
KV_CEILING = 0.95
"""Beyond it the runtime preempts requests or holds them back."""
HARD_GROWTH = 2.0
"""Growth within a reaction from which holding headroom costs as much as a second fleet."""


class _Replica(Struct, frozen=True):
    """One replica, and the load that it is scaled at."""

    curve: LoadCurve
    capacity: float
    saturated: float
    planned: float
    growth: float
    """Demand one reaction later over demand now, bursts included: 1/ρ."""


def autoscaling(
    spec: WorkloadSpec,
    demand: Demand,
    curve: LoadCurve,
    *,
    capacity_rps: float,
    saturated_rps: float,
    prefill_s: float,
    weights_bytes_per_replica: float,
    mean_rps: float,
    mean_clients: float | None = None,
    headroom: float = 1.0,
    scale_down_window_s: float | None = None,
) -> Autoscaling:
    """Return the thresholds, with the reason of each and a warning for each that cannot do its work.

    Args:
        spec: its scaling, targets and smallest fleet are used.
        curve: one replica at rising loads.
        capacity_rps: λ_cap, the largest load of one replica within the targets, requests/s.
        saturated_rps: λ_max, its load when every queue is full, requests/s.
        prefill_s: a mean prompt's own prefill, seconds.
        weights_bytes_per_replica: loaded when a replica starts, bytes.
        mean_rps: mean load of the whole fleet, model calls/s.
        mean_clients: who send it, each the next when the last is answered: what grows is then in flight, and the rate
            follows it; None where requests arrive by themselves.
        headroom: growth beyond that of the demand's shape that replicas are held for: a replay's correction.
        scale_down_window_s: a replay's correction, seconds.
    """
    parts = reaction_parts(spec.scaling, weights_bytes_per_replica)
    reaction = sum(parts.values())
    growth = demand.growth_within(reaction)
    grown = growth * demand.burst * headroom
    utilisation = 1 / grown
    planned = utilisation * capacity_rps
    if mean_clients:
        planned = curve.load_at_in_flight(utilisation * curve.in_flight_at(capacity_rps))
    replica = _Replica(curve, capacity_rps, saturated_rps, planned, grown)
    in_flight = curve.in_flight_at(replica.planned)
    queue, queue_why = _queue_guard(spec, replica, prefill_s)
    usage, usage_why = _kv_threshold(replica)
    ttft, ttft_why = _ttft_threshold(spec, replica)
    busy, busy_why = _gpu_utilisation(replica)
    reasons = _plain_reasons(replica, demand, growth, parts) | {
        "queue_length": queue_why,
        "ttft_s": ttft_why,
        "kv_cache_usage": usage_why,
        "gpu_utilisation": busy_why,
        "rps_per_replica": "the target utilisation × capacity. Scale on the larger ask of the two: in flight falls "
        "faster than load, and alone it would ask for fewer replicas than the rate needs, some of them in turn",
    }
    if mean_clients:
        most = curve.in_flight_at(capacity_rps)
        reasons |= {
            "target_in_flight_per_replica": f"the target utilisation × the {most:.3g} of its capacity: clients that "
            "wait for answers are in flight whatever the number of replicas, and their number is what grows",
            "rps_per_replica": "the rate at which so many are in flight on the replica's own curve",
        }
    answer = Autoscaling(
        target_in_flight_per_replica=in_flight,
        rps_per_replica=replica.planned,
        queue_length=queue,
        ttft_s=ttft,
        kv_cache_usage=usage,
        gpu_utilisation=busy,
        target_utilisation=utilisation,
        growth_within_reaction=growth,
        scale_down_window_s=scale_down_window_s or max(STABILISATION_S, 2 * reaction),
        reaction_time_s=reaction,
        reaction_parts_s=parts,
        reasons=reasons,
        warnings=(),
    )
    mean, each = (mean_clients, in_flight) if mean_clients else (mean_rps, planned)
    share = mean / max(fewest_replicas(spec), _enough(mean, each))
    load = curve.load_at_in_flight(share) if mean_clients else share
    steady = () if mean_clients else (mean_rps, mean_rps * demand.peak_factor)
    return replace(answer, warnings=tuple(_warnings(spec, replica, answer, load, steady)))


def reaction_parts(scaling: Scaling, weights_bytes: float) -> dict[str, float]:
    """Return the parts of R, from a rise in demand to a new replica that serves, seconds."""
    return {
        "scrape": scaling.scrape_s,
        "poll": scaling.poll_s,
        "controller": scaling.controller_s,
        "metric_window": scaling.metric_window_s,
        "node": scaling.node_s or 0.0,
        "image": scaling.image_s or 0.0,
        "weights": weights_bytes / scaling.weights_bytes_per_s,
        "warm_up": scaling.warm_up_s,
        "ready": scaling.ready_s,
    }


# --- thresholds ---


def _queue_guard(spec: WorkloadSpec, replica: _Replica, prefill_s: float) -> tuple[float, str]:
    own = replica.curve.ttft_p95_at(replica.capacity)
    limit = min((target.seconds for target in spec.targets if target.metric == "ttft"), default=own)
    whose = "the TTFT target" if any(target.metric == "ttft" for target in spec.targets) else "the plan's own p95 TTFT"
    patience = max(0.0, limit - prefill_s)
    formula = replica.capacity * patience
    # At capacity the targets are still met, so what waits there is no reason to add a replica; and one request that
    # waits for a step is no queue.
    value = max(formula, replica.curve.waiting_at(replica.capacity), 1.0)
    why = (
        f"a guard: who arrives behind the capacity of {replica.capacity:.3g} requests/s × ({whose} {limit:.3g} s − "
        f"prefill {prefill_s:.3g} s) = {formula:.3g} waiting requests misses it"
    )
    if value > formula:
        why += f"; raised to {value:.3g}, which is one request or what waits at capacity with the targets still met"
    return value, why


def _kv_threshold(replica: _Replica) -> tuple[float, str]:
    full = replica.curve.load_at_kv_cache_usage(FULL)
    if full is not None:
        value = replica.curve.kv_cache_usage_at(full / replica.growth)
        why = f"the pool is full at {full:.3g} requests/s; this is its usage at {full / replica.growth:.3g} requests/s"
    else:
        most = replica.curve.kv_cache_usage_at(replica.saturated)
        value = 1 / replica.growth
        why = (
            f"the pool is at most {most:.0%} full even at saturation, so that this guard fires only when requests are "
            f"longer than planned: 1/{replica.growth:.3g}"
        )
    planned = replica.curve.kv_cache_usage_at(replica.planned)
    # Never below what the planned load uses, or it would fire on it.
    return min(1.0, max(min(value, KV_CEILING), planned)), f"one reaction of growth below full: {why}"


def _ttft_threshold(spec: WorkloadSpec, replica: _Replica) -> tuple[float, str]:
    own = replica.curve.ttft_p95_at(replica.planned)
    upper, whose = ttft_upper(spec.targets, own, replica.curve.ttft_p95_at(replica.capacity))
    if upper <= own:
        return own * (1 + TOLERANCE), f"the plan's own p95 {own:.3g} s and {TOLERANCE:.0%}: TTFT hardly moves with load"
    value = sqrt(own * upper)
    return value, f"between the plan's own p95 {own:.3g} s and {whose} {upper:.3g} s (geometric mean), on p95"


def ttft_upper(targets: Iterable[Target], own: float, at_capacity: float) -> tuple[float, str]:
    """Return the TTFT below which a threshold lies, seconds, and whose it is: the tightest target that the plan meets.

    Args:
        targets: of the plan.
        own: p95 at the load that is planned.
        at_capacity: the same at the capacity, which stands in where no target is of a tail.
    """
    tails = [t for t in targets if t.metric == "ttft" and t.percentile in ("p95", "p99") and t.seconds > own]
    tightest = min(tails, key=lambda target: target.seconds, default=None)
    if tightest:
        return tightest.seconds, f"the {tightest.percentile} target"
    return max(at_capacity, own), "its p95 at capacity"


def _gpu_utilisation(replica: _Replica) -> tuple[float, str]:
    # Share of time in which any step runs: 1 − P(nobody there), as if requests came and went independently (M/G/∞).
    busy = 1 - exp(-replica.curve.in_flight_at(replica.planned))
    early = replica.curve.load_at_in_flight(3.0)  # 1 − e^−3 = 95 %
    share = min(1.0, early / replica.capacity)
    return busy, (
        f"what nvidia-smi will show at the planned load, never a trigger: it reads 95 % from {early:.3g} requests/s "
        f"on, {share:.0%} of capacity"
    )


def _plain_reasons(replica: _Replica, demand: Demand, growth: float, parts: dict[str, float]) -> dict[str, str]:
    reaction, share = sum(parts.values()), replica.planned / replica.capacity
    longest = max(parts, key=lambda part: parts[part])
    return {
        "target_utilisation": f"1/(growth within a reaction {growth:.3g} × burst {demand.burst:.3g}): one reaction of "
        f"growth later a replica stands at its capacity of {replica.capacity:.3g} requests/s",
        "target_in_flight_per_replica": f"running and waiting at {replica.planned:.3g} requests/s ({share:.0%} of "
        f"capacity) on the replica's own curve, where {replica.curve.in_flight_at(replica.capacity):.3g} are at "
        f"capacity: in flight grows faster than load, and {share:.0%} of the latter would react too late",
        "scale_down_window_s": f"the larger of {STABILISATION_S:g} s (Kubernetes' default) and two reactions, so that "
        f"no replica goes that would be asked back before it could return",
        "reaction_time_s": f"the sum of its parts; the longest is {longest} with {parts[longest]:.3g} s",
        "growth_within_reaction": f"95th percentile of demand {reaction:.3g} s later over demand now: hours by the "
        f"profile (peak {demand.peak_factor:.3g} × mean), minutes as public traces show them",
    }


# --- checks ---


def _warnings(
    spec: WorkloadSpec, replica: _Replica, answer: Autoscaling, load: float, steady: Sequence[float]
) -> Iterator[str]:
    """Yield which thresholds cannot do their work.

    Args:
        load: a replica's share of the mean load, requests/s.
        steady: loads of the fleet that must not move it, requests/s; none of clients that wait for their answers, who
            are as many whatever the fleet.
    """
    yield from _too_late(spec, replica, answer, closed=not steady)
    felt = {
        "in-flight target": (replica.curve.in_flight_at(load), answer.target_in_flight_per_replica * (1 + TOLERANCE)),
        "queue guard": (replica.curve.waiting_at(load), answer.queue_length),
        "KV threshold": (replica.curve.kv_cache_usage_at(load), answer.kv_cache_usage),
        "TTFT threshold": (replica.curve.ttft_p95_at(load), answer.ttft_s),
    }
    for name, (value, threshold) in felt.items():
        if value > threshold * (1 + 1e-9):
            yield f"the {name} {threshold:.3g} fires at the mean load already ({value:.3g} there): add headroom"
    for rate in steady:
        if _flaps(_enough(rate, answer.rps_per_replica), partial(_ask, rate, replica.curve, answer)):
            yield f"at a steady {show_rate(rate)} the thresholds would add and remove replicas in turn: widen them"
    if replica.growth >= HARD_GROWTH:
        longest = max(answer.reaction_parts_s, key=lambda part: answer.reaction_parts_s[part])
        yield (
            f"demand may grow {replica.growth:.3g} times within the reaction of {answer.reaction_time_s:.3g} s: "
            f"reacting needs that much idle capacity; shorten it ({longest}: "
            f"{answer.reaction_parts_s[longest]:.3g} s), scale on a schedule, or keep the maximum running"
        )


def _too_late(spec: WorkloadSpec, replica: _Replica, answer: Autoscaling, *, closed: bool) -> Iterator[str]:
    curve = replica.curve
    acts_at = curve.load_at_in_flight(answer.target_in_flight_per_replica * (1 + TOLERANCE))
    if curve.in_flight_at(replica.saturated) <= answer.target_in_flight_per_replica * (1 + TOLERANCE):
        yield (
            f"the in-flight target {answer.target_in_flight_per_replica:.3g} is too near to saturation to fire through "
            f"the autoscaler's {TOLERANCE:.0%} tolerance: lower the utilisation ceiling"
        )
    elif not closed and acts_at * replica.growth > replica.saturated * (1 + 1e-9):
        yield (
            f"through its {TOLERANCE:.0%} tolerance the autoscaler acts at {acts_at:.3g} requests/s per replica, and "
            f"one reaction later demand is {acts_at * replica.growth:.3g}, beyond the saturated "
            f"{replica.saturated:.3g}: lower the utilisation ceiling or the tolerance"
        )
    if curve.ttft_p95_at(replica.saturated) <= answer.ttft_s:
        yield (
            f"the TTFT threshold {answer.ttft_s:.3g} s is not reached even at saturation on this curve: it will not "
            f"fire before the in-flight target does"
        )
    own = curve.ttft_p95_at(answer.rps_per_replica)
    for target in spec.targets:
        if target.metric == "ttft" and target.percentile in ("p95", "p99") and target.seconds <= own:
            given = f"the TTFT target {target.seconds:.3g} s is below the plan's own p95 {own:.3g} s"
            yield f"{given}: no threshold can hold it"


def _enough(load: float, per_replica: float) -> int:
    return max(1, replicas_for(load, per_replica))


def _ask(load: float, curve: LoadCurve, answer: Autoscaling, replicas: int) -> int:
    each = load / replicas
    return max(
        asked_on(replicas, curve.in_flight_at(each), answer.target_in_flight_per_replica),
        asked_on(replicas, each, answer.rps_per_replica),
    )


def _flaps(start: int, ask: Callable[[int], int]) -> bool:
    """Return whether a steady load makes the autoscaler go round in a circle, one ask after the other."""
    seen: list[int] = []
    replicas = start
    while replicas not in seen and len(seen) < 32:
        seen.append(replicas)
        replicas = ask(replicas)
    return replicas != seen[-1]
