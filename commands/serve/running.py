"""A server that runs until it is told to end; it then lets running requests finish."""

import asyncio
import errno
import logging
import signal
import socket
import sys
from types import FrameType
from typing import Final

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


WAYS: Final = {
    errno.EADDRINUSE: "another program has it, --port 0 takes a free one",
    errno.EACCES: "that port needs more rights, --port 0 takes a free one",
}
"""What would do, by why an address cannot be listened on."""


def run(settings: Settings) -> Exit:
    """Serve until Ctrl-C or a signal to end.

    Raises InputError where the address is taken or not this machine's.
    """
    new_key()
    signal.signal(signal.SIGTERM, _ended)
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
    listening = listening_at(settings.host, settings.port)
    address, port = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    server = _Server(config, f"fleetcast is at http://{shown}:{port}/ (Ctrl-C ends it)")
    try:
        asyncio.run(server.serve(sockets=[listening]))
    except KeyboardInterrupt:
        return Exit.DONE
    return Exit.DONE


def listening_at(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises InputError where the address is taken or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        way = WAYS.get(error.errno or 0, "--host takes an address of this machine, such as 127.0.0.1 or 0.0.0.0")
        raise InputError(f"{host} port {port} cannot be listened on; {way}") from None
    # asyncio sets it where a socket names TCP, and this one does not; without it, the body of an answer waits some
    # 40 ms for the client's delayed acknowledgement of its head
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _ended(*_: object) -> None:
    """Leave nothing over: uvicorn raises the signal again once it has ended, which would end the program at once."""
    raise SystemExit(128 + signal.SIGTERM)


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
