"""Step models that the tests share."""

from functools import cache
from math import inf

from catalogs.catalog import Catalog
from catalogs.records.runtimes import Scheduler
from engine.fleet.candidates import Candidates, single
from engine.question.resolve import resolve
from engine.simulation import StepModel
from engine.step.parallelism import ParallelSizes
from engine.workload import Hardware, Serving, TokenDistribution, Tokens, Traffic, WorkloadSpec

WORKED_CASE = StepModel(
    tokens=[1.0, 13.2 / 0.065, 4096.0],
    seconds=[16.2e-3, 16.2e-3, 65e-6 * 4096 + 3e-3],
    budget=2048,
    seats=256,
    kv_tokens=28_000 * 16,
    decode_context_s=[35e-9],
    prompt_context_s=[1.65e-9],
)
"""Llama-70B-like on 4 × H100: T[n] = max(13.2 ms, 65 µs·n) + 3 ms, c_d 35 ns, c_a 1.65 ns."""

CHAT_SCHEDULER = Scheduler(token_budget=2048, max_sequences=256, mixed=True, chunked=True)

CHAT_INPUT = TokenDistribution(mean=1000, cv=0.8)
CHAT_OUTPUT = TokenDistribution(mean=250, cv=0.8)


def clockwork(step_s: float, seats: int) -> StepModel:
    """A replica whose steps all take the same time: a queue of ``seats`` servers, each request O steps long."""
    return StepModel(
        tokens=[1.0, 2.0],
        seconds=[step_s, step_s],
        budget=1 << 16,
        seats=seats,
        windows=(inf,),
        decode_context_s=[0.0],
        prompt_context_s=[0.0],
    )


@cache
def candidate_70b_tp4(batch_cap: int | None = None) -> Candidates:
    """Llama 3.1 70B in bf16 on 4 × H100 under vLLM, as a chat service asks for it."""
    spec = WorkloadSpec(
        traffic=Traffic(requests_per_s=4),
        tokens=Tokens(input=CHAT_INPUT, output=CHAT_OUTPUT),
        model="llama-3.1-70b",
        serving=Serving(batch_cap=batch_cap),
        hardware=Hardware(accelerators=("h100",)),
    )
    return single(resolve(spec, Catalog.load()), ParallelSizes(4))
