"""What a law of many entries says where it does not hold."""

import pytest

from tests.every import of_every


def test_every_case_that_fails_is_named_with_its_reason() -> None:
    @of_every([1, -2, 3, -4])
    def positive(number: int) -> None:
        assert number > 0, "too small"

    with pytest.raises(AssertionError) as failure:
        positive()
    assert str(failure.value).startswith("2 of 4 fail\n-2: AssertionError: too small")
    assert "-4: AssertionError: too small" in str(failure.value)


def test_an_error_in_one_case_does_not_hide_the_others() -> None:
    @of_every([(1, 0), (1, 1), (0, 2)], name=lambda pair: pair[1])
    def whole(number: int, part: int) -> None:
        assert number / part

    with pytest.raises(AssertionError, match=r"2 of 3 fail\n0: ZeroDivisionError[^\n]*\n2: AssertionError"):
        whole()


def test_no_case_at_all_is_a_failure() -> None:
    @of_every([])
    def anything(case: object) -> None: ...

    with pytest.raises(AssertionError, match="no case"):
        anything()
