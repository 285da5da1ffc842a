"""A change as people put it, in the words that the reader of workloads knows."""

import re
from typing import Final

from agent.after_plan.acts.phrases import is_one_slip

_SPELT: Final = (
    "traffic doubles doubled double triples halves users answers prompts instead requests tokens without spare replica "
    "replicas target targets traffic what quantise"
).split()
_ARROW: Final = re.compile(r"(?:from\s+)?\b([a-z]+\d+)\s*(?:->|→|=>|\bto\b)\s*([a-z]+\d+)\b", re.I)
_SIZED: Final = re.compile(
    r"\b(prompts?|answers?|inputs?|outputs?)((?: of| with| to)? \d+(?:\.\d+)?k?)(?=\W*$|[,;?]| instead)", re.I
)


_SPARE: Final = re.compile(
    r"\b(?:(?:put|add|ajoute[rz]?|füge|añade|agrega) )?(?:a|an|one|another|une?|eine?|una?) (?:hot |warm )?(?:standby|"
    r"(?:r[ée]plique|replik|replica|réplica) (?:de (?:secours|reserva)|als reserve)|reserve)(?: mehr| más| de plus| on"
    r" top| beside it)?",
    re.I,
)
_TAKE_BACK: Final = (
    r"(?:drop|remove|delete|scrap|forget|lose|cancel|kill|skip|ditch|lift|ignore|take out|get rid of|give up|"
    r"never mind|put aside)"
    r"\s+(?:(?:about|the|that|this|our|my|all|any|every)\s+)*"
)
_SPARES: Final = r"(?:hot |warm )?(?:spares?|stand-?bys?|reserves?|redundancy)(?: (?:replicas?|machines?|gpus?))?"
_ONE_MORE: Final = re.compile(
    r"\b(?:put|add|have|keep|give me|with)? ?(?:one|an ?other|an extra)(?: one)?(?: more| extra)?"
    r"(?: replica| machine| copy)? (?:on top|in reserve|as (?:a )?(?:spare|reserve|back-?up)|to be (?:safe|sure)|"
    r"just in case)(?:,? (?:please|just in case))?",
    re.I,
)
"""'One more on top' is a replica that nobody needs yet."""
_MEND: Final = (
    r"(?:no|sorry|oops|wait|er+|um+|nope|pardon|correction|scratch that|strike that|i mean(?:t)?|make (?:that|it)|"
    r"or rather|rather|actually)"
)
_UNIT: Final = r" (?:tokens?|words?|rps|users?|ms|s|replicas?|gpus?)\b"
_PAUSE: Final = r"(?:\s*[,;.…–—-]+\s*|\s+)"
_CORRECTED: Final = re.compile(
    rf"(?<![\w.])\d[\d.,]*k?(?P<unit>{_UNIT})?{_PAUSE}(?:{_MEND}{_PAUSE})+(?P<figure>\d[\d.,]*k?)\b(?P<own>{_UNIT})?",
    re.I,
)
"""A figure that is taken back for another: '600, no sorry, 450'."""
_DURATIONS: Final = {
    r"(?:a|one) quarter (?:of )?(?:a |one )?second": "250 ms", r"(?:a|one) tenth (?:of )?(?:a |one )?second": "100 ms",
    r"(?:a|one) third (?:of )?(?:a |one )?second": "333 ms", r"half (?:of )?(?:a |one )?second": "500 ms",
    r"three quarters (?:of )?(?:a |one )?second": "750 ms",
}  # fmt: skip
_STARTS: Final = re.compile(
    r"\b(?:(?:the|an|each|every|all|our) )?(?:answers?|replies|responses?|texts?|output)"
    r"(?: (?:had|have|has|need|needs|must|should|would|could|to|always|ever))* (?:starts?|begins?|appears?) "
    r"(?:in|within|after|under|before) (?:at most |less than )?(?P<time>\d+(?:\.\d+)? ?(?:ms|milliseconds?|s|secs?|"
    r"seconds?))\b",
    re.I,
)
_METRIC: Final = {
    "ITL": r"itl|tpot|inter[- ]?token(?: latency)?|(?:time|gap) between tokens",
    "TTFT": r"ttft|(?:time to )?first[- ](?:token|word)(?: latency)?",
    "E2E": r"e2e|end[- ]to[- ]end(?: latency)?",
}
_FORSAKEN: Final = tuple(
    (
        re.compile(
            rf"\b(?:(?:i|we) (?:don'?t|do not) (?:really )?care (?:about|for)|never mind|forget(?: about)?|scrap|drop|"
            rf"ditch|remove|(?:i|we) (?:don'?t|do not) need|who cares about|nobody cares about)"
            rf"(?: (?:the|our|any|that))? (?:p\d\d )?(?:{words})(?: (?:target|goal|slo|limit|requirement|promise))?"
            r"(?:\W+(?:just |please )?(?:scrap|drop|forget|remove|ditch|kill) (?:it|that|this))?(?! p?\d)",
            re.I,
        ),
        f"drop the {name} target",
    )
    for name, words in _METRIC.items()
)
_NO_SPARE: Final = re.compile(
    rf"\b(?:we )?(?:don'?t|do not) need (?:any |the )?(?:redundancy|spares?)(?:, (?:take|leave) it out)?|\b{_TAKE_BACK}"
    rf"{_SPARES}(?: again| out| too)?|\btake (?:the |that |our |all )?{_SPARES} (?:out|away|off|back)(?: again)?|"
    r"\b(?:ohne|sans|sin) (?:reserven?|ersatz|(?:r[ée]plique|replik) de (?:secours|reserva)|secours|reserva)\b",
    re.I,
)
_NO_BUDGET: Final = re.compile(
    rf"\b{_TAKE_BACK}(?:monthly )?(?:budget|(?:limit|cap) on (?:the )?(?:money|cost|spend\w*)|(?:cost|spending|budget) "
    r"(?:limit|cap))\b|\btake the (?:limit on (?:the )?money|budget) (?:away|out|off)\b|\bmoney is no object\b|"
    r"\bno budget limit\b|\bohne budget\b|\bsans budget\b|\bsin presupuesto\b",
    re.I,
)
_SAME_PART: Final = re.compile(
    r"\b(\d+(?:\.\d+)?) ?(?:%|percent) of (?:(?:the|every|each|all|our|a) )*"
    r"(?:prompts?|inputs?|prompt tokens|context|requests?)(?: tokens)? (?:is|are|stays?|remains?|will be)"
    r"(?: \w+){0,2}? (?:identical|the same|same|constant|repeated|shared|cached|fixed|unchanged|static|boilerplate)\b",
    re.I,
)
_SHARE_WITHIN: Final = re.compile(
    r"\b(?P<share>50|90|95|99)(?: ?%| percent| (?:out )?(?:of|in) (?:a )?(?:100|hundred))(?: of)?"
    r"(?: (?:the|our|all|my))? (?:users?|requests?|people|customers?|calls?|cases|visitors)\b(?P<what>[^.;]*?)\b"
    r"(?:within|under|below|in|after|before|by) (?:at most )?"
    r"(?P<time>\d+(?:\.\d+)? ?(?:ms|milliseconds?|s|secs?|seconds?)|half a second|a second|one second)\b",
    re.I,
)
"""A target as people put it: '95 out of 100 users must see something within 400 ms'."""


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
    last = _CORRECTED.sub(lambda found: f"{found['figure']}{found['own'] or found['unit'] or ''}", said)
    return _THE_REST.sub("", last) if re.search(r"\d", last) else last


