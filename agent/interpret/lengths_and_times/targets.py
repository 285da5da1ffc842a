"""Latency that must hold: which metric, at which percentile, how many seconds; tokens/s for one reader."""

import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import LEAST_TARGET_S
from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.words.grammar import Amount, Item, Match, Rule, Sentence, matches_of, rules
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import SECONDS_PER_DAY, show_figure, show_seconds
from engine.workload import PERCENTILE_SHARES, Metric, Percentile, Target, target_name

DEFAULT_PERCENTILE: Final[Percentile] = "p95"
METRICS: Final[dict[str, Metric]] = {"ttft": "ttft", "itl": "itl", "e2e": "e2e"}
NAMES: Final[dict[str, str]] = {"ttft": "first token", "itl": "between tokens", "e2e": "whole answer"}
_REACH: Final = 7
_LONGEST_CALL_S: Final = 300.0
"""Of a time that is a limit of one answer where 'total' alone stands beside it: by judgement."""
FASTEST_READER: Final = 2000.0
"""Tokens/s that no one stream has been served at: more are of all users together. By judgement."""

_SUB_SECOND: Final = Rule("'sub' t:time")
_A_SECOND: Final = Rule("under ('a' | 'one')? (?<= under | 'a') t:time")
_OF_A_SECOND: Final = Rule("(ttft | itl | e2e | latency) (pctl | link | colon){0,3} (?<= 'a') t:time")
_SPEED: Final = rules(
    "n:num plus? (outcue | unknown)? token (per t:time | slash t2:(time | tshort)) ('for'? x:(peruser | perrequest | "
    "eachuser | each | ingrand) | slash x2:user)?",
    "n:num 't' slash t2:('s' | 'sec' | 'second') ('for'? x:(peruser | perrequest | eachuser | each | ingrand))?",
    "n:num tps ('for'? x:(peruser | perrequest | eachuser | each | ingrand))?",
    "every t:time outcue n:num token",
    "tps (link | colon){0,3} n:num ('for'? x:(peruser | perrequest | eachuser | each | ingrand))",
)
_WITHOUT_UNIT: Final = Rule(
    "(ttft | itl | e2e) pctl? (under | link | colon){0,3} pctl? n:num (?! token | time | event | per | slash | "
    "unknown | percent | times | user | thing | gpunoun)"
)
_METRIC: Final = "(ttft | itl | e2e)"
_PAIRED: Final = Rule(
    f"m:{_METRIC} (slash | conj | comma) k:{_METRIC} (under | link | colon | pctl){{0,4}} d:dur (slash | conj | comma) "
    f"e:dur (?! {_METRIC})"
)
_TWO_LEVELS: Final = Rule(f"m:{_METRIC} (under | link | colon){{0,3}} a:num slash d:dur (p:pctl slash q:pctl)?")
_LEVELS: Final = rules(
    f"m:{_METRIC} p:pctl slash q:pctl (under | link | colon){{0,3}} a:num slash d:dur",
    f"m:{_METRIC} p:pctl slash q:pctl slash r:pctl (under | link | colon){{0,3}} a:num slash b:num slash d:dur",
)
"""'TTFT p50/p95/p99 250/700/1400 ms'."""
_UNIT_BEHIND: Final = Rule(
    "pctl (under | link | colon){0,2} n:num (slash | comma | conj){1,2} pctl (under | link | colon){0,2} d:dur"
)
"""'p95 700 / p99 1400 ms': the unit is of both."""
NOT_WANTED: Final = "no latency is a target but one that is stated"
_FOR_ALL: Final = Rule("allat ('at')? p:pctl")


