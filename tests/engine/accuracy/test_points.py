"""Rows of measurements as points: what one replica is, how many there are, and what each is given."""

from collections.abc import Mapping

import pytest

from catalogs.measurement_files import COUNTS, NUMBERS, TEXTS
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import predict_points, read
from tests.engine.asked import CATALOG

DENSE, MIXTURE = "llama-3.1-70b", "qwen3-235b-a22b"
EMPTY = dict.fromkeys((*TEXTS, *COUNTS, *NUMBERS), "")
ROW = EMPTY | {
    "engine": "vllm", "model": DENSE, "accelerator": "h200", "gpus": "4", "tp": "4", "weight_precision": "fp8",
    "load": "closed_loop", "concurrency": "16", "input_tokens": "1000", "output_tokens": "500",
    "itl_ms_mean": "9", "ttft_ms_mean": "80", "output_tokens_per_s": "1000",
}  # fmt: skip


def point(**cells: str) -> MeasuredPoint:
    found = read(ROW | cells, CATALOG)
    assert isinstance(found, MeasuredPoint), found
    return found


def predicted(row: Mapping[str, str]) -> dict[str, float]:
    (outcome,) = predict_points([read(row, CATALOG)], CATALOG)
    assert not isinstance(outcome, str), outcome
    return {item.column: item.predicted for item in outcome}


def shape(found: MeasuredPoint) -> tuple[int, int, int, int]:
    return found.setting.tp, found.setting.pp, found.setting.dp, found.replicas


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, (4, 1, 1, 1)),
        ({"gpus": "12", "dp": "3"}, (4, 1, 1, 3)),  # data-parallel ranks of a dense model are replicas
        ({"gpus": "12"}, (4, 1, 1, 3)),  # and so are accelerators beyond one replica
        ({"gpus": "8", "tp": "8", "dp": "2"}, (4, 1, 1, 2)),  # ranks within the printed TP
        ({"gpus": "8", "tp": "2", "pp": "2"}, (2, 2, 1, 2)),
        ({"gpus": "8", "tp": ""}, (8, 1, 1, 1)),
        ({"gpus": "8", "tp": "", "dp": "2"}, (4, 1, 1, 2)),
        ({"model": MIXTURE, "gpus": "8", "tp": "1", "dp": "8", "ep": "8"}, (1, 1, 8, 1)),  # they share the experts
        ({"model": MIXTURE, "gpus": "16", "tp": "1", "dp": "8", "ep": "8"}, (1, 1, 8, 2)),
        ({"model": MIXTURE, "gpus": "8", "tp": "8", "dp": "4"}, (2, 1, 4, 1)),
        ({"engine": "llama.cpp", "gpus": "2", "tp": ""}, (1, 2, 1, 1)),
    ],
)
def test_what_of_a_row_is_one_replica_and_how_many_there_are(
    cells: Mapping[str, str], expected: tuple[int, ...]
) -> None:
    assert shape(point(**cells)) == expected


@pytest.mark.parametrize(
    ("engine", "version", "runtime"),
    [
        ("vllm", "0.12.0", "vllm@0.12.0"),
        ("vLLM", "vLLM 0.4.3+rocm614", "vllm@0.8"),  # older than any that is known: the oldest
        ("TensorRT-LLM", "0.6.1", "tensorrt-llm-0.9"),
        ("TensorRT-LLM", "0.7a", "tensorrt-llm-0.9"),
        ("TensorRT-LLM", "0.21", "tensorrt-llm-0.17"),  # the newest generation before it
        ("TensorRT-LLM", "", "tensorrt-llm"),
        ("llama.cpp", "build 2f68ce7cf (6918)", "llama.cpp"),
    ],
)
def test_a_version_older_than_the_oldest_known_is_no_newest(engine: str, version: str, runtime: str) -> None:
    assert point(engine=engine, engine_version=version).system.runtime_name == runtime


@pytest.mark.parametrize("cells", [{"gpus": "6"}, {"gpus": "2"}, {"gpus": "4", "pp": "2"}])
def test_accelerators_that_make_no_whole_replicas_are_refused(cells: Mapping[str, str]) -> None:
    assert "accelerators are no multiple of the" in str(read(ROW | cells, CATALOG))


@pytest.mark.parametrize(
    "load",
    [
        {"concurrency": "16"},
        {"load": "static_batch", "concurrency": "", "batch": "16"},
        {"load": "offline", "concurrency": "", "batch": "16"},
        {"load": "open_loop", "concurrency": "", "request_rate": "2"},
    ],
)
def test_each_replica_has_an_equal_part_of_the_load(load: Mapping[str, str]) -> None:
    """Three under three times the load are as fast as one, and give three times the throughput."""
    one = ROW | load
    more = {name: str(3 * int(one[name])) for name in ("concurrency", "batch", "request_rate") if one[name]}
    alone, together = predicted(one), predicted(one | more | {"gpus": "12", "dp": "3"})
    assert together.pop("output_tokens_per_s") == pytest.approx(3 * alone.pop("output_tokens_per_s"))
    assert together == pytest.approx(alone)


def test_a_point_that_lacks_a_figure_takes_no_neighbour_with_it() -> None:
    """Of one sweep: a rate that is not stated, one beyond saturation, and one that can be predicted."""
    rates = [ROW | {"load": "open_loop", "request_rate": rate} for rate in ("", "1e6", "2")]
    unstated, beyond, held = predict_points([read(row, CATALOG) for row in rates], CATALOG)
    assert unstated == "the request rate is not stated"
    assert beyond == "the rate is beyond the predicted saturation"
    assert not isinstance(held, str)
    assert "the concurrency is not stated" in str(read(ROW | {"concurrency": ""}, CATALOG))
