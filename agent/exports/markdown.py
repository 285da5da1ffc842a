"""A plan's whole report as Markdown, to paste into a review or a wiki."""

from collections.abc import Mapping

from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan


def report_files(plan: CapacityPlan, _: Catalog | None = None) -> Mapping[str, str]:
    """Return the report as one file."""
    from agent.report.plan.plan_report import whole_report
    from agent.report.rendering.markdown import markdown

    return {"plan.md": markdown(whole_report(plan))}


FORMAT = Format((".md", ".markdown"), "the report", report_files)
