"""A calibrated server: its constants in place of the fit's for its own model, drawn towards the fit's for others; and
what these leave of figures near the measured loads."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from catalogs.records.accelerators import Accelerator
from catalogs.records.calibrations import CalibratedConstant, Calibration, Metric
from catalogs.records.constants import CONSTANTS
from catalogs.records.fitted import FittedConstants, StatedConstants
from catalogs.records.runtimes import ServingRuntime
from engine.arrays import Floats
from engine.step.rates import constants_for

OFFSET: Final[Mapping[Metric, float]] = {"itl": 0.02, "ttft": 0.25, "throughput": 0.02}
"""Standard deviation of what constants cannot mend and all loads share, log. This and what follows is likeliest,
runtimes and models weighed alike, on 43 sweeps of published measurements with their sources left out of the fit, others
than those that calibrations are judged on; throughput is taken as ITL."""
MISFIT: Final[Mapping[Metric, float]] = {"itl": 0.055, "ttft": 0.1, "throughput": 0.055}
"""The same of what differs from load to load, times a server's scale."""
REACH: Final = (1.6, 1.0, 2.0)
"""Logarithms of ratios of requests in flight, prompts and answers at which misfits are no longer much alike."""


def with_calibration(
    fitted: Iterable[FittedConstants],
    calibration: Calibration | None,
    runtime: ServingRuntime,
    accelerator: Accelerator,
    model: str,
) -> tuple[FittedConstants, ...]:
    """Return fitted constants with those of a calibration, where it speaks of a runtime on an accelerator.

    Args:
        calibration: of somebody's server, if any.
        model: its id; another than the calibration's is moved only by the share that belongs to the server.
    """
    fitted = tuple(fitted)
    if calibration is None or not calibration.constants or not calibration.speaks_of(runtime.id, accelerator.id):
        return fitted
    known = constants_for(runtime, accelerator, fitted)
    share = 1.0 if model == calibration.model else 1.0 - calibration.model_share
    values: dict[str, float] = {}
    for constant in calibration.constants:
        before = float(getattr(known, constant.name))
        value = moved(constant.name, before, share * log_move(constant.name, before, constant.after))
        values[constant.name] = value / before if CONSTANTS[constant.name].multiplies else value
    stated: dict[str, Any] = {"id": calibration.id, "runtimes": (runtime.id,), "accelerators": (accelerator.id,)}
    stated |= {"fitted_on": "a calibration", **values}
    return (*fitted, StatedConstants(**stated))


def moved(name: str, before: float, log_by: float) -> float:
    """Return a constant moved by a logarithm; one that is 0 grows from there by its usual size.

    Args:
        before: its value, in its own unit.
    """
    return before * exp(log_by) if before else max(CONSTANTS[name].start * (exp(log_by) - 1.0), 0.0)


def log_move(name: str, before: float, after: float) -> float:
    """Return by which logarithm a constant moved: the inverse of ``moved``.

    Args:
        name: of the constant.
        before: its value, in its own unit.
        after: the same, after it moved.
    """
    if before:
        return log(max(after, before * 1e-6) / before)
    return log(1.0 + after / CONSTANTS[name].start) if CONSTANTS[name].start else 0.0


STEP: Final = 0.05
"""By which a constant's logarithm moves for a slope."""


def moved_singly(calibration: Calibration) -> list[Calibration]:
    """Return the calibration with each of its constants moved alone, by ``STEP``."""
    moves = log_moves(calibration.constants)
    return [
        replace(
            calibration,
            constants=tuple(
                replace(one, after=moved(one.name, one.before, moves[at] + STEP)) if at == this else one
                for at, one in enumerate(calibration.constants)
            ),
        )
        for this in range(len(moves))
    ]


def log_moves(constants: Iterable[CalibratedConstant]) -> list[float]:
    """Return by which logarithm each constant of a calibration moved."""
    return [log_move(one.name, one.before, one.after) for one in constants]


def setting_name(weights: str, tp: int, pp: int, dp: int, ep: int) -> str:
    """Return the name of a server's setting, within which misfits are alike: 'fp8 TP4'.

    Args:
        weights: the id of their precision.
        tp: tensor parallelism; then pipeline, data and expert parallelism.
        pp: stages.
        dp: ranks.
        ep: ranks.
    """
    sizes = {"TP": tp, "PP": pp, "DP": dp, "EP": ep}
    return weights + "".join(f" {name}{size}" for name, size in sizes.items() if size > 1)


def likeness(loads: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> Floats:
    """Return how much alike misfits are at loads (requests in flight, prompt, answer): (loads, others), at most 1."""
    apart = (np.log(loads)[:, None, :] - np.log(others)[None, :, :]) / np.array(REACH)
    return np.asarray(np.exp(-0.5 * (apart**2).sum(axis=2)), dtype=np.float64)


def paces(calibration: Calibration, setting: str, lengths: tuple[float, float], most: Floats) -> Floats:
    """Return times that steps, and first tokens beyond that, take by what constants leave, with so many in flight.

    Beyond as many as were measured in the setting they stay. Steps follow throughput where no ITL was measured.

    Args:
        setting: the server's, as ``setting_name`` has it.
        lengths: of prompts and answers, tokens.
        most: requests in flight.
    """

    def left(metric: Metric) -> Floats | None:
        own = [one for one in calibration.evidence if one.metric == metric and one.setting == setting]
        if not own:
            return None
        there = [(one.in_flight, one.input_tokens, one.output_tokens) for one in own]
        loads = [(min(max(many, 1.0), max(there)[0]), *lengths) for many in most.tolist()]
        near, shared = (np.array([getattr(one, name) for one in own]) for name in ("near", "shared"))
        result: Floats = MISFIT[metric] ** 2 * (likeness(loads, there) @ near) + OFFSET[metric] ** 2 * shared.sum()
        return result

    itl, ttft, throughput = (left(metric) for metric in ("itl", "ttft", "throughput"))
    steps = itl if itl is not None else np.zeros(len(most)) if throughput is None else -throughput
    return np.exp([steps, np.zeros(len(most)) if ttft is None else ttft])
