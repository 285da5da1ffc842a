"""The user's settings as a text of TOML: one value is changed, all else stays as it was written."""

import re
import tomllib
from difflib import get_close_matches

from agent.fields.field import Flag
from agent.fields.system import DIMENSION
from agent.statements.flags import ALL
from catalogs.errors import InputError, listed, quoted
from catalogs.toml_text import value_text

_TABLE = re.compile(r"^\s*\[([^\[\]]+)\]\s*(?:#.*)?$")


def setting_called(name: str) -> Flag:
    """Return the field that a setting is of, by its flag ('gpu-type') or its path ('hardware.accelerators').

    Raises InputError where there is none.
    """
    said = name.strip().removeprefix("--")
    flags = [flag for flag in ALL if flag.read and not flag.path.startswith(DIMENSION)]
    settable = {flag.flag.removeprefix("--"): flag for flag in flags}
    by_path = {flag.path: flag for flag in reversed(settable.values())}
    found = settable.get(said) or by_path.get(said)
    if found is None:
        near = get_close_matches(said, list({**settable, **by_path}), n=3, cutoff=0.5)
        known = f"the nearest are {listed(near)}" if near else "flags of `fleetcast forecast` may be set"
        raise InputError(f"no setting is called {quoted(name)}; {known}")
    return found


def with_setting(text: str, path: str, value: str | None) -> str:
    """Return the text of a settings file with one value changed, added, or (None) taken out.

    Args:
        text: TOML, as people wrote it.
        path: of the field, dotted.
        value: as its flag would take it.

    Raises:
        InputError: the file is written in a way in which its lines do not show the value.
    """
    before = _flat(tomllib.loads(text))
    wanted = {key: kept for key, kept in before.items() if key != path}
    table, _, key = path.rpartition(".")
    line = None if value is None else f"{key} = {value_text(value)}"
    lines = text.splitlines()
    at, place, header = "", None, None
    for number, one in enumerate(lines):
        if opened := _TABLE.match(one):
            at = "".join(opened[1].split())
            header = number if at == table else header
            continue
        name, sign, _ = one.partition("=")
        if sign and ".".join(filter(None, (at, "".join(name.split())))) == path:
            place = number
    if place is not None:
        name = lines[place].partition("=")[0].rstrip()
        lines[place : place + 1] = [] if value is None else [f"{name} = {value_text(value)}"]
    elif line is not None and header is not None:
        lines.insert(header + 1, line)
    elif line is not None and not table:
        lines.insert(0, line)
    elif line is not None:
        lines += [*([""] if lines and lines[-1].strip() else []), f"[{table}]", line]
    changed = "\n".join(lines) + "\n" if lines else ""
    try:
        if _flat(tomllib.loads(changed)) == (wanted if value is None else {**wanted, path: value}):
            return changed
    except tomllib.TOMLDecodeError:
        pass
    raise InputError(f"{path} is written in more than one line there; change it by hand (`fleetcast config edit`)")


def _flat(tree: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
