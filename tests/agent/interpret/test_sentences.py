"""Every sentence of the table gives what it must, asks what it must, and nothing else."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from agent.interpret import interpret
from agent.interpret.domain import ELSEWHERE, LOG
from catalogs.catalog import Catalog
from engine.workload import Target
from tests.every import of_every

SENTENCES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "sentences" / "general.toml").read_text("utf-8")
)["sentence"]
EMPTY = [entry for entry in SENTENCES if not entry.keys() & {"gives", "asks", "objects"}]


CATALOG = Catalog.load()


def plain(value: Any) -> Any:
    """A value as the table writes it."""
    if isinstance(value, Target):
        return f"{value.metric} {value.percentile} {value.seconds:.6g}"
    return [plain(part) for part in value] if isinstance(value, tuple) else value


@of_every(SENTENCES, name=lambda entry: entry["text"])
def test_a_sentence_gives_what_it_says(entry: dict[str, Any]) -> None:
    reading = interpret(entry["text"], CATALOG, asked_path=entry.get("asked"))
    values = {path: plain(value) for path, value in reading.values.items()}
    expected = dict(entry.get("gives", {}))
    if refused := expected.get("hardware.excluded"):  # a product's name stands for all its forms
        expected["hardware.excluded"] = [
            accelerator
            for name in refused
            for accelerator in CATALOG.accelerators
            if accelerator == name or accelerator.startswith(f"{name}-")
        ]
    assert values.keys() == expected.keys()
    for path, value in expected.items():
        assert values[path] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value), path
    assert {question.path for question in reading.questions} == set(entry.get("asks", []))
    assert bool({*reading.objections} - {ELSEWHERE, LOG}) == entry.get("objects", False)


def test_the_table_is_large_and_a_third_of_it_fills_nothing() -> None:
    assert len(SENTENCES) >= 270
    assert len(EMPTY) * 3 >= len(SENTENCES)
    assert len({(entry["text"], entry.get("asked")) for entry in SENTENCES}) == len(SENTENCES)
