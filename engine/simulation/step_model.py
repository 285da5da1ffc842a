"""The step table of one candidate as plain numbers: all that the simulator knows of a replica's hardware."""

from collections.abc import Sequence
from math import inf

import numpy as np
from msgspec import Struct

from engine.arrays import Floats
from engine.fleet.candidates import Candidates
from engine.step.memory import sequence_bytes
from engine.step.table import SAMPLED_POSITIONS, TOKEN_GRID, StepTables

UNLIMITED = 1e15
"""KV tokens of a pool that never fills."""


class StepModel(Struct, frozen=True):
    """One candidate's step table (see ``engine.step.table`` for the formula), token budget, seats and KV pool.

    Prefix hits and windows hold KV like any other token: the pool is counted in whole contexts.
    """

    tokens: Sequence[float]
    """Rising; where T is tabulated. Between them T is linear, beyond the last it keeps its last slope."""
    seconds: Sequence[float]
    """T at ``tokens``."""
    budget: int
    """Tokens that one step may carry."""
    seats: int
    """Requests that may run together, whatever the KV pool holds."""
    kv_tokens: float = UNLIMITED
    block_tokens: int = 16
    """KV is allocated in blocks of so many tokens."""
    decode_fixed_s: float = 0.0
    decode_sequence_s: float = 0.0
    """Of each decoding sequence, whatever its context."""
    decode_further_s: float = 0.0
    """Of each that decodes beyond so many, likewise."""
    decode_further_from: float = 0.0
    prompt_fixed_s: float = 0.0
    prompt_token_s: float = 0.0
    windows: Sequence[float] = (inf,)
    """Distinct attention windows, tokens; inf for full attention."""
    decode_context_s: Sequence[float] = (0.0,)
    """c_d by window: seconds per decoding sequence and token of its context."""
    decode_extra: float = 0.0
    """Sequences' worth of context time that low parallelism adds."""
    prompt_context_s: Sequence[float] = (0.0,)
    """c_a by window: seconds per prompt token and token of context before it."""
    pipeline: int = 1
    """Stages; a prompt passes them one by one, which delays its first token and nobody else's."""
    first_tokens: Sequence[float] = ()
    """Times that a first token takes with as many in flight as ``tokens``, by what no step explains; none: once."""
    overhead_s: float = 0.0
    """The runtime's constant on TTFT: from the client to the scheduler and back."""
    asked_tokens: int = 0
    """Tokens that clients ask for at most (max_tokens), by which some runtimes reserve; longer answers ask for what
    they are."""
    fixed_answers: bool = False
    """Clients ignore the end of a sequence, as benchmarks do: every answer is as long as was asked for."""

    def __post_init__(self) -> None:
        """Refuse what no replica is.

        Raises:
            ValueError: naming the value.
        """
        rising = all(a < b for a, b in zip(self.tokens, self.tokens[1:], strict=False))
        if len(self.tokens) != len(self.seconds) or len(self.tokens) < 2 or not rising:
            raise ValueError(f"T needs at least two points at rising token counts, one time each, not {self.tokens!r}")
        if not len(self.windows) == len(self.decode_context_s) == len(self.prompt_context_s):
            raise ValueError(f"{len(self.windows)} windows need as many decode_context_s and prompt_context_s")
        if min(self.seconds) <= 0:
            raise ValueError(f"a step takes {min(self.seconds)} s; times are positive")
        for name in ("budget", "seats", "block_tokens", "pipeline"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; at least 1 is needed")
        if self.kv_tokens < self.block_tokens:
            raise ValueError(f"kv_tokens is {self.kv_tokens:g}; one block takes {self.block_tokens}")

    @property
    def blocks(self) -> int:
        """KV blocks in the pool."""
        return int(self.kv_tokens // self.block_tokens)

    @property
    def full_attention(self) -> tuple[float, float]:
        """(c_d, c_a) of full attention; zero where every layer has a window."""
        pairs = zip(self.windows, self.decode_context_s, self.prompt_context_s, strict=True)
        return next(((c_d, c_a) for window, c_d, c_a in pairs if window == inf), (0.0, 0.0))

    @property
    def finite_windows(self) -> list[tuple[int, float, float]]:
        """(window, c_d, c_a) of each sliding window."""
        pairs = zip(self.windows, self.decode_context_s, self.prompt_context_s, strict=True)
        return [(int(window), c_d, c_a) for window, c_d, c_a in pairs if window < inf]

    def base(self, most: int) -> Floats:
        """Return T at 0, 1, …, ``most`` tokens; T[0] is that of one token."""
        grid, seconds = np.asarray(self.tokens, dtype=np.float64), np.asarray(self.seconds, dtype=np.float64)
        at = np.maximum(np.arange(most + 1, dtype=np.float64), 1.0)
        left = np.clip(np.searchsorted(grid, at) - 1, 0, len(grid) - 2)
        slope = (seconds[left + 1] - seconds[left]) / (grid[left + 1] - grid[left])
        return seconds[left] + slope * (at - grid[left])


def step_model(
    tables: StepTables,
    row: int,
    *,
    budget: int,
    seats: int,
    kv_tokens: float,
    block_tokens: int,
    overhead_s: float,
    asked_tokens: int = 0,
) -> StepModel:
    """Return one candidate of step tables as the simulator takes it.

    Args:
        row: of the candidate in the tables.
        budget, seats, kv_tokens: of the whole replica: tokens of a step, requests, tokens of KV.
        block_tokens: tokens of a KV block.
        overhead_s: the runtime's constant on TTFT.
        asked_tokens: that clients ask for at most; 0: what their answers have.
    """
    return StepModel(
        tokens=TOKEN_GRID.tolist(),
        seconds=tables.seconds[row].tolist(),
        budget=budget,
        seats=seats,
        kv_tokens=kv_tokens,
        block_tokens=block_tokens,
        decode_fixed_s=float(tables.decode_fixed[row]),
        decode_sequence_s=float(tables.of_sequence[row]),
        decode_further_s=float(tables.decode_further[row]),
        decode_further_from=SAMPLED_POSITIONS * float(tables.pipeline[row]),
        prompt_fixed_s=float(tables.prompt_fixed[row]),
        prompt_token_s=float(tables.prompt_token[row]),
        windows=tables.windows,
        decode_context_s=tables.decode_context[row].tolist(),
        decode_extra=float(tables.decode_extra[row]),
        prompt_context_s=tables.prompt_context[row].tolist(),
        pipeline=int(tables.pipeline[row]),
        first_tokens=() if tables.first_tokens is None else tables.first_tokens[row].tolist(),
        overhead_s=overhead_s,
        asked_tokens=asked_tokens,
    )


def step_model_of(candidates: Candidates, row: int = 0, tables: StepTables | None = None) -> StepModel:
    """Return one candidate of a question as the simulator takes it.

    The KV pool is counted in tokens at what a mean live request takes per token, so that windows and recurrent
    states, which do not grow with the context, weigh as they do on average.

    Args:
        row: of the one.
        tables: of the candidates' steps, where they are known already.
    """
    question = candidates.question
    ranks = int(candidates.parallelism.dp[row])
    live = question.lengths.live_mean
    kv_bytes = np.array([candidates.rates_at(row).kv_bytes])
    parallelism = candidates.parallelism.take(np.array([row], dtype=np.intp))
    one = float(
        sequence_bytes(question.model, np.array([live]), kv_bytes, parallelism, question.runtime.pool_shares)[0]
    )
    pool = float(candidates.memory.kv_cache[row]) * ranks
    return step_model(
        candidates.step_tables() if tables is None else tables,
        row,
        budget=question.budget_on(candidates.accelerator(row)) * ranks * int(candidates.parallelism.pp[row]),
        seats=question.cap_on(candidates.accelerator(row)) * ranks,
        kv_tokens=pool / one * live if one else UNLIMITED,
        block_tokens=question.runtime.kv_block_tokens,
        overhead_s=candidates.rates_at(row).constants["ttft_overhead_s"],
        asked_tokens=question.asked_tokens,
    )
