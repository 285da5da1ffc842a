"""How far a long computation has come, on standard error of a terminal; anywhere else nothing is said."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

PATIENCE_S = 0.5
"""Nothing is shown of what is done sooner."""
EVERY_S = 0.1
WIDTH = 30


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function to be told (done, total); a bar is drawn once it takes longer than a moment, and wiped after."""
    began = monotonic()
    shown = 0.0

    def told(done: int, total: int) -> None:
        nonlocal shown
        now = monotonic()
        if now - began < PATIENCE_S or now - shown < EVERY_S or not sys.stderr.isatty():
            return
        shown = now
        if not total:  # a file that is read as it is needed: nobody knows how long it is
            print(f"\r{doing}: {done:,}", end="", file=sys.stderr, flush=True)
            return
        share = done / total
        bar = "#" * round(WIDTH * share)
        print(f"\r{doing} [{bar:<{WIDTH}}] {share:4.0%}", end="", file=sys.stderr, flush=True)

    try:
        yield told
    finally:
        if shown:
            print(f"\r{' ' * (len(doing) + WIDTH + 8)}\r", end="", file=sys.stderr, flush=True)


@contextmanager
def told_of_compiling() -> Iterator[None]:
    """Say on standard error that the simulator is being compiled, where it is."""
    from engine.simulation.compiled import when_compiling  # numpy

    def tell(kept: bool) -> None:
        how_long = "once for this machine" if kept else "anew in every run, since numba finds no folder for its cache"
        print(f"Compiling the simulator, {how_long}: some 20 s.", file=sys.stderr, flush=True)

    with when_compiling(tell):
        yield
