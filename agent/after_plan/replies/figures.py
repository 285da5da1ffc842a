"""Single figures of a plan: latencies, targets, memory, context, thresholds, power, instances, layout, commands."""

import re
from math import ceil
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.billed import room_billed
from agent.after_plan.replies.load import peak_rate
from agent.after_plan.sums import FIGURES, Explanation
from agent.after_plan.wording.day_parts import night_rate
from agent.report.blocks import Column, Command, Facts, Table
from agent.report.plan.opening import chance_shown
from agent.report.words import accelerators_noun, start_lead, usd_shown
from catalogs.units import GB, GIB, show_bytes, show_count, show_figure, show_percent, show_rate, show_seconds, show_usd
from engine.fleet.offers import COMMITTED, TERM_WORDS, paid_accelerators
from engine.plan import CapacityPlan, Latency, split_shown
from engine.workload import Target, target_name

_METRICS: Final = (
    ("ttft", "TTFT", "ttft|first token|queue|queueing|waiting|wait|prefill"),
    ("itl", "ITL", "itl|tpot|inter token|inter-token|per output token|between tokens|token gap"),
    (
        "e2e",
        "E2E",
        (
            "e2e|end to end|end-to-end|whole request|a request take|an answer take|response time|complete|full"
            " answer|whole answer"
        ),
    ),
)
_PERCENTILES: Final = ("p50", "p90", "p95", "p99")
_PAGE_TOKENS: Final = 650
"""Of a page of 500 English words, at 4 tokens for 3 words."""


def latency(asked: Asked) -> Explanation:
    """Return latencies at the peak, the percentile that is asked first."""
    plan = asked.plan
    metrics = [metric for metric in _METRICS if asked.has(metric[2])] or list(_METRICS)
    rare = asked.has(r"p99\.9+|p999+|thousand|99\.9")
    wanted = "p99" if rare else _percentile_in(asked)
    refused = (
        "Beyond p99 nothing is forecast: that tail is the runtime's and the network's more than the load's. "
        if rare
        else ""
    )
    waits = f"{queue_shown(plan)} " if asked.has(r"queues?|queue?ing|wait(?:ing|s)?(?: time)?") else ""
    off_peak = asked.has("mean rate|off-peak|off peak|average load|at night|normal")
    at = plan.performance.at_mean if off_peak else plan.performance.at_peak
    shown = "; ".join(
        f"{name} {wanted or 'p95'} is {show_seconds(getattr(_of(at, metric), wanted or 'p95'))}"
        for metric, name, _ in metrics
    )
    lead = (
        f"{refused}{waits}{shown}, {'at the mean rate' if off_peak else 'in the busiest hour'}, measured at the server"
        " with queueing."
    )
    columns = (
        Column("at the mean rate" if off_peak else "at the peak"),
        *(Column(name, "right") for name in ("mean", *_PERCENTILES)),
    )
    rows = tuple(
        (name, *(show_seconds(getattr(_of(at, metric), part)) for part in ("mean", *_PERCENTILES)))
        for metric, name, _ in metrics
    )
    band = plan.bands.performance.at_peak if plan.bands else None
    doubt = ""
    if band and len(metrics) == 1 and not off_peak:
        ends = getattr(getattr(band, f"{metrics[0][0]}_s"), wanted or "p95")
        doubt = (
            f"In {plan.bands.level} of 100 cases like this the truth lies between {show_seconds(ends.low)} and"
            f" {show_seconds(ends.high)}."
            if plan.bands
            else ""
        )
    means = f"{_MEANS[metrics[0][0]]} {_SERVER}" if len(metrics) == 1 and asked.has(_DEFINES) else ""
    if "e2e" in (metric[0] for metric in metrics) and len(metrics) == 1 and plan.spec.tokens.output.mean > 1:
        mean = plan.performance.at_peak.e2e_s.mean
        lead += f" That is of the long answers: one of mean length takes some {show_seconds(mean)}."
    return (*paragraphs(means, lead, _beyond(asked)), Table(columns, rows), *paragraphs(doubt, _stages(asked)))


