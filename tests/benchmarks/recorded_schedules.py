"""Our simulator beside schedules that vLLM and SGLang made of the same load: ours over theirs.

python tests/benchmarks/recorded_schedules.py [FILE.jsonl.gz] [--speed compiled]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.engine.simulation.recorded import RECORDED, recorded


def main() -> None:
    """Print a line for each scenario and variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=RECORDED)
    parser.add_argument("--speed", choices=["plain", "compiled"], default="plain")
    asked = parser.parse_args()
    missed, count = 0, 0
    print(f"{'ours over theirs':75} TTFT mean   p99   makespan")
    for case in recorded(asked.file):
        ratio = case.ours(asked.speed).over(case.theirs)
        count += 1
        missed += not ratio.close
        said = "" if ratio.close else "   beyond 2, 2 and 1 %"
        print(f"{case!s:75} {ratio.ttft_mean:9.4f} {ratio.ttft_p99:7.4f} {ratio.makespan:8.4f}{said}")
    print(f"{count - missed} of {count} within 2 % of TTFT's mean and p99 and 1 % of the makespan")


if __name__ == "__main__":
    main()
