"""One replica at a load: batch, throughput, TTFT, ITL and E2E with their percentiles, for many candidates at once.

The batch B is the independent variable: every quantity below is explicit in it, and the rate that sustains it is
λ(B) = B/(D·τ(B) + B·ΔP(B)), so no fixed point is iterated in a search. Formula numbers are those of
spec-kit/methodology.md, "A replica at a load". The first axis counts candidates, the second batches.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from catalogs.records.runtimes import Scheduler
from engine.arrays import Bools, Floats, Indices
from engine.question.lengths import Lengths
from engine.replica.queueing import (
    TINY,
    Prefills,
    Waits,
    backlog,
    by_head,
    gate,
    normal_tail,
    pace_variance,
    wait_probability,
)
from engine.step.table import StepTables
from engine.workload import Target

SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
LIGHTEST_SHARE, LIGHTEST_BATCH = 1e-4, 1e-2
"""Of the seats, and in requests: the load curve begins at the smaller; a request is alone there."""

CREST = np.geomspace(0.01, 1.0, 24)
"""Shares of the largest batch among which λ(B) is largest. It rises with B but for the last few percent, where decoding
leaves prompts ever less of the token budget, and they take more and smaller steps."""

FOOT = np.linspace(0.0, 1.0, 17)[:-1]
"""Steps of log B from the lightest batch to the first of the crest: with it the rungs among which a rate is found."""

NEARBY = 1.001
"""Times a batch, to see how fast its rate rises."""
BEND = 1.1
"""Growth of the batch by which the elasticity of a step's time is taken."""

COARSE = 8

WIDEST = 1.2816
"""Log standard deviation beyond which a wider lognormal of the same mean has a lower p90; answers of hardly a token."""

PACES = (np.array([-1.0, 1.0]), np.array([0.5, 0.5]))
PACES_ALIKE = (np.array([-(3**0.5), 0.0, 3**0.5]), np.array([1 / 6, 2 / 3, 1 / 6]))
"""Gauss and Hermite's nodes and weights, for the spread of ITL within one answer length; the second where all answers
are alike and nothing else spreads them."""


class Steps(Struct, frozen=True):
    """The steps of replicas at given batches: (candidates, batches), with a third axis of prompt strata where noted."""

    batch: Floats
    decoding: Floats
    """τ: seconds of a step that only decodes."""
    beside: Floats
    """Sequences that decode in a step that carries prompts; zeros where steps do not mix."""
    base: Floats
    """T of those, at least one, seconds; zeros where steps do not mix."""
    attention: Floats
    """What their context adds, seconds."""
    room: Floats
    """Prompt tokens that a step carries beside them."""
    full_base: Floats
    """T of a step full of prompt tokens, seconds."""
    together: Floats
    """Prompts that come in a step, or between two looks for them: B/D requests end in a step and as many come."""
    once: Floats
    """Seconds that a step takes for carrying any prompt, shared by head: launches, weights where steps do not mix."""
    full: Floats
    """Full-budget steps of each prompt stratum (strata)."""
    rest: Floats
    """The tokens that remain of each (strata)."""


class Load(Struct, frozen=True):
    """What a replica does at given batches; all arrays (candidates, batches) unless noted."""

    batch: Floats
    requests_per_s: Floats
    step_s: Floats
    """τ: a decoding step."""
    alone_s: Floats
    """A step that decodes one request: no ITL is less."""
    itl_s: Floats
    """Mean over steps: τ and the prompts of others."""
    prompt_s: Floats
    """ΔP: replica time that one request's prefill takes."""
    prefills: Prefills
    """The same, taken apart for its spread."""
    bend: Floats
    """Elasticity of a decoding step's time in the batch."""
    prompts: Floats
    """(candidates, batches, strata): replica time that a prompt of each stratum takes; ΔP is its mean."""
    own_s: Floats
    """(candidates, batches, strata): a request's own prefill, the runtime's overhead included."""
    waits: Waits
    """Arrays with a third axis of one, to broadcast with ``own_s``."""

    def each(self, change: Callable[[Floats], Floats]) -> "Load":
        """Return the load with every array changed alike."""
        waits = Waits(**{name: change(getattr(self.waits, name)) for name in Waits.__struct_fields__})
        prefills = self.prefills.each(change)
        parts = ("waits", "prefills")
        arrays = {name: change(getattr(self, name)) for name in self.__struct_fields__ if name not in parts}
        return Load(waits=waits, prefills=prefills, **arrays)


