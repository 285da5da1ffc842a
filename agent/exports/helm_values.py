"""A plan as values of two Helm charts: vLLM's production-stack, and llm-d-modelservice."""

from collections.abc import Mapping
from typing import Any

from agent.deployment.objects import (
    CHART_VALUES,
    PROBE_PERIOD_S,
    beside_pods,
    container,
    grace,
    node_labels,
    opening_of,
    probes,
    shm_gib,
    tolerations,
    volumes,
    words_in,
)
from agent.deployment.queries import queries_of
from agent.deployment.replica import IMAGE_TAG, Replica, replica_of
from agent.deployment.scaled_objects import scaled_object_of
from agent.deployment.triggers import keda_trigger, polling, replica_bounds, triggers_of
from agent.deployment.yaml_text import Noted, yaml_text
from agent.exports import Format
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan

Tree = dict[str, Any]

CHART_SETS = ("--host", "--port")
"""Flags that the chart sets itself."""
MODELSERVICE_KINDS = {
    "nvidia.com/gpu": "nvidia",
    "amd.com/gpu": "amd",
    "google.com/tpu": "google",
    "habana.ai/gaudi": "intel-gaudi",
    "gpu.intel.com/xe": "intel-xe",
}
"""llm-d-modelservice 0.4.12's names of accelerators, by the resource that they request."""


def value_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return a file of values for each chart that can run the plan's runtime, and what stands beside llm-d's.

    Raises:
        InputError: a replica spans several nodes.
    """
    from agent.exports.keda import steady_plan

    replica = replica_of(steady_plan(plan, catalog), catalog)
    if replica.nodes > 1:
        raise InputError(
            f"both charts start all pods of a replica alike, and of its {replica.nodes} nodes one answers; "
            "export kubernetes"
        )
    files = {}
    if replica.served.id == "vllm":
        head = opening_of(replica, "Values for vLLM's production-stack (chart 0.1.12)")
        files["production-stack.yaml"] = yaml_text([_production_stack(replica)], head)
    head = opening_of(replica, "Values for llm-d-modelservice (chart 0.4.12)")
    files["llm-d-modelservice.yaml"] = yaml_text([_modelservice(replica)], head)
    beside = [*beside_pods(replica), scaled_object_of(replica, triggers_of(queries_of(replica)), decode_name(replica))]
    head = opening_of(replica, "What llm-d-modelservice's pods mount and what scales them")
    return files | {"llm-d-objects.yaml": yaml_text(beside, head)}


def decode_name(replica: Replica) -> str:
    """Return what llm-d-modelservice calls its Deployment under the values' ``fullnameOverride``."""
    return f"{replica.name}-decode"


def _production_stack(replica: Replica) -> Tree:
    claim, config = beside_pods(replica)[0]["spec"], Tree()
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
        "repository": replica.repository,
        "tag": Noted(IMAGE_TAG, replica.tag_why),
        "modelURL": replica.model,
        "replicaCount": replica.plan.fleet.replicas,
        "requestCPU": Noted(4 * replica.accelerators_per_pod, "INPUT: the chart asks for it, and no plan knows it"),
        "requestMemory": Noted(f"{32 * replica.accelerators_per_pod}Gi", "INPUT: likewise"),
        "requestGPU": Noted(replica.accelerators_per_pod, f"× {replica.plan.chosen.accelerator_name}"),
        "vllmConfig": config,
        "shmSize": f"{shm_gib(replica)}Gi",
        "pvcStorage": claim["resources"]["requests"]["storage"],
        "pvcAccessMode": claim["accessModes"],
        "storageClass": claim["storageClassName"],
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
    if nodes := node_labels(replica):
        matches = [{"key": label, "operator": "In", "values": [value]} for label, value in nodes.items()]
        spec["nodeSelectorTerms"] = [{"matchExpressions": matches}]
    if replica.plugin:
        spec["requestGPUType"] = replica.plugin.resource
    waits = probes(replica)["startupProbe"]["failureThreshold"]
    startup = {
        "initialDelaySeconds": 15,
        "periodSeconds": PROBE_PERIOD_S,
        "failureThreshold": waits,
        "httpGet": {"path": replica.served.health, "port": replica.served.port},
    }
    needed = grace(replica)
    return {
        "servingEngineSpec": Noted(
            {"startupProbe": startup, "tolerations": tolerations(replica), "modelSpec": [spec]},
            "INPUT: the chart has no value for terminationGracePeriodSeconds: patch its Deployment to "
            f"{needed.value} ({needed.note}), else pods end after Kubernetes' 30 s",
        )
    }


def _number(text: str) -> object:
    if not text:
        return True
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text


def _modelservice(replica: Replica) -> Tree:
    chosen = replica.plan.chosen
    one = container(replica)
    one |= {
        "modelCommand": Noted("custom", "the plan's own command and flags"),
        "mountModelVolume": Noted(False, "the claim of llm-d-objects.yaml holds the weights"),
        "extraConfig": {"lifecycle": Noted(one.pop("lifecycle"), "the chart renders it here alone")},
    }
    decode: Tree = {
        "create": True,
        "replicas": replica.plan.fleet.replicas,
        "autoscaling": {
            "enabled": Noted(False, "llm-d-objects.yaml has the rule, which names this chart's Deployment")
        },
        "parallelism": {
            "tensor": chosen.tensor_parallel,
            "data": chosen.data_parallel,
            "dataLocal": chosen.data_parallel,
            "workers": 1,
        },
        "terminationGracePeriodSeconds": grace(replica),
        "nodeSelector": node_labels(replica),
        "tolerations": tolerations(replica),
        "containers": [one],
        "volumes": volumes(replica),
        "monitoring": {
            "podmonitor": {
                "enabled": True,
                "portName": "http",
                "path": replica.served.metrics_path,
                "interval": f"{max(replica.plan.spec.scaling.scrape_s, 1):.0f}s",
            }
        },
    }
    kind = MODELSERVICE_KINDS.get(replica.plugin.resource if replica.plugin else "", "cpu")
    return {
        "fullnameOverride": Noted(replica.name, f"so that the Deployment is {decode_name(replica)}, which KEDA scales"),
        "modelArtifacts": {
            "name": replica.model,
            "uri": f"hf://{replica.model}",
            "labels": {"llm-d.ai/inference-serving": "true", "llm-d.ai/model": replica.name},
        },
        "accelerator": {"type": kind},
        "routing": {"servicePort": replica.served.port, "proxy": {"enabled": False}},
        "decode": decode,
        "prefill": {"create": False},
    }


FORMAT = Format((), "the Helm values", value_files, ("helm", "helm chart", "charts? values"))
