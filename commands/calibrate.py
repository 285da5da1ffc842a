"""`fleetcast calibrate`: benchmark files in, a server's constants out. `python commands/calibrate.py` is the same."""

if __name__ == "__main__":
    __import__("as_file").run("calibrate")

import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.session.written_files import check_writable, write_whole
from catalogs.errors import InputError
from catalogs.measurement_files import LARGEST_BYTES
from commands.catalogs_of_user import calibrations_folder, user_catalogs
from commands.failures import Exit
from commands.input_files import saved_plan
from commands.options import App, Directories, Force, Json, Plain
from commands.showing import notice, print_json, show

if TYPE_CHECKING:
    from catalogs.catalog import Catalog

app = App()

_server = partial(typer.Option, rich_help_panel="The server, where a file does not say")

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE…", help="Results of benchmarks, or folders of them; - is standard input.")
]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Of the calibration: prod-h100; made up by default.")]
Against = Annotated[
    Path | None, typer.Option(metavar="PLAN", help="Hold a saved plan against the results instead: inside its bands?")
]
Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Where it goes, instead of your configuration's calibrations/.")
]
Model = Annotated[str | None, _server(metavar="NAME", help="That was served.")]
GpuType = Annotated[str | None, _server("--gpu-type", metavar="NAME", help="Accelerator.")]
Runtime = Annotated[str | None, _server(metavar="NAME", help="Serving runtime and version: vllm@0.11.")]
Precision = Annotated[str | None, _server(metavar="NAME", help="Of the weights; the checkpoint's own by default.")]
KvPrecision = Annotated[str | None, _server(metavar="NAME", help="Of the KV cache; the runtime's own by default.")]
_size = partial(_server, metavar="N", min=1, max=4096)
TensorParallel = Annotated[int | None, _size("--tp", help="Tensor parallelism.")]
PipelineParallel = Annotated[int | None, _size("--pp", help="Pipeline stages; 1 by default.")]
DataParallel = Annotated[int | None, _size("--dp", help="Attention data parallelism in a replica; 1 by default.")]
ExpertParallel = Annotated[int | None, _size("--ep", help="Expert parallelism in a replica; 1 by default.")]
Insist = Annotated[bool, typer.Option("--insist", help="Take points that lie far from any forecast.")]
Replicas = Annotated[int | None, _size(help="Behind one address; 1 by default.")]


@app.command("calibrate")
def calibrate_command(
    files: Files,
    name: Name = None,
    against: Against = None,
    output: Output = None,
    model: Model = None,
    gpu_type: GpuType = None,
    runtime: Runtime = None,
    precision: Precision = None,
    kv_precision: KvPrecision = None,
    tp: TensorParallel = None,
    pp: PipelineParallel = None,
    dp: DataParallel = None,
    ep: ExpertParallel = None,
    replicas: Replicas = None,
    insist: Insist = False,
    force: Force = False,
    catalog: Directories = None,
    json: Json = False,
    plain: Plain = False,
) -> int:
    """Draw the constants behind forecasts towards what your own benchmark measured, and say what to measure next.

    Result files are read as they are: of `vllm bench serve` and other tools, or a CSV of points. What they do not say
    of the server is given by flags. --calibration NAME then uses it in forecast, estimate, simulate and accuracy.
    """
    paths, content = _content(files)
    facts = user_catalogs(catalog or ())
    if against is not None:
        return _held(against, paths, content, facts, json=json, plain=plain)
    from agent.session.calibrated_server import MeasuredServer, calibrated  # numpy
    from catalogs.calibration_files import calibration_text

    server = MeasuredServer(model, gpu_type, runtime, precision, kv_precision, tp, pp, dp, ep, replicas)
    run, next_runs = calibrated(paths, server, facts, made=date.today(), name=name, content=content, insist=insist)

    made = run.calibration
    path = output or calibrations_folder() / f"{made.id}.toml"
    if output is None:
        path.parent.mkdir(parents=True, exist_ok=True)
    check_writable(path, force=force)
    write_whole(path, calibration_text(made), force=force)
    from agent.report.calibration_report import calibration_json, calibration_report

    if json:
        print_json(calibration_json(run, next_runs))
    else:
        show(calibration_report(run, next_runs), plain=plain)
    notice([f"The calibration is in {path}; --calibration {output or made.id} uses it."])
    return Exit.DONE


def _held(file: Path, results: list[Path], content: bytes | None, facts: "Catalog", *, json: bool, plain: bool) -> int:
    """Show a plan beside results of a benchmark."""
    from agent.session.calibrated_server import held_plan

    held = held_plan(saved_plan(file), results, facts, content=content)
    if json:
        from engine.plan import plain as plain_values

        inside = [one.inside for one in held.figures]
        print_json(plain_values(held) | {"inside": sum(inside), "of": len(inside)})
    else:
        from agent.report.calibration_report import held_plan_report

        show(held_plan_report(held), plain=plain)
    return Exit.DONE if all(one.inside for one in held.figures) else Exit.CHECK_FAILED


def _content(files: list[Path]) -> tuple[list[Path], bytes | None]:
    """Return the files, or the one that standard input is, with what it holds."""
    if Path("-") not in files:
        return files, None
    if len(files) > 1:
        raise InputError("- is standard input, and other files are given too: leave it out")
    return [Path("standard input")], sys.stdin.buffer.read(LARGEST_BYTES + 1)
