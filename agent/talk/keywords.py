"""The words that work at every question: back, edit, why, help, default, skip, review, save, quit and their kin."""

import re
from typing import Final

from msgspec import Struct


class Keyword(Struct, frozen=True):
    """A command that was said."""

    name: str
    rest: str = ""
    """What it is about: a slot, a file."""


_PATTERNS: Final = (
    (
        "back",
        r"(?:go )?back|previous|oops|b|<|"
        r"[^,;?.]{3,40}[,;?.]\s*(?:(?:then|so|ok|please|let'?s)\W+)*"
        r"(?:go back|put (?:it|that) back|back to (?:before|the (?:previous|last|old) (?:one|plan))(?: \w+)?)|"
        r"(?:(?:hm+|oh|no|nope|wait|oops|sorry|ok|ah|nein|non)\W+)*"
        r"(?:(?:undo(?: (?:that|it|this))?|(?:take|put) (?:that|it) back(?: again)?|scrap that|"
        r"(?:leave it |keep it |back to )?(?:as|how|the way) it was(?: before)?)(?:\W+(?:then|please))*)",
    ),
    ("edit", r"(?:edit|change|modify|fix|correct)(?: (?:the |my )?(?P<rest>.+))?"),
    ("why", r"why(?: (?P<rest>.+))?"),
    (
        "explain",
        r"(?:what|how) do you mean(?: by (?:that|this|it))?|what does (?:that|this|it) mean|what'?s that(?: mean)?|huh|"
        r"(?:sorry,? )?(?:i )?(?:don'?t|do not|didn'?t) (?:understand|get)(?: (?:that|it|this|the question))?|meaning|"
        r"was hei(?:ss|ß)t das|wie bitte|comment [cç]a",
    ),
    ("help", r"(?:help|commands|h|man)(?: (?:me|on|with|about))?(?: (?P<rest>.+))?|\?+|what can i (?:say|do|ask)"),
    ("defaults", r"(?:all |use )?(?:the )?defaults(?: please| for (?:all|everything|the rest))?"),
    ("default", r"(?:use |take )?(?:the |its |your )?default(?: value)?(?: please)?"),
    ("skip", r"skip(?: (?:it|this|that|this one))?|pass|next|n/a"),
    (
        "review",
        r"review(?: (?:it|all|everything))?|summary|status|(?:so )?where (?:are|were) we(?: now)?|"
        r"what (?:do|have) you (?:have|got|know)(?: (?:so far|now))?",
    ),
    ("start over", r"start (?:over|again|afresh)|restart|reset"),
    ("save", r"save(?: (?P<rest>.+))?"),
    ("resume", r"resume(?: (?:the )?last(?: session)?)?"),
    ("quit", r"quit|exit|q|bye|goodbye|:q!?|:wq|leave"),
    (
        "unsure",
        r"(?:(?:i|we) )?(?:really )?(?:do not|don'?t|dont) (?:really )?"
        r"know(?: yet| that| this| it| (?:how|what|which|when|whether) [a-z ']+)?|"
        r"idk|dunno|unsure|"
        r"(?:i'?m |i am |we'?re )?not (?:really |quite )?sure(?: yet)?|"
        r"(?:i have |we have )?no (?:idea|clue)(?: yet| really)?|"
        r"(?:yes,? )?(?:just |the )?(?:usual|normal|typical|standard)(?: (?:usage|use|habits?|load|one))?|"
        r"(?:you )?tell me|you decide|tbd|hard to say|what do you (?:suggest|recommend|propose)|"
        r"suggest(?: something)?|propose",
    ),
    (
        "greeting",
        r"(?:hi|hello|hey|hallo|hola|bonjour|ciao|servus|moin|namaste|salut|guten (?:tag|morgen)|"
        r"good (?:morning|afternoon|evening|day))(?: (?:there|all|everyone|again|fleetcast))?|how are you(?: doing)?",
    ),
    (
        "about",
        r"how does (?:it|this)(?: thing| tool)? work|what (?:is|are) (?:this|you)(?: thing| tool)?(?: for| about)?|"
        r"(?:(?:hi|hey|hello|so|um)\W+)?what'?s (?:this|it)(?: thing| tool)?(?: for| about)?|"
        r"what (?:can|do) you do|who are you|how do i (?:use|start with) (?:it|this|you)|where do i (?:start|begin)|"
        r"what is fleetcast",
    ),
    ("thanks", r"(?:many )?(?:thanks|thank you|thx|merci|danke|gracias|cheers)(?: (?:a lot|so much|very much|again))?"),
    (
        "plan",
        r"(?:(?:ok|okay|yes|just) )?(?:go|go ahead|plan|plan it|run|run it|do it|forecast|size it)"
        r"(?: (?:now|then|anyway|please|already|with (?:that|what you have)))?",
    ),
    (
        "yes",
        r"y|yes|yep|yeah|yup|ok|okay|sure|yes please|accept|"
        r"(?:that )?looks (?:good|right|fine)|correct|right|fine|sounds good|ja|oui|si",
    ),
    (
        "no",
        r"n|no|nope|nah|no thanks|no thank you|(?:none|neither)(?: of (?:these|those|them|the above))?|"
        r"nothing(?: else)?|that'?s (?:all|it)|nothing to (?:add|change)",
    ),
)
_COMPILED: Final = tuple((name, re.compile(pattern)) for name, pattern in _PATTERNS)


