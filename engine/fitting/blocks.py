"""What is fitted on what: the constants of each runtime, the measurements that speak of it, and what is left aside.

Read with `engine.fitting.least_squares`. A block fits the entries of one runtime: one for the runtime itself, and one
for each family of accelerators that the measurements show to differ from the kernels' relative. Overheads start at the
runtime entry's value, factors at 1.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.records.constants import CONSTANTS, Constants, Fitted
from catalogs.records.fitted import FittedConstants, StatedConstants
from engine.accuracy.points import MeasuredPoint
from engine.fitting.least_squares import Constant
from engine.fitting.weights import JUDGED

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
        "tensorrt-llm-0.17",
        ("trtllm_docs_v0.17",),
        ("throughput",),
        (
            Entry("tensorrt-llm-0.17", ("dense", "mixture")),
            Entry("tensor-scaled-experts", ("tensor scales",), runtimes=("tensorrt-llm", "tensorrt-llm-0.17")),
        ),
    ),
    Block(
        "tensorrt-llm",
        ("aic_silicon_sample", "trtllm_docs_v1.0"),
        ("itl", "throughput"),
        (
            Entry("tensorrt-llm", ("dense", "mixture", "sparse", "served", "served mixture")),
            Entry("pipelines", ("pipelines",), runtimes=()),
            Entry("tensorrt-llm-rtx-pro", ("products", "links"), accelerators=("rtx-pro-6000-bse",)),
        ),
    ),
    Block(
        "tensorrt-llm-0.9",
        ("nvidia_dli_trtllm09", "trtllm_docs_static"),
        ("itl", "ttft", "throughput"),
        (
            Entry("tensorrt-llm-0.9", ("dense",)),
            Entry("engines-of-2024", ("grouped queries",), runtimes=("tensorrt-llm-0.9", "nim")),
            Entry("tensorrt-llm-0.9-ada", ("products", "attention", "links"), architectures=("Ada",)),
            Entry(
                "engines-of-2024-hopper", ("compiled",), architectures=("Hopper",), runtimes=("tensorrt-llm-0.9", "nim")
            ),
            Entry("tensorrt-llm-0.9-nvl", ("streams",), accelerators=("h100-nvl-94gb",)),
        ),
    ),
    Block(
        "nim",
        ("nvidia_dli_nim",),
        ("itl",),
        (Entry("nim", ("dense", "served")), Entry("nim-hopper", ("compiled",), architectures=("Hopper",))),
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


def metrics_of(block: Block) -> tuple[str, ...]:
    """Return the metrics that a block is fitted on or judged by."""
    return tuple(dict.fromkeys((*block.metrics, *JUDGED)))


def block_points(block: Block, points: Iterable[MeasuredPoint]) -> list[MeasuredPoint]:
    """Return the points that a block is fitted on or judged by."""
    return [p for p in points if p.system.runtime == block.runtime and p.row["source"] in block.sources]


def entries_of(block: Block) -> list[FittedConstants]:
    """Return the block's entries before they are fitted."""
    return [
        StatedConstants(
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
            usual = getattr(Constants(), name)
            start = float(getattr(stated, name, mark.start or usual)) or mark.start
            deviation = mark.foreign_deviation if entry.foreign and mark.foreign_deviation else mark.deviation
            if start > 0:
                constants.append(Constant(entry.id, name, start, deviation))
    return constants
