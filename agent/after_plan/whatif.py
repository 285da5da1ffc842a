"""Questions about a plan, in words: what if, compare, cheapest, why. Each becomes a typed request."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from msgspec.structs import replace

from agent.after_plan.changes import Change, percentile_moved, read_part, with_choice
from agent.after_plan.multiples import corrected_factor
from agent.after_plan.wording.mixes import with_means
from agent.after_plan.wording.moves import as_moved
from agent.after_plan.wording.plain_words import MENDED, in_plain_words
from agent.after_plan.wording.withdrawn import without_latency
from agent.interpret.facts.reading import Ambiguity, Reading
from agent.interpret.words.numerals import in_figures
from agent.interpret.words.tongues import CHINESE, in_english
from agent.talk.answer_display import variant_shown
from agent.talk.requests import (
    Ask,
    Cheapest,
    Compare,
    CompareBranches,
    Keep,
    Show,
    Unclear,
    Understood,
    Variation,
    WhatIf,
    Why,
)
from agent.talk.state import ADDS, Ports
from catalogs.errors import quoted

_OPENING: Final = re.compile(
    r"^[\s¿]*(?:(?:y|e|und|et) (?:si|se|wenn)\b)?\s*"
    r"(?:(?:so|ok|okay|now|then|but|and|also|please|hm+|well),?\s+)*(?:same(?: thing)?(?=\s+(?:with|on|in)\b)|"
    r"(?:redo|rerun)(?: it)?(?=\s+(?:with|on)\b)|(?:what|wat|how)"
    r"(?:\s+would\s+change\s+if(?:\s+we\s+(?:moved|switched|went)\s+to)?|\s+(?:if|about)|\s+happens\s+(?:if|when|with)|\s+would\s+happen\s+(?:if|with))|suppose|assume|imagine|try|if|"
    r"let'?s\s+(?:say|try))?\s*"
    # A supposition in the past tense is no tale of another time.
    r"(?:(?<=if )(?:we|i|it|they|this|that)\s+(?:ran|served|handled|saw)\s+)?",
    re.I,
)
_CHAINED: Final = re.compile(r"^\s*(and|also|plus|then|on top|und|et|y|e)\b", re.I)
_CHEAPEST: Final = re.compile(
    r"\b(cheapest|least expensive|least money|lowest (?:cost|bill|price)|cheaper|save money|as cheap as possible|"
    r"minimum (?:cost|bill|money|price))\b|\bminimum \$(?!\d)",
    re.I,
)
_SAYS_CHEAPER: Final = re.compile(
    r"[,;]?\s*\b(?:(?:so|and|it|that|this|which|its (?:a )?moe so) ){0,3}"
    r"(?:should|would|will|must|might|ought to|'s|is) (?:then )?"
    r"(?:be )?(?:way |much |far |a lot |lots |probably |surely )*cheaper\b(?:,? (?:right|no|i guess|then))?|"
    r"[,;]?\s*\b(?:(?:so|and) )?(?:does|do|will|would|did|is) (?:it|that|this|we|things?) (?:then )?"
    r"(?:(?:get|be|become|come out|run|end up) )?(?:any |much |way |a lot |then )*cheaper\b"
    r"(?:,? or (?:not|no|nah|nope))?",
    re.I,
)
"""It says or asks what a change will do, and searches for no cheapest."""


def understood(text: str, base: Mapping[str, Any], ports: Ports) -> Understood:
    """Return the request that a line makes about a plan whose values are given."""
    text = in_english(text) if CHINESE.search(text) else text  # whose order of words no rule has
    said = " ".join(text.split()).rstrip("?.!？。 ")
    lower = _KEPT_ABROAD.sub("keep", said.lower())
    if match := re.fullmatch(r"(?:and )?(?:but )?(why|how come|explain|how)\b(?! (?:about|many|much))\s*(.*)", lower):
        return Understood(Why(match[2].strip()))
    if match := re.fullmatch(
        r"(?:keep|take|use|choose|adopt)(?: (?:it|this|that|the last(?: one)?|(?:plan |variant |#)?(\d{1,3})))?|"
        r"(?:(?:ok|okay|yes|fine|good|then|let'?s),? )*do (?:that|this)(?: one| then| please)?",
        lower,
    ):
        return Understood(Keep(int(match[1]) if match[1] else None))
    if match := re.fullmatch(
        r"(?:show |print )?(?:me )?(?:the )?(?:full|whole|complete|entire|details?|report)(?: report| plan)?"
        r"(?: (?:of )?(\d{1,3}))?",
        lower,
    ):
        return Understood(Show(int(match[1]) if match[1] else None, full=True))
    lower = _AS_IT_STANDS.sub("show", lower)
    if match := re.fullmatch(r"(?:show|print)(?: me)?(?: the)?(?: plan| answer| screen)?(?: (\d{1,3}))?", lower):
        return Understood(Show(int(match[1]) if match[1] else None, full=False))
    if match := re.match(r"(?:please )?(?:compare|vs\.?|versus)\b\s*(.*)", said, re.I):
        return _comparison(match[1], base, ports)
    return _variant(said, base, ports)


_AS_IT_STANDS: Final = re.compile(
    r"\A(?:(?:so|ok|and|now|give me|what(?:'s| is| are)?) )*(?:(?:the |our )?(?:final|current|resulting) [a-z]+"
    r"(?:(?:,| and)+ (?:the )?(?:price|costs?|bill|counts?))?|is it now|(?:do )?we have now)(?: please| now| then)*\Z"
)
"""'So what are the final numbers': the plan, as it stands."""
_KEPT_ABROAD: Final = re.compile(
    r"\A(?:(?:gut|ok(?:ay)?|ja|oui|d'accord|bien|vale|sí|si|va bene|bene|certo|sim|está bem|goed|prima|dobrze|"
    r"tak),? )*"
    r"(?:nimm|nehmen wir|behalten wir|prends|on prend|on garde|garde|toma|usa|usamos|quédate con|prendi|prendiamo|"
    r"usiamo|fica com|ficamos com|neem|we nemen|weź|bierzemy) "
    r"(?:das|den|die|diesen|dies|ça|cela|celui-là|eso|ese|esa|quello|quella|questo|esse|essa|isso|dat|die|to)"
    r"(?:,? (?:dann|so|alors|entonces|allora|então|maar|dan|bitte|por favor))*\Z"
)
"""'Gut, nimm das'."""


def is_chained(text: str) -> bool:
    """Return whether a line goes on from the last variant: 'and with fp8'."""
    return bool(_CHAINED.match(text))


def _comparison(text: str, base: Mapping[str, Any], ports: Ports) -> Understood:
    text = _FOR_SHOW.sub("", text)
    numbers = re.sub(r"\b(plans?|variants?|with|and|to|vs|versus|all|them|#)\b|[,#.]", " ", text.lower()).split()
    if all(number.isascii() and number.isdecimal() and len(number) < 4 for number in numbers):
        return Understood(CompareBranches(tuple(int(number) for number in numbers)))
    pieces = [
        piece
        for piece in re.split(r"\s*(?:,|;|\band\b|\bor\b|\bvs\.?|\bversus\b|\bwith\b|\bto\b)\s*", text, flags=re.I)
        if piece
    ]
    changes: list[Variation] = []
    unused: list[str] = []
    for piece in pieces:
        piece_read = _variant(piece, base, ports)
        unused += piece_read.unused
        match piece_read.request:
            case WhatIf(change) | Cheapest(change):
                changes += _one_by_one(change)
            case Ask(_, questions):
                labels = ", ".join(choice.label for choice in questions[0].choices)
                return Understood(
                    Unclear(f"{quoted(piece)} may be several: {labels}. Name one of them in the comparison.")
                )
            case _:
                return Understood(
                    Unclear(f"I cannot compare {quoted(piece)}: name accelerators, precisions, models or plans.")
                )
    # "compare H200" sets one thing beside the plan as it is.
    own = (Variation({}, {}, "the plan"),) if len(changes) == 1 else ()
    return Understood(Compare((*own, *changes)), tuple(unused))


_FOR_SHOW: Final = re.compile(
    r"(?:[\s,;]+(?:for (?:this|that|it|us|me)|(?:as|in) a table|table|side by side|please|pls|plz))+\W*$", re.I
)
"""What ends a comparison and names nothing: 'compare h100 h200 for this, table pls'."""


def _one_by_one(change: Variation) -> Iterator[Variation]:
    """Yield a change for each accelerator where a comparison names several in a row: 'compare h100 h200 b200'."""
    path = "hardware.accelerators"
    names = change.values.get(path, ())
    if len(names) < 2 or change.values.keys() != {path}:
        yield change
        return
    for name in names:
        yield replace(change, values={path: (name,)}, label=variant_shown(path, (name,)))


_THINGS: Final = ("model", "hardware.accelerators", "precision.", "serving.", "money.")
"""Paths, or their beginnings, that a line can set beside each other."""


def is_thing(change: Variation) -> bool:
    """Return whether a change names things alone: a model, an accelerator, a precision, a provider."""
    return bool(change.values) and all(path.startswith(_THINGS) for path in change.values)


_BESIDE: Final = re.compile(r"\s*(?:[,;:?]|\b(?:and|or|vs\.?|versus|und|oder|et|ou|y|against)\b|[和与])\s*", re.I)


def named_beside(text: str, base: Mapping[str, Any], ports: Ports) -> Understood | None:
    """Return the comparison of what a line names, wherever it stands; None where that is less than two.

    Args:
        text: 'which of these is cheapest: llama 70b, qwen 72b or gpt-oss 120b'.
    """
    found: dict[str, Variation] = {}
    notes: list[str] = []
    for piece in filter(None, _BESIDE.split(text)):
        match _variant(piece, base, ports).request:
            case WhatIf(change) | Cheapest(change):
                things = {path: value for path, value in change.values.items() if path.startswith(_THINGS)}
                if things and _COUNT in change.values:
                    things[_COUNT] = change.values[_COUNT]
            case Ask(_, (Ambiguity(path="model") as open_choice, *_)):
                # The newest of a name comes first; to ask for each of several would lose the others.
                things = {"model": open_choice.choices[0].value}
                notes.append(f"{quoted(open_choice.words)} is read as {open_choice.choices[0].label}.")
            case _:
                continue
        label = ", ".join(variant_shown(path, value) for path, value in things.items())
        if things:
            found[label] = Variation(things, {}, label)
    paths = [path for one in found.values() for path in one.values]
    alike = len(set(paths)) < len(paths) or re.search(r"\b(?:or|vs\.?|versus|against|oder|ou|o)\b", text, re.I)
    return Understood(Compare(tuple(found.values())), notes=tuple(notes)) if len(found) > 1 and alike else None


_COUNT: Final = "hardware.replicas"
_SPLIT: Final = r"(?P<split>(?:tp|pp|dp|ep) ?=?\d+)"
_COUNTED: Final = re.compile(rf"\b(?P<count>\d+) ?[x×*] ?{_SPLIT}\b", re.I)
_COUNTED_AFTER: Final = re.compile(rf"\b{_SPLIT} ?[x×*] ?(?P<count>\d+)\b(?! ?(?:tp|pp|dp|ep))", re.I)
"""Replicas of a split: '4 x TP4', 'TP4 x 4'."""


def _counted(text: str) -> str:
    return _COUNTED_AFTER.sub(_IN_WORDS, _COUNTED.sub(_IN_WORDS, text))


_IN_WORDS: Final = r"\g<count> replicas of \g<split>"


_MEMBERS: Final = r"(?:replicas?|gpus?|cards?|nodes?|instances?|pods?|workers?|[ahb]\d{2,3}s?)"
_OF_A_PHASE: Final = re.compile(
    rf"(?<![\w.,])\d+ ?x? ?(?:{_MEMBERS} )?"
    r"(?:(?:for|do(?:es|ing)?|on|as|the) )*(?=(?:prefill|decod)\w*\b)|"
    rf"\b(?P<phase>prefill|decode)(?: (?:on|with|gets|takes))? \d+ {_MEMBERS}\b",
    re.I,
)
"""How many serve one of two phases that are not planned apart: no fleet's."""
_APART: Final = re.compile(r"\bdisaggregat\w+|\bprefill\b.*\bdecod\w*|\bdecod\w*.*\bprefill\b", re.I)


