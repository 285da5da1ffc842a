"""The findings of rules before they are settled: values with their words, several where a sentence leaves a choice."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from agent.interpret.facts.reading import Choice
from agent.interpret.words.grammar import Amount, Match, Sentence


class Option(Struct, frozen=True):
    """One value that a place of the sentence may mean."""

    value: Any
    echo: str
    label: str = ""
    path: str = ""
    """Where it is of another path than the finding."""


class Finding(Struct, frozen=True):
    """A value at a place of the sentence; several options are a question."""

    path: str
    options: tuple[Option, ...]
    start: int
    end: int
    ask: str = ""
    """The question, where there are several options."""


class Draft(Struct):
    """All that the rules found in a sentence."""

    sentence: Sentence
    asked_path: str | None = None
    known: Mapping[str, Any] = field(default_factory=dict)
    """Values by path that were given before."""
    findings: list[Finding] = field(default_factory=list)
    questions: list[tuple[str, str, tuple[Choice, ...], int, int]] = field(default_factory=list)
    """Text, path, choices, start, end."""
    objections: list[tuple[str, int, int]] = field(default_factory=list)
    """Text, start, end."""
    dropped: list[tuple[int, int]] = field(default_factory=list)
    """Spans that were understood and refused by the speaker: reported as unused."""
    past: list[tuple[int, int]] = field(default_factory=list)
    """Clauses of another time; in a draft that begins with them their load is read, since no other is said."""
    notes: list[tuple[str, int, int]] = field(default_factory=list)
    """Text, start, end: what was understood and is no field of a plan, with what would be needed."""

    def found(
        self, path: str, first: int, last: int, options: Sequence[Option], ask: str = "", claim: bool = True
    ) -> None:
        """Note a value read from items first to last, and take their numbers and names unless that was done.

        Args:
            path: of the field.
            first: position of the first item.
            last: position of the last item.
            options: the values that it may be.
            ask: which to ask for where they are several.
            claim: take the items.
        """
        start, end = self.sentence.span(first, last)
        self.findings.append(Finding(path, tuple(options), start, end, ask))
        if claim:
            self.sentence.claim(first, last)

    def read(
        self,
        path: str,
        match: Match | tuple[int, int],
        amount: Amount,
        convert: Callable[[float], Any],
        echo: Callable[[float, Any], str],
        claim: bool = True,
    ) -> None:
        """Note what each value of an amount converts to.

        Args:
            path: of the field.
            match: the items, or the positions of the first and last.
            amount: that was read.
            convert: makes the field's value of a number.
            echo: says number and value back.
            claim: take the items.
        """
        first, last = (match.first, match.last) if isinstance(match, Match) else match
        options = []
        for value, label in zip(amount.values, amount.labels, strict=True):
            made = convert(value)
            options.append(Option(made, echo(value, made), label))
        self.found(path, first, last, options, claim=claim)

    def ask(
        self, path: str, first: int, last: int, text: str, choices: Sequence[Choice] = (), claim: bool = True
    ) -> None:
        """Note a question about items first to last, and take their numbers and names unless that was done.

        Args:
            path: of the field.
            first: position of the first item.
            last: position of the last item.
            text: the question.
            choices: the answers to choose from.
            claim: take the items.
        """
        start, end = self.sentence.span(first, last)
        self.questions.append((text, path, tuple(choices), start, end))
        if claim:
            self.sentence.claim(first, last)

    def object(self, first: int, last: int, text: str) -> None:
        """Note that items first to last cannot be meant.

        Args:
            first: position of the first item.
            last: position of the last item.
            text: the objection, a clause.
        """
        start, end = self.sentence.span(first, last)
        self.objections.append((text, start, end))
        self.sentence.claim(first, last)

    def note(self, first: int, last: int, text: str) -> None:
        """Note what items first to last mean where that is no field of a plan.

        Args:
            first: position of the first item.
            last: position of the last item.
            text: what was understood, with what would be needed.
        """
        self.notes.append((text, *self.sentence.span(first, last)))

    def release(self, first: int, last: int) -> None:
        """Give back items that were taken and came to nothing."""
        for index in range(first, last + 1):
            self.sentence.take(index, self.sentence.items[index].negated)

    def has(self, path: str) -> bool:
        """Whether something was found or asked for a path."""
        return any(finding.path == path for finding in self.findings) or any(
            question[1] == path for question in self.questions
        )

    def value(self, path: str) -> Any:
        """Return the first certain value of a path, or None."""
        return next(
            (found.options[0].value for found in self.findings if found.path == path and len(found.options) == 1), None
        )
