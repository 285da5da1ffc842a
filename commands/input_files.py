"""Files that commands read: saved plans, and recorded loads whose lines are read as the simulation needs them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from catalogs.errors import InputError, quoted


@contextmanager
def opened(file: Path) -> Iterator[TextIO]:
    """Open a trace, or recorded rates.

    Raises:
        InputError: there is no such file, it cannot be read, or it is not text; also while its lines are read.
    """
    name = quoted(str(file))
    try:
        lines = file.open(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no file {name}; give a trace of requests") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {(error.strerror or str(error)).lower()}") from None
    with lines:
        try:
            yield lines
        except UnicodeDecodeError:
            raise InputError(f"{name} is not text; a trace of requests is expected") from None


def text_of(file: Path) -> str:
    """Return the text of a saved plan; - is standard input.

    Raises:
        InputError: there is no such file, it cannot be read, or it is not text.
    """
    name = quoted(str(file))
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"there is no file {name}; give a plan that `fleetcast forecast --output` wrote") from None
    except UnicodeDecodeError:
        raise InputError(f"{name} is not text; give a plan that `fleetcast forecast --output` wrote") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {(error.strerror or str(error)).lower()}") from error
