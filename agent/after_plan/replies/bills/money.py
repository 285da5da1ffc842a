"""What a plan costs: by user, request, token or time, in any currency, and what the bill is made of."""

import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.bills.periods import PERIODS, PERIODS_SAID
from agent.after_plan.replies.bills.places import reserved_bill
from agent.after_plan.sums import FIGURES, Explanation
from agent.fields.demand import USERS
from agent.report.blocks import Column, Facts, Table
from agent.report.words import accelerators_noun, unknown_bill, usd_shown
from catalogs.currencies import CURRENCIES, RATES_OF
from catalogs.units import HOURS_PER_MONTH, MULTIPLIERS, show_count, show_figure, show_percent, show_rate, show_usd
from engine.fleet.offers import origin
from engine.plan import CapacityPlan

_PEOPLE: Final = (
    r"users?|seats?|licen[cs]es?|heads?|headcount|utilisateurs?|usuarios?|nutzer|anwender|employees?|employe|customers?|clients?|"
    r"persons?|people|students?|colleagues?|developers?|mitarbeiter\w*|workers?|staff|empleados?|employés?|用户|人(?!民)"
)
_HEADS: Final = re.compile(rf"(?<![\w.,$])(\d{{1,3}}(?:,\d{{3}})+|\d{{2,}}) (?:[a-z]+ )?(?:{_PEOPLE})\b")
"""So many of them: 'the bill a seat, 1,250 licences' has no user alone."""
_CALLS: Final = (
    r"requests?|reqs?|calls?|quer(?:y|ies)|answers?|answered|responses?|completions?|chats?|messages?|prompts?|tickets?|"
    r"conversations?|questions?|e?mails?|summar(?:y|ies)|documents?|cases?|translations?|enquir(?:y|ies)|inquir(?:y|ies)|clicks?|interactions?|repl(?:y|ies)|anfragen?|antwort(?:en)?|"
    r"requêtes?|réponses?|consultas?|peticiones|respuestas?|请求|每次"
)
_EACH: Final = r"per|each|every|an?|one|single|pro|par|por|je"
_PER_MANY: Final = re.compile(rf"\bper (\d{{1,3}}(?:,\d{{3}})+|\d{{2,}}) ?(k)? (?:{_PEOPLE})\b")
"""A number of people of whom the price is asked: 'cost per 1000 users'."""
_MANY: Final = re.compile(
    r"(?<![$€£.\d])\b(\d{1,3}(?:,\d{3})+|\d{2,7})\b(?![.,]?\d|\s*(?:%|percent|months?|years?|rps|\$|usd|eur))"
)
"""A number of people, where the line asks for each of them: 'per seat if we are 1400'."""
_THOUSANDS: Final = re.compile(
    rf"\b(?P<number>\d[\d,.]*|an?|one)? ?(?P<scale>k|thousand|m|million)?s? "
    rf"?(?:of )?(?:[a-z]+ )?(?:{_CALLS})(?=\W|$)(?! (?:an?|per|each|every) (?:\w+ )?(?:second|hour|day|week|month)\b)"
)
"""A number of requests: '10k calls', 'a thousand answered tickets'."""
_MILLION: Final = r"(?:per |an? |each |1 ?)?(?:million|mtok|1m)"
_SHARED: Final = (
    ("user", _PEOPLE),
    (
        "million output tokens",
        r"(?:m|million|1m|mtoks?|tokens?) ?(?:of )?(?:output|out|answer|completion|generated)(?: ?tok(?:en)?s?)?|"
        r"(?:output|answer|completion|generated) ?(?:mtoks?|tok(?:en)?s?)",
    ),
    (
        "million tokens",
        r"m (?:in|out|input|output) tok(?:en)?s?|"
        r"(?:m|million|1m|mio\.?|millón|millones|milione) ?(?:of |de |d'|di )?tok(?:en)?s?|mtoks?|tokens?|token",
    ),
    ("request", rf"{_CALLS}|every time|whenever|presse?s?|hits send"),
    ("accelerator", r"gpus?|cards?|accelerators?"),
)
"""What of which each takes a share of the bill."""


