"""A line of two parts gets two answers; a line whose form says what it is changes nothing that it does not name."""

import re

import pytest

from agent.dialogue import step
from agent.talk.speech import Write
from tests.agent.after_plan.test_acts import answer, planned
from tests.agent.talks import ports, words


def told(*lines: str) -> str:
    """Return what is said to the last of some lines."""
    state, says = planned(), ()
    for line in lines:
        state, says = step(state, line, ports())
    asks = f" {getattr(state.pending, 'text', '')}" if state.pending else ""
    return re.sub(r"\s+", " ", words(says)) + asks


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("our mean is 6 rps not 20, does autoscaling help?", ("6 requests/s", "Of plan 1", "the bill from")),
        ("what would break first if traffic doubles", ("do not hold at 2 × the load", "traffic × 2", "Of plan 1")),
        ("double the users. do we still meet the target?", ("traffic × 2", "Of plan 1", "all targets are met")),
        ("make prompts 3k and tell me the p99", ("prompts of 3,000 tokens", "TTFT p99 is")),
        ("what is ITL and do I have to care", ("ITL is the time between two tokens", "ITL p95 is")),
        ("how sure are you and which instance type is it", ("of 100 cases", "an hour (price of")),
        ("1) GPUs in all 2) cost per year 3) p99 of ttft", ("No spare is among them", "a year", "TTFT p99 is")),
        ("how much per month, p99 ttft, and how many kW", ("a month, today's fleet", "TTFT p99 is", "kW on average")),
        ("combien par mois, quelle est la latence p99 et combien de watts ?", ("a month", "p99 is", "kW on average")),
        ("drop two cards and tell me if it is ok, and what that saves", ("replicas instead of", "TTFT p95:")),
    ],
)
def test_each_part_of_a_line_is_answered(line: str, parts: tuple[str, ...]) -> None:
    text = told(line)
    assert [part for part in parts if part not in text] == [], text


@pytest.mark.parametrize(
    "line",
    ["compare H100, H200 and B200", "with fp8, on H200 and 30 rps", "p99 ttft for prompts of 3k and answers of 500"],
)
def test_a_list_of_one_request_is_no_line_of_parts(line: str) -> None:
    assert "Of plan" not in told(line)


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("why is the certainty not higher?", "of 100 cases like this"),
        ("why is it not surer", "of 100 cases like this"),
        ("why are you not more certain", "of 100 cases like this"),
        ("why is it not cheaper", "each change alone"),
        ("why is the bill not lower", "each change alone"),
        ("why is it not faster", "Each change alone, in the busiest hour"),
        ("why not more replicas", "carry"),
        ("why not L40S", "L40S"),
        ("why not super", "4080 Super"),
        ("why 10 replicas and not 9?", "hold within the targets"),
        ("why not just 4 replicas?", "overloaded"),
        ("why are 20 cards needed, 16 should do", "targets missed"),
        ("why not one GPU", "does not fit"),
    ],
)
def test_why_not_is_about_what_is_named_behind_it(line: str, about: str) -> None:
    assert about in told(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "we measured 950ms ttft p95 at 5 rps on one tp4 replica yesterday",
            "Measured TTFT p95 950 ms at 5 requests/s on 1",
        ),
        (
            "measured: 1.1 s ttft p95, 4 rps, one tp2 instance. plausible?",
            "Measured TTFT p95 1.1 s at 4 requests/s on 1",
        ),
        ("vllm bench says 24 ms tpot at 3 rps per replica", "Measured ITL p95 24 ms at 3 requests/s on 1"),
        ("we saw 620 ms TTFT p95 at 3 rps on a single tp2 replica", "Measured TTFT p95 620 ms"),
    ],
)
def test_a_typed_measurement_stands_beside_the_forecast_and_changes_nothing(line: str, said: str) -> None:
    state, says = step(planned(), line, ports())
    assert said in words(says)
    assert state.branches == planned().branches


@pytest.mark.parametrize("line", ["we want 700 ms ttft p95 at 5 rps", "how do I measure 800 ms ttft at 20 rps"])
def test_a_wish_and_a_question_are_no_measurement(line: str) -> None:
    assert "Measured" not in told(line)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("500",), "500: of what?"),
        (("500", "2"), "500 tokens"),
        (("results.json",), "Save the plan as results.json?"),
        (("undo",), "There is no change to take back"),
        (("how many users is 40 rps",), "40 requests/s are 144,000 an hour"),
    ],
)
def test_what_a_short_line_leaves_open_is_asked(lines: tuple[str, ...], said: str) -> None:
    assert said in told(*lines)


@pytest.mark.parametrize(
    "line", ["k8s manifests?", "results.json", "is there a csv of it?", "can it run on kubernetes?"]
)
def test_a_question_and_a_bare_name_write_no_file(line: str) -> None:
    assert not any(isinstance(one, Write) for one in step(planned(), line, ports())[1]), answer(line)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            "20 rps only 3h per day, 8 rps for 10 hours, 0.2 otherwise - bill with scaling?",
            "8 requests/s for 10 h, 0.2",
        ),
        (
            "peak is only 2h a day, rest of the day it's like 4 rps, night 0.5. what do i pay if i scale",
            "4 requests/s for 14 h",
        ),
        (
            "load is 20 for two hours, 5 the rest of the day, 1 at night",
            "1 requests/s for 8 h: 4.92 requests/s on average",
        ),
    ],
)
def test_a_day_in_parts_is_a_variant_whose_autoscaling_is_answered(line: str, shown: str) -> None:
    text = told(line)
    assert shown in text
    assert "The autoscaler" in text


@pytest.mark.parametrize(
    "line", ["8 h at 20 rps", "20 rps at night", "4 rps for 2 hours and 3 rps for 3 hours", "mon-fri 8-18"]
)
def test_hours_that_leave_the_day_open_are_no_day_in_parts(line: str) -> None:
    assert " h: " not in told(line)
