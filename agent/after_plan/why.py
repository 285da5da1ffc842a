"""Answers to 'why …': the sums behind a figure (``sums``), or a plan on what was not chosen."""

import re
from itertools import product
from typing import Final

from agent.after_plan.acts.phrases import names_in
from agent.after_plan.lines.accounts import figures_in
from agent.after_plan.replies.asked import Asked, stated_s
from agent.after_plan.replies.choices.sketched import newer_accelerators
from agent.after_plan.replies.grounds import MADE
from agent.after_plan.sums import FIGURES, Explanation, weights_spread
from agent.after_plan.variants import at_wider_targets, varied, versus
from agent.report.blocks import Bullets, Paragraph, Report
from agent.report.choice.shortfalls import missed_shown
from agent.report.cost.price_origin import alternative_bill
from agent.report.words import calls_shown
from agent.talk.requests import Variation
from agent.talk.speech import Data, Say, said
from agent.talk.state import Ports, State
from catalogs.errors import AmbiguousName, InputError, quoted
from catalogs.units import show_seconds, show_usd
from engine.plan import CapacityPlan, Latency, NoPlan, Rejection, split_shown

_NOT: Final = re.compile(r"\bnot?\b|\binstead of\b|n't\b", re.I)
_TOPICS: Final = (
    ("cost", r"\b(cost|costs|price|bill|expensive|dear|money|budget|\$[\d,.]+k?|usd|month|"
     r"teuer|kosten|kostet|preis|cher|chère|coûte|prix|car[oa]|cuesta|precio|costa|costoso|prezzo)\b|\$"),
    ("itl", r"\b(itl|tpot)\b|between tokens|slow(er)? tokens|token gap"),
    ("ttft", r"\bttft\b|first token|\bwait|\blatency|\d ?m?s\b|\bp(50|90|95|99)\b|\bslow\b"),
    ("e2e", r"\be2e\b|end to end|whole request"),
    ("parallelism", r"\b(tp|pp|dp|ep) ?\d*\b|tensor|pipeline|parallel"),
    ("memory", r"\b(memory|vram|fit|fits|kv)\b"),
    ("batch", r"\bbatch\b|concurren|in flight"),
    ("scaling", r"\b(autoscal\w*|threshold|scal(e|es|ing))\b"),
    ("holds", r"\b(holds?|breaks?|limit|limits|binds?|bottleneck|saturat\w*|capacity|headroom|margin)\b"),
    ("fleet", r"\b(gpus?|cards?|accelerators?|replicas?|many|nodes?|instances?|much|fleet|count)\b|^(?:why )?\d+$"),
)  # fmt: skip
_LATENCY: Final = re.compile(rf"{_TOPICS[1][1]}|\bttft\b|first token|{_TOPICS[3][1]}", re.I)
"""Words that name a latency."""
_AT: Final = r"p(?:50|90|95|99)"
_MIDDLE: Final = r"(?:mean|average|median|moyenne|media|mittelwert|durchschnitt)"
PERCENTILE_CHOICE: Final = (
    rf"(?:\b{_AT}\b.*\b{_MIDDLE}\b|\b{_MIDDLE}\b(?! rate| load| traffic).*\b{_AT}\b|"
    r"\b(?:not|use|using|look at|take|(?:plan|size) (?:for|by)|the) (?:the |a )?"
    rf"(?:{_AT}|95th|percentiles?|tail|{_MIDDLE})(?: percentile| latency)?\W*(?:$|and\b|at all|rather|instead)|"
    r"\b(?:mean|average) latency\W*$)"
)
"""Words that ask why a target is at a percentile and not another, or not at the mean."""
_CARDS: Final = r"(?:gpus?|cards?|karten|cartes?|tarjetas?)"
_COPY: Final = r"(?:repli[ck]as?|replik\w*|r[ée]plique\w*|r[ée]plica\w*|copy|copies)"
CARDS_TOGETHER: Final = (
    rf"(?:\b{_CARDS}\b.*\b(?:{_COPY}|together|zusammen)\b|\b{_COPY}\b.*\b{_CARDS}\b|\bsplit\b.*\b{_CARDS}\b|"
    r"\bweights? (?:are|is|take|have)\b.*\bcard\b)"
)
"""Words that ask why a replica takes as many accelerators as it does."""
_CHOICE: Final = re.compile(
    r"\b(?:this|that|these|cette|ce|diese\w*|esta) (?:card|gpu|accelerator|chip|carte|karte|grafikkarte)s?\b|"
    r"\b(?:picked|chose|chosen|choose|speaks for)\b",
    re.I,
)
SAME: Final = 0.1
"""A figure within so much of the plan's own is meant to be it."""
_BILL: Final = 0.002
"""Of the bill: a figure so near it is meant to be it."""
HINT: Final = (
    "Ask 'why so many GPUs', 'why not L40S', 'why is TTFT 600 ms', 'why TP4', 'why so expensive' or 'why memory'."
)


