"""Questions about what a plan costs at its ends, what it rests on and what is billed beyond what runs."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.after_plan.replies.asked import Asked
from agent.after_plan.replies.billed import billed
from agent.after_plan.replies.bills.ends import bill_range
from agent.after_plan.replies.figures import instance
from agent.after_plan.replies.load import limit, outgrow
from agent.after_plan.replies.running.idle_accelerators import idle_accelerators
from agent.dialogue import step
from agent.report.blocks import Report
from agent.report.rendering.plain import plain_text
from agent.talk.prompt_languages import languages_in, prompt_languages
from agent.talk.state import State
from catalogs.units import show_usd
from engine.fleet.offers import replicas_bill_usd
from engine.plan import CapacityPlan
from tests.agent.after_plan.test_acts import ports, words

OPENING = (
    "llama 3.1 70b fp8 on H100, 20 rps at peak, 1.5k in, 300 out, p95 TTFT 800ms, on aws in eu-central-1, on demand"
)


def _kept(*lines: str) -> State:
    state = State()
    for line in lines:
        state, _ = step(state, line, ports())
    while state.phase != "planned":
        state, _ = step(state, "1" if state.pending else "", ports())
    return state


@pytest.fixture(scope="module")
def kept() -> State:
    return _kept(OPENING)


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("price of one GPU-hour", r"\$8\.94 an hour.*aws.*checked 2026.*sold in eights: 16 GPUs are billed and 12 run"),
        ("what does an instance cost an hour", r"p5\.48xlarge.*\$71\.55"),
        ("Preis einer GPU-Stunde", r"\$8\.94"),
        ("what is the worst case bill", r"Worst \$[\d,]+, best \$[\d,]+ a month"),
        ("coste en el peor caso", r"Worst \$[\d,]+"),
        (
            "what are the weak points of this plan",
            r"gives way first.*of 100 such plans.*no price is known in Frankfurt",
        ),
        ("quels sont les points faibles", "What could undo this plan"),
        ("この計画のリスクは", "What could undo this plan"),
        ("is the arrival process poisson", r"Poisson arrivals are assumed.*a CV of 2"),
        ("what happens if 20 users hit enter at the same second", r"each of 6 replicas has 4, 6,000 prompt tokens"),
        ("what if users write in German", r"German takes 1\.59 times.*2,400 and 480: \d+ GPUs in place of 12"),
        ("half of our prompts are in French", r"in 50 % of the requests"),
        ("what quota do I need", "quota of 16 GPUs .2 × p5.48xlarge., in whole instances, of which 12 run"),
        ("why are 16 billed and 12 used", r"the other 4 take \$26,\d+ of the bill.*8 replicas on 16"),
    ],
)
def test_a_subject_has_an_answer(line: str, holds: str, kept: State) -> None:
    new, says = step(kept, line, ports())
    assert re.search(holds, words(says), re.DOTALL), words(says)
    assert len(new.branches) == 1 and new.pending is None


@settings(max_examples=12, deadline=None)
@given(rate=st.integers(2, 90), prompt=st.sampled_from([500, 1500]), split=st.sampled_from([1, 2, 4]))
def test_billed_and_used_are_told_apart_wherever_they_differ(rate: int, prompt: int, split: int, kept: State) -> None:
    """Money, room and quota go by what is billed, and say so; a bill at either end is of whole instances."""
    values = {
        "traffic.requests_per_s": rate, "tokens.input.mean": prompt, "serving.tensor_parallel": split,
        "precision.weights": "int4",
    }  # fmt: skip
    base = kept.base.capacity_plan
    assert base is not None
    plan = Asked("", kept, ports(), base).sketch(values)
    if not isinstance(plan, CapacityPlan) or not plan.answer.meets_targets:
        return
    asked = Asked("what quota do we need", kept, ports(), plan)
    assert f"{plan.fleet.billed_accelerators} " in plain_text(Report(instance(asked)))
    texts = [plain_text(Report(reply(asked))) for reply in (limit, outgrow, idle_accelerators)]
    if room := billed(plan):
        usd = replicas_bill_usd(plan.chosen, room.replicas)
        assert usd == pytest.approx(plan.cost.monthly_usd)
        assert all(f"{room.replicas} replicas on {room.accelerators}" in text for text in texts)
    if plan.bands and plan.cost.monthly_usd is not None:
        worst, best = re.findall(r"\$([\d,]+)", plain_text(Report(bill_range(asked))))[:2]
        assert float(best.replace(",", "")) <= plan.cost.monthly_usd + 1 <= float(worst.replace(",", "")) + 2
        assert show_usd(plan.cost.monthly_usd)


def test_a_language_is_told_from_a_word_that_holds_it() -> None:
    """Germane is no German; each language has a factor for each tokenizer, between English's and that of bytes."""
    assert [one.name for one in languages_in("is it Germane or polished")] == []
    assert [one.name for one in languages_in("en alemán y francés")] == ["French", "German"]
    names = {one.id for one in prompt_languages().tokenizer}
    for language in prompt_languages().language:
        assert language.times.keys() == names and all(0.9 <= times <= 16 for times in language.times.values())
    tokenizer = prompt_languages().tokenizer_of("deepseek-r1-distill-llama-70b")
    assert tokenizer is not None and tokenizer.id == "llama-3"
