"""Charts and bars as SVG, coloured by the style sheet of the page that they stand in."""

from collections.abc import Callable, Sequence
from html import escape
from math import ceil, floor, log10
from typing import TypeAlias

from agent.report.blocks import Bar, Chart, Mark, Series
from catalogs.units import show_figure

WIDTH, HEIGHT = 640, 260
Scale: TypeAlias = Callable[[float], float]
"""From a figure to its place."""

LEFT, RIGHT, TOP, BOTTOM = 68, 16, 30, 46
"""Room for the y axis' figures, and for the words above and below."""
TICKS = 5
LETTER = 7.0
"""Width of a letter of the labels, which are 13 px high."""
WIDE_LETTER = 12.0
"""The same on narrow screens, where they are 22 px high: the whole is drawn at half its size there."""
MOST_OVER = 2.5
"""How far above the highest mark an axis goes, as its multiple: the rise to saturation would flatten all the rest."""


def chart_svg(chart: Chart) -> str:
    """Return a chart as an SVG element: each series named at its end, its band an area, marks as a point or a line."""
    if not chart.x or not chart.series:
        return ""
    x_low, x_high = min(0.0, *chart.x), max(chart.x)
    x_high = x_high if x_high > x_low else x_low + 1
    top = _top(chart)

    def across(x: float) -> float:
        return LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    # An inner svg cuts off what rises beyond the axis.
    inside = f'x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"'
    parts = [
        _y_axis(chart, up, top),
        _x_axis(chart, across, x_low, x_high),
        f'<svg {inside} viewBox="{LEFT} {TOP} {WIDTH - LEFT - RIGHT} {HEIGHT - TOP - BOTTOM}">',
    ]
    for number, series in enumerate(chart.series):
        if series.low:
            there, back = list(zip(chart.x, series.high, strict=True)), list(zip(chart.x, series.low, strict=True))
            corners = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in (*there, *reversed(back)))
            parts.append(f'<polygon class="band band{number}" points="{corners}"/>')
    for number, series in enumerate(chart.series):
        points = _stepped(chart.x, series.values) if chart.steps else list(zip(chart.x, series.values, strict=True))
        line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts.append(f'<polyline class="line line{number}" points="{line}"/>')
    parts.append("</svg>")
    if len(chart.series) > 1:
        parts += _names(chart.series, chart.x, across, up)
    parts += [_mark(mark, across, up) for mark in chart.marks]
    label = escape(chart.said or chart.title or chart.y_label, quote=True)
    return (
        f'<svg class="chart" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="xMidYMid meet">{"".join(parts)}</svg>'
    )


def bar_svg(bar: Bar) -> str:
    """Return a bar as an SVG element; its parts are named beneath it by who draws it."""
    parts, begin = [], 0.0
    for number, share in enumerate(bar.shares):
        parts.append(f'<rect class="part part{number}" x="{begin:.2f}" y="0" width="{share * 100:.2f}" height="6"/>')
        begin += share * 100
    label = escape(f"{bar.label}: {bar.whole}", quote=True)
    return (
        f'<svg class="bar" role="img" aria-label="{label}" viewBox="0 0 100 6" preserveAspectRatio="none">'
        f"{''.join(parts)}</svg>"
    )


def _top(chart: Chart) -> float:
    """Return the upper end of the y axis."""
    highest = max(max(series.values) for series in chart.series)
    marked = max((mark.y for mark in chart.marks), default=0.0)
    top = min(highest, MOST_OVER * marked) if marked and not chart.steps else max(highest, marked)
    return top * 1.05 or 1.0


def _ticks(high: float) -> list[float]:
    """Return round values from 0 to the end of an axis."""
    raw = high / TICKS
    decade = 10.0 ** floor(log10(raw))
    step = next(size * decade for size in (1, 2, 2.5, 5, 10) if size * decade >= raw)
    return [number * step for number in range(ceil(high / step)) if number * step <= high]


def _y_axis(chart: Chart, up: Scale, top: float) -> str:
    lines = []
    for value in _ticks(top):
        y = up(value)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(_short(value))}</text>')
    unit = "" if chart.y_label == chart.title or not chart.title else chart.y_label
    return "".join(lines) + f'<text class="unit" x="0" y="18">{escape(unit)}</text>'


def _x_axis(chart: Chart, across: Scale, low: float, high: float) -> str:
    y = HEIGHT - BOTTOM
    lines = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>']
    lines += [
        f'<text x="{across(value):.1f}" y="{y + 19}" text-anchor="middle">{escape(_short(value))}</text>'
        for value in _ticks(high)
        if value >= low
    ]
    lines.append(
        f'<text class="unit" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(chart.x_label)}</text>'
    )
    return "".join(lines)


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else show_figure(value) if value else "0"


def _stepped(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """Return points of a line that holds each value from the x before it."""
    points = [(x[0], y[0])]
    for before, (at, value) in zip(x, list(zip(x, y, strict=True))[1:], strict=False):
        points += [(before, value), (at, value)]
    return points


def _names(series: Sequence[Series], x: Sequence[float], across: Scale, up: Scale) -> list[str]:
    """Return each line's name where it is farthest from the others."""
    named = []
    for number, one in enumerate(series):
        others = [other.values for other in series if other is not one]
        place = max(range(len(x)), key=lambda at: min(abs(one.values[at] - other[at]) for other in others))
        above = all(one.values[place] >= other[place] for other in others)
        y = up(one.values[place]) + (-6 if above else 16)
        middle = min(
            max(across(x[place]), LEFT + LETTER * len(one.label) / 2), WIDTH - RIGHT - LETTER * len(one.label) / 2
        )
        at = f'x="{middle:.1f}" y="{y:.1f}" text-anchor="middle"'
        named.append(f'<text class="name name{number}" {at}>{escape(one.label)}</text>')
    return named


def _mark(mark: Mark, across: Scale, up: Scale) -> str:
    y = up(mark.y)
    if mark.x is None:
        return (
            f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="limit" x="{LEFT + 6}" y="{y - 5:.1f}">{escape(mark.label)}</text>'
        )
    x = across(mark.x)
    ends = x + 10 + WIDE_LETTER * len(mark.label) > WIDTH - RIGHT
    # Lines rise to the right, so that above on the left and below on the right are free.
    anchor, beside, beneath = ("end", x - 9, -9) if ends else ("start", x + 9, 18)
    return (
        f'<circle class="here" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
        f'<text class="here" x="{beside:.1f}" y="{y + beneath:.1f}" text-anchor="{anchor}">{escape(mark.label)}</text>'
    )
