"""Measured points → a calibration: constants between the fit's and those measured, and how sure they then are.

Catalogs hold no calibration yet; ``first`` are the figures by the constants before.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from math import exp, hypot, log, sqrt
from typing import Final

import numpy as np
from msgspec import Struct, json
from msgspec.structs import replace

from catalogs.benchmark_files import ServerMemory
from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed
from catalogs.measurement_files import Row
from catalogs.records.calibrations import CalibratedConstant, Calibration, CalibrationInput
from catalogs.records.constants import CONSTANTS
from engine.accuracy.columns import columns_of
from engine.accuracy.evidence import PredictedFigure, predicted_figures
from engine.accuracy.points import MeasuredPoint, Unpredictable, read_point
from engine.accuracy.predictions import Simulator, predict_points, read
from engine.arrays import Floats
from engine.bands.lookup import NORMAL, CaseBand, Level, band_of, new_levels
from engine.bands.posterior import NOISE, errors_of, likeliest, mean_moves, with_misfit
from engine.calibration.doubts import change_point, refuse_another_system, too_fast
from engine.calibration.limits import constants_before, physical_ends
from engine.calibration.memory import MeasuredPool, measured_pool, pool_doubts
from engine.step.calibrated import log_move, log_moves, moved

ROUNDS: Final = 6
"""Of Gauss–Newton; the last moves no constant by more than a few per cent."""
LONGEST_STEP: Final = 1.0
"""Of a round, by which the logarithm of a constant moves at most."""
ODD: Final = 2.0
"""Deviations from which a figure counts linearly: beyond it is more likely odd than informative."""
SMALLEST_SLOPE: Final = 0.003
"""Of any figure in the logarithm of a constant, below which the points say nothing of it."""
USUAL: Final = 0.2
"""Spread of step times between servers where the catalog has no band, log; judgement."""
BETWEEN_SERVERS: Final = 1.2
"""Times by which constants stray further between servers than the fit lets them: likeliest as in ``posterior``."""
OVERHEADS: Final[Mapping[str, float]] = {
    "ttft_overhead_ms": 1.5,
    "mixture_prompt_layer_overhead_us": 1.7,
    "latent_prompt_layer_overhead_us": 1.7,
}
"""The same spread of what servers spend on prompts beside kernels, which differs most, log."""


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
    pool: MeasuredPool | None = None
    """Of the server's start-up log."""


def calibrate(
    rows: Sequence[Row],
    catalog: Catalog,
    *,
    name: str,
    made: date,
    inputs: Sequence[CalibrationInput] = (),
    simulator: Simulator | None = None,
    memory: ServerMemory | None = None,
    insist: bool = False,
) -> CalibrationRun:
    """Return the calibration that measured points give.

    Args:
        rows: of measurements CSVs, of one model under one runtime on one kind of accelerator. Of a log alone, one that
            has no figures.
        catalog: with the fit; a calibration that it carries takes no part.
        name: of the calibration.
        made: the day.
        inputs: files that the rows were read from.
        simulator: of closed and open loops, for their TTFT.
        memory: of the server, by its start-up log.
        insist: take step times that lie far from any forecast.

    Raises:
        InputError: no point can be predicted, they are of several systems, or of another than they say.
    """
    catalog = catalog.with_calibration(None)
    if memory is not None and not any(columns_of(row) for row in rows):
        return _by_memory(rows[0], memory, catalog, name=name, made=made, inputs=inputs)
    points, unused = _points(rows, catalog)
    pool = measured_pool(memory, points[0], catalog) if memory else None
    empty = _empty(points, catalog, name, made, inputs, pool)
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
    calibration, figures = _posterior(prior, first, points, ends, catalog, simulator)
    calibration = _with_misfit(calibration, figures, points, catalog, simulator)
    outcomes = predict_points(points, catalog.with_calibration(calibration))
    told = {one.point for one in figures}
    unused += [
        f"{one.row['id']}: {why if isinstance(why, str) else 'its rate is too near saturation by these constants'}"
        for at, (one, why) in enumerate(zip(points, outcomes, strict=True))
        if at not in told
    ]
    doubts = (
        *impossible.values(),
        *(pool_doubts(pool) if pool else ()),
        *change_point(calibration, [one.point for one in figures], points),
    )
    return CalibrationRun(
        _hashed(calibration),
        tuple(points),
        _errors(calibration, first, figures, points[0], catalog),
        doubts,
        tuple(unused),
        pool,
    )


