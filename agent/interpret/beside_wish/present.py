"""What a line tells of now, apart from what it wants: 'currently 2x L40S, 14 rps; we need 40 rps'.

A line is cut at its commas, stops and conjunctions. What is told of now is read by itself: the server of today is said
and fills nothing; a model or an accelerator that the wish does not name is offered, as today's; a load, a length or a
habit that the wish does not say anew is the wish's too. Words of time tell of now, verbs of running do where the line
wants something else besides, and so do tables of kubectl and counts of a manifest.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, USERS
from agent.interpret.beside_wish.printed import deployed_in, may_be_printed, measured_in
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.leftovers import covered
from agent.interpret.facts.reading import TODAY, Choice
from agent.interpret.traffic.growth import GROWTH
from agent.interpret.traffic.rates import NEEDED
from agent.interpret.words.grammar import Item, Rule, Sentence, rules
from catalogs.units import show_seconds
from engine.workload import target_name

MODEL: Final = "model"
TARGETS: Final = "targets"
CARD: Final = "hardware.accelerators"
PRECISION: Final = "precision.weights"
_SYSTEM: Final = (
    "gpu", "gpus", "gpunoun", "node", "replica", "para", "model", "prec", "runtime", "machine", "ttft", "itl", "e2e",
)  # fmt: skip
"""Kinds of what a server is and does: a clause of now with one of them tells of a server, as do those behind it."""
LOAD: Final = (
    "traffic.requests_per_s", "traffic.concurrency", USERS, HABIT, "traffic.peak_factor", "traffic.calls_per_request",
)  # fmt: skip
_WORKLOAD: Final = (LOAD, ("tokens.input.mean", "tokens.input.p95"), ("tokens.output.mean", "tokens.output.p95"))
"""What is served: as today where nothing else is said. The paths of a group are said anew together."""

_NOW: Final = re.compile(
    r"\b(?:today|todays|currently|presently|nowadays|status quo|as of (?:now|today)|right now|"
    r"at (?:the moment|present)|these days|so far|up to now|(?:our|the|my) (?:current|existing|present)|"
    r"i inherited|since ~|in prod(?:uction)? since|now (?:we|it|they) (?:run|runs|use|uses)|"
    r"(?:is|are|were|im|run|runs|use|using) now|"
    r"(?:pods?|replicas?|instances|copies|nodes|boxes) (?:are |is )?(?:up|live|deployed|running|serving))\b|"
    r"^(?:as is|existing|current(?! (?:target|goal))|now (?:on|at))\b|"
    r"^now [:=~]|\bold (?:one|box|boxes|server|servers|system|setup|cluster|cards|machines?)\b"
)
"""Words of time that tell of now, in the English that rules read."""
_RUNS: Final = re.compile(
    r"^(?:\W|so|hi|hey|hello|well|and|but|team|all)*(?:(?:we|i|were|im)(?: are| am)? (?:run|runs|running|serve|use|"
    r"using|host|hosting|operate|operating|(?:at|on) ~ (?:of|gpus|cards))\b|(?:(?:our|my|the) )?(?:prod|production|"
    r"cluster|setup|deployment|stack|fleet) (?:is|has|runs|sees|=|:))|^in prod(?:uction)?\b"
)
"""How a clause begins that tells what runs. Of now only where another wants something: 'we run 8B on L4, 30 rps'."""
_IS_ON: Final = re.compile(r"^(?:the |our )?(?:model|it)s? (?:is|=) ~[^.;]*\bon\b")
"""How a clause tells where the model runs: of now where the line wants something back as it was."""
_BACK: Final = re.compile(r"\bback (?:to|below|under|down|up)\b")
_WANTS: Final = re.compile(
    r"^(?:(?:and|but|so) )?(?:what|how|which|why)\b|\b(?:want|wants|wanted|wish|wished|need|needs|needed|require|"
    r"requires|required|requirement|expect|expects|expecting|expected|survives?|withstand|plan|plans|planning|planned|"
    r"target|targets|goal|aim|aiming|should|must|shall|will|would|has to|have to|needs to|going (?:to|up|from)|goes "
    r"(?:to|up)|moving|move|migrate|migrating|switch|switching|replace|upgrade|launch|launches|rollout|soon|later|"
    r"tomorrow|upcoming|future|next|after|new (?:one|setup|cluster|model|target)|d like|hope|size for|sizing|instead|"
    r"sl[ao]s? (?:says?|is|of|asks?|wants?)|double|doubles|triple|triples|in q[1-4]|from (?:january|march|april|may|"
    r"june|july|september|october)|by (?:the )?(?:end|next|then|month|year|q[1-4]|spring|summer|autumn|fall|winter|"
    r"christmas|january|february|march|april|may|june|july|august|september|october|november|december))\b"
)
_SERVER: Final = re.compile(
    r"\b(?:current|existing|present|old) (?:one|setup|system|cluster|fleet|stack|pods?|cards)\b"
)
CAPACITY: Final = re.compile(
    r"\bhow (?:many|much) (?:\w+ ){0,2}?(?:users?|people|requests?|rps|qps|traffic|load|customers|seats|sessions)\b|"
    r"\bmax(?:imum)? (?:rps|qps|rate|load|traffic|throughput)\b|\bwhat (?:rate|load|traffic)\b|"
    r"\bcan (?:it|they|these|those|this|that) (?:do|hold|take|handle|serve|carry|cope|manage)\b"
)
"""Asks what a fleet holds: then the fleet that there is is the one that is planned."""
_SAME_MODEL: Final = re.compile(
    r"\bsame (?:\w+ ){0,2}?model\b|\bmodel (?:\w+ ){0,2}?(?:same|stays|remains|unchanged)\b"
)
_ENDS: Final = frozenset({"and", "but", "while", "whereas", "so", "with"})
_HINTS: Final = frozenset(
    "today todays today's currently presently nowadays quo now moment present days far current existing production "
    "prod run runs running serve use using host hosting operate operating cluster setup deployment stack fleet "
    "inherited as old back since replace replacing replaces swap swapping migrate migrating migration move moving "
    "switch switching upgrade upgrading were off away leaving up live deployed serving".split()
)
"""Words without which nothing is told of now: most lines have none of them."""
_FROM_TO: Final = Rule(
    "a:num arrow num token? ('in' | 'out' | inplain | outplain) (?! arrow | comma? ('in' | 'over' | 'by') dur)"
)
"""'avg 1.1k -> 8k in': where a line tells of now, what stands before the arrow is of now."""
_WHAT_IS_LEFT: Final = "(num | mult | width | dur | loose)"
_THAT_WAS: Final = re.compile(r"(?mi)^\W*(?:that|this|it)(?:['’]s| is| was| were) [^.;\n]*")
"""A line that says what was measured in those above it: 'that's what one box does'."""
_LEFT: Final = rules(
    "('migrate' | 'migrating' | 'migration' | 'move' | 'moving' | 'switch' | 'switching' | 'upgrade' | 'upgrading' "
    "| 'come' | 'coming' | 'going' | 'get' | 'getting') (model | 'our' | 'the' | 'it' | 'this' | prec | "
    f"unknown){{0,3}} f:('from' | 'off' | 'away') {_WHAT_IS_LEFT}{{1,30}}? t:('to' | 'new' | 'want' | stop)",
    f"f:('replace' | 'replacing' | 'swap' | 'swapping' | 'leaving') {_WHAT_IS_LEFT}{{1,14}}? "
    "t:('by' | 'with' | 'for' | 'behind')",
)
"""'Migrate from 4xA100 (tp4, llama-2-70b) to 2xH100', 'replace 9 g5.12xlarge by g6e', 'moving off 16 A100 where p95 is
2 s.': what is left runs now."""
_REPLACED: Final = re.compile(r"\breplac(?:es?|ing) (?:them|it|those|these|that|this)\b")
"""Says of all that is told before it that it runs now: 'what replaces them'."""
_NO_WORSE: Final = re.compile(
    r"\b(?:(?:ttft|itl|e2e) \W?)?(?:is |be |should |must |stay |stays )*(?:no|not|never) (?:worse|slower|longer|higher|"
    r"more)\b[^.;]*\b(?:now|today|currently|present)\b|\bas (?:fast|good|quick) as (?:now|today|it is)\b"
)
"""Takes the latency of now for the target."""
_ABBREVIATED: Final = frozenset("ca approx incl etc e g i vs max min avg nr no resp bzw".split())


