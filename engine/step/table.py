"""A forward step → seconds: the step table to which every candidate is reduced.

    step seconds = T[n] + decode_fixed·(any decoding) + (decode_sequence + decode_sampling)·(decoding sequences)
                 + decode_further·(decoding sequences beyond SAMPLED_POSITIONS a stage)
                 + prompt_fixed·(any prompt) + prompt_token·(prompt tokens)
                 + Σ_w c_d,w·(Σ min(context, w) over decoding sequences + extra·their mean)
                 + Σ_w c_a,w·(Σ chunk·min(start + chunk/2, w) over prompt chunks)

n counts the tokens of the whole replica. Everything that queues, batches or simulates needs only this.
Sources: spec-kit/methodology.md, "A step".
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.kept import made_once
from catalogs.records.accelerators import Accelerator
from catalogs.records.constants import CONSTANTS, name_in_base_units
from catalogs.records.models import MixtureFeedForward, ModelArchitecture
from catalogs.storage import Storage
from engine.arrays import Floats, Indices, Ints, across
from engine.step.collectives import collective_seconds
from engine.step.operations import INDEX_KEY_BYTES, Layer, Mixing, Product, layers
from engine.step.parallelism import Parallelism
from engine.step.rates import Rates, Roofline

TOKEN_GRID: Floats = np.round(2.0 ** (np.array([0, *range(2, 33)]) / 2))
"""Tokens per step at which T is tabulated, two per octave; between them T is interpolated, beyond extrapolated."""

_FAR = 1e15
_GRID = np.append(TOKEN_GRID, _FAR)
"""With a point that no step reaches, so that interpolating between points extrapolates too."""

SAMPLED_POSITIONS = 256.0
"""The LM head runs for sampled positions only: in T for this many tokens at most, since of more some may be a prompt's,
and for each decoding sequence beyond them by itself."""
SAMPLED_MOST = 1024.0
"""Positions up to which a further one costs what it does between SAMPLED_POSITIONS and these."""

NORM_PASSES = 9.0
"""16-bit passes over the residual stream by norms, rotary embedding and activations of a layer (step_model fit)."""

POINT_TO_POINT_LAUNCH_S = 10e-6
"""Latency of handing activations to the next pipeline stage."""


class StepTables(Struct, frozen=True, dict=True):
    """Step tables of many candidates; the first axis of every array counts candidates."""

    seconds: Floats
    """(candidates, TOKEN_GRID): T."""
    decode_fixed: Floats
    decode_sequence: Floats
    """(candidates,): seconds that each decoding sequence adds whatever its context."""
    decode_sampling: Floats
    """(candidates,): the same of sampling, beyond greedy."""
    decode_further: Floats
    """(candidates,): seconds that each one beyond SAMPLED_POSITIONS of a stage adds: its row of the LM head."""
    prompt_fixed: Floats
    prompt_token: Floats
    windows: tuple[float, ...]
    """Distinct windows of the model; inf for full attention."""
    decode_context: Floats
    """(candidates, windows): c_d, seconds per decoding sequence and token of its context."""
    decode_extra: Floats
    """(candidates,): sequences' worth of context time that low parallelism adds."""
    prompt_context: Floats
    """(candidates, windows): c_a, seconds per prompt token and token of context before it."""
    pipeline: Floats
    """(candidates,): stages; a prompt alone passes them one by one."""
    first_tokens: Floats | None = None
    """(candidates, TOKEN_GRID): times that a first token takes with so many in flight by what no step explains, as a
    calibration has it; None: once."""

    def take(self, index: Indices) -> "StepTables":
        """Return the candidates at ``index``."""
        parts = {name: getattr(self, name) for name in self.__struct_fields__}
        same = ("windows", *(("first_tokens",) if self.first_tokens is None else ()))
        return StepTables(**{name: part if name in same else part[index] for name, part in parts.items()})

    def paced(self, steps: Floats, first_tokens: Floats) -> "StepTables":
        """Return the tables of servers whose steps take so many times as long, and first tokens beyond that.

        Args:
            steps: (candidates, TOKEN_GRID), with so many tokens; what does not depend on these takes the last.
            first_tokens: (candidates, TOKEN_GRID), with so many in flight.
        """
        each = {name: (getattr(self, name).T * steps[:, -1]).T for name in _PACED}
        seconds = np.maximum.accumulate(self.seconds * steps, axis=1)
        return replace(self, seconds=seconds, first_tokens=first_tokens, **each)

    def first_token(self, in_flight: Floats) -> Floats | float:
        """Return ``first_tokens`` with so many in flight: (candidates, …)."""
        if self.first_tokens is None:
            return 1.0
        rows = zip(np.log(np.maximum(in_flight, 1.0)), self.first_tokens, strict=True)
        return np.array([np.interp(own, np.log(TOKEN_GRID), row) for own, row in rows])

    def base(self, tokens: Floats) -> Floats:
        """Return T at ``tokens`` (candidates, …), linear between grid points and beyond the last."""
        if len(self.seconds) == 1:  # most calls are about one candidate, where numpy has it ready made
            return np.interp(tokens, _GRID, self._reaching[0])
        at = TOKEN_GRID[1:-1].searchsorted(tokens)
        rows = np.arange(len(self.seconds)).reshape((-1,) + (1,) * (tokens.ndim - 1))
        low, slope = self.seconds.take(at + rows * len(TOKEN_GRID)), self._slopes.take(at + rows * len(TOKEN_GRID))
        return low + slope * (np.maximum(tokens, 1.0) - TOKEN_GRID.take(at))

    def sequences(self, running: Floats) -> Floats:
        """Return the seconds that decoding sequences (candidates, …), at least one, add whatever their context."""
        each, further, sampled = self._by_sequence
        return each * running + further * np.maximum(running - sampled, 0.0)

    @property
    def of_sequence(self) -> Floats:
        """Seconds that each decoding sequence adds whatever its context: (candidates,)."""
        return self.decode_sequence + self.decode_sampling

    @made_once
    def _by_sequence(self) -> tuple[Floats, Floats, Floats]:
        """Of a decoding sequence, of one that is further, and the positions of all stages beyond which it is."""
        sampled = self.pipeline * SAMPLED_POSITIONS
        return across(self.of_sequence), across(self.decode_further), across(sampled)

    @made_once
    def staged(self) -> bool:
        """Whether any candidate is a pipeline."""
        return bool((self.pipeline > 1).any())

    @made_once
    def _reaching(self) -> Floats:
        """T at the grid and, as steep as at its end, far beyond."""
        steepness = (self.seconds[:, -1:] - self.seconds[:, -2:-1]) / (TOKEN_GRID[-1] - TOKEN_GRID[-2])
        return np.concatenate([self.seconds, self.seconds[:, -1:] + steepness * (_FAR - TOKEN_GRID[-1])], axis=1)

    @made_once
    def _slopes(self) -> Floats:
        """Seconds per token from each grid point on."""
        return np.diff(self._reaching) / np.diff(_GRID)


