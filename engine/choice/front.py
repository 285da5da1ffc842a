"""Which options nobody betters, why the others lost, what binds, and what relaxing a constraint would save."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.units import TERM_WORDS, show_count, show_percent, show_seconds
from engine.choice.options import Objective, Option, Options, ranking
from engine.fleet.capacity import replica_capacity
from engine.fleet.search import SizedCandidates, array_of_one, with_targets
from engine.fleet.useful_load import latency_floors
from engine.question.resolve import Question
from engine.workload import ANY_PROVIDER, Target

LOOSER = (1.25, 2.0)
"""Times a target, as one would relax it in a review: by a quarter, and twofold."""
FULLER = 0.95
"""Share of the saturated rate, in place of a lower ceiling."""
WORTH = 0.005
"""Share of the bill below which a saving is no reason to relax anything."""
WORDS: dict[Objective, str] = {"cost": "costs", "latency": "has a latency of", "energy": "uses", "count": "takes"}


def pareto_front(options: Iterable[Option]) -> tuple[Option, ...]:
    """Return the options that no other is both cheaper and faster than, cheapest first.

    Of those only that have a price and nothing against them, in no fewer bits than was asked for.
    """
    front: list[Option] = []
    able = (o for o in options if o.monthly_usd is not None and not o.doubt and o.quality != "fewer bits")
    for option in sorted(able, key=lambda one: (one.measure("cost"), one.latency_s, one.accelerators)):
        if not front or option.latency_s < front[-1].latency_s:
            front.append(option)
    return tuple(front)


def runners_up(found: Options, ranked: Sequence[Option], objective: Objective) -> tuple[tuple[Option, str], ...]:
    """Return the best of each other accelerator with the reason why it lost.

    Args:
        found: all options.
        ranked: best first, as ``Options.best`` returns them.
    """
    best: dict[str, Option] = {}
    for option in ranked:
        best.setdefault(option.accelerator, option)
    first, *others = best.values()
    return tuple((option, _why_lost(found, option, first, objective)) for option in others)


def _why_lost(found: Options, option: Option, first: Option, objective: Objective) -> str:
    mine, best = option.measure(objective), first.measure(objective)
    if mine == float("inf"):
        return "no price is known" if objective == "cost" else "no figure is known"
    if option.quality == "fewer bits" and first.quality != "fewer bits":
        return f"holds it only in {option.precision.upper()}, with fewer bits than was asked for"
    if option.doubt:
        how = f"{1 - mine / best:.0%} less" if mine < best else f"{mine / best - 1:.0%} more"
        return f"{WORDS[objective]} {how} on paper, but {option.doubt}"
    if mine <= best * (1 + WORTH):
        return "as good; " + ("slower" if option.latency_s > first.latency_s else "more accelerators")
    return f"{WORDS[objective]} {mine / best - 1:.0%} more{_made_of(option, first)}; {binding(found, option)}"


def _made_of(option: Option, first: Option) -> str:
    """Return what a dearer bill is made of: accelerators, their price, and those that are paid and idle."""
    if option.monthly_usd is None or first.monthly_usd is None or option.accelerator == first.accelerator:
        return ""
    prices = [(one.monthly_usd - one.other_usd) / one.paid_accelerators for one in (option, first) if one.monthly_usd]
    count, price = option.accelerators / first.accelerators, prices[0] / prices[1]
    idle = option.paid_accelerators - option.accelerators
    paid = f", and {show_count(idle)} of {show_count(option.paid_accelerators)} idle" if idle else ""
    return f": {count:.2g} × the accelerators at {price:.2g} × the price{paid}"


def binding(found: Options, option: Option) -> str:
    """Return what limits a replica of an option, as a sentence's end: 'ITL p95 binds'."""
    question, sized = found.searched[option.search]
    limit = replica_capacity(question, array_of_one(sized, option.row)).binds
    return f"{limit} binds"


class Relaxation(Struct, frozen=True):
    """What a looser constraint would save."""

    constraint: str
    """What is relaxed: a target, the provider, the term …"""
    from_: str
    to: str
    to_s: float | None
    """A target's looser limit, seconds."""
    accelerators: int
    """Fewer; negative where the cheaper fleet has more, of a cheaper kind."""
    monthly_usd: float


def relaxations(found: Options, best: Option) -> tuple[Relaxation, ...]:
    """Return what each constraint saves a month where it alone is loosened, the most first, where it saves anything.

    Args:
        found: all options.
        best: the cheapest; looser targets are sought in its precision.
    """
    if best.monthly_usd is None:
        return ()
    saved = (one for one in _relaxed(found, best) if one.monthly_usd > WORTH * best.monthly_usd)
    return tuple(sorted(saved, key=lambda one: -one.monthly_usd))


