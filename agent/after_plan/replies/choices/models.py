"""Other models on the same accelerators and load: for a purpose, by name, the largest that fit."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from agent.after_plan.replies.asked import LIMITS, LOAD, Asked, paragraphs
from agent.after_plan.replies.choices.sketched import COLUMNS, NONE, Change, Sketch, shown, sketched
from agent.after_plan.replies.load import GPUS
from agent.after_plan.replies.shares import other_model, shared_out
from agent.after_plan.sums import Explanation
from agent.report.blocks import Cell, Column, Table
from agent.report.words import usd_shown
from agent.talk.model_proposals import ProposedModel, model_proposals, purpose_in
from catalogs.catalog import Catalog
from catalogs.units import GIB, show_rate
from engine.plan import CapacityPlan
from engine.question.releases import SIXTEEN_BITS


def other_models(asked: Asked) -> Explanation:
    """Return models for the purpose that is named, or the usual ones, on the accelerators and the load of the plan."""
    plan = asked.plan
    if parts := shared_out(asked):
        return parts
    if asked.has("largest|biggest|bigger|larger|beefiest") and not asked.has("cheaper|smaller"):
        return _for_the_bill(asked) if asked.has("money|bill|budget|price|cost|costs|spend") else _largest(asked)
    purpose, proposals = purpose_in(asked.words), model_proposals()
    if purpose and purpose.id.startswith("the smallest") and asked.has("cheapest|least expensive"):
        return cheapest_models(asked)
    if named := other_model(asked):
        ((label, found),) = sketched(asked, (_with(asked, named),))
        rows = tuple(
            (f"{name}{'' if isinstance(one, str) else f', {one.chosen.precision.weights.upper()}'}", *shown(one, plan))
            for name, one in ((plan.chosen.model_name, plan), (label, found))
        )
        return (
            *paragraphs(f"For the same load, on {_where(asked)}:"),
            Table((Column("model"), *COLUMNS), rows),
            *paragraphs(
                f"'with {named}' plans it in full. Whether its answers are as good only your own cases can tell."
            ),
        )
    entries = (
        purpose.models if purpose else tuple({m.id: m for p in proposals.purpose[:3] for m in p.models[:2]}.values())
    )
    return _proposed(asked, entries, f"For {purpose.id if purpose else 'the same load'}")


def cheapest_models(asked: Asked) -> Explanation:
    """Return all models that are proposed for anything, the cheapest for this load first."""
    entries = {model.id: model for purpose in model_proposals().purpose for model in purpose.models}
    return _proposed(asked, tuple(entries.values()), "For the same load, the cheapest first", _bill)


def _proposed(
    asked: Asked, entries: Sequence[ProposedModel], what_for: str, order: Callable[[Sketch], float] = lambda _: 0.0
) -> Explanation:
    """Return proposed models beside the plan's, each sketched under its load."""
    plan, catalog = asked.plan, asked.ports.catalog
    changes = tuple(_with(asked, entry.id) for entry in entries if entry.id != plan.chosen.model)
    why = {catalog.models[entry.id].name: entry.why for entry in entries}
    others = ((one[0], *shown(one[1], plan), why[one[0]]) for one in sorted(sketched(asked, changes), key=order))
    columns = (Column("model"), *COLUMNS, Column.sentences())
    table = Table(columns, ((plan.chosen.model_name, *shown(plan, plan), "the plan's"), *others))
    lead = (
        f"{what_for}, on {_where(asked)}, in {plan.chosen.precision.weights.upper()} where weights have 16 bits, else"
        " as they are:"
    )
    return (
        *paragraphs(lead),
        table,
        *paragraphs(
            f"'with {entries[0].id}' plans one in full; 'fleetcast catalog models' lists all. Proposed as of"
            f" {model_proposals().checked}; whether its answers are good enough only your own cases can tell."
        ),
    )


def _where(asked: Asked) -> str:
    """Return the accelerators that models are tried on: the plan's where they were named."""
    return asked.plan.chosen.accelerator_name if asked.values.get("hardware.accelerators") else "any accelerator"


def _bill(sketch: Sketch) -> float:
    """Return the bill of a sketch that meets its targets, USD a month; infinity of any other."""
    plan = sketch[1]
    usd = plan.cost.monthly_usd if isinstance(plan, CapacityPlan) and plan.answer.meets_targets else None
    return float("inf") if usd is None else usd


