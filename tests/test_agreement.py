"""Every place of a plan that names a count or an amount names the same one: to the GPU and to the dollar."""

import csv
import io
import re
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agent.after_plan.sums import FIGURES as WHY
from agent.after_plan.variants import difference, side_by_side
from agent.exports.csv import table_files
from agent.exports.html import page_files
from agent.exports.markdown import report_files
from agent.report.blocks import Report
from agent.report.choice.comparison_report import Compared, comparison_report, comparison_rows, decomposition
from agent.report.plan.plan_report import plan_report
from agent.report.rendering.markdown import markdown
from agent.report.rendering.plain import plain_text
from agent.report.words import usd_shown
from agent.talk.speech import Data, Say
from agent.talk.state import Branch
from catalogs.errors import InputError
from catalogs.units import HOURS_PER_MONTH, show_count, show_seconds
from engine.choice.options import options, pinned
from engine.fleet.offers import COMMITTED
from engine.method import forecast
from engine.plan import CapacityPlan, plan_json, six_digits
from engine.planning.ledger import RUNNING
from engine.workload import target_name
from tests.engine.asked import CATALOG, asked
from tests.engine.specs import Values, decades, planned

SIX_DIGITS = 1.5e-5
"""By which a figure may differ from the product of two others, where each is written with six significant digits."""

MORE = st.fixed_dictionaries(
    {"availability.spare_replicas": st.integers(0, 3)},
    optional={
        "traffic.growth_per_year": st.floats(0, 2),
        "traffic.burst": st.floats(1, 3),
        "traffic.calls_per_request": st.sampled_from([1.0, 3.0]),
        "availability.minimum_replicas": st.integers(1, 5),
        "money.usd_per_accelerator_hour": st.sampled_from([None, None, 2.5]),
        "money.grid_g_co2e_per_kwh": st.just(300.0),
        "money.other_monthly_usd": st.sampled_from([0.0, 1234.0]),
        "money.monthly_budget_usd": decades(1e3, 1e6),
        "money.term": st.sampled_from(["on_demand", "reserved_1y", "spot"]),
    },
)
GIVEN = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries({"hardware.replicas": st.integers(4, 12), "traffic.requests_per_s": st.none()}),
    st.fixed_dictionaries({"hardware.nodes": st.integers(2, 6), "traffic.requests_per_s": st.none()}),
    st.fixed_dictionaries({"traffic.concurrency": st.integers(1, 2000), "traffic.requests_per_s": st.none()}),
)


@st.composite
def bought(draw: st.DrawFn) -> Values:
    """Fleets that are sized or given, with what adds to them: spares, growth, bursts, a minimum, other costs."""
    values = {**draw(planned()), **draw(MORE), **draw(GIVEN)}
    if rate := values.get("traffic.requests_per_s"):
        values["traffic.requests_per_s"] = min(float(rate), 300.0)
    return {path: value for path, value in values.items() if value is not None}


def figures_of(plan: CapacityPlan) -> None:
    """Check the plan's own figures: the fleet, its ledger, its bills, its bands and its replay."""
    fleet, size, cost = plan.fleet, plan.chosen.accelerators_per_replica, plan.cost
    replicas = {line.reason: line.replicas for line in fleet.ledger}
    assert (
        fleet.replicas
        == fleet.working_replicas + fleet.spares
        == sum(replicas[reason] for reason in ("mean", "peak", "spares"))
    )
    assert fleet.maximum_replicas == sum(replicas.values())
    assert (fleet.accelerators, fleet.maximum_accelerators) == (fleet.replicas * size, fleet.maximum_replicas * size)
    assert fleet.accelerators <= fleet.billed_accelerators
    assert fleet.minimum_replicas <= fleet.maximum_replicas
    if plan.bands:
        assert (plan.bands.fleet.replicas.low, plan.bands.fleet.accelerators.low) == (
            fleet.replicas,
            fleet.accelerators,
        )
        assert plan.bands.fleet.accelerators.high == plan.bands.fleet.replicas.high * size
    if plan.replay:
        assert plan.replay.fixed_replicas == sum(replicas[reason] for reason in RUNNING)
    if (offer := plan.chosen.offer) is None or cost.monthly_usd is None:
        return
    other = cost.other_monthly_usd
    assert cost.monthly_usd == pytest.approx(fleet.instances * offer.usd_per_hour * HOURS_PER_MONTH + other, abs=0.01)
    units_of(plan, other)
    lines = [line.monthly_usd for line in fleet.ledger]
    assert cost.maximum_monthly_usd == pytest.approx(sum(usd for usd in lines if usd is not None) + other, abs=0.01)


