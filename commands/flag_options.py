"""The table of flags as options of a command."""

import inspect
import shlex
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Annotated, Any

import typer

from agent.fields.field import Flag
from agent.statements.flags import ALL
from catalogs.errors import InputError
from commands.completion import KIND_OF_FIELD, names_completed
from commands.options import Command


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


def signature_with_flags(command: Callable[..., Any], panels: Mapping[str, Iterable[Flag]]) -> inspect.Signature:
    """Return the command's signature with a parameter for each flag, by panel of --help, as typer reads it.

    Each is a list, so that a flag that was given twice is seen and not decided by the order. An option that the command
    has itself stands in place of the flag of its name.
    """
    own = [p for p in inspect.signature(command).parameters.values() if p.kind is not p.VAR_KEYWORD]
    taken = {parameter.name for parameter in own}
    for panel, flags in panels.items():
        for flag in flags:
            if _parameter(flag) in taken:
                continue
            kind_of_names = KIND_OF_FIELD.get(flag.path)
            option = typer.Option(
                flag.flag, metavar=flag.metavar, help=flag.help, rich_help_panel=panel, show_default=False,
                autocompletion=names_completed(kind_of_names) if kind_of_names and flag.metavar != "SIZE" else None,
            )  # fmt: skip
            kind: Any = Annotated[list[str] | None, option]
            own.append(
                inspect.Parameter(_parameter(flag), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            )
    return inspect.Signature(own)


def texts_of(given: Mapping[str, list[str] | None]) -> dict[str, tuple[str, ...]]:
    """Return the texts of the flags that were given, by the name of the flag."""
    names = {_parameter(flag): flag.flag for flag in ALL}
    return {names[parameter]: tuple(texts) for parameter, texts in given.items() if texts}


def _parameter(flag: Flag) -> str:
    return flag.flag.removeprefix("--").replace("-", "_")
