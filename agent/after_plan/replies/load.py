"""How much a fleet carries, how long it suffices, and how busy it is."""

import re
from math import ceil, log
from typing import Final

from agent.after_plan.lines.accounts import figures_in
from agent.after_plan.multiples import factor_in
from agent.after_plan.replies.asked import LIMITS, LOAD, Asked, paragraphs
from agent.after_plan.replies.billed import Resized, billed, room_billed
from agent.after_plan.replies.bills.orders import order_before_full
from agent.after_plan.replies.bills.periods import PERIODS_SAID
from agent.after_plan.sums import FIGURES, Explanation, weights_spread
from agent.after_plan.wording.rates import carried_rate, peak_rate, replicas_at
from agent.fields.demand import HABIT, RATE, USERS
from agent.interpret.words.tongues import in_english
from agent.report.blocks import Column, Facts, Table
from agent.report.choice.shortfalls import named_fleet, too_few
from agent.report.cost.price_origin import bill_beside
from agent.report.words import accelerators_noun, calls_shown, capital, singular, usd_shown
from catalogs.units import (
    HOURS_PER_MONTH,
    SECONDS_PER_DAY,
    SECONDS_PER_MONTH,
    show_count,
    show_figure,
    show_percent,
    show_rate,
    show_seconds,
)
from engine.fleet.offers import replicas_bill_usd
from engine.plan import CapacityPlan
from engine.workload import SPLIT, target_name

GPUS: Final = (
    r"gpus?|cards?|cartes?|karten?|tarjetas?|accelerators?|chips?|h100s?|h200s?|a100s?|b200s?|l40s|l4s?|a10g?s?|mi300x|"
    r"t4s?|v100s?"
)
NODES: Final = r"nodes?|knoten|noeuds?|nœuds?|nodos?|servers?|serveurs?|machines?|instances?|box(?:es)?|hosts?|dgx"
REPLICAS: Final = r"r[ée]plicas?|copies|pods?"
_WORDS_PER_TOKEN: Final = 0.75
"""Of English text: 4 tokens for 3 words (platform.openai.com/tokenizer)."""
_READ_WORDS_PER_S: Final = 4.0
"""238 words a minute of silent reading: Brysbaert 2019, J. Memory and Language 109, 104047."""
_USUAL_GROWTH: Final = (0.2, 0.5, 1.0)
"""A year's, for who states none."""


_SPELLS: Final = (("a day", SECONDS_PER_DAY), ("a month", SECONDS_PER_MONTH), ("a year", 12 * SECONDS_PER_MONTH))


def token_volume(asked: Asked) -> Explanation:
    """Return tokens by second, day and month, of the fleet and of one stream."""
    plan, at_peak = asked.plan, asked.plan.performance.at_peak
    tokens, traffic, fleet = plan.spec.tokens, plan.spec.traffic, plan.fleet
    stream = 1 / at_peak.itl_s.mean if at_peak.itl_s.mean else 0.0
    noun = accelerators_noun(plan.chosen, 1)
    working = fleet.working_replicas * plan.chosen.accelerators_per_replica
    made = fleet.capacity_output_tokens_per_s
    # By how many there are: of a fleet of one replica or one accelerator no part is told.
    parts = {working: f"a {noun} of it", fleet.working_replicas: "a replica of it", 1: "the fleet can make"}
    facts = [
        *((name, f"{show_count(made / count)} output tokens/s") for count, name in sorted(parts.items())),
        ("one user sees", f"{show_figure(stream)} tokens/s at the peak"),
    ]
    if traffic.requests_per_s:
        calls = traffic.requests_per_s * traffic.calls_per_request
        prompts, answers = calls * tokens.input.mean, calls * tokens.output.mean
        for name, times in (("asked for, mean", 1.0), ("at the peak", traffic.peak_factor)):
            read, written = prompts * times, answers * times
            said = f"{show_figure(read)} prompt and {show_figure(written)} output tokens/s"
            facts.append((name, f"{said}, {show_figure(read + written)} in all"))
        facts += [
            (name, f"{show_count(prompts * seconds)} prompt and {show_count(answers * seconds)} output tokens")
            for name, seconds in _SPELLS
        ]
    lead = (
        f"{show_count(made)} output tokens/s is what the fleet makes within its targets;"
        f" one stream runs at {show_figure(stream)} tokens/s."
    )
    wanted = next((name for name, words in PERIODS_SAID if asked.has(words)), "the peak" * asked.has(_IN_ALL))
    wanted = "a replica of it" if asked.has(rf"(?:an?|one|per|each|single) (?:{REPLICAS})") else wanted
    lead = next((f"{capital(name)}: {text}." for name, text in facts if wanted and name.endswith(wanted)), lead)
    prices = plan.cost.usd_per_million_tokens
    if prices and prices.blended and asked.has(r"(?:per|a|for each|each) (?:dollar|euro|usd|buck)"):
        each = show_count(1e6 / prices.blended)
        lead = f"{each} tokens a dollar, prompts and answers together, at the mean rate. {lead}"
    return (*paragraphs(_claimed(asked), lead), Facts(tuple(facts)))


