"""The memory of one replica as the plan states it, with its verdict."""

import numpy as np
from msgspec.structs import replace

from catalogs.kept import kept
from engine.fleet.candidates import Candidates, pool_ends, seats_in
from engine.plan import AcceleratorMemory, Memory, PoolBand, PoolSize, Verdict
from engine.question.resolve import Question
from engine.step.memory import kv_bytes_per_token, sequence_bytes, weights_bytes


def replica_memory(question: Question, replica: Candidates, kv_cache_usage: float) -> Memory:
    """Return the memory of one replica and the verdict on it.

    Args:
        replica: an array of one.
        kv_cache_usage: share of its KV pool that is in use.
    """
    return replace(_memory(question.unloaded, replica.unloaded), headroom=1.0 - kv_cache_usage)


@kept(32)
def _memory(question: Question, replica: Candidates) -> Memory:
    memory = replica.memory
    size, dp = int(replica.parallelism.accelerators[0]), int(replica.parallelism.dp[0])
    sequence, pool = float(memory.sequence[0]), float(memory.kv_cache[0])
    verdict: Verdict = "compatible"
    if memory.tight[0] or pool < 4 * float(memory.sequence_p95[0]):
        verdict = "marginal"
    kv_bytes, ends = question.kv_cache.bytes_per_element, pool_ends(replica)
    return Memory(
        weights_bytes=weights_bytes(question.model, question.storage),
        kv_cache_bytes_per_token=kv_bytes_per_token(question.model, kv_bytes),
        kv_cache_bytes_per_sequence=sequence * size / dp,
        kv_cache_pool_bytes=pool * size,
        max_concurrent_sequences=int(replica.seats_by_memory[0]),
        # Where nearly all of a sequence is state of fixed size, the share kept free for longer ones counts more.
        max_concurrent_sequences_p95=int(
            min(pool / max(float(memory.sequence_p95[0]), 1.0) * dp, float(replica.seats_by_memory[0]))
        ),
        headroom=1.0,
        verdict=verdict,
        per_accelerator=AcceleratorMemory(
            total_bytes=float(memory.total[0]),
            weights_bytes=float(memory.weights[0]),
            kv_cache_bytes=pool,
            activations_bytes=float(memory.activations[0]),
            runtime_bytes=float(memory.runtime[0]),
            unused_bytes=float(memory.unused[0]),
        ),
        kv_cache_tokens=_pool_size(question, replica, pool).kv_cache_tokens,
        band=PoolBand(*(_pool_size(question, replica, end) for end in ends)) if ends else None,
    )


def _pool_size(question: Question, replica: Candidates, pool: float) -> PoolSize:
    """Return the size of a replica's pool with so many bytes on each accelerator."""
    limit, dp = question.context_limit, int(replica.parallelism.dp[0])
    kv_bytes = np.array([question.kv_cache.bytes_per_element])
    longest = sequence_bytes(
        question.model, np.array([float(limit)]), kv_bytes, replica.parallelism, question.runtime.pool_shares
    )
    return PoolSize(
        pool * int(replica.parallelism.accelerators[0]),
        pool * dp / max(float(longest[0]), 1.0) * limit,
        int(seats_in(np.array([pool]), replica.memory, replica.parallelism)[0]),
    )
