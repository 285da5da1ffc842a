"""What the fit found: constants of a runtime on accelerators, error bands, and the kinds of cases measured."""

from types import new_class
from typing import Any, ClassVar, Final, Literal

from msgspec import UNSET, UnsetType

from catalogs.records.accelerators import Accelerator
from catalogs.records.constants import CONSTANTS, HINTS
from catalogs.records.facts import Identifier, NonNegative, Positive, PositiveInt, Record, Share


class FittedConstants(Record):
    """What measurements of served systems say of a runtime, or of it on some accelerators, beyond kernels timed alone.

    Written by ``fleetcast fit``. A constant that the entry does not state is left as it is without the entry; entries
    are made as ``StatedConstants``, which has a field for each.
    """

    id: Identifier
    runtimes: tuple[Identifier, ...] = ()
    """Empty: every runtime."""
    architectures: tuple[str, ...] = ()
    """Empty: every accelerator that the next field does not narrow."""
    accelerators: tuple[Identifier, ...] = ()
    fitted_on: str
    """The points, by source and count."""
    residual: NonNegative | None = None
    """Median absolute error on left-out groups (0.08 = 8 %)."""

    @property
    def stated(self) -> dict[str, float]:
        """The constants that the entry states, by name."""
        return {name: getattr(self, name) for name in CONSTANTS if getattr(self, name) is not UNSET}

    @property
    def specificity(self) -> int:
        """How narrow the entry is: runtimes, then architectures, then accelerators."""
        return bool(self.runtimes) + 2 * bool(self.architectures) + 4 * bool(self.accelerators)

    def applies_to(self, runtime: str, accelerator: Accelerator) -> bool:
        """Return whether the entry speaks of a runtime on an accelerator."""
        return (
            (not self.runtimes or runtime in self.runtimes)
            and (not self.architectures or accelerator.architecture in self.architectures)
            and (not self.accelerators or accelerator.id in self.accelerators)
        )


def _constants(namespace: dict[str, Any]) -> None:
    """Put a field for each constant into the body of a class."""
    namespace["__module__"] = __name__
    namespace["__annotations__"] = {name: hint | UnsetType for name, hint in HINTS.items()}
    namespace.update(dict.fromkeys(HINTS, UNSET))


StatedConstants: Final[type[FittedConstants]] = new_class("StatedConstants", (FittedConstants,), exec_body=_constants)
"""Entries of files: ``FittedConstants`` with a field for each constant."""


class ErrorBand(Record):
    """How far measurements lay from predictions that had not seen them, for one kind of case.

    Quantiles of measured over predicted, over groups (model, accelerator) that were left out of the fit. Written by
    ``fleetcast fit``. A null selector applies to all; of several matching bands the narrowest selection counts.
    """

    SELECTORS: ClassVar[tuple[str, ...]] = ("runtime", "load", "architecture", "kernels")
    """What besides the metric makes a kind of case; the later, the more it tells."""

    id: Identifier
    metric: Literal["itl", "ttft", "throughput"]
    runtime: Identifier | None = None
    load: str | None = None
    architecture: Literal["dense", "mixture", "latent", "hybrid"] | None = None
    kernels: Literal["measured", "inherited", "foreign"] | None = None
    """Of this accelerator, of a relative of its architecture, or of another architecture."""
    quantiles: tuple[Positive, Positive, Positive, Positive, Positive, Positive, Positive]
    """At 2.5, 10, 25, 50, 75, 90 and 97.5 %."""
    points: PositiveInt
    groups: PositiveInt
    coverage: Share
    """Share of left-out points inside the 80 % band when it is made from the other groups."""

    @property
    def specificity(self) -> int:
        """How narrow the selection is."""
        return sum(2**place for place, name in enumerate(self.SELECTORS) if getattr(self, name) is not None)


class MeasuredKind(Record):
    """A kind of case of which measured points are among the data that bands and the scorecard were made from.

    Written by ``fleetcast fit``.
    """

    id: Identifier
    accelerator_architecture: str
    model: Literal["dense", "mixture", "latent", "hybrid"]
    format: str
    """Of the weights: 16-bit, fp8, 4-bit weight-only, …"""
    points: PositiveInt
    longest_tokens: Positive
    """Prompt and answer of one request, together."""
    least_parameters: Positive
    most_parameters: Positive
