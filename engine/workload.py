"""WorkloadSpec: everything a forecast is asked, as values; StatedSpec, which also knows where each value came from."""

from collections.abc import Iterable, Mapping
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field, to_builtins
from msgspec.structs import replace

from catalogs.errors import InputError, quoted
from catalogs.kept import by_value, kept
from catalogs.records.facts import NonNegative, Positive, PositiveInt, Record
from catalogs.records.models import ModelArchitecture
from catalogs.records.validation import Fault, InvalidValues, record_of

Metric = Literal["ttft", "itl", "e2e"]
Percentile = Literal["mean", "p50", "p90", "p95", "p99"]
PERCENTILE_SHARES: Final[Mapping[str, float]] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
"""Share of requests that a percentile is about; the mean has none."""
Term = Literal["on_demand", "spot", "reserved_1y", "reserved_3y", "owned"]
BandLevel = Literal[50, 80, 95]
DefaultTargets = Literal["interactive", "none"]
SourceKind = Literal["said", "flag", "file", "settings", "preset", "default", "derived"]


def target_name(metric: Metric, percentile: Percentile) -> str:
    """Return a target as people say it: 'TTFT p95'."""
    return f"{metric.upper()} {percentile}"


class TokenDistribution(Record):
    """How many tokens: a lognormal by its mean and CV (or p95), or a file's values. Clipped at the context limit."""

    mean: Positive
    """Tokens."""
    cv: NonNegative | None = None
    """Standard deviation over mean; 0 is a fixed length. Default 0.8: public chat traces lie between 0.5 and 1.3."""
    p95: Positive | None = None
    """Instead of a CV: 95th percentile, tokens."""
    values: tuple[Positive, ...] = ()
    """Instead of a lognormal: an empirical sample, equally likely values; the mean is then theirs."""

    def __post_init__(self) -> None:
        if self.cv is not None and self.p95 is not None:
            raise ValueError("cv and p95 both give the spread: state one of them")
        if self.p95 is not None and self.p95 < self.mean:
            raise ValueError(f"p95 {self.p95:g} is below the mean {self.mean:g}")
        if self.p95 is not None and self.p95 > 20 * self.mean:
            raise ValueError(
                f"p95 {self.p95:g} cannot be: where one in 20 is as long, the mean is {self.p95 / 20:g} at the least, "
                f"not {self.mean:g}"
            )

    @property
    def beyond_lognormal(self) -> float | None:
        """The 95th percentile that is planned, tokens, where the stated one is above any lognormal's of this mean."""
        most = self.mean * exp(NormalDist().inv_cdf(0.95) ** 2 / 2)
        return most if self.p95 is not None and self.p95 > most * (1 + 1e-9) else None

    @property
    def lognormal_cv(self) -> float:
        """CV of the lognormal.

        From mean m and 95th percentile q: ln q = ln m − σ²/2 + z·σ, solved for the smaller σ; CV = sqrt(e^σ² − 1). No
        lognormal has a p95 above m·e^(z²/2) = 3.87 m: a larger q gives that most skewed one.
        """
        if self.cv is not None:
            return self.cv
        if self.p95 is None:
            return DEFAULT_TOKEN_CV
        z = NormalDist().inv_cdf(0.95)
        sigma = z - sqrt(max(0.0, z * z - 2 * log(self.p95 / self.mean)))
        return sqrt(exp(sigma * sigma) - 1)


DEFAULT_TOKEN_CV = 0.8


LOWEST_CALLS_PER_S = 1e-9
"""One model call in 30 years: below it nothing is planned."""


