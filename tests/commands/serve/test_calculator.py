"""The endpoints of earlier calculators: their shape, our physics."""

import json
import re
from typing import Any

import pytest

from catalogs.catalog import Catalog
from commands.serve.answers.calculator import ANSWER
from commands.serve.answers.work import Desk, answered

DESK = Desk(Catalog.load([]))
OWN = {"hidden_dim": 4096, "ff_dim": 11008, "num_layers": 32, "vocab_size": 32000}


def asked(kind: str, **body: Any) -> Any:
    answer = answered(kind, json.dumps(body).encode(), DESK)
    tree = json.loads(answer.body)
    assert answer.status == 200, tree
    return tree


def test_memory_by_hand() -> None:
    """Llama 2 7B: 6.74 billion parameters of 2 bytes; 32 layers × 2 × 4,096 × 2 bytes a token of KV cache."""
    vram = asked("calculate", **OWN, batch_size=4)["vram"]
    assert vram["model_base"] == pytest.approx(13.476, abs=0.001)
    assert vram["kv_cache_base"] == pytest.approx(4 * (2048 + 32) * 32 * 2 * 4096 * 2 / 1e9, rel=1e-3)
    assert vram["total_base"] == pytest.approx(
        sum(vram[f"{part}_base"] for part in ("model", "kv_cache", "activations"))
    )
    assert vram["total_system_wide"] > vram["total_base"]


def test_a_token_s_latency_is_bound_by_memory_and_agrees_with_the_throughput() -> None:
    answer = asked("calculate", model_name="llama-3.1-8b", gpu="h100", batch_size=8)
    performance = answer["performance"]
    assert performance["tokens_per_second"] == pytest.approx(8 / performance["token_latency"])
    assert performance["time_for_1000_tokens"] == pytest.approx(1000 * performance["token_latency"])
    read = answer["vram"]["model_per_gpu"] + answer["vram"]["kv_cache_per_gpu"]
    assert performance["token_latency"] > read / 3350, "weights and KV cache over 3,350 GB/s: nothing decodes faster"
    assert 0.3 < performance["bandwidth_utilization"] < 1


def test_an_efficiency_factor_replaces_ours_only_where_it_is_given() -> None:
    ours, theirs = asked("calculate", **OWN), asked("calculate", **OWN, efficiency_factor=0.3)
    assert theirs["performance"]["prefill_latency"] == pytest.approx(theirs["flops"]["prefill_total"] / (312e12 * 0.3))
    assert theirs["parallelism"]["effective_tflops"] == pytest.approx(312 * 0.3)
    assert ours["performance"]["prefill_latency"] < theirs["performance"]["prefill_latency"]
    assert ours["performance"]["token_latency"] == theirs["performance"]["token_latency"]


def test_what_does_not_fit_one_is_split_and_three_ways_stand_in_one_shape() -> None:
    answer = asked("calculate", model_name="llama-3.1-70b", gpu="h100")
    assert answer["parallelism"]["num_gpus"] == 2
    assert answer["parallelism"]["strategy"] == "tensor"
    compared = answer["parallelism"]["compared"]
    assert set(compared) == {"tensor", "pipeline", "sequence"}
    assert len({tuple(one) for one in compared.values()}) == 1
    assert not compared["sequence"]["fits"], "each of its accelerators holds all weights"
    assert compared["tensor"]["token_latency"] < compared["pipeline"]["token_latency"]


def test_one_rule_says_at_every_door_what_fits() -> None:
    """The largest batch that an estimate holds on one accelerator is the calculator's too; one more takes a second."""
    load = {"kind": "static_batch", "value": 1000}
    spec = {"model": "llama-3.1-8b", "precision": {"weights": "bf16"}, "hardware": {"accelerators": ["h100"]}}
    tokens = {"input": {"mean": 8192, "cv": 0}, "output": {"mean": ANSWER, "cv": 0}}
    told = json.dumps(asked("estimate", **spec, tokens=tokens, serving={"tensor_parallel": 1}, load=load))
    most = int(re.findall(r"there: (\d+) fit", told)[0])
    body = {"model_name": "llama-3.1-8b", "gpu": "h100", "seq_length": 8192, "precision": "bf16"}
    full, over = (asked("calculate", **body, batch_size=batch) for batch in (most, most + 1))
    assert [answer["parallelism"]["num_gpus"] for answer in (full, over)] == [1, 2]
    assert 0.9 * full["vram"]["usable_per_gpu"] < full["vram"]["total_system_wide"] <= full["vram"]["usable_per_gpu"]