def _by_memory(
    row: Row, memory: ServerMemory, catalog: Catalog, *, name: str, made: date, inputs: Sequence[CalibrationInput]
) -> CalibrationRun:
    """Return the calibration that a start-up log alone gives: of memory.

    Args:
        row: of the server, without figures.
        inputs: files that were read.

    Raises:
        InputError: the server cannot be what is said.
    """
    try:
        point = read_point(row, catalog)
    except Unpredictable as reason:
        raise InputError(str(reason)) from None
    pool = measured_pool(memory, point, catalog)
    made_of = _empty([point], catalog, name, made, inputs, pool)
    return CalibrationRun(_hashed(made_of), (), (), pool_doubts(pool), (), pool)


def unmeasured(points: Sequence[MeasuredPoint], catalog: Catalog, name: str, made: date) -> Calibration:
    """Return the calibration of a server of which nothing was measured: how far its constants may stray.

    Args:
        points: of the server; their figures are not looked at.
    """
    return _with_prior(_empty(points, catalog, name, made, (), None), points, catalog.with_calibration(None))


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
    pool: MeasuredPool | None,
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
        pool_gib=_rounded(pool.more_gib) if pool else 0.0,
    )


def _with_prior(empty: Calibration, points: Sequence[MeasuredPoint], catalog: Catalog) -> Calibration:
    """Return the calibration with each constant that its points can tell something of, and how far it may stray."""
    known = constants_before(points[0], catalog)
    constants = tuple(
        CalibratedConstant(
            name=name,
            before=value,
            after=value,
            deviation=_rounded(OVERHEADS.get(name, BETWEEN_SERVERS * mark.deviation)),
        )
        for name, mark in CONSTANTS.items()
        for value in [float(getattr(known, name))]
        # What prompts cost beside their kernels is there on every runtime, whether or not its fit has seen it.
        if mark.groups and (value or (mark.start and "prompt_fixed" in mark.enters))
    )
    figures = predicted_figures(points, catalog.with_calibration(replace(empty, constants=constants)))
    if not figures:
        why = next((outcome for outcome in predict_points(points, catalog) if isinstance(outcome, str)), "")
        raise InputError(f"the points measure no ITL, TTFT or throughput that can be predicted{why and f': {why}'}")
    slopes = np.array([one.evidence.slopes for one in figures])
    told = [at for at in range(len(constants)) if np.abs(slopes[:, at]).max() > SMALLEST_SLOPE]
    band = strangers_band(points[0], figures[0].evidence.metric, catalog)
    levels: dict[Level, float] = {part.level: part.deviation**2 for part in band.parts} if band else {}
    share = levels.get("model", 0.0) + levels.get("run", 0.0)
    return replace(
        empty,
        constants=tuple(constants[at] for at in told),
        model_share=_rounded(share / sum(levels.values())) if levels else 0.5,
    )


