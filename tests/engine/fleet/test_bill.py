from collections import Counter
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.fleet.bill import FleetSize, Usage, bill, replicas_by_hour, unpriced
from engine.fleet.offers import COMMITTED, OfferChoice, PriceBasis, PricedOffer
from engine.plan import Cost
from engine.question.demand import Demand, typical_profile
from engine.workload import Money, Term
from tests.draws import draws

MONTH_S = 730 * 3600
FLEET = FleetSize(accelerators_per_replica=4, replicas=3, minimum_replicas=1, maximum_replicas=5)
USAGE = Usage(
    requests_per_s=10,
    calls_per_request=1,
    input_tokens=500,
    output_tokens=200,
    capacity_rps=6,
    saturated_rps=8,
    prefill_s_per_call=0.05,
)
DAY = Demand(typical_profile(1.5))


def offer_of(accelerators: int, usd: float) -> PricedOffer:
    return PricedOffer("aws", "us-east-1", "p5", accelerators, "on_demand", usd, "test", None)


def choice_of(accelerators: int = 8, usd: float = 20.0) -> OfferChoice:
    usual, cheapest, dearest = (offer_of(accelerators, price) for price in (usd, usd / 2, usd * 2))
    return OfferChoice(usual, (cheapest, usual, dearest), PriceBasis("aws", usd / accelerators, 3))


def billed(
    choice: OfferChoice | None = None,
    fleet: FleetSize = FLEET,
    usage: Usage = USAGE,
    money: Money | None = None,
    demand: Demand = DAY,
) -> Cost:
    held = Counter(replicas_by_hour(demand, usage.calls_per_s, 0.85 * usage.capacity_rps, fleet))
    return bill(choice or choice_of(), fleet=fleet, usage=usage, time_held=held, money=money or Money())


def test_the_bill_by_hand() -> None:
    """Three replicas of four accelerators lie on two instances of eight: 2 × 20 USD × 730 h."""
    cost = billed(money=Money(other_monthly_usd=1000))
    assert cost.monthly_usd == 2 * 20 * 730 + 1000
    assert cost.minimum_monthly_usd == 1 * 20 * 730 + 1000
    assert cost.maximum_monthly_usd == 3 * 20 * 730 + 1000
    assert (cost.cheapest_monthly_usd, cost.dearest_monthly_usd) == (15600, 59400)
    assert cost.usd_per_request == pytest.approx(30200 / (10 * MONTH_S))
    # 10 requests/s take 10/6 of three replicas' four accelerators each; sixteen are paid.
    assert cost.idle_share == pytest.approx(1 - 10 / 6 * 4 / 16)


def test_tokens_times_prices_sum_to_the_bill() -> None:
    cost = billed(usage=replace(USAGE, calls_per_request=3), money=Money(other_monthly_usd=777))
    prices = cost.usd_per_million_tokens
    assert prices is not None and cost.monthly_usd is not None
    calls = 30 * MONTH_S
    total = (prices.input * 500 + prices.output * 200) * calls / 1e6
    assert total == pytest.approx(cost.monthly_usd, rel=1e-12)
    assert prices.blended * 700 * calls / 1e6 == pytest.approx(cost.monthly_usd, rel=1e-12)


def test_input_pays_the_time_of_its_prompts() -> None:
    """A call takes 1/8 s of a replica, 0.05 s of them for its prompt: 40 % of the bill is input's."""
    cost = billed()
    assert cost.usd_per_million_tokens is not None and cost.monthly_usd is not None
    million_in = 10 * MONTH_S * 500 / 1e6
    assert cost.usd_per_million_tokens.input * million_in == pytest.approx(0.4 * cost.monthly_usd)


def test_replicas_follow_the_hours_within_their_bounds() -> None:
    demand = Demand((0.1,) * 8 + (1.0,) * 8 + (1.9,) * 8)
    fleet = FleetSize(4, replicas=3, minimum_replicas=2, maximum_replicas=4)
    # 10 × (0.1, 1, 1.9) over 5 a replica: 1, 2 and 4 (3.8).
    assert replicas_by_hour(demand, 10, 5.0, fleet) == (2,) * 8 + (2,) * 8 + (4,) * 8
    assert replicas_by_hour(demand, 10, 5.0, replace(fleet, spare_replicas=1)) == (2,) * 8 + (3,) * 8 + (4,) * 8


def test_the_autoscaled_bill_by_hand() -> None:
    demand = Demand((0.5,) * 12 + (1.5,) * 12)
    # 10 × (0.5, 1.5) over 0.85 × 6: 1 and 3 replicas, on 1 and 2 instances of 20 USD.
    assert billed(demand=demand).autoscaled_monthly_usd == pytest.approx(1.5 * 20 * 730)


