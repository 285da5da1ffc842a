"""What stands around a change or a question and changes nothing: preambles and tails."""

import re
from collections.abc import Iterator
from typing import Final

_BAD_DAY: Final = re.compile(
    r",? (?:on|in) (?:a|an|the|some|our|its) (?:really )?(?:bad|good|busy|slow|worst|ordinary|normal) "
    r"(?:day|week|night|month|case)s?(?=\W*$|[,;?])",
    re.I,
)
_OF_PLANS: Final = re.compile(
    r"\b(?:gpus?|cards?|accelerators?|replicas?|nodes?|fleet|plan|ttft|itl|e2e|p\d\d|tokens?|latency|rps|qps|bill|spot|"
    r"manifests?|helm|yaml|k8s|kubernetes|csv|json|markdown|vllm|sglang|kv|prompts?|answers?|traffic|load|peak)\b",
    re.I,
)
_NOTHING_CHANGES: Final = re.compile(
    r"\W*(?:(?:and|but|ok|please)\W+)*(?:do(?:n'?t| not)|never|not|without) (?:to )?"
    r"(?:chang\w*|touch\w*|alter\w*|mov\w*)(?: (?:anything|the plan|it|what we have))?(?: yet| now| please)?\W*$",
    re.I,
)
_DENIES: Final = re.compile(r"\b(?:no|not|never|nope|nein|non|nicht|pas|cannot|[a-z]+n'?t)\b", re.I)
_SO_MANY: Final = re.compile(
    r"^\W*(?:(?:ok|so|hi|just|i have|i'?ve got)\W+)*(?:two|three|four|five|\d|a few|some) "
    r"(?:quick |more |other )?(?:things|questions|points)\s*[:,–—-]\s*",
    re.I,
)
_GOES_ON: Final = re.compile(r"(?:for|of|in|on|at|by|per|from|to|and|or|than|as|over|under|if|when|where)\b", re.I)
"""How a tail begins that belongs to what is asked: 'for a typical and a bad request'."""
_CUT: Final = re.compile(r"\s*(?:[,;:?!](?!\d)|\.(?!\d)|\s[–—-]+\s)+\s*")
_MOST_CLAUSES: Final = 6


def names_of_plans(text: str) -> bool:
    """Return whether a line has a word of fleets and their plans."""
    return _OF_PLANS.search(text) is not None


def without_count(text: str) -> str:
    """Return a line without how many questions it announces: 'three things: the GPU count, what breaks first'."""
    return _SO_MANY.sub("", text)


def on_any_day(text: str) -> str:
    """Return a line with a figure without the day on which it is so: 'prompts are 6k on a bad day'.

    Args:
        text: the line; without a figure the day is what it asks about.
    """
    return _BAD_DAY.sub("", text) if re.search(r"\d", text) else text


def cores(text: str) -> Iterator[tuple[str, str]]:
    """Give a line without its first or its last clauses, the most of it first, each with what is left out.

    What is left out denies nothing but that anything changes, and a tail that goes on with what is asked is none.

    Args:
        text: the line: 'what would 10 GPUs hold? asking for a friend'.
    """
    cuts = list(_CUT.finditer(text.rstrip(" .!?")))
    if not cuts or len(cuts) >= _MOST_CLAUSES:
        return
    for count in range(1, len(cuts) + 1):
        lead, tail = cuts[count - 1], cuts[-count]
        for core, aside in (
            (text[: tail.end()].rstrip(" ,;:–—-"), text[tail.end() :]),
            (text[lead.end() :], text[: lead.start()]),
        ):
            goes_on = aside != text[: lead.start()] and _GOES_ON.match(aside)
            denies = goes_on or (_DENIES.search(aside) and not _NOTHING_CHANGES.match(aside))
            if core.strip() and aside.strip() and not denies:
                yield core, aside.strip()
