"""Result files of benchmark tools: documents in each tool's format, and whatever else a file may hold."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from catalogs.benchmark_files import read_benchmark_file, read_benchmark_files, tools
from catalogs.errors import InputError
from catalogs.measurement_files import Row
from tests.every import of_every

TTFT, ITL, PROMPT, ANSWER, CLIENTS, RUNS = 80.0, 20.0, 1000.0, 101.0, 8, 80
E2E = TTFT + ITL * (ANSWER - 1)
RATE = CLIENTS / E2E * 1e3


def _vllm() -> dict[str, Any]:
    return {
        "backend": "vllm", "model_id": "Qwen/Qwen3-32B", "num_prompts": RUNS, "request_rate": "inf",
        "max_concurrency": CLIENTS, "completed": RUNS, "total_input_tokens": RUNS * PROMPT,
        "total_output_tokens": RUNS * ANSWER, "request_throughput": RATE, "output_throughput": RATE * ANSWER,
        "mean_ttft_ms": TTFT, "mean_tpot_ms": ITL, "mean_e2el_ms": E2E, "p99_ttft_ms": 2 * TTFT,
    }  # fmt: skip


def _sglang() -> dict[str, Any]:
    return _vllm() | {
        "backend": "sglang", "model_id": None, "total_output_tokens_retokenized": RUNS * ANSWER,
        "server_info": {"model_path": "Qwen/Qwen3-32B", "version": "0.5.8", "tp_size": 2, "dp_size": 1},
    }  # fmt: skip


def _statistics(mean: float) -> dict[str, Any]:
    return {"successful": {"mean": mean, "median": mean, "std_dev": 0.0, "percentiles": {"p99": mean}}}


def _guidellm() -> dict[str, Any]:
    figures = {
        "time_to_first_token_ms": TTFT, "inter_token_latency_ms": ITL, "request_latency": E2E / 1e3,
        "prompt_token_count": PROMPT, "output_token_count": ANSWER, "requests_per_second": RATE,
        "output_tokens_per_second": RATE * ANSWER,
    }  # fmt: skip
    metrics = {name: _statistics(mean) for name, mean in figures.items()} | {"request_totals": {"successful": RUNS}}
    strategy = {"type_": "concurrent", "streams": CLIENTS}
    backend = {"model": "Qwen/Qwen3-32B"}
    return {"benchmarks": [{"config": {"strategy": strategy, "backend": backend}, "metrics": metrics}]}


def _inference_perf() -> dict[str, Any]:
    latency = {"time_to_first_token": TTFT, "request_latency": E2E, "time_per_output_token": ITL / 2}
    return {
        "load_summary": {"requested_rate": RATE, "achieved_rate": RATE, "schedule_delay": {"p99": 0.001}},
        "successes": {
            "count": RUNS, "latency": {name: {"mean": value / 1e3} for name, value in latency.items()},
            "throughput": {"requests_per_sec": RATE, "output_tokens_per_sec": RATE * ANSWER},
            "prompt_len": {"mean": PROMPT}, "output_len": {"mean": ANSWER},
        },
    }  # fmt: skip


def _aiperf() -> dict[str, Any]:
    def figure(unit: str, value: float) -> dict[str, Any]:
        return {"unit": unit, "avg": value, "p50": value, "p99": value}

    return {
        "time_to_first_token": figure("ms", TTFT), "inter_token_latency": figure("ms", ITL),
        "request_latency": figure("ms", E2E), "input_sequence_length": figure("tokens", PROMPT),
        "output_sequence_length": figure("tokens", ANSWER), "request_throughput": figure("requests/sec", RATE),
        "output_token_throughput": figure("tokens/sec", RATE * ANSWER), "request_count": figure("requests", RUNS),
        "input_config": {"endpoint": {"model_names": ["Qwen/Qwen3-32B"]}, "loadgen": {"concurrency": CLIENTS}},
    }  # fmt: skip


def _aiperf_csv() -> str:
    return (
        "Metric,avg,min,max,p99,p50\n"
        f"Time to First Token (ms),{TTFT},1,2,3,{TTFT}\nInter Token Latency (ms),{ITL},1,2,3,{ITL}\n"
        f'Request Latency (ms),"{E2E:,}",1,2,3,{E2E}\nInput Sequence Length (tokens),"1,000.00",1,2,3,1000\n'
        f"Output Sequence Length (tokens),{ANSWER},1,2,3,{ANSWER}\n\n"
        f"Metric,Value\nRequest Throughput (requests/sec),{RATE}\nRequest Count (requests),{RUNS}\n"
    )


def _trtllm() -> dict[str, Any]:
    return {
        "engine": {"model": "Qwen/Qwen3-32B", "version": "1.0.0", "quantization": "FP8"},
        "world_info": {"tp_size": 2, "pp_size": 1, "ep_size": None, "world_size": 2, "max_batch_size": 64},
        "request_info": {
            "num_requests": RUNS, "avg_num_concurrent_requests": CLIENTS, "avg_input_length": PROMPT,
            "avg_output_length": ANSWER,
        },
        "performance": {"request_throughput_req_s": RATE, "system_output_throughput_tok_s": RATE * ANSWER},
        "streaming_metrics": {"avg_ttft_ms": TTFT, "avg_tpot_ms": ITL},
    }  # fmt: skip


def _llmperf() -> dict[str, Any]:
    return {
        "model": "Qwen/Qwen3-32B", "num_concurrent_requests": CLIENTS, "results_num_completed_requests": RUNS,
        "results_ttft_s_mean": TTFT / 1e3, "results_end_to_end_latency_s_mean": E2E / 1e3,
        "results_inter_token_latency_s_mean": E2E / ANSWER / 1e3, "results_number_input_tokens_mean": PROMPT,
        "results_number_output_tokens_mean": ANSWER, "results_mean_output_throughput_token_per_s": RATE * ANSWER,
    }  # fmt: skip


def _report() -> dict[str, Any]:
    def figure(units: str, mean: float) -> dict[str, Any]:
        return {"units": units, "mean": mean}

    engine = {"kind": "inference_engine", "tool": "vllm", "tool_version": "0.11", "model": {"name": "Qwen/Qwen3-32B"}}
    return {
        "version": "0.2",
        "scenario": {"load": {"standardized": {"concurrency": CLIENTS}}, "stack": [{"standardized": engine}]},
        "results": {"request_performance": {"aggregate": {
            "requests": {"input_length": figure("count", PROMPT), "output_length": figure("count", ANSWER)},
            "latency": {
                "time_to_first_token": figure("s", TTFT / 1e3),
                "time_per_output_token": figure("s/token", ITL / 1e3),
            },
            "throughput": {"request_rate": figure("queries/s", RATE)},
        }}},
    }  # fmt: skip


def _metrics() -> str:
    lines = ['vllm:num_requests_running{model_name="Qwen/Qwen3-32B"} 8.0']
    for name, mean in (
        ("time_to_first_token_seconds", TTFT / 1e3), ("inter_token_latency_seconds", ITL / 1e3),
        ("request_prompt_tokens", PROMPT), ("request_generation_tokens", ANSWER),
    ):  # fmt: skip
        lines += [f'vllm:{name}_sum{{model_name="Qwen/Qwen3-32B"}} {mean * RUNS}', f"vllm:{name}_count{{}} {RUNS}"]
    return "\n".join(lines) + "\n"


DOCUMENTS: Mapping[str, Callable[[], dict[str, Any] | str]] = {
    "vllm bench serve": _vllm, "sglang.bench_serving": _sglang, "guidellm": _guidellm,
    "inference-perf": _inference_perf, "AIPerf or GenAI-Perf": _aiperf, "AIPerf or GenAI-Perf, CSV": _aiperf_csv,
    "trtllm-bench": _trtllm, "llmperf": _llmperf, "llm-d benchmark report": _report, "Prometheus metrics": _metrics,
}  # fmt: skip
"""One of each tool's documents, all of the same run."""
SECONDS = {"vllm bench serve", "sglang.bench_serving", "guidellm", "trtllm-bench"}
"""Tools whose latencies have no unit beside them but milliseconds in their names."""


