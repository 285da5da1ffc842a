import pytest

from commands.program import COMMANDS
from tests.commands.conftest import Program


def test_help_lists_the_commands(fleetcast: Program) -> None:
    run = fleetcast("--help")
    assert run.code == 0
    for command in ("forecast", "plan", "catalog"):
        assert command in run.out
        assert COMMANDS[command].split()[0] in run.out


@pytest.mark.parametrize("command", [("forecast",), ("plan",), ("plan", "show"), ("catalog",), ("catalog", "models")])
def test_each_command_has_its_help(fleetcast: Program, command: tuple[str, ...]) -> None:
    run = fleetcast(*command, "--help")
    assert run.code == 0
    assert " ".join(("fleetcast", *command)) in run.out


def test_help_of_a_forecast_names_every_flag(fleetcast: Program) -> None:
    run = fleetcast("forecast", "--help")
    for flag in ("--rps", "--target-latency-p99", "--itl-p90", "--kv-heads", "--spec", "--usd-per-gpu-hour"):
        assert flag in run.out
    assert "Traffic" in run.out


def test_the_version(fleetcast: Program) -> None:
    run = fleetcast("--version")
    assert (run.code, run.out.split()[0]) == (0, "fleetcast")


def test_what_is_no_command_or_option_is_refused_with_the_nearest(fleetcast: Program) -> None:
    assert "did you mean forecast?" in fleetcast.refusal("forcast")
    assert "forecast" in fleetcast.refusal("xyz")
    assert "did you mean fleetcast forecast '8B, 20 rps'?" in fleetcast.refusal("8B, 20 rps")
    assert "--xyz" in fleetcast.refusal("--xyz")
    assert "did you mean --rps?" in fleetcast.refusal("forecast", "--rpss", "3")
    assert "did you mean --peak-multiplier?" in fleetcast.refusal("forecast", "--peak", "1")
    assert "did you mean --gpu-type?" in fleetcast.refusal("forecast", "--accelerator", "h100")
    assert "did you mean --budget?" in fleetcast.refusal("forecast", "--monthly-budget", "1000")
    assert "did you mean --input-tokens?" in fleetcast.refusal("forecast", "--prompt-tokens", "1000")
    assert "did you mean --output-tokens?" in fleetcast.refusal("forecast", "--answer-tokens", "1000")
    assert "did you mean" not in fleetcast.refusal("forecast", "--dtype", "half")
    assert "requires an argument" in fleetcast.refusal("forecast", "--rps")
    assert "FILE" in fleetcast.refusal("plan", "show")
