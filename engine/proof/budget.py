"""How much of a forecast's time simulations may take, whatever was asked: the bounds are here and nowhere else.

An event is a request, or a turn of the simulator's loop: a step, or several decoding steps between which nothing can
change. In plain Python one takes about five microseconds.
"""

PEAK_HOUR_EVENTS = 450_000
"""Of all simulations of the peak hour together; a usual verification takes 3,000 to 50,000."""
REFINING = 2
"""Times as many may be taken where a capacity is refined, which takes 80,000 to 720,000."""
MINUTES_EVENTS = 50_000
"""Of each ten minutes of a replay that are simulated."""
FEWEST_COUNTED = 400
"""Requests whose latencies are known, without which a simulation that ran out of events says nothing."""


class Budget:
    """Events that are left, and whether a simulation was cut short for want of them."""

    def __init__(self, events: int) -> None:
        self.events = events
        self.left = events
        self.cut_short = False

    def spend(self, events: int, *, cut_short: bool) -> None:
        """Take the events of one simulation."""
        self.left = max(self.left - events, 0)
        self.cut_short |= cut_short
