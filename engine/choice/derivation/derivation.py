"""Any figure of a plan or an estimate derived: its formula, what enters it, what binds, and the figure once more.

A figure is stated, an entry of the catalog, computed, solved for, the best of a search, or simulated. The first two are
read again, the next two computed again from what enters them, the last two made again with the plan's question.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from itertools import pairwise
from math import isclose, isfinite, nan
from typing import Any, Final, Literal

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed, quoted
from engine.choice.derivation.arithmetic import call_in, evaluated, names_in
from engine.choice.derivation.formulas import BOOK
from engine.method import made_again
from engine.plan import CapacityPlan, NoPlan, plan_json
from engine.planning.workings import PlanWorkings, Workings
from engine.workload import Source

Kind = Literal["stated", "catalog", "computed", "solved", "searched", "simulated"]
Leaf = int | float
_KINDS: Final[Mapping[str, Kind]] = {
    "=": "computed", ":": "solved", "≤": "solved", "@": "catalog", "?": "searched", "!": "simulated"
}  # fmt: skip
_LINE: Final = re.compile(r"(?P<path>\S+)(?: \[(?P<where>[^]]*)\])? (?P<sign>[=:≤@?!]) (?P<rest>.+)")
STEP: Final = "([A-Za-z0-9_]+)"
"""What a star stands for: a name alone, so that nothing that somebody asks for is evaluated as a formula."""
DEEPEST: Final = 2
"""Steps down to which what enters is derived in turn."""


class Line(Struct, frozen=True):
    """A line of the book of formulas."""

    pattern: re.Pattern[str]
    where: tuple[str, ...]
    kind: Kind
    rest: str
    section: str

    def fits(self, path: str) -> tuple[str, ...] | None:
        """Return what its stars stand for in a path; None where it is of others."""
        match = self.pattern.fullmatch(path)
        return match.groups() if match else None


@cache
def book() -> tuple[Line, ...]:
    """Return the lines of the book of formulas.

    Raises:
        ValueError: a line that is none.
    """
    lines, section = [], ""
    for text in filter(None, BOOK.replace("\n    ", " ").splitlines()):
        if text.startswith("## "):
            section = text.removeprefix("## ")
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise ValueError(f"no formula: {text}")
        # A star at the end stands for all that follows, where the figure is not computed of it.
        path, kind = re.escape(match["path"]).replace(r"\*", STEP), _KINDS[match["sign"]]
        if kind in ("searched", "simulated") and match["path"].endswith(".*"):
            path = path.removesuffix(STEP) + "(.+)"
        lines.append(Line(re.compile(path), tuple((match["where"] or "").split()), kind, match["rest"], section))
    return tuple(lines)


class Entering(Struct, frozen=True):
    """A value that enters another one."""

    path: str
    value: Leaf | str
    source: str
    """Who stated it, or what made it; empty for another figure of the plan."""


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
    sides: tuple[Leaf, ...]
    """The figure, and the figure once more; of an equation its sides."""
    binds: str = ""
    """Which of several decides, or is the largest part, and what it comes to."""
    beside: Leaf | None = None
    """The closed form beside a simulated figure."""
    below: tuple["Derivation", ...] = ()
    """What enters, derived in turn, where the plan does not state it."""

    @property
    def again(self) -> Leaf:
        """The figure once more; of an equation its right side."""
        return self.sides[-1]

    @property
    def reproduced(self) -> bool:
        """Whether the figure came out again: to the digits that a plan keeps, an equation to a thousandth."""
        if "≤" in self.formula:
            return all(left <= right * 1.001 for left, right in pairwise(self.sides))
        within = 1e-3 if self.kind == "solved" else 2e-5
        # What is left of a share is known as well as the share.
        return isclose(*self.sides, rel_tol=within, abs_tol=1e-5 if "1 − " in self.formula else 1e-9)


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


def derivation(plan: CapacityPlan, path: str, catalog: Catalog) -> Derivation:
    """Return how a figure of a plan came about.

    Args:
        path: of the figure, 'performance.at_peak.ttft_s.p95', or of what enters one, 'step.at_peak.products'.

    Raises:
        InputError: the plan has no figure there.
    """
    return PlanDerivations(plan, catalog).of(path)


class Derivations:
    """The derivations of the figures of one result."""

    def __init__(self, tree: Any, sources: Mapping[str, Source]) -> None:
        """Take a result as JSON values, its question under 'spec', and who stated what of that by path."""
        self.tree, self.sources = tree, sources
        self.known = dict(leaves(tree))
        self._computed: dict[str, float] = {}

    @property
    def workings(self) -> Workings:
        """What stands between the figures."""
        raise NotImplementedError

    def of(self, path: str, depth: int = 0) -> Derivation:
        """Return the derivation of a figure, or of what enters one.

        Args:
            depth: how many derivations it enters.

        Raises:
            InputError: there is no such figure.
        """
        try:
            self.value(path)
        except InputError:
            raise self._unknown(path) from None
        if path.startswith("spec.") or path == "schema_version":
            value = self.known[path]
            entering = Entering(path, value, self._stated(path.removeprefix("spec.")))
            return Derivation(path, value, "stated", "as it was stated", "", (entering,), "", (value, value))
        line, stars = self._line(path)
        text = line.rest.format(*stars)
        reason = _reason(self.tree, path)
        match line.kind:
            case "computed":
                value = self.known.get(path, self.value(path))
                return self._derived(path, value, line, text, reason, (value, self._total(text)), depth)
            case "solved":
                sides = tuple(self._total(side) for side in re.split(" [=≤] ", text))
                return self._derived(path, self.value(path), line, text, reason, sides, depth)
            case "catalog":
                name, words = text.split(": ")
                read = self.value(name)
                source = self._entry_source(path, words)
                value, sides = self.value(path), (self.value(path), read)
                read_from = (Entering(name, read, source),)
                return Derivation(path, value, line.kind, words, line.section, read_from, reason, sides)
        words, _, name = text.partition(" | ")
        inputs = [*self._asked()]
        if line.kind == "simulated":
            seed = self.tree["verification" if path.startswith("verification") else "replay"] or {}
            inputs += [Entering("seed", seed.get("seed", 0), ""), Entering("requests", seed.get("requests", 0), "")]
        value = self.known[path]
        return Derivation(
            path, value, line.kind, words, line.section, tuple(inputs), reason, (value, self._made_again(path)),
            beside=self._closed_form(name),
        )  # fmt: skip

    def value(self, name: str) -> float:
        """Return a value by name: a figure of the plan, what the engine hands out, or what a formula gives."""
        if name in self.known:
            return float(self.known[name])
        if name in self._computed:
            return self._computed[name]
        group, _, rest = name.partition(".")
        given = self.workings.group(group).get(rest, nan)
        if isfinite(given):
            return given
        found = self._found(name)
        if found is None or found[0].kind not in ("computed", "catalog"):
            raise self._unknown(name)
        line, stars = found
        text = line.rest.format(*stars)
        self._computed[name] = self._total(text.split(": ")[0] if line.kind == "catalog" else text)
        return self._computed[name]

    def _total(self, text: str) -> float:
        values: dict[str, float | list[float]] = {}
        for name in names_in(text):
            values[name] = [self.value(n) for n in self._below(name)] if name.endswith(".*") else self.value(name)
        return evaluated(text, values)

    def _below(self, name: str) -> list[str]:
        """Return the names below one that ends in *."""
        begins = name.removesuffix("*")
        own = [path for path in self.known if path.startswith(begins) and "." not in path.removeprefix(begins)]
        group, _, rest = begins.partition(".")
        return own or [f"{group}.{path}" for path in self.workings.group(group) if path.startswith(rest)]

    def _found(self, path: str) -> tuple[Line, tuple[str, ...]] | None:
        for line in book():
            stars = line.fits(path)
            if stars is not None and self._holds(line.where):
                return line, stars
        return None

    def _line(self, path: str) -> tuple[Line, tuple[str, ...]]:
        found = self._found(path)
        if found is None:
            raise self._unknown(path)
        return found

    def _holds(self, where: tuple[str, ...]) -> bool:
        return not where or set(where) <= self.workings.facts

    def _derived(
        self, path: str, value: Leaf, line: Line, text: str, reason: str, sides: tuple[Leaf, ...], depth: int
    ) -> Derivation:
        """Return a derivation by a formula, with what enters it.

        Args:
            text: its formula, with the steps of the path in it.
            reason: what the plan says of it.
            sides: the figure and what the formula comes to; of an equation its sides.
            depth: how many derivations the figure enters.
        """
        names = [n for name in names_in(text) for n in (self._below(name) if name.endswith("*") else [name])]
        inputs = tuple(Entering(name, self.value(name), self._source(name)) for name in dict.fromkeys(names))
        deeper = [one.path for one in inputs if one.path not in self.known and self._found(one.path)]
        below = tuple(self.of(name, depth + 1) for name in deeper) if depth < DEEPEST else ()
        return Derivation(
            path, value, line.kind, text, line.section, inputs, reason, sides, self._decides(text), below=below
        )

    def _decides(self, text: str) -> str:
        """Return which part of a least, a largest or a sum decides, where a formula has one; '' where none does."""
        found = next(filter(None, (call_in(text, name) for name in ("norm", "min", "max", "sum"))), None)
        if found is None:
            return ""
        function, arguments = found
        parts = arguments[1:] if function == "norm" else arguments
        each = [one for part in parts for one in (self._below(part) if part.endswith(".*") else [part])]
        values = {part: self._total(part) for part in each}
        if len(values) < 2:
            return ""
        decisive = (min if function == "min" else max)(values, key=values.__getitem__)
        total = sum(values.values())
        share = f", {values[decisive] / total:.0%} of the sum" if function == "sum" and total else ""
        return f"{decisive} = {values[decisive]:.6g}{share}"

    def _source(self, name: str) -> str:
        if name.startswith("spec."):
            return self._stated(name.removeprefix("spec."))
        if name in self.known:
            return ""
        group = self.workings.groups.get(name.partition(".")[0])
        return group.source if group else ""

    def _entry_source(self, path: str, words: str) -> str:
        if path.startswith("chosen.offer") and (offer := self.tree["chosen"]["offer"]):
            return f"{offer['source']} {offer['checked']}".strip()
        if path == "memory.per_accelerator.total_bytes":
            return str(self.workings.candidates.accelerator(0).source)
        return words

    def _closed_form(self, name: str) -> float | None:
        try:
            return self.value(name) if name else None
        except InputError:  # the plan has none there
            return None

    def _made_again(self, path: str) -> Leaf:
        """Return a figure of the result that the same question has once more; NaN where it has none."""
        raise NotImplementedError

    def _asked(self) -> Iterator[Entering]:
        """Yield what somebody said of the question, which enters every figure that is searched or simulated."""
        for path, source in self.sources.items():
            if source.kind != "default" and (stated := f"spec.{path}") in self.known:
                yield Entering(stated, self.known[stated], self._stated(path))

    def _stated(self, path: str) -> str:
        source = self.sources.get(path) or next((s for p, s in self.sources.items() if path.startswith(f"{p}.")), None)
        return "" if source is None else f"{source.kind} {source.detail}".strip()

    def _unknown(self, path: str) -> InputError:
        near = [other for other in self.known if path and (other.startswith(path) or path in other)][:4]
        rooms = dict.fromkeys(other.partition(".")[0] for other in self.known)
        hint = f"; there are {', '.join(near)}" if near else f"; paths begin with {listed(tuple(rooms))}"
        return InputError(f"the plan has no figure at {quoted(path)}{hint}")


class PlanDerivations(Derivations):
    """The derivations of one plan's figures."""

    def __init__(self, plan: CapacityPlan, catalog: Catalog, again: CapacityPlan | NoPlan | None = None) -> None:
        super().__init__(plan_json(plan), plan.sources)
        self._plan, self._catalog, self._again = plan, catalog, again

    @cached_property
    def workings(self) -> Workings:
        """What stands between the plan's figures."""
        return PlanWorkings(self._plan, self._catalog)

    def _made_again(self, path: str) -> Leaf:
        if self._again is None:
            self._again = made_again(self._plan, self._catalog)
        if isinstance(self._again, NoPlan):
            return nan
        return dict(leaves(plan_json(self._again))).get(path, nan)


def _reason(tree: Any, path: str) -> str:
    """Return what the plan itself says of a figure: the reason beside it, or what binds."""
    steps = path.split(".")
    if steps[0] == "autoscaling" and len(steps) > 1:
        return str(tree["autoscaling"]["reasons"].get(steps[1], ""))
    if steps[0] == "replica_capacity":
        return f"binds: {tree['replica_capacity']['binds']}; next: {tree['replica_capacity']['breaks_next']}"
    if steps[:2] == ["fleet", "ledger"]:
        return str(tree["fleet"]["ledger"][int(steps[2])]["why"])
    if steps[0] == "cost":
        return str(tree["cost"]["note"])
    return str(tree["answer"]["breaks_first"]) if steps[0] == "answer" else ""