def _variant(said: str, base: Mapping[str, Any], ports: Ports) -> Understood:
    said = _OF_A_PHASE.sub(r"\g<phase>", said) if _APART.search(said) else said
    said = _counted(said)
    change, drops = Change({}, {}, {}), frozenset[str]()
    chained = is_chained(said)
    moved = percentile_moved(said, base, change)
    if isinstance(moved, Unclear):
        return Understood(moved)
    said = moved
    said, mixed = with_means(as_moved(without_latency(said), base), base)
    said = in_plain_words(said)
    text = _SAYS_CHEAPER.sub(" ", _OPENING.sub("", said, count=1))
    cheapest = bool(_CHEAPEST.search(text))
    readings: list[Reading] = []
    parts = MENDED.split(in_figures(_CHEAPEST.sub(" ", text), least_words=2))
    for before, after in zip(("", *parts), parts, strict=False):
        made = read_part(corrected_factor(before, after), base, ports, change)
        if isinstance(made, Unclear):
            return Understood(made)
        readings.append(made[0])
        drops |= made[1]
    values, labels = change.values, ", ".join(dict.fromkeys(change.labels.values()))
    unused, objections, notes = (
        tuple(chain.from_iterable(getattr(one, name) for one in readings)) for name in ("unused", "objections", "notes")
    )
    notes = (*notes, mixed) if mixed else notes
    part = "" if mixed or not _LENGTHS & values.keys() else next(filter(_PART_OF.search, unused), "")
    if "targets" in values:
        unused = tuple(words for words in unused if not ADDS.fullmatch(words))
    budget = "money.monthly_budget_usd" in values and "money.monthly_budget_usd" not in drops
    if cheapest and "hardware.accelerators" not in values:
        drops |= {"hardware.accelerators"}
    if cheapest:
        labels = f"cheapest with {labels}" if labels else "cheapest accelerator"
    variation = Variation(values, change.details, labels, frozenset(drops - values.keys()), chained)
    questions = tuple(one for reading in readings for one in reading.questions)
    variation, questions, taken = _settled(variation, questions, base)
    notes = *notes, *taken
    if questions:
        return Understood(Ask(variation, questions), unused, notes)
    if part:
        unclear = Unclear(f"{quoted(part)} has another length, and the others? {_AS_A_MIX}")
    elif variation.values or cheapest or drops:
        unclear = None
    elif change.denied and not unused and not objections:
        unclear = Unclear(f"Then nothing changes: {quoted(', '.join(change.denied))}.")
    else:
        unclear = Unclear(_why_unclear(said, objections), nothing=not objections)
    if unclear is not None:
        return Understood(unclear, () if part or objections else unused, notes)
    request = Cheapest(variation) if cheapest or budget else WhatIf(variation)
    return Understood(request, (*unused, *objections), notes)