class Replicas:
    """Candidates under one workload: step tables, seats and lengths, and the quantities they imply."""

    def __init__(
        self,
        tables: StepTables,
        lengths: Lengths,
        scheduler: Scheduler,
        *,
        budget: Floats,
        seats: Floats,
        ttft_overhead_s: Floats,
        arrival_cv: float,
    ) -> None:
        """Take the step tables, the token budget per step and the seats (most requests together) of each candidate."""
        self.tables = tables
        self.lengths = lengths
        self.scheduler = scheduler
        self.budget = budget[:, None]
        self.seats = np.maximum(seats, 1e-6)[:, None]
        self.ttft_overhead_s = ttft_overhead_s[:, None]
        self.arrival_cv = arrival_cv
        self._one_token = tables.base(np.ones_like(self.seats))
        self._decoded = lengths.decoded
        self._computed = float(lengths.computed @ lengths.prompt.weights)
        context = np.array([lengths.decode_context(w) for w in tables.windows])
        self._context_s = (tables.decode_context @ context)[:, None]
        per_prompt = np.array([lengths.prompt_context(w) for w in tables.windows])
        self._prompt_context_s = tables.prompt_context @ per_prompt + tables.prompt_token[:, None] * lengths.computed
        self._climb()

    def _climb(self) -> None:
        """Tabulate λ(B) from the lightest to the largest batch, and find where it is largest."""
        crest = self._largest_batch() * CREST
        first = np.log(np.minimum(self.lightest, 0.5 * crest[:, :1]))
        foot = np.exp(first + (np.log(crest[:, :1]) - first) * FOOT)
        self._rungs = np.concatenate([self.lightest, foot, crest], axis=1)
        steps = self.steps(self._rungs)
        prompt_s = self.prompt_steps(steps) @ self.lengths.prompt.weights
        rates = self._rungs / (self._decoded * steps.decoding + self._rungs * prompt_s)
        top = rates.argmax(axis=1)[:, None]
        self.saturated = np.take_along_axis(rates, top, axis=1)
        self.saturated_batch = np.take_along_axis(self._rungs, top, axis=1)
        self._rates = np.maximum.accumulate(rates[:, 1:], axis=1)
        self._light_rate, self._light_step, self._light_prompt = rates[:, :1], steps.decoding[:, :1], prompt_s[:, :1]
        self._rungs = self._rungs[:, 1:]

    def _largest_batch(self) -> Floats:
        """Return the seats, or where steps that mix are full of prompts before: B + B·P/D = b."""
        if not self.scheduler.mixed:
            return self.seats
        return np.minimum(self.seats, self.budget * self._decoded / (self._computed + self._decoded))

    @property
    def lightest(self) -> Floats:
        """Batches (candidates, 1) with which a request meets nobody else."""
        # Short answers leave little to decode: B/D requests come in a step, and they too are to be few.
        return np.minimum(self.seats * LIGHTEST_SHARE, LIGHTEST_BATCH * min(self._decoded, 1.0))

    def take(self, index: Indices) -> "Replicas":
        """Return the candidates at ``index``."""
        chosen = object.__new__(Replicas)
        chosen.__dict__ = {
            name: value.take(index)
            if isinstance(value, StepTables)
            else value[index]
            if isinstance(value, np.ndarray)
            else value
            for name, value in self.__dict__.items()
        }
        return chosen

    def steps(self, batch: Floats) -> Steps:
        """Return what steps carry and take at batches (candidates, batches)."""
        running = np.maximum(batch, 1.0)
        base, attention = self.tables.base(running), self.decode_sequences(batch)
        nobody = np.zeros_like(batch)
        beside = batch if self.scheduler.mixed else nobody
        # At least a tenth of the budget, or prompts would starve.
        room = np.maximum(self.budget - beside, 0.1 * self.budget)
        full = np.floor(self.lengths.computed / room[..., None])
        looks = max(self.scheduler.poll_steps, self.scheduler.batch_wait_steps)
        return Steps(
            batch=batch,
            decoding=base + self.tables.decode_fixed[:, None] + attention,
            beside=beside,
            base=base if self.scheduler.mixed else nobody,
            attention=attention if self.scheduler.mixed else nobody,
            room=room,
            together=np.maximum(batch / self._decoded * looks, TINY),
            once=nobody + self.tables.prompt_fixed[:, None] + (0.0 if self.scheduler.mixed else self._one_token),
            full_base=self.tables.base(beside + room),
            full=full,
            rest=self.lengths.computed - full * room[..., None],
        )

    def decode_attention(self, batch: Floats) -> Floats:
        """Return the seconds of a decoding step that grow with its context."""
        result: Floats = self._context_s * (np.maximum(batch, 1.0) + self.tables.decode_extra[:, None])
        return result

    def decode_sequences(self, batch: Floats) -> Floats:
        """Return the seconds of a decoding step that its sequences take beyond T and launches."""
        return self.decode_attention(batch) + self.tables.decode_sequence[:, None] * np.maximum(batch, 1.0)

    def prompt_steps(self, steps: Steps) -> Floats:
        """Formula 1: replica seconds that each prompt stratum's prefill adds: (candidates, batches, strata)."""
        return _sum_of(self.prompt_parts(steps))

    def prompt_parts(self, steps: Steps) -> dict[str, Floats]:
        """Return what ``prompt_steps`` is made of, by name."""
        ended = (steps.batch / self._decoded)[..., None]
        room, rest = steps.room[..., None], steps.rest
        # The rest shares its step with other prompts, the more the fuller the budget is: B/D requests end in a step and
        # as many come; where that fills it no larger batch comes about. Each bears the tokens that it brings; a step's
        # launches, and its weights where nobody decodes in it, are shared by head.
        head = by_head(steps.together)[..., None]
        filled = rest + (room - rest) * np.minimum(ended * self._computed / room, 1.0)
        # T of the step without them, which those decoding pay, or all prompts in it.
        empty = steps.base + (0.0 if self.scheduler.mixed else self._one_token)
        running = (np.maximum(steps.batch, 1.0) if self.scheduler.mixed else steps.beside)[..., None]
        tokens = (self.tables.base(running + filled) - empty[..., None]) * (rest / np.maximum(filled, TINY))
        added = steps.full * (steps.full_base - steps.base)[..., None] + tokens
        if not self.scheduler.mixed:
            added = added + empty[..., None] * head
        return {
            "its tokens in the steps": added,
            "launches of its steps": (steps.full + head) * self.tables.prompt_fixed[:, None, None],
            "attention over the prompt": np.broadcast_to(self._prompt_context_s[:, None, :], added.shape),
        }

    def rate(self, batch: Floats) -> Floats:
        """Formula 2 solved for λ; at the seats it is formula 3, λ_max."""
        steps = self.steps(batch)
        prompt_s = self.prompt_steps(steps) @ self.lengths.prompt.weights
        result: Floats = batch / (self._decoded * steps.decoding + batch * prompt_s)
        return result

    def at(self, batch: Floats) -> Load:
        """Return everything about batches (candidates, batches)."""
        weights, decoded = self.lengths.prompt.weights, self._decoded
        steps = self.steps(batch)
        prompts = self.prompt_steps(steps)
        prompt_s = prompts @ weights
        rate = batch / (decoded * steps.decoding + batch * prompt_s)
        more = np.maximum(batch, 1.0) * BEND
        longer = self.tables.base(more) + self.tables.decode_fixed[:, None] + self.decode_sequences(more)
        bend = np.maximum(longer / steps.decoding - 1, 0.0) / (BEND - 1)
        prefills = self._prefills(steps, rate, prompts)
        return Load(
            batch=batch,
            requests_per_s=rate,
            step_s=steps.decoding,
            alone_s=np.broadcast_to(self._light_step, batch.shape),
            itl_s=steps.decoding + batch * prompt_s / decoded,
            prompt_s=prompt_s,
            prefills=prefills,
            bend=bend,
            prompts=prompts,
            own_s=_sum_of(self.own_parts(steps)),
            waits=self._waits(steps, prefills, bend),
        )

    def _prefills(self, steps: Steps, rate: Floats, prompts: Floats) -> Prefills:
        """Take apart what prompts cost: what each brings, and what a step costs once for carrying any."""
        weights = self.lengths.prompt.weights
        each = np.maximum(prompts - (steps.once * by_head(steps.together))[..., None], 0.0)
        return Prefills(rate, each @ weights, (each * each) @ weights, steps.once, steps.together, self.arrival_cv)

    def own_parts(self, steps: Steps) -> dict[str, Floats]:
        """Formula 7: what a request's own prefill is made of, by name: (candidates, batches, strata) each.

        A prompt alone passes the pipeline's stages one by one; further chunks of it follow a stage behind.
        """
        beside, full, rest = steps.beside[..., None], steps.full, steps.rest
        stages = self.tables.pipeline[:, None, None]
        own = full * steps.full_base[..., None] + self.tables.base(beside + rest)
        if (self.tables.pipeline > 1).any():
            first = np.where(full > 0, steps.room[..., None], rest)
            own = own + self.tables.base(beside + first * stages) - self.tables.base(beside + first)
        return {
            "its steps": own,
            "attention of those decoding beside it": (full + np.minimum(beside, 1.0)) * steps.attention[..., None],
            "launches of its steps": (full + 1.0) * self.tables.prompt_fixed[:, None, None],
            "attention over the prompt": np.broadcast_to(self._prompt_context_s[:, None, :] * stages, own.shape),
            "server": np.broadcast_to(self.ttft_overhead_s[..., None], own.shape),
        }

    def _waits(self, steps: Steps, prefills: Prefills, bend: Floats) -> Waits:
        """Formulas 4, 5 and 6."""
        weights, tokens, rate = self.lengths.prompt.weights, self.lengths.computed, prefills.requests_per_s

        def beside_one(others: Floats) -> Floats:
            return self._beside(steps, others)

        step, beside, square = gate(prefills, steps.decoding, steps.batch, beside_one, mixed=self.scheduler.mixed)
        # Prompt tokens that come in a step, beside the room for them.
        step_s = steps.decoding / (1 - prefills.share)
        drift = np.maximum(steps.room - rate * step_s * self._computed, 0.02 * steps.room)
        left, queued = backlog(drift, np.sqrt(rate * step_s * float((tokens * tokens) @ weights)))
        behind = queued / steps.room * (steps.full_base + steps.attention)
        seat_s = self.seats / self.saturated
        # Those in flight vary by B/(1 − ε), ε the elasticity of ITL in B: M/M/k as many deviations below its seats.
        stiff = (1 - prefills.share) * (1 - np.minimum(bend, 0.95))
        free = np.maximum(self.seats - steps.batch, 0.0) * np.sqrt(stiff)
        erlangs = np.minimum(self.seats - free, self.seats * 0.9999)
        variability = (self.arrival_cv**2 + self.lengths.output.cv**2) / 2
        seat_wait = variability / np.maximum(self.seats / seat_s - rate, 1e-4 * self.saturated)
        return Waits(
            step=step[..., None],
            beside=beside[..., None],
            behind=(left * behind)[..., None],
            square=(square + 2 * left * behind * (step + beside + behind))[..., None],
            seat_busy=wait_probability(self.seats, erlangs)[..., None],
            seat_wait=np.maximum(seat_wait, TINY)[..., None],
        )

    def _beside(self, steps: Steps, others: Floats) -> Floats:
        """Return the seconds that so many mean prompts (candidates, batches) add to a step which carries one.

        Its weights are read, so that they cost more than one alone in the measure in which it is bound by computing.
        """
        weights = self.lengths.prompt.weights
        at_least_one, room = np.maximum(others, 1.0), steps.room[..., None]
        span = (at_least_one * (steps.rest @ weights))[..., None]
        top = np.minimum(steps.rest + span, room)
        begun = steps.beside[..., None]
        spilled = (span - (top - steps.rest)) * ((steps.full_base - steps.base) / steps.room)[..., None]
        tokens = (self.tables.base(begun + top) - self.tables.base(begun + steps.rest) + spilled) @ weights
        chunks = (steps.full @ weights) * (steps.full_base - steps.base + self.tables.prompt_fixed[:, None])
        result: Floats = others * (tokens / at_least_one + chunks + self._prompt_context_s @ weights[:, None])
        return result

    def itl_parts(self, load: Load) -> dict[str, Floats]:
        """Return what the mean ITL is made of, by name."""
        return {"decoding step": load.step_s, "prompts of others": load.batch * load.prompt_s / self._decoded}

    # --- metrics ------------------------------------------------------------------------------------------------------

    def mean(self, load: Load, metric: str) -> Floats:
        """Return a metric's mean over requests, seconds."""
        if metric == "itl":
            return load.itl_s
        ttft: Floats = load.own_s @ self.lengths.prompt.weights + load.waits.mean[..., 0]
        return ttft if metric == "ttft" else ttft + self._decoded * load.itl_s

    def exceeds(self, load: Load, metric: str, seconds: Floats) -> Floats:
        """Return P(metric > seconds) over requests; ``seconds`` broadcasts against (candidates, batches)."""
        return self._tail(load, metric)(np.asarray(seconds))

    def _tail(self, load: Load, metric: str) -> Callable[[Floats], Floats]:
        """Return ``exceeds`` as a function of the seconds."""
        if metric == "itl":
            return self._itl_tail(load)
        if metric == "ttft":
            return lambda seconds: load.waits.longer_than(seconds[..., None] - load.own_s) @ self.lengths.prompt.weights
        # E2E is mostly decoding: every COARSE prompt strata stand as one, so that the product of both stays small.
        starts = np.arange(0, len(self.lengths.prompt.weights), COARSE)
        weights = np.add.reduceat(self.lengths.prompt.weights, starts)
        own = np.add.reduceat(load.own_s * self.lengths.prompt.weights, starts, axis=-1) / weights
        paces, pace_weights = PACES if len(self.lengths.output.weights) > 1 else PACES_ALIKE
        sigma = self._itl_sigma(load)[..., None]
        beyond = (load.itl_s - load.alone_s)[..., None, None]
        pace = load.alone_s[..., None, None] + np.exp(sigma * paces - sigma * sigma / 2) * beyond
        decoding = ((self.lengths.output.values - 1)[:, None] * pace).reshape(*load.itl_s.shape, -1)
        taken = decoding[..., None] + own[..., None, :]
        answers, waits = np.outer(self.lengths.output.weights, pace_weights).ravel(), load.waits.expanded()
        return lambda seconds: waits.longer_than(seconds[..., None, None] - taken) @ weights @ answers

    def _itl_tail(self, load: Load) -> Callable[[Floats], Floats]:
        """Spread over requests, lognormal beyond a step alone: what others bring into it, how the batch wanders."""
        sigma, beyond = self._itl_sigma(load), np.maximum(load.itl_s - load.alone_s, TINY)

        def exceeds(seconds: Floats) -> Floats:
            times = np.maximum(seconds - load.alone_s, TINY) / beyond
            result: Floats = normal_tail(np.log(times)[..., None] / sigma + sigma / 2) @ self.lengths.output.weights
            return np.where(seconds < load.alone_s, 1.0, result)

        return exceeds

    def _itl_sigma(self, load: Load) -> Floats:
        """Log standard deviation of ITL beyond a step alone: (candidates, batches, …, answer strata)."""
        answers = np.maximum(self.lengths.output.values - 1, 1.0) / max(self._decoded, 1.0)
        times = load.itl_s / np.maximum(load.itl_s - load.alone_s, TINY)
        variance = pace_variance(load.prefills, load.batch, load.bend, answers) * (times * times)[..., None]
        result: Floats = np.minimum(np.sqrt(np.log1p(variance) + TINY), WIDEST)
        return result

    def percentile(self, load: Load, metric: str, share: float) -> Floats:
        """Return a metric's percentile (candidates, batches), seconds."""
        return self.percentiles(load, metric, (share,))[..., 0]

    def percentiles(self, load: Load, metric: str, shares: Sequence[float]) -> Floats:
        """Return a metric's percentiles (candidates, batches, shares), seconds; they rise with the share.

        ``exceeds`` falls with time: a ladder of log time, the same for all shares, brackets each; two finer ones narrow
        the brackets, and the last is interpolated. The first starts below anybody's own prefill and ends where Markov's
        inequality allows no more: P(X > t) <= E[X]/t.
        """
        tail = self._tail(load.each(lambda array: array[:, :, None]), metric)
        allowed = 1 - np.asarray(shares)
        centre = np.log(self.mean(load, metric))
        shortest = centre - 4.0 if metric == "itl" else np.log(load.own_s.min(axis=-1))
        low = (shortest - 0.01)[..., None]
        width = (centre - np.log(allowed.min()) + 0.01)[..., None] - low
        for parts in (16, 12, 12):
            at = low[..., None] + width[..., None] * (np.arange(parts + 1) / parts)
            above = tail(np.exp(at.reshape(*load.batch.shape, -1))).reshape(at.shape)
            passed = np.minimum(np.maximum((above > allowed[:, None]).sum(axis=-1), 1), parts)
            width = width / parts
            low = low + (passed - 1) * width
        before = np.take_along_axis(above, passed[..., None] - 1, axis=-1)[..., 0]
        after = np.take_along_axis(above, passed[..., None], axis=-1)[..., 0]
        part = np.clip((before - allowed) / np.maximum(before - after, TINY), 0.0, 1.0)
        result: Floats = np.maximum.accumulate(np.exp(low + width * part), axis=-1)
        return result

    def meets(self, load: Load, target: Target) -> Bools:
        """Return whether a target holds at each batch."""
        if target.percentile == "mean":
            result: Bools = self.mean(load, target.metric) <= target.seconds
            return result
        share = SHARES[target.percentile]
        held: Bools = self.exceeds(load, target.metric, np.full(load.batch.shape, target.seconds)) <= 1 - share
        return held

    # --- solving for the batch ----------------------------------------------------------------------------------------

    def batch_at_rate(self, requests_per_s: Floats) -> Floats:
        """Return B (candidates, 1) that sustains a rate per candidate; NaN where the rate exceeds λ_max.

        Several rates of each candidate, (candidates, rates), give as many batches.
        """
        wanted = requests_per_s.reshape(len(self.seats), -1)
        passed = np.clip((self._rates[:, None, :] < wanted[..., None]).sum(axis=-1), 1, self._rates.shape[1] - 1)
        low = np.log(np.take_along_axis(self._rungs, passed - 1, axis=1))
        width = np.log(np.take_along_axis(self._rungs, passed, axis=1)) - low
        batch = _narrowed(self.rate, wanted, low, width, 8)
        # One secant step more, for six digits.
        here, beyond = np.split(self.rate(np.concatenate([batch, batch * NEARBY], axis=1)), 2, axis=1)
        slope = np.log(beyond / here) / np.log(NEARBY)
        batch = batch * np.exp(np.clip(np.log(wanted / here) / np.maximum(slope, 0.05), -0.01, 0.01))
        # Below the lightest load steps and prompts cost what they cost there, and formula 2 is explicit in B.
        alone = wanted * self._decoded * self._light_step / np.maximum(1 - wanted * self._light_prompt, TINY)
        batch = np.where(wanted < self._light_rate, alone, batch)
        result: Floats = np.where(wanted > self.saturated, np.nan, batch)
        return result

    def batch_in_flight(self, requests: Floats) -> Floats:
        """Return B with which so many requests run or wait (Little: λ·E2E), at most the saturated.

        Shapes are those of ``batch_at_rate``.
        """

        def in_flight(batch: Floats) -> Floats:
            load = self.at(batch)
            return load.requests_per_s * self.mean(load, "e2e")

        low = np.log(self.lightest)
        return _narrowed(
            in_flight, requests.reshape(len(self.seats), -1), low, np.log(self.saturated_batch) - low, 32, 32
        )

    def capacity_batch(self, targets: Sequence[Target], ceiling: float) -> Floats:
        """Return the largest batch (candidates, 1) that meets every target within the ceiling; NaN where none does."""
        highest = self.batch_at_rate(ceiling * self.saturated[:, 0])
        if not targets:
            return highest

        def holds(trial: Floats) -> Bools:
            load = self.at(trial)
            good: Bools = np.ones(trial.shape, dtype=np.bool_)
            for target in targets:
                good &= self.meets(load, target)
            return good

        return self._largest(holds, np.log(np.minimum(self.lightest, highest)), np.log(highest))

    def _largest(self, holds: Callable[[Floats], Bools], low: Floats, high: Floats) -> Floats:
        """Return the largest batch for which a condition holds, to 0.01 % and from below; NaN where it never does.

        The condition holds below some batch and fails above it; each pass narrows the bracket (of logs) by its number
        of points.
        """
        reachable = holds(np.exp(low))
        for points in (16, 10, 10, 10, 10):
            shares = np.linspace(0.0, 1.0, points + 1)
            grid = low + (high - low) * shares
            good = np.cumprod(holds(np.exp(grid)), axis=1).sum(axis=1, keepdims=True)
            at = np.clip(good - 1, 0, points)
            width = (high - low) / points
            low = low + at * width
            high = np.minimum(low + width, high)
        result: Floats = np.where(reachable, np.exp(low), np.nan)
        return result


