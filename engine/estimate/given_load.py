"""One replica at a load that is given: requests per second, clients, a batch that starts together, an endless queue.

TTFT of clients is simulated, since it is mostly waiting for each other, as ``accuracy`` replays a benchmark of them. Of
many more than have a seat it is waiting for seats, which the formula has within 2 %.
Percentiles stand only where they are known: under an open loop from the waits, in a static batch of equal requests
because they all share one course. A closed loop's and a queue's are null.
"""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.records.protocols import BenchmarkProtocol
from catalogs.units import GIB, show_figure, show_rate
from engine.estimate.load_kinds import GivenLoad
from engine.estimate.smallest_fit import sequence_bytes_at_end
from engine.fleet.candidates import Candidates
from engine.plan import Latency, Rejection
from engine.question.resolve import Question
from engine.replica.closed_forms import LoadFigures, closed_loop, saturated, static_batch
from engine.replica.load import Replicas
from engine.replica.performance import performance_at_rate
from engine.simulation import step_model_of
from engine.simulation.arrivals import of_clients
from engine.simulation.simulate import WORTH_COMPILING, simulate_clients
from engine.workload import TokenDistribution, WorkloadSpec

DRAWN_FROM = 0.8
"""Share of the longest length that stands for lengths that vary, in a closed loop: its herds dissolve."""


class Percentiles(Struct, frozen=True):
    """A latency's mean and percentiles over requests, seconds; null where they are not known."""

    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None


class Basis(Struct, frozen=True):
    """What an estimate was made from: enough to make every figure again."""

    question: Question
    found: Candidates
    """An array of one."""
    replicas: Replicas
    load: GivenLoad
    protocol: BenchmarkProtocol
    """How clients of a closed loop behave."""
    clients_ttft_s: float | None = None
    """Mean TTFT of those clients, simulated; null for other loads, and where they send more than plain loops take."""

    @property
    def saturated_rate(self) -> float:
        """Of the replica, requests/s, which no number of clients exceeds."""
        return float(self.replicas.saturated_rate[0, 0])


class Point(Struct, frozen=True):
    """A replica at its load."""

    ttft_s: Percentiles
    itl_s: Percentiles
    e2e_s: Percentiles
    batch: float
    """Requests decoding together, on average."""
    in_flight: float | None
    """Running or waiting, on average; null for a queue without end."""
    running: float
    """Requests that hold KV."""
    request_bytes: float
    """KV of each of them on one accelerator."""
    requests_per_s: float
    """Model calls."""


def as_sent(spec: WorkloadSpec, load: GivenLoad) -> WorkloadSpec:
    """Return the spec with fixed lengths where nobody stated a spread and the load is one that benchmarks make."""
    if load.kind == "rps":
        return spec

    def fixed(lengths: TokenDistribution) -> TokenDistribution:
        return lengths if variation_stated(lengths) else TokenDistribution(mean=lengths.mean, cv=0)

    tokens = replace(spec.tokens, input=fixed(spec.tokens.input), output=fixed(spec.tokens.output))
    return replace(spec, tokens=tokens)


def variation_stated(lengths: TokenDistribution) -> bool:
    """Return whether someone said how lengths vary."""
    return lengths.cv is not None or lengths.p95 is not None or bool(lengths.values)


def basis_of(question: Question, found: Candidates, load: GivenLoad) -> Basis:
    """Return a replica with its load and the usual benchmark protocol.

    Args:
        question: resolved for the load.
        found: the replica, an array of one.
        load: that is given.
    """
    protocol = question.catalog.protocols["default"]
    tables = found.step_tables(None if load.kind == "rps" else np.array([load.value or found.seats[0]]))
    first_token_s = None
    clients = round(load.value or 1.0) if load.kind == "concurrency" and found.seats[0] >= 1 else 0
    count = clients * protocol.prompts_per_client
    if 0 < count <= WORTH_COMPILING:
        model = replace(step_model_of(found, tables=tables), fixed_answers=True)
        sent = next(of_clients(count, question.spec.tokens, question.context_limit, seed=0))
        first_token_s = simulate_clients(model, question.runtime.scheduler, protocol, sent, clients).ttft_s.mean.value
    if question.lengths.output.cv > 0:
        protocol = replace(protocol, shortest=DRAWN_FROM)
    return Basis(question, found, found.replicas(tables), load, protocol, first_token_s)


