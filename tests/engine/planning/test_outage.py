"""What the loss of a replica does: a plan says it, for how long and what N+1 would cost, or holds without it."""

import pytest

from catalogs.units import HOURS_PER_MONTH
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.scaling.starts import IMAGE_S, NODE_S, NOTICED_S
from engine.workload import spec_from
from tests.engine.asked import CATALOG, SEED

SMALL = {
    **{path: value for path, value in SEED.items() if not path.startswith("scaling.")},
    "model": "llama-3.1-8b",
    "precision.weights": "bf16",
    "hardware.accelerators": ["h100-sxm-80gb"],
}


def planned(**values: object) -> CapacityPlan:
    plan = forecast(spec_from({**SMALL, **{name.replace("__", "."): value for name, value in values.items()}}), CATALOG)
    assert isinstance(plan, CapacityPlan)
    return plan


def test_one_replica_is_no_service() -> None:
    """A restart takes weights, warm-up and readiness; a lost node is noticed, made anew and filled first."""
    plan = planned(traffic__requests_per_s=1.0)
    outage, offer = plan.outage, plan.chosen.offer
    assert outage is not None and offer is not None and plan.fleet.replicas == 1
    assert outage.stops_everything and outage.one_replica
    weights = plan.memory.weights_bytes / 2e9
    assert outage.restart_s == pytest.approx(weights + 60 + 10, rel=0.01)
    new_node = NODE_S["GPU cloud"] + IMAGE_S["GPU cloud"]
    assert outage.lost_node_s == pytest.approx(NOTICED_S + new_node + outage.restart_s)
    assert outage.spare_monthly_usd == pytest.approx(offer.usd_per_hour * HOURS_PER_MONTH)


def test_a_spare_on_another_node_ends_it() -> None:
    assert planned(traffic__requests_per_s=1.0, availability__spare_replicas=1).outage is None


def test_replicas_that_share_one_node_stop_together() -> None:
    """Eight GPUs of one instance hold two replicas: the spare falls with the other."""
    plan = planned(
        traffic__requests_per_s=1.0, availability__spare_replicas=1, money__provider="aws", serving__tensor_parallel=4
    )
    assert plan.chosen.offer is not None and plan.chosen.offer.accelerators == 8
    assert plan.outage is not None and plan.outage.stops_everything and not plan.outage.one_replica


def test_a_fleet_that_one_loss_brings_below_its_peak_says_so() -> None:
    """Without spares the rest carries less than the peak hour; with one it does not."""
    plan = planned(traffic__requests_per_s=100.0)
    assert plan.fleet.replicas > 1
    assert plan.outage is not None and not plan.outage.stops_everything
    assert planned(traffic__requests_per_s=100.0, availability__spare_replicas=1).outage is None


def test_who_says_that_nodes_are_warm_waits_for_none() -> None:
    """Zero only where it is said: a reaction on rented nodes has minutes for a node and its image, on own ones none."""
    rented, warm = planned(), planned(scaling__node_s=0.0, scaling__image_s=0.0)
    own = planned(money__term="owned")
    parts = rented.autoscaling.reaction_parts_s
    assert (parts["node"], parts["image"]) == (NODE_S["GPU cloud"], IMAGE_S["GPU cloud"]) and min(parts.values()) > 0
    for plan in (warm, own):
        assert plan.autoscaling.reaction_parts_s["node"] == plan.autoscaling.reaction_parts_s["image"] == 0
        assert plan.autoscaling.reaction_time_s == rented.autoscaling.reaction_time_s - parts["node"] - parts["image"]
