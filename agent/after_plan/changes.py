"""What a line changes of a plan, part by part: values set, multiplied, moved, taken back or chosen, and labels."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agent.after_plan.multiples import METRICS, added, scaled, with_shared_factor
from agent.after_plan.wording.moves import INSTEAD
from agent.after_plan.wording.plain_words import TAKE_BACK, TO_A_FIGURE
from agent.after_plan.wording.withdrawn import CHEAPEST_PROVIDER, STAYS, withdrawn
from agent.fields.demand import CROWD, GIVEN_AS, PEAK, RATE, USERS
from agent.fields.table import FIELDS
from agent.interpret.facts.reading import Reading
from agent.interpret.words.tongues import in_english
from agent.talk.answer_display import value_shown, variant_shown
from agent.talk.requests import Unclear, Variation
from agent.talk.state import ADDS, Ports, joined_targets
from engine.workload import ANY_PROVIDER, PERCENTILE_SHARES


class Change(Struct):
    """What a line changes, as far as it is read."""

    values: dict[str, Any]
    """By path, in base units."""
    details: dict[str, str]
    """The words behind each value."""
    labels: dict[str, str]
    """How each value is shown, by path."""
    denied: list[str] = []
    """Clauses that say what is not to be: 'don't double the traffic'."""


_WITHOUT: Final = (
    (CHEAPEST_PROVIDER, {"money.provider": ANY_PROVIDER}, "any provider, the cheapest"),
    *(
        (
            re.compile(rf"\b(?:without|no|ignoring|ignore) (?:a |the |any )?(?:{words})\b", re.I),
            {
                field.path: field.absent.value
                for field in FIELDS.values()
                if field.absent and field.absent.words == words
            },
            label,
        )
        for words, label in dict.fromkeys((f.absent.words, f.absent.label) for f in FIELDS.values() if f.absent)
    ),
)
"""What a line may do without: its pattern, the values by path, the variant's label."""
_NO_BUDGET: Final = re.compile(r"\bwithout (?:a|the|any) budget\b", re.I)
_SETS: Final = re.compile(
    r"\b(?:drop|lower|reduce|raise|relax|lift|loosen|tighten|cut|set|change|move|correct|fix|adjust|"
    r"update|modify|bring|increase|go(?:es)?|grow|rise|fall|shrink|get)s?"
    r"(?: (?:up|down|back))?\s+(?=(?:(?!\b(?:to|by|with)\b)[^,;])*\bto \W?\d)",
    re.I,
)
"""A verb before the figure that it sets: 'lower the TTFT target to 300 ms'."""
_CLAUSE: Final = re.compile(r"\s*(?:,(?!\d)|;|\band\b|\bbut\b|\bwhile\b)\s*", re.I)
_NO_TARGET: Final = re.compile(
    r"(?:remove|drop|scrap|forget|ditch|delete|cancel|lift|nobody cares about|no one cares about|we don'?t (?:need|care"
    r" about)"
    r"|without|no)\s+(?:(?:the|that|this|an?|any|our|all|about)\s+)*(?:(?P<metric>ttft|itl|tpot|e2e|end[- ]to[- ]end|"
    r"first[- ](?:token|word)|latency|p9\d)\s*)*(?:latency\s+)?"
    r"(?:targets?|requirements?|limits?|promises?|slos?|slas?|goals?|"
    rf"any ?more|(?<=ttft)|(?<=itl)|(?<=token)){TO_A_FIGURE}(?:\s*(?:any ?more|please))?",
    re.I,
)
"""A target that is taken back, or all of them where no metric is named."""
_HELD: Final = frozenset({"traffic.requests_per_s", GIVEN_AS})
"""What a second sentence goes on from: '20 rps was the mean, sorry. The peak is 3x'."""


