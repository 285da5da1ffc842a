"""A load or a prompt is planned whole: what stands beside it and came to nothing is asked about, with what it makes."""

import pytest

from agent.dialogue import step
from agent.interpret import interpret
from agent.session.ports import ports_of
from agent.talk.state import State
from catalogs.catalog import Catalog

CATALOG = Catalog.load()
RATE, PROMPT, PEAK = "traffic.requests_per_s", "tokens.input.mean", "traffic.peak_factor"


@pytest.mark.parametrize(
    ("line", "path", "first"),
    [
        # What never comes to the model is no part of the load.
        ("8B. 2,400 engineers, each sends 1 completion every 4 s, 60% get cancelled", RATE, 240.0),
        ("8B. 2,400 engineers, each sends 1 completion every 4 s, we drop 60% of them", RATE, 240.0),
        # What came to nothing multiplies, or is the peak.
        ("Monday mornings are 2.5x; otherwise 8 rps; Llama 3.1 70B", RATE, 20.0),
        ("usually 4 rps but when the newsletter goes out it spikes to 30 for about two minutes, Mistral 7B", RATE, 4.0),
        ("18,000 students, 40%. Maybe 1 in 6 of those is on it, one question every 2 minutes. 8B", RATE, 10.0),
        # What is of the cache, of lengths or of a second site multiplies no load.
        (
            "We serve 60 law firms, on average 35 lawyers each. A lawyer does a session of 6 turns twice a day. "
            "Documents attached in a third of the sessions: 40k tokens. Llama 4 Scout",
            RATE,
            0.2916667,
        ),
        ("1,300 kiosks, each gets a customer each 4 minutes, two sites active/active, 8B", RATE, 5.4166667),
        # Models with their shares are plans of their own.
        ("60% to llama 8b, 40% to llama 70b, 30 req/s in total, 1k in 200 out", RATE, 18.0),
        ("1.4M searches a day, 35% are answered from cache, rest goes to the 70B", RATE, 10.532407),
        ("input between 2k and 20k, mostly 4k, 300 out, 5 rps, 8B", PROMPT, 4000.0),
    ],
)
def test_the_first_choice_is_of_all_figures(line: str, path: str, first: float) -> None:
    (question,) = [one for one in interpret(line, CATALOG).questions if one.path == path]
    assert question.choices[0].value == pytest.approx(first)


def test_a_caller_is_one_of_the_calls_and_the_load_may_be_another() -> None:
    (question,) = interpret("8B voice bot, 360 simultaneous calls, caller turn every ~9 s", CATALOG).questions
    assert [choice.value for choice in question.choices[1:3]] == [40.0, 360.0]
    assert question.choices[-1].value is None
    assert "another load" in question.choices[-1].label


