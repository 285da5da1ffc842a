"""What a prompt is made of: its parts are one sum, what is the same in each is a share, what grows has a mean.

'8 chunks of 512, a system prompt of 700, the question ~60' are 4,856 tokens of which 700 are the same. A figure is a
part where it stands beside the name of one, in either order; it is none where it counts things ('200 questions a day'),
and one part alone leaves the prompt's length open. 'Prompts of 2,000, system prompt 700' is a whole and what is in it.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

from msgspec import Struct

from agent.interpret.facts.draft import Draft, Option
from agent.interpret.words.grammar import Match, Rule, Sentence, matches_of, rules, whole
from agent.interpret.words.text_units import count_of_tokens, in_tokens
from catalogs.units import show_count, show_figure

_INPUT, _OUTPUT, _SHARED = "tokens.input.mean", "tokens.output.mean", "system_prompt"
MOST_PIECES: Final = 500
"""Of a prompt; more documents than that are a day's work, not one prompt's."""


def _any(words: str) -> str:
    return " | ".join(f"'{word}'" for word in words.split())


_UNIT: Final = "(token | textunit)"
_NOT_COUNTED: Final = (
    "(?! token | textunit | event | thing | chunk | user | time | times | percent | per | adverb | slash | gpunoun | "
    "rateunit | bytes | range | num)"
)
_SAID_OF: Final = "(copula | link | colon | approx | size | unknown | 'adds' | 'another' | paren | 'up' | 'to' | upto)"
_BODY: Final = _any("instructions instruction template templates history schema lore metadata guidelines persona rules")
"""Parts that come as one: '300 of instructions'."""
_ONE: Final = _any(
    "question query message user document article email ticket transcript contract file snippet passage text diff "
    "example code page history memory policy review post context"
)
"""Parts that are counted as well: '60 tokens of question', and not 60 questions."""
_SYSTEM: Final = "('system' | 'sys')"
"""A part that is the same in each prompt, though the words mean other things elsewhere."""
_AT: Final = "('of' | 'at' | '@' | 'a' | 'à' | 'with')"
_PIECES: Final = (
    f"a:num unknown{{0,2}} chunk ({_AT} | 'from' | times | 'having' | paren | comma){{1,2}} approx? b:num u:{_UNIT}? "
    "('each' | per | paren)?",
    f"a:num unknown{{0,2}} chunk (perrequest | per event)? {_AT}{{1,2}} approx? b:num unknown? u:{_UNIT} ('each' | per "
    "| paren)?",  # 4 images per request at 1,280 visual tokens each
    f"(inplain (link | colon){{0,3}} | 'in' colon) a:num times b:num (?! gpu | gpus) {_NOT_COUNTED}",  # in: 6 x 512
    f"a:num unknown{{0,2}} chunk ('of' | 'from') unknown ('at' | 'with' | 'of' | paren) approx? b:num u:{_UNIT}",
    f"a:num times b:num u:{_UNIT}",
    "a:num times b:num chunk (?! per | adverb)",  # 10 x 256 chunks
    f"a:num unknown{{0,2}} chunk comma approx? b:num u:{_UNIT}? l:'each'",  # the last 4 turns, 200 each
)
_PRODUCT: Final = Rule(f"a:num times b:num {_NOT_COUNTED}")
_ADDED: Final = "(comma | paren | 'and'){0,2} (plus | 'plus')"
_WHOLE_FIRST: Final = (
    f"incue (link | colon | paren | mean){{0,4}} n:num u:{_UNIT}? paren? (?= {_ADDED})",
    f"n:num u:{_UNIT}? incue (?= {_ADDED})",
)
_NAMED: Final = (
    f"n:num u:{_UNIT} ('of' | 'for' | link | paren | 'fixed' | 'shared'){{0,3}} unknown? w:(sysprompt | {_BODY} | "
    f"{_ONE} | 'conversation') (?! (link | approx){{0,3}} num)",
    f"n:num ('of' | paren | 'fixed' | 'shared'){{0,2}} w:(sysprompt | {_BODY}) (?! (link | approx){{0,3}} num)",
    f"n:num paren w:({_ONE} | chunk) paren",
    f"n:num w:(sysprompt | {_BODY} | {_ONE}) u:{_UNIT} (?! per time | slash (time | tshort))",  # 150 text tokens
    f"(?<= plus | 'plus') n:num w:({_ONE} | 'q') (?! per | slash | adverb | time | event | 'today' | 'now')",
    f"w:(sysprompt | {_BODY} | {_ONE}) {_SAID_OF}{{0,4}} n:num u:{_UNIT} (?! per time | slash (time | tshort))",
    f"w:(sysprompt | {_BODY} | {_ONE}) {_SAID_OF}{{0,4}} n:num {_NOT_COUNTED}",
    f"w:('users' | chunk) {_SAID_OF}{{0,3}} n:num u:{_UNIT} (?! per | slash)",
    f"w:{_SYSTEM} (copula | approx | paren){{0,3}} n:num u:{_UNIT}? (?= paren? (plus | comma | conj))",
    f"n:num u:{_UNIT}? w:{_SYSTEM} (?= 'part'? (plus | comma | conj))",
    f"w:(prefixcue | prefixhit) (copula | approx | paren){{0,3}} n:num u:{_UNIT}",
    f"n:num u:{_UNIT} w:'prefix'",
)
_SUMMAND: Final = (
    f"(?<= plus | 'plus') (unknown | event | chunk | 'user' | link | approx | paren | {_ONE}){{1,4}} n:num u:{_UNIT}? "
    "(?= paren | comma | stop | plus | arrow | conj | link | $)",
    f"(unknown | event | chunk | 'user') (link | approx | paren){{0,3}} n:num u:{_UNIT}? (?= paren? plus)",
)
"""Whatever is added to what surely is a part: 'user msg ~70 + …'."""
_PARTS: Final = (
    *((Rule(pattern), "pieces") for pattern in _PIECES),
    *((Rule(pattern), "named") for pattern in _NAMED),
    *((Rule(pattern), "added") for pattern in _SUMMAND),
    (_PRODUCT, "product"),
)
_FIRST: Final = tuple(Rule(pattern) for pattern in _WHOLE_FIRST)
_BARE: Final = Rule("(?<= plus) n:num (?= comma | stop | plus | arrow | paren | $)")
"""'in: 6 x 512 + 128': a part without a name, where the sum begins with the prompt's."""
_ANY_PART: Final = Rule(
    " | ".join(
        f"({re.sub(r'[a-z]:', '', pattern)})"
        for pattern in (*_PIECES, *_NAMED, *_SUMMAND, _PRODUCT.pattern, *_WHOLE_FIRST)
    )
)
"""Where a chain of parts may begin."""
_JOINT: Final = Rule(
    "(('in' 'front' 'of' | 'before' | per) (per | 'the')? event | comma | plus | conj | stop | paren | 'then' | "
    "'with' | 'a' | 'an' | 'the' | 'our' | 'its' | 'another' | approx | "
    "'new' | 'input' | 'top' | 'chat' | 'user' | 'retrieved' | 'fixed' | 'static' | 'shared' | eachuser | 'by' | "
    "'all' | 'each' | token | link | "
    "'last' | 'past' | unknown | context | ('that' | 'which') (link | neg | 'changes' | 'change' | 'fixed'){1,3}){1,6}"
)