def rows_of(document: object, name: str = "result.json") -> tuple[Row, ...]:
    text = document if isinstance(document, str) else json.dumps(document)
    return read_benchmark_file(Path(name), text.encode()).rows


def scaled(tree: Any, factor: float) -> Any:
    """The latencies of a document in another unit, under the same names."""
    if isinstance(tree, dict):
        return {
            key: value * factor
            if isinstance(value, float) and any(word in key for word in ("ttft", "tpot", "itl", "e2e", "latency"))
            else {"successful": {**value["successful"], "mean": value["successful"]["mean"] * factor}}
            if key.endswith("_ms") and isinstance(value, dict)
            else scaled(value, factor)
            for key, value in tree.items()
        }
    return [scaled(one, factor) for one in tree] if isinstance(tree, list) else tree


@of_every(DOCUMENTS.items(), name=lambda case: case[0])
def test_every_tool_says_what_was_measured(name: str, document: Callable[[], Any]) -> None:
    read = read_benchmark_file(Path("result"), _bytes(document()))
    assert read.tool == name.removesuffix(", CSV")
    (row,) = read.rows
    assert float(row["ttft_ms_mean"]) == pytest.approx(TTFT, rel=1e-3)
    assert float(row["itl_ms_mean"]) == pytest.approx(ITL, rel=1e-3)
    assert (float(row["input_tokens"]), float(row["output_tokens"])) == (PROMPT, ANSWER)
    if row["load"] == "closed_loop" and "CSV" not in name:
        assert int(row["concurrency"]) == CLIENTS
    elif row["load"] == "open_loop":
        assert float(row["request_rate"]) == pytest.approx(RATE, rel=1e-3)


