"""A part of the prompts or of the answers that has another length, as the mean of all: '5% of the prompts are 30k'."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.interpret.words.numerals import in_figures
from catalogs.units import show_count, show_figure

_PARTS: Final = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10, "twelfth": 12,
    "twentieth": 20, "fiftieth": 50, "hundredth": 100,
}  # fmt: skip
_MANY: Final = (
    r"(?:prompts|inputs|requests|calls|queries|questions|cases|users|documents|answers|outputs|replies|responses)"
)
_OF: Final = r"(?: of)?(?: (?:the|all|our|its|my))*"
_SHARE_IN_WORDS: Final = re.compile(
    rf"\b(?:(?:a|an|one|1) (?P<part>{'|'.join(_PARTS)})(?= of\b)|(?P<half>half)(?= (?:of|the|our)\b)|"
    r"(?:1|one) (?:in|out of)(?: every)? (?P<count>[1-9]\d*)(?:th)?\b|(?<![\w./])1/(?P<of>[1-9]\d*)(?= of\b)|"
    rf"every (?:(?P<nth>{'|'.join(_PARTS)}|second|other)|(?P<number>\d+)(?:st|nd|rd|th))\b){_OF} (?={_MANY[:-1]}|"
    r"(?:prompt|input|request|call|query|question|case|answer|output|reply|response)\b))",
    re.I,
)
_ASIDE: Final = re.compile(
    rf"\b(?:some|a few|several|certain) (?P<what>{_MANY}) \(?(?P<share>\d+(?:\.\d+)?) ?%\)?", re.I
)
_ASIDE_BEHIND: Final = re.compile(
    rf"\b(?:some|a few|few|several|certain|occasional|the odd|the occasional)(?: of (?:the|our|my))? "
    rf"(?P<what>{_MANY[:-1]}|prompt|input|answer|output|reply|response)) "
    r"(?P<long>(?:are|is|have|has|reach|run to|go up to|get|hit|take)"
    r"(?: (?:about|around|roughly|up to|as long as))? \d[\d,]*k?(?: tokens?)?(?: long)?)(?: each)?[\s,;:(–—-]+"
    r"(?:(?:maybe|perhaps|about|around|roughly|say|probably|only|just|some|like|i (?:guess|think)|that'?s) ){0,3}"
    r"(?P<share>\d+(?:\.\d+)?) ?(?:%|percent)(?: of (?:them|all|the time|(?:all )?(?:prompts|requests|calls|answers)))?"
    r"\)?(?=\W*$|[,;])",
    re.I,
)
"""Some that are long, and behind it how many they are; '20% more traffic' behind it is no such share."""
_LENGTH_FIRST: Final = re.compile(
    r"(?P<long>(?<![\w.])\d[\d,]*k?(?: tokens?)?) (?P<what>prompts|inputs|answers|outputs)[ ,:]+(?:in |about |for )*"
    r"(?:(?P<one>[1-9]) (?:in|out of)(?: every)? (?P<of>[1-9]\d*)|(?P<share>\d+(?:\.\d+)?) ?(?:%|percent))"
    r"(?: (?:times|of (?:the time|them|all)|cases|of (?:the |all )?(?:requests|calls)))?",
    re.I,
)
"""How many are long, behind their length: '4k prompts 1 in 10 times'."""
_CLAUSE: Final = re.compile(r"[,;.](?!\d)")
_SHARE: Final = r"(?P<share{n}>\d+(?:\.\d+)?) ?(?:%|percent)"
_TOKENS: Final = (
    r"(?P<made{n}>\b(?:makes?|produces?|generates?|writes?|(?:answers|replies|responses|outputs) of) )?(?<![\w.])"
    r"(?P<tokens{n}>\d[\d,]*)(?P<k{n}>k?)"
)
_ANSWERS: Final = r"(?:calls|answers?|requests?|replies|responses?|cases?|queries|outputs?)"
_LONG_ANSWER: Final = rf"{_TOKENS}(?(made{{n}})(?: tokens?\b)?| tokens?\b)"
_OF_ANSWERS: Final = re.compile(
    r"(?:\b(?:(?:for|in|about|our|the|its|reasoning|thinking|mode|answers?|are|of) )+)?"
    rf"(?:{_LONG_ANSWER.format(n=1)}[^\d.,;]*?{_SHARE.format(n=1)} of (?:the |all |our )?{_ANSWERS}\b|"
    rf"{_SHARE.format(n=2)} of (?:the |all |our )?{_ANSWERS}\b[^\d.,;]*?{_LONG_ANSWER.format(n=2)})"
    r"(?: (?:long|comes?|out|of (?:answers?|output)))*",
    re.I,
)
_SAYS_ANSWERS: Final = re.compile(
    r"\b(?:answers?|repl(?:y|ies)|responses?|outputs?|reasoning|thinking|makes?|produces?|generates?|writes?|"
    r"(?:tokens?|comes?) out)\b",
    re.I,
)
_SAYS_PROMPTS: Final = re.compile(r"\b(?:prompts?|inputs?|context|tokens? in)\b(?! \d+ ?%)", re.I)
_SAYS_ANOTHER: Final = re.compile(r"\b(?:prefix\w*|cached?|shared?|hits?)\b", re.I)
_OF_PROMPTS: Final = re.compile(
    rf"\b{_SHARE.format(n=1)}{_OF} (?:(?P<read>prompts?|inputs?)|requests?|calls|queries|cases|users)\b[^\d.,;$€]*?"
    r"(?P<tokens1>\d[\d,]*)(?P<k1>k?)\b(?! ?(?:requests|users|calls|answers|ms|s|%|rps)\b)"
    r"(?P<unit> tokens?\b)?(?: long)?(?:(?: of)? (?P<length>context|prompts?|inputs?|in)\b)?|"
    r"\b(?P<before>prompts?|inputs?|contexts?) (?:(?:are|is|have|has|of|with|become|get) )+"
    r"(?P<tokens2>\d[\d,]*)(?P<k2>k?)"
    rf"(?P<unit2> tokens?)?(?: long)? (?:for|in|at|on|with) (?:about )?{_SHARE.format(n=2)}{_OF} "
    r"(?:prompts?|requests?|calls|queries|cases|users)\b",
    re.I,
)


_SHARED: Final = re.compile(
    rf"{_SHARE.format(n='')}{_OF} (?:prompts|inputs|requests|calls|queries|users|cases) "
    r"(?:share|have|start with|begin with|carry|use|contain|include|repeat)(?: (?:the same|a|an|one|our|the|this))?"
    r"(?: (?:common|shared|identical|same|long|big))* (?P<tokens>\d[\d,]*)(?P<k>k?)[ -]?(?:tokens?)?"
    r"(?: of)?(?: (?:the|a|same|identical))*(?: (?:system prompt|prefix|preamble|instructions?|header|boilerplate|"
    r"system message|context)| in common|(?<=tokens) of \w+(?: \w+)?)",
    re.I,
)
"""A part of the prompts that begins alike: '80% of prompts share a 1,000 token system prompt'."""
_PAIR_OF_SOME: Final = re.compile(
    rf"{_SHARE.format(n='')}{_OF} (?:{_MANY}|request|call|query|question|case|prompt|document) "
    r"(?:(?:are|is|have|has|at|with|be|will be|would be|of|only|just) )+"
    r"(?P<read>\d[\d,]*)(?P<rk>k?)(?: tokens?)? ?(?:in(?:put)?|prompts?)?[ ,/]*(?:and )?"
    r"(?P<made>\d[\d,]*)(?P<mk>k?)(?: tokens?)? ?(?:out(?:put)?|answers?)\b",
    re.I,
)
"""Both lengths of a part: 'half of the requests are 200 in 20 out'."""


def _tokens(number: str, thousands: str) -> float:
    return float(number.replace(",", "")) * (1000 if thousands else 1)


def _shared_prefix(plain: str, base: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return a line with the share of prompt tokens that some prompts have in common, and the sum; None for none."""
    match, mean = _SHARED.search(plain), base.get("tokens.input.mean")
    if match is None or not mean:
        return None
    share, tokens = float(match["share"]) / 100, min(_tokens(match["tokens"], match["k"]), mean)
    hit = 100 * share * tokens / mean
    sum = (
        f"{match['share']}% of the prompts share {show_count(tokens)} of {show_count(mean)} tokens:"
        f" {show_figure(hit)}% of all prompt tokens, where the cache of each replica holds them."
    )
    return f"{plain[: match.start()]}{hit:.6g}% prefix hit{plain[match.end() :]}", sum


