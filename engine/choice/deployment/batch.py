"""Work that must be done by a deadline and that nobody waits for: so many requests, GPUs and hours, spot first."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed
from catalogs.records.api_prices import ApiModel
from catalogs.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, show_seconds
from engine.choice.deployment.api import ApiPrice, api_price
from engine.choice.options import QUALITIES, Option, Options, Quality, Way, options
from engine.method import forecast
from engine.plan import NoPlan
from engine.planning.thresholds import start_s
from engine.question.resolve import resolve
from engine.workload import Availability, Term, Traffic, WorkloadSpec

FULL: Final = 0.95
"""Share of its saturated rate at which a replica works through a queue: the rest is the queue's beginning and end."""
TERMS: Final[tuple[Term, ...]] = ("spot", "on_demand")
"""Spot first: a queue waits for an instance that was taken away. Reservations outlast a batch."""


class BatchOption(Way, frozen=True):
    """One way to get through it."""

    provider: str
    hours: float
    """From the first node to the last answer."""
    accelerator_hours: float
    cost_usd: float
    start_s: float
    """Until the first request runs, in the hours: a node, its image, the weights, warming up."""
    doubt: str
    """What speaks against an accelerator that nobody named; empty where nothing does."""
    quality: Quality


class ApiBatch(Struct, frozen=True):
    """The same work through an API."""

    price: ApiPrice
    batch_usd: float | None
    """In its batch service."""
    usd: float


class BatchPlan(Struct, frozen=True):
    """What a batch takes."""

    model: str
    requests: float
    calls: float
    input_tokens: float
    """Of all of it."""
    output_tokens: float
    deadline_hours: float
    requests_per_s: float
    """That get it done just in time."""
    best: tuple[BatchOption, ...]
    """The cheapest of each term, spot first."""
    others: tuple[BatchOption, ...]
    """The cheapest on each other accelerator, at the first term."""
    apis: tuple[ApiBatch, ...]
    coarser: BatchOption | None
    """Weights in fewer bits than were published, where they cost less; whether answers stay good is to be tested."""
    within_budget: bool | None
    """Null where none was given."""
    why_not: str
    """Why there is no best."""


def batch_spec(spec: WorkloadSpec, requests: float, deadline_s: float) -> WorkloadSpec:
    """Return the question of a batch: an even rate, no targets nor usual ones, no spares, replicas kept full.

    Args:
        spec: what is asked of the model and its serving.
    """
    traffic = Traffic(
        requests_per_s=requests / deadline_s, peak_factor=1.0, calls_per_request=spec.traffic.calls_per_request
    )
    serving = replace(spec.serving, utilisation_ceiling=FULL)
    nobody_waits = replace(spec, targets=(), default_targets="none")
    return replace(nobody_waits, traffic=traffic, serving=serving, availability=Availability())


def batch_plan(
    spec: WorkloadSpec, requests: float, deadline_s: float, catalog: Catalog, apis: Sequence[ApiModel] = ()
) -> BatchPlan:
    """Return what a batch takes: on each term the cheapest way, other accelerators, and APIs beside it.

    Args:
        spec: what is asked of the model and its serving; its rate is not looked at.

    Returns:
        A plan; ``best`` is empty where nothing holds the model.
    """
    question = resolve(spec, catalog)
    lengths, usual_s = question.lengths, start_s(question, None)
    if deadline_s <= usual_s:
        raise InputError(
            f"the deadline, {show_seconds(deadline_s)}, is over before a replica serves: a node, its image and the "
            f"weights take {show_seconds(usual_s)} (--node-start, --image-start)"
        )
    asked = batch_spec(spec, requests, deadline_s - usual_s)
    terms = ("spot",) if spec.money.term == "spot" else TERMS
    found = options(asked, catalog, terms=terms)
    of_term = {term: [one for one in found.found if one.term == term] for term in terms}
    ways = {term: _ranked(found, some, deadline_s, usual_s) for term, some in of_term.items()}
    best = tuple(ranked[0] for ranked in ways.values() if ranked)
    coarser = [way for ranked in ways.values() for way in ranked if way.quality != "own" and not way.doubt]
    cheapest = min(coarser, key=lambda way: way.cost_usd, default=None)
    budget = spec.money.monthly_budget_usd
    first: dict[str, BatchOption] = {}
    for way in next((ranked for ranked in ways.values() if ranked), []):
        first.setdefault(way.accelerator, way)
    calls = requests * asked.traffic.calls_per_request
    prices = [api_price(model, lengths, asked.tokens.prefix_hit) for model in apis]
    return BatchPlan(
        model=asked.model,
        requests=requests,
        calls=calls,
        input_tokens=calls * lengths.prompt.mean,
        output_tokens=calls * lengths.output.mean,
        deadline_hours=deadline_s / SECONDS_PER_HOUR,
        requests_per_s=requests / deadline_s,
        best=best,
        coarser=cheapest if best and cheapest and cheapest.cost_usd < best[0].cost_usd else None,
        within_budget=None if budget is None or not best else best[0].cost_usd <= budget,
        why_not="" if best else _why_not(asked, catalog),
        others=tuple(first.values())[1:],
        apis=tuple(_through_api(price, calls) for price in prices),
    )


def _through_api(price: ApiPrice, calls: float) -> ApiBatch:
    in_batch = None if price.batch_call_usd is None else calls * price.batch_call_usd
    return ApiBatch(price, in_batch, calls * price.call_usd)


def _why_not(asked: WorkloadSpec, catalog: Catalog) -> str:
    """Return why nothing does a batch in time, and what would."""
    plan = forecast(asked, catalog, verify=False)
    if isinstance(plan, NoPlan):
        return plan.sentence
    if plan.answer.meets_targets:
        return plan.cost.note or "nobody offers it on the terms that are asked for"
    first = plan.rejected[0]
    ways = [way for way in first.relaxations if not way.startswith("--rps")]
    return f"{first.reason}{f'; enough would be {listed(ways)}' if ways else ''}"


def _ranked(found: Options, some: Sequence[Option], deadline_s: float, usual_s: float) -> list[BatchOption]:
    """Return the options that have a price and are done in time, cheapest first; those that something speaks against,
    and coarser weights, last.

    Args:
        found: all of them, with their searches.
        some: those of a term.
        deadline_s: from now.
        usual_s: of it, for the start.
    """
    ways = []
    for one in some:
        if one.monthly_usd is None:
            continue
        until_s = start_s(found.searched[one.search][0], one.provider)
        # A fleet in whole replicas is done before the deadline, and given back.
        hours = ((deadline_s - usual_s) * min(1.0, one.utilisation / FULL) + until_s) / SECONDS_PER_HOUR
        if hours * SECONDS_PER_HOUR > deadline_s * (1 + 1e-9):
            continue
        ways.append(
            BatchOption(
                **{name: getattr(one, name) for name in Way.__struct_fields__},
                provider=one.provider,
                hours=hours,
                accelerator_hours=hours * one.accelerators,
                cost_usd=one.monthly_usd / HOURS_PER_MONTH * hours,
                start_s=until_s,
                doubt=one.doubt,
                quality=one.quality,
            )
        )
    return sorted(ways, key=lambda way: (QUALITIES.index(way.quality), bool(way.doubt), way.cost_usd, way.accelerators))
