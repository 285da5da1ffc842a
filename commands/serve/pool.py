"""Processes that reckon, a memory of their answers, and a limit on how many requests wait for them."""

import asyncio
import multiprocessing
import signal
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Final

from commands.serve.answers.work import Answer, Desk, answered, failure
from commands.serve.settings import Settings

MOST_REMEMBERED: Final = 64 * 2**20
"""Bytes of answers."""
BUSY: Final = "all processes are busy; ask again in a second"


class Pool:
    """The processes of a server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # A thread waits for each process: an executor of processes hands each request through three.
        self._threads = ThreadPoolExecutor(settings.workers)
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._remembered: OrderedDict[tuple[str, bytes], Answer] = OrderedDict()
        self._bytes = 0
        self._asked: dict[tuple[str, bytes], asyncio.Future[Answer]] = {}
        self.waiting = 0
        self.remembered = 0
        """Answers that were given from memory."""

    async def warm(self) -> None:
        """Start the processes and let each load what a forecast needs."""
        loop = asyncio.get_running_loop()
        for ready in [loop.run_in_executor(self._threads, self._started) for _ in range(self._settings.workers)]:
            self._idle.put(await ready)

    def _started(self) -> Connection:
        """Return the connection to a new process that is ready; the process ends with it."""
        here, there = multiprocessing.Pipe()
        told = (there, self._settings.directories, self._settings.allow_hub, self._settings.answer_s)
        # Not forked: the server has threads.
        multiprocessing.get_context("spawn").Process(target=_serve, args=told).start()
        there.close()
        here.recv()
        return here

    async def answer(self, kind: str, body: bytes) -> Answer:
        """Return the answer to a request: from memory, with whoever asks the same just now, or from a process."""
        key = (kind, body)
        if known := self._remembered.get(key):
            self._remembered.move_to_end(key)
            self.remembered += 1
            return known
        if key not in self._asked:
            if self.waiting >= self._settings.waiting:
                return failure(503, BUSY)
            self.waiting += 1
            self._asked[key] = asyncio.ensure_future(self._reckoned(key))
        return await asyncio.shield(self._asked[key])

    async def _reckoned(self, key: tuple[str, bytes]) -> Answer:
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._worked, key)
        finally:
            self.waiting -= 1
            del self._asked[key]
        if answer.status < 500:
            self._remember(key, answer)
        return answer

    def _worked(self, key: tuple[str, bytes]) -> Answer:
        """Return what an idle process answers; one that has ended is replaced."""
        process = self._idle.get()
        try:
            process.send(key)
            answer: Answer = process.recv()
        except (EOFError, OSError):
            process = self._started()
            return failure(503, BUSY)
        else:
            return answer
        finally:
            self._idle.put(process)

    def _remember(self, key: tuple[str, bytes], answer: Answer) -> None:
        self._remembered[key] = answer
        self._bytes += len(key[1]) + len(answer.body)
        while self._bytes > MOST_REMEMBERED:
            (_, body), old = self._remembered.popitem(last=False)
            self._bytes -= len(body) + len(old.body)

    def end(self) -> None:
        """Let running work finish and end the processes."""
        self._threads.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().close()


# --- within a process -------------------------------------------------------------------------------------------------


class _Late(BaseException):
    """An answer takes longer than it may; no handler of exceptions takes it for its own."""


def _serve(asked: Connection, directories: tuple[str, ...], allow_hub: bool, answer_s: float) -> None:
    """Answer what comes until the server ends."""
    import gc
    from pathlib import Path

    from catalogs.catalog import Catalog

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's: it lets running work finish
    gc.set_threshold(200_000)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _stop)
    desk = Desk(Catalog.load([Path(directory) for directory in directories]), allow_hub)
    answered("page", b'{"flags": {"model": "llama-3.1-8b", "rps": "1", "preset": "chat"}}', desk)
    gc.collect()
    gc.freeze()  # what every answer needs lives as long as the process
    asked.send("ready")
    with suppress(EOFError, OSError):
        while True:
            kind, body = asked.recv()
            asked.send(_work(kind, body, desk, answer_s))


def _stop(*_: object) -> None:
    raise _Late


def _alarm(seconds: float) -> None:
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _work(kind: str, body: bytes, desk: Desk, limit_s: float) -> Answer:
    try:
        try:
            _alarm(limit_s)
            return answered(kind, body, desk)
        finally:
            _alarm(0.0)
    except _Late:
        return failure(504, f"this takes longer than the {limit_s:g} s that an answer may take; ask less at once")
    except Exception:
        import logging

        logging.getLogger("fleetcast").exception("a bug in the answer to %s %.2000r", kind, body)
        return failure(500, "this is a bug in fleetcast; the server's log says where")
