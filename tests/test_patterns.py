"""No pattern of the program takes exponential time over its own words, whatever somebody types or pastes."""

import importlib
import pkgutil
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

import agent
import catalogs
import commands

LONG = 240
"""Characters; a pattern with two ways to read a word would take longer than anybody lives."""
LIMIT_S = 2.0
"""Of CPU, for what takes a millisecond."""
_ANY = re.compile(r"\\w[*+?]*")
_WORDS = re.compile(r"[a-z']{1,12}(?: [a-z']{1,9})?")
TAIL = "\x01q"
"""What no pattern ends in."""


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield every pattern that a module holds by itself, in a collection or as a mapping's key, with its place."""
    for package in (agent, catalogs, commands):
        modules = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for module in (one for one in modules if not one.name.endswith("__main__")):  # which would run
            with suppress(ImportError):  # of an extra that is not installed
                for name, value in vars(importlib.import_module(module.name)).items():
                    yield from ((f"{module.name}.{name}", one) for one in _within(value))


def _within(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _within(pair)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _within(one)


class _LateError(Exception):
    pass


def _late(*_: object) -> None:
    raise _LateError


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="a pattern that does not end cannot be stopped here")
def test_no_pattern_takes_exponential_time_over_its_own_words() -> None:
    before, slow = signal.signal(signal.SIGVTALRM, _late), []
    for name, pattern in {pattern: (name, pattern) for name, pattern in patterns()}.values():
        for word in sorted(set(_WORDS.findall(_ANY.sub("", pattern.pattern)))):
            for text in ((f"{word} " * LONG)[:LONG] + TAIL, (word * LONG)[:LONG] + TAIL):
                signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
                try:
                    pattern.match(text), pattern.fullmatch(text)
                except _LateError:
                    slow.append(f"{name}: {text[:40]!r}")
                finally:
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)
    assert not slow
