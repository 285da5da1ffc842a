"""What is fitted on what: the constants of each runtime, the measurements that speak of it, and what is left aside.

Read with `engine.fitting.least_squares`. A block fits the entries of one runtime: one for the runtime itself, and one
for each family of accelerators that the measurements show to differ from the kernels' relative. Overheads start at the
runtime entry's value, factors at 1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.records.constants import CONSTANTS, Constants, Fitted
from catalogs.records.fitted import FittedConstants
from engine.accuracy.points import Point
from engine.fitting.least_squares import Constant

CDNA = ("CDNA2", "CDNA3", "CDNA4")
APPLE = ("Apple M1", "Apple M2", "Apple M3", "Apple M4")


class Entry(Struct, frozen=True):
    """One entry to fit: whom it speaks of, and which groups of constants."""

    id: str
    groups: tuple[str, ...]
    architectures: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()
    runtimes: tuple[str, ...] | None = None
    """Of whom it speaks, where not of the block's runtime alone; empty: of all, though only this one was measured."""
    foreign: bool = False
    """No kernel of these architectures was measured: the factors stray further."""

    @property
    def constants(self) -> dict[str, Fitted]:
        """The constants of its groups, by name."""
        return {name: mark for name, mark in CONSTANTS.items() if set(mark.groups) & set(self.groups)}


class Block(Struct, frozen=True):
    """The fit of one runtime."""

    runtime: str
    sources: tuple[str, ...]
    metrics: tuple[str, ...]
    """Fitted on."""
    entries: tuple[Entry, ...]


BLOCKS: tuple[Block, ...] = (
    Block(
        "vllm",
        ("aic_silicon_sample", "rocm_vllm_docker"),
        ("itl", "e2e"),
        (
            Entry("vllm", ("dense", "served")),
            Entry("vllm-cdna", ("host",), architectures=CDNA),
            Entry("cdna", ("kernels", "links"), architectures=CDNA, runtimes=(), foreign=True),
        ),
    ),
    Block(
        "sglang",
        ("aic_silicon_sample",),
        ("itl",),
        (Entry("sglang", ("dense", "mixture", "sparse", "served", "served mixture")),),
    ),
    Block(
        "tensorrt-llm",
        ("aic_silicon_sample", "trtllm_docs_v1.0"),
        ("itl", "throughput"),
        (
            Entry("tensorrt-llm", ("dense", "mixture", "sparse", "served", "served mixture")),
            Entry("pipelines", ("pipelines",), runtimes=()),
            Entry(
                "tensorrt-llm-rtx-pro",
                ("products", "links"),
                accelerators=("rtx-pro-6000-bse",),
            ),
        ),
    ),
    Block(
        "tensorrt-llm-0.17",
        ("trtllm_docs_v0.17",),
        ("throughput",),
        (Entry("tensorrt-llm-0.17", ("dense", "mixture")),),
    ),
    Block(
        "tensorrt-llm-0.9",
        ("nvidia_dli_trtllm09", "trtllm_docs_static"),
        ("itl", "ttft", "throughput"),
        (
            Entry("tensorrt-llm-0.9", ("dense",)),
            Entry("engines-of-2024", ("grouped queries",), runtimes=("tensorrt-llm-0.9", "nim")),
            Entry(
                "tensorrt-llm-0.9-ada",
                ("products", "attention", "links"),
                architectures=("Ada",),
            ),
            Entry(
                "engines-of-2024-hopper",
                ("compiled",),
                architectures=("Hopper",),
                runtimes=("tensorrt-llm-0.9", "nim"),
            ),
            Entry("tensorrt-llm-0.9-nvl", ("streams",), accelerators=("h100-nvl-94gb",)),
        ),
    ),
    Block(
        "nim",
        ("nvidia_dli_nim",),
        ("itl",),
        (
            Entry("nim", ("dense", "served")),
            Entry(
                "nim-hopper",
                ("compiled",),
                architectures=("Hopper",),
            ),
        ),
    ),
    Block(
        "llama.cpp",
        ("xiongjiedai_llamacpp", "llamacpp_dgx_spark"),
        ("throughput",),
        (
            Entry("llama.cpp", ("coarse", "mixture", "microbatches")),
            Entry("llama.cpp-apple", ("coarse",), architectures=APPLE, foreign=True),
            Entry("llama.cpp-blackwell", ("coarse", "experts"), architectures=("Blackwell",)),
        ),
    ),
)


