"""Prices that a line states after a plan: of a GPU or a machine, rented or bought, as a discount, or of an API."""

import re
from typing import Final

from msgspec import Struct

from agent.after_plan.replies.load import GPUS
from agent.interpret.words.numerals import in_figures
from catalogs.units import HOURS_PER_MONTH, MULTIPLIERS
from engine.plan import CapacityPlan

_AMOUNT: Final = (
    r"(?:(?:us)?\$|usd ?)(?P<signed>\d[\d,]*(?:\.\d+)?) ?(?P<scale>k|thousand|m|mio|million)?(?![\w%]|[.,]\d)|"
    r"(?<![\w.,$])(?P<bare>\d{2,3}(?:\.\d{3})+|\d[\d,]*(?:\.\d+)?)(?: ?(?P<scale2>k|thousand|grand)"
    r"(?: ?(?:\$|usd|dollars?|bucks))?| ?(?:\$|usd|dollars?|bucks))(?!\w)"
)
"""An amount in dollars, or in thousands; '290.000 Dollar' has its thousands apart, as German writes them."""
_THOUSANDS: Final = r"\d{2,3}(?:\.\d{3})+"
_HOURS: Final = {"h": 1.0, "d": 24.0, "w": 168.0, "m": HOURS_PER_MONTH, "y": 12 * HOURS_PER_MONTH}
_EACH: Final = r"(?:/|per|an?|each|every|the|pro|par|por|je)"
_PERIOD: Final = re.compile(
    rf"{_EACH} ?(?P<period>h(?:ou)?rs?\b|h\b|hourly|days?\b|weeks?\b|mo\b|months?\b|y(?:ea)?rs?\b)|-(?P<hyphen>hour)|"
    r"\b(?P<ly>hourly|monthly|yearly)\b|\b(?:gpu|h100|card)[ -]?(?P<unit>h(?:ou)?rs?)\b"
)
_ONE: Final = re.compile(rf"\b(?:{GPUS})\b|\bgpu-?h(?:ou)?rs?\b")
_MACHINE: Final = re.compile(
    r"\b(?:nodes?|box(?:es)?|servers?|machines?|instances?|hosts?|vms?|hgx|dgx|knoten|serveurs?|nœuds?|servidor(?:es)?|"
    r"nodos?|p[45]\w*(?:\.\w+)?|a[23]-[\w-]+|nd\w*h100\w*)\b|\b\d{1,2} ?[x×-] ?(?:gpu|h100|h200|b200|a100)"
)
_LEAST_PURCHASE: Final = 500.0
"""USD below which an amount without a period buys no accelerator: the cheapest of data centres cost more."""
_OFF: Final = re.compile(
    r"\b(?:budget|total|in all|altogether|tokens?|users?|requests?|calls|seats?|under|below|at most|up to|max\w*|cap|"
    r"spend|left|afford|save|saves|support|contract|other costs|engineers?|staff|tax|vat|what can|get for)\b|"
    r"\bm(?:illion)? tok|\b(?:have|got|only) (?:us)?\$? ?\d"
)
"""Words of an amount that is no price of a machine."""
_QUOTED: Final = re.compile(
    r"\b(?:i see|why|where|the plan|you (?:say|said|have|take|took|use|used|assume)|list price|shows?|screen)\b"
)
"""Words beside a price that is somebody else's."""


_CENTS: Final = re.compile(
    r"(?<![\w.,])(?P<usd>\d{1,3}) ?(?P<unit>dollars?|bucks|usd|\$)(?: and)? (?P<cents>\d\d)"
    r"(?: cents?\b|(?= ?(?:/|(?:per|an?|each|every)\b)))",
    re.I,
)


def with_cents(text: str) -> str:
    """Return a line with a spoken amount in figures: '2 dollars 10 per hour' as '2.10 dollars per hour'.

    '2 dollars 10 GPUs' has two figures: cents are said as such, or have what they are paid for behind them.

    Args:
        text: the line.
    """
    figures = in_figures(text) if re.search(r"\b(?:dollars?|bucks)\b", text, re.I) else text
    made = _CENTS.sub(r"\g<usd>.\g<cents> \g<unit>", figures)
    return text if made == figures else made


_DISCOUNT: Final = re.compile(
    r"(?P<share>\d+(?:\.\d+)?) ?(?:%|percent) (?:(?:volume|negotiated|enterprise|private|aws|azure|gcp) )?"
    r"(?:discount|rebate|off(?= (?:the |our |their )?(?:list|price|bill|on[- ]demand)\b|\W*$|"
    r" (?:from|at|with) \w+\W*$))|"
    r"\b(?:discount|rebate) of (?P<of>\d+(?:\.\d+)?) ?(?:%|percent)",
    re.I,
)
_NO_DISCOUNT: Final = re.compile(
    r"\b(?:without|no|not|need\w*|reserv\w+|spot|commit\w*|years?|support|egress|storage|traffic|peak|tokens?|api|sales?|"
    r"customers?|target|includ\w+|already|power|prompts?|answers?|load|ttft|latency|why|how|which|could|can|would|will|"
    r"is|do|does|did|are|should)\b|n't\b",
    re.I,
)
"""Beside a discount it is of another bill or term, is wished for, or is asked about."""


