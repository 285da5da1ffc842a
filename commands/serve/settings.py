"""How a server is set: where it listens, who may ask, how much at once."""

from pathlib import Path

from msgspec import Struct


class Settings(Struct, frozen=True):
    """Of one server."""

    host: str = "127.0.0.1"
    port: int = 8377
    names: tuple[str, ...] = ()
    """Under which clients may reach it, beside those of this machine itself."""
    token: str | None = None
    """Asked of every client; None: nobody is asked."""
    allow_hub: bool = False
    """Whether a client may name a model of the hub, which is then fetched."""
    history: Path | None = None
    """The file of calculations; None: none are kept."""
    directories: tuple[str, ...] = ()
    """Of the user's own catalog entries."""
    workers: int = 1
    """Processes that reckon."""
    requests_per_s_per_client: int = 1000
    waiting: int = 128
    """Requests that may wait for a process; further ones are told to come back."""
    request_s: float = 10.0
    """In which a client must have begun its body, or another request."""
    body_bytes: int = 1_000_000
    body_s: float = 10.0
    """In which a client must have sent its body."""
    answer_s: float = 30.0
    """Computing time that an answer may take, or its time where the hub may be asked; its process then goes on with the
    next."""
    simulation_s: float = 60.0
