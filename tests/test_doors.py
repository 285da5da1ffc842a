"""One spec asked at every door gives the same whole plan, apart from the sources of its values."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.session.ports import ports_of
from agent.session.running_session import RunningSession
from catalogs.catalog import Catalog
from commands import main
from engine import CapacityPlan, forecast, spec_from
from engine.plan import plan_json

CATALOG = Catalog.load()


@dataclass(frozen=True)
class Question:
    """One spec as each door takes it."""

    values: dict[str, Any]
    """By path: for the library, and as a spec file."""
    flags: str
    sentence: str
    """Said to `forecast` and to the conversation, which keeps its defaults for what is left open."""


TARGET = {"metric": "ttft", "percentile": "p95", "seconds": 0.8}
QUESTIONS = {
    "dense, with targets": Question(
        {
            "model": "llama-3.1-70b", "precision.weights": "fp8", "hardware.accelerators": ["h100-sxm-80gb"],
            "traffic.requests_per_s": 20, "tokens.input.mean": 1500, "tokens.output.mean": 300, "targets": [TARGET],
        },
        "--model llama-3.1-70b --precision fp8 --gpu-type H100 --rps 20 --input-tokens 1500 --output-tokens 300 "
        "--ttft-p95 800ms",
        "llama 3.1 70b fp8 on H100, 20 rps, 1.5k in, 300 out, p95 TTFT 800ms",
    ),
    "mixture": Question(
        {
            "model": "gpt-oss-120b", "hardware.accelerators": ["h200-sxm-141gb"], "traffic.requests_per_s": 8,
            "tokens.input.mean": 1000, "tokens.output.mean": 400,
            "targets": [{"metric": "itl", "percentile": "p95", "seconds": 0.04}],
        },
        "--model gpt-oss-120b --gpu-type H200 --rps 8 --input-tokens 1k --output-tokens 400 --itl-p95 40ms",
        "gpt-oss-120b on H200, 8 rps, 1k in, 400 out, p95 ITL 40ms",
    ),
    "clients in a closed loop": Question(
        {
            "model": "llama-3.1-8b", "hardware.accelerators": ["l40s"], "traffic.concurrency": 200,
            "tokens.input.mean": 1000, "tokens.output.mean": 200, "targets": [TARGET],
        },
        "--model llama-3.1-8b --gpu-type L40S --concurrency 200 --input-tokens 1k --output-tokens 200 "
        "--ttft-p95 800ms",
        "llama 3.1 8b on L40S, 200 concurrent requests, 1k in, 200 out, p95 TTFT 800ms",
    ),
    "a given fleet": Question(
        {
            "model": "llama-3.1-70b", "hardware.accelerators": ["h100-sxm-80gb"], "hardware.accelerator_count": 16,
            "tokens.input.mean": 500, "tokens.output.mean": 200, "targets": [TARGET],
        },
        "--model llama-3.1-70b --gpu-type H100 --gpus 16 --input-tokens 500 --output-tokens 200 --ttft-p95 800ms",
        "what can 16 H100s carry with llama 3.1 70b, 500 in, 200 out, p95 TTFT 800ms",
    ),
    "spares and growth": Question(
        {
            "model": "llama-3.1-8b", "hardware.accelerators": ["h100-sxm-80gb"], "traffic.requests_per_s": 30,
            "tokens.input.mean": 500, "tokens.output.mean": 200, "traffic.growth_per_year": 0.5,
            "availability.spare_replicas": 1,
        },
        "--model llama-3.1-8b --gpu-type H100 --rps 30 --input-tokens 500 --output-tokens 200 --growth-rate 50% "
        "--spare-replicas 1",
        "llama 3.1 8b on H100, 30 rps, 500 in, 200 out, growing 50% a year, one spare replica",
    ),
    "a pool that fills": Question(
        {
            "model": "llama-3.1-70b", "hardware.accelerators": ["h100-sxm-80gb"], "traffic.requests_per_s": 5,
            "tokens.input.mean": 16_000, "tokens.output.mean": 500,
        },
        "--model llama-3.1-70b --gpu-type H100 --rps 5 --input-tokens 16k --output-tokens 500",
        "llama 3.1 70b on H100, 5 rps, 16k in, 500 out",
    ),
}  # fmt: skip


def toml(values: dict[str, Any]) -> str:
    """Return values by path as a spec file."""
    lines = []
    for path, value in values.items():
        inline = "[" + ", ".join(
            "{" + ", ".join(f"{key} = {json.dumps(part)}" for key, part in item.items()) + "}" for item in value
        ) + "]" if path == "targets" else json.dumps(value)  # fmt: skip
        lines.append(f"{path} = {inline}")
    return "\n".join(lines)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder away from the entries, settings and sessions of whoever runs the tests."""
    for home in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{home}_HOME", str(tmp_path / home.lower()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", QUESTIONS)
def test_every_door_gives_the_same_plan(
    kind: str, elsewhere: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library, flags, a sentence, a file, standard input and the conversation."""
    question = QUESTIONS[kind]
    plan = forecast(spec_from(question.values), CATALOG)
    assert isinstance(plan, CapacityPlan)
    (elsewhere / "question.toml").write_text(toml(question.values), encoding="utf-8")

    def printed(*words: str) -> Any:
        assert main(["forecast", *words, "--json"]) in (0, 3)
        return json.loads(capsys.readouterr().out)

    plans = {
        "flags": printed(*question.flags.split()),
        "sentence": printed(question.sentence),
        "file": printed("--spec", "question.toml"),
    }
    with monkeypatch.context() as piped:
        piped.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(toml(question.values).encode())))
        plans["standard input"] = printed("--spec", "-")
    session = RunningSession(ports_of(CATALOG), None)
    session.take(question.sentence)
    while session.state.phase != "planned":
        session.take("")
    session.take("save talk.json")
    plans["conversation"] = json.loads((elsewhere / "talk.json").read_text(encoding="utf-8"))
    expected = plan_json(plan)
    assert set(expected.pop("sources")) == set(plans["flags"]["sources"])
    kinds = {door: {source["kind"] for source in tree.pop("sources").values()} for door, tree in plans.items()}
    for door, tree in plans.items():
        assert tree == expected, door
    assert {door: kind - {"default", "derived"} for door, kind in kinds.items()} == {
        "flags": {"flag"}, "sentence": {"said"}, "file": {"file"}, "standard input": {"file"}, "conversation": {"said"},
    }  # fmt: skip
