"""The program: its commands by name, each imported when it is called."""

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from catalogs.errors import InputError, listed, quoted
from catalogs.version import VERSION
from commands.as_typed import read_as_typed
from commands.options import Assist, Quiet
from commands.showing import QUIET

COMMANDS: Final = {
    "forecast": "How many accelerators a workload needs, which, and what they cost.",
    "compare": "One workload over models, accelerators or anything else, side by side; plans side by side.",
    "optimize": "The cheapest, fastest, greenest or smallest fleet over the whole catalog, and why.",
    "pool": "Several workloads at once: pooled on one fleet, on shared cards or apart.",
    "workflow": "A fleet for an agent: steps, tools, a growing context, by the time of a whole task.",
    "estimate": "One replica at a given load: memory, FLOPs, latency, throughput.",
    "what-if": "A saved plan with something changed, and what that changes.",
    "sensitivity": "What moves the bill most: each input a fifth lower and higher.",
    "costs": "Every way to pay for a service: rent, spot, reserved, own, one device, APIs, mixtures.",
    "scenarios": "Whole cases, such as a chatbot or RAG: what to serve each on, and why.",
    "batch": "Offline work by a deadline: GPUs, hours and money, spot first, APIs beside it.",
    "train": "A training or fine-tuning run: hours, memory, days, money; published runs beside it.",
    "simulate": "A plan under a load or a recorded trace, request by request.",
    "accuracy": "Predict measured points and say how far off.",
    "calibrate": "Your own benchmark in: forecasts drawn to it, and what to measure next.",
    "fit": "Fit the catalog's constants and error bands on measurements (for developers).",
    "plan": "Show, check, compare or export plans that were saved; the schema of plans.",
    "plans": "Plans that were made: listed, opened by number or name, named.",
    "config": "Your own defaults: show, set, edit, path.",
    "catalog": "The facts: accelerators, models, prices, presets, runtimes.",
    "serve": "The forecast over HTTP and as a page in a browser.",
    "history": "Calculations that `serve` made: listed, compared, removed, exported.",
    "mcp": "The forecast as tools for assistants.",
    "resume": "Go on with a conversation that was interrupted.",
    "help": "What there is to know about a topic: traffic, targets, money, exit codes.",
}
"""What --help says of each command; the module of its name (a hyphen is _ there) has it as ``app``, a typer app."""


class _Commands(TyperGroup):
    """Commands that are imported when they are called: a forecast does not pay for a conversation."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, and the option that asks for help."""
        return read_as_typed(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        return [name for name in COMMANDS if find_spec(_module(name))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return what --help lists of a command, without importing it."""
        return typer.main.get_command(_listed_alone(cmd_name)) if cmd_name in self.list_commands(ctx) else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the command that is called.

        Raises:
            InputError: there is no command of that name.
        """
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known:
            near = get_close_matches(name, known, n=1)
            instead = f"did you mean {near[0]}?" if near else f"there are {listed(known)}"
            if len(name.split()) > 1:  # no command is two words, a question is
                instead = f"did you mean fleetcast forecast {shlex.quote(name)}?"
            raise InputError(f"there is no command {quoted(name)}; {instead}")
        command = typer.main.get_command(import_module(_module(name)).app)
        command.name = name
        return name, command, args[1:]


def _module(name: str) -> str:
    return f"commands.{name.replace('-', '_')}"


def _listed_alone(name: str) -> typer.Typer:
    alone = typer.Typer(add_completion=False)
    alone.command(name, help=COMMANDS[name])(lambda: None)
    return alone


app = typer.Typer(
    cls=_Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Capacity planning for LLM serving: how many accelerators, which, and what they cost. Alone it asks.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from catalogs.catalog import Catalog

        facts = Catalog.load()
        print(f"fleetcast {VERSION}, catalog of {facts.checked}, prices of {max(one.checked for one in facts.offers)}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _without_command(
    context: typer.Context,
    plain: Annotated[
        bool, typer.Option("--plain", help="Of the conversation: labelled lines, no line editing.")
    ] = False,
    transcript: Annotated[
        Path | None, typer.Option("--transcript", metavar="FILE", help="Append the conversation to a file.")
    ] = None,
    assist: Assist = None,
    quiet: Quiet = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show version and catalog, and exit."),
    ] = False,
) -> int:
    """Without a command: the conversation."""
    QUIET.set(quiet)
    if context.invoked_subcommand is not None:
        return 0
    from commands.converse import open_conversation  # a command does not pay for the conversation

    return open_conversation(plain, transcript, assist=assist)


def program(arguments: Sequence[str]) -> int:
    """Run with these arguments and return the exit code."""
    QUIET.set(False)
    command = typer.main.get_command(app)
    try:
        code = command(args=list(arguments), prog_name="fleetcast", standalone_mode=False)
    except SystemExit as ended:
        # typer leaves like this when a pipe breaks; what that means is decided in one place.
        if isinstance(ended.__context__, OSError):
            raise ended.__context__ from None
        raise
    return code if isinstance(code, int) else 0
