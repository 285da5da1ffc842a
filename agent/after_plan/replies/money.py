"""What a plan costs in any unit, what money buys, and whether another place, term or owner asks less."""

import re
from typing import Final

from agent.after_plan.replies.asked import PLACE, Asked, paragraphs
from agent.after_plan.sums import FIGURES, Explanation
from agent.report.blocks import Bullets, Column, Facts, Table
from agent.report.words import accelerators_noun, unknown_bill, usd_shown
from agent.talk.model_proposals import model_proposals
from catalogs.errors import InputError
from catalogs.units import (
    HOURS_PER_MONTH,
    MULTIPLIERS,
    show_count,
    show_figure,
    show_rate,
    show_usd,
)
from engine.fleet.offers import TERM_WORDS, newest_check, qualifying_offers
from engine.plan import CapacityPlan
from engine.workload import Money, Term

_CURRENCIES: Final = {
    "EUR": ("euros?|eur|€", 1 / 1.1652),
    "CHF": ("swiss francs?|francs?|chf", 0.9404 / 1.1652),
    "GBP": ("pounds?|sterling|gbp|£|quid", None),
    "JPY": ("yen|jpy|¥", None),
    "INR": ("rupees?|inr", None),
    "CNY": ("yuan|rmb|renminbi|cny", None),
    "CAD": ("canadian dollars?|cad", None),
    "AUD": ("australian dollars?|aud", None),
    "SEK": ("kron[ao]r?|sek", None),
    "PLN": ("zloty|pln", None),
}
"""By code: how it is said, and how much of it a dollar was."""
_RATES_OF: Final = "reference rates of the European Central Bank of 2026-09-09, as reported"
_PERIODS: Final = {"hour": 1 / HOURS_PER_MONTH, "day": 24 / HOURS_PER_MONTH, "month": 1.0, "year": 12.0}
_COUNTED: Final = (
    (
        "user",
        r"users?|seats?|heads?|utilisateurs?|usuarios?|nutzer|anwender|employees?|customers?|persons?|people|students?|colleagues?|developers?",
    ),
    ("million tokens", r"(?:m|million|1m|mio\.?) ?tok(?:en)?s?|mtoks?|tokens?"),
    ("million requests", r"millions? (?:of )?(?:requests|calls|queries|answers|chats|messages)|1m requests"),
    (
        "1,000 requests",
        r"(?:1[,.]?000|1k|a thousand|thousand) (?:requests|calls|queries|answers|chats|messages|prompts|conversations)",
    ),
    (
        "request",
        (
            r"requests?|calls?|quer(?:y|ies)|answers?|chats?|messages?|prompts?|tickets?|conversations?|questions?|clicks?|interactions?|every"
            r" time|whenever|presse?s?"
        ),
    ),
    ("accelerator", r"gpus?|cards?|accelerators?"),
    ("hour", r"hours?|hourly"),
    ("day", r"days?|daily|jour|tag|día"),
    ("year", r"years?|jahr|an|año|annuel|yearly|annual(?:ly)?|annum|yr|twelve months|12 months|run rate"),
)
_AMOUNT: Final = re.compile(
    r"(?P<sign>us\$|[$€£])? ?(?P<number>\d[\d,]*(?:\.\d+)?) ?(?P<scale>k|m|thousand|grand|million)?\b ?"
    r"(?P<word>dollars?|usd|euros?|eur|bucks|francs?|chf|€)?"
)


_SCALES: Final = {**MULTIPLIERS, "grand": 1000.0}


# --- what it costs ----------------------------------------------------------------------------------------------------


def cost(asked: Asked) -> Explanation:
    """Return what the plan costs in the unit that is asked, and in the others."""
    plan = asked.plan
    if plan.cost.monthly_usd is None:
        return paragraphs(unknown_bill(plan.cost))
    code, per_usd, rate = _currency(asked)
    if per_usd is None:
        return paragraphs(
            f"I know no exchange rate for {code}: say it, as in 'cost in {code} at 0.9 per dollar'. In dollars it is "
            f"{show_usd(plan.cost.monthly_usd)} a month."
        )
    amounts = _amounts(asked, plan)
    shown = {unit: _money(usd * per_usd, code) for unit, usd in amounts.items()}
    unit = next(
        (unit for unit, words in _COUNTED if asked.has(words) or (unit == "user" and _per_user(asked))), "month"
    )
    lead = _lead(asked, unit, shown)
    years = asked.count_of("years?") or (3 if asked.has("36 months") else 0)
    if years > 1:
        lead = f"{_money(plan.cost.monthly_usd * 12 * years * per_usd, code)} over {years} years at today's prices."
    scaled = plan.cost.autoscaled_monthly_usd
    follows = ""
    if scaled is not None and scaled < plan.cost.monthly_usd:
        follows = f"Following the load with an autoscaler: {_money(scaled * per_usd, code)} a month."
    if unit in ("request", "1,000 requests", "million requests"):
        lead += (
            f" That is the bill over all requests at the mean rate, {show_rate(plan.spec.traffic.requests_per_s or 0)}."
        )
    facts = Facts(tuple((unit, text) for unit, text in shown.items()))
    parts = _parts(plan) if asked.has(_PARTS) else ()
    return (*paragraphs(lead, follows, rate), *parts, facts)


