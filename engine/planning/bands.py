"""The bands of a plan: both ends of each figure that errors of measurement widen."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from statistics import NormalDist

import numpy as np
from msgspec import Struct

from engine.arrays import Floats
from engine.bands.beyond_data import outside_note
from engine.bands.lookup import CaseBand, Level, band_of, new_levels
from engine.fleet.candidates import pool_ends, seats_in
from engine.fleet.operating_points import TRIALS
from engine.plan import (
    BandPart,
    Bands,
    CapacityBand,
    CountRange,
    FleetBand,
    Latency,
    LatencyBand,
    Performance,
    PerformanceBand,
    PerformanceBands,
    Range,
)
from engine.planning.calibrated import calibrated_bands
from engine.planning.verdict import ChosenFleet
from engine.replica.latencies import mean_latency, tail_of
from engine.replica.queueing import TINY
from engine.workload import PERCENTILE_SHARES, BandLevel, Target

SERVED = "closed_loop"
"""The load whose bands speak of a served plan: no open-loop set is large enough to make its own."""

Factors = tuple[float, float]

UNSURE = 6.0
"""From the low end of an 80 % band to its high end: from here on a figure is not known within a factor of 2."""


def bands_of(chosen: ChosenFleet) -> Bands | None:
    """Return the bands of a fleet's figures at the level that its spec asks for; None where the catalog has no bands.

    Memory follows from dimensions and has no band of this kind. The fleet's high end is what the load would need at the
    bad end: every step as slow as the bands say, so that replicas carry less, and less again within the targets.
    """
    case = case_of(chosen)
    if case is None:
        return None
    bands, factors, carried, level = case.bands, case.factors, case.carried, chosen.question.spec.band
    return Bands(
        level=level,
        note=case.note,
        performance=PerformanceBands(
            _performance_band(chosen.points.at_mean, factors), _performance_band(chosen.points.at_peak, factors)
        ),
        replica_capacity=CapacityBand(
            _range(chosen.capacity.requests_per_s, carried),
            _range(chosen.points.prefill_tokens_per_s, (1 / factors["ttft"][1], 1 / factors["ttft"][0])),
        ),
        fleet=_fleet_band(chosen, carried, meets_targets=case.allowed is not None),
        chance_of_meeting=_chance(chosen, bands, case.room, case.within),
        parts=_parts(bands, level),
        measure_first=any(high / low >= UNSURE for low, high in (bands[m].ends(80) for m in ("itl", "throughput"))),
    )


class Case(Struct, frozen=True, dict=True):
    """What widens the figures of a fleet, before it is applied to them."""

    note: str | None
    """What of the case no measurement is like."""
    bands: Mapping[str, CaseBand]
    """Of ITL, TTFT and throughput."""
    factors: Mapping[str, Factors]
    """Of each latency and of throughput, at the level that was asked for."""
    room: Factors
    """A replica's capacity with the KV pool at either end of its band, over that with the planned pool."""
    within: "Within"

    @cached_property
    def allowed(self) -> Factors | None:
        """Times its rate that a replica carries within the targets where it is as slow as the band's end.

        By its steps, and by its first tokens; None where it does so at no load.
        """
        return self.within(self.factors["itl"][1], self.factors["ttft"][1], 0.0)

    @property
    def carried(self) -> Factors:
        """Times what a replica carries within the targets, at both ends."""
        (low, high), (least, most) = self.factors["throughput"], self.room
        return min(low * least, *(self.allowed or (1.0,))), high * most


def case_of(chosen: ChosenFleet) -> Case | None:
    """Return what widens the figures of a fleet; None where the catalog has no bands."""
    question, accelerator = chosen.question, chosen.candidate.candidates.accelerator(0)
    note = outside_note(accelerator, question.model, question.weights, question.spec.tokens.whole, question.catalog)
    bands = _case_bands(chosen, beyond=note is not None)
    if bands is None:
        return None
    factors = {metric: band.ends(question.spec.band) for metric, band in bands.items()}
    factors["e2e"] = factors["itl"]
    return Case(note, bands, factors, _room_factors(chosen), _within_targets(chosen))


