from datetime import date, timedelta

from msgspec.structs import replace

from agent.report.plan.price_age import OLD_PRICE_DAYS, old_price_notices
from tests.agent.report.sample import plan


def test_a_price_is_pointed_out_once_it_is_old() -> None:
    offer = plan().chosen.offer
    assert offer is not None
    last_good_day = date.fromisoformat(offer.checked) + timedelta(days=OLD_PRICE_DAYS)
    assert old_price_notices(plan(), last_good_day) == []
    (said,) = old_price_notices(plan(), last_good_day + timedelta(days=1))
    assert offer.provider in said
    assert f"{OLD_PRICE_DAYS + 1} days" in said


def test_a_price_of_ones_own_has_no_age() -> None:
    of = plan()
    assert of.chosen.offer is not None
    own = replace(of, chosen=replace(of.chosen, offer=replace(of.chosen.offer, checked="")))
    assert old_price_notices(own, date.max) == []
