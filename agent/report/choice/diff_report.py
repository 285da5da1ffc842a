"""Two plans of one service, the previous and the new: only what changed, and which input did how much of it."""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from agent.fields.table import FIELDS
from agent.report.blocks import Block, Cell, Column, Heading, Paragraph, Report, Table
from agent.report.choice.figures import FIGURES
from agent.report.words import usd_shown
from catalogs.units import show_count, show_seconds
from engine.choice.attribution import Attribution, Changed
from engine.plan import CapacityPlan, plain, six_digits, split_shown
from engine.workload import Metric

COMPARED: Final = (
    "replicas", "gpus", "gpus-high", "monthly", "autoscaled", "per-million", "ttft-p95", "ttft-p99", "itl", "itl-p95",
    "e2e-p95", "utilisation", "kwh", "holds-to",
)  # fmt: skip
LABELS: Final = {
    "gpus": "accelerators",
    "gpus-high": "accelerators, high end",
    "itl": "ITL mean",
    "holds-to": "holds to",
}
PARTS: Final[Mapping[str, tuple[str, Callable[[float], str]]]] = {
    "accelerators": ("accelerators", lambda value: _signed(value, "{:.3g}".format)),
    "monthly_usd": ("monthly", lambda value: _signed(value, usd_shown)),
    "ttft_p95_s": ("TTFT p95", lambda value: _signed(value, show_seconds)),
    "itl_mean_s": ("ITL mean", lambda value: _signed(value, show_seconds)),
}


def moved(before: CapacityPlan, after: CapacityPlan) -> dict[str, tuple[float | None, float | None]]:
    """Return the figures that differ, in units, by name."""
    pairs = {name: (FIGURES[name].of(before), FIGURES[name].of(after)) for name in COMPARED}
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
            "offer": f"{offer.provider} {offer.instance} at {offer.usd_per_hour:g} USD/h" if offer else "none",
            "targets": "met" if plan.answer.meets_targets else "missed",
        }

    old, new = said(before), said(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def diff_report(before: CapacityPlan, after: CapacityPlan, why: Attribution) -> Report | None:
    """Return what changed; None where nothing did.

    Args:
        before: the previous plan.
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
    columns = (
        Column(""),
        Column("previous", "right"),
        Column("new", "right"),
        Column("change", "right", spoken="bare"),
    )
    blocks: list[Block] = (
        [Table(columns, tuple(rows))] if rows else [Paragraph("The inputs changed; the plan did not.")]
    )
    if why.changed:
        blocks += [Heading("What did it"), _parts_table(why)]
    if why.why_not:
        blocks.append(Paragraph(f"Not shared out among the inputs: {why.why_not}."))
    return Report(tuple(blocks))


def _parts_table(why: Attribution) -> Table:
    titles = () if why.why_not else tuple(title for title, _ in PARTS.values())
    columns = (
        Column("input"),
        *(Column(title, "right") for title in titles),
        Column("", wraps=True, spoken="sentence"),
    )
    rows = [
        (label_of(one.input), *_cells(one.parts), f"{value_of(one, one.before)} → {value_of(one, one.after)}")
        for one in why.changed
    ]
    if not why.why_not and any(_matters(value) for value in why.rest.values()):
        rows.append(("the rest", *_cells(why.rest), "catalog, program, simulation"))
    return Table(columns, tuple(rows))


def _cells(parts: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(
        show(parts[name]) if _matters(parts[name]) else "0" for name, (_, show) in PARTS.items() if name in parts
    )


def _matters(value: float) -> bool:
    return abs(value) > 1e-6


def label_of(path: str) -> str:
    """Return what the report calls an input."""
    return FIELDS[path].label if path in FIELDS and FIELDS[path].label else path


def value_of(one: Changed, value: Any) -> str:
    """Return a value as its field shows it."""
    if isinstance(value, dict):
        return ", ".join(f"{path.rpartition('.')[2]} {item:g}" if isinstance(item, float | int) else str(item)
                         for path, item in value.items())  # fmt: skip
    if value is None:
        return "open"
    if isinstance(value, list):
        return ", ".join(
            f"{item['metric']} {item['percentile']} {show_seconds(item['seconds'])}"
            if isinstance(item, dict)
            else str(item)
            for item in value
        )
    if one.input in FIELDS and isinstance(value, float | int):
        return FIELDS[one.input].show(value)
    return show_count(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


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
        before: the previous plan.
        after: the new one.
        why: each input's part.
    """
    return {
        "figures": {name: {"previous": old, "new": new} for name, (old, new) in moved(before, after).items()},
        "chosen": {name: {"previous": old, "new": new} for name, (old, new) in choices(before, after).items()},
        "inputs": [plain(one) for one in why.changed],
        "rest": plain(dict(why.rest)),
        "why_not": why.why_not,
    }
