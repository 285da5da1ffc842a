import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agent.session.calibrated_server import MeasuredServer, calibrated, checked_name
from catalogs.calibration_files import calibration_text, read_calibration
from catalogs.catalog import Catalog
from catalogs.errors import CatalogError, InputError
from catalogs.measurement_files import Row
from engine.calibration.calibrate import digest_of
from tests.commands.conftest import Program
from tests.every import of_every
from tests.measured_server import measured_rows, vllm_result, written_results

DAY = date(2026, 11, 29)
SLOW = {"linear_memory": 0.65, "ttft_overhead_ms": 40.0}
SERVER = ("--gpu-type", "h100", "--tp", 2)
FORECAST = (
    "forecast", "--model", "qwen3-32b", "--gpu-type", "h100", "--tp", "2", "--rps", "8", "--input-tokens", "1000",
    "--output-tokens", "250", "--itl-p95", "80ms",
)  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return measured_rows(Catalog.load(), SLOW)


@pytest.fixture
def results(rows: list[Row], tmp_path: Path) -> Path:
    return written_results(rows, tmp_path / "results")


@pytest.fixture
def one(rows: list[Row], tmp_path: Path) -> Path:
    """A single result, where it matters little what it says."""
    return written_results(rows[1:2], tmp_path / "one")


@pytest.fixture(scope="module")
def own(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A calibration's file."""
    folder = tmp_path_factory.mktemp("own")
    server = MeasuredServer(accelerator="h100", tp=2)
    run, _ = calibrated([written_results(rows, folder / "results")], server, Catalog.load(), made=DAY, name="own")
    file = folder / "own.toml"
    file.write_text(calibration_text(run.calibration), encoding="utf-8")
    return file


def test_what_a_file_does_not_say_is_asked_for_by_name(fleetcast: Program, results: Path) -> None:
    said = fleetcast.refusal("calibrate", results, code=5)
    assert "--gpu-type" in said
    assert "--tp" in said
    assert "--model" not in said


def test_a_calibration_is_written_and_used_by_its_name(fleetcast: Program, results: Path, tmp_path: Path) -> None:
    run = fleetcast("calibrate", results, *SERVER, "--name", "prod-h100")
    assert run.code == 0
    assert "linear_memory" in run.out
    assert "vllm bench serve" in run.out
    assert (tmp_path / "config" / "fleetcast" / "calibrations" / "prod-h100.toml").is_file()
    before = fleetcast(*FORECAST, "--json").tree
    after = fleetcast(*FORECAST, "--json", "--calibration", "prod-h100").tree
    assert "calibration" not in before["provenance"]
    carried = after["provenance"]["calibration"]
    assert carried["id"] == "prod-h100"
    assert len(carried["sha256"]) == 16
    assert [one["sha256"] for one in carried["inputs"]]
    assert any(one["name"] == "linear_memory" and one["after"] < one["before"] for one in carried["constants"])

    def width(plan: dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, float]]]]]]) -> float:
        ends = plan["bands"]["performance"]["at_peak"]["itl_s"]["mean"]
        return ends["high"] / ends["low"]

    assert width(after) < 1.3 < width(before)
    itl = [plan["performance"]["at_peak"]["itl_s"]["mean"] for plan in (before, after)]
    assert itl[1] > 1.1 * itl[0]


def test_a_calibrated_plan_is_made_again_from_its_file_alone(fleetcast: Program, own: Path, tmp_path: Path) -> None:
    file, plan = tmp_path / "own.toml", tmp_path / "plan.json"
    shutil.copy(own, file)
    fleetcast(*FORECAST, "--calibration", file, "--output", plan)
    file.unlink()
    assert "The same plan." in fleetcast("plan", "check", plan).out
    simulated = fleetcast("simulate", plan, "--requests", 2000, "--json").tree
    forecast_itl = json.loads(plan.read_text())["performance"]["at_peak"]["itl_s"]["mean"]
    assert simulated["itl_s"]["mean"]["value"] == pytest.approx(forecast_itl, rel=0.15)


def test_another_model_is_helped_by_what_is_shared_and_told_so(fleetcast: Program, own: Path) -> None:
    other = tuple("llama-3.1-70b" if word == "qwen3-32b" else "4" if word == "2" else word for word in FORECAST)
    before, after = (fleetcast(*other, *more, "--json").tree for more in ((), ("--calibration", own)))
    assert any(("helps" in warning and "shared" in warning) or "share" in warning for warning in after["warnings"])
    parts = [{part["level"]: part["itl"] for part in plan["bands"]["parts"]} for plan in (before, after)]
    assert parts[1]["source"] < parts[0]["source"]
    assert parts[1]["run"] == parts[0]["run"]


