"""A chart for the terminal."""

import re
from math import ceil, floor, log10
from typing import Any

from agent.report.blocks import Chart, Scatter

LINES = 14
MOST_COLUMNS = 100
_MARKERS = ("hd", "•", "x", "+", "o", "*")
_SCATTER_MARKERS = ("o", "x", "+", "*", "#", "@", "%")
SCATTER_LINES = 22
SCATTER_COLUMNS = 72
_LOG_FROM = 8.0
"""Sweeps are mostly doublings: a ratio beyond this is drawn on a logarithmic axis."""
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def drawn(chart: Chart, width: int, lines: int = LINES) -> list[str]:
    """Return the chart in lines of text without colours; each series has a marker of its own.

    Args:
        width: of the terminal, columns.
        lines: of the drawing, at most.
    """
    only = chart.series[0].label if len(chart.series) == 1 else ""
    caption = ", ".join(part for part in (chart.title or only, chart.y_label) if part)
    if not chart.x or not chart.series:
        return [caption] if caption else []
    plotext = _emptied(min(width, MOST_COLUMNS), lines)
    for number, series in enumerate(chart.series):
        label = series.label if len(chart.series) > 1 else None
        plotext.plot(list(chart.x), list(series.values), label=label, marker=_MARKERS[number % len(_MARKERS)])
    if min(chart.x) > 0 and max(chart.x) >= _LOG_FROM * min(chart.x):
        plotext.xscale("log")
    plotext.xticks(list(chart.x), [f"{x:g}" for x in chart.x])
    plotext.xlabel(chart.x_label)
    canvas = _built(plotext)
    return [caption, *canvas] if caption else canvas


def scattered(scatter: Scatter, width: int) -> list[str]:
    """Return the dots in lines of text without colours, the diagonal and the lines beside it dotted."""
    values = [log10(value) for _, dots in scatter.kinds for dot in dots for value in dot]
    low, high = floor(min(values) * 2) / 2, ceil(max(values) * 2) / 2
    plotext = _emptied(min(width, SCATTER_COLUMNS), SCATTER_LINES)
    for off in (0.0, log10(scatter.near), -log10(scatter.near)):
        plotext.plot([low, high], [low + off, high + off], marker="·" if off else "•")
    for number, (kind, dots) in enumerate(scatter.kinds):
        marker = _SCATTER_MARKERS[number % len(_SCATTER_MARKERS)]
        plotext.scatter([log10(x) for x, _ in dots], [log10(y) for _, y in dots], label=kind, marker=marker)
    plotext.xlim(low, high)
    plotext.ylim(low, high)
    decades = range(ceil(low), floor(high) + 1)
    plotext.xticks(list(decades), [f"{10.0**decade:g}" for decade in decades])
    plotext.yticks(list(decades), [f"{10.0**decade:g}" for decade in decades])
    plotext.xlabel("measured; predicted is up")
    return _built(plotext)


def _emptied(columns: int, lines: int) -> Any:
    """Return plotext, whose one figure is global, with an empty figure of a size."""
    import plotext  # 30 ms, and few reports have a chart

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(columns, lines)
    return plotext


def _built(plotext: Any) -> list[str]:
    """Return the lines of plotext's figure, and clear it."""
    canvas = [_ESCAPES.sub("", line).rstrip() for line in plotext.build().splitlines()]
    plotext.clear_figure()
    return canvas
