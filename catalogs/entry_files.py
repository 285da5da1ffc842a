"""Catalog files: TOML → records, with errors that name the file, the entry and the field."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from msgspec import __version__ as MSGSPEC_VERSION  # noqa: N812 — a constant

from catalogs.compiled import cached_content, packed_bytes
from catalogs.errors import CatalogError, listed, quoted
from catalogs.records.accelerators import Accelerator, PowerCurve
from catalogs.records.api_prices import ApiModel
from catalogs.records.facts import Fact, Record
from catalogs.records.fitted import ErrorBand, MeasuredKind, MeasuredSystem, StatedConstants
from catalogs.records.kernels import KernelCurve
from catalogs.records.models import ModelArchitecture, UnsupportedModel
from catalogs.records.partitions import Partitioning
from catalogs.records.places import Place
from catalogs.records.precisions import Precision
from catalogs.records.presets import WorkloadPreset
from catalogs.records.prices import RegionFactors, RentalOffer
from catalogs.records.protocols import BenchmarkProtocol
from catalogs.records.providers import Provider
from catalogs.records.running_costs import RunningCost
from catalogs.records.runtimes import ServingRuntime
from catalogs.records.scenarios import Scenario
from catalogs.records.serving import DevicePlugin, ServedRuntime
from catalogs.records.training import TrainingRun
from catalogs.records.validation import Fault, InvalidValues, record_of
from catalogs.records.workflows import AgentWorkflow
from catalogs.version import VERSION

BUILT_IN: Final = Path(__file__).parent
_READERS: Final = (*sorted((BUILT_IN / "records").glob("*.py")), Path(__file__))
"""The files of the program that decide how an entry is read and kept."""

KINDS: Final[Mapping[str, tuple[str, type[Record]]]] = {
    "accelerator": ("accelerators", Accelerator),
    "model": ("models", ModelArchitecture),
    "unsupported": ("unsupported", UnsupportedModel),
    "offer": ("prices", RentalOffer),
    "region_factors": ("region_factors", RegionFactors),
    "scenario": ("scenarios", Scenario),
    "running_cost": ("running_costs", RunningCost),
    "api_model": ("api_prices", ApiModel),
    "place": ("places", Place),
    "provider": ("providers", Provider),
    "runtime": ("runtimes", ServingRuntime),
    "preset": ("presets", WorkloadPreset),
    "precision": ("precisions", Precision),
    "workflow": ("workflows", AgentWorkflow),
    "curve": ("kernels", KernelCurve),
    "power": ("power", PowerCurve),
    "serving": ("serving", ServedRuntime),
    "device_plugin": ("device_plugins", DevicePlugin),
    "partitioning": ("partitions", Partitioning),
    "protocol": ("protocols", BenchmarkProtocol),
    "fitted": ("fitted", StatedConstants),
    "band": ("bands", ErrorBand),
    "measured": ("measured_kinds", MeasuredKind),
    "system": ("measured_systems", MeasuredSystem),
    "training_run": ("training_runs", TrainingRun),
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
    versions = f"{VERSION} {MSGSPEC_VERSION}"
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
            record = read_entry(kind, entry, position, file)
            if isinstance(record, list):
                raise record[0]
            key = key_of(record)
            if key in entries.records:
                raise CatalogError(file, f"it is already in {entries.files[key]}", entry_label(kind, entry, position))
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
    content = toml_content(file)
    for problem in table_problems(content, file):
        raise problem
    return content


def toml_content(file: Path) -> dict[str, Any]:
    """Return what a file holds, whether or not it is a catalog's.

    Raises:
        CatalogError: it cannot be read, or is not TOML.
    """
    import tomllib  # what is kept needs none

    try:
        return tomllib.loads(file.read_bytes().decode())
    except tomllib.TOMLDecodeError as error:
        raise CatalogError(file, f"it is not TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise CatalogError(file, f"it is not UTF-8 text (byte {error.start})") from error
    except RecursionError as error:
        raise CatalogError(file, "it is nested too deeply") from error
    except OSError as error:
        raise CatalogError(file, f"it cannot be read: {error.strerror}") from error


def table_problems(content: Mapping[str, Any], file: Path) -> Iterator[CatalogError]:
    """Yield what is wrong with the tables of a file; their entries are not looked at."""
    own = {folder: kind for kind, (folder, _) in KINDS.items()}
    home = own.get(file.parent.name) or own.get(file.stem)
    for table, rows in content.items():
        if table not in KINDS:
            near = get_close_matches(table, KINDS, n=1)
            accepted = f"did you mean [[{near[0]}]]?" if near else f"accepted are {listed([f'[[{k}]]' for k in KINDS])}"
            yield CatalogError(file, f"{quoted(table)} is not a table of a catalog; {accepted}")
        elif not isinstance(rows, list):
            yield CatalogError(file, f"write [[{table}]] above each entry, not [{table}]")
        elif home and table != home:
            yield CatalogError(file, f"it holds [[{home}]] alone; [[{table}]] belongs in {KINDS[table][0]}")


def key_of(record: Record) -> Key:
    """Return the key of an entry: its id, or a kernel curve's accelerator and framework."""
    if isinstance(record, KernelCurve):
        return record.accelerator, record.framework
    return str(getattr(record, "id"))  # noqa: B009 — every other kind has one


def read_entry(kind: str, entry: object, position: int, file: Path) -> Record | list[CatalogError]:
    """Return the record of an entry, or all that is wrong with it, misspelt fields first.

    Args:
        kind: of the entry: the name of its table.
        entry: as the file has it.
        position: in its table, from 1, for an entry without an id.
    """
    record = KINDS[kind][1]
    try:
        return record_of(record, entry)
    except InvalidValues as error:
        faults = error.faults
    # A misspelt field is also a missing one: the spelling is what has to be mended.
    misspelt = [fault for fault in faults if fault.kind == "unknown"]
    meant = {(*fault.place[:-1], _near_field(fault, record)) for fault in misspelt}
    others = [fault for fault in faults if fault.kind != "unknown" and fault.place not in meant]
    label = entry_label(kind, entry, position)
    return [CatalogError(file, _problem(fault, record), label, fault.path) for fault in (*misspelt, *others)]


def entry_label(kind: str, entry: object, position: int) -> str:
    """Return how messages name an entry.

    Args:
        entry: as the file has it, valid or not.
        position: in its table, from 1: what names an entry without an id.
    """
    if isinstance(entry, dict):
        name = entry.get("id") or " ".join(str(entry[k]) for k in ("accelerator", "framework") if k in entry)
        if name:
            return f"{kind} {quoted(name)}"
    return f"{kind} no. {position}"


def _problem(fault: Fault, record: type[Record]) -> str:
    """Return one clause that says what is wrong, with the value and what is accepted."""
    if fault.kind == "unknown" and (near := _near_field(fault, record)):
        return f"{fault.problem}; did you mean {near}?"
    if not fault.place and fault.kind == "value":
        return f"{quoted(fault.value)} is not an entry; write [[…]] and its fields below"
    return f"{quoted(fault.value)}: {fault.problem}" if fault.kind == "value" else fault.problem


def _near_field(fault: Fault, record: type[Record]) -> str | None:
    """Return the field that a misspelt one is most like."""
    known = record.__struct_fields__ if len(fault.place) == 1 else _all_fields()
    return next(iter(get_close_matches(str(fault.place[-1]), known, n=1)), None)


def _all_fields() -> list[str]:
    kinds = [Record]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return [name for kind in kinds for name in kind.__struct_fields__]