def _case_bands(chosen: ChosenFleet, *, beyond: bool) -> dict[str, CaseBand] | None:
    """Return the band of each figure for a fleet on somebody's own servers; None where the catalog lacks one.

    Args:
        chosen: the fleet.
        beyond: it lies outside all data, so that its model counts as new, whatever its name.
    """
    question, catalog = chosen.question, chosen.question.catalog
    accelerator = chosen.candidate.candidates.accelerator(0)
    new = new_levels(
        catalog.measured_systems, runtime=question.runtime.id, model=question.model.id, accelerator=accelerator.id
    )
    new |= frozenset[Level](["model"] if beyond else [])
    bands: dict[str, CaseBand] = {}
    for metric, load in (("itl", SERVED), ("ttft", SERVED), ("throughput", "offline")):
        band = band_of(catalog, metric, load=load, model=question.model, accelerator=accelerator, new=new)
        if band is None:
            return None
        bands[metric] = band
    return calibrated_bands(chosen, bands)


def _parts(bands: Mapping[str, CaseBand], level: BandLevel) -> tuple[BandPart, ...]:
    """Return what each level adds to the bands, which have the same parts."""
    itl, ttft, throughput = (bands[metric] for metric in ("itl", "ttft", "throughput"))
    return tuple(
        BandPart(
            part.level,
            ttft=ttft.times(of_ttft, level),
            itl=itl.times(part, level),
            throughput=throughput.times(of_throughput, level),
            groups=part.groups,
        )
        for part, of_ttft, of_throughput in zip(itl.parts, ttft.parts, throughput.parts, strict=True)
    )


Within = Callable[[float, float, float], Factors | None]
"""Slowness of every step, slowness of first tokens → times its rate a replica carries within the targets, by either.

None where it does so at no load, or by its steps less than is asked.
"""


def _within_targets(chosen: ChosenFleet) -> Within:
    """Return what a replica carries within the targets where it is slower than planned.

    Steps that are slower make the load weigh more; how far off TTFT lies at a load is measured at that load. A fleet
    that was sized by simulation is held against latencies as far from the formulas' as it found them.
    """
    spec, load = chosen.question.spec, chosen.points.trials
    rates = load.requests_per_s[0]
    tails = {target.metric: tail_of(load, target.metric) for target in spec.targets if target.percentile != "mean"}

    def margins_of(target: Target, slowness: float) -> Floats:
        """Return how well a target holds at each load, 1 where it just does."""
        seconds = target.seconds / (slowness * chosen.off(target))
        if target.percentile == "mean":
            return seconds / mean_latency(load, target.metric)[0]
        beyond = tails[target.metric](np.array([[seconds]]))[0]
        return (1 - PERCENTILE_SHARES[target.percentile]) / np.maximum(beyond, TINY)

    def within(slowness: float, targets: Iterable[Target]) -> float | None:
        margins = np.full(TRIALS, np.inf)
        for target in targets:
            margins = np.minimum(margins, margins_of(target, slowness))
        held = (margins >= 1).nonzero()[0]
        if not len(held):
            return None
        last = int(held[-1])
        if last == TRIALS - 1:
            return 1.0
        over, under = np.log(margins[last : last + 2])
        return float((rates[last] + (rates[last + 1] - rates[last]) * over / (over - under)) / rates[-1])

    def carried(steps: float, first: float, least: float) -> Factors | None:
        slow = within(steps, spec.targets)
        if slow is None or slow / steps < least:
            return None  # whatever its first tokens, which take as long to reckon
        started = within(first, [target for target in spec.targets if target.metric == "ttft"])
        return None if started is None else (slow / steps, started)

    return carried


def _carries(bands: Mapping[str, CaseBand], room: Factors, within: Within, share: float, needed: float) -> bool:
    """Return whether a replica carries what is needed where a share of cases is better than this.

    One share moves all bands together: who is slower in a step is slower to the first token, and carries less.

    Args:
        bands: of each figure.
        room: of a capacity, with the KV pool at either end of its band.
        within: what the targets allow.
        share: of cases.
        needed: times what the replica is planned to carry.
    """
    if bands["throughput"].factor(1 - share) * (room[0] if share > 0.5 else 1.0) < needed:
        return False  # whatever its latencies, which take longer to reckon
    allowed = within(bands["itl"].factor(share), bands["ttft"].factor(share), needed)
    return allowed is not None and min(allowed) >= needed


