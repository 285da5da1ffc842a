"""Progress of a long computation, on standard error of a terminal; anywhere else nothing is shown."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

PATIENCE_S = 0.5
"""Seconds before a bar is drawn: a computation that ends sooner shows nothing."""
REDRAWN_EVERY_S = 0.1
BAR_CHARACTERS = 30


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that takes (done, total) and draws a bar; the bar is wiped at the end.

    Args:
        doing: the word before the bar, such as "simulating".
    """
    began = monotonic()
    shown = 0.0

    def draw(done: int, total: int) -> None:
        nonlocal shown
        now = monotonic()
        if now - began < PATIENCE_S or now - shown < REDRAWN_EVERY_S or not sys.stderr.isatty():
            return
        shown = now
        if not total:  # a file that is read as it is needed: nobody knows how long it is
            print(f"\r{doing}: {done:,}", end="", file=sys.stderr, flush=True)
            return
        share = done / total
        bar = "#" * round(BAR_CHARACTERS * share)
        print(f"\r{doing} [{bar:<{BAR_CHARACTERS}}] {share:4.0%}", end="", file=sys.stderr, flush=True)

    try:
        yield draw
    finally:
        if shown:
            print(f"\r{' ' * (len(doing) + BAR_CHARACTERS + 8)}\r", end="", file=sys.stderr, flush=True)


@contextmanager
def compiling_announced() -> Iterator[None]:
    """Say on standard error that the simulator is being compiled, if it is compiled inside this block."""
    from engine.simulation.compiled import when_compiling  # numpy

    def tell(kept: bool) -> None:
        how_long = "once for this machine" if kept else "anew in every run, since numba finds no folder for its cache"
        print(f"Compiling the simulator, {how_long}: some 20 s.", file=sys.stderr, flush=True)

    with when_compiling(tell):
        yield
