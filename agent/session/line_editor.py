"""Editing a line on a real terminal. The only module that knows prompt_toolkit."""

import os
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application.current import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.shortcuts import CompleteStyle

if TYPE_CHECKING:
    from catalogs.catalog import Catalog

_WORDS: Final = (
    "back", "edit", "why", "help", "default", "defaults", "skip", "review", "start over", "save", "resume", "quit",
    "what if traffic doubles", "compare", "cheapest", "keep", "full", "export",
)  # fmt: skip
_LEAST: Final = 2
"""Letters from which a word is completed."""


class LineEditor:
    """Asks for one line at a time."""

    def __init__(self, catalog: "Callable[[], Catalog | None]", history: Path | None, shown: TextIO) -> None:
        self._pasted: deque[str] = deque()
        self._unfinished = ""
        self._shown = shown
        self._session: PromptSession[str] = PromptSession(
            history=_history(history),
            completer=_Names(catalog),
            complete_while_typing=False,
            # As a shell does it: no menu is drawn, so none has to be taken away.
            complete_style=CompleteStyle.READLINE_LIKE,
            key_bindings=self._keys(),
            # No question to the terminal about its cursor: some never answer, and a line needs no such answer.
            output=_output(shown),
            color_depth=ColorDepth.DEPTH_1_BIT,
            reserve_space_for_menu=0,
        )
        self._rendered: Callable[[], None] | None = None
        self._session.app.after_render += self._after_render

    def line(self, prompt: str, rendered: Callable[[], None] | None = None) -> str:
        """Return a line: the next one of a paste, or what is typed.

        Raises KeyboardInterrupt, with the line that was begun, or EOFError.

        Args:
            prompt: what stands before it.
            rendered: called when the prompt is on the screen.
        """
        if self._pasted:
            line = self._pasted.popleft()
            self._shown.write(f"{prompt}{line}\n")
            self._shown.flush()
            return line
        begun, self._unfinished = self._unfinished, ""
        self._rendered = rendered
        try:
            return self._session.prompt(prompt, default=begun)
        except KeyboardInterrupt:
            self._pasted.clear()
            raise KeyboardInterrupt(self._session.default_buffer.text) from None

    def _after_render(self, _: object) -> None:
        if self._rendered is not None:
            rendered, self._rendered = self._rendered, None
            rendered()

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        typing = Condition(lambda: get_app().current_buffer.complete_state is None)

        @keys.add(Keys.BackTab, filter=typing)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.text = "back"
            event.current_buffer.validate_and_handle()

        @keys.add(Keys.BracketedPaste, eager=True)
        def _(event: KeyPressEvent) -> None:
            from agent.interpret.words.pasted import is_one_block

            pasted = event.data.replace("\r\n", "\n").replace("\r", "\n")
            if is_one_block(pasted):
                event.current_buffer.insert_text(pasted.strip("\n"))
                if pasted.endswith("\n"):
                    event.current_buffer.validate_and_handle()
                return
            first, *rest = pasted.split("\n")
            event.current_buffer.insert_text(first)
            if rest:
                # What stands after the last line break is not finished: it waits for its Enter.
                *lines, self._unfinished = rest
                self._pasted.extend(lines)
                event.current_buffer.validate_and_handle()

        return keys


class _Names(Completer):
    """Completes commands, and the names of models, accelerators, precisions and kinds of traffic."""

    def __init__(self, catalog: "Callable[[], Catalog | None]") -> None:
        self._catalog = catalog
        self._names: tuple[str, ...] = ()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        word = document.get_word_before_cursor(WORD=True).lstrip("(,")
        if len(word) < _LEAST:
            return
        if not self._names and (facts := self._catalog()) is not None:
            self._names = tuple(sorted({*facts.models, *facts.accelerators, *facts.precisions, *facts.presets}))
        alone = document.text_before_cursor.strip() == word
        for name in (*(_WORDS if alone else ()), *self._names):
            if name.startswith(word.lower()):
                yield Completion(name, start_position=-len(word))


def _output(shown: TextIO) -> Vt100_Output:
    output = Vt100_Output.from_pty(shown, term=os.environ.get("TERM"))
    # The cursor is not asked for its place: some terminals never answer, and one line needs no such answer.
    output.enable_cpr = False
    return output


def _history(path: Path | None) -> History:
    return FileHistory(path) if path is not None else InMemoryHistory()
