"""What the steps of a replica carry and take at a batch: a decoding step, what prompts add to it, one's own prefill.

Formula numbers are those of spec-kit/methodology.md, "A replica at a load". The first axis of every array counts
candidates, the second batches; a third, where there is one, counts the strata of prompt lengths.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.kept import made_once
from catalogs.records.runtimes import Scheduler
from engine.arrays import Floats, Indices, across, along_last
from engine.question.lengths import Lengths
from engine.replica.prefills import by_head
from engine.replica.queueing import TINY
from engine.step.table import StepTables


class Steps(Struct, frozen=True, dict=True):
    """The steps of replicas at given batches: (candidates, batches), with a third axis of prompt strata where noted."""

    tables: StepTables
    batch: Floats
    decoding: Floats
    """τ: seconds of a step that only decodes."""
    beside: Floats
    """Sequences that decode in a step that carries prompts; zeros where steps do not mix."""
    between_looks: Floats
    """τ of all steps from one look for arrivals to the next, seconds."""
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
    head: Floats
    """Steps that carry any of them over prompts."""
    apart: Floats
    """Chance that no other prompt comes in a step."""
    others: Floats
    """Prompts that share the step in which the rest of one runs."""
    once: Floats
    """Seconds that a step takes for carrying any prompt, shared by head: launches, weights where steps do not mix."""
    full: Floats
    """Full-budget steps of each prompt stratum (strata)."""
    rest: Floats
    """The tokens that remain of each (strata)."""

    @made_once
    def last(self) -> Floats:
        """T of the step that carries the rest of a prompt beside those decoding (strata)."""
        return self.tables.base(self.beside[..., None] + self.rest)


class Followed(Struct, frozen=True):
    """Steps of prompts in which others come that run next, at SHARES of the largest batch: (candidates, shares)."""

    largest: Floats
    """(candidates, 1)."""
    others: Floats
    """Log of the prompts in a step beyond one."""
    each: Floats
    """Seconds that one more adds to it."""

    def take(self, index: Indices) -> "Followed":
        """Return the candidates at ``index``."""
        return Followed(self.largest[index], self.others[index], self.each[index])

    def at(self, batch: Floats) -> tuple[Floats, Floats]:
        """Return the prompts in a step, and the seconds that one more adds, at batches (candidates, batches)."""
        place = np.log(batch / self.largest) * (PLACES / -np.log(LEAST_SHARE)) + PLACES
        # Of a batch below all so many times fewer others come.
        return 1 + np.exp(_between(self.others, place)), _between(self.each, np.maximum(place, 0.0))


class StepCosts(Struct, frozen=True, dict=True):
    """Step tables of candidates under one workload's lengths and one scheduler, from which steps at a batch follow.

    Arrays are columns, (candidates, 1), unless noted.
    """

    tables: StepTables
    lengths: Lengths
    scheduler: Scheduler
    budget: Floats
    """Tokens that a step may carry."""
    ttft_overhead_s: Floats
    """What the server spends on a request outside of steps, seconds."""
    decoded: float
    """D: tokens of a mean answer that decoding steps make."""
    computed: float
    """E[P]: prompt tokens to compute, mean."""
    one_token_s: Floats
    """T[1]: a step that carries a single token."""
    context_s: Floats
    """What the context of one decoding sequence adds to a step."""
    prompt_context_s: Floats
    """(candidates, strata): attention over a prompt's own context."""
    seats: Floats | None
    """Requests that may run together, where they come at any time; None: each comes as another ends."""
    followed: Followed | None = None
    """Where they come at any time and prompts run apart."""
    pool: Floats | None = None
    """(candidates, 1): replicas behind one router, where that changes those steps; None: each is on its own."""

    def take(self, index: Indices) -> "StepCosts":
        """Return the candidates at ``index``."""
        arrays = ["budget", "ttft_overhead_s", "one_token_s", "context_s", "prompt_context_s"]
        arrays += ["seats"] * (self.seats is not None) + ["pool"] * (self.pool is not None)
        followed = self.followed and self.followed.take(index)
        taken = {name: getattr(self, name)[index] for name in arrays}
        return replace(self, tables=self.tables.take(index), followed=followed, **taken)

    def largest_batch(self, seats: Floats) -> Floats:
        """Return the seats, or where steps that mix are full of prompts before: B + B·P/D = b."""
        if not self.scheduler.mixed:
            return seats
        return np.minimum(seats, self.budget * self.decoded / (self.computed + self.decoded))

    def at(self, batch: Floats) -> Steps:
        """Return what steps carry and take at batches (candidates, batches)."""
        base, attention, decoding = self.decoding(batch)
        nobody = np.zeros(batch.shape)
        beside = batch if self.scheduler.mixed else nobody
        # At least a tenth of the budget, or prompts would starve.
        room = np.maximum(self._budget - beside, self._least_room)
        full = np.floor(self.lengths.computed / room[..., None])
        together = np.maximum(batch * (self.looks / self.decoded), TINY)
        return Steps(
            tables=self.tables,
            batch=batch,
            decoding=decoding,
            between_looks=decoding * self.looks,
            beside=beside,
            base=base if self.scheduler.mixed else nobody,
            attention=attention if self.scheduler.mixed else nobody,
            room=room,
            together=together,
            head=by_head(together),
            apart=np.exp(-together),
            others=batch / self.decoded,
            once=nobody + self._once,
            full_base=self.tables.base(beside + room),
            full=full,
            rest=self.lengths.computed - full * room[..., None],
        )

    def decoding(self, batch: Floats) -> tuple[Floats, Floats, Floats]:
        """Return T of those decoding, what their context adds, and τ."""
        running = np.maximum(batch, 1.0)
        base, attention = self.tables.base(running), self.decode_sequences(running)
        return base, attention, base + self._decode_fixed + attention

    def decode_attention(self, running: Floats) -> Floats:
        """Return the seconds of a decoding step of so many sequences, at least one, that grow with its context."""
        return self._context_s * (running + self._decode_extra)

    def decode_sequences(self, running: Floats) -> Floats:
        """Return the seconds of a decoding step that so many sequences, at least one, take beyond T and launches."""
        return self.decode_attention(running) + self.tables.sequences(running)

    def decoding_parts(self, batch: Floats, base: Mapping[str, Floats]) -> dict[str, float]:
        """Return what a decoding step is made of, seconds by name; of an array of one.

        Args:
            batch: (1, 1).
            base: what T is made of, by name, at the grid of the step tables: (1, tokens) each.
        """
        running = np.maximum(batch, 1.0)
        at = {name: float(replace(self.tables, seconds=part).base(running)[0, 0]) for name, part in base.items()}
        host, sampling = (
            float(each[0] * running[0, 0]) for each in (self.tables.decode_sequence, self.tables.decode_sampling)
        )
        # The table never falls with tokens, though a part may where kernels switch.
        return at | {
            "LM head": at["LM head"] + float(self.tables.sequences(running)[0, 0]) - host - sampling,
            "held from falling": float(self.tables.base(running)[0, 0]) - sum(at.values()),
            "attention, launches": float(self.tables.decode_fixed[0]),
            "attention over the context": float(self.decode_attention(running)[0, 0]),
            "the pipeline's host, by sequence": host,
            **({"sampling": sampling} if sampling else {}),
        }

    def elasticity(self, steps: Steps) -> Floats:
        """Return ε, by how many per cent a decoding step is longer for each 1 % that the batch grows."""
        more = np.maximum(steps.batch, 1.0) * GROWTH
        longer = self.tables.base(more) + self._decode_fixed + self.decode_sequences(more)
        return np.maximum(longer / steps.decoding - 1, 0.0) / (GROWTH - 1)

    def opened(self, batch: Floats) -> tuple[Steps, Floats]:
        """Return the steps and ``prompt_seconds`` of batches (candidates, batches) of requests that come at any time.

        Where prompts run apart, others come meanwhile and run next if they find a seat (``_followed``). Who finds none
        waits for the next step that decodes.
        """
        steps, free = self.at(batch), np.ones(())
        if self.seats is None or self.followed is None:
            return steps, self.prompt_seconds(steps)
        many, each = self.followed.at(batch)
        spare = (across(self.seats) - batch) / across(np.sqrt(self.seats))
        if (spare < NEVER_FULL).any():
            # Halfin and Whitt's chance that none is free, 1/(1 + β·Φ(β)/φ(β)), with Φ(β) for one.
            spare = np.clip(spare, 0.0, NEVER_FULL)
            odds = spare * np.exp(0.5 * spare * spare) * SQRT_2_PI
            free = odds / (1 + odds)
        if self.pool is not None:
            # A router that has sent a replica one request sends others theirs first: (1 − 1/n)/2 fewer come.
            free = free * (0.5 + 0.5 / across(self.pool))
        head, others = steps.head + (1 / many - steps.head) * free, steps.others + (many - 1 - steps.others) * free
        prompts = self.prompt_seconds(replace(steps, head=head, others=others))
        mean = prompts @ self.lengths.prompt.weights
        once = steps.once + (np.maximum(mean - each, 0.0) / head - steps.once) * free
        followed = -np.expm1(-self.rate(steps, mean) * steps.between_looks) * many / steps.together
        apart = steps.apart + (followed - steps.apart) * free
        return replace(steps, head=head, others=others, once=once, apart=apart), prompts

    def rate_at(self, batch: Floats) -> Floats:
        """Return λ(B), requests/s, of batches (candidates, batches): formula 2."""
        steps, prompts = self.opened(batch)
        return self.rate(steps, prompts @ self.lengths.prompt.weights)

    def rate(self, steps: Steps, prompt_s: Floats) -> Floats:
        """Return formula 2 solved for λ, requests/s that the batch of the steps sustains; at the largest it is λ_max.

        Args:
            prompt_s: ΔP, the mean of ``prompt_seconds``.
        """
        return steps.batch / (self.decoded * steps.decoding + steps.batch * prompt_s)

    def prompt_seconds(self, steps: Steps) -> Floats:
        """Return formula 1: replica seconds that a prompt of each stratum adds, (candidates, batches, strata)."""
        return sum_of_parts(self.prompt_parts(steps))

    def prompt_parts(self, steps: Steps) -> dict[str, Floats]:
        """Return what ``prompt_seconds`` is made of, by name; arrays that broadcast."""
        ended = (steps.others * self.computed)[..., None]
        room, rest = steps.room[..., None], steps.rest
        # The rest shares its step with other prompts, the more the fuller the budget is: B/D requests end in a step and
        # as many come; where that fills it no larger batch comes about. Each bears the tokens that it brings; a step's
        # launches, and its weights where nobody decodes in it, are shared by head.
        head = steps.head[..., None]
        filled = rest + (room - rest) * np.minimum(ended / room, 1.0)
        # T of the step without them, which those decoding pay, or all prompts in it.
        empty = steps.base if self.scheduler.mixed else steps.base + self.one_token_s
        running = (np.maximum(steps.batch, 1.0) if self.scheduler.mixed else steps.beside)[..., None]
        tokens = (self.tables.base(running + filled) - empty[..., None]) * (rest / np.maximum(filled, TINY))
        added = steps.full * (steps.full_base - steps.base)[..., None] + tokens
        if not self.scheduler.mixed:
            added = added + empty[..., None] * head
        return {
            "its tokens in the steps": added,
            "launches of its steps": (steps.full + head) * across(self.tables.prompt_fixed, 2),
            "attention over the prompt": self.prompt_context_s[:, None, :],
        }

    def own_prefill_parts(self, steps: Steps) -> dict[str, Floats]:
        """Return formula 7: what a request's own prefill is made of, by name; arrays that broadcast.

        A prompt alone passes the pipeline's stages one by one; further chunks of it follow a stage behind.
        """
        beside, full, rest = steps.beside[..., None], steps.full, steps.rest
        stages = across(self.tables.pipeline, 2)
        own = full * steps.full_base[..., None] + steps.last
        if self.tables.staged:
            first = np.where(full > 0, steps.room[..., None], rest)
            own = own + self.tables.base(beside + first * stages) - self.tables.base(beside + first)
        return {
            "its steps": own,
            "attention of those decoding beside it": (full + np.minimum(beside, 1.0)) * steps.attention[..., None],
            "launches of its steps": (full + 1.0) * across(self.tables.prompt_fixed, 2),
            "attention over the prompt": self.prompt_context_s[:, None, :] * stages,
            "server": self.ttft_overhead_s[..., None],
        }

    def prompts_beside(self, steps: Steps, others: Floats) -> Floats:
        """Return the seconds that so many mean prompts (candidates, batches) add to a step which carries one.

        Its weights are read, so that they cost more than one alone in the measure in which it is bound by computing.
        """
        weights = self.lengths.prompt.weights
        at_least_one, room = np.maximum(others, 1.0), steps.room[..., None]
        span = (at_least_one * (steps.rest @ weights))[..., None]
        top = np.minimum(steps.rest + span, room)
        begun = steps.beside[..., None]
        fuller = steps.full_base - steps.base
        spilled = (span - (top - steps.rest)) * (fuller / steps.room)[..., None]
        tokens = (self.tables.base(begun + top) - steps.last + spilled) @ weights
        chunks = (steps.full @ weights) * (fuller + self._prompt_fixed)
        return others * (tokens / at_least_one + chunks + self._prompt_context_s)

    @property
    def looks(self) -> int:
        """Steps from one look for arrivals to the next."""
        return max(self.scheduler.poll_steps, self.scheduler.batch_wait_steps)

    def fits_beside(self, steps: Steps, before: Floats, after: Floats) -> Floats:
        """Return the share of the mean prompts that come after one which runs in its step, by the tokens left there.

        Args:
            before: prompts before it, and
            after: prompts after it that come in the step before.
        """
        # Of the step in which a long prompt ends a half is left. Each takes what it needs, or all that is left:
        # (1 − e^−x)/x of those who come, by 1/(1 + x/2).
        left = np.maximum(steps.room - (1 + before) * self.computed, steps.room / 2)
        of_left = self.computed / left
        return 1 / (np.maximum(of_left, 1.0) + after * of_left / 2)

    # Columns as ``across`` has them.

    @made_once
    def _budget(self) -> Floats:
        return across(self.budget)

    @made_once
    def _least_room(self) -> Floats:
        return across(0.1 * self.budget)

    @made_once
    def _context_s(self) -> Floats:
        return across(self.context_s)

    @made_once
    def _decode_fixed(self) -> Floats:
        return across(self.tables.decode_fixed)

    @made_once
    def _decode_extra(self) -> Floats:
        return across(self.tables.decode_extra)

    @made_once
    def _prompt_fixed(self) -> Floats:
        return across(self.tables.prompt_fixed)

    @made_once
    def _once(self) -> Floats:
        return self._prompt_fixed if self.scheduler.mixed else self._prompt_fixed + across(self.one_token_s)

    @made_once
    def _prompt_context_s(self) -> Floats:
        return across(self.prompt_context_s @ self.lengths.prompt.weights)


