"""The candidates of a question, ranked: those that do what was asked or, where none does, the nearest ones."""

from functools import cached_property

from msgspec import Struct

from engine.fleet.search import SizedCandidates, array_of_one
from engine.plan import NoPlan, Rejection
from engine.planning.default_targets import searched
from engine.planning.no_plan import explain_misses, no_plan
from engine.question.resolve import Question
from engine.workload import Target


class Ranking(Struct, frozen=True, dict=True):
    """Every candidate of a question, best first."""

    question: Question
    """With the targets that hold for it."""
    evaluated: SizedCandidates
    misses: tuple[Rejection, ...]
    """Why none of them does what was asked; then they are the nearest ones."""
    eased: tuple[Target, ...] = ()
    """Of the targets, those that nothing meets, as the nearest candidate can hold them."""
    may_be_reached: bool = True
    """Whether another format or accelerator may still meet the targets."""

    @cached_property
    def best(self) -> SizedCandidates:
        """The best candidate, an array of one."""
        return array_of_one(self.evaluated, int(self.evaluated.order[0]))


def ranked_candidates(question: Question) -> Ranking | NoPlan:
    """Return the candidates of a question, or why nothing fits at all.

    Raises:
        InputError: a fleet was given that holds not even one replica.
    """
    question, evaluated = searched(question)
    if len(evaluated.order):
        return Ranking(question, evaluated, ())
    if nothing := no_plan(question, evaluated):
        return nothing
    nearest = explain_misses(question, evaluated)
    return Ranking(question, nearest.evaluated, nearest.misses, nearest.eased, nearest.may_be_reached)
