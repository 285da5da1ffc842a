"""Turn published result files with percentiles into points that `fleetcast accuracy --points -` reads.

    python tests/benchmarks/tail_points.py FILE.csv [--configured] | fleetcast accuracy --points -

FILE.csv holds stages of inference-perf (a column ``requested_rps``) or runs of MLPerf Inference (``scenario``), one a
row, as spec-kit/data_sources.md describes them. With --configured runs of MLPerf state what their submitters' published
configurations do (mlperf_settings.csv), where these were found; else servers run as a runtime does by default.
"""

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

INFERENCE_PERF = {
    "vllm": (128, ""),
    "vllm+batch_size": (192, ""),
    "vllm+chunking_and_prefix_caching": (128, "0.94"),
    "vllm+quantization": (128, "0.94"),
}
"""By setting: --max-num-seqs, and the share of prompts in the prefix cache where it is on: a hundred prompts of
203 tokens, of which 12 blocks of 16 are found. Its ITL says that the setting named quantization served 16-bit weights.
The other settings draft tokens (eagle) or ran the engine of before 2025 (v0_engine). Source: kubernetes-sigs/
inference-perf demos/kubecon-na-2025, the manifests of each setting."""

CLIENTS = 440
"""44 workers with ten requests each: where the schedule slips by more than a second they are a closed loop."""
SLIPPED_S = 1.0

IDLE_RPS = 1.0
"""Stages of so few requests gave what the client adds to TTFT (catalogs/protocols.toml)."""

PERCENTILES = ("p50", "p90", "p95", "p99", "p99.9")


def inference_perf_points(rows: list[Mapping[str, str]]) -> Iterator[dict[str, str]]:
    """Yield one point for each stage of a setting that is modelled."""
    for row in rows:
        if row["config"] not in INFERENCE_PERF or float(row["requested_rps"]) <= IDLE_RPS:
            continue
        sequences, hit = INFERENCE_PERF[row["config"]]
        slipped = float(row["schedule_delay_s_p99"]) > SLIPPED_S
        yield {
            "id": f"{row['config']}, stage {row['stage']}",
            "source": "inference_perf",
            "locator": row["path"],
            "engine": "vLLM",
            "engine_version": "0.11.0",
            "model": "llama-3.1-8b",
            "accelerator": "h100-sxm-80gb",
            "gpus": "1",
            "weight_precision": "bf16",
            "load": "closed_loop" if slipped else "open_loop",
            "concurrency": str(CLIENTS) if slipped else "",
            "request_rate": "" if slipped else row["requested_rps"],
            "max_sequences": str(sequences),
            "prefix_hit": hit,
            "input_tokens": row["input_tokens_mean"],
            "output_tokens": row["output_tokens_mean"],
            "itl_ms_mean": row["itl_ms_mean_derived"],
            "ttft_ms_mean": row["ttft_ms_mean"],
            "output_tokens_per_s": row["output_tok_s"] if slipped else "",
            **{
                f"{metric}_ms_{percentile}": row[f"{metric}_ms_{percentile}"]
                for metric in ("ttft", "e2e")
                for percentile in PERCENTILES[:4]
            },
        }


MODELS = {
    "llama2-70b-99": "llama-2-70b",
    "llama2-70b-99.9": "llama-2-70b",
    "llama3.1-8b": "llama-3.1-8b",
    "llama3_1-8b": "llama-3.1-8b",
    "llama3.1-405b": "llama-3.1-405b",
    "mixtral-8x7b": "mixtral-8x7b",
    "deepseek-r1": "deepseek-r1",
    "gpt-oss-120b": "gpt-oss-120b",
}


MOSTLY_FP8 = ("mixtral-8x7b",)
"""Whose FP4 submissions are of 7.25 bits a weight on average, chosen by layer: four fifths in FP8. Source: mlcommons/
inference_results_v6.0 and before, closed/NVIDIA configs of mixtral-8x7b on B200, trtllm_checkpoint_flags
effective_bits, read 2026-11-29."""


SERVED = {"Dell_MangoBoost": "fp4"}
"""What a submitter served where its logs say otherwise: the FP4 model on MI355X. Source: mlcommons/
inference_results_v6.0 closed/Dell_MangoBoost/src/llama2-70b-99/README.md, read 2026-11-30."""


