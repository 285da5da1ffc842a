"""The autoscaling thresholds of the chosen fleet: what `autoscaling` needs of a plan, gathered."""

from engine.fleet.operating_points import OperatingPoints
from engine.fleet.search import SizedCandidates
from engine.plan import Autoscaling, ReplicaCapacity
from engine.question.demand import Demand
from engine.question.resolve import Question
from engine.scaling.thresholds import autoscaling
from engine.step.memory import weights_bytes


def thresholds_of(
    question: Question,
    best: SizedCandidates,
    capacity: ReplicaCapacity,
    points: OperatingPoints,
    demand: Demand,
    *,
    headroom: float = 1.0,
    scale_down_window_s: float | None = None,
) -> Autoscaling:
    """Return the thresholds of an array of one, with a replay's corrections where there are any."""
    mean = question.mean_rate
    replicas = float(best.counts.peak[0])
    return autoscaling(
        question.spec,
        demand,
        points.curve,
        capacity_rps=capacity.requests_per_s,
        saturated_rps=capacity.saturated_requests_per_s,
        prefill_s=points.prefill_s,
        weights_bytes_per_replica=weights_bytes(question.model, question.weights, question.parameters),
        mean_rps=mean if mean is not None else points.at_mean.requests_per_s * replicas,
        headroom=headroom,
        scale_down_window_s=scale_down_window_s,
    )
