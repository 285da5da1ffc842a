"""Any figure of a plan derived: where it comes from, its formula, what enters it, and the figure once more.

A figure is an input, a quotient, product or sum of other figures of the plan, or what a step of the method solves for.
The first is read again, the second computed again from the plan, the third made again of the plan's question.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from math import isclose
from typing import Any, Final, Literal

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import InputError, quoted
from engine.method import made_again
from engine.plan import CapacityPlan, NoPlan, plan_json

Kind = Literal["input", "computed", "solved"]
Leaf = int | float
COMPUTED: Final[Mapping[str, str]] = {
    "fleet.accelerators": "fleet.replicas × chosen.accelerators_per_replica",
    "performance.*.utilisation": "performance.*.requests_per_s ÷ replica_capacity.saturated_requests_per_s",
    "performance.*.in_flight": "performance.*.requests_per_s × performance.*.e2e_s.mean",
    "autoscaling.rps_per_replica": "autoscaling.target_utilisation × replica_capacity.requests_per_s",
    "bands.fleet.replicas.low": "fleet.replicas",
    "bands.fleet.accelerators.low": "fleet.accelerators",
}
"""Products and quotients of other figures, by path; * stands for the same step on both sides."""
SUMMED: Final[Mapping[str, str]] = {"autoscaling.reaction_time_s": "autoscaling.reaction_parts_s"}
"""Sums of all figures below another path."""


class Solved(Struct, frozen=True):
    """What a step of the method solves for."""

    begins: str
    """Beginning of the paths of its figures."""
    section: str
    """Of spec-kit/methodology.md."""
    formula: str
    enters: tuple[str, ...] = ()
    """Beginnings of the paths of figures that enter."""


SOLVED: Final = (
    Solved(
        "answer.",
        "Capacity",
        "the load that today's fleet carries with its spares down",
        ("replica_capacity", "fleet.replicas"),
    ),
    Solved("chosen.offer.", "Offers", "an offer of the catalog, at the median provider", ()),
    Solved("chosen.", "Choosing", "the best candidate that fits and meets the targets", ("fleet.accelerators",)),
    Solved(
        "memory.",
        "Memory",
        "bytes of weights, KV cache, activations and runtime over the model's matrices",
        ("chosen",),
    ),
    Solved(
        "performance.",
        "A replica at a load",
        "the batch B with λ(B) = B/(D·τ(B) + B·ΔP(B)), its waits, percentiles by survival",
        ("performance", "replica_capacity"),
    ),
    Solved(
        "targets.",
        "A replica at a load",
        "the forecast at the peak hour, held against the target",
        ("performance.at_peak",),
    ),
    Solved(
        "replica_capacity.prefill",
        "Capacity",
        "a step's budget of prompt tokens over their own TTFT, alone, times the ranks",
        ("bands.replica_capacity",),
    ),
    Solved(
        "replica_capacity.load_curve",
        "A replica at a load",
        "the batch at each share of the saturated rate",
        ("replica_capacity.saturated_requests_per_s",),
    ),
    Solved(
        "replica_capacity.",
        "Capacity",
        "the largest λ(B) at which every target holds and λ ≤ ceiling · λ_max",
        ("replica_capacity.saturated", "targets"),
    ),
    Solved(
        "fleet.",
        "Fleet and ledger",
        "⌈load / λ_cap⌉ line by line: mean, peak, burst, growth, spares, rounding",
        ("replica_capacity.requests_per_s", "fleet"),
    ),
    Solved(
        "autoscaling.",
        "Autoscaling thresholds",
        "read from the replica's load curve at ρ = 1/(g(R)·burst)",
        ("replica_capacity.requests_per_s", "autoscaling"),
    ),
    Solved(
        "cost.",
        "The bill",
        "whole instances × price × 730 h a month, and what else is paid",
        ("chosen.offer", "fleet.instances"),
    ),
    Solved(
        "energy.", "Energy", "power by load on the accelerator's curve × hours", ("performance.at_mean.utilisation",)
    ),
    Solved("alternatives.", "Choosing", "the same search: another candidate", ("fleet.accelerators",)),
    Solved("rejected.", "Candidates", "what the candidate needed and what there was", ()),
    Solved("bands.", "Bands", "residuals of cases like this one, level by level", ("performance.at_peak",)),
    Solved("verification.", "Simulation", "the peak hour simulated request by request", ("performance.at_peak",)),
    Solved("replay.", "The replay", "the fleet under its autoscaler minute by minute", ("autoscaling", "fleet")),
    Solved(
        "outage.",
        "Fleet and ledger",
        "the load of a lost replica on those that are left, until it serves again",
        ("replica_capacity", "autoscaling.reaction"),
    ),
    Solved(
        "surge.",
        "Fleet and ledger",
        "a fluid queue: (surge − served) × seconds wait, served at the replicas' saturated rate",
        ("replica_capacity.saturated_requests_per_s", "fleet.replicas"),
    ),
    Solved("", "Choosing", "as the method's page has it, engine/method.py", ()),
)
"""The first whose beginning a path has holds."""
MOST_INPUTS: Final = 24


class Entering(Struct, frozen=True):
    """A figure that enters another one."""

    path: str
    value: Leaf | str
    source: str
    """Who stated it, for an input; empty for another figure of the plan."""


class Derivation(Struct, frozen=True):
    """How a figure came about."""

    path: str
    value: Leaf
    kind: Kind
    formula: str
    where: str
    """Section of the method's paper; empty for what the plan itself says."""
    inputs: tuple[Entering, ...]
    reason: str
    """What the plan says of it: why this value, what binds."""
    again: Leaf
    """The figure computed once more by the formula."""

    @property
    def reproduced(self) -> bool:
        """Whether the figure came out again, to the six digits that a plan keeps."""
        return isclose(float(self.value), float(self.again), rel_tol=2e-5, abs_tol=1e-12)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Yield every number of a plan's JSON with its path."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}".lstrip("."))
    elif isinstance(tree, list | tuple):
        for place, value in enumerate(tree):
            yield from leaves(value, f"{path}.{place}")
    elif isinstance(tree, int | float) and not isinstance(tree, bool):
        yield path, tree