def keyword_in(line: str) -> Keyword | None:
    """Return the command that a line is, if all of it is one; an empty line is Enter."""
    said = " ".join(line.split())
    bare = said.lower().rstrip(".!,; ").replace("’", "'")
    bare = bare if bare.strip("?") == "" else bare.rstrip("?").rstrip()
    if not bare:
        return Keyword("enter")
    for name, pattern in _COMPILED:
        match = pattern.fullmatch(bare)
        if match:
            rest = match.groupdict().get("rest") or ""
            # As it was typed: a file's name keeps its capitals.
            start = bare.find(rest)
            return Keyword(name, said[start : start + len(rest)] if rest else "")
    return None


MISTAKEN: Final = (
    r"\b(?:(?:no|nope|nah|non|nein|wait)(?=\s*[,.!:–-])|(?:oh|no|hm+|ah|ok),? wait|sorry|sry|oops|actually|correction|"
    r"scratch that|i mean|i?'? ?meant?|typo|my (?:bad|mistake)|quatsch|perdón)\b"
)
"""Words of who said something wrong before."""
COURTESIES: Final = {
    "greeting": "Hello.",
    "thanks": "You are welcome.",
    "about": "I size fleets that serve language models. Say the model, the traffic and how long prompts and answers "
    "are, such as 'Llama 3.1 70B, 20 rps, 1.5k tokens in, 300 out'; I say which GPUs, how many, how fast and at what "
    "price. 'help' lists what else works.",
}
"""What is said back to words that ask for nothing."""

_HELP: Final = (
    ("back", "takes the last answer back"),
    ("edit traffic", "asks one thing again"),
    ("why", "what the answer changes, and by how much"),
    ("I don't know", "proposes something, and says on what it rests"),
    ("default, skip", "keeps the default; 'defaults' keeps all of them"),
    ("go", "plans with what I have, and says what it assumes"),
    ("review", "shows what I have, with sources"),
    ("start over", "begins anew; 'back' returns"),
    ("resume", "opens the session before this one"),
    ("quit", "leaves"),
)
"""What works everywhere."""
_OF_FILES: Final = ("here is my benchmark: results/", "save", "resume")
"""What reads or writes files."""
_AT_A_TERMINAL: Final = {
    "back": "takes the last answer back (Shift-Tab too)",
    "quit": "leaves; every line is saved, 'fleetcast resume' goes on",
}
"""What more there is to say of them where files are kept."""


def help_always(files: bool) -> tuple[tuple[str, str], ...]:
    """Return what works everywhere.

    Args:
        files: whether files are read and written here, as at a terminal.
    """
    return _of_door(_HELP, files)


def help_planned(files: bool) -> tuple[tuple[str, str], ...]:
    """Return what works once there is a plan.

    Args:
        files: as in ``help_always``.
    """
    return _of_door(_HELP_PLANNED, files)


def _of_door(lines: tuple[tuple[str, str], ...], files: bool) -> tuple[tuple[str, str], ...]:
    if not files:
        return tuple(line for line in lines if line[0] not in _OF_FILES)
    return tuple((said, _AT_A_TERMINAL.get(said, does)) for said, does in lines)


_HELP_PLANNED: Final = (
    ("what if traffic doubles", "a numbered variant with its differences"),
    ("with fp8, on H200, half as long answers", "likewise"),
    ("compare H100, H200 and B200", "beside each other; 'compare 0 2' for variants"),
    ("cheapest with p99 TTFT under 500 ms", "searches all accelerators; 'under $20k a month' too"),
    ("why so many GPUs, why not L40S", "the sum behind it"),
    ("here is my benchmark: results/", "the plan by your own measurements; 'what should I measure to be surer'"),
    ("full", "the whole report"),
    ("keep 1", "makes a variant the plan"),
    ("save", "writes the plan, in the format that the file's name ends in"),
)
"""What works once there is a plan."""
