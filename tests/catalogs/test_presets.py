from itertools import pairwise

import pytest

from catalogs.catalog import Catalog
from catalogs.entry_files import BUILT_IN, read_tables
from catalogs.records.presets import TokenQuantiles, WorkloadPreset
from tests.every import of_every

CATALOG = Catalog.load()
PRESETS = list(CATALOG.presets.values())
STATED = {entry["id"]: entry for entry in read_tables(BUILT_IN / "presets.toml")["preset"]}
QUANTITIES = ("burstiness", "peak_factor", "burst", "trough", "prefix_hit", "targets", "hourly_profile")

SAID = {
    "chat": "chat",
    "customer support": "chat",
    "RAG": "rag",
    "autocomplete": "code-completion",
    "coding agent": "agentic-coding",
    "agent": "tool-agent",
    "offline": "batch",
    "api": "api-general",
}


def test_there_are_ten_presets() -> None:
    assert set(CATALOG.presets) == {
        "chat",
        "long-context-chat",
        "rag",
        "code-completion",
        "summarization",
        "agentic-coding",
        "tool-agent",
        "reasoning",
        "api-general",
        "batch",
    }


@of_every(SAID.items())
def test_people_are_understood(said: str, expected: str) -> None:
    assert CATALOG.preset(said).id == expected


@of_every(PRESETS)
def test_quantiles_rise(preset: WorkloadPreset) -> None:
    for tokens in (preset.input, preset.output):
        known = [value for value in quantiles(tokens) if value is not None]
        assert all(a <= b for a, b in pairwise(known))
        if known:
            assert tokens.mean < max(known)


@of_every(PRESETS)
def test_every_figure_says_how_it_is_known(preset: WorkloadPreset) -> None:
    given = {"input", "output", *(name for name in QUANTITIES if name in STATED[preset.id])}
    assert given == set(preset.evidence)


@of_every(PRESETS)
def test_targets_are_seconds_by_metric_and_percentile(preset: WorkloadPreset) -> None:
    for name, value in preset.targets.items():
        metric, percentile, unit = name.split("_")
        assert metric in {"ttft", "itl", "e2e"}
        assert percentile == "p95"
        assert unit == "s"
        assert value <= 10


@of_every(PRESETS)
def test_a_profile_is_relative_to_its_mean(preset: WorkloadPreset) -> None:
    profile = preset.hourly_profile
    if not profile:
        return
    assert len(profile) in {24, 168}
    assert sum(profile) / len(profile) == pytest.approx(1, abs=2e-3)
    assert preset.peak_factor is not None
    assert max(profile) <= preset.peak_factor + 0.01


@pytest.mark.parametrize("name", ["chat", "code-completion"])
def test_a_week_has_the_peak_and_the_trough_that_the_preset_says(name: str) -> None:
    preset = CATALOG.presets[name]
    assert len(preset.hourly_profile) == 168
    assert max(preset.hourly_profile) == pytest.approx(preset.peak_factor, abs=0.01)
    assert min(preset.hourly_profile) == pytest.approx(preset.trough, abs=0.01)


@pytest.mark.parametrize("name", ["chat", "code-completion"])
def test_a_week_begins_on_a_monday(name: str) -> None:
    days = [sum(CATALOG.presets[name].hourly_profile[24 * day : 24 * day + 24]) for day in range(7)]
    assert max(days[5:]) < min(days[:5])


def test_the_traces_that_profiles_come_from_are_attributed() -> None:
    """CC-BY-4.0 and the others ask for attribution."""
    owners = {
        "chat": "Azure",
        "code-completion": "Azure",
        "rag": "RAGPulse",
        "reasoning": "ServeGen",
        "api-general": "ServeGen",
    }
    assert {preset.id for preset in PRESETS if preset.hourly_profile} == set(owners)
    for name, owner in owners.items():
        assert owner in CATALOG.presets[name].source


def quantiles(tokens: TokenQuantiles) -> tuple[float | None, ...]:
    return tokens.p50, tokens.p90, tokens.p95, tokens.p99
