"""Quantities with units of nouns and time, joined into loads: requests in a time, each factor used once.

A quantity hangs on what it is 'of': nine messages per session on the sessions, a share of the users on the users. What
hangs on one another multiplies; quantities that nothing joins are loads of their own, which add up.
"""

from collections.abc import Iterator, Sequence
from math import prod

from msgspec import Struct

from catalogs.units import SECONDS_PER_DAY, SECONDS_PER_MINUTE

EACH = "each"
"""In place of a noun: of each of whatever was counted before."""
PEOPLE = "user"
"""In place of a noun for people, which may be counted by another: 700 developers, 20 requests per user."""
MOST_OF_ONE_A_DAY = 1000.0
"""Requests of one person or place; more, without a word of 'each', are of all of them together."""

_LEAST_PAUSE = 5.0
"""Seconds between two requests of one who talks with the model, by judgement."""


class Factor(Struct, frozen=True):
    """One figure of demand."""

    values: tuple[float, ...]
    """One, or the low end, the middle and the high end of a range."""
    place: int
    """Where it stands among the figures of the line."""
    noun: str = ""
    """What it counts, as said: 'sessions'."""
    counts: str = ""
    """The same in the singular: 'session'; empty where it is not named."""
    of: tuple[str, ...] = ()
    """What it is of: 'user' for so many sessions per user, ``EACH`` for 'each'."""
    seconds: float = 0.0
    """Of the time in which, or after which again; 0 where no time is said."""
    share: bool = False
    """A part of what is counted."""
    event: bool = False
    """What is counted are requests, or what they come in: messages, calls, chats. Of a share: they are who ask."""
    request: bool = False
    """What is counted are requests themselves, of which a share or a picture each makes no others."""
    people: bool = False
    """Those who are counted are people, of whom any other word for people may speak."""


class Load(Struct, frozen=True):
    """Factors whose units cancel to a number in a time."""

    factors: tuple[Factor, ...]
    """From what is counted first to what each does."""
    seconds: float
    named: bool
    """Each link is by a noun that was named, or by 'each'."""
    hours: float = 24.0
    """Of each day in which it comes so."""

    @property
    def per_second(self) -> tuple[float, ...]:
        """What comes in a second: one number, or the low end, the middle and the high end."""
        several = max(len(factor.values) for factor in self.factors)
        of_each = [factor.values if len(factor.values) == several else factor.values[:1] for factor in self.factors]
        share = self.hours / 24 / self.seconds
        return tuple(prod(values[min(at, len(values) - 1)] for values in of_each) * share for at in range(several))


def loads_of(factors: Sequence[Factor]) -> list[Load]:
    """Return the loads that factors make, in the order of what they begin with.

    Args:
        factors: in any order; ``place`` counts only for those that do not name what they are of.

    Returns:
        loads: one where all are joined; chains without a time, with two, or of something not counted are none.
    """
    above = [_above(factors, at) for at in range(len(factors))]
    roots = [at for at, link in enumerate(above) if link is None and not factors[at].of]
    found = (load for root in sorted(roots, key=lambda at: factors[at].place) for load in _chains(factors, above, root))
    return [load for load in found if load is not None]


_Link = tuple[int, bool]
"""Position of what a factor hangs on, and whether that was named."""


def _above(factors: Sequence[Factor], at: int) -> _Link | None:
    """Return what a factor hangs on; None of what is counted first."""
    own = factors[at]
    others = sorted(
        (other for other in range(len(factors)) if other != at and _may_hang(own, factors[other])),
        key=lambda other: (factors[other].place > own.place, abs(factors[other].place - own.place)),
    )
    named = [other for other in others if names_of(factors[other]) & {*own.of}]
    if PEOPLE in own.of:
        named += [other for other in others if factors[other].people]
    if named:
        return named[0], True
    if own.people and not own.of and not own.share:
        return None  # people are counted anew: two groups
    others = [other for other in others if not _hangs_below(factors, other, at)]
    before = [other for other in others if factors[other].place < own.place]
    if EACH in own.of:
        return ((before or others)[0], True) if others else None
    if own.of or own.share:
        return (before[0], False) if before else None
    if own.event and not own.share and not own.seconds:
        before = [other for other in before if not factors[other].request]
        return (before[0], False) if before else None
    waiting = [other for other in before if not factors[other].seconds or factors[other].people]
    return (waiting[0], False) if waiting and own.seconds and _may_be_of_one(own) else None


def _may_hang(low: Factor, high: Factor) -> bool:
    """Whether a factor may be of each of what another counts: of requests only calls, and a share of them that asks.

    Two counts of the same are none of each other: a backlog of 4 million pages, and 15,000 pages a day.
    """
    twice = low.counts and low.counts == high.counts and not (low.of or high.of)
    return not (high.share or twice) and (not high.request or low.event)


def _may_be_of_one(habit: Factor) -> bool:
    """Whether one person, or one place, may ask so often: at its desk every few seconds, or a thousand times a day."""
    least = _LEAST_PAUSE if habit.seconds <= SECONDS_PER_MINUTE else SECONDS_PER_DAY / MOST_OF_ONE_A_DAY
    return habit.seconds / habit.values[0] >= least or (habit.values[0] <= 1 and habit.seconds > 1)


def _hangs_below(factors: Sequence[Factor], low: int, high: int) -> bool:
    """Whether one names the other as what it is of."""
    return bool(names_of(factors[high]) & {*factors[low].of})


def names_of(factor: Factor) -> set[str]:
    """Return by which words each of what is counted may be named: a call, or its caller."""
    return {factor.counts, f"{factor.counts}er"} if factor.counts else set()


def _chains(factors: Sequence[Factor], above: Sequence[_Link | None], root: int) -> Iterator[Load | None]:
    """Yield what each path from a root multiplies to; None where no time, or more than one, is in it."""

    def paths(at: int, done: tuple[int, ...], named: bool) -> Iterator[tuple[tuple[int, ...], bool]]:
        below = [other for other, link in enumerate(above) if link and link[0] == at and other not in done]
        shares = [other for other in below if factors[other].share]
        path = (*done, at, *shares)
        named = named and all(link[1] for other in shares if (link := above[other]))
        deeper = [other for other in below if not factors[other].share]
        if not deeper:
            yield path, named
        for other in deeper:
            yield from paths(other, path, named and bool((link := above[other]) and link[1]))

    for path, named in paths(root, (), True):
        yield _load([factors[at] for at in path], named)


def _load(path: list[Factor], named: bool) -> Load | None:
    if all(factor.people or factor.share for factor in path):
        return None  # people who come are no requests
    timed = [factor for factor in path if factor.seconds]
    if len(timed) > 1:
        # 'users a day' who each ask so often a day
        timed = [one for one in timed if not one.people and not one.share] or [one for one in timed if one.share]
    return Load(tuple(path), timed[0].seconds, named) if len(timed) == 1 else None