def _bytes(document: dict[str, Any] | str) -> bytes:
    return (document if isinstance(document, str) else json.dumps(document)).encode()


def test_every_tool_is_tested_here() -> None:
    of_their_own = {"llama-bench", "start-up log"}
    assert {tool.name for tool in tools()} == {name.removesuffix(", CSV") for name in DOCUMENTS} | of_their_own


@of_every(DOCUMENTS.items(), name=lambda case: case[0])
def test_a_truncated_file_is_refused_in_a_sentence(name: str, document: Callable[[], Any]) -> None:
    content = _bytes(document())
    for share in (0.1, 0.5, 0.9):
        try:
            read_benchmark_file(Path("result"), content[: int(len(content) * share)])
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert not isinstance(document(), dict), f"{share:.0%} of it reads as whole"


@of_every(DOCUMENTS.items(), name=lambda case: case[0])
def test_what_no_benchmark_prints_is_refused_by_name(name: str, document: Callable[[], Any]) -> None:
    """Each figure of each document in turn: text, a negative, infinite, a list, a huge one."""
    whole = document()
    if isinstance(whole, str):
        return
    for path in _figures(whole):
        for value in ("abc", -1.0, float("nan"), [1, 2], {"a": 1}, 1e300, True):
            changed = deepcopy(whole)
            place = changed
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = value
            try:
                rows = rows_of(changed)
            except InputError as error:
                assert "\n" not in str(error)
                assert len(str(error)) < 400
            else:
                assert all(isinstance(text, str) for row in rows for text in row.values())


def _figures(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return [found for key, value in items for found in _figures(value, (*path, key))]
    return [path] if isinstance(tree, int | float) else []


@of_every(sorted(SECONDS))
def test_latencies_in_another_unit_are_noticed(name: str) -> None:
    """By Little's law, against the rate and the clients of the same run."""
    for factor in (1e-3, 1e3):
        with pytest.raises(InputError, match="another unit"):
            rows_of(scaled(DOCUMENTS[name](), factor))


def test_a_unit_that_is_stated_is_converted_or_refused() -> None:
    tree = _aiperf()
    tree["time_to_first_token"] = {"unit": "s", "avg": TTFT / 1e3}
    assert float(rows_of(tree)[0]["ttft_ms_mean"]) == pytest.approx(TTFT)
    tree["time_to_first_token"] = {"unit": "furlongs", "avg": 1.0}
    with pytest.raises(InputError, match="furlongs"):
        rows_of(tree)


@of_every(
    [
        "",
        "   \n",
        "{}",
        "[]",
        "null",
        "42",
        "{",
        "[[[[",
        "\x00\x01",
        "a,b\n1,2\n",
        '{"completed": 0}',
        "[1, 2]",
        "{" * 100_000,
    ]
)
def test_what_is_no_result_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InputError) as refusal:
        rows_of(text)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 700


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="not text"):
        read_benchmark_file(Path("result"), b"\xff\xfe\x80")


