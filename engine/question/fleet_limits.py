"""How large the whole fleet may be: what was given and every ceiling, in accelerators, nodes, replicas or kW."""

from math import ceil, floor
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from engine.arrays import Floats, Indices, Rows
from engine.workload import Hardware, WorkloadSpec

PerCandidate = Floats | Indices

_FIELDS: Final = (
    ("accelerator_count", "accelerators", "--gpus"),
    ("nodes", "nodes", "--nodes"),
    ("replicas", "replicas", "--replicas"),
    ("max_accelerators", "accelerators", "--max-gpus"),
    ("max_nodes", "nodes", "--max-nodes"),
    ("max_replicas", "replicas", "--max-replicas"),
    ("max_power_kw", "kW", "--max-power"),
)
"""Field of the spec's hardware, what it counts, and the flag that states it."""

_GIVEN: Final = _FIELDS[:3]
"""Those that give the fleet."""

HOST_POWER_SHARE: Final = 10.2 / (8 * 0.7) - 1
"""Rated power of a server beside its accelerators, over theirs: a DGX H100, with eight H100 of 700 W, is rated at
10.2 kW (NVIDIA, DGX H100/H200 User Guide, power specifications: maximum). All other servers take it over."""


def rated_watts(accelerators: float, power_w: float) -> float:
    """Return the rated power of accelerators with their share of the hosts, W.

    Args:
        power_w: power limit of one, W.
    """
    return accelerators * power_w * (1 + HOST_POWER_SHARE)


class UnitSizes(Rows, frozen=True):
    """How many accelerators one unit of a limit is, by candidate; arrays share the axis of the candidates."""

    nodes: PerCandidate
    replicas: PerCandidate
    kW: PerCandidate  # noqa: N815 — the unit's name

    def of(self, unit: str) -> PerCandidate:
        """Return how many accelerators one unit is: one where accelerators are counted."""
        return np.ones_like(self.replicas) if unit == "accelerators" else getattr(self, unit)


class Ceiling(Struct, frozen=True):
    """One limit on the whole fleet of one candidate."""

    unit: str
    flag: str
    count: float
    accelerators_per_unit: float

    @property
    def accelerators(self) -> int:
        """The most accelerators that it allows."""
        return floor(self.count * self.accelerators_per_unit + 1e-6)

    def needed(self, accelerators: float) -> float:
        """Return how many of its units so many accelerators take: whole ones, or tenths of a kW."""
        units = accelerators / self.accelerators_per_unit
        return _whole(ceil(10 * units - 1e-6) / 10) if self.unit == "kW" else ceil(units - 1e-6)

    def counted(self, count: float) -> str:
        """Return a count of its units in words."""
        return f"{count:,} {self.unit if count != 1 or self.unit == 'kW' else self.unit[:-1]}"

    def stated(self, count: float) -> str:
        """Return the flag that states so many of its units."""
        return f"{self.flag} {count}{'kW' if self.unit == 'kW' else ''}"


def _whole(count: float) -> float:
    """Return a count as an integer where it is one, so that it is shown as one."""
    return int(count) if count == int(count) else count


def ceilings(hardware: Hardware, sizes: UnitSizes) -> tuple[Ceiling, ...]:
    """Return every limit on the fleet of one candidate, whose sizes are given."""
    return tuple(
        Ceiling(unit, flag, _whole(count), float(sizes.of(unit)))
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


def given_kilowatts(hardware: Hardware, sizes: UnitSizes) -> Floats | None:
    """Return the rated power of the given fleet of each candidate, kW; None where no fleet is given."""
    given = [getattr(hardware, field) * sizes.of(unit) for field, unit, _ in _GIVEN if getattr(hardware, field)]
    return np.min(given, axis=0) / sizes.kW if given else None


def power_contradiction(hardware: Hardware, sizes: UnitSizes) -> str:
    """Return the sentence that a candidate's given fleet is rated above what is allowed; the sizes are its own."""
    limits = {ceiling.flag: ceiling for ceiling in ceilings(hardware, sizes)}
    given = min((limits[flag] for _, _, flag in _GIVEN if flag in limits), key=lambda ceiling: ceiling.accelerators)
    power = limits["--max-power"]
    return (
        f"{given.counted(given.count)} {'is' if given.count == 1 else 'are'} rated at "
        f"{power.counted(power.needed(given.accelerators))} at least, hosts included, and at most "
        f"{power.counted(power.count)} contradicts that: state one of them"
    )


def raised_to(hardware: Hardware, sizes: UnitSizes, accelerators: int) -> tuple[Hardware, tuple[str, ...]]:
    """Return the hardware with every limit that allows too few accelerators raised, and the flags that raise them.

    Args:
        hardware: with limits.
        accelerators: of its fleet.
    """
    short = [limit for limit in ceilings(hardware, sizes) if limit.accelerators < accelerators]
    field_of = {flag: field for field, _, flag in _FIELDS}
    wider = replace(hardware, **{field_of[limit.flag]: limit.needed(accelerators) for limit in short})
    return wider, tuple(limit.stated(limit.needed(accelerators)) for limit in short)


def enough_a_month(monthly_usd: float | None) -> str | None:
    """Return the whole dollars that pay a bill, as --budget states them; None where nobody asks a price."""
    return None if monthly_usd is None else str(ceil(monthly_usd))


def without_ceilings(hardware: Hardware) -> Hardware:
    """Return the hardware with nothing said of the size of the fleet."""
    return replace(hardware, **dict.fromkeys(field for field, _, _ in _FIELDS))


def fewest_replicas(spec: WorkloadSpec) -> int:
    """Return the replicas that run however low the load is, without spares: a given number of them is kept."""
    if spec.hardware.replicas is None:
        return spec.availability.minimum_replicas
    return spec.hardware.replicas - spec.availability.spare_replicas
