"""What would change the plan, each with its figure: the same accelerators and precision under another question."""

from collections.abc import Iterator, Sequence
from math import exp

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.errors import InputError
from catalogs.units import show_count, show_percent, show_seconds, show_usd
from engine.choice.options import Option, Options
from engine.choice.sharing.pool import pooled
from engine.choice.sharing.workloads import Conflict, workload_of
from engine.fleet.search import SizedCandidates, array_of_one, search
from engine.planning.phrases import counted
from engine.planning.thresholds import starts_from
from engine.question.demand import demand_of
from engine.question.resolve import Question, resolve
from engine.replica.batches import batch_at_rate
from engine.workload import Target, TokenDistribution, WorkloadSpec

CACHED_ANSWERS = 0.2
"""Share of requests that a cache of answers serves. An assumption: yours is what your logs repeat."""
CACHED_PREFIX = 0.5
"""Share of prompt tokens found again: public chat traces reuse 0.37 to 0.62 (Mooncake, Qwen to-C)."""
SHORTER = 0.75
"""Times the length of an answer."""
DRAFTED, ACCEPTED = 3, 0.7
"""Tokens that are drafted ahead, and the chance that each is accepted: EAGLE-like heads have 0.6 to 0.8 on chat."""
FINE_TUNES = 4
"""Models of one base's dimensions that the traffic might be of, each with as much of it."""
KEPT_S = 900.0
"""Idle time after which a service is scaled to zero, seconds."""
WORTH = 0.01
"""Share of the bill below which nothing is advised."""
INTERACTIVE_TTFT_S, INTERACTIVE_ITL_S, BATCH_S = 3.0, 0.1, 60.0
"""Up to the first two somebody reads along; from the third on nobody waits at a screen."""


class Advice(Struct, frozen=True):
    """A change, what it rests on, and what it does to the fleet."""

    change: str
    accelerators: int
    """Fewer; 0 where it moves a latency."""
    monthly_usd: float
    note: str = ""


def latency_class(spec: WorkloadSpec, targets: Sequence[Target]) -> str:
    """Return the latency class of a workload in words, and whose targets make it.

    Args:
        spec: with the targets that were stated.
        targets: that hold, with the default ones.
    """
    added = [target for target in targets if target.metric not in {stated.metric for stated in spec.targets}]
    listed = " and ".join(f"{t.name} within {show_seconds(t.seconds)}" for t in added)
    return f"{_class(targets)}{f' ({listed} by default)' if listed else ''}"


def _class(targets: Sequence[Target]) -> str:
    limits: dict[str, float] = {}
    for target in targets:
        limits[target.metric] = min(limits.get(target.metric, np.inf), target.seconds)
    if not limits:
        return "no latency is asked for: planned for throughput"
    if min(limits.get("ttft", np.inf), limits.get("e2e", np.inf)) >= BATCH_S and "itl" not in limits:
        return "batch: nobody waits at a screen"
    ttft, itl = limits.get("ttft", 0.0), limits.get("itl", 0.0)
    if ttft <= INTERACTIVE_TTFT_S and itl <= INTERACTIVE_ITL_S and "e2e" not in limits:
        return "interactive: somebody reads along"
    return "standard: somebody waits for the whole answer"


def advice(found: Options, best: Option) -> tuple[Advice, ...]:
    """Return what would change the plan, the most money first; what changes nothing is left out."""
    question = _alone(found, best)
    usd = best.measure("cost")
    kept = [
        one
        for one in _changes(question, best)
        if one.note or (one.monthly_usd > WORTH * usd and np.isfinite(one.monthly_usd))
    ]
    return tuple(sorted(kept, key=lambda one: -one.monthly_usd))


def _alone(found: Options, best: Option) -> Question:
    question = found.searched[best.search][0]
    accelerators = tuple(a for a in question.accelerators if a.id == best.accelerator)
    money = replace(question.spec.money, term=best.term)
    precision = replace(question.spec.precision, weights=best.precision)
    hardware = replace(question.spec.hardware, accelerators=(best.accelerator,))
    spec = replace(question.spec, money=money, precision=precision, hardware=hardware)
    return replace(question, accelerators=accelerators, spec=spec)