class Traffic(Record):
    """How many requests arrive, and how unevenly."""

    requests_per_s: Positive | None = None
    """Mean over the day; null when the fleet is given and the rate is asked."""
    concurrency: PositiveInt | None = None
    """Instead of a rate: requests in flight, each client sending its next when the last is done."""
    peak_factor: Annotated[float, Meta(ge=1, le=100)] = 1.5
    """Busiest hour over the mean; 1.5 is a common daytime service (Azure 2024 chat: 1.66)."""
    burst: Annotated[float, Meta(ge=1, le=100)] = 1.0
    """Peak minute over the peak hour, beyond what burstiness covers."""
    surge_requests_per_s: Positive | None = None
    """The most for some seconds: the fleet is not sized by it, and the plan says whether it takes it."""
    surge_s: Annotated[float, Meta(gt=0, le=3600)] = 5.0
    """How long such a surge lasts: 'a few seconds', by judgement."""
    burstiness: Annotated[float, Meta(gt=0, le=50)] = 1.0
    """CV of inter-arrival times; 1 is Poisson."""
    growth_per_year: Annotated[float, Meta(gt=-1, le=100)] = 0.0
    """0.2 is 20 % a year."""
    horizon_years: Annotated[float, Meta(gt=0, le=20)] = 1.0
    """How far ahead the maximum fleet must reach."""
    calls_per_request: Annotated[float, Meta(gt=0, le=1e4)] = 1.0
    """Model calls that one user request makes (agents)."""
    hourly_profile: tuple[Positive, ...] = ()
    """Rate by hour over the mean: 24 values (a day) or 168 (a week); empty: a sine between trough and peak."""

    def __post_init__(self) -> None:
        if self.requests_per_s is not None and self.concurrency is not None:
            raise ValueError("requests_per_s and concurrency both give the load: state one of them")
        calls = None if self.requests_per_s is None else self.requests_per_s * self.calls_per_request
        if calls is not None and calls < LOWEST_CALLS_PER_S:
            raise ValueError(
                f"requests_per_s × calls_per_request is {calls:g}, less than one model call in 30 years; "
                f"{LOWEST_CALLS_PER_S:g} or more is accepted"
            )
        if self.hourly_profile and len(self.hourly_profile) not in (24, 168):
            raise ValueError(f"hourly_profile has {len(self.hourly_profile)} values; 24 or 168 are accepted")

    @property
    def unstated(self) -> bool:
        """Whether no load is stated: then the fleet is, and what it carries is asked."""
        return self.requests_per_s is None and self.concurrency is None

    @property
    def growth(self) -> float:
        """Demand at the horizon over today's."""
        return float((1 + self.growth_per_year) ** self.horizon_years)

    @property
    def peak_calls_per_s(self) -> float | None:
        """Model calls a second of the busiest hour; None for a load without a rate."""
        return self.requests_per_s and self.requests_per_s * self.calls_per_request * self.peak_factor


Sampling = Literal["greedy", "top_p"]
"""How tokens are drawn: the likeliest, or with top-p, with or without top-k."""


class Tokens(Record):
    """How long prompts and answers are, and how answers are drawn."""

    input: TokenDistribution
    output: TokenDistribution
    prefix_hit: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    """Share of prompt tokens whose KV is already cached."""
    router_skew: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """How unevenly the tokens choose a mixture's experts, where these are spread over ranks: from balanced (synthetic
    prompts lie near it) to a power law of 1.2 (1)."""
    reasoning_tokens: NonNegative = 0.0
    """Hidden tokens per answer, on top of the output."""
    max_tokens: PositiveInt | None = None
    """Tokens that clients let an answer have at most, by which some runtimes admit; null: the p99 of answers."""
    sampling: Sampling = "greedy"
    """Greedy, as benchmarks are run, which draw nothing; chats usually draw with top-p."""

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < self.output.mean + self.reasoning_tokens:
            hidden = f", {self.reasoning_tokens:g} hidden ones with it" if self.reasoning_tokens else ""
            mean = self.output.mean + self.reasoning_tokens
            raise ValueError(f"max_tokens {self.max_tokens} is below the mean answer of {mean:g} tokens{hidden}")

    @property
    def whole(self) -> float:
        """Tokens of a mean request, prompt and answer with its hidden ones."""
        return self.input.mean + self.output.mean + self.reasoning_tokens

    @property
    def answers(self) -> TokenDistribution:
        """Lengths of answers, hidden tokens included."""
        if not self.reasoning_tokens:
            return self.output
        return TokenDistribution(mean=self.output.mean + self.reasoning_tokens, cv=self.output.lognormal_cv)


class Precisions(Record):
    """Number formats, by catalog name."""

    weights: str | None = None
    """Null: the checkpoint's own."""
    kv_cache: str | None = None
    """Null: what the runtime uses for these weights."""


@by_value
class Target(Record):
    """A latency that must hold at a percentile."""

    metric: Metric
    percentile: Percentile
    seconds: Positive

    @property
    def name(self) -> str:
        """It as people say it: 'TTFT p95'."""
        return target_name(self.metric, self.percentile)


