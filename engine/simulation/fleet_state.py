"""The columns on which the loops work, for replicas that are alike, kept from one chunk of requests to the next."""

from math import log
from typing import Any

import numpy as np
from msgspec import Struct

from catalogs.errors import InputError
from catalogs.records.runtimes import Scheduler
from engine.arrays import Bools, Floats, Ints
from engine.random_streams import stream
from engine.simulation.columns import (
    ASSIGNED,
    CLOCK,
    COMING,
    FLOATS,
    HEAD,
    ID_MASK,
    INTEGERS,
    LAST,
    LINGERING,
    NEVER,
    OF_A_PREFIX,
    PARTIAL,
    QUIET,
    SENTINEL,
    SHARE,
    SINCE,
    TAKES,
    TURNS_LEFT,
    UNREADY,
    WAKE,
    Model,
    Policy,
    RequestColumns,
    State,
)
from engine.simulation.compiled import Loops
from engine.simulation.gaps import GAP_LOWEST_S, GAP_PER_LOG
from engine.simulation.requests import Requests, requests_of
from engine.simulation.routing import GIVEN, Routing, choices, kind_of
from engine.simulation.step_model import StepModel

GAP_BINS = 3700
"""From 10 µs to 1,000 s in bins of 0.5 %."""

GAP_EDGES: Floats = GAP_LOWEST_S * np.exp(np.arange(GAP_BINS + 1) / GAP_PER_LOG)

NO_LIMIT = 1 << 40

UNASKED = 2
"""Tokens of the KV pool that no answer may ask for, beside its prompt (SGLang's init_req_max_new_tokens)."""


class Served(Struct, frozen=True):
    """Requests that are done; all arrays alike, seconds since the load began."""

    number: Ints
    """In order of arrival over the whole load, from 0."""
    arrival_s: Floats
    input_tokens: Ints
    output_tokens: Ints
    admitted_s: Floats
    first_token_s: Floats
    finish_s: Floats
    preemptions: Ints


