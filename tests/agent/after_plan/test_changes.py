"""A change after a plan is read as its person means it: the load as it was given, the new one of two values."""

from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from agent.after_plan.whatif import understood
from agent.dialogue import step
from agent.talk.requests import Ask, Cheapest, Unclear, WhatIf
from agent.talk.speech import Data, Say, Talk
from agent.talk.state import Ports, State
from engine.workload import Target
from tests.agent.talks import ports, words

RATE, PEAK = "traffic.requests_per_s", "traffic.peak_factor"
AT_PEAK: dict[str, Any] = {
    "model": "llama-3.1-70b",
    RATE: 20 / 1.5,
    "load.given_as": "peak",
    "tokens.input.mean": 1500,
    "tokens.output.mean": 300,
    "precision.weights": "fp8",
    "hardware.accelerators": ("h100-sxm-80gb",),
    "targets": (Target(metric="ttft", percentile="p95", seconds=0.8),),
    "money.provider": "aws",
    "money.region": "eu-central-1",
}
"""Of a plan whose first sentence said '20 requests/s at peak'."""
BOTH = {**AT_PEAK, RATE: 8.0, PEAK: 2.5, "load.given_as": "mean and peak"}
MEAN = {**AT_PEAK, RATE: 20.0, PEAK: 2.0, "load.given_as": ""}


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def change(text: str, base: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the plan after a line; those before it where it is no variant or leaves words unused."""
    made = understood(text, base, ports())
    if not isinstance(made.request, WhatIf | Cheapest) or made.unused:
        return base
    return {**base, **made.request.change.values}


def load(text: str, base: dict[str, Any]) -> tuple[float, float]:
    """Return the mean and the peak in requests/s after a line."""
    values = change(text, base)
    return values[RATE], values[RATE] * values.get(PEAK, 1.5)


def asked(text: str, base: dict[str, Any]) -> list[str]:
    made = understood(text, base, ports()).request
    return [choice.label for choice in made.questions[0].choices] if isinstance(made, Ask) else []


def test_a_rate_alone_is_at_the_peak_where_the_load_was_given_so() -> None:
    said = lines("""make it 35 rps
        35 requests/s
        what if it is 35 rps
        change peak to 35 rps
        35 rps at peak
        peak 35 requests/s
        change the rate to 35
        correct the peak to 35
        what if the peak is only 35
        raise the traffic to 35 rps
        rate 20 to 35
        20 -> 35
        traffic goes from 20 to 35 rps
        15 more rps""")
    wrong = [line for line in said if load(line, AT_PEAK) != pytest.approx((35 / 1.5, 35))]
    assert not wrong


def test_a_mean_said_beside_a_peak_leaves_the_peak() -> None:
    said = lines("""mean 6 rps
        6 requests/s on average
        what if the average is just 6/s
        on average 6 rps
        the mean is 6 requests/s
        avg 6 rps
        with an average of 6 rps
        average rate of 6 requests/s
        6 rps average instead
        518,400 requests a day""")
    wrong = [(line, base) for line in said for base in (AT_PEAK, BOTH) if load(line, base) != pytest.approx((6, 20))]
    assert not wrong


@pytest.mark.parametrize(
    ("line", "base", "made"),
    [
        ("12 requests/s at peak", AT_PEAK, (8, 12)),  # below the mean that followed from 20
        ("peak 2x", AT_PEAK, (10, 20)),
        ("30 requests/s at peak", BOTH, (8, 30)),
        ("30 rps", MEAN, (30, 60)),  # a stated factor survives
        ("60 rps at peak", MEAN, (20, 60)),
        ("35 rps, mean 10", AT_PEAK, (10, 35)),
        ("traffic doubles", BOTH, (16, 40)),
        ("peak doubles", BOTH, (8, 40)),
        ("2,000 users, 43.2 requests a day each", AT_PEAK, (1, 1.5)),
    ],
)
def test_the_other_half_of_a_load_follows_or_stays(line: str, base: dict[str, Any], made: tuple[float, float]) -> None:
    assert load(line, base) == pytest.approx(made)


@pytest.mark.parametrize(
    ("line", "base", "among"),
    [
        ("35 rps", BOTH, "at the peak; the mean stays at 8 requests/s"),
        ("30 rps on average", AT_PEAK, "45 requests/s, 1.5 × the mean"),
        ("5 requests/s at peak", BOTH, "mean 3.33 requests/s"),
    ],
)
def test_a_load_that_may_be_meant_in_two_senses_is_asked(line: str, base: dict[str, Any], among: str) -> None:
    assert any(among in label for label in asked(line, base))


def test_a_variant_says_in_which_sense_its_load_is_meant() -> None:
    made = understood("make it 35 rps", AT_PEAK, ports()).request
    assert isinstance(made, WhatIf) and made.change.label == "35 requests/s at the peak, as you gave it"
    doubled = understood("traffic doubles", AT_PEAK, ports()).request
    assert isinstance(doubled, WhatIf) and doubled.change.label == "traffic × 2: 40 requests/s at the peak"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            "tokens.input.mean", 4000,
            """input 1,500 → 4,000
            change input 1,500 → 4,000
            change the prompts from 1500 to 4000 tokens
            prompts from 1500 to 4000 tokens
            prompt 1500 to 4000
            1.5k -> 4k tokens in
            input goes from 1,500 to 4,000
            raise the prompts from 1500 to 4000 tokens
            prompts 1500 => 4000
            set the input from 1.5k to 4k tokens""",
        ),
        (
            "targets", (Target(metric="ttft", percentile="p95", seconds=0.5),),
            """TTFT 800 -> 500
            ttft 800ms -> 500ms
            change TTFT from 800 ms to 500 ms
            tighten the TTFT from 800ms to 500ms
            TTFT p95 800 ms → 500 ms
            TTFT 800 to 500 ms
            lower TTFT from 800 ms to 500 ms
            ttft from 800 to 500 ms
            TTFT 0.8 s -> 0.5 s
            change TTFT from 0.8s to 0.5s""",
        ),
        (
            "money.provider", "any",
            """any provider
            what if any provider
            from any provider
            any cloud will do
            on whichever cloud""",
        ),
        (
            "money.provider", "gcp",
            """aws -> gcp
            switch from aws to gcp
            move from aws to gcp
            AWS → GCP
            migrate from aws to gcp
            change the provider from aws to gcp
            go from aws over to gcp
            shift from aws to gcp
            change from AWS to GCP
            move it from aws to gcp""",
        ),
    ],
)  # fmt: skip
def test_what_moves_has_its_new_value_and_nothing_else_changes(path: str, value: object, said: str) -> None:
    wrong = [line for line in lines(said) if change(line, AT_PEAK) != {**AT_PEAK, path: value}]
    assert not wrong


@pytest.mark.parametrize(
    ("line", "path", "value"),
    [
        ("replicas 4 -> 6", "hardware.replicas", 6),
        ("go from 4 replicas to 6", "hardware.replicas", 6),
        ("TP 4 -> 2", "serving.tensor_parallel", 2),
        ("H100 -> H200", "hardware.accelerators", ("h200-sxm-141gb",)),
        ("eu-central-1 -> us-east-1", "money.region", "us-east-1"),
        ("answers 300→150", "tokens.output.mean", 150),
        ("fp8 -> bf16", "precision.weights", "bf16"),
        ("p95 to p99", "targets", (Target(metric="ttft", percentile="p99", seconds=0.8),)),
    ],
)
def test_other_things_move_too(line: str, path: str, value: object) -> None:
    assert change(line, AT_PEAK) == {**AT_PEAK, path: value}


@pytest.mark.parametrize(
    "line",
    [
        "prompts from 500 to 2000 tokens",  # a range: 500 is not planned
        "between 20 to 30 rps",
        "20 to 30 rps",
        "we run from 9 to 17 every day",
        "what happens at 25%",
        "traffic 20 -> 40 in March",
        "peak 25 percent of the day",
    ],
)
def test_a_range_and_a_time_move_nothing(line: str) -> None:
    assert isinstance(understood(line, AT_PEAK, ports()).request, Ask | Unclear)


@pytest.mark.parametrize(
    ("said", "mean", "factor"),
    [
        (("20 rps at peak", "6"), 6, 20 / 6),
        (("20 rps at peak", "6 rps on average"), 6, 20 / 6),
        (("20 rps at peak", "the mean is 8"), 8, 2.5),
        (("20 rps at peak", "peak 2x"), 10, 2),
        (("20 rps at peak", "1"), 20 / 1.5, None),
        (("20 rps at peak", "2"), 20, 1),
        (("20 rps at peak, it is a chatbot",), 20 / 1.66, 1.66),
        (("20 rps at peak, mean 6 rps",), 6, 20 / 6),
    ],
)
def test_the_peak_that_was_said_first_outlasts_the_question_for_the_mean(
    said: tuple[str, ...], mean: float, factor: float | None
) -> None:
    state = State()
    for line in said:
        state, _ = step(state, line, ports())
    assert (state.values[RATE], state.values.get(PEAK)) == (pytest.approx(mean), factor and pytest.approx(factor))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "money.region",
            """remove the region, I don't care where it runs
            remove the region
            anywhere
            run it anywhere
            any region is fine
            the region doesn't matter
            drop the region
            I don't care about the region
            it does not matter where it runs
            forget the region""",
        ),
        (
            "hardware.accelerators",
            """any card will do
            any gpu
            on any accelerator
            whatever card
            which card doesn't matter
            I don't care which GPU
            drop the GPU requirement
            take any card
            any GPU is fine
            we don't care what card it runs on""",
        ),
        ("precision.weights", "don't use FP8\nnot in the mood, but never use fp8\ndo not run in FP8\nno fp8"),
    ],
)
def test_what_is_left_open_again_is_no_value_any_more(path: str, said: str) -> None:
    made = {line: understood(line, AT_PEAK, ports()) for line in lines(said)}
    wrong = [
        line
        for line, one in made.items()
        if not isinstance(one.request, WhatIf) or path not in one.request.change.drops or one.request.change.values
    ]
    assert len(wrong) <= 1, wrong


