"""Two plans of one service, the previous and the new: only what changed, and which input did how much of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from agent.fields.table import FIELDS
from agent.fields.value_display import size_shown
from agent.report.blocks import Block, Cell, Column, Heading, Paragraph, Report, Table
from agent.report.choice.figures import FIGURES
from agent.report.words import singular, usd_shown
from catalogs.units import show_figure, show_seconds
from engine.choice.attribution import EXACT, Attribution, Changed
from engine.fleet.offers import origin
from engine.plan import CapacityPlan, plain, six_digits, split_shown
from engine.workload import Metric, target_name

COMPARED: Final = (
    "replicas", "gpus", "gpus-high", "monthly", "autoscaled", "per-million", "ttft-p95", "ttft-p99", "itl", "itl-p95",
    "e2e-p95", "utilisation", "kwh", "holds-to",
)  # fmt: skip
LABELS: Final = {
    "per-million": "per million tokens",
    "autoscaled": "monthly, autoscaled",
    "kwh": "kWh a month",
    "gpus": "accelerators",
    "gpus-high": "accelerators, high end",
    "itl": "ITL mean",
    "holds-to": "holds to, requests/s",
}
TOGETHER: Final = {"traffic": "load", "tokens.input": "prompts", "tokens.output": "answers"}
"""What inputs are called that change together."""
MEANS: Final = (
    "An input's part is the mean over the orders in which the inputs may change"
    f" (of more than {EXACT} inputs over drawn ones): accelerators come in fractions."
)
PARTS: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    "accelerators": ("accelerators", lambda value: _signed(value, "{:.3g}".format)),
    "monthly_usd": ("monthly", lambda value: _signed(value, usd_shown)),
    "ttft_p95_s": ("TTFT p95", lambda value: _signed(value, show_seconds)),
    "itl_mean_s": ("ITL mean", lambda value: _signed(value, show_seconds)),
}


def moved(
    before: CapacityPlan, after: CapacityPlan, names: Iterable[str] = COMPARED
) -> dict[str, tuple[float | None, float | None]]:
    """Return the figures that differ, in units, by name.

    Args:
        names: of the figures that are compared.
    """
    pairs = {name: (FIGURES[name].of(before), FIGURES[name].of(after)) for name in names}
    rounded = {name: tuple(None if v is None else six_digits(v) for v in pair) for name, pair in pairs.items()}
    return {name: (pair[0], pair[1]) for name, pair in rounded.items() if pair[0] != pair[1]}


def choices(before: CapacityPlan, after: CapacityPlan) -> dict[str, tuple[str, str]]:
    """Return what was chosen otherwise, in words."""

    def said(plan: CapacityPlan) -> dict[str, str]:
        chosen, offer = plan.chosen, plan.chosen.offer
        return {
            "accelerator": chosen.accelerator_name,
            "split": split_shown(chosen),
            "weights": chosen.precision.weights.upper(),
            "runtime": chosen.runtime,
            "offer": f"{offer.instance} of {origin(offer)} at {offer.usd_per_hour:g} USD/h" if offer else "none",
            "targets": "met" if plan.answer.meets_targets else "missed",
        }

    old, new = said(before), said(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def diff_report(before: CapacityPlan, after: CapacityPlan, why: Attribution) -> Report | None:
    """Return what changed; None where nothing did.

    Args:
        after: the new one.
        why: each input's part.
    """
    figures, chosen = moved(before, after), choices(before, after)
    if not (figures or chosen or why.changed):
        return None
    rows: list[tuple[Cell, ...]] = [(name, old, new, "") for name, (old, new) in chosen.items()]
    for name, (was, now) in figures.items():
        shown = FIGURES[name].shown
        change = f"{now / was - 1:+.1%}" if was and now is not None else ""
        cells = [("none" if value is None else shown(value)) for value in (was, now)]
        rows.append((_label(name), *cells, change))
    columns = (Column(""), *Column.figures("previous", "new"), Column("change", "right", spoken="bare"))
    blocks: list[Block] = (
        [Table(columns, tuple(rows))] if rows else [Paragraph("The inputs changed; the plan did not.")]
    )
    if why.changed or why.made_with:
        blocks += [Heading("What did it"), _parts_table(why)]
        if any(part != round(part) for one in why.changed if (part := one.parts.get("accelerators", 0))):
            blocks.append(Paragraph(MEANS))
    if why.why_not:
        blocks.append(Paragraph(f"Not shared out among the inputs: {why.why_not}."))
    return Report(tuple(blocks))


def _parts_table(why: Attribution) -> Table:
    titles = () if why.why_not else tuple(title for title, _ in PARTS.values())
    columns = (Column("input"), *(Column(title, "right") for title in titles), Column.sentences())
    rows = [
        (label_of(one.input), *_cells(one.parts), f"{value_of(one, one.before)} → {value_of(one, one.after)}")
        for one in why.changed
    ]
    if why.made_with or (not why.why_not and any(_matters(value) for value in why.rest.values())):
        parts = () if why.why_not else _cells(why.rest)
        alone = why.made_with[0].input if len(why.made_with) == 1 else ""
        rows.append((alone or "the rest", *parts, made_with_shown(why.made_with, alone) or "catalog or simulation"))
    return Table(columns, tuple(rows))


def made_with_shown(made_with: Sequence[Changed], alone: str = "") -> str:
    """Return what plans were made with otherwise, in words; the name left out of one that stands alone."""
    return "; ".join(f"{'' if alone else one.input} {one.before} → {one.after}".strip() for one in made_with)


def _cells(parts: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(
        show(parts[name]) if _matters(parts[name]) else "0" for name, (_, show) in PARTS.items() if name in parts
    )


def _matters(value: float) -> bool:
    return abs(value) > 1e-6


def label_of(path: str) -> str:
    """Return what the report calls an input."""
    return FIELDS[path].label if path in FIELDS and FIELDS[path].label else TOGETHER.get(path, path)


def value_of(one: Changed, value: Any) -> str:
    """Return a value as its field shows it; of what changes together, each that is there."""
    if one.input in FIELDS and not isinstance(value, dict):
        return value_shown(one.input, value)
    values = value if isinstance(value, dict) else {one.input: value}
    shown = [f"{label_of(path)} {value_shown(path, item)}" for path, item in values.items() if item not in ((), None)]
    return "; ".join(shown) or "open"


def value_shown(path: str, value: Any) -> str:
    """Return the value of a field with its unit; of a sample how many there are and their range.

    Args:
        value: as a plan's file has it.
    """
    if value is None or (isinstance(value, tuple | list) and not value):
        return "open"
    if path == "targets":
        return ", ".join(
            f"{target_name(one['metric'], one['percentile'])} within {show_seconds(one['seconds'])}" for one in value
        )
    if path == "architecture":
        return "given, not from the catalog"
    if path not in FIELDS:
        return show_figure(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    field = FIELDS[path]
    within = f" from {show_figure(min(value))} to {show_figure(max(value))}" if field.show is size_shown else ""
    return singular(f"{field.show(value)} {field.unit}".rstrip()) + within


def _signed(value: float, show: Callable[[float], str]) -> str:
    return ("+" if value >= 0 else "−") + show(abs(value))


def _label(name: str) -> str:
    """Return what a figure is called in a report: 'TTFT p95' of ttft-p95."""
    metric, _, rest = name.partition("-")
    named = metric.upper() if metric in get_args(Metric) else metric
    return LABELS.get(name, f"{named} {rest}".strip())


def diff_tree(before: CapacityPlan, after: CapacityPlan, why: Attribution) -> dict[str, Any]:
    """Return the same as JSON holds it.

    Args:
        after: the new one.
        why: each input's part.
    """
    return {
        "figures": {name: {"previous": old, "new": new} for name, (old, new) in moved(before, after).items()},
        "chosen": {name: {"previous": old, "new": new} for name, (old, new) in choices(before, after).items()},
        "inputs": [plain(one) for one in why.changed],
        "rest": plain(dict(why.rest)),
        "made_with": [plain(one) for one in why.made_with],
        "why_not": why.why_not,
    }
