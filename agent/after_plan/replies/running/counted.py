"""The plan's number of replicas beside others that a line names: 'why 6 replicas and not 5', '10 GPUs should do'."""

import re
from typing import Final

from agent.after_plan.lines.accounts import figures_in
from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.load import GPUS, NODES, REPLICAS
from agent.after_plan.replies.running.held import tails_at
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate, replicas_at
from agent.interpret.words.numerals import in_figures
from agent.report.blocks import Cell, Column, Table
from agent.report.words import accelerators_noun, calls_shown
from catalogs.units import show_count, show_figure
from engine.plan import CapacityPlan, split_shown

_BARE_PAIR: Final = re.compile(
    r"\b(?:why|how come)\b(?: [a-z']+){0,3} (?P<one>\d+)\b[^\d]*\b(?:not|instead of|rather than|but|or)\b[^\d]*"
    r"(?P<other>\d+)\b(?! ?(?:ms|s|%|tokens?|rps|k)\b)",
    re.I,
)
_TAKEN_FOR: Final = re.compile(
    r"(?:why|how come)(?: (?:do|does|are|is|did|it|there|you|we|need|so|the plan))* \d+\b(?!.*\b(?:not|only|just)\b)"
)
"""A question that takes its number for the plan's: 'why 8 replicas'."""
_BESIDE: Final = r"\b(?:(?P<count>\d+)|an?|another) (?:(?:{0}) )?(?:(?P<more>more)|less|fewer)\b(?: (?:{0})\b)?"
"""More or fewer than the plan's: 'why not one replica less'."""
_MOST: Final = 64.0
"""Times the plan's own fleet, beyond which a number counts nothing of it."""


def counted(asked: Asked) -> Explanation | None:
    """Return what the numbers of replicas, GPUs or nodes of a line hold; None where it names the plan's own alone."""
    plan, peak = asked.plan, peak_rate(asked.plan)
    replicas = _replicas_in(asked)
    if not peak or not set(replicas) - {float(plan.fleet.replicas)}:
        return None
    each = plan.replica_capacity.requests_per_s
    noun, size = accelerators_noun(plan.chosen), plan.chosen.accelerators_per_replica
    spare = f", and {plan.fleet.spares} spare on top" if plan.fleet.spares else ""
    took = [int(count) for count in replicas if count != plan.fleet.replicas]
    own = plan.fleet.replicas
    meant = _TAKEN_FOR.match(asked.words) and len(took) == len(replicas) == 1
    wrong = f"The plan has {own} replicas, not {took[0]}. " if meant else ""
    lead = (
        f"{wrong}{calls_shown(plan, peak)} in the busiest hour ÷ {calls_shown(plan, each)} of a replica"
        f" ({split_shown(plan.chosen, always='TP1')}), where {plan.replica_capacity.binds} stops it, are"
        f" {show_figure(peak / each)}: {replicas_at(plan, peak)} replicas hold the targets{spare}."
    )
    columns = (
        Column("replicas"),
        *Column.figures(noun, "hold within the targets", "TTFT p95", "ITL p95"),
        Column("for this load", spoken="bare"),
    )
    rows = [_row(plan, peak, count, size) for count in dict.fromkeys((*replicas, float(plan.fleet.replicas)))]
    other = next(int(count) for count in replicas if count != plan.fleet.replicas)
    most = calls_shown(plan, plan.replica_capacity.saturated_requests_per_s)
    after = (
        f"With no target kept a replica does {most}, its queues full. 'with {other} replicas' plans with so many,"
        f" whatever the targets say; 'we measured {show_figure(peak / other)} rps on one replica at ttft p95 700 ms'"
        " sets a result beside the forecast."
    )
    return (*paragraphs(lead), Table(columns, tuple(rows)), *paragraphs(after))


def _row(plan: CapacityPlan, peak: float, count: float, size: int) -> tuple[Cell, ...]:
    capacity = plan.replica_capacity
    whole = int(count)
    ttft, itl = tails_at(plan, peak / whole) if peak / whole < capacity.saturated_requests_per_s else ("", "")
    holds = whole * capacity.requests_per_s
    verdict = "enough" if holds >= peak * (1 - 1e-6) else "targets missed" if ttft else "overloaded: queues grow"
    beside = whole - plan.fleet.replicas
    own = f", {abs(beside)} {'more' if beside > 0 else 'fewer'}" if beside else ", the plan's"
    return f"{whole}{own}", show_count(whole * size), calls_shown(plan, holds), ttft, itl, verdict


def _replicas_in(asked: Asked) -> list[float]:
    """Return the numbers of replicas that a line names, whole ones of accelerators and nodes."""
    plan, line = asked.plan, in_figures(asked.words)
    size = plan.chosen.accelerators_per_replica
    node = plan.chosen.offer.accelerators if plan.chosen.offer else size
    scales = ((REPLICAS, 1.0), (NODES, node / size), (GPUS, 1 / size))
    named = [scale for nouns, scale in scales if re.search(rf"\b(?:{nouns})\b", line)]
    pair = _BARE_PAIR.search(line)
    relative = any(re.search(_BESIDE.format(nouns), line) for nouns, _ in scales)
    if not named and not pair:
        return []
    of_gpus = pair and size > 1 and str(plan.fleet.accelerators) in pair.group("one", "other")
    usual = named[0] if named else 1 / size if of_gpus else 1.0
    counts = [
        figure.number * next((scale for nouns, scale in scales if re.search(rf"\b(?:{nouns})\b", figure.words)), usual)
        for figure in figures_in(line)
        if figure.kind in ("", "machines") and figure.number.is_integer() and not relative
    ]
    counts += [
        plan.fleet.replicas + int(match["count"] or 1) * scale * (1 if match["more"] else -1)
        for nouns, scale in scales
        for match in re.finditer(_BESIDE.format(nouns), line)
    ]
    if any(count < 1 for count in counts):
        return []  # less than a replica: whether it fits at all is another question
    return [float(int(count)) for count in counts if count <= _MOST * plan.fleet.replicas]
