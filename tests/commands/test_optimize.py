"""`optimize`: the best way over the whole catalog, with its reasons."""

from functools import cache

import pytest

from agent.report.choice.choice_report import choice_report, choice_tree
from agent.report.rendering.plain import plain_text
from agent.statements.merged import collected, flag_statement
from catalogs.catalog import Catalog
from engine.choice.choice import Choice, choice
from tests.commands.conftest import Program

ASKED = ("llama 3.1 8B, 20 rps, 1.5k in, 300 out, p95 TTFT under 800 ms", "--gpu-type", "H100", "--gpu-type", "L40S")


@cache
def chosen(*flags: str) -> Choice:
    """Return the choice whose JSON and whose report are held against each other: both of one search."""
    catalog = Catalog.load()
    given = {flag: (text,) for flag, text in zip(flags[::2], flags[1::2], strict=True)}
    found = choice(collected([flag_statement(given)], catalog).completed().spec, catalog, "cost")
    assert found is not None
    return found


def report_of(found: Choice) -> str:
    return " ".join(plain_text(choice_report(found, "")).split())


def test_it_says_what_is_best_and_why_the_others_lost(fleetcast: Program) -> None:
    run = fleetcast("optimize", ASKED[0], "--plain")
    assert run.code == 0
    assert run.out.startswith("Cheapest of ")
    for said in ("On other accelerators", "By precision", "By term", "Money against TTFT p95", "costs ", "% more"):
        assert said in run.out


def test_json_has_the_best_the_front_and_the_reasons(fleetcast: Program) -> None:
    tree = fleetcast("optimize", *ASKED, "--json").tree
    assert tree["best"]["monthly_usd"] == min(option["monthly_usd"] for option in tree["front"])
    assert all(option["why_not"] for option in tree["runners_up"])
    best = tree["best"]
    asked = (
        ASKED[0],
        "--gpu-type",
        best["accelerator"],
        "--precision",
        best["precision"],
        "--tp",
        best["tensor_parallel"],
    )
    plan = fleetcast("forecast", *asked, "--no-verify", "--json").tree
    assert plan["cost"]["monthly_usd"] == best["monthly_usd"]


def test_an_objective_changes_the_answer(fleetcast: Program) -> None:
    cost, latency = (fleetcast("optimize", *ASKED, "--for", by, "--json").tree["best"] for by in ("cost", "latency"))
    assert latency["latency_s"] < cost["latency_s"] and latency["monthly_usd"] > cost["monthly_usd"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((*ASKED, "--for", "money"), "there are cost, latency, energy or count"),
        (("8B, 1k in, 200 out", "--replicas", 2), "no load to choose a fleet for"),
        ((ASKED[0], "--gpu-type", "H1000"), "H1000"),
        ((*ASKED, "--term", "forever"), "forever"),
    ],
)
def test_what_cannot_be_chosen_gets_one_sentence(fleetcast: Program, asked: tuple[object, ...], said: str) -> None:
    run = fleetcast("optimize", *asked)
    assert run.code == 2
    assert said in run.err.splitlines()[-1]


def test_what_nothing_meets_says_so(fleetcast: Program) -> None:
    run = fleetcast("optimize", "8B, 20 rps, 1.5k in, 300 out, p95 TTFT under 6 ms")
    assert run.code == 3
    assert "Nothing meets the targets" in run.err


def test_the_usual_price_is_explained_and_the_class_is_that_of_the_targets_that_hold() -> None:
    found = chosen("--model", "llama-3.1-8b", "--rps", "20", "--input-tokens", "1000", "--output-tokens", "200")
    tree, report = choice_tree(found), report_of(found)
    assert "no latency is asked for" not in report and "TTFT p95 within 2 s" in tree["latency_class"]
    assert "The usual price is an offer at the median provider's price per accelerator" in report
    least = min(one["monthly_usd"] for one in tree["by_provider"])
    assert least < tree["best"]["monthly_usd"] and f"the cheapest single offer is ${least:,.0f} a month" in report


def test_what_there_is_to_ask_about_the_best_is_said() -> None:
    """A card that few sell, or of which no kernel was measured: the best without such doubts stands beside it."""
    question = ("--model", "llama-3.1-8b", "--rps", "20", "--input-tokens", "500", "--output-tokens", "250")
    found = choice_tree(chosen(*question))
    assert found["best"]["accelerator"] == "gh200-96gb"
    assert "lambda alone sell" in found["doubts"][0] and "no kernel of it was measured" in found["doubts"][1]
    trusted = found["trusted"]
    assert trusted["monthly_usd"] > found["best"]["monthly_usd"]
    assert "Without such doubts: " in report_of(chosen(*question))
    named = choice_tree(chosen(*question, "--gpu-type", "gh200-96gb"))
    assert named["doubts"] == [] and named["trusted"] is None
    again = choice_tree(chosen(*question, "--gpu-type", trusted["accelerator"]))
    assert again["best"]["monthly_usd"] == trusted["monthly_usd"]


def test_what_only_its_missing_evidence_keeps_from_being_cheapest_is_named_at_every_door(fleetcast: Program) -> None:
    """MI300X cost 17 % less on paper: `optimize` and `forecast` left it out unsaid, `compare` took it unsaid."""
    asked = ("llama 3.3 70b fp8, 12 rps, 3k in, 400 out, ttft p95 1.5s, itl p95 50ms", "--exclude", "trainium2")
    others = fleetcast("optimize", *asked, "--json").tree["runners_up"]
    on_paper = [one for one in others if "less on paper" in one["why_not"]]
    assert on_paper
    said = fleetcast("optimize", *asked, "--plain").out
    assert "Cheaper on paper, but no kernel of its architecture was measured; taken where it is named: " in said
    plan = fleetcast("forecast", *asked, "--no-verify", "--json").tree
    assert on_paper[0]["accelerator"] in [one["accelerator"] for one in plan["alternatives"]]
    named = ("--gpu-type", f"{on_paper[0]['accelerator']},B300", "--no-verify", "--plain")
    compared = fleetcast("compare", asked[0], *named).out
    assert f"The speed of {on_paper[0]['accelerator_name']} is not known within a factor of 2" in compared


@pytest.mark.parametrize("by", ["cost", "latency"])
def test_a_budget_bounds_the_choice_and_one_that_nothing_keeps_is_exit_code_4(fleetcast: Program, by: str) -> None:
    """The fastest within the budget; where nothing is, the cheapest, with what it is over."""
    free = fleetcast("optimize", *ASKED, "--for", by, "--json").tree["best"]["monthly_usd"]
    kept = fleetcast("optimize", *ASKED, "--for", by, "--budget", free + 1, "--json")
    assert kept.code == 0 and kept.tree["best"]["monthly_usd"] <= free + 1 and kept.tree["over_budget_usd"] == 0
    least = min(option["monthly_usd"] for option in kept.tree["front"])
    over = fleetcast("optimize", *ASKED, "--for", by, "--budget", 10)
    assert over.code == 4 and "within $10.00 a month: over by" in over.out
    within = fleetcast("optimize", *ASKED, "--for", by, "--budget", least + 1, "--json")
    assert within.code == 0 and within.tree["best"]["monthly_usd"] <= least + 1
