"""The fields of the system: the model and its formats, accelerators, and how the model is served on them."""

from typing import Final

from agent.fields.field import Absent, Field, Flag, Plausible
from agent.fields.readers import read_kilowatts, read_names, read_size, read_spares, read_task, read_text
from agent.fields.value_display import names_shown, precision_shown
from catalogs.units import read_share, read_tokens, read_whole, show_percent

DIMENSION: Final = "dimension."
"""Prefix of flags that together give ``architecture``."""

MODEL: Final = (
    Field(
        "model", "--model", read_text, "NAME", "From the catalog, owner/name on the hub, a config.json, a size.",
        label="model", show=str, answer="{}", slot="model", answers=True,
        missing="a model (--model llama-3.3-70b or --model-size 70B)",
    ),
    Flag("model", "--model-size", read_size, "SIZE", "The best-known architecture of a size: 70 or 70B."),
    Field("architecture", label="architecture", slot="model"),
    Field(
        "precision.weights", "--precision", read_text, "NAME",
        "Of the weights: FP32, FP16, BF16, FP8, INT8, INT4, FP4, NVFP4, MXFP4, …; the checkpoint's own by default.",
        label="weights", show=precision_shown, answer="{}", slot="precision", answers=True,
    ),
    Field(
        "precision.kv_cache", "--kv-precision", read_text, "NAME", "Of the KV cache; the runtime's own by default.",
        label="KV cache", show=precision_shown, answer="KV cache {}", slot="precision",
    ),
    Field(
        "serving.context_window", "--context-window", read_tokens, "N", "Longest prompt and answer together.",
        label="context window", unit="tokens", plausible=Plausible(128, 2e7, "tokens of context", whole=True),
    ),
)  # fmt: skip

DIMENSIONS: Final = (
    Field(f"{DIMENSION}layers", "--layers", read_whole, "N", "Layers."),
    Field(f"{DIMENSION}hidden_size", "--hidden-size", read_whole, "N", "Width of the residual stream."),
    Field(f"{DIMENSION}heads", "--heads", read_whole, "N", "Query heads."),
    Field(f"{DIMENSION}kv_heads", "--kv-heads", read_whole, "N", "KV heads; as many as query heads by default."),
    Field(f"{DIMENSION}head_dim", "--head-dim", read_whole, "N", "Hidden size over heads by default."),
    Field(
        f"{DIMENSION}intermediate_size", "--intermediate-size", read_whole, "N", "Of a dense feed-forward block."
    ),
    Field(f"{DIMENSION}vocab_size", "--vocab-size", read_whole, "N", "Tokens of the vocabulary."),
    Field(f"{DIMENSION}experts", "--experts", read_whole, "N", "Routed experts of a layer."),
    Field(f"{DIMENSION}active_experts", "--active-experts", read_whole, "N", "Of them, those that a token takes."),
    Field(f"{DIMENSION}expert_intermediate_size", "--expert-intermediate-size", read_whole, "N", "Of one expert."),
    Field(
        f"{DIMENSION}shared_expert_size", "--shared-expert-size", read_spares, "N",
        "Of all shared experts together.",
    ),
    Field(
        f"{DIMENSION}dense_layers", "--dense-layers", read_spares, "N", "Layers without experts beside those with."
    ),
    Field(f"{DIMENSION}window", "--window", read_tokens, "N", "Sliding window of every layer; none by default."),
    Field(
        f"{DIMENSION}max_context", "--max-context", read_tokens, "N", "That it was trained for; 131072 by default."
    ),
)  # fmt: skip

