"""Alerts and queries before the real tools: promtool's checks and unit tests, a Prometheus before a fake fleet."""

import json
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.deployment.alerts import recorded_names
from agent.deployment.queries import Queries, queries_of
from agent.deployment.replica import NAMESPACE, replica_of
from agent.deployment.triggers import interpolated, triggers_of
from agent.exports import formats
from engine.plan import CapacityPlan, LoadPoint
from tests.agent.deployment.plans import CATALOG, plan_called
from tests.every import of_every

Tree = dict[str, Any]
PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")
needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")
needs_prometheus = pytest.mark.skipif(not PROMETHEUS, reason="prometheus is not installed (Debian: prometheus)")
RUNTIMES = ("vllm", "vllm@0.12", "vllm@0.11", "sglang", "sglang ranks", "tensorrt-llm", "amd")


def rules_of(plan: CapacityPlan) -> Tree:
    """The groups of a plan's PrometheusRule, as a rule file holds them."""
    (text,) = formats()["prometheus-rules"].files(plan, CATALOG).values()
    *_, rule = yaml.safe_load_all(str(text))
    return {"groups": rule["spec"]["groups"]}


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL
    return subprocess.run([PROMTOOL, *map(str, arguments)], capture_output=True, text=True, check=False)


@needs_promtool
def test_every_rule_passes_promtool(tmp_path: Path) -> None:
    files = []
    for case in RUNTIMES:
        files.append(tmp_path / f"{case.replace(' ', '-')}.yaml")
        files[-1].write_text(json.dumps(rules_of(plan_called(case))))
    done = promtool("check", "rules", *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("rules found") == len(RUNTIMES)


BROKEN = {
    "an expression that is none": lambda rule: rule.update(expr="sum(("),
    "a duration that is none": lambda rule: rule.update({"for": "soon"}),
    "a field of nobody": lambda rule: rule.update(query="up"),
    "a label that is none": lambda rule: rule.update(labels={"a-b": "c"}),
}


@needs_promtool
@of_every(BROKEN)
def test_promtool_finds_broken_rules(what: str) -> None:
    import tempfile

    tree = json.loads(json.dumps(rules_of(plan_called("vllm"))))
    BROKEN[what](tree["groups"][1]["rules"][0])
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(tree, file)
        file.flush()
        assert promtool("check", "rules", file.name).returncode != 0


def series(queries: Queries, name: str, values: str, **labels: str) -> Tree:
    model = {queries.replica.served.model_label: queries.replica.model} if queries.replica.served.model_label else {}
    held = {"namespace": NAMESPACE, "pod": f"{queries.replica.name}-0", **model, **labels}
    inside = ",".join(f'{key}="{value}"' for key, value in held.items())
    return {"series": f"{name}{{{inside}}}", "values": values}


@needs_promtool
def test_the_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    """Unit tests of promtool: forty minutes in which everything is as planned, or one thing is not."""
    plan = plan_called("vllm")
    queries = queries_of(replica_of(plan, CATALOG))
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps(rules_of(plan)))
    ttft = "vllm:time_to_first_token_seconds"
    quick = [
        series(queries, f"{ttft}_bucket", "0+60x45", le="2.0"),
        series(queries, f"{ttft}_bucket", "0+60x45", le="+Inf"),
        series(queries, f"{ttft}_count", "0+60x45"),
    ]
    slow = [
        series(queries, f"{ttft}_bucket", "0+6x45", le="2.0"),
        series(queries, f"{ttft}_bucket", "0+60x45", le="+Inf"),
        series(queries, f"{ttft}_count", "0+60x45"),
    ]
    alive = [
        series(queries, name, "0+0x45")
        for name in (
            "vllm:num_requests_running",
            "vllm:num_requests_waiting",
            "vllm:kv_cache_usage_perc",
            "vllm:num_preemptions_total",
            "vllm:request_time_per_output_token_seconds_count",
            "vllm:e2e_request_latency_seconds_count",
        )
    ]
    busy = float(plan.fleet.maximum_replicas * plan.replica_capacity.requests_per_s * 60 * 1.5)
    done = [series(queries, "vllm:request_success_total", "0+60x45", finished_reason="stop")]
    much = [series(queries, "vllm:request_success_total", f"0+{busy:.0f}x45", finished_reason="stop")]
    pool = [one for one in alive if "kv_cache" not in one["series"]]
    full = [*pool, series(queries, "vllm:kv_cache_usage_perc", "0.99+0x45")]

    def case(inputs: list[Tree], alert: str, fires: bool, at: str = "40m") -> Tree:
        found = [] if not fires else [expected(alert)]
        return {
            "interval": "1m",
            "input_series": inputs,
            "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": found}],
        }

    def expected(alert: str) -> Tree:
        (rule,) = [rule for group in rules_of(plan)["groups"] for rule in group["rules"] if rule.get("alert") == alert]
        absent = "Absent" in alert
        more = {"namespace": NAMESPACE, "model_name": queries.replica.model} if absent else {}
        return {"exp_labels": rule["labels"] | more, "exp_annotations": rule["annotations"]}

    tests = [
        case([*quick, *alive, *done], "TtftP95BudgetBurnCritical", fires=False),
        case([*slow, *alive, *done], "TtftP95BudgetBurnCritical", fires=True),
        case([*slow, *alive, *done], "TtftP95BudgetBurnWarning", fires=True),
        case([*quick, *alive, *done], "FleetAtCapacity", fires=False),
        case([*quick, *alive, *much], "FleetAtCapacity", fires=True),
        case([*quick, *full, *done], "KvCacheFull", fires=True),
        case([*quick, *alive, *done], "KvCacheFull", fires=False),
        case([*quick, *pool, *done], "MetricAbsentKvCacheUsage", fires=True),
        case([*quick, *alive, *done], "MetricAbsentKvCacheUsage", fires=False),
        case([], "MetricAbsentRunning", fires=True),
    ]
    days = [
        series(queries, f"{ttft}_{suffix}", f"0+{each}x96", **labels)
        for suffix, each, labels in (
            ("bucket", 2700, {"le": "2.0"}),
            ("bucket", 3600, {"le": "+Inf"}),
            ("count", 3600, {}),
        )
    ]
    slowly = case(days, "TtftP95BudgetBurnSlow", fires=True, at="80h") | {"interval": "1h"}
    slowly = {"rule_files": [str(rules)], "evaluation_interval": "1h", "tests": [slowly]}
    file = tmp_path / "tests.yaml"
    file.write_text(json.dumps(slowly))
    run = promtool("test", "rules", file)
    assert run.returncode == 0, f"a quarter of the requests beyond the target for days: {run.stdout}{run.stderr}"
    file.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}))
    run = promtool("test", "rules", file)
    assert run.returncode == 0, run.stdout + run.stderr
    tests[0]["alert_rule_test"][0]["exp_alerts"] = [expected("TtftP95BudgetBurnCritical")]
    file.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}))
    assert promtool("test", "rules", file).returncode != 0, "a test that cannot fail says nothing"


