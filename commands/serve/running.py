"""A server that runs until it is told to end; it then lets running requests finish."""

import asyncio
import logging
import socket
import sys
from types import FrameType

import uvicorn

from catalogs.errors import InputError
from commands.failures import Exit
from commands.serve.answers.talk import new_key
from commands.serve.application import application
from commands.serve.guard import Guard
from commands.serve.patience import patient_for
from commands.serve.settings import Settings

GRACE_S = 20
"""In which running requests may finish after Ctrl-C."""


def run(settings: Settings) -> Exit:
    """Serve until Ctrl-C or a signal to end.

    Raises InputError where the address is taken or not this machine's.
    """
    new_key()
    config = uvicorn.Config(
        Guard(application(settings), settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=1000,
        lifespan="on",
        http=patient_for(settings.request_s),
    )
    try:
        listening = socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET,
            backlog=512,
        )
    except OSError:
        raise InputError(
            f"{settings.host} port {settings.port} cannot be listened on; another program may have it, --port 0 takes "
            "a free one"
        ) from None
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    server = _Server(config, f"fleetcast is at http://{shown}:{port}/ (Ctrl-C ends it)")
    try:
        asyncio.run(server.serve(sockets=[listening]))
    except KeyboardInterrupt:
        return Exit.DONE
    return Exit.DONE


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so where nobody has ended it meanwhile."""
        await super().startup(sockets)
        if not self.should_exit:
            print(self._ready, file=sys.stderr, flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; the second time at once, and without reports of what did not end by itself."""
        super().handle_exit(sig, frame)
        if self.force_exit:
            logging.getLogger("uvicorn.error").disabled = True
