"""What of a field may be meant, whichever door it comes through: beyond its range a value is a slip of the hand."""

from collections.abc import Mapping
from typing import Any, Final

from agent.fields.demand import LEAST_TARGET_S
from agent.fields.table import FIELDS
from catalogs.units import show_count, show_percent, show_seconds

LONGEST_TARGET_S: Final[Mapping[str, float]] = {"ttft": 3600, "itl": 10, "e2e": 86_400}
"""Most seconds of a target that are plausible."""


def out_of_range(path: str, value: Any) -> str:
    """Return why a value lies beyond what may be meant for a path; empty where it does not."""
    if path.startswith("targets."):
        return _target_out_of_range(path.split(".")[1], value)
    field = FIELDS.get(path)
    if field is None or field.plausible is None or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    low, high = field.plausible.lowest, field.plausible.highest
    if low <= value <= high:
        return ""
    wrong = "negative" if value < 0 <= low else "implausible"
    if field.show is show_percent:
        said, accepted = show_percent(value), f"{show_percent(low)} to {show_percent(high)}"
    else:
        said = show_count(value) if abs(value) >= 1e6 else f"{value:,.6g}"
        accepted = f"more than 0, up to {high:,.10g}" if 0 < low < 1e-3 else f"{low:g} to {high:,.10g}"
    return f"{said} {field.plausible.noun} is {wrong}; accepted is {accepted}"


def _target_out_of_range(metric: str, seconds: float) -> str:
    low, high = LEAST_TARGET_S[metric], LONGEST_TARGET_S[metric]
    if low <= seconds <= high:
        return ""
    accepted = f"{show_seconds(low)} to {show_seconds(high)}"
    return f"{metric.upper()} of {show_seconds(seconds)} is implausible; accepted is {accepted}"
