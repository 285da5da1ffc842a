from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.catalog import Catalog
from catalogs.records.accelerators import Accelerator, Link, PeakRates
from catalogs.records.prices import RentalOffer
from engine.fleet.offers import (
    FleetBills,
    choose_offer,
    common_offer,
    fleet_bills,
    instances_for,
    no_price_note,
    qualifying_offers,
)
from engine.workload import Money
from tests.draws import draws

CARD = Accelerator(
    id="card",
    name="Card",
    source="test",
    checked=date(2026, 1, 1),
    vendor="none",
    form="SXM5",
    architecture="Hopper",
    memory_type="HBM3",
    memory_gib=80,
    memory_gb_per_s=3000,
    peak_tflops=PeakRates(bf16=900),
    power_w=700,
    link=Link(kind="NVLink4", gb_per_s=450, domain=8),
    per_node=8,
    purchase_usd=30_000,
)


def offer(name: str, accelerators: int, usd: float | None, **more: object) -> RentalOffer:
    fields = {"provider": name, "region": "us-east-1", "instance": name, "accelerator": "card", "source": "test"}
    return RentalOffer.model_validate(
        fields
        | {"id": name, "accelerators": accelerators, "on_demand_usd_per_hour": usd, "checked": date(2026, 1, 1)}
        | more
    )


@pytest.mark.parametrize(
    ("replicas", "per_replica", "instance", "instances"),
    [
        (1, 8, 8, 1),
        (3, 4, 8, 2),  # two share one, the third has half of the second
        (5, 2, 8, 2),
        (3, 3, 8, 2),  # two of three fit beside each other; none straddles
        (3, 5, 8, 3),
        (2, 16, 8, 4),  # two whole nodes each
        (7, 1, 1, 7),
        (9, 1, 8, 2),
    ],
)
def test_instances_by_hand(replicas: int, per_replica: int, instance: int, instances: int) -> None:
    assert instances_for(replicas, per_replica, instance) == instances


@given(replicas=st.integers(1, 5000), per_replica=st.integers(1, 72), instance=st.integers(1, 72))
def test_instances_hold_the_replicas_and_grow_with_them(replicas: int, per_replica: int, instance: int) -> None:
    count = instances_for(replicas, per_replica, instance)
    assert count * instance >= replicas * per_replica
    assert count <= instances_for(replicas + 1, per_replica, instance)


def test_an_instance_must_hold_a_replica_or_a_replica_be_whole_nodes_of_it() -> None:
    offers = [offer("one", 1, 2), offer("four", 4, 8), offer("eight", 8, 20)]
    names = {size: [o.instance for o in qualifying_offers(offers, CARD, size, Money())] for size in (1, 4, 8, 16)}
    assert names == {1: ["four", "one", "eight"], 4: ["four", "eight"], 8: ["eight"], 16: ["eight"]}
    assert [o.instance for o in qualifying_offers(offers, CARD, 8, Money(), accelerators_per_node=4)] == [
        "four",
        "eight",
    ]


def test_what_is_sold_by_the_accelerator_comes_in_the_size_of_a_replica() -> None:
    (found,) = qualifying_offers([offer("elastic", 1, 2, by_accelerator=True)], CARD, 4, Money())
    assert (found.accelerators, found.usd_per_hour) == (4, 8)
    (node,) = qualifying_offers([offer("elastic", 1, 2, by_accelerator=True)], CARD, 16, Money())
    assert (node.accelerators, node.usd_per_hour) == (8, 16)


def test_terms_places_and_standing_prices_are_filtered() -> None:
    offers = [
        offer("aws", 8, 30, spot_usd_per_hour=10.0),
        offer("gcp", 8, 40, region="europe-west4"),
        offer("global", 8, 50, region="global"),
        offer("market", 8, 5, sold_as="marketplace"),
    ]

    def found(**money: object) -> list[tuple[str, float]]:
        return [(o.provider, o.usd_per_hour) for o in qualifying_offers(offers, CARD, 8, Money.model_validate(money))]

    assert found() == [("aws", 30), ("gcp", 40), ("global", 50)]
    assert found(term="spot") == [("aws", 10)]
    assert found(provider="GCP") == [("gcp", 40)]
    assert found(region="europe") == [("gcp", 40), ("global", 50)]
    assert found(term="reserved_1y") == []


