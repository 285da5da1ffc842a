"""Measured points → a calibration: constants between the fit's and those measured, and how sure they then are."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from math import exp, hypot
from typing import Final

import numpy as np
from msgspec import Struct, json
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed
from catalogs.measurement_files import Row
from catalogs.records.calibrations import CalibratedConstant, Calibration, CalibrationInput
from catalogs.records.constants import CONSTANTS
from engine.accuracy.evidence import PredictedFigure, predicted_figures
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Simulator, read
from engine.arrays import Floats
from engine.bands.lookup import CaseBand, Level, architecture_of, band_for, new_levels
from engine.bands.posterior import NOISE, NORMAL, Posterior
from engine.calibration.doubts import change_point, refuse_another_system, too_fast
from engine.calibration.limits import constants_before, physical_ends
from engine.step.calibrated import log_move, moved
from engine.step.rates import kernels_of

ROUNDS: Final = 3
"""Of Gauss–Newton; the last moves no constant by more than a few per cent."""
ODD: Final = 2.0
"""Deviations from which a figure counts linearly: beyond it is more likely odd than informative."""
SMALLEST_SLOPE: Final = 0.003
"""Of any figure in the logarithm of a constant, below which the points say nothing of it."""
USUAL: Final = 0.2
"""Spread of step times between servers where the catalog has no band, log; judgement."""
SPREADS: Final = (1.0, 0.5, 0.25)
"""Shares of the usual spread of constants, of which the likeliest is taken."""
WIDEST: Final = 2.0
"""Times by which the usual spread of constants is widened or narrowed at most, to agree with the spread of sources."""


class FigureErrors(Struct, frozen=True):
    """Errors of one metric over a calibration's points: medians of |predicted/measured − 1|, and widths of bands."""

    metric: str
    points: int
    before: float
    after: float
    """Each point by all others."""
    inside: float
    """Share of them within the band of 80 % that the others gave."""
    band_before: float | None
    """From the low end to the high end of the band of 80 %; null where the catalog has none."""
    band_after: float
    """At the points, with all of them."""


class CalibrationRun(Struct, frozen=True):
    """A calibration, and what there is to say of it."""

    calibration: Calibration
    points: tuple[MeasuredPoint, ...]
    errors: tuple[FigureErrors, ...]
    doubts: tuple[str, ...]
    """Points that physics does not allow, and where the server seems to have changed."""
    unused: tuple[str, ...]
    """Points that could not be predicted, with the reason."""


def calibrate(
    rows: Sequence[Row],
    catalog: Catalog,
    *,
    name: str,
    made: date,
    inputs: Sequence[CalibrationInput] = (),
    simulator: Simulator | None = None,
    pool_gib: float = 0.0,
    insist: bool = False,
) -> CalibrationRun:
    """Return the calibration that measured points give.

    Args:
        rows: of measurements CSVs, of one model under one runtime on one kind of accelerator.
        catalog: with the fit; a calibration that it carries takes no part.
        name: of the calibration.
        made: the day.
        inputs: files that the rows were read from.
        simulator: of closed and open loops, for their TTFT.
        pool_gib: by which the KV pool was measured larger than computed.
        insist: take step times that lie far from any forecast.

    Raises:
        InputError: no point can be predicted, they are of several systems, or of another than they say.
    """
    catalog = catalog.with_calibration(None)
    points, unused = _points(rows, catalog)
    empty = _empty(points, catalog, name, made, inputs, pool_gib)
    prior = _with_prior(empty, points, catalog)
    ends = physical_ends(points[0], catalog)
    impossible = too_fast(points, prior, ends, catalog)
    kept = [index for index in range(len(points)) if index not in impossible]
    if len(kept) < len(points) / 2:
        raise InputError(
            next(iter(impossible.values())) + "; is it another accelerator, model, precision or parallelism?"
        )
    points = [points[index] for index in kept]
    first = predicted_figures(points, catalog.with_calibration(prior), simulator)
    if not insist:
        band = strangers_band(points[0], first[0].evidence.metric, catalog)
        refuse_another_system(first, points, hypot(*(part.deviation for part in band.parts)) if band else USUAL)
    prior = _likeliest(prior, first)
    calibration, figures = _posterior(prior, first, points, ends, catalog, simulator)
    doubts = (*impossible.values(), *change_point(calibration, [one.point for one in figures], points))
    return CalibrationRun(
        _hashed(calibration), tuple(points), _errors(calibration, first, points[0], catalog), doubts, tuple(unused)
    )


