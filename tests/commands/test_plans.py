import os
from pathlib import Path

import pytest

from tests.commands.conftest import Program

SMALL = ("forecast", "--model", "llama-3.1-8b", "--input-tokens", "300", "--output-tokens", "100", "--gpu-type", "h100")


def test_plans_are_kept_listed_named_and_opened(fleetcast: Program, tmp_path: Path) -> None:
    assert "No plan is kept" in fleetcast("plans").err
    first = fleetcast(*SMALL, "--rps", "2", "--json").tree
    fleetcast(*SMALL, "--rps", "400")
    fleetcast(*SMALL, "--rps", "400")  # the same plan again
    assert fleetcast("plans", "name", "1", "chat-eu").code == 0
    listed = fleetcast("plans", "list", "--json").tree
    assert [(plan["number"], plan["name"]) for plan in listed] == [(1, "chat-eu"), (2, "")]
    assert first["answer"]["sentence"] in listed[0]["sentence"]
    assert "chat-eu" in fleetcast("plans").out
    for which in ("1", "chat-eu"):
        assert fleetcast("plans", "open", which, "--json").tree == first
        assert fleetcast("plan", "show", which, "--json").tree == first
    assert (
        fleetcast("what-if", "chat-eu", "traffic x2", "--json").tree["variants"][0]["label"].startswith("traffic × 2")
    )
    assert len(fleetcast("compare", "1", "2", "--json").tree["compared"]) == 2
    assert fleetcast("plans", "remove", "2").code == 0
    assert "chat-eu" in fleetcast.refusal("plans", "open", "2")


@pytest.mark.parametrize("name", ["2", "a/b", "", "../x", "x" * 61])
def test_what_would_be_a_number_or_a_path_is_no_name(fleetcast: Program, name: str) -> None:
    fleetcast(*SMALL, "--rps", "2")
    assert "no name" in fleetcast.refusal("plans", "name", "1", name)


def test_two_plans_have_two_names(fleetcast: Program) -> None:
    for rate in ("2", "300"):
        fleetcast(*SMALL, "--rps", rate)
    fleetcast("plans", "name", "1", "ours")
    assert "plan 1 is called" in fleetcast.refusal("plans", "name", "2", "ours")


def test_where_nothing_can_be_kept_a_plan_is_made_all_the_same(
    fleetcast: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    run = fleetcast(*SMALL, "--rps", "2", "--json")
    assert (run.code, run.err) == (0, "")


def test_a_file_that_is_no_plan_is_listed_as_such(fleetcast: Program) -> None:
    plans = Path(os.environ["XDG_STATE_HOME"]) / "fleetcast" / "plans"
    plans.mkdir(parents=True)
    (plans / "0003-broken.json").write_text("{")
    assert "cannot be read" in fleetcast("plans").out
