"""Replicas at a load: what a batch sustains, what its steps take and how long its requests wait, many at once.

The batch B is the independent variable: every quantity is explicit in it, and the rate that sustains it is
λ(B) = B/(D·τ(B) + B·ΔP(B)), so that no fixed point is iterated in a search. Formula numbers are those of
spec-kit/methodology.md, "A replica at a load". The first axis counts candidates, the second batches; one replica is an
array of one.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.kept import kept, made_once
from catalogs.records.runtimes import Scheduler
from engine.arrays import Floats, Indices, across
from engine.question.lengths import Lengths
from engine.replica.prefills import Gate, Prefills, Response, Stall, gate, pace_variance, response, stall
from engine.replica.queueing import TINY, Waits, backlog, wait_probability
from engine.replica.saturation import RateLadder, rate_ladder
from engine.replica.steps import StepCosts, Steps, step_costs, sum_of_parts
from engine.step.table import StepTables

ROUTED_TOGETHER = 4
"""Replicas whose seats count as one pool, since a router sends each request to the one with the fewest outstanding; a
larger fleet balances a little better, so that these few err to the safe side. So many are simulated together too."""


class Load(Struct, frozen=True, dict=True):
    """What replicas do at given batches; all arrays (candidates, batches) unless noted."""

    lengths: Lengths
    """Of the requests: the strata of the third axis."""
    decoded: float
    """D: tokens that decoding makes of a mean answer, of all requests that the replicas serve."""
    batch: Floats
    step_s: Floats
    """τ: a decoding step."""
    least_itl_s: Floats
    """A step that decodes one request: no ITL is less."""
    met: Floats
    """Share of the others' prompts that an answer meets: a router sends fewer to a replica for having it."""
    wander: Floats
    """Times an ITL with a batch that always is its mean."""
    stall: Stall
    """What an answer takes longer beside its steps' mean, for prompts that came while its own ran."""
    prompt_s: Floats
    """ΔP: replica time that one request's prefill takes."""
    prefills: Prefills
    """The rate, and ΔP taken apart for its variance."""
    elasticity: Floats
    """ε, of a decoding step's time in the batch."""
    response: Response
    """How the batch and its answers respond to the prompts that come."""
    prompt_s_by_stratum: Floats
    """(candidates, batches, strata): replica time that a prompt of each stratum takes; ΔP is its mean."""
    prompt_steps: Floats
    """(candidates, batches, strata): steps that carry any of it."""
    own_prefill_s: Floats
    """(candidates, batches, strata): a request's own prefill, the runtime's overhead included."""
    waits: Waits
    """Arrays with a third axis of one, to broadcast with ``own_prefill_s``."""

    @property
    def requests_per_s(self) -> Floats:
        """λ that sustains the batch."""
        return self.prefills.requests_per_s

    @made_once
    def itl_s(self) -> Floats:
        """Mean over an answer's steps: τ and the prompts of others, beside a batch that wanders."""
        others = self.batch * self.prompt_s / self.decoded
        return (self.step_s + others * self.met) * self.wander

    @made_once
    def itl_by_answer(self) -> Floats:
        """Mean ITL of answers by their length: (candidates, batches, …, answer strata)."""
        return self.itl_s[..., None] + self._longer_by_answer[0] / self.lengths.answer_steps

    @made_once
    def itl_variance_by_answer(self) -> Floats:
        """Variance of the ITL of answers, likewise."""
        decoded, steps_s = self.lengths.answer_steps, self.itl_s
        _, longer, met = self._longer_by_answer
        varied = pace_variance(self.response, self.prefills, decoded / max(self.decoded, 1.0), met)
        varied *= (steps_s * steps_s)[..., None]
        varied += longer / (decoded * decoded)
        return varied

    @made_once
    def _longer_by_answer(self) -> tuple[Floats, Floats, Floats]:
        return self.stall.by_answer(self.lengths.answer_steps)

    def mapped(self, change: Callable[[Floats], Floats]) -> "Load":
        """Return the load with every array changed alike."""
        tables = {name: getattr(self, name).mapped(change) for name in _TABLES}
        return replace(self, **tables, **{name: change(getattr(self, name)) for name in _ARRAYS})

    def of(self, lengths: Lengths, first: int) -> "Load":
        """Return the load as requests of one kind among those served meet it.

        Args:
            first: its first stratum of prompts among those of all kinds.
        """
        strata = slice(first, first + len(lengths.computed))
        return replace(
            self,
            lengths=lengths,
            prompt_s_by_stratum=self.prompt_s_by_stratum[..., strata],
            prompt_steps=self.prompt_steps[..., strata],
            own_prefill_s=self.own_prefill_s[..., strata],
        )


