"""The program's own questions end: after each of their choices, a plain value, and after whoever does not know."""

import tomllib
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from agent.collect.assumed import assumed
from agent.dialogue import step
from agent.fields.demand import RATE
from agent.interpret.facts.reading import Ambiguity, Choice
from agent.talk.questions import open_slot
from agent.talk.state import Clarify, State
from engine.workload import Target
from tests.agent.talks import ports
from tests.every import of_every

FOLDER = Path(__file__).parent / "interpret" / "sentences"
LINES = sorted(
    {e["text"] for f in FOLDER.glob("*.toml") for e in tomllib.loads(f.read_text("utf-8")).get("sentence", ())}
)
PLAIN = {
    "traffic.requests_per_s": "12 requests per second",
    "tokens.input.mean": "1500 tokens",
    "tokens.output.mean": "300 tokens",
    "model": "llama 3.3 70b",
    "targets": "ttft p95 1 s",
    "hardware.accelerators": "h100",
    "hardware.accelerator_count": "8 gpus",
    "hardware.replicas": "3 replicas",
    "precision.weights": "fp8",
    "tokens.prefix_hit": "40%",
}
"""What somebody says who does not care for the choices."""
FIRST = Target(metric="ttft", percentile="p95", seconds=1.0)


def said(*lines: str) -> State:
    state = State()
    for line in lines:
        state, _ = step(state, line, ports())
    return state


def asked(state: State) -> Ambiguity | None:
    return state.pending.question if isinstance(state.pending, Clarify) else None


@of_every(Random(5).sample(LINES, 160))
def test_a_question_ends_within_one_line(line: str) -> None:
    state = said(line)
    for _ in range(3):
        if (question := asked(state)) is None:
            return
        answers = [*map(str, range(1, len(question.choices) + 1)), *(one.label for one in question.choices)]
        answers += ["skip", "I don't know", "neither", *([PLAIN[question.path]] if question.path in PLAIN else [])]
        for answer in answers:
            after = asked(step(state, answer, ports())[0])
            assert after is None or (after.text, after.path) != (question.text, question.path), (answer, question.text)
        state, _ = step(state, "skip", ports())


@of_every(Random(6).sample(LINES, 60))
def test_a_question_that_was_passed_over_is_asked_again_only_when_nothing_else_is_open(line: str) -> None:
    state = said(line)
    question = asked(state)
    new, _ = step(state, "in Zurich", ports())
    if question is not None and new is not state and asked(new) == question:
        assert open_slot(replace(new, pending=None, waiting=(question, *new.later)), ports()) is None


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        (("mistral small, 2k in 100 out", "mistral small 24b, 20 rps"), {RATE: 20.0}),
        (("deepseek v3 vs gpt-oss-120b, 6 rps", "on h200", "go with gpt-oss"), {"model": "gpt-oss-120b"}),
        (("gpt-oss-120b, 5 rps, 1k/200", "gpt-oss on h100"), {"model": "gpt-oss-120b"}),
        (("mistral, 5 rps on gcp", "mistral-7b-v0.3, 1k in"), {"model": "mistral-7b-v0.3"}),
        (("20k users, line every 10 sec, 8B", "ok actually 35k users", "20k was right"), {RATE: 2000.0}),
        (("would 2x L4 be enough for 8B at 4 rps, 800/200", "yes"), {"hardware.accelerator_count": 2}),
        (("2x L40S with llama 3.1 8b today; we need 40 rps", "2", "yes"), {"model": "llama-3.1-8b"}),
        (("phi-4, 4 rps, 1k in, 200 out, 1 s", "1"), {"targets": (FIRST,)}),
        (("a chatbot with RAG, 2 rps", "1"), {RATE: 2.0}),
    ],
)  # fmt: skip
def test_an_answer_says_all_that_it_says(lines: tuple[str, ...], values: dict[str, object]) -> None:
    state = said(*lines)
    assert {path: state.values.get(path) for path in values} == values


def test_a_figure_of_the_question_is_no_wish_for_a_plan() -> None:
    """Who says what the 200 are is not answered with a plan for what was assumed of them."""
    state = said("200 users, Llama 3.1 70B, 2,500 prompt, 400 answer")
    new, _ = step(state, "no, 200 is the number who are typing at the same moment, not the total", ports())
    assert new.phase == "collect"


def test_of_readings_that_are_far_apart_none_is_assumed() -> None:
    """An hour and a day are a factor of 24: 'plan' asks on."""
    asks = Ambiguity(
        "in which time?", RATE, (Choice(24.0, "an hour: 24 requests/s"), Choice(1.0, "a day: 1 request/s")), "40 chats"
    )
    state = replace(said("8B, 1k in, 200 out"), pending=Clarify(asks))
    assert [slot.id for slot in assumed(state, ports()).missing] == ["traffic"]


def test_a_choice_that_cannot_be_is_left_out() -> None:
    """No later line is refused for it."""
    asks = Ambiguity("how many?", RATE, (Choice(0.0, "0 requests/s"),), "0 users")
    state, _ = step(replace(said("8B, 1k in, 200 out"), pending=Clarify(asks)), "1", ports())
    assert step(state, "20 rps", ports())[0].values[RATE] == 20
