"""Every way to pay for what a plan serves, side by side: rent, own, one device, APIs and mixtures; break-even rates."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.accelerators import Accelerator
from catalogs.records.api_prices import ApiModel
from catalogs.records.running_costs import RunningCost
from catalogs.units import GB, HOURS_PER_MONTH, show_count, show_rate
from engine.choice.deployment.api import ApiPrice, api_price
from engine.choice.deployment.bills import Bill, BillLine
from engine.choice.deployment.break_even import BillAt, BreakEven, break_even
from engine.choice.deployment.hybrid import behind_api, by_prompt_length, overflow, shared
from engine.choice.deployment.owning import Ownership, on_device, owned
from engine.choice.deployment.renting import SpotMarket, autoscaled, mixed, on_spot, rented
from engine.choice.deployment.served import Served, served_by
from engine.choice.options import Option, options
from engine.fleet.offers import instances_for
from engine.plan import CapacityPlan
from engine.planning.phrases import counted
from engine.workload import SPLIT, Availability, Hardware, Precisions, WorkloadSpec

SENT_BYTES_PER_TOKEN: Final = 250.0
"""Of an answer that is streamed: one chunk of JSON a token, as OpenAI's protocol has it. Judgement."""
IMAGE_BYTES: Final = 20e9
"""A serving runtime's container on each node's disk. Judgement."""
DEVICES: Final = ("jetson-", "gb10", "ryzen-ai")
"""Beginnings of ids of devices that stand near a user, beside consumer cards and Apple's."""
EDGE_RUNTIME: Final = "llama.cpp"
"""Tried on a device beside the runtime that was asked for."""


class ComparisonSettings(Struct, frozen=True):
    """What the ways rest on beside the plan."""

    apis: tuple[ApiModel, ...] = ()
    ownership: Ownership = Ownership()
    market: SpotMarket = SpotMarket()
    api_share: float | None = None
    """Of the requests that goes to the first API in a mixture of both."""
    api_beyond: float | None = None
    """Tokens of a prompt beyond which the first API answers, in another mixture."""
    edge: bool = True
    """Whether devices are tried."""
    other_costs: bool = True
    """Whether what is paid beside accelerators is in the bills of fleets."""


class Comparison(Struct, frozen=True):
    """All ways to pay for one plan."""

    bills: tuple[Bill, ...]
    """The plan's own first."""
    break_evens: tuple[BreakEven, ...]
    prices: tuple[ApiPrice, ...]
    requests_per_s: float

    @property
    def feasible(self) -> tuple[Bill, ...]:
        """Those that can be, cheapest first."""
        return tuple(sorted((bill for bill in self.bills if not bill.infeasible), key=lambda bill: bill.monthly_usd))


def comparison(plan: CapacityPlan, catalog: Catalog, settings: ComparisonSettings | None = None) -> Comparison:
    """Return what a plan's service costs in every way, on the accelerators that the plan chose.

    Args:
        plan: with a rate.

    Raises:
        InputError: the plan has no rate, or names that the catalog does not know.
    """
    settings = settings or ComparisonSettings()
    served = served_by(plan, catalog)
    prices = [api_price(model, served.question.lengths, served.cached_share) for model in settings.apis]
    ways = dict(_ways(settings, prices, catalog))
    bills = [way(served) for way in ways.values()]
    if settings.api_beyond is not None and settings.apis:
        parted = by_prompt_length(plan, catalog, settings.apis[0], settings.api_beyond)
        costs = tuple(catalog.running_costs.values()) if settings.other_costs else ()
        bills.append(with_other_costs(parted, served, costs))
    if settings.edge:
        bills.append(edge(plan, served, catalog, settings.ownership))
    bills += [behind_api(served.work, price) for price in prices]
    capacity = plan.bands.replica_capacity.requests_per_s if plan.bands else None
    central = plan.replica_capacity.requests_per_s
    factors = (capacity.low / central, capacity.high / central) if capacity else (1.0, 1.0)
    return Comparison(
        tuple(bills), tuple(_break_evens(served, ways, prices, factors)), tuple(prices), served.work.requests_per_s
    )


def _ways(settings: ComparisonSettings, prices: Sequence[ApiPrice], catalog: Catalog) -> Iterator[tuple[str, BillAt]]:
    def with_others(way: BillAt) -> BillAt:
        costs = tuple(catalog.running_costs.values()) if settings.other_costs else ()
        return lambda served: with_other_costs(way(served), served, costs)

    fleets: dict[str, BillAt] = {
        "rent": lambda served: rented(served, "on_demand"),
        "autoscaled": autoscaled,
        "spot": lambda served: on_spot(served, settings.market),
        "reserved_1y": lambda served: rented(served, "reserved_1y"),
        "reserved_3y": lambda served: rented(served, "reserved_3y"),
        "mix": mixed,
        "own": lambda served: owned(served, settings.ownership),
    }
    if prices:
        fleets["overflow"] = lambda served: overflow(served, prices[0])
        if settings.api_share is not None:
            share = settings.api_share
            fleets["share"] = lambda served: shared(served, prices[0], share)
    yield from ((name, with_others(way)) for name, way in fleets.items())


