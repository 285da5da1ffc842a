"""Error bands from left-out errors, and the test that they hold what they say where nobody measured.

Whole families of models, whole accelerators and whole sources are left out, one at a time: the spreads of all levels
come from the rest, the errors from fits that had not seen it. Errors in units of the spread that they should have then
give the quantiles, by the widest level that is new and all together in part, which those of the unit itself never enter
when it is judged.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from catalogs.records.fitted import ErrorBand, LevelSpreads, MeasuredSystem, Spread
from catalogs.records.validation import record_of
from engine.arrays import Bools, Floats
from engine.bands.lookup import ENDS, NORMAL, NOVELTIES, SHARES, Level, Novelty, band_for, new_levels, novelty_of
from engine.fitting.spread import OF_SEEN, LeftOutError, Spreads, spreads_of

METRICS = ("throughput", "itl", "ttft", "stream")
"""Throughput first: its accelerators stand in where others have too few."""
FOREIGN = "accelerator foreign"
FEWEST_FOREIGN = 3
"""Foreign accelerators below which a figure takes their spread from throughput, which more of them were measured in."""
MIRRORED = 0.5
"""How much an error's mirror image counts beside it: units are few, and on which side the odd ones lie is half chance
(judgement; anything from 0 to 1 covers left-out units as well within 4 %)."""
ALL_UNITS = 30.0
"""As many units as all errors together weigh in the quantiles of one novelty: a Dirichlet process about the shape that
all have in common (judgement: from 3 to no bound left-out units are held within 3 % as well)."""

UNITS: Mapping[str, Callable[[LeftOutError], str]] = {
    "new sweep": lambda e: "|".join(e.cell),
    "new family": lambda e: e.family,
    "new accelerator": lambda e: e.accelerator,
    "new source": lambda e: e.source,
}
"""By kind of novelty: what is left out whole, or of a sweep a sixth of all sweeps."""
KINDS: Mapping[Novelty, str] = dict(zip(("sweep", "model", "accelerator", "source"), UNITS, strict=True))
"""By the widest level that is new of a case: the kind of errors that speaks of it."""
VIEWS = {"new sweep": "sweep", "new family": "family", "new accelerator": "accelerator", "new source": "source"}


class Standardised(Struct, frozen=True):
    """One error in units of the spread that its band had."""

    kind: str
    unit: str
    cell: tuple[str, ...]
    novelty: Novelty
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
        sample = _sample(judged)
        bands.append(_band(metric, spreads, foreign, sample.quantiles, len(own)))
        lines += _coverage(metric, sample)
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


def _band(
    metric: str, spreads: Spreads, foreign: Spreads | None, quantiles: Callable[[Novelty], Sequence[float]], points: int
) -> ErrorBand:
    def spread(name: str) -> Spread:
        own = foreign if foreign is not None and name == FOREIGN and _few(spreads) else spreads
        return Spread(deviation=float(f"{own.deviation[name]:.3g}"), groups=own.groups[name])

    def levels(whose: str) -> LevelSpreads:
        return LevelSpreads(**{name.replace(" ", "_"): spread(f"{whose} {name}") for name in OF_SEEN})

    return record_of(
        ErrorBand,
        {
            "id": metric,
            "metric": metric,
            **{name.replace(" ", "_"): spread(name) for name in ("source", FOREIGN, "sweep dense", "sweep sparse")},
            "seen": levels("seen"),
            "unseen": levels("unseen"),
            "quantiles": {novelty: tuple(round(float(q), 3) for q in quantiles(novelty)) for novelty in NOVELTIES},
            "points": points,
        },
    )


def _few(spreads: Spreads) -> bool:
    """Return whether too few foreign accelerators were measured to know how far they lie apart."""
    return spreads.groups[FOREIGN] < FEWEST_FOREIGN


def _standardised(errors: Sequence[LeftOutError], spreads: Spreads, foreign: Spreads | None) -> Iterator[Standardised]:
    """Yield every error as often as it is left out, in units of the spread that the rest leads one to expect."""
    everything = _band(errors[0].metric, spreads, foreign, lambda _: NORMAL, len(errors))
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
            band = _band(errors[0].metric, of_rest, foreign, lambda _: NORMAL, len(rest))
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
    standard = (value - centre) / deviation
    return Standardised(kind, UNITS[kind](error), error.cell, novelty_of(new), standard, deviation)


class Sample(Struct, frozen=True):
    """Errors in units of their spreads, an entry of each array for each."""

    error: Floats
    deviation: Floats
    weight: Floats
    """Kinds alike, a unit as the root of its cells, a cell as the root of its rows: between counting rows, of which one
    sweep has hundreds, and counting units, of which some are a single row."""
    kind: NDArray[np.str_]
    unit: NDArray[np.str_]
    novelty: NDArray[np.str_]

    def without(self, out: Bools) -> "Sample":
        """Return the errors that are not left out."""
        return Sample(*(getattr(self, name)[~out] for name in self.__struct_fields__))

    def quantiles(self, novelty: Novelty) -> tuple[float, ...]:
        """Return the quantiles of a novelty's errors, drawn towards those of all, and counting less of mirror images.

        Args:
            novelty: whose units weigh one each, and all errors together as ``ALL_UNITS`` of them.
        """
        if not len(self.error):
            return NORMAL
        own = self.kind == KINDS[novelty]
        weights = self.weight * (ALL_UNITS / self.weight.sum())
        if own.any():
            weights = weights + own * self.weight * (len(np.unique(self.unit[own])) / self.weight[own].sum())
        errors, weights = np.concatenate([self.error, -self.error]), np.concatenate([weights, MIRRORED * weights])
        order = np.argsort(errors)
        reached = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
        return tuple(np.interp(SHARES, reached, errors[order]).tolist())


def _sample(judged: Sequence[Standardised]) -> Sample:
    """Return errors with their weights."""
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
    return Sample(
        error=np.array([item.error for item in judged]),
        deviation=np.array([item.deviation for item in judged]),
        weight=weights,
        kind=np.array([item.kind for item in judged]),
        unit=np.array([f"{item.kind}|{item.unit}" for item in judged]),
        novelty=np.array([item.novelty for item in judged]),
    )


def _coverage(metric: str, sample: Sample) -> Iterator[CoverageLine]:
    """Yield what of each kind lies inside bands whose quantiles come from the other units of all kinds."""
    inside = {level: np.zeros(len(sample.error), dtype=bool) for level in ENDS}
    widths = np.zeros(len(sample.error))
    for unit in np.unique(sample.unit):
        of_unit = sample.unit == unit
        others = sample.without(of_unit)
        for novelty in NOVELTIES:
            own = of_unit & (sample.novelty == novelty)
            if not own.any():
                continue
            quantiles, errors = others.quantiles(novelty), sample.error[own]
            for level, (low, high) in ENDS.items():
                inside[level][own] = (min(quantiles[low], 0) <= errors) & (errors <= max(quantiles[high], 0))
            widths[own] = np.exp((quantiles[5] - quantiles[1]) * sample.deviation[own])
    for kind in UNITS:
        own = sample.kind == kind
        if own.any():
            yield CoverageLine(
                metric,
                kind,
                int(own.sum()),
                len(np.unique(sample.unit[own])),
                {level: float(np.average(inside[level][own], weights=sample.weight[own])) for level in ENDS},
                float(np.median(widths[own])),
            )
