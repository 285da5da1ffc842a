"""What to serve a whole case on: the cheapest fleet that the market offers, the runners-up and why, APIs beside it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.records.api_prices import ApiModel
from catalogs.units import SECONDS_PER_MONTH, show_percent, show_seconds, show_usd
from engine.choice.deployment.api import ApiPrice, api_price
from engine.choice.front import runners_up
from engine.choice.options import MARKET, Option, options
from engine.plan import split_shown
from engine.question.resolve import resolve
from engine.workload import Term, WorkloadSpec

TERMS: Final[tuple[Term, ...]] = ("on_demand", "spot", "reserved_1y")


class ApiMonth(Struct, frozen=True):
    """A month of the same service through an API."""

    price: ApiPrice
    monthly_usd: float


class Recommendation(Struct, frozen=True):
    """What to serve a case on."""

    best: Option | None
    """None where nothing that the market offers meets the targets."""
    runners_up: tuple[tuple[Option, str], ...]
    by_term: tuple[Option, ...]
    """The same fleet at other terms."""
    apis: tuple[ApiMonth, ...]
    """Cheapest first."""
    reasons: tuple[str, ...]
    tried: int


def on_the_market(catalog: Catalog) -> tuple[str, ...]:
    """Return the accelerators that several providers rent on demand, by id."""
    providers: dict[str, set[str]] = defaultdict(set)
    for offer in catalog.offers:
        if offer.on_demand_usd_per_hour is not None and offer.sold_as == "on demand":
            providers[offer.accelerator].add(offer.provider)
    return tuple(id for id, sellers in providers.items() if len(sellers) >= MARKET)


def of_the_market(spec: WorkloadSpec, catalog: Catalog) -> WorkloadSpec:
    """Return a question that is answered by what several providers rent, where it names no accelerator.

    The others are excluded: to name those that remain would be to vouch for them, unmeasured ones and desktops' too.
    """
    if spec.hardware.accelerators:
        return spec
    rented = on_the_market(catalog)
    others = tuple(id for id in catalog.accelerators if id not in rented)
    return replace(spec, hardware=replace(spec.hardware, excluded=(*spec.hardware.excluded, *others)))


def recommendation(spec: WorkloadSpec, catalog: Catalog, apis: Sequence[ApiModel] = ()) -> Recommendation:
    """Return what to serve a question on, with the reasons.

    Args:
        spec: the question; where it names no accelerator, those that several providers rent are tried.
    """
    spec = of_the_market(spec, catalog)
    found = options(spec, catalog, terms=TERMS)
    ranked = found.best("cost", spec.money.term)
    best = next((option for option in ranked if option.monthly_usd is not None), None)
    lengths = resolve(spec, catalog).lengths
    calls = (spec.traffic.requests_per_s or 0.0) * spec.traffic.calls_per_request * SECONDS_PER_MONTH
    prices = [api_price(model, lengths, spec.tokens.prefix_hit) for model in apis]
    months = sorted((ApiMonth(price, calls * price.call_usd) for price in prices), key=lambda one: one.monthly_usd)
    if best is None:
        return Recommendation(None, (), (), tuple(months), (), len(ranked))
    same = [one for one in found.found if _alike(one, best) and one.term != best.term and one.monthly_usd is not None]
    others = runners_up(found, ranked, "cost")
    return Recommendation(
        best, others, tuple(same), tuple(months), tuple(_reasons(spec, best, ranked, others, months)), len(ranked)
    )


def _alike(one: Option, other: Option) -> bool:
    mine, its = ((option.accelerator, option.precision, split_shown(option)) for option in (one, other))
    return mine == its


def _reasons(
    spec: WorkloadSpec,
    best: Option,
    ranked: Sequence[Option],
    others: Sequence[tuple[Option, str]],
    months: Sequence[ApiMonth],
) -> Iterator[str]:
    yield f"cheapest of {len(ranked):,} fleets that meet {'the targets' if spec.targets else 'the load'}"
    splits = [one for one in ranked if one.accelerator == best.accelerator and split_shown(one) != split_shown(best)]
    if splits:
        yield f"{split_shown(best)} rather than {split_shown(splits[0])}, which is {_dearer(splits[0], best)}"
    if others:
        option, _ = others[0]
        yield f"the next accelerator is {option.accelerator_name}: {_dearer(option, best)}"
    if months:
        first, own = months[0], best.monthly_usd or 0.0
        side = "less" if first.monthly_usd < own else "more"
        price = f"{show_usd(first.monthly_usd)} a month, {side} than this fleet"
        yield f"the API {first.price.model} would cost {price}; its latency and its quality are not known here"


def _dearer(option: Option, best: Option) -> str:
    more = (option.monthly_usd or 0.0) / (best.monthly_usd or 1.0) - 1
    if more >= 0.005:
        return f"{show_percent(more)} dearer"
    return f"as cheap, ITL of {show_seconds(option.itl_mean_s)} against {show_seconds(best.itl_mean_s)}"
