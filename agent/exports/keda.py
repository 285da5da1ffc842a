"""A plan's autoscaling as KEDA's ScaledObject."""

from collections.abc import Mapping

from agent.deployment.queries import queries_of
from agent.deployment.replica import replica_of
from agent.deployment.scaled_objects import scaled_object_text
from agent.deployment.triggers import triggers_of
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def scaled_object_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the ScaledObject as one file, with the shortest window by which the plan's day does not oscillate."""
    return {"keda.yaml": _text(steady_plan(plan, catalog), catalog)}


def steady_plan(plan: CapacityPlan, catalog: Catalog) -> CapacityPlan:
    """Return the plan with that window, for scalers that watch the same."""
    from agent.lint.behaviour import steadied

    return steadied(lambda one: _text(one, catalog), plan, catalog)


def _text(plan: CapacityPlan, catalog: Catalog) -> str:
    replica = replica_of(plan, catalog)
    return scaled_object_text(replica, triggers_of(queries_of(replica)), "Autoscaling by KEDA")


FORMAT = Format(
    (),
    "the KEDA rule",
    scaled_object_files,
    ("keda", "scaledobject", "scaled object", "autoscaling rules?", "scaling rules?"),
)
