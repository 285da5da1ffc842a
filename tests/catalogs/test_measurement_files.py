"""Files of measurements: a figure that is none is refused with its line, and no other row with it."""

from pathlib import Path

import pytest

from catalogs.errors import InputError
from catalogs.measurement_files import ALL_AT_ONCE, SCORECARD, CsvRows, read_points

HEADER = "id,model,accelerator,load,gpus,request_rate,itl_ms_mean"


def read(*rows: str, header: str = HEADER, end: str = "\n") -> CsvRows:
    return read_points(Path("given.csv"), (end.join((header, "good,m,a,closed_loop,1,,9", *rows)) + end).encode())


@pytest.mark.parametrize("rate", ["inf", "Inf", "+inf", "Infinity", "INFINITY"])
def test_all_at_once_is_a_request_rate(rate: str) -> None:
    assert read(f"b,m,a,open_loop,1,{rate},9").rows[1]["request_rate"] == ALL_AT_ONCE


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("1,nan,9", "request_rate 'nan' is not a number from"),
        ("1,-inf,9", "request_rate '-inf' is not a number from"),
        ("1,1e999,9", "request_rate '1e999' is not a number from"),
        ("1,,inf", "itl_ms_mean 'inf' is not a number from"),
        ("1,,-4", "itl_ms_mean '-4' is not a number from"),
        ("1,,9ms", "itl_ms_mean '9ms' is not a number, without a unit or separators"),
        ('1,,"1,234"', "itl_ms_mean '1,234' is not a number, without a unit or separators"),
        ("1,,N/A", "itl_ms_mean 'N/A' is not a number"),
        ("1.5,,9", "gpus '1.5' is not a whole number"),
        ("0,,9", "gpus '0' is not a whole number"),
        ("1,,9,9", "it has 8 fields where the header has 7"),
        ("1,", "it has 6 fields where the header has 7"),
        ('1,,"9"x', "it is not CSV"),
    ],
)
def test_a_row_with_what_is_no_figure_is_refused_alone(cells: str, reason: str) -> None:
    found = read(f"bad,m,a,closed_loop,{cells}", "last,m,a,closed_loop,1,,9")
    assert [row["id"] for row in found.rows] == ["good", "last"]
    (refused,) = found.refused
    assert refused.reason.startswith(f"line 3: {reason}")


def test_a_line_is_the_one_on_which_a_row_begins() -> None:
    found = read('"a\nb",m,a,closed_loop,1,,9', "", ",m,a,closed_loop,1,,9", "x,,a,closed_loop,1,,9")
    assert [row["id"] for row in found.rows] == ["good", "a\nb", "line 6"]
    assert [(row.id, row.reason[:7]) for row in found.refused] == [("x", "line 7:")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_and_a_byte_order_mark_are_read(end: str) -> None:
    found = read("b,m,a,closed_loop,2,,9", header="\ufeff" + HEADER, end=end)
    assert [row["id"] for row in found.rows] == ["good", "b"]


def test_a_file_of_which_nothing_can_be_read_is_one_sentence() -> None:
    rows = f"{HEADER}\n,m,a,closed_loop,1,,x\n,m,a,closed_loop,1,,y\n"
    with pytest.raises(
        InputError, match=r"^'given.csv', line 2: itl_ms_mean 'x' .* \(none of its 2 rows can be read\)$"
    ):
        read_points(Path("given.csv"), rows.encode())
    with pytest.raises(InputError, match="the column itl_ms_mean twice"):
        read(header=f"{HEADER},itl_ms_mean")


def test_every_row_of_the_shipped_scorecard_is_read() -> None:
    assert read_points(SCORECARD).refused == []
