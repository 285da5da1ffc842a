"""Requests as columns: when they arrive and how long they are."""

from collections.abc import Iterator

import numpy as np

from engine.arrays import Floats, Ints, Rows

CHUNK = 1 << 16
"""Requests that are simulated at a time: what bounds the memory of a long load."""


class Requests(Rows, frozen=True):
    """Requests in order of arrival; all arrays alike."""

    arrival_s: Floats
    input_tokens: Ints
    """Whole prompts."""
    output_tokens: Ints
    cached_tokens: Ints
    """Of the prompt: those whose KV is already there."""
    prefix: Ints
    """Equal for requests whose prompts begin alike; what prefix-affine routing goes by."""
    shared_tokens: Ints
    """With which all prompts of its prefix begin; a runtime that caches prefixes computes and holds them once."""

    def __post_init__(self) -> None:
        """Refuse what cannot be served.

        Raises:
            ValueError: naming the first request that is wrong.
        """
        if len({len(getattr(self, name)) for name in self.__struct_fields__}) != 1:
            raise ValueError("every request needs an arrival, input, output, cached and shared tokens and a prefix")
        wrong = (self.input_tokens < 1) | (self.output_tokens < 1) | (self.cached_tokens < 0) | (self.shared_tokens < 0)
        late = np.diff(self.arrival_s, prepend=0.0) < 0
        for mask, said in (
            (wrong, "has too few tokens; at least 1 in and 1 out"),
            (late, "arrives before the one before it or before 0 s"),
        ):
            if mask.any():
                raise ValueError(f"request {int(np.argmax(mask))} {said}")

    def __len__(self) -> int:
        return len(self.arrival_s)


def requests_of(
    arrival_s: Floats,
    input_tokens: Ints,
    output_tokens: Ints,
    cached_tokens: Ints | None = None,
    prefix: Ints | None = None,
    shared_tokens: Ints | None = None,
) -> Requests:
    """Return requests; all arrays are alike.

    Args:
        arrival_s: in order.
        input_tokens: of whole prompts.
        output_tokens: of answers.
        cached_tokens: of each prompt those whose KV is already there; None: nothing is cached.
        prefix: equal for prompts that begin alike; None: no two do.
        shared_tokens: with which all prompts of a prefix begin, equal for all of it; None: nothing is held together.
    """
    none = np.zeros(len(arrival_s), dtype=np.int64)
    return Requests(
        np.ascontiguousarray(arrival_s, dtype=np.float64),
        np.ascontiguousarray(input_tokens, dtype=np.int64),
        np.ascontiguousarray(output_tokens, dtype=np.int64),
        none if cached_tokens is None else np.asarray(cached_tokens, dtype=np.int64),
        np.arange(len(arrival_s), dtype=np.int64) if prefix is None else np.asarray(prefix, dtype=np.int64),
        none if shared_tokens is None else np.asarray(shared_tokens, dtype=np.int64),
    )


def chunks(requests: Requests, size: int = CHUNK) -> Iterator[Requests]:
    """Yield requests ``size`` at a time."""
    for start in range(0, len(requests), size):
        yield requests.take(slice(start, start + size))
