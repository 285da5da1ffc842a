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
