"""Where the conversation is held: three terminals behind one protocol.

A real terminal edits lines, completes names and remembers; plain lines serve pipes, dumb terminals and screen readers;
a script serves tests.
"""

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TextIO, TypeAlias

from agent.report.blocks import Facts, Report, Table
from agent.talk.speech import Data, Spoken

if TYPE_CHECKING:
    from agent.session.line_editor import LineEditor
    from catalogs.catalog import Catalog

Shown: TypeAlias = Callable[[], None]
"""Called once a prompt is on the screen: what takes long may begin."""
PATIENCE_S: Final = 0.5
"""Work that takes longer says so."""
WORKING: Final = "Working on it …"


class Interrupted(Exception):  # noqa: N818 — not an error: Ctrl-C
    """Ctrl-C at a question; its argument is the line that was begun and is dropped."""


class EndOfInput(Exception):  # noqa: N818 — not an error: Ctrl-D, or the end of a pipe
    """There is no further line."""


class Terminal(Protocol):
    """What the loop needs of a terminal."""

    interactive: bool
    """Somebody sits there: Ctrl-C may be pressed twice, and the end of input is a wish to leave."""

    def say(self, spoken: Sequence[Spoken]) -> None:
        """Show words and results."""

    def ask(self, prompt: str, shown: Shown | None = None) -> str:
        """Return the next line; raises Interrupted or EndOfInput."""

    def working(self) -> AbstractContextManager[None]:
        """Show that work goes on, once it takes long."""


def terminal_for(catalog: "Callable[[], Catalog | None]", history: Path | None, plain: bool = False) -> Terminal:
    """Return the terminal that fits this process: the real one only where both ends are one and nobody asked for plain.

    Args:
        catalog: names to complete, once they are there.
        history: where lines are remembered; None where they cannot be.
        plain: labelled lines instead of tables, and no line editing.
    """
    accessible = os.environ.get("ACCESSIBLE", "") not in ("", "0")
    shown = sys.stdout if sys.stdout.isatty() else sys.stderr
    real = sys.stdin.isatty() and shown.isatty()
    if real and not plain and not accessible and os.environ.get("TERM", "dumb") != "dumb":
        return PromptTerminal(catalog, history, shown)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    labelled = plain or accessible or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb"
    return LineTerminal(sys.stdin, sys.stdout, shown, plain=labelled, echo=not sys.stdin.isatty(), interactive=real)


class LineTerminal:
    """Plain lines: what is asked is written, what is answered is read."""

    def __init__(
        self,
        source: TextIO,
        results: TextIO,
        talk: TextIO,
        *,
        plain: bool = True,
        echo: bool = True,
        interactive: bool = False,
    ) -> None:
        self.interactive = interactive
        self._source, self._results, self._talk = source, results, talk
        self._plain, self._echo = plain, echo

    def say(self, spoken: Sequence[Spoken]) -> None:
        """Write results to one stream and words to the other."""
        write_spoken(spoken, self._results, self._talk, self._plain)

    def ask(self, prompt: str, shown: Shown | None = None) -> str:
        """Write the prompt and read a line; what a pipe gives is written too, so that the exchange can be read."""
        self._talk.write(prompt)
        self._talk.flush()
        if shown is not None and self.interactive:
            shown()
        try:
            line = self._source.readline()
        except KeyboardInterrupt:
            self._talk.write("\n")
            raise Interrupted from None
        if not line:
            self._talk.write("\n")
            raise EndOfInput
        line = line.rstrip("\r\n")
        if self._echo:  # what a pipe holds may move the cursor of who looks on
            shown_line = "".join(sign for sign in line if sign.isprintable() or sign == "\t")
            self._talk.write(f"{shown_line}\n")
        return line

    @contextmanager
    def working(self) -> Iterator[None]:
        """Write a line when it takes long."""
        with _after_a_while(lambda: _flushed(self._talk, f"{WORKING}\n")):
            yield


