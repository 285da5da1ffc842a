"""What would have to give: changes to a question that were planned one by one, so that each is enough by itself."""

from collections.abc import Callable, Iterator
from itertools import islice
from math import ceil, floor, log10

from msgspec.structs import replace

from catalogs.errors import InputError
from engine.fleet.candidates import longest_request, rates_of
from engine.planning.default_targets import searched
from engine.planning.ranking import Ranking
from engine.planning.verdict import ChosenFleet
from engine.question.fleet_limits import raised_to, without_ceilings
from engine.question.resolve import Question, resolve
from engine.step.rates import Unsupported
from engine.workload import SPLIT, Target, WorkloadSpec

SHOWN = 4

AXES = tuple(zip(SPLIT, ("tp", "pp", "dp", "ep"), strict=True))
"""The fields of a spec, and of a parallelism."""

FORMATS = ("bf16", "fp8", "int4")
"""Formats of weights that are offered; the wider ones only where the wanted one has no unit."""
HALVINGS = 12
"""Of the range in which the largest rate within a fleet's limits is sought."""
TRIES, STEP = 3, 1.05
"""How often, and by how much each time, a rate or a target gives way further where a simulation refuses it."""

Stands = Callable[[Ranking], ChosenFleet | None]
"""The fleet that a question gets, simulated where its plan would be; None where it misses a target or a limit."""


def ways_out(question: Question, missed: Ranking | None, stands: Stands) -> tuple[str, ...]:
    """Return the nearest changes after which a plan does all that was asked, each as the flags to type and its fleet.

    Tried are a larger fleet, a lower rate, looser targets, another parallelism, another format of the weights and
    other accelerators; each alone, but for targets that need a larger fleet too.

    Args:
        missed: its nearest candidates; None where nothing fits at all.
        stands: plans a question.
    """
    return tuple(islice(_Tries(question, stands).changes(missed), SHOWN))


