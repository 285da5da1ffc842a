"""Error bands from left-out errors, and the test that they hold what they say where nobody measured.

Whole families of models, whole accelerators and whole sources are left out, one at a time: the spreads of all levels
come from the rest, the errors from fits that had not seen it. Errors in units of the spread that they should have then
give the quantiles, which those of the unit itself never enter when it is judged.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from catalogs.records.fitted import ErrorBand, MeasuredSystem, Spread
from catalogs.records.validation import record_of
from engine.arrays import Floats
from engine.bands.lookup import ENDS, Level, band_for, new_levels
from engine.fitting.spread import LeftOutError, Spreads, spreads_of

PROBABILITIES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
METRICS = ("throughput", "itl", "ttft", "stream")
"""Throughput first: its accelerators stand in where others have too few."""
FEWEST_FOREIGN = 3
"""Foreign accelerators below which a figure takes their spread from throughput, which more of them were measured in."""
MIRRORED = 0.5
"""How much an error's mirror image counts beside it: units are few, and on which side the odd ones lie is half chance
(judgement; anything from 0 to 1 covers left-out units as well within 4 %)."""
NORMAL = (-1.96, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.96)
"""Quantiles of a band until errors have given its own."""

UNITS: Mapping[str, Callable[[LeftOutError], str]] = {
    "new sweep": lambda e: "|".join(e.cell),
    "new family": lambda e: e.family,
    "new accelerator": lambda e: e.accelerator,
    "new source": lambda e: e.source,
}
"""By kind of novelty: what is left out whole, or of a sweep a sixth of all sweeps."""
VIEWS = {"new sweep": "sweep", "new family": "family", "new accelerator": "accelerator", "new source": "source"}


class Standardised(Struct, frozen=True):
    """One error in units of the spread that its band had."""

    kind: str
    unit: str
    cell: tuple[str, ...]
    error: float
    deviation: float


class CoverageLine(Struct, frozen=True):
    """How many errors of one kind of novelty lie inside the bands, weighed as the quantiles are."""

    metric: str
    kind: str
    points: int
    units: int
    inside: Mapping[int, float]
    """By level in per cent: the share."""
    width: float
    """From the low to the high end of an 80 % band, the median over points."""


def error_bands(errors: Sequence[LeftOutError]) -> tuple[list[ErrorBand], list[CoverageLine]]:
    """Return the band of every figure that was measured, and what bands made the same way cover."""
    bands: list[ErrorBand] = []
    lines: list[CoverageLine] = []
    foreign: Spreads | None = None
    for metric in METRICS:
        own = [error for error in errors if error.metric == metric]
        if not own:
            continue
        spreads = spreads_of(own)
        foreign = spreads if metric == "throughput" else foreign
        judged = list(_standardised(own, spreads, foreign))
        weights = _weights(judged)
        quantiles = _quantiles(np.array([item.error for item in judged]), weights)
        bands.append(_band(metric, spreads, foreign, quantiles, len(own)))
        lines += _coverage(metric, judged, weights)
    return bands, lines


def systems_of(errors: Sequence[LeftOutError]) -> list[MeasuredSystem]:
    """Return what of each runtime and source the fits have seen, by the names in the errors."""
    seen: dict[tuple[str, str], list[LeftOutError]] = defaultdict(list)
    for error in errors:
        if error.fitted:
            seen[error.runtime, error.source].append(error)
    return [
        MeasuredSystem(
            id=f"{runtime}.{source}".lower().replace("_", "-"),
            runtime=runtime,
            source=source,
            models=tuple(sorted({error.model for error in own})),
            accelerators=tuple(sorted({error.accelerator for error in own})),
        )
        for (runtime, source), own in sorted(seen.items())
    ]


def _band(metric: str, spreads: Spreads, foreign: Spreads | None, quantiles: Sequence[float], points: int) -> ErrorBand:
    sources = {} if foreign is None or not _few(spreads) else {"accelerator foreign": foreign}
    return record_of(
        ErrorBand,
        {
            "id": metric,
            "metric": metric,
            **{
                name.replace(" ", "_"): Spread(
                    deviation=float(f"{sources.get(name, spreads).deviation[name]:.3g}"),
                    groups=sources.get(name, spreads).groups[name],
                )
                for name in spreads.groups
            },
            "quantiles": tuple(round(float(q), 3) for q in quantiles),
            "points": points,
        },
    )


def _few(spreads: Spreads) -> bool:
    """Return whether too few foreign accelerators were measured to know how far they lie apart."""
    return spreads.groups["accelerator foreign"] < FEWEST_FOREIGN


def _standardised(errors: Sequence[LeftOutError], spreads: Spreads, foreign: Spreads | None) -> Iterator[Standardised]:
    """Yield every error as often as it is left out, in units of the spread that the rest leads one to expect."""
    everything = _band(errors[0].metric, spreads, foreign, NORMAL, len(errors))
    for error in errors:
        if "sweep" in error.logs:
            yield _judged("new sweep", error, everything, frozenset({"run"}), 0.0)
    for kind, unit in UNITS.items():
        if kind == "new sweep":
            continue
        for name in sorted({unit(error) for error in errors}):
            rest = [error for error in errors if unit(error) != name]
            if not rest:
                continue
            of_rest, systems = spreads_of(rest), systems_of(rest)
            shift = of_rest.foreign_shift if foreign is None or not _few(of_rest) else -foreign.foreign_shift
            band = _band(errors[0].metric, of_rest, foreign, NORMAL, len(rest))
            for error in errors:
                if unit(error) == name:
                    new = new_levels(
                        systems,
                        runtime=error.runtime,
                        model=error.model,
                        accelerator=error.accelerator,
                        source=error.source,
                    )
                    yield _judged(kind, error, band, new, shift)


def _judged(
    kind: str, error: LeftOutError, band: ErrorBand, new: frozenset[Level], foreign_shift: float
) -> Standardised:
    """Return an error of a fit that had not seen what is new of it, about the centre that is then predicted."""
    case = band_for(
        [band],
        band.metric,
        load=error.load,
        architecture="dense" if error.model_class == "dense" else "mixture",
        kernels="foreign" if error.foreign else "measured",
        new=new,
    )
    assert case is not None
    logs = error.logs
    value = next(logs[view] for view in (VIEWS[kind], "source", "group", "sweep") if view in logs)
    centre = foreign_shift if error.foreign and "accelerator" in new else 0.0
    deviation = float(np.sqrt(sum(part.deviation**2 for part in case.parts)))
    return Standardised(kind, UNITS[kind](error), error.cell, (value - centre) / deviation, deviation)


def _weights(judged: Sequence[Standardised]) -> Floats:
    """Return how much each error counts: kinds alike, a unit as the root of its cells, a cell as the root of its rows.

    Between counting rows, of which one sweep has hundreds, and counting units, of which some are a single row.
    """
    weights = np.ones(len(judged))
    for power, names in (
        (0.5, [(item.kind, item.unit, item.cell) for item in judged]),
        (0.5, [(item.kind, item.unit) for item in judged]),
        (0.0, [(item.kind,) for item in judged]),
    ):
        totals: dict[tuple[object, ...], float] = defaultdict(float)
        for name, weight in zip(names, weights, strict=True):
            totals[name] += float(weight)
        weights = weights * np.array([totals[name] ** (power - 1) for name in names])
    return weights


def _quantiles(errors: Floats, weights: Floats) -> tuple[float, ...]:
    """Return the weighted quantiles of errors and, counting less, of their mirror images."""
    errors, weights = np.concatenate([errors, -errors]), np.concatenate([weights, MIRRORED * weights])
    order = np.argsort(errors)
    reached = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return tuple(np.interp(PROBABILITIES, reached, errors[order]).tolist())


def _coverage(metric: str, judged: Sequence[Standardised], weights: Floats) -> Iterator[CoverageLine]:
    """Yield what of each kind lies inside bands whose quantiles come from the other units of all kinds.

    Args:
        metric: of the errors.
        judged: all of them.
        weights: of each.
    """
    errors = np.array([item.error for item in judged])
    deviations = np.array([item.deviation for item in judged])
    kinds = np.array([item.kind for item in judged])
    units = np.array([f"{item.kind}|{item.unit}" for item in judged])
    inside = {level: np.zeros(len(judged), dtype=bool) for level in ENDS}
    widths = np.zeros(len(judged))
    for unit in np.unique(units):
        own = units == unit
        quantiles = NORMAL if own.all() else _quantiles(errors[~own], weights[~own])
        for level, (low, high) in ENDS.items():
            inside[level][own] = (min(quantiles[low], 0) <= errors[own]) & (errors[own] <= max(quantiles[high], 0))
        widths[own] = np.exp((quantiles[5] - quantiles[1]) * deviations[own])
    for kind in UNITS:
        of_kind = kinds == kind
        if of_kind.any():
            yield CoverageLine(
                metric,
                kind,
                int(of_kind.sum()),
                len(np.unique(units[of_kind])),
                {level: float(np.average(inside[level][of_kind], weights=weights[of_kind])) for level in ENDS},
                float(np.median(widths[of_kind])),
            )
