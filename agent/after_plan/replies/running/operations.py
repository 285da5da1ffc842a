"""What those who run the plan ask: what to watch, when to be woken; and what is not done here."""

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.figures.machines import quota_shown
from agent.after_plan.sums import Explanation
from agent.report.blocks import Column, Table
from agent.report.words import fleet_shown
from catalogs.records.serving import Role
from catalogs.units import show_count, show_figure, show_percent, show_seconds
from engine.plan import CapacityPlan, Latency


def monitoring(asked: Asked) -> Explanation:
    """Return what to watch of the running fleet, what the plan expects there, and when to be warned or woken."""
    plan, scaling, peak = asked.plan, asked.plan.autoscaling, asked.plan.performance.at_peak
    seconds = show_seconds
    rows = []
    for name, role, latency in _latencies(plan):
        targets = (f"{one.name} above {seconds(one.target_s)}: wakes" for one in plan.targets if one.metric == role)
        wakes = next(targets, "no target was stated: watch alone")
        rows.append((f"{name}{_metric(asked, role)}", f"p95 {seconds(latency.p95)} at the peak", wakes))
    rows += [
        (
            f"requests running{_metric(asked, 'running')}",
            f"{show_figure(peak.in_flight)} a replica at the peak",
            f"above {show_figure(scaling.target_in_flight_per_replica)} a replica: scale out",
        ),
        (
            f"requests waiting{_metric(asked, 'waiting')}",
            "0 while there is room",
            f"above {show_figure(scaling.queue_length)} a replica for minutes: warns",
        ),
        (
            f"KV cache in use{_metric(asked, 'kv_cache_usage')}",
            f"{show_percent(peak.kv_cache_usage)} at the peak",
            "above 95 %: warns; requests are held back or begun anew",
        ),
        (
            "replicas that are ready",
            f"{show_count(plan.fleet.replicas)}",
            f"fewer than {plan.fleet.working_replicas} in the busiest hour: wakes; a new one takes"
            f" {seconds(scaling.reaction_time_s)}",
        ),
        ("errors of the GPUs (DCGM: XID, ECC)", "none", "any: drain that node"),
    ]
    columns = (Column("watch", wraps=True), Column("expected", wraps=True), Column("warn or wake", wraps=True))
    return (
        Table(columns, tuple(rows)),
        *paragraphs(
            f"Not GPU utilisation: it shows {show_percent(scaling.gpu_utilisation)} long before anything is wrong.",
            "'export prometheus rules' writes these alerts for the plan's runtime, 'export grafana' a dashboard.",
        ),
    )


def _latencies(plan: CapacityPlan) -> tuple[tuple[str, Role, Latency], ...]:
    peak = plan.performance.at_peak
    return ("TTFT", "ttft", peak.ttft_s), ("ITL", "itl", peak.itl_s)


def _metric(asked: Asked, role: Role) -> str:
    """Return the runtime's own name of a metric, in brackets; empty where it has none."""
    chosen = asked.plan.chosen
    served = asked.ports.catalog.serving.get(chosen.runtime)
    found = served.metric(role, chosen.runtime_version) if served else None
    return f" ({found.name})" if found else ""


def hands(asked: Asked) -> Explanation:
    """Say that nothing is done here, and what those who do it need."""
    plan, offer = asked.plan, asked.plan.chosen.offer
    where = f" ({plan.fleet.instances} × {offer.instance} of {offer.provider})" if offer else ""
    return paragraphs(
        "I plan and no more: nothing is ordered, started, changed or sent from here, and nobody is called.",
        f"What it takes is {fleet_shown(plan)}{where}. {quota_shown(asked)} Or ask a vendor for a date in writing.",
        "'how do I start it' has the command, 'export kubernetes' or 'export helm values' the files, 'how do I test"
        " this' the load test, 'one paragraph for the tender' the text.",
    )
