"""How large the whole fleet may be: the fleet that was given and every ceiling, in accelerators, nodes or replicas."""

from math import ceil
from typing import Final

import numpy as np
from msgspec import Struct

from engine.arrays import Floats, Indices
from engine.workload import Hardware, WorkloadSpec

PerCandidate = Floats | Indices

_FIELDS: Final = (
    ("accelerator_count", "accelerators", "--gpus"),
    ("nodes", "nodes", "--nodes"),
    ("replicas", "replicas", "--replicas"),
    ("max_accelerators", "accelerators", "--max-gpus"),
    ("max_nodes", "nodes", "--max-nodes"),
    ("max_replicas", "replicas", "--max-replicas"),
)
"""Field of the spec's hardware, what it counts, and the flag that states it."""


class UnitSizes(Struct, frozen=True):
    """How many accelerators one unit of a limit is, by candidate; arrays share the axis of the candidates."""

    nodes: PerCandidate
    replicas: PerCandidate

    def at(self, index: int | Indices) -> "UnitSizes":
        """Return the sizes of the candidate, or of the candidates, at ``index``."""
        return UnitSizes(*(getattr(self, name)[index] for name in self.__struct_fields__))

    def of(self, unit: str) -> PerCandidate:
        """Return how many accelerators one unit is: one where accelerators are counted."""
        return np.ones_like(self.replicas) if unit == "accelerators" else getattr(self, unit)


class Ceiling(Struct, frozen=True):
    """One limit on the whole fleet of one candidate."""

    unit: str
    flag: str
    count: int
    accelerators_per_unit: int

    @property
    def accelerators(self) -> int:
        """The most accelerators that it allows."""
        return self.count * self.accelerators_per_unit

    def needed(self, accelerators: float) -> int:
        """Return how many of its units so many accelerators take."""
        return ceil(accelerators / self.accelerators_per_unit - 1e-6)

    def counted(self, count: int) -> str:
        """Return a count of its units in words."""
        return f"{count:,} {self.unit if count != 1 else self.unit[:-1]}"

    def stated(self, count: int) -> str:
        """Return the flag that states so many of its units."""
        return f"{self.flag} {count}"


def ceilings(hardware: Hardware, sizes: UnitSizes) -> tuple[Ceiling, ...]:
    """Return every limit on the fleet of one candidate, whose sizes are given."""
    return tuple(
        Ceiling(unit, flag, count, int(sizes.of(unit)))
        for field, unit, flag in _FIELDS
        if (count := getattr(hardware, field)) is not None
    )


def tightest(hardware: Hardware, sizes: UnitSizes) -> Ceiling | None:
    """Return the limit that allows one candidate, whose sizes are given, the fewest accelerators."""
    return min(ceilings(hardware, sizes), key=lambda ceiling: ceiling.accelerators, default=None)


def allowed_accelerators(hardware: Hardware, sizes: UnitSizes) -> Floats | None:
    """Return the most accelerators that the fleet of each candidate may have; None where there is no limit."""
    limits = [getattr(hardware, field) * sizes.of(unit) for field, unit, _ in _FIELDS if getattr(hardware, field)]
    return np.min(limits, axis=0).astype(np.float64) if limits else None


def given_replicas(hardware: Hardware, sizes: UnitSizes) -> Floats | None:
    """Return the replicas that the given fleet of each candidate holds, NaN where not one; None where none is given."""
    if hardware.accelerator_count is None and hardware.nodes is None and hardware.replicas is None:
        return None
    allowed = allowed_accelerators(hardware, sizes)
    assert allowed is not None
    whole = np.floor(allowed / sizes.replicas + 1e-9)
    return np.where(whole >= (hardware.replicas or 1), whole, np.nan)


def without_ceilings(hardware: Hardware) -> Hardware:
    """Return the hardware with nothing said of the size of the fleet."""
    return hardware.model_copy(update=dict.fromkeys(field for field, _, _ in _FIELDS))


def fewest_replicas(spec: WorkloadSpec) -> int:
    """Return the replicas that run however low the load is, without spares: a given number of them is kept."""
    if spec.hardware.replicas is None:
        return spec.availability.minimum_replicas
    return spec.hardware.replicas - spec.availability.spare_replicas
