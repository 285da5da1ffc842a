"""HTTP/1.1 with an end to patience: a connection on which no request comes about is closed, however it drips.

What a client sends beside bodies is bounded too: the parser, which is written in C, takes heads of any length.
"""

from asyncio import TimerHandle, Transport
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BESIDE_BODY: Final = 64 * 2**10
"""Bytes of a head, and of what frames a body that comes in chunks; as much as h11 takes."""


def patient_for(seconds: float) -> type[HttpToolsProtocol]:
    """Return the protocol of connections that wait so long for a whole head of a request."""

    class Patient(HttpToolsProtocol):
        _closing: TimerHandle | None = None
        _beside_body = 0
        """Bytes since the last request ended."""

        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            self._beside_body += len(data)
            super().data_received(data)
            if self._beside_body > MOST_BESIDE_BODY and not self.transport.is_closing():
                self.send_400_response(f"The head of a request is longer than {MOST_BESIDE_BODY:,} bytes.")
            self._wait()

        def on_body(self, body: bytes) -> None:
            self._beside_body -= len(body)
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._beside_body = 0
            super().on_message_complete()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self._closing:
                self._closing.cancel()

        def _wait(self) -> None:
            """Begin to wait where no request is under way; who waits already is not waited for longer.

            A request that is answered is over, whether or not its body ever ends.
            """
            if self.cycle and not self.cycle.response_complete:
                if self._closing:
                    self._closing.cancel()
                self._closing = None
            elif self._closing is None:
                self._closing = self.loop.call_later(seconds, self._close)

        def _close(self) -> None:
            if not self.transport.is_closing():
                self.transport.close()

    return Patient
