"""What a line after a plan is: a request that rules read in it, an act that the classifier names, or neither surely."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.after_plan.acts.classifier import Guess, guesses
from agent.after_plan.replies.bills.seasons import is_of_year
from agent.after_plan.replies.table import REPLIES
from agent.after_plan.whatif import is_thing
from agent.after_plan.wording.plain_words import CHEAPER_IF
from agent.interpret.words.scanner import items_of
from agent.interpret.words.tongues import CHINESE, in_english, put_into_english
from agent.talk.keywords import MISTAKEN
from agent.talk.requests import Ask, Cheapest, Compare, CompareBranches, Keep, Show, Unclear, Understood, WhatIf, Why
from catalogs.errors import quoted

SURE: Final = 0.53
"""Probability from which an act is answered; below it the likeliest are offered. Of 4,062 lines by six hands
that were left out of learning 89 % reach it, and 93 % of those are right: 7 in 100 are answered as another."""
LIKELY: Final = 0.3
"""Probability of a change from which the values that rules read are taken, though words beside them are not used."""
OVERRULES: Final = 0.95
"""Probability from which an act is answered although rules read a change in the line, or though its parts look like
several: of those 4,062 lines 61 % reach it, 98.8 % of them rightly."""
_CHANGES: Final = frozenset({"change", "compare", "cheapest", "keep"})
NO_QUESTION: Final = frozenset({"unrelated", "smalltalk"})
ANSWERED: Final = frozenset(
    {
        *REPLIES,
        *("why", "why_not", "cheapest", "show", "export", "help", "keep", "undo", "since", "calibrate", "measure_next"),
    }
)
"""Acts that a line can be answered as; a change and a comparison need values that rules must find."""
_FRAGMENT: Final = 4
"""Words of a line that names a value and hardly more: 'MI300X?' is a variant, with or without a question mark."""
ASKS: Final = re.compile(
    r"\?\s*$|^\W*(?:(?:and|but|so|ok|okay|also|then)\W+)*(?:(?:is|are|does|did|could|would)(?:n'?t)?|do|can|will|should|"
    r"how|why|which|where|when|who|"
    r"what(?! (?:if|about)\b)|wie|was(?! wenn)|welche\w*|wann|wo|wer|warum|ist|sind|hält|reicht|kann|combien|"
    r"quel\w*|est-ce|peut-on|quand|qui|cuánt\w+|cuant\w+|qué|cuál|cuándo|es|puedo|quant[oaie]|quale|quando)\b",
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
    """Return whether a line before the plan is a question that only a plan answers: it states nothing."""
    opening, marked = _OPENS.search(in_english(text)), text.rstrip().endswith("?")
    bids = not opening and not marked and BIDS.match(text) is not None
    if not opening and not bids and not (marked and len(text.split()) > _FRAGMENT):
        return False
    first = guesses(text)[0]
    if first.act in NO_QUESTION and first.probability >= SURE:
        return False
    if bids:
        return first.act in ANSWERED and first.probability >= SURE
    if_so = re.search(r"\bif\b|\bdo (?:it|this|that) (?:with|on)\b", text) is not None
    supposes = opening is not None and (opening["opens"].lower() in _SUPPOSES or if_so)
    return marked or supposes or (first.act in ANSWERED and first.probability >= SURE)


BIDS: Final = re.compile(
    r"\W*(?:(?:and|but|so|ok|okay|now|then|please|just|whatever|well)\W+)*(?:give|show|tell|send|write|draft|explain|list|"
    r"describe|summari[sz]e|sum up)\b",
    re.I,
)
"""How a line begins that bids for words about the plan: 'give me one sentence for the slide' states no length."""
_PARTS: Final = re.compile(r"(?<=[.?!;])\s+(?=\S)|\n+")
_FINER: Final = re.compile(
    rf"{_PARTS.pattern}|\s+[–—-]+\s+|(?<=[,:])\s+(?=(?:(?:so|and|but) )?(?:how|what|which|why)\b)|"
    r"(?<=:)\s+(?=(?:is|are|do|does|can|could|will|would)\b)|"
    r",?\s+(?:but|and|then) (?=(?:just )?(?:tell|show|give) (?:me|us)\b)",
    re.I,
)
"""Where a sentence that states something goes over into a question: '12x L40S on-prem – which size can we run?'."""
POLITE: Final = re.compile(
    r"\W*(?:can|could|would|will|shall|may) (?:you|we|i)(?: please)?(?: just)? (?:use|take|put|plan|run|go|keep|"
    r"have|serve|host|assume|say|add|set|do(?! it\b))\b",
    re.I,
)
"""How a wish begins that has the form of a question: 'can we use H100s?'."""


def asked_in(text: str, *, wishes: bool) -> tuple[tuple[int, int], ...]:
    """Return where a line before the plan asks something of it; beside that it may state something.

    Args:
        wishes: whether 'can we use H100s?' states what it names: while the questions before the plan are open.
    """
    pattern = _FINER if wishes else _PARTS
    cuts = [0, *(cut for match in pattern.finditer(text) for cut in match.span()), len(text)]
    parts = zip(cuts[::2], cuts[1::2], strict=True)
    return tuple(
        (start, end)
        for start, end in parts
        if text[start:end].strip() and not (wishes and POLITE.match(text[start:end])) and asks_of_plan(text[start:end])
    )


def wants_of_plan(text: str, read: Understood | None) -> bool:
    """Return whether a line before the plan wants something of it: 'as yaml', 'summarise for my boss'.

    Args:
        read: what the rules made of it, where it states no value; None where it may state one: it has to be plainer.
    """
    if _TELLS.match(text):
        return False
    first = guesses(text)[0]
    if read is not None and isinstance(read.request, WhatIf | Cheapest) and is_plain_change(text, read):
        return True
    return first.act in ANSWERED - NO_QUESTION and first.probability >= (OVERRULES if read is None else SURE)


_HAS_WORDS: Final = re.compile(r"[^\W\d_]{3}")
"""Without which there is nothing to tell an act by: '700/150', '2k in'."""


def is_request(text: str, read: Understood, likely: tuple[Guess, ...]) -> bool:
    """Return whether a line is the request that rules read in it.

    Args:
        read: what the rules made of it.
        likely: its acts, the likeliest first.
    """
    first = likely[0]
    names_values = first.act in _NAMES_VALUES and first.probability >= SURE
    stated = (adopts(text) or (tells(text) and not names_values)) and not read.unused
    stated = stated and isinstance(read.request, WhatIf | Cheapest)
    match read.request:
        case WhatIf() | Cheapest() | Ask() if stated or names_values:
            return stated
        case Keep() | Show() | CompareBranches() | Compare():
            return True
        case Why():
            asks_why = re.match(r"\W*(?:and |but )?(?:why|how come)\b", text, re.I)
            return first.act in ("why", "why_not") or (asks_why is not None and first.probability < SURE)
        case WhatIf() | Cheapest() | Ask() if names_only(first.act, read):
            short = len(text.split()) <= _FRAGMENT and not CHINESE.search(text)
            wish = (short or _SPARES.search(text)) and not ASKS.search(text)
            return wish or first.probability < SURE
        case WhatIf() | Cheapest() | Ask():
            short = len(text.split()) <= _FRAGMENT and first.act not in ("why", "why_not")
            asks = bool(ASKS.search(text)) and not (short and not isinstance(read.request, Ask))
            put = (
                bool(_PUT_FORWARD.match(text) or CHEAPER_IF.search(text))
                and first.probability < OVERRULES
                and not isinstance(read.request, Ask)
            )
            sure = first.probability >= OVERRULES and _HAS_WORDS.search(text) is not None
            left = [words for words in read.unused if not is_of_year(words)]  # 'in december only, the rest as is'
            plain = put or not (left or sure or asks)
            figures_left = any(re.search(r"\d", words) for words in read.unused)
            likely_so = first.probability >= (SURE if figures_left and ASKS.search(text) else LIKELY)
            return plain or (first.act in _CHANGES and (likely_so or (not read.unused and not asks)))
        case Unclear(_, nothing):
            beyond = bool(read.notes) and SUPPOSED.search(text) is not None  # a case that is known not to be planned
            sure = first.probability >= (OVERRULES if beyond else SURE) and first.act in ANSWERED
            return not sure and (not nothing or bool(read.notes))


_PUT_FORWARD: Final = re.compile(
    r"\W*(?:(?:and|but|so|ok|okay)\W+)*(?:what (?:if|about)\b|how many (?:\w+ )+(?:for|at) \d)", re.I
)
_SPARES: Final = re.compile(r"\bn ?\+ ?\d\b", re.I)
_NAMES_VALUES: Final = frozenset(
    {"hands", "who_said", "more_or_fewer", "at_load", "users_of_load", "fewest", "included", "monitoring"}
)
"""Acts whose questions name values of any kind, and never wish for them."""
_KIN: Final = {
    "failure": {"availability.spare_replicas", "availability.minimum_replicas"},
    "budget_buys": {"money.monthly_budget_usd"},
    "cost": {"users.count", "traffic.requests_per_s"},
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


def names_only(act: str, read: Understood) -> bool:
    """Return whether the rules read but values that an act's questions name: 'when is it full if we double yearly'."""
    kin = _KIN.get(act, set())
    match read.request:
        case WhatIf(change) | Cheapest(change):
            return bool(change.values) and change.values.keys() <= kin
        case Ask(change, questions):
            return change.values.keys() | {one.path for one in questions} <= kin
    return False


