"""`fleetcast train`: what a training or fine-tuning run takes; published runs beside predictions."""

from typing import Annotated, Any

import typer

from agent.statements.costs.training_flags import TRAINING, training_question
from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.flag_options import texts_of
from commands.options import App, Directories
from commands.showing import Shape, show_as

app = App()

NoCheckpointing = Annotated[
    bool, typer.Option("--no-checkpointing", help="Keep activations instead of computing them again.")
]
Published = Annotated[bool, typer.Option("--published", help="Published runs, each predicted from other teams' runs.")]


@app.command("train", flags=TRAINING)
def train_command(
    no_checkpointing: NoCheckpointing = False,
    published: Published = False,
    catalog: Directories = None,
    *,
    shape: Shape,
    **flags: list[str] | None,
) -> int:
    """What a training or fine-tuning run takes: accelerator-hours, memory, days and money.

    Needed are a model, the tokens to train on and an accelerator.
    """
    facts = user_catalogs(catalog or ())
    if published:
        return _show_published(facts, shape)
    from agent.report.cost.training_report import training_report
    from engine.training.budget import training_budget

    texts = {flag: given[-1] for flag, given in texts_of(flags).items()}
    question = training_question(texts, facts, checkpointing=not no_checkpointing)
    budget = training_budget(question, facts)
    show_as(training_report(budget), budget, shape, "Training")
    return Exit.DONE


def _show_published(facts: Any, shape: Shape) -> int:
    from agent.report.cost.training_report import published_report
    from engine.plan import plain
    from engine.training.utilisation import left_out

    found = left_out(facts.training_runs, facts.accelerators)
    tree = [
        {
            "run": one.run.name,
            "accelerator": one.run.accelerator,
            "accelerator_hours": one.run.accelerator_hours,
            "predicted_accelerator_hours": one.predicted_hours,
            "error": one.error,
            "mfu": one.measured_mfu,
            "source": one.run.source,
        }
        for one in found
    ]
    show_as(published_report(found), plain(tree), shape, "Published runs")
    return Exit.DONE
