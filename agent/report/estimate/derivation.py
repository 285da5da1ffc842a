"""Why an estimate is what it is: each figure with its formula, its parts and what went into it."""

from collections.abc import Iterator

from agent.report.blocks import Block, Cell, Facts, Heading, Paragraph
from agent.report.estimate.words import flops_shown, load_shown, setup_shown
from agent.report.words import amount_shown
from catalogs.units import show_bytes, show_count, show_figure
from engine.estimate.estimate import Incompatible, Outcome
from engine.estimate.explain import explain
from engine.estimate.figure import Figure


def derivations(outcome: Outcome, *, alone: bool) -> Iterator[Block]:
    """Yield how each figure of an estimate came about; ``alone`` where no other estimate stands beside it."""
    if isinstance(outcome, Incompatible):
        return
    yield Heading("Why" if alone else f"Why: {setup_shown(outcome.setup)}, {load_shown(outcome.load)}")
    for figure in explain(outcome):
        yield from _derivation(figure)


def _derivation(figure: Figure) -> Iterator[Block]:
    yield Paragraph(f"{_amount(figure.value, figure.unit)} = {figure.formula}", "plain", figure.name)
    rows: list[tuple[str, Cell]] = [(name, _amount(value, figure.unit)) for name, value in figure.parts.items()]
    rows += [(f"from {item.name}", f"{_amount(item.value, item.unit)} ({item.source})") for item in figure.inputs]
    rows.append(("computed by", figure.made_by))
    yield Facts(tuple(rows))


def _amount(value: float, unit: str) -> str:
    match unit:
        case "FLOP":
            return flops_shown(value)
        case "bytes/s":
            return f"{show_figure(value / 1e9)} GB/s"
        case "bytes":
            return f"-{show_bytes(-value)}" if value < 0 else show_bytes(value)
        case "":
            return show_count(value, compact=value >= 1e6)
        case _:
            return amount_shown(value, unit)
