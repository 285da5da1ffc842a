import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.exports import formats
from agent.talk.model_proposals import model_proposals
from tests.commands.conftest import Program
from tests.llama_config import LLAMA

ROOT = Path(__file__).resolve().parents[2]
TRAFFIC = ("--rps", "10", "--input-tokens", "500", "--output-tokens", "200")
SEED = ("forecast", "--model", "llama-3.1-70b", "--precision", "FP16", *TRAFFIC, "--gpu-type", "A100-80GB")
SMALL = ("forecast", "--model", "llama-3.1-8b", *TRAFFIC, "--gpu-type", "h100")


# --- the seed case ----------------------------------------------------------------------------------------------------


def test_the_question_that_everyone_asks_first(fleetcast: Program) -> None:
    plan = fleetcast(*SEED, "--peak-multiplier", "1", "--json").tree
    assert plan["fleet"]["accelerators"] == 8
    assert round(plan["memory"]["weights_bytes"] / 2**30, 1) == 131.4
    assert plan["memory"]["kv_cache_bytes_per_token"] == 327_680
    assert plan["chosen"]["offer"]["provider"]
    assert plan["cost"]["monthly_usd"] > 0


def test_at_a_busiest_hour_of_one_and_a_half_times_it_takes_twelve_to_sixteen(fleetcast: Program) -> None:
    plan = fleetcast(*SEED, "--json").tree
    assert plan["spec"]["traffic"]["peak_factor"] == 1.5
    assert 12 <= plan["fleet"]["accelerators"] <= 16


def test_a_batch_cap_is_honoured_and_the_first_warning_says_what_it_costs(fleetcast: Program, tmp_path: Path) -> None:
    without = fleetcast(*SEED, "--json").tree["fleet"]["accelerators"]
    file = tmp_path / "my_plan.json"
    caps = ("--batch-size", "4", "--context-window", "8192", "--cost", "--output", file)
    run = fleetcast(*SEED, *caps)
    plan = json.loads(file.read_text())
    assert run.code == 0
    assert plan["performance"]["at_peak"]["batch"] <= 4
    assert plan["fleet"]["accelerators"] > without
    assert f"without the cap {without} " in plan["warnings"][0]
    assert f"without the cap {without} " in " ".join(run.out.split())
    assert "--max-num-seqs 4" in plan["chosen"]["command"]
    assert "--max-model-len 8192" in plan["chosen"]["command"]
    assert "per million tokens" in run.out


def test_a_fleet_that_is_given_is_asked_for_its_rate(fleetcast: Program) -> None:
    lengths = ("--input-tokens", "500", "--output-tokens", "200")
    run = fleetcast("forecast", "--model-size", "70", "--gpu-type", "a100", "--gpus", "16", *lengths, "--json")
    plan = run.tree
    assert run.code == 0
    assert plan["spec"]["traffic"]["requests_per_s"] is None
    assert plan["fleet"]["accelerators"] <= 16
    assert plan["answer"]["holds_to_requests_per_s"] > 0


# --- one spec, many doors ---------------------------------------------------------------------------------------------


