"""Every way to serve a question, over precisions, terms and providers too, with what it costs, takes and uses."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.units import HOURS_PER_MONTH
from engine.fleet.energy import power_curve_for, power_share
from engine.fleet.offers import PricedOffer
from engine.fleet.operating_points import loads_today
from engine.fleet.prices import Choices, fleet_prices
from engine.fleet.search import SizedCandidates, doubt_of, has_evidence
from engine.plan import CapacityPlan
from engine.planning.default_targets import searched
from engine.question.resolve import Question, resolve
from engine.replica.latencies import mean_latency, percentile_latency, target_latency
from engine.workload import SPLIT, Target, Term, WorkloadSpec

Objective = Literal["cost", "latency", "energy", "count"]
TERMS: Final[tuple[Term, ...]] = ("on_demand", "reserved_1y", "reserved_3y", "spot")
MARKET: Final = 3
"""Providers that must offer an accelerator on demand for it to be recommended: a service may have to move."""
Quality = Literal["own", "eight bits", "fewer bits"]
"""Weights as they were published; in eight bits or more; in fewer than eight and than were published, which costs some
answers. Coarser ones are alternatives, as of a forecast: chosen only where nothing else holds."""
QUALITIES: Final[tuple[Quality, ...]] = ("own", "eight bits", "fewer bits")


class Way(Struct, frozen=True):
    """A fleet of like replicas on one kind of accelerator, and how it is rented."""

    accelerator: str
    accelerator_name: str
    precision: str
    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int
    expert_parallel: int
    replicas: int
    accelerators: int
    """Of the whole fleet."""
    term: Term


class Option(Way, frozen=True):
    """One way to serve the question that meets its targets, at the peak hour of today's fleet."""

    monthly_usd: float | None
    """On the usual price, see ``engine.fleet.offers``; where providers are named, the least bill of those."""
    provider: str
    region: str
    instance: str
    paid_accelerators: int
    """Of whole instances."""
    old_price: bool
    cheapest_usd: float | None
    """At the cheapest provider."""
    cheapest_provider: str
    ttft_p95_s: float
    itl_mean_s: float
    e2e_mean_s: float
    latency_s: float
    """What is set against money: the metric of the first stated target at its percentile, else the mean E2E."""
    kwh_per_month: float | None
    utilisation: float
    measured: bool
    """Kernels of the accelerator, or of another of its architecture, were measured."""
    doubt: str
    """What speaks against an accelerator that nobody named; empty where nothing does."""
    quality: Quality
    offer: PricedOffer | None
    """On which it is priced."""
    offers: tuple[PricedOffer, ...]
    """The least bill of each provider that has it, the cheapest first."""
    other_usd: float
    """Paid beside the accelerators in a month."""
    search: int
    row: int
    """Where it stands in ``Options.searched``."""

    @property
    def values(self) -> Mapping[str, Any]:
        """What flags say to ask for exactly this one, by the path of their field."""
        return {
            "hardware.accelerators": self.accelerator,
            "precision.weights": self.precision,
            **{f"serving.{name}": getattr(self, name) for name in SPLIT},
            "money.term": self.term,
        }

    def priced(self, offer: PricedOffer | None) -> "Option":
        """Return the same fleet at another provider; without an offer, with no price."""
        if offer is None:
            return replace(self, monthly_usd=None, provider="", region="", instance="", offer=None)
        instances = offer.instances_for(self.replicas, self.accelerators // self.replicas)
        return replace(
            self,
            monthly_usd=offer.monthly_usd(instances) + self.other_usd,
            provider=offer.provider,
            region=offer.region,
            instance=offer.instance,
            paid_accelerators=instances * offer.accelerators,
            old_price=offer.old,
            offer=offer,
        )

    def measure(self, objective: Objective) -> float:
        """Return what the objective makes small; infinite where it is not known."""
        by = {
            "cost": self.monthly_usd,
            "latency": self.latency_s,
            "energy": self.kwh_per_month,
            "count": float(self.accelerators),
        }
        value = by[objective]
        return float("inf") if value is None else value


def pinned(plan: CapacityPlan) -> WorkloadSpec:
    """Return the spec of a plan with what was chosen stated, so that a change of it moves nothing else."""
    chosen, spec = plan.chosen, plan.spec
    serving = replace(spec.serving, **{name: getattr(chosen, name) for name in SPLIT})
    hardware = replace(spec.hardware, accelerators=(chosen.accelerator,))
    precision = replace(spec.precision, weights=chosen.precision.weights)
    parts = plan.autoscaling.reaction_parts_s
    scaling = replace(spec.scaling, node_s=parts["node"], image_s=parts["image"])
    return replace(spec, hardware=hardware, precision=precision, serving=serving, scaling=scaling)


class Options(Struct, frozen=True):
    """All of them, and the searches that they come from."""

    found: tuple[Option, ...]
    searched: tuple[tuple[Question, SizedCandidates], ...]
    """One for each precision in which something fits."""

    def best(self, objective: Objective, term: Term) -> tuple[Option, ...]:
        """Return those of a term by an objective, best first.

        The weights as published come first; last are those in fewer bits, before them those that something speaks
        against, or nobody offers. Of equals a price that is not old comes first.
        """
        return tuple(sorted((option for option in self.found if option.term == term), key=ranking(objective)))

    def at_providers(self, objective: Objective, term: Term) -> tuple[Option, ...]:
        """Return the best of each provider, the best first."""
        found: dict[str, Option] = {}
        key = ranking(objective)
        for option in self.found:
            for offer in option.offers if option.term == term else ():
                there = found.get(offer.provider)
                one = option.priced(offer)
                if there is None or key(one) < key(there):
                    found[offer.provider] = one
        return tuple(sorted(found.values(), key=key))

    @property
    def ways(self) -> int:
        """How many there are: each accelerator, split, precision and term at each provider."""
        return sum(max(1, len(option.offers)) for option in self.found)


def ranking(objective: Objective) -> Callable[[Option], tuple[float, ...]]:
    """Return what options are sorted by, the best first."""
    others: tuple[Objective, ...] = ("cost", "count", "latency")

    def key(option: Option) -> tuple[float, ...]:
        return (
            QUALITIES.index(option.quality),
            bool(option.doubt),
            option.monthly_usd is None,
            option.measure(objective),
            option.old_price,
            *(option.measure(other) for other in others),
        )

    return key


def options(spec: WorkloadSpec, catalog: Catalog, *, terms: Sequence[Term] = TERMS, precisions: bool = True) -> Options:
    """Return every option for a spec: what it leaves open is tried, what it states is kept.

    Args:
        spec: the question; with a load, since a fleet that is given has no size to choose.
        terms: in which fleets may be paid, beside the spec's own; fleets that nobody offers so are left out.
        precisions: weights that nobody asked for in one are tried in others than they were published in.

    Raises:
        InputError: the spec has no load, or nothing of it can be resolved.
    """
    if spec.traffic.unstated:
        raise InputError("there is no load to choose a fleet for; give a rate, such as --rps 10")
    terms = tuple(dict.fromkeys((spec.money.term, *(() if spec.money.usd_per_accelerator_hour else terms))))
    questions = _questions(spec, catalog) if precisions else [resolve(spec, catalog)]
    ranked = tuple(searched(question) for question in questions)
    target = spec.targets[0] if spec.targets else None
    found = [option for which in range(len(ranked)) for option in _options(ranked, which, terms, target)]
    return Options(tuple(found), ranked)


def _questions(spec: WorkloadSpec, catalog: Catalog) -> list[Question]:
    """Return the question in its own precision, and in each other that is stored or made and that can be."""
    first = resolve(spec, catalog)
    if spec.precision.weights is not None:
        return [first]
    stored = (
        checkpoint.precision for checkpoint in first.model.checkpoints if checkpoint.precision in catalog.precisions
    )
    questions = [first]
    for precision in dict.fromkeys((*stored, *first.runtime.online)):
        if precision == first.weights.id:
            continue
        changed = replace(spec, precision=replace(spec.precision, weights=precision))
        with suppress(InputError):
            questions.append(resolve(changed, catalog))
    return questions


def _quality(question: Question, own: Question) -> Quality:
    if question.weights.id == own.weights.id:
        return "own"
    return "fewer bits" if question.weights.bits < min(8.0, own.weights.bits) else "eight bits"


def _options(
    ranked: Sequence[tuple[Question, SizedCandidates]], which: int, terms: Sequence[Term], target: Target | None
) -> Iterator[Option]:
    """Yield the candidates that meet the targets, in each term.

    Args:
        ranked: questions with the targets that hold for them, and their candidates, by precision.
        target: whose latency is set against money.
    """
    question, sized = ranked[which]
    quality = _quality(question, ranked[0][0])
    rows = [int(row) for row in sized.order]
    if not rows:
        return
    index = np.array(rows)
    replicas, load = loads_today(question, sized, index)
    ttft = percentile_latency(load, "ttft", 0.95)[:, 1]
    e2e, itl = mean_latency(load, "e2e"), mean_latency(load, "itl")[:, 1]
    latency = target_latency(load, target) if target else e2e
    saturated = replicas.saturated_rate[:, 0]
    busy = load.requests_per_s / saturated[:, None]
    in_flight = load.requests_per_s[:, 0] * e2e[:, 0]
    accelerators = sized.candidates.accelerators
    curves = {a.id: power_curve_for(a, question.catalog.power_curves.values()) for a in accelerators}
    measured = {a.id: has_evidence(question, a) for a in accelerators}
    doubts = {a.id: "" if question.spec.hardware.accelerators else doubt_of(question, a) for a in accelerators}
    spread, other = sized.candidates.parallelism, question.spec.money.other_monthly_usd
    priced = {term: _prices(question, sized, term) for term in terms}
    for at, row in enumerate(rows):
        accelerator = sized.candidates.accelerator(row)
        count, size = int(sized.counts.total[row]), int(spread.accelerators[row])
        for term in terms:
            choice = priced[term][row]
            if choice is None and term != question.spec.money.term:
                continue
            billed = choice.chosen.instances_for(count, size) * choice.chosen.accelerators if choice else count * size
            kwh = None
            if curve := curves[accelerator.id]:
                share = power_share(curve, float(in_flight[at]), float(busy[at, 0]))
                working = int(sized.counts.peak[row]) * size
                drawn = working * share + (billed - working) * curve.idle
                kwh = accelerator.power_w / 1000 * HOURS_PER_MONTH * drawn
            yield Option(
                accelerator=accelerator.id,
                accelerator_name=accelerator.name,
                precision=question.weights.id,
                **spread.sizes(row).split,
                replicas=count,
                accelerators=count * size,
                term=term,
                monthly_usd=_bill(choice.chosen, count, size, other) if choice else None,
                provider=choice.chosen.provider if choice else "",
                region=choice.chosen.region if choice else "",
                instance=choice.chosen.instance if choice else "",
                paid_accelerators=billed,
                old_price=choice.chosen.old if choice else False,
                cheapest_usd=_bill(choice.cheapest, count, size, other) if choice else None,
                cheapest_provider=choice.cheapest.provider if choice else "",
                ttft_p95_s=float(ttft[at]),
                itl_mean_s=float(itl[at]),
                e2e_mean_s=float(e2e[at, 1]),
                latency_s=float(latency[at, 1]),
                kwh_per_month=kwh,
                utilisation=float(busy[at, 1]),
                measured=measured[accelerator.id],
                doubt=doubts[accelerator.id],
                quality=quality,
                offer=choice.chosen if choice else None,
                offers=choice.by_provider if choice else (),
                other_usd=other,
                search=which,
                row=row,
            )


def _prices(question: Question, sized: SizedCandidates, term: Term) -> Choices:
    spec = question.spec
    if term == spec.money.term:
        return sized.offers
    changed = replace(spec, money=replace(spec.money, term=term))
    return fleet_prices(replace(question, spec=changed), sized.candidates, sized.counts)[1]


def _bill(offer: PricedOffer, replicas: int, size: int, other_usd: float) -> float:
    return offer.monthly_usd(offer.instances_for(replicas, size)) + other_usd