def discount(text: str) -> float | None:
    """Return the share of the list price that a line states as a discount on it; None where it states none.

    Args:
        text: the line: 'we got a 38% discount from aws'.
    """
    if (match := _DISCOUNT.search(text)) is None or _NO_DISCOUNT.search(re.sub(r"\bwhat (?:if|about)\b", "", text)):
        return None
    share = float(match["share"] or match["of"]) / 100
    return share if 0 < share < 1 and len(re.findall(r"\d+(?:\.\d+)?", text)) == 1 else None


_IN: Final = r"(?:in(?:put)?|prompts?|input tokens)"
_OUT: Final = r"(?:out(?:put)?|answers?|completions?|output tokens)"
_MILLION: Final = r"(?: ?(?:/|per|a|an?) ?(?:1 ?)?m(?:illion)?(?: ?tok(?:en)?s?)?)?(?: (?:for|of|the))*"
_PRICES_OF_BOTH: Final = re.compile(
    rf"\$ ?(?P<input>\d+(?:\.\d+)?){_MILLION} {_IN}\b[^$\d]{{0,30}}\$ ?(?P<output>\d+(?:\.\d+)?){_MILLION} {_OUT}\b|"
    rf"\b{_IN} (?:at |is |costs? |for )?\$ ?(?P<input2>\d+(?:\.\d+)?){_MILLION}[^$\d]{{0,10}}\b{_OUT} "
    r"(?:at |is |costs? |for )?\$ ?(?P<output2>\d+(?:\.\d+)?)",
    re.I,
)


def prices_of_both(text: str) -> tuple[float, float] | None:
    """Return an API's prices of prompts and of answers, USD per million tokens; None where a line states not both.

    Args:
        text: the line: '$0.60 in / $0.80 out per million'.
    """
    match = _PRICES_OF_BOTH.search(text)
    return (float(match["input"] or match["input2"]), float(match["output"] or match["output2"])) if match else None


class OwnPrice(Struct, frozen=True):
    """What one unit costs by the line."""

    usd: float
    accelerators: int
    """In the unit: 1, or those of a machine."""
    hours: float | None
    """For which it is paid; None where it buys the unit."""

    @property
    def usd_per_accelerator(self) -> float:
        """Of an hour where it is rented."""
        return self.usd / self.accelerators / (self.hours or 1.0)


def own_price(text: str, plan: CapacityPlan, accelerators_per_node: int) -> OwnPrice | None:
    """Return the one price of an accelerator or a machine that a line states; None for no or several amounts.

    It is none where the amount is a budget, of tokens, users or support, or quoted from the plan to be explained, nor
    where the unit is not named.

    Args:
        text: the line.
        plan: whose machines they are.
        accelerators_per_node: of the plan's accelerator, for a machine that the plan has no offer of.
    """
    words = text.lower()
    amounts = list(re.finditer(_AMOUNT, words))
    if len(amounts) != 1 or _OFF.search(words) or _QUOTED.search(words):
        return None
    match = amounts[0]
    number = match["signed"] or match["bare"]
    usd = float(re.sub(r"\D", "", number) if re.fullmatch(_THOUSANDS, number) else number.replace(",", ""))
    scale = (match["scale"] or match["scale2"] or "").replace("grand", "k")
    usd *= MULTIPLIERS.get(scale, 1.0)
    machine, one = _MACHINE.search(words), _ONE.search(words)
    if machine is None and one is None:
        return None
    rest = words[match.end() :]
    per_one = (
        re.match(rf" ?(?:/|per|each|an?|for (?:an?|one|each)) ?(?:h\w* (?:per|/) )?(?:{GPUS})\b", rest) is not None
    )
    offer = plan.chosen.offer
    size = offer.accelerators if offer and offer.accelerators > 1 else accelerators_per_node
    accelerators = size if machine and not per_one and not re.search(r"\bper (?:gpu|card|h100)|gpu-?h", words) else 1
    if counted := re.search(rf"\bfor (?P<count>[1-9]\d{{0,3}}) ?[x×]? ?(?:nvidia )?(?:{GPUS})\b", words):
        accelerators = int(counted["count"])
    period = _PERIOD.search(words)
    if period is None:
        return OwnPrice(usd, accelerators, None) if usd / accelerators >= _LEAST_PURCHASE else None
    name = next(filter(None, (period["period"], period["ly"], period["hyphen"], period["unit"])))
    return OwnPrice(usd, accelerators, _HOURS[name[0]])