def test_owned_accelerators_are_written_off_powered_and_housed() -> None:
    money = Money(term="owned", amortisation_years=3, overhead_share=0.35, usd_per_kwh=0.12)
    (found,) = qualifying_offers([], CARD, 4, money)
    hourly = 30_000 * 1.35 / (3 * 8760) + 0.7 * 0.12
    assert found.accelerators == 8  # SXM boards come as whole nodes
    assert found.usd_per_hour == pytest.approx(8 * hourly)
    assert found.term == "owned"


def test_an_own_price_takes_the_place_of_all_offers() -> None:
    (found,) = qualifying_offers([offer("aws", 8, 30)], CARD, 4, Money(usd_per_accelerator_hour=1.5))
    assert (found.accelerators, found.usd_per_hour, found.chosen().checked) == (4, 6, "")


def test_the_lower_median_bill_is_chosen_with_cheapest_and_dearest_beside_it() -> None:
    offers = qualifying_offers([offer(f"p{usd}", 8, usd) for usd in (50, 20, 40, 30)], CARD, 8, Money())
    choice = choose_offer(fleet_bills(offers, 3, 8))
    assert choice is not None
    assert (choice.cheapest.usd_per_hour, choice.chosen.usd_per_hour, choice.dearest.usd_per_hour) == (20, 30, 50)
    assert choice.qualifying == 4


def test_whole_instances_are_compared() -> None:
    """Four at 10 beat eight at 16 for one replica of four, and lose for two."""
    offers = qualifying_offers([offer("four", 4, 10), offer("eight", 8, 16)], CARD, 4, Money())
    one, two = choose_offer(fleet_bills(offers, 1, 4)), choose_offer(fleet_bills(offers, 2, 4))
    assert one is not None and one.cheapest.instance == "four"
    assert two is not None and two.cheapest.instance == "eight"


def test_a_node_of_eight_does_not_set_the_price_of_one_accelerator() -> None:
    offers = qualifying_offers([offer("one", 1, 3)] + [offer(f"n{i}", 8, 20 + i) for i in range(9)], CARD, 1, Money())
    alone, full = choose_offer(fleet_bills(offers, 1, 1)), choose_offer(fleet_bills(offers, 8, 1))
    assert alone is not None and (alone.chosen.instance, alone.dearest.instance, alone.qualifying) == ("one", "one", 1)
    assert full is not None and full.chosen.instance == "n4"
    assert choose_offer(fleet_bills((), 1, 1)) is None


@pytest.mark.parametrize(
    ("offers", "money", "said"),
    [
        ([], Money(), "has no offer of Card"),
        ([], Money(term="owned"), "no purchase price"),
        ([offer("aws", 8, 30)], Money(provider="gcp"), "of gcp; aws have it"),
        ([offer("aws", 8, 30)], Money(term="spot"), "is for spot use"),
        ([offer("aws", 2, 30)], Money(), "the largest has 2"),
    ],
)
def test_why_there_is_no_price(offers: list[RentalOffer], money: Money, said: str) -> None:
    card = CARD.model_copy(update={"purchase_usd": None})
    assert qualifying_offers(offers, card, 8, money) == ()
    assert said in no_price_note(offers, card, 8, money)


def test_the_catalog_prices_usual_replicas_of_the_usual_accelerators() -> None:
    catalog = Catalog.load()
    for name in ("a100-sxm-80gb", "h100-sxm-80gb", "h200-sxm-141gb", "b200-sxm"):
        for size in (1, 2, 4, 8):
            offers = qualifying_offers(catalog.offers, catalog.accelerators[name], size, Money())
            choice = choose_offer(fleet_bills(offers, 2, size))
            assert choice is not None and choice.qualifying >= 3
            assert 0.5 < choice.chosen.usd_per_accelerator_hour < 20


