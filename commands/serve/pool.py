"""Processes that reckon, a memory of their answers, and a limit on how many requests wait for them."""

import asyncio
import multiprocessing
import os
import pickle
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from threading import Thread
from typing import Any, Final

from msgspec import Struct

from commands.serve.answers.work import Answer, Desk, answered, failure
from commands.serve.memory import Memory
from commands.serve.settings import Settings

MOST_REMEMBERED: Final = 64 * 2**20
"""Bytes of answers."""
SPAWNING: Final = multiprocessing.get_context("spawn")
"""Not forked: the server has threads."""
BUSY: Final = "all processes are busy; ask again in a second"


class Pool:
    """The processes of a server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._remembered = Memory[tuple[str, bytes], Answer](MOST_REMEMBERED)
        self._asked: dict[tuple[str, bytes], asyncio.Future[Answer]] = {}
        self._compiled = SPAWNING.Event()
        self._compiling = SPAWNING.Process(target=_compile, args=(self._compiled,), daemon=True)
        self.waiting = 0
        self.remembered = 0
        """Answers that were given from memory."""

    async def warm(self) -> None:
        """Start the processes and let each load what a forecast needs; beside them the simulator is compiled."""
        if find_spec("numba"):  # as can_compile, which would bring numpy into the process that parses HTTP
            await asyncio.to_thread(_without_interrupts, self._compiling.start)
        processes = await asyncio.gather(*(self._started() for _ in range(self._settings.workers)))
        self._tasks = [asyncio.create_task(self._work(process)) for process in processes]

    async def _started(self) -> "Process":
        """Return a new process that is ready; it ends with the connection to it."""
        settings = self._settings
        begun = await started(_serve, self._compiled, settings.directories, settings.allow_hub, settings.answer_s)
        await begun.received()
        return begun

    async def answer(self, kind: str, body: bytes) -> Answer:
        """Return the answer to a request: from memory, with whoever asks the same just now, or from a process."""
        key = (kind, body)
        if known := self._remembered.get(key):
            self.remembered += 1
            return known
        if key not in self._asked:
            if self.waiting >= self._settings.waiting:
                return failure(503, BUSY)
            self.waiting += 1
            self._asked[key] = asyncio.get_running_loop().create_future()
            self._queue.put_nowait(key)
        return await asyncio.shield(self._asked[key])

    async def _work(self, process: "Process") -> None:
        """Let a process answer what is asked, in turn, and replace it where it has ended."""
        try:
            while True:
                key = await self._queue.get()
                try:
                    if process.writer.is_closing():
                        process = await self._started()
                    process.writer.write(framed(key))
                    answer: Answer = await process.received()
                except (EOFError, OSError):
                    process.writer.close()
                    answer = failure(503, BUSY)
                if answer.status < 500 and not answer.held:  # a line is said once
                    self._remembered.keep(key, answer, len(key[1]) + len(answer.body))
                self.waiting -= 1
                self._asked.pop(key).set_result(answer)
        finally:
            process.writer.close()

    def end(self) -> None:
        """Let running work finish and end the processes."""
        for task in self._tasks:
            task.cancel()
        if self._compiling.pid:
            self._compiling.kill()


ENDING: Final = (signal.SIGINT, signal.SIGTERM)
"""Signals that end a server; who sends one to all its processes means the server, which lets running work finish."""


def _without_interrupts(start: Callable[[], None]) -> None:
    """Start a process that no such signal ever reaches, not even before it can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        start()
        return
    resource_tracker.ensure_running()  # it lets interrupts in again where it has to start first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # of this thread, and of what it starts
    try:
        start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Process(Struct, frozen=True):
    """A process, and the server's end of the connection to it."""

    run: SpawnProcess
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def received(self) -> Any:
        """Return the next message.

        Raises EOFError or OSError where the process has ended.
        """
        return pickle.loads(await self.reader.readexactly(int.from_bytes(await self.reader.readexactly(SIZE))))


async def started(work: Callable[..., None], *told: Any) -> Process:
    """Return a new process.

    Args:
        work: what it does, with its end of the connection and what it is told.
    """
    here, there = socket.socketpair()
    run = SPAWNING.Process(target=work, args=(there, *told))
    await asyncio.to_thread(_without_interrupts, run.start)
    there.close()
    return Process(run, *await asyncio.open_connection(sock=here, limit=MOST_WAITING))


SIZE: Final = 4
"""Bytes that state how long a message is."""
MOST_WAITING: Final = 2**20
"""Bytes of an answer that may have come before they are read."""


def framed(message: Any) -> bytes:
    """Return a message behind its size."""
    text = pickle.dumps(message)
    return len(text).to_bytes(SIZE) + text


# --- within a process -------------------------------------------------------------------------------------------------


class _Late(BaseException):
    """An answer takes longer than it may; no handler of exceptions takes it for its own."""


def _compile(compiled: Event) -> None:
    """Have numba's cache hold the simulator's loops, where it can: half a second where it does already, else twenty."""
    if hasattr(os, "nice"):  # not on Windows
        os.nice(10)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    from engine.simulation.compiled import compiled_loops
    from engine.simulation.simulate import hold_compiled_loops

    if compiled_loops().kept:
        hold_compiled_loops()
        compiled.set()


def _hasten(compiled: Event) -> None:
    """Take the compiled loops once the cache holds them."""
    import gc

    from engine.simulation.simulate import hold_compiled_loops

    compiled.wait()
    hold_compiled_loops()
    gc.freeze()


def _serve(
    asked: socket.socket, compiled: Event, directories: tuple[str, ...], allow_hub: bool, answer_s: float
) -> None:
    """Answer what comes until the server ends."""
    import gc
    from pathlib import Path

    from catalogs.catalog import Catalog

    for one in ENDING:
        signal.signal(one, signal.SIG_IGN)
    gc.set_threshold(200_000)
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGPROF, _stop)
        signal.signal(signal.SIGALRM, _stop)
    desk = Desk(Catalog.load([Path(directory) for directory in directories]), allow_hub)
    answered("page", b'{"flags": {"model": "llama-3.1-8b", "rps": "1", "preset": "chat"}}', desk)
    gc.collect()
    gc.freeze()  # what every answer needs lives as long as the process
    Thread(target=_hasten, args=(compiled,), daemon=True).start()
    with suppress(OSError), asked.makefile("rwb") as stream:
        answer: Any = "ready"
        while True:
            stream.write(framed(answer))
            stream.flush()
            if not (size := stream.read(SIZE)):
                return
            kind, body = pickle.loads(stream.read(int.from_bytes(size)))
            answer = _work(kind, body, desk, answer_s)


def _stop(*_: object) -> None:
    raise _Late


def _alarm(seconds: float, desk: Desk) -> None:
    """Stop an answer after so much work, however busy the machine is; one that may wait for the hub, after so long."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL if desk.allow_hub else signal.ITIMER_PROF, seconds)


def _work(kind: str, body: bytes, desk: Desk, limit_s: float) -> Answer:
    try:
        try:
            _alarm(limit_s, desk)
            return answered(kind, body, desk)
        finally:
            _alarm(0.0, desk)
    except _Late:
        return failure(504, f"this takes longer than the {limit_s:g} s that an answer may take; ask less at once")
    except Exception:
        import logging

        logging.getLogger("fleetcast").exception("a bug in the answer to %s %.2000r", kind, body)
        return failure(500, "this is a bug in fleetcast; the server's log says where")
