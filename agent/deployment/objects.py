"""The Kubernetes objects of a plan: the replicas, their Service, what may be disrupted, and the file of settings."""

from collections.abc import Iterator
from math import ceil
from typing import Any, Final

from agent.deployment.replica import CONFIG_FILE, NAMESPACE, SHM_GIB, Replica
from agent.deployment.yaml_text import Noted, yaml_text
from catalogs.units import GIB, show_bytes, show_figure, show_seconds
from engine.plan import LaunchFlag

Tree = dict[str, Any]

PROBE_PERIOD_S: Final = 10
READINESS_PERIOD_S: Final = 5
LIVENESS_FAILURES: Final = 6
"""A minute of silence: a step of long prompts does not kill a replica."""
LEAST_GRACE_S: Final = 30
"""Kubernetes' default for the end of a pod."""
DRAIN_S: Final = 10
"""Between the end of a pod's traffic and that of the pod: endpoints spread to proxies within seconds."""
EXIT_S: Final = 10
"""From the last answer to the end of the process: vLLM gives its workers 5 s (VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS),
SGLang looks twice every 5 s (tokenizer_manager.py, sigterm_watchdog)."""
RDMA: Final = "rdma/ib"
"""As llm-d's guides of several nodes request it (llm-d/llm-d guides/wide-ep-lws); clusters name it otherwise."""
LEADER_LABEL: Final = {"leaderworkerset.sigs.k8s.io/worker-index": "0"}
SPARE_DISK: Final = 1.2
"""Times the weights that their claim holds: tokenizers, and files of which a download keeps parts."""
WEIGHTS_FOLDER: Final = "/weights"
"""Where a container keeps what it downloads."""

CHART_VALUES: Final = {
    "--tensor-parallel-size": "tensorParallelSize",
    "--max-model-len": "maxModelLen",
    "--max-num-seqs": "maxNumSeqs",
    "--gpu-memory-utilization": "gpuMemoryUtilization",
    "--dtype": "dtype",
    "--enable-prefix-caching": "enablePrefixCaching",
}
"""Flags for which production-stack's chart 0.1.12 has a value (values.schema.json)."""


def objects_of(replica: Replica) -> list[Tree]:
    """Return all objects, in the order in which they are applied."""
    return [*beside_pods(replica), _workload(replica), service(replica), _disruption_budget(replica)]


def beside_pods(replica: Replica) -> list[Tree]:
    """Return the objects that pods of a replica mount: the claim of the weights, the file of settings."""
    size = ceil(replica.plan.memory.weights_bytes / GIB * SPARE_DISK)
    speed = show_figure(replica.plan.spec.scaling.weights_bytes_per_s / 1e9)
    claim: Tree = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": Noted(
            "INPUT-STORAGE-CLASS",
            f"INPUT: storage that every pod reads at {speed} GB/s, on which probes and autoscaler rest; fill it before "
            f"the first start (hf download {replica.model}), which the startup probe would end while it downloads",
        ),
        "resources": {"requests": {"storage": Noted(f"{size}Gi", "the weights and a fifth")}},
    }
    return [
        kubernetes_object(replica, "v1", "PersistentVolumeClaim", name=claim_of(replica), spec=claim),
        *_config_map(replica),
    ]


def claim_of(replica: Replica) -> str:
    """Return the name of the claim that keeps the weights between starts."""
    return f"{replica.name}-weights"


def opening_of(replica: Replica, what: str) -> list[str]:
    """Return the comment at the top of a file: what it is, from which plan, and what is still to be filled in."""
    plan = replica.plan
    return [
        f"{what} of a plan by {plan.provenance.program} {plan.provenance.version} (catalog {plan.provenance.catalog}):",
        plan.answer.sentence,
        f"For {replica.runtime_shown}. What no plan knows is marked INPUT.",
    ]