def reasons(subject: str, state: State, ports: Ports, *, act: str = "") -> tuple[Say, ...]:
    """Return why a figure or a choice of the kept plan is what it is.

    Args:
        subject: what stands behind 'why', in lower case.
        act: why or why_not, where the classifier named it.
    """
    plan = state.base.capacity_plan
    if plan is None:
        return (said("Nothing fits, so there is no figure to explain; the reasons stand above."),)
    subject = _WHY_ABROAD.sub("why not ", subject)
    topic = "cost" if _is_bill(subject, plan) else _topic(subject)
    other: tuple[Say, ...] = ()
    bill = plan.cost.monthly_usd
    if bill and any(abs(figure.number / bill - 1) < _BILL for figure in figures_in(subject)):
        topic = "cost"
    if topic == "ttft" and not _LATENCY.search(subject):
        topic, other = _latency_meant(subject, plan, state)
    if _BILLED.search(subject) or (re.search(_WISHED[0][1], subject, re.I) and not names_in(subject)):
        blocks = _denied(subject, plan, state, ports)
    elif re.search(PERCENTILE_CHOICE, subject, re.I):
        blocks = _percentile(plan)
    elif re.search(CARDS_TOGETHER, subject, re.I) and not _NAMED_SPLIT.search(subject):
        blocks = _parallelism(plan, state, ports)
    elif act == "why_not" or _NOT.search(subject) or _SWAPPED.search(subject):
        blocks = _not_chosen(subject, plan, state, ports)
    elif topic == "parallelism":
        blocks = _parallelism(plan, state, ports)
    elif topic == "fleet" and (beside := _counted(subject, plan, state, ports)):
        blocks = beside
    elif _CHOICE.search(subject) or (not topic and names_in(subject) and _card(subject, plan, state, ports)):
        blocks = _why_this(_card(subject, plan, state, ports) or plan.chosen.accelerator_name, plan, state, ports)
    elif topic or act:
        other, blocks = other or _other_figure(topic, subject, plan), FIGURES[topic or "fleet"](plan)
        blocks = (*blocks, *_dear(subject, plan)) if topic == "cost" else blocks
        blocks = (*blocks, Paragraph(MADE)) if topic in _LATENCIES and _ORIGIN.search(subject) else blocks
    else:
        return (said(f"I cannot say why {quoted(subject)}. {HINT}"),)
    return (*other, Data(Report(blocks)))


_LATENCIES: Final = ("ttft", "itl", "e2e")
_ORIGIN: Final = re.compile(r"\b(?:come|comes|came) from\b|\bwhere\b|\bsource\b|\bbased on\b|\bkommt\b|\bd'où\b", re.I)
_DEAR: Final = re.compile(r"\b(?:expensive|dear|costly|pricey|steep|so (?:much|high)|teuer|cher|car[oa])\b", re.I)


def _dear(subject: str, plan: CapacityPlan) -> Explanation:
    """Return what of the load and the targets makes a plan dear, and what would be cheaper, where a line asks it."""
    each, working = plan.replica_capacity, plan.fleet.working_replicas
    if not _DEAR.search(subject):
        return ()
    peak = plan.performance.at_peak.requests_per_s * working
    scaled = plan.cost.autoscaled_monthly_usd
    less = f"Following the load with the autoscaler it is {show_usd(scaled)}. " if scaled else ""
    return (
        Paragraph(
            f"So many, since {calls_shown(plan, peak)} in the busiest hour ÷ {calls_shown(plan, each.requests_per_s)}"
            f" of a replica, where {each.binds} stops it, take {working} of them. {less}'how can I make it cheaper'"
            " sets other terms, providers and accelerators beside it."
        ),
    )


_WHY_ABROAD: Final = re.compile(r"^\W*(?:warum (?:nicht|kein\w*)|pourquoi pas|por qu[ée] no|perch[eé] non)\b ?", re.I)
_BILLED: Final = re.compile(r"\b(?:billed|pay(?:ing)? for|charged for)\b.*\b(?:need|use|run|only)\b|\bbilled\b", re.I)
"""Words that ask why more is billed than runs."""


