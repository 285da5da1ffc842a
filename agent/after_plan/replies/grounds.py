"""How sure a plan is, what it rests on, and what nobody here can know."""

import re
from typing import Final

from agent.after_plan.replies.asked import LIMITS, Asked, paragraphs
from agent.after_plan.replies.billed import Resized
from agent.after_plan.replies.bills.orders import order_by
from agent.after_plan.replies.figures.machines import quota_shown
from agent.after_plan.replies.stated import let_it_be
from agent.after_plan.sums import Explanation
from agent.report.blocks import Bullets, Facts
from agent.report.cost.price_origin import price_sourced
from agent.report.words import accelerators_noun, assumption_shown, source_shown, usd_shown
from agent.talk.answer_display import variant_shown
from catalogs.units import HOURS_PER_MONTH, show_count, show_figure, show_percent, show_rate, show_seconds, show_usd
from engine.plan import CapacityPlan, Range, split_shown

_LICENCES: Final = (
    (
        "llama", "Meta's Llama Community License: commercial use is allowed, above 700 million monthly users only with "
        "Meta's consent; name 'Built with Llama'. Multimodal Llama 3.2 and 4 are not licensed to companies in the EU",
    ),
    ("qwen", "Apache 2.0 for most sizes; Qwen2.5 3B and 72B have licences of their own"),
    ("gpt-oss", "Apache 2.0"),
    ("mistral", "Apache 2.0 for Mistral 7B, Nemo, Small and Mixtral; Large and Codestral under research licences"),
    ("mixtral", "Apache 2.0"),
    ("deepseek", "MIT for V3-0324, V3.1 and R1"),
    ("gemma", "Google's Gemma terms: commercial use allowed, with a list of prohibited uses"),
    ("phi", "MIT"),
    ("granite", "Apache 2.0"),
    ("glm", "MIT for GLM-4.5 and later"),
    ("kimi", "a modified MIT licence"),
    ("olmo", "Apache 2.0"),
    ("falcon", "Apache 2.0 or TII's own, by version"),
    ("command", "CC-BY-NC: no commercial use without Cohere's consent"),
)  # fmt: skip
"""By family, from the model cards on Hugging Face as they are remembered of 2026-09."""


def certainty(asked: Asked) -> Explanation:
    """Return the bands of fleet and latencies, what they rest on, and what was simulated."""
    plan, bands = asked.plan, asked.plan.bands
    noun = accelerators_noun(plan.chosen)
    if asked.has(r"(?:about|of|in|is) (?:the |that |your |this )?(?:prices?|costs?|bill)") and plan.chosen.offer:
        return (*paragraphs("A list price is no forecast: it is as sure as its source and its day."), *sources(asked))
    if bands is None:
        return paragraphs(
            "No errors were measured on cases like this one: treat it as an estimate, and measure before you buy."
        )
    fleet, around, at_peak = bands.fleet.accelerators, bands.performance.at_peak, plan.performance.at_peak

    def banded(value: float, band: Range) -> str:
        return f"{show_seconds(value)}; {show_seconds(band.low)}–{show_seconds(band.high)}"

    facts = (
        (noun, f"{plan.fleet.accelerators}; {fleet.low}–{fleet.high}"),
        ("TTFT p95", banded(at_peak.ttft_s.p95, around.ttft_s.p95)),
        ("ITL mean", banded(at_peak.itl_s.mean, around.itl_s.mean)),
    )
    worst = "" if bands.fleet.meets_targets else "At the bad end no number of replicas meets the targets."
    lead = (
        f"In {bands.level} of 100 cases like this the truth lies in these ranges: {fleet.low} to {fleet.high} {noun}; "
        f"so about one plan in {round(200 / (100 - bands.level))} needs more than {fleet.high}."
    )
    if bands.chance_of_meeting is not None and plan.answer.meets_targets:
        lead += f" Today's fleet meets the targets at the peak in {round(100 * bands.chance_of_meeting)} of 100 cases."
    if (wished := _wished(asked)) is not None:
        return paragraphs(_surer(asked, wished), lead, "'what should I measure next' narrows the doubt for less.")
    checked = (
        "The peak hour was simulated request by request, and the targets judged by that." if plan.verification else ""
    )
    first = (
        "Steps or capacity are not known within a factor of 2 here: measure before you buy."
        if bands.measure_first
        else ""
    )
    rests = f"{plan.provenance.kernels[:1].upper()}{plan.provenance.kernels[1:].rstrip('.')}. {bands.note or ''}"
    made = MADE if asked.has(_ASKS_MADE) else ""
    last = (
        f"Errors on published measurements: 'fleetcast accuracy'. {_priced(plan)}Not in the ranges: your load being"
        " another than you said; 'what did you assume' lists what nobody said."
    )
    return (*paragraphs(made, lead), Facts(facts), *paragraphs(worst, first, rests, checked, last))


