"""Gaps between tokens of one stream, counted in bins of 0.5 %."""

from math import log
from typing import Any

GAP_LOWEST_S = 1e-5
GAP_PER_LOG = 1.0 / log(1.005)


def gap(gaps: Any, seconds: float, count: int) -> None:
    """Count token gaps of one length.

    Args:
        gaps: counts by bin.
        seconds: of each gap.
        count: of gaps.
    """
    place = int(log(seconds / GAP_LOWEST_S) * GAP_PER_LOG)
    gaps[min(max(place, 0), len(gaps) - 1)] += count


def spread(gaps: Any, edges: Any, each: float, growth: float, many: int, count: int) -> None:
    """Count the gaps of steps that each take ``growth`` seconds longer than the one before.

    Args:
        gaps: counts by bin.
        edges: of the bins, seconds.
        each: seconds of a step before the first, so that step n takes each + n × growth.
        many: steps.
        count: requests that get a token in each step.
    """
    top = len(gaps) - 1
    place = min(max(int(log((each + growth) / GAP_LOWEST_S) * GAP_PER_LOG), 0), top)
    if many > 1:
        last = min(max(int(log((each + growth * many) / GAP_LOWEST_S) * GAP_PER_LOG), 0), top)
        passed = 0
        while place < last:
            below = min(int((edges[place + 1] - each) / growth), many)
            if below > passed:
                gaps[place] += (below - passed) * count
                passed = below
            place += 1
        many -= passed
    gaps[place] += many * count
