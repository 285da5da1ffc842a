import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import Program

ROOT = Path(__file__).resolve().parents[2]
LENGTHS = ("--input-tokens", "500", "--output-tokens", "200")
ONE = ("estimate", "--model", "llama-3.1-70b", *LENGTHS, "--gpu-type", "a100-80gb")


# --- one --------------------------------------------------------------------------------------------------------------


def test_json_holds_what_people_read_from_it(fleetcast: Program) -> None:
    tree = fleetcast(*ONE, "--tp", "4", "--rps", "2", "--json").tree
    for latency in ("ttft_s", "itl_s", "e2e_s"):
        assert tree[latency]["mean"] > 0
        assert tree[latency]["p50"] <= tree[latency]["p95"] <= tree[latency]["p99"]
    assert tree["output_tokens_per_s"] == pytest.approx(400, rel=1e-3)
    assert tree["output_tokens_per_s_per_accelerator"] == pytest.approx(tree["output_tokens_per_s"] / 4, rel=1e-5)
    assert round(tree["memory"]["weights_bytes"] / 2**30, 1) == 131.4
    assert tree["flops"]["attention"] + tree["flops"]["feed_forward"] < tree["flops"]["prefill_total"]
    assert tree["verdict"] == "compatible"


def test_the_report_shows_memory_by_part_flops_and_the_verdict(fleetcast: Program) -> None:
    run = fleetcast(*ONE, "--tp", "4", "--concurrency", "16", "--plain")
    assert run.code == 0
    for words in ("Compatible: weights fit", "weights: 32.9 GiB", "KV cache:", "FLOPs", "of it attention:", "TTFT:"):
        assert words in run.out, words


def test_figures_that_are_not_known_are_null_and_no_columns(fleetcast: Program) -> None:
    tree = fleetcast(*ONE, "--tp", "4", "--concurrency", "16", "--json").tree
    assert tree["ttft_s"]["mean"] > 0
    assert tree["ttft_s"]["p95"] is None
    assert "p95" not in fleetcast(*ONE, "--tp", "4", "--concurrency", "16", "--plain").out.partition("Memory")[0]


def test_what_does_not_fit_is_an_answer_with_what_was_needed(fleetcast: Program) -> None:
    run = fleetcast(*ONE, "--tp", "1", "--concurrency", "1", "--json")
    assert run.code == 3
    assert run.tree["verdict"] == "incompatible"
    assert run.tree["needed"] > run.tree["available"] > 0
    assert "--tp 2" in run.tree["relaxations"]
    shown = fleetcast(*ONE, "--tp", "1", "--concurrency", "1", "--plain")
    assert shown.code == 3
    assert "needed: 134 GiB" in shown.out
    assert "there is: 73 GiB" in shown.out


def test_explain_shows_each_figure_with_its_function_and_source(fleetcast: Program) -> None:
    out = fleetcast(*ONE, "--tp", "4", "--rps", "2", "--explain", "--plain").out
    assert "memory.weights_bytes: 1.41107e+11 B" in out
    assert "formula: sum(part_model.*)" in out
    assert "step_s.given.collectives" in out
    tree = fleetcast(*ONE, "--tp", "4", "--rps", "2", "--explain", "--json").tree
    step = next(figure for figure in tree["explanation"] if figure["path"] == "load.given.step_s")
    assert sum(one["value"] for one in step["inputs"]) == pytest.approx(step["value"], rel=1e-4)
    assert "explanation" not in fleetcast(*ONE, "--tp", "4", "--rps", "2", "--json").tree


# --- several ----------------------------------------------------------------------------------------------------------


def test_a_sweep_is_a_table_and_a_chart(fleetcast: Program) -> None:
    run = fleetcast(*ONE, "--tp", "4", "--concurrency", "1,16,64")
    assert run.code == 0
    rows = [line.split() for line in run.out.splitlines() if " client" in line and "ms" in line]
    assert [row[0] for row in rows] == ["1", "16", "64"]
    assert "Output, tokens/s" in run.out
    assert "┤" in run.out
    plain = fleetcast(*ONE, "--tp", "4", "--concurrency", "1,16,64", "--plain").out
    assert "┤" not in plain
    assert "clients 16: " in plain


