"""Formulas as text: which names they hold, what they come to, and how they are shown.

A name is a dotted path; a * at its end stands for all names below it, as many arguments of the function around it.
Operators are + − × ÷ ^, functions those of ``FUNCTIONS``; nothing else is evaluated.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

NAME: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-zA-Z0-9_]+)*\.(?:[a-zA-Z0-9_]+|\*)")
SIGNS: Final = str.maketrans({"×": "*", "÷": "/", "−": "-"})

_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b if b else math.nan,
    ast.Pow: lambda a, b: float(a) ** float(b),  # of whole numbers it would not end
}


def _norm(p: float, *values: float) -> float:
    """Return (Σ values^p)^(1/p), by the largest so that nothing overflows."""
    most = max(values)
    return most * sum((value / most) ** p for value in values) ** (1 / p) if most else 0.0


FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {
    "sum": lambda *values: math.fsum(values),
    "min": lambda *values: min(values),
    "max": lambda *values: max(values),
    "ceil": math.ceil,
    "floor": math.floor,
    "exp": math.exp,
    "ln": math.log,
    "sqrt": math.sqrt,
    "hypot": math.hypot,
    "norm": _norm,
}
"""norm(p, a, b) is (a^p + b^p)^(1/p): the larger of two where p is large, and smooth where they meet."""


def names_in(formula: str) -> list[str]:
    """Return the names of a formula, each once."""
    return list(dict.fromkeys(NAME.findall(formula)))


def call_in(formula: str, function: str) -> tuple[str, list[str]] | None:
    """Return the first call of a function in a formula, with its arguments; None where there is none."""
    begin = re.search(rf"\b{function}\(", formula)
    if begin is None:
        return None
    depth, arguments, start = 1, list[str](), begin.end()
    for place in range(begin.end(), len(formula)):
        depth += {"(": 1, ")": -1}.get(formula[place], 0)
        if depth == 0 or (depth == 1 and formula[place] == ","):
            arguments.append(formula[start:place].strip())
            start = place + 1
        if depth == 0:
            return function, arguments
    return None


def evaluated(formula: str, values: Mapping[str, float | Sequence[float]]) -> float:
    """Return what a formula comes to; NaN where something is divided by nothing.

    Args:
        formula: as in this module's page.
        values: by name; of a name that ends in * all of them.

    Raises:
        ValueError: it is no formula of this kind.
    """
    given: list[float | Sequence[float]] = []

    def placed(match: re.Match[str]) -> str:
        given.append(values[match[0]])
        return f"_{len(given) - 1}"

    text = NAME.sub(placed, formula).translate(SIGNS).replace("^", "**")
    return float(_value(ast.parse(text, mode="eval").body, given))


def _value(node: ast.expr, given: Sequence[float | Sequence[float]]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name.startswith("_"):
            value = given[int(name[1:])]
            if isinstance(value, Sequence):
                raise ValueError("a name of many values stands in a function alone")
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, given)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left, given), _value(right, given))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(value for arg in args for value in _values(arg, given)))
    raise ValueError(f"no formula: {ast.dump(node)}")


def _values(node: ast.expr, given: Sequence[float | Sequence[float]]) -> Sequence[float]:
    """Return an argument's values: those of a name that ends in *, else the one that it comes to."""
    if isinstance(node, ast.Name) and node.id.startswith("_"):
        value = given[int(node.id[1:])]
        return value if isinstance(value, Sequence) else (value,)
    return (_value(node, given),)
