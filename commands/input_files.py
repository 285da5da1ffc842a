"""Files that commands read: saved plans, and recorded loads whose lines are read as the simulation needs them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from catalogs.errors import InputError, quoted, reading

if TYPE_CHECKING:
    from engine.plan import CapacityPlan


@contextmanager
def opened(file: Path) -> Iterator[TextIO]:
    """Open a trace, or recorded rates.

    Raises:
        InputError: there is no such file, it cannot be read, or it is not text; also while its lines are read.
    """
    name = quoted(str(file))
    with reading(name, "give a trace of requests"):
        lines = file.open(encoding="utf-8-sig")
    with lines:
        try:
            yield lines
        except UnicodeDecodeError:
            raise InputError(f"{name} is not text; a trace of requests is expected") from None


def saved_plan(file: Path) -> "CapacityPlan":
    """Return a saved plan, or a kept one by its number or name; - is standard input.

    Raises:
        InputError: there is no such file, it cannot be read, or it is no plan.
    """
    from engine.plan_file import read_plan

    return read_plan(text_of(file), str(file))


def text_of(file: Path) -> str:
    """Return the text of a saved plan, or of a kept one by its number or name; - is standard input.

    Raises:
        InputError: there is no such file, it cannot be read, or it is not text.
    """
    name = quoted(str(file))
    accepted = "give a plan that `fleetcast forecast --output` wrote, or a number or name of `fleetcast plans`"
    if str(file) != "-" and not file.exists():
        from agent.session.kept_plans import KeptPlans

        kept = KeptPlans.of_user().called(str(file))
        file = kept.path if kept else file
    try:
        with reading(name, accepted):
            return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{name} is not text; {accepted}") from None
