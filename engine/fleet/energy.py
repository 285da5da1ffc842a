"""Power and energy of a fleet at a load, from measured shares of the power limit."""

from collections.abc import Iterable
from math import exp

from catalogs.records.accelerators import Accelerator, PowerCurve
from catalogs.units import HOURS_PER_MONTH
from engine.plan import Energy


def power_curve_for(accelerator: Accelerator, curves: Iterable[PowerCurve]) -> PowerCurve | None:
    """Return the accelerator's own power curve, else its architecture's, else the one that all others inherit."""

    def distance(curve: PowerCurve) -> int:
        if curve.id == accelerator.id:
            return 0
        return 1 if accelerator.architecture in curve.architectures else 2

    found = [curve for curve in curves if distance(curve) < 2 or curve.others]
    return min(found, key=distance, default=None)


def power_share(curve: PowerCurve, in_flight: float, utilisation: float) -> float:
    """Return the mean power of one accelerator over its power limit.

    Args:
        in_flight: mean requests in the replica; it stands idle for exp(−in_flight) of the time, the chance that nobody
            is there when requests come and go independently (M/G/∞).
        utilisation: load over the saturated load, 0 to 1.
    """
    empty = exp(-max(in_flight, 0.0))
    active = curve.running + (curve.saturated - curve.running) * min(max(utilisation, 0.0), 1.0)
    return empty * curve.idle + (1 - empty) * active


def energy(
    curve: PowerCurve,
    accelerator: Accelerator,
    *,
    accelerators: int,
    unused_accelerators: int,
    in_flight: float,
    utilisation: float,
    output_tokens_per_s: float,
    grid_g_co2e_per_kwh: float | None,
) -> Energy:
    """Return power and energy of a fleet's accelerators at a steady mean load.

    Args:
        curve: as ``power_curve_for`` returns it.
        accelerator: its power limit is used.
        unused_accelerators: billed with them and idle (rounding to whole instances, spares).
        in_flight: mean requests in one replica.
        utilisation: of one replica, load over the saturated load.
        output_tokens_per_s: of the whole fleet.
        grid_g_co2e_per_kwh: of the grid; None where nobody said.
    """
    share = power_share(curve, in_flight, utilisation)
    watts = accelerator.power_w * (accelerators * share + unused_accelerators * curve.idle)
    kwh = watts / 1000 * HOURS_PER_MONTH
    if curve.id == accelerator.id:
        whose = "measured on it"
    else:
        whose = f"measured on {curve.id} and taken over as shares of the limit"
    return Energy(
        watts=watts,
        kwh_per_month=kwh,
        joules_per_output_token=watts / output_tokens_per_s if output_tokens_per_s > 0 else 0.0,
        g_co2e_per_month=None if grid_g_co2e_per_kwh is None else kwh * grid_g_co2e_per_kwh,
        basis=f"{share:.0%} of the power limit of {accelerator.power_w:g} W, {whose} (median error {curve.error:.0%}); "
        f"accelerators alone, without host, network and cooling; {curve.source}",
    )
