"""Numbers in words, magnitudes and ranges; and what numbers make with their unit: durations, shares, sums, factors."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from agent.interpret.words.grammar import Amount, Item, Match, Rule, Sentence, rules, tidy
from agent.interpret.words.scanner import LARGEST, items_of, kinds_of
from agent.interpret.words.vocabulary import SECONDS
from catalogs.currencies import per_dollar
from catalogs.units import POWER_UNITS, SECONDS_PER_DAY, SECONDS_PER_HOUR

NUMBER_WORDS: Final = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {word: 10 * count for count, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_VALUES: Final[dict[str, float]] = {
    **NUMBER_WORDS,
    "single": 1.0,
    "couple": 2.0,
    "few": 3.0,
    "half": 0.5,
    "third": 1 / 3,
    "thirds": 1 / 3,
    "fifth": 0.2,
    "fifths": 0.2,
    "tenth": 0.1,
    "quarter": 0.25,
    "quarters": 0.25,
}
SCALES: Final = {
    "grand": 1e3, "hundred": 100.0, "dozen": 12.0, "k": 1e3, "thousand": 1e3, "million": 1e6, "millions": 1e6,
    "mn": 1e6, "mio": 1e6,
    "mln": 1e6, "mil": 1e6, "billion": 1e9, "billions": 1e9, "bn": 1e9, "trillion": 1e12, "wan": 1e4, "yi": 1e8,
    "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "crore": 1e7, "crores": 1e7,
}  # fmt: skip
_FACTORS: Final = {
    "dou": 2.0, "twi": 2.0, "two": 2.0, "tri": 3.0, "thr": 3.0, "tre": 3.0, "qua": 4.0, "fou": 4.0, "fiv": 5.0,
    "ten": 10.0,
}  # fmt: skip

_BELOW_HUNDRED = "(tens small? | small (?! 'digit' | 'digits') (tens small? (?! 'page' | 'word') | 'zero')?)"
"""Also as it is spoken: 'three fifty' is 350, 'seven zero' 70."""
_IN_WORDS = Rule(
    "(num (?= scaleword | 'and' 'a' 'half') | (?= 'hundred' ('thousand' | 'k' | tens | small)) | "
    "'half' 'a'? (?= scaleword) | 'a' (?= scaleword) | 'a'? couple 'of'? | 'a'? 'few' (?= scaleword)"
    f" | 'a'? 'quarter' 'of'? 'a'? (?= scaleword) | {_BELOW_HUNDRED})"
    f" ('and' 'a' 'half')? (scaleword+ (((?<= 'hundred') 'and')? {_BELOW_HUNDRED} scaleword*)*)?"
)
_TWICE = Rule("a:num paren b:num paren")
"""'12 (twelve)'."""
_MINUS = Rule("(?<! num) 'minus' n:num")
_HALF_A_UNIT = Rule("'half' ('a' | 'of' 'a')? (?= time | textunit | event) | 'a'? 'quarter' 'of' 'a' (?= time)")
_ONE_UNIT = Rule(
    "(?<= incue | outcue | link | copula) ('a' | 'an') (?= 'paragraph' | 'page' | 'sentence') | ('a' | 'an') (?= "
    "('paragraph' | 'page') ('of' 'text')? ('in' | 'out' | incue | outcue))"
)
"""'Answers a paragraph', 'a page out'."""
_PART_OF = Rule("(n:num | 'a')? h:part (?= 'of' | 'the' | 'our' | 'are' | incue | concurrent | inflight | 'active')")
_PART_DOES = Rule(
    "(?<! event | thing | user | num) (n:num | 'a' | (?= 'half')) h:part (?= 'is' | 'use' | 'uses' | 'ask' | 'asks' | "
    "'send' | 'sends' | 'write' | 'writes' | 'type' | 'typing' | 'chatting' | 'online' | 'in' | 'between' | 'falls')"
)
"""'A third is on a call', and no 'requests a quarter'."""
_PART_MORE = Rule("(n:num | 'a')? h:part (?= more | 'less' | 'fewer' | 'again' | 'as' ('much' | 'many') 'again')")
"""'A third more', 'half as much again'."""
_FRACTION = Rule("a:num slash b:num (?= 'of')")
_ONE_IN_SO_MANY = Rule(
    "a:num 'in' b:num (?= 'is' | 'are' | 'of' | user | event | outcue | 'on'? "
    "(concurrent | inflight | 'active' | 'online'))"
)
"""'Only 1 in 40 is generating', 'one in ten online at once'."""
_ONE_IN_DOES = Rule(
    "a:num ('in' | 'out' 'of' | on 'the'?) b:num (?= unknown | user | 'of' | 'chat' | 'chats' | 'starts' | 'start' | "
    "'uses' | 'asks' | 'use')"
)
"""'One in fifty opens it', 'one out of ten of our visitors'."""
_FRACTION_OF_RATE = Rule("a:num slash b:num (?= rateunit | textunit)")
_SAME = "(time | tshort | event | token | rateunit | percent)"
_RANGE_OF_SAME = Rule(f"a:num {_SAME} range b:num (?= {_SAME})")
_RANGE = Rule(
    "('from' (?= num range num) | 'between' (?= num 'and' num) | 'either' (?= num))?"
    " a:num m:(range | 'or' | 'and') b:num"
)
_WINDOW = Rule(
    "(('between' | 'from') 'the'? a:(num | opaque) 'oclock'? ('and' | range) 'the'? b:(num | opaque) 'oclock'? | "
    "a2:num 'oclock'? range b2:num 'oclock') (?! near? "
    "(event | token | textunit | rateunit | gpunoun | gpu | user | percent | times | replica | node))"
)
_CLOCKS = rules(
    "a:opaque range? b:opaque",
    "a:num range b:opaque",
    "a:num range b:num (?= (comma | 'with' | 'has' | 'have' | 'sees' | 'gets' | 'carries'){1,2} approx? num "
    "percent 'of' 'the'? ('day' | 'traffic' | 'load' | 'volume'))",
)
"""'9am-6pm', '4 to 7pm' without a word before it, '10-11 has 18% of the day'."""
_HOURS_OF_DAY = Rule(
    "(?<! 'in' | 'for' | 'takes' | 'within' | under | upto) a:num ('h' (range | 'and')? | range | 'and') b:num "
    "'h' (?! per | slash | num)"
)
"""'9-18h', '9h-11h': hours of the clock, where they begin at six or later."""
_HOURS_OPEN = Rule(
    "(workhours | 'open' | 'opening' 'times' | 'hours' | 'window' | 'fri' | 'fr' | 'friday' | 'weekdays' | ^ | "
    "comma | stop | colon) "
    "('of' | 'mostly' | 'mainly' | 'only' | 'the' | 'course' | 'is' | 'are' | 'from' | comma | colon | adverb){0,4} "
    "a:num range b:num 'oclock'? (?= comma | stop | conj | paren | 'on' | 'only' | $)"
)
"""'office hours mostly, 9-18', 'open 9 to 5'."""
_PEOPLE_ADDED = Rule("a:num plus b:num (plus c:num)? (plus d:num)? (?= unknown? user)")
"""'220 + 180 + 95 students'."""
_MORE_HOURS = Rule(
    "w:window (conj | comma | 'then'){1,2} a:num (range | 'and') b:num (?! near? (event | token | user | percent))"
)
_WINDOWS = Rule("w:window (conj | comma | 'then'){1,2} v:window")
"""'9-11 and 14-16': together."""
_PERCENTILE = Rule("(n:num percent? | o:opaque) percentile | 'median'")
_OF_SO_MANY = Rule(
    "a:num 'out'? 'of' b:num ('cases' | 'times' | event | outcue | user) | "
    "p:pct 'of' ('the' | 'all' | 'our'){0,2} ('cases' | event | outcue | user)"
)
"""'in 95 of 100 cases' is a percentile."""
_LATE = Rule(
    "(under | 'only' | 'just' | w:('slowest' | 'worst'))? (p:pct | a:num (percent | ('in' | 'out'? 'of') b:num)) "
    "('of' ('the' | 'all' | 'our'){0,2})? ('cases' | event | outcue | user)? ('may' | 'can' | 'could' | 'should' | "
    "'might' | 'must' | 'to' | 'be' | 'are' | 'is' | 'allowed' | 'take' | 'takes' | 'wait' | 'have' | 'need' | "
    "'needs' | 'last' | 'see'){0,5} ('exceed' | 'exceeds' | 'exceeding' | 'breach' | 'miss' | ('longer' | 'slower' | "
    "'later') 'than' | over | upto) (?= approx? num (time | tshort))"
)
"""'No more than 5 in 1,000 may take longer than 2 s' is p99.5 within 2 s."""
_SHARE_OF_REQUESTS = Rule("n:num percent 'of' ('the' | 'all' | 'our')* (?= event | user | outcue | time | 'cases')")
_SHARE_UNDER = Rule(
    "n:num percent (?= under num (time | tshort)) | "
    "(?<= time | tshort) 'for' n2:num percent (?= comma | stop | conj | $)"
)
"""'95 % under 2 s', 'under 2 s for 95 %'."""
_SHARE_OF_LATENCIES = Rule("n:num percent 'of' ('the' | 'all' | 'our')* (?= ttft | itl | e2e)")
_PERCENT = Rule("n:num percent")
_DOLLARS = Rule("usd n:num usd? | m:num usd")
_GRAND = Rule("n:num (?! event | user | token | euro | thing)")
"""'Twenty grand' is money."""
_EUROS = Rule("c:euro n:num euro? | m:num c2:euro")
_WIDTH = Rule("n:num bits")
_POWER = Rule("n:num u:(wattunit | 'w')")
_DURATION = Rule("n:num t:(time | tshort)")
_FACTOR = Rule("n:num times (?! gpu | num | para | prec | model | gpunoun | per time | adverb | 'half') | w:multword")
_PART_OF_DAY = "('in' 'the' | 'every' | 'each')? ('morning' | 'forenoon' | 'noon' | 'afternoon' | 'evening' | 'night')"
_PARTS_OF_DAY = Rule(
    f"a:num (times | event) p:({_PART_OF_DAY}) ((comma | 'and'){{1,2}} num (times | event)? {_PART_OF_DAY}){{1,3}}"
)
"""'3 times in the morning and 5 in the evening'."""
_PERCENTILES: Final = ("50", "90", "95", "99")


def combine(sentence: Sentence) -> None:
    """Turn words and numbers into whole numbers, ranges, and quantities with their unit."""
    _made(sentence, _IN_WORDS, "num", _value_in_words)
    _made(sentence, _TWICE, "num", _same_twice)
    _made(sentence, _MINUS, "num", lambda m: m["n"].number.times(-1.0))
    for parts in _PARTS_OF_DAY.matches(sentence):
        _add_up_a_day(parts)
    _made(sentence, _HALF_A_UNIT, "num", lambda m: Amount((0.25 if "quarter" in _words(m) else 0.5,)))
    _made(sentence, _ONE_UNIT, "num", lambda m: Amount((1.0,)))
    _made(sentence, _PART_OF, "pct", _part)
    _made(sentence, _PART_DOES, "pct", _part)
    _made(sentence, _PART_MORE, "pct", _part)
    _made(sentence, _FRACTION, "pct", _fraction)
    _made(sentence, _ONE_IN_SO_MANY, "pct", _one_in)
    _made(sentence, _ONE_IN_DOES, "pct", lambda match: _one_in(match) if match["a"].number.value == 1 else None)
    _made(sentence, _FRACTION_OF_RATE, "num", _fraction)
    _made(sentence, _WINDOW, "window", _hours_between)
    _made(sentence, _PEOPLE_ADDED, "num", _added)
    for rule in _CLOCKS:
        _made(sentence, rule, "window", _hours_between)
    _made(sentence, _HOURS_OPEN, "window", _hours_open)
    _made(sentence, _HOURS_OF_DAY, "window", _late_hours)
    _made(sentence, _MORE_HOURS, "window", _more_hours)
    _made(sentence, _WINDOWS, "window", lambda m: Amount((m["w"].number.value + m["v"].number.value,)))
    _made(sentence, _LIST, "num", _listed)
    _ranges(sentence)
    _percentiles(sentence)
    _made(sentence, _PERCENT, "pct", lambda m: m["n"].number.times(0.01))
    _made(sentence, _DOLLARS, "money", lambda m: (m["n"] if "n" in m else m["m"]).number)
    _made(sentence, _GRAND, "money", lambda m: m["n"].number if m["n"].word == "grand" else None)
    _made(sentence, _EUROS, "money", _in_dollars)
    _made(sentence, _EUROS, "euro_sum", lambda m: (m["n"] if "n" in m else m["m"]).number)
    _made(sentence, _WIDTH, "width", lambda m: m["n"].number)
    _made(sentence, _POWER, "power", _watts)
    _made(sentence, _DURATION, "dur", _seconds)
    _made(sentence, _FACTOR, "mult", _factor)


def in_figures(text: str, *, least_words: int = 1) -> str:
    """Return a text with its numbers in figures: 'another thousand' as 'another 1000', '1,5k' as '1500'.

    Args:
        text: any.
        least_words: of a number that is put in figures; the others stay as typed.
    """
    text = _PART_OF_A_SCALE.sub(lambda part: f"{(3 if part[1] else 1) / 4:g} ", _A_SCALE.sub(r"\1 a ", text))
    sentence = Sentence(text, items_of(text))
    _made(sentence, _IN_WORDS, "num", _value_in_words)
    for item in reversed(sentence.items):
        typed = text[item.start : item.end]
        if not item.amount or typed.endswith("m"):  # '5m' is of millions, minutes or metres
            continue
        if len(item.number.values) == 1 and len(typed.split()) >= least_words:
            text = f"{text[: item.start]}{item.number.value:.12g}{text[item.end :]}"
    return text


_PART_OF_A_SCALE: Final = re.compile(
    r"\b(?:an?|one|(three)) quarters? of an? (?=hundred|thousand|million|billion)", re.I
)
_A_SCALE: Final = re.compile(r"\b(another|extra|plus|add|by) (?=(?:hundred|thousand|million|dozen)\b)", re.I)


def _made(sentence: Sentence, rule: Rule, kind: str, amount: Callable[[Match], Amount | None]) -> None:
    """Merge each match of a rule into an item of a kind; where there is no amount, leave it."""
    for match in rule.matches(sentence):
        made = amount(match)
        if made is None:
            continue
        first, last = sentence.items[match.first], sentence.items[match.last]
        item = Item(frozenset({kind}), first.start, last.end, last.word, made)
        item.numeric = kind != "mult" and (
            rule in (_PART_OF, _PART_MORE, _ONE_IN_SO_MANY) or any(_VALUES.get(i.word, 0) > 1 for i in match.items)
        )
        sentence.merge(match.first, match.last, item)


def _add_up_a_day(match: Match) -> None:
    """Put '8 times a day' in the place of '3 times in the morning and 5 in the evening'."""
    first, parts, last = match["a"], match.index("p"), match.sentence.items[match.last]
    counts = [item.number.value for item in match.items if item.has("num")]
    start, end = match.sentence.items[parts].start, match.sentence.items[match.last - 1].end
    for item in match.sentence.items[parts : match.last]:
        item.numeric = False  # its count is in the total
    match.sentence.merge(match.last, match.last, Item(kinds_of("day"), last.start, last.end, "day"))
    match.sentence.merge(parts, match.last - 1, Item(kinds_of("a"), start, end, "a"))
    total = Item(first.kinds, first.start, first.end, first.word, Amount((sum(counts),)), numeric=True)
    match.sentence.merge(match.first, match.first, total)


def _words(match: Match) -> list[str]:
    return [item.word for item in match.items]


def _value_in_words(match: Match) -> Amount | None:
    total = group = 0.0
    before = None
    for item in match.items:
        if before and before.has("small") and item.has("tens", "small"):
            group *= 10.0 if item.word == "zero" else 100.0
        before = item
        if item.word in SCALES and not item.has("num"):
            group = (group or 1.0) * SCALES[item.word]
            if SCALES[item.word] >= 1000:
                total, group = total + group, 0.0
        elif item.amount:
            group += item.amount.value
        else:
            group += _VALUES.get(item.word, 0.0)
    made = tidy(total + group)
    if abs(made) > LARGEST:
        return None
    return _spread(made * 2 / 3, made * 4 / 3) if any(item.word == "few" for item in match.items) else Amount((made,))


def _spread(low: float, high: float) -> Amount:
    return Amount((tidy(low), tidy((low + high) / 2), tidy(high)), ("the low end", "the middle", "the high end"))


def _hours_between(match: Match) -> Amount | None:
    """Return the seconds between two hours of the clock: 'between 9 and 17', 'from 8:00 to 18:00', '9am to 5pm'."""
    ends = [match[name] for name in ("a", "b", "a2", "b2") if name in match]
    clocks = [_CLOCK.fullmatch(match.sentence.text[end.start : end.end].lower()) for end in ends]
    hours = []
    for clock in clocks:
        if clock is None or float(clock["hour"]) > 24 or (clock["half"] and float(clock["hour"]) > 12):
            return None
        noon = 12 if clock["half"] == "pm" and clock["hour"] != "12" else 0
        hours.append(float(clock["hour"]) + noon + float(clock["minute"] or 0) / 60)
    if clocks[1] and clocks[1]["half"] == "pm" and clocks[0] and not clocks[0]["half"] and hours[0] + 12 < hours[1]:
        hours[0] += 12  # between 6 and 9 pm
    written = all(clock and (clock["half"] or clock["minute"]) for clock in clocks)
    written = written or (clocks[1] is not None and bool(clocks[1]["half"]) and hours[0] < hours[1])
    overnight = hours[1] < hours[0] and (
        written or (hours[1] < 9 and hours[0] >= 18)
    )  # '22:00 to 6:00', 'from 22 to 6'
    spanned = hours[1] - hours[0] + (24 if overnight else 0)
    of_a_day = ("time", "adverb", "event", "peak", "rateunit", "percent")
    told = written or (
        (overnight or hours[1] >= 6)
        and any(item.has(*of_a_day) or item.word in SECONDS for item in match.sentence.items)
    )
    return Amount((spanned * SECONDS_PER_HOUR,)) if told and 1 <= spanned < 24 else None


def _added(match: Match) -> Amount:
    return Amount((sum(match[name].number.value for name in "abcd" if name in match),))


def _late_hours(match: Match) -> Amount | None:
    if match["a"].amount is None:
        return None
    start, end = match["a"].number.value, match["b"].number.value
    if end < 9 and 18 <= start < 24:
        return Amount(((end - start + 24) * SECONDS_PER_HOUR,))
    return _hours_between(match) if 6 <= start < end <= 24 else None


def _hours_open(match: Match) -> Amount | None:
    """Return the seconds between two hours of which the first can open a day of work: '9 to 5', '8-18'."""
    start, end = (match[name].number for name in "ab")
    if start.value not in _OPENING_HOURS or len(start.values) > 1 or end.value != int(end.value):
        return None
    hours = end.value - start.value + (12 if end.value <= start.value else 0)
    in_the_day = any(item.has("time", "adverb", "workhours", "pct") for item in match.sentence.items)
    least = 1 if match.sentence.items[match.first].word in ("fr", "fri", "friday", "weekdays") else _LEAST_OPEN
    return Amount((hours * SECONDS_PER_HOUR,)) if in_the_day and least <= hours <= _MOST_OPEN else None


_OPENING_HOURS: Final = frozenset(range(5, 13))
_LEAST_OPEN, _MOST_OPEN = 6, 16
"""Hours that a place of work is open on a day, by judgement: '10-12' alone may be anything."""


def _more_hours(match: Match) -> Amount | None:
    more = _late_hours(match)
    return Amount((match["w"].number.value + more.value,)) if more else None


_CLOCK: Final = re.compile(r"(?P<hour>\d{1,2})(?:[:h](?P<minute>\d\d))?\s?(?P<half>[ap]m)?")


def _same_twice(match: Match) -> Amount | None:
    return match["a"].number if match["a"].number.value == match["b"].number.value else None


def _part(match: Match) -> Amount | None:
    share = _VALUES[match["h"].word] * (match["n"].number.value if "n" in match else 1.0)
    return Amount((share,)) if share < 1 else None


def _one_in(match: Match) -> Amount | None:
    above, below = match["a"].number.value, match["b"].number.value
    return Amount((above / below,)) if 0 < above < below and above <= 10 else None


def _fraction(match: Match) -> Amount | None:
    above, below = match["a"].number.value, match["b"].number.value
    whole = above == int(above) and below == int(below)
    return Amount((above / below,)) if whole and 0 < above < below <= 10 else None


_LIST: Final = Rule(
    "a:num comma b:num (comma | conj | 'or'){1,2} c:num (?= (adverb | active)? (user | audience) | rateunit)"
)
"""'at 10k, 100k and 1M MAU'."""


def _listed(match: Match) -> Amount | None:
    """Return three numbers of one unit, the lowest first."""
    values = tuple(match[name].number.value for name in "abc")
    return Amount(values, ("the first", "the second", "the third")) if values == tuple(sorted(values)) else None


def _ranges(sentence: Sentence) -> None:
    for match in _RANGE_OF_SAME.matches(sentence):
        low, high = match["a"], match["b"]
        unit, other = sentence.items[match.index("a") + 1], sentence.items[match.last + 1 : match.last + 2]
        if SECONDS.get(unit.word) != SECONDS.get(other[0].word):
            continue  # 400 ms to 1.2 s are two times
        item = Item(low.kinds, low.start, high.end, high.word, _between(sentence, low, high), numeric=True)
        first = match.index("a")
        sentence.merge(first, match.last, item)
    for match in _RANGE.matches(sentence):
        joined, opened = match["m"].word, sentence.items[match.first].word
        if joined == "and" and opened != "between":
            continue
        low, high = match["a"], match["b"]
        amount = _between(sentence, low, high, joined)
        sentence.merge(match.first, match.last, Item(low.kinds, low.start, high.end, high.word, amount, numeric=True))


def _between(sentence: Sentence, low: Item, high: Item, joined: str = "to") -> Amount:
    """Return what lies between two numbers; '10-20k' is 10k to 20k, 'two to three hundred' 200 to 300."""
    a, b = low.number.value, high.number.value
    written = sentence.text[high.start : high.end].strip()
    scale = next((factor for factor in (1e9, 1e6, 1e3) if b >= factor and not written[-1].isdigit()), 1.0)
    scale = 100.0 if high.word == "hundred" else scale
    bare = sentence.text[low.start : low.end].strip()[-1:].isdigit() or low.word in NUMBER_WORDS
    if bare and a * scale <= b:
        a = tidy(a * scale)
    if joined == "±":
        a, b = a - b, a + b
    if joined == "or" or a >= b:
        return Amount((a, b), ("the first", "the second"))
    return _spread(a, b)


def _percentiles(sentence: Sentence) -> None:
    for match in _LATE.matches(sentence):
        whole = match["b"].number.value if "b" in match else 100.0
        late = match["p"].number.value if "p" in match else match["a"].number.value / (whole or 1.0)
        upto = sentence.items[match.last].has("upto")  # 'the slowest 1% may take up to 4 s'
        if 0 < late < 1 and upto == ("w" in match):
            start, end = sentence.span(match.first, match.last)
            entry = f"p{100 - 100 * late:.6g}"
            made = Item(frozenset({"pctl"}), start, end, "", entries=(entry,), numeric=True)
            sentence.merge(match.first, match.last, made)
    for match in _OF_SO_MANY.matches(sentence):
        whole = match["b"].number.value if "b" in match else 1.0
        share = 100 * (match["p"].number.value if "p" in match else match["a"].number.value / (whole or 1.0))
        if f"{share:g}" in _PERCENTILES and _of_a_target(sentence, match.first, match.last):
            start, end = sentence.span(match.first, match.last)
            made = Item(frozenset({"pctl"}), start, end, "", entries=(f"p{share:g}",), numeric=True)
            sentence.merge(match.first, match.last, made)
    for rule in (_PERCENTILE, _SHARE_OF_REQUESTS, _SHARE_OF_LATENCIES, _SHARE_UNDER):
        for match in rule.matches(sentence):
            if rule is _SHARE_OF_LATENCIES and not _of_a_target(sentence, match.first, match.last):
                continue  # '90% of TTFT is waiting'
            behind = sentence.items[match.last : match.last + 4]
            if rule is _SHARE_UNDER and any(SECONDS.get(one.word, 0.0) >= SECONDS_PER_DAY for one in behind):
                continue  # 'expandable by 50% within 24 months'
            item = match["n2"] if "n2" in match else sentence.items[match.first]
            digits = sentence.text[item.start : item.end].rstrip("thTHsndr %").lstrip("-")
            digits = digits if digits[:1].isdigit() or not item.amount else f"{item.number.value:g}"
            share_of = rule is not _PERCENTILE
            if item.word in ("median", "medians"):
                digits = "50"
            elif share_of and (digits.partition(".")[0] not in _PERCENTILES or _repeats(sentence, match.last)):
                continue
            if share_of and _is_a_part(sentence) and not _of_a_target(sentence, match.first, match.last):
                continue
            start, end = sentence.span(match.first, match.last)
            made = Item(frozenset({"pctl"}), start, end, "", entries=(f"p{digits}",), numeric=item.numeric)
            sentence.merge(match.first, match.last, made)


_OTHERS: Final = ("rest", "others", "other", "remaining", "remainder")


def _is_a_part(sentence: Sentence) -> bool:
    """Whether shares make up a whole: '90% of prompts are 500 tokens, the other 10% are 8k'."""
    shares = [one.number.value for one, unit in pairwise(sentence.items) if one.has("num") and unit.has("percent")]
    made = [one.number.value * 100 for one in sentence.items if one.has("pct")]
    return sum(shares) + sum(made) == 100 or any(item.word in _OTHERS for item in sentence.items)


def _of_a_target(sentence: Sentence, first: int, last: int) -> bool:
    """Whether 'a of b requests' is said of a target: beside its time in one clause, and of nothing else."""
    items, start, end = sentence.items, first, last
    while start and not items[start - 1].has("comma", "stop", "conj"):
        start -= 1
    while end + 1 < len(items) and not items[end + 1].has("comma", "stop", "conj"):
        end += 1
    after = items[last + 1 : last + 3]
    if after and after[0].word in ("is", "are", "hit", "share") and after[-1].word not in _MET:
        return False
    timed = any(item.has("num") and unit.has("time", "tshort") for item, unit in pairwise(items[start : end + 1]))
    return timed and not _repeats(sentence, last + 1)


_MET: Final = ("answered", "served", "done", "finished", "complete", "completed", "under", "within", "below")
"""What stands behind 'are' where requests meet a target: '9 of 10 requests are answered within 2 s'."""


def _repeats(sentence: Sentence, index: int) -> bool:
    """Whether a share of prompts is said to repeat: '95% of the prompt is cached' is no percentile."""
    return any(item.has("prefixcue", "prefixhit", "shared") for item in sentence.items[index : index + 8])


def _seconds(match: Match) -> Amount | None:
    """Return a duration in seconds; a unit of one letter counts where it is glued to its number, or is s or h."""
    number, unit = match["n"], match["t"]
    if number.number.small_m:
        return None
    if not unit.has("time") and not (unit.start == number.end or unit.word in ("s", "h")):
        return None
    seconds = SECONDS[unit.word]
    return Amount(tuple(tidy(value * seconds) for value in number.number.values), number.number.labels)


def _in_dollars(match: Match) -> Amount | None:
    rate = per_dollar((match["c"] if "c" in match else match["c2"]).word)
    return (match["n"] if "n" in match else match["m"]).number.times(1 / rate) if rate else None


def _watts(match: Match) -> Amount | None:
    """Return a power in watts; a small w is weeks."""
    number, unit = match["n"], match["u"]
    if match.sentence.text[unit.start : unit.end] == "w":
        return None
    return number.number.times(POWER_UNITS[unit.word])


def _factor(match: Match) -> Amount | None:
    if "w" in match:
        return Amount((_FACTORS[match["w"].word[:3]],))
    return match["n"].number
