import json
from importlib import import_module

import pytest

from engine.estimate.estimate import Estimate, Incompatible, estimate
from engine.estimate.explain import explain, explanation_json
from engine.estimate.figure import Figure
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


def named(figures: tuple[Figure, ...], name: str) -> Figure:
    return next(figure for figure in figures if figure.name == name)


@pytest.mark.parametrize("runtime", ["vllm", "tensorrt-llm"])
@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.kind)
@pytest.mark.parametrize("model", MODELS)
def test_each_figure_is_made_again_and_is_the_sum_of_its_parts(model: str, load: GivenLoad, runtime: str) -> None:
    figures = explain(result(load, model, runtime))
    assert len(figures) >= 11
    for figure in figures:
        assert figure.again() == pytest.approx(figure.value, rel=1e-12), figure.name
        if figure.parts:
            assert sum(figure.parts.values()) == pytest.approx(figure.value, rel=1e-9), figure.name


def test_the_figures_are_those_of_the_estimate() -> None:
    found = result(GivenLoad("rps", 1.0))
    figures = explain(found)
    values = {figure.name: figure.value for figure in figures}
    assert values["weights, whole model"] == found.memory.weights_bytes
    assert values["KV cache pool per accelerator"] == found.memory.per_accelerator.kv_cache_bytes
    assert values["sequences of mean length that fit"] == found.memory.max_concurrent_sequences
    assert values["TTFT, mean"] == found.ttft_s.mean
    assert values["ITL, mean"] == found.itl_s.mean
    assert values["E2E, mean"] == found.e2e_s.mean
    assert values["output tokens"] == found.output_tokens_per_s
    assert values["FLOPs of a mean prompt"] == found.flops.prefill_total


def test_the_function_that_made_a_figure_can_be_found() -> None:
    for figure in explain(result(GivenLoad("concurrency", 4))):
        module, _, name = figure.made_by.rpartition(".")
        assert getattr(import_module(module), name) is figure.function


def test_every_input_names_its_source() -> None:
    figures = explain(result(GivenLoad("rps", 1.0)))
    assert all(item.source for figure in figures for item in figure.inputs)
    weights = named(figures, "weights, whole model")
    assert CATALOG.models["llama-3.1-70b"].source in {item.source for item in weights.inputs}


def test_one_accelerator_has_no_collectives_and_more_have() -> None:
    alone = explain(result(GivenLoad("static_batch", 1), "llama-3.1-8b"))
    sharded = explain(result(GivenLoad("static_batch", 1), "llama-3.1-8b", serving__tensor_parallel=4))
    assert "collectives" not in named(alone, "decoding step").parts
    assert named(sharded, "decoding step").parts["collectives"] > 0


def test_weights_of_a_mixture_are_mostly_its_experts() -> None:
    weights = named(explain(result(GivenLoad("static_batch", 1), "deepseek-v3")), "weights, whole model")
    assert weights.parts["routed experts"] > 0.9 * weights.value


def test_waiting_grows_with_the_load_and_its_own_prefill_hardly() -> None:
    calm, busy = (named(explain(result(GivenLoad("rps", rate))), "TTFT, mean").parts for rate in (0.1, 6.0))
    assert busy["prompts in the same step"] > 10 * calm["prompts in the same step"]
    assert busy["attention over the prompt"] == pytest.approx(calm["attention over the prompt"])


def test_an_explanation_is_json_and_there_is_none_of_what_cannot_be() -> None:
    found = result(GivenLoad("offline"))
    tree = json.loads(json.dumps(explanation_json(found), allow_nan=False))
    assert [entry["name"] for entry in tree] == [figure.name for figure in explain(found)]
    spec = asked({"traffic.requests_per_s": None, "serving.tensor_parallel": 1})
    outcome = estimate(spec, GivenLoad("offline"), CATALOG)
    assert isinstance(outcome, Incompatible)
    assert explanation_json(outcome) == []
