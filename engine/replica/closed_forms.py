"""One replica under the four loads that people measure: open loop, closed loop, static batch, everything queued.

Arrays over candidates, as everywhere. The closed loop's TTFT is mostly waiting, so it follows the benchmark's own
protocol; formulas and their errors are in spec-kit/methodology.md, "Closed loop".
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from catalogs.records.protocols import BenchmarkProtocol
from engine.arrays import Floats
from engine.replica.load import Replicas

ITERATIONS = 12
"""Of the fixed point between the batch and the time a client spends before its first token; it contracts by half."""

COLLISIONS = 0.2
"""Weight of ρ/(1 − ρ) in a steady closed loop's wait. Source: replay of vLLM and TensorRT-LLM sweeps."""

HERD_STEPS = 4.0
"""Steps, each with the prompts of those who end together, that a request of a herd waits for, its own among them."""

CYCLE_CV = 0.2
"""Relative variation of a client's cycle after one round when lengths are drawn from 0.8–1.0 × nominal."""


class LoadFigures(Struct, frozen=True):
    """What a load gives, means over requests: arrays over candidates. Null where the load has no such figure."""

    ttft_s: Floats | None
    itl_s: Floats | None
    e2e_s: Floats | None
    batch: Floats
    requests_per_s: Floats
    output_tokens_per_s: Floats
    prefill_tokens_per_s: Floats
    ttft_parts: Mapping[str, Floats] = field(default_factory=dict)
    """What the TTFT is made of, by name; they sum to it."""
    itl_parts: Mapping[str, Floats] = field(default_factory=dict)
    percentiles: Mapping[str, Floats] = field(default_factory=dict)
    """By metric and percentile, 'ttft_p99': seconds; empty where they are not known."""


def saturated(replicas: Replicas) -> LoadFigures:
    """Return the largest throughput: everything queued at once, all seats taken (formula 3)."""
    load = replicas.at(replicas.saturated_batch)
    rate = load.requests_per_s[:, 0]
    itl = (load.step_s + load.batch * load.prompt_s / load.decoded)[:, 0]
    return _figures(replicas, None, itl, None, replicas.saturated_batch[:, 0], rate)


def offline(replicas: Replicas, requests: int) -> LoadFigures:
    """Return the throughput of a finite queue: N·prefill + ⌊N/B⌋·decode(B) + decode(rest); N → ∞ is saturation."""
    replicas = _waiting(replicas)
    seats = np.minimum(np.maximum(np.floor(replicas.saturated_batch), 1.0), float(requests))
    rounds = np.floor(requests / seats)
    rest = requests - rounds * seats
    decoded = replicas.lengths.decoded
    decode = rounds * replicas.costs.at(seats).decoding + np.where(
        rest > 0, replicas.costs.at(np.maximum(rest, 1.0)).decoding, 0.0
    )
    seconds = requests * replicas.at(seats).prompt_s + decoded * decode
    return _figures(replicas, None, None, None, seats[:, 0], requests / seconds[:, 0])


def _waiting(replicas: Replicas) -> Replicas:
    """Return replicas to whom requests come as others end, none while a step of prompts runs."""
    return replace(replicas, costs=replace(replicas.costs, seats=None))


