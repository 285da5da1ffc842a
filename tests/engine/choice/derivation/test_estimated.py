"""Every figure of an estimate is derived by the book of plans, and its derivation gives it again."""

import pytest

from engine.choice.derivation.derivation import Derivation
from engine.choice.derivation.estimated import derived
from engine.estimate.estimate import Estimate, Incompatible, estimate
from engine.estimate.load_kinds import GivenLoad
from tests.engine.asked import CATALOG, asked

LOADS = (GivenLoad("rps", 1.0), GivenLoad("concurrency", 48), GivenLoad("static_batch", 8), GivenLoad("offline"))
MODELS = (
    "llama-3.1-70b", "deepseek-v3", "deepseek-v3.2", "gpt-oss-120b", "gemma-3-27b", "nemotron-nano-9b-v2",
    "qwen3-next-80b-a3b",
)  # fmt: skip


def result(load: GivenLoad, model: str = "llama-3.1-70b", runtime: str = "vllm", **values: object) -> Estimate:
    spec = asked(
        {
            "traffic.requests_per_s": None,
            "model": model,
            "precision.weights": None,
            "hardware.accelerators": ["h200-sxm-141gb"],
            "serving.runtime": runtime,
            "tokens.prefix_hit": 0.25,
        }
        | {path.replace("__", "."): value for path, value in values.items()}
    )
    found = estimate(spec, load, CATALOG)
    assert isinstance(found, Estimate), found
    return found


def figures_of(found: Estimate) -> dict[str, Derivation]:
    return {figure.path: figure for figure in derived(found)}


def parts(figure: Derivation) -> dict[str, float]:
    return {one.path.rpartition(".")[2]: float(one.value) for one in figure.inputs}


@pytest.mark.parametrize("runtime", ["vllm", "tensorrt-llm"])
@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.kind)
@pytest.mark.parametrize("model", MODELS)
def test_each_figure_is_the_estimates_and_comes_out_again(model: str, load: GivenLoad, runtime: str) -> None:
    found = result(load, model, runtime)
    figures = figures_of(found)
    assert len(figures) >= 13
    for figure in figures.values():
        assert figure.reproduced, (figure.path, figure.sides, figure.formula)
        assert all(
            one.source or one.path.startswith(("estimate.", "chosen.", "spec.", "memory.", "one."))
            for one in figure.inputs
        ), figure.path
    assert figures["memory.weights_bytes"].value == pytest.approx(found.memory.weights_bytes, rel=1e-5)
    assert figures["estimate.itl_s.mean"].value == pytest.approx(found.itl_s.mean, rel=1e-5)


def test_one_accelerator_has_no_collectives_and_more_have() -> None:
    alone = figures_of(result(GivenLoad("static_batch", 1), "llama-3.1-8b"))["load.given.step_s"]
    sharded = figures_of(result(GivenLoad("static_batch", 1), "llama-3.1-8b", serving__tensor_parallel=4))
    assert parts(alone).get("collectives", 0) == 0
    assert parts(sharded["load.given.step_s"])["collectives"] > 0


def test_weights_of_a_mixture_are_mostly_its_experts() -> None:
    weights = figures_of(result(GivenLoad("static_batch", 1), "deepseek-v3"))["memory.weights_bytes"]
    assert parts(weights)["expert"] > 0.9 * float(weights.value)


def test_waiting_grows_with_the_load_and_its_own_prefill_hardly() -> None:
    calm, busy = (parts(figures_of(result(GivenLoad("rps", rate)))["estimate.ttft_s.mean"]) for rate in (0.1, 6.0))
    assert busy["prompts_in_the_same_step"] > 10 * calm["prompts_in_the_same_step"]
    assert busy["attention_over_the_prompt"] == pytest.approx(calm["attention_over_the_prompt"], rel=1e-5)


def test_nothing_is_derived_of_what_cannot_be() -> None:
    spec = asked({"traffic.requests_per_s": None, "serving.tensor_parallel": 1})
    outcome = estimate(spec, GivenLoad("offline"), CATALOG)
    assert isinstance(outcome, Incompatible)
    assert derived(outcome) == ()
