from pathlib import Path

import pytest

from engine.simulation.statistics import SHARES
from tests.commands.conftest import Program

TRACES = Path(__file__).resolve().parents[1] / "fixtures" / "traces"
AZURE = TRACES / "azure_llm_2023_conv_excerpt.csv"
MOONCAKE = TRACES / "mooncake_conversation_excerpt.jsonl"
BAILIAN = TRACES / "bailian_like.jsonl"
SPEC = (
    "--model", "llama-3.1-70b", "--gpu-type", "a100-80gb", "--tp", "4", "--rps", "4", "--input-tokens", "500",
    "--output-tokens", "200",
)  # fmt: skip
ASKED = ("simulate", *SPEC)


# --- a load drawn from the spec ---------------------------------------------------------------------------------------


def test_percentiles_rise_and_lie_in_their_intervals_beside_the_formulas(fleetcast: Program) -> None:
    tree = fleetcast(*ASKED, "--requests", "3000", "--json").tree
    for name in ("ttft_s", "itl_s", "e2e_s"):
        latency = tree[name]
        values = [latency[f"p{share * 100:g}"]["value"] for share in SHARES]
        assert values == sorted(values)
        assert all(figure["formula"] > 0 for figure in latency.values())
        mean = latency["mean"]
        assert mean["low"] <= mean["value"] <= mean["high"]
    assert tree["ttft_s"]["mean"]["value"] < tree["e2e_s"]["mean"]["value"]


def test_it_runs_the_plans_fleet_at_its_peak_hour(fleetcast: Program) -> None:
    fleet = fleetcast("forecast", *SPEC, "--json").tree["fleet"]
    tree = fleetcast(*ASKED, "--requests", "3000", "--json").tree
    assert tree["replicas"] == fleet["replicas"]
    assert tree["accelerators"] == fleet["accelerators"]
    assert tree["arrivals_per_s"] == pytest.approx(6, rel=0.06)  # 4 × the default peak factor
    mean = fleetcast(*ASKED, "--requests", "3000", "--at", "mean", "--json").tree
    assert mean["arrivals_per_s"] == pytest.approx(4, rel=0.06)
    assert mean["ttft_s"]["p95"]["value"] < tree["ttft_s"]["p95"]["value"]


def test_requests_in_flight_are_clients_of_a_closed_loop(fleetcast: Program) -> None:
    """No more run than there are clients, who send 10 requests each."""
    loop = [word if word != "--rps" else "--concurrency" for word in ASKED]
    tree = fleetcast(*loop, "--peak-multiplier", 2, "--json").tree
    over = tree["over_time"]
    assert max(a + b for a, b in zip(over["running"], over["waiting"], strict=True)) <= 8 == tree["requests"] / 10
    assert "8 clients in a closed loop" in tree["load"] and tree["ttft_s"]["mean"]["formula"] is None


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(fleetcast: Program) -> None:
    once, again, other = (fleetcast(*ASKED, "--requests", "500", "--seed", s, "--json").out for s in (1, 1, 2))
    assert once == again != other


def test_more_replicas_serve_sooner_and_too_few_miss_their_targets(fleetcast: Program) -> None:
    busy = [
        part if part != "4" or before != "--rps" else "8" for before, part in zip(("", *ASKED), ASKED, strict=False)
    ]
    asked = (*busy, "--requests", "1500", "--ttft-p95", "2s", "--json", "--replicas")
    few, many = (fleetcast(*asked, n) for n in (1, 4))
    assert few.tree["ttft_s"]["p95"]["value"] > many.tree["ttft_s"]["p95"]["value"]
    assert few.code == 3
    assert not few.tree["targets"][0]["met"]
    assert many.code == 0
    assert many.tree["targets"][0]["within"] > 0.95