# --- a real Prometheus ---


class Fleet:
    """A fake fleet: pods whose counters have run at a steady load since a start, as their runtime names them."""

    def __init__(self, plan: CapacityPlan, point: LoadPoint, pods: int) -> None:
        self.plan, self.point, self.pods = plan, point, pods
        self.queries = queries_of(replica_of(plan, CATALOG))
        self.start = time.time()

    def page(self, pod: int) -> str:
        """One pod's page of metrics, and those of a model of somebody else beside it."""
        served, version = self.queries.replica.served, self.queries.replica.version
        ranks = self.queries.replica.ranks
        lines: list[str] = []
        for metric in served.metrics:
            if metric.role is None or not metric.in_version(version):
                continue
            for rank in range(ranks):
                labels = {served.model_label: self.queries.replica.model} if served.model_label_in(version) else {}
                if served.rank_label and ranks > 1:
                    labels |= {served.rank_label: str(rank)}
                labels |= {"finished_reason": "stop"} if metric.name.endswith("request_success_total") else {}
                lines += self._lines(metric.name, metric.kind, metric.role, labels, ranks)
                if served.model_label_in(version):
                    lines += self._lines(
                        metric.name, metric.kind, metric.role, labels | {served.model_label: "other"}, ranks
                    )
        return "\n".join(lines) + "\n"

    def _lines(self, name: str, kind: str, role: str, labels: dict[str, str], ranks: int) -> Iterator[str]:
        point, now = self.point, time.time()
        done = point.requests_per_s * (1000.0 + now - self.start) / ranks

        def line(suffix: str, value: float, **more: str) -> str:
            inside = ",".join(f'{key}="{text}"' for key, text in {**labels, **more}.items())
            # With its own time, so that a busy machine does not bend the rates.
            return f"{name}{suffix}{{{inside}}} {value!r} {now * 1000:.0f}"

        if kind == "histogram":
            latency = {"ttft": point.ttft_p95_s, "itl": point.itl_p95_s}.get(
                role, point.in_flight / max(point.requests_per_s, 1e-9)
            )
            for bound in (*self.queries.replica.served.buckets[role], float("inf")):
                within = done if bound >= latency else 0.0
                yield line("_bucket", within, le="+Inf" if bound == float("inf") else repr(float(bound)))
            yield line("_count", done)
            yield line("_sum", done * latency)
            return
        values = {
            "running": (point.in_flight - point.waiting) / ranks,
            "waiting": point.waiting / ranks,
            "kv_cache_usage": point.kv_cache_usage,
            "requests": done,
            "preemptions": 0.0,
        }
        yield line("", values.get(role, done))