def _pair(plain: str, base: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return a line with the means of prompts and answers where a part has lengths of its own; None where none has."""
    match = _PAIR_OF_SOME.search(plain)
    prompt, answer = base.get("tokens.input.mean"), base.get("tokens.output.mean")
    if match is None or not prompt or not answer or not 0 < (share := float(match["share"]) / 100) < 1:
        return None
    its = _tokens(match["read"], match["rk"]), _tokens(match["made"], match["mk"])
    means = [round(share * one + (1 - share) * own) for one, own in zip(its, (prompt, answer), strict=True)]
    others, all_of = (
        f"{show_count(read)} in and {show_count(made)} out" for read, made in ((prompt, answer), (means[0], means[1]))
    )
    sum = (
        f"{match['share']}% at {show_count(its[0])} in and {show_count(its[1])} out, the others at {others}, are"
        f" {all_of} on average; their spread is planned as before."
    )
    made = f"prompts of {means[0]} tokens, answers of {means[1]} tokens"
    return f"{plain[: match.start()]}{made}{plain[match.end() :]}", sum


def _tail_of(share: float, noun: str, tokens: float) -> str:
    """Say that a p95 is one of the long ones, where so many are long: the plan's p95 is that of the usual spread."""
    if share < _BEYOND_P95:
        return ""
    return (
        f" Of such a mix the p95 is a long one, beyond what is shown: '{noun} of {show_count(tokens)} tokens' plans it."
    )


_BEYOND_P95: Final = 0.05
"""Share of requests that a p95 leaves out."""


def with_means(said: str, base: Mapping[str, Any]) -> tuple[str, str]:
    """Return a line with the mean of all where a part of them has another length, and the sum; as it is where none has.

    A share that is cached, or of the answers within a time, has no length: '90% of requests hit the cache'.

    Args:
        base: values of the plan by path: the means of the others.
    """
    plain = _ASIDE_BEHIND.sub(r"\g<share>% of \g<what> \g<long>", _SHARE_IN_WORDS.sub(_in_percent, _figures(said)))
    plain = _LENGTH_FIRST.sub(_share_first, _ASIDE.sub(r"\g<share>% of \g<what>", plain))
    if made := _shared_prefix(plain, base) or _pair(plain, base):
        return made
    for pattern, noun, path in (
        (_OF_PROMPTS, "prompts", "tokens.input.mean"),
        (_OF_ANSWERS, "answers", "tokens.output.mean"),
    ):
        match, mean = pattern.search(plain), base.get(path)
        if match is None or not mean:
            continue
        which = "1" if match["share1"] else "2"
        clause = _CLAUSE.split(plain[: match.start()])[-1] + match[0]
        prompts, answers = _SAYS_PROMPTS.search(clause), _SAYS_ANSWERS.search(clause)
        if noun == "answers":
            meant = bool(answers and not prompts)
        else:
            named = match["read"] or match["length"] or match["before"]
            meant = bool(named and (match[f"k{which}"] or match["unit"] or match["unit2"] or match["length"]))
        if not meant or _SAYS_ANOTHER.search(clause):
            continue
        share, tokens = float(match[f"share{which}"]) / 100, float(match[f"tokens{which}"].replace(",", ""))
        tokens *= 1000 if match[f"k{which}"] else 1
        if not (0 < share < 1 and tokens >= 1):
            continue
        of_all = round((1 - share) * mean + share * tokens)
        sum = (
            f"{show_figure(100 * share)}% of the {noun} at {show_count(tokens)} tokens and the others at"
            f" {show_count(mean)} are {show_count(of_all)} on average; their spread is planned as before."
            f"{_tail_of(share, noun, tokens)}"
        )
        return f"{plain[: match.start()]}{noun} of {of_all} tokens{plain[match.end() :]}", sum
    return said, ""


def _share_first(found: re.Match[str]) -> str:
    share = float(found["share"] or 0) or 100 * int(found["one"]) / int(found["of"])
    return f"{share:.12g}% of {found['what']} are {found['long'].removesuffix(' tokens')} tokens"


def _figures(said: str) -> str:
    """Return a line with its numbers in figures where it may name a part of something in words."""
    return in_figures(said) if re.search(r"\b(?:one|1) (?:in|out of) ", said, re.I) else said


def _in_percent(found: re.Match[str]) -> str:
    whole = found["part"] or found["nth"] or ("half" if found["half"] else "")
    count = _PARTS.get(whole.lower(), 2) if whole else int(found["count"] or found["of"] or found["number"])
    return f"{100 / count:.12g}% of "
