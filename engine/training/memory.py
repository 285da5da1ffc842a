"""Memory of training on each accelerator: weights, gradients, optimiser states, activations.

Mixed precision with Adam is 2 + 2 + 12 bytes a parameter (Rajbhandari et al. 2020, ZeRO, arXiv 1910.02054, 3.1), which
stages of ZeRO (FSDP is the third) share out over the accelerators. Activations are what a decoder layer keeps for its
backward pass (Korthikanti et al. 2022, arXiv 2205.05198, 4.1) with attention that keeps no scores (FlashAttention);
with checkpointing a layer keeps its input alone and is computed again.
"""

from typing import Final, Literal

from msgspec import Struct

from catalogs.matrices import layer_matrices, total_parameters
from catalogs.records.models import (
    GroupedAttention,
    LatentAttention,
    LayerGroup,
    LinearAttention,
    MixtureFeedForward,
    ModelArchitecture,
    ParallelAttention,
)

Method = Literal["full", "lora", "qlora"]
Optimiser = Literal["adamw", "adamw-bf16", "adamw-8bit", "sgd"]

STATES: Final[dict[Optimiser, float]] = {"adamw": 12.0, "adamw-bf16": 4.0, "adamw-8bit": 2.0, "sgd": 0.0}
"""Bytes a trained parameter: a master copy and two moments in 32 bit; two moments in 16 bit; two in 8 bit; none."""
HALF = 2.0
"""Bytes of a 16-bit number."""
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes a weight in 4-bit NormalFloat with doubly quantised scales, blocks of 64 and 256 (Dettmers et al. 2023, QLoRA,
arXiv 2305.14314, 3); embeddings, head and norms stay in 16 bit."""
LOGIT_BYTES = 10.0
"""A logit in 16 bit, in 32 bit, and its gradient in 32 bit."""
LOSS_CHUNKS = 8
"""Parts in which the loss is taken, as torchtune and LitGPT do, so that logits are never there as a whole."""
GATHERED_LAYERS = 2
"""Layers whose weights are whole on each accelerator under ZeRO 3: the one that runs and the one that is fetched."""
CUDA_CONTEXT_BYTES = 0.8e9
"""What a driver and its libraries hold beside the framework's own memory; measured peaks of frameworks leave it out."""


class TrainingSetup(Struct, frozen=True):
    """How a model is trained, as far as memory feels it."""

    method: Method = "full"
    optimiser: Optimiser = "adamw"
    zero_stage: int = 3
    """0 to 3: what the accelerators share out: nothing, optimiser states, gradients too, weights too."""
    accelerators: int = 1
    sequence: int = 4096
    micro_batch: int = 1
    """Sequences that an accelerator takes through the model together."""
    checkpointing: bool = True
    lora_rank: int = 16


class TrainingMemory(Struct, frozen=True):
    """What one accelerator holds, bytes; the parts sum to the total."""

    weights_bytes: float
    gradients_bytes: float
    optimiser_bytes: float
    activations_bytes: float
    gathered_bytes: float
    """Layers whose shards are put together while they run."""
    logits_bytes: float
    context_bytes: float = CUDA_CONTEXT_BYTES

    @property
    def states_bytes(self) -> float:
        """Weights, gradients and optimiser states: what ZeRO calls model states."""
        return self.weights_bytes + self.gradients_bytes + self.optimiser_bytes

    @property
    def total_bytes(self) -> float:
        """All parts."""
        return self.states_bytes + self.activations_bytes + self.gathered_bytes + self.logits_bytes + self.context_bytes


def lora_parameters(model: ModelArchitecture, rank: int) -> int:
    """Return the parameters of adapters on every matrix of the layers, experts and routers left out.

    PEFT's target_modules="all-linear" (huggingface/peft, tuners/tuners_utils.py: the output layer is left out).
    """
    return sum(
        group.count * matrix.adapter_parameters(rank)
        for group in model.layers
        for matrix in layer_matrices(group, model.hidden_size)
        if matrix.role not in ("expert", "router")
    )


def trained_parameters(model: ModelArchitecture, setup: TrainingSetup) -> int:
    """Return how many parameters are trained."""
    return total_parameters(model) if setup.method == "full" else lora_parameters(model, setup.lora_rank)


