"""What the server does with more than it can take: requests that wait or are refused, preemption, one long prompt."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.figures.memory import native_context
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate
from agent.deployment.alerts import KV_FULL
from agent.deployment.triggers import interpolated
from agent.report.words import calls_shown
from catalogs.units import show_count, show_figure, show_percent, show_seconds
from engine.plan import CapacityPlan

_BOUNDED_BY: Final = {
    "vllm": (
        "vLLM lets all of them wait, without a bound and without a 429, unless '--max-num-queued-reqs {most}' is set"
        " (0.29 has it): it then answers 503 at once."
    ),
    "sglang": (
        "SGLang lets all of them wait, without a bound and without a 429, unless '--max-queued-requests' is set: it"
        " then answers 503 at once."
    ),
}
"""By runtime, what bounds its queue: vllm-project/vllm pull 49445 and issue 58192, sgl-project/sglang pull 7565 and
24347, checked 2026-11-30."""
_UNSURE: Final = "Whether {runtime} bounds its queue is not known here: where it does not, all of them wait."
_DEVIATIONS: Final = 3
"""Standard deviations above the mean of what is in flight, Poisson where nobody waits (M/G/∞): 1 in 700 is more."""


def overflow(asked: Asked) -> Explanation:
    """Return what happens beyond what a replica takes: in its queue, in its KV cache or by one long prompt."""
    if asked.has(r"preempt\w*|evict\w*|swap\w*|recomput\w*|kv[- ]?cache (?:is |gets? |runs? )?full|thrash\w*"):
        return paragraphs(*_preempted(asked.plan))
    if tokens := _long_prompt(asked):
        return paragraphs(*_beside_a_long_one(asked, tokens))
    return paragraphs(*_queued(asked.plan))


def _queued(plan: CapacityPlan) -> tuple[str, ...]:
    """Return what waits from which rate on, who refuses, and which bound the plan suggests."""
    capacity, replicas, peak = plan.replica_capacity, plan.fleet.working_replicas, peak_rate(plan)
    holds, most = (replicas * rate for rate in (capacity.requests_per_s, capacity.saturated_requests_per_s))
    busiest = f"; the busiest hour has {calls_shown(plan, peak)}" if peak else ""
    now = f"Up to {calls_shown(plan, holds)} the targets hold{busiest}."
    beyond = (
        f"From there to {calls_shown(plan, most)} all are served, later than the targets. Beyond"
        f" {calls_shown(plan, most)} the queue grows by each request more than that, for as long as it lasts."
    )
    each = interpolated(capacity.load_curve, capacity.requests_per_s, "in_flight") if capacity.load_curve else 0.0
    bound = round(each + _DEVIATIONS * each**0.5)
    set_to = (
        f"A bound of {bound} requests in flight a replica, {bound * replicas} in all, refuses next to none within the"
        f" targets: where they end {show_figure(each)} are in flight on average. Let the gateway hold it, answer 429"
        " with Retry-After, and clients try again later and later."
    )
    runtime = _BOUNDED_BY.get(plan.chosen.runtime, _UNSURE).format(most=bound, runtime=plan.chosen.runtime)
    none = "The plan itself refuses nobody: every request is counted."
    return (f"{now} {beyond}", runtime, set_to if each else "", none)


def _preempted(plan: CapacityPlan) -> tuple[str, ...]:
    """Return whether the KV cache fills at the peak, what preemption does then, and what helps."""
    peak, held, simulated = plan.performance.at_peak, plan.memory.max_concurrent_sequences, plan.verification
    used = max(peak.kv_cache_usage, simulated.kv_cache_usage if simulated else 0.0)
    rare = used < KV_FULL and not (simulated and simulated.preemptions)
    counted = (
        f" Of {show_count(simulated.requests)} simulated requests of the peak hour"
        f" {show_count(simulated.preemptions) if simulated.preemptions else 'none'} had to begin anew."
        if simulated
        else ""
    )
    lead = (
        f"{'Hardly' if rare else 'Yes'}: at the peak {show_percent(used)} of a replica's KV cache is in use, by"
        f" {show_figure(peak.in_flight)} requests in flight; {show_count(held)} of mean length fit.{counted}"
    )
    does = (
        "When no block is left, the request that came last gives up its blocks, waits, and is computed anew from its"
        " prompt: nothing is lost, but its tokens pause for a prefill, and the work is done twice. E2E and the slowest"
        " ITL show it, averages hardly."
    )
    seen = (
        "Where logs show it every few minutes, the load is not the planned one: longer prompts or answers, more in"
        " flight, or less memory for the cache than planned."
        if rare
        else ""
    )
    cap = max(1, round(held * KV_FULL))
    helps = (
        f"What helps: at most {show_count(cap)} requests at once ('--max-num-seqs {cap}' in vLLM), more memory for the"
        " cache ('KV cache in FP8', a wider split), one replica more."
    )
    return lead, does, seen, helps


def _long_prompt(asked: Asked) -> float:
    """Return the tokens of a single request that a line names; 0 where it names none."""
    match = re.search(r"(?<![\w.$])(\d+(?:[.,]\d+)?)(?:(k)\b| ?-?(?=(?:tokens?|tok|prompts?|context)\b))", asked.words)
    tokens = float(match[1].replace(",", "")) * (1000 if match[2] else 1) if match else 0.0
    return tokens if tokens > asked.plan.spec.tokens.input.mean else 0.0


def _beside_a_long_one(asked: Asked, tokens: float) -> tuple[str, ...]:
    """Return what the others of a replica feel while one long prompt is read there."""
    plan, rate = asked.plan, asked.plan.replica_capacity.prefill_tokens_per_s
    most = plan.spec.serving.context_window or native_context(asked)
    if most and tokens > most:
        return (
            f"It is refused with an error (400), not cut: {show_count(tokens)} tokens are more than the"
            f" {show_count(most)} of prompt and answer together. The others feel nothing.",
        )
    if not rate:
        return ("How fast a prompt is read here is not known: make the plan anew.",)
    budget = next((float(flag.value) for flag in plan.chosen.flags if "batched-tokens" in flag.flag), tokens)
    reads_s, step_s = tokens / rate, min(tokens, budget) / rate
    peak = plan.performance.at_peak
    return (
        f"{show_count(tokens)} tokens are read in about {show_seconds(reads_s)}: {show_count(rate)} prompt tokens/s of"
        f" a replica, in steps of {show_count(min(tokens, budget))}. Meanwhile the {show_figure(peak.batch)} others"
        f" that decode in this replica get a token every {show_seconds(step_s)} in place of"
        f" {show_seconds(peak.itl_s.mean)}, and prompts behind it wait up to {show_seconds(reads_s)} longer.",
        f"The other {plan.fleet.working_replicas - 1} replicas feel nothing. Smaller steps (--max-num-batched-tokens)"
        " make the gaps shorter and the long prompt slower; a pool of its own for long prompts spares the others.",
    )