def kubernetes_object(replica: Replica, api_version: str, kind: str, name: str = "", **body: Any) -> Tree:
    """Return an object of Kubernetes, named as the replica where it has no name of its own.

    Args:
        body: its fields beside its metadata, most often ``spec``.
    """
    metadata = {
        "name": name or replica.name,
        "namespace": Noted(NAMESPACE, "INPUT: your namespace; the rules' queries name it too"),
        "labels": {**labels_of(replica), "app.kubernetes.io/managed-by": "fleetcast"},
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def labels_of(replica: Replica) -> dict[str, str]:
    """Return the labels by which the replica's pods are found."""
    return {"app.kubernetes.io/name": replica.name}


def answering_labels(replica: Replica) -> dict[str, str]:
    """Return the labels of those pods that answer: of several nodes the first of each replica."""
    return labels_of(replica) | (LEADER_LABEL if replica.nodes > 1 else {})


def _workload(replica: Replica) -> Tree:
    why = f"of {replica.accelerators} accelerators, for the peak hour; leave it to an autoscaler"
    spec: Tree = {"replicas": Noted(replica.plan.fleet.replicas, why)}
    if replica.nodes == 1:
        spec |= {
            "selector": {"matchLabels": labels_of(replica)},
            "strategy": {
                "rollingUpdate": {
                    "maxSurge": Noted(1, f"an update takes {replica.accelerators} accelerators more for a while"),
                    "maxUnavailable": 0,
                }
            },
            "progressDeadlineSeconds": Noted(
                ceil(replica.longest_start_s) + 600, "the startup probe's patience, and ten minutes for node and image"
            ),
            "template": _pod_template(replica),
        }
    else:
        spec |= {
            "startupPolicy": "LeaderCreated",
            "rolloutStrategy": {
                "type": "RollingUpdate",
                "rollingUpdateConfiguration": {"maxUnavailable": 1, "maxSurge": 0},
            },
            "leaderWorkerTemplate": {
                "size": Noted(replica.nodes, "pods of a replica, one a node"),
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": _pod_template(replica),
                "workerTemplate": _pod_template(replica, leader=False),
            },
        }
    return kubernetes_object(replica, replica.api_version, replica.kind, spec=spec)


def _pod_template(replica: Replica, *, leader: bool = True) -> Tree:
    return {"metadata": {"labels": labels_of(replica)}, "spec": pod_spec(replica, leader=leader)}


def pod_spec(replica: Replica, *, leader: bool = True) -> Tree:
    """Return the pod of a replica; of several nodes that of the first, or of the others."""
    spec: Tree = {}
    if nodes := node_labels(replica):
        spec["nodeSelector"] = nodes
    if replica.plugin is not None:
        spec["tolerations"] = tolerations(replica)
    spec["terminationGracePeriodSeconds"] = grace(replica)
    spec["containers"] = [container(replica, leader=leader)]
    spec["volumes"] = volumes(replica)
    return spec


def node_labels(replica: Replica) -> dict[str, Noted]:
    """Return the labels of nodes that hold the accelerators of a pod."""
    plugin, count = replica.plugin, replica.accelerators_per_pod
    found = {plugin.label: product_of(replica)} if plugin and plugin.label else {}
    if plugin and plugin.topology_label:
        wired = plugin.topologies.get(replica.plan.chosen.accelerator, {}).get(str(count))
        how = f"of {count} chips" if wired else f"INPUT: how {count} chips of your nodes are wired: none is known"
        found[plugin.topology_label] = Noted(wired or "INPUT-TOPOLOGY", how)
    return found


def tolerations(replica: Replica) -> list[Tree]:
    """Return what lets pods onto nodes that are kept for their accelerators."""
    return [{"key": replica.plugin.resource, "operator": "Exists", "effect": "NoSchedule"}] if replica.plugin else []


def grace(replica: Replica) -> Noted:
    """Return a pod's time to end: its traffic, the answers in flight, the process."""
    seconds = max(LEAST_GRACE_S, DRAIN_S + replica.answer_s + EXIT_S)
    answer = show_seconds(replica.plan.performance.at_peak.e2e_s.p99)
    return Noted(seconds, f"{DRAIN_S} s for its traffic, p99 of a whole answer {answer}, {EXIT_S} s to exit")


def product_of(replica: Replica) -> Noted:
    """Return the value of the label of nodes that hold the accelerator."""
    chosen, plugin = replica.plan.chosen, replica.plugin
    product = plugin.products.get(chosen.accelerator) if plugin else None
    if product:
        return Noted(product, f"nodes with {chosen.accelerator_name}")
    label = plugin.label if plugin else ""
    return Noted("INPUT-PRODUCT", f"INPUT: the value of {label} on your nodes (kubectl get nodes -L {label})")


def container(replica: Replica, *, leader: bool = True) -> Tree:
    """Return the container that serves."""
    served = replica.served
    tree: Tree = {"name": served.id, "image": Noted(replica.image, replica.tag_why)}
    tree |= _command(replica, leader=leader)
    if leader:
        tree["ports"] = [{"name": "http", "containerPort": served.port}]
        tree |= probes(replica)
        tree["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", _slept(replica)]}}}
    secret = Noted("hf-token", "INPUT: a secret with your Hugging Face token, for models that are gated")
    token = {"secretKeyRef": {"name": secret, "key": "token", "optional": True}}
    tree["env"] = [{"name": "HF_HOME", "value": WEIGHTS_FOLDER}, {"name": "HF_TOKEN", "valueFrom": token}]
    if replica.plugin is not None:
        amount = Noted(str(replica.accelerators_per_pod), f"× {replica.plan.chosen.accelerator_name}")
        tree["resources"] = {"limits": {replica.plugin.resource: amount, **_network(replica)}}
    if replica.nodes > 1:
        tree["securityContext"] = {"capabilities": {"add": [Noted("IPC_LOCK", "RDMA pins memory")]}}
    mounts = [{"name": "shm", "mountPath": "/dev/shm"}, {"name": "weights", "mountPath": WEIGHTS_FOLDER}]
    if replica.options:
        mounts.append({"name": "settings", "mountPath": CONFIG_FILE.rpartition("/")[0]})
    tree["volumeMounts"] = mounts
    return tree


