"""Statements from flags, files and sentences → one StatedSpec: preset filled in, names resolved, completeness checked.

Order of precedence, the later wins: settings, preset, file, said, flag.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, get_args

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from agent.fields.demand import BESIDE_SPEC, PRESET
from agent.fields.system import DIMENSION
from agent.fields.table import FIELDS
from agent.statements.flags import ONE_TOO_MANY, flag_values
from agent.statements.names import named, resolve_names
from catalogs.catalog import Catalog
from catalogs.errors import IncompleteInput, InputError, quoted
from catalogs.records.models import ModelArchitecture
from catalogs.records.presets import TokenQuantiles, WorkloadPreset
from catalogs.records.validation import InvalidValues, record_of
from catalogs.units import show_percent, show_seconds
from engine.workload import (
    Metric,
    Percentile,
    Source,
    SourceKind,
    StatedSpec,
    Statement,
    Target,
    TokenDistribution,
    merge,
    missing,
    nested,
    spec_from,
)

ORDER: Final[tuple[SourceKind, ...]] = ("default", "derived", "settings", "preset", "file", "said", "flag")


class Collected(Struct, frozen=True):
    """Merged values; perhaps not enough for a forecast."""

    values: Mapping[str, Any]
    sources: Mapping[str, Source]
    notes: tuple[str, ...] = ()
    """Values that a later source overrode."""
    dimensions: tuple[str, ...] = ()
    """Of a model that was described by its dimensions: those that are still needed."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still needed, in words, with the flags that give it."""
        words = tuple(FIELDS[path].missing for path in missing(self.values))
        flags = [f"--{name.replace('_', '-')}" for name in self.dimensions]
        return (*words, f"the rest of the model's dimensions ({', '.join(flags)})") if flags else words

    def tree(self) -> dict[str, Any]:
        """Return the values as JSON holds them: the whole spec where nothing is missing, else what is known.

        Raises InputError where a value is out of its range.
        """
        if not self.missing:
            return to_builtins(self.completed().spec)
        known = {path: value for path, value in self.values.items() if value is not None}
        if isinstance(architecture := known.get("architecture"), ModelArchitecture):
            known["architecture"] = to_builtins(architecture)
        return nested(known)

    def completed(self) -> StatedSpec:
        """Return the spec.

        Raises:
            IncompleteInput: required values are missing; all are named.
            InputError: a value is out of its range.
        """
        if self.missing:
            raise IncompleteInput(self.missing)
        return self.stated()

    def stated(self) -> StatedSpec:
        """Return the spec of a question that needs no rate; the caller sees to what else is needed.

        Raises InputError where a value is missing or out of its range.
        """
        try:
            return StatedSpec(spec_from(self.values), self.sources, self.notes)
        except InputError as error:
            # The range is the spec's; the name that the user knows is that of the flag or file.
            path, colon, rest = str(error).partition(": ")
            source = self.sources.get(path)
            if not colon or source is None or not source.detail or source.kind in ("said", "preset"):
                raise
            name = source.detail if source.kind == "flag" else f"{source.detail}: {path}"
            raise InputError(f"{name}: {_as_shown(path, rest)}") from error


def flag_statement(given: Mapping[str, tuple[str, ...]], insist: bool | None = None) -> Statement:
    """Return what flags say, each by its name with its texts; implausible values where they are insisted on.

    Raises InputError where a text cannot be read or flags contradict each other.
    """
    values, details = flag_values(given, insist)
    dimensions = [details[path] for path in values if path.startswith(DIMENSION)]
    if dimensions and "model" in values:
        names = ", ".join(dimensions)
        raise InputError(f"{details['model']} names a model and {names} describes another: {ONE_TOO_MANY}")
    return Statement("flag", values, details)