SURE = 0.975
"""Of cases: as far as the quantiles of errors go."""
HALVINGS = 6
"""Of the range of normal scores: the chance to one in a hundred."""


def _chance(chosen: ChosenFleet, bands: Mapping[str, CaseBand], room: Factors, within: Within) -> float | None:
    """Return the share of cases in which today's fleet meets the targets at the peak hour; None without targets.

    It is of the same law as the other bands: the fleet's high end is today's where this is beyond the band's end.
    """
    spec, points, capacity = chosen.question.spec, chosen.points, chosen.capacity.requests_per_s
    if not spec.targets or capacity <= 0:
        return None
    needed = points.at_peak.requests_per_s / capacity * (1 - 1e-6)
    score = NormalDist()
    low, high = -score.inv_cdf(SURE), score.inv_cdf(SURE)

    def holds(at: float) -> bool:
        return _carries(bands, room, within, score.cdf(at), needed)

    for end, held in ((high, True), (low, False)):
        if holds(end) is held:
            return score.cdf(end)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return score.cdf((low + high) / 2)


def _room_factors(chosen: ChosenFleet) -> Factors:
    """Return a replica's capacity with the KV pool at either end of its band, over that with the planned pool.

    Capacity is at most the utilisation ceiling's share of the saturated rate, which falls with the seats; more seats
    add to it only where the pool is what stops it.
    """
    best, capacity = chosen.candidate, chosen.capacity.requests_per_s
    found, replicas, ends = best.candidates, best.replicas, pool_ends(best.candidates)
    if ends is None or capacity <= 0:
        return 1.0, 1.0
    least, most = (float(seats_in(np.array([end]), found.memory, found.parallelism)[0]) for end in ends)
    fullest, ceiling = float(replicas.saturated_batch[0, 0]), chosen.question.spec.serving.utilisation_ceiling
    batches = np.array([[min(max(least, float(found.parallelism.dp[0])), fullest), fullest, max(most, fullest)]])
    low, middle, high = replicas.rate_again(batches)[0]
    stops = found.seats[0] == found.seats_by_memory[0] and fullest >= NEARLY * found.seats[0]
    return float(min(ceiling * low / capacity, 1.0)), float(max(high / middle, 1.0)) if stops else 1.0


NEARLY = 0.98
"""Share of its seats from which a batch counts as stopped by them: rates rise until the last few per cent."""


def _range(value: float, factors: Factors) -> Range:
    return Range(value * factors[0], value * factors[1])


def _performance_band(at: Performance, factors: Mapping[str, Factors]) -> PerformanceBand:
    def latency_band(latency: Latency, metric: str) -> LatencyBand:
        return LatencyBand(*(_range(getattr(latency, name), factors[metric]) for name in latency.__struct_fields__))

    return PerformanceBand(
        latency_band(at.ttft_s, "ttft"), latency_band(at.itl_s, "itl"), latency_band(at.e2e_s, "e2e")
    )


def _fleet_band(chosen: ChosenFleet, carried: Factors, *, meets_targets: bool) -> FleetBand:
    """Return the fleet's band: sized on the central figure, its high end is what the bad end of the bands would take.

    A fleet that was given stays as it is: there the load is what is uncertain.

    Args:
        chosen: the fleet.
        carried: times what a replica carries within the targets at both ends.
        meets_targets: any number of replicas meets the targets at the bad end; else the high end is that of throughput
            alone.
    """
    fleet, traffic = chosen.fleet, chosen.question.spec.traffic
    worst = fleet.working_replicas
    if not traffic.unstated:
        load = chosen.points.at_peak.requests_per_s * worst
        worst = max(int(-(-load // (chosen.capacity.requests_per_s * carried[0]))), worst)
    worst += fleet.spares
    size = int(chosen.candidate.candidates.parallelism.accelerators[0])
    return FleetBand(
        replicas=CountRange(fleet.replicas, worst),
        accelerators=CountRange(fleet.replicas * size, worst * size),
        capacity_requests_per_s=_range(fleet.capacity_requests_per_s, carried),
        meets_targets=meets_targets,
    )
