from tests.commands.conftest import Program


def test_a_forecast_is_verified_unless_it_is_told_not_to(fleetcast: Program) -> None:
    asked = ("forecast", "--model", "llama-3.1-8b", "--gpu-type", "h100", "--rps", "5", "--input-tokens", "500")
    asked += ("--output-tokens", "200", "--ttft-p95", "1s")
    record = fleetcast(*asked, "--json").tree["verification"]
    assert record["targets"][0]["met"]
    assert record["ttft_s"]["p95"]["low"] <= record["ttft_s"]["p95"]["value"] <= record["ttft_s"]["p95"]["high"]
    assert fleetcast(*asked, "--no-verify", "--json").tree["verification"] is None
    shown = fleetcast(*asked, "--full", "--plain").out
    assert "Simulated" in shown
    assert "95 % interval" in shown
    assert "Simulated" not in fleetcast(*asked, "--full", "--plain", "--no-verify").out


def test_a_capacity_is_refined_where_it_is_asked_for(fleetcast: Program) -> None:
    """Sized on what simulations hold: the plan says so, and its targets are the simulated ones."""
    asked = ("forecast", "--model", "llama-3.1-8b", "--gpu-type", "h100", "--rps", "30", "--input-tokens", "500")
    asked += ("--output-tokens", "200", "--ttft-p95", "150ms", "--tp", "1")
    plan = fleetcast(*asked, "--refine", "--json").tree
    assert "bisection with common random numbers" in plan["provenance"]["method"]
    assert plan["targets"][0]["forecast_s"] == plan["verification"]["targets"][0]["simulated_s"] <= 0.15
    assert "bisection" not in fleetcast(*asked, "--json").tree["provenance"]["method"]
    assert "leave one of them out" in fleetcast.refusal(*asked, "--refine", "--no-verify")
    assert "there is no target to refine" in fleetcast.refusal(*asked[:-4], "--refine", "--default-targets", "none")


def test_a_forecast_is_replayed_and_says_so(fleetcast: Program) -> None:
    """The day on the first screen, its minutes request by request in the JSON; without verification only the day."""
    asked = ("forecast", "--model", "llama-3.1-8b", "--gpu-type", "h100", "--tp", "1", "--rps", "120")
    asked += ("--input-tokens", "500", "--output-tokens", "200", "--ttft-p95", "1s")
    replay = fleetcast(*asked, "--json").tree["replay"]
    assert [moment["name"] for moment in replay["moments"]] == ["peak", "steepest"]
    alone = fleetcast(*asked, "--no-verify", "--json").tree["replay"]
    assert alone["moments"] == []
    assert {**replay, "moments": []} == alone
    shown = " ".join(fleetcast(*asked).out.split())
    assert "Replayed one day of this shape, a new replica after " in shown
    assert f"a fixed fleet of {replay['fixed_replicas']}." in shown


def test_a_week_of_a_preset_is_replayed_by_its_hours(fleetcast: Program) -> None:
    asked = ("forecast", "--model", "llama-3.1-8b", "--gpu-type", "h100", "--tp", "1", "--rps", "120")
    replay = fleetcast(*asked, "--preset", "chat", "--no-verify", "--json").tree["replay"]
    assert replay["shape"] == "week"
    assert "chat" in replay["basis"] and "Azure" in replay["basis"]


def test_one_replica_has_nothing_to_replay(fleetcast: Program) -> None:
    asked = ("forecast", "--model", "llama-3.1-8b", "--gpu-type", "h100", "--tp", "1", "--rps", "1")
    asked += ("--input-tokens", "500", "--output-tokens", "200")
    assert fleetcast(*asked, "--json").tree["replay"] is None
    assert "Nothing to replay: 1 replica at every hour." in fleetcast(*asked, "--full", "--plain").out
