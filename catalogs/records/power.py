"""Power drawn by an accelerator at a load."""

from catalogs.records.facts import Fact, NonNegative, Share


class PowerCurve(Fact):
    """Power by load, as shares of the power limit, measured on one accelerator and inherited by its relatives.

    Nobody there: idle. With requests running: running + (saturated − running) · load over the saturated load. A single
    request already makes every step read all weights, so that power starts high.
    """

    architectures: tuple[str, ...] = ()
    """Of accelerators that inherit it; the id is the accelerator on which it was measured."""
    others: bool = False
    """Inherited by every accelerator that no curve names."""
    idle: Share
    running: Share
    saturated: Share
    error: NonNegative
    """Median absolute error of the fit on its own measurements, idle left out (0.06 = 6 %)."""
