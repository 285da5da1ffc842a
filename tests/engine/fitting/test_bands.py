"""Bands from left-out errors: they hold on sources and models that had no part in them."""

import tomllib

import numpy as np
import pytest

from catalogs.catalog import Catalog
from catalogs.records.fitted import ErrorBand, MeasuredSystem
from catalogs.records.validation import record_of
from engine.bands.lookup import CaseBand, Level, band_for
from engine.fitting.bands import CoverageLine, error_bands, systems_of
from engine.fitting.files import bands_file, systems_file
from tests.engine.fitting.errors import drawn_errors, error

LAW = {"source": 0.15, "model": 0.15, "accelerator": 0.03, "row": 0.1}
ERRORS = drawn_errors(LAW, sources=12, models=8, rows=4)
Made = tuple[list[ErrorBand], list[CoverageLine]]


@pytest.fixture(scope="module")
def made() -> Made:
    return error_bands(ERRORS)


def case(band: ErrorBand, *new: Level) -> CaseBand:
    of_case = band_for(
        [band], "itl", load="closed_loop", architecture="dense", kernels="measured", new=frozenset(("run", *new))
    )
    assert of_case is not None
    return of_case


def test_bands_hold_on_sources_and_models_that_had_no_part_in_them(made: Made) -> None:
    ((band,), _) = made
    fresh = drawn_errors(LAW, sources=300, models=300, rows=3, seed=11)
    logs = np.array([e.logs["source"] for e in fresh if "sweep" not in e.logs])
    for level, least, most in ((50, 0.3, 0.68), (80, 0.6, 0.92), (95, 0.84, 1.0)):
        low, high = np.log(case(band, "source", "model").ends(level))
        assert least < np.mean((low <= logs) & (logs <= high)) < most


def test_what_is_known_of_a_case_narrows_its_band(made: Made) -> None:
    ((band,), _) = made
    widths = [high / low for low, high in (case(band, *new).ends() for new in ((), ("model",), ("model", "source")))]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_coverage_is_told_by_what_was_left_out(made: Made) -> None:
    _, lines = made
    assert [line.kind for line in lines] == ["new sweep", "new family", "new accelerator", "new source"]
    by_kind = {line.kind: line for line in lines}
    assert by_kind["new source"].units == 12
    assert by_kind["new source"].points == len(ERRORS)
    assert by_kind["new sweep"].points < len(ERRORS), "of sources that no block fits on a sweep is never known"
    for line in lines:
        assert line.inside[50] <= line.inside[80] <= line.inside[95]
        assert line.inside[80] > 0.55, line


def test_the_files_read_back(made: Made) -> None:
    bands, _ = made
    assert [record_of(ErrorBand, entry) for entry in tomllib.loads(bands_file(bands))["band"]] == bands
    catalog = Catalog.load()
    seen = [error("here", "deepseek-r1", "h200-sxm-141gb", {"sweep": 0.1}, 0.1)]
    text = systems_file(systems_of([*seen, error("there", "deepseek-r1", "b200-sxm", {}, 0.2)]), catalog)
    (system,) = [record_of(MeasuredSystem, entry) for entry in tomllib.loads(text)["system"]]
    assert (system.runtime, system.source, system.accelerators) == ("vllm", "here", ("h200-sxm-141gb",))
    assert {"deepseek-r1", "deepseek-v3"} <= set(system.models), "one architecture under other names"


def test_errors_of_one_source_alone_give_a_band() -> None:
    few = [error("only", "m", "a", {"sweep": log}, log) for log in (-0.1, 0.0, 0.1)]
    (band,), _ = error_bands(few)
    assert band.source.groups == 1
    assert band.source.deviation == pytest.approx(0.15, abs=0.06)