def test_nothing_that_was_completed_is_no_measurement() -> None:
    with pytest.raises(InputError, match="no request was completed"):
        rows_of(_vllm() | {"completed": 0})


def test_runs_that_were_appended_are_read_line_by_line() -> None:
    lines = "\n".join(
        json.dumps(
            _vllm() | {"max_concurrency": clients, "request_throughput": clients / E2E * 1e3, "output_throughput": None}
        )
        for clients in (1, 8)
    )
    assert [row["concurrency"] for row in rows_of(lines)] == ["1", "8"]


def test_a_rate_is_an_open_loop_with_its_burstiness() -> None:
    (row,) = rows_of(_vllm() | {"request_rate": 2.5, "max_concurrency": None, "burstiness": 0.25})
    assert (row["load"], row["request_rate"], row["burstiness"]) == ("open_loop", "2.5", "2")


def test_a_client_that_was_late_offered_what_it_achieved() -> None:
    tree = _inference_perf()
    tree["load_summary"] |= {"achieved_rate": RATE / 2, "schedule_delay": {"p99": 30.0}}
    assert float(rows_of(tree)[0]["request_rate"]) == pytest.approx(RATE / 2)


def test_llama_bench_has_a_prompt_and_an_answer() -> None:
    tests = [
        {"model_filename": "/models/Qwen3-8B-Q4_K_M.gguf", "n_prompt": prompt, "n_gen": answer, "avg_ts": speed}
        for prompt, answer, speed in ((512, 0, 5000.0), (0, 128, 110.0), (512, 128, 300.0))
    ]
    rows = rows_of(tests)
    assert [(row["load"], row["model"]) for row in rows] == [
        ("prefill_only", "Qwen3-8B-Q4_K_M"), ("decode_only", "Qwen3-8B-Q4_K_M"),
    ]  # fmt: skip


@of_every(["json", "jsonl", "csv", "md"])
def test_each_format_of_llama_bench_has_the_prompt_and_the_answers(suffix: str) -> None:
    """As the tool wrote them: a prompt behind a context and a prompt with its answer are no points."""
    read = read_benchmark_file(REAL / f"llama_bench_b11434.{suffix}")
    assert read.tool == "llama-bench"
    assert [(row["load"], row["input_tokens"], row["output_tokens"]) for row in read.rows] == [
        ("prefill_only", "64", ""), ("decode_only", "", "16"), ("decode_only", "128", "16"),
    ]  # fmt: skip
    speeds = [float(row["prefill_tokens_per_s"] or row["output_tokens_per_s"]) for row in read.rows]
    assert all(500 < speed < 20_000 for speed in speeds)


def test_bars_of_other_files_are_no_table_of_llama_bench() -> None:
    """Progress in a start-up log, other lines before a table, a table of another kind."""
    bars = "Loading: 25% Completed | 1/4 [00:00<00:02, 1.32it/s]\n" * 3
    memory = read_benchmark_file(Path("server.log"), f"{bars}GPU KV cache size: 400,000 tokens\n".encode()).memory
    assert memory is not None
    assert memory.pool_tokens == 400_000
    table = (REAL / "llama_bench_b11434.md").read_text(encoding="utf-8")
    assert len(read_benchmark_file(Path("out.md"), f"system_info: n_threads = 8 | AVX = 1\n{table}".encode()).rows) == 3
    with pytest.raises(InputError, match="is no result that can be read"):
        read_benchmark_file(Path("README.md"), b"| a | b |\n|---|---|\n| 1 | 2 |\n")


def test_a_table_of_llama_bench_without_a_speed_is_refused() -> None:
    table = "| model | test | t/s |\n| --- | ---: | ---: |\n| llama 8B Q4_0 | pp512 | fast ± 3 |\n"
    with pytest.raises(InputError, match="avg_ts is 'fast'"):
        read_benchmark_file(Path("result.md"), table.encode())


