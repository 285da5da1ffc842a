"""Ours and a peer's errors on the same points, side by side."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from engine.accuracy.scores import Accuracy, Score, ScoredRow, score

COLUMNS = {"itl": ("itl_ms", ("itl_ms_mean", "itl_ms_median")), "ttft": ("ttft_ms", ("ttft_ms_mean", "ttft_ms_median"))}
"""By metric: the peer's column, and those of the measurements that it stands for."""


class SideBySide(Struct, frozen=True):
    """Errors of one metric on the points that both predict."""

    ours: Score
    peer: Score
    error_ratio: float | None
    """Our median error over the peer's; null where the peer has none."""


class Comparison(Struct, frozen=True):
    """One peer, in one version."""

    peer: str
    peer_version: str
    predictions: int
    """Of the peer, as its file holds them."""
    known: int
    """Of them, those whose measurement is among the points, predicted or not."""
    metrics: dict[str, SideBySide]


def comparisons(accuracy: Accuracy, peer_rows: Sequence[Mapping[str, str]]) -> tuple[Comparison, ...]:
    """Return the errors of each peer in the rows beside ours; a point counts where both predict it."""
    groups: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in peer_rows:
        groups.setdefault((row["peer"], row["peer_version"]), []).append(row)
    ours = {(row.id, row.metric): row for row in accuracy.rows if row.predicted is not None and row.measured}
    ids = {row.id for row in accuracy.rows}
    known = {whose: sum(row["measurement_id"] in ids for row in rows) for whose, rows in groups.items()}
    return tuple(
        Comparison(*whose, len(rows), known[whose], dict(_metrics(ours, rows))) for whose, rows in groups.items()
    )


def _metrics(
    ours: Mapping[tuple[str, str], ScoredRow], rows: Sequence[Mapping[str, str]]
) -> Iterator[tuple[str, SideBySide]]:
    for metric, (theirs, columns) in COLUMNS.items():
        pairs = [
            (own.predicted / own.measured, float(row[theirs]) / own.measured)
            for row in rows
            if row[theirs]
            for column in columns
            if (own := ours.get((row["measurement_id"], column))) and own.predicted is not None and own.measured
        ]
        if pairs:
            us, them = score([pair[0] for pair in pairs]), score([pair[1] for pair in pairs])
            yield metric, SideBySide(us, them, us.median_ape / them.median_ape if them.median_ape else None)
