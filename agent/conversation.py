"""The loop around the dialogue: lines are asked, stepped, shown and saved; files are written here."""

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

from agent.dialogue import opening, step
from agent.everywhere import where
from agent.model_texts import resolve_model
from agent.questions import open_slot, open_slots
from agent.saved import SavedSession, Sessions, shown_values
from agent.slots import default_of
from agent.state import Clarify, Data, NameFile, Ports, Propose, Resume, Say, State, Talk, Write, said, warned
from agent.terminal import EndOfInput, Interrupted, Spoken, Terminal
from agent.writing import write_whole
from catalogs.catalog import Catalog
from catalogs.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.interpret.reading import Reading
    from engine.infeasible import NoPlan
    from engine.plan import CapacityPlan
    from engine.workload import Source, WorkloadSpec

LEAVING: Final = "Ctrl-C again leaves; your answers are kept. 'help' lists what else works."
KEPT: Final = "Your answers are kept: `fleetcast resume` goes on from here."


@dataclass(frozen=True, slots=True)
class Ending:
    """How a conversation ended, and where it stood."""

    state: State
    how: Literal["left", "end of input", "interrupted"]


class Conversation:
    """One conversation on one terminal."""

    def __init__(self, terminal: Terminal, ports: Ports, sessions: Sessions | None, start: State | None = None) -> None:
        self._terminal, self._ports, self._sessions = terminal, ports, sessions
        self._start = start or State()
        self._state = self._start
        self._ready: threading.Thread | None = None

    def resume(self, saved: SavedSession) -> None:
        """Go on from a saved session: its lines are said again, unseen."""
        unseen = replace(self._ports, exists=lambda path: False)
        state = self._start
        with self._terminal.working():
            for line in saved.lines:
                state, _ = step(state, line, unseen)
        self._state = state
        if self._sessions is not None:
            self._sessions.current = saved.path
        changed = _changed(saved.values, shown_values(state))
        told: tuple[Spoken, ...] = (said(f"Resumed: {len(saved.lines)} lines."),)
        if changed:
            told += (warned(f"The catalog or the program has changed since: {changed}. See the review."),)
        self._terminal.say((*told, *_spoken(where(state, self._ports))))

    def run(self, first_line: str | None = None) -> Ending:
        """Hold the conversation until it ends; a first line is taken as if it had been typed."""
        if self._state is self._start:
            self._terminal.say(_spoken(opening(self._ports) if first_line is None else ()))
        self._prepare()
        interrupts = 0
        pending_line = first_line
        while self._state.phase != "done":
            try:
                line = (
                    self._terminal.ask(prompt_for(self._state, self._ports)) if pending_line is None else pending_line
                )
                pending_line = None
                self._take(line)
                interrupts = 0
            except EndOfInput:
                return self._ended()
            except (Interrupted, KeyboardInterrupt):
                interrupts += 1
                if interrupts > 1 or not self._terminal.interactive:
                    self._terminal.say((said(KEPT),) if self._state.past else ())
                    return Ending(self._state, "interrupted")
                self._terminal.say((said(LEAVING),))
        return Ending(self._state.past or self._state, "left")

    def _take(self, line: str) -> None:
        if self._ready is not None:
            self._ready.join()
        with self._terminal.working():
            new, says = step(self._state, line, self._ports)
        accepted = new is not self._state
        self._state = new
        if accepted and new.phase != "done":
            says = (*self._save(), *says)
        spoken: list[Spoken] = []
        for one in says:
            match one:
                case Write():
                    spoken.append(_written(one))
                case Resume():
                    self._terminal.say(spoken)
                    spoken = []
                    self._resume_last()
                case Talk() | Data():
                    spoken.append(one)
        self._terminal.say(spoken)

    def _resume_last(self) -> None:
        try:
            if self._sessions is None:
                raise InputError("sessions are not kept here")
            self.resume(self._sessions.latest())
        except InputError as error:
            self._terminal.say((warned(f"{error}."),))

    def _save(self) -> tuple[Say, ...]:
        if self._sessions is None:
            return ()
        try:
            self._sessions.save(self._state)
        except InputError as error:
            self._sessions = None
            return (warned(f"This session is not kept: {error}."),)
        return ()

    def _ended(self) -> Ending:
        """End where the input ends: a pipe that said everything gets its plan, what is missing is named."""
        state = self._state
        complete = state.phase == "review" and not state.pending and open_slot(state, self._ports) is None
        if complete and not self._terminal.interactive:
            self._take("")
            return Ending(self._state, "end of input")
        if state.phase == "planned" and not state.pending:
            return Ending(state, "end of input")
        if complete:
            self._terminal.say((said(f"Nothing is missing, but nothing was planned. {KEPT} Enter then plans."),))
        else:
            self._terminal.say((said(f"The input ended. Still needed: {', '.join(self._missing())}."), said(KEPT)))
        return Ending(state, "end of input")

    def _missing(self) -> tuple[str, ...]:
        state, values = self._state, self._state.values
        named: list[str] = []
        match state.pending:
            case Clarify(asked):
                named.append(asked.text.rstrip("?. "))
            case NameFile():
                named.append("the name of a file")
            case Propose() | None:
                pass
        for slot in open_slots(state, self._ports):
            default = default_of(slot, values)
            named.append(f"{slot.id} (by default {default})" if default else slot.id)
        if state.editing and state.editing not in " ".join(named):
            named.append(state.editing)
        return tuple(named)

    def _prepare(self) -> None:
        """Load, while the first line is typed, what its answer needs."""
        if self._terminal.interactive:
            self._ready = threading.Thread(target=prepare, args=(self._ports.catalog,), daemon=True)
            self._ready.start()


