"""How lengths spread: a mean and a p95 from whatever of a distribution is said, as of a lognormal.

'p50 900, p90 3,500, p99 11,000', 'mean 1,800, sd 2,400', 'average 2k, p99 9k'. With ln x of mean μ and deviation σ a
quantile is e^(μ + z·σ) and the mean e^(μ + σ²/2): https://en.wikipedia.org/wiki/Log-normal_distribution.
"""

import re
from collections.abc import Sequence
from math import copysign, exp, log, sqrt
from statistics import NormalDist, linear_regression
from typing import Final

from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.words.grammar import Rule
from agent.interpret.words.text_units import count_of_tokens
from catalogs.units import show_count, show_figure

SIDES: Final = (("tokens.input", "prompts"), ("tokens.output", "answers"))
NEAREST: Final = "lengths are given by mean or p95; which of them is the {} of {} tokens nearest to?"
"""How a quantile that stands alone is asked about."""
_ASKED: Final = re.compile(r"; which of them is the p([\d.]+) of ")
_DEVIATION: Final = Rule("('standard' | 'std')? (c:('cv' | 'cov') | deviation) (link | colon){0,2} n:num token?")
_Z95: Final = NormalDist().inv_cdf(0.95)
"""Also the largest σ: beyond it a lognormal's p95 falls with σ, and no mean and p95 say it."""


def read_spreads(draft: Draft) -> None:
    """Put a mean and a p95 in the place of the quantiles and deviations that are said of prompts and answers.

    Args:
        draft: with its lengths read; quantiles are questions.
    """
    for match in _DEVIATION.matches(draft.sentence):
        _deviation(draft, match.first, match.last, match["n"].number.value if "c" in match else 0.0, match.index("n"))
    for side, name in SIDES:
        _quantiles(draft, side, name)


def _deviation(draft: Draft, first: int, last: int, cv: float, at: int) -> None:
    """Note the CV that stands behind a length, or the standard deviation over its mean."""
    start = draft.sentence.items[first].start
    before = [one for one in draft.findings if one.path.endswith("put.mean") and one.end <= start]
    mean = max(before, key=lambda one: one.end, default=None)
    if mean is None or len(mean.options) != 1:
        return
    deviation = count_of_tokens(draft.sentence.items[at]).value
    cv = cv or float(f"{deviation / mean.options[0].value:.4g}")
    name = dict(SIDES)[mean.path.removesuffix(".mean")]
    echo = f"{name}: CV {show_figure(cv)}, standard deviation over mean"
    draft.found(mean.path.replace("mean", "cv"), first, last, [Option(cv, echo)])


def _quantiles(draft: Draft, side: str, name: str) -> None:
    mean, p95 = draft.value(f"{side}.mean"), draft.value(f"{side}.p95")
    asked = [(found, one) for one in draft.questions if one[1] == f"{side}.mean" and (found := _ASKED.search(one[0]))]
    if not asked or any(len(one.options) > 1 for one in draft.findings if one.path.startswith(side)):
        return
    said = [(float(found[1]) / 100, float(one[2][0].value)) for found, one in asked]
    points = sorted({(NormalDist().inv_cdf(share), value) for share, value in said if 0 < share < 1})
    if mean and p95:
        fit: tuple[float, float] | None = (0.0, 0.0)
    elif mean:
        fit = _of_mean(mean, *points[-1])
    else:
        fit = _of_quantiles([*points, (_Z95, p95)] if p95 else points)
    if fit is None:
        return
    for _, one in asked:
        draft.questions.remove(one)
    shown = [f"p{100 * share:g} {show_count(value)}" for share, value in said]
    start, end = min(one[3] for _, one in asked), max(one[4] for _, one in asked)
    if mean and p95:
        text = f"{', '.join(shown)} of {name} is not used: their mean and p95 say how they spread"
        draft.notes += [(text, one[3], one[4]) for _, one in asked]
        return
    shown += [f"mean {show_count(mean)}"] if mean else [f"p95 {show_count(p95)}"] if p95 else []
    of = f"of a lognormal with {', '.join(shown)}"
    mu, sigma = fit
    if not mean:
        made = float(round(exp(mu + sigma * sigma / 2)))
        echo = f"{name}: {show_count(made)} tokens on average, {of}"
        draft.findings.append(Finding(f"{side}.mean", (Option(made, echo),), start, end))
    if not p95:
        made = float(round(exp(mu + _Z95 * sigma)))
        echo = f"{name}: {show_count(made)} tokens at p95, {of}"
        draft.findings.append(Finding(f"{side}.p95", (Option(made, echo),), start, end))


def _of_quantiles(points: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Return μ and σ through quantiles, each a standard normal's quantile and tokens; None where none fits."""
    if len({z for z, _ in points}) < 2 or any(value <= 0 for _, value in points):
        return None
    zs, logs = [z for z, _ in points], [log(value) for _, value in points]
    sigma, mu = linear_regression(zs, logs)
    return (mu, sigma) if 0 <= sigma < _Z95 else None


def _of_mean(mean: float, z: float, value: float) -> tuple[float, float] | None:
    """Return μ and σ of a mean and one quantile: ln(q/m) = z·σ − σ²/2, the smaller σ; None where none has both.

    A quantile above any lognormal's of this mean gives the most skewed one, as a p95 does in ``TokenDistribution``.
    """
    within = z * z - 2 * log(value / mean)
    sigma = z + copysign(sqrt(max(0.0, within)), -1 if z > 0 else 1)
    if (z <= 0 and within < 0) or not 0 <= sigma < _Z95:
        return None
    return log(mean) - sigma * sigma / 2, sigma
