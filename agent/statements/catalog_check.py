"""The check of a catalog file: every problem in it, where reading stops at the first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.entry_files import KINDS, Key, entry_label, files_of, key_of, read_entry, table_problems, toml_content
from catalogs.errors import CatalogError

_Names = set[tuple[str, str]]
"""Kinds of entries and the names by which others refer to them."""


class FileCheck(Struct, frozen=True):
    """What a catalog file holds, and what is wrong with it."""

    counts: Mapping[str, int]
    """Entries by kind."""
    problems: tuple[CatalogError, ...]


def check_file(file: Path, directories: Sequence[Path] = ()) -> FileCheck:
    """Return all that is wrong with a file of catalog entries.

    An entry may refer to those of the built-in catalog, of its own file, and of directories.

    Args:
        file: of the user's own entries.
        directories: of other entries of the user's; what is wrong with those is not looked at.

    Raises:
        CatalogError: the file cannot be read, or is not TOML.
    """
    content = toml_content(file)
    problems = list(table_problems(content, file))
    tables = _tables(content)
    if not problems and not any(tables.values()):
        problems.append(CatalogError(file, "it holds no entry; write [[model]] or [[accelerator]], and fields below"))
    own = set(_names(tables))
    for other in {other for directory in directories for kind in KINDS for other in files_of(kind, directory)}:
        with suppress(CatalogError):
            own |= set(_names(_tables(toml_content(other))))
    for kind, rows in tables.items():
        problems += _entry_problems(file, kind, rows, own)
    return FileCheck({kind: len(rows) for kind, rows in tables.items()}, tuple(problems))


def _tables(content: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {kind: rows for kind, rows in content.items() if kind in KINDS and isinstance(rows, list)}


def _names(tables: Mapping[str, Iterable[Any]]) -> Iterator[tuple[str, str]]:
    for kind, rows in tables.items():
        for row in rows:
            # A kernel curve is known by its accelerator.
            name = row.get("accelerator" if kind == "curve" else "id") if isinstance(row, dict) else None
            if isinstance(name, str):
                yield kind, name


def _entry_problems(file: Path, kind: str, rows: Iterable[object], own: _Names) -> Iterator[CatalogError]:
    catalog = Catalog()
    seen: set[Key] = set()
    for position, entry in enumerate(rows, 1):
        record = read_entry(kind, entry, position, file)
        if isinstance(record, list):
            yield from record
            continue
        label = entry_label(kind, entry, position)
        if key_of(record) in seen:
            yield CatalogError(file, "an entry above has the same name", label)
        seen.add(key_of(record))
        yield from (CatalogError(file, problem, label, field) for field, problem in catalog.unknown(record, own))
