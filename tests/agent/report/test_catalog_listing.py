import pytest

from agent.report.catalog_listing import details_report, listing_report
from agent.report.rendering.layout import lines
from agent.report.rendering.plain import plain_text
from catalogs.catalog import Catalog
from catalogs.records.accelerators import Accelerator
from tests.agent.report.sample import line_text


@pytest.fixture(scope="module")
def accelerators() -> list[Accelerator]:
    return [*Catalog.load().accelerators.values()]


def test_plain_lines_label_every_cell(accelerators: list[Accelerator]) -> None:
    told = plain_text(listing_report(accelerators, plain=True)).splitlines()
    assert len(told) == len(accelerators)
    (line,) = [line for line in told if line.startswith("h100-sxm-80gb: ")]
    assert line.startswith("h100-sxm-80gb: name H100 SXM5 80GB; memory 79.6 GiB; bandwidth 3,350 GB/s; ")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_listing_keeps_within_its_width_and_holds_every_name(accelerators: list[Accelerator], width: int) -> None:
    shown = [line_text(line) for line in lines(listing_report(accelerators, plain=False), width)]
    assert max(map(len, shown)) <= width
    assert all(entry.name in " ".join(" ".join(shown).split()) for entry in accelerators)


def test_details_end_with_their_source(accelerators: list[Accelerator]) -> None:
    told = plain_text(details_report(accelerators[0])).splitlines()
    assert told[0] == f"id: {accelerators[0].id}"
    labels = [line.partition(":")[0] for line in told]
    assert (
        {"checked", "confidence"}
        <= set(labels[labels.index("source") :])
        <= {"source", "checked", "confidence", "note"}
    )
