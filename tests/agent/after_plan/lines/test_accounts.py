"""No figure and no name of a line after a plan is dropped in silence: its answer shows it, or says that it does not."""

import re

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agent.after_plan.acts.phrases import names_in
from agent.after_plan.lines.accounts import figures_in, left_out
from agent.dialogue import step
from agent.talk.speech import said
from tests.agent.after_plan.test_acts import answer, planned
from tests.agent.talks import ports, words
from tests.draws import draws


@pytest.mark.parametrize(
    ("line", "figures"),
    [
        ("a HGX H100 box is 280k", [("", 280e3)]),
        ("950ms ttft p95 at 5 rps on one tp4 replica", [("time", 0.95), ("rate", 5.0)]),
        ("4 x TP4 vs 8 x H100", [("machines", 4.0), ("machines", 8.0)]),
        ("use $98.32/h for p5.48xlarge in eu-central-1", [("money", 98.32)]),
        ("2h a day, 30 %, 5M/day, 1.5k tokens", [("time", 7200.0), ("share", 30.0), ("", 5e6), ("tokens", 1500.0)]),
        ("Llama 3.1 70B since 2026-03-01, p99, plan 2, keep 1 and 3, mon-fri 8-18, 24/7, run1.json, 100 % sure", []),
    ],
)
def test_a_figure_counts_or_measures_and_no_digit_of_a_name_is_one(line: str, figures: list[tuple[str, float]]) -> None:
    assert [(figure.kind, pytest.approx(figure.value)) for figure in figures_in(line)] == figures


def test_names_are_those_of_things_that_a_plan_runs_on() -> None:
    assert names_in("16 x H100 or mi300x for qwen 72b in fp8, tp4") == ("H100", "mi300x", "qwen 72b", "fp8", "tp4")


@pytest.mark.parametrize(
    ("line", "answered", "left"),
    [
        ("at 280k a box", "Once $280,000.", ()),
        ("at 280k a box", "Once $648,000.", ("280k a box",)),
        ("$250,000 a year", "That buys $20,833 a month.", ()),
        ("with a 30% buffer", "Traffic × 1.3.", ()),
        ("p95 of users within 2 s", "TTFT p95 2 s", ()),
        ("the plan's 20 rps, 1.5k tokens in and 800 ms", "Yes.", ()),
        ("qwen 72b or tp4", "Qwen2.5 72B; tensor parallel 4", ()),
        ("16 cards and B200", "12 GPUs", ("16 cards", "B200")),
    ],
)
def test_the_same_quantity_accounts_for_a_figure(line: str, answered: str, left: tuple[str, ...]) -> None:
    plan = planned().base.capacity_plan
    assert plan is not None
    assert left_out(line, (said(answered),), plan) == left


_QUESTIONS = (
    "what is the maximum rate, at {n} rps say", "how much does it cost per user at {n} users", "why not {n} replicas",
    "can it start within {n} ms", "how sure are you about {n}%", "how much traffic can {n} GPUs hold",
    "how much memory is left with {n} tokens in flight", "is it cheaper on azure for ${n} an hour", "why TP{n}",
    "buy or rent at {n}k a box", "which instance is it, the one of {n} cards", "what breaks first at x{n}",
    "with {n} rps, prompts of {n}0 tokens", "is a spot price of ${n} known", "how long does it start, {n} min?",
)  # fmt: skip


@given(st.sampled_from(_QUESTIONS), st.integers(7, 4000))
@settings(max_examples=draws(40), deadline=None, phases=(Phase.explicit, Phase.generate))
def test_each_figure_of_a_question_is_shown_or_said_to_be_left_out(question: str, number: int) -> None:
    """Shown by the answer, quoted where it asks what was meant, or under 'Not used'."""
    line = question.format(n=number)
    new, says = step(planned(), line, ports())
    text = words(says)
    plan = planned().base.capacity_plan
    assert plan is not None
    assert new.pending or left_out(line, says, plan) == (), text


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("5 % of prompts are 30k", "5% of the prompts at 30,000 tokens and the others at 1,500 are 2,925 on average"),
        ("one in 20 prompts is 25k tokens", "5% of the prompts at 25,000 tokens"),
        ("3% of requests come with 40k of context", "3% of the prompts at 40,000 tokens"),
        ("every tenth prompt has 12k tokens", "10% of the prompts at 12,000 tokens"),
        ("some prompts (8%) are 16k long", "8% of the prompts at 16,000 tokens"),
        ("5% of the prompts are 30", "has another length, and the others?"),
        ("20 -> 25, 1500 -> 1200, 300 -> 400", "prompts of 1,200 tokens, answers of 400 tokens"),
        ("20 to 24, 1500 to 1800", "24 requests/s on average, prompts of 1,800 tokens"),
        ("statt 800 ms lieber 2 Sekunden", "TTFT p95 within 2 s"),
        ("¿y si en vez de 800 ms aceptamos 2 segundos?", "TTFT p95 within 2 s"),
        ("au lieu de 60 ms, 0,1 seconde", "ITL p95 within 100 ms"),
        ("1 s rather than the 800 ms", "TTFT p95 within 1 s"),
        ("if usrs double n answrs get 2x longr n we go to b200", "answers × 2: 600 tokens, on b200-sxm"),
        ("1500 -> 1800, 800ms -> 600ms", "prompts of 1,800 tokens, TTFT p95 within 600 ms"),
        ("what if the 20 rps were 30", "30 requests/s"),
        ("800ms is too strict, say 1500ms", "TTFT p95 within 1.5 s"),
        ("the quote says $1.1M a year for 16 H100", "$7.85 an hour per GPU"),
        ("swap h100 for h200, is it worth the money?", "on h200-sxm-141gb (against"),
        ("half the prompt is cached", "50 % of prompt tokens cached"),
        ("forget latency, cheapest please", "cheapest with no targets"),
    ],
)
def test_a_change_takes_each_of_its_figures(line: str, shown: str) -> None:
    assert shown in re.sub(r"\s+", " ", answer(line))