_TABLES = ("prefills", "waits", "stall", "response")
_ARRAYS = tuple(n for n in Load.__struct_fields__ if n not in ("lengths", "decoded", *_TABLES))


class Replicas(Struct, frozen=True, dict=True):
    """Candidates under one workload: what their steps take, their seats, and the rates that their batches sustain."""

    costs: StepCosts
    seats: Floats
    """(candidates, 1): requests that may run together."""
    arrival_cv: float
    """CV of the gaps between arrivals; 1 is Poisson."""
    ladder: RateLadder
    shared_rate: float = 0.0
    """Requests/s that one router shares among replicas, as many as it takes; 0: each has arrivals of its own."""
    fleet: Floats | None = None
    """(candidates, 1): replicas behind one router, where their number is known."""

    def behind_router(self, rate: Floats) -> Floats:
        """Return how many replicas share what arrives at rates (candidates, batches) of each."""
        if self.fleet is None:
            return self._that_count(self.shared_rate / np.maximum(rate, TINY))
        return self._that_count(self.fleet + np.zeros(rate.shape))

    def _that_count(self, fleet: Floats) -> Floats:
        """Return replicas without those beyond ROUTED_TOGETHER where these only spread clumps, as Poisson has none."""
        at_least_one = np.maximum(fleet, 1.0)
        return np.minimum(at_least_one, ROUTED_TOGETHER) if self.arrival_cv == 1 else at_least_one

    def in_fleet(self, replicas: Floats) -> "Replicas":
        """Return them in fleets of so many each (candidates, 1)."""
        return self.sharing(0.0, self._that_count(replicas))

    def sharing(self, requests_per_s: float, fleet: Floats | None) -> "Replicas":
        """Return them behind a router of their own each, as ``shared_rate`` and ``fleet`` say."""
        routed = replace(self, shared_rate=min(requests_per_s, self.alike_from), fleet=fleet)
        pool = np.ceil(np.minimum(routed.behind_router(self.saturated_rate), ROUTED_TOGETHER))
        known = self.costs.pool
        if self.costs.followed is None or (known is not None and np.array_equal(known, pool)):
            return routed
        costs, ladder = _pooled(self.costs, self.seats, pool)
        return replace(routed, costs=costs, ladder=ladder)

    @property
    def alike_from(self) -> float:
        """Shared rate, requests/s, from which on it is shared alike at every load; larger ones are held as this one."""
        if self.arrival_cv != 1 or not len(self.seats):
            return inf
        return float(ROUTED_TOGETHER * self.saturated_rate.max())

    @property
    def lengths(self) -> Lengths:
        """Of the workload's prompts and answers."""
        return self.costs.lengths

    @property
    def saturated_rate(self) -> Floats:
        """λ_max (candidates, 1), requests/s: formula 3."""
        return self.ladder.saturated_rate

    @property
    def saturated_batch(self) -> Floats:
        """Batch (candidates, 1) that the saturated rate sustains."""
        return self.ladder.saturated_batch

    @property
    def smallest_batch(self) -> Floats:
        """Batch (candidates, 1) with which a request meets nobody else."""
        return self.ladder.smallest_batch

    def take(self, index: Indices) -> "Replicas":
        """Return the candidates at ``index``."""
        if len(index) == len(self.seats) == 1:
            return self
        fleet = None if self.fleet is None else self.fleet[index]
        costs, ladder = _taken(self.costs, self.ladder, index)
        taken = replace(self, costs=costs, seats=self.seats[index], ladder=ladder, fleet=fleet)
        return replace(taken, shared_rate=min(self.shared_rate, taken.alike_from))

    def rate(self, batch: Floats) -> Floats:
        """Return λ(B), requests/s, of batches (candidates, batches): formula 2."""
        return self.costs.rate_at(batch)

    def at(self, batch: Floats) -> Load:
        """Return everything about batches (candidates, batches)."""
        work = _work(self.costs, batch)
        return self.routed(work, self.behind_router(work.requests_per_s))

    def at_again(self, batch: Floats) -> Load:
        """Return ``at`` of batches that the next question about the same candidates asks for too, at another rate."""
        work = _work_kept(self.costs, batch)
        router = self.behind_router(work.requests_per_s)
        return _load_kept(self.costs, self.seats, self.arrival_cv, self.ladder, work, router)

    def rate_again(self, batch: Floats) -> Floats:
        """Return ``rate`` of such batches."""
        return _rate_kept(self.costs, batch)

    @made_once
    def lightest(self) -> Load:
        """Everything about the smallest batch."""
        return self.at_again(self.smallest_batch)

    def routed(self, work: "_Work", fleet: Floats) -> Load:
        """Return the load of batches that a router fills, which are so many replicas' at each batch."""
        load, found = _seated_load(self.costs, self.arrival_cv, work, fleet)
        busy, wait = self._seats(load)
        whole = replace(
            load,
            least_itl_s=np.repeat(self.ladder.smallest_step_s, load.batch.shape[1], axis=1),
            waits=replace(load.waits, seat_busy=busy[..., None], seat_wait=wait[..., None]),
            **self._answers_beside(load, found, busy),
        )
        times = self.costs.tables.first_token(load.batch)
        if isinstance(times, float):
            return whole
        longer = times[..., None]
        return replace(whole, own_prefill_s=whole.own_prefill_s * longer, waits=whole.waits.stretched(longer))

    def _answers_beside(self, load: Load, at_gate: Gate, seat_busy: Floats) -> dict[str, Any]:
        """Return what others do to an answer: ``met``, ``wander`` and ``stall`` of a load (formula 2, its mean)."""
        prefills, batch, found = load.prefills, load.batch, load.response
        # Who holds a seat meets all of k taken k·C/a as often as a moment does.
        free = 1.0 - np.minimum(seat_busy * across(self.seats) / np.maximum(batch, TINY), 1.0)
        many = np.maximum(batch, 1.0)
        wander = found.bent / found.stiff * found.arrivals * batch / (prefills.pool * many * many)
        # The batch grows with ITL, and at most to what saturates.
        answer_s = load.decoded * load.itl_s
        room = np.maximum(across(self.saturated_batch / self.saturated_rate) / answer_s - 1.0, TINY)
        own, weights, ahead = load.own_prefill_s, self.lengths.prompt.weights, at_gate.followed
        mean = own @ weights
        varied = (own * own) @ weights - mean * mean + at_gate.followed_square - ahead * ahead
        mixed, later = self.costs.scheduler.mixed, self.costs.scheduler.one_step_later
        usual = self.costs.looks * load.step_s
        usual = usual / prefills.idle_share - (usual - load.step_s) if mixed else usual
        prefill = mean - across(self.costs.ttft_overhead_s)
        return {
            "met": batch / (batch + (1.0 - 1.0 / prefills.pool) / found.left),
            "wander": 1.0 + wander * room / (wander + room),
            "stall": stall(
                found,
                prefills,
                (prefill + ahead, np.maximum(varied, 0.0)),
                usual,
                free,
                answer_s,
                carrying=prefills.shared * batch / load.decoded,
                others=batch * load.prompt_s / load.decoded,
                clump=self._clump(load, at_gate, prefill),
                mixed=mixed,
                later=later,
            ),
        }

    def _clump(self, load: Load, at_gate: Gate, own_s: Floats) -> Floats | float:
        """Return how many of a request's clump run after its prompt (``own_s`` seconds), before its answer ends."""
        if self.arrival_cv == 1:
            return 0.0
        stay = at_gate.step + at_gate.beside + own_s + load.decoded * load.itl_s
        return load.prefills.clumps / 2 * load.prefills.clump_within(stay) - at_gate.joined

    def _seats(self, load: Load) -> tuple[Floats, Floats]:
        """Return formula 6: the probability that no seat is free, and the mean wait for one then, seconds."""
        rate, saturated_rate, seats = load.requests_per_s, across(self.saturated_rate), across(self.seats)
        # Those in flight vary by B/(1 − ε), ε the elasticity of ITL in B: M/M/k as many deviations below its seats.
        free = np.maximum(seats - load.batch, 0.0) * np.sqrt(load.prefills.idle_share * load.response.stiff)
        erlangs = np.minimum(seats - free, seats * 0.9999)
        # Who finds every seat of the pool taken waits for the next to be free, of its own replica at the least.
        pool = load.prefills.pool
        variability = 0.5 * (load.prefills.clumps * pool + (1 + self.lengths.output.cv**2))
        alone = variability / np.maximum(saturated_rate - rate, 1e-4 * saturated_rate)
        wait = np.maximum(alone / pool, np.minimum(alone, 1 / saturated_rate))
        # Hayward: seats that Poisson arrivals would find as full as those of peakedness z find k (Fredericks 1980).
        shared = pool / np.maximum(1 + load.prefills.clumps * pool / 2, TINY)
        return wait_probability(shared * seats, shared * erlangs), np.maximum(wait, TINY)


