"""Reports of a benchmark: what a calibration moved and what to measure next, or how a plan compares."""

from collections.abc import Iterator, Sequence
from math import log
from shlex import quote
from typing import Any, Final

from agent.report.accuracy_report import METRICS
from agent.report.blocks import Block, Bullets, Column, Command, Heading, Paragraph, Report, Table, Words
from agent.report.words import capital, sentence
from catalogs.records.calibrations import CalibratedConstant
from catalogs.units import show_figure, show_percent, show_seconds
from engine.accuracy.points import MeasuredPoint
from engine.calibration.against import HeldPlan
from engine.calibration.calibrate import CalibrationRun
from engine.calibration.design import NextMeasurement
from engine.calibration.memory import MeasuredPool
from engine.plan import SCHEMA_VERSION, plain
from engine.planning.phrases import counted

MEANINGS: Final = {
    "step_overhead_us": "the host's work for each step",
    "layer_overhead_us": "launches of each layer",
    "mixture_layer_overhead_us": "routing of each layer of experts",
    "sparse_layer_overhead_us": "the indexer of each layer",
    "prompt_layer_overhead_us": "launches of each layer with a prompt aboard",
    "mixture_prompt_layer_overhead_us": "each layer of experts with a prompt aboard",
    "all_reduce_factor": "all-reduces, times those timed alone",
    "ttft_overhead_ms": "the server beside the model, once a request",
    "linear_memory": "bandwidth of reading weights",
    "linear_compute": "compute of products in low precision",
    "plain_compute": "compute of products in 16 bit",
    "attention_memory": "bandwidth of reading the KV cache",
    "quantised_attention_memory": "bandwidth of reading a KV cache of 8 bit",
    "prefill_compute": "compute of attention over prompts",
    "mixture_compute": "compute of experts",
    "mixture_memory": "bandwidth of reading experts",
    "distinct_tokens": "share of tokens that choose other experts",
    "grouped_penalty": "query heads that share a KV head",
    "pipeline_bubble": "waiting between pipeline stages",
    "pipeline_sequence_us": "the host's work for each sequence of a pipeline",
}
"""What each constant stands for."""
LEAST_MOVE: Final = 0.03
"""Change of a constant from which it is worth a line."""


