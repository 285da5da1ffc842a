"""Later lines of a conversation: what they correct, add, ask again and tell, where the line alone would mislead."""

from functools import cache

import pytest

from agent.collect.amended import replacement_in, said_again
from agent.dialogue import step
from agent.talk.state import Clarify, State
from engine.plan import CapacityPlan
from tests.agent.talks import ports, words

LAW = "assistant for 250 lawyers, 40 questions a day each, llama 3.3 70b fp8, h100, 6000 in 600 out, p95 ttft 2s"
RATE = "traffic.requests_per_s"
PEAK = "traffic.peak_factor"
USERS = "users.count"
ANSWER = "tokens.output.mean"
CALLS = "200 calls at the same time, a turn every 8 s, llama 3.1 8b fp8, L40S, 1000 in, 40 out, ttft p95 400 ms"


@cache
def planned(first: str) -> State:
    state = State()
    for line in (first, "1", "") if first == CALLS else (first, ""):
        state, _ = step(state, line, ports())
    return state


def after(first: str, *lines: str) -> State:
    state = planned(first)
    for line in lines:
        state, _ = step(state, line, ports())
    return state


def last_values(state: State) -> dict[str, object]:
    return dict(state.branches[-1].values)


@pytest.mark.parametrize(
    ("first", "line", "path", "value"),
    [
        (LAW, "300 lawyers, not 250", "users.count", 300),
        (LAW, "8k not 6k", "tokens.input.mean", 8000),
        (LAW, "40 was wrong, they ask 15 a day", "users.requests_per_s", 15 / 86400),
        (LAW, "not 250 but 1250 lawyers", "users.count", 1250),
        (LAW, "nein, 300 statt 250", "users.count", 300),
        (LAW, "make the 600 a 400", "tokens.output.mean", 400),
        (CALLS, "300 calls, not 200", "traffic.requests_per_s", 37.5),
        (CALLS, "turn every 10 s, not 8", "traffic.requests_per_s", 20),
        (CALLS, "actually a turn every 6 seconds", "traffic.requests_per_s", 200 / 6),
    ],
)
def test_a_correction_of_an_earlier_line_is_the_plan_with_all_that_follows_from_it(
    first: str, line: str, path: str, value: float
) -> None:
    state = after(first, line)
    assert state.base.values[path] == pytest.approx(value)
    assert state.kept == 1


@pytest.mark.parametrize(
    "line",
    [
        "why 12 and not 16",
        "is it 300 and not 250?",
        "20 rps with 300 out, not 200",
        "TP4 not TP2",
        "20 rps, not 20 a day",
    ],
)
def test_a_question_or_a_line_of_more_numbers_replaces_none(line: str) -> None:
    assert replacement_in(line) is None


@pytest.mark.parametrize(
    "line", ["+900 lawyers", "double the calls 2x", "350 concurrent lawyers", "$300 for calls", "calls 30%"]
)
def test_a_line_says_nothing_again_with_a_sign_or_with_words_of_its_own(line: str) -> None:
    assert said_again([LAW, CALLS], line) is None
    assert said_again([LAW, CALLS], "what if calls go to 350") == (1, CALLS.replace("200", "350"))


@pytest.mark.parametrize(
    ("line", "users"),
    [
        ("+900 lawyers", 1150),
        ("900 more", 1150),
        ("plus 120 paralegals", 370),
        ("and 300 colleagues in madrid join", 550),
        ("50 lawyers leave", 200),
        ("what if 1150 lawyers", 1150),
        ("now with 1,000 lawyers", 1000),
    ],
)
def test_people_come_and_go_under_the_name_that_they_were_given(line: str, users: float) -> None:
    values = last_values(after(LAW, line))
    assert values["users.count"] == users
    assert values["traffic.requests_per_s"] == pytest.approx(users * 40 / 86400)


def test_the_time_in_which_a_rate_was_meant_is_set_right_after_a_plan() -> None:
    assert last_values(after("8B, 30 rps, 600/90", "the cost?", "wait, the 30 was per minute"))[RATE] == 0.5


