"""What is paid beside accelerators to run a service."""

from typing import Literal

from catalogs.records.facts import Fact, Positive


class RunningCost(Fact):
    """One such cost, at the price of a usual service."""

    usd: Positive
    per: Literal["month", "node month", "stored GB month", "sent GB"]
    """What it is paid for: the service, each node, each GB kept on each node, each GB that leaves."""