class _Part(Struct, frozen=True):
    first: int
    last: int
    tokens: tuple[float, ...]
    shown: str
    kind: str
    """pieces, product, named, whole, or same: what is the same in each prompt."""


def read_parts(draft: Draft) -> None:
    """Find sums of parts, what of a prompt is the same, the other side of a total, and prompts that grow.

    Args:
        draft: of the sentence; what it reads is claimed.
    """
    _listed(draft)
    _growth(draft)
    _same_within(draft)
    _rest_of_total(draft)
    for match in _ANY_PART.matches(draft.sentence):
        chain = _chain(draft.sentence, match.first)
        if all(part.kind in ("product", "added") for part in chain):
            continue  # '2 x 8' alone may be anything, 'orders 200 + invoices 300' as well
        if len(chain) > 1 or chain[0].kind == "pieces":
            _sum(draft, chain)
        elif chain[0].kind == "same":
            _shared(draft, chain[0])


# --- sums -------------------------------------------------------------------------------------------------------------


def _chain(sentence: Sentence, index: int) -> list[_Part]:
    """Return the parts of one prompt that begin at an item, one after the other."""
    chain: list[_Part] = []
    at = index
    named = sentence.items[index].has("incue", "in")
    while (part := _part(sentence, at, first=not chain, named=named)) is not None:
        chain.append(part)
        joint = _JOINT.at(sentence, part.last + 1)
        if joint is None:
            break
        starts = range(part.last + 2, joint.last + 2)
        at = next((start for start in starts if _part(sentence, start, named=named)), joint.last + 1)
    return chain


