"""A plan on a calibrated server: whether the calibration speaks of it, the bands that it leaves, and warnings."""

from collections.abc import Iterator, Mapping

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed
from catalogs.records.calibrations import Calibration, Evidence, Metric
from engine.arrays import Floats
from engine.bands.lookup import CaseBand
from engine.bands.posterior import MEDIAN, NOISE, band_of, errors_of, likeliest
from engine.fleet.candidates import measure, rates_of
from engine.plan import CapacityPlan
from engine.planning.verdict import ChosenFleet
from engine.question.resolve import Question
from engine.replica.latencies import mean_latency
from engine.step.calibrated import STEP, moved_singly, setting_name

SHARED = ("source", "accelerator")
"""Levels of errors that are a server's and not a model's: what one model's calibration takes away from another."""


def catalog_of(plan: CapacityPlan, catalog: Catalog) -> Catalog:
    """Return the catalog with the calibration that a plan was made with, unless it brings one of its own."""
    carried = plan.provenance.calibration
    return catalog if carried is UNSET or catalog.calibration else catalog.with_calibration(carried)


def check_calibration(question: Question) -> None:
    """Refuse a calibration of another runtime, or of an accelerator that the question does not allow.

    Raises:
        InputError: nothing that it says would be used.
    """
    calibration, runtime = question.catalog.calibration, question.runtime
    if calibration is None:
        return
    of = f"the calibration {calibration.id} is of {calibration.runtime} on {calibration.accelerator}"
    if calibration.runtime != runtime.id:
        raise InputError(
            f"{of}, and the question is about {runtime.id}, whose constants are others: --runtime "
            f"{calibration.runtime}, or leave --calibration out"
        )
    accelerators = [accelerator.id for accelerator in question.accelerators]
    if calibration.accelerator not in accelerators:
        raise InputError(
            f"{of}, and the question is about {listed(accelerators)}: --gpu-type {calibration.accelerator}, or leave "
            "--calibration out"
        )


def applied(question: Question, accelerator: str) -> Calibration | None:
    """Return the calibration behind a question's constants on an accelerator; None where there is none.

    Args:
        question: with its catalog.
    """
    calibration = question.catalog.calibration
    return calibration if calibration and calibration.speaks_of(question.runtime.id, accelerator) else None


def calibration_warnings(question: Question, accelerator: str) -> Iterator[str]:
    """Yield what of a calibration does not fit a plan.

    Args:
        accelerator: the id of the chosen one.
    """
    calibration = question.catalog.calibration
    if calibration is None:
        return
    if not calibration.speaks_of(question.runtime.id, accelerator):
        yield f"the calibration {calibration.id} is of {calibration.accelerator} and says nothing of {accelerator}"
        return
    if calibration.model != question.model.id:
        yield (
            f"the calibration {calibration.id} is of {calibration.model}: it helps {question.model.id} only by what "
            f"both share on one server, {1 - calibration.model_share:.0%} of what the fit does not know"
        )
    if calibration.version and calibration.version != question.runtime.version:
        yield (
            f"the calibration {calibration.id} was measured under {calibration.runtime} {calibration.version}, and "
            f"this plans {question.runtime.version}: measure again, or name --runtime "
            f"{calibration.runtime}@{calibration.version}"
        )


def calibrated_bands(chosen: ChosenFleet, bands: Mapping[str, CaseBand]) -> dict[str, CaseBand]:
    """Return the bands of a fleet's figures with what a calibration knows; as they are without one.

    Of the calibration's own model they are its posterior at the peak's load; of another what the server had made
    unsure shrinks as it did for the calibrated one. A single point, which nothing checked, narrows no band.

    Args:
        chosen: the fleet.
        bands: of the figures without a calibration.
    """
    question, accelerator = chosen.question, chosen.candidate.candidates.accelerator(0)
    calibration = applied(question, accelerator.id)
    if calibration is None or not calibration.checked:
        return dict(bands)
    if calibration.model != question.model.id:
        left = likeliest(calibration).share_left
        return {
            metric: replace(
                band,
                parts=tuple(
                    replace(part, deviation=part.deviation * left) if part.level in SHARED else part
                    for part in band.parts
                ),
            )
            for metric, band in bands.items()
        }
    figures = _figures_at_peak(chosen, calibration)
    # About their medians: what constants leave of these figures is in them.
    itl, ttft, between = (errors - errors[MEDIAN] for errors in errors_of(calibration, figures))
    # What makes steps longer makes a replica carry less.
    errors = {"itl": itl, "ttft": ttft, "throughput": -between[::-1]}
    return {metric: band_of(own, len(calibration.evidence)) for metric, own in errors.items()}


def _figures_at_peak(chosen: ChosenFleet, calibration: Calibration) -> list[Evidence]:
    """Return ITL, TTFT and the time between requests of a replica at the peak, with their slopes."""
    base = _logs_at_peak(chosen, calibration)
    moves = np.array([_logs_at_peak(chosen, one) for one in moved_singly(calibration)])
    slopes = (moves - base) / STEP
    question, sizes = chosen.question, chosen.candidate.candidates.parallelism.sizes()
    figures: tuple[tuple[Metric, int], ...] = (("itl", 0), ("ttft", 1), ("itl", 2))
    return [
        Evidence(
            setting=setting_name(question.weights.id, *sizes),
            in_flight=max(chosen.points.at_peak.in_flight, 1.0),
            input_tokens=question.lengths.prompt.mean,
            output_tokens=question.lengths.output.mean,
            metric=metric,
            log_error=0.0,
            noise=NOISE[metric],
            slopes=tuple(map(float, slopes[:, column])),
        )
        for metric, column in figures
    ]


def _logs_at_peak(chosen: ChosenFleet, calibration: Calibration) -> Floats:
    """Return the logarithms of ITL, TTFT and the time between requests of a replica with the peak's batch."""
    candidates = chosen.candidate.candidates
    question = replace(chosen.question, catalog=chosen.question.catalog.with_calibration(calibration))
    accelerator = candidates.accelerator(0)
    moved = measure(
        question,
        (accelerator,),
        (rates_of(question, accelerator),),
        np.zeros(1, dtype=np.int64),
        candidates.parallelism,
    )
    replicas = moved.replicas()
    load = replicas.at(np.array([[max(chosen.points.at_peak.batch, float(replicas.smallest_batch[0, 0]))]]))
    itl, ttft = (float(mean_latency(load, metric)[0, 0]) for metric in ("itl", "ttft"))
    return np.log([itl, ttft, 1.0 / float(load.requests_per_s[0, 0])])
