"""`fleetcast pool`: several workloads in words, as files and as saved plans, in every form of an answer."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.commands.conftest import Program

CHAT, RAG = "8B bf16, 30 rps, 500 in, 250 out", "8B bf16, 3 rps, 3000 in, 200 out"


def test_two_in_words(fleetcast: Program) -> None:
    """Two workloads of one model: the cheapest way, beside apart, with what each meets."""
    done = fleetcast("pool", CHAT, RAG, "--gpu-type", "h100", "--json")
    found = json.loads(done.out)
    assert done.code == 0
    assert found["best"]["monthly_usd"] <= found["apart"]["monthly_usd"]
    assert found["saved_monthly_usd"] == pytest.approx(
        found["apart"]["monthly_usd"] - found["best"]["monthly_usd"], abs=0.1
    )
    assert {one["workload"] for fleet in found["best"]["fleets"] for one in fleet["met"]} == {
        "llama-3.1-8b", "llama-3.1-8b (2)",
    }  # fmt: skip


def test_each_target_is_beside_what_it_asks_of_in_every_way(fleetcast: Program) -> None:
    """A p95 beside a p95, apart as in the forecast of the workload alone, and shared within what was asked."""
    asked = "llama 3.1 8B fp8, 0.5 rps, 500 in, 250 out, itl p95 50ms, e2e p99 60s"
    command = ("pool", asked, "qwen3 4b, 0.5 rps, 500 in, 200 out", "--gpu-type", "h100")
    found = json.loads(fleetcast(*command, "--json").out)
    ways = [found["best"], *found["others"]]
    met = [next(m for f in way["fleets"] for m in f["met"] if m["workload"] == "llama-3.1-8b") for way in ways]
    assert len(ways) == 3 and all(one["itl_s"] < one["targets_s"][0] <= 0.05 for one in met)
    alone = json.loads(fleetcast("forecast", asked, "--gpu-type", "h100", "--no-verify", "--json").out)
    forecast = {(one["metric"], one["percentile"]): one["forecast_s"] for one in alone["targets"]}
    assert met[-1]["targets_s"][:2] == pytest.approx([forecast["itl", "p95"], forecast["e2e", "p99"]], rel=1e-3)
    lines = fleetcast(*command, "--plain").out.splitlines()
    assert any("llama-3.1-8b" in line and "ITL p95" in line and "50 ms" in line for line in lines), lines


def test_files_and_a_saved_plan(fleetcast: Program, tmp_path: Path) -> None:
    file, plan = tmp_path / "rag.toml", tmp_path / "chat.json"
    lines = ('model = "8B"', "traffic.requests_per_s = 3", "tokens.input.mean = 3000", "tokens.output.mean = 200")
    file.write_text("\n".join(lines))
    assert fleetcast("forecast", CHAT, "--gpu-type", "h100", "--no-verify", "--output", str(plan)).code == 0
    done = fleetcast("pool", str(plan), "--spec", str(file), "--plain")
    assert done.code == 0
    assert "chat" in done.out and "rag" in done.out


def test_flags_hold_for_saved_plans_too(fleetcast: Program, tmp_path: Path) -> None:
    plan = tmp_path / "chat.json"
    assert fleetcast("forecast", CHAT, "--gpu-type", "h100", "--no-verify", "--output", str(plan)).code == 0
    found = json.loads(fleetcast("pool", str(plan), RAG, "--gpu-type", "h200", "--json").out)
    assert {fleet["accelerator"] for fleet in found["apart"]["fleets"]} == {"h200-sxm-141gb"}


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_what_is_no_text_is_one_sentence(fleetcast: Program, tmp_path: Path, suffix: str) -> None:
    raw, folder = tmp_path / f"raw{suffix}", tmp_path / f"folder{suffix}"
    raw.write_bytes(b"\xff\xfe\x00")
    folder.mkdir()
    for file, said in ((raw, "is not UTF-8 text"), (folder, "cannot be read: is a directory")):
        done = fleetcast("pool", CHAT, str(file))
        assert done.code == 2 and said in done.err, done.err


@pytest.mark.parametrize("form", ["--csv", "--plain", "--json"])
def test_each_form_names_both_and_the_bill(fleetcast: Program, form: str) -> None:
    done = fleetcast(
        "pool", "8B bf16, 1 rps, 500 in, 250 out", "qwen3 4b, 1 rps, 500 in, 200 out", "--gpu-type", "h100", form
    )
    assert done.code == 0
    assert "qwen3-4b" in done.out and "apart" in done.out


def test_the_csv_has_a_row_for_each_workload_in_each_way(fleetcast: Program) -> None:
    done = fleetcast("pool", CHAT, RAG, "--gpu-type", "h100", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    ways = {row["way"] for row in rows}
    assert len(rows) == 2 * len(ways)
    assert sum(row["chosen"] == "True" for row in rows) == 2
    assert all(float(row["all_monthly_usd"]) > 0 and float(row["ttft_p95_s"]) > 0 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pool",), "two workloads or more"),
        (("pool", CHAT), "two workloads or more"),
        (("pool", CHAT, "70B"), "of workload 2"),
        (("pool", CHAT, "nothing.toml"), "nothing.toml"),
        (("pool", CHAT, RAG, "--csv", "--json"), "leave one of them out"),
        (("pool", *[CHAT] * 5), "from 2 to 4"),
        (("forecast", "--spec", "a.toml", "--spec", "b.toml"), "fleetcast pool --spec a.toml --spec b.toml"),
        (("optimize", "--spec", "a.toml", "--spec", "b.toml"), "fleetcast pool --spec a.toml --spec b.toml"),
    ],
)
def test_what_cannot_be_pooled_is_one_sentence(fleetcast: Program, arguments: tuple[str, ...], said: str) -> None:
    done = fleetcast(*arguments)
    assert done.code in (2, 5)
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_workload_that_nothing_holds_is_named(fleetcast: Program) -> None:
    done = fleetcast("pool", CHAT, "70B, 3 rps, 3000 in, 200 out, ttft p95 20ms", "--gpu-type", "l4")
    assert done.code == 3
    assert "llama-3.1-70b" in done.err


def test_models_that_are_adapters_share_their_base(fleetcast: Program) -> None:
    tuned = CHAT.replace("8B", "deepseek-r1-distill-llama-8b")
    done = fleetcast("pool", CHAT, tuned, "--gpu-type", "h100", "--lora")
    assert "as LoRA adapters of one base on one fleet" in " ".join(done.out.split())
    assert "if_lora_adapters" in fleetcast("pool", CHAT, tuned, "--gpu-type", "h100", "--json").out


def test_what_a_forecast_warns_of_is_said(fleetcast: Program) -> None:
    """A budget that all of a fleet's workloads state together, and kernels that nobody measured."""
    done = fleetcast("pool", CHAT, RAG, "--gpu-type", "gh200-96gb", "--budget", "100")
    said = " ".join(done.out.split())
    assert done.code == 4 and "Over the budget of" in said
    assert "No kernel of GH200 96GB was measured." in said
    assert fleetcast("pool", CHAT, RAG, "--gpu-type", "h100", "--budget", "1000000").code == 0
