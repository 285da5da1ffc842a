"""Candidates: accelerator × parallelism, those that are legal and whose memory fits, reduced to step tables.

A single forecast is an array of one: the search and it are the same functions.
"""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.records.accelerators import Accelerator
from catalogs.records.models import ModelArchitecture
from engine.arrays import Floats, Indices, Ints
from engine.fleet.parallelisms import illegal_because, node_size, searched_parallelisms
from engine.plan import Rejection
from engine.question.fleet_limits import UnitSizes, rated_watts
from engine.question.resolve import Question
from engine.replica.load import Replicas, replicas_of
from engine.step.memory import (
    activation_bytes,
    sequence_bytes,
    weights_bytes_per_accelerator,
)
from engine.step.parallelism import Parallelism, ParallelSizes
from engine.step.rates import Rates, Unsupported, rates_for
from engine.step.table import StepTables, step_parts, step_tables

SEAT_SHARE = 0.95
"""Share of the KV pool that mean-length requests may fill: the rest absorbs those that run longer."""


class Memories(Struct, frozen=True):
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

    @property
    def usable(self) -> Floats:
        """What the runtime may take."""
        return self.total - self.unused

    def take(self, index: Indices) -> "Memories":
        """Return the candidates at ``index``."""
        return Memories(**{name: getattr(self, name)[index] for name in self.__struct_fields__})


class Candidates(Struct, frozen=True):
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

    def take(self, index: Indices) -> "Candidates":
        """Return the candidates at ``index``."""
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
        return replicas_of(
            self.step_tables() if tables is None else tables,
            question.lengths,
            question.runtime.scheduler,
            # Every stage of a pipeline has a part of the batch, each with a budget of its own.
            budget=np.full(len(self), float(question.budget_tokens)) * (self.parallelism.dp * self.parallelism.pp),
            seats=self.seats,
            ttft_overhead_s=np.array([r.constants["ttft_overhead_s"] for r in self.rates])[self.which],
            arrival_cv=question.spec.traffic.burstiness,
        )

    def step_tables(self) -> StepTables:
        """Reduce the candidates to step tables, which depend on no workload."""
        return step_tables(
            self.question.model, self.parallelism, self.which, self.rates, self.accelerators, self.per_node
        )

    def step_parts(self) -> dict[str, Floats]:
        """Return what the base times of ``step_tables`` are made of, by name."""
        return step_parts(
            self.question.model, self.parallelism, self.which, self.rates, self.accelerators, self.per_node
        )


def candidates(question: Question) -> tuple[Candidates, list[Rejection]]:
    """Return the candidates that are legal and fit, and why the others are not among them."""
    rejected: list[Rejection] = []
    kept: list[Accelerator] = []
    rates: list[Rates] = []
    for accelerator in question.accelerators:
        try:
            rate = rates_of(question, accelerator)
        except Unsupported as refusal:
            rejected.append(
                Rejection(
                    f"{accelerator.name} in {question.weights.name}",
                    f"{refusal.reason}; it would run as {refusal.instead}",
                    None,
                    None,
                    "",
                    (f"--precision {refusal.instead.split()[0]}",),
                )
            )
            continue
        kept.append(accelerator)
        rates.append(rate)
    rows, illegal = _enumerate(question, kept)
    rejected += illegal
    which = np.array([row[0] for row in rows], dtype=np.int64)
    columns = np.array([sizes for _, sizes in rows], dtype=np.int64).reshape(len(rows), 4)
    everything = measure(question, tuple(kept), tuple(rates), which, Parallelism(*columns.T))
    fits = np.flatnonzero(everything.seats_by_memory >= 1.0)
    rejected += _too_large(everything, fits)
    return everything.take(fits), rejected


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
    for index, accelerator in enumerate(accelerators):
        searched = list(searched_parallelisms(question, accelerator))
        legal = [sizes for sizes in searched if not illegal_because(question.model, sizes)]
        if not legal and searched:
            reason = illegal_because(question.model, searched[0])
            rejected.append(Rejection(searched[0].spelling, reason, None, None, "", _legal_widths(question.model)))
        rows += [(index, sizes) for sizes in legal]
    return rows, rejected


