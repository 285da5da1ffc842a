"""What moves a plan's bill and fleet: each input a fifth lower and higher; the rates at which replicas are added."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine.choice.options import pinned
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.workload import TokenDistribution, WorkloadSpec

STEP: Final = 0.2
"""Share by which inputs are moved: what people are commonly wrong by, and small enough that the plan stays one."""
BREAKS: Final = 3
"""Rates shown at which the fleet grows."""


class Outcome(Struct, frozen=True):
    """A fleet and its bill where one input is moved; None where nothing meets the targets any more."""

    accelerators: int | None
    monthly_usd: float | None
    autoscaled_usd: float | None


class Swing(Struct, frozen=True):
    """One input a fifth lower and a fifth higher, all else as it was."""

    input: str
    low: Outcome
    high: Outcome

    @property
    def width_usd(self) -> float:
        """How far the fixed or the autoscaled bill moves between the two; infinite where one of them has none."""
        return max(
            _width(self.low.monthly_usd, self.high.monthly_usd),
            _width(self.low.autoscaled_usd, self.high.autoscaled_usd),
        )

    @property
    def width_accelerators(self) -> float:
        """How far the fleet moves."""
        return _width(self.low.accelerators, self.high.accelerators)


def _width(low: float | None, high: float | None) -> float:
    return float("inf") if low is None or high is None else abs(high - low)


class Sensitivity(Struct, frozen=True):
    """What moves a plan, the most first."""

    swings: tuple[Swing, ...]
    breaks: tuple[tuple[float, int], ...]
    """Mean requests/s up to which so many replicas hold."""


Change = Callable[[WorkloadSpec, float], WorkloadSpec]


def _within(spec: WorkloadSpec, room: str, **changes: Any) -> WorkloadSpec:
    return replace(spec, **{room: replace(getattr(spec, room), **changes)})


def _traffic(spec: WorkloadSpec, times: float) -> WorkloadSpec:
    if spec.traffic.concurrency:
        return _within(spec, "traffic", concurrency=max(1, round(spec.traffic.concurrency * times)))
    return _within(spec, "traffic", requests_per_s=(spec.traffic.requests_per_s or 0.0) * times)


def _lengths(side: str) -> Change:
    def change(spec: WorkloadSpec, times: float) -> WorkloadSpec:
        old: TokenDistribution = getattr(spec.tokens, side)
        values = tuple(value * times for value in old.values)
        new = replace(old, mean=old.mean * times, p95=old.p95 and old.p95 * times, values=values)
        return _within(spec, "tokens", **{side: new})

    return change


def _reaction(spec: WorkloadSpec, times: float) -> WorkloadSpec:
    scaling = spec.scaling
    parts = {name: getattr(scaling, name) * times for name in scaling.__struct_fields__ if name.endswith("_s")}
    loading = scaling.weights_bytes_per_s / times
    return _within(spec, "scaling", **parts | {"weights_bytes_per_s": loading})


INPUTS: Final[Mapping[str, Change]] = {
    "traffic": _traffic,
    "prompt length": _lengths("input"),
    "answer length": _lengths("output"),
    "the busiest hour over the mean": lambda spec, times: _within(
        spec, "traffic", peak_factor=max(1.0, spec.traffic.peak_factor * times)
    ),
    "prompt tokens found in the prefix cache": lambda spec, times: _within(
        spec, "tokens", prefix_hit=min(1.0, spec.tokens.prefix_hit * times)
    ),
    "time to react": _reaction,
}
"""Inputs of the spec, and how each is moved; the price, which is the catalog's, stands beside them."""


def sensitivity(plan: CapacityPlan, catalog: Catalog) -> Sensitivity:
    """Return what moves a plan: its accelerator, split and precision are kept.

    Args:
        plan: for a load.
        catalog: the facts it was made with.
    """
    spec = pinned(plan)

    def moved(changed: WorkloadSpec) -> Outcome:
        found = forecast(changed, catalog, verify=False)
        if not isinstance(found, CapacityPlan) or not found.answer.meets_targets:
            return Outcome(None, None, None)
        return Outcome(found.fleet.accelerators, found.cost.monthly_usd, found.cost.autoscaled_monthly_usd)

    low, high = 1 - STEP, 1 + STEP
    swings = [Swing(name, moved(change(spec, low)), moved(change(spec, high))) for name, change in INPUTS.items()]
    swings.append(Swing("price of an accelerator-hour", _priced(plan, low), _priced(plan, high)))
    swings = [swing for swing in swings if swing.width_usd or swing.width_accelerators]
    swings.sort(key=lambda swing: (-swing.width_usd, -swing.width_accelerators))
    return Sensitivity(tuple(swings), tuple(_breaks(plan)))


def _priced(plan: CapacityPlan, times: float) -> Outcome:
    cost = plan.cost

    def bill(usd: float | None) -> float | None:
        return None if usd is None else (usd - cost.other_monthly_usd) * times + cost.other_monthly_usd

    return Outcome(plan.fleet.accelerators, bill(cost.monthly_usd), bill(cost.autoscaled_monthly_usd))


def _breaks(plan: CapacityPlan) -> list[tuple[float, int]]:
    """Return up to which mean rate one replica fewer, as many, and more hold; none for a closed loop."""
    traffic = plan.spec.traffic
    if traffic.requests_per_s is None:
        return []
    at_once = traffic.peak_factor * traffic.burst * traffic.growth * traffic.calls_per_request
    each = plan.replica_capacity.requests_per_s / at_once
    needed = next(count for count in range(1, 10**9) if count * each >= traffic.requests_per_s * (1 - 1e-6))
    return [(count * each, count) for count in range(max(1, needed - 1), needed - 1 + BREAKS)]
