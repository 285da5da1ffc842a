"""Compare the answers of two checkouts to the fixed questions: ``python tests/questions/compare.py BEFORE [AFTER]``.

Each question is asked with ``--json`` and with ``--full --plain``, in one process a checkout, by the interpreter that
runs this program. Differences are printed as unified diffs; the exit code is 1 where there are any.
"""

import difflib
import json
import re
import subprocess
import sys
from pathlib import Path

NULL = re.compile(r'\s*"\w+": null,?')
HERE = Path(__file__).resolve().parents[2]

ASK = """
import contextlib, io, json, sys
sys.path[0] = "."
from commands import main
answers = {}
for name, line in json.load(sys.stdin).items():
    out, err = io.StringIO(), io.StringIO()
    out.isatty = err.isatty = lambda: False
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(line)
        except SystemExit as ended:
            code = ended.code
    answers[name] = [f"exit code {code}", *out.getvalue().splitlines(), *err.getvalue().splitlines()]
json.dump(answers, sys.__stdout__)
"""


def answers(checkout: Path, lines: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what a checkout prints for each command line, by its name."""
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=checkout, input=json.dumps(lines), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{checkout}: {done.stderr}")
    answered: dict[str, list[str]] = json.loads(done.stdout)
    # A null says nothing: a field that only one of the checkouts has is no difference until it is stated.
    return {name: [line.rstrip(",") for line in said if not NULL.fullmatch(line)] for name, said in answered.items()}


def command_lines() -> dict[str, list[str]]:
    """Return each fixed question in both forms of its answer."""
    sys.path.insert(0, str(HERE))
    from tests.questions.fixed import QUESTIONS  # the path is set just before

    lines: dict[str, list[str]] = {}
    for name, words in QUESTIONS.items():
        lines[f"{name} (text)"] = [*words, *(["--full", "--plain"] if words[0] == "forecast" else [])]
        if words[0] != "catalog":
            lines[f"{name} (JSON)"] = [*words, "--json"]
    return lines


def main() -> int:
    """Print how many answers are equal, and each that is not."""
    lines = command_lines()
    before, after = (answers(Path(path), lines) for path in (*sys.argv[1:], HERE)[:2])
    differing = [name for name in lines if before[name] != after[name]]
    for name in differing:
        print(f"== {name}: {' '.join(lines[name])}")
        print("\n".join(difflib.unified_diff(before[name], after[name], "before", "after", lineterm="", n=0)))
    print(f"{len(lines) - len(differing)} of {len(lines)} answers are equal")
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