@kept(32)
def _taken(costs: StepCosts, ladder: RateLadder, index: Indices) -> tuple[StepCosts, RateLadder]:
    return costs.take(index), ladder.take(index)


@kept(32)
def _pooled(costs: StepCosts, seats: Floats, pool: Floats) -> tuple[StepCosts, RateLadder]:
    costs = replace(costs, pool=pool)
    return costs, rate_ladder(costs, seats)


ALWAYS = np.ones((1, 1))


class _Work(Struct, frozen=True):
    """What batches (candidates, batches) take of replicas, however requests come to them; as ``Load`` has it."""

    steps: Steps
    prompt_s: Floats
    requests_per_s: Floats
    elasticity: Floats
    prompt_s_by_stratum: Floats
    own_prefill_s: Floats


def _work(costs: StepCosts, batch: Floats) -> _Work:
    steps, prompts = costs.opened(batch)
    prompt_s = prompts @ costs.lengths.prompt.weights
    return _Work(
        steps=steps,
        prompt_s=prompt_s,
        requests_per_s=costs.rate(steps, prompt_s),
        elasticity=costs.elasticity(steps),
        prompt_s_by_stratum=prompts,
        own_prefill_s=sum_of_parts(costs.own_prefill_parts(steps)),
    )


_work_kept, _rate_kept = kept(32)(_work), kept(64)(StepCosts.rate_at)


