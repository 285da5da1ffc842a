"""Plans side by side: which fits, what each takes and costs, and which one to take."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, to_builtins

from agent.fields.table import FIELDS
from agent.report.blocks import Cell, Column, Group, Paragraph, Report, Table, Words
from agent.report.choice.diff_report import label_of, made_with_shown, value_shown
from agent.report.choice.figures import FIGURES
from agent.report.choice.shortfalls import floor_of
from agent.report.choice.surprises import widened
from agent.report.cost.price_origin import origin_of
from agent.report.plan.bands import measure_sentence
from agent.report.plan.opening import in_flight_shown
from agent.report.words import accelerators_noun, fleet_shown, met_shown, sentence, usd_shown
from catalogs.units import show_count, show_seconds, show_usd
from engine.choice.attribution import made_otherwise
from engine.plan import CapacityPlan, NoPlan, six_digits, split_shown
from engine.planning.phrases import counted
from engine.workload import Target, WorkloadSpec, flattened


class Compared(Struct, frozen=True):
    """One of the plans, or why there is none."""

    label: str
    plan: CapacityPlan | NoPlan
    changed: str = ""
    """What it asks otherwise than the others, in words, where its label does not say it."""

    @property
    def capacity_plan(self) -> CapacityPlan | None:
        """The plan, if there is one."""
        return self.plan if isinstance(self.plan, CapacityPlan) else None


def decomposition(plan: CapacityPlan) -> str:
    """Return what a fleet is made of in words: '40 GPUs = 5 replicas × TP8; 13 requests in each, 65 in all'."""
    fleet = plan.fleet
    noun = accelerators_noun(plan.chosen, fleet.accelerators)
    each = f"{counted(fleet.replicas, 'replica')} × {split_shown(plan.chosen)}"
    down = " with the spares down" if fleet.spares else ""
    return f"{show_count(fleet.accelerators)} {noun} = {each}; {in_flight_shown(plan)}{down}"


def comparison_report(compared: Sequence[Compared], *, saved: bool = False) -> Report:
    """Return the plans as a table, a row each in their order, and in words which one to take.

    Args:
        saved: whether they were made apart: what differs in their questions is then said, and where it is the load or
            the model none is called cheaper; else their labels say it.
    """
    plans = [plan for one in compared if (plan := one.capacity_plan)]
    target = next((t for plan in plans for t in plan.spec.targets), None)
    columns = [
        Column(""),
        Column("fleet", spoken="bare"),
        Column(target.name if target else "TTFT p95", "right"),
        Column("ITL", "right"),
        Column("monthly", "right"),
        Column("per 1M", "right"),
        Column("targets", spoken="bare"),
        Column.sentences(),
    ]
    differing = differing_fields([plan.spec for plan in plans])
    labelled = "hardware.accelerators" in differing and not any(one.changed for one in compared)
    named = len({plan.chosen.accelerator for plan in plans}) > 1 and not labelled
    one_origin = len({origin_of(plan) for plan in plans} - {""}) < 2
    some_meet = any(plan.answer.meets_targets for plan in plans)
    rows = [_row(one, target, named=named, one_origin=one_origin, some_meet=some_meet) for one in compared]
    if not any(plan.spec.targets for plan in plans):  # nobody stated a target
        del columns[6]
        rows = [row[:6] + row[7:] for row in rows]
    if saved and differing:
        columns.insert(1, Column("asked"))
        rows = [(row[0], _asked(one, differing), *row[1:]) for row, one in zip(rows, compared, strict=True)]
    table = Table(tuple(columns), tuple(rows))
    lines = (*_verdict(compared, differing, saved=saved), *_hardly_known(plans), *_made_otherwise(compared))
    said = [Paragraph(line) for line in lines]
    return Report((table, *([Group(tuple(said))] if said else [])))


def _row(one: Compared, target: Target | None, *, named: bool, one_origin: bool, some_meet: bool) -> tuple[Cell, ...]:
    """Return a plan's row; of one that no number of its accelerators makes meet the targets, where others do, no bill.

    Args:
        target: whose latency is shown; None for TTFT p95.
        named: whether the accelerator is.
        one_origin: whether all prices are of one provider, region and term.
        some_meet: whether any of the plans meets its targets.
    """
    plan = one.capacity_plan
    if plan is None:
        reason = one.plan.sentence if isinstance(one.plan, NoPlan) else ""
        return one.label, Words("none", "bad"), "", "", "", "", "", _joined(one.changed, sentence(reason))
    fleet, prices = plan.fleet, plan.cost.usd_per_million_tokens
    met: Cell = ""
    if plan.targets:
        met = met_shown(plan.answer.meets_targets)
        if not plan.answer.meets_targets and all(one.met for one in plan.targets):
            met = Words("over its limit", "bad")
    latencies = (
        show_seconds(plan.peak_latency_s(*(target.metric, target.percentile) if target else ("ttft", "p95"))),
        show_seconds(plan.performance.at_peak.itl_s.mean),
    )
    if some_meet and floor_of(plan):
        whose = f"{plan.chosen.accelerator_name} cannot" if named else "cannot"
        return one.label, f"{whose} meet them", *latencies, "", "", met, one.changed
    accelerators = fleet_shown(plan) if named else show_count(fleet.accelerators)
    return (
        one.label,
        f"{accelerators} = {show_count(fleet.replicas)} × {split_shown(plan.chosen)}",
        *latencies,
        usd_shown(plan.cost.monthly_usd),
        usd_shown(prices.blended) if prices else "",
        met,
        _joined(one.changed, "" if one_origin else f"{'priced at ' if one.changed else ''}{origin_of(plan)}"),
    )


def _joined(*said: str) -> str:
    return "; ".join(filter(None, said))


def differing_fields(specs: Sequence[WorkloadSpec]) -> tuple[str, ...]:
    """Return the fields in which questions differ, by path."""
    values = [flattened(to_builtins(spec)) for spec in specs]
    return tuple(
        path
        for path, field in FIELDS.items()
        if field.label and not field.quiet and any(one.get(path) != values[0].get(path) for one in values)
    )


def _asked(one: Compared, differing: Iterable[str]) -> str:
    """Return what a plan was asked in the fields in which others were asked something else."""
    if (plan := one.capacity_plan) is None:
        return ""
    values = flattened(to_builtins(plan.spec))
    return "; ".join(f"{label_of(path)} {value_shown(path, values.get(path))}" for path in differing)


def _verdict(compared: Sequence[Compared], differing: Sequence[str], *, saved: bool) -> Iterator[str]:
    """Yield which plan to take, where they answer one question."""
    loads = [path for path in differing if path.startswith(("traffic.", "tokens.")) or (saved and path == "model")]
    if not loads:
        yield from _conclusions(compared)
        return
    names = ", ".join(map(label_of, loads))
    yield f"They answer different questions ({names}), so that none is called cheaper."


def _conclusions(compared: Iterable[Compared]) -> Iterator[str]:
    meeting = [(one.label, plan) for one in compared if (plan := one.capacity_plan) and plan.answer.meets_targets]
    priced = sorted(
        ((plan.cost.monthly_usd, label, plan) for label, plan in meeting if plan.cost.monthly_usd is not None),
        key=lambda found: found[:2],
    )
    if not meeting:
        yield "None of them meets what was asked."
        return
    if priced:
        cost, label, plan = priced[0]
        yield f"Cheapest: {label}, {show_usd(cost)} a month. {decomposition(plan)}."
        if cost and len(priced) > 1:
            others = [
                (other, "the same" if usd == cost else f"{usd / cost - 1:.0%} more") for usd, other, _ in priced[1:]
            ]
            yield f"{'; '.join(f'{other} costs {more}' for other, more in others)}."
    fastest = min(meeting, key=lambda found: found[1].peak_latency_s("ttft", "p95"))
    if priced and fastest[0] != priced[0][1]:
        first = fastest[1].peak_latency_s("ttft", "p95")
        yield f"Fastest first token: {fastest[0]}, TTFT p95 {show_seconds(first)}."


def _hardly_known(plans: Iterable[CapacityPlan]) -> Iterator[str]:
    """Yield whose speed is hardly known, and what has no arithmetic for its weights: not as cheap as it looks."""
    for said in (measure_sentence, widened):
        yield from dict.fromkeys(filter(None, map(said, plans)))


def _made_otherwise(compared: Sequence[Compared]) -> Iterator[str]:
    """Yield what a plan was made with that the first was not."""
    plans = [(one.label, plan) for one in compared if (plan := one.capacity_plan)]
    for label, plan in plans[1:]:
        if made_with := made_otherwise(plans[0][1], plan):
            yield f"Not the question alone differs from {plans[0][0]} to {label}: {made_with_shown(made_with)}."


_SAID: Final[Mapping[str, Callable[[CapacityPlan], object]]] = {
    "model": lambda plan: plan.chosen.model,
    "requests_per_s": lambda plan: plan.spec.traffic.requests_per_s,
    "concurrency": lambda plan: plan.spec.traffic.concurrency,
    "input_tokens": lambda plan: plan.spec.tokens.input.mean,
    "output_tokens": lambda plan: plan.spec.tokens.output.mean,
    "accelerator": lambda plan: plan.chosen.accelerator,
    "precision": lambda plan: plan.chosen.precision.weights,
    "runtime": lambda plan: plan.chosen.runtime,
    "parallelism": lambda plan: split_shown(plan.chosen),
    "decomposition": decomposition,
    "meets_targets": lambda plan: plan.answer.meets_targets,
    "priced_at": origin_of,
}
"""What a row says of a plan beside its figures, by column."""


def comparison_rows(compared: Iterable[Compared]) -> list[dict[str, Any]]:
    """Return each plan's figures by name, in units, for JSON and CSV; those without a plan have their reason."""
    found = []
    for one in compared:
        row: dict[str, Any] = {"label": one.label}
        if plan := one.capacity_plan:
            row |= {name: of(plan) for name, of in _SAID.items()}
            for name, figure in FIGURES.items():
                value = figure.of(plan)
                row[_key(name, figure.unit)] = None if value is None else six_digits(value)
            row["reason"] = ""
        elif isinstance(one.plan, NoPlan):
            row["reason"] = one.plan.sentence
        found.append(row)
    return found


def columns_of_rows() -> tuple[str, ...]:
    """Return the names of the columns of a comparison's CSV."""
    return ("label", *_SAID, *(_key(name, figure.unit) for name, figure in FIGURES.items()), "reason")


def _key(name: str, unit: str) -> str:
    return "_".join(filter(None, (name.replace("-", "_"), unit.lower())))
