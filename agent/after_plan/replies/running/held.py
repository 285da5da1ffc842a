"""The plan's own fleet under another load and with replicas more or fewer; the users it stands for, the fewest GPUs."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.after_plan.multiples import factor_in
from agent.after_plan.replies.asked import LIMITS, LOAD, Asked, paragraphs
from agent.after_plan.replies.billed import Resized
from agent.after_plan.replies.load import GPUS, NODES, REPLICAS, limit
from agent.after_plan.sums import Explanation
from agent.after_plan.whatif import understood
from agent.after_plan.wording.rates import peak_rate
from agent.fields.demand import RATE
from agent.interpret.traffic.peaks import mean_follows, usual_ratio
from agent.interpret.words.tongues import in_english
from agent.report.blocks import Cell, Column, Paragraph, Table
from agent.report.words import accelerators_noun, calls_shown, capital, singular, usd_shown
from agent.talk.requests import Cheapest, WhatIf
from catalogs.errors import InputError
from catalogs.units import (
    GIB,
    SECONDS_PER_HOUR,
    TIME_UNITS,
    show_count,
    show_figure,
    show_percent,
    show_rate,
    show_seconds,
)
from engine.plan import CapacityPlan, split_shown

_PER_S: Final = r"(?:rps|qps|(?:req(?:uest)?s? ?)?(?:/ ?|per |a |pro |par |por )s\w*|anfragen (?:pro|je) sekunde)"
_RATES: Final = re.compile(
    rf"(?<![\w.$€£-])(?<!the )(?<!on )(?<!with )(?<!these )(?<!same )(\d+(?:\.\d+)?)(?: ?{_PER_S})?"
    rf"(?![\w.%]|\s*(?:%|percent|tokens?|{GPUS}|{REPLICAS}|{NODES}|users?|ms|s|x|times)\b)"
)
_PERCENT: Final = re.compile(r"\b(\d+(?:\.\d+)?) ?(?:%|percent)")
_MOVES: Final = ("traffic.", "tokens.", "users.")
"""Beginnings of the paths that a load has."""


def at_load(asked: Asked) -> Explanation:
    """Return what the plan's own fleet does at other loads or lengths, and the fleet that each would take."""
    plan = asked.plan
    peak = peak_rate(plan)
    changes = _loads_in(asked)
    if not changes or not peak:
        return limit(asked)
    noun = accelerators_noun(plan.chosen)
    columns = (
        Column("load"),
        *Column.figures("busiest hour", "TTFT p95", "ITL p95"),
        Column("targets"),
        Column(f"{noun} it takes", "right"),
    )
    now, met = plan.performance.at_peak, "met" if plan.answer.meets_targets else "missed"
    tails = (show_seconds(now.ttft_s.p95), show_seconds(now.itl_s.p95))
    rows: list[tuple[Cell, ...]] = [
        ("as planned", calls_shown(plan, peak), *tails, met, show_count(plan.fleet.accelerators))
    ]
    rows += [_row(asked, label, values) for label, values in changes]
    held = [str(row[0]) for row in rows[1:] if row[4] == "met"]
    broken = [str(row[0]) for row in rows[1:] if row[4] != "met"]
    verdicts = (
        f"{'Yes: the' if not broken else 'The'} targets hold at {', '.join(held)}" if held else "",
        f"{'no: they do' if not held else 'they do'} not hold at {', '.join(broken)}" if broken else "",
    )
    lead = "; ".join(filter(None, verdicts))
    return (
        *paragraphs(f"{capital(lead)}, with the plan's own fleet of {plan.fleet.accelerators} {noun}."),
        Table(columns, tuple(rows)),
        *paragraphs(
            other_tail(asked),
            *understood(asked.text, asked.values, asked.ports).notes,
            f"It holds to {show_rate(plan.answer.holds_to_requests_per_s)} in the busiest hour, then"
            f" {plan.answer.breaks_first} breaks first. The plan is as it was: 'what if' makes a variant of a load.",
        ),
    )


