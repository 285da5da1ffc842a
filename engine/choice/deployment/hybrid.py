"""Bills of fleets with an API behind them: what exceeds the fleet, a share of the requests, or a class of them."""

from math import ceil
from typing import Final

from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.api_prices import ApiModel, TokenCounts
from catalogs.units import show_percent
from engine.choice.deployment.api import ApiPrice
from engine.choice.deployment.bills import Bill, BillLine, Work
from engine.choice.deployment.renting import rented
from engine.choice.deployment.served import Served, served_by
from engine.plan import CapacityPlan, NoPlan
from engine.question.lengths import strata
from engine.question.resolve import resolve
from engine.workload import TokenDistribution

UNKNOWN_LATENCY = "the provider's, unknown here"


def behind_api(work: Work, price: ApiPrice) -> Bill:
    """Return the bill of an API that answers everything."""
    return Bill(
        "api",
        f"API: {price.model}",
        (_calls_line(work, price, 1.0),),
        replace(work, within=None),
        None,
        infeasible=_too_long(price),
        latency=UNKNOWN_LATENCY,
        notes=(f"prices of {price.checked}; limits on rates are the provider's",),
    )


def overflow(served: Served, price: ApiPrice) -> Bill:
    """Return the cheapest bill of a smaller fleet on demand, always on, whose excess goes to an API hour by hour.

    Args:
        served: the fleet for everything; its spares stay.
    """
    rates = [served.calls_per_s * rate for rate in served.hourly]
    best: Bill | None = None
    for count in range(1, served.replicas - served.spares + 1):
        held = count * served.capacity_rps
        beyond = sum(max(0.0, rate - held) for rate in rates) / sum(rates)
        kept = replace(served, peak=count * served.capacity_rps / served.calls_per_s, added=0, minimum=1)
        fleet = rented(kept, "on_demand")
        if fleet.infeasible:
            return replace(fleet, mode="overflow", title="fleet, API beyond")
        used = min(1.0, (1 - beyond) * served.calls_per_s / ((count + served.spares) * served.capacity_rps))
        bill = replace(
            _with_api(fleet, served.work, _calls_line(served.work, price, beyond), beyond, price.model),
            mode="overflow",
            title=f"fleet of {count + served.spares}, API beyond",
            utilisation=used,
            infeasible=_too_long(price),
        )
        if best is None or bill.monthly_usd < best.monthly_usd:
            best = bill
    assert best is not None  # a fleet has a replica
    return best


def shared(served: Served, price: ApiPrice, share: float) -> Bill:
    """Return the bill where a share of the requests, as they come, goes to an API, the fleet on demand.

    Args:
        served: the fleet for everything.
        share: of the requests that goes there, 0 to 1.
    """
    own = served.at(served.work.requests_per_s * (1 - share))
    fleet = rented(own, "on_demand") if share < 1 else Bill("rent", "", (), served.work, None)
    bill = _with_api(fleet, served.work, _calls_line(served.work, price, share), share, price.model)
    title = f"fleet, {show_percent(share)} to the API"
    return replace(bill, mode="share", title=title, infeasible=fleet.infeasible or _too_long(price))


def _with_api(fleet: Bill, work: Work, calls: BillLine, share: float, model: str) -> Bill:
    """Return a fleet's bill with that of the share of the requests that a model behind an API answers.

    Args:
        fleet: for the others.
        work: of all requests.
        calls: what the API is paid.
        share: of the requests, 0 to 1.
        model: by its name.
    """
    latency = f"{show_percent(share)} of the requests go to {model}, whose latency is unknown here"
    return replace(fleet, lines=(*fleet.lines, calls), work=replace(work, within=None), latency=latency)


def _calls_line(work: Work, price: ApiPrice, share: float) -> BillLine:
    calls = work.calls * share
    return BillLine(
        f"API {price.model} ({price.provider})",
        calls * price.call_usd,
        "running",
        f"{ceil(calls):,} calls × ${price.call_usd:.4g}",
        f"{price.source}, {price.checked}",
    )


def _too_long(price: ApiPrice) -> str:
    if price.too_long <= 0:
        return ""
    return f"{show_percent(price.too_long)} of the prompts are longer than {price.model} reads"


THOUSANDTHS: Final = tuple(place / 1000 for place in range(1001))
"""Parts of the prompts from which the share beyond a length is counted."""


def by_prompt_length(plan: CapacityPlan, catalog: Catalog, model: ApiModel, longest: float) -> Bill:
    """Return the bill where prompts beyond a length go to an API, the fleet, on demand, is for the others alone.

    Args:
        plan: of all requests.
        longest: tokens of a prompt that the fleet still answers.

    Raises:
        InputError: all prompts are of one of both classes.
    """
    from engine.method import forecast  # the plan of the shorter ones

    question, spec = resolve(plan.spec, catalog), plan.spec
    prompts = strata(spec.tokens.input, question.context_limit - 1, THOUSANDTHS)
    ranked = list(zip(prompts.values.tolist(), prompts.weights.tolist(), strict=True))
    beyond = [(tokens, weight) for tokens, weight in ranked if tokens > longest]
    share = sum(weight for _, weight in beyond)
    if not 0 < share < 1:
        least, most = ranked[0][0], ranked[-1][0]
        raise InputError(f"a length of {longest:g} tokens parts no prompts; {least:.0f} to {most:.0f} would")
    kept = [tokens for tokens, _ in ranked if tokens <= longest]
    tokens = replace(spec.tokens, input=TokenDistribution(mean=sum(kept) / len(kept), values=tuple(kept)))
    rate = spec.traffic.requests_per_s or 0.0
    smaller = replace(spec, tokens=tokens, traffic=replace(spec.traffic, requests_per_s=rate * (1 - share)))
    own = forecast(smaller, catalog, verify=False)
    title = f"fleet up to {longest:g} tokens, API beyond"
    work = served_by(plan, catalog).work
    if isinstance(own, NoPlan):
        return Bill("class", title, (), work, None, infeasible=own.sentence)
    fleet = rented(served_by(own, catalog), "on_demand")
    cached = spec.tokens.prefix_hit
    each = sum(
        weight * (model.call_usd(TokenCounts(tokens, question.lengths.output.mean, tokens * cached)) or 0.0)
        for tokens, weight in beyond
    )
    line = BillLine(
        f"API {model.id} ({model.provider})",
        work.calls * each,
        "running",
        f"{show_percent(share)} of the calls × ${each / share:.4g}",
        f"{model.source}, {model.checked.isoformat()}",
    )
    return replace(_with_api(fleet, work, line, share, model.id), mode="class", title=title)