def _part(sentence: Sentence, at: int, *, first: bool = False, named: bool = False) -> _Part | None:
    for rule, kind in _PARTS:
        if (match := rule.at(sentence, at)) is not None and (part := _made(match, kind)) is not None:
            return part
    if first:
        for rule in _FIRST:
            if (match := rule.at(sentence, at)) is not None:
                return _made(match, "whole")
    elif named and (match := _BARE.at(sentence, at)) is not None:
        return _made(match, "named")
    return None


def _made(match: Match, kind: str) -> _Part | None:
    number = "b" if "b" in match else "n"
    unit = match["u"].word if "u" in match else "token"
    each = count_of_tokens(match[number]).values
    if number == "n":
        same = "w" in match and (
            match["w"].has("sysprompt", "prefixcue", "prefixhit") or match["w"].word in ("system", "sys")
        )
        made = [in_tokens(value, unit) for value in each]
        return _Part(match.first, match.last, tuple(tokens for tokens, _ in made), made[0][1], "same" if same else kind)
    counts = match["a"].number.values
    if any(count != int(count) or not 1 <= count <= MOST_PIECES for count in (counts[0], counts[-1])):
        return None
    inside = match.sentence.items[match.first : match.index("b")]
    apart = "l" not in match and any(item.has("comma") for item in inside)
    if apart and any(item.has("turn", "textunit") for item in inside):
        return None  # '5 turns, 200 tokens of the user', '3 pages, one page out'
    pairs = list(_beside(counts, each))
    shown = f"{show_count(pairs[0][0])} × {in_tokens(pairs[0][1], unit)[1]}"
    return _Part(match.first, match.last, tuple(in_tokens(a * b, unit)[0] for a, b in pairs), shown, kind)


def _beside(a: tuple[float, ...], b: tuple[float, ...]) -> Iterator[tuple[float, float]]:
    """Yield the pairs of two ranges, low with low; or of a range and a number."""
    yield from zip(a, b, strict=True) if len(a) == len(b) else product(a, b)


def _sum(draft: Draft, chain: list[_Part]) -> None:
    totals: tuple[float, ...] = (0.0,)
    for part in chain:
        totals = tuple(one + other for one, other in _beside(totals, part.tokens))
    shown = " + ".join(part.shown.partition(" = ")[0].removesuffix(" tokens") for part in chain)
    options = []
    for at, total in enumerate(totals):
        label = (("the low end", "the middle", "the high end") if len(totals) == 3 else ("",) * len(totals))[at]
        echo = f"prompts: {shown} = {show_count(total)} tokens" if len(totals) == 1 else f"{show_count(total)} tokens"
        options.append(Option(whole(total), echo, label))
    for part in chain:
        if part.kind == "same":
            _shared(draft, part)
    draft.found(_INPUT, chain[0].first, chain[-1].last, options)


def _shared(draft: Draft, part: _Part) -> None:
    """Note what is the same in each prompt; its share follows once the prompt's length is known."""
    draft.found(_SHARED, part.first, part.last, [Option(part.tokens[0], part.shown)])
    draft.sentence.claim(part.first, part.last, "sysprompt")


# --- parts line by line -----------------------------------------------------------------------------------------------

