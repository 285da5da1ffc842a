"""Token lengths as strata: their moments, their clipping, and the sums over contexts against brute force."""

from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.question.lengths import lengths_of, strata
from engine.workload import TokenDistribution, Tokens
from tests.draws import draws

MEANS = st.floats(1, 1e5)
SPREADS = st.floats(0, 3)


@settings(max_examples=draws(100), deadline=None)
@given(mean=st.floats(20, 1e5), cv=st.floats(0, 1.5))
def test_the_mean_is_kept(mean: float, cv: float) -> None:
    assert strata(TokenDistribution(mean=mean, cv=cv), 1e9).mean == pytest.approx(mean, rel=0.01)


@pytest.mark.parametrize("cv", [0.1, 0.5, 0.8, 1.3])
def test_the_spread_is_kept(cv: float) -> None:
    """A stratum stands at its mean, so that a part of the variance is lost; most of it in the last 0.2 %."""
    assert strata(TokenDistribution(mean=1000, cv=cv), 1e9).cv == pytest.approx(cv, rel=0.06)


@pytest.mark.parametrize("ratio", [1.2, 1.8, 2.5, 3.5])
def test_a_stated_p95_is_reproduced(ratio: float) -> None:
    """The lognormal found from mean and p95 has that p95: m·exp(zσ − σ²/2)."""
    stated = TokenDistribution(mean=1000, p95=1000 * ratio)
    sigma = sqrt(log(1 + stated.lognormal_cv**2))
    assert exp(NormalDist().inv_cdf(0.95) * sigma - sigma**2 / 2) == pytest.approx(ratio, rel=1e-6)
    drawn = strata(stated, 1e9)
    assert drawn.percentile(0.92) <= 1000 * ratio <= drawn.percentile(0.97)


def test_a_p95_that_no_lognormal_has_gives_the_most_skewed() -> None:
    widest = TokenDistribution(mean=1000, p95=1000 * exp(NormalDist().inv_cdf(0.95) ** 2 / 2)).lognormal_cv
    assert TokenDistribution(mean=1000, p95=15_000).lognormal_cv == pytest.approx(widest, rel=1e-3)


def test_a_fixed_length_is_one_stratum() -> None:
    drawn = strata(TokenDistribution(mean=128, cv=0), 1e9)
    assert (drawn.values.tolist(), drawn.weights.tolist()) == ([128], [1])
    assert drawn.percentile(0.99) == 128


def test_an_empirical_sample_keeps_its_own_mean_and_tail() -> None:
    values = tuple(float(v) for v in [10] * 90 + [1000] * 10)
    drawn = strata(TokenDistribution(mean=109, values=values), 1e9)
    assert drawn.mean == pytest.approx(109)
    assert (drawn.percentile(0.5), drawn.percentile(0.95)) == (10, 1000)


@settings(max_examples=draws(150), deadline=None)
@given(mean=MEANS, cv=SPREADS, limit=st.floats(1, 1e6))
def test_every_length_is_possible(mean: float, cv: float, limit: float) -> None:
    """From one token to the limit, probabilities that sum to one, percentiles in order."""
    drawn = strata(TokenDistribution(mean=mean, cv=cv), limit)
    assert drawn.weights.sum() == pytest.approx(1)
    assert (drawn.weights > 0).all()
    assert (drawn.values >= 1).all()
    assert (drawn.values <= max(limit, 1)).all()
    at = [drawn.percentile(share) for share in (0.01, 0.5, 0.9, 0.95, 0.99, 1.0)]
    assert at == sorted(at)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_what_clipping_takes_the_rest_gives_back(share: float) -> None:
    limit = 4096.0
    assert strata(TokenDistribution(mean=share * limit, cv=0.8), limit).mean == pytest.approx(share * limit, rel=0.02)


@settings(max_examples=draws(100), deadline=None)
@given(mean=MEANS, cv=SPREADS, limit=st.floats(10, 1e6), more=st.floats(1.01, 3))
def test_a_longer_mean_makes_no_stratum_shorter(mean: float, cv: float, limit: float, more: float) -> None:
    short, long = (strata(TokenDistribution(mean=m, cv=cv), limit).values for m in (mean, mean * more))
    assert (long >= short * (1 - 1e-9)).all()


def tokens(prompt: float, output: float, cv: float, hit: float = 0.0, reasoning: float = 0.0) -> Tokens:
    each = (TokenDistribution(mean=mean, cv=cv) for mean in (prompt, output))
    return Tokens(input=next(each), output=next(each), prefix_hit=hit, reasoning_tokens=reasoning)


@pytest.mark.parametrize("window", [np.inf, 4096.0, 700.0, 64.0])
@pytest.mark.parametrize("cv", [0.0, 0.8])
def test_the_context_of_decoding_against_every_step_summed(window: float, cv: float) -> None:
    """c̄ = E[Σ over steps of min(context, w)]/D, each step of each pair of strata one by one."""
    drawn = lengths_of(tokens(500, 200, cv), 1e9)
    total = decoded = 0.0
    for prompt, a in zip(drawn.prompt.values, drawn.prompt.weights, strict=True):
        for output, b in zip(drawn.output.values, drawn.output.weights, strict=True):
            # Half steps: the context of the i-th step is in the middle of it.
            steps = np.arange(0, output - 1, 0.25) + 0.125
            total += a * b * np.minimum(prompt + steps, window).sum() * 0.25
            decoded += a * b * (output - 1)
    assert drawn.decode_context(window) == pytest.approx(total / decoded, rel=0.002)
    assert drawn.decoded == pytest.approx(decoded, rel=1e-9)


@pytest.mark.parametrize("window", [np.inf, 1000.0, 100.0])
@pytest.mark.parametrize("hit", [0.0, 0.5, 0.9])
def test_the_context_of_a_prompt_against_every_token_summed(window: float, hit: float) -> None:
    """Tokens found in the prefix cache are context and no work."""
    drawn = lengths_of(tokens(2000, 10, 0, hit), 1e9)
    at = np.arange(int(2000 * hit), 2000) + 0.5
    assert drawn.computed[0] == pytest.approx(2000 * (1 - hit))
    assert drawn.prompt_context(window)[0] == pytest.approx(np.minimum(at, window).sum(), rel=1e-6)


def test_an_answer_of_one_token_is_made_by_the_prompt_alone() -> None:
    assert lengths_of(tokens(100, 1, 0), 1e9).decoded == 1e-3


def test_hidden_reasoning_is_part_of_the_answer() -> None:
    assert lengths_of(tokens(100, 200, 0.8, reasoning=800), 1e9).output.mean == pytest.approx(1000, rel=0.01)


def test_a_running_request_holds_its_prompt_and_half_its_answer() -> None:
    drawn = lengths_of(tokens(1000, 400, 0), 1e9)
    assert drawn.live_mean == 1200
    assert drawn.live_percentile(0.95) == 1400
