"""Lines after a plan whose words leave no doubt which act they are, whatever else stands beside them."""

import re
from typing import Final

from agent.after_plan.why import CARDS_TOGETHER, PERCENTILE_CHOICE
from agent.after_plan.wording.plain_words import ASKS_WHETHER
from agent.talk.requests import Ask, Cheapest, Understood, WhatIf


def evident(text: str, read: Understood) -> tuple[str, str] | None:
    """Return the act that a line's words name beyond doubt and what it is asked with; None where they name none.

    Args:
        text: the line: 'TP4? I would have gone with TP2' asks why not TP2.
        read: what the rules made of it.
    """
    if _asks_what_machines_hold(text, read):
        return "fleet_holds", text
    if _asks_of_this_fleet(text, read):
        return "at_load", text
    if _is_brief(text, read):
        return "spike", text
    if _asks_whether_it_fits(text, read):
        return "runs_on", text
    if match := _HINDSIGHT.search(text):
        return "why_not", f"why not {match['what']}"
    changes = isinstance(read.request, WhatIf | Cheapest | Ask)
    return next(
        ((act, text) for act, pattern in _EVIDENT if pattern.search(text) and not (act == "smalltalk" and changes)),
        None,
    )


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


def _asks_what_machines_hold(text: str, read: Understood) -> bool:
    """Return whether a line names a number of machines and asks what they carry: no wish to have so many.

    Args:
        text: the line.
        read: what the rules made of it.
    """
    if not isinstance(read.request, WhatIf):
        return False
    paths = read.request.change.values.keys()
    return bool(paths - {"hardware.accelerators"}) and paths <= _MACHINES and bool(_HOLDS.search(text))


_FITS: Final = re.compile(
    r"^\W*(?:(?:and|but|so|ok)\W+)*(?:can|could|will|would|does|do|is|are)\b.*\b(?:put|run|fit|host|squeeze|serve|enough|"
    r"work|go)\b",
    re.I,
)


