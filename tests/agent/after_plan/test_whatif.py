"""Questions about a plan become typed requests; what they leave unused is said."""

from typing import Any

import pytest

from agent.after_plan.whatif import understood
from agent.talk.requests import (
    Ask,
    Cheapest,
    Compare,
    CompareBranches,
    Keep,
    Request,
    Show,
    Unclear,
    Variation,
    WhatIf,
    Why,
)
from engine.workload import Metric, Percentile, Target
from tests.agent.talks import ports

BASE: dict[str, Any] = {
    "model": "70B",
    "traffic.requests_per_s": 20.0,
    "tokens.input.mean": 1500,
    "tokens.output.mean": 300,
    "precision.weights": "fp8",
    "hardware.accelerators": ("h100-sxm-80gb",),
}


def request(text: str, **base: Any) -> Request:
    return understood(text, {**BASE, **base}, ports()).request


def values(text: str) -> dict[str, Any]:
    made = request(text)
    assert isinstance(made, WhatIf | Cheapest), f"{text}: {made}"
    return dict(made.change.values)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("what if traffic doubles", "traffic.requests_per_s", 40),
        ("H200 statt H100", "hardware.accelerators", ("h200-sxm-141gb",)),
        ("B200 anstatt H100 bitte", "hardware.accelerators", ("b200-sxm",)),
        ("H200 au lieu de H100", "hardware.accelerators", ("h200-sxm-141gb",)),
        ("en lugar de H100, H200", "hardware.accelerators", ("h200-sxm-141gb",)),
        ("what if 10% of the prompts have 8,000 tokens", "tokens.input.mean", 0.9 * 1500 + 0.1 * 8000),
        ("5% of our prompts are 30k tokens", "tokens.input.mean", 0.95 * 1500 + 0.05 * 30000),
        ("support contract 3000 a month", "money.other_monthly_usd", 3000),
        ("add 500 a month for support", "money.other_monthly_usd", 500),
        ("licence fees of $24k a year", "money.other_monthly_usd", 2000),
        ("suppose 70 percent of the prompt is always identical", "tokens.prefix_hit", 0.7),
        ("60% of every prompt stays the same", "tokens.prefix_hit", 0.6),
        ("ok drop the spare again", "availability.spare_replicas", 0),
        ("take the reserve out again", "availability.spare_replicas", 0),
        ("What if traffic doubles?", "traffic.requests_per_s", 40),
        ("what if it doubles", "traffic.requests_per_s", 40),
        ("what if it ran on tensorrt-llm", "serving.runtime", "tensorrt-llm"),
        ("what if we ran it on 4 nodes", "hardware.nodes", 4),
        ("what if we only have 20 kW", "hardware.max_power_kw", 20),
        ("with at most 900 W", "hardware.max_power_kw", 0.9),
        ("without a power limit", "hardware.max_power_kw", None),
        ("if we served it on H200", "hardware.accelerators", ("h200-sxm-141gb",)),
        ("what if we saw 90 requests/s", "traffic.requests_per_s", 90),
        ("traffic triples", "traffic.requests_per_s", 60),
        ("twice the users", "traffic.requests_per_s", 40),
        ("10x the load", "traffic.requests_per_s", 200),
        ("half the traffic", "traffic.requests_per_s", 10),
        ("20% more requests", "traffic.requests_per_s", 24),
        ("traffic drops by 25%", "traffic.requests_per_s", 15),
        ("30% fewer users", "traffic.requests_per_s", 14),
        ("half as long answers", "tokens.output.mean", 150),
        ("answers twice as long", "tokens.output.mean", 600),
        ("prompts are three times as long", "tokens.input.mean", 4500),
        ("what about 40 rps", "traffic.requests_per_s", 40),
        ("with fp8", "precision.weights", "fp8"),
        ("with int4", "precision.weights", "int4"),
        ("on H200", "hardware.accelerators", ("h200-sxm-141gb",)),
        ("without peak", "traffic.peak_factor", 1),
        ("peak 2x", "traffic.peak_factor", 2),
        ("peak doubles", "traffic.peak_factor", 3),
        ("without targets", "targets", ()),
        ("40% prefix hit", "tokens.prefix_hit", 0.4),
        ("50% growth a year", "traffic.growth_per_year", 0.5),
        ("with TP4", "serving.tensor_parallel", 4),
        ("N+1", "availability.spare_replicas", 1),
        ("250 tokens out", "tokens.output.mean", 250),
    ],
)
def test_a_variant_in_words_sets_its_value(text: str, path: str, value: object) -> None:
    assert values(text)[path] == pytest.approx(value) if isinstance(value, float) else values(text)[path] == value


