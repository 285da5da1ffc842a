"""A flag that a command lists acts: with it the answer, or the exit code, is another one."""

import json
from typing import Any, Final

from agent.statements.flags import FLAGS
from tests.commands.conftest import Program

ASKED: Final = {
    "--model": "llama-3.1-8b", "--precision": "fp8", "--tp": "1", "--rps": "90", "--input-tokens": "1500",
    "--output-tokens": "300", "--gpu-type": "h100-sxm-80gb", "--api": "none",
}  # fmt: skip
ACTS: Final = {
    "--rps": "60", "--peak-multiplier": "2", "--burst": "1.5", "--surge": "400", "--surge-seconds": "60",
    "--burstiness": "3", "--growth-rate": "50%", "--horizon": "3y", "--calls-per-request": "3",
    "--spare-replicas": "2", "--min-replicas": "12", "--node-start": "40min", "--image-pull": "30min",
    "--provider": "aws", "--exclude-provider": "crusoe,digitalocean", "--region": "us-east-1",
    "--term": "reserved_1y", "--usd-per-gpu-hour": "1", "--budget": "500", "--other-costs": "1000", "--band": "50",
    "--max-gpus": "2", "--max-power": "1kW", "--utilisation-ceiling": "60%", "--ttft-p95": "150ms",
}  # fmt: skip
"""A value of each flag that says something about the load, the fleet or money, and that moves this question."""
BESIDE: Final = {
    "--surge-seconds": {"--surge": "400"},
    "--horizon": {"--growth-rate": "50%"},
    "--burstiness": {"--ttft-p95": "150ms"},
}
"""What a flag needs to act."""
ELSEWHERE: Final = {"--concurrency", "--preset", "--exclude", "--gpus", "--nodes", "--replicas", "--gpus-per-node",
                    "--max-nodes", "--max-replicas", "--default-targets"}  # fmt: skip
"""Another load, another fleet, or another way to say what stands above."""
PANELS: Final = ("Traffic", "Availability and money", "The answer")


def answers(fleetcast: Program, command: str, given: dict[str, str], few: tuple[str, ...]) -> tuple[int, str, Any]:
    """Return the exit code, what is said beside, and the JSON but for the question itself."""
    run = fleetcast(command, *(word for pair in given.items() for word in pair), *few, "--json")
    assert run.code != 1, run.err

    def figures(tree: Any) -> Any:
        if isinstance(tree, list):
            return [figures(one) for one in tree]
        kept = ("spec", "plan", "sources", "assumptions")
        return {k: figures(v) for k, v in tree.items() if k not in kept} if isinstance(tree, dict) else tree

    return run.code, run.err, figures(json.loads(run.out or "null"))


def test_no_flag_of_the_load_or_of_money_is_left_out_of_this_test() -> None:
    listed = {flag.flag for panel in PANELS for flag in FLAGS[panel]}
    assert listed <= {*ACTS, *ELSEWHERE}, listed - {*ACTS, *ELSEWHERE}


def test_every_flag_that_a_command_lists_acts(fleetcast: Program) -> None:
    idle = []
    for command, few in (("optimize", ()), ("costs", ()), ("simulate", ("--requests", "300"))):
        listed = {option for option in fleetcast(command, "--help").out.split() if option.startswith("--")}
        asked = {flag: text for flag, text in ASKED.items() if flag in listed}
        plain: dict[str, Any] = {}
        for flag, value in ACTS.items():
            if flag not in listed:
                assert f"there is no option {flag}, which says nothing here" in fleetcast.refusal(command, flag, value)
                continue
            beside = asked | BESIDE.get(flag, {})
            key = str(beside)
            plain[key] = plain.get(key) or answers(fleetcast, command, beside, few)
            if answers(fleetcast, command, beside | {flag: value}, few) == plain[key]:
                idle.append(f"{command} {flag}")
    of_prices = ("--provider", "--exclude-provider", "--region", "--term", "--usd-per-gpu-hour")
    chosen_by = [f"simulate {flag}" for flag in of_prices]
    assert sorted(idle) == sorted(["costs --term", *chosen_by]), "prices choose among accelerators; here one is named"