class _Unit(Struct, frozen=True):
    """What the bill is asked for, and which part of a month's it is."""

    label: str
    """'a user a month'."""
    of_month: float
    sum: str = ""
    """How it follows from the month's."""


_TAX: Final = r"vat|tax\w*|mwst\.?|mehrwertsteuer|tva|iva|gst|impuestos?"
_NET: Final = rf"net|netto|brutto|gross|ohne steuern?|ttc|hors tax\w*|{_TAX}"
_TAX_RATE: Final = re.compile(
    rf"(\d+(?:[.,]\d+)?) ?(?:%|percent|prozent)(?: of)? (?:{_TAX})|(?:{_TAX}) (?:of |at )?(\d+(?:[.,]\d+)?) ?%"
)
"""A rate of tax beside its name: '8.1% VAT', 'VAT of 19 %'."""
_SPLIT: Final = re.compile(r"\s*(?:[,;&]|\band\b|\bund\b|\bet\b|\by\b)\s+(?=\S)", re.I)


_HABIT: Final = re.compile(
    rf"\b(?:(?:each |with |of |at |who ask )?\d[\d,.]* (?:{_CALLS})|(?:do(?:es)?|asks?|sends?|makes?|has|have)"
    r"(?: about| some| roughly| around)* \d[\d,.]*) (?:an?|per|each|every) (?:\w+ )?(?:hour|day|week|month)\b",
    re.I,
)
"""How often somebody asks, which is no time that the bill is wanted for: '25 requests a working day'."""


def cost(asked: Asked) -> Explanation:
    """Return what the plan costs in the unit and currency that is asked, part by part where there are several."""
    asked = replace(asked, text=_HABIT.sub(" ", asked.text))
    parts = [part for part in _SPLIT.split(asked.text) if part.strip()]
    asks = [replace(asked, text=part) for part in parts]
    if len(asks) > 1 and all(_names_unit(one) for one in asks):
        return tuple(block for one in asks for block in paragraphs(f"{one.text.strip(' ?.')}:") + _cost(one))
    if _TAX_RATE.search(asked.words):
        return _cost(asked)
    net = "List prices are net: VAT and other taxes come on top; say the rate, as in 'plus 19 % VAT', to add it."
    return (*_cost(asked), *paragraphs(net if asked.has(_NET) else ""))


def _names_unit(asked: Asked) -> bool:
    """Return whether a part of a line asks for an amount in a unit of its own: 'cost/yr EUR'."""
    return asked.has(r"costs?|price|bill|per|pro|par|por|each|a") and any(
        asked.has(words) for _, words in (*_SHARED, *PERIODS_SAID)
    )


