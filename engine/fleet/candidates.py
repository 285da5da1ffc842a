"""Candidates: accelerator × parallelism, those that are legal and whose memory fits, reduced to step tables.

A single forecast is an array of one (candidates of which one row is left): the search and it are the same functions.
"""

import re
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.errors import listed
from catalogs.kept import kept, made_once
from catalogs.records.accelerators import Accelerator
from catalogs.records.models import ModelArchitecture
from catalogs.records.runtimes import ServingRuntime
from catalogs.storage import Storage
from catalogs.units import GIB
from engine.arrays import Bools, Floats, Indices, Ints, Rows
from engine.fleet.parallelisms import fast_link, illegal_because, node_size, searched_parallelisms
from engine.plan import Rejection
from engine.question.fleet_limits import UnitSizes, given_replicas, rated_watts
from engine.question.resolve import Question
from engine.replica.load import Replicas, replicas_of
from engine.step.calibrated import paces, setting_name, with_calibration
from engine.step.memory import (
    activation_bytes,
    activation_parts,
    memory_share,
    runtime_bytes,
    runtime_parts,
    sequence_bytes,
    weight_parts,
    weights_bytes,
    weights_bytes_per_accelerator,
)
from engine.step.parallelism import Parallelism, ParallelSizes
from engine.step.rates import Rates, Unsupported, rates_for
from engine.step.table import TOKEN_GRID, Kernel, StepTables, step_kernels, step_parts, step_tables

_FORMATS = re.compile(r"\b(?:bf16|fp8|int4)\b")

MARGINAL_WEIGHTS = 0.75
"""A candidate whose weights take more of the usable memory than this fits only just: the last to be chosen."""

SEAT_SHARE = 0.95
"""Share of the KV pool that mean-length requests may fill: the rest absorbs those that run longer."""


class Memories(Rows, frozen=True):
    """Per-accelerator memory of candidates, bytes; the parts sum to the total."""

    total: Floats
    weights: Floats
    kv_cache: Floats
    activations: Floats
    runtime: Floats
    unused: Floats
    sequence: Floats
    """KV and state of a mean live sequence, per accelerator of one attention rank."""
    sequence_p95: Floats
    planned: Floats
    """What a mean live sequence takes of the pool: its KV and what is set aside for the rest of its answer."""
    entry: Floats
    """What stays free of the pool since nobody who waits fits into it, where that is more than usual."""
    longest: Floats
    """KV and state of the longest request that must fit, likewise."""
    share: Floats
    """Of the total, or of what is free, that the runtime takes."""

    @property
    def taken(self) -> Floats:
        """What is gone before the KV cache."""
        return self.weights + self.activations + self.runtime

    @property
    def usable(self) -> Floats:
        """What the runtime may take."""
        return self.total - self.unused

    @property
    def tight(self) -> Bools:
        """Whether the weights leave little room for the KV cache."""
        return self.weights > MARGINAL_WEIGHTS * self.usable


