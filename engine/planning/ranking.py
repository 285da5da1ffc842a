"""The candidates of a question, ranked: those that do what was asked or, where none does, the nearest ones."""

from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from engine.fleet.search import SizedCandidates, array_of_one
from engine.plan import NoPlan, Rejection
from engine.planning.default_targets import searched
from engine.planning.no_plan import explain_misses, no_plan
from engine.question.resolve import Question

WITHOUT_TARGETS = "no latency target (--default-targets none)"
"""What helps where nobody asked for the targets that are missed."""


class Ranking(Struct, frozen=True, dict=True):
    """Every candidate of a question, best first."""

    question: Question
    """With the targets that hold for it."""
    evaluated: SizedCandidates
    misses: tuple[Rejection, ...]
    """Why none of them does what was asked; then they are the nearest ones."""

    @cached_property
    def best(self) -> SizedCandidates:
        """The best candidate, an array of one."""
        return array_of_one(self.evaluated, int(self.evaluated.order[0]))


def ranked_candidates(question: Question) -> Ranking | NoPlan:
    """Return the candidates of a question, or why nothing fits at all.

    Raises:
        InputError: a fleet was given that holds not even one replica.
    """
    nobody_asked = not question.spec.targets
    question, evaluated = searched(question)
    if len(evaluated.order):
        return Ranking(question, evaluated, ())
    if nothing := no_plan(question, evaluated):
        return nothing
    nearest, misses = explain_misses(question, evaluated)
    if nobody_asked and question.spec.targets:
        misses = tuple(replace(miss, relaxations=(*miss.relaxations, WITHOUT_TARGETS)) for miss in misses)
    return Ranking(question, nearest, misses)
