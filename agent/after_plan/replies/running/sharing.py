"""A second workload beside the plan's: one fleet, shared cards, or apart."""

from collections.abc import Sequence
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import carried_rate, peak_rate
from agent.report.blocks import Column, Table
from agent.report.choice.shortfalls import floor_of
from agent.report.words import accelerators_noun, calls_shown
from agent.statements.merged import collected
from agent.talk.answer_display import variant_shown
from agent.talk.state import Branch
from catalogs.errors import InputError
from catalogs.units import show_usd
from engine.plan import CapacityPlan
from engine.workload import WorkloadSpec

ASK: Final = (
    "Name the second workload, its model, rate and lengths: 'and a second workload: qwen3 4b, 3 requests/s, 500 tokens"
    " in, 200 out'. Outside, `fleetcast pool --spec a.toml --spec b.toml` takes up to four."
)


def pool(asked: Asked) -> Explanation:
    """Return whether other workloads share the plan's fleet, its cards, or stay apart."""
    from agent.report.choice.pool_report import pool_report
    from engine.choice.sharing.ways import together
    from engine.choice.sharing.workloads import MOST_WORKLOADS

    others, note = _drafts(asked)
    if not others:
        return paragraphs(note, _room(asked.plan), ASK)
    specs = [(asked.state.workload or asked.plan.chosen.model_name, asked.plan.spec), *others][:MOST_WORKLOADS]
    result = together(specs, asked.ports.catalog)
    if isinstance(result, str):
        alone = asked.ports.sketch(dict(specs)[result])
        why = floor_of(alone) if isinstance(alone, CapacityPlan) else alone.reason
        return paragraphs(note, f"Nothing meets the targets of {result} alone, so that it shares nothing either.", why)
    idle = asked.plan.fleet.billed_accelerators - asked.plan.fleet.accelerators
    room = f"{idle} of the {accelerators_noun(asked.plan.chosen)} that the plan is billed for run nothing: a second"
    room = f"{room} workload that takes no more of them adds nothing to the bill." if idle > 0 else ""
    return (*paragraphs(note, room), *pool_report(result).blocks)


def bill_of_all(plans: Sequence[tuple[str, Branch]]) -> Explanation:
    """Return what each of several workloads takes and costs, and their sum.

    Args:
        plans: of the workloads, by name.
    """
    rows, total = list[tuple[str, ...]](), 0.0
    for name, branch in plans:
        plan, load = branch.capacity_plan, branch.values.get("traffic.requests_per_s")
        bill = plan.cost.monthly_usd if plan else None
        total += bill or 0.0
        fleet = plan.answer.sentence.partition(":")[0] if plan else "nothing fits"
        rows.append(
            (
                name,
                fleet,
                variant_shown("traffic.requests_per_s", load) if load else "",
                show_usd(bill) if bill is not None else "",
            )
        )
    columns = (Column("workload"), Column("fleet"), *Column.figures("load", "monthly"))
    return (
        *paragraphs("Each workload on a fleet of its own; 'in one pool' sets them together:"),
        Table(columns, (*rows, ("together", "", "", show_usd(total)))),
    )


def _drafts(asked: Asked) -> tuple[list[tuple[str, WorkloadSpec]], str]:
    """Return the other workloads of the conversation by name, and what is said of those that lack something."""
    specs, lacks = list[tuple[str, WorkloadSpec]](), ""
    for draft in asked.state.apart:
        try:
            own = draft.state.base.spec if draft.state.branches else None
            spec = own or collected(draft.state.statements, asked.ports.catalog).completed().spec
        except InputError as error:
            lacks += f"{draft.name} is left out: {error}. "
            continue
        specs.append((draft.name, spec))
    return specs, lacks.strip()


def _room(plan: CapacityPlan) -> str:
    """Say how much more of its own kind the plan's fleet takes in the busiest hour and on average."""
    peak, carried = peak_rate(plan), carried_rate(plan)
    if not peak:
        return ""
    mean = peak / plan.spec.traffic.peak_factor
    return (
        f"Of the same model and lengths the fleet takes {calls_shown(plan, carried - peak)} more in the busiest hour,"
        f" and {calls_shown(plan, carried - mean)} more around the mean, where a workload of other hours finds room."
    )