def read_part(
    part: str, base: Mapping[str, Any], ports: Ports, change: Change
) -> tuple[Reading, frozenset[str]] | Unclear:
    """Take a part of a line into a change; return how it was read, and the paths that it leaves open."""
    # What a second part says of the same thing holds in place of the first; it adds no target to one taken back.
    known = {**base, "targets": change.values["targets"]} if "targets" in change.values else base
    left, dropped = _taken_back(part, known, change)
    left, let_go = _let_go(left, base, ports, change)
    english = in_english(left)
    multiplied = _multiplied(english, known, change)
    if isinstance(multiplied, Unclear):
        return multiplied
    left = _SETS.sub("", left if multiplied == english else multiplied)
    left = _IN_PLACE_OF.sub(lambda found: _new_thing(found, base, ports), left)
    held = {**base, **{path: change.values[path] for path in _HELD & change.values.keys()}}
    reading = ports.read(left, ports.catalog, asked_path=None, known=held) if left.strip() else Reading()
    _take(reading, change, base, replace_metric=not ADDS.search(left))
    return reading, dropped | let_go


def _let_go(text: str, base: Mapping[str, Any], ports: Ports, change: Change) -> tuple[str, frozenset[str]]:
    """Return a line without what the plan has and the line gives up, 'forget TP2', and the paths that are left open."""
    gone: dict[str, str] = {}
    for match in _GIVEN_UP.finditer(text):
        read = ports.read(match["what"], ports.catalog, asked_path=None, known=base)
        has = bool(read.values) and all(base.get(path) == value for path, value in read.values.items())
        if has and not read.unused and not (match["without"] and read.values.keys() & _REFUSED):
            gone |= {path: f"{variant_shown(path, value)} no longer held" for path, value in read.values.items()}
            text = text.replace(match[0], "")
    change.labels |= gone
    return text, frozenset(gone)


_REFUSED: Final = frozenset({"hardware.accelerators", "money.provider"})
"""What a line may do without that is then ruled out: 'without H100'."""
_THING_ENDS: Final = r"(?=\W*$|[,;]| (?:and|but|with|at)\b)"
_GIVEN_UP: Final = re.compile(
    rf"\b(?:{TAKE_BACK}|(?P<without>without (?:the )?))"
    rf"(?P<what>(?:(?! (?:to|by|from|under)\b)[^,;.?!]){{2,30}}?){_THING_ENDS}",
    re.I,
)
_IN_PLACE_OF: Final = re.compile(
    rf"(?P<new>[^,;.?!]+?),? (?:{INSTEAD}|not) (?:(?:the|in|on(?! demand)) )*(?P<old>[^,;?!]+?){_THING_ENDS}|"
    r"(?:\b(?:switch|move|change|migrate|go|shift|swap|convert|port)(?:s|d|es|ed|ing)?\b(?P<what>[^,;]*?) )?"
    rf"\bfrom (?P<left>(?!\W?\d+\b)[^,;]+?) to (?P<for>[^,;?!]+?){_THING_ENDS}",
    re.I,
)
"""A thing beside the one that it replaces: 'Ireland, not Frankfurt', 'spot instead of on demand', 'from 70B to 8B'."""


def _new_thing(found: re.Match[str], base: Mapping[str, Any], ports: Ports) -> str:
    """Return the words without the old thing where both are of one field; as they are where they are not."""
    new = re.sub(r"^\W*(?:and|but)\b", "", found["new"] or f"{found['what'] or ''} {found['for']}")
    old = found["old"] or found["left"]
    for lead in ("", "in "):
        made, gone = (ports.read(f"{lead}{words}", ports.catalog, asked_path=None, known=base) for words in (new, old))
        if gone.values and gone.values.keys() <= made.values.keys() and not gone.unused:
            return f"{lead}{new}"
    return found[0]


