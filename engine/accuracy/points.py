"""A row of a measurements CSV, read: the system, the load, the lengths, and how the benchmark was run."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final, cast, get_args

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed
from catalogs.measurement_files import ALL_AT_ONCE
from catalogs.records.models import MixtureFeedForward, ModelArchitecture
from catalogs.records.protocols import BenchmarkProtocol, BenchmarkRun, DrawnLengths, LatencyLimits
from catalogs.records.runtimes import Scheduler
from catalogs.records.versions import is_older, numbers_of
from engine.question.lengths import strata
from engine.workload import Sampling, TokenDistribution, Tokens

PRECISION_NAMES = {"fp4": "nvfp4", "4-bit": "int4", "f16": "fp16"}
"""Precisions as measurements print them, where the catalog calls them otherwise."""

UNSTATED_PROMPT = 128.0
"""Tokens taken for a decode-only run that names no prompt: too few to matter."""

SHARES_OF_DATA_SET = 64
"""Equally likely lengths that stand for a data set."""

SHARES_OF_NOMINAL = 8
"""Equally likely lengths that stand for a uniform draw."""


STARTED: Final = ("max_sequences", "token_budget", "poll_steps")
"""Columns with a count that say how a server was started, as the fields of its scheduler are called."""
STARTED_WITH: Final[Mapping[str, Mapping[str, Mapping[str, bool]]]] = {
    "chunked": {"true": {"chunked": True}, "false": {"chunked": False}},
    "capacity_policy": {
        "max_utilization": {"reserve_output": False, "reserve_asked": False},
        "guaranteed_no_evict": {"reserve_output": True},
    },
}
"""Likewise those with a word: TensorRT-LLM's capacity_scheduler_policy sets KV aside for whole answers, or does not."""


class Unpredictable(Exception):  # noqa: N818 — the name says the error
    """A point that cannot be predicted, and why."""


class Setting(Struct, frozen=True):
    """Everything that the step table depends on beside the model and the runtime."""

    accelerator: str
    tp: int
    pp: int
    dp: int
    ep: int


class System(Struct, frozen=True):
    """What shares step tables: one model in one pair of formats under one runtime."""

    model: str
    weights: str | None
    kv_cache: str | None
    runtime: str
    version: str = ""
    """Of the runtime; empty where it is not known."""

    router_skew: float = 0.0
    """Of the prompts, as in ``Tokens``; so is how tokens were drawn."""
    sampling: Sampling = "greedy"

    @property
    def runtime_name(self) -> str:
        """The runtime as a spec names it: 'vllm@0.12'."""
        return f"{self.runtime}@{self.version}" if self.version else self.runtime


class BenchmarkLoad(Struct, frozen=True):
    """What shares lengths and load: points that differ only in their setting and how many run together."""

    kind: str
    prompt: float
    output: float
    protocol: BenchmarkProtocol
    prompt_cv: float | None = None
    """Of lognormal lengths, where the row states it; else lengths are fixed, or as the protocol draws them."""
    output_cv: float | None = None
    prefix_hit: float = 0.0
    """Share of the prompts' tokens that the server found in its prefix cache."""
    burstiness: float = 1.0
    """CV of inter-arrival times of an open loop."""
    drawn: tuple[DrawnLengths, DrawnLengths] | None = None
    """Prompts and answers of the benchmark's data set, where the row states no lengths."""
    limits: LatencyLimits | None = None
    """Within which the largest rate is sought."""
    stated: tuple[tuple[str, int], ...] = ()
    """How the server was started, by field of its scheduler, where that is stated."""

    def started(self, scheduler: Scheduler) -> Scheduler:
        """Return a scheduler as the row says that its server was started."""
        return replace(scheduler, **dict(self.stated))


UNSTATED_TOGETHER: Final = 256.0
"""Requests in flight where everything is queued at once and nobody says how many ran together: vLLM's usual cap."""


