"""A change as people put it, in the words that the reader of workloads knows."""

import re
from functools import cache
from pathlib import Path
from tomllib import loads
from typing import Final

from agent.after_plan.acts.phrases import is_one_slip
from agent.interpret.words.numerals import in_figures
from agent.interpret.words.tongues import is_foreign

_SPELT: Final = (
    "traffic doubles doubled double triples halves users answers prompts instead requests tokens without spare replica "
    "replicas target targets traffic what half quantise"
).split()
_SIZED: Final = re.compile(
    r"\b(prompts?|answers?|inputs?|outputs?|(?<![\w-][ -])out)((?: down| up)?(?: of| with| to| are| is| get| become)?"
    r"(?: (?:really|actually|just|only|now|about|more like))* \d+(?:\.\d+)?k?)"
    r"(?=\W*$|[,;?]| (?:instead|now|then|today|because|since)\b)",
    re.I,
)


_SPARE: Final = re.compile(
    r"\b(?:(?:put|add|ajoute[rz]?|füge|añade|agrega) )?(?:a|an|one|another|une?|eine?|una?) (?:hot |warm )?(?:standby|"
    r"(?:r[ée]plique|replik|replica|réplica) (?:de (?:secours|reserva)|als reserve)|reserve)(?: mehr| más| de plus| on"
    r" top| beside it)?",
    re.I,
)
TAKE_BACK: Final = (
    r"(?:drop|remove|delete|scrap|forget|cancel|kill|skip|ditch|lift|ignore|take out|get rid of|give up|"
    r"never mind|put aside)"
    r"\s+(?:(?:about|the|that|this|our|my|all|any|every)\s+)*"
)
_SPARES: Final = r"(?:hot |warm )?(?:spares?|stand-?bys?|reserves?|redundancy)(?: (?:replicas?|machines?|gpus?))?"
_MEND: Final = (
    r"(?:no|sorry|oops|wait|er+|um+|nope|pardon|correction|scratch that|strike that|i mean(?:t)?|make (?:that|it)|"
    r"or rather|rather|actually)"
)
_UNITS: Final = {
    "tokens": (r"tokens?|words?", r"prompts?|inputs?|answers?|outputs?|context"),
    "rate": (r"rps|qps|requests?(?: ?(?:/|per|a) ?s(?:ec(?:ond)?)?)?", r"traffic|load|rate"),
    "users": (r"users?|people", r"users?|people"),
    "time": (r"ms|s|secs?|seconds?|milliseconds?", r"ttft|itl|tpot|e2e|latency|tokens? within"),
    "machines": (r"replicas?|gpus?|nodes?", r"replicas?|gpus?|nodes?|fleet"),
    "share": (r"%|percent", r"hit|hits|cached?|prefix|growth|shared?"),
    "factor": (r"[x×]|times", r"peak"),
    "money": (r"\$|usd|dollars?|€|euros?|eur", r"budget|spend\w*|cost\w*"),
}
"""By kind of quantity: its units, and what stands beside a figure of it that has none."""
_UNIT: Final = rf" ?(?:{'|'.join(units for units, _ in _UNITS.values())})(?!\w)"
_PAUSE: Final = r"(?:\s*[,;.…–—-]+\s*|\s+)"
_FIGURE: Final = r"[$€£]?\d(?:[\d.,]*\d)?k?"
_CORRECTED: Final = re.compile(
    rf"(?<![\w.])(?P<old>{_FIGURE})(?P<unit>{_UNIT})?{_PAUSE}(?:{_MEND}{_PAUSE})+(?P<figure>{_FIGURE})"
    rf"(?:(?P<own>{_UNIT})|(?=\W*$|[,;.]| (?:and|but|instead|please|then|in|out|for|on|with|an?|per)\b))",
    re.I,
)
"""A figure that is taken back for another: '600, no sorry, 450'."""
MENDED: Final = re.compile(rf"\s*[,;.…–—-]+\s*{_MEND}(?:{_PAUSE}{_MEND})*{_PAUSE}(?=\S)", re.I)
"""Between two parts of a line of which the second is right where both say the same thing."""
TO_A_FIGURE: Final = (
    r"(?!\w)(?!\s+(?:(?:latency|targets?|requirements?|limits?|promises?|slos?|slas?|goals?|caps?)\s+)*"
    r"(?:(?:from|down|up|to|at|by|under|below)\b|=))"
)
"""Not behind what is taken back: 'drop the TTFT target to 500 ms' has a target."""
_SHARE_WITHIN: Final = re.compile(
    r"\b(?P<share>50|90|95|99)(?: ?%| percent| (?:out )?(?:of|in) (?:a )?(?:100|hundred))(?: of)?"
    r"(?: (?:the|our|all|my))? (?:users?|requests?|people|customers?|calls?|cases|visitors)"
    r"(?P<what>(?: (?:must|should|shall|have to|has to|needs? to|want to|will|would|can|be|is|are|to|sees?|gets?|"
    r"reads?|receives?|hears?|starts?|begins?|ends?|comes?|back|their|an?|the|its?|answers?|answered|repl(?:y|ies)|responses?|"
    r"something|anything|first|token|word|letter|text|streaming|complete\w*|full|whole|entire|finish\w*|done|served|"
    r"over|through))*) "
    r"(?:within|under|below|in|after|before|by) (?:at most |less than )?"
    r"(?P<time>\d+(?:\.\d+)? ?(?:ms|milliseconds?|s|secs?|seconds?)|a second|one second)\b",
    re.I,
)
"""A target as people put it: '95 out of 100 users must see something within 400 ms'. Of anything but an answer it is
none: '90% of requests hit the cache in 300 ms'."""
ASKS_WHETHER: Final = re.compile(
    r"\W*(?:(?:so|and|but|ok|okay)\W+)*(?:do|does|did|is|are|will|would|can|could|how (?:many|much|often)|"
    r"what (?:share|part|fraction|percentage))\b(?! (?:you|we|i)\b)",
    re.I,
)
"""How a line begins that asks whether something holds, and sets nothing."""


