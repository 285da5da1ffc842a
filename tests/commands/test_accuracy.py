import csv
import io
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

import pytest

from catalogs.catalog import Catalog
from catalogs.measurement_files import scorecard_points
from engine.accuracy.columns import METRICS
from engine.bands.lookup import architecture_of
from engine.fitting.run import FitRun, run_fit
from tests.commands.conftest import Program

POINTS = Path(__file__).resolve().parents[1] / "fixtures" / "accuracy" / "points.csv"
"""Points that may be shipped, each with its source: TensorRT-LLM, ROCm and LMDeploy documents, MLPerf, llama.cpp."""
PAGE = Path(__file__).resolve().parents[2] / "spec-kit" / "accuracy.md"

BARE = {
    "id": "a", "model": "llama-3.1-8b", "accelerator": "h100", "gpus": "1", "load": "static_batch", "batch": "8",
    "input_tokens": "500", "output_tokens": "200", "itl_ms_mean": "9", "ttft_ms_mean": "80",
}  # fmt: skip


def written(file: Path, rows: Iterable[Mapping[str, str]]) -> Path:
    given = list(rows)
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(given[0]))
        writer.writeheader()
        writer.writerows(given)
    return file


def rows_of(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


# --- the scorecard ----------------------------------------------------------------------------------------------------


def test_every_point_is_predicted_or_refused_with_a_reason(fleetcast: Program) -> None:
    tree = fleetcast("accuracy", "--points", POINTS, "--json").tree
    points = rows_of(POINTS)
    assert tree["points"] == len(points)
    assert tree["predicted"] + len(tree["refused"]) == len(points)
    reasons = {refusal["id"]: refusal["reason"] for refusal in tree["refused"]}
    data_sets = ("mlperf",)  # whose lengths the benchmark's description states
    without_lengths = {
        p["id"] for p in points if not p["input_tokens"] and p["load"] == "offline" and p["source"][:6] not in data_sets
    }
    assert without_lengths == set(reasons)
    assert all("length is not stated" in reason for reason in reasons.values())


def test_the_scores_are_those_of_the_rows_that_it_writes(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    tree = fleetcast("accuracy", "--points", POINTS, "--rows", file, "--json").tree
    rows = rows_of(file)
    assert list(rows[0]) == ["id", "metric", "measured", "predicted", "low", "high", "reason"]
    columns = set(rows_of(POINTS)[0])
    assert {row["metric"] for row in rows} <= columns
    ratios = [
        float(row["predicted"]) / float(row["measured"])
        for row in rows
        if row["predicted"] and row["metric"] in METRICS["throughput"]
    ]
    scores = tree["metrics"]["throughput"]
    assert scores["n"] == len(ratios) > 5
    assert scores["median_ratio"] == pytest.approx(median(ratios), rel=1e-4)
    assert scores["median_ape"] == pytest.approx(median(abs(ratio - 1) for ratio in ratios), rel=1e-3)
    refused = [row for row in rows if not row["predicted"]]
    assert {row["id"] for row in refused} == {refusal["id"] for refusal in tree["refused"]}
    assert all(row["reason"] and row["measured"] for row in refused)


def test_scores_stand_by_what_the_points_share_and_count_each_point_once(fleetcast: Program) -> None:
    tree = fleetcast("accuracy", "--points", POINTS, "--json").tree
    assert set(tree["by"]) == {"source", "accelerator", "model", "load"}
    for group in tree["by"].values():
        counted = sum(scores["throughput"]["n"] for scores in group.values() if "throughput" in scores)
        assert counted == tree["metrics"]["throughput"]["n"]


def test_the_report_says_what_was_taken_as_native_and_groups_refusals(fleetcast: Program) -> None:
    out = fleetcast("accuracy", "--points", POINTS, "--plain").out
    assert "1 point states no weight precision" in out
    assert "By accelerator" in out
    assert "1 × the prompt or answer length is not stated" in out


def test_a_perfect_measurement_has_no_error(fleetcast: Program, tmp_path: Path) -> None:
    first = tmp_path / "rows.csv"
    fleetcast("accuracy", "--points", written(tmp_path / "a.csv", [BARE]), "--rows", first)
    predicted = {row["metric"]: row["predicted"] for row in rows_of(first)}
    again = written(tmp_path / "b.csv", [BARE | predicted])
    scores = fleetcast("accuracy", "--points", again, "--json").tree["metrics"]
    assert scores["itl"] == {"n": 1, "median_ape": pytest.approx(0, abs=1e-5), "p90_ape": pytest.approx(0, abs=1e-5),
                             "median_ratio": pytest.approx(1, abs=1e-5)}  # fmt: skip
    assert scores["throughput"] == {"n": 0, "median_ape": None, "p90_ape": None, "median_ratio": None}


def test_columns_may_be_missing_or_more_and_a_point_without_an_id_is_called_by_its_line(
    fleetcast: Program, tmp_path: Path
) -> None:
    row = {key: value for key, value in BARE.items() if key != "id"} | {"remark": "ours"}
    nowhere = row | {"accelerator": "abacus"}
    tree = fleetcast("accuracy", "--points", written(tmp_path / "p.csv", [row, nowhere]), "--json").tree
    assert tree["predicted"] == 1
    assert [refusal["id"] for refusal in tree["refused"]] == ["line 3"]
    assert "abacus" in tree["refused"][0]["reason"]
    assert tree["native_precision"] == 2


def test_points_of_which_none_can_be_predicted_are_an_answer(fleetcast: Program, tmp_path: Path) -> None:
    points = written(tmp_path / "p.csv", [BARE | {"model": "no-such-model"}])
    run = fleetcast("accuracy", "--points", points)
    assert run.code == 0
    assert "no-such-model" in run.out


def test_the_share_inside_the_bands_stands_by_what_no_fit_has_seen(fleetcast: Program, tmp_path: Path) -> None:
    """What one measured oneself is a new source; a point that hits its own prediction lies inside."""
    first = tmp_path / "rows.csv"
    fleetcast("accuracy", "--points", written(tmp_path / "a.csv", [BARE]), "--rows", first)
    predicted = {row["metric"]: row["predicted"] for row in rows_of(first)}
    far = {name: str(float(value) * 9) for name, value in predicted.items()}
    points = written(tmp_path / "b.csv", [BARE | predicted, BARE | far | {"id": "far"}])
    run = fleetcast("accuracy", "--points", points, "--json")
    coverage = run.tree["coverage"]
    assert set(coverage) == {"all", "new sweep", "new model", "new accelerator", "new source"}
    itl = coverage["new source"]["itl"]
    assert itl == coverage["all"]["itl"]
    assert (itl["n"], itl["inside_50"], itl["inside_80"], itl["inside_95"]) == (2, 0.5, 0.5, 0.5)
    assert itl["median_width"] > 1.2
    assert coverage["new sweep"] == {}
    assert "Inside the bands" in fleetcast("accuracy", "--points", points, "--plain").out


def test_points_of_a_source_that_a_fit_has_seen_are_new_only_in_what_it_has_not(fleetcast: Program) -> None:
    tree = fleetcast("accuracy", "--no-simulation", "--json").tree
    coverage = tree["coverage"]
    assert coverage["all"]["itl"]["n"] == tree["metrics"]["itl"]["n"]
    assert coverage["new sweep"]["itl"]["median_width"] < coverage["new source"]["itl"]["median_width"]


# --- a peer -----------------------------------------------------------------------------------------------------------


def test_a_peer_is_judged_on_the_points_that_both_predict(fleetcast: Program, tmp_path: Path) -> None:
    points = written(tmp_path / "p.csv", [BARE, BARE | {"id": "b", "itl_ms_mean": "10"}, BARE | {"id": "c"}])
    peer = {"peer": "other", "peer_version": "1.2", "ttft_ms": ""}
    rows = [
        {"measurement_id": "a", "itl_ms": "18"},
        {"measurement_id": "b", "itl_ms": "5"},
        {"measurement_id": "z", "itl_ms": "1"},
    ]
    file = written(tmp_path / "peer.csv", [row | peer for row in rows])
    (compared,) = fleetcast("accuracy", "--points", points, "--compare", file, "--json").tree["compared"]
    assert (compared["peer"], compared["peer_version"], compared["predictions"]) == ("other", "1.2", 3)
    theirs, ours = compared["metrics"]["itl"]["peer"], compared["metrics"]["itl"]["ours"]
    assert theirs["n"] == ours["n"] == 2
    assert theirs["median_ape"] == pytest.approx((1.0 + 0.5) / 2)
    assert compared["metrics"]["itl"]["error_ratio"] == pytest.approx(
        ours["median_ape"] / theirs["median_ape"], rel=1e-4
    )
    assert "ttft" not in compared["metrics"]
    out = fleetcast("accuracy", "--points", points, "--compare", file, "--plain").out
    assert "Beside other 1.2" in out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty; a CSV of a peer's predictions needs a header with measurement_id"),
        ("a,b\n1,2\n", "lacks the column measurement_id; it holds 'a, b'"),
        ("measurement_id;itl_ms\nx;1\n", "separated by commas"),
        ("measurement_id,peer\nx,other\n", "predicts nothing: a CSV of a peer's predictions needs the column ttft_ms"),
        ("measurement_id,itl_ms\n", "no points"),
        ("measurement_id,itl_ms\nx,soon\n", "line 2: itl_ms 'soon' is not a number"),
    ],
)
def test_what_is_no_set_of_predictions_is_refused(fleetcast: Program, tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "peer.csv"
    file.write_text(content)
    assert words in fleetcast.refusal("accuracy", "--points", POINTS, "--compare", file)


def test_predictions_of_other_points_say_so(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "peer.csv"
    file.write_text("measurement_id,itl_ms\nelsewhere,12\n")
    out = fleetcast("accuracy", "--points", POINTS, "--compare", file, "--plain").out
    assert "No measurement_id of its 1 predictions is among these points" in out


# --- files ------------------------------------------------------------------------------------------------------------


def test_rows_do_not_overwrite_a_file_unless_forced_and_say_so_before_the_work(
    fleetcast: Program, tmp_path: Path
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("mine")
    assert "--force" in fleetcast.refusal("accuracy", "--points", POINTS, "--rows", file)
    assert file.read_text() == "mine"
    assert fleetcast("accuracy", "--points", POINTS, "--rows", file, "--force", "--json").code == 0
    assert file.read_text().startswith("id,metric,")
    assert list(tmp_path.glob(".*.tmp")) == []


def text_of(rows: Iterable[Mapping[str, str]]) -> str:
    given = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(given[0]))
    writer.writeheader()
    writer.writerows(given)
    return text.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hello world\n", "line 1 lacks the columns model, accelerator, load"),
        (text_of([BARE]).splitlines()[0].encode(), "no points"),
        (text_of([BARE | {"model": ""}]).encode(), "line 2: model is empty"),
        (text_of([BARE | {"itl_ms_mean": "fast"}] * 2).encode(), "line 2: itl_ms_mean 'fast' is not a number"),
        (text_of([BARE | {"itl_ms_mean": "fast"}] * 2).encode(), "(none of its 2 rows can be read)"),
        (text_of([BARE | {"itl_ms_mean": "nan"}]).encode(), "line 2: itl_ms_mean 'nan'"),
        (text_of([BARE | {"itl_ms_mean": "-4"}]).encode(), "line 2: itl_ms_mean '-4'"),
        (text_of([BARE | {"gpus": "1.5"}]).encode(), "line 2: gpus '1.5' is not a whole number"),
        (text_of([BARE | {"batch": "0"}]).encode(), "line 2: batch '0' is not a whole number"),
        (text_of([BARE]).splitlines()[0].encode() + b"\na,b\n", "line 2: it has 2 fields where the header has 10"),
        (b"model,accelerator,load,model\nx,y,z,x\n", "the column model twice"),
        (text_of([BARE]).encode("utf-16"), "line 1 is not UTF-8"),
        (b"model,accelerator,load\n\0,\0,\0\n", "line 2 is binary"),
        (b'model,accelerator,load\n"x,y,z\n', "is not CSV"),
    ],
)
def test_what_is_no_set_of_points_is_refused_by_its_line(
    fleetcast: Program, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "points.csv"
    file.write_bytes(content)
    assert words in fleetcast.refusal("accuracy", "--points", file)


def test_a_row_that_cannot_be_read_is_refused_alone_with_its_line_and_the_others_are_used(
    fleetcast: Program, tmp_path: Path
) -> None:
    lines = text_of([BARE, BARE | {"id": "b", "itl_ms_mean": "fast"}, BARE | {"id": "c"}]) + "d,x\r\n"
    file = tmp_path / "points.csv"
    file.write_text(lines)
    run = fleetcast("accuracy", "--points", file, "--json")
    assert run.code == 0
    assert (run.tree["points"], run.tree["predicted"], run.tree["metrics"]["itl"]["n"]) == (4, 2, 2)
    refused = {refusal["id"]: refusal["reason"] for refusal in run.tree["refused"]}
    assert refused["b"].startswith("line 3: itl_ms_mean 'fast' is not a number")
    assert refused["line 5"] == "line 5: it has 2 fields where the header has 10"
    assert "2 of 4 rows cannot be read, the others are used: line 3: itl_ms_mean 'fast'" in run.err
    assert "line 3: itl_ms_mean 'fast'" in fleetcast("accuracy", "--points", file, "--plain").out


def test_a_prediction_that_cannot_be_read_is_refused_alone(fleetcast: Program, tmp_path: Path) -> None:
    points, peer = written(tmp_path / "p.csv", [BARE, BARE | {"id": "b"}]), tmp_path / "peer.csv"
    peer.write_text("measurement_id,itl_ms\na,soon\nb,12\n")
    run = fleetcast("accuracy", "--points", points, "--compare", peer, "--json")
    assert run.tree["compared"][0]["metrics"]["itl"]["ours"]["n"] == 1
    assert "1 of 2 rows cannot be read, the others are used: line 2: itl_ms 'soon'" in run.err


def test_what_a_benchmark_tool_prints_for_all_at_once_is_a_rate(fleetcast: Program, tmp_path: Path) -> None:
    """Clients in a closed loop are what they were without a rate; an open loop without clients is a queue."""
    rate = {"load": "closed_loop", "concurrency": "16", "request_rate": ""}
    clients = written(tmp_path / "p.csv", [BARE | rate | {"id": name, "request_rate": name} for name in ("", "inf")])
    loops = written(tmp_path / "q.csv", [BARE | rate | {"id": name, "request_rate": name, "load": "open_loop"}
                                         for name in ("Infinity", "+INF")])  # fmt: skip
    files = [tmp_path / "p.rows", tmp_path / "q.rows"]
    for points, file in zip((clients, loops), files, strict=True):
        assert fleetcast("accuracy", "--points", points, "--rows", file, "--json").tree["predicted"] == 2
    predicted = {row["predicted"] for file in files for row in rows_of(file) if row["metric"] == "ttft_ms_mean"}
    assert len(predicted) == 1
    queue = BARE | {"load": "open_loop", "batch": "", "request_rate": "inf", "output_tokens_per_s": "3000"}
    tree = fleetcast("accuracy", "--points", written(tmp_path / "r.csv", [queue]), "--json").tree
    assert tree["metrics"]["throughput"]["n"] == 1


def test_a_benchmark_too_long_to_simulate_is_predicted_by_its_formula(fleetcast: Program, tmp_path: Path) -> None:
    crowd = BARE | {"load": "closed_loop", "batch": "", "concurrency": "1000000"}
    points, files = written(tmp_path / "p.csv", [crowd]), [tmp_path / "a.rows", tmp_path / "b.rows"]
    for file, options in zip(files, ((), ("--no-simulation",)), strict=True):
        assert fleetcast("accuracy", "--points", points, "--rows", file, *options, "--json").tree["predicted"] == 1
    assert files[0].read_text() == files[1].read_text()


def test_the_report_says_whose_load_was_divided_over_replicas(fleetcast: Program, tmp_path: Path) -> None:
    points = written(tmp_path / "p.csv", [BARE | {"gpus": "4", "tp": "2"}, BARE | {"id": "b", "gpus": "3", "tp": "2"}])
    run = fleetcast("accuracy", "--points", points, "--plain")
    assert "1 point has accelerators for several replicas" in run.out
    assert "3 accelerators are no multiple of the 2 that TP2 × PP1 × DP1 takes" in run.out


def test_files_that_are_not_there(fleetcast: Program, tmp_path: Path) -> None:
    assert "there is no file" in fleetcast.refusal("accuracy", "--points", tmp_path / "none.csv")
    assert "directory" in fleetcast.refusal("accuracy", "--points", tmp_path)
    assert "there is no file" in fleetcast.refusal("accuracy", "--points", POINTS, "--compare", tmp_path / "none.csv")


def test_points_are_read_from_standard_input(
    fleetcast: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = tmp_path / "piped"
    piped.write_text(text_of([BARE]))
    with piped.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert fleetcast("accuracy", "--points", "-", "--json").tree["predicted"] == 1
    assert "both read standard input" in fleetcast.refusal("accuracy", "--points", "-", "--compare", "-")


def test_every_metric_of_the_contract_is_there_whether_measured_or_not(fleetcast: Program, tmp_path: Path) -> None:
    file = written(tmp_path / "points.csv", [{**BARE, "ttft_ms_mean": ""}])
    tree = fleetcast("accuracy", "--points", file, "--json").tree
    assert set(tree["metrics"]) == {"itl", "ttft", "throughput"}
    assert {name: scores["n"] for name, scores in tree["metrics"].items()} == {"itl": 1, "ttft": 0, "throughput": 0}
    assert all(set(s) == {"n", "median_ape", "p90_ape", "median_ratio"} for s in tree["metrics"].values())


def test_a_byte_order_mark_and_other_line_ends_are_read(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    file.write_bytes(b"\xef\xbb\xbf" + text_of([BARE]).replace("\r\n", "\r").encode())
    assert fleetcast("accuracy", "--points", file, "--json").tree["predicted"] == 1


# --- the shipped scorecard --------------------------------------------------------------------------------------------


def test_without_points_it_is_judged_by_the_shipped_scorecard(fleetcast: Program) -> None:
    tree = fleetcast("accuracy", "--json").tree
    assert tree["points"] == len(scorecard_points())
    assert tree["predicted"] >= 0.95 * tree["points"]
    assert len(tree["by"]["accelerator"]) >= 12
    assert len(tree["by"]["model"]) >= 20


def test_the_page_on_accuracy_shows_what_the_command_prints(fleetcast: Program) -> None:
    """Where this fails after an intended change, write the new figures into spec-kit/accuracy.md."""
    shown = fleetcast("accuracy").out
    predicted, refused = re.findall(r"^(?:predicted|refused) +(\d+)", shown, re.MULTILINE)
    assert f"{predicted} are predicted, {refused} refused" in PAGE.read_text(encoding="utf-8")
    printed = shown.partition("By source\n")[2].partition("\n\n")[0].splitlines()[1:]
    source, written = "", []
    for row in re.findall(r"^\| (.*) \|$", PAGE.read_text(encoding="utf-8").partition("| source in")[2], re.MULTILINE):
        cells = row.split(" | ")
        if len(cells) != 6:  # another table begins
            break
        source = cells[0].strip("`") or source
        written.append((source, *cells[2:]))
    readme = (PAGE.parents[1] / "README.md").read_text(encoding="utf-8")
    for metric, middle, p90 in re.findall(r"^(ITL|TTFT|throughput) +\d+ +(\S+ %) +(\S+ %)", shown, re.MULTILINE):
        assert re.search(rf"{metric} {re.escape(middle)}(?: at the median)? and {re.escape(p90)}", readme), metric
    assert written == [tuple(re.split(r" {2,}", line.strip())[:-1]) for line in printed]


def test_the_scorecard_is_broad_and_each_of_its_rows_has_a_source() -> None:
    rows = scorecard_points()
    catalog = Catalog.load()
    models = {row["model"] for row in rows}
    assert 200 <= len(rows) <= 400
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({catalog.accelerator(row["accelerator"]).id for row in rows}) >= 12
    assert len(models) >= 20
    assert {row["load"] for row in rows} == {"closed_loop", "offline", "prefill_only", "decode_only"}
    assert {architecture_of(catalog.model(name).model) for name in models} == {"dense", "mixture", "latent", "hybrid"}
    assert all(row["source"] and row["locator"] for row in rows)
    assert not any(row["source"].startswith("nvidia_dli") for row in rows), "its licence is unclear"


def test_a_fit_gives_rows_of_the_scorecard_and_their_neighbours_no_weight() -> None:
    """Whatever those rows say, the constants are the same: they are judged, and nothing is learned from them."""
    catalog = Catalog.load()
    rows = [row for row in scorecard_points() if row["source"] == "trtllm_docs_v1.0"]
    held = rows[0]
    neighbour = held | {"id": "neighbour", "input_tokens": "700"}
    fitted = [row for row in rows if row["model"] != held["model"]][:6]
    right, wrong = [held, neighbour], [slowed(held), slowed(neighbour)]
    kept_out = run_fit([*fitted, *right], catalog, [held])
    assert kept_out.refused == 2
    assert constants(run_fit([*fitted, *wrong], catalog, [held])) == constants(kept_out)
    assert constants(run_fit([*fitted, *wrong], catalog)) != constants(kept_out)


def slowed(row: Mapping[str, str]) -> Mapping[str, str]:
    return row | {"output_tokens_per_s": str(float(row["output_tokens_per_s"]) / 3)}


def constants(run: FitRun) -> list[dict[str, object]]:
    """What a fit learned, without what it says of its own errors, which do count the rows that it judges."""
    return [
        {key: value for key, value in entry.items() if isinstance(value, float) and key != "residual"}
        for entry in tomllib.loads(run.constants)["fitted"]
    ]


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_plot_is_written_and_said_beside_the_answer(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "card.SVG"
    run = fleetcast("accuracy", "--points", POINTS, "--plot", file, "--json")
    assert run.tree["points"] == len(rows_of(POINTS))
    assert "</svg>" in file.read_text(encoding="utf-8")
    assert run.err.strip() == f"The plot is in {file}."
    assert "exists already" in fleetcast.refusal("accuracy", "--points", POINTS, "--plot", file)


def test_a_plot_of_another_kind_is_refused_before_any_work(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "card.pdf"
    said = fleetcast.refusal("accuracy", "--points", tmp_path / "no such file.csv", "--plot", file)
    assert said.startswith("a plot is written as .svg or .png; ")


def test_the_terminal_draws_when_asked(fleetcast: Program) -> None:
    assert "measured; predicted is up" in fleetcast("accuracy", "--points", POINTS, "--chart").out
    assert "measured; predicted is up" not in fleetcast("accuracy", "--points", POINTS).out
