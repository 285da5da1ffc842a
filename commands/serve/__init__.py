"""`fleetcast serve`: the forecast over HTTP and as a page in a browser. Needs the extra `web`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from catalogs.errors import InputError
from commands.options import App, Directories

app = App()

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TOKEN = "FLEETCAST_TOKEN"
"""The environment variable that holds the token."""

Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on; beyond this machine needs a token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
Names = Annotated[
    list[str] | None, typer.Option("--name", metavar="HOST", help="A name under which it is reached; repeatable.")
]
Token = Annotated[
    str | None,
    typer.Option(envvar=TOKEN, metavar="SECRET", help="Asked of every client; better set in the environment."),
]
Open = Annotated[bool, typer.Option("--open-to-all", help="Listen beyond this machine without a token.")]
Hub = Annotated[bool, typer.Option("--allow-hub", help="Let clients name models of the Hugging Face hub.")]
NoHistory = Annotated[bool, typer.Option("--no-history", help="Keep no calculation.")]
History = Annotated[Path | None, typer.Option(metavar="FILE", help="Where calculations are kept.")]
Workers = Annotated[int | None, typer.Option(min=1, max=256, help="Processes that reckon; by default one a core.")]
Limit = Annotated[float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="Computing time an answer may take.")]
Rate = Annotated[int, typer.Option(min=1, help="Requests a second that one client may send.")]


def serve_command(
    host: Host = "127.0.0.1",
    port: Port = 8377,
    name: Names = None,
    token: Token = None,
    open_to_all: Open = False,
    allow_hub: Hub = False,
    no_history: NoHistory = False,
    history: History = None,
    workers: Workers = None,
    rate: Rate = 1000,
    limit: Limit = 30.0,
    catalog: Directories = None,
) -> int:
    """The same forecast over HTTP: a page, an API for scripts, one for Prometheus. Ctrl-C ends it."""
    if host not in LOOPBACK and not token and not open_to_all:
        raise InputError(
            f"{host} is reached from other machines: set {TOKEN} (or --token), or say --open-to-all to need none"
        )
    if token is not None and len(token) < 16:
        raise InputError("the token is short enough to guess; give 16 characters or more")
    try:
        from commands.serve.running import run
    except ModuleNotFoundError as missing:
        raise InputError(f"this needs {missing.name}: pip install 'fleetcast[web]'") from None
    from commands.catalogs_of_user import user_directories
    from commands.serve.settings import Settings

    return run(
        Settings(
            host=host,
            port=port,
            names=(*(name or ()), host),
            token=token,
            allow_hub=allow_hub,
            history=None if no_history else history or history_file(),
            directories=tuple(map(str, (*user_directories(), *(catalog or ())))),
            workers=workers or os.cpu_count() or 1,
            requests_per_s_per_client=rate,
            answer_s=limit,
        )
    )


def history_file() -> Path:
    """Return the file of calculations in the user's data directory."""
    from platformdirs import user_data_path

    return user_data_path("fleetcast") / "history.db"


app.command("serve")(serve_command)