@pytest.mark.parametrize(
    ("budget", "within", "said"), [(1e6, True, ""), (30000, True, "largest"), (29000, False, "by 200")]
)
def test_the_budget_is_checked_against_todays_fleet(budget: float, within: bool, said: str) -> None:
    cost = billed(money=Money(monthly_budget_usd=budget))
    assert cost.within_budget is within
    assert said in cost.note
    assert billed().within_budget is None


def test_no_price_means_no_figure_and_a_reason() -> None:
    cost = unpriced("no price: none", Money(other_monthly_usd=5, monthly_budget_usd=10))
    given = {name: value for name in cost.__struct_fields__ if (value := getattr(cost, name)) not in (None, "")}
    assert given == {"other_monthly_usd": 5, "note": "no price: none"}


def test_the_note_names_price_term_and_source() -> None:
    note = billed().note
    assert "aws us-east-1 p5, 20.00 USD/h on demand for 8 accelerators (test)" in note
    assert "; the median of 3 providers, 2.50 per accelerator-hour, cheapest aws p5 at 1.25" in note


def test_the_note_says_which_price_is_usual_where_the_offer_is_a_dearer_one() -> None:
    note = billed(replace(choice_of(), basis=PriceBasis("lambda", 2.25, 3))).note
    assert "the least bill from the median of 3 providers up, lambda at 2.25 per accelerator-hour, cheapest aws" in note


@settings(max_examples=draws(200), deadline=None)
@given(
    size=st.integers(1, 64),
    counts=st.tuples(st.integers(1, 400), st.integers(0, 400), st.integers(0, 400)),
    spares=st.integers(0, 3),
    instance=st.integers(1, 72),
    usd=st.floats(0.01, 500),
    rate=st.floats(1e-4, 1e5),
    calls=st.floats(0.1, 1000),
    tokens=st.tuples(st.floats(1, 1e6), st.floats(1, 1e5)),
    capacity=st.floats(1e-3, 1e4),
    prefill=st.floats(0, 1e3),
    peak=st.floats(1, 100),
    other=st.floats(0, 1e6),
)
def test_the_laws_of_the_bill(
    *,
    size: int,
    counts: tuple[int, int, int],
    spares: int,
    instance: int,
    usd: float,
    rate: float,
    calls: float,
    tokens: tuple[float, float],
    capacity: float,
    prefill: float,
    peak: float,
    other: float,
) -> None:
    smallest, more, most = counts
    fleet = FleetSize(size, smallest + more, smallest, smallest + more + most, spares)
    usage = Usage(rate, calls, *tokens, capacity, capacity * 1.2, prefill)
    cost = billed(choice_of(instance, usd), fleet, usage, Money(other_monthly_usd=other), Demand(typical_profile(peak)))
    values = [value for name in cost.__struct_fields__ if isinstance(value := getattr(cost, name), float)]
    assert all(isfinite(value) and value >= 0 for value in values)
    assert cost.minimum_monthly_usd is not None and cost.maximum_monthly_usd is not None
    assert cost.autoscaled_monthly_usd is not None and cost.monthly_usd is not None
    slack = 1 + 1e-9
    assert cost.minimum_monthly_usd <= cost.autoscaled_monthly_usd * slack
    assert cost.autoscaled_monthly_usd <= cost.maximum_monthly_usd * slack
    assert cost.minimum_monthly_usd <= cost.monthly_usd <= cost.maximum_monthly_usd
    prices = cost.usd_per_million_tokens
    assert prices is not None and prices.input >= 0 and prices.output >= 0
    total = (prices.input * tokens[0] + prices.output * tokens[1]) * rate * calls * MONTH_S / 1e6
    assert total == pytest.approx(cost.monthly_usd, rel=1e-9)
    larger = billed(choice_of(instance, usd), replace(fleet, replicas=fleet.replicas * 2 + instance), usage)
    assert larger.monthly_usd is not None and larger.monthly_usd > cost.monthly_usd - other


@pytest.mark.parametrize("term", sorted(COMMITTED))
def test_what_is_committed_is_owed_at_every_hour(term: Term) -> None:
    """Following the load gives nothing back of what is reserved or owned."""
    hourly = choice_of()
    cost = billed(replace(hourly, chosen=replace(hourly.chosen, term=term)))
    assert cost.autoscaled_monthly_usd == cost.minimum_monthly_usd == cost.monthly_usd == billed().monthly_usd
