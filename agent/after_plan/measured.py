"""A plan beside measurements of its own server: results of a benchmark that someone names, and what to measure next."""

import re
from math import log
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from agent.after_plan.variants import difference
from agent.report.blocks import Block, Command, Paragraph, Report
from agent.report.words import capital, sentence
from agent.talk.speech import Data, Say, said, warned
from agent.talk.state import Branch, Measured, Ports, State, Step, SuggestedRun
from catalogs.errors import InputError
from catalogs.units import TIME_UNITS
from engine.plan import CapacityPlan, split_shown
from engine.planning.launch import loaded_model
from engine.planning.phrases import counted

if TYPE_CHECKING:
    from engine.accuracy.points import MeasuredPoint
    from engine.calibration.calibrate import CalibrationRun, FigureErrors
    from engine.calibration.design import NextMeasurement

_RESULTS: Final = re.compile(
    r"\b(?:benchmark\w*|bench\w*|calibrat\w+|measured|measurements?|results?|start-?up log|log)\b", re.I
)
_NO_RESULTS: Final = re.compile(r"^\W*(?:save|write|export|store)\b", re.I)
AFTER_THE_PLAN: Final = (
    "Results of a benchmark are set beside a plan, which says what server they are of: press Enter until it is made, "
    "then name them again."
)
_WITHOUT: Final = (
    "Name the file or the folder of results: 'here is my benchmark results/'. Or type a latency with its load:"
    " 'we measured TTFT p95 540 ms at 3.3 rps on one replica'. Nothing of this line changed the plan."
)
_TYPED: Final = re.compile(
    r"\b(?:measured|benchmarked|bench(?:mark)?|load[- ]?test(?:ed|s)?|observed|clocked|gemessen|mesur[ée]s?|medimos)\b|"
    r"\b(?:we|i|it|request|replica|box|pilot) (?:actually )?(?:tried|ran|saw|took|did|got|does|gets?|shows?|gives?|"
    r"held)\b|"
    r"\btook \d|^\W*(?:and )?at \d[\d.,]* ?(?:rps|qps|req\w*(?:/| per )s\w*)\W",
    re.I,
)
_OF_A_RUN: Final = re.compile(
    r"\d ?(?:ms|s|sec\w*|milli\w*|rps|qps|req\w*(?:/| per )s\w*|tok\w*(?:/| per )s\w*)\b", re.I
)
_WISHED: Final = re.compile(
    r"[?]|\b(?:want|need|does (?:it|that|this|we)|relax|set|make|targets?|must|should|shall|goal|slos?|slas?|limit|"
    r"at most|how|what|would|could|can|if|let'?s|at peak)\b",
    re.I,
)


def told_in(text: str) -> bool:
    """Return whether a line tells what a run of one's own gave, and wishes for nothing: 'one summary took 58 s'."""
    return bool(_TYPED.search(text) and _OF_A_RUN.search(text)) and not _WISHED.search(text)


NAMES: Final = {"itl": "ITL", "ttft": "TTFT", "throughput": "throughput"}


def results_in(text: str) -> str | None:
    """Return the file or folder of results that a line names; None where it names none.

    Args:
        text: the line: "here is my benchmark: results/run1.json".
    """
    words = [word.strip("'\"`,;:()!?").rstrip(".") for word in re.findall(r"'[^']+'|\"[^\"]+\"|\S+", text)]
    path = next((word for word in words if _is_path(word)), None)
    said = text.replace(path, " ") if path else text
    return path if not _NO_RESULTS.match(said) and _RESULTS.search(said) else None


def _is_path(word: str) -> bool:
    """Return whether a word is a path: of a file that tools write, or with a slash as in no 'tokens/s' or 'w/'."""
    from catalogs.benchmark_files import SUFFIXES

    slashed = word.startswith(("/", "./", "../", "~/")) or word.endswith("/")
    return len(word) > 2 and (slashed or (PurePath(word).suffix.lower() in SUFFIXES and bool(PurePath(word).stem)))


def take_results(state: State, text: str, ports: Ports) -> Step:
    """Calibrate on results that a line names, and plan anew."""
    path, plan = results_in(text), state.base.capacity_plan
    if ports.calibrated is None or ports.under is None:
        return state, (said("No file is read here: `fleetcast calibrate FILE` on your own machine does it."),)
    if path is None:
        return state, (said(_unnamed(text, plan) or _WITHOUT),)
    if plan is None:
        return state, (said("Nothing fits, so that there is no server whose benchmark it could be."),)
    files = (*(state.measured.files if state.measured else ()), path)
    try:
        run, next_runs = ports.calibrated(files, plan)
        made = _planned_anew(state, run, PurePath(path).name, ports.under(run.calibration))
    except InputError as error:
        return state, (warned(f"{capital(str(error))}."),)
    new, branch = made
    suggested = tuple(_suggested(run.points[0], one) for one in next_runs if one.bands_after < WORTH)
    new = replace(new, measured=Measured(files, run.calibration, suggested))
    hints = (said("Plans from here on know of it, 'back' drops it; 'what should I measure to be surer' goes on."),)
    return new, (Data(Report(tuple(_found(run)))), *difference(branch, state.base), *hints)


