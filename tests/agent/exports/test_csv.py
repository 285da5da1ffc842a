"""The table of figures: what a spreadsheet opens is what the terminal shows, and nothing in it runs."""

import csv
import io

import pytest
from msgspec.structs import replace

from agent.exports.csv import HEADER, harmless, table_files, value_and_unit
from agent.report.drawn.drawn_report import drawn_report
from agent.report.rendering.plain import plain_text
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan
from tests.agent.report.sample import plan


def rows(of: CapacityPlan) -> list[dict[str, str]]:
    (text,) = table_files(of, Catalog.load([])).values()
    assert text.startswith("\ufeff"), "spreadsheets take a file without it for Latin-1"
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_the_ledger_the_thresholds_the_latencies_and_the_bill_are_in_it() -> None:
    of = plan()
    cells = {(row["section"], row["item"], row["column"]): (row["value"], row["unit"]) for row in rows(of)}
    assert cells["Bill", "today's fleet, always on", ""] == (f"{of.cost.monthly_usd:.0f}", "USD")
    assert cells["Headroom, line by line", "mean load", "replicas"] == (str(of.fleet.ledger[0].replicas), "")
    assert cells["Performance of one replica", "TTFT at peak", "p95"][1] == "ms"
    assert cells["Autoscaling", "rate per replica", ""][1] == "requests/s"
    assert cells["Plan", "today", "GPUs"] == (str(of.fleet.accelerators), "")


def test_every_figure_is_one_that_the_report_shows() -> None:
    shown = " ".join(plain_text(drawn_report(plan(), Catalog.load([]))).replace(",", "").split())
    table = rows(plan())
    assert len(table) > 100
    assert [row for row in table if row["value"].replace(",", "").removeprefix("'") not in shown] == []


@pytest.mark.parametrize(
    ("shown", "cells"),
    [
        ("$32,559", ("32559", "USD")),
        ("-$0.00123", ("-0.00123", "USD")),
        ("640 ms", ("640", "ms")),
        ("1.2 requests/s", ("1.2", "requests/s")),
        ("20 %", ("20", "%")),
        ("12", ("12", "")),
        ("1–3", ("1–3", "")),
        ("8 × H100", ("8 × H100", "")),
        ("no price", ("no price", "")),
        ("2026-01-31", ("2026-01-31", "")),
        ("71.9 % of the KV pool free", ("71.9 % of the KV pool free", "")),
    ],
)
def test_a_figure_is_a_number_beside_its_unit_and_words_stay_words(shown: str, cells: tuple[str, str]) -> None:
    assert value_and_unit(shown) == cells


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r\n=1", "＝1", "\x00=1"])
def test_no_text_of_a_plan_becomes_a_formula(text: str) -> None:
    of = plan()
    table = rows(replace(of, chosen=replace(of.chosen, model_name=text)))
    (name,) = [row["value"] for row in table if row["item"] == "model" and row["section"] == "One replica"]
    assert name.startswith("'")
    for row in table:
        for column in HEADER:
            assert row[column].isprintable()
            assert row[column][:1] not in tuple("=+-@＝") or float(row[column]) < 0


def test_a_harmless_text_is_left_as_it_is() -> None:
    assert harmless("Llama 3.1 70B, “quoted” × 2") == "Llama 3.1 70B, “quoted” × 2"
