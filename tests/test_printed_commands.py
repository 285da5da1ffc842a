"""Every command that the papers and the program itself print can be typed: it is known, parsed, and lacks nothing."""

import ast
import contextlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
import typer
from typer.core import TyperGroup

from agent.after_plan.replies.asked import Asked
from agent.after_plan.replies.table import REPLIES
from agent.dialogue import step
from agent.report.blocks import Command, Report
from agent.report.rendering.plain import plain_text
from agent.statements.merged import Collected
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from commands import main
from commands.help import TABLES, topics
from commands.program import COMMANDS, app
from engine.planning.launch import loaded_model
from engine.workload import StatedSpec
from tests.agent.talks import ports, words
from tests.agent.test_follow_ups import LAW, after
from tests.every import of_every

ROOT = Path(__file__).parents[1]
PAPERS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "spec-kit").glob("*.md")))
PACKAGES = ("agent", "catalogs", "commands", "engine")
PRINTED = re.compile(r"`(fleetcast )?([^`\n]+)`|'(fleetcast )([^'\n]+)'")
FLAG_ALONE: Final = re.compile(r"[`'](--[a-z][a-z-]+)(?: [^`'\n]*)?[`']")
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
    if text.startswith("fleetcast ") and text.split()[1:2] and text.split()[1] in COMMANDS:
        yield text.removeprefix("fleetcast ")
    for found in PRINTED.finditer(text):
        line = found[2] or found[4]
        first, _, more = line.partition(" ")
        if first in COMMANDS and (found[1] or found[3] or more):
            yield line if found[1] or found[3] or FILES.search(line) else f"{line} {SPOKEN}"


@cache
def texts_of_the_program() -> list[tuple[Path, str]]:
    """Return each module with each of its texts."""
    return [(file, text) for package in PACKAGES for file in (ROOT / package).rglob("*.py") for text in texts_of(file)]


def in_program() -> list[str]:
    """Return the commands that the program prints."""
    return sorted({line for _, text in texts_of_the_program() for line in commands_in(text)})


IN_PAPERS = sorted({one for paper in PAPERS for one in commands_in(paper.read_text(encoding="utf-8"))})


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


@of_every(IN_PAPERS)
def test_each_of_a_paper_is_a_command_with_options_that_there_are(line: str) -> None:
    assert len(IN_PAPERS) > 40
    parse(line)


def test_each_of_the_program_is_a_command_with_options_that_there_are() -> None:
    assert len(in_program()) > 20
    for line in in_program():
        parse(line)


def options_of(command: Any, context: Any) -> Iterator[str]:
    """Yield the options of a command and of those below it."""
    yield from (name for one in command.params for name in (*one.opts, *one.secondary_opts))
    for name in command.list_commands(context) if isinstance(command, TyperGroup) else ():
        yield from options_of(command.resolve_command(context, [name])[1], context)


def test_each_option_that_is_named_alone_is_one_of_a_command_or_of_a_runtime() -> None:
    program: Any = typer.main.get_command(app)
    own = set(options_of(program, program.make_context("fleetcast", [], resilient_parsing=True)))
    runtimes = set(re.findall(r"--[a-z][a-z-]+", " ".join(map(str, Catalog.load().runtimes.values()))))
    runtimes |= {"--max-num-queued-reqs", "--max-queued-requests", "--reasoning-parser", "--shutdown-timeout"}
    unknown = {
        (file.name, flag)
        for file, text in texts_of_the_program()
        for flag in FLAG_ALONE.findall(text)
        if flag not in own | runtimes and flag != "--help"
    }
    assert unknown == set()


def test_the_commands_of_replies_after_a_plan_can_be_typed_and_name_the_model_that_is_served() -> None:
    state = after(LAW)
    plan = state.base.capacity_plan
    assert plan is not None
    printed: list[str] = []
    for act in REPLIES:
        with contextlib.suppress(InputError):
            reply = REPLIES[act](Asked("what about it", state, ports(), plan))
            printed += [block.text for block in reply if isinstance(block, Command)]
            for line in commands_in(plain_text(Report(tuple(reply))).replace("\n", " ")):
                parse(line.replace("plan.json", "p.json"))
    for line in printed:
        if line.startswith("fleetcast "):
            parse(line.removeprefix("fleetcast "))
    _, says = step(state, "what should I measure first", ports())
    printed += re.findall(r"vllm bench serve.*", words(says))
    benches = [line for line in printed if "bench" in line]
    assert len(benches) > 1
    assert all(f"--model {loaded_model(plan.chosen.command)} " in line for line in benches)


def test_what_help_is_said_to_know_it_knows() -> None:
    named = COMMANDS["help"].partition(": ")[2].rstrip(".").split(", ")
    assert {name.replace(" ", "-") for name in named} <= topics().keys() | TABLES.keys()


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
    for line in IN_PAPERS + in_program():
        words = shlex.split(line)
        if words[0] not in QUESTIONS or len(words) < 3 or line in SPOKEN_OF or any(map(PLACEHOLDER.search, words)):
            continue
        with contextlib.suppress(Whole):
            if code := main([*words, *(["--force"] if "--output" in words else [])]):
                lacking.append(f"{line}: {code}")
    assert lacking == []
