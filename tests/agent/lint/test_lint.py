"""Rule packs shaped like the published broken ones: each fault is found in its line; ours have none."""

import json
import re
from pathlib import Path

import pytest

import agent.lint
from agent.exports import formats
from agent.lint.documents import documents_in
from agent.lint.lint import linted
from agent.lint.load_curves import curve_in
from catalogs.errors import InputError
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.workload import Target, spec_from
from tests.agent.deployment.plans import CASES, CATALOG, plan_called
from tests.every import of_every

PACKS = Path(__file__).parent / "packs"
HELD = {
    "short-probe.yaml": {"plan": "vllm nodes"},
    "late-trigger.yaml": {"plan": "vllm@0.12"},
    "aibrix-apa.yaml": {"engine": "vllm@0.12"},
    "router-alerts.yaml": {"engine": "vllm@0.13"},
    "tensorrt-llm.yaml": {"engine": "tensorrt-llm@1.2"},
}
"""By pack: what it is held against; the others as far as they go."""


def marked(text: str) -> set[tuple[str, int]]:
    """The faults that a pack's comments name, with their lines."""
    lines = ((number, line.partition("  # L")) for number, line in enumerate(text.splitlines(), 1))
    return {(rule, number) for number, (_, mark, rest) in lines if mark for rule in re.findall(r"\bL\d+\b", "L" + rest)}


def found_in(file: Path) -> set[tuple[str, int]]:
    held = HELD.get(file.name, {})
    plan = plan_called(held["plan"]) if "plan" in held else None
    faults = linted({file.name: file.read_text()}, CATALOG, engine=held.get("engine", ""), plan=plan).faults
    for fault in faults:
        assert fault.fix
        assert "\n" not in fault.sentence
    return {(fault.rule, fault.line) for fault in faults}


@pytest.mark.parametrize("file", sorted(PACKS.glob("*.yaml")), ids=lambda file: file.stem)
def test_each_fault_of_a_published_pack_is_found_where_it_stands(file: Path) -> None:
    assert found_in(file) == marked(file.read_text())


SHAPES = sorted((Path(__file__).parent / "shapes").glob("*.yaml"))
"""Packs in other shapes: an HPA's metrics, an adapter's settings, files in ConfigMaps, charts' values."""
IN_JSON = {"grafana-configmap.yaml": {("L1", 8)}}
"""Faults where no comment can stand."""


@of_every(SHAPES, lambda file: file.stem)
def test_each_fault_is_found_whatever_the_shape(file: Path) -> None:
    assert found_in(file) == marked(file.read_text()) | IN_JSON.get(file.name, set())


@of_every(sorted((Path(__file__).parent / "sound").glob("*.yaml")), lambda file: file.stem)
def test_sound_packs_of_others_have_none(file: Path) -> None:
    assert found_in(file) == set()


def test_what_is_served_under_another_name_is_asked_after_in_vain() -> None:
    text = (Path(__file__).parent / "sound" / "sound-vllm.yaml").read_text()
    (line,) = (n for n, one in enumerate(text.splitlines(), 1) if "waiting" in one)
    other = text.replace('"--served-model-name", "qwen"', '"--served-model-name", "qwen3"')
    faults = linted({"x.yaml": other}, CATALOG).faults
    assert (line, "L11") in {(fault.line, fault.rule) for fault in faults}
    assert {fault.rule for fault in faults} == {"L11"}
    assert 'model_name="qwen3"' in faults[0].fix


@of_every(["abc", "", "$bound", "١"], name=str)
def test_a_bound_that_is_no_number_ends_no_check(bound: str) -> None:
    text = (Path(__file__).parent / "shapes" / "le-text.yaml").read_text().replace('le="1"', f'le="{bound}"')
    assert {fault.rule for fault in linted({"x.yaml": text}, CATALOG).faults} == {"L9"}


def test_every_rule_has_a_published_case() -> None:
    cases = {rule for file in PACKS.glob("*.yaml") for rule, _ in marked(file.read_text())}
    assert agent.lint.__doc__ is not None
    assert cases == set(re.findall(r"\bL\d+\b", agent.lint.__doc__)) - {"L0"}
    assert len(list(PACKS.glob("*.yaml"))) == 11