_PARTS: Final = (
    r"made of|made up of|line by line|items?|itemi[sz]ed?|break ?down|paying for|parts?|split|share|spares?|spare"
    r" capacity|"
    r"reserve|fixed|positions?"
)


def _parts(plan: CapacityPlan) -> Explanation:
    """Return what the bill is made of: instances and price, and what each reason for capacity takes of it."""
    rows = tuple(
        (line.reason, show_count(line.accelerators), usd_shown(line.monthly_usd), line.why)
        for line in plan.fleet.ledger
        if line.reason not in ("burst", "growth") and (line.accelerators or line.monthly_usd)
    )
    why = Column("why", wraps=True, spoken="sentence")
    columns = (Column("for"), Column(accelerators_noun(plan.chosen), "right"), Column("monthly", "right"), why)
    spares = next((line.monthly_usd for line in plan.fleet.ledger if line.reason == "spares"), None)
    kept = f"Spares take {usd_shown(spares)} of it." if spares else "Nothing of it is for spares: the plan has none."
    fixed = (
        f"Always on, all of it is fixed; with the autoscaler {usd_shown(plan.cost.minimum_monthly_usd)} are, the"
        " smallest fleet's, and the rest follows the load."
    )
    return (*FIGURES["cost"](plan), Table(columns, rows), *paragraphs(kept, fixed))


def _per_user(asked: Asked) -> bool:
    return asked.has(r"per (?:user|seat|head)|par utilisateur|por usuario|pro nutzer|each (?:user|employee)|one user")


def _lead(asked: Asked, unit: str, shown: dict[str, str]) -> str:
    if unit == "user" and "user" not in shown:
        return (
            "How many users there are was not said: ask 'cost per user with 2,000 users'. Per request it is "
            f"{shown.get('request', 'not known either')}."
        )
    if unit not in shown:
        return "The load has no rate, so that a request has no price; ask again with one, such as '10 rps'."
    amount = asked.count_of("users?|people|employees?|customers?")
    if unit == "user":
        return f"{shown[unit]} a month for each of {show_count(asked.users() or amount or 1)} users."
    return f"{shown[unit]} {'for' if unit[0] == '1' else 'a'} {unit}, today's fleet always on."


def _amounts(asked: Asked, plan: CapacityPlan) -> dict[str, float]:
    """Return USD by unit, the fleet of today always on."""
    monthly = plan.cost.monthly_usd or 0.0
    amounts = {unit: monthly * months for unit, months in _PERIODS.items()}
    amounts["accelerator"] = monthly / plan.fleet.accelerators
    if (each := plan.cost.usd_per_request) is not None:
        amounts |= {"request": each, "1,000 requests": each * 1e3, "million requests": each * 1e6}
    if plan.cost.usd_per_million_tokens:
        amounts["million tokens"] = plan.cost.usd_per_million_tokens.blended
    if users := asked.users():
        amounts["user"] = monthly / users
    return amounts


def _currency(asked: Asked) -> tuple[str, float | None, str]:
    """Return the currency that is asked, how much of it a dollar is, and whose rate that is."""
    for code, (words, usual) in _CURRENCIES.items():
        if not re.search(rf"(?:^|(?<=[\W\d]))(?:{words})(?=\W|$)", asked.words):
            continue
        given = re.search(
            r"(?:\bat|use|rate(?: of)?|=|@) ?(?:a rate of )?(?:€|\$)? ?(\d*[.,]\d+|\d+)\b(?! ?(?:rps|users|k\b))",
            asked.words,
        )
        if given is None:
            return (
                code,
                usual,
                f"At {show_figure(usual)} {code} per dollar, {_RATES_OF}; say 'at 1.10' for yours." if usual else "",
            )
        said = float(given[1].replace(",", "."))
        # 'at 1.08' is dollars per euro, as that pair is quoted; 'at 0.92 per dollar' is the other way round.
        per_dollar = (
            re.search(r"(?:per|to the|for (?:a|one)|=) ?(?:a )?(?:dollar|usd|\$)", asked.words)
            or said < 1
            or usual is None
        )
        rate = said if per_dollar else 1 / said
        return code, rate, f"At {show_figure(rate)} {code} per dollar, as you said."
    return "USD", 1.0, ""