def _cost(asked: Asked) -> Explanation:
    """Return what the plan costs in the unit that is asked; where none is, also in the usual ones."""
    plan = asked.plan
    monthly, scaled = plan.cost.monthly_usd, plan.cost.autoscaled_monthly_usd
    if monthly is None:
        return paragraphs(unknown_bill(plan.cost))
    taxed = _TAX_RATE.search(asked.words)
    tax = float((taxed[1] or taxed[2]).replace(",", ".")) / 100 if taxed else 0.0
    monthly, scaled = monthly * (1 + tax), None if scaled is None else scaled * (1 + tax)
    code, per_usd, rate = currency(asked)
    unit, missing = _unit(asked, monthly)
    if per_usd is None:
        each = f"{show_usd(monthly * (unit.of_month if unit else 1.0))} {unit.label if unit else 'a month'}"
        return paragraphs(f"{no_rate(code, 'cost')} In dollars it is {each}.", missing)
    if unit is None:
        return paragraphs(missing, f"In all it is {money_shown(monthly * per_usd, code)} a month.")
    if asked.has(_CENTS) and monthly * per_usd * unit.of_month < _IN_CENTS:
        code, per_usd = " ".join((*[code] * (code != "USD"), "cents")), 100 * per_usd
    reason = f": {unit.sum}" if unit.sum else ""
    lead = f"{money_shown(monthly * per_usd * unit.of_month, code)} {unit.label}, today's fleet always on{reason}."
    follows = ""
    if scaled is not None and scaled < monthly:
        follows = f"Following the load with an autoscaler: {money_shown(scaled * per_usd * unit.of_month, code)}."
    parts = _parts(plan) if asked.has(_PARTS) else ()
    usual = () if unit.sum or parts else _usual(asked, monthly * per_usd, code)
    net = f"With {show_percent(tax)} of tax on the list prices, which are net." if tax else ""
    months = round(unit.of_month)
    if unit.label == "a request" and (price := _PRICE.search(asked.words)):
        theirs = float(price[1] or price[2]) / (1 if price[1] else 100)
        ratio = theirs / (monthly * per_usd * unit.of_month)
        follows += f" {price[0].strip()} for one would be {show_figure(ratio)} × that."
    reserved = reserved_bill(asked, months) if unit.sum.startswith(f"{months} months") else ""
    basis = ""
    if usual and (offer := plan.chosen.offer):
        hourly = (
            f"{plan.fleet.instances} × {offer.instance}, {origin(offer)}, at {show_usd(offer.usd_per_hour)} an hour"
        )
        basis = f"That is {hourly}, for {HOURS_PER_MONTH:g} hours; taxes, traffic and storage are not in it."
    return (*paragraphs(lead, basis, follows, net, rate, reserved), *parts, *usual)


_CENTS: Final = r"(?:euro)?cents?|ct|centimes?|c[ée]ntimos?|centavos?|rappen|centesimi"
_IN_CENTS: Final = 10.0
"""Dollars or euros from which nobody counts in cents, by judgement."""
_PRICE: Final = re.compile(r"[$€£] ?(\d*\.\d+|\d+)(?![\d.]*k)\b|(?<![\w.])(\d+(?:\.\d+)?) ?(?:cents?|ct|c)\b")
"""What somebody would take for a request: '2 cents'."""


def _usual(asked: Asked, monthly: float, code: str) -> Explanation:
    """Return a month's bill in the units that are asked most."""
    units = (("year", 12.0), *((unit, _share(asked, unit)) for unit in ("user", "1,000 requests", "million tokens")))
    units = (*units, (f"a {accelerators_noun(asked.plan.chosen, 1)}", 1 / asked.plan.fleet.accelerators))
    return (Facts(tuple((name, money_shown(monthly * share, code)) for name, share in units if share)),)


def _share(asked: Asked, unit: str) -> float | None:
    """Return which part of a month's bill a unit is; None where nothing tells."""
    cost, monthly = asked.plan.cost, asked.plan.cost.monthly_usd
    if not monthly:
        return None
    if unit == "user" and _PER_MANY.search(asked.words) and (known := asked.values.get(USERS)):
        return 1 / float(known)
    if unit == "user":
        many, named = _MANY.search(asked.figures), _HEADS.search(asked.figures)
        users = float(named[1].replace(",", "")) if named else asked.users() or asked.count_of(_PEOPLE) or 0.0
        users = users if users > 1 or not many else float(many[1].replace(",", ""))
        return 1 / users if users else None
    if unit == "million tokens":
        return cost.usd_per_million_tokens.blended / monthly if cost.usd_per_million_tokens else None
    per_request = cost.usd_per_request
    if unit == "million output tokens":
        return None if per_request is None else per_request * 1e6 / asked.plan.spec.tokens.output.mean / monthly
    return None if per_request is None else per_request * (1000 if unit.startswith("1,000") else 1) / monthly


