"""Several workloads pooled, on shared cards or apart: every grouping of them, the cheapest of all."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Literal, get_args

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.choice.options import Option
from engine.choice.sharing.cards import How, SharedCards, shared_cards
from engine.choice.sharing.pool import Pool, pooled
from engine.choice.sharing.workloads import MOST_WORKLOADS, Conflict, Met, Workload, workload_of
from engine.question.releases import same_release
from engine.workload import WorkloadSpec

Kind = Literal["apart", "pooled", "adapters", "slices", "turns"]
_KINDS: tuple[Kind, ...] = get_args(Kind)
WORTH = 0.02
"""Share of the bill that sharing must save: a fleet that several depend on is more to run than their own."""


class Fleet(Struct, frozen=True):
    """One fleet of a grouping."""

    kind: Kind
    workloads: tuple[str, ...]
    monthly_usd: float
    of: Option | Pool | SharedCards
    met: tuple[Met, ...]
    """By each workload, in their order."""

    @property
    def accelerator(self) -> str:
        """Its id."""
        if isinstance(self.of, Pool):
            return self.of.candidate.accelerator(0).id
        return self.of.accelerator if isinstance(self.of, Option) else self.of.card.id

    @property
    def accelerators(self) -> int:
        """Of the fleet."""
        return self.of.cards if isinstance(self.of, SharedCards) else self.of.accelerators


class Grouping(Struct, frozen=True):
    """Fleets that serve every workload once."""

    fleets: tuple[Fleet, ...]

    @property
    def monthly_usd(self) -> float:
        """Of all fleets."""
        return sum(one.monthly_usd for one in self.fleets)

    @property
    def accelerators(self) -> int:
        """Of all fleets."""
        return sum(one.accelerators for one in self.fleets)

    @property
    def rank(self) -> tuple[float, int, int]:
        """Cheapest first; of equals fewer fleets, then engines that have whole cards."""
        return round(self.monthly_usd, 2), len(self.fleets), max(_KINDS.index(one.kind) for one in self.fleets)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """How workloads are together in it; apart alone where none is."""
        return tuple(dict.fromkeys(one.kind for one in self.fleets if one.kind != "apart")) or ("apart",)


class Refusal(Struct, frozen=True):
    """A way in which some workloads cannot be together, and why."""

    kind: Kind
    workloads: tuple[str, ...]
    why: str


class Together(Struct, frozen=True):
    """What was found for several workloads."""

    workloads: tuple[Workload, ...]
    best: Grouping
    """The cheapest, or apart where nothing saves more than ``WORTH``."""
    apart: Grouping
    others: tuple[Grouping, ...]
    """The cheapest of each other way, the cheapest first."""
    refusals: tuple[Refusal, ...]
    adapters: Grouping | None
    """One base for fine-tunes of it, if they are LoRA adapters, where that is cheaper than the best and nobody said
    that they are."""

    @property
    def saved_usd(self) -> float:
        """A month, against apart; never below 0."""
        return self.apart.monthly_usd - self.best.monthly_usd

    @property
    def over_budget(self) -> tuple[Fleet, ...]:
        """Those of the best that cost more than the budgets of their workloads together."""
        budgets = {one.name: one.question.spec.money.monthly_budget_usd for one in self.workloads}
        stated = [(fleet, [budgets[name] for name in fleet.workloads]) for fleet in self.best.fleets]
        return tuple(f for f, own in stated if None not in own and f.monthly_usd > sum(filter(None, own)))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Of the best, as a forecast of it warns."""
        facts = self.workloads[0].question.catalog.accelerators
        used = dict.fromkeys(fleet.accelerator for fleet in self.best.fleets)
        return (
            *(f"no kernel of {facts[id].name} was measured" for id in used if facts[id].kernels is not None),
            *(
                f"over the budget of {' and '.join(f.workloads)}: {f.monthly_usd:,.0f} USD a month"
                for f in self.over_budget
            ),
        )


def together(specs: Sequence[tuple[str, WorkloadSpec]], catalog: Catalog, *, adapters: bool = False) -> Together | str:
    """Return the cheapest way to serve several workloads; the name of one whose targets nothing meets alone.

    Args:
        specs: names and questions.
        adapters: models that share a base's dimensions are known to be LoRA adapters of it.

    Raises:
        InputError: too few or too many, one without a rate, names that the catalog does not know.
    """
    if not 2 <= len(specs) <= MOST_WORKLOADS:
        raise InputError(f"{len(specs)} workloads; from 2 to {MOST_WORKLOADS} are put together")
    workloads = []
    for name, spec in specs:
        one = workload_of(name, spec, catalog)
        if one is None:
            return name
        if one.best.monthly_usd is None:
            raise InputError(f"{name} has no price that could be compared; leave the provider, region or term open")
        workloads.append(one)
    return best_grouping(tuple(workloads), adapters=adapters)


