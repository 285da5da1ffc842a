"""How the rate of replicas rises with their batch, tabulated once, and where it is largest: saturation."""

import numpy as np

from engine.arrays import Floats, Rows
from engine.replica.steps import StepCosts

SMALLEST_SHARE, SMALLEST_BATCH = 1e-4, 1e-2
"""Smallest batch considered: 0.01 % of the seats or 0.01 requests, whichever is less; there a request never meets
another."""
CREST = np.geomspace(0.01, 1.0, 24)
"""Shares of the largest batch among which λ(B) is largest. It rises with B but for the last few percent, where decoding
leaves prompts ever less of the token budget, and they take more and smaller steps."""
FOOT = np.linspace(0.0, 1.0, 17)[:-1]
"""Steps of log B from the smallest batch to the first of the crest: with it the rungs among which a rate is found."""


class RateLadder(Rows, frozen=True):
    """λ(B) of candidates from the smallest batch to the largest; columns, (candidates, 1), unless noted."""

    batches: Floats
    """(candidates, rungs): B, rising."""
    rates: Floats
    """(candidates, rungs): λ(B), requests/s; a dip counts as level."""
    saturated_rate: Floats
    """λ_max, requests/s."""
    saturated_batch: Floats
    """B at which λ(B) is largest."""
    smallest_batch: Floats
    smallest_rate: Floats
    """λ of the smallest batch, requests/s."""
    smallest_step_s: Floats
    """τ of the smallest batch, seconds."""
    smallest_prompt_s: Floats
    """ΔP at the smallest batch, seconds."""


def rate_ladder(costs: StepCosts, seats: Floats) -> RateLadder:
    """Return λ(B) of candidates, tabulated up to their seats (candidates, 1)."""
    # Short answers leave little to decode: B/D requests come in a step, and they too are to be few.
    smallest = np.minimum(seats * SMALLEST_SHARE, SMALLEST_BATCH * min(costs.decoded, 1.0))
    crest = costs.largest_batch(seats) * CREST
    first = np.log(np.minimum(smallest, 0.5 * crest[:, :1]))
    foot = np.exp(first + (np.log(crest[:, :1]) - first) * FOOT)
    batches = np.concatenate([smallest, foot, crest], axis=1)
    steps, prompts = costs.opened(batches)
    prompt_s = prompts @ costs.lengths.prompt.weights
    rates = costs.rate(steps, prompt_s)
    top = rates.argmax(axis=1)[:, None]
    return RateLadder(
        batches=batches[:, 1:],
        rates=np.maximum.accumulate(rates[:, 1:], axis=1),
        saturated_rate=np.take_along_axis(rates, top, axis=1),
        saturated_batch=np.take_along_axis(batches, top, axis=1),
        smallest_batch=smallest,
        smallest_rate=rates[:, :1],
        smallest_step_s=steps.decoding[:, :1],
        smallest_prompt_s=prompt_s[:, :1],
    )
