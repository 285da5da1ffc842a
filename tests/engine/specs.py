"""Specs drawn from all that a WorkloadSpec may say, as values by dotted path."""

from math import exp, log
from typing import Any

from hypothesis import strategies as st

from tests.catalogs.memory_facts import MEMORY_FACTS
from tests.engine.asked import CATALOG

Values = dict[str, Any]

MODELS = st.sampled_from([fact.model for fact in MEMORY_FACTS] + ["llama-3.1-8b", "mixtral-8x7b", "qwen3-235b-a22b"])
"""Every kind of attention and of feed-forward."""
USUAL = ("a100-sxm-80gb", "h100-sxm-80gb", "h200-sxm-141gb", "b200-sxm", "l40s", "mi300x")
WEIGHTS = st.sampled_from(["fp16", "bf16", "fp8", "int8", "int4", "nvfp4", "mxfp4", "fp32", "q4_k_m"])


def decades(low: float, high: float) -> st.SearchStrategy[float]:
    """Floats whose logarithm is uniform; simplest at the low end."""
    return st.floats(0, 1).map(lambda share: exp(log(low) + share * log(high / low)))


TARGETS = st.lists(
    st.fixed_dictionaries(
        {
            "metric": st.sampled_from(["ttft", "itl", "e2e"]),
            "percentile": st.sampled_from(["mean", "p50", "p90", "p95", "p99"]),
            "seconds": decades(1e-3, 300),
        }
    ),
    max_size=3,
)
LOADS = st.one_of(
    st.fixed_dictionaries({"traffic.requests_per_s": decades(1e-4, 1e5)}),
    st.fixed_dictionaries({"traffic.concurrency": decades(1, 1e5).map(int)}),
    st.fixed_dictionaries({"hardware.accelerator_count": st.integers(1, 300)}),
    st.fixed_dictionaries({"hardware.nodes": st.integers(1, 40)}),
    st.fixed_dictionaries({"hardware.replicas": st.integers(1, 40)}),
)
LENGTHS = st.fixed_dictionaries(
    {"tokens.input.mean": decades(1, 1e5), "tokens.output.mean": decades(1, 1e5)},
    optional={
        "tokens.input.cv": st.floats(0, 3),
        "tokens.output.cv": st.floats(0, 3),
        "tokens.prefix_hit": st.sampled_from([0.0, 0.5, 0.95]),
        "tokens.reasoning_tokens": decades(1, 1e4),
    },
)
WIDTHS = st.sampled_from([1, 2, 3, 4, 8, 16])
SERVING = st.fixed_dictionaries(
    {},
    optional={
        "serving.runtime": st.sampled_from(sorted(CATALOG.runtimes)),
        "serving.tensor_parallel": WIDTHS,
        "serving.pipeline_parallel": WIDTHS,
        "serving.data_parallel": WIDTHS,
        "serving.expert_parallel": WIDTHS,
        "serving.batch_cap": decades(1, 2000).map(int),
        "serving.context_window": decades(2, 2e5).map(int),
        "serving.token_budget": decades(1, 1e5).map(int),
        "serving.memory_utilisation": st.floats(0.05, 1),
        "serving.utilisation_ceiling": st.floats(0.001, 1),
    },
)
REST = st.fixed_dictionaries(
    {},
    optional={
        "traffic.peak_factor": st.floats(1, 100),
        "traffic.burst": st.floats(1, 10),
        "traffic.burstiness": decades(0.05, 20),
        "traffic.growth_per_year": st.floats(-0.9, 3),
        "traffic.calls_per_request": decades(0.1, 100),
        "precision.weights": WEIGHTS,
        "precision.kv_cache": st.sampled_from(["bf16", "fp8", "int8"]),
        "hardware.accelerators": st.lists(st.sampled_from(sorted(CATALOG.accelerators)), min_size=1, max_size=2),
        "hardware.max_accelerators": decades(1, 1000).map(int),
        "hardware.max_nodes": decades(1, 100).map(int),
        "hardware.max_replicas": decades(1, 100).map(int),
        "hardware.max_power_kw": decades(0.1, 1000),
        "availability.spare_replicas": st.integers(0, 3),
        "availability.minimum_replicas": st.integers(1, 20),
        "money.term": st.sampled_from(["on_demand", "spot", "reserved_1y", "reserved_3y", "owned"]),
        "money.usd_per_accelerator_hour": decades(0.01, 100),
        "money.monthly_budget_usd": decades(10, 1e7),
        "targets": TARGETS,
    },
)


@st.composite
def anything(draw: st.DrawFn) -> Values:
    """Any spec that validates, sensible or not."""
    # A search of all accelerators takes its time: mostly one is named.
    usual: Values = {"hardware.accelerators": [draw(st.sampled_from(USUAL))]} if draw(st.integers(0, 5)) else {}
    return {"model": draw(MODELS), **usual, **draw(LENGTHS), **draw(SERVING), **draw(REST), **draw(LOADS)}


@st.composite
def planned(draw: st.DrawFn) -> Values:
    """Specs that mostly have a plan: one accelerator, a rate, lengths and targets that people ask for."""
    return {
        "model": draw(MODELS),
        "hardware.accelerators": [draw(st.sampled_from(USUAL))],
        "traffic.requests_per_s": draw(decades(1e-3, 1e4)),
        "tokens.input.mean": draw(decades(1, 3000)),
        "tokens.output.mean": draw(decades(1, 3000)),
        "targets": draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "metric": st.sampled_from(["ttft", "itl", "e2e"]),
                        "percentile": st.sampled_from(["mean", "p50", "p90", "p95", "p99"]),
                        "seconds": decades(0.1, 100),
                    }
                ),
                max_size=2,
            )
        ),
        # A price per accelerator and hour, so that money counts accelerators and not the offers of a day.
        "money.usd_per_accelerator_hour": 2.0,
        **draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "precision.weights": st.sampled_from(["bf16", "int4"]),
                    "serving.runtime": st.sampled_from(sorted(CATALOG.runtimes)),
                    "serving.batch_cap": decades(1, 500).map(int),
                    "serving.utilisation_ceiling": st.floats(0.1, 1),
                    "traffic.peak_factor": st.floats(1, 20),
                    "traffic.burstiness": decades(0.2, 5),
                    "tokens.input.cv": st.floats(0, 2),
                    "tokens.output.cv": st.floats(0, 2),
                    "tokens.prefix_hit": st.floats(0, 0.9),
                    "availability.spare_replicas": st.integers(0, 2),
                },
            )
        ),
    }