_LINE: Final = re.compile(
    r"(?m)^[ \t]*+(?:[-*•+|][ \t]*+)?[\"']?(?P<label>[A-Za-z][A-Za-z_/-]*(?: [A-Za-z_/-]+)*)[\"']?[ \t]*+[:=|]?[ \t]*+"
    r"(?:(?P<count>\d{1,3})[ \t]*+(?:x|×|\*|at|of|@)[ \t]*+)?(?:[~≈][ \t]*+|about |approx\.? )?"
    r"(?P<tokens>\d[\d,]*(?:\.\d+)?[kK]?)[ \t]*+(?:tok(?:en)?s?\b[ \t]*+)?(?:each[ \t]*+)?"
    r"(?P<note>\([^)\n]*\)[ \t]*+|[#/][^\n]*)?(?:[|,][ \t]*+)?$"
)
"""A line of a list of parts: 'retrieved chunks   5 x 420', '- few-shot examples: 8 at 150 each (static)'."""
_IN_BRACES: Final = re.compile(r"[{}]|,(?=\s*[\"'\n])")
"""What stands between the lines of JSON, which may be one."""
_UNIT_OF_KEY: Final = re.compile(r"^(?:avg|mean|average|max|typical) | (?:tokens?|toks?|len|length|size)$", re.I)
_HOW_MANY: Final = re.compile(
    r"^(?:retrieval |top |num |n )?(?:k|chunks|documents|docs|passages|examples)(?: count)?$", re.I
)
"""The key of how many chunks there are: 'retrieval_k: 6' beside 'chunk_tokens: 400'."""
_CHUNK: Final = re.compile(r"^(?:retrieved )?(?:chunk|doc|document|passage|example)s?$", re.I)
_PART_NAME: Final = re.compile(
    r"\b(?:system|instructions?|tools?|few.?shot|examples?|retriev\w*|chunks?|passages?|documents?|docs?|snippets?|"
    r"rag|history|memory|conversation|question|query|user|template|schemas?|policy|guidelines|persona|context)",
    re.I,
)
_ANSWER_NAME: Final = re.compile(r"\b(?:output|answer|reply|response|completion|generated|summary out)", re.I)
_SAME_NAME: Final = re.compile(r"\b(?:system|instructions?|tools?)", re.I)
_SAME_NOTE: Final = re.compile(r"\b(?:static|fixed|same|shared|cached|constant)\b", re.I)
_NO_PART: Final = re.compile(
    r"\b(?:max|total|[rq]p[smh]|rate|requests?|users|context.?(?:length|window)|tokens?|ttft|itl|replicas?|port)\b",
    re.I,
)
_FEWEST: Final = 3
"""Lines of a list, two of which at least have the name of a part."""


def _listed(draft: Draft) -> None:
    """Add up a list with a part of the prompt in each line; a line of the answer is its length."""
    text = draft.sentence.text
    text = _IN_BRACES.sub("\n", text) if "{" in text else text
    run: list[re.Match[str]] = []
    for line in [*(_LINE.finditer(text) if "\n" in text else ()), None]:
        if line is not None and (not run or not text[run[-1].end() : line.start()].strip("\n \t")):
            run.append(line)
            continue
        _add_lines(draft, run)
        run = [line] if line is not None else []