@kept(32)
def _load_kept(
    costs: StepCosts, seats: Floats, arrival_cv: float, ladder: RateLadder, work: _Work, fleet: Floats
) -> Load:
    return Replicas(costs, seats, arrival_cv, ladder).routed(work, fleet)


def _seated_load(costs: StepCosts, arrival_cv: float, work: _Work, fleet: Floats) -> tuple[Load, Gate]:
    """Return everything about batches of requests that have a seat; ``fleet`` are the replicas that share a rate."""
    steps, rate = work.steps, work.requests_per_s
    prefills = _prefills(costs.lengths, steps, rate, work.prompt_s_by_stratum, fleet, arrival_cv)
    waits, at_gate = _waits(costs, steps, prefills)
    load = Load(
        lengths=costs.lengths,
        decoded=costs.decoded,
        batch=steps.batch,
        step_s=steps.decoding,
        least_itl_s=steps.decoding,
        met=ALWAYS,
        wander=ALWAYS,
        stall=Stall(ALWAYS, ALWAYS, ALWAYS, ALWAYS),
        prompt_s=work.prompt_s,
        prefills=prefills,
        elasticity=work.elasticity,
        response=response(prefills, work.elasticity),
        prompt_s_by_stratum=work.prompt_s_by_stratum,
        prompt_steps=steps.full + 1.0,
        own_prefill_s=work.own_prefill_s,
        waits=waits,
    )
    return load, at_gate