_PACED = (*"decode_fixed decode_sequence decode_sampling decode_further".split(), "prompt_fixed", "prompt_token")
_PACED += ("decode_context", "prompt_context")


class _Roof(Struct, frozen=True):
    """A roofline gathered over candidates, shaped to broadcast over tokens."""

    t0: Floats
    flops: Floats
    bytes: Floats
    p: Floats

    def seconds(self, flops: Floats, moved: Floats) -> Floats:
        compute, memory = flops / self.flops, moved / self.bytes
        high, low = np.maximum(compute, memory), np.minimum(compute, memory)
        return self.t0 + high * (1.0 + (low / high) ** self.p) ** (1.0 / self.p)


def _gather(rooflines: Sequence[Roofline], which: Ints) -> _Roof:
    # Reshaped, since no accelerator at all may be left to have a roofline.
    columns = np.array([(r.t0_s, r.flops_per_s, r.bytes_per_s, r.p) for r in rooflines]).reshape(-1, 4)[which]
    t0, flops, moved, p = (columns[:, i : i + 1] for i in range(4))
    return _Roof(t0, flops, moved, p)


def step_tables(
    model: ModelArchitecture,
    storage: Storage,
    parallelism: Parallelism,
    which: Ints,
    rates: Sequence[Rates],
    accelerators: Sequence[Accelerator],
    per_node: Ints,
) -> StepTables:
    """Return the step tables of candidates.

    Args:
        parallelism: of each candidate.
        which: index of each candidate's rates and accelerator.
        per_node: accelerators per node, per candidate.
    """
    column = _Columns(parallelism, which, rates)
    parts = step_parts(model, storage, parallelism, which, rates, accelerators, per_node)
    total = sum(parts.values(), np.zeros((len(which), len(TOKEN_GRID))))
    further = np.array([SAMPLED_POSITIONS, SAMPLED_MOST])
    few, many = _head(model, storage, column, further / column.dp).seconds.T
    further_s = (many - few) / (SAMPLED_MOST - SAMPLED_POSITIONS) / column.pp[:, 0]
    return _with_context(model, column, np.maximum.accumulate(total, axis=1), further_s)


