"""Whose prices and on which terms; the budget; a price of one's own."""

from typing import Final

from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import TODAY, Choice
from agent.interpret.replicas import SPARES
from agent.interpret.words.grammar import Match, Rule, matches_of, rules
from agent.interpret.words.vocabulary import SECONDS
from catalogs.currencies import RATES_OF, per_dollar
from catalogs.units import SECONDS_PER_MONTH, SECONDS_PER_YEAR, TERM_WORDS, show_figure, show_usd

BUDGET: Final = "money.monthly_budget_usd"
_TERM: Final = "money.term"
_OTHER: Final = "money.other_monthly_usd"
_AN_HOUR: Final = "(slash ('h' | 'hr' | 'hour') | per 'hour')"
_TIME: Final = "(per t:time | slash s:(time | tshort) | a:adverb | ('in' | 'for') 'a' t2:time)"
_PRICE: Final = rules(
    "m:money gpuhour",
    "m:money per (gpunoun | gpu) (per | slash)? 'hour'",
    f"m:(money | num) {_AN_HOUR} (per | slash | 'for' ('each' | 'one')?) (gpunoun | gpu)",
    f"(gpunoun | gpu) ('price' | 'cost' | 'rate') (link | colon){{0,3}} m:num {_AN_HOUR}",
)
_BILL: Final = tuple(
    Rule(f"('pay' | 'pays' | 'paying' | 'paid' | 'spend' | 'spent') (link | unknown){{0,4}} {sum_of_money}")
    for sum_of_money in ("s:(money | num) (per time | slash (time | tshort) | adverb | 'last' time)", "s:money")
)
"""What is paid now, for an API as a rule."""
_POWER_PRICE: Final = Rule("(m:money | n:num c:('cents' | 'cent' | 'ct' | 'c')? usd?) (per | slash) 'kwh'")
"""What electricity costs, which a plan of accelerators of one's own pays."""
_OF_TOKENS: Final = Rule(
    "(money | euro_sum) (per | slash) (num | scaleword)? (incue | outcue | 'cached')? (token | incue | outcue)"
)
"""The price of an API, which is no length."""
_OTHERS: Final = rules(
    f"sidecost (near | colon | verb){{0,4}} (m:money | n:num) {_TIME}",
    f"(m:money | n:num) {_TIME} near{{0,3}} sidecost",
)
"""What is paid beside the accelerators: a support contract of 3000 a month."""
_BUDGETS: Final = rules(
    f"c:(budget | under | over | upto) (near | colon){{0,5}} m:money {_TIME}",
    "a:adverb c:budget (near | colon){0,3} m:money",
    "c:budget (near | colon){0,5} m:money (over | 'for' | 'in') d:dur",
    f"m:money {_TIME} near{{0,2}} c:(budget | 'max' | 'maximum' | 'cap' | 'ceiling' | 'tops')",
    f"c:'have' approx? m:money {_TIME} (?! 'in' | 'of')",
    f"c:budget (near | colon){{0,3}} n:num {_TIME}",
    f"n:num {_TIME} near{{0,1}} c:budget",
    f"c:budget {_TIME} (near | colon){{0,3}} (m:money | n:num (?! token | event | time | gpunoun | times))",
)
_OPEN: Final = Rule("(?: ^ | (?<= comma | stop)) m:money (per | slash) t:('month' | 'mo' | 'year' | 'yr')")
"""A sum in a time that stands alone."""
_WITHOUT_TIME: Final = rules(
    "c:budget (near | colon){0,4} m:money",
    "m:num c:budget (?= comma | stop | conj | $)",
    "c:budget (link | colon){0,3} m:num (?= comma | stop | conj | $)",
)
_RESERVED: Final = rules(
    "d:dur near{0,2} reserved",
    "reserved (near | paren){0,3} d:dur",
    "reserved (near | paren | 'for'){0,3} ('a' | 'one' | 'an') y:'year'",
    "reserved ('instances' | 'capacity' | 'pricing' | replica | gpunoun | unknown)?",
)
_SPOT: Final = rules(
    "spot (replica | gpunoun | node | 'pricing' | 'prices' | 'price' | 'capacity' | 'vms' | 'market' | 'pool')",
    "spot ('only' | 'alone')",
    "spot (?= gpu)",
    "('on' | 'with' | 'using' | 'use' | 'in' | 'as') spot",
    "(?<= provider) spot",
    "(?<! unknown) (?<! 'the') (?<! 'a') spot (?= ('in' | 'at' | 'from' | 'on') (place | region | provider))",
    "(?<! unknown) (?<! 'the') (?<! 'a') spot (?= comma | stop | $ | conj | or)",
)
_ONDEMAND: Final = Rule("ondemand | (?: ^ | 'are' | 'is') 'rented' (?= comma | stop | $)")
_CARDS: Final = "'dgx'? (gpu | gpunoun | node)"
_OWNED: Final = rules(
    "owned",
    # Of machines alone: GPUs that idle at night are rented as well.
    "num times? (gpu | gpunoun | node) ('that' | 'are' | link){0,2} ('sitting' | 'sit' | 'lie' | 'lying' | "
    "'stand' | 'standing') ('idle' | 'around' | 'unused')",
    f"('bought' | 'purchased' | 'acquired') ('already' | 'some' | 'the' | 'our' | 'a' | num | times){{0,4}} {_CARDS}",
    f"{_CARDS} comma? ('that' | 'which' | 'are' | 'is' | 'we' | 'i' | 'it' | 'they' | 'already'){{0,4}} "
    "('bought' | 'purchased' | 'own' | 'owns' | 'ours' | 'mine')",
    f"(('our' | 'my' | 'their') 'own' unknown? | 'own' 'our') {_CARDS}",
    "('they' | 'these' | 'those' | 'all') 'are' ('ours' | 'mine')",
    f"'own' 'already'? num times? {_CARDS}",
    "'what' ('we' | 'i' | 'they' | ('the' | 'our') unknown) ('have' | 'has' | 'got' | 'own')",
    f"{_CARDS} ('that' | 'which')? ('we' | 'i') 'already'? ('have' | 'got')",
    f"{_CARDS} unknown? ('at' 'home' | ('in' | 'under') ('our' | 'my' | 'the') ('basement' | 'office' | 'desk' | "
    "'lab'))",
    f"{_CARDS} comma? (conj | 'we' | 'i' | 'which'){{0,2}} ('already' ('have' | 'own') | ('have' | 'own' | 'got')) "
    "('it' | 'them' | 'those' | 'these' | 'one') 'already'",
    f"{_CARDS} comma? (conj | 'we' | 'i'){{0,2}} 'already' ('have' | 'own' | 'got') ('it' | 'them' | 'one')",
)
_SAID_TO_BE_HAD: Final = Rule(
    "('we' | 'i') ('already' | 'still')? ('have' | 'got' | 'own') ('already' | 'a' | 'an' | 'our' | 'some' | num | "
    f"times){{0,4}} {_CARDS}"
)
"""'We have 8 H100': of one's own, where nobody is named who rents them out."""
_HAVING: Final = Rule(
    "(?: ^ | (?<= comma | stop | conj)) ('have' | 'got') 'already'? ('a' | 'an' | 'some' | num | times){1,3} "
    f"{_CARDS} (?! 'got' | 'been' | 'enough' | 'ready')"
)
"""The same where a clause leaves out who: 'have one rtx 4090', and not 'should have 8 H100' or 'have 8 H100 got …?'."""
_NO_CLOUD: Final = Rule("('no' | neg) ('public' | 'the'){0,1} 'cloud' (?= comma | stop | $ | conj | paren)")
_RENTED: Final = frozenset("rent rented renting lease leased quota credits instances reserved spot cloud".split())


