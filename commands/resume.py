"""`fleetcast resume`: the last conversation goes on."""

from typing import Annotated

import typer

from commands.converse import open_conversation
from commands.options import App, Assist, Transcript

app = App(help="Go on with the last conversation.")

Plain = Annotated[bool, typer.Option("--plain", help="Labelled lines and no line editing.")]


@app.command()
def resume(plain: Plain = False, transcript: Transcript = None, assist: Assist = None) -> int:
    """Go on with the last conversation."""
    return open_conversation(plain, transcript, resume=True, assist=assist)
