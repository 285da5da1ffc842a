"""A fleet over time as people read it."""

from functools import cache

from msgspec.structs import replace

from agent.report.blocks import Chart, Facts, Heading
from agent.report.fleet_report import fleet_report, fleet_sentence
from catalogs.catalog import Catalog
from engine.load_test.fleet_over_time import SimulatedFleet, simulate_fleet
from engine.load_test.load_over_time import OverTimeSettings, Recorded
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.workload import Hardware, Serving, TokenDistribution, Tokens, Traffic, WorkloadSpec

CATALOG = Catalog.load()


@cache
def simulated(hours: int) -> tuple[CapacityPlan, SimulatedFleet]:
    spec = WorkloadSpec(
        traffic=Traffic(requests_per_s=1.0),
        tokens=Tokens(input=TokenDistribution(mean=300), output=TokenDistribution(mean=100)),
        model="llama-3.1-8b",
        default_targets="none",
        serving=Serving(batch_cap=2),
        hardware=Hardware(accelerators=("l40s",)),
    )
    plan = forecast(spec, CATALOG, verify=False)
    assert isinstance(plan, CapacityPlan)
    rates = Recorded("rates.csv", ["timestamp,rps", *(f"{hour * 3600},{0.2 + hour / 10}" for hour in range(hours))])
    return plan, simulate_fleet(plan, CATALOG, OverTimeSettings(span=None), rates=rates)


def test_the_sentence_says_what_was_met_held_and_saved() -> None:
    plan, found = simulated(3)
    week = replace(found, load="one week of this shape", met=0.9917, accelerator_hours=1310.4, fixed_replicas=8)
    said = fleet_sentence(plan, replace(week, saving=0.137))
    assert said == (
        "One week of this shape: 99.2 % of requests met the targets, 1,310 GPU-hours, 14 % less than a fixed fleet of "
        "8."
    )
    assert fleet_sentence(plan, replace(week, met=1.0, saving=-0.5)).startswith(
        "One week of this shape: all requests met the targets, 1,310 GPU-hours, 50 % more than"
    )


def test_without_targets_it_says_how_many_were_served() -> None:
    plan, found = simulated(3)
    assert found.met is None and not found.targets
    assert f"{found.requests:,} requests served, " in fleet_sentence(plan, found)


def test_replicas_ttft_and_queue_are_drawn_over_whole_hours() -> None:
    plan, found = simulated(3)
    blocks = fleet_report(plan, found).blocks
    assert Heading("Over time") in blocks
    replicas, ttft, queue = (block for block in blocks if isinstance(block, Chart))
    assert [chart.y_label for chart in (replicas, ttft, queue)] == ["replicas", "s", "requests"]
    assert replicas.x_label == "hour" and replicas.x[:4] == (0.0, 0.17, 0.33, 0.5)
    assert max(queue.series[0].values) == max(found.by_minute.queue)
    assert max(ttft.series[0].values) == max(value or 0.0 for value in found.by_minute.ttft_p95_s)
    day = replace(found.by_minute, **{name: getattr(found.by_minute, name)[:60] for name in ("requests", "misses")})
    short = replace(found, duration_s=3600.0, by_minute=day)
    assert next(block for block in fleet_report(plan, short).blocks if isinstance(block, Chart)).x_label == "minute"


def test_failures_are_told_where_there_were_any() -> None:
    plan, found = simulated(3)

    def labels(one: SimulatedFleet) -> list[str]:
        return [
            label for block in fleet_report(plan, one).blocks if isinstance(block, Facts) for label, _ in block.items
        ]

    assert "failures" not in labels(found)
    assert "failures" in labels(replace(found, failures=1, begun_anew=1))
