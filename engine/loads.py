"""One replica under the four loads that people measure: open loop, closed loop, static batch, everything queued.

All take an array of one candidate. The closed loop's TTFT is mostly waiting, so it follows the benchmark's own
protocol; formulas and their errors are in spec-kit/methodology.md, "Closed loop".
"""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from catalogs.records import BenchmarkProtocol
from engine.performance import performances
from engine.plan import Latency, Performance
from engine.replica import Replicas

ITERATIONS = 12
"""Of the fixed point between the batch and the time a client spends before its first token; it contracts by half."""

COLLISIONS = 0.2
"""Weight of ρ/(1 − ρ) in a steady closed loop's wait. Source: replay of vLLM and TensorRT-LLM sweeps."""

SPREAD = 0.2
"""Relative spread of a client's cycle after one round when lengths are drawn from 0.8–1.0 × nominal."""


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """What a load gives; means unless a percentile is named. Null where the load has no such figure."""

    ttft_s: Latency | None
    itl_s: Latency | None
    e2e_s: Latency | None
    batch: float
    requests_per_s: float
    output_tokens_per_s: float
    prefill_tokens_per_s: float


def open_loop(replicas: Replicas, requests_per_s: float) -> Performance | None:
    """Return one replica at a Poisson-like rate; None where the rate is beyond saturation."""
    batch = replicas.batch_at_rate(np.array([requests_per_s]))[0, 0]
    return None if np.isnan(batch) else performances(replicas, (float(batch),), 0.0)[0]


def saturated(replicas: Replicas) -> LoadFigures:
    """Return the largest throughput: everything queued at once, all seats taken (formula 3)."""
    load = replicas.at(replicas.seats)
    rate, itl = float(load.requests_per_s[0, 0]), float(load.itl_s[0, 0])
    lengths = replicas.lengths
    return LoadFigures(
        ttft_s=None,
        itl_s=_flat(itl),
        e2e_s=None,
        batch=float(replicas.seats[0, 0]),
        requests_per_s=rate,
        output_tokens_per_s=rate * lengths.output.mean,
        prefill_tokens_per_s=rate * float(lengths.computed @ lengths.prompt.weights),
    )


def offline(replicas: Replicas, requests: int | None) -> LoadFigures:
    """Return the throughput of a finite queue: N·prefill + ⌊N/B⌋·decode(B) + decode(rest); N → ∞ is saturation."""
    if requests is None:
        return saturated(replicas)
    lengths = replicas.lengths
    seats = min(max(1, int(replicas.seats[0, 0])), requests)
    rounds, rest = divmod(requests, seats)
    whole, partial = _decode_s(replicas, seats), _decode_s(replicas, max(rest, 1)) if rest else 0.0
    prompt_s = float(replicas.at(np.array([[float(seats)]])).prompt_s[0, 0])
    seconds = requests * prompt_s + rounds * whole + partial
    rate = requests / seconds
    return LoadFigures(
        None, None, None, float(seats), rate, rate * lengths.output.mean, rate * float(lengths.computed @ lengths.prompt.weights)
    )


def _decode_s(replicas: Replicas, batch: float) -> float:
    return replicas.lengths.decoded * float(replicas.step(np.array([[float(batch)]]))[0, 0])


def static_batch(replicas: Replicas, batch: int) -> LoadFigures:
    """Return a batch that starts together with no scheduler: one pass over all prompts, then decoding together."""
    lengths, tables = replicas.lengths, replicas.tables
    prompt = float(lengths.computed @ lengths.prompt.weights)
    stages = float(tables.pipeline[0])
    context = np.array([lengths.prompt_context(w) for w in tables.windows]) @ lengths.prompt.weights
    attention = float(tables.prompt_context[0] @ context) + float(tables.prompt_token[0]) * prompt
    # A pipeline splits the batch: the first part passes all stages, the others follow one stage behind.
    parts = min(stages, float(batch))
    passed = batch * prompt * (stages + parts - 1) / parts
    ttft = (
        float(tables.base(np.array([[passed]]))[0, 0])
        + float(tables.prompt_fixed[0])
        + attention * batch * (stages + parts - 1) / parts
        + replicas.ttft_overhead_s
    )
    itl = float(replicas.step(np.array([[float(batch)]]))[0, 0])
    e2e = ttft + lengths.decoded * itl
    return LoadFigures(
        ttft_s=_flat(ttft),
        itl_s=_flat(itl),
        e2e_s=_flat(e2e),
        batch=float(batch),
        requests_per_s=batch / e2e,
        output_tokens_per_s=batch * lengths.output.mean / e2e,
        prefill_tokens_per_s=batch * prompt / ttft,
    )


