"""The autoscaling thresholds of the chosen fleet, with the corrections of a replay where there are any."""

from msgspec.structs import replace

from engine.plan import Autoscaling
from engine.planning.verdict import ChosenFleet
from engine.question.resolve import Question
from engine.scaling.starts import with_starts
from engine.scaling.thresholds import autoscaling, reaction_parts
from engine.step.memory import weights_bytes
from engine.workload import Scaling, WorkloadSpec


def thresholds_of(
    chosen: ChosenFleet, *, headroom: float = 1.0, scale_down_window_s: float | None = None
) -> Autoscaling:
    """Return the thresholds of a fleet.

    Args:
        chosen: the fleet.
        headroom: growth beyond that of the demand's shape that replicas are held for: a replay's correction.
        scale_down_window_s: a replay's correction, seconds.
    """
    question, points, capacity = chosen.question, chosen.points, chosen.capacity
    choice = chosen.candidate.offers[0]
    scaling = starts_from(question.spec, choice.chosen.provider if choice else None)
    return autoscaling(
        replace(question.spec, scaling=scaling),
        chosen.demand,
        points.curve,
        capacity_rps=capacity.requests_per_s,
        saturated_rps=capacity.saturated_requests_per_s,
        prefill_s=points.prefill_s,
        weights_bytes_per_replica=weights_bytes(question.model, question.storage),
        mean_rps=chosen.mean_rate,
        mean_clients=question.spec.traffic.concurrency,
        headroom=headroom,
        scale_down_window_s=scale_down_window_s,
    )


def starts_from(spec: WorkloadSpec, provider: str | None) -> Scaling:
    """Return the parts of a reaction on a provider's nodes, those that nobody stated by its kind."""
    return with_starts(spec.scaling, provider, spec.money.term)


def start_s(question: Question, provider: str | None) -> float:
    """Return how long a replica takes until it serves on a provider's new node: node, image, weights, warming up."""
    parts = reaction_parts(starts_from(question.spec, provider), weights_bytes(question.model, question.storage))
    return sum(parts[name] for name in ("node", "image", "weights", "warm_up", "ready"))
