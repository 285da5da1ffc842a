"""The JSON that other tools read: every path that is promised is there, and holds what it should."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Program

LENGTHS = ("--input-tokens", "500", "--output-tokens", "200")
QUESTION = ("forecast", "--model", "llama-3.1-8b", "--rps", "10", *LENGTHS, "--gpu-type", "h100", "--ttft-p95", "800ms")
POINTS = Path(__file__).resolve().parents[1] / "fixtures" / "accuracy" / "points.csv"

NUMBER = (int, float)
KINDS = {"said", "flag", "file", "settings", "preset", "default", "derived"}

TOP = (
    "schema_version answer spec sources chosen memory performance targets replica_capacity fleet autoscaling cost "
    "energy alternatives rejected assumptions warnings bands provenance"
).split()

PLAN: Mapping[str, type | tuple[type, ...]] = {
    "schema_version": int,
    "answer": dict,
    "spec.traffic.requests_per_s": NUMBER,
    "spec.traffic.peak_factor": NUMBER,
    "spec.tokens.input.mean": NUMBER,
    "spec.tokens.output.mean": NUMBER,
    "spec.model": str,
    "spec.precision.weights": (str, type(None)),
    "spec.precision.kv_cache": (str, type(None)),
    "spec.targets.0.metric": str,
    "spec.targets.0.percentile": str,
    "spec.targets.0.seconds": NUMBER,
    "spec.hardware.accelerators.0": str,
    "spec.serving": dict,
    "spec.availability": dict,
    "spec.scaling": dict,
    "spec.money": dict,
    "chosen.accelerator": str,
    "chosen.precision": dict,
    "chosen.offer": dict,
    "memory.verdict": str,
    "memory.per_accelerator": dict,
    "targets.0.metric": str,
    "targets.0.percentile": str,
    "targets.0.met": bool,
    "replica_capacity.binds": str,
    "fleet.ledger": list,
    "alternatives": list,
    "rejected": list,
    "assumptions": list,
    "warnings": list,
    "bands": (dict, type(None)),
    "energy": (dict, type(None)),
    "provenance": dict,
    "verification": (dict, type(None)),
    "replay": (dict, type(None)),
} | {
    path: NUMBER
    for group, names in {
        "chosen": "accelerators_per_replica tensor_parallel pipeline_parallel data_parallel expert_parallel",
        "memory": "weights_bytes kv_cache_bytes_per_token kv_cache_pool_bytes max_concurrent_sequences",
        "targets.0": "target_s forecast_s",
        "replica_capacity": "requests_per_s",
        "fleet": (
            "replicas minimum_replicas maximum_replicas accelerators capacity_requests_per_s "
            "capacity_output_tokens_per_s"
        ),
        "autoscaling": (
            "target_in_flight_per_replica rps_per_replica queue_length ttft_s kv_cache_usage gpu_utilisation "
            "scale_down_window_s reaction_time_s"
        ),
        "cost": "monthly_usd minimum_monthly_usd autoscaled_monthly_usd maximum_monthly_usd usd_per_request",
        "cost.usd_per_million_tokens": "input output blended",
        **{f"performance.{at}": "batch utilisation output_tokens_per_s" for at in ("at_mean", "at_peak")},
        **{
            f"performance.{at}.{metric}": "mean p50 p95 p99"
            for at in ("at_mean", "at_peak")
            for metric in ("ttft_s", "itl_s", "e2e_s")
        },
    }.items()
    for path in (f"{group}.{name}" for name in names.split())
}

ESTIMATE: Mapping[str, type | tuple[type, ...]] = {
    **{f"{metric}.{name}": NUMBER for metric in ("ttft_s", "itl_s", "e2e_s") for name in ("mean", "p50", "p95", "p99")},
    "output_tokens_per_s": NUMBER,
    "output_tokens_per_s_per_accelerator": NUMBER,
    "memory": dict,
    "flops": dict,
    "verdict": str,
}


def at(tree: Any, path: str) -> Any:
    for name in path.split("."):
        tree = tree[int(name)] if isinstance(tree, list) else tree[name]
    return tree


def numbers(tree: Any) -> list[float]:
    if isinstance(tree, dict):
        return [number for value in tree.values() for number in numbers(value)]
    if isinstance(tree, list):
        return [number for value in tree for number in numbers(value)]
    return [tree] if isinstance(tree, NUMBER) and not isinstance(tree, bool) else []


@pytest.mark.parametrize("more", [(), ("--preset", "chat"), ("--gpus", "8"), ("--itl-p99", "1ms")])
def test_a_plan_holds_every_path_that_is_promised(fleetcast: Program, more: tuple[str, ...]) -> None:
    plan = fleetcast(*QUESTION, *more, "--json").tree
    assert [key for key in plan if key in TOP] == TOP
    wrong = {path: at(plan, path) for path, kind in PLAN.items() if not isinstance(at(plan, path), kind)}
    assert not wrong
    assert all(number >= 0 for number in numbers({key: plan[key] for key in TOP if key not in ("spec", "bands")}))


def test_a_replay_holds_every_path_that_is_promised(fleetcast: Program) -> None:
    """A rate that takes a fleet, so that there is something to scale."""
    asked = ("forecast", "--model", "llama-3.1-8b", "--rps", "150", *LENGTHS, "--gpu-type", "h100", "--tp", "1")
    replay = fleetcast(*asked, "--no-verify", "--json").tree["replay"]
    for name in ("met", "accelerator_hours", "fixed_accelerator_hours", "saving", "replica_hours"):
        assert isinstance(replay[name], NUMBER), name
    for name in ("minimum_replicas", "maximum_replicas", "scale_ups", "scale_downs", "flaps", "late_minutes", "seed"):
        assert isinstance(replay[name], int), name
    assert replay["shape"] == "day"
    assert len(replay["requests_per_s_by_hour"]) == len(replay["replicas_by_hour"]) == 24
    assert all(set(one) == {"threshold", "planned", "corrected", "why"} for one in replay["corrections"])


def test_sources_are_a_map_from_a_path_of_the_spec_to_its_kind(fleetcast: Program) -> None:
    plan = fleetcast(*QUESTION, "--preset", "chat", "--json").tree
    for path, source in plan["sources"].items():
        at(plan["spec"], path)
        assert source["kind"] in KINDS
    assert plan["sources"]["traffic.requests_per_s"]["kind"] == "flag"
    assert {source["kind"] for source in plan["sources"].values()} >= {"flag", "preset", "default"}


@pytest.mark.parametrize("load", [("--rps", "5"), ("--static-batch", "8")])
def test_an_estimate_holds_every_path_that_is_promised(fleetcast: Program, load: tuple[str, ...]) -> None:
    tree = fleetcast("estimate", "--model", "llama-3.1-8b", "--gpu-type", "h100", *LENGTHS, *load, "--json").tree
    wrong = {path: at(tree, path) for path, kind in ESTIMATE.items() if not isinstance(at(tree, path), kind)}
    assert not wrong


@pytest.mark.parametrize("load", [("--concurrency", "8"), ("--offline",)])
def test_where_no_percentile_is_known_it_is_null_and_not_missing(fleetcast: Program, load: tuple[str, ...]) -> None:
    tree = fleetcast("estimate", "--model", "llama-3.1-8b", "--gpu-type", "h100", *LENGTHS, *load, "--json").tree
    for path, kind in ESTIMATE.items():
        value = at(tree, path)
        assert value is None or isinstance(value, kind), path
    assert isinstance(tree["itl_s"]["mean"], float)


def test_a_scorecard_holds_every_path_that_is_promised(fleetcast: Program) -> None:
    tree = fleetcast("accuracy", "--points", POINTS, "--json").tree
    assert isinstance(tree["points"], int)
    assert isinstance(tree["predicted"], int)
    assert isinstance(tree["refused"], list)
    for metric in ("itl", "ttft", "throughput"):
        scores = tree["metrics"][metric]
        assert isinstance(scores["n"], int)
        for name in ("median_ape", "p90_ape", "median_ratio"):
            assert scores[name] is None if not scores["n"] else isinstance(scores[name], NUMBER)
    assert list(tree["by"]) == ["source", "accelerator", "model", "load"]
