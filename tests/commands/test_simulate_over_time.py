"""`fleetcast simulate` over a day, a week, recorded hours, or a trace that scales the fleet."""

from pathlib import Path

import pytest

from tests.commands.conftest import Program

AZURE = Path(__file__).resolve().parents[1] / "fixtures" / "traces" / "azure_llm_2023_conv_excerpt.csv"
# Two seats a replica: a load that a test can afford needs several of them.
ASKED = (
    "simulate", "--model", "llama-3.1-8b", "--gpu-type", "l40s", "--tp", "1", "--rps", "0.5", "--input-tokens", "500",
    "--output-tokens", "200", "--batch-size", "2", "--ttft-p95", "10s", "--node-start", "0s", "--image-pull", "0s",
)  # fmt: skip
HOURS = "timestamp,rps\n2024-05-12 00:00:00,0.3\n2024-05-12 01:00:00,0.9\n2024-05-12 02:00:00,0.3\n"
MINUTES = {"serving", "starting", "draining", "accelerator_hours", "requests", "misses", "queue", "running"} | {
    f"ttft_{share}_s" for share in ("p50", "p95", "p99")
}


def at_rate(rate: str) -> list[str]:
    return [part if before != "--rps" else rate for before, part in zip(("", *ASKED), ASKED, strict=False)]


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    file = tmp_path / "hours.csv"
    file.write_text(HOURS, encoding="utf-8")
    return file


def test_recorded_hours_scale_the_fleet_up_and_down(fleetcast: Program, hours: Path) -> None:
    warm = ("--node-start", "0s", "--image-pull", "0s")  # the hours are over before cold nodes are given back
    tree = fleetcast(*ASKED, *warm, "--rates", hours, "--json").tree
    minutes = tree["by_minute"]
    assert {len(minutes[name]) for name in MINUTES} == {180}
    assert tree["autoscaled"] and tree["starts"] >= 1 and tree["drains"] >= 1
    assert tree["minimum_replicas"] <= tree["fewest_replicas"] < tree["most_replicas"] <= tree["maximum_replicas"]
    assert sum(minutes["requests"]) == tree["requests"] == pytest.approx(0.5 * 3 * 3600, rel=0.1)
    middle = sum(minutes["serving"][60:120]) / 60
    assert middle > sum(minutes["serving"][:60]) / 60
    assert tree["load"] == "one stretch of 3 hours of hours.csv"


def test_hours_and_misses_are_summed_up_over_the_minutes(fleetcast: Program, hours: Path) -> None:
    """An L40S replica is one accelerator: an hour of a replica is an accelerator-hour, in whole instances or more."""
    tree = fleetcast(*ASKED, "--rates", hours, "--json").tree
    minutes = tree["by_minute"]
    held = [sum(parts) for parts in zip(*(minutes[n] for n in ("serving", "starting", "draining")), strict=True)]
    assert sum(held) / 60 == pytest.approx(tree["replica_hours"], rel=1e-4)
    assert sum(minutes["accelerator_hours"]) == pytest.approx(tree["replica_hours"], rel=1e-4)
    assert tree["accelerator_hours"] >= tree["replica_hours"] * (1 - 1e-6)
    assert tree["saving"] == pytest.approx(1 - tree["accelerator_hours"] / tree["fixed_accelerator_hours"], rel=1e-4)
    assert tree["met"] == pytest.approx(1 - sum(minutes["misses"]) / tree["requests"], rel=1e-5)
    assert tree["targets"][0]["within"] == pytest.approx(tree["met"])


def test_a_day_of_the_workloads_own_hours(fleetcast: Program) -> None:
    once, again, other = (fleetcast(*at_rate("0.1"), "--day", "--seed", seed, "--json") for seed in (1, 1, 2))
    assert once.out == again.out != other.out
    minutes = once.tree["by_minute"]
    assert len(minutes["requests"]) == 1440
    assert (once.tree["span"], once.tree["load"]) == ("day", "one day of this shape")
    # The default day peaks at 1.5 times its mean, at noon.
    by_hour = [sum(minutes["requests"][start : start + 60]) for start in range(0, 1440, 60)]
    assert sum(by_hour[10:14]) > 2 * sum(by_hour[22:] + by_hour[:2])


def test_a_week_is_seven_days(fleetcast: Program) -> None:
    tree = fleetcast(*at_rate("0.02"), "--week", "--json").tree
    assert len(tree["by_minute"]["requests"]) == 7 * 1440
    assert tree["duration_s"] == 7 * 86400
    assert tree["requests"] == pytest.approx(0.02 * 7 * 86400, rel=0.05)


def test_a_fleet_of_a_size_of_its_own_does_not_scale(fleetcast: Program, hours: Path) -> None:
    tree = fleetcast(*ASKED, "--rates", hours, "--replicas", "3", "--json").tree
    assert not tree["autoscaled"]
    assert (tree["fewest_replicas"], tree["most_replicas"], tree["starts"]) == (3, 3, 0)
    assert tree["replica_hours"] == pytest.approx(9)


