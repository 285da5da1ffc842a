"""Lines after a plan whose words leave no doubt which act they are, whatever else stands beside them."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from agent.after_plan.measured import told_in
from agent.after_plan.replies.bills.own_price import prices_of_both
from agent.after_plan.replies.shares import is_shared_out
from agent.after_plan.wording.plain_words import ASKS_WHETHER
from agent.fields.demand import GIVEN_AS
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
    if match := _HINDSIGHT.search(text) or _DONE_ON.search(in_figures(text)):
        return "why_not", f"why not {match['what']}{' gpus' if match.re is _DONE_ON else ''}"
    return None


_MACHINES: Final = frozenset(
    f"hardware.{name}"
    for name in (
        "accelerator_count", "max_accelerators", "nodes", "max_nodes", "replicas", "max_replicas", "accelerators",
    )
)  # fmt: skip
_HOLDS: Final = re.compile(
    r"\b(?:how (?:much|many|far)|what (?:load|rate|traffic|can|could|would|do|rps)|which load|rps|qps|"
    r"through-?put|capacity|max(?:imum)? (?:load|rate|traffic|requests)|(?:requests|tokens) (?:per|a|/) ?s\w*|"
    r"wie ?viele?|was (?:geht|schaff\w+)|combien|qu'?est-ce|cuánt\w+|qué|load|enough|suffi\w+|reichen|plenty|"
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


NTH: Final = r"second|third|fourth|zweite\w*|dritte\w*|(?:deux|trois)ième|segund[ao]|tercer[ao]?"
BESIDE: Final = re.compile(
    rf"\b(?:(?:(?:an|one|the )?other|additional|further|more|new|weitere\w*|autre|otr[ao]|{NTH}) (?:\w+ )?"
    r"(?:work-?loads?|loads?|use ?cases?|services?|apps?|applications?|teams?|products?|models?|charges?|équipe|"
    r"equipo|servicio)|plus|also|additionally|in addition|on top|besides|beside it|next to it|alongside|"
    rf"[aä]u(?:ss|ß)erdem|zusätzlich|en plus|aussi|además|también)\b|\b(?:{NTH})(?: \w+)?\s*:",
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
    batch = "scope_batch" if paths and any(re.search(r"\d", words) for words in read.unused) else ""
    return "pool" if "traffic.requests_per_s" in paths else batch


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
        and request.change.values.keys() - {GIVEN_AS} == {"traffic.requests_per_s"}
        and bool(_BRIEFLY.search(text))
        and not _AVERAGE.search(text)
    )


_TO_API: Final = re.compile(r"\b(?:sen[dt]|rout\w+|goe?s?|beyond)\b.* to (?:\w+ )?(?:api|gpt-\d|claude|gemini)", re.I)
_SOME: Final = r"(?:half|(?:a|one) (?:third|quarter)|\d{1,2} ?%)"
_PART: Final = re.compile(rf"{_SOME}(?: of)?(?: it)?$", re.I)
_PART_ON: Final = re.compile(
    rf"{_SOME}(?: of (?:it|them|these|the (?:fleet|cards|gpus|replicas)))? (?:on|as) (?:spot|reserved|on[- ]demand)\b",
    re.I,
)
"""A part of the fleet on other terms, which is no variant: 'spot for half of it', 'half of it on spot'."""
_ASKED: Final[Mapping[str, Callable[[str, Understood], bool]]] = {
    "api_or_self": lambda text, read: bool(_TO_API.search(text)),
    "fleet_holds": _asks_what_machines_hold,
    "at_load": _asks_of_this_fleet,
    "spike": _is_brief,
    "utilisation": lambda text, read: "traffic.requests_per_s" in _changed(read) and bool(_BUSY.search(text)),
    "runs_on": _asks_whether_it_fits,
    "elsewhere": lambda text, read: (
        (_changed(read) == {"money.term"} and any(map(_PART.match, read.unused))) or bool(_PART_ON.search(text))
    ),
}
"""By act, what of a line and its reading leaves no doubt of it; the first holds."""
