"""Catalog files: TOML → records, with errors that name the file, the entry and the field."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from pydantic import VERSION as PYDANTIC_VERSION
from pydantic import ValidationError

from catalogs.compiled import cached_content, packed_bytes
from catalogs.errors import CatalogError, listed, quoted
from catalogs.records.accelerators import Accelerator
from catalogs.records.facts import Fact, Record
from catalogs.records.fitted import ErrorBand, FittedConstants, MeasuredKind
from catalogs.records.kernels import KernelCurve
from catalogs.records.models import ModelArchitecture
from catalogs.records.power import PowerCurve
from catalogs.records.precisions import Precision
from catalogs.records.presets import WorkloadPreset
from catalogs.records.prices import RentalOffer
from catalogs.records.protocols import BenchmarkProtocol
from catalogs.records.runtimes import ServingRuntime
from catalogs.version import VERSION

BUILT_IN: Final = Path(__file__).parent
_READERS: Final = (*sorted((BUILT_IN / "records").glob("*.py")), BUILT_IN / "units.py", Path(__file__))
"""The files of the program that decide how an entry is read and kept."""

KINDS: Final[Mapping[str, tuple[str, type[Record]]]] = {
    "accelerator": ("accelerators", Accelerator),
    "model": ("models", ModelArchitecture),
    "offer": ("prices", RentalOffer),
    "runtime": ("runtimes", ServingRuntime),
    "preset": ("presets", WorkloadPreset),
    "precision": ("precisions", Precision),
    "curve": ("kernels", KernelCurve),
    "power": ("power", PowerCurve),
    "protocol": ("protocols", BenchmarkProtocol),
    "fitted": ("fitted", FittedConstants),
    "band": ("bands", ErrorBand),
    "measured": ("measured_kinds", MeasuredKind),
}
"""The tables of a catalog file: where the built-in ones lie, and what an entry becomes.

A file in a folder so called, or so called itself, holds that kind alone; any other file may hold all of them.
"""
NOT_CATALOGS: Final = frozenset({"settings.toml"})
"""Files that lie in the user's directory beside catalog files."""

Key = str | tuple[str, str]
"""An entry's id, or the accelerator and the framework of a kernel curve."""

_PACKED_KINDS: Final = frozenset({"model"})
"""Kinds of which a run needs one or two entries out of hundreds: each stays packed until it is looked up."""


class Spellings(Struct, frozen=True):
    """The ways in which people name an entry, beside its id."""

    name: str
    aliases: tuple[str, ...]
    repositories: tuple[str, ...] = ()
    """Repositories of a model's checkpoints."""


class Entries(Struct):
    """The records of one kind, from all directories."""

    records: dict[Key, Record | bytes] = field(default_factory=dict)
    """Some may still be packed."""
    spellings: dict[Key, Spellings] = field(default_factory=dict)
    """Empty for kinds without names."""
    files: dict[Key, Path] = field(default_factory=dict)
    """The file in which an entry stands."""
    layers: dict[Key, int] = field(default_factory=dict)
    """Which directory an entry comes from; 0 is the built-in one."""


def read_entries(kind: str, directories: Iterable[Path]) -> Entries:
    """Return the entries of a kind; one of a later directory replaces an earlier one with the same key.

    Raises:
        CatalogError: a file that cannot be read, an entry that is not valid, a key twice in one directory.
    """
    entries = Entries()
    # Our own too: an installer may give every file the same time.
    versions = f"{VERSION} {PYDANTIC_VERSION}"
    for layer, directory in enumerate(directories):
        files = files_of(kind, directory)
        if directory == BUILT_IN:
            layer_entries = cached_content(kind, (*files, *_READERS), versions, partial(_entries_in, kind, files))
        else:
            layer_entries = _entries_in(kind, files)
        entries.records |= layer_entries.records
        entries.spellings |= layer_entries.spellings
        entries.files |= layer_entries.files
        entries.layers |= dict.fromkeys(layer_entries.records, layer)
    return entries


def _entries_in(kind: str, files: Iterable[Path]) -> Entries:
    """Return the entries of one kind in a directory's files."""
    entries = Entries()
    for file in files:
        for position, entry in enumerate(read_tables(file).get(kind, ()), 1):
            record = _record(kind, entry, position, file)
            key = key_of(record)
            if key in entries.records:
                raise CatalogError(file, f"it is already in {entries.files[key]}", _label(kind, entry, position))
            entries.records[key] = packed_bytes(record) if kind in _PACKED_KINDS else record
            if isinstance(record, Fact | Precision):
                checkpoints = record.checkpoints if isinstance(record, ModelArchitecture) else ()
                repositories = tuple(checkpoint.repository for checkpoint in checkpoints)
                entries.spellings[key] = Spellings(record.name, record.aliases, repositories)
            entries.files[key] = file
    return entries


