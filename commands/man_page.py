"""The manual page, made of the commands, their options and the topics of help when the package is built."""

from collections.abc import Iterator
from typing import Any

import typer

from agent.report.blocks import Block, Bullets, Command, Facts, Paragraph, text_of
from agent.statements.flags import FLAGS
from catalogs.version import VERSION
from commands.failures import MEANING
from commands.help import ENVIRONMENT, topics
from commands.program import COMMANDS, app


def man_page() -> str:
    """Return `fleetcast.1` in the macros of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f'.TH FLEETCAST 1 "" "fleetcast {VERSION}" "User Commands"'
    yield from (".SH NAME", f"fleetcast \\- {_plain('capacity planning for LLM serving')}")
    yield from (".SH SYNOPSIS", ".B fleetcast", "[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR]")
    yield from (".SH DESCRIPTION", _plain(app.info.help or ""), ".SH OPTIONS")
    program: Any = typer.main.get_command(app)
    context = program.make_context("fleetcast", [], resilient_parsing=True)
    yield from _options(program, context)
    yield ".SH COMMANDS"
    for name in COMMANDS:
        _, command, _ = program.resolve_command(context, [name])
        yield from _command(f"fleetcast {name}", command)
    yield ".SH TOPICS"
    for topic in topics().values():
        yield f'.SS "{_plain(topic.about)}"'
        for block in topic.blocks():
            if not isinstance(block, Facts):  # the flags, which stand under the commands already
                yield from _block(block)
    for heading, table in (
        ("EXIT STATUS", {str(int(code)): text for code, text in MEANING.items()}),
        ("ENVIRONMENT", ENVIRONMENT),
    ):
        yield f".SH {heading}"
        yield from _block(Facts(tuple(table.items())))


def _command(path: str, command: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=path)
    arguments = " ".join(_value(one) for one in command.params if one.param_type_name == "argument")
    yield f'.SS "{_plain(f"{path} {arguments}".strip())}"'
    yield _plain(" ".join((command.help or "").split()))
    yield from _options(command, context)
    for name, inner in getattr(command, "commands", {}).items():
        yield from _command(f"{path} {name}", inner)


def _options(command: Any, context: Any) -> Iterator[str]:
    shared = frozenset(() if command.name == "forecast" else FLAGS)  # listed once, of the command that all others name
    every = [one for one in command.get_params(context) if one.param_type_name == "option"]
    own = [one for one in every if getattr(one, "rich_help_panel", None) not in shared]
    if len(own) < len(every):
        yield from (".PP", "Options that describe the workload are those of `fleetcast forecast`. The others:")
    for one in own:
        value = "" if one.is_flag else f" \\fI{_plain(_value(one))}\\fR"
        yield from (".TP", f"\\fB{_plain(', '.join(one.opts))}\\fR{value}", _plain(one.help or ""))


def _value(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield from (".PP", _plain(text))
        case Bullets(items, lead):
            yield from (".PP", _plain(lead), *(line for item in items for line in (".IP \\(bu 2", _plain(item))))
        case Command(text):
            yield from (".PP", ".nf", _plain(text), ".fi")
        case Facts(items):
            yield from (
                line for label, value in items for line in (".TP", f"\\fB{_plain(label)}\\fR", _plain(text_of(value)))
            )


def _plain(text: str) -> str:
    """Return a text that roff takes as it is: no escapes, no macro at its beginning, hyphens that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(one if one.isascii() else f"\\[u{ord(one):04X}]" for one in escaped)
    return f"\\&{escaped}" if escaped[:1] in (".", "'") else escaped
