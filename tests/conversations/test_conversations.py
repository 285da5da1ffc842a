"""Transcripts, run as tests: what is typed stands after >, what must be said, in order, beneath it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.session.conversation import converse
from agent.session.ports import ports_of
from agent.session.running_session import RunningSession
from agent.session.saved_sessions import Sessions
from agent.session.terminal import Interrupted
from catalogs.catalog import Catalog
from commands.converse import exit_code_of
from tests.conversations.scripted_terminal import ScriptedTerminal
from tests.measured_server import measured_rows, written_results

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
COMMAND = [sys.executable, str(ROOT / "main.py")]


@dataclass
class Turn:
    line: str | None
    """None: what is said before the first line."""
    expected: list[str] = field(default_factory=list)


@dataclass
class Run:
    resume: bool
    turns: list[Turn] = field(default_factory=list)
    code: int = 0


@dataclass
class Transcript:
    runs: list[Run]
    written: list[str]


def transcript_in(path: Path) -> Transcript:
    runs: list[Run] = []
    written: list[str] = []
    for raw in path.read_text(encoding="utf-8").splitlines():
        if raw.startswith("$ "):
            runs.append(Run("resume" in raw, [Turn(None)]))
        elif raw.startswith(">"):
            runs[-1].turns.append(Turn(raw[2:]))
        elif raw.startswith("  "):
            runs[-1].turns[-1].expected.append(raw.strip())
        elif raw.startswith("exit "):
            runs[-1].code = int(raw.split()[1])
        elif raw.startswith("written "):
            written.append(raw.split()[1])
        else:
            assert raw.startswith("#") or not raw, f"{path.name}: {raw!r} is no line of a transcript"
    return Transcript(runs, written)


FILES = sorted(HERE.glob("*.txt"))
CATALOG = Catalog.load()


@pytest.mark.parametrize("path", [HERE / "what_if.txt", HERE / "infeasible.txt"], ids=lambda path: path.stem)
def test_the_command_holds_the_conversation_of_a_transcript_through_pipes(path: Path, tmp_path: Path) -> None:
    transcript = transcript_in(path)
    for run in transcript.runs:
        said, code = piped([turn.line or "" for turn in run.turns[1:]], tmp_path, resume=run.resume)
        check(run, said)
        assert code == run.code
    for name in transcript.written:
        assert (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_terminal_holds_the_conversation_of_a_transcript(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if path.stem == "own_benchmark":
        rows = measured_rows(CATALOG, {"linear_memory": 0.65, "ttft_overhead_ms": 40.0})
        written_results(rows[:3], tmp_path / "first")
        written_results(rows[3:], tmp_path / "more")
    transcript = transcript_in(path)
    for run in transcript.runs:
        script = [Interrupted if turn.line == "^C" else turn.line or "" for turn in run.turns[1:]]
        said, code = scripted(script, tmp_path, resume=run.resume)
        check(run, said)
        assert code == run.code
    for name in transcript.written:
        assert (tmp_path / name).read_text(encoding="utf-8")


def test_the_end_of_input_at_each_question_names_what_is_missing_and_loses_nothing(tmp_path: Path) -> None:
    """Ctrl-D at every question: exit 5, the missing slots named; what was said comes back with resume."""
    lines = ["llama 3.1 8b", "12 rps", "500", "200", "fp8"]
    slots = ["model", "traffic", "prompt", "answer", "precision", "accelerator"]
    for count in range(len(lines) + 1):
        home = tmp_path / str(count)
        home.mkdir()
        said, code = scripted(lines[:count], home)
        assert code == 5
        assert "Still needed: " + slots[count] in said
        if count:
            resumed, code = scripted(["review"], home, resume=True)
            assert code == 5
            assert f'said "{lines[count - 1]}"' in resumed


def test_a_pipe_that_ends_early_gets_a_plan_that_says_what_it_assumes_or_what_is_missing(tmp_path: Path) -> None:
    said, code = piped(["llama 3.1 8b", "12 rps"], tmp_path)
    assert code == 0
    assert "Assumed: prompt 1,155 tokens, as for chat; answer 211 tokens, as for chat; precision" in said
    assert "Llama 3.1 8B in BF16" in said
    said, code = piped(["llama 3.1 8b", "500 in, 200 out"], tmp_path)
    assert code == 5
    assert "Still needed: traffic" in said


def test_a_pipe_that_says_everything_gets_its_plan_on_standard_output(tmp_path: Path) -> None:
    ended = subprocess.run(
        COMMAND,
        input="llama 3.1 8b fp8 on H100, 12 rps, 500 in, 200 out\n",
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(tmp_path),
        check=False,
    )
    assert ended.returncode == 0
    assert "Llama 3.1 8B in FP8" in ended.stdout
    assert "Enter plans" not in ended.stdout
    assert "Enter plans" in ended.stderr


def piped(lines: Sequence[str], home: Path, *, resume: bool = False) -> tuple[str, int]:
    """Say lines to the command through a pipe; return what it says on both streams, and its exit code."""
    ended = subprocess.run(
        [*COMMAND, *(["resume"] if resume else [])],
        input="".join(f"{line}\n" for line in lines),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=home,
        env=environment(home),
        check=False,
    )
    assert "Traceback" not in ended.stdout
    return ended.stdout, ended.returncode


def scripted(lines: Sequence[str | type[Exception]], home: Path, *, resume: bool = False) -> tuple[str, int]:
    """Say lines in this process; return what is said, and what would be the exit code."""
    terminal = ScriptedTerminal(lines)
    sessions = Sessions(home / "sessions", home / "sessions" / f"{len(list(home.rglob('*')))}.json")

    def session() -> RunningSession:
        return RunningSession(ports_of(CATALOG), sessions)

    begun = session() if resume else None
    if begun is not None:
        terminal.say(begun.resume(sessions.latest()))
    ending = converse(terminal, session, session=begun)
    return terminal.shown.getvalue(), exit_code_of(ending)


def environment(home: Path) -> dict[str, str]:
    named = {"XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    return {**os.environ, **named, "PYTHONIOENCODING": "utf-8", "HF_HUB_OFFLINE": "1"}


def check(run: Run, said: str) -> None:
    parts = list(spoken(said, [turn.line for turn in run.turns if turn.line is not None]))
    for turn, part in zip(run.turns, parts, strict=False):
        at = 0
        for expected in turn.expected:
            found = part.find(expected, at)
            assert found >= 0, f"after {turn.line!r}, {expected!r} is not said in:\n{part[at:]}\n(all of it:\n{part})"
            at = found + len(expected)


def spoken(said: str, lines: list[str]) -> Iterator[str]:
    """Yield what is said before the first line, and after each."""
    left = said
    for line in lines:
        if line == "^C":
            at = left.find("Ctrl-C again", 1)
            at = len(left) if at < 0 else at
            yield left[:at]
            left = left[at:]
            continue
        echo = re.compile(rf"^[\w?]+> {re.escape(line)}$", re.M)
        match = echo.search(left)
        assert match, f"{line!r} was not asked for; after it came:\n{left}"
        yield left[: match.start()]
        left = left[match.end() :]
    yield left
