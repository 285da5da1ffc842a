"""`fleetcast workflow`: the fleet, the calls, and what is refused."""

from pathlib import Path

import pytest

from tests.commands.conftest import Program

ASKED = ("workflow", "tool-agent", "--model", "llama-3.1-8b", "--gpu-type", "H100", "--precision", "bf16")


def test_it_says_the_fleet_the_time_and_each_call(fleetcast: Program) -> None:
    run = fleetcast(*ASKED, "--at-a-time", "20", "--within", "2min")
    assert run.code == 0
    for said in ("4 calls each", "at p95", "met", "simulated", "closed form", "decide and call", "answer"):
        assert said in run.out


def test_json_has_the_fleets_and_both_times(fleetcast: Program) -> None:
    tree = fleetcast(*ASKED, "--per-hour", "600", "--json").tree
    assert tree["fleets"][0]["accelerator"] == "h100-sxm-80gb"
    assert tree["simulated"]["mean_s"] == pytest.approx(tree["fleets"][0]["mean_s"], rel=0.3)
    assert len(tree["calls"]) == len(tree["simulated"]["call_s"]) == 4
    assert fleetcast(*ASKED, "--per-hour", "600", "--json", "--no-simulate").tree["simulated"] is None


def test_a_file_of_ones_own(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[workflow]]\ncontext_tokens = 500\nsteps = [{ name = "only", output_tokens = 50 }]\n')
    run = fleetcast("workflow", str(file), *ASKED[2:], "--at-a-time", "5", "--no-simulate")
    assert run.code == 0 and "for mine, 1 calls each" in run.out and "only" in run.out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "--at-a-time 50, or --per-hour 600"),
        (("--at-a-time", "5", "--per-hour", "6"), "--at-a-time 50, or --per-hour 600"),
        (("--at-a-time", "5", "--rps", "3"), "--rps: the workflow says it"),
        (("--at-a-time", "none"), "is not a count"),
        (("--at-a-time", "5", "--within", "soon"), "soon"),
    ],
)
def test_what_is_wrong_gets_one_sentence(fleetcast: Program, more: tuple[str, ...], said: str) -> None:
    run = fleetcast(*ASKED, *more)
    assert run.code == 2 and said in run.err and run.err.count("\n") == 1


def test_what_is_wrong_in_a_file_is_named(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    for text, said in (
        ("[[workflow]]\nsteps = [{ output_tokens = 50, cals = 3 }]", "cals"),
        ("[[workflow]]\nsteps = [{ calls = 20000, output_tokens = 50 }]", "up to 10,000 are accepted"),
        ("", "0 workflows"),
    ):
        file.write_text(text)
        run = fleetcast("workflow", str(file), *ASKED[2:], "--at-a-time", "5")
        assert run.code == 2 and said in run.err and run.err.count("\n") == 1, run.err
    assert "nowhere.toml" in fleetcast("workflow", "nowhere.toml", *ASKED[2:], "--at-a-time", "5").err


def test_an_unknown_workflow_and_a_time_that_nothing_holds(fleetcast: Program) -> None:
    assert fleetcast("workflow", "juggling", "--model", "llama-3.1-8b", "--at-a-time", "5").code == 2
    run = fleetcast(*ASKED, "--at-a-time", "5", "--within", "1s")
    assert run.code == 3 and "No fleet of H100 SXM5 80GB finishes" in run.err