def units_of(plan: CapacityPlan, other: float) -> None:
    """Check what hangs on the bill: the autoscaled month, what a request and a token cost, and the energy."""
    fleet, cost, offer, spec = plan.fleet, plan.cost, plan.chosen.offer, plan.spec
    assert offer is not None and cost.monthly_usd is not None and cost.autoscaled_monthly_usd is not None
    if plan.replay:
        held = plan.replay.accelerator_hours / (24 if plan.replay.shape == "day" else 168)
        rent = held / offer.accelerators * offer.usd_per_hour * HOURS_PER_MONTH
        owed = cost.monthly_usd if offer.term in COMMITTED else 0.0
        assert cost.autoscaled_monthly_usd == pytest.approx(max(rent + other, owed), rel=SIX_DIGITS)
    month = HOURS_PER_MONTH * 3600
    if cost.usd_per_request is not None and spec.traffic.requests_per_s:
        carried = plan.performance.at_mean.requests_per_s * fleet.working_replicas
        requests = carried / spec.traffic.calls_per_request * month
        assert requests == pytest.approx(spec.traffic.requests_per_s * month, rel=SIX_DIGITS)
        assert cost.usd_per_request * requests == pytest.approx(cost.monthly_usd, rel=SIX_DIGITS)
    if prices := cost.usd_per_million_tokens:
        tokens_out = plan.performance.at_mean.output_tokens_per_s * fleet.working_replicas * month / 1e6
        tokens_in = (cost.monthly_usd - prices.output * tokens_out) / prices.input if prices.input else 0.0
        assert prices.blended * (tokens_in + tokens_out) == pytest.approx(cost.monthly_usd, rel=1e-3)
    if used := plan.energy:
        assert used.kwh_per_month == pytest.approx(used.watts / 1000 * HOURS_PER_MONTH)
        output = plan.performance.at_mean.output_tokens_per_s * fleet.working_replicas
        assert used.joules_per_output_token * output == pytest.approx(used.watts, rel=SIX_DIGITS)
        assert used.g_co2e_per_month == pytest.approx(used.kwh_per_month * 300) or used.g_co2e_per_month is None


