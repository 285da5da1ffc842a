"""What cannot work, found before the run: names, lengths, memory, formats, and targets below what memory can read."""

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.matrices import active_parameters, total_parameters
from catalogs.units import show_seconds
from engine.workload import WorkloadSpec

MOST = 3


def forewarnings(spec: WorkloadSpec, catalog: Catalog) -> tuple[str, ...]:
    """Return a sentence for each thing that cannot work, the most at three."""
    from engine.fleet.candidates import candidates  # numpy, which the first prompt need not wait for
    from engine.question.resolve import resolve

    try:
        question = resolve(spec, catalog)
        fitting, rejected = candidates(question)
    except InputError as error:
        return (str(error),)
    said: list[str] = []
    if not len(fitting) or spec.hardware.accelerators:
        said += [f"{rejection.what}: {rejection.reason}" for rejection in rejected]
    if not len(fitting):
        return tuple(said[:MOST]) or ("no accelerator can run this",)
    share = active_parameters(question.model) / total_parameters(question.model)
    bandwidth = [fitting.rates[int(which)].memory_bytes_per_s for which in fitting.which]
    reads = min(
        float(weights) * float(stages) * share / rate
        for weights, stages, rate in zip(fitting.memory.weights, fitting.parallelism.pp, bandwidth, strict=True)
    )
    for target in spec.targets:
        if target.metric == "itl" and target.seconds < reads:
            said.append(
                f"ITL {target.percentile} within {show_seconds(target.seconds)} is out of reach: reading the weights "
                f"once takes at least {show_seconds(reads)} on what was asked for"
            )
    return tuple(said[:MOST])
