"""Papers whose figures the program makes: each `$ fleetcast …` block stands as it is printed now.

Where this fails after an intended change, `python tests/test_papers_with_figures.py` writes the new output in.
"""

import contextlib
import io
import os
import re
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAPERS = tuple(ROOT / "spec-kit" / name for name in ("costs.md", "scenario_analysis.md", "research_notes.md"))
BLOCK = re.compile(r"^```text\n\$ fleetcast (.*)\n((?:.*\n)*?)```$", re.MULTILINE)


def printed(line: str) -> str:
    """Return what a command prints on 80 columns."""
    from commands import main

    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()):
        main(shlex.split(line))
    return "".join(f"{shown.rstrip()}\n" for shown in text.getvalue().strip("\n").splitlines())


def test_papers_show_what_is_printed(monkeypatch: object, tmp_path: Path) -> None:
    patch = monkeypatch.setenv  # type: ignore[attr-defined]
    patch("XDG_CONFIG_HOME", str(tmp_path))
    patch("COLUMNS", "80")
    stale, blocks = [], 0
    for paper in PAPERS:
        for line, shown in BLOCK.findall(paper.read_text(encoding="utf-8")):
            blocks += 1
            if printed(line) != shown:
                stale.append(f"{paper.name}: fleetcast {line}")
    assert blocks >= 1
    assert stale == []


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ["COLUMNS"] = "80"
    for file in PAPERS:
        written = BLOCK.sub(lambda found: f"```text\n$ fleetcast {found[1]}\n{printed(found[1])}```", file.read_text())
        file.write_text(written)
