"""The fitted constants as a catalog file, with what each entry was fitted on and the error that it leaves."""

from collections.abc import Sequence

from catalogs.catalog import Catalog
from catalogs.records.fitted import ErrorBand, FittedConstants, LevelSpreads, MeasuredSystem, Spread
from catalogs.records.models import ModelArchitecture
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
    lines = ["", "[[band]]", f'id = "{band.id}"', f'metric = "{band.metric}"', f"points = {band.points}"]
    lines += _spreads(band)
    for whose in ("seen", "unseen"):
        lines += ["", f"[band.{whose}]", *_spreads(getattr(band, whose))]
    lines += ["", "[band.quantiles]"]
    for novelty in band.quantiles.__struct_fields__:
        lines.append(f"{novelty} = [{', '.join(f'{q:.3f}' for q in getattr(band.quantiles, novelty))}]")
    return "\n".join(lines) + "\n"


def _spreads(record: ErrorBand | LevelSpreads) -> list[str]:
    return [
        f"{name} = {{ deviation = {spread.deviation:.3g}, groups = {spread.groups} }}"
        for name in record.__struct_fields__
        if isinstance(spread := getattr(record, name), Spread)
    ]


def systems_file(systems: Sequence[MeasuredSystem], catalog: Catalog) -> str:
    """Return the TOML text of all systems that fits have seen, models with those of the same architecture."""
    return SYSTEMS_HEADER + "".join(_system(system, catalog) for system in systems)


def _system(system: MeasuredSystem, catalog: Catalog) -> str:
    shapes = {_shape(catalog.models[name]) for name in system.models}
    models = [name for name in sorted(catalog.models) if _shape(catalog.models[name]) in shapes]
    lines = ["", "[[system]]", *(f'{name} = "{getattr(system, name)}"' for name in ("id", "runtime", "source"))]
    return "\n".join([*lines, _list("models", models), _list("accelerators", system.accelerators)]) + "\n"


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
    return "".join(entry_text(entry, f"{basis}; left out: {errors}", residual) for entry in fit.constants)


def entry_text(entry: FittedConstants, basis: str, residual: float | None) -> str:
    """Return the TOML text of one entry.

    Args:
        entry: with the constants that it states.
        basis: what it was fitted on.
        residual: median absolute error on left-out groups (0.08 = 8 %); None where there is none.
    """
    lines = ["", "[[fitted]]", f'id = "{entry.id}"']
    for name in ("runtimes", "architectures", "accelerators"):
        listed = getattr(entry, name)
        if listed:
            lines.append(_list(name, listed))
    lines += [f"{name} = {value:.4g}" for name, value in entry.stated.items()]
    lines.append(f'fitted_on = "{basis}"')
    if residual is not None:
        lines.append(f"residual = {residual:.3f}")
    return "\n".join(lines) + "\n"


def _list(name: str, items: Sequence[str]) -> str:
    quoted = ", ".join(f'"{item}"' for item in items)
    return f"{name} = [{quoted}]"