def _slept(replica: Replica) -> Noted:
    """Return for how many seconds a pod waits between the end of its traffic and SIGTERM."""
    hook = replica.drains_by == "hook"
    why = f"{replica.runtime_shown} has no flag that lets answers in flight end: the hook does" if hook else ""
    return Noted(str(DRAIN_S + (replica.answer_s if hook else 0)), why or "no traffic comes any more when SIGTERM does")


def _network(replica: Replica) -> Tree:
    """Return the resource of the fast network between a replica's nodes; none within one."""
    if replica.nodes == 1:
        return {}
    speed = show_figure(replica.accelerator.inter_node_gb_per_s)
    why = f"INPUT: your cluster's RDMA resource (vpc.amazonaws.com/efa on AWS), the forecast has {speed} GB/s for each"
    return {RDMA: Noted("1", f"{why} accelerator; over TCP it does not hold")}


def _command(replica: Replica, *, leader: bool) -> Tree:
    """Return command and args; where Ray makes several nodes one, it is started before."""
    *program, model = replica.words.program
    served = replica.served
    if replica.starts_by_ray and not leader:
        return {"command": ["sh", "-c", _shell(served.worker_start)]}
    if replica.starts_by_ray:
        script = f'{_shell(served.leader_start)} && exec {" ".join(program)} "$@"'
        start: Tree = {"command": ["sh", "-c", script, program[0]]}
    else:
        start = {"command": list(program)}
    headless = [Noted(served.headless, "another pod answers")] if served.headless and not leader else []
    return start | {"args": [literal(model), *arguments(replica), *headless]}


def _shell(text: str) -> str:
    return text.replace("$HEAD_NODE", "$LWS_LEADER_ADDRESS")


def arguments(replica: Replica) -> list[Any]:
    """Return the flags as arguments of a container, each with its reason."""
    return [one for flag in replica.flags for one in _argument(flag)]


def _argument(flag: LaunchFlag) -> Iterator[Any]:
    words = words_in(flag.value)
    if len(words) == 1:
        yield Noted(f"{flag.flag}={_expanded(words[0])}", flag.why)
        return
    yield Noted(flag.flag, flag.why)
    yield from map(_expanded, words)


