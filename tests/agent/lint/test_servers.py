"""What serves, held against the plan: each thing that is another than planned is said, each other spelling is not."""

import re

import pytest

from agent.exports import formats
from agent.lint.lint import Look, linted
from catalogs.errors import InputError
from tests.agent.deployment.plans import CATALOG, plan_called
from tests.every import of_every

PLANNED = "vllm"


def exported(format: str, plan: str = PLANNED) -> str:
    """The first file of an export, with its open places filled in."""
    text = str(next(iter(formats()[format].files(plan_called(plan), CATALOG).values())))
    return text.replace("INPUT-IMAGE-TAG", "v0.33.1").replace("INPUT-STORAGE-CLASS", "fast")


def look_at(text: str, plan: str = PLANNED) -> Look:
    return linted({"x.yaml": text}, CATALOG, plan=plan_called(plan))


def sentences(look: Look) -> list[str]:
    return [f"{fault.rule} {fault.sentence}" for fault in look.faults]


REPLICAS, MODEL = plan_called(PLANNED).fleet.replicas, plan_called(PLANNED).chosen.model_name
LOADED = "meta-llama/Llama-3.1-70B-Instruct"
CHANGES = [
    ("kubernetes", r"replicas: \d+", "replicas: 0", "L14 Deployment llama-3-1-70b has 0 replicas"),
    ("kubernetes", r"replicas: \d+", "replicas: 77", f"L14 77 replicas, and the plan has {REPLICAS}"),
    ("kubernetes", r"  replicas: \d+.*\n", "", f"L14 no replicas, which is 1 replicas, and the plan has {REPLICAS}"),
    ("kubernetes", LOADED, "Qwen/Qwen3-32B", f"serves Qwen/Qwen3-32B, and the plan is of {MODEL}"),
    ("kubernetes", LOADED, "RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8", "FP8 holds weights in fp8, and the plan loads"),
    ("kubernetes", r'nvidia.com/gpu: "\d"', 'nvidia.com/gpu: "3"', "L14 3 accelerators a pod, and the plan's replica"),
    ("kubernetes", r'nvidia.com/gpu: "\d"', 'cpu: "3"', "L14 it asks for no accelerator"),
    ("kubernetes", r"utilization=[\d.]+", "utilization=0.5", "L14 --gpu-memory-utilization is 0.5, and the plan has"),
    ("kubernetes", r".*gpu-memory-utilization.*\n", "", "L14 it leaves out --gpu-memory-utilization"),
    ("kubernetes", r"--max-num-batched-tokens=\d+", "--max-num-batched-tokens=1k", "tokens is 1k, and the plan has"),
    ("kubernetes", r"v0.33.1", "v0.12.0", "L14 the image is of vLLM 0.12.0, and the plan rests on 0.33"),
    ("kubernetes", r"vllm/vllm-openai", "lmsysorg/sglang", "L14 the image is SGLang's"),
    ("kubernetes", r"NVIDIA-H100-80GB-HBM3", "NVIDIA-L4", "L14 nodes of NVIDIA-L4 are asked for"),
    ("kubernetes", r"v0.33.1", "INPUT-IMAGE-TAG", "L15 'vllm/vllm-openai:INPUT-IMAGE-TAG' is not filled in"),
    ("compose", r"count: \d", "count: 1", "L14 1 accelerator a pod, and the plan's replica"),
    ("compose", r'(?<=-utilization".\n      - ")[\d.]+|(?<=- ")0\.92', "0.31", "L14 --gpu-memory-utilization is 0.31"),
    (
        "helm-values",
        r"gpuMemoryUtilization: [\d.]+",
        "gpuMemoryUtilization: 0.5",
        "utilization is 0.5, and the plan has",
    ),
    ("helm-values", r"requestGPU: \d", "requestGPU: 1", "L14 1 accelerator a pod, and the plan's replica"),
    ("helm-values", r"modelURL: .*", "modelURL: Qwen/Qwen3-32B", "serves Qwen/Qwen3-32B, and the plan is of"),
    ("keda", LOADED, "Qwen/Qwen3-32B", "L14 'Qwen/Qwen3-32B' is asked after, and the plan is of"),
    ("keda", r"minReplicaCount: \d+", "minReplicaCount: 90", "L13 at least 90 replicas, and the peak hour takes"),
    ("keda", r"minReplicaCount: \d+", "minReplicaCount: 0", "L13 at least 0 replicas, and the plan keeps"),
    ("keda", r"  minReplicaCount: .*\n", "", "L13 at least 0 replicas by default, and the plan keeps"),
    ("keda", r"    replicas: \d+", "    replicas: 1", "L10 while nothing is known the fallback asks for 1"),
    ("keda", r'threshold: "[\d.]+"', 'threshold: "600"', "L8 the threshold is 600, and at the plan's capacity there"),
    ("hpa", r"minReplicas: \d+", "minReplicas: 0", "L13 at least 0 replicas, and the plan keeps"),
    ("prometheus-rules", r"(?<= > )\d{2,}[.\d]*(?=')", "90000", "L8 it fires above 90000"),
    ("kubernetes", r"GracePeriodSeconds: \d+", "GracePeriodSeconds: 5", "L12 a pod is ended after 5 s, and p99 of a"),
    ("kubernetes", r".*--shutdown-timeout.*\n", "", "L12 SIGTERM aborts what is in flight 10 s after"),
    ("kubernetes", r"shutdown-timeout=\d+", "shutdown-timeout=3", "L12 SIGTERM aborts what is in flight 13 s after"),
    ("kubernetes", r"shutdown-timeout=\d+", "shutdown-timeout=300", "while 310 s are left for answers in flight"),
    (
        "kubernetes",
        r"vllm-openai:",
        "vllm-openai-rocm:",
        "L16 the image is for AMD, and nvidia.com/gpu is what it runs",
    ),
    (
        "kubernetes",
        r"- name: weights\n( +)persistentVolumeClaim:\n.*",
        r"- name: weights\n\1emptyDir: {}",
        "L12 each start",
    ),
    (
        "kubernetes",
        r"- name: shm\n( +)emptyDir",
        r"- name: other\n\1emptyDir",
        "L16 it mounts shm, and its pod has no such",
    ),
    (
        "compose",
        r"vllm-openai:",
        "vllm-openai-rocm:",
        "L16 the image is for AMD, and H100 SXM5 80GB is what it runs on",
    ),
    ("compose", r".*shutdown-timeout.*\n.*\n", "", "L12 SIGTERM aborts what is in flight 0 s after"),
    ("compose", r"stop_grace_period.*\n", "restart: always\n", "L12 a pod is ended after 10 s by default, and p99"),
    ("helm-values", r".*shutdown-timeout.*\n.*\n", "", "L12 SIGTERM aborts what is in flight 0 s after"),
    ("kserve", r"enabled: false", "enabled: true", "L4 KServe copies hf://meta-llama/Llama-3.1-70B-Instruct to /mnt"),
    ("kubernetes", r"targetPort: http", "targetPort: 9999", "L6 it leads to port 9999, and the pods of Deployment"),
    ("kubernetes", r"targetPort: http", "targetPort: web", "L6 it leads to port 'web'"),
    ("kubernetes", r"containerPort: 8000", "containerPort: 9000", "L6 it listens on 8000 (--port), and the port that"),
    ("kubernetes", r"port=8000", "port=9000", "L6 it listens on 9000 (--port), and the port that it declares is 8000"),
    ("kubernetes", r"(?<=/health\n              port: )http", "web", "L6 the startupProbe asks port 'web'"),
    ("kserve", r"utilization=[\d.]+", "utilization=0.5", "L14 --gpu-memory-utilization is 0.5, and the plan has"),
]