def _points(rows: Sequence[Row], catalog: Catalog) -> tuple[list[MeasuredPoint], list[str]]:
    """Return the points that can be read, all of one system's runtime, accelerator and model, and why others cannot."""
    readings = [read(row, catalog) for row in rows]
    points = [reading for reading in readings if isinstance(reading, MeasuredPoint)]
    unused = [f"{row['id']}: {one}" for row, one in zip(rows, readings, strict=True) if isinstance(one, str)]
    if not points:
        raise InputError(f"no point can be predicted: {unused[0]}" if unused else "there is no point to calibrate on")
    for what, names in (
        ("serving runtimes", {point.system.runtime for point in points}),
        ("accelerators", {point.setting.accelerator for point in points}),
        ("models", {catalog.model(point.system.model).model.id for point in points}),
    ):
        if len(names) > 1:
            raise InputError(f"the points are of several {what}, {listed(sorted(names))}: calibrate on one at a time")
    return points, unused


def _empty(
    points: Sequence[MeasuredPoint],
    catalog: Catalog,
    name: str,
    made: date,
    inputs: Sequence[CalibrationInput],
    pool_gib: float,
) -> Calibration:
    """Return a calibration that moves nothing."""
    first = points[0]
    return Calibration(
        id=name,
        made=made,
        runtime=first.system.runtime,
        version=first.system.version,
        accelerator=first.setting.accelerator,
        model=catalog.model(first.system.model).model.id,
        model_share=0.0,
        inputs=tuple(inputs),
        pool_gib=pool_gib,
    )


def _with_prior(empty: Calibration, points: Sequence[MeasuredPoint], catalog: Catalog) -> Calibration:
    """Return the calibration with each constant that its points can tell something of, and their spread.

    Constants stray as their marks say, all by one factor that makes ITL as unsure as between the levels of errors that
    are new here: sources, and models and accelerators that the fit has not seen.
    """
    known = constants_before(points[0], catalog)
    constants = tuple(
        CalibratedConstant(name=name, before=value, after=value, deviation=mark.deviation)
        for name, mark in CONSTANTS.items()
        for value in [float(getattr(known, name))]
        # What prompts cost beside their kernels is there on every runtime, whether or not its fit has seen it.
        if mark.groups and (value or (mark.start and "prompt_fixed" in mark.enters))
    )
    figures = predicted_figures(points, catalog.with_calibration(replace(empty, constants=constants)))
    if not figures:
        raise InputError("the points measure no ITL, TTFT or throughput that can be predicted")
    slopes = np.array([one.evidence.slopes for one in figures])
    told = [at for at in range(len(constants)) if np.abs(slopes[:, at]).max() > SMALLEST_SLOPE]
    constants, slopes = tuple(constants[at] for at in told), slopes[:, told]
    steps = np.array([one.evidence.metric != "ttft" for one in figures])
    band = strangers_band(points[0], figures[0].evidence.metric, catalog)
    levels: dict[Level, float] = {part.level: part.deviation**2 for part in band.parts} if band else {}
    usual = float(np.mean((slopes[steps] ** 2) @ [c.deviation**2 for c in constants])) if steps.any() else 0.0
    scale = float(np.clip(np.sqrt(sum(levels.values()) / usual), 1 / WIDEST, WIDEST)) if usual and levels else 1.0
    share = levels.get("model", 0.0) + levels.get("run", 0.0)
    return replace(
        empty,
        constants=tuple(replace(c, deviation=_rounded(c.deviation * scale)) for c in constants),
        model_share=_rounded(share / sum(levels.values())) if levels else 0.5,
    )


def _likeliest(prior: Calibration, first: Sequence[PredictedFigure]) -> Calibration:
    """Return the calibration with the spread of its constants under which its figures are likeliest.

    On a server as the fit has it constants stay near the fit's, however few the points.

    Args:
        prior: with the usual spread.
        first: figures by the constants before.
    """
    evidence = tuple(one.evidence for one in first)
    narrowed = [
        replace(prior, constants=tuple(replace(c, deviation=_rounded(c.deviation * share)) for c in prior.constants))
        for share in SPREADS
    ]
    return max(narrowed, key=lambda one: Posterior(replace(one, evidence=evidence)).log_likelihood)


def strangers_band(point: MeasuredPoint, metric: str, catalog: Catalog) -> CaseBand | None:
    """Return the band that a figure has on servers whose source no fit has seen; None where the catalog has none.

    Args:
        point: of the system.
        metric: that is predicted.
        catalog: with bands, and what fits have seen.
    """
    model, accelerator = catalog.model(point.system.model).model, catalog.accelerators[point.setting.accelerator]
    return band_for(
        catalog.bands,
        metric,
        load=point.load.kind,
        architecture=architecture_of(model),
        kernels=kernels_of(accelerator, catalog.accelerators),
        new=new_levels(
            catalog.measured_systems, runtime=point.system.runtime, model=model.id, accelerator=accelerator.id
        ),
    )


