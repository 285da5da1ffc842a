"""`fleetcast pool`: several workloads at once, pooled on one fleet, on shared cards or apart."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.statements.flags import FLAGS
from catalogs.errors import IncompleteInput, InputError
from commands.asking import asked
from commands.catalogs_of_user import user_catalogs
from commands.failures import Exit
from commands.options import App, Directories
from commands.progress import progress
from commands.showing import Shape, left_out, print_rows, show_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.workload import WorkloadSpec

app = App()

Workloads = Annotated[
    list[str] | None,
    typer.Argument(metavar="WORKLOAD WORKLOAD…", help="Each in words, a file of values, or a saved plan."),
]
Specs = Annotated[list[str] | None, typer.Option("--spec", metavar="FILE", help="A workload as a file; repeatable.")]
Lora = Annotated[
    bool, typer.Option("--lora", help="Models of one shape, or of one name, are LoRA adapters of one base.")
]
FILES = (".toml", ".yaml", ".yml", ".json")


@app.command("pool", flags=FLAGS)
def pool_command(
    workload: Workloads = None,
    spec: Specs = None,
    lora: Lora = False,
    catalog: Directories = None,
    *,
    shape: Shape,
    **flags: list[str] | None,
) -> int:
    """Whether several workloads share a fleet, share cards, or stay apart: the cheapest that holds each one's targets.

    Of one model they are mixed on one fleet, hour by hour; of several they run beside each other on cards. Flags hold
    for all of them.
    """
    given = [*(workload or ()), *(spec or ())]
    if len(given) < 2:
        raise InputError(
            "two workloads or more are put together; name each as a file or in words: "
            'fleetcast pool --spec chat.toml --spec rag.toml, fleetcast pool "8B, 20 rps, 500 in, 250 out" "70B, …"'
        )
    facts = user_catalogs(catalog or ())
    specs = list(_named(_specs(given, catalog, flags)))
    from engine.choice.sharing.ways import together

    with progress("trying the catalog"):
        result = together(specs, facts, adapters=lora)
    if isinstance(result, str):
        left_out([f"Nothing meets the targets of {result} alone: `fleetcast forecast` of it says what comes nearest."])
        return Exit.NOTHING_MEETS
    from agent.report.choice.pool_report import pool_report, pool_rows, pool_tree

    if shape.csv:
        print_rows(pool_rows(result))
    else:
        show_as(pool_report(result), pool_tree(result), shape, "")
    return Exit.CHECK_FAILED if result.over_budget else Exit.DONE


def _specs(
    given: "Sequence[str]", catalog: "list[Path] | None", flags: "Mapping[str, list[str] | None]"
) -> "Iterator[tuple[str, WorkloadSpec]]":
    """Yield a name of each workload and its question."""
    for number, one in enumerate(given, 1):
        file = one == "-" or one.lower().endswith(FILES)
        try:
            question, _ = asked(None if file else one, one if file else None, catalog, flags)
        except IncompleteInput as error:
            raise IncompleteInput([f"{what} of workload {number} ({one:.40})" for what in error.missing]) from None
        yield (Path(one).stem if file and one != "-" else question.spec.model), question.spec


def _named(specs: "Iterator[tuple[str, WorkloadSpec]]") -> "Iterator[tuple[str, WorkloadSpec]]":
    """Yield workloads with names of which none occurs twice."""
    seen: dict[str, int] = {}
    for name, spec in specs:
        seen[name] = seen.get(name, 0) + 1
        yield (f"{name} ({seen[name]})" if seen[name] > 1 else name), spec
