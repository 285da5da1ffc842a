"""A bare answer to the question being asked: '20' where the rate is asked."""

from collections.abc import Callable
from typing import Any, Final

from agent.fields.demand import HABIT, USERS
from agent.fields.table import FIELDS
from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.hardware import read_power
from agent.interpret.lengths_and_times.targets import which_latency
from agent.interpret.names.lexicon import Lexicon
from agent.interpret.traffic.how_many import in_which_time, read_users
from agent.interpret.words.grammar import UNKNOWN, Item, whole
from agent.interpret.words.ordinary import ORDINARY
from agent.interpret.words.text_units import in_tokens
from catalogs.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, show_count, show_figure, show_percent


def read_bare_answer(draft: Draft, lexicon: Lexicon) -> None:
    """Give the only number that is left over to the field that is asked."""
    path = draft.asked_path
    if path is None or draft.has(path):
        return
    if path == "model":
        _model(draft, lexicon)
        return
    unwanted = "default_targets" if path == "targets" else path
    absent = FIELDS[unwanted].absent if unwanted in FIELDS else None
    if absent and absent.echo and _says_none(draft):
        draft.found(unwanted, 0, len(draft.sentence.items) - 1, [Option(absent.value, absent.echo)])
        return
    if path == "targets":
        durations = [i for i, item in enumerate(draft.sentence.items) if item.has("dur") and not item.claimed]
        if len(durations) == 1:
            which_latency(draft, durations[0], durations[0], draft.sentence.items[durations[0]].number, None)
        return
    if path == _PROMPT and not draft.known.get(_ANSWER) and (both := _two_alone(draft.sentence.items)):
        for length, index in zip((_PROMPT, _ANSWER), both, strict=True):
            _fill(draft, length, index)
        return
    candidates = [index for index, item in enumerate(draft.sentence.items) if _is_candidate(draft, index, item)]
    if len(candidates) != 1 or _asks_with(draft.sentence.items, candidates[0]):
        return
    words = {item.word for item in draft.sentence.items if not item.claimed}
    named = [length for length, said in _LENGTH_NAMED.items() if words & said]
    _fill(draft, named[0] if len(named) == 1 and path == "traffic.requests_per_s" else path, candidates[0])


_PROMPT, _ANSWER = "tokens.input.mean", "tokens.output.mean"
_LENGTH_NAMED: Final = {
    _PROMPT: {"prompt", "prompts", "input", "inputs"},
    _ANSWER: {"answer", "answers", "output", "outputs"},
}
"""Words beside which a number alone is no rate: 'prompts are longer than that, take 2,000'."""


def _two_alone(items: list[Item]) -> list[int]:
    """Return where the two numbers stand that a line leaves over beside names and fillers: '1500 300'."""
    free = [at for at, item in enumerate(items) if not item.claimed and not item.has("filler", "conj", "comma", "link")]
    return free if len(free) == 2 and all(items[at].has("num") for at in free) else []


def _asks_with(items: list[Item], index: int) -> bool:
    """Whether a number is of what would be: 'and with two?' answers no question."""
    return index > 0 and items[index - 1].word == "with" and items[-1].word == "?"


def _says_none(draft: Draft) -> bool:
    words = [item.word for item in draft.sentence.items if not item.has("stop", "comma")]
    return words in (["no"], ["none"], ["nope"], ["zero"], ["nothing"], ["not", "really"], ["0"], ["no", "thanks"])


def _is_candidate(draft: Draft, index: int, item: Item) -> bool:
    """Whether an item is a number that nothing else is said of."""
    if item.claimed or not item.has("num", "pct", "mult", "money", "width", "power"):
        return False
    items = draft.sentence.items
    before = items[index - 1] if index else None
    after = items[index + 1] if index + 1 < len(items) else None
    if before and before.word in _DETERMINERS and not draft.sentence.text[item.start].isdigit():
        return False  # 'les deux', 'the two' speak of what was named
    return _stands_alone(draft, index) and all(
        other is None or other.has("filler", "approx", "link", "under", "over", "mean", "upto")
        for other in (before, after)
    )


_DETERMINERS: Final = frozenset("the les los las die alle all os as i le gli these those them".split())
_OF_SOMETHING: Final = ("replica", "node", "gpunoun", "site", "spare", "model", "gpu")
_LENGTHS: Final = ("out", "outcue", "incue")
"""'If out is 500' is no rate."""


def _stands_alone(draft: Draft, index: int) -> bool:
    """Whether a number's clause says nothing else: 'and with one more replica?' is no answer to how many requests."""
    items, first, last = draft.sentence.items, index, index
    while first and not items[first - 1].has("comma", "stop"):
        first -= 1
    while last + 1 < len(items) and not items[last + 1].has("comma", "stop"):
        last += 1
    others = [item for item in items[first : last + 1] if item is not items[index]]
    of_length = not (draft.asked_path or "").startswith("tokens.")
    if any(item.has(*_OF_SOMETHING, *(_LENGTHS if of_length else ())) for item in others):
        return False
    strange = [
        item for item in others
        if item.kinds <= UNKNOWN and item.word.isalpha() and len(item.word) > 2 and item.word not in ORDINARY
    ]  # fmt: skip
    return not strange


