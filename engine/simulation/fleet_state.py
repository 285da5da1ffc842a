"""The columns on which the loops work, for replicas that are alike, kept from one chunk of requests to the next."""

from typing import Any

import numpy as np
from msgspec import Struct

from catalogs.errors import InputError
from catalogs.records.runtimes import Scheduler
from engine.arrays import Bools, Floats, Ints
from engine.random_streams import stream
from engine.simulation.columns import (
    ADMITTED,
    COMING,
    FLOATS,
    HEAD,
    ID_MASK,
    INTEGERS,
    LAST,
    NEVER,
    PARTIAL,
    SENTINEL,
    SINCE,
    TURNS_LEFT,
    UNREADY,
)
from engine.simulation.compiled import Loops
from engine.simulation.gaps import GAP_LOWEST_S, GAP_PER_LOG
from engine.simulation.requests import Requests
from engine.simulation.routing import GIVEN, Routing, choices, kind_of
from engine.simulation.step_model import StepModel

GAP_BINS = 3700
"""From 10 µs to 1,000 s in bins of 0.5 %."""

GAP_EDGES: Floats = GAP_LOWEST_S * np.exp(np.arange(GAP_BINS + 1) / GAP_PER_LOG)

NO_LIMIT = 1 << 40


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


class _Open(Struct):
    """Requests that are not done when a chunk ends: columns of the loop, and their numbers."""

    columns: list[Any]
    numbers: Ints


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
    ) -> None:
        self._turns = (NO_LIMIT if most_turns is None else most_turns) // replicas
        self.model = model
        self.loops = loops
        self.replicas = replicas
        self.routing: Routing = routing
        self._random = stream(seed, 3)
        # Where prompts and decoding share a step, a running request needs a token of its budget.
        self._seats = min(model.seats, model.budget) if scheduler.mixed else model.seats
        self._reserving = scheduler.reserve_output
        self._model = _model_columns(model, scheduler, self._seats, loops.compiled)
        self._policy = _policy_columns(model, scheduler, self._seats)
        self._state = _state_columns(model, self._seats, replicas, self._turns, loops.compiled)
        self._assigned = _numbers(np.zeros(replicas, dtype=np.int64), loops.compiled)
        self._wake = _numbers(np.full(replicas, np.inf), loops.compiled)
        self._takes = _numbers(np.ones(replicas, dtype=np.int64), loops.compiled)
        self._open = _Open([[] for _ in range(13)], np.zeros(0, dtype=np.int64))
        self._seen = 0
        self._latest = replicas - 1
        self.refused = 0

    @property
    def totals(self) -> tuple[Ints, Floats]:
        """Integers and floats of each replica, by the names in ``loop``."""
        return np.array(self._state[0], dtype=np.int64), np.array(self._state[1], dtype=np.float64)

    @property
    def turns(self) -> int:
        """Turns of the loop so far, over all replicas."""
        return sum(self._turns - max(int(numbers[TURNS_LEFT]), 0) for numbers in self._state[0])

    @property
    def stopped_at(self) -> int | None:
        """The first request that is not done where a replica has no turns left; None where all have some."""
        if all(numbers[TURNS_LEFT] >= 0 for numbers in self._state[0]):
            return None
        return int(self._open.numbers.min(initial=self._seen))

    @property
    def token_gaps(self) -> Ints:
        """Gaps between tokens of one stream, by bin of ``GAP_EDGES``."""
        return np.array(self._state[7], dtype=np.int64)

    def holds(self, requests: Requests) -> Bools:
        """Return which requests fit into an empty KV pool; a runtime refuses the others."""
        tokens = requests.input_tokens + requests.output_tokens - (0 if self._reserving else 1)
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
                carried,
                len(numbers),
                self._latest,
                kind,
                _numbers(chosen, fast),
                _numbers(other, fast),
                self._takes,
                self._assigned,
                self._wake,
                self._model,
                self._policy,
                tuple(columns),
                self._state,
            )
        for replica in range(self.replicas):
            self._wake[replica] = self.loops.advance(
                replica, horizon, False, self._model, self._policy, tuple(columns), self._state
            )
        return self._collect(columns, numbers)

    def _taken(self, requests: Requests) -> tuple[Requests, Ints, list[Any]]:
        """Return the requests that fit, and numbers and columns of those carried over and of these."""
        numbers = self._numbered(len(requests))
        fits = self.holds(requests)
        if not fits.all():
            self.refused += int((~fits).sum())
            requests, numbers = requests.take(fits), numbers[fits]
        carried = len(self._open.numbers)
        numbers = np.concatenate([self._open.numbers, numbers])
        if len(numbers) > ID_MASK:
            raise InputError(f"{carried:,} requests are waiting: the load is far beyond what the replicas can serve")
        return requests, numbers, self._request_columns(requests)

    def serve_clients(self, requests: Requests, clients: int, starts: Floats, think: Floats) -> Served:
        """Serve a closed loop to its end: a client sends its next request ``think`` s after its last is done."""
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
            self._takes,
            self._assigned,
            self._wake,
            self._model,
            self._policy,
            tuple(columns),
            self._state,
        )
        return self._collect(columns, numbers)

    def _numbered(self, count: int) -> Ints:
        self._seen += count
        return np.arange(self._seen - count, self._seen, dtype=np.int64)

    def _request_columns(self, requests: Requests) -> list[Any]:
        """The loop's columns: what was carried over, then the new requests."""
        count = len(requests)
        none, unset = np.zeros(count, dtype=np.int64), np.full(count, -1.0)
        cached = np.minimum(requests.cached_tokens, requests.input_tokens - 1)
        new = [
            requests.arrival_s,
            requests.input_tokens,
            requests.output_tokens,
            cached,
            none - 1,
            none,
            none - 1,
            unset,
            unset,
            unset,
            none,
            unset,
            np.zeros(count),
        ]
        if len(self._open.numbers):
            new = [np.concatenate([old, fresh]) for old, fresh in zip(self._open.columns, new, strict=True)]
        return [_numbers(np.array(column), self.loops.compiled) for column in new]

    def _line_up(self, columns: list[Any], begin: int, chosen: Ints) -> None:
        """Put each new request into its replica's line."""
        following = columns[4]
        for replica in range(self.replicas):
            ids = np.flatnonzero(chosen[begin:] == replica) + begin
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
            numbers, first = self._state[0][replica], int(ids[0])
            if numbers[HEAD] < 0:
                numbers[HEAD] = first
            else:
                following[numbers[LAST]] = first
            numbers[LAST] = int(ids[-1])
            for pointer in (COMING, UNREADY):
                if numbers[pointer] < 0:
                    numbers[pointer] = first
            self._assigned[replica] += len(ids)

    def _collect(self, columns: list[Any], numbers: Ints, until: float = NEVER) -> Served:
        """Return the requests that are done by ``until``, and carry the others over under new ids."""
        arrays: list[Any] = [
            np.asarray(column, dtype=np.float64 if at in (0, 7, 8, 9, 11, 12) else np.int64)
            for at, column in enumerate(columns)
        ]
        arrival, prompt, output, _, _, _, _, admitted, first, finish, preempted, _, fill = arrays
        done = (finish >= 0) & (finish <= until)
        served = Served(
            numbers[done],
            arrival[done],
            prompt[done],
            output[done],
            admitted[done],
            first[done] + fill[done],
            finish[done] + fill[done],
            preempted[done],
        )
        ids = np.where(done, -1, np.cumsum(~done) - 1)
        arrays = [column[~done] for column in arrays]
        arrays[4] = np.where(arrays[4] >= 0, ids[arrays[4]], -1)
        self._open = _Open(arrays, numbers[~done])
        self._renumber(ids)
        return served

    def _renumber(self, ids: Ints) -> None:
        integers, _, heaps, _, orders = self._state[:5]
        for replica in range(self.replicas):
            numbers = integers[replica]
            for pointer in (PARTIAL, HEAD, UNREADY, COMING, LAST):
                if numbers[pointer] >= 0:
                    numbers[pointer] = int(ids[numbers[pointer]])
            heap = heaps[replica]
            size = int(heap[-1]) if self.loops.compiled else len(heap)
            for at in range(size):
                if heap[at] != SENTINEL:
                    heap[at] = (int(heap[at]) & ~ID_MASK) | int(ids[int(heap[at]) & ID_MASK])
            order, places = orders[replica], 0
            for at in range(numbers[ADMITTED]):
                one = int(ids[order[at]])
                if one >= 0:
                    order[places] = one
                    places += 1
            numbers[ADMITTED] = places