def read_money(draft: Draft) -> None:
    """Find terms, prices and budgets."""
    _terms(draft)
    for match in _OF_TOKENS.matches(draft.sentence):
        draft.dropped.append(draft.sentence.span(match.first, match.last))
        draft.sentence.claim(match.first, match.last)
    for match in matches_of(_PRICE, draft.sentence):
        draft.read(
            "money.usd_per_accelerator_hour",
            match,
            match["m"].number,
            float,
            lambda v, made: f"{show_usd(v)} per accelerator and hour",
            claim=False,
        )
        draft.sentence.take(match.index("m"))
    for match in _POWER_PRICE.matches(draft.sentence):
        if "m" in match and per_dollar(draft.sentence.words(match.first, match.first)):
            continue  # a bill of electricity in euros is made in euros
        amount = match["m"].number if "m" in match else match["n"].number.times(0.01 if "c" in match else 1.0)
        echo = f"electricity at {show_usd(amount.value)} per kWh{'' if 'm' in match else ', taken as US dollars'}"
        draft.found("money.usd_per_kwh", match.first, match.last, [Option(amount.value, echo)])
    for path, ways in ((_OTHER, _OTHERS), (BUDGET, _BUDGETS)):
        for match in matches_of(ways, draft.sentence):
            _monthly(draft, match, path)
    for match in matches_of(_BILL, draft.sentence):
        said = match.said
        note = f"{TODAY} as I read {said!r}: what is paid, and neither a load nor a budget"
        draft.note(match.first, match.last, note)
        draft.sentence.take(match.index("s"))
    for match in _OPEN.matches(draft.sentence):
        value = match["m"].number.value / (SECONDS[match["t"].word] / SECONDS_PER_MONTH)
        choices = (Choice(value, f"yes: a budget of {show_usd(value)} a month"),)
        said = draft.sentence.words(match.first, match.last).strip(" ,;")
        if not draft.has(BUDGET):
            draft.ask(BUDGET, match.first, match.last, f"{said!r}: is that the most that you can spend?", choices)
    for match in matches_of(_WITHOUT_TIME, draft.sentence):
        _ask_period(draft, match)


