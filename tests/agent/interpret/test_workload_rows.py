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
