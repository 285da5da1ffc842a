"""Requests drawn from the spec of a question, with its burstiness and its lengths as the formulas clip them."""

from collections.abc import Callable, Iterator
from functools import partial

from engine.question.resolve import Question
from engine.simulation import Requests, open_loop
from engine.simulation.arrivals import LengthDraws, drawn_lengths


def drawn_load(
    question: Question,
    requests_per_s: float,
    count: int,
    profile: tuple[float, ...] = (),
    burstiness: float | None = None,
) -> Callable[..., Iterator[Requests]]:
    """Return the function that draws requests from the spec of a question, given ``seed``.

    Args:
        question: its lengths are drawn, clipped as the formulas clip them.
        requests_per_s: over all replicas that share them.
        count: of requests.
        profile: rate by hour over the mean, from midnight on; empty: a constant rate.
        burstiness: instead of the spec's own.
    """
    tokens = question.spec.tokens
    return partial(
        open_loop,
        requests_per_s,
        count,
        tokens.input,
        tokens.answers,
        burstiness=question.spec.traffic.burstiness if burstiness is None else burstiness,
        hourly_profile=profile,
        prefix_hit=tokens.prefix_hit,
        # As the formulas clip them; beyond the KV pool a runtime refuses a request.
        context_limit=max(question.context_limit - 1, 1),
    )


def drawn_tokens(question: Question, seed: int) -> LengthDraws:
    """Return lengths drawn from the spec of a question, clipped as the formulas clip them."""
    tokens = question.spec.tokens
    return drawn_lengths(tokens.input, tokens.answers, seed=seed, context_limit=max(question.context_limit - 1, 1))