class Candidates(Struct, frozen=True, dict=True):
    """Candidates of one question; arrays share the first axis."""

    question: Question
    accelerators: tuple[Accelerator, ...]
    """Distinct; ``which`` points into them and into ``rates``."""
    rates: tuple[Rates, ...]
    which: Ints
    parallelism: Parallelism
    memory: Memories
    seats: Floats
    """Sequences that may run together: the batch cap or the KV pool."""
    seats_by_memory: Floats

    def __len__(self) -> int:
        return len(self.which)

    @made_once
    def unloaded(self) -> "Candidates":
        """The candidates of the question without a load, one object for all that differ in nothing else."""
        memory = tuple(getattr(self.memory, name) for name in self.memory.__struct_fields__)
        parts = (self.accelerators, self.rates, self.which, _columns(self.parallelism), memory)
        return _alike(self.question.unloaded, *parts, self.seats, self.seats_by_memory)

    def take(self, index: Indices) -> "Candidates":
        """Return the candidates at ``index``."""
        if len(index) == len(self) == 1:
            return self
        return replace(
            self,
            which=self.which[index],
            parallelism=self.parallelism.take(index),
            memory=self.memory.take(index),
            seats=self.seats[index],
            seats_by_memory=self.seats_by_memory[index],
        )

    def accelerator(self, row: int) -> Accelerator:
        """The accelerator of one candidate."""
        return self.accelerators[int(self.which[row])]

    def rates_at(self, row: int) -> Rates:
        """The rates of one candidate's accelerator."""
        return self.rates[int(self.which[row])]

    @property
    def per_node(self) -> Ints:
        """Accelerators per node of each candidate."""
        return np.array([node_size(self.question, a) for a in self.accelerators])[self.which]

    @property
    def unit_sizes(self) -> UnitSizes:
        """How many accelerators one unit of each limit on the fleet is."""
        kilowatts = np.array([rated_watts(1, a.power_w) / 1e3 for a in self.accelerators])[self.which]
        return UnitSizes(self.per_node, self.parallelism.accelerators, 1 / kilowatts)

    def replicas(self, tables: StepTables | None = None) -> Replicas:
        """Put the candidates under the question's workload; ``tables`` when they are known already."""
        question = self.question
        return _replicas_of(
            self.step_tables() if tables is None else tables,
            question.lengths,
            question.runtime.scheduler,
            # Every stage of a pipeline has a part of the batch, each with a budget of its own.
            budget=self.budget_tokens * (self.parallelism.dp * self.parallelism.pp),
            seats=self.seats,
            ttft_overhead_s=np.array([r.constants["ttft_overhead_s"] for r in self.rates])[self.which],
            arrival_cv=question.spec.traffic.burstiness,
        )

    def fleet_replicas(self, tables: StepTables | None = None) -> Replicas:
        """Put the candidates under the question's workload behind one router, in a fleet as large as it takes."""
        spec = self.question.spec
        rate = self.question.mean_rate
        given = None if rate else given_replicas(spec.hardware, self.unit_sizes)
        fleet = None if given is None else np.nan_to_num(given - spec.availability.spare_replicas, nan=1.0)[:, None]
        return self.replicas(tables).sharing((rate or 0.0) * spec.traffic.peak_factor, fleet)

    @property
    def budget_tokens(self) -> Floats:
        """Tokens that one step of a data-parallel rank and a stage may carry, per candidate."""
        return np.array([float(self.question.budget_on(a)) for a in self.accelerators])[self.which]

    def step_tables(self, in_flight: Floats | None = None) -> StepTables:
        """Reduce the candidates to step tables, which depend on a workload where a calibration does."""
        return self.calibrated(self.plain_tables(), in_flight)

    def calibrated(self, tables: StepTables, in_flight: Floats | None = None) -> StepTables:
        """Return step tables with what a calibration's constants leave of its own model's figures at such lengths.

        Args:
            in_flight: requests in each candidate, where they are known; None: steps are paced by what they carry.
        """
        question, calibration = self.question, self.question.catalog.calibration
        if calibration is None or calibration.model != question.model.id or not calibration.evidence:
            return tables
        lengths = (question.lengths.prompt.mean, question.lengths.output.mean)
        each = []
        for row in range(len(self)):
            known = calibration.speaks_of(question.runtime.id, self.accelerator(row).id)
            setting = setting_name(question.weights.id, *self.parallelism.sizes(row)) if known else ""
            most = TOKEN_GRID if in_flight is None else np.full(len(TOKEN_GRID), in_flight[row])
            each.append(paces(calibration, setting, lengths, most))
        return tables.paced(*np.array(each).reshape(-1, 2, len(TOKEN_GRID)).transpose(1, 0, 2))

    def plain_tables(self) -> StepTables:
        """Return step tables without what a calibration's constants leave, which depend on no workload."""
        return _step_tables(
            self.question.model,
            self.question.storage,
            _columns(self.parallelism),
            self.which,
            self.rates,
            self.accelerators,
            self.per_node,
        )

    def memory_parts(self) -> dict[str, dict[str, Floats]]:
        """Return what weights, activations and the runtime take of an accelerator, bytes by name."""
        question, split = self.question, self.parallelism
        units, sequences, budget, communicators = _held_by_step(question, self.accelerators, self.which)
        profile = question.runtime.profile
        return {
            "weights": weight_parts(question.model, split, question.storage, units),
            "activations": (
                activation_parts(question.model, split, budget * split.dp, sequences, profile) if profile else {}
            ),
            "runtime": runtime_parts(question.model, split, question.runtime, sequences, communicators),
        }

    def kernels(self, tokens: float) -> tuple[Kernel, ...]:
        """Return the products and experts of a step of one of the candidates, an array of one."""
        return step_kernels(self.question.model, self.question.storage, self.parallelism, self.rates, tokens)

    def step_parts(self) -> dict[str, Floats]:
        """Return what the base times of ``step_tables`` are made of, by name."""
        return step_parts(
            self.question.model,
            self.question.storage,
            self.parallelism,
            self.which,
            self.rates,
            self.accelerators,
            self.per_node,
        )


