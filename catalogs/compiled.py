"""The content of built-in files, read and validated once: a copy stays in the user's cache directory until they change.

The built-in catalog is half a megabyte of TOML, which takes several times longer to read than a forecast to make.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

Made = TypeVar("Made")
Key = TypeVar("Key")
Entry = TypeVar("Entry")


class LazyEntries(Mapping[Key, Entry]):
    """Entries by key, of which some are still packed: each of those is unpacked when it is first looked up."""

    def __init__(self, entries: dict[Any, Any]) -> None:
        self._entries = entries

    def __getitem__(self, key: Key) -> Entry:
        entry = self._entries[key]
        if isinstance(entry, bytes):
            entry = self._entries[key] = pickle.loads(entry)
        return cast(Entry, entry)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def packed_bytes(entry: object) -> bytes:
    """Return an entry in the packed form that ``LazyEntries`` unpacks."""
    return pickle.dumps(entry, protocol=5)


def cached_content(name: str, files: Sequence[Path], versions: str, make: Callable[[], Made]) -> Made:
    """Return what ``make`` makes of files, or the copy of what it made of the same files before.

    A copy counts only where every file still has the size and the time of change that it had, and where the versions
    are the same. Where the cache directory cannot be written, the content is made each time.

    Args:
        name: the content's name; one copy is kept for each name and place of its first file.
        files: all files on which the content depends, those of the program too.
        versions: the versions of whatever else it depends on.
        make: a function that reads the files and returns the content.

    Raises:
        Exception: whatever ``make`` raises.
    """
    try:
        stamp = (versions, [(str(file), about.st_mtime_ns, about.st_size) for file in files if (about := file.stat())])
    except OSError:
        return make()
    place = blake2b(f"{name} {files[0]}".encode(), digest_size=12).hexdigest()
    copy = _directory() / f"{place}.pickle"
    # The directory is the user's own. Whatever is wrong with the copy, the files themselves are right.
    with suppress(Exception):
        kept_stamp, content = pickle.loads(copy.read_bytes())
        if kept_stamp == stamp:
            return content
    made = make()
    with suppress(OSError):
        _write(copy, packed_bytes((stamp, made)))
    return made


@cache
def _directory() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("fleetcast") / "catalog"


def _write(copy: Path, content: bytes) -> None:
    from tempfile import NamedTemporaryFile  # what is kept already needs none

    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(dir=copy.parent, prefix=copy.stem, delete=False) as aside:
        try:
            aside.write(content)
            aside.close()
            Path(aside.name).replace(copy)
        except OSError:
            Path(aside.name).unlink(missing_ok=True)
            raise
