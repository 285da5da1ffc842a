"""The one place where an error becomes a sentence on standard error and an exit code.

0 a plan that meets its targets · 1 our bug · 2 bad input · 3 nothing meets the targets · 4 a check failed (over
budget) · 5 input incomplete · 130 interrupted.
"""

import errno
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from enum import IntEnum
from typing import TYPE_CHECKING

from catalogs.errors import CatalogError, IncompleteInput, InputError, quoted, reason_of, visible

if TYPE_CHECKING:
    from agent.fields.field import Field


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0
    BUG = 1
    BAD_INPUT = 2
    NOTHING_MEETS = 3
    CHECK_FAILED = 4
    INCOMPLETE = 5
    INTERRUPTED = 130


MEANING = {
    Exit.DONE: "done: a plan meets its targets",
    Exit.BUG: "a bug in fleetcast",
    Exit.BAD_INPUT: "something that was given cannot be used; one sentence says what",
    Exit.NOTHING_MEETS: "nothing meets the targets; the nearest is shown",
    Exit.CHECK_FAILED: "over the budget, or a gate does not hold",
    Exit.INCOMPLETE: "something is missing; all of it is named",
    Exit.INTERRUPTED: "interrupted with Ctrl-C",
}
"""What each says to a script."""

DEBUG = "FLEETCAST_DEBUG"
"""The environment variable that, set to anything, lets an error show its traceback."""


def guarded(work: Callable[[], int]) -> int:
    """Return the exit code of the work; an error becomes a sentence on standard error and the exit code for it."""
    try:
        code = work()
        sys.stdout.flush()
        return code
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        return _reported(error)
    except KeyboardInterrupt:
        return _say("", Exit.INTERRUPTED)


def _reported(error: Exception) -> int:
    """Say on standard error what is wrong and return the exit code for it."""
    match error:
        case IncompleteInput():
            return _say(str(error), Exit.INCOMPLETE)
        case InputError() | CatalogError():
            return _say(str(error), Exit.BAD_INPUT)
        case BrokenPipeError():
            _abandon_output()  # whoever read has stopped, `| head` for one: that is no error
            return Exit.DONE
        case OSError():
            _abandon_output()
            return _say(_about_output(error), Exit.BAD_INPUT)
    return _reported_usage(error) or _reported_bug(error)


def _reported_usage(error: Exception) -> int | None:
    """Say what is wrong where the error is one of typer's and return the exit code; None for any other error.

    Typer's errors are recognised by name and method: their module is not public.
    """
    match type(error).__name__:
        case "NoArgsIsHelpError":
            return Exit.BAD_INPUT  # the help itself is on the screen
        case "Abort":
            return _say("the input ended before all was said", Exit.INCOMPLETE)
    return _say(_usage(error), Exit.BAD_INPUT) if hasattr(error, "format_message") else None


def _reported_bug(error: Exception) -> int:
    kind, message = type(error).__name__, " ".join(str(error).split())
    about = f"{kind}: {message}" if message else kind
    return _say(f"this is a bug in fleetcast ({about}); {DEBUG}=1 shows where", Exit.BUG)


def _say(sentence: str, code: Exit) -> int:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"fleetcast: {visible(sentence)}\n" if sentence else "\n")
        sys.stderr.flush()
    return code


def _about_output(error: OSError) -> str:
    where = quoted(str(error.filename)) if error.filename else "standard output"
    done = "read" if error.errno == errno.ENOENT else "written"
    return f"{where} cannot be {done}: {reason_of(error)}"


def _abandon_output() -> None:
    """Keep the interpreter from flushing a stream at its end that has just refused."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _usage(error: Exception) -> str:
    """Return typer's complaint as one sentence with the nearest option or command."""
    context = getattr(error, "ctx", None)
    option = getattr(error, "option_name", "")
    full = getattr(error, "message", "") or error.format_message()  # type: ignore[attr-defined]
    message = " ".join(str(full).split()).rstrip(".")
    if option and message.lower().startswith("no such option") and context is not None:
        known = [name for parameter in context.command.params for name in getattr(parameter, "opts", ())]
        longer = sorted(name for name in known if name.startswith(option))
        near = longer or get_close_matches(option, known, n=1, cutoff=0.85) or _of_field(option, known)
        near = near or get_close_matches(option, known, n=1, cutoff=0.8)
        from agent.fields.table import FIELDS

        instead = f"; did you mean {near[0]}?" if near else ""
        if any(field.flag == option for field in FIELDS.values()):
            instead = ", which says nothing here; `fleetcast forecast` has it"
        message = f"there is no option {option}{instead}"
    else:
        message = f"{message[:1].lower()}{message[1:]}"
        of = next(iter(getattr(getattr(error, "param", None), "opts", ())), "")
        message = f"{of}: {message}" if of.startswith("-") and of not in message else message
    where = getattr(context, "command_path", "fleetcast")
    return f"{message} (`{where} --help` lists what there is)"


def _of_field(option: str, known: list[str]) -> list[str]:
    """Return the flag of the field that shares most words with the option: '--prompt-tokens' means --input-tokens."""
    from agent.fields.table import FIELDS

    asked = option.strip("-").split("-")

    def shared(field: "Field") -> int:
        words = re.findall(r"[a-z0-9]+", f"{field.path} {field.flag} {field.label}".lower())
        return sum(any(word.startswith(part) for word in words) for part in asked)

    best = max((field for field in FIELDS.values() if field.flag in known), key=shared, default=None)
    return [best.flag] if best and shared(best) else []
