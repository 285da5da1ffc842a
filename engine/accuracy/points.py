"""A row of a measurements CSV, read: the system, the load, the lengths, and how the benchmark was run."""

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.models import ModelArchitecture
from catalogs.records.protocols import BenchmarkProtocol, BenchmarkRun
from engine.workload import TokenDistribution, Tokens

PRECISION_NAMES = {"fp4": "nvfp4", "4-bit": "int4", "f16": "fp16"}
"""Precisions as measurements print them, where the catalog calls them otherwise."""

UNSTATED_PROMPT = 128.0
"""Tokens taken for a decode-only run that names no prompt: too few to matter."""

SHARES_OF_NOMINAL = 8
"""Equally likely lengths that stand for a uniform draw."""


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


class Load(Struct, frozen=True):
    """What shares lengths and load: points that differ only in their setting and how many run together."""

    kind: str
    prompt: float
    output: float
    protocol: BenchmarkProtocol


class Point(Struct, frozen=True):
    """A row, read."""

    row: Mapping[str, str]
    system: System
    setting: Setting
    load: Load
    together: int
    """Batch or concurrency; 0 where the row states none."""
    is_mixture: bool

    @property
    def run(self) -> BenchmarkRun:
        """What of it decides how its servers were started."""
        return BenchmarkRun(
            self.row["model"], self.setting.tp * self.setting.dp, self.together, (self.load.prompt, self.load.output)
        )


def read_point(row: Mapping[str, str], catalog: Catalog) -> Point:
    """Read a row.

    Raises:
        Unpredictable: it lacks what a prediction needs.
        InputError: an unknown name.
    """
    model = catalog.model(row["model"]).model
    accelerator = catalog.accelerator(row["accelerator"])
    protocol = protocol_for(catalog, row)
    weights = row["weight_precision"].lower() or None
    quantised = catalog.precision(PRECISION_NAMES.get(weights, weights)).bits < 16 if weights else False
    unprinted_fp8 = quantised and accelerator.architecture in protocol.fp8_kv_architectures
    system = System(
        model=row["model"],
        weights=PRECISION_NAMES.get(weights, weights) if weights else None,
        kv_cache=row["kv_precision"].lower() or ("fp8" if unprinted_fp8 else None),
        runtime=runtime_id(row["engine"], row["engine_version"], catalog),
    )
    prompt, output = _lengths(row)
    load = Load(row["load"], prompt, output, protocol)
    together = int(float(row["concurrency"] or row["batch"] or 0))
    setting = _setting(row, accelerator.id, model, catalog.runtimes[system.runtime].splits_layers)
    return Point(row, system, setting, load, together, _is_mixture(model))


def protocol_for(catalog: Catalog, row: Mapping[str, str]) -> BenchmarkProtocol:
    """Return how the row's source ran its closed loops; the default where that is not known."""
    source = row["source"]
    for protocol in catalog.protocols.values():
        if protocol.only_notes and protocol.id.startswith(source + ".") and protocol.only_notes in row["notes"]:
            return protocol
    return catalog.protocols.get(source, catalog.protocols["default"])


@lru_cache(maxsize=256)
def runtime_id(engine: str, version: str, catalog: Catalog) -> str:
    """Return the runtime that stands for an engine and its version: the nearest generation, else the generic one."""
    generation = ".".join(version.split(".")[:2])
    for name in (f"{engine} {generation}".strip(), engine):
        try:
            return catalog.runtime(name).id
        except InputError:
            continue
    return "generic"


def tokens_of(load: Load) -> Tokens:
    """Return the lengths of a load: fixed, or drawn as the protocol draws them."""

    def lengths(nominal: float) -> TokenDistribution:
        low = load.protocol.shortest
        if load.kind != "closed_loop" or low == 1:
            return TokenDistribution(mean=nominal, cv=0)
        steps = ((i + 0.5) / SHARES_OF_NOMINAL for i in range(SHARES_OF_NOMINAL))
        values = tuple(max(nominal * (low + (1 - low) * step), 1.0) for step in steps)
        return TokenDistribution(mean=sum(values) / len(values), values=values)

    return Tokens(input=lengths(load.prompt), output=lengths(load.output))


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


def _setting(row: Mapping[str, str], accelerator: str, model: ModelArchitecture, splits_layers: bool) -> Setting:
    """Return a row's parallelism; data-parallel ranks count within the printed TP where both would overfill the row."""
    if not row["gpus"]:
        raise Unpredictable("the number of accelerators is not stated")
    gpus = int(row["gpus"])
    pp, dp, ep = (int(row[name] or 1) for name in ("pp", "dp", "ep"))
    if splits_layers and not row["tp"] and not row["pp"]:
        return Setting(accelerator, 1, gpus, 1, 1)
    tp = int(row["tp"] or max(gpus // (pp * dp), 1))
    if tp * pp * dp > gpus:
        tp = max(gpus // (pp * dp), 1)
    if not _is_mixture(model):
        return Setting(accelerator, tp * dp, pp, 1, 1)
    if "enable_attention_dp" in row["notes"] and dp == 1 and tp > 1:
        return Setting(accelerator, 1, pp, tp, tp)
    return Setting(accelerator, tp, pp, dp, ep)


def _is_mixture(model: ModelArchitecture) -> bool:
    return any(group.feed_forward and group.feed_forward.kind == "mixture" for group in model.layers)