class PromptTerminal:
    """A real terminal: lines are edited, names completed, pasted lines taken one by one, a pasted table as one."""

    def __init__(self, catalog: "Callable[[], Catalog | None]", history: Path | None, shown: TextIO) -> None:
        self.interactive = True
        self._catalog, self._history, self._shown = catalog, history, shown
        self._editor: LineEditor | None = None

    def say(self, spoken: Sequence[Spoken]) -> None:
        """Show words and results; results go to standard output even where that is a file."""
        write_spoken(spoken, sys.stdout, self._shown, plain=False)

    def ask(self, prompt: str, shown: Shown | None = None) -> str:
        """Read a line."""
        try:
            if self._editor:
                return self._editor.line(prompt, shown)
            with _held_back():
                return self._loaded(prompt).line(prompt, shown)
        except KeyboardInterrupt as pressed:
            raise Interrupted(*pressed.args) from None
        except EOFError:
            raise EndOfInput from None

    def _loaded(self, prompt: str) -> "LineEditor":
        """Load the editor and return it. It takes a third of a second: the prompt stands on the screen before."""
        _flushed(self._shown, prompt)
        from agent.session.line_editor import LineEditor

        self._editor = LineEditor(self._catalog, self._history, self._shown)
        _flushed(self._shown, "\r")
        return self._editor

    @contextmanager
    def working(self) -> Iterator[None]:
        """Show a line when it takes long, and take it away after."""
        shown = False

        def show() -> None:
            nonlocal shown
            shown = True
            _flushed(self._shown, WORKING)

        try:
            with _after_a_while(show):
                yield
        finally:
            if shown:
                _flushed(self._shown, f"\r{' ' * len(WORKING)}\r")


def write_spoken(
    spoken: Sequence[Spoken], results: TextIO, talk: TextIO, plain: bool, width: int | None = None
) -> None:
    """Write what is said: a result and the question at the end stand apart.

    Args:
        spoken: words and results, in order.
        results: the stream of results.
        talk: the stream of words.
        plain: results as labelled lines.
        width: of a line, columns; None is the terminal's.
    """
    from agent.report.rendering.show import show

    same = results is talk or (results.isatty() and talk.isatty())
    for index, part in enumerate(spoken):
        last = index == len(spoken) - 1
        if index and (last or _stands_apart(part) or _stands_apart(spoken[index - 1])):
            talk.write("\n")
        if not same:
            talk.flush()
        if isinstance(part, Data):
            show(part.report, plain=plain, width=width, file=results)
            results.flush()
        else:
            show(Report(part.blocks), plain=plain, width=width, file=talk)
    talk.flush()


def _stands_apart(part: Spoken) -> bool:
    return isinstance(part, Data) or any(isinstance(block, Table | Facts) for block in part.blocks)


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold back what is typed until the editor reads, Ctrl-C too: between the two a signal would reach neither."""
    import termios  # not on every platform, but on every real terminal

    there = sys.stdin.fileno()
    before = termios.tcgetattr(there)
    quiet = [*before]
    quiet[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
    termios.tcsetattr(there, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(there, termios.TCSANOW, before)


@contextmanager
def _after_a_while(show: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(PATIENCE_S, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _flushed(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


class Transcribed:
    """A terminal whose conversation is also written to a file, as labelled lines."""

    def __init__(self, terminal: Terminal, file: TextIO) -> None:
        self.interactive = terminal.interactive
        self._terminal, self._file = terminal, file

    def say(self, spoken: Sequence[Spoken]) -> None:
        """Show, and write down."""
        self._terminal.say(spoken)
        write_spoken(spoken, self._file, self._file, plain=True)
        self._file.flush()

    def ask(self, prompt: str, shown: Shown | None = None) -> str:
        """Ask, and write down what was answered."""
        line = self._terminal.ask(prompt, shown)
        self._file.write(f"{prompt}{line}\n")
        self._file.flush()
        return line

    def working(self) -> AbstractContextManager[None]:
        """Show that work goes on."""
        return self._terminal.working()
