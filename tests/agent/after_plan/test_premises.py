"""Figures that a line wants confirmed, and words that it wants explained with the plan's figure."""

import pytest

from agent.after_plan.premises import confirmed
from catalogs.units import show_seconds
from tests.agent.after_plan.test_acts import answer, planned


def told(line: str) -> str:
    plan = planned().base.capacity_plan
    assert plan is not None
    return confirmed(line, plan)


def figures() -> dict[str, str]:
    """Return figures of the plan as people say them, and others that it has not."""
    plan = planned().base.capacity_plan
    assert plan is not None
    monthly = plan.cost.monthly_usd or 0.0
    return {
        "gpus": f"{plan.fleet.accelerators}",
        "replicas": f"{plan.fleet.replicas}",
        "grand": f"{monthly / 1000:.0f}",
        "wrong": f"{plan.fleet.accelerators + 1}",
    }


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        ("so it's {gpus} GPUs and about {grand} grand a month, right?", "Yes: "),
        ("so it's {wrong} GPUs in total and around 2 grand a month, right?", "No: "),
        ("it's {gpus} GPUs and ${wrong} a month, correct?", "Not quite: "),
        ("we need {gpus} cards, is that right", "Yes: "),
        ("there are {replicas} replicas, aren't they?", "Yes: "),
        ("that's $2,000 a month, or am I off", "No: "),
        ("it costs {grand}k a month, no?", "Yes: "),
        ("TTFT p95 is 10 ms, right?", "No: "),
    ],
)
def test_a_figure_that_is_to_be_confirmed_is_held_against_the_plan(line: str, begins: str) -> None:
    said = told(line.format(**figures()))
    assert said.startswith(begins)
    assert (", not " in said) == (begins != "Yes: ")


@pytest.mark.parametrize(
    "line",
    [
        "we survive losing 2 GPUs, right?", "it works with 8 GPUs, right?", "itl p95 is under 30 ms, right?",
        "it's 4 GPUs per replica, right?", "make it 4 GPUs, right?", "we have 8 GPUs, right?",
        "it's not 4 GPUs, right?",
        "it would be 2 grand a month on AMD, right?", "2 replicas do about 10 rps, am I right?", "it's 4 GPUs",
        "20 rps is about 6,000 people, right?", "so how many GPUs is it, right?", "ok, that's all, right?",
    ],
)  # fmt: skip
def test_what_is_no_figure_of_the_plan_is_not_taken_for_one(line: str) -> None:
    assert told(line) == ""


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("what does ITL even mean & what is ours", ("between two tokens", "ITL p95 is")),
        ("what is TTFT, and how high is ours?", ("until the first token", "TTFT p95 is")),
        ("explain ITL like I'm five", ("time between two tokens",)),
        ("what does TP2 mean, i'm from finance", ("splits each layer",)),
        ("what does rps mean and what is it here", ("Requests per second", "It counts what starts")),
    ],
)
def test_a_word_is_explained_with_the_figure_of_the_plan(line: str, holds: tuple[str, str]) -> None:
    said = answer(line)
    assert all(part in said for part in holds)
    assert "p95 is" not in answer("what does ITL mean")


def test_a_bare_time_is_explained_as_the_latency_that_it_is() -> None:
    plan = planned().base.capacity_plan
    assert plan is not None
    for name, latency in (
        ("ITL p95", plan.performance.at_peak.itl_s.p95),
        ("TTFT p99", plan.performance.at_peak.ttft_s.p99),
    ):
        shown = show_seconds(latency)
        assert f"{shown} is the {name} at the peak." in answer(f"why {shown}")
    assert "No latency here is 7 min" in answer("why 420 s")