class _Tries:
    """A question, and what plans its changes."""

    def __init__(self, question: Question, stands: Stands) -> None:
        self.question, self.spec, self._stands = question, question.spec, stands

    def found(self, **parts: object) -> Ranking | None:
        """Return what the formulas find with other parts of the spec; None where nothing does all that is asked.

        What meets targets only with less than one request running is left out: that is a fleet nobody would rent.
        """
        spec: WorkloadSpec = replace(self.spec, **parts)
        try:
            asked, found = searched(resolve(spec, self.question.catalog))
        except InputError:
            return None
        useful = found.order[found.batch[found.order] >= 1.0]
        return Ranking(asked, replace(found, order=useful), ()) if len(useful) else None

    def fleet(self, **parts: object) -> ChosenFleet | None:
        """Return the fleet that is planned with other parts of the spec."""
        found = self.found(**parts)
        return None if found is None else self._stands(found)

    def changes(self, missed: Ranking | None) -> Iterator[str]:
        """Yield what would have to give, the nearest first."""
        if missed is not None and not missed.eased:
            yield from self.larger_fleet()
            yield from self.lower_rate()
        else:
            yield from self.looser_targets(missed.eased if missed else ())
            if missed is None or missed.may_be_reached:
                yield from self.larger_fleet()
                yield from self.other_ways()
        if (
            not self.spec.targets
            and self.spec.default_targets != "none"
            and (fleet := self.fleet(default_targets="none"))
        ):
            yield f"--default-targets none ({_size(fleet)})"

    def larger_fleet(self, targets: tuple[Target, ...] | None = None, lead: str = "") -> Iterator[str]:
        """Yield the limits to raise, beside other targets where these are given."""
        hardware, free = self.spec.hardware, without_ceilings(self.spec.hardware)
        eased = {} if targets is None else {"targets": targets}
        if free == hardware or not self.question.mean_rate or (fleet := self.fleet(hardware=free, **eased)) is None:
            return
        sizes = fleet.candidate.candidates.unit_sizes.take(0)
        wider, flags = raised_to(hardware, sizes, fleet.fleet.maximum_accelerators)
        if (fleet := self.fleet(hardware=wider, **eased)) is not None:
            yield f"{lead}{' '.join(flags)} ({_size(fleet)})"

    def lower_rate(self) -> Iterator[str]:
        """Yield the largest rate that the limits hold, rounded down."""
        traffic = self.spec.traffic
        if not traffic.requests_per_s:
            return
        low, high = 0.0, traffic.requests_per_s
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            holds = self.found(traffic=replace(traffic, requests_per_s=middle)) is not None
            low, high = (middle, high) if holds else (low, middle)
        for tries in range(TRIES if low else 0):
            rate = _rounded(low / STEP**tries, floor)
            if (fleet := self.fleet(traffic=replace(traffic, requests_per_s=rate))) is not None:
                yield f"--rps {rate:g} ({_size(fleet)})"
                return

    def looser_targets(self, eased: tuple[Target, ...]) -> Iterator[str]:
        """Yield the targets that can be met, rounded up, all that must give together."""
        stated = {(one.metric, one.percentile): one.seconds for one in self.spec.targets}
        for tries in range(TRIES if eased else 0):
            loose = {
                (one.metric, one.percentile): replace(one, seconds=_rounded(one.seconds * STEP**tries, ceil))
                for one in eased
            }
            targets = tuple(loose.get((one.metric, one.percentile), one) for one in self.spec.targets)
            targets += tuple(one for key, one in loose.items() if key not in stated)
            flags = " ".join(f"--{one.metric}-{one.percentile} {_latency(one.seconds)}" for one in loose.values())
            if (fleet := self.fleet(targets=targets)) is not None:
                yield f"{flags} ({_size(fleet)})"
                return
            if way := next(self.larger_fleet(targets, f"{flags} "), ""):
                yield way
                return

    def other_ways(self) -> Iterator[str]:
        """Yield other ways to serve the same load within the same targets."""
        yield from self.shorter_context()
        yield from self.other_cache()
        yield from self.other_parallelism()
        yield from self.other_formats()
        yield from self.other_accelerators()

    def shorter_context(self) -> Iterator[str]:
        """Yield the largest context window that fits, where one was asked for."""
        serving = self.spec.serving
        if not serving.context_window:
            return
        if (fleet := self.fleet(serving=replace(serving, context_window=None))) is not None:
            fitting = longest_request(fleet.question, fleet.candidate.candidates)
            if fitting < serving.context_window:
                yield f"--context-window {fitting} ({_size(fleet)})"

    def other_cache(self) -> Iterator[str]:
        """Yield the KV precision that a runtime keeps where it does not keep the wanted one."""
        for accelerator in self.question.accelerators:
            try:
                rates_of(self.question, accelerator)
            except Unsupported as refusal:
                if refusal.flag != "--kv-precision":
                    continue
                precision = replace(self.spec.precision, kv_cache=refusal.instead)
                if (fleet := self.fleet(precision=precision)) is not None:
                    yield f"--kv-precision {refusal.instead} ({_size(fleet)})"
                    return

    def other_parallelism(self) -> Iterator[str]:
        """Yield the parallelism that is chosen where none is fixed."""
        serving = self.spec.serving
        fixed = {field for field, _ in AXES if getattr(serving, field)}
        if fixed and (fleet := self.fleet(serving=replace(serving, **dict.fromkeys(fixed)))) is not None:
            parallelism = fleet.candidate.candidates.parallelism
            sizes = {name: int(getattr(parallelism, name)[0]) for _, name in AXES}
            flags = [f"--{name} {sizes[name]}" for field, name in AXES if sizes[name] > 1 or field in fixed]
            yield f"{' '.join(flags)} ({_size(fleet)})"

    def other_formats(self) -> Iterator[str]:
        """Yield a narrower format of the weights; a wider one only where nothing runs the wanted one."""
        weights, may_be_wider = self.question.weights, not self._has_unit()
        for name in FORMATS:
            other = self.question.catalog.precision(name)
            if other.id == weights.id or (other.bits >= weights.bits and not may_be_wider):
                continue
            if (fleet := self.fleet(precision=replace(self.spec.precision, weights=name))) is not None:
                yield f"--precision {name} ({_size(fleet)})"
                return

    def _has_unit(self) -> bool:
        """Whether any accelerator of the question runs the wanted format."""
        for accelerator in self.question.accelerators:
            try:
                rates_of(self.question, accelerator)
            except Unsupported:
                continue
            return True
        return False

    def other_accelerators(self) -> Iterator[str]:
        """Yield the accelerator that is chosen where none is named."""
        hardware = self.spec.hardware
        if hardware.accelerators and (fleet := self.fleet(hardware=replace(hardware, accelerators=()))) is not None:
            yield f"--gpu-type {fleet.candidate.candidates.accelerator(0).id} ({_size(fleet)})"


def _size(fleet: ChosenFleet) -> str:
    return f"{fleet.fleet.maximum_accelerators:,} × {fleet.candidate.candidates.accelerator(0).name}"


def _latency(seconds: float) -> str:
    return f"{seconds * 1e3:g}ms" if seconds < 1 else f"{seconds:g}s"


def _rounded(value: float, whole: Callable[[float], int]) -> float:
    """Return a positive value in three digits, rounded by ``floor`` or ``ceil``."""
    unit = 10.0 ** (ilog := floor(log10(value)) - 2)
    return round(whole(value / unit * (1 + (1e-9 if whole is floor else -1e-9))) * unit, max(-ilog, 0))