def places(plan: CapacityPlan) -> Iterator[tuple[str, str, str]]:
    """Yield what names the fleet, the count or the amount that it names, and what it should be."""
    fleet, cost, chosen = plan.fleet, plan.cost, plan.chosen
    gpus, bill = show_count(fleet.accelerators), usd_shown(cost.monthly_usd)
    sentence = re.match(r"([\d,]+) × .*?: ([\d,]+) replicas? ", plan.answer.sentence)
    assert sentence, plan.answer.sentence
    yield "sentence, GPUs", sentence[1], gpus
    yield "sentence, replicas", sentence[2], show_count(fleet.replicas)
    # The same cells, in Markdown and in a spreadsheet.
    rows = list(csv.reader(io.StringIO(table_files(plan, CATALOG)["plan.csv"].removeprefix("\ufeff"))))
    cells = {(row[0], row[1], row[2]): " ".join(filter(None, row[3:])) for row in rows}
    noun = next(column for section, item, column in cells if item == "today" and column not in ("replicas", "monthly"))
    yield "CSV, replicas", cells["Plan", "today", "replicas"], str(fleet.replicas)
    yield "CSV, GPUs", cells["Plan", "today", noun], str(fleet.accelerators)
    yield "CSV, at most", cells["Plan", "maximum", noun], str(fleet.maximum_accelerators)
    if cost.monthly_usd is not None:
        yield "CSV, bill", cells["Plan", "today", "monthly"], cells["Bill", "today's fleet, always on", ""]
        yield "CSV, instances", cells["Bill", "instances today", ""].split(",")[0], str(fleet.instances)
    ledger = sum(
        float(cells["Headroom, line by line", row, "replicas"]) for row in ("mean load", "peak hour", "spares")
    )
    yield "ledger", show_count(ledger), show_count(fleet.replicas)
    whole = markdown(plan_report(plan, full=True))
    assert report_files(plan)["plan.md"] == whole
    table = re.search(r"^\| today \| (\S+) \| (\S+) \| (.+?) \|$", whole, re.M)
    assert table, whole[:2000]
    yield "Markdown", " ".join(table.groups()), f"{show_count(fleet.replicas)} {gpus} {bill}"
    screen = plain_text(plan_report(plan))
    yield "screen", *_named(screen, r"today: replicas (\d(?:[\d,]*\d)?)", show_count(fleet.replicas))
    if plan.bands:
        yield "bands", *_named(screen + " " + whole, rf"(\d(?:[\d,]*\d)?) {noun}?s?(?:;| holds?| carry)", gpus)
    yield from _on_the_page(plan, screen, table.groups())
    tree = plan_json(plan)
    yield (
        "JSON",
        str((tree["fleet"]["accelerators"], tree["fleet"]["replicas"])),
        str((fleet.accelerators, fleet.replicas)),
    )
    # Beside each other.
    compared = (Compared("a", plan), Compared("b", plan))
    row = comparison_rows(compared)[0]
    yield "comparison", f"{row['gpus']} {row['replicas']}", f"{fleet.accelerators} {fleet.replicas}"
    yield "decomposition", *_named(decomposition(plan), r"^(\d(?:[\d,]*\d)?) \S+ = ", gpus)
    branch = Branch(0, "first", 0, (), frozenset(), plan, plan.spec)
    beside, changed = said(side_by_side((branch,))), said(difference(branch, branch))
    if plan.answer.meets_targets:  # else it is said why nothing does
        named = markdown(comparison_report(compared))
        yield "compared", *_named(named, r"\| a \| (\d(?:[\d,]*\d)?) = [\d,]+ ×", gpus)
        yield "variants, bill", *_named(beside, r"\| plan 0 (?:\| [^|]+ ){3}\| ([^|]+) \|", bill)
        yield "what-if, GPUs", *_named(changed, r"\| accelerators \| (\d(?:[\d,]*\d)?) \|", gpus)
        yield "what-if, bill", *_named(changed, r"\| monthly \| ([^|]+) \|", bill)
        yield from _latencies(plan, screen, changed)
    # The sums.
    if plan.spec.traffic.requests_per_s:
        yield "why so many", *_named(why(plan, "fleet"), r" = (\d+) [A-Za-z]+s?\.", str(fleet.accelerators))
        yield (
            "why, replicas",
            *_named(why(plan, "fleet"), r"so (?:.* = )?(\d+)(?: replicas?)?[^=]*? × \d+ = ", str(fleet.replicas)),
        )
    if chosen.offer and cost.monthly_usd is not None:
        yield "why so much", *_named(why(plan, "cost"), r"(?:^|billed\. )(\d+) × ", str(fleet.instances))
        rent = usd_shown(cost.monthly_usd - cost.other_monthly_usd)
        yield "why so much, bill", *_named(why(plan, "cost"), r" h = (\S+) a month", rent)


