"""The derivation of an estimate: each of its figures with the function and the inputs that made it."""

from typing import Any

from engine.estimate.estimate import Estimate, Outcome
from engine.estimate.figure import Figure
from engine.estimate.why_load import load_figures
from engine.estimate.why_memory import memory_figures
from engine.plan import plain


def explain(result: Estimate) -> tuple[Figure, ...]:
    """Return every figure of an estimate with its derivation, in the order in which they follow from each other."""
    return (*memory_figures(result), *load_figures(result))


def explanation_json(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the derivations of an outcome as JSON values; none where it is incompatible."""
    if not isinstance(outcome, Estimate):
        return []
    return [
        {
            "name": figure.name,
            "value": plain(figure.value),
            "unit": figure.unit,
            "formula": figure.formula,
            "function": figure.made_by,
            "parts": plain(dict(figure.parts)),
            "inputs": plain(figure.inputs),
        }
        for figure in explain(outcome)
    ]
