"""A picture of predicted against measured. The only module that knows matplotlib, which the extra `plot` brings."""

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalogs.errors import InputError, quoted
from catalogs.units import show_count, show_percent
from engine.accuracy.dots import NEAR, Dot, share_near
from engine.accuracy.scores import Accuracy
from engine.bands.lookup import Architecture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS: Final = (".svg", ".png")
TITLES: Final = {
    "itl": "time between tokens (ITL), ms",
    "ttft": "time to first token (TTFT), ms",
    "throughput": "throughput, tokens/s",
}
COLOURS: Final[Mapping[Architecture, str]] = {
    "dense": "#0072B2",
    "mixture": "#D55E00",
    "latent": "#009E73",
    "hybrid": "#CC79A7",
}
"""That people with colour blindness tell apart (Okabe and Ito)."""
MARKERS: Final = "os^DvPX*"
INCHES: Final = (4.6, 5.0)
"""Of a panel."""
MOST_PATHS: Final = 4000
"""Dots beyond which those of an SVG are painted into it as an image, or it would take megabytes."""


def check_plot(path: Path) -> None:
    """See, before any work is done, that a picture can be painted into a file of that name.

    Raises InputError for any other suffix, and where matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"a plot is written as {' or '.join(FORMATS)}; {quoted(str(path))} is neither")
    if find_spec("matplotlib") is None:
        raise InputError("a plot needs matplotlib, which is not installed: pip install matplotlib, or fleetcast[plot]")


def plotted(dots: Mapping[str, Sequence[Dot]], accuracy: Accuracy, suffix: str) -> bytes:
    """Return a picture of predicted against measured, a panel for each metric; the same dots give the same bytes."""
    from matplotlib import rc_context  # 0.3 s, and only for pictures
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "fleetcast", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(INCHES[0] * max(len(dots), 1), INCHES[1]), layout="constrained")
        loads = sorted({dot.load for own in dots.values() for dot in own})
        markers = {load: MARKERS[place % len(MARKERS)] for place, load in enumerate(loads)}
        for place, (metric, own) in enumerate(dots.items(), 1):
            _panel(figure.add_subplot(1, len(dots), place), metric, own, markers, accuracy)
        figure.suptitle(
            f"Predicted against measured: {show_count(accuracy.predicted)} of {show_count(accuracy.points)} points; "
            f"dashed: ×{NEAR:g} off, beyond it darker"
        )
        picture = io.BytesIO()
        # Neither a date nor a version: the same points give the same file.
        metadata = {"Date": None, "Creator": "fleetcast"} if suffix == ".svg" else {"Software": None}
        figure.savefig(picture, format=suffix.removeprefix("."), dpi=120, metadata=metadata)
    return picture.getvalue()


def _panel(axes: "Axes", metric: str, dots: Sequence[Dot], markers: Mapping[str, str], accuracy: Accuracy) -> None:
    for load, marker in markers.items():
        for architecture, colour in COLOURS.items():
            for near, alpha in ((True, 0.3), (False, 0.9)):
                own = [d for d in dots if (d.load, d.architecture, d.is_near) == (load, architecture, near)]
                axes.scatter(
                    [dot.measured for dot in own],
                    [dot.predicted for dot in own],
                    s=14,
                    c=colour,
                    marker=marker,
                    alpha=alpha,
                    linewidths=0,
                    rasterized=len(dots) > MOST_PATHS,
                )
    figures = [figure for dot in dots for figure in (dot.measured, dot.predicted)]
    ends = (min(figures) / 1.3, max(figures) * 1.3)
    for times, style in ((1.0, "-"), (NEAR, "--"), (1 / NEAR, "--")):
        axes.plot(ends, [end * times for end in ends], style, color="#555555", linewidth=0.8, zorder=0)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="measured", ylabel="predicted")
    axes.set_aspect("equal")
    score = accuracy.metrics[metric]
    axes.set_title(
        f"{TITLES[metric]}\n{show_count(score.n)} figures, median error {show_percent(score.median_ape)}, "
        f"{show_percent(share_near(dots))} within ×{NEAR:g}",
        fontsize=9,
    )
    _legend(axes, dots, markers)


def _legend(axes: "Axes", dots: Sequence[Dot], markers: Mapping[str, str]) -> None:
    architectures, loads = {dot.architecture for dot in dots}, {dot.load for dot in dots}
    looks: list[tuple[str, str, str]] = [
        (name, colour, "o") for name, colour in COLOURS.items() if name in architectures
    ]
    if len(loads) > 1:
        looks += [(load.replace("_", " "), "#555555", marker) for load, marker in markers.items() if load in loads]
    for name, colour, marker in looks:
        axes.scatter([], [], s=14, c=colour, marker=marker, linewidths=0, label=name)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