@of_every(
    [
        ("GPU KV cache size: 300,864 tokens", 300_864, None),
        ("Maximum concurrency for 40,960 tokens per request: 7.50x", 307_200, None),
        ("GPU KV cache size: 300,864 tokens\nMaximum concurrency for 40,960 tokens per request: 7.35x", 300_864, None),
        ("# GPU blocks: 18804, # CPU blocks: 2048", 300_864, None),
        ("# GPU blocks: 9402, # CPU blocks: 1024\nblock_size=32", 300_864, None),
        ("max_total_num_tokens=300864, chunked_prefill_size=8192, mem_fraction_static=0.88", 300_864, 0.88),
        ("KV Cache is allocated. #tokens: 300864, K size: 26.6 GB, V size: 26.6 GB", 300_864, None),
        ("Allocated 0.56 GiB for max tokens in paged KV cache (8224).\n"
         "Allocated 36.7 GiB for max tokens in paged KV cache (300864).", 300_864, None),
        ("Number of blocks in KV cache primary pool: 9402\nNumber of tokens per block: 32.", 300_864, None),
        ("non-default args: {'gpu_memory_utilization': 0.95}\nGPU KV cache size: 300,864 tokens", 300_864, 0.95),
    ]
)  # fmt: skip
def test_a_start_up_log_says_what_its_cache_holds(line: str, tokens: float, share: float | None) -> None:
    read = read_benchmark_file(Path("server.log"), f"starting\n{line}\nready\n".encode())
    assert read.memory is not None
    assert (read.memory.pool_tokens, read.memory.utilisation) == (tokens, share)


def test_a_start_up_log_says_how_its_server_was_started_and_what_weights_take() -> None:
    log = (
        "[api_server.py:1896] vLLM API server version 0.11.2\n"
        "non-default args: {'model': 'Qwen/Qwen3-32B', 'tensor_parallel_size': 2}\n"
        "Model loading took 30.6 GiB and 12.3 seconds\nGPU KV cache size: 300,864 tokens\n"
    )
    memory = read_benchmark_file(Path("server.log"), log.encode()).memory
    assert memory is not None
    assert memory.weights_gib == 30.6
    said = {name: value for name, value in memory.columns.items() if value}
    assert said == {"engine": "vllm", "engine_version": "0.11.2", "model": "Qwen/Qwen3-32B", "tp": "2"}


def test_a_log_of_a_server_without_a_cache_is_refused() -> None:
    with pytest.raises(InputError, match="0 tokens"):
        read_benchmark_file(Path("server.log"), b"GPU KV cache size: 0 tokens\n")


REAL = Path(__file__).resolve().parents[1] / "fixtures" / "benchmarks"


@of_every(sorted(file.name for file in REAL.iterdir() if file.suffix != ".md" and "llama" not in file.name))
def test_a_file_that_a_tool_wrote_says_how_its_server_answered(name: str) -> None:
    """First token after 80 ms, one more every 12 ms, to four clients; the machine was busy."""
    (row,) = read_benchmark_file(REAL / name).rows
    assert 80 <= float(row["ttft_ms_mean"]) < 110
    assert float(row["itl_ms_mean"]) == pytest.approx(12, rel=0.05)
    assert (row["input_tokens"], row["output_tokens"]) == ("64", "32")
    if not name.startswith("benchmark_report") and not name.endswith(".csv"):
        assert (row["load"], row["concurrency"]) == ("closed_loop", "4")
    if name.startswith(("aiperf", "guidellm", "vllm")) and not name.endswith(".csv"):
        assert row["model"] == "Qwen/Qwen3-32B"


def test_a_warm_up_of_aiperf_is_not_what_was_measured() -> None:
    tree = json.loads((REAL / "aiperf_0.13.0.json").read_text(encoding="utf-8"))
    phases = tree["input_config"]["phases"]
    phases.insert(0, {"name": "warmup", "kind": "warmup", "type": "concurrency", "requests": 3, "concurrency": 1})
    assert rows_of(tree)[0]["concurrency"] == "4"


