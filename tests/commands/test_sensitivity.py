"""`sensitivity`: what moves the bill most, as a table, labelled lines and JSON."""

from pathlib import Path

from tests.commands.conftest import Program

ASKED = ("llama 3.1 8B in fp8 on H100, 2000 rps, 1.5k in, 300 out, p95 TTFT under 800 ms",)


def test_it_shows_what_moves_the_bill(fleetcast: Program) -> None:
    run = fleetcast("sensitivity", *ASKED)
    assert run.code == 0
    assert all(said in run.out for said in ("traffic", "answer length", "→", "Replicas that hold, by the mean rate"))
    assert all(len(line) <= 80 for line in run.out.splitlines())
    assert "traffic" in fleetcast("sensitivity", *ASKED, "--plain").out
    tree = fleetcast("sensitivity", *ASKED, "--json").tree
    assert {swing["input"] for swing in tree["swings"]} >= {"traffic", "answer length", "prompt length"}


def test_nothing_that_fits_and_incomplete_questions_are_said(fleetcast: Program) -> None:
    assert fleetcast("sensitivity", "405B in bf16 on L4, 1 gpu, 1 rps, 1k in, 100 out").code == 3
    assert "still needed" in fleetcast.refusal("sensitivity", "--rps", 10, code=5)


def test_a_plan_s_file_in_place_of_words_is_the_question(fleetcast: Program, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    fleetcast("forecast", *ASKED, "--no-verify", "--output", plan)
    by_flag, by_name = (fleetcast("sensitivity", *way, "--json").tree for way in (("--spec", plan), (plan,)))
    assert by_flag == by_name
    assert fleetcast("forecast", plan, "--rps", 4000, "--no-verify", "--json").tree["fleet"]["replicas"] > 0
    assert "there is no file" in fleetcast.refusal("sensitivity", tmp_path / "plam.json")


def test_a_model_s_config_in_place_of_words_stays_a_model(fleetcast: Program) -> None:
    config = Path(__file__).parents[1] / "fixtures" / "configs" / "gemma-3-27b.json"
    asked = ("--rps", 1, "--input-tokens", 500, "--output-tokens", 100, "--spec-only")
    assert "model" in fleetcast("forecast", config, *asked).out