def as_spec(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the plan without where its values came from."""
    return {key: value for key, value in plan.items() if key != "sources"}


TOML = """
model = "llama 3.1 8b"
targets = [
    { metric = "itl", percentile = "p99", seconds = 0.05 },
    { metric = "ttft", percentile = "p95", seconds = "800ms" },
]
[traffic]
requests_per_s = "600/min"
peak_factor = 2
growth_per_year = "20%"
[tokens.input]
mean = "0.5k"
cv = 1.0
[tokens.output]
mean = 200
[precision]
weights = "fp8"
[hardware]
accelerators = ["h100"]
[money]
monthly_budget_usd = "$90k"
"""
YAML = """
model: llama 3.1 8b
targets:
  - {metric: ttft, percentile: p95, seconds: 0.8}
  - {metric: itl, percentile: p99, seconds: 50ms}
traffic: {requests_per_s: 10, peak_factor: 2x, growth_per_year: 0.2}
tokens: {input: {mean: 500, cv: 1}, output: {mean: 0.2k}}
precision: {weights: FP8}
hardware: {accelerators: h100}
money: {monthly_budget_usd: 90000}
"""
FLAGS = (
    *("--model", "llama 3.1 8b", *TRAFFIC, "--peak-multiplier", "2", "--growth-rate", "20", "--input-cv", "1"),
    *("--precision", "fp8", "--gpu-type", "h100", "--budget", "90k", "--ttft-p95", "800", "--itl-p99", "50ms"),
)


@pytest.mark.parametrize(("name", "text"), [("a.toml", TOML), ("a.yaml", YAML), ("stdin", TOML), ("stdin", YAML)])
def test_flags_and_a_file_give_the_same_plan(
    fleetcast: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    by_flags = fleetcast("forecast", *FLAGS, "--json")
    if name == "stdin":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        by_file = fleetcast("forecast", "--spec", "-", "--json")
    else:
        (tmp_path / name).write_text(text)
        by_file = fleetcast("forecast", "--spec", tmp_path / name, "--json")
    assert by_flags.code == by_file.code == 0
    assert as_spec(by_flags.tree) == as_spec(by_file.tree)
    kinds = {source["kind"] for source in by_file.tree["sources"].values()}
    assert kinds == {"file", "default"}
    assert {source["kind"] for source in by_flags.tree["sources"].values()} == {"flag", "default"}


def test_a_plan_is_a_spec_file_too(fleetcast: Program, tmp_path: Path) -> None:
    first = fleetcast("forecast", *FLAGS, "--output", tmp_path / "plan.json", "--json")
    again = fleetcast("forecast", "--spec", tmp_path / "plan.json", "--json")
    assert as_spec(first.tree) == as_spec(again.tree)


def test_a_sentence_and_flags_give_the_same_plan_and_the_flag_wins(fleetcast: Program) -> None:
    said = fleetcast("forecast", "70B fp8 on H100, 20 rps, 500 in, 200 out, p95 TTFT 800ms", "--rps", "10", "--json")
    flags = ("--model-size", "70B", "--precision", "fp8", "--gpu-type", "H100", *TRAFFIC, "--ttft-p95", "800ms")
    assert as_spec(said.tree) == as_spec(fleetcast("forecast", *flags, "--json").tree)
    assert said.tree["sources"]["traffic.requests_per_s"] == {"kind": "flag", "detail": "--rps"}
    assert said.tree["sources"]["tokens.input.mean"]["kind"] == "said"
    assert "10" in said.err and "20" in said.err, "the difference is said"
    assert said.tree["sources"]["model"]["kind"] == "derived"


def test_what_was_understood_is_shown_without_a_forecast_and_without_being_complete(fleetcast: Program) -> None:
    run = fleetcast("forecast", "8-bit 70B at 20 rps", "--ttft-p95", "1s", "--spec-only", "--json")
    assert run.code == 0
    understood = run.tree
    assert understood["spec"]["traffic"]["requests_per_s"] == 20
    assert understood["sources"]["traffic.requests_per_s"]["kind"] == "said"
    assert understood["sources"]["targets"] == {"kind": "flag", "detail": "--ttft-p95"}
    assert [question["path"] for question in understood["questions"]] == ["precision.weights"]
    assert len(understood["missing"]) == 2


def test_what_nobody_can_be_asked_stops_a_forecast(fleetcast: Program) -> None:
    said = fleetcast.refusal("forecast", "8-bit 70B at 20 rps, 500 in, 200 out")
    assert "int8" in said and "fp8" in said
    assert fleetcast("forecast", "8-bit 70B at 20 rps, 500 in, 200 out", "--precision", "fp8").code == 0


# --- sources: settings, presets ---------------------------------------------------------------------------------------


def test_a_preset_fills_what_is_not_given(fleetcast: Program) -> None:
    run = fleetcast(
        "forecast", "--model", "llama-3.1-8b", "--rps", "5", "--gpu-type", "h100", "--preset", "chat", "--json"
    )
    spec, sources = run.tree["spec"], run.tree["sources"]
    assert spec["tokens"]["input"]["mean"] == 1155
    assert spec["traffic"]["peak_factor"] == 1.66
    assert [target["metric"] for target in spec["targets"]] == ["ttft", "itl"]
    assert sources["tokens.input.mean"] == {"kind": "preset", "detail": "chat"}
    other = fleetcast(
        *("forecast", "--model", "llama-3.1-8b", "--rps", "5", "--gpu-type", "h100", "--preset", "chat", "--json"),
        *("--input-tokens", "9000", "--ttft-p95", "3s"),
    ).tree
    assert other["spec"]["tokens"]["input"] == {**spec["tokens"]["input"], "mean": 9000}
    assert [target["seconds"] for target in other["spec"]["targets"]] == [3, 0.05]
    assert other["sources"]["targets"]["kind"] == "flag"


def test_settings_of_the_user_stand_below_everything_else(fleetcast: Program, tmp_path: Path) -> None:
    settings = tmp_path / "config" / "fleetcast" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('[traffic]\npeak_factor = 3\n[money]\nprovider = "Lambda"\n')
    plan = fleetcast(*SMALL, "--json").tree
    assert plan["spec"]["traffic"]["peak_factor"] == 3
    assert plan["spec"]["money"]["provider"] == "lambda"
    assert plan["sources"]["traffic.peak_factor"] == {"kind": "settings", "detail": str(settings)}
    over = fleetcast(*SMALL, "--peak-multiplier", "2", "--json")
    assert over.tree["spec"]["traffic"]["peak_factor"] == 2
    settings.write_text("[trafic]\n")
    assert "traffic" in fleetcast.refusal(*SMALL)


# --- models -----------------------------------------------------------------------------------------------------------

CONFIG = LLAMA | {"torch_dtype": "bfloat16"}
DIMENSIONS = (
    *("--layers", "32", "--hidden-size", "4096", "--heads", "32", "--kv-heads", "8"),
    *("--intermediate-size", "14336", "--vocab-size", "128256"),
)


def test_a_config_or_dimensions_give_the_figures_of_the_catalogs_model(fleetcast: Program, tmp_path: Path) -> None:
    known = fleetcast(*SMALL, "--json").tree
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text(json.dumps(CONFIG))
    asked = ("forecast", *TRAFFIC, "--gpu-type", "h100", "--json")
    for model in (
        ("--model", tmp_path / "mine"),
        ("--model", tmp_path / "mine" / "config.json"),
        DIMENSIONS,
    ):
        plan = fleetcast(*asked, *model).tree
        assert plan["spec"]["architecture"]["hidden_size"] == 4096
        for part in ("memory", "performance", "fleet", "cost"):
            assert plan[part] == known[part]


def test_a_mixture_by_its_dimensions(fleetcast: Program) -> None:
    moe = (
        *("--layers", "32", "--hidden-size", "4096", "--heads", "32", "--kv-heads", "8", "--vocab-size", "32000"),
        *("--experts", "8", "--active-experts", "2", "--expert-intermediate-size", "14336"),
    )
    plan = fleetcast("forecast", *moe, *TRAFFIC, "--gpu-type", "h100", "--json").tree
    assert plan["memory"]["weights_bytes"] / 2 == pytest.approx(46.7e9, rel=0.01), "Mixtral 8x7B has 46.7B parameters"


def test_a_bare_size_is_the_best_known_architecture_and_the_assumptions_say_so(fleetcast: Program) -> None:
    plan = fleetcast("forecast", "--model-size", "8", *TRAFFIC, "--gpu-type", "h100", "--json").tree
    assert plan["spec"]["model"] == "llama-3.1-8b"
    assert plan["sources"]["model"] == {"kind": "derived", "detail": "the best-known architecture of 8B"}
    assert any("best-known architecture of 8B" in assumption["text"] for assumption in plan["assumptions"])


# --- what comes out ---------------------------------------------------------------------------------------------------


def test_the_screenful_the_whole_report_and_labelled_lines(fleetcast: Program) -> None:
    screen, full, lines = (fleetcast(*SMALL, *how).out for how in ((), ("--full",), ("--plain",)))
    assert len(screen.splitlines()) <= 25
    assert len(full.splitlines()) > len(screen.splitlines())
    assert "--rps" in full, "the whole report names the source of each value"
    assert "TTFT" in lines
    assert not any("  " in line for line in lines.splitlines())


def test_json_stands_alone_on_standard_output(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    run = fleetcast(*SMALL, "--json", "--output", file)
    assert next(iter(run.tree)) == "schema_version"
    assert file.read_text() == run.out
    assert str(file) in run.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json"]


def test_a_plan_that_misses_a_target_is_shown_and_exits_with_3(fleetcast: Program) -> None:
    run = fleetcast(*SEED, "--itl-p95", "5ms", "--json")
    assert run.code == 3
    assert run.tree["answer"]["meets_targets"] is False
    assert run.tree["rejected"][0]["relaxations"]


def test_nothing_that_fits_is_an_answer_too(fleetcast: Program) -> None:
    run = fleetcast(*SEED, "--tp", "3")
    assert run.code == 3
    assert "64 attention heads" in " ".join(run.out.split())
    assert "--tp 4" in run.out
    none = fleetcast(*SEED, "--tp", "3", "--json")
    assert none.code == 3
    assert none.tree["answer"] is None
    assert none.tree["schema_version"] == 1
    assert none.tree["spec"]["serving"]["tensor_parallel"] == 3
    assert none.tree["rejected"][0]["reason"]


def test_no_plan_is_not_written(fleetcast: Program, tmp_path: Path) -> None:
    run = fleetcast(*SEED, "--tp", "3", "--output", tmp_path / "plan.json")
    assert run.code == 3
    assert "Nothing was written" in run.err
    assert not list(tmp_path.iterdir())


def test_bytes_that_are_no_text_reach_no_file_as_such(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    run = fleetcast(*SMALL, "--region", "us\udcff", "--usd-per-gpu-hour", "2", "--output", file, "--json")
    assert run.code == 0, run.err
    assert json.loads(file.read_text())["spec"]["money"]["region"] == "us\udcff"
    assert fleetcast("plan", "export", "markdown", file, "--output", tmp_path / "plan.md").code == 0
    assert "| us? |" in (tmp_path / "plan.md").read_text()


def test_every_door_holds_a_fleet_to_the_power_that_it_may_draw(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "spec.toml"
    file.write_text("[hardware]\nmax_power_kw = '9 kW'\n")
    doors = [
        fleetcast(*SMALL, "--max-power", "9000W", "--json"),
        fleetcast(*SMALL, "--spec", file, "--json"),
        fleetcast("forecast", "we have 9 kW in the rack", *SMALL[1:], "--json"),
    ]
    plans = [run.tree for run in doors]
    assert all(plan["spec"]["hardware"]["max_power_kw"] == 9 for plan in plans)
    assert len({plan["fleet"]["rated_watts"] for plan in plans}) == 1
    assert plans[0]["fleet"]["rated_watts"] == pytest.approx(plans[0]["fleet"]["maximum_accelerators"] * 1275)
    report = fleetcast(*SMALL, "--max-power", "9kW", "--full", "--plain").out
    assert "kW of 9 kW that are allowed, hosts included" in report
    scarce = fleetcast(*SMALL, "--max-power", "1kW", "--json")
    assert scarce.code == 3
    assert scarce.tree["answer"]["sentence"].endswith("more than the 1 kW allowed")


def test_a_given_fleet_above_the_power_is_refused(fleetcast: Program) -> None:
    refusal = fleetcast.refusal(*SMALL, "--gpus", "16", "--max-power", "10kW")
    assert "16 accelerators are rated at 20.4 kW at least, hosts included, and at most 10 kW contradicts" in refusal


def test_a_plan_over_budget_exits_with_4(fleetcast: Program) -> None:
    run = fleetcast(*SEED, "--budget", "$1k/month", "--json")
    assert run.code == 4
    assert run.tree["cost"]["within_budget"] is False
    assert re.search(r"the cheapest, \d+ × \S.*, \w+, is \$[\d,]+ a month [\w ]+ \(\w+\)", run.err), "a way out"
    assert fleetcast(*SEED, "--budget", "1M").code == 0


# --- bad input --------------------------------------------------------------------------------------------------------


def test_all_that_is_missing_is_named_with_its_flag(fleetcast: Program) -> None:
    said = fleetcast.refusal("forecast", "--json", code=5)
    for flag in ("--rps", "--input-tokens", "--output-tokens", "--model"):
        assert flag in said
    assert "--model" not in fleetcast.refusal("forecast", "--model-size", "70", code=5).replace("--model-size", "")
    dimensions = fleetcast.refusal("forecast", "--layers", "3", *TRAFFIC, code=5)
    for flag in ("--hidden-size", "--heads", "--vocab-size", "--intermediate-size"):
        assert flag in dimensions


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--rps", "-5"), ("--rps", "'-5'", "more than 0")),
        (("--rps", "0"), ("--rps", "'0'", "more than 0")),
        (("--rps", "abc"), ("--rps", "'abc'", "5M/day")),
        (("--rps", "1e999"), ("--rps", "too large")),
        (("--rps", "nan"), ("--rps", "'nan'")),
        (("--rps", "5", "--rps", "6"), ("--rps", "5", "6", "once")),
        (("--rps", ""), ("--rps",)),
        (("--input-tokens", "abc"), ("--input-tokens", "'abc'", "1.5k")),
        (("--input-tokens", "0"), ("--input-tokens", "at least 1")),
        (("--output-tokens", "-3"), ("--output-tokens", "'-3'")),
        (("--model", "nosuchmodel"), ("--model", "'nosuchmodel'", "nearest")),
        (("--model", "qwen3"), ("--model", "'qwen3'", "say which")),
        (("--gpu-type", "H1000"), ("--gpu-type", "'H1000'", "h100")),
        (("--gpu-type", ","), ("--gpu-type",)),
        (("--exclude", "h100"), ("excluded",)),
        (("--precision", "FP7"), ("--precision", "'FP7'", "fp8")),
        (("--kv-precision", "int4"), ("KV cache", "fp8")),
        (("--runtime", "vlm"), ("--runtime", "'vlm'", "vllm")),
        (("--preset", "chit-chat-show"), ("--preset", "'chit-chat-show'", "nearest")),
        (("--provider", "awss"), ("--provider", "'awss'", "aws")),
        (("--term", "reserved_2y"), ("--term", "'reserved_2y'", "reserved_")),
        (("--peak-multiplier", "0.5"), ("--peak-multiplier", "'0.5'", "at least 1")),
        (("--peak-multiplier", "1000"), ("--peak-multiplier", "1000", "100")),
        (("--ttft-p95", "fast"), ("--ttft-p95", "'fast'", "800ms")),
        (("--target-latency-p99", "0"), ("--target-latency-p99", "more than 0")),
        (("--prefix-hit", "50"), ("--prefix-hit", "50%")),
        (("--tp", "1.5"), ("--tp", "'1.5'", "whole")),
        (("--max-power", "40 elephants"), ("--max-power", "'40 elephants'", "40kW")),
        (("--max-power", "-3kW"), ("--max-power", "'-3kW'", "more than 0")),
        (("--context-window", "100"), ("--context-window", "100")),
        (("--context-window", "9M"), ("9,000,000", "131,072")),
        (("--concurrency", "4"), ("--rps", "--concurrency")),
        (("--gpus", "4", "--nodes", "2"), ("--gpus 4", "--nodes 2")),
        (("--model-size", "70"), ("--model", "--model-size")),
        (("--layers", "3"), ("--model", "--layers")),
        (("--input-cv", "1", "--input-p95", "3k"), ("--input-cv", "--input-p95")),
        (("--target-latency-p99", "9s", "--e2e-p99", "8s"), ("--target-latency-p99", "--e2e-p99")),
        (("--input-p95", "100"), ("p95 100", "500")),
        (("--spec", "no/such.toml"), ("'no/such.toml'",)),
        (("--catalog", "no/such"), ("'no/such'",)),
        (("--rpz", "5"), ("--rpz", "--rps")),
        (("--output", "no/such/plan.json"), ("'no/such/plan.json'", "'no/such'")),
        (("--output", "/"), ("'/'", "directory")),
        (("one sentence", "and another"), ("another",)),
    ],
)
def test_bad_input_is_refused_in_one_sentence_that_names_it(
    fleetcast: Program, flags: tuple[str, ...], named: tuple[str, ...]
) -> None:
    given = {flag for flag in flags if flag.startswith("--")}
    base = [
        part
        for flag, value in (
            ("--rps", "10"),
            ("--input-tokens", "500"),
            ("--output-tokens", "200"),
            ("--gpu-type", "h100"),
        )
        if flag not in given
        for part in (flag, value)
    ]
    if "--model" not in given:
        base += ["--model", "llama-3.1-8b"]
    said = fleetcast.refusal("forecast", *base, *flags)
    for part in named:
        assert part in said


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("a.toml", "[traffic]\nrequest_per_s = 3\n", ("traffic.request_per_s", "traffic.requests_per_s")),
        ("a.toml", "rps = 3\n", ("'rps'",)),
        ("a.toml", "[traffic\n", ("TOML",)),
        ("a.toml", "[traffic]\nrequests_per_s = true\n", ("requests_per_s", "true")),
        ("a.toml", "[traffic]\nrequests_per_s = -3\n", ("requests_per_s", "-3")),
        ("a.toml", "[traffic]\nrequests_per_s = nan\n", ("requests_per_s", "nan")),
        ("a.toml", '[traffic]\nrequests_per_s = "many"\n', ("requests_per_s", "'many'")),
        ("a.toml", "traffic = 3\n", ("traffic", "is 3 where")),
        ("a.toml", "targets = 3\n", ("targets",)),
        ("a.toml", '[[targets]]\nmetric = "tfft"\npercentile = "p95"\nseconds = 1\n', ("tfft", "ttft")),
        ("a.json", '{"traffic": ', ("JSON",)),
        ("a.json", "[1, 2]", ("fields",)),
        ("a.json", "[" * 100_000, ("nested",)),
        ("a.yaml", "traffic: {requests_per_s: 3\n", ("YAML", "line 2")),
        ("a.yaml", "- 1\n", ("fields",)),
        ("a.spec", "\x00\x01", ("TOML, YAML or JSON",)),
    ],
)
def test_a_broken_spec_file_is_refused_in_one_sentence(
    fleetcast: Program, tmp_path: Path, name: str, text: str, named: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(text)
    flags = ("--model", "llama-3.1-8b", "--input-tokens", "500", "--output-tokens", "200", "--gpu-type", "h100")
    said = fleetcast.refusal("forecast", *flags, "--spec", tmp_path / name)
    assert name in said
    for part in named:
        assert part in said


def test_standard_input_that_ends_at_once(fleetcast: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert "standard input ended" in fleetcast.refusal("forecast", "--spec", "-")


@pytest.mark.parametrize("text", ["{}", '{"model_type": "bert"}', "[]", "not json", '{"hidden_size": "x"}'])
def test_a_config_that_is_no_models(fleetcast: Program, tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    fleetcast.refusal("forecast", *TRAFFIC, "--model", tmp_path / "config.json")


def test_a_corrupt_catalog_of_the_users_own(fleetcast: Program, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.toml").write_text('[[accelerator]]\nid = "x"\nmemory = 3\n')
    said = fleetcast.refusal(*SMALL, "--catalog", own)
    assert "mine.toml" in said and "'x'" in said


@pytest.mark.parametrize(("name", "export"), [(f"plan{s}", e) for e, f in formats().items() for s in f.suffixes])
def test_a_plan_is_written_in_the_format_of_the_files_suffix(
    fleetcast: Program, tmp_path: Path, name: str, export: str
) -> None:
    assert fleetcast(*SMALL, "--output", tmp_path / name).code == 0
    assert fleetcast(*SMALL, "--output", tmp_path / "plan").code == 0, "without a suffix: what is read again"
    exported = fleetcast("plan", "export", export, tmp_path / "plan")
    assert (tmp_path / name).read_bytes().decode() == exported.out


def test_a_suffix_of_no_format_is_refused_with_those_there_are(fleetcast: Program, tmp_path: Path) -> None:
    said = fleetcast.refusal(*SMALL, "--output", tmp_path / "plan.docx")
    assert all(known.suffixes[0] in said for known in formats().values() if known.suffixes)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept_unless_forced(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("mine")
    assert "--force" in fleetcast.refusal(*SMALL, "--output", file)
    assert file.read_text() == "mine"
    assert fleetcast(*SMALL, "--output", file, "--force").code == 0
    assert json.loads(file.read_text())["schema_version"] == 1
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk(fleetcast: Program) -> None:
    run = fleetcast(*SMALL, "--output", "/dev/full")
    assert run.code == 2
    assert run.out == "", "nothing is shown of a plan that could not be saved"
    assert run.err == "fleetcast: '/dev/full' cannot be written: no space left on device\n"
    assert not Path("/dev/full").is_file(), "the device is still one"


# --- as a shell starts it ---------------------------------------------------------------------------------------------


def started(*command: object, where: Path, **how: Any) -> subprocess.CompletedProcess[str]:
    home = {**os.environ, "XDG_CONFIG_HOME": str(where / "config")}
    return subprocess.run(
        [sys.executable, *map(str, command)], cwd=where, env=home, text=True, capture_output=True, check=False, **how
    )


@pytest.mark.parametrize("door", [("main.py", "forecast"), ("commands/forecast.py",)])
def test_both_files_start_it_from_any_directory(tmp_path: Path, door: tuple[str, ...]) -> None:
    file, *words = door
    run = started(ROOT / file, *words, *SMALL[1:], "--json", where=tmp_path)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["fleet"]["accelerators"] > 0
    bad = started(ROOT / file, *words, "--rps", "-1", where=tmp_path)
    assert (bad.returncode, bad.stdout) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_standard_output_that_is_full(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *SMALL, "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False,
        )  # fmt: skip
    assert run.returncode == 2
    assert run.stderr == "fleetcast: standard output cannot be written: no space left on device\n"


def test_a_reader_that_stops_is_no_error(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *SMALL, "--json"],
        stdout=writer, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    os.close(writer)
    assert (run.returncode, run.stderr) == (0, "")


def test_importing_the_commands_imports_nothing_heavy() -> None:
    heavy = (
        "numpy",
        "rich",
        "prompt_toolkit",
        "yaml",
        "huggingface_hub",
        "plotext",
        "typer",
        "pydantic",
    )
    code = f"import sys, commands; print([name for name in {heavy} if name in sys.modules])"
    assert (
        started("-c", f"sys = __import__('sys'); sys.path.insert(0, {str(ROOT)!r}); {code}", where=ROOT).stdout
        == "[]\n"
    )


@pytest.mark.parametrize("targets", [[], ["--ttft-p95", "800ms"]], ids=["formulas alone", "simulated"])
def test_a_forecast_as_json_imports_no_renderer_and_no_other_process(targets: list[str]) -> None:
    heavy = ("rich", "prompt_toolkit", "yaml", "huggingface_hub", "plotext")
    heavy += ("pydantic", "numpy.ma", "concurrent.futures", "multiprocessing", "logging", "agent.interpret")
    heavy += () if targets else ("numpy.random",)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from commands import main\n"
        f"main({[*SMALL, '--json', *targets]!r})\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    assert started("-c", code, where=ROOT).stderr == "[]\n"


def test_whoever_names_no_model_is_proposed_three_by_their_flag(fleetcast: Program) -> None:
    """A dead end names the next step: what is needed with values that work, and for a model three with their reason."""
    run = fleetcast("forecast", "support chatbot for 2,000 employees, about 12 questions a day each")
    assert run.code == 5
    assert [line.split()[1] for line in run.err.splitlines() if line.startswith("  --model ")] == [
        model.id for model in model_proposals().purpose[-1].models
    ]
    assert "still needed: a model (--model llama-3.3-70b or --model-size 70B)" in run.err
    said = fleetcast.refusal("forecast", "--rps", 3, code=5)
    assert "--input-tokens 1000, or --preset chat" in said
    assert "Perhaps llama-3.3-70b, " in fleetcast.refusal("forecast", "llama 70b")