def preset_statement(preset: WorkloadPreset) -> Statement:
    """Return what a kind of traffic fills in."""
    values: dict[str, Any] = {
        **_lengths("input", preset.input),
        **_lengths("output", preset.output),
        "traffic.burstiness": preset.burstiness,
        "traffic.peak_factor": preset.peak_factor,
        "traffic.burst": preset.burst,
        "traffic.calls_per_request": preset.calls_per_request if preset.calls_per_request != 1 else None,
        "traffic.hourly_profile": preset.hourly_profile or None,
        "tokens.prefix_hit": preset.prefix_hit,
        "targets": tuple(_preset_targets(preset)) or None,
        "default_targets": None if preset.targets else "none",
    }
    known = {path: value for path, value in values.items() if value is not None}
    return Statement("preset", known, dict.fromkeys(known, preset.id))


def collected(statements: Iterable[Statement], catalog: Catalog) -> Collected:
    """Merge statements by precedence and resolve the names in them.

    Raises:
        InputError: a name that the catalog does not know, a model that cannot be read, a target that makes no sense.
    """
    ordered = sorted(_with_preset(statements, catalog), key=lambda statement: ORDER.index(statement.kind))
    values, sources, notes = merge([_targets_apart(statement) for statement in ordered])
    _fold_targets(values, sources)
    needed = _fold_dimensions(values, sources)
    more = resolve_names(values, sources, catalog)
    _fill_means(values, sources)
    return Collected(values, sources, (*notes, *more), needed)


def _as_shown(path: str, fault: str) -> str:
    """Return a fault with its figures as people write that field: a share in per cent, a time in its unit."""
    show = FIELDS[path].show if path in FIELDS else None
    if show not in (show_percent, show_seconds):
        return fault
    return re.sub(r"(to |than |given: )(-?[\d.e+-]*\d)", lambda found: f"{found[1]}{show(float(found[2]))}", fault)


# --- presets ----------------------------------------------------------------------------------------------------------


def _with_preset(statements: Iterable[Statement], catalog: Catalog) -> list[Statement]:
    """Return the statements, with the values of the preset that the strongest of them names."""
    given = sorted(statements, key=lambda statement: ORDER.index(statement.kind))
    naming = [statement for statement in given if statement.values.get(PRESET) is not None]
    apart = {PRESET, *BESIDE_SPEC}
    kept = [
        replace(statement, values={path: value for path, value in statement.values.items() if path not in apart})
        for statement in given
    ]
    if naming:
        last = naming[-1]
        with named(last.details.get(PRESET, "")):
            kept.append(preset_statement(catalog.preset(str(last.values[PRESET]))))
    return list(without_unwanted_targets(kept))


