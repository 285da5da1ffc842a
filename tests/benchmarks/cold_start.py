"""Print what a cold `fleetcast forecast … --json` takes beside the four imports that no forecast can do without.

    python tests/benchmarks/cold_start.py [OTHER …]

Each other is a checkout, or the program of an installation (`…/bin/fleetcast`, run by the `python` beside it). All
cases run in turns, each in a process of its own, so that a busy machine is as unkind to one as to another; bytecode and
catalog are kept, as for whoever runs it twice. Ratios are to the four imports by the same interpreter.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
RUNS = 15
FORECAST = (
    *("forecast", "--model", "llama-3.1-8b", "--rps", "5", "--input-tokens", "500", "--output-tokens", "200"),
    *("--gpu-type", "H100", "--json"),
)
QUESTIONS = {
    "forecast": FORECAST,
    "with a target": (*FORECAST, "--ttft-p95", "800ms"),
    "refused input": ("forecast", "--rps", "abc"),
    "--version": ("--version",),
}
PROGRAMS = {
    "four imports": "import typer, rich, pydantic, numpy",
    "interpreter": "pass",
    "import engine": "import engine",
    "import commands": "import commands",
}
Run = tuple[float, float, float]
"""Wall seconds, CPU seconds, peak memory in MB."""


def measured(arguments: tuple[str, ...], interpreter: str = sys.executable, directory: Path | None = None) -> Run:
    """Return what one run takes.

    Args:
        arguments: of the interpreter.
        interpreter: a path.
        directory: in which it runs; the current one by default.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    out = subprocess.DEVNULL
    started = time.perf_counter()
    process = subprocess.Popen([interpreter, *arguments], cwd=directory, env=kept, stdout=out, stderr=out)
    _, _, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def medians(place: Path, runs: list[dict[str, Run]]) -> None:
    """Print the medians of a place's runs, a line for each case."""
    print(f"\n{place}\n{'':18}{'wall':>9}{'ratio':>7}{'CPU':>11}{'ratio':>7}{'memory':>10}")
    middle = {name: tuple(median(run[name][at] for run in runs) for at in range(3)) for name in runs[0]}
    wall_of_imports, cpu_of_imports, _ = middle["four imports"]
    for name, (wall, cpu, memory) in middle.items():
        ratios = wall / wall_of_imports, cpu / cpu_of_imports
        print(f"{name:18}{wall * 1e3:6.0f} ms{ratios[0]:7.2f}{cpu * 1e3:8.0f} ms{ratios[1]:7.2f}{memory:7.0f} MB")


def all_cases(place: Path) -> dict[str, Run]:
    """Return one run of each case, of a checkout or of an installed program."""
    interpreter, script = (sys.executable, place / "main.py") if place.is_dir() else (place.with_name("python"), place)
    directory = place if place.is_dir() else place.parent
    cases = {name: (str(script), *question) for name, question in QUESTIONS.items()}
    cases |= {name: ("-c", program) for name, program in PROGRAMS.items()}
    return {name: measured(arguments, str(interpreter), directory) for name, arguments in cases.items()}


def main() -> None:
    """Run all cases of all places in turns and print their medians."""
    places = [ROOT, *(Path(name).absolute() for name in sys.argv[1:])]
    for place in places:
        all_cases(place)  # the first reads no bytecode and no copy of the catalog
    runs: dict[Path, list[dict[str, Run]]] = {place: [] for place in places}
    for _ in range(RUNS):
        for place in places:
            runs[place].append(all_cases(place))
    for place in places:
        medians(place, runs[place])


if __name__ == "__main__":
    main()
