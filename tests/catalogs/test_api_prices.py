"""What APIs ask: each of the named models as genai-prices reckons it, tiers and batches; refusals."""

import pytest

from catalogs.catalog import Catalog
from catalogs.errors import UnknownName
from catalogs.records.api_prices import ApiModel, TokenCounts
from catalogs.records.validation import InvalidValues, record_of
from tests.every import of_every

CATALOG = Catalog.load()
CALLS = (TokenCounts(1000, 200), TokenCounts(1000, 200, cached=600), TokenCounts(300_000, 1500, cached=100_000))
PRICED = (
    ("gpt-4o", 0.0045, 0.00375, 0.64, 0.00225),
    ("gpt-4", 0.042, 0.042, 9.09, 0.021),
    ("gpt-3.5-turbo", 0.0008, 0.0008, 0.15225, 0.0004),
    ("claude-3-sonnet", 0.006, 0.00438, 0.6525, None),
    ("claude-sonnet-4", 0.006, 0.00438, 0.6525, None),
    ("command-r", 0.00027, 0.00027, 0.0459, None),
    ("mistral-large", 0.0032, 0.0032, 0.609, None),
    ("claude-opus-5", 0.01, 0.0073, 1.0875, 0.005),
    ("gpt-6-sol", 0.004, 0.00292, 0.8625, 0.002),
    ("gemini-4-argon", 0.004, 0.00286, 0.425, 0.002),
    ("grok-4.7", 0.0032, 0.0023, 0.918, None),
    ("deepseek-v4-pro", 0.001056, 0.0006732, 0.13717, None),
    ("gemini-2.5-pro", 0.00325, 0.002575, 0.5475, 0.001625),
)
"""USD as ``genai_prices.calc_price`` (0.2.3) gives them on 2026-11-29: of each call, and of the first in a batch; None
where the package has no batch price."""


@of_every(PRICED, name=lambda case: case[0])
def test_prices_are_those_of_genai_prices(
    name: str, plain: float, cached: float, long: float, batch: float | None
) -> None:
    model = CATALOG.api_model(name)
    for call, usd in zip(CALLS, (plain, cached, long), strict=True):
        assert model.call_usd(call) == pytest.approx(usd, rel=1e-9)
    assert model.call_usd(CALLS[0], batch=True) == (None if batch is None else pytest.approx(batch, rel=1e-9))


@of_every(PRICED, name=lambda case: case[0])
def test_the_package_itself_says_the_same_where_it_is_installed(name: str, *_: object) -> None:
    genai_prices = pytest.importorskip("genai_prices")
    from datetime import UTC, datetime

    model = CATALOG.api_model(name)
    day = datetime(model.checked.year, model.checked.month, model.checked.day, 12, tzinfo=UTC)
    for call in CALLS:
        usage = genai_prices.Usage(
            input_tokens=int(call.input), cache_read_tokens=int(call.cached), output_tokens=int(call.output)
        )
        found = genai_prices.calc_price(usage, model.id, provider_id=model.provider, genai_request_timestamp=day)
        assert model.call_usd(call) == pytest.approx(float(found.total_price), rel=1e-9)


def test_a_call_is_billed_whole_at_the_tier_of_its_prompt() -> None:
    """Gemini 2.5 Pro: $1.25 and $10 up to 200,000 tokens, $2.50 and $15 beyond."""
    model = CATALOG.api_model("gemini-2.5-pro")
    assert model.call_usd(TokenCounts(200_000, 1000)) == pytest.approx(0.25 + 0.01)
    assert model.call_usd(TokenCounts(200_001, 1000)) == pytest.approx(0.5000025 + 0.015)


def test_every_model_costs_more_for_more() -> None:
    for model in CATALOG.api_models.values():
        calls = [model.call_usd(TokenCounts(tokens, 100)) or 0.0 for tokens in (100, 10_000, 150_000, 250_000, 500_000)]
        assert calls == sorted(calls), model.id
        assert model.rates[0].input <= model.rates[0].output or model.rates[0].input < 10, model.id


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="cached tokens 20 exceed the 10"):
        TokenCounts(10, 1, cached=20)
    rates = [{"above": 100, "input": 1, "output": 2}]
    entry = {"id": "x", "name": "x", "source": "y", "checked": "2026-11-29", "provider": "p", "rates": rates}
    with pytest.raises(InvalidValues, match="tiers begin at 0"):
        record_of(ApiModel, entry)
    with pytest.raises(UnknownName):
        CATALOG.api_model("no such thing at all")