def test_a_number_alone_goes_on_from_the_last_variant() -> None:
    assert last_values(after(LAW, "output 500", "and 700?"))["tokens.output.mean"] == 700
    assert after(LAW, "output 500", "ok, do that").kept == 1
    assert after(LAW, "what if 300 lawyers", "mejor 1.200").base.values[USERS] == 1200
    assert after(LAW, "what if 300 lawyers", "310 then").base.values[USERS] == 310
    state, _ = told("8B, 5 rps, 800/150", "what if 9 rps", "no, as before")
    assert len(state.branches) == 1, "the variant came with the first plan"
    assert last_values(after(LAW, "output five hundred", "no wait, seven hundred"))["tokens.output.mean"] == 700


@pytest.mark.parametrize(
    "line",
    [
        "cost difference?", "what was the price difference again", "how much more do I pay", "how much more is that",
        "what did that save", "cost now vs before", "how much do we save then", "cost compared with before?",
    ],
)  # fmt: skip
def test_what_asks_for_the_difference_sets_the_last_variant_against_what_it_varied(line: str) -> None:
    said = words(step(after(LAW, "300 lawyers, not 250"), line, ports())[1])
    assert said.startswith("1: ") and "against plan 0" in said


@pytest.mark.parametrize("line", ["hmm that's dearer, go back", "no, put it back", "worse? then back to before that"])
def test_who_goes_back_says_why_as_well(line: str) -> None:
    state = after(LAW, "ok use H200", line)
    assert state.base.values["hardware.accelerators"] == ("h100-sxm-80gb",)
    assert after(LAW, "ok use H200", "put it back, and N+1").branches[-1].values["hardware.accelerators"] == (
        "h100-sxm-80gb",
    )


@pytest.mark.parametrize("line", ["make it p99", "no I meant p99", "p99 not p95", "set it to p99 please"])
def test_a_percentile_alone_is_of_the_targets_that_stand(line: str) -> None:
    """The one that was said, and the one that this kind of traffic has beside it."""
    targets = {one.metric: (one.percentile, one.seconds) for one in last_values(after(LAW, line))["targets"]}
    assert targets == {"ttft": ("p99", 2.0), "itl": ("p99", 0.05)}


@pytest.mark.parametrize("line", ["with 50 ms", "what about 200 ms"])
def test_a_time_alone_is_asked_of_which_latency(line: str) -> None:
    state = after(LAW, line)
    assert isinstance(state.pending, Clarify)
    assert {choice.path for choice in state.pending.question.choices} == {"targets"}


@pytest.mark.parametrize(
    "line",
    [
        "we also run a code assistant, 3 rps, 4k/200",
        "second use case: translation, 10 rps, 500/500",
        "and on top 50,000 docs between 22:00 and 05:00, 6k/300",
        "on our box one replica does 5 rps",
        "we tried it, a single request took 9 s end to end",
        "at 3.4 rps: ttft p95 1150, itl p95 52",
    ],
)
def test_a_load_beside_the_plan_or_what_a_run_gave_changes_nothing(line: str) -> None:
    assert after(LAW, line).branches == planned(LAW).branches


def test_what_is_asked_before_the_plan_is_answered_with_it() -> None:
    state, says = step(State(), "llama 3.1 70b fp8, 1500 in, 300 out", ports())
    for line in ("compare h100 and h200", "20 rps", "", ""):
        assert "hardware.accelerators" not in state.values
        state, says = step(state, line, ports())
    while state.phase != "planned":
        state, says = step(state, "", ports())
    assert "You asked 'compare h100 and h200'." in words(says)
    assert [branch.values["hardware.accelerators"][0] for branch in state.branches[1:]] == [
        "h100-sxm-80gb",
        "h200-sxm-141gb",
    ]


def told(*lines: str) -> tuple[State, str]:
    state, says = State(), ()
    for line in lines:
        state, says = step(state, line, ports())
    return state, words(says)


@pytest.mark.parametrize(
    ("lines", "choice"),
    [
        (("llama 3.1 8b, 200 calls at once", "turn every 8 sec. 1k in, 40 out"), "200 × 0.125 = 25 requests/s"),
        (("llama 3.1 8b fp8 for 300 agents", "every 30 seconds one request"), "300 agents × 1 request / 30 s = 10"),
        (("llama 3.1 8b for 300 agents", "12% active, 10 prompts each in that hour"), "0.1 requests/s: always"),
        (
            ("mistral small 3 24b, 9 000 fonctionnaires, 5 requêtes par agent et par jour", "non, 19 000 et non 9 000"),
            "19,000 fonctionnaires × 5 requests a day = 1.1",
        ),
    ],
)
def test_a_line_goes_on_from_an_earlier_one_before_the_plan(lines: tuple[str, ...], choice: str) -> None:
    """What each does says how much there is only with how many they are, who were named before."""
    assert choice in told(*lines)[1]


