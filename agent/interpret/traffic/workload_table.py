"""A table with a workload in each row: which is planned first, or all of them as one load of the mean lengths."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from agent.fields.demand import LENGTHS, RATE
from agent.interpret.facts.reading import TODAY, Ambiguity, Choice, Reading, SaidValue
from agent.interpret.traffic.peaks import asks_mean
from agent.interpret.words.tables import WorkloadRow
from catalogs.units import show_count, show_figure, show_seconds
from engine.workload import target_name

PLANNED_FIRST: Final = "which is planned first?"
MOST_ROWS: Final = 8
"""That are offered; further ones are named as not used."""
_SHOWN: Final[dict[str, Callable[[Any], str]]] = {
    RATE: lambda value: f"{show_figure(value)} requests/s",
    "tokens.input.mean": lambda value: f"{show_count(value)} tokens in",
    "tokens.output.mean": lambda value: f"{show_count(value)} out",
    "model": str,
    "hardware.accelerators": ", ".join,
    "targets": lambda targets: ", ".join(
        f"{target_name(t.metric, t.percentile)} {show_seconds(t.seconds)}" for t in targets
    ),
}


def several_workloads(
    text: str,
    span: tuple[int, int],
    rows: Sequence[tuple[WorkloadRow, Reading]],
    beside: Reading,
    further: Sequence[str],
    left: Sequence[str] = (),
) -> Reading:
    """Return what a text says that holds a table of workloads: what all rows share, and which row is meant.

    Args:
        text: as pasted.
        span: of the table in it.
        rows: each with its reading.
        beside: the reading of what stands beside the table.
        further: names of the rows that were not read.
        left: heads of columns that tell what runs today.
    """
    values = [_values(reading) for _, reading in rows]
    paths = dict.fromkeys(path for one in values for path in one)
    shared = {path for path in paths if len({repr(one.get(path)) for one in values}) == 1}
    apart = [path for path in paths if path not in shared]
    first = rows[0][1]
    said = [_quoted(one, text) for one in first.said_values if one.path in shared]
    unused = dict.fromkeys(words for _, reading in rows for words in reading.unused)
    notes = dict.fromkeys(note for _, reading in rows for note in reading.notes)
    open_ = [question for question in first.questions if question.path not in apart]
    alike = [question for question in open_ if all(_asks(question, reading) for _, reading in rows)]
    questions = alike if apart else open_
    if apart:
        path = RATE if RATE in apart else apart[0]
        choices = [
            _choice(row.name, reading, one, apart, path, alike)
            for (row, reading), one in zip(rows, values, strict=True)
            if path in one
        ]
        if all(row.share for row, _ in rows) and set(apart) <= LENGTHS and len(choices) == len(rows) and not further:
            choices = [_together(values, [row.share for row, _ in rows], apart), *_of_shares(choices, rows, beside)]
        count = len(rows) + len(further)
        for (row, _), one in zip(rows, values, strict=True):
            if path not in one:
                unused[" ".join([row.name, *row.text.split()])] = None
        which = f"That is of {count} workloads: {PLANNED_FIRST} 'fleetcast pool' sizes several on one fleet."
        questions.append(Ambiguity(which, path, tuple(choices), text[slice(*span)], span[0]))
    if left:
        notes[f"{TODAY} as I read the columns {', '.join(left)}: what runs is no part of what is planned"] = None
    return replace(
        beside,
        said_values=tuple(sorted((*said, *beside.said_values), key=lambda one: one.start)),
        questions=(*questions, *beside.questions),
        unused=(*unused, *further, *beside.unused),
        notes=(*notes, *beside.notes),
    )


def _together(values: Sequence[Mapping[str, Any]], shares: Sequence[float], apart: Sequence[str]) -> Choice:
    """Return all rows as one workload, the mean of each length weighted by the rows' shares of the requests.

    Args:
        values: of each row.
        shares: of each row, which make 1.
        apart: lengths in which the rows differ.
    """
    means = {
        path: float(f"{sum(share * one[path] for share, one in zip(shares, values, strict=True)):.9g}")
        for path in apart
    }
    shown = ", ".join(_SHOWN[path](value) for path, value in means.items())
    return Choice(means[apart[0]], f"all together, by their shares: {shown}", apart[0], also=means)


def _of_shares(
    choices: Sequence[Choice], rows: Sequence[tuple[WorkloadRow, Reading]], beside: Reading
) -> Iterator[Choice]:
    """Yield each row with its share of the rate that is said beside the table.

    Args:
        choices: one for each row.
        rows: each with its reading.
        beside: the reading of what stands beside the table.
    """
    rate = beside.values.get(RATE)
    for choice, (row, _) in zip(choices, rows, strict=True):
        if rate:  # of an open rate no row has a share yet
            label = f"{choice.label}; {row.share:.0%} of the requests"
            yield replace(choice, label=label, also={**choice.also, RATE: rate * row.share})


def _values(reading: Reading) -> dict[str, Any]:
    """Return the values of a row; of what it leaves open the first choice."""
    values = dict(reading.values)
    for question in reading.questions:
        if question.choices and question.path not in values and question.path.startswith("tokens."):
            values[question.choices[0].path or question.path] = question.choices[0].value
    return values


def _quoted(said_value: SaidValue, text: str) -> SaidValue:
    """Return a value with its words as they stand in the text, and not with blanks in the place of other rows."""
    last = said_value.words.split()[-1]
    start = text.find(last, said_value.start)
    return replace(said_value, words=last, start=start)


def _asks(question: Ambiguity, reading: Reading) -> bool:
    """Whether a row asks the same, with the same choices."""
    return any((one.path, one.choices) == (question.path, question.choices) for one in reading.questions)


def _choice(
    name: str, reading: Reading, values: Mapping[str, Any], apart: Sequence[str], path: str, alike: Sequence[Ambiguity]
) -> Choice:
    """Return a row as a choice; what it alone leaves open is asked where it is taken.

    Args:
        name: of the row.
        reading: of the row.
        values: of the row.
        apart: fields in which rows differ.
        path: of the question which row is meant.
        alike: questions that every row asks.
    """
    echoes = {one.path: one.echo for one in reading.said_values}
    shown = ", ".join(
        _SHOWN[one](values[one]) if one in _SHOWN else echoes[one]
        for one in apart
        if one in values and (one in _SHOWN or one in echoes)
    )
    if values.keys() > reading.values.keys():
        shown += "; a percentile of a length is taken for its mean"
    also = {one: values[one] for one in apart if one != path and one in values}
    asked = [(one.path, one.choices) for one in alike]
    then = tuple(one for one in reading.questions if one.path not in values and (one.path, one.choices) not in asked)
    asked_mean = next((one for one in reading.questions if one.path == RATE and asks_mean(one.choices)), None)
    if asked_mean and (peak := float(asked_mean.choices[1].value)):
        shown = f"{show_figure(peak)} requests/s at the peak, {shown}; its mean is asked then"
    elif any(one.path == RATE for one in then):
        shown += "; its rate is asked then"
    return Choice(values[path], f"{name}: {shown}", path, also=also, then=then)