def static_batch(replicas: Replicas, batch: Floats) -> LoadFigures:
    """Return batches that start together: all prompts, in chunks of the budget or in one pass, then decoding."""
    lengths, tables = replicas.lengths, replicas.costs.tables
    prompt = lengths.computed_mean
    together = batch[:, None]
    context = np.array([lengths.prompt_context(w) for w in tables.windows]) @ lengths.prompt.weights
    attention = (tables.prompt_context @ context + tables.prompt_token * prompt)[:, None]
    # A pipeline splits the batch, and prompts by its chunks: the first part passes all stages, the others follow one
    # stage behind.
    stages = tables.pipeline[:, None]
    parts = np.minimum(stages, together)
    if replicas.costs.scheduler.chunked:
        parts = np.maximum(parts, together * prompt * stages / replicas.costs.budget)
    passes = together * (stages + parts - 1) / parts
    tokens = prompt * passes
    budget = replicas.costs.budget if replicas.costs.scheduler.chunked else np.maximum(tokens, 1.0)
    full = np.floor(tokens / budget)
    rest = tokens - full * budget
    steps = full * tables.base(budget) + np.where(rest > 0, tables.base(rest), 0.0)
    ttft_parts = {
        "its steps": steps[:, 0],
        "launches of its steps": (full + (rest > 0))[:, 0] * tables.prompt_fixed,
        "attention over the prompts": (attention * passes)[:, 0],
        "server": replicas.costs.ttft_overhead_s[:, 0],
    }
    ttft_parts = {name: part * tables.first_token(batch) for name, part in ttft_parts.items()}
    ttft = sum(ttft_parts.values(), np.zeros_like(batch))
    itl = replicas.costs.at(together).decoding[:, 0]
    e2e = ttft + lengths.decoded * itl
    figures = _figures(replicas, ttft, itl, e2e, batch, batch / e2e)
    figures = replace(figures, ttft_parts=ttft_parts, itl_parts={"decoding step": itl})
    return replace(figures, prefill_tokens_per_s=batch * prompt / ttft)


def closed_loop(
    replicas: Replicas, concurrency: Floats, protocol: BenchmarkProtocol, simulated_s: float | None = None
) -> LoadFigures:
    """Return what a benchmark with ``concurrency`` clients measures, each sending its next request when one is done.

    Every other client sends one prompt for each answer, and where prompts share steps with decoding a request feels
    all of them; where prompts run in steps of their own, only those that come while it decodes, a share D·ITL of its
    cycle TTFT + D·ITL. TTFT is the mean over the burst at the start and the rounds after it, as the protocol counts
    them.

    Args:
        concurrency: clients of one replica: (candidates,).
        simulated_s: the TTFT of an array of one, where it is known better than by formula.
    """
    replicas, lengths = _waiting(replicas), replicas.lengths
    clients = concurrency[:, None]
    seats = np.minimum(clients, np.maximum(replicas.seats, 1.0))
    together = np.minimum(prompts_together(replicas), seats)
    felt = np.ones_like(seats)
    if not protocol.lengths_vary:
        felt = (1.0 if replicas.costs.scheduler.mixed else 0.5) * (1.0 - together / seats)
    drawn = protocol.lengths_vary
    decoding = np.ones_like(seats)
    for _ in range(1 if replicas.costs.scheduler.mixed or not drawn else ITERATIONS):
        load = replicas.at(1.0 + (seats - 1.0) * decoding)
        others = seats if not drawn else (seats - 1.0)
        itl = load.step_s + felt * others * decoding * load.prompt_s / lengths.decoded
        before = closed_wait(replicas, seats, together, protocol, itl, load.prompt_s)
        in_seat = before + (load.own_prefill_s @ lengths.prompt.weights)
        queued = seat_queue(clients, seats, protocol) * (in_seat + lengths.decoded * itl)
        if not replicas.costs.scheduler.mixed:
            decoding = (decoding + lengths.decoded * itl / (lengths.decoded * itl + in_seat)) / 2
    longer = replicas.costs.tables.first_token(clients)
    formula = (in_seat + queued) * longer
    ttft = formula if simulated_s is None else np.full_like(formula, simulated_s)
    e2e = ttft + lengths.decoded * itl
    rate = clients / (e2e + protocol.turnaround_s)
    if simulated_s is not None:  # the mean of a finite run, which Little's law overrates beyond saturation
        rate = np.minimum(rate, replicas.saturated_rate)
    figures = _figures(replicas, ttft[:, 0], itl[:, 0], e2e[:, 0], load.batch[:, 0], rate[:, 0])
    own = {
        name: (part * lengths.prompt.weights).sum(axis=-1)
        for name, part in replicas.costs.own_prefill_parts(replicas.costs.at(load.batch)).items()
    }
    ttft_parts = {"waiting for a seat": queued, "waiting behind other prompts": before, **own}
    itl_parts = {"decoding step": load.step_s, "prompts of others": itl - load.step_s}
    return replace(
        figures,
        ttft_parts={name: (part * longer)[:, 0] for name, part in ttft_parts.items()}
        | ({} if simulated_s is None else {"waiting for other clients, as simulated": (ttft - formula)[:, 0]}),
        itl_parts={name: part[:, 0] for name, part in itl_parts.items()},
    )


