"""The tutorial does what it shows: each command runs, in its order and in one folder, and prints what stands there."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.session.terminal import WORKING
from commands import main

ROOT = Path(__file__).parents[1]
TUTORIAL = (ROOT / "spec-kit" / "tutorial.md").read_text(encoding="utf-8")
OMITTED = "…"
"""A line of the tutorial that stands for any lines of the program."""
PROMPT = re.compile(r"^\w+\??> ?(.*)$")
"""What the conversation asks with, and what is typed there."""


@dataclass(frozen=True)
class Command:
    """A line after $, and the lines beneath it."""

    line: str
    shown: tuple[str, ...]

    @property
    def typed(self) -> str:
        return "".join(f"{found[1]}\n" for found in map(PROMPT.match, self.shown) if found)


def blocks() -> list[tuple[str, str]]:
    """Return the language and the text of each block."""
    return re.findall(r"^```(\w+)\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL)


def commands_in(block: str) -> list[Command]:
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not parts[0], "a block of the console begins with a command"
    return [Command(line, tuple(shown)) for line, *shown in (part.rstrip("\n").splitlines() for part in parts[1:])]


def run_here(command: Command) -> tuple[str, int]:
    """Run fleetcast in this process; return both of its streams as one, as a terminal shows them, and its exit code."""
    screen = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(screen),
        contextlib.redirect_stderr(screen),
    ):
        patch.setattr(sys, "stdin", io.StringIO(command.typed))
        code = main(shlex.split(command.line)[1:])
    screen.seek(0)
    return screen.read(), code


def run_in_shell(command: Command, folder: Path) -> tuple[str, int]:
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    for name, file in (("fleetcast", str(ROOT / "main.py")), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {file} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        ["sh", "-c", command.line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.stdout, ended.returncode


def pattern_of(shown: tuple[str, ...]) -> str:
    """Return a regular expression of what is shown, any number of lines where some are omitted."""
    return "".join(r"(?:.*\n)*?" if line == OMITTED else rf"{re.escape(line)} *\n" for line in shown)


@pytest.mark.skipif(os.name != "posix", reason="the tutorial's commands are typed into a POSIX shell")
def test_each_command_of_the_tutorial_prints_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this fails after an intended change, paste what is printed into the tutorial."""
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    for home in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{home}_HOME", str(tmp_path / home.lower()))
    code, failed = 0, ""
    for language, block in blocks():
        if language != "console":  # a file, whose name is its first line
            name = re.match(r"# ([\w.]+)\n", block)
            assert name, block
            Path(name[1]).write_text(block, encoding="utf-8")
            continue
        for command in commands_in(block):
            if command.line == "echo $?":
                printed, code, failed = f"{code}\n", 0, ""
            else:
                assert code == 0, failed
                alone = command.line.startswith("fleetcast") and not set("|><;&$") & set(command.line)
                printed, code = run_here(command) if alone else run_in_shell(command, folder)
                failed = f"{command.line} ends with {code}, which the tutorial does not say:\n{printed}"
            printed = "".join(f"{line}\n" for line in printed.splitlines() if line != WORKING)
            assert re.fullmatch(pattern_of(command.shown), printed), f"{command.line} prints\n{printed}"
    assert code == 0, failed
