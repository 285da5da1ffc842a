"""Compiled code where its cache cannot be written, and heaps on arrays."""

import heapq
from random import Random

import numpy as np
import pytest

from engine.simulation.heaps import array_pop, array_push, array_remove


def test_an_array_heap_gives_up_its_keys_in_order() -> None:
    """As heapq does, with keys taken out of its middle; the sentinel stays."""
    draw = Random(1)
    for _ in range(50):
        ours, theirs = np.zeros(64, dtype=np.int64), [1 << 62]
        ours[0], ours[-1] = 1 << 62, 1
        for _ in range(300):
            key = draw.randrange(1000)
            if len(theirs) < 60 and draw.random() < 0.5:
                array_push(ours, key)
                heapq.heappush(theirs, key)
            elif len(theirs) > 1 and draw.random() < 0.5:
                assert array_pop(ours) == heapq.heappop(theirs)
            elif len(theirs) > 1:
                gone = draw.choice([key for key in theirs if key < 1 << 62])
                array_remove(ours, gone)
                theirs.remove(gone)
                heapq.heapify(theirs)
            assert ours[0] == theirs[0] and ours[-1] == len(theirs)


def test_without_a_writable_cache_the_loops_still_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    caching = pytest.importorskip("numba.core.caching", reason="the extra fast is not installed")
    from engine.simulation import compiled, heaps  # noqa: PLC0415

    # What numba finds when neither the package, nor the user's cache, nor a stated directory can be written.
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    push = compiled._compile(heaps.array_push, {"_rise": compiled._compile(heaps._rise, {})})
    heap = np.array([1 << 62, 0, 0, 1])
    push(heap, 5)
    assert heap.tolist() == [5, 1 << 62, 0, 2]
