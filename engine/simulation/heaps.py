"""Heaps that are never empty: push, pop and remove, on lists for Python and on arrays for compiled code.

A heap begins with one sentinel larger than any key, so that its least key can always be read at index 0. An array
keeps its size in its last element.
"""

import heapq
from typing import Any

push = heapq.heappush
pop = heapq.heappop
size = len


def remove(heap: list[Any], key: Any) -> None:
    """Take out one key that is in the heap."""
    heap.remove(key)
    heapq.heapify(heap)


def array_push(heap: Any, key: Any) -> None:
    """Insert a key; the array has room for it."""
    at = int(heap[-1])
    heap[-1] = at + 1
    _rise(heap, at, key)


def array_pop(heap: Any) -> Any:
    """Remove and return the least key."""
    least = heap[0]
    _drop(heap, 0)
    return least


def array_remove(heap: Any, key: Any) -> None:
    """Take out one key that is in the heap."""
    at = 0
    while heap[at] != key:
        at += 1
    _drop(heap, at)


def array_size(heap: Any) -> int:
    """Return the number of keys, the sentinel included."""
    return int(heap[-1])


def _rise(heap: Any, at: int, key: Any) -> None:
    while at > 0:
        above = (at - 1) // 2
        if heap[above] <= key:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = key


def _drop(heap: Any, at: int) -> None:
    size = int(heap[-1]) - 1
    heap[-1] = size
    key = heap[size]
    if at == size:
        return
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= key:
            break
        heap[at] = heap[below]
        at = below
    _rise(heap, at, key)
