"""Commands that are quick to parse, and the table of flags as their options."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from inspect import Parameter
from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from agent.fields.field import Flag
from catalogs.errors import InputError
from commands.as_typed import read_as_typed
from commands.completion import KIND_OF_FIELD, names_completed


class Command(TyperCommand):
    """A command whose texts and paths are read without pydantic."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, and the option that asks for help."""
        return read_as_typed(super().get_params(ctx))


class OnlyWhatIsGiven(Command):
    """Looks at the options of a call alone: typer spends a millisecond or two on each that it knows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments with the parameters that they name."""
        everything = self.params
        _refuse_several_specs(args, everything)
        given = {argument.partition("=")[0] for argument in args}
        if not given & set(ctx.help_option_names):
            self.params = [p for p in everything if p.param_type_name == "argument" or given & set(p.opts)]
        try:
            return super().parse_args(ctx, args)
        finally:
            self.params = everything


def _refuse_several_specs(args: list[str], parameters: list[Any]) -> None:
    """Refuse several files of values where one is asked: they are several workloads.

    Raises:
        InputError: it names the command that puts them together.
    """
    taken = next((one for one in parameters if "--spec" in one.opts), None)
    if taken is None or taken.multiple:
        return
    files = [after for arg, after in pairwise(args) if arg == "--spec"]
    files += [arg.partition("=")[2] for arg in args if arg.startswith("--spec=")]
    if len(files) > 1:
        named = " ".join(f"--spec {shlex.quote(file)}" for file in files)
        raise InputError(f"{len(files)} files are as many workloads, which fleetcast pool {named} puts together")


def flag_parameters(panels: Mapping[str, Iterable[Flag]], taken: Iterable[str]) -> Iterator[Parameter]:
    """Yield a parameter for each flag, by panel of --help, as typer reads it.

    Each is a list, so that a flag that was given twice is seen and not decided by the order.

    Args:
        panels: the flags.
        taken: names of the options that a command has itself, which stand in place of flags.
    """
    for panel, flags in panels.items():
        for flag in flags:
            name = flag.flag.removeprefix("--").replace("-", "_")
            if name in taken:
                continue
            kind_of_names = KIND_OF_FIELD.get(flag.path)
            option = typer.Option(
                flag.flag, metavar=flag.metavar, help=flag.help, rich_help_panel=panel, show_default=False,
                autocompletion=names_completed(kind_of_names) if kind_of_names and flag.metavar != "SIZE" else None,
            )  # fmt: skip
            yield Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[list[str] | None, option])


def texts_of(given: Mapping[str, list[str] | None]) -> dict[str, tuple[str, ...]]:
    """Return the texts of the flags that were given, by the name of the flag."""
    return {f"--{name.replace('_', '-')}": tuple(texts) for name, texts in given.items() if texts}