_DEFINES: Final = (
    r"network\w*|includ\w+|definition|defined?|means?|what(?:'s| is) (?:a |an |the )?(?:ttft|itl|tpot|e2e)|stands? for"
)
_MEANS: Final = {
    "ttft": "TTFT is the time to the first token: the wait in the server's queue and the reading of the prompt.",
    "itl": "ITL is the time between two tokens of an answer.",
    "e2e": "E2E is the time to the last token of an answer.",
}
_SERVER: Final = "It is taken at the server: the network to the user is not in it, and comes on top."


def queue_shown(plan: CapacityPlan) -> str:
    """Return how many requests wait for their first step and how long, at the peak and where the targets end."""
    from agent.deployment.triggers import interpolated

    capacity, peak = plan.replica_capacity, plan.performance.at_peak.requests_per_s
    if not capacity.load_curve or not peak:
        return "The wait in the queue is not told apart from the prefill: both are in TTFT."
    now, most = (interpolated(capacity.load_curve, rate, "waiting") for rate in (peak, capacity.requests_per_s))
    limit = capacity.requests_per_s
    return (
        f"In the busiest hour {show_figure(now)} requests wait in a replica's queue on average,"
        f" {show_seconds(now / peak)} each before the prefill (Little); where the targets end, at {show_rate(limit)} a"
        f" replica, it is {show_figure(most)}, {show_seconds(most / limit)} each. Warn from"
        f" {show_figure(plan.autoscaling.queue_length)} waiting on."
    )


def _beyond(asked: Asked) -> str:
    """Return how many requests wait longer than a stated time for their first token."""
    match = re.search(r"(\d+(?:\.\d+)?) ?(ms|milliseconds?|s|secs?|seconds?)\b", asked.figures)
    if match is None:
        return ""
    limit_s = float(match[1]) * (0.001 if match[2].startswith("m") else 1.0)
    ttft = {part: asked.plan.peak_latency_s("ttft", part) for part in _PERCENTILES}
    within = [part for part, seconds in ttft.items() if seconds <= limit_s]
    if not within:
        return f"More than half wait longer than {show_seconds(limit_s)} for the first token in the busiest hour."
    share = 100 - int(within[-1].strip("p"))
    return (
        f"At most {share} of 100 wait longer than {show_seconds(limit_s)} for the first token: {within[-1]} is"
        f" {show_seconds(ttft[within[-1]])}."
    )


def _stages(asked: Asked) -> str:
    """Return what a latency is made of, where that is asked."""
    if not asked.has("dominates?|made of|made up|where do|go|comes? from|parts?|share|contributes?|makes up"):
        return ""
    plan = asked.plan
    idle, at_peak = plan.performance.at_mean.ttft_s, plan.performance.at_peak.ttft_s
    return (
        f"TTFT is the wait for a place in a step and the prefill of {show_count(plan.spec.tokens.input.mean)} prompt"
        f" tokens; at the mean rate its median is {show_seconds(idle.p50)}, in the busiest hour"
        f" {show_seconds(at_peak.p50)}, and the p95 of {show_seconds(at_peak.p95)} is that of long prompts behind"
        " others: the queue and the length of prompts dominate it. E2E is TTFT and"
        f" {show_count(plan.spec.tokens.output.mean)} tokens at {show_seconds(plan.performance.at_peak.itl_s.mean)}."
    )


def _percentile_in(asked: Asked) -> str:
    """Return the percentile that a line asks for, or the mean; empty where it asks for none."""
    words = (
        *((f"p{n}", rf"p{n}|{n}(?:th|st)|{n} ?% of") for n in (99, 95, 90, 50)),
        ("p50", "median|typical|typically|usually"),
        ("p95", r"(?:slowest|worst|unluckiest) (?:5|five)"),
        ("mean", "mean|average"),
        ("p99", "one in a hundred|slowest|tail"),
    )
    return next((name for name, pattern in words if asked.has(pattern)), "")