def _monthly(draft: Draft, match: Match, path: str) -> None:
    if "c" in match and match["c"].has("over"):
        return
    said = next((match[group] for group in ("t", "s", "a", "t2", "d") if group in match), None)
    seconds = SECONDS_PER_MONTH if said is None else said.amount.values[0] if said.amount else SECONDS[said.word]
    amount = (match["m"] if "m" in match else match["n"]).number
    months = seconds / SECONDS_PER_MONTH
    draft.read(
        path, match, amount, lambda v: float(f"{v / months:.12g}"),
        lambda v, made: f"{show_usd(v)}{'' if months == 1 else f' / {months:g} months = {show_usd(made)}'} a month",
    )  # fmt: skip


def _ask_period(draft: Draft, match: Match) -> None:
    value = match["m"].number.value
    choices = (
        Choice(value, f"a month: {show_usd(value)}"),
        Choice(value / (SECONDS_PER_YEAR / SECONDS_PER_MONTH), f"a year: {show_usd(value / 12)} a month"),
    )
    draft.ask(BUDGET, match.first, match.last, f"{show_usd(value)}: a month or a year?", choices)


_OF_A_BUDGET: Final = frozenset("month monthly year years yearly annual annually spend spends spending total".split())


def tell_currencies(draft: Draft) -> None:
    """Say at which rate another currency was taken for dollars; object to a budget in one that has none here."""
    items = draft.sentence.items
    for index, item in enumerate(items):
        said = draft.sentence.words(index, index)
        if item.has("euro_sum") and not item.claimed:
            near = items[max(0, index - 5) : index + 4]
            if any(other.has("budget", "under", "dur") or other.word in _OF_A_BUDGET for other in near):
                draft.object(index, index, f"{said} is not in USD: prices are, so give the budget in USD or EUR")
        elif item.has("money") and item.claimed and (rate := per_dollar(said)):
            text = f"{said} is {show_usd(item.number.value)}, at {show_figure(rate)} to the dollar: {RATES_OF}"
            draft.notes.append((text, item.start, item.end))


