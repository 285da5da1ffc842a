"""How published benchmarks were run."""

from math import ceil
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from catalogs.records.accelerators import Accelerator, Held
from catalogs.records.facts import Identifier, NonNegative, NonNegativeInt, Positive, PositiveInt, Record, Share
from catalogs.records.runtimes import Scheduler


class BenchmarkRun(Struct, frozen=True):
    """One point of a benchmark's sweep."""

    model: str
    """As printed."""
    tensor_parallel: int
    clients: int
    lengths: tuple[float, float]
    """Prompt and answer, as printed, tokens."""


NO_LIMIT_S = 1e6
"""Longer than any latency."""


class LatencyLimits(Record):
    """Limits of the 99th percentiles; of a queue that is all there at once, none."""

    load: str = ""
    """Kind of load for which they are; empty for any."""
    ttft_s: Positive = NO_LIMIT_S
    itl_s: Positive = NO_LIMIT_S


class SchedulerChange(Held):
    """How servers of a benchmark were started otherwise than by default; empty selectors apply to all."""

    frameworks: tuple[Literal["vllm", "sglang", "trtllm"], ...] = ()
    accelerators: tuple[str, ...] = ()
    """By their id."""
    models: tuple[str, ...] = ()
    """As printed."""
    lengths: tuple[tuple[PositiveInt, PositiveInt], ...] = ()
    """Prompt and answer, as printed."""
    below_tensor_parallel: PositiveInt | None = None
    from_clients: PositiveInt = 1
    below_clients: PositiveInt | None = None
    token_budget: PositiveInt | None = None
    chunked: bool | None = None
    admit_whole_prompt: bool | None = None
    one_step_later: bool | None = None
    release_one_step_later: bool | None = None
    poll_steps: PositiveInt | None = None
    batch_wait_steps: NonNegativeInt | None = None
    prompts_per_step: PositiveInt | None = None

    def applies(self, framework: str, accelerator: "Accelerator", run: BenchmarkRun) -> bool:
        """Return whether a run was started like this.

        Args:
            run: with its model, lengths and clients.
        """
        clients = run.clients
        return (
            (not self.frameworks or framework in self.frameworks)
            and self.holds(accelerator)
            and (not self.accelerators or accelerator.id in self.accelerators)
            and (not self.models or run.model in self.models)
            and (not self.lengths or run.lengths in self.lengths)
            and (self.below_tensor_parallel is None or run.tensor_parallel < self.below_tensor_parallel)
            and self.from_clients <= clients
            and (self.below_clients is None or clients < self.below_clients)
        )

    def applied_to(self, scheduler: Scheduler) -> Scheduler:
        """Return a scheduler with what is stated here."""
        policies = set(Scheduler.__struct_fields__) & set(SchedulerChange.__struct_fields__)
        stated = {name: value for name in policies if (value := getattr(self, name)) is not None}
        return replace(scheduler, **stated)


class EngineTuning(Record):
    """A benchmark that sets the scheduler's limits by the requests that its KV pool holds and by their lengths."""

    most_sequences: PositiveInt
    least_sequences: PositiveInt
    most_tokens: PositiveInt
    least_tokens: PositiveInt

    def applied_to(self, scheduler: Scheduler, requests: float, prompt: float, output: float, stages: int) -> Scheduler:
        """Return a scheduler that takes so many requests together and, with them, the prompts that follow them.

        Each of a pipeline's stages has its part of the requests, and of the tokens.

        Args:
            requests: that the KV pool holds.
            prompt: mean length, tokens.
            output: mean length of an answer, tokens.
        """
        sequences = min(requests, self.most_sequences)
        tokens = min(sequences / stages * (1 + prompt / output), self.most_tokens)
        limits = {
            "max_sequences": ceil(max(sequences, self.least_sequences)),
            "token_budget": ceil(max(tokens, self.least_tokens)),
        }
        if not scheduler.chunked:  # a step must hold a whole prompt
            limits["token_budget"] = max(limits["token_budget"], ceil(prompt) + limits["max_sequences"])
        return replace(scheduler, **limits)