def without_unwanted_targets(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Yield statements, those of kinds of traffic without their targets where somebody said that none is wanted."""
    given = tuple(statements)
    unwanted = any(one.kind == "said" and one.values.get("default_targets") == "none" for one in given)
    for one in given:
        values = {path: value for path, value in one.values.items() if path != "targets"}
        yield replace(one, values=values) if unwanted and one.kind == "preset" else one


def _lengths(side: str, lengths: TokenQuantiles) -> dict[str, Any]:
    """Return mean and spread. The CV, not the p95: it still holds when someone states another mean."""
    values: dict[str, Any] = {f"tokens.{side}.mean": lengths.mean}
    if lengths.p95 is not None:
        values[f"tokens.{side}.cv"] = round(TokenDistribution(mean=lengths.mean, p95=lengths.p95).lognormal_cv, 3)
    return values


def _preset_targets(preset: WorkloadPreset) -> Iterable[Target]:
    for name, seconds in preset.targets.items():
        metric, percentile, _ = name.split("_")
        yield record_of(Target, {"metric": metric, "percentile": percentile, "seconds": seconds})


# --- targets ----------------------------------------------------------------------------------------------------------

_ORDER_OF_TARGETS: Final = {
    f"targets.{metric}.{percentile}": {"metric": metric, "percentile": percentile}
    for metric in get_args(Metric)
    for percentile in get_args(Percentile)
}


def _targets_apart(statement: Statement) -> Statement:
    """Return the statement with each target under a path of its own, so that sources merge target by target.

    An empty list of them says that none is wanted.
    """
    if "targets" not in statement.values:
        return statement
    values = {path: value for path, value in statement.values.items() if path != "targets"}
    if not statement.values["targets"]:
        values["default_targets"] = "none"
    details = dict(statement.details)
    for stated in statement.values["targets"]:
        try:
            target = record_of(Target, stated)
        except InvalidValues:
            where = details.get("targets", "")
            accepted = "metric (ttft, itl or e2e), percentile (mean, p50, p90, p95 or p99) and seconds above 0"
            shown = dict(stated) if isinstance(stated, Mapping) else stated
            raise InputError(f"{where}: targets: {quoted(shown)} is not a target: it has {accepted}") from None
        path = f"targets.{target.metric}.{target.percentile}"
        values[path] = target.seconds
        details.setdefault(path, details.get("targets", ""))
    return replace(statement, values=values, details=details)


def with_targets_listed(statement: Statement) -> Statement:
    """Return a statement of flags or settings with its targets as what is said has them: under one path."""
    listed = [path for path in statement.values if path in _ORDER_OF_TARGETS]
    if not listed:
        return statement
    values = dict(statement.values)
    values["targets"] = tuple(record_of(Target, target) for target in _targets_out_of(values, listed))
    said = dict.fromkeys(detail for path in listed if (detail := statement.details.get(path, "")))
    return replace(statement, values=values, details={**statement.details, "targets": ", ".join(said)})


def _targets_out_of(values: dict[str, Any], paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the targets of some paths, which are taken out of the values."""
    for path in paths:
        yield {**_ORDER_OF_TARGETS[path], "seconds": values.pop(path)}


def _fold_targets(values: dict[str, Any], sources: dict[str, Source]) -> None:
    """Put the targets back under one path, in one order, whatever the order in which they were stated."""
    paths = [path for path in _ORDER_OF_TARGETS if path in values]
    if not paths:
        return
    values["targets"] = tuple(_targets_out_of(values, paths))
    given = [sources.pop(path) for path in paths]
    strongest = max(given, key=lambda source: ORDER.index(source.kind))
    details = dict.fromkeys(source.detail for source in given if source.detail)
    sources["targets"] = Source(strongest.kind, ", ".join(details))


# --- lengths and dimensions -------------------------------------------------------------------------------------------


def _fill_means(values: dict[str, Any], sources: dict[str, Source]) -> None:
    """An empirical sample gives its own mean; what only reads has no answer beyond the step that ends a prompt."""
    answer = sources.get("tokens.output.mean")
    if values.get("serving.task") == "embed" and (answer is None or answer.kind == "preset"):
        for name in ("cv", "p95", "values"):
            values.pop(f"tokens.output.{name}", None)
            sources.pop(f"tokens.output.{name}", None)
        values["tokens.output.mean"] = 1.0
        sources["tokens.output.mean"] = Source("derived", "a text is read, none is written")
    for side in ("input", "output"):
        sample, path = values.get(f"tokens.{side}.values"), f"tokens.{side}.mean"
        if sample and path not in values and all(isinstance(value, int | float) for value in sample):
            values[path] = sum(sample) / len(sample)
            sources[path] = Source("derived", f"the mean of {len(sample)} values")


def _fold_dimensions(values: dict[str, Any], sources: dict[str, Source]) -> tuple[str, ...]:
    """Make the architecture of a model that its dimensions describe; return those that are still needed."""
    paths = [path for path in values if path.startswith(DIMENSION)]
    if not paths:
        return ()
    from agent.statements.dimensions import OWN_MODEL, Dimensions, architecture_of

    said = {path.removeprefix(DIMENSION): values.pop(path) for path in paths}
    source = Source("flag", ", ".join(sources.pop(path).detail for path in paths))
    needed = Dimensions(**said).needed()
    values["model"], sources["model"] = OWN_MODEL, source
    # Without them all no name is looked up either: the dimensions are the model.
    values["architecture"], sources["architecture"] = None if needed else architecture_of(said), source
    return needed
