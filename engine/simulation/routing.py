"""Which replica takes a request: known beforehand, drawn, or found by the replicas' loads."""

from typing import Literal

import numpy as np

from engine.arrays import Ints

Routing = Literal["round_robin", "random", "least_outstanding", "power_of_two", "prefix_affine"]

DEFAULT_ROUTING: Routing = "least_outstanding"
"""What gateways in front of several replicas do; chance alone costs a fleet more replicas."""

GIVEN, LEAST, TWO = 0, 1, 2
"""How a request is routed: to a replica known beforehand, to the least of all, or to the lesser of two."""


def kind_of(routing: Routing) -> int:
    """Return how the loops route."""
    return {"least_outstanding": LEAST, "power_of_two": TWO}.get(routing, GIVEN)


def choices(
    routing: Routing, replicas: int, numbers: Ints, prefixes: Ints, random: np.random.Generator
) -> tuple[Ints, Ints]:
    """Return the replica of each request, or the two among which it chooses; zeros where all are looked at.

    Args:
        numbers: of the requests, over the whole load.
        prefixes: of each request, a number that requests with the same prompt start share.
    """
    none = np.zeros(len(numbers), dtype=np.int64)
    if replicas == 1:
        return none, none
    match routing:
        case "round_robin":
            return numbers % replicas, none
        case "random":
            return random.integers(0, replicas, len(numbers)), none
        case "prefix_affine":
            return hashed(prefixes) % replicas, none
        case "power_of_two":
            draws = random.random((len(numbers), 2))
            one = (draws[:, 0] * replicas).astype(np.int64)
            return one, (one + 1 + (draws[:, 1] * (replicas - 1)).astype(np.int64)) % replicas
        case "least_outstanding":
            return none, none


def hashed(numbers: Ints) -> Ints:
    """Return well-mixed non-negative numbers (the finaliser of splitmix64)."""
    x = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)