@pytest.mark.parametrize("stranger", [("--runtime", "sglang"), ("--gpu-type", "h200")])
def test_a_calibration_of_another_server_is_refused(fleetcast: Program, own: Path, stranger: tuple[str, str]) -> None:
    words = list(FORECAST)
    if stranger[0] in words:
        words[words.index(stranger[0]) + 1] = stranger[1]
        stranger = ("--json", "--plain")
    said = fleetcast.refusal(*words, *stranger, "--calibration", own)
    assert "own is of vllm on h100-sxm-80gb" in said
    assert "leave --calibration out" in said


def test_accuracy_and_estimate_take_it_too(fleetcast: Program, own: Path, rows: list[Row], tmp_path: Path) -> None:
    points = tmp_path / "points.csv"
    points.write_text("\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]), encoding="utf-8")
    scores = [fleetcast("accuracy", "--points", points, "--json", *more).tree for more in ((), ("--calibration", own))]
    assert scores[1]["metrics"]["itl"]["median_ape"] < 0.05 < scores[0]["metrics"]["itl"]["median_ape"]
    one = (
        "estimate",
        "--model",
        "qwen3-32b",
        *SERVER,
        "--concurrency",
        8,
        "--input-tokens",
        1024,
        "--output-tokens",
        256,
    )
    slower, usual = (fleetcast(*one, *more, "--json").tree for more in (("--calibration", own), ()))
    assert slower["itl_s"]["mean"] > usual["itl_s"]["mean"]


def test_a_name_that_nobody_gave_is_told_with_those_that_are(fleetcast: Program, one: Path) -> None:
    assert "`fleetcast calibrate FILE --name NAME` makes one" in fleetcast.refusal(*FORECAST, "--calibration", "own")
    fleetcast("calibrate", one, *SERVER, "--name", "prod-h100")
    assert "prod-h100" in fleetcast.refusal(*FORECAST, "--calibration", "prod-h10")


def test_flags_that_contradict_a_file_are_refused(fleetcast: Program, results: Path) -> None:
    assert "leave one of them out" in fleetcast.refusal("calibrate", results, *SERVER, "--model", "llama-3.1-8b")


def test_a_plan_of_another_model_is_named_as_such(fleetcast: Program, results: Path, tmp_path: Path) -> None:
    """Nobody gave --model: what contradicts the file is the plan."""
    plan = tmp_path / "plan.json"
    fleetcast("forecast", "llama-3.1-8b bf16, 2 rps, 500 in, 200 out", "--gpu-type", "h100", "--output", plan)
    said = fleetcast.refusal("calibrate", results, "--against", plan)
    assert "the plan's is llama-3.1-8b" in said and "--model" not in said


def test_one_point_is_said_to_be_unchecked(fleetcast: Program, one: Path, results: Path) -> None:
    said = "One point alone was not checked against any other"
    assert said in " ".join(fleetcast("calibrate", one, *SERVER, "--name", "one").out.split())
    assert said not in " ".join(fleetcast("calibrate", results, *SERVER, "--name", "own").out.split())

    def width(*more: str) -> float:
        peak = fleetcast(*FORECAST, "--no-verify", "--json", *more).tree["bands"]["performance"]["at_peak"]
        return float(peak["itl_s"]["mean"]["high"] / peak["itl_s"]["mean"]["low"])

    assert width("--calibration", "one") == pytest.approx(width(), rel=1e-3)
    assert width("--calibration", "own") < 0.9 * width()


def test_a_calibration_is_not_overwritten_unasked(fleetcast: Program, one: Path) -> None:
    assert fleetcast("calibrate", one, *SERVER, "--name", "own").code == 0
    assert "--force" in fleetcast.refusal("calibrate", one, *SERVER, "--name", "own")
    assert fleetcast("calibrate", one, *SERVER, "--name", "own", "--force").code == 0


@of_every(["../own", "Own Server", "a/b", "-"])
def test_a_name_is_a_name_and_no_path(name: str) -> None:
    with pytest.raises(InputError, match="prod-h100"):
        checked_name(name)


def test_a_calibration_read_from_its_file_is_the_same(own: Path) -> None:
    read = read_calibration(own)
    assert calibration_text(read) == own.read_text(encoding="utf-8")
    older = own.with_name("older.toml")
    older.write_text(re.sub(r"(?m)^(?:near|shared) = .*\n", "", own.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(CatalogError, match=r"`fleetcast calibrate` makes it anew"):
        read_calibration(older)
    assert digest_of(read) == read.sha256


def test_a_plan_is_held_against_a_benchmark(fleetcast: Program, rows: list[Row], own: Path, tmp_path: Path) -> None:
    """Outside where the server is slower than was planned, and inside once the plan knows of it."""
    plans = {}
    for name, more in (("usual", ()), ("own", ("--calibration", own))):
        plans[name] = tmp_path / f"{name}.json"
        fleetcast(*FORECAST, *more, "--output", plans[name])
    results = written_results(rows[:3], tmp_path / "results")
    for command in (("plan", "diff"), ("compare",)):
        said = " ".join(fleetcast(*command, plans["usual"], plans["own"]).out.split())
        assert "calibration" in said and "none → own of " in said
    usual = fleetcast("calibrate", results, "--against", plans["usual"], "--json")
    calibrated_plan = fleetcast("calibrate", results, "--against", plans["own"], "--json")
    assert usual.code == 4
    itl = [one for one in usual.tree["figures"] if one["metric"] == "itl"]
    ratios = [one["measured_s"] / one["forecast_s"] for one in itl if not _inside(one)]
    outside = f"in {len(ratios)} of {len(itl)} runs, at {min(ratios):.2f}"
    assert any("step time" in cause and outside in cause for cause in usual.tree["causes"])
    assert calibrated_plan.tree["inside"] > usual.tree["inside"]


def _inside(figure: dict[str, Any]) -> bool:
    return bool(figure["band"]["low"] <= figure["measured_s"] <= figure["band"]["high"])


def test_lengths_that_were_not_planned_are_named(
    fleetcast: Program, rows: list[Row], own: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    fleetcast(*FORECAST, "--calibration", own, "--output", plan)
    long = written_results(rows[3:4], tmp_path / "results")
    out = fleetcast("calibrate", long, "--against", plan).out
    assert "Lengths: prompts of the runs have 2,048 tokens on average, the plan's 1,000." in " ".join(out.split())


def test_one_result_from_standard_input(fleetcast: Program, rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys
    from types import SimpleNamespace

    piped = io.BytesIO(json.dumps(vllm_result(rows[1])).encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=piped))
    assert fleetcast("calibrate", "-", *SERVER, "--name", "own", "--json").tree["calibration"]["id"] == "own"


LOG = (
    "vLLM API server version 0.33.0\nnon-default args: {'model': 'Qwen/Qwen3-32B', 'tensor_parallel_size': 2}\n"
    "Model loading took 30.6 GiB and 12.3 seconds\nGPU KV cache size: {tokens:,} tokens\n"
)


def log_of(tokens: int, folder: Path) -> Path:
    file = folder / "server.log"
    file.write_text(LOG.replace("{tokens:,}", f"{tokens:,}"), encoding="utf-8")
    return file


def test_a_start_up_log_alone_calibrates_the_memory_of_its_own_model(fleetcast: Program, tmp_path: Path) -> None:
    run = fleetcast("calibrate", log_of(312_880, tmp_path), "--gpu-type", "h100", "--name", "mem")
    assert "holds 312,880 tokens by the log" in run.out
    own, another = FORECAST, tuple("qwen3-30b-a3b" if word == "qwen3-32b" else word for word in FORECAST)
    for command, tokens in ((own, 312_880), (another, None)):
        before, after = (fleetcast(*command, "--json", *more).tree for more in ((), ("--calibration", "mem")))
        if tokens:
            assert after["memory"]["kv_cache_tokens"] == pytest.approx(tokens, rel=1e-5)
            assert any("start-up log of mem" in one["text"] for one in after["assumptions"])
        else:
            assert after["memory"] == before["memory"]
        parts = after["memory"]["per_accelerator"]
        assert sum(value for name, value in parts.items() if name != "total_bytes") == pytest.approx(
            parts["total_bytes"]
        )


def test_a_log_that_cannot_be_of_the_accelerator_is_refused(fleetcast: Program, tmp_path: Path) -> None:
    said = fleetcast.refusal("calibrate", log_of(900_000, tmp_path), "--gpu-type", "h100")
    assert "beside the weights" in said


def test_weights_that_are_not_the_models_are_named(fleetcast: Program, tmp_path: Path) -> None:
    log = log_of(312_880, tmp_path)
    log.write_text(log.read_text().replace("30.6", "16.2"), encoding="utf-8")
    assert "another precision" in fleetcast("calibrate", log, "--gpu-type", "h100").out
