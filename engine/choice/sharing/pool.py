"""One fleet for several workloads of one model: their requests mixed, the targets of each held, every hour carried."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.matrices import layer_matrices
from catalogs.records.models import ModelArchitecture
from catalogs.records.runtimes import ServingRuntime
from catalogs.units import GIB
from engine.arrays import Floats
from engine.choice.sharing.workloads import (
    Conflict,
    Met,
    Workload,
    at_hour,
    hourly_load,
    joined_question,
    unbettered_hours,
)
from engine.fleet.candidates import Candidates, candidates, measure
from engine.fleet.offers import PricedOffer
from engine.fleet.prices import fleet_prices
from engine.fleet.search import BLOCK, doubt_of
from engine.fleet.size import Counts, replicas_for
from engine.question.resolve import Question
from engine.replica.batches import batch_at_rate, largest_batches, missed_most
from engine.replica.load import Load, Replicas
from engine.workload import Target

CHUNK = 32
"""Candidates that are held against the other hours together, the least that they may cost first."""
ADAPTER_STEP_S = 2e-3
"""What adapters add to every step, seconds: "only adding 2ms latency per token" (Punica, arXiv:2310.18547)."""
ADAPTER_RANK = 16
"""Of a LoRA adapter: vLLM's own --max-lora-rank (docs: LoRA adapters)."""


class Pool(Struct, frozen=True):
    """The cheapest fleet of all workloads together."""

    question: Question
    candidate: Candidates
    """An array of one."""
    replicas: int
    offer: PricedOffer | None
    monthly_usd: float
    utilisation: float
    """Of saturation, in the busiest hour."""
    peak_calls_per_s: float
    met: tuple[Met, ...]

    @property
    def accelerators(self) -> int:
        """Of the whole fleet."""
        return self.replicas * int(self.candidate.parallelism.accelerators[0])


def pooled(workloads: Sequence[Workload], *, adapters: bool = False) -> Pool:
    """Return the cheapest fleet that serves all workloads and holds the targets of each in every hour.

    Args:
        workloads: of one model, or of fine-tunes of one.
        adapters: the models are LoRA adapters of one base, each step longer for them.

    Raises:
        Conflict: one fleet cannot do it; why, in words.
    """
    questions = [one.question for one in workloads]
    fleet = joined_question(questions, [one.name for one in workloads])
    if adapters:
        fleet = replace(fleet, runtime=_with_adapters(fleet, len(workloads)))
    best = _cheapest(workloads, questions, fleet, ADAPTER_STEP_S if adapters else 0.0)
    if best is None:
        raise Conflict("no fleet that is priced holds the targets of all of them")
    return best


def _with_adapters(question: Question, count: int) -> ServingRuntime:
    gib = count * adapter_bytes(question.model, ADAPTER_RANK) / GIB
    return replace(question.runtime, runtime_gib=question.runtime.runtime_gib + gib)


def adapter_bytes(model: ModelArchitecture, rank: int) -> float:
    """Return the bytes of a LoRA adapter on every linear layer, in 16 bit: rank · (inputs + outputs) of each matrix.

    Args:
        model: the base.
        rank: of the two factors of each change.
    """
    return sum(
        2.0 * matrix.adapter_parameters(rank) * group.count
        for group in model.layers
        for matrix in layer_matrices(group, model.hidden_size)
    )


def _cheapest(
    workloads: Sequence[Workload], questions: Sequence[Question], fleet: Question, step_s: float
) -> Pool | None:
    """Return the cheapest pool; None where none is priced.

    Each candidate is sized for the hour of the largest load first, which bounds its bill from below; the other hours
    raise it, and are looked at for as long as a bound is below the best bill.

    Args:
        fleet: what the fleet must be.
        step_s: what every step takes longer.
    """
    hours = unbettered_hours(hourly_load(workloads))
    first, *others = sorted(hours, key=lambda calls: -float(calls.sum()))
    targets = [one.targets for one in workloads]
    found, _ = candidates(_preferred(at_hour(fleet, questions, first)))
    if not len(found):
        return None
    count = _replicas_for(found, questions, targets, first, step_s)
    least = _priced(found, count)[0]
    best, row, most = np.inf, -1, count
    order = np.argsort(least, kind="stable")
    for chunk in (order[at : at + CHUNK] for at in range(0, len(order), CHUNK)):
        rows = chunk[least[chunk] < best * (1 - 1e-9)]
        if not len(rows):
            break
        some, needed = found.take(rows), count[rows]
        for calls in others:
            there = _measured(some, at_hour(fleet, questions, calls))
            needed = np.maximum(needed, _replicas_for(there, questions, targets, calls, step_s))
        usd = _priced(some, needed)[0]
        at = int(np.argmin(usd))
        if usd[at] < best:
            best, row, most = float(usd[at]), int(rows[at]), needed[at : at + 1]
    if row < 0:
        return None
    candidate = found.take(np.array([row]))
    return Pool(
        question=candidate.question,
        candidate=candidate,
        replicas=int(most[0]),
        offer=_priced(candidate, most)[1],
        monthly_usd=best + fleet.spec.money.other_monthly_usd,
        peak_calls_per_s=float(first.sum()),
        **_met_by(candidate, workloads, questions, fleet, hours, float(most[0]), step_s),
    )