@of_every(CHANGES, name=lambda case: f"{case[0]}: {case[2]}")
def test_each_thing_that_is_another_than_planned_is_a_fault(format: str, old: str, new: str, said: str) -> None:
    text = exported(format)
    changed = re.sub(old, new, text)
    assert changed != text
    assert sentences(look_at(text)) == []
    assert any(said in one for one in sentences(look_at(changed))), sentences(look_at(changed))


SPELT_OTHERWISE = [
    (r"--tensor-parallel-size=", "-tp="),
    (r"--tensor-parallel-size=", "--tensor_parallel_size="),
    (r'"--tensor-parallel-size=(\d)".*', r'"--tensor-parallel-size"\n            - "\1"'),
    (r"utilization=0.92", "utilization=0.920"),
    (r"batched-tokens=8192", "batched-tokens=8K"),
]


@of_every(SPELT_OTHERWISE, name=lambda case: case[1])
def test_another_spelling_of_the_same_is_none(old: str, new: str) -> None:
    text = exported("kubernetes")
    assert (changed := re.sub(old, new, text)) != text
    assert sentences(look_at(changed)) == []


def test_a_script_that_a_shell_is_given_is_read_as_what_it_starts() -> None:
    text = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: m}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: m
          image: mine:1
          command: [sh, -c, "exec vllm serve Qwen/Qwen3-32B --tensor-parallel-size 4 --max-model-len 8192"]
          resources: {limits: {nvidia.com/gpu: 2}}
