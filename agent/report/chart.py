"""A chart for the terminal."""

import re

from agent.report.blocks import Chart

LINES = 14
MOST_COLUMNS = 100
_MARKERS = ("hd", "•", "x", "+", "o", "*")
_LOG_FROM = 8.0
"""Sweeps are mostly doublings: a ratio beyond this is drawn on a logarithmic axis."""
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def drawn(chart: Chart, width: int, lines: int = LINES) -> list[str]:
    """Return the chart in lines of text without colours; each series has a marker of its own."""
    caption = ", ".join(part for part in (chart.title or _only_label(chart), chart.y_label) if part)
    if not chart.x or not chart.series:
        return [caption] if caption else []
    import plotext  # noqa: PLC0415 — 30 ms, and few reports have a chart

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(min(width, MOST_COLUMNS), lines)
    for number, series in enumerate(chart.series):
        label = series.label if len(chart.series) > 1 else None
        plotext.plot(list(chart.x), list(series.values), label=label, marker=_MARKERS[number % len(_MARKERS)])
    if min(chart.x) > 0 and max(chart.x) >= _LOG_FROM * min(chart.x):
        plotext.xscale("log")
    plotext.xticks(list(chart.x), [f"{x:g}" for x in chart.x])
    plotext.xlabel(chart.x_label)
    canvas = [_ESCAPES.sub("", line).rstrip() for line in plotext.build().splitlines()]
    plotext.clear_figure()
    return [caption, *canvas] if caption else canvas


def _only_label(chart: Chart) -> str:
    return chart.series[0].label if len(chart.series) == 1 else ""