SQRT_2_PI = 2.5066282746310002
NEVER_FULL = 5.0
"""Free seats, in deviations of the taken ones, from which nobody waits for one but with a probability below 1e-6."""
LEAST_SHARE, PLACES = 1e-3, 31
"""Share of the largest batch from which on prompts that follow each other are tabulated, and to how many places."""
SHARES = np.geomspace(LEAST_SHARE, 1.0, PLACES + 1)
COUNTS = 24
"""Counts of prompts in a step, evenly in their logarithm, at which what it takes is tabulated."""
FEWEST = 1e-4
"""Prompts in a step beyond one, from which on they are told from none."""
ROUNDS = 4
"""Of Newton's rule for the prompts in a step, from halfway between one step for all and one for each: to 1 %."""
GROWTH = 1.1
"""Growth of the batch by which the elasticity of a step's time is taken."""


def step_costs(
    tables: StepTables,
    lengths: Lengths,
    scheduler: Scheduler,
    *,
    budget: Floats,
    ttft_overhead_s: Floats,
    seats: Floats | None = None,
) -> StepCosts:
    """Return step tables under a workload.

    Args:
        lengths: of the workload's prompts and answers.
        budget: tokens that a step may carry: (candidates,).
        ttft_overhead_s: what the server spends on a request outside of steps, seconds: (candidates,).
        seats: requests that may run together, (candidates, 1), where they come at any time.
    """
    context = np.array([lengths.decode_context(window) for window in tables.windows])
    per_prompt = np.array([lengths.prompt_context(window) for window in tables.windows])
    costs = StepCosts(
        tables=tables,
        lengths=lengths,
        scheduler=scheduler,
        budget=budget[:, None],
        ttft_overhead_s=ttft_overhead_s[:, None],
        decoded=lengths.decoded,
        computed=lengths.computed_mean,
        one_token_s=tables.base(np.ones_like(budget[:, None])),
        context_s=(tables.decode_context @ context)[:, None],
        prompt_context_s=tables.prompt_context @ per_prompt + tables.prompt_token[:, None] * lengths.computed,
        seats=seats,
    )
    if seats is None or scheduler.mixed:
        return costs
    return replace(costs, followed=_followed(costs, seats))


