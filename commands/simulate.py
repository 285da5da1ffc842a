"""`fleetcast simulate`: a plan under a load, request by request. `python commands/simulate.py` is the same."""

if __name__ == "__main__":
    __import__("as_file").run("simulate")

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agent.statements.flags import flags_without
from agent.statements.merged import collected, flag_statement
from agent.statements.spec_files import spec_file
from catalogs.errors import InputError, listed, quoted
from commands import over_time
from commands.asking import not_used
from commands.catalogs_of_user import user_catalogs, user_settings
from commands.failures import Exit
from commands.flag_options import texts_of
from commands.input_files import opened, saved_plan
from commands.options import App, Calibrated, Directories, Json, PlainCharts, Spec
from commands.progress import compiling_announced, progress
from commands.showing import left_out, notice, print_json, show, show_no_plan

if TYPE_CHECKING:
    from catalogs.catalog import Catalog
    from engine.plan import CapacityPlan, NoPlan, SimulatedTarget

app = App()

_load = partial(typer.Option, rich_help_panel="Load")
_over_time = partial(typer.Option, rich_help_panel="A fleet over time")
ROUTINGS = ("round_robin", "random", "least_outstanding", "power_of_two", "prefix_affine")
MOMENTS = ("peak", "mean", "profile")
TIME_UNITS = ("s", "ms", "us", "ns")

File = Annotated[
    Path | None,
    typer.Argument(metavar="[PLAN]", help="What `forecast --output` wrote; - is standard input.", show_default=False),
]
Count = Annotated[int | None, _load("--requests", metavar="N", help="Drawn from the spec; 20,000, of clients 10 each.")]
Seed = Annotated[int, _load(metavar="S", help="The same seed gives the same figures.")]
At = Annotated[str | None, _load(metavar="WHEN", help="peak hour (by default), mean, or profile: from midnight.")]
Trace = Annotated[
    Path | None, _load(metavar="FILE", help="Instead: a trace (Azure, BurstGPT, Mooncake, Bailian, or CSV).")
]
SpeedUp = Annotated[float | None, _load(metavar="X", help="Replay the trace at X times its rate.")]
TraceUnit = Annotated[str | None, _load(metavar="UNIT", help="Of the trace's timestamps: s, ms, us or ns.")]
Replicas = Annotated[int | None, _load(metavar="N", help="Instead of those of the plan.")]
Day = Annotated[bool, _over_time("--day", help="A day of the workload's hours, the fleet autoscaled.")]
Week = Annotated[bool, _over_time("--week", help="A week of them.")]
Rates = Annotated[Path | None, _over_time(metavar="FILE", help="Instead: hourly rates, timestamp,rps.")]
Lengths = Annotated[Path | None, _over_time(metavar="FILE", help="Tokens as in a trace, not of the spec.")]
Autoscale = Annotated[bool, _over_time("--autoscale", help="Scale the fleet under a --trace.")]
Fail = Annotated[str | None, _over_time(metavar="TIME[,TIME]", help="When a replica fails: 90min,3h.")]
Repeats = Annotated[int, _load(metavar="N", help="Draw the load N times; intervals are over them.")]
Router = Annotated[str, _load("--routing", metavar="HOW", help=f"{', '.join(ROUTINGS)}.")]


_WITHOUT: Final = (
    "traffic.surge",
    "traffic.growth",
    "traffic.horizon",
    "money.monthly_budget",
    "money.other_monthly",
    "band",
)
"""Fields of a plan's later fleets, of its bill and of how sure it is: today's fleet is simulated."""