@pytest.mark.parametrize(
    ("lines", "path", "value"),
    [
        (("llama 3.1 8b, 50k prompts a day, 700/220", "office hours only"), PEAK, 3.0),
        (("100k requests per day", "8B, 700 in 220 out, business hours"), PEAK, 3.0),
        (("we are 80 ppl in the shop, 8B", "each gets 40 chats a day"), RATE, 80 * 40 / 86400),
        (("8B, 2,000 people", "90 tickets", "each asks 3 times a day"), RATE, 2000 * 3 / 86400),
        (("100 rps, 8B", "per day i mean"), RATE, 100 / 86400),
        (("20 requests a minute, 8B", "i meant per second"), RATE, 20),
        (("40 rps, 8B", "sorry, per minute", "no wait, per hour"), RATE, 40 / 3600),
        (("2,000 users, 3 questions an hour each, 8B", "sorry, per day"), RATE, 2000 * 3 / 86400),
        (("8B, 25 rps, 600/150", "double it", "no the answers i meant, not the traffic"), ANSWER, 300),
        (("8B, 25 rps, 600/150", "half as long prompts", "no, i meant the answers"), ANSWER, 75),
        (("8B, 25 rps, 600/150", "double it", "no the answers i meant", "put it back"), RATE, 25),
        (("8B, 1500 in, 400 out", "nein, 200 raus"), ANSWER, 200),
        (("50 req/s llama 8b 400/60", "no sorry 15 req/s"), RATE, 15),
        (("8B, 15 rps, 400/60", "answers 90", "undo the last one"), ANSWER, 60),
        (("8B, 600/150, 30 rps", "sorry no 12 requests a second"), RATE, 12),
        (("8B, 20 rps", "sry 100k requests per day"), RATE, 100e3 / 86400),
        (("20k users", "no idea really, it's a new product. writing helper"), RATE, 200e3 / 86400),
        (("20k users", "yes normal usage"), RATE, 200e3 / 86400),
        (("8B, 20 rps, 2000/200", "half of that is the same system prompt", "yes"), "tokens.prefix_hit", 0.5),
        (("8B, 30 rps, 400/80", "latency dont care"), "default_targets", "none"),
    ],
)
def test_a_later_line_sets_right_or_goes_on_from_what_was_said(
    lines: tuple[str, ...], path: str, value: float | str
) -> None:
    state, _ = told(*lines)
    assert state.values[path] == (value if isinstance(value, str) else pytest.approx(value))


def test_what_is_asked_before_the_plan_leaves_what_was_said() -> None:
    """Another card in a question is a variant; 'compare with before' is of the last change; a bare figure is asked."""
    state, said = told("8B, 6 rps peak, 900/200, L40S", "what about A100?")
    assert state.base.values["hardware.accelerators"] == ("l40s",) and "1: on a100" in said
    assert "Spanish" not in told("8B, 6 rps", "prefix cache 60%")[1]
    _, said = told("8B, 6 rps, 900/200, L40S, fp8", "gpu: L4", "compare with before")
    assert "without 'gpu: L4' (against plan 0)" in said and "L40S" in said
    for line in ("boss says plan for 22", "ok keep 22"):
        asked = step(after("8B, 6 rps, 900/200, L40S, fp8"), line, ports())[0].pending
        assert isinstance(asked, Clarify) and asked.question.choices[0].value == 22
    for line in ("48 layers, 8 kv heads, head dim 128", "change the routing share to 25%"):
        assert not isinstance(step(after("8B, 6 rps, 900/200, L40S, fp8"), line, ports())[0].pending, Clarify)


@pytest.mark.parametrize(
    "line",
    [
        "hmm and if out is 500",
        "if answers are 500",
        "95 % of the time",
        "20 rps",
    ],
)
def test_no_other_line_is_joined_and_no_length_is_a_rate(line: str) -> None:
    state, said = told("llama 3.1 8b fp8, 300 agents", line)
    assert "Taken with" not in said
    assert state.values.get("traffic.requests_per_s") in (None, 20)


