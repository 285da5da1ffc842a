"""A plan's autoscaling as KEDA's ScaledObject."""

from collections.abc import Mapping

from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def scaled_object_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the ScaledObject as one file."""
    from agent.deployment.queries import queries_of
    from agent.deployment.replica import replica_of
    from agent.deployment.scaled_objects import scaled_object_text
    from agent.deployment.triggers import triggers_of
    from agent.lint.behaviour import steady_text

    def text_of(plan: CapacityPlan) -> str:
        replica = replica_of(plan, catalog)
        return scaled_object_text(replica, triggers_of(queries_of(replica)), "Autoscaling by KEDA")

    return {"keda.yaml": steady_text(text_of, plan, catalog)}


FORMAT = Format(
    (),
    "the KEDA rule",
    scaled_object_files,
    ("keda", "scaledobject", "scaled object", "autoscaling rules?", "scaling rules?"),
)
