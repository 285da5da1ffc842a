"""The bar of what an accelerator's memory holds, as plans and estimates show it."""

from agent.report.blocks import Bar, Part
from catalogs.units import show_bytes
from engine.plan import AcceleratorMemory


def memory_bar(
    one: AcceleratorMemory, label: str = "on each accelerator", *, empty: bool = False, path: str = ""
) -> Bar:
    """Return the bar of an accelerator's memory.

    Args:
        one: what it holds.
        empty: show the parts of no size too.
        path: of the memory in a plan; empty where it is of none.
    """
    names = ("weights", "kv_cache", "activations", "runtime", "unused")
    parts = ((name, getattr(one, f"{name}_bytes")) for name in names)
    shown = tuple(
        Part(name.replace("kv_cache", "KV cache"), value, show_bytes(value), path and f"{path}.{name}_bytes")
        for name, value in parts
        if value or empty
    )
    return Bar(label, show_bytes(one.total_bytes), shown)
