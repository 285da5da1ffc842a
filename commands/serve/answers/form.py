"""The form of the page: what a sentence or a plan says as the texts of its fields, and messages in its words."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import to_builtins

from agent.fields.field import Flag
from agent.interpret.facts.reading import Ambiguity, Choice
from agent.report.words import capital
from agent.statements.flags import ALL as FLAGS
from agent.statements.spec_files import spec_of_tree
from catalogs.errors import IncompleteInput, InputError, listed, quoted, visible
from catalogs.units import SECONDS_PER_DAY
from commands.serve.answers.work import REQUEST, Answer, Desk, asked, from_flags, given_flags, json_answer

NAMES: Final = frozenset(flag.flag.removeprefix("--") for flag in FLAGS)
NO_FIELD: Final = "The form has no field for"


def in_form_words(text: str) -> str:
    """Return a text about flags as one about the fields of these names."""
    return re.sub(r"--([a-z][a-z0-9-]*)", lambda found: found[1].replace("-", " "), text)


def form_sentence(refusal: str) -> str:
    """Return why something is refused as a sentence about fields."""
    words = in_form_words(refusal.rstrip("."))
    return f"{visible(capital(words))}{'' if words.endswith('?') else '.'}"


def fields_of_sentence(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return the form that a sentence fills, what is to be said of it, and as HTML what it leaves open and cannot mean.

    Args:
        tree: the sentence, and the fields that are filled already: these win over it.

    Raises InputError where neither it nor the fields can be read.
    """
    from agent.session.stated_sentence import stated_in

    texts, sentence = given_flags(tree), str(tree["sentence"])
    said, by_fields = stated_in(sentence, desk.facts, answered={}), from_flags(texts).values
    gathered = asked([said.statement], desk)
    # What it states, by the names of the catalog: a preset stays one, as whoever types it into a terminal has it.
    named = {
        path: to_builtins(value) if path == "targets" else gathered.values.get(path, value)
        for path, value in said.statement.values.items()
    }
    read, left = flag_texts(named)
    still_open = [one for one in said.questions if one.path not in by_fields and not _settled(one, texts)]
    notes = [*said.notices(), *said.left_out()]
    if left:
        notes.append(f"{NO_FIELD} {listed(left)}.")
    if understood := bool(read or said.questions or said.objections):
        read |= texts
    else:
        needed = form_sentence(str(IncompleteInput(gathered.missing)))
        notes.append(f"Nothing in {quoted(sentence)} says what to plan. {needed}")
    asks = "".join(_asked(one, sentence, texts) for one in still_open)
    wrong = "".join(f'<p class="bad" role="alert">{escape(form_sentence(one))}</p>' for one in said.objections)
    return json_answer({"flags": read, "notes": notes, "open": asks, "objected": wrong, "understood": understood})


def _asked(question: Ambiguity, sentence: str, texts: Mapping[str, str]) -> str:
    """Return a question with its choices: each a link that says the sentence with the field that settles it."""
    items = "".join(
        f'<li><a href="/?{escape(urlencode({"sentence": sentence, **texts, **changes}))}">{escape(one.label)}</a></li>'
        if (changes := _changes(one, question))
        else f"<li>{escape(one.label)}</li>"
        for one in question.choices
    )
    choices = f'<ul class="instead" aria-label="What may be meant">{items}</ul>' if items else ""
    return f'<p class="warning" role="alert">{escape(visible(question.text))}</p>{choices}'


def _changes(choice: Choice, question: Ambiguity) -> dict[str, str]:
    """Return the fields that a choice fills; none where something has to be asked first or no field holds it."""
    if choice.value is None:
        return {}
    values = {choice.path or question.path: choice.value, **choice.also}
    read, left = flag_texts({path: to_builtins(one) if path == "targets" else one for path, one in values.items()})
    return {} if left else read


def _settled(question: Ambiguity, texts: Mapping[str, str]) -> bool:
    """Return whether the fields say what one of the choices says."""
    said = (_changes(choice, question) for choice in question.choices)
    return any(changes and changes.items() <= texts.items() for changes in said)


def plan_fields(content: Mapping[str, Any], desk: Desk) -> tuple[dict[str, str], list[str]]:
    """Return the form that states a plan's question, empty fields among its own, and the paths that no field states.

    What a preset gave stays the preset's as long as it still gives the same.
    """
    from engine.plan import plain

    stated = asked([spec_of_tree(content, REQUEST)], desk)
    values = {path: value for path, value in stated.values.items() if value is not None}
    given = content.get("sources")
    sources = {path: one for path, one in given.items() if isinstance(one, dict)} if isinstance(given, dict) else {}
    of_preset = {path: str(one.get("detail")) for path, one in sources.items() if one.get("kind") == "preset"}
    filled, left = flag_texts({path: value for path, value in values.items() if path not in of_preset})
    if of_preset:
        filled["preset"] = next(iter(of_preset.values()))
    try:
        same = plain(asked([from_flags(filled)], desk).tree()) == plain(stated.tree())
    except InputError:  # there is no such preset any more
        same = False
    if not same:
        filled, left = flag_texts(values)
    return dict.fromkeys(sorted(NAMES), "") | filled, left


def flag_texts(values: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return values by path as the texts of the flags that read them so, and the paths that no flag states."""
    texts: dict[str, str] = {}
    left: list[str] = []
    targets = {f"targets.{one['metric']}.{one['percentile']}": one["seconds"] for one in values.get("targets", ())}
    for path, value in {**{p: v for p, v in values.items() if p != "targets"}, **targets}.items():
        flag = next((row for row in FLAGS if row.path == path and _spelled(row, value) is not None), None)
        if flag is not None:
            texts[flag.flag.removeprefix("--")] = _spelled(flag, value) or ""
        elif path != "architecture":
            left.append(path)
    return texts, left


def _spelled(flag: Flag, value: Any) -> str | None:
    """Return a text that the flag reads as the value; None where none is found."""
    if flag.read is None:
        return None
    if isinstance(value, tuple | list):
        tries = [",".join(map(str, value))]
    elif isinstance(value, int | float):
        plain, more = f"{value:.12g}", f"{value * 100:.12g}"
        tries = [
            f"{value * 1000:.12g}ms",
            f"{plain}s",
            plain,
            f"{plain}kW",
            f"{plain} years",
            f"{plain}y",
            more,
            f"{more}%",
            f"{value * SECONDS_PER_DAY:.12g}/day",
            repr(value),
        ]
    else:
        tries = [str(value)]
    for text in tries:
        try:
            read = flag.read(text, flag.flag)
        except InputError:
            continue
        same = tuple(read) == tuple(value) if isinstance(value, tuple | list) else read == value
        if same:
            return text
    return None
