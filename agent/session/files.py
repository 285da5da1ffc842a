"""Files are written aside and renamed: what is there is whole, whatever happens meanwhile."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from catalogs.errors import InputError, quoted


def check_writable(path: Path, *, force: bool) -> None:
    """See, before any work is done, that a file may be written.

    Raises InputError where it exists and ``force`` is not set, is a directory, or its directory does not exist.
    """
    if path.is_dir():
        raise InputError(f"{quoted(str(path))} is a directory; give the name of a file in it")
    if path.is_file() and not force:
        raise InputError(f"{quoted(str(path))} exists already; --force overwrites it")
    if not path.parent.is_dir():
        raise InputError(f"{quoted(str(path))} cannot be written: there is no directory {quoted(str(path.parent))}")


def write_whole(path: Path, text: str | bytes, *, force: bool) -> None:
    """Write a file, all of it or nothing.

    Raises InputError as ``check_writable``, and where the disk is full or the directory refuses.
    """
    check_writable(path, force=force)
    content = text.encode() if isinstance(text, str) else text
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            # A device or a pipe (/dev/stdout) is written to: renaming would put a file in its place.
            with path.open("wb") as device:
                device.write(content)
        else:
            _write_aside(path.resolve(), content)
    except OSError as error:
        raise InputError(f"{quoted(str(path))} cannot be written: {(error.strerror or str(error)).lower()}") from error


def _write_aside(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp", delete=False) as aside:
        try:
            aside.write(content)
            aside.flush()
            os.fsync(aside.fileno())
            Path(aside.name).chmod(_mode_of(path))
            Path(aside.name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(aside.name).unlink()
            raise


def _mode_of(path: Path) -> int:
    """Return the permissions of the file that is replaced, else those of a new file."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