def _numbers(values: Any, compiled: bool) -> Any:
    return np.ascontiguousarray(values) if compiled else values.tolist()


def _model_columns(model: StepModel, scheduler: Scheduler, seats: int, compiled: bool) -> Any:
    most = model.budget + seats
    if model.pipeline > 1 or not scheduler.chunked:
        most = max(most, int(model.tokens[-1]))
    base = model.base(most)
    batch = np.arange(seats + 1, dtype=np.float64)
    decode_s = model.decode_fixed_s + model.decode_sequence_s * batch
    weight = 1.0 + model.decode_extra / np.maximum(batch, 1.0)
    decode_context, prompt_context = model.full_attention
    windows = model.finite_windows
    return (
        _numbers(base, compiled),
        float(base[-1] - base[-2]),
        _numbers(base[: seats + 1] + decode_s, compiled),
        _numbers(weight, compiled),
        _numbers(decode_s, compiled),
        float(decode_context),
        float(model.prompt_fixed_s),
        float(model.prompt_token_s),
        float(prompt_context),
        _numbers(np.array([w for w, _, _ in windows], dtype=np.int64), compiled),
        _numbers(np.array([c for _, c, _ in windows], dtype=np.float64), compiled),
        _numbers(np.array([c for _, _, c in windows], dtype=np.float64), compiled),
        int(model.pipeline),
    )


