"""Lines after a plan whose words leave no doubt which act they are, whatever else stands beside them."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from agent.after_plan.measured import told_in
from agent.after_plan.replies.bills.own_price import prices_of_both
from agent.after_plan.replies.shares import is_shared_out
from agent.after_plan.wording.plain_words import ASKS_WHETHER
from agent.interpret.words.numerals import in_figures
from agent.talk.requests import Ask, Understood, WhatIf


def evident(text: str, read: Understood) -> tuple[str, str] | None:
    """Return the act that a line's words name beyond doubt and what it is asked with; None where they name none.

    Args:
        text: the line: 'TP4? I would have gone with TP2' asks why not TP2.
    """
    if told_in(text) and isinstance(read.request, WhatIf | Ask):
        return "calibrate", text
    if act := _of_second_load(text, read):
        return act, text
    if is_shared_out(text) or prices_of_both(text):
        return "other_models" if is_shared_out(text) else "api_or_self", text
    if act := next((act for act, asks in _ASKED.items() if asks(text, read)), ""):
        return act, text
    if match := _HINDSIGHT.search(text) or _COULD_BE.search(text) or _DONE_ON.search(in_figures(text)):
        return "why_not", f"why not {match['what']}{' gpus' if match.re is _DONE_ON else ''}"
    return next(((act, text) for act, pattern in _EVIDENT if pattern.search(text)), None)


_MACHINES: Final = frozenset(
    f"hardware.{name}"
    for name in (
        "accelerator_count", "max_accelerators", "nodes", "max_nodes", "replicas", "max_replicas", "accelerators",
    )
)  # fmt: skip
_HOLDS: Final = re.compile(
    r"\b(?:how (?:much|many|far)|what (?:load|rate|traffic|can|could|would|do|rps)|which load|rps|qps|wie ?viele?|"
    r"was (?:geht|schaff\w+)|combien|qu'?est-ce|cuánt\w+|qué|load|enough|suffi\w+|reichen|plenty|"
    r"who(?:'?s| is) (?:right|wrong|correct)|(?:is|are|am) (?:he|she|they|i|we|that|it) (?:right|wrong|correct|off))\b|"
    r"多少|够",
    re.I,
)


def _changed(read: Understood) -> frozenset[str]:
    """Return the paths that a line would change."""
    return frozenset(read.request.change.values) if isinstance(read.request, WhatIf) else frozenset()


def _asks_what_machines_hold(text: str, read: Understood) -> bool:
    """Return whether a line names a number of machines and asks what they carry: no wish to have so many."""
    paths = _changed(read)
    return bool(paths - {"hardware.accelerators"}) and paths <= _MACHINES and bool(_HOLDS.search(text))


BESIDE: Final = re.compile(
    r"\b(?:(?:an|one )?other|second|third|additional|further|more|new) (?:\w+ )?(?:work-?loads?|loads?|use ?cases?|"
    r"services?|apps?|applications?|teams?|products?|models?)\b|\b(?:plus|also|additionally|in addition|on top|besides|"
    r"beside it|next to it|alongside)\b",
    re.I,
)


def _of_second_load(text: str, read: Understood) -> str:
    """Return the act of a line that tells of a load beside the plan's, with its own lengths or model; else nothing.

    'Also 30 rps' changes the plan's, '+ 5 rps' adds to it, 'plus 120 colleagues' adds users.
    """
    paths = _changed(read)
    own = bool(read.unused) or any(path == "model" or path.startswith("tokens.") for path in paths)
    if not own or "users.count" in paths or not BESIDE.search(text):
        return ""
    if "traffic.requests_per_s" in paths:
        return "pool"
    return "scope_batch" if paths and any(re.search(r"\d", words) for words in read.unused) else ""


_FITS: Final = re.compile(
    r"^\W*(?:(?:and|but|so|ok)\W+)*(?:can|could|will|would|does|do|is|are)\b.*\b(?:put|run|fit|host|squeeze|serve|enough|"
    r"work|go)\b",
    re.I,
)


def _asks_whether_it_fits(text: str, read: Understood) -> bool:
    """Return whether a line asks if the model fits a machine that it names: 'can I put it on a p5.48xlarge'."""
    paths = _changed(read)
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


_COULD_BE: Final = re.compile(
    r"^\W*(?:and |but |so )?(?:could|can|would|might|should|shouldn'?t) (?:it|this|that|we|they)(?: not)? "
    r"be (?P<what>(?:tp|pp) ?\d+)\b",
    re.I,
)
"""A split that is put forward: 'could it be TP1?'."""


_DONE_ON: Final = re.compile(
    r"\b(?:i|we|others?|people|everyone|my \w+|he|she|they|you) (?:only |just |normally |usually )?"
    r"(?:gets?|got|does?|did|runs?|ran|serves?|manages?|needs?)"
    r"(?: (?:that|it|this|the same(?: thing)?|the job|this load|away))? (?:on|with) "
    r"(?:just |only |about )?(?P<what>\d{1,3})"
    r"(?: (?:of (?:them|these|those)|gpus|cards|[abh]\d{2,3}s?))?"
    r"(?=\W*(?:$|[.,;!?]| (?:today|now|already|currently|right now)\b))",
    re.I,
)
"""A number of machines that somebody says does: '12 H100? I get that on 4'."""
_LATENCY: Final = r"(?:p\d\d|ttft|itl|tpot|e2e|latency|time to first token)"
_EVIDENT: Final = tuple(
    (act, re.compile(pattern, re.I))
    for act, pattern in (
        (
            "since",
            r"^\W*(?:(?:and|so|ok(?:ay)?)\W+)*(?:how much (?:more|less|dearer|cheaper|extra|of a difference) "
            r"(?:is|was|would|does|will) (?:that|it|this)(?: (?:be|cost|come to))?|(?:and )?"
            r"(?:what(?:'?s| is)|how (?:big|large) is) (?:the|that) difference"
            r"(?: in (?:money|cost|price|dollars|euros|gpus))?)"
            r"(?: (?:a|per) (?:month|year)| then| now)*\W*$",
        ),
        (
            "at_load",
            r"^\W*(?:(?:so|and|ok|but)\W+)*(?:(?:what happens )?at \d+(?:\.\d+)? ?(?:rps|qps|requests?)\b.*\?|"
            r"what happens at \d+(?:\.\d+)? ?(?:rps|qps|requests?)\b)",
        ),
        (
            "failure",
            r"\b(?:whole|entire|complete) (?!thing|fleet|service|cluster|system|lot|plan|team|cloud|provider)[\w.-]+"
            r"(?: \w+)? (?:dies?|died|goes? (?:down|dark|away|offline)|fails?|failed|crash\w*|breaks?|vanish\w*|"
            r"disappear\w*|(?:is|was|gets) (?:gone|lost|down|dead)|burns?|drops? out)\b",
        ),
        (
            "overflow",
            r"^(?!.*\b(?:spot|pods?|nodes?|instances?|kubernetes|k8s)\b).*(?:(?<![\w.])(?:429|503)s?\b"
            r"(?! ?\w*(?:rps|qps|req|users|gpus))|\b(?:preempt(?:ions?|ed|s|ing)?|kv (?:cache )?evictions?|"
            r"load[- ]shed\w*|back-?pressure|head[- ]of[- ]line)\b)|"
            r"\b(?:an?|one|single|some(?:one|body))\b.*(?<![\w.])\d+ ?k\b.*"
            r"\b(?:others?|everyone|everybody|rest|neighbou?rs?)\b.*\?|"
            r"\b(?:others|everyone|everybody|the rest|neighbou?rs)\b.*"
            r"\b(?:when|if|while|by) (?:an?|one|single|some\w+)\b.*(?<![\w.])\d+ ?k\b",
        ),
        (
            "own_or_rent",
            r"\b(?:ours|(?:we|i) (?:already )?own|already (?:own|have))\b.*\b(?:rent\w*\b.*\b(?:rest|others?)|"
            r"(?:rest|others?)\b.*\brent\w*)\b",
        ),
        (
            "autoscaler",
            r"\bfrom \d+ (?:replicas )?to \d+ replicas\b.*\b(?:fast|quick\w*|long|minutes?)\b|"
            r"\bhow (?:fast|quick\w*|long)\b.*\bfrom \d+ (?:replicas )?to \d+ replicas\b",
        ),
        (
            "latency",
            r"\b(?:p\d\d|percentiles?|ttft|latenc\w+)\b.*\b(?:fleet[- ]?wide|(?:per|each) replica|client)\b.*\?",
        ),
        (
            "scope_batch",
            r"\bbatch\b.*\b\d[\d.,]* ?(?:k|m|million|thousand)? ?(?:docs?|documents?|prompts|files|records|"
            r"summaries|texts|pages|articles|tickets|e?mails)\b",
        ),
        (
            "rate_meaning",
            r"\b(?:how much|which|what) (?:traffic|load|rate) (?:is|was|are|did|do|does) "
            r"(?:it |this |we |you |the plan )?(?:plan|siz|assum|reckon)\w*\b",
        ),
        (
            "quality",
            r"\b(?:[348][- ]?bits?|int[48]|fp4|awq|gptq)\b.*\b(?:lose|loses|lost|dumber)\b|"
            r"\blose\b.*\b(?:[348][- ]?bits?|int[48]|fp4|awq|gptq)\b",
        ),
        ("instance", r"\bv-?cpus?\b.*(?:\bquotas?\b|\blimit\w*|\benough\b|\?)|\bquotas?\b.*\bv-?cpus?\b"),
        (
            "latency",
            r"\b(?:what|which|how many|how much)\b.*\b(?:share|percentage|fraction|part|%|many)\b.*"
            r"\b(?:requests|users|answers|calls|first tokens)\b.*"
            r"\b(?:miss\w*|late|slower|exceed\w*|beyond|wait longer)\b",
        ),
        (
            "sensitivity",
            r"\b(?:weakest|shakiest|most (?:uncertain|critical|fragile|sensitive)) (?:assumption|input)s?\b",
        ),
        ("boss", r"\b(?:no|without|free of|zero) jargon\b|\bjargon[- ]free\b"),
        (
            "unrelated",
            r"\b(?:db|database|postgres\w*|mysql|redis|kafka|elastic\w*)\b.*\b(?:replicas?|nodes?|shards?)\b",
        ),
        (
            "token_volume",
            r"\b(?:vllm|sglang|tensorrt\S*|others|they|people|everyone|vendors?)\b(?: \w+)? "
            r"(?:does|do|gets?|makes?|reach\w*|manages?|delivers?)\b.*\btok(?:en)?s?(?: ?/ ?| per | a )s",
        ),
        ("power", r"\b(?:t|kg)?co2e?\b|\bcarbon (?:footprint|emissions?)\b"),
        (
            "overflow",
            r"\bwhat (?:happens|becomes) (?:to|of|with) (?:the |all )?(?:surplus |excess |other )?(?:requests|calls)\b",
        ),
        ("rate_meaning", r"\d ?(?:%|percent)[^.;]*\b(?:retries|retried|health ?checks?|duplicates)\b"),
        (
            "outgrow",
            r"\b(?:doubl|tripl|quadrupl|grow|increas|ris)\w*\b.*\b(?:every|each|per|a) (?:\d+ |[a-z]+ )?"
            r"(?:months?|quarters?|years?)\b.*\b(?:for|over|within|next|in) \w+ (?:years?|months?)\b",
        ),
        (
            "meets",
            r"^(?!.*\b(?:aws|azure|gcp|providers?|vendors?|clouds?|nvidia)\b).*\b(?:guarantee|promise|vouch)\w*\b.*"
            rf"(?:\d ?(?:ms|s|seconds?)\b|\b{_LATENCY}|\btargets?\b)"
            rf"|{_LATENCY}\b.*\bguarantee\w*",
        ),
        (
            "certainty",
            r"(?<![\w.])\d{2}(?:\.\d+)? ?(?:%|percent|prozent)[ -]?(?:\w+ )?(?:sure|certain\w*|confiden\w+|"
            r"sicher\w*|sûr\w*|segur\w*)\b|\b(?:certainty|confidence) (?:of|at|to) \d{2} ?(?:%|percent)|"
            r"(?<![\w.])\d{2} ?(?:%|percent)[^.?!]*\b(?:coin[ -]?(?:flip|toss)|toss-?up|odds|gamble)\b",
        ),
        (
            "token_volume",
            r"\btok(?:en)?s?(?: ?/ ?| per | a )s\w*(?: ?/ ?| per | an? | on (?:an?|one) )"
            r"(?:gpu|card|h100|h200|a100|b200)\b.*\?|"
            r"\b(?:promis|claim|advertis|quot|believ|realis)\w*\b.*\btok(?:en)?s?(?: ?/ ?| per | a )s",
        ),
        (
            "faster_how",
            r"\b(?:speculative|spec decod\w*|eagle-?\d?|medusa|draft models?)\b.*"
            r"\b(?:itl|ttft|latency|fast\w*|help\w*|tokens?|speed\w*|worth)\b.*\?",
        ),
        (
            "own_or_rent",
            r"(?=.*\b(?:base|peaks?|mix\w*|half|rest)\b)(?=.*\bspot\b).*\b(?:reserv\w+|on[- ]demand|commit\w*)\b",
        ),
        (
            "failure",
            r"\b(?:two|2|both|three|3) (?:sites|data ?cent(?:er|re)s|dcs|regions|locations)\b.*"
            r"\b(?:surviv\w+|alone|fail\w*|down|active)\b",
        ),
        ("elsewhere", r"\b(?:reserv\w+|commit\w*|lock)\b.*\b(?:up-?front|up front|in advance|prepa\w+)\b"),
    )
)
"""Words that one act alone can mean, whatever else stands beside them."""


_THIS_FLEET: Final = re.compile(
    r"^(?!.*\b(?:cost|price|bill|cheaper)\b).*(?:\b(?:same|this|current|existing|planned|today'?s) "
    r"(?:fleet|gpus|cards|setup|hardware|machines|replicas)\b|\b(?:plan|fleet)\b.*\b(?:still|noch|encore|todavía|ancora)\b|"
    r"\b(?:do(?:n'?t| not)|without|never|no) (?:add\w*|buy\w*|chang\w*|scal\w*|touch\w*|rent\w*|new|extra|more) ?"
    r"(?:any|more|new)? ?(?:thing|anything|capacity|hardware|gpus?|cards|machines|replicas|it)?\b)",
    re.I,
)


_ASKS_WHAT: Final = re.compile(
    r"\W*(?:(?:and|so|ok|but)\W+)*(?:what|how) (?:would|does|do|will|happens)\b(?! if\b)", re.I
)


def _asks_of_this_fleet(text: str, read: Understood) -> bool:
    """Return whether a line asks what the fleet as it is does at another load or other lengths."""
    if not _THIS_FLEET.search(text) or not ("?" in text or ASKS_WHETHER.match(text) or _ASKS_WHAT.match(text)):
        return False
    if isinstance(read.request, Ask):
        return any(one.path.startswith("tokens.") for one in read.request.questions)
    loads = ("traffic.requests_per_s", "tokens.input.mean", "tokens.output.mean")
    return isinstance(read.request, WhatIf) and any(path in loads for path in read.request.change.values)


_BUSY: Final = re.compile(
    r"\b(?:utili[sz]ation|how (?:busy|loaded|idle)|auslastung|how much (?:is|of it is) idle)\b", re.I
)
_AVERAGE: Final = re.compile(r"\b(?:average|mean|avg)\b", re.I)


def _is_brief(text: str, read: Understood) -> bool:
    """Return whether a line raises the load for some hours alone: a burst, and no new load."""
    request = read.request
    return (
        isinstance(request, WhatIf)
        and request.change.values.keys() == {"traffic.requests_per_s"}
        and bool(_BRIEFLY.search(text))
        and not _AVERAGE.search(text)
    )


_ASKED: Final[Mapping[str, Callable[[str, Understood], bool]]] = {
    "fleet_holds": _asks_what_machines_hold,
    "at_load": _asks_of_this_fleet,
    "spike": _is_brief,
    "utilisation": lambda text, read: "traffic.requests_per_s" in _changed(read) and bool(_BUSY.search(text)),
    "runs_on": _asks_whether_it_fits,
}
"""By act, what of a line and its reading leaves no doubt of it; the first holds."""