def _money(amount: float, code: str) -> str:
    shown = show_usd(amount)
    return shown if code == "USD" else f"{shown.replace('$', '')} {code}"


# --- what money buys --------------------------------------------------------------------------------------------------


def budget_in(asked: Asked) -> float | None:
    """Return the dollars a month that a line names; None where it names none."""
    said = asked.said("money.monthly_budget_usd")
    if said:
        return float(said)
    match = max(
        (found for found in _AMOUNT.finditer(asked.words)),
        key=lambda found: bool(found["sign"] or found["word"] or found["scale"]),
        default=None,
    )
    if match is None:
        return None
    amount = float(match["number"].replace(",", "")) * _SCALES.get(match["scale"] or "", 1.0)
    months = next((of for unit, of in _PERIODS.items() if re.search(rf"(?:an?|per|/) ?{unit}", asked.words)), 1.0)
    euro = "€" in (match["sign"] or "", match["word"] or "") or (match["word"] or "").startswith("eu")
    return amount / months * (1.1652 if euro else 1.0)


def budget_buys(asked: Asked) -> Explanation:
    """Return the load that a budget carries, the term that fits this load into it, and the cheapest fleet."""
    plan, budget = asked.plan, budget_in(asked)
    half = asked.has("half")
    if budget is None and half and plan.cost.monthly_usd:
        budget = plan.cost.monthly_usd / 2
    if budget is None:
        return paragraphs("How much a month? Ask 'what can I get for $20k a month'.")
    if plan.cost.monthly_usd is None:
        return paragraphs(unknown_bill(plan.cost))
    fits = plan.cost.monthly_usd <= budget
    lead = (
        f"{show_usd(budget)} a month {'pays' if fits else 'does not pay'} for the plan, which costs"
        f" {show_usd(plan.cost.monthly_usd)}."
    )
    models = _models_within(asked, budget) if asked.has("models?|llms?") else ()
    return (*paragraphs(lead, _load_for(plan, budget)), *models, *(() if fits else _ways_within(asked, budget)))


def _models_within(asked: Asked, budget: float) -> Explanation:
    """Return the proposed models whose fleet for this load is within a budget, the dearest first."""
    within: dict[str, tuple[float, str]] = {}
    for entry in {model.id: model for purpose in model_proposals().purpose for model in purpose.models}.values():
        try:
            other = asked.sketch({"model": entry.id}, frozenset({"precision.weights", "hardware.accelerators"}))
        except InputError:
            continue
        usd = other.cost.monthly_usd if isinstance(other, CapacityPlan) and other.answer.meets_targets else None
        if isinstance(other, CapacityPlan) and usd is not None and usd <= budget:
            fleet = f"{other.fleet.accelerators} × {other.chosen.accelerator_name}"
            within[other.chosen.model_name] = usd, f"{fleet}, {show_usd(usd)} a month: {entry.why}"
    ranked = sorted(within.items(), key=lambda item: -item[1][0])[:3]
    if not ranked:
        return paragraphs("None of the models that I would propose carries this load for it.")
    return (Bullets(tuple(f"{name}: {text}" for name, (_, text) in ranked), "Within it, for the same load:"),)


def _load_for(plan: CapacityPlan, budget: float) -> str:
    """Say how many replicas like the plan's a budget pays for, and what they carry."""
    offer, size = plan.chosen.offer, plan.chosen.accelerators_per_replica
    if offer is None:
        return ""
    hourly = (budget - plan.cost.other_monthly_usd) / HOURS_PER_MONTH
    instances = int(hourly / offer.usd_per_hour)
    replicas = instances * offer.accelerators // size
    noun = accelerators_noun(plan.chosen, replicas * size)
    if replicas < 1:
        return (
            f"Not one replica: {size} × {plan.chosen.accelerator_name} of {offer.provider} cost "
            f"{show_usd(-(-size // offer.accelerators) * offer.usd_per_hour * HOURS_PER_MONTH)} a month."
        )
    traffic = plan.spec.traffic
    peak = replicas * plan.replica_capacity.requests_per_s / traffic.calls_per_request
    return (
        f"It buys {instances} × {offer.provider} {offer.instance}, {replicas} replicas on {replicas * size} {noun},"
        f" which carry {show_rate(peak)} at the peak, {show_rate(peak / traffic.peak_factor)} on average, within the"
        " targets."
    )


