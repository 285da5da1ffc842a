"""What the name of a published checkpoint says: its owner, the model, the precision in which it is stored."""

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from catalogs.records.models import Checkpoint, Part

_GGUF = r"i?q[1-8](?:[-_](?:k[-_](?:xs|xl|s|m|l)|k|xxs|xs|nl|s|m|[01]))"
_FORMATS: tuple[tuple[str, str], ...] = (
    (rf"(?:qat[-_ ])?(?:ud[-_ ])?({_GGUF})(?:[-_ ]gguf)?", ""),
    (r"qat[-_ ]gguf", "q4_0"),  # Google's quantisation-aware GGUF files are Q4_0
    (r"fp8(?:[-_ ](?:kv|dynamic|block|e4m3))?", "fp8"),
    (r"(?:nv)?fp4(?:[-_ ](?:v[0-9]|w4a4|fast))?", "nvfp4"),
    (r"(?:quark[-_ ])?(?:w[-_]?)?mxfp4(?:[-_]a[-_]?fp8|[-_]q8)?", "mxfp4"),
    (r"(?:quark[-_ ])?mxfp8", "mxfp8"),
    (r"(?:quantized[-_. ])?w8a8(?:[-_ ](?:int8|llmcompressor))?", "int8"),
    (r"(?:quantized[-_. ])?w8a16|gptq[-_ ](?:int8|8bit)", "w8a16"),
    (r"(?:qat[-_ ]|quantized[-_. ])?w4a16(?:[-_ ]ct)?", "int4"),
    (r"awq(?:[-_ ](?:int4|4bit))?|gptq(?:[-_ ](?:int4|4bit|4b[-_ ]128g))?", "int4"),
    (r"(?:unsloth[-_ ])?(?:dynamic[-_ ])?bnb[-_ ](?:4[-_ ]?bit|nf4)|nf4", "nf4"),
    (r"int4(?:[-_ ](?:autoround|sym[-_ ]inc|awq))?|(?:mlx[-_ ])?4[-_ ]?bit", "int4"),
    (r"int8|(?:mlx[-_ ])?8[-_ ]?bit", "int8"),
    (r"bf16|bfloat16", "bf16"),
    (r"fp16|float16", "fp16"),
    (r"fp32|float32", "fp32"),
    (r"gguf", "gguf"),
)
_PATTERN = re.compile(
    r"(?<![^\W_])(?:" + "|".join(f"(?P<f{i}>{pattern})" for i, (pattern, _) in enumerate(_FORMATS)) + r")(?![^\W_])",
    re.IGNORECASE,
)
_GGUF_TYPES_OF_SHORT = {"q4_k": "q4_k_m", "q5_k": "q5_k_m", "q3_k": "q3_k_m", "q3_k_xl": "q3_k_l", "q2_k_m": "q2_k"}
BESIDE_MXFP4_GGUF: Mapping[Part, str] = {"attention": "q8_0", "embedding": "q8_0", "head": "q8_0"}
"""What stands beside experts in MXFP4 in a GGUF file (ggml-org/llama.cpp, convert_hf_to_gguf.py, gpt-oss)."""
STATIC_SCALES = frozenset({"nvidia", "amd", "redhatai", "neuralmagic"})
"""Owners whose FP8 checkpoints carry activation scales, unless their name says dynamic (their model cards)."""


class CheckpointName(Struct, frozen=True):
    """The parts of a checkpoint's name."""

    owner: str
    model: str
    """Without owner and precision."""
    precision: str | None
    """The id of the weights' precision; 'gguf' where the file's type is not said; None where nothing is."""
    kv_precision: str | None = None
    static_scales: bool = False
    gguf: bool = False

    def checkpoint(self, said: str, native_precision: str) -> Checkpoint | None:
        """Return the checkpoint that the name describes; None when it says no precision.

        A GGUF file of unsaid type is in the model's own precision where that is a type of GGUF (MXFP4), else Q4_K_M,
        the type that llama.cpp's tools fetch by default. A GGUF file of MXFP4 has the rest in Q8_0.
        """
        if self.precision is None:
            return None
        precision = self.precision
        if precision == "gguf":
            precision = "mxfp4" if native_precision == "mxfp4" else "q4_k_m"
        return Checkpoint(
            repository=said,
            precision=precision,
            kv_precision=self.kv_precision,
            static_scales=self.static_scales,
            formats=dict(BESIDE_MXFP4_GGUF) if self.gguf and precision == "mxfp4" else {},
        )


@lru_cache(maxsize=4096)
def read_checkpoint_name(text: str, publishers: frozenset[str] = frozenset()) -> CheckpointName:
    """Return the parts of a name such as 'RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8' or 'qwen3 32b awq'.

    Args:
        publishers: owners, in lower case, whose name an uploader may write before the model's, as in
            'bartowski/Qwen_Qwen3-32B-GGUF'.
    """
    owner, _, name = text.strip().rpartition("/")
    publisher, _, rest = name.partition("_")
    if owner and rest and publisher.lower() in publishers:
        name = rest
    found = [(match, _format(match)) for match in _PATTERN.finditer(name) if match.start() > 0]
    precisions = [precision for _, precision in found]
    precision = next((p for p in precisions if p != "gguf"), precisions[0] if precisions else None)
    words = " ".join(match.group().lower() for match, _ in found)
    return CheckpointName(
        owner=owner,
        model=_PATTERN.sub(lambda match: " " if match.start() else match.group(), name).strip(" -_."),
        precision=precision,
        kv_precision="fp8" if re.search(r"fp8[-_ ]kv", words) else None,
        gguf="gguf" in precisions,
        static_scales=precision == "fp8" and owner.lower() in STATIC_SCALES and "dynamic" not in words,
    )


def _format(match: re.Match[str]) -> str:
    index = next(i for i in range(len(_FORMATS)) if match[f"f{i}"])
    if index == 0:
        kind = re.search(_GGUF, match.group(), re.IGNORECASE)
        named = re.sub(r"[- ]", "_", kind.group().lower()) if kind else ""
        return _GGUF_TYPES_OF_SHORT.get(named, named)
    return _FORMATS[index][1]
