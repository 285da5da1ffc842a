"""Weights learned from marked lines, and how the second reader fares on a hand that it has not learned from.

A line of ``hands/*.txt`` is an input as typed, ``\\n`` for a line break; a figure of it is marked as
``[figure](role)``; what begins with "! " is about something else.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.json import encode

from agent.interpret.roles.figures import features_of, features_of_line, is_figure
from agent.interpret.roles.reader import FOLDER, LEARNED, RARITY, WEIGHTS, Learned, Question
from agent.interpret.words.grammar import Item
from agent.learned.features import Features
from agent.learned.regression import alike, fitted, weighed, weights_of
from agent.learned.weights import Singles, quantised, softmax

HANDS: Final = FOLDER / "hands"
READ: Final = frozenset({"tables", "sentences", "collisions"})
"""No hands of their own: figures marked by what a table says is read, and so not all; lines that a reader misread."""
_SAME: Final = {
    "length_percentile": "length_p95", "prompt_p95": "length_p95", "answer_p95": "length_p95",
    "mean_rate": "rate", "peak_rate": "rate", "burst_rate": "rate", "active_users": "users",
}  # fmt: skip
"""Roles that are learned as one: of a hand that was left out, the mean and the peak were told apart too rarely."""
_TODAY: Final = "today"
"""A figure of what runs now may be any other role as well; nothing is learned from it."""
_MARK: Final = re.compile(r"\[([^\[\]]*)\]\((\w+)\)")
ELSEWHERE: Final = "! "
Read: TypeAlias = Callable[[str], tuple[Sequence[Item], Sequence[str]]]
"""From a text to its items, with names and numbers made and nothing taken yet, and to what rules found in it."""
QUESTIONS: Final = ("line", "role")
"""Whether a line is about serving; what a figure is."""


class Marked(Struct, frozen=True):
    """A line and the roles of its figures."""

    hand: str
    text: str
    roles: tuple[tuple[int, int, str], ...]
    """Start and end in the text, role."""
    elsewhere: bool


class Example(Struct, frozen=True):
    """A figure or a line, with what it is by question."""

    hand: str
    features: Features
    answers: dict[str, str]


def marked_lines() -> list[Marked]:
    """Return the lines of all hands."""
    return [
        _marked(file.stem, line)
        for file in sorted(HANDS.glob("*.txt"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if line
    ]


def _marked(hand: str, line: str) -> Marked:
    elsewhere, text, roles = line.startswith(ELSEWHERE), "", []
    line = line.removeprefix(ELSEWHERE).replace("\\n", "\n")
    position = 0
    for mark in _MARK.finditer(line):
        text += line[position : mark.start()]
        roles.append((len(text), len(text) + len(mark[1]), mark[2]))
        text, position = text + mark[1], mark.end()
    return Marked(hand, text + line[position:], tuple(roles), elsewhere)


def digest() -> str:
    """Return a digest of the marked lines."""
    return sha256(b"".join(file.read_bytes() for file in sorted(HANDS.glob("*.txt")))).hexdigest()


def examples(lines: Sequence[Marked], read: Read) -> Iterator[Example]:
    """Yield the figures whose role is marked, and the lines.

    Args:
        lines: that are learned from.
        read: a text as rules find it.
    """
    for line in lines:
        items, evidence = read(line.text)
        yield Example(
            line.hand, features_of_line(items, evidence), {"line": "elsewhere" if line.elsewhere else "serving"}
        )
        figures = {} if line.elsewhere else features_of(items)
        for at, features in figures.items():
            role = role_at(line, items[at])
            if role and role != _TODAY:
                yield Example(line.hand, features, {"role": role})


def role_at(line: Marked, item: Item) -> str | None:
    """Return the role of an item of a line where it is marked."""
    if not is_figure(item):
        return None
    role = next((role for start, end, role in line.roles if start < item.end and end > item.start), None)
    return _SAME.get(role, role) if role else None


class _Rows(Struct, frozen=True):
    """All examples as rows."""

    examples: list[Example]
    features: Singles
    rarity: Singles
    products: Singles


def _rows(found: list[Example]) -> _Rows:
    features, rarity = weighed([example.features for example in found])
    return _Rows(found, features, rarity, alike(features))


def _learned(rows: _Rows, name: str, left_out: str = "") -> tuple[Question, Singles, Singles]:
    """Return a question, its weights and, by example, the probabilities of its classes."""
    asked = [
        at for at, one in enumerate(rows.examples) if name in one.answers and (not left_out or one.hand != left_out)
    ]
    classes = sorted({rows.examples[at].answers[name] for at in asked})
    truth = np.array([classes.index(rows.examples[at].answers[name]) for at in asked])
    parts = fitted(rows.products[np.ix_(asked, asked)], truth, len(classes))
    weights, bias = weights_of(rows.features[asked], parts)
    shares = softmax(rows.products[:, asked] @ parts)
    return Question(name, classes, [], bias), weights, shares


class LeftOut(Struct, frozen=True):
    """How the figures, or the lines, of one hand fare with weights that were learned from all others."""

    hand: str
    question: str
    by_probability: tuple[tuple[float, bool], ...]
    """Of each: the probability of its likeliest answer, and whether that was right."""

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.by_probability)

    @property
    def right(self) -> float:
        """The share whose answer was the likeliest."""
        return sum(right for _, right in self.by_probability) / self.examples

    def sure(self, least: float) -> tuple[float, float]:
        """Return the share that is surely taken for something, and of those the share that is right."""
        reach = [right for probability, right in self.by_probability if probability >= least]
        return len(reach) / self.examples, sum(reach) / max(1, len(reach))


def cross_validation(read: Read) -> Iterator[LeftOut]:
    """Yield how each question fares on each hand that was marked by hand and not learned from.

    Args:
        read: a text as rules find it.
    """
    rows = _rows(list(examples(marked_lines(), read)))
    hands = np.array([one.hand for one in rows.examples])
    for name in QUESTIONS:
        for hand in sorted(set(hands) - READ):
            question, _, shares = _learned(rows, name, hand)
            pairs = tuple(
                (float(shares[at].max()), question.classes[int(shares[at].argmax())] == rows.examples[at].answers[name])
                for at in np.flatnonzero(hands == hand)
                if name in rows.examples[at].answers
            )
            yield LeftOut(str(hand), name, pairs)


def learn(read: Read) -> None:
    """Learn the weights from all hands and write them.

    Args:
        read: a text as rules find it.
    """
    rows = _rows(list(examples(marked_lines(), read)))
    questions, columns = [], []
    for name in QUESTIONS:
        question, weights, _ = _learned(rows, name)
        whole, scale = quantised(weights)
        questions.append(Question(name, question.classes, scale, question.bias))
        columns.append(whole)
    LEARNED.write_bytes(encode(Learned(digest(), questions)))
    np.save(RARITY, rows.rarity.astype(np.float16))
    np.save(WEIGHTS, np.concatenate(columns, axis=1))