def _ask_of_reserve(draft: Draft, match: Match, years: tuple[Choice, ...]) -> None:
    """Ask whether 'with a reserve' is of replicas or of prices; '30 % reserve' is of the load, and neither."""
    before = draft.sentence.items[match.first - 1] if match.first else None
    if draft.has(SPARES) or draft.has(_TERM) or (before is not None and before.has("pct")):
        return
    terms = tuple(Choice(one.value, f"a price reserved {one.label}", _TERM) for one in years)
    spare = Choice(1, "1 spare replica (N+1)", usual=True)
    draft.ask(SPARES, match.first, match.last, "a reserve of replicas, or a reserved price?", (spare, *terms))


def _terms(draft: Draft) -> None:
    for match in matches_of(_RESERVED, draft.sentence):
        if "y" in match:
            draft.found(_TERM, match.first, match.last, [Option("reserved_1y", "reserved for a year")])
            continue
        if "d" in match:
            held = match["d"].number.value / SECONDS_PER_YEAR
            term = "reserved_1y" if abs(held - 1) < 0.1 else "reserved_3y" if abs(held - 3) < 0.1 else ""
            if term:
                draft.found(_TERM, match.first, match.last, [Option(term, TERM_WORDS[term])])
                continue
        word = draft.sentence.items[match.first].word
        years = (Choice("reserved_1y", "for a year"), Choice("reserved_3y", "for three years"))
        if word == "reserve" and "d" not in match:
            _ask_of_reserve(draft, match, years)
        elif word in ("reserved", "reservation", "reserve") and not draft.has(_TERM):
            text = "reserved for one year or three?"
            if "d" in match:
                said = match.said
                text = f"{said!r}: prices are known for one year and for three; which?"
            draft.ask(_TERM, match.first, match.last, text, years)
    for match in matches_of(_SPOT, draft.sentence):
        if not draft.has(_TERM):
            draft.found(_TERM, match.first, match.last, [Option("spot", "spot prices")])
    for match in _ONDEMAND.matches(draft.sentence):
        draft.found(_TERM, match.first, match.last, [Option("on_demand", "on-demand prices")])
    _owned(draft)
    _had(draft)
    _ask_whether_owned(draft)


def _ask_whether_owned(draft: Draft) -> None:
    """Ask where a line wants no cloud: accelerators of one's own, or rented elsewhere."""
    for match in _NO_CLOUD.matches(draft.sentence):
        if not draft.has(_TERM) and not draft.known.get(_TERM):
            said = match.said
            choices = (
                Choice("owned", "yes: they cost no rent"),
                Choice("on_demand", "no: rented, at on-demand prices"),
            )
            draft.ask(_TERM, match.first, match.last, f"{said!r}: are the accelerators your own?", choices)


def _had(draft: Draft) -> None:
    """Take what somebody says to have for their own, unless something of the line rents it."""
    if any(item.has("provider") or item.word in _RENTED for item in draft.sentence.items):
        return
    for match in (*_SAID_TO_BE_HAD.matches(draft.sentence), *_HAVING.matches(draft.sentence)):
        if not draft.has(_TERM) and not draft.known.get(_TERM):
            said = match.said
            echo = f"accelerators of your own, as I take {said!r}: say 'rented' if they are not"
            draft.found(_TERM, match.first, match.last, [Option("owned", echo)], claim=False)


def _owned(draft: Draft) -> None:
    for match in matches_of(_OWNED, draft.sentence):
        if not any(found.path == _TERM for found in draft.findings):
            option, word = Option("owned", "accelerators of your own"), draft.sentence.items[match.first].has("owned")
            draft.found(_TERM, match.first, match.last, [option], claim=word)
