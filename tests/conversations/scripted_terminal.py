"""A terminal whose lines stand in a script."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from agent.session.terminal import EndOfInput, Shown, Spoken, write_spoken


class ScriptedTerminal:
    """Lines of a script; what is said is kept."""

    def __init__(self, script: Iterable[str | type[Exception]], width: int | None = None) -> None:
        self.interactive = True
        self.shown = io.StringIO()
        self.prompts: list[str] = []
        self._script = iter(script)
        self._width = width

    def say(self, spoken: Sequence[Spoken]) -> None:
        """Keep what is said."""
        write_spoken(spoken, self.shown, self.shown, True, self._width)

    def ask(self, prompt: str, shown: Shown | None = None) -> str:
        """Return the next line of the script, or raise what stands there; at its end the input ends."""
        self.prompts.append(prompt)
        line = next(self._script, EndOfInput)
        if isinstance(line, str):
            self.shown.write(f"{prompt}{line}\n")
            return line
        raise line

    @contextmanager
    def working(self) -> Iterator[None]:
        """Say nothing: a script waits."""
        yield
