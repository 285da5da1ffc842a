"""Questions about a plan, in words: what if, compare, cheapest, why. Each becomes a typed request."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agent.after_plan.multiples import METRICS, added, corrected_factor, scaled, with_shared_factor
from agent.after_plan.wording.mixes import with_means
from agent.after_plan.wording.moves import INSTEAD, as_moved
from agent.after_plan.wording.plain_words import MENDED, TAKE_BACK, TO_A_FIGURE, in_plain_words
from agent.after_plan.wording.withdrawn import STAYS, withdrawn, without_latency
from agent.fields.demand import CROWD, GIVEN_AS, USERS
from agent.fields.table import FIELDS
from agent.interpret.facts.reading import Ambiguity, Reading
from agent.interpret.traffic.scope import PEAK, RATE
from agent.interpret.words.numerals import in_figures
from agent.interpret.words.tongues import CHINESE, in_english
from agent.talk.answer_display import value_shown, variant_shown
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
from agent.talk.state import Ports, joined_targets
from catalogs.errors import quoted

_WITHOUT: Final = tuple(
    (
        re.compile(rf"\b(?:without|no|ignoring|ignore) (?:a |the |any )?(?:{words})\b", re.I),
        {field.path: field.absent.value for field in FIELDS.values() if field.absent and field.absent.words == words},
        label,
    )
    for words, label in dict.fromkeys((f.absent.words, f.absent.label) for f in FIELDS.values() if f.absent)
)
"""What a line may do without: its pattern, the values by path, the variant's label."""
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
_ADDS: Final = re.compile(r"\b(also|add|plus|as well|too|additionally)\b", re.I)
_NO_BUDGET: Final = re.compile(r"\bwithout (?:a|the|any) budget\b", re.I)
_SETS: Final = re.compile(
    r"\b(?:drop|lower|reduce|raise|relax|lift|loosen|tighten|cut|set|change|move|correct|fix|adjust|update|modify|bring|increase|go(?:es)?|grow|rise|fall|"
    r"shrink|get)s?(?: (?:up|down|back))?\s+(?=(?:(?!\b(?:to|by|with)\b)[^,;])*\bto \W?\d)",
    re.I,
)
"""A verb before the figure that it sets: 'lower the TTFT target to 300 ms'."""
_CLAUSE: Final = re.compile(r"\s*(?:,(?!\d)|;|\band\b|\bbut\b|\bwhile\b)\s*", re.I)


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
    if match := re.fullmatch(r"(?:show|print)(?: me)?(?: the)?(?: plan| answer| screen)?(?: (\d{1,3}))?", lower):
        return Understood(Show(int(match[1]) if match[1] else None, full=False))
    if match := re.match(r"(?:please )?(?:compare|vs\.?|versus)\b\s*(.*)", said, re.I):
        return _comparison(match[1], base, ports)
    return _variant(said, base, ports)


_KEPT_ABROAD: Final = re.compile(
    r"\A(?:(?:gut|ok(?:ay)?|ja|oui|d'accord|bien|vale|sí|si|va bene|bene|certo|sim|está bem|goed|prima|dobrze|"
    r"tak),? )*"
    r"(?:nimm|nehmen wir|behalten wir|prends|on prend|on garde|garde|toma|usa|usamos|quédate con|prendi|prendiamo|"
    r"usiamo|fica com|ficamos com|neem|we nemen|weź|bierzemy) "
    r"(?:das|den|die|diesen|dies|ça|cela|celui-là|eso|ese|esa|quello|quella|questo|esse|essa|isso|dat|die|to)"
    r"(?:,? (?:dann|so|alors|entonces|allora|então|maar|dan|bitte|por favor))*\Z"
)
"""'Gut, nimm das'."""


_NO_TARGET: Final = re.compile(
    r"(?:remove|drop|scrap|forget|ditch|delete|cancel|lift|nobody cares about|no one cares about|we don'?t (?:need|care"
    r" about)"
    r"|without|no)\s+(?:(?:the|that|this|an?|any|our|all|about)\s+)*(?:(?P<metric>ttft|itl|tpot|e2e|end[- ]to[- ]end|"
    r"first[- ](?:token|word)|latency|p9\d)\s*)*(?:latency\s+)?"
    r"(?:targets?|requirements?|limits?|promises?|slos?|slas?|goals?|"
    rf"any ?more|(?<=ttft)|(?<=itl)|(?<=token)){TO_A_FIGURE}(?:\s*(?:any ?more|please))?",
    re.I,
)
"""A target that is taken back, or all of them where no metric is named."""


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
    change, drops = _Change({}, {}, {}), frozenset[str]()
    chained = is_chained(said)
    moved = _percentile_moved(said, base, change)
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
        made = _read_part(corrected_factor(before, after), base, ports, change)
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
        unused = tuple(words for words in unused if not _ADDS.fullmatch(words))
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


