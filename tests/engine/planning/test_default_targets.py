"""Where nobody states a target: what people bear who wait for the answer, eased where a request alone takes it."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.session.saved_plan import state_of
from catalogs.errors import InputError
from engine.fleet.prices import with_a_price
from engine.method import forecast, made_again
from engine.plan import CapacityPlan
from engine.planning.default_targets import ITL_P95_S, TTFT_P95_S, searched
from engine.question.resolve import resolve
from engine.workload import Source, spec_from
from tests.draws import draws
from tests.engine.asked import CATALOG, SEED, formula_plan
from tests.engine.specs import USUAL, Values, decades

CAPPED = {"traffic.peak_factor": 1.5, "serving.context_window": 8192, "serving.batch_cap": 4}
UNSAID = {path: value for path, value in SEED.items() if path != "default_targets"}


def planned(values: Values, *, verify: bool = True) -> CapacityPlan:
    plan = forecast(spec_from({**UNSAID, **values}), CATALOG, verify=verify)
    assert isinstance(plan, CapacityPlan)
    return plan


def test_a_cap_that_makes_queues_long_is_planned_by_the_wait() -> None:
    """Four seats a replica: without targets 85 % of saturation and a TTFT of many seconds, by default a usable one."""
    plan, rate_alone = planned(CAPPED), planned({**CAPPED, "targets": ()})
    assert plan.answer.meets_targets
    assert plan.targets[0].forecast_s <= TTFT_P95_S
    assert plan.verification is not None and plan.verification.ttft_s.p95.value <= TTFT_P95_S
    assert rate_alone.performance.at_peak.ttft_s.p95 > 2 * TTFT_P95_S
    assert rate_alone.fleet.replicas < plan.fleet.replicas
    assert any(text.startswith("the batch cap of 4 costs ") for text in plan.warnings)
    assert plan.targets and plan.default_targets and not rate_alone.targets


def test_the_default_targets_are_assumed_with_what_they_cost_and_made_again() -> None:
    plan = planned(CAPPED)
    assert plan.sources["targets"] == Source("default", "interactive")
    (said,) = (item for item in plan.assumptions if item.text.startswith("no target was given"))
    without = planned({**CAPPED, "targets": ()}).fleet.accelerators
    assert said.text.startswith("no target was given: TTFT p95 2 s and ITL p95 100 ms, as for people who wait")
    assert said.effect == f"{without} accelerators without"
    assert made_again(plan, CATALOG) == plan


def test_long_prompts_have_longer_until_the_first_token_and_what_nothing_reaches_is_eased() -> None:
    """1 s for each 8,000 tokens of the p95 prompt; on a card that needs more for one alone, half as much again."""
    values = {"model": "llama-3.1-8b", "precision.weights": "bf16", "traffic.requests_per_s": 0.2}
    usual = planned({**values, "tokens.input.mean": 500.0}, verify=False)
    long = planned({**values, "tokens.input.mean": 12_000.0, "tokens.input.cv": 0.8}, verify=False)
    assert [target.target_s for target in usual.targets] == [TTFT_P95_S, ITL_P95_S]
    assert long.targets[0].target_s == pytest.approx(3.7, rel=0.1)
    slow = planned({**values, "tokens.input.mean": 12_000.0, "hardware.accelerators": ["t4"]}, verify=False)
    assert slow.targets[0].target_s > long.targets[0].target_s
    assert slow.answer.meets_targets
    assert any("eased: a request alone takes most of it" in item.text for item in slow.assumptions)


TTFT_5S = {"metric": "ttft", "percentile": "p95", "seconds": 5.0}
ITL_80MS = {"metric": "itl", "percentile": "p95", "seconds": 0.08}

GRID = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "qwen3-32b"]),
        "hardware.accelerators": st.sampled_from([[name] for name in (*USUAL, "l4", "a10")]),
        "traffic.requests_per_s": decades(0.01, 300),
        "tokens.input.mean": decades(10, 20_000),
        "tokens.output.mean": decades(10, 2000),
    },
    optional={
        "serving.batch_cap": decades(1, 300).map(int),
        "traffic.peak_factor": st.floats(1, 5),
        "traffic.burstiness": decades(0.5, 3),
        "precision.weights": st.sampled_from(["fp8", "int4", "bf16"]),
        "availability.spare_replicas": st.integers(0, 2),
        "targets": st.sampled_from([[TTFT_5S], [ITL_80MS], [{**ITL_80MS, "percentile": "mean", "seconds": 1.0}]]),
    },
)


@given(GRID)
@settings(max_examples=draws(60), deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_no_plan_without_stated_targets_is_slower_than_its_default_ones(values: Values) -> None:
    """Whatever the cap, the lengths and the card: the fleet holds, and its targets are 2 s or what its prompts need."""
    try:
        plan = formula_plan(spec_from({"model": "llama-3.1-8b", **values}))
    except InputError:
        plan = None
    assume(isinstance(plan, CapacityPlan))
    assert isinstance(plan, CapacityPlan)
    stated = {target["metric"] for target in values.get("targets", ())}
    if stated:
        assume(plan.answer.meets_targets)
    assert plan.answer.meets_targets
    usual = {"ttft": TTFT_P95_S, "itl": ITL_P95_S}
    assert {target.metric for target in plan.targets} == set(usual)
    for target in plan.targets:
        if target.metric not in stated:
            assert getattr(plan.performance.at_peak, f"{target.metric}_s").p95 <= target.target_s * 1.001
            assert target.target_s >= usual[target.metric]


@pytest.mark.parametrize(
    ("stated", "added", "said"),
    [
        (ITL_80MS, ("ttft", "p95", TTFT_P95_S), "no TTFT target was given: TTFT p95 2 s, as for people who wait"),
        (TTFT_5S, ("itl", "p95", ITL_P95_S), "no ITL target was given: ITL p95 100 ms, as for people who wait"),
        ({"metric": "e2e", "percentile": "p95", "seconds": 60.0}, None, ""),
    ],
)
def test_whoever_states_one_target_gets_the_other_by_default(
    stated: Values, added: tuple[str, str, float] | None, said: str
) -> None:
    """A limit on ITL alone says nothing of the wait before it; one on E2E holds both."""
    plan = planned({**CAPPED, "targets": [stated]}, verify=False)
    others = [(t.metric, t.percentile, t.target_s) for t in plan.targets if t.metric != stated["metric"]]
    assert others == ([added] if added else [])
    assert not plan.default_targets
    assert [item.text for item in plan.assumptions if item.text.startswith("no ")] == (
        [f"{said} for the answer"] if added else []
    )
    without = planned({**CAPPED, "targets": [stated], "default_targets": "none"}, verify=False)
    assert [t.metric for t in without.targets] == [stated["metric"]]
    assert made_again(plan, CATALOG) == plan


def test_a_saved_plan_is_asked_again_with_what_was_stated_alone() -> None:
    """What held by default is no wish of anybody's when the plan is changed."""
    plan = planned({"targets": [ITL_80MS]}, verify=False)
    state = state_of(replace(plan, sources={**plan.sources, "targets": Source("flag", "--itl-p95")}), CATALOG)
    (statement,) = (one for one in state.statements if "targets" in one.values)
    assert [target.metric for target in statement.values["targets"]] == ["itl"]


@settings(max_examples=draws(12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["llama-3.1-405b", "deepseek-v3", "llama-3.1-70b", "qwen3-32b"]),
    decades(0.005, 5),
    decades(500, 30_000),
    st.sampled_from(["eu-central", "us-east", None]),
    st.sampled_from(["on_demand", "spot", "reserved_1y"]),
)
def test_what_nobody_offers_is_never_the_answer_where_something_is_offered(
    model: str, rate: float, prompt: float, region: str | None, term: str
) -> None:
    """Only 8 × GB300, of which no instance holds eight, kept a TTFT that nobody had asked for."""
    tokens = {"tokens.input.mean": prompt, "tokens.output.mean": 1000.0}
    asked = resolve(
        spec_from(
            {"model": model, "traffic.requests_per_s": rate, "money.region": region, "money.term": term, **tokens}
        ),
        CATALOG,
    )
    _, found = searched(asked)
    assume(len(found.order))
    assert with_a_price(asked, found.candidates)[found.order[0]]