def _of(at: object, metric: str) -> Latency:
    found: Latency = getattr(at, f"{metric}_s")
    return found


def meets(asked: Asked) -> Explanation:
    """Return whether targets and budget are kept, and by how much."""
    plan = asked.plan
    budget, monthly = plan.spec.money.monthly_budget_usd, plan.cost.monthly_usd
    money = promised = ""
    if asked.has(r"(?:guarantee|promise|vouch)\w*"):
        promised = (
            f"A forecast guarantees nothing{chance_shown(plan)}; a load test on the machines shows it ('how do I test"
            " it')."
        )
    if budget and monthly is not None:
        money = (
            f"{show_usd(monthly)} a month is {'within' if monthly <= budget else 'over'} the budget of"
            f" {show_usd(budget)}."
        )
    elif asked.has("budget"):
        money = f"No budget was stated; the bill is {usd_shown(monthly)} a month."
    if named := asked.said("targets"):
        return paragraphs(promised, *(_within(plan, target) for target in named), money)
    if not plan.targets:
        return paragraphs(
            "No latency target was stated, so that none can be missed: say 'with p95 TTFT under 1 s'.", money
        )
    columns = (
        Column("at the peak"),
        Column("forecast", "right"),
        Column("target", "right"),
        Column("room", "right"),
        Column(""),
    )
    rows = tuple(
        (
            target_name(r.metric, r.percentile),
            show_seconds(r.forecast_s),
            show_seconds(r.target_s),
            f"{1 - r.forecast_s / r.target_s:.0%}",
            "met" if r.met else "missed",
        )
        for r in plan.targets
    )
    tight = max(plan.targets, key=lambda r: r.forecast_s / r.target_s)
    met = (
        "Yes: all targets are met in the busiest hour." if plan.answer.meets_targets else "No: not all targets are met."
    )
    share = (
        f"Over the replayed {plan.replay.shape}, {plan.replay.met:.1%} of requests were within them."
        if plan.replay
        else ""
    )
    return (
        *paragraphs(promised, f"{met} The tightest is {target_name(tight.metric, tight.percentile)}.", money),
        Table(columns, rows),
        *paragraphs(share),
    )


def _within(plan: CapacityPlan, target: Target) -> str:
    """Say whether the peak's forecast is within a target that a question names."""
    name = target_name(target.metric, target.percentile)
    forecast = getattr(getattr(plan.performance.at_peak, f"{target.metric}_s"), target.percentile)
    lead = f"{name} is {show_seconds(forecast)} in the busiest hour"
    if forecast <= target.seconds:
        return f"Yes: {lead}, within {show_seconds(target.seconds)}."
    return (
        f"No: {lead}, beyond {show_seconds(target.seconds)}. 'with {name} {show_seconds(target.seconds)}' plans for it."
    )


def memory(asked: Asked) -> Explanation:
    """Return what is free of the KV pool at the peak, and what memory is taken by."""
    plan = asked.plan
    free, each = plan.memory.headroom, plan.memory.per_accelerator
    lead = (
        f"{show_percent(free)} of the KV cache is free in the busiest hour,"
        f" {show_figure(free * each.kv_cache_bytes / GIB)} GiB on each {plan.chosen.accelerator_name}; weights take"
        f" {show_figure(each.weights_bytes / GIB)} of {show_figure(each.total_bytes / GIB)} GiB."
    )
    pool = plan.memory.kv_cache_tokens or plan.memory.kv_cache_pool_bytes / plan.memory.kv_cache_bytes_per_token
    token = (
        f"The pool of a replica holds {show_count(pool)} tokens, {show_count(pool * free)} of them free at the peak. A"
        f" token takes {show_bytes(plan.memory.kv_cache_bytes_per_token)} of KV over the replica, a request of mean"
        f" length {show_bytes(plan.memory.kv_cache_bytes_per_sequence)}. When the pool is full, the runtime makes"
        " requests wait or begin anew; it does not run out of memory."
    )
    each_request = _kv_each(asked) if asked.has("kv|cache") and asked.has(_EACH_REQUEST) else ""
    return (*paragraphs(each_request, lead), *FIGURES["memory"](plan), *paragraphs(token))