_UNWANTED: Final = re.compile(
    r"""
    \b(?:no|without(?:\ an?|\ any)?|zero)\ (?:(?:hard|strict|specific|particular|real)\ )?(?:
      (?:latency|ttft|itl|response[- ]times?)\ (?:targets?|goals?|limits?|requirements?|constraints?|slos?|slas?)
      (?!\ (?:yet|so\ far|was|were))
      | latency(?=\s*(?:[,.;)]|$)))
  | \b(?:latency|ttft|itl|speed|response\ times?)\ ?:?\ ?(?:(?:is|are)\ )?(?:
      whatever(?!\ (?!but\b|and\b)\w)|irrelevant|unimportant|n/?a\b|
      (?:not|isn'?t|is\ not)\ (?:so\ |very\ |that\ )?(?:important|critical|relevant|an?\ (?:issue|concern|problem))|
      (?:does\ ?n[o']?t|does\ not)\ (?:really\ )?matter)(?:\ at\ all)?
      (?!\ (?:below|under|above|as\ long|until|up\ to|if))
  | \b(?:don'?t|do\ not|nobody|no\ one|doesn'?t)\ (?:really\ )?(?:cares?|minds?)\ (?:about|for)\ (?:the\ )?
      (?:latency|ttft|itl|speed|response\ times?)(?!\ (?:below|under|above|as\ long|until|up\ to|if))
  | \blatency[- ]insensitive\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""That no latency is a target: 'TTFT whatever'. 'No latency spikes', 'does not matter below 2 s' are other things."""


def read_targets(draft: Draft) -> None:
    """Find every latency that the sentence asks for, and that none is."""
    sentence = draft.sentence
    for unwanted in _UNWANTED.finditer(sentence.text):
        inside = [at for at, item in enumerate(sentence.items) if unwanted.start() <= item.start < unwanted.end()]
        if inside and not any(sentence.items[at].claimed for at in inside):
            draft.found("default_targets", inside[0], inside[-1], [Option("none", NOT_WANTED)])
    _seconds_in_words(sentence)
    for_all = next(((m["p"].entries[0], m.first, m.last) for m in _FOR_ALL.matches(sentence)), None)
    used: set[int] = set()
    if for_all:
        sentence.take(for_all[2])
    while match := next(_UNIT_BEHIND.matches(sentence), None):
        bare, unit = match["n"], _unit(sentence, match["d"])
        made = Amount((round(bare.number.value * unit, 9),))
        sentence.merge(match.index("n"), match.index("n"), Item(frozenset({"dur"}), bare.start, bare.end, "s", made))
    for match in matches_of(_LEVELS, sentence):
        _levels(draft, match, "pqr", "abd" if "b" in match else "ad")
    for match in _TWO_LEVELS.matches(sentence):
        _two_levels(draft, match)
    for match in _PAIRED.matches(sentence):
        _pair(draft, match, for_all[0] if for_all else None)
    durations = [
        index for index, item in enumerate(sentence.items)
        if item.has("dur") and not item.claimed and item.number.value < SECONDS_PER_DAY
    ]  # fmt: skip
    for position, index in enumerate(durations):
        left = durations[position - 1] if position else -1
        right = durations[position + 1] if position + 1 < len(durations) else len(sentence.items)
        _target(draft, index, left, right, used, for_all[0] if for_all else None)
    _speeds(draft)
    for match in _WITHOUT_UNIT.matches(sentence):
        _without_unit(draft, match.first, match.last, match["n"].number)


def _seconds_in_words(sentence: Sentence) -> None:
    """Make durations of 'under a second', 'a TTFT of a second' and 'sub-second'."""
    for match in matches_of((_SUB_SECOND, _A_SECOND, _OF_A_SECOND), sentence):
        unit = match["t"]
        if SECONDS[unit.word] > 60:
            continue
        first = match.index("t") - (1 if sentence.items[match.index("t") - 1].word in ("a", "an", "one") else 0)
        start = sentence.items[first].start
        item = Item(frozenset({"dur"}), start, unit.end, unit.word, Amount((SECONDS[unit.word],)))
        sentence.merge(first, match.index("t"), item)


def _target(draft: Draft, index: int, left: int, right: int, used: set[int], for_all: str | None) -> None:
    items = draft.sentence.items
    metric = _metric(items, index, left, right, used)
    if metric is not None and _is_measured(draft, min(metric, index), index):
        return
    if metric is None:
        _same_metric(draft, index, left)
        return
    percentile = _percentile(items, min(metric, index), max(metric, index), left, right, used)
    indices = [metric, index] + ([percentile] if percentile is not None else [])
    first, last = min(indices), max(indices)
    named = items[percentile].entries[0] if percentile is not None else for_all
    if named is None and _on_average(items, first, last):
        named = "mean"
    used.update(indices)
    word = _metric_word(items[metric])
    seconds = items[index].number
    if word not in METRICS:
        which_latency(draft, first, last, seconds, named)
        return
    _note(draft, METRICS[word], named, seconds, first, last)
    draft.sentence.take(index)
    if percentile is not None:
        draft.sentence.take(percentile)


_WISHED: Final = frozenset("target targets goal slo needs need must should want wanted aim".split())
"""Words before a limit that is wished for."""
_MEASURED: Final = frozenset(
    "getting seeing measured measure measures observed observing achieved achieving achieves regressed benchmarked "
    "clocking clocked hitting went creeping creeps crept rose rising jumped spiked degraded climbed climbing drifted "
    "drifting reported reports measuring goes jumps climbs creeps rises reaches".split()
)


_DEPLORED: Final = re.compile(r"\s*(?::-?\(|[😞😢😭😬🙁])")
"""What stands behind a latency that is told and not wanted: 'p95 ttft 2.4s :('."""


def _is_measured(draft: Draft, first: int, last: int) -> bool:
    """Whether a latency or a speed is told of a server that runs, and is no target: 'getting ~35 t/s'; it is noted."""
    items, at = draft.sentence.items, first - 1
    inside = any(item.word in _MEASURED for item in items[first : last + 1])
    while at >= 0 and at > first - 7 and not items[at].has("comma", "stop") and not items[at].claimed:
        if items[at].word in _MEASURED or (items[at].word in ("see", "get") and items[at - 1].word in ("we", "i")):
            inside = True
        at -= 1
    inside = inside or _DEPLORED.match(draft.sentence.text, draft.sentence.items[last].end) is not None
    if inside:
        said = draft.sentence.said(first, last)
        note = f"{said!r} is what is measured, and no target: one is said as 'under 2 s' or 'at least 30 tokens/s each'"
        draft.note(first, last, note)
        draft.sentence.claim(first, last)
        draft.sentence.take_all(first, last)
    return inside


def _on_average(items: list[Item], first: int, last: int) -> bool:
    """Whether a mean is said just before, within or just after some items, in their clause: 'in 5 s on average'."""
    after = items[last + 1 : last + 3]
    if after and after[0].has("comma", "stop", "conj"):
        after = []
    return any(item.has("mean") for item in (*items[max(0, first - 1) : last + 1], *after))


def _pair(draft: Draft, match: Match, for_all: str | None) -> None:
    """Read 'TTFT and ITL under 500 ms and 50 ms'."""
    named = next((i.entries[0] for i in draft.sentence.items[match.first : match.last] if i.has("pctl")), for_all)
    for metric, time in (("m", "d"), ("k", "e")):
        seconds = match[time].number
        _note(draft, METRICS[_metric_word(match[metric])], named, seconds, match.first, match.last)


def _unit(sentence: Sentence, duration: Item) -> float:
    """Return the seconds of the unit in which a duration is written."""
    written = re.match(r"[\d.,]+", sentence.text[duration.start :])
    return duration.number.value / float(written.group().replace(",", ".").rstrip(".")) if written else 1.0


def _levels(draft: Draft, match: Match, percentiles: str, times: str) -> None:
    """Take a limit for each percentile; the unit stands behind the last."""
    unit = _unit(draft.sentence, match["d"])
    for named, time in zip(percentiles, times, strict=False):
        seconds = round(match[time].number.value * (1.0 if time == "d" else unit), 9)
        _note(
            draft,
            METRICS[_metric_word(match["m"])],
            match[named].entries[0],
            Amount((seconds,)),
            match.first,
            match.last,
        )


def _two_levels(draft: Draft, match: Match) -> None:
    """Read 'ITL 20/40 ms p50/p95' as two limits; without two percentiles ask which holds."""
    metric, last = METRICS[_metric_word(match["m"])], match["d"]
    both = (match["a"].number.value * _unit(draft.sentence, last), last.number.value)
    if min(both) <= 0:
        return
    if "p" in match:
        _levels(draft, match, "pq", "ad")
    else:
        _note(draft, metric, None, Amount(both, ("the first", "the second")), match.first, match.last)


def _same_metric(draft: Draft, index: int, left: int) -> None:
    """Read 'TTFT p50 200 ms, p99 1.2 s': a percentile without a metric is of the latency before it."""
    items = draft.sentence.items
    named = _percentile_after(items, index)
    if named is None:
        named = next((at for at in range(index - 1, max(left, index - 4), -1) if items[at].has("pctl")), None)
    if named is not None and not items[named].claimed and not draft.has("targets"):
        which_latency(draft, named, index, items[index].number, items[named].entries[0])
        return
    before = [found for found in draft.findings if found.path == "targets" and found.end <= items[index].start]
    if not before:
        if named is not None and not items[named].claimed:
            _asked_with_it(draft, named, index)
        return
    (target,) = max(before, key=lambda found: found.end).options[0].value
    wished = range(max(left + 1, index - 3), index)
    if named is None and any(items[at].word in _WISHED or items[at].has("under") for at in wished):
        # 'TTFT 1.4 s, target is 0.8 s': which of the two holds is asked.
        _note(draft, target.metric, target.percentile, items[index].number, wished.start, index)
        return
    if named is None or items[named].claimed:
        return
    _note(draft, target.metric, items[named].entries[0], items[index].number, min(named, index), max(named, index))


def _asked_with_it(draft: Draft, named: int, index: int) -> None:
    """Add a limit at another percentile to the question of which latency is limited: 'latency p50 1 s, p95 3 s'."""
    items = draft.sentence.items
    asked = next(
        (one for one in reversed(draft.questions) if one[1] == "targets" and len(one[2]) == len(METRICS)), None
    )
    if asked is None or items[named].entries[0] not in PERCENTILE_SHARES:
        return
    text, path, choices, start, end = asked
    percentile: Percentile = items[named].entries[0]  # type: ignore[assignment]
    seconds, shown = items[index].number.value, f", {percentile} {show_seconds(items[index].number.value)}"
    more = tuple(
        replace(
            one,
            value=(*one.value, replace(one.value[0], percentile=percentile, seconds=seconds)),
            label=one.label + shown,
        )
        for one in choices
    )
    last = max(named, index)
    draft.questions[draft.questions.index(asked)] = (text, path, more, start, max(end, items[last].end))
    draft.sentence.claim(min(named, index), last)


def _percentile_after(items: list[Item], index: int) -> int | None:
    """Return the percentile just after a duration that is not the next duration's: '500 ms p95 / 1 s p99'."""
    at = index + 1
    if at < len(items) and (items[at].has("paren") or items[at].word == "at"):
        at += 1
    following = items[at + 1] if at + 1 < len(items) else None
    if at >= len(items) or not items[at].has("pctl") or items[at].claimed:
        return None
    return None if following is not None and following.has("dur", "num", "under", "link") else at


def _of_the_whole(items: list[Item], index: int, left: int) -> int | None:
    """Return where 'total' stands right beside a time: 'TTFT does not matter, but total < 2.5 min', '20 s total'."""
    at = index - 1
    while at > left and items[at].has("under", "link", "approx", "colon"):
        at -= 1
    beside = [at] if at > left else []
    beside += [index + 1] if index + 1 < len(items) else []
    short = items[index].number.value <= _LONGEST_CALL_S
    return next((one for one in beside if items[one].word == "total" and short), None)


def _metric_word(item: Item) -> str:
    if item.has("begin"):
        return "ttft"
    if item.has("finish") or item.word == "total":
        return "e2e"
    return "itl" if item.has("itl") else item.word


def _metric(items: list[Item], index: int, left: int, right: int, used: set[int]) -> int | None:
    """Return the metric that a duration is of: the nearest before it in its clause, else the nearest after it."""
    if (total := _of_the_whole(items, index, left)) is not None and total not in used:
        return total
    before, generic = _metric_before(items, index, left, used)
    if before is not None:
        return before
    for at in range(index + 1, min(right, index + _REACH)):
        if items[at].has("stop", "comma"):
            break
        if at not in used and items[at].has("ttft", "itl", "e2e"):
            return at
        if at not in used and items[at].has("latency") and generic is None:
            generic = at
    return generic


def _metric_before(items: list[Item], index: int, left: int, used: set[int]) -> tuple[int | None, int | None]:
    """Return the metric before a duration, and where only 'latency' is said."""
    generic = None
    for at in range(index - 1, max(left, index - 1 - 2 * _REACH), -1):
        if items[at].has("stop"):
            break
        if at not in used and items[at].has("ttft", "itl", "e2e"):
            return at, generic
        if at not in used and items[at].has("latency") and generic is None:
            generic = at
    return (None if generic is not None else _start_or_end(items, index, left, used)), generic


def _start_or_end(items: list[Item], index: int, left: int, used: set[int]) -> int | None:
    """Return the verb of 'answers start within 1 s', 'finish in under 10 s'; or the answers of 'answers in 5 s'."""
    for at in range(index - 1, max(left, index - 4), -1):
        if items[at].has("stop", "comma"):
            break
        limited = any(item.has("under", "in") for item in items[at + 1 : index])
        spoken_of = any(item.has("outcue", "event", "user") for item in items[max(0, at - 12) : at])
        short = items[index].number.value <= 600
        if items[at].has("begin", "finish") and at not in used and limited and spoken_of:
            return at if short else None
        if items[at].has("outcue") and at not in used and limited and short:
            return at
    return None


def _percentile(items: list[Item], first: int, last: int, left: int, right: int, used: set[int]) -> int | None:
    for at in range(first, last + 1):
        if items[at].has("pctl") and at not in used:
            return at
    for at in range(first - 1, max(left, first - 9), -1):
        if items[at].has("stop", "num") or (items[at].has("comma") and at < first - 1):
            break
        if items[at].has("pctl") and at not in used:
            return at
    for at in range(last + 1, min(right, last + 4)):
        if items[at].has("comma") and at == last + 1 and at + 1 < right and items[at + 1].has("pctl"):
            continue
        if items[at].has("stop", "comma", "conj", "num", "ttft", "itl", "e2e"):
            break
        if items[at].has("pctl") and at not in used:
            following = items[at + 1] if at + 1 < len(items) else None
            behind = items[at - 1].word in ("@", "at")
            if not behind and following is not None and following.has("ttft", "itl", "e2e") and at + 1 < right:
                break
            return at
    return None


def _note(draft: Draft, metric: Metric, named: str | None, amount: Amount, first: int, last: int) -> None:
    if named is not None and named != "mean" and named not in PERCENTILE_SHARES:
        value = amount.value
        choices = tuple(
            Choice(
                (Target(metric=metric, percentile=p, seconds=value),), f"{target_name(metric, p)} {show_seconds(value)}"
            )
            for p in ("p99", "p95")
            if value > 0
        )
        draft.ask("targets", first, last, f"{named} is not among p50, p90, p95, p99 and mean: which is meant?", choices)
        return
    percentile: Percentile = named or DEFAULT_PERCENTILE  # type: ignore[assignment]
    if any(value <= 0 for value in amount.values):
        draft.object(first, last, f"{metric.upper()} must be more than 0, not {show_seconds(amount.value)}")
        return
    assumed = "" if named else " (p95 unless another percentile is said)"
    draft.read(
        "targets", (first, last), amount,
        lambda v: (Target(metric=metric, percentile=percentile, seconds=v),),
        lambda v, made: f"{metric.upper()} ({NAMES[metric]}) {percentile} ≤ {show_seconds(v)}{assumed}",
    )  # fmt: skip


_FAR: Final = 20.0
"""Times a target, or part of it, that takes the place of none."""


def which_latency(draft: Draft, first: int, last: int, amount: Amount, named: str | None) -> None:
    """Ask which latency a time limits.

    Args:
        draft: that notes the question.
        first: position of the first item.
        last: position of the last item.
        amount: the time, s.
        named: the percentile, where one was said.
    """
    known = named in (*PERCENTILE_SHARES, "mean")
    strict = named is not None and not known and float(named[1:]) > _STRICT
    percentile: Percentile = named if known else "p99" if strict else DEFAULT_PERCENTILE  # type: ignore[assignment]
    first, last, value = min(first, last), max(first, last), amount.value
    if value <= 0:
        draft.object(first, last, f"a latency must be more than 0, not {show_seconds(value)}")
        return
    before = [one for one in draft.known.get("targets", ()) if value <= _FAR * one.seconds <= _FAR**2 * value]
    stated = {one.metric for one in before if not named or one.percentile == percentile}
    if len(stated) == 1:  # 'p99 < 1.5 s tho', after a TTFT target at p99
        _note(draft, next(iter(stated)), named, amount, first, last)
        return
    choices = tuple(
        Choice(
            (Target(metric=metric, percentile=percentile, seconds=value),),
            f"{metric.upper()} ({NAMES[metric]}) {percentile}",
        )
        for metric in ("ttft", "e2e", "itl")
    )
    said = draft.sentence.said(first, last)
    draft.ask(
        "targets", first, last, f"{said!r}: until the first token, between tokens, or for the whole answer?", choices
    )


_STRICT: Final = 97.0
"""Percentile beyond which one that cannot be planned is nearer to p99 than to p95."""
_BRIEF: Final = (0.02, 120.0)
"""Least and most seconds of a time that, alone between commas, may be a latency."""


def ask_lone_time(draft: Draft) -> None:
    """Ask which latency is meant by a time alone between commas, or behind a 'within': '…, 1 s', 'done within 6 s'."""
    items = draft.sentence.items
    paths = {finding.path for finding in draft.findings} | {question[1] for question in draft.questions}
    if draft.has("targets") or draft.known or len(paths) < _FEWEST:
        return

    def ends(at: int) -> bool:
        return not 0 <= at < len(items) or items[at].has("comma", "stop")

    alone = [
        at
        for at, item in enumerate(items)
        if item.has("dur") and not item.claimed and _BRIEF[0] <= item.number.value <= _BRIEF[1]
        and ((ends(at - 1) and ends(at + 1)) or (items[at - 1].has("under") and not draft.dropped))
    ]  # fmt: skip
    if len(alone) == 1:
        which_latency(draft, alone[0], alone[0], items[alone[0]].number, None)


_FEWEST: Final = 3
"""Fields that a line gives from which a time in it is taken for one more: a workload, and no story."""


def _speeds(draft: Draft) -> None:
    """Read tokens/s of one reader as an ITL; of everybody together it is no target."""
    for rule in _SPEED:
        for match in rule.matches(draft.sentence):
            value = match["n"].number
            whose = match["x"].word if "x" in match else ""
            if any(group in match and SECONDS[match[group].word] != 1 for group in ("t", "t2")):
                continue
            if _together(draft, match) or _is_measured(draft, match.first, match.last):
                continue
            if any(v <= 0 for v in value.values):
                draft.object(match.first, match.last, f"tokens/s must be more than 0, not {value.value:g}")
                continue
            if not whose and "x2" not in match and not _of_each(draft, match.first):
                _whose_speed(draft, match.first, match.last, value.value, rule is _SPEED[2])
                continue
            draft.read(
                "targets", match, value,
                lambda v: (Target(metric="itl", percentile=DEFAULT_PERCENTILE, seconds=1 / v),),
                lambda v, made: f"1 / {show_figure(v)} tokens/s = {show_seconds(1 / v)} between tokens (ITL p95)",
            )  # fmt: skip


def _together(draft: Draft, match: Match) -> bool:
    """Whether tokens/s are those of all users."""
    items = draft.sentence.items
    around = (*items[match.last + 1 : match.last + 4], *items[max(0, match.first - 5) : match.first])
    throughput = "x" not in match and any(item.word == "throughput" for item in around)
    together = any(item.has("ingrand") for item in around) or _beyond_a_reader(match)
    return throughput or together or ("x" in match and match["x"].has("ingrand"))


def _beyond_a_reader(match: Match) -> bool:
    units = [SECONDS[match[group].word] for group in ("t", "t2") if group in match]
    return match["n"].number.value > FASTEST_READER and units in ([], [1.0])


def _of_each(draft: Draft, index: int) -> bool:
    """Whether 'each user' is said before an item, in its clause."""
    for item in reversed(draft.sentence.items[max(0, index - 8) : index]):
        if item.has("stop", "comma", "num"):
            return False
        if item.has("eachuser", "peruser", "perrequest"):
            return True
    return False


def _whose_speed(draft: Draft, first: int, last: int, value: float, may_be_requests: bool) -> None:
    """Ask whether tokens/s are one reader's or everybody's; 'tps' may be requests too."""
    target = (Target(metric="itl", percentile=DEFAULT_PERCENTILE, seconds=1 / value),)
    choices = (
        Choice(target, f"each user: {show_seconds(1 / value)} between tokens"),
        Choice(None, "all users together: give requests per second and the length of answers instead"),
    )
    if may_be_requests:
        choices = (*choices[:1], Choice(value, f"requests: {show_figure(value)} requests/s", "traffic.requests_per_s"))
        if "transaction" in draft.sentence.text.lower():
            choices = choices[::-1]
    draft.ask("targets", first, last, f"{show_figure(value)} tokens/s: for each user, or all together?", choices)


def _without_unit(draft: Draft, first: int, last: int, amount: Amount) -> None:
    items = draft.sentence.items
    metric = METRICS[next(_metric_word(item) for item in items[first : last + 1] if item.has("ttft", "itl", "e2e"))]
    named = next((item.entries[0] for item in items[first : last + 1] if item.has("pctl")), None)
    percentile: Percentile = named if named in PERCENTILE_SHARES else DEFAULT_PERCENTILE  # type: ignore[assignment]
    if amount.value <= 0:
        draft.object(first, last, f"{metric.upper()} must be more than 0, not {amount.value:g}")
        return
    seconds = (metric == "itl" and amount.value < 1) or (metric != "itl" and amount.value < _FEWEST_MS)
    may_be = [amount.value * unit for unit in ((1.0, 1e-3) if seconds else (1e-3, 1.0))]
    likely = [one for one in may_be if LEAST_TARGET_S[metric] <= one <= _LONGEST_BARE[metric]] or may_be
    limits = [(Target(metric=metric, percentile=percentile, seconds=one),) for one in likely]
    if len(likely) == 1 and metric == "itl":
        said = f"ITL ({NAMES[metric]}) {percentile} ≤ {show_seconds(likely[0])}, as no other unit can be"
        draft.found("targets", first, last, [Option(limits[0], said)])
        return
    choices = tuple(Choice(limit, show_seconds(one)) for limit, one in zip(limits, likely, strict=True))
    draft.ask("targets", first, last, f"{metric.upper()} {amount.value:g}: milliseconds or seconds?", choices)


_LONGEST_BARE: Final[Mapping[str, float]] = {"ttft": 60.0, "itl": 5.0, "e2e": 3600.0}
"""Seconds of a limit that is said without a unit, at the most, by judgement."""
_FEWEST_MS: Final = 20.0
"""Of a wait that is likelier in ms than in s: 'TTFT 1.5' is more likely seconds. By judgement."""
