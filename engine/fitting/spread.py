"""How far measurements lie from predictions, level by level: between sources, models, accelerators, and in a sweep.

A random-effects view of log(measured/predicted): every source, model and accelerator has an effect of its own, drawn
from a normal law of its level, and so has every pair of model and accelerator on a source's servers. The laws' spreads
are fitted by expectation and maximisation on the medians of the pairs, so that groups are counted and not rows, and
drawn towards what is usual where groups are few. Sources: D. A. Harville, Maximum likelihood approaches to variance
component estimation, J. Am. Stat. Assoc. 72 (1977) 320; A. Gelman, Prior distributions for variance parameters in
hierarchical models, Bayesian Anal. 1 (2006) 515 (a scaled inverse χ² prior counts as groups seen before).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log, sqrt

import numpy as np
from msgspec import Struct

from engine.arrays import Floats

USUAL = 0.15
"""Spread (log standard deviation) of a level of which nothing is known; judgement: between a dense model's and a
mixture's."""
USUAL_GROUPS = 3.0
"""As many groups as that weighs: the fewest with which a spread of no group at all is finite."""
FAR = log(3.0)
"""Log ratio beyond which an error says no more than that: a cold server, cached prompts, another configuration than the
one that was printed."""
SHIFT_DEVIATION = 0.5
"""How far the centre of accelerators that were never measured may lie off (log standard deviation); judgement."""
FEWEST_ROWS = 4
"""Of a cell, that say how far its rows lie apart."""
MEDIAN_VARIANCE = 1.57
"""Variance of the median over that of the mean of a normal sample (π/2)."""
ROUNDS = 60
SETTLED = 1e-3
"""Change of every variance in a round below which no more are needed."""

CLASSES = ("dense", "sparse")
OF_SEEN = ("run dense", "run sparse", "model dense", "model sparse", "accelerator")
"""Levels that lie apart by less where a fit has seen the source."""


class LeftOutError(Struct, frozen=True):
    """How far one figure of one point lay from predictions by fits that had not seen it."""

    metric: str
    source: str
    runtime: str
    model: str
    family: str
    accelerator: str
    load: str
    model_class: str
    """'dense' or 'sparse': any other than a dense model."""
    foreign: bool
    """No kernel of the accelerator's architecture was measured."""
    logs: Mapping[str, float]
    """log(measured/predicted) by what the fit had not seen: 'sweep', 'group', 'family', 'accelerator', 'source'. Of a
    point that no block fits on, 'source' alone."""

    @property
    def fitted(self) -> bool:
        """A fit has seen its source."""
        return "sweep" in self.logs

    @property
    def cell(self) -> tuple[str, ...]:
        """The pair of model and accelerator on a source's servers."""
        return self.source, self.runtime, self.model, self.accelerator, self.load


class Spreads(Struct, frozen=True):
    """The spread of each level, log standard deviation, and the number of groups that it comes from."""

    deviation: Mapping[str, float]
    """By level and kind: 'source', 'accelerator foreign', 'sweep dense'; and as among sources that a fit has seen and
    as among those that none has: 'seen model dense', 'unseen run sparse', …"""
    groups: Mapping[str, int]
    foreign_shift: float
    """Mean log(measured/predicted) of accelerators none of whose kernels, nor their architecture's, were measured."""


def spreads_of(errors: Sequence[LeftOutError]) -> Spreads:
    """Return the spreads of all levels from errors of one metric.

    Models, accelerators and runs lie apart as with their sources left out of the fit, where a case's source is new;
    where it is not, as with no more left out than the pair of model and accelerator: what the servers of a source that
    is left out do to single models and runs is not in constants that have seen it.
    """
    fitted = [error for error in errors if error.fitted]
    unseen = _spreads(errors, ("source", "group", "sweep"))
    seen = _spreads(fitted, ("group", "sweep")) if fitted else unseen
    deviation, groups = dict(unseen.deviation), dict(unseen.groups)
    for name in OF_SEEN:
        for whose, spreads in (("seen", seen), ("unseen", unseen)):
            deviation[f"{whose} {name}"], groups[f"{whose} {name}"] = spreads.deviation[name], spreads.groups[name]
        del deviation[name], groups[name]
    for name in CLASSES:
        squares = [_seen_square(own) for own in _cells(fitted) if own[0].model_class == name]
        groups[f"sweep {name}"] = len(squares)
        mean = (sum(squares) + USUAL_GROUPS * USUAL**2) / (len(squares) + USUAL_GROUPS)
        # What is known spreads no more than what is not: some cold rows are far off wherever they are.
        known = sqrt(mean * _of_the_next(len(squares)))
        deviation[f"sweep {name}"] = min(known, deviation[f"seen run {name}"])
    return Spreads(deviation, groups, unseen.foreign_shift)


