"""The conversation: what `fleetcast` opens where it is given no command."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from msgspec.structs import replace

from agent.session.conversation import Ending, converse
from agent.session.terminal import Terminal, Transcribed, terminal_for
from catalogs.errors import InputError, quoted, reason_of
from commands.failures import Exit

if TYPE_CHECKING:
    from agent.session.running_session import RunningSession
    from catalogs.catalog import Catalog


def open_conversation(
    plain: bool = False, transcript: Path | None = None, *, resume: bool = False, assist: str | None = None
) -> int:
    """Hold a conversation and return the exit code.

    Args:
        plain: labelled lines, no line editing.
        transcript: a file to which the conversation is appended.
        resume: go on with the last session.
        assist: the address of a language model of the user's own, which may point at what was not understood.

    Raises:
        InputError: the address is none, the transcript cannot be written, or there is nothing to resume.
    """
    loaded: list[Catalog] = []
    helper = None
    if assist is not None:
        from commands.assistant import assistant_at

        helper = assistant_at(assist)

    def load() -> "RunningSession":
        from agent.session.ports import ports_of, prepare  # beside the first prompt
        from agent.session.running_session import RunningSession  # beside the first prompt
        from agent.session.saved_sessions import Sessions
        from agent.statements.merged import with_targets_listed
        from agent.talk.state import State
        from commands.catalogs_of_user import user_catalogs, user_settings

        loaded.append(user_catalogs())
        ports = replace(ports_of(loaded[0]), assist=helper)
        session = RunningSession(
            ports, Sessions.of_user(), State(statements=tuple(map(with_targets_listed, user_settings())))
        )
        if sys.stdin.isatty():
            prepare(ports)
        return session

    with ExitStack() as stack:
        session = load() if resume else None
        terminal: Terminal = terminal_for(lambda: loaded[0] if loaded else None, _history(), plain)
        if transcript is not None:
            terminal = Transcribed(terminal, _opened(transcript, stack))
        if session is not None:
            from agent.session.saved_sessions import Sessions

            saved = Sessions.of_user().latest()
            with terminal.working():
                opening = session.resume(saved)
            terminal.say(opening)
        return exit_code_of(converse(terminal, load, session))


def _opened(transcript: Path, stack: ExitStack) -> TextIO:
    try:
        return stack.enter_context(transcript.open("a", encoding="utf-8"))
    except OSError as error:
        what = f"the transcript {quoted(str(transcript))}"
        raise InputError(f"{what} cannot be written: {reason_of(error)}") from None


def _history() -> Path | None:
    if not sys.stdin.isatty():
        return None
    from agent.session.directory import history_file

    return history_file()


def exit_code_of(ending: Ending) -> int:
    """Return what the end of a conversation says to a script."""
    if ending.how == "interrupted":
        return Exit.INTERRUPTED
    state = ending.session.state if ending.session else None
    # Who leaves is 'done'; where it stood before is what counts.
    stood = state.past if state is not None and state.phase == "done" and state.past else state
    if stood is not None and stood.phase == "planned":
        from commands.showing import exit_code

        plan = stood.base.capacity_plan
        return Exit.NOTHING_MEETS if plan is None else exit_code(plan)
    return Exit.INCOMPLETE if ending.how == "end of input" else Exit.DONE
