"""A plan's autoscaling as AIBrix' PodAutoscaler, which asks the pods themselves."""

from collections.abc import Mapping
from math import ceil

from agent.deployment.objects import kubernetes_object, opening_of
from agent.deployment.queries import queries_of
from agent.deployment.replica import Replica, replica_of
from agent.deployment.triggers import interpolated, replica_bounds
from agent.deployment.yaml_text import Noted, yaml_text
from agent.exports import Format
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan


def autoscaler_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the PodAutoscaler as one file, with the shortest window by which the plan's day does not oscillate.

    Raises:
        InputError: the runtime's version tells no requests running.
    """
    from agent.lint.behaviour import steadied

    replica = replica_of(plan, catalog)
    if queries_of(replica).metric("running") is None:
        raise InputError(
            f"{replica.runtime_shown} does not tell how many requests run, and AIBrix asks pods for one metric"
        )
    plan = steadied(lambda plan: _text(replica_of(plan, catalog)), plan, catalog)
    return {"aibrix.yaml": _text(replica_of(plan, catalog))}


def _text(replica: Replica) -> str:
    from agent.lint.behaviour import DOWN_WINDOW

    plan, served = replica.plan, replica.served
    scaling, running = plan.autoscaling, queries_of(replica).needed("running")
    waiting = interpolated(plan.replica_capacity.load_curve, scaling.rps_per_replica, "waiting")
    target = scaling.target_in_flight_per_replica - waiting
    window = ceil(scaling.scale_down_window_s)
    held = Noted(f"{window}s", "requests in flight fall faster than load: a shorter one asks replicas back")
    source = {
        "metricSourceType": "pod",
        "protocolType": "http",
        "port": str(served.port),
        "path": served.metrics_path.lstrip("/"),
        "targetMetric": Noted(running.name.rpartition(":")[2], "AIBrix names metrics without their prefix"),
        "targetValue": Noted(f"{target:.6g}", f"running at {scaling.rps_per_replica:.3g} requests/s a replica"),
    }
    spec = {
        "scalingStrategy": "KPA",
        "scaleTargetRef": replica.scale_target,
        **replica_bounds(replica, "minReplicas", "maxReplicas"),
        "observeWindowSeconds": Noted(max(round(plan.spec.scaling.metric_window_s), 1), "the plan's metric window"),
        "metricsSources": [source],
    }
    tree = kubernetes_object(replica, "autoscaling.aibrix.ai/v1alpha1", "PodAutoscaler", spec=spec)
    tree["metadata"]["annotations"] = {DOWN_WINDOW: held}
    notes = ["One metric a pod, of requests that run: who waits is not counted. `plan export keda` counts both."]
    return yaml_text([tree], [*opening_of(replica, "Autoscaling by AIBrix"), *notes])


FORMAT = Format((), "the AIBrix autoscaler", autoscaler_files, ("aibrix", "podautoscaler"))
