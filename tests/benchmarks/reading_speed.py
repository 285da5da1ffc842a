"""Print how fast sentences are read: `python tests/benchmarks/reading_speed.py`.

A sentence, and texts of ten thousand characters beside their first half: twice as long may take twice the time.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.interpret import interpret, prepare
from catalogs.catalog import Catalog
from tests.agent.interpret.test_interpret import LONG_TEXTS, SENTENCE

CATALOG = Catalog.load()


def seconds(text: str, runs: int = 3) -> float:
    """Return the least seconds that a text takes to be read."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        interpret(text, CATALOG)
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Print a line for each text."""
    prepare(CATALOG)
    print(f"{'a sentence':24}{seconds(SENTENCE, 10) * 1e3:>8.1f} ms")
    for text in LONG_TEXTS:
        whole, half = seconds(text), seconds(text[: len(text) // 2])
        print(f"{text[:12] + ' …':24}{whole * 1e3:>8.0f} ms, its half {half * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
