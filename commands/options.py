"""What several commands have: how their app is made, and the options that they share."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from typer.core import TyperCommand

from commands.as_typed import read_as_typed
from commands.showing import QUIET

_Function = TypeVar("_Function", bound=Callable[..., Any])
HELP: Final[dict[str, Any]] = {"help_option_names": ["--help", "-h"]}
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notices, no progress; what was not used is named.")]


class App(typer.Typer):
    """An app whose errors are told by ``commands.failures``, and whose commands all know --quiet."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(add_completion=False, pretty_exceptions_enable=False, context_settings=HELP, **settings)

    def command(
        self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **settings: Any
    ) -> Callable[[_Function], _Function]:
        """Return what registers a function as a command, as ``typer.Typer.command`` does."""
        register = super().command(name, cls=cls or Command, **settings)

        def registered(function: _Function) -> _Function:
            @wraps(function)
            def called(*arguments: Any, quiet: bool = False, **options: Any) -> Any:
                QUIET.set(QUIET.get() or quiet)
                return function(*arguments, **options)

            own = signature(function)
            quiet = Parameter("quiet", Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
            called.__signature__ = own.replace(parameters=[*own.parameters.values(), quiet])  # type: ignore[attr-defined]
            register(called)
            return function

        return registered


class Command(TyperCommand):
    """A command whose texts and paths are read without pydantic."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, and the option that asks for help."""
        return read_as_typed(super().get_params(ctx))


Spec = Annotated[str | None, typer.Option(metavar="FILE", help="TOML, YAML or JSON; - is standard input.")]
Directories = Annotated[
    list[Path] | None, typer.Option("--catalog", metavar="DIR", help="Your own entries; repeatable.")
]
Calibrated = Annotated[
    str | None, typer.Option("--calibration", metavar="NAME", help="What `calibrate` made of your server, or its file.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON alone.")]
Csv = Annotated[bool, typer.Option("--csv", help="The figures as a table for spreadsheets.")]
Plain = Annotated[bool, typer.Option("--plain", help="Labelled lines instead of tables.")]
PlainCharts = Annotated[bool, typer.Option("--plain", help="Labelled lines instead of tables and charts.")]
Full = Annotated[bool, typer.Option("--full", help="The whole report.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file.")]
Transcript = Annotated[
    Path | None, typer.Option("--transcript", metavar="FILE", help="Append the conversation to a file.")
]
Assist = Annotated[
    str | None,
    typer.Option(
        "--assist",
        metavar="URL",
        help=(
            "A language model of your own, by its OpenAI-compatible address, that may point at what a line says; off by"
            " default. Its key: FLEETCAST_ASSIST_KEY."
        ),
    ),
]