_EACH_REQUEST: Final = (
    r"(?:per|each|every|an?|one|single|pro|par|por|je|of) (?:\w+ )?(?:requests?|sequences?|tokens?|users?|"
    r"conversations?|chats?|prompts?|anfragen?|requêtes?|petici\w+)"
)


def _kv_each(asked: Asked) -> str:
    """Return what a request and a token take of the KV cache, in GB where the line says GB, and in which format."""
    plan = asked.plan
    tokens, each = plan.spec.tokens, plan.memory.kv_cache_bytes_per_token
    whole = each * (tokens.input.mean + tokens.output.mean)

    def shown(size: float) -> str:
        return f"{show_figure(size / GB)} GB" if asked.has("gb") else show_bytes(size)

    mean, kept = shown(plan.memory.kv_cache_bytes_per_sequence), plan.chosen.precision.kv_cache.upper()
    return (
        f"A request of {show_count(tokens.input.mean)} + {show_count(tokens.output.mean)} tokens takes {shown(whole)}"
        f" of KV cache when it ends, {mean} on average while it is written: {show_bytes(each)} a token over the"
        f" replica, kept in {kept}. 'KV cache in FP8' halves what 16 bits take."
    )


def _native_context(asked: Asked) -> int | None:
    architecture = asked.plan.spec.architecture
    return architecture.max_context if architecture else _model_context(asked)


def context(asked: Asked) -> Explanation:
    """Return how long one request may be, by the model and by the memory of a replica."""
    plan = asked.plan
    native = _native_context(asked)
    most, pool = plan.spec.serving.context_window or native, plan.memory.kv_cache_tokens or 0
    number = re.search(r"\b(\d+(?:\.\d+)?)(k)?\b(?: tokens?| pages?)?", asked.words)
    wanted = float(number[1]) * (1000 if number[2] else 1) if number else 0.0
    if number and "page" in number[0]:
        wanted *= _PAGE_TOKENS
    asks = ""
    if wanted >= 1000 and most:
        fits = wanted <= min(native or most, pool or wanted)
        asks = (
            f"{'Yes' if fits else 'No'}: {show_count(wanted)} tokens in one request {'fit' if fits else 'do not fit'}; "
            + (f"the pool holds {show_figure(pool / wanted)} of them at once." if pool else "the pool is not known.")
        )
    lead = "The model's limit is not known."
    if most:
        each = (
            f" A replica's KV cache holds {show_count(pool)} tokens, {show_figure(pool / most)} such requests."
            if pool
            else ""
        )
        lead = (
            f"Prompt and answer together: {show_count(most)} tokens, about {show_count(most / _PAGE_TOKENS)}"
            f" pages.{each}"
        )
    mean = plan.spec.tokens.input.mean
    text = (
        f"The plan is for prompts of {show_count(mean)} tokens on average. The limit itself costs nothing; long prompts"
        f" do, by what they take of the pool and of others' latency: 'prompts of {show_count(min(most or 8192, 16000))}"
        " tokens' plans for them, 'with a context window of 32k' for a lower limit."
    )
    return paragraphs(asks, lead, text)


def _model_context(asked: Asked) -> int:
    from catalogs.errors import InputError

    try:
        return asked.ports.catalog.model(asked.plan.chosen.model).model.max_context
    except InputError:
        return 0


_PAYS: Final = (
    r"worth|save|saves|saving|saved|pay off|pays?|bring|brings|gain|lose|without|switch(?:ed)? (?:it )?off|"
    r"turn(?:ed)? off|shut(?:ting)? down|spart|économis\w*|ahorr\w*"
)


