"""The report of how a model's bytes come about."""

import pytest

from agent.report.model_bytes import bytes_report
from agent.report.rendering.layout import lines
from catalogs.catalog import Catalog
from engine.estimate.stored_weights import model_bytes
from tests.agent.report.sample import line_text

CATALOG = Catalog.load()


def shown(model: str, width: int) -> list[str]:
    held = model_bytes(CATALOG.models[model], CATALOG.precision)
    return [line_text(line) for line in lines(bytes_report(held), width)]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_tables_keep_within_their_width_and_name_every_checkpoint(width: int) -> None:
    text = shown("llama-3.1-8b", width)
    assert max(map(len, text)) <= width
    folded = "".join("".join(text).split())
    assert all(checkpoint.repository in folded for checkpoint in CATALOG.models["llama-3.1-8b"].checkpoints)


def test_checkpoints_that_are_stored_alike_share_a_column() -> None:
    """Three checkpoints of DeepSeek-V3 are all in FP8, the two of Kimi-K2.5 each in a format of its own."""
    headers = [
        line.split() for model in ("deepseek-v3", "kimi-k2.5") for line in shown(model, 100) if "  parameters" in line
    ]
    assert headers == [["part", "parameters", "fp8"], ["part", "parameters", "int4", "nvfp4"]]
