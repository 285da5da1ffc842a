"""What to measure first of a planned server: the runs after which its latencies at the peak are known best."""

from datetime import date
from typing import Final

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.measurement_files import Row, checked_point
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import read
from engine.calibration.calibrate import unmeasured
from engine.calibration.design import FIGURES, BenchmarkedLoad, NextMeasurement, next_measurements
from engine.plan import CapacityPlan

NEVER: Final = date(1970, 1, 1)
"""Day of a calibration that nothing was measured for."""


def first_runs(plan: CapacityPlan, catalog: Catalog) -> tuple[MeasuredPoint, tuple[NextMeasurement, ...]]:
    """Return a point of a plan's server, and the runs to make first, the best first.

    Raises:
        InputError: runs of such a server cannot be predicted.
    """
    load = peak_load(plan)
    point = read(_row(plan, load, catalog), catalog)
    if isinstance(point, str):
        raise InputError(f"a benchmark of this plan cannot be foreseen: {point}")
    return point, next_measurements(unmeasured([point], catalog, "first", NEVER), [point], catalog, [load])


def peak_load(plan: CapacityPlan) -> BenchmarkedLoad:
    """Return the load of one replica at a plan's peak, as a benchmark can offer it."""
    tokens = plan.spec.tokens
    in_flight = max(round(plan.performance.at_peak.in_flight), 1)
    return BenchmarkedLoad(in_flight, round(tokens.input.mean), max(round(tokens.output.mean), 2))


def _row(plan: CapacityPlan, load: BenchmarkedLoad, catalog: Catalog) -> Row:
    """Return the row of a benchmark of a plan's replica, its figures to be filled."""
    chosen = plan.chosen
    if plan.spec.model is None:
        raise InputError("the plan's model has no name; `fleetcast calibrate` reads benchmarks of models that have one")
    published = catalog.model(plan.spec.model).model.checkpoints
    same = (one.repository for one in published if one.precision == chosen.precision.weights)
    served = plan.spec.model if "/" in plan.spec.model else next(same, plan.spec.model)
    sizes = (chosen.tensor_parallel, chosen.pipeline_parallel, chosen.data_parallel)
    said = {
        "id": "plan",
        "model": served,
        "accelerator": chosen.accelerator,
        "engine": chosen.runtime,
        "engine_version": chosen.runtime_version or "",
        "weight_precision": chosen.precision.weights,
        "kv_precision": chosen.precision.kv_cache,
        "gpus": str(sizes[0] * sizes[1] * sizes[2]),
        **{name: str(size) for name, size in zip(("tp", "pp", "dp"), sizes, strict=True)},
        "ep": str(chosen.expert_parallel),
        "load": "closed_loop",
        "concurrency": str(load.concurrency),
        "input_tokens": str(load.input_tokens),
        "output_tokens": str(load.output_tokens),
    }
    return checked_point(said | dict.fromkeys(FIGURES, "1"))