def _topic(subject: str) -> str:
    return next((name for name, pattern in _TOPICS if re.search(pattern, subject, re.I)), "" if subject else "fleet")


def _is_bill(subject: str, plan: CapacityPlan) -> bool:
    """Return whether the words name the amount of the plan's bill: 'how does 104,466 come about'."""
    named = re.findall(r"(?<![\w.])\d[\d,. ]*\d(?![\w.])", subject)
    bill = plan.cost.monthly_usd or 0.0
    return any(abs(float(re.sub(r"\D", "", one)) - bill) < 1.0 for one in named)


def _not_chosen(subject: str, plan: CapacityPlan, state: State, ports: Ports) -> Explanation:
    """Return why what the words deny was not chosen, and what the plan has where they take another for it."""
    if (swapped := _SWAPPED.search(subject)) and swapped["own"] == str(plan.chosen.tensor_parallel) != swapped["other"]:
        lead = f"The plan is {split_shown(plan.chosen, always='TP1')}, not TP{swapped['other']}."
        return (Paragraph(lead), *_denied(f"why not tp{swapped['other']}", plan, state, ports))
    return _denied(subject, plan, state, ports)


def _denied(subject: str, plan: CapacityPlan, state: State, ports: Ports) -> Explanation:
    """Return why what the words name was not chosen; where they name nothing, what lost to the plan."""
    from agent.after_plan.replies.choices.denied import why_not
    from agent.after_plan.replies.choices.hardware import accelerators_in
    from agent.after_plan.replies.table import REPLIES

    asked = Asked(subject, state, ports, plan)
    wish = "idle_accelerators" if _BILLED.search(subject) else None
    wish = (
        wish
        if wish or names_in(subject)
        else next((act for act, words in _WISHED if re.search(words, subject, re.I)), None)
    )
    if wish:
        return REPLIES[wish](asked)
    other = why_not(asked)
    if other:
        return other
    if _names(subject, ports):
        return _why_not(subject, plan, state, ports)
    if named := accelerators_in(asked):
        return _why_not(ports.catalog.accelerators[named[0]].name, plan, state, ports)
    if not _ANOTHER.search(subject):
        return (Paragraph(f"Why not what? {HINT}"),)
    return _why_this(plan.chosen.accelerator_name, plan, state, ports)


_SWAPPED: Final = re.compile(
    r"\btp ?(?P<other>\d+)\b[^\d]*\b(?:not|instead of|rather than|when|if|over)\b[^\d]*?(?:\btp ?|\b)(?P<own>\d+)\b",
    re.I,
)
"""A question that takes another split for the plan's: 'why TP4 and not TP2' of a plan that is TP2."""
_WISHED: Final = (
    ("certainty", r"\b(?:un)?(?:certain|sure|surer|confiden|precise|accura|doubt|sicher|sûr|segur)\w*"),
    ("cheaper_how", r"\b(?:cheap\w*|less (?:money|expensive)|billiger|günstiger|moins cher|más barato)\b|"
     r"\b(?:bill|price|costs?)\b.*\b(?:lower|smaller|less|down)\b|\b(?:lower|smaller|less) (?:bill|price|costs?)\b"),
    ("faster_how", r"\b(?:fast\w*|quick\w*|schneller|plus rapide|más rápido)\b|"
     r"\b(?:ttft|itl|e2e|latency|first token)\b.*\b(?:lower|better|shorter|less|down)\b|"
     r"\b(?:lower|better|shorter|less) (?:ttft|itl|e2e|latency)\b"),
    ("more_or_fewer", r"\bmore (?:replicas?|gpus?|cards?|nodes?|accelerators?|machines?)\b"),
)  # fmt: skip
"""What would be better, by the act that says what it takes: 'why is it not surer' names no other accelerator."""
_ANOTHER: Final = re.compile(
    r"\b(?:another|other|others|else|different|alternatives?|andere\w*|autre\w*|otr[ao]s?)\b|^\W*(?:not?)?\W*$", re.I
)


def _counted(subject: str, plan: CapacityPlan, state: State, ports: Ports) -> Explanation | None:
    from agent.after_plan.replies.running.counted import counted

    return counted(Asked(f"why {subject}", state, ports, plan))