def autoscaler(asked: Asked) -> Explanation:
    """Return what the autoscaler is set to, and what it saves."""
    plan, scaling = asked.plan, asked.plan.autoscaling
    fleet = plan.fleet
    lead = (
        f"Scale on requests in flight: {show_figure(scaling.target_in_flight_per_replica)} a replica, between "
        f"{fleet.minimum_replicas} and {fleet.maximum_replicas} replicas, and give back after "
        f"{show_seconds(scaling.scale_down_window_s)} of less."
    )
    cost = plan.cost
    saved = ""
    if plan.spec.money.term in COMMITTED:
        saved = f"The bill stays: what is {TERM_WORDS[plan.spec.money.term]} is owed at every hour."
    elif cost.autoscaled_monthly_usd is not None and cost.monthly_usd:
        saved = (
            f"The autoscaler takes the bill from {show_usd(cost.monthly_usd)} to"
            f" {show_usd(cost.autoscaled_monthly_usd)} a month,"
            f" {show_usd(cost.monthly_usd - cost.autoscaled_monthly_usd)} less than always on."
        )
    shape = next((one.text for one in plan.assumptions if "over the day" in one.text), "")
    rests = f"It rests on the day's shape: {shape.partition('like this: ')[2] or 'as you gave it'}." if saved else ""
    zero = (
        f"To scale to zero, the first request would wait {show_seconds(scaling.reaction_time_s)} for a replica to"
        f" start: this plan keeps {fleet.minimum_replicas} at night."
        if asked.has("zero|night|nights|weekend|weekends|off")
        else ""
    )
    if night := night_rate(asked.text):
        takes = max(1, ceil(night / plan.replica_capacity.requests_per_s - 1e-6))
        gpus = takes * plan.chosen.accelerators_per_replica
        zero = (
            f"At night {show_rate(night)} take {takes} replica{'s' if takes > 1 else ''},"
            f" {gpus} {accelerators_noun(plan.chosen)}, in place of {fleet.replicas}; the busiest hour stays as it is."
            f" The bill is by the day's shape above: '{show_figure(peak_rate(plan) or night)} rps by day,"
            f" {show_figure(night)} rps at night' plans a day with your night. {zero}"
        )
    facts = Facts(
        (
            ("in flight a replica", show_figure(scaling.target_in_flight_per_replica)),
            ("or requests/s a replica", show_figure(scaling.rps_per_replica)),
            ("or waiting requests", show_figure(scaling.queue_length)),
            ("not on GPU utilisation", f"it shows {show_percent(scaling.gpu_utilisation)} long before targets break"),
            ("reaction time", show_seconds(scaling.reaction_time_s)),
        )
    )
    ramp = (
        f"A rise is followed after {show_seconds(scaling.reaction_time_s)}; in that time demand of this shape grows by"
        f" at most {show_percent(scaling.growth_within_reaction - 1)} at 95 of 100 moments, for which the target leaves"
        " room. A steeper rush at a known hour needs its replicas before: raise the minimum by a schedule."
        if asked.has(r"keeps? up|ramp|rush|morning|logs? in|quick enough|jump|o'clock|at \d+|fast enough")
        else ""
    )
    saved = " ".join(filter(None, (saved, rests)))
    first = (ramp, saved, lead) if ramp or asked.has(_PAYS) else (lead, saved)
    return (*paragraphs(*first, zero), facts, *paragraphs(*scaling.warnings))


_AMPERES: Final = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?-?(?:a|amps?|amperes?)\b")
_VOLTS: Final = re.compile(r"(?<![\w.])(\d+) ?-?(?:v|volts?)\b")


