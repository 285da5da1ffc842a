"""How sure a figure is: bands from measurements that the fit had not seen, chosen by how well the case is known."""

from collections.abc import Mapping, Sequence
from typing import Literal

from catalogs.records.fitted import ErrorBand
from catalogs.records.models import ModelArchitecture
from engine.step.operations import layers
from engine.step.rates import Kernels

Architecture = Literal["dense", "mixture", "latent", "hybrid"]

LEVELS: Mapping[int, tuple[int, int]] = {50: (2, 4), 80: (1, 5), 95: (0, 6)}
"""Level in per cent → positions of its ends in a band's quantiles."""

UNKNOWN = 2.0
"""Factor by which both ends move outwards where no band speaks of an accelerator none of whose kernels, nor those of
its architecture, were measured: as they are the bands of the nearest kind held 44 % of 77 figures of AMD's accelerators
on servers of 2025, which no band was made from, and so widened 77 %."""
BEYOND_DATA = 1.5
"""And where a case lies outside all data. On accelerators of five foreign architectures, none of them among the data
(served by engines of early 2024), both together held 76 % of the throughputs, every architecture weighing alike; the
bands as they are 40 %."""


def architecture_of(model: ModelArchitecture) -> Architecture:
    """Return the class that a model's errors are pooled in."""
    kinds = layers(model)
    if any(layer.mixing and layer.mixing.state_bytes for layer in kinds):
        return "hybrid"
    if any(layer.mixing and layer.mixing.heads and not layer.mixing.splits for layer in kinds):
        return "latent"
    return "mixture" if any(layer.mixture for layer in kinds) else "dense"


def band_for(
    bands: Sequence[ErrorBand], metric: str, *, runtime: str, load: str, architecture: Architecture, kernels: Kernels
) -> tuple[ErrorBand, bool] | None:
    """Return the narrowest band that speaks of a case, and whether it may be taken as it is; None without bands.

    It may not for an accelerator with foreign kernels, unless it was made from such under this very load.

    Args:
        bands: of all metrics and cases.
        metric: that is predicted.
        runtime: the id of its entry.
        load: its kind.
        architecture: of the model, as ``architecture_of`` names it.
        kernels: of the accelerator.
    """
    case = {"runtime": runtime, "load": load, "architecture": architecture, "kernels": kernels}
    matching = [
        band
        for band in bands
        if band.metric == metric and all(getattr(band, name) in (None, value) for name, value in case.items())
    ]
    if not matching:
        return None
    best = max(matching, key=lambda band: band.specificity)
    return best, kernels != "foreign" or (best.kernels is not None and best.load is not None)


def ends(band: ErrorBand, level: int = 80, *, known: bool = True, beyond: bool = False) -> tuple[float, float]:
    """Return the factors (low, high) by which the truth may lie from a prediction.

    Args:
        band: of the case or the nearest to it.
        level: 50, 80 or 95 %.
        known: as ``band_for`` says.
        beyond: the case lies outside all data.
    """
    low, high = (band.quantiles[position] for position in LEVELS[level])
    wider = (1.0 if known else UNKNOWN) * (BEYOND_DATA if beyond else 1.0)
    return low / wider, high * wider
