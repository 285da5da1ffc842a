"""A plan in sentences for people who were not there: a paragraph for a tender, five sentences for a manager."""

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import carried_rate, peak_rate
from agent.report.choice.shortfalls import too_few
from agent.report.plan.opening import chance_shown
from agent.report.words import accelerators_noun, calls_shown, usd_shown
from catalogs.units import SECONDS_PER_DAY, show_count, show_figure, show_percent, show_rate, show_seconds, show_usd
from engine.fleet.offers import origin
from engine.planning.phrases import counted
from engine.workload import targets_by_default

_WAITS = {
    "ttft": "the first word of an answer appears",
    "e2e": "an answer is complete",
    "itl": "each further word follows",
}


def tender(asked: Asked) -> Explanation:
    """Return the plan as one paragraph of technical prose."""
    plan, chosen = asked.plan, asked.plan.chosen
    traffic, tokens = plan.spec.traffic, plan.spec.tokens
    noun = accelerators_noun(chosen)
    load = (
        f"{show_rate(traffic.requests_per_s)} averaged over the day and {calls_shown(plan, peak_rate(plan) or 0)} in"
        " the busiest hour"
        if traffic.requests_per_s
        else f"{traffic.concurrency or 'as many as it holds'} requests in flight"
    )
    limits = ", ".join(f"{t.name} of at most {show_seconds(t.target_s)}" for t in plan.targets)
    memory = asked.ports.catalog.accelerators[chosen.accelerator].memory_gib
    offer = chosen.offer
    text = (
        f"The contractor shall provide an inference service for {chosen.model_name} with weights in"
        f" {chosen.precision.weights.upper()}, dimensioned for {load}, with prompts of {show_count(tokens.input.mean)}"
        f" tokens and answers of {show_count(tokens.output.mean)} tokens on average. "
        + (f"In the busiest hour the service shall keep {limits}, measured at the server. " if limits else "")
        + f"The sizing behind this requirement is {plan.fleet.accelerators} {chosen.accelerator_name} {noun} with"
        f" {show_figure(memory)} GiB of memory each, or equivalent, in"
        f" {counted(plan.fleet.replicas, 'independent replica')} of {chosen.accelerators_per_replica}"
        + (f", {plan.fleet.spares} of them spare" if plan.fleet.spares else "")
        + f", extensible to {plan.fleet.maximum_accelerators}. The bidder shall show compliance by a load test of one"
        f" replica at {calls_shown(plan, plan.performance.at_peak.requests_per_s)} with the lengths above"
        " before acceptance."
        + (
            f" For orientation, the list price is {show_usd(plan.cost.monthly_usd)} a month"
            f" ({origin(offer)}, {offer.checked})."
            if offer and plan.cost.monthly_usd is not None
            else ""
        )
    )
    return paragraphs(text)


def _one_sentence(asked: Asked) -> str:
    """Return model, fleet, load, target, place and bill in one sentence."""
    plan, offer = asked.plan, asked.plan.chosen.offer
    sentence = plan.answer.sentence.rstrip(".")
    load = f" for {calls_shown(plan, peak)} in the busiest hour" if (peak := peak_rate(plan)) else ""
    speed = f", TTFT p95 {show_seconds(plan.performance.at_peak.ttft_s.p95)}"
    whose = f" ({origin(offer)})" if offer else ""
    sure = chance_shown(plan).replace(" (", ", ").rstrip(")")
    return f"{sentence}{load}{speed}, at {usd_shown(plan.cost.monthly_usd)} a month{whose}{sure}."


def boss(asked: Asked) -> Explanation:
    """Return the plan in five sentences without jargon."""
    plan, chosen = asked.plan, asked.plan.chosen
    traffic, bands = plan.spec.traffic, plan.bands
    one = plan.fleet.accelerators == 1
    noun = ("graphics card" if accelerators_noun(chosen) == "GPUs" else "accelerator chip") + "s" * (not one)
    daily = (
        f"about {show_count(float(f'{traffic.requests_per_s * SECONDS_PER_DAY:.2g}'))} questions a day"
        if traffic.requests_per_s
        else "the stated load"
    )
    first = (
        f"To answer {daily} with {chosen.model_name} we need {plan.fleet.accelerators} {noun}"
        f" ({chosen.accelerator_name}).{' Fewer were named, which is too few.' * bool(too_few(plan))}"
    )
    money = f"{'It costs' if one else 'They cost'} {usd_shown(plan.cost.monthly_usd)} a month"
    scaled = plan.cost.autoscaled_monthly_usd
    if plan.cost.monthly_usd and scaled is not None and scaled < plan.cost.monthly_usd:
        money += f", or {show_usd(scaled)} if machines are switched off when it is quiet"
    target = next((t for t in plan.targets if t.metric in _WAITS), None)
    wish = (
        f", {'within' if target.met else 'beyond'} the usual {show_seconds(target.target_s)}"
        if target and targets_by_default(plan.sources, target.metric)
        else f", {'as' if target.met else 'not as'} was asked"
        if target
        else ""
    )
    quick = plan.performance.at_peak.ttft_s.p95
    speed = (
        f"In the busiest hour {'95' if target is None else target.percentile.strip('p')} of 100 times"
        f" {_WAITS[target.metric if target else 'ttft']} within {show_seconds(target.forecast_s if target else quick)}"
        + wish
    )
    ratio = carried_rate(plan) / peak if (peak := peak_rate(plan)) else 0
    room = (
        f"There is room for {show_percent(ratio - 1)} more use before {'answers slow down' if target else 'they queue'}"
        if ratio > 1.005
        else "There is no room for more use before answers become slower"
    )
    failure = "; if a machine fails, the others are overloaded in the busiest hours, which one more would prevent"
    if plan.fleet.replicas == 1:
        failure = "; if the machine fails, nothing answers until it is back, which a second one would prevent"
    elif plan.fleet.spares:
        failure = "; if a machine fails, one that stands by takes over"
    elif ratio * (plan.fleet.replicas - 1) >= plan.fleet.replicas:
        failure = "; if a machine fails, the others can carry the load"
    chance = bands.chance_of_meeting if bands else None
    sure = (
        f"These figures are a forecast: in {bands.level} of 100 such cases it takes between"
        f" {bands.fleet.accelerators.low} and {bands.fleet.accelerators.high} cards, "
        + (f"and {plan.fleet.accelerators} hold{'s' * one} what was asked in {round(100 * chance)}, " if chance else "")
        + "so a test on one machine should come before the purchase."
        if bands
        else "These figures are a forecast: a test on one machine should come before the purchase."
    )
    said: tuple[str, ...] = (first, f"{money}.", f"{speed}.", f"{room}{failure}.", sure)
    tongue = (
        "I write English alone; those sentences are short enough to be translated."
        if asked.has("german|french|spanish|italian|chinese|deutsch|auf deutsch|en français|en español")
        else ""
    )
    fewer = asked.count_of("sentences?|lines?|words?|bullets?|points?") or (
        1 if asked.has("one-sentence|one-liner|tl;?dr|bottom line|in a word|eine[mn]? satz|une phrase|una frase") else 5
    )
    if fewer <= 3:
        said = (_one_sentence(asked),) if fewer == 1 else (first, f"{money}.", sure)[:fewer]
    return paragraphs(*said, tongue)
