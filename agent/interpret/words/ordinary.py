"""Words that ask for nothing by themselves: whatever else of a line is in no value and no question is told as not used.

Articles, pronouns, verbs of wanting and having, and the general words of the trade. A word is ordinary where a plan
could not change with it: 'frankfurt' and 'secure' are not.
"""

from pathlib import Path
from typing import Final


def word_list(name: str) -> frozenset[str]:
    """Return the words of a list beside this module.

    Args:
        name: of the file.
    """
    return frozenset(Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8").split())


GRAMMAR: Final = word_list("grammar_words")
"""Words of sentences; none is part of a name."""
ORDINARY: Final = GRAMMAR | word_list("ordinary")
"""In lower case, without apostrophes."""
ASKING: Final = frozenset(
    "ask asks asking use uses using type types write writes send sends click clicks prompt chat".split()
)
"""What people do with a language model."""