def is_plain_change(text: str, read: Understood) -> bool:
    """Return whether the rules read values of a variant in all of a line that asks nothing.

    Args:
        read: what the rules made of it.
    """
    return isinstance(read.request, WhatIf | Cheapest | Ask) and not (read.unused or "? " in text or ASKS.search(text))


SUPPOSED: Final = re.compile(
    r"^\W*(?:(?:and|but|so|ok|okay|hm+)\W+)*(?:what (?:if|about|happens|(?:would|will|do|does) (?=\d))|"
    r"how (?:about|does it look)|suppose|assum\w+|"
    r"say|imagine|let'?s say)\b|"
    r"\bhow many\b[^?]*\b(?:for|at|with|to (?:serve|carry|handle|hold))\b|"
    r"\b(?:if|when|wenn|falls|and with|et si|si|se)\b",
    re.I,
)
"""How a line puts something for the sake of argument: a variant answers it."""


_RETURNS: Final = re.compile(
    r"\b(?:back|return|revert|zurück) (?:to|auf|zu)\b(?! (?:before|what|how|where|the (?:first|last)))", re.I
)
_TAKES: Final = re.compile(
    r"\W*(?:(?:ok(?:ay)?|then|so|yes|let'?s|(?:we|i)(?:'ll| will)?|and|please|fine|good|now|just)\W+)*"
    r"(?:keep|take|make (?:it|that)|adopt|go (?:with|for)|choose|settle on|stick with|use|switch to|move to|"
    r"plan (?:for|with|on)|set|nimm|prends|toma|neem)\b(?!.*\b(?:out|away|off|back|everything|rest|else)\b)|"
    rf".*\b(?:please|pls|bitte|svp|por favor|instead)\W*$|.*{MISTAKEN}|.*{_RETURNS.pattern}",
    re.I,
)