def _circuit(asked: Asked, limit_w: float) -> str:
    """Return what a circuit that the line names feeds, beside the accelerators' limit; empty where it names none."""
    amperes = _AMPERES.search(asked.words)
    if amperes is None or not asked.has(r"circuits?|phases?|fuses?|breakers?|sockets?|feeds?|amps?|amperes?|supply"):
        return ""
    three = asked.has("(?:three|3)[- ]?phases?|400 ?v|415 ?v|480 ?v")
    stated = _VOLTS.search(asked.words)
    volts = float(stated[1]) if stated else 400.0 if three else 230.0
    feeds_w = float(amperes[1]) * volts * (3**0.5 if three else 1.0)
    sum = f"{'√3 × ' if three else ''}{volts:g} V × {amperes[1]} A = {show_figure(feeds_w / 1000)} kW"
    assumed = "" if stated else f", at {volts:g} V as in Europe; say 'at 208 V' for yours"
    verdict = "more than" if feeds_w > limit_w else "no more than"
    return (
        f"{sum}{assumed}: {verdict} the {show_figure(limit_w / 1000)} kW that the accelerators alone may draw. Hosts,"
        " network and cooling come on top, and codes allow a part of a circuit for steady load: an electrician decides."
    )


def power(asked: Asked) -> Explanation:
    """Return power, energy and what it costs; emissions where the grid is known."""
    plan, energy = asked.plan, asked.plan.energy
    if energy is None:
        return paragraphs(
            f"No power curve of {plan.chosen.accelerator_name} is known, so that its draw cannot be said."
        )
    accelerator = asked.ports.catalog.accelerators[plan.chosen.accelerator]
    limit_w = accelerator.power_w * plan.fleet.accelerators
    kwh = energy.kwh_per_month
    facts = [
        ("draw, mean", f"{show_figure(energy.watts / 1000)} kW"),
        (
            "accelerators' power limit",
            f"{show_figure(limit_w / 1000)} kW ({show_figure(accelerator.power_w)} W each), without hosts",
        ),
        ("energy", f"{show_count(kwh)} kWh a month, {show_count(12 * kwh)} a year"),
        (
            "electricity",
            (
                f"{show_usd(kwh * plan.spec.money.usd_per_kwh)} a month at {show_usd(plan.spec.money.usd_per_kwh)} per"
                " kWh; part of the rent where it is rented"
            ),
        ),
        ("an output token", f"{show_figure(energy.joules_per_output_token)} J"),
        ("heat to cool", f"{show_count(energy.watts * 3.412)} BTU/h on average"),
    ]
    if energy.g_co2e_per_month is not None:
        facts.append(("emissions", f"{show_count(energy.g_co2e_per_month / 1000)} kg CO2e a month"))
    else:
        facts.append(
            (
                "emissions",
                (
                    f"{show_count(kwh * 0.4)} kg CO2e a month on a grid of 400 g/kWh; state your own with"
                    " money.grid_g_co2e_per_kwh"
                ),
            )
        )
    lead = f"{show_figure(energy.watts / 1000)} kW on average, {show_count(kwh)} kWh a month ({energy.basis})."
    return (
        *paragraphs(_circuit(asked, limit_w), lead),
        Facts(tuple(facts)),
        *paragraphs("'with at most 20 kW' plans for a limit of power."),
    )


def instance(asked: Asked) -> Explanation:
    """Return whose instances, which, where, how many and on which terms."""
    plan, offer = asked.plan, asked.plan.chosen.offer
    provider = asked.said("money.provider")
    if provider and (offer is None or provider != offer.provider):
        there = asked.sketch(
            {"money.provider": provider, "hardware.accelerators": (plan.chosen.accelerator,)},
            frozenset({"money.region"}),
        )
        if not isinstance(there, CapacityPlan) or there.chosen.offer is None:
            return paragraphs(
                f"{provider} has no instance of {plan.chosen.accelerator_name} that I know; 'is it cheaper on"
                f" {provider}' says what it has instead."
            )
        plan, offer = there, there.chosen.offer
    if offer is None:
        return paragraphs(
            f"{plan.fleet.accelerators} × {plan.chosen.accelerator_name};"
            f" {plan.cost.note or 'no offer of it is known'}."
        )
    lead = (
        f"{plan.fleet.instances} × {offer.instance} of {offer.provider}{f' in {offer.region}' if offer.region else ''},"
        f" {offer.accelerators} × {plan.chosen.accelerator_name} in each, {TERM_WORDS[offer.term]} at"
        f" {show_usd(offer.usd_per_hour)} an hour (price of {offer.checked or 'yours'})."
    )
    quota = quota_shown(plan)
    if asked.has(_QUOTA):
        return paragraphs(quota, lead, room_billed(plan))
    return paragraphs(lead, room_billed(plan), quota)


