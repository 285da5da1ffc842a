"""What engines printed for exact settings, or somebody measured: a command of ours beside it, each with its source.

``tests/fixtures/cases/real_cases.csv`` names the check, the figure and how near we must come.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Program

CASES = Path(__file__).resolve().parents[1] / "fixtures" / "cases"
ROWS = list(csv.DictReader((CASES / "real_cases.csv").read_text(encoding="utf-8").splitlines()))
SHORT_OF = {
    "t-405b-fp8": "vLLM 0.5.3 of July 2024 counted as taken whatever its trial step left no longer free on the device, "
    "what PyTorch's allocator kept for reuse too: 8.8 GiB beside the weights, where this has 6.6 by logs of 0.19",
}
"""Rows that we do not reach, with what is known of the reason."""
LONGER, LONGEST = 60_000, 100_000
"""Prompts, tokens, between which the growth of a sequence's cache is measured: beyond every window."""


def asked(program: Program, command: str) -> tuple[int, dict[str, Any]]:
    done = program(*command.replace("CASES", str(CASES)).split(), "--json")
    try:
        return done.code, json.loads(done.out)
    except ValueError:
        return done.code, {}


def growth(program: Program, command: str) -> float:
    """Return the bytes that one more token of context adds."""
    held = [
        asked(program, command.replace("--input-tokens 500", f"--input-tokens {tokens}"))[1]["memory"]
        for tokens in (LONGER, LONGEST)
    ]
    sequences = [memory["kv_cache_bytes_per_sequence"] for memory in held]
    return (sequences[1] - sequences[0]) / (LONGEST - LONGER)


FIGURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "weights_gib_per_accelerator": lambda answer: answer["memory"]["per_accelerator"]["weights_bytes"] / 2**30,
    "weights_gb_whole": lambda answer: answer["memory"]["weights_bytes"] / 1e9,
    "kv_tokens": lambda answer: answer["memory"]["kv_cache_pool_bytes"] / answer["memory"]["kv_cache_bytes_per_token"],
    "output_tokens_per_s": lambda answer: answer["output_tokens_per_s"],
    "itl_ms": lambda answer: answer["itl_s"]["mean"] * 1e3,
}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row["id"], marks=pytest.mark.xfail(reason=SHORT_OF[row["id"]], strict=True))
        if row["id"] in SHORT_OF
        else pytest.param(row, id=row["id"])
        for row in ROWS
    ],
)
def test_what_an_engine_printed_comes_out(fleetcast: Program, row: dict[str, str]) -> None:
    code, answer = asked(fleetcast, row["command"])
    wanted, near = row["expected"], float(row["tolerance"])
    match row["check"]:
        case "starts":
            assert (code == 0 and answer["verdict"] != "incompatible") == (wanted == "yes")
        case "no_plan":
            assert code in (2, 3)
        case "command":
            chosen = answer["chosen"]
            text = f"{chosen['command']} {json.dumps(chosen['flags'])} "
            assert (wanted[1:] not in text) if wanted.startswith("!") else wanted in text
        case "params_or_refused" if not answer:
            assert code == 2
        case "params_or_refused":
            assert answer["memory"]["weights_bytes"] / 2e9 == pytest.approx(float(wanted), rel=near)
        case "kv_precision":
            assert answer["setup"]["precision"]["kv_cache"].startswith(wanted)
        case "not_bf16":
            assert code in (2, 5) if not answer else answer["memory"]["weights_bytes"] < 12e9
        case "kv_growth_per_token":
            assert growth(fleetcast, row["command"]) == pytest.approx(float(wanted), rel=near)
        case check:
            assert FIGURES[check](answer) == pytest.approx(float(wanted), rel=near)