class MeasuredPoint(Struct, frozen=True):
    """A row, read."""

    row: Mapping[str, str]
    system: System
    setting: Setting
    """Of one replica; with limits, what the row states of it."""
    load: BenchmarkLoad
    """Of all replicas."""
    together: int
    """Batch or concurrency of all replicas; 0 where the row states none."""
    is_mixture: bool
    replicas: int = 1
    """Equal ones, over which the load is divided."""

    @property
    def in_flight(self) -> float | None:
        """Requests that run together on a replica; null under an open loop."""
        if self.together:
            return max(self.together / self.replicas, 1.0)
        return None if self.load.kind == "open_loop" else UNSTATED_TOGETHER

    @property
    def source(self) -> str:
        """Whose servers and clients it was measured with: its source, by the protocol where that has several."""
        return self.load.protocol.id if self.load.protocol.only_notes else self.row["source"]

    @property
    def run(self) -> BenchmarkRun:
        """What of it decides how the servers of one replica were started."""
        clients = max(round(self.together / self.replicas), 1)
        return BenchmarkRun(
            self.row["model"], self.setting.tp * self.setting.dp, clients, (self.load.prompt, self.load.output)
        )


def read_point(row: Mapping[str, str], catalog: Catalog) -> MeasuredPoint:
    """Read a row.

    Raises:
        Unpredictable: it lacks what a prediction needs.
        InputError: an unknown name.
    """
    model = catalog.model(row["model"]).model
    accelerator = catalog.accelerator(row["accelerator"])
    together = int(float(row["concurrency"] or row["batch"] or 0))
    protocol = _with_prompts(protocol_for(catalog, row), row, together)
    weights = row["weight_precision"].lower() or None
    quantised = catalog.precision(PRECISION_NAMES.get(weights, weights)).bits < 16 if weights else False
    unprinted_fp8 = quantised and accelerator.architecture in protocol.fp8_kv_architectures
    runtime, version = runtime_and_version(row["engine"], row["engine_version"], catalog)
    system = System(
        model=row["model"],
        weights=PRECISION_NAMES.get(weights, weights) if weights else None,
        kv_cache=row["kv_precision"].lower() or ("fp8" if unprinted_fp8 else None),
        runtime=runtime,
        version=version or dict(protocol.versions).get(runtime, ""),
        router_skew=protocol.router_skew,
        sampling=cast("Sampling", _one_of(row, "sampling", get_args(Sampling)) or "greedy"),
    )
    workload = protocol.workload_of(model.id)
    drawn = (workload.input, workload.output) if workload and not row["input_tokens"] else None
    prompt, output = (drawn[0].mean, drawn[1].mean) if drawn else _lengths(row)
    kind = _load_kind(row)
    load = BenchmarkLoad(
        kind,
        prompt,
        output,
        protocol,
        drawn=drawn,
        limits=_limits(row, workload.limits_of(kind) if workload else None),
        prompt_cv=_stated(row, "input_tokens_cv"),
        output_cv=_stated(row, "output_tokens_cv"),
        prefix_hit=_stated(row, "prefix_hit") or protocol.found_share(output, together),
        burstiness=_stated(row, "burstiness") or 1.0,
        stated=(
            *((name, int(row[name])) for name in STARTED if row.get(name)),
            *(
                field
                for name, known in STARTED_WITH.items()
                for field in known.get(_one_of(row, name, known), {}).items()
            ),
        ),
    )
    if unstated := "" if load.limits else _unstated(load.kind, row, together):
        raise Unpredictable(unstated)
    if load.limits:
        return MeasuredPoint(row, system, _stated_split(row, accelerator.id), load, together, _is_mixture(model))
    setting, replicas = _setting(row, accelerator.id, model, catalog.runtimes[system.runtime].splits_layers)
    return MeasuredPoint(row, system, setting, load, together, _is_mixture(model), replicas)


def protocol_for(catalog: Catalog, row: Mapping[str, str]) -> BenchmarkProtocol:
    """Return how the row's source ran its closed loops; the default where that is not known."""
    source = row["source"]
    for protocol in catalog.protocols.values():
        if protocol.only_notes and protocol.id.startswith(source + ".") and protocol.only_notes in row["notes"]:
            return protocol
    # MLPerf's rounds are sources of their own and one protocol.
    return catalog.protocols.get(source) or catalog.protocols.get(
        source.partition("_v")[0], catalog.protocols["default"]
    )


