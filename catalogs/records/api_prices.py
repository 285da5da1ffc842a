"""Models behind an API, priced by the token."""

from typing import Annotated

from msgspec import Meta, Struct

from catalogs.records.facts import Fact, NonNegative, NonNegativeInt, PositiveInt, Record

MILLION = 1e6


class TokenCounts(Struct, frozen=True):
    """Tokens of one call."""

    input: float
    """All of the prompt, what is found in a cache included."""
    output: float
    """Hidden reasoning included: it is billed as output."""
    cached: float = 0.0
    """Of the prompt, read from the provider's cache."""

    def __post_init__(self) -> None:
        if self.cached > self.input:
            raise ValueError(f"cached tokens {self.cached:g} exceed the {self.input:g} tokens of the prompt")


class TokenRates(Record):
    """Prices of a call whose prompt has more than so many tokens, USD a million tokens."""

    above: NonNegativeInt = 0
    """Input tokens beyond which all of the call is billed at these."""
    input: NonNegative
    output: NonNegative
    cached: NonNegative | None = None
    """Input that is read from the provider's cache; null: as other input."""

    def usd(self, tokens: TokenCounts) -> float:
        """Return what a call costs at these prices."""
        cached = self.input if self.cached is None else self.cached
        fresh = tokens.input - tokens.cached
        return (fresh * self.input + tokens.cached * cached + tokens.output * self.output) / MILLION


Tiers = Annotated[tuple[TokenRates, ...], Meta(min_length=1)]


class ApiModel(Fact):
    """A model that a provider serves, and what it asks."""

    provider: str
    context: PositiveInt | None = None
    """Tokens of the prompt at most; null where the source has none."""
    rates: Tiers
    """By the length of the prompt, rising."""
    batch_rates: tuple[TokenRates, ...] = ()
    """Of its batch service, whose answers may take a day; empty where none is known."""

    def __post_init__(self) -> None:
        for tiers in (self.rates, self.batch_rates):
            starts = [rates.above for rates in tiers]
            if starts and (starts[0] != 0 or starts != sorted(set(starts))):
                raise ValueError(f"tiers begin at 0 and rise; these begin at {starts}")

    def call_usd(self, tokens: TokenCounts, *, batch: bool = False) -> float | None:
        """Return what one call costs, at the tier of its own prompt; None in a batch where none is sold."""
        tiers = self.batch_rates if batch else self.rates
        if not tiers:
            return None
        return next(rates for rates in reversed(tiers) if tokens.input > rates.above or rates.above == 0).usd(tokens)
