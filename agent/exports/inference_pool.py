"""A plan as the pool of the gateway API's inference extension: one port for each data-parallel rank."""

from collections.abc import Mapping

from agent.deployment.objects import answering_labels, kubernetes_object, opening_of
from agent.deployment.replica import replica_of
from agent.deployment.yaml_text import Noted, yaml_text
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan

PICKER_PORT = 9002
"""Of the endpoint picker, as the charts of the inference extension have it."""


def pool_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the InferencePool as one file."""
    replica = replica_of(plan, catalog)
    picker = Noted(f"{replica.name}-epp", "INPUT: the Service of your endpoint picker")
    spec = {
        "selector": {"matchLabels": answering_labels(replica)},
        "targetPorts": [{"number": replica.served.port}],
        "endpointPickerRef": {
            "group": "",
            "kind": "Service",
            "name": picker,
            "port": {"number": Noted(PICKER_PORT, "INPUT: its port")},
            "failureMode": "FailOpen",
        },
    }
    tree = kubernetes_object(replica, "inference.networking.k8s.io/v1", "InferencePool", spec=spec)
    return {"inference-pool.yaml": yaml_text([tree], opening_of(replica, "InferencePool"))}


FORMAT = Format((), "the inference pool", pool_files, ("inferencepool", "inference pool"))
