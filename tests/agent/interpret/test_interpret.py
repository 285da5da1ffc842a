"""What holds for any text: no exception, no lost number, no made-up words, bounded time; and how values are told."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.interpret import interpret, prepare
from agent.interpret.facts.reading import Reading
from catalogs.catalog import Catalog
from engine.workload import Statement, WorkloadSpec, merge, spec_from
from tests.draws import draws
from tests.every import of_every
from tests.work import python_calls

CATALOG = Catalog.load()
PIECES = (
    "20 rps|5 million requests a day|2,000 users|3 questions an hour each|1.5k in / 300 out|prompts of 2k|"
    "answers of 400|p95 TTFT under 800 ms|ITL|latency|not|no|without|H100|8xH100|A100 80GB|4 nodes of 8|70B|"
    "Llama 3.1 70B|deepseek v3|fp8|8-bit|kv cache|int4|peak 3x|at peak|doubling every six months|"
    "growing 20% a year|over two years|under $20k a month|€5k|on AWS|eu-west-1|spot|reserved 1 year|"
    "60% of the prompt is cached|prefix hit 0.5|vLLM|TP4|context 8k|batch size 4|N+1|5 calls per task|chatbot|RAG|"
    "in 3 countries|in 2026|200 OK|3 out of 4|24/7|version 2.1|10-20|between|and|or|,|;|.|\n|-5|0|half a million|"
    "one|a dozen|1e400|99.9%|p99.9|k|m|/|per|each|every|users|tokens|pages|(|)|%|$|x|config.json|a/b1|"
    "meta-llama/x-7B|..|...|‑|＿|٣|²|1️⃣|é|🚀"
).split("|")
ANY_TEXT = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.text(alphabet="0123456789kKmMbBx%$.,/-+ pertokinusq", max_size=60),
)
ASKED = st.none() | st.sampled_from(
    "traffic.requests_per_s tokens.input.mean tokens.output.mean model precision.weights targets hardware.accelerators "
    "traffic.peak_factor traffic.growth_per_year tokens.prefix_hit no.such.path".split()
)


SENTENCE = "70B fp8 on 8xH100, 5 million requests a day, 1.5k in / 300 out, p99 TTFT under 800ms"
LONG_TEXTS = (
    *("1 " * 5000, "a" * 10_000, "llama " * 1700, "20 rps, " * 1250, "H100 or " * 1250, "not " * 2500),
    *("-" * 10_000, "prompts of " * 900, "1,2" * 3300, "((" * 5000, "users each " * 900, "9" * 10_000),
    *("a/b1-" * 2000, "to 5 " * 2000, "10 or " * 1700, "each user asks 3 questions " * 370),
    "model: 1\n" * 600,
    " " * 4000,
    "\n" * 4000,
    'requests_total{m="a"} 4e6\n' * 200,
)
"""Ten thousand characters each, of what some rule looks for."""


def spoken_of(reading: Reading) -> str:
    """All that the reading says back."""
    said_values = [said_value.words for said_value in reading.said_values]
    questions = [f"{question.words} {question.text}" for question in reading.questions]
    return "\n".join([*said_values, *questions, *reading.unused, *reading.objections])


@settings(max_examples=draws(400), deadline=None)
@given(ANY_TEXT, ASKED)
def test_any_text_is_read_without_an_exception_and_every_fact_quotes_it(text: str, asked_path: str | None) -> None:
    reading = interpret(text, CATALOG, asked_path=asked_path)
    for said_value in reading.said_values:
        assert text[said_value.start : said_value.start + len(said_value.words)] == said_value.words
        assert said_value.echo


@settings(max_examples=draws(400), deadline=None)
@given(ANY_TEXT, ASKED)
def test_every_number_said_is_used_or_reported(text: str, asked_path: str | None) -> None:
    reading = interpret(text, CATALOG, asked_path=asked_path)
    spoken = text if "nothing of it was taken" in "".join(reading.objections) else spoken_of(reading)
    for number in re.findall(r"[0-9]+", re.sub(r"(?i)\be2e\b", "", text)):  # a name, of no number
        assert number in spoken


@settings(max_examples=draws(300), deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(", ".join))
def test_what_was_read_is_a_valid_part_of_a_spec(text: str) -> None:
    """Each value alone, beside a complete rest, makes a spec: nothing that the engine would refuse gets through."""
    reading = interpret(text, CATALOG)
    rest = {"traffic.requests_per_s": 1.0, "tokens.input.mean": 500.0, "tokens.output.mean": 200.0, "model": "x"}
    for path, value in reading.values.items():
        if path == "preset" or path.endswith("p95"):
            continue
        values, _, _ = merge([Statement("default", rest), Statement("said", {path: value})])
        assert isinstance(spec_from(values), WorkloadSpec)


@pytest.mark.parametrize("text", LONG_TEXTS, ids=lambda text: text[:8])
def test_twice_the_characters_take_twice_the_work(text: str) -> None:
    """Four thousand, and none sends a pattern into endless search; tests/benchmarks/reading_speed.py times more."""
    half, whole = (python_calls(lambda size=size: interpret(text[:size], CATALOG)) for size in (2000, 4000))  # type: ignore[misc]
    assert whole < 2.5 * half


@pytest.mark.parametrize("words", ["up to 40 rps", "up to about 40 rps", "40 rps max"])
def test_a_question_about_the_most_quotes_the_words_that_make_it_so(words: str) -> None:
    (question,) = interpret(f"8B with {words}", CATALOG).questions
    assert (question.path, question.words) == ("traffic.requests_per_s", words)


def test_what_is_too_long_to_be_read_is_said() -> None:
    assert interpret("word " * 5000 + "20 rps", CATALOG).unused == ("the 5,006 characters after the first 20,000",)


def test_a_sentence_is_read_while_the_finger_is_on_enter() -> None:
    """It takes some 7,200 calls, 3 ms."""
    prepare(CATALOG)
    interpret(SENTENCE, CATALOG)
    assert python_calls(lambda: interpret(SENTENCE, CATALOG)) < 8000


# --- echoes, leftovers, what was known ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        ("5 million requests a day", "5,000,000 / 86,400 s = 57.9 requests/s on average"),
        ("2,000 users, 3 questions an hour each", "2,000 users × 3 / 3,600 s = 1.67 requests/s on average"),
        ("a 10-page document", "prompts: 10 pages × 500 words × 4/3 = 6,667 tokens on average"),
        ("answers of 300 words", "answers: 300 words × 4/3 = 400 tokens on average"),
        ("at least 25 tokens/s per user", "1 / 25 tokens/s = 40 ms between tokens (ITL p95)"),
        ("doubling every six months", "2^2 − 1 = 300 % growth a year"),
        ("budget $240k a year", "$240,000 / 12 months = $20,000 a month"),
    ],
)
def test_the_echo_shows_the_sum(text: str, echo: str) -> None:
    assert [said_value.echo for said_value in interpret(text, CATALOG).said_values] == [echo]


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("we have 3 offices and expect 20 requests a second", ("3 offices",)),
        ("2,000 users in 3 countries, 4 chats a day each", ("3 countries",)),
        ("in 2026 we want 20 rps", ("2026",)),
        ("no fp8", ("no fp8",)),
        ("it costs €9 and runs 24/7", ("€9", "24/7")),
    ],
)
def test_what_was_not_used_is_said(text: str, unused: tuple[str, ...]) -> None:
    assert interpret(text, CATALOG).unused == unused


def test_a_rate_at_the_peak_is_related_to_the_mean_that_is_known() -> None:
    reading = interpret("60 rps at peak", CATALOG, known={"traffic.requests_per_s": 20.0})
    assert reading.values == {"traffic.peak_factor": 3.0}


def test_a_system_prompt_is_a_share_of_the_prompt_that_is_known() -> None:
    reading = interpret("a system prompt of 500 tokens", CATALOG, known={"tokens.input.mean": 2000})
    assert reading.values == {"tokens.prefix_hit": 0.25}


@of_every(["cache hit 40%", "with replicas", "20 messages a day", "a budget", "two servers"])
def test_a_word_that_is_english_too_tells_no_other_language(words: str) -> None:
    assert not any("Read as" in note for note in interpret(f"kimi k2, 5 rps, 8k/600, {words}", CATALOG).notes)


def test_a_range_offers_its_ends_and_its_middle() -> None:
    (question,) = interpret("10-20k requests an hour", CATALOG).questions
    assert [choice.value for choice in question.choices] == pytest.approx([10_000 / 3600, 15_000 / 3600, 20_000 / 3600])


def test_two_values_for_one_slot_are_asked_and_neither_wins_unless_one_was_taken_back() -> None:
    reading = interpret("20 rps or maybe 30 rps", CATALOG)
    assert not reading.said_values
    assert {20.0, 30.0} <= {choice.value for choice in reading.questions[0].choices}
    reading = interpret("20 rps, no wait, 30 rps", CATALOG)
    assert reading.values == {"traffic.requests_per_s": 30.0}
    assert "20 rps" in reading.notes[0]


def test_one_value_said_twice_is_no_conflict_and_no_number_is_lost() -> None:
    reading = interpret("20 rps, that is 1,200 requests a minute", CATALOG)
    assert reading.values == {"traffic.requests_per_s": 20.0}
    assert [said_value.words for said_value in reading.said_values] == ["20 rps", "1,200 requests a minute"]


def test_an_open_width_offers_the_formats_of_that_width() -> None:
    (question,) = interpret("8-bit weights", CATALOG).questions
    assert [choice.value for choice in question.choices] == ["fp8", "int8"]


def test_a_maker_stands_for_all_its_accelerators_wanted_or_not() -> None:
    every = {a.id for a in CATALOG.accelerators.values() if a.vendor == "AMD" and not a.announced_only}
    for text, path in (
        ("AMD only", "hardware.accelerators"),
        ("AMD cards", "hardware.accelerators"),
        ("anything but AMD", "hardware.excluded"),
        ("no AMD please", "hardware.excluded"),
    ):
        assert set(interpret(text, CATALOG).values[path]) == every, text
    assert interpret("the AMD team has 12 people", CATALOG).values == {}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("llama 70b", "llama-3.3-70b"),
        ("qwen 32b", "qwen3-32b"),
        ("mistral small", "mistral-small-4-119b"),
        ("deepseek", "deepseek-v3.2"),
    ],
)
def test_of_several_models_the_newest_comes_first(text: str, first: str) -> None:
    (question,) = interpret(text, CATALOG).questions
    assert question.choices[0].value == first