class FleetState:
    """Replicas of one step model under one scheduler, and the requests in them."""

    def __init__(
        self,
        model: StepModel,
        scheduler: Scheduler,
        replicas: int,
        routing: Routing,
        seed: int,
        loops: Loops,
        most_turns: int | None = None,
        *,
        count_gaps: bool = True,
    ) -> None:
        self._turns = (NO_LIMIT if most_turns is None else most_turns) // replicas
        self.model = model
        self.loops = loops
        self.replicas = replicas
        self.routing: Routing = routing
        self._random = stream(seed, 3)
        # Where prompts and decoding share a step, a running request needs a token of its budget.
        self._seats = min(model.seats, model.budget) if scheduler.mixed else model.seats
        self._reserving, self._asking = scheduler.reserve_output, scheduler.reserve_asked
        self._model = _model_columns(model, scheduler, self._seats, loops.compiled)
        self._policy = _policy_columns(model, scheduler, self._seats)
        self._groups: dict[int, tuple[int, int]] = {}
        """By prefix: its group, and the tokens that its prompts share."""
        self._state = _state_columns(
            model, self._seats, replicas, self._turns, self._policy.first_share, loops.compiled
        )
        if not count_gaps:
            self._state = self._state._replace(gaps=self._state.gaps[:0])
        self._open = _columns_of(NO_REQUESTS)  # requests that were not done when the last chunk ended
        self._open_numbers: Ints = np.zeros(0, dtype=np.int64)
        self._seen = 0
        self._latest = replicas - 1
        self.refused = 0

    @property
    def totals(self) -> tuple[Ints, Floats]:
        """Integers and floats of each replica, by the names in ``loop``."""
        return np.array(self._state.integers, dtype=np.int64), np.array(self._state.floats, dtype=np.float64)

    @property
    def turns(self) -> int:
        """Turns of the loop so far, over all replicas."""
        return sum(self._turns - max(int(numbers[TURNS_LEFT]), 0) for numbers in self._state.integers)

    @property
    def stopped_at(self) -> int | None:
        """The first request that is not done where a replica has no turns left; None where all have some."""
        if all(numbers[TURNS_LEFT] >= 0 for numbers in self._state.integers):
            return None
        return int(self._open_numbers.min(initial=self._seen))

    @property
    def token_gaps(self) -> Ints:
        """Gaps between tokens of one stream, by bin of ``GAP_EDGES``; empty where they are not counted."""
        return np.array(self._state.gaps, dtype=np.int64)

    def holds(self, requests: Requests) -> Bools:
        """Return which requests fit into an empty KV pool; a runtime refuses the others."""
        tokens = requests.input_tokens + requests.output_tokens - (0 if self._reserving else 1)
        if self._policy.answering:
            tokens = tokens + 1 + UNASKED
        return tokens <= self.model.blocks * self.model.block_tokens

    def serve(self, requests: Requests, horizon: float) -> Served:
        """Take requests that arrive before ``horizon`` and run up to it; return those that are done.

        Raises:
            InputError: more requests wait than the simulator can hold.
        """
        requests, numbers, columns = self._taken(requests)
        carried = len(numbers) - len(requests)
        chosen, other = choices(self.routing, self.replicas, numbers[carried:], requests.prefix, self._random)
        # The loops look a request's choice up by its id.
        chosen, other = (np.concatenate([np.zeros(carried, dtype=np.int64), part]) for part in (chosen, other))
        kind = kind_of(self.routing) if self.replicas > 1 else GIVEN
        fast = self.loops.compiled
        if kind == GIVEN:
            self._line_up(columns, carried, chosen)
        else:
            self._latest = self.loops.serve_open(
                _numbers(np.arange(carried, len(numbers)), fast),
                self._latest,
                kind,
                _numbers(chosen, fast),
                _numbers(other, fast),
                self._model,
                self._policy,
                columns,
                self._state,
            )
        self.loops.settle(horizon, self._model, self._policy, columns, self._state)
        return self._collect(columns, numbers)

    def _taken(self, requests: Requests) -> tuple[Requests, Ints, RequestColumns]:
        """Return the requests that fit, and numbers and columns of those carried over and of these."""
        numbers = self._numbered(len(requests))
        fits = self.holds(requests)
        if not fits.all():
            self.refused += int((~fits).sum())
            requests, numbers = requests.take(fits), numbers[fits]
        carried = len(self._open_numbers)
        numbers = np.concatenate([self._open_numbers, numbers])
        if len(numbers) > ID_MASK:
            raise InputError(f"{carried:,} requests are waiting: the load is far beyond what the replicas can serve")
        return requests, numbers, self._request_columns(requests)

    def serve_clients(self, requests: Requests, clients: int, starts: Floats, think: Floats) -> Served:
        """Serve a closed loop to its end: a client sends its next request a while after its last is done.

        Args:
            requests: in the order in which they are sent.
            clients: that send them.
            starts: seconds at which each client sends its first.
            think: seconds between an answer and the request that follows it, by request.

        Raises:
            InputError: a request that does not fit into the KV pool.
        """
        numbers = self._numbered(len(requests))
        fits = self.holds(requests)
        if not fits.all():
            raise InputError(
                f"a request of {int((requests.input_tokens + requests.output_tokens).max()):,} tokens does not fit "
                f"into the KV pool of {self.model.kv_tokens:,.0f}"
            )
        columns = self._request_columns(requests)
        chosen, other = choices(self.routing, self.replicas, numbers, requests.prefix, self._random)
        fast = self.loops.compiled
        kind = kind_of(self.routing) if self.replicas > 1 else GIVEN
        pending: Any = [NEVER]
        if fast:
            pending = np.zeros(clients + 4)
            pending[0], pending[-1] = NEVER, 1
        self.loops.serve_closed(
            clients,
            _numbers(starts, fast),
            _numbers(think, fast),
            pending,
            kind,
            _numbers(chosen, fast),
            _numbers(other, fast),
            self._model,
            self._policy,
            columns,
            self._state,
        )
        return self._collect(columns, numbers)

    def _numbered(self, count: int) -> Ints:
        self._seen += count
        return np.arange(self._seen - count, self._seen, dtype=np.int64)

    def _request_columns(self, requests: Requests) -> RequestColumns:
        """Return the loops' columns: what was carried over, then the new requests."""
        new = _columns_of(requests)
        if self._policy.caching and requests.shared_tokens.any():
            new = self._grouped(new, requests)
        if self._policy.answering or self._asking:
            most = self.model.blocks * self.model.block_tokens - UNASKED - requests.input_tokens
            asked = 0 if self.model.fixed_answers else self.model.asked_tokens
            new = new._replace(asked=np.maximum(np.minimum(asked, most), new.output))
        pairs = zip(self._open, new, strict=True)
        return RequestColumns(*(_numbers(np.concatenate(pair), self.loops.compiled) for pair in pairs))

    def _grouped(self, new: RequestColumns, requests: Requests) -> RequestColumns:
        """Return the columns with the groups whose prompts begin alike; a prompt of nothing else is in none."""
        known, named = len(self._groups), zip(requests.prefix.tolist(), requests.shared_tokens.tolist(), strict=True)
        found = [self._groups.setdefault(prefix, (len(self._groups), tokens)) for prefix, tokens in named]
        groups, tokens = np.array(found, dtype=np.int64).T
        blocks = np.where(requests.input_tokens > tokens, tokens // self.model.block_tokens, 0)
        more = [0] * (OF_A_PREFIX * (len(self._groups) - known))
        rows = [_numbers(np.append(row, more).astype(np.int64), False) for row in self._state.prefixes]
        self._state = self._state._replace(
            prefixes=_numbers(np.array(rows, dtype=np.int64), True) if self.loops.compiled else rows
        )
        return new._replace(group=np.where(blocks > 0, groups, -1), shared=blocks)

    def _line_up(self, columns: RequestColumns, begin: int, chosen: Ints) -> None:
        """Put each new request into its replica's line."""
        following = columns.following
        order = np.argsort(chosen[begin:], kind="stable") + begin
        taken = np.bincount(chosen[begin:], minlength=self.replicas)
        for replica, ids in enumerate(np.split(order, np.cumsum(taken)[:-1])):
            if not len(ids):
                continue
            line: Any = _numbers(np.append(ids[1:], -1), self.loops.compiled)
            if self.loops.compiled:
                following[ids] = line
            elif self.replicas == 1:
                following[begin:] = line
            else:
                for one, after in zip(ids.tolist(), line, strict=True):
                    following[one] = after
            numbers, times, first = self._state.integers[replica], self._state.floats[replica], int(ids[0])
            if numbers[HEAD] < 0:
                numbers[HEAD] = first
            else:
                following[numbers[LAST]] = first
            numbers[LAST] = int(ids[-1])
            for pointer in (COMING, UNREADY):
                if numbers[pointer] < 0:
                    numbers[pointer] = first
            numbers[ASSIGNED] += len(ids)
            times[WAKE] = min(times[WAKE], max(times[CLOCK], columns.arrival[first]))

    def _collect(self, columns: RequestColumns, numbers: Ints, until: float = NEVER) -> Served:
        """Return the requests that are done by ``until``, and carry the others over under new ids."""
        arrays = RequestColumns(
            *(np.asarray(column, dtype=old.dtype) for column, old in zip(columns, self._open, strict=True))
        )
        done = (arrays.finish >= 0) & (arrays.finish <= until)
        # Who ended and still keeps its blocks may yet have to give them back early.
        each = zip(self._state.integers, self._state.floats, strict=True)
        clocks = [times[CLOCK] for integers, times in each if integers[LINGERING]]
        if clocks:
            done &= ~np.isin(arrays.finish, clocks)
        fill = arrays.fill[done] + self._first_token_later(arrays, done)
        served = Served(
            numbers[done],
            arrays.arrival[done],
            arrays.prompt[done],
            arrays.output[done],
            arrays.admitted[done],
            arrays.first_token[done] + fill,
            arrays.finish[done] + fill,
            arrays.preempted[done],
        )
        ids = np.where(done, -1, np.cumsum(~done) - 1)
        left = RequestColumns(*(column[~done] for column in arrays))
        self._open = left._replace(following=np.where(left.following >= 0, ids[left.following], -1))
        self._open_numbers = numbers[~done]
        self._renumber(ids)
        return served

    def _first_token_later(self, arrays: RequestColumns, done: Bools) -> Floats | float:
        """Return the seconds by which first tokens of requests that are done come later by what no step explains."""
        if not self.model.first_tokens or not done.any():
            return 0.0
        arrival, finish = arrays.arrival[done], arrays.finish[done]
        in_flight = (finish - arrival).sum() / max(finish.max() - arrival.min(), 1e-9) / self.replicas
        times = float(np.interp(log(max(in_flight, 1.0)), np.log(self.model.tokens), self.model.first_tokens))
        return (times - 1.0) * (arrays.first_token[done] - arrival + self.model.overhead_s)

    def _renumber(self, ids: Ints) -> None:
        self.loops.renumber(ids if self.loops.compiled else ids.tolist(), self._state)


def _numbers(values: Any, compiled: bool) -> Any:
    return np.ascontiguousarray(values) if compiled else values.tolist()


def _columns_of(requests: Requests) -> RequestColumns:
    """Return requests of which nothing has happened yet, as arrays."""
    count = len(requests)
    none, unset = np.zeros(count, dtype=np.int64), np.full(count, -1.0)
    return RequestColumns(
        arrival=requests.arrival_s,
        prompt=requests.input_tokens,
        output=requests.output_tokens,
        asked=requests.output_tokens,
        cached=np.minimum(requests.cached_tokens, requests.input_tokens - 1),
        following=none - 1,
        emitted=none,
        ends=none - 1,
        admitted=unset,
        first_token=unset,
        finish=unset,
        preempted=none,
        waits_since=unset,
        fill=np.zeros(count),
        kept=none,
        kept_until=none,
        group=none - 1,
        shared=none,
    )


NO_REQUESTS = requests_of(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def _model_columns(model: StepModel, scheduler: Scheduler, seats: int, compiled: bool) -> Model:
    most = model.budget + seats
    if model.pipeline > 1 or not scheduler.chunked:
        most = max(most, int(model.tokens[-1]))
    base = model.base(most)
    beyond_s = float(base[-1] - base[-2])
    batch = np.arange(seats + 1, dtype=np.float64)
    decode_s = model.decode_fixed_s + model.decode_sequence_s * batch
    decode_s += model.decode_further_s * np.maximum(batch - model.decode_further_from, 0.0)
    weight = 1.0 + model.decode_extra / np.maximum(batch, 1.0)
    decode_context, prompt_context = model.full_attention
    windows = model.finite_windows
    return Model(
        step_s=_numbers(base, compiled),
        beyond_s=beyond_s,
        batch_s=_numbers(base[: seats + 1] + decode_s, compiled),
        weight=_numbers(weight, compiled),
        decode_s=_numbers(decode_s, compiled),
        decode_context_s=float(decode_context),
        prompt_fixed_s=float(model.prompt_fixed_s),
        prompt_token_s=float(model.prompt_token_s),
        prompt_context_s=float(prompt_context),
        windows=_numbers(np.array([w for w, _, _ in windows], dtype=np.int64), compiled),
        window_decode_s=_numbers(np.array([c for _, c, _ in windows], dtype=np.float64), compiled),
        window_prompt_s=_numbers(np.array([c for _, _, c in windows], dtype=np.float64), compiled),
        stages=int(model.pipeline),
        # A little less, so that rounded clocks cannot pass it; T beyond its last entry may fall where it slopes down.
        shortest_step_s=0.999 * float(base.min()) if beyond_s >= 0 else 0.0,
    )


def _policy_columns(model: StepModel, scheduler: Scheduler, seats: int) -> Policy:
    reserve = scheduler.answer_reserve
    return Policy(
        budget=int(model.budget),
        seats=seats,
        blocks=model.blocks,
        block=int(model.block_tokens),
        mixed=int(scheduler.mixed),
        chunked=int(scheduler.chunked),
        reserving=int(scheduler.reserve_output),
        # Whoever has reserved its whole answer is never preempted.
        whole=int(scheduler.admit_whole_prompt and not scheduler.reserve_output),
        caching=int(scheduler.prefix_cache and not scheduler.reserve_output),
        later=int(scheduler.one_step_later),
        lingering=int(scheduler.release_one_step_later),
        poll_steps=int(scheduler.poll_steps),
        batch_wait=int(scheduler.batch_wait_steps),
        prompts_per_step=int(scheduler.prompts_per_step or NO_LIMIT),
        answering=int(scheduler.answer_reserve is not None),
        most_answer=int(reserve.most_tokens) if reserve else 0,
        spare=int(reserve.spare_tokens) if reserve else 0,
        steps_ahead=int(reserve.steps_ahead) if reserve else 0,
        seated=int(reserve.seated_until_decoding and scheduler.release_one_step_later) if reserve else 0,
        foresees=int(reserve.foresees_ends) if reserve else 0,
        whole_answers=int(reserve.fixed_whole and model.fixed_answers) if reserve else 0,
        first_share=float(reserve.share) if reserve else 0.0,
        least_share=float(reserve.least_share) if reserve else 0.0,
        share_fall=float((reserve.share - reserve.least_share) / reserve.fall_steps) if reserve else 0.0,
    )


def _state_columns(model: StepModel, seats: int, replicas: int, turns: int, share: float, compiled: bool) -> State:
    integers = np.zeros((replicas, INTEGERS), dtype=np.int64)
    integers[:, [PARTIAL, HEAD, UNREADY, COMING, LAST]] = -1
    integers[:, SINCE] = NO_LIMIT
    integers[:, TAKES] = 1
    integers[:, TURNS_LEFT] = turns
    floats = np.zeros((replicas, FLOATS))
    floats[:, [WAKE, QUIET]] = NEVER
    floats[:, SHARE] = share
    kinds = len(model.finite_windows) + 1
    heaps: Any = [[SENTINEL] for _ in range(replicas)]
    if compiled:
        heaps = np.zeros((replicas, seats * kinds + 4), dtype=np.int64)
        heaps[:, 0], heaps[:, -1] = SENTINEL, 1
    nodes = 2 * (1 << max((replicas - 1).bit_length(), 1))
    return State(
        integers=_numbers(integers, compiled),
        floats=_numbers(floats, compiled),
        heaps=heaps,
        phases=_numbers(np.zeros((replicas, model.block_tokens), dtype=np.int64), compiled),
        orders=_numbers(np.zeros((replicas, 2 * seats + 4), dtype=np.int64), compiled),
        window_tokens=_numbers(np.zeros((replicas, kinds - 1), dtype=np.int64), compiled),
        window_short=_numbers(np.zeros((replicas, kinds - 1), dtype=np.int64), compiled),
        gaps=_numbers(np.zeros(GAP_BINS, dtype=np.int64), compiled),
        gap_edges=_numbers(GAP_EDGES, compiled),
        attention=_numbers(np.zeros(kinds), compiled),
        endings=_numbers(np.zeros((replicas, seats + 1), dtype=np.int64), compiled),
        gone=_numbers(np.zeros(2 * seats + 4, dtype=np.int64), compiled),
        alarms=_numbers(np.full(nodes, NEVER), compiled),
        loads=_numbers(np.full(nodes, SENTINEL), compiled),
        prefixes=_numbers(np.zeros((replicas, 0), dtype=np.int64), compiled),
        lingering_groups=_numbers(np.zeros((replicas, 2 * seats + 2), dtype=np.int64), compiled),
    )
