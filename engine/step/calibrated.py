"""Constants of a calibrated server: in place of the fit's for its own model, drawn towards the fit's for others."""

from collections.abc import Iterable
from math import exp, log
from typing import Any, Final

from msgspec.structs import replace

from catalogs.records.accelerators import Accelerator
from catalogs.records.calibrations import CalibratedConstant, Calibration
from catalogs.records.constants import CONSTANTS
from catalogs.records.fitted import FittedConstants, StatedConstants
from catalogs.records.runtimes import ServingRuntime
from engine.step.rates import constants_for


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