def _add_lines(draft: Draft, lines: list[re.Match[str]]) -> None:
    labelled = {line: _UNIT_OF_KEY.sub("", _UNIT_OF_KEY.sub("", line["label"].replace("_", " "))) for line in lines}
    beside = [line for line in lines if _NO_PART.search(labelled[line]) and not _ANSWER_NAME.search(labelled[line])]
    lines = [line for line in lines if line not in beside]
    labels = [labelled[line] for line in lines]
    counted = next((line for line, label in zip(lines, labels, strict=True) if _HOW_MANY.fullmatch(label)), None)
    chunk = next((line for line, label in zip(lines, labels, strict=True) if _CHUNK.fullmatch(label)), None)
    outs = [line for line, label in zip(lines, labels, strict=True) if _ANSWER_NAME.search(label)]
    if chunk is None or counted is chunk:
        counted = None
    parts = [line for line in lines if line not in outs and line is not counted]
    times = {chunk: _tokens_of(counted)} if chunk and counted else {}
    if len(lines) < _FEWEST or sum(bool(_PART_NAME.search(label)) for label in labels) < 2 or len(outs) > 1:
        return
    if beside and not all(_PART_NAME.search(label) or _ANSWER_NAME.search(label) for label in labels):
        return  # a list of settings, of which some may be parts
    marked = any(_SAME_NOTE.search(line["note"] or "") for line in parts)
    same = sum(
        _tokens_of(line) * times.get(line, 1)
        for line in parts
        if (_SAME_NOTE.search(line["note"] or "") if marked else _SAME_NAME.search(line["label"].replace("_", " ")))
    )
    total = sum(_tokens_of(line) * times.get(line, 1) for line in parts)
    first, last = _items_in(draft, [line for line in lines if line not in outs])
    times_shown = {line: show_count(count) for line, count in times.items()}
    counts = [line["count"] or times_shown.get(line, "") for line in parts]
    shown = " + ".join(
        f"{n} × {line['tokens']}" if n else line["tokens"] for n, line in zip(counts, parts, strict=True)
    )
    draft.found(_INPUT, first, last, [Option(whole(total), f"prompts: {shown} = {show_count(total)} tokens")])
    if 0 < same < total:
        draft.found(_SHARED, first, last, [Option(same, f"{show_count(same)} tokens")])
    for line in outs:
        tokens = _tokens_of(line)
        draft.found(
            _OUTPUT, *_items_in(draft, [line]), [Option(whole(tokens), f"answers: {show_count(tokens)} tokens")]
        )
    for start, end in (_items_in(draft, [line]) for line in lines):
        draft.sentence.take_all(start, end)


def _tokens_of(line: re.Match[str]) -> float:
    digits = line["tokens"].replace(",", "")
    tokens = float(digits.rstrip("kK")) * (1000 if digits[-1] in "kK" else 1)
    return tokens * int(line["count"] or 1)


def _items_in(draft: Draft, lines: list[re.Match[str]]) -> tuple[int, int]:
    inside = [at for at, item in enumerate(draft.sentence.items) if lines[0].start() <= item.start < lines[-1].end()]
    return inside[0], inside[-1]


# --- a whole and what is in it ----------------------------------------------------------------------------------------

_SAME: Final = (
    "((neg | 'always') ('changes' | 'change' | 'changing' | 'varies' | 'vary' | 'the' shared) | prefixcue | "
    "shared | prefixhit | sysprompt | 'system' | 'preamble' | 'constant' | 'static' | 'fixed')"
)
_WHICH: Final = "('which' | 'them' | 'it' | 'that' | 'those')"
_LITTLE: Final = f"(link | unknown | 'already' | 'in' | 'from' | 'come' | 'comes' | 'of' | {_WHICH})"
_WITHIN: Final = f"((comma | paren | dash){{0,2}} ('of' {_WHICH} | 'incl' stop? | 'including' | 'whereof') | paren)"
_SHARES: Final = rules(
    f"b:num token? (incue | token | context | 'in' | unknown){{0,3}} {_WITHIN} approx{{0,2}} ('a' | 'the')? a:num "
    f"token? {_LITTLE}{{0,5}} {_SAME}",
    f"b:num token? (incue | token | context | 'in' | unknown){{0,3}} {_WITHIN} {_LITTLE}{{0,2}} {_SAME} (link | "
    "approx | colon | unknown){0,3} a:num token?",
    f"'of' ('the' | 'our' | 'these' | 'every' | 'all'){{0,2}} b:num (incue | token){{1,2}} a:num {_LITTLE}{{0,5}} "
    f"{_SAME}",
    "a:num 'of' ('the' | 'our' | 'these' | 'every' | 'all'){0,2} b:num (incue | token | context | unknown){1,3} "
    "(link | unknown | 'already'){0,3} (prefixcue | shared | prefixhit)",
    f"a:num token? 'of' ('the' | 'our')? b:num token? {_LITTLE}{{0,2}} ('the' | 'a' | 'one' | 'our' | 'same' | "
    "'identical'){0,3} sysprompt",
)


_SAME_OF_IT: Final = Rule(
    f"(?<= comma | stop | 'but' | conj | paren) approx? a:num token? 'of' {_WHICH} {_LITTLE}{{0,2}} {_SAME}"
)
"""'Prompt 6000 because of the manual, but 5,500 of that never changes'."""