def _followed(costs: StepCosts, seats: Floats) -> Followed:
    """Return the steps of prompts in which others come that run next, up to so many seats (candidates, 1).

    Of a prompts for each step that decodes, q steps carry n = a/q each and take S(n), and another follows unless nobody
    came in one. Their seconds vary as a gamma law's, by k·S², since lengths do, by cv, and of n all but one:

        q = (1 − e^(−λτ))·(1 + k·λ·S)^(1/k),  λ = a/(τ + q·S),  k = c²·n·(cv² + 1 − e^(1 − n))/S²,  c = S(n + 1) − S(n)
    """
    largest, lengths = costs.largest_batch(seats), costs.lengths
    spread = lengths.computed_square / lengths.computed_mean**2
    come = largest * SHARES * (costs.looks / lengths.decoded)
    decoding = costs.decoding(largest * SHARES)[2] * costs.looks
    # S(n) is the same beside every batch.
    top = np.log(2.0 + come[:, -1:])
    counts = np.exp(top * np.linspace(0.0, 1.0, COUNTS))
    shared = replace(costs.at(np.zeros(largest.shape)), others=counts - 1, head=1 / counts)
    seconds = costs.prompt_seconds(shared) @ lengths.prompt.weights * counts

    def carried(many: Floats) -> tuple[Floats, Floats]:
        whole, more = (_between(seconds, np.log(count) * ((COUNTS - 1) / top)) for count in (many, many + 1))
        return whole, np.minimum(more - whole, whole / many)

    carrying = (come - np.expm1(-come)) / 2
    for _ in range(ROUNDS):
        many = come / carrying
        whole, each = carried(many)
        rate = come / (decoding + carrying * whole)
        by_step, by_each = rate * whole, rate * each * many
        varied = (each / whole) ** 2 * many * (spread - np.exp(1 - many)) + TINY
        some, followed = -np.expm1(-rate * decoding), np.log1p(varied * by_step) / varied
        steep = 1 / (1 + varied * by_step)
        falls = (rate * decoding * (1 / some - 1) + by_step * steep) * carrying * (by_step - by_each) / come
        carrying = carrying * np.exp((np.log(some / carrying) + followed) / (1 + falls + by_each * steep))
        carrying = np.minimum(np.maximum(carrying, some), come)
    many = come / carrying
    return Followed(largest, np.log(np.maximum(many - 1, FEWEST)), carried(many)[1])


def _between(table: Floats, place: Floats) -> Floats:
    """Return a table's rows between its columns, as far on as places (rows, …) say, and before the first likewise."""
    column = np.fmin(np.fmax(place, 0.0), table.shape[1] - 2.0).astype(np.intp)  # no place, NaN, is the first
    low = along_last(table, column)
    return low + (along_last(table, column + 1) - low) * (place - column)


def sum_of_parts(parts: dict[str, Floats]) -> Floats:
    """Return the sum of named parts, arrays that broadcast."""
    first, *others = parts.values()
    return sum(others, first)