_HELD: Final = frozenset({"traffic.requests_per_s", GIVEN_AS})
"""What a second sentence goes on from: '20 rps was the mean, sorry. The peak is 3x'."""
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


def _split_off(clause: str) -> tuple[str, str]:
    """Return a clause before and from its first 'with', 'on', 'using': '20% more users', 'on H200'."""
    beside = re.search(r"(?<=\S)\s+(?=(?:with|on|using|at|in|for)\s)", clause)
    return (clause[: beside.start()], clause[beside.end() :]) if beside else (clause, "")


def _times_or_more(clause: str, base: Mapping[str, Any]) -> list[tuple[str, Any, str]] | Unclear | None:
    """Return what a clause adds or else multiplies, as ``scaled``."""
    more = added(clause, base)
    return scaled(clause, base) if more is None else more


class _Change(Struct):
    """What a line changes, as far as it is read."""

    values: dict[str, Any]
    """By path, in base units."""
    details: dict[str, str]
    """The words behind each value."""
    labels: dict[str, str]
    """How each value is shown, by path."""
    denied: list[str] = []
    """Clauses that say what is not to be: 'don't double the traffic'."""


def _read_part(
    part: str, base: Mapping[str, Any], ports: Ports, change: _Change
) -> tuple[Reading, frozenset[str]] | Unclear:
    """Take a part of a line into a change; return how it was read, and the paths that it leaves open."""
    # What a second part says of the same thing holds in place of the first; it adds no target to one taken back.
    known = {**base, "targets": change.values["targets"]} if "targets" in change.values else base
    left, dropped = _taken_back(part, known, change)
    left, let_go = _let_go(left, base, ports, change)
    english = in_english(left)
    multiplied = _multiplied(english, known, change)
    if isinstance(multiplied, Unclear):
        return multiplied
    left = _SETS.sub("", left if multiplied == english else multiplied)
    left = _IN_PLACE_OF.sub(lambda found: _new_thing(found, base, ports), left)
    held = {**base, **{path: change.values[path] for path in _HELD & change.values.keys()}}
    reading = ports.read(left, ports.catalog, asked_path=None, known=held) if left.strip() else Reading()
    _take(reading, change, base, replace_metric=not _ADDS.search(left))
    return reading, dropped | let_go


def _let_go(text: str, base: Mapping[str, Any], ports: Ports, change: _Change) -> tuple[str, frozenset[str]]:
    """Return a line without what the plan has and the line gives up, 'forget TP2', and the paths that are left open."""
    gone: dict[str, str] = {}
    for match in _GIVEN_UP.finditer(text):
        read = ports.read(match["what"], ports.catalog, asked_path=None, known=base)
        has = bool(read.values) and all(base.get(path) == value for path, value in read.values.items())
        if has and not read.unused and not (match["without"] and read.values.keys() & _REFUSED):
            gone |= {path: f"{variant_shown(path, value)} no longer held" for path, value in read.values.items()}
            text = text.replace(match[0], "")
    change.labels |= gone
    return text, frozenset(gone)


_REFUSED: Final = frozenset({"hardware.accelerators", "money.provider"})
"""What a line may do without that is then ruled out: 'without H100'."""
_THING_ENDS: Final = r"(?=\W*$|[,;]| (?:and|but|with|at)\b)"
_GIVEN_UP: Final = re.compile(
    rf"\b(?:{TAKE_BACK}|(?P<without>without (?:the )?))"
    rf"(?P<what>(?:(?! (?:to|by|from|under)\b)[^,;.?!]){{2,30}}?){_THING_ENDS}",
    re.I,
)
_IN_PLACE_OF: Final = re.compile(
    rf"(?P<new>[^,;.?!]+?),? (?:{INSTEAD}|not) (?:(?:the|in|on(?! demand)) )*(?P<old>[^,;?!]+?){_THING_ENDS}|"
    r"(?:\b(?:switch|move|change|migrate|go|shift|swap|convert|port)(?:s|d|es|ed|ing)?\b(?P<what>[^,;]*?) )?"
    rf"\bfrom (?P<left>(?!\W?\d+\b)[^,;]+?) to (?P<for>[^,;?!]+?){_THING_ENDS}",
    re.I,
)
"""A thing beside the one that it replaces: 'Ireland, not Frankfurt', 'spot instead of on demand', 'from 70B to 8B'."""


