"""Offers of accelerators for rent."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

from msgspec.structs import replace

from catalogs.records.facts import Confidence, Identifier, Positive, PositiveInt, Record


class RentalOffer(Record):
    """What a provider asks for one instance, on one day."""

    id: Identifier
    provider: str
    region: str
    instance: str
    accelerator: Identifier
    accelerators: PositiveInt
    """In one instance, which is what is billed."""
    by_accelerator: bool = False
    """Sold by the accelerator: an instance holds as many as are asked, up to a node, at a multiple of the price."""
    doubled: tuple[str, ...] = ()
    """Names of the instances of twice, four times … as many accelerators, where it is sold in those sizes alone."""
    sold_as: Literal["on demand", "marketplace", "capacity block", "flex start", "serverless", "resale", "quote"] = (
        "on demand"
    )
    """What on_demand_usd_per_hour buys; all but the first are no standing price for a service: listed, not ranked."""
    on_demand_usd_per_hour: Positive | None = None
    spot_usd_per_hour: Positive | None = None
    reserved_1y_usd_per_hour: Positive | None = None
    reserved_3y_usd_per_hour: Positive | None = None
    source: str
    checked: date
    confidence: Confidence = Confidence.CONFIRMED
    note: str = ""

    def instance_for(self, accelerators: int) -> tuple[str, int]:
        """Return the instance that holds so many accelerators, or the largest, with the number that it has."""
        if not self.by_accelerator:
            return self.instance, self.accelerators
        if not self.doubled:
            return self.instance, max(accelerators // self.accelerators, 1) * self.accelerators
        sizes = [(name, self.accelerators << times) for times, name in enumerate((self.instance, *self.doubled))]
        return next((one for one in sizes if one[1] >= accelerators), sizes[-1])


class RegionFactors(Record):
    """What a family of instances costs on demand in other regions, over its price in one whose prices are listed."""

    id: Identifier
    provider: str
    family: str
    """With what the names of its instances begin, up to the dot: g6."""
    over: str
    """The region whose prices are listed."""
    factors: dict[str, Positive]
    """By region."""
    source: str
    checked: date

    def offers(self, listed: Iterable[RentalOffer]) -> Iterator[RentalOffer]:
        """Yield the offers that follow from those listed, on demand alone, as old as the older of price and factor."""
        for offer in listed:
            of_family = offer.provider == self.provider and offer.instance.split(".")[0] == self.family
            if not of_family or offer.region != self.over or offer.sold_as != "on demand":
                continue
            if offer.on_demand_usd_per_hour is None or offer.confidence is Confidence.MEMORY:
                continue
            for region, factor in self.factors.items():
                yield replace(
                    offer,
                    id=f"{offer.id.removesuffix(f'-{self.over}')}-{region}",
                    region=region,
                    on_demand_usd_per_hour=round(offer.on_demand_usd_per_hour * factor, 4),
                    spot_usd_per_hour=None,
                    reserved_1y_usd_per_hour=None,
                    reserved_3y_usd_per_hour=None,
                    source=f"{offer.source} × {factor:g} of {region}: {self.source}",
                    checked=min(offer.checked, self.checked),
                    confidence=Confidence.ESTIMATED,
                    note=f"the price in {self.over} by the factor of the family",
                )
