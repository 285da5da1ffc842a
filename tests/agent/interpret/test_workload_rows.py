"""Workloads in rows or columns are asked about one by one; a load by time is a profile, or asked."""

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


def test_a_row_that_is_chosen_asks_of_its_own_peak() -> None:
    table = "service | model | rps peak | in | out\n/chat | 8B | 4 | 1,500 | 250\n/tag | 8B | 90 | 600 | 3"
    (question,) = interpret(table, CATALOG).questions
    asked = [choice.then for choice in question.choices]
    assert [[one.choices[-1].value for one in then if one.path == RATE] for then in asked] == [[4.0], [90.0]]
    assert question.choices[0].label.startswith("/chat: 4 requests/s at the peak, ")


def test_workloads_in_columns_have_targets_of_their_own() -> None:
    table = (
        "           chat   docs\nrps        4      1\nprompt     600    5200\nanswer     300    400\n"
        "ttft p95   0.5s   2s\non llama 3.1 8b"
    )
    reading = interpret(table, CATALOG)
    assert reading.values == {"model": "llama-3.1-8b"}
    chat, docs = reading.questions[0].choices
    assert (chat.value, chat.also["tokens.input.mean"], docs.also["tokens.output.mean"]) == (4.0, 600, 400)
    assert [one.also["targets"][0].seconds for one in (chat, docs)] == [0.5, 2.0]


def test_columns_of_what_runs_today_are_no_part_of_what_is_planned() -> None:
    table = "model,gpu,replicas,peak_rps,p95_ttft_ms\n70B,H100,5,17,1450\n8B,L4,6,9,620\nThat is current prod"
    reading = interpret(table, CATALOG)
    assert "replicas, p95_ttft_ms" in reading.notes[0]
    assert all({*choice.also} <= {"model", "hardware.accelerators"} for choice in reading.questions[0].choices)


@pytest.mark.parametrize(
    ("text", "mean", "busiest"),
    [
        ("hour\trps\tin_tok\n08\t4\t1100\n09\t12\t1100\n10\t8\t1100\n8B, other hours nothing", 1.0, 12.0),
        ("| Stunde | Anfragen |\n| 6-12 | 10.800 |\n| 12-18 | 43.200 |\n| 18-24 | 21.600 |\nLlama 3.1 8B", 0.875, 2.0),
        ("Requests by hour, Mistral Nemo\n8: 3600\n9: 7200\n10: 3600", 1 / 6, 2.0),
        ("hour,requests,avg_prompt_tok\n06,3600,1000\n07,7200,2000\n08,3600,1000\n\nQwen3 8B", 1 / 6, 2.0),
    ],
)
def test_a_load_by_the_hour_is_a_profile(text: str, mean: float, busiest: float) -> None:
    values = interpret(text, CATALOG).values
    assert values[RATE] == pytest.approx(mean)
    assert values["traffic.peak_factor"] == pytest.approx(busiest / mean)
    assert max(values["traffic.hourly_profile"]) == pytest.approx(busiest / mean)


def test_a_load_by_the_weekday_or_the_month_is_asked_about() -> None:
    days = interpret("\tMon\tTue\tSun\nrequests\t432k\t864k\t86.4k\nGemma 3 27b", CATALOG)
    assert [choice.value for choice in days.questions[0].choices] == pytest.approx([10.0, 5.3333333])
    months = interpret("Sep 1.0M req\nOct 2.0M\nNov 4.0M\nplan Jan, llama 4 scout", CATALOG)
    now, then, growing = months.questions[0].choices
    assert then.value == pytest.approx(4 * now.value)
    assert growing.also["traffic.growth_per_year"] == pytest.approx(4095.0)


def test_a_table_by_time_of_something_else_fills_nothing() -> None:
    for text in ("Uptime\nMon 99\nTue 98\nWed 97", "Jan 12\nFeb 14\nMar 18\nbudget in kEUR"):
        assert not interpret(text, CATALOG).values
        assert not interpret(text, CATALOG).questions


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
