"""A question about a plan, as its replies see it: the line, the plan, and plans sketched beside it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from agent.after_plan.sums import Explanation
from agent.after_plan.variants import varied_spec
from agent.fields.demand import CROWD, USERS
from agent.interpret.facts.reading import Reading
from agent.interpret.words.numerals import in_figures
from agent.report.blocks import Paragraph
from agent.report.words import singular
from agent.talk.requests import Variation
from agent.talk.state import Ports, State
from catalogs.errors import InputError
from catalogs.units import TIME_UNITS
from engine.plan import CapacityPlan, NoPlan
from engine.workload import ANY_PROVIDER, FLEET, Percentile

LOAD: Final = frozenset({"traffic.requests_per_s", "traffic.concurrency", *CROWD})
LIMITS: Final = frozenset(
    {"hardware.max_accelerators", "hardware.max_nodes", "hardware.max_replicas", "hardware.max_power_kw", *FLEET}
)
PLACE: Final = frozenset({"money.provider", "money.region"})
_NUMBERS: Final = {
    word: number
    for number, words in enumerate(
        "no|a an un une una ein eine einen|both pair zwei deux dos|drei trois tres|vier quatre cuatro|fünf cinq cinco|"
        "sechs seis|sieben sept siete|acht huit ocho|neun neuf nueve|zehn dix diez|elf onze once|"
        "zwölf douze doce".split("|")
    )
    for word in words.split()
} | {"sechzehn": 16, "seize": 16, "dieciséis": 16, "zwanzig": 20, "vingt": 20, "veinte": 20}
"""What ``in_figures`` leaves: articles, pairs and other languages."""
_IN_WORD: Final = r"[^\W\u3400-\u9fff]"
"""What a word has inside: Chinese sets no blanks between words."""
_BARE: Final = re.compile(
    rf"(?<![\w.$€£-])(\d{{1,4}}|{'|'.join(word for word, number in _NUMBERS.items() if number > 1)})"
    r"(?![\w.,%-]*\d)(?!\s*(?:k\b|%|percent|rps|qps|requests?|ms\b|s\b|users?|months?|hours?|\$|usd|euros?|dollars?))\b"
)
"""A number that counts nothing named."""
_ONE_OF_MANY: Final = re.compile(r"\b(\d+) of (?:the |our |these |those )(?:\d+|both) ")
"""'One of the two nodes' is one node."""
_OF_A_WHOLE: Final = re.compile(r"\b\d+ of (?:the |our |those |these |every )?\d[\d,]*\b")
_TO_A_SHARE: Final = re.compile(r"\bto (?:the )?\d{2}\b(?! ?[a-z])")
_SMALL_FLEET: Final = 8
"""Accelerators: a node's, which anybody names beside a fleet of fewer."""
_TIMES_THE_FLEET: Final = 4
"""Times the plan's accelerators: more are not meant by a number alone."""


_PERCENTILES: Final[tuple[tuple[Percentile, str], ...]] = (
    ("p99", r"p99|99(?:th|st)|99 ?% of"), ("p95", r"p95|95th|95 ?% of"), ("p90", r"p90|90th|90 ?% of"),
    ("p50", r"p50|50th|50 ?% of|median|typical|typically|usually"), ("mean", "mean|average"),
    ("p95", r"(?:slowest|worst|unluckiest) (?:5|five)"), ("p99", "one in a hundred|slowest|tail"),
)  # fmt: skip
"""Percentiles, and the words for them; the first that a line has is meant."""


