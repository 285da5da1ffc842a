"""The conversation: what `fleetcast` opens where it is given no command."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from catalogs.errors import InputError, quoted
from commands.catalogs_of_user import user_catalogs, user_settings
from commands.failures import Exit
from commands.showing import exit_code

if TYPE_CHECKING:
    from agent.conversation import Ending


def open_conversation(
    first_line: str | None = None, plain: bool = False, transcript: Path | None = None, resume: bool = False
) -> int:
    """Hold a conversation and return the exit code.

    Args:
        first_line: taken as if it had been typed.
        plain: labelled lines, no line editing.
        transcript: a file to which the conversation is appended.
        resume: go on with the last session.

    Raises:
        InputError: the transcript cannot be written, or there is nothing to resume.
    """
    from agent.conversation import Conversation, Transcribed, ports_of  # noqa: PLC0415 — the doors open quickly
    from agent.saved import Sessions, history_file  # noqa: PLC0415
    from agent.state import State  # noqa: PLC0415
    from agent.terminal import Terminal, terminal_for  # noqa: PLC0415

    catalog = user_catalogs()
    sessions = Sessions.of_user()
    saved = sessions.latest() if resume else None
    with ExitStack() as stack:
        terminal: Terminal = terminal_for(catalog, history_file(), plain)
        if transcript is not None:
            try:
                file = stack.enter_context(transcript.open("a", encoding="utf-8"))
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise InputError(f"the transcript {quoted(str(transcript))} cannot be written: {reason}") from None
            terminal = Transcribed(terminal, file)
        start = State(statements=tuple(user_settings()))
        conversation = Conversation(terminal, ports_of(catalog), sessions, start)
        if saved is not None:
            conversation.resume(saved)
        return _code(conversation.run(first_line))


def _code(ending: "Ending") -> int:
    if ending.how == "interrupted":
        return Exit.INTERRUPTED
    state = ending.state
    if state.phase == "planned" and state.branches:
        plan = state.base.capacity_plan
        return Exit.NOTHING_MEETS if plan is None else exit_code(plan)
    return Exit.INCOMPLETE if ending.how == "end of input" else Exit.DONE
