"""What a replica holds: against sums by hand, and the laws of sharding."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.matrices import total_parameters
from catalogs.records.models import Checkpoint, ModelArchitecture
from catalogs.storage import Storage, storage_of
from engine.fleet.candidates import SEAT_SHARE, candidates, longest_request, single
from engine.step.memory import (
    Parallelism,
    activation_bytes,
    kv_bytes_per_token,
    runtime_bytes,
    sequence_bytes,
    weights_bytes,
    weights_bytes_per_accelerator,
)
from engine.step.operations import INDEX_KEY_BYTES
from engine.step.parallelism import ParallelSizes
from tests.catalogs.memory_facts import MEMORY_FACTS, MemoryFact
from tests.draws import draws
from tests.engine.asked import CATALOG, question
from tests.every import of_every

GIB = 2**30
LLAMA_70B = CATALOG.models["llama-3.1-70b"]
MODELS = [CATALOG.models[fact.model] for fact in MEMORY_FACTS]
FACTS = of_every(MEMORY_FACTS, name=lambda fact: fact.model)


def split(tp: int = 1, pp: int = 1, dp: int = 1, ep: int = 1) -> Parallelism:
    return Parallelism(*(np.array([axis]) for axis in (tp, pp, dp, ep)))


def held(model: ModelArchitecture, tokens: float, kv_bytes: float = 2.0, at: Parallelism | None = None) -> float:
    return float(sequence_bytes(model, np.array([tokens]), np.array([kv_bytes]), at)[0])


def stored(model: ModelArchitecture, precision: str = "bf16", checkpoint: Checkpoint | None = None) -> Storage:
    return storage_of(model, CATALOG.precisions[precision], checkpoint, CATALOG.precision)


def shard(model: ModelArchitecture, at: Parallelism) -> float:
    return float(weights_bytes_per_accelerator(model, at, stored(model))[0])


def test_the_seed_case_to_the_byte() -> None:
    """Weights of 131.4 GiB and 320 KiB of KV cache per token."""
    weights = weights_bytes(LLAMA_70B, stored(LLAMA_70B, "fp16"))
    assert weights == 141_107_412_992
    assert round(weights / GIB, 1) == 131.4
    assert kv_bytes_per_token(LLAMA_70B, 2.0) == 320 * 1024


def test_tensorrt_llm_shares_out_what_weights_leave_and_vllm_the_whole() -> None:
    wanted = {"hardware.accelerators": ["h100"], "precision.weights": "fp8"}
    for runtime, share in (("vllm", 0.92), ("vllm@0.19", 0.9), ("tensorrt-llm", 0.9)):
        memory = single(question(wanted | {"serving.runtime": runtime}), ParallelSizes(2)).memory
        taken = memory.weights[0] + memory.activations[0] + memory.runtime[0]
        free = runtime == "tensorrt-llm"
        pool = share * (memory.total[0] - taken) if free else share * memory.total[0] - taken
        assert memory.kv_cache[0] == pytest.approx(pool)
        assert memory.usable[0] == pytest.approx(taken + pool)


@FACTS
def test_weights_in_16_bit_are_those_summed_by_hand(fact: MemoryFact) -> None:
    model = CATALOG.models[fact.model]
    assert weights_bytes(model, stored(model)) == pytest.approx(2 * fact.parameters, rel=1e-9)


@of_every([(fact, tokens) for fact in MEMORY_FACTS for tokens in (10_000, 200_000)])
def test_a_sequence_holds_what_was_summed_by_hand(fact: MemoryFact, tokens: int) -> None:
    """Full layers grow with every token, windowed ones stand at their window, recurrent ones never grow."""
    by_hand = (
        tokens * (fact.kv_bytes_per_token + fact.index_elements_per_token * INDEX_KEY_BYTES)
        + fact.window_bytes
        + fact.state_bytes
    )
    assert held(CATALOG.models[fact.model], tokens) == pytest.approx(by_hand, rel=1e-12)


@FACTS
def test_one_more_token_costs_the_same_within_every_window(fact: MemoryFact) -> None:
    model = CATALOG.models[fact.model]
    step = held(model, 101) - held(model, 100)
    assert step == pytest.approx(kv_bytes_per_token(model, 2.0), rel=1e-9)


@FACTS
def test_an_accelerator_alone_holds_the_whole_model(fact: MemoryFact) -> None:
    model = CATALOG.models[fact.model]
    assert shard(model, split()) == pytest.approx(2 * fact.parameters, rel=1e-9)
    assert held(model, 5000, at=split()) == held(model, 5000)


def test_a_window_stops_growing() -> None:
    """gpt-oss-20b: 12 of 24 layers see 128 tokens at most."""
    model = CATALOG.models["gpt-oss-20b"]
    before, after = held(model, 128) - held(model, 127), held(model, 129) - held(model, 128)
    assert (before, after) == (24 * 2 * 8 * 64 * 2, 12 * 2 * 8 * 64 * 2)


def test_a_model_of_windows_alone_stops_altogether() -> None:
    model = CATALOG.models["mistral-7b-v0.1"]
    assert held(model, 4096) == held(model, 30_000)


def test_a_latent_vector_is_on_every_tensor_parallel_rank() -> None:
    model = CATALOG.models["deepseek-v3"]
    assert held(model, 1000, at=split(tp=8)) == held(model, 1000) == 1000 * 70_272


@pytest.mark.parametrize(("tp", "share"), [(1, 1), (2, 2), (4, 4), (8, 8), (16, 8), (64, 8)])
def test_kv_heads_are_cut_no_finer_than_they_are(tp: int, share: int) -> None:
    """Llama 70B has 8 KV heads: beyond TP8 each accelerator holds a whole one."""
    assert held(LLAMA_70B, 1000, at=split(tp=tp)) == 1000 * 320 * 1024 / share


def test_a_pipeline_stage_holds_the_cache_of_its_own_layers() -> None:
    assert held(LLAMA_70B, 1000, at=split(tp=2, pp=4)) == 1000 * 320 * 1024 / 8


def test_experts_split_over_data_parallel_ranks_and_attention_does_not() -> None:
    """DeepSeek-V3 at DP8 × EP8: an eighth of 58 × 256 experts, all the rest, its own copy of the attention."""
    model = CATALOG.models["deepseek-v3"]
    experts = 58 * 256 * 3 * 7168 * 2048
    rest = total_parameters(model) - experts
    assert shard(model, split(dp=8, ep=8)) == pytest.approx(2 * (rest + experts / 8), rel=1e-9)


def test_a_tied_embedding_is_there_once_and_twice_over_a_pipeline() -> None:
    """Gemma 3 27B shares 262,208 × 5,376 between embedding and head; the first and the last stage need it both."""
    model = CATALOG.models["gemma-3-27b"]
    embedding = 262_208 * 5376 * 2
    assert model.tied_embeddings
    without = 2 * total_parameters(model) - embedding
    assert shard(model, split(pp=2)) == pytest.approx(without / 2 + embedding, rel=1e-6)


@of_every(MODELS)
def test_fewer_bits_never_take_more(model: ModelArchitecture) -> None:
    """Among what quantises the same parts: GGUF files quantise everything, the others what quantisers usually do."""
    for names in (
        ("fp32", "fp16", "int8", "fp8", "nvfp4", "mxfp4", "int4", "int3", "int2"),
        ("fp32", "fp16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "iq1_s"),
    ):
        sizes = [weights_bytes(model, stored(model, name)) for name in names]
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] > 0


@settings(max_examples=draws(60), deadline=None)
@given(
    model=st.sampled_from(MODELS),
    tp=st.sampled_from([1, 2, 4, 8]),
    pp=st.sampled_from([1, 2, 4]),
    tokens=st.floats(1, 2e5),
    more=st.floats(0, 1e5),
    axis=st.sampled_from(["tp", "pp"]),
)
def test_sharding_never_adds_and_tokens_never_free(
    model: ModelArchitecture, tp: int, pp: int, tokens: float, more: float, axis: str
) -> None:
    narrow = split(tp=tp, pp=pp)
    wide = split(tp=tp * 2, pp=pp) if axis == "tp" else split(tp=tp, pp=pp * 2)
    assert shard(model, wide) <= shard(model, narrow) * (1 + 1e-12)
    assert held(model, tokens, at=wide) <= held(model, tokens, at=narrow) * (1 + 1e-12)
    assert held(model, tokens, at=narrow) <= held(model, tokens + more, at=narrow)
    # All accelerators together hold the model at least once.
    assert shard(model, wide) * int(wide.accelerators[0]) >= 2 * total_parameters(model) * (1 - 1e-9)


def activations(
    model: ModelArchitecture, tokens: float, sampled: float, at: Parallelism, runtime: str = "vllm"
) -> float:
    profile = CATALOG.runtimes[runtime].profile
    assert profile
    return float(activation_bytes(model, at, np.array([tokens]), np.array([sampled]), profile)[0])


def test_activations_are_those_summed_by_hand() -> None:
    """Llama 70B at TP4 in TensorRT-LLM: 3 × the stream, gate, up and product; few tokens: 256 requests' logits."""
    stream = 64 * 8192 * 2
    assert activations(LLAMA_70B, 8192, 256, split(tp=4), "tensorrt-llm") == 8192 * 2 * (3 * 8192 + 3 * 28_672 / 4)
    assert activations(LLAMA_70B, 64, 256, split(tp=4), "tensorrt-llm") == stream + 1.5 * 256 * 128_256 * 4


