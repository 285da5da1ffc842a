"""What a fit reached, as a report."""

from collections.abc import Iterator
from math import isnan

from agent.report.blocks import Block, Bullets, Column, Paragraph, Report, Table
from catalogs.units import show_figure, show_percent
from engine.fitting.bands import CoverageLine
from engine.fitting.replays import ReplayLine
from engine.fitting.run import ErrorLine, FitRun


@Report.of
def fit_report(run: FitRun) -> Iterator[Block]:
    """Yield the errors in the fit and on what was left out of it."""
    columns = (
        Column("points of"),
        Column("metric"),
        *Column.figures("n", "fitted", "groups out", "families out", "accelerators out", "sources out"),
    )
    yield Table(columns, tuple(_row(line) for line in run.lines))
    yield Paragraph(
        "Median / p90 of the absolute percentage error. Groups are (model, accelerator); a row's neighbours in a sweep "
        "are always left out with it.",
        "quiet",
    )
    yield Table(_COVERAGE, tuple(_covered(line) for line in run.coverage))
    yield Paragraph(
        "Share inside the bands where all of a family, an accelerator or a source had no part in fit and band, or of "
        "sweeps a sixth. A unit counts as the root of its pairs of model and accelerator, a pair as of its points.",
        "quiet",
    )
    if run.replays:
        yield Table(
            (Column("closed loops of"), Column("metric"), *Column.figures("n", "formula", "simulated")),
            tuple(_replayed(line) for line in run.replays),
        )
        yield Paragraph("The same, of TTFT, with constants fitted on the other groups alone.", "quiet")
    yield Bullets(
        (
            f"{run.refused} points of the scorecard and their neighbours were judged and not fitted on.",
            *(f"{count} points left aside: {reason}." for reason, count in run.excluded.items()),
        )
    )


_COVERAGE = (
    Column("bands of"),
    Column("metric"),
    *Column.figures("n", "units", "in 50 %", "in 80 %", "in 95 %", "width"),
)


def _covered(line: CoverageLine) -> tuple[str, ...]:
    shares = (show_percent(line.inside[level]) for level in (50, 80, 95))
    return line.kind, line.metric, str(line.points), str(line.units), *shares, f"× {show_figure(line.width)}"


def _row(line: ErrorLine) -> tuple[str, ...]:
    errors = (line.in_sample, line.left_out, line.without_family, line.without_accelerator, line.without_source)
    return line.name, line.metric, str(line.points), *(_shown(error) for error in errors)


def _replayed(line: ReplayLine) -> tuple[str, ...]:
    formula = "none" if line.formula is None else _shown(line.formula)
    return line.name, line.metric.replace("_", " "), str(line.points), formula, _shown(line.simulated)


def _shown(error: tuple[float, float]) -> str:
    return "–" if isnan(error[0]) else " / ".join(show_percent(part) for part in error)