def _relaxed(found: Options, best: Option) -> Iterator[Relaxation]:
    question, sized = found.searched[best.search]
    yield from _looser_targets(question, sized, best)
    serving = question.spec.serving
    if serving.utilisation_ceiling < FULLER:
        fuller = replace(question.spec, serving=replace(serving, utilisation_ceiling=FULLER))
        again = with_targets(replace(question, spec=fuller), sized, question.spec.targets)
        was, now = show_percent(serving.utilisation_ceiling), show_percent(FULLER)
        yield from _cheaper(best, question, again, "share of the saturated rate", was, now)
    term, key = best.term, ranking("cost")
    for other in dict.fromkeys(option.term for option in found.found if option.term != term):
        one = min((option for option in found.found if option.term == other), key=key)
        yield from _other(best, one, "term", TERM_WORDS[term], TERM_WORDS[other])
    if question.spec.money.provider != ANY_PROVIDER:
        anywhere = sorted(found.at_providers("cost", term), key=lambda one: one.old_price)
        if anywhere:
            was = f"the usual price ({best.provider})" if question.spec.money.provider is None else best.provider
            yield from _other(best, anywhere[0], "provider", was, anywhere[0].provider)
    fewer = [o for o in found.found if o.term == term and o.quality == "fewer bits" and not o.doubt]
    if fewer and best.quality != "fewer bits":
        one = min(fewer, key=lambda option: option.measure("cost"))
        yield from _other(best, one, "precision", best.precision.upper(), one.precision.upper())
    desktops = [o for o in found.found if o.term == term and o.quality != "fewer bits" and o.measured and o.doubt]
    if desktops and not best.doubt:
        one = min(desktops, key=lambda option: option.measure("cost"))
        yield from _other(best, one, "accelerator", best.accelerator_name, f"{one.accelerator_name}, for desktops")


def _other(best: Option, one: Option, what: str, was: str, now: str) -> Iterator[Relaxation]:
    if one.monthly_usd is not None and best.monthly_usd is not None:
        saved = best.monthly_usd - one.monthly_usd
        yield Relaxation(what, was, now, None, best.accelerators - one.accelerators, saved)


def _looser_targets(question: Question, sized: SizedCandidates, best: Option) -> Iterator[Relaxation]:
    targets = question.spec.targets
    for target in targets:
        for times in LOOSER:
            looser = Target(metric=target.metric, percentile=target.percentile, seconds=target.seconds * times)
            again = with_targets(question, sized, [looser if one == target else one for one in targets])
            name, was, now = target.name, target.seconds, looser.seconds
            yields = list(_cheaper(best, question, again, name, show_seconds(was), show_seconds(now), now))
            yield from yields
            if yields and yields[0].monthly_usd > WORTH * (best.monthly_usd or 0.0):
                break


def _cheaper(
    best: Option,
    question: Question,
    again: SizedCandidates,
    what: str,
    was: str,
    now: str,
    seconds: float | None = None,
) -> Iterator[Relaxation]:
    if best.monthly_usd is None or not len(again.order):
        return
    row = int(again.order[0])
    saved = best.monthly_usd - float(again.monthly_usd[row]) - question.spec.money.other_monthly_usd
    fewer = best.accelerators - int(again.accelerators[row])
    yield Relaxation(what, was, now, seconds, fewer, saved)


def unable(found: Options) -> tuple[tuple[str, str], ...]:
    """Return the accelerators on which nothing meets the question, each with the reason of its nearest candidate.

    Those that are rented by most providers come first, those for desktops last: why not these is what is asked.
    """
    able = {option.accelerator for option in found.found}
    reasons: dict[str, str] = {}
    for question, sized in found.searched:
        missed = _missed(question, sized)
        for accelerator in question.accelerators:
            if accelerator.id in able or accelerator.id in reasons:
                continue
            short = [one for one in sized.rejected if one.what.startswith(accelerator.name)]
            if reason := missed.get(accelerator.id) or (short[-1].reason if short else ""):
                reasons[accelerator.id] = reason
    if not found.searched:
        return ()
    catalog = found.searched[0][0].catalog
    offers = catalog.offers_by_accelerator

    def rank(name: str) -> tuple[bool, int, str]:
        sellers = {offer.provider for offer in offers[name].offers} if name in offers else ()
        return catalog.accelerators[name].consumer, -len(sellers), name

    return tuple((catalog.accelerators[name].name, reasons[name]) for name in sorted(reasons, key=rank))


def _missed(question: Question, sized: SizedCandidates) -> dict[str, str]:
    """Return for each accelerator that holds the model and meets no target which one it misses by how little."""
    if not question.spec.targets or not len(sized.candidates):
        return {}
    floors = latency_floors(sized.lightest, question.spec.targets)
    over = np.array([floor / t.seconds for floor, t in zip(floors, question.spec.targets, strict=True)])
    missed: dict[str, str] = {}
    for which, accelerator in enumerate(sized.candidates.accelerators):
        rows = np.flatnonzero(sized.candidates.which == which)
        if len(rows):
            row = rows[int(np.argmin(over[:, rows].max(axis=0)))]
            at = int(np.argmax(over[:, row]))
            target = question.spec.targets[at]
            name = target.name
            alone = show_seconds(float(floors[at][row]))
            near = ", too near for a load" if over[at, row] <= 1 else ""
            missed[accelerator.id] = (
                f"{name} is {alone} with one request alone, {show_seconds(target.seconds)} is asked{near}"
            )
    return missed
