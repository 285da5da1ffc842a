"""The library has a page made of its docstrings, which CONTRIBUTING says how to read; nothing of it is kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ("engine", "engine.workload", "engine.plan", "catalogs.catalog")
"""What a program imports; the rooms of engine are read in its source."""


def test_the_page_of_the_library_is_made_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("pdoc", reason="pdoc makes the page; the extra dev brings it")
    made = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pdoc", "-d", "google", *LIBRARY, "-o", str(tmp_path / "pages")],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    for page, name in (
        ("engine", "forecast"),
        ("catalogs/catalog", "Catalog.load"),
        ("engine/workload", "spec_from"),
        ("engine/plan", "NoPlan"),
    ):
        assert f'id="{name}"' in (tmp_path / "pages" / f"{page}.html").read_text(encoding="utf-8"), name
