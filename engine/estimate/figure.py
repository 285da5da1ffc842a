"""A figure with its derivation: the function and the inputs that made it, and the parts that sum to it."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field


class Input(Struct, frozen=True):
    """A value that a figure was made from."""

    name: str
    value: float
    unit: str
    source: str
    """Where it was read, or 'above' for another figure."""


class Figure(Struct, frozen=True):
    """One figure with its derivation."""

    name: str
    value: float
    unit: str
    formula: str
    function: Callable[..., float]
    arguments: tuple[Any, ...]
    inputs: tuple[Input, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    """They sum to the value, in its unit; empty where the formula is a product."""

    def again(self) -> float:
        """Return the value as the function gives it once more."""
        return float(self.function(*self.arguments))

    @property
    def made_by(self) -> str:
        """The function's place: engine.step.memory.weights_bytes."""
        return f"{self.function.__module__}.{self.function.__name__}"


def parts_that_count(parts: Mapping[str, float]) -> dict[str, float]:
    """Return the parts without those that are nothing: at most 1e-12 of the whole."""
    whole = sum(parts.values())
    return {name: value for name, value in parts.items() if abs(value) > 1e-12 * abs(whole)}
