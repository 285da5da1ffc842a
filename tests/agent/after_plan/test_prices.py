"""Whose price an amount is: said beside each that is of another provider, region or term than the plan's."""

import random
import re
from functools import cache

import pytest
from msgspec.structs import replace

from agent.after_plan.replies.billed import Resized
from agent.dialogue import step
from agent.report.cost.price_origin import bill_beside, origin_beside
from agent.report.words import usd_shown
from agent.talk.state import Ports, State
from catalogs.catalog import Catalog
from catalogs.units import TERM_WORDS
from engine.plan import CapacityPlan, NoPlan
from engine.workload import WorkloadSpec
from tests.agent.talks import ports, words

CATALOG = Catalog.load()
FRANKFURT = "llama 3.1 8b on H100, 10 rps, 1k in, 200 out, aws eu-central-1 on demand"


@cache
def planned(opening: str) -> State:
    state = State()
    for line in (opening, *[""] * 9):
        if not state.branches:
            state, _ = step(state, line, ports())
    return state


def said(line: str, opening: str = FRANKFURT) -> str:
    return words(step(planned(opening), line, ports())[1])


def plan_of(opening: str) -> CapacityPlan:
    plan = planned(opening).base.capacity_plan
    assert plan is not None
    return plan


def recording(seen: list[CapacityPlan]) -> Ports:
    """The ports of a conversation, with every plan that a reply makes kept in a list."""

    def sketch(spec: WorkloadSpec) -> CapacityPlan | NoPlan:
        found = ports().sketch(spec)
        if isinstance(found, CapacityPlan):
            seen.append(found)
        return found

    return replace(ports(), sketch=sketch)


def test_as_many_replicas_cost_as_much_whatever_is_paid_beside_them() -> None:
    plan = plan_of(f"{FRANKFURT}, support contract 3000 a month")
    assert plan.cost.other_monthly_usd == 3000
    assert Resized(plan, plan.fleet.replicas).monthly_usd == pytest.approx(plan.cost.monthly_usd)


WHOSE = re.compile(
    rf"\b(?:{'|'.join(re.escape(provider) for provider in CATALOG.providers)})\b.*, "
    rf"(?:{'|'.join(map(re.escape, TERM_WORDS.values()))})"
)
"""A provider, where, and a term."""
QUESTIONS = (
    "how can I make it cheaper", "what fits 3k a month", "why not B200", "why not spot", "how can I make it faster",
    "which model could I run instead", "why not amd",
)  # fmt: skip


def openings(seed: int) -> str:
    """A workload whose accelerator, provider, place and term are drawn."""
    draw = random.Random(seed)
    gpu = draw.choice(("H100", "H200", "L40S", "A100 80GB"))
    where = draw.choice(("aws eu-central-1", "aws us-east-1", "nebius", "gcp", "azure west europe", "in Frankfurt", ""))
    term = draw.choice(("on demand", "spot", "reserved for a year"))
    return f"llama 3.1 8b on {gpu}, {draw.randint(4, 40)} rps, 1k in, 200 out, {where}, {term}"


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(3, 30))]
)
def test_an_amount_of_another_provider_region_or_term_names_it(seed: int) -> None:
    """Each line of a reply that shows the bill of a sketch which is priced elsewhere says whose price that is."""
    opening = openings(seed)
    base = plan_of(opening)
    own = usd_shown(base.cost.monthly_usd)
    for question in QUESTIONS:
        seen: list[CapacityPlan] = []
        reply = words(step(planned(opening), question, recording(seen))[1])
        for other in seen:
            shown = usd_shown(other.cost.monthly_usd)
            elsewhere = origin_beside(other.chosen.offer, base.chosen.offer)
            if other.cost.monthly_usd is None or shown == own or not elsewhere:
                continue
            for line in reply.splitlines():
                if re.search(rf"{re.escape(shown)}(?![\d,.]\d)", line):
                    assert WHOSE.search(line), (opening, question, line, elsewhere)


def test_a_bill_beside_another_names_what_differs() -> None:
    base = plan_of(FRANKFURT)
    for values in ({"money.term": "spot"}, {"money.provider": "nebius"}, {"money.region": "us-east-1"}):
        state, _ = step(planned(FRANKFURT), next(iter(values.values())), ports())
        other = state.branches[-1].capacity_plan
        assert other is not None
        assert other.chosen.offer is not None
        shown = bill_beside(other, base)
        assert other.chosen.offer.provider in shown
        assert other.chosen.offer.region in shown
    assert bill_beside(base, base) == usd_shown(base.cost.monthly_usd)


