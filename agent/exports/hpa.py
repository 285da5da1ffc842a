"""A plan's autoscaling as a HorizontalPodAutoscaler, for clusters with an adapter of their own."""

from collections.abc import Mapping

from agent.deployment.alerts import RECORDED, recorded_labels
from agent.deployment.objects import kubernetes_object, opening_of
from agent.deployment.queries import queries_of
from agent.deployment.replica import replica_of
from agent.deployment.triggers import behaviour, replica_bounds, triggers_of
from agent.deployment.yaml_text import Noted, yaml_text
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def autoscaler_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the HPA as one file, with the window of KEDA's rule, which watches the same."""
    from agent.exports.keda import steady_plan

    replica = replica_of(steady_plan(plan, catalog), catalog)
    queries = queries_of(replica)
    series = {"in-flight": "requests_in_flight", "rate": "requests_per_second", "queue": "requests_waiting"}
    metrics = [
        {
            "type": "External",
            "external": {
                "metric": {
                    "name": f"{RECORDED}{series[trigger.name]}",
                    "selector": {"matchLabels": recorded_labels(queries)},
                },
                "target": {"type": "AverageValue", "averageValue": Noted(f"{trigger.threshold:.6g}", trigger.why)},
            },
        }
        for trigger in triggers_of(queries)
    ]
    spec = {
        "scaleTargetRef": replica.scale_target,
        **replica_bounds(replica, "minReplicas", "maxReplicas"),
        "metrics": metrics,
        "behavior": behaviour(replica),
    }
    tree = kubernetes_object(replica, "autoscaling/v2", "HorizontalPodAutoscaler", spec=spec)
    notes = [
        "Its metrics are series that `plan export prometheus-rules` records; an adapter must serve them as external.",
        "prometheus-adapter is deprecated: `plan export keda` needs none.",
    ]
    return {"hpa.yaml": yaml_text([tree], [*opening_of(replica, "HorizontalPodAutoscaler"), *notes])}


FORMAT = Format((), "the HPA", autoscaler_files, ("hpa", "horizontal pod autoscalers?"))
