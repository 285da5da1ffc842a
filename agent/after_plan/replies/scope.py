"""What is beyond a plan of a model that answers in text, and the nearest that can be done."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.running.held import layout
from agent.after_plan.replies.ways import batch as own_fleet
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate
from agent.report.words import calls_shown
from catalogs.units import MULTIPLIERS, SECONDS_PER_HOUR, show_count, show_figure, show_seconds
from engine.plan import CapacityPlan

_SECONDS: Final = {"minute": 60.0, "hour": 3600.0, "day": 86400.0, "night": 28800.0, "week": 604800.0}
_ITEMS: Final = re.compile(
    r"(\d[\d,.]*|an?|one|two|three|five|ten) ?(k|m|thousand|million|mio|bn|billion)?\s+(?:[\w-]+ ){0,2}?"
    r"(?:requests?|prompts?|documents?|docs?|tickets?|pages?|calls?|records?|texts?|items?|files?|summar(?:y|ies)|"
    r"articles?|letters?|translations?|reviews?|e?mails?|rows?|backlog)|"
    r"(\d{1,3}(?:,\d{3})+|\d{4,}|\d[\d.]*(?= ?(?:k|m|thousand|million)\b)) ?(k|m|thousand|million)?\s+(?:of )?"
    r"(?!tok|user|gpu|hour|second)[^\W\d_]{3,}s\b"
)
"""So many of anything that is read: 'invoices', where no usual name of them is said."""
MEDIA: Final = (
    "Only tokens are reckoned. Images in prompts can be planned as tokens: look up how many an image takes for the"
    " model (some 250 to 2,500) and add them to the prompt; the vision tower's own time is not in it. Speech and video"
    " models, and models that make images or sound, are out of scope: their speed rests on other kernels."
)
EMBEDDINGS: Final = (
    "Embedding and reranking models only read: each text is one prefill. Size one with 'fleetcast forecast --task embed"
    " --model … --rps … --input-tokens …'; a reranker reads query and passage once for each passage, so its rate is"
    " queries × passages. Their quality, and the vector database beside them, are not planned."
)


def media(asked: Asked) -> Explanation:
    """Say what of images, sound and video can be answered."""
    return paragraphs(MEDIA)


def embeddings(asked: Asked) -> Explanation:
    """Say how embedding and reranking models are sized."""
    return paragraphs(EMBEDDINGS)


def batch(asked: Asked) -> Explanation:
    """Return how long a batch takes on the fleet, alone, or the rate and replicas that a deadline asks for."""
    plan = asked.plan
    its, lengths = _of_lengths(asked)
    each = its.replica_capacity.saturated_requests_per_s
    rate = each * plan.fleet.working_replicas
    peak = peak_rate(plan)
    match = _ITEMS.search(asked.figures)
    if match is None:
        return paragraphs(
            "A job with a deadline is a rate: its requests over its time. This fleet alone with it does"
            f" {calls_shown(plan, rate)} of such lengths; ask 'how long do 1 million prompts take'."
        )
    number, scale = match[1] or match[3], match[2] or match[4]
    count = (float(number.replace(",", "")) if number[0].isdecimal() else 1.0) * MULTIPLIERS.get(scale or "", 1.0)
    lead = (
        f"{show_count(count)} requests of {lengths or 'this length'} take {_duration(count / rate)} on the whole fleet,"
        f" saturated and with nothing else on it ({calls_shown(plan, rate)})."
    )
    beside = ""
    if peak:
        spare = rate - peak / plan.spec.traffic.peak_factor
        beside = (
            f"Beside the usual load, in the hours around its mean, some {calls_shown(plan, spare)} are left:"
            f" {_duration(count / spare)}, and its targets suffer while it runs."
            if spare > 0
            else ""
        )
    deadline = re.search(
        r"(?:in|within|of|deadline of|under) (?:an? |one )?(\d+(?:\.\d+)?)? ?(minute|hour|day|night|week)s?",
        asked.words,
    )
    wanted, window = "", _WINDOW.search(asked.words)
    if (
        deadline
        or window
        or asked.has(r"overnight|nightly|at night|tonight|(?:by|before|until) [\w: ]{1,12}(?:morning|am|markets?)")
    ):
        seconds = float(deadline[1] or 1) * _SECONDS[deadline[2]] if deadline else _SECONDS["night"]
        if window:
            begins, ends = int(window[1]), int(window[2])
            hours = (ends - begins) % (12 if ends < begins <= 12 else 24)  # '10 pm to 6 am' is eight
            seconds = hours * SECONDS_PER_HOUR or seconds
        replicas = -(-count / seconds // each)
        gpus = replicas * plan.chosen.accelerators_per_replica
        wanted = (
            f"To be done in {_duration(seconds)}{f', {window[0]},' if window else ''} it needs"
            f" {calls_shown(plan, count / seconds)}: {replicas:.0f} replicas, {gpus:.0f} ×"
            f" {plan.chosen.accelerator_name}, where the plan has {plan.fleet.working_replicas}."
        )
    other = "" if lengths else "Other lengths: say 'prompts of 3000 tokens and answers of 50' first."
    return (*paragraphs(lead, beside, wanted, other), *own_fleet(asked))


_WINDOW: Final = re.compile(r"\b(?:between|from) (\d{1,2})(?::00)? ?(?:am|pm|h)? (?:and|to|until|till) (\d{1,2})\b")


def _of_lengths(asked: Asked) -> tuple[CapacityPlan, str]:
    """Return the plan's replicas at the lengths that a line gives its batch, and those in words; else the plan."""
    read = asked.reading().values
    values = {path: read[path] for path in ("tokens.input.mean", "tokens.output.mean") if path in read}
    if not values:
        return asked.plan, ""
    made = asked.tried({**values, **layout(asked.plan)})
    if isinstance(made, str):
        return asked.plan, ""
    tokens = made.spec.tokens
    return made, f"{show_count(tokens.input.mean)} tokens in and {show_count(tokens.output.mean)} out"


def _duration(seconds: float) -> str:
    if seconds < SECONDS_PER_HOUR:
        return show_seconds(seconds)
    hours = seconds / SECONDS_PER_HOUR
    return f"{show_figure(hours)} hours" if hours < 72 else f"{show_figure(hours / 24)} days"
