"""`fleetcast plans`: the plans that were made, by number or by a name that they were given."""

from typing import Annotated

import typer

from agent.session.kept_plans import KeptPlans
from commands.failures import Exit
from commands.options import App, Full, Json, Plain
from commands.showing import notice, print_json
from commands.showing import show as show_report

app = App(
    help=(
        "Plans that were made: the last fifty, and those with a name. Wherever a plan's file is asked for, its number "
        "or name does too: `fleetcast what-if 3 'traffic x2'`, `fleetcast compare 3 4`."
    )
)


def _completed(incomplete: str) -> list[tuple[str, str]]:
    kept = KeptPlans.of_user().all()
    names = ((plan.name or str(plan.number), plan.heading().answer.sentence) for plan in kept)
    return [(name, about) for name, about in names if name.startswith(incomplete)]


Which = Annotated[str, typer.Argument(metavar="PLAN", help="Its number or its name.", autocompletion=_completed)]


@app.callback(invoke_without_command=True)
def _without_command(context: typer.Context) -> int:
    """List the plans."""
    return list_command() if context.invoked_subcommand is None else Exit.DONE


@app.command("list")
def list_command(json: Json = False, plain: Plain = False) -> int:
    """List the plans, the newest last."""
    from agent.report.blocks import Column, Report, Table
    from catalogs.units import show_usd

    kept = KeptPlans.of_user().all()
    headings = [plan.heading() for plan in kept]
    if json:
        print_json(
            [
                {
                    "number": plan.number,
                    "name": plan.name,
                    "made": f"{plan.made:%Y-%m-%dT%H:%M:%S}",
                    "file": str(plan.path),
                    "sentence": heading.answer.sentence,
                    "monthly_usd": heading.cost.monthly_usd,
                }
                for plan, heading in zip(kept, headings, strict=True)
            ]
        )
    elif kept:
        columns = (Column("plan"), Column("name"), Column("made"), Column("monthly", "right"), Column("", wraps=True))
        bills = ("" if (usd := heading.cost.monthly_usd) is None else show_usd(usd) for heading in headings)
        rows = tuple(
            (str(plan.number), plan.name, f"{plan.made:%Y-%m-%d %H:%M}", bill, heading.answer.sentence)
            for plan, bill, heading in zip(kept, bills, headings, strict=True)
        )
        show_report(Report((Table(columns, rows),)), plain=plain)
    else:
        notice(["No plan is kept yet; `fleetcast forecast` makes one."])
    return Exit.DONE


@app.command("open")
def open_command(which: Which, full: Full = False, plain: Plain = False, json: Json = False) -> int:
    """Show a plan again."""
    from commands.plan import show

    return show(KeptPlans.of_user().named(which).path, full=full, plain=plain, json=json)


@app.command()
def name(which: Which, name: Annotated[str, typer.Argument(help="Kept until it is removed.")]) -> int:
    """Give a plan a name, by which it is kept and opened."""
    plans = KeptPlans.of_user()
    plan = plans.named(which)
    plans.rename(plan, name)
    notice([f"Plan {plan.number} is {name}."])
    return Exit.DONE


@app.command()
def remove(which: Which) -> int:
    """Remove a plan."""
    plan = KeptPlans.of_user().named(which)
    plan.path.unlink(missing_ok=True)
    notice([f"Plan {which} is removed."])
    return Exit.DONE