def _unit(asked: Asked, monthly: float) -> tuple[_Unit | None, str]:
    """Return the unit that a line asks for, or what is missing to reckon in it."""
    if several := _several_requests(asked):
        return several, ""
    long = _periods_in(asked)
    # 'for our 500 users over three years' is the whole bill, 'per user over three years' is a share of it.
    shared = sorted(_SHARED, key=lambda one: "million" not in one[0]) if asked.has(_MILLION) else _SHARED
    name = next((name for name, words in shared if asked.has(rf"(?:{_EACH}) (?:{words})" if long else words)), "")
    period = long or _period(asked, monthly)
    share = 1 / asked.plan.fleet.accelerators if name == "accelerator" else _share(asked, name)
    if name == "user" and share is None:
        each = _share(asked, "request")
        per_request = f" Per request it is {show_usd(monthly * each)}." if each else ""
        return None, f"How many users there are was not said: ask 'cost per user with 2,000 users'.{per_request}"
    if name in ("request", "million tokens", "million output tokens") and share is None:
        return None, "The load has no rate, so that a request has no price; ask again with one, such as '10 rps'."
    return _named_unit(asked, name, monthly, share or 1.0, period) if name else period, ""


def _period(asked: Asked, monthly: float) -> _Unit:
    """Return the period that a line names, a month where it names none."""
    name = next((name for name, words in PERIODS_SAID if asked.has(words)), "month")
    if name == "month":
        return _Unit("a month", 1.0)
    sum = f"{show_usd(monthly)} a month of {HOURS_PER_MONTH:g} hours, at today's prices"
    return _Unit(f"{'an' if name == 'hour' else 'a'} {name}", PERIODS[name], sum)


def _named_unit(asked: Asked, name: str, monthly: float, share: float, period: _Unit) -> _Unit:
    """Return what a user, an accelerator, a request or a million tokens costs, the first two in a period.

    Args:
        monthly: the bill, USD.
        share: of it that one unit takes.
    """
    tokens, count = asked.plan.spec.tokens, show_count(round(1 / share))
    sum = f"{show_usd(monthly * period.of_month)} ÷ {count}"
    match name:
        case "user" if (many := _PER_MANY.search(asked.words)) and asked.values.get(USERS):
            heads = float(many[1].replace(",", "")) * (1000 if many[2] else 1)
            label = f"{period.label} for {show_count(heads)} of {count} users"
            unit = _Unit(label, heads * share * period.of_month, f"{sum} × {show_count(heads)}")
        case "user":
            unit = _Unit(f"{period.label} for each of {count} users", share * period.of_month, sum)
        case "accelerator":
            noun = accelerators_noun(asked.plan.chosen, 1)
            unit = _Unit(f"{period.label} for each {noun}", share * period.of_month, sum)
        case "request":
            unit = _Unit("a request", share, _every(asked))
        case "million output tokens":
            factor = asked.plan.spec.traffic.peak_factor
            flat = f"; at the peak rate all month {show_usd(monthly * share / factor)}" if factor > 1 else ""
            unit = _Unit(
                "a million output tokens",
                share,
                f"the whole bill, prompts in it, {_every(asked).removeprefix('the bill ')}{flat}",
            )
        case _:
            prices = asked.plan.cost.usd_per_million_tokens
            apart = f"; {show_usd(prices.input)} of prompts, {show_usd(prices.output)} of answers" if prices else ""
            lengths = f"{show_count(tokens.input.mean)} tokens in and {show_count(tokens.output.mean)} out a request"
            unit = _Unit("a million tokens, prompts and answers together", share, f"{lengths}, at the mean rate{apart}")
    return unit


def _every(asked: Asked) -> str:
    rate = asked.plan.spec.traffic.requests_per_s
    return f"the bill over all requests at the mean rate, {show_rate(rate)}" if rate else ""


def _several_requests(asked: Asked) -> _Unit | None:
    """Return a number of requests: '1k calls', 'a thousand answers'."""
    share, many = _share(asked, "request"), _requests_in(asked)
    return _Unit(f"for {show_count(many)} requests", share * many, _every(asked)) if many > 1 and share else None


