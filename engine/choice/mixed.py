"""Fleets of two kinds behind one router, where they cost less than the best of one kind: an exact search of our own.

A kind is a way to serve at a price. Each of its replicas meets the targets at its own capacity, so that a router that
weighs replicas by their capacity meets them on any mixture. Whole instances are the unit: c USD a month for a capacity
of a. One kind is held always, n units; the other either too, or hour by hour:

    min over n of  c₁·n + Σ_h (c₂/H)·max(y_h, y_h+1),  y_h = ⌈(D_h − a₁·n)⁺/a₂⌉

with D_h the demand of each hour, its peak minute and the spares included; units of the next hour are started before it.
Kinds that another betters in cost and capacity are left out, which changes no minimum; all n are tried.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from engine.arrays import Floats, Indices
from engine.choice.options import QUALITIES, Option, Options, Quality
from engine.fleet.search import SizedCandidates, search
from engine.fleet.size import replicas_for
from engine.question.demand import demand_of
from engine.question.lengths import Lengths, Strata
from engine.question.resolve import Question
from engine.workload import Term

PAYS = 0.02
"""Share of the bill that a second kind must save: two kinds are more to run than one."""
SPLITS = (0.5, 0.7, 0.87, 0.95, 0.985)
"""Shares of the prompts that go to the pool of short ones."""
TRIED = 6
"""Accelerators on which pools by length are sought: those of the best options."""


class Kind(Struct, frozen=True):
    """A way to serve at a price, in whole instances."""

    option: Option
    term: Term
    replicas: int
    """Of one unit: what one instance holds, or one replica of several instances."""
    capacity: float
    """Requests/s of one unit within the targets."""
    usd: float
    """A month of 730 h."""


class Line(Struct, frozen=True):
    """One kind in a fleet."""

    option: Option
    term: Term
    least: int
    """Replicas in the quietest hour."""
    most: int
    """Replicas in the busiest hour."""
    monthly_usd: float
    purpose: str


class Mixture(Struct, frozen=True):
    """A fleet of two kinds and what the best of one kind costs."""

    lines: tuple[Line, ...]
    monthly_usd: float
    alone: Line
    """The best fleet of one kind, on the same terms."""

    @property
    def saved_share(self) -> float:
        """Of the bill of the best fleet of one kind."""
        return 1 - self.monthly_usd / self.alone.monthly_usd


def kinds_of(found: Options, terms: Sequence[Term], quality: Quality = "own") -> tuple[Kind, ...]:
    """Return the kinds that may be mixed: priced, nothing against them, in weights no coarser than a quality."""
    coarsest = QUALITIES.index(quality)
    kinds = []
    for option in found.found:
        if option.offer is None or option.doubt or option.term not in terms:
            continue
        if QUALITIES.index(option.quality) > coarsest:
            continue
        size = option.accelerators // option.replicas
        together = max(1, option.offer.accelerators // size)
        sized = found.searched[option.search][1]
        usd = option.offer.monthly_usd(option.offer.instances_for(together, size))
        kinds.append(Kind(option, option.term, together, together * float(sized.capacity[option.row]), usd))
    return tuple(kinds)


def unbettered(kinds: Iterable[Kind], spares: int) -> tuple[Kind, ...]:
    """Return the kinds that no other betters: no less capacity for no more money, and with spares no larger replica."""
    kept: list[Kind] = []
    for kind in sorted(kinds, key=lambda one: (one.usd, -one.capacity)):
        one = kind.capacity / kind.replicas
        if not any(k.capacity >= kind.capacity and (not spares or k.capacity / k.replicas <= one) for k in kept):
            kept.append(kind)
    return tuple(kept)


def hourly_demand(question: Question) -> Floats:
    """Return requests/s of each hour of a day or a week, with the burst of its peak minute."""
    demand = demand_of(question.spec.traffic)
    return np.array(demand.hourly) * float(question.mean_rate or 0.0) * question.spec.traffic.burst


def best_mixture(kinds: Sequence[Kind], hourly: Floats, spares: int = 0) -> tuple[Mixture | None, Line | None]:
    """Return the cheapest fleet of two kinds and the cheapest of one; None where there is none.

    Args:
        kinds: on any terms; those on demand may also follow the hours.
        hourly: requests/s of each hour.
        spares: replicas that may be down while the demand is served.
    """
    by_term = {term: [kind for kind in kinds if kind.term == term] for term in {kind.term for kind in kinds}}
    held = unbettered((kind for some in by_term.values() for kind in some), spares)
    follow = unbettered(by_term.get("on_demand", ()), spares)
    alone = min(
        [*(_held(kind, hourly, spares) for kind in held), *(_followed(kind, hourly, spares) for kind in follow)],
        key=lambda line: line.monthly_usd,
        default=None,
    )
    if alone is None:
        return None, None
    pairs = [_pair(one, other, moves, hourly, spares) for one in held for other, moves in _others(held, follow)]
    best = min(filter(None, pairs), key=lambda pair: pair[0], default=None)
    return (Mixture(best[1], best[0], alone) if best else None), alone


def _others(held: Sequence[Kind], follow: Sequence[Kind]) -> Iterator[tuple[Kind, bool]]:
    yield from ((kind, False) for kind in held)
    yield from ((kind, True) for kind in follow)


def _with_spares(hourly: Floats, spares: int, *kinds: Kind) -> Floats:
    return hourly + spares * max(kind.capacity / kind.replicas for kind in kinds)


def _units(rest: Floats, kind: Kind) -> Floats:
    """Return whole units for a rest of the demand, as ``engine.fleet.size`` rounds."""
    return replicas_for(np.maximum(rest, 0.0), kind.capacity)


def _ahead(units: Floats) -> Floats:
    """Return units that are up in each hour: those of the next are started before it begins."""
    return np.maximum(units, np.roll(units, -1, axis=-1))


def _line(kind: Kind, units: Floats, purpose: str) -> Line:
    return Line(
        option=kind.option,
        term=kind.term,
        least=int(units.min()) * kind.replicas,
        most=int(units.max()) * kind.replicas,
        monthly_usd=float(units.mean()) * kind.usd,
        purpose=purpose,
    )


def _held(kind: Kind, hourly: Floats, spares: int) -> Line:
    units = _units(_with_spares(hourly, spares, kind).max(keepdims=True), kind)
    return _line(kind, np.maximum(units, 1.0), "all of the load, always on")


def _followed(kind: Kind, hourly: Floats, spares: int) -> Line:
    return _line(kind, np.maximum(_ahead(_units(_with_spares(hourly, spares, kind), kind)), 1.0), "all of the load")


def _pair(one: Kind, other: Kind, moves: bool, hourly: Floats, spares: int) -> tuple[float, tuple[Line, Line]] | None:
    """Return the cheapest fleet with some units of each of two kinds; None where one of them alone holds the demand."""
    wanted = _with_spares(hourly, spares, one, other)
    most = int(replicas_for(float(wanted.max()), one.capacity))
    if most < 2 and one.capacity >= wanted.max():
        return None
    counts = np.arange(1, max(most, 2))
    rest = wanted[None, :] - counts[:, None] * one.capacity
    units = _ahead(_units(rest, other)) if moves else _units(rest.max(axis=1, keepdims=True), other)
    usd = counts * one.usd + units.mean(axis=1) * other.usd
    usd = np.where(units.max(axis=1) > 0, usd, np.inf)
    at = int(np.argmin(usd))
    if not np.isfinite(usd[at]):
        return None
    base = _line(one, np.array([float(counts[at])]), "the base, always on")
    return float(usd[at]), (base, _line(other, units[at], "the peaks" if moves else "the rest, always on"))


class Split(Struct, frozen=True):
    """Two pools, one for short prompts and one for long ones, and what they cost."""

    share: float
    """Of the prompts that go to the pool of short ones."""
    longest_tokens: float
    """The longest of those."""
    short: tuple[Question, SizedCandidates, int]
    long: tuple[Question, SizedCandidates, int]
    """The question of a pool, its candidates, and the row of the best."""
    monthly_usd: float


def pools_by_length(question: Question, share: float) -> tuple[Question, Question, float] | None:
    """Return the questions of the pools of short and of long prompts, and the longest short prompt, tokens.

    None where no prompt is longer than another, or the question is of a closed loop.

    Args:
        question: of both together.
        share: of the prompts that are short, at least.
    """
    lengths, rate = question.lengths, question.spec.traffic.requests_per_s
    order = np.argsort(lengths.prompt.values)
    reached = np.cumsum(lengths.prompt.weights[order])
    at = int(np.searchsorted(reached, share - 1e-9)) + 1
    if rate is None or at >= len(order):
        return None

    def pool(rows: Indices) -> Question:
        weights = lengths.prompt.weights[rows]
        part = float(weights.sum())
        prompt = Strata(lengths.prompt.values[rows], weights / part)
        traffic = replace(question.spec.traffic, requests_per_s=rate * part)
        own = Lengths(prompt, lengths.computed[rows], lengths.output)
        return replace(question, lengths=own, spec=replace(question.spec, traffic=traffic))

    return pool(order[:at]), pool(order[at:]), float(lengths.prompt.values[order[at - 1]])


def best_split(found: Options, best: Option) -> Split | None:
    """Return the cheapest two pools by prompt length in the precision of the best option; None where there are none."""
    question = found.searched[best.search][0]
    same = (one for one in found.best("cost", best.term) if one.search == best.search and not one.doubt)
    names = dict.fromkeys(option.accelerator for option in same)
    tried = tuple(a for a in question.accelerators if a.id in list(names)[:TRIED])
    splits = []
    for share in SPLITS:
        pools = pools_by_length(replace(question, accelerators=tried), share)
        if pools is None:
            continue
        *sides, longest = pools
        sized = [(side, search(side)) for side in sides]
        if not all(len(one.order) for _, one in sized):
            continue
        rows = [int(min(one.order, key=lambda row: float(one.monthly_usd[row]))) for _, one in sized]
        usd = sum(float(one.monthly_usd[row]) for (_, one), row in zip(sized, rows, strict=True))
        short, long = ((side, one, row) for (side, one), row in zip(sized, rows, strict=True))
        splits.append(Split(share, longest, short, long, usd + question.spec.money.other_monthly_usd))
    return min(splits, key=lambda split: split.monthly_usd, default=None)