def test_several_changes_in_one_line_are_one_variant() -> None:
    assert values("what if traffic doubles and answers are half as long, on H200 with int4") == {
        "traffic.requests_per_s": 40,
        "tokens.output.mean": 150,
        "hardware.accelerators": ("h200-sxm-141gb",),
        "precision.weights": "int4",
    }


def test_a_new_target_takes_the_place_of_the_same_metric() -> None:
    old = values("p99 TTFT 900 ms")["targets"]
    made = request("p95 TTFT 300 ms instead", targets=old)
    assert isinstance(made, WhatIf)
    assert [(t.metric, t.percentile, t.seconds) for t in made.change.values["targets"]] == [("ttft", "p95", 0.3)]


def test_a_fleet_without_a_rate_has_nothing_to_double() -> None:
    made = understood("what if traffic doubles", {"model": "70B", "hardware.accelerator_count": 8}, ports()).request
    assert isinstance(made, Unclear)
    assert "no traffic to multiply" in made.text


def test_cheapest_opens_the_accelerators_and_keeps_the_wish() -> None:
    made = request("cheapest with p99 TTFT under 500 ms")
    assert isinstance(made, Cheapest)
    assert made.change.drops == {"hardware.accelerators"}
    assert made.change.values["targets"][0].seconds == 0.5
    budget = request("under $20k a month")
    assert isinstance(budget, Cheapest)
    assert budget.change.values == {"money.monthly_budget_usd": 20000}


def test_comparisons() -> None:
    made = request("compare H100, H200 and B200")
    assert isinstance(made, Compare)
    assert [dict(change.values)["hardware.accelerators"][0] for change in made.changes] == [
        "h100-sxm-80gb",
        "h200-sxm-141gb",
        "b200-sxm",
    ]
    in_a_row = request("compare h100 h200 b200 for this, table pls")
    assert isinstance(in_a_row, Compare)
    assert [change.values for change in in_a_row.changes] == [change.values for change in made.changes]
    assert request("compare 0 3") == CompareBranches((0, 3))
    assert request("compare") == CompareBranches(())
    with_itself = request("compare H200")
    assert isinstance(with_itself, Compare)
    assert with_itself.changes[0] == Variation({}, {}, "the plan")
    assert isinstance(request("compare apples and pears"), Unclear)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("why so many GPUs?", Why("so many gpus")),
        ("keep 2", Keep(2)),
        ("keep", Keep(None)),
        ("full", Show(None, True)),
        ("show 1", Show(1, False)),
        ("the full report", Show(None, True)),
    ],
)
def test_the_other_requests(text: str, expected: Request) -> None:
    assert request(text) == expected


def test_an_open_choice_is_asked() -> None:
    made = request("with gpt oss")
    assert isinstance(made, Ask)
    assert len(made.questions[0].choices) == 2


@pytest.mark.parametrize("text", ["paint it blue", "what if", "hello", "42", "2026", "in 3 countries"])
def test_what_changes_nothing_is_unclear_and_its_numbers_are_reported(text: str) -> None:
    made = understood(text, BASE, ports())
    assert isinstance(made.request, Unclear)
    for number in (word for word in text.split() if word.isdigit()):
        assert number in made.request.text


