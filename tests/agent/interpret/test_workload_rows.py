"""A table of workloads is asked about row by row, and as their sum where only the rates differ."""

import pytest

from agent.interpret import interpret
from catalogs.catalog import Catalog

CATALOG = Catalog.load()
RATE = "traffic.requests_per_s"


def test_a_row_that_is_chosen_brings_its_lengths_along() -> None:
    table = "service | model | rps | avg in | avg out\n/chat | 8B | 4 | 1,500 | 250\n/rewrite | 70B | 2 | 600 | 300"
    (question,) = interpret(table, CATALOG).questions
    assert [choice.value for choice in question.choices] == [4.0, 2.0]
    assert question.choices[1].also == {"model": "70B", "tokens.input.mean": 600, "tokens.output.mean": 300}
    assert question.choices[1].label == "/rewrite: 2 requests/s, 600 tokens in, 300 out, 70B"


@pytest.mark.parametrize(("second", "sums"), [("900,120", [6.0]), ("400,120", [])])
def test_the_sum_is_offered_where_all_else_is_equal(second: str, sums: list[float]) -> None:
    table = f"name,model,rpm,prompt_tokens,completion_tokens\nfaq,8B,300,900,120\nhelp,8B,60,{second}"
    (question,) = interpret(table, CATALOG).questions
    assert [choice.value for choice in question.choices] == [5.0, 1.0, *sums]


def test_a_row_that_is_chosen_asks_of_its_own_peak() -> None:
    table = "service | model | rps peak | in | out\n/chat | 8B | 4 | 1,500 | 250\n/tag | 8B | 90 | 600 | 3"
    (question,) = interpret(table, CATALOG).questions
    asked = [choice.then for choice in question.choices]
    assert [[one.choices[-1].value for one in then if one.path == RATE] for then in asked] == [[4.0], [90.0]]


MIX = (
    "| workload | share | in | out |\n|---|---|---|---|\n| chat | 60% | 900 | 220 |\n"
    "| summarise | 40% | 6,500 | 400 |\n"
    "total 10 rps mean. Gemma 2 27B"
)


def test_rows_with_shares_are_one_workload_by_their_shares_and_no_preset() -> None:
    reading = interpret(MIX, CATALOG)
    together, chat, _ = next(one for one in reading.questions if one.path == "tokens.input.mean").choices
    assert together.also == pytest.approx({"tokens.input.mean": 3140.0, "tokens.output.mean": 292.0})
    assert chat.also["traffic.requests_per_s"] == pytest.approx(6.0)
    assert "preset" not in reading.values


def test_workloads_under_letters_are_asked_about_and_steps_without_a_rate_are_none() -> None:
    several = interpret(
        "Team A: 3rps 500/100 on llama 3.1 8b. Team B: 0.5 rps 9k/800 on llama 3.3 70b. On H100", CATALOG
    )
    assert [one.value for one in several.questions[0].choices] == [3.0, 0.5]
    assert several.values.keys() == {"hardware.accelerators"}
    one = interpret("Team A: llama 3.1 8b. Team B: pays. 3 rps, 500/100", CATALOG)
    assert one.values["traffic.requests_per_s"] == 3.0