"""
    drains, fault = linted({"x.yaml": text}, CATALOG).faults
    assert (fault.rule, fault.line) == ("L14", 13)
    assert drains.fix == "--shutdown-timeout seconds"
    assert "over 4 accelerators, and it asks for 2" in fault.sentence


def test_arguments_alone_are_those_of_the_images_program() -> None:
    text = re.sub(r"(?m)^          command:\n.*\n.*\n", "", exported("kubernetes"))
    assert "- serve" not in text
    assert sentences(look_at(text)) == []
    assert any("is 0.5" in one for one in sentences(look_at(text.replace("utilization=0.92", "utilization=0.5"))))


def test_the_manifests_of_another_plan_are_not_the_plans() -> None:
    assert any("L14" in one for one in sentences(look_at(exported("kubernetes", "amd"))))
    assert any("L14" in one for one in sentences(look_at(exported("keda", "sglang"), "vllm@0.12")))


def test_replicas_are_the_scalers_where_one_is_given_too() -> None:
    texts = {"k.yaml": re.sub(r"replicas: \d+", "replicas: 1", exported("kubernetes")), "s.yaml": exported("keda")}
    assert linted(texts, CATALOG, plan=plan_called(PLANNED)).faults == ()
    assert sentences(look_at(texts["k.yaml"])) != []


def test_other_models_beside_the_plans_are_named_and_left_alone() -> None:
    other = exported("kubernetes", "amd").replace("llama-3-3-70b", "other")
    look = look_at(exported("kubernetes") + "---\n" + other)
    assert sentences(look) == []
    assert any("is not compared with the plan" in note for note in look.notes)


def test_what_was_read_and_what_not_is_said() -> None:
    look = look_at(exported("kubernetes"))
    assert look.read == ("Deployment llama-3-1-70b", "Service llama-3-1-70b")
    assert look.not_read == ("PersistentVolumeClaim llama-3-1-70b-weights", "PodDisruptionBudget llama-3-1-70b")
    assert any("comment INPUT" in note for note in look.notes)
    without = linted({"x.yaml": exported("keda")}, CATALOG)
    assert without.read == ("ScaledObject llama-3-1-70b (3 queries)",)
    assert any("--plan" in note for note in without.notes)
    assert any("Whether" in note for note in look_at(exported("kubernetes").replace(LOADED, "/mnt/x")).notes)


@pytest.mark.parametrize("text", ["hello: world", "kind: Service\nmetadata: {name: a}", "a: 1\n---\nb: 2"])
def test_files_about_which_no_rule_says_anything_are_not_called_sound(text: str) -> None:
    with pytest.raises(InputError, match=r"nothing to look through in 'x\.yaml'"):
        linted({"x.yaml": text}, CATALOG)


DEPLOYED = ("kubernetes", "keda", "prometheus-rules", "grafana")


def deployed(old: str = "", new: str = "", *formats: str) -> list[str]:
    """The faults of all that is deployed together, a text of some formats replaced."""
    texts = {one: exported(one) for one in DEPLOYED}
    changed = texts | {one: re.sub(old, new, texts[one]) for one in formats}
    assert changed != texts or not formats
    return sentences(linted(changed, CATALOG, plan=plan_called(PLANNED)))


@of_every(
    [
        ("keda", f'(?<=model_name="){LOADED}', "meta-llama/X", "L11", f"the fleet serves {LOADED}"),
        ("prometheus-rules", f'(?<=model_name="){LOADED}', "meta-llama/X", "L11", f"the fleet serves {LOADED}"),
        ("prometheus-rules", 'namespace="llm"', 'namespace="prod"', "L11", "the fleet runs in llm"),
        ("kubernetes", LOADED + "(?=\n)", f"{LOADED}\n            - --served-model-name=chat", "L11", "serves chat"),
        (
            "keda",
            "(?<=    name: )llama-3-1-70b",
            "nosuch",
            "L13",
            "it scales Deployment nosuch in llm, and what",
        ),
        ("keda", "namespace: llm", "namespace: prod", "L13", "in prod, and what serves here is Deployment"),
    ],
    name=lambda case: f"{case[0]}: {case[2]}",
)
def test_what_asks_after_or_scales_something_else_than_is_deployed(
    format: str, old: str, new: str, rule: str, said: str
) -> None:
    """Whatever it is called by: a container without --served-model-name answers to what it loads."""
    assert deployed() == []
    faults = [one for one in deployed(old, new, format) if one.startswith(f"{rule} ")]
    assert any(said in one for one in faults), faults


@of_every(
    [
        # What a dashboard or a chart fills in, a name that the container has by a variable, a pattern.
        (rf'(?<=model_name=\\"){LOADED}', "$model", ("grafana",)),
        (f'model_name="{LOADED}"', 'model_name=~"meta-.*"', ("keda", "prometheus-rules")),
        (LOADED + r"(?=\n)", "$(MODEL)", ("kubernetes",)),
        # A port that is declared beside the one that serves, by number and by name.
        ("targetPort: http", "targetPort: 8000", ("kubernetes",)),
        (r"( +)containerPort: 8000", r"\1containerPort: 8000\n\1protocol: TCP", ("kubernetes",)),
        # Thresholds below the plan's, more replicas at least, a longer grace.
        (r'threshold: "\d', 'threshold: "0', ("keda",)),
        (r"(?<=minReplicaCount: )\d+", r"2", ("keda",)),
        (r"GracePeriodSeconds: \d+", "GracePeriodSeconds: 900", ("kubernetes",)),
    ],
    name=lambda case: case[1],
)
def test_what_may_be_so_is_no_fault(old: str, new: str, formats: tuple[str, ...]) -> None:
    said = " ".join(deployed(old, new, *formats))
    of_these = ("asked of", "leads to", "asks port", "listens on", "scales", "capacity", "above", "ended", "at least")
    assert not any(one in said for one in of_these), said


def test_a_second_fleet_s_queries_are_its_own_where_its_manifests_are_there() -> None:
    first, rules = exported("kubernetes"), exported("prometheus-rules")
    second = first.replace(LOADED, "Qwen/Qwen3-32B").replace("llama-3-1-70b", "qwen")
    asks = {"rules.yaml": rules.replace(f'model_name="{LOADED}"', 'model_name="Qwen/Qwen3-32B"')}
    alone, both = (linted(texts | asks, CATALOG) for texts in ({"a.yaml": first}, {"a.yaml": first, "b.yaml": second}))
    assert any("is asked of model_name" in one for one in sentences(alone))
    assert sentences(both) == []


def test_a_name_that_nobody_can_tell_is_said_and_no_fault() -> None:
    look = look_at(exported("keda").replace(LOADED, "chat"))
    assert sentences(look) == []
    assert any("Whether 'chat' is" in note for note in look.notes), look.notes


def test_what_a_forecast_rests_on_is_missed_in_files_of_others() -> None:
    """The network between nodes, and devices of Compose that are no NVIDIA's."""
    nodes = exported("kubernetes", "vllm nodes")
    assert sentences(look_at(nodes, "vllm nodes")) == []
    alone = re.sub(r".*rdma/ib.*\n", "", nodes)
    assert any("no network but the cluster's" in one for one in sentences(look_at(alone, "vllm nodes")))
    amd = exported("compose", "amd")
    assert sentences(look_at(amd, "amd")) == []
    dark = re.sub(r".*/dev/kfd.*\n", "", amd)
    assert any("it has no devices /dev/kfd" in one for one in sentences(look_at(dark, "amd")))