_rates_for, _replicas_of = kept(1024)(rates_for), kept(64)(replicas_of)


@kept(64)
def _step_tables(
    model: ModelArchitecture,
    storage: Storage,
    split: tuple[Ints, Ints, Ints, Ints],
    which: Ints,
    rates: tuple[Rates, ...],
    accelerators: tuple[Accelerator, ...],
    per_node: Ints,
) -> StepTables:
    return step_tables(model, storage, Parallelism(*split), which, rates, accelerators, per_node)


def candidates(question: Question, *, longer: bool = False) -> tuple[Candidates, list[Rejection]]:
    """Return the candidates that are legal and fit, and why the others are not among them.

    Args:
        longer: those of more pipeline stages than the weights need, which are left out otherwise.
    """
    found, rejected = _candidates(question.unloaded, longer)
    return replace(found, question=question), [*rejected]


@kept(64)
def _alike(
    question: Question,
    accelerators: tuple[Accelerator, ...],
    rates: tuple[Rates, ...],
    which: Ints,
    split: tuple[Ints, Ints, Ints, Ints],
    memory: tuple[Floats, ...],
    *seats: Floats,
) -> Candidates:
    return Candidates(question, accelerators, rates, which, Parallelism(*split), Memories(*memory), *seats)


@kept(32)
def _candidates(question: Question, longer: bool) -> tuple[Candidates, tuple[Rejection, ...]]:
    rejected: list[Rejection] = []
    usable: list[Accelerator] = []
    rates: list[Rates] = []
    for accelerator in question.accelerators:
        try:
            rate = rates_of(question, accelerator)
        except Unsupported as refusal:
            rejected.append(without_unit(question, accelerator, refusal))
            continue
        usable.append(accelerator)
        rates.append(rate)
    rows, illegal = _enumerate(question, usable)
    rejected += illegal
    which = np.array([row[0] for row in rows], dtype=np.int64)
    columns = np.array([sizes for _, sizes in rows], dtype=np.int64).reshape(len(rows), 4)
    everything = measure(question, tuple(usable), tuple(rates), which, Parallelism(*columns.T))
    fits = np.flatnonzero(everything.seats_by_memory >= 1.0)
    rejected += _too_large(everything, fits)
    found = everything.take(fits)
    return found.take(np.flatnonzero(_needless_stages(found) == longer)), tuple(rejected)


def _needless_stages(found: Candidates) -> Bools:
    """Return which candidates have more pipeline stages over a fast link than their memory needs, unasked.

    A stage on another node is there for its memory. Queues and long prompts might be shorter too, but what the network
    between nodes costs is judgement, such a replica fails as one, and more load is what more replicas are for.
    """
    split = found.parallelism
    if found.question.spec.serving.pipeline_parallel:
        return np.zeros(len(found), dtype=bool)
    keys = list(zip(found.which.tolist(), split.tp.tolist(), split.dp.tolist(), split.ep.tolist(), strict=True))
    enough: dict[tuple[int, ...], int] = {}
    for key, stages, tight in zip(keys, split.pp.tolist(), found.memory.tight.tolist(), strict=True):
        if not tight and fast_link(found.accelerators[key[0]]):
            enough[key] = min(stages, enough.get(key, stages))
    return np.array(
        [stages > enough.get(key, stages) for key, stages in zip(keys, split.pp.tolist(), strict=True)], bool
    )


def without_unit(question: Question, accelerator: Accelerator, refusal: Unsupported) -> Rejection:
    """Return the rejection of an accelerator that has no unit for a question's weights.

    Args:
        refusal: why it does not run them, and what it would run instead.
    """
    works: tuple[str, ...] = (f"{refusal.flag} {refusal.instead.split()[0]}",)
    if refusal.flag == "--precision":
        room = accelerator.memory_bytes * max(
            (sizes.accelerators for sizes in searched_parallelisms(question, accelerator)), default=0
        )
        stored = weights_bytes(question.model, question.storage) / question.weights.bits
        formats = question.catalog.precisions
        held = [one for one in _FORMATS.findall(refusal.instead) if stored * formats[one].bits < room]
        works = (*(f"--precision {one}" for one in held), *_runtimes_that_widen(question, accelerator))
    reason = f"{refusal.reason}; it would run as {refusal.instead}"
    return Rejection(f"{accelerator.name} in {question.weights.name}", reason, None, None, "", works)


