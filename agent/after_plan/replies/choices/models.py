"""Other models on the same accelerators and load: for a purpose, by name, the largest that fit."""

from typing import Any, Final

from agent.after_plan.replies.asked import LIMITS, LOAD, Asked, paragraphs
from agent.after_plan.replies.choices.sketched import COLUMNS, NONE, Change, shown, sketched
from agent.after_plan.replies.load import GPUS
from agent.after_plan.replies.shares import other_model, shared_out
from agent.after_plan.sums import Explanation
from agent.report.blocks import Cell, Column, Table
from agent.report.words import usd_shown
from agent.talk.model_proposals import model_proposals, purpose_in
from catalogs.catalog import Catalog
from catalogs.units import GIB, show_rate
from engine.plan import CapacityPlan
from engine.question.releases import SIXTEEN_BITS


def other_models(asked: Asked) -> Explanation:
    """Return models for the purpose that is named, or the usual ones, on the accelerators and the load of the plan."""
    plan, catalog = asked.plan, asked.ports.catalog
    if parts := shared_out(asked):
        return parts
    if asked.has("largest|biggest|bigger|larger|beefiest") and not asked.has("cheaper|smaller"):
        return _for_the_bill(asked) if asked.has("money|bill|budget|price|cost|costs|spend") else _largest(asked)
    purpose = purpose_in(asked.words)
    proposals = model_proposals()
    entries = (
        purpose.models if purpose else tuple({m.id: m for p in proposals.purpose[:3] for m in p.models[:2]}.values())
    )
    if named := other_model(asked):
        ((label, found),) = sketched(asked, (_with(asked, named),))
        rows = tuple(
            (f"{name}{'' if isinstance(one, str) else f', {one.chosen.precision.weights.upper()}'}", *shown(one, plan))
            for name, one in ((plan.chosen.model_name, plan), (label, found))
        )
        return (
            *paragraphs(f"For the same load, on {plan.chosen.accelerator_name}:"),
            Table((Column("model"), *COLUMNS), rows),
            *paragraphs(
                f"'with {named}' plans it in full. Whether its answers are as good only your own cases can tell."
            ),
        )
    changes = tuple(_with(asked, entry.id) for entry in entries if entry.id != plan.chosen.model)
    why = {catalog.models[entry.id].name: entry.why for entry in entries}
    others = ((label, *shown(found, plan), why[label]) for label, found in sketched(asked, changes))
    columns = (Column("model"), *COLUMNS, Column.sentences())
    table = Table(columns, ((plan.chosen.model_name, *shown(plan, plan), "the plan's"), *others))
    lead = (
        f"For {purpose.id if purpose else 'the same load'}, on {plan.chosen.accelerator_name}, in"
        f" {plan.chosen.precision.weights.upper()} where weights have 16 bits, else as they are:"
    )
    return (
        *paragraphs(lead),
        table,
        *paragraphs(
            f"'with {entries[0].id}' plans one in full; 'fleetcast catalog models' lists all. Proposed as of"
            f" {proposals.checked}; whether its answers are good enough only your own cases can tell."
        ),
    )


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
        ((label, found),) = sketched(asked, (change,))
        usd = found.cost.monthly_usd if isinstance(found, CapacityPlan) and found.answer.meets_targets else None
        if usd is not None and usd <= (plan.cost.monthly_usd or 0.0):
            rows.append((label, f"{billions:.0f} billion", *shown(found, plan)))
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
