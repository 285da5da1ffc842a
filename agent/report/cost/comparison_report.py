"""Ways to pay for a service as a report: all of them side by side, where each begins to pay, one bill line by line."""

from collections.abc import Iterator
from typing import Any, Final

from agent.report.blocks import Block, Bullets, Cell, Column, Facts, Heading, Paragraph, Report, Table, Words
from agent.report.words import capital, sentence
from catalogs.units import show_count, show_figure, show_percent, show_rate, show_usd
from engine.choice.deployment.bills import Bill
from engine.choice.deployment.break_even import BreakEven
from engine.choice.deployment.comparison import Comparison
from engine.plan import CapacityPlan, plain

KINDS = {"running": "a month", "commitment": "a month, committed", "one-off": "once", "other": "a month, beside"}


@Report.of
def comparison_report(plan: CapacityPlan, found: Comparison, years: float) -> Iterator[Block]:
    """Yield all ways side by side, for a terminal.

    Args:
        years: over which totals are taken.
    """
    scaling = [bill for bill in found.feasible if bill.mode != "edge"]  # one device is no service that may grow or fail
    cheapest = scaling[0] if scaling else None
    edge_first = bool(found.feasible) and found.feasible[0].mode == "edge"
    yield Paragraph(sentence(plan.answer.sentence), "strong")
    if cheapest:
        yield Paragraph(
            f"Cheapest of {len(scaling)} ways at {show_rate(found.requests_per_s)}: {cheapest.title}, "
            f"{show_usd(cheapest.monthly_usd)} a month."
            + (" The one device that costs less is no service: it may neither grow nor fail." if edge_first else "")
        )
    columns = (Column("way"), *Column.figures("monthly", f"{show_figure(years)} years", "1M paid", "1M used"))
    yield Table(columns, tuple(_row(bill, years) for bill in found.feasible))
    yield Paragraph(
        "1M paid: what is paid over the tokens served at the real duty cycle, to set beside an API's price; 1M used: as"
        f" if all that is paid for worked at all times. USD, 730 h a month, prices of the catalog.{rented_at(found)}",
        "quiet",
    )
    if found.break_evens:
        yield Bullets(tuple(break_even_shown(one) for one in found.break_evens), "Where one begins to pay:")
    once = [(bill, f"{show_usd(bill.one_off_usd)} before anything runs") for bill in found.feasible if bill.one_off_usd]
    remarks = [f"{bill.title}: {said}" for bill, said in once]
    remarks += [f"{bill.title}: {bill.latency}" for bill in found.feasible if bill.latency and bill.mode != "api"]
    if found.prices:
        remarks.append("the latency of an API, and how much it may be asked, is its provider's and unknown here")
    remarks += [f"{bill.title}: {note}" for bill in found.feasible for note in bill.notes if bill.mode != "api"]
    remarks += list(_impossible(found))
    if remarks:
        yield Bullets(tuple(sentence(capital(remark)) for remark in remarks))


def _impossible(found: Comparison) -> Iterator[str]:
    """Yield the ways that cannot be, those with one reason together."""
    reasons: dict[str, list[str]] = {}
    for bill in found.bills:
        if bill.infeasible:
            reasons.setdefault(bill.infeasible, []).append(bill.title)
    for reason, titles in reasons.items():
        yield f"not possible: {', '.join(titles)}; {reason}"


def _row(bill: Bill, years: float) -> tuple[Cell, ...]:
    def shown(amount: float | None) -> str:
        return "–" if amount is None else show_usd(amount)

    return (
        bill.title,
        show_usd(bill.monthly_usd),
        show_usd(bill.yearly_usd * years),
        shown(bill.reservation_usd_per_million),
        shown(bill.usage_usd_per_million),
    )


def rented_at(found: Comparison) -> str:
    """Return whose prices the rented ways are at, as a sentence to go on with; empty where nothing is rented."""
    whose = dict.fromkeys(line.rented_at for bill in found.feasible for line in bill.lines if line.rented_at)
    return f" Rented at {'; '.join(whose)}." if whose else ""


def break_even_shown(one: BreakEven) -> str:
    """Return a break-even in a sentence: 'own pays above 31 requests/s …'."""
    if one.requests_per_s is None:
        may = f"; it may from {show_rate(one.low)} on, if replicas carry more" if one.low else ""
        return f"{one.cheaper} never pays beside {one.other}, however much is asked{may}."
    if one.requests_per_s == 0:
        return f"{one.cheaper} pays at any rate beside {one.other}."
    high = "never" if one.high is None else show_figure(one.high)
    band = f"{show_figure(one.low or 0.0)} to {high}"
    same = band == f"{show_figure(one.requests_per_s)} to {show_figure(one.requests_per_s)}"
    used = "" if one.utilisation is None else f", where {show_percent(one.utilisation)} of the fleet works"
    ends = "" if same else f" ({band})"
    return f"{one.cheaper} always pays above {show_rate(one.requests_per_s)}{ends} beside {one.other}{used}."