def closed_loop(replicas: Replicas, concurrency: int, protocol: BenchmarkProtocol) -> LoadFigures:
    """Return what a benchmark with ``concurrency`` clients measures, each sending its next request when one is done.

    A client's cycle is TTFT + D·ITL; of the others, a share decodes with it and each sends one prompt a cycle. TTFT is
    the mean over the burst at the start (all clients at once) and the rounds after it, as the protocol counts them.
    """
    lengths = replicas.lengths
    seats = min(float(concurrency), float(replicas.seats[0, 0]))
    felt = replicas.scheduler_share
    decoding = 1.0
    for _ in range(ITERATIONS):
        batch = np.array([[1.0 + (seats - 1.0) * decoding]])
        load = replicas.at(batch)
        step, prompt_s = float(load.step_s[0, 0]), float(load.prompt_s[0, 0])
        itl = step + felt * (seats - 1.0) * decoding * prompt_s / lengths.decoded
        waiting = _closed_wait(replicas, concurrency, seats, protocol, itl, prompt_s)
        ttft = waiting + float(load.own_s[0, 0] @ lengths.prompt.weights)
        in_seat = ttft - _seat_wait(concurrency, seats, itl * lengths.decoded)
        decoding += (lengths.decoded * itl / (lengths.decoded * itl + max(in_seat, 0.0)) - decoding) / 2
    e2e = ttft + lengths.decoded * itl
    rate = concurrency / (e2e + protocol.turnaround_s)
    return LoadFigures(
        ttft_s=_flat(ttft),
        itl_s=_flat(itl),
        e2e_s=_flat(e2e),
        batch=float(batch[0, 0]),
        requests_per_s=rate,
        output_tokens_per_s=rate * lengths.output.mean,
        prefill_tokens_per_s=rate * float(lengths.computed @ lengths.prompt.weights),
    )


def _seat_wait(concurrency: float, seats: float, service_s: float) -> float:
    """Clients beyond the seats wait for whole answers of others."""
    return max(concurrency - seats, 0.0) / seats * service_s


def _closed_wait(
    replicas: Replicas, concurrency: int, seats: float, protocol: BenchmarkProtocol, itl: float, prompt_s: float
) -> float:
    """Return the mean wait before a request's own prefill.

    Burst: with all clients at once, the i-th prompt is done after i of them; the mean over what the budget carries at
    a time. Steady: half a step, and collisions ρ/(1 − ρ) with ρ = c·τ/S, where S, the window over which a round's
    arrivals spread, widens with every round by the spread of lengths and of the burst itself.
    """
    lengths = replicas.lengths
    per_step = max(float(replicas.budget[0, 0]) / max(lengths.prompt.mean, 1.0), 1.0)
    together = ceil(seats / per_step)
    burst = prompt_s * per_step * (together - 1) / 2 if seats > 1 else 0.0
    answer = lengths.output.mean * itl
    rounds = max(protocol.prompts_per_client - 1, 1)
    spread = SPREAD if protocol.lengths_vary else 0.0
    steady = 0.0
    for k in range(1, rounds + 1):
        window = sqrt(k * (spread * answer) ** 2 + (seats * prompt_s) ** 2) + protocol.jitter_s
        busy = min(seats * prompt_s / max(window, 1e-9), 0.9)
        herd = 0.0 if protocol.lengths_vary else prompt_s * (min(seats, per_step) - 1) / 2
        steady += itl / 2 + COLLISIONS * busy / (1 - busy) * prompt_s + herd
    steady = steady / rounds if seats > 1 else 0.0
    share = 1.0 / protocol.prompts_per_client if protocol.burst_counts else 0.0
    return share * burst + (1 - share) * steady + _seat_wait(concurrency, seats, answer)


def _flat(seconds: float) -> Latency:
    """A latency of which only the mean is known by closed form."""
    return Latency(seconds, seconds, seconds, seconds, seconds)
