"""The bill and the energy of the chosen fleet: what `fleet.bill` and `fleet.energy` need of it, gathered."""

from collections import Counter
from collections.abc import Mapping, Sequence

from engine.fleet import bill, energy
from engine.fleet.offers import no_price_note
from engine.plan import Autoscaling, Cost, Energy, Fleet
from engine.planning.verdict import ChosenFleet


def bill_of(
    chosen: ChosenFleet, fleet: Fleet, thresholds: Autoscaling, time_held: Mapping[int, int] | None = None
) -> Cost:
    """Return the bill of a fleet; nothing but the reason where no price is known.

    Args:
        chosen: the fleet as it was sized.
        fleet: the same with the minimum that its replay calls for.
        thresholds: at which it scales.
        time_held: for how long a replay held so many replicas; without a replay, by the hours of the profile.
    """
    question, points, capacity = chosen.question, chosen.points, chosen.capacity
    spec, found = question.spec, chosen.candidate.candidates
    size = int(found.parallelism.accelerators[0])
    choice = chosen.candidate.offers[0]
    if choice is None:
        note = no_price_note(question.catalog.offers, found.accelerator(0), size, spec.money)
        return bill.unpriced(note, spec.money)
    calls = points.at_mean.requests_per_s * fleet.working_replicas
    usage = bill.Usage(
        requests_per_s=calls / spec.traffic.calls_per_request,
        calls_per_request=spec.traffic.calls_per_request,
        input_tokens=question.lengths.prompt.mean,
        output_tokens=question.lengths.output.mean,
        capacity_rps=capacity.requests_per_s,
        saturated_rps=capacity.saturated_requests_per_s,
        prefill_s_per_call=points.prompt_s_per_request,
    )
    sizes = bill.FleetSize(
        size, fleet.replicas, fleet.minimum_replicas, fleet.maximum_replicas, spec.availability.spare_replicas
    )
    if time_held is None:
        time_held = Counter(held_by_hour(chosen, thresholds, sizes))
    return bill.bill(choice, fleet=sizes, usage=usage, time_held=time_held, money=spec.money)


def held_by_hour(chosen: ChosenFleet, thresholds: Autoscaling, sizes: bill.FleetSize) -> Sequence[int]:
    """Return the replicas held in each hour of the profile, by the rate or by the clients that wait for answers.

    Args:
        chosen: the fleet as it was sized.
        thresholds: at which it scales.
        sizes: its bounds.
    """
    clients = chosen.question.spec.traffic.concurrency
    each = thresholds.target_in_flight_per_replica if clients else thresholds.rps_per_replica
    return bill.replicas_by_hour(chosen.demand, clients or chosen.mean_rate, each, sizes)


def energy_of(chosen: ChosenFleet) -> Energy | None:
    """Return power and energy of today's fleet at the mean load; None where no power curve stands for it."""
    question, at_mean, fleet = chosen.question, chosen.points.at_mean, chosen.fleet
    accelerator = chosen.candidate.candidates.accelerator(0)
    curve = energy.power_curve_for(accelerator, question.catalog.power_curves.values())
    if curve is None:
        return None
    working = fleet.working_replicas * int(chosen.candidate.candidates.parallelism.accelerators[0])
    return energy.energy(
        curve,
        accelerator,
        accelerators=working,
        unused_accelerators=fleet.billed_accelerators - working,
        in_flight=at_mean.in_flight,
        utilisation=at_mean.utilisation,
        output_tokens_per_s=at_mean.output_tokens_per_s * fleet.working_replicas,
        grid_g_co2e_per_kwh=question.spec.money.grid_g_co2e_per_kwh,
    )
