"""TOML parsed once: what a built-in file holds is kept in the user's cache directory while the file stays the same.

The built-in catalog is half a megabyte of TOML, which takes several times longer to parse than a forecast to make.
"""

import pickle
import tomllib
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any


def parsed(file: Path, *, keep: bool = True) -> dict[str, Any]:
    """Return what a TOML file holds.

    Args:
        keep: use and write the kept copy; where the cache directory refuses, the file is parsed each time.

    Raises what reading and parsing raise: OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError.
    """
    if not keep:
        return tomllib.loads(file.read_bytes().decode())
    about = file.stat()
    stamp = (str(file), about.st_mtime_ns, about.st_size)
    copy = _directory() / f"{blake2b(str(file).encode(), digest_size=12).hexdigest()}.pickle"
    # The directory is the user's own. Whatever is wrong with the copy, the file itself is right.
    with suppress(Exception):
        kept_stamp, content = pickle.loads(copy.read_bytes())
        if kept_stamp == stamp and isinstance(content, dict):
            return content
    content = tomllib.loads(file.read_bytes().decode())
    with suppress(OSError):
        _write(copy, pickle.dumps((stamp, content), protocol=5))
    return content


@cache
def _directory() -> Path:
    from platformdirs import user_cache_path  # noqa: PLC0415 — only where something is kept

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