def _posterior(
    prior: Calibration,
    first: Sequence[PredictedFigure],
    points: Sequence[MeasuredPoint],
    ends: Mapping[str, tuple[float, float]],
    catalog: Catalog,
    simulator: Simulator | None,
) -> tuple[Calibration, Sequence[PredictedFigure]]:
    """Return the calibration after its evidence, and the figures that it is made of.

    Args:
        prior: with its constants as the fit has them.
        first: figures by the prior.
        points: that were measured.
        ends: of each constant, by physics.
        catalog: without a calibration.
        simulator: as in ``calibrate``.
    """
    calibration, figures = prior, first
    for number in range(ROUNDS):
        moves = np.array([log_move(c.name, c.before, c.after) for c in calibration.constants])
        evidence = tuple(
            replace(
                one.evidence,
                log_error=_rounded(one.evidence.log_error + float(np.dot(one.evidence.slopes, moves))),
                slopes=tuple(map(_rounded, one.evidence.slopes)),
            )
            for one in figures
        )
        calibration = _robust(replace(calibration, evidence=evidence))
        mean = Posterior(calibration).mean
        calibration = replace(
            calibration,
            constants=tuple(
                replace(one, after=_rounded(_within(moved(one.name, one.before, float(by)), ends[one.name])))
                for one, by in zip(calibration.constants, mean, strict=True)
            ),
        )
        if number < ROUNDS - 1:
            figures = predicted_figures(points, catalog.with_calibration(calibration), simulator)
    return calibration, figures


def _within(value: float, ends: tuple[float, float]) -> float:
    return min(max(value, ends[0]), ends[1])


def _robust(calibration: Calibration) -> Calibration:
    """Return the calibration with more noise of figures that lie far from what all others say."""
    for _ in range(5):
        posterior = Posterior(calibration)
        noise = []
        for at, one in enumerate(calibration.evidence):
            expected, covariance = posterior.left_out([at])
            usual = NOISE[one.metric]
            spread = float(np.sqrt(covariance[0, 0] - one.noise**2 + usual**2))
            beyond = abs(float(expected[0])) / (ODD * spread)
            noise.append(_rounded(float(np.sqrt(spread**2 * max(beyond, 1.0) ** 2 - spread**2 + usual**2))))
        calibration = replace(
            calibration,
            evidence=tuple(replace(one, noise=own) for one, own in zip(calibration.evidence, noise, strict=True)),
        )
    return calibration


def _errors(
    calibration: Calibration, first: Sequence[PredictedFigure], system: MeasuredPoint, catalog: Catalog
) -> tuple[FigureErrors, ...]:
    """Return the errors of each metric before, and after with each point left out.

    Args:
        calibration: with its evidence.
        first: figures by the constants before.
        system: a point of it.
        catalog: without a calibration.
    """
    posterior = Posterior(calibration)
    remaining: Floats = np.zeros(len(first))
    deviation: Floats = np.zeros(len(first))
    for point in sorted({one.point for one in first}):
        members = [at for at, one in enumerate(first) if one.point == point]
        remaining[members], covariance = posterior.left_out(members)
        deviation[members] = np.sqrt(np.diag(covariance))
    _, left = posterior.errors_of(calibration.evidence)
    z = NORMAL[5]
    errors = []
    for metric in ("itl", "ttft", "throughput"):
        own = [at for at, one in enumerate(first) if one.evidence.metric == metric]
        if own:
            band = strangers_band(system, metric, catalog)
            errors.append(
                FigureErrors(
                    metric=metric,
                    points=len(own),
                    before=float(np.median([abs(exp(-first[at].evidence.log_error) - 1) for at in own])),
                    after=float(np.median(np.abs(np.exp(-remaining[own]) - 1))),
                    inside=float(np.mean(np.abs(remaining[own]) <= z * deviation[own])),
                    band_before=None if band is None else band.ends()[1] / band.ends()[0],
                    band_after=float(np.median(np.exp(2 * z * np.sqrt(np.diag(left)[own])))),
                )
            )
    return tuple(errors)


def _rounded(value: float) -> float:
    """Return a value with the digits that a plan keeps, so that one read from a file is the same."""
    return float(f"{value:.6g}")


def _hashed(calibration: Calibration) -> Calibration:
    return replace(calibration, sha256=digest_of(calibration))


def digest_of(calibration: Calibration) -> str:
    """Return the digest of all that a calibration says but this."""
    return hashlib.sha256(json.encode(replace(calibration, sha256=""))).hexdigest()[:16]
