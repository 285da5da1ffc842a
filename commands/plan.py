"""`fleetcast plan`: a plan that was saved, shown again; the schema of plans and specs."""

import json as jsons
import sys
from pathlib import Path
from typing import Annotated

import typer

from catalogs.errors import InputError, quoted
from commands.failures import Exit

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Show a plan that was saved; the schema of plans.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="What `forecast --output` wrote; - is standard input.")]
Json = Annotated[bool, typer.Option("--json", help="JSON alone.")]
Plain = Annotated[bool, typer.Option("--plain", help="Labelled lines instead of tables.")]
Full = Annotated[bool, typer.Option("--full", help="The whole report.")]


@app.command()
def show(file: File, full: Full = False, plain: Plain = False, json: Json = False) -> int:
    """Show a plan that was saved."""
    from commands.showing import exit_code, print_json
    from commands.showing import show as show_report
    from engine.plan import plan_json
    from engine.plan_file import read_plan

    plan = read_plan(text_of(file), str(file))
    if json:
        print_json(plan_json(plan))
    else:
        from agent.report.model import plan_report

        show_report(plan_report(plan, full=full), plain=plain)
    return exit_code(plan)


@app.command()
def schema(
    spec: Annotated[bool, typer.Option("--spec", help="Of a spec file instead of a plan.")] = False,
) -> int:
    """Print the JSON schema of plans, with units; `$defs.WorkloadSpec` in it is a spec's."""
    from engine.plan_file import plan_schema, spec_schema

    print(jsons.dumps(spec_schema() if spec else plan_schema(), indent=2, ensure_ascii=False))
    return Exit.DONE


def text_of(file: Path) -> str:
    """Return the text of a saved plan; InputError where it cannot be read."""
    name = quoted(str(file))
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"there is no file {name}; give a plan that `fleetcast forecast --output` wrote") from None
    except UnicodeDecodeError:
        raise InputError(f"{name} is not text; give a plan that `fleetcast forecast --output` wrote") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {(error.strerror or str(error)).lower()}") from error