def _with(asked: Asked, model: str) -> Change:
    """Return the change to another model: in the plan's precision where its weights have 16 bits, else as they are."""
    entry = asked.ports.catalog.models[model]
    own = NONE if entry.native_precision in SIXTEEN_BITS else frozenset({"precision.weights", "precision.kv_cache"})
    return entry.name, {"model": model}, own


_LIKED: Final = ("llama", "qwen", "gpt-oss", "mistral", "deepseek", "gemma", "glm")
"""Families that are looked through for the largest model."""


def _liked(catalog: Catalog) -> list[tuple[float, str]]:
    """Return the billions of parameters and the ids of the models of usual families, the largest first."""
    known = (model for model in catalog.models.values() if model.published and model.family.startswith(_LIKED))
    return sorted(((model.published.total_billions, model.id) for model in known if model.published), reverse=True)


def _largest(asked: Asked) -> Explanation:
    """Return the largest models whose weights and a few requests fit a number of the plan's accelerators."""
    plan, catalog = asked.plan, asked.ports.catalog
    count = asked.count_of(rf"{GPUS}|of (?:them|these|those)") or plan.chosen.accelerators_per_replica
    memory = count * catalog.accelerators[plan.chosen.accelerator].memory_gib * GIB
    sized = [one for one in _liked(catalog) if one[0] * 0.5e9 < memory]
    free = LIMITS | LOAD | {"precision.weights", "precision.kv_cache", "availability.spare_replicas", "targets"}
    rows: list[tuple[Cell, ...]] = []
    for billions, identity in sized[:24]:
        for weights in (None, "fp8", "int4"):
            values: dict[str, Any] = {
                "model": identity,
                "hardware.accelerators": (plan.chosen.accelerator,),
                "hardware.accelerator_count": count,
            }
            values |= {"precision.weights": weights} if weights else {}
            ((_, found),) = sketched(asked, ((identity, values, free),))
            if isinstance(found, CapacityPlan) and all(row[1] != f"{billions:.0f} billion" for row in rows):
                weights_of, holds = found.chosen.precision.weights.upper(), found.answer.holds_to_requests_per_s
                rows.append((found.chosen.model_name, f"{billions:.0f} billion", weights_of, show_rate(holds)))
                break
        if len(rows) == 3:
            break
    columns = (
        Column("model"),
        Column("parameters", "right"),
        Column("weights"),
        Column("holds, without targets", "right"),
    )
    lead = f"The largest that fit {count} × {plan.chosen.accelerator_name}, of the families that are used most:"
    return (
        *paragraphs(lead),
        Table(columns, tuple(rows)),
        *paragraphs("'fleetcast catalog models --fits' lists all of the catalog."),
    )


def _for_the_bill(asked: Asked) -> Explanation:
    """Return the largest models whose fleet for the plan's load costs at most what the plan does."""
    plan, catalog = asked.plan, asked.ports.catalog
    mine = catalog.models.get(plan.chosen.model)
    least = mine.published.total_billions if mine and mine.published else 0.0
    larger = [one for one in _liked(catalog) if one[0] > least * 1.05]
    free = frozenset({"precision.weights", "precision.kv_cache", "hardware.accelerators"})
    changes = tuple((catalog.models[identity].name, {"model": identity}, free) for _, identity in larger)
    rows: list[tuple[Cell, ...]] = []
    for change, (billions, _) in zip(changes, larger, strict=True):
        (sketch,) = sketched(asked, (change,))
        if _bill(sketch) <= (plan.cost.monthly_usd or 0.0):
            rows.append((sketch[0], f"{billions:.0f} billion", *shown(sketch[1], plan)))
        if len(rows) == 3:
            break
    bill = usd_shown(plan.cost.monthly_usd)
    if not rows:
        return paragraphs(f"None: no larger model of the usual families carries this load for {bill} a month.")
    columns = (Column("model"), Column("parameters", "right"), *COLUMNS)
    return (
        *paragraphs(f"The largest that carry the same load within the targets for at most {bill} a month, on any GPU:"),
        Table(columns, tuple(rows)),
        *paragraphs("Parameters are no measure of how well it answers: try them on cases of your own."),
    )
