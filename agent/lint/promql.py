"""PromQL as far as rules are written in it: a text → its tree, the labels that may tell its series apart, its value."""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import nan
from typing import Final, TypeAlias

from msgspec import Struct

from catalogs.errors import InputError, quoted

_TOKEN: Final = re.compile(
    r"""\s+|\#[^\n]*
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
    |(?P<number>0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[Ii]nf\b|[Nn]a[Nn]\b)
    |(?P<word>[a-zA-Z_:][\w:]*)
    |(?P<mark>=~|!~|!=|==|>=|<=|[-+*/%^()\[\]{},=<>@:])""",
    re.VERBOSE,
)
AGGREGATIONS: Final = frozenset(
    "sum min max avg group stddev stdvar count count_values bottomk topk quantile limitk".split()
)
SINGLE: Final = frozenset("vector scalar time absent absent_over_time pi".split())
"""Functions that yield one series at most, whatever they are given."""
KEEPS_MANY: Final = frozenset({"topk", "bottomk", "limitk", "count_values"})
"""Aggregations that yield several series all the same."""
_LEVELS: Final = (("or",), ("and", "unless"), ("==", "!=", ">", "<", ">=", "<="), ("+", "-"), ("*", "/", "%"), ("^",))
"""Binary operators, the loosest first."""
DEEPEST: Final = 200
"""Brackets within brackets; no rule comes near."""


class Matcher(Struct, frozen=True):
    """One condition of a selector."""

    label: str
    how: str
    value: str


class Selector(Struct, frozen=True):
    """Series of a metric, over a range or not."""

    name: str
    """Empty where matchers name it."""
    matchers: tuple[Matcher, ...]

    @property
    def names(self) -> "Callable[[str], bool]":
        """A test whether a series of some name is among these."""
        if self.name:
            return self.name.__eq__
        for matcher in self.matchers:
            if matcher.label == "__name__" and matcher.how in ("=", "=~"):
                if matcher.how == "=":
                    return matcher.value.__eq__
                try:
                    pattern = re.compile(matcher.value)
                except re.error:
                    return lambda name: False
                return lambda name: pattern.fullmatch(name) is not None
        return lambda name: True


class Call(Struct, frozen=True):
    """A function of expressions."""

    function: str
    arguments: "tuple[Expression, ...]"


class Aggregate(Struct, frozen=True):
    """Series made fewer."""

    how: str
    argument: "Expression"
    by: tuple[str, ...] | None
    """Labels that stay; None where ``without`` says which go."""
    without: tuple[str, ...] = ()
    parameter: "Expression | None" = None


class Binary(Struct, frozen=True):
    """An operator between two expressions."""

    operator: str
    left: "Expression"
    right: "Expression"


class Number(Struct, frozen=True):
    """A constant; a text is one too, of no value."""

    value: float


Expression: TypeAlias = Selector | Call | Aggregate | Binary | Number


def parsed(text: str) -> Expression:
    """Return the tree of a query.

    Raises:
        InputError: it cannot be read.
    """
    parser = _Parser(text)
    tree = parser.expression()
    if parser.at < len(parser.tokens):
        raise parser.fault()
    return tree


def parts(tree: Expression) -> Iterator[Expression]:
    """Yield a query and all that it is made of."""
    yield tree
    within: tuple[Expression, ...] = ()
    match tree:
        case Call(_, arguments):
            within = arguments
        case Aggregate(argument=argument, parameter=parameter):
            within = (argument,) if parameter is None else (argument, parameter)
        case Binary(_, left, right):
            within = left, right
    for one in within:
        yield from parts(one)


def selectors(tree: Expression) -> Iterator[Selector]:
    """Yield the selectors of a query."""
    return (one for one in parts(tree) if isinstance(one, Selector))


def calls(tree: Expression) -> Iterator[Call]:
    """Yield the functions that a query calls."""
    return (one for one in parts(tree) if isinstance(one, Call))


def yields_one(tree: Expression) -> bool:
    """Return whether a query yields one series at most, however many are stored."""
    return labels_left(tree) == frozenset()


def labels_left(tree: Expression) -> frozenset[str] | None:
    """Return the labels that may tell the series of a query apart; None where that may be any."""
    left: frozenset[str] | None = None
    match tree:
        case Number():
            left = frozenset()
        case Call("histogram_quantile", arguments):
            inner = labels_left(arguments[-1])
            left = None if inner is None else inner - {"le"}
        case Call(function, arguments):
            left = frozenset() if function in SINGLE else _together(arguments)
        case Aggregate(how, argument, by, without) if how not in KEEPS_MANY:
            inner = labels_left(argument)
            if by is not None:
                left = frozenset(by) if inner is None else frozenset(by) & inner
            elif inner is not None:
                left = inner - frozenset(without)
        case Binary("or", one, other):
            # Two single series without labels are the same one: the left goes first.
            left = _together((one, other)) or None
            left = frozenset() if labels_left(one) == labels_left(other) == frozenset() else left
        case Binary("and" | "unless", one, _):
            left = labels_left(one)
        case Binary(_, one, other):
            left = labels_left(other if isinstance(one, Number) else one)
    return left


