"""The README shows what the program does: its transcript, its three lines of library, its commands."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKING = "planning …"
README = (ROOT / "README.md").read_text(encoding="utf-8")

pexpect = pytest.importorskip("pexpect", reason="a terminal to draw on needs a POSIX system")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def on_a_terminal(arguments: list[str], folder: Path) -> str:
    """Return what the program draws on a terminal of 80 columns, colours left out."""
    environment = os.environ | {"TERM": "xterm", "NO_COLOR": "1", "XDG_CONFIG_HOME": str(folder)}
    for name in ("COLUMNS", "LINES", "ACCESSIBLE"):
        environment.pop(name, None)
    drawn, code = pexpect.run(
        shlex.join([sys.executable, str(ROOT / "main.py"), *arguments]),
        env=environment,
        cwd=str(folder),
        dimensions=(60, 80),
        encoding="utf-8",
        withexitstatus=True,
        timeout=60,
    )
    assert code == 0, drawn
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.replace("\r\n", "\n"))
    # What is shown while a slow machine works is wiped out by codes that are left out here, or drawn over.
    text = re.sub(r"[^\n]*\r", "", text.replace(WORKING, ""))
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def test_the_transcript_is_what_the_command_prints(tmp_path: Path) -> None:
    """Where this fails after an intended change, paste the new output into the README."""
    command, _, shown = blocks("console")[0].partition("\n")
    arguments = shlex.split(command.removeprefix("$ fleetcast "))
    assert on_a_terminal(arguments, tmp_path) == shown.rstrip("\n")


def test_the_transcript_answers_the_seed_question() -> None:
    """At a peak of 1.5 × the mean 12 to 16 accelerators, on a screen of at most 25 lines."""
    _, _, shown = blocks("console")[0].partition("\n")
    found = re.match(r"(\d+) × A100", shown)
    assert found
    assert 12 <= int(found[1]) <= 16
    assert len(shown.splitlines()) <= 25


def test_the_lines_of_library_run(tmp_path: Path) -> None:
    code = blocks("python")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"\d+ × .+ serves? Qwen3 32B", done.stdout)


def test_each_command_is_one_line_and_sets_itself_up() -> None:
    """`.ci/run` finds them by their marks and runs them as they are."""
    marked = re.findall(r"<!-- command: (\w+) -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert [name for name, _ in marked] == ["forecast", "tests"]
    for _, command in marked:
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install")


def test_the_flags_that_it_names_exist() -> None:
    known = ""
    for command in (["forecast"], ["estimate"], ["accuracy"], ["train"], ["plan", "diff"], ["serve"]):
        known += subprocess.run(
            [sys.executable, str(ROOT / "main.py"), *command, "--help"],
            env=os.environ | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    named = set(re.findall(r"`(--[a-z0-9-]+)", README))
    assert named
    assert {flag for flag in named if flag not in known} == set()
