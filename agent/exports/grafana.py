"""A plan's Grafana dashboard, to import."""

from collections.abc import Mapping

from agent.deployment.dashboard import dashboard
from agent.deployment.queries import queries_of
from agent.deployment.replica import replica_of
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def dashboard_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the dashboard as one file."""
    from agent.exports.json import json_text

    return {"dashboard.json": json_text(dashboard(queries_of(replica_of(plan, catalog))))}


FORMAT = Format((), "the Grafana dashboard", dashboard_files, ("grafana", "dashboards?"))