QUALITY: Mapping[str, float] = {
    "trtllm_docs_v1.0": 0.3,
    "trtllm_docs_static": 0.3,
    "rocm_vllm_docker": 1.0,
}
"""Weight of a source beside 1: maximum-throughput tables hold ramp-up and tail; mixture runs hide their settings."""


JUDGED = ("ttft",)
"""Metrics by which every block is judged."""
FEW_CLIENTS = 8
ALONE = 0.5
"""TTFT of a closed loop is mostly waiting, on which the step model has no say: only up to so many clients does it count
in the fit, and half."""


def quality_of(point: Point, metric: str) -> float:
    """Return how much a metric of a point counts in the fit, by its source; 0 where it is only judged."""
    if excluded_because(point.row, metric):
        return 0.0
    quality = QUALITY.get(point.row["source"], 1.0)
    if point.load.kind == "closed_loop" and metric in JUDGED:
        return quality * ALONE if 0 < point.together <= FEW_CLIENTS else 0.0
    return quality


def metrics_of(block: Block) -> tuple[str, ...]:
    """Return the metrics that a block is fitted on or judged by."""
    return tuple(dict.fromkeys((*block.metrics, *JUDGED)))


class Exclusion(Struct, frozen=True):
    """Points that a fit leaves aside, and why."""

    reason: str
    applies: Callable[[Mapping[str, str]], bool]
    metrics: tuple[str, ...] = ()
    """Of which it speaks; all where empty."""


EXCLUSIONS: tuple[Exclusion, ...] = (
    Exclusion(
        "multi-token prediction may be on: repeats of these configurations differ by 1.35–2.0 ×",
        lambda row: (
            row["source"] == "aic_silicon_sample"
            and (
                (row["engine_version"] in ("1.2.0rc6.post3", "1.1.0rc2.post2") and "DeepSeek" in row["model"])
                or (
                    row["engine_version"] == "0.5.9"
                    and "Qwen3.5" in row["model"]
                    and (row["weight_precision"], row["tp"]) == ("fp8", "4")
                )
            )
        ),
    ),
    Exclusion(
        "TTFT stands at 5 to 9 s at any number of clients: servers that still compiled, or were not warmed up",
        lambda row: (
            row["source"] == "aic_silicon_sample"
            and row["engine"].casefold() == "sglang"
            and "DeepSeek" in row["model"]
            and (row["weight_precision"], row["engine_version"]) == ("fp4", "")
        ),
        ("ttft",),
    ),
    Exclusion(
        "rows that contradict themselves: 85 ms at a concurrency of 48, 21 ms at 448",
        lambda row: row["source"] == "aic_silicon_sample" and row["model"].startswith("nvidia/"),
    ),
    Exclusion(
        "all tokens of a static batch seem to route to the same experts",
        lambda row: row["load"] == "static_batch" and "Mixtral" in row["model"],
    ),
)


def excluded_because(row: Mapping[str, str], metric: str = "") -> str:
    """Return why a row takes no part in fits, or only one metric of it takes none; empty when it does."""
    return next(
        (
            exclusion.reason
            for exclusion in EXCLUSIONS
            if (not exclusion.metrics or metric in exclusion.metrics) and exclusion.applies(row)
        ),
        "",
    )


def block_points(block: Block, points: Iterable[Point]) -> list[Point]:
    """Return the points that a block is fitted on or judged by."""
    return [p for p in points if p.system.runtime == block.runtime and p.row["source"] in block.sources]


def entries_of(block: Block) -> list[FittedConstants]:
    """Return the block's entries before they are fitted."""
    return [
        FittedConstants(
            id=entry.id,
            runtimes=(block.runtime,) if entry.runtimes is None else entry.runtimes,
            architectures=entry.architectures,
            accelerators=entry.accelerators,
            fitted_on="",
        )
        for entry in block.entries
    ]


def constants_of(block: Block, catalog: Catalog) -> Sequence[Constant]:
    """Return the constants to fit, each with its start and how far it may stray."""
    stated = catalog.runtimes[block.runtime]
    constants = []
    for entry in block.entries:
        for name, mark in entry.constants.items():
            usual = Constants.model_fields[name].default
            start = float(getattr(stated, name, usual)) or mark.start
            deviation = mark.foreign_deviation if entry.foreign and mark.foreign_deviation else mark.deviation
            if start > 0:
                constants.append(Constant(entry.id, name, start, deviation))
    return constants