_QUOTA: Final = (
    r"quotas?|limits?|reserv\w*|request|tickets?|capacity block|ask|order|file|increase|kontingent|cupo|クォータ"
)


def quota_shown(plan: CapacityPlan) -> str:
    """Return how many accelerators to ask a provider for: in whole instances, and those that run among them."""
    fleet, noun = plan.fleet, accelerators_noun(plan.chosen)
    most = paid_accelerators(plan.chosen, fleet.maximum_replicas)
    whole = (
        f", in whole instances, of which {fleet.maximum_accelerators} run" if most > fleet.maximum_accelerators else ""
    )
    scaled = ", which is the most that it scales to" if fleet.maximum_replicas > fleet.replicas else ""
    offer = plan.chosen.offer
    count = f" ({most // offer.accelerators} × {offer.instance})" if offer and offer.accelerators > 1 else ""
    vcpu = " A quota that counts vCPUs: those of an instance, which its page lists, × that number." if count else ""
    return f"Ask for a quota of {most} {noun}{count}{whole}{scaled}.{vcpu}"


def fleet(asked: Asked) -> Explanation:
    """Return the fleet in a sentence, and how a replica is laid out."""
    plan, chosen = asked.plan, asked.plan.chosen
    counts = plan.fleet
    lead = f"{plan.answer.sentence.rstrip('.')}."
    layout = (
        f"{counts.accelerators} {accelerators_noun(chosen)} = {counts.replicas} replicas ×"
        f" {chosen.accelerators_per_replica} ({split_shown(chosen)}), weights in {chosen.precision.weights.upper()}, KV"
        f" cache in {chosen.precision.kv_cache.upper()}, on {chosen.runtime} {chosen.runtime_version}. At night"
        f" {counts.minimum_replicas} replicas, at most {counts.maximum_replicas}."
    )
    bill = f"{usd_shown(plan.cost.monthly_usd)} a month. 'why so many GPUs' has the sum."
    return paragraphs(lead, layout, room_billed(plan), bill)


def interconnect(asked: Asked) -> Explanation:
    """Return what links the plan relies on, within and between nodes."""
    plan, chosen = asked.plan, asked.plan.chosen
    accelerator = asked.ports.catalog.accelerators[chosen.accelerator]
    size, node = chosen.accelerators_per_replica, accelerator.per_node
    link = accelerator.link
    if size == 1:
        text = (
            f"No: a replica is one {chosen.accelerator_name}, so that nothing is exchanged between accelerators, and"
            " PCIe will do."
        )
    elif size <= node:
        text = (
            f"A replica is {split_shown(chosen)} within one node. The plan reckons with {link.kind} at"
            f" {show_figure(link.gb_per_s)} GB/s each way; over a slower link each step takes longer: 'on' the PCIe"
            " form, where there is one, says by how much. No InfiniBand: replicas exchange nothing."
        )
    else:
        text = (
            f"A replica spans {-(-size // node)} nodes: it needs {link.kind} within them and"
            f" {show_figure(accelerator.inter_node_gb_per_s)} GB/s per accelerator between them (InfiniBand or RoCE)."
        )
    tokens, rate = plan.spec.tokens, plan.spec.traffic.requests_per_s or 0.0
    egress = (
        f"To the users go some {show_bytes(rate * tokens.output.mean * 200)} a second, at about 200 bytes for a"
        " streamed token; in front stands a load balancer that routes to the replica with the least requests in"
        " flight."
    )
    return paragraphs(text, egress if rate else "")