_LENGTH: Final = re.compile(
    r"\b(?P<what>answers?|outputs?|replies|responses?|prompts?|inputs?)\b[^\d?.;]{0,40}?"
    r"(?P<number>\d[\d,]*)(?P<k>k?)\b(?! ?(?:ms|s|%|users?|rps))|(?P<bare>\d[\d,]*)(?P<kilo>k?) ?tok(?:en)?s?\b"
)
"""A length; of tokens alone it is that of prompts."""


def _length_in(asked: Asked) -> tuple[str, dict[str, float]]:
    """Return a length of tokens that a line names, as shown and by path; nothing where it names none."""
    found = _LENGTH.search(in_english(asked.text).lower())
    if found is None:
        return "", {}
    tokens = float((found["number"] or found["bare"]).replace(",", "")) * (1000 if found["k"] or found["kilo"] else 1)
    of = "answers" if re.match("answer|output|repl|respon", found["what"] or "") else "prompts"
    return f"{of} of {show_count(tokens)} tokens", {f"tokens.{'output' if of == 'answers' else 'input'}.mean": tokens}


def _loads_in(asked: Asked) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the loads that a line names, each with its values: several rates, or what a change would be."""
    match understood(asked.text, asked.values, asked.ports).request:
        case WhatIf(change) if any(path.startswith("tokens.") for path in change.values):
            return [(change.label, {path: one for path, one in change.values.items() if path.startswith(_MOVES)})]
    if re.search(rf"\d ?{_PER_S}", asked.words):
        length, tokens = _length_in(asked)
        loads = _rates(asked, _RATES.findall(asked.words))
        return [(", ".join(filter(None, (label, length))), {**values, **tokens}) for label, values in loads]
    percent, times = _PERCENT.search(asked.words), factor_in(asked.words)
    if percent is not None:
        times = 1 + float(percent[1]) / 100 * (-1 if asked.has("less|lower|fewer|down|below") else 1)
    rate = asked.plan.spec.traffic.requests_per_s
    if (
        times
        and rate
        and asked.has(r"traffic|load|rate|requests?|demand|volume|rps|users?|last|verkehr|trafic|tráfico|carga")
    ):
        return [(f"{show_figure(times)} × the load", {"traffic.requests_per_s": rate * times})]
    match understood(asked.text, asked.values, asked.ports).request:
        case WhatIf(change) | Cheapest(change):
            values = {path: value for path, value in change.values.items() if path.startswith(_MOVES)}
            if values:
                return [(change.label, values)]
    length, tokens = _length_in(asked)
    return [(length, tokens)] if length else _rates(asked, _AT.findall(asked.words)[:1])


_AT: Final = re.compile(
    rf"\b(?:at|hit|reach|see|get to|up to) (?!429|503)(\d+(?:\.\d+)?)(?![\w.%]| ?(?:%|ms|x|tok|{GPUS}|users?))"
)
"""A load by its number alone: 'we're at 24, does it cope'."""