_MOST_ITL_S: Final = 5.0
"""Between two tokens, in seconds: no target is longer."""


def _settled(
    change: Variation, questions: tuple[Ambiguity, ...], base: Mapping[str, Any]
) -> tuple[Variation, tuple[Ambiguity, ...], tuple[str, ...]]:
    """Return a change with what its questions leave one choice for, the other questions, and how those were read."""
    left: list[Ambiguity] = []
    notes: list[str] = []
    for one in questions:
        able = [choice for choice in one.choices if not _is_absurd(choice.value)]
        if len(able) != 1 or one.path != "targets" or able[0].value is None:
            left.append(one)
            continue
        change = with_choice(change, one.path, able[0].value, one.words, base)
        notes.append(f"{quoted(one.words)} is read as {able[0].label}.")
    return change, tuple(left), tuple(notes)


def _is_absurd(value: Any) -> bool:
    """Return whether a value is a target that is nobody's: '40 s' between tokens."""
    targets = value if isinstance(value, tuple) else ()
    return any(getattr(one, "metric", "") == "itl" and one.seconds > _MOST_ITL_S for one in targets)


_LENGTHS: Final = frozenset({"tokens.input.mean", "tokens.output.mean", "serving.context_window"})
_PART_OF: Final = re.compile(
    r"(?:%|percent) of\b|\b(?:half|third|quarter|fifth|tenth) of\b|\bone in \w+|\bevery (?:\w+(?:th|rd|nd)|other)\b",
    re.I,
)
"""A part of the prompts or answers, beside whose length that of all is not known."""
_AS_A_MIX: Final = "Say '5% of the prompts are 30,000 tokens' for a part of them, 'prompts of 30,000 tokens' for all."


def _why_unclear(said: str, objections: tuple[str, ...]) -> str:
    if objections:
        return " ".join(objections)
    return (
        f"I found no change in {quoted(said)}. For example: 'what if traffic doubles', 'with fp8', 'on H200', "
        "'compare H100 and B200', 'why so many GPUs'; 'help' lists more."
    )
