"""JSON as it is sent: spelled alike by both encoders, whatever its figures."""

import json

import pytest

from agent.exports.json import json_bytes

FIGURES = [0.0, -0.0, 1e15, 1e16, -1.5e20, 0.0001, 0.00012, 1e-05, -1.23456e-07, 5e-324, 1.7e308, 99999.9, 1e6, 10**30]


@pytest.mark.parametrize("figure", FIGURES)
def test_finite_figures_are_spelled_as_python_does(figure: float) -> None:
    for tree in (
        {"figure": figure, "text": "2e5 µs, “quoted”\n", "list": [None, True]},
        [figure],
        {"last": figure},
        figure,
    ):
        assert json_bytes(tree, finite=True) == json_bytes(tree)
    assert json_bytes(figure, finite=True).decode() == f"{json.dumps(figure)}\n"


def test_a_figure_that_may_be_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_bytes({"figure": float("nan")})