_IN_ALL: Final = r"all together|altogether|together|in (?:all|total)|total|combined|insgesamt|zusammen|en tout|en total"
_EACH: Final = re.compile(
    rf"(?P<number>\d[\d,.]*)(?P<k>k?) ?tok(?:en)?s?(?: ?/ ?| per | a )s\w*(?: ?/ ?| per | an? | on (?:an?|one) )"
    rf"(?:{GPUS})",
    re.I,
)
"""Tokens a second of one accelerator, as somebody says them."""


_WHOLE: Final = re.compile(r"(?P<number>\d[\d,.]*)(?P<k>k?) ?tok(?:en)?s?(?: ?/ ?| per | a )s", re.I)


def _claimed(asked: Asked) -> str:
    """Set tokens/s of an accelerator that a line names beside the plan's; empty where it names none."""
    match, plan = _EACH.search(asked.words), asked.plan
    rate = peak_rate(plan)
    if match is None and (whole := _WHOLE.search(asked.words)):
        made, size = plan.fleet.capacity_output_tokens_per_s, plan.fleet.working_replicas
        noun = accelerators_noun(plan.chosen, 1)
        each = made / size, made / size / plan.chosen.accelerators_per_replica
        return (
            f"{whole['number']}{whole['k']} tokens/s on how many accelerators, prompts counted or not, and at which"
            f" latency? This fleet makes {show_count(made)} output tokens/s within its targets, a replica"
            f" {show_count(each[0])}, a {noun} {show_count(each[1])}."
        )
    if match is None or not rate:
        return ""
    tokens, size = plan.spec.tokens, plan.chosen.accelerators_per_replica
    claimed = float(match["number"].replace(",", "")) * (1000 if match["k"] else 1)
    rates = (rate / plan.fleet.working_replicas, *(getattr(plan.replica_capacity, name) for name in _CAPACITIES))
    lengths = tokens.output.mean, tokens.output.mean + tokens.input.mean
    out, both = ([show_count(each * length / size) for each in rates] for length in lengths)
    noun, most = accelerators_noun(plan.chosen, 1), rates[-1] / size
    says = "only where prompts are counted is that in reach here."
    if claimed > most * lengths[1]:
        says = "nothing here reaches that, prompts counted or not."
    elif claimed <= most * lengths[0]:
        says = "that is in reach here, where nobody minds the latency."
    return (
        f"{show_count(claimed)} tokens/s a {noun}: {says} Of this plan a {noun} makes {out[0]} output tokens/s in the"
        f" busiest hour, {both[0]} with prompts counted; within the targets at most {out[1]} and {both[1]}, saturated"
        f" {out[2]} and {both[2]}. Ask whether prompts are counted, for which lengths and at which latency."
    )


_CAPACITIES: Final = ("requests_per_s", "saturated_requests_per_s")