_TIME: Final = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?(ms|s|secs?|seconds?)\b", re.I)
_RATE: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)? ?(?:rps|qps|req\w*(?: ?/ ?| per )s\w*)", re.I)
_OF_WHICH: Final = re.compile(r"\b(?:ttft|itl|tpot|e2e|first (?:token|word)|end to end|between tokens)\b", re.I)


def _unnamed(text: str, plan: CapacityPlan | None) -> str:
    """Ask of which latency a time of one's own is that a line gives with its load; nothing where it gives no such.

    Args:
        text: the line: 'our own bench on 2xH100 got 1.1s at 3.3 rps'.
        plan: whose latencies say which the time is nearest to.
    """
    times, rate = _TIME.findall(text), _RATE.search(text)
    if len(times) != 1 or rate is None or plan is None or _OF_WHICH.search(text):
        return ""
    (seconds,) = (float(number) * TIME_UNITS.get(unit.lower(), 1.0) for number, unit in times)
    at_peak = plan.performance.at_peak
    near = {"TTFT": at_peak.ttft_s.p95, "ITL": at_peak.itl_s.p95, "E2E": at_peak.e2e_s.p95}
    nearest = min(near, key=lambda name: abs(log(max(seconds, 1e-6) / near[name])))
    time = " ".join(times[0])
    at = f"{time} at {rate[0]}"
    share = found[0] if (found := re.search(r"\bp\d\d\b", text, re.I)) else "p95"
    return (
        f"Which latency {time} is was not said: of the first token, between tokens, or of the whole answer, and"
        f" whether a mean or a percentile. Nearest is {nearest}: 'we measured {nearest} {share} {at} on one replica'"
        " sets it beside the forecast; with several replicas say how many. Nothing of this line changed the plan."
    )


def _planned_anew(state: State, run: "CalibrationRun", name: str, ports: Ports) -> tuple[State, Branch]:
    """Return the state with the kept plan made again under a calibration, and that branch, which is kept now."""
    from agent.statements.merged import collected

    base = state.base
    stated = collected(base.statements, ports.catalog).completed()
    plan = ports.plan(stated.spec, stated.sources)
    branch = Branch(
        len(state.branches),
        f"calibrated on {name}",
        base.number,
        base.statements,
        base.settled,
        plan,
        stated.spec,
        run.calibration.sha256,
    )
    return replace(state, branches=(*state.branches, branch), kept=branch.number), branch


def _found(run: "CalibrationRun") -> list[Block]:
    """Return what results say of the forecasts."""
    from agent.report.calibration_report import pool_sentence

    count = len(run.points)
    blocks: list[Block] = []
    if run.pool is not None:
        blocks.append(Paragraph(pool_sentence(run.pool, run.calibration.model)))
    if count:
        told = "; ".join(_told(one) for one in run.errors)
        blocks.insert(0, Paragraph(f"{counted(count, 'run')} of {run.calibration.model}: {told}."))
    blocks += [Paragraph(sentence(capital(doubt)), "warning") for doubt in run.doubts]
    blocks += [Paragraph(f"Not used: {reason}.", "quiet") for reason in run.unused[:2]]
    return blocks


def _told(one: "FigureErrors") -> str:
    before = "" if one.band_before is None else f" instead of × {one.band_before:.2f}"
    after = f", now {one.after:.0%}" if one.points > 1 else ""
    return f"{NAMES[one.metric]} was {one.before:.0%} off{after}, and known within × {one.band_after:.2f}{before}"


def next_runs(state: State, ports: Ports) -> tuple[Say, ...]:
    """Return the runs that would narrow a plan's bands most, as commands."""
    plan = state.base.capacity_plan
    if plan is None:
        return (said("Nothing fits, so that there is nothing to measure."),)
    try:
        runs = state.measured.next_runs if state.measured else _first(plan, ports)
    except InputError as error:
        return (warned(f"{capital(str(error))}."),)
    if not runs:
        return (said("No run of up to 256 clients would leave this noticeably surer."),)
    lead = Paragraph(
        f"On one replica of the plan, {split_shown(plan.chosen)} on {plan.chosen.accelerator_name}. The first would "
        f"narrow the bands of latencies at the peak by about {1 - runs[0].bands_after:.0%}; each counts after those "
        "before it."
    )
    commands = tuple(Command(one.command) for one in runs)
    then = Paragraph("Then: 'here is my benchmark' with the file or the folder.", "quiet")
    return (Data(Report((lead, *commands, then))),)


def _first(plan: CapacityPlan, ports: Ports) -> tuple[SuggestedRun, ...]:
    from engine.calibration.first_runs import first_runs

    point, runs = first_runs(plan, ports.catalog)
    model = loaded_model(plan.chosen.command)
    return tuple(_suggested(point, one, model) for one in runs if one.bands_after < WORTH)


def _suggested(point: "MeasuredPoint", one: "NextMeasurement", model: str = "") -> SuggestedRun:
    from agent.report.calibration_report import next_command

    return SuggestedRun(next_command(point, one, model), one.bands_after)


WORTH: Final = 0.995
"""Width of bands after a run over the width before it, from which it is not worth making."""
