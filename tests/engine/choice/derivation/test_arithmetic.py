"""Formulas as text come to what arithmetic says, and nothing else runs."""

import pytest

from engine.choice.derivation.arithmetic import call_in, evaluated, names_in

VALUES = {"a.b": 6.0, "a.c": 4.0, "a.*": [6.0, 4.0], "z.x": 0.0}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("a.b × a.c − 2", 22),
        ("a.b ÷ a.c", 1.5),
        ("(1 − 0.5) × a.b^2", 18),
        ("sum(a.*) + 1", 11),
        ("min(a.*)", 4),
        ("max(ceil(a.b ÷ a.c), 1)", 2),
        ("norm(2, 3, 4)", 5),
        ("exp(−z.x)", 1),
        ("hypot(a.*)", 52**0.5),
    ],
)
def test_formulas_come_to_what_arithmetic_says(formula: str, value: float) -> None:
    assert evaluated(formula, VALUES) == pytest.approx(value)


def test_what_is_divided_by_nothing_is_no_number() -> None:
    assert evaluated("a.b ÷ z.x", VALUES) != evaluated("a.b ÷ z.x", VALUES)


@pytest.mark.parametrize("formula", ["__import__('os')", "a.b.real", "open('x')", "[1][0]", "sum(x for x in y)"])
def test_nothing_but_arithmetic_runs(formula: str) -> None:
    with pytest.raises((ValueError, KeyError, SyntaxError)):
        evaluated(formula, VALUES)


def test_names_and_calls_of_a_formula_are_found() -> None:
    assert names_in("sum(a.*) ÷ a.b + 0.5 × a.b") == ["a.*", "a.b"]
    assert call_in("2 × max(a.b ÷ (a.c + 1), min(1, 2))", "max") == ("max", ["a.b ÷ (a.c + 1)", "min(1, 2)"])