@of_every([("poisson", {}, ""), ("constant", {}, "0.001"), ("gamma", {"smoothness": 0.25}, "2")])
def test_a_rate_of_aiperf_is_an_open_loop_whose_concurrency_is_its_cap(
    kind: str, more: dict[str, float], burstiness: str
) -> None:
    tree = json.loads((REAL / "aiperf_0.13.0.json").read_text(encoding="utf-8"))
    tree["input_config"]["phases"] = [{"kind": "profiling", "type": kind, "rate": 5.0, "concurrency": 64, **more}]
    (row,) = rows_of(tree)
    assert (row["load"], row["request_rate"], row["concurrency"]) == ("open_loop", "5", "")
    assert row["burstiness"] == burstiness


def test_a_result_in_two_formats_is_one_result(tmp_path: Path) -> None:
    for suffix in (".csv", ".json"):
        (tmp_path / f"profile{suffix}").write_bytes((REAL / f"aiperf_0.13.0{suffix}").read_bytes())
    (read,) = read_benchmark_files([tmp_path])
    assert read.path.suffix == ".json"


POOL = "GPU KV cache size: 300,864 tokens\n"


@of_every(
    [
        ("INFO max_total_num_tokens=3008", "breaks off"),
        ("KV Cache is allocated. #tokens: 300,8", "breaks off"),
        ("GPU KV cache size: 300,8", "breaks off"),
        ("INFO for max tokens in paged KV cache (3008", "breaks off"),
        ("Number of blocks in KV cache primary pool: 9402\nNumber of tok", "breaks off"),
        ("vLLM API server version 0.11.2, V1\nModel loading took 30.6 GiB and 12.3 seconds\n", "breaks off"),
        ("GPU KV cache size: , tokens\n", "breaks off"),
        ("GPU KV cache size: 38.5 GiB\n", "in GiB"),
        (f"GPU KV cache size: {'9' * 400} tokens\n", "inf tokens"),
        ("Maximum concurrency for 40,960 tokens per request: 0.00x\n", "0 tokens"),
        ("Number of blocks in KV cache primary pool: 9402\n" * 5_000, "breaks off"),
    ]
)
def test_a_log_that_is_cut_off_or_states_no_tokens_is_refused_in_a_sentence(log: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as refusal:
        read_benchmark_file(Path("server.log"), log.encode())
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_what_a_log_garbles_beside_its_pool_is_left_out() -> None:
    garbled = (
        "Model loading took 1.2.3 GiB", "Model loading took ... GiB", "'gpu_memory_utilization': 0.0",
        "model='a\nb'", "model='\x1b[31mx'", f"tensor_parallel_size={'9' * 5_000}", "Load weight end. " * 5_000,
    )  # fmt: skip
    for line in garbled:
        memory = read_benchmark_file(Path("server.log"), f"{line}\n{POOL}".encode()).memory
        assert memory is not None
        assert (memory.pool_tokens, memory.weights_gib, memory.utilisation) == (300_864, None, None)
        assert not any(memory.columns.values())


def test_weights_that_a_log_states_in_mib_are_converted() -> None:
    memory = read_benchmark_file(Path("server.log"), f"Model loading took 30720 MiB and 9 s\n{POOL}".encode()).memory
    assert memory is not None
    assert memory.weights_gib == 30


def test_of_a_folder_what_no_tool_wrote_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "validation.json").write_text('{"global": {"errors": []}}', encoding="utf-8")
    with pytest.raises(InputError, match="no result"):
        read_benchmark_files([tmp_path])
    (tmp_path / "run.json").write_text(json.dumps(_vllm()), encoding="utf-8")
    assert [len(file.rows) for file in read_benchmark_files([tmp_path])] == [1]
    with pytest.raises(InputError, match="no result"):
        read_benchmark_files([tmp_path / "run.json", tmp_path / "validation.json"])


def test_stages_of_inference_perf_have_clients_or_a_rate_and_their_summary_neither() -> None:
    tree = _inference_perf()
    load = tree["load_summary"]
    (row,) = rows_of(tree | {"load_summary": load | {"concurrency": CLIENTS}})
    assert (row["load"], row["concurrency"]) == ("closed_loop", str(CLIENTS))
    assert rows_of(tree | {"load_summary": {"count": RUNS}}) == ()
