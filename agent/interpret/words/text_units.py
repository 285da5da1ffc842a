"""Tokens of what is counted in words, pages or characters, by stated rules."""

from typing import Final

from agent.interpret.words.grammar import Amount, Item, Rule, Sentence, rules, whole
from catalogs.units import show_count

TOKENS_PER_WORD: Final = 4 / 3
"""OpenAI's rule of thumb for English: 100 tokens are about 75 words."""
WORDS_PER_PAGE: Final = 500
"""A full page, single-spaced."""
CHARACTERS_PER_TOKEN: Final = 4
TOKENS_PER_HANZI: Final = 0.6
"""Of a Chinese character: https://api-docs.deepseek.com/quick_start/token_usage."""
WORDS_PER_PARAGRAPH: Final = 100
WORDS_PER_SENTENCE: Final = 20
_WORDS: Final = {"page": WORDS_PER_PAGE, "paragraph": WORDS_PER_PARAGRAPH, "sentence": WORDS_PER_SENTENCE, "word": 1}


def count_of_tokens(number: Item) -> Amount:
    """Return a number as a count: a small m is millions."""
    return number.number.times(1e6) if number.number.small_m else number.number


def in_tokens(value: float, unit: str) -> tuple[float, str]:
    """Return tokens from a count of tokens, words, pages, … and the sum that says how."""
    said = show_count(value)
    singular = unit.rstrip("s")
    if singular in _WORDS:
        tokens = round(value * _WORDS[singular] * TOKENS_PER_WORD)
        by_words = "" if singular == "word" else f" × {_WORDS[singular]} words"
        name = singular if value == 1 else f"{singular}s"
        return tokens, f"{said} {name}{by_words} × 4/3 = {show_count(tokens)} tokens"
    if singular in ("char", "character"):
        tokens = round(value / CHARACTERS_PER_TOKEN)
        return tokens, f"{said} characters / {CHARACTERS_PER_TOKEN} = {show_count(tokens)} tokens"
    if singular in ("kb", "kib"):
        tokens = round(value * 1000 / CHARACTERS_PER_TOKEN)
        return tokens, f"{said} kB / {CHARACTERS_PER_TOKEN} bytes = {show_count(tokens)} tokens"
    if singular == "hanzi":
        tokens = round(value * TOKENS_PER_HANZI)
        return tokens, f"{said} characters × {TOKENS_PER_HANZI} = {show_count(tokens)} tokens"
    return whole(value), f"{said} tokens"


_DEFINED: Final = rules(
    "(num | per)? u:textunit (colon | copula | link | paren){1,3} n:num v:(token | textunit) "
    "(?! incue | outcue | 'in' | 'out')",
    "n:num v:(token | textunit) (per | slash) u:textunit",
)
"""'A page is 280 words', '500 tokens a page'."""
_COUNTED: Final = Rule("n:num u:textunit")
LONGEST_READ: Final = 2e6
"""Tokens of pages or words that one prompt may hold; '12,000 pages' are many prompts."""


def define_units(sentence: Sentence) -> list[tuple[str, int, int]]:
    """Put what a page or a word is said to be in its place where some are counted, and return notes of it.

    Args:
        sentence: with its numbers made.
    """
    notes = []
    for rule in _DEFINED:
        for match in rule.matches(sentence):
            unit, each, other = match["u"].word.rstrip("s"), match["n"].number, match["v"]
            first, last = match.index("u" if rule is _DEFINED[0] else "n"), match.last
            counted = [
                one
                for one in _COUNTED.matches(sentence)
                if one["u"].word.rstrip("s") == unit
                and not first <= one.index("u") <= last
                and in_tokens(one["n"].number.value * each.value, other.word)[0] <= LONGEST_READ
            ]
            if unit == other.word.rstrip("s") or len(each.values) > 1 or not counted:
                continue
            said = match.said
            notes.append((f"{said!r} is what a {unit} is taken for", *sentence.span(match.first, match.last)))
            sentence.claim(match.first, match.last)
            for one in counted:
                number, noun = one["n"], one["u"]
                number.amount = number.number.times(each.value)
                sentence.merge(one.last, one.last, Item(other.kinds, noun.start, noun.end, other.word))
    return notes