def derivation(
    plan: CapacityPlan, path: str, catalog: Catalog, again: CapacityPlan | NoPlan | None = None
) -> Derivation:
    """Return how a figure of a plan came about.

    Args:
        plan: that holds it.
        path: of the figure: 'performance.at_peak.ttft_s.p95'.
        catalog: the facts.
        again: the plan made again, where that was done already.

    Raises:
        InputError: the plan has no figure there.
    """
    tree = plan_json(plan)
    known = dict(leaves(tree))
    if path not in known:
        near = [other for other in known if path and (other.startswith(path) or path in other)][:4]
        hint = f"; there are {', '.join(near)}" if near else "; `fleetcast plan show --json` has all paths"
        raise InputError(f"the plan has no figure at {quoted(path)}{hint}")
    value, reason = known[path], _reason(tree, path)
    if path.startswith("spec.") or path == "schema_version":
        entering = Entering(path, value, _stated(plan, path.removeprefix("spec.")))
        return Derivation(path, value, "input", "as it was stated", "", (entering,), reason, value)
    for pattern, formula in COMPUTED.items():
        if fnmatchcase(path, pattern):
            return _computed(path, known, formula, reason)
    if path in SUMMED:
        parts = tuple(
            Entering(other, part, "") for other, part in known.items() if other.startswith(f"{SUMMED[path]}.")
        )
        total = sum(float(part.value) for part in parts)
        return Derivation(path, value, "computed", " + ".join(part.path for part in parts), "", parts, reason, total)
    remade = made_again(plan, catalog) if again is None else again
    figures = dict(leaves(plan_json(remade))) if isinstance(remade, CapacityPlan) else {}
    step = next(step for step in SOLVED if path.startswith(step.begins))
    # Of a replica at two loads those of the figure's own load enter.
    own = ".".join(path.split(".")[:2])
    enters = tuple(own if begin == "performance" else begin for begin in step.enters)
    entering_too = (other for other in known if enters and other.startswith(enters) and other != path)
    inputs = [*_asked(plan, known), *(Entering(other, known[other], "") for other in entering_too)][:MOST_INPUTS]
    again_value = figures.get(path, float("nan"))
    return Derivation(path, value, "solved", step.formula, step.section, tuple(inputs), reason, again_value)


def _computed(path: str, known: Mapping[str, Leaf], formula: str, reason: str) -> Derivation:
    steps = path.split(".")
    total, inputs, operator = 1.0, list[Entering](), "×"
    for word in formula.split():
        if word in "×÷":
            operator = word
            continue
        named = ".".join(steps[1] if step == "*" else step for step in word.split("."))
        inputs.append(Entering(named, known[named], ""))
        total = total * known[named] if operator == "×" else total / known[named]
    shown = formula.replace("*", steps[1]) if "*" in formula else formula
    return Derivation(path, known[path], "computed", shown, "", tuple(inputs), reason, total)


def _stated(plan: CapacityPlan, path: str) -> str:
    source = plan.sources.get(path) or next((s for p, s in plan.sources.items() if path.startswith(f"{p}.")), None)
    return "" if source is None else f"{source.kind} {source.detail}".strip()


def _asked(plan: CapacityPlan, known: Mapping[str, Leaf]) -> list[Entering]:
    """Return what somebody said of the question, which enters every figure that is solved for."""
    said = [path for path, source in plan.sources.items() if source.kind != "default" and f"spec.{path}" in known]
    return [Entering(f"spec.{path}", known[f"spec.{path}"], _stated(plan, path)) for path in said[:8]]


def _reason(tree: Any, path: str) -> str:
    """Return what the plan itself says of a figure: the reason beside it, or what binds."""
    steps = path.split(".")
    if steps[0] == "autoscaling" and len(steps) > 1:
        return str(tree["autoscaling"]["reasons"].get(steps[1], ""))
    if steps[0] == "replica_capacity":
        return f"binds: {tree['replica_capacity']['binds']}; next: {tree['replica_capacity']['breaks_next']}"
    if steps[:2] == ["fleet", "ledger"]:
        return str(tree["fleet"]["ledger"][int(steps[2])]["why"])
    return str(tree["answer"]["breaks_first"]) if steps[0] == "answer" else ""