def _new_thing(found: re.Match[str], base: Mapping[str, Any], ports: Ports) -> str:
    """Return the words without the old thing where both are of one field; as they are where they are not."""
    new = re.sub(r"^\W*(?:and|but)\b", "", found["new"] or f"{found['what'] or ''} {found['for']}")
    old = found["old"] or found["left"]
    for lead in ("", "in "):
        made, gone = (ports.read(f"{lead}{words}", ports.catalog, asked_path=None, known=base) for words in (new, old))
        if gone.values and gone.values.keys() <= made.values.keys() and not gone.unused:
            return f"{lead}{new}"
    return found[0]


def _multiplied(text: str, base: Mapping[str, Any], change: _Change) -> str | Unclear:
    """Take what the clauses of a text multiply or add into a change, one after the other; return the clauses left."""
    clauses = with_shared_factor([part for part in _CLAUSE.split(text) if part])
    made: dict[str, Any] = {}
    rest: list[str] = []
    for clause in clauses:
        head, tail = _split_off(clause)
        multiplied = _times_or_more(head, {**base, **made}) if tail else None
        if not multiplied:
            multiplied, tail = _times_or_more(clause, {**base, **made}), ""
        if multiplied is None and rest and not re.search(r"\d", rest[-1]) and scaled(rest[-1], base) is None:
            # 'chattier answers, about double': the factor is of the clause before it.
            joined = scaled(f"{rest[-1]} {clause}", base)
            multiplied = joined if isinstance(joined, list) else None
            rest = rest[:-1] if multiplied else rest
        if isinstance(multiplied, Unclear):
            return multiplied
        if multiplied is None:
            rest.append(clause)
            continue
        change.denied += [] if multiplied else [clause]
        rest += [tail] if tail else []
        for path, value, label in multiplied:
            before = f"{change.labels[path]}, then " if path in made else ""
            made[path] = change.values[path] = value
            change.details[path], change.labels[path] = clause, f"{before}{label}"
    return text if rest == clauses else ", ".join(rest)


_TARGET_OF: Final = (
    r"(?:\b(?:relax|loosen|tighten|set|move|change|raise|make|switch|put|use|take|go|with)(?: to)? )?"
    r"(?:(?:the|our|my) )?(?:(?:targets?|slos?|slas?|latency|ttft|itl|tpot|e2e|percentile)(?: (?:target|limit)s?)? )"
)
_OTHER_PERCENTILE: Final = re.compile(
    rf"{_TARGET_OF}*+(?:(?:from|at) )?(?:(?:the )?\bp(?P<old>\d\d) ?(?:->|→|=>|to|by) ?p?(?P<new>\d\d)\b|"
    r"\bp(?P<chosen>\d\d) (?:instead of|rather than|in place of|not) (?:the )?p(?P<left>\d\d)\b)|"
    rf"{_TARGET_OF}++(?:to|at) (?:the )?p(?P<sole>\d\d)\b(?! ?\d)(?: instead)?",
    re.I,
)
_SAME_TIME: Final = re.compile(
    r"[,;]? ?\b(?:at |with |but )?(?:the )?same (?:value|limit|time|number|\d[\d.]* ?m?s?)\b", re.I
)
"""The time that a target keeps at another percentile: 'to p99, same 800'."""
_PERCENTILES: Final = ("p50", "p90", "p95", "p99")


def _percentile_moved(said: str, base: Mapping[str, Any], change: _Change) -> str | Unclear:
    """Take targets that move to another percentile into a change, 'from p95 to p90'; return the rest of the line."""
    match = _OTHER_PERCENTILE.search(said)
    if match is None:
        return said
    targets = base.get("targets", ())
    metric = next((name for name, words in METRICS.items() if re.search(words, said, re.I)), "")
    own = {t.percentile for t in targets if metric in ("", t.metric)}
    old = min(own, default="p95") if match["sole"] else f"p{match['old'] or match['left']}"
    new = f"p{match['new'] or match['chosen'] or match['sole']}"
    moved = [t for t in targets if t.percentile == old and metric in ("", t.metric)]
    if new not in _PERCENTILES or not moved:
        what = f"{metric.upper()} " if metric else ""
        return Unclear(
            f"No {what}target was stated at {old}: say it whole, 'with {new} TTFT 800 ms'."
            if new in _PERCENTILES
            else f"A target is at {', '.join(_PERCENTILES)}; {new} is none of them."
        )
    made = joined_targets(tuple(t for t in targets if t not in moved), tuple(replace(t, percentile=new) for t in moved))
    change.values["targets"], change.details["targets"] = made, match[0]
    change.labels["targets"] = f"{' and '.join(t.metric.upper() for t in moved)} at {new} in place of {old}"
    return _SAME_TIME.sub("", f"{said[: match.start()]} {said[match.end() :]}")


