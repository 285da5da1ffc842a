"""`scenarios`: the seven, each with a recommendation that holds, its reasons, and in each form."""

import time

import pytest

from catalogs.catalog import Catalog
from engine.choice.deployment.scenario import on_the_market
from tests.commands.conftest import Program

CATALOG = Catalog.load()
ALL = "chatbot content-generation research-assistant code-completion rag agents batch".split()


def test_the_seven_are_listed(fleetcast: Program) -> None:
    assert [one["id"] for one in fleetcast("scenarios", "list", "--json").tree] == ALL
    assert all(name in fleetcast("scenarios").out for name in ALL)


@pytest.mark.parametrize("name", ALL[:-1])
def test_a_recommendation_meets_the_targets_on_what_the_market_has(fleetcast: Program, name: str) -> None:
    began = time.process_time()
    tree = fleetcast("scenarios", "run", name, "--json").tree
    assert time.process_time() - began < 2
    best = tree["best"]
    assert best["accelerator"] in on_the_market(CATALOG)
    assert best["measured"] and not best["doubt"]
    assert tree["runners_up"]
    assert all(one["why_not"] for one in tree["runners_up"])
    assert len(tree["reasons"]) >= 2
    assert best["monthly_usd"] <= min(one["monthly_usd"] for one in tree["runners_up"] if one["measured"])
    target = next(one["seconds"] for one in tree["spec"]["targets"] if one["metric"] == "ttft")
    assert best["ttft_p95_s"] <= target * (1 + 1e-6)
    assert [month["monthly_usd"] for month in tree["apis"]] == sorted(month["monthly_usd"] for month in tree["apis"])


def test_the_batch_is_spot_first_with_its_apis(fleetcast: Program) -> None:
    tree = fleetcast("scenarios", "run", "batch", "--json").tree
    assert [way["term"] for way in tree["best"]] == ["spot", "on_demand"]
    assert all(way["hours"] <= 72 for way in tree["best"])
    assert len(tree["apis"]) == 2


def test_a_forecast_of_the_recommendation_agrees(fleetcast: Program) -> None:
    """The same question asked of `forecast` on that accelerator and split: the same fleet."""
    best = fleetcast("scenarios", "run", "rag", "--json").tree["best"]
    asked = ("--preset", "rag", "--model", "llama-3.1-8b", "--precision", "fp8", "--rps", 10)
    split = ("--gpu-type", best["accelerator"], "--tp", best["tensor_parallel"], "--pp", best["pipeline_parallel"])
    plan = fleetcast("forecast", *asked, *split, "--no-verify", "--json").tree
    assert plan["fleet"]["replicas"] == best["replicas"]
    assert plan["cost"]["monthly_usd"] == pytest.approx(best["monthly_usd"], rel=1e-5)


def test_each_form_and_what_changes_it(fleetcast: Program) -> None:
    run = fleetcast("scenarios", "run", "chatbot")
    assert "Because:" in run.out
    assert "Runners-up" in run.out
    assert all(len(line) <= 80 for line in run.out.splitlines())
    assert "runner-up" in fleetcast("scenarios", "run", "chatbot", "--plain").out
    assert fleetcast("scenarios", "run", "chatbot", "--csv").out.startswith("section,item,column,value,unit")
    more = fleetcast("scenarios", "run", "chatbot", "--rps", 60, "--json").tree["best"]["monthly_usd"]
    assert more > fleetcast("scenarios", "run", "chatbot", "--json").tree["best"]["monthly_usd"]
    shown = fleetcast("scenarios", "show", "agents")
    assert "calls a request" in shown.out
    assert "no scenario is called" in fleetcast.refusal("scenarios", "run", "spaceship")


def test_what_apis_ask_and_what_a_scenario_is_are_tables_for_spreadsheets_too(fleetcast: Program) -> None:
    apis = fleetcast("catalog", "apis", "gpt-4o", "--csv").out.splitlines()
    assert apis[0] == "section,item,column,value,unit"
    assert "APIs,gpt-4o,input / 1M,2.50,USD" in apis
    assert "Scenario,load,,10,requests/s" in fleetcast("scenarios", "show", "rag", "--csv").out.splitlines()
