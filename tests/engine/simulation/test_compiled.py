"""Compiled code where its cache cannot be written, and heaps on arrays."""

import heapq
import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from catalogs.catalog import Catalog
from engine.method import forecast
from engine.simulation.compiled import PLAIN, compiled_loops
from engine.simulation.heaps import array_pop, array_push, array_remove
from engine.simulation.simulate import hold_compiled_loops, loops_for
from engine.workload import Target, spec_from

ROOT = Path(__file__).resolve().parents[3]


def test_an_array_heap_gives_up_its_keys_in_order() -> None:
    """As heapq does, with keys taken out of its middle; the sentinel stays."""
    draw = Random(1)
    for _ in range(50):
        ours, theirs = np.zeros(64, dtype=np.int64), [1 << 62]
        ours[0], ours[-1] = 1 << 62, 1
        for _ in range(300):
            key = draw.randrange(1000)
            if len(theirs) < 60 and draw.random() < 0.5:
                array_push(ours, key)
                heapq.heappush(theirs, key)
            elif len(theirs) > 1 and draw.random() < 0.5:
                assert array_pop(ours) == heapq.heappop(theirs)
            elif len(theirs) > 1:
                gone = draw.choice([key for key in theirs if key < 1 << 62])
                array_remove(ours, gone)
                theirs.remove(gone)
                heapq.heapify(theirs)
            assert ours[0] == theirs[0] and ours[-1] == len(theirs)


PUSH = """
import numpy as np
from engine.simulation import compiled, heaps

push = compiled._compile(heaps.array_push, {"_rise": compiled._compile(heaps._rise, {})})
compiled._listen(compiled._is_kept(push))
with compiled.when_compiling(lambda kept: print("compiling", kept)):
    heap = np.array([1 << 62, 0, 0, 1])
    push(heap, 5)
    push(heap, 3)
print(heap.tolist())
"""
PUSHED = "[3, 4611686018427387904, 5, 3]"


def pushed(root: Path, **environment: str) -> list[str]:
    """Run compiled code in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", PUSH],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_only_a_cold_cache_is_told_of(tmp_path: Path) -> None:
    """The first process compiles and says so, once; the next one reads what the first wrote, in silence."""
    pytest.importorskip("numba", reason="the extra fast is not installed")
    cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert pushed(ROOT, **cache) == ["compiling True", PUSHED]
    assert pushed(ROOT, **cache) == [PUSHED]


def copied(to: Path) -> None:
    """Copy what compiled code is made of."""
    for room in ("engine", "catalogs"):
        shutil.copytree(ROOT / room, to / room, ignore=shutil.ignore_patterns("__pycache__"))


def test_what_calls_changed_code_is_compiled_anew(tmp_path: Path) -> None:
    """A cached function holds those that it calls, in other files, as they were."""
    pytest.importorskip("numba", reason="the extra fast is not installed")
    copied(tmp_path)
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert pushed(tmp_path, **cache)[0] == "compiling True"
    with (tmp_path / "engine" / "simulation" / "gaps.py").open("a") as source:
        source.write("# changed\n")
    assert pushed(tmp_path, **cache)[0] == "compiling True"


def test_where_no_cache_can_be_written_the_loops_still_compile(tmp_path: Path) -> None:
    """Neither beside the source, nor in the user's cache, nor where the environment says: every process compiles."""
    pytest.importorskip("numba", reason="the extra fast is not installed")
    copied(tmp_path)
    # A file where a folder is wanted: nobody can write into it, not even root.
    (tmp_path / "engine" / "simulation" / "__pycache__").touch()
    nowhere = str(tmp_path / "engine" / "simulation" / "__pycache__" / "x")
    unwritable = {"NUMBA_CACHE_DIR": nowhere, "XDG_CACHE_HOME": nowhere, "HOME": nowhere, "LOCALAPPDATA": nowhere}
    for _ in range(2):
        assert pushed(tmp_path, **unwritable) == ["compiling False", PUSHED]


def test_a_process_that_holds_the_compiled_loops_simulates_with_them_and_plans_the_same() -> None:
    """As the server's processes do; others would read them back for longer than one plan's simulations take."""
    pytest.importorskip("numba", reason="the extra fast is not installed")
    asked = {"model": "llama-3.1-70b", "precision.weights": "fp8", "hardware.accelerators": ("h100-sxm-80gb",)}
    near = {"traffic.requests_per_s": 9.0, "tokens.input.mean": 1500, "tokens.output.mean": 300}
    spec = spec_from(asked | near | {"targets": (Target(metric="ttft", percentile="p95", seconds=0.8),)})
    compiled_loops.cache_clear()
    assert loops_for("auto", 10) is PLAIN
    plain = forecast(spec, Catalog.load())
    hold_compiled_loops()
    assert loops_for("auto", 10).compiled
    assert forecast(spec, Catalog.load()) == plain