def test_throughput_stands_beside_per_accelerator_with_their_number() -> None:
    answer = asked("calculate", model_name="llama-3.1-70b", gpu="h100")
    performance = answer["performance"]
    assert performance["num_gpus_by_gpu"]["h100-sxm-80gb"] == 2 > performance["num_gpus_by_gpu"]["b200-sxm"]
    assert performance["throughput_by_gpu"]["h100-sxm-80gb"] * 2 == pytest.approx(performance["tokens_per_second"])


def test_the_fullest_stage_of_a_pipeline_counts_with_its_layers_of_the_cache() -> None:
    """Of three layers on two stages one holds two: two thirds of the KV cache, as of the weights."""
    body = {"hidden_dimensions": 4096, "feedforward_dimensions": 11008, "num_layers": 3, "vocab_size": 32000}
    batch = {"batch_size": 400}
    alone = asked("scaling", gpu_vram_gb=1000, **batch, **body)["scaling_details"]["single_gpu_memory_breakdown"]
    split = asked("scaling", gpu_vram_gb=36, **batch, **body)["scaling_details"]["parallel_strategies"]
    stage = split["pipeline_parallel"]
    assert stage["num_gpus"] == 2
    least = (alone["kv_cache_gb"] + alone["model_weights_gb"] * 0.8) * 2 / 3
    assert stage["vram_per_gpu_gb"] > least


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("calculate", {**OWN, "sequence_length": 5}, "did you mean seq_length?"),
        ("calculate", {**OWN, "batchsize": 5}, "did you mean batch_size?"),
        ("calculate", {"model_name": "llama-3.1-8b", "hidden_dim": 4096}, "leave one of them out"),
        ("scaling", {"gpu_vram_gb": 80, "seq_length": 5}, "did you mean sequence_length?"),
        ("estimate", {"model": "llama-3.1-8b", "load": {"kind": "rps", "value": 1, "valu": 2}}, "did you mean value?"),
        ("compare", {"spec": {}, "over": {"model": ["a"]}, "verfy": False}, "did you mean verify?"),
        ("understand", {"sentence": "70B", "text": "70B"}, "is not a field of the request"),
        ("explain", {"flags": {}, "path": "answer", "figure": "x"}, "is not a field of the request"),
    ],
)
def test_no_field_is_passed_over_in_silence(kind: str, body: dict[str, Any], words: str) -> None:
    answer = answered(kind, json.dumps(body).encode(), DESK)
    assert answer.status == 400
    assert words in json.loads(answer.body)["error"]


def test_a_larger_batch_is_more_throughput_and_a_longer_step() -> None:
    small, large = (asked("calculate", **OWN, batch_size=n)["performance"] for n in (1, 16))
    assert small["token_latency"] < large["token_latency"]
    assert small["tokens_per_second"] < large["tokens_per_second"]


def test_scaling_over_small_accelerators() -> None:
    body = {"hidden_dimensions": 4096, "feedforward_dimensions": 11008, "num_layers": 32, "vocab_size": 32000}
    one, split = asked("scaling", gpu_vram_gb=80, **body), asked("scaling", gpu_vram_gb=10, **body)
    assert one["fits_on_single_gpu"]
    assert one["recommended_strategy"] == "single_gpu"
    assert one["num_gpus_required"] == 1
    assert not split["fits_on_single_gpu"]
    assert split["num_gpus_required"] == 2
    parts = split["scaling_details"]["single_gpu_memory_breakdown"]
    assert sum(parts.values()) == pytest.approx(split["total_vram_required_gb"])
    assert split["scaling_details"]["parallel_strategies"]["tensor_parallel"]["vram_per_gpu_gb"] <= 10