def _latency_meant(subject: str, plan: CapacityPlan, state: State) -> tuple[str, tuple[Say, ...]]:
    """Return which latency a bare time is, and say so: 'why 61.4 ms' of a plan whose ITL p95 is; else TTFT."""
    seconds = stated_s(subject)
    branches = sorted(state.branches, key=lambda branch: branch is not state.base) if seconds else ()
    for branch, load in product(branches, ("at_peak", "at_mean")):
        for topic, at in product(("ttft", "itl", "e2e"), ("mean", "p50", "p90", "p95", "p99")):
            shown = branch.capacity_plan and getattr(getattr(branch.capacity_plan.performance, load), f"{topic}_s")
            if not shown or show_seconds(getattr(shown, at)) != show_seconds(seconds or 0.0):
                continue
            here: Latency = getattr(getattr(plan.performance, load), f"{topic}_s")
            whose = f"{'mean ' if at == 'mean' else ''}{topic.upper()}{'' if at == 'mean' else f' {at}'}"
            text = f"{show_seconds(getattr(shown, at))} is the {whose} at the {load.removeprefix('at_')}"
            own = f" of plan {branch.number}; here it is {show_seconds(getattr(here, at))}"
            return topic, (said(f"{text}{'' if branch is state.base else own}."),)
    if not seconds:
        return "ttft", ()
    for target in plan.targets:
        if target.target_s == seconds:
            name, forecast = target.name, show_seconds(target.forecast_s)
            return target.metric, (said(f"{show_seconds(seconds)} is the target of {name}; it is {forecast}."),)
    peak = plan.performance.at_peak
    known = (
        f"{name} {show_seconds(one.mean)} (p95 {show_seconds(one.p95)})"
        for name, one in (("TTFT", peak.ttft_s), ("ITL", peak.itl_s), ("E2E", peak.e2e_s))
    )
    return "ttft", (said(f"No latency here is {show_seconds(seconds)}. Means at the peak: {', '.join(known)}."),)


def _other_figure(topic: str, subject: str, plan: CapacityPlan) -> tuple[Say, ...]:
    """Say what a latency is, where the question states another."""
    seconds = stated_s(subject)
    if seconds is None or topic not in ("ttft", "itl", "e2e"):
        return ()
    at: Latency = getattr(plan.performance.at_peak, f"{topic}_s")
    if any(abs(seconds / value - 1) < SAME for value in (at.mean, at.p50, at.p90, at.p95, at.p99)):
        return ()
    shown = f"{show_seconds(at.mean)} on average and {show_seconds(at.p95)} at p95"
    return (said(f"It is not {show_seconds(seconds)} here: {topic.upper()} is {shown} at the peak."),)


# --- the choice -------------------------------------------------------------------------------------------------------


def _names(subject: str, ports: Ports) -> str | None:
    """Return the accelerator that words name; raises nothing."""
    words = re.sub(
        r"\b(not|is|it|the|an?|use|using|on|choose|chosen|did|you|we|instead of|why|was|isn't|don't)\b", " ", subject
    )
    first = " ".join(words.partition(",")[0].split()).strip("?'\" ")
    for name in dict.fromkeys((first, re.sub(r"(?<=\d)s\b", "", first))):  # A100s are what an A100 is, an L40S is none
        try:
            return ports.catalog.accelerator(name).id if name else None
        except AmbiguousName as several:
            return several.hits[0]
        except InputError:
            continue
    return None


def _card(subject: str, plan: CapacityPlan, state: State, ports: Ports) -> str:
    """Return the name of the accelerator that words name, anywhere in them; empty where they name none."""
    from agent.after_plan.replies.choices.hardware import accelerators_in

    named = _names(subject, ports) or next(iter(accelerators_in(Asked(subject, state, ports, plan))), "")
    return ports.catalog.accelerators[named].name if named else ""


def _why_this(subject: str, plan: CapacityPlan, state: State, ports: Ports) -> Explanation:
    named = _names(subject, ports)
    if named != plan.chosen.accelerator:
        wrong = "" if named is None or _NOT.search(subject) else ports.catalog.accelerators[named].name
        lead = (Paragraph(f"The plan is on {plan.chosen.accelerator_name}, not on {wrong}."),) if wrong else ()
        return (*lead, *_why_not(subject, plan, state, ports))
    if plan.spec.hardware.accelerators == (named,):
        others = tuple(
            _on(one, name.removeprefix("on "), plan, state, ports).partition(". ")[2]
            for name, values, _ in newer_accelerators(plan)
            for one in values["hardware.accelerators"]
        )
        return (Paragraph("You asked for it. 'cheapest' searches all."), Bullets(others, "Beside it:"))
    others = tuple(
        f"{other.accelerators} × {other.accelerator_name}, {alternative_bill(other, plan)}: {other.why_not}"
        for other in plan.alternatives
    )
    text = f"{plan.chosen.accelerator_name} makes the cheapest whole fleet that meets what was asked."
    return (Paragraph(text), Bullets(others, "The others:")) if others else (Paragraph(text),)


