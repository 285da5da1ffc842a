"""What would have to give: changes to a question that were tried one by one, so that each is enough by itself."""

from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace

from catalogs.errors import InputError
from engine.fleet.candidates import longest_request, rates_of
from engine.fleet.search import SizedCandidates, search
from engine.question.fleet_limits import ceilings, without_ceilings
from engine.question.resolve import Question, resolve
from engine.step.rates import Unsupported
from engine.workload import WorkloadSpec

SHOWN = 3

AXES = (("tensor_parallel", "tp"), ("pipeline_parallel", "pp"), ("data_parallel", "dp"), ("expert_parallel", "ep"))
"""The fields of a spec, and of a parallelism."""

FORMATS = ("bf16", "fp8", "int4")
"""Formats of weights that are offered; the wider ones only where the wanted one has no unit."""


def changes_that_work(question: Question) -> tuple[str, ...]:
    """Return the nearest changes that meet every target, each as the flag to type and the fleet that it leads to.

    Tried are a larger fleet, another parallelism, another format of the weights and other accelerators; each alone,
    by searching again.
    """
    return tuple(islice(_changes(question), SHOWN))


def _changes(question: Question) -> Iterator[str]:
    yield from _larger_fleet(question)
    yield from _shorter_context(question)
    yield from _other_cache(question)
    yield from _other_parallelism(question)
    yield from _other_formats(question)
    yield from _other_accelerators(question)


def _larger_fleet(question: Question) -> Iterator[str]:
    hardware = question.spec.hardware
    free = without_ceilings(hardware)
    if free == hardware or not question.mean_rate:
        return
    found = _searched(question, hardware=free)
    if found is None:
        return
    row = int(found.order[0])
    count = found.accelerators[row]
    limits = ceilings(hardware, found.candidates.unit_sizes.at(row))
    raised = [limit.stated(limit.needed(count)) for limit in limits if limit.accelerators < count]
    yield f"{' '.join(raised)} ({_fleet(found)})"


def _shorter_context(question: Question) -> Iterator[str]:
    """Yield the largest context window that fits, where one was asked for."""
    serving = question.spec.serving
    if not serving.context_window:
        return
    found = _searched(question, serving=replace(serving, context_window=None))
    if found is None:
        return
    best = found.candidates.take(found.order[:1])
    if (fitting := longest_request(best.question, best)) < serving.context_window:
        yield f"--context-window {fitting} ({_fleet(found)})"


def _other_cache(question: Question) -> Iterator[str]:
    """Yield the KV precision that a runtime keeps where it does not keep the wanted one."""
    for accelerator in question.accelerators:
        try:
            rates_of(question, accelerator)
        except Unsupported as refusal:
            if refusal.flag != "--kv-precision":
                continue
            precision = replace(question.spec.precision, kv_cache=refusal.instead)
            if (found := _searched(question, precision=precision)) is not None:
                yield f"--kv-precision {refusal.instead} ({_fleet(found)})"
                return


def _other_parallelism(question: Question) -> Iterator[str]:
    serving = question.spec.serving
    fixed = {field for field, _ in AXES if getattr(serving, field)}
    if not fixed:
        return
    found = _searched(question, serving=replace(serving, **dict.fromkeys(fixed)))
    if found is None:
        return
    parallelism = found.candidates.parallelism
    sizes = {name: int(getattr(parallelism, name)[found.order[0]]) for _, name in AXES}
    flags = [f"--{name} {sizes[name]}" for field, name in AXES if sizes[name] > 1 or field in fixed]
    yield f"{' '.join(flags)} ({_fleet(found)})"


def _other_formats(question: Question) -> Iterator[str]:
    for name in FORMATS:
        other = question.catalog.precision(name)
        if other.id == question.weights.id or (_has_unit(question) and other.bits >= question.weights.bits):
            continue
        precision = replace(question.spec.precision, weights=name)
        found = _searched(question, precision=precision)
        if found is not None:
            yield f"--precision {name} ({_fleet(found)})"
            return


def _has_unit(question: Question) -> bool:
    """Whether any accelerator of the question runs the wanted format."""
    for accelerator in question.accelerators:
        try:
            rates_of(question, accelerator)
        except Unsupported:
            continue
        return True
    return False


def _other_accelerators(question: Question) -> Iterator[str]:
    hardware = question.spec.hardware
    if not hardware.accelerators:
        return
    found = _searched(question, hardware=replace(hardware, accelerators=()))
    if found is not None:
        yield f"--gpu-type {found.candidates.accelerator(int(found.order[0])).id} ({_fleet(found)})"


def _searched(question: Question, **parts: object) -> SizedCandidates | None:
    """Return what a search finds with other parts of the spec, best first; None where nothing meets the targets.

    What meets them only with less than one request running is left out: that is a fleet nobody would rent.
    """
    spec: WorkloadSpec = replace(question.spec, **parts)
    try:
        found = search(resolve(spec, question.catalog))
    except InputError:
        return None
    useful = found.order[found.batch[found.order] >= 1.0]
    return replace(found, order=useful) if len(useful) else None


def _fleet(found: SizedCandidates) -> str:
    row = int(found.order[0])
    return f"{int(found.accelerators[row])} × {found.candidates.accelerator(row).name}"
