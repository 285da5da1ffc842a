"""The age of the price that a bill rests on; beside a plan and never in it, since a plan does not depend on the day."""

from datetime import date

from engine.plan import CapacityPlan

OLD_PRICE_DAYS = 180
"""Age from which a price is pointed out."""


def old_price_notices(plan: CapacityPlan, today: date) -> list[str]:
    """Return a sentence on how old the price of the bill is, where that is worth one."""
    offer = plan.chosen.offer
    if offer is None or not offer.checked:
        return []
    days = (today - date.fromisoformat(offer.checked)).days
    return [f"The price of {offer.provider} was checked {days} days ago."] if days > OLD_PRICE_DAYS else []