def _ways_within(asked: Asked, budget: float) -> Explanation:
    """Return the changes of term, precision and accelerator whose bill for the same load is within a budget."""
    rows = []
    for label, values, drops in (
        ("spot", {"money.term": "spot"}, PLACE),
        ("reserved for a year", {"money.term": "reserved_1y"}, PLACE),
        ("reserved for three years", {"money.term": "reserved_3y"}, PLACE),
        ("the cheapest accelerator", {}, frozenset({"hardware.accelerators", *PLACE})),
        ("weights in FP8", {"precision.weights": "fp8"}, frozenset[str]()),
        ("weights in INT4", {"precision.weights": "int4"}, frozenset[str]()),
    ):
        try:
            other = asked.sketch(values, drops)
        except InputError:
            continue
        if isinstance(other, CapacityPlan) and other.answer.meets_targets and other.cost.monthly_usd is not None:
            rows.append(
                (other.cost.monthly_usd, label, f"{other.fleet.accelerators} × {other.chosen.accelerator_name}")
            )
    rows.sort()
    columns = (Column("the same load, with"), Column("fleet"), Column("monthly", "right"), Column("within"))
    table = Table(
        columns, tuple((label, fleet, show_usd(usd), "yes" if usd <= budget else "no") for usd, label, fleet in rows)
    )
    none = (
        ""
        if rows and rows[0][0] <= budget
        else "None of these is within it: lower the rate, or ask 'which model could I run instead'."
    )
    return (*((table,) if rows else ()), *paragraphs(none))


# --- elsewhere --------------------------------------------------------------------------------------------------------


def elsewhere(asked: Asked) -> Explanation:
    """Return what the fleet of the plan costs at other providers and on other terms; the plan keeps its own."""
    plan = asked.plan
    catalog = asked.ports.catalog
    wanted = _providers_in(asked)
    accelerator, size = catalog.accelerators[plan.chosen.accelerator], plan.chosen.accelerators_per_replica
    newest = newest_check(catalog.offers)
    region = asked.said("money.region")
    terms: tuple[Term, ...] = ("on_demand", "spot", "reserved_1y", "reserved_3y")
    providers = wanted or sorted({offer.provider for offer in catalog.offers if offer.accelerator == accelerator.id})
    rows: list[tuple[float, tuple[str, ...]]] = []
    absent: list[str] = []
    for provider in providers:
        bills: dict[str, float] = {}
        for term in terms:
            offers = qualifying_offers(
                catalog.offers, accelerator, size, Money(provider=provider, region=region, term=term), newest
            )
            if offers:
                bills[term] = min(o.monthly_usd(o.instances_for(plan.fleet.replicas, size)) for o in offers)
        if bills:
            rows.append(
                (
                    bills.get("on_demand", float("inf")),
                    (provider, *(show_usd(bills[t]) if t in bills else "" for t in terms)),
                )
            )
        elif wanted:
            absent.append(provider)
    rows.sort()
    used = [index for index in range(5) if index == 0 or any(row[index] for _, row in rows)]
    titles = ("provider", *(TERM_WORDS[term] for term in terms))
    columns = tuple(Column(titles[index], "right" if index else "left") for index in used)
    fleet = f"{plan.fleet.accelerators} × {plan.chosen.accelerator_name}"
    table = Table(columns, tuple(tuple(row[index] for index in used) for _, row in rows))
    mine = f"The plan's own bill is {usd_shown(plan.cost.monthly_usd)} a month" + (
        f" ({plan.chosen.offer.provider}, {TERM_WORDS[plan.chosen.offer.term]})." if plan.chosen.offer else "."
    )
    lead = f"{fleet} a month, from each provider's best price{f' in {region}' if region else ''}:" if rows else ""
    others = [_without_offer(asked, provider) for provider in absent]
    return (
        *paragraphs(lead),
        *((table,) if rows else ()),
        *paragraphs(*others, f"{mine} 'on {(rows or [(0, ('aws',))])[0][1][0]}' plans there."),
    )


def _providers_in(asked: Asked) -> list[str]:
    """Return the providers that a line names."""
    known = {offer.provider for offer in asked.ports.catalog.offers}
    names = {"google": "gcp", "google cloud": "gcp", "amazon": "aws", "microsoft": "azure", "oracle": "oci"} | {
        name.removesuffix(".ai"): name for name in known
    }
    return [name for word, name in sorted(names.items()) if name in known and asked.has(re.escape(word))]


def _without_offer(asked: Asked, provider: str) -> str:
    """Say what a provider has instead of the plan's accelerator."""
    name = asked.plan.chosen.accelerator_name
    try:
        other = asked.sketch({"money.provider": provider}, frozenset({"hardware.accelerators", "money.region"}))
    except InputError as error:
        return f"{provider} offers no {name}: {error}."
    if not isinstance(other, CapacityPlan) or other.cost.monthly_usd is None:
        return f"{provider} offers no {name}, and nothing else that is priced and fits."
    return (
        f"{provider} offers no {name}; there {other.fleet.accelerators} × {other.chosen.accelerator_name} would do for "
        f"{show_usd(other.cost.monthly_usd)} a month."
    )