def step_parts(
    model: ModelArchitecture,
    storage: Storage,
    parallelism: Parallelism,
    which: Ints,
    rates: Sequence[Rates],
    accelerators: Sequence[Accelerator],
    per_node: Ints,
) -> dict[str, Floats]:
    """Return what T is made of, by name: (candidates, TOKEN_GRID) each, seconds.

    Args:
        model: as in ``step_tables``, and so are all others.
        which: index of each candidate's rates and accelerator: (candidates,).
        rates: of each accelerator.
        accelerators: distinct ones.
        per_node: accelerators per node: (candidates,).
    """
    column = _Columns(parallelism, which, rates)
    # A pipeline stage works on its share of the step's tokens, at least one.
    tokens = np.maximum(TOKEN_GRID / column.pp, 1.0)
    parts = {"runtime": column.constants["step_overhead_s"] + np.zeros_like(tokens)}
    for layer in layers(model):
        for name, seconds in _layer_parts(layer, model, storage, column, tokens).items():
            parts[name] = parts.get(name, 0.0) + layer.count * seconds
    parts["collectives"] = collective_seconds(tokens, parallelism, which, rates, accelerators, per_node, model)
    parts["LM head"] = _head(model, storage, column, np.minimum(tokens, SAMPLED_POSITIONS) / column.dp).seconds
    links = np.array([max(a.link.gb_per_s, 16.0) * 1e9 for a in accelerators])[which][:, None]
    hand_over = POINT_TO_POINT_LAUNCH_S + tokens * model.hidden_size * 2.0 / links
    waiting = column.constants["pipeline_bubble"] * sum(parts.values(), np.zeros_like(tokens))
    # Every stage has a host of its own, which spends its overhead on every part of the batch.
    parts["pipeline"] = (column.pp - 1) * (hand_over + column.stage_overhead + waiting)
    return parts


class Kernel(Struct, frozen=True):
    """What a step launches once a layer, with what bounds it: seconds = t0 + (compute^p + memory^p)^(1/p)."""

    name: str
    launches: float
    """Layers that have it."""
    flops: float
    moved_bytes: float
    t0_s: float
    flops_per_s: float
    bytes_per_s: float
    p: float
    beside: bool = False
    """Whether it runs beside the experts, on a stream of its own."""


def step_kernels(
    model: ModelArchitecture, storage: Storage, parallelism: Parallelism, rates: Sequence[Rates], tokens: float
) -> tuple[Kernel, ...]:
    """Return the products and the experts of a step of an array of one, as ``step_parts`` sums them.

    Args:
        tokens: of the whole replica's step.
    """
    column = _Columns(parallelism, np.zeros(1, dtype=np.int64), rates)
    of_stage = np.maximum(np.array([[tokens]]) / column.pp, 1.0)
    found: list[Kernel] = []

    def add(name: str, launches: float, work: "_Work", *, beside: bool = False) -> None:
        columns = (work.flops, work.moved, work.roof.t0, work.roof.flops, work.roof.bytes, work.roof.p)
        flops, moved, t0, speed, bandwidth, p = (float(np.ravel(one)[0]) for one in columns)
        found.append(Kernel(name, launches, flops, moved, t0, speed, bandwidth, p, beside))

    for layer in layers(model):
        apart = _shared_beside(layer)
        for product, work in _products(layer, storage, column, of_stage / column.dp):
            name = " and ".join(dict.fromkeys(matrix.launch for matrix in product.matrices))
            add(name, layer.count, work, beside=apart and product.role == "shared")
        if layer.mixture:
            add("experts", layer.count, _experts(layer, model, storage, column, of_stage))
    add("LM head", 1.0, _head(model, storage, column, np.minimum(of_stage, SAMPLED_POSITIONS) / column.dp))
    return tuple(found)


class _Work(Struct, frozen=True):
    """FLOPs and bytes of a kernel, and the roofline that turns them into seconds."""

    roof: "_Roof"
    flops: Floats
    moved: Floats

    @property
    def seconds(self) -> Floats:
        return self.roof.seconds(self.flops, self.moved)


