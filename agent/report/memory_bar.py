"""The bar of what an accelerator's memory holds, as plans and estimates show it."""

from agent.report.blocks import Bar, Part
from catalogs.units import show_bytes
from engine.plan import AcceleratorMemory


def memory_bar(one: AcceleratorMemory, label: str = "on each accelerator", *, empty: bool = False) -> Bar:
    """Return the bar of an accelerator's memory.

    Args:
        one: what it holds.
        label: of the bar.
        empty: show the parts of no size too.
    """
    parts = (
        ("weights", one.weights_bytes),
        ("KV cache", one.kv_cache_bytes),
        ("activations", one.activations_bytes),
        ("runtime", one.runtime_bytes),
        ("unused", one.unused_bytes),
    )
    shown = tuple(Part(name, value, show_bytes(value)) for name, value in parts if value or empty)
    return Bar(label, show_bytes(one.total_bytes), shown)