def filled_in(text: str) -> str:
    """An export in whose open places stands what a cluster has."""
    return re.sub("INPUT-(IMAGE-TAG|PRODUCT|STORAGE-CLASS)", "mine", text)


def exports(plan: CapacityPlan) -> dict[str, str]:
    """All packs of a plan, by format and file; two scalers are never deployed together."""
    made: dict[str, str] = {}
    for name, format in formats().items():
        if name in ("json", "csv", "markdown", "html", "command"):
            continue
        try:
            made |= {f"{name}/{file}": filled_in(str(text)) for file, text in format.files(plan, CATALOG).items()}
        except InputError:
            continue
    return made


USUAL = ("vllm", "vllm nodes", "sglang ranks", "tensorrt-llm")


def faults_of(plan: CapacityPlan) -> list[str]:
    """All that is found in what is exported of a plan, file by file and in what is deployed together."""
    made = exports(plan)
    assert len(made) >= 7
    together = [
        name for name in made if name.split("/")[0] in ("kubernetes", "keda", "prometheus-rules", "inference-pool")
    ]
    packs = [{name: text} for name, text in made.items() if name not in together]
    packs.append({name: made[name] for name in together})
    return [fault.shown for pack in packs for fault in linted(pack, CATALOG, plan=plan).faults]


@of_every(USUAL)
def test_ours_have_none(case: str) -> None:
    assert faults_of(plan_called(case)) == []


@pytest.mark.thorough
@of_every(sorted(set(CASES) - set(USUAL)))
def test_the_others_of_ours_have_none(case: str) -> None:
    assert faults_of(plan_called(case)) == []


def many_plans() -> list[CapacityPlan]:
    """Fifty plans that differ in load, shape, targets, runtime and accelerator."""
    plans: list[CapacityPlan] = []
    for number in range(50):
        runtime = ("vllm", "sglang", "vllm@0.12", "tensorrt-llm", "vllm@0.10")[number % 5]
        targets = (
            Target(
                metric="ttft",
                percentile=("p50", "p90", "p95", "p99", "mean")[number % 5],
                seconds=(0.7, 1.0, 3.0)[number % 3],
            ),
        )
        spec = spec_from(
            {
                "traffic.requests_per_s": (0.5, 5.0, 40.0, 12.0)[number % 4],
                "traffic.peak_factor": (1.2, 1.5, 2.5, 4.0, 13.0)[number % 5],
                "traffic.burst": (1.0, 1.3, 2.0)[number % 3],
                "tokens.input.mean": (100.0, 800.0, 3000.0)[number % 3],
                "tokens.output.mean": (30.0, 250.0, 900.0, 120.0)[number % 4],
                "model": ("llama-3.1-8b", "qwen3-32b", "gpt-oss-20b")[number % 3],
                "hardware.accelerators": (("h100", "l40s", "a100-sxm-80gb")[number // 3 % 3],),
                "serving.runtime": runtime,
                "availability.spare_replicas": number % 3,
                "targets": targets if number % 4 else (),
            }
        )
        try:
            plan = forecast(spec, CATALOG, verify=False)
        except InputError:
            continue
        if isinstance(plan, CapacityPlan):
            plans.append(plan)
    return plans


@pytest.mark.thorough
def test_fifty_plans_have_none() -> None:
    plans = many_plans()
    assert len(plans) > 40
    for plan in plans:
        for name in ("kubernetes", "keda", "keda-tokens", "aibrix", "prometheus-rules", "grafana"):
            try:
                files = formats()[name].files(plan, CATALOG)
            except InputError:
                continue
            faults = linted({file: filled_in(str(text)) for file, text in files.items()}, CATALOG, plan=plan).faults
            assert [fault.shown for fault in faults] == [], (name, plan.spec)


def test_a_pack_without_a_plan_is_held_as_far_as_it_goes() -> None:
    (text,) = formats()["keda"].files(plan_called("vllm"), CATALOG).values()
    assert linted({"keda.yaml": str(text)}, CATALOG).faults == ()
    old = linted({"keda.yaml": str(text)}, CATALOG, engine="tensorrt-llm@1.3").faults
    assert old == (), "nothing of it is TensorRT-LLM's"


def test_a_threshold_moved_by_hand_is_noticed() -> None:
    plan = plan_called("vllm")
    (text,) = formats()["keda"].files(plan, CATALOG).values()
    late = re.sub(r'threshold: "[\d.]+"', 'threshold: "100000"', str(text))
    faults = linted({"keda.yaml": late}, CATALOG, plan=plan).faults
    assert [fault.rule for fault in faults] == ["L8", "L8"], "in flight and rate; who waits is a guard, and may be late"
    nervous = re.sub(r"stabilizationWindowSeconds: [1-9]\d*", "stabilizationWindowSeconds: 0", str(text))
    nervous = re.sub(r"(?s)    - type: prometheus\n      name: rate.*?(?=    - type)", "", nervous)
    (fault,) = linted({"keda.yaml": nervous}, CATALOG, plan=plan).faults
    assert (fault.rule, "asked back" in fault.sentence) == ("L8", True)


def test_a_curve_that_is_given_goes_before_the_plans() -> None:
    rows = "requests_per_s,in_flight,waiting\n1,2,0\n2,5,0\n4,30,1\n"
    curve = curve_in(rows, "curve.csv")
    (text,) = formats()["keda"].files(plan_called("vllm"), CATALOG).values()
    (fault,) = linted({"keda.yaml": str(text)}, CATALOG, curve=curve).faults
    assert fault.rule == "L8", "30 requests in flight and 4 requests/s never reach the thresholds of a larger replica"
    for broken in ("", "a,b\n1,2\n", rows + "3,40,1\n", rows + "x,1,1\n", rows + "nan,1,1\n"):
        with pytest.raises(InputError, match=r"curve\.csv"):
            curve_in(broken, "curve.csv")


@pytest.mark.parametrize("text", ["", "- a", "a: [", "{{- if .Values.x }}", "a: &a [*a]", "\t:", "[" * 3000])
def test_what_is_no_pack_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InputError):
        linted({"x.yaml": text}, CATALOG)


def test_aliases_of_aliases_end_in_a_sentence() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(InputError, match="more than"):
        linted({"x.yaml": "\n".join(lines)}, CATALOG)


def test_the_bound_on_values_is_of_the_file_and_not_of_each_text_in_it() -> None:
    bomb = ["kind: x", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 5)]
    inner = "\n".join(f"    {line}" for line in bomb)
    one = f"kind: ConfigMap\ndata:\n  b: |\n{inner}\n"
    assert len(documents_in(one, "x.yaml")) == 2, "59,049 values, fewer than the bound"
    many = "kind: ConfigMap\ndata:\n" + "".join(f"  b{n}: |\n{inner}\n" for n in range(3))
    with pytest.raises(InputError, match="more than 100,000 values"):
        documents_in(many, "x.yaml")