def test_a_price_that_stands_in_says_for_which_place() -> None:
    offer = plan_of(FRANKFURT).chosen.offer
    assert offer is not None
    assert (offer.region, offer.stands_in_for) == ("eu-west-2", "Frankfurt")
    assert "aws us-east-1 for Dublin, spot. No such price is known in Dublin" in said("now eu-west-1, spot")
    there = plan_of("llama 3.1 8b on H100, 10 rps, 1k in, 200 out, aws us-east-1 on demand").chosen.offer
    assert there is not None
    assert there.stands_in_for == ""


def test_every_alternative_has_the_offer_of_its_amount() -> None:
    plan = plan_of("llama 3.1 8b, 10 rps, 1k in, 200 out")
    assert plan.alternatives
    assert all((other.offer is None) == (other.monthly_usd is None) for other in plan.alternatives)


@pytest.mark.parametrize("line", ["not AWS", "no hyperscalers", "not aws and not google", "no US provider"])
def test_an_excluded_provider_gives_way_to_the_cheapest_other(line: str) -> None:
    state, _ = step(planned(FRANKFURT), line, ports())
    plan = state.branches[-1].capacity_plan
    assert plan is not None
    assert plan.chosen.offer is not None
    assert plan.chosen.offer.provider not in ("aws", *plan.spec.money.excluded_providers)
    assert "no price" not in said(line)


def test_the_cheapest_beside_a_price_that_stands_in_takes_such_prices_too() -> None:
    before = plan_of(FRANKFURT).cost.monthly_usd
    cheapest = step(planned(FRANKFURT), "cheapest", ports())[0].branches[-1].capacity_plan
    assert cheapest is not None
    assert before is not None
    assert cheapest.cost.monthly_usd is not None
    assert cheapest.answer.meets_targets
    assert cheapest.cost.monthly_usd <= before


def test_the_others_are_listed_without_the_excluded() -> None:
    table = said("cheapest without aws and google")
    rows = [line for line in table.splitlines() if "on demand $" in line]
    assert rows
    assert not any(line.startswith(("aws", "gcp")) for line in rows)


def test_a_term_goes_with_its_provider() -> None:
    assert "Priced at nebius eu-north1 for Frankfurt, spot" in said("nebius spot")
    assert "spot. No such price is known in Frankfurt" in said("spot in frankfurt")
    assert "over 36 months" in said("reserve it for three years, all upfront?")
    assert "is not known here" in said("reserve it for three years, all upfront?")
    assert "for 1 year and for 3 years" in said("would a 48 month reservation pay")


def test_a_rate_of_tax_is_added() -> None:
    bill = plan_of(FRANKFURT).cost.monthly_usd
    assert bill is not None
    assert f"${bill * 1.081 * 12:,.0f} a year" in said("what does it cost a year plus 8.1% VAT")
    assert f"${bill * 1.19:,.0f} a month" in said("cost per month including 19 % MwSt")
    assert "VAT and other taxes come on top" in said("cost per year net of VAT")


def test_a_machine_is_its_accelerators() -> None:
    assert "on h100-sxm-80gb, 8 per node" in said("what if it runs on a3-highgpu-8g")
    assert "8 × H100 SXM5 80GB runs it" in said("can i put this on a single p5.48xlarge")
    assert "4 × L40S runs it" in said("would it fit on a g6e.12xlarge")


def test_a_closed_model_is_refused_and_its_own_price_given() -> None:
    reply = said("can you swap in GPT-4o")
    assert "its weights are not open" in reply
    assert "API: gpt-4o:" in reply
    assert "mini" not in reply


def test_an_owned_fleet_has_no_providers_price() -> None:
    offer = plan_of("llama 3.1 8b in our Frankfurt colo, 8 H100 sitting idle, 10 rps, 1k in, 200 out").chosen.offer
    assert offer is not None
    assert offer.term == "owned"
    assert offer.stands_in_for == ""


def test_what_is_cheapest_elsewhere_is_the_same_whichever_way_it_is_asked() -> None:
    opening = "llama 3.1 70b fp8 on H100, 20 rps, 1.5k in, 300 out, p95 TTFT 800ms, on aws on demand"
    elsewhere = re.search(r"elsewhere (.+?) would be (\$[\d,]+) a month", said("cheapest", opening))
    assert elsewhere is not None
    fleet, bill = map(re.escape, elsewhere.groups())
    ways = said("how can I make it cheaper", opening)
    assert re.search(rf"any accelerator elsewhere: fleet {fleet}, monthly {bill}", ways)