def spans_of_now(sentence: Sentence) -> list[tuple[int, int]]:
    """Return where a sentence tells of now, in characters of its text.

    Args:
        sentence: with its names and numbers made.
    """
    text = sentence.text
    if _HINTS.isdisjoint({item.word for item in sentence.items}) and not may_be_printed(text):
        return []
    lowered = plain_words(sentence.items)
    measured = measured_in(text)
    if CAPACITY.search(lowered):
        return measured
    spans = [*measured, *deployed_in(text)]
    spans += _clauses_of_now(sentence, bool(spans))
    spans += _around(sentence, measured)
    for match in (match for rule in _LEFT for match in rule.matches(sentence)):
        if any(item.has(*_SYSTEM) for item in sentence.items[match.index("f") : match.index("t")]):
            spans.append(sentence.span(match.index("f"), match.index("t") - 1))
    if spans:
        spans += [sentence.span(match.index("a"), match.index("a") + 1) for match in _FROM_TO.matches(sentence)]
    return spans


def plain_words(items: Iterable[Item]) -> str:
    """Return the words of items, in English; of names and numbers a mark."""
    return " ".join(item.word.replace("'", "") if not item.has(*_NAMED) else "~" for item in items)


_NAMED: Final = ("model", "gpu", "num", "prec", "dur")