def _changes(question: Question, best: Option) -> Iterator[Advice]:
    spec = question.spec
    traffic, tokens = spec.traffic, spec.tokens
    if traffic.requests_per_s is not None:
        rate = traffic.requests_per_s * (1 - CACHED_ANSWERS)
        fewer = replace(spec, traffic=replace(traffic, requests_per_s=rate))
        yield from _saved(question, best, fewer, f"{show_percent(CACHED_ANSWERS)} of the answers from a cache")
        if traffic.peak_factor * traffic.burst > 1 or traffic.hourly_profile:
            even = replace(traffic, peak_factor=1.0, burst=1.0, hourly_profile=())
            yield from _saved(question, best, replace(spec, traffic=even), "work that can wait run in quiet hours")
    if tokens.prefix_hit < CACHED_PREFIX:
        again = replace(spec, tokens=replace(tokens, prefix_hit=CACHED_PREFIX))
        yield from _saved(
            question, best, again, f"{show_percent(CACHED_PREFIX)} of prompt tokens found in the prefix cache"
        )
    shorter = replace(spec, tokens=replace(tokens, output=_times(tokens.output, SHORTER)))
    yield from _saved(question, best, shorter, f"answers {show_percent(1 - SHORTER)} shorter")
    if question.weights.bits > 8.5 and not question.storage.block:
        eight = replace(spec, precision=replace(spec.precision, weights="fp8"))
        yield from _saved(question, best, eight, "weights in FP8")
    if not spec.serving.pipeline_parallel:
        stages = 2 * best.pipeline_parallel
        longer = replace(spec, serving=replace(spec.serving, pipeline_parallel=stages))
        change = f"a pipeline of {stages} stages over nodes (--pp {stages}; what their network costs is judgement)"
        yield from _saved(question, best, longer, change)
    yield from _apart(question, best)
    yield from _to_zero(question, best)
    yield from _speculative(question, best)
    yield from _adapters(question)


def _adapters(question: Question) -> Iterator[Advice]:
    """LoRA adapters of one base on one fleet, beside a fleet for each fine-tune: what this traffic would be of them."""
    traffic = question.spec.traffic
    if traffic.requests_per_s is None:
        return
    part = replace(traffic, requests_per_s=traffic.requests_per_s / FINE_TUNES)
    # Other costs and the budget are of the whole, and no part's.
    alone = replace(question.spec.money, other_monthly_usd=0.0, monthly_budget_usd=None)
    tuned = workload_of("fine-tune", replace(question.spec, traffic=part, money=alone), question.catalog)
    if tuned is None or tuned.best.monthly_usd is None:
        return
    try:
        base = pooled([tuned] * FINE_TUNES, adapters=True)
    except Conflict:
        return
    other = question.spec.money.other_monthly_usd
    shared, models = base.monthly_usd + other, FINE_TUNES * tuned.best.monthly_usd + other
    if shared < (1 - WORTH) * models:
        count = FINE_TUNES * tuned.best.accelerators
        yield Advice(
            f"were this the traffic of {FINE_TUNES} fine-tunes, LoRA adapters of one base on one fleet",
            0,
            0.0,
            f"{counted(base.accelerators, 'GPU')}, {show_usd(shared)} a month; as models of their own "
            f"{show_count(count)}, {show_usd(models)}",
        )


def _times(lengths: TokenDistribution, times: float) -> TokenDistribution:
    p95 = lengths.p95 * times if lengths.p95 else None
    return replace(lengths, mean=lengths.mean * times, p95=p95, values=tuple(value * times for value in lengths.values))


def _searched(question: Question, spec: WorkloadSpec) -> SizedCandidates | None:
    try:
        sized = search(resolve(spec, question.catalog))
    except InputError:
        return None
    return sized if len(sized.order) else None


def _saved(question: Question, best: Option, spec: WorkloadSpec, change: str) -> Iterator[Advice]:
    sized = _searched(question, spec)
    if sized is not None:
        row = int(sized.order[0])
        usd = float(sized.monthly_usd[row]) + spec.money.other_monthly_usd
        yield Advice(change, best.accelerators - int(sized.accelerators[row]), best.measure("cost") - usd)


