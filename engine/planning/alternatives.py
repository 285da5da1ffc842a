"""The best candidates beside the chosen one, each with the reason why it was not chosen."""

from collections.abc import Sequence

import numpy as np

from catalogs.units import show_rate
from engine.fleet.search import SizedCandidates, doubt_of
from engine.plan import Alternative
from engine.question.resolve import Question
from engine.replica.latencies import mean_latency, percentile_latency
from engine.replica.load import Load

SHOWN = 3


def rows_beside(question: Question, evaluated: SizedCandidates) -> list[int]:
    """Return the best candidate of each other accelerator; with one accelerator, the best other spreads of it.

    One that only a doubt keeps from being chosen, since it costs less, is among them.
    """
    order = [int(row) for row in evaluated.order]
    first = order[0]
    found = evaluated.candidates
    chosen: list[int] = []
    seen = {int(found.which[first])}
    for row in order[1:]:
        if int(found.which[row]) not in seen:
            seen.add(int(found.which[row]))
            chosen.append(row)
    if len(found.accelerators) == 1:
        chosen = order[1:]
    cheaper = [
        row
        for row in chosen[SHOWN:]
        if evaluated.monthly_usd[row] < evaluated.monthly_usd[first] and doubt_of(question, found.accelerator(row))
    ]
    return [*chosen[: SHOWN - len(cheaper[:1])], *cheaper[:1]]


def alternatives_of(
    question: Question, evaluated: SizedCandidates, rows: Sequence[int], at_peak: Load
) -> tuple[Alternative, ...]:
    """Return candidates as a plan shows them beside the first, each with the reason why it was not chosen.

    Args:
        evaluated: all candidates, the chosen one first.
        rows: of those that are shown.
        at_peak: of a replica of each at today's peak hour, (rows, 1).
    """
    if not rows:
        return ()
    first, found = int(evaluated.order[0]), evaluated.candidates.take(np.array(rows, dtype=np.intp))
    ttft, itl = percentile_latency(at_peak, "ttft", 0.95), mean_latency(at_peak, "itl")
    results = []
    for i, row in enumerate(rows):
        accelerator, monthly = found.accelerator(i), float(evaluated.monthly_usd[row])
        choice = evaluated.offers[row]
        results.append(
            Alternative(
                accelerator=accelerator.id,
                accelerator_name=accelerator.name,
                weights=question.weights.id,
                **found.parallelism.sizes(i).split,
                replicas=int(evaluated.counts.total[row]),
                accelerators=int(evaluated.accelerators[row]),
                monthly_usd=monthly if np.isfinite(monthly) else None,
                ttft_p95_s=float(ttft[i, 0]),
                itl_mean_s=float(itl[i, 0]),
                why_not=_why_not(question, evaluated, int(row), first),
                offer=choice.chosen.chosen() if choice else None,
            )
        )
    return tuple(results)


def _why_not(question: Question, evaluated: SizedCandidates, row: int, first: int) -> str:  # noqa: PLR0911 — one reason each
    mine, best = float(evaluated.monthly_usd[row]), float(evaluated.monthly_usd[first])
    if not np.isfinite(mine):
        return "no price is known: it cannot be ranked"
    if not np.isfinite(best):
        return "the chosen one was asked for"
    accelerator = evaluated.candidates.accelerator(row)
    if mine < best and (doubt := doubt_of(question, accelerator)):
        return f"costs {1 - mine / best:.0%} less on paper, but {doubt}"
    if mine < best * 0.995:
        return f"costs {1 - mine / best:.0%} less by the formulas, and was not simulated"
    if mine > best * 1.005:
        return f"costs {mine / best - 1:.0%} more"
    more = int(evaluated.accelerators[row] - evaluated.accelerators[first])
    if more > 0:
        return f"the same money for {more} more accelerators"
    if more < 0:
        return f"{-more} accelerators fewer, but dearer"
    if evaluated.candidates.memory.tight[row] and not evaluated.candidates.memory.tight[first]:
        return "the same money and count, with little memory to spare"
    carried, most = (show_rate(float(evaluated.capacity[at] * evaluated.counts.total[at])) for at in (row, first))
    if carried == most:
        return "the same money and count, and it carries the same"
    return f"the same money and count; it carries {carried}, the plan {most}"
