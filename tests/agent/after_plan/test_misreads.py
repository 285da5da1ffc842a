"""Lines after a plan that look like a change and are another, or none; and beside them those that are one."""

from typing import Any

import pytest

from agent.after_plan.replies.asked import Asked
from agent.after_plan.whatif import understood
from agent.dialogue import step
from agent.talk.requests import WhatIf
from agent.talk.state import State
from tests.agent.after_plan.test_acts import planned
from tests.agent.talks import ports, words


def changed(line: str) -> dict[str, Any]:
    """Return what a line changes in the plan, by path; nothing where it makes no variant."""
    state, _ = step(planned(), line, ports())
    made = state.branches[-1].values
    return {path: value for path, value in made.items() if planned().base.values.get(path) != value}


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("with 40 rps, 30% of requests hit the cache and skip reasoning", {"traffic.requests_per_s": 40}),
        ("p95 prompt is 4000 tokens and 20% of calls time out", {"tokens.input.p95": 4000}),
        ("20% of requests share 2,000 tokens", {}),
        ("prompts are 8,000 tokens for 10% of requests", {"tokens.input.mean": 2150}),
        ("30 rps, 5% of answers are 4k tokens", {"traffic.requests_per_s": 30, "tokens.output.mean": 485}),
        (
            "5% of the answers are 4,000 tokens long, on H200",
            {"tokens.output.mean": 485, "hardware.accelerators": ("h200-sxm-141gb",)},
        ),
    ],
)
def test_a_share_of_requests_is_of_long_answers_where_they_are_named_and_the_rest_holds(
    line: str, made: dict[str, Any]
) -> None:
    assert changed(line) == made


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("at night 2 rps", {}),
        ("at night we only have 2 rps, can we scale down", {}),
        ("2 rps", {"traffic.requests_per_s": 2}),
        ("how many replicas run during the night at 3 requests per second", {}),
        ("what about disaggregated prefill, 2 replicas prefill 4 decode", {}),
        ("4 replicas on H200", {"hardware.replicas": 4, "hardware.accelerators": ("h200-sxm-141gb",)}),
        ("1000 of the 1500 are the same system prompt", {"tokens.prefix_hit": 0.666667}),
        ("1000 of the 1500 users ask at the peak", {}),
        ("send prompts longer than 8k tokens to gpt-4o", {}),
    ],
)
def test_a_part_of_the_day_the_fleet_or_the_prompt_is_not_the_whole(line: str, made: dict[str, Any]) -> None:
    assert changed(line) == made


@pytest.mark.parametrize(
    "line",
    [
        "what if nothing is cached", "what if no prompt is cached", "what if nothing is in the prefix cache",
        "no prefix caching", "what if we turn off prefix caching", "what if the cache never hits",
        "what does it cost when nothing comes from cache", "what if prefix caching is not allowed",
        "suppose the cache stays cold", "with an empty cache", "what if users always send fresh prompts",
    ],
)  # fmt: skip
def test_nothing_in_the_prefix_cache_is_a_share_like_any_other(line: str) -> None:
    request = understood(line, planned().base.values, ports()).request
    assert isinstance(request, WhatIf) and request.change.values == {"tokens.prefix_hit": 0.0}


