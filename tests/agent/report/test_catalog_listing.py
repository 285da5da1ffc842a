import pytest

from agent.report.catalog_listing import Listing, as_lines, print_listing

LISTING = Listing("things", ("id", "memory", "note"), (("a-1", "80 GiB", "[b]bold[/b]"), ("a-2", "96 GiB", "–")))


def test_plain_lines_label_every_cell() -> None:
    assert as_lines(LISTING) == "a-1: memory 80 GiB; note [b]bold[/b]\na-2: memory 96 GiB; note –"


@pytest.mark.parametrize("width", [40, 80])
def test_a_table_keeps_within_its_width_and_takes_no_markup(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_listing(LISTING, plain=False)
    shown = capsys.readouterr().out
    assert "[b]bold[/b]" in shown
    assert max(map(len, shown.splitlines())) <= width


def test_many_columns_become_lines_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_listing(Listing("wide", ("id", "a", "b", "c"), (("x", "1", "2", "3"),)), plain=False)
    assert capsys.readouterr().out == "x: a 1; b 2; c 3\n"
