"""Prices that a line states after a plan: of a GPU or a machine, rented or bought, as a discount, or of an API."""

import re
from typing import Final

from msgspec import Struct

from agent.after_plan.replies.load import GPUS
from agent.interpret.words.numerals import in_figures
from catalogs.currencies import CURRENCIES, RATES_OF
from catalogs.units import HOURS_PER_MONTH, MULTIPLIERS, show_figure, show_usd
from engine.plan import CapacityPlan

_CURRENCIES: Final = {
    "USD": r"us\$|\$|usd|us dollars?|dollars?|bucks",
    **{code: words for code, (words, per_usd) in CURRENCIES.items() if per_usd},
}
_MONEY: Final = rf"(?:{'|'.join(_CURRENCIES.values())})"
_UNIT: Final = rf"(?:{GPUS}|accelerator|node|machine|instance|box)"
_BY_THE_HOUR: Final = (
    rf" ?(?:/|per|an?) ?(?:{_UNIT}[ -]?(?:/|per|an?)? ?h|h(?:(?:ou)?r)? ?(?:/|per|an?|each) ?{_UNIT})(?:(?:ou)?rs?)?\b"
)
_AMOUNT: Final = (
    rf"(?:(?P<sign>{_MONEY}) ?(?P<signed>\d[\d,]*(?:\.\d+)?) ?(?P<scale>k|thousand|m|mio|million)?(?![\w%]|[.,]\d)|"
    r"(?<![\w.,$€£])(?P<bare>\d{2,3}(?:\.\d{3})+|\d+,\d\d(?!\d)|\d[\d,]*(?:\.\d+)?)"
    rf"(?: ?(?P<scale2>k|thousand|grand)(?: ?(?P<unit2>{_MONEY}))?| ?(?P<unit>{_MONEY})|(?={_BY_THE_HOUR}))(?!\w))"
)
"""An amount in a currency, or in thousands, or with the hour of a machine that it pays for; '290.000 Dollar' has its
thousands apart and '2,40 EUR' its cents, as German writes them."""
_THOUSANDS: Final = r"\d{2,3}(?:\.\d{3})+"
_CENTS_BEHIND_COMMA: Final = re.compile(r"\d+,\d\d")
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
_PAID: Final = re.compile(
    r"\b(?:buy\w*|bought|purchas\w+|costs?|pric\w+|pay\w*|paid|quot\w+|offer\w*|ask\w*|charg\w+|each|apiece|per|an?|at|"
    r"for|worth|rent\w*|kost\w+|preis|coûte\w*|prix|cuesta\w*|precio|hour\w*|h)\b|/"
)
"""Words without one of which an amount is no money: '3k in on H200' are tokens."""
_LENGTH: Final = re.compile(
    r" ?(?:tok(?:en)?s? ?)?(?:in|out|tok(?:en)?s?|prompts?|inputs?|outputs?|answers?|context)\b"
)
_LEAST_PURCHASE: Final = 500.0
"""USD below which an amount without a period buys no accelerator: the cheapest of data centres cost more."""
_OFF: Final = re.compile(
    r"\b(?:budget|total|in all|altogether|tokens?|users?|people|requests?|calls|seats?|under|below|at most|up to|cap|"
    r"max\w*|"
    r"spend|left|afford|save|saves|support|contract|other costs|engineers?|staff|tax|vat|what can|get for)\b|"
    r"\bm(?:illion)? tok|\b(?:have|got|only) (?:us)?\$? ?\d(?![\d.,]* ?/ ?(?:gpu|card|h))"
)
"""Words of an amount that is no price of a machine."""
_QUOTED: Final = re.compile(
    r"\b(?:i see|why|where|the plan|you (?:say|said|have|take|took|use|used|assume)|list price|shows?|screen)\b"
)
"""Words beside a price that is somebody else's."""


_PER_MILLION: Final = re.compile(
    r"(?<![\w.])(?:\$|usd|(?P<euros>€|eur)|cost|price)s? ?(?:/|per) ?1? ?m(?:ill?ion|n|m|tok)?\b(?: ?tok(?:en)?s?)?"
    r"(?: (?P<side>in|out)(?:put)?)?(?: tok(?:en)?s?)?",
    re.I,
)
"""'$/1M output tokens?' asks for a price, and names no prompt of a million tokens."""
_CENTS: Final = re.compile(
    r"(?<![\w.,])(?P<usd>\d{1,3}) ?(?P<unit>dollars?|bucks|usd|\$)(?: and)? (?P<cents>\d\d)"
    r"(?: cents?\b|(?= ?(?:/|(?:per|an?|each|every)\b)))",
    re.I,
)


