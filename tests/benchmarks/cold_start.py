"""Print wall time and memory of a cold `fleetcast forecast … --json`: `python tests/benchmarks/cold_start.py`.

Each run is a process of its own. Beside it stand the imports that no forecast can do without.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
RUNS = 9
FORECAST = (
    *("forecast", "--model", "llama-3.1-70b", "--precision", "FP16", "--rps", "10", "--gpu-type", "A100-80GB"),
    *("--input-tokens", "500", "--output-tokens", "200", "--json"),
)
CASES = {
    "forecast --json": (str(ROOT / "main.py"), *FORECAST),
    "refused input": (str(ROOT / "main.py"), "forecast", "--rps", "abc"),
    "--version": (str(ROOT / "main.py"), "--version"),
    "imports alone": ("-c", "import typer, pydantic, numpy"),
    "the interpreter": ("-c", "pass"),
}


def measured(arguments: tuple[str, ...]) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak memory in MB of one run."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def main() -> None:
    """Print a line for each case."""
    print(f"{'':18}{'wall, best':>12}{'median':>10}{'CPU, best':>12}{'memory':>10}")
    for name, arguments in CASES.items():
        runs = [measured(arguments) for _ in range(RUNS)]
        walls, cpus, memory = zip(*runs, strict=True)
        print(f"{name:18}{min(walls):>10.3f} s{median(walls):>8.3f} s{min(cpus):>10.3f} s{max(memory):>7.0f} MB")
    print(f"Python {sys.version.split()[0]}, bytecode {'not ' if sys.dont_write_bytecode else ''}kept")


if __name__ == "__main__":
    main()