def ports_of(catalog: Catalog) -> Ports:
    """Return the functions around the dialogue, as the program has them; the engine is imported when it is needed."""
    return Ports(
        catalog=catalog,
        read=_read,
        plan=lambda spec, sources: _plan(spec, catalog, sources),
        forewarn=lambda spec: _forewarn(spec, catalog),
        model=lambda text: resolve_model(text, catalog),
        exists=_exists,
    )


def prompt_for(state: State, ports: Ports) -> str:
    """Return the prompt: what is being asked."""
    match state.pending:
        case Clarify():
            return "which> "
        case Propose():
            return "yes?> "
        case NameFile():
            return "save> "
    slot = open_slot(state, ports)
    if slot is not None and (state.phase != "planned" or state.editing):
        return f"{slot.id}> "
    return "plan?> " if state.phase == "review" else "ask> "


def prepare(catalog: Catalog) -> None:
    """Load the names and the engine."""
    from agent.interpret import interpret  # noqa: PLC0415 — loading them is what this is for

    import_module("engine.forecast")
    interpret("Llama 3.1 70B fp8 on H100, 20 rps", catalog)


class Transcribed:
    """A terminal whose conversation is also written to a file, as labelled lines."""

    def __init__(self, terminal: Terminal, file: TextIO) -> None:
        self.interactive = terminal.interactive
        self._terminal, self._file = terminal, file

    def say(self, spoken: "Sequence[Spoken]") -> None:
        """Show, and write down."""
        from agent.report.blocks import Report  # noqa: PLC0415
        from agent.report.show import show  # noqa: PLC0415

        self._terminal.say(spoken)
        for one in spoken:
            show(one.report if isinstance(one, Data) else Report(one.blocks), plain=True, file=self._file)
        self._file.flush()

    def ask(self, prompt: str) -> str:
        """Ask, and write down what was answered."""
        line = self._terminal.ask(prompt)
        self._file.write(f"{prompt}{line}\n")
        self._file.flush()
        return line

    def working(self) -> AbstractContextManager[None]:
        """Show that work goes on."""
        return self._terminal.working()


def _read(
    text: str, catalog: Catalog, *, asked: str | None = None, known: Mapping[str, Any] = MappingProxyType({})
) -> "Reading":
    from agent.interpret import interpret  # noqa: PLC0415 — its vocabulary takes a while

    return interpret(text, catalog, asked=asked, known=known)


def _plan(spec: "WorkloadSpec", catalog: Catalog, sources: "Mapping[str, Source]") -> "CapacityPlan | NoPlan":
    from engine.forecast import forecast  # noqa: PLC0415 — numpy: the first prompt does not wait for it

    return forecast(spec, catalog, sources)


def _forewarn(spec: "WorkloadSpec", catalog: Catalog) -> tuple[str, ...]:
    from agent.forewarnings import forewarnings  # noqa: PLC0415

    return forewarnings(spec, catalog)


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False


def _written(wanted: Write) -> Talk:
    try:
        path = Path(wanted.path).expanduser()
        write_whole(path, wanted.text, force=wanted.overwrite)
    except InputError as error:
        return warned(f"{error}.")
    except (RuntimeError, ValueError, OSError) as error:
        return warned(f"{wanted.path} cannot be written: {error}.")
    return said(f"Wrote {wanted.what} to {wanted.path}.")


def _spoken(says: tuple[Say, ...]) -> tuple[Spoken, ...]:
    return tuple(one for one in says if isinstance(one, Talk | Data))


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    paths = [path for path in dict.fromkeys((*then, *now)) if then.get(path) != now.get(path)]
    return "; ".join(f"{path} was {then.get(path, 'open')} and is {now.get(path, 'open')}" for path in paths[:3])
