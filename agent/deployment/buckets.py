"""Targets and buckets of histograms: a share of requests within a limit is known only where the limit is a bucket."""

import json
from collections.abc import Iterator
from math import isclose

from msgspec import Struct

from catalogs.records.serving import Family, ServedRuntime
from engine.plan import CapacityPlan, LaunchFlag
from engine.workload import Target


class Bucket(Struct, frozen=True):
    """The bucket by which a target is watched."""

    seconds: float
    flagged: bool
    """A flag makes the target a bucket."""
    exact: bool
    """It is the target itself."""


def bucket_for(target: Target, served: ServedRuntime, version: str) -> Bucket:
    """Return the bucket by which a target is watched: the target, else the next stricter one, else the first."""
    bounds = served.buckets[target.metric]
    if any(isclose(bound, target.seconds, rel_tol=1e-9) for bound in bounds):
        return Bucket(target.seconds, flagged=False, exact=True)
    if served.bucket_flag(target.metric, version):
        return Bucket(target.seconds, flagged=True, exact=True)
    return Bucket(max((bound for bound in bounds if bound < target.seconds), default=bounds[0]), False, False)


def bucket_flags(plan: CapacityPlan, served: ServedRuntime, version: str) -> Iterator[LaunchFlag]:
    """Yield the flags that make the plan's targets buckets.

    Args:
        plan: with targets.
        served: its runtime.
    """
    flagged: dict[Family, list[float]] = {}
    for target in plan.spec.targets:
        if target.percentile != "mean" and bucket_for(target, served, version).flagged:
            flagged.setdefault(target.metric, []).append(target.seconds)
    together: dict[str, dict[str, list[float]]] = {}
    for family, targets in flagged.items():
        flag = served.bucket_flags[family]
        bounds = sorted({*served.buckets[family], *targets})
        if flag.family:
            together.setdefault(flag.flag, {})[flag.family] = bounds
        else:
            yield LaunchFlag(flag.flag, " ".join(f"{bound:g}" for bound in bounds), _why(targets))
    for name, families in together.items():
        targets = [seconds for group in flagged.values() for seconds in group]
        yield LaunchFlag(name, json.dumps(families), _why(targets))


def _why(targets: list[float]) -> str:
    plural = "s" if len(targets) > 1 else ""
    return f"the usual buckets, and the target{plural} {', '.join(f'{s:g} s' for s in targets)} among them"