def _together(trees: Iterable[Expression]) -> frozenset[str] | None:
    """Return the labels that tell series of several queries apart; None where that may be any."""
    found: frozenset[str] = frozenset()
    for tree in trees:
        left = labels_left(tree)
        if left is None:
            return None
        found |= left
    return found


# --- reading ---


class _Parser:
    """A reader of one query, token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        self.at = 0
        self._depth = 0
        place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise InputError(f"{quoted(text)} is no PromQL: {quoted(text[place:])} begins nothing")
            place = found.end()
            if found.lastgroup:
                self.tokens.append((found.lastgroup, found[0]))

    def expression(self, level: int = 0) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST * len(_LEVELS):
            raise InputError(f"{quoted(self.text)} is nested too deeply")
        tree = self._level(level)
        self._depth -= 1
        return tree

    def _level(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self.expression(level + 1)
        while self._peek()[1].lower() in _LEVELS[level] and self._peek()[0] in ("mark", "word"):
            sign = self._next()[1].lower()
            self._skip("bool")
            self._skip_matching()
            left = Binary(sign, left, self.expression(level + 1))
        return left

    def _skip_matching(self) -> None:
        """Pass by what is said of the labels that match."""
        if self._skip("on") or self._skip("ignoring"):
            self._labels()
        if (self._skip("group_left") or self._skip("group_right")) and self._peek()[1] == "(":
            self._labels()

    def _unary(self) -> Expression:
        if self._peek()[1] in ("-", "+"):
            sign = -1.0 if self._next()[1] == "-" else 1.0
            return Binary("*", Number(sign), self.expression(len(_LEVELS) - 1))
        tree = self._primary()
        self._skip_range()
        return tree

    def _primary(self) -> Expression:
        kind, word = self._next()
        tree: Expression
        if kind == "number":
            tree = Number(float(int(word, 16)) if word.lower().startswith("0x") else float(word))
        elif kind == "text":
            tree = Number(0.0)
        elif word == "(":
            tree = self.expression()
            self._expect(")")
        elif word == "{":
            tree = Selector("", self._matchers())
        elif kind == "word":
            tree = self._named(word)
        else:
            raise self.fault(-1)
        return tree

    def _named(self, word: str) -> Expression:
        if word.lower() in AGGREGATIONS and self._peek()[1] in ("(", "by", "without"):
            return self._aggregate(word.lower())
        if self._skip("("):
            return Call(word, self._arguments())
        return Selector(word, self._matchers() if self._skip("{") else ())

    def _aggregate(self, how: str) -> Expression:
        grouped, labels = self._grouping()
        self._expect("(")
        *parameters, argument = self._arguments()
        if not grouped:
            grouped, labels = self._grouping()
        by = labels if grouped != "without" else None
        return Aggregate(how, argument, by, () if by is not None else labels, parameters[0] if parameters else None)

    def _grouping(self) -> tuple[str, tuple[str, ...]]:
        if self._peek()[1] in ("by", "without"):
            return self._next()[1], self._labels()
        return "", ()

    def _arguments(self) -> tuple[Expression, ...]:
        arguments: list[Expression] = []
        while self._peek()[1] != ")":
            arguments.append(self.expression())
            if not self._skip(","):
                break
        self._expect(")")
        if not arguments and self.tokens[self.at - 2][1] != "(":
            raise self.fault()
        return tuple(arguments)

    def _labels(self) -> tuple[str, ...]:
        self._expect("(")
        labels: list[str] = []
        while self._peek()[0] == "word":
            labels.append(self._next()[1])
            self._skip(",")
        self._expect(")")
        return tuple(labels)

    def _matchers(self) -> tuple[Matcher, ...]:
        matchers: list[Matcher] = []
        while self._peek()[1] != "}":
            label = self._next()
            if label[0] == "text" and self._peek()[1] in (",", "}"):
                matchers.append(Matcher("__name__", "=", _unquoted(label[1])))
            else:
                how, value = self._next()[1], self._next()
                if how not in ("=", "!=", "=~", "!~") or value[0] != "text":
                    raise self.fault(-1)
                matchers.append(Matcher(_unquoted(label[1]), how, _unquoted(value[1])))
            if not self._skip(","):
                break
        self._expect("}")
        return tuple(matchers)

    def _skip_range(self) -> None:
        while self._peek()[1] in ("[", "offset", "@"):
            word = self._next()[1]
            if word == "[":
                while self._peek()[1] != "]":
                    self._next()
                self._next()
            else:
                self._skip("-")
                self._next()

    def _peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "")

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise InputError(f"{quoted(self.text)} is no PromQL: it ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _skip(self, word: str) -> bool:
        if self._peek()[1] == word:
            self.at += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if self._next()[1] != word:
            raise self.fault(-1)

    def fault(self, back: int = 0) -> InputError:
        """Return what is wrong at a token."""
        place = min(max(self.at + back, 0), len(self.tokens) - 1)
        shown = self.tokens[place][1] if self.tokens else ""
        return InputError(f"{quoted(self.text)} is no PromQL: {quoted(shown)} is not expected there")


def _unquoted(text: str) -> str:
    if text[:1] == "`":
        return text[1:-1]
    if text[:1] in ("'", '"'):
        return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text[1:-1])
    return text


# --- values ---

PODS: Final = frozenset({"pod", "instance"})
"""Labels that tell pods apart."""


class Fleet(Struct, frozen=True):
    """A fleet of like pods, as a query sees it."""

    pods: int
    ranks: int
    """Of data parallelism in a pod, each with series of its own."""
    rank_label: str
    of_one: Callable[[Selector], float | None]
    """The value of one series, None where there is none; of a counter its rate."""
    quantile: Callable[[Selector, float], float | None]
    """Of a histogram's buckets: the value at a share of requests."""

    def kept(self, dimensions: frozenset[str], labels: tuple[str, ...]) -> frozenset[str]:
        """Return the dimensions that labels keep apart."""
        named = {"pod": PODS, "rank": {self.rank_label}}
        return frozenset(one for one in dimensions if named[one] & set(labels))

    def series(self, dimensions: frozenset[str]) -> int:
        """Return how many series differ in these dimensions."""
        return (self.pods if "pod" in dimensions else 1) * (self.ranks if "rank" in dimensions else 1)


