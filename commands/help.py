"""`fleetcast help`: what there is to know about a topic, a command or a word, from the tables that the program uses."""

from functools import cache
from pathlib import Path
from typing import Annotated, Final

import typer
from msgspec import Struct, toml

from agent.report.blocks import Block, Bullets, Command, Facts, Heading, Paragraph, Report
from catalogs.errors import InputError, listed, quoted
from commands.completion import names_of
from commands.failures import MEANING, Exit
from commands.options import App, Plain
from commands.showing import show

app = App(help="What there is to know about a topic.")
ENVIRONMENT: Final = {
    "NO_COLOR": "set to anything: no colours (https://no-color.org)",
    "FORCE_COLOR": "colours where standard output is no terminal",
    "COLUMNS": "the width that reports keep to",
    "ACCESSIBLE": "set to 1: labelled lines instead of tables, no line editing",
    "VISUAL, EDITOR": "the editor of `fleetcast config edit`",
    "HF_TOKEN": "for models on Hugging Face that ask for it",
    "FLEETCAST_DEBUG": "set to anything: a bug shows its traceback",
    "XDG_CONFIG_HOME, XDG_STATE_HOME": "where settings are, and sessions and plans",
}
"""Variables that the program heeds, and what for."""


class Topic(Struct, frozen=True, forbid_unknown_fields=True):
    """A page of help."""

    name: str
    about: str
    text: str
    panel: str = ""
    """The flags that belong to it: a panel of --help."""
    names: str = ""
    """A kind whose names are listed."""
    sentences: tuple[str, ...] = ()
    """That can be said."""
    commands: tuple[str, ...] = ()
    """That can be run."""

    def blocks(self) -> tuple[Block, ...]:
        """Return what is shown of it."""
        from agent.statements.flags import FLAGS

        flags = FLAGS.get(self.panel, ())
        parts: list[Block | None] = [
            Paragraph(self.text),
            Bullets(self.sentences, "You can say:") if self.sentences else None,
            Facts(tuple((f"{flag.flag} {flag.metavar}", flag.help) for flag in flags)) if flags else None,
            Paragraph(f"Known {self.names}: {', '.join(names_of(self.names))}.") if self.names else None,
            *(Command(command) for command in self.commands),
        ]
        return tuple(part for part in parts if part is not None)


@cache
def topics() -> dict[str, Topic]:
    """Return the pages by name: those that are written, and two that are tables of the program."""
    written: list[Topic] = toml.decode(
        Path(__file__).with_name("topics.toml").read_bytes(), type=dict[str, list[Topic]]
    )["topic"]
    return {topic.name: topic for topic in written}


TABLES: Final = {
    "exit-codes": ("What a script is told", {str(int(code)): meaning for code, meaning in MEANING.items()}),
    "environment": ("Variables that are heeded", ENVIRONMENT),
}
"""By topic what it is about, and its table."""


def _completed(incomplete: str) -> list[tuple[str, str]]:
    from commands.program import COMMANDS

    about = {name: topic.about for name, topic in topics().items()} | {name: TABLES[name][0] for name in TABLES}
    return [(name, text) for name, text in (about | COMMANDS).items() if name.startswith(incomplete)]


Named = Annotated[
    list[str] | None, typer.Argument(metavar="[TOPIC]", help="A topic, a command, a word.", autocompletion=_completed)
]


@app.command("help")
def help_command(topic: Named = None, plain: Plain = False) -> int:
    """What there is to know about a topic; without one, the topics."""
    from agent.talk.glossary import meaning
    from commands.program import COMMANDS, program

    name = "-".join(" ".join(topic or ()).lower().split())
    if not name:
        show(_contents(), plain=plain)
    elif page := topics().get(name):
        show(Report((Heading(page.about), *page.blocks())), plain=plain)
    elif name in TABLES:
        about, table = TABLES[name]
        show(Report((Heading(about), Facts(tuple(table.items())))), plain=plain)
    elif topic and topic[0] in COMMANDS:
        return program([*topic, "--help"])
    elif said := meaning(f"what is {name}"):
        show(Report((Paragraph(said),)), plain=plain)
    else:
        from difflib import get_close_matches

        known = [*topics(), *TABLES]
        near = get_close_matches(name, [*known, *COMMANDS], n=1, cutoff=0.75) or _that_mention(name)
        raise InputError(
            f"there is no help on {quoted(name)}; "
            + (f"did you mean {near[0]}?" if near else f"there is {listed(known)}")
        )
    return Exit.DONE


def _that_mention(word: str) -> list[str]:
    """Return the topics whose text or flags have a word, or its singular."""
    said = {name: topic.text + str(topic.blocks()) for name, topic in topics().items()}
    return [name for name, text in said.items() if word.removesuffix("s") in text.lower()]


def _contents() -> Report:
    rows = tuple((topic.name, topic.about) for topic in topics().values())
    return Report(
        (
            Facts((*rows, *((name, about) for name, (about, _) in TABLES.items()))),
            Paragraph("`fleetcast help TOPIC` shows one; `fleetcast COMMAND --help` the options of a command."),
        )
    )
