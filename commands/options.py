"""What several commands have: how their app is made, and the options that they share."""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from agent.fields.field import Flag
from commands.flag_options import Command, OnlyWhatIsGiven, flag_parameters
from commands.showing import QUIET, Shape

_Function = TypeVar("_Function", bound=Callable[..., Any])
HELP: Final[dict[str, Any]] = {"help_option_names": ["--help", "-h"]}
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notices, no progress; what was not used is named.")]


class App(typer.Typer):
    """An app whose errors are told by ``commands.failures``, and whose commands all know --quiet."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(add_completion=False, pretty_exceptions_enable=False, context_settings=HELP, **settings)

    def command(
        self, name: str | None = None, *, flags: Mapping[str, Iterable[Flag]] | None = None, **settings: Any
    ) -> Callable[[_Function], _Function]:
        """Return what registers a function as a command, as ``typer.Typer.command`` does.

        A parameter ``shape`` stands for --json, --csv and --plain; keywords stand for the flags, by panel of --help.
        """
        register = super().command(name, cls=Command if flags is None else OnlyWhatIsGiven, **settings)

        def registered(function: _Function) -> _Function:
            own = [one for one in signature(function).parameters.values() if one.kind is not one.VAR_KEYWORD]
            shaped = any(one.name == "shape" for one in own)
            parameters = [other for one in own for other in (_SHAPE if one.name == "shape" else (one,))]
            parameters += [*flag_parameters(flags or {}, {one.name for one in own}), _QUIET]

            @wraps(function)
            def called(*arguments: Any, quiet: bool = False, **options: Any) -> Any:
                QUIET.set(QUIET.get() or quiet)
                if shaped:
                    options["shape"] = Shape(**{one.name: options.pop(one.name) for one in _SHAPE})
                return function(*arguments, **options)

            called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
            register(called)
            return function

        return registered


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

_QUIET: Final = Parameter("quiet", Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
_SHAPE: Final = tuple(
    Parameter(name, Parameter.KEYWORD_ONLY, default=False, annotation=kind)
    for name, kind in (("json", Json), ("csv", Csv), ("plain", Plain))
)
"""The options of a ``Shape``."""