@pytest.mark.parametrize(
    "line", ["the kv cache is off", "no more than 30% cached", "no idea whether prompts are cached"]
)
def test_what_is_no_empty_prefix_cache_sets_none(line: str) -> None:
    assert changed(line).get("tokens.prefix_hit") != 0.0


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("I think 8 are enough", 8),
        ("1000 of the 1500 are the same", None),
        ("from 56% to 90", None),
        ("what would 900 do", None),
    ],
)
def test_a_number_alone_counts_accelerators_where_it_may_be_so_many(line: str, count: int | None) -> None:
    state = planned()
    plan = state.base.capacity_plan
    assert plan is not None
    assert Asked(line, state, ports(), plan).bare_count() == count


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("prompts too, 2k", {"tokens.input.mean": 2000}),
        (
            "20 rps is average, not peak, sorry. peak is more like 3x",
            {"traffic.peak_factor": 3},
        ),
        ("half of the prompts come from the cache", {"tokens.prefix_hit": 0.5}),
        ("what fails if one card dies", {}),
        ("we double every 6 months, when is it too small?", {}),
        ("TP 2 -> 8 in the same node", {"serving.tensor_parallel": 8}),
        ("traffic 20 -> 40 in March", {}),
        ("traffic 20 -> 40 prompts per second", {"traffic.requests_per_s": 40}),
        ("traffic 20 -> 40 rps", {"traffic.requests_per_s": 40}),
        ("300 -> 800 out", {"tokens.output.mean": 800}),
        ("prompts 1,500 -> 4,000, on H200", {"tokens.input.mean": 4000, "hardware.accelerators": ("h200-sxm-141gb",)}),
        ("input 4,000 tokens", {"tokens.input.mean": 4000}),
    ],
)
def test_behind_an_arrow_stands_what_holds_of_the_thing_that_is_named(line: str, made: dict[str, Any]) -> None:
    assert changed(line) == made


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        ("leave a 10% margin on GPU memory", None),
        ("with a 20% buffer on the latency target", None),
        ("the error margin of 30% worries me", None),
        ("we already have 30% headroom", None),
        ("does that leave a 30% margin", None),
        ("we need a 20% profit margin", None),
        ("30% headroom please", 26),
        ("on H200 and a 20% buffer", 24),
        ("we need a 30% safety margin", 26),
    ],
)
def test_a_margin_is_of_the_load_where_it_is_wished_for_and_of_nothing_else(line: str, rate: float | None) -> None:
    assert changed(line).get("traffic.requests_per_s") == (rate and pytest.approx(rate))


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("leave it as is, but 30 rps", {"traffic.requests_per_s": 30}),
        ("keep everything as it is but with B200", {"hardware.accelerators": ("b200-sxm",)}),
        ("no wait, ignore that, use 30 rps", {"traffic.requests_per_s": 30}),
        ("leave it as it is", {}),
        ("ignore that please", {}),
    ],
)
def test_what_is_taken_back_leaves_what_else_a_line_sets(line: str, made: dict[str, Any]) -> None:
    assert changed(line) == made
    assert ("Nothing was changed" in words(step(planned(), line, ports())[1])) == (not made)


def test_whether_to_leave_it_is_a_question() -> None:
    assert "Nothing was changed" not in words(step(planned(), "should we leave it as is or use B200", ports())[1])


@pytest.mark.parametrize(
    ("line", "made", "told"),
    [
        ("I said fp16, not fp8", {"precision.weights": "fp16"}, "FP16"),
        ("we asked for bf16", {"precision.weights": "bf16"}, "BF16"),
        ("that's not what I said, it should be 30 rps", {"traffic.requests_per_s": 30}, "Said by you"),
        ("I said fp8, not fp16", {}, "Said by you"),
        ("I never said fp16", {}, "Said by you"),
        ("I never said 20 rps, make it 30", {}, "Not used: 'make it 30'"),
        ("we never said spot, use reserved for 1 year", {"money.term": "reserved_1y"}, "Nobody said"),
        ("we never said spot, use reserved", {}, "reserved for 1 year"),
        ("who asked for a spare", {}, "Nobody said"),
    ],
)
def test_who_doubts_and_then_sets_is_answered_and_gets_the_variant(line: str, made: dict[str, Any], told: str) -> None:
    assert changed(line) == made
    assert told in words(step(planned(), line, ports())[1])


def test_what_is_dropped_is_what_nobody_asked_for() -> None:
    spared, _ = step(planned(), "add a spare", ports())
    kept, _ = step(spared, "keep 1", ports())
    dropped = words(step(kept, "I never asked for a spare, drop it", ports())[1])
    assert "No spares: plan 0 (the first plan) has that already" in dropped


TOO_SMALL = ("llama 3.1 70b fp8 on 8 H100, 1.5k in, 300 out, 12 rps", "")


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("is it enough", "It takes 5 replicas, 10 × H100"),
        ("how much can we serve", "8 × H100 SXM5 80GB: 4 replicas of TP2"),
        ("summarise for my boss", "Fewer were named"),
        ("what if reserved for 1 year", "Too few"),
    ],
)
def test_a_fleet_that_is_too_small_is_answered_as_it_is(line: str, holds: str) -> None:
    state = State()
    for one in TOO_SMALL:
        state, _ = step(state, one, ports())
    told = words(step(state, line, ports())[1])
    assert holds in told or "reserved for 1 year: $" in told
    assert "targets are met" not in told


def test_clients_in_flight_have_their_sum_and_their_rate() -> None:
    state = State()
    for one in ("gpt-oss-120b mxfp4 on H100, 1800 requests in flight, 2k in, 500 out", ""):
        state, _ = step(state, one, ports())
    assert "1,800 in flight × 1.5 in the busiest hour = 2,700 in flight; ÷" in words(step(state, "why", ports())[1])
    assert "requests/s in the busiest hour, at" in words(
        step(state, "what is the peak rate in requests per second", ports())[1]
    )
