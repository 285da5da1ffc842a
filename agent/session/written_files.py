"""The writing of files: aside, then renamed, so that a file that is there is whole, whatever happens meanwhile."""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import NamedTemporaryFile, mkdtemp

from catalogs.errors import InputError, quoted, reason_of


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


def write_files(path: Path, files: Mapping[str, str | bytes], *, force: bool) -> None:
    """Write one file under a path's own name, or several into the folder of that name: all of them or none.

    Args:
        path: where to.
        files: text or bytes by file name.
        force: whether files that are there are overwritten; others in the folder stay.

    The folder is made where its own folder exists.

    Raises:
        InputError: as ``write_whole``; none is written where one may not be.
    """
    if len(files) == 1:
        write_whole(path, *files.values(), force=force)
        return
    if path.is_file():
        raise InputError(f"{quoted(str(path))} is a file, and {len(files)} are written: give the name of a folder")
    for place in (path / name for name in files) if path.is_dir() else (path,):
        check_writable(place, force=force)
    try:
        _write_together(path.resolve(), files)
    except OSError as error:
        raise _unwritten(path, error) from error


def _write_together(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files into a folder beside it, where a full disk shows, then rename that, or them into the one there."""
    aside = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name[:40]}.", suffix=".tmp"))
    try:
        for name, text in files.items():
            with (aside / name).open("wb") as file:
                file.write(file_bytes(text))
                file.flush()
                os.fsync(file.fileno())
            (aside / name).chmod(_mode_of(folder / name))
        if folder.exists():
            _move_into(folder, aside, list(files))
        else:
            aside.chmod(0o777 & ~_umask())
            aside.replace(folder)
    finally:
        rmtree(aside, ignore_errors=True)


def _move_into(folder: Path, aside: Path, names: list[str]) -> None:
    """Rename files into a folder; where one cannot be, what was there before is put back."""
    before = aside / ".before"
    before.mkdir()
    try:
        for name in names:
            if (folder / name).exists():
                (folder / name).replace(before / name)
            (aside / name).replace(folder / name)
    except BaseException:
        for name in names:
            if not (aside / name).exists():
                (folder / name).unlink()
            if (before / name).exists():
                (before / name).replace(folder / name)
        raise


def write_whole(path: Path, text: str | bytes, *, force: bool) -> None:
    """Write a file, all of it or nothing.

    Args:
        text: or bytes, that it will hold.
        force: overwrite what is there.

    Raises InputError as ``check_writable``, and where the disk is full or the directory refuses.
    """
    check_writable(path, force=force)
    content = file_bytes(text)
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            # A device or a pipe (/dev/stdout) is written to: renaming would put a file in its place.
            with path.open("wb") as device:
                device.write(content)
        else:
            _write_aside(path.resolve(), content)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> InputError:
    return InputError(f"{quoted(str(path))} cannot be written: {reason_of(error)}")


def file_bytes(text: str | bytes) -> bytes:
    """Return what a file holds of a text: UTF-8, with ? for what is no character (half of one, typed in a flag)."""
    return text.encode(errors="replace") if isinstance(text, str) else text


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
    return 0o666 & ~_umask()


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
