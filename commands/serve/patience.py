"""HTTP/1.1 with an end to patience: a connection on which no request comes about is closed, however it drips."""

from asyncio import TimerHandle, Transport

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def patient_for(seconds: float) -> type[H11Protocol]:
    """Return the protocol of connections that wait so long for a whole head of a request."""

    class Patient(H11Protocol):
        _closing: TimerHandle | None = None

        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._wait()

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
            if self.conn.their_state is not h11.IDLE and self.conn.our_state is not h11.DONE:
                if self._closing:
                    self._closing.cancel()
                self._closing = None
            elif self._closing is None:
                self._closing = self.loop.call_later(seconds, self._close)

        def _close(self) -> None:
            if not self.transport.is_closing():
                self.transport.close()

    return Patient
