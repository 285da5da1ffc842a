"""What cannot be of measured points: figures that physics forbids, another system than was named, a changed server."""

from collections.abc import Mapping, Sequence
from math import exp, log
from statistics import median
from typing import Final

import numpy as np
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.calibrations import Calibration
from engine.accuracy.evidence import METRIC_OF, PredictedFigure
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import is_burst, predict_points
from engine.bands.posterior import NOISE, likeliest
from engine.calibration.limits import fastest

MARGIN: Final = 0.9
"""Share of the least possible latency below which a figure is impossible, and not merely fast for the formulas."""
FAR: Final = 3.0
"""Deviations from the forecast of the median step time, beyond which the points are of another system."""
STEP_DEVIATION: Final = 0.3
"""Of the logarithm of speed when a server changes: a restart with other flags, another load beside it; judgement."""
SURE: Final = 5.0
"""Gain in log likelihood from which a change is named: 150 to 1."""
FEWEST: Final = 2
"""Points on either side of a change."""


def too_fast(
    points: Sequence[MeasuredPoint], calibration: Calibration, ends: Mapping[str, tuple[float, float]], catalog: Catalog
) -> dict[int, str]:
    """Return the points that are faster than the accelerator's peaks allow without any overhead, each with a sentence.

    Args:
        points: that were measured.
        calibration: whose constants are moved to their ends.
        ends: of each constant, by physics.
        catalog: without a calibration.
    """
    values = fastest(calibration.constants, ends)
    best = replace(calibration, constants=tuple(replace(c, after=values[c.name]) for c in calibration.constants))
    found = {}
    bounded = [_decoding_alone(point) if is_burst(point) else point for point in points]
    for index, outcome in enumerate(predict_points(bounded, catalog.with_calibration(best))):
        for item in () if isinstance(outcome, str) else outcome:
            # TTFT may skip prompts that are cached, which no peak forbids.
            if METRIC_OF.get(item.column) == "itl" and 0 < item.measured < MARGIN * item.predicted:
                found[index] = (
                    f"{points[index].row['id']}: {item.column} {item.measured:.3g} is faster than the memory bandwidth "
                    f"of {points[index].setting.accelerator} allows for {points[index].system.model} "
                    f"({item.predicted:.3g} at least)"
                )
    return found


def _decoding_alone(point: MeasuredPoint) -> MeasuredPoint:
    """Return a burst as a batch that decodes together with no prompt aboard, as large as the burst's on average.

    Prompts come first there and hardly meet decoding; by Little's law as many decode as requests a second times the
    time that each decodes.
    """
    row = point.row
    itl_s = float(row["itl_ms_mean"] or row["itl_ms_median"] or 0) / 1e3
    rate = float(row["requests_per_s"] or 0) or float(row["output_tokens_per_s"] or 0) / point.load.output
    together = round(rate * itl_s * (point.load.output - 1)) or point.together
    batch = max(min(together, point.together), point.replicas)
    return replace(point, load=replace(point.load, kind="static_batch"), together=batch)


def refuse_another_system(figures: Sequence[PredictedFigure], points: Sequence[MeasuredPoint], spread: float) -> None:
    """Refuse points whose step times are of another system than was named.

    Args:
        figures: by the fit's constants.
        points: that were measured.
        spread: by which servers differ, a standard deviation of the logarithm of step times.

    Raises:
        InputError: their steps lie further from the forecast than servers differ.
    """
    errors = [
        -one.evidence.log_error if one.evidence.metric == "throughput" else one.evidence.log_error
        for one in figures
        if one.evidence.metric != "ttft"
    ]
    if not errors or abs(typical := median(errors)) <= FAR * spread:
        return
    first = points[0]
    raise InputError(
        f"steps took {exp(typical):.2g} times as long as forecast for {first.system.model} under "
        f"{first.system.runtime_name} on {first.setting.accelerator}, further than servers of one kind differ: name "
        "the model, precision, accelerator and parallelism that were measured, or --insist on them"
    )


def change_point(calibration: Calibration, members: Sequence[int], points: Sequence[MeasuredPoint]) -> tuple[str, ...]:
    """Return a sentence where the points before and after one of them, in their order, are of different speed.

    Args:
        calibration: with its evidence.
        members: of each piece of evidence, the index of its point.
        points: in the order in which they were measured.
    """
    # What was taken for noise may be the change.
    evidence = tuple(replace(one, noise=NOISE[one.metric]) for one in calibration.evidence)
    posterior = likeliest(replace(calibration, evidence=evidence))
    errors, inverse = posterior.log_errors, posterior.inverse
    steps = np.array([float(one.metric != "ttft") for one in evidence])
    gains: list[tuple[float, float, int]] = []
    for first in range(FEWEST, len(points) - FEWEST + 1):
        later = np.array([float(member >= first) for member in members])
        for after in (later, later * steps):
            precision, projected = float(after @ inverse @ after), float(after @ inverse @ errors)
            total = precision + STEP_DEVIATION**-2
            gain = 0.5 * projected**2 / total - 0.5 * log(1 + STEP_DEVIATION**2 * precision)
            gains.append((gain, projected / total, first))
    gain, step, first = max(gains, default=(0.0, 0.0, 0))
    if gain < SURE:
        return ()
    return (
        f"from {points[first].row['id']} on figures lie {abs(exp(step) - 1):.0%} {'higher' if step > 0 else 'lower'}"
        " than before, which the load does not explain: a restart with other settings, or another load on the server?",
    )
