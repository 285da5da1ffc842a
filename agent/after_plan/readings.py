"""What a line after a plan is: a request that rules read in it, an act that the classifier names, or neither surely."""

import re
from typing import Final

from agent.after_plan.acts.classifier import Guess, guesses, likeliest
from agent.after_plan.plain_words import ASKS_WHETHER
from agent.after_plan.replies.table import REPLIES
from agent.talk.requests import Ask, Cheapest, Compare, CompareBranches, Keep, Show, Unclear, Understood, WhatIf, Why
from catalogs.errors import quoted

SURE: Final = 0.5
"""Probability from which an act is answered: five in six phrasings that were left out of learning reach it, and six in
seven of those are right; below it the two likeliest are offered."""
_LIKELY: Final = 0.3
"""Probability of a change from which the values that rules read are taken, though words beside them are not used."""
_OVERRULES: Final = 0.9
"""Probability from which an act is answered although rules read a change in the line."""
_CHANGES: Final = frozenset({"change", "compare", "cheapest", "keep"})
_NO_QUESTION: Final = ("unrelated", "smalltalk")
ANSWERED: Final = frozenset(
    {
        *REPLIES,
        *("why", "why_not", "cheapest", "show", "export", "help", "keep", "undo", "since", "calibrate", "measure_next"),
    }
)
"""Acts that a line can be answered as; a change and a comparison need values that rules must find."""
_FRAGMENT: Final = 4
"""Words of a line that names a value and hardly more: 'MI300X?' is a variant, with or without a question mark."""
_ASKS: Final = re.compile(
    r"\?\s*$|^\W*(?:(?:and|but|so|ok|okay)\W+)*(?:is|are|do|does|did|can|could|will|would|should|how|which|where|when|who|"
    r"what(?! (?:if|about)\b))\b",
    re.I,
)


_OPENS: Final = re.compile(
    r"^\W*(?:(?:and|but|so|ok|okay)\W+)*(?P<opens>what if|suppose|why|how come|is|are|do|does|did|can|could|will|would|"
    r"should|how|which|where|when|who|what(?! about\b))\b(?! (?:for|in|at|to|of|from|with|on|by|only)\b)",
    re.I,
)
_SUPPOSES: Final = frozenset({"what if", "suppose", "why", "how come"})
"""Openings that no statement has: 'is for a bank', 'will double', 'which means 30 rps' have the others."""

_TELLS: Final = re.compile(
    r"\W*(?:(?:i|we)(?! (?:want|need|would like)\b| ?'d like\b)|our|my|it|they|their|there|this|these|he|she|is|are)\b",
    re.I,
)
"""How a line begins that tells of somebody: 'we are a law firm' wants nothing."""


def asks_of_plan(text: str) -> bool:
    """Return whether a line before the plan is a question that only a plan answers: it states nothing.

    Args:
        text: the line.
    """
    opening, marked = _OPENS.search(text), text.rstrip().endswith("?")
    if not opening and not (marked and len(text.split()) > _FRAGMENT):
        return False
    first = likeliest(text, SURE)[0]
    if first.act in _NO_QUESTION and first.probability >= SURE:
        return False
    supposes = opening is not None and opening["opens"].lower() in _SUPPOSES
    return marked or supposes or (first.act in ANSWERED and first.probability >= SURE)


def wants_of_plan(text: str, read: Understood | None) -> bool:
    """Return whether a line before the plan wants something of it: 'as yaml', 'summarise for my boss'.

    Args:
        text: the line.
        read: what the rules made of it, where it states no value; None where it may state one: it has to be plainer.
    """
    if _TELLS.match(text):
        return False
    first = likeliest(text, SURE)[0]
    if read is not None and isinstance(read.request, WhatIf | Cheapest) and is_plain_change(text, read):
        return True
    return first.act in ANSWERED - {*_NO_QUESTION} and first.probability >= (_OVERRULES if read is None else SURE)


def is_request(text: str, read: Understood, likely: tuple[Guess, ...]) -> bool:
    """Return whether a line is the request that rules read in it.

    Args:
        text: the line.
        read: what the rules made of it.
        likely: its acts, the likeliest first.
    """
    first = likely[0]
    match read.request:
        case Keep() | Show() | CompareBranches() | Compare():
            return True
        case Why():
            return first.act in ("why", "why_not") or bool(re.match(r"\W*(?:and |but )?(?:why|how come)\b", text, re.I))
        case WhatIf(change) | Cheapest(change) if change.values and change.values.keys() <= _KIN.get(first.act, set()):
            wish = len(text.split()) <= _FRAGMENT and not _ASKS.search(text)
            return wish or first.probability < SURE
        case WhatIf() | Cheapest() | Ask():
            short = len(text.split()) <= _FRAGMENT and first.act not in ("why", "why_not")
            asks = bool(_ASKS.search(text)) and not (short and not isinstance(read.request, Ask))
            plain = not read.unused and first.probability < _OVERRULES and not asks
            return plain or (first.act in _CHANGES and (first.probability >= _LIKELY or not read.unused))
        case Unclear(_, nothing):
            if first.probability >= SURE and first.act in ANSWERED:
                return False
            return not nothing or bool(read.notes)


