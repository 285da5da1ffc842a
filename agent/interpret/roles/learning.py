"""Weights learned from marked lines, and how the second reader fares on a hand that it has not learned from.

A line of ``hands/*.txt`` is an input as typed, ``\\n`` for a line break; a figure of it is marked as
``[figure](role)``; what begins with "! " is about something else.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.json import encode

from agent.interpret.roles.figures import features_of, features_of_line, features_of_time, is_figure
from agent.interpret.roles.reader import FOLDER, LEARNED, RARITY, WEIGHTS, Learned, Question
from agent.interpret.words.grammar import Item
from agent.learned.features import Features
from agent.learned.regression import alike, fitted, weights_of
from agent.learned.rows import weighed
from agent.learned.weights import Singles, quantised, softmax
from engine.arrays import Ints

HANDS: Final = FOLDER / "hands"
READ: Final = frozenset({"tables", "sentences", "collisions"})
"""No hands of their own: figures marked by what a table says is read, and so not all; lines that a reader misread."""
_SAME: Final = {
    "length_percentile": "length_p95", "prompt_p95": "length_p95", "answer_p95": "length_p95",
    "mean_rate": "rate", "peak_rate": "rate", "burst_rate": "rate", "active_users": "users",
}  # fmt: skip
"""Roles that are learned as one: of a hand that was left out, the mean and the peak were told apart too rarely."""
_TODAY: Final = "today"
"""A figure of what runs now may be any other role as well: of which it is, nothing is learned from it."""
_MARK: Final = re.compile(r"\[([^\[\]]*)\]\((\w+)\)")
ELSEWHERE: Final = "! "
Read: TypeAlias = Callable[[str], tuple[Sequence[Item], Sequence[str]]]
"""From a text to its items, with names and numbers made and nothing taken yet, and to what rules found in it."""
QUESTIONS: Final = ("line", "role", "time")
"""Whether a line is about serving; what a figure is; whether it is of today or of what is wanted."""


class Marked(Struct, frozen=True):
    """A line and the roles of its figures."""

    hand: str
    text: str
    roles: tuple[tuple[int, int, str], ...]
    """Start and end in the text, role."""
    elsewhere: bool


class Example(Struct, frozen=True):
    """A figure or a line, with what it is."""

    hand: str
    question: str
    features: Features
    answer: str


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
        about = "elsewhere" if line.elsewhere else "serving"
        yield Example(line.hand, "line", features_of_line(items, evidence), about)
        if line.elsewhere:
            continue
        times = {} if line.hand in READ else features_of_time(items)
        for at, features in features_of(items).items():
            role = role_at(line, items[at])
            if role and role != _TODAY:
                yield Example(line.hand, "role", features, role)
            if role and times:
                yield Example(line.hand, "time", times[at], _TODAY if role == _TODAY else "wanted")


def role_at(line: Marked, item: Item) -> str | None:
    """Return the role of an item of a line where it is marked."""
    if not is_figure(item):
        return None
    role = next((role for start, end, role in line.roles if start < item.end and end > item.start), None)
    return _SAME.get(role, role) if role else None


class _Rows(Struct, frozen=True):
    """The examples of one question as rows."""

    question: str
    hands: list[str]
    classes: list[str]
    truth: Ints
    features: Singles
    rarity: Singles
    products: Singles


def _rows(found: Sequence[Example], question: str) -> _Rows:
    asked = [example for example in found if example.question == question]
    classes = sorted({example.answer for example in asked})
    features, rarity = weighed([example.features for example in asked])
    truth = np.array([classes.index(example.answer) for example in asked])
    return _Rows(question, [example.hand for example in asked], classes, truth, features, rarity, alike(features))


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


def cross_validation(read: Read, left_out: Collection[str] = ()) -> Iterator[LeftOut]:
    """Yield how each question fares on each hand that was marked by hand and not learned from.

    Args:
        read: a text as rules find it.
        left_out: hands, all of them at once; empty for each hand, one at a time.
    """
    found = list(examples(marked_lines(), read))
    for name in QUESTIONS:
        rows = _rows(found, name)
        hands = np.array(rows.hands)
        for group in [left_out] if left_out else [[hand] for hand in sorted(set(rows.hands) - READ)]:
            known = np.flatnonzero(~np.isin(hands, list(group)))
            parts = fitted(rows.products[np.ix_(known, known)], rows.truth[known], len(rows.classes))
            for hand in group:
                left = np.flatnonzero(hands == hand)
                shares = softmax(rows.products[np.ix_(left, known)] @ parts)
                right = shares.argmax(axis=1) == rows.truth[left]
                yield LeftOut(hand, name, tuple(zip(shares.max(axis=1).tolist(), right.tolist(), strict=True)))


def learn(read: Read) -> None:
    """Learn the weights from all hands and write them.

    Args:
        read: a text as rules find it.
    """
    found = list(examples(marked_lines(), read))
    questions, columns, rarity = [], [], []
    for name in QUESTIONS:
        rows = _rows(found, name)
        weights, bias = weights_of(rows.features, fitted(rows.products, rows.truth, len(rows.classes)))
        whole, scale = quantised(weights)
        questions.append(Question(name, rows.classes, scale, bias))
        columns.append(whole)
        rarity.append(rows.rarity.astype(np.float16))
    LEARNED.write_bytes(encode(Learned(digest(), questions)))
    np.save(RARITY, np.stack(rarity, axis=1))
    np.save(WEIGHTS, np.concatenate(columns, axis=1))