class Seen(Struct, frozen=True):
    """What a query yields: one value in as many series as its dimensions have."""

    value: float
    dimensions: frozenset[str] = frozenset()


def value_of(tree: Expression, fleet: Fleet) -> Seen | None:
    """Return what a query yields of a fleet of like pods; None where it yields nothing, or nobody here can tell.

    Rates and averages over time are those of a steady load.
    """
    seen: Seen | None = None
    match tree:
        case Number(value):
            seen = Seen(value)
        case Selector():
            found = fleet.of_one(tree)
            seen = None if found is None else Seen(found, frozenset({"pod", "rank"}))
        case Aggregate():
            seen = _aggregated(tree, fleet)
        case Call("histogram_quantile", (Number(share), argument)):
            named = next(selectors(argument), None)
            quantile = None if named is None else fleet.quantile(named, share)
            seen = None if quantile is None else Seen(quantile)
        case Call("clamp_min" | "clamp_max" as how, (argument, Number(bound))):
            inner = value_of(argument, fleet)
            held = max if how == "clamp_min" else min
            seen = None if inner is None else Seen(held(inner.value, bound), inner.dimensions)
        case Call(function, (argument,)) if not function.startswith("absent"):
            seen = value_of(argument, fleet)
        case Binary(sign, left, right):
            seen = _combined(sign, value_of(left, fleet), value_of(right, fleet))
    return seen


def _aggregated(tree: Aggregate, fleet: Fleet) -> Seen | None:
    inner = value_of(tree.argument, fleet)
    if inner is None:
        return None
    told_apart = fleet.kept(inner.dimensions, tree.without if tree.by is None else tree.by)
    kept = inner.dimensions - told_apart if tree.by is None else told_apart
    times = fleet.series(inner.dimensions - kept)
    if tree.how == "count":
        return Seen(float(times), kept)
    return Seen(inner.value * times if tree.how == "sum" else inner.value, kept)


_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": lambda a, b: a / b if b else nan
}  # fmt: skip
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne
}  # fmt: skip


def _combined(sign: str, left: Seen | None, right: Seen | None) -> Seen | None:
    if sign in ("or", "unless"):
        kept = left if right is None else None
        return (right if left is None else left) if sign == "or" else kept
    if left is None or right is None:
        return None
    if sign == "and" or sign in _COMPARISONS:
        return left if sign == "and" or _COMPARISONS[sign](left.value, right.value) else None
    if sign not in _ARITHMETIC:
        return None
    return Seen(_ARITHMETIC[sign](left.value, right.value), left.dimensions | right.dimensions)
