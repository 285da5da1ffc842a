"""`compare`: combinations of what flags say, and saved plans, side by side."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from agent.statements.comparison import MOST
from tests.commands.conftest import Program

ASKED = ("--model", "llama-3.1-8b", "--rps", 20, "--input-tokens", 1000, "--output-tokens", 200, "--no-verify")


def by_label(tree: Any) -> dict[str, Any]:
    return {row["label"]: row for row in tree["compared"]}


def test_each_row_is_the_plan_that_forecast_makes(fleetcast: Program) -> None:
    asked = (*ASKED, "--ttft-p95", "800ms")
    rows = by_label(fleetcast("compare", *asked, "--gpu-type", "H100,L40S", "--precision", "fp8,bf16", "--json").tree)
    assert len(rows) == 4
    for card in ("H100", "L40S"):
        for precision in ("fp8", "bf16"):
            plan = fleetcast("forecast", *asked, "--gpu-type", card, "--precision", precision, "--json").tree
            (row,) = [row for label, row in rows.items() if set(label.split(" · ")) == {card, precision}]
            assert row["monthly_usd"] == plan["cost"]["monthly_usd"]
            assert row["gpus"] == plan["fleet"]["accelerators"]
            assert row["ttft_p95_s"] == plan["performance"]["at_peak"]["ttft_s"]["p95"]


def test_a_repeated_flag_and_commas_say_the_same_and_thousands_are_no_commas(fleetcast: Program) -> None:
    commas = fleetcast("compare", *ASKED[:-1], "--no-verify", "--gpu-type", "H100,L4", "--json").tree
    again = fleetcast("compare", *ASKED, "--gpu-type", "H100", "--gpu-type", "L4", "--json").tree
    assert commas == again
    rates = fleetcast("compare", "8B on H100, 1k in, 200 out", "--rps", "1,000", "--rps", "2,000", "--json").tree
    assert sorted(by_label(rates)) == ["rps 1,000", "rps 2,000"]


def test_the_table_is_in_the_order_of_money_and_says_which_to_take(fleetcast: Program) -> None:
    run = fleetcast("compare", *ASKED, "--gpu-type", "H100,L40S,T4", "--precision", "bf16", "--plain")
    assert run.code == 0
    assert "Cheapest: " in run.out and " = " in run.out and "requests in each" in run.out
    assert "T4" in run.out  # what cannot serve it is a row with its reason, not an error
    monthly = [row["monthly_usd"] for row in by_label(fleetcast(
        "compare", *ASKED, "--gpu-type", "H100,L40S", "--json").tree).values()]  # fmt: skip
    assert monthly == sorted(monthly)


def test_figures_sort_and_filter(fleetcast: Program) -> None:
    asked = ("compare", *ASKED, "--gpu-type", "H100,L40S,L4")
    fastest = [row["itl_s"] for row in fleetcast(*asked, "--sort", "itl", "--json").tree["compared"]]
    slowest = [row["itl_s"] for row in fleetcast(*asked, "--sort", "-itl", "--json").tree["compared"]]
    assert fastest == sorted(fastest) == slowest[::-1]
    limit = (fastest[0] + fastest[1]) / 2
    run = fleetcast(*asked, "--where", f"itl<{limit * 1000:.3f}ms", "--json")
    assert len(run.tree["compared"]) == 1
    assert "2 of 3 are left out by --where" in run.err


def test_csv_holds_what_json_holds(fleetcast: Program) -> None:
    asked = ("compare", *ASKED, "--gpu-type", "H100,L40S")
    table = list(csv.DictReader(io.StringIO(fleetcast(*asked, "--csv").out)))
    rows = fleetcast(*asked, "--json").tree["compared"]
    assert [row["label"] for row in table] == [row["label"] for row in rows]
    assert [float(row["monthly_usd"]) for row in table] == [row["monthly_usd"] for row in rows]


def test_a_csv_of_a_strangers_plans_is_harmless(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    fleetcast("forecast", *ASKED, "--gpu-type", "H100", "--output", file)
    tree = json.loads(file.read_text())
    tree["chosen"]["model"] = "=cmd|' /C calc'!A0"
    tree["chosen"]["runtime"] = "vllm\x1b[2J"
    file.write_text(json.dumps(tree))
    run = fleetcast("compare", file, file, "--csv")
    assert "\x1b" not in run.out
    assert all(row["model"].startswith("'=") for row in csv.DictReader(io.StringIO(run.out)))


def test_saved_plans_stand_side_by_side(fleetcast: Program, tmp_path: Path) -> None:
    files = []
    for card in ("H100", "L4"):
        files.append(tmp_path / f"{card}.json")
        fleetcast("forecast", *ASKED, "--gpu-type", card, "--output", files[-1])
    rows = by_label(fleetcast("compare", *files, "--json").tree)
    assert set(rows) == {"H100", "L4"}
    saved = json.loads(files[0].read_text())
    assert rows["H100"]["monthly_usd"] == saved["cost"]["monthly_usd"]


def test_plans_of_different_questions_are_no_alternatives(fleetcast: Program, tmp_path: Path) -> None:
    """What differs stands in the table, and none of another load or model is called cheaper."""
    files = []
    for name, rate, card in (("a", 20, "H100"), ("b", 40, "H100"), ("c", 20, "L4")):
        files.append(tmp_path / f"{name}.json")
        asked = tuple(rate if item == 20 else item for item in ASKED)
        fleetcast("forecast", *asked, "--gpu-type", card, "--output", files[-1])
    run = fleetcast("compare", *files[:2], "--plain")
    assert "Cheapest" not in run.out and "more." not in run.out
    assert "rate, mean 20 requests/s" in run.out and "different questions (rate, mean)" in run.out
    run = fleetcast("compare", files[0], files[2], "--plain")
    assert "Cheapest: " in run.out, "one load on two accelerators"
    assert "l4" in run.out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "nothing to compare: give a flag several values"),
        (("--gpu-type", "H100,H1000"), "H1000"),
        (("--gpu-type", "H100,L4", "--sort", "mony"), "did you mean monthly?"),
        (("--gpu-type", "H100,L4", "--where", "monthly"), "is not a figure, a sign and a value"),
        (("--gpu-type", "H100,L4", "--where", "monthly<much"), "much"),
        (("--rps", "1,2,3,4,5,6,7,8", "--calls-per-request", "1,2,3,4,5,6,7,8"), f"more than the {MOST}"),
    ],
)
def test_what_cannot_be_compared_gets_one_sentence(fleetcast: Program, more: tuple[str, ...], said: str) -> None:
    asked = [item for item in ASKED if not more or more[0] != "--rps" or item not in ("--rps", 20)]
    assert said in fleetcast.refusal("compare", *asked, *more)


def test_one_plan_alone_and_a_file_that_is_not_there(fleetcast: Program, tmp_path: Path) -> None:
    assert "compared with nothing" in fleetcast.refusal("compare", tmp_path / "a.json")
    assert "there is no file" in fleetcast.refusal("compare", tmp_path / "a.json", tmp_path / "b.json")


def test_a_sentence_with_versus_compares_what_stands_on_its_sides(fleetcast: Program) -> None:
    run = fleetcast("compare", "llama 3.1 8b vs qwen3 8b on H100, 5 rps, 1k in, 200 out", "--no-verify", "--json")
    rows = by_label(run.tree)
    assert sorted(rows) == ["llama-3.1-8b", "qwen3-8b"]
    assert {(row["accelerator"], row["requests_per_s"]) for row in rows.values()} == {("h100-sxm-80gb", 5)}
    run = fleetcast("compare", "8B with 5 rps on H100 vs L40S, 1k in, 200 out", "--no-verify", "--json")
    assert sorted(by_label(run.tree)) == ["h100-sxm-80gb", "l40s"]


def test_plans_of_other_questions_are_no_cheaper_ones_and_all_alternatives_have_a_verdict(
    fleetcast: Program, tmp_path: Path
) -> None:
    run = fleetcast("compare", *ASKED[:2], *ASKED[4:], "--gpu-type", "H100", "--rps", "20,40", "--plain")
    assert "Cheapest" not in run.out and "different questions" in run.out
    run = fleetcast("compare", *ASKED, "--gpu-type", "H100,L40S,L4", "--plain")
    others = re.findall(r"(\S+) costs (?:\d+% more|the same)", " ".join(run.out.split()))
    assert len(others) == 2, run.out