def _runtimes_that_widen(question: Question, accelerator: Accelerator) -> tuple[str, ...]:
    """Return the flags of the runtimes that run the weights on an accelerator without a unit for them."""
    runtimes = question.catalog.runtimes.values()
    able = (one for one in runtimes if one.platform_of(accelerator) and one.widens(question.weights.id, accelerator))
    return tuple(f"--runtime {one.id}" for one in able)


def single(question: Question, sizes: ParallelSizes) -> Candidates:
    """Return the first accelerator of a question with one given parallelism, whether or not it fits.

    Raises:
        Unsupported: the accelerator has no unit for the weights.
    """
    accelerator = question.accelerators[0]
    rates = rates_of(question, accelerator)
    parallelism = Parallelism(*(np.array([size], dtype=np.int64) for size in sizes))
    return measure(question, (accelerator,), (rates,), np.zeros(1, dtype=np.int64), parallelism)


def _enumerate(
    question: Question, accelerators: list[Accelerator]
) -> tuple[list[tuple[int, ParallelSizes]], list[Rejection]]:
    """Return the index of each accelerator with every legal parallelism, and why there is none for the others."""
    rows: list[tuple[int, ParallelSizes]] = []
    rejected = []
    illegal: dict[ParallelSizes, str] = {}
    for index, accelerator in enumerate(accelerators):
        searched = list(searched_parallelisms(question, accelerator))
        illegal.update({sizes: illegal_because(question, sizes) for sizes in searched if sizes not in illegal})
        legal = [sizes for sizes in searched if not illegal[sizes]]
        if not legal and searched:
            reason = illegal[searched[0]]
            rejected.append(Rejection(searched[0].spelling, reason, None, None, "", _legal_widths(question)))
        rows += [(index, sizes) for sizes in legal]
    return rows, rejected


def _legal_widths(question: Question) -> tuple[str, ...]:
    legal = [f"--tp {tp}" for tp in range(1, 65) if not illegal_because(question, ParallelSizes(tp))]
    return tuple(legal[:8])


def measure(
    question: Question,
    accelerators: tuple[Accelerator, ...],
    rates: tuple[Rates, ...],
    which: Ints,
    parallelism: Parallelism,
) -> Candidates:
    """Return given parallelisms with their memory and seats, whether or not they fit.

    Args:
        which: index of each one's accelerator and rates.
    """
    if not len(which):
        none = np.zeros(0)
        return Candidates(question, accelerators, rates, which, parallelism, Memories(*[none] * 12), none, none)
    model, lengths = question.model, question.lengths
    total = np.array([a.memory_bytes for a in accelerators])[which]
    serving = question.runtime
    held = _held_by_step(question, accelerators, which)
    weights, activations, runtime = _taken(model, question.storage, serving, _columns(parallelism), *held)
    taken = weights + activations + runtime
    share = _memory_share(question, accelerators, which, parallelism)
    pool = np.maximum(question.usable_bytes(total, taken, runtime, share) - taken, 0.0)
    if (more := measured_more(question, accelerators)).any():
        pool = np.clip(pool + more[which], 0.0, total - weights)
        runtime = runtime - np.maximum(taken + pool - total, 0.0)
        taken = weights + activations + runtime
    kv_bytes = np.array([r.kv_bytes for r in rates])[which]
    mean, entry = question.held_tokens, question.entry_tokens
    tokens = (mean, mean + question.aside_tokens, lengths.live_percentile(0.95), question.longest_tokens, entry)
    one, aside, high, longest, enters = sequence_bytes(
        model, np.array(tokens)[:, None], kv_bytes, parallelism, serving.pool_shares
    )
    memory = Memories(
        total=total,
        weights=weights,
        kv_cache=pool,
        activations=activations,
        runtime=runtime,
        unused=np.maximum(total - taken - pool, 0.0),
        sequence=one,
        sequence_p95=high,
        longest=longest,
        planned=aside,
        entry=enters if entry else np.zeros(len(which)),
        share=share,
    )
    by_memory = seats_in(pool, memory, parallelism)
    cap = np.array([float(question.cap_on(a)) for a in accelerators])[which]
    seats = np.minimum(by_memory, cap * parallelism.dp)
    return Candidates(question, accelerators, rates, which, parallelism, memory, seats, by_memory)


def _columns(split: Parallelism) -> tuple[Ints, Ints, Ints, Ints]:
    return split.tp, split.pp, split.dp, split.ep


