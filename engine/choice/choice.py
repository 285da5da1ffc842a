"""The best way to serve a question by an objective, with all that is said beside it."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.records.accelerators import Accelerator
from engine.choice.advice import Advice, advice, latency_class
from engine.choice.front import Relaxation, binding, pareto_front, relaxations, runners_up, unable
from engine.choice.mixed import PAYS, Mixture, Split, best_mixture, best_split, hourly_demand, kinds_of
from engine.choice.options import MARKET, Objective, Option, options
from engine.workload import WorkloadSpec


class Choice(Struct, frozen=True):
    """What was found for a spec."""

    spec: WorkloadSpec
    objective: Objective
    best: Option
    doubts: tuple[str, ...]
    """What there is to ask about the best, where nobody named accelerators: who sells it, what was measured of it."""
    trusted: Option | None
    """The best of those about which there is nothing to ask; None where there is none, or nothing to ask."""
    runners_up: tuple[tuple[Option, str], ...]
    by_term: tuple[Option, ...]
    """The best of each term, the spec's own first."""
    by_precision: tuple[Option, ...]
    by_provider: tuple[Option, ...]
    unable: tuple[tuple[str, str], ...]
    """Accelerators on which nothing meets the question, each with the reason."""
    binds: str
    latency_class: str
    """In words, by the targets that hold: those that were stated, or the default ones."""
    front: tuple[Option, ...]
    relaxations: tuple[Relaxation, ...]
    advice: tuple[Advice, ...]
    mixture: Mixture | None
    """Two kinds, where they cost less than the best of one."""
    split: Split | None
    """Two pools by the length of prompts, where they cost less than one."""
    tried: int

    @property
    def over_budget_usd(self) -> float:
        """What the best costs a month beyond the budget, which nothing keeps then; 0 within it, or without one."""
        return max((self.best.monthly_usd or 0.0) - (self.spec.money.monthly_budget_usd or float("inf")), 0.0)

    @property
    def least(self) -> Option | None:
        """The least bill at one provider; None where the best is no dearer."""
        priced = [option for option in self.by_provider if option.monthly_usd is not None]
        least = min(priced, key=lambda option: option.measure("cost"), default=None)
        return least if least and least.measure("cost") < self.best.measure("cost") else None


def choice(spec: WorkloadSpec, catalog: Catalog, objective: Objective) -> Choice | None:
    """Return the best way to serve a spec within its budget; None where nothing meets it.

    Where nothing keeps the budget, the best is the cheapest, whatever the objective.

    Raises:
        InputError: the spec has no load, or nothing of it can be resolved.
    """
    found = options(spec, catalog)
    term = spec.money.term
    ranked = found.best(objective, term)
    if not ranked:
        return None
    if (budget := spec.money.monthly_budget_usd) is not None:
        within = tuple(one for one in ranked if one.measure("cost") <= budget)
        objective = objective if within else "cost"
        ranked = within or found.best("cost", term)
    facts = catalog.accelerators if not spec.hardware.accelerators else {}
    doubts = _doubts(ranked[0], facts)
    best, terms = ranked[0], dict.fromkeys((term, *(option.term for option in found.found)))
    mixture = split = None
    if spec.traffic.requests_per_s is not None and best.monthly_usd is not None:
        kinds = kinds_of(found, (term, *(("reserved_1y",) if term == "on_demand" else ())), best.quality)
        mixture, _ = best_mixture(kinds, hourly_demand(found.searched[0][0]), spec.availability.spare_replicas)
        split = best_split(found, best)
    return Choice(
        spec=spec,
        objective=objective,
        best=best,
        doubts=doubts,
        trusted=next((one for one in ranked if one.monthly_usd and not _doubts(one, facts)), None) if doubts else None,
        runners_up=runners_up(found, ranked, objective),
        by_term=tuple(found.best(objective, one)[0] for one in terms),
        by_precision=_firsts(ranked),
        by_provider=found.at_providers(objective, term),
        unable=unable(found),
        binds=binding(found, best),
        latency_class=latency_class(spec, found.searched[best.search][0].spec.targets),
        front=pareto_front(ranked),
        relaxations=relaxations(found, best),
        advice=advice(found, best) if best.monthly_usd is not None else (),
        mixture=mixture if mixture and mixture.saved_share > PAYS else None,
        split=split if split and split.monthly_usd < (1 - PAYS) * best.measure("cost") else None,
        tried=found.ways,
    )


def _doubts(option: Option, facts: Mapping[str, Accelerator]) -> tuple[str, ...]:
    """Return what there is to ask about an option; nothing of accelerators that are not among the facts.

    Args:
        option: of one term.
        facts: accelerators that nobody named.
    """
    accelerator, sellers = facts.get(option.accelerator), {offer.provider for offer in option.offers}
    if accelerator is None:
        return ()
    said = []
    if len(sellers) < MARKET:
        said.append(
            f"{' and '.join(sorted(sellers)) or 'nobody'} alone {'sell' if len(sellers) > 1 else 'sells'} it here"
        )
    if accelerator.kernels is not None:
        said.append(f"no kernel of it was measured (taken from {facts[accelerator.kernels].name})")
    return tuple(said)


def _firsts(ranked: Iterable[Option]) -> tuple[Option, ...]:
    """Return the first of each precision, in their order."""
    found: dict[str, Option] = {}
    for option in ranked:
        found.setdefault(option.precision, option)
    return tuple(found.values())
