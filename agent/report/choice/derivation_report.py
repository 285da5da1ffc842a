"""A figure of a plan, or of an estimate, with its derivation, as it is shown."""

from collections.abc import Iterator
from math import isfinite
from typing import Any

from agent.report.blocks import Block, Cell, Column, Facts, Paragraph, Report, Table, Words
from engine.choice.derivation.derivation import Derivation
from engine.plan import plain, six_digits
from engine.plan_file import unit_of

FROM = {
    "stated": "stated, not computed",
    "catalog": "an entry of the catalog",
    "computed": "computed",
    "solved": "solved for: the equation holds at the figure",
    "searched": "the best of a search; made again to check it",
    "simulated": "simulated, by this seed; made again to check it",
}
COLUMNS = (Column("what enters"), Column("value", "right"), Column("from", wraps=True))


def derivation_report(found: Derivation) -> Report:
    """Return the derivation, whether the figure came out again, and what of it can be asked."""
    deeper = next((one.path for one in _walked(found) if one.kind == "computed"), "")
    more = f" What enters has names too: `plan explain FILE {deeper}`." if deeper else ""
    return Report((*derived_blocks(found), Paragraph(_again(found) + more)))


def derived_blocks(found: Derivation) -> Iterator[Block]:
    """Yield the formula, what the plan says of it, and what enters."""
    where = f"spec-kit/methodology.md, {found.where}" if found.where else ""
    facts = [
        (found.path, _shown(found.path, found.value)),
        ("formula", found.formula),
        ("from", "; ".join(filter(None, (FROM[found.kind], where)))),
        ("decides", found.binds),
        ("why", found.reason),
        ("closed form", "" if found.beside is None else _shown(found.path, found.beside)),
    ]
    yield Facts(tuple((label, text) for label, text in facts if text))
    if rows := tuple(_rows(found)):
        yield Table(COLUMNS, rows)


def derivation_tree(found: Derivation) -> dict[str, Any]:
    """Return a derivation as JSON values, with what enters it derived in turn."""
    tree = {name: getattr(found, name) for name in found.__struct_fields__ if name not in ("sides", "below")}
    sides = [side if isfinite(side) else None for side in found.sides]
    own = {"again": sides[-1], "sides": sides, "reproduced": found.reproduced, "unit": unit_of(found.path)}
    shown: dict[str, Any] = plain(tree | own)
    return shown | {"below": [derivation_tree(one) for one in found.below]}


def _rows(found: Derivation, depth: int = 0) -> Iterator[tuple[Cell, ...]]:
    """Yield what enters, each beneath what it enters."""
    below = {one.path: one for one in found.below}
    for one in found.inputs:
        own = below.get(one.path)
        said = f"= {own.formula}" if own and own.kind == "computed" else own.formula if own else one.source
        yield Words(f"{'  ' * depth}{one.path}", path=one.path if own else ""), _shown(one.path, one.value), said
        if own:
            yield from _rows(own, depth + 1)


def _walked(found: Derivation) -> Iterator[Derivation]:
    for one in found.below:
        yield from _walked(one)
        yield one


def _shown(path: str, value: float | str) -> str:
    return value if isinstance(value, str) else f"{six_digits(float(value)):g} {unit_of(path)}".strip()


def _again(found: Derivation) -> str:
    if not isfinite(found.again):
        return (
            "Made once more: there is no such figure; the catalog or the program has changed since, see `plan check`."
        )
    if found.kind == "solved":
        sign = "≤" if "≤" in found.formula else "="
        sides = f" {sign} ".join(f"{six_digits(float(side)):g}" for side in found.sides)
        return f"At the figure {sides}: {'it holds' if found.reproduced else 'it does not hold'}."
    agrees = (
        "the same" if found.reproduced else "another: the catalog or the program has changed since, see `plan check`"
    )
    return f"Computed once more: {six_digits(float(found.again)):g}, {agrees}."
