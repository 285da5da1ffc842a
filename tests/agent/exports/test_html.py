"""The page of a plan: what the terminal shows, its curves, and nothing that runs or is fetched."""

import csv
import io
import re
from html import unescape

from msgspec.structs import replace

from agent.exports.csv import table_files
from agent.exports.html import page_files
from agent.report.blocks import Bar, Chart, Mark, Part, Series
from agent.report.plan.plan_report import whole_report
from agent.report.rendering.plain import plain_text
from agent.report.rendering.svg import bar_svg, chart_svg
from catalogs.catalog import Catalog
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.planning.at_loads import fleet_at_rates, replica_at_loads
from engine.workload import spec_from
from tests.agent.report.sample import plan


def page(of: CapacityPlan) -> str:
    (text,) = page_files(of, Catalog.load([])).values()
    assert isinstance(text, str)
    return text


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def real_plan() -> CapacityPlan:
    spec = spec_from(
        {
            "model": "llama-3.1-70b",
            "precision.weights": "fp8",
            "hardware.accelerators": ("h100-sxm-80gb",),
            "traffic.requests_per_s": 20.0,
            "tokens.input.mean": 1500,
            "tokens.output.mean": 300,
            "targets": ({"metric": "ttft", "percentile": "p95", "seconds": 0.8},),
        }
    )
    made = forecast(spec, Catalog.load([]), verify=False)
    assert isinstance(made, CapacityPlan)
    return made


def test_each_word_of_the_terminals_report_is_on_the_page() -> None:
    shown = set(words(page(plan())).split())
    missing = [word for word in plain_text(whole_report(plan())).split() if word.strip("():;,") not in " ".join(shown)]
    assert missing == []


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    hostile = '</title><script>alert(1)</script><img src=x onerror="alert(2)">\x1b[2J'
    text = page(replace(plan(), answer=replace(plan().answer, sentence=hostile), warnings=(hostile,)))
    assert "<script" not in text
    assert "<img" not in text
    assert "\x1b" not in text
    body = text.split("</style>")[1]
    tags = re.findall(r"<(?:[^<>\"]|\"[^\"]*\")*>", body)
    assert re.sub(r"<(?:[^<>\"]|\"[^\"]*\")*>", "", body).count("<") == 0
    assert [tag for tag in tags if " on" in re.sub(r'"[^"]*"', "", tag)] == []
    assert re.findall(r"(?:src|href)=[\"']|url\(|@import", text) == []
    assert "default-src 'none'" in text


def test_the_point_of_a_plan_lies_on_its_curve_and_latency_rises_with_load() -> None:
    made, loads = real_plan(), replica_at_loads(real_plan(), Catalog.load([]))
    rates = [load.requests_per_s for load in loads]
    tails = [load.ttft_s.p95 for load in loads]
    assert rates == sorted(rates)
    assert tails == sorted(tails)
    here = made.performance.at_peak
    before = max(at for at, rate in enumerate(rates) if rate <= here.requests_per_s)
    assert tails[before] <= here.ttft_s.p95 * 1.001
    assert here.ttft_s.p95 <= tails[before + 1] * 1.001


def test_the_bill_against_traffic_has_the_plan_s_own_and_never_falls() -> None:
    made = real_plan()
    fleets = fleet_at_rates(made, Catalog.load([]))
    bills = [fleet.monthly_usd or 0.0 for fleet in fleets]
    assert bills == sorted(bills)
    own = next(fleet for fleet in fleets if abs(fleet.requests_per_s - 20.0) < 1e-9)
    assert own.replicas == made.fleet.replicas
    assert own.monthly_usd is not None and made.cost.monthly_usd is not None
    assert abs(own.monthly_usd / made.cost.monthly_usd - 1) < 1e-5


def test_the_table_for_spreadsheets_holds_exactly_what_the_chart_shows() -> None:
    made = real_plan()
    (text,) = table_files(made, Catalog.load([])).values()
    assert isinstance(text, str)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    in_table = [
        row["value"] for row in rows if row["section"] == "Latency against load" and row["column"] == "TTFT p95"
    ]
    charts = page(made).split("TTFT p95 against load", 1)[1].split("</details>")[0]
    on_page = [cell.split(" ")[0] for cell in re.findall(r'<td class="figure">([^<]+)</td>', charts)]
    assert len(in_table) > 10
    assert in_table == on_page


def test_a_chart_says_what_it_shows_and_cuts_off_the_rise_beyond_its_marks() -> None:
    line = Series("TTFT", (1.0, 2.0, 500.0), ("1 s", "2 s", "500 s"), (0.5, 1.0, 250.0), (2.0, 4.0, 1000.0))
    drawn = chart_svg(Chart("load", (1.0, 2.0, 3.0), (line,), "s", marks=(Mark("<here>", 2.0, 2.0),), said="It rises."))
    assert 'aria-label="It rises."' in drawn
    assert "&lt;here&gt;" in drawn
    assert max(float(value) for value in re.findall(r">([0-9.]+)</text>", drawn)) <= 10
    assert chart_svg(Chart("load", (), ())) == ""


def test_a_bar_s_parts_fill_it() -> None:
    drawn = bar_svg(Bar("memory", "3", (Part("a", 1.0, "1"), Part("b", 2.0, "2"))))
    assert sum(float(width) for width in re.findall(r'width="([\d.]+)"', drawn)) == 100.0
