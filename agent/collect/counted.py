"""Who asks, where one line counts them and another says what each does; and people counted while traffic is open.

'80 ppl' is a count that no rule takes for users by itself. While nobody said how much traffic there is it is asked
about; what each of them does is read with it (`before_plan.amendments.joined_line`).
"""

from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, USERS
from agent.interpret.domain import DOUBT
from agent.interpret.facts.reading import Ambiguity, Choice, Reading
from agent.interpret.traffic.how_many import USUAL_A_DAY, USUAL_HABIT
from agent.talk.state import Ports, State
from catalogs.units import SECONDS_PER_DAY, show_figure

RATE: Final = "traffic.requests_per_s"
_FEWEST: Final = 10
"""People from which a count is asked about: 'we are 3 engineers' tells of who writes."""
_LOADS: Final = frozenset({RATE, "traffic.concurrency", USERS, HABIT})
_OTHERS: Final = ("time", "token", "event", "gpunoun", "node", "replica", "textunit", "times")
"""Kinds of nouns that count nobody."""


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