def _asks_whether_it_fits(text: str, read: Understood) -> bool:
    """Return whether a line asks if the model fits a provider's machine that it names: 'can I put it on a p5.48xlarge'.

    Args:
        text: the line.
        read: what the rules made of it.
    """
    if not isinstance(read.request, WhatIf):
        return False
    paths = read.request.change.values.keys()
    machine = {"hardware.accelerators", "hardware.accelerators_per_node"}
    return machine <= paths <= machine | {"hardware.nodes", "money.provider"} and bool(_FITS.search(text))


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
_WHY: Final = (
    r"(?:why|how come|warum|wieso|pourquoi|por qu[ée]|perch[ée]|what'?s wrong with|isn'?t|aren'?t|couldn'?t|"
    r"what are .* for)"
)
_COUNT: Final = r"(?:an?|one|two|three|four|eight|\d+)"
_PARTS: Final = r"replicas?|gpus?|cards?|nodes?|servers?|machines?"
_EVIDENT: Final = tuple(
    (act, re.compile(pattern, re.I))
    for act, pattern in (
        (
            "smalltalk",
            r"\bwrong (?:window|chat|thread|channel|tab|person)\b|"
            r"^\W*(?:\w+\W+){0,3}?(?:never ?mind|nvm)\W*(?:leave .*|keep .*)?$|"
            r"\b(?:leave|keep) (?:it|everything|all|that) (?:just )?"
            r"(?:as (?:it )?(?:is|was)|like (?:that|this)|this way|so)\b|"
            r"\bforget (?:what i|about what i) (?:said|wrote|asked)\b|"
            r"\bignore (?:that|this|what i \w+|my last \w+)\W*(?:please\W*)?$|"
            r"\b(?:lass|belass|bleibt|bleib) (?:es |das |alles |mal )*(?:so|wie es ist|mal)\b|\blaisse tomber\b|"
            r"\bd[ée]jalo as[ií]\b",
        ),
        (
            "who_said",
            r"^(?!.*\bi said\b)\W*(?:(?:but|and|no|hey|wait)\W+)*(?:i|we) (?:never|(?:did|have|had) ?n[o']?t)"
            r"(?: ever)? (?:say|said|ask(?:ed)?(?: for)?|mention(?:ed)?|tell|told|specif\w+|request(?:ed)?|stated?)\b|"
            r"\bwho (?:said|told you|asked for|mentioned)\b|"
            r"\bdid (?:i|we) (?:ever )?(?:say|ask for|mention|tell|request)\b|"
            r"\bnot what (?:i|we) (?:said|asked|wrote|told)\b|"
            r"\bwhere (?:did|do) you (?:get|have|take) (?:the|that|this|my) |"
            r"\bwhere does (?:the |that |this |my )?[^?]*\d[^?]*(?:come|stem) from\b|"
            r"\b(?:do|did) you (?:think|assume|believe|say) (?:that )?(?:the |my |our )?"
            r"(?:prompts?|answers?|traffic|it)\b.*\b(?:is|are|has|have)\b",
        ),
        (
            "monitoring",
            r"\bslis?\b|\balert(?:ing)? (?:thresholds?|levels?)\b|\bon-?call\b.*\b(?:paged?|woken|called)\b|"
            r"^(?!.*\b(?:export|write|save|file|yaml)\b).*\b(?:what|which|when|how)\b.*\b(?:dashboards?|alerts?|pager)\b",
        ),
        (
            "more_or_fewer",
            r"^(?!.*\b(?:spares?|standby|users?|rps)\b)\W*(?:(?:and|but|so|ok)\W+)*"
            rf"(?:what|how|with|would|could|can|is|suppose|if)\b.*\b{_COUNT} "
            rf"(?:(?:more|extra|additional|fewer|less) (?:{_PARTS})|(?:{_PARTS}) (?:more|fewer|less))\b",
        ),
        (
            "at_load",
            r"^\W*(?:(?:so|and|ok|but)\W+)*(?:what happens )?at \d+(?:\.\d+)? ?(?:rps|qps|requests?)\b.*\?|"
            r"^\W*(?:(?:so|and|ok|but)\W+)*what happens at \d+(?:\.\d+)? ?(?:rps|qps|requests?)\b",
        ),
        ("why", rf"^(?!.*\d ?m?s\b).*\b{_WHY}.*{PERCENTILE_CHOICE}"),
        ("why", rf"\b{_WHY}.*{CARDS_TOGETHER}"),
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
        ("cost", r"\d ?(?:%|percent|prozent) (?:of )?(?:vat|mwst|tva|iva|gst|sales tax)\b|\b(?:vat|mwst)\b.*\d ?%"),
        ("elsewhere", r"\b(?:reserv\w+|commit\w*|lock)\b.*\b(?:up-?front|up front|in advance|prepa\w+)\b"),
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


_THIS_FLEET: Final = re.compile(
    r"^(?!.*\b(?:cost|price|bill|cheaper)\b).*(?:\b(?:same|this|current|existing|planned|today'?s) "
    r"(?:fleet|gpus|cards|setup|hardware|machines|replicas)\b|\b(?:plan|fleet)\b.*\b(?:still|noch|encore|todavía|ancora)\b)",
    re.I,
)


def _asks_of_this_fleet(text: str, read: Understood) -> bool:
    """Return whether a line asks what the fleet as it is does at another load or other lengths."""
    if not _THIS_FLEET.search(text) or ("?" not in text and not ASKS_WHETHER.match(text)):
        return False
    if isinstance(read.request, Ask):
        return any(one.path.startswith("tokens.") for one in read.request.questions)
    loads = ("traffic.requests_per_s", "tokens.input.mean", "tokens.output.mean")
    return isinstance(read.request, WhatIf) and any(path in loads for path in read.request.change.values)


def _is_brief(text: str, read: Understood) -> bool:
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
