"""Progress of a long computation, on standard error of a terminal; anywhere else nothing is shown."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from time import monotonic

from commands.showing import QUIET

PATIENCE_S = 0.5
"""Seconds before a bar is drawn: a computation that ends sooner shows nothing."""
REDRAWN_EVERY_S = 0.1
BAR_CHARACTERS = 30


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Say after a while what is being done; give a function that takes (done, total) and draws a bar instead.

    What was drawn is wiped at the end.

    Args:
        doing: the word before the bar, such as "simulating".
    """
    began = monotonic()
    shown = 0.0
    wanted = sys.stderr.isatty() and not QUIET.get()

    def write(text: str) -> None:
        nonlocal shown
        shown = monotonic()
        print(f"\r{text}", end="", file=sys.stderr, flush=True)

    def draw(done: int, total: int) -> None:
        now = monotonic()
        if not wanted or now - began < PATIENCE_S or now - shown < REDRAWN_EVERY_S:
            return None
        if not total:  # a file that is read as it is needed: nobody knows how long it is
            return write(f"{doing}: {done:,}")
        share = done / total
        return write(f"{doing} [{'#' * round(BAR_CHARACTERS * share):<{BAR_CHARACTERS}}] {share:4.0%}")

    unmoved = Timer(PATIENCE_S, lambda: None if shown else write(f"{doing} …"))
    unmoved.daemon = True
    if wanted:
        unmoved.start()
    try:
        yield draw
    finally:
        if wanted:
            unmoved.cancel()
            unmoved.join()
        if shown:
            print(f"\r{' ' * (len(doing) + BAR_CHARACTERS + 8)}\r", end="", file=sys.stderr, flush=True)


@contextmanager
def compiling_announced() -> Iterator[None]:
    """Say on standard error that the simulator is being compiled, if it is compiled inside this block."""
    from engine.simulation.compiled import when_compiling  # numpy

    def tell(kept: bool) -> None:
        how_long = "once for this machine" if kept else "anew in every run, since numba finds no folder for its cache"
        if QUIET.get():
            return
        print(f"Compiling the simulator, {how_long}: some 20 s.", file=sys.stderr, flush=True)

    with when_compiling(tell):
        yield
