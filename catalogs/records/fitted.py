"""What the fit found: constants of a runtime on accelerators, error bands, and the kinds of cases measured."""

from types import new_class
from typing import Any, Final, Literal

from msgspec import UNSET, UnsetType

from catalogs.records.accelerators import Accelerator
from catalogs.records.constants import CONSTANTS, HINTS
from catalogs.records.facts import Identifier, NonNegative, NonNegativeInt, Positive, PositiveInt, Record

UNMEASURED = "unmeasured-architectures"
"""The id of the entry for architectures of which neither kernels nor serving were measured."""


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


class Spread(Record):
    """How far the groups of one level lie apart."""

    deviation: Positive
    """Standard deviation of log(measured/predicted)."""
    groups: NonNegativeInt
    """From so many; few of them say little, and the spread is then drawn towards what is usual."""


class LevelSpreads(Record):
    """How far models, accelerators and runs lie apart."""

    run_dense: Spread
    """Between runs of a model on an accelerator, and within one sweep."""
    run_sparse: Spread
    """Of any model that is not dense."""
    model_dense: Spread
    model_sparse: Spread
    accelerator: Spread


Quantiles = tuple[float, float, float, float, float, float, float]
"""At 2.5, 10, 25, 50, 75, 90 and 97.5 %."""


class NoveltyQuantiles(Record):
    """Quantiles of errors in units of their spread, by the widest level that is new of a case."""

    sweep: Quantiles
    """A fit has seen its source, model and accelerator."""
    model: Quantiles
    accelerator: Quantiles
    source: Quantiles


class ErrorBand(Record):
    """How far measurements of one figure lay from predictions that had not seen them, level by level.

    Written by ``fleetcast fit``. What is new of a case adds its level's spread, in quadrature; the quantiles are those
    of errors in units of that spread, over sources, families of models and accelerators left out whole.
    """

    id: Identifier
    metric: Literal["itl", "ttft", "throughput", "stream"]
    """A stream: tokens/s of a prompt or of an answer alone on the device, as llama.cpp's benchmark prints them."""
    source: Spread
    """Between people who measured: their versions, settings and clients."""
    accelerator_foreign: Spread
    """None of whose kernels, nor its architecture's, were measured."""
    sweep_dense: Spread
    """Within sweeps of servers, models and accelerators that the fit has seen all of."""
    sweep_sparse: Spread
    seen: LevelSpreads
    """Of sources that a fit has seen, whose versions and settings its constants have taken up."""
    unseen: LevelSpreads
    """Of sources that no fit has seen: there versions and settings do more to single models and runs, too."""
    quantiles: NoveltyQuantiles
    points: PositiveInt


class MeasuredSystem(Record):
    """What of a runtime a fit has seen: with these, a new case shares its constants' evidence.

    Written by ``fleetcast fit``.
    """

    id: Identifier
    runtime: Identifier
    source: str
    models: tuple[Identifier, ...]
    """With those of the same architecture under other names."""
    accelerators: tuple[Identifier, ...]


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