def _narrowed(quantity: Callable[[Floats], Floats], wanted: Floats, low: Floats, width: Floats, *passes: int) -> Floats:
    """Return the first B from a bracket of log B at which a quantity that rises with B reaches each value.

    Each pass divides the bracket into so many parts, and the last is interpolated. A dip counts as level; below the
    bracket the quantity is proportional to B.
    """
    wanted = np.log(wanted)[..., None]
    low, width = (np.broadcast_to(array, wanted.shape[:-1])[..., None] for array in (low, width))
    for parts in passes:
        trial = np.exp(low + width * np.linspace(0.0, 1.0, parts + 1))
        found = np.log(quantity(trial.reshape(len(trial), -1))).reshape(trial.shape)
        found = np.maximum.accumulate(found, axis=-1)
        passed = np.minimum(np.maximum((found < wanted).sum(axis=-1, keepdims=True), 1), parts)
        width = width / parts
        low = low + (passed - 1) * width
    before = np.take_along_axis(found, passed - 1, axis=-1)
    after = np.take_along_axis(found, passed, axis=-1)
    part = np.where(
        wanted < before,
        (wanted - before) / np.maximum(width, TINY),
        np.clip((wanted - before) / np.maximum(after - before, TINY), 0.0, 1.0),
    )
    result: Floats = np.exp(low + width * part)[..., 0]
    return result


def _sum_of(parts: dict[str, Floats]) -> Floats:
    result: Floats = sum(parts.values(), np.zeros(1))
    return result