class _Columns:
    """Candidate quantities as columns that broadcast over the token grid."""

    def __init__(self, parallelism: Parallelism, which: Ints, rates: Sequence[Rates]) -> None:
        self.tp, self.pp, self.dp, self.ep = (
            array.astype(np.float64)[:, None]
            for array in (parallelism.tp, parallelism.pp, parallelism.dp, parallelism.ep)
        )
        self.linear = _gather([r.linear for r in rates], which)
        self.plain = _gather([r.plain for r in rates], which)
        self.mixture = _gather([r.mixture for r in rates], which)
        self.prefill = _gather([r.prefill for r in rates], which)
        self.narrow_compute = self._scalar([r.narrow_compute for r in rates], which)
        self.narrow_memory = self._scalar([r.narrow_memory for r in rates], which)
        self.expert_ranks = self._scalar([r.expert_ranks for r in rates], which)
        self.input_bytes = self._scalar([r.linear_input_bytes for r in rates], which)
        self.kv_bytes = self._scalar([r.kv_bytes for r in rates], which)
        self.bandwidth = self._scalar([r.memory_bytes_per_s for r in rates], which)
        self.decode_t0 = self._scalar([r.decode.t0_s for r in rates], which)
        self.decode_bytes = self._scalar([r.decode.bytes_per_s for r in rates], which)
        self.decode_half = self._scalar([r.decode.half for r in rates], which)
        self.sampling = self._scalar([r.sampling_s for r in rates], which)
        self.stage_overhead = self._scalar([r.stage_overhead_s for r in rates], which)
        self.constants = {
            name: self._scalar([r.constants[name] for r in rates], which) for name in map(name_in_base_units, CONSTANTS)
        }
        self.rates = rates
        self.which = which

    @staticmethod
    def _scalar(values: list[float], which: Ints) -> Floats:
        return np.array(values)[which][:, None]

    @staticmethod
    def product(
        roof: _Roof,
        tokens: Floats,
        inputs: Floats | float,
        outputs: Floats,
        weight: Floats | float,
        entry: Floats | float,
    ) -> _Work:
        """One (tokens × inputs)·(inputs × outputs) product; results leave in 16 bit."""
        flops = 2.0 * tokens * inputs * outputs
        moved = inputs * outputs * weight + tokens * inputs * entry + 2.0 * tokens * outputs
        return _Work(roof, flops, moved)

    def latent(self, heads: Floats) -> _Roof:
        """MLA decode curves at the measured head count nearest to each candidate's."""
        chosen = []
        for index, count in zip(self.which, heads[:, 0], strict=True):
            curves = self.rates[index].latent
            if not curves:
                chosen.append(self.rates[index].prefill)
                continue
            chosen.append(min(curves, key=lambda item: abs(np.log(item[0] / count)))[1])
        return _gather(chosen, np.arange(len(chosen)))


def _layer_parts(
    layer: Layer, model: ModelArchitecture, storage: Storage, column: _Columns, tokens: Floats
) -> dict[str, Floats]:
    own = tokens / column.dp
    overhead = column.constants["layer_overhead_s"]
    if layer.mixture:
        overhead = overhead + column.constants["mixture_layer_overhead_s"]
    if layer.mixing and layer.mixing.index_elements:
        overhead = overhead + column.constants["sparse_layer_overhead_s"]
    norms = NORM_PASSES * own * model.hidden_size * 2.0 / column.bandwidth
    beside = _shared_beside(layer)
    seconds, shared = np.zeros_like(own), np.zeros_like(own)
    for product, work in _products(layer, storage, column, own):
        if product.role == "shared" and beside:
            shared = shared + work.seconds
        else:
            seconds = seconds + work.seconds
    parts = {"runtime": overhead + np.zeros_like(own), "norms and activations": norms, "products": seconds}
    if layer.mixture:
        parts["experts"] = np.maximum(_experts(layer, model, storage, column, tokens).seconds, shared)
    if layer.mixing and layer.mixing.state_bytes:
        parts["recurrent state"] = _state(layer.mixing, column, own)
    return parts


def _shared_beside(layer: Layer) -> bool:
    """Return whether shared experts run on a stream of their own beside routed ones; a latent's projections do not."""
    return layer.mixture is not None and not layer.mixture.latent_size


