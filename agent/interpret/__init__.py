"""A sentence → facts, without a language model: numbers, names, then one rule for each way of saying a thing.

    text ─scanner→ items ─mentions→ names ─numerals→ quantities ─elsewhere, refusals→ what is wanted
         ─traffic, lengths, targets, …→ draft ─roles, doubts→ what is asked of it ─settlement→ Reading

A number fills a slot only with a unit word of its own or when that slot is asked; two values for one slot, a range or
an open word are questions; what was refused, is implausible or was not used is said.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from agent.fields.demand import RATE
from agent.interpret.bare_answers import read_bare_answer
from agent.interpret.beside_wish.elsewhere import ask_of_past, leave_elsewhere, orders_in
from agent.interpret.beside_wish.present import LOAD, spans_of_now, take_wished_target, without_now
from agent.interpret.beside_wish.proposed import ask_whether_proposed
from agent.interpret.contradictions import read_contradictions
from agent.interpret.demand.rest import counts_workloads
from agent.interpret.domain import DOUBTFUL, chance_of_elsewhere, evidence_of, refused_where_elsewhere
from agent.interpret.doubts import ask_where_doubtful, read_again, tell_left_over
from agent.interpret.facts.draft import Draft
from agent.interpret.facts.reading import Ambiguity, Choice, Reading, SaidValue
from agent.interpret.facts.settlement import settle
from agent.interpret.failures import read_failures
from agent.interpret.hardware import read_hardware
from agent.interpret.lengths_and_times.lengths import read_lengths
from agent.interpret.lengths_and_times.targets import ask_lone_time, read_targets
from agent.interpret.lengths_and_times.time_parts import leave_parts, take_parts
from agent.interpret.money import read_money, tell_currencies
from agent.interpret.names.lexicon import Lexicon, lexicon_of
from agent.interpret.names.machines import read_machines
from agent.interpret.names.mentions import name
from agent.interpret.refusals import refuse
from agent.interpret.serving import read_model, read_names, read_serving
from agent.interpret.traffic.growth import read_growth
from agent.interpret.traffic.how_many import read_traffic
from agent.interpret.traffic.peaks import keep_sense
from agent.interpret.traffic.time_table import time_table, with_load_by_time
from agent.interpret.traffic.workload_table import MOST_ROWS, several_workloads
from agent.interpret.wishes import name_closed, note_wishes, read_drafts, read_thinking
from agent.interpret.words.dictated import as_meant
from agent.interpret.words.grammar import Item, Sentence
from agent.interpret.words.numerals import combine
from agent.interpret.words.pasted import put_into_words
from agent.interpret.words.scanner import LONGEST, items_of, join_phrases
from agent.interpret.words.tables import options_beyond, workloads_in
from agent.interpret.words.text_units import define_units
from agent.interpret.words.tongues import put_into_english
from catalogs.catalog import Catalog

__all__ = ["Ambiguity", "Choice", "Reading", "SaidValue", "interpret", "prepare", "read_by_rules"]

_WARM_UP = "lama 3.1 70b in fp8 on 8xH100 and one A100 80, 20 requests per second"
_ONE_WORKLOAD: Final = (
    "A plan is of one workload: of several I read the first; say another for a second plan, or 'fleetcast pool' sizes "
    "several on one fleet."
)
_NOTHING_KNOWN: Mapping[str, Any] = {}


def prepare(catalog: Catalog) -> None:
    """Build what the first sentence would otherwise wait for: the names of the catalog and the rules."""
    interpret(_WARM_UP, catalog)


def _sentence(text: str, lexicon: Lexicon, orders: Sequence[tuple[int, int]]) -> tuple[Sentence, str]:
    read = text[:LONGEST]
    items, language = put_into_english(text, put_into_words(read, items_of(read)))
    sentence = Sentence(text, [item for item in items if not any(a <= item.start < b for a, b in orders)])
    name(sentence, lexicon)
    name_closed(sentence)
    join_phrases(sentence)
    combine(sentence)
    return sentence, language


def _drafted(draft: Draft, catalog: Catalog, lexicon: Lexicon) -> Draft:
    """Return a draft with all that the rules find in its sentence."""
    leave_elsewhere(draft)
    draft.notes += define_units(draft.sentence)
    refuse(draft, catalog)
    read_drafts(draft)
    read_model(draft, lexicon)
    read_failures(draft)
    read_serving(draft)
    read_money(draft)
    read_growth(draft)
    parts = take_parts(draft)
    read_traffic(draft)
    read_targets(draft)
    leave_parts(draft, parts, draft.known)
    read_lengths(draft, draft.known)
    read_machines(draft, lexicon)
    read_hardware(draft)
    read_names(draft, lexicon)
    read_bare_answer(draft, lexicon)
    tell_currencies(draft)
    ask_lone_time(draft)
    keep_sense(draft, catalog)
    read_thinking(draft)
    return draft


def read_by_rules(text: str, catalog: Catalog) -> tuple[list[Item], tuple[str, ...]]:
    """Return the items of a text, with its names and numbers made and nothing taken yet, and what the rules find there.

    Args:
        text: a line.
        catalog: what names mean.
    """
    draft, figures, _ = _read(text, catalog, None, _NOTHING_KNOWN)
    return figures, evidence_of(draft)


def _read(
    text: str, catalog: Catalog, asked_path: str | None, known: Mapping[str, Any]
) -> tuple[Draft, list[Item], str]:
    """Return what the rules find, the items as they were before, and the language.

    Args:
        text: a line.
        catalog: what names mean.
        asked_path: the field that is being asked.
        known: values by path that were given before.
    """
    lexicon = lexicon_of(catalog)
    orders = [*orders_in(text[:LONGEST]), *options_beyond(text[:LONGEST])]
    sentence, language = _sentence(text, lexicon, orders)
    figures = list(sentence.items)

    def drafted(part: Sentence, dropped: Sequence[tuple[int, int]] = ()) -> Draft:
        return _drafted(Draft(part, asked_path, known, dropped=[*orders, *dropped]), catalog, lexicon)

    spans = spans_of_now(sentence)
    draft = without_now(sentence, spans, drafted) if spans else drafted(sentence)
    if not spans and draft.past and draft.has("model") and not any(map(draft.has, LOAD)):
        fresh = Sentence(text, [replace(item, claimed=False) for item in sentence.items])
        again = _drafted(Draft(fresh, asked_path, known, dropped=[*orders], past=draft.past), catalog, lexicon)
        if again.has(RATE):
            draft = again
            ask_of_past(draft)
    take_wished_target(draft)
    ask_whether_proposed(draft)
    read_contradictions(draft)
    return draft, figures, language


def _without(text: str, start: int, end: int) -> str:
    """Return a text with blanks in the place of a table."""
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def interpret(
    text: str, catalog: Catalog, *, asked_path: str | None = None, known: Mapping[str, Any] = _NOTHING_KNOWN
) -> Reading:
    """Return what a sentence says of a workload.

    Never raises for any text; beyond 20,000 characters it reads the first and says so.

    Args:
        text: the sentence.
        catalog: what names mean.
        asked_path: the field that is being asked, which a bare number then fills.
        known: values by path that were given before, for what is said relative to them.
    """
    if (table := time_table(text[:LONGEST])) is not None:
        beside = interpret(_without(text, table.start, table.end), catalog, asked_path=asked_path, known=known)
        if beside.said_values or beside.questions or not any(map(str.isalpha, _without(text, table.start, table.end))):
            return with_load_by_time(text, table, beside)
    if (found := workloads_in(text[:LONGEST])) is not None:
        kept, further = found.rows[:MOST_ROWS], [row.name for row in found.rows[MOST_ROWS:]]
        readings = [(row, interpret(row.text, catalog, known=known)) for row in kept]
        beside = interpret(_without(text, found.start, found.end), catalog, asked_path=asked_path, known=known)
        return several_workloads(text, (found.start, found.end), readings, beside, further, found.left)
    text, taken_back = as_meant(text, lexicon_of(catalog).models.families)
    draft, figures, language = _read(text, catalog, asked_path, known)
    elsewhere = chance_of_elsewhere(draft, figures)
    second = read_again(draft, figures, elsewhere)
    note_wishes(draft)
    by_rules = bool(draft.findings or draft.questions)
    if second:
        ask_where_doubtful(draft, figures, second)
    if draft.questions and not by_rules:
        elsewhere = chance_of_elsewhere(draft, figures)
    if second and elsewhere < DOUBTFUL:
        tell_left_over(draft, second)
    reading = refused_where_elsewhere(text, settle(draft, known), elsewhere, language)
    reading = replace(reading, notes=(*reading.notes, *taken_back)) if taken_back else reading
    if language and (reading.said_values or reading.questions):
        note = f"Read as {language}; answers are in English."
        reading = replace(reading, notes=(*reading.notes, note))
    if options_beyond(text[:LONGEST]) or (reading.said_values and counts_workloads(text[:LONGEST])):
        reading = replace(reading, notes=(*reading.notes, _ONE_WORKLOAD))
    if len(text) > LONGEST:
        rest = f"the {len(text) - LONGEST:,} characters after the first {LONGEST:,}"
        return replace(reading, unused=(*reading.unused, rest))
    return reading
