"""Replies on other ways to pay, training and batches: the functions behind the commands, asked in words."""

import re

import pytest

from catalogs.catalog import Catalog
from engine.choice.deployment.comparison import ComparisonSettings, comparison
from engine.training.budget import TrainingQuestion, training_budget
from engine.training.memory import TrainingSetup
from tests.agent.after_plan.test_acts import answer, planned

CATALOG = Catalog.load()


def test_owning_says_what_the_command_says() -> None:
    plan = planned().base.capacity_plan
    assert plan is not None
    bills = {
        bill.mode: bill for bill in comparison(plan, CATALOG, ComparisonSettings(edge=False, other_costs=False)).bills
    }
    for line in ("what would it cost to own", "is buying cheaper than renting over three years"):
        said = answer(line)
        assert f"${bills['own'].yearly_usd * 3:,.0f}" in said
        assert f"${bills['rent'].monthly_usd:,.0f}" in said
        assert "own always pays above" in said
    assert f"${bills['own'].one_off_usd:,.0f}" in said


@pytest.mark.parametrize(
    ("line", "api"),
    [
        ("what about the API instead", "gpt-4o-mini"),
        ("compare with gpt-4o", "gpt-4o"),
        ("how does that compare with claude sonnet 4", "claude-sonnet-4-0"),
    ],
)
def test_an_api_is_priced_for_the_same_calls(line: str, api: str) -> None:
    """1,500 and 300 tokens on average at 20 requests/s; lengths are drawn, so that tiers hold call by call."""
    rates = CATALOG.api_model(api).rates[0]
    monthly = 20 * 730 * 3600 * (1500 * rates.input + 300 * rates.output) / 1e6
    assert f"API: {api}: monthly ${monthly:,.0f}" in answer(line)


def test_a_price_a_million_has_its_volume() -> None:
    assert re.search(
        r"at \$0\.60 per million elsewhere, .* above [\d.]+ requests/s", answer("vs an API at $0.60 per million")
    )


def test_fine_tuning_says_what_the_command_says() -> None:
    plan = planned().base.capacity_plan
    assert plan is not None
    question = TrainingQuestion(
        CATALOG.model("llama-3.1-70b").model, CATALOG.accelerator("h100-sxm-80gb"), 1e9, TrainingSetup("lora")
    )
    budget = training_budget(question, CATALOG)
    said = answer("fine-tune it on 1B tokens")
    assert f"LoRA of Llama 3.1 70B on 1B tokens, ${budget.cost_usd:,.0f}" in said
    assert "QLoRA of" in answer("QLoRA on 100M tokens")
    assert "full training of" in answer("full fine-tuning on 500M tokens")
    assert "On how many tokens?" in answer("can we fine-tune it")


def test_a_batch_has_a_fleet_of_its_own_and_apis_beside_it() -> None:
    said = answer("10 million documents in 3 days")
    assert "On a fleet of its own" in said
    assert said.index("spot:") < said.index("on demand:")
    assert "gpt-4o-mini: provider openai, batch $2,025" in said


def test_terms_are_variants() -> None:
    assert "1: spot (against plan 0)." in answer("spot")
    assert "1: reserved for 1 year (against plan 0)." in answer("reserved for a year")
