"""The bands of a plan are of one law: the GPUs' range, the chance of meeting the targets and the tails agree."""

from math import ceil

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catalogs.errors import InputError
from engine.bands.lookup import SHARES, CaseBand, Part
from engine.method import forecast
from engine.plan import CapacityPlan
from tests.engine.asked import CATALOG, asked
from tests.engine.specs import Values, planned

NEARLY = 0.015
"""Of a chance: what its bisection leaves open."""


def plan_of(values: Values) -> CapacityPlan:
    try:
        plan = forecast(asked(values), CATALOG, verify=False)
    except InputError:
        assume(False)
    assume(isinstance(plan, CapacityPlan) and plan.bands is not None)
    assert isinstance(plan, CapacityPlan)
    return plan


USUAL_TARGETS = st.lists(
    st.one_of(
        st.builds(lambda percentile, seconds: {"metric": "ttft", "percentile": percentile, "seconds": seconds},
                  st.sampled_from(["mean", "p50", "p95", "p99"]), st.floats(0.3, 5)),
        st.builds(lambda percentile, seconds: {"metric": "itl", "percentile": percentile, "seconds": seconds},
                  st.sampled_from(["mean", "p95", "p99"]), st.floats(0.02, 0.2)),
    ),
    min_size=1,
    max_size=2,
)  # fmt: skip


@given(planned(), USUAL_TARGETS, st.sampled_from([50, 80, 95]), st.integers(0, 2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_replicas_gpus_chance_and_tails_are_of_one_law(
    values: Values, targets: list[Values], level: int, spares: int
) -> None:
    """Whoever reads one band and whoever reads another decide alike."""
    values = {**values, "targets": targets}
    plan = plan_of({**values, "band": level, "availability.spare_replicas": spares})
    bands, fleet, far = plan.bands, plan.fleet, 0.5 + level / 200
    assert bands is not None
    # Replicas from the band of one replica's rate, GPUs from those.
    load = plan.performance.at_peak.requests_per_s * fleet.working_replicas
    taken = load / bands.replica_capacity.requests_per_s.low
    worst = bands.fleet.replicas.high - spares
    assert worst == max(ceil(taken), fleet.working_replicas) or taken == pytest.approx(worst, rel=1e-6)
    assert bands.fleet.accelerators.high == bands.fleet.replicas.high * plan.chosen.accelerators_per_replica
    chance = bands.chance_of_meeting
    assert (chance is None) == (not plan.targets)
    if chance is None:
        return
    assert 0.025 - 1e-9 <= chance <= 0.975 + 1e-9
    # Today's fleet is the high end where the chance reaches the band's end, and is not where it falls short of it.
    suffices = bands.fleet.meets_targets and bands.fleet.replicas.high == fleet.replicas
    if chance > far + NEARLY or (level == 95 and chance >= far):
        assert suffices
    if chance < far - NEARLY:
        assert not suffices
    # A tail that reaches beyond its target does so as often as the chance says, or less.
    for target in plan.targets:
        tail = getattr(getattr(bands.performance.at_peak, f"{target.metric}_s"), target.percentile)
        if tail.high > target.target_s * 1.001:
            assert chance < far + NEARLY, f"{target.metric} {target.percentile} reaches {tail.high}"


def test_a_factor_passes_through_the_quantiles() -> None:
    """At the ends of each level it is the band's end, and it rises with the share."""
    band = CaseBand((Part("run", 0.3, 9), Part("source", 0.4, 5)), (-2.9, -1.3, -0.5, 0.02, 0.4, 1.0, 2.2))
    assert [band.factor(share) for share in (SHARES[1], SHARES[5])] == pytest.approx(band.ends(80))
    factors = [band.factor(at / 200) for at in range(1, 200)]
    assert factors == sorted(factors)
    assert band.factor(0.9) == pytest.approx(2.718281828**0.5)
    assert (band.factor(0.001), band.factor(0.999)) == band.ends(95)
