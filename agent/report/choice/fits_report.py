"""Which models fit an accelerator, or which accelerators a model: a row each, and what would make it fit."""

from collections import Counter
from collections.abc import Sequence

from agent.report.blocks import Column, Paragraph, Report, Table, Words
from agent.report.estimate.words import TONES
from catalogs.units import show_count, show_figure
from engine.choice.compatibility import Compatibility


def fits_report(found: Sequence[Compatibility], varied: str) -> Report:
    """Return the rows in their order, and how many of each verdict there are.

    Args:
        found: one for each model or accelerator.
        varied: the field that names a row: "model" or "accelerator".
    """
    columns = (Column(varied), Column("in"), Column("on one", spoken="bare"), Column.sentences())
    rows = tuple(
        (getattr(one, varied), one.precision.upper(), Words(one.verdict, TONES[one.verdict]), what_helps(one))
        for one in found
    )
    counts: Counter[str] = Counter(one.verdict for one in found)
    said = ", ".join(f"{show_count(counts[verdict])} {verdict}" for verdict in TONES if counts[verdict])
    return Report((Table(columns, rows), Paragraph(f"{said}. Marginal: weights take most of the memory.")))


def what_helps(one: Compatibility) -> str:
    """Return what is missing where one accelerator does not do, and what would."""
    if one.verdict != "incompatible":
        return ""
    if one.missing_gib is None:
        return one.reason
    helps = [f"fits in {one.fits_in.upper()}"] if one.fits_in else []
    if one.accelerators:
        helps.append(f"on {show_count(one.accelerators)} together")
    if one.accelerators_in:
        helps.append(f"on {show_count(one.accelerators_in)} in {one.together_in.upper()}")
    nothing = "no known precision fits a node of them"
    return f"{show_figure(one.missing_gib)} GiB missing; {' or '.join(helps) or nothing}"
