"""The kinds of cases among measured points, as a catalog file: what `engine.bands.beyond_data` compares a case with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from catalogs.catalog import Catalog
from catalogs.matrices import total_parameters
from catalogs.records.fitted import MeasuredKind
from catalogs.records.validation import record_of
from catalogs.toml_text import Digits, entry_text
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import read
from engine.bands.beyond_data import format_of
from engine.bands.lookup import architecture_of
from engine.fitting.blocks import BLOCKS, block_points
from engine.fitting.weights import excluded_because

SERVED = ("static_batch", "closed_loop", "open_loop", "offline")
"""Loads of several requests together: a stream alone says nothing of serving."""
HEADER = """# Which kinds of cases were measured under load and had a part in the bands or in the scorecard. Written by
# `fleetcast fit`. A plan for a case outside of them says so, and its bands are wider.
"""


def kinds_of(
    rows: Iterable[Mapping[str, str]], scorecard: Iterable[Mapping[str, str]], catalog: Catalog
) -> list[MeasuredKind]:
    """Return the kinds among the rows that a fit is made of or judged by, and among the scorecard's.

    Args:
        rows: of the measured points, by column.
        scorecard: rows of the points that no fit has seen.
        catalog: that the rows' names are read by.
    """
    points = [point for row in rows if isinstance(point := read(row, catalog), MeasuredPoint)]
    judged = [point for row in scorecard if isinstance(point := read(row, catalog), MeasuredPoint)]
    used = [point for block in BLOCKS for point in block_points(block, points) if not excluded_because(point.row)]
    groups: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
    for point in {point.row["id"]: point for point in (*used, *judged)}.values():
        if point.load.kind not in SERVED or point.together == 1:
            continue
        named = catalog.model(point.row["model"])
        weights = catalog.precision(point.system.weights or named.precision)
        accelerator = catalog.accelerators[point.setting.accelerator]
        key = (accelerator.architecture, architecture_of(named.model), format_of(weights))
        groups[key].append((point.load.prompt + point.load.output, total_parameters(named.model)))
    return [
        record_of(
            MeasuredKind,
            {
                "id": "-".join(key).lower().replace(" ", "-"),
                "accelerator_architecture": key[0],
                "model": key[1],
                "format": key[2],
                "points": len(cases),
                "longest_tokens": max(tokens for tokens, _ in cases),
                "least_parameters": min(size for _, size in cases),
                "most_parameters": max(size for _, size in cases),
            },
        )
        for key, cases in sorted(groups.items())
    ]


def kinds_file(kinds: Iterable[MeasuredKind]) -> str:
    """Return the TOML text of all measured kinds."""
    return HEADER + "".join(entry_text("measured", _rounded(kind)) for kind in kinds)


def _rounded(kind: MeasuredKind) -> dict[str, object]:
    digits = {"longest_tokens": ".6g", "least_parameters": ".4g", "most_parameters": ".4g"}
    fields = {name: getattr(kind, name) for name in kind.__struct_fields__}
    return fields | {name: Digits(format(fields[name], few)) for name, few in digits.items()}
