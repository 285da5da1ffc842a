"""A plan as Kubernetes objects: Deployment or LeaderWorkerSet, Service, PodDisruptionBudget, file of settings."""

from collections.abc import Mapping

from agent.deployment.objects import objects_of, opening_of
from agent.deployment.replica import replica_of
from agent.deployment.yaml_text import yaml_text
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def manifest_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the objects as one file."""
    replica = replica_of(plan, catalog)
    return {"kubernetes.yaml": yaml_text(objects_of(replica), opening_of(replica, "Kubernetes objects"))}


FORMAT = Format(
    (), "the Kubernetes objects", manifest_files, ("kubernetes", "k8s", "manifests?", "deployment (?:file|yaml)s?")
)
