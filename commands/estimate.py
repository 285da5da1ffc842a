"""`fleetcast estimate`: one replica at a given load. `python commands/estimate.py` is the same."""

if __name__ == "__main__":
    __import__("as_file").run("estimate")

from functools import partial
from typing import Annotated, Any

import typer

from agent.fields.readers import read_names
from agent.statements.estimate_flags import ESTIMATE_FLAGS, given_loads, specs_and_loads
from agent.statements.spec_files import spec_file
from commands.catalogs_of_user import user_catalogs, user_settings
from commands.completion import names_completed
from commands.failures import Exit
from commands.flag_options import texts_of
from commands.options import App, Calibrated, Directories, PlainCharts, Spec
from commands.progress import progress
from commands.showing import notice, print_json, show

app = App()

_load = partial(typer.Option, rich_help_panel="Load: one of them, several values make a sweep")

Concurrency = Annotated[str | None, _load(metavar="N,…", help="Clients, each sends when its last is done.")]
Rps = Annotated[str | None, _load(metavar="RATE,…", help="Requests per second.")]
StaticBatch = Annotated[str | None, _load(metavar="N,…", help="Requests that start together.")]
Offline = Annotated[bool, _load("--offline", help="Everything queued at once.")]
_several = partial(typer.Option, metavar="NAMES")
Accelerators = Annotated[
    str | None, _several(help="Several beside each other: h100,h200.", autocompletion=names_completed("accelerators"))
]
Models = Annotated[str | None, _several(help="Several beside each other.", autocompletion=names_completed("models"))]
Explain = Annotated[bool, typer.Option("--explain", help="How each figure came about, and from what.")]
Json = Annotated[bool, typer.Option("--json", help="JSON alone: an object, or several under `estimates`.")]


@app.command("estimate", flags=ESTIMATE_FLAGS)
def estimate_command(
    concurrency: Concurrency = None,
    rps: Rps = None,
    static_batch: StaticBatch = None,
    offline: Offline = False,
    accelerators: Accelerators = None,
    models: Models = None,
    spec: Spec = None,
    catalog: Directories = None,
    calibration: Calibrated = None,
    explain: Explain = False,
    json: Json = False,
    plain: PlainCharts = False,
    **flags: list[str] | None,
) -> int:
    """One replica at a given load: memory, FLOPs, latency, throughput, and whether it fits.

    Needed are a load, a model, an accelerator and the lengths of prompts and answers (or a preset). Parallelism is the
    smallest that fits unless it is given.
    """
    loads = given_loads({"--concurrency": concurrency, "--rps": rps, "--static-batch": static_batch}, offline=offline)
    facts = user_catalogs(catalog or (), calibration)
    specs, loads, notes = specs_and_loads(
        [*user_settings(catalog or ()), *([spec_file(spec)] if spec else ())],
        texts_of(flags),
        read_names(models, "--models") if models is not None else (),
        read_names(accelerators, "--accelerators") if accelerators is not None else (),
        loads,
        facts,
    )
    notice(notes)
    from engine.estimate.estimate import Estimate, estimates  # numpy: bad input is refused without it

    with progress("estimating"):
        outcomes = estimates(specs, loads, facts)
    if json:
        print_json(_tree(outcomes, explain))
    else:
        from agent.report.estimate.estimate_report import estimate_report

        show(estimate_report(outcomes, why=explain), plain=plain)
    return Exit.DONE if any(isinstance(outcome, Estimate) for outcome in outcomes) else Exit.NOTHING_MEETS


def _tree(outcomes: Any, explain: bool) -> dict[str, Any]:
    from agent.report.choice.derivation_report import derivation_tree
    from engine.choice.derivation.estimated import derived
    from engine.estimate.estimate import estimate_json

    trees = [
        estimate_json(one) | ({"explanation": [derivation_tree(figure) for figure in derived(one)]} if explain else {})
        for one in outcomes
    ]
    return trees[0] if len(trees) == 1 else {"estimates": trees}