ACCELERATORS: Final = (
    Field(
        "hardware.accelerators", "--gpu-type", read_names, "NAMES", "One or several to choose from; all by default.",
        label="accelerators", show=names_shown, answer="{}", slot="accelerator", answers=True, what_if="on {}",
        of_replica=True,
    ),
    Field(
        "hardware.excluded", "--exclude", read_names, "NAMES", "Not these.",
        label="accelerators excluded", show=names_shown, answer="not {}", slot="accelerator", answers=True,
    ),
    Field(
        "hardware.accelerator_count", "--gpus", read_whole, "N",
        "The fleet that there is: what it carries, or what a load needs of it.",
        label="accelerators, given", answer="{} in all", slot="accelerator",
        plausible=Plausible(1, 1e6, "accelerators", whole=True),
    ),
    Field(
        "hardware.nodes", "--nodes", read_whole, "N", "The same, in nodes.",
        label="nodes, given", answer="{} nodes", slot="accelerator", plausible=Plausible(1, 1e5, "nodes", whole=True),
    ),
    Field(
        "hardware.replicas", "--replicas", read_whole, "N", "Exactly so many, whatever the load needs.",
        label="replicas, given", answer="{} replicas", slot="accelerator",
        plausible=Plausible(1, 1e5, "replicas", whole=True),
    ),
    Field(
        "hardware.accelerators_per_node", "--gpus-per-node", read_whole, "N", "The usual ones by default.",
        label="accelerators per node", answer="{} per node", slot="accelerator",
        plausible=Plausible(1, 576, "accelerators a node", whole=True), of_replica=True,
    ),
    Field(
        "hardware.max_accelerators", "--max-gpus", read_whole, "N", "The fleet may not be larger.",
        label="accelerators, at most", answer="at most {}", slot="accelerator",
        plausible=Plausible(1, 1e6, "accelerators", whole=True),
    ),
    Field(
        "hardware.max_nodes", "--max-nodes", read_whole, "N", "The same, in nodes.",
        label="nodes, at most", answer="at most {} nodes", slot="accelerator",
        plausible=Plausible(1, 1e5, "nodes", whole=True),
    ),
    Field(
        "hardware.max_replicas", "--max-replicas", read_whole, "N", "The same, in replicas.",
        label="replicas, at most", answer="at most {} replicas", slot="accelerator",
        plausible=Plausible(1, 1e5, "replicas", whole=True),
    ),
    Field(
        "hardware.max_power_kw", "--max-power", read_kilowatts, "POWER",
        "Of the whole fleet, hosts included: 40kW, 900 W, 0.2 MW.",
        label="rated power, at most", unit="kW", answer="at most {} kW", slot="power", answers=True,
        plausible=Plausible(0.01, 1e6, "kW"),
        absent=Absent(None, "no limit on the power", r"power(?: limit| budget| cap| ceiling)", "no power limit"),
    ),
)  # fmt: skip

SERVING: Final = (
    Field(
        "serving.task", "--task", read_task, "generate|embed",
        "embed: embeddings and rankings, prefill alone; a text (or query with a passage) is a request.",
        label="task", show=str,
    ),
    Field(
        "serving.runtime", "--runtime", read_text, "NAME", "vllm by default; sglang, llama.cpp, vllm@0.11, …",
        label="serving runtime", show=str,
    ),
    Field(
        "serving.tensor_parallel", "--tp", read_whole, "N", "Tensor parallelism; solved for by default.",
        label="tensor parallelism", plausible=Plausible(1, 256, "as tensor parallelism", whole=True),
    ),
    Field(
        "serving.pipeline_parallel", "--pp", read_whole, "N", "Pipeline parallelism; solved for by default.",
        label="pipeline parallelism", plausible=Plausible(1, 128, "as pipeline parallelism", whole=True),
    ),
    Field(
        "serving.data_parallel", "--dp", read_whole, "N", "Attention data parallelism in a replica.",
        label="attention data parallelism", plausible=Plausible(1, 512, "as data parallelism", whole=True),
    ),
    Field(
        "serving.expert_parallel", "--ep", read_whole, "N", "Expert parallelism in a replica.",
        label="expert parallelism", plausible=Plausible(1, 1024, "as expert parallelism", whole=True),
    ),
    Field(
        "serving.batch_cap", "--batch-size", read_whole, "N", "Most requests that run together in a replica.",
        label="batch cap", plausible=Plausible(1, 1e5, "requests in a batch", whole=True),
    ),
    Field(
        "serving.token_budget", "--token-budget", read_tokens, "N", "Of one step; the runtime's own by default.",
        label="tokens per step", plausible=Plausible(16, 1e7, "tokens a step", whole=True),
    ),
    Field(
        "serving.memory_utilisation", "--memory-utilisation", read_share, "SHARE",
        "Memory that the runtime takes: 92% or 0.92.",
        label="memory it may take", show=show_percent, plausible=Plausible(0.1, 1, "of the memory"),
    ),
    Field(
        "serving.utilisation_ceiling", "--utilisation-ceiling", read_share, "SHARE",
        "Share of the saturated rate that a replica is planned for; 85% by default.",
        label="utilisation ceiling", show=show_percent,
    ),
)  # fmt: skip