def _same_within(draft: Draft) -> None:
    """Read '2,000 of the 2,500 prompt tokens are cached', '2k prompt (1.6k shared)': the whole, and the share."""
    for match in _SAME_OF_IT.matches(draft.sentence):
        draft.found(_SHARED, match.first, match.last, [Option(count_of_tokens(match["a"]).value, "")])
    for match in matches_of(_SHARES, draft.sentence):
        part, total = count_of_tokens(match["a"]).value, count_of_tokens(match["b"]).value
        if not 0 < part <= total:
            continue
        share = float(f"{part / total:.6g}")
        echo = f"{show_count(part)} / {show_count(total)} tokens = {share:.0%} of prompt tokens are cached already"
        draft.found("tokens.prefix_hit", match.first, match.last, [Option(share, echo)])
        draft.found(_INPUT, match.first, match.last, [Option(whole(total), f"prompts: {show_count(total)} tokens")])
        draft.sentence.claim(match.first, match.last, "sysprompt")


_SIDE: Final = "(i:(incue | 'in') | o:(outcue | 'out'))"
_ALL: Final = "ingrand"
_INSIDE: Final = (
    "(paren | comma | dash | 'of' | 'which' | 'them' | 'it' | 'that' | link | perrequest | per | event | conj)"
)
_REST: Final = rules(
    f"t:num token? perrequest? {_ALL} {_INSIDE}{{1,7}} p:num token? {_INSIDE}{{0,3}} {_SIDE}",
    f"t:num token? {_ALL} {_INSIDE}{{1,7}} {_SIDE} {_INSIDE}{{0,2}} p:num token? (?! per | event | thing | times)",
    f"token (per | perrequest | event){{1,2}} colon t:num {_INSIDE}{{1,4}} {_SIDE} {_INSIDE}{{0,2}} p:num token?",
)


def _rest_of_total(draft: Draft) -> None:
    """Read '750 total (600 prompt)': what is left of the total is the other side."""
    for match in matches_of(_REST, draft.sentence):
        total, part = count_of_tokens(match["t"]), count_of_tokens(match["p"])
        if len(total.values) > 1 or len(part.values) > 1 or not 0 < part.value < total.value:
            continue
        sides = ((_INPUT, "prompts"), (_OUTPUT, "answers"))
        (path, name), (other, rest) = sides if "i" in match else sides[::-1]
        left = whole(total.value - part.value)
        echo = f"{rest}: {show_count(total.value)} in all − {show_count(part.value)} = {show_count(left)} tokens"
        draft.found(
            path, match.first, match.last, [Option(whole(part.value), f"{name}: {show_count(part.value)} tokens")]
        )
        draft.found(other, match.first, match.last, [Option(left, echo)])


_OTHER_SIDE: Final = "('that' | 'this' | 'it' | 'the'? (incue | outcue))"
_RELATIVE: Final = rules(
    f"(x:mult | p:pct) 'of' {_OTHER_SIDE} (link | 'for' | 'as'){{0,2}} {_SIDE}",
    f"{_SIDE} (link | approx | mean){{0,3}} (x:mult | p:pct) ('as' (size | 'much' | 'many') | 'of'? {_OTHER_SIDE})",
)
"""'2,000 tokens in and a tenth of that out', 'answers are twice as long'."""


def read_relative(draft: Draft) -> None:
    """Read a length that is said as so many times, or as a part of, the other one."""
    for match in matches_of(_RELATIVE, draft.sentence):
        sides = ((_INPUT, "prompts"), (_OUTPUT, "answers"))
        (path, name), (other, _) = sides if "i" in match else sides[::-1]
        times, length = match["x" if "x" in match else "p"].number.value, draft.value(other)
        if length and not draft.has(path):
            made = whole(length * times)
            echo = f"{name}: {show_figure(times)} × {show_count(length)} = {show_count(made)} tokens on average"
            draft.found(path, match.first, match.last, [Option(made, echo)])


# --- what grows -------------------------------------------------------------------------------------------------------