@pytest.mark.parametrize(
    "text", ["3 questions an hour per user", "users ask 3 times a day", "99% of requests under 500 ms"]
)
def test_a_pace_or_a_share_is_no_factor(text: str) -> None:
    made = request(text)
    change = made.change.values if isinstance(made, WhatIf | Cheapest) else {}
    assert change.get("traffic.requests_per_s") not in (60, 19.8)


@pytest.mark.parametrize(
    ("text", "metric", "percentile", "seconds"),
    [
        ("95 out of 100 users must see something within 400 ms", "ttft", "p95", 0.4),
        ("99% of requests should be complete within 12 s", "e2e", "p99", 12.0),
        ("90 of 100 people must get the first word in half a second", "ttft", "p90", 0.5),
    ],
)
def test_a_share_of_users_within_a_time_is_a_target(text: str, metric: str, percentile: str, seconds: float) -> None:
    (target,) = values(text)["targets"]
    assert (target.metric, target.percentile, target.seconds) == (metric, percentile, seconds)


@pytest.mark.parametrize("text", ["forget the budget, what would you do", "money is no object", "lift the cost cap"])
def test_a_budget_is_taken_back(text: str) -> None:
    made = request(text)
    assert isinstance(made, WhatIf)
    assert made.change.drops == {"money.monthly_budget_usd"}


def test_a_target_that_is_forgotten_is_gone() -> None:
    assert values("forget about the first-token target")["targets"] == ()


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("say we lose a third of the traffic to another app", "traffic.requests_per_s", 40 / 3),
        ("two thirds of the users leave", "traffic.requests_per_s", 20 / 3),
        ("a quarter less traffic", "traffic.requests_per_s", 15),
        ("traffic shrinks by a fifth", "traffic.requests_per_s", 16),
        ("half as many users again", "traffic.requests_per_s", 30),
        ("a third more requests", "traffic.requests_per_s", 80 / 3),
        ("traffic drops to a quarter", "traffic.requests_per_s", 5),
        ("traffic falls to 30%", "traffic.requests_per_s", 6),
        ("we lose 30% of the traffic", "traffic.requests_per_s", 14),
        ("three quarters of the load", "traffic.requests_per_s", 15),
        ("20 more rps", "traffic.requests_per_s", 40),
        ("twenty more requests every second", "traffic.requests_per_s", 40),
        ("5 rps less", "traffic.requests_per_s", 15),
        ("answers of 600 tokens, no sorry, 450", "tokens.output.mean", 450),
        ("30 rps, I mean 40", "traffic.requests_per_s", 40),
        ("prompts of 3000, wait, make that 2500 tokens", "tokens.input.mean", 2500),
        ("put one more on top", "availability.spare_replicas", 1),
        ("an extra replica in reserve please", "availability.spare_replicas", 1),
    ],
)
def test_a_change_keeps_its_sign_its_fraction_and_its_last_figure(text: str, path: str, value: float) -> None:
    assert values(text) == {path: pytest.approx(value)}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("if the answers had to start in a quarter of a second", 0.25),
        ("replies must begin within half a second", 0.5),
        ("p95 TTFT of a tenth of a second", 0.1),
    ],
)
def test_a_part_of_a_second_is_a_time_and_no_factor(text: str, seconds: float) -> None:
    (only,) = values(text)["targets"]
    assert (only.metric, only.seconds) == ("ttft", seconds)


def target(metric: Metric, percentile: Percentile, seconds: float) -> Target:
    return Target(metric=metric, percentile=percentile, seconds=seconds)


TARGETS = (target("ttft", "p95", 0.8), target("itl", "p95", 0.05))