def _rates(asked: Asked, rates: list[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return rates as loads: of the peak where the plan's was given there."""
    at_peak = asked.has("peaks?|busiest") or (mean_follows(asked.values) and not asked.has("average|mean"))
    factor = asked.plan.spec.traffic.peak_factor
    shown = " at the peak" if at_peak else " on average" if factor > 1 else ""
    return [
        (f"{show_rate(rate)}{shown}", {RATE: rate / (factor if at_peak else 1.0)})
        for rate in dict.fromkeys(map(float, rates))
    ]


def _row(asked: Asked, label: str, values: Mapping[str, Any]) -> tuple[Cell, ...]:
    """Return a load's row: the latencies of the plan's own fleet there, and how many accelerators would meet them."""
    plan = asked.plan
    try:
        made = asked.sketch({**values, **layout(plan)})
    except InputError as error:
        return label, "", "", "", f"cannot be planned: {error}", ""
    if not isinstance(made, CapacityPlan):
        return label, "", "", "", made.reason, ""
    peak = peak_rate(made) or 0.0
    takes = show_count(made.fleet.accelerators) if made.answer.meets_targets else "no number does"
    each, capacity = peak / plan.fleet.working_replicas, made.replica_capacity
    if each >= capacity.saturated_requests_per_s:
        return label, calls_shown(made, peak), "", "", "overloaded: queues grow", takes
    met = made.answer.meets_targets and each <= capacity.requests_per_s * (1 + 1e-6)
    return label, calls_shown(made, peak), *tails_at(made, each), "met" if met else "missed", takes


def tails_at(plan: CapacityPlan, each: float) -> tuple[str, str]:
    """Return TTFT p95 and ITL p95 of one replica at a rate; empty where its curve is not known."""
    from agent.deployment.triggers import interpolated

    curve = plan.replica_capacity.load_curve
    if not curve:
        return "", ""
    ttft, itl = (show_seconds(interpolated(curve, each, field)) for field in ("ttft_p95_s", "itl_p95_s"))
    return ttft, itl


def other_tail(asked: Asked) -> str:
    """Say that of a load or a fleet which is not planned p95 is known, where a line asks for another percentile."""
    wanted = asked.percentile()
    if wanted in (None, "p95"):
        return ""
    return f"Of what is not planned p95 alone is known here, and not the {wanted}: 'what if' makes a variant with it."


def slower(plan: CapacityPlan, rate: float | None, replicas: int | None = None) -> str:
    """Say how long a number of replicas, the plan's where none is given, make wait at a rate; empty when saturated."""
    replicas = plan.fleet.working_replicas if replicas is None else replicas
    if not replicas or not rate or rate / replicas >= plan.replica_capacity.saturated_requests_per_s:
        return ""
    ttft, itl = tails_at(plan, rate / replicas)
    return f"At {calls_shown(plan, rate)} TTFT p95 is then {ttft} and ITL p95 {itl}." if ttft else ""


_STEPS: Final = 6
"""Of a bisection between an eighth and eight times the planned length: 7 % is left, 64 ** (1 / 2 ** 6)."""


def longest_prompts(asked: Asked) -> str:
    """Return how long prompts may be on average on a number of accelerators, at the plan's rate and targets."""
    plan, peak = asked.plan, peak_rate(asked.plan)
    named = asked.count_of(GPUS) or asked.said("hardware.accelerator_count")
    if not named and asked.has(rf"{GPUS}|count|fleet"):
        named = asked.bare_count()
    count, size = named or plan.fleet.accelerators, plan.chosen.accelerators_per_replica
    replicas, noun = count // size - plan.fleet.spares, accelerators_noun(plan.chosen)
    if not peak or replicas < 1:
        return ""

    def carries(tokens: float) -> bool:
        made = asked.sketch({"tokens.input.mean": tokens, **layout(plan)})
        return (
            isinstance(made, CapacityPlan)
            and made.answer.meets_targets
            and replicas * made.replica_capacity.requests_per_s >= peak
        )

    planned = plan.spec.tokens.input.mean
    low, high = planned / 8, planned * 8
    answers, on = show_count(plan.spec.tokens.output.mean), f"{count} {noun}, {replicas} replicas that serve"
    if not carries(low):
        return (
            f"{on}, are too few for {calls_shown(plan, peak)} in the busiest hour and answers of {answers}, even with"
            f" prompts of {show_count(low)} tokens."
        )
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if carries(middle) else (low, middle)
    return (
        f"On {on}, prompts may be about {show_count(float(f'{low:.2g}'))} tokens on average, where"
        f" {show_count(planned)}"
        f" are planned: at {calls_shown(plan, peak)} in the busiest hour, answers of {answers} and the plan's targets."
    )


def layout(plan: CapacityPlan) -> dict[str, Any]:
    """Return the accelerator, precision and split of a plan's replicas, by path."""
    chosen = plan.chosen
    return {
        "hardware.accelerators": (chosen.accelerator,),
        "precision.weights": chosen.precision.weights,
        "serving.tensor_parallel": chosen.tensor_parallel,
        "serving.pipeline_parallel": chosen.pipeline_parallel,
    }


def left_after(asked: Asked, left: int) -> str:
    """Return what is carried by the replicas that are left."""
    plan, peak = asked.plan, peak_rate(asked.plan)
    if not left:
        return "Nothing is left: the service stands still until a replica is back."
    each = plan.replica_capacity
    capacity = left * each.requests_per_s
    rest = f"The remaining {left} carry" if left > 1 else "The one that remains carries"
    text = f"{rest} {calls_shown(plan, capacity)} within the targets"
    if not peak:
        return singular(f"{text}.")
    if capacity >= peak * (1 - 1e-6):
        return singular(f"{text}, enough for the {calls_shown(plan, peak)} of the busiest hour: the targets hold.")
    most = left * each.saturated_requests_per_s
    hours = f"; outside the busiest hours they are enough up to {show_percent(capacity / peak)} of the peak"
    if most < peak:
        return singular(
            f"{text}, {show_percent(capacity / peak)} of the {calls_shown(plan, peak)} of the busiest hour. Even"
            f" saturated they do {calls_shown(plan, most)}: queues then grow by {calls_shown(plan, peak - most)} until"
            f" load is shed{hours}."
        )
    return singular(
        f"{text}, {show_percent(capacity / peak)} of the {calls_shown(plan, peak)} of the busiest hour: served, but"
        f" beyond the targets{hours}."
    )


# --- replicas more or fewer -------------------------------------------------------------------------------------------

_LESS: Final = (
    r"(?:less|fewer|minus|without|removed?|removing|take(?:n)? away|took|taking|away|drop(?:ped)?|weniger|moins|menos|"
    r"lose|losing|lost|cut|giv(?:e|ing) (?:\w+ ){0,3}up|let(?:ting)? (?:\w+ ){0,3}go)"
)


_REMAIN: Final = (
    r"only|just|left|remain\w*|nur|bloß|übrig|rest(?:e|ent|ano|assem)|solo|quedan|sobr\w+|zosta\w+|over zijn"
)
"""Words by which a number is what is left, and not how many go or come: 'if only 3 replicas are left'."""


def more_or_fewer(asked: Asked) -> Explanation:
    """Return what the fleet carries and costs with some replicas, accelerators or nodes more or fewer than now."""
    plan = asked.plan
    size, now = plan.chosen.accelerators_per_replica, plan.fleet.replicas
    kinds = ((REPLICAS, 1.0), (NODES, (plan.chosen.offer.accelerators if plan.chosen.offer else size) / size))
    words = asked.words
    counts = [(asked.count_of(nouns), each) for nouns, each in (*kinds, (GPUS, 1 / size))]
    bare = asked.bare_count() or 1
    # 'If I use all 16' is of those that are billed: as many more as do not run.
    idle = plan.fleet.billed_accelerators - plan.fleet.accelerators
    usual = (idle, 1 / size) if bare == plan.fleet.billed_accelerators and idle >= size else (bare, 1.0)
    count, each = next(((count, each) for count, each in counts if count), usual)
    change = int(count * each)
    if change < 1:
        left = f"{count} {accelerators_noun(plan.chosen, count)}"
        return paragraphs(f"Nothing: {left} are less than a replica, which takes {size}.")
    fewer = bool(re.search(rf"\b{_LESS}\b", words))
    more = asked.has("more|extra|additional|another|add|plus|mehr|más|altr[ei]")
    remain = asked.has(_REMAIN) and not fewer and not more
    replicas = change if remain else now - change if fewer else now + change
    if replicas < 1:
        return paragraphs(f"Nothing would be left: the plan has {now} replicas.")
    fewer = fewer or replicas < now
    sized, noun = Resized(plan, replicas), accelerators_noun(plan.chosen)
    capacity = replicas * plan.replica_capacity.requests_per_s
    peak = peak_rate(plan)
    lead = (
        f"{replicas} replicas instead of {now}, {sized.accelerators} {noun}, carry {calls_shown(plan, capacity)} within"
        f" the targets in the busiest hour instead of {calls_shown(plan, now * plan.replica_capacity.requests_per_s)}"
    )
    if peak:
        room = capacity / peak - 1
        lead += f": {'enough' if room >= -1e-6 else 'not enough'} for the planned {calls_shown(plan, peak)}, with"
        lead += f" {show_percent(room)} of room" if room >= -1e-6 else f" {show_percent(-room)} too little"
    if (usd := sized.monthly_usd) is not None:
        now_paid = plan.fleet.billed_accelerators
        lead += f". They cost {usd_shown(usd)} a month instead of {usd_shown(plan.cost.monthly_usd)}"
        if sized.billed != sized.accelerators or now_paid != plan.fleet.accelerators:
            lead += f": {sized.billed} {noun} billed instead of {now_paid}, in whole instances"
    before, rows = plan.performance.at_peak, tuple[tuple[Cell, ...], ...]()
    if peak and peak / replicas < plan.replica_capacity.saturated_requests_per_s:
        ttft, itl = tails_at(plan, peak / replicas)
        rows = (("TTFT p95", show_seconds(before.ttft_s.p95), ttft), ("ITL p95", show_seconds(before.itl_s.p95), itl))
    columns = (Column("at the peak"), *(Column(singular(f"{many} replicas"), "right") for many in (now, replicas)))
    survives = (
        f"Of them {change} may fail before it is back at today's fleet."
        if not fewer
        else f"{left_after(asked, replicas)} That is {now - replicas} fewer; 'what happens if one replica fails' says"
        " what comes on top."
    )
    return (
        Paragraph(singular(f"{lead}.")),
        *((Table(columns, rows),) if rows else ()),
        *paragraphs(other_tail(asked), f"{survives} The plan is as it was."),
    )


# --- users, and one copy ----------------------------------------------------------------------------------------------

_NUMBER: Final = {"once": 1.0, "a": 1.0, "an": 1.0, "twice": 2.0}
_SPANS: Final = r"(?P<span>" + "|".join(sorted(TIME_UNITS, key=len, reverse=True)) + r")\b"
_PEOPLE: Final = r"users?|people|employees|colleagues|customers?|students|seats?|staff|nutzer|utilisateurs|usuarios"
_EVERY: Final = re.compile(rf"\b(?:every|each) (?P<number>\d+(?:\.\d+)?)? ?{_SPANS}")
_SO_OFTEN: Final = re.compile(
    rf"\b(?P<number>\d+(?:\.\d+)?|{'|'.join(_NUMBER)})(?: \w+){{0,2}}?(?: ?/| (?:an?|per|each|every)) ?{_SPANS}"
)


def users_of_load(asked: Asked) -> Explanation:
    """Return how many users make the load, from how often each asks."""
    plan = asked.plan
    said = asked.said(RATE) if re.search(rf"\d ?{_PER_S}", asked.words) else None
    rate = plan.spec.traffic.requests_per_s if said is None else said * _as_typed(asked)
    if not rate:
        return paragraphs("The load has no rate that users could make: state one, such as '10 rps'.")
    each, users = _habit_in(asked), asked.users() or asked.count_of(_PEOPLE)
    if each is None and users:
        often = rate * SECONDS_PER_HOUR / users
        return paragraphs(
            f"For {show_count(users)} users {show_rate(rate)} on average are {show_figure(often)} requests an hour from"
            f" each, {show_figure(24 * often)} a day: more often, and the load is larger. The plan is as it was."
        )
    if each is None:
        usual = ((30.0, "every 30 s"), (60.0, "once a minute"), (360.0, "10 times an hour"))
        counts = "; ".join(f"{show_count(round(rate * seconds))} if each asks {often}" for seconds, often in usual)
        return paragraphs(
            f"How often does one user ask? {show_rate(rate)} are {show_count(rate * 3600)} an hour: {counts}. Say yours"
            " with the rate: 'how many users is 20 rps at 10 questions an hour each'."
        )
    often, seconds = each
    users = rate * seconds / often
    sum = f"{show_rate(rate)} × {show_seconds(seconds)} ÷ {show_figure(often)} = {show_count(round(users))} users"
    most = plan.answer.holds_to_requests_per_s / plan.spec.traffic.peak_factor
    return paragraphs(
        f"{sum}, if each asks {show_figure(often)} × in {show_seconds(seconds)}: of those who are there, on average.",
        f"The fleet carries {show_rate(most)} on average: {show_count(int(most * seconds / often))} such users. The"
        " plan is as it was.",
    )


def _as_typed(asked: Asked) -> float:
    """Return by what a rate is multiplied to be the one that was typed: a load given at its peak is read as a mean."""
    return usual_ratio(asked.values) if mean_follows(asked.values) and not asked.has("average|mean") else 1.0


def _habit_in(asked: Asked) -> tuple[float, float] | None:
    """Return how often a user asks, and in how many seconds; None where the line does not say."""
    words = re.sub(rf"\d+(?:\.\d+)? ?{_PER_S}", " ", in_english(asked.figures))
    if match := _EVERY.search(words):
        return 1.0, float(match["number"] or 1) * TIME_UNITS[match["span"]]
    if match := _SO_OFTEN.search(words):
        number = match["number"]
        return _NUMBER.get(number) or float(number), TIME_UNITS[match["span"]]
    return None


def _of_size(asked: Asked) -> tuple[str, ...]:
    """Return the newest accelerator for data centres with the memory that a line names: '24gb cards'."""
    size = re.search(r"\b(\d{2,3}) ?gi?b\b", asked.words)
    sold = {offer.accelerator for offer in asked.ports.catalog.offers}
    alike = [
        one
        for one in asked.ports.catalog.accelerators.values()
        if size and one.id in sold and not one.consumer and 0.9 < one.memory_gib / float(size[1]) <= 1
    ]
    return tuple(one.id for one in sorted(alike, key=lambda one: -(one.released or 0))[:1])


def fewest(asked: Asked) -> Explanation:
    """Return the fewest accelerators that hold the model at all, by the memory alone, whatever the traffic."""
    plan, chosen = asked.plan, asked.plan.chosen
    named = asked.reading().values.get("hardware.accelerators") or _of_size(asked) or (chosen.accelerator,)
    accelerator = asked.ports.catalog.accelerators[named[0]]
    weights, each = plan.memory.weights_bytes / GIB, accelerator.memory_gib
    drops = LIMITS | LOAD | {
        "targets", "availability.spare_replicas", "availability.minimum_replicas", "money.monthly_budget_usd",
        "money.provider", "money.region", "serving.tensor_parallel", "serving.pipeline_parallel",
    }  # fmt: skip
    found: CapacityPlan | None = None
    reason = ""
    for count in (1, 2, 4, 8, 16):
        values = {
            "hardware.accelerators": (accelerator.id,),
            "hardware.accelerator_count": count,
            "precision.weights": chosen.precision.weights,
        }
        made = asked.tried(values, drops - set(values))
        if isinstance(made, CapacityPlan):
            found = made
            break
        reason = made
    sum = (
        f"{show_figure(weights)} GiB of weights in {chosen.precision.weights.upper()}, {show_figure(each)} GiB on each"
        f" {accelerator.name}"
    )
    if found is None:
        return paragraphs(f"Fewest that hold it: none up to 16 × {accelerator.name}. {sum}: {reason}.")
    pool = found.memory.kv_cache_tokens or found.memory.kv_cache_pool_bytes / found.memory.kv_cache_bytes_per_token
    less = f" {found.fleet.accelerators // 2} is too few: {reason}." if reason else ""
    return paragraphs(
        f"Fewest that hold it, whatever the traffic: {found.fleet.accelerators} × {accelerator.name}"
        f" ({split_shown(found.chosen)}). {sum}.{less}",
        f"KV cache for {show_count(pool)} tokens is left there, {show_count(found.memory.max_concurrent_sequences)}"
        f" requests of this length, and it does some {show_rate(found.answer.holds_to_requests_per_s)} without a"
        " target.",
        f"The plan takes {plan.fleet.accelerators} for the load and the targets, and is as it was.",
    )