def test_no_latency_matters_and_no_target_is_left() -> None:
    said = lines("""no targets, only throughput counts
        only throughput counts
        forget the latency thing entirely, only throughput counts
        the latency doesn't matter
        latency is not important
        I don't care about latency
        drop the TTFT target
        just the throughput matters
        drop the latency part
        scrap the latency stuff altogether""")
    assert [line for line in said if change(line, AT_PEAK)["targets"]] == []


@pytest.mark.parametrize(
    "line",
    [
        "is there any cheaper region",
        "does any provider have it",
        "any region without spot",
        "drop the gpus",
        "drop the region to us-east-1",
        "anywhere in europe",
        "don't use int4",
        "we don't care about cards that fail",
        "I won't relax the latency",
    ],
)
def test_what_only_sounds_so_leaves_nothing_open(line: str) -> None:
    made = understood(line, AT_PEAK, ports()).request
    drops = made.change.drops if isinstance(made, WhatIf) else frozenset()
    assert not drops


def test_a_list_of_refusals_keeps_each_of_them() -> None:
    line = "don't use FP8, don't use more than 16 cards, and no, I won't relax the latency"
    made = understood(line, AT_PEAK, ports())
    assert isinstance(made.request, WhatIf) and not made.unused
    assert made.request.change.values == {"hardware.max_accelerators": 16}
    assert made.request.change.drops == {"precision.weights"}


