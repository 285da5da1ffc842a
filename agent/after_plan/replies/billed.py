"""What replicas of a plan are billed in whole instances: other numbers of them, and what is billed and does not run."""

from msgspec import Struct

from agent.report.words import accelerators_noun, calls_shown, singular, usd_shown
from engine.fleet.offers import paid_accelerators, replicas_bill_usd, replicas_billed
from engine.plan import CapacityPlan


class Resized(Struct, frozen=True):
    """The plan's fleet with another number of replicas, spares among them."""

    plan: CapacityPlan
    replicas: int

    @property
    def accelerators(self) -> int:
        """Of those replicas."""
        return self.replicas * self.plan.chosen.accelerators_per_replica

    @property
    def billed(self) -> int:
        """Accelerators of the instances that hold them."""
        return paid_accelerators(self.plan.chosen, self.replicas)

    @property
    def requests_per_s(self) -> float:
        """Model calls a second that they carry within the targets, spares left out."""
        return (self.replicas - self.plan.fleet.spares) * self.plan.replica_capacity.requests_per_s

    @property
    def monthly_usd(self) -> float | None:
        """What they cost, with the plan's other costs; None where no price is known."""
        usd = replicas_bill_usd(self.plan.chosen, self.replicas)
        return None if usd is None else usd + self.plan.cost.other_monthly_usd

    @property
    def bill_in_place(self) -> str:
        """Their bill beside the plan's: ', $5,000 a month in place of $4,000'; empty where no price is known."""
        now = usd_shown(self.plan.cost.monthly_usd)
        return "" if (usd := self.monthly_usd) is None else f", {usd_shown(usd)} a month in place of {now}"


def billed(plan: CapacityPlan) -> Resized | None:
    """Return what the billed instances would hold beyond what runs; None where nothing is left over for a replica."""
    sized = Resized(plan, replicas_billed(plan.chosen, plan.fleet.replicas))
    return sized if sized.replicas > plan.fleet.replicas else None


def room_billed(plan: CapacityPlan) -> str:
    """Return in a sentence what the billed accelerators would carry; empty where all that are billed run."""
    found = billed(plan)
    if found is None:
        return ""
    more = found.replicas - plan.fleet.replicas
    return singular(
        f"{plan.fleet.billed_accelerators} {accelerators_noun(plan.chosen)} are billed, since instances are whole:"
        f" {found.replicas} replicas on {found.accelerators} of them, {more} more than run, carry"
        f" {calls_shown(plan, found.requests_per_s)} at the same bill ('{found.replicas} replicas' plans them)."
    )
