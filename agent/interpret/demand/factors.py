"""The figures of demand in a line, each with what it counts and what it is of, by the words beside it."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from agent.interpret.demand.product import EACH, PEOPLE, Factor
from agent.interpret.roles.figures import is_figure
from agent.interpret.traffic.loads import count_of
from agent.interpret.words.grammar import NAMES, Item
from agent.interpret.words.ordinary import ASKING
from agent.interpret.words.spelling import stem_of
from agent.interpret.words.vocabulary import KINDS_OF, SECONDS
from catalogs.units import SECONDS_PER_DAY

_FEW: Final = 3
"""Words of one noun and its adjectives."""
_FAR: Final = 12
"""Items behind a share in which its time may stand."""
_NOUNS: Final = ("event", "thing", "user", "audience", "site", "talk", "whole")
"""Kinds of what is counted: they are told from the verb or adverb behind them."""
_ENDS: Final = ("comma", "stop", "colon", "paren", "slash", "conj", "or", "per", "neg", "but", "peruser", "eachuser")
_PLAIN: Final = frozenset({"unknown", "textunit", "chunk", "call"})
"""Kinds of a word that may be any noun."""
_PASSED: Final = ("approx", "mean", "filler", "link", "any", "more", "concurrent", "inflight", "peak", "ingrand")
"""Words between a figure and its noun, or between a noun and what it is of, that change neither."""
_PRONOUNS: Final = frozenset("they them those these who whom which that it apiece each everyone everybody".split())
_AT_ONCE: Final = frozenset({"ccu", "ccus"})
"""Concurrent users, in the trade of games."""
_BEING: Final = frozenset("are is live work".split())
_ACTIVE: Final = frozenset("active online busy".split())
_ACROSS: Final = frozenset("in across over from of at".split())
_EACH_OF: Final = ("every", "each")
_DURING: Final = frozenset("for in on over within during".split())
_US: Final = frozenset({"llm", "model", "bot", "chatbot", "assistant", "ai"})
"""What a share of the traffic comes to that is planned for."""
_AVAILABLE: Final = 0.98
"""Share above which a percentage is one of time or of requests that are well."""
_DOERS: Final = ("er", "or", "ers", "ors")
"""How nouns of those who do something end."""
_LOST: Final = re.compile(
    "never|bypass(es|ed)?|skip(s|ped)?|cancel(s|led|ed)?|drop(s|ped)?|abandon(s|ed)?|discard(s|ed)?|filter(s|ed)?|"
    "reject(s|ed)?|deflect(s|ed)?|block(s|ed)?"
)
"""What becomes of requests that do not come to the model."""
_CACHE_DOES: Final = frozenset("from by answers answer serves serve catches absorbs handles".split())
_CACHES: Final = frozenset("cache caches redis memcached cdn varnish".split())
_NEVER: Final = frozenset({"never", "not", "without", "bypass", "bypasses", "skip", "skips", "before"})
_ANSWERED: Final = re.compile(r"\b(?:resp|answer|repl(?:y|ies)|latenc|generat)")
_LASTS: Final = re.compile(
    r"\b(?:calls?|sessions?|chats?|conversations?|talk|durations?|handl\w+ time|aht|last(?:s|ing)?)\b"
    r"(?!.*\b(?:every|per|within)\b)[^,.;/\d]{0,20}$"
)
_ATTENDED: Final = re.compile(r"\b(?:class|lesson|lecture|exam|seminar|course|shift)\b[^,.;/\d]{0,12}$")
"""What all attend together: 'class is 90 minutes, everybody asks ten questions'."""
_SOME: Final = frozenset("a an one typical average normal regular".split())
"""Before one of those who ask, at the head of a clause: 'a driver speaks to it four times'."""
_PARTED: Final = frozenset("of our the all these those them my their".split())


class Figure(Struct, frozen=True):
    """A factor and the items from which it was read."""

    factor: Factor
    at: int
    first: int
    last: int
    site: bool = False
    """It counts places, such as hospitals or branches, at each of which something is done."""


def figures_of(line: "Line", wanted: Callable[[Item], bool]) -> list[Figure]:
    """Return the figures of demand, each with its unit.

    Args:
        line: the items of the sentence, before any rule has put them together.
        wanted: whether a figure is one of demand.
    """
    found: list[Figure] = []
    for at, item in enumerate(line.items):
        if not is_figure(item) or item.amount is None or _taken(found, at):
            continue
        if item.word == "shifts" and (shifts := line.shifts(at, found)) is not None:
            found.append(shifts)
            continue
        likely = wanted(item) or wanted(line.items[line.whole_of(at)]) or line.is_said_so(at)
        figure = line.figure(at, found[-1].last + 1 if found else 0) if likely or line.is_added(at) else None
        if figure is not None and found and (both := line.added(found[-1], figure)) is not None:
            found[-1] = both
        elif figure is not None and likely:
            found.append(figure)
    return found


def _taken(found: Sequence[Figure], at: int) -> bool:
    return any(figure.first <= at <= figure.last for figure in found)


class _Unit(Struct):
    """What is read of the words beside a figure."""

    last: int
    noun: str = ""
    people: bool = False
    event: bool = False
    request: bool = False
    site: bool = False
    of: tuple[str, ...] = ()
    seconds: float = 0.0


class Line(Struct):
    """The items of a sentence, read around each figure."""

    items: Sequence[Item]
    text: str
    is_pause: Callable[[Item], bool]
    """Whether a duration lies between two requests."""

    def figure(self, at: int, since: int) -> Figure | None:
        """Return the figure at a position with its unit, or None where it has none that is of demand.

        Args:
            at: its position.
            since: where the words of the figure before it end.
        """
        item = self.items[at]
        if item.has("dur"):
            return self._pause(at, since)
        if not item.has("num", "pct", "mult") or (item.has("num") and self._is(at + 1, "token")):
            return None
        unit, first = self._behind(at), at
        known = unit.last > at and any(self.items[n].has(*_NOUNS) for n in range(at + 1, unit.last + 1))
        if not unit.of and not known and (head := self._before(at)) and (head.people or not unit.noun):
            unit.noun, unit.people, first = head.noun, head.people, head.last
            unit.of, unit.seconds = (*head.of, *unit.of), unit.seconds or head.seconds
        if first and self.items[first - 1].has("times"):
            unit.of = unit.of or (EACH,)  # '50 schools x 600 pupils'
        if not (unit.people and first and self.items[first - 1].word == "for"):  # 'a tutor for 900 pupils'
            unit.of = unit.of or self._subject(first, since)
        values = count_of(item.number).values
        if values == (1.0,) and not (unit.of or unit.seconds or self.is_added(at)):
            return None
        if (self.whole_of(at) > at and not unit.people) or (at and self._is_where(unit, at)):
            return None  # '90 of 100 requests' are a share, '2,000 users in 3 countries' so many in all
        share = item.has("pct")
        if share:
            if values[0] > _AVAILABLE or self._is_of_a_time(at) or self._is_of_idle(at) or self._is_of_lengths(at):
                return None
            unit.of = unit.of or self._part_of(at)
        if item.has("mult"):
            unit.event = unit.request = True
        lost = share and self.is_lost(at)
        values = tuple(1 - value for value in values) if lost else values
        noun = ("left" if lost else "") if share else unit.noun or ("times" if item.has("mult") else "")
        people = unit.people and not share
        event, request = unit.event, unit.request and not share
        if share:
            asking = any(other.word in ASKING for other in self.items[at + 1 : at + _FEW + 2])
            event = asking or self._comes_to_us(at) or self.is_lost(at) or self._of_which(at)
        factor = Factor(values, at, noun, stem_of(noun), unit.of, unit.seconds, share, event, request, people)
        return Figure(factor, at, min(first, at), max(unit.last, self.whole_of(at)), unit.site)

    def _pause(self, at: int, since: int) -> Figure | None:
        """Return 'a message every 45 s' as one message in 45 seconds."""
        before = [at - 1, at - 2]
        every = next((n for n in before if n >= 0 and self.items[n].has("per", "every", "slash", "each")), None)
        if self._lasts(at) or (every is None and not (self.is_pause(self.items[at]) or self.is_thought(at))):
            return None
        every = at if every is None else every
        seconds, unit = self.items[at].number.value, _Unit(at)
        if self.is_thought(at):  # in a closed loop each asks anew after the thought and the answer
            values, unit.of = self.items[at].number.values, (PEOPLE,)
            seconds = (values[0] + values[-1]) / 2
            answers = [n for n in range(len(self.items)) if self._is_response(n)][:1]
            seconds += sum(self.items[n].number.value for n in answers)
            unit.last = max(unit.last, *answers, 0)
        self._of_what(unit.last + 1, unit)
        noun, people, first = self._noun_before(every)
        unit.of = unit.of or tuple(one for one in self._subject(first, since) if not noun or one != stem_of(noun))
        doers = [
            one for one in self.items[max(since, first - 2) : first]
            if one.has("user") or (one.kinds <= _PLAIN and one.word.endswith(_DOERS))
        ]  # fmt: skip
        if not unit.of and doers:
            unit.of = (stem_of(doers[0].word),)  # 'caller turn every 9 s', 'the caller speaks every 9 s'
        named = bool({*unit.of} - {EACH})  # '350 calls, each caller talks every 8 seconds': of calls as of people
        factor = Factor((1.0,), at, noun or "request", stem_of(noun), unit.of, seconds, event=named)
        return Figure(factor, at, first, unit.last) if 0 < seconds <= SECONDS_PER_DAY and not people else None

    def is_thought(self, at: int) -> bool:
        """Whether a duration is the time that a user of a load test thinks between two requests: 'think time 5-15s'."""
        before = [item.word for item in self.items[max(0, at - 4) : at] if not item.has("colon", "link", "mean")]
        return self.items[at].has("dur") and any(word.startswith("think") for word in before[-2:])

    def _is_response(self, at: int) -> bool:
        """Whether a duration is what an answer takes: 'mean response time 4.2 s', 'responses take 5 s'."""
        if not self.items[at].has("dur"):
            return False
        before = self.text[self.items[max(0, at - 3)].start : self.items[at].start].lower()
        return _ANSWERED.search(before.rpartition(",")[2]) is not None

    def _behind(self, at: int) -> _Unit:
        """Return the noun behind a figure and what it is of: '9 messages per session', '2 a day each'."""
        unit = _Unit(at)
        whole = self.whole_of(at)
        if self._is(whole + 1, "adverb") and self.items[whole + 1].word in SECONDS:
            unit.seconds, unit.last = SECONDS[self.items[whole + 1].word], whole + 1  # '1.2M monthly active users'
        words = self._content(max(whole, unit.last) + 1)
        if (
            self._is_word(at + 1, "of")
            and at + 2 < len(self.items)
            and self.items[at + 2].word in ("them", "those", "us")
        ):
            return _Unit(at + 2, "users", people=True)  # 'there are 640 of them'
        if not words and self._is(unit.last + 1, "rateunit"):
            rate = self.items[unit.last + 1].word
            return _Unit(unit.last + 1, "requests", event=True, request=True, seconds=SECONDS[rate])
        if words:
            unit.last = self._chosen(words)
            unit.noun, unit.people = self._named(unit.last)
            unit.event = self.items[unit.last].has("event", "turn", "call")
            unit.site = self.items[unit.last].has("site")
            unit.request = self.items[unit.last].has("turn", "call")
            unit.seconds = SECONDS_PER_DAY if self.items[unit.last].word == "dau" else unit.seconds
            unit.last = max(words)
        self._of_what(unit.last + 1, unit)
        return unit

    def _is_where(self, unit: _Unit, at: int) -> bool:
        """Whether a number counts places or groups over which others are spread: 'in 3 countries', 'in 3 groups'."""
        before = self.items[at - 1]
        double = any(one.word.startswith("active") for one in self.items[max(0, at - 2) : unit.last + 3])
        spread = before.word in ("in", "across", "over") and not (unit.people or unit.event or unit.of or unit.seconds)
        return spread or (unit.site and (double or before.word in _ACROSS))  # 'two sites active/active'

    def is_said_so(self, at: int) -> bool:
        """Whether the words beside a figure alone make it one of demand."""
        share = self.items[at].has("pct") and (self.is_lost(at) or self._of_which(at))
        return self.is_often(at) or self.is_thought(at) or share

    def is_often(self, at: int) -> bool:
        """Whether something is done so many times per something: 'nine times per call', 'each mail … three times'."""
        if not self.items[at].has("mult"):
            return False
        ends = at + 1 == len(self.items) or self._is(at + 1, "comma", "stop", "conj")
        during = self._is(at + 1, "per", "perrequest", "peruser") or self._is_in(at + 1)
        return during or (ends and any(self._subject(at, 0)))

    def _is_in(self, at: int) -> bool:
        """Whether a time in which something is done begins: 'in a shift', 'within 2 hours', 'over an 8 hour day'."""
        return at < len(self.items) and self.items[at].word in _DURING and self._is(at + 1, "every", "per", "dur")

    def is_added(self, at: int) -> bool:
        """Whether a number stands behind a plus."""
        return at > 0 and self._is(at - 1, "plus") and self._is(at, "num")

    def added(self, one: Figure, other: Figure) -> Figure | None:
        """Return '1 extraction (…) + 3 questions (…)' as four of both; None of figures that are not added."""
        a, b = one.factor, other.factor
        between = [item.word for item in self.items[one.last + 1 : other.first]]
        counted = not (a.people or b.people or a.share or b.share or a.seconds or b.seconds or b.of)
        if "+" not in between or not counted or len(a.values) > 1 or len(b.values) > 1:
            return None
        both = replace(a, values=(a.values[0] + b.values[0],), noun=f"{a.noun} and {b.noun}", event=True)
        return Figure(both, one.at, one.first, other.last)

    def is_at_once(self, figure: Figure) -> bool:
        """Whether so many are there at the same time, which they are when most is going on."""
        return any(
            item.has("concurrent", "inflight") for item in self.items[max(0, figure.first - 2) : figure.last + 5]
        )

    def _lasts(self, at: int) -> bool:
        """Whether a duration is that of a call: 'each call 4 minutes', 'sessions of 20 min'."""
        said = self.text[: self.items[at].start].lower()
        return self.items[at].has("dur") and (self._is_word(at + 1, "long") or _LASTS.search(said) is not None)

    def period_apart(self, figures: Sequence[Figure]) -> tuple[int, float] | None:
        """Return the one time that stands apart from all figures, with its seconds: 'a tenth use it daily'.

        Those who are there at once do so much in the time for which each of them is.
        """
        taken = {at for figure in figures for at in range(figure.first, figure.last + 1)}
        at_once = any(map(self.is_at_once, figures))
        times: dict[float, int] = {}
        for at, item in enumerate(self.items):
            each = (
                item.has("time") and at and self.items[at - 1].has("per", "every") and not is_figure(self.items[at - 2])
            )
            if at not in taken and (each or item.has("adverb")) and item.word in SECONDS:
                times[SECONDS[item.word]] = at
            elif (at_once and self._lasts(at)) or (
                item.has("dur") and _ATTENDED.search(self.text[: item.start].lower())
            ):
                times[item.number.value] = at
        return next(((at, seconds) for seconds, at in times.items()), None) if len(times) == 1 else None

    def shifts(self, at: int, found: Sequence[Figure]) -> Figure | None:
        """Return the shifts of a day, where so many come in each of them: '9,600 tickets per shift, three shifts'."""
        per_shift = [
            one for one in found
            if not (one.factor.of or one.factor.people)
            and any(item.word == "shift" for item in self.items[one.at : one.last + 1])
        ]  # fmt: skip
        count = self.items[at].number.value / SECONDS_PER_DAY
        if not per_shift or count < 2:
            return None
        of = (per_shift[-1].factor.counts or EACH,)
        return Figure(Factor((count,), at, "shifts", "shift", of, event=True), at, at, at)

    def whole_of(self, at: int) -> int:
        """Return where the whole stands of which a number is the part: '500 of our 4,000 seats'."""
        behind = at + 1
        while behind < len(self.items) and self.items[behind].word in _PARTED:
            behind += 1
        of_it = behind > at + 1 and self.items[at + 1].word == "of" and self._is(behind, "num")
        return behind if of_it and self.items[at].has("num") else at

    def _before(self, at: int) -> _Unit | None:
        """Return the heading before a figure: 'msgs per session 9', 'DAU: 480k', 'sessions/day = 1.3'."""
        first = at
        while first and not self._ends_heading(self.items[first - 1]):
            first -= 1
        words = self._content(first)
        if not words:
            return None
        chosen = self._chosen(words)
        noun, people = self._named(chosen)
        unit = _Unit(
            max(words), noun, people=people, seconds=SECONDS_PER_DAY if self.items[chosen].word == "dau" else 0.0
        )
        self._of_what(unit.last + 1, unit)
        between = self.items[unit.last + 1 : at]
        plain = all(item.has("colon", "link", "approx", "paren", "stop", "peak", "mean") for item in between)
        return _Unit(first, noun, people=people, of=unit.of, seconds=unit.seconds) if plain else None

    def _ends_heading(self, item: Item) -> bool:
        return (
            is_figure(item) or item.has("comma", "conj", *NAMES) or (item.has("stop") and not self._is_of_a_cell(item))
        )

    def _is_of_a_cell(self, item: Item) -> bool:
        return item.word == ";" and not self.text[item.end : item.end + 1].isspace()

    def _content(self, first: int) -> list[int]:
        """Return the positions of the words of a noun that begins at an item or behind a few little words."""
        words: list[int] = []
        for at in range(first, min(len(self.items), first + _FEW + 2)):
            item = self.items[at]
            if is_figure(item) or item.has(*_ENDS, *NAMES, "time", "tshort", "adverb"):
                break
            plain = item.kinds <= _PLAIN and len(item.word) > 1 and item.word.isalpha()
            runs = item.has("verb") and at == first and self._is(at + 1, "per", "slash")  # '5 runs a PR'
            if item.has(*_NOUNS) or plain or runs:
                words.append(at)
            elif words or not item.has(*_PASSED):
                break
            if len(words) == _FEW:
                break
        return words

    def _chosen(self, words: Sequence[int]) -> int:
        known = [at for at in words if self.items[at].has(*_NOUNS)]
        several = [at for at in words if self.items[at].word.endswith("s")]  # '1,400 claims come in'
        return (known or several or words)[-1]

    def _named(self, at: int) -> tuple[str, bool]:
        item = self.items[at]
        word = "users" if item.has("active") else item.word
        return word, item.has("user", "audience", "active") or word in _AT_ONCE

    def _of_what(self, first: int, unit: _Unit) -> None:
        """Read 'per working day and user', '/session', 'in each', 'daily' behind a noun."""
        at, marked = first, False
        while at < len(self.items):
            item = self.items[at]
            leads = self._is_in(at)
            joins = marked and item.has("conj")
            if item.has("peruser", "perrequest"):
                unit.of, marked = (*unit.of, self._of_merged(item)), True
            elif item.has("adverb") and item.word in SECONDS:
                unit.seconds = SECONDS[item.word]
            elif leads and self._is(at + 1, "dur"):
                unit.seconds, at = unit.seconds or self.items[at + 1].number.value, at + 1
            elif item.has("per", "slash") or (joins and not self._is(at + 1, "per", "peruser")):
                one = self._one_of(at + 1)
                if one is None and item.word not in _PRONOUNS:
                    break
                last, seconds, noun = one or (at, 0.0, EACH)
                unit.seconds, unit.of = unit.seconds or seconds, (*unit.of, noun) if noun else unit.of
                marked, at = True, last
            elif not (leads or joins or item.has("approx", "mean")):
                break
            unit.last, at = at, at + 1

    def _of_merged(self, item: Item) -> str:
        """Return what 'per user' or 'per request' is of, which are one item."""
        said = self.text[item.start : item.end].lower().replace("/", " ").split()[-1]
        return PEOPLE if item.has("peruser") else stem_of(said) if said in KINDS_OF else "request"

    def _one_of(self, first: int, *, does: bool = False) -> tuple[int, float, str] | None:
        """Return where one of something ends, its seconds if it is a time, and its noun if it is none.

        Args:
            first: where its words begin.
            does: a verb may follow: 'every receptionist handles'.
        """
        for at in range(first, min(len(self.items), first + _FEW)):
            item = self.items[at]
            if item.has("dur") and item.amount is not None and at == first:
                return at, item.number.value, ""
            if (item.has("time", "tshort") and item.word in SECONDS) or item.has("workhours") or item.word == "night":
                return at, SECONDS.get(item.word, SECONDS_PER_DAY), ""
            if is_figure(item) or item.has("comma", "stop", "paren", "per", "conj"):
                break
        words = self._content(first)
        if not words or words[0] > first + 1:
            return None
        known = any(self.items[at].has(*_NOUNS) for at in words)
        noun, people = self._named(words[0] if does and not known else self._chosen(words))
        return max(words), 0.0, PEOPLE if people and noun in ("user", "users", "people", "person") else stem_of(noun)

    def _is_number(self, at: int) -> bool:
        """Whether a figure stands at a position that is not the 'one' of 'one claim is 5 documents'."""
        return is_figure(self.items[at]) and self.items[at].word != "one"

    def _is_word(self, at: int, word: str) -> bool:
        return at < len(self.items) and self.items[at].word == word

    def _is(self, at: int, *kinds: str) -> bool:
        return at < len(self.items) and self.items[at].has(*kinds)

    def _subject(self, at: int, since: int) -> tuple[str, ...]:
        """Return of what a figure is that follows it in its clause: 'every receptionist handles 30 letters'."""
        first = at
        while first > since and not self._is_number(first - 1) and not self.items[first - 1].has("comma", "stop"):
            first -= 1
        for back in range(at - 1, first - 1, -1):
            if (found := self._before_its_habit(back, at)) is not None:
                return found
        opens = [n for n in range(first, at) if not self.items[n].has("conj", "paren") and self.items[n].word != "if"]
        if not opens or self.items[opens[0]].word not in _SOME:
            return ()
        noun = self._one_of(opens[0] + 1 + self._is(opens[0] + 1, "mean", "link"), does=True)
        return (noun[2],) if noun and noun[2] else ()

    def _before_its_habit(self, back: int, at: int) -> tuple[str, ...] | None:
        """Return what 'every receptionist', 'per hospital', 'a developer' or 'they' before a figure make it of."""
        item = self.items[back]
        if item.has("eachuser", "peruser"):
            return (self._person(item),)
        if item.word in _SOME and self._is(back + 1, "user"):
            return (stem_of(self.items[back + 1].word),)
        if item.word in _PRONOUNS and not self._is(back + 1, "unknown"):
            return (EACH,)
        if not item.has(*_EACH_OF) and item.word != "per":
            return None
        if item.has(*_EACH_OF) and all(other.word in _PARTED for other in self.items[back + 1 : at]):
            return ()  # 'each of our 36 branches' counts them
        noun = self._one_of(back + 1, does=True)
        return () if noun and noun[1] else (noun[2],) if noun and noun[2] else (EACH,)

    def _person(self, item: Item) -> str:
        said = self.text[item.start : item.end].lower().split()
        return EACH if not said or said[-1] in ("them", "one", "everyone", "everybody", "whom") else PEOPLE

    def _part_of(self, at: int) -> tuple[str, ...]:
        """Return of what a share is: '0.4 % of views', 'a third of them'."""
        if not self._is_word(at + 1, "of"):
            return ()
        behind = at + 2
        while behind < len(self.items) and self.items[behind].word in _PARTED - _PRONOUNS:
            behind += 1
        noun = self._one_of(behind, does=True)
        return () if noun is None else (noun[2] or "time",)

    def _is_of_a_time(self, at: int) -> bool:
        """Whether a share is that of some hours or days: '10 % of daily traffic in the busiest hour', '70 % 8-16'."""
        if self._is_word(at + 1, "of") and any(item.has("dur") for item in self.items[at + 2 : at + 4]):
            return True  # 'they type 35 % of an 8 h day'
        for item in self.items[at + 1 : at + _FAR]:
            if item.has("comma", "stop") or (is_figure(item) and not item.has("window")):
                break
            if item.has("peak", "window", "offpeak", "burst"):
                return True
        before = self.items[max(0, at - 4) : at]
        mark = max((n for n, item in enumerate(before) if item.has("comma", "stop")), default=-1)
        return any(item.has("peak", "offpeak", "dur", "ttft", "itl", "e2e") for item in before[mark + 1 :])

    def _is_of_lengths(self, at: int) -> bool:
        """Whether a share is of the cache, or of requests of another length: 'a third of them: 40k tokens'."""
        behind = self._clause(range(at + 1, min(len(self.items), at + _FAR)))
        last = behind[-1] + 1 if behind else at + 1
        long = self._is(last, "num") and self._is(last + 1, "token", "textunit")
        return long or any(item.has("prefixhit", "prefixcue") for item in self.items[max(0, at - 7) : at])

    def _is_of_idle(self, at: int) -> bool:
        """Whether a share says where or what they are, and not that they ask: '40 % of them are in EMEA'."""
        behind = self.items[at + 1 : at + _FAR]
        clause = behind[: next((n for n, item in enumerate(behind) if item.has("comma", "stop", "paren")), len(behind))]
        being = next(
            (n for n, item in enumerate(clause) if item.word in (_BEING if n else (*_BEING, "in", "from"))), None
        )
        if being is None or being + 1 == len(clause):
            return False
        return not any(
            item.has("concurrent", "inflight", "active", "event", "call")
            or item.word in _ACTIVE
            or item.word in ASKING
            or item.word.endswith("ing")
            or (item.word == "on" and clause[being + 1 :][n + 1 : n + 2] and clause[being + 1 :][n + 1].word == "it")
            for n, item in enumerate(clause[being + 1 :])
        )

    def _comes_to_us(self, at: int) -> bool:
        """Whether a share is said to come to the model: '18 % will hit the LLM', not '45 % never reach the model'."""
        for n in range(at + 1, min(len(self.items), at + _FAR)):
            item = self.items[n]
            if is_figure(item) or item.has("comma", "stop", "paren", "conj", "neg") or item.word in _NEVER:
                return False
            if item.word in _US and n > at + 2:
                ends = n + 1 == len(self.items) or self.items[n + 1].has("comma", "stop", "paren", "conj")
                return ends and self.items[n - 2].word != "of"
        return False

    def _of_which(self, at: int) -> bool:
        """Whether a share is of what was counted before it and comes to the model: 'of which the bot takes 60 %'."""
        before = [self.items[n].word for n in self._clause(range(at - 1, max(-1, at - _FAR), -1))]
        return ("which" in before or "whom" in before) and "of" in before and not _US.isdisjoint(before)

    def is_lost(self, at: int) -> bool:
        """Whether a share is of what never comes to the model: '40 % get cancelled', 'we drop 60 % of them'."""
        return not any(item.has("rateunit") for item in self.items) and self.never_comes(at)  # '20 rps' come

    def never_comes(self, at: int) -> bool:
        """Whether a share is said to be of what never comes to the model, though a rate beside it may be without it."""
        before = self._clause(range(at - 1, max(-1, at - _FEW - 1), -1))
        around = [*before, *self._clause(range(at + 1, min(len(self.items), at + _FAR)), "and")]
        cached = any(self.items[n].word in _CACHES and self.items[n - 1].word not in ("prefix", "kv") for n in around)
        from_it = cached and any(self.items[n].word in _CACHE_DOES for n in around)
        return from_it or any(_LOST.fullmatch(self.items[n].word) and not self._is_word(n + 1, "to") for n in around)

    def _clause(self, places: range, beyond: str = "") -> list[int]:
        """Return positions up to the next figure or mark, though this be not a word that is gone beyond."""
        ends = (
            n
            for n in places
            if is_figure(self.items[n]) or (self._is(n, "comma", "stop", "conj") and self.items[n].word != beyond)
        )
        stop = next(ends, places.stop)
        return [*range(places.start, stop, places.step)]

    def _noun_before(self, at: int) -> tuple[str, bool, int]:
        for back in range(at - 1, max(-1, at - _FEW), -1):
            item = self.items[back]
            if is_figure(item) or item.has("comma", "stop"):
                break
            if item.has("event", "thing", "turn"):
                return (*self._named(back), back)
        return "", False, at
