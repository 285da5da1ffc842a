"""What a line asks of a plan: the shipped weights are of the shipped phrasings, and each act has an answer."""

from functools import cache

import pytest

from agent.after_plan.acts.classifier import guesses, learned
from agent.after_plan.acts.learning import Act, acts, cross_validation, digest
from agent.after_plan.readings import ANSWERED, SURE
from agent.after_plan.replies.table import REPLIES
from agent.dialogue import step
from agent.report.blocks import Report
from agent.report.rendering.plain import plain_text
from agent.session.ports import ports_of
from agent.talk.speech import Data, Say, Talk
from agent.talk.state import Ports, State, WhichReading
from catalogs.catalog import Catalog
from tests.every import of_every


@cache
def ports() -> Ports:
    return ports_of(Catalog.load())


@cache
def planned() -> State:
    state = State()
    for line in ("llama 3.1 70b fp8 on H100, 20 rps, 1.5k in, 300 out, p95 TTFT 800ms, p95 ITL 60ms", ""):
        state, _ = step(state, line, ports())
    return state


def words(says: tuple[Say, ...]) -> str:
    return "\n".join(
        plain_text(Report(one.blocks) if isinstance(one, Talk) else one.report)
        for one in says
        if isinstance(one, Talk | Data)
    )


def answer(line: str) -> str:
    return words(step(planned(), line, ports())[1])


def test_the_weights_are_of_these_phrasings() -> None:
    """Otherwise run `python -m agent.after_plan.acts`."""
    assert learned().digest == digest()


def test_an_act_has_thirty_phrasings_and_no_phrasing_two_acts() -> None:
    lines = [line.lower() for act in acts() for line in act.lines]
    assert len(lines) == len(set(lines))
    assert [act.id for act in acts() if len(act.lines) < 30] == []


def test_every_act_has_an_answer_and_every_answer_an_act() -> None:
    assert {act.id for act in acts()} == ANSWERED | {"change", "compare"}
    assert REPLIES.keys() <= ANSWERED


def test_what_was_learned_is_known() -> None:
    wrong = [(line, act.id) for act in acts() for line in act.lines if guesses(line)[0].act != act.id]
    assert len(wrong) <= 0.02 * sum(len(act.lines) for act in acts()), wrong


@pytest.mark.thorough
def test_four_in_five_phrasings_that_were_left_out_are_known() -> None:
    result = cross_validation()
    assert result.right >= 0.75
    assert result.among_two >= 0.85


@of_every(acts())
def test_the_words_that_an_act_is_offered_with_ask_for_it(act: Act) -> None:
    likeliest = guesses(act.ask)[0]
    assert likeliest.act == act.id
    assert likeliest.probability >= SURE


@of_every(sorted(REPLIES))
def test_each_act_answers_a_plan(act: str) -> None:
    """In words, without symbols or Python's values."""
    text = answer(next(one.ask for one in acts() if one.id == act))
    assert len(text) > 60
    assert "Did you mean" not in text
    assert "None" not in text.replace("None of these", "")
    assert "nan" not in text.split()


def test_what_is_not_understood_is_asked_and_the_choice_is_answered() -> None:
    state, says = step(planned(), "blue elephants on the moon", ports())
    assert isinstance(state.pending, WhichReading)
    assert "Did you mean 1:" in words(says)
    chosen, says = step(state, "1", ports())
    assert chosen.pending is None
    assert words(says)
    other, says = step(state, "what does it cost per year", ports())
    assert other.pending is None
    assert "a year" in words(says)


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("cost per user with 2,000 users", "of 2,000 users"),
        ("cost per month in euros at 1.25", "0.8 EUR per dollar"),
        ("how much traffic can 8 GPUs hold", "not enough for the planned peak"),
        ("why not L40S", "cannot meet the targets, however many"),
        ("why not tp8", "It would do"),
        ("when is it too small at 50% growth a year", "full after"),
        ("would it run on my 4090", "No, not on 1 × GeForce RTX 4090"),
        ("will prices fall next year", "I cannot say"),
        ("is it cheaper on azure", "azure"),
    ],
)
def test_an_answer_takes_the_values_of_its_line(line: str, holds: str) -> None:
    assert holds in answer(line)


def test_a_question_about_another_provider_leaves_the_plan_as_it_is() -> None:
    state, _ = step(planned(), "is it cheaper on azure?", ports())
    assert state.branches == planned().branches