def test_what_a_run_gave_waits_for_the_plan() -> None:
    first = "llama 3.1 70b fp8, h100, 20 rps mean, 30 rps peak, 1500 in, 300 out, ttft p95 800 ms"
    state, said = told(first, "our bench: one replica at 3.3 rps gives ttft p95 540 ms")
    assert "sets nothing in it" in said
    assert state.values["traffic.requests_per_s"] == 20
    _, says = step(state, "go", ports())
    assert "Measured TTFT p95 540 ms at 3.3 requests/s on 1 replica" in words(says)


def test_a_figure_alone_is_of_what_was_stated_before() -> None:
    """A time at the percentile of one target is of that, and a bare need of the rate."""
    state, _ = told("qwen3 32b fp8, 18 rps, 800/200, ttft p99 400 ms, itl p95 30 ms", "p99 < 1.5 s tho")
    assert {(one.metric, one.seconds) for one in state.values["targets"]} == {("ttft", 1.5), ("itl", 0.03)}
    state, _ = told("qwen3 32b fp8, 18 rps, 800/200", "need 60", "how sure are you")
    assert state.base.values["traffic.requests_per_s"] == 60
    said = told("qwen3-32b fp8, 5 rps with 1k prompts, max 200 tokens answers", "how sure are you")[1]
    assert "as the limit at which answers are cut off" in said


def test_who_asks_for_the_result_gets_it_with_what_is_usual_and_no_limit_that_was_only_heard_of() -> None:
    lines = ("gemma 3 27b", "2 rps, 1200 in, 250 out", "so how many H100, and what's that a month")
    assert told(*lines)[0].phase == "planned"
    state, says = told("How many H100 do we need for 15 rps with Llama 3.1 70B, 1500 tokens in, 300 out?")
    assert state.phase == "planned"
    assert "did you mean" not in says.lower()  # the plan is the answer
    state, _ = told("25 rps llama 8b 800 in 100 out L4", "oh I meant 2.5")
    assert state.values["traffic.requests_per_s"] == 2.5
    assert step(state, "hmm no, 25 was right", ports())[0].values["traffic.requests_per_s"] == 25
    state, _ = told("llama 3.1 70b fp8, 18 rps, h100", "our vendor says 2 GPUs", "1500/300", "why so many")
    assert state.base.values.get("hardware.accelerator_count") is None


def test_what_was_right_before_is_the_plan_again() -> None:
    state = after(LAW, "sorry, 45 questions, not 40", "no scratch that, 40 was right, that was the wrong page")
    assert state.kept == 0
    assert after(LAW, "6000 was our guess. realistic is 4000").base.values["tokens.input.mean"] == 4000
    state, _ = told("mixtral 8x7b, 10 rps, 1000 in, 200 out", "sorry, 100 rps", "no, that was right before, 10")
    assert state.values["traffic.requests_per_s"] == 10


@pytest.mark.parametrize(
    ("line", "rate"),
    [("actually it was 20 per minute, sorry!!", 20 / 60), ("no, 30 rps", 30), ("no more than 8 GPUs?", None)],
)
def test_who_says_a_value_right_means_the_plan(line: str, rate: float | None) -> None:
    state = after(LAW, line)
    assert state.kept == (0 if rate is None else 1)
    assert rate is None or state.base.values["traffic.requests_per_s"] == pytest.approx(rate, rel=0.7)


def test_a_line_in_doubt_is_read_again_with_what_was_stated_since() -> None:
    """Lines that could each be about anything say more together; what is of another trade is left out by name."""
    state, said = told("phone agent, 150 parallel calls, someone talks every 7 sec", "llama 3.1 8b, 2500 in, 35 out")
    assert "Of 'phone agent, 150 parallel calls, someone talks every 7 sec'" in said
    assert "150 × 0.143 = 21.4 requests/s" in words(step(state, "why so many?", ports())[1])
    state, _ = told("environ 5000 par jour, surtout le matin", "une dépêche 600 mots, résumé 80 mots")
    assert state.values["traffic.requests_per_s"] == pytest.approx(5000 / 86400)
    state, said = told("the B200 room holds 40 people", "llama 3.1 8b, 20 rps")
    assert "Left out: 'the B200 room holds 40 people'" in said
    assert "hardware.accelerators" not in state.values


