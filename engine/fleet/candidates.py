"""Candidates: accelerator × parallelism, those that are legal and whose memory fits, reduced to step tables.

A single forecast is an array of one: the search and it are the same functions.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.records.accelerators import Accelerator
from catalogs.records.models import MixtureFeedForward, ModelArchitecture
from engine.arrays import Floats, Indices, Ints
from engine.plan import Rejection
from engine.question.resolve import Question
from engine.replica.load import Replicas, replicas_of
from engine.step.memory import (
    Parallelism,
    activation_bytes,
    sequence_bytes,
    weights_bytes_per_accelerator,
)
from engine.step.operations import layers
from engine.step.rates import Rates, Unsupported, rates_for
from engine.step.table import StepTables, step_parts, step_tables

WIDTHS = (1, 2, 4, 8, 16, 32)
"""Tensor, data and expert parallel sizes that the search tries: runtimes are run at powers of two."""
STAGES = (1, 2, 4, 8)
MOST_ACCELERATORS = 64
"""In one replica."""

CLUSTERED_NODE = 4
"""Accelerators of a node from which a replica may span several."""

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
    spread: Parallelism
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
            spread=self.spread.take(index),
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

    def replicas(self, tables: StepTables | None = None) -> Replicas:
        """Put the candidates under the question's workload; ``tables`` when they are known already."""
        question = self.question
        return replicas_of(
            self.step_tables() if tables is None else tables,
            question.lengths,
            question.runtime.scheduler,
            # Every stage of a pipeline has a part of the batch, each with a budget of its own.
            budget=np.full(len(self), float(question.budget_tokens)) * (self.spread.dp * self.spread.pp),
            seats=self.seats,
            ttft_overhead_s=np.array([r.constants["ttft_overhead_s"] for r in self.rates])[self.which],
            arrival_cv=question.spec.traffic.burstiness,
        )

    def step_tables(self) -> StepTables:
        """Reduce the candidates to step tables, which depend on no workload."""
        return step_tables(self.question.model, self.spread, self.which, self.rates, self.accelerators, self.per_node)

    def step_parts(self) -> dict[str, Floats]:
        """Return what the base times of ``step_tables`` are made of, by name."""
        return step_parts(self.question.model, self.spread, self.which, self.rates, self.accelerators, self.per_node)


def node_size(question: Question, accelerator: Accelerator) -> int:
    """Accelerators per node: the user's, else the usual make, else a whole scale-up domain (NVL72)."""
    stated = question.spec.hardware.accelerators_per_node
    return stated or max(accelerator.per_node, min(accelerator.link.domain, 72) if accelerator.link.domain <= 72 else 0)


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
    columns = np.array([row[1:] for row in rows], dtype=np.int64).reshape(len(rows), 4)
    spread = Parallelism(columns[:, 0], columns[:, 1], columns[:, 2], columns[:, 3])
    everything = measure(question, tuple(kept), tuple(rates), which, spread)
    fits = np.flatnonzero(everything.seats_by_memory >= 1.0)
    rejected += _too_large(everything, fits)
    return everything.take(fits), rejected


def single(question: Question, tp: int, pp: int, dp: int, ep: int) -> Candidates:
    """Return the first accelerator of a question at one given spread, whether or not it fits.

    Raises:
        Unsupported: the accelerator has no unit for the weights.
    """
    accelerator = question.accelerators[0]
    rates = rates_of(question, accelerator)
    spread = Parallelism(*(np.array([axis], dtype=np.int64) for axis in (tp, pp, dp, ep)))
    return measure(question, (accelerator,), (rates,), np.zeros(1, dtype=np.int64), spread)


def _enumerate(
    question: Question, accelerators: list[Accelerator]
) -> tuple[list[tuple[int, int, int, int, int]], list[Rejection]]:
    rows: list[tuple[int, int, int, int, int]] = []
    rejected = []
    for index, accelerator in enumerate(accelerators):
        spreads = list(_spreads(question, accelerator))
        legal = [spread for spread in spreads if not illegal_because(question.model, *spread)]
        if not legal and spreads:
            reason = illegal_because(question.model, *spreads[0])
            rejected.append(Rejection(_spelled(*spreads[0]), reason, None, None, "", _legal_widths(question.model)))
        rows += [(index, *spread) for spread in legal]
    return rows, rejected


