"""Offers from a contract or from gpuhunt, with what of them cannot be right, and the catalog file that they make.

A contract is a CSV with a line for each instance: provider, region, instance, accelerator, accelerators, and the price
of an hour on demand, on spot, reserved for one year and for three; a price that is not in it stays empty.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed, quoted
from catalogs.records.accelerators import Accelerator
from catalogs.records.facts import Confidence
from catalogs.records.prices import RentalOffer
from catalogs.records.validation import InvalidValues, record_of
from catalogs.toml_text import entry_text

PRICES: Final = {
    "on_demand_usd_per_hour": "on demand",
    "spot_usd_per_hour": "on spot",
    "reserved_1y_usd_per_hour": "reserved for one year",
    "reserved_3y_usd_per_hour": "reserved for three",
}
"""Columns of a contract that are prices of an hour, USD."""
COLUMNS: Final = ("provider", "region", "instance", "accelerator", "accelerators", *PRICES)
TIMES_MEDIAN: Final = 3.0
"""A price of an accelerator-hour so many times the median of its accelerator is not believed."""


class Doubt(Struct, frozen=True):
    """An offer that cannot be right."""

    offer: RentalOffer
    reason: str


def contract_offers(file: Path, catalog: Catalog, day: date) -> list[RentalOffer]:
    """Return the offers of a contract.

    Args:
        file: a CSV, or another table of that form.

    Raises:
        InputError: the file, or a line of it, cannot be read; the sentence names the line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{quoted(str(file))} cannot be read: {error}; give a CSV with a line for each offer"
        ) from None
    rows = csv.DictReader(text.splitlines())
    unknown = [name for name in rows.fieldnames or () if name and name.strip() not in COLUMNS]
    needed = [name for name in COLUMNS[2:5] if name not in (rows.fieldnames or ())]
    if unknown or needed:
        wrong = f"has no column {listed(needed)}" if needed else f"has a column {quoted(unknown[0])}"
        raise InputError(f"{quoted(str(file))} {wrong}; the columns are {', '.join(COLUMNS)}")
    return [_offer(row, number, file.name, catalog, day) for number, row in enumerate(rows, 2)]


def _offer(row: dict[str, str | None], line: int, file: str, catalog: Catalog, day: date) -> RentalOffer:
    given = {key: (value or "").strip() for key, value in row.items() if key}
    try:
        accelerator = catalog.accelerator(given["accelerator"])
    except InputError as error:
        raise InputError(f"line {line} of {file}: {error}") from None
    provider = given.get("provider") or "contract"
    values: dict[str, Any] = {key: value for key, value in given.items() if value and key != "accelerator"}
    values |= {"accelerator": accelerator.id, "provider": provider, "region": given.get("region", "")}
    identifier = "-".join(filter(None, ("own", provider, given["instance"], given.get("region", ""))))
    values |= {"id": _identifier(identifier), "source": f"line {line} of {file}", "checked": day}
    if not any(given.get(name) for name in PRICES):
        raise InputError(f"line {line} of {file} has no price; one of {', '.join(PRICES)} is needed")
    try:
        return record_of(RentalOffer, values)
    except InvalidValues as error:
        fault = error.faults[0]
        raise InputError(f"line {line} of {file}: {fault.path} {fault.problem} (given: {fault.value!r:.40})") from None


def gpuhunt_offers(catalog: Catalog, day: date) -> list[RentalOffer]:
    """Return the offers that gpuhunt collects from providers, of accelerators that the catalog knows.

    Raises:
        InputError: the package is not installed, or no provider answers.
    """
    try:
        import gpuhunt
    except ImportError:
        raise InputError(
            "gpuhunt is not installed; `pip install fleetcast[prices]` brings it; --from FILE takes a contract"
        ) from None
    try:
        items = gpuhunt.query(min_gpu_count=1)
    except Exception as error:  # whatever it raises, its providers did not answer
        raise InputError(f"gpuhunt has no prices now: {error}") from None
    return list(_merged(items, catalog, day))