@kept(256)
def _taken(
    model: ModelArchitecture,
    storage: Storage,
    runtime: ServingRuntime,
    split: tuple[Ints, Ints, Ints, Ints],
    units: tuple[Ints, Ints],
    sequences: Floats,
    budget: Floats,
    communicators: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Return the bytes of weights, activations and the runtime on an accelerator of each candidate."""
    parallelism = Parallelism(*split)
    activations = np.zeros(len(budget))
    if runtime.profile is not None:
        activations = activation_bytes(model, parallelism, budget * parallelism.dp, sequences, runtime.profile)
    return (
        weights_bytes_per_accelerator(model, parallelism, storage, units),
        activations,
        runtime_bytes(model, parallelism, runtime, sequences, communicators),
    )


def measured_more(question: Question, accelerators: Sequence[Accelerator]) -> Floats:
    """Return the bytes by which a calibration's server has a larger KV pool than computed, on each accelerator.

    Of the calibration's own model alone: what else a server holds depends on the model.

    Args:
        question: with its catalog.
    """
    calibration = question.catalog.calibration
    more = calibration.pool_gib if calibration and calibration.model == question.model.id else 0.0
    own = [bool(more and calibration and calibration.speaks_of(question.runtime.id, one.id)) for one in accelerators]
    return np.array(own) * more * GIB


def _held_by_step(
    question: Question, accelerators: tuple[Accelerator, ...], which: Ints
) -> tuple[tuple[Ints, Ints], Floats, Floats, Floats]:
    """Return what memory is reckoned from, per candidate.

    Multiples that experts are filled up to, sequences and tokens of a trial step, GiB of communicators.
    """
    runtime = question.runtime
    units = np.array([runtime.expert_units(question.weights.id, a) for a in accelerators])[which].T
    sequences = np.array([float(question.profiled_sequences(a)) for a in accelerators])[which]
    budget = np.array([float(question.budget_on(a)) for a in accelerators])[which]
    return (units[0], units[1]), sequences, budget, np.array([runtime.communicator_gib(a) for a in accelerators])[which]


def seats_in(pool: Floats, memory: Memories, parallelism: Parallelism) -> Floats:
    """Return how many sequences of mean length fit in a KV pool; none where the longest request does not.

    Args:
        pool: bytes on an accelerator of each candidate.
    """
    filled = np.minimum(SEAT_SHARE * pool, np.maximum(pool - memory.entry, 0.0))
    seats = np.floor(filled / np.maximum(memory.planned, 1.0) * parallelism.dp)
    # Where the longest request fits, each rank runs one, however little it leaves free for longer ones.
    return np.where(memory.longest <= pool, np.maximum(seats, parallelism.dp), 0.0)


def pool_ends(replica: Candidates) -> tuple[float, float] | None:
    """Return how small and how large the KV pool of an accelerator of a replica, an array of one, may be, bytes.

    None where nobody compared pools with logs of the runtime.
    """
    pool = float(replica.memory.kv_cache[0])
    if measured_more(replica.question, (replica.accelerator(0),)).any():
        return pool, pool
    spread = replica.question.runtime.spread_on(replica.accelerator(0))
    if spread is None:
        return None
    return max(pool + spread.low_gib * GIB, 0.0), pool + spread.high_gib * GIB


def _memory_share(
    question: Question, accelerators: tuple[Accelerator, ...], which: Ints, parallelism: Parallelism
) -> Floats:
    """Return the share of memory that the runtime takes: what somebody said, its rule's, or its own everywhere.

    The rule counts the tokens of a step that were asked for, else the device's own: who publishes a benchmark with
    larger steps sets the share beside them.
    """
    runtime = question.runtime
    if question.memory_utilisation or runtime.step_reserve is None:
        return np.full(len(which), question.memory_utilisation or runtime.memory_utilisation)
    limits = [runtime.limits_on(accelerator) for accelerator in accelerators]
    usual = runtime.scheduler.max_sequences
    asked = question.spec.serving.token_budget
    budget = np.array([float(asked or (one or runtime.scheduler).token_budget) for one in limits])[which]
    captured = np.array([float(one.captured if one else usual) for one in limits])[which]
    wide = np.array([float(one.captured_wide if one else usual) for one in limits])[which]
    return memory_share(
        runtime.step_reserve,
        question.model,
        parallelism,
        np.array([a.memory_bytes for a in accelerators])[which],
        budget,
        np.where(parallelism.tp * parallelism.dp >= WIDE, wide, captured),
    )


WIDE = 4
"""Accelerators from which on SGLang counts tensor parallelism as wide: its --tp-size, which spans all ranks."""


def longest_request(
    question: Question, replica: Candidates, pool: float | None = None, limit: int | None = None
) -> int:
    """Return the tokens of the longest request whose KV fits the pool of a replica, an array of one.

    Args:
        replica: an array of one.
        pool: bytes on one of its accelerators; None: as computed.
        limit: tokens above which nobody asks; None: the question's context limit.
    """
    pool = float(replica.memory.kv_cache[0]) if pool is None else pool
    kv_bytes = np.array([replica.rates_at(0).kv_bytes])
    low, high = 0, question.context_limit if limit is None else limit
    while low < high:
        step = max((high - low) // TRIALS, 1)
        tried = np.arange(low + step, high + 1, step, dtype=np.float64)
        held = sequence_bytes(question.model, tried, kv_bytes, replica.parallelism, question.runtime.pool_shares)
        low += step * int((held <= pool).sum())
        high = min(low + step - 1, high)
    return low


TRIALS = 512
"""Lengths that are tried at once."""


def _too_large(everything: Candidates, fits: Indices) -> list[Rejection]:
    """One line for each accelerator none of whose candidates fits: the roomiest, what it needed and what there was."""
    question = everything.question
    having = set(everything.which[fits].tolist())
    lines = []
    for index, accelerator in enumerate(everything.accelerators):
        rows = np.flatnonzero(everything.which == index)
        if index in having or not len(rows):
            continue
        memory = everything.memory
        needed = (memory.taken + memory.longest)[rows]
        least = int(np.argmin(needed))
        best = rows[least]
        shape = everything.parallelism.sizes(best).spelling
        usable = float(question.usable_bytes(memory.total, memory.taken, memory.runtime, memory.share)[best])
        ways = ["more tensor or pipeline parallelism", "--precision fp8 or int4", "an accelerator with more memory"]
        if question.spec.serving.context_window and (
            fitting := longest_request(question, everything.take(np.array([best])))
        ):
            ways.insert(0, f"--context-window {fitting}")
        lines.append(too_large(question, f"{accelerator.name} {shape}", float(needed[least]), usable, tuple(ways)))
    return lines


def too_large(question: Question, what: str, needed: float, usable: float, ways: tuple[str, ...]) -> Rejection:
    """Return the rejection of a replica that its accelerators do not hold.

    Args:
        what: was looked at.
        needed: bytes of an accelerator.
        usable: bytes of an accelerator.
        ways: what would do instead.
    """
    reason = (
        f"{question.model.name} in {question.weights.name} does not fit: weights, activations, runtime and one request "
        f"of {question.longest_tokens:,.0f} tokens need {needed / GIB:.1f} GiB per accelerator and "
        f"{usable / GIB:.1f} GiB are usable"
    )
    return Rejection(what, reason, needed, usable, "bytes", ways)


def _check_cache(question: Question, accelerator: Accelerator) -> None:
    runtime, kv_cache = question.runtime, question.kv_cache
    readers = runtime.kv_architectures.get(kv_cache.id)
    if readers and runtime.platform_of(accelerator) and accelerator.architecture not in readers:
        reason = f"{runtime.name} reads a KV cache in {kv_cache.name} on {listed(readers)} alone"
        raise Unsupported(reason, "bf16" if kv_cache.id == "fp8" else "fp8", "--kv-precision")
    if question.cache_refused_on(accelerator):
        reason = (
            f"{runtime.name} has no kernel for {question.model.name} with an FP8 KV cache on {accelerator.architecture}"
        )
        raise Unsupported(reason, "bf16", "--kv-precision")


def rates_of(question: Question, accelerator: Accelerator) -> Rates:
    """Return an accelerator's rates under the question's runtime and formats.

    Raises:
        Unsupported: the accelerator has no unit for the weights, or no kernel there reads such a KV cache.
    """
    accelerators = question.catalog.accelerators
    rates = _rates_for(
        accelerator,
        question.runtime,
        question.weights,
        question.kv_cache,
        question.catalog.curves,
        with_calibration(
            question.catalog.fitted, question.catalog.calibration, question.runtime, accelerator, question.model.id
        ),
        measured=accelerators[accelerator.kernels or accelerator.id],
        full_power=accelerators.get(accelerator.full_power or ""),
        static_scales=question.static_scales,
        router_skew=question.spec.tokens.router_skew,
        top_p=question.spec.tokens.sampling == "top_p",
    )
    _check_cache(question, accelerator)
    return rates