def _requests_in(asked: Asked) -> float:
    """Return how many requests a line asks the price of: 1,000 in 'per 1k calls'."""
    match = _THOUSANDS.search(asked.figures)
    if match is None or not (match["number"] or match["scale"]):
        return 0.0
    number = match["number"] or "1"
    count = float(number.replace(",", "").rstrip(".")) if number[0].isdigit() else 1.0
    return count * MULTIPLIERS.get(match["scale"] or "", 1.0)


def _periods_in(asked: Asked) -> _Unit | None:
    """Return several years or months: '36 months', 'three years'."""
    months = asked.count_of("months?|monate?n?|mois|mes(?:es|e|i)?") or 0
    years = asked.count_of("years?|jahre?n?|ans|années?|años?|ann[oi]")
    total = months if months > 1 else 12 * (years or 0)
    if total < 2 or total == 12:
        return None
    label = f"over {total // 12} years" if total % 12 == 0 else f"over {total} months"
    return _Unit(label, float(total), f"{total} months at today's prices and traffic")


_PARTS: Final = (
    r"made of|made up|made|comput\w+|calculat\w+|comes? about|add(?:s|ed)? up|arithmetic|step by step|derived?|"
    r"sum behind|line by line|line items?|items?|itemi[sz]ed?|itemi[sz]e|break ?down|paying for|parts?|split|"
    r"share|"
    r"spares?|spare capacity|reserves?|headroom|idle|"
    r"fixed|variable|positions?|apart|détaille\w*|desglos\w*|aufschlüssel\w*|inside"
)


def _parts(plan: CapacityPlan) -> Explanation:
    """Return what the bill is made of: instances and price, and what each reason for capacity takes of it."""
    rows = tuple(
        (line.reason, show_count(line.accelerators), usd_shown(line.monthly_usd), line.why)
        for line in plan.fleet.ledger
        if line.reason not in ("burst", "growth") and (line.accelerators or line.monthly_usd)
    )
    why = Column.sentences("why")
    columns = (Column("for"), Column(accelerators_noun(plan.chosen), "right"), Column("monthly", "right"), why)
    spares = next((line.monthly_usd for line in plan.fleet.ledger if line.reason == "spares"), None)
    kept = f"Spares take {usd_shown(spares)} of it." if spares else "Nothing of it is for spares: the plan has none."
    fixed = (
        f"Always on, all of it is fixed; with the autoscaler {usd_shown(plan.cost.minimum_monthly_usd)} are, the"
        " smallest fleet's, and the rest follows the load."
    )
    return (*FIGURES["cost"](plan), Table(columns, rows), *paragraphs(kept, fixed))


def currency(asked: Asked) -> tuple[str, float | None, str]:
    """Return the currency that is asked, how much of it a dollar is, and whose rate that is."""
    for code, (words, usual) in CURRENCIES.items():
        if not re.search(rf"(?:^|(?<=[\W\d\u3400-\u9fff]))(?:{words})(?=[\W\d\u3400-\u9fff]|$)", asked.words):
            continue
        given = re.search(
            r"(?:\bat|use|rate(?: of)?|=|@) ?(?:a rate of )?(?:€|\$)? ?(\d*[.,]\d+|\d+)\b(?! ?(?:rps|users|k\b))",
            asked.words,
        )
        if given is None:
            return (
                code,
                usual,
                f"At {show_figure(usual)} {code} per dollar, {RATES_OF}; say 'at 1.10' for yours." if usual else "",
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


def no_rate(code: str, asks: str) -> str:
    """Say that a currency has no exchange rate here, and how to say one.

    Args:
        asks: what the example asks, before the currency: 'cost'.
    """
    return f"I know no exchange rate for {code}: say it, as in '{asks} in {code} at 0.9 per dollar'."


def money_shown(amount: float, code: str) -> str:
    """Return an amount with its currency behind it, dollars with their sign."""
    shown = show_usd(amount)
    return shown if code == "USD" else f"{shown.replace('$', '')} {code}"
