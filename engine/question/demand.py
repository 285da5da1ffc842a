"""The shape of demand: how the rate moves over a day or a week, and how much it may grow within a reaction time."""

from functools import lru_cache
from math import ceil, cos, exp, tau

import numpy as np
from msgspec import Struct

from catalogs.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE
from engine.workload import Traffic

FLOOR = 0.01
"""Share of the mean below which a rate's growth asks for nothing: the fleet stands at its minimum then anyway."""
WITHIN_HOUR = 1.15
"""Peak minute over its hour that is reckoned with at least. Measured: 1.15 (chat) and 1.17 (code completion) on the
Azure 2024 traces; the median hour of three ServeGen services holds a ten-minute peak of 1.07 to 1.18."""
SPIKY = 12.0
"""From this peak factor on one day of 24 hours cannot hold the peak well, and the shape is a week's."""
DAY_H = 24.0
"""Beyond a day ahead nothing is a reaction."""
_STEPS_PER_HOUR = 12


def replicas_for(load: float, per_replica: float) -> int:
    """Return the replicas that an autoscaler holds at a load, both in requests/s.

    A load that fills the replicas to the last part in a billion needs no further one: that is rounding.
    """
    return ceil(load / per_replica - 1e-9)


class Demand(Struct, frozen=True):
    """Demand over a day (24 values) or a week (168), relative to its mean."""

    hourly: tuple[float, ...]
    """Rate by hour over the mean; their mean is 1."""
    burst: float = 1.0
    """Peak minute over the peak hour, as it was given."""

    @property
    def peak_factor(self) -> float:
        """Busiest hour over the mean."""
        return max(self.hourly)

    @property
    def trough(self) -> float:
        """Quietest hour over the mean."""
        return min(self.hourly)

    def growth_within(self, reaction_s: float, quantile: float = 0.95) -> float:
        """Return g(R): demand at most R seconds later over demand now, a quantile over the hours of the profile; >= 1.

        The rate runs straight between the centres of the hours, and the largest rise at any lag up to R counts. Hours
        cannot show what happens within them, so the result is multiplied by the part of WITHIN_HOUR that the given
        burst does not hold already (phased in over the first minute): g·burst counts each minute once. Short public
        traces show more, a p95 of 1.33 (chat) and 3.3 (code completion) over five minutes. At their 5.4 and 2.4
        requests/s that is mostly the noise of counting, exp(1.645·sqrt(2·I/(λ·300 s))) with I the index of dispersion
        giving 1.26 and 3.0; burstiness carries it, and the queue behind λ_cap has felt it already.
        """
        rise, within = self.growth_parts(reaction_s, quantile)
        return rise * within

    def growth_parts(self, reaction_s: float, quantile: float = 0.95) -> tuple[float, float]:
        """Return what ``growth_within`` is the product of: the rise of the hours, and what happens within them."""
        if reaction_s <= 0:
            return 1.0, 1.0
        within = max(1.0, WITHIN_HOUR / self.burst) ** min(1.0, reaction_s / SECONDS_PER_MINUTE)
        return max(1.0, _rise(self.hourly, reaction_s, quantile)), float(within)


@lru_cache(maxsize=64)
def _rise(hourly: tuple[float, ...], reaction_s: float, quantile: float) -> float:
    hours = len(hourly)
    rates = np.asarray((*hourly, hourly[0]))
    centres = np.arange(hours + 1.0)
    now = np.arange(hours * _STEPS_PER_HOUR) / _STEPS_PER_HOUR
    # Straight pieces are highest at their ends, and the grid holds every centre.
    reach = min(reaction_s / SECONDS_PER_HOUR, DAY_H)
    lags = np.append(np.arange(0.0, reach, 1 / _STEPS_PER_HOUR), reach)
    later = np.interp(now[:, None] + lags[None, :], centres, rates, period=hours)
    ratios = np.sort(later.max(axis=1) / np.maximum(later[:, 0], FLOOR))
    # np.quantile would load masked arrays with it, a tenth of all that a cold forecast loads.
    return float(np.interp(quantile * (len(ratios) - 1), np.arange(len(ratios)), ratios))


def demand_of(traffic: Traffic) -> Demand:
    """Return the shape of the traffic: its own hourly profile, scaled to a mean of 1, else a day with its peak factor.

    A day whose busiest hour is below the peak is the mean day of a week with one busier day, whose busiest hour is the
    peak: so it was measured (RAGPulse: 1.64 × the mean on the mean day, 3.45 in the week). One that reaches the peak
    carries its own.
    """
    if not (hours := traffic.hourly_profile):
        return Demand(typical_profile(traffic.peak_factor), traffic.burst)
    mean = sum(hours) / len(hours)
    day = tuple(rate / mean for rate in hours)
    times = traffic.peak_factor / max(day)
    if len(hours) == DAY_H and 1.001 < times < 7:
        day = tuple(rate * (7 - times) / 6 for rate in day) * 6 + tuple(rate * times for rate in day)
    return Demand(day, traffic.burst)


@lru_cache(maxsize=64)
def typical_profile(peak_factor: float) -> tuple[float, ...]:
    """Return a smooth day (a week from a peak factor of 12 on) whose mean is 1 and whose busiest hour is the factor.

    A sine falls below zero from a factor of 2 on; exp(k·cos) is one for small k and never does. Its trough comes out
    as it was measured: 0.51 at a factor of 1.66 (Azure 2024 chat: 0.47), 0.10 at 3 (code completion: 0.10).
    """
    hours = 24 if peak_factor < SPIKY else 168
    low, high = 0.0, 1e5
    for _ in range(60):
        sharpness = (low + high) / 2
        if max(_bell(sharpness, hours)) < peak_factor:
            low = sharpness
        else:
            high = sharpness
    return _bell(high, hours) if peak_factor > 1 else (1.0,) * hours


def _bell(sharpness: float, hours: int) -> tuple[float, ...]:
    shape = [exp(sharpness * (cos(tau * (hour / hours - 0.5)) - 1)) for hour in range(hours)]
    mean = sum(shape) / hours
    return tuple(FLOOR + (1 - FLOOR) * value / mean for value in shape)