def point_of(basis: Basis) -> Point | Rejection:
    """Return the replica at its load, or why it cannot carry it."""
    match basis.load.kind:
        case "rps":
            return _open(basis)
        case "static_batch":
            return _static(basis)
        case _:
            return _benchmark(basis)


def figures_of(basis: Basis) -> LoadFigures:
    """Return the closed form of a load that benchmarks make, an array of one."""
    value = np.array([basis.load.value or 0.0])
    match basis.load.kind:
        case "concurrency":
            return closed_loop(basis.replicas, value, basis.protocol, basis.clients_ttft_s)
        case "static_batch":
            return static_batch(basis.replicas, value)
        case _:
            return saturated(basis.replicas)


def calls_per_s(basis: Basis) -> float:
    """Return the model calls per second of an open loop."""
    return (basis.load.value or 0.0) * basis.question.spec.traffic.calls_per_request


def _open(basis: Basis) -> Point | Rejection:
    rate, most = calls_per_s(basis), basis.saturated_rate
    at = performance_at_rate(basis.replicas, rate)
    if at is None:
        reason = f"one replica is saturated at {show_rate(most)}: at {show_figure(rate)} its queue grows without bound"
        nearest = most * basis.question.spec.serving.utilisation_ceiling / basis.question.spec.traffic.calls_per_request
        return Rejection(
            "one replica", reason, rate, most, "requests/s", (f"--rps {nearest:.2g}", "several replicas: a forecast")
        )
    return Point(
        ttft_s=_known(at.ttft_s),
        itl_s=_known(at.itl_s),
        e2e_s=_known(at.e2e_s),
        batch=at.batch,
        in_flight=at.in_flight,
        running=at.batch,
        request_bytes=float(basis.found.memory.sequence[0]),
        requests_per_s=rate,
    )


def _static(basis: Basis) -> Point | Rejection:
    batch, question, found = basis.load.value or 0.0, basis.question, basis.found
    each, pool, ranks = (
        sequence_bytes_at_end(question, found),
        float(found.memory.kv_cache[0]),
        int(found.parallelism.dp[0]),
    )
    fit = int(pool * ranks / max(each, 1.0))
    if batch > fit:
        needed = batch * each / ranks
        reason = (
            f"a batch of {batch:,.0f} at its full length takes {needed / GIB:.1f} GiB of KV cache per accelerator "
            f"and {pool / GIB:.1f} GiB are there: {fit:,} fit"
        )
        nearest = (f"--static-batch {fit}",) if fit else ()
        return Rejection("one replica", reason, needed, pool, "bytes", (*nearest, "more accelerators per replica"))
    figures = figures_of(basis)
    alike = question.lengths.output.cv == 0 and question.lengths.prompt.cv == 0
    return Point(
        # One pass over all prompts gives every request its first token, however long its own was.
        ttft_s=_means(figures, "ttft_s", alike=True),
        itl_s=_means(figures, "itl_s", alike=alike),
        e2e_s=_means(figures, "e2e_s", alike=alike),
        batch=batch,
        in_flight=batch,
        running=batch,
        request_bytes=each,
        requests_per_s=float(figures.requests_per_s[0]),
    )


def _benchmark(basis: Basis) -> Point:
    figures = figures_of(basis)
    clients = basis.load.value if basis.load.kind == "concurrency" else None
    seats = max(float(basis.found.seats[0]), 1.0)
    return Point(
        ttft_s=_means(figures, "ttft_s"),
        itl_s=_means(figures, "itl_s"),
        e2e_s=_means(figures, "e2e_s"),
        batch=float(figures.batch[0]),
        in_flight=clients,
        running=min(clients, seats) if clients else seats,
        request_bytes=float(basis.found.memory.sequence[0]),
        requests_per_s=float(figures.requests_per_s[0]),
    )


def _known(latency: Latency) -> Percentiles:
    return Percentiles(latency.mean, latency.p50, latency.p90, latency.p95, latency.p99)


def _means(figures: LoadFigures, latency: str, *, alike: bool = False) -> Percentiles:
    """Return a latency's mean, and its percentiles where all requests are alike."""
    seconds = getattr(figures, latency)
    if seconds is None:
        return Percentiles()
    mean = float(seconds[0])
    return Percentiles(mean, mean, mean, mean, mean) if alike else Percentiles(mean)