class DrawnLengths(Record):
    """Lengths of a benchmark's data set: a lognormal, clipped."""

    mean: Positive
    """Tokens."""
    cv: NonNegative
    most: PositiveInt
    """Tokens of the longest."""


class BenchmarkWorkload(Record):
    """A data set of a benchmark, and the latencies within which its largest rate is sought."""

    models: tuple[Identifier, ...]
    """Served with it, by their id."""
    input: DrawnLengths
    output: DrawnLengths
    limits: tuple[LatencyLimits, ...] = ()
    source: str

    def limits_of(self, load: str) -> LatencyLimits | None:
        """Return the limits of a kind of load; None where it has none."""
        return next((limits for limits in self.limits if limits.load in (load, "")), None)


class BenchmarkProtocol(Record):
    """How a benchmark of a closed loop was run: what its TTFT is made of."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._\-]*$")]
    """The source of the measurements, or 'default'."""
    prompts_per_client: PositiveInt = 10
    burst_counts: bool = True
    """All clients start at once, and that burst is in the figures."""
    shortest: Annotated[float, Meta(ge=0, le=1)] = 1.0
    longest: Annotated[float, Meta(ge=1)] = 1.0
    """Lengths are uniform between these shares of the printed ones; 1 and 1 are fixed ones."""
    found: tuple[tuple[PositiveInt, PositiveInt, PositiveInt], ...] = ()
    """Prompts that earlier runs sent to the same server, whose prefix cache was not flushed: from answers of so many
    tokens on, with so many clients, the first so many of a run. The last entry that applies counts."""
    turnaround_s: NonNegative = 0.002
    """Between an answer's end and the client's next request."""
    jitter_s: NonNegative = 0.0
    """Mean of an exponential on top of the turnaround."""
    client_s: NonNegative = 0.0
    """What the client and its way to the server add to TTFT and E2E, beyond what a runtime's constant holds."""
    token_budget: PositiveInt | None = None
    """Per step, where the servers were started with another than the runtime's default."""
    fp8_kv_architectures: tuple[str, ...] = ()
    """Accelerator architectures on which quantised weights were served with an fp8 KV cache that is not printed."""
    scheduler: tuple[SchedulerChange, ...] = ()
    """Of the servers, where it was not the runtime's default; later ones win. Simulations follow it."""
    tuning: EngineTuning | None = None
    memory_utilisation: Annotated[float, Meta(gt=0, le=1)] | None = None
    """Where the servers were started with another than the runtime's default."""
    versions: tuple[tuple[Identifier, str], ...] = ()
    """Runtimes, each with its version where points state none."""
    requests: tuple[tuple[PositiveInt, PositiveInt, PositiveInt], ...] = ()
    """Prompt and answer as printed, and how many such requests an offline run queued."""
    router_skew: Share = 0.0
    """How unevenly its prompts choose experts: 0 balanced, 1 a power law of 1.2."""
    workloads: tuple[BenchmarkWorkload, ...] = ()
    """Data sets, whose lengths the measurements do not state."""
    only_notes: str = ""
    """Applies to points of the source whose notes hold this text; empty applies to all others."""
    source: str

    def requests_of(self, prompt: float, output: float) -> int | None:
        """Return how many requests of these lengths an offline run queued; None where that is not known."""
        return next((count for *lengths, count in self.requests if lengths == [prompt, output]), None)

    def workload_of(self, model: str) -> BenchmarkWorkload | None:
        """Return the data set with which a model (its id) was served; None where the benchmark names none."""
        return next((workload for workload in self.workloads if model in workload.models), None)

    def found_share(self, output: float, clients: int) -> float:
        """Return which share of a run's prompts, its first ones, earlier runs have sent.

        Args:
            output: mean length of an answer, as printed, tokens.
        """
        found = [prompts for least, of, prompts in self.found if least <= output and of == clients]
        return min(found[-1] / (clients * self.prompts_per_client), 1.0) if found else 0.0

    @property
    def lengths_vary(self) -> bool:
        """Whether lengths were drawn at random."""
        return self.shortest < self.longest