def seat_queue(clients: Floats, seats: Floats, protocol: BenchmarkProtocol) -> Floats:
    """Return how many stays in a seat a request waits for one, on average.

    Steady: (c − k)/k with k seats. At the start k find a seat at once and the others wait for as many turns as stand
    before them, half of that on average.

    Args:
        clients: c: (candidates, 1).
        seats: k, at most the clients: (candidates, 1).
    """
    beyond = clients - seats
    share = 1.0 / protocol.prompts_per_client if protocol.burst_counts else 0.0
    return beyond / seats * (1 - share + share * beyond / clients / 2)


def prompts_together(replicas: Replicas) -> Floats:
    """Return how many prompts one step carries at most: (candidates, 1)."""
    mean = max(replicas.lengths.prompt.mean, 1.0)
    fit = replicas.costs.budget / mean
    most = np.maximum(fit if replicas.costs.scheduler.chunked else np.floor(fit), 1.0)
    limit = replicas.costs.scheduler.prompts_per_step
    return most if limit is None else np.minimum(most, float(limit))


def closed_wait(
    replicas: Replicas, seats: Floats, together: Floats, protocol: BenchmarkProtocol, itl: Floats, prompt_s: Floats
) -> Floats:
    """Return the mean wait of a request that has a seat before its own prefill.

    Burst: with all clients at once, the i-th prompt is done after i of them, a step's worth at a time. Steady: half a
    step, and where lengths are drawn collisions ρ/(1 − ρ) with ρ = c·τ/S, where S, the window over which a round's
    arrivals come, widens with every round as lengths vary and by the burst itself. Where lengths are fixed, those whose
    prompts shared a step end together and prefill together again.

    Args:
        replicas: the candidates.
        seats: clients that have one: (candidates, 1), and so are the other arrays.
        together: prompts that one step carries at most.
        itl: mean, seconds.
        prompt_s: ΔP, replica time of one prompt, seconds.
    """
    lengths, scheduler = replicas.lengths, replicas.costs.scheduler
    burst = prompt_s * ((seats + together) / 2 - 1)
    # Who comes first waits as long as prompts are held back, the others for what is left of it.
    held = seats / lengths.decoded * scheduler.batch_wait_steps
    looked = itl * (scheduler.poll_steps / 2 + scheduler.batch_wait_steps * (1 + held / 2) / (1 + held))
    if protocol.lengths_vary:
        rounds = np.arange(1.0, max(protocol.prompts_per_client - 1, 1) + 1)
        varied = CYCLE_CV * lengths.output.mean * itl
        window = np.sqrt(rounds * varied**2 + (seats * prompt_s) ** 2) + protocol.jitter_s
        busy = np.minimum(seats * prompt_s / np.maximum(window, 1e-9), 0.9)
        steady = looked + (COLLISIONS * busy / (1 - busy) * prompt_s).mean(axis=1)[:, None]
    elif scheduler.mixed:
        group = 1.0 if scheduler.chunked else (1 + together) / 2
        steady = looked + np.minimum((HERD_STEPS - scheduler.chunked) * group * prompt_s - prompt_s, burst)
    else:
        steady = looked + burst
    share = 1.0 / protocol.prompts_per_client if protocol.burst_counts else 0.0
    return np.where(seats > 1, share * burst + (1 - share) * steady, 0.0)


def _figures(
    replicas: Replicas, ttft: Floats | None, itl: Floats | None, e2e: Floats | None, batch: Floats, rate: Floats
) -> LoadFigures:
    lengths = replicas.lengths
    computed = lengths.computed_mean
    return LoadFigures(ttft, itl, e2e, batch, rate, rate * lengths.output.mean, rate * computed)