class _Clause:
    """A run of items between two cuts."""

    def __init__(self, items: Sequence[Item], first: int, stop: int, sentence: int) -> None:
        self.first, self.stop, self.sentence = first, stop, sentence
        words = plain_words(items[first:stop])
        ahead = plain_words(items[first : stop + 1])  # with the mark behind it: 'prod today :'
        self.replaced = _REPLACED.search(words) is not None
        self.wants = _WANTS.search(words) is not None or any(
            items[at].has("mult") and not _counts_system(items, at) for at in range(first, stop)
        )
        self.now = _NOW.search(ahead) is not None and not self.wants
        self.ends_now = self.now and re.search(rf"(?:{_NOW.pattern})\W*$", words) is not None
        self.runs = _RUNS.search(ahead) is not None and not self.wants
        self.back, self.is_on = _BACK.search(words) is not None, _IS_ON.search(words) is not None
        self.system = any(item.has(*_SYSTEM) for item in items[first:stop]) or _SERVER.search(words) is not None
        self.heads = (self.now or self.runs) and re.search(r"[:=]\s*\n?\s*$", ahead) is not None


def _counts_system(items: Sequence[Item], at: int) -> bool:
    """Whether a factor counts what runs: '2x L40S', '2x (4x L40S)', and not 'twice today's 9 rps'."""
    opened = any(item.has("paren") for item in items[at + 1 : at + 2])
    return any(item.has(*_SYSTEM) for item in items[at + 1 : at + (5 if opened else 2)])


def _cut(items: Sequence[Item]) -> list[_Clause]:
    clauses: list[_Clause] = []
    first = sentence = 0
    for index, item in enumerate(items):
        if item.has("comma", "stop") or item.word in _ENDS or item.word in (":", "="):
            if index > first:
                clauses.append(_Clause(items, first, index, sentence))
            first = index + 1
            spaced = index + 1 == len(items) or items[index + 1].start > item.end or items[index + 1].word == "\n"
            ends = item.word != "." or (spaced and items[max(0, index - 1)].word not in _ABBREVIATED)
            if item.has("stop") and ends and not (item.word == "\n" and clauses and clauses[-1].heads):
                sentence += 1
    if first < len(items):
        clauses.append(_Clause(items, first, len(items), sentence))
    return clauses


def _clauses_of_now(sentence: Sentence, pasted: bool) -> list[tuple[int, int]]:
    clauses = _cut(sentence.items)
    wanted = pasted or any(clause.wants for clause in clauses)
    replaced = max((clause.first for clause in clauses if clause.replaced), default=0)
    was_better = any(clause.wants and clause.back for clause in clauses)
    spans: list[tuple[int, int]] = []
    goes_on, at = False, -1
    for clause in clauses:
        if clause.sentence != at:
            goes_on, at = False, clause.sentence
        runs = clause.runs or (was_better and clause.is_on) or (clause.first < replaced and clause.system)
        begins = clause.now or (runs and wanted and (clause.system or clause.heads))
        if clause.wants:
            goes_on = False
        elif begins or goes_on:
            spans.append(sentence.span(clause.first, clause.stop - 1))
            goes_on = goes_on or clause.system or clause.heads
            if clause.ends_now and clause.system:
                spans += _behind_in(sentence.items, clauses, clause)
    return spans


