"""The flags of the command line that state a value, from the table of fields; order is that of --help."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from agent.fields.demand import LEAST_TARGET_S
from agent.fields.field import Flag
from agent.fields.plausible import out_of_range
from agent.fields.table import TABLE
from catalogs.errors import InputError

FLAGS: Final[Mapping[str, tuple[Flag, ...]]] = {
    panel: flags for panel, rows in TABLE.items() if (flags := tuple(row for row in rows if row.flag))
}
"""By the panel of --help in which they stand."""

ALL: Final = tuple(flag for flags in FLAGS.values() for flag in flags)

CONTRADICT: Final = (
    ("--rps", "--concurrency", "both give the load"),
    ("--gpus", "--nodes", "both give the fleet"),
    ("--model", "--model-size", "both give the model"),
    ("--input-cv", "--input-p95", "both give the spread of prompts"),
    ("--output-cv", "--output-p95", "both give the spread of answers"),
    ("--target-latency-p50", "--e2e-p50", "both give the same target"),
    ("--target-latency-p99", "--e2e-p99", "both give the same target"),
)

ONE_TOO_MANY: Final = "leave one of them out"
"""How a refusal of two flags ends that give the same."""


def flags_without(*beginnings: str, but: Collection[str] = ()) -> dict[str, tuple[Flag, ...]]:
    """Return the flags but for those of fields that a command cannot act on, by panel of --help.

    Args:
        beginnings: of the paths of those fields.
        but: paths that are kept all the same.
    """
    kept = {
        panel: tuple(flag for flag in flags if not flag.path.startswith(beginnings) or flag.path in but)
        for panel, flags in FLAGS.items()
    }
    return {panel: flags for panel, flags in kept.items() if flags}


def flag_values(
    given: Mapping[str, tuple[str, ...]], insist: bool | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of flags by path and, by path, which flag gave each.

    Args:
        given: the texts of each flag, by its name.
        insist: implausible values are taken as they are; None where a door has no flag for that.

    Raises:
        InputError: a text that cannot be read, a flag that was given twice, or two that contradict each other.
    """
    for one, other, why in CONTRADICT:
        if given.get(one) and given.get(other):
            raise InputError(f"{one} {given[one][0]} and {other} {given[other][0]} {why}: {ONE_TOO_MANY}")
    values: dict[str, Any] = {}
    details: dict[str, str] = {}
    for flag in ALL:
        texts = given.get(flag.flag, ())
        if not texts or flag.read is None:
            continue
        if flag.adds:
            values[flag.path] = tuple(name for text in texts for name in flag.read(text, flag.flag))
        elif len(set(texts)) > 1:
            raise InputError(f"{flag.flag} was given {len(texts)} times ({', '.join(texts)}): give it once")
        else:
            values[flag.path] = flag.read(texts[0], flag.flag)
            refuse_implausible(flag.path, values[flag.path], flag.flag, texts[0], insist)
        details[flag.path] = flag.flag
    return values, details


def refuse_implausible(path: str, value: Any, what: str, text: str, insist: bool | None) -> None:
    """Refuse a value that nobody means, such as seconds that were written where a bare number is in ms.

    Args:
        value: in the field's units.
        what: the field's name where it was given.
        text: as it was given; empty where that is the value.
        insist: as in ``flag_values``.

    Raises InputError.
    """
    if insist or not (wrong := out_of_range(path, value)):
        return
    slip = path.startswith("targets.") and value < LEAST_TARGET_S[path.split(".")[1]]
    bare = slip and text.strip().replace(".", "", 1).isdigit()
    meant = f"; did you mean {text.strip()}s?" if bare else "" if insist is None else "."
    way = "" if insist is None else " --insist takes it as it is"
    raise InputError(f"{f'{what} {text}'.rstrip()}: {wrong}{meant}{way}")