def storage(asked: Asked) -> Explanation:
    """Return the size of the weights on disk and how long they take to load."""
    plan = asked.plan
    weights = plan.memory.weights_bytes
    speed = plan.spec.scaling.weights_bytes_per_s
    given = re.search(r"(\d+(?:\.\d+)?) ?(gb|mb|gbit)/s", asked.words)
    if given:
        speed = float(given[1]) * {"gb": GB, "mb": GB / 1000, "gbit": GB / 8}[given[2]]
    lead = (
        f"{show_bytes(weights)} of weights in {plan.chosen.precision.weights.upper()}, as they lie in memory; the"
        f" checkpoint on disk is about as large, so {show_bytes(2 * weights)} of disk on each node lets a new version"
        " lie beside the old one."
    )
    return paragraphs(
        lead,
        f"At {show_bytes(speed)}/s they are read in {show_seconds(weights / speed)}. The container image of a runtime"
        " adds some 10 to 20 GB.",
    )


def start(asked: Asked) -> Explanation:
    """Return the command that starts a replica, its flags with their reasons, and how many to start."""
    chosen = asked.plan.chosen
    if not chosen.command:
        return paragraphs(f"No command is known that starts {chosen.runtime} like this.")
    flags = Facts(tuple((f"{flag.flag} {flag.value}".strip(), flag.why) for flag in chosen.flags))
    cap = next((flag.value for flag in chosen.flags if "num-seqs" in flag.flag or "max-running" in flag.flag), "")
    seats = ""
    if asked.has("max-num-seqs|num-seqs|max_num_seqs|seats|max-running-requests"):
        peak, held = asked.plan.performance.at_peak, asked.plan.memory.max_concurrent_sequences
        seats = (
            f"{'Set to ' + cap if cap else 'No cap is set'}: {show_figure(peak.in_flight)} requests are in flight at"
            f" the peak and memory holds {show_count(held)}; anything between {show_count(round(2 * peak.in_flight))}"
            " and that changes nothing, a smaller cap makes requests wait."
        )
    many = (
        f"Start {asked.plan.fleet.replicas} of them behind a load balancer that routes to the least requests in flight."
    )
    cluster = (
        "'export kubernetes', 'export helm values', 'export compose' write the files of this plan; Terraform and"
        " Ansible are not written: put this command into yours."
        if asked.has("kubernetes|k8s|helm|compose|manifest|yaml|docker|terraform|ansible|chart|values")
        else ""
    )
    native = None if asked.plan.spec.serving.context_window else _native_context(asked)
    room = (
        f"No cap on the context is set: a request may hold {show_count(native)} tokens; 'context window 8192' caps it."
        if native
        else ""
    )
    return (Command(chosen.command, start_lead(chosen)), flags, *paragraphs(seats, room, many, cluster))


def load_test(asked: Asked) -> Explanation:
    """Return how the plan is checked: simulated here, and measured on one replica."""
    plan = asked.plan
    tokens, each = plan.spec.tokens, plan.performance.at_peak
    bench = (
        f"vllm bench serve --model {plan.chosen.model} --dataset-name random --random-input-len {tokens.input.mean:.0f}"
        f" --random-output-len {tokens.output.mean:.0f} --request-rate {each.requests_per_s:.3g} --num-prompts"
        f" {max(200, round(600 * each.requests_per_s))} --percentile-metrics ttft,tpot,e2el"
    )
    expected = (
        f"One replica ({plan.chosen.accelerators_per_replica} × {plan.chosen.accelerator_name}) is enough to test. At"
        f" {show_rate(each.requests_per_s)} expect TTFT p95 {show_seconds(each.ttft_s.p95)}, ITL mean"
        f" {show_seconds(each.itl_s.mean)} and {show_figure(each.in_flight)} requests in flight; your own prompts are"
        " better than random ones, which vary less in length and share no prefix."
    )
    return (
        *paragraphs(expected),
        Command(bench, "Against one replica at its share of the peak:"),
        Command(
            "fleetcast simulate plan.json",
            "Here, request by request, after 'save plan.json' (a day with '--span day', a trace with '--trace'):",
        ),
    )


def recap(plan: CapacityPlan) -> str:
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
