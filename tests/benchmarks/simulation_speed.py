"""Simulated requests per second: plain Python, compiled, and simpy on the same model, in one run.

    python tests/benchmarks/simulation_speed.py [--requests 1000000]

The case: a 70B-like model on four accelerators, 1,000 tokens in and 250 out (lognormal, CV 0.8), 8 requests/s on each
replica. Processor time counts, load and statistics included; the first compiled run, which compiles, is not measured.
"""

import argparse
import sys
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.scaling.controller import ScalingPolicy
from engine.simulation import SimulationResult, open_loop, simulate
from engine.simulation.over_time import FleetOverTime, simulate_over_time
from engine.simulation.routing import Routing
from engine.simulation.simulate import Speed
from tests.engine.simulation.models import CHAT_INPUT, CHAT_OUTPUT, CHAT_SCHEDULER, WORKED_CASE

RATE = 8.0


def ours(count: int, speed: Speed, replicas: int, routing: Routing) -> SimulationResult:
    """Simulate ``count`` requests."""
    load = open_loop(RATE * replicas, count, CHAT_INPUT, CHAT_OUTPUT, seed=1)
    return simulate(WORKED_CASE, CHAT_SCHEDULER, load, replicas=replicas, routing=routing, speed=speed)


def scaled(count: int, speed: Speed) -> FleetOverTime:
    """Simulate ``count`` requests on 4 to 16 replicas that an autoscaler starts and drains, looking every 30 s."""
    load = open_loop(RATE * 8, count, CHAT_INPUT, CHAT_OUTPUT, seed=1, hourly_profile=[0.5, 1.5])
    policy = ScalingPolicy(4, 16, requests_per_s_per_replica=RATE, start_s=120, poll_s=30, window_s=60)
    return simulate_over_time(WORKED_CASE, CHAT_SCHEDULER, load, policy, routing="least_outstanding", speed=speed)


def with_simpy(count: int) -> None:
    """The same replica as a simpy process: an event for each step, requests in lists."""
    import simpy

    load = list(open_loop(RATE, count, CHAT_INPUT, CHAT_OUTPUT, seed=1))
    requests = [
        row
        for part in load
        for row in zip(part.arrival_s.tolist(), part.input_tokens.tolist(), part.output_tokens.tolist(), strict=True)
    ]
    base = WORKED_CASE.base(WORKED_CASE.budget).tolist()
    environment = simpy.Environment()
    waiting: list[list[float]] = []
    idle = [environment.event()]

    def clients():  # type: ignore[no-untyped-def]
        before = 0.0
        for arrival, prompt, output in requests:
            yield environment.timeout(arrival - before)
            before = arrival
            waiting.append([prompt, output, 0.0])
            if not idle[0].triggered:
                idle[0].succeed()

    def replica():  # type: ignore[no-untyped-def]
        running: list[list[float]] = []
        served = 0
        while served < len(requests):
            if not running and not waiting:
                idle[0] = environment.event()
                yield idle[0]
            room = WORKED_CASE.budget - len(running)
            ended, attention, tokens, context = [], 0.0, 0, 0.0
            for request in running:
                request[2] += 1
                context += request[0] + request[2]
            while waiting and room > 0 and len(running) + len(ended) < WORKED_CASE.seats:
                prompt = waiting[0][0]
                chunk = min(prompt, room)
                attention += chunk * chunk / 2
                tokens += chunk
                room -= chunk
                if chunk == prompt:
                    ended.append(waiting.pop(0))
                else:
                    waiting[0][0] -= chunk
            yield environment.timeout(base[int(tokens) + len(running)] + 35e-9 * context + 1.65e-9 * attention)
            served += len(running)
            running = [request for request in running if request[2] + 1 < request[1]]
            served -= len(running)
            served += sum(request[1] <= 1 for request in ended)
            running += [request for request in ended if request[1] > 1]

    environment.process(clients())
    environment.process(replica())
    environment.run()


def measure(name: str, run: Callable[[int], object], count: int, target: float | None = None) -> float:
    """Print and return requests per second of processor time, the better of two runs."""
    taken = []
    for _ in range(2):
        begun = process_time()
        run(count)
        taken.append(process_time() - begun)
    rate = count / min(taken)
    wanted = f"   target {target:,.0f}" if target else ""
    print(f"{name:58} {count:>9,} requests  {rate:>11,.0f} /s{wanted}")
    return rate


def by_replicas(speed: Speed, count: int) -> None:
    """Print what the size of a fleet costs, every request sent to the least outstanding of its replicas."""
    alone = 0.0
    for replicas in (1, 4, 16, 64, 256):
        name = f"{speed}, least outstanding of {replicas}"
        # So many that the fleet's start, when its batches are small, does not count.
        each = max(count, 400 * replicas)
        rate = measure(name, lambda n, many=replicas: ours(n, speed, many, "least_outstanding"), each, alone / 2)  # type: ignore[misc]
        alone = alone or rate


def main() -> None:
    """Measure everything that is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000, help="of a compiled run; plain ones take 1/50")
    count = parser.parse_args().requests
    few = max(count // 50, 1000)
    rates = [measure("plain Python, 1 replica", lambda n: ours(n, "plain", 1, "round_robin"), few, 20_000)]
    measure("plain Python, 4 to 16 replicas, autoscaled", lambda n: scaled(n, "plain"), few)
    by_replicas("plain", few)
    if find_spec("simpy"):
        rates.append(measure("simpy, a step an event, 1 replica", with_simpy, few))
    if find_spec("numba"):
        for replicas in (1, 16):
            ours(1000, "compiled", replicas, "least_outstanding")
        rates.append(measure("compiled, 1 replica", lambda n: ours(n, "compiled", 1, "round_robin"), count, 600_000))
        measure("compiled, 4 to 16 replicas, autoscaled", lambda n: scaled(n, "compiled"), count)
        by_replicas("compiled", count)
    for one, other in pairwise(rates):
        print(f"{other / one:.2f} times the one before")


if __name__ == "__main__":
    main()