def _head(model: ModelArchitecture, storage: Storage, column: _Columns, positions: Floats) -> _Work:
    """Return the LM head for sampled positions of a rank: (candidates, …)."""
    roof, entry = (column.linear, column.input_bytes) if storage.is_low("head") else (column.plain, 2.0)
    weight = storage.bytes_per_weight("embedding" if model.tied_embeddings else "head")
    return column.product(roof, positions, float(model.hidden_size), model.vocabulary / column.tp, weight, entry)


def _products(layer: Layer, storage: Storage, column: _Columns, own: Floats) -> Iterator[tuple[Product, _Work]]:
    """Yield the products of a layer but the experts' with their work, of ``own`` tokens each rank."""
    for product in layer.products:
        if product.role == "expert" and layer.mixture:
            continue
        weight = storage.bytes_per_weight(product.matrices[0].launch)
        inputs = float(product.matrices[0].inputs)
        shards = np.minimum(column.tp, product.matrices[0].ways) if product.matrices[0].split == "inputs" else 1.0
        outputs = np.zeros_like(column.tp)
        for matrix in product.matrices:
            outputs += matrix.outputs / (np.minimum(column.tp, matrix.ways) if matrix.split == "outputs" else 1.0)
        low = storage.is_low(product.matrices[0].role)
        roof, entry = (column.linear, column.input_bytes) if low else (column.plain, 2.0)
        # A shared expert that attention data parallelism leaves on every rank sees that rank's tokens.
        yield product, column.product(roof, own, inputs / shards, outputs, weight, entry)


def _experts(layer: Layer, model: ModelArchitecture, storage: Storage, column: _Columns, tokens: Floats) -> _Work:
    """Grouped expert products on one accelerator: k/E of the work, all experts that the step's tokens touch."""
    block = layer.mixture
    if block is None:
        raise TypeError("the layer has no experts")
    width = block.latent_size or model.hidden_size
    slices = column.tp * column.dp / column.ep
    parameters = block.matrices * width * block.intermediate / slices
    up, down = storage.bytes_per_weight("expert_up"), storage.bytes_per_weight("expert_down")
    weight = ((block.matrices - 1) * up + down) / block.matrices
    flops = 2.0 * parameters * tokens * block.experts_per_token / column.ep
    touched = experts_touched(block, tokens * column.constants["distinct_tokens"], column.ep)
    moved = touched * parameters * weight + tokens * block.experts_per_token / column.ep * width * 4.0
    columns = block.intermediate / slices
    flops = flops * (1.0 + column.narrow_compute / columns) * column.ep**column.expert_ranks
    return _Work(column.mixture, flops, moved * (1.0 + column.narrow_memory / columns))


def experts_touched(block: MixtureFeedForward, distinct: Floats, ranks: Floats) -> Floats:
    """Return the experts that a step's tokens touch on the rank where these are most.

    An expert is touched with q = 1 − (1 − k/E)^n. A rank holds E/EP of them, and of EP such counts, nearly normal, the
    largest lies as many deviations above the mean as the largest of EP standard normals.

    Args:
        block: with E experts, of which a token takes k.
        distinct: n, tokens that choose independently; at least one counts.
        ranks: EP, over which the experts are spread.
    """
    own = block.experts / ranks
    chance = 1.0 - (1.0 - block.experts_per_token / block.experts) ** np.maximum(distinct, 1.0)
    deviations = np.vectorize(largest_of_normals, otypes=[np.float64])(ranks)
    return np.minimum(own * chance + deviations * np.sqrt(own * chance * (1.0 - chance)), own)


@lru_cache(maxsize=64)
def largest_of_normals(count: float) -> float:
    """Return the expected largest of so many standard normals.

    Source: Blom, Statistical Estimates and Transformed Beta-Variables, 1958.
    """
    return NormalDist().inv_cdf((count - 0.375) / (count + 0.25)) if count > 1 else 0.0


def sequence_sampling_s(entry_s: Floats, model: ModelArchitecture, ranks: Floats) -> Floats:
    """Return what sampling adds to a step for each decoding sequence, seconds.

    Each rank samples its own sequences, over a whole vocabulary that tensor parallelism gathers first.

    Args:
        entry_s: of a sequence and entry of the vocabulary.
        ranks: data-parallel ranks times pipeline stages, over which sequences are spread.
    """
    return entry_s * model.vocabulary / ranks