def stream(asked: Asked) -> Explanation:
    """Return how fast one user sees the text, beside what people read."""
    plan = asked.plan
    peak, mean = plan.performance.at_peak.itl_s, plan.performance.at_mean.itl_s
    if not peak.mean:
        return paragraphs("The model writes no text: there is nothing to stream.")
    words = 1 / peak.mean * _WORDS_PER_TOKEN
    pace = "faster" if words > _READ_WORDS_PER_S else "slower"
    lead = (
        f"One user sees {show_figure(1 / peak.mean)} tokens/s in the busiest hour, about {show_figure(words)} words a"
        f" second: {pace} than people read, some {_READ_WORDS_PER_S:g}."
    )
    ends = (
        f"At the mean rate {show_figure(1 / mean.mean)} tokens/s; where it stutters most, {show_figure(1 / peak.p95)}"
        f" (ITL p95 {show_seconds(peak.p95)}) and {show_figure(1 / peak.p99)} (p99)."
    )
    output, e2e = plan.spec.tokens.output.mean, plan.performance.at_peak.e2e_s
    whole = (
        f"An answer of {show_count(output)} tokens, the mean length, is complete {show_seconds(e2e.mean)} after the"
        f" question on average; of answers of all lengths half are after {show_seconds(e2e.p50)} and 95 of 100 after"
        f" {show_seconds(e2e.p95)}."
    )
    target = next((one for one in plan.spec.targets if one.metric == "itl"), None)
    limit = f"{target_name('itl', target.percentile)} {show_seconds(target.seconds)}" if target else "no ITL target"
    kept = f"The plan is sized for {limit}; 'with ITL p95 {show_seconds(0.6 * peak.p95)}' plans for a faster stream."
    return paragraphs(lead, ends, whole, kept)


def _reads_or_writes(plan: CapacityPlan) -> str:
    """Say what of a replica's time goes into reading prompts and into writing answers in the busiest hour."""
    each, at, tokens = plan.replica_capacity, plan.performance.at_peak, plan.spec.tokens
    if not each.prefill_tokens_per_s or not at.utilisation:
        return ""
    read = at.requests_per_s * tokens.input.mean * (1 - tokens.prefix_hit)
    share = read / each.prefill_tokens_per_s
    rest = max(0.0, at.utilisation - share)
    more, less = ("Prefill", "decode") if share >= rest else ("Decode", "prefill")
    return (
        f"{more} more than {less}: a replica reads {show_count(read)} prompt tokens/s of the"
        f" {show_count(each.prefill_tokens_per_s)} that it could, {show_percent(share)} of its time, and writes"
        f" {show_count(at.requests_per_s * tokens.output.mean)} tokens/s in {show_percent(rest)} of it; the rest is"
        f" room. What binds the fleet is {plan.answer.breaks_first}."
    )


def limit(asked: Asked) -> Explanation:
    """Return the most that the fleet carries within the targets, in requests and users, and what gives way there."""
    if (asked.count_of(REPLICAS) or too_few(asked.plan)) and fleet_in(asked):
        return fleet_holds(asked)
    plan, peak = asked.plan, peak_rate(asked.plan)
    answer = plan.answer
    most = (
        f"At most {show_rate(answer.holds_to_requests_per_s)} in the busiest hour; beyond that {answer.breaks_first}"
        " breaks first."
    )
    each, users = asked.said(HABIT) or asked.values.get(HABIT), asked.users()
    rate = answer.holds_to_requests_per_s
    mean, room = rate / plan.spec.traffic.peak_factor, ""
    if peak:
        ratio = carried_rate(plan) / peak
        room = (
            f"That is {show_rate(mean)} averaged over the day, and {show_figure(ratio)} × the {calls_shown(plan, peak)}"
            f" of the planned peak: {show_percent(max(0.0, ratio - 1))} of room."
        )
    if peak and users:
        held = int(users * carried_rate(plan) / peak)
        room += f" In users: {show_count(held)}, if each asks as often as now."
    elif each:
        room += f" In users: {show_count(int(mean / each))} if each asks so often all day, "
        room += f"{show_count(int(rate / each))} if only in the busiest hour."
    elif asked.has("users?|people|sessions?|customers?|colleagues?|usuarios|utilisateurs|nutzer|leute"):
        room += " How often a user asks was not said: 'a user asks 5 times an hour' turns it into users."
    saturated = (
        "All queues full, with no target kept, it would do "
        f"{calls_shown(plan, plan.replica_capacity.saturated_requests_per_s * plan.fleet.working_replicas)}."
    )
    from agent.after_plan.replies.figures.latencies import queue_shown

    queue = queue_shown(plan) if asked.has(r"queued?|queues|waiting|wait") else ""
    queue += _reads_or_writes(plan) if asked.has(r"prefill|decode|compute|bandwidth") else ""
    if asked.has(r"kv|cache|memory|v?ram|hbm"):
        binds, full = "KV" in answer.breaks_first, plan.performance.at_peak.kv_cache_usage
        queue = f"{'Yes' if binds else 'No'}: the KV cache is {show_percent(full)} full in the busiest hour. {queue}"
    all_billed = room_billed(plan)
    if all_billed and plan.fleet.billed_accelerators in (asked.count_of(GPUS), asked.bare_count()):
        most, all_billed = all_billed, most
    return (*paragraphs(queue.strip(), most, room.strip(), all_billed, saturated), *FIGURES["holds"](plan))