Task = Literal["generate", "embed"]
"""What a model is served for: to write answers, or to read texts and give a vector or a score for each."""


SPLIT: Final = ("tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel")
"""The fields by which a record says how a replica is split, as ``Serving`` has them."""


class Serving(Record):
    """How the model is served."""

    runtime: str = "vllm"
    task: Task = "generate"
    """embed: embedding and reranking, prefill alone; an answer is then the one step that ends a prompt."""
    tensor_parallel: PositiveInt | None = None
    """Null: solved for; so are the other three."""
    pipeline_parallel: PositiveInt | None = None
    data_parallel: PositiveInt | None = None
    """Attention data parallelism inside a replica (MoE models)."""
    expert_parallel: PositiveInt | None = None
    batch_cap: PositiveInt | None = None
    """Most requests that run together in a replica."""
    context_window: PositiveInt | None = None
    """Prompt and answer together, tokens; null: the model's own."""
    token_budget: PositiveInt | None = None
    """Tokens per step; null: the runtime's own."""
    memory_utilisation: Annotated[float, Meta(gt=0, le=1)] | None = None
    utilisation_ceiling: Annotated[float, Meta(gt=0, le=1)] = 0.85
    """Share of the saturated rate that a replica is planned for: queues grow without bound towards 1."""


class Hardware(Record):
    """Which accelerators, and how many if that is given."""

    accelerators: tuple[str, ...] = ()
    """Empty: choose among all."""
    excluded: tuple[str, ...] = ()
    accelerators_per_node: PositiveInt | None = None
    accelerator_count: PositiveInt | None = None
    """The fleet, given; then the rate may be asked."""
    nodes: PositiveInt | None = None
    """The fleet, given in nodes."""
    replicas: PositiveInt | None = None
    """The fleet, given in replicas, spares among them: exactly so many run."""
    max_accelerators: PositiveInt | None = None
    """A ceiling for the whole fleet."""
    max_nodes: PositiveInt | None = None
    """The same in nodes."""
    max_replicas: PositiveInt | None = None
    """The same in replicas."""
    max_power_kw: Positive | None = None
    """The same in kW: power limits of the accelerators, with their share of the hosts."""


class Availability(Record):
    """What must survive."""

    spare_replicas: Annotated[int, Meta(ge=0)] = 0
    minimum_replicas: PositiveInt = 1


class Scaling(Record):
    """The parts of the reaction time, from a rise in demand to a new replica that serves, seconds."""

    scrape_s: NonNegative = 15.0
    """Prometheus' usual scrape interval."""
    poll_s: NonNegative = 30.0
    """KEDA's default polling interval."""
    controller_s: NonNegative = 15.0
    """Kubernetes' HPA sync period."""
    metric_window_s: NonNegative = 60.0
    node_s: NonNegative | None = None
    """A new node; 0 where spare nodes are warm; null: by whose it is (``engine.scaling.starts``)."""
    image_s: NonNegative | None = None
    """The container image; 0 where nodes hold it already; null as above."""
    weights_bytes_per_s: Positive = 2e9
    """Loading weights from local NVMe or a fast object store."""
    warm_up_s: NonNegative = 60.0
    """Compilation and graph capture."""
    ready_s: NonNegative = 10.0


ANY_PROVIDER: Final = "any"


class Money(Record):
    """Whose prices, on which terms, and what else is paid."""

    provider: str | None = None
    """Whose prices: one, several with commas between them, or any: the least bill of those. Null: the usual price."""
    excluded_providers: tuple[str, ...] = ()
    region: str | None = None
    """A region, the beginning of several, or several with commas between them."""
    stands_in_for: str | None = None
    """The place that was asked for, where no price is known and those of ``region`` stand in."""
    term: Term = "on_demand"
    usd_per_accelerator_hour: Positive | None = None
    """Your own price, instead of the catalog's."""
    billed_together: PositiveInt | None = None
    """Accelerators that are paid for together at your own price: 8 for instances of 8; null: those of a replica."""
    monthly_budget_usd: Positive | None = None
    other_monthly_usd: NonNegative = 0.0
    """Engineers, storage, network: added to the bill as given."""
    amortisation_years: Positive = 3.0
    """For owned accelerators."""
    usd_per_kwh: NonNegative = 0.12
    """For owned accelerators."""
    overhead_share: NonNegative = 0.35
    """For owned accelerators: host, network and hosting, over the accelerator's own price."""
    grid_g_co2e_per_kwh: Positive | None = None

    def sold_by(self, provider: str) -> bool:
        """Return whether an offer of a provider is among those that are asked for."""
        if self.provider is None:
            return True
        named = self.provider.casefold().split(",")
        return ANY_PROVIDER in named or provider.casefold() in named


