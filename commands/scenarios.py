"""`fleetcast scenarios`: whole cases of serving a model: listed, shown, and what to serve one on."""

from typing import TYPE_CHECKING, Annotated

import typer

from agent.statements.flags import FLAGS
from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.flag_options import texts_of
from commands.options import App, Directories
from commands.showing import Shape, notice, show_as

if TYPE_CHECKING:
    from catalogs.catalog import Catalog
    from catalogs.records.scenarios import Scenario
    from engine.workload import WorkloadSpec

app = App(help="Whole cases of serving a model: chatbot, RAG, code completion, agents, batch, …")

Name = Annotated[str, typer.Argument(metavar="SCENARIO", help="One of `scenarios list`.")]


@app.callback(invoke_without_command=True)
def _without_command(context: typer.Context) -> int:
    """List them."""
    return list_command(shape=Shape()) if context.invoked_subcommand is None else Exit.DONE


@app.command("list")
def list_command(catalog: Directories = None, *, shape: Shape) -> int:
    """The scenarios, and what decides in each."""
    from agent.report.cost.scenario_report import scenarios_report
    from engine.plan import plain as plain_values

    scenarios = list(user_catalogs(catalog or ()).scenarios.values())
    tree = [plain_values(one) for one in scenarios] if shape.json else None
    show_as(scenarios_report(scenarios), tree, shape, "Scenarios")
    return Exit.DONE


@app.command("show")
def show_command(name: Name, catalog: Directories = None, *, shape: Shape) -> int:
    """What a scenario asks."""
    from agent.report.cost.scenario_report import scenario_report
    from agent.statements.costs.scenarios import scenario_question
    from engine.plan import plain as plain_values

    facts = user_catalogs(catalog or ())
    scenario = facts.scenario(name)
    spec = scenario_question(scenario, facts).completed().spec
    tree = {**plain_values(scenario), "spec": plain_values(spec)}
    show_as(scenario_report(scenario, spec), tree, shape, "Scenario")
    return Exit.DONE


@app.command("run", flags=FLAGS)
def run_command(
    name: Name, catalog: Directories = None, *, shape: Shape, **flags: list[str] | None,
) -> int:  # fmt: skip
    """What to serve a scenario on, the runners-up and why; flags change what it asks: --rps 50, --model qwen3-8b."""
    from agent.statements.costs.scenarios import scenario_question
    from agent.statements.merged import flag_statement

    facts = user_catalogs(catalog or ())
    scenario = facts.scenario(name)
    question = scenario_question(scenario, facts, [flag_statement(texts_of(flags))]).completed()
    notice(question.notes)
    if scenario.requests and scenario.deadline_h:
        return _run_batch(scenario, question.spec, facts, shape)
    from agent.report.cost.scenario_report import recommendation_report, recommendation_tree
    from engine.choice.deployment.scenario import recommendation

    found = recommendation(question.spec, facts, [facts.api_model(api) for api in scenario.apis])
    tree = recommendation_tree(scenario, question.spec, found)
    show_as(recommendation_report(scenario, found), tree, shape, "Scenario")
    return Exit.DONE if found.best else Exit.NOTHING_MEETS


def _run_batch(scenario: "Scenario", spec: "WorkloadSpec", facts: "Catalog", shape: Shape) -> int:
    from agent.report.blocks import Paragraph, Report
    from agent.report.cost.batch_report import batch_report, batch_tree
    from engine.choice.deployment.batch import batch_plan
    from engine.choice.deployment.scenario import of_the_market

    apis = [facts.api_model(api) for api in scenario.apis]
    plan = batch_plan(
        of_the_market(spec, facts), scenario.requests or 0.0, (scenario.deadline_h or 0.0) * 3600, facts, apis
    )
    report = batch_report(plan)
    first, *others = report.blocks
    whole = Report((first, Paragraph(scenario.matters), *others))
    show_as(whole, {"scenario": scenario.id, "matters": scenario.matters, **batch_tree(plan)}, shape, "Scenario")
    return Exit.DONE if plan.best else Exit.NOTHING_MEETS
