"""`fleetcast sensitivity`: what moves a plan's fleet and bill, and at which rates a replica is added."""

from agent.statements.flags import FLAGS
from commands.asking import asked, planned
from commands.failures import Exit
from commands.forecast import Sentence
from commands.options import App, Directories, Spec
from commands.progress import progress
from commands.showing import Shape, show_as

app = App()


@app.command("sensitivity", flags=FLAGS)
def sensitivity_command(
    sentence: Sentence = None,
    spec: Spec = None,
    catalog: Directories = None,
    *,
    shape: Shape,
    **flags: list[str] | None,
) -> int:
    """What moves the bill most: each input a fifth lower and higher, accelerator, split and precision kept."""
    question, facts = asked(sentence, spec, catalog, flags)
    if (plan := planned(question, facts, shape)) is None:
        return Exit.NOTHING_MEETS
    from agent.report.choice.sensitivity_report import sensitivity_report, sensitivity_tree
    from engine.choice.sensitivity import sensitivity

    with progress("planning"):
        moved = sensitivity(plan, facts)
    show_as(sensitivity_report(plan, moved), sensitivity_tree(plan, moved), shape, "sensitivity")
    return Exit.DONE if plan.answer.meets_targets else Exit.NOTHING_MEETS
