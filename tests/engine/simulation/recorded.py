"""Schedules that vLLM and SGLang made of a load, and the same load through our simulator.

``recorded_schedules.jsonl.gz``: what the unmodified schedulers of vLLM 0.33.0 and SGLang 0.5.23 and 0.5.10 (both
Apache-2.0) decided on a virtual clock whose steps take what our formula says. A line is a scenario: a step model,
limits, requests, and of each variant of the rules the mean and p99 of TTFT and the last finish, seconds. Other files
may instead hold when each request had its first token and its last ("first", "finish").
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from catalogs.records.runtimes import Scheduler
from catalogs.records.validation import record_of
from engine.simulation import StepModel, requests_of
from engine.simulation.fleet_state import FleetState
from engine.simulation.simulate import Speed, loops_for

RECORDED = Path(__file__).with_name("recorded_schedules.jsonl.gz")

VLLM: dict[str, dict[str, Any]] = {
    "base": {},
    "gate": {"admit_whole_prompt": True},
    "cache": {"prefix_cache": True},
    "gate+cache": {"admit_whole_prompt": True, "prefix_cache": True},
    "async": {"one_step_later": True, "release_one_step_later": True},
    "default": {
        "admit_whole_prompt": True,
        "prefix_cache": True,
        "one_step_later": True,
        "release_one_step_later": True,
    },
}
"""The scheduler's rules by variant."""

SGLANG: dict[str, dict[str, Any]] = {
    "default": {},
    "default, ignore_eos": {"fixed_answers": True},
    "default, max_tokens 4096": {"asked_tokens": 4096},
}
for _variant in ("default", "default, max_tokens 4096"):
    SGLANG[f"0.5.10 {_variant}"] = SGLANG[_variant]
"""What clients ask for, by variant; their answers in others."""

SGLANG_RULES: dict[str, Any] = {
    "mixed": False,
    "prefix_cache": True,
    "one_step_later": True,
    "release_one_step_later": True,
    "answer_reserve": {
        "share": 0.7,
        "least_share": 0.098,
        "fall_steps": 600,
        "most_tokens": 4096,
        "spare_tokens": 1,
        "steps_ahead": 20,
        "fixed_whole": True,
        "foresees_ends": True,
        "source": "sgl-project/sglang 0.5.23",
    },
}

SGLANG_BEFORE = {"spare_tokens": 0, "fixed_whole": False, "foresees_ends": False, "seated_until_decoding": True}
"""What was otherwise in 0.5.10."""


@dataclass(frozen=True)
class Figures:
    """What a schedule comes to, seconds."""

    ttft_mean: float
    ttft_p99: float
    makespan: float

    def over(self, other: "Figures") -> "Figures":
        """These over those of another."""
        return Figures(*(getattr(self, name) / getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def close(self) -> bool:
        """Whether these, over another's, say the same: TTFT within 2 %, the makespan within 1 %."""
        return abs(self.ttft_mean - 1) < 0.02 and abs(self.ttft_p99 - 1) < 0.02 and abs(self.makespan - 1) < 0.01


@dataclass(frozen=True)
class Recorded:
    """A scenario under one variant of the rules."""

    runtime: str
    scenario: dict[str, Any]
    variant: str

    def __str__(self) -> str:
        return f"{self.runtime} {self.scenario['name']} · {self.variant}"

    @property
    def theirs(self) -> Figures:
        run = self.scenario["runs"][self.variant]
        if isinstance(run, list):
            return Figures(*run)
        arrival, clients = self.scenario["arrival"], self.scenario["clients"]
        if clients:  # each client sends its next request a while after its last is done
            later = np.sort(run["finish"])[: len(run["finish"]) - clients] + self.scenario["think"]
            arrival = np.concatenate([np.zeros(clients), later])
        return figures(np.array(run["first"]) - arrival, run["finish"])

    @property
    def scheduler(self) -> Scheduler:
        limits = {"token_budget": self.scenario["budget"], "max_sequences": self.scenario["seats"]}
        rules = {"mixed": True, **VLLM[self.variant]} if self.runtime == "vllm" else SGLANG_RULES
        if self.variant.startswith("0.5.10"):
            rules = {**rules, "answer_reserve": {**rules["answer_reserve"], **SGLANG_BEFORE}}
        return record_of(Scheduler, {**limits, "chunked": True, **rules})

    def ours(self, speed: Speed = "plain") -> Figures:
        """What our simulator makes of the load."""
        case = self.scenario
        terms = dict(case["model"])
        model = StepModel(
            budget=case["budget"],
            seats=case["seats"],
            kv_tokens=case["blocks"] * case["block"],
            block_tokens=case["block"] if self.runtime == "vllm" else 1,
            decode_context_s=[terms.pop("c_d")],
            prompt_context_s=[terms.pop("c_a")],
            **terms,
            **(SGLANG[self.variant] if self.runtime == "sglang" else {}),
        )
        count, clients = len(case["prompt"]), case["clients"]
        arrival = np.zeros(count) if clients else np.array(case["arrival"])
        shared = (np.array(case["shared"]["group"]), np.full(count, case["shared"]["length"])) if case["shared"] else ()
        load = requests_of(arrival, np.array(case["prompt"]), np.array(case["output"]), None, *shared)
        fleet = FleetState(model, self.scheduler, 1, "round_robin", 0, loops_for(speed, count))
        if clients:
            served = fleet.serve_clients(load, clients, np.zeros(clients), np.full(count, case["think"]))
        else:
            served = fleet.serve(load, inf)
        return figures(served.first_token_s - served.arrival_s, served.finish_s)


def figures(ttft_s: Any, finish_s: Any) -> Figures:
    return Figures(float(np.mean(ttft_s)), float(np.quantile(ttft_s, 0.99)), float(np.max(finish_s)))


def recorded(path: Path = RECORDED) -> Iterator[Recorded]:
    """Every scenario under every variant whose rules the simulator knows."""
    with gzip.open(path, "rt") as lines:
        scenarios = [json.loads(line) for line in lines]
    for scenario in scenarios:
        runtime = scenario.get("runtime") or path.name.partition("_")[0]
        for variant in scenario["runs"]:
            if variant in (VLLM if runtime == "vllm" else SGLANG):
                yield Recorded(runtime, scenario, variant)