def test_several_are_a_list_in_json_in_the_order_of_the_question(fleetcast: Program) -> None:
    machines = ("--accelerators", "h100,h200", "--models", "llama-3.1-8b,qwen3-30b-a3b")
    trees = fleetcast("estimate", *machines, *LENGTHS, "--static-batch", "1,8", "--json").tree["estimates"]
    found = [(t["setup"]["model"], t["setup"]["accelerator"], t["load"]["value"]) for t in trees]
    models, accelerators = ("llama-3.1-8b", "qwen3-30b-a3b"), ("h100-sxm-80gb", "h200-sxm-141gb")
    assert found == [(m, a, b) for m in models for a in accelerators for b in (1, 8)]


def test_beside_one_that_fits_another_that_does_not_is_a_row(fleetcast: Program) -> None:
    run = fleetcast(
        "estimate", "--model", "llama-3.1-70b", *LENGTHS, "--accelerators", "h100,l4", "--tp", "4", "--rps", "1"
    )
    assert run.code == 0
    assert "incompatible" in run.out
    assert "does not fit" in run.out


def test_none_that_fits_is_exit_code_3(fleetcast: Program) -> None:
    assert fleetcast(*ONE, "--tp", "1", "--rps", "1,2").code == 3


@pytest.mark.parametrize("width", ["40", "80"])
def test_no_line_is_wider_than_the_terminal(fleetcast: Program, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    for arguments in (("--rps", "1", "--explain"), ("--rps", "1,2,4"), ("--tp", "1", "--offline")):
        out = fleetcast(*ONE, *arguments).out
        assert max(len(line) for line in out.splitlines()) <= int(width)


# --- what it is asked -------------------------------------------------------------------------------------------------


def test_a_specs_own_rate_is_the_load_where_no_flag_gives_one(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "spec.toml"
    file.write_text(
        'model = "llama-3.1-8b"\n[traffic]\nrequests_per_s = 3\n[tokens.input]\nmean = 100\n'
        '[tokens.output]\nmean = 50\n[hardware]\naccelerators = ["h100"]\n'
    )
    assert fleetcast("estimate", "--spec", file, "--json").tree["load"] == {"kind": "rps", "value": 3}
    tree = fleetcast("estimate", "--spec", file, "--offline", "--json").tree
    assert tree["load"] == {"kind": "offline", "value": None}


def test_a_model_by_its_dimensions_and_by_its_size(fleetcast: Program) -> None:
    given = ("estimate", *LENGTHS, "--gpu-type", "h100", "--rps", "1", "--json")
    dimensions = ("--layers", 32, "--hidden-size", 4096, "--heads", 32, "--kv-heads", 8, "--intermediate-size", 14336)
    own = fleetcast(*given, *dimensions, "--vocab-size", 128256).tree
    named = fleetcast(*given, "--model", "llama-3.1-8b").tree
    assert own["memory"]["weights_bytes"] == named["memory"]["weights_bytes"]
    assert fleetcast(*given, "--model-size", "8").tree["setup"]["model"] == "llama-3.1-8b"


def test_everything_that_is_missing_is_named_at_once(fleetcast: Program) -> None:
    sentence = fleetcast.refusal("estimate", code=5)
    for words in ("--concurrency", "--model", "--gpu-type", "--input-tokens", "--output-tokens"):
        assert words in sentence
    assert "--gpus" not in sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rps", "1", "--concurrency", "4"), "both give the load"),
        (("--rps", "1", "--offline"), "both give the load"),
        (("--rps", "-1"), "'-1'"),
        (("--concurrency", "0"), "'0'"),
        (("--concurrency", "4,abc"), "'abc'"),
        (("--static-batch", ","), "--static-batch"),
        (("--rps", "1", "--models", "llama-3.1-8b"), "both give the model"),
        (("--rps", "1", "--accelerators", "h100"), "both name accelerators"),
        (("--rps", "1", "--accelerators", ""), "--accelerators"),
        (("--static-batch", "8", "--batch-size", "4"), "batch cap of 4"),
        (("--rps", "1", "--precision", "fp7"), "fp7"),
    ],
)
def test_bad_input_is_one_sentence(fleetcast: Program, arguments: tuple[str, ...], words: str) -> None:
    assert words in fleetcast.refusal(*ONE, *arguments)


def test_an_unknown_accelerator_among_several_is_named(fleetcast: Program) -> None:
    rest = ("--model", "llama-3.1-8b", *LENGTHS, "--rps", "1", "--accelerators", "h100,h1000")
    assert "h1000" in fleetcast.refusal("estimate", *rest)


def test_the_file_runs_by_itself_from_another_directory(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "commands" / "estimate.py"), *ONE[1:], "--tp", "4", "--rps", "1", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"verdict": "compatible"' in done.stdout