def words_in(value: str) -> list[str]:
    """Return the words of a flag's value: a JSON object is one."""
    return [value] if value.startswith("{") else value.split()


def _expanded(word: str) -> str:
    known = {"$NODE_RANK": "$(LWS_WORKER_INDEX)", "$HEAD_NODE": "$(LWS_LEADER_ADDRESS)"}
    text = literal(word)
    for name, variable in known.items():
        text = text.replace(name, variable)
    return text


def literal(text: str) -> str:
    """Return a text in which Kubernetes expands nothing."""
    return text.replace("$(", "$$(")


def probes(replica: Replica) -> Tree:
    """Return the probes, the first of which outlasts the load of the weights."""
    get = {"httpGet": {"path": replica.served.health, "port": "http"}}
    waits = ceil(replica.longest_start_s / PROBE_PERIOD_S)
    why = f"{waits * PROBE_PERIOD_S} s: {replica.start_why}, at least twice that, for slower storage"
    return {
        "startupProbe": get | {"periodSeconds": PROBE_PERIOD_S, "failureThreshold": Noted(waits, why)},
        "readinessProbe": get | {"periodSeconds": READINESS_PERIOD_S, "failureThreshold": 3},
        "livenessProbe": get
        | {"periodSeconds": PROBE_PERIOD_S, "timeoutSeconds": 5, "failureThreshold": LIVENESS_FAILURES},
    }


def volumes(replica: Replica) -> list[Tree]:
    """Return the volumes of a pod."""
    size = Noted(f"{shm_gib(replica)}Gi", f"{SHM_GIB} GiB for each accelerator, for NCCL and the workers")
    weights = show_bytes(replica.plan.memory.weights_bytes)
    claim = Noted(claim_of(replica), f"keeps the {weights} of weights between starts")
    found: list[Tree] = [
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}},
        {"name": "weights", "persistentVolumeClaim": {"claimName": claim}},
    ]
    if replica.options:
        found.append({"name": "settings", "configMap": {"name": f"{replica.name}-settings"}})
    return found


def shm_gib(replica: Replica) -> int:
    """Return the shared memory of a pod, GiB."""
    return SHM_GIB * replica.accelerators_per_pod


def _config_map(replica: Replica) -> list[Tree]:
    if not replica.options:
        return []
    name = CONFIG_FILE.rpartition("/")[2]
    data = {name: settings_text(replica)}
    return [kubernetes_object(replica, "v1", "ConfigMap", name=f"{replica.name}-settings", data=data)]


def settings_text(replica: Replica) -> str:
    """Return the runtime's file of settings."""
    tree: Tree = {}
    for option in replica.options:
        section, _, name = option.flag.rpartition(".")
        branch = tree.setdefault(section, {}) if section else tree
        value: object = option.value == "true" if option.value in ("true", "false") else option.value
        branch[name] = Noted(value, option.why)
    return yaml_text([tree])


def service(replica: Replica) -> Tree:
    """Return the Service in front of the pods that answer."""
    ports = [{"name": "http", "port": replica.served.port, "targetPort": "http"}]
    return kubernetes_object(replica, "v1", "Service", spec={"selector": answering_labels(replica), "ports": ports})


def _disruption_budget(replica: Replica) -> Tree:
    """Return what voluntary disruptions leave: of groups of pods, so many pods as the replicas that must stay have."""
    plan = replica.plan
    spares = plan.spec.availability.spare_replicas
    lost = max(spares, 1)
    why = f"the plan has {spares} spare" if spares else "one replica at a time"
    if replica.nodes == 1:
        limit: Tree = {"maxUnavailable": Noted(lost, why)}
    else:
        kept = max(plan.fleet.minimum_replicas - lost, 0)
        limit = {"minAvailable": Noted(kept * replica.nodes, f"{kept} replicas of {replica.nodes} pods: {why}")}
    spec = limit | {"selector": {"matchLabels": labels_of(replica)}}
    return kubernetes_object(replica, "policy/v1", "PodDisruptionBudget", spec=spec)