_SIDES: Final = {"in": "input ", "out": "output "}


def with_cents(text: str) -> str:
    """Return a line with a spoken amount in figures: '2 dollars 10 per hour' as '2.10 dollars per hour'.

    '2 dollars 10 GPUs' has two figures: cents are said as such, or have what they are paid for behind them.
    """
    text = _PER_MILLION.sub(
        lambda found: (
            f"cost {'in EUR ' if found['euros'] else ''}per million "
            f"{_SIDES[found['side'].lower()] if found['side'] else ''}tokens"
        ),
        text,
    )
    figures = in_figures(text) if re.search(r"\b(?:dollars?|bucks)\b", text, re.I) else text
    made = _CENTS.sub(r"\g<usd>.\g<cents> \g<unit>", figures)
    return text if made == figures else made


_CHEAPER: Final = re.compile(
    r"\b(?:(?:the )?(?:prices?|costs?|rent)(?: (?:of|for) (?:the |a |an )?[\w-]+)?|"
    r"(?:the |our )?(?:gpus?|cards?|[abh]\d{2,3}s?)(?: prices?)?) "
    r"(?:gets?|got|becomes?|is|are|were|drops?|falls?|comes? down|goe?s? down) (?:by )?"
    r"(?P<share>\d+(?:\.\d+)?) ?(?:%|percent)(?: (?:cheaper|less|lower|down))?",
    re.I,
)
"""A price that falls, which is a discount on it: 'what if GPUs get 30% cheaper'."""
_LISTED: Final = r"(?:list|sticker|public|published|price|bill|everything|on[- ]demand|aws|azure|gcp|gpus?|catalog\w*)"
_DISCOUNT: Final = re.compile(
    r"(?P<share>\d+(?:\.\d+)?) ?(?:%|percent|prozent)(?: ?(?:volume|negotiated|enterprise|private|edp|aws|azure|gcp|"
    r"partner|corporate|special|committed?[- ]use|startup|account))*"
    r"(?: (?:discount|rebate|rabatt|remise|descuento)| off"
    r"(?=\W*$|[,;.)+&]|\s+(?:and|for|from|at|with|by|but|if|because|since)\b|"
    rf"(?: on| of)?(?: the| our| their| its| all)* {_LISTED}\b))|"
    r"\b(?:discount|rebate|rabatt|remise|descuento)(?: of| is|:)? ?(?P<of>\d+(?:\.\d+)?) ?(?:%|percent|prozent)|"
    rf"\bpay (?:only |just )?(?P<left>\d+(?:\.\d+)?) ?(?:%|percent) of(?: the| our| their)? {_LISTED}(?: price)?\b",
    re.I,
)
_NO_DISCOUNT: Final = re.compile(
    r"\b(?:without|no|not|need\w*|reserv\w+|spot|support|egress|storage|traffic|peak|tokens?|api|sales?|customers?|"
    r"target|includ\w+|already|power|prompts?|answers?|load|ttft|latency|why|how|which|could|can|would|is|do|does|did|"
    r"are|should)\b|n't\b",
    re.I,
)
"""Beside a discount it is of another bill or term, is wished for, or is asked about."""
_PARTS: Final = re.compile(r"\s*(?:[,;+&](?!\d)|\.(?!\d)|\b(?:and|plus|but|und|et|y)\b)\s*", re.I)


_SUPPOSED: Final = re.compile(
    r"\bwhat (?:(?:if|about)\b|(?:would|does|will|could) (?=an? |the |our ))|\bdo (?:to|for)\b|\bmean for\b", re.I
)
"""Words by which a discount is put forward and not asked for: 'what would a 20% discount do to the bill'."""


class Discount(Struct, frozen=True):
    """A discount that a line states."""

    share: float
    """Of the list price, above 0 and below 1."""
    rest: str
    """The other parts of the line."""