def adopts(text: str) -> bool:
    """Return whether a line wants what it says as the plan: 'ok, use A100', '25 rps instead', 'N+1 please'."""
    return "?" not in text and not SUPPOSED.search(text) and _TAKES.match(text) is not None


_PUTS: Final = re.compile(
    r"\W*(?:(?:and|but|ok(?:ay)?|so|then|now|also)\W+)*(?:with|without|try|same|what|how|half|twice|double|show|find|"
    r"compare|or)\b",
    re.I,
)
"""How a line begins that puts a case: 'and with fp8', 'half the traffic'."""


def puts_case(text: str) -> bool:
    """Return whether a line asks, supposes or puts a case: what it says is tried, and the plan stays."""
    return "?" in text or any(one.search(text) for one in (ASKS, SUPPOSED)) or _PUTS.match(text) is not None


_STATES: Final = re.compile(
    r"\b(?:is|are|was|were|be|being|must|should|shall|needs?|has|have|wants?|will|can|cannot|may|gets?|got|stays?|"
    r"adds?|remov\w+|drops?|scrap|delete|forget|chang\w+|makes?|sets?|puts?|rais\w+|lower|increas\w+|decreas\w+|reduc\w+|"
    r"cuts?|bring|moves?|switch|relax|tighten|loosen|allow|limit|caps?|goes|went|gr[eo]ws?|rises?|rose|falls?|fell|hir\w+)\b|"
    r"(?<=\w)'(?:s|re|ve|ll)\b",
    re.I,
)
"""Verbs that state or bid. A line without one names a value alone, as 'H200' does."""


