"""Print what verification costs a cold `fleetcast forecast … --json`: `python tests/benchmarks/verified_speed.py`.

Each run is a process of its own, in pure Python; the target is 1.5 s with everything. Beside it the same without a
simulation.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.cold_start import ROOT, measured

TARGET_S = 1.5
RUNS = 3
CHAT = ("--model", "llama-3.1-70b", "--rps", "10", "--input-tokens", "500", "--output-tokens", "200")
A100 = (*CHAT, "--gpu-type", "A100-80GB", "--tp", "4")
LONG = ("--model", "llama-3.1-70b", "--precision", "fp8", "--gpu-type", "H100", "--input-tokens", "1500")
LONG += ("--output-tokens", "300")
STARVED = ("--model", "llama-3.1-8b", "--gpu-type", "L4", "--tp", "1", "--input-tokens", "500")
STARVED += ("--output-tokens", "2000")
GIVEN = ("--model", "llama-3.1-70b", "--gpu-type", "A100-80GB", "--tp", "4", "--gpus", "16", *CHAT[4:])
CASES = {
    "no targets": A100,
    "TTFT p95": (*A100, "--ttft-p95", "1s"),
    "TTFT p99, 25 replicas": (*LONG, "--rps", "100", "--ttft-p99", "800ms"),
    "E2E p99": (*LONG, "--rps", "20", "--e2e-p99", "20s"),
    "tight ITL p95": (*LONG, "--rps", "20", "--itl-p95", "30ms"),
    "a fleet that must grow": (*STARVED, "--rps", "0.2", "--itl-p95", "100ms"),
    "whole catalog": (*CHAT, "--ttft-p95", "500ms", "--itl-p95", "40ms"),
    "whole catalog, p99": (*CHAT, "--ttft-p99", "800ms"),
    "a given fleet": (*GIVEN, "--ttft-p95", "600ms"),
}


def main() -> None:
    """Print a line for each case."""
    print(f"{'':24}{'wall, best':>12}{'CPU, best':>12}{'unverified':>12}")
    for name, flags in CASES.items():
        command = (str(ROOT / "main.py"), "forecast", *flags, "--json")
        verified = [measured(command) for _ in range(RUNS)]
        without = [measured((*command, "--no-verify")) for _ in range(RUNS)]
        wall, cpu, before = (min(run[at] for run in runs) for runs, at in ((verified, 0), (verified, 1), (without, 1)))
        verdict = "" if cpu <= TARGET_S else f"   target {TARGET_S} s"
        print(f"{name:24}{wall:>10.3f} s{cpu:>10.3f} s{before:>10.3f} s{verdict}")


if __name__ == "__main__":
    main()
