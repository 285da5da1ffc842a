"""Who asks, where one line counts them and another says what each does; and people counted while traffic is open.

'80 ppl' is a count that no rule takes for users by itself. While nobody said how much traffic there is it is asked
about; and where 'each gets 40 chats a day' asks how many there are, what was counted before is offered.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, RATE, USERS
from agent.interpret.domain import DOUBT
from agent.interpret.facts.reading import Ambiguity, Choice, Reading
from agent.interpret.traffic.how_many import USUAL_A_DAY, USUAL_HABIT
from agent.talk.state import Ports, State
from catalogs.units import SECONDS_PER_DAY, show_figure

_FEWEST: Final = 10
"""People from which a count is asked about: 'we are 3 engineers' tells of who writes."""
_LOADS: Final = frozenset({RATE, "traffic.concurrency", USERS, HABIT})


def with_crowd_asked(reading: Reading, text: str, state: State, ports: Ports) -> Reading:
    """Return a reading with a question about people that a line counts, where no traffic was said."""
    named = {one.path for one in (*reading.said_values, *reading.habits)} | {one.path for one in reading.questions}
    in_doubt = any(one.text.endswith(DOUBT) for one in reading.questions)
    if in_doubt or named & _LOADS or state.values.keys() & _LOADS or not reading.unused:
        return reading
    each = USUAL_A_DAY / SECONDS_PER_DAY
    again = ports.read(text, ports.catalog, known={**state.values, HABIT: each})
    crowd = next((one for one in again.habits if one.path == USERS), None)
    if crowd is None or crowd.value < _FEWEST:
        return reading
    rate = crowd.value * each
    usual = f"{USUAL_HABIT}: {show_figure(rate)} requests/s"
    asked = Ambiguity(
        f"{crowd.echo}: how many requests does each make, and in which time?",
        RATE,
        (Choice(rate, usual, usual=True),),
        crowd.words,
        crowd.start,
    )
    return replace(reading, habits=(*reading.habits, crowd), questions=(*reading.questions, asked), unused=again.unused)


_COUNT: Final = re.compile(
    r"(\d[\d,]*) (?!(?:tokens|words|pages|days|hours|minutes|seconds|gpus|cards|nodes|replicas|times)\b)"
    r"[^\W\d_]{3,}s\b",
    re.I,
)


def with_counts_offered(reading: Reading, lines: Sequence[str], ports: Ports) -> Reading:
    """Return a reading whose question after the number of users offers what was counted before.

    Args:
        reading: of a line that says what each does.
        lines: of before, the oldest first.
    """
    each = next((one.value for one in reading.habits if one.path == HABIT), 0.0)
    asked = next((one for one in reading.questions if one.path == RATE and not one.choices), None)
    if asked is None or not each:
        return reading
    unused = [words for line in reversed(lines) for words in ports.read(line, ports.catalog).unused]
    choices = list[Choice]()
    for found in (match for words in unused for match in _COUNT.finditer(words)):
        count = float(found[1].replace(",", ""))
        shown = f"{found[0]}: {show_figure(count * each)} requests/s"
        choices.append(Choice(count * each, shown, usual=not choices, also={USERS: count}))
    offered = tuple(replace(one, choices=tuple(choices)) if one is asked else one for one in reading.questions)
    return replace(reading, questions=offered)
