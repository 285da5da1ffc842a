"""Which published weights a plan's command serves: those of the planned model in the planned precision, or how to make
them.
"""

from typing import Final

from msgspec import Struct

from engine.question.releases import SIXTEEN_BITS, loads, release_of, same_release
from engine.question.resolve import Question

HOW_TO_QUANTISE: Final = {
    "fp8": "llm-compressor (FP8_DYNAMIC)",
    "int8": "llm-compressor (W8A8)",
    "w8a16": "llm-compressor (W8A16)",
    "int4": "llm-compressor (W4A16)",
    "nvfp4": "NVIDIA Model Optimizer (NVFP4)",
    "mxfp4": "AMD Quark or llm-compressor (MXFP4)",
    "mxfp8": "NVIDIA Model Optimizer (MXFP8)",
    "nf4": "bitsandbytes (load_in_4bit, then save_pretrained)",
}
"""Tool and scheme that makes a checkpoint of a weight precision."""
MODEL_OPTIMIZER: Final = "NVIDIA Model Optimizer ({})"
ANY_TOOL: Final = "a tool that quantises to {}"
IN_EVERY_REPOSITORY: Final = ("q4_k_m", "q8_0")
"""Types of GGUF that each repository of several types holds."""
OF_WHOLE_SETS: Final = ("q2_k", "q3_k_m", "q5_k_m", "q6_k")
"""Types that those hold besides who publish every model in a whole set of types."""
PUBLISHERS_OF_SETS: Final = ("unsloth", "bartowski")


class ServedWeights(Struct, frozen=True):
    """What a replica loads."""

    repository: str
    """On the hub, or the path of what is still to be made."""
    needs: str
    """How to make it; empty where it is published."""
    file: bool = False
    """It is a single GGUF file that is still to be made."""
    online: bool = False
    """It is in 16 bit, and the runtime quantises it as it loads."""


def served_weights(question: Question, *, may_quantise: bool = True) -> ServedWeights:
    """Return the checkpoint to serve, and how to make it where none of the planned precision is known.

    A checkpoint of a relative (a model tuned from the planned one, its base, another release) is another model.

    Args:
        may_quantise: the runtime has the room to quantise a checkpoint in 16 bit as it loads.
    """
    weights = question.weights
    gguf = question.runtime.id == "llama.cpp"
    own = release_of(question.model, question.checkpoint, question.spec.model)
    same = [one for one in question.model.checkpoints if same_release(one.repository, own)]
    known = [question.checkpoint, *(one for one in (question.served, *same) if one in same)]
    for one in known:
        if (
            one
            and one.precision == weights.id
            and gguf == ("gguf" in one.repository.lower())
            and loads(question.runtime.framework, one)
        ):
            return ServedWeights(one.repository, "")
    wide = next((one.repository for one in same if one.precision in SIXTEEN_BITS), own)
    is_wide = any(one.repository == wide and one.precision in SIXTEEN_BITS for one in same)
    if not gguf and is_wide and weights.id in SIXTEEN_BITS:
        return ServedWeights(wide, "")
    if not gguf and is_wide and may_quantise and weights.id in question.runtime.online:
        return ServedWeights(wide, "", online=True)
    name = f"{wide.rpartition('/')[2]}-{weights.id.upper()}"
    for repository in question.model.gguf if gguf else ():
        types = IN_EVERY_REPOSITORY + (OF_WHOLE_SETS if repository.startswith(PUBLISHERS_OF_SETS) else ())
        if weights.id in types and same_release(repository, own):
            return ServedWeights(repository, "")
    if gguf:
        file = f"{name}.gguf"
        how = "llama.cpp's convert_hf_to_gguf.py and llama-quantize make it"
        return ServedWeights(file, f"{file}, which no repository that is known here holds: {how}", file=True)
    if weights.id in SIXTEEN_BITS:
        how = f"widening {wide} makes one"
    else:
        tool = MODEL_OPTIMIZER if question.runtime.framework == "trtllm" else HOW_TO_QUANTISE.get(weights.id, ANY_TOOL)
        how = f"{tool.format(weights.name)} makes one of {wide}"
    return ServedWeights(f"./{name}", f"a checkpoint in {weights.name}, none of which is known here: {how}")