def _spreads(question: Question, accelerator: Accelerator) -> Iterator[tuple[int, int, int, int]]:
    """Yield (tp, pp, dp, ep): what the user fixed, else the powers of two that such machines are run at.

    Tensor parallelism stays within a node. Stages are tried across whole nodes of accelerators on a fast link, which
    come with a network made for collectives; and within a node only where accelerators reach each other over PCIe: over
    a fast link runtimes lose more to bubbles than all-reduces cost.
    """
    serving = question.spec.serving
    node = node_size(question, accelerator)
    fast = accelerator.link.domain > 1 and not accelerator.link.kind.startswith("PCIe")
    mixture = any(layer.mixture for layer in layers(question.model))
    most = question.spec.hardware.accelerator_count or MOST_ACCELERATORS
    fixed = serving.tensor_parallel or serving.pipeline_parallel or serving.data_parallel
    within = tuple(w for w in WIDTHS if w <= node)
    widths = (serving.tensor_parallel,) if serving.tensor_parallel else within
    stages = (serving.pipeline_parallel,) if serving.pipeline_parallel else STAGES
    ranks = (serving.data_parallel,) if serving.data_parallel else WIDTHS if mixture else (1,)
    for tp, pp, dp in product(widths, stages, ranks):
        group = tp * dp
        whole_node = group == within[-1]
        if not fixed and group * pp > node and not (fast and node >= CLUSTERED_NODE):
            continue
        if not fixed and (group * pp > most or group > 2 * node or (pp > 1 and (dp > 1 or (fast and not whole_node)))):
            continue
        if serving.expert_parallel:
            yield tp, pp, dp, serving.expert_parallel
        elif not mixture or group == 1:
            yield tp, pp, dp, 1
        else:
            yield tp, pp, dp, group
            if dp == 1:
                yield tp, pp, dp, 1


def illegal_because(model: ModelArchitecture, tp: int, pp: int, dp: int, ep: int) -> str:  # noqa: PLR0911 — a rule each
    """Return why a model cannot be spread so; empty when it can."""
    for layer in layers(model):
        mix = layer.mixing
        if mix and mix.heads and mix.heads % tp:
            return f"TP{tp} does not divide the {mix.heads} attention heads of {model.name}"
        if mix and mix.heads and mix.splits and mix.kv_heads % tp and tp % mix.kv_heads:
            return f"TP{tp} neither divides nor is a multiple of the {mix.kv_heads} KV heads of {model.name}"
        if layer.mixture and layer.mixture.experts % ep:
            return f"EP{ep} does not divide the {layer.mixture.experts} experts of {model.name}"
    if pp > model.layer_count:
        return f"PP{pp} has more stages than {model.name} has layers ({model.layer_count})"
    if ep > 1 and not any(isinstance(g.feed_forward, MixtureFeedForward) for g in model.layers):
        return f"{model.name} has no experts to spread over EP{ep}"
    if (tp * dp) % ep:
        return f"EP{ep} does not divide the {tp * dp} accelerators of TP{tp} × DP{dp}"
    return ""


def _legal_widths(model: ModelArchitecture) -> tuple[str, ...]:
    legal = [f"--tp {tp}" for tp in range(1, 65) if not illegal_because(model, tp, 1, 1, 1)]
    return tuple(legal[:8])


def _spelled(tp: int, pp: int, dp: int, ep: int) -> str:
    parts = [f"TP{tp}"] + [f"{name}{n}" for name, n in (("PP", pp), ("DP", dp), ("EP", ep)) if n > 1]
    return " × ".join(parts)


def measure(
    question: Question,
    accelerators: tuple[Accelerator, ...],
    rates: tuple[Rates, ...],
    which: Ints,
    spread: Parallelism,
) -> Candidates:
    """Return given spreads with their memory and seats, whether or not they fit.

    Args:
        which: index of each spread's accelerator and rates.
    """
    if not len(which):
        none = np.zeros(0)
        return Candidates(question, accelerators, rates, which, spread, Memories(*[none] * 8), none, none)
    model, lengths = question.model, question.lengths
    total = np.array([a.memory_bytes for a in accelerators])[which]
    low = np.array([r.linear_bytes for r in rates])[which]
    plain = np.full(len(which), max(2.0, question.weights.bytes_per_element) if question.weights.bits >= 16 else 2.0)
    weights = weights_bytes_per_accelerator(model, spread, low, plain)
    activations = activation_bytes(model, spread, np.full(len(which), float(question.budget_tokens)) * spread.dp)
    runtime = np.full(len(which), question.runtime.runtime_gib * 2**30)
    taken = weights + activations + runtime
    pool = np.maximum(question.usable_bytes(total, taken) - taken, 0.0)
    kv_bytes = np.array([r.kv_bytes for r in rates])[which]
    one = sequence_bytes(model, np.full(len(which), question.held_tokens), kv_bytes, spread)
    high = sequence_bytes(model, np.full(len(which), lengths.live_percentile(0.95)), kv_bytes, spread)
    by_memory = np.floor(SEAT_SHARE * pool / np.maximum(one, 1.0) * spread.dp)
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
    seats = np.minimum(by_memory, float(question.batch_cap) * spread.dp)
    return Candidates(question, accelerators, rates, which, spread, memory, seats, by_memory)


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
        spread = everything.spread
        shape = _spelled(*(int(axis[best]) for axis in (spread.tp, spread.pp, spread.dp, spread.ep)))
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
