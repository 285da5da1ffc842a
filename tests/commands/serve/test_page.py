"""The page in headless Chromium: the path of a new visitor, by mouse and keyboard, wide and narrow, light and dark."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from agent.exports.csv import value_and_unit
from tests.commands.serve.server import Server, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(__file__).parents[2] / "vendor" / "axe-core" / "axe.min.js"
SIZES = [((1440, 900), "light"), ((360, 740), "dark")]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Visit:
    """A page, and what went wrong on it."""

    def __init__(self, browser: Any, server: Server, size: tuple[int, int], theme: str, **more: Any) -> None:
        width, height = size
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, **more)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.wrong: list[str] = []
        self.page.on("console", lambda told: None if told.type in ("log", "info") else self.wrong.append(told.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on(
            "request", lambda asked: None if asked.url.startswith(server.url) else self.wrong.append(asked.url)
        )

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize(("size", "theme"), SIZES)
def test_a_new_visitor_sees_an_answer_types_a_sentence_and_changes_a_field(
    browser: Any, server: Server, size: tuple[int, int], theme: str
) -> None:
    with Visit(browser, server, size, theme) as visit:
        page = visit.page
        page.goto(server.url)
        assert "replicas of" in page.inner_text("#answer p.strong")
        assert page.locator("#alternatives tbody tr").count() > 0, "one comparison, at first sight"
        page.fill("#sentence", "llama 3.1 8b on H100, 5 rps, 500 in, 200 out, blue")
        page.press("#sentence", "Enter")
        page.wait_for_selector("text=Not used: blue")
        assert "rps=5&" in page.url, "what is shared is the question and not the sentence"
        assert "sentence" not in page.url
        assert page.input_value("#f-model") == "llama-3.1-8b"
        assert page.input_value("#f-input-tokens") == "500"
        page.fill("#f-rps", "500")
        page.wait_for_selector(".moved", state="attached")
        assert "rps=500" in page.url
        page.click("#figures > summary")
        page.locator("#figures summary", has_text="memory").click()
        for place in ("table", "p", "#memory dd", "#memory li", "#figures"):
            page.click(f"#answer {place} a.why:visible >> nth=0")
        page.wait_for_selector("#verified")
        for place in (".answer tr.derived dl", ".answer > div.derived dl", "dd > .derived dl", "figure + .derived dl"):
            page.wait_for_selector(f"#answer {place}")  # still there after the answer has changed
        assert page.locator("#answer .derived").count() == 5, "each where it was opened, and nowhere else"
        page.click("#answer table a.why >> nth=0")
        assert page.locator("#answer .answer tr.derived").count() == 0
        first = page.inner_text("#answer p.strong")
        page.reload()
        assert page.inner_text("#answer p.strong") == first, "a link is the whole question"
        overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, "nothing is wider than the screen"
        assert visit.wrong == []


def test_no_value_resets_by_itself_and_undo_takes_a_change_back(browser: Any, server: Server) -> None:
    with Visit(browser, server, *SIZES[0]) as visit:
        page = visit.page
        page.goto(server.url)
        before = page.inner_text("#answer p.strong")
        page.fill("#f-rps", "200")
        page.press("#f-rps", "Tab")
        page.wait_for_selector(".moved", state="attached")
        page.wait_for_selector("#verified")
        assert page.inner_text("#answer p.strong") != before
        assert page.input_value("#f-model") == "llama-3.1-70b"
        page.click("#undo")
        page.wait_for_selector("text=By the formulas", state="attached")
        page.wait_for_selector("#verified")
        assert page.input_value("#f-rps") == "20"
        assert page.inner_text("#answer p.strong") == before
        copied = page.evaluate("() => sessionStorage.getItem('htmx-history-cache')")
        assert copied is None, "no change waits for a copy of the whole page, which nobody goes back to"
        assert visit.wrong == []


def test_everything_is_reached_by_the_keyboard_alone(browser: Any, server: Server) -> None:
    with Visit(browser, server, *SIZES[0]) as visit:
        page = visit.page
        page.goto(server.url)
        page.focus("#memory dd a.why >> nth=1")
        page.wait_for_selector("#verified")
        focused = page.evaluate("() => document.activeElement.href")
        assert "memory.weights_bytes" in focused, "whoever is there stays there when the answer is simulated"
        assert "verified=1" in focused
        reached = set()
        for _ in range(160):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("() => document.activeElement.id || document.activeElement.textContent.trim()"))
        assert {"share", "f-model", "f-rps"} <= reached
        page.keyboard.press("Control+Home")
        page.focus(".skip >> nth=1")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.id") == "f-model", "past the figures' own links"
        page.focus("#f-rps")
        page.keyboard.press("Control+a")
        page.keyboard.type("60")
        page.wait_for_selector(".moved", state="attached")
        assert visit.wrong == []


def test_history_and_comparison(browser: Any, server: Server) -> None:
    with Visit(browser, server, *SIZES[0]) as visit:
        page = visit.page
        for rate in (3, 9):
            page.goto(f"{server.url}/?model=llama-3.1-8b&rps={rate}&input-tokens=500&output-tokens=200&gpu-type=l4")
            page.wait_for_selector("#verified")
        page.click("text=History")
        boxes = page.locator("input[type=checkbox]")
        boxes.nth(0).check()
        boxes.nth(1).check()
        page.click("button:text-is('Compare')")
        page.wait_for_url("**/compare?**")
        assert page.locator("tbody tr").count() >= 2
        page.go_back()
        count, removed = page.locator("tbody tr").count(), boxes.nth(0).get_attribute("value")
        page.locator("button:text-is('Remove')").first.click()
        page.wait_for_selector(f"main:not(:has(input[value='{removed}'])) tbody tr")
        assert page.locator("tbody tr").count() == count - 1
        page.set_viewport_size({"width": 360, "height": 740})
        for box in page.locator("main input, main button").all():
            seen = box.bounding_box()
            assert seen, "nothing has to be moved aside to be seen"
            assert seen["x"] + seen["width"] <= 360
            assert min(seen["width"], seen["height"]) >= 24, "WCAG 2.5.8"
        assert visit.wrong == []


def test_the_conversation_is_about_the_plan_on_the_page(browser: Any, server: Server, tmp_path: Path) -> None:
    with Visit(browser, server, *SIZES[0]) as visit:
        page = visit.page
        page.goto(server.url)
        for line in ("what if 60 rps", "keep 1", f"save it as {tmp_path}/never-written.json"):
            page.fill("#line", line)
            page.press("#line", "Enter")  # without waiting for the answer before it
        page.wait_for_selector("#talked > div >> nth=2")
        assert not (tmp_path / "never-written.json").exists()
        told = page.locator("#talked > *").all_inner_texts()
        assert [told[0], told[2]] == ["what if 60 rps", "keep 1"], "each answer follows its line"
        assert "Plan 1" in told[3]
        page.wait_for_selector("#verified")
        assert (page.input_value("#f-rps"), "rps=60&" in page.url) == ("60", True), "the page's plan is the one kept"
        assert "rps=60&" in (page.get_attribute(".take a[href^='/download/json']", "href") or "")
        page.fill("#f-rps", "30")
        page.press("#f-rps", "Tab")
        page.wait_for_selector("#talked :text('The question has changed')")
        assert visit.wrong == []


MISSED = (
    "model=llama-3.1-70b&precision=fp16&rps=10&input-tokens=500&output-tokens=200&gpu-type=a100-sxm-80gb&ttft-p95=150ms"
)


def test_the_front_and_every_figure_are_shown_and_derived_where_they_are_asked_for(
    browser: Any, server: Server
) -> None:
    with Visit(browser, server, *SIZES[0]) as visit:
        page = visit.page
        page.goto(server.url)
        page.focus("#front > summary")
        page.keyboard.press("Enter")
        page.wait_for_selector("#front svg.chart")
        assert page.locator("#headroom-line-by-line svg.bar").count() == 1
        page.click("#figures > summary")
        page.locator("#figures summary", has_text="cost").click()
        asked = page.locator("#figures tr", has_text="cost.monthly_usd").locator("a.why").first
        asked.click()
        page.wait_for_selector(".derived dl")
        assert "fleet.instances" in page.inner_text(".derived")
        assert asked.get_attribute("aria-expanded") == "true"
        asked.click()
        assert page.locator(".derived").count() == 0
        assert visit.wrong == []


def test_what_mends_a_warning_is_applied_and_undone(browser: Any, server: Server) -> None:
    with Visit(browser, server, *SIZES[1]) as visit:
        page = visit.page
        page.goto(f"{server.url}/?{MISSED}")
        page.wait_for_selector("#verified")
        before = page.inner_text("#answer p.strong")
        assert "misses TTFT p95" in before
        bar = page.locator(".answer > p.strong").first.bounding_box()
        assert bar["height"] < SIZES[1][0][1] / 5, "what stays in sight leaves room for the rest"
        page.click("p:has-text('TTFT p95 is ') + ul.fixes a.apply >> nth=0")
        page.wait_for_selector(".moved", state="attached")
        page.wait_for_selector("#verified")
        assert page.input_value("#f-ttft-p95") not in ("150ms", "")
        assert "misses" not in page.inner_text("#answer p.strong")
        page.keyboard.press("Enter")  # the focus is on undo
        page.wait_for_selector("text=misses TTFT p95")
        assert page.input_value("#f-ttft-p95") == "150ms"
        assert visit.wrong == []


RESULTS = Path(__file__).parents[2] / "fixtures" / "benchmarks" / "sglang_bench_serving_0.5.23.jsonl"


def dropped(page: Any, name: str, text: str) -> None:
    page.evaluate(
        """([name, text]) => {
          const held = new DataTransfer();
          held.items.add(new File([text], name));
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: held, bubbles: true, cancelable: true }));
        }""",
        [name, text],
    )


def test_plans_and_benchmarks_are_taken_from_files(browser: Any, server: Server, tmp_path: Path) -> None:
    with Visit(browser, server, *SIZES[0]) as visit:
        page = visit.page
        page.goto(server.url)
        dropped(page, "results.jsonl", RESULTS.read_text(encoding="utf-8"))
        page.wait_for_selector("#measured tbody tr")
        assert "sglang" in page.inner_text("#notes")
        assert (page.input_value("#f-input-tokens"), page.input_value("#f-concurrency")) == ("64", "4")
        assert page.input_value("#f-rps") == "", "one load, not two"
        query = "model=llama-3.1-8b&rps=7&input-tokens=600&output-tokens=100&gpu-type=l4"
        file = tmp_path / "plan.json"
        file.write_bytes(server.ask(f"/download/json?{query}")[1])
        page.set_input_files("#file", file)
        page.wait_for_selector("text=the question of that plan")
        assert (page.input_value("#f-model"), page.input_value("#f-rps")) == ("llama-3.1-8b", "7")
        dropped(page, "notes.txt", "nothing that anybody measured")
        page.wait_for_selector("text=is no result that can be read")
        assert len(visit.wrong) == 1
        dropped(page, "large.csv", "\x00" * 200_000)  # six times as long as it is sent
        page.wait_for_selector("text=larger than what is read here (1,000,000 bytes")
        assert visit.wrong == ["Failed to load resource: the server responded with a status of 400 (Bad Request)"]


def test_only_files_are_taken_from_what_is_dragged(browser: Any, server: Server) -> None:
    """A text that is dragged into a field goes there, as everywhere."""
    with Visit(browser, server, *SIZES[0]) as visit:
        visit.page.goto(server.url)
        kept = visit.page.evaluate(
            """() => ["dragover", "drop"].map((kind) => {
              const held = new DataTransfer();
              held.setData("text/plain", "20");
              const event = new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true });
              return document.dispatchEvent(event);
            })"""
        )
        assert kept == [True, True], "nobody prevents what the browser does with it"
        assert visit.wrong == []


@pytest.mark.parametrize(
    "answer", [None, {"status": 502, "content_type": "text/html", "body": "<h1>Bad gateway</h1>"}], ids=["none", "else"]
)
def test_a_server_that_does_not_answer_is_said_where_it_was_asked(
    browser: Any, server: Server, answer: dict[str, Any] | None
) -> None:
    with Visit(browser, server, *SIZES[0]) as visit:
        page = visit.page
        page.goto(server.url)
        page.wait_for_selector("#verified")
        page.click("#figures > summary")
        page.locator("#figures summary", has_text="cost").click()
        for pattern in ("**/import", "**/explain?**", "**/api/talk"):
            page.route(pattern, lambda route: route.fulfill(**answer) if answer else route.abort())
        dropped(page, "points.csv", "a,b\n1,2\n")
        page.wait_for_selector("#notes :text('no answer that can be read')")
        page.locator("#figures tr", has_text="cost.monthly_usd").locator("a.why").first.click()
        page.wait_for_selector(".derived :text('no answer that can be read')")
        page.fill("#line", "why")
        page.press("#line", "Enter")
        page.wait_for_selector("#talked :text('no answer that can be read')")
        assert all(told.startswith("Failed to load resource") for told in visit.wrong), visit.wrong


def test_the_plan_on_the_page_is_compared_with_those_of_the_history(browser: Any, server: Server) -> None:
    with Visit(browser, server, *SIZES[0]) as visit:
        page = visit.page
        page.goto(f"{server.url}/?model=llama-3.1-8b&rps=11&input-tokens=500&output-tokens=200&gpu-type=l4")
        page.wait_for_selector("#verified")
        page.goto(f"{server.url}/?model=llama-3.1-8b&rps=12&input-tokens=500&output-tokens=200&gpu-type=l4")
        page.wait_for_selector("#verified")
        page.click("text=compare with the history")
        assert page.locator("input[name=current]").is_checked()
        page.locator("input[name=id]").nth(1).check()
        page.click("button:text-is('Compare')")
        assert "this one" in page.inner_text("main")
        assert page.locator("tbody tr").count() >= 2
        assert visit.wrong == []


def test_the_csv_holds_exactly_what_the_charts_show(browser: Any, server: Server) -> None:
    """Each figure under a chart, by its series and place, with nothing beside it."""
    query = "model=llama-3.1-8b&rps=5&input-tokens=500&output-tokens=200&gpu-type=h100&ttft-p95=800ms"
    text = server.ask(f"/download/csv?{query}")[1].decode("utf-8-sig")
    with Visit(browser, server, *SIZES[0]) as visit:
        visit.page.goto(f"{server.url}/?{query}")
        visit.page.wait_for_selector("#verified")
        for section in ("Latency against load", "Cost against load"):
            written = [row for row in csv.DictReader(io.StringIO(text)) if row["section"] == section]
            of_page = visit.page.evaluate(
                """(id) => [...document.querySelectorAll(`#${id} figure table`)].flatMap((table) =>
                  [...table.querySelectorAll("tbody tr")].flatMap((row) =>
                    [...row.querySelectorAll("td")].map((cell) => cell.textContent)))""",
                section.lower().replace(" ", "-"),
            )
            assert of_page
            assert [value_and_unit(shown) for shown in of_page] == [(row["value"], row["unit"]) for row in written]


@pytest.mark.parametrize("path", ["/", "/history", "/?model=nobody-knows&rps=1", f"/figures?{MISSED}"])
@pytest.mark.parametrize(("size", "theme"), SIZES)
def test_axe_finds_nothing_serious(browser: Any, server: Server, path: str, size: tuple[int, int], theme: str) -> None:
    with Visit(browser, server, size, theme, bypass_csp=True) as visit:
        visit.page.goto(server.url + path)
        visit.page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
        found = visit.page.evaluate("() => axe.run()")
        serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        told = [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in serious]
        assert told == []


def test_the_page_of_an_export_shows_and_prints_without_a_network(browser: Any, tmp_path: Path) -> None:
    from agent.exports.html import page_files
    from catalogs.catalog import Catalog
    from tests.agent.report.sample import plan

    (text,) = page_files(plan(), Catalog.load([])).values()
    (tmp_path / "plan.html").write_text(str(text), encoding="utf-8")
    for (width, height), theme in SIZES:
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
        wrong: list[str] = []
        page.on("console", lambda told, wrong=wrong: wrong.append(told.text))
        page.on("request", lambda asked, wrong=wrong: asked.url.startswith("file:") or wrong.append(asked.url))
        page.goto((tmp_path / "plan.html").as_uri())
        assert len(page.pdf(format="A4")) > 10_000
        assert json.dumps(wrong) == "[]"
        page.close()