def _on_the_page(plan: CapacityPlan, screen: str, todays: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield what the page says of today's fleet, and the screen of the requests in flight."""
    page = page_files(plan, CATALOG)["plan.html"]
    today = re.search(r">today</th>((?:<td[^>]*>[^<]+</td>)+)", page)
    assert today
    yield "HTML", " ".join(re.findall(r">([^<]+)</td>", today[1])), " ".join(todays)
    if plan.fleet.working_replicas > 1:
        in_flight = six_digits(plan.performance.at_peak.in_flight)  # as the plan's file has it, which is shown
        in_all = show_count(round(in_flight * plan.fleet.working_replicas))
        yield "in flight", *_named(screen, r" requests in each, (\S+) in all", in_all)


def _latencies(plan: CapacityPlan, screen: str, changed: str) -> Iterator[tuple[str, str, str]]:
    """Yield each target's latency on the screen and in a what-if: the one that decided, simulated or not."""
    for target in plan.targets:
        name, shown = target_name(target.metric, target.percentile), show_seconds(target.forecast_s)
        yield f"screen, {name}", *_named(screen, rf"{name}: (.+?) \(target", shown)
        if f"| {name} |" in changed:
            yield f"what-if, {name}", *_named(changed, rf"\| {name} \| ([^|]+) \|", shown)


def _named(text: str, pattern: str, expected: str) -> tuple[str, str]:
    found = re.search(pattern, text, re.M)
    assert found, f"{pattern} is not in:\n{text}"
    return found[1].strip(), expected


def why(plan: CapacityPlan, topic: str) -> str:
    return plain_text(Report(WHY[topic](plan)))


def said(says: tuple[Say, ...]) -> str:
    return "\n".join(markdown(say.report) for say in says if isinstance(say, Data))


def optimized(plan: CapacityPlan) -> Mapping[str, object] | None:
    """Return the fleet that `optimize` finds for a plan's own replica; None where a simulation set the plan's count."""
    spec = pinned(plan)
    if plan.verification and (plan.verification.added_replicas or plan.verification.sized):
        return None
    if spec.traffic.requests_per_s is None and spec.traffic.concurrency is None:
        return None
    best = options(spec, CATALOG, terms=()).best("cost", spec.money.term)
    return {"GPUs": best[0].accelerators, "bill": usd_shown(best[0].monthly_usd)} if best else None


def check(values: Values) -> None:
    try:
        plan = forecast(asked({"precision.weights": None, **values}), CATALOG)
    except InputError:
        assume(False)
        return
    assume(isinstance(plan, CapacityPlan))
    assert isinstance(plan, CapacityPlan)
    figures_of(plan)
    for place, named, expected in places(plan):
        assert named == expected, f"{place} names {named}, the plan has {expected}"
    if (best := optimized(plan)) and plan.answer.meets_targets:
        most = plan.cost.maximum_monthly_usd
        assert best == {"GPUs": plan.fleet.maximum_accelerators, "bill": usd_shown(most)}


SLOW = [HealthCheck.filter_too_much, HealthCheck.too_slow]


@given(bought())
@settings(max_examples=20, deadline=None, suppress_health_check=SLOW)
def test_every_place_names_the_same_count_and_amount(values: Values) -> None:
    """A few plans, however they are sized."""
    check(values)


@pytest.mark.thorough
@given(bought())
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
def test_every_place_of_three_hundred_plans_names_the_same_count_and_amount(values: Values) -> None:
    """The same of three hundred."""
    check(values)


def test_spares_are_part_of_todays_fleet_and_of_its_bill() -> None:
    """N+1 is one replica more in the first line, and its rent more in the first bill."""
    plans = [
        forecast(asked({"availability.spare_replicas": spares, "hardware.accelerators": ["h100-sxm-80gb"]}), CATALOG)
        for spares in (0, 1)
    ]
    without, spare = (plan for plan in plans if isinstance(plan, CapacityPlan))
    assert spare.fleet.replicas == without.fleet.replicas + 1
    assert spare.fleet.working_replicas == without.fleet.working_replicas
    assert f"{spare.fleet.replicas} replicas of TP" in spare.answer.sentence
    assert ", 1 of them spare," in spare.answer.sentence
    assert spare.cost.monthly_usd is not None and without.cost.monthly_usd is not None
    size, offer = spare.chosen.accelerators_per_replica, spare.chosen.offer
    assert offer is not None and offer.accelerators == size
    assert spare.cost.monthly_usd - without.cost.monthly_usd == pytest.approx(offer.usd_per_hour * HOURS_PER_MONTH)
    assert spare.performance == without.performance, "latencies are those with the spare down"
