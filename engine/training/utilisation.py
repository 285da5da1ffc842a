"""Model FLOPs utilisation (MFU) of a training run, from published runs that are like it.

MFU is model FLOPs over dense 16-bit peak, recomputation not counted (Chowdhery et al. 2022, PaLM, appendix B). It is
reckoned here from published hours, so that restarts, evaluations and idle time are in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log

from msgspec import Struct

from catalogs.records.accelerators import Accelerator
from catalogs.records.training import TrainingRun

OTHER_ARCHITECTURE = 0.1
"""Weight of a run on another architecture than the accelerator's."""
OTHER_KIND = 0.25
"""Weight of a dense run for a mixture, and the other way round."""
HALVES_EVERY = 4.0
"""A run counts half where its active parameters differ by this factor, a quarter at its square, and so on."""
LOSS_OF_SCALE = 0.17
"""MFU falls as accelerators^−0.17 beyond the usual count: the mean exponent of two published pairs at one batch, 0.07
(Llama 3 405B: 43 % on 8,192, 41 % on 16,384; arXiv 2407.21783, table 4) and 0.27 (MT-NLG 530B: 126 TFLOP/s on 2,240,
113 on 3,360; arXiv 2201.11990, 2.4)."""
COVERED = 0.8
"""Share of left-out runs whose hours lie in the band."""


class Utilisation(Struct, frozen=True):
    """An expected MFU, its band, and what it rests on."""

    value: float
    low: float
    high: float
    runs: tuple[str, ...]
    """Names of the nearest runs, nearest first."""
    usual_accelerators: float | None
    """That runs like this trained on; None where none of them says."""


class LeftOut(Struct, frozen=True):
    """A published run beside what all runs of other families predict of it."""

    run: TrainingRun
    measured_mfu: float
    predicted_mfu: float

    @property
    def predicted_hours(self) -> float:
        """Accelerator-hours at the predicted MFU."""
        return self.run.accelerator_hours * self.measured_mfu / self.predicted_mfu

    @property
    def error(self) -> float:
        """Predicted hours over published ones, less 1."""
        return self.measured_mfu / self.predicted_mfu - 1


def peak_flops(accelerator: Accelerator) -> float:
    """Return the dense 16-bit peak, FLOP/s; 0 where the accelerator has no such unit."""
    return 1e12 * (accelerator.peak_tflops.bf16 or accelerator.peak_tflops.fp16 or 0.0)


def measured_mfu(run: TrainingRun, accelerators: Mapping[str, Accelerator]) -> float:
    """Return the MFU that a run's published hours mean."""
    return run.flops / (run.accelerator_hours * 3600 * peak_flops(accelerators[run.accelerator]))


def expected_mfu(
    runs: Sequence[TrainingRun],
    accelerators: Mapping[str, Accelerator],
    *,
    architecture: str,
    active_parameters: float,
    is_mixture: bool,
    count: int | None = None,
) -> tuple[float, tuple[str, ...], float | None]:
    """Return the MFU of a run, the names of the runs that it rests on, nearest first, and how many they trained on.

    The geometric mean of the families' MFUs, each family with the weight of its nearest run.

    Args:
        accelerators: by id.
        architecture: of the accelerator that is to train.
        is_mixture: whether these are part of all.
        count: accelerators that are to train together; None for as many as usual.
    """
    families: dict[str, list[tuple[float, float, TrainingRun]]] = defaultdict(list)
    for run in runs:
        weight = 0.5 ** abs(log(run.active_parameters / active_parameters, HALVES_EVERY))
        weight *= 1.0 if accelerators[run.accelerator].architecture == architecture else OTHER_ARCHITECTURE
        weight *= 1.0 if run.is_mixture == is_mixture else OTHER_KIND
        families[run.family].append((weight, log(measured_mfu(run, accelerators)), run))
    total = mean = 0.0
    for members in families.values():
        nearest, of_all = max(weight for weight, _, _ in members), sum(weight for weight, _, _ in members)
        total += nearest
        mean += nearest * sum(weight * mfu for weight, mfu, _ in members) / of_all
    weighed = sorted((member for members in families.values() for member in members), key=lambda m: -m[0])
    sized = [(weight, log(run.accelerators)) for weight, _, run in weighed if run.accelerators]
    usual = exp(sum(w * n for w, n in sized) / sum(w for w, _ in sized)) if sized else None
    mfu = exp(mean / total)
    if count and usual:
        mfu *= min(1.0, (count / usual) ** -LOSS_OF_SCALE)
    return mfu, tuple(run.name for _, _, run in weighed[:3]), usual


def left_out(runs: Sequence[TrainingRun], accelerators: Mapping[str, Accelerator]) -> tuple[LeftOut, ...]:
    """Return every run beside its prediction from the runs of other families alone."""
    found = []
    for run in runs:
        others = [other for other in runs if other.family != run.family]
        predicted, _, _ = expected_mfu(
            others,
            accelerators,
            architecture=accelerators[run.accelerator].architecture,
            active_parameters=run.active_parameters,
            is_mixture=run.is_mixture,
        )
        found.append(LeftOut(run, measured_mfu(run, accelerators), predicted))
    return tuple(found)


def utilisation(
    runs: Sequence[TrainingRun],
    accelerators: Mapping[str, Accelerator],
    accelerator: Accelerator,
    *,
    active_parameters: float,
    is_mixture: bool,
    count: int | None = None,
) -> Utilisation:
    """Return the MFU to expect, with the band that the errors on left-out runs give.

    Args:
        accelerators: by id.
        is_mixture: whether these are part of all.
        count: accelerators that are to train together; None for as many as usual.
    """
    value, names, usual = expected_mfu(
        runs,
        accelerators,
        architecture=accelerator.architecture,
        active_parameters=active_parameters,
        is_mixture=is_mixture,
        count=count,
    )
    width = exp(_quantile((abs(log(1 + one.error)) for one in left_out(runs, accelerators)), COVERED))
    return Utilisation(value, value / width, min(value * width, 1.0), names, usual)


def _quantile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