@settings(max_examples=draws(100), deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 16), st.floats(0.01, 1000)), min_size=1, max_size=20),
    replicas=st.integers(1, 300),
    per_replica=st.integers(1, 16),
)
def test_the_choice_is_ordered_and_deterministic(
    sizes: list[tuple[int, float]], replicas: int, per_replica: int
) -> None:
    listed = [offer(f"p{i}", size, usd) for i, (size, usd) in enumerate(sizes)]
    offers = qualifying_offers(listed, CARD, per_replica, Money(), accelerators_per_node=1)
    choice = choose_offer(fleet_bills(offers, replicas, per_replica))
    again = qualifying_offers(reversed(listed), CARD, per_replica, Money(), accelerators_per_node=1)
    assert choice == choose_offer(fleet_bills(again, replicas, per_replica))
    if choice:
        bills = [
            o.monthly_usd(o.instances_for(replicas, per_replica))
            for o in (choice.cheapest, choice.chosen, choice.dearest)
        ]
        assert bills == sorted(bills)


# --- ways to split a model, compared on one offer --------------------------------------------------------------------


def bills_of(listed: list[RentalOffer], replicas: int, size: int) -> FleetBills:
    return fleet_bills(qualifying_offers(listed, CARD, size, Money()), replicas, size)


def test_two_ways_to_split_a_model_are_priced_on_one_offer() -> None:
    """Four ask 10, 11 and 12 for four accelerators; a fifth sells eight alone, dearly: no way to split wins by it."""
    listed = [offer("a", 4, 10), offer("b", 4, 11), offer("c", 4, 12), offer("d", 8, 60), offer("e", 8, 22)]
    fours, eight = bills_of(listed, 2, 4), bills_of(listed, 1, 8)
    alone = choose_offer(eight)
    assert alone is not None and alone.chosen.instance == "e" and alone.is_median
    common = common_offer([fours, eight])
    # The cheapest fleet on each asks 20, 22, 22, 24 and 60 an hour.
    assert common is not None and common.offer.instance == "e"
    choices = [choose_offer(fleet, common) for fleet in (fours, eight)]
    assert [choice.qualifying for choice in choices if choice] == [5, 5]
    assert [choice.chosen.instance for choice in choices if choice] == ["e", "e"]


def test_a_fleet_that_the_common_offer_cannot_carry_takes_the_next_dearer() -> None:
    listed = [offer("a", 2, 2), offer("b", 2, 4), offer("c", 2, 6), offer("cheap", 8, 6), offer("dear", 8, 24)]
    pairs, eight = bills_of(listed, 4, 2), bills_of(listed, 1, 8)
    common = common_offer([pairs])
    assert common is not None and common.offer.instance == "b"
    choice = choose_offer(eight, common)
    assert choice is not None and choice.chosen.instance == "dear" and not choice.is_median
    cheaper = choose_offer(bills_of(listed[:4], 1, 8), common)
    assert cheaper is not None and cheaper.chosen.instance == "cheap"


@settings(max_examples=draws(100), deadline=None)
@given(
    sizes=st.lists(st.tuples(st.sampled_from([1, 2, 4, 8]), st.floats(1, 100)), min_size=1, max_size=12),
    fleets=st.lists(st.tuples(st.integers(8, 40), st.sampled_from([1, 2, 4, 8])), min_size=1, max_size=6),
)
def test_the_best_fleet_bills_the_same_or_more_for_a_larger_load(
    sizes: list[tuple[int, float]], fleets: list[tuple[int, int]]
) -> None:
    listed = [offer(f"p{i}", size, usd) for i, (size, usd) in enumerate(sizes)]

    def least_bill(times: int) -> float:
        """Of fleets that are so many times as large, where each way to split could be priced."""
        bills = [bills_of(listed, replicas * times, size) for replicas, size in fleets]
        common = common_offer(bills)
        found = [
            bill.usd_per_hour[bill.offers.index(choice.chosen)]
            for bill in bills
            if (choice := choose_offer(bill, common)) is not None
            and common
            and choice.chosen.offer == common.offer.offer
        ]
        return min(found, default=0.0)

    assert least_bill(2) >= least_bill(1) * (1 - 1e-9)
