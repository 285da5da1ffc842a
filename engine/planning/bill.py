"""The bill and the energy of the chosen fleet: what `cost` and `energy` need of a plan, gathered."""

from engine.fleet import bill as cost
from engine.fleet import energy
from engine.fleet.offers import no_price_note
from engine.fleet.operating_points import OperatingPoints
from engine.fleet.search import SizedCandidates
from engine.plan import Cost, Energy, Fleet, ReplicaCapacity
from engine.question.demand import Demand
from engine.question.resolve import Question


def bill_of(
    question: Question,
    best: SizedCandidates,
    fleet: Fleet,
    capacity: ReplicaCapacity,
    points: OperatingPoints,
    demand: Demand,
    target_utilisation: float,
) -> Cost:
    """Return the bill of an array of one; nothing but the reason where no price is known."""
    spec, found = question.spec, best.candidates
    size = int(found.parallelism.accelerators[0])
    choice = best.offers[0]
    if choice is None:
        note = no_price_note(question.catalog.offers, found.accelerator(0), size, spec.money)
        return cost.unpriced(note, spec.money)
    calls = points.at_mean.requests_per_s * fleet.replicas
    usage = cost.Usage(
        requests_per_s=calls / spec.traffic.calls_per_request,
        calls_per_request=spec.traffic.calls_per_request,
        input_tokens=question.lengths.prompt.mean,
        output_tokens=question.lengths.output.mean,
        capacity_rps=capacity.requests_per_s,
        saturated_rps=capacity.saturated_requests_per_s,
        prefill_s_per_call=points.prompt_s_per_request,
    )
    sizes = cost.FleetSize(
        size, fleet.replicas, fleet.minimum_replicas, fleet.maximum_replicas, spec.availability.spare_replicas
    )
    return cost.bill(
        choice, fleet=sizes, usage=usage, demand=demand, target_utilisation=target_utilisation, money=spec.money
    )


def energy_of(question: Question, best: SizedCandidates, fleet: Fleet, points: OperatingPoints) -> Energy | None:
    """Return power and energy of today's fleet at the mean load; None where no power curve stands for it."""
    accelerator = best.candidates.accelerator(0)
    curve = energy.power_curve_for(accelerator, question.catalog.power_curves.values())
    if curve is None:
        return None
    return energy.energy(
        curve,
        accelerator,
        accelerators=fleet.accelerators,
        unused_accelerators=max(fleet.billed_accelerators - fleet.accelerators, 0),
        in_flight=points.at_mean.in_flight,
        utilisation=points.at_mean.utilisation,
        output_tokens_per_s=points.at_mean.output_tokens_per_s * fleet.replicas,
        grid_g_co2e_per_kwh=question.spec.money.grid_g_co2e_per_kwh,
    )
