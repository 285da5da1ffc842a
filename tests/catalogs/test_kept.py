"""Results that are kept: the same for the same arguments, bounded in number and size."""

import numpy as np
import pytest

from catalogs.kept import LARGEST, kept
from engine.workload import Target


def test_a_result_is_kept_for_equal_arrays_numbers_and_tuples_and_for_the_same_object() -> None:
    asked: list[object] = []
    record = {"unhashable": 1}

    @kept(8)
    def summed(entry: dict[str, int], values: tuple[object, ...], *, by: float = 1.0) -> object:
        asked.append(values)
        return object()

    first = summed(record, (np.arange(3.0), "bf16"), by=2.0)
    assert summed(record, (np.arange(3.0), "bf16"), by=2.0) is first
    others = [
        summed(record, (np.arange(3.0), "fp8"), by=2.0),
        summed(record, (np.arange(3.0)[:, None], "bf16"), by=2.0),
        summed(record, (np.arange(1.0, 4.0), "bf16"), by=2.0),
        summed(record, (np.arange(3.0).view(np.int64), "bf16"), by=2.0),
        summed(record, (np.arange(3.0), "bf16"), by=3.0),
        summed(dict(record), (np.arange(3.0), "bf16"), by=2.0),
    ]
    assert first not in others
    assert len(asked) == 7


def test_small_records_are_the_same_where_they_are_equal() -> None:
    @kept(4)
    def asked(targets: tuple[Target, ...]) -> object:
        return object()

    first, again, other = (asked((Target(metric="ttft", percentile="p95", seconds=s),)) for s in (0.5, 0.5, 0.6))
    assert first is again
    assert other is not first


def test_no_more_than_so_many_results_are_kept_and_none_of_large_arrays() -> None:
    asked: list[int] = []

    @kept(4)
    def length(values: np.ndarray) -> int:
        asked.append(len(values))
        return len(values)

    for count in (1, 2, 3, 4, 5, 5, 1, LARGEST + 1, LARGEST + 1):
        assert length(np.ones(count)) == count
    assert asked == [1, 2, 3, 4, 5, 1, LARGEST + 1, LARGEST + 1]


def test_who_writes_to_an_array_that_is_kept_is_told_so() -> None:
    @kept(4)
    def doubled(values: np.ndarray) -> tuple[np.ndarray, ...]:
        return (values * 2,)

    (first,) = doubled(np.ones(2))
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 3.0
    assert doubled(np.ones(2))[0].tolist() == [2, 2]
