"""The loop around the dialogue. It opens at once: the engine is loaded while the first line is typed."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from agent.session.terminal import EndOfInput, Interrupted, Terminal
from agent.talk.slots import ASKED, asking
from agent.talk.speech import Talk, said

if TYPE_CHECKING:
    from agent.session.running_session import RunningSession

WELCOME: Final = (
    "Tell me what you want to serve, all at once or one answer at a time. For example: 70B fp8 on H100, 20 rps, "
    "1.5k in, 300 out, p95 TTFT 800ms. 'help' lists what works everywhere."
)
LEAVING: Final = "Ctrl-C again leaves; your answers are kept. 'help' lists what else works."


class Ending(Struct, frozen=True):
    """How a conversation ended, and its session; None where nothing was said."""

    how: Literal["left", "end of input", "interrupted"]
    session: "RunningSession | None"


def opening() -> tuple[Talk, ...]:
    """Return the words before the first line."""
    return said(WELCOME), asking(ASKED[0], {})


def converse(
    terminal: Terminal, load: "Callable[[], RunningSession]", session: "RunningSession | None" = None
) -> Ending:
    """Hold a conversation until it ends.

    Args:
        load: makes the session; it takes a while, and is called once.
        session: one that began before; nothing is loaded then.

    Raises:
        FleetcastError: what loading raises.
    """
    loading = _Loading(load)
    terminal.say(session.where() if session else opening())
    interrupts = 0
    while True:
        try:
            prompt = session.prompt if session else f"{ASKED[0].id}> "
            line = terminal.ask(prompt, None if session else loading.begin)
            with terminal.working():
                session = session or loading.result()
                spoken = session.take(line)
            terminal.say(spoken)
            if session.done:
                return Ending("left", session)
            interrupts = 0
        except EndOfInput:
            session = session or loading.result()
            terminal.say(session.end(terminal.interactive))
            return Ending("end of input", session)
        except (Interrupted, KeyboardInterrupt) as pressed:
            # Ctrl-C on a line that was begun drops the line: only on an empty one is it a wish to leave.
            interrupts = 1 if any(pressed.args) else interrupts + 1
            if interrupts > 1 or not terminal.interactive:
                return Ending("interrupted", session)
            terminal.say((said(LEAVING),))


class _Loading:
    """Work begun beside a prompt; its result, or its error, is fetched where it is needed."""

    def __init__(self, load: "Callable[[], RunningSession]") -> None:
        self._load = load
        self._thread: threading.Thread | None = None
        self._result: RunningSession | None = None
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Begin, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def result(self) -> "RunningSession":
        """Wait for the result; raises the error there was."""
        self.begin()
        assert self._thread is not None
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def _work(self) -> None:
        try:
            self._result = self._load()
        except BaseException as error:
            self._error = error
