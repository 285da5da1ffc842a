"""Tokens of what is counted in words, pages or characters, by stated rules."""

from typing import Final

from agent.interpret.words.grammar import Amount, Item
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


def whole(value: float) -> float:
    """Return a whole number as an integer."""
    return int(value) if value == int(value) else value