def files_of(kind: str, directory: Path) -> list[Path]:
    """Return the files of a directory that may hold entries of the kind, in the order of their names."""
    folders = {folder for folder, _ in KINDS.values()}
    own = KINDS[kind][0]
    loose = (file for file in directory.glob("*.toml") if file.name not in NOT_CATALOGS)
    files = [file for file in loose if file.stem == own or file.stem not in folders]
    return sorted(files) + sorted((directory / own).glob("*.toml"))


def kinds_in(directory: Path) -> frozenset[str]:
    """Return the kinds of which a directory holds entries; reads all of its files."""
    return frozenset(
        table
        for kind in KINDS
        for file in files_of(kind, directory)
        for table, rows in read_tables(file).items()
        if rows
    )


def read_tables(file: Path) -> dict[str, list[Any]]:
    """Return the tables of a file by kind.

    Raises:
        CatalogError: it cannot be read, is not TOML, or holds anything but lists of entries.
    """
    import tomllib  # what is kept needs none

    try:
        content = tomllib.loads(file.read_bytes().decode())
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(file, f"it is not TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise CatalogError(file, f"it is not UTF-8 text (byte {error.start})") from error
    except RecursionError as error:
        raise CatalogError(file, "it is nested too deeply") from error
    except OSError as error:
        raise CatalogError(file, f"it cannot be read: {error.strerror}") from error
    own = {folder: kind for kind, (folder, _) in KINDS.items()}
    home = own.get(file.parent.name) or own.get(file.stem)
    for table, rows in content.items():
        if table not in KINDS:
            near = get_close_matches(table, KINDS, n=1)
            accepted = f"did you mean [[{near[0]}]]?" if near else f"accepted are {listed([f'[[{k}]]' for k in KINDS])}"
            raise CatalogError(file, f"{quoted(table)} is not a table of a catalog; {accepted}")
        if not isinstance(rows, list):
            raise CatalogError(file, f"write [[{table}]] above each entry, not [{table}]")
        if home and table != home:
            raise CatalogError(file, f"it holds [[{home}]] alone; [[{table}]] belongs in {KINDS[table][0]}")
    return content


def key_of(record: Record) -> Key:
    """Return the key of an entry: its id, or a kernel curve's accelerator and framework."""
    if isinstance(record, KernelCurve):
        return record.accelerator, record.framework
    return str(getattr(record, "id"))  # noqa: B009 — every other kind has one


def _record(kind: str, entry: object, position: int, file: Path) -> Record:
    try:
        return KINDS[kind][1].model_validate(entry)
    except ValidationError as error:
        # A misspelt field is also a missing one: the spelling is what has to be mended.
        first = min(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
        names = _field_path(first["loc"], entry)
        raise CatalogError(
            file, _problem(first, KINDS[kind][1]), _label(kind, entry, position), ".".join(map(str, names))
        ) from error


def _label(kind: str, entry: object, position: int) -> str:
    if isinstance(entry, dict):
        name = entry.get("id") or " ".join(str(entry[k]) for k in ("accelerator", "framework") if k in entry)
        if name:
            return f"{kind} {quoted(name)}"
    return f"{kind} no. {position}"


def _field_path(location: tuple[int | str, ...], entry: object) -> list[int | str]:
    """Return the path of a field as the file has it: pydantic's path also names the member of a union."""
    names: list[int | str] = []
    for part in location:
        if isinstance(entry, dict) and part not in entry and entry.get("kind") == part:
            continue
        names.append(part)
        if isinstance(entry, dict):
            entry = entry.get(part)
        elif isinstance(entry, list) and isinstance(part, int) and part < len(entry):
            entry = entry[part]
    return names


def _problem(error: Any, record: type[Record]) -> str:
    """Return one clause that says what is wrong, with the value and what is accepted."""
    value, last = error["input"], error["loc"][-1] if error["loc"] else ""
    match error["type"]:
        case "missing":
            return "it is missing"
        case "extra_forbidden":
            known = record.model_fields if len(error["loc"]) == 1 else _all_fields()
            near = get_close_matches(str(last), known, n=1)
            return "there is no such field" + (f"; did you mean {near[0]}?" if near else "")
        case "value_error":
            return str(error["ctx"]["error"])
        case "model_type":
            return f"{quoted(value)} is not an entry; write [[…]] and its fields below"
        case _:
            return f"{quoted(value)}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _all_fields() -> list[str]:
    kinds = [Record]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return [name for kind in kinds for name in kind.model_fields]
