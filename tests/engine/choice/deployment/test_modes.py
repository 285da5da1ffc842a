"""Bills by hand in every mode, their sums, and laws."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.api_prices import ApiModel, TokenRates
from catalogs.records.facts import Confidence
from engine.choice.deployment.api import api_price
from engine.choice.deployment.bills import Bill
from engine.choice.deployment.comparison import with_other_costs
from engine.choice.deployment.hybrid import behind_api, overflow, shared
from engine.choice.deployment.owning import Ownership, capital_recovery_factor, monthly_capital_usd, on_device, owned
from engine.choice.deployment.renting import SpotMarket, autoscaled, mixed, on_spot, rented
from engine.choice.deployment.served import served_by
from engine.method import forecast
from engine.workload import spec_from
from tests.draws import draws
from tests.engine.choice.deployment.fleets import HOURLY, catalog, fleet

MONTH_S = 730 * 3600
API = ApiModel(
    id="api",
    name="api",
    source="a page",
    checked="2026-11-29",  # type: ignore[arg-type]
    provider="them",
    confidence=Confidence.CONFIRMED,
    rates=(TokenRates(input=2.0, output=10.0),),
)


def price() -> object:
    from datetime import date

    dated = replace(API, checked=date(2026, 11, 29))
    return api_price(dated, fleet().question.lengths, 0.0)


def test_rent_on_demand_and_reserved() -> None:
    """10 requests/s, twice that at the peak, 4 a replica: 5 replicas, each one instance of $4 (or $3, $2) an hour."""
    assert fleet().replicas == 5
    for term, usd in HOURLY.items():
        bill = rented(fleet(), term)  # type: ignore[arg-type]
        assert bill.monthly_usd == pytest.approx(5 * usd * 730)
        assert bill.utilisation == pytest.approx(10 / (5 * 4))
    reserved = rented(fleet(), "reserved_1y")
    assert reserved.commitment_months == 12
    assert reserved.committed_usd == pytest.approx(12 * 5 * 3 * 730)
    bill = rented(fleet(), "on_demand")
    requests = 10 * MONTH_S
    assert bill.usd_per_request == pytest.approx(5 * 4 * 730 / requests)
    assert bill.usd_per_successful_request == pytest.approx(5 * 4 * 730 / requests / 0.98)
    tokens = requests * 1200 / 1e6
    assert bill.reservation_usd_per_million == pytest.approx(5 * 4 * 730 / tokens)
    assert bill.usage_usd_per_million == pytest.approx(5 * 4 * 730 / tokens / 2)


def test_the_autoscaled_bill_follows_the_hours() -> None:
    """Six hours at 20 requests/s take 5 replicas, eighteen at 6.67 take 2: 2.75 on average."""
    assert autoscaled(fleet()).monthly_usd == pytest.approx((6 * 5 + 18 * 2) / 24 * 4 * 730)


def test_spot_keeps_the_quietest_hour_on_demand_and_more_where_much_is_away() -> None:
    """2 replicas on demand, 3 on spot; where a tenth of the time each is away, 3 of 5 are there in 99 % of it.

    Three of four: 0.9^4 + 4·0.1·0.9^3 = 0.948, too little; three of five: 0.991.
    """
    bill = on_spot(fleet(), SpotMarket(interruptions_per_month=0.0))
    assert bill.monthly_usd == pytest.approx((2 * 4 + 3 * 1.6) * 730)
    tenth = SpotMarket(interruptions_per_month=0.1 * MONTH_S / 870, notice_s=30, wait_s=600)
    assert tenth.away(300) == pytest.approx(0.1)
    assert on_spot(fleet(), tenth).monthly_usd == pytest.approx((2 * 4 + 5 * 1.6) * 730)


def test_the_mix_reserves_what_is_needed_for_long_enough() -> None:
    """Two are needed always, three more a quarter of the hours; three years at $2 pay above half of the hours."""
    bill = mixed(fleet())
    assert bill.monthly_usd == pytest.approx(2 * 2 * 730 + 3 * 0.25 * 4 * 730)
    assert [line.kind for line in bill.lines] == ["commitment", "running"]


def test_owning_by_hand() -> None:
    """CRF of 8 % over 3 years is 0.38803 (tables of uniform series); ten L40S in pairs."""
    assert capital_recovery_factor(0.08, 3) == pytest.approx(0.38803, abs=5e-6)
    assert capital_recovery_factor(0.0, 4) == 0.25
    terms = Ownership(residual_share=0.1, host_share=0.5)
    assert monthly_capital_usd(100_000, terms) == pytest.approx((90_000 * 0.3880335 + 10_000 * 0.08) / 12, rel=1e-6)
    bill = owned(fleet(), terms)
    card = fleet().accelerator
    capital = 10 * card.purchase_usd * 1.5  # type: ignore[operator]
    host = 10.2 / 5.6
    by_label = {line.label: line.usd for line in bill.lines}
    assert by_label["purchase"] == pytest.approx(capital)
    assert by_label["capital"] == pytest.approx(monthly_capital_usd(capital, terms))
    assert by_label["power"] == pytest.approx(10 * card.power_w * host / 1000 * 1.54 * 730 * 0.12)
    assert by_label["hosting"] == pytest.approx(10 * card.power_w * host / 1000 * 184)
    assert by_label["maintenance"] == pytest.approx(capital * 0.03 / 12)
    assert by_label["staff"] == pytest.approx(5 / 50 * 12_500)
    assert bill.one_off_usd == pytest.approx(capital)
    assert bill.monthly_usd == pytest.approx(sum(by_label.values()) - capital)


def test_one_device_by_hand() -> None:
    """$1,200 over 3 years without interest or residual is $33.33 a month; 100 W at $0.20 are $14.60."""
    terms = Ownership(discount_rate=0.0, residual_share=0.0, usd_per_kwh=0.2)
    bill = on_device(fleet(), "card", 100.0, 1200.0, terms)
    assert bill.monthly_usd == pytest.approx(1200 / 36 + 0.1 * 730 * 0.2)
    assert bill.one_off_usd == 1200


def test_an_api_and_mixtures_by_hand() -> None:
    """$2 and $10 a million: a call of 1,000 and 200 tokens costs $0.004; 10 a second are $105,120 a month."""
    asked = price()
    assert behind_api(fleet().work, asked).monthly_usd == pytest.approx(10 * MONTH_S * 0.004)  # type: ignore[arg-type]
    half = shared(fleet(), asked, 0.5)  # type: ignore[arg-type]
    assert half.monthly_usd == pytest.approx(5 * MONTH_S * 0.004 + 3 * 4 * 730)
    assert shared(fleet(), asked, 1.0).monthly_usd == pytest.approx(10 * MONTH_S * 0.004)  # type: ignore[arg-type]


def test_overflow_by_hand() -> None:
    """A dearer hour and a cheaper API make it pay to let the peak overflow.

    Two replicas hold 8 of the 20 requests/s of six hours: 12·6/240 = 30 % overflow, at $0.0004 each; two replicas at
    $4. Three would let 20 % overflow, and so on: two are the cheapest.
    """
    cheap = replace(price(), call_usd=0.0004)  # type: ignore[type-var]
    bill = overflow(fleet(), cheap)  # type: ignore[arg-type]

    def by_hand(count: int) -> float:
        beyond = (max(0, 20 - 4 * count) * 6 + max(0, 20 / 3 - 4 * count) * 18) / 240
        return count * 4 * 730 + beyond * 10 * MONTH_S * 0.0004

    assert bill.monthly_usd == pytest.approx(min(map(by_hand, range(1, 6))))


def test_other_costs_are_named_lines() -> None:
    bill = with_other_costs(rented(fleet(), "on_demand"), fleet(), tuple(catalog().running_costs.values()))
    others = {line.label: line.usd for line in bill.lines if line.kind == "other"}
    assert set(others) == {"load balancer", "monitoring", "storage", "egress"}
    assert others["egress"] == pytest.approx(10 * MONTH_S * 200 * 250 / 1e9 * 0.09)
    assert bill.monthly_usd == pytest.approx(5 * 4 * 730 + sum(others.values()))
    assert all(line.source for line in bill.lines)


MODES = {
    "rent": lambda one: rented(one, "on_demand"),
    "reserved": lambda one: rented(one, "reserved_1y"),
    "autoscaled": autoscaled,
    "spot": on_spot,
    "mix": mixed,
    "own": owned,
    "api": lambda one: behind_api(one.work, price()),
    "overflow": lambda one: overflow(one, price()),
    "share": lambda one: shared(one, price(), 0.3),
}


@settings(max_examples=draws(40), deadline=None)
@given(st.floats(0.01, 300), st.floats(1.0, 3.0), st.sampled_from(sorted(MODES)))
def test_more_traffic_never_costs_less_and_bills_sum_from_their_lines(rate: float, times: float, mode: str) -> None:
    bill: Bill = MODES[mode](fleet(rate))  # type: ignore[operator]
    more: Bill = MODES[mode](fleet(rate * times))  # type: ignore[operator]
    assert more.monthly_usd >= bill.monthly_usd * (1 - 1e-9)
    assert bill.monthly_usd == pytest.approx(sum(line.usd for line in bill.lines if line.kind != "one-off"))
    prices = bill.token_usd_per_million
    assert prices is not None
    assert prices[0] * bill.work.calls * 1000 / 1e6 + prices[1] * bill.work.calls * 200 / 1e6 == pytest.approx(
        bill.monthly_usd
    )


@settings(max_examples=draws(30), deadline=None)
@given(st.floats(0.5, 100), st.floats(0.3, 4.2))
def test_a_commitment_never_pays_below_its_break_even(rate: float, reserved_usd: float) -> None:
    """What the mix reserves is needed for a larger share of the hours than its price is of the price on demand."""
    from engine.choice.deployment.served import TermOffers
    from tests.engine.choice.deployment.fleets import offer

    offers = {**fleet().offers, "reserved_3y": TermOffers((), None)}
    offers["reserved_1y"] = TermOffers((offer("reserved_1y", reserved_usd),), None)
    one = fleet(rate, offers=offers)
    held = one.replicas_by_hour
    bill = mixed(one)
    reserved = sum(line.usd for line in bill.lines if line.kind == "commitment") / (reserved_usd * 730)
    for nth in range(1, round(reserved) + 1):
        assert sum(count >= nth for count in held) / len(held) > reserved_usd / 4.0
    assert bill.monthly_usd <= min(autoscaled(one).monthly_usd, rented(one, "reserved_1y").monthly_usd) + 1e-6


def test_long_prompts_to_an_api_by_hand() -> None:
    """Nine prompts of 1,000 tokens and one of 9,000: a tenth of the calls cost $0.018 + $0.002, the rest needs less."""
    from datetime import date

    from engine.choice.deployment.hybrid import by_prompt_length
    from engine.choice.deployment.served import served_by
    from engine.method import forecast
    from engine.plan import CapacityPlan
    from engine.workload import TokenDistribution, spec_from

    values = {"model": "llama-3.1-8b", "precision.weights": "fp8", "hardware.accelerators": ["l40s"]}
    asked = {"traffic.requests_per_s": 10, "tokens.input.mean": 1800, "tokens.output.mean": 200, "tokens.output.cv": 0}
    spec = spec_from(values | asked)
    prompts = TokenDistribution(mean=1800, values=(*(1000.0,) * 9, 9000.0))
    plan = forecast(replace(spec, tokens=replace(spec.tokens, input=prompts)), catalog(), verify=False)
    assert isinstance(plan, CapacityPlan)
    api = replace(API, checked=date(2026, 11, 29))
    bill = by_prompt_length(plan, catalog(), api, 2000)
    by_label = {line.label: line.usd for line in bill.lines}
    assert by_label.pop("API api (them)") == pytest.approx(0.1 * 10 * MONTH_S * (9000 * 2 + 200 * 10) / 1e6)
    assert sum(by_label.values()) <= rented(served_by(plan, catalog()), "on_demand").monthly_usd
    with pytest.raises(InputError, match="1000 to 9000 would"):
        by_prompt_length(plan, catalog(), API, 20_000)
    spread = forecast(spec, catalog(), verify=False)
    assert isinstance(spread, CapacityPlan)
    sigma = math.sqrt(math.log(1 + spec.tokens.input.lognormal_cv**2))
    share = 1 - NormalDist().cdf((math.log(4000 / 1800) + sigma**2 / 2) / sigma)
    lines = by_prompt_length(spread, catalog(), api, 4000).lines
    (line,) = (one for one in lines if one.label.startswith("API"))
    assert float(line.why.split(" %")[0]) / 100 == pytest.approx(share, abs=1e-3)


def test_power_of_owned_cards_is_of_the_load_and_the_cards_alone() -> None:
    """More traffic on the same cards draws more, spares that stand idle no less; a limit where nobody measured."""
    curve = next(iter(catalog().power_curves.values()))
    served = fleet(curve=curve)
    drawn = [served.at(rate).watts(16) for rate in (0.5, 1.0, 3.0, 5.0, 9.0, 12.0)]
    assert drawn == sorted(drawn) and drawn[0] < drawn[-1] < 16 * served.accelerator.power_w
    assert replace(served, spares=2).watts(16) == served.watts(16)
    assert fleet().watts(16) == 16 * served.accelerator.power_w


def test_a_fleet_of_clients_is_as_large_as_its_plan() -> None:
    spec = spec_from(
        {
            "model": "gpt-oss-120b", "traffic.concurrency": 1800, "tokens.input.mean": 2000, "tokens.output.mean": 500,
            "hardware.accelerators": ("h100-sxm-80gb",),
        }
    )  # fmt: skip
    plan = forecast(spec, Catalog.load())
    served = served_by(plan, Catalog.load())
    assert (served.replicas, served.added) == (plan.fleet.replicas, 0)
    held = sum(served.replicas_by_hour) / len(served.replicas_by_hour)
    assert plan.cost.autoscaled_monthly_usd == pytest.approx(plan.cost.monthly_usd * held / plan.fleet.replicas)