def _legal_widths(model: ModelArchitecture) -> tuple[str, ...]:
    legal = [f"--tp {tp}" for tp in range(1, 65) if not illegal_because(model, ParallelSizes(tp))]
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
        return Candidates(question, accelerators, rates, which, parallelism, Memories(*[none] * 8), none, none)
    model, lengths = question.model, question.lengths
    total = np.array([a.memory_bytes for a in accelerators])[which]
    low = np.array([r.linear_bytes for r in rates])[which]
    plain = np.full(len(which), max(2.0, question.weights.bytes_per_element) if question.weights.bits >= 16 else 2.0)
    weights = weights_bytes_per_accelerator(model, parallelism, low, plain)
    activations = activation_bytes(
        model, parallelism, np.full(len(which), float(question.budget_tokens)) * parallelism.dp
    )
    runtime = np.full(len(which), question.runtime.runtime_gib * 2**30)
    taken = weights + activations + runtime
    pool = np.maximum(question.usable_bytes(total, taken) - taken, 0.0)
    kv_bytes = np.array([r.kv_bytes for r in rates])[which]
    one = sequence_bytes(model, np.full(len(which), question.held_tokens), kv_bytes, parallelism)
    high = sequence_bytes(model, np.full(len(which), lengths.live_percentile(0.95)), kv_bytes, parallelism)
    by_memory = np.floor(SEAT_SHARE * pool / np.maximum(one, 1.0) * parallelism.dp)
    longest = np.floor(pool / np.maximum(high, 1.0))
    by_memory = np.where(longest >= 1, by_memory, 0.0)
    memory = Memories(
        total=total,
        weights=weights,
        kv_cache=pool,
        activations=activations,
        runtime=runtime,
        unused=np.maximum(total - taken - pool, 0.0),
        sequence=one,
        sequence_p95=high,
    )
    seats = np.minimum(by_memory, float(question.batch_cap) * parallelism.dp)
    return Candidates(question, accelerators, rates, which, parallelism, memory, seats, by_memory)


def _too_large(everything: Candidates, fits: Indices) -> list[Rejection]:
    """One line for each accelerator none of whose candidates fits: the roomiest, what it needed and what there was."""
    having = set(everything.which[fits].tolist())
    lines = []
    for index, accelerator in enumerate(everything.accelerators):
        rows = np.flatnonzero(everything.which == index)
        if index in having or not len(rows):
            continue
        memory = everything.memory
        taken = (memory.weights + memory.activations + memory.runtime)[rows]
        needed = taken + memory.sequence_p95[rows]
        least = int(np.argmin(needed))
        best = rows[least]
        shape = everything.parallelism.sizes(best).spelling
        usable = float(everything.question.usable_bytes(memory.total[rows], taken)[least])
        lines.append(
            Rejection(
                f"{accelerator.name} {shape}",
                f"{everything.question.model.name} in {everything.question.weights.name} does not fit: "
                f"weights, activations, runtime and one request need {float(needed[least]) / 2**30:.1f} GiB "
                f"per accelerator and {usable / 2**30:.1f} GiB are usable",
                float(needed[least]),
                usable,
                "bytes",
                ("more tensor or pipeline parallelism", "--precision fp8 or int4", "an accelerator with more memory"),
            )
        )
    return lines


def rates_of(question: Question, accelerator: Accelerator) -> Rates:
    """Return an accelerator's rates under the question's runtime and formats.

    Raises:
        Unsupported: the accelerator has no unit for the weights.
    """
    return rates_for(
        accelerator,
        question.runtime,
        question.weights,
        question.kv_cache,
        question.catalog.curves,
        question.catalog.fitted,
        measured_link_gb_per_s=question.catalog.accelerators[accelerator.kernels or accelerator.id].link.gb_per_s,
        static_scales=question.static_scales,
    )
