"""Calibrations as files: TOML, one a file, in `calibrations/` of the user's configuration directory or elsewhere."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from msgspec import to_builtins

from catalogs.entry_files import toml_content
from catalogs.errors import CatalogError, InputError, listed, quoted
from catalogs.records.calibrations import Calibration
from catalogs.records.validation import InvalidValues, record_of

FOLDER: Final = "calibrations"
"""In the user's configuration directory."""
NOTE: Final = """# Constants of a serving runtime by measurements of one server, between the fit's (before) and what
# these alone would give, and the evidence from which bands follow. Written by `fleetcast calibrate`;
# --calibration NAME reads it.
"""


def calibration_text(calibration: Calibration) -> str:
    """Return a calibration as its file."""
    tree = to_builtins(calibration, builtin_types=(date,))
    tables = {name: value for name, value in tree.items() if isinstance(value, tuple | list)}
    lines = [NOTE, *_lines(tree)]
    for name, entries in tables.items():
        for entry in entries:
            lines += ["", f"[[{name}]]", *_lines(entry)]
    return "\n".join(lines) + "\n"


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each value that is no table."""
    for name, value in table.items():
        if isinstance(value, tuple | list) and any(isinstance(one, dict) for one in value):
            continue
        if not isinstance(value, tuple | list) or name == "slopes":
            yield f"{name} = {value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)}"


def read_calibration(path: Path) -> Calibration:
    """Return the calibration that a file holds.

    Raises:
        CatalogError: it cannot be read, or holds no calibration.
    """
    content = toml_content(path)
    if any("near" not in one for one in content.get("evidence", ())):
        anew = "written before calibrations had it: `fleetcast calibrate` makes it anew"
        raise CatalogError(path, f"it lacks what its constants leave of its figures, {anew}", field="evidence.near")
    try:
        return record_of(Calibration, content)
    except InvalidValues as error:
        fault = error.faults[0]
        raise CatalogError(path, f"it is no calibration: {fault.problem}", field=fault.path) from None


def calibration_file(name: str, directory: Path) -> Path:
    """Return the file of a calibration that a person names, or gives the path of.

    Args:
        name: of the calibration, or a path.
        directory: of the user's configuration.

    Raises:
        InputError: there is none.
    """
    folder = directory / FOLDER
    for path in (folder / f"{name}.toml", Path(name)):
        if path.is_file():
            return path
    known = sorted(file.stem for file in folder.glob("*.toml")) if folder.is_dir() else []
    near = get_close_matches(name, known, n=3) or known
    there = f"there are {listed(near)}" if near else "`fleetcast calibrate FILE --name NAME` makes one"
    raise InputError(f"no calibration is called {quoted(name)}, nor is there such a file; {there}")