class Asked(Struct, frozen=True):
    """A line about the plan that is kept."""

    text: str
    state: State
    ports: Ports
    plan: CapacityPlan

    @property
    def words(self) -> str:
        """The line in lower case, with single blanks."""
        return " ".join(self.text.lower().replace("’", "'").split())

    @property
    def figures(self) -> str:
        """The same with its numbers in figures."""
        return " ".join(in_figures(self.text).lower().replace("’", "'").split())

    @property
    def values(self) -> Mapping[str, Any]:
        """Values of the plan by path."""
        return self.state.base.values

    def has(self, pattern: str) -> bool:
        """Return whether the line has words of a pattern."""
        return re.search(rf"(?<!{_IN_WORD})(?:{pattern})(?!{_IN_WORD})", self.words) is not None

    def reading(self) -> Reading:
        """Return what the line says of a workload."""
        return self.ports.read(self.text, self.ports.catalog, asked_path=None, known=self.values)

    def said(self, path: str) -> Any:
        """Return the value of a field in the line; None where it has none."""
        reading = self.reading()
        habits = {habit.path: habit.value for habit in reading.habits}
        return reading.values.get(path, habits.get(path))

    def users(self) -> float | None:
        """Return how many users there are, by the line or by what was said before."""
        found = self.said(USERS) or self.values.get(USERS)
        return float(found) if found else None

    def count_of(self, nouns: str) -> int | None:
        """Return how many of something the line names: '8 GPUs', 'one node'; None where it names none."""
        match = re.search(
            rf"(?<![\d.,])\b(\d{{1,3}}(?:,\d{{3}})+|\d+|{'|'.join(_NUMBERS)})(?: ?[x×])?"
            rf" (?!(?:an?|per|each|every|in|at|on|for|to|or|and|is|are) )(?:(?!\d)[\w.-]+ )?(?:{nouns})\b",
            _ONE_OF_MANY.sub(r"\1 ", self.figures),
        )
        if match is None:
            return None
        return int(match[1].replace(",", "")) if match[1][0].isdecimal() else _NUMBERS[match[1]]

    def percentile(self) -> Percentile | None:
        """Return the percentile that the line asks for, or the mean; None where it asks for none."""
        return next((name for name, pattern in _PERCENTILES if self.has(pattern)), None)

    def bare_count(self) -> int | None:
        """Return the first number of the line that counts nothing which is named: 'if it's just four'.

        None where it is far more than the plan's accelerators, or another figure of the line says what it is of: a part
        of a whole, as in '1000 of the 1500', or a share, as in 'from 56% to 90'.
        """
        words = _TO_A_SHARE.sub(" ", self.figures) if "%" in self.text else self.figures
        match = _BARE.search(_OF_A_WHOLE.sub(" ", words))
        count = 0 if match is None else int(match[1]) if match[1].isdecimal() else _NUMBERS[match[1]]
        fleet = max(self.plan.fleet.accelerators, self.plan.fleet.billed_accelerators, _SMALL_FLEET)
        return count if 0 < count <= _TIMES_THE_FLEET * fleet else None

    def sketch(self, values: Mapping[str, Any], drops: frozenset[str] = frozenset()) -> CapacityPlan | NoPlan:
        """Return the plan with other values, by the formulas alone: it is compared, not kept.

        Raises:
            InputError: the values contradict each other.
        """
        return self.ports.sketch(varied_spec(self.state, Variation(values, {}, "", drops), self.ports).spec)

    def tried(self, values: Mapping[str, Any], drops: frozenset[str] = frozenset()) -> CapacityPlan | str:
        """Return the same priced anywhere, or why there is none: the values contradict each other, or nothing fits."""
        try:
            found = self.sketch_priced(values, drops)
        except InputError as error:
            return str(error)
        return found.reason if isinstance(found, NoPlan) else found

    def sketch_priced(self, values: Mapping[str, Any], drops: frozenset[str] = frozenset()) -> CapacityPlan | NoPlan:
        """Return the same at the plan's provider; where that one has no price, at the cheapest other one.

        Raises:
            InputError: the values contradict each other.
        """
        found = self.sketch(values, drops)
        if isinstance(found, NoPlan) or found.cost.monthly_usd is not None or "money.provider" in values:
            return found
        other = self.sketch({**values, "money.provider": ANY_PROVIDER}, drops)
        return other if isinstance(other, CapacityPlan) and other.cost.monthly_usd is not None else found


def paragraphs(*texts: str) -> Explanation:
    """Return sentences as paragraphs; empty ones are left out."""
    return tuple(Paragraph(singular(text)) for text in texts if text)


_TIME: Final = re.compile(r"(?<![a-z\d.])(\d+(?:\.\d+)?) ?(ms|milliseconds?|s|secs?|seconds?)\b", re.I)


def stated_s(words: str) -> float | None:
    """Return the first time that words state, in seconds; None where they state none."""
    match = _TIME.search(words)
    return float(match[1]) * TIME_UNITS[match[2].lower()] if match else None
