"""A fixed set of command lines: every attention kind, load kind, door and refusal, each with the name of its kind.

A change that is meant to change no plan answers all of them as before: ``python tests/questions/compare.py OTHER``.
"""

from typing import Final

CHAT: Final = ("--rps", "10", "--input-tokens", "500", "--output-tokens", "200")
"""Ten requests/s of 500 and 200 tokens."""
TARGETS: Final = ("--ttft-p95", "800ms", "--itl-p95", "80ms")


def forecast(*arguments: str) -> tuple[str, ...]:
    """Return the command line of a forecast from flags alone."""
    return ("forecast", *arguments)


def chat(model: str, gpu: str, *more: str, rps: str = "10", prompt: str = "500") -> tuple[str, ...]:
    """Return the command line of a model on an accelerator, by default under ``CHAT``."""
    traffic = ("--rps", rps, "--input-tokens", prompt, "--output-tokens", "200")
    return forecast("--model", model, "--gpu-type", gpu, *traffic, *more)


QUESTIONS: Final[dict[str, tuple[str, ...]]] = {
    # Attention kinds: grouped, multi-head, multi-query, latent, sparse latent, windows, chunks, linear, hybrids.
    "seed": chat("llama-3.1-70b", "A100-80GB", "--precision", "fp16", "--peak-multiplier", "1"),
    "readme": chat("llama-3.1-70b", "A100-80GB", "--precision", "fp16", *TARGETS),
    "multi-head": chat("llama-2-7b", "L40S"),
    "multi-query": chat("falcon-7b", "A100-80GB"),
    "latent": chat("deepseek-v3", "H200", *TARGETS),
    "sparse latent": chat("deepseek-v3.2", "B200"),
    "sliding windows, MXFP4": chat("gpt-oss-20b", "H100"),
    "sliding windows, large": chat("gpt-oss-120b", "H100", *TARGETS),
    "interleaved windows": chat("gemma-3-27b", "H100", rps="3"),
    "all windows": chat("mistral-7b-v0.1", "L40S", "--ttft-p95", "2s"),
    "chunked attention": chat("llama-4-scout", "H100"),
    "mixed windows, mixture": chat("mimo-v2-flash", "H200"),
    "keys shared": chat("gemma-4-31b", "H100"),
    "linear and full": chat("qwen3-next-80b-a3b", "H100", *TARGETS),
    "state space hybrid": chat("nemotron-h-56b", "H100"),
    "lightning": chat("minimax-text-01", "H200"),
    "delta and latent": chat("kimi-linear-48b-a3b", "H100"),
    "parallel hybrid": chat("falcon-h1-34b", "H100"),
    "varied layers": chat("nemotron-ultra-253b", "H200"),
    "per-layer embeddings": chat("gemma-4-e2b", "L4"),
    "mixture": chat("mixtral-8x7b", "H100"),
    "fine mixture": chat("qwen3-235b-a22b", "H200", "--precision", "fp8", *TARGETS),
    "bare size": forecast("--model-size", "70", "--precision", "fp16", "--gpu-type", "A100-80GB", *CHAT),
    # Precisions, runtimes, accelerators of every maker.
    "fp8": chat("llama-3.1-70b", "H100", "--precision", "fp8", *TARGETS),
    "int4": chat("llama-3.1-70b", "L40S", "--precision", "int4"),
    "nvfp4": chat("llama-3.1-70b", "B200", "--precision", "nvfp4"),
    "kv fp8": chat("llama-3.1-8b", "H100", "--kv-precision", "fp8"),
    "sglang": chat("llama-3.1-70b", "H100", "--runtime", "sglang", *TARGETS),
    "tensorrt-llm": chat("llama-3.1-70b", "H100", "--runtime", "tensorrt-llm", "--precision", "fp8"),
    "llama.cpp": chat("llama-3.1-8b", "RTX 4090", "--runtime", "llama.cpp", "--precision", "q4_k_m", rps="0.5"),
    "amd": chat("llama-3.1-70b", "MI300X", *TARGETS),
    "never measured": chat("llama-3.1-70b", "Gaudi 3"),
    "no accelerator named": forecast("--model", "llama-3.1-8b", *CHAT, *TARGETS),
    "several accelerators": chat("llama-3.1-70b", "H100", "--gpu-type", "H200", "--gpu-type", "MI300X", *TARGETS),
    # Loads: a rate, clients, a given fleet, a preset, a profile, growth, bursts, long contexts, tiny and huge.
    "concurrency": forecast(
        "--model", "llama-3.1-8b", "--gpu-type", "H100", "--concurrency", "200", "--input-tokens", "1k",
        "--output-tokens", "300",
    ),
    "given gpus": forecast(
        "--model", "llama-3.1-70b", "--gpu-type", "H100", "--gpus", "16", "--input-tokens", "1k", "--output-tokens",
        "300", *TARGETS,
    ),
    "given nodes": forecast(
        "--model", "llama-3.1-70b", "--gpu-type", "H100", "--nodes", "2", "--input-tokens", "1k", "--output-tokens",
        "300",
    ),
    "given replicas": chat("llama-3.1-8b", "L4", "--replicas", "30", "--ttft-p95", "2s"),
    "preset": forecast("--model", "llama-3.1-8b", "--gpu-type", "H100", "--preset", "chat", "--rps", "8"),
    "growth and spares": chat("llama-3.1-8b", "H100", "--growth-rate", "50%", "--horizon", "2y", "--spare-replicas",
                              "1"),
    "burst": chat("llama-3.1-8b", "H100", "--burst", "2", "--burstiness", "3", *TARGETS),
    "long prompts": forecast(
        "--model", "llama-3.1-70b", "--gpu-type", "H100", "--rps", "5", "--input-tokens", "16k", "--output-tokens",
        "500",
    ),
    "prefix hits": chat("llama-3.1-70b", "H100", "--prefix-hit", "0.6", *TARGETS, prompt="4k"),
    "reasoning": chat("qwen3-32b", "H100", "--reasoning-tokens", "2000"),
    "batch cap and cost": chat(
        "llama-3.1-70b", "A100-80GB", "--batch-size", "4", "--context-window", "8192", "--cost", "--precision", "fp16"
    ),
    "a day's rate": chat("llama-3.1-8b", "L40S", rps="5M/day"),
    "hundreds of replicas": chat("llama-3.1-8b", "H100", rps="20000"),
    "parallelism given": chat("deepseek-v3", "H200", "--tp", "4", "--dp", "2", "--ep", "8"),
    "pipeline": chat("llama-3.1-405b", "H100", "--tp", "8", "--pp", "2"),
    "E2E target": chat("llama-3.1-8b", "H100", "--e2e-p95", "6s"),
    "other band": chat("llama-3.1-8b", "H100", "--band", "95", *TARGETS),
    "refined": chat("llama-3.1-8b", "H100", *TARGETS, "--refine"),
    "not verified": chat("llama-3.1-8b", "H100", *TARGETS, "--no-verify"),
    # Money.
    "provider": chat("llama-3.1-70b", "H100", "--provider", "aws", "--term", "reserved_1y"),
    "owned": chat("llama-3.1-70b", "H100", "--term", "owned"),
    "over budget": chat("llama-3.1-70b", "H100", "--budget", "1000"),
    # Sentences.
    "sentence": forecast("70B in fp8 on H100s, 20 requests a second, 1.5k in, 300 out, p95 TTFT under 800 ms"),
    "sentence with users": forecast("llama 3.1 8b for 2000 users, 20 requests a day each, 1k in 200 out, L40S"),
    "sentence and flags": forecast("70B fp8 on H100, 20 rps, 1.5k in, 300 out", "--rps", "5"),
    # Refusals and the nearest plans.
    "unreachable target": chat("llama-3.1-70b", "A100-80GB", "--itl-p95", "5ms"),
    "does not fit": chat("llama-3.1-405b", "L4", "--tp", "1"),
    "ceiling": chat("llama-3.1-70b", "H100", "--max-gpus", "4", *TARGETS, rps="100"),
    "ceilings contradict": chat("llama-3.1-8b", "H100", "--replicas", "2", "--max-replicas", "1"),
    "unknown model": chat("lama-3.1-70", "H100"),
    "unknown accelerator": chat("llama-3.1-8b", "H1000"),
    "unknown region": chat("llama-3.1-8b", "H100", "--region", "mars"),
    "missing": forecast("--model", "llama-3.1-8b", "--rps", "3"),
    "negative": chat("llama-3.1-8b", "H100", rps="-3"),
    "precision without units": chat("llama-3.1-8b", "T4", "--precision", "fp8"),
    "illegal split": chat("llama-3.1-8b", "H100", "--tp", "7"),
    "irrelevant": forecast("the A10 motorway has 3 gates and 20 cars a second"),
    # Other commands of the same rooms.
    "estimate": (
        "estimate", "--model", "llama-3.1-70b", "--gpu-type", "H100", "--tp", "4", "--precision", "fp8",
        "--input-tokens", "1k", "--output-tokens", "300", "--concurrency", "1,16,64",
    ),
    "estimate offline": (
        "estimate", "--model", "llama-3.1-8b", "--gpu-type", "H100", "--input-tokens", "1k", "--output-tokens", "300",
        "--offline",
    ),
    "estimate explained": (
        "estimate", "--model", "deepseek-v3", "--gpu-type", "H200", "--input-tokens", "1k", "--output-tokens", "300",
        "--rps", "2", "--explain",
    ),
    "catalog models": ("catalog", "models", "llama"),
    "catalog accelerators": ("catalog", "accelerators", "H100"),
}  # fmt: skip
"""Command lines by the kind of question; ``compare.py`` asks each with ``--json`` and with ``--full --plain``."""