_KIN: Final = {
    "failure": {"availability.spare_replicas", "availability.minimum_replicas"},
    "budget_buys": {"money.monthly_budget_usd"},
    "context": {"serving.context_window"},
    "elsewhere": {"money.provider", "money.region", "money.term"},
    "outgrow": {"traffic.growth_per_year"},
    "spike": {"traffic.requests_per_s"},
    "pool": {
        "model", "precision.weights", "traffic.requests_per_s", "traffic.concurrency", "traffic.peak_factor",
        "tokens.input.mean", "tokens.output.mean", "targets",
    },
}  # fmt: skip
"""By act, the values that its questions name: 'what if two H100 die' asks, and wishes for no spares."""
_MACHINES: Final = frozenset(
    f"hardware.{name}"
    for name in (
        "accelerator_count", "max_accelerators", "nodes", "max_nodes", "replicas", "max_replicas", "accelerators",
    )
)  # fmt: skip
_HOLDS: Final = re.compile(
    r"\b(?:how (?:much|many|far)|what (?:load|rate|traffic|can|could|would|do|rps)|which load|rps|qps|wie ?viele?|"
    r"was (?:geht|schaff\w+)|combien|qu'?est-ce|cuánt\w+|qué|load|enough|suffi\w+|reichen|plenty)\b|多少|够",
    re.I,
)


def asks_what_machines_hold(text: str, read: Understood) -> bool:
    """Return whether a line names a number of machines and asks what they carry: no wish to have so many.

    Args:
        text: the line.
        read: what the rules made of it.
    """
    if not isinstance(read.request, WhatIf):
        return False
    paths = read.request.change.values.keys()
    return bool(paths - {"hardware.accelerators"}) and paths <= _MACHINES and bool(_HOLDS.search(text))


_BRIEFLY: Final = re.compile(
    r"\bfor (?:an?|one|two|three|four|six|half an|a few|some|ten|fifteen|twenty|thirty|the|\d+) ?(?:\w+ )?"
    r"(?:minutes?|mins?|hours?|h|evening|afternoon|morning|night|days?)\b|\bpendant\b|\bdurante\b|\bfür (?:eine|\d+)",
    re.I,
)


_HINDSIGHT: Final = re.compile(
    r"\b(?:i|we|one|anyone)(?: would have|'d have| would've) (?:gone|taken|chosen|picked|used|expected|split|preferred)"
    r"(?: (?:for|with|on|it|over|into))* (?P<what>[^.;]+?)(?=,? (?:not|rather than|instead of|over)\b|[.;?!]|$)",
    re.I,
)


_CIRCUIT: Final = r"(?:circuits?|phases?|fuses?|breakers?|sockets?|feeds?|supply)"
_AMPERES: Final = r"(?<![\w.])\d+ ?-?(?:a|amps?|amperes?)"
_STANDBY: Final = r"(?:stand-?bys?|spares?|reserves?|redundancy|back-?up)"
_MONEY: Final = (
    r"(?:[$€£¥]|\d ?k\b|\b(?:dollars?|usd|bucks|euros?|eur|francs?|franken|chf|pounds?|gbp|quid|yen|rupees?)\b)"
)
_EACH_PERIOD: Final = r"\b(?:(?:a|per|each|every) (?:day|month|quarter|year)|monthly|yearly)\b"
_SHARE: Final = r"\b(?:50|90|95|99) ?(?:%|percent|(?:out )?of)"
_EVIDENT: Final = tuple(
    (act, re.compile(pattern, re.I))
    for act, pattern in (
        ("power", rf"{_AMPERES}\b.*\b{_CIRCUIT}\b|\b{_CIRCUIT}\b.*{_AMPERES}\b"),
        ("export", r"^(?!.*\b(?:start|run|command)\b).*\b(?:terraform|ansible|pulumi)\b"),
        (
            "export",
            r"^\W*(?:please |can you |could you )?(?:e-?mail|mail|send|forward) (?:this|it|that|the (?:plan|report))\b",
        ),
        (
            "failure",
            r"^\W*(?:so |and |but )?(?:is|are|am|can|could|do|does|dare|should|would|how (?:bad|risky|safe))\b"
            rf".*\b(?:without|with no|no) (?:(?:a|an|any|hot|warm) )*{_STANDBY}\b",
        ),
        ("budget_buys", rf"^\W*(?:so |and |but )?what\b(?=.*\b(?:get|buys?|afford)\b)(?=.*{_MONEY}).*{_EACH_PERIOD}"),
        ("meets", rf"{ASKS_WHETHER.pattern}.*{_SHARE}.*\b(?:within|under|below|in)\b.*\d ?(?:ms|s|secs?|seconds?)\b"),
        ("certainty", r"(?:\bplus ?/? ?(?:or |and )?minus|\+ ?/ ?-|±|\bgive or take) (?:what|how)"),
        (
            "cost",
            r"\b(?:bill|costs?|price|break\w*(?: \w+)? down|split)\b.*"
            r"\b(?:per|a|each|every) (?:seat|licen[cs]e|head)\b",
        ),
    )
)
"""Words that one act alone can mean, whatever else stands beside them."""


