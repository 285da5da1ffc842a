"""Replicas behind one router share their seats: the formula of the wait for a seat, held against simulations."""

from itertools import pairwise
from math import log

import numpy as np
import pytest
from msgspec.structs import replace

from engine.fleet.search import array_of_one, search
from engine.proof.budget import PEAK_HOUR_EVENTS, Budget
from engine.proof.peak_hour import peak_hour
from engine.replica.load import ROUTED_TOGETHER
from engine.replica.performance import performance_at_rate
from tests.engine.asked import question


@pytest.mark.parametrize("seats", [2, 4, 8])
def test_the_wait_for_a_seat_of_a_pool_is_nearer_to_simulations_than_that_of_one_replica(seats: int) -> None:
    """Mean TTFT of four replicas with few seats each, at 70 to 85 % of saturation: within a factor of 2."""
    asked = question({"serving.batch_cap": seats, "serving.tensor_parallel": 2})
    evaluated = search(asked)
    candidate = array_of_one(evaluated, int(evaluated.order[0]))
    saturated = float(candidate.replicas.saturated_rate[0, 0])
    pooled = replace(candidate.replicas, fleet=np.array([[float(ROUTED_TOGETHER)]]))
    alone = replace(candidate.replicas, fleet=np.array([[1.0]]))
    hour = peak_hour(asked, candidate, 0, Budget(PEAK_HOUR_EVENTS))
    for share in (0.7, 0.85):
        run = hour.run(share * saturated, ROUTED_TOGETHER, None, counted=4000)
        assert run is not None
        seen = run.result.ttft_s.mean.value
        together, apart = (performance_at_rate(one, share * saturated) for one in (pooled, alone))
        assert together is not None and apart is not None
        assert abs(log(together.ttft_s.mean / seen)) < min(abs(log(apart.ttft_s.mean / seen)), log(2))


def test_a_pool_never_waits_longer_than_a_replica_alone() -> None:
    """More replicas behind the router, and the fewer requests wait; with many seats it makes no difference."""
    evaluated = search(question({"serving.batch_cap": 4}))
    replicas = array_of_one(evaluated, int(evaluated.order[0])).replicas
    batch = replicas.saturated_batch * np.array([[0.3, 0.6, 0.9]])
    waits = [
        replace(replicas, fleet=np.array([[count]])).at(batch).waits
        for count in (1.0, 1.5, 2.0, float(ROUTED_TOGETHER))
    ]
    for fewer, more in pairwise(waits):
        assert (more.seat_busy <= fewer.seat_busy + 1e-12).all()
        assert (more.mean <= fewer.mean * (1 + 1e-9)).all()
