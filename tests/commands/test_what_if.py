"""`what-if`: a saved plan with something changed is the plan of the changed question."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Program

ASKED = ("--model", "llama-3.1-8b", "--gpu-type", "H100", "--input-tokens", 1000, "--ttft-p95", "800ms")


@pytest.fixture
def plan(fleetcast: Program, tmp_path: Path) -> Path:
    return fleetcast.saved(tmp_path / "plan.json", *ASKED, "--rps", 20, "--output-tokens", 200)


def test_replicas_are_counted_from_those_of_the_plan(fleetcast: Program, plan: Path) -> None:
    replicas = fleetcast("plan", "show", plan, "--json").tree["fleet"]["replicas"]
    (variant,) = fleetcast("what-if", plan, "one replica more", "--json").tree["variants"]
    assert variant["label"] == f"replicas + 1: {replicas + 1} replicas"


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        (("traffic x2",), ("--rps", 40, "--output-tokens", 200)),
        (("what if traffic doubles?",), ("--rps", 40, "--output-tokens", 200)),
        (("--set", "tokens.output.mean=400"), ("--rps", 20, "--output-tokens", 400)),
        (
            ("--set", "tokens.output.mean=400", "--set", "traffic.requests_per_s=600/min"),
            ("--rps", 10, "--output-tokens", 400),
        ),
        (("with fp8",), ("--rps", 20, "--output-tokens", 200, "--precision", "fp8")),
        (("N+1",), ("--rps", 20, "--output-tokens", 200, "--spare-replicas", 1)),
    ],
)  # fmt: skip
def test_a_changed_plan_is_that_of_the_changed_question(
    fleetcast: Program, plan: Path, change: tuple[str, ...], flags: tuple[object, ...]
) -> None:
    (variant,) = fleetcast("what-if", plan, *change, "--json").tree["variants"]
    before = fleetcast("plan", "show", plan, "--json").tree
    after = fleetcast("forecast", *ASKED, *flags, "--json").tree
    for name, of in {
        "monthly": lambda tree: tree["cost"]["monthly_usd"],
        "gpus": lambda tree: tree["fleet"]["accelerators"],
        "ttft-p95": lambda tree: tree["performance"]["at_peak"]["ttft_s"]["p95"],
    }.items():
        if of(before) == of(after):
            assert name not in variant["changed"]
        else:
            assert (variant["changed"][name]["before"], variant["changed"][name]["after"]) == (of(before), of(after))


def test_only_differences_are_shown_each_change_beside_the_plan(fleetcast: Program, plan: Path) -> None:
    run = fleetcast("what-if", plan, "traffic x2", "on H200", "--plain")
    assert run.code == 0
    assert "1: traffic × 2" in run.out and "2: on h200" in run.out and "(against plan 0)" in run.out


def test_the_what_if_of_nothing_changes_nothing(fleetcast: Program, plan: Path) -> None:
    run = fleetcast("what-if", plan, "--set", "tokens.output.mean=200")
    assert (run.code, run.out) == (0, "")
    assert "that is the plan already" in run.err
    assert fleetcast("what-if", plan, "--set", "tokens.output.mean=200", "--json").tree["variants"][0]["changed"] == {}


@pytest.mark.parametrize("model", ["stranger/model", "/etc/hostname", "./plan.json"])
def test_nothing_is_read_or_fetched_for_the_model_of_a_strangers_plan(
    fleetcast: Program, plan: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("a plan made the program read a file or ask the hub")

    for name in ("config_from_hub", "config_from_file"):
        monkeypatch.setattr(f"catalogs.huggingface.{name}", asked)
    tree = json.loads(plan.read_text())
    tree["spec"]["model"] = model
    plan.write_text(json.dumps(tree))
    assert model.rpartition("/")[2] in fleetcast.refusal("what-if", plan, "traffic x2")


def test_a_change_that_nothing_meets_says_so_by_its_exit_code(fleetcast: Program, plan: Path) -> None:
    assert fleetcast("what-if", plan, "TTFT p95 under 6 ms").code == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((), "nothing is changed"),
        (("--set", "tokens.output.men=400"), "did you mean tokens.output.mean?"),
        (("--set", "tokens.output.mean"), "is not a field of the spec and its value"),
        (("--set", "tokens.output.mean=many"), "many"),
        (("the weather is nice",), "found no change"),
        (("why so many GPUs",), "changes nothing of a plan"),
        (("on H1000",), "H1000"),
    ],
)
def test_what_is_no_change_gets_one_sentence(
    fleetcast: Program, plan: Path, change: tuple[str, ...], said: str
) -> None:
    run = fleetcast("what-if", plan, *change)
    assert run.code == 2
    assert said.lower() in run.err.lower().splitlines()[-1]