def test_a_bare_figure_of_a_quarter_is_no_load() -> None:
    assert told("llama 3.1 8b, 12 rps", "prompts 1k now, 2.5k in Q3")[0].values[RATE] == 12


def test_office_hours_go_on_from_the_load_though_a_preset_had_its_own_day() -> None:
    lines = ("gpus for a chatbot, llama 3.3 70b", "400 employees, 10 questions a day each", "1000 in, 250 out")
    assert told(*lines, "within office hours of course, 9 to 5")[0].values[PEAK] == 3


def test_a_load_that_is_asked_about_beside_a_known_one_is_assumed_where_the_line_sets_it_right() -> None:
    first = "qwen3 8b, 45 rps, 400/60"
    state, _ = told(first, "actually it's 4 million items per night", "how many cards")
    assert state.base.values[RATE] == pytest.approx(4e6 / 86400)


def test_a_second_workload_before_the_plan_overwrites_nothing_of_the_first() -> None:
    first, second = "A: llama 3.1 8b 40 rps 600/120 ttft 300ms h100", "B: llama 3.1 70b fp8 4 rps 5000/600 ttft 2s"
    state, said = told(first, second)
    assert "B is a workload of its own beside A" in said
    assert state.apart[0].state.values == told(first)[0].values
    state, _ = told(f"{first}, 90% cache hit", "what if hit rate falls to 60")
    assert state.values["tokens.prefix_hit"] == 0.9


def test_a_model_and_people_are_enough_for_a_plan_of_what_is_usual() -> None:
    state, said = told("maybe 250 users", "something like llama 70b", "how sure are you")
    assert state.phase == "planned"
    assert "Assumed: for 'llama 70b', llama-3.3-70b" in said
    assert "prompt 1,155 tokens, as for chat" in said


def test_another_value_in_a_question_before_the_plan_is_a_variant_of_it() -> None:
    state, _ = told("gpt-oss-120b, h100, 12 rps, 3k/500, ttft p95 1s", "same on h200?")
    assert [branch.values["hardware.accelerators"] for branch in state.branches] == [
        ("h100-sxm-80gb",),
        ("h200-sxm-141gb",),
    ]


def test_an_open_choice_that_is_passed_over_is_named() -> None:
    state = after(LAW, "with 4 bit")
    assert isinstance(state.pending, Clarify)
    _, says = step(state, "answers of 300 tokens", ports())
    assert "Left open: '4 bit'." in words(says)


def test_going_back_to_a_number_that_the_plan_has_leaves_the_rest_of_the_line() -> None:
    state = after(LAW, "ok go back to 600. n+1")
    assert last_values(state)["availability.spare_replicas"] == 1
    assert isinstance(state.branches[-1].plan, CapacityPlan)


EACH = ("llama 3.1 8b, 12,000 employees, 8 prompts each",)
GERMAN = ("Ich plane einen internen Assistenten für 2.500 Leute", "Qwen3 32B, fp8")
TTFT = "p95 ttft 500 ms"


@pytest.mark.parametrize(
    ("lines", "path", "value"),
    [
        ((*EACH, "a day"), "traffic.requests_per_s", 96_000 / 86_400),
        ((*EACH, "I think hourly"), "traffic.requests_per_s", 96_000 / 3600),
        ((*EACH, "20 a day"), "traffic.requests_per_s", 240_000 / 86_400),
        (("llama 3.1 8b, 12,000 employees", "20", "daily"), "traffic.requests_per_s", 240_000 / 86_400),
        ((*GERMAN, "jeder ca. 15 Fragen am Tag"), "traffic.requests_per_s", 37_500 / 86_400),
        (("15 requests per second, 1800/350", "15 is per minute, sorry"), "traffic.requests_per_s", 0.25),
        (("10 rps, 1000/200", "those 200 are wrong, it's twice as long"), "tokens.output.mean", 400),
    ],
)
def test_a_line_before_the_plan_answers_or_corrects_what_was_said(
    lines: tuple[str, ...], path: str, value: float
) -> None:
    assert told(*lines)[0].values[path] == pytest.approx(value)


