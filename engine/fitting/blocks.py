"""What is fitted on what: the constants of each runtime, the measurements that speak of it, and what is left aside.

Read with `engine.fitting.least_squares`. A block fits the entries of one runtime: one for the runtime itself, and one
for each family of accelerators that the measurements show to differ from the kernels' relative. Overheads start at the
runtime entry's value, factors at 1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.records.fitted import FittedConstants
from engine.accuracy.points import Point
from engine.fitting.least_squares import Constant

SPREADS: Mapping[str, float] = {
    "step_overhead_us": 0.5,
    "layer_overhead_us": 0.5,
    "mixture_layer_overhead_us": 0.7,
    "sparse_layer_overhead_us": 0.7,
    "prompt_layer_overhead_us": 0.5,
    "mixture_prompt_layer_overhead_us": 1.0,
    "all_reduce_overhead_us": 0.5,
    "all_reduce_factor": 0.3,
    "ttft_overhead_ms": 0.7,
    "grouped_penalty": 1.0,
    "pipeline_bubble": 1.0,
    "pipeline_sequence_us": 1.0,
}
"""How far an overhead may stray from where it starts (log standard deviation); a factor less."""
STARTS: Mapping[str, float] = {"mixture_prompt_layer_overhead_us": 200.0, "pipeline_sequence_us": 20.0}
"""Where an overhead starts that the runtime entries leave at nothing."""
FACTOR_SPREAD = 0.15
FOREIGN_SPREADS: Mapping[str, float] = {"linear_compute": 0.5, "plain_compute": 0.5, "all_reduce_factor": 0.7}
"""Of factors on accelerators none of whose kernels, nor their architecture's, were measured: what their matrix units
reach and how fast their links start differs by maker; streams reach much the same share of the peak bandwidth."""

DENSE = (
    "step_overhead_us",
    "layer_overhead_us",
    "all_reduce_factor",
    "prompt_layer_overhead_us",
    "linear_memory",
    "linear_compute",
    "plain_compute",
    "attention_memory",
    "prefill_compute",
)
MIXTURE = ("mixture_layer_overhead_us", "mixture_compute", "mixture_memory")
SERVED = ("ttft_overhead_ms",)
SERVED_MIXTURE = ("ttft_overhead_ms", "mixture_prompt_layer_overhead_us")
SPARSE = ("sparse_layer_overhead_us",)
CDNA = ("CDNA2", "CDNA3", "CDNA4")
COMPILED = ("linear_compute", "plain_compute", "attention_memory", "quantised_attention_memory")
COARSE = ("step_overhead_us", "linear_memory", "linear_compute", "plain_compute", "attention_memory")


class Entry(Struct, frozen=True):
    """One entry to fit: whom it speaks of, and its fields."""

    id: str
    fields: tuple[str, ...]
    architectures: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()
    runtimes: tuple[str, ...] | None = None
    """Of whom it speaks, where not of the block's runtime alone; empty: of all, though only this one was measured."""
    foreign: bool = False
    """No kernel of these architectures was measured: the factors stray further."""


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
            Entry("vllm", DENSE + SERVED),
            Entry("vllm-cdna", ("step_overhead_us",), architectures=CDNA),
            Entry("cdna", (*COARSE[1:], "all_reduce_factor"), architectures=CDNA, runtimes=(), foreign=True),
        ),
    ),
    Block("sglang", ("aic_silicon_sample",), ("itl",), (Entry("sglang", DENSE + MIXTURE + SPARSE + SERVED_MIXTURE),)),
    Block(
        "tensorrt-llm",
        ("aic_silicon_sample", "trtllm_docs_v1.0"),
        ("itl", "throughput"),
        (
            Entry("tensorrt-llm", DENSE + MIXTURE + SPARSE + SERVED_MIXTURE),
            Entry("pipelines", ("pipeline_sequence_us",), runtimes=()),
            Entry(
                "tensorrt-llm-rtx-pro",
                ("linear_memory", "linear_compute", "all_reduce_factor"),
                accelerators=("rtx-pro-6000-bse",),
            ),
        ),
    ),
    Block(
        "tensorrt-llm-0.17",
        ("trtllm_docs_v0.17",),
        ("throughput",),
        (Entry("tensorrt-llm-0.17", DENSE + MIXTURE),),
    ),
    Block(
        "tensorrt-llm-0.9",
        ("nvidia_dli_trtllm09", "trtllm_docs_static"),
        ("itl", "ttft", "throughput"),
        (
            Entry("tensorrt-llm-0.9", DENSE),
            Entry("engines-of-2024", ("grouped_penalty",), runtimes=("tensorrt-llm-0.9", "nim")),
            Entry(
                "tensorrt-llm-0.9-ada",
                ("linear_memory", "linear_compute", "attention_memory", "all_reduce_factor"),
                architectures=("Ada",),
            ),
            Entry(
                "engines-of-2024-hopper",
                COMPILED,
                architectures=("Hopper",),
                runtimes=("tensorrt-llm-0.9", "nim"),
            ),
            Entry("tensorrt-llm-0.9-nvl", ("linear_memory", "attention_memory"), accelerators=("h100-nvl-94gb",)),
        ),
    ),
    Block(
        "nim",
        ("nvidia_dli_nim",),
        ("itl",),
        (
            Entry("nim", DENSE + SERVED),
            Entry(
                "nim-hopper",
                COMPILED,
                architectures=("Hopper",),
            ),
        ),
    ),
    Block(
        "llama.cpp",
        ("xiongjiedai_llamacpp", "llamacpp_dgx_spark"),
        ("throughput",),
        (
            Entry("llama.cpp", (*COARSE, *MIXTURE, "pipeline_bubble")),
            Entry(
                "llama.cpp-apple", COARSE, architectures=("Apple M1", "Apple M2", "Apple M3", "Apple M4"), foreign=True
            ),
            Entry("llama.cpp-blackwell", COARSE + MIXTURE[1:], architectures=("Blackwell",)),
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
    """Return the constants to fit, each with its start and spread."""
    runtime = catalog.runtimes[block.runtime]
    constants = []
    for entry in block.entries:
        for field in entry.fields:
            spread = SPREADS.get(field, FACTOR_SPREAD)
            if entry.foreign:
                spread = FOREIGN_SPREADS.get(field, spread)
            start = 1.0
            if field in FittedConstants.SHARES:
                start = STARTS.get(field, 0.1)
            elif field in SPREADS:
                start = float(getattr(runtime, field)) or STARTS.get(field, 0.0)
            if start > 0:
                constants.append(Constant(entry.id, field, start, spread))
    return constants
