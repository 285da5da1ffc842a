"""Names for the types of arrays that the method works on: what an element is; what an axis is stands where one is used.

An array "over candidates" or "over replicas" has one element for each row of the table that it came from, in the same
order. A figure that is the same for all rows may be a plain number: numpy broadcasts it.
"""

from collections.abc import Callable
from typing import Self

import numpy as np
from msgspec import Struct
from msgspec.structs import astuple
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Quantities in base units (seconds, bytes, tokens, requests/s), and shares."""
Ints = NDArray[np.int64]
"""Whole counts (accelerators, replicas, tokens) and numbers that name something (a request, a prefix)."""
Indices = NDArray[np.intp]
"""Positions in another array, as `np.flatnonzero` and `np.argsort` return them."""
Bools = NDArray[np.bool_]
"""What holds: one truth for each element of the array that was asked about."""


class Rows(Struct, frozen=True):
    """A table whose columns are the fields: arrays that share the first axis."""

    def take(self, index: int | slice | Indices | Bools) -> Self:
        """Return the rows at ``index``."""
        return type(self)(*(getattr(self, name)[index] for name in self.__struct_fields__))

    def mapped(self, change: Callable[[Floats], Floats]) -> Self:
        """Return the table with every array changed alike."""
        return type(self)(*map(change, astuple(self)))


def along_last(array: Floats, index: Indices) -> Floats:
    """Return the elements at positions along the last axis; the axes before it are alike.

    As ``np.take_along_axis``, at a third of what that costs for the small arrays of one candidate.
    """
    starts = np.arange(0, array.size, array.shape[-1]).reshape(*array.shape[:-1], 1)
    return array.take(starts + index)


def across(values: Floats, axes: int = 1) -> Floats:
    """Return one value of each candidate so that it broadcasts over so many axes behind theirs.

    A single candidate's has no axes at all, which numpy broadcasts at a third of the cost.
    """
    return values.reshape(() if values.size == 1 else (-1, *(1,) * axes))
