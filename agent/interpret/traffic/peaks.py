"""The busiest hour's rate: as it was said, beside the mean, or alone, of which the mean follows by the usual ratio."""

from collections.abc import Mapping
from typing import Any, Final

from agent.fields.demand import AT_PEAK, BOTH, GIVEN_AS, HABIT, MEAN_ASKED, PEAK, RATE, USERS
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.traffic.rates import Rate
from agent.interpret.words.grammar import Item
from catalogs.catalog import Catalog
from catalogs.units import show_figure, show_rate

_BURST: Final = "traffic.burst"
DEFAULT_PEAK: Final = 1.5
"""Peak over mean where nobody said it, as in the spec."""


def usual_ratio(known: Mapping[str, Any]) -> float:
    """Return the busiest hour over the mean: as stated, else the preset's, else the default."""
    return float(known.get(PEAK) or DEFAULT_PEAK)


def mean_follows(known: Mapping[str, Any]) -> bool:
    """Return whether the load was given at its peak, so that its mean follows from that."""
    return known.get(GIVEN_AS) in (AT_PEAK, MEAN_ASKED)


def load_shown(mean: float, known: Mapping[str, Any]) -> str:
    """Return a rate in the sense in which the load was given: '40 requests/s at the peak'."""
    if mean_follows(known):
        return f"{show_rate(mean * usual_ratio(known))} at the peak"
    return f"{show_rate(mean)} on average"


def read_peaks(draft: Draft, rates: list[Rate]) -> None:
    """Relate each rate at the peak to the mean that was said; without one it follows by a known ratio, or is asked."""
    stated = draft.known.get(RATE) if not mean_follows(draft.known) else None
    for rate in rates:
        first, last = _with_its_peak(draft, rate)
        peak, mean = rate.amount.value / rate.seconds, draft.value(RATE) or stated
        alone = len(rate.amount.values) == 1
        if mean and alone and peak < mean:
            _ask_below_mean(draft, (first, last), peak, mean)
        elif mean and alone:
            echo = f"{show_figure(peak)} / {show_figure(mean)} requests/s = peak {show_figure(peak / mean)} × the mean"
            draft.found(PEAK, first, last, [Option(peak / mean, echo)])
            same = [one for one in draft.findings if one.path == _BURST and one.options[0].value == peak / mean]
            draft.findings[:] = [one for one in draft.findings if one not in same]  # 'peak 27 of 9, a 3x burst'
            _note(draft, *draft.sentence.span(first, last), BOTH, echo)
        elif alone and (ratio := draft.value(PEAK) or (0.0 if stated else _known_ratio(draft.known))):
            _follow(draft, *draft.sentence.span(first, last), peak, float(ratio))
            draft.sentence.claim(first, last)
        else:
            said = draft.sentence.said(rate.first, rate.last)
            text = f"{said!r} is the most: what is the mean over the day?"
            draft.ask(RATE, first, last, text, means_of(peak))


def keep_sense(draft: Draft, catalog: Catalog) -> None:
    """Read a rate alone as the load was given before: at its peak, of which the mean follows, or as a mean.

    A mean that is said beside a peak that was given leaves the peak. Where both were given, or the mean is above the
    peak, it is asked. A kind of traffic in the same line gives the ratio by which a mean follows.

    Args:
        draft: after all other rules.
        catalog: with the presets.
    """
    preset = draft.value("preset")
    for question in [one for one in draft.questions if preset and asks_mean(one[2])]:
        draft.questions.remove(question)
        peak = question[2][1].value
        _follow(draft, question[3], question[4], peak, catalog.preset(str(preset)).peak_factor or DEFAULT_PEAK)
    given, before = draft.known.get(GIVEN_AS), draft.known.get(RATE)
    found = [finding for finding in draft.findings if finding.path in (RATE, PEAK)]
    if not given or not before or len(found) != 1 or draft.has(GIVEN_AS) or len(found[0].options) != 1:
        return
    (finding,), ratio = found, usual_ratio(draft.known)
    value = finding.options[0].value
    if finding.path == PEAK:
        if mean_follows(draft.known):
            _follow(draft, finding.start, finding.end, before * ratio, value)
    elif draft.has(USERS) or draft.has(HABIT):
        _note(draft, finding.start, finding.end, "", finding.options[0].echo)
    elif _is_mean(draft, finding):
        _beside_peak(draft, finding, before * ratio)
    elif mean_follows(draft.known):
        draft.findings.remove(finding)
        _follow(draft, finding.start, finding.end, value, ratio)
    elif ratio > 1:
        _ask_sense(draft, finding, before, ratio)


def _known_ratio(known: Mapping[str, Any]) -> float:
    return usual_ratio(known) if known.get(PEAK) or mean_follows(known) else 0.0


def asks_mean(choices: tuple[Choice, ...]) -> bool:
    """Return whether a question's choices are what the mean is of a rate that was given at its peak."""
    return bool(choices) and choices[0].also.get(GIVEN_AS) == AT_PEAK


def _follow(draft: Draft, start: int, end: int, peak: float, ratio: float) -> None:
    """Note a rate at the peak, and the mean that follows from it."""
    mean = peak / ratio
    echo = f"{show_figure(peak)} / {show_figure(ratio)} = {show_figure(mean)} requests/s on average"
    draft.findings.append(Finding(RATE, (Option(mean, echo),), start, end))
    _note(draft, start, end, AT_PEAK, f"{show_figure(peak)} requests/s at the peak{_as_before(draft)}")


