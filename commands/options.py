"""What several commands have: how their app is made, and the options that they share."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

HELP: Final[dict[str, Any]] = {"help_option_names": ["--help", "-h"]}
new_app: Final = partial(typer.Typer, add_completion=False, pretty_exceptions_enable=False, context_settings=HELP)
"""Makes an app without completion, whose errors are told by ``commands.failures``."""

Spec = Annotated[str | None, typer.Option(metavar="FILE", help="TOML, YAML or JSON; - is standard input.")]
Directories = Annotated[
    list[Path] | None, typer.Option("--catalog", metavar="DIR", help="Your own entries; repeatable.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON alone.")]
Plain = Annotated[bool, typer.Option("--plain", help="Labelled lines instead of tables.")]
PlainCharts = Annotated[bool, typer.Option("--plain", help="Labelled lines instead of tables and charts.")]
Full = Annotated[bool, typer.Option("--full", help="The whole report.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file.")]
Transcript = Annotated[
    Path | None, typer.Option("--transcript", metavar="FILE", help="Append the conversation to a file.")
]
