"""What sampling with top-p adds to a step: by sequence and entry of the vocabulary, where somebody measured it."""

from typing import Any

import numpy as np
import pytest

from engine.arrays import Floats
from engine.fleet.candidates import Candidates, single
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.question.resolve import resolve
from engine.simulation import step_model_of
from engine.step.parallelism import ParallelSizes
from engine.workload import spec_from
from tests.engine.asked import CATALOG
from tests.every import of_every

SORTED = "vllm@0.12"
LLAMA, GEMMA = "llama-3.1-8b", "gemma-3-12b"
ALONE = ParallelSizes(1, 1, 1, 1)


def values(sampling: str, runtime: str = SORTED, model: str = LLAMA, accelerator: str = "h100") -> dict[str, Any]:
    return {
        "model": model, "serving.runtime": runtime, "tokens.sampling": sampling, "traffic.requests_per_s": 20,
        "tokens.input.mean": 300, "tokens.output.mean": 300, "hardware.accelerators": (accelerator,),
    }  # fmt: skip


def candidate(*asked: str, sizes: ParallelSizes = ALONE) -> Candidates:
    return single(resolve(spec_from(values(*asked)), CATALOG), sizes)


def added(batch: float, *asked: str, sizes: ParallelSizes = ALONE) -> float:
    """Seconds that top-p adds to a decoding step of so many sequences."""
    in_flight: Floats = np.array([[batch]])
    sampled, greedy = (
        candidate(kind, *asked, sizes=sizes).step_tables().sequences(in_flight)[0, 0] for kind in ("top_p", "greedy")
    )
    return float(sampled - greedy)


def test_it_is_the_entrys_cost_of_every_sequence_and_entry_of_the_vocabulary() -> None:
    """By hand: 64 sequences, 128,256 entries, 0.2 ns each; twice as many sequences, a vocabulary of 262,208."""
    assert added(64) == pytest.approx(64 * 128_256 * 0.2e-9)
    assert added(128) == pytest.approx(2 * added(64))
    assert added(64, SORTED, GEMMA) == pytest.approx(added(64) * 262_208 / 128_256)


def test_each_rank_samples_its_own_sequences_over_the_whole_vocabulary() -> None:
    assert added(64, sizes=ParallelSizes(4, 1, 1, 1)) == pytest.approx(added(64))
    assert added(64, sizes=ParallelSizes(1, 2, 1, 1)) == pytest.approx(added(64) / 2)


def test_newer_kernels_cost_less_and_other_vendors_have_no_flashinfer() -> None:
    costs = [added(64, runtime) for runtime in (SORTED, "vllm@0.18", "vllm")]
    assert costs[0] > costs[1] > costs[2] > 0
    assert added(64, "vllm", LLAMA, "mi300x") == pytest.approx(costs[1])


def test_the_simulator_pays_what_the_formulas_do() -> None:
    greedy, sampled = (step_model_of(candidate(kind)) for kind in ("greedy", "top_p"))
    assert sampled.decode_sequence_s - greedy.decode_sequence_s == pytest.approx(128_256 * 0.2e-9)


@of_every(("vllm@0.10", "sglang", "tensorrt-llm"))
def test_where_nobody_measured_it_nothing_is_added(runtime: str) -> None:
    assert added(256, runtime) == 0


@pytest.mark.parametrize(
    ("runtime", "sampling", "said"),
    [
        (SORTED, "greedy", "top-p, which many models' generation_config asks for, adds"),
        ("sglang", "top_p", "what top-p costs under SGLang 0.5.23 is not known"),
        ("vllm", "greedy", ""),
        (SORTED, "top_p", ""),
    ],
)
def test_a_plan_says_what_top_p_would_add_where_that_counts(runtime: str, sampling: str, said: str) -> None:
    spec = spec_from(values(sampling, runtime))
    plan = forecast(spec, CATALOG, verify=False)
    assert isinstance(plan, CapacityPlan)
    lines = [one.text for one in plan.assumptions if "top-p" in one.text]
    assert len(lines) == bool(said)
    assert all(said in line for line in lines)


def test_longer_steps_carry_less() -> None:
    greedy, sampled = (forecast(spec_from(values(kind)), CATALOG, verify=False) for kind in ("greedy", "top_p"))
    assert isinstance(greedy, CapacityPlan)
    assert isinstance(sampled, CapacityPlan)
    assert sampled.replica_capacity.requests_per_s < greedy.replica_capacity.requests_per_s