@Report.of
def bill_report(plan: CapacityPlan, bill: Bill) -> Iterator[Block]:
    """Yield one bill line by line, for a terminal."""
    if bill.infeasible:
        yield Paragraph(sentence(f"{capital(bill.title)} cannot be: {bill.infeasible}"), "bad")
        return
    yield Paragraph(f"{capital(bill.title)}: {show_usd(bill.monthly_usd)} a month.", "strong")
    columns = (Column("line"), Column("USD", "right"), Column("paid"), Column.sentences())
    lines = [(line.label, show_usd(line.usd), KINDS[line.kind], line.why) for line in bill.lines]
    yield Table(columns, (*lines, (Words("a month", "strong"), show_usd(bill.monthly_usd), "sum of what recurs", "")))
    yield Facts(tuple(_bill_facts(bill)))
    ledger = [line for line in plan.fleet.ledger if line.replicas and line.monthly_usd]
    if ledger and bill.mode == "rent":
        yield Heading("What the fleet is for")
        rows = tuple(
            (line.reason, show_count(line.replicas), show_usd(line.monthly_usd or 0.0), line.why) for line in ledger
        )
        columns = (Column("reason"), Column("replicas", "right"), Column("monthly", "right"), Column("", wraps=True))
        yield Table(columns, rows)
    sources = tuple(dict.fromkeys(f"{line.label}: {line.source}" for line in bill.lines if line.source))
    if sources:
        yield Bullets(tuple(sentence(source) for source in sources), "Sources:")
    if bill.notes or bill.latency:
        latency = (f"latency: {bill.latency}",) if bill.latency else ()
        yield Bullets(tuple(sentence(capital(note)) for note in (*latency, *bill.notes)))


def _bill_facts(bill: Bill) -> Iterator[tuple[str, Cell]]:
    yield "a year", show_usd(bill.yearly_usd)
    if bill.one_off_usd:
        yield "once, before anything runs", show_usd(bill.one_off_usd)
    if bill.commitment_months:
        owed = f"{show_usd(bill.committed_usd)} over {bill.commitment_months:g} months"
        yield "committed", f"{owed}, whatever is asked"
    if bill.usd_per_request is not None:
        yield "a request", show_usd(bill.usd_per_request)
    if bill.usd_per_successful_request is not None:
        yield "a request within the targets", show_usd(bill.usd_per_successful_request)
    if (prices := bill.token_usd_per_million) is not None and bill.mode != "api":
        shown = [show_usd(price) for price in prices]
        yield "a million tokens", f"input {shown[0]}, output {shown[1]}, cached input {shown[2]}"
    if bill.idle_share is not None:
        yield "paid while idle", show_percent(bill.idle_share)


def comparison_tree(plan: CapacityPlan, found: Comparison) -> dict[str, Any]:
    """Return the same as JSON holds it."""
    return {
        "requests_per_s": plain(found.requests_per_s),
        "plan": plan.answer.sentence,
        "currency": "USD",
        "ways": [bill_tree(bill) for bill in found.bills],
        "break_evens": [plain(one) for one in found.break_evens],
        "api_prices": [plain(price) for price in found.prices],
    }


_DERIVED: Final = (
    "monthly_usd", "yearly_usd", "one_off_usd", "committed_usd", "idle_share", "usd_per_request",
    "usd_per_successful_request", "reservation_usd_per_million", "usage_usd_per_million", "token_usd_per_million",
)  # fmt: skip
"""Figures that follow from a bill's lines."""


def bill_tree(bill: Bill) -> dict[str, Any]:
    """Return a bill as JSON holds it, with what follows from its lines."""
    derived: dict[str, Any] = {name: getattr(bill, name) for name in _DERIVED}
    if prices := bill.token_usd_per_million:
        derived["token_usd_per_million"] = dict(zip(("input", "output", "cached"), prices, strict=True))
    tree = plain(bill)
    empty = dict.fromkeys(derived) if bill.infeasible else derived
    return {"mode": tree.pop("mode"), "title": tree.pop("title"), **plain(empty), **tree}
