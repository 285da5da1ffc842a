"""`fleetcast fit`: fit the catalog's constants and error bands on measurements (a developer's command)."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agent.session.written_files import write_whole
from catalogs.measurement_files import read_points, scorecard_points
from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.options import App, Plain
from commands.showing import notice, notice_refused_rows, show

app = App()


@app.command("fit")
def fit_command(
    points: Annotated[list[Path], typer.Option(metavar="FILE.csv", help="Measured points; repeatable.")],
    constants: Annotated[Path, typer.Option(metavar="FILE.toml", help="Where the constants go.")] = Path(
        "catalogs/fitted.toml"
    ),
    bands: Annotated[Path, typer.Option(metavar="FILE.toml", help="Where the error bands go.")] = Path(
        "catalogs/bands.toml"
    ),
    kinds: Annotated[Path, typer.Option(metavar="FILE.toml", help="Where the kinds of cases measured go.")] = Path(
        "catalogs/measured_kinds.toml"
    ),
    systems: Annotated[Path, typer.Option(metavar="FILE.toml", help="Where what the fits have seen goes.")] = Path(
        "catalogs/measured_systems.toml"
    ),
    plain: Plain = False,
) -> int:
    """Fit what kernels timed alone cannot tell, and the error bands, on measured points.

    The points of the shipped scorecard, and their neighbours in a sweep, are judged and never fitted on. Prints the
    errors in the fit, with groups of (model, accelerator), families of models, accelerators and sources left out, and
    what the bands cover of families, accelerators and sources that had no part in them.
    """
    files = {file: read_points(file) for file in points}
    rows = [row for read in files.values() for row in read.rows]
    notice_refused_rows(*files.items())
    facts = user_catalogs(())
    from agent.report.fit_report import fit_report
    from engine.accuracy.benchmarks import benchmark_latencies
    from engine.fitting.kinds import kinds_file, kinds_of
    from engine.fitting.run import run_fit  # numpy

    held = scorecard_points()
    simulator = partial(benchmark_latencies, processes=os.cpu_count() or 1)
    run = run_fit(rows, facts, held, say=lambda text: notice([text]), simulator=simulator)
    write_whole(constants, run.constants, force=True)
    write_whole(bands, run.bands, force=True)
    write_whole(systems, run.systems, force=True)
    write_whole(kinds, kinds_file(kinds_of(rows, held, facts)), force=True)
    show(fit_report(run), plain=plain)
    return Exit.DONE
