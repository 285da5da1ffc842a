"""How a command shows its answer: report or JSON on standard output, notices on standard error."""

import os
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from catalogs.errors import InputError, quoted, visible
from commands.failures import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agent.report.blocks import Report
    from catalogs.measurement_files import CsvRows
    from engine.plan import CapacityPlan, NoPlan

QUIET: Final = ContextVar("quiet", default=False)
"""Whether --quiet was given: nothing is said beside the answer."""


class Shape(Struct, frozen=True):
    """In what form an answer is printed: the options of these names."""

    json: bool = False
    csv: bool = False
    plain: bool = False

    def __post_init__(self) -> None:
        if self.json and self.csv:
            raise InputError("--json and --csv both give the form: leave one of them out")


SHOWN_REJECTIONS = 8
"""Rejected candidates, and changes, that are shown without --full."""
SHOWN_REFUSALS = 3
"""Refused rows of a file whose reasons are shown."""


def exit_code(plan: "CapacityPlan") -> Exit:
    """Return what a plan says to a script."""
    if not plan.answer.meets_targets:
        return Exit.NOTHING_MEETS
    return Exit.CHECK_FAILED if plan.cost.within_budget is False else Exit.DONE


def print_json(tree: Any) -> None:
    """Print JSON alone, of a tree or of a record."""
    from agent.exports.json import json_text
    from engine.plan import plain

    sys.stdout.write(json_text(plain(tree) if isinstance(tree, Struct) else tree, sys.stdout.encoding or "utf-8"))


def show(report: "Report", *, plain: bool = False) -> None:
    """Print a report, as labelled lines where plain is asked by the flag or by the environment (ACCESSIBLE)."""
    from agent.report.rendering.show import show as shown

    shown(report, plain=plain or bool(os.environ.get("ACCESSIBLE")))


def show_as(report: "Report", tree: Any, shape: "Shape", opening: str) -> None:
    """Print an answer as a report, labelled lines, CSV or JSON.

    Args:
        report: for people, from which the CSV is made too.
        tree: the same for programs.
        shape: which of them was asked for.
        opening: the CSV's section of what stands before the report's first heading.
    """
    if shape.json:
        print_json(tree)
    elif shape.csv:
        from agent.exports.csv import csv_text

        sys.stdout.write(csv_text(report, opening))
    else:
        show(report, plain=shape.plain)


def print_rows(rows: "Sequence[Mapping[str, Any]]", columns: "Sequence[str]" = ()) -> None:
    """Print rows as CSV: no cell is a formula or holds a control character, since names may come from files.

    Args:
        rows: values by column; what a row lacks is empty.
        columns: in their order; those of the rows by default.
    """
    import csv

    from agent.exports.csv import harmless

    table = csv.DictWriter(
        sys.stdout, columns or tuple(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n"
    )
    table.writeheader()
    for row in rows:
        table.writerow({name: harmless(value) if isinstance(value, str) else value for name, value in row.items()})


def show_no_plan(none: "NoPlan", *, full: bool = False, plain: bool = False) -> None:
    """Print why there is no plan, and what would have to give.

    Args:
        none: why there is none.
        full: give every reason.
        plain: labelled lines instead of tables.
    """
    from agent.report.plan.no_plan import no_plan_report

    show(no_plan_report(none, None if full else SHOWN_REJECTIONS, "--full"), plain=plain)


def notice(lines: Iterable[str]) -> None:
    """Say something beside the answer, on standard error; nothing where --quiet was given."""
    if not QUIET.get():
        left_out(lines)


def left_out(lines: Iterable[str]) -> None:
    """Say on standard error, whatever --quiet says, a part of the answer: what it leaves out, or that there is none."""
    for line in lines:
        print(visible(line), file=sys.stderr)


def notice_refused_rows(*files: "tuple[Path | None, CsvRows | None]") -> None:
    """Say which rows of CSV files were refused, the first few with their reasons."""
    for file, read in files:
        if file is None or read is None or not read.refused:
            continue
        name = "standard input" if str(file) == "-" else quoted(str(file))
        count = f"{len(read.refused)} of {len(read.rows) + len(read.refused)} rows"
        reasons = [row.reason for row in read.refused[:SHOWN_REFUSALS]]
        if len(read.refused) > SHOWN_REFUSALS:
            reasons.append(f"and {len(read.refused) - SHOWN_REFUSALS} more")
        left_out([f"{name}: {count} cannot be read, the others are used: {'; '.join(reasons)}."])