def test_activations_rise_with_the_budget_and_fall_with_sharding() -> None:
    sizes = [activations(LLAMA_70B, budget, 256, split(tp=4)) for budget in (1e3, 8e3, 64e3)]
    assert sizes[0] < sizes[1] < sizes[2]
    assert activations(LLAMA_70B, 64e3, 256, split(tp=8)) < sizes[2]


@settings(max_examples=draws(60), deadline=None)
@given(
    model=st.sampled_from(MODELS),
    runtime=st.sampled_from(["vllm", "tensorrt-llm", "generic"]),
    tp=st.sampled_from([1, 2, 8]),
    dp=st.sampled_from([1, 4]),
    tokens=st.floats(16, 65536),
    sampled=st.floats(1, 2048),
    times=st.floats(1, 4),
)
def test_more_tokens_requests_or_words_never_leave_more_for_the_kv_cache(
    model: ModelArchitecture, runtime: str, tp: int, dp: int, tokens: float, sampled: float, times: float
) -> None:
    at = split(tp=tp, dp=dp)
    held_now = activations(model, tokens, sampled, at, runtime)
    wider = replace(CATALOG.models[model.id], vocabulary=int(model.vocabulary * times))
    assert activations(model, tokens * times, sampled, at, runtime) >= held_now
    assert activations(model, tokens, sampled * times, at, runtime) >= held_now
    assert activations(wider, tokens, sampled, at, runtime) >= held_now
    serving, requests = CATALOG.runtimes[runtime], np.array([sampled])
    graphs = [float(runtime_bytes(model, at, serving, requests * more, np.zeros(1))[0]) for more in (1.0, times)]
    assert graphs[0] <= graphs[1]


