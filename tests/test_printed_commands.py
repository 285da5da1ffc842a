"""Every command that the papers and the program itself print can be typed: it is known, parsed, and lacks nothing."""

import ast
import contextlib
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from typer.core import TyperGroup

from agent.statements.merged import Collected
from commands import main
from commands.program import COMMANDS, app
from engine.workload import StatedSpec
from tests.every import of_every

ROOT = Path(__file__).parents[1]
PAPERS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "spec-kit").glob("*.md")))
PACKAGES = ("agent", "catalogs", "commands", "engine")
PRINTED = re.compile(r"`(fleetcast )?([^`\n]+)`|'(fleetcast )([^'\n]+)'")
QUESTIONS = ("forecast", "compare", "optimize", "estimate", "sensitivity", "costs", "batch", "workflow", "scenarios")
"""Commands that answer a question, which must be whole."""
PLACEHOLDER = re.compile(r"…|\{\}|^[A-Z]{3,}(\.\w+)?$|\[|\]")
"""A word in whose place something of one's own stands."""
FILES: Final = re.compile(r"\.json|\.yaml|/")
SPOKEN: Final = "…"
"""Behind a command in the middle of a sentence, which need not be whole."""
SPOKEN_OF = {
    "forecast --rps 10": "a question that is not whole, and what is said to it",
    "compare 3 4": "plans by the numbers under which they are kept",
}
"""Commands that are named for what they lack."""
SEED = shlex.split("--model llama-3.1-8b --gpu-type H100 --rps 10 --input-tokens 500 --output-tokens 200")


def texts_of(file: Path) -> Iterator[str]:
    """Yield the texts of a module, docstrings left out, with {} for what is filled in."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (spoken | parts):
            yield node.value


def commands_in(text: str) -> Iterator[str]:
    """Yield the commands between backquotes that begin with the program's name, or with a command and more."""
    for found in PRINTED.finditer(text):
        line = found[2] or found[4]
        first, _, more = line.partition(" ")
        if first in COMMANDS and (found[1] or found[3] or more):
            yield line if found[1] or found[3] or FILES.search(line) else f"{line} {SPOKEN}"


IN_PAPERS = sorted({one for paper in PAPERS for one in commands_in(paper.read_text(encoding="utf-8"))})
IN_PROGRAM = sorted(
    {
        one
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for text in texts_of(file)
        for one in commands_in(text)
    }
)


def parse(line: str) -> None:
    """Parse a command as the program does; of one that is named alone, or with one flag that is spoken of, the names.

    Raises:
        Exception: it cannot be parsed.
    """
    command: Any = typer.main.get_command(app)
    words = [word for word in shlex.split(line) if word != "--help"]
    context, rest, whole = command.make_context("fleetcast", list(words)), words, words[-1] != SPOKEN
    while isinstance(command, TyperGroup) and rest and rest != [SPOKEN]:
        _, command, rest = command.resolve_command(context, rest)
        assert command is not None, f"there is no such command: {line}"
        if isinstance(command, TyperGroup) and rest:
            context = command.make_context(command.name, list(rest), parent=context)
    flags = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    if whole and rest and not (len(rest) == 1 and rest[0] in flags):
        command.make_context(command.name, list(rest), parent=context)


@of_every(IN_PAPERS + IN_PROGRAM)
def test_each_is_a_command_with_options_that_there_are(line: str) -> None:
    assert len(IN_PAPERS) > 40
    assert len(IN_PROGRAM) > 20
    parse(line)


def test_what_is_said_to_list_does_so_alone() -> None:
    for name in ("history", "plans", "scenarios"):
        assert f"`fleetcast {name}" in PAPERS[0].read_text(encoding="utf-8")
        module = import_module(f"commands.{name}")
        assert typer.main.get_command(module.app).invoke_without_command


class Whole(BaseException):
    """The question lacks nothing."""


def test_each_question_lacks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is run up to its whole question, in a folder with a plan that was saved."""
    asked = Collected.completed

    def completed(self: Collected) -> StatedSpec:
        asked(self)
        raise Whole

    monkeypatch.chdir(tmp_path)
    assert main(["forecast", *SEED, "--no-verify", "--output", "plan.json"]) == 0
    monkeypatch.setattr(Collected, "completed", completed)
    lacking = []
    for line in IN_PAPERS + IN_PROGRAM:
        words = shlex.split(line)
        if words[0] not in QUESTIONS or len(words) < 3 or line in SPOKEN_OF or any(map(PLACEHOLDER.search, words)):
            continue
        with contextlib.suppress(Whole):
            if code := main([*words, *(["--force"] if "--output" in words else [])]):
                lacking.append(f"{line}: {code}")
    assert lacking == []