_FROM: Final = "('starts' | 'start' | 'starting' | 'begins' | 'begin' | 'beginning' | 'goes' | 'from')"
_TO: Final = "('ends' | 'end' | 'ending' | 'grows' | 'growing' | 'reaches' | 'finishes' | 'up' | 'to' | arrow | range)"
_ABOUT: Final = "(link | approx | 'with' | 'near' | 'up' | 'to' | 'of' | 'from')"
_SENT: Final = "(incue | context | 'history' | 'conversation')"
_ASIDE: Final = "(paren near{1,6} paren)?"
_GROWTH: Final = rules(
    f"c:{_SENT} near{{0,3}} {_FROM} {_ABOUT}{{0,2}} a:num token? {_ASIDE} (comma | conj | 'then'){{0,2}} {_TO} "
    f"{_ABOUT}{{0,3}} b:num token?",
    f"c:{_SENT} near{{0,3}} (grow | 'goes' | 'go') 'from'? r:num token?",
)
_GROWS_BY: Final = Rule(
    f"(c:{_SENT} near{{0,3}} {_FROM} {_ABOUT}{{0,2}} | 'first' call (link | 'has' | token){{0,3}}) a:num token? "
    f"(comma | stop | conj | 'then' | {_SENT}){{0,3}} grow ('by' | link | approx){{0,3}} b:num token? ('per' | "
    "'each' | 'every' | 'a' | slash | perrequest | 'from') (call | event | turn | 'step' | 'iteration' | 'to')?"
)
"""'starts at 6k and grows by 1.5k each step'."""
ITS_MEAN: Final = Rule(
    "(near | 'in' | outcue){0,6} (comma | paren | dash | stop | conj){1,2} ('with' | 'an' | 'the' | 'on' | link){0,2} "
    "(mean approx{0,3} n:num token? | approx{0,2} m:num token? 'on'? mean) (?! num | approx{0,2} (incue | outcue | "
    "num) | 'in' | 'out' | event | thing | user | time | times | percent | per | rateunit | gpunoun | slash)"
)
"""'…, average maybe 25k' behind both ends; a mean of answers, steps or requests is none of it."""


_REPEATED: Final = (
    "What a call repeats of the one before is not set: '80 % of the prompt is cached' says what the prefix cache finds."
)


def _calls(draft: Draft, match: Match) -> float:
    """Return how many calls a task is said to have beside what each adds; 0 where it is not."""
    items = draft.sentence.items
    counts = [
        item.number.value for at, item in enumerate(items)
        if item.has("num") and not match.first <= at <= match.last
        and any(one.has("call", "turn") or one.word == "steps" for one in items[at + 1 : at + 4])
    ]  # fmt: skip
    return counts[0] if counts else 0.0


def _growth(draft: Draft) -> None:
    """Read 'context starts at 6k, ends at about 90k' as the stated mean, else that of both: each call adds as much."""
    for match in _GROWS_BY.matches(draft.sentence):
        first, more, calls = match["a"].number.value, match["b"].number.value, _calls(draft, match)
        if calls > 1:
            mean = whole(first + more * (calls - 1) / 2)
            echo = (
                f"prompts: {show_count(first)} tokens and {show_count(more)} more at each of {show_count(calls)} calls"
            )
            draft.found(_INPUT, match.first, match.last, [Option(mean, f"{echo}: {show_count(mean)} on average")])
            draft.note(match.first, match.last, _REPEATED)
    for match in matches_of(_GROWTH, draft.sentence):
        values = match["r"].number.values if "r" in match else (match["a"].number.value, match["b"].number.value)
        low, high = values[0], values[-1]
        if not 0 < low < high:
            continue
        said = ITS_MEAN.at(draft.sentence, match.last + 1)
        stated = count_of_tokens(said["n" if "n" in said else "m"]).value if said else 0.0
        said = said if low <= stated <= high else None
        mean = whole(stated if said else (low + high) / 2)
        echo = f"prompts: from {show_count(low)} to {show_count(high)} tokens, {show_count(mean)} on average"
        echo = echo if said else f"{echo}, as if each call added as much"
        draft.found(_INPUT, match.first, said.last if said else match.last, [Option(mean, echo)])
        span = draft.sentence.span(match.first, match.last)
        draft.notes.append((_REPEATED, *span))
        draft.sentence.claim(match.first, match.last, "context", "incue")
