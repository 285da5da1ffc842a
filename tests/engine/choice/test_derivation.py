"""Every number of a plan is derived, and its derivation gives the number again."""

from pathlib import Path

import pytest

from catalogs.errors import InputError
from engine.choice.derivation import SOLVED, derivation, leaves
from engine.method import made_again
from engine.plan import plan_json
from tests.agent.deployment.plans import CATALOG, plan_called
from tests.every import of_every

PAPER = (Path(__file__).parents[3] / "spec-kit" / "methodology.md").read_text(encoding="utf-8")


@of_every(("vllm", "vllm nodes", "sglang ranks", "amd"))
def test_every_number_of_a_plan_is_derived_and_comes_out_again(case: str) -> None:
    plan = plan_called(case)
    again = made_again(plan, CATALOG)
    kinds = set()
    for path, value in leaves(plan_json(plan)):
        found = derivation(plan, path, CATALOG, again)
        assert found.value == value
        assert found.formula, path
        assert found.reproduced, (path, found.value, found.again)
        kinds.add(found.kind)
    assert kinds == {"input", "computed", "solved"}


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


def test_a_changed_figure_does_not_come_out_again() -> None:
    from msgspec.structs import replace

    plan = plan_called("vllm")
    wrong = replace(plan, fleet=replace(plan.fleet, accelerators=9))
    assert not derivation(wrong, "fleet.accelerators", CATALOG).reproduced


def test_every_section_is_one_of_the_paper() -> None:
    assert [step.section for step in SOLVED if f"\n## {step.section}\n" not in PAPER] == []


@pytest.mark.parametrize("path", ["", "fleet", "fleet.replica", "answer.sentence", "x" * 500])
def test_what_is_no_figure_is_refused_in_a_sentence(path: str) -> None:
    with pytest.raises(InputError, match="no figure at"):
        derivation(plan_called("vllm"), path, CATALOG)