def test_experts_of_a_rank_work_on_at_most_a_chunk_of_tokens() -> None:
    """DeepSeek-V3 on eight ranks: 16,384 tokens of eight experts each, 7,168 wide and 2,048 within."""
    model = CATALOG.models["deepseek-v3"]
    profile = CATALOG.runtimes["vllm"].profile
    assert profile
    bare = replace(profile, expert_workspace=False)
    at, tokens, sampled = split(dp=8, ep=8), np.array([8 * 8192.0]), np.array([1024.0])
    whole, rest = (activation_bytes(model, at, tokens, sampled, each) for each in (profile, bare))
    assert float((whole - rest)[0]) == 16384 * 8 * (7168 + 2048) * 2


@pytest.mark.parametrize("model", ["llama-3.1-70b", "deepseek-v3", "gpt-oss-120b", "nemotron-h-56b", "gemma-3-27b"])
def test_the_parts_of_an_accelerator_sum_to_the_whole(model: str) -> None:
    asked = question({"model": model, "precision.weights": None, "hardware.accelerators": ["h200", "mi300x", "b200"]})
    found, _ = candidates(asked)
    memory = found.memory
    parts = memory.weights + memory.kv_cache + memory.activations + memory.runtime + memory.unused
    assert len(found) > 3
    assert parts == pytest.approx(memory.total, rel=1e-12)
    assert (memory.kv_cache > 0).all()


def test_where_one_request_fits_one_is_run() -> None:
    """Gemma 4 31B on one H100 with requests that just fit the pool: SEAT_SHARE of it would hold none."""
    wanted = {"model": "gemma-4-31b", "precision.weights": None, "hardware.accelerators": ["h100"]}
    short = question(wanted)
    tokens = longest_request(short, single(short, ParallelSizes(1)))
    assert 10_000 < tokens < short.context_limit
    fixed = {"tokens.input.mean": tokens - 200, "tokens.output.mean": 200, "tokens.input.cv": 0, "tokens.output.cv": 0}
    found = single(question({**wanted, **fixed}), ParallelSizes(1))
    assert found.memory.longest[0] <= found.memory.kv_cache[0] < found.memory.sequence[0] / SEAT_SHARE
    assert found.seats_by_memory[0] == 1


def test_sequences_that_fit_are_those_of_live_tokens() -> None:
    """Llama 70B on 4 × A100: 0.9 of 80 GiB less a quarter of the weights, 600 live tokens of a quarter of 320 KiB."""
    found = single(question({"tokens.input.cv": 0, "tokens.output.cv": 0}), ParallelSizes(4))
    pool = Fraction(float(found.memory.kv_cache[0]))
    assert found.seats_by_memory[0] == pool * Fraction(95, 100) // (600 * 80 * 1024)
    assert found.memory.weights[0] == pytest.approx(131.4 / 4 * GIB, rel=0.001)
    assert found.memory.total[0] == CATALOG.accelerators["a100-sxm-80gb"].memory_bytes
