"""The simulator makes of a load what the runtimes' own schedulers make of it."""

import pytest

from tests.engine.simulation.recorded import Recorded, recorded

CASES = list(recorded())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_ttft_and_makespan_are_those_of_the_runtime(case: Recorded) -> None:
    """TTFT mean and p99 within 2 %, the makespan within 1 %."""
    ratios = case.ours().over(case.theirs)
    assert ratios.close, ratios


def test_compiled_says_the_same() -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    for case in CASES[::7]:
        assert case.ours("compiled") == case.ours("plain"), case
