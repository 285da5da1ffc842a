"""One load drawn several times, each simulated by itself, on as many cores as are given; and figures over all of them.

The results are those of the seeds in their order, whichever process took which.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from catalogs.records.protocols import BenchmarkProtocol
from catalogs.records.runtimes import Scheduler
from engine.simulation import Requests, SimulationResult, StepModel, requests_of, simulate
from engine.simulation.requests import chunks
from engine.simulation.routing import Routing
from engine.simulation.simulate import Speed, simulate_clients

FEW = 40_000
"""Requests, over all repeats, below which starting other processes costs more than it saves."""
REPORTED_EVERY = 2_000
"""Requests between two calls of ``progress``."""

Progress = Callable[[int, int], None]
"""Called with the requests that have begun, or are done, and all that there are; 0 where nobody knows."""


class Repeated(Struct, frozen=True):
    """What every repeat has in common."""

    model: StepModel
    scheduler: Scheduler
    load: Callable[..., Iterator[Requests]]
    """Takes the seed by its name; one that another process can be sent."""
    requests: int
    """Of each repeat."""
    replicas: int
    routing: Routing
    first_counted: int
    last_counted: int | None
    """The first request after those that count; None where all the others do."""
    speed: Speed
    clients: int = 0
    """Of a closed loop, who send the load's requests in their order; 0: they come when they arrive."""
    protocol: BenchmarkProtocol | None = None
    """Of those clients."""

    def run(self, seed: int, progress: Progress | None = None) -> SimulationResult:
        """Simulate one repeat."""
        load = self.load(seed=seed)
        if self.protocol:
            alike: dict[str, Any] = {"replicas": self.replicas, "routing": self.routing, "seed": seed}
            return simulate_clients(self.model, self.scheduler, self.protocol, next(load), self.clients, **alike)
        return simulate(
            self.model,
            self.scheduler,
            with_progress(load, self.requests, progress) if progress else load,
            replicas=self.replicas,
            routing=self.routing,
            seed=seed,
            first_counted=self.first_counted,
            last_counted=self.last_counted,
            speed=self.speed,
        )


def repeats(
    case: Repeated, seeds: Sequence[int], *, processes: int = 1, progress: Progress | None = None
) -> list[SimulationResult]:
    """Return the result of each seed; equal for any number of processes.

    Args:
        processes: among which they are spread, where that pays.
        progress: called as repeats are done, or during a single one.
    """
    if len(seeds) == 1:
        return [case.run(seeds[0], progress)]
    total = case.requests * len(seeds)
    processes = min(processes, len(seeds)) if total >= FEW else 1
    results = []
    for result in _spread(case, seeds, processes):
        results.append(result)
        if progress:
            progress(len(results) * case.requests, total)
    return results


def _spread(case: Repeated, seeds: Sequence[int], processes: int) -> Iterator[SimulationResult]:
    if processes == 1:
        yield from map(case.run, seeds)
        return
    from concurrent.futures import ProcessPoolExecutor  # a forecast starts no other process

    if case.speed == "compiled":
        # Compiled before they part, so that each process need not.
        one = requests_of(np.zeros(1), np.ones(1, dtype=np.int64), np.ones(1, dtype=np.int64))
        simulate(case.model, case.scheduler, one, replicas=case.replicas, routing=case.routing, speed="compiled")
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(case.run, seeds)


def with_progress(load: Iterator[Requests], total: int, progress: Progress) -> Iterator[Requests]:
    """Yield the requests of a load in smaller chunks, and report each before it is taken.

    Args:
        load: in chunks.
        progress: called with the requests that were taken so far, and ``total``.
    """
    done = 0
    for part in load:
        for piece in chunks(part, REPORTED_EVERY):
            progress(done, total)
            yield piece
            done += len(piece)
