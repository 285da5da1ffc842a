"""`costs`: all ways side by side, one bill in full, in each form; refusals in a sentence."""

import pytest

from tests.commands.conftest import Program

ASKED = ("costs", "llama 3.1 8B fp8 on L40S, 30 rps, 1k in, 200 out, p95 TTFT under 1s")
FLAGS = ("costs", *"--model llama-3.1-8b --gpu-type L40S --rps 3 --input-tokens 1000 --output-tokens 200".split())


def test_all_ways_stand_side_by_side(fleetcast: Program) -> None:
    run = fleetcast(*ASKED, "--api", "gpt-4o,gpt-4o-mini", "--api-share", "30%")
    assert run.code == 0
    for said in ("rent on demand", "rent spot", "mix of terms", "own", "API: gpt-4o-mini", "API beyond", "pays above"):
        assert said in run.out, said
    assert all(len(line) <= 80 for line in run.out.splitlines())
    tree = fleetcast(*ASKED, "--api", "gpt-4o,gpt-4o-mini", "--api-share", "30%", "--json").tree
    modes = [way["mode"] for way in tree["ways"]]
    expected = "rent autoscaled spot reserved_1y reserved_3y mix own overflow share edge api api".split()
    assert modes == expected
    for way in tree["ways"]:
        if not way["infeasible"]:
            recurring = sum(line["usd"] for line in way["lines"] if line["kind"] != "one-off")
            assert way["monthly_usd"] == pytest.approx(recurring, rel=1e-4)


def test_the_rent_is_the_forecasts_own_bill(fleetcast: Program) -> None:
    tree = fleetcast(*ASKED, "--api", "none", "--no-other-costs", "--json").tree
    plan = fleetcast("forecast", *ASKED[1:], "--no-verify", "--json").tree
    assert tree["ways"][0]["monthly_usd"] == pytest.approx(plan["cost"]["monthly_usd"], rel=1e-5)


def test_one_bill_line_by_line_in_each_form(fleetcast: Program) -> None:
    tree = fleetcast(*ASKED, "--mode", "own", "--json").tree
    capital = next(line["usd"] for line in tree["lines"] if line["label"] == "capital")
    for form in ((), ("--plain",)):
        out = fleetcast(*ASKED, "--mode", "own", *form).out
        assert f"${capital:,.0f}" in out
        assert "whatever is asked" in out
        assert "CBRE" in out
    assert f"Bill,capital,USD,{capital:.0f},USD" in fleetcast(*ASKED, "--mode", "own", "--csv").out


def test_owning_takes_what_is_said_of_it(fleetcast: Program) -> None:
    cheap = ("--years", 5, "--discount-rate", "0%", "--residual", "0%", "--hosting", 0, "--staff", 0, "--pue", 1)
    tree = fleetcast(*ASKED, "--mode", "own", *cheap, "--json").tree
    lines = {line["label"]: line["usd"] for line in tree["lines"]}
    assert lines["capital"] == pytest.approx(lines["purchase"] / 60, rel=1e-5)
    assert lines["hosting"] == lines["staff"] == 0


def test_refusals(fleetcast: Program) -> None:
    assert "did you mean reserved_1y" in fleetcast.refusal(*FLAGS, "--mode", "reserved-1yr")
    assert "is below 1" in fleetcast.refusal(*FLAGS, "--pue", "0.9")
    assert "needs an API" in fleetcast.refusal(*FLAGS, "--api", "none", "--api-share", "30%")
    assert "gpt-nine" in fleetcast.refusal(*FLAGS, "--api", "gpt-nine")
    assert "still needed" in fleetcast.refusal("costs", "--rps", 3, code=5)


def test_a_budget_that_is_exceeded_says_what_fits(fleetcast: Program) -> None:
    asked = ("llama 3.1 70B fp8 on H100, 20 rps, 1.5k in, 300 out", "--no-verify", "--budget")
    run = fleetcast("forecast", *asked, "20000")
    assert run.code == 4
    assert "Under $20,000" in run.err
    assert "on average" in run.err
    assert "Under $" not in fleetcast("forecast", *asked, "900000").err


def test_what_the_question_pays_and_how_it_owns_is_in_the_bills(fleetcast: Program) -> None:
    """Other costs in each fleet's, the years of owning; growth, which no bill of today has, is said to be left out."""
    run = fleetcast("costs", f"{ASKED[1]}, growing 50% a year", "--api", "none", "--other-costs", 1000, "--json")
    assert "Not used here, only in a forecast: growth a year." in run.err
    for way in (one for one in run.tree["ways"][:7] if not one["infeasible"]):
        assert [line["usd"] for line in way["lines"] if line["label"] == "other costs"] == [1000], way["mode"]
    own = fleetcast("costs", f"{ASKED[1]}, our own hardware over 5 years", "--mode", "own", "--api", "none").out
    assert "over 5 years" in own