def _merged(items: Iterable[Any], catalog: Catalog, day: date) -> Iterator[RentalOffer]:
    """Yield an offer for each instance and place, its prices on demand and on spot together."""
    prices: dict[tuple[str, str, str, str, int], dict[str, float]] = defaultdict(dict)
    for item in items:
        with suppress(InputError):
            name = f"{item.gpu_name} {item.gpu_memory:g}GB" if item.gpu_memory else str(item.gpu_name)
            place = (item.provider, item.location, item.instance_name, catalog.accelerator(name).id, item.gpu_count)
            prices[place]["spot_usd_per_hour" if item.spot else "on_demand_usd_per_hour"] = item.price
    for (provider, region, instance, accelerator, count), asked in prices.items():
        with suppress(InvalidValues):
            yield record_of(
                RentalOffer,
                {
                    "id": _identifier(f"{provider}-{instance}-{region}"),
                    "provider": provider,
                    "region": region,
                    "instance": instance,
                    "accelerator": accelerator,
                    "accelerators": count,
                    "source": "gpuhunt",
                    "checked": day,
                    **asked,
                },
            )


def _identifier(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-")


def doubts(offers: Sequence[RentalOffer], catalog: Catalog) -> list[Doubt]:
    """Return the offers that cannot be right, each with the reason.

    Args:
        catalog: whose accelerators and prices they are held against.
    """
    usual: dict[tuple[str, str], list[float]] = defaultdict(list)
    for offer in (*catalog.offers, *offers):
        if offer.confidence is Confidence.ESTIMATED:
            continue  # follows from another price
        for name in PRICES:
            if (price := getattr(offer, name)) is not None:
                usual[offer.accelerator, name].append(price / offer.accelerators)
    found = []
    for offer in offers:
        reason = _doubt(offer, catalog.accelerators[offer.accelerator], usual)
        if reason:
            found.append(Doubt(offer, reason))
    return found


def _doubt(offer: RentalOffer, accelerator: Accelerator, usual: dict[tuple[str, str], list[float]]) -> str:
    if offer.accelerators > max(accelerator.per_node, accelerator.link.domain):
        return f"{offer.accelerators} {accelerator.name} in one instance, where a node has {accelerator.per_node}"
    on_demand, spot = offer.on_demand_usd_per_hour, offer.spot_usd_per_hour
    if on_demand and spot and spot > on_demand:
        return f"spot at ${spot:g} is dearer than on demand at ${on_demand:g}"
    for name, words in PRICES.items():
        price, known = getattr(offer, name), usual[offer.accelerator, name]
        if price is None or len(known) < 4:
            continue
        each, middle = price / offer.accelerators, median(known)
        if each > middle * TIMES_MEDIAN:
            return f"${each:.2f} an accelerator-hour {words}, where ${middle:.2f} is usual"
    return ""


def without_doubtful(offers: Sequence[RentalOffer], doubtful: Sequence[Doubt]) -> list[RentalOffer]:
    """Return the offers, those in doubt as quotes, which are listed and never ranked."""
    reasons = {doubt.offer.id: doubt.reason for doubt in doubtful}
    return [
        replace(
            offer,
            sold_as="quote",
            spot_usd_per_hour=None,
            reserved_1y_usd_per_hour=None,
            reserved_3y_usd_per_hour=None,
            note=f"in doubt: {reasons[offer.id]}",
        )
        if offer.id in reasons
        else offer
        for offer in offers
    ]


def catalog_text(offers: Iterable[RentalOffer], made_from: str) -> str:
    """Return offers as a catalog file."""
    head = f"# Made by `fleetcast catalog prices refresh` from {made_from}; the next refresh writes it anew.\n"
    return head + "".join(entry_text("offer", _stated(offer)) for offer in offers)


def _stated(offer: RentalOffer) -> dict[str, object]:
    """Return the fields of an offer that say more than their defaults."""
    fields = {name: getattr(offer, name) for name in offer.__struct_fields__}
    return {
        name: value for name, value in fields.items() if name == "region" or value not in ("", False, "on demand", ())
    }
