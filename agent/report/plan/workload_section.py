"""The workload as the report shows it: every value that was given or that the plan rests on, with its source."""

from collections.abc import Mapping

from msgspec import to_builtins

from agent.fields.table import FIELDS
from agent.report.blocks import Cell, Column, Table, Words
from agent.report.words import singular, source_shown
from catalogs.units import show_figure, show_seconds
from engine.workload import DEFAULT_TOKEN_CV, Source, WorkloadSpec, flattened


def workload_table(spec: WorkloadSpec, sources: Mapping[str, Source]) -> Table:
    """Return the values of a spec with the source of each."""
    rows: list[tuple[Cell, ...]] = []
    for path, value in flattened(to_builtins(spec)).items():
        source = _source(path, sources)
        if path == "targets":
            for t in spec.targets:
                whose = _toned(sources.get(f"targets.{t.metric}", source))
                rows.append((t.name, show_seconds(t.seconds), whose))
        elif path == "architecture" and value is not None:
            rows.append(("architecture", "given, not from the catalog", _toned(source)))
        elif _is_shown(path, value, source):
            field = FIELDS[path]
            rows.append((field.label, singular(f"{field.show(value)} {field.unit}".rstrip()), _toned(source)))
        elif path in ("tokens.input.cv", "tokens.output.cv") and _has_default_spread(spec, path):
            rows.append((FIELDS[path].label, show_figure(DEFAULT_TOKEN_CV), _toned(None)))
    return Table((Column(""), Column("", spoken="bare"), Column("source", wraps=True, spoken="bare")), tuple(rows))


def _is_shown(path: str, value: object, source: Source | None) -> bool:
    if value is None or value == ():
        return False
    return source is not None or not FIELDS[path].quiet


def _has_default_spread(spec: WorkloadSpec, path: str) -> bool:
    tokens = spec.tokens.input if "input" in path else spec.tokens.output
    return tokens.cv is None and tokens.p95 is None and not tokens.values


def _source(path: str, sources: Mapping[str, Source]) -> Source | None:
    """Return the source of a path, or of what it is a part of."""
    while path not in sources and "." in path:
        path = path.rpartition(".")[0]
    return sources.get(path)


def _toned(source: Source | None) -> Cell:
    shown = source_shown(source)
    return Words(shown, "quiet") if source is None or source.kind == "default" else shown
