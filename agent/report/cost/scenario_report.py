"""Scenarios as reports: the list, one with what it asks, and what to serve it on."""

from collections.abc import Iterable, Iterator
from typing import Any

from agent.fields.value_display import term_shown
from agent.report.blocks import Block, Bullets, Cell, Column, Facts, Heading, Paragraph, Report, Table
from agent.report.choice.choice_report import named
from agent.report.words import capital, sentence, usd_shown
from catalogs.records.scenarios import Scenario
from catalogs.units import show_count, show_rate, show_seconds, show_usd
from engine.choice.deployment.scenario import Recommendation
from engine.plan import plain
from engine.workload import WorkloadSpec

SHOWN = 3
"""Runners-up on a screen; the JSON has them all."""


def scenarios_report(scenarios: Iterable[Scenario]) -> Report:
    """Return the list of scenarios."""
    columns = (Column("scenario"), Column("model"), Column("load"), Column.sentences())
    rows = tuple((one.id, f"{one.model} {one.precision.upper()}", load_shown(one), one.matters) for one in scenarios)
    return Report((Table(columns, rows),))


def load_shown(scenario: Scenario) -> str:
    """Return how much a scenario asks: '20 requests/s', '10,000,000 in 72 h'."""
    if scenario.requests_per_s is not None:
        return show_rate(scenario.requests_per_s)
    return f"{show_count(scenario.requests or 0)} in {scenario.deadline_h:g} h"


def scenario_report(scenario: Scenario, spec: WorkloadSpec) -> Report:
    """Return what a scenario asks."""
    tokens = spec.tokens
    targets = ", ".join(f"{one.metric.upper()} {one.percentile} ≤ {show_seconds(one.seconds)}" for one in spec.targets)
    facts: list[tuple[str, Cell]] = [
        ("load", load_shown(scenario)),
        ("model", f"{scenario.model} in {scenario.precision.upper()}"),
        ("prompts", f"{show_count(tokens.input.mean)} tokens on average, {tokens.prefix_hit:.0%} of them cached"),
        ("answers", f"{show_count(tokens.output.mean + tokens.reasoning_tokens)} tokens on average"),
        ("busiest hour", f"{spec.traffic.peak_factor:g} × the mean"),
        ("calls a request", f"{spec.traffic.calls_per_request:g}"),
        ("targets", targets or "none"),
        ("weighed against", ", ".join(scenario.apis)),
        ("source", scenario.source),
    ]
    return Report((Paragraph(sentence(f"{scenario.name}. {scenario.matters}"), "strong"), Facts(tuple(facts))))


@Report.of
def recommendation_report(scenario: Scenario, found: Recommendation) -> Iterator[Block]:
    """Yield what to serve a scenario on, with the reasons and the runners-up."""
    best = found.best
    if best is None:
        yield Paragraph(f"{scenario.name}: nothing that several providers rent meets the targets.", "bad")
    else:
        price = f"{usd_shown(best.monthly_usd)} a month"
        yield Paragraph(f"{scenario.name}: {named(best)}, {price} {term_shown(best.term)} ({best.provider}).", "strong")
        latency = f"TTFT p95 {show_seconds(best.ttft_p95_s)}, ITL {show_seconds(best.itl_mean_s)} at the peak"
        yield Paragraph(f"{load_shown(scenario)} of {scenario.model}; {latency}.")
    yield Paragraph(scenario.matters)
    if found.reasons:
        yield Bullets(tuple(sentence(capital(reason)) for reason in found.reasons), "Because:")
    if found.runners_up:
        columns = (Column("runner-up"), *Column.figures("monthly", "TTFT p95", "ITL"), Column.sentences())
        rows = tuple(
            (named(one), usd_shown(one.monthly_usd), show_seconds(one.ttft_p95_s), show_seconds(one.itl_mean_s), why)
            for one, why in found.runners_up[:SHOWN]
        )
        yield Heading("Runners-up")
        yield Table(columns, rows)
    yield Heading("Paid otherwise")
    yield Facts(tuple(_otherwise(found)))


def _otherwise(found: Recommendation) -> Iterator[tuple[str, Cell]]:
    for one in found.by_term:
        yield f"the same fleet {term_shown(one.term)}", f"{usd_shown(one.monthly_usd)} a month ({one.provider})"
    for month in found.apis:
        yield f"API {month.price.model}", f"{show_usd(month.monthly_usd)} a month, latency unknown"


def recommendation_tree(scenario: Scenario, spec: WorkloadSpec, found: Recommendation) -> dict[str, Any]:
    """Return the same as JSON holds it."""
    return {
        "scenario": scenario.id,
        "matters": scenario.matters,
        "best": plain(found.best) if found.best else None,
        "reasons": list(found.reasons),
        "runners_up": [{**plain(one), "why_not": why} for one, why in found.runners_up],
        "by_term": [plain(one) for one in found.by_term],
        "apis": [plain(month) for month in found.apis],
        "spec": plain(spec),
    }
