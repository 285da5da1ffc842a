"""Fleets of two kinds, and pools by the length of prompts: equal to brute force, and never dearer than one kind."""

from itertools import product
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine import spec_from
from engine.choice.mixed import Kind, best_mixture, best_split, hourly_demand, kinds_of, pools_by_length
from engine.choice.options import Options, options
from engine.fleet.search import search
from engine.question.resolve import resolve
from engine.workload import WorkloadSpec
from tests.draws import draws

CATALOG = Catalog.load()


def asked(**more: Any) -> WorkloadSpec:
    values = {
        "model": "llama-3.1-8b",
        "traffic.requests_per_s": 60,
        "traffic.peak_factor": 3,
        "tokens.input.mean": 2000,
        "tokens.output.mean": 300,
        "hardware.accelerators": ["h100-sxm-80gb", "l40s", "l4"],
        "targets": [{"metric": "ttft", "percentile": "p95", "seconds": 1.0}],
    }
    return spec_from(values | {path.replace("__", "."): value for path, value in more.items()})


@pytest.fixture(scope="module")
def found() -> Options:
    return options(asked(), CATALOG)


def units(load: float, capacity: float) -> int:
    return ceil(max(load, 0.0) / capacity - 1e-6)


def brute_force(kinds: list[Kind], hourly: list[float], spares: int) -> tuple[float, float]:
    """The least bill with two kinds and with one, every pair and count tried one by one."""
    alone, mixed = float("inf"), float("inf")
    for one in kinds:
        wanted = [load + spares * one.capacity / one.replicas for load in hourly]
        alone = min(alone, max(1, units(max(wanted), one.capacity)) * one.usd)
        if one.term == "on_demand":
            alone = min(alone, one.usd * sum(max(1, up) for up in ahead(wanted, one.capacity)) / len(hourly))
    for one, other in product(kinds, kinds):
        largest = max(one.capacity / one.replicas, other.capacity / other.replicas)
        wanted = [load + spares * largest for load in hourly]
        for count in range(1, units(max(wanted), one.capacity)):
            rest = [load - count * one.capacity for load in wanted]
            mixed = min(mixed, count * one.usd + units(max(rest), other.capacity) * other.usd)
            if other.term == "on_demand":
                mixed = min(mixed, count * one.usd + other.usd * sum(ahead(rest, other.capacity)) / len(hourly))
    return alone, mixed


def ahead(wanted: list[float], capacity: float) -> list[int]:
    now = [units(load, capacity) for load in wanted]
    return [max(pair) for pair in zip(now, now[1:] + now[:1], strict=True)]


kind = st.tuples(st.floats(0.5, 20), st.floats(100, 5000), st.integers(1, 4), st.booleans())


@settings(max_examples=draws(60), deadline=None)
@given(kinds=st.lists(kind, min_size=1, max_size=5), hourly=st.lists(st.floats(0.5, 60), min_size=2, max_size=4),
       spares=st.integers(0, 2))  # fmt: skip
def test_it_equals_brute_force(
    found: Options, kinds: list[tuple[float, float, int, bool]], hourly: list[float], spares: int
) -> None:
    option = found.found[0]
    some = [Kind(option, "on_demand" if now else "reserved_1y", n, a, c) for a, c, n, now in kinds]
    alone, mixed = brute_force(some, hourly, spares)
    mixture, one = best_mixture(some, np.array(hourly), spares)
    assert one is not None and one.monthly_usd == pytest.approx(alone)
    if mixture is not None:
        assert mixture.monthly_usd == pytest.approx(sum(line.monthly_usd for line in mixture.lines))
        # A kind that another betters is left out: with one kind left, its own pair is no better than it alone.
        assert min(mixture.monthly_usd, alone) == pytest.approx(min(mixed, alone))
    else:
        assert min(mixed, alone) == pytest.approx(alone)


def test_it_equals_brute_force_on_a_reduced_catalog(found: Options) -> None:
    kinds = kinds_of(found, ("on_demand", "reserved_1y"))
    assert {kind.option.precision for kind in kinds} == {"bf16"}  # as published
    hourly = hourly_demand(found.searched[0][0])
    alone, mixed = brute_force(kinds, [float(load) for load in hourly], 0)
    mixture, one = best_mixture(kinds, hourly)
    assert mixture is not None and one is not None
    assert (one.monthly_usd, min(mixture.monthly_usd, alone)) == (
        pytest.approx(alone),
        pytest.approx(min(mixed, alone)),
    )


def test_a_unit_is_what_an_instance_holds_and_demand_has_its_peak(found: Options) -> None:
    for kind in kinds_of(found, ("on_demand",)):
        offer, option = kind.option.offer, kind.option
        assert offer is not None
        size = option.accelerators // option.replicas
        assert offer.instances_for(kind.replicas, size) * offer.usd_per_hour * 730 == pytest.approx(kind.usd)
    hourly = hourly_demand(found.searched[0][0])
    assert hourly.max() == pytest.approx(180, rel=1e-3) and hourly.mean() == pytest.approx(60)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_pools_by_length_part_the_load_and_nothing_is_lost(share: float) -> None:
    question = resolve(asked(), CATALOG)
    pools = pools_by_length(question, share)
    assert pools is not None
    short, long, longest = pools
    rates = [side.spec.traffic.requests_per_s or 0.0 for side in (short, long)]
    assert sum(rates) == pytest.approx(60) and rates[0] >= share * 60 * 0.999
    assert short.lengths.prompt.values.max() == longest < long.lengths.prompt.values.min()
    for mean in ("mean",):
        parts = [rate * getattr(side.lengths.prompt, mean) for rate, side in zip(rates, (short, long), strict=True)]
        assert sum(parts) == pytest.approx(60 * getattr(question.lengths.prompt, mean))


def test_the_best_split_is_the_sum_of_two_searches(found: Options) -> None:
    best = found.best("cost", "on_demand")[0]
    split = best_split(found, best)
    assert split is not None
    again = 0.0
    for side, _, _ in (split.short, split.long):
        sized = search(side)
        again += min(float(sized.monthly_usd[row]) for row in sized.order)
    assert split.monthly_usd == pytest.approx(again)


def test_prompts_of_one_length_are_not_parted() -> None:
    assert pools_by_length(resolve(asked(tokens__input__cv=0), CATALOG), 0.5) is None
    closed = replace(asked().traffic, requests_per_s=None, concurrency=64)
    assert pools_by_length(resolve(replace(asked(), traffic=closed), CATALOG), 0.5) is None
