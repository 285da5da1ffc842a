"""A replica's load curve in a CSV file, measured or made: its columns are the fields of a plan's load curve."""

import csv
import io
from itertools import pairwise
from math import isfinite
from typing import Final

from catalogs.errors import InputError, quoted
from engine.plan import LoadPoint

NEEDED: Final = ("requests_per_s", "in_flight", "waiting")
"""Columns that must be there; the others are 0 where they are not."""


def curve_in(text: str, name: str) -> tuple[LoadPoint, ...]:
    """Return the points of a load curve.

    Raises:
        InputError: a column is missing, a cell is no number, or the loads do not rise.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    missing = [column for column in NEEDED if not rows or column not in rows[0]]
    if missing:
        raise InputError(
            f"{quoted(name)} is no load curve: it lacks {', '.join(missing)}; {', '.join(NEEDED)} are needed"
        )
    points = []
    for number, row in enumerate(rows, 2):
        try:
            values = [float(row.get(field) or 0) for field in LoadPoint.__struct_fields__]
        except ValueError:
            raise InputError(f"{quoted(name)}, line {number}: a cell is no number") from None
        if not all(isfinite(value) and value >= 0 for value in values):
            raise InputError(f"{quoted(name)}, line {number}: numbers from 0 on are accepted")
        points.append(LoadPoint(*values))
    loads = [0.0, *(point.requests_per_s for point in points)]
    if any(high <= low for low, high in pairwise(loads)):
        raise InputError(f"{quoted(name)}: requests_per_s must rise from line to line, from above 0")
    return tuple(points)
