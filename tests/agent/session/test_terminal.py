"""The conversation in a real terminal: what stands on the screen, at every width, whatever is pressed."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pexpect
import pyte
import pytest

from agent.session.terminal import LineTerminal

ROOT = Path(__file__).parents[3]
MAIN = str(ROOT / "main.py")
SENTENCE = "70B fp8 on H100, 20 rps, 1.5k in, 300 out"
PATIENCE_S = 30.0


class Screen:
    """A terminal emulator with the command in it."""

    def __init__(
        self, home: Path, columns: int = 80, rows: int = 50, arguments: Sequence[str] = (), **environment: str
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=2000)
        self._stream = pyte.Stream(self.screen)
        self.raw = ""
        named = {"XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "TERM": "xterm-256color"}
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "ACCESSIBLE", "COLUMNS")}
        self.child = pexpect.spawn(
            sys.executable,
            [MAIN, *arguments],
            dimensions=(rows, columns),
            encoding="utf-8",
            cwd=home,
            env={**kept, **named, **environment},
        )
        self.child.delaybeforesend = None

    def read(self, seconds: float = 0.05) -> None:
        """Show what has arrived."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                arrived = self.child.read_nonblocking(65536, timeout=max(0.01, until - time.monotonic()))
            except pexpect.TIMEOUT:
                return
            except pexpect.EOF:
                return
            self.raw += arrived
            self._stream.feed(arrived)

    @property
    def lines(self) -> list[str]:
        """Every line, those that scrolled away too."""
        gone = ["".join(row[x].data for x in range(self.screen.columns)).rstrip() for row in self.screen.history.top]
        return [*gone, *(line.rstrip() for line in self.screen.display)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip()

    def wait(self, until: Callable[[str], object]) -> str:
        """Wait for the screen to show something."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.read()
            if until(self.text):
                return self.text
        raise AssertionError(f"not shown in {PATIENCE_S} s:\n{self.text}")

    def prompt(self, name: str) -> str:
        """Wait for a prompt with nothing behind it, at the end of the screen."""
        return self.wait(lambda text: text.rstrip().endswith(f"{name}>"))

    def type(self, text: str) -> None:
        self.child.send(text)

    def enter(self, text: str, then: str) -> str:
        before = self.text
        self.type(f"{text}\r")
        self.wait(lambda text: text != before)
        return self.prompt(then)

    def ended(self) -> int:
        deadline = time.monotonic() + PATIENCE_S
        while self.child.isalive() and time.monotonic() < deadline:
            self.read()
        self.read(0.2)
        self.child.close()
        assert "Traceback" not in self.raw
        return self.child.exitstatus if self.child.exitstatus is not None else -(self.child.signalstatus or 0)


Open = Callable[..., Screen]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    screens: list[Screen] = []

    def opens(**arguments: object) -> Screen:
        screens.append(Screen(tmp_path, **arguments))  # type: ignore[arg-type]
        screens[-1].prompt("model")
        return screens[-1]

    yield opens
    for screen in screens:
        screen.child.close(force=True)
        assert "Traceback" not in screen.raw


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_conversation_reads_well_at_each_width(opened: Open, columns: int) -> None:
    screen = opened(columns=columns)
    screen.enter(SENTENCE, "plan?")
    screen.enter("", "ask")
    text = screen.enter("what if traffic doubles", "ask")
    assert "Llama 3.1 70B" in " ".join(text.split())
    assert text.count("model>") == 1
    assert text.count("plan?>") == 1
    assert text.count("ask>") == 2
    assert len([line for line in screen.lines if line.startswith("Working")]) == 0
    assert re.search(r"\x1b\[(1|2|33)m", screen.raw), "colours, where nobody refuses them"
    screen.type("quit\r")
    assert screen.ended() == 0


def test_after_a_resize_no_stale_line_is_left(opened: Open) -> None:
    screen = opened()
    screen.enter("8B", "traffic")
    screen.type("12 r")
    screen.read(0.3)
    screen.child.setwinsize(50, 60)
    screen.screen.resize(50, 60)
    screen.read(0.5)
    text = screen.enter("ps", "prompt")
    assert text.count("traffic>") == 1
    assert "traffic> 12 rps" in text
    assert "12 requests/s on average" in text


def test_no_color_sends_no_colours(opened: Open) -> None:
    screen = opened(NO_COLOR="1")
    screen.enter(SENTENCE, "plan?")
    screen.enter("", "ask")
    coloured = [codes for codes in re.findall(r"\x1b\[([\d;]*)m", screen.raw) if codes not in ("", "0")]
    assert not coloured


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"ACCESSIBLE": "1"}], ids=["dumb", "accessible"])
def test_a_dumb_or_accessible_terminal_gets_plain_lines(opened: Open, environment: dict[str, str]) -> None:
    screen = opened(**environment)
    screen.enter(SENTENCE, "plan?")
    screen.enter("", "ask")
    assert "\x1b" not in screen.raw
    screen.type("quit\r")
    assert screen.ended() == 0


def test_several_pasted_lines_are_taken_one_by_one_and_the_last_waits_for_enter(opened: Open) -> None:
    screen = opened()
    screen.type("\x1b[200~8B\n12 rps\n500\n20\x1b[201~")
    screen.wait(lambda text: text.endswith("answer> 20"))
    text = screen.enter("0", "precision")
    for line in ("model> 8B", "traffic> 12 rps", "prompt> 500", "answer> 200"):
        assert text.count(line) == 1


def test_a_pasted_table_is_read_as_one(opened: Open) -> None:
    screen = opened()
    screen.type("\x1b[200~| model | rps | isl | osl |\n|---|---|---|---|\n| 8B | 12 | 1500 | 300 |\n\x1b[201~")
    text = screen.prompt("precision")
    assert "12 requests/s" in text
    assert "1,500 tokens" in text
    assert "300 tokens" in text


def test_lines_pasted_without_brackets_are_taken_one_by_one(opened: Open) -> None:
    screen = opened()
    screen.type("8B\r12 rps\r500\r")
    text = screen.prompt("answer")
    assert "12 requests/s" in text


def test_shift_tab_goes_back_and_tab_completes_a_name_without_a_menu(opened: Open) -> None:
    screen = opened()
    screen.enter("8B", "traffic")
    screen.type("\x1b[Z")
    text = screen.prompt("model")
    assert "Took back '8B'." in text
    assert "traffic> back" in text
    screen.enter("8B fp8, 5 rps, 500 in, 200 out", "accelerator")
    screen.type("h200-s\t")
    screen.wait(lambda text: text.endswith("accelerator> h200-sxm-141gb"))
    text = screen.enter("", "plan?")
    assert "h200-sxm-141gb" in text


def test_ctrl_c_once_drops_the_line_says_how_to_leave_and_keeps_answers_twice_leaves(opened: Open) -> None:
    screen = opened()
    screen.enter("8B", "traffic")
    for times, begun in enumerate(("", "12", "12 r", "half a li"), start=1):
        screen.type(f"{begun}\x03")
        said = "Ctrl-C again leaves; your answers are kept."
        screen.wait(lambda text, times=times, said=said: text.count(said) == times)  # type: ignore[misc]
        screen.prompt("traffic")
    screen.enter("12 rps", "prompt")
    screen.type("\x03")
    screen.wait(lambda text: text.count("Ctrl-C again") == 5)
    screen.prompt("prompt")
    screen.type("\x03")
    assert screen.ended() == 130


def test_ctrl_c_at_the_first_prompt_leaves_quietly(opened: Open) -> None:
    screen = opened()
    screen.type("\x03")
    screen.wait(lambda text: "Ctrl-C again" in text)
    screen.prompt("model")
    screen.type("\x03")
    assert screen.ended() == 130


def test_ctrl_d_ends_and_names_what_is_missing(opened: Open) -> None:
    screen = opened()
    screen.enter("8B", "traffic")
    screen.type("\x04")
    assert screen.ended() == 5
    assert "Still needed: traffic; prompt; answer" in " ".join(screen.text.split())


def test_killed_in_the_middle_it_loses_at_most_the_line_being_typed(opened: Open, tmp_path: Path) -> None:
    screen = opened()
    screen.enter("8B", "traffic")
    screen.enter("12 rps", "prompt")
    screen.type("50")
    screen.read(0.2)
    os.kill(screen.child.pid, signal.SIGKILL)
    screen.ended()
    resumed = subprocess.run(
        [sys.executable, MAIN, "resume"],
        input="review\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        check=False,
    )
    assert 'said "8B"' in resumed.stdout
    assert 'said "12 rps"' in resumed.stdout


@pytest.mark.parametrize("arguments", [("forecast",), ("--plain",), ("--transcript", "talk.txt")], ids=" ".join)
def test_each_way_in_opens_the_conversation(opened: Open, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    screen = opened(arguments=arguments)
    screen.enter("8B", "traffic")
    screen.type("quit\r")
    assert screen.ended() == 0
    assert (arguments == ("--plain",)) == ("\x1b" not in screen.raw)
    if "talk.txt" in arguments:
        assert "model> 8B" in (tmp_path / "talk.txt").read_text(encoding="utf-8")


def test_nothing_heavy_is_imported_before_the_first_prompt() -> None:
    heavy = (
        "numpy",
        "pydantic",
        "prompt_toolkit",
        "rich",
        "typer",
        "huggingface_hub",
        "catalogs.catalog",
        "engine",
    )
    code = f"import sys, commands.converse; print([name for name in {heavy!r} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_what_a_pipe_holds_cannot_move_the_cursor_of_who_looks_on() -> None:
    talk = io.StringIO()
    terminal = LineTerminal(io.StringIO("a\tb\x1b[31m\x07\n"), talk, talk, plain=True, echo=True, interactive=False)
    assert terminal.ask("> ") == "a\tb\x1b[31m\x07"
    assert talk.getvalue() == "> a\tb[31m\n"