def fleet_holds(asked: Asked) -> Explanation:
    """Return what a stated number of accelerators, nodes or replicas carries, and whether it is enough."""
    plan = asked.plan
    values = fleet_in(asked)
    if not values:  # the plan's own
        return limit(asked)
    named = asked.reading().values.get("hardware.accelerators")
    split = {path: value for path, value in asked.reading().values.items() if path.endswith("_parallel") and value}
    if "hardware.replicas" in values and not named and not split:  # replicas are the plan's
        split = {f"serving.{name}": getattr(plan.chosen, name) for name in SPLIT[:3]}
    hardware = {"hardware.accelerators": named or (plan.chosen.accelerator,), **split}
    shown = ", ".join(
        f"{count} {path.rpartition('.')[2].removeprefix('accelerator_count') or accelerators_noun(plan.chosen, count)}"
        for path, count in values.items()
    )
    found = asked.tried({**values, **hardware}, LIMITS | LOAD | {"availability.spare_replicas"})
    if isinstance(found, str):
        each = plan.replica_capacity.requests_per_s / plan.chosen.accelerators_per_replica
        share = (
            f"As part of a replica of {plan.chosen.accelerators_per_replica} one {accelerators_noun(plan.chosen, 1)}"
            f" carries {calls_shown(plan, each)} within the targets, {show_count(round(each * 3600, -1))} an hour."
        )
        return paragraphs(f"Nothing on {shown} alone: {found}.", share, weights_spread(plan))
    stated, most = asked.said(RATE), carried_rate(found)
    per_request = plan.spec.traffic.peak_factor * plan.spec.traffic.calls_per_request
    peak = float(stated) * per_request if stated else peak_rate(plan)
    lead = f"{singular(found.answer.sentence)}. {capital(found.answer.breaks_first)} stops it there."
    if not found.answer.meets_targets:
        lead = f"{singular(found.answer.sentence)}."
    enough = ""
    if peak:
        verdict = "enough" if most >= peak * (1 - 1e-6) and found.answer.meets_targets else "not enough"
        enough = (
            f"That is {verdict} for {show_rate(stated)} on average, {calls_shown(plan, peak)} in the busiest hour."
            if stated
            else f"That is {verdict} for the planned peak of {calls_shown(plan, peak)}, which takes"
            f" {plan.fleet.accelerators} {accelerators_noun(plan.chosen)}."
        )
        if users := asked.users():
            enough += f" In users: {show_count(int(users * most / peak))}."
    left = values.get("hardware.accelerator_count", 0) - found.fleet.accelerators
    unused = f"Left over: {left} of the {left + found.fleet.accelerators}, too few for a replica." if left > 0 else ""
    cost = f"It costs {bill_beside(found, plan, ' a month')}." if found.cost.monthly_usd else ""
    if cost and found.fleet.billed_accelerators > found.fleet.accelerators:
        cost = f"{cost[:-1]}, for the {found.fleet.billed_accelerators} that whole instances bill."
    each, among = found.replica_capacity.requests_per_s, plan.replica_capacity.requests_per_s
    alone = f"Among the plan's {plan.fleet.working_replicas}, behind one router, a replica carries {show_rate(among)}."
    alone = alone if set(values) == {"hardware.replicas"} and not named and abs(among / each - 1) > 0.02 else ""
    return paragraphs(lead, alone, unused, enough, cost)


