"""The fitted constants as a catalog file, with what each entry was fitted on and the error that it leaves."""

from collections.abc import Sequence

from catalogs.records.fitted import ErrorBand, FittedConstants
from engine.fitting.blocks import Block
from engine.fitting.least_squares import Fit, Problem
from engine.fitting.weights import excluded_because

HEADER = """# Constants fitted on measurements of served systems, beyond what kernels timed alone can tell. Written by
# `fleetcast fit`; spec-kit/methodology.md says how. An overhead replaces the runtime entry's; a factor multiplies the
# speed of the kernel curves (above 1 is faster). Residuals are median errors on groups (model, accelerator) left out.
"""


BANDS_HEADER = """# How far measurements lay from predictions that had not seen them: quantiles of measured over
# predicted at 2.5, 10, 25, 50, 75, 90 and 97.5 %, over groups (model, accelerator) left out of the fit. Written by
# `fleetcast fit`. Each is stretched until the band from the other groups covers 80 % of a group; coverage says what
# that gave.
"""


def bands_file(bands: Sequence[ErrorBand]) -> str:
    """Return the TOML text of all error bands."""
    return BANDS_HEADER + "".join(_band(band) for band in bands)


def _band(band: ErrorBand) -> str:
    selectors = [f'{name} = "{getattr(band, name)}"' for name in ErrorBand.SELECTORS if getattr(band, name)]
    lines = [
        "",
        "[[band]]",
        f'id = "{band.id}"',
        f'metric = "{band.metric}"',
        *selectors,
        f"quantiles = [{', '.join(f'{q:.4g}' for q in band.quantiles)}]",
        f"points = {band.points}",
        f"groups = {band.groups}",
        f"coverage = {band.coverage:.3f}",
    ]
    return "\n".join(lines) + "\n"


def fitted_file(fits: Sequence[tuple[Block, Problem, Fit]]) -> str:
    """Return the TOML text of all fitted entries."""
    return HEADER + "".join(_block(block, problem, fit) for block, problem, fit in fits)


def _block(block: Block, problem: Problem, fit: Fit) -> str:
    counts: dict[str, int] = {}
    for point in problem.points:
        if excluded_because(point.row):
            continue
        counts[point.row["source"]] = counts.get(point.row["source"], 0) + 1
    basis = ", ".join(f"{count} points of {source}" for source, count in sorted(counts.items()))
    errors = ", ".join(f"{metric} {median:.1%}" for metric, (median, _) in fit.left_out.items())
    residual = min((median for median, _ in fit.left_out.values()), default=0.0)
    return "".join(entry_text(entry, f"{basis}; left out: {errors}", residual) for entry in fit.constants)


def entry_text(entry: FittedConstants, basis: str, residual: float) -> str:
    """Return the TOML text of one entry.

    Args:
        entry: with the constants that it states.
        basis: what it was fitted on.
        residual: median absolute error on left-out groups (0.08 = 8 %).
    """
    lines = ["", "[[fitted]]", f'id = "{entry.id}"']
    for name in ("runtimes", "architectures", "accelerators"):
        listed = getattr(entry, name)
        if listed:
            lines.append(_list(name, listed))
    lines += [f"{name} = {value:.4g}" for name, value in entry.stated.items()]
    lines += [f'fitted_on = "{basis}"', f"residual = {residual:.3f}"]
    return "\n".join(lines) + "\n"


def _list(name: str, items: Sequence[str]) -> str:
    quoted = ", ".join(f'"{item}"' for item in items)
    return f"{name} = [{quoted}]"
