import re
import shlex

import pytest

from agent.report.blocks import Bar, Bullets, Chart, Column, Facts, Part, Report, Series, Table, row_sentence
from agent.report.rendering.layout import FILLS, lines
from agent.report.rendering.markdown import markdown
from agent.report.rendering.plain import plain_text
from agent.report.rendering.wrapping import cells, command_lines, wrap
from tests.agent.report.sample import line_text

COLUMNS = (
    Column("fleet"),
    Column("GPUs", "right"),
    Column("why", wraps=True, spoken="sentence"),
)
ROWS = (
    ("mean load", "8", "ten requests arrive each second and one replica serves five and a half"),
    ("spares", "0", ""),
)


def text(block: Table | Facts | Bar | Bullets | Chart, width: int) -> list[str]:
    return [line_text(line) for line in lines(Report((block,)), width)]


def test_row_sentence_puts_what_follows_a_bare_value_in_brackets() -> None:
    columns = (Column("at peak"), Column("forecast", spoken="bare"), Column("target"), Column("", spoken="bare"))
    assert row_sentence(columns, ("TTFT p95", "640 ms", "800 ms", "met")) == "TTFT p95: 640 ms (target 800 ms, met)"


def test_row_sentence_leaves_out_empty_cells() -> None:
    assert row_sentence(COLUMNS, ("spares", "0", "")) == "spares: GPUs 0"


def test_sentences_stand_beside_beneath_or_in_the_line_as_the_width_allows() -> None:
    table = Table(COLUMNS, ROWS)
    assert text(table, 100)[1] == f"mean load     8  {ROWS[0][2]}"
    assert text(table, 36)[1:3] == ["mean load     8", "  ten requests arrive each second"]
    assert text(table, 12)[:2] == ["fleet:", "mean load:"]


def test_figures_align_to_the_right() -> None:
    table = Table((Column("fleet"), Column("monthly", "right")), (("today", "$44,403"), ("minimum", "$900")))
    assert text(table, 80) == ["fleet    monthly", "today    $44,403", "minimum     $900"]


def test_row_with_a_missing_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        Table((Column("a"), Column("b")), (("x",),))


def test_bar_fills_its_length_and_shows_the_smallest_part() -> None:
    bar = Bar(
        "memory", "80 GiB", (Part("weights", 79.9, "79.9 GiB"), Part("runtime", 0.1, "0.1 GiB"), Part("x", 0, "0"))
    )
    drawn = text(bar, 50)[1]
    assert len(drawn) == 50
    assert drawn.count(FILLS[1]) == 1
    assert FILLS[2] not in drawn
    assert "<1 %" in plain_text(Report((bar,)))


def test_empty_bar_draws_nothing() -> None:
    assert text(Bar("memory", "0", (Part("a", 0.0, "0"),)), 40) == ["memory: 0", "█  a  0  0 %"]


def test_figure_stays_with_its_unit() -> None:
    assert wrap("it takes 640 ms", 12) == ["it takes", "640 ms"]
    assert wrap("it takes 12 × A100", 12) == ["it takes", "12 × A100"]


def test_long_word_is_cut_at_a_seam() -> None:
    assert wrap("karpenter-provider/pricing", 20) == ["karpenter-provider/", "pricing"]
    assert wrap("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_wide_characters_take_two_columns() -> None:
    assert cells("日本") == 4
    assert all(cells(line) <= 7 for line in wrap("日本日本日本", 7))


@pytest.mark.parametrize("width", [24, 40, 80, 300])
@pytest.mark.parametrize(
    "command",
    [
        "vllm serve org/A-Model-With-A-Name-Of-Sixty-Characters-Or-Perhaps-Even-More --tp 4 --max-num-seqs 256",
        """serve --config '{"a b": 1, "c": "d e f g h i j k l m n o p q r s t"}' --x "two words" -v --name=x""",
        "serve",
    ],
)
def test_broken_command_is_the_same_to_a_shell(command: str, width: int) -> None:
    broken = command_lines(command, width)
    assert shlex.split("\n".join(broken).replace("\\\n", "")) == shlex.split(command)
    longest = max(cells(word) for word in re.findall(r"'[^']*'|\"[^\"]*\"|\S+", command)) + len("  ") + len(" \\")
    assert all(cells(line) <= max(width, longest) for line in broken)


def test_command_keeps_a_flag_with_its_value() -> None:
    assert command_lines("serve --tp 4 --max-num-seqs 256", 24) == ["serve --tp 4 \\", "  --max-num-seqs 256"]


def test_markdown_escapes_what_would_break_a_table() -> None:
    table = Table((Column("a|b"), Column("c", "right")), (("x|y", "*z*"),))
    assert markdown(Report((table,))) == "| a\\|b | c |\n| --- | ---: |\n| x\\|y | \\*z\\* |\n"


def sweep() -> Chart:
    x = (1.0, 2.0, 4.0, 8.0, 16.0)
    mean, high = (10.0, 11.0, 13.0, 18.0, 30.0), (12.0, 14.0, 19.0, 28.0, 55.0)
    return Chart(
        "concurrency",
        x,
        tuple(Series(n, v, tuple(f"{y:g} ms" for y in v)) for n, v in (("mean", mean), ("p99", high))),
        y_label="ms",
        title="ITL",
    )


@pytest.mark.parametrize("width", [40, 80, 200])
def test_chart_keeps_to_the_width_without_colours(width: int) -> None:
    drawn = text(sweep(), width)
    assert all(cells(line) <= width for line in drawn)
    assert "\x1b" not in "".join(drawn)
    assert drawn[0] == "ITL, ms"
    assert any("p99" in line for line in drawn)


def test_two_charts_do_not_mix() -> None:
    assert text(sweep(), 60) == text(sweep(), 60)


def test_plain_chart_says_every_point() -> None:
    said = plain_text(Report((sweep(),)))
    assert "concurrency 16: mean 30 ms, p99 55 ms" in said
    assert len(said.splitlines()) == 6


def test_chart_of_one_point_and_of_nothing_is_drawn() -> None:
    assert text(Chart("rps", (0.0,), (Series("ITL", (5.0,), ("5 ms",)),)), 60)
    assert text(Chart("rps", (), (), title="ITL"), 60) == ["ITL"]


def test_chart_refuses_a_series_of_another_length() -> None:
    with pytest.raises(ValueError, match="2 values"):
        Chart("x", (1.0, 2.0), (Series("a", (1.0,), ("1",)),))


def test_no_short_word_stands_alone_and_a_product_stays_whole() -> None:
    """The last line of a text takes a word of the one before it; 'DP8 × EP8' is never broken after its sign."""
    assert wrap("39 requests in each, 156 in all", 28) == ["39 requests in each,", "156 in all"]
    assert wrap("4 replicas of DP8 × EP8 serve", 20) == ["4 replicas of", "DP8 × EP8 serve"]
