"""A calibration: what measurements of somebody's own server say of a runtime's constants there.

Written by ``fleetcast calibrate``. It holds constants before and after, and the evidence from which the band of any
further prediction follows, so that a plan that carries it can be made again without the files that it came from.
"""

from datetime import date
from typing import Literal

from catalogs.records.constants import CONSTANTS
from catalogs.records.facts import Identifier, NonNegative, NonNegativeInt, Positive, Record, Share

Metric = Literal["itl", "ttft", "throughput"]


class CalibrationInput(Record):
    """A file that was read."""

    file: str
    """Its name, without the folder."""
    sha256: str
    """Of its bytes."""
    tool: str
    """What wrote it."""
    points: NonNegativeInt
    """None of a start-up log."""


class CalibratedConstant(Record):
    """One constant: in the unit that its name ends with, or a factor on the speed of kernels."""

    name: str
    before: NonNegative
    """By the catalog's fit."""
    after: NonNegative
    deviation: Positive
    """How far it may lie from the fit on a server that nobody measured: standard deviation of its logarithm."""

    def __post_init__(self) -> None:
        if self.name not in CONSTANTS:
            raise ValueError(f"{self.name!r} is no constant of a step")


class Evidence(Record):
    """One figure of one measured point, beside its prediction."""

    setting: str
    """Parallelism and formats of the server: 'fp8 TP4'."""
    in_flight: Positive
    """Requests that ran together, on one replica."""
    input_tokens: Positive
    output_tokens: Positive
    metric: Metric
    log_error: float
    """log(measured/predicted) by the constants before."""
    noise: Positive
    """Standard deviation of the measurement; more where it lies far from all others."""
    slopes: tuple[float, ...]
    """d log(predicted)/d log(constant), by constant."""
    near: float = 0.0
    """What its error, beyond what constants explain, says of loads like it: times their likeness, log of a figure."""
    shared: float = 0.0
    """The same of all loads of its setting."""


class Calibration(Record):
    """What one server's measurements say of the constants of its runtime on its accelerator."""

    id: Identifier
    made: date
    runtime: Identifier
    version: str = ""
    """Of the runtime; empty where nobody said."""
    accelerator: Identifier
    model: Identifier
    model_share: Share
    """Of the fit's uncertainty, what belongs to the model and not to the server; another is helped by the rest."""
    inputs: tuple[CalibrationInput, ...]
    constants: tuple[CalibratedConstant, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    pool_gib: float = 0.0
    """By which the KV pool of an accelerator was measured larger than computed."""
    sha256: str = ""
    """Of all that stands above."""

    def __post_init__(self) -> None:
        if any(len(one.slopes) != len(self.constants) for one in self.evidence):
            raise ValueError("each piece of evidence needs a slope for each constant")

    @property
    def checked(self) -> bool:
        """Whether it rests on several points, of which each was predicted by the others."""
        return len({(e.setting, e.in_flight, e.input_tokens, e.output_tokens) for e in self.evidence}) > 1

    def speaks_of(self, runtime: str, accelerator: str) -> bool:
        """Return whether it is of a runtime on an accelerator, by their ids."""
        return (self.runtime, self.accelerator) == (runtime, accelerator)
