"""When nothing meets the wish: why, how near the nearest comes, and which change would be enough."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.errors import InputError
from engine.fleet.prices import with_a_price
from engine.fleet.search import SizedCandidates, search, with_targets
from engine.fleet.useful_load import MARGIN, relaxed_targets
from engine.plan import NoPlan, Rejection
from engine.planning.phrases import latency_shown
from engine.question.fleet_limits import (
    allowed_accelerators,
    ceilings,
    fewest_replicas,
    given_replicas,
    without_ceilings,
)
from engine.question.resolve import Question
from engine.replica.batches import capacity_batch
from engine.workload import Hardware, Target


def no_plan(question: Question, evaluated: SizedCandidates) -> NoPlan | None:
    """Return NoPlan when no candidate is legal and fits in memory; None when one does and only falls short."""
    if len(evaluated.candidates):
        return None
    reasons = tuple(replace(reason, relaxations=()) for reason in evaluated.rejected)
    where = (
        ", ".join(a.name for a in question.accelerators[:3]) if len(question.accelerators) <= 3 else "any accelerator"
    )
    what = f"{question.model.name} in {question.weights.name}"
    first = f": {reasons[0].reason.replace(f'{what} does not', 'it does not')}" if len(reasons) == 1 else ""
    return NoPlan(f"{what} cannot run on {where}{first}", reasons)


class Nearest(Struct, frozen=True):
    """The nearest candidates of a question that none meets."""

    evaluated: SizedCandidates
    misses: tuple[Rejection, ...]
    """What is missed and by how much."""
    eased: tuple[Target, ...] = ()
    """Of the targets, those that nothing meets, as the nearest candidate can hold them."""
    may_be_reached: bool = True
    """Whether another format or accelerator may still meet the targets: the narrowest format reads a quarter of the
    bytes, and where even that is too slow everywhere, no search is spent."""


def explain_misses(question: Question, evaluated: SizedCandidates) -> Nearest:
    """Return the nearest candidates, and what they miss.

    Either a ceiling on the fleet is too low (the fleet is then sized as if it were not there) or a target lies below
    what any candidate reaches, or so near to it that a fleet would be many replicas of nearly nothing (the targets are
    then relaxed to what the nearest one that somebody offers can hold at a useful load).
    """
    capped = _capped(question, evaluated, question.spec.targets)
    if capped is not None:
        return Nearest(*capped)
    ceiling = question.spec.serving.utilisation_ceiling
    candidates, targets = evaluated.candidates, question.spec.targets
    nearest, relaxed, floors = relaxed_targets(
        evaluated.replicas, evaluated.lightest, targets, ceiling, with_a_price(question, candidates)
    )
    accelerator = candidates.accelerator(nearest)
    size = int(candidates.parallelism.accelerators[nearest])
    furthest = max(float(np.min(floor)) / t.seconds for floor, t in zip(floors, targets, strict=True))
    may_be_reached = bool(question.spec.hardware.accelerators) or furthest <= 4
    misses = tuple(
        Rejection(
            f"{size} × {accelerator.name} per replica, {target.name}",
            (_floor_reason if floor[nearest] > target.seconds else _near_floor_reason)(
                question, evaluated, nearest, target, float(floor[nearest])
            ),
            target.seconds,
            float(floor[nearest]),
            "s",
        )
        for target, eased, floor in zip(targets, relaxed, floors, strict=True)
        if eased.seconds > target.seconds
    )
    loose = tuple(new for old, new in zip(targets, relaxed, strict=True) if new.seconds > old.seconds)
    # The relaxed targets may each be within reach and not together, or only for a fleet beyond its ceiling.
    for wanted in (relaxed, ()):
        found = with_targets(question, evaluated, wanted)
        if len(found.order):
            return Nearest(found, misses, loose, may_be_reached)
        capped = _capped(question, found, wanted)
        if capped is not None:
            return Nearest(capped[0], (*misses, *capped[1]), loose, may_be_reached)
    raise AssertionError("without targets every candidate that fits has a capacity")


def _capped(
    question: Question, evaluated: SizedCandidates, targets: Sequence[Target]
) -> tuple[SizedCandidates, tuple[Rejection, ...]] | None:
    """Return the best fleet without its ceiling, where only the ceiling is in the way."""
    known = np.flatnonzero(~np.isnan(evaluated.capacity))
    hardware, candidates = question.spec.hardware, evaluated.candidates
    if hardware == without_ceilings(hardware) or not len(known):
        return None
    held_whole = given_replicas(hardware, candidates.unit_sizes.take(known))
    if held_whole is not None and np.isnan(held_whole).all():
        smallest = int(known[np.argmin(candidates.parallelism.accelerators[known])])
        raise InputError(_too_small(question, evaluated, smallest))
    kept = replace(question.spec.availability, minimum_replicas=fewest_replicas(question.spec))
    free = {"hardware": without_ceilings(hardware), "availability": kept}
    without = _nearest_first(search(replace(question, spec=replace(question.spec, **free)), targets), hardware)
    row = int(without.order[0])
    limits = ceilings(hardware, without.candidates.unit_sizes.take(row))
    limit = min(limits, key=lambda one: one.accelerators)
    needed = limit.needed(float(without.accelerators[row]))
    are = "is" if limit.count == 1 else "are"
    reason = f"the load needs {limit.counted(needed)} and {limit.count} {are} allowed"
    return without, (
        Rejection(f"a fleet of {limit.counted(limit.count)}", reason, float(needed), float(limit.count), limit.unit),
    )


def _nearest_first(evaluated: SizedCandidates, hardware: Hardware) -> SizedCandidates:
    """Return an evaluation whose order begins with the fleets least above what is allowed, the best of them first.

    A limit on replicas alone leaves the order: the fewest are the largest, at any price.
    """
    machines = replace(hardware, replicas=None, max_replicas=None)
    allowed = allowed_accelerators(machines, evaluated.candidates.unit_sizes)
    if allowed is None:
        return evaluated
    over = np.round(evaluated.accelerators / allowed, 6)[evaluated.order]
    return replace(evaluated, order=evaluated.order[np.argsort(over, kind="stable")])


def _too_small(question: Question, evaluated: SizedCandidates, row: int) -> str:
    """Say that the given fleet does not hold what it must at the least: one replica, or those asked for."""
    hardware, candidates = question.spec.hardware, evaluated.candidates
    size = int(candidates.parallelism.accelerators[row])
    limits = [one for one in ceilings(hardware, candidates.unit_sizes.take(row)) if one.unit != "replicas"]
    fewest = hardware.replicas or 1
    copies = "one replica" if fewest == 1 else f"{fewest} replicas"
    takes = "takes" if fewest == 1 else "take"
    limit = min(limits, key=lambda one: one.accelerators)
    return (
        f"{limit.counted(limit.count)} cannot hold {copies} of {question.model.name}, which {takes} "
        f"{limit.counted(limit.needed(fewest * size))} at least"
    )


def _floor_reason(question: Question, evaluated: SizedCandidates, row: int, target: Target, floor: float) -> str:
    """Say what the floor is made of: for ITL, reading the weights once; for TTFT, computing the prompt."""
    candidates = evaluated.candidates
    weights = float(candidates.memory.weights[row])
    bandwidth = candidates.rates_at(row).memory_bytes_per_s
    size = int(candidates.parallelism.accelerators[row])
    name = candidates.accelerator(row).name
    if target.metric == "itl":
        read = weights / bandwidth * float(candidates.parallelism.pp[row])
        cause = "launches, collectives and the runtime's own step time are the rest"
        if read > target.seconds / 3:
            cause = f"reading the weights once takes {latency_shown(read)} of it"
    elif target.metric == "ttft":
        cause = (
            f"computing a prompt of {question.lengths.prompt.mean:.0f} tokens on average and the server's own time are "
            "all of it"
        )
    else:
        cause = f"{question.lengths.output.mean:.0f} tokens at the fastest ITL take most of it"
    return (
        f"{size} × {name} cannot do {target.name} {latency_shown(target.seconds)}: with nothing else running it is "
        f"{latency_shown(floor)}; {cause}"
    )


def _near_floor_reason(question: Question, evaluated: SizedCandidates, row: int, target: Target, floor: float) -> str:
    """Say why a target that a replica meets with next to nothing to do is no plan: what it would carry, and take."""
    one, split = evaluated.replicas.take(np.array([row])), evaluated.candidates.parallelism
    ceiling, accelerator = question.spec.serving.utilisation_ceiling, evaluated.candidates.accelerator(row)
    batch = capacity_batch(one, (target,), ceiling)
    alone = (
        f"{int(split.accelerators[row])} × {accelerator.name} holds {target.name} {latency_shown(target.seconds)} "
        f"only nearly idle ({latency_shown(floor)})"
    )
    if target.seconds < MARGIN[target.metric] * floor:
        return f"{alone}: forecasts are no surer than that, and more replicas do not help"
    share = float(one.rate(batch)[0, 0] / (ceiling * one.saturated_rate[0, 0]))
    return f"{alone}: a fleet {1 / share:.0f} times what the load takes"