def fleet_in(asked: Asked) -> dict[str, int]:
    """Return the fleet that a line names, by path."""
    read = asked.reading().values
    for path, ceiling in (
        ("hardware.accelerator_count", "hardware.max_accelerators"),
        ("hardware.nodes", "hardware.max_nodes"),
        ("hardware.replicas", "hardware.max_replicas"),
    ):
        if count := read.get(path) or read.get(ceiling):
            return {path: int(count)}
    for path, nouns in (
        ("hardware.nodes", NODES),
        ("hardware.replicas", REPLICAS),
        ("hardware.accelerator_count", GPUS),
    ):
        if count := asked.count_of(nouns):
            return {path: count}
    if asked.has(
        r"half (?:the|of the|of) (?:fleet|them|these|those|that|cards|machines|gpus)|half of (?:them|that|it)"
    ):
        return {"hardware.accelerator_count": max(1, asked.plan.fleet.accelerators // 2)}
    if bare := asked.bare_count():
        return {"hardware.accelerator_count": bare}
    return named_fleet(asked.plan) if too_few(asked.plan) else {}


_UNIT: Final = r"(?P<{0}>days?|weeks?|wk|months?|mo|quarters?|semesters?|years?|annum|yr)\b"
_UNTIL: Final = re.compile(
    rf"\b(?:in|within|over|after|for the next|every|each)(?: the next| about)? "
    rf"(?:(?P<many>\d{{1,3}}) |a )?{_UNIT.format('unit')}"
)
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?) ?(?:%|percent|pct)")
_EACH_TIME: Final = re.compile(
    rf"(?:\b(?:an?|per|each|every)|/) ?{_UNIT.format('unit')}|\b(?P<adverb>dai|week|month|quarter|year|annual)ly|"
    rf"\b(?P<short>[wmqy])[o/][wmqy]\b|\b{_UNIT.format('on')} (?:on|over|by) \w+"
)
"""The time in which a load grows by a share."""
_NAMED: Final = {"d": "day", "w": "week", "m": "month", "q": "quarter", "s": "semester", "y": "year", "a": "year"}
"""Times, by the letter with which their words begin."""


def _pace(asked: Asked) -> tuple[float, str, str]:
    """Return the share by which a load grows, in which time, and the multiple that it is: 'triple in 18 months'."""
    words = in_english(asked.figures)
    until, times, share, each = _UNTIL.search(words), factor_in(words), _SHARE.search(words), _EACH_TIME.search(words)
    said = asked.said("traffic.growth_per_year")
    if share and (each or not said):
        sign = -1 if asked.has(r"drops?|falls?|declin\w+|shrink\w*|los(?:es?|ing)|down|fewer|less") else 1
        return sign * float(share[1]) / 100, _NAMED[next(filter(None, each.groups()))[0]] if each else "year", ""
    if until and times and times > 0:
        each_time = times ** (1 / int(until["many"] or 1)) - 1
        return each_time, _NAMED[until["unit"][0]], f", {show_figure(times)} × {until[0]}"
    return said or asked.plan.spec.traffic.growth_per_year or 0.0, "year", ""


_JOINING: Final = re.compile(
    rf"(\d[\d,]*) (?:more |new |additional )?(?:users?|customers?|people|employees?)\b.{{0,20}}\b{_UNIT.format('unit')}"
)


def outgrow(asked: Asked) -> Explanation:
    """Return when growth fills the fleet, and what it takes year by year."""
    plan, peak = asked.plan, peak_rate(asked.plan)
    if not peak:
        return paragraphs("The load has no rate that could grow: state one, such as '10 rps'.")
    joined = _JOINING.search(asked.words)
    if joined and "hardware" not in joined[0]:
        return _users_join(asked, peak, float(joined[1].replace(",", "")), _NAMED[joined["unit"][0]])
    share, unit, multiple = _pace(asked)
    growth = (1 + share) ** (12 * _PER_MONTH[unit]) - 1
    yearly = f" ({show_percent(abs(growth))} a year)" if unit != "year" else ""
    pace = f"{show_percent(abs(share))} a {unit}{multiple}{yearly}"
    ratio = carried_rate(plan) / peak
    held = (
        f"The fleet holds {calls_shown(plan, carried_rate(plan))}, {show_figure(ratio)} × today's peak of"
        f" {calls_shown(plan, peak)}."
    )
    billed_too = _grown_billed(plan, peak, growth)
    horizon = re.search(r"\b(?:for|over|within|next|in) (\d+) (year|month)s?\b", asked.figures)
    until = float(horizon[1]) / (1 if horizon[2] == "year" else 12) if horizon else 0.0
    if not growth:
        ahead, by = (until, horizon[0]) if horizon else (1.0, "in a year")
        sized = {rate: show_count(_sized(plan, peak * (1 + rate) ** ahead).accelerators) for rate in _USUAL_GROWTH}
        rows = tuple((show_percent(rate), _months(ratio, rate), count) for rate, count in sized.items())
        columns = Column("growth a year"), *Column.figures("full after", f"{accelerators_noun(plan.chosen)} {by}")
        some = "No growth was stated; say 'when is it too small at 40% growth a year'. For some:"
        return (*paragraphs(held, billed_too, some), Table(columns, rows))
    if growth < 0:
        return paragraphs(held, f"Traffic falls by {pace}: it does not become too small.")
    until = until or (1.0 if growth > 1 else 3.0)
    step = until / 4 if until <= _FAR_YEARS else 1.0
    years = tuple(_grown(plan, peak, growth, step * count) for count in range(int(until / step + 1e-6) + 1))
    lead = (
        f"At {pace} it is full after {_months(ratio, growth)}: ln {show_figure(ratio)} ÷ ln {show_figure(1 + share)}"
        f" {unit}s. {held}"
    )
    heads = Column(""), *Column.figures("peak", accelerators_noun(plan.chosen), "monthly")
    whole = billed(plan)
    full = max(1.0, ratio, whole.requests_per_s / peak if whole else 0.0)
    order = order_before_full(asked, 12 * log(full) / log(1 + growth))
    return (*paragraphs(_until_count(asked, peak, growth), lead, billed_too, order), Table(heads, years))


def _until_count(asked: Asked, peak: float, growth: float) -> str:
    """Say when growth takes a number of accelerators that a line names; empty where it names none beyond today's."""
    plan, size = asked.plan, asked.plan.chosen.accelerators_per_replica
    count = asked.count_of(GPUS)
    if not count or count <= plan.fleet.accelerators or growth <= 0:
        return ""
    # So many are needed from the load on that one replica fewer no longer carries.
    fewer = ceil(count / size) - 1 - plan.spec.availability.spare_replicas
    rate = fewer * plan.replica_capacity.requests_per_s
    return (
        f"{count} {accelerators_noun(plan.chosen)} are needed after {_months(rate / peak, growth)}: from"
        f" {calls_shown(plan, rate)} in the busiest hour on."
    )


def _grown(plan: CapacityPlan, peak: float, growth: float, years: float) -> tuple[str, str, str, str]:
    """Return a time from now, its peak, its accelerators and their bill."""
    then, months = peak * (1 + growth) ** years, show_figure(12 * years)
    name = "now" if not years else f"in {show_figure(years)} years" if years > 1 else f"in {months} months"
    sized = _sized(plan, then)
    name = "in 1 year" if years == 1 else name
    return (
        name,
        calls_shown(plan, then),
        show_count(sized.accelerators),
        usd_shown(usd) if (usd := sized.monthly_usd) is not None else "",
    )


def _grown_billed(plan: CapacityPlan, peak: float, growth: float | None) -> str:
    """Say how long the billed accelerators last, where more of them are billed than run; empty where none are."""
    found = billed(plan)
    if found is None:
        return ""
    ratio = found.requests_per_s / peak
    lasts = f", full after {_months(ratio, growth)}" if growth and growth > 0 else ""
    return (
        f"{room_billed(plan)} That is {show_figure(ratio)} × today's peak{lasts}, before another instance is paid for."
    )


_FAR_YEARS: Final = 2.0
"""Years up to which growth is shown in four steps; beyond, by the year."""
_PER_MONTH: Final = {"day": 30.4, "week": 4.35, "month": 1.0, "quarter": 1 / 3, "semester": 1 / 6, "year": 1 / 12}


def _users_join(asked: Asked, peak: float, joining: float, period: str) -> Explanation:
    """Return when users who join at a steady pace fill the fleet."""
    plan, users = asked.plan, asked.values.get(USERS)
    ratio = carried_rate(plan) / peak
    if not users:
        return paragraphs(
            f"The fleet holds {show_figure(ratio)} × today's load. How many users make that load was not said: say 'we"
            f" have 2,000 users' first, and {show_count(joining)} more a {period} are months."
        )
    room = users * (ratio - 1)
    months = room / (joining * _PER_MONTH[period])
    return paragraphs(
        f"{show_count(users)} users load it now and it holds {show_count(int(users * ratio))} with the same habit:"
        f" {show_count(joining)} more a {period} fill it in {show_figure(months)} months. Order earlier by the lead"
        " time, which only the vendor knows."
    )


def _months(ratio: float, growth: float) -> str:
    months = 12 * log(max(ratio, 1.0)) / log(1 + growth)
    return f"{show_figure(months)} months" if months >= 1 else f"{show_figure(months * _PER_MONTH['week'])} weeks"


def _sized(plan: CapacityPlan, peak: float) -> Resized:
    """Return the plan's fleet at another peak, model calls a second."""
    availability = plan.spec.availability
    working = max(replicas_at(plan, peak), availability.minimum_replicas)
    return Resized(plan, working + availability.spare_replicas)


def _busy_at(plan: CapacityPlan, rate: float) -> str:
    """Say how busy the plan's fleet is at another load, and how many of its replicas that load takes."""
    fleet, each = plan.fleet, plan.replica_capacity
    share = rate / (fleet.working_replicas * each.saturated_requests_per_s)
    takes = max(1, replicas_at(plan, rate))
    usd = replicas_bill_usd(plan.chosen, takes)
    bill = f", at {usd_shown(usd)} if it ran alone for a month of {HOURS_PER_MONTH:g} hours" if usd is not None else ""
    of_peak = f", {show_percent(rate / peak)} of the planned peak" if (peak := peak_rate(plan)) else ""
    return singular(
        f"At {calls_shown(plan, rate)}{of_peak}, the {fleet.working_replicas} replicas run at {show_percent(share)} of"
        f" their saturated rate. {takes} replicas would carry it within the targets{bill}; the autoscaler keeps at"
        f" least {plan.fleet.minimum_replicas}. The plan is as it was: 'what should the autoscaler target be' and 'what"
        " would it save off at night' go on."
    )


def utilisation(asked: Asked) -> Explanation:
    """Return how busy a replica is at the mean and the peak, or at a load that is named, and what is idle."""
    plan = asked.plan
    rate = next((figure.value for figure in figures_in(asked.words) if figure.kind == "rate"), None)
    if rate is not None:
        return paragraphs(_busy_at(plan, rate * plan.spec.traffic.calls_per_request))
    mean, peak = plan.performance.at_mean, plan.performance.at_peak
    idle = plan.cost.idle_share
    lead = (
        f"A replica runs at {show_percent(peak.utilisation)} of its saturated rate in the busiest hour and at "
        f"{show_percent(mean.utilisation)} on average; KV cache {show_percent(peak.kv_cache_usage)} full at the peak."
    )
    bill = (
        f"{show_percent(idle)} of the bill pays for capacity that serves nobody on average, with the fleet of today"
        " always on."
        if idle is not None
        else ""
    )
    saving = plan.replay.saving if plan.replay else 0.0
    scaled = f"Following the load saves {show_percent(saving)} of the GPU-hours." if saving > 0 else ""
    meter = (
        f"nvidia-smi's figure says little: it shows {show_percent(plan.autoscaling.gpu_utilisation)} while there is"
        " room, since it counts time with any kernel running."
    )
    return paragraphs(lead, bill, scaled, meter)