def with_other_costs(bill: Bill, served: Served, costs: Sequence[RunningCost]) -> Bill:
    """Return a fleet's bill with what is paid beside accelerators, by the plan and by ``costs``, a line each."""
    if bill.infeasible:
        return bill
    nodes = instances_for(served.replicas, served.replicas_size, served.accelerator.per_node)
    stored_gb = nodes * (served.weights_bytes + IMAGE_BYTES) / GB
    sent_gb = served.work.calls * served.work.output_tokens * SENT_BYTES_PER_TOKEN / GB
    amounts: dict[str, tuple[float, str]] = {
        "month": (1.0, "one"),
        "node month": (nodes, counted(nodes, "node")),
        "stored GB month": (stored_gb, f"{show_count(round(stored_gb))} GB of weights and images"),
        "sent GB": (sent_gb, f"{show_count(round(sent_gb))} GB of answers"),
    }
    lines = tuple(
        BillLine(cost.name, amount * cost.usd, "other", f"{what} × ${cost.usd:g}", cost.source)
        for cost in costs
        for amount, what in [amounts[cost.per]]
    )
    stated = served.question.spec.money.other_monthly_usd
    given = (BillLine("other costs", stated, "other", "stated, beside the accelerators"),) if stated else ()
    return replace(bill, lines=(*bill.lines, *given, *lines))


def edge(plan: CapacityPlan, served: Served, catalog: Catalog, terms: Ownership) -> Bill:
    """Return the bill of the cheapest single device that carries the peak within the targets.

    Args:
        plan: whose question is asked of a device.
        terms: what owning rests on.
    """
    devices = {one.id: one for one in catalog.accelerators.values() if is_device(one)}
    runtimes = dict.fromkeys((plan.spec.serving.runtime, EDGE_RUNTIME))
    found = [option for runtime in runtimes for option in _on_devices(plan.spec, runtime, devices, catalog)]
    if not found:
        peak = show_rate(served.work.requests_per_s * served.peak)
        why = f"no single device of {len(devices)} carries {peak} within the targets"
        return Bill("edge", "edge: one device", (), served.work, None, infeasible=why)

    bills = [(option, _bill_of(option, served, devices[option.accelerator], terms)) for option in found]
    return min(bills, key=lambda one: (not one[0].measured, one[1].monthly_usd))[1]


def is_device(accelerator: Accelerator) -> bool:
    """Return whether an accelerator stands on a desk or in a shop rather than in a rack, and has a price."""
    near = accelerator.consumer or accelerator.id.startswith(DEVICES)
    return near and accelerator.purchase_usd is not None and not accelerator.announced_only


def _on_devices(
    spec: WorkloadSpec, runtime: str, devices: dict[str, Accelerator], catalog: Catalog
) -> tuple[Option, ...]:
    alone = replace(
        spec,
        hardware=Hardware(accelerators=tuple(devices), max_accelerators=1),
        availability=Availability(),
        precision=Precisions(weights=spec.precision.weights),
        serving=replace(spec.serving, runtime=runtime, **dict.fromkeys(SPLIT)),
    )
    try:
        return options(alone, catalog, terms=()).found
    except InputError:  # the runtime has no kernel for it there
        return ()


def _bill_of(option: Option, served: Served, device: Accelerator, terms: Ownership) -> Bill:
    watts = device.power_w if option.kwh_per_month is None else 1000 * option.kwh_per_month / HOURS_PER_MONTH
    busy = max(option.utilisation, 1e-9)
    alone = replace(served, capacity_rps=served.calls_per_s * served.peak / busy, replicas_size=1)
    bill = on_device(alone, option.accelerator_name, min(watts, device.power_w), device.purchase_usd or 0.0, terms)
    return replace(bill, title=f"edge: one {option.accelerator_name}, {option.precision.upper()}")


def _break_evens(
    served: Served, ways: dict[str, BillAt], prices: Sequence[ApiPrice], factors: tuple[float, float]
) -> Iterator[BreakEven]:
    def api(price: ApiPrice) -> Callable[[Served], Bill]:
        return lambda one: behind_api(one.work, price)

    possible = {name for name, way in ways.items() if not way(served).infeasible}
    pairs: list[tuple[str, BillAt, str, BillAt]] = []
    if {"own", "rent"} <= possible:
        pairs.append(("own", ways["own"], "rent on demand", ways["rent"]))
    for price in prices[:3]:
        fleets = [name for name in ("rent", "own") if name in possible]
        pairs += [(name, ways[name], f"API {price.model}", api(price)) for name in fleets]
    for name, way, other, other_way in pairs:
        yield break_even(way, other_way, served, (name, other), factors)
