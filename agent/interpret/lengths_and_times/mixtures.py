"""Lengths of several kinds of requests, each with its share, as their mean.

'One in ten is a document of 20k tokens, the rest about 800' is 10 % × 20,000 + 90 % × 800 = 2,720 tokens.
"""

from collections.abc import Iterator
from typing import Final

from agent.interpret.facts.draft import Draft, Option
from agent.interpret.words.grammar import Match, Rule, rules, whole
from agent.interpret.words.text_units import count_of_tokens, in_tokens
from catalogs.units import show_count, show_percent

_FILLED: Final = "((?! comma) loose){0,8}"
_NO_LENGTH: Final = "(?! event | time | tshort | user | rateunit | gpu | gpunoun | times | percent | per | slash)"
_PARTS: Final = rules(
    f"p:pct {_FILLED} n:num u:(token | textunit)? (('in' | incue)? slash m:num token? ('out' | outcue)?)? {_NO_LENGTH}",
    "n:num u:(token | textunit)? (incue | event)? (paren | 'for' | 'in' | 'at'){1,2} approx? p:pct",
)
_REST: Final = Rule(
    "('rest' | 'others' | 'other' | 'remaining' | 'remainder' | 'most' | 'majority') "
    f"{_FILLED} n:num u:(token | textunit)? {_NO_LENGTH}"
)
_WHOLE: Final = 0.01
"""How far shares of a whole may be from it, rounded as they are."""
_SHORTEST: Final = 10.0
"""Tokens of a kind of request."""


def read_mixtures(draft: Draft) -> None:
    """Note the mean of lengths whose shares make up the whole."""
    found = [match for rule in _PARTS for match in rule.matches(draft.sentence)]
    parts: list[tuple[Match, float | None]] = []
    for match in sorted([*found, *(_REST.matches(draft.sentence) if found else ())], key=lambda match: match.first):
        apart = not parts or parts[-1][0].last < match.first
        if apart and len(match["n"].number.values) == 1 and match["n"].number.value >= _SHORTEST:
            parts.append((match, match["p"].number.value if "p" in match else None))
    for group in _wholes(parts):
        _mean(draft, group)


def _wholes(parts: list[tuple[Match, float | None]]) -> Iterator[list[tuple[Match, float]]]:
    """Yield parts, in their order, whose shares make up a whole; a rest takes what is left of it."""
    group: list[tuple[Match, float | None]] = []
    for at, part in enumerate(parts):
        group.append(part)
        said, rests = sum(one or 0.0 for _, one in group), sum(one is None for _, one in group)
        whole = abs(said - 1) <= _WHOLE if not rests else rests == 1 and 0 < said < 1
        more = at + 1 < len(parts) and rests == 1 and said + (parts[at + 1][1] or 1.0) < 1
        if len(group) > 1 and whole and not more:
            yield [(match, 1 - said if share is None else share) for match, share in group]
            group = []


def _mean(draft: Draft, shares: list[tuple[Match, float]]) -> None:
    """Note the mean of lengths with their shares of a whole."""
    first, last = shares[0][0].first, max(match.last for match, _ in shares)
    around = draft.sentence.items[max(0, first - 3) : last + 2]
    inward, outward = (any(item.has(*kinds) for item in around) for kinds in (("incue", "in"), ("outcue",)))
    pairs = all("m" in match for match, _ in shares)
    if not (pairs or inward or outward or any("u" in match for match, _ in shares)):
        return
    _note(draft, shares, "n", "output" if outward and not (inward or pairs) else "input", first, last)
    if pairs:
        _note(draft, shares, "m", "output", first, last)
    for match, _ in shares:
        draft.sentence.claim(match.first, match.last, "part")


def _note(draft: Draft, parts: list[tuple[Match, float]], group: str, side: str, first: int, last: int) -> None:
    mean, shown = 0.0, []
    for match, share in parts:
        unit = match["u"].word if "u" in match else "token"
        tokens, _ = in_tokens(count_of_tokens(match[group]).value, unit)
        mean += share * tokens
        shown.append(f"{show_percent(share)} × {show_count(tokens)}")
    mean = whole(float(f"{mean:.9g}"))
    name = "prompts" if side == "input" else "answers"
    echo = f"{name}: {' + '.join(shown)} = {show_count(mean)} tokens on average"
    draft.found(f"tokens.{side}.mean", first, last, [Option(mean, echo)], claim=False)
