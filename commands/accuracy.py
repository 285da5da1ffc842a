"""`fleetcast accuracy`: predict measured points and say how far off. `python commands/accuracy.py` is the same."""

if __name__ == "__main__":
    __import__("as_file").run("accuracy")

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.session.written_files import check_writable, write_whole
from catalogs.errors import InputError
from catalogs.measurement_files import LARGEST_BYTES, CsvRows, read_peer_predictions, read_points, scorecard_points
from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.options import App, Calibrated, Directories, Force, Plain
from commands.progress import progress
from commands.showing import notice, notice_refused_rows, print_json, show

if TYPE_CHECKING:
    from engine.accuracy.benchmarks import Progress
    from engine.accuracy.predictions import Simulator

app = App()

Points = Annotated[
    Path | None,
    typer.Option(metavar="FILE.csv", help="Measured points, - for standard input; the shipped scorecard by default."),
]
Compare = Annotated[
    Path | None, typer.Option(metavar="FILE.csv", help="A peer's predictions: measurement_id, ttft_ms, itl_ms, …")
]
Rows = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write every prediction to a file.")]
Plot = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Paint predicted against measured, .svg or .png (extra: plot).")
]
Chart = Annotated[bool, typer.Option("--chart", help="Draw predicted against measured on the terminal.")]
NoSimulation = Annotated[
    bool, typer.Option("--no-simulation", help="TTFT of closed loops by formula: in a tenth of the time, less exact.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON alone, with every refused point.")]


@app.command("accuracy")
def accuracy_command(
    points: Points = None,
    compare: Compare = None,
    rows: Rows = None,
    plot: Plot = None,
    chart: Chart = False,
    force: Force = False,
    catalog: Directories = None,
    calibration: Calibrated = None,
    no_simulation: NoSimulation = False,
    json: Json = False,
    plain: Plain = False,
) -> int:
    """Predict measured points and report the errors: overall, by source, accelerator, model and load.

    The file has a header; model, accelerator and load are needed, and the figures that were measured (itl_ms_mean,
    ttft_ms_mean, output_tokens_per_s, …). An empty weight_precision is the checkpoint's own.
    Closed loops are simulated request by request, as their source ran them.
    """
    _check_outputs(rows, plot, force)
    if str(points) == str(compare) == "-":
        raise InputError("--points - and --compare - both read standard input: give one of them a file")
    measured = CsvRows(scorecard_points(), []) if points is None else read_points(*_source(points))
    theirs = None if compare is None else read_peer_predictions(*_source(compare))
    notice_refused_rows((points, measured), (compare, theirs))
    facts = user_catalogs(catalog or (), calibration)
    from engine.accuracy.peers import comparisons  # numpy: bad input is refused without it
    from engine.accuracy.scores import accuracy_of, rows_csv

    with progress("predicting") as predicting, progress("simulating") as simulating:
        simulator = None if no_simulation else _simulator(simulating)
        accuracy = accuracy_of(measured.rows, facts, simulator, predicting, measured.refused)
    beside = None if theirs is None else comparisons(accuracy, theirs.rows)
    if rows is not None:
        write_whole(rows, rows_csv(accuracy), force=force)
    dots = None
    if plot is not None or chart:
        from engine.accuracy.dots import dots_of

        dots = dots_of(accuracy, measured.rows, facts)
    if plot is not None and dots is not None:
        from agent.report.accuracy_plot import plotted

        write_whole(plot, plotted(dots, accuracy, plot.suffix.lower()), force=force)
    if json:
        from agent.report.accuracy_report import accuracy_json

        print_json(accuracy_json(accuracy, beside))
    else:
        from agent.report.accuracy_report import accuracy_report

        show(accuracy_report(accuracy, beside or (), dots if chart else None), plain=plain)
    written = (("predictions are", rows), ("plot is", plot))
    notice(f"The {what} in {file}." for what, file in written if file is not None)
    return Exit.DONE


def _check_outputs(rows: Path | None, plot: Path | None, force: bool) -> None:
    """See, before any work is done, that the files can be written."""
    if rows is not None:
        check_writable(rows, force=force)
    if plot is not None:
        from agent.report.accuracy_plot import check_plot

        check_plot(plot)
        check_writable(plot, force=force)


def _simulator(simulating: "Progress") -> "Simulator":
    """Return a simulator of benchmarks on all cores."""
    from engine.accuracy.benchmarks import benchmark_latencies

    return partial(benchmark_latencies, processes=os.cpu_count() or 1, progress=simulating)


def _source(file: Path) -> tuple[Path, bytes | None]:
    """Return a file, or what standard input holds where it is -."""
    if str(file) != "-":
        return file, None
    return Path("standard input"), sys.stdin.buffer.read(LARGEST_BYTES + 1)