def _multiplied(text: str, base: Mapping[str, Any], change: Change) -> str | Unclear:
    """Take what the clauses of a text multiply or add into a change, one after the other; return the clauses left."""
    clauses = with_shared_factor([part for part in _CLAUSE.split(text) if part])
    made: dict[str, Any] = {}
    rest: list[str] = []
    for clause in clauses:
        head, tail = _split_off(clause)
        multiplied = _times_or_more(head, {**base, **made}) if tail else None
        if not multiplied:
            multiplied, tail = _times_or_more(clause, {**base, **made}), ""
        if multiplied is None and rest and not re.search(r"\d", rest[-1]) and scaled(rest[-1], base) is None:
            # 'chattier answers, about double': the factor is of the clause before it.
            joined = scaled(f"{rest[-1]} {clause}", base)
            multiplied = joined if isinstance(joined, list) else None
            rest = rest[:-1] if multiplied else rest
        if isinstance(multiplied, Unclear):
            return multiplied
        if multiplied is None:
            rest.append(clause)
            continue
        change.denied += [] if multiplied else [clause]
        rest += [tail] if tail else []
        for path, value, label in multiplied:
            before = f"{change.labels[path]}, then " if path in made else ""
            made[path] = change.values[path] = value
            change.details[path], change.labels[path] = clause, f"{before}{label}"
    return text if rest == clauses else ", ".join(rest)


def _split_off(clause: str) -> tuple[str, str]:
    """Return a clause before and from its first 'with', 'on', 'using': '20% more users', 'on H200'."""
    beside = re.search(r"(?<=\S)\s+(?=(?:with|on|using|at|in|for)\s)", clause)
    return (clause[: beside.start()], clause[beside.end() :]) if beside else (clause, "")


def _times_or_more(clause: str, base: Mapping[str, Any]) -> list[tuple[str, Any, str]] | Unclear | None:
    """Return what a clause adds or else multiplies, as ``scaled``."""
    more = added(clause, base)
    return scaled(clause, base) if more is None else more


_TARGET_OF: Final = (
    r"(?:\b(?:relax|loosen|tighten|set|move|change|raise|make|switch|put|use|take|go|with)(?: to)? )?"
    r"(?:(?:the|our|my) )?(?:(?:targets?|slos?|slas?|latency|ttft|itl|tpot|e2e|percentile)(?: (?:target|limit)s?)? )"
)
_OTHER_PERCENTILE: Final = re.compile(
    rf"{_TARGET_OF}*+(?:(?:from|at) )?(?:(?:the )?\bp(?P<old>\d\d) ?(?:->|→|=>|to|by) ?p?(?P<new>\d\d)\b|"
    r"\bp(?P<chosen>\d\d) (?:instead of|rather than|in place of|not) (?:the )?p(?P<left>\d\d)\b)|"
    rf"{_TARGET_OF}++(?:to|at) (?:the )?p(?P<sole>\d\d)\b(?! ?\d)(?: instead)?",
    re.I,
)
_SAME_TIME: Final = re.compile(
    r"[,;]? ?\b(?:at |with |but )?(?:the )?same (?:value|limit|time|number|\d[\d.]* ?m?s?)\b", re.I
)
"""The time that a target keeps at another percentile: 'to p99, same 800'."""


def percentile_moved(said: str, base: Mapping[str, Any], change: Change) -> str | Unclear:
    """Take targets that move to another percentile into a change, 'from p95 to p90'; return the rest of the line."""
    match = _OTHER_PERCENTILE.search(said)
    if match is None:
        return said
    targets = base.get("targets", ())
    metric = next((name for name, words in METRICS.items() if re.search(words, said, re.I)), "")
    own = {t.percentile for t in targets if metric in ("", t.metric)}
    old = min(own, default="p95") if match["sole"] else f"p{match['old'] or match['left']}"
    new = f"p{match['new'] or match['chosen'] or match['sole']}"
    moved = [t for t in targets if t.percentile == old and metric in ("", t.metric)]
    if new not in PERCENTILE_SHARES or not moved:
        what = f"{metric.upper()} " if metric else ""
        return Unclear(
            f"No {what}target was stated at {old}: say it whole, 'with {new} TTFT 800 ms'."
            if new in PERCENTILE_SHARES
            else f"A target is at {', '.join(PERCENTILE_SHARES)}; {new} is none of them."
        )
    made = joined_targets(tuple(t for t in targets if t not in moved), tuple(replace(t, percentile=new) for t in moved))
    change.values["targets"], change.details["targets"] = made, match[0]
    change.labels["targets"] = f"{' and '.join(t.metric.upper() for t in moved)} at {new} in place of {old}"
    return _SAME_TIME.sub("", f"{said[: match.start()]} {said[match.end() :]}")