@app.command("simulate", flags=flags_without(*_WITHOUT))
def simulate_command(
    plan: File = None,
    requests: Count = None,
    seed: Seed = 0,
    repeats: Repeats = 1,
    at: At = None,
    trace: Trace = None,
    speed_up: SpeedUp = None,
    trace_unit: TraceUnit = None,
    replicas: Replicas = None,
    day: Day = False,
    week: Week = False,
    rates: Rates = None,
    lengths: Lengths = None,
    autoscale: Autoscale = False,
    fail: Fail = None,
    routing: Router = "least_outstanding",
    spec: Spec = None,
    catalog: Directories = None,
    calibration: Calibrated = None,
    json: Json = False,
    plain: PlainCharts = False,
    **flags: list[str] | None,
) -> int:
    """A plan under a load, request by request: percentiles beside the formulas', targets, the queue over time.

    Give a plan that was saved, or the flags of `forecast`: the plan that they make is then simulated. Over a day, a
    week or a trace the plan's own thresholds scale its fleet.
    """
    load = over_time.Load(requests, seed, repeats, at, replicas, routing, speed_up, trace_unit)
    _check(load, trace)
    over = over_time.OverTime(day, week, autoscale, rates, lengths, fail, trace)
    texts = texts_of(flags)
    over_time.check(over, load, texts)
    if plan is not None and (texts or spec):
        given = ", ".join([*texts, *(["--spec"] if spec else [])])
        raise InputError(f"the plan {quoted(str(plan))} holds its own spec; leave {given} out, or the plan")
    facts = user_catalogs(catalog or (), calibration)
    with ExitStack() as files:
        lines = None if trace is None or over.asked else files.enter_context(opened(trace))
        chosen = _planned(plan, spec, texts, catalog, facts)
        from engine.load_test.plan_under_load import LoadTestSettings, simulate_plan
        from engine.plan import NoPlan  # numpy: bad input is refused without it

        if isinstance(chosen, NoPlan):
            return _none(chosen, json=json, plain=plain)
        if not chosen.answer.meets_targets:
            left_out([f"The plan itself does not hold: {chosen.answer.sentence}."])
        if over.asked:
            with compiling_announced():
                lasting = over_time.run(over, chosen, facts, load)
            if json:
                print_json(lasting)
            else:
                from agent.report.fleet_report import fleet_report

                show(fleet_report(chosen, lasting), plain=plain)
            return _met(lasting.targets)
        settings = LoadTestSettings(**load.of(LoadTestSettings))
        with progress("simulating") as draw_progress, compiling_announced():
            processes = os.cpu_count() or 1
            simulated = simulate_plan(
                chosen, facts, settings, trace=lines, trace_name=str(trace), progress=draw_progress, processes=processes
            )
    if json:
        print_json(simulated)
    else:
        from agent.report.simulation_report import simulation_report

        show(simulation_report(chosen, simulated), plain=plain)
    return _met(simulated.targets)


def _met(targets: "Sequence[SimulatedTarget]") -> int:
    return Exit.DONE if all(target.met for target in targets) else Exit.NOTHING_MEETS


def _check(load: over_time.Load, trace: Path | None) -> None:
    for flag, value, known, what in (
        ("--routing", load.routing, ROUTINGS, "way to route"),
        ("--at", load.moment, MOMENTS, "load of a plan"),
        ("--trace-unit", load.trace_unit, TIME_UNITS, "unit of time"),
    ):
        if value is not None and value not in known:
            raise InputError(f"{flag} {quoted(value)} is no {what}; {listed(known)} are")
    if trace is not None:
        for name, own in (("--requests", load.requests), ("--at", load.moment)):
            if own is not None:
                raise InputError(f"--trace {trace} has its own requests: leave {name} {own} out")
        return
    for name, of_trace in (("--speed-up", load.speed_up), ("--trace-unit", load.trace_unit)):
        if of_trace is not None:
            raise InputError(f"{name} {of_trace} is of a trace: give one with --trace")


def _planned(
    file: Path | None,
    spec: str | None,
    texts: dict[str, tuple[str, ...]],
    directories: list[Path] | None,
    facts: "Catalog",
) -> "CapacityPlan | NoPlan":
    """Return the plan that is simulated: from its file, or the one that `forecast` shows for these flags."""
    if file is not None:
        return saved_plan(file)
    statements = [*user_settings(directories or ()), *([spec_file(spec)] if spec else ()), flag_statement(texts)]
    question = collected(statements, facts).completed()
    notice(question.notes)
    left_out(not_used(question, _WITHOUT))
    from engine.method import forecast  # numpy: bad input is refused without it

    with progress("planning"):
        return forecast(question.spec, facts, sources=question.sources)


def _none(none: "NoPlan", *, json: bool, plain: bool) -> int:
    if json:
        print_json({"simulated": None, "reason": none.sentence})
    else:
        show_no_plan(none, plain=plain)
    return Exit.NOTHING_MEETS
