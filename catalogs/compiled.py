"""What built-in files hold, read and validated once: kept in the user's cache directory while the files stay the same.

The built-in catalog is half a megabyte of TOML, which takes several times longer to read than a forecast to make.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar, cast

Made = TypeVar("Made")
Key = TypeVar("Key")
Entry = TypeVar("Entry")


class Unpacked(Mapping[Key, Entry]):
    """Entries of which some are still packed: each of those is unpacked when it is first asked for."""

    def __init__(self, held: dict[Any, Any]) -> None:
        self._held = held

    def __getitem__(self, key: Key) -> Entry:
        entry = self._held[key]
        if isinstance(entry, bytes):
            entry = self._held[key] = pickle.loads(entry)
        return cast(Entry, entry)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


def packed(entry: object) -> bytes:
    """Return an entry as ``Unpacked`` holds it."""
    return pickle.dumps(entry, protocol=5)


def kept(name: str, files: Sequence[Path], versions: str, make: Callable[[], Made]) -> Made:
    """Return what ``make`` makes of files, or the copy of what it made of the same files before.

    Where the cache directory refuses, it is made each time. Raises what ``make`` raises.

    Args:
        name: of what is made; one copy is kept of each name and place of its first file.
        files: whatever the result depends on, program text too.
        versions: of whatever else it depends on.
        make: reads the files.
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
            found: Made = content
            return found
    made = make()
    with suppress(OSError):
        _write(copy, packed((stamp, made)))
    return made


@cache
def _directory() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("fleetcast") / "catalog"


def _write(copy: Path, content: bytes) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(dir=copy.parent, prefix=copy.stem, delete=False) as aside:
        try:
            aside.write(content)
            aside.close()
            Path(aside.name).replace(copy)
        except OSError:
            Path(aside.name).unlink(missing_ok=True)
            raise