def test_a_trace_is_run_against_the_scaled_fleet(fleetcast: Program) -> None:
    tree = fleetcast(*at_rate("0.8"), "--trace", AZURE, "--autoscale", "--speed-up", "0.2", "--json").tree
    assert tree["requests"] + tree["refused"] == 150
    assert tree["starts"] >= 1
    assert tree["load"] == f"the trace {AZURE.name} at 0.2 times its rate"
    assert tree["targets"] and not any(one["low"] or one["high"] for one in tree["targets"])  # no two parts are alike


def test_a_trace_in_seconds_is_replayed_in_seconds(fleetcast: Program) -> None:
    tree = fleetcast(*ASKED, "--trace", AZURE.parent / "bailian_like.jsonl", "--autoscale", "--json").tree
    assert tree["notes"][0].startswith("timestamps read as seconds: ")
    assert tree["duration_s"] > 5


def test_lengths_come_from_a_trace(fleetcast: Program, hours: Path) -> None:
    """Those of the excerpt are not those of the spec."""
    own, recorded = (fleetcast(*ASKED, "--rates", hours, *more, "--json").tree for more in ((), ("--lengths", AZURE)))
    assert recorded["load"].endswith(f"lengths as in {AZURE.name}")
    assert own["requests"] == recorded["requests"]
    assert own["e2e_s"]["mean"]["value"] != pytest.approx(recorded["e2e_s"]["mean"]["value"], rel=0.02)


def test_no_request_is_lost_with_a_failing_replica(fleetcast: Program, hours: Path) -> None:
    calm, failing = (
        fleetcast(*ASKED, "--rates", hours, *more, "--json").tree for more in ((), ("--fail", "80min,1.5h"))
    )
    assert failing["failures"] == 2 and failing["begun_anew"] >= 1
    assert failing["requests"] == calm["requests"]
    assert failing["met"] <= calm["met"]


def test_a_saved_plan_gives_what_its_flags_give(fleetcast: Program, hours: Path, tmp_path: Path) -> None:
    """Verified and replayed, with the thresholds that `forecast` shows."""
    file = tmp_path / "plan.json"
    assert fleetcast("forecast", *ASKED[1:], "--output", file).code == 0
    from_file, from_flags = (
        fleetcast("simulate", *what, "--rates", hours, "--json").tree for what in ((file,), ASKED[1:])
    )
    # A plan's file holds six digits: a start may come a moment sooner.
    for name in ("requests", "starts", "drains", "minimum_replicas", "maximum_replicas", "fixed_replicas"):
        assert from_file[name] == from_flags[name]
    assert from_file["replica_hours"] == pytest.approx(from_flags["replica_hours"], rel=1e-3)


def test_the_report_says_it_in_a_sentence_and_draws_the_fleet(fleetcast: Program, hours: Path) -> None:
    run = fleetcast(*ASKED, "--rates", hours, "--plain")
    for words in (
        " met the targets, ", "GPU-hours, ", "a fixed fleet of ", "Meets both targets.", "serving ",
        "starting ", "TTFT p95 of the worst minute", "longest queue", "hour", "looks every 30 s",
    ):  # fmt: skip
        assert words in run.out, words
    assert run.err == ""
    drawn = fleetcast(*ASKED, "--rates", hours).out
    assert "┤" in drawn and "minutes with a miss" in drawn


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--day", "--week"), "give one of them"),
        (("--day", "--requests", "5"), "--day has its own requests: leave --requests 5 out"),
        (("--week", "--at", "mean"), "leave --at mean out"),
        (("--autoscale",), "--autoscale is of a trace"),
        (("--fail", "1h"), "add --day, --week, --rates or --autoscale"),
        (("--lengths", AZURE), "add --day, --week, --rates or --autoscale"),
        (("--trace", AZURE, "--week"), "leave --week out"),
        (("--trace", AZURE, "--autoscale", "--lengths", AZURE), "leave --lengths out"),
        (("--trace", AZURE, "--autoscale", "--replicas", "2"), "leave --replicas 2 out"),
        (("--day", "--fail", "soon"), "--fail 'soon'"),
        (("--day", "--fail", "25h"), "a failure at 90000 s is outside the load"),
        (("--day", "--replicas", "0"), "0 replicas cannot be simulated"),
        (("--day", "--seed", "-1"), "the seed -1 is negative"),
        (("--rates", "nowhere.csv"), "there is no file 'nowhere.csv'"),
        (("--rates", AZURE), "has no time and rate"),
    ],
)
def test_what_does_not_go_together_is_refused(fleetcast: Program, more: tuple[object, ...], said: str) -> None:
    assert said in fleetcast.refusal(*ASKED, *more)
