"""CapacityPlan: the records of a result, and a plan as JSON values. See spec-kit/nomenclature.md for the terms.

Plans are read back in ``engine/plan_file.py`` and written in ``agent/exports``.

Conventions: TTFT is at the server, queueing included. ITL percentiles are over requests, each request's ITL being
(E2E − TTFT)/(output tokens − 1). Figures are written with six significant digits.
"""

from collections.abc import Mapping
from math import inf, isfinite
from typing import Any, Literal, Protocol

from msgspec import UNSET, Struct, UnsetType, to_builtins

from catalogs.records.calibrations import Calibration
from engine.workload import BandLevel, Metric, Percentile, Source, Term, WorkloadSpec, target_name, targets_by_default

SCHEMA_VERSION = 1

Verdict = Literal["compatible", "marginal", "incompatible"]
MomentName = Literal["peak", "steepest"]
Reason = Literal["mean", "peak", "burst", "growth", "spares", "rounding"]


class Result(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a plan: frozen, and read from a file strictly."""


class Answer(Result, frozen=True):
    """The plan in a line."""

    meets_targets: bool
    sentence: str
    """For a person: '12 × A100 SXM4 80GB: 3 replicas of TP4, …'."""
    holds_to_requests_per_s: float
    breaks_first: str
    """What gives way beyond that rate: a target, memory, the batch cap, compute."""


class ChosenPrecision(Result, frozen=True):
    """The formats of the chosen candidate."""

    weights: str
    kv_cache: str
    activations: str


class ChosenOffer(Result, frozen=True):
    """The rental offer that the bill is made of."""

    provider: str
    region: str
    instance: str
    accelerators: int
    term: Term
    usd_per_hour: float
    """Per instance."""
    source: str
    checked: str
    stands_in_for: str = ""
    """The place that was asked for, where no price is known: this one is of another."""


class LaunchFlag(Result, frozen=True):
    """One flag of the command that starts a replica."""

    flag: str
    value: str
    """Empty for a switch."""
    why: str


class Chosen(Result, frozen=True):
    """One replica, and where it runs."""

    model: str
    model_name: str
    accelerator: str
    accelerator_name: str
    accelerators_per_replica: int
    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int
    expert_parallel: int
    precision: ChosenPrecision
    runtime: str
    offer: ChosenOffer | None
    command: str
    """What to type to start the runtime like this; empty where no command is known."""
    flags: tuple[LaunchFlag, ...]
    """Of the command, each with the reason for its value."""
    needs: str = ""
    """What that takes beside the runtime's usual package; empty where nothing."""
    options: tuple[LaunchFlag, ...] = ()
    """Lines of the runtime's file of settings that have no flag; a dot in the name leads into a section."""
    runtime_version: str = ""
    """Whose defaults and flags the plan rests on; empty where versions of the runtime are not told apart."""


class AcceleratorMemory(Result, frozen=True):
    """What one accelerator of the replica holds, bytes; the parts sum to the total."""

    total_bytes: float
    weights_bytes: float
    kv_cache_bytes: float
    activations_bytes: float
    runtime_bytes: float
    unused_bytes: float
    """What the runtime is not allowed to take."""


class PoolSize(Result, frozen=True):
    """How large the KV pool of a replica is."""

    kv_cache_pool_bytes: float
    kv_cache_tokens: float
    max_concurrent_sequences: int
    """At the mean live length; none where one request of the longest kind does not fit."""


class PoolBand(Result, frozen=True):
    """How small and how large a runtime may find the KV pool as it starts: one in ten lies beyond either end."""

    low: PoolSize
    high: PoolSize


class Memory(Result, frozen=True):
    """Memory of one replica."""

    weights_bytes: float
    """The whole model, once."""
    kv_cache_bytes_per_token: float
    """The whole model, for one more token of a short context (before any window is full)."""
    kv_cache_bytes_per_sequence: float
    """At the mean live length."""
    kv_cache_pool_bytes: float
    """Over all accelerators of the replica."""
    max_concurrent_sequences: int
    """At the mean live length."""
    max_concurrent_sequences_p95: int
    """At the 95th percentile of length."""
    headroom: float
    """Share of the KV pool that is free at the planned load."""
    verdict: Verdict
    per_accelerator: AcceleratorMemory
    kv_cache_tokens: float | None = None
    """Requests of the context limit that the pool holds, times that limit: what vLLM prints as 'GPU KV cache size'."""
    band: PoolBand | None = None
    """Null where nobody compared pools with logs of the runtime."""


class Latency(Result, frozen=True):
    """A latency's mean and percentiles, seconds."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float


class Performance(Result, frozen=True):
    """One replica at a load."""

    requests_per_s: float
    """Per replica."""
    batch: float
    """Requests decoding together, on average."""
    in_flight: float
    """Requests running or waiting, on average."""
    utilisation: float
    """Load over the saturated rate."""
    kv_cache_usage: float
    output_tokens_per_s: float
    """Per replica."""
    ttft_s: Latency
    itl_s: Latency
    e2e_s: Latency
    token_gap_s: Latency
    """Gaps between tokens of one stream: what a reader sees as stutter."""

    def latency_s(self, metric: Metric, percentile: Percentile) -> float:
        """Return a latency at a percentile, or its mean, seconds."""
        latency: Latency = getattr(self, f"{metric}_s")
        return float(getattr(latency, percentile))


class PerformanceAt(Result, frozen=True):
    """At the mean rate and at the peak hour, with the replicas of each."""

    at_mean: Performance
    at_peak: Performance


class NamedTarget(Result, frozen=True):
    """A latency at a percentile, and its limit."""

    metric: Metric
    percentile: Percentile
    target_s: float

    @property
    def name(self) -> str:
        """The target as people say it: 'TTFT p95'."""
        return target_name(self.metric, self.percentile)


class TargetResult(NamedTarget, frozen=True):
    """A target and what the plan forecasts for it at the peak."""

    forecast_s: float
    met: bool


class SimulatedFigure(Result, frozen=True):
    """A simulated figure, seconds, its 95 % confidence interval and what the formula says; null where unknown."""

    value: float
    low: float | None
    high: float | None
    formula: float | None


class SimulatedLatency(Result, frozen=True):
    """A latency's mean and percentiles."""

    mean: SimulatedFigure
    p50: SimulatedFigure
    p90: SimulatedFigure
    p95: SimulatedFigure
    p99: SimulatedFigure


class SimulatedTarget(NamedTarget, frozen=True):
    """A target and what came of it."""

    simulated_s: float
    low: float | None
    high: float | None
    formula_s: float | None
    met: bool
    """In a plan's verification: unless it is missed beyond the doubt of the simulation."""
    within: float | None
    """Share of requests within the target; null for loads too long to keep every request."""


class Verification(Result, frozen=True):
    """Replicas of the plan at the peak hour, simulated request by request: their share of the fleet's arrivals."""

    requests: int
    """Simulated, those that warm the replicas up included."""
    seed: int
    replicas: int
    """Simulated together: at most four of the fleet's."""
    routing: str
    """How requests are shared among them."""
    requests_per_s: float
    """Of one replica."""
    ttft_s: SimulatedLatency
    itl_s: SimulatedLatency | None
    """Null where every answer has one token."""
    e2e_s: SimulatedLatency
    targets: tuple[SimulatedTarget, ...]
    utilisation: float
    """Share of the time in which a step ran."""
    kv_cache_usage: float
    preemptions: int
    added_replicas: int
    """Running at the peak hour because of the simulation: the formulas asked for fewer."""
    sized: bool = False
    """Whether the simulation set what the fleet carries, since it found the formulas off beyond its doubt."""


class Moment(Result, frozen=True):
    """Some minutes of a replay, request by request: replicas behind one router, under the load of each of them."""

    name: MomentName
    start_s: float
    """From the beginning of the day or the week."""
    duration_s: float
    """The last of ten minutes where fewer hold as many requests as are simulated."""
    requests: int
    """Counted, in all replicas."""
    replicas: int
    """Simulated."""
    of_replicas: int
    """That served then."""
    requests_per_s: float
    """Of one replica."""
    ttft_s: SimulatedLatency
    itl_s: SimulatedLatency | None
    """Null where every answer has one token."""
    e2e_s: SimulatedLatency
    targets: tuple[SimulatedTarget, ...]
    """Met unless missed beyond the doubt of the simulation."""

    @property
    def missed(self) -> tuple[SimulatedTarget, ...]:
        """The targets that are missed."""
        return tuple(target for target in self.targets if not target.met)


class Correction(Result, frozen=True):
    """A threshold that the replay changed."""

    threshold: Literal["target_utilisation", "minimum_replicas", "scale_down_window_s"]
    planned: float
    corrected: float
    why: str


class Replay(Result, frozen=True):
    """The fleet under its autoscaler over a day or a week of its demand, minute by minute."""

    shape: Literal["day", "week"]
    basis: str
    """Whose hours: the user's, a preset's, or a default's."""
    seed: int
    met: float
    """Share of requests within the limits of the targets; without targets, of those served below saturation."""
    replica_hours: float
    """Serving or starting."""
    accelerator_hours: float
    """Of whole instances where the fleet is rented, from the order of a replica on."""
    fixed_replicas: int
    """Always on instead: for the peak hour and its burst, with spares."""
    fixed_accelerator_hours: float
    saving: float
    """Share of the fixed fleet's accelerator-hours."""
    minimum_replicas: int
    """Held at once, at least."""
    maximum_replicas: int
    scale_ups: int
    scale_downs: int
    flaps: int
    """Times that replicas were asked for within half an hour of having been given back."""
    late_minutes: int
    """In which a target failed (without targets: a replica was saturated) and the fleet had replicas left to start."""
    beyond_fleet_minutes: int
    """In which it failed with all replicas that the fleet may have."""
    corrections: tuple[Correction, ...]
    requests_per_s_by_hour: tuple[float, ...]
    """Of the whole fleet, model calls."""
    replicas_by_hour: tuple[float, ...]
    """Held, on average."""
    moments: tuple[Moment, ...] = ()
    """The peak and the steepest ten minutes; empty where nobody simulated the plan."""


class LoadPoint(Result, frozen=True):
    """One replica at a load: what a dashboard shows of it there."""

    requests_per_s: float
    in_flight: float
    """Requests running or waiting, on average."""
    waiting: float
    kv_cache_usage: float
    ttft_p95_s: float
    itl_p95_s: float


class ReplicaCapacity(Result, frozen=True):
    """The largest load of one replica within the targets."""

    requests_per_s: float
    """λ_cap."""
    saturated_requests_per_s: float
    """λ_max, with every queue full."""
    binds: str
    """What stops it there."""
    breaks_next: str
    prefill_tokens_per_s: float | None = None
    """V_P, peak prefill rate: prompt tokens of one step's budget over their own TTFT with nobody else there, times the
    data-parallel ranks. Null in plans of older programs."""
    load_curve: tuple[LoadPoint, ...] = ()
    """One replica at rising loads up to near saturation; empty in plans of older programs."""


class LedgerLine(Result, frozen=True):
    """One reason for capacity, and what it costs; nothing is counted twice."""

    reason: Reason
    why: str
    replicas: int
    accelerators: int
    monthly_usd: float | None


class Fleet(Result, frozen=True):
    """How many."""

    replicas: int
    """Running at today's peak hour, spares among them."""
    minimum_replicas: int
    """At the trough, spares included."""
    maximum_replicas: int
    """All lines of the ledger."""
    accelerators: int
    """At today's peak hour: replicas × accelerators per replica."""
    maximum_accelerators: int
    """All lines of the ledger but the rounding."""
    instances: int
    """Billed for today's fleet."""
    billed_accelerators: int
    """In those instances."""
    capacity_requests_per_s: float
    """With the spares down; so is the one below."""
    capacity_output_tokens_per_s: float
    ledger: tuple[LedgerLine, ...]
    rated_watts: float | None = None
    """Power limits of the whole fleet, with their share of the hosts; null where no power was said to be allowed."""

    @property
    def spares(self) -> int:
        """Replicas that were asked for beyond what the load needs."""
        return sum(line.replicas for line in self.ledger if line.reason == "spares")

    @property
    def working_replicas(self) -> int:
        """Replicas that today's peak hour needs: all but the spares."""
        return max(self.replicas - self.spares, 1)

    @property
    def most_replicas(self) -> int:
        """Replicas that an autoscaler may hold."""
        return max(self.maximum_replicas, self.replicas, self.minimum_replicas)


class Autoscaling(Result, frozen=True):
    """When to scale out and in."""

    target_in_flight_per_replica: float
    rps_per_replica: float
    queue_length: float
    ttft_s: float
    kv_cache_usage: float
    gpu_utilisation: float
    """Reported, never a trigger: it saturates long before targets break."""
    target_utilisation: float
    growth_within_reaction: float
    """g(R): demand after one reaction time over demand now, 95th percentile."""
    scale_down_window_s: float
    reaction_time_s: float
    reaction_parts_s: dict[str, float]
    reasons: dict[str, str]
    """By field: why this value."""
    warnings: tuple[str, ...]
    """Thresholds that cannot do their work, and what to change."""


class TokenPrices(Result, frozen=True):
    """USD per million tokens at the real duty cycle; tokens × prices sum to the bill."""

    input: float
    output: float
    blended: float


class Cost(Result, frozen=True):
    """The bill of a month (730 h), USD; null where no price is known."""

    monthly_usd: float | None
    """Today's fleet, always on."""
    minimum_monthly_usd: float | None
    autoscaled_monthly_usd: float | None
    """As the replay held the replicas; without one, by the hours of the profile."""
    maximum_monthly_usd: float | None
    usd_per_request: float | None
    usd_per_million_tokens: TokenPrices | None
    idle_share: float | None
    """Share of the bill paid for capacity that serves nobody, on average."""
    cheapest_monthly_usd: float | None
    """The same fleet at the cheapest qualifying offer."""
    dearest_monthly_usd: float | None
    other_monthly_usd: float
    within_budget: bool | None
    note: str
    cheapest_at: str = ""
    """Whose the cheapest offer is, where and on which term."""
    dearest_at: str = ""


class Energy(Result, frozen=True):
    """Power and energy of today's fleet at the mean load."""

    watts: float
    kwh_per_month: float
    joules_per_output_token: float
    g_co2e_per_month: float | None
    basis: str


class Alternative(Result, frozen=True):
    """Another candidate that meets the targets; its latencies are those of its own fleet at the peak."""

    accelerator: str
    accelerator_name: str
    weights: str
    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int
    expert_parallel: int
    replicas: int
    accelerators: int
    monthly_usd: float | None
    ttft_p95_s: float
    itl_mean_s: float
    why_not: str
    offer: ChosenOffer | None = None
    """Of the amount."""


class Rejection(Result, frozen=True):
    """A candidate, or a family of them, that cannot do it: what it needed and what there was."""

    what: str
    reason: str
    needed: float | None
    available: float | None
    unit: str
    relaxations: tuple[str, ...] = ()
    """The nearest changes that would work."""


NO_CHANGE = "no change"
"""How the effect of an assumption begins that leaves the count as it is."""


class Assumption(Result, frozen=True):
    """Something that nobody said and the plan rests on."""

    text: str
    effect: str = ""
    """What the count would be otherwise, where that was computed."""

    @property
    def moves_plan(self) -> bool:
        """Whether the count would be another."""
        return bool(self.effect) and not self.effect.startswith(NO_CHANGE)


class Provenance(Result, frozen=True):
    """What a plan was made from: enough to make it again."""

    program: str
    version: str
    catalog: str
    """Digest of the catalog entries used."""
    kernels: str
    """Which measured kernels the step times rest on, and whether they are this accelerator's own."""
    method: str
    runtime: str = ""
    """The serving runtime and its version, whose defaults and rules hold."""
    verify: bool = True
    """Whether simulating the plan was asked for; a plan without targets needs none."""
    refine: bool = False
    """Whether the fleet was to be sized on simulations."""
    calibration: Calibration | UnsetType = UNSET
    """What measurements of the server made of its constants; left out where there are none."""


class Range(Result, frozen=True):
    """Both ends of a figure's band, in the figure's own unit."""

    low: float
    high: float


class CountRange(Result, frozen=True):
    """Both ends of a count."""

    low: int
    """What the plan has: it is sized on the central figure."""
    high: int
    """What the load would take at the bad end."""


class LatencyBand(Result, frozen=True):
    """The band of each figure of a latency, seconds."""

    mean: Range
    p50: Range
    p90: Range
    p95: Range
    p99: Range


class PerformanceBand(Result, frozen=True):
    """The bands of one replica's latencies at a load."""

    ttft_s: LatencyBand
    itl_s: LatencyBand
    e2e_s: LatencyBand


class PerformanceBands(Result, frozen=True):
    """At the mean rate and at the peak hour."""

    at_mean: PerformanceBand
    at_peak: PerformanceBand


class CapacityBand(Result, frozen=True):
    """The band of what one replica carries within the targets."""

    requests_per_s: Range
    prefill_tokens_per_s: Range | None = None
    """Null in plans of older programs."""


class FleetBand(Result, frozen=True):
    """What the fleet would be, and would carry, at both ends."""

    replicas: CountRange
    accelerators: CountRange
    capacity_requests_per_s: Range
    meets_targets: bool = True
    """Whether any number of replicas meets the targets at the bad end."""


class BandPart(Result, frozen=True):
    """What one level of errors adds to the bands: alone it would make each as many times either way.

    Parts combine as the root of the sum of their squared logarithms.
    """

    level: Literal["source", "model", "accelerator", "run", "calibrated"]
    """Versions and settings of servers that nobody here measured; a model or an accelerator that no fit of the runtime
    has seen; one run or another of the same. Or, in place of all of these, what a calibration leaves unsure."""
    ttft: float
    itl: float
    throughput: float
    """1.25 is between ×1.25 and 1/1.25."""
    groups: int
    """Sources, models or accelerators that ITL's part comes from; of runs, pairs of model and accelerator; of a
    calibration, figures that were measured."""


class Bands(Result, frozen=True):
    """How far off the figures may be, from residuals of cases like this; memory has no band of this kind."""

    level: BandLevel
    """Per cent of such cases whose truth lies between both ends."""
    note: str | None
    """What of the case no measurement is like."""
    performance: PerformanceBands
    replica_capacity: CapacityBand
    fleet: FleetBand
    parts: tuple[BandPart, ...] = ()
    """Empty in plans of older programs."""
    chance_of_meeting: float | None = None
    """Share of such cases in which today's fleet meets every target at the peak hour, between 0.025 and 0.975, where
    the quantiles of errors end; null without targets."""
    measure_first: bool = False
    """Steps or capacity are not known within a factor of 2: the bands of 80 % that hold are too wide to buy by."""


class Outage(Result, frozen=True):
    """What the loss of one replica does until another serves."""

    stops_everything: bool
    """All replicas run on one node; else what is left misses the targets at the peak hour."""
    one_replica: bool
    restart_s: float
    """Until a process that failed serves again on its own node."""
    lost_node_s: float
    """Until another node serves in its place."""
    parts_s: dict[str, float]
    """Of that: until it is noticed, a node, its image, the weights, warm-up, readiness."""
    spare_monthly_usd: float | None
    """What N+1 would add to the bill; null where no price is known."""


class Surge(Result, frozen=True):
    """What a stated surge of seconds does to the fleet of today, in requests of users."""

    requests_per_s: float
    seconds: float
    served_requests_per_s: float
    """By all replicas with every queue full."""
    queued_requests: float
    """When the surge ends."""
    longest_wait_s: float
    """Of the last of them, before its prompt is read, beyond what any request takes."""
    gone_after_s: float | None
    """From the end of the surge until nothing of it waits, at the mean rate; null where the fleet is full then."""
    holds: bool | None
    """Whether targets of TTFT and E2E that hold at the peak hour hold with that wait; null where there are none."""
    replicas_without_queue: int


class CapacityPlan(Result, frozen=True):
    """A spec's answer, with everything needed to question it."""

    answer: Answer
    spec: WorkloadSpec
    sources: dict[str, Source]
    chosen: Chosen
    memory: Memory
    performance: PerformanceAt
    targets: tuple[TargetResult, ...]
    replica_capacity: ReplicaCapacity
    fleet: Fleet
    autoscaling: Autoscaling
    cost: Cost
    energy: Energy | None
    alternatives: tuple[Alternative, ...]
    rejected: tuple[Rejection, ...]
    assumptions: tuple[Assumption, ...]
    warnings: tuple[str, ...]
    bands: Bands | None
    """Null where the catalog has no bands."""
    provenance: Provenance
    verification: Verification | None = None
    """Null where nobody simulated the plan."""
    replay: Replay | None = None
    """Null where nobody replayed the plan, or where it never scales."""
    outage: Outage | None = None
    surge: Surge | None = None
    """Null where the loss of one replica breaks no target, and in plans of older programs."""
    schema_version: int = SCHEMA_VERSION

    @property
    def default_targets(self) -> bool:
        """Whether nobody stated the targets."""
        return bool(self.targets) and targets_by_default(self.sources)

    def peak_latency_s(self, metric: Metric, percentile: Percentile) -> float:
        """Return a latency at the peak: a target's is the one that decided, which may be simulated."""
        for target in self.targets:
            if (target.metric, target.percentile) == (metric, percentile):
                return target.forecast_s
        return self.performance.at_peak.latency_s(metric, percentile)


LARGE_USD = 1e6
"""From here on six digits would not hold a bill to the dollar: it is written in whole ones."""


def plain(value: object, *, usd: bool = False) -> Any:
    """Return a record as JSON values: six significant digits, no NaN, field order kept.

    Args:
        value: a record, or a part of one.
        usd: whether it is an amount, which is never rounded beyond the dollar.
    """
    if isinstance(value, Struct):
        return _rounded(to_builtins(value))
    if isinstance(value, float):
        return _amount(value) if usd else six_digits(value)
    if value is None or isinstance(value, (str, int)):  # a tuple: unions are slower, and a plan has thousands of these
        return value
    if isinstance(value, dict):
        return {str(key): plain(item, usd=str(key).endswith("_usd")) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def _rounded(tree: Any) -> Any:
    """Return a record's JSON values with their figures rounded in place: a plan has thousands."""
    for key, item in tree.items() if type(tree) is dict else enumerate(tree):
        kind = type(item)
        if kind is float:
            usd = item >= LARGE_USD and type(key) is str and key.endswith("_usd")
            tree[key] = _amount(item) if usd else six_digits(item)
        elif kind is tuple:
            tree[key] = _rounded(list(item))
        elif kind is dict or kind is list:
            _rounded(item)
    return tree


def _amount(usd: float) -> float | int:
    return round(usd) if LARGE_USD <= abs(usd) < inf else six_digits(usd)


def six_digits(value: float) -> float | int:
    """Round to six significant digits; whole numbers below 1e15 become integers.

    Raises:
        ValueError: NaN or infinite, which no plan may hold.
    """
    if -1e6 < value < 1e6 and value == int(value):
        return int(value)
    rounded = float(f"{value:.6g}")
    if not isfinite(rounded):
        raise ValueError("a plan may not hold NaN or infinity")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


class _Split(Protocol):
    @property
    def tensor_parallel(self) -> int: ...
    @property
    def pipeline_parallel(self) -> int: ...
    @property
    def data_parallel(self) -> int: ...
    @property
    def expert_parallel(self) -> int: ...


def split_shown(item: _Split, always: str = "TP") -> str:
    """Return how something is split: 'TP4 PP2'; sizes of one are left out, but for that of ``always``."""
    sizes = (item.tensor_parallel, item.pipeline_parallel, item.data_parallel, item.expert_parallel)
    return parallelism_shown(*sizes, separator=" ", always=always)


def parallelism_shown(tp: int, pp: int, dp: int, ep: int, *, separator: str = " × ", always: str = "TP") -> str:
    """Return how a model is split, as people write it: 'TP4 × PP2'; 'one accelerator' where nothing is said.

    Args:
        tp: tensor parallelism; pp, dp and ep are those of pipelines, data and experts.
        pp: stages.
        dp: attention ranks.
        ep: ranks of experts.
        separator: between the kinds.
        always: the kind that is said even where it splits nothing; '' for none.
    """
    sizes = {"TP": tp, "PP": pp, "DP": dp, "EP": ep}
    return separator.join(f"{kind}{size}" for kind, size in sizes.items() if size > 1 or kind == always) or (
        "one accelerator"
    )


def plan_json(plan: CapacityPlan) -> dict[str, Any]:
    """Return a plan as JSON values, schema_version first."""
    tree = to_builtins(plan)
    spec, sources = tree["spec"], tree["sources"]
    tree["spec"] = tree["sources"] = None
    _rounded(tree)
    # The question whole, so that the plan can be made again; sources are texts.
    return {"schema_version": tree.pop("schema_version"), **tree, "spec": _exact(spec), "sources": sources}


def no_plan_json(plan: "NoPlan", spec: WorkloadSpec, sources: Mapping[str, object]) -> dict[str, Any]:
    """Return why there is no plan as JSON values.

    Args:
        sources: of its values, by path.
    """
    question = {"spec": plain(spec), "sources": plain(dict(sources))}
    reason = {"reason": plan.sentence, "rejected": plain(plan.rejected)}
    return {"schema_version": SCHEMA_VERSION, "answer": None, **reason, **question}


def _exact(tree: Any) -> Any:
    """Return JSON values with every digit, in place; whole numbers below 1e15 become integers."""
    for key, item in tree.items() if type(tree) is dict else enumerate(tree):
        kind = type(item)
        if kind is float and item.is_integer() and abs(item) < 1e15:
            tree[key] = int(item)
        elif kind is tuple:
            tree[key] = _exact(list(item))
        elif kind is dict or kind is list:
            _exact(item)
    return tree


class NoPlan(Struct, frozen=True):
    """Nothing fits at all: every family of candidates with what it needed and what there was."""

    sentence: str
    rejected: tuple[Rejection, ...]

    @property
    def reason(self) -> str:
        """Why the first family does not fit, or the whole sentence where there is none; without a full stop."""
        return self.rejected[0].reason if self.rejected else self.sentence.rstrip(".")
