from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.records.accelerators import Accelerator, Link, PeakRates
from catalogs.records.prices import RentalOffer
from catalogs.records.validation import record_of
from engine.fleet.offers import (
    OfferChoice,
    choose_offer,
    instances_for,
    newest_check,
    no_price_note,
    price_basis,
    qualifying_offers,
)
from engine.method import forecast
from engine.workload import Money, spec_from
from tests.draws import draws
from tests.every import of_every

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

DAY = date(2026, 1, 1)


def offer(name: str, accelerators: int, usd: float | None, **more: object) -> RentalOffer:
    fields = {"provider": name, "region": "us-east-1", "instance": name, "accelerator": "card", "source": "test"}
    return record_of(
        RentalOffer,
        fields
        | {"id": name, "accelerators": accelerators, "on_demand_usd_per_hour": usd, "checked": date(2026, 1, 1)}
        | more,
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
    names = {size: [o.instance for o in qualifying_offers(offers, CARD, size, Money(), DAY)] for size in (1, 4, 8, 16)}
    assert names == {1: ["four", "one", "eight"], 4: ["four", "eight"], 8: ["eight"], 16: ["eight"]}
    assert [o.instance for o in qualifying_offers(offers, CARD, 8, Money(), DAY, accelerators_per_node=4)] == [
        "four",
        "eight",
    ]


def test_what_is_sold_by_the_accelerator_comes_in_the_size_of_a_replica() -> None:
    (found,) = qualifying_offers([offer("elastic", 1, 2, by_accelerator=True)], CARD, 4, Money(), DAY)
    assert (found.accelerators, found.usd_per_hour) == (4, 8)
    (node,) = qualifying_offers([offer("elastic", 1, 2, by_accelerator=True)], CARD, 16, Money(), DAY)
    assert (node.accelerators, node.usd_per_hour) == (8, 16)


def test_what_is_sold_in_sizes_is_named_by_the_size_that_holds_a_replica() -> None:
    sizes = [offer("g-1", 1, 2, by_accelerator=True, doubled=("g-2", "g-4", "g-8"))]
    found = {n: qualifying_offers(sizes, CARD, n, Money(), DAY)[0] for n in (1, 2, 3, 8, 16)}
    assert [one.instance for one in found.values()] == ["g-1", "g-2", "g-4", "g-8", "g-8"]
    assert [one.usd_per_hour for one in found.values()] == [2, 4, 8, 16, 16]


def test_terms_places_and_standing_prices_are_filtered() -> None:
    offers = [
        offer("aws", 8, 30, spot_usd_per_hour=10.0),
        offer("gcp", 8, 40, region="europe-west4"),
        offer("global", 8, 50, region="global"),
        offer("market", 8, 5, sold_as="marketplace"),
    ]

    def found(**money: object) -> list[tuple[str, float]]:
        return [(o.provider, o.usd_per_hour) for o in qualifying_offers(offers, CARD, 8, record_of(Money, money), DAY)]

    assert found() == [("aws", 30), ("gcp", 40), ("global", 50)]
    assert found(term="spot") == [("aws", 10)]
    assert found(provider="GCP") == [("gcp", 40)]
    assert found(region="europe") == [("gcp", 40)]
    assert found(region="asia") == [("global", 50)], "what names no place stands in where nothing is sold there"
    assert found(term="reserved_1y") == []


def test_owned_accelerators_are_written_off_powered_and_housed() -> None:
    money = Money(term="owned", amortisation_years=3, overhead_share=0.35, usd_per_kwh=0.12)
    (found,) = qualifying_offers([], CARD, 4, money, DAY)
    hourly = 30_000 * 1.35 / (3 * 8760) + 0.7 * 0.12
    assert found.accelerators == 8  # SXM boards come as whole nodes
    assert found.usd_per_hour == pytest.approx(8 * hourly)
    assert found.term == "owned"


def test_an_own_price_takes_the_place_of_all_offers() -> None:
    (found,) = qualifying_offers([offer("aws", 8, 30)], CARD, 4, Money(usd_per_accelerator_hour=1.5), DAY)
    assert (found.accelerators, found.usd_per_hour, found.chosen().checked) == (4, 6, "")


def priced(listed: list[RentalOffer], replicas: int, size: int, money: Money | None = None) -> OfferChoice | None:
    money = money or Money()
    newest = newest_check(listed)
    basis = price_basis(listed, CARD, money, CARD.per_node, newest)
    return choose_offer(qualifying_offers(listed, CARD, size, money, newest), replicas, size, basis)


def hourly(choice: OfferChoice | None, replicas: int, size: int) -> float:
    assert choice is not None
    return choice.chosen.instances_for(replicas, size) * choice.chosen.usd_per_hour


def test_the_lower_median_provider_is_chosen_with_cheapest_and_dearest_beside_it() -> None:
    choice = priced([offer(f"p{usd}", 8, usd) for usd in (50, 20, 40, 30)], 3, 8)
    assert choice is not None and choice.basis is not None
    assert (choice.cheapest.usd_per_hour, choice.chosen.usd_per_hour, choice.dearest.usd_per_hour) == (20, 30, 50)
    assert (choice.basis.provider, choice.basis.providers) == ("p30", 4)


def test_a_provider_counts_once_however_many_offers_it_has() -> None:
    many = [offer(f"m{i}", 8, 10 + i, provider="many") for i in range(9)]
    choice = priced([*many, offer("b", 8, 30), offer("c", 8, 40)], 1, 8)
    assert choice is not None and choice.chosen.provider == "b"


def test_whole_instances_are_compared() -> None:
    """Four at 10 beat eight at 16 for one replica of four, and lose for two."""
    listed = [offer("four", 4, 10), offer("eight", 8, 16)]
    one, two = priced(listed, 1, 4), priced(listed, 2, 4)
    assert one is not None and one.cheapest.instance == "four"
    assert two is not None and two.cheapest.instance == "eight"


def test_a_node_of_eight_does_not_set_the_price_of_one_accelerator() -> None:
    """The basis is 24 USD for a node; one accelerator at 3.5 is dearer by the hour and far less to pay."""
    listed = [offer("one", 1, 3.5), offer("cheap", 1, 1)] + [offer(f"n{i}", 8, 20 + i) for i in range(9)]
    alone, full = priced(listed, 1, 1), priced(listed, 8, 1)
    assert alone is not None and alone.chosen.instance == "one"
    assert full is not None and full.chosen.instance == "n4"
    assert choose_offer((), 1, 1, None) is None


def test_all_parallelisms_of_a_model_are_priced_on_one_basis() -> None:
    """Three sell four accelerators at 2.5 each or less, nodes cost 2.75 and 7.5: TP8 is not thrice as dear as TP4."""
    listed = [offer("a", 4, 9), offer("b", 4, 9.5), offer("c", 4, 10), offer("d", 8, 60), offer("e", 8, 22)]
    four, eight = priced(listed, 2, 4), priced(listed, 1, 8)
    assert (four and four.chosen.instance, eight and eight.chosen.instance) == ("e", "e")
    assert hourly(four, 2, 4) == hourly(eight, 1, 8)


def test_where_the_median_provider_sells_whole_nodes_the_nearest_that_sells_parts_is_the_basis() -> None:
    whole = [offer(f"n{i}", 8, usd) for i, usd in enumerate((16, 20, 21, 24, 28))]
    parts = [offer("part", 1, 2.8, by_accelerator=True), offer("cheap", 1, 1, by_accelerator=True)]
    choices = [priced([*whole, *parts], 1, size) for size in (1, 2, 4, 8)]
    assert [choice.chosen.provider for choice in choices if choice] == ["part"] * 4
    assert [hourly(c, 1, size) for c, size in zip(choices, (1, 2, 4, 8), strict=True)] == [2.8, 5.6, 11.2, 22.4]
    assert choices[0] and choices[0].basis and not choices[0].basis.is_median


def test_old_prices_are_marked_and_lose_ties_and_outdated_ones_set_no_basis() -> None:
    listed = [
        offer("old", 8, 20, checked=date(2025, 5, 1)),
        offer("outdated", 8, 10, checked=date(2024, 6, 1)),
        offer("new", 8, 20),
        offer("dear", 8, 30),
    ]
    choice = priced(listed, 1, 8)
    assert choice is not None and (choice.chosen.instance, choice.chosen.old) == ("new", False)
    assert choice.basis is not None and choice.basis.providers == 3
    assert choice.cheapest.instance == "outdated" and choice.cheapest.old
    assert (only := priced(listed[1:2], 1, 8)) is not None and only.chosen.instance == "outdated"


@pytest.mark.parametrize(
    ("offers", "money", "said"),
    [
        ([], Money(), "has no offer of Card"),
        ([], Money(term="owned"), "no purchase price"),
        ([offer("aws", 8, 30)], Money(provider="gcp"), "of gcp; aws have it"),
        ([offer("aws", 8, 30)], Money(term="spot"), "is spot"),
        ([offer("aws", 2, 30)], Money(), "the largest has 2"),
    ],
)
def test_why_there_is_no_price(offers: list[RentalOffer], money: Money, said: str) -> None:
    card = replace(CARD, purchase_usd=None)
    assert qualifying_offers(offers, card, 8, money, DAY) == ()
    assert said in no_price_note(offers, card, 8, money)


CATALOG = Catalog.load()
NEWEST = newest_check(CATALOG.offers)
ANY_PROVIDER = Money()


def bill(
    accelerator: Accelerator, replicas: int, size: int, money: Money = ANY_PROVIDER
) -> tuple[float, OfferChoice] | None:
    """USD an hour of a fleet at the catalog's prices, and its offers."""
    basis = price_basis(CATALOG.offers, accelerator, money, accelerator.per_node, NEWEST)
    choice = choose_offer(qualifying_offers(CATALOG.offers, accelerator, size, money, NEWEST), replicas, size, basis)
    return (hourly(choice, replicas, size), choice) if choice else None


@of_every(CATALOG.accelerators.values())
def test_more_accelerators_of_a_kind_never_cost_less(accelerator: Accelerator) -> None:
    for size in (1, 2, 4, 8):
        bills = [found[0] for replicas in range(1, 18) if (found := bill(accelerator, replicas, size))]
        assert bills == sorted(bills), size
    for replicas in (1, 2, 3, 8):
        bills = [found[0] for size in (1, 2, 4, 8) if (found := bill(accelerator, replicas, size))]
        assert bills == sorted(bills), replicas


@of_every(CATALOG.accelerators.values())
def test_twice_the_accelerators_cost_about_twice_as_much(accelerator: Accelerator) -> None:
    """However the model is split, where the usual provider sells parts of a node at one price an accelerator."""
    basis = price_basis(CATALOG.offers, accelerator, Money(), accelerator.per_node, NEWEST)
    own = [o for o in CATALOG.offers if o.accelerator == accelerator.id and basis and o.provider == basis.provider]
    if any(o.by_accelerator for o in own) and accelerator.per_node >= 8:
        bills = [found[0] for size in (1, 2, 4, 8) if (found := bill(accelerator, 1, size))]
        assert len(bills) == 4
        assert all(1.5 <= two / one <= 2.5 for one, two in pairwise(bills)), bills
    for size in (1, 2, 4, 8):  # and fleets that fill nodes, everywhere
        full, twice = bill(accelerator, 16, size), bill(accelerator, 32, size)
        assert (full is None) == (twice is None)
        assert full is None or twice is None or 1.5 <= twice[0] / full[0] <= 2.5


@of_every(CATALOG.accelerators.values())
def test_no_provider_is_never_cheaper_than_the_cheapest_nor_dearer_than_the_dearest_named(
    accelerator: Accelerator,
) -> None:
    providers = {offer.provider for offer in CATALOG.offers if offer.accelerator == accelerator.id}
    for replicas, size in ((1, 1), (3, 1), (1, 8), (3, 4), (20, 2)):
        named = [found[0] for p in providers if (found := bill(accelerator, replicas, size, Money(provider=p)))]
        if usual := bill(accelerator, replicas, size):
            assert min(named) <= usual[0] * (1 + 1e-9) and usual[0] <= max(named) * (1 + 1e-9)


sold = st.lists(st.tuples(st.sampled_from([1, 2, 4, 8, 16]), st.floats(0.01, 1000)), min_size=1, max_size=20)


@settings(max_examples=draws(100), deadline=None)
@given(sizes=sold, replicas=st.integers(1, 300), size=st.integers(1, 16))
def test_the_choice_is_ordered_deterministic_and_between_those_of_providers_by_name(
    sizes: list[tuple[int, float]], replicas: int, size: int
) -> None:
    listed = [offer(f"i{i}", n, usd, provider=f"p{i % 5}") for i, (n, usd) in enumerate(sizes)]
    choice = priced(listed, replicas, size)
    assert choice == priced(listed[::-1], replicas, size)
    if choice:
        found = (choice.cheapest, choice.chosen, choice.dearest)
        bills = [o.instances_for(replicas, size) * o.usd_per_hour for o in found]
        assert bills == sorted(bills)
        named = [priced(listed, replicas, size, Money(provider=f"p{i}")) for i in range(5)]
        asked = [hourly(one, replicas, size) for one in named if one]
        assert min(asked) <= bills[1] * (1 + 1e-9) and bills[1] <= max(asked) * (1 + 1e-9)


@settings(max_examples=draws(100), deadline=None)
@given(sizes=sold, replicas=st.integers(1, 100), size=st.sampled_from([1, 2, 4, 8]))
def test_more_replicas_never_cost_less_and_twice_as_many_never_more_than_twice(
    sizes: list[tuple[int, float]], replicas: int, size: int
) -> None:
    listed = [offer(f"p{i}", n, usd) for i, (n, usd) in enumerate(sizes)]
    if priced(listed, 1, size) is None:
        return
    one, more, twice = (hourly(priced(listed, n, size), n, size) for n in (replicas, replicas + 1, 2 * replicas))
    assert one <= more * (1 + 1e-9) and twice <= 2 * one * (1 + 1e-9)


@settings(max_examples=draws(100), deadline=None)
@given(sizes=sold, which=st.integers(0, 19), times=st.floats(1, 3), replicas=st.integers(1, 100))
def test_a_price_that_rises_never_lowers_a_bill(
    sizes: list[tuple[int, float]], which: int, times: float, replicas: int
) -> None:
    def listed(factor: float) -> list[RentalOffer]:
        raised = which % len(sizes)
        return [offer(f"p{i}", n, usd * (factor if i == raised else 1)) for i, (n, usd) in enumerate(sizes)]

    before, after = priced(listed(1), replicas, 1), priced(listed(times), replicas, 1)
    assert hourly(before, replicas, 1) <= hourly(after, replicas, 1) * (1 + 1e-9)


def test_an_offer_that_names_no_place_comes_after_one_in_the_region_and_is_warned_of() -> None:
    asked = {
        "model": "gemma-3-27b", "precision.weights": "fp8", "traffic.requests_per_s": 3, "tokens.input.mean": 1000,
        "tokens.output.mean": 300, "money.region": "eu-central-1",
    }  # fmt: skip
    placed = forecast(spec_from(asked), Catalog.load(), verify=False)
    assert placed.chosen.offer and placed.chosen.offer.region == "eu-central-1"
    named = forecast(spec_from(asked | {"hardware.accelerators": ("gh200-96gb",)}), Catalog.load(), verify=False)
    assert named.chosen.offer and named.chosen.offer.region == "global"
    assert any("names no region" in one for one in named.warnings)
    assert not any("names no region" in one for one in placed.warnings)
