"""No plan is many replicas of next to nothing: what a target near its floor leaves, over the whole catalog."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine import forecast, spec_from
from engine.fleet.prices import with_a_price
from engine.fleet.search import SizedCandidates, search, with_targets
from engine.fleet.useful_load import HALF, LEAST_SHARE, MARGIN, latency_floors, relaxed_targets
from engine.plan import CapacityPlan
from engine.planning.ranking import Ranking, ranked_candidates
from engine.question.resolve import Question, resolve
from engine.workload import Target
from tests.draws import draws

CATALOG = Catalog.load()


def question(model: str, rate: float, prompt: float, answer: float, **more: object) -> Question:
    values = {
        "model": model,
        "traffic.requests_per_s": rate,
        "tokens.input.mean": prompt,
        "tokens.output.mean": answer,
        "default_targets": "none",
    }
    return resolve(spec_from(values | more), CATALOG)


def shares(asked: Question, sized: SizedCandidates) -> np.ndarray:
    """Return what each candidate carries within its targets, of what it carries without."""
    share: np.ndarray = sized.capacity / (asked.spec.serving.utilisation_ceiling * sized.replicas.saturated_rate[:, 0])
    return share


@settings(max_examples=draws(4), deadline=None)
@given(
    model=st.sampled_from(["llama-3.1-8b", "llama-3.1-70b", "deepseek-v3", "qwen3-235b-a22b"]),
    rate=st.floats(1, 300),
    prompt=st.sampled_from([300, 2000, 8000]),
    metric=st.sampled_from(["ttft", "itl", "e2e"]),
    times=st.floats(1.001, 3),
)
def test_more_replicas_are_taken_only_where_each_is_of_use(
    model: str, rate: float, prompt: int, metric: str, times: float
) -> None:
    """Every accelerator of the catalog, a target from its lowest floor up: a fleet of several has useful replicas, and
    what is refused is accepted at the target that is named instead."""
    asked = question(model, rate, prompt, 300)
    free = search(asked)
    probe = Target(metric=metric, percentile="p95", seconds=1.0)  # type: ignore[arg-type]
    lowest = float(np.min(latency_floors(free.lightest, [probe])[0]))
    targets = (replace(probe, seconds=times * lowest),)
    sized = with_targets(asked, free, targets)
    several = np.flatnonzero(sized.counts.growth > 1)
    share = shares(asked, sized)[several]
    assert (share >= LEAST_SHARE * 0.999).all()
    near = targets[0].seconds < MARGIN[targets[0].metric] * latency_floors(sized.lightest, targets)[0][several]
    assert (share[near] >= HALF).all()
    if not len(sized.order):
        nearest, eased, _ = relaxed_targets(
            sized.replicas,
            sized.lightest,
            targets,
            asked.spec.serving.utilisation_ceiling,
            with_a_price(asked, sized.candidates),
        )
        assert nearest in with_targets(asked, free, eased).order


@settings(max_examples=draws(4), deadline=None)
@given(rate=st.floats(5, 100), times=st.floats(1.01, 2.5), looser=st.floats(1.01, 2))
def test_a_looser_target_never_costs_more_near_the_floor_either(rate: float, times: float, looser: float) -> None:
    cards = ["a100-sxm4-80gb", "h200-sxm-141gb", "mi300x", "l40s"]
    asked = question("llama-3.1-70b", rate, 1500, 300, **{"hardware.accelerators": cards})
    free = search(asked)
    probe = Target(metric="itl", percentile="p95", seconds=1.0)
    lowest = float(np.min(latency_floors(free.lightest, [probe])[0]))
    strict, loose = (with_targets(asked, free, (replace(probe, seconds=s * lowest),)) for s in (times, times * looser))
    held = ~np.isnan(strict.capacity)
    assert (loose.accelerators[held] <= strict.accelerators[held]).all()


def test_one_replica_may_be_nearly_idle() -> None:
    """A load that one replica carries takes no second: how sure the target is, is for the reader to weigh."""
    asked = question("llama-3.1-70b", 0.01, 1500, 300, **{"hardware.accelerators": ["a100-sxm4-80gb"]})
    free = search(asked)
    probe = Target(metric="itl", percentile="p95", seconds=1.0)
    lowest = float(np.min(latency_floors(free.lightest, [probe])[0]))
    assert len(with_targets(asked, free, (replace(probe, seconds=1.05 * lowest),)).order)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({"metric": "itl", "percentile": "p95", "seconds": 0.022}, "times what the load takes"),
        ({"metric": "ttft", "percentile": "p95", "seconds": 0.72}, "more replicas do not help"),
    ],
)
def test_a_heroic_fleet_is_refused_with_what_would_do(target: dict[str, object], why: str) -> None:
    """70B in BF16 on A100 just above its floor: it was 864 GPUs, 49 % sure."""
    values = {
        "model": "llama-3.1-70b", "hardware.accelerators": ["a100-sxm4-80gb"], "traffic.requests_per_s": 20,
        "tokens.input.mean": 2000, "tokens.output.mean": 300, "targets": [target],
    }  # fmt: skip
    plan = forecast(spec_from(values), CATALOG, verify=False)
    assert isinstance(plan, CapacityPlan)
    assert not plan.answer.meets_targets
    miss = plan.rejected[0]
    assert "only nearly idle" in miss.reason and why in miss.reason
    assert any(way.startswith("--gpu-type") for way in miss.relaxations)
    seconds = next(one.forecast_s for one in plan.targets if one.metric == target["metric"])
    eased = forecast(spec_from(values | {"targets": [target | {"seconds": seconds * 1.01}]}), CATALOG, verify=False)
    assert isinstance(eased, CapacityPlan) and eased.answer.meets_targets


def test_a_target_that_has_a_fleet_alone_is_not_missed_beside_one_that_nothing_meets() -> None:
    ttft = {"metric": "ttft", "percentile": "p95", "seconds": 0.045}
    itl = {"metric": "itl", "percentile": "p95", "seconds": 0.0012}
    values = {
        "model": "llama-3.1-8b",
        "hardware.accelerators": ["h100-sxm-80gb"],
        "traffic.requests_per_s": 10,
        "tokens.input.mean": 500,
        "tokens.output.mean": 200,
    }
    alone = forecast(spec_from({**values, "targets": [ttft]}), CATALOG)
    both = forecast(spec_from({**values, "targets": [ttft, itl]}), CATALOG)
    assert isinstance(alone, CapacityPlan)
    assert alone.answer.meets_targets
    assert isinstance(both, CapacityPlan)
    assert [miss.what.rpartition(", ")[2][:3] for miss in both.rejected if miss.unit == "s"] == ["ITL"]


@pytest.mark.parametrize("more", [{}, {"money.provider": "aws"}, {"money.term": "spot"}])
def test_the_nearest_plan_of_a_refusal_has_a_price_where_something_has(more: dict[str, object]) -> None:
    """The fastest candidate may be one that nobody offers: its plan would be of no use."""
    values = {
        "model": "llama-3.1-70b", "traffic.requests_per_s": 10, "tokens.input.mean": 500, "tokens.output.mean": 200,
        "targets": [{"metric": "itl", "percentile": "p95", "seconds": 0.0015}],
    }  # fmt: skip
    ranking = ranked_candidates(resolve(spec_from(values | more), CATALOG))
    assert isinstance(ranking, Ranking) and ranking.misses
    assert np.isfinite(ranking.best.monthly_usd[0])