_THE_REST: Final = re.compile(
    r"[,;]?\s*\b(?:(?:and|but) )?(?:leave|keep) (?:the rest|everything else|all else)"
    r"(?: (?:as (?:it )?is|alone|unchanged|the same))?",
    re.I,
)


def corrected(said: str) -> str:
    """Return a line with the last figure alone where one was taken back: '600, no sorry, 450' as '450'.

    Args:
        said: the line; that the rest stays goes without saying, and is left out.
    """
    last = _CORRECTED.sub(_last_figure, in_figures(said) if MENDED.search(said) else said)
    return _THE_REST.sub("", last) if re.search(r"\d", last) else last


def _last_figure(found: re.Match[str]) -> str:
    """Return the figure that holds, with its unit; both where they are of different quantities."""
    before = _kind(found["unit"], found["old"]) or next(
        (
            kind
            for kind, (_, cues) in _UNITS.items()
            if re.search(rf"\b(?:{cues})\W+(?:\w+ )?$", found.string[: found.start()], re.I)
        ),
        "",
    )
    after = _kind(found["own"], found["figure"])
    if before and after and before != after:
        return found[0]
    return f"{found['figure']}{found['own'] or found['unit'] or ''}"


def _kind(unit: str | None, figure: str) -> str:
    """Return the kind of quantity that a unit or a currency's sign is of; empty where there is neither."""
    said = (unit or "").strip() or figure[:1]
    return next((kind for kind, (units, _) in _UNITS.items() if re.fullmatch(units, said, re.I)), "")


_COUNTS: Final = (
    r"(?:requests?|calls?|queries|prompts?|messages?|questions?|users?|tokens?|tickets?|chats?|rps|documents?)"
)
_SPENDING: Final = re.compile(
    r"\b(?P<lead>for|under|below|within|fit|at most|more than|only(?: \w+)?|spend|to|at|is|have|with|"
    r"max(?:imum)?(?: of)?|cap(?: of)?)"
    rf" (?P<sum>\d[\d.,]*k?)(?P<period> ?(?:(?:a|per|each|every|/) ?month|monthly))\b(?! ?{_COUNTS})"
    r"|^\W*(?P<alone>\d[\d.,]*k)(?P<each> ?(?:(?:a|per|each|every|/) ?month|monthly)) is all\b[\w ]*",
    re.I,
)
"""An amount a month beside a verb of spending, without what it would count: '8k a month' is money."""
_CUSHION: Final = r"(?:buffer|margin|headroom|cushion|contingency|reserve capacity)"
_BUFFER: Final = re.compile(
    r"(?:^\W*|\b(?:and|plus) |\b(?:please |can you )?"
    r"(?:include|add|with|give me|plan with|keep|put|leave|size it with|"
    r"(?:i|we)(?: want| need|(?:'d| would) rather have))\s+)"
    rf"(?:an? |of )?(?:(?P<share>\d+(?:\.\d+)?) ?(?:%|percent)(?: of)? (?:safety |capacity |load )?{_CUSHION}|"
    rf"(?:safety )?{_CUSHION} of (?P<of>\d+(?:\.\d+)?) ?(?:%|percent))(?: (?:on top|on the load|for surprises))?",
    re.I,
)
_NO_LOAD: Final = re.compile(
    r"\b(?:memory|v?ram|kv|cache|disks?|power|latency|ttft|itl|tpot|e2e|targets?|slos?|slas?|price\w*|costs?|budget|money|"
    r"profit|sales?|errors?|accuracy|already|currently|today|(?:have|has|had|got|runs?|running|worr\w+))\b",
    re.I,
)
"""Beside a margin that is of no load, or that is there: 'leave a 10% margin on GPU memory'."""


