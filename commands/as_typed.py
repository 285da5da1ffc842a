"""Texts and paths of the command line, read without pydantic: typer validates by it, and its import takes long."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final


class _AsTyped:
    """Reads what was typed for one parameter, in the place of what typer would make for it."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        self.read = read

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value of a parameter; one that was not given stays so."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        return self.read(value)


_READERS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    bool: bool,
    str: str,
    Path: Path,
    list[str]: list,
    list[Path]: lambda texts: [Path(text) for text in texts],
}


def read_as_typed(parameters: list[Any]) -> list[Any]:
    """Return the parameters, those that are texts, paths or switches to be read as typed; typer reads all others."""
    for parameter in parameters:
        described = getattr(parameter, "type_descriptor", None)  # older versions of typer do without pydantic
        if described is not None and described.annotation in _READERS:
            parameter._runtime_param = _AsTyped(_READERS[described.annotation])
    return parameters
