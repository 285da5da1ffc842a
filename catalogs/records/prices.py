"""Offers of accelerators for rent."""

from datetime import date
from typing import Literal

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