def tells(text: str) -> bool:
    """Return whether a line has a verb that states or bids, and puts no case: 'scrap the spare', 'ttft can be 2 s'."""
    return not puts_case(text) and _STATES.search(text) is not None


def is_news(read: Understood, base: Mapping[str, Any]) -> bool:
    """Return whether the rules read a variant in a line that is not the plan as it is.

    Args:
        read: what the rules made of it.
        base: values of the plan, by path.
    """
    if not isinstance(read.request, WhatIf | Cheapest):
        return False
    change = read.request.change
    dropped = any(base.get(path) not in (None, ()) for path in change.drops)
    return dropped or any(base.get(path) != value for path, value in change.values.items())


def asks_of_same(text: str, read: Understood, base: Mapping[str, Any]) -> bool:
    """Return whether a line asks about a value that the plan has: 'is 70B the right size?' would change nothing.

    Args:
        read: what the rules made of it.
        base: values of the plan, by path.
    """
    if not isinstance(read.request, WhatIf) or not ASKS.search(text) or len(text.split()) <= _FRAGMENT:
        return False
    change = read.request.change
    own_size = (
        change.values.keys() == {"model"} and str(change.values["model"]).lower() in str(base.get("model")).lower()
    )
    return own_size or (bool(change.values) and not change.drops and not is_news(read, base))


_SAID_SO: Final = re.compile(
    r"\W*(?:(?:no|nope|but|hey|wait|sorry|wrong|that'?s|not|right|true)\W+)*(?:i|we) "
    r"(?:said|asked for|told you|meant|wrote|wanted)\b(?!.*\?)",
    re.I,
)
_DOUBTS_AND_SETS: Final = re.compile(
    r"^(?P<doubt>.+?)\s*(?:[,;:](?!\d)| [–—-]+ )\s*(?:(?:so|but|and|please)\W+)*"
    r"(?P<rest>(?:(?:i|we) (?:want|need|asked)|use|make|take|drop|remove|with|set|put|go|"
    r"it(?:'?s| is| was| should| must))"
    r"\b[^?]*)$",
    re.I,
)


def corrects(text: str, read: Understood, base: Mapping[str, Any]) -> bool:
    """Return whether a line says what the plan has otherwise: 'I said fp16, not fp8', 'go back to on demand'.

    Args:
        read: what the rules made of it.
        base: values of the plan, by path.
    """
    says_so = _SAID_SO.match(text) or _IS_MEAN.search(text) or _RETURNS.search(text)
    return bool(says_so) and is_news(read, base)


_IS_MEAN: Final = re.compile(
    r"\d ?(?:rps|qps|req\w*(?:/s| per second)?)? (?:was|is|were|are) (?:just |only |actually |our |the )*"
    r"(?:average|mean|avg|(?:the )?peak(?=.*\b(?:average|mean|avg)\b))\b",
    re.I,
)
"""A figure that was given as a peak is the mean: '20 rps was average, the peak is 3x that'."""


