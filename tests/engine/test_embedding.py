"""Embedding and reranking models: each text is one prefill, and no answer is written."""

from typing import Any

import pytest

from catalogs.errors import InputError
from engine.plan import CapacityPlan
from engine.workload import spec_from
from tests.engine.asked import formula_plan

ASKED: dict[str, Any] = {
    "model": "qwen3-8b",
    "traffic.requests_per_s": 100.0,
    "tokens.input.mean": 500.0,
    "tokens.output.mean": 1.0,
    "hardware.accelerators": ["h100-sxm-80gb"],
}


def plan(**values: Any) -> CapacityPlan:
    made = formula_plan(spec_from({**ASKED, **values}))
    assert isinstance(made, CapacityPlan)
    return made


def test_a_text_takes_what_a_prompt_with_one_token_takes() -> None:
    read = plan(**{"serving.task": "embed"})
    written = plan(**{"targets": ({"metric": "ttft", "percentile": "p95", "seconds": 2.0},)})
    assert read.replica_capacity.requests_per_s == pytest.approx(written.replica_capacity.requests_per_s, rel=0.01)
    assert read.performance.at_peak.ttft_s.p95 == pytest.approx(read.performance.at_peak.e2e_s.p95, rel=0.05)


def test_a_replica_does_no_more_than_its_peak_rate_of_products_allows() -> None:
    """Two operations a parameter and token (Kaplan et al. 2020), on 989 TFLOP/s of an H100."""
    most = plan(**{"serving.task": "embed"}).replica_capacity.saturated_requests_per_s
    assert most * 500 * 2 * 7.0e9 < 989e12


@pytest.mark.parametrize(
    ("runtime", "flag"),
    [("vllm", "--runner pooling"), ("vllm@0.9", "--task embed"), ("sglang", "--is-embedding")],
)
def test_the_command_serves_vectors(runtime: str, flag: str) -> None:
    assert flag in plan(**{"serving.task": "embed", "serving.runtime": runtime}).chosen.command
    assert flag not in plan(**{"serving.runtime": runtime}).chosen.command


@pytest.mark.parametrize(
    "values",
    [
        {"tokens.output.mean": 20.0},
        {"targets": ({"metric": "itl", "percentile": "p95", "seconds": 0.05},)},
    ],
    ids=str,
)
def test_what_an_embedding_does_not_have_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="an embedding has no"):
        spec_from({**ASKED, "serving.task": "embed", **values})