_SURE: Final = (
    r"(?:un)?(?:sure|certain\w*|confiden\w+|safe|probab\w+|chance|likel\w+|sicher\w*|sûr\w*|certitude|segur\w*|certeza)"
)
_WISHED: Final = re.compile(
    rf"(?<![\w.])(?P<share>\d{{2}}(?:\.\d+)?) ?(?:%|percent|prozent|pct)[ -]?(?:\w+ ){{0,2}}{_SURE}\b|"
    rf"\b{_SURE} (?:of|at|to|up to|=)? ?(?P<of>\d{{2}}(?:\.\d+)?) ?(?:%|percent)|"
    r"\b(?:get|bring|push|raise|lift|take|go|move)\b[^.?;]* to (?P<to>\d{2}(?:\.\d+)?) ?(?:%|percent)?\W*$",
    re.I,
)


def _wished(asked: Asked) -> float | None:
    """Return the certainty that a line names and the plan has not: 0.9 in 'make it 90 % sure'."""
    bands = asked.plan.bands
    found = list(_WISHED.finditer(asked.words))
    if not found or bands is None or bands.chance_of_meeting is None:
        return None
    share = max(float(one["share"] or one["of"] or one["to"]) for one in found) / 100
    return share if share > bands.chance_of_meeting + _SAID_AS else None


_SAID_AS: Final = 0.05
"""Above the plan's own chance, within which a share is a word on that, and no wish for more."""