@by_value
class WorkloadSpec(Record):
    """A question that a forecast can answer: values only; equality is equality of values."""

    traffic: Traffic = Traffic()
    tokens: Tokens
    model: str
    """A catalog name, a Hugging Face id, a config.json path, or a bare size: what it resolved to is in the plan."""
    architecture: ModelArchitecture | None = None
    """The dimensions, where the catalog does not hold the model, so that a plan can be recomputed anywhere."""
    precision: Precisions = Precisions()
    targets: tuple[Target, ...] = ()
    default_targets: DefaultTargets = "interactive"
    """Which hold for TTFT and ITL where none is stated: those of people who wait for the answer
    (``engine.planning.default_targets``), or none, whatever the latency."""
    serving: Serving = Serving()
    hardware: Hardware = Hardware()
    availability: Availability = Availability()
    scaling: Scaling = Scaling()
    money: Money = Money()
    band: BandLevel = 80
    """Level of the error bands, %: in so many of a hundred plans the truth lies inside."""

    def __post_init__(self) -> None:
        if self.serving.task == "embed":
            if self.tokens.output.mean != 1:
                raise ValueError(
                    f"an embedding has no answer of {self.tokens.output.mean:g} tokens: leave its length out"
                )
            if any(target.metric == "itl" for target in self.targets):
                raise ValueError("an embedding has no time between tokens: state TTFT or E2E")
        given, spares = self.hardware.replicas, self.availability.spare_replicas
        if given is None:
            return
        if given <= spares:
            raise ValueError(
                f"{given} replicas with {spares} of them spare leave none for the load: state more replicas"
            )
        least, most = self.availability.minimum_replicas, self.hardware.max_replicas
        if least > given or (most is not None and most < given):
            other = f"at least {least}" if least > given else f"at most {most}"
            raise ValueError(f"{given} replicas and {other} replicas contradict each other: state one of them")


REQUIRED = ("traffic.requests_per_s", "tokens.input.mean", "tokens.output.mean", "model")
"""Paths without a default; the rate may be replaced by a concurrency or by a given fleet."""

