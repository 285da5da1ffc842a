"""A law of many entries, held by one test that names all of them for which it does not hold."""

from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any


def of_every(cases: Iterable[Any], name: Callable[[Any], object] | None = None) -> Callable[..., Callable[[], None]]:
    """Return a decorator that runs a test on each case, though some fail, and then fails with every failure.

    Args:
        cases: what the test takes; tuples of it where it takes several.
        name: of a case, in the message; its id, else the case itself.
    """

    def decorated(test: Callable[..., None]) -> Callable[[], None]:
        several, each = len(signature(test).parameters) > 1, list(cases)

        def every() -> None:
            failures = []
            for case in each:
                try:
                    test(*case) if several else test(case)
                except Exception as failure:
                    named = name(case) if name else getattr(case, "id", case)
                    failures.append(f"{named}: {type(failure).__name__}: {failure}")
            assert each, "there is no case"
            assert not failures, f"{len(failures)} of {len(each)} fail\n" + "\n".join(failures)

        # Not functools.wraps: pytest would look for fixtures named like the wrapped test's arguments.
        every.__name__, every.__qualname__, every.__doc__ = test.__name__, test.__qualname__, test.__doc__
        every.__module__ = test.__module__
        return every

    return decorated
