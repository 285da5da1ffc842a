"""Which options nobody betters, what the runners-up lack, and what a looser limit would save."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from engine.choice.options import Objective, Option, Options
from engine.fleet.search import with_targets
from engine.workload import Target, target_name

LOOSER = (1.25, 2.0)
"""Times a target, as one would relax it in a review: by a quarter, and twofold."""


def pareto_front(options: Iterable[Option]) -> tuple[Option, ...]:
    """Return the options that no other is both cheaper and faster than, cheapest first; priced and measured ones."""
    front: list[Option] = []
    priced = (option for option in options if option.monthly_usd is not None and option.measured)
    for option in sorted(priced, key=lambda one: (one.measure("cost"), one.latency_s, one.accelerators)):
        if not front or option.latency_s < front[-1].latency_s:
            front.append(option)
    return tuple(front)


def runners_up(options: Sequence[Option], objective: Objective) -> tuple[tuple[Option, str], ...]:
    """Return the best of each other accelerator with the reason why it lost.

    Args:
        options: best first, as ``Options.best`` returns them.
        objective: by which they are ordered.
    """
    found: dict[str, Option] = {}
    for option in options:
        found.setdefault(option.accelerator, option)
    first, *others = found.values()
    return tuple((option, _why_lost(option, first, objective)) for option in others)


def _why_lost(option: Option, first: Option, objective: Objective) -> str:
    words = {"cost": "costs", "latency": "has a latency of", "energy": "uses", "count": "takes"}
    mine, best = option.measure(objective), first.measure(objective)
    if mine == float("inf"):
        return "no price is known" if objective == "cost" else "no figure is known"
    if not option.measured:
        how = f"{1 - mine / best:.0%} less" if mine < best else f"{mine / best - 1:.0%} more"
        return f"{words[objective]} {how} on paper, but no kernel of its architecture was measured"
    if mine <= best * 1.005:
        return "as good; " + ("slower" if option.latency_s > first.latency_s else "more accelerators")
    return f"{words[objective]} {mine / best - 1:.0%} more"


class Relaxation(Struct, frozen=True):
    """What a looser target would save."""

    target: str
    from_s: float
    to_s: float
    accelerators: int
    """Fewer; negative where the cheaper fleet has more, of a cheaper kind."""
    monthly_usd: float


def relaxations(options: Options, best: Option) -> tuple[Relaxation, ...]:
    """Return what each target saves a month where it alone is loosened, the most first; those that save nothing not.

    Args:
        options: all of them.
        best: the cheapest; others are sought in its precision and term's price.
    """
    if best.monthly_usd is None:
        return ()
    question, sized = next(pair for pair in options.searched if pair[0].weights.id == best.precision)
    targets = question.spec.targets
    found = []
    for target in targets:
        for times in LOOSER:
            looser = Target(metric=target.metric, percentile=target.percentile, seconds=target.seconds * times)
            again = with_targets(question, sized, [looser if one == target else one for one in targets])
            if not len(again.order):
                continue
            row = int(again.order[0])
            saved = best.monthly_usd - float(again.monthly_usd[row]) - question.spec.money.other_monthly_usd
            if saved > 0.005 * best.monthly_usd:
                found.append(
                    Relaxation(
                        target=target_name(target.metric, target.percentile),
                        from_s=target.seconds,
                        to_s=looser.seconds,
                        accelerators=best.accelerators - int(again.accelerators[row]),
                        monthly_usd=saved,
                    )
                )
                break
    return tuple(sorted(found, key=lambda one: -one.monthly_usd))
