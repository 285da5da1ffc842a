"""Spec files and settings: TOML, YAML or JSON → values by path, with errors that name the file and the field."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import to_builtins

from agent.fields.demand import LEAST_TARGET_S, PRESET
from agent.fields.table import FIELDS
from agent.statements.flags import refuse_implausible
from agent.statements.models import CatalogName
from catalogs.errors import InputError, listed, quoted, reading
from catalogs.units import read_seconds
from engine.workload import SourceKind, Statement, flattened, validated

LARGEST_BYTES: Final = 8 * 2**20
SETTINGS: Final = "settings.toml"
FORMATS: Final = {".toml": "TOML", ".json": "JSON", ".yaml": "YAML", ".yml": "YAML"}


def spec_file(name: str, insist: bool | None = None) -> Statement:
    """Return what a spec file says; '-' reads standard input. A plan's own spec is taken from a plan.

    Args:
        insist: implausible values are taken as they are; None where the door has no flag for that.

    Raises InputError where it cannot be read or says what no spec holds.
    """
    shown = "standard input" if name == "-" else name
    text = _standard_input() if name == "-" else _text(Path(name))
    tree = _parsed(text, shown, FORMATS.get(Path(name).suffix.lower(), ""))
    return spec_of_tree(tree, shown, insist)


def spec_of_tree(tree: Mapping[str, Any], name: str, insist: bool | None = None) -> Statement:
    """Return what the tree of a spec, or of a plan, says.

    Args:
        tree: as JSON holds it.
        name: where it came from.
        insist: as in ``spec_file``; a plan was insisted on where it was made.

    Raises InputError where it says what no spec holds, or what nobody means.
    """
    stated = _statement(spec := _spec_of_a_plan(tree), "file", name)
    for path, value in stated.values.items() if spec is tree else ():
        for at, one in _figures(path, value):
            refuse_implausible(at, one, f"{name}: {at}", "", insist)
    return stated


def _figures(path: str, value: Any) -> Iterator[tuple[str, float]]:
    """Yield the figures of a field, those of targets by metric and percentile."""
    if path != "targets":
        yield from ((path, value),) if isinstance(value, int | float) else ()
        return
    for target in value:
        metric, seconds = target.get("metric"), target.get("seconds")
        if metric in LEAST_TARGET_S and isinstance(seconds, int | float):
            yield f"targets.{metric}.{target.get('percentile')}", seconds


def settings_file(directory: Path) -> Statement | None:
    """Return what the settings.toml of a directory says; None where there is none.

    Raises InputError as ``spec_file``.
    """
    file = directory / SETTINGS
    if not file.is_file():
        return None
    return _statement(_parsed(_text(file), str(file), "TOML"), "settings", str(file))


# --- text → tree ------------------------------------------------------------------------------------------------------


def _text(file: Path) -> str:
    name = quoted(str(file))
    with reading(name, "--spec reads TOML, YAML or JSON, - is standard input"), file.open("rb") as opened:
        raw = opened.read(LARGEST_BYTES + 1)
    return _decoded(raw, name)


def _standard_input() -> str:
    raw = sys.stdin.buffer.read(LARGEST_BYTES + 1)
    if not raw.strip():
        raise InputError("standard input ended before it held a spec; --spec - reads TOML, YAML or JSON from it")
    return _decoded(raw, "standard input")


def _decoded(raw: bytes, name: str) -> str:
    if len(raw) > LARGEST_BYTES:
        raise InputError(f"{name} is larger than any spec (8 MiB)")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text (byte {error.start}); a spec is TOML, YAML or JSON") from error


def _parsed(text: str, name: str, kind: str) -> Mapping[str, Any]:
    """Return the tree of a text; without a format it is told by how the text looks."""
    kind = kind or ("JSON" if text.lstrip().startswith("{") else "")
    try:
        if kind:
            tree = _PARSERS[kind](text)
        else:
            try:
                tree = _PARSERS["TOML"](text)
            except ValueError:
                kind = "TOML, YAML or JSON"
                tree = _PARSERS["YAML"](text)
    except RecursionError:
        raise InputError(f"{name} is nested too deeply for a spec") from None
    except ValueError as error:
        why = " ".join(str(error).split())
        raise InputError(f"{name} is not {kind}: {why}") from error
    if tree is None:
        return {}
    if not isinstance(tree, Mapping):
        raise InputError(f"{name} holds {quoted(tree)} where a spec holds fields such as traffic and tokens")
    return tree


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"{getattr(error, 'problem', None) or error}{where}") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} in line {error.lineno}, column {error.colno}") from error


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


_PARSERS: Final[Mapping[str, Callable[[str], Any]]] = {"TOML": _toml, "YAML": _yaml, "JSON": _json}


# --- tree → values ----------------------------------------------------------------------------------------------------


def _statement(tree: Mapping[str, Any], kind: SourceKind, name: str) -> Statement:
    values = {
        path: _value(path, value, f"{name}: {path}") for path, value in _fields(tree, name).items() if value is not None
    }
    return Statement(kind, values, dict.fromkeys(values, name))


def _spec_of_a_plan(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the spec where the tree is a plan, without the values that are defaults: those nobody stated."""
    spec, sources = tree.get("spec"), tree.get("sources")
    if not isinstance(spec, Mapping) or "sources" not in tree:
        return tree
    stated = _without(spec, _defaults())
    of_targets = sources.get("targets") if isinstance(sources, Mapping) else None
    if isinstance(of_targets, Mapping) and of_targets.get("kind") == "default":
        stated.pop("targets", None)  # those of an interactive load, which the question gets again
    if isinstance(stated.get("model"), str):
        stated["model"] = CatalogName(stated["model"])
    return stated