@pytest.mark.parametrize(
    "text",
    [
        "20% of the prompts share 90% of their tokens",
        "5% of the prompts cost $20k",
        "5% of the prompts take 30 seconds",
    ],
)
def test_a_share_of_prompts_beside_another_figure_is_no_length(text: str) -> None:
    request_made = request(text)
    assert not isinstance(request_made, WhatIf) or "tokens.input.mean" not in request_made.change.values


@pytest.mark.parametrize("text", ["5000 a month", "3000 per month", "60k a year"])
def test_a_number_a_month_beside_a_rate_may_be_money(text: str) -> None:
    assert "money, or requests?" in str(request(text))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("relax the SLO from p95 to p90", (target("ttft", "p90", 0.8), target("itl", "p90", 0.05))),
        ("ITL at p99 instead of p95", (target("ttft", "p95", 0.8), target("itl", "p99", 0.05))),
        ("set the targets to p99 instead, same times", (target("ttft", "p99", 0.8), target("itl", "p99", 0.05))),
        ("I don't care about inter token latency, scrap it", TARGETS[:1]),
        ("forget about the first-token latency", TARGETS[1:]),
        ("scrap the ITL target", TARGETS[:1]),
    ],
)
def test_a_target_moves_to_another_percentile_or_goes_and_the_others_stay(text: str, left: tuple[Target, ...]) -> None:
    made = request(text, targets=TARGETS)
    assert isinstance(made, WhatIf)
    assert set(made.change.values["targets"]) == set(left)


def test_users_are_added_to_those_that_were_said_and_else_asked_for() -> None:
    made = request("another 900 people get access", **{"users.count": 2000.0})
    assert isinstance(made, WhatIf)
    assert made.change.values == {"users.count": 2900, "traffic.requests_per_s": pytest.approx(29)}
    assert "was not said" in str(request("another 900 people get access"))


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("a hundred more users", 3100),
        ("twenty five more users", 3025),
        ("1,5k more users", 4500),
        ("another thousand users", 4000),
        ("3 million more people", 3_003_000),
        ("add 500 users", 3500),
        ("take away 500 users", 2500),
        ("500 users are gone", 2500),
        ("twice fewer users", 1500),
        ("remove 500 users", 2500),
        ("we lose 500 of our users", 2500),
        ("500 users leave", 2500),
        ("20% of users leave", 2400),
        ("one in five users leaves", 2400),
        ("a quarter of a million more users", 253_000),
        ("users grow by 500", 3500),
        ("increase users by 500", 3500),
        ("twice the users", 6000),
    ],
)
def test_users_and_their_load_move_together(text: str, users: float) -> None:
    made = request(text, **{"users.count": 3000.0})
    assert isinstance(made, WhatIf)
    assert made.change.values == {
        "users.count": pytest.approx(users),
        "traffic.requests_per_s": pytest.approx(20 * users / 3000),
    }


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("+20% requests", 24),
        ("traffic -20%", 16),
        ("traffic − 20 %", 16),
        ("a hundred more rps", 120),
        ("add 5 rps", 25),
        ("+5 rps", 25),
        ("traffic -5 rps", 15),
        ("traffic up 5 rps", 25),
        ("traffic down 5 rps", 15),
        ("1/4 of the traffic", 5),
        ("traffic ÷ 4", 5),
        ("a tenfold increase", 200),
        ("a 4-fold drop in traffic", 5),
        ("traffic drops by 5 rps", 15),
        ("traffic grows by 5 rps", 25),
        ("traffic goes down by 5 requests/s", 15),
        ("one and a half times the traffic", 30),
        ("half again as many requests", 30),
        ("3x lower traffic", 20 / 3),
        ("three times less traffic", 20 / 3),
        ("traffic drops by a factor of 4", 5),
        ("traffic doubles, no triples", 60),
        ("20% more users and each of them sends twice the requests", 48),
        ("20 more rps and 15 more rps", 55),
    ],
)
def test_a_sign_and_a_fraction_count_and_changes_follow_each_other(text: str, rate: float) -> None:
    assert values(text) == {"traffic.requests_per_s": pytest.approx(rate)}