def _as_before(draft: Draft) -> str:
    named = any(item.has("peak") for item in draft.sentence.items)
    return ", as you gave it" if draft.known.get(GIVEN_AS) == AT_PEAK and not named else ""


def _note(draft: Draft, start: int, end: int, given: str, echo: str) -> None:
    draft.findings[:] = [finding for finding in draft.findings if finding.path != GIVEN_AS]
    draft.findings.append(Finding(GIVEN_AS, (Option(given, echo),), start, end))


def means_of(peak: float) -> tuple[Choice, Choice]:
    """Return what the mean may be of a rate at the peak, requests/s: by the usual ratio, or always the peak."""
    mean = peak / DEFAULT_PEAK
    return (
        Choice(
            mean,
            f"mean {show_figure(mean)} requests/s, if the peak is {DEFAULT_PEAK:g} × the mean",
            also={GIVEN_AS: AT_PEAK},
        ),
        Choice(peak, f"mean {show_figure(peak)} requests/s: always at the peak", also={PEAK: 1.0, GIVEN_AS: BOTH}),
    )


def _ask_below_mean(draft: Draft, span: tuple[int, int], peak: float, mean: float) -> None:
    text = (
        f"{draft.sentence.said(*span)!r}: a peak is never below the mean, and that was {show_figure(mean)} requests/s:"
        " what is the mean now?"
    )
    draft.ask(RATE, *span, text, means_of(peak))


def _beside_peak(draft: Draft, finding: Finding, peak: float) -> None:
    """Leave the peak where the mean is said anew; ask where it is above the peak."""
    mean = finding.options[0].value
    if 0 < mean <= peak:
        echo = f"the peak stays at {show_figure(peak)} requests/s, {show_figure(peak / mean)} × the mean"
        draft.findings.append(Finding(PEAK, (Option(peak / mean, echo),), finding.start, finding.end))
        _note(draft, finding.start, finding.end, BOTH, f"{show_figure(mean)} requests/s on average; {echo}")
        return
    draft.findings.remove(finding)
    said = " ".join(draft.sentence.text[finding.start : finding.end].split())
    text = f"{said!r} on average is above the peak of {show_figure(peak)} requests/s: what is the peak now?"
    usual = mean * DEFAULT_PEAK
    choices = (
        Choice(
            mean,
            f"{show_figure(usual)} requests/s, {DEFAULT_PEAK:g} × the mean",
            also={PEAK: DEFAULT_PEAK, GIVEN_AS: BOTH},
        ),
        Choice(mean, f"{show_figure(mean)} requests/s: the same all day", also={PEAK: 1.0, GIVEN_AS: BOTH}),
    )
    draft.questions.append((text, RATE, choices, finding.start, finding.end))


def _ask_sense(draft: Draft, finding: Finding, mean: float, ratio: float) -> None:
    """Ask whether a rate is the mean or the peak where both were given before."""
    rate = finding.options[0].value
    draft.findings.remove(finding)
    said = " ".join(draft.sentence.text[finding.start : finding.end].split())
    at_peak = (
        (Choice(rate / mean, f"at the peak; the mean stays at {show_figure(mean)} requests/s", PEAK),)
        if rate >= mean
        else ()
    )
    average = f"on average, the peak at {show_figure(rate * ratio)} requests/s"
    text = f"{said!r}: at the peak or on average?"
    draft.questions.append((text, RATE, (*at_peak, Choice(rate, average)), finding.start, finding.end))


_BY_THE_DAY: Final = ("day", "daily", "week", "weekly", "month", "monthly", "year", "yearly")
_BREAKS: Final = ("comma", "stop", "conj")
_NEAR: Final = 4
"""Words between a rate and the word that says that it is the mean."""


def _is_mean(draft: Draft, finding: Finding) -> bool:
    """Whether a rate is said to be the mean: by its word, by the day, or where the mean was asked for."""
    items = draft.sentence.items
    inside = [at for at, item in enumerate(items) if finding.start <= item.start < finding.end]
    if not inside or draft.known.get(GIVEN_AS) == MEAN_ASKED:
        return bool(inside)
    said = [items[at] for at in inside]
    before = _until_break(items[max(0, inside[0] - _NEAR) : inside[0]][::-1])
    after = _until_break(items[inside[-1] + 1 : inside[-1] + 1 + _NEAR])
    return any(item.has("mean") for item in (*said, *before, *after)) or any(item.word in _BY_THE_DAY for item in said)


def _until_break(items: list[Item]) -> list[Item]:
    return items[: next((at for at, item in enumerate(items) if item.has(*_BREAKS, "num", "token")), len(items))]


def _with_its_peak(draft: Draft, rate: Rate) -> tuple[int, int]:
    """Return where a rate stands with the word of its peak beside it."""
    items, first, last = draft.sentence.items, rate.first, rate.last
    for at in range(last + 1, min(len(items), last + 4)):
        if items[at].has("comma", "stop"):
            break
        last = at if items[at].has("peak") else last
    for at in range(first - 1, max(-1, first - 5), -1):
        if items[at].has("comma", "stop"):
            break
        first = at if items[at].has("peak") else first
    return first, last