def discount(text: str) -> Discount | None:
    """Return what a line states as a discount on the list price; None where it states none, or more than one.

    'Off for a year's commitment' says what the discount is given for: the part of the line which it is in states no
    more.

    Args:
        text: the line: 'we got a 38% discount from aws'.
    """
    parts = _PARTS.split(_CHEAPER.sub(r"a \g<share>% discount", text))
    found = [(part, match) for part in parts if (match := _DISCOUNT.search(part))]
    if len(found) != 1 or _NO_DISCOUNT.search(_SUPPOSED.sub("", found[0][0])):
        return None
    ((part, match),) = found
    share = 1 - float(match["left"]) / 100 if match["left"] else float(match["share"] or match["of"]) / 100
    others = re.findall(r"(?<![\d.])\d+(?:\.\d+)?(?![\d.]| ?-?(?:y(?:ea)?rs?|months?|h100s?|gpus?)\b)", part)
    return (
        Discount(share, ", ".join(one for one in parts if one and one != part))
        if 0 < share < 1 and len(others) == 1
        else None
    )


_IN: Final = r"(?:in(?:put)?|prompts?|input tokens)"
_OUT: Final = r"(?:out(?:put)?|answers?|completions?|output tokens)"
_MILLION: Final = r"(?: ?(?:/|per|a|an?) ?(?:1 ?)?m(?:illion)?(?: ?tok(?:en)?s?)?)?(?: (?:for|of|the))*"
_PRICES_OF_BOTH: Final = re.compile(
    rf"\$ ?(?P<input>\d+(?:\.\d+)?){_MILLION} {_IN}\b[^$\d]{{0,30}}\$ ?(?P<output>\d+(?:\.\d+)?){_MILLION} {_OUT}\b|"
    rf"\b{_IN} (?:at |is |costs? |for )?\$ ?(?P<input2>\d+(?:\.\d+)?){_MILLION}[^$\d]{{0,10}}\b{_OUT} "
    r"(?:at |is |costs? |for )?\$ ?(?P<output2>\d+(?:\.\d+)?)",
    re.I,
)


SELLERS: Final = re.compile(
    r"\b(?:(?:aws |amazon )?bedrock|sagemaker|vertex(?: ai)?|azure (?:openai|ai(?: foundry)?)|openrouter|"
    r"deepinfra|cerebras|sambanova|baseten|anyscale|novita|nebius (?:ai studio|token factory)|cohere|perplexity|"
    r"hugging ?face (?:endpoints?|inference)|databricks|watsonx|cloudflare(?: workers ai)?|runpod serverless)\b",
    re.I,
)
"""Sellers of models by the token of whom the catalog has no price."""


def prices_of_both(text: str) -> tuple[float, float] | None:
    """Return an API's prices of prompts and of answers, USD per million tokens; None where a line states not both.

    Args:
        text: the line: '$0.60 in / $0.80 out per million'.
    """
    match = _PRICES_OF_BOTH.search(text)
    return (float(match["input"] or match["input2"]), float(match["output"] or match["output2"])) if match else None


_TOGETHER: Final = re.compile(
    r"\bmin(?:imum)?(?: of)? (?P<least>[1-9]\d?)[ -]?(?:gpus?|cards?)?(?: blocks?)?\b(?! ?(?:\$|usd|eur|h\b|hours?|%))|"
    r"\b(?:in )?blocks? of (?P<blocks>[1-9]\d?)\b|\b(?P<size>[1-9]\d?)[ -]gpu (?:blocks?|minimum|machines|nodes)\b|"
    r"\b(?:sold|billed|rented|comes?) in (?P<word>twos|fours|eights|pairs|(?P<ones>ones|single\w*))\b|"
    r"\b(?P<alone>no (?:min(?:imum)?|whole|full)(?: (?:node|machine|instance|gpu|block)s?)?(?: (?:sizes?|count))?|"
    r"(?:billed|sold|rented|paid) (?:per|by|by the|per single|for each) (?:gpu|card)|"
    r"any (?:number|count) of (?:gpus|cards)|single gpus?)\b",
    re.I,
)
"""How many accelerators are paid for together at a price of one's own."""
_WORDS: Final = {"twos": 2, "pairs": 2, "fours": 4, "eights": 8}


class OwnPrice(Struct, frozen=True):
    """What one unit costs by the line."""

    usd: float
    accelerators: int
    """In the unit: 1, or those of a machine."""
    hours: float | None
    """For which it is paid; None where it buys the unit."""
    together: int | None
    """Accelerators that are paid for together, where the line says it."""
    note: str
    """By which rate it was changed into dollars, where it was."""
    rest: str
    """The line without the price."""

    @property
    def usd_per_accelerator(self) -> float:
        """Of an hour where it is rented."""
        return self.usd / self.accelerators / (self.hours or 1.0)


