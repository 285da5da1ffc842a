"""The state of a conversation and what comes out of a step: immutable values, no terminal and no file."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from agent.interpret.facts.reading import Ambiguity, Reading
from agent.statements.merged import ORDER
from agent.statements.models import FoundModel
from agent.talk.speech import Say
from catalogs.catalog import Catalog
from catalogs.records.validation import record_of
from engine.plan import CapacityPlan
from engine.workload import Source, Statement, Target, WorkloadSpec, merge

if TYPE_CHECKING:
    from agent.talk.assistance import Suggestion
    from agent.talk.requests import Variation
    from catalogs.records.calibrations import Calibration
    from engine.calibration.calibrate import CalibrationRun  # numpy comes with these
    from engine.calibration.design import NextMeasurement
    from engine.plan import NoPlan

    FoundCalibration: TypeAlias = tuple[CalibrationRun, tuple[NextMeasurement, ...]]

Phase = Literal["collect", "review", "planned", "done"]


# --- what waits for an answer -----------------------------------------------------------------------------------------


class Clarify(Struct, frozen=True):
    """Something that was said may mean several things; nothing is filled until it is answered."""

    question: Ambiguity
    change: "Variation | None" = None
    """After a plan: the what-if that waits for it."""


class Propose(Struct, frozen=True):
    """Values offered to someone who does not know; yes or Enter takes them."""

    slot: str
    statement: Statement
    text: str
    """What is proposed, and on what it rests."""


class NameFile(Struct, frozen=True):
    """A file that is not written before its name is confirmed."""

    path: str
    """What yes writes."""
    other: str | None
    """What was said, where yes writes something else."""
    text: str
    overwrites: bool = False
    """The file exists."""
    format: str = ""
    """In which it is written; that of the name's ending where none was said."""


class WhichReading(Struct, frozen=True):
    """A line after a plan that may ask several things."""

    line: str
    acts: tuple[str, ...]
    text: str
    """What is asked: which of the acts it is."""


Pending: TypeAlias = Clarify | Propose | NameFile | WhichReading


# --- plans ------------------------------------------------------------------------------------------------------------


class Branch(Struct, frozen=True):
    """A plan of the conversation: 0 is the first, each what-if adds one."""

    number: int
    label: str
    """What it changes: 'traffic × 2'."""
    against: int
    """The branch that it changes."""
    statements: tuple[Statement, ...]
    settled: frozenset[str]
    plan: "CapacityPlan | NoPlan"
    spec: WorkloadSpec
    calibration: str = ""
    """Digest of the calibration that it was made with; empty without one."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Its values by path."""
        return merged(self.statements)[0]

    @property
    def capacity_plan(self) -> CapacityPlan | None:
        """The plan; None where nothing fits."""
        return self.plan if isinstance(self.plan, CapacityPlan) else None


class SuggestedRun(Struct, frozen=True):
    """A benchmark that is worth running."""

    command: str
    bands_after: float
    """Width of a plan's bands after it over the width before it (log)."""


class Measured(Struct, frozen=True):
    """What was measured of the plan's server so far."""

    files: tuple[str, ...]
    """Results, or folders of them, as they were named."""
    calibration: "Calibration"
    next_runs: tuple[SuggestedRun, ...]


# --- the state --------------------------------------------------------------------------------------------------------


class Draft(Struct, frozen=True):
    """A workload that was told beside the one that goes on."""

    name: str
    state: "State"
    """The conversation as it is of that workload."""


class State(Struct, frozen=True):
    """Everything that the next line needs; ``past`` is the state before the line that made it."""

    phase: Phase = "collect"
    statements: tuple[Statement, ...] = ()
    """What was said, in order; the one merger puts presets and settings before it."""
    settled: frozenset[str] = frozenset()
    """Slots that keep their default because someone said so."""
    editing: str | None = None
    """The slot asked out of turn."""
    pending: Pending | None = None
    later: tuple[Ambiguity, ...] = ()
    """Ambiguities of the same line that are asked next."""
    waiting: tuple[Ambiguity, ...] = ()
    """Ambiguities that a line passed over while it said something else: asked again once nothing else is open."""
    branches: tuple[Branch, ...] = ()
    kept: int = 0
    """The branch that a what-if changes."""
    measured: Measured | None = None
    asked: tuple[str, ...] = ()
    """What was asked before there is a plan, and is answered with it."""
    table: str = ""
    """Lines of a table whose rows may go on, the head first; empty behind any other line."""
    workload: str = ""
    """Name of the workload that goes on, where several were told."""
    apart: tuple[Draft, ...] = ()
    """The others."""
    offered: str = ""
    """What the last answer offers to say, such as 'N+1' or 'keep 1': 'make it so' says it."""
    line: str = ""
    """What was said to get here."""
    past: "State | None" = None

    @property
    def values(self) -> Mapping[str, Any]:
        """Values by path, the later source winning."""
        return merged(self.statements)[0]

    @property
    def sources(self) -> Mapping[str, Source]:
        """Where each value came from."""
        return merged(self.statements)[1]

    @property
    def base(self) -> Branch:
        """The branch that is kept. Only after a plan was made."""
        return self.branches[self.kept]

    def turned_to(self, name: str) -> "State":
        """Return the state of another workload of the conversation, this one among those beside it."""
        draft = next((one for one in self.apart if one.name == name), None)
        if draft is None:
            return self
        mine = Draft(self.workload, replace(self, apart=()))
        apart = (*(one for one in self.apart if one is not draft), mine)
        return replace(draft.state, apart=apart, workload=name, past=self, offered="")

    @property
    def lines(self) -> tuple[str, ...]:
        """Every line that led here, oldest first: said again, they lead here again."""
        lines: list[str] = []
        state: State | None = self
        while state is not None and state.past is not None:
            lines.append(state.line)
            state = state.past
        return tuple(reversed(lines))


