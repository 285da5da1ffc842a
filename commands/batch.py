"""`fleetcast batch`: so many requests by a deadline: GPUs and hours, spot first, APIs beside it."""

from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from agent.fields.readers import read_names
from agent.statements.flags import flags_without
from catalogs.errors import IncompleteInput, InputError
from catalogs.units import read_count
from commands.asking import asked
from commands.failures import Exit
from commands.forecast import Sentence
from commands.options import App, Directories, Spec
from commands.showing import Shape, notice, show_as

app = App()

DEFAULT_APIS = ("gpt-4o-mini", "gpt-4o", "claude-haiku-4-5", "gemini-2.5-flash")
"""APIs beside a batch for which nobody named one."""

_WITHOUT: Final = (
    "traffic.", "targets.", "default_targets", "availability.", "band", "serving.utilisation_ceiling",
    "scaling.scrape", "scaling.poll", "scaling.controller", "scaling.metric_window",
)  # fmt: skip
"""Fields of work that somebody waits for: a batch has an even load, no targets, no spares and no autoscaler."""
_WITH: Final = ("traffic.calls_per_request", "traffic.requests_per_s", "traffic.concurrency")
"""Of those, what a batch has, and loads, which are refused in a sentence."""
BATCH_FLAGS: Final = flags_without(*_WITHOUT, but=_WITH)

Requests = Annotated[str | None, typer.Option(metavar="N", help="To be answered: 10M.")]
Deadline = Annotated[str | None, typer.Option(metavar="TIME|DAY", help="36h, 3 days, Friday (its evening).")]
Api = Annotated[str | None, typer.Option(metavar="NAMES", help="Whose price stands beside it, or none.")]


@app.command("batch", flags=BATCH_FLAGS)
def batch_command(
    sentence: Sentence = None,
    requests: Requests = None,
    deadline: Deadline = None,
    api: Api = None,
    spec: Spec = None,
    catalog: Directories = None,
    *,
    shape: Shape,
    **flags: list[str] | None,
) -> int:
    """Offline work: so many requests by a deadline. GPUs, hours and money, spot first, the API's batch price beside it.

    "10 million documents by Friday with llama 3.1 8B on H100, 2k in, 200 out"
    """
    from agent.statements.costs.batches import Batch, batch_in, deadline_seconds

    now = datetime.now()
    said = batch_in(sentence, now) if sentence else None
    batch, rest = said or (None, sentence)
    count = read_count(requests, "--requests", minimum=1.0) if requests else batch.requests if batch else None
    seconds = deadline_seconds(deadline, "--deadline", now) if deadline else batch.deadline_s if batch else None
    if given := flags.get("rps") or flags.get("concurrency"):
        raise InputError(f"a batch has a deadline instead of a load ({given[0]}): give --requests and --deadline")
    needed = [
        words for words, value in (("how many (--requests)", count), ("by when (--deadline)", seconds)) if not value
    ]
    if needed or not count or not seconds:
        raise IncompleteInput(needed)
    batch = Batch(count, seconds)
    question, facts = asked(rest or None, spec, catalog, flags | {"rps": [f"{count / seconds:.9g}"]})
    from agent.report.cost.batch_report import batch_report, batch_tree
    from engine.choice.deployment.batch import batch_plan

    names = () if api == "none" else read_names(api, "--api") if api else DEFAULT_APIS
    plan = batch_plan(question.spec, batch.requests, batch.deadline_s, facts, [facts.api_model(name) for name in names])
    notice([f"The deadline is {now + timedelta(seconds=seconds):%A %Y-%m-%d %H:%M}."])
    show_as(batch_report(plan), batch_tree(plan), shape, "Batch")
    if not plan.best:
        return Exit.NOTHING_MEETS
    return Exit.CHECK_FAILED if plan.within_budget is False else Exit.DONE