def test_who_does_not_understand_a_question_gets_its_reason_and_the_question_again() -> None:
    state, said = told(*EACH, "what do you mean?")
    assert "Replicas grow in proportion" in said
    assert "in which time, an hour or a day?" in said
    assert isinstance(state.pending, Clarify)
    assert told("10 rps, 1000/200, ttft p95 1900ms", "I want 900ms")[0].values["targets"][0].seconds == 0.9


def test_what_an_answer_offers_is_done_and_undone_by_lines_that_only_point_at_it() -> None:
    state = after(LAW, "one node down, still ok?", "make it so")
    assert (state.kept, state.base.values["availability.spare_replicas"]) == (1, 1)
    assert state.lines[-1] == "take N+1", "said again it leads here again"
    state = after(LAW, "what if 300 lawyers", "hm what do clients notice", "no go back")
    assert len(state.branches) == 1, "the question in between changed nothing"
    assert not state.pending


@pytest.mark.parametrize("line", ["undo", "undo the ttft thing", "no, undo that"])
def test_what_was_said_last_before_the_first_plan_is_taken_back_as_well(line: str) -> None:
    state, _ = told("llama 3.1 8b, 50 rps, 800/150, L40S", TTFT, "why so many", line)
    assert "targets" not in state.base.values
    assert state.base.values["traffic.requests_per_s"] == 50


TWO = "A is Llama 3.1 8B 40 rps 600/80, B is Llama 3.3 70B fp8 3 rps 5000/700. H100."
TABLE = "| app | rps | in | out |\n| search | 30 | 900 | 80 |\n| write | 4 | 400 | 900 |"


def test_of_two_workloads_each_has_a_draft_and_a_line_is_of_that_which_it_names() -> None:
    state, _ = told(TWO, "what does B alone cost")
    assert (state.values["model"], state.values["tokens.output.mean"]) == ("llama-3.3-70b", 700)
    doubled, _ = step(state, "double the traffic of A", ports())
    assert (doubled.workload, doubled.values[RATE]) == ("A", 80)
    assert doubled.lines == (TWO, "what does B alone cost", "double the traffic of A")
    assert step(doubled, "back", ports())[0] is state
    assert step(state, "and B's answers are 1000 now", ports())[0].branches[-1].values["tokens.output.mean"] == 1000
    lines = ("A is 70B 8 rps 1k/300; B is 8B 40 rps 500/100", "A ttft 1s B ttft 300ms", "B should be on L4", "double A")
    state, said = told(*lines, "remove B")
    assert (state.values[RATE], state.values["targets"][0].seconds, state.apart) == (16, 1, ())
    assert "hardware.accelerators" not in state.values
    assert "B is left out; A goes on. Its plan: " in said and "× L4" in said
    values = told(TABLE, "both llama 3.3 70b fp8", "search is 3000 in, typo")[0].values
    assert (values["traffic.requests_per_s"], values["tokens.input.mean"]) == (30, 3000)


def test_a_number_alone_goes_on_from_what_the_first_plan_states() -> None:
    state, _ = told(
        "22k players, each sends one every 4 min, mistral nemo 12b", "800/60", "what do 35k players do to this"
    )
    assert step(state, "and 60?", ports())[0].branches[-1].values["users.count"] == 60_000
    state, _ = told("llama 3.1 8b, 50 rps, 800/150, L4", "hows the weather over there")
    assert state.phase == "collect", "no small talk makes a plan"


