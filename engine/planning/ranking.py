"""The candidates of a question, ranked: those that do what was asked or, where none does, the nearest ones."""

from msgspec import Struct

from engine.fleet.search import SizedCandidates, array_of_one, search
from engine.plan import NoPlan, Rejection
from engine.planning.no_plan import explain_misses, no_plan
from engine.question.resolve import Question


class Ranking(Struct, frozen=True):
    """Every candidate of a question, best first."""

    question: Question
    evaluated: SizedCandidates
    misses: tuple[Rejection, ...]
    """Why none of them does what was asked; then they are the nearest ones."""

    @property
    def best(self) -> SizedCandidates:
        """The best candidate, an array of one."""
        return array_of_one(self.evaluated, int(self.evaluated.order[0]))


def ranked_candidates(question: Question) -> Ranking | NoPlan:
    """Return the candidates of a question, or why nothing fits at all.

    Raises:
        InputError: a fleet was given that holds not even one replica.
    """
    evaluated = search(question)
    if len(evaluated.order):
        return Ranking(question, evaluated, ())
    return no_plan(question, evaluated) or Ranking(question, *explain_misses(question, evaluated))
