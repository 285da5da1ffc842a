"""Why two plans differ: their difference shared out among the inputs that changed, none of them first.

Each input's part is its Shapley value (L. S. Shapley, 1953): its effect averaged over all orders in which the inputs
could have changed, or over drawn ones where they are many. The parts sum to the whole, and change sign where the two
plans change places.
"""

from collections.abc import Mapping
from itertools import pairwise
from math import factorial
from random import Random
from typing import Any, Final

from msgspec import UNSET, Struct, to_builtins

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.planning.calibrated import catalog_of
from engine.workload import WorkloadSpec, flattened, validated

EXACT: Final = 6
"""Inputs up to which every order counts: 64 plans. Of more, orders are drawn, each with its reverse."""
DRAWN_PLANS: Final = 120
"""Plans that drawn orders may take, a step of each order a plan; two orders at least."""
SEED: Final = 1

Figures = tuple[float, ...]
"""Accelerators, USD a month, TTFT p95 and mean ITL at the peak, seconds."""
NAMES: Final = ("accelerators", "monthly_usd", "ttft_p95_s", "itl_mean_s")


class Changed(Struct, frozen=True):
    """One input that changed, with its part in the difference."""

    input: str
    """Its path, or the room of paths that change together."""
    before: Any
    after: Any
    parts: Mapping[str, float]
    """By figure; empty where the parts are not known."""


class Attribution(Struct, frozen=True):
    """The inputs that changed; what they do not explain is of what else the plans were made with."""

    changed: tuple[Changed, ...]
    rest: Mapping[str, float]
    made_with: tuple[Changed, ...]
    """What else differs: calibration, catalog, program, simulation. Their parts are the rest together."""
    why_not: str = ""
    """Why the parts are not known: on the way between the two nothing fits."""


def figures_of(plan: CapacityPlan) -> Figures:
    """Return the figures that are shared out; a bill that is not known counts as none."""
    peak = plan.performance.at_peak
    return plan.fleet.accelerators, plan.cost.monthly_usd or 0.0, peak.ttft_s.p95, peak.itl_s.mean


def changed_inputs(before: WorkloadSpec, after: WorkloadSpec) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Return the values that differ, by path, under the name of what changes together."""
    found: dict[str, dict[str, tuple[Any, Any]]] = {}
    for path, values in differing(before, after).items():
        found.setdefault(_together(path), {})[path] = values
    return found


def differing(before: Struct, after: Struct) -> dict[str, tuple[Any, Any]]:
    """Return the values by path in which two records of one kind differ."""
    old, new = (flattened(to_builtins(record)) for record in (before, after))
    paths = dict.fromkeys((*old, *new))
    return {path: (old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)}


def _together(path: str) -> str:
    """Return what changes with a path: a load is a rate or clients, a length has a mean and a spread."""
    if path in ("traffic.requests_per_s", "traffic.concurrency"):
        return "traffic"
    if path in ("model", "architecture"):
        return "model"
    return ".".join(path.split(".")[:2])


def made_otherwise(before: CapacityPlan, after: CapacityPlan) -> tuple[Changed, ...]:
    """Return what two plans were made with besides their questions, where it differs.

    Other catalog entries show only between plans of the same model, accelerator, precision and runtime: the digest is
    of the entries that a plan used.
    """
    old, new = (_made_with(plan) for plan in (before, after))
    if _entries_of(before) != _entries_of(after):
        old.pop("catalog"), new.pop("catalog")
    return tuple(Changed(name, old[name], new[name], {}) for name in old if old[name] != new[name])


def _made_with(plan: CapacityPlan) -> dict[str, str]:
    made = plan.provenance
    calibration = made.calibration
    return {
        "calibration": "none" if calibration is UNSET else f"{calibration.id} of {calibration.made}",
        "catalog": made.catalog,
        "program": made.version,
        "simulated": "sized on it" if made.refine else "yes" if made.verify else "no",
    }


def _entries_of(plan: CapacityPlan) -> tuple[object, ...]:
    chosen = plan.chosen
    return chosen.model, chosen.accelerator, chosen.precision, plan.provenance.runtime, plan.spec.architecture


def attribution(before: CapacityPlan, after: CapacityPlan, catalog: Catalog) -> Attribution:
    """Return each changed input's part in the difference between two plans.

    Args:
        after: the new one.
        catalog: the facts with which plans between the two are made, by the formulas.
    """
    inputs = changed_inputs(before.spec, after.spec)
    names = tuple(inputs)
    made_with = made_otherwise(before, after)
    if all(one.input != "calibration" for one in made_with):
        catalog = catalog_of(after, catalog)
    whole = [new - old for old, new in zip(figures_of(before), figures_of(after), strict=True)]
    known: dict[frozenset[str], Figures | None] = {}

    def value(of: frozenset[str]) -> Figures | None:
        if of not in known:
            known[of] = _figures_with(before.spec, inputs, of, catalog)
        return known[of]

    parts = {name: [0.0] * len(NAMES) for name in names}
    orders = _orders(names)
    for order, weight in orders:
        steps = [value(frozenset(order[:length])) for length in range(len(order) + 1)]
        if None in steps:
            bare = tuple(_change(name, inputs[name], {}) for name in names)
            why = "on the way from one to the other there are questions that nothing fits"
            return Attribution(bare, dict(zip(NAMES, whole, strict=True)), made_with, why)
        for name, (old, new) in zip(order, pairwise(steps), strict=True):
            for place in range(len(NAMES)):
                parts[name][place] += weight * (new[place] - old[place])  # type: ignore[index]
    rest = [all_of - sum(parts[name][place] for name in names) for place, all_of in enumerate(whole)]
    changed = [_change(name, inputs[name], dict(zip(NAMES, parts[name], strict=True))) for name in names]
    changed.sort(key=lambda one: -abs(one.parts["monthly_usd"]))
    return Attribution(tuple(changed), dict(zip(NAMES, rest, strict=True)), made_with)


def _orders(names: tuple[str, ...]) -> list[tuple[tuple[str, ...], float]]:
    from itertools import permutations

    if len(names) <= EXACT:
        return [(order, 1 / factorial(len(names))) for order in permutations(names)]
    random, pairs = Random(SEED), max(1, DRAWN_PLANS // len(names) // 2)
    drawn = [tuple(random.sample(sorted(names), len(names))) for _ in range(pairs)]
    # The way back goes through an order's steps in reverse: what it explains then only changes sign.
    return [(order, 1 / (2 * pairs)) for one in drawn for order in (one, one[::-1])]


def _figures_with(
    spec: WorkloadSpec, inputs: Mapping[str, Mapping[str, tuple[Any, Any]]], of: frozenset[str], catalog: Catalog
) -> Figures | None:
    tree = to_builtins(spec)
    for name in of:
        for path, (_, new) in inputs[name].items():
            *rooms, leaf = path.split(".")
            branch = tree
            for room in rooms:
                branch = branch[room]
            branch[leaf] = new
    try:
        plan = forecast(validated(tree), catalog, verify=False)
    except InputError:
        return None
    return figures_of(plan) if isinstance(plan, CapacityPlan) else None


def _change(name: str, values: Mapping[str, tuple[Any, Any]], parts: Mapping[str, float]) -> Changed:
    if len(values) == 1:
        ((path, (old, new)),) = values.items()
        return Changed(path, old, new, parts)
    old, new = ({path: pair[place] for path, pair in values.items() if pair[place] is not None} for place in (0, 1))
    return Changed(name, old, new, parts)
