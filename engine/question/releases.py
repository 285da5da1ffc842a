"""Which checkpoints of an entry hold the model that was asked for: one entry may have several releases and relatives
with the same dimensions.
"""

from functools import lru_cache
from typing import Final

from catalogs.checkpoints import read_checkpoint_name
from catalogs.names import words_of
from catalogs.records.models import Checkpoint, ModelArchitecture

BESIDE_THE_NAME: Final = frozenset({"meta", "hf", "nvidia"})
"""Words of a repository's name that change nothing: 'Meta-Llama-3.1-8B' is 'Llama-3.1-8B'."""

SIXTEEN_BITS: Final = ("bf16", "fp16", "fp32")
"""Precisions between which a runtime converts as it loads."""


def loads(framework: str, checkpoint: Checkpoint) -> bool:
    """Return whether a runtime reads the way in which a checkpoint is quantised.

    TensorRT-LLM reads what Model Optimizer wrote, FP8 in blocks as DeepSeek and Qwen publish it, and MXFP4
    (NVIDIA/TensorRT-LLM, docs/source/torch/features/quantization.md); the others read what the catalog has.
    """
    if framework != "trtllm" or checkpoint.precision in SIXTEEN_BITS:
        return True
    owner = checkpoint.repository.partition("/")[0].lower()
    return (
        owner == "nvidia"
        or (checkpoint.precision == "fp8" and bool(checkpoint.block))
        or checkpoint.precision == "mxfp4"
    )


def release_of(model: ModelArchitecture, named: Checkpoint | None, said: str) -> str:
    """Return the repository of the release that was asked for: the one named, else the likest, else the first.

    Args:
        named: the checkpoint that was asked for by name; a quantised copy stands for the release that it is of.
    """
    known = [one.repository for one in model.checkpoints]
    if named and (not known or any(same_release(one, named.repository) for one in known)):
        return named.repository
    words = _words(named.repository if named else said)
    return max(known, key=lambda one: len(_words(one) & words), default=said)


def same_release(one: str, other: str) -> bool:
    """Return whether two repositories hold the same model, whoever quantised it: not its base, nor a later release."""
    return _words(one) == _words(other)


@lru_cache(maxsize=4096)
def _words(repository: str) -> frozenset[str]:
    return frozenset(words_of(read_checkpoint_name(repository).model)) - BESIDE_THE_NAME
