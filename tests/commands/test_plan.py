import json
from pathlib import Path
from typing import Any

import pytest

from agent import exports
from engine.plan import plan_json
from engine.plan_file import read_plan
from engine.workload import WorkloadSpec
from tests.commands.conftest import Program

ASKED = (
    "--model",
    "llama-3.1-8b",
    "--rps",
    "10",
    "--input-tokens",
    "500",
    "--output-tokens",
    "200",
    "--gpu-type",
    "h100",
)


@pytest.fixture
def saved(fleetcast: Program, tmp_path: Path) -> Path:
    return fleetcast.saved(tmp_path / "plan.json", *ASKED, "--ttft-p95", "1s")


def test_a_plan_that_was_saved_is_shown_as_it_was(fleetcast: Program, saved: Path) -> None:
    for how in ((), ("--full",), ("--plain",), ("--json",)):
        assert fleetcast("plan", "show", saved, *how).out == fleetcast("forecast", *ASKED, "--ttft-p95", "1s", *how).out


def test_reading_and_writing_lose_nothing(saved: Path) -> None:
    text = saved.read_text()
    assert plan_json(read_plan(text)) == json.loads(text)


def test_a_plan_that_misses_says_so_again(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert fleetcast("forecast", *ASKED, "--itl-p95", "1ms", "--output", file).code == 3
    assert fleetcast("plan", "show", file).code == 3


def test_an_export_is_printed_or_written_where_it_is_told(fleetcast: Program, saved: Path, tmp_path: Path) -> None:
    run = fleetcast("plan", "export", "markdown", saved)
    assert run.code == 0
    assert "## Memory" in run.out
    file = tmp_path / "report.txt"
    written = fleetcast("plan", "export", "markdown", saved, "--output", file)
    assert (written.code, written.out) == (0, "")
    assert file.read_text() == run.out
    assert "--force" in fleetcast.refusal("plan", "export", "json", saved, "--output", file)
    assert fleetcast("plan", "export", "json", saved, "--output", file, "--force").code == 0
    assert file.read_text() == saved.read_text()


def test_an_export_that_is_none_is_refused(fleetcast: Program, saved: Path) -> None:
    assert "'docx'" in fleetcast.refusal("plan", "export", "docx", saved)
    assert "json" in fleetcast.refusal("plan", "export", "docx", saved)
    saved.write_text("{}")
    fleetcast.refusal("plan", "export", "json", saved)


PAIR = """
from agent.exports import Format

FORMAT = Format((".pair",), "two halves", lambda plan, _: {"left.txt": plan.chosen.model, "right.bin": b"\\x00"})
"""


def test_a_module_among_the_formats_is_a_format_at_every_door(
    fleetcast: Program, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file is what a format costs; this one makes two files, which go into a folder."""
    (tmp_path / "formats").mkdir()
    (tmp_path / "formats" / "pair.py").write_text(PAIR)
    monkeypatch.setattr(exports, "__path__", [*exports.__path__, str(tmp_path / "formats")])
    folder = tmp_path / "halves.pair"
    folder.mkdir()
    assert "--output" in fleetcast.refusal("plan", "export", "pair", saved)
    assert fleetcast("plan", "export", "pair", saved, "--output", folder).code == 0
    assert (folder / "left.txt").read_text() == "llama-3.1-8b"
    assert (folder / "right.bin").read_bytes() == b"\0"
    (folder / "left.txt").unlink()
    assert "--force" in fleetcast.refusal("plan", "export", "pair", saved, "--output", folder)
    assert not (folder / "left.txt").exists(), "none is written where one may not be"
    assert ".pair (two halves)" in fleetcast.refusal("forecast", *ASKED, "--output", tmp_path / "plan.docx")


def changed(tree: dict[str, Any], path: str, value: Any) -> str:
    *rooms, leaf = path.split(".")
    branch = tree
    for room in rooms:
        branch = branch[int(room) if room.isdecimal() else room]
    branch[leaf] = value
    return json.dumps(tree)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("schema_version", 2, ("version 2", "version 1")),
        ("extra", 1, ("extra is not a field",)),
        ("memory.verdct", "x", ("memory.verdct is not a field",)),
        ("spec.traffic.rate", 3, ("spec.traffic.rate is not a field",)),
        ("memory.verdict", "great", ("memory.verdict", "'great'", "compatible")),
        ("fleet.replicas", "many", ("fleet.replicas", "'many'")),
        ("fleet.ledger.1.reason", "luck", ("fleet.ledger[1].reason", "'luck'", "'growth'")),
        ("sources.model.kind", "rumour", ("sources", "'said'", "'default'")),
        ("targets", None, ("targets", "array")),
        ("spec", None, ("spec is null", "object")),
        ("answer", None, ("no plan",)),
    ],
)
def test_what_is_no_plan_is_refused(
    fleetcast: Program, saved: Path, path: str, value: Any, named: tuple[str, ...]
) -> None:
    saved.write_text(changed(json.loads(saved.read_text()), path, value))
    said = fleetcast.refusal("plan", "show", saved)
    for part in named:
        assert part in said


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", '{"schema_version": null}', "[" * 100_000])
def test_a_file_that_holds_none(fleetcast: Program, tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    fleetcast.refusal("plan", "show", tmp_path / "plan.json")
    fleetcast.refusal("plan", "show", tmp_path / "none.json")
    fleetcast.refusal("plan", "show", tmp_path)


def test_explain_without_a_path_lists_every_figure(fleetcast: Program, saved: Path) -> None:
    figures = fleetcast("plan", "explain", saved, "--json").tree
    assert figures["fleet.replicas"] == json.loads(saved.read_text())["fleet"]["replicas"]
    assert len(fleetcast("plan", "explain", saved).out.splitlines()) == len(figures)


def test_the_schema_explains_every_quantity(fleetcast: Program, saved: Path) -> None:
    schema = fleetcast("plan", "schema").tree
    plan = json.loads(saved.read_text())
    assert set(schema["properties"]) == set(plan)
    assert schema["additionalProperties"] is False
    records = schema["$defs"]
    assert records["WorkloadSpec"]["additionalProperties"] is False
    assert records["Latency"]["properties"]["p95"]["unit"] == "s"
    assert records["Traffic"]["properties"]["requests_per_s"]["unit"] == "requests/s"
    assert records["Money"]["properties"]["monthly_budget_usd"]["unit"] == "USD"
    assert "Busiest hour" in records["Traffic"]["properties"]["peak_factor"]["description"]


def test_the_schema_of_a_spec_names_every_field(fleetcast: Program) -> None:
    schema = fleetcast("plan", "schema", "--spec").tree
    assert set(schema["properties"]) == set(WorkloadSpec.__struct_fields__)
    assert set(schema["required"]) == {"tokens", "model"}
    assert schema["$defs"]["TokenDistribution"]["properties"]["mean"]["unit"] == "tokens"


# --- plans of earlier days, and of strangers ---

PLANS = sorted((Path(__file__).parents[1] / "fixtures" / "plans").glob("*.json"))


@pytest.mark.parametrize("file", PLANS, ids=lambda file: file.stem)
def test_a_plan_of_an_earlier_day_is_read_shown_and_exported(fleetcast: Program, file: Path) -> None:
    written = json.loads(file.read_text())
    read = plan_json(read_plan(file.read_text()))
    assert held(written, read) == [], "what was written is what is read"
    for how in ((), ("--full",)):
        assert written["answer"]["sentence"] in " ".join(fleetcast("plan", "show", file, *how).out.split())
    for format in ("kubernetes", "keda", "prometheus-rules", "grafana", "markdown", "csv", "command"):
        assert fleetcast("plan", "export", format, file).code == 0


def held(written: Any, read: Any, path: str = "") -> list[str]:
    """Paths of what was written and is not read as it was; fields that came later are no matter."""
    if isinstance(written, dict):
        return [fault for key, value in written.items() for fault in held(value, read.get(key), f"{path}.{key}")]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = enumerate(zip(written, read, strict=True))
        return [fault for at, pair in pairs for fault in held(*pair, f"{path}.{at}")]
    return [] if written == read else [path]


def test_a_newer_plan_is_refused_in_a_sentence(fleetcast: Program, saved: Path) -> None:
    saved.write_text(changed(json.loads(saved.read_text()), "schema_version", 7))
    assert "a newer program wrote it" in fleetcast.refusal("plan", "show", saved)


@pytest.mark.parametrize("model", ["evil/never-heard-of", "/etc/hostname", "./config.json", "~/config.json"])
def test_a_strangers_plan_as_a_spec_reads_no_file_and_asks_no_hub(
    fleetcast: Program, saved: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*_: object, **__: object) -> None:
        raise AssertionError("the hub was asked, or a file was read")

    monkeypatch.setattr("agent.statements.models._from_hub", reached)
    monkeypatch.setattr("agent.statements.models._from_file", reached)
    file = saved.with_name("strangers.json")
    file.write_text(changed(json.loads(saved.read_text()), "spec.model", model))
    assert "no model is called" in fleetcast.refusal("forecast", "--spec", file)
