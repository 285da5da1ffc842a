"""Advice: each figure is what the changed question costs, and nothing is advised that changes nothing."""

import re
from typing import Any

import numpy as np
import pytest

from catalogs.catalog import Catalog
from catalogs.units import show_usd
from engine import spec_from
from engine.choice.advice import ACCEPTED, DRAFTED, Advice, advice, latency_class
from engine.choice.options import Option, options
from engine.workload import Target, WorkloadSpec

CATALOG = Catalog.load()


def asked(**more: Any) -> WorkloadSpec:
    values = {
        "model": "llama-3.1-70b",
        "traffic.requests_per_s": 30,
        "traffic.peak_factor": 2,
        "tokens.input.mean": 3000,
        "tokens.output.mean": 300,
        "hardware.accelerators": ["h100-sxm-80gb"],
        "precision.weights": "bf16",
        "targets": [
            {"metric": "ttft", "percentile": "p95", "seconds": 2.0},
            {"metric": "itl", "percentile": "p95", "seconds": 0.08},
        ],
    }
    return spec_from(values | {path.replace("__", "."): value for path, value in more.items()})


def best_of(spec: WorkloadSpec) -> tuple[Option, tuple[Advice, ...]]:
    found = options(spec, CATALOG, terms=())
    best = found.best("cost", spec.money.term)[0]
    return best, advice(found, best)


def cost(**more: Any) -> float:
    return options(asked(**more), CATALOG, terms=()).best("cost", "on_demand")[0].measure("cost")


def test_each_saving_is_what_the_changed_question_costs() -> None:
    best, all_ = best_of(asked())
    saved = {one.change: one.monthly_usd for one in all_}
    usd = best.measure("cost")
    for change, otherwise in {
        "20 % of the answers from a cache": {"traffic__requests_per_s": 24},
        "50 % of prompt tokens found in the prefix cache": {"tokens__prefix_hit": 0.5},
        "answers 25 % shorter": {"tokens__output__mean": 225},
        "work that can wait run in quiet hours": {"traffic__peak_factor": 1},
        "weights in FP8": {"precision__weights": "fp8"},
        "a pipeline of 2 stages over nodes (--pp 2; what their network costs is judgement)": {
            "serving__pipeline_parallel": 2
        },
    }.items():
        worth = usd - cost(**otherwise)
        assert saved.get(change, 0.0) == pytest.approx(worth if worth > 0.01 * usd else 0.0), change
    assert len(saved) >= 4
    savings = [one.monthly_usd for one in all_]
    assert savings == sorted(savings, reverse=True)
    assert all(one.monthly_usd > 0.01 * usd or one.note for one in all_)


def test_what_is_so_already_is_not_advised() -> None:
    _, all_ = best_of(asked(tokens__prefix_hit=0.6, traffic__peak_factor=1, precision__weights="fp8"))
    said = " ".join(one.change for one in all_)
    assert "prefix" not in said and "quiet hours" not in said and "FP8" not in said


def test_speculation_pays_for_small_batches_by_no_more_than_what_is_accepted() -> None:
    few = asked(traffic__requests_per_s=0.5, traffic__peak_factor=1)
    (one,) = (one for one in best_of(few)[1] if "speculative" in one.change)
    before, after = (float(text.split(" ms")[0].split()[-1]) for text in one.note.split("→"))
    gain = (1 - ACCEPTED ** (DRAFTED + 1)) / (1 - ACCEPTED)
    assert before / gain <= after < before


def test_rare_traffic_is_scaled_to_zero_and_steady_traffic_is_not() -> None:
    rare = best_of(asked(traffic__requests_per_s=1e-4, targets=[]))
    (one,) = (one for one in rare[1] if "zero" in one.change)
    assert 0.8 * rare[0].measure("cost") < one.monthly_usd < rare[0].measure("cost")
    assert not any("zero" in one.change for one in best_of(asked(traffic__requests_per_s=0.5))[1])


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([], "no latency"),
        ([{"metric": "ttft", "percentile": "p95", "seconds": 1}], "interactive"),
        ([{"metric": "e2e", "percentile": "p95", "seconds": 20}], "standard"),
        ([{"metric": "e2e", "percentile": "p95", "seconds": 3600}], "batch"),
        ([{"metric": "ttft", "percentile": "p95", "seconds": 10}], "standard"),
    ],
)
def test_the_latency_class_is_said_in_words(targets: list[dict[str, Any]], said: str) -> None:
    spec = asked(targets=targets)
    assert latency_class(spec, spec.targets).startswith(said)
    assert "by default" not in latency_class(spec, spec.targets)


def test_targets_that_hold_by_default_make_the_class_and_are_named() -> None:
    stated = asked(targets=[{"metric": "itl", "percentile": "p95", "seconds": 0.05}])
    said = latency_class(stated, (*stated.targets, Target(metric="ttft", percentile="p95", seconds=2.0)))
    assert said == "interactive: somebody reads along (TTFT p95 within 2 s by default)"


def test_adapters_of_one_base_are_set_against_a_fleet_for_each_fine_tune() -> None:
    """Rare traffic of four models: four fleets, or one base for all of them."""
    best, all_ = best_of(asked(model="llama-3.1-8b", traffic__requests_per_s=2))
    assert best.accelerators == 1
    (one,) = [one for one in all_ if "LoRA adapters" in one.change]
    quarter = best_of(asked(model="llama-3.1-8b", traffic__requests_per_s=0.5))[0]
    assert one.note.startswith(f"1 GPU, {show_usd(best.measure('cost'))} a month")
    assert one.note.endswith(f"{4 * quarter.accelerators}, {show_usd(4 * quarter.measure('cost'))}")


def test_other_costs_are_paid_once_however_many_models_are_tuned() -> None:
    def note(other: float) -> str:
        _, all_ = best_of(asked(model="llama-3.1-8b", traffic__requests_per_s=2, money__other_monthly_usd=other))
        return next(one.note for one in all_ if "LoRA adapters" in one.change)

    amounts = [
        [float(found.replace(",", "")) for found in re.findall(r"\$([\d,]+)", note(other))] for other in (0, 500)
    ]
    assert np.diff(amounts, axis=0)[0] == pytest.approx([500, 500], abs=1)