def _state(mix: Mixing, column: _Columns, own: Floats) -> Floats:
    """Read, update and write the recurrent state of up to SAMPLED_POSITIONS sequences; prompts scan in chunks."""
    shards = np.minimum(column.tp, mix.linear_heads)
    moved = np.minimum(own, SAMPLED_POSITIONS) * mix.state_bytes * 2.0 / shards
    scan = own * mix.state_flops / shards / column.prefill.flops
    return column.decode_t0 + moved / column.decode_bytes + scan


def _with_context(model: ModelArchitecture, column: _Columns, seconds: Floats, further_s: Floats) -> StepTables:
    """Add what depends on the context to T: coefficients summed over layers, one column per distinct window.

    Args:
        column: the candidates.
        seconds: T.
        further_s: of each decoding sequence beyond SAMPLED_POSITIONS.
    """
    windows: list[float] = []
    for layer in layers(model):
        if layer.mixing and layer.mixing.heads:
            windows += [float(layer.mixing.window or np.inf)] + ([np.inf] if layer.mixing.index_elements else [])
    distinct = tuple(sorted(set(windows))) or (np.inf,)
    shape = (len(column.which), len(distinct))
    decode, prompt = np.zeros(shape), np.zeros(shape)
    decode_fixed, prompt_token = np.zeros(shape[0]), np.zeros(shape[0])
    launching = {
        "prompt_layer_overhead_s": model.layer_count,
        "mixture_prompt_layer_overhead_s": sum(layer.count for layer in layers(model) if layer.mixture),
        "latent_prompt_layer_overhead_s": sum(
            layer.count for layer in layers(model) if layer.mixing and layer.mixing.latent_or_linear
        ),
    }
    each = (count * column.constants[name][:, 0] for name, count in launching.items())
    prompt_fixed = sum(each, np.zeros(shape[0]))
    extra = np.zeros(shape[0])
    for layer in layers(model):
        mix = layer.mixing
        if mix is None or not mix.heads:
            continue
        at = distinct.index(float(mix.window or np.inf))
        heads = mix.heads / np.minimum(column.tp, mix.heads)
        share = heads / mix.heads
        rate = column.prefill
        prompt[:, at] += (layer.count * mix.prefill_flops * share / column.dp / column.pp / rate.flops)[:, 0]
        prompt_token += (layer.count * mix.prompt_elements * share * 2.0 / column.dp / column.pp / rate.bytes)[:, 0]
        prompt_fixed += layer.count * rate.t0[:, 0]
        if mix.splits:
            kv_heads = mix.kv_heads / np.minimum(column.tp, mix.kv_heads)
            slower = 1.0 + column.constants["grouped_penalty"] * (mix.heads / mix.kv_heads - 1.0)
            per_token = mix.cache_elements / mix.kv_heads * kv_heads * column.kv_bytes / column.decode_bytes * slower
            decode[:, at] += (layer.count * per_token / column.dp / column.pp)[:, 0]
            decode_fixed += layer.count * column.decode_t0[:, 0]
            extra = np.maximum(extra, (column.decode_half / kv_heads * column.dp * column.pp)[:, 0])
        else:
            roof = column.latent(heads)
            unit = roof.seconds(mix.decode_flops * share, mix.cache_elements * column.kv_bytes) - roof.t0
            decode[:, at] += (layer.count * unit / column.dp / column.pp)[:, 0]
            decode_fixed += layer.count * roof.t0[:, 0]
        if mix.index_elements:
            full = distinct.index(np.inf)
            flops = mix.index_flops / rate.flops
            keys = mix.index_elements * INDEX_KEY_BYTES / column.decode_bytes
            prompt[:, full] += (layer.count * flops / column.dp / column.pp)[:, 0]
            decode[:, full] += (layer.count * np.maximum(flops, keys) / column.dp / column.pp)[:, 0]
    return StepTables(
        seconds=seconds,
        decode_fixed=decode_fixed,
        decode_sequence=np.where(column.pp > 1, column.constants["pipeline_sequence_s"], 0.0)[:, 0],
        decode_sampling=sequence_sampling_s(column.sampling, model, column.dp * column.pp)[:, 0],
        decode_further=further_s,
        prompt_fixed=prompt_fixed,
        prompt_token=prompt_token,
        windows=distinct,
        decode_context=decode,
        decode_extra=extra,
        prompt_context=prompt,
        pipeline=column.pp[:, 0],
    )