def in_plain_words(said: str) -> str:
    """Return a line with its misspelt words right, 'fp8 -> int4' as 'int4', 'forget the spare' as 'without spares'."""
    for pattern, time in _DURATIONS.items():
        said = re.sub(rf"\b{pattern}\b", time, said, flags=re.I)
    for forsaken, plain in _FORSAKEN:
        said = forsaken.sub(plain, said)
    said = corrected(said)
    said = _STARTS.sub(r"TTFT \g<time>", _ONE_MORE.sub("one spare replica", said))
    said = _NO_BUDGET.sub("without a budget", _NO_SPARE.sub("without spares", said))
    said = _SAME_PART.sub(r"\1% prefix hit", _SHARE_WITHIN.sub(_as_target, _SPARE.sub("one spare replica", said)))
    words = [next((right for right in _SPELT if _one_slip_from(word, right)), word) for word in said.split(" ")]
    plain = _ARROW.sub(lambda found: f"with {found[2]}", " ".join(words))
    plain = re.sub(r"\bquanti[sz]e (?:it|this|that|the model)\b(?! to| in)", "with int4", plain, flags=re.I)
    return _SIZED.sub(lambda found: f"{found[1]}{found[2]} tokens", plain)


def _as_target(found: re.Match[str]) -> str:
    whole = re.search(r"\b(?:complete|full|whole|entire|finish\w*|done|end)\b", found["what"], re.I)
    time = {"half a second": "500 ms", "a second": "1 s", "one second": "1 s"}.get(found["time"].lower(), found["time"])
    return f"p{found['share']} {'E2E' if whole else 'TTFT'} {time}"


def _one_slip_from(word: str, right: str) -> bool:
    bare = word.lower().strip(",.?!")
    return len(bare) > 3 and bare[0] == right[0] and bare not in _SPELT and is_one_slip(bare, right)
