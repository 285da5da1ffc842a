"""The flags of `estimate`, and the question that they state: loads, and a spec for each model beside the others."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agent.fields.field import Field, Flag
from agent.fields.table import FIELDS
from agent.statements.flags import FLAGS
from agent.statements.merged import Collected, collected, flag_statement
from catalogs.catalog import Catalog
from catalogs.errors import IncompleteInput, InputError
from catalogs.units import read_rate, read_whole
from engine.estimate.load_kinds import GivenLoad, LoadKind
from engine.workload import Statement, WorkloadSpec

_OF_REPLICA: Final = ("Tokens", "Model", "Dimensions of a model of your own", "Serving")
"""Panels all of whose flags say something about one replica."""

ESTIMATE_FLAGS: Final[Mapping[str, tuple[Flag, ...]]] = {
    panel: kept
    for panel, flags in FLAGS.items()
    if (kept := tuple(flag for flag in flags if panel in _OF_REPLICA or (isinstance(flag, Field) and flag.of_replica)))
}
"""The flags of `forecast` that say something about one replica."""

LOAD_FLAGS: Final[Mapping[str, tuple[LoadKind, Any]]] = {
    "--concurrency": ("concurrency", read_whole),
    "--rps": ("rps", read_rate),
    "--static-batch": ("static_batch", read_whole),
}
MOST_LOADS: Final = 100
A_LOAD: Final = "a load (--concurrency, --rps, --static-batch or --offline)"
AN_ACCELERATOR: Final = "an accelerator (--gpu-type, or --accelerators for several)"


def given_loads(texts: Mapping[str, str | None], *, offline: bool) -> tuple[GivenLoad, ...]:
    """Return the loads that flags give; several values of one flag, separated by commas, are a sweep.

    Raises InputError where two flags give the load or a value cannot be read.
    """
    given = [f"{name} {text}" for name, text in texts.items() if text is not None] + (["--offline"] if offline else [])
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} both give the load: leave one of them out")
    if offline:
        return (GivenLoad("offline"),)
    loads: dict[GivenLoad, None] = {}
    for name, text in texts.items():
        if text is None:
            continue
        kind, read = LOAD_FLAGS[name]
        values = [value for value in text.split(",") if value.strip()]
        if not values or len(values) > MOST_LOADS:
            raise InputError(f"{name} {text[:60]!r} holds {len(values)} values; 1 to {MOST_LOADS} are accepted")
        loads |= dict.fromkeys(GivenLoad(kind, float(read(value, name))) for value in values)
    return tuple(loads)


def specs_and_loads(
    statements: Sequence[Statement],
    given: dict[str, tuple[str, ...]],
    models: Sequence[str],
    accelerators: Sequence[str],
    loads: tuple[GivenLoad, ...],
    catalog: Catalog,
) -> tuple[tuple[WorkloadSpec, ...], tuple[GivenLoad, ...], tuple[str, ...]]:
    """Return a spec for each model, the loads, and notes on values that were overridden.

    Args:
        statements: of settings and spec files; their rate or concurrency is the load where no flag gives one.
        given: the texts of the flags, by name.
        models: put beside each other, instead of the one that the flags name.
        accelerators: likewise.
        loads: that the flags give.

    Raises:
        IncompleteInput: values are missing; all are named.
        InputError: a name or a value that cannot be used.
    """
    if models and (named := given.get("--model") or given.get("--model-size")):
        raise InputError(f"--models {', '.join(models)} and {named[0]} both give the model: leave one of them out")
    if accelerators and (named := given.get("--gpu-type")):
        both = f"--accelerators {', '.join(accelerators)} and --gpu-type {', '.join(named)}"
        raise InputError(f"{both} both name accelerators: leave one of them out")
    given = given | {"--gpu-type": (",".join(accelerators),)} if accelerators else given
    texts_of_each = [given | {"--model": (name,)} for name in models] or [given]
    each_model = [collected([*statements, flag_statement(texts)], catalog) for texts in texts_of_each]
    loads = loads or _stated_loads(each_model[0])
    needed = [words for words in each_model[0].missing if words != FIELDS["traffic.requests_per_s"].missing]
    needed += [A_LOAD] if not loads else []
    needed += [AN_ACCELERATOR] if not each_model[0].values.get("hardware.accelerators") else []
    if needed:
        raise IncompleteInput(needed)
    stated = [model.stated() for model in each_model]
    return tuple(model.spec for model in stated), loads, stated[0].notes


def _stated_loads(question: Collected) -> tuple[GivenLoad, ...]:
    clients, rate = question.values.get("traffic.concurrency"), question.values.get("traffic.requests_per_s")
    if isinstance(clients, int | float):
        return (GivenLoad("concurrency", float(clients)),)
    return (GivenLoad("rps", float(rate)),) if isinstance(rate, int | float) else ()