def _surer(asked: Asked, wished: float) -> str:
    """Say how many replicas meet the targets in a share of such cases, and what they cost."""
    plan, now = asked.plan, asked.plan.fleet.replicas
    low, high = 0, _MOST_TIMES * now
    if _chance_of(asked, high) < wished:
        return (
            f"No number of replicas of {split_shown(plan.chosen, always='TP1')} makes it {show_percent(wished)} sure:"
            f" in the other cases requests miss the targets even where little is asked, or {high} replicas do not do."
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _chance_of(asked, middle) >= wished else (middle, high)
    sized = Resized(plan, high)
    paid = f", {sized.billed} billed" if sized.billed != sized.accelerators else ""
    bill = f" {usd_shown(usd)} a month" if (usd := sized.monthly_usd) is not None else ""
    than = f" in place of {now} replicas at {usd_shown(plan.cost.monthly_usd)}"
    noun = accelerators_noun(plan.chosen)
    lead = f"{show_percent(wished)} sure takes {high} replicas, {sized.accelerators} {noun}{paid}"
    return f"{lead}:{bill}{than}. '{high} replicas' plans them."


_MOST_TIMES: Final = 8


def _chance_of(asked: Asked, replicas: int) -> float:
    """Return the share of such cases in which so many replicas of the plan's kind meet the targets; 0 for none."""
    chosen = asked.plan.chosen
    values = {
        "hardware.replicas": replicas, "hardware.accelerators": (chosen.accelerator,),
        "serving.tensor_parallel": chosen.tensor_parallel, "serving.pipeline_parallel": chosen.pipeline_parallel,
    }  # fmt: skip
    made = asked.sketch(values, LIMITS - values.keys()) if replicas else None
    planned = isinstance(made, CapacityPlan) and made.fleet.replicas == replicas and made.bands
    return (planned.chance_of_meeting or 0.0) if planned else 0.0


_ASKS_MADE: Final = (
    r"formulas?|measured?|made? (?:it |that |this )?up|guess\w*|real|simulat\w+|theor\w+|estimat\w+|"
    r"pull\w* (?:it|that)|throughput|itl|ttft"
)
MADE: Final = (
    "Formulas: they make steps, queues and the fleet of the times of single products, which were measured on the"
    " accelerator or fitted to measurements; published benchmarks say how far off that is. Nobody measured your load on"
    " these machines."
)


def _priced(plan: CapacityPlan) -> str:
    """Say that the ranges are of times and counts, and whose price it is that has none."""
    offer = plan.chosen.offer
    if offer is None:
        return ""
    day = f", of {offer.checked}" if offer.checked else ""
    return f"They are of times and counts; the price is as {offer.provider} lists it{day}, and has no range. "


def sources(asked: Asked) -> Explanation:
    """Return where prices, times and facts come from, with their days."""
    plan, offer = asked.plan, asked.plan.chosen.offer
    other = plan.cost.other_monthly_usd
    but = f", but {show_usd(other)} a month of other costs" if other else ""
    facts = [
        ("price", price_sourced(offer) if offer else plan.cost.note),
        ("in the price", f"whole instances, as listed; no discount, tax, egress, storage or staff{but}"),
        ("times", plan.provenance.kernels),
        ("runtime", plan.provenance.runtime),
        ("model", f"{plan.chosen.model_name}, dimensions from its published config"),
        ("program", f"{plan.provenance.program} {plan.provenance.version}, facts {plan.provenance.catalog[:12]}"),
    ]
    shown = f"'fleetcast catalog prices {plan.chosen.accelerator}' shows all offers with their sources."
    return (*paragraphs(MADE if asked.has(_ASKS_MADE) else ""), Facts(tuple(facts)), *paragraphs(shown))


def assumptions(asked: Asked) -> Explanation:
    """Return what was said, and what was assumed where nothing was said."""
    plan, values = asked.plan, asked.state.base.values
    said = [
        f"{variant_shown(path, values[path]) if path in values else path.replace('_', ' ')}: {source_shown(source)}"
        for path, source in plan.sources.items()
        if source.kind != "default"
    ]
    process = plan.spec.traffic.burstiness
    assumed = (
        *(assumption_shown(assumption) for assumption in plan.assumptions),
        f"requests arrive independently of each other, their CV {show_figure(process)} (1 is Poisson).",
        f"a month has {HOURS_PER_MONTH:g} hours.",
    )
    return (
        *paragraphs(f"Planned for {_recap(plan)}."),
        Bullets(assumed, "Assumed, and what it moves:"),
        Bullets(tuple(said), "Given:"),
    )


def quality(asked: Asked) -> Explanation:
    """Say that answers are not judged here, and where to look."""
    chosen = asked.plan.chosen
    formats = ""
    if asked.has(r"fp8|int8|int4|fp4|quanti\w+|precision|awq|gptq|kv cache") or chosen.precision.weights not in (
        "bf16",
        "fp16",
    ):
        formats = (
            "Published comparisons find FP8 and INT8 weights within about 1 % of BF16 on usual benchmarks, INT4 a few"
            " per cent below, more for small models and long contexts (Kurtic et al. 2024, 'Give Me BF16 or Give Me"
            " Death?', arXiv 2411.02355); your own task may differ."
        )
    from agent.after_plan.replies.choices.denied import why_not

    other = asked.has(r"[348][- ]?bits?|int4|int8|fp4|awq|gptq") and why_not(asked)
    return (*(other or ()), *_not_judged(chosen.model_name, formats))


def _not_judged(model: str, formats: str) -> Explanation:
    return paragraphs(
        f"I cannot say how good answers are: I size what it takes to serve {model}, I do not judge them.",
        formats,
        "Where to look: the model card, public leaderboards for the language or the trade (LiveBench, MTEB for"
        " retrieval, LegalBench for law, SWE-bench for code), and above all 50 to 200 of your own cases, answered by"
        " two candidates and judged blind by those who will use them.",
    )


def licence(asked: Asked) -> Explanation:
    """Return the licence of the model's family, as remembered, and where it stands."""
    chosen = asked.plan.chosen
    text = next((words for family, words in _LICENCES if family in f"{chosen.model} {chosen.model_name}".lower()), "")
    known = f"{chosen.model_name}: {text}." if text else f"I do not know the licence of {chosen.model_name}."
    return paragraphs(
        f"{known} That is from memory, and no legal advice: the model card on Hugging Face has the text.",
        "vLLM and SGLang are Apache 2.0, TensorRT-LLM too; none costs anything.",
    )


def _cannot(reason: str, instead: str) -> Explanation:
    return paragraphs(f"I cannot say: {reason}", instead)


def network(asked: Asked) -> Explanation:
    """Say that latencies end at the server."""
    ttft = show_seconds(asked.plan.performance.at_peak.ttft_s.p95)
    return *paragraphs(_way_to_users(asked)), *_cannot(
        "nobody here measured the network or the reliability of providers; latencies of a plan are at the server,"
        " without the way to the user.",
        f"Add the round trip to TTFT ({ttft} p95 here) once, and once more for a new TLS connection; within a continent"
        " that is usually 10 to 50 ms, between continents 80 to 250 ms. Ping an instance of the region from where your"
        " users are; providers publish their SLA.",
    )


def _way_to_users(asked: Asked) -> str:
    """Return the least time of the way to a city that a line names, from the plan's region; empty where none is named.

    Light takes a second for 200,000 km of fibre (its refractive index is 1.5).
    """
    places, offer = asked.ports.catalog.places, asked.plan.chosen.offer
    here = places.of_region(offer.region, offer.provider) if offer else None
    names = re.findall(r"\b[A-Z][^\W\d_]+(?: [A-Z][^\W\d_]+)?", asked.text)
    there = next((place for name in names if (place := places.called(name)) and place.latitude is not None), None)
    if here is None or there is None or offer is None or here.latitude is None:
        return ""
    km = here.kilometres_to(there)
    least = show_seconds(2 * km / 200_000)
    far = f"{there.name} is {show_count(round(km, -2))} km from {offer.region}"
    return f"{far}: there and back take {least} in fibre at the least."


_MONEY_HURTS: Final = r"money|expensive|pricey|costly|dear|budget|teuer|cher|car[oa]|ouch|yikes"


def smalltalk(asked: Asked) -> Explanation:
    """Answer a word between people briefly."""
    if asked.has("who|what are|are you|human|person|robot|ai|name|made you|how are"):
        return paragraphs(
            "I am a program that plans capacity, neither a person nor a language model. Ask on about the plan; 'help'"
            " lists what can be asked."
        )
    if unchanged := let_it_be(asked):
        return paragraphs(unchanged)
    saves = ", 'save plan.json' keeps it" if asked.ports.files else ""
    if asked.has(_MONEY_HURTS):
        bill = f"The plan stands at {usd_shown(asked.plan.cost.monthly_usd)} a month"
        return paragraphs(f"{bill}; 'how can I make it cheaper' sets what lowers it side by side.")
    return paragraphs(f"Glad to help. The plan stands; 'help' lists what else can be asked{saves}.")


def unrelated(asked: Asked) -> Explanation:
    """Say that a line is not about the plan."""
    return paragraphs(
        "That is not about this plan, and nothing of it is used: I know what serving language models takes, and no"
        " more. 'help' lists what can be asked."
    )


def supply(asked: Asked) -> Explanation:
    """Return the day by which to order where the line states lead time and day; else that nobody here knows them."""
    if day := order_by(asked):
        return paragraphs(day, quota_shown(asked))
    beside = (one for one in asked.plan.alternatives if one.accelerator != asked.plan.chosen.accelerator)
    others = ", ".join(dict.fromkeys(one.accelerator_name for one in beside))
    return _cannot(
        "whether these are in stock, when they are delivered or how often spot capacity is taken back changes daily,"
        " and is in no public list.",
        f"{quota_shown(asked)} Ask vendors for a date in writing. "
        + (f"In case it is long: {others} would do too; 'compare' sets them side by side." if others else ""),
    )


def terms(asked: Asked) -> Explanation:
    """Say that warranty, support and discounts are the vendor's; how sure a plan is, where somebody signs for it."""
    sure = certainty(asked) if asked.has(r"trust|rely|reliable|promis\w+|guarantee\w*|penalt\w+|bet|vouch") else ()
    return *sure, *_cannot(
        "warranty, support, discounts and liability are between you and the vendor or provider; the plan has list"
        " prices.",
        "State a negotiated price as '$1.80 per GPU-hour' and the plan is reckoned with it; other costs, such as"
        " support, with '--other-costs'. For failures plan spares: 'N+1'.",
    )


def legal(asked: Asked) -> Explanation:
    """Say that law, data protection and security are not judged, and what a plan can do about the place."""
    offer = asked.plan.chosen.offer
    stands_in = f", where no price is known: {offer.region}'s stands in" if offer and offer.stands_in_for else ""
    place = (offer.stands_in_for or offer.region) if offer else ""
    where = f"The plan rents from {offer.provider}{f' in {place}' if place else ''}{stands_in}. " if offer else ""
    return _cannot(
        "I give no legal advice, know no certificates and have examined nobody's security.",
        f"{where}What a plan can do: keep to a region ('in frankfurt'), a provider, or your own hardware. Ask your"
        " data protection officer and your lawyers, and the provider for its processing agreement and certificates.",
    )


def company(asked: Asked) -> Explanation:
    """Say that nothing is known of people, approvals and other companies."""
    return _cannot(
        "I know nothing of your company, of its people and its ways, nor of anyone else's.",
        "What I can give to those who decide: 'summarise for my boss', 'what does it cost per year', 'how sure are"
        " you', 'one paragraph for the tender'.",
    )


def future(asked: Asked) -> Explanation:
    """Say that prices and rates of tomorrow are not known, and how to see what they would change."""
    monthly = asked.plan.cost.monthly_usd
    sums = (
        f" A fifth less is {show_usd(monthly * 0.8)} a month, a fifth more {show_usd(monthly * 1.2)}."
        if monthly is not None
        else ""
    )
    return _cannot(
        "nobody knows prices or exchange rates of tomorrow, and I make none up.",
        f"See what they would change: 'at $1.50 per GPU-hour', or 'in euros at 1.15'.{sums} A reservation fixes the"
        " price for a year or three: 'is a reservation cheaper'.",
    )


def _recap(plan: CapacityPlan) -> str:
    """Return what a plan is for: '20 requests/s, 1.5k tokens in, 300 out'."""
    traffic, tokens = plan.spec.traffic, plan.spec.tokens
    load = (
        show_rate(traffic.requests_per_s)
        if traffic.requests_per_s
        else f"{traffic.concurrency} requests in flight"
        if traffic.concurrency
        else "as much as it holds"
    )
    return f"{load}, {show_count(tokens.input.mean)} tokens in, {show_count(tokens.output.mean)} out"
