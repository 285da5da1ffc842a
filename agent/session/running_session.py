"""A conversation that goes on: its state, the ports around it, what is saved and written on the way."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from agent.anywhere import where
from agent.collect.assumed import assumed
from agent.dialogue import step
from agent.session.kept_plans import KeptPlans
from agent.session.saved_sessions import SavedSession, Sessions, shown_values
from agent.session.written_files import write_files
from agent.talk.answer_display import answer_shown
from agent.talk.questions import open_slot, open_slots
from agent.talk.slots import ASKED, default_of
from agent.talk.speech import Data, Resume, Spoken, Talk, Write, said, warned
from agent.talk.state import Clarify, NameFile, Ports, Propose, State, WhichReading
from catalogs.errors import InputError
from engine.planning.phrases import counted

if TYPE_CHECKING:
    from engine.plan import CapacityPlan

KEPT: Final = "Your answers are kept: 'fleetcast resume' goes on from here."


class RunningSession:
    """A conversation as far as it came."""

    def __init__(
        self,
        ports: Ports,
        sessions: Sessions | None,
        start: State | None = None,
        write: Callable[[Write], Talk] | None = None,
    ) -> None:
        self.state = start or State()
        self._write = write or _written
        self._start = self.state
        self._ports, self._sessions = ports, sessions
        self._kept: CapacityPlan | None = None

    @property
    def done(self) -> bool:
        """Whether the person left."""
        return self.state.phase == "done"

    @property
    def prompt(self) -> str:
        """The prompt: the name of what is asked."""
        return prompt_for(self.state, self._ports)

    def where(self) -> tuple[Spoken, ...]:
        """Return the words that say where it stands."""
        return tuple(one for one in where(self.state, self._ports) if isinstance(one, Talk | Data))

    def take(self, line: str) -> tuple[Spoken, ...]:
        """Take a line: step, save, write what is to be written, and return what is said."""
        new, says = step(self.state, line, self._ports)
        accepted = new is not self.state
        self.state = new
        spoken: list[Spoken] = list(self._save()) if accepted and not self.done else []
        self._keep_plan()
        for one in says:
            match one:
                case Write():
                    spoken.append(self._write(one))
                case Resume():
                    spoken += self._resume_last()
                case Talk() | Data():
                    spoken.append(one)
        return tuple(spoken)

    def resume(self, saved: SavedSession) -> tuple[Spoken, ...]:
        """Go on from a saved session: its lines are said again, unseen."""
        unseen = replace(self._ports, exists=lambda path: False, assist=None)
        state = self._start
        for line in saved.lines:
            state, _ = step(state, line, unseen)
        self.state = state
        self._kept = _plan(state)  # it was kept when it was made
        if self._sessions is not None:
            self._sessions.current = saved.path
        count = len(saved.lines)
        known = _known(state) if state.phase == "collect" else ""
        told = said(f"Resumed after {counted(count, 'line')}.{f' So far: {known}.' if known else ''}")
        changed = _changed(saved.values, shown_values(state))
        if not changed:
            return (told,)
        return told, warned(f"The catalog or the program has changed since: {changed}. 'review' shows all.")

    def end(self, interactive: bool) -> tuple[Spoken, ...]:
        """End where the input ends: a pipe that said everything gets its plan, what is missing is named."""
        state = self.state
        complete = state.phase == "review" and not state.pending and open_slot(state, self._ports) is None
        if not interactive and state.phase in ("collect", "review") and not assumed(state, self._ports).missing:
            return self.take("plan")
        if state.phase == "planned" and not isinstance(state.pending, NameFile):
            return ()
        if complete:
            return (said(f"Nothing is missing, but nothing was planned. {KEPT} Enter then plans."),)
        kept = (said(KEPT),) if state.past else ()
        return (said(f"The input ended. Still needed: {'; '.join(self._missing())}."), *kept)

    def _resume_last(self) -> tuple[Spoken, ...]:
        if self._sessions is None:
            return (warned("Sessions are not kept here."),)
        try:
            saved = self._sessions.latest()
        except InputError as error:
            return (warned(f"{error}."),)
        return (*self.resume(saved), *self.where())

    def _save(self) -> tuple[Spoken, ...]:
        if self._sessions is None:
            return ()
        try:
            self._sessions.save(self.state)
        except InputError as error:
            self._sessions = None
            return (warned(f"This session is not kept: {error}."),)
        return ()

    def _keep_plan(self) -> None:
        """Keep the plan that stands, once."""
        plan = _plan(self.state)
        if self._sessions is None or plan is None or plan is self._kept:
            return
        from engine.plan import plan_json  # loaded by now

        self._kept = plan
        KeptPlans.of_user().keep(plan_json(plan))

    def _missing(self) -> tuple[str, ...]:
        state = self.state
        named: list[str] = []
        match state.pending:
            case Clarify(ambiguity):
                named.append(ambiguity.text.rstrip("?. "))
            case NameFile():
                named.append("the name of a file")
            case Propose() | WhichReading() | None:
                pass
        slots = open_slots(state, self._ports)
        for slot in slots:
            default = default_of(slot, state.values)
            named.append(f"{slot.id} (by default {default})" if default else slot.id)
        if state.editing and state.editing not in {slot.id for slot in slots}:
            named.append(f"{state.editing}, which was being changed")
        return tuple(named)


def _plan(state: State) -> "CapacityPlan | None":
    return state.base.capacity_plan if state.branches else None


def prompt_for(state: State, ports: Ports) -> str:
    """Return the prompt: what is being asked."""
    match state.pending:
        case Clarify() | WhichReading():
            return "which> "
        case Propose():
            return "yes?> "
        case NameFile():
            return "save> "
    if state.phase == "planned" and not state.editing:
        return "ask> "
    slot = open_slot(state, ports)
    return f"{slot.id}> " if slot is not None else "plan?> "


def _written(wanted: Write) -> Talk:
    try:
        write_files(Path(wanted.path).expanduser(), wanted.files, force=wanted.overwrite)
    except InputError as error:
        return warned(f"{error}.")
    except (RuntimeError, ValueError, OSError) as error:
        return warned(f"{wanted.path} cannot be written: {error}.")
    return said(f"Wrote {wanted.what} to {wanted.path}.")


def _known(state: State) -> str:
    """Return what was answered so far, in a line."""
    answers = ((slot.id, answer_shown(slot, state.values)) for slot in ASKED)
    return "; ".join(f"{name} {answer}" for name, answer in answers if answer)


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    paths = [path for path in dict.fromkeys((*then, *now)) if then.get(path) != now.get(path)]
    return "; ".join(f"{path} was {then.get(path, 'open')} and is {now.get(path, 'open')}" for path in paths[:3])
