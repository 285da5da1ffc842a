"""Published training runs: what was trained, on what, and in how many accelerator-hours."""

from catalogs.records.facts import Fact, Identifier, NonNegative, Positive, PositiveInt


class TrainingRun(Fact):
    """A pretraining run whose accelerator-hours were published."""

    family: Identifier
    """Runs of one team and code: they are left out together where a run is predicted from the others."""
    accelerator: Identifier
    accelerators: PositiveInt | None = None
    """That trained at once; null where nobody said."""
    accelerator_hours: Positive
    tokens: Positive
    """Seen in those hours."""
    active_parameters: Positive
    """That a token's forward pass uses; all of them in a dense model."""
    parameters: Positive
    layers: PositiveInt
    attention_width: PositiveInt
    """Heads × head dimension, the mean of keys' and values' where they differ."""
    sequence: PositiveInt
    """Tokens of a training sequence, for most of the run."""

    @property
    def is_mixture(self) -> bool:
        """Whether a token uses part of the parameters."""
        return self.active_parameters < self.parameters

    @property
    def flops(self) -> float:
        """Of the whole run: 6 for each active parameter and token, and 6·layers·width·sequence of causal attention."""
        attention: NonNegative = 6.0 * self.layers * self.attention_width * self.sequence
        return (6.0 * self.active_parameters + attention) * self.tokens
