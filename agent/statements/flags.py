"""The flags that state a value: declared once, with the spec field that each fills and how its text is read.

The same readers serve a spec file, where a value may be written as text ("5M/day"). Order is that of --help.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from agent.statements.flag_readers import (
    read_growth,
    read_hourly_usd,
    read_level,
    read_milliseconds,
    read_monthly_usd,
    read_multiple,
    read_names,
    read_not_negative,
    read_positive,
    read_size,
    read_spares,
    read_term,
    read_text,
    read_years,
)
from catalogs.errors import InputError
from catalogs.units import read_rate, read_share, read_tokens, read_whole

Read = Callable[[str, str], Any]
"""Text and what it is called → a value in base units; raises InputError."""

DIMENSION: Final = "dimension."
"""Prefix of flags that together give ``architecture``."""
PRESET: Final = "preset"
"""Not a field of the spec: it fills several."""


class Flag(Struct, frozen=True):
    """One flag."""

    name: str
    path: str
    """The field of the spec, by dotted path."""
    read: Read
    metavar: str
    help: str

    @property
    def adds(self) -> bool:
        """Whether it may be repeated, each adding to the others."""
        return self.read is read_names


# --- the table --------------------------------------------------------------------------------------------------------

_LATENCIES: Final = {
    "ttft": "Time to first token, queueing included",
    "itl": "Time between tokens",
    "e2e": "Time to the whole answer",
}


def _targets() -> Iterator[Flag]:
    for percentile in ("p50", "p99"):
        help_text = f"End to end {percentile}, the same as --e2e-{percentile}: 20s; a bare number is in ms."
        path = f"targets.e2e.{percentile}"
        yield Flag(f"--target-latency-{percentile}", path, read_milliseconds, "TIME", help_text)
    for metric, meaning in _LATENCIES.items():
        for percentile in ("p50", "p90", "p95", "p99"):
            path, help_text = f"targets.{metric}.{percentile}", f"{meaning}, {percentile} at the busiest hour."
            yield Flag(f"--{metric}-{percentile}", path, read_milliseconds, "TIME", help_text)


_TRAFFIC: Final = (
    Flag("--rps", "traffic.requests_per_s", read_rate, "RATE", "Requests on average: 20 (a second), 600/min, 5M/day."),
    Flag("--concurrency", "traffic.concurrency", read_whole, "N", "Instead: requests in flight, a closed loop."),
    Flag("--peak-multiplier", "traffic.peak_factor", read_multiple, "X", "Busiest hour over the mean; 1.5 by default."),
    Flag("--burst", "traffic.burst", read_multiple, "X", "Peak minute over the peak hour; 1 by default."),
    Flag("--burstiness", "traffic.burstiness", read_positive, "CV", "CV between arrivals; 1 (Poisson) by default."),
    Flag("--growth-rate", "traffic.growth_per_year", read_growth, "PERCENT", "A year: 20 means 20 %."),
    Flag("--horizon", "traffic.horizon_years", read_years, "TIME", "How far ahead growth counts; 1 year by default."),
    Flag("--calls-per-request", "traffic.calls_per_request", read_positive, "X", "Model calls of one user request."),
    Flag("--preset", PRESET, read_text, "NAME", "A kind of traffic, such as chat: fills what is not given."),
)  # fmt: skip
_TOKENS: Final = (
    Flag("--input-tokens", "tokens.input.mean", read_tokens, "N", "Of a prompt, on average: 500, 1.5k."),
    Flag("--output-tokens", "tokens.output.mean", read_tokens, "N", "Of an answer, on average."),
    Flag("--input-cv", "tokens.input.cv", read_not_negative, "CV", "Spread of prompts; 0.8 by default, 0 is fixed."),
    Flag("--input-p95", "tokens.input.p95", read_tokens, "N", "Instead of the CV: 95th percentile of prompts."),
    Flag("--output-cv", "tokens.output.cv", read_not_negative, "CV", "Spread of answers; 0.8 by default."),
    Flag("--output-p95", "tokens.output.p95", read_tokens, "N", "Instead of the CV: 95th percentile of answers."),
    Flag("--prefix-hit", "tokens.prefix_hit", read_share, "SHARE", "Of prompt tokens, found in the cache: 50% or 0.5."),
    Flag("--reasoning-tokens", "tokens.reasoning_tokens", read_spares, "N", "Hidden tokens of an answer, on average."),
)  # fmt: skip
_MODEL: Final = (
    Flag("--model", "model", read_text, "NAME", "From the catalog, owner/name on the hub, a config.json, a size."),
    Flag("--model-size", "model", read_size, "SIZE", "The best-known architecture of a size: 70 or 70B."),
    Flag("--precision", "precision.weights", read_text, "NAME",
         "Of the weights: FP32, FP16, BF16, FP8, INT8, INT4, FP4, NVFP4, MXFP4, …; the checkpoint's own by default."),
    Flag("--kv-precision", "precision.kv_cache", read_text, "NAME", "Of the KV cache; the runtime's own by default."),
    Flag("--context-window", "serving.context_window", read_tokens, "N", "Longest prompt and answer together."),
)  # fmt: skip
_DIMENSIONS: Final = (
    Flag("--layers", f"{DIMENSION}layers", read_whole, "N", "Layers."),
    Flag("--hidden-size", f"{DIMENSION}hidden_size", read_whole, "N", "Width of the residual stream."),
    Flag("--heads", f"{DIMENSION}heads", read_whole, "N", "Query heads."),
    Flag("--kv-heads", f"{DIMENSION}kv_heads", read_whole, "N", "KV heads; as many as query heads by default."),
    Flag("--head-dim", f"{DIMENSION}head_dim", read_whole, "N", "Hidden size over heads by default."),
    Flag("--intermediate-size", f"{DIMENSION}intermediate_size", read_whole, "N", "Of a dense feed-forward block."),
    Flag("--vocab-size", f"{DIMENSION}vocab_size", read_whole, "N", "Tokens of the vocabulary."),
    Flag("--experts", f"{DIMENSION}experts", read_whole, "N", "Routed experts of a layer."),
    Flag("--active-experts", f"{DIMENSION}active_experts", read_whole, "N", "Of them, those that a token takes."),
    Flag("--expert-intermediate-size", f"{DIMENSION}expert_intermediate_size", read_whole, "N", "Of one expert."),
    Flag("--shared-expert-size", f"{DIMENSION}shared_expert_size", read_spares, "N", "Of all shared experts together."),
    Flag("--dense-layers", f"{DIMENSION}dense_layers", read_spares, "N", "Layers without experts beside those with."),
    Flag("--window", f"{DIMENSION}window", read_tokens, "N", "Sliding window of every layer; none by default."),
    Flag("--max-context", f"{DIMENSION}max_context", read_tokens, "N", "That it was trained for; 131072 by default."),
)  # fmt: skip
_TARGETS: Final = tuple(_targets())
_ACCELERATORS: Final = (
    Flag("--gpu-type", "hardware.accelerators", read_names, "NAMES", "One or several to choose from; all by default."),
    Flag("--exclude", "hardware.excluded", read_names, "NAMES", "Not these."),
    Flag("--gpus", "hardware.accelerator_count", read_whole, "N", "The whole fleet is given; the rate may be asked."),
    Flag("--nodes", "hardware.nodes", read_whole, "N", "The fleet is given in nodes."),
    Flag("--replicas", "hardware.replicas", read_whole, "N", "The fleet is given in copies of the model."),
    Flag("--gpus-per-node", "hardware.accelerators_per_node", read_whole, "N", "The usual ones by default."),
    Flag("--max-gpus", "hardware.max_accelerators", read_whole, "N", "The fleet may not be larger."),
    Flag("--max-nodes", "hardware.max_nodes", read_whole, "N", "The same, in nodes."),
    Flag("--max-replicas", "hardware.max_replicas", read_whole, "N", "The same, in copies of the model."),
)  # fmt: skip
_SERVING: Final = (
    Flag("--runtime", "serving.runtime", read_text, "NAME", "vllm by default; sglang, tensorrt-llm, llama.cpp, …"),
    Flag("--tp", "serving.tensor_parallel", read_whole, "N", "Tensor parallelism; solved for by default."),
    Flag("--pp", "serving.pipeline_parallel", read_whole, "N", "Pipeline parallelism; solved for by default."),
    Flag("--dp", "serving.data_parallel", read_whole, "N", "Attention data parallelism in a replica."),
    Flag("--ep", "serving.expert_parallel", read_whole, "N", "Expert parallelism in a replica."),
    Flag("--batch-size", "serving.batch_cap", read_whole, "N", "Most requests that run together in a replica."),
    Flag("--token-budget", "serving.token_budget", read_tokens, "N", "Of one step; the runtime's own by default."),
    Flag("--memory-utilisation", "serving.memory_utilisation", read_share, "SHARE", "Memory that the runtime takes."),
    Flag("--utilisation-ceiling", "serving.utilisation_ceiling", read_share, "SHARE",
         "Share of the saturated rate that a replica is planned for; 85% by default."),
)  # fmt: skip
_AVAILABILITY: Final = (
    Flag("--spare-replicas", "availability.spare_replicas", read_spares, "N", "Beyond the load; none by default."),
    Flag("--min-replicas", "availability.minimum_replicas", read_whole, "N", "At least so many."),
    Flag("--provider", "money.provider", read_text, "NAME", "Whose prices; the median of all by default."),
    Flag("--region", "money.region", read_text, "NAME", "Where."),
    Flag("--term", "money.term", read_term, "TERM", "on_demand by default; spot, reserved_1y, reserved_3y, owned."),
    Flag("--usd-per-gpu-hour", "money.usd_per_accelerator_hour", read_hourly_usd, "USD", "Your own price."),
    Flag("--budget", "money.monthly_budget_usd", read_monthly_usd, "USD", "A month; more than that is exit code 4."),
)  # fmt: skip

_ANSWER: Final = (
    Flag("--band", "band", read_level, "LEVEL", "Of the error bands: 50, 80 (the default) or 95 per cent."),
)  # fmt: skip

FLAGS: Final[Mapping[str, tuple[Flag, ...]]] = {
    "Traffic": _TRAFFIC,
    "Tokens": _TOKENS,
    "Model": _MODEL,
    "Dimensions of a model of your own": _DIMENSIONS,
    "Targets": _TARGETS,
    "Accelerators": _ACCELERATORS,
    "Serving": _SERVING,
    "Availability and money": _AVAILABILITY,
    "The answer": _ANSWER,
}
"""By the panel of --help in which they stand."""

ALL: Final = tuple(flag for panel in FLAGS.values() for flag in panel)

_SECOND_NAMES: Final = frozenset({"--model-size", "--target-latency-p50", "--target-latency-p99"})

BY_PATH: Final[Mapping[str, Flag]] = {flag.path: flag for flag in ALL if flag.name not in _SECOND_NAMES}
"""The flag that is named for a path."""

CONTRADICT: Final = (
    ("--rps", "--concurrency", "both give the load"),
    ("--gpus", "--nodes", "both give the fleet"),
    ("--model", "--model-size", "both give the model"),
    ("--input-cv", "--input-p95", "both give the spread of prompts"),
    ("--output-cv", "--output-p95", "both give the spread of answers"),
    ("--target-latency-p50", "--e2e-p50", "both give the same target"),
    ("--target-latency-p99", "--e2e-p99", "both give the same target"),
)


def flag_values(given: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of flags by path and, by path, which flag gave each.

    Args:
        given: the texts of each flag, by its name.

    Raises:
        InputError: a text that cannot be read, a flag that was given twice, or two that contradict each other.
    """
    for one, other, why in CONTRADICT:
        if given.get(one) and given.get(other):
            raise InputError(f"{one} {given[one][0]} and {other} {given[other][0]} {why}: leave one of them out")
    values: dict[str, Any] = {}
    details: dict[str, str] = {}
    for flag in ALL:
        texts = given.get(flag.name, ())
        if not texts:
            continue
        if flag.adds:
            values[flag.path] = tuple(name for text in texts for name in flag.read(text, flag.name))
        elif len(set(texts)) > 1:
            raise InputError(f"{flag.name} was given {len(texts)} times ({', '.join(texts)}): give it once")
        else:
            values[flag.path] = flag.read(texts[0], flag.name)
        details[flag.path] = flag.name
    return values, details