def test_a_saved_plan_gives_what_its_flags_give(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert fleetcast("forecast", *SPEC, "--output", file).code == 0
    from_file = fleetcast("simulate", file, "--requests", "500", "--json").out
    assert from_file == fleetcast(*ASKED, "--requests", "500", "--json").out


def test_a_closed_loop_and_a_day_are_simulated_too(fleetcast: Program) -> None:
    closed = [part if part != "--rps" else "--concurrency" for part in ASKED]
    tree = fleetcast(*closed, "--requests", "300", "--json").tree
    assert tree["requests"] == 300
    day = fleetcast(*ASKED, "--requests", "300", "--at", "profile", "--json").tree
    assert day["load"] == "the hours of the profile"
    assert day["ttft_s"]["mean"]["formula"] is None


def test_the_report_shows_the_verdict_intervals_and_the_queue(fleetcast: Program) -> None:
    run = fleetcast(*ASKED, "--requests", "1500", "--ttft-p95", "2s", "--plain")
    assert run.code == 0
    for words in ("1,500 requests on", "Meets both targets.", "TTFT p95:", "95 % interval", "formula", "waiting"):
        assert words in run.out, words
    assert run.err == ""


# --- traces -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("trace", "requests"), [(AZURE, 150), (MOONCAKE, 61), (BAILIAN, 14)])
def test_every_request_of_a_trace_is_served(fleetcast: Program, trace: Path, requests: int) -> None:
    tree = fleetcast(*ASKED, "--trace", trace, "--json").tree
    assert tree["requests"] + tree["refused"] == requests
    assert sum(tree["over_time"]["arrivals"]) == tree["requests"]
    assert tree["trace"] == str(trace)


def test_a_trace_replayed_faster_waits_longer(fleetcast: Program) -> None:
    slow, fast = (
        fleetcast(*ASKED, "--trace", AZURE, "--replicas", "1", "--speed-up", x, "--json").tree for x in ("1", "20")
    )
    assert fast["arrivals_per_s"] > 10 * slow["arrivals_per_s"]
    assert fast["ttft_s"]["p95"]["value"] > slow["ttft_s"]["p95"]["value"]


def test_the_unit_of_timestamps_is_said_and_a_strange_rate_is_a_warning(fleetcast: Program) -> None:
    """The same keys, seconds in one file and milliseconds in the other."""
    for trace, unit in ((MOONCAKE, "milliseconds"), (BAILIAN, "seconds")):
        tree = fleetcast(*ASKED, "--trace", trace, "--json").tree
        assert tree["notes"][0].startswith(f"timestamps read as {unit}: ") and not tree["warnings"]
    run = fleetcast(*ASKED, "--trace", BAILIAN, "--trace-unit", "ms", "--plain")
    assert "Note: timestamps read as milliseconds, as stated" in run.out
    assert "from 14 requests in" in run.out
    assert "state their unit with --trace-unit s, ms, us or ns" in run.out
    assert fleetcast(*ASKED, "--trace", AZURE, "--json").tree["notes"] == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "is empty"),
        ("arrival_s,input_tokens\n0,5\n", "line 1: the column output_tokens is missing"),
        ("arrival_s,input_tokens,output_tokens\n0,5,5\n1,-5,5\n", "line 3: input_tokens is -5"),
        ("arrival_s,input_tokens,output_tokens\n3,5,5\n1,5,5\n", "line 3: the request comes 2 s before"),
        ("arrival_s,input_tokens,output_tokens\n", "holds no request"),
    ],
)
def test_a_malformed_trace_names_the_line(fleetcast: Program, tmp_path: Path, lines: str, said: str) -> None:
    file = tmp_path / "trace.csv"
    file.write_text(lines, encoding="utf-8")
    assert said in fleetcast.refusal(*ASKED, "--trace", file)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--trace", "nowhere.csv"), "there is no file 'nowhere.csv'"),
        (("--trace", AZURE, "--requests", "5"), "leave --requests 5 out"),
        (("--speed-up", "2"), "give one with --trace"),
        (("--trace-unit", "ms"), "give one with --trace"),
        (("--trace", BAILIAN, "--trace-unit", "hours"), "'hours' is no unit of time; s, ms, us or ns are"),
        (("--trace", AZURE, "--trace-unit", "s"), "dates, which have no unit: leave --trace-unit out"),
        (("--requests", "0"), "0 requests cannot be simulated"),
        (("--replicas", "0"), "0 replicas cannot be simulated"),
        (("--seed", "-1"), "the seed -1 is negative"),
        (("--routing", "best"), "round_robin"),
        (("--at", "noon"), "profile"),
        (("--trace", AZURE, "--speed-up", "0"), "a positive number is accepted"),
    ],
)
def test_what_cannot_be_simulated_is_refused(fleetcast: Program, more: tuple[object, ...], said: str) -> None:
    assert said in fleetcast.refusal(*ASKED, *more)


def test_a_plan_and_flags_together_are_refused(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    fleetcast("forecast", *SPEC, "--output", file)
    assert "leave --rps out" in fleetcast.refusal("simulate", file, "--rps", "5")


# --- repeats ----------------------------------------------------------------------------------------------------------


def test_repeats_give_intervals_where_one_run_is_too_short(fleetcast: Program) -> None:
    """300 requests promise no interval of p95; four times 300 do, with the same bytes on every run."""
    asked = (*ASKED, "--requests", "300", "--json")
    assert fleetcast(*asked).tree["ttft_s"]["p95"]["low"] is None
    once, again = (fleetcast(*asked, "--repeats", "4") for _ in range(2))
    assert once.out == again.out
    assert once.tree["repeats"] == 4
    assert once.tree["requests"] == 1200
    p95 = once.tree["ttft_s"]["p95"]
    assert p95["low"] < p95["value"] < p95["high"]
    assert "repeats: 4, seeds 0 to 3" in fleetcast(*ASKED, "--requests", "300", "--repeats", "4", "--plain").out
    assert "the same requests in every repeat" in fleetcast.refusal(*ASKED, "--trace", AZURE, "--repeats", "2")
    assert "0 repeats cannot be simulated" in fleetcast.refusal(*ASKED, "--repeats", "0")
