"""One sentence beside the flags: what it states, and what stops a forecast because nobody can be asked."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from agent.interpret import Ambiguity, interpret
from agent.statements.merged import Collected
from agent.talk.presets import filled_in
from catalogs.catalog import Catalog
from catalogs.errors import SHOWN_HITS, InputError, listed
from engine.plan import plain
from engine.workload import Statement


class StatedSentence(Struct, frozen=True):
    """What a sentence says."""

    statement: Statement
    echoes: tuple[str, ...]
    """What was understood, with the sums."""
    unused: tuple[str, ...]
    """What was said and not used."""
    questions: tuple[Ambiguity, ...]
    """What may mean several things, and no flag settles."""
    objections: tuple[str, ...]
    """What cannot be meant."""
    notes: tuple[str, ...] = ()
    """What was understood and is no field of a plan, out of scope, or guessed."""

    def check(self) -> None:
        """See that nothing has to be asked.

        Raises InputError where something cannot be meant, or may mean several things.
        """
        if self.objections:
            raise InputError("; ".join(self.objections))
        if self.questions:
            first = " ".join(self.questions[0].text.split())
            labels = [choice.label for choice in self.questions[0].choices]
            rest = f" or {len(labels) - SHOWN_HITS} more" if len(labels) > SHOWN_HITS else ""
            offered = (
                f" Perhaps {', '.join(labels[:SHOWN_HITS])}{rest}?"
                if rest
                else f" Perhaps {listed(labels)}?"
                if labels
                else ""
            )
            others = len(self.questions) - 1
            more = f" ({others} more may mean several things)" if others else ""
            raise InputError(f"{first}{offered} Say which, in words or by a flag{more}")

    def notices(self) -> Iterator[str]:
        """Yield what is told beside the answer."""
        if self.echoes:
            yield f"Understood: {'; '.join(dict.fromkeys(self.echoes))}."
        yield from self.notes

    def left_out(self) -> Iterator[str]:
        """Yield what was said and is not used."""
        if self.unused:
            yield f"Not used: {', '.join(self.unused)}."


def stated_in(text: str, catalog: Catalog, answered: Mapping[str, Any]) -> StatedSentence:
    """Return what a sentence says, given the values by path that flags state.

    Args:
        answered: values by path that win over it.
    """
    reading = interpret(text, catalog, known=answered)
    return StatedSentence(
        Statement("said", reading.values, reading.details),
        tuple(
            said_value.echo + filled_in(said_value.path, said_value.value, catalog, {**reading.values, **answered})
            for said_value in reading.said_values
            if said_value.path not in answered
        ),
        reading.unused,
        tuple(question for question in reading.questions if question.path not in answered),
        reading.objections,
        reading.notes,
    )


def understood_json(gathered: Collected, said: StatedSentence | None) -> dict[str, Any]:
    """Return what was understood of a sentence and of what was stated beside it as JSON values, without a forecast."""
    tree = {"spec": gathered.tree(), "sources": dict(gathered.sources), "missing": gathered.missing}
    names = ("unused", "questions", "objections", "notes")
    parts = {name: getattr(said, name) if said else () for name in names}
    parts["questions"] = [
        {"path": one.path, "text": one.text, "words": one.words, "choices": [choice.label for choice in one.choices]}
        for one in parts["questions"]
    ]
    return plain({**tree, **parts})