@pytest.mark.parametrize(
    ("lines", "path", "value"),
    [
        (("70B, 12,000 employees, 8 prompts each", "prompts are longer, take 2,000"), "tokens.input.mean", 2000),
        (("8B, 50 rps, 800/150", "70 rps", "undo that and 300 out"), "traffic.requests_per_s", 50),
        (("8B, 10 rps, 900 tokens", "et avec deux ?"), "tokens.input.mean", 900),
        (("8B, 5000 users, each 10 messages a day", "mostly between 8 and 18h"), "traffic.peak_factor", 2.4),
        (("120 concurrent calls, ttft p95 350 ms", "a turn every 7 seconds per call", "2"), RATE, 120 / 7),
        (("8B, 50 rps, 800/150", "keep 1 spare though"), "availability.spare_replicas", 1),
        (("Llama 3.1 8B, 100 users", "concurrent", "1"), "traffic.concurrency", 100),
        (("50 000 abonnés, 10 % actifs par jour, 5 requêtes chacun", "et à 20 % ?", "1"), RATE, 25_000 / 86400),
        (("8B, 12 rps", "Spitze ist doppelt so hoch"), "traffic.peak_factor", 2),
        (("12 rps", "from April the load will be half as much again"), "model", None),
        (("8B, 400 employees, 10 questions a day each", "within office hours of course, 9 to 5"), PEAK, 3),
        (("8B, 4,000 requests a day, 9-18",), PEAK, 24 / 9),
        (("how many gpus for 50 000 students", "60% between 18 and 23 on sunday", "gemma 3 27b, 1k in"), PEAK, 2.88),
        (("how many gpus for 50 000 students", "60% between 18 and 23 on sunday", "8B, 1k in"), "users.count", 50_000),
        (("8B, 20 rps", "900 in", "actually undo"), "tokens.input.mean", None),
        (("Mistral Small", "the newest one"), "model", "mistral-small-4-119b"),
    ],
)
def test_a_line_is_taken_for_what_it_is_about(lines: tuple[str, ...], path: str, value: float | str | None) -> None:
    assert told(*lines)[0].values.get(path) == (pytest.approx(value) if isinstance(value, int | float) else value)


@pytest.mark.parametrize(
    ("lines", "path", "value"),
    [
        (("what happens at the weekend with more tickets", "what would it be with 300 instead of 250"), USERS, 300),
        (("und mit 300 Anwälten statt 250?",), USERS, 300),
        (("and with 300 lawyers?",), USERS, 300),
        (("what do 300 lawyers do to this",), USERS, 300),
        (("what if only half of the lawyers use it",), USERS, 125),
        (("what if they ask 20 questions a day",), RATE, 250 * 20 / 86_400),
        (("et si on passait à 20 questions ?",), RATE, 250 * 20 / 86_400),
    ],
)
def test_a_case_that_a_question_puts_is_a_variant_of_what_was_said_before(
    lines: tuple[str, ...], path: str, value: float
) -> None:
    """Whether the line before was understood or not."""
    state = after(LAW, *lines)
    assert last_values(state)[path] == pytest.approx(value)
    assert state.kept == 0


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("N+1 please", 1),
        ("ok use A100", 1),
        ("60 questions a day each instead", 1),
        ("take 2x for the peak then", 1),
        ("with A100", 0),
        ("use A100?", 0),
        ("what if we use A100", 0),
    ],
)
def test_who_wants_a_change_gets_it_as_the_plan_and_who_asks_about_one_a_variant(line: str, kept: int) -> None:
    state = after(LAW, line)
    assert (len(state.branches), state.kept) == (2, kept)
    back, says = step(state, "no, back to H100", ports())
    assert back.kept == 0
    assert "against plan 0" not in words(says)


def test_what_somebody_has_is_planned_though_it_is_asked_whether_it_is_enough() -> None:
    for line in ("only have 2 L40S, enough?", "we have 2 L40S, does that do?"):
        values = after("8B, 10 rps, 2000/300", line).base.values
        assert (values["hardware.accelerators"], values["hardware.accelerator_count"]) == (("l40s",), 2)
    assert "hardware.accelerators" not in after("8B, 10 rps, 2000/300", "what if we have 2 L40S?").base.values


def test_a_question_before_the_plan_leaves_what_was_said() -> None:
    for line in ("Warum nicht H100?", "pourquoi pas L40S ?", "how many cards if traffic is only half"):
        values = after("8B, 30 rps, 600/90", line).base.values
        assert values[RATE] == 30 and "hardware.excluded" not in values, line
    state, _ = told("22k players, each talks every 4 min, mistral nemo 12b", "800/60", "what do 35k players do to this")
    assert state.base.values[USERS] == 22_000
    assert last_values(state)[USERS] == 35_000
    assert step(state, "ok plan for 40", ports())[0].base.values[USERS] == 40_000
    state, _ = told("Llama 3.3 70B, 4 Anfragen/s, 1.800 rein, 350 raus, H100", "und mit L40S?")
    assert [branch.values["hardware.accelerators"][0] for branch in state.branches] == ["h100-sxm-80gb", "l40s"]
    state = after(
        LAW, "cost of the plain version in brass buttons", "and if I only want to survive one node, not a zone?"
    )
    assert not state.pending, "what was not understood before waits no more"
    said = told("8B, 100 users, each sends one every 30 s, 700/150", "what if everyone presses enter at once")[1]
    assert "100 at the very same instant" in said