def test_the_label_of_two_changes_ends_with_what_comes_out() -> None:
    made = request("20 more rps and 15 more rps")
    assert isinstance(made, WhatIf)
    assert made.change.label.endswith("then requests/s + 15: 55 requests/s on average")
    assert values("20 more rps, no, 15 more rps") == {"traffic.requests_per_s": 35}


@pytest.mark.parametrize(
    "text",
    [
        "don't double the traffic",
        "a third of the load is batch",
        "don't add 500 users",
        "90% of users log in within 2 s",
        "90% of requests hit the cache in 300 ms",
        "how many of 95% of requests come in under 500 ms",
        "we lose the spare",
    ],
)
def test_what_is_denied_or_describes_a_part_changes_no_load(text: str) -> None:
    made = request(text, **{"users.count": 3000.0})
    assert isinstance(made, Unclear)
    assert values("half of our prompts are cached") == {"tokens.prefix_hit": 0.5}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prompts of 400 tokens, actually 30 rps", {"tokens.input.mean": 400, "traffic.requests_per_s": 30}),
        ("prompts of 400, actually 500 tokens", {"tokens.input.mean": 500}),
        ("prompts of 400, sorry, 30 rps", {"tokens.input.mean": 400, "traffic.requests_per_s": 30}),
        ("30rps, no, 40rps", {"traffic.requests_per_s": 40}),
        ("thirty rps, no, forty rps", {"traffic.requests_per_s": 40}),
        ("30%, no, 40% prefix hit", {"tokens.prefix_hit": 0.4}),
        ("budget $30k, no, $40k a month", {"money.monthly_budget_usd": 40000}),
        ("peak 2x, actually 3x", {"traffic.peak_factor": 3}),
        ("peak 2 x, no 3 x", {"traffic.peak_factor": 3}),
        ("peak doubles, actually triples", {"traffic.peak_factor": 4.5}),
        ("H100, no, H200", {"hardware.accelerators": ("h200-sxm-141gb",)}),
        ("with fp8, sorry, int4", {"precision.weights": "int4"}),
        ("20 more rps, no, 15 more rps", {"traffic.requests_per_s": 35}),
    ],
)
def test_a_correction_replaces_what_is_of_the_same_kind_alone(text: str, expected: dict[str, Any]) -> None:
    assert values(text) == {path: pytest.approx(v) if isinstance(v, float) else v for path, v in expected.items()}