def test_buckets_that_no_flag_makes_are_found_beside_the_alerts() -> None:
    assert any("L9" in one for one in deployed(r".*custom-histogram-buckets.*\n", "", "kubernetes"))
    texts = {
        "k.yaml": exported("kubernetes", "sglang").replace("v0.33.1", "mine"),
        "r.yaml": exported("prometheus-rules", "sglang"),
    }
    assert sentences(linted(texts, CATALOG, plan=plan_called("sglang"))) == []
    texts["k.yaml"] = re.sub(r'.*"--enable-metrics".*\n', "", texts["k.yaml"])
    assert any("emits no metrics without" in one for one in sentences(linted(texts, CATALOG)))


def test_a_rule_scales_what_a_chart_calls_its_deployment() -> None:
    files = {file: str(text) for file, text in formats()["helm-values"].files(plan_called(PLANNED), CATALOG).items()}
    for values, beside in (("llm-d-modelservice.yaml", files["llm-d-objects.yaml"]), ("production-stack.yaml", "")):
        keda = exported("keda")
        assert not beside or not any(
            "it scales" in one for one in sentences(linted({"v": files[values], "k": beside}, CATALOG))
        )
        said = sentences(linted({"v": files[values], "k": keda}, CATALOG))
        assert any("L13 it scales Deployment llama-3-1-70b, and what" in one for one in said)