def best_grouping(workloads: tuple[Workload, ...], *, adapters: bool = False) -> Together:
    """Return the cheapest grouping of workloads, and the cheapest of each other way.

    Args:
        workloads: each with its fleet alone.
        adapters: as in ``together``.
    """
    alone = [Fleet("apart", (one.name,), one.best.measure("cost"), one.best, (one.alone,)) for one in workloads]
    apart = Grouping(tuple(alone))
    fleets: dict[tuple[int, ...], list[Fleet]] = {(at,): [fleet] for at, fleet in enumerate(alone)}
    refusals: list[Refusal] = []
    based: list[Fleet] = []
    for some in _subsets(len(workloads)):
        members = tuple(workloads[at] for at in some)
        names = tuple(one.name for one in members)
        fleets[some] = []
        for kind, make in _ways(members, adapters=adapters):
            try:
                made = make()
            except Conflict as conflict:
                refusals.append(Refusal(kind, names, str(conflict)))
                continue
            fleets[some].append(Fleet(kind, names, made.monthly_usd, made, _met(made)))
        if _fine_tunes(members) and not adapters:
            try:
                made = pooled(members, adapters=True)
            except Conflict:
                continue
            based.append(Fleet("adapters", names, made.monthly_usd, made, made.met))
    groupings = [Grouping(tuple(chosen)) for chosen in _covers(len(workloads), fleets)]
    best = min(groupings, key=lambda one: one.rank)
    if best.monthly_usd > (1 - WORTH) * apart.monthly_usd:
        best = apart
    others: dict[tuple[Kind, ...], Grouping] = {}
    for one in sorted(groupings, key=lambda one: one.rank):
        others.setdefault(one.kinds, one)
    with_base = [
        Grouping((fleet, *(own for own in alone if own.workloads[0] not in fleet.workloads))) for fleet in based
    ]
    base = min(with_base, key=lambda one: one.monthly_usd, default=None)
    return Together(
        workloads=workloads,
        best=best,
        apart=apart,
        others=tuple(one for kinds, one in others.items() if kinds != best.kinds),
        refusals=tuple(refusals),
        adapters=base if base and base.monthly_usd < (1 - WORTH) * best.monthly_usd else None,
    )


def _met(made: Pool | SharedCards) -> tuple[Met, ...]:
    return made.met if isinstance(made, Pool) else tuple(share.met for share in made.shares)


def _subsets(count: int) -> Iterator[tuple[int, ...]]:
    for size in range(2, count + 1):
        yield from combinations(range(count), size)


def _ways(members: tuple[Workload, ...], *, adapters: bool) -> Iterator[tuple[Kind, Callable[[], Pool | SharedCards]]]:
    if adapters and (same_model(members) or _fine_tunes(members)):
        yield "adapters", lambda: pooled(members, adapters=True)
    elif same_model(members):
        yield "pooled", lambda: pooled(members)
    hows: tuple[How, ...] = ("slices", "turns")
    for how in hows:
        yield how, lambda how=how: shared_cards(members, how)  # type: ignore[misc]


def same_model(members: Sequence[Workload]) -> bool:
    """Return whether workloads are of one model: where both name a checkpoint, of the same release."""
    if len({one.question.model.id for one in members}) > 1:
        return False
    named = [one.question.checkpoint.repository for one in members if one.question.checkpoint]
    return all(same_release(named[0], other) for other in named[1:])


def _fine_tunes(members: Sequence[Workload]) -> bool:
    """Return whether workloads are of different models with the dimensions of one, as fine-tunes of a base are."""
    shapes = {(m.layers, m.hidden_size, m.vocabulary) for m in (one.question.model for one in members)}
    return len(shapes) == 1 and not same_model(members)


def _covers(count: int, fleets: dict[tuple[int, ...], list[Fleet]]) -> Iterator[list[Fleet]]:
    """Yield every choice of fleets that serves each workload exactly once."""

    def rest(left: frozenset[int]) -> Iterator[list[Fleet]]:
        if not left:
            yield []
            return
        first = min(left)
        for some, made in fleets.items():
            if first in some and left.issuperset(some):
                for tail in rest(left - set(some)):
                    yield from ([fleet, *tail] for fleet in made)

    return rest(frozenset(range(count)))