def _apart(question: Question, best: Option) -> Iterator[Advice]:
    """Prefill and decode on replicas of their own: prompts with one token of answer, and answers without prompts."""
    by_metric = {metric: [t for t in question.spec.targets if t.metric == metric] for metric in ("ttft", "itl")}
    if not all(by_metric.values()) or question.mean_rate is None:
        return
    tokens = question.spec.tokens
    one = replace(tokens, output=TokenDistribution(mean=1, cv=0), reasoning_tokens=0.0)
    prefill = _searched(question, replace(question.spec, tokens=one, targets=tuple(by_metric["ttft"])))
    ready = replace(tokens, prefix_hit=1 - 1 / max(tokens.input.mean, 2.0))
    decode = _searched(question, replace(question.spec, tokens=ready, targets=tuple(by_metric["itl"])))
    if prefill is None or decode is None:
        return
    rows = [int(sized.order[0]) for sized in (prefill, decode)]
    counts = [int(sized.accelerators[row]) for sized, row in zip((prefill, decode), rows, strict=True)]
    usd = sum(float(sized.monthly_usd[row]) for sized, row in zip((prefill, decode), rows, strict=True))
    saved = best.measure("cost") - usd - question.spec.money.other_monthly_usd
    where = f"prefill apart from decode ({counts[0]} and {counts[1]} GPUs; moving the KV cache is not counted)"
    yield Advice(where, best.accelerators - sum(counts), saved)


def _to_zero(question: Question, best: Option) -> Iterator[Advice]:
    """Nothing up while nobody asks, for traffic so rare that one replica is idle for longer than it is kept."""
    rate, spec = question.mean_rate, question.spec
    scaling = starts_from(spec, best.provider)
    if rate is None or best.replicas > 1 or best.monthly_usd is None:
        return
    hours = demand_of(question.spec.traffic).hourly
    up = sum(1 - exp(-rate * share * KEPT_S) for share in hours) / len(hours)
    load = question.parameters * question.weights.bits / 8 / scaling.weights_bytes_per_s
    cold = (scaling.node_s or 0.0) + (scaling.image_s or 0.0) + load + scaling.warm_up_s + scaling.ready_s
    said = f"scaled to zero after {show_seconds(KEPT_S)} without a request; the next then waits {show_seconds(cold)}"
    yield Advice(said, 0, (1 - up) * (best.monthly_usd - best.other_usd))


def _speculative(question: Question, best: Option) -> Iterator[Advice]:
    """Tokens drafted ahead and verified in one step, E = (1 − α^(k+1))/(1 − α) a step: arXiv:2211.17192, equation 1.

    A step then carries k + 1 tokens of each sequence over the same KV cache, and a draft of one layer.
    """
    sized = _searched(question, question.spec)
    if sized is None:
        return
    one = array_of_one(sized, int(sized.order[0]))
    costs, seats = one.replicas.costs, float(one.replicas.seats[0, 0])
    gain = (1 - ACCEPTED ** (DRAFTED + 1)) / (1 - ACCEPTED)
    at_rate = best.utilisation * one.replicas.saturated_rate[:, :1]
    running = batch_at_rate(one.replicas, np.minimum(at_rate, 0.999 * one.replicas.saturated_rate))[0, 0]
    batches = np.unique(np.append(np.geomspace(1.0, max(seats, 1.0), 60), max(running, 1.0)))[None, :]
    plain = costs.at(batches).decoding
    layers = question.model.layer_count
    drafted = (
        costs.tables.base(batches * (DRAFTED + 1)) - costs.tables.base(batches) + plain * (1 + DRAFTED / layers)
    ) / gain
    pays = drafted[0] < plain[0]
    here = int(np.searchsorted(batches[0], max(running, 1.0)))
    asked = {target.metric for target in question.spec.targets}
    if not pays[here] or (asked and "itl" not in asked):
        return
    last = batches[0][int(np.argmin(pays))] if not pays.all() else None
    stops = (
        f"stops paying above {show_count(round(float(last)))}"
        if last is not None
        else "by the kernels alone it pays at every batch that fits"
    )
    times = float(drafted[0][here] / plain[0][here])
    yield Advice(
        f"speculative decoding ({DRAFTED} drafted, {show_percent(ACCEPTED)} accepted)",
        0,
        0.0,
        f"a step for each token of an answer {show_seconds(float(plain[0][here]))} → "
        f"{show_seconds(float(plain[0][here]) * times)} with {show_count(round(float(running)))} in a replica; {stops}",
    )
