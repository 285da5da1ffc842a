"""A scenario of the catalog → the question that it asks."""

from collections.abc import Sequence

from agent.statements.merged import Collected, collected
from catalogs.catalog import Catalog
from catalogs.records.scenarios import Scenario
from engine.workload import Statement


def scenario_question(scenario: Scenario, catalog: Catalog, changes: Sequence[Statement] = ()) -> Collected:
    """Return the question of a scenario, with what is said otherwise.

    Args:
        changes: statements that win over it.

    Raises:
        InputError: a value or a name that cannot be used.
    """
    values = {
        "preset": scenario.preset,
        "model": scenario.model,
        "precision.weights": scenario.precision,
        "traffic.requests_per_s": scenario.requests_per_s
        or (scenario.requests or 0.0) / ((scenario.deadline_h or 1.0) * 3600),  # of a batch
        "traffic.calls_per_request": scenario.calls_per_request,
        "tokens.reasoning_tokens": scenario.reasoning_tokens,
    }
    details = dict.fromkeys(values, f"scenario {scenario.id}")
    return collected([Statement("file", values, details), *changes], catalog)