def _around(sentence: Sentence, measured: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the clauses beside what was measured that say of what: the line above, and those behind until a wish."""
    told = _THAT_WAS.search(sentence.text)
    if not measured and told and may_be_printed(sentence.text[: told.start()]):
        return [(0, told.end())] if _WANTS.search(sentence.text[told.end() :].lower()) else []
    if not measured:
        return []
    start, end = min(start for start, _ in measured), max(end for _, end in measured)
    above = sentence.text.rfind("\n", 0, max(0, start - 1)) + 1
    found: list[tuple[int, int]] = []
    for clause in _cut(sentence.items):
        begins, ends = sentence.span(clause.first, clause.stop - 1)
        if begins >= end and clause.wants:
            break
        if begins >= end or above <= begins < ends <= start:
            found.append((begins, ends))
    return found


def _behind_in(items: Sequence[Item], clauses: Sequence[_Clause], clause: _Clause) -> list[tuple[int, int]]:
    """Return the clauses of the same sentence before one that ends with its word of now: '2 A100, TP2, today'."""
    before: list[tuple[int, int]] = []
    for one in reversed(clauses[: clauses.index(clause)]):
        if one.sentence != clause.sentence or one.wants:
            break
        if one.system:
            before.append((items[one.first].start, items[one.stop - 1].end))
    return before


def without_now(
    sentence: Sentence,
    spans: Sequence[tuple[int, int]],
    drafted: Callable[[Sentence, Sequence[tuple[int, int]]], Draft],
) -> Draft:
    """Return the draft of what a line wants; what it tells of now is in its notes and questions.

    Args:
        sentence: with its names and numbers made, and nothing taken.
        spans: where it tells of now.
        drafted: makes a draft by the rules of a sentence, some spans of which were dropped.
    """

    def within(start: int, places: Sequence[tuple[int, int]]) -> bool:
        return any(low <= start < high for low, high in places)

    def left(taken: Callable[[int], bool]) -> Sentence:
        items = [copy(item) for item in sentence.items]
        for item in items:
            item.claimed = item.claimed or (taken(item.start) and _tells(item))
        return Sentence(sentence.text, items)

    whole = drafted(left(lambda start: False), ())
    if not any(item.has(*_SYSTEM) and within(item.start, spans) for item in sentence.items) and _is_one_load(whole):
        return whole
    now = drafted(left(lambda start: not within(start, spans)), ())
    wish = drafted(left(lambda start: within(start, spans)), spans)
    kept = [place for group in _WORKLOAD for place in _of(now, group) if not _of(wish, group)]
    if kept:
        wish = drafted(left(lambda start: within(start, spans) and not within(start, kept)), spans)
    wish.dropped[:] = [*(span for span in wish.dropped if span not in spans), *now.dropped]
    _tell(wish, now, kept)
    return wish


def _is_one_load(draft: Draft) -> bool:
    """Whether a line that tells of a load alone tells of one: with its growth, or of today's with nothing beside it."""
    several = any(len({o.value for f in draft.findings if f.path == path for o in f.options}) > 1 for path in LOAD)
    bare = any(match for match in NEEDED.matches(draft.sentence))
    return draft.has(GROWTH) or not (several or bare)


def _of(draft: Draft, paths: Iterable[str]) -> list[tuple[int, int]]:
    """Return where something was read, or is asked, of some paths."""
    found = [(one.start, one.end) for one in draft.findings if one.path in paths]
    return found + [(start, end) for _, path, _, start, end in draft.questions if path in paths]


def _tells(item: Item) -> bool:
    return item.amount is not None or item.numeric or item.has(*_SYSTEM, "place", "provider", "region", "preset")


def _tell(wish: Draft, now: Draft, kept: Sequence[tuple[int, int]]) -> None:
    """Say what is of now, and offer today's model and accelerator where the wish names none."""
    told = sorted((one for one in now.findings if (one.start, one.end) not in kept), key=lambda one: one.start)
    told = _targets_of_now(wish, told)
    text = wish.sentence.text
    asked = [(start, end) for *_, start, end in now.questions if (start, end) not in kept]
    measured = measured_in(text)
    printed = [*measured, *deployed_in(text)]
    said = [
        one.options[0].echo.removeprefix("exactly ")
        for one in told
        if len(one.options) == 1 and not (one.path == TARGETS and any(a <= one.start < b for a, b in measured))
    ]
    if said or asked or printed:
        places = dict.fromkeys([*((one.start, one.end) for one in told), *asked, *printed])
        widest = [(a, b) for a, b in places if not any((c, d) != (a, b) and c <= a and b <= d for c, d in places)]
        typed = " … ".join(" ".join(text[start:end].split()) for start, end in sorted(widest))
        typed = typed if len(typed) < _LONGEST_TYPED else f"{typed[:_SHORT]} … {typed[-_SHORT:]}"
        echoes = "; ".join(dict.fromkeys(filter(None, said)))
        note = f"{TODAY} as I read {typed!r}{': ' if echoes else ''}{echoes}. It is no part of what is planned"
        wish.notes += [(note, start, end) for start, end in places]
    _offer(wish, [one for one in told if len(one.options) == 1])
    if not (wish.has(MODEL) or wish.known.get(MODEL)):
        wish.questions += [one for one in now.questions if one[1] == MODEL and one[3:] not in kept]
    taken = covered(wish)
    for index, item in enumerate(wish.sentence.items):
        if item.claimed and not item.numeric and not taken[item.start]:
            wish.sentence.take(index, False)  # neither of now nor of the wish: told as not used


_LONGEST_TYPED, _SHORT = 300, 100
"""Characters of what is told of now, as it is said back, and of its beginning and its end where it is longer."""


def _targets_of_now(wish: Draft, told: list[Finding]) -> list[Finding]:
    """Return what is told of now without the latency that the wish takes over; what 'it' shall be is of that latency.

    'TTFT is 2.3 s, it should be below 1 s'; 'TTFT no worse than now'.
    """
    certain = [one for one in told if one.path == TARGETS and len(one.options) == 1]
    if not certain or wish.has(TARGETS):
        return told
    if same := _NO_WORSE.search(plain_words(wish.sentence.items)):
        named = [one for one in certain if one.options[0].value[0].metric in same.group()]
        wish.findings += named or certain
        return [one for one in told if one not in wish.findings]
    free = [at for at, item in enumerate(wish.sentence.items) if item.has("dur") and not item.claimed]
    if len(certain) == 1 and len(free) == 1:
        _want(wish, certain[0], free[0])
    return told


def _want(draft: Draft, measured: Finding, at: int) -> None:
    """Note the time at an item as the limit of the latency that was measured."""
    target, item = measured.options[0].value[0], draft.sentence.items[at]
    unit = 1.0 if item.has("dur") or item.number.value < target.seconds else 1000.0
    wanted = replace(target, seconds=item.number.value / unit)
    shown = f"{target_name(wanted.metric, wanted.percentile)} ≤ {show_seconds(wanted.seconds)}"
    draft.found(TARGETS, at, at, [Option((wanted,), shown)])


_DOWN_TO: Final = Rule(
    "('down' | 'reduce' | 'lower' | 'cut' | 'improve' | 'bring') near{0,5} ('to' | under) approx? (x:dur | x2:num (?= "
    "comma | stop | conj | $))"
)


def take_wished_target(draft: Draft) -> None:
    """Take what a latency is to be brought down to, and tell what it is now: 'e2e is 9 s, bring it down to 5'."""
    measured = [one for one in draft.findings if one.path == TARGETS and len(one.options) == 1]
    for match in _DOWN_TO.matches(draft.sentence) if len(measured) == 1 else ():
        start, end = measured[0].start, measured[0].end
        if draft.sentence.items[match.last].start < end:
            continue
        draft.findings.remove(measured[0])
        _want(draft, measured[0], match.last)
        draft.notes.append((f"{TODAY} as I read {draft.sentence.text[start:end]!r}. It is no target", start, end))


def _offer(wish: Draft, told: Sequence[Finding]) -> None:
    """Ask for today's model and accelerator where the wish has none."""
    by_path = {one.path: one for one in told}
    model, precision, card = (by_path.get(path) for path in (MODEL, PRECISION, CARD))
    if model is not None and not (wish.has(MODEL) or wish.known.get(MODEL)):
        with_it = [precision] if precision is not None and not wish.has(PRECISION) else []
        also = {one.path: one.options[0].value for one in with_it}
        shown = " in ".join([model.options[0].value, *also.values()])
        if _SAME_MODEL.search(plain_words(wish.sentence.items)):
            wish.findings += [model, *with_it]
        else:
            choice = Choice(model.options[0].value, f"the same as today: {shown}", usual=True, also=also)
            text = "Which model shall be planned?"
            wish.questions.append((text, MODEL, (choice,), model.start, model.end))
    if card is not None and not (wish.has(CARD) or wish.known.get(CARD) or wish.has("hardware.excluded")):
        names = " or ".join(card.options[0].value)
        choices = (
            Choice(card.options[0].value, f"on {names}, as today", usual=True),
            Choice((), "on any accelerator: the cheapest fleet that fits"),
        )
        wish.questions.append((f"Planned on {names}, as today, or on any?", CARD, choices, card.start, card.end))
