"""A figure of a plan with its derivation, as it is shown."""

from agent.report.blocks import Column, Facts, Paragraph, Report, Table
from engine.choice.derivation import Derivation
from engine.plan import six_digits

FROM = {
    "input": "stated, not computed",
    "computed": "of other figures of the plan",
    "solved": "by the method",
}


def derivation_report(found: Derivation) -> Report:
    """Return the formula, what enters, what the plan says of it, and whether it came out again."""
    where = f"spec-kit/methodology.md, {found.where}" if found.where else FROM[found.kind]
    facts = [(found.path, f"{found.value:g}"), ("formula", found.formula), ("from", where)]
    if found.reason:
        facts.append(("why", found.reason))
    agrees = (
        "the same" if found.reproduced else "another: the catalog or the program has changed since, see `plan check`"
    )
    again = "nothing" if found.again != found.again else f"{six_digits(float(found.again)):g}"
    columns = (Column("what enters"), Column("value", "right"), Column("stated by"))
    rows = tuple(
        (one.path, f"{one.value:g}" if not isinstance(one.value, str) else one.value, one.source)
        for one in found.inputs
    )
    table = (Table(columns, rows),) if rows else ()
    return Report((Facts(tuple(facts)), *table, Paragraph(f"Computed once more: {again}, {agrees}.")))
