"""Simulated latencies beside the formulas', as a table."""

from collections.abc import Sequence

from agent.report.blocks import Column, Table
from catalogs.units import show_seconds
from engine.plan import SimulatedFigure, SimulatedLatency

UNKNOWN = ""
NAMES = ("mean", "p50", "p90", "p95", "p99")


def simulated_latencies(
    ttft: SimulatedLatency, itl: SimulatedLatency | None, e2e: SimulatedLatency, names: Sequence[str] = NAMES
) -> Table:
    """Return simulated percentiles with their intervals beside the formulas'; columns of which nothing is known go.

    Args:
        itl: as simulated; None where no answer has two tokens.
    """
    columns = (
        Column("latency"),
        Column("simulated", "right", spoken="bare"),
        *Column.figures("95 % interval", "formula"),
    )
    rows = [
        (f"{label} {name}", *_figure(getattr(latency, name)))
        for label, latency in (("TTFT", ttft), ("ITL", itl), ("E2E", e2e))
        if latency is not None
        for name in names
    ]
    return Table.of_known(columns, rows)


def _figure(figure: SimulatedFigure) -> tuple[str, str, str]:
    formula = UNKNOWN if figure.formula is None else show_seconds(figure.formula)
    return show_seconds(figure.value), interval_shown(figure.low, figure.high), formula


def interval_shown(low: float | None, high: float | None) -> str:
    """Return an interval as people read it; empty where there is none."""
    return UNKNOWN if low is None or high is None else f"{show_seconds(low)} – {show_seconds(high)}"