def _spreads(errors: Sequence[LeftOutError], views: Sequence[str]) -> Spreads:
    """Return the spreads of the levels of ``_LEVELS``, from one error of each point.

    Args:
        errors: of one metric.
        views: what was left out of the fit whose error counts: the first that a point has.
    """
    cells = _cells(errors)
    firsts = [own[0] for own in cells]
    found = [[next(error.logs[view] for view in views if view in error.logs) for error in own] for own in cells]
    usual = _usual_errors(firsts, found)
    logs = [_near(own, usual.get(first.accelerator, 0.0)) for first, own in zip(firsts, found, strict=True)]
    medians = np.array([np.median(own) for own in logs])
    rows = {name: _row_deviation(firsts, logs, name) for name in CLASSES}
    noise = np.array(
        [MEDIAN_VARIANCE * rows[first.model_class] ** 2 / len(own) for first, own in zip(firsts, logs, strict=True)]
    )
    members = {name: _membership(firsts, group) for name, group in _LEVELS.items()}
    foreign = np.array([float(first.foreign) for first in firsts])
    variances, shift = _maximise(medians, noise, members, foreign)
    groups = {name: member.shape[1] for name, member in members.items()}
    next_one = {name: variance * _of_the_next(groups[name]) for name, variance in variances.items()}
    for name in CLASSES:
        next_one[f"run {name}"] += rows[name] ** 2
    return Spreads({name: sqrt(variance) for name, variance in next_one.items()}, groups, shift)


def _cells(errors: Iterable[LeftOutError]) -> list[list[LeftOutError]]:
    """Return errors by pair of model and accelerator on a source's servers."""
    cells: dict[tuple[str, ...], list[LeftOutError]] = defaultdict(list)
    for error in errors:
        cells[error.cell].append(error)
    return list(cells.values())


def _seen_square(cell: Sequence[LeftOutError]) -> float:
    """Return the mean square of a pair's errors where the fit has seen the rest of its sweep."""
    return float(np.mean(np.clip([error.logs["sweep"] for error in cell], -FAR, FAR) ** 2))


def _of_the_next(groups: int) -> float:
    """Return the variance of the next group's effect over that of the likeliest law: of few groups that is uncertain.

    Effects under a law whose variance has a scaled inverse χ² law follow Student's t; this is its variance.
    """
    return (groups + USUAL_GROUPS) / (groups + USUAL_GROUPS - 2)


def _usual_errors(firsts: Sequence[LeftOutError], logs: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return the median error of each accelerator of which nothing was timed: there the level itself may be far off."""
    medians: dict[str, list[float]] = defaultdict(list)
    for first, own in zip(firsts, logs, strict=True):
        if first.foreign:
            medians[first.accelerator].append(float(np.median(own)))
    return {name: float(np.median(values)) for name, values in medians.items()}


def _near(logs: Sequence[float], usual: float) -> Floats:
    """Return errors, those far from the usual one drawn nearer."""
    return np.clip(logs, usual - FAR, usual + FAR)


_LEVELS: Mapping[str, Callable[[LeftOutError], object]] = {
    "source": lambda e: e.source,
    "model dense": lambda e: e.model if e.model_class == "dense" else None,
    "model sparse": lambda e: e.model if e.model_class == "sparse" else None,
    "accelerator": lambda e: None if e.foreign else e.accelerator,
    "accelerator foreign": lambda e: e.accelerator if e.foreign else None,
    "run dense": lambda e: e.cell if e.model_class == "dense" else None,
    "run sparse": lambda e: e.cell if e.model_class == "sparse" else None,
}
"""By level: the group of an error; null where the level has no part in it."""


def _membership(firsts: Sequence[LeftOutError], group: Callable[[LeftOutError], object]) -> Floats:
    """Return (cells, groups): 1 where a cell is of a group."""
    names = [group(first) for first in firsts]
    known = sorted({name for name in names if name is not None}, key=str)
    return np.array([[float(name == one) for one in known] for name in names]).reshape(len(firsts), len(known))


def _row_deviation(firsts: Sequence[LeftOutError], logs: Sequence[Floats], name: str) -> float:
    """Return the spread of a cell's rows about their mean, pooled over the cells of a class.

    Of sources that a fit has seen: on others a server's own oddities are among the rows, and those are its source's.
    """
    of_class = [
        (first.fitted, float(np.var(values, ddof=1)))
        for first, values in zip(firsts, logs, strict=True)
        if first.model_class == name and len(values) >= FEWEST_ROWS
    ]
    variances = [variance for fitted, variance in of_class if fitted] or [variance for _, variance in of_class]
    return sqrt(float(np.mean(variances))) if variances else USUAL


def _maximise(
    medians: Floats, noise: Floats, members: Mapping[str, Floats], foreign: Floats
) -> tuple[dict[str, float], float]:
    """Return the variance of each level, and the shift of foreign accelerators.

    Args:
        medians: of the cells.
        noise: their variance from the cells' own rows.
        members: by level, as ``_membership`` returns it.
        foreign: by cell, 1 where the shift applies.
    """
    variances = dict.fromkeys(members, USUAL**2)
    base = np.diag(noise) + SHIFT_DEVIATION**2 * np.outer(foreign, foreign)
    together = {name: member @ member.T for name, member in members.items()}
    shift = 0.0
    for _ in range(ROUNDS):
        before = dict(variances)
        total = base + sum(variances[name] * shared for name, shared in together.items())
        inverse = np.linalg.inv(total)
        scaled = inverse @ medians
        shift = float(SHIFT_DEVIATION**2 * foreign @ scaled)
        for name, member in members.items():
            variance, groups = variances[name], member.shape[1]
            effects = variance * (member.T @ scaled)
            left = variance * groups - variance**2 * float(np.sum(together[name] * inverse))
            seen = float(effects @ effects) + left
            variances[name] = (seen + USUAL_GROUPS * USUAL**2) / (groups + USUAL_GROUPS)
        if all(abs(variances[name] - was) < SETTLED * was for name, was in before.items()):
            break
    return variances, shift
