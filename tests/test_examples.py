"""The programs of spec-kit/examples run as they are, and print the figures that they promise."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "spec-kit" / "examples"


def printed_by(example: str, folder: Path) -> str:
    """Run an example from another folder, as a reader would with fleetcast installed, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{example}.py")],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert not any(folder.iterdir()), "an example leaves no files behind"
    return done.stdout


def figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    assert found, f"{pattern!r} is not in:\n{text}"
    return float(found[1].replace(",", ""))


def test_each_example_is_tested_here() -> None:
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {file.stem for file in EXAMPLES.glob("*.py")} <= tested


def test_basic_use(tmp_path: Path) -> None:
    text = printed_by("basic_use", tmp_path)
    # The question that everyone asks first: 8 × A100, weights 131.4 GiB, 320 KiB a token, batch 45–90, ITL near 60 ms.
    assert figure(r"^(\d+) × A100", text) == 8
    assert figure(r"weights +([\d.]+) GiB", text) == 131.4
    assert figure(r"KV cache ([\d.]+) KiB", text) == 320
    assert 45 <= figure(r"replica +(\d+) requests", text) <= 90
    assert figure(r"ITL (\d+) ms", text) == pytest.approx(60, rel=0.25)
    assert figure(r"holds to +([\d.]+) requests/s", text) >= 10
    assert figure(r"bill +([\d,]+) USD a month", text) > 0


def test_model_comparison(tmp_path: Path) -> None:
    text = printed_by("model_comparison", tmp_path)
    rows = {line[:16].strip(): line for line in text.splitlines()[1:]}
    accelerators = {name: figure(r"= (\d+) accelerators", row) for name, row in rows.items()}
    assert list(rows) == ["llama 3.1 8b", "qwen3 32b", "llama 3.1 70b", "gpt-oss 120b"]
    assert accelerators["llama 3.1 8b"] < accelerators["qwen3 32b"] < accelerators["llama 3.1 70b"]
    # A mixture reads and computes few of its weights: larger than the 70B, served by fewer accelerators.
    assert accelerators["gpt-oss 120b"] < accelerators["llama 3.1 70b"]
    for row in rows.values():
        assert figure(r"(\d+) ms +[\d,]+ +[\d.]+$", row) <= 1000, "every fleet holds the p95 TTFT of a second"


def test_custom_hardware(tmp_path: Path) -> None:
    text = printed_by("custom_hardware", tmp_path)
    itl = [float(ms) for ms in re.findall(r"ITL ([\d.]+) ms", text)]
    held = [float(rate) for rate in re.findall(r"holds ([\d.]+) requests/s", text)]
    assert len(itl) == len(held) == 2
    # Half again as much bandwidth helps, by less than half: launches and collectives do not read memory.
    assert itl[1] < itl[0] < 1.5 * itl[1]
    assert held[0] < held[1]
    assert "inherited from h100-sxm-80gb" in text


def test_plan_file(tmp_path: Path) -> None:
    text = printed_by("plan_file", tmp_path)
    assert "schema version 1: answer, spec, sources, chosen, memory" in text
    assert text.rstrip().endswith("recomputed from the file: the same plan")
