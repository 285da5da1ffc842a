"""From said values to statements: what they contradict, what they make void, and whether they can be a spec."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from agent.fields.demand import BESIDE_SPEC, CROWD, HABIT, RATE, USERS
from agent.interpret.facts.reading import Ambiguity, Choice, Reading, SaidValue
from agent.statements.merged import preset_statement, without_unwanted_targets
from agent.talk.answer_display import value_shown
from agent.talk.slots import Slot
from agent.talk.state import ADDS, Ports, State, joined_targets, merged, without
from catalogs.errors import InputError
from engine.workload import Statement, missing, spec_from

_FILLER: Final = {"traffic.requests_per_s": 1.0, "tokens.input.mean": 1.0, "tokens.output.mean": 1.0, "model": "any"}


def with_said_values(state: State, said_values: tuple[SaidValue, ...], text: str, ports: Ports) -> State:
    """Return the state with said values of a line among its statements.

    Args:
        text: the line, which says whether targets are added.

    Raises:
        InputError: a model that neither the catalog nor the hub nor a file knows.
    """
    taken = Reading(said_values=said_values)
    return with_values(state, dict(taken.values), taken.details, ports, adding=bool(ADDS.search(text)))


def with_values(
    state: State, values: dict[str, Any], details: Mapping[str, str], ports: Ports, adding: bool = False
) -> State:
    """Return the state with values that somebody said; what they make void goes.

    Args:
        adding: accelerators are added to those that were named.

    Raises:
        InputError: as ``with_said_values``.
    """
    old, statements = state.values, state.statements
    named = values.pop("preset", None)
    if named is not None:
        preset = preset_statement(ports.catalog.preset(str(named)))
        statements = (preset, *(statement for statement in statements if statement.kind != "preset"))
    if "model" in values:
        statements = without(statements, {"architecture"})
        model = ports.model(str(values["model"]))
        if model.architecture is not None:
            # The hub is asked once: a plan is made from what was read then.
            values |= {"model": model.name, "architecture": model.architecture}
    if "targets" in values:
        stated = merged(tuple(one for one in statements if one.kind != "preset"))[0].get("targets", ())
        values["targets"] = joined_targets(stated, tuple(values["targets"]))
    if adding and values.get("hardware.accelerators"):
        both = (*old.get("hardware.accelerators", ()), *values["hardware.accelerators"])
        values["hardware.accelerators"] = tuple(dict.fromkeys(both))
    values |= exclusions(values, old)
    users = old.get(USERS) if values.get(RATE) and values.get(HABIT) and USERS not in values else None
    if users:
        values[HABIT] = values[RATE] / users  # of a part of them who ask, what each of all does on average
    # A kind of traffic keeps its targets: those that are said win over them one by one.
    usual = tuple(one for one in statements if one.kind == "preset" and values.get("targets"))
    stated = without(tuple(one for one in statements if one not in usual), set(values))
    statements = (*without(usual, values.keys() - {"targets"}), *stated)
    kept = {path: details[path] for path in values if path in details}
    said = (Statement("said", values, kept),) if values else ()
    return replace(state, statements=tuple(without_unwanted_targets((*statements, *said))))


def exclusions(values: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return accelerators wanted and excluded as they stand after new ones were said: none is both."""
    wanted = values.get("hardware.accelerators", old.get("hardware.accelerators", ()))
    excluded = old.get("hardware.excluded", ())
    made: dict[str, Any] = {}
    if "hardware.excluded" in values:
        excluded = tuple(dict.fromkeys((*excluded, *values["hardware.excluded"])))
        made["hardware.excluded"] = excluded
        if set(wanted) & set(excluded):
            made["hardware.accelerators"] = tuple(name for name in wanted if name not in excluded)
    elif set(wanted) & set(excluded):
        made["hardware.excluded"] = tuple(name for name in excluded if name not in wanted)
    return made


def conflicts(
    state: State, said_values: tuple[SaidValue, ...], slot: Slot | None
) -> tuple[tuple[SaidValue, ...], tuple[Ambiguity, ...]]:
    """Return the said values that may be taken, and a question for each that contradicts what was said before.

    Args:
        slot: the question that is being asked, which they may answer anew.
    """
    old, sources = state.values, state.sources
    of_users = {said_value.path for said_value in said_values} & CROWD
    kept: list[SaidValue] = []
    questions: list[Ambiguity] = []
    for said_value in said_values:
        before = old.get(said_value.path)
        being_asked = slot is not None and said_value.path in slot.paths
        was_said = said_value.path in sources and sources[said_value.path].kind == "said"
        additive = said_value.path in (
            "targets",
            "hardware.excluded",
            "money.excluded_providers",
            "preset",
            *BESIDE_SPEC,
        )
        # Users or their habit are said anew: the rate that follows from them is no contradiction.
        additive = additive or (said_value.path == RATE and USERS in old and bool(of_users))
        if not was_said or being_asked or additive or before in (None, ()) or before == said_value.value:
            kept.append(said_value)
            continue
        now, then = value_shown(said_value.path, said_value.value), value_shown(said_value.path, before)
        text = f"You said {then} before and {now} now. Which holds?"
        questions.append(
            Ambiguity(text, said_value.path, (Choice(said_value.value, now), Choice(before, then)), said_value.words)
        )
    return tuple(kept), tuple(questions)


def invalid(values: Mapping[str, Any]) -> str | None:
    """Return why values cannot be a spec, in one sentence; what is still open is no reason."""
    still_open = missing(values)
    try:
        given = {path: value for path, value in values.items() if path not in BESIDE_SPEC}
        filled = {path: value for path, value in _FILLER.items() if path in still_open}
        for path in [path for path in filled if path.endswith(".mean")]:
            filled[path] = given.get(path.replace(".mean", ".p95"), filled[path])  # any mean that goes with it
        spec_from(filled | given)
    except InputError as error:
        return str(error)
    return None
