"""A server's KV pool by its start-up log, beside the pool that is computed for it."""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.benchmark_files import ServerMemory
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.units import GIB
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.systems import system_tables
from engine.step.memory import sequence_bytes


class MeasuredPool(Struct, frozen=True):
    """Tokens that the KV cache of one data-parallel rank holds, weights of one accelerator; by the log and computed."""

    tokens: float
    computed_tokens: float
    more_gib: float
    """By which the pool of an accelerator is larger than computed; negative: smaller."""
    weights_gib: float | None
    computed_weights_gib: float


def measured_pool(memory: ServerMemory, point: MeasuredPoint, catalog: Catalog) -> MeasuredPool:
    """Return a server's KV pool by its log beside the computed one, which has the share of memory that the log states.

    Args:
        point: of the server; its figures are not looked at.
        catalog: without a calibration.

    Raises:
        InputError: the model does not fit there, or the pool would not.
    """
    tables, refused = system_tables(point.system, [point.setting], catalog)
    where = f"{point.setting.accelerator} with TP{point.setting.tp}"
    if tables is None:
        raise InputError(f"{point.system.model} on {where}: {next(iter(refused.values()))}")
    share = memory.utilisation or point.load.protocol.memory_utilisation or tables.question.memory_utilisation
    question = replace(tables.question, memory_utilisation=share)
    one = tables.candidates(question, tables.rows([point.setting]))
    limit = float(question.context_limit)
    kv_bytes = np.array([question.kv_cache.bytes_per_element])
    longest = sequence_bytes(question.model, np.array([limit]), kv_bytes, one.parallelism, question.runtime.pool_shares)
    pool, total, weights = (float(a[0]) for a in (one.memory.kv_cache, one.memory.total, one.memory.weights))
    per_token = float(longest[0]) / limit
    if memory.pool_tokens * per_token > total - weights:
        raise InputError(
            f"the log's KV cache of {memory.pool_tokens:,.0f} tokens takes {memory.pool_tokens * per_token / GIB:.3g} "
            f"GiB on each {where}, whose memory has {max(total - weights, 0.0) / GIB:.3g} GiB beside the weights: name "
            "the accelerator, parallelism, precision and KV precision that the log is of"
        )
    return MeasuredPool(
        memory.pool_tokens,
        pool / per_token,
        (memory.pool_tokens * per_token - pool) / GIB,
        memory.weights_gib,
        weights / GIB,
    )


OTHER_WEIGHTS = 0.1
"""Share by which weights differ from those computed before they count as another checkpoint."""


def pool_doubts(pool: MeasuredPool) -> tuple[str, ...]:
    """Return a sentence where a log's weights are not those that are computed."""
    if pool.weights_gib is None or abs(pool.weights_gib / pool.computed_weights_gib - 1) <= OTHER_WEIGHTS:
        return ()
    return (
        f"the log says that weights take {pool.weights_gib:.3g} GiB of an accelerator, and "
        f"{pool.computed_weights_gib:.3g} are computed: is it another precision, parallelism or model?",
    )
