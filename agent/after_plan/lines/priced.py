"""A price of one's own, or a discount, that a line states beside what else it changes."""

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from agent.after_plan.answers import answer_act, answer_read
from agent.after_plan.lines.accounts import left_out, not_used
from agent.after_plan.replies.bills.own_price import Discount, OwnPrice, discount, own_price
from agent.after_plan.variants import varied_spec
from agent.after_plan.whatif import understood
from agent.report.words import accelerators_noun
from agent.talk.requests import Ask, Understood, Variation, WhatIf
from agent.talk.speech import said
from catalogs.units import HOURS_PER_MONTH, TERM_WORDS, show_percent, show_usd
from engine.plan import CapacityPlan

if TYPE_CHECKING:
    from agent.talk.state import Ports, State, Step

_PRICE: Final = "money.usd_per_accelerator_hour"
_TOGETHER: Final = "money.billed_together"
_TERM: Final = "money.term"


def priced(state: "State", text: str, plan: CapacityPlan, ports: "Ports") -> "Step | None":
    """Answer a price or a discount that a line states, with what else it changes; None where it states none.

    Args:
        ports: of the conversation, to what lies outside it.
    """
    chosen, base = plan.chosen, state.base.values
    off = discount(text) if chosen.offer and not base.get(_PRICE) else None
    stated = off or own_price(text, plan, ports.catalog.accelerators[chosen.accelerator].per_node)
    if stated is None:
        return None
    if isinstance(stated, OwnPrice):
        if stated.hours is None:
            return answer_act(state, "own_or_rent", text, ports)
        if "?" in text:
            read_price = ports.read(text, ports.catalog, asked_path=None, known=base).values.get(_PRICE)
            return None if read_price else answer_act(state, "unit_price", text, ports)
    read = understood(stated.rest, base, ports)
    beside = read.request.change if isinstance(read.request, WhatIf | Ask) else Variation({}, {}, "")
    beside = replace(beside, values={path: value for path, value in beside.values.items() if base.get(path) != value})
    if off and "money.provider" in beside.values:
        return None
    made = _of_discount(state, stated, beside, ports) if isinstance(stated, Discount) else _of_price(stated, plan)
    shown = beside.label if beside.values or beside.drops else ""
    change = replace(
        beside,
        values={**beside.values, **made.values},
        details={**beside.details, _PRICE: text},
        label=", ".join(filter(None, (shown, made.label))),
    )
    request = Ask(change, read.request.questions) if isinstance(read.request, Ask) else WhatIf(change)
    unused, notes = (read.unused, read.notes) if shown else ((), ())
    new, says = answer_read(state, Understood(request, unused, (*notes, *filter(None, (made.note,)))), ports)
    left = () if unused or new.pending else left_out(stated.rest, says, plan, beside.details.values())
    return new, (*says, said(not_used(text, left))) if left else says


class _Price(Struct):
    """What a price of one's own makes of a plan."""

    values: dict[str, float]
    label: str
    note: str


def _of_price(own: OwnPrice, plan: CapacityPlan) -> _Price:
    each, offer, noun = own.usd_per_accelerator, plan.chosen.offer, accelerators_noun(plan.chosen, 1)
    together = own.together or (own.accelerators if own.accelerators > 1 else None)
    of, sold, note = "", "", own.note
    if own.accelerators > 1:
        of = f"machines of {own.accelerators} at {show_usd(own.usd / (own.hours or 1.0))} an hour, "
    elif together:
        sold = f", billed in {together}s" if together > 1 else ", each billed alone"
    elif offer and plan.fleet.billed_accelerators != plan.fleet.accelerators:
        alone = show_usd(each * HOURS_PER_MONTH * plan.fleet.accelerators)
        note += f" Billed in {offer.accelerators}s as before; with 'no minimum', each alone, it is {alone} a month."
    values = {_PRICE: each, **({_TOGETHER: together} if together else {})}
    return _Price(values, f"{of}{show_usd(each)} an hour per {noun}{sold}", note.strip())


def _of_discount(state: "State", off: Discount, beside: Variation, ports: "Ports") -> _Price:
    """Return the discount on the list price of what the rest of the line takes."""
    made = ports.sketch(varied_spec(state, beside, ports).spec) if beside.values else state.base.capacity_plan
    plan = made if isinstance(made, CapacityPlan) and made.chosen.offer else state.base.capacity_plan
    offer = plan.chosen.offer if plan else None
    if plan is None or offer is None:
        return _Price({}, "", "No list price is known, from which a discount could be taken.")
    share, note = show_percent(off.share), ""
    each = (1 - off.share) * offer.usd_per_hour / offer.accelerators
    if _TERM in beside.values:
        note = (
            f"{share} off the price {TERM_WORDS[offer.term]}: whether a discount and a commitment add up is in the"
            " contract."
        )
    label = f"{share} off the list: {show_usd(each)} an hour per {accelerators_noun(plan.chosen, 1)}"
    return _Price({_PRICE: each, _TOGETHER: offer.accelerators}, label, note)
