"""A plan's whole report as one page with its charts: for a browser or a printer, without any network."""

from collections.abc import Mapping

from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def page_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the page as one file."""
    from agent.report.drawn.drawn_report import drawn_report
    from agent.report.rendering.html import html_page

    return {"plan.html": html_page(drawn_report(plan, catalog), plan.answer.sentence.split(": ")[0])}


FORMAT = Format(
    (".html", ".htm"),
    "the report as a page",
    page_files,
    ("report for .*", "web ?page", "(?<!half a )(?<!one )(?<!1 )page", "report to (?:print|send|share).*"),
)
