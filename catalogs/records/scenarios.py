"""Whole cases of serving a model, from which a plan can be made at once."""

from catalogs.records.facts import Fact, Identifier, NonNegative, Positive


class Scenario(Fact):
    """A kind of service: its traffic, the model that people choose for it, and what it is weighed against."""

    preset: Identifier
    """The kind of traffic: lengths, hours, targets."""
    model: str
    """A usual choice, by catalog name."""
    precision: Identifier
    """In which that model is usually served."""
    requests_per_s: Positive | None = None
    """Mean over the day; null for a batch."""
    requests: Positive | None = None
    """Of a batch."""
    deadline_h: Positive | None = None
    """Of a batch."""
    calls_per_request: Positive = 1.0
    reasoning_tokens: NonNegative = 0.0
    apis: tuple[str, ...] = ()
    """What people would ask instead, by catalog name."""
    matters: str
    """What decides in it, in a sentence."""

    def __post_init__(self) -> None:
        if (self.requests_per_s is None) == (self.requests is None or self.deadline_h is None):
            raise ValueError("a scenario has either requests_per_s, or requests and deadline_h")