def training_memory(model: ModelArchitecture, setup: TrainingSetup) -> TrainingMemory:
    """Return what each accelerator holds while it trains."""
    total, trained = total_parameters(model), trained_parameters(model, setup)
    in_layers = sum(
        group.count * matrix.parameters for group in model.layers for matrix in layer_matrices(group, model.hidden_size)
    )
    per_weight = NF4 if setup.method == "qlora" else HALF
    frozen = in_layers * per_weight + (total - in_layers) * HALF
    adapters = 0.0 if setup.method == "full" else trained * HALF
    shared = [setup.accelerators if setup.zero_stage >= stage else 1 for stage in (1, 2, 3)]
    tokens = setup.micro_batch * setup.sequence
    whole = max(_layer_activation_bytes(group, model.hidden_size) for group in model.layers) * tokens
    if setup.checkpointing:
        activations = model.layer_count * tokens * model.hidden_size * HALF + whole
    else:
        activations = sum(
            group.count * _layer_activation_bytes(group, model.hidden_size) * tokens for group in model.layers
        )
    gathered = GATHERED_LAYERS * in_layers / model.layer_count * per_weight if shared[2] > 1 else 0.0
    return TrainingMemory(
        weights_bytes=(frozen + adapters) / shared[2],
        gradients_bytes=trained * HALF / shared[1],
        optimiser_bytes=trained * STATES[setup.optimiser] / shared[0],
        activations_bytes=activations,
        gathered_bytes=gathered,
        logits_bytes=tokens * model.vocabulary * LOGIT_BYTES / LOSS_CHUNKS,
    )


def checkpoint_bytes(model: ModelArchitecture, setup: TrainingSetup) -> float:
    """Return the bytes of a checkpoint from which training can go on: trained weights and optimiser states."""
    return trained_parameters(model, setup) * (HALF + STATES[setup.optimiser])


def _layer_activation_bytes(group: LayerGroup, hidden: int) -> float:
    """Return what a layer keeps of one token: twice a norm's input in 16 and 32 bit and its output, then the blocks."""
    kept = 0.0
    if group.attention is not None:
        kept += hidden * (HALF + 4 + HALF) + HALF * _attention_width(group.attention)
    match group.feed_forward:
        case MixtureFeedForward() as block:
            inner = block.latent_size or hidden
            width = block.experts_per_token * block.intermediate + block.shared_intermediate
            kept += hidden * (HALF + 4 + HALF) + HALF * (block.experts_per_token * inner + 4 * width)
        case None:
            pass
        case block:
            kept += hidden * (HALF + 4 + HALF) + HALF * 4 * block.intermediate
    return kept


def _attention_width(attention: object) -> float:
    """Return the elements that an attention block keeps of one token: queries, keys, values and its output."""
    match attention:
        case GroupedAttention():
            return 2 * attention.heads * attention.head_dim + 2 * attention.kv_heads * attention.head_dim
        case LatentAttention():
            key = attention.qk_nope_head_dim + attention.qk_rope_head_dim
            return attention.heads * (2 * key + 2 * attention.v_head_dim) + attention.kv_lora_rank
        case LinearAttention():
            return attention.input_columns + attention.output_rows
        case ParallelAttention():
            return _attention_width(attention.grouped) + _attention_width(attention.linear)
    return 0.0


def attention_flops_per_token(model: ModelArchitecture, sequence: int) -> float:
    """Return the FLOPs of causal attention for each token trained: 6 × the width of heads × the tokens that it sees.

    Forward and backward (Kaplan et al. 2020, 2.1, times 3); a sliding window bounds what is seen.
    """
    flops = 0.0
    for group in model.layers:
        attention = group.attention.grouped if isinstance(group.attention, ParallelAttention) else group.attention
        match attention:
            case GroupedAttention():
                seen = min(sequence, 2 * attention.window) if attention.window else sequence
                width = attention.heads * (attention.head_dim + (attention.value_head_dim or attention.head_dim)) / 2
            case LatentAttention():
                seen = sequence
                key = attention.qk_nope_head_dim + attention.qk_rope_head_dim
                width = attention.heads * (key + attention.v_head_dim) / 2
            case _:
                continue
        flops += 6.0 * group.count * width * seen
    return flops
