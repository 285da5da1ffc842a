"""A plan as KServe's LLMInferenceService, scaled by KEDA."""

from collections.abc import Mapping
from typing import Any

from agent.deployment.objects import beside_pods, kubernetes_object, literal, opening_of, pod_spec
from agent.deployment.queries import queries_of
from agent.deployment.replica import replica_of
from agent.deployment.triggers import keda_trigger, polling, replica_bounds, triggers_of
from agent.deployment.yaml_text import Noted, yaml_text
from agent.exports import Format
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan


def service_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the LLMInferenceService as one file, with the window of KEDA's rule, whose triggers it has.

    Raises:
        InputError: the runtime is another than vLLM, which KServe starts.
    """
    from agent.exports.keda import steady_plan

    replica = replica_of(steady_plan(plan, catalog), catalog)
    if replica.served.id != "vllm":
        raise InputError(f"KServe's LLMInferenceService starts vLLM, and this plan is of {replica.served.name}")
    chosen = plan.chosen
    sizes = (
        ("tensor", chosen.tensor_parallel, True),
        ("pipeline", chosen.pipeline_parallel, chosen.pipeline_parallel > 1),
        ("data", chosen.data_parallel, chosen.data_parallel > 1),
        ("dataLocal", max(chosen.data_parallel // replica.nodes, 1), chosen.data_parallel > 1),
        ("expert", True, chosen.expert_parallel > 1),
    )
    spec: dict[str, Any] = {
        "model": {"uri": f"hf://{replica.model}", "name": literal(replica.model)},
        "storageInitializer": {
            "enabled": Noted(False, "the container loads the weights from its claim (kserve pull 4970)")
        },
        "scaling": {
            **replica_bounds(replica, "minReplicas", "maxReplicas"),
            "keda": polling(replica) | {"triggers": [keda_trigger(one) for one in triggers_of(queries_of(replica))]},
        },
        "parallelism": {name: value for name, value, needed in sizes if needed},
        "template": pod_spec(replica),
        "router": {"route": {}, "gateway": {}, "scheduler": {}},
    }
    if replica.nodes > 1:
        spec["worker"] = pod_spec(replica, leader=False)
    for pod in ("template", "worker"):
        if pod in spec:
            spec[pod]["containers"][0]["name"] = "main"  # KServe puts what it adds into the container of this name
    noted = Noted(spec, "scaling.keda is of the releases that gave up scaling.wva (kserve issue 6262)")
    tree = kubernetes_object(replica, "serving.kserve.io/v1alpha2", "LLMInferenceService", spec=noted)
    return {"kserve.yaml": yaml_text([tree, *beside_pods(replica)], opening_of(replica, "LLMInferenceService"))}


FORMAT = Format((), "the KServe service", service_files, ("kserve", "llminferenceservice"))