def planned_at_peak() -> State:
    """Return the state after a plan, which stands for the plan of every variant: none is reckoned."""
    state = State()
    for line in (
        "llama 3.1 8b fp8 on H100, 20 rps at peak, 1.5k in, 300 out, p95 TTFT 800ms, aws eu-central-1",
        "1",
        "",
    ):
        state, _ = step(state, line, ports())
    return state


@cache
def stood_in() -> tuple[State, Ports]:
    state = planned_at_peak()
    plan = state.base.plan
    return state, replace(ports(), plan=lambda spec, sources: plan, sketch=lambda spec: plan)


def told(*said: str) -> tuple[State, str]:
    state, stand_in = stood_in()
    says: tuple[Say, ...] = ()
    for line in said:
        state, says = step(state, line, stand_in)
    return state, words(tuple(one for one in says if isinstance(one, Talk | Data)))


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        ("don't change anything, but if we did go to BF16?", "1: BF16 (against plan 0)"),
        ("out of curiosity, what if it were int4", "1: INT4 (against plan 0)"),
        ("what if prompts are really 6k on a bad day", "prompts of 6,000 tokens"),
        ("just wondering: on H200?", "on h200"),
        ("What's the answer time, start to finish, for a typical and a bad request?", "E2E: mean"),
        ("triple the traffic, double the spares, halve the budget", "no budget to multiply"),
        ("thanks, and how many replicas is that?", "replica"),
        ("change peak to 35 rps and output to 500, keep everything else, and tell me whether the bill doubles",
         "35 requests/s at the peak, answers of 500 tokens"),
        ("what happens at 25? and 30? where does it fall over", "30 requests/s at the peak"),
        ("how does it do at 25 and 30?", "25 requests/s at the peak"),
        ("three things: the GPU count, what breaks first, and whether I can have it on Oracle", "oci"),
    ],
)  # fmt: skip
def test_a_preamble_and_a_tail_kill_no_question(line: str, holds: str) -> None:
    assert holds in told(line)[1]


@pytest.mark.parametrize(
    "line", ["my cat is ill, what is the cost of a vet", "at 9 pm", "is it hot, asking for a friend"]
)
def test_a_tail_is_no_way_into_what_is_not_about_the_plan(line: str) -> None:
    state, said = told(line)
    assert len(state.branches) == 1 and "requests/s at the peak" not in said


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        (("on H200", "ok take that"), "Plan 1 (on h200"),
        (("on H200", "I'll take it"), "Plan 1 (on h200"),
        (("on H200", "revert"), "Took back 'on H200'"),
        (("on H200", "worse. revert"), "Took back 'on H200'"),
        (("35 rps", "keep 1", "back to 20"), "Back to 20 requests/s at the peak: plan 0"),
        (("prompts 6k", "keep 1", "hm, back to 1500"), "Back to prompts of 1,500 tokens: plan 0"),
    ],
)
def test_a_variant_is_taken_or_left_and_a_figure_is_returned_to(said: tuple[str, ...], holds: str) -> None:
    assert holds in told(*said)[1]


@pytest.mark.parametrize("line", ["budget from $100k to $80k", "$100k -> $80k", "cap from $100k to $80k"])
def test_a_budget_that_moves_is_asked_about_by_its_new_sum(line: str) -> None:
    said = told(line)[1]
    assert "80,000" in said and "100,000" not in said