def _prefills(
    lengths: Lengths, steps: Steps, rate: Floats, prompts: Floats, fleet: Floats, arrival_cv: float
) -> Prefills:
    """Take apart what prompts cost: what each brings, and what a step costs once for carrying any."""
    weights = lengths.prompt.weights
    brought = np.maximum(prompts - (steps.once * steps.head)[..., None], 0.0)
    square = brought * brought
    return Prefills(
        requests_per_s=rate,
        batch=steps.batch,
        seconds=brought @ weights,
        square=square @ weights,
        cube=(square * brought) @ weights,
        fixed=steps.once,
        shared=steps.head,
        apart=steps.apart,
        pool=np.minimum(fleet, ROUTED_TOGETHER),
        clumps=(arrival_cv**2 - 1) / fleet,
        gap_s=1 / (fleet * rate),
    )


def _waits(costs: StepCosts, steps: Steps, prefills: Prefills) -> tuple[Waits, Gate]:
    """Return formulas 4 and 5."""
    fits = partial(costs.fits_beside, steps)
    mixed, later = costs.scheduler.mixed, costs.scheduler.one_step_later
    apart, longer = np.full((1, 1), float(not mixed)), ALWAYS
    if mixed and (2 * costs.computed > steps.room).any():
        # Of what fits beside no other prompt full steps pass, and with them those who decode there.
        nobody = np.zeros(steps.room.shape)
        apart = 1 - fits(nobody, nobody)
        longer = 1 + apart * (steps.base + steps.attention) / np.maximum(steps.full_base - steps.base, TINY)
        prefills = prefills.lengthened(longer)

    def beside(others: Floats) -> Floats:
        return costs.prompts_beside(steps, others) * longer

    found = gate(prefills, steps.between_looks, beside, fits, apart, mixed=mixed, later=later, single=steps.decoding)
    # Prompt tokens that come from one step that may carry them to the next, beside the room for them.
    between = steps.between_looks if mixed else steps.decoding
    come = prefills.requests_per_s * between / prefills.idle_share
    drift = np.maximum(steps.room - come * costs.computed, 0.02 * steps.room)
    left, queued = backlog(drift, np.sqrt(come * costs.lengths.computed_square))
    behind = queued / steps.room * (steps.full_base + steps.attention + between - steps.decoding)
    queue = left * behind
    waits = Waits(
        step=found.step[..., None],
        beside=found.beside[..., None],
        behind=queue[..., None],
        square=(found.square + 2 * queue * (found.step + found.beside + behind))[..., None],
        seat_busy=np.zeros(1),
        seat_wait=np.ones(1),
    )
    followed_square = found.followed_square + 2 * queue * (found.followed + behind)
    return waits, replace(found, followed=found.followed + queue, followed_square=followed_square)


def replicas_of(
    tables: StepTables,
    lengths: Lengths,
    scheduler: Scheduler,
    *,
    budget: Floats,
    seats: Floats,
    ttft_overhead_s: Floats,
    arrival_cv: float,
) -> Replicas:
    """Return candidates under one workload; the arrays are (candidates,).

    Args:
        lengths: of the workload's prompts and answers.
        budget: tokens that a step may carry.
        seats: requests that may run together.
        ttft_overhead_s: what the server spends on a request outside of steps, seconds.
        arrival_cv: CV of the gaps between arrivals.
    """
    columns = np.maximum(seats, 1e-6)[:, None]
    costs = step_costs(tables, lengths, scheduler, budget=budget, ttft_overhead_s=ttft_overhead_s, seats=columns)
    return Replicas(costs, columns, arrival_cv, rate_ladder(costs, columns))
