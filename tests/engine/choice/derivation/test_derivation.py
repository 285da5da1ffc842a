"""Every number of a plan is derived, and its derivation gives the number again."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from catalogs.errors import InputError
from engine.choice.derivation.derivation import STEP, PlanDerivations, book, derivation, leaves
from engine.method import forecast, made_again
from engine.plan import CapacityPlan, plan_json
from engine.plan_file import as_written
from engine.workload import Target, spec_from
from tests.agent.deployment.plans import CASES, CATALOG, plan_called
from tests.every import of_every

PAPER = (Path(__file__).parents[4] / "spec-kit" / "methodology.md").read_text(encoding="utf-8")
LENGTHS = {"tokens.input.mean": 1500.0, "tokens.output.mean": 300.0, "model": "llama-3.1-70b"}
ASKED = LENGTHS | {"hardware.accelerators": ("h100",)}
RATE = ASKED | {"traffic.requests_per_s": 20.0}
OTHERS: dict[str, dict[str, object]] = {
    "clients": ASKED | {"traffic.concurrency": 64},
    "a given fleet": ASKED | {"hardware.accelerator_count": 16, "availability.spare_replicas": 1},
    "owned": RATE | {"money.term": "owned", "money.grid_g_co2e_per_kwh": 300.0, "hardware.max_power_kw": 100.0},
    "a price of one's own": RATE | {"money.usd_per_accelerator_hour": 2.0, "money.other_monthly_usd": 500.0},
    "growth": RATE
    | {"traffic.growth_per_year": 0.8, "traffic.burst": 1.3, "traffic.burstiness": 2.0, "band": 95}
    | {"traffic.surge_requests_per_s": 300.0, "traffic.surge_s": 30.0},
    "out of reach": RATE | {"targets": (Target(metric="ttft", percentile="p95", seconds=0.05),)},
    "of a mean": RATE | {"targets": (Target(metric="e2e", percentile="mean", seconds=12.0),)},
    "no targets": RATE | {"default_targets": "none"},
    "top-p": RATE | {"tokens.sampling": "top_p", "serving.runtime": "vllm@0.12"},
    "windows": RATE | {"model": "gemma-3-27b", "hardware.accelerators": ("l40s",)},
}
"""Questions of other kinds than those of the plans that are exported."""


@cache
def plan_of(case: str) -> CapacityPlan:
    if case in CASES:
        return plan_called(case)
    simulated = case == "simulated"
    plan = forecast(spec_from(RATE if simulated else OTHERS[case]), CATALOG, verify=simulated)
    assert isinstance(plan, CapacityPlan)
    return as_written(plan)


def kinds_of(case: str) -> Counter[str]:
    plan = plan_of(case)
    again = made_again(plan, CATALOG) if case in ("vllm", "simulated") else plan  # two suffice: it takes its time
    derivations, kinds = PlanDerivations(plan, CATALOG, again), Counter[str]()
    for path, value in leaves(plan_json(plan)):
        found = derivations.of(path)
        assert found.value == value
        assert found.formula, path
        assert found.reproduced, (path, found.sides, found.formula)
        kinds[found.kind] += 1
    return kinds


@of_every((*CASES, *OTHERS, "simulated"))
def test_every_number_of_a_plan_is_derived_and_comes_out_again(case: str) -> None:
    kinds = kinds_of(case)
    # What is left are the replay's hours and the simulated figures, and what the search chose.
    assert sum(kinds[kind] for kind in ("stated", "catalog", "computed", "solved")) >= 310
    assert kinds["searched"] <= 100


@of_every(("vllm", "sglang ranks", "windows"))
def test_what_enters_is_derived_down_to_what_the_engine_hands_out(case: str) -> None:
    derivations = PlanDerivations(plan_of(case), CATALOG)
    seen: set[str] = set()

    def walk(path: str) -> Iterator[str]:
        found = derivations.of(path)
        if not found.reproduced:
            yield path
        for one in found.below:
            if one.path not in seen:
                seen.add(one.path)
                yield from walk(one.path)

    for begin in ("performance.at_peak.ttft_s.p95", "load.at_peak.e2e_s", "bands.replica_capacity.requests_per_s.low"):
        assert list(walk(begin)) == []
    assert any(path.startswith("kernel_s.at_peak_low.") for path in seen)


def test_a_product_takes_its_launch_and_the_longer_of_bytes_and_flops() -> None:
    derivations = PlanDerivations(plan_called("vllm"), CATALOG)
    step = derivations.of("step_s.at_peak.products")
    qkv = next(one for one in step.below if one.path.startswith("kernel_s.at_peak_low."))
    values = {one.path.rpartition(".")[2]: float(one.value) for one in qkv.inputs}
    longest = max(values["flops"] / values["flops_per_s"], values["bytes"] / values["bytes_per_s"])
    seconds = float(qkv.value) / values["launches"] - values["t0_s"]
    assert longest <= seconds <= 2 * longest
    assert qkv.binds.startswith(f"kernel.{qkv.path.removeprefix('kernel_s.')}.bytes")


def test_what_is_computed_names_what_enters_and_its_product_is_the_figure() -> None:
    plan = plan_called("vllm")
    found = derivation(plan, "fleet.accelerators", CATALOG)
    assert [(one.path, one.value) for one in found.inputs] == [
        ("fleet.replicas", 2),
        ("chosen.accelerators_per_replica", 4),
    ]
    assert found.again == 8
    parts = derivation(plan, "autoscaling.reaction_time_s", CATALOG)
    assert sum(float(one.value) for one in parts.inputs) == pytest.approx(parts.value, rel=1e-5)


def test_what_is_simulated_says_so_with_its_seed_and_the_closed_form_beside_it() -> None:
    plan = plan_of("simulated")
    found = derivation(plan, "verification.ttft_s.p95.value", CATALOG)
    assert found.kind == "simulated"
    assert plan.verification is not None
    assert found.beside == plan.verification.ttft_s.p95.formula
    assert {"seed": plan.verification.seed, "requests": plan.verification.requests}.items() <= {
        one.path: one.value for one in found.inputs
    }.items()


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        (lambda plan: replace(plan, fleet=replace(plan.fleet, accelerators=9)), "fleet.accelerators"),
        (lambda plan: replace(plan, cost=replace(plan.cost, idle_share=0.5)), "cost.idle_share"),
        (
            lambda plan: replace(plan, autoscaling=replace(plan.autoscaling, queue_length=12.0)),
            "autoscaling.queue_length",
        ),
    ],
)
def test_a_changed_figure_does_not_come_out_again(changed: object, path: str) -> None:
    assert callable(changed)
    assert not derivation(changed(plan_called("vllm")), path, CATALOG).reproduced


def test_every_section_is_one_of_the_paper() -> None:
    assert {line.section for line in book() if f"\n## {line.section}\n" not in PAPER} == set()


@pytest.mark.parametrize("path", ["", "fleet", "fleet.replica", "answer.sentence", "step_s.at_peak.nothing", "x" * 500])
@pytest.mark.parametrize(
    "more", ["", " y", " + 9^9^9", "(((", " + ln(0)", " × 2", " + exp(9999)", ".*.accelerators", "−1" * 3000]
)
def test_what_is_no_figure_is_refused_in_a_sentence(path: str, more: str) -> None:
    with pytest.raises(InputError, match="no figure at"):
        derivation(plan_called("vllm"), path + more, CATALOG)


STEPS = ("0", "999", "abc", "_", "import", "nan", "9" * 5000, "1 + 1", "0^{", "__import__", "(0)", "*")


def test_no_step_of_a_path_is_evaluated() -> None:
    """Whatever stands in the place of the stars of the book's lines is a name: of a figure, or of none."""
    derivations = PlanDerivations(plan_called("vllm"), CATALOG)
    for line in book():
        for step in STEPS:
            path = line.pattern.pattern.replace(STEP, step).replace("(.+)", step).replace("\\", "")
            if not re.fullmatch(r"[A-Za-z0-9_.]+", path):
                with pytest.raises(InputError):
                    derivations.value(path)
                continue
            with suppress(InputError):
                assert isinstance(derivations.value(path), float)