@pytest.mark.parametrize(
    ("line", "path", "value"),
    [
        ("8B. system prompt 600 tok, 8 chunks x 512 tok, chat history up to 1500, question ~60", PROMPT, 6256.0),
        ("8B. A task is 14 calls. Context starts at 6k and grows by about 1.5k each step", PROMPT, 15750.0),
        ("8B. A task is 14 calls. First call 6k tokens, context grows ~2.2k per call", PROMPT, 20300.0),
        ("8B. 35 turns, context starts at 12k (system + tool schemas) and ends near 110k", PROMPT, 61000.0),
        # Kinds with their shares have a mean.
        ("8B, 4 rps, 75% are 500 tokens in / 100 out, 25% are 6k tokens in / 400 out", PROMPT, 1875.0),
        ("8B, 4 rps, 75 % of 500/100, 25 % of 6k/400", "tokens.output.mean", 175.0),
        ("20 rps at lunch, 4 rps otherwise, 8B on L4", PEAK, 5.0),
        ("8B, 86,400 questions per day, mostly 9h-11h and 14h-16h", PEAK, 6.0),
        ("8B, 86,400 questions per day between 10 and 12 and 15 and 17", PEAK, 6.0),
        ("8B, 86,400 questions per day, say 4 to 7pm", PEAK, 8.0),
        ("8B. 2,400 engineers, each sends 1 completion every 4 s, 60% are active", RATE, 360.0),
        ("8B. each msg ~40 tokens + 350 token policy prompt, output is 1 token", PROMPT, 390.0),
        ("8B, prompts of 3 pages, one page out", "tokens.output.mean", 667.0),
        ("8B, 3 pages in, a page out", "tokens.output.mean", 667.0),
        ("8B, 9 rps, real peak 27 rps, a 3x burst for 10 min", "traffic.burst", None),
        ("Salamandra 7B o Llama 8B, lo que salga mejor, prompt de 1.600 tokens", "serving.runtime", None),
        ("2.4 billion tokens/day, 85/15 input/output, Llama 4 Scout", PROMPT, None),
        ("12k avg / 60k p95 in, 500 out, 3 rps, 70B", "tokens.input.p95", 60000.0),
        ("8B, 20 rps, at peak hour 70% of requests hit the cache", RATE, 20.0),
        ("8B, 5 rps, prefix cache hit should be high, say 85%", "tokens.prefix_hit", 0.85),
        # Near misses: none of these is hours of the day, or a part of a prompt or a load.
        ("8B, 86,400 questions per day, takes 9-18h to roll out", RATE, 1.0),
        ("8B at 25 rps in the busy period (07:00-19:00), monthly reports", RATE, 25.0),
        ("8B, 3 rps, RAG over 10k documents, 4k context prompts", PROMPT, 4000.0),
        ("8B, 20 rps, prompts of 1,100 tokens (persona 700 + last turns 400)", PROMPT, 1100.0),
        ("8B, 20 rps on A100, 80 GB/s network, (extension 4711)", RATE, 20.0),
        ("8B, 20 rps, 99.9 % availability", RATE, 20.0),
        ("8B, 20 rps, 0 users today, 80% is from Asia, 20% from Europe", RATE, 20.0),
        ("8B, 20 rps, 1k/1k, EAGLE acceptance ~2.8 tokens", PROMPT, 1000.0),
    ],
)
def test_what_is_plain_is_read_and_not_asked(line: str, path: str, value: float | None) -> None:
    reading = interpret(line, CATALOG)
    wanted = None if value is None else pytest.approx(value)
    assert reading.values.get(path) == wanted, reading.questions


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("got 4x 3090 for 8B AWQ, me and 5 friends, how many can hammer it at once before it feels slow?", False),
        ("Wir haben 2 L40S, 60 Leute. Wie viele Nutzer gehen gleichzeitig mit einem 8B Modell?", False),
        ("Llama 3.1 8B for 500 users, we own 4 L40S, how many GPUs shall we add?", True),
        ("8B for 500 users on L40S, how many people can chat at once?", True),
    ],
)
def test_asked_how_many_a_fleet_holds_no_habit_is_asked(line: str, asked: bool) -> None:
    questions = interpret(line, CATALOG).questions
    assert any(one.path == RATE for one in questions) == asked


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("8B voice bot, up to 90 simultaneous calls", {"traffic.concurrency"}),
        ("8B with 90 simultaneous requests", set()),
        ("8B for 4,500 civil servants. Expected simultaneous users: 300", {"traffic.concurrency"}),
        ("8B a 50 usuarios concurrentes, gracias", {"traffic.concurrency"}),
        ("8B for our new crm copilot, 2 rps", {"preset"}),
        ("8B copilot for our developers, 2 rps", set()),
        ("8B copilot of a ministry, shown complete, 2 rps", {"preset"}),
        ("8B for 6 museum kiosks. These are offline.", {"preset"}),
        ("8B, offline batch jobs, 2 rps", set()),
        ("8B, 2 rps, 12,000 pages of backlog", set()),
    ],
)
def test_words_of_two_senses_are_asked_alone(line: str, paths: set[str]) -> None:
    assert {one.path for one in interpret(line, CATALOG).questions} == paths


@pytest.mark.parametrize(
    ("line", "metric"),
    [
        ("8B, 5 rps, ttft doesn't matter but total < 2.5 min", "e2e"),
        ("8B, 5 rps, must be under 250 ms total", "e2e"),
        ("8B, 5 rps, ttft < 2 s, a total of 3 hours of video", "ttft"),
    ],
)
def test_total_beside_a_time_is_the_whole_answer(line: str, metric: str) -> None:
    assert [target.metric for target in interpret(line, CATALOG).values["targets"]] == [metric]


def test_a_95th_percentile_without_a_mean_is_taken() -> None:
    state, _ = step(State(), "Llama 3.1 8B on L4, 2 rps, prompts p95 4,200 tokens", ports_of(CATALOG))
    assert state.values["tokens.input.p95"] == 4200


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("8B, arrivals: 7/s weekday median, 19/s max minute last month", "7 requests/s on average, 19 at the peak"),
        ("12 rps in the morning and 7 rps in the evening, 8B on L4", "7 requests/s on average, 12 at the peak"),
        ("pilot: 40 users made 3,100 requests last week. rollout is 1,800 users. 8B", "another habit"),
        ("Chat for 45k members, 8% write on a given day, 5 messages each, 8B", "another load"),
    ],
)
def test_a_right_choice_is_among_those_of_a_load(line: str, label: str) -> None:
    questions = interpret(line, CATALOG).questions
    assert any(label in choice.label for one in questions if one.path == RATE for choice in one.choices)


def test_kinds_of_calls_are_planned_by_how_often_each_comes() -> None:
    line = (
        "each claim = 1 extraction (12k in, 800 out) + 3 follow up questions (12.4k in, 150 out). 100 claims a day, 8B"
    )
    by_path = {one.path: one for one in interpret(line, CATALOG).questions}
    every, *alone = by_path[PROMPT].choices
    assert (every.value, every.also["tokens.output.mean"]) == (12300.0, 312.0)
    assert [one.value for one in alone] == [12000, 12400]
    assert by_path[RATE].choices[0].value == pytest.approx(400 / 86_400)