def _without(tree: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and path != "architecture":
            if branch := _without(value, defaults, f"{path}."):
                kept[key] = branch
        elif path not in defaults or (tuple(value) if isinstance(value, list) else value) != defaults[path]:
            kept[key] = value
    return kept


@cache
def _defaults() -> Mapping[str, Any]:
    needed = {"model": "", "tokens": {"input": {"mean": 1}, "output": {"mean": 1}}}
    defaults = flattened(to_builtins(validated(needed)))
    for path in ("model", "tokens.input.mean", "tokens.output.mean"):
        del defaults[path]
    return defaults


@cache
def known_paths() -> frozenset[str]:
    """Return every path of the spec that holds a value."""
    return frozenset({*_defaults(), "model", "tokens.input.mean", "tokens.output.mean", PRESET})


@cache
def _paths_and_rooms() -> tuple[frozenset[str], frozenset[str]]:
    """Return the paths that hold values, and what holds them; targets may be a list, or each a value of its own."""
    known = known_paths() | {path for path in FIELDS if path.startswith("targets.")}
    return known, frozenset(path[: dot.start()] for path in known for dot in re.finditer(r"\.", path))


def _fields(tree: Mapping[str, Any], name: str, prefix: str = "") -> dict[str, Any]:
    known, rooms = _paths_and_rooms()
    fields: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if path in known and (path not in rooms or isinstance(value, list)):
            fields[path] = value
        elif path in rooms and isinstance(value, Mapping):
            fields |= _fields(value, name, f"{path}.")
        elif path in rooms:
            raise InputError(f"{name}: {path} is {quoted(value)} where fields are expected; {_nearest(path + '.', '')}")
        else:
            raise InputError(f"{name}: {quoted(path)} is not a field of a spec; {_nearest(prefix, key)}")
    return fields


def _nearest(prefix: str, key: str) -> str:
    """Name the field that was meant: of that name or flag, else one beside it, else all that stand there."""
    known, flag = sorted(frozenset[str]().union(*_paths_and_rooms())), f"--{key}".replace("_", "-")
    named = [p for p in known if p.rpartition(".")[2] == key or (p in FIELDS and FIELDS[p].flag == flag)]
    beside = dict.fromkeys(p.removeprefix(prefix).split(".")[0] for p in known if p.startswith(prefix) and p != prefix)
    if near := named or [f"{prefix}{name}" for name in get_close_matches(key, beside, n=1)]:
        return f"did you mean {listed(near)}?"
    return f"{prefix.rstrip('.') or 'it'} has {listed(list(beside))}"


def _value(path: str, value: Any, what: str) -> Any:
    """Return a value with text read as the flag of its path would read it; the spec itself judges all others."""
    if isinstance(value, CatalogName):
        return value
    if isinstance(value, bool):
        raise InputError(f"{what} is {str(value).lower()} where a number or a name is expected")
    if path == "targets":
        return _targets(value, what)
    if path.startswith("targets.") and not isinstance(value, str):
        raise InputError(f'{what} is {quoted(value)}; write a time with its unit, such as "800ms"')
    if FIELDS[path].adds and not isinstance(value, str):
        names = value if isinstance(value, list) else [value]
        if wrong := [one for one in names if not isinstance(one, str)]:
            raise InputError(f"{what} is {quoted(wrong[0])} where a name is expected, or a list of names")
    if isinstance(value, list):
        return tuple(value)
    if path == "model" and isinstance(value, int | float):
        return f"{value:g}B"
    read = FIELDS[path].read
    return read(value, what) if read is not None and isinstance(value, str) else value


def _targets(value: Any, what: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise InputError(f"{what} is {quoted(value)}; write a list of metric, percentile and seconds")
    targets = []
    for number, target in enumerate(value, 1):
        if not isinstance(target, Mapping):
            raise InputError(f"{what} holds {quoted(target)}; write metric, percentile and seconds")
        seconds = target.get("seconds")
        if isinstance(seconds, str):
            seconds = read_seconds(seconds, f"{what}, no. {number}: seconds")
        targets.append({**target, "seconds": seconds})
    return tuple(targets)
