"""A plan as values of two Helm charts: vLLM's production-stack, and llm-d-modelservice."""

from collections.abc import Mapping
from typing import Any

from agent.deployment.replica import Replica
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan

Tree = dict[str, Any]

CHART_SETS = ("--host", "--port")
"""Flags that the chart sets itself."""
MODELSERVICE_KINDS = {
    "nvidia.com/gpu": "nvidia",
    "amd.com/gpu": "amd",
    "google.com/tpu": "google",
    "habana.ai/gaudi": "intel-gaudi",
}
"""llm-d-modelservice 0.4.12's names of accelerators, by the resource that they request."""


def value_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return a file of values for each chart that can run the plan's runtime."""
    from agent.deployment.objects import opening_of
    from agent.deployment.replica import replica_of
    from agent.deployment.yaml_text import yaml_text

    replica = replica_of(plan, catalog)
    files = {}
    if replica.served.id == "vllm" and replica.nodes == 1:
        head = opening_of(replica, "Values for vLLM's production-stack (chart 0.1.12)")
        files["production-stack.yaml"] = yaml_text([_production_stack(replica)], head)
    head = opening_of(replica, "Values for llm-d-modelservice (chart 0.4.12)")
    return files | {"llm-d-modelservice.yaml": yaml_text([_modelservice(replica)], head)}


def _production_stack(replica: Replica) -> Tree:
    from agent.deployment.objects import CHART_VALUES, PROBE_PERIOD_S, probes, product_of, shm_gib, words_in
    from agent.deployment.queries import queries_of
    from agent.deployment.triggers import keda_trigger, polling, replica_bounds, triggers_of
    from agent.deployment.yaml_text import Noted

    config: Tree = {}
    extra: list[Any] = []
    for flag in replica.flags:
        if flag.flag in CHART_VALUES:
            config[CHART_VALUES[flag.flag]] = Noted(_number(flag.value), flag.why)
        elif flag.flag not in CHART_SETS:
            extra += [Noted(flag.flag, flag.why), *words_in(flag.value)]
    if extra:
        config["extraArgs"] = extra
    spec: Tree = {
        "name": replica.name,
        "repository": replica.served.image,
        "tag": Noted("INPUT-IMAGE-TAG", f"INPUT: the tag of {replica.runtime_shown}"),
        "modelURL": replica.model,
        "replicaCount": replica.plan.fleet.replicas,
        "requestCPU": Noted(4 * replica.accelerators_per_pod, "INPUT: the chart asks for it, and no plan knows it"),
        "requestMemory": Noted(f"{32 * replica.accelerators_per_pod}Gi", "INPUT: likewise"),
        "requestGPU": Noted(replica.accelerators_per_pod, f"× {replica.plan.chosen.accelerator_name}"),
        "vllmConfig": config,
        "shmSize": f"{shm_gib(replica)}Gi",
        "hf_token": Noted({"secretName": "hf-token", "secretKey": "token"}, "INPUT: your secret, for gated models"),
        "keda": {
            "enabled": True,
            **replica_bounds(replica, "minReplicaCount", "maxReplicaCount"),
            **polling(replica),
            "triggers": Noted(
                [keda_trigger(one) for one in triggers_of(queries_of(replica))],
                "else the chart's own, which filters by a label that vLLM does not have",
            ),
        },
    }
    if replica.plugin and replica.plugin.label:
        match = {"key": replica.plugin.label, "operator": "In", "values": [product_of(replica)]}
        spec["nodeSelectorTerms"] = [{"matchExpressions": [match]}]
        spec["requestGPUType"] = replica.plugin.resource
    waits = probes(replica)["startupProbe"]["failureThreshold"]
    startup = {
        "initialDelaySeconds": 15,
        "periodSeconds": PROBE_PERIOD_S,
        "failureThreshold": waits,
        "httpGet": {"path": replica.served.health, "port": replica.served.port},
    }
    return {"servingEngineSpec": {"startupProbe": startup, "modelSpec": [spec]}}


def _number(text: str) -> object:
    if not text:
        return True
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text


def _modelservice(replica: Replica) -> Tree:
    from agent.deployment.objects import container, product_of
    from agent.deployment.yaml_text import Noted

    chosen = replica.plan.chosen
    one = container(replica)
    one |= {"modelCommand": Noted("custom", "the plan's own command and flags"), "mountModelVolume": True}
    decode: Tree = {
        "create": True,
        "replicas": replica.plan.fleet.replicas,
        "autoscaling": {
            "enabled": Noted(False, "`plan export keda` has the rule, which names this chart's Deployment")
        },
        "parallelism": {
            "tensor": chosen.tensor_parallel,
            "data": chosen.data_parallel,
            "dataLocal": max(chosen.data_parallel // replica.nodes, 1),
            "workers": replica.nodes,
        },
        "containers": [one],
        "monitoring": {
            "podmonitor": {
                "enabled": True,
                "portName": "http",
                "path": replica.served.metrics_path,
                "interval": f"{max(replica.plan.spec.scaling.scrape_s, 1):.0f}s",
            }
        },
    }
    plugin = replica.plugin
    if plugin and plugin.label:
        decode["acceleratorTypes"] = {"labelKey": plugin.label, "labelValues": [product_of(replica)]}
    kind = MODELSERVICE_KINDS.get(plugin.resource if plugin else "")
    return {
        "multinode": replica.nodes > 1,
        "modelArtifacts": {
            "name": replica.model,
            "uri": f"hf://{replica.model}",
            "size": Noted(f"{int(replica.plan.memory.weights_bytes / 2**30 * 1.2) + 1}Gi", "the weights and a fifth"),
            "authSecretName": Noted("hf-token", "INPUT: your secret with a Hugging Face token"),
        },
        "accelerator": {"type": kind} if kind else {},
        "routing": {"servicePort": replica.served.port, "proxy": {"enabled": False}},
        "decode": decode,
        "prefill": {"create": False},
    }


FORMAT = Format((), "the Helm values", value_files, ("helm", "helm chart", "charts? values"))
