"""What prompts and answers in another language than English do to lengths in tokens, and so to the plan."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.report.cost.price_origin import bill_beside
from agent.report.words import accelerators_noun
from agent.talk.prompt_languages import PromptLanguage, Tokenizer, languages_in, prompt_languages
from catalogs.errors import InputError
from catalogs.units import show_count, show_figure, show_percent, show_seconds
from engine.plan import CapacityPlan

_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?) ?(?:%|percent|prozent|pour ?cent|por ?ciento)")
_HALF: Final = r"half|hälfte|moitié|mitad|metà"


def text_language(asked: Asked) -> Explanation:
    """Return how many more tokens a language takes with the model's tokenizer, and the fleet at such lengths."""
    known, named = prompt_languages(), languages_in(asked.words)
    tokenizer = known.tokenizer_of(asked.plan.chosen.model)
    source = f"{known.source}, checked {known.checked}: prose; chats, code and names differ, so count your own."
    if not named:
        least, most = _between(known.language, tokenizer)
        with_ = tokenizer.name if tokenizer else "the tokenizers that were measured"
        return paragraphs(
            f"It depends on the language: the same text takes {show_figure(least)} to {show_figure(most)} times the"
            f" tokens of English with {with_}. Name it: 'what if users write in German'.",
            f"Source: {source}",
        )
    language = named[0]
    least, most = _between((language,), tokenizer)
    times, share = (least * most) ** 0.5, _share(asked)
    shown = show_figure(times) if tokenizer else f"{show_figure(least)} to {show_figure(most)}"
    with_ = (
        f"with {tokenizer.name}" if tokenizer else f"by tokenizer ({asked.plan.chosen.model_name}'s was not measured)"
    )
    lead = f"{language.name} takes {shown} times the tokens of English for the same text, {with_}."
    rest = ", ".join(one.name for one in named[1:])
    mean = 1 + (times - 1) * share
    tokens = asked.plan.spec.tokens
    prompts, answers = (_round(side.mean * mean) for side in (tokens.input, tokens.output))
    of_share = f" in {show_percent(share)} of the requests" if share < 1 else ""
    said = f"{show_count(tokens.input.mean)} and {show_count(tokens.output.mean)}"
    made = f"{show_count(prompts)} and {show_count(answers)}{_fleet(asked, prompts, answers)}"
    counted = (
        f"Lengths in the plan are in tokens: where {said} were counted on such text, nothing changes. Where they are"
        f" those of English, {language.name}{of_share} makes them {made}."
    )
    say = f"'prompts {prompts}, answers {answers}' makes that a variant."
    also = f"{rest}: ask for each alone." if rest else ""
    return paragraphs(lead, counted, say, also, f"Source: {source}")


def _between(languages: tuple[PromptLanguage, ...], tokenizer: Tokenizer | None) -> tuple[float, float]:
    """Return the least and the most of languages' factors with one tokenizer, or with all where it is not known."""
    found = [
        times for one in languages for name, times in one.times.items() if tokenizer is None or name == tokenizer.id
    ]
    return min(found), max(found)


def _share(asked: Asked) -> float:
    """Return which share of the requests a line speaks of: all where it says none."""
    if match := _SHARE.search(asked.words):
        return min(float(match[1]) / 100, 1.0)
    return 0.5 if asked.has(_HALF) else 1.0


def _round(tokens: float) -> int:
    """Return a length to two figures: the factor is no surer."""
    return int(float(f"{tokens:.2g}"))


def _fleet(asked: Asked, prompts: int, answers: int) -> str:
    try:
        other = asked.sketch({"tokens.input.mean": prompts, "tokens.output.mean": answers})
    except InputError as error:
        return f", which cannot be planned: {error}"
    if not isinstance(other, CapacityPlan):
        return ", for which nothing fits"
    ttft = show_seconds(other.peak_latency_s("ttft", "p95"))
    if not other.answer.meets_targets:
        return f", with which no number meets the targets: TTFT p95 {ttft} at best"
    noun = accelerators_noun(other.chosen, other.fleet.accelerators)
    bill = bill_beside(other, asked.plan, " a month")
    return f": {other.fleet.accelerators} {noun} in place of {asked.plan.fleet.accelerators}, {bill}, TTFT p95 {ttft}"