def calibration_json(run: CalibrationRun, next_runs: Sequence[NextMeasurement]) -> dict[str, Any]:
    """Return what a calibration found as JSON holds it.

    Args:
        next_runs: that would narrow bands most, the best first.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "calibration": plain(run.calibration),
        "errors": plain(run.errors),
        "pool": plain(run.pool),
        "doubts": run.doubts,
        "unused": run.unused,
        "next": [
            {**plain(one.load), "bands_after": one.bands_after, "command": next_command(run.points[0], one)}
            for one in next_runs
        ],
    }


@Report.of
def calibration_report(run: CalibrationRun, next_runs: Sequence[NextMeasurement]) -> Iterator[Block]:
    """Yield what a calibration found.

    Args:
        next_runs: that would narrow bands most, the best first.
    """
    made = run.calibration
    version = f" {made.version}" if made.version else ""
    count = len(run.points)
    of = counted(count, "measured point") if count else "a start-up log"
    yield Paragraph(
        f"Calibration {made.id}: {made.model} under {made.runtime}{version} on {made.accelerator}, from {of}.", "strong"
    )
    for doubt in run.doubts:
        yield Paragraph(sentence(capital(doubt)), "warning", "Warning")
    if run.pool is not None:
        yield Paragraph(pool_sentence(run.pool, made.model))
    if not run.points:
        return
    yield Table(_ERRORS, tuple(_error_rows(run)))
    yield Paragraph(
        "Errors are medians; after is each point by all the others. A band is 80 %, from its low to its high end.",
        "quiet",
    )
    if count == 1:
        yield Paragraph(
            "One point alone was not checked against any other: it moves the constants, and bands stay as wide as they "
            "were. Three points at different loads check each other.",
            "warning",
            "Warning",
        )
    moved = [one for one in made.constants if _moved_by(one) >= LEAST_MOVE]
    if moved:
        yield Table(_CONSTANTS, tuple(_constant_row(one) for one in sorted(moved, key=_moved_by, reverse=True)))
    else:
        yield Paragraph("No constant moved by 3 % or more: the server is as the fit has it.")
    if run.unused:
        yield Bullets(tuple(f"Not used: {reason}." for reason in run.unused[:3]))
    yield from _next(run.points[0], next_runs)


def pool_sentence(pool: MeasuredPool, model: str) -> str:
    """Return what a start-up log says of the KV cache."""
    differs = f"{abs(pool.more_gib):.2f} GiB {'less' if pool.more_gib < 0 else 'more'} an accelerator"
    than = "as computed" if abs(pool.more_gib) < LEAST_GIB else differs
    return (
        f"The KV cache holds {pool.tokens:,.0f} tokens by the log, {pool.computed_tokens:,.0f} as computed: {than}. "
        f"Plans of {model} count with the log's."
    )


LEAST_GIB: Final = 0.005


_ERRORS = (Column("figure"), *Column.figures("points", "error before", "after", "band before", "after"))
_CONSTANTS = (Column("constant"), Column("fit", "right"), Column("here", "right"), Column("what it is", wraps=True))


def _error_rows(run: CalibrationRun) -> Iterator[tuple[str, ...]]:
    for one in run.errors:
        wide = "none" if one.band_before is None else f"× {one.band_before:.2f}"
        errors = (show_percent(one.before), show_percent(one.after) if one.points > 1 else "–")
        yield METRICS[one.metric], str(one.points), *errors, wide, f"× {one.band_after:.2f}"


def _constant_row(one: CalibratedConstant) -> tuple[str, ...]:
    unit = {"_us": " µs", "_ms": " ms"}.get(one.name[-3:], "")
    shown = (f"{show_figure(value)}{unit}" if unit else f"× {value:.3g}" for value in (one.before, one.after))
    return one.name, *shown, MEANINGS[one.name]


def _moved_by(one: CalibratedConstant) -> float:
    """Return how far a constant moved, relative to its size."""
    return abs(log(max(one.after, 1e-9) / one.before)) if one.before else float(one.after > 0)


def _next(first: MeasuredPoint, next_runs: Sequence[NextMeasurement]) -> Iterator[Block]:
    useful = [one for one in next_runs if one.bands_after < 0.995]
    if not useful:
        return
    yield Heading("What to measure next")
    narrower = f"{1 - useful[0].bands_after:.0%}"
    yield Paragraph(f"The first of these would narrow the bands by {narrower}; each counts after those before it.")
    for one in useful:
        yield Command(next_command(first, one))


def next_command(first: MeasuredPoint, one: NextMeasurement, model: str = "") -> str:
    """Return the command of a run against a server as the one that was measured, or one that loads another model."""
    load, clients = one.load, one.load.concurrency
    lengths, pace = (load.input_tokens, load.output_tokens), f"--max-concurrency {clients}"
    return benchmark_command(first.system.runtime, model or first.row["model"], lengths, pace, clients * 10)


def benchmark_command(runtime: str, model: str, lengths: tuple[int, int], pace: str, prompts: int) -> str:
    """Return the command of a runtime's own benchmark, with random prompts of equal lengths.

    Args:
        model: as it is served, whose tokenizer is loaded.
        lengths: of prompts and answers, tokens.
        pace: the flag that says how fast they come.
        prompts: how many.
    """
    common = (
        f"--model {quote(model)} --dataset-name random --random-input-len {lengths[0]} "
        f"--random-output-len {lengths[1]} {pace} --num-prompts {prompts}"
    )
    if runtime == "sglang":
        return (
            f"python -m sglang.bench_serving --backend sglang {common} --random-range-ratio 1 --output-file next.jsonl"
        )
    backend = "" if runtime == "vllm" else "--backend openai --base-url http://localhost:8000 "
    return f"vllm bench serve {backend}{common} --ignore-eos --save-result"


_HELD = (Column("run"), Column("figure"), *Column.figures("measured", "forecast", "band"), Column(""))


@Report.of
def held_plan_report(held: HeldPlan) -> Iterator[Block]:
    """Yield what measurements make of a plan."""
    inside = sum(one.inside for one in held.figures)
    yield Paragraph(f"{inside} of {len(held.figures)} figures lie inside the plan's bands.", "strong")
    yield Table(
        _HELD,
        tuple(
            (
                one.run,
                one.metric.upper(),
                show_seconds(one.measured_s),
                show_seconds(one.forecast_s),
                f"{show_seconds(one.band.low)} – {show_seconds(one.band.high)}",
                Words("inside", "good") if one.inside else Words("outside", "bad"),
            )
            for one in held.figures
        ),
    )
    if held.causes:
        yield Bullets(tuple(sentence(capital(cause)) for cause in held.causes), "What is off:")
    if held.unused:
        yield Bullets(tuple(f"Not used: {reason}." for reason in held.unused[:3]))
