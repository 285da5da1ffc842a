"""Several estimates beside each other: a table for each load or replica, and charts of a sweep."""

from collections.abc import Callable, Iterator, Sequence

from agent.report.blocks import Block, Bullets, Cell, Chart, Column, Heading, Paragraph, Series, Table, Words
from agent.report.estimate.words import TONES, UNKNOWN, latency_shown, load_shown, setup_shown
from agent.report.words import sentence
from catalogs.units import show_figure
from engine.estimate.estimate import Estimate, Incompatible, Outcome, Setup
from engine.planning.phrases import counted


def estimates_beside(outcomes: Sequence[Outcome]) -> Iterator[Block]:
    """Yield the tables, the reasons, the charts and the assumptions of several estimates."""
    setups = list(dict.fromkeys(outcome.setup for outcome in outcomes))
    loads = list(dict.fromkeys(outcome.load for outcome in outcomes))
    names = _setup_names(setups)
    if len(loads) == 1:
        yield Paragraph(f"{load_shown(loads[0])}.", "strong")
        yield _table("replica", [(names[outcome.setup], outcome) for outcome in outcomes])
    else:
        for setup in setups:
            yield Paragraph(f"{setup_shown(setup)}.", "strong")
            yield _table("load", [(load_shown(one.load), one) for one in outcomes if one.setup == setup])
    if reasons := tuple(_reasons(outcomes, names, len(loads))):
        yield Bullets(reasons, "Not simply compatible:")
    yield from _charts(outcomes, names)
    yield from (Heading("Assumptions"), Bullets(("latencies are means.", *_assumptions(outcomes, names))))


def _table(first: str, rows: Sequence[tuple[str, Outcome]]) -> Table:
    figures = Column.figures("TTFT", "ITL", "E2E", "tokens/s", "per chip")
    columns = (Column(first), *figures, Column("verdict", spoken="bare"))
    return Table(columns, tuple((label, *_cells(outcome)) for label, outcome in rows))


def _cells(outcome: Outcome) -> tuple[Cell, ...]:
    if isinstance(outcome, Incompatible):
        return (*([UNKNOWN] * 5), Words("incompatible", "bad"))
    return (
        *(latency_shown(latency.mean) for latency in (outcome.ttft_s, outcome.itl_s, outcome.e2e_s)),
        show_figure(outcome.output_tokens_per_s),
        show_figure(outcome.output_tokens_per_s_per_accelerator),
        Words(outcome.verdict, TONES[outcome.verdict]),
    )


def _reasons(outcomes: Sequence[Outcome], names: dict[Setup, str], loads: int) -> Iterator[str]:
    """Yield why replicas are marginal or incompatible, each reason once with the loads that it holds for."""
    held: dict[tuple[Setup, str], list[str]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Estimate) and outcome.verdict != "marginal":
            continue
        reason = outcome.reason if isinstance(outcome, Estimate) else outcome.rejection.reason
        held.setdefault((outcome.setup, reason), []).append(load_shown(outcome.load))
    for (setup, reason), members in held.items():
        whose = [names[setup]] if len(names) > 1 else []
        whose += [", ".join(members)] if loads > 1 and len(members) < loads else []
        yield f"{', '.join(whose)}: {sentence(reason)}" if whose else sentence(reason)


def _assumptions(outcomes: Sequence[Outcome], names: dict[Setup, str]) -> Iterator[str]:
    """Yield what all rest on as it stands, the rest with whose it is."""
    holders: dict[str, set[Setup]] = {}
    for outcome in outcomes:
        for item in outcome.assumptions:
            holders.setdefault(item.text, set()).add(outcome.setup)
    known = {outcome.setup for outcome in outcomes if outcome.assumptions}
    for text, setups in holders.items():
        whose = "" if setups == known else f"{', '.join(names[setup] for setup in names if setup in setups)}: "
        yield f"{whose}{sentence(text)}"


def _setup_names(setups: Sequence[Setup]) -> dict[Setup, str]:
    """Return for each setup what tells it from the others."""
    models = len({setup.model for setup in setups}) > 1
    machines = len({setup.accelerator for setup in setups}) > 1 or not models
    names = {}
    for setup in setups:
        machine = f"{setup.accelerators} × {setup.accelerator_name}"
        split = machine if machines else counted(setup.accelerators, "accelerator")
        names[setup] = f"{setup.model_name}, {split}" if models else split
    return names


_X_LABELS = {"concurrency": "clients", "rps": "requests/s", "static_batch": "batch", "offline": ""}


def _charts(outcomes: Sequence[Outcome], names: dict[Setup, str]) -> Iterator[Chart]:
    """Yield throughput and ITL over a sweep; replicas that carry the same loads share a chart."""
    lines: dict[Setup, list[Estimate]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Estimate) and outcome.load.value is not None:
            lines.setdefault(outcome.setup, []).append(outcome)
    groups: dict[tuple[float, ...], list[Setup]] = {}
    for setup, points in lines.items():
        points.sort(key=lambda point: point.load.value or 0.0)
        groups.setdefault(tuple(point.load.value or 0.0 for point in points), []).append(setup)
    figures: tuple[tuple[str, Callable[[Estimate], float], Callable[[float], str]], ...] = (
        ("Output, tokens/s", lambda point: point.output_tokens_per_s, show_figure),
        ("ITL, ms", lambda point: (point.itl_s.mean or 0.0) * 1e3, show_figure),
    )
    for x, members in groups.items():
        if len(x) < 2:
            continue
        for title, value, shown in figures:
            series = tuple(Series.of(names[setup], map(value, lines[setup]), shown) for setup in members)
            yield Chart(_X_LABELS[lines[members[0]][0].load.kind], x, series, title=title)