def evident(text: str) -> tuple[str, str] | None:
    """Return the act that a line's words name beyond doubt and what it is asked with; None where they name none.

    Args:
        text: the line: 'TP4? I would have gone with TP2' asks why not TP2.
    """
    if match := _HINDSIGHT.search(text):
        return "why_not", f"why not {match['what']}"
    return next(((act, text) for act, pattern in _EVIDENT if pattern.search(text)), None)


def is_brief(text: str, read: Understood) -> bool:
    """Return whether a line raises the load for some hours alone: a burst, and no new load.

    Args:
        text: the line.
        read: what the rules made of it.
    """
    request = read.request
    return (
        isinstance(request, WhatIf)
        and request.change.values.keys() == {"traffic.requests_per_s"}
        and bool(_BRIEFLY.search(text))
    )


def is_plain_change(text: str, read: Understood) -> bool:
    """Return whether the rules read values of a variant in all of a line that asks nothing.

    Args:
        text: the line.
        read: what the rules made of it.
    """
    return isinstance(read.request, WhatIf | Cheapest | Ask) and not read.unused and not _ASKS.search(text)


def did_you_mean(text: str, likely: tuple[Guess, ...]) -> tuple[tuple[str, ...], str]:
    """Return the two likeliest acts of a line, and the question which it is.

    Args:
        text: the line.
        likely: its acts, the likeliest first.
    """
    offered = [guess for guess in likely if guess.act in ANSWERED and guess.act not in _NO_QUESTION][:2]
    readings = " or ".join(f"{number}: {guess.reads} ('{guess.ask}')" for number, guess in enumerate(offered, start=1))
    lead = f"I am not sure what {quoted(text)} asks of the plan."
    if likely[0].act in _NO_QUESTION:
        return (), f"{quoted(text)} is nothing that I know about the plan; 'help' lists what can be asked."
    return (
        tuple(guess.act for guess in offered),
        f"{lead} Did you mean {readings}? A number chooses; 'help' lists more.",
    )


_PART: Final = re.compile(r"\s*(?:[,;?]+(?:\s+and\b)?|\band\b)\s+(?=\S)", re.I)
_CONDITION: Final = re.compile(
    r"(?:with|without|if|when|once|suppose|assuming|given|for|at|after|since|because|in|say)\b|"
    r"(?:[\w-]+ ){1,2}(?:seconds?|minutes?|words?|lines?|sentences?|pages?)\W*$",
    re.I,
)
"""How a part begins that is asked nothing, but says under which condition the rest is, or how long it may be."""
_SEVERAL: Final = 0.7
"""Probability from which a part of a line is a question of its own."""


def questions_in(text: str, whole: Guess) -> tuple[tuple[str, str], ...]:
    """Return the parts of a line that ask different things, each with its act; nothing where it asks one.

    Args:
        text: the line.
        whole: its likeliest act.
    """
    if whole.probability >= _OVERRULES or whole.act in _NO_QUESTION:
        return ()
    parts = [part.strip(" ?.!") for part in _PART.split(text) if part.strip(" ?.!")]
    likely = [guesses(part)[0] for part in parts]
    if (
        len(parts) < 2
        or any(_CONDITION.match(part) for part in parts)
        or any(guess.probability < _SEVERAL for guess in likely)
    ):
        return ()
    acts = {guess.act: part for part, guess in zip(parts, likely, strict=True) if guess.act not in _NO_QUESTION}
    return tuple((part, act) for act, part in acts.items()) if len(acts) > 1 else ()
