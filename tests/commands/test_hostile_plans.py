"""A plan from a stranger: whatever stands in it, it is shown harmlessly or refused in one sentence."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.commands.conftest import Program
from tests.draws import draws

ASKED = ("8B on H100, 20 rps, 1k in, 200 out, p95 TTFT 800ms", "--no-verify")
HOSTILE_TEXTS = (
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    "$(rm -rf ~); `id`",
    "=cmd|' /C calc'!A0",
    "\r\nSet-Cookie: x",
    "a" * 100_000,
    "\ud800",
    "",
)
HOSTILE_NUMBERS = (0, -1, 1e-300, -1e17, 10**17, 0.5)
OTHERS = (None, True, [], {}, [[]], {"a": 1})
SHOWN = (
    ("show",),
    ("show", "--full"),
    ("show", "--plain"),
    ("show", "--json"),
    ("export", "csv"),
    ("export", "markdown"),
    ("explain",),
)
DERIVED = ("bands.replica_capacity.requests_per_s.low", "cost.idle_share", "performance.at_peak.e2e_s.p99")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from commands import main

    file = tmp_path_factory.mktemp("plan") / "plan.json"
    assert main(["forecast", *ASKED, "--output", str(file)]) == 0
    return json.loads(file.read_text())


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(tree, dict | list) and tree:
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, (*path, key))
    else:
        yield path


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    result = copy.deepcopy(tree)
    at = result
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return result


def paths_of(shown: tuple[str, ...]) -> tuple[str, ...]:
    """The figures that are asked for; one without a path where a command takes none."""
    return DERIVED if shown == ("explain",) else ("",)


def check(fleetcast: Program, file: Path, shown: tuple[str, ...]) -> None:
    runs = [fleetcast("plan", *shown, file, *((path,) if path else ())) for path in paths_of(shown)]
    for run in runs:
        assert run.code in (0, 2, 3, 4), (shown, run.err)
        assert "bug" not in run.err.partition(":")[2][:40], run.err
    run = runs[-1]
    if shown[-1] != "--json":  # which holds the characters as data, escaped
        assert not any(char in run.out for char in "\x1b\x07\u202e"), shown
    if run.code == 2:
        assert len(run.err.splitlines()) == 1


@settings(max_examples=draws(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_anywhere_in_a_plan_is_shown_or_refused(
    tree: Any, data: st.DataObject, fleetcast: Program, tmp_path: Path
) -> None:
    path = data.draw(st.sampled_from(list(leaves(tree))))
    value = data.draw(st.sampled_from([*HOSTILE_TEXTS, *HOSTILE_NUMBERS, *OTHERS]))
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(replaced(tree, path, value)), encoding="utf-8")
    check(fleetcast, file, data.draw(st.sampled_from(SHOWN)))


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1" + "0" * 5000, "1e999", "-1e999", "NaN", "Infinity", "1e30"])
def test_a_number_beyond_all_counting_is_refused(fleetcast: Program, tree: Any, tmp_path: Path, number: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(replaced(tree, ("fleet", "replicas"), 918273645)).replace("918273645", number))
    assert "is no number of a plan" in fleetcast.refusal("plan", "show", file)


def test_a_file_cut_anywhere_is_refused(fleetcast: Program, tree: Any, tmp_path: Path) -> None:
    text = json.dumps(tree)
    file = tmp_path / "plan.json"
    for at in range(0, len(text) - 1, len(text) // 20):
        file.write_text(text[:at])
        fleetcast.refusal("plan", "show", file)


def test_a_large_file_ends_in_one_sentence(fleetcast: Program, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("[" + "0," * 1_000_000 + "0]")
    fleetcast.refusal("plan", "show", file)