@pytest.mark.parametrize(
    ("text", "ttft", "itl"),
    [
        ("TTFT 500ms, actually 1 s", 1.0, 0.05),
        ("TTFT 500 ms, actually ITL 30 ms", 0.5, 0.03),
        ("drop the TTFT target to 500 ms", 0.5, 0.05),
        ("drop TTFT to 500 ms", 0.5, 0.05),
        ("lift the ITL limit to 80 ms", 0.8, 0.08),
        ("reduce the p95 TTFT to 500 ms", 0.5, 0.05),
        ("drop the ITL target", 0.8, None),
        ("remove the ITL target and set TTFT to 2 s", 2.0, None),
        ("loosen TTFT to 2 s and drop ITL", 2.0, None),
        ("remove the first-token target", None, 0.05),
    ],
)
def test_a_target_with_a_figure_is_set_and_one_without_is_dropped(
    text: str, ttft: float | None, itl: float | None
) -> None:
    made = understood(text, {**BASE, "targets": TARGETS}, ports())
    assert isinstance(made.request, WhatIf)
    left = {target.metric: target.seconds for target in made.request.change.values["targets"]}
    assert (left.get("ttft"), left.get("itl"), made.unused) == (ttft, itl, ())


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("cut the prompt to 800 tokens", "tokens.input.mean", 800),
        ("drop the budget to $20k a month", "money.monthly_budget_usd", 20000),
        ("add a spare", "availability.spare_replicas", 2),
        ("add a standby", "availability.spare_replicas", 2),
        ("put one more on top", "availability.spare_replicas", 2),
        ("another spare replica", "availability.spare_replicas", 2),
        ("drop the spares", "availability.spare_replicas", 0),
        ("traffic goes from 20 to 30 rps", "traffic.requests_per_s", 30),
        ("raise the peak from 2x to 3x", "traffic.peak_factor", 3),
        ("increase the budget by $5k a month", "money.monthly_budget_usd", 25000),
        ("the budget drops by 10%", "money.monthly_budget_usd", 18000),
        ("lift the budget to $30k a month", "money.monthly_budget_usd", 30000),
        ("answers grow by 100 tokens", "tokens.output.mean", 400),
        ("prompts 200 tokens shorter", "tokens.input.mean", 1300),
        ("add 2k tokens of context to each prompt", "tokens.input.mean", 3500),
    ],
)
def test_a_verb_is_of_the_change_and_nothing_of_it_is_left_over(text: str, path: str, value: float) -> None:
    made = understood(text, {**BASE, "availability.spare_replicas": 1, "money.monthly_budget_usd": 20000.0}, ports())
    assert isinstance(made.request, WhatIf | Cheapest)
    assert (made.request.change.values, made.unused) == ({path: value}, ())


def test_what_stands_beside_a_factor_is_read_too() -> None:
    assert values("20% more requests with 500-token prompts on H200") == {
        "traffic.requests_per_s": 24,
        "tokens.input.mean": 500,
        "hardware.accelerators": ("h200-sxm-141gb",),
    }


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("add two more GPUs", "hardware.accelerator_count", 10),
        ("another node", "hardware.nodes", 3),
        ("2 replicas fewer", "hardware.replicas", 4),
    ],
)
def test_machines_are_added_to_a_fleet_that_was_stated(text: str, path: str, value: int) -> None:
    stated = {"hardware.accelerator_count": 8, "hardware.nodes": 2, "hardware.replicas": 6}[path]
    made = request(text, **{path: stated})
    assert isinstance(made, WhatIf)
    assert made.change.values == {path: value}
    assert isinstance(request(text), Unclear), "nobody stated a fleet"


def test_a_denied_change_changes_nothing_and_the_rest_of_the_line_holds() -> None:
    denied = request("don't double the traffic")
    assert isinstance(denied, Unclear) and denied.text.startswith("Then nothing changes")
    assert values("don't double the traffic, double the prompts") == {"tokens.input.mean": 3000}


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("prompts of 6,000 tokens", {"tokens.input.mean": 6000}),
        ("what if prompts are 6,000 tokens", {"tokens.input.mean": 6000}),
        ("answers of 2,000", {"tokens.output.mean": 2000}),
        ("prompts 6,000 tokens, answers 1,000", {"tokens.input.mean": 6000, "tokens.output.mean": 1000}),
        ("prompts of 1,500 and 25 rps", {"tokens.input.mean": 1500, "traffic.requests_per_s": 25}),
        ("1,200 rps", {"traffic.requests_per_s": 1200}),
        ("answers of 102,400 tokens", {"tokens.output.mean": 102_400}),
    ],
)
def test_a_comma_between_thousands_parts_no_figure(text: str, changed: dict[str, float]) -> None:
    assert values(text) == changed


@pytest.mark.parametrize(("text", "seconds"), [("25 rps and p95 700", 0.7), ("p95 under 1.5 s please", 1.5)])
def test_a_percentile_and_a_time_are_of_the_one_metric_that_has_a_target(text: str, seconds: float) -> None:
    made = request(text, targets=TARGETS[:1])
    assert isinstance(made, WhatIf)
    assert made.change.values["targets"] == (target("ttft", "p95", seconds),)
