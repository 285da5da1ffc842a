"""Predicting measured points: a row of a measurements CSV → the figures that its benchmark would have printed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records import BenchmarkProtocol
from engine.candidates import Candidates, illegal_because, single
from engine.kernels import Unsupported
from engine.lengths import lengths_of
from engine.loads import LoadFigures, closed_loop, offline, open_loop, static_batch
from engine.memory import Parallelism
from engine.replica import Replicas
from engine.resolve import Question, resolve
from engine.step import StepTables
from engine.workload import Hardware, Precisions, Serving, TokenDistribution, Tokens, Traffic, WorkloadSpec

METRICS: Mapping[str, tuple[str, ...]] = {
    "itl": ("itl_ms_mean", "itl_ms_median"),
    "ttft": ("ttft_ms_mean", "ttft_ms_median"),
    "throughput": (
        "output_tokens_per_s",
        "output_tokens_per_s_per_gpu",
        "total_tokens_per_s",
        "prefill_tokens_per_s",
        "requests_per_s",
    ),
}
"""The CSV's columns behind each metric; of several in a row the first counts."""

PRECISION_NAMES = {"fp4": "nvfp4", "4-bit": "int4", "f16": "fp16"}
"""Precisions as measurements print them, where the catalog calls them otherwise."""

UNSTATED_PROMPT = 128.0
"""Tokens taken for a decode-only run that names no prompt: too few to matter."""

LATENCY_LOADS = ("static_batch", "closed_loop", "open_loop")


class Unpredictable(Exception):
    """A point that cannot be predicted, and why."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a row says of its system: everything that the step table depends on."""

    model: str
    accelerator: str
    engine: str
    engine_version: str
    weights: str | None
    kv_cache: str | None
    tp: int
    pp: int
    dp: int
    ep: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """One metric of one row."""

    column: str
    measured: float
    predicted: float


def protocol_for(catalog: Catalog, row: Mapping[str, str]) -> BenchmarkProtocol:
    """Return how the row's source ran its closed loops; the default where that is not known."""
    source = row["source"]
    noted = [p for p in catalog.protocols.values() if p.only_notes and p.id.startswith(source + ".")]
    for protocol in noted:
        if protocol.only_notes in row.get("notes", ""):
            return protocol
    return catalog.protocols.get(source, catalog.protocols["default"])


def predict_row(row: Mapping[str, str], catalog: Catalog) -> list[Prediction]:
    """Return a prediction for every metric that the row measured.

    Raises:
        Unpredictable: with the reason.
        InputError: an unknown name.
    """
    wanted = [(metric, column) for metric, columns in METRICS.items() for column in columns if row.get(column)]
    first = {metric: column for metric, column in reversed(wanted)}
    extra = [c for c in ("ttft_ms_p95", "e2e_ms_mean") if row.get(c)]
    if not first and not extra:
        raise Unpredictable("the row measures no ITL, TTFT, end-to-end time or throughput")
    setting = setting_of(row)
    protocol = protocol_for(catalog, row)
    replicas = _replicas(setting, row, protocol, catalog)
    figures = _figures(replicas, row, protocol)
    results = []
    for column in (*first.values(), *extra):
        value = _figure(figures, column, row)
        if value is not None:
            results.append(Prediction(column, float(row[column]), value))
    if not results:
        raise Unpredictable(f"no figure of load {row['load']} is predicted")
    return results