def _with_prompts(protocol: BenchmarkProtocol, row: Mapping[str, str], together: int) -> BenchmarkProtocol:
    """Return a protocol with as many prompts a client as the row's run had, where it says so."""
    prompts = int(row.get("prompts") or 0)
    return replace(protocol, prompts_per_client=max(round(prompts / together), 1)) if prompts and together else protocol


@lru_cache(maxsize=256)
def runtime_and_version(engine: str, version: str, catalog: Catalog) -> tuple[str, str]:
    """Return the runtime that stands for an engine and its version, else the generic one; and the version, if known.

    Args:
        engine: as a benchmark names it: 'vllm'.
        version: of the engine, as a benchmark states it; empty where it does not.
    """
    generation = found[0] if (found := re.search(r"\d+\.\d+", version)) else ""
    for name in (f"{engine} {version}", f"{engine} {generation}", engine):
        with suppress(InputError):
            id, _, known = catalog.runtime_name(name.strip()).partition("@")
            oldest = catalog.runtimes[id].oldest_version or ""
            if known or not (generation and oldest and is_older(generation, oldest)):
                return id, known
            # Entries of one generation each: the newest that is not newer, else the oldest.
            own = sorted(
                (numbers_of(one.removeprefix(f"{id}-")), one)
                for one in catalog.runtimes
                if re.fullmatch(rf"{id}-[\d.]+", one)
            )
            if not own:
                return id, oldest
            return ([one for numbers, one in own if numbers <= numbers_of(generation)] or [own[0][1]])[-1], ""
    return "generic", ""


def tokens_of(load: BenchmarkLoad) -> Tokens:
    """Return the lengths of a load: fixed, or drawn as the protocol draws them."""

    def lengths(nominal: float, cv: float | None, drawn: DrawnLengths | None) -> TokenDistribution:
        if drawn is not None:
            return (
                TokenDistribution(mean=drawn.mean, values=_values(drawn))
                if drawn.cv
                else TokenDistribution(mean=drawn.mean, cv=0)
            )
        low, high = load.protocol.shortest, load.protocol.longest
        if cv is not None:
            return TokenDistribution(mean=nominal, cv=cv)
        if load.kind != "closed_loop" or not load.protocol.lengths_vary:
            return TokenDistribution(mean=nominal, cv=0)
        steps = ((i + 0.5) / SHARES_OF_NOMINAL for i in range(SHARES_OF_NOMINAL))
        values = tuple(max(nominal * (low + (high - low) * step), 1.0) for step in steps)
        return TokenDistribution(mean=sum(values) / len(values), values=values)

    prompts, answers = load.drawn or (None, None)
    return Tokens(
        input=lengths(load.prompt, load.prompt_cv, prompts),
        output=lengths(load.output, load.output_cv, answers),
        prefix_hit=load.prefix_hit,
    )


def _values(drawn: DrawnLengths) -> tuple[float, ...]:
    """Return equally likely lengths of a data set."""
    one_token = TokenDistribution(mean=drawn.mean, cv=drawn.cv)
    lengths = strata(one_token, drawn.most)
    middles = (np.arange(SHARES_OF_DATA_SET) + 0.5) / SHARES_OF_DATA_SET
    reached = np.cumsum(lengths.weights) - lengths.weights / 2
    values = np.interp(middles, reached, lengths.values)
    return tuple(float(value) for value in values * drawn.mean / values.mean())


def _limits(row: Mapping[str, str], of_benchmark: LatencyLimits | None) -> LatencyLimits | None:
    ttft, itl = _stated(row, "ttft_limit_ms"), _stated(row, "itl_limit_ms")
    return LatencyLimits(ttft_s=ttft / 1e3, itl_s=itl / 1e3) if ttft and itl else of_benchmark