_OF_INSTANCE: Final = re.compile(
    r"(?P<name>\b(?:p[45]\w*\.\w+|a[23]-[\w-]+|nd\w*h100\w*))(?: (?:is|at|costs?|runs))* ?[:=~]?"
    r"(?P<usd>\d+(?:\.\d+)?) ?/ ?h(?:r|our)?\b"
)
"""An amount by the hour behind an instance's name: 'p5.48xlarge is ~55/h'."""


_COMPARED: Final = re.compile(
    r"\b(?:against|vs\.?|versus|compared (?:to|with)|rather than|instead of) (?:the |our |your )?[$€]?\d[\d.,]*k?\b"
    r"(?! ?(?:years?|months?))"
)
"""A bill that a price is set against: 'two boxes for 280k each against the 41k'."""


def own_price(text: str, plan: CapacityPlan, accelerators_per_node: int) -> OwnPrice | None:
    """Return the one price of an accelerator or a machine that a line states; None for no or several amounts.

    It is none where the amount is a budget, of tokens, users or support, or quoted from the plan to be explained, nor
    where the unit is not named.

    Args:
        accelerators_per_node: of the plan's accelerator, for a machine that the plan has no offer of.
    """
    words = _OF_INSTANCE.sub(r"\g<name> $\g<usd> per hour", text.lower())
    words = _COMPARED.sub(lambda found: " " * len(found[0]), words)
    amounts = list(re.finditer(_AMOUNT, words))
    if len(amounts) != 1 or _OFF.search(words) or _QUOTED.search(words):
        return None
    match = amounts[0]
    number = match["signed"] or match["bare"]
    if re.fullmatch(_THOUSANDS, number):
        amount = float(re.sub(r"\D", "", number))
    else:
        cents = match["bare"] and _CENTS_BEHIND_COMMA.fullmatch(number)
        amount = float(number.replace(",", "." if cents else ""))
    scale = (match["scale"] or match["scale2"] or "").replace("grand", "k")
    usd, note = _in_dollars(
        amount * MULTIPLIERS.get(scale, 1.0), match["sign"] or match["unit"] or match["unit2"] or ""
    )
    machine, one, rest = _MACHINE.search(words), _ONE.search(words), words[match.end() :]
    in_money = match["sign"] or match["unit"] or match["unit2"] or (_PAID.search(words) and not _LENGTH.match(rest))
    if not in_money or (machine is None and one is None):
        return None
    per_one = (
        re.match(rf" ?(?:/|per|each|an?|for (?:an?|one|each)) ?(?:h\w* ?(?:per|/) ?)?(?:{GPUS})\b", rest) is not None
    )
    offer = plan.chosen.offer
    size = offer.accelerators if offer and offer.accelerators > 1 else accelerators_per_node
    accelerators = size if machine and not per_one and not re.search(r"\bper (?:gpu|card|h100)|gpu-?h", words) else 1
    if counted := re.search(rf"\bfor (?P<count>[1-9]\d{{0,3}}) ?[x×]? ?(?:nvidia )?(?:{GPUS})\b", words):
        accelerators = int(counted["count"])
    together = _TOGETHER.search(words)
    count = None
    if together:
        stated = together["least"] or together["blocks"] or together["size"]
        count = int(stated) if stated else _WORDS.get(together["word"] or "", 1)
    period = _PERIOD.search(words)
    if period is None and usd / accelerators < _LEAST_PURCHASE:
        return None
    name = period and next(filter(None, (period["period"], period["ly"], period["hyphen"], period["unit"])))
    spans = [match.span(), *(found.span() for found in (period, together) if found)]
    return OwnPrice(usd, accelerators, _HOURS[name[0]] if name else None, count, note, _without(text, spans))


def _in_dollars(amount: float, sign: str) -> tuple[float, str]:
    """Return an amount in dollars, and the rate where it was in another currency."""
    code = next((code for code, words in _CURRENCIES.items() if re.fullmatch(words, sign)), "USD")
    per_usd = 1.0 if code == "USD" else CURRENCIES[code][1] or 1.0
    if code == "USD":
        return amount, "" if sign else f"{amount:g} is taken as dollars; say '{amount:g} EUR' if it is euros."
    return (
        amount / per_usd,
        f"{amount:g} {code} are {show_usd(amount / per_usd)} at {show_figure(per_usd)} {code} per dollar, {RATES_OF}.",
    )


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """Return a line with blanks in the place of some of its parts."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return " ".join(text.split())