def _fill(draft: Draft, path: str, index: int) -> None:
    item = draft.sentence.items[index]
    amount = item.number.times(1e6) if item.number.small_m else item.number
    plausible = FIELDS[path].plausible if path in FIELDS else None
    users, each, load = (draft.known.get(one) for one in (USERS, HABIT, "traffic.requests_per_s"))
    if path == "traffic.requests_per_s" and each and not (users or load):  # how often each asks was said before
        read_users(draft, amount, index, index)
    elif path == "traffic.requests_per_s" and users and not (each or load):
        in_which_time(draft, (index, index), (index, index), amount.value * users)
    elif path == "traffic.requests_per_s":
        _rate(draft, index)
    elif plausible and FIELDS[path].show is show_percent:
        _share(draft, path, index)
    elif path in (_PROMPT, _ANSWER, "tokens.input.p95", "tokens.output.p95") and item.has("num"):
        draft.read(
            path, (index, index), amount, lambda v: in_tokens(v, "token")[0], lambda v, made: in_tokens(v, "token")[1]
        )
    elif path == "precision.weights" and (item.has("width") or _is_width(draft, index)):
        widths = {32.0: ("fp32",), 16.0: ("bf16",), 8.0: ("fp8", "int8"), 4.0: ("int4", "nvfp4", "mxfp4")}
        options = [Option(entry, f"weights in {entry}", entry) for entry in widths.get(amount.value, ())]
        if options:
            draft.found(path, index, index, options, f"{amount.value:g} bits: {' or '.join(o.label for o in options)}?")
    elif path == "hardware.max_power_kw" and item.has("num", "power"):
        read_power(draft, index, amount if item.has("power") else amount.times(1e3))
    elif path == "money.monthly_budget_usd" and item.has("num", "money"):
        draft.read(path, (index, index), amount, float, lambda v, made: f"${v:,.10g} a month")
    elif plausible and item.has("num", "mult"):
        convert: Callable[[float], Any] = whole if plausible.whole else float
        draft.read(path, (index, index), amount, convert, lambda v, made: f"{show_figure(v)} {plausible.noun}")


def _is_width(draft: Draft, index: int) -> bool:
    """Whether a bare number may be of bits: '4', and not 'four', which is of something else."""
    item = draft.sentence.items[index]
    return item.has("num") and draft.sentence.text[item.start : item.start + 1].isdigit()


def _rate(draft: Draft, index: int) -> None:
    """Read a bare number as requests/s; one that no service has asks for its time."""
    item = draft.sentence.items[index]
    if not item.has("num"):
        return
    amount = item.number.times(1e6) if item.number.small_m else item.number
    path = "traffic.requests_per_s"
    plausible = FIELDS[path].plausible
    if amount.value > 2000 and len(amount.values) == 1 and plausible:
        choices = tuple(
            Choice(amount.value / seconds, f"per {name}: {show_figure(amount.value / seconds)} requests/s")
            for name, seconds in (
                ("day", SECONDS_PER_DAY),
                ("hour", SECONDS_PER_HOUR),
                ("minute", 60.0),
                ("second", 1.0),
            )
            if amount.value / seconds <= plausible.highest
        )
        draft.ask(path, index, index, f"{show_count(amount.value)} requests in which time?", choices)
        return
    draft.read(path, (index, index), amount, float, lambda v, made: f"{show_figure(v)} requests/s on average")


def _share(draft: Draft, path: str, index: int) -> None:
    item = draft.sentence.items[index]
    growth = path == "traffic.growth_per_year"
    if item.has("pct"):
        amount = item.number
    elif item.has("mult") and growth:
        amount = item.number
        draft.read(path, (index, index), amount, lambda v: v - 1, lambda v, made: f"{show_percent(made)} growth a year")
        return
    elif item.has("num"):
        amount = item.number if abs(item.number.value) < 1 and not growth else item.number.times(0.01)
        if growth and abs(item.number.value) < 1 and item.number.value:
            choices = (
                Choice(item.number.value, show_percent(item.number.value)),
                Choice(item.number.value / 100, show_percent(item.number.value / 100)),
            )
            draft.ask(path, index, index, f"{item.number.value:g}: as a share or in percent?", choices)
            return
    else:
        return
    tidy = float
    draft.read(
        path, (index, index), amount, tidy, lambda v, made: f"{show_percent(made)}{' growth a year' if growth else ''}"
    )


def _model(draft: Draft, lexicon: Lexicon) -> None:
    """Read the whole answer as a model's name, or a bare number as its size."""
    items = draft.sentence.items
    if not items or len(items) > 8:
        return
    last = len(items) - 1
    if len(items) == 1 and items[0].has("num") and not items[0].claimed and len(items[0].number.values) == 1:
        value = items[0].number.value
        if value <= 0:
            draft.object(0, 0, f"{draft.sentence.text.strip()}: a model has more than 0 parameters")
            return
        billions = value / 1e9 if value >= 1e8 else value
        draft.found("model", 0, 0, [Option(f"{billions:g}B", f"a model of {billions:g} billion parameters")])
        return
    if any(item.claimed for item in items):
        return
    said = draft.sentence.text.strip()
    hits = lexicon.model(said)
    if len(hits) == 1:
        draft.found("model", 0, last, [Option(hits[0], f"model {hits[0]}")])
    elif hits:
        choices = [Choice(hit, hit) for hit in hits[:8]]
        draft.ask("model", 0, last, f"{said!r} may be several models: which?", choices)
