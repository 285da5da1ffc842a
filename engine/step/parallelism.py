"""How a replica is split over accelerators: by tensor, pipeline, data and expert parallelism.

G = tp·pp·dp accelerators hold a replica; ep, over which a mixture's experts are spread, divides tp·dp.
"""

from typing import Any, NamedTuple

from engine.arrays import Ints, Rows
from engine.plan import parallelism_shown


class ParallelSizes(NamedTuple):
    """How one replica is split."""

    tp: int = 1
    pp: int = 1
    dp: int = 1
    ep: int = 1

    @property
    def accelerators(self) -> int:
        """Accelerators of the replica."""
        return self.tp * self.pp * self.dp

    @property
    def spelling(self) -> str:
        """The sizes as people write them: TP4 × PP2; all but TP are left out where they are 1."""
        return parallelism_shown(*self)

    @property
    def split(self) -> dict[str, Any]:
        """The sizes by the fields that records have for them."""
        return {
            "tensor_parallel": self.tp,
            "pipeline_parallel": self.pp,
            "data_parallel": self.dp,
            "expert_parallel": self.ep,
        }


class Parallelism(Rows, frozen=True):
    """How replicas are split: arrays over candidates."""

    tp: Ints
    pp: Ints
    dp: Ints
    ep: Ints

    @property
    def accelerators(self) -> Ints:
        """Accelerators per replica."""
        return self.tp * self.pp * self.dp

    def sizes(self, row: int = 0) -> ParallelSizes:
        """Return how one candidate is split."""
        return ParallelSizes(int(self.tp[row]), int(self.pp[row]), int(self.dp[row]), int(self.ep[row]))
