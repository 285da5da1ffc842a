"""What an API asks for a workload: each call at the tier of its own prompt."""

from collections.abc import Iterable

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.names import letters_of
from catalogs.records.api_prices import ApiModel, TokenCounts
from engine.question.lengths import Lengths


class ApiPrice(Struct, frozen=True):
    """The mean price of a call, USD."""

    model: str
    name: str
    provider: str
    checked: str
    source: str
    call_usd: float
    batch_call_usd: float | None
    """In the provider's batch service; None where it has none."""
    too_long: float
    """Share of the prompts that exceed its context."""


def hosts_of(model: str, catalog: Catalog) -> tuple[ApiModel, ...]:
    """Return the APIs that serve an open model itself, the cheapest first."""
    letters = letters_of(model)
    found = [api for api in catalog.api_models.values() if letters in letters_of(api.id)]
    return tuple(sorted(found, key=lambda api: api.rates[0].input + api.rates[0].output))


def api_price(model: ApiModel, lengths: Lengths, cached_share: float) -> ApiPrice:
    """Return what a call costs on average.

    Args:
        lengths: of the workload; reasoning is billed as output.
        cached_share: of a prompt's tokens that the provider's cache holds.
    """
    prompts, output = lengths.prompt, lengths.output.mean
    calls = [TokenCounts(float(tokens), output, float(tokens) * cached_share) for tokens in prompts.values]
    weights = [float(weight) for weight in prompts.weights]

    def mean(prices: Iterable[float | None]) -> float | None:
        known = [price for price in prices if price is not None]
        return sum(w * price for w, price in zip(weights, known, strict=True)) if len(known) == len(weights) else None

    return ApiPrice(
        model=model.id,
        name=model.name,
        provider=model.provider,
        checked=model.checked.isoformat(),
        source=model.source,
        call_usd=mean(model.call_usd(call) for call in calls) or 0.0,
        batch_call_usd=mean(model.call_usd(call, batch=True) for call in calls),
        too_long=sum(w for w, call in zip(weights, calls, strict=True) if model.context and call.input > model.context),
    )
