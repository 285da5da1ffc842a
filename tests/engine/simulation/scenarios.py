"""Random small systems that stress the scheduler: few seats, little KV, bursts, windows, every policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from random import Random

import numpy as np
import pytest

from catalogs.records.runtimes import AnswerReserve, Scheduler
from engine.simulation import Requests, StepModel, requests_of
from engine.simulation.routing import Routing

USUAL_SEEDS = 40
"""So many of a test's seeds run always."""


def seeds(numbers: Sequence[int]) -> list[object]:
    """Return seeds as parameters of a test: the first 40 run always, the others where the tests are thorough."""
    thorough = [pytest.param(seed, marks=pytest.mark.thorough) for seed in numbers[USUAL_SEEDS:]]
    return [*numbers[:USUAL_SEEDS], *thorough]


@dataclass(frozen=True)
class Scenario:
    model: StepModel
    policy: Scheduler
    requests: Requests
    replicas: int
    routing: Routing


def scenario(seed: int) -> Scenario:
    draw, new = Random(seed), Random(f"scheduler {seed}")
    begins = Random(f"prefixes {seed}")
    budget, seats = draw.choice([32, 64, 256, 2048]), draw.choice([2, 5, 16, 64])
    block = draw.choice([1, 4, 16, 32])
    answers = new.random() < 0.25
    if answers:
        block = 1
    prompt, output = draw.choice([10, 60, 300]), draw.choice([3, 20, 80])
    pool = draw.choice([1e15, (prompt + output) * 6, (prompt + output) * 20, (prompt + output) * 3.5])
    windows = draw.choice([(inf,), (inf,), (32.0, inf), (16.0, 64.0, inf), (24.0,)])
    flat = draw.random() < 0.2
    model = StepModel(
        tokens=[1, 8, 100, 4000],
        seconds=[0.01, 0.0101, 0.012, 0.1],
        budget=budget,
        seats=seats,
        kv_tokens=max(pool, block * 2),
        block_tokens=block,
        decode_fixed_s=draw.choice([0, 1e-3]),
        decode_sequence_s=draw.choice([0, 2e-5]),
        decode_further_s=3e-5,
        decode_further_from=2,
        prompt_fixed_s=draw.choice([0, 2e-3]),
        prompt_token_s=draw.choice([0, 1e-6]),
        windows=windows if not answers else (inf,),
        decode_context_s=[0.0 if flat else draw.uniform(0, 3e-6) for _ in windows][: 1 if answers else None],
        prompt_context_s=[draw.uniform(0, 1e-7) for _ in windows][: 1 if answers else None],
        decode_extra=draw.choice([0, 3.5]),
        asked_tokens=new.choice([0, 2 * output, 1000]),
        fixed_answers=new.random() < 0.2,
    )
    mixed = draw.random() < 0.6 and not answers
    policy = Scheduler(
        token_budget=budget,
        max_sequences=seats,
        mixed=mixed,
        chunked=draw.random() < 0.6 or answers,
        reserve_output=draw.random() < 0.3 and not answers,
        one_step_later=draw.random() < 0.4,
        reserve_asked=begins.random() < 0.5,
        admit_whole_prompt=new.random() < 0.5,
        prefix_cache=(mixed or answers) and new.random() < 0.6,
        release_one_step_later=(mixed or answers) and new.random() < 0.5,
        poll_steps=draw.choice([1, 1, 1, 5, 30]),
        batch_wait_steps=0 if answers else draw.choice([0, 0, 0, 7, 20]),
        prompts_per_step=None if answers else draw.choice([None, None, 1, 3]),
        answer_reserve=answer_reserve(new) if answers else None,
    )
    count, rate, bursts = draw.choice([5, 40, 200]), draw.choice([0.5, 3, 20, 100]), draw.random() < 0.3
    random = np.random.default_rng(seed)
    arrivals = np.cumsum(random.exponential(1 / rate, count))
    if bursts:
        arrivals = np.sort(random.integers(0, 4, count) * draw.choice([0.0, 0.3]))
    prompts, outputs = random.integers(1, 2 * prompt, count), random.integers(1, 2 * output, count)
    cached = np.where(random.random(count) < 0.3, random.integers(0, 2 * prompt, count), 0)
    fits = prompts + outputs + 3 * answers <= model.blocks * block
    groups, together = begins.choice([1, 2, 5]), begins.choice([0, 0, prompt // 3, prompt])
    prefixes = np.array([begins.randrange(groups) for _ in range(count)])
    shared = np.full(count, together)
    load = requests_of(*(column[fits] for column in (arrivals, prompts, outputs, cached, prefixes, shared)))
    routing: Routing = draw.choice(["round_robin", "least_outstanding"])
    return Scenario(model, policy, load, draw.choice([1, 1, 2, 5]), routing)


def answer_reserve(draw: Random) -> AnswerReserve:
    """SGLang's admission with other figures."""
    return AnswerReserve(
        share=draw.choice([0.3, 0.7, 1.0]),
        least_share=0.1,
        fall_steps=draw.choice([10, 600]),
        most_tokens=200,
        spare_tokens=draw.choice([0, 1]),
        steps_ahead=draw.choice([0, 20]),
        foresees_ends=draw.random() < 0.5,
        seated_until_decoding=draw.random() < 0.3,
        fixed_whole=draw.random() < 0.5,
        source="made up",
    )