def _amounts_in_words(said: str) -> str:
    """Return a line with what an amount, a wait, a moved length and a buffer mean said in the reader's words."""
    if not re.search(rf"\b{_COUNTS}\b", said, re.I):
        said = _SPENDING.sub(_budget, said)
    return said if ASKS_WHETHER.match(said) else _BUFFER.sub(_more_load, said)


def _more_load(found: re.Match[str]) -> str:
    """Return the traffic with a margin on it; the words as they are where the margin is of something else."""
    before, after = (re.split(_BREAK, part) for part in (found.string[: found.start()], found.string[found.end() :]))
    if _NO_LOAD.search(f"{before[-1]} {after[0]}"):
        return found[0]
    lead = re.match(r"(?:and|plus) ", found[0], re.I)
    return f"{lead[0] if lead else ''}{1 + float(found['share'] or found['of']) / 100:g} times the traffic"


_BREAK: Final = re.compile(r"[,;.](?!\d)|\band\b", re.I)


def _budget(found: re.Match[str]) -> str:
    amount, period = found["sum"] or found["alone"], found["period"] or found["each"]
    return f"{found['lead'] or ''} a budget of ${amount}{period}".strip()


CHEAPER_IF: Final = re.compile(
    r"\b(?:how much (?:cheaper|less|dearer|more expensive)|"
    r"(?:would|will|is|does|gets?) (?:it|that|this)(?: be| get| become)? (?:any )?"
    r"(?:cheaper|less expensive))\b[^.;?]*?\bif\b",
    re.I,
)
"""It asks what one change saves, and for no search of all accelerators."""
_THOUSANDS: Final = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?!\d|[,.]\d)")
"""'6,000': every rule here reads figures without their commas."""


@cache
def _rules(when: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the patterns of the rules before or after figures are corrected, and what is put in their place."""
    told = loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    parts = {"TAKE_BACK": TAKE_BACK, "SPARES": _SPARES, "TO_A_FIGURE": TO_A_FIGURE, **told["parts"]}
    return tuple(
        (re.compile(re.sub(r"\{([A-Z_]+)\}", lambda part: parts[part[1]], rule["said"]), re.I), rule["plain"])
        for rule in told[when]
    )


def in_plain_words(said: str) -> str:
    """Return a line with its misspelt words right, 'fp8 -> int4' as 'int4', 'forget the spare' as 'without spares'."""
    said = _amounts_in_words(CHEAPER_IF.sub("what if", _THOUSANDS.sub(lambda found: found[0].replace(",", ""), said)))
    for pattern, plain in _rules("before"):
        said = pattern.sub(plain, said)
    said = corrected(said)
    for pattern, plain in _rules("after"):
        said = pattern.sub(plain, said)
    said = _SPARE.sub(_spare, said)
    if not ASKS_WHETHER.match(said):
        said = _SHARE_WITHIN.sub(_as_target, said)
    plain = " ".join(map(_spelt, said.split(" ")))
    return re.sub(r"\s+instead(?=\W*$|[,;])", "", _SIZED.sub(lambda found: f"{found[1]}{found[2]} tokens", plain))


def _as_target(found: re.Match[str]) -> str:
    whole = re.search(r"\b(?:complete|full|whole|entire|finish\w*|done|ends?)\b", found["what"], re.I)
    time = {"a second": "1 s", "one second": "1 s"}.get(found["time"].lower(), found["time"])
    return f"p{found['share']} {'E2E' if whole else 'TTFT'} {time}"


def _spare(found: re.Match[str]) -> str:
    """Return one spare, or one more than there are: 'add a standby'."""
    more = re.search(r"put|add|ajoute|füge|añade|agrega|another|mehr|más|plus|top", found[0], re.I)
    return "1 more spare replica" if more else "one spare replica"


def _spelt(word: str) -> str:
    """Return a word of a change without its one slip; a word of another language has none."""
    bare = word.lower().strip(",.?!")
    if len(bare) < 4 or bare in _SPELT:
        return word
    right = next((right for right in _SPELT if bare[0] == right[0] and is_one_slip(bare, right)), "")
    return f"{right}{word[len(word.rstrip(',.?!')) :]}" if right and not is_foreign(bare) else word