def _met_by(
    candidate: Candidates,
    workloads: Sequence[Workload],
    questions: Sequence[Question],
    fleet: Question,
    hours: Floats,
    count: float,
    step_s: float,
) -> dict[str, Any]:
    """Return the utilisation and what each workload meets, the worst of the hours that no other betters.

    Args:
        candidate: an array of one.
        fleet: what the fleet is.
        hours: calls/s of each workload, a row an hour.
        count: replicas of the fleet, the spares among them.
        step_s: what every step takes longer.
    """
    busy, parts = 0.0, []
    for calls in hours:
        one = _under_load(_measured(candidate, at_hour(fleet, questions, calls)), step_s)
        serving = count - fleet.spec.availability.spare_replicas
        load = _load_at(one, float(calls.sum()) / serving)
        busy = max(busy, float(load.requests_per_s[0, 0] / one.saturated_rate[0, 0]))
        parts.append(_by_workload(load, questions))
    met = tuple(w.met(*loads) for w, loads in zip(workloads, zip(*parts, strict=True), strict=True))
    return {"utilisation": busy, "met": met}


def _preferred(question: Question) -> Question:
    """Return the question on accelerators that nothing speaks against, where nobody named others."""
    if question.spec.hardware.accelerators:
        return question
    preferred = tuple(one for one in question.accelerators if not doubt_of(question, one))
    return replace(question, accelerators=preferred or question.accelerators)


def _measured(found: Candidates, question: Question) -> Candidates:
    return measure(question, found.accelerators, found.rates, found.which, found.parallelism)


def _replicas_for(
    found: Candidates, questions: Sequence[Question], targets: Sequence[Sequence[Target]], calls: Floats, step_s: float
) -> Floats:
    """Return the replicas that each candidate needs in an hour, spares among them; NaN where it cannot.

    Args:
        targets: of each workload.
        calls: calls/s of each.
        step_s: what every step takes longer.
    """
    question, replicas = found.question, _under_load(found, step_s)

    ceiling = question.spec.serving.utilisation_ceiling
    limits = [partial(_missed, questions=questions, which=at, targets=some) for at, some in enumerate(targets) if some]
    capacity = np.full(len(found), np.nan)
    rows = np.flatnonzero(found.seats_by_memory >= 1)
    for block in (rows[at : at + BLOCK] for at in range(0, len(rows), BLOCK)):
        some = replicas.take(block)
        if limits:
            batch = largest_batches(some, limits, ceiling)[0].min(axis=1, keepdims=True)
        else:
            batch = batch_at_rate(some, ceiling * some.saturated_rate[:, 0])
        capacity[block] = np.where(np.isnan(batch), np.nan, some.rate(np.where(np.isnan(batch), 1.0, batch)))[:, 0]
    available = question.spec.availability
    count = np.maximum(replicas_for(float(calls.sum()), capacity), available.minimum_replicas)
    return count + available.spare_replicas


def _missed(load: Load, *, questions: Sequence[Question], which: int, targets: Sequence[Target]) -> Floats:
    """Return by how much one workload of those under a load misses its targets most; they are met at 0 or below."""
    return missed_most(list(_by_workload(load, questions))[which], targets)


def _under_load(found: Candidates, step_s: float) -> Replicas:
    tables = found.step_tables()
    return found.fleet_replicas(replace(tables, seconds=tables.seconds + step_s) if step_s else tables)


def _by_workload(load: Load, questions: Sequence[Question]) -> Iterator[Load]:
    """Yield the load as the requests of each workload meet it."""
    first = 0
    for question in questions:
        yield load.of(question.lengths, first)
        first += len(question.lengths.computed)


def _load_at(one: Replicas, rate: float) -> Load:
    return one.at(batch_at_rate(one, np.array([[min(rate, 0.999 * float(one.saturated_rate[0, 0]))]])))


def _priced(found: Candidates, count: Floats) -> tuple[Floats, PricedOffer | None]:
    usd, choices = fleet_prices(found.question, found, Counts(count, count, count, count, count))
    first = choices[0] if choices else None
    return usd, first.chosen if first else None
