"""Why: every figure of an estimate with the function and the inputs that made it."""

from engine.estimate import Estimate
from engine.figure import Figure
from engine.load_figures import load_figures
from engine.memory_figures import memory_figures


def explain(result: Estimate) -> tuple[Figure, ...]:
    """Return every figure of an estimate with its derivation, in the order in which they follow from each other."""
    return (*memory_figures(result), *load_figures(result))
