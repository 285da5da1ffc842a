"""What a serving runtime calls the settings of a replica."""

from catalogs.records.facts import Record


class Flags(Record):
    """The flags of a runtime's command by setting; empty where it has none for it.

    {} stands where the value goes, a switch has none: '--dp-size {} --enable-dp-attention'. Those of several nodes also
    know {ranks}, the data-parallel ones of a node; $NODE_RANK and $HEAD_NODE are for whoever types it.
    """

    tensor_parallel: str = ""
    pipeline_parallel: str = ""
    data_parallel: str = ""
    """Ranks of attention in a replica."""
    expert_parallel: str = ""
    nodes: str = ""
    ranks_on_nodes: str = ""
    """The same where it is data-parallel ranks that are spread over nodes."""
    on_each_node: str = ""
    """What several nodes take: a clause, with {nodes}."""
    kv_cache: str = ""
    quantization: str = ""
    dtype: str = ""
    context: str = ""
    sequences: str = ""
    token_budget: str = ""
    memory: str = ""
    shared_slots: str = ""
    """Lets requests share one KV cache, where each had a part of its own."""
    prefix_caching: str = ""
    """Empty where prefixes are always kept."""
    remote_code: str = ""
    embedding: str = ""
    """Serves vectors and scores in place of answers."""
    options: str = ""
    """Names a file of further settings."""
