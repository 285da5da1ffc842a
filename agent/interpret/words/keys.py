"""What the keys of pasted things mean: flags, keys of YAML and JSON, heads of tables, in the words of the trade."""

import re
from functools import cache
from typing import Final

_KEYS: Final = {
    # lengths
    "input : tokens ": "isl input_len",
    "output : tokens ": "osl output_len",
    "max tokens :": "max_tokens max_new_tokens max_completion_tokens",
    "context window :": "max_model_len max_seq_len max_context context_len context_size context_window "
    "max_model_length max_total_tokens context_length max_sequence_length ctx_size num_ctx n_ctx",
    # load
    "requests per second :": "request_rate rps qps rate requests_s req_rate arrival_rate",
    "requests per minute :": "rpm",
    "requests per hour :": "rph",
    "requests per day :": "rpd daily_requests requests_daily",
    "concurrency :": "max_concurrency concurrency num_concurrent concurrent_requests parallel_requests parallel "
    "num_parallel num_users_concurrent",
    "peak carries ": "peak_hour_share busiest_hour_share peak_share peak_hour_percent",
    "peak factor :": "peak_factor peak_multiplier peak_to_mean peak_ratio",
    # serving
    "max num seqs :": "max_num_seqs max_batch_size batch_size max_running_requests max_num_sequences",
    "max num batched tokens :": "max_num_batched_tokens chunked_prefill_size max_num_tokens token_budget",
    "tp :": "tensor_parallel_size tp tp_size tensor_parallel tensor_parallelism",
    "pp :": "pipeline_parallel_size pp pp_size pipeline_parallel",
    "dp :": "data_parallel_size dp dp_size",
    "ep :": "expert_parallel_size ep ep_size",
    "gpu memory utilization :": "gpu_memory_utilization mem_fraction_static gpu_memory_utilisation "
    "kv_cache_free_gpu_mem_fraction memory_utilisation memory_utilization",
    "kv cache :": "kv_cache_dtype kv_precision kv_cache kv_dtype",
    "weights :": "quantization dtype precision weights_precision weight_precision quantisation quant",
    "temperature :": "temperature sampling_temperature",
    "top p :": "top_p",
    "prefix hit :": "prefix_hit prefix_cache_hit_rate cache_hit_rate prefix_share prefix_hit_rate",
    "system prompt :": "system_prompt_tokens shared_prefix_len prefix_len system_prompt_length",
    # system
    "model :": "model model_name model_id served_model_name tokenizer model_path m",
    "on :": "gpu_type gpu accelerator accelerators gpu_model gpu_name hardware device",
    "gpus :": "num_gpus gpus gpu_count n_gpus number_of_gpus",
    "gpus per replica :": "nvidia_com_gpu amd_com_gpu gpus_per_replica gpu_per_replica gpus_per_pod",
    "gpus per node :": "gpus_per_node gpus_per_host gpus_per_server accelerators_per_node num_gpus_per_node",
    "nodes :": "num_nodes nodes node_count nnodes",
    "replicas :": "replicas num_replicas replica_count",
    "provider :": "provider cloud cloud_provider",
    "region :": "region location zone",
    "budget per month $": "monthly_budget budget_usd monthly_budget_usd max_monthly_cost budget_per_month",
    # latency
    "ttft :": "ttft first_token ttft_target time_to_first_token max_ttft ttft_slo",
    "itl :": "itl per_token tpot itl_target tpot_target max_itl inter_token_latency time_per_output_token "
    "itl_slo tpot_slo",
    "e2e :": "e2e whole_answer e2e_latency end_to_end_latency max_latency e2e_target request_latency",
}  # fmt: skip
"""What keys mean: the words that the rules read, and the keys, in lower case with _ for -, . and blanks."""
_UNITS: Final = {
    "ms": "ms", "milliseconds": "ms", "millis": "ms", "s": "seconds", "sec": "seconds", "seconds": "seconds",
    "usd": "$", "kw": "kW",
}  # fmt: skip
"""Units at the end of a key, which its value then has."""
PERCENTILES: Final = re.compile(r"p\d\d|mean|avg|average|median|peak|pk|max")


