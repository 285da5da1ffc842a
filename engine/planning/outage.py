"""What the loss of one replica does to a plan, for how long, and what a spare one would cost."""

from engine.fleet.offers import PricedOffer
from engine.plan import Autoscaling, Cost, Fleet, Outage
from engine.planning.verdict import ChosenFleet
from engine.scaling.starts import NOTICED_S

RESTART = ("weights", "warm_up", "ready")
"""Parts of the reaction that a process which is started again on its own node takes."""
NEW_NODE = ("node", "image", *RESTART)


def start_s(thresholds: Autoscaling) -> float:
    """Return the seconds from the order of a node to a replica that serves on it."""
    return sum(thresholds.reaction_parts_s[part] for part in NEW_NODE)


def outage_of(chosen: ChosenFleet, fleet: Fleet, thresholds: Autoscaling, bill: Cost) -> Outage | None:
    """Return what a loss does; None where what is left holds the targets at the peak hour.

    Args:
        chosen: the fleet as it was sized.
        fleet: the same as the plan has it.
        thresholds: with the parts of the reaction time.
        bill: of the fleet.
    """
    size = int(chosen.candidate.candidates.parallelism.accelerators[0])
    choice = chosen.candidate.offers[0]
    offer = choice.chosen if choice else None
    together = max(offer.accelerators // size, 1) if offer else 1
    one_node = fleet.replicas <= together
    traffic = chosen.question.spec.traffic
    peak = None if traffic.concurrency else chosen.mean_rate * traffic.peak_factor
    left = (fleet.replicas - 1) * chosen.capacity.requests_per_s
    if not one_node and (peak is None or left >= peak * (1 - 1e-6)):
        return None
    parts = {"noticed": NOTICED_S} | {name: thresholds.reaction_parts_s[name] for name in NEW_NODE}
    return Outage(
        stops_everything=one_node,
        one_replica=fleet.replicas == 1,
        restart_s=sum(parts[name] for name in RESTART),
        lost_node_s=sum(parts.values()),
        parts_s=parts,
        spare_monthly_usd=_spare(offer, fleet, size, bill),
    )


def _spare(offer: PricedOffer | None, fleet: Fleet, size: int, bill: Cost) -> float | None:
    """Return what one replica more costs a month, on a node of its own where all run on one; None without a price."""
    if offer is None or bill.monthly_usd is None:
        return None
    more = max(offer.instances_for(fleet.replicas + 1, size), fleet.instances + (fleet.instances == 1))
    return offer.monthly_usd(more) - offer.monthly_usd(fleet.instances)
