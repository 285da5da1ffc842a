"""How a command shows its answer: report or JSON on standard output, notices on standard error."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from commands.failures import Exit

if TYPE_CHECKING:
    from engine.accuracy.dots import Dot
    from engine.accuracy.peers import Comparison
    from engine.accuracy.scores import Accuracy
    from engine.estimate.estimate import Outcome
    from engine.fitting.run import FitRun
    from engine.load_test.fleet_over_time import SimulatedFleet
    from engine.load_test.plan_under_load import SimulatedPlan
    from engine.plan import CapacityPlan, NoPlan

SHOWN_REJECTIONS = 8


def exit_code(plan: "CapacityPlan") -> Exit:
    """Return what a plan says to a script."""
    if not plan.answer.meets_targets:
        return Exit.NOTHING_MEETS
    return Exit.CHECK_FAILED if plan.cost.within_budget is False else Exit.DONE


def json_text(tree: Any, encoding: str = "utf-8") -> str:
    """Return JSON as it is printed and saved; what the encoding cannot carry is escaped."""
    text = json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(tree, indent=2, allow_nan=False) + "\n"
    return text


def print_json(tree: Any) -> None:
    """Print JSON alone."""
    sys.stdout.write(json_text(tree, sys.stdout.encoding or "utf-8"))


def show_plan(plan: "CapacityPlan", *, full: bool = False, plain: bool = False, cost: bool = False) -> None:
    """Print a plan's screenful or its whole report; ``cost`` adds the bill to the screenful."""
    from agent.report import model
    from agent.report.bill_section import bill
    from agent.report.blocks import Heading, Report

    report = model.full(plan) if full else model.screenful(plan)
    if cost and not full:
        report = Report((*report.blocks, Heading("The bill"), *bill(plan)))
    _show(report, plain)


def show_no_plan(none: "NoPlan", *, full: bool = False, plain: bool = False) -> None:
    """Print why there is no plan, and what would have to give."""
    from agent.report.blocks import Block, Bullets, Paragraph, Report
    from agent.report.words import sentence

    shown = none.rejected if full else none.rejected[:SHOWN_REJECTIONS]
    items = [f"{r.what}: {r.reason}" for r in shown]
    if len(shown) < len(none.rejected):
        items.append(f"{len(none.rejected) - len(shown)} more with --full")
    works = tuple(dict.fromkeys(change for r in none.rejected for change in r.relaxations))
    blocks: tuple[Block, ...] = (Paragraph(sentence(none.sentence), "bad"),)
    if len(items) > 1:  # the sentence holds the reason of a single one
        blocks += (Bullets(tuple(items), "Tried:"),)
    if works:
        blocks += (Bullets(works if full else works[:SHOWN_REJECTIONS], "What would have to give:"),)
    _show(Report(blocks), plain)


def show_estimates(outcomes: "Sequence[Outcome]", *, plain: bool = False, why: bool = False) -> None:
    """Print estimates, one in detail or several beside each other; ``why`` adds every derivation."""
    from agent.report.estimate_report import estimate_report

    _show(estimate_report(outcomes, why=why), plain)


def show_simulated(plan: "CapacityPlan", simulated: "SimulatedPlan", *, plain: bool = False) -> None:
    """Print what a simulation of a plan gave."""
    from agent.report.simulation_report import simulation_report

    _show(simulation_report(plan, simulated), plain)


def show_fleet_over_time(plan: "CapacityPlan", simulated: "SimulatedFleet", *, plain: bool = False) -> None:
    """Print what a fleet made of a load over time."""
    from agent.report.fleet_report import fleet_report

    _show(fleet_report(plan, simulated), plain)


def show_accuracy(
    accuracy: "Accuracy",
    compared: "Sequence[Comparison]",
    dots: "Mapping[str, Sequence[Dot]] | None" = None,
    *,
    plain: bool = False,
) -> None:
    """Print a scorecard, a peer's errors beside ours, and predicted against measured where dots are given."""
    from agent.report.accuracy_report import accuracy_report

    _show(accuracy_report(accuracy, compared, dots), plain)


def show_fit(run: "FitRun", *, plain: bool = False) -> None:
    """Print what a fit reached: in it, and on what it left out."""
    from agent.report.fit_report import fit_report

    _show(fit_report(run), plain)


def notice(lines: Iterable[str]) -> None:
    """Say something beside the answer, on standard error."""
    for line in lines:
        print(line, file=sys.stderr)


def _show(report: Any, plain: bool) -> None:
    from agent.report.show import show

    show(report, plain=plain or bool(os.environ.get("ACCESSIBLE")))