def merged(statements: tuple[Statement, ...]) -> tuple[dict[str, Any], dict[str, Source]]:
    """Return values and sources by path, as the one merger will see them; names are still as they were said."""
    ordered = sorted(statements, key=lambda statement: ORDER.index(statement.kind))
    values, sources, _ = merge(ordered)
    if "targets" in values:
        targets: tuple[Target, ...] = ()
        for statement in ordered:
            stated = (record_of(Target, target) for target in statement.values.get("targets", ()))
            targets = joined_targets(targets, tuple(stated))
        values["targets"] = targets
    return values, sources


def without(statements: tuple[Statement, ...], paths: frozenset[str] | set[str]) -> tuple[Statement, ...]:
    """Return the statements without the values of some paths."""
    kept = (
        Statement(
            statement.kind,
            {path: value for path, value in statement.values.items() if path not in paths},
            statement.details,
        )
        for statement in statements
    )
    return tuple(statement for statement in kept if statement.values)


ADDS: Final = re.compile(r"\b(also|add|plus|as well|too|additionally)\b", re.I)
"""How a line says that it adds to what was said."""


def joined_targets(
    old: tuple[Target, ...], new: tuple[Target, ...], replace_metric: bool = False
) -> tuple[Target, ...]:
    """Return targets with new ones added; one of the same metric and percentile gives way, or of the same metric.

    Args:
        replace_metric: a new target also replaces those of its metric at other percentiles.
    """

    def gives_way(target: Target) -> bool:
        return any(
            target.metric == other.metric and (replace_metric or target.percentile == other.percentile) for other in new
        )

    return (*(target for target in old if not gives_way(target)), *new)


Step: TypeAlias = "tuple[State, tuple[Say, ...]]"

# --- what a step needs ------------------------------------------------------------------------------------------------


class Reader(Protocol):
    """From a sentence to facts: ``agent.interpret``."""

    def __call__(
        self, text: str, catalog: Catalog, *, asked_path: str | None = None, known: Mapping[str, Any] = ...
    ) -> Reading:
        """Read a sentence; never raises."""


class EarlierPlan(Struct, frozen=True):
    """A plan that was kept before this conversation."""

    name: str
    """'plan 12 of 2026-10-28'."""
    plan: CapacityPlan


class Ports(Struct, frozen=True):
    """The functions around the dialogue. They depend on their arguments alone, but for files and the hub."""

    catalog: Catalog
    read: Reader
    plan: "Callable[[WorkloadSpec, Mapping[str, Source]], CapacityPlan | NoPlan]"
    """May raise InputError."""
    sketch: "Callable[[WorkloadSpec], CapacityPlan | NoPlan]"
    """The same by the formulas alone, in a fraction of the time."""
    forewarn: Callable[[WorkloadSpec], tuple[str, ...]]
    """What a spec cannot work with, before it is planned."""
    model: Callable[[str], FoundModel]
    """What a model's name, size, config.json or repository is; may raise InputError, may ask the hub."""
    exists: Callable[[str], bool]
    """Whether a file is there already."""
    files: bool = True
    """Whether files are read and written here and sessions kept: not where others than the owner of a machine talk."""
    calibrated: "Callable[[tuple[str, ...], CapacityPlan], FoundCalibration] | None" = None
    """What results of benchmarks say of a plan's server, and what to measure next; None where no file is read.
    May raise InputError."""
    under: "Callable[[Calibration], Ports] | None" = None
    """These functions with a calibration."""
    assist: "Callable[[str], Suggestion | None] | None" = None
    """What an assistant of the user's own makes of a line; None where none was named. May be wrong in any way."""
    earlier: "Callable[[str], EarlierPlan | str] | None" = None
    """The plan that was kept and that a line means, by name, number or day; or why there is none."""
