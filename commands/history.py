"""`fleetcast history`: calculations that `fleetcast serve` made and kept. Needs the extra `web`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalogs.errors import InputError
from commands.failures import Exit
from commands.options import App, Json, Plain
from commands.serve import history_file

if TYPE_CHECKING:
    from commands.serve.history import History

app = App(help="Calculations of `fleetcast serve`; `fleetcast plans` has the terminal's.")

Kept = Annotated[Path | None, typer.Option("--history", metavar="FILE", help="As `serve` was told.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Of a calculation.")]


def _history(file: Path | None) -> "History":
    try:
        import sqlite_utils  # noqa: F401 - what the history needs, before anything is done
    except ModuleNotFoundError:
        raise InputError("this needs sqlite-utils: pip install 'fleetcast[web]'") from None
    from commands.serve.history import History

    return History(file or history_file())


def _answer(history: "History", number: int) -> str:
    found = history.get(number)
    if found is None:
        raise InputError(f"no calculation is kept as {number}; `fleetcast history` says which are")
    return found.answer.decode()


@app.callback(invoke_without_command=True)
def _without_command(context: typer.Context) -> int:
    """List them."""
    return list_command() if context.invoked_subcommand is None else Exit.DONE


@app.command("list")
def list_command(history: Kept = None, json: Json = False, plain: Plain = False) -> int:
    """List the calculations, the newest first."""
    from commands.showing import notice, print_json, show

    kept = _history(history).all()
    if json:
        from msgspec import to_builtins

        print_json(to_builtins(kept))
    elif kept:
        from agent.report.blocks import Column, Report, Table

        columns = (Column("number"), Column("made (UTC)"), Column("kind"), Column("asked"), Column("", wraps=True))
        rows = tuple((str(one.id), one.made, one.kind, one.asked, one.title) for one in kept)
        show(Report((Table(columns, rows),)), plain=plain)
    else:
        notice(["Nothing is kept yet; `fleetcast serve` keeps what it calculates."])
    return Exit.DONE


@app.command("export")
def export_command(number: Number, history: Kept = None) -> int:
    """Print a calculation's answer as JSON."""
    sys.stdout.write(_answer(_history(history), number))
    return Exit.DONE


@app.command("compare")
def compare_command(
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER…", help="Two calculations or more.")],
    history: Kept = None,
    plain: Plain = False,
) -> int:
    """Put plans side by side."""
    from agent.report.choice.comparison_report import Compared, comparison_report
    from commands.showing import show
    from engine.plan_file import read_plan

    kept = _history(history)
    rows = [Compared(str(number), read_plan(_answer(kept, number), f"calculation {number}")) for number in numbers]
    show(comparison_report(rows), plain=plain)
    return Exit.DONE


@app.command("remove")
def remove_command(number: Number, history: Kept = None) -> int:
    """Remove a calculation."""
    from commands.showing import notice

    kept = _history(history)
    _answer(kept, number)
    kept.remove(number)
    notice([f"Calculation {number} is removed."])
    return Exit.DONE