CAPPED = {"MI355X 288GB HBM3e (Power Cap 1000 W)": "MI350X"}
"""An MI355X held to 1,000 W of its 1,400 is an MI350X: the same dies and memory under that card's limit."""


SETTINGS = Path(__file__).with_name("mlperf_settings.csv")
"""How submitters' servers were started: largest batch and tokens of a step (of a data-parallel rank), how many decoding
steps pass between looks for arrivals, whether prompts are split. Sources: mlcommons/inference_results_v6.0, closed/
NVIDIA's, ASUSTeK's, Cisco's, CoreWeave's, Dell's, GigaComputing's, HPE's, Nebius' and Quanta's configs/SYSTEM/SCENARIO/
MODEL.py; closed/Cisco, Dell, GigaComputing, HPE and Supermicro src and configs, server_mi355x.yaml and others of AMD's
harness, alike in all (VLLM_SUBSEQUENT_DECODE_STEPS; of MI300X num_scheduler_steps); read 2026-11-30."""
HOW = ("submitter", "system", "model", "scenario_dir")


def mlperf_points(rows: list[Mapping[str, str]], configured: bool = False) -> Iterator[dict[str, str]]:
    """Yield one point for each run under a latency limit; runs of equal results (99 and 99.9 % accuracy) once.

    Args:
        rows: of the file.
        configured: state how submitters' servers were started.
    """
    with SETTINGS.open(encoding="utf-8") as file:
        stated = csv.DictReader(file)
        columns = [name for name in stated.fieldnames or () if name not in HOW]
        settings = {tuple(one[name] for name in HOW): one for one in stated} if configured else {}
    seen = set()
    for row in rows:
        maker, _, name = row["accelerator"].replace("(R)", "").partition(" ")
        name = CAPPED.get(name.removeprefix("Instinct "), name)
        result = (row["submitter"], row["system"], row["model"].removesuffix(".9"), row["completed_samples_s"])
        if row["scenario"] != "Server" or result in seen or " and " in name:
            continue
        seen.add(result)
        how = settings.get(tuple(row[name].removesuffix(".9").removesuffix("-99") for name in HOW), {})
        fp4 = "nvfp4" if maker == "NVIDIA" and row["model"] != "gpt-oss-120b" else "mxfp4"
        interactive = row["scenario_dir"] == "Interactive"
        precision = SERVED.get(row["submitter"], row["precision"])
        yield {
            "id": row["path"],
            # A name that is empty is of a CPU.
            "source": "mlperf_v6.0",
            "locator": row["path"],
            "engine": "TensorRT-LLM" if maker == "NVIDIA" else "vLLM",
            "model": MODELS.get(row["model"], row["model"]),
            "accelerator": name.partition(" GB")[0]
            .removeprefix("Instinct ")
            .partition(" 288GB")[0]
            .partition(" 192GB")[0],
            "gpus": str(int(row["n"]) * int(row["nodes"])),
            "weight_precision": {"fp4": "fp8" if row["model"] in MOSTLY_FP8 else fp4}.get(precision, precision),
            "load": "mlperf_interactive" if interactive else "mlperf_server",
            "ttft_limit_ms": row["ttft_limit_ms"],
            "itl_limit_ms": row["tpot_limit_ms"],
            # That came: of those completed a second, the time after the last arrival is in the divisor.
            "requests_per_s": row["target_qps"],
            **{
                f"{metric}_ms_{percentile}": row[f"{theirs}_{percentile}_ms"]
                for metric, theirs in (("ttft", "ttft"), ("itl", "tpot"), ("e2e", "e2e"))
                for percentile in PERCENTILES
            },
            **{name: how.get(name, "") for name in columns},
        }


def points_of(rows: list[Mapping[str, str]], *, configured: bool = False) -> list[dict[str, str]]:
    """Return the points of a file's rows, whichever benchmark they are of."""
    return list(inference_perf_points(rows) if "requested_rps" in rows[0] else mlperf_points(rows, configured))


if __name__ == "__main__":
    with Path(sys.argv[1]).open(encoding="utf-8") as file:
        points = points_of(list(csv.DictReader(file)), configured="--configured" in sys.argv)
    writer = csv.DictWriter(sys.stdout, list(points[0]))
    writer.writeheader()
    writer.writerows(points)