def _stated_split(row: Mapping[str, str], accelerator: str) -> Setting:
    """Return the parallelism that a row states; 0 of what it leaves open."""
    if not row["gpus"]:
        raise Unpredictable("the number of accelerators is not stated")
    return Setting(accelerator, *(int(row[name] or 0) for name in ("tp", "pp", "dp", "ep")))


def _one_of(row: Mapping[str, str], column: str, known: Iterable[str]) -> str:
    said = (row.get(column) or "").lower().replace("-", "_")
    if said and said not in known:
        raise Unpredictable(f"{column} {said} is not {listed(tuple(known))}")
    return said


def _stated(row: Mapping[str, str], column: str) -> float | None:
    return float(row[column]) if row.get(column) else None


def _lengths(row: Mapping[str, str]) -> tuple[float, float]:
    match row["load"]:
        case "decode_only":
            return max(float(row["input_tokens"] or UNSTATED_PROMPT), 1.0), max(float(row["output_tokens"] or 128), 1.0)
        case "prefill_only" if row["input_tokens"]:
            return max(float(row["input_tokens"]), 1.0), 1.0
        case _ if row["input_tokens"] and row["output_tokens"]:
            return max(float(row["input_tokens"]), 1.0), max(float(row["output_tokens"]), 1.0)
        case _:
            raise Unpredictable("the prompt or answer length is not stated")


LOADS: Final = ("closed_loop", "open_loop", "static_batch", "offline", "decode_only", "prefill_only")


def _load_kind(row: Mapping[str, str]) -> str:
    """Return the kind of a row's load; requests that all come at once are clients in a closed loop, or a queue."""
    if row["load"] == "open_loop" and row["request_rate"] == ALL_AT_ONCE:
        return "closed_loop" if row["concurrency"] or row["batch"] else "offline"
    return row["load"]


def _unstated(kind: str, row: Mapping[str, str], together: int) -> str:
    """Return what of a load a row does not state; empty where it states all that a prediction needs."""
    match kind:
        case "static_batch" | "decode_only" | "prefill_only" | "offline":
            return ""
        case "closed_loop":
            return "" if together else "the concurrency is not stated"
        case "open_loop":
            return "" if float(row["request_rate"] or 0) else "the request rate is not stated"
        case _:
            return (
                f"a load of kind {kind} wants ttft_limit_ms and itl_limit_ms, which the row does not state; "
                f"without limits it is {listed(LOADS)}"
            )


def _setting(
    row: Mapping[str, str], accelerator: str, model: ModelArchitecture, splits_layers: bool
) -> tuple[Setting, int]:
    """Return the parallelism of one of a row's replicas, and how many there are.

    Data-parallel ranks of a dense model are replicas; those of a mixture share its experts. Ranks count within the
    printed TP where both together would take more accelerators than the row has. Accelerators beyond one replica are
    further replicas.

    Args:
        row: of a measurements CSV.
        splits_layers: the runtime takes pipeline stages where the row states no parallelism.
    """
    if not row["gpus"]:
        raise Unpredictable("the number of accelerators is not stated")
    gpus = int(row["gpus"])
    pp, dp, ep = (int(row[name] or 1) for name in ("pp", "dp", "ep"))
    if splits_layers and not row["tp"] and not row["pp"]:
        tp, pp = 1, max(gpus // dp, 1)
    else:
        tp = int(row["tp"] or max(gpus // (pp * dp), 1))
    if tp * pp == gpus and tp % dp == 0:
        tp //= dp
    if gpus % (tp * pp * dp):
        raise Unpredictable(
            f"{gpus} accelerators are no multiple of the {tp * pp * dp} that TP{tp} × PP{pp} × DP{dp} takes"
        )
    replicas = gpus // (tp * pp * dp)
    if not _is_mixture(model):
        return Setting(accelerator, tp, pp, 1, 1), replicas * dp
    if "enable_attention_dp" in row["notes"] and dp == 1 and tp > 1:
        return Setting(accelerator, 1, pp, tp, tp), replicas
    return Setting(accelerator, tp, pp, dp, ep), replicas


def _is_mixture(model: ModelArchitecture) -> bool:
    return any(isinstance(group.feed_forward, MixtureFeedForward) for group in model.layers)
