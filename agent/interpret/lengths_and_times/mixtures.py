"""Lengths of several kinds of requests, each with its share, as their mean.

'One in ten is a document of 20k tokens, the rest about 800' is 10 % × 20,000 + 90 % × 800 = 2,720 tokens.
"""

from typing import Final

from agent.interpret.facts.draft import Draft, Option
from agent.interpret.words.grammar import Match, Rule
from agent.interpret.words.text_units import count_of_tokens, in_tokens, whole
from catalogs.units import show_count, show_percent

_FILLED: Final = "((?! comma) loose){0,8}"
_LENGTH: Final = (
    "n:num u:(token | textunit)? (?! event | time | tshort | user | rateunit | gpu | gpunoun | times | percent | per | "
    "slash)"
)
_PARTS: Final = (
    Rule(f"p:pct {_FILLED} {_LENGTH}"),
    Rule("n:num u:(token | textunit)? (incue | event)? (paren | 'for' | 'in' | 'at'){1,2} approx? p:pct"),
)
_REST: Final = Rule(
    f"('rest' | 'others' | 'other' | 'remaining' | 'remainder' | 'most' | 'majority') {_FILLED} {_LENGTH}"
)
_WHOLE: Final = 0.01
"""How far shares of a whole may be from it, rounded as they are."""
_SHORTEST: Final = 10.0
"""Tokens of a kind of request."""


def read_mixtures(draft: Draft) -> None:
    """Note the mean of lengths whose shares make up the whole."""
    parts: list[tuple[Match, float | None]] = []
    found = (match for rule in (*_PARTS, _REST) for match in rule.matches(draft.sentence))
    for match in sorted(found, key=lambda match: match.first):
        apart = not parts or parts[-1][0].last < match.first
        if apart and len(match["n"].number.values) == 1 and match["n"].number.value >= _SHORTEST:
            parts.append((match, match["p"].number.value if "p" in match else None))
    said = sum(share for _, share in parts if share is not None)
    rests = sum(share is None for _, share in parts)
    whole_said = (rests == 1 and 0 < said < 1) or (rests == 0 and abs(said - 1) <= _WHOLE)
    if len(parts) < 2 or not whole_said:
        return
    items, first, last = draft.sentence.items, parts[0][0].first, max(match.last for match, _ in parts)
    around = items[max(0, first - 3) : last + 2]
    inward, outward = (any(item.has(kind) for item in around) for kind in ("incue", "outcue"))
    if not (inward or outward or any("u" in match for match, _ in parts)):
        return
    side, name = ("output", "answers") if outward and not inward else ("input", "prompts")
    mean, shown = 0.0, []
    for match, share in parts:
        part = 1 - said if share is None else share
        tokens, _ = in_tokens(count_of_tokens(match["n"]).value, match["u"].word if "u" in match else "token")
        mean += part * tokens
        shown.append(f"{show_percent(part)} × {show_count(tokens)}")
        draft.sentence.claim(match.first, match.last)
    mean = whole(float(f"{mean:.9g}"))
    echo = f"{name}: {' + '.join(shown)} = {show_count(mean)} tokens on average"
    draft.found(f"tokens.{side}.mean", first, last, [Option(mean, echo)], claim=False)
