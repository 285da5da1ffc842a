"""A plan's autoscaling by queued prompt tokens: KEDA's ScaledObject beside llm-d's endpoint picker."""

from collections.abc import Mapping

from agent.deployment.queries import queries_of
from agent.deployment.replica import replica_of
from agent.deployment.scaled_objects import scaled_object_text
from agent.deployment.triggers import prefill_rate_shown, token_triggers
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def token_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the ScaledObject as one file, with the window of KEDA's rule: nobody here can play the picker's tokens.

    Raises:
        InputError: the plan has no V_P or no TTFT target.
    """
    from agent.exports.keda import steady_plan

    replica = replica_of(steady_plan(plan, catalog), catalog)
    triggers = token_triggers(queries_of(replica))
    notes = (
        prefill_rate_shown(replica),
        "llm-d's endpoint picker counts the tokens (one replica of it, newer than v0.10.0).",
    )
    return {"keda.yaml": scaled_object_text(replica, triggers, "Token-aware autoscaling by KEDA", notes)}


FORMAT = Format((), "the token-aware KEDA rule", token_files, ("token.aware.*",))
