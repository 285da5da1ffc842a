"""The kinds of load at which one replica is looked at: a record that costs no numpy to refuse bad input with."""

from typing import Literal, TypeAlias

from msgspec import Struct

LoadKind: TypeAlias = Literal["concurrency", "rps", "static_batch", "offline"]


class GivenLoad(Struct, frozen=True):
    """The load at which one replica is looked at."""

    kind: LoadKind
    value: float | None = None
    """Clients, requests/s or requests in the batch; null for a queue without end (offline)."""
