"""`fleetcast resume`: the last conversation goes on."""

from pathlib import Path
from typing import Annotated

import typer

from commands.converse import open_conversation

app = typer.Typer(add_completion=False, help="Go on with the last conversation.")

Plain = Annotated[bool, typer.Option("--plain", help="Labelled lines and no line editing.")]
Transcript = Annotated[
    Path | None, typer.Option("--transcript", metavar="FILE", help="Append the conversation to a file.")
]


@app.command()
def resume(plain: Plain = False, transcript: Transcript = None) -> int:
    """Go on with the last conversation."""
    return open_conversation(None, plain, transcript, resume=True)
