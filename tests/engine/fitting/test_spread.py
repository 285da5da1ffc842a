"""Spreads of errors, level by level: found where they were put, counted in groups, usual where groups are few."""

import numpy as np
import pytest
from msgspec.structs import replace

from engine.fitting.spread import USUAL, spreads_of
from tests.engine.fitting.errors import drawn_errors

LAW = {"source": 0.3, "model": 0.12, "accelerator": 0.05, "row": 0.06}


def test_each_level_is_found_where_it_was_put() -> None:
    spreads = spreads_of(drawn_errors(LAW, sources=16, models=16, accelerators=16)).deviation
    assert spreads["source"] == pytest.approx(0.3, rel=0.4)
    assert spreads["unseen model dense"] == pytest.approx(0.12, rel=0.45)
    assert spreads["unseen accelerator"] < 0.1
    assert spreads["unseen run dense"] < 0.12
    assert 0.05 < spreads["sweep dense"] < 0.09


def test_what_a_source_does_to_single_runs_is_only_in_runs_of_sources_that_are_new() -> None:
    """With their source left out the sweeps go apart by 0.4; with it in the fit they lie where they lay."""
    random, errors = np.random.default_rng(3), drawn_errors(LAW, sources=16, models=16)
    shifts = {cell: 0.4 * random.standard_normal() for cell in dict.fromkeys(e.cell for e in errors)}
    apart = [
        replace(e, logs={view: log + shifts[e.cell] * (view == "source") for view, log in e.logs.items()})
        for e in errors
    ]
    before, after = spreads_of(errors).deviation, spreads_of(apart).deviation
    assert after["unseen run dense"] > 0.3
    for name in ("seen run dense", "seen model dense", "seen accelerator", "sweep dense"):
        assert after[name] == before[name]
    assert after["seen run dense"] < 0.12


def test_rows_of_a_sweep_are_no_evidence_of_more_groups() -> None:
    """The same sweeps with five times the rows: what sources differ by stays as uncertain, so as wide."""
    few, many = (spreads_of(drawn_errors(LAW, sources=5, models=5, rows=rows)) for rows in (12, 60))
    assert few.groups == many.groups
    assert many.deviation["source"] == pytest.approx(few.deviation["source"], rel=0.1)


def test_of_few_groups_the_spread_is_drawn_towards_the_usual_one() -> None:
    none = dict.fromkeys(LAW, 0.001)
    alone, many = (spreads_of(drawn_errors(none, sources=count, models=3)).deviation["source"] for count in (1, 12))
    assert many < USUAL / 1.5
    assert USUAL / 2 < alone < 2 * USUAL


def test_accelerators_of_which_nothing_was_timed_shift_and_spread_apart_from_others() -> None:
    errors = drawn_errors(LAW, sources=8, models=8, accelerators=12)
    slow = [
        replace(e, foreign=True, logs={view: log + 0.6 for view, log in e.logs.items()})
        if int(e.accelerator[1:]) % 2
        else e
        for e in errors
    ]
    spreads, before = spreads_of(slow), spreads_of(errors)
    assert before.foreign_shift == 0
    assert 0.3 < spreads.foreign_shift < 0.7
    assert spreads.groups["accelerator foreign"] == 6


def test_one_row_that_measures_something_else_moves_little() -> None:
    errors = drawn_errors(LAW, sources=10, models=10)
    odd = [*errors[:-1], replace(errors[-1], logs=dict.fromkeys(errors[-1].logs, np.log(500.0)))]
    assert spreads_of(odd).deviation["source"] == pytest.approx(spreads_of(errors).deviation["source"], rel=0.05)