@contextmanager
def scraped(fleets: dict[str, Fleet], folder: Path) -> Iterator[str]:
    """A Prometheus on loopback that scrapes fake fleets; yields its address."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, name, pod = self.path.split("/", 2)
            body = fleets[urllib.parse.unquote(name)].page(int(pod)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A scrape that was given up is Prometheus' matter."""

    pages = Server(("127.0.0.1", 0), Pages)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    jobs = [
        {
            "job_name": f"{name}/{pod}",
            "metrics_path": f"/{urllib.parse.quote(name)}/{pod}",
            "static_configs": [
                {
                    "targets": [f"127.0.0.1:{pages.server_port}"],
                    "labels": {"namespace": name, "pod": f"{fleet.queries.replica.name}-{pod}"},
                }
            ],
        }
        for name, fleet in fleets.items()
        for pod in range(fleet.pods)
    ]
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({"global": {"scrape_interval": "3s", "scrape_timeout": "3s"}, "scrape_configs": jobs}))
    port = _free_port()
    assert PROMETHEUS
    arguments = [
        "--config.file",
        config,
        "--storage.tsdb.path",
        folder / "data",
        "--web.listen-address",
        f"127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([PROMETHEUS, *map(str, arguments)], stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)
        pages.shutdown()
        pages.server_close()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


LAG_S = 8.0
"""Queries are asked of so long ago: what a busy machine has still to store does not bend the rates."""


EXTRAPOLATED = 0.25
"""Prometheus carries a rate on to its window's ends: off by a scrape at either, 3 of 15 s, where one is late."""


def asked(address: str, query: str) -> list[float]:
    """The values of all series that a query yields."""
    at = {"query": query, "time": f"{time.time() - LAG_S:.3f}"}
    url = f"{address}/api/v1/query?{urllib.parse.urlencode(at)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found = json.load(answer)["data"]["result"]
    return [float(one["value"][1]) for one in found]


def wait_for(address: str, query: str, least: float, seconds: float = 60.0) -> None:
    """Wait until a query yields at least so much."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if sum(asked(address, query)) >= least:
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"{query} did not come to {least}")


def settled(address: str, query: str, expected: object, seconds: float = 60.0) -> list[float]:
    """The values of a query once they are as expected, or as they are at the end: a busy machine scrapes late."""
    end = time.monotonic() + seconds
    while (values := asked(address, query)) != [expected] and time.monotonic() < end:
        time.sleep(1.0)
    return values


def expected_values(plan: CapacityPlan, point: LoadPoint, pods: int) -> dict[str, float]:
    """What the plan's curve says a fleet's queries yield."""
    return {
        "fleet:requests_in_flight": point.in_flight * pods,
        "fleet:requests_per_second": point.requests_per_s * pods,
        "fleet:requests_waiting": point.waiting * pods,
        "fleet:kv_cache_usage": point.kv_cache_usage,
    }


@needs_prometheus
def test_each_query_yields_one_series_with_the_plans_value_at_rest_at_the_peak_and_at_saturation(
    tmp_path: Path,
) -> None:
    """Seven runtimes at three loads before one Prometheus, each in a namespace of its own."""
    fleets: dict[str, Fleet] = {}
    for case in RUNTIMES:
        plan = plan_called(case)
        curve, peak = plan.replica_capacity.load_curve, plan.performance.at_peak.requests_per_s
        at_peak = LoadPoint(peak, *(interpolated(curve, peak, name) for name in LoadPoint.__struct_fields__[1:]))
        nobody = LoadPoint(0.0, 0.0, 0.0, 0.0, curve[0].ttft_p95_s, curve[0].itl_p95_s)
        for load, point in (("rest", nobody), ("peak", at_peak), ("saturated", curve[-1])):
            fleets[f"{case.replace(' ', '-')} {load}".replace("@", "-").replace(" ", "-").replace(".", "-")] = Fleet(
                plan, point, pods=2
            )
    with scraped(fleets, tmp_path) as address:
        wait_for(address, "min(sum_over_time(up[15s]))", 4)
        for name, fleet in fleets.items():
            queries = Queries(fleet.queries.replica, "15s", namespace=name)
            expected = expected_values(fleet.plan, fleet.point, fleet.pods)
            for recorded, query in recorded_names(queries).items():
                near = EXTRAPOLATED if "rate(" in query else 1e-6
                (value,) = settled(address, query, pytest.approx(expected[recorded], rel=near, abs=1e-6))
                assert value == pytest.approx(expected[recorded], rel=near, abs=1e-6), query
            for trigger in triggers_of(queries):
                assert len(asked(address, trigger.query)) == 1, trigger.query
            for metric in queries.metrics:
                assert asked(address, queries.absent(metric)) == [], "nothing is absent"
            if fleet.point.requests_per_s:
                (quantile,) = asked(address, queries.quantile("ttft", "p95", "15s"))
                bounds = [0.0, *queries.replica.served.buckets["ttft"]]
                above = min(bound for bound in bounds if bound >= fleet.point.ttft_p95_s)
                below = max(bound for bound in bounds if bound < above)
                assert below <= quantile <= above, "within the bucket that the plan's value falls into"
