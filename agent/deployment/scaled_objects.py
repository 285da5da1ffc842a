"""KEDA's ScaledObject as a file."""

from collections.abc import Sequence
from typing import Any

from agent.deployment.objects import kubernetes_object, opening_of
from agent.deployment.replica import Replica
from agent.deployment.triggers import Trigger, bound_notes, keda_trigger, polling, replica_bounds
from agent.deployment.yaml_text import yaml_text


def scaled_object_text(replica: Replica, triggers: list[Trigger], what: str, notes: Sequence[str] = ()) -> str:
    """Return the ScaledObject of a fleet.

    Args:
        what: the file is, for its first line.
        notes: further lines of the comment at its top.
    """
    notes = (*notes, "KEDA makes an HPA of its own: apply no other for the same target.", *bound_notes(replica))
    return yaml_text([scaled_object_of(replica, triggers)], [*opening_of(replica, what), *notes])


def scaled_object_of(replica: Replica, triggers: list[Trigger], target: str = "") -> dict[str, Any]:
    """Return the object itself.

    Args:
        target: the name of what it scales, where it is another than the replica's.
    """
    spec = {
        "scaleTargetRef": replica.scale_target | ({"name": target} if target else {}),
        **replica_bounds(replica, "minReplicaCount", "maxReplicaCount"),
        **polling(replica),
        "triggers": [keda_trigger(trigger) for trigger in triggers],
    }
    return kubernetes_object(replica, "keda.sh/v1alpha1", "ScaledObject", spec=spec)
