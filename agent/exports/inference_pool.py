"""A plan as the pool of the gateway API's inference extension: one port for each data-parallel rank."""

from collections.abc import Mapping

from agent.deployment.objects import LEADER_LABEL, labels_of, metadata, opening_of
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
    tree = {
        "apiVersion": "inference.networking.k8s.io/v1",
        "kind": "InferencePool",
        "metadata": metadata(replica),
        "spec": {
            "selector": {"matchLabels": labels_of(replica) | (LEADER_LABEL if replica.nodes > 1 else {})},
            "targetPorts": [{"number": replica.served.port}],
            "endpointPickerRef": {
                "group": "",
                "kind": "Service",
                "name": picker,
                "port": {"number": Noted(PICKER_PORT, "INPUT: its port")},
                "failureMode": "FailOpen",
            },
        },
    }
    return {"inference-pool.yaml": yaml_text([tree], opening_of(replica, "InferencePool"))}


FORMAT = Format((), "the inference pool", pool_files, ("inferencepool", "inference pool"))
