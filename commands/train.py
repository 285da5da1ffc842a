"""`fleetcast train`: what a training or fine-tuning run takes; published runs beside predictions."""

from functools import partial
from typing import Annotated, Any

import typer

from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.flag_options import OnlyWhatIsGiven
from commands.options import App, Csv, Directories, Json, Plain
from commands.showing import Shape, show_as

app = App()

_run = partial(typer.Option, rich_help_panel="The run")
_how = partial(typer.Option, rich_help_panel="How it is trained")
_money = partial(typer.Option, rich_help_panel="Money")

Model = Annotated[str | None, _run(metavar="NAME", help="From the catalog, owner/name on the hub, a config.json.")]
ModelSize = Annotated[str | None, _run(metavar="SIZE", help="The best-known architecture of a size: 70 or 70B.")]
Tokens = Annotated[str | None, _run(metavar="N", help="That are trained on: 15T, 1B.")]
GpuType = Annotated[str | None, _run(metavar="NAME", help="The accelerator.")]
Gpus = Annotated[str | None, _run(metavar="N", help="How many of them; as runs like it had by default.")]
Days = Annotated[str | None, _run(metavar="TIME", help="The run may take: decides how many.")]
Method = Annotated[str | None, _how(metavar="full|lora|qlora", help="What is trained: all weights by default.")]
Sequence = Annotated[str | None, _how(metavar="N", help="Tokens of a sequence; 4096 by default.")]
MicroBatch = Annotated[str | None, _how(metavar="N", help="Sequences that an accelerator takes together; 1.")]
Optimiser = Annotated[
    str | None, _how("--optimizer", metavar="adamw|adamw-bf16|adamw-8bit|sgd", help="Whose states memory holds.")
]
Zero = Annotated[str | None, _how(metavar="0..3", help="What accelerators share out; 3 (FSDP) by default.")]
LoraRank = Annotated[str | None, _how(metavar="N", help="Rank of the adapters; 16 by default.")]
NoCheckpointing = Annotated[bool, _how("--no-checkpointing", help="Keep activations instead of computing them again.")]
Mfu = Annotated[str | None, _how(metavar="40%", help="Utilisation of your own runs, instead of published ones.")]
Price = Annotated[str | None, _money(metavar="USD", help="Yours, for each accelerator-hour.")]
Term = Annotated[str | None, _money(metavar="TERM", help="on_demand, spot, reserved_1y or reserved_3y.")]
Provider = Annotated[str | None, _money(metavar="NAME", help="Whose prices.")]
Region = Annotated[str | None, _money(metavar="NAME", help="Where.")]
Published = Annotated[bool, typer.Option("--published", help="Published runs, each predicted from other teams' runs.")]


@app.command("train", cls=OnlyWhatIsGiven)
def train_command(
    model: Model = None,
    model_size: ModelSize = None,
    tokens: Tokens = None,
    gpu_type: GpuType = None,
    gpus: Gpus = None,
    days: Days = None,
    method: Method = None,
    sequence: Sequence = None,
    micro_batch: MicroBatch = None,
    optimizer: Optimiser = None,
    zero: Zero = None,
    lora_rank: LoraRank = None,
    no_checkpointing: NoCheckpointing = False,
    mfu: Mfu = None,
    price: Price = None,
    term: Term = None,
    provider: Provider = None,
    region: Region = None,
    published: Published = False,
    catalog: Directories = None,
    json: Json = False,
    csv: Csv = False,
    plain: Plain = False,
) -> int:
    """What a training or fine-tuning run takes: accelerator-hours, memory, days and money.

    Needed are a model, the tokens to train on and an accelerator.
    """
    shape = Shape(json=json, csv=csv, plain=plain)
    facts = user_catalogs(catalog or ())
    if published:
        return _show_published(facts, shape)
    from agent.report.cost.training_report import training_report
    from agent.statements.costs.training_flags import training_question
    from engine.plan import plain as plain_values
    from engine.training.budget import training_budget

    given = {
        "--model": model, "--model-size": model_size, "--tokens": tokens, "--gpu-type": gpu_type, "--gpus": gpus,
        "--days": days, "--method": method, "--sequence": sequence, "--micro-batch": micro_batch,
        "--optimizer": optimizer, "--zero": zero, "--lora-rank": lora_rank, "--mfu": mfu, "--price": price,
        "--term": term, "--provider": provider, "--region": region,
    }  # fmt: skip
    question = training_question(given, facts, checkpointing=not no_checkpointing)
    budget = training_budget(question, facts)
    show_as(training_report(budget), plain_values(budget), shape, "Training")
    return Exit.DONE


def _show_published(facts: Any, shape: Shape) -> int:
    from agent.report.cost.training_report import published_report
    from engine.plan import plain as plain_values
    from engine.training.utilisation import left_out

    found = left_out(facts.training_runs, facts.accelerators)
    tree = [
        {
            "run": one.run.name,
            "accelerator": one.run.accelerator,
            "accelerator_hours": plain_values(one.run.accelerator_hours),
            "predicted_accelerator_hours": plain_values(one.predicted_hours),
            "error": plain_values(one.error),
            "mfu": plain_values(one.measured_mfu),
            "source": one.run.source,
        }
        for one in found
    ]
    show_as(published_report(found), tree, shape, "Published runs")
    return Exit.DONE
