"""A plan's alerts and recorded series as the Prometheus operator's PrometheusRule, with the PodMonitor that scrapes."""

from collections.abc import Mapping

from agent.deployment.alerts import groups_of
from agent.deployment.objects import kubernetes_object, labels_of, opening_of
from agent.deployment.queries import queries_of
from agent.deployment.replica import replica_of
from agent.deployment.yaml_text import Noted, yaml_text
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def rule_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return both objects as one file."""
    replica = replica_of(plan, catalog)
    scraped = {
        "port": "http",
        "path": replica.served.metrics_path,
        "interval": Noted(f"{max(plan.spec.scaling.scrape_s, 1):.0f}s", "the plan's scrape interval"),
    }
    specs = {
        "PodMonitor": {"selector": {"matchLabels": labels_of(replica)}, "podMetricsEndpoints": [scraped]},
        "PrometheusRule": {"groups": groups_of(queries_of(replica))},
    }
    documents = [
        kubernetes_object(replica, "monitoring.coreos.com/v1", kind, spec=spec) for kind, spec in specs.items()
    ]
    note = "promtool and a Prometheus without the operator read what stands under `spec` of the PrometheusRule."
    return {"prometheus-rules.yaml": yaml_text(documents, [*opening_of(replica, "Alerts"), note])}


FORMAT = Format((), "the alerts", rule_files, ("prometheus", "alerts?", "alerting rules?"))