def _policy_columns(model: StepModel, scheduler: Scheduler, seats: int) -> Any:
    return (
        int(model.budget),
        seats,
        model.blocks,
        int(model.block_tokens),
        int(scheduler.mixed),
        int(scheduler.chunked),
        int(scheduler.reserve_output),
        int(scheduler.one_step_later),
        int(scheduler.poll_steps),
        int(scheduler.batch_wait_steps),
        int(scheduler.prompts_per_step or NO_LIMIT),
    )


def _state_columns(model: StepModel, seats: int, replicas: int, turns: int, compiled: bool) -> Any:
    integers = np.zeros((replicas, INTEGERS), dtype=np.int64)
    integers[:, [PARTIAL, HEAD, UNREADY, COMING, LAST]] = -1
    integers[:, SINCE] = NO_LIMIT
    integers[:, TURNS_LEFT] = turns
    kinds = len(model.finite_windows) + 1
    heaps: Any = [[SENTINEL] for _ in range(replicas)]
    if compiled:
        heaps = np.zeros((replicas, seats * kinds + 4), dtype=np.int64)
        heaps[:, 0], heaps[:, -1] = SENTINEL, 1
    return (
        _numbers(integers, compiled),
        _numbers(np.zeros((replicas, FLOATS)), compiled),
        heaps,
        _numbers(np.zeros((replicas, model.block_tokens), dtype=np.int64), compiled),
        _numbers(np.zeros((replicas, 2 * seats + 4), dtype=np.int64), compiled),
        *(_numbers(np.zeros((replicas, kinds - 1), dtype=np.int64), compiled) for _ in range(2)),
        _numbers(np.zeros(GAP_BINS, dtype=np.int64), compiled),
        _numbers(GAP_EDGES, compiled),
        _numbers(np.zeros(kinds), compiled),
        _numbers(np.zeros(seats + 1, dtype=np.int64), compiled),
        _numbers(np.zeros(2 * seats + 4, dtype=np.int64), compiled),
    )