FLEET = ("hardware.accelerator_count", "hardware.nodes", "hardware.replicas")
"""Given, the rate may be left open: it is then the answer."""


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a value came from."""

    kind: SourceKind
    detail: str = ""
    """The flag, the file, the preset, the words."""


class StatedSpec(Struct, frozen=True):
    """A spec and the source of each value that is not a default."""

    spec: WorkloadSpec
    sources: Mapping[str, Source]
    notes: tuple[str, ...] = ()
    """Values that a later source overrode."""


class Statement(Struct, frozen=True):
    """Values from one source, by dotted path (``traffic.requests_per_s``)."""

    kind: SourceKind
    values: Mapping[str, Any]
    details: Mapping[str, str] = field(default_factory=dict)
    """By path: the words, the flag or the file that gave the value."""


def merge(statements: Iterable[Statement]) -> tuple[dict[str, Any], dict[str, Source], tuple[str, ...]]:
    """Merge statements into values by path, their sources, and notes on what a later statement overrode.

    Alternatives drop what they replace: a concurrency drops a rate that an earlier source gave, and so on.
    """
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    notes: list[str] = []
    for statement in statements:
        for path, value in statement.values.items():
            for rival in (path, *_RIVALS.get(path, ())):
                if (rival in values and rival not in statement.values) or (rival == path and path in values):
                    old = values.pop(rival)
                    was = sources.pop(rival)
                    if was.kind not in ("preset", "settings", "default") and old != value:
                        given = statement.details.get(path, statement.kind)
                        replaced = f"{rival} = {_typed(old)} ({was.detail or was.kind})"
                        notes.append(f"{path} = {_typed(value)} ({given}) replaces {replaced}")
            values[path] = value
            sources[path] = Source(statement.kind, statement.details.get(path, ""))
    return values, sources, tuple(notes)


def _typed(value: object) -> str:
    """Return a value as people type it: 60, l40s,h100."""
    if isinstance(value, tuple | list):
        return ",".join(map(_typed, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def with_defaults(spec: WorkloadSpec, sources: Mapping[str, Source]) -> dict[str, Source]:
    """Return the source of every value of a spec: what nobody stated is a default."""
    unsaid = {path: source for path, source in _defaults(at_any_rate(spec)).items() if path not in sources}
    return {**sources, **unsaid}


@kept(64)
def _defaults(spec: WorkloadSpec) -> Mapping[str, Source]:
    said = Source("default")
    return {path: said for path, value in flattened(to_builtins(spec)).items() if value is not None}


def at_any_rate(spec: WorkloadSpec) -> WorkloadSpec:
    """Return a spec at another rate, the same for all: equal for those that differ in nothing else."""
    traffic = spec.traffic
    return spec if traffic.requests_per_s is None else replace(spec, traffic=replace(traffic, requests_per_s=1.0))


def targets_by_default(sources: Mapping[str, Source], metric: str = "") -> bool:
    """Return whether nobody stated the targets that hold, or the one of a metric."""
    source = sources.get(f"targets.{metric}", sources.get("targets"))
    return source is not None and source.kind == "default" and bool(source.detail)


_RIVALS = {
    **dict.fromkeys(("money.provider", "money.region", "money.term"), ("money.stands_in_for",)),
    "traffic.peak_factor": ("traffic.hourly_profile",),
    "traffic.hourly_profile": ("traffic.peak_factor",),
    "traffic.requests_per_s": ("traffic.concurrency",),
    "traffic.concurrency": ("traffic.requests_per_s",),
    "model": ("architecture",),
    "tokens.input.values": ("tokens.input.cv", "tokens.input.p95"),
    "tokens.output.values": ("tokens.output.cv", "tokens.output.p95"),
    "tokens.input.cv": ("tokens.input.p95", "tokens.input.values"),
    "tokens.input.p95": ("tokens.input.cv", "tokens.input.values"),
    "tokens.output.cv": ("tokens.output.p95", "tokens.output.values"),
    "tokens.output.p95": ("tokens.output.cv", "tokens.output.values"),
    "hardware.accelerator_count": ("hardware.nodes",),
    "hardware.nodes": ("hardware.accelerator_count",),
}


def missing(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the required paths that the values leave open."""
    given = {path for path, value in values.items() if value is not None}
    fleet_or_load = {"traffic.concurrency", *FLEET}
    return tuple(
        path
        for path in REQUIRED
        if path not in given and not (path == "traffic.requests_per_s" and given & fleet_or_load)
    )


def spec_from(values: Mapping[str, Any]) -> WorkloadSpec:
    """Build a validated spec from values by dotted path; who states an empty list of targets wants none.

    Raises:
        InputError: a value is out of its range or a path does not exist; the sentence names it.
    """
    if "targets" in values and not values["targets"]:
        values = {"default_targets": "none", **values}
    hours = values.get("traffic.hourly_profile")
    if hours and "traffic.peak_factor" not in values and all(isinstance(hour, int | float) for hour in hours):
        values = {**values, "traffic.peak_factor": max(1.0, max(hours) * len(hours) / max(sum(hours), 1e-300))}
    return validated(nested(values))


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by dotted path as a nested mapping; the inverse of ``flattened``."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *rooms, leaf = path.split(".")
        branch = tree
        for room in rooms:
            branch = branch.setdefault(room, {})
        branch[leaf] = value
    return tree


def validated(tree: Mapping[str, Any]) -> WorkloadSpec:
    """Validate a nested mapping into a spec; the first fault becomes a sentence.

    Raises:
        InputError: as ``spec_from``.
    """
    try:
        return record_of(WorkloadSpec, tree)
    except InvalidValues as error:
        raise InputError(_sentence(error.faults[0])) from None


def _sentence(fault: Fault) -> str:
    path = fault.path or "the spec"
    match fault.kind:
        case "unknown":
            return f"{path} is not a field of the spec; the fields beside it are in `fleetcast plan schema`"
        case "missing":
            return f"{path} is missing"
        case "contradiction":
            return f"{path}: {fault.problem}"
    return f"{path}: {fault.problem} (given: {quoted(fault.value)})"


def flattened(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as values by dotted path; lists and architectures stay whole."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and path != "architecture":
            flat |= flattened(value, f"{path}.")
        else:
            flat[path] = value
    return flat
