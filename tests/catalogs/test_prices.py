import re
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from catalogs.catalog import BUILT_IN, Catalog
from catalogs.records.accelerators import Accelerator
from catalogs.records.facts import Confidence
from catalogs.records.prices import RentalOffer
from engine.fleet.offers import qualifying_offers
from engine.workload import Money
from tests.every import of_every

CATALOG = Catalog.load()
OFFERS = CATALOG.offers


def prices(offer: RentalOffer) -> list[float]:
    """The prices that an offer has, dearest term first."""
    terms = (offer.on_demand_usd_per_hour, offer.reserved_1y_usd_per_hour, offer.reserved_3y_usd_per_hour)
    return [price for price in terms if price is not None]


def test_there_are_many_offers_of_many_providers() -> None:
    assert len(OFFERS) >= 240
    assert len({offer.provider for offer in OFFERS}) >= 20


def test_no_id_is_written_twice() -> None:
    written = Counter(
        entry["id"]
        for file in (BUILT_IN / "prices").glob("*.toml")
        for entry in tomllib.loads(Path(file).read_text(encoding="utf-8"))["offer"]
    )
    assert written.most_common(1)[0][1] == 1
    assert set(written) <= {offer.id for offer in OFFERS}


def test_every_offer_names_an_accelerator_of_the_catalog() -> None:
    assert {offer.accelerator for offer in OFFERS} <= set(CATALOG.accelerators)


def test_a_file_holds_one_provider() -> None:
    for file in (BUILT_IN / "prices").glob("*.toml"):
        providers = {entry["provider"] for entry in tomllib.loads(file.read_text(encoding="utf-8"))["offer"]}
        assert providers == {file.name.removesuffix(".toml")}


@of_every(OFFERS)
def test_an_offer_has_a_price_that_an_accelerator_can_cost(offer: RentalOffer) -> None:
    known = [price for price in (*prices(offer), offer.spot_usd_per_hour) if price is not None]
    assert known
    for price in known:
        # From a V100 among the spare ones to a rack's GB200.
        assert 0.1 <= price / offer.accelerators <= 35


@of_every(OFFERS)
def test_commitment_and_interruption_cost_less(offer: RentalOffer) -> None:
    known = prices(offer)
    assert known == sorted(known, reverse=True)
    if offer.on_demand_usd_per_hour and offer.spot_usd_per_hour:
        assert offer.spot_usd_per_hour < offer.on_demand_usd_per_hour


def test_an_instance_fits_in_a_node_or_is_a_rack_or_google_s_double_node() -> None:
    larger = {offer.id for offer in OFFERS if offer.accelerators > CATALOG.accelerators[offer.accelerator].per_node}
    assert larger == {"aws-u-p6e-gb200x72-capacity-block-us", "gcp-a2-megagpu-16g-us-central1"}


def test_what_is_sold_by_the_accelerator_is_priced_for_one() -> None:
    assert all(offer.accelerators == 1 for offer in OFFERS if offer.by_accelerator)


NAMED_SIZE = re.compile(r"[-_](\d+)gp?u?(?![a-z0-9])", re.IGNORECASE)
"""Accelerators that an instance's name says: gpu-h200-sxm_1gpu-16vcpu-200gb, a2-highgpu-4g."""


@of_every(CATALOG.accelerators.values())
def test_no_bill_names_an_instance_that_cannot_hold_a_node_of_the_replica(accelerator: Accelerator) -> None:
    """Eight of nebius' gpu-h200-sxm_1gpu stood for DP8 × EP8, whose ranks talk over the links of a node."""
    node = accelerator.per_node
    for size in (1, 2, 4, 8, 16):
        for money in (Money(), Money(provider="any"), Money(provider="any", term="spot")):
            for one in qualifying_offers(CATALOG.offers, accelerator, size, money, date(2026, 9, 19)):
                assert one.accelerators >= min(size, node), (size, one)
                named = NAMED_SIZE.search(one.instance)
                assert named is None or int(named[1]) == one.accelerators, (size, one)


def test_an_instance_whose_name_says_its_size_has_names_for_the_others() -> None:
    sized = [
        offer for offer in OFFERS
        if offer.by_accelerator
        and (NAMED_SIZE.search(offer.instance) or re.search(r"-standard-\d+$", offer.instance))
    ]  # fmt: skip
    assert sized
    assert [offer.id for offer in sized if not offer.doubled] == []
    whole = {(offer.region, offer.instance): offer.accelerators for offer in OFFERS if offer.provider == "gcp"}
    for offer in sized:
        assert whole.get((offer.region, offer.doubled[-1]), 8) == offer.accelerators << len(offer.doubled)


def test_every_price_is_dated_and_sourced() -> None:
    for offer in OFFERS:
        assert offer.source
        assert date(2024, 1, 1) <= offer.checked <= date(2026, 12, 31)


def test_a_known_price() -> None:
    """AWS p5.48xlarge, eight H100, us-east-1: 55.04 USD an hour on 2026-07-20."""
    (offer,) = (offer for offer in OFFERS if offer.id == "aws-p5.48xlarge-us-east-1")
    assert (offer.accelerator, offer.accelerators, offer.on_demand_usd_per_hour) == ("h100-sxm-80gb", 8, 55.04)
    assert offer.checked == date(2026, 7, 20)


@pytest.mark.parametrize(
    ("id", "listed"),
    [
        ("aws-g5.2xlarge-eu-central-1", 1.5156),
        ("aws-g5.48xlarge-ap-northeast-1", 23.62246),
        ("aws-g6.xlarge-me-central-1", 0.98824),
        ("aws-g6e.2xlarge-eu-north-1", 2.37822),
        ("aws-g6e.12xlarge-eu-south-2", 11.05645),
    ],
)
def test_a_region_s_factor_gives_the_price_that_the_provider_lists_there(id: str, listed: float) -> None:
    offer = next(offer for offer in OFFERS if offer.id == id)
    assert offer.on_demand_usd_per_hour == pytest.approx(listed, rel=2e-3)
    assert offer.confidence is Confidence.ESTIMATED
    assert (offer.spot_usd_per_hour, offer.reserved_1y_usd_per_hour) == (None, None)


def test_what_is_listed_in_a_region_wins_over_its_factor(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[[offer]]\nid = "aws-g6.xlarge-eu-central-1"\nprovider = "aws"\nregion = "eu-central-1"\n'
        'instance = "g6.xlarge"\naccelerator = "l4"\naccelerators = 1\non_demand_usd_per_hour = 0.5\n'
        'source = "contract"\nchecked = 2026-11-01\n'
    )
    there = [o for o in Catalog.load([tmp_path]).offers if (o.instance, o.region) == ("g6.xlarge", "eu-central-1")]
    assert [offer.on_demand_usd_per_hour for offer in there] == [0.5]


def test_factors_are_of_regions_that_are_not_listed_and_lie_near_one() -> None:
    for entry in CATALOG.region_factors:
        assert entry.over not in entry.factors
        assert all(0.9 <= factor <= 2 for factor in entry.factors.values()), entry.id
        assert any(offer.region == entry.over and offer.provider == entry.provider for offer in OFFERS)
