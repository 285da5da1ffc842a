"""The fitted constants as a catalog file, with what each entry was fitted on and the error that it leaves."""

from collections.abc import Sequence

from catalogs.catalog import Catalog
from catalogs.records.fitted import ErrorBand, FittedConstants, LevelSpreads, MeasuredSystem, Spread
from catalogs.records.models import ModelArchitecture
from catalogs.toml_text import Digits, entry_text, field_lines
from engine.fitting.blocks import Block
from engine.fitting.least_squares import Fit, Problem
from engine.fitting.weights import excluded_because

HEADER = """# Constants fitted on measurements of served systems, beyond what kernels timed alone can tell. Written by
# `fleetcast fit`; spec-kit/methodology.md says how. An overhead replaces the runtime entry's; a factor multiplies the
# speed of the kernel curves (above 1 is faster). Residuals are median errors on groups (model, accelerator) left out.
"""


BANDS_HEADER = """# How far measurements lay from predictions that had not seen them, level by level: standard
# deviations of log(measured/predicted), from so many groups each. Written by `fleetcast fit`; spec-kit/methodology.md
# says how.
"""
SYSTEMS_HEADER = """# What of each runtime the fits have seen: a case's model, accelerator or source that is not among
# these widens its bands. Written by `fleetcast fit`.
"""


def bands_file(bands: Sequence[ErrorBand]) -> str:
    """Return the TOML text of all error bands."""
    return BANDS_HEADER + "".join(_band(band) for band in bands)


def _band(band: ErrorBand) -> str:
    text = entry_text("band", {"id": band.id, "metric": band.metric, "points": band.points, **_spreads(band)})
    quantiles: dict[str, object] = {
        novelty: [Digits(f"{q:.3f}") for q in getattr(band.quantiles, novelty)]
        for novelty in band.quantiles.__struct_fields__
    }
    parts = {"seen": _spreads(band.seen), "unseen": _spreads(band.unseen), "quantiles": quantiles}
    return text + "".join("\n".join(["", f"[band.{name}]", *field_lines(part), ""]) for name, part in parts.items())


def _spreads(record: ErrorBand | LevelSpreads) -> dict[str, object]:
    return {
        name: {"deviation": Digits(f"{spread.deviation:.3g}"), "groups": spread.groups}
        for name in record.__struct_fields__
        if isinstance(spread := getattr(record, name), Spread)
    }


def systems_file(systems: Sequence[MeasuredSystem], catalog: Catalog) -> str:
    """Return the TOML text of all systems that fits have seen, models with those of the same architecture."""
    return SYSTEMS_HEADER + "".join(_system(system, catalog) for system in systems)


def _system(system: MeasuredSystem, catalog: Catalog) -> str:
    shapes = {_shape(catalog.models[name]) for name in system.models}
    models = [name for name in sorted(catalog.models) if _shape(catalog.models[name]) in shapes]
    fields = {name: getattr(system, name) for name in ("id", "runtime", "source")}
    return entry_text("system", fields | {"models": models, "accelerators": system.accelerators})


def _shape(model: ModelArchitecture) -> object:
    return model.layers, model.hidden_size


def fitted_file(fits: Sequence[tuple[Block, Problem, Fit]]) -> str:
    """Return the TOML text of all fitted entries."""
    return HEADER + "".join(_block(problem, fit) for _, problem, fit in fits)


def _block(problem: Problem, fit: Fit) -> str:
    counts: dict[str, int] = {}
    for point in problem.points:
        if excluded_because(point.row):
            continue
        counts[point.row["source"]] = counts.get(point.row["source"], 0) + 1
    basis = ", ".join(f"{count} points of {source}" for source, count in sorted(counts.items()))
    errors = ", ".join(f"{metric} {median:.1%}" for metric, (median, _) in fit.left_out.items())
    residual = min((median for median, _ in fit.left_out.values()), default=0.0)
    return "".join(constants_text(entry, f"{basis}; left out: {errors}", residual) for entry in fit.constants)


def constants_text(entry: FittedConstants, basis: str, residual: float | None) -> str:
    """Return the TOML text of one entry.

    Args:
        entry: with the constants that it states.
        basis: what it was fitted on.
        residual: median absolute error on left-out groups (0.08 = 8 %); None where there is none.
    """
    where = {name: getattr(entry, name) or None for name in ("runtimes", "architectures", "accelerators")}
    constants = {name: Digits(f"{value:.4g}") for name, value in entry.stated.items()}
    left = None if residual is None else Digits(f"{residual:.3f}")
    return entry_text("fitted", {"id": entry.id, **where, **constants, "fitted_on": basis, "residual": left})