def test_a_dashboard_is_json() -> None:
    tree = {"panels": [{"targets": [{"refId": "A", "expr": "vllm:gpu_cache_usage_perc"}]}]}
    (fault,) = linted({"d.json": json.dumps(tree, indent=1)}, CATALOG).faults
    assert (fault.rule, "kv_cache_usage_perc" in fault.fix) == ("L1", True)


def test_what_is_misspelt_or_too_late_by_hand_is_named() -> None:
    """A share of slow requests that no burn of the budget is alerted at, a metric and a flag that do not exist."""
    plan = plan_called("vllm")
    (rules,) = map(str, formats()["prometheus-rules"].files(plan, CATALOG).values())
    late = re.sub(r"> 0\.\d+\) and", "> 0.999) and", rules)
    faults = linted({"rules.yaml": late}, CATALOG, plan=plan).faults
    assert {fault.rule for fault in faults} == {"L8"} and "above a share of 0.999" in faults[0].sentence
    faults = linted({"rules.yaml": rules.replace("vllm:num_requests_", "vlm:num_requests_")}, CATALOG, plan=plan).faults
    assert {fault.rule for fault in faults} == {"L1"}
    assert {fault.fix for fault in faults} >= {"the nearest is vllm:num_requests_running"}
    objects = {name: filled_in(str(text)) for name, text in formats()["kubernetes"].files(plan, CATALOG).items()}
    wrong = {
        name: text.replace("--gpu-memory-utilization", "--gpu-memory-utilisation") for name, text in objects.items()
    }
    (fault,) = linted(wrong, CATALOG, plan=plan).faults
    assert fault.rule == "L14" and "has no flag --gpu-memory-utilisation" in fault.sentence
    assert fault.fix == "the nearest is --gpu-memory-utilization"