def _taken_back(text: str, base: Mapping[str, Any], change: Change) -> tuple[str, frozenset[str]]:
    """Take what a line does without into the change; return the rest of the line, and the paths that are left open."""
    metric = ""
    if "targets" not in change.values and (match := _NO_TARGET.search(text)):
        metric = next((name for name, words in METRICS.items() if re.search(words, match[0], re.I)), "")
        stated = base.get("targets", ())
        # What nobody stated is a default of its metric, which falls alone where another metric has a target.
        default = bool(metric and stated) and all(t.metric != metric for t in stated)
        path = "default_targets" if default else "targets"
        change.values[path] = "none" if default else tuple(t for t in stated if metric and t.metric != metric)
        change.details[path] = match[0]
        change.labels[path] = f"no {metric.upper()} target" if metric else "no targets"
        text = f"{text[: match.start()]} {text[match.end() :]}" if metric else text
    for pattern, fixed, label in _WITHOUT:
        if match := pattern.search(text):
            change.values |= fixed
            change.details |= dict.fromkeys(fixed, match[0])
            change.labels[next(iter(fixed))] = label
            text = f"{text[: match.start()]} {text[match.end() :]}"
    text = text if metric else _NO_TARGET.sub(" ", text)
    if match := STAYS.search(text):
        change.denied.append(match[0])
        text = STAYS.sub(" ", text)
    text, opened = withdrawn(text, base)
    if match := _NO_BUDGET.search(text):
        opened["money.monthly_budget_usd"] = "no budget"
        text = f"{text[: match.start()]} {text[match.end() :]}"
    change.labels |= opened
    return text, frozenset(opened)


def with_choice(change: Variation, path: str, value: Any, words: str, base: Mapping[str, Any]) -> Variation:
    """Return a change with one more value, chosen where the words left it open.

    Args:
        change: to which the value is added.
        value: as the choice has it; None leaves the change as it is.
        words: that left it open.
        base: values of the plan that is changed, by path.
    """
    if value is None:
        return change
    made = value
    if path == "targets":
        made = joined_targets(change.values.get(path, base.get(path, ())), tuple(value), replace_metric=True)
    elif path in ("hardware.accelerators", "hardware.excluded") and not isinstance(value, tuple):
        made = (value,)
    label = ", ".join(filter(None, (change.label, "" if path == GIVEN_AS else value_shown(path, value))))
    return replace(
        change,
        values={**change.values, path: made},
        details={**change.details, path: words},
        label=label,
        drops=change.drops - {path},
    )


def _take(reading: Reading, change: Change, base: Mapping[str, Any], replace_metric: bool) -> None:
    """Take what was read into a change."""
    values = change.values
    for path, value in (*reading.values.items(), *((habit.path, habit.value) for habit in reading.habits)):
        if path == "preset":
            continue
        made = value
        if path == "targets":
            made = joined_targets(values.get(path, base.get(path, ())), value, replace_metric)
        elif path == "hardware.excluded":
            made = tuple(dict.fromkeys((*base.get(path, ()), *value)))
            wanted = values.get("hardware.accelerators", base.get("hardware.accelerators", ()))
            if set(wanted) & set(made):
                values["hardware.accelerators"] = tuple(name for name in wanted if name not in made)
        elif path == "hardware.accelerators" and set(value) & set(base.get("hardware.excluded", ())):
            values["hardware.excluded"] = tuple(name for name in base["hardware.excluded"] if name not in value)
        values[path] = made
        if path == GIVEN_AS:
            continue
        change.details[path] = reading.details.get(path, "")
        if path not in CROWD or path == USERS:
            gone = change.labels.get(path, "") if path == "targets" else ""
            shown = variant_shown(path, value)
            # A target that goes and one that comes are both of the change: 'no ITL target, TTFT p95 within 2 s'.
            change.labels[path] = f"{gone}, {shown}" if gone.startswith("no ") else shown

    if given := next((habit.echo for habit in reading.habits if habit.path == GIVEN_AS and habit.value), ""):
        change.labels |= dict.fromkeys({RATE, PEAK} & change.labels.keys(), given)