def set_beside_doubt(text: str) -> str:
    """Return what a line sets that doubts before: 'drop the spare' of 'I never asked for a spare, drop it'."""
    if (match := _DOUBTS_AND_SETS.match(text)) is None:
        return ""
    thing = re.search(r" (?:an?|the|any) (?P<what>[\w -]+)$", match["doubt"])
    named = rf"\1 the {thing['what']}" if thing else r"\g<0>"
    return re.sub(r"\b(drop|remove) (?:it|that|them)\b", named, match["rest"])


def is_supposition(text: str, read: Understood, base: Mapping[str, Any]) -> bool:
    """Return whether a line puts a case whose values rules read, or names another model, accelerator or precision.

    Args:
        text: the line: what else it may ask, it does not ask surely.
        read: what the rules made of it.
        base: values of the plan, by path.
    """
    if not isinstance(read.request, WhatIf | Cheapest) or not is_news(read, base):
        return False
    if any(re.search(r"\d", words) for words in read.unused):
        return False
    named = is_thing(read.request.change) and not read.request.change.values.keys() <= _PLACES
    return named or bool(SUPPOSED.search(text) or SUPPOSED.search(in_english(text))) or not ASKS.search(text)


_PLACES: Final = frozenset({"money.provider", "money.region", "money.term", "serving.runtime"})
"""Values that questions about something else name too: 'is AWS able to deliver', 'gimme the vllm command'."""


def language_note(text: str) -> str:
    """Return that answers are in English, where a line is in another language that is known; else nothing."""
    _, language = put_into_english(text, items_of(text))
    return f"Read as {language}; answers are in English." if language else ""


_HOLD_IT: Final = 0.6
"""Probability of two readings together from which no third is offered: of lines by two further hands that reach no act
surely, two held the right one in 63 of 100 and three in 72."""


def did_you_mean(
    text: str, likely: tuple[Guess, ...], read: Understood | None = None, base: Mapping[str, Any] | None = None
) -> tuple[tuple[str, ...], str]:
    """Return the likeliest readings of a line, two or three, and the question which it is.

    Args:
        likely: its acts, the likeliest first.
        read: what the rules made of it; a variant that they read is offered first.
        base: values of the plan, by path.
    """
    offered = [guess for guess in likely if guess.act in ANSWERED - NO_QUESTION][:3]
    offered = offered[: 2 if sum(one.probability for one in offered[:2]) >= _HOLD_IT else 3]
    shown = [(guess.act, f"{guess.reads} ('{guess.ask}')") for guess in offered]
    variant = read.request if read is not None else None
    if read is not None and isinstance(variant, WhatIf | Cheapest) and is_news(read, base or {}):
        shown = [("change", f"a variant beside the plan: {variant.change.label}"), *shown[:-1]]
    elif isinstance(variant, Ask):
        choice = variant.questions[0].choices
        shown = [("change", f"a variant beside the plan: {choice[0].label}"), *shown[:-1]] if choice else shown
    elif likely[0].act in NO_QUESTION and likely[0].probability >= LIKELY:
        return (), f"{quoted(text)} is nothing that I know about the plan; 'help' lists what can be asked."
    numbered = [f"{number}: {words}" for number, (_, words) in enumerate(shown, start=1)]
    readings = " or ".join((", ".join(numbered[:-1]), numbered[-1]) if len(numbered) > 1 else numbered)
    lead = f"I am not sure what {quoted(text)} asks of the plan. Did you mean"
    if likely[0].act == "change" and likely[0].probability >= SURE and shown[0][0] != "change":
        lead = (
            f"{quoted(text)} seems to want the plan changed, with no value that I know in it: 'with 40 rps', 'on H200',"
            " 'at most 16 GPUs' and 'without targets' are such. Or did you mean"
        )
    return tuple(act for act, _ in shown), f"{lead} {readings}? A number chooses; 'help' lists more."
