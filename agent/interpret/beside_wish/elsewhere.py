"""What a sentence tells of another time, or of others: 'last year we had 5 rps', 'a competitor does 100 rps'.

None of it is the workload to plan for: the numbers and names of such a clause fill nothing and are reported. A window
that ends now ('5M requests in the last 30 days') and a wish put politely ('we were thinking of 20 rps') are of the
present.
"""

import re
from collections.abc import Iterator
from typing import Final

from agent.fields.demand import RATE
from agent.interpret.facts.draft import Draft
from agent.interpret.facts.reading import Choice
from agent.interpret.words.grammar import NAMES, Item, Rule, rules


def _one_of(words: str) -> str:
    return f"({' | '.join(repr(word) for word in words.split())})"


_WE: Final = _one_of("we i they it he she you traffic load demand system service team")
_DID: Final = _one_of("served handled saw ran did processed supported peaked averaged sustained")
_WAS: Final = "('was' | 'were')"
_AT: Final = "(link | on | 'running' | 'using' | 'only' | 'still'){0,3}"
_FIRM: Final = _one_of("google openai amazon microsoft meta netflix anthropic facebook uber twitter bytedance")
_DOES: Final = _one_of(
    "does do has have handles serves runs uses gets sees processes operates owns bought needs served"
)
_GIVES_WAY: Final = (
    "(fails | ('saturates' | 'chokes' | 'collapses' | 'struggles' | 'overloads' | 'breaks') 'down'? | "
    "('tops' | 'maxes' | 'maxed' | 'topped' | 'caps') 'out')"
)
_LIMIT: Final = Rule(
    f"{_GIVES_WAY} ('at' | 'around' | 'above' | 'beyond' | 'past' | approx | under | over){{1,3}} n:num "
    "(rateunit | event? per time | event? slash (time | tshort))"
)
"""What is told of a server's limit, and is no load to plan for: 'falls over at 7 req/s'."""
_ELSEWHERE: Final = rules(
    "'yesterday'",
    # 'the last month' ends now, 'last month' is over
    "(?<! 'the') (?<! 'our') ('last' | 'previous') (time | 'night' | 'spring' | 'summer' | 'autumn' | 'winter' | "
    "'season' | 'january' | 'december') (?! 'bill' | 'invoice' | 'usage' | 'total')",
    "dur 'ago'",
    f"{_WE} ('used' 'to' | {_DID})",
    "(?: ^ | (?<= stop | comma | colon | conj | 'it')) 'used' 'to' 'be'",
    f"{_WE} {_WAS} {_AT} (num | dur | money | gpu | model | prec | pct)",
    "(?: ^ | (?<= stop | comma | colon | conj)) 'was' (link | 'only' | 'at'){0,2} num",
    f"{_one_of('old previous former legacy prior')} loose{{1,3}} ({_DID} | {_WAS} | 'had' | 'used' | 'says' | "
    "'said' | 'quoted' | 'assumed' | 'offered')",
    f"(gpu | gpunoun | node) link? {_one_of('died burned burnt crashed broke')}",
    "'lost' (near | num | conj){0,3} (gpu | gpunoun | node)",
    _one_of("competitor competitors rival rivals"),
    f"{_FIRM} {_DOES}",
)
_TO_THE_PROGRAM: Final = re.compile(
    r"""
    <!--.*?(?:-->|\Z)                                                        # a comment
  | <\|\w+\|>[^\n]* | \[/?INST\][^\n]* | <<SYS>>[^\n]*                    # marks of a chat template
  | \b(?:ignore|disregard|forget|override)\s(?:(?:of|the|my)\s)*(?:
      (?:(?:all|any|your|previous|prior|earlier|above|these)\s(?:(?:of|the|my)\s)*)+
      (?:instruction|rule|guideline|direction|order|prompt(?!\s(?:length|size|token)))s?
    | (?:instruction|rule|guideline)s?)\b[^\n]*?(?=[.;!]\s|,\sthen\s|\n|\Z)
  | \b(?:system|assistant|developer|admin)(?:\s(?:override|message|note|notice|command|instructions?))?\s?:\s?(?:
    please\s)?(?:you|your|ignore|disregard|forget|override|mark|
    set(?!\sof)|approve|print|reveal|show|say|tell|repeat|reply|respond|answer|write|output|act|pretend|behave|treat|
    assume|enter|switch|do|never|always|from\snow|the\s(?:user|operator|admin|customer|assistant)|this\sis|new\s|
    approved|authori[sz]ed|user\s|all\s|override|note)\b[^\n]*?(?=\buser(?:\srequest)?\s?:|\n|\Z)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""What is told to a program that obeys text, which this one is not."""
_GOT: Final = frozenset({"bought", "purchased", "acquired", "installed", "delivered"})
"""What was got at another time is there now."""
_ENDS: Final = frozenset({"and", "but", "while", "whereas", "now", "today", "currently", "so"})


def orders_in(text: str) -> list[tuple[int, int]]:
    """Return the spans of a text that are told to a program, not of a workload: 'SYSTEM: you are now …', comments."""
    return [order.span() for order in _TO_THE_PROGRAM.finditer(text)]


def leave_elsewhere(draft: Draft) -> None:
    """Take the clauses about another time, or about others, out of the sentence."""
    sentence = draft.sentence
    for match in _LIMIT.matches(sentence):
        draft.dropped.append(sentence.span(match.first, match.last))
        sentence.take(match.index("n"))
    marks = [match.first for rule in _ELSEWHERE for match in rule.matches(sentence)]
    if not marks:
        return
    clauses, keeps_load = list(_clauses(sentence.items)), bool(draft.past)
    for number, clause in enumerate(clauses):
        words = {sentence.items[index].word for index in clause}
        if not any(clause.start <= mark < clause.stop for mark in marks) or words & _GOT:
            continue
        # 'last year, we had 5 rps': where the clause itself tells nothing, the next one does.
        for told in (clause, *clauses[number + 1 : number + 2]):
            telling = [index for index in told if _tells(sentence.items[index], keeps_load)]
            if telling and not keeps_load:
                draft.dropped.append(sentence.span(told.start, told.stop - 1))
                draft.past.append(draft.dropped[-1])
            if telling:
                for index in telling:
                    sentence.take(index)
            if any(_holds(sentence.items[index]) for index in told):
                break


def _clauses(items: list[Item]) -> Iterator[range]:
    """Yield the items of each clause."""
    first = 0
    for index, item in enumerate(items):
        if item.has("comma", "stop") or item.word in _ENDS:
            if index > first:
                yield range(first, index)
            first = index + 1
    if first < len(items):
        yield range(first, len(items))


def _tells(item: Item, keeps_load: bool) -> bool:
    return not item.claimed and _holds(item) and not (keeps_load and item.has("num", "pct", "mult", "window"))


def ask_of_past(draft: Draft) -> None:
    """Ask whether a load of another time is the one to plan for: 'last year we had 8 requests a second'."""
    for found in [one for one in draft.findings if one.path == RATE]:
        said = " ".join(draft.sentence.text[found.start : found.end].split())
        choices = tuple(Choice(option.value, f"yes: {option.echo}", RATE) for option in found.options)
        draft.findings.remove(found)
        draft.questions.append((f"{said!r}, of another time: plan for so much?", RATE, choices, found.start, found.end))


def _holds(item: Item) -> bool:
    return item.amount is not None or item.numeric or item.has(*NAMES)