def test_the_cheapest_of_the_plans_that_stand_is_named_and_taken() -> None:
    state = after(LAW, "what about H200", "and L40S?", "cheapest of the three?", "ok take that one")
    assert len(state.branches) == 3, "no further plan is searched"
    cheapest = min(range(3), key=lambda at: state.branches[at].capacity_plan.cost.monthly_usd or 1e9)  # type: ignore[union-attr]
    assert state.kept == cheapest
    assert told("llama 70b, 4 rps", "the second option")[0].values["model"] == "llama-3.1-70b"


def test_a_variant_is_told_again_by_how_much_it_is_and_kept_in_other_languages() -> None:
    state = planned(LAW)
    assert last_values(after(LAW, "700/150"))["tokens.output.mean"] == 150
    for line in ("on H200", "how much more is that"):
        state, says = step(state, line, ports())
        assert "monthly" in words(says) and "h200" in words(says).lower()
    assert after(LAW, "on H200", "how much more is that", "Gut, nimm das.").kept == 1


def test_what_goes_back_to_a_value_or_picks_a_plan_leaves_the_last_line_alone() -> None:
    state = after(LAW, "reserved for 3 years", "what if 30 rps?", "go back to on demand")
    assert (state.kept, len(state.branches)) == (0, 3), "on demand was planned before"
    state = after(LAW, "reserved for 3 years", "what about A100?")
    chosen, _ = step(state, "take the cheaper one", ports())
    bills = [one.capacity_plan.cost.monthly_usd or 0.0 for one in state.branches if one.capacity_plan]
    assert (bills[chosen.kept], len(chosen.branches)) == (min(bills), 3), "no search beyond the plans that stand"
    _, says = step(state, "which one is cheaper per month?", ports())
    assert f"Cheapest: plan {chosen.kept}" in words(says)
    said = words(step(chosen, "so what is the final count and price", ports())[1])
    assert "did you mean" not in said.lower() and "monthly" in said


def test_no_later_line_loses_or_bends_the_load() -> None:
    devs = ("agents: 50 devs, each runs ~20 tasks a day, 30 llm calls per task", "context avg 25k of which 90% repeats")
    assert told(*devs)[0].values[RATE] == pytest.approx(50 * 20 / 86_400)
    part = "code completion, 800 devs, each triggers 5 completions a minute, about 30% code at the same time"
    assert told(part)[0].values[RATE] == pytest.approx(20)
    assert told(part, "make it 1200 devs")[0].values[RATE] == pytest.approx(30)
    chats = ("deux charges: chat 10 req/s (800/200) et résumés 3 req/s (6000/500)", "même modèle pour les deux")
    assert told(*chats)[0].values.get(RATE) is None


def test_no_model_and_no_card_is_taken_that_nobody_named() -> None:
    state, _ = told("8 rps, 500/100", "model: you choose")
    assert isinstance(state.pending, Clarify) and state.pending.question.path == "model"
    assert "hardware.accelerators" not in state.values
    assert told("the model is the qwen 2.5 of 14 billions")[0].values["model"] == "qwen2.5-14b"
    state, said = told("qwen 2.5", "8 rps, 500/100", "how many gpus")
    assert not state.branches and "which?" in said, "not its smallest"
    assert told("qwen 7b, 8 rps, 500/100", "L40S or L4?", "take L4")[0].values["hardware.accelerators"] == ("l4",)
    assert (
        "hardware.accelerator_count"
        not in told("llama 3.1 8b, 8 rps, 500/100", "could we do it with one gpu")[0].values
    )


def test_a_correction_is_the_plan_though_a_cap_is_too_low_and_a_file_says_which_plan_it_holds() -> None:
    state = after("llama 3.3 70b bf16 on 4 x H100, 3 rps, 4k in, 800 out", "actually the prompts are 3k")
    assert (state.kept, state.base.values["tokens.input.mean"]) == (1, 3000)
    state, said = told(LAW, "", "what if 30 rps?", "save some-plan.json")
    assert "plan 0 (the first plan)" in said