def strangers_band(point: MeasuredPoint, metric: str, catalog: Catalog) -> CaseBand | None:
    """Return the band that a figure has on servers whose source no fit has seen; None where the catalog has none.

    Args:
        catalog: with bands, and what fits have seen.
    """
    model, accelerator = catalog.model(point.system.model).model, catalog.accelerators[point.setting.accelerator]
    new = new_levels(catalog.measured_systems, runtime=point.system.runtime, model=model.id, accelerator=accelerator.id)
    return band_of(catalog, metric, load=point.load.kind, model=model, accelerator=accelerator, new=new)


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
        ends: of each constant, by physics.

    Raises:
        InputError: the constants that the points give hold none of their loads.
    """
    calibration, figures = prior, first
    for number in range(ROUNDS):
        before = np.array([log_move(c.name, c.before, c.after) for c in calibration.constants])
        evidence = tuple(
            replace(
                one.evidence,
                log_error=_rounded(one.evidence.log_error + float(np.dot(one.evidence.slopes, before))),
                slopes=tuple(map(_rounded, one.evidence.slopes)),
            )
            for one in figures
        )
        calibration = _robust(replace(calibration, evidence=evidence))
        steps = np.clip(mean_moves(calibration) - before, -LONGEST_STEP, LONGEST_STEP)
        calibration = replace(
            calibration,
            constants=tuple(
                replace(one, after=_rounded(_within(moved(one.name, one.before, float(by)), ends[one.name])))
                for one, by in zip(calibration.constants, before + steps, strict=True)
            ),
        )
        if number < ROUNDS - 1:
            last = number == ROUNDS - 2
            figures = _figures_after(calibration, first, points, catalog, simulator if last else None)
            # A figure that was lost stays lost, so that rounds converge on the others.
            held = {_key(one) for one in figures}
            first = [one for one in first if _key(one) in held]
            if not figures:
                raise InputError(
                    "a server as slow as these points say holds none of their rates: are they of one setting?"
                )
    return calibration, figures


def _with_misfit(
    calibration: Calibration,
    figures: Sequence[PredictedFigure],
    points: Sequence[MeasuredPoint],
    catalog: Catalog,
    simulator: Simulator | None,
) -> Calibration:
    """Return the calibration with what its constants leave of steps, and of first tokens once steps have that.

    Args:
        calibration: with its evidence.
        figures: those that its evidence is made of.
    """
    moves, own = log_moves(calibration.constants), calibration.evidence
    left = [0.0 if one.metric == "ttft" else one.log_error - float(np.dot(one.slopes, moves)) for one in own]
    calibration = with_misfit(calibration, left)
    outcomes = predict_points(points, catalog.with_calibration(calibration), simulator)
    for at, one in enumerate(figures):
        outcome = outcomes[one.point] if own[at].metric == "ttft" else ""
        told = (item for item in outcome if not isinstance(item, str) and item.column == one.prediction.column)
        left[at] = next((log(item.measured / item.predicted) for item in told), left[at])
    return with_misfit(calibration, left)


def _figures_after(
    calibration: Calibration,
    first: Sequence[PredictedFigure],
    points: Sequence[MeasuredPoint],
    catalog: Catalog,
    simulator: Simulator | None,
) -> list[PredictedFigure]:
    """Return the figures by a calibration's constants, without those whose rate a server with them does not hold.

    Without a simulator a simulated figure follows the closed form: it has moved by the same factor.

    Args:
        calibration: with its constants so far.
    """
    before = {_key(one): one for one in first}
    figures = predicted_figures(points, catalog.with_calibration(replace(calibration, evidence=())), simulator)
    both = [(one, before[_key(one)]) for one in figures if _key(one) in before]
    if simulator is not None:
        return [one for one, _ in both]
    return [
        replace(
            one, evidence=replace(one.evidence, log_error=base.evidence.log_error - log(one.formula / base.formula))
        )
        for one, base in both
    ]


def _key(figure: PredictedFigure) -> tuple[int, str]:
    return figure.point, figure.prediction.column


def _within(value: float, ends: tuple[float, float]) -> float:
    return min(max(value, ends[0]), ends[1])


def _robust(calibration: Calibration) -> Calibration:
    """Return the calibration with more noise of figures that lie far from what all others say."""
    for _ in range(5):
        posterior = likeliest(calibration)
        usual_noise = np.sqrt(posterior.noise([replace(one, noise=NOISE[one.metric]) for one in calibration.evidence]))
        own_noise, scales = np.sqrt(posterior.noise(calibration.evidence)), posterior.scales(calibration.evidence)
        noise = []
        for at, one in enumerate(calibration.evidence):
            expected, covariance = posterior.left_out([at])
            spread = float(np.sqrt(covariance[0, 0] - own_noise[at] ** 2 + usual_noise[at] ** 2))
            beyond = max(abs(float(expected[0])) / (ODD * spread), 1.0)
            more = spread * sqrt(beyond**2 - 1.0) / scales[at]
            noise.append(_rounded(hypot(NOISE[one.metric], more)))
        calibration = replace(
            calibration,
            evidence=tuple(replace(one, noise=own) for one, own in zip(calibration.evidence, noise, strict=True)),
        )
    return calibration


def _errors(
    calibration: Calibration,
    first: Sequence[PredictedFigure],
    figures: Sequence[PredictedFigure],
    system: MeasuredPoint,
    catalog: Catalog,
) -> tuple[FigureErrors, ...]:
    """Return the errors of each metric before, and after with each point left out.

    Args:
        calibration: with its evidence.
        figures: those that its evidence is made of.
    """
    posterior = likeliest(calibration)
    by_fit = {_key(one): one.evidence.log_error for one in first}
    remaining: Floats = np.zeros(len(figures))
    deviation: Floats = np.zeros(len(figures))
    for point in sorted({one.point for one in figures}):
        members = [at for at, one in enumerate(figures) if one.point == point]
        remaining[members], covariance = posterior.left_out(members)
        deviation[members] = np.sqrt(np.diag(covariance))
    left = errors_of(calibration, calibration.evidence)
    z = NORMAL[5]
    errors = []
    for metric in ("itl", "ttft", "throughput"):
        own = [at for at, one in enumerate(figures) if one.evidence.metric == metric]
        if own:
            band = strangers_band(system, metric, catalog)
            after = float(np.median(np.exp(left[own, 5] - left[own, 1])))
            errors.append(
                FigureErrors(
                    metric=metric,
                    points=len(own),
                    before=float(np.median([abs(exp(-by_fit[_key(figures[at])]) - 1) for at in own])),
                    after=float(np.median(np.abs(np.exp(-remaining[own]) - 1))),
                    inside=float(np.mean(np.abs(remaining[own]) <= z * deviation[own])),
                    band_before=None if band is None else band.ends()[1] / band.ends()[0],
                    band_after=after if calibration.checked or band is None else band.ends()[1] / band.ends()[0],
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
