"""How the bytes of a model come about, as a report: its parts, its checkpoints, its KV cache."""

from agent.report.blocks import Column, Facts, Heading, Report, Table
from catalogs.units import show_bytes, show_count, show_figure
from engine.estimate.stored_weights import PART_NAMES, ModelBytes, StoredPart, StoredWeights


def bytes_report(held: ModelBytes) -> Report:
    """Return how a model's bytes come about: its parts in each way in which they are stored, then its checkpoints.

    Checkpoints whose parts are stored alike share a column.
    """
    ways: dict[str, StoredWeights] = {}
    labels: list[str] = []
    for stored in held.checkpoints:
        same = (label for label, way in ways.items() if (way.precision, way.parts) == (stored.precision, stored.parts))
        others = sum(way.precision == stored.precision for way in ways.values())
        label = next(same, stored.precision if not others else f"{stored.precision} ({others + 1})")
        ways.setdefault(label, stored)
        labels.append(label)
    columns = (Column("part", spoken="bare"), *Column.figures("parameters", *ways))
    rows = [
        (PART_NAMES[part], show_count(count, compact=True), *(_part(way.parts[part]) for way in ways.values()))
        for part, count in held.parameters.items()
    ]
    totals = (_gigabytes(way.total_bytes) for way in ways.values())
    rows.append(("all parts", show_count(sum(held.parameters.values()), compact=True), *totals))
    sizes = Column.figures("computed", "published", "computed / published")
    checkpoints = zip(labels, held.checkpoints, strict=True)
    return Report(
        (
            Heading("Bytes by part, in GB and bits per parameter"),
            Table(columns, tuple(rows)),
            Heading("Checkpoints"),
            Table(
                (Column("checkpoint", spoken="bare"), Column("stored as"), *sizes),
                tuple(_checkpoint(label, stored) for label, stored in checkpoints),
            ),
            Heading("KV cache of a token"),
            Facts(tuple((id, show_bytes(size)) for id, size in held.kv_cache_bytes_per_token.items())),
        )
    )


def _checkpoint(label: str, stored: StoredWeights) -> tuple[str, ...]:
    published = stored.published_bytes
    return (
        stored.repository or "none is known: the model's own precision",
        label,
        _gigabytes(stored.total_bytes),
        _gigabytes(published) if published else "",
        f"{stored.total_bytes / published:.3f}" if published else "",
    )


def _part(part: StoredPart) -> str:
    return f"{_gigabytes(part.bytes)} at {part.bits:.3g} bit"


def _gigabytes(size: float) -> str:
    return f"{show_figure(size / 1e9)} GB"