@cache
def _meanings() -> dict[str, str]:
    return {key: words for words, keys in _KEYS.items() for key in keys.split()}


_EVENTS: Final = frozenset("req reqs request requests call calls query queries message messages msg msgs".split())
_TIMES: Final = {
    "s": "second", "sec": "second", "second": "second", "min": "minute", "minute": "minute", "h": "hour", "hr": "hour",
    "hour": "hour", "d": "day", "day": "day", "week": "week", "month": "month",
}  # fmt: skip
_SIDES: Final = {
    **dict.fromkeys("in input prompt isl".split(), "input : tokens "),
    **dict.fromkeys("out output answer response completion generation generated gen osl".split(), "output : tokens "),
}  # fmt: skip
_HIGHEST: Final = ("peak", "pk", "max")
_OF_RATES: Final = frozenset({"", "avg", "average", "mean", "median", "p50"})
"""What of rates is the usual; a high percentile of them is the peak."""
_LENGTH: Final = frozenset({"tok", "toks", "token", "tokens", "len", "length", "size"})
_LITTLE: Final = _LENGTH | frozenset("random synthetic sharegpt num sequence seq target per average desired".split())
"""Parts of a key that say no more than that it is of a length: --random-input-len, tokens_per_prompt."""


def meaning_of_key(key: str) -> tuple[str, str] | None:
    """Return the words that a key stands for, and the unit of its value; None where it is none of the table.

    Args:
        key: as typed: --random-input-len, ttft_p95_ms, requestRate, req/day, avg in.
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.strip("-\"' ")).lower()
    name = re.sub(r"[\s.()/\-]+", "_", name).strip("_")
    if name in _meanings():
        return _meanings()[name], ""
    parts = name.split("_")
    statistic = next((part for part in parts if PERCENTILES.fullmatch(part)), "")
    words, unit = _words_and_unit([part for part in parts if part != statistic], bool(statistic))
    rate = words.startswith("requests per")
    if not words or (statistic in _HIGHEST and not rate):
        return None  # only of a rate is the highest a figure of its own
    if rate:
        return words if statistic in _OF_RATES else f"peak {words}", unit
    statistic = {"avg": "mean", "average": "mean", "median": "p50"}.get(statistic, statistic)
    if words.endswith(" : tokens "):
        return (words if statistic in ("", "mean") else f"{words.partition(' ')[0]} {statistic} : tokens "), unit
    return f"{words.removesuffix(':')}{statistic} :", unit


def _words_and_unit(parts: list[str], of_statistic: bool) -> tuple[str, str]:
    """Return what the parts of a key say but for its statistic: words, empty where it is no key, and its unit."""
    if len(parts) > 1 and parts[0] in _EVENTS and parts[-1] in _TIMES and parts[1:-1] in ([], ["per"], ["a"]):
        return f"requests per {_TIMES[parts[-1]]} :", ""
    unit = next((part for part in parts[1:] if part in _UNITS and (len(part) > 1 or part == parts[-1])), "")
    bare = [part for part in parts if not unit or part != unit]
    told = [part for part in bare if part not in _LITTLE]
    if len(told) == 1 and told[0] in _SIDES and (of_statistic or not _LENGTH.isdisjoint(bare)):
        return _SIDES[told[0]], _UNITS.get(unit, "")
    return _meanings().get("_".join(bare), "") if of_statistic or unit else "", _UNITS.get(unit, "")


def is_key(cell: str) -> bool:
    """Return whether a cell of a table names what another holds; 'in' and 'out' do so there, and stand for themselves.

    Args:
        cell: its text.
    """
    return cell.strip().lower() in _BY_THEMSELVES or meaning_of_key(cell) is not None


_BY_THEMSELVES: Final = ("in", "out", "input", "output", "prompt", "answer")