def _why_not(subject: str, plan: CapacityPlan, state: State, ports: Ports) -> Explanation:
    named = _names(subject, ports)
    if named is None:
        return (Paragraph(f"Why not what? {HINT}"),)
    name = ports.catalog.accelerators[named].name
    if named == plan.chosen.accelerator:
        return (Paragraph(f"The plan is on {name}: {plan.answer.sentence.rstrip('.')}."),)
    rejected = next((rejection for rejection in plan.rejected if rejection.what.lower().startswith(name.lower())), None)
    if rejected:
        return _rejection(rejected)
    return (Paragraph(_on(named, name, plan, state, ports)),)


def _on(named: str, name: str, plan: CapacityPlan, state: State, ports: Ports) -> str:
    """Return what the plan would be on an accelerator, or why it cannot be."""
    change = Variation({"hardware.accelerators": (named,)}, {}, f"on {name}", frozenset({"hardware.excluded"}))
    try:
        _, branch = varied(state, change, ports)
    except InputError as error:
        return f"{name}: {error}."
    other = branch.plan
    if isinstance(other, NoPlan):
        return f"{name}: {other.reason}."
    wanted = plan.spec.hardware.accelerators
    lead = ""
    if named in plan.spec.hardware.excluded:
        lead = "You left it out. "
    elif wanted and named not in wanted:
        lead = f"You asked for {' or '.join(ports.catalog.accelerators[one].name for one in wanted)}. "
    if best := missed_shown(other):
        either = "" if plan.answer.meets_targets else " either"
        wider = at_wider_targets(other, ports)
        return f"{lead}{name} cannot meet the targets{either}, however many there are: at best {best}. {wider}".rstrip()
    return f"{lead}On {name} it would be {versus(other, plan)}."


def _rejection(rejected: Rejection) -> Explanation:
    said = Paragraph(f"{rejected.what}: {rejected.reason}.")
    return (said, Bullets(rejected.relaxations, "What would work:")) if rejected.relaxations else (said,)


# --- parallelism ------------------------------------------------------------------------------------------------------


def _parallelism(plan: CapacityPlan, state: State, ports: Ports) -> Explanation:
    chosen = plan.chosen
    rows = [
        _other_width(plan, width, state, ports) for width in (chosen.tensor_parallel // 2, chosen.tensor_parallel * 2)
    ]
    shown = tuple(row for row in rows if row)
    first = Paragraph(weights_spread(plan))
    return (first, Bullets(shown, "The neighbours:")) if shown else (first,)


_NAMED_SPLIT: Final = re.compile(r"\b(?:tp|pp|dp|ep) ?=?\d", re.I)


def _percentile(plan: CapacityPlan) -> Explanation:
    """Return what a percentile promises that the mean does not, with the plan's own figures and who set it."""
    ttft = plan.performance.at_peak.ttft_s
    stated = plan.targets[0] if plan.targets else None
    asked = (
        f"{stated.name} was stated or is the default of a target without one." if stated else "No target was stated."
    )
    return (
        Paragraph(
            f"A mean says nothing of those who wait longest: TTFT is {show_seconds(ttft.mean)} on average in the"
            f" busiest hour, but 5 of 100 wait longer than {show_seconds(ttft.p95)} (p95) and 1 of 100 longer than"
            f" {show_seconds(ttft.p99)} (p99); half are there within {show_seconds(ttft.p50)} (p50). Queues stretch the"
            " tail long before the mean shows it, so the fleet is sized where people notice."
        ),
        Paragraph(f"{asked} 'with p50 TTFT 800 ms' or 'with p99 TTFT 800 ms' plans by another."),
    )


def _other_width(plan: CapacityPlan, width: int, state: State, ports: Ports) -> str:
    if width < 1:
        return ""
    values = {
        "serving.tensor_parallel": width, "serving.pipeline_parallel": plan.chosen.pipeline_parallel,
        "hardware.accelerators": (plan.chosen.accelerator,),
    }  # fmt: skip
    try:
        _, branch = varied(state, Variation(values, {}, f"TP{width}"), ports)
    except InputError as error:
        return f"TP{width}: {error}"
    other = branch.plan
    if isinstance(other, NoPlan):
        return f"TP{width}: {other.reason}"
    return f"TP{width}: {versus(other, plan)}"