def setting_of(row: Mapping[str, str]) -> Setting:
    """Return a row's system; data-parallel ranks count within the printed tensor parallelism where both fill the row.

    Raises:
        Unpredictable: the row does not say how many accelerators it used.
    """
    if not row.get("gpus"):
        raise Unpredictable("the number of accelerators is not stated")
    gpus = int(row["gpus"])
    pp, dp, ep = (int(row[name] or 1) for name in ("pp", "dp", "ep"))
    tp = int(row["tp"] or max(gpus // (pp * dp), 1))
    if tp * pp * dp > gpus:
        tp = max(gpus // (pp * dp), 1)
    if "enable_attention_dp" in row.get("notes", "") and dp == 1 and tp > 1:
        # Said of all mixture runs of the source; single-accelerator and dense rows are not affected.
        tp, dp, ep = 1, tp, tp
    weights = row["weight_precision"].lower() or None
    return Setting(
        model=row["model"],
        accelerator=row["accelerator"],
        engine=row["engine"],
        engine_version=row["engine_version"],
        weights=PRECISION_NAMES.get(weights, weights) if weights else None,
        kv_cache=row["kv_precision"].lower() or None,
        tp=tp,
        pp=pp,
        dp=dp,
        ep=ep,
    )


def runtime_name(setting: Setting, catalog: Catalog) -> str:
    """Return the runtime that stands for an engine and its version: the nearest generation, else the generic one."""
    generation = ".".join(setting.engine_version.split(".")[:2])
    for name in (f"{setting.engine} {generation}".strip(), setting.engine):
        try:
            return catalog.runtime(name).id
        except InputError:
            continue
    return "generic"


@lru_cache(maxsize=4096)
def _tables(setting: Setting, catalog: Catalog) -> tuple[Question, Candidates, StepTables]:
    model = catalog.model(setting.model).model
    dense = not any(layer.feed_forward and layer.feed_forward.kind == "mixture" for layer in model.layers)
    if dense and setting.dp > 1:
        setting = replace(setting, tp=setting.tp * setting.dp, dp=1, ep=1)
    if dense and setting.ep > 1:
        setting = replace(setting, ep=1)
    spec = WorkloadSpec(
        traffic=Traffic(concurrency=1),
        tokens=Tokens(input=TokenDistribution(mean=128, cv=0), output=TokenDistribution(mean=128, cv=0)),
        model=setting.model,
        precision=Precisions(weights=setting.weights, kv_cache=setting.kv_cache),
        serving=Serving(runtime=runtime_name(setting, catalog)),
        hardware=Hardware(accelerators=(setting.accelerator,)),
    )
    question = resolve(spec, catalog)
    reason = illegal_because(model, setting.tp, setting.pp, setting.dp, setting.ep)
    if reason:
        raise Unpredictable(reason)
    found = single(question, setting.tp, setting.pp, setting.dp, setting.ep)
    return question, found, found.replicas().tables


def _replicas(setting: Setting, row: Mapping[str, str], protocol: BenchmarkProtocol, catalog: Catalog) -> Replicas:
    try:
        question, found, tables = _tables(setting, catalog)
    except Unsupported as refusal:
        raise Unpredictable(refusal.reason) from None
    lengths = lengths_of(_tokens(row, protocol), float(question.model.max_context))
    budget = protocol.token_budget or question.budget_tokens
    asked = replace(question, lengths=lengths, budget_tokens=budget, context_limit=question.model.max_context)
    again = single(asked, setting.tp if found.spread.tp[0] == setting.tp else int(found.spread.tp[0]), *(
        int(axis[0]) for axis in (found.spread.pp, found.spread.dp, found.spread.ep)
    ))
    if again.seats_by_memory[0] < 1:
        raise Unpredictable(
            f"{question.model.name} in {question.weights.name} does not fit on {again.spread.accelerators[0]} × "
            f"{again.accelerator(0).name}"
        )
    return again.replicas(tables)


def _tokens(row: Mapping[str, str], protocol: BenchmarkProtocol) -> Tokens:
    load = row["load"]
    if load == "decode_only":
        prompt, output = max(float(row["input_tokens"] or UNSTATED_PROMPT), 1.0), float(row["output_tokens"] or 128)
    elif load == "prefill_only":
        prompt, output = float(row["input_tokens"]), 1.0
    elif not row["input_tokens"] or not row["output_tokens"]:
        raise Unpredictable("the prompt or answer length is not stated")
    else:
        prompt, output = float(row["input_tokens"]), float(row["output_tokens"])

    def lengths(mean: float) -> TokenDistribution:
        if load != "closed_loop" or not protocol.lengths_vary:
            return TokenDistribution(mean=mean, cv=0)
        low = protocol.shortest
        values = tuple(max(mean * (low + (1 - low) * (i + 0.5) / 8), 1.0) for i in range(8))
        return TokenDistribution(mean=sum(values) / 8, values=values)

    return Tokens(input=lengths(prompt), output=lengths(output))


def _figures(replicas: Replicas, row: Mapping[str, str], protocol: BenchmarkProtocol) -> LoadFigures:
    load = row["load"]
    together = int(float(row["concurrency"] or row["batch"] or 0))
    match load:
        case "static_batch" | "decode_only" | "prefill_only":
            return static_batch(replicas, max(together, 1))
        case "closed_loop":
            if not together:
                raise Unpredictable("the concurrency is not stated")
            return closed_loop(replicas, together, protocol)
        case "offline":
            return static_batch(replicas, together) if together else offline(replicas, None)
        case "open_loop":
            at = open_loop(replicas, float(row["request_rate"]))
            if at is None:
                raise Unpredictable("the rate is beyond the predicted saturation")
            return LoadFigures(at.ttft_s, at.itl_s, at.e2e_s, at.batch, at.requests_per_s, at.output_tokens_per_s, 0.0)
        case _:
            raise Unpredictable(f"load {load} has limits that the row does not state")


_LATENCY: Mapping[str, Callable[[LoadFigures], float | None]] = {
    "itl_ms_mean": lambda f: f.itl_s and f.itl_s.mean * 1e3,
    "itl_ms_median": lambda f: f.itl_s and f.itl_s.p50 * 1e3,
    "ttft_ms_mean": lambda f: f.ttft_s and f.ttft_s.mean * 1e3,
    "ttft_ms_median": lambda f: f.ttft_s and f.ttft_s.p50 * 1e3,
    "ttft_ms_p95": lambda f: f.ttft_s and f.ttft_s.p95 * 1e3,
    "e2e_ms_mean": lambda f: f.e2e_s and f.e2e_s.mean * 1e3,
}


def _figure(figures: LoadFigures, column: str, row: Mapping[str, str]) -> float | None:
    if column in _LATENCY:
        return _LATENCY[column](figures)
    if column == "prefill_tokens_per_s":
        return figures.prefill_tokens_per_s
    if column == "requests_per_s":
        return figures.requests_per_s
    output = figures.output_tokens_per_s
    if row["load"] == "decode_only" and figures.itl_s:
        output = figures.batch / figures.itl_s.mean
    if column == "output_tokens_per_s_per_gpu":
        return output / int(row["gpus"])
    if column == "total_tokens_per_s":
        return output * (1 + float(row["input_tokens"] or 0) / float(row["output_tokens"] or 1))
    return output