def _taken_back(text: str, base: Mapping[str, Any], change: _Change) -> tuple[str, frozenset[str]]:
    """Take what a line does without into the change; return the rest of the line, and the paths that are left open."""
    metric = ""
    if "targets" not in change.values and (match := _NO_TARGET.search(text)):
        metric = next((name for name, words in METRICS.items() if re.search(words, match[0], re.I)), "")
        stated = base.get("targets", ())
        # What nobody stated is a default of its metric, which falls alone where another metric has a target.
        default = bool(metric and stated) and all(t.metric != metric for t in stated)
        path = "default_targets" if default else "targets"
        change.values[path] = "none" if default else tuple(t for t in stated if metric and t.metric != metric)
        change.details[path] = match[0]
        change.labels[path] = f"no {metric.upper()} target" if metric else "no targets"
        text = f"{text[: match.start()]} {text[match.end() :]}" if metric else text
    for pattern, fixed, label in _WITHOUT:
        if match := pattern.search(text):
            change.values |= fixed
            change.details |= dict.fromkeys(fixed, match[0])
            change.labels[next(iter(fixed))] = label
            text = f"{text[: match.start()]} {text[match.end() :]}"
    text = text if metric else _NO_TARGET.sub(" ", text)
    if match := STAYS.search(text):
        change.denied.append(match[0])
        text = STAYS.sub(" ", text)
    text, opened = withdrawn(text, base)
    if match := _NO_BUDGET.search(text):
        opened["money.monthly_budget_usd"] = "no budget"
        text = f"{text[: match.start()]} {text[match.end() :]}"
    change.labels |= opened
    return text, frozenset(opened)


def with_choice(change: Variation, path: str, value: Any, words: str, base: Mapping[str, Any]) -> Variation:
    """Return a change with one more value, chosen where the words left it open.

    Args:
        change: to which the value is added.
        value: as the choice has it; None leaves the change as it is.
        words: that left it open.
        base: values of the plan that is changed, by path.
    """
    if value is None:
        return change
    made = value
    if path == "targets":
        made = joined_targets(change.values.get(path, base.get(path, ())), tuple(value), replace_metric=True)
    elif path in ("hardware.accelerators", "hardware.excluded") and not isinstance(value, tuple):
        made = (value,)
    label = ", ".join(filter(None, (change.label, "" if path == GIVEN_AS else value_shown(path, value))))
    return replace(
        change,
        values={**change.values, path: made},
        details={**change.details, path: words},
        label=label,
        drops=change.drops - {path},
    )


def _take(reading: Reading, change: _Change, base: Mapping[str, Any], replace_metric: bool) -> None:
    """Take what was read into a change."""
    values = change.values
    for path, value in (*reading.values.items(), *((habit.path, habit.value) for habit in reading.habits)):
        if path == "preset":
            continue
        made = value
        if path == "targets":
            made = joined_targets(values.get(path, base.get(path, ())), value, replace_metric)
        elif path == "hardware.excluded":
            made = tuple(dict.fromkeys((*base.get(path, ()), *value)))
            wanted = values.get("hardware.accelerators", base.get("hardware.accelerators", ()))
            if set(wanted) & set(made):
                values["hardware.accelerators"] = tuple(name for name in wanted if name not in made)
        elif path == "hardware.accelerators" and set(value) & set(base.get("hardware.excluded", ())):
            values["hardware.excluded"] = tuple(name for name in base["hardware.excluded"] if name not in value)
        values[path] = made
        if path == GIVEN_AS:
            continue
        change.details[path] = reading.details.get(path, "")
        if path not in CROWD or path == USERS:
            gone = change.labels.get(path, "") if path == "targets" else ""
            shown = variant_shown(path, value)
            # A target that goes and one that comes are both of the change: 'no ITL target, TTFT p95 within 2 s'.
            change.labels[path] = f"{gone}, {shown}" if gone.startswith("no ") else shown

    if given := next((habit.echo for habit in reading.habits if habit.path == GIVEN_AS and habit.value), ""):
        change.labels |= dict.fromkeys({RATE, PEAK} & change.labels.keys(), given)


def _why_unclear(said: str, objections: tuple[str, ...]) -> str:
    if objections:
        return " ".join(objections)
    return (
        f"I found no change in {quoted(said)}. For example: 'what if traffic doubles', 'with fp8', 'on H200', "
        "'compare H100 and B200', 'why so many GPUs'; 'help' lists more."
    )
