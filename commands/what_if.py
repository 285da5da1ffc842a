"""`fleetcast what-if`: a saved plan with something changed, and what that changes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalogs.errors import IncompleteInput, InputError, quoted
from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.input_files import saved_plan
from commands.options import App, Directories
from commands.progress import progress
from commands.showing import Shape, exit_code, left_out, notice, print_json, print_rows, show

if TYPE_CHECKING:
    from agent.talk.requests import Variation
    from agent.talk.state import Branch, Ports, State
    from engine.plan import Fleet

app = App()

File = Annotated[Path, typer.Argument(metavar="PLAN", help="What `forecast --output` wrote; - is standard input.")]
Changes = Annotated[
    list[str] | None, typer.Argument(metavar="[CHANGE…]", help="In words: 'traffic x2', 'fp8', 'on H200'.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="A field of the spec: tokens.output.mean=400; all as one change."),
]


@app.command("what-if")
def what_if_command(
    file: File, changes: Changes = None, assignments: Set = None, catalog: Directories = None, *, shape: Shape
) -> int:
    """A saved plan with something changed: the differences alone. Each change in words is a variant of its own."""
    from agent.session.ports import ports_of
    from agent.session.saved_plan import state_of
    from engine.planning.calibrated import catalog_of

    plan = saved_plan(file)
    ports = ports_of(catalog_of(plan, user_catalogs(catalog or ())))
    state = state_of(plan, ports.catalog)
    variations = [_in_words(text, plan.fleet, state, ports) for text in changes or ()]
    if assignments:
        variations.append(_assigned(assignments))
    if not variations:
        raise InputError("nothing is changed: say it in words ('traffic x2') or with --set tokens.output.mean=400")
    with progress("planning") as draw:
        branches = []
        for number, change in enumerate(variations, 1):
            draw(number - 1, len(variations))
            branches.append(_branch(state, change, ports, number))
    trees = [_tree(branch, state) for branch in branches]
    if shape.json:
        print_json({"variants": trees})
    elif shape.csv:
        moved = [(tree["label"], name, change) for tree in trees for name, change in tree["changed"].items()]
        rows = [{"variant": label, "figure": name, **change} for label, name, change in moved]
        print_rows(rows, ("variant", "figure", "before", "after", "unit"))
    else:
        _show(branches, state, plain=shape.plain)
    return max(exit_code(branch.plan) if branch.capacity_plan else Exit.NOTHING_MEETS for branch in branches)  # type: ignore[arg-type]


def _in_words(text: str, fleet: "Fleet", state: "State", ports: "Ports") -> "Variation":
    from agent.after_plan.whatif import understood
    from agent.talk.requests import Ask, Cheapest, Unclear, WhatIf

    there = {"hardware.replicas": fleet.replicas, "hardware.accelerator_count": fleet.accelerators, **state.base.values}
    found = understood(text, there, ports)
    left_out([f"Not used: {', '.join(found.unused)}."] if found.unused else [])
    match found.request:
        case WhatIf(change) | Cheapest(change):
            return change
        case Ask(_, questions):
            raise IncompleteInput((f"what {quoted(text)} means: {questions[0].text}",))
        case Unclear(why):
            raise InputError(why.rstrip("."))
    raise InputError(f"{quoted(text)} changes nothing of a plan; say what does, such as 'traffic x2' or 'on H200'")


def _assigned(assignments: list[str]) -> "Variation":
    from agent.fields.table import FIELDS
    from agent.talk.requests import Variation
    from catalogs.errors import listed

    values: dict[str, Any] = {}
    for text in assignments:
        path, sign, value = text.partition("=")
        field = FIELDS.get(path.strip())
        if not sign or field is None or field.read is None:
            from difflib import get_close_matches

            readable = [name for name, one in FIELDS.items() if one.read]
            near = get_close_matches(path, readable, n=1, cutoff=0.4)
            known = f"did you mean {near[0]}?" if near else f"there are {listed(readable)}"
            raise InputError(f"--set {quoted(text)} is not a field of the spec and its value; {known}")
        values[field.path] = field.read(value.strip(), f"--set {field.path}")
    label = ", ".join(text.strip() for text in assignments)
    return Variation(values, dict.fromkeys(values, "--set"), label)


def _branch(state: "State", change: "Variation", ports: "Ports", number: int) -> "Branch":
    from msgspec.structs import replace

    from agent.after_plan.variants import varied

    branch = varied(state, change, ports)[1]
    return replace(branch, number=number) if branch.number else branch


def _show(branches: "list[Branch]", state: "State", *, plain: bool) -> None:
    from agent.after_plan.variants import difference
    from agent.talk.speech import Data

    for branch in branches:
        if branch.number == 0:
            notice([f"{branch.label}: that is the plan already."])
            continue
        for said in difference(branch, state.base):
            if isinstance(said, Data):
                show(said.report, plain=plain)


def _tree(branch: "Branch", state: "State") -> dict[str, Any]:
    from agent.report.choice.diff_report import moved
    from agent.report.choice.figures import FIGURES
    from engine.plan import NoPlan

    plan, before = branch.plan, state.base.capacity_plan
    if isinstance(plan, NoPlan):
        return {"label": branch.label, "reason": plan.sentence, "changed": {}}
    assert before is not None  # a saved plan is one
    changed = {
        name: {"before": was, "after": now, "unit": FIGURES[name].unit}
        for name, (was, now) in moved(before, plan, FIGURES).items()
    }
    return {"label": branch.label, "meets_targets": plan.answer.meets_targets, "changed": changed}
