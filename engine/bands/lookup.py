"""How sure a figure is: what of a case is new to the measurements, and the band that this makes."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from math import exp, hypot
from statistics import NormalDist
from typing import Literal, get_args

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.kept import kept, made_once
from catalogs.records.accelerators import Accelerator
from catalogs.records.fitted import ErrorBand, MeasuredSystem, Spread
from catalogs.records.models import ModelArchitecture
from engine.step.operations import layers
from engine.step.rates import Kernels, kernels_of

Architecture = Literal["dense", "mixture", "latent", "hybrid"]

Level = Literal["run", "model", "accelerator", "source", "calibrated"]
"""At which errors differ: from run to run, from model to model, from accelerator to accelerator, and from one who
measures to another (versions, settings, clients). What a calibration leaves unsure stands for all of them."""

Novelty = Literal["source", "accelerator", "model", "sweep"]
"""The widest level that is new of a case; of a sweep none is but the run."""
NOVELTIES: tuple[Novelty, ...] = get_args(Novelty)

ENDS: Mapping[int, tuple[int, int]] = {50: (2, 4), 80: (1, 5), 95: (0, 6)}
"""Share of cases inside a band in per cent → positions of its ends in the quantiles."""

SHARES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""Of the quantiles: the share of cases below each."""
_NORMAL = NormalDist()
_SCORES = tuple(map(_NORMAL.inv_cdf, SHARES))
NORMAL = tuple(round(score, 4) for score in _SCORES)
"""The quantiles of a normal law at ``SHARES``."""

STREAMS = ("decode_only", "prefill_only")
"""Loads of one prompt or one answer alone: their rates have a band of their own."""


class Part(Struct, frozen=True):
    """What one level adds to a band."""

    level: Level
    deviation: float
    """Standard deviation of log(measured/predicted)."""
    groups: int
    """Sources, models or accelerators that it was fitted on; of runs, pairs of model and accelerator."""


class CaseBand(Struct, frozen=True, dict=True):
    """The band of one figure of a case."""

    parts: tuple[Part, ...]
    quantiles: tuple[float, ...]
    """Of errors in units of the spread of all parts together."""

    @made_once
    def spread(self) -> float:
        """Of all parts together, log standard deviation."""
        return hypot(*(part.deviation for part in self.parts))

    def ends(self, level: int = 80) -> tuple[float, float]:
        """Return the factors (low, high) by which the truth may lie from a prediction, at 50, 80 or 95 %."""
        low, high = (SHARES[position] for position in ENDS[level])
        return self.factor(low), self.factor(high)

    def factor(self, share: float) -> float:
        """Return the factor that a share of cases lies below: at most 1 up to a half, at least 1 from there on.

        Between two quantiles the error follows the normal score; beyond the outermost it stays.
        """
        after = min(max(bisect_right(SHARES, share), 1), len(SHARES) - 1)
        (x0, x1), (y0, y1) = _SCORES[after - 1 : after + 1], self.quantiles[after - 1 : after + 1]
        part = min(max((_NORMAL.inv_cdf(min(max(share, 1e-9), 1 - 1e-9)) - x0) / (x1 - x0), 0.0), 1.0)
        error = (y0 + part * (y1 - y0)) * self.spread
        return exp(min(error, 0.0) if share < 0.5 else max(error, 0.0))

    def times(self, part: Part, level: int = 80) -> float:
        """Return the factor either way that a part alone would make: 1.25 is ×1.25 and 1/1.25."""
        low, high = (self.quantiles[position] for position in ENDS[level])
        return exp(part.deviation * (high - low) / 2)


@kept(256)
def architecture_of(model: ModelArchitecture) -> Architecture:
    """Return the class of a model that kernels and measurements tell apart."""
    kinds = layers(model)
    if any(layer.mixing and layer.mixing.state_bytes for layer in kinds):
        return "hybrid"
    if any(layer.mixing and layer.mixing.heads and not layer.mixing.splits for layer in kinds):
        return "latent"
    return "mixture" if any(layer.mixture for layer in kinds) else "dense"


def new_levels(
    systems: Iterable[MeasuredSystem], *, runtime: str, model: str, accelerator: str, source: str | None = None
) -> frozenset[Level]:
    """Return what of a case the fit of its runtime has not seen; runs are always new.

    Args:
        systems: that fits have seen.
        runtime: the id of its entry.
        model: its id.
        accelerator: its id.
        source: who measured it; null for somebody's own servers, which no fit has seen.
    """
    own = [system for system in systems if system.runtime == runtime]
    new: set[Level] = {"run"}
    if all(system.source != source for system in own):
        new.add("source")
    if all(model not in system.models for system in own):
        new.add("model")
    if all(accelerator not in system.accelerators for system in own):
        new.add("accelerator")
    return frozenset(new)


def novelty_of(new: frozenset[Level]) -> Novelty:
    """Return the widest level that is new of a case."""
    return next((novelty for novelty in NOVELTIES if novelty in new), "sweep")


def band_of(
    catalog: Catalog,
    metric: str,
    *,
    load: str,
    model: ModelArchitecture,
    accelerator: Accelerator,
    new: frozenset[Level],
) -> CaseBand | None:
    """Return the band that a catalog has of a figure of a model on an accelerator; None without one of its metric.

    Args:
        load: its kind.
        new: what of the case is new, as ``new_levels`` says.
    """
    kernels = kernels_of(accelerator, catalog.accelerators)
    return band_for(catalog.bands, metric, load=load, architecture=architecture_of(model), kernels=kernels, new=new)


def band_for(
    bands: Iterable[ErrorBand],
    metric: str,
    *,
    load: str,
    architecture: Architecture,
    kernels: Kernels,
    new: frozenset[Level],
) -> CaseBand | None:
    """Return the band of a figure; None without one of its metric.

    Args:
        bands: of all metrics.
        load: its kind.
        architecture: of the model, as ``architecture_of`` names it.
        new: what of the case is new, as ``new_levels`` says.
    """
    name = "stream" if load in STREAMS and metric == "throughput" else metric
    band = next((band for band in bands if band.metric == name), None)
    if band is None:
        return None
    dense, novelty = architecture == "dense", novelty_of(new)
    levels = band.unseen if "source" in new else band.seen
    run = levels.run_dense if dense else levels.run_sparse
    if novelty == "sweep":
        run = band.sweep_dense if dense else band.sweep_sparse
    spreads: Mapping[Level, Spread] = {
        "source": band.source,
        "model": levels.model_dense if dense else levels.model_sparse,
        "accelerator": band.accelerator_foreign if kernels == "foreign" else levels.accelerator,
        "run": run,
    }
    parts = (Part(level, spread.deviation, spread.groups) for level, spread in spreads.items() if level in new)
    return CaseBand(tuple(parts), getattr(band.quantiles, novelty))
