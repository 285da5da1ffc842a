"""Prices of a contract: what of them cannot be right, a broken line in a sentence, and the file that they make."""

from datetime import date
from pathlib import Path

import pytest

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.price_feeds.offers import catalog_text, contract_offers, doubts, without_doubtful

CATALOG = Catalog.load()
DAY = date(2026, 11, 29)
HEAD = "provider,region,instance,accelerator,accelerators,on_demand_usd_per_hour,spot_usd_per_hour\n"


def contract(folder: Path, *lines: str, head: str = HEAD) -> Path:
    file = folder / "contract.csv"
    file.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def test_offers_of_a_contract_join_the_catalog(tmp_path: Path) -> None:
    offers = contract_offers(contract(tmp_path, 'acme,eu-north,"eight, fast",H100,8,16,'), CATALOG, DAY)
    assert doubts(offers, CATALOG) == []
    own = tmp_path / "own"
    own.mkdir()
    (own / "refreshed_prices.toml").write_text(catalog_text(offers, "contract.csv"), encoding="utf-8")
    found = Catalog.load([own]).offers_of("acme")
    assert [(offer.accelerator, offer.accelerators, offer.on_demand_usd_per_hour) for offer in found] == [
        ("h100-sxm-80gb", 8, 16.0)
    ]
    assert found[0].source == "line 2 of contract.csv"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("acme,,odd,H100,8,19,25", "dearer than on demand"),
        ("acme,,dear,H100,1,90,", "where $"),
        ("acme,,many,H100,80,190,", "80 H100 SXM5 80GB in one instance"),
    ],
)
def test_what_cannot_be_right_is_shown_and_not_ranked(tmp_path: Path, line: str, reason: str) -> None:
    offers = contract_offers(contract(tmp_path, line), CATALOG, DAY)
    found = doubts(offers, CATALOG)
    assert [reason in doubt.reason for doubt in found] == [True]
    kept = without_doubtful(offers, found)
    assert kept[0].sold_as == "quote"
    assert kept[0].spot_usd_per_hour is None
    assert reason in kept[0].note


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("acme,,x,H100,8,cheap,", "line 2 of contract.csv: on_demand_usd_per_hour must be a number"),
        ("acme,,x,H100,8,0,", "must be greater than 0"),
        ("acme,,x,H100,8,,", "has no price"),
        ("acme,,x,H1000,8,3,", "no accelerator is called 'H1000'"),
        ("acme,,x,H100,eight,3,", "accelerators must be a whole number"),
    ],
)
def test_a_broken_line_is_one_sentence(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(InputError, match="line 2") as refused:
        contract_offers(contract(tmp_path, line), CATALOG, DAY)
    assert said in str(refused.value)


def test_a_table_of_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no column accelerator"):
        contract_offers(contract(tmp_path, head="provider,instance,gpu\n"), CATALOG, DAY)
    with pytest.raises(InputError, match="has a column 'euros'"):
        contract_offers(contract(tmp_path, head=HEAD.strip() + ",euros\n"), CATALOG, DAY)
    with pytest.raises(InputError, match="cannot be read"):
        contract_offers(tmp_path / "none.csv", CATALOG, DAY)
