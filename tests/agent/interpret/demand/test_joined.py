"""A load is the product of all that is said of demand: the product is offered first where the rules read less of it."""

import pytest

from agent.fields.demand import HABIT, USERS
from agent.interpret import interpret
from catalogs.catalog import Catalog
from tests.every import of_every

CATALOG = Catalog.load()
DAY = 86_400
RATE = "traffic.requests_per_s"

PRODUCTS = [
    ("85 dental clinics, 4 receptionists in each, every receptionist handles 30 letters a day; 8B", 85 * 4 * 30 / DAY),
    ("1.2M monthly active users, 20% use the assistant, 12 questions each per month. 8B", 1.2e6 * 0.2 * 12 / 2_628_000),
    ("our app has 60k DAU, 1.5 sessions per user, 7 messages per session, 8B", 60_000 * 1.5 * 7 / DAY),
    ("each pull request triggers 6 review calls, 250 engineers open 2 pull requests a day, 8B", 250 * 2 * 6 / DAY),
    ("3000 agents on shift, a third is on a call at any time, a suggestion every 15 s per call, 8B", 1000 / 15),
    ("8B for 12 hospitals with 300 doctors each, every doctor dictates 25 notes a day", 12 * 300 * 25 / DAY),
    ("2M visits a month, 3% start the chatbot, 5 messages a chat, 8B", 2e6 * 0.03 * 5 / 2_628_000),
    ("page views 9M/day, 0.4% of views open the widget and ask 1.6 questions, 8B chatbot", 9e6 * 0.004 * 1.6 / DAY),
    ("~40 firms signed, each has 6 lawyers and they upload 3 contracts a day, 8B", 40 * 6 * 3 / DAY),
    ("8B: 700 devs, each opens about 1.4 PR per day, so lets say 5 runs a PR", 700 * 1.4 * 5 / DAY),
    ("DAU 480k, sessions/day 1.3, msgs per session 9, llama 3.1 8b", 480_000 * 1.3 * 9 / DAY),
    ("customer wants 400 seats, ~1 request per seat per 90s in the morning, 8B", 400 / 90),
    ("pilot van 150 man, 5 vragen per dag, llama 3.1 8b", 150 * 5 / DAY),
    ("gpt-oss-120b. one user fires a request every 20 seconds; about 500 of our 4000 seats are active at once", 25),
    ("30.000 Studierende, davon 10 % täglich aktiv, je 6 Fragen am Tag, 8B", 30_000 * 0.1 * 6 / DAY),
    ("120 farmacias, cada una recibe como 400 mensajes al dia, llama 3.1 8b", 120 * 400 / DAY),
    ("2,400 calls an hour, the bot speaks nine times per call, llama 3.1 8b", 2400 * 9 / 3600),
    ("9,600 tickets per shift, three shifts, triage with 8B", 9600 * 3 / DAY),
    ("they ask about twice an hour, eight hours a day, and there are 640 of them, 8B", 640 * 2 * 8 / DAY),
    ("14 mio customers, the bot gets 3.1 mio dialogs a month, ~7 turns a dialog, 8B", 3.1e6 * 7 / 2_628_000),
    ("1.1M queries/day, but only 18% will hit the LLM, 8B", 1.1e6 * 0.18 / DAY),
    ("a tutor for 900k pupils; in the pilot (4,100 pupils) we saw 0.9 messages per pupil per day, 8B", 9e5 * 0.9 / DAY),
    ("our loadtest: 250 users, spawn rate 10, think time 5-15s, response time 4.2 s, model phi-4, 1k in", 250 / 14.2),
    ("8B, 350 simultaneous calls, each caller talks every ~8 seconds", 350 / 8),
    ("8B, 52 rps peak 19 rps avg", 19.0),
    ("8B, peak 52 rps avg 19 rps", 19.0),
]


@of_every(PRODUCTS, name=lambda case: case[0])
def test_a_product_is_read_or_offered_first(line: str, rate: float) -> None:
    reading = interpret(line, CATALOG)
    offered = [choice.value for question in reading.questions if question.path == RATE for choice in question.choices]
    read = reading.values.get(RATE, offered[0] if offered else 0.0)
    ratio = 1.5 if any("at the peak" in one.choices[0].label for one in reading.questions if one.choices) else 1.0
    assert read * ratio * reading.values.get("traffic.calls_per_request", 1.0) == pytest.approx(rate, rel=0.01)


@of_every(
    [
        ("8B, 20 rps, 30% of it comes from Asia", 20.0),
        ("8B, 20 rps, 90 of 100 requests hit the cache", 20.0),
        ("8B, 20 rps, prompts carry two images each", 20.0),
        ("8B on L40S at 0.87 an hour each, 5 rps", 5.0),
        ("8B, 300 containers, 3000 questions per hour", 3000 / 3600),
        ("8B, 1.2M requests a month, 70% between 8 and 16", 1.2e6 / 2_628_000),
        ("20 rps, that is 1,200 requests a minute, 8B", 20.0),
    ],
    name=lambda case: case[0],
)
def test_figures_that_multiply_no_load_leave_it(line: str, rate: float) -> None:
    reading = interpret(line, CATALOG)
    assert reading.values.get(RATE) == pytest.approx(rate)


def test_what_the_product_leaves_out_is_told() -> None:
    reading = interpret("14 mio customers, the bot gets 3.1 mio dialogs a month, ~7 turns a dialog, 8B", CATALOG)
    assert any("14 mio" in unused for unused in reading.unused)


@of_every(
    [
        ("200 analysts with 40 queries a day and 3,000 clerks with 5 a day, 8B", [8_000 / DAY, 15_000 / DAY], True),
        ("Europe 12 req/s, US 20 req/s, APAC 4 req/s; 8B", [12, 20, 4], True),
        ("A) 130 r/s classification. B) 7 r/s long answers, 8B", [130, 7], True),
        ("Wave 1 (Q1) 2,000 users, wave 2 (Q2) 9,000, wave 3 (Q4) 31,000. 14 prompts per user per day, 8B",
         [2_000 * 14 / DAY, 9_000 * 14 / DAY, 31_000 * 14 / DAY], False),
        ("week 1: 50 users, week 4: 500, week 12: 5,000, each 10 prompts per day, 8B",
         [500 / DAY, 5_000 / DAY, 50_000 / DAY], False),
        ("pilot van 150 man, 5 vragen per dag, straks 2600 medewerkers, 8B", [750 / DAY, 13_000 / DAY], False),
    ],
    name=lambda case: case[0],
)  # fmt: skip
def test_of_several_loads_each_and_all_together_are_offered(line: str, each: list[float], all_first: bool) -> None:
    (question,) = [one for one in interpret(line, CATALOG).questions if one.path == RATE]
    values = [choice.value for choice in question.choices[: len(each) + 1]]
    assert sorted(values) == pytest.approx(sorted([*each, sum(each)]))
    assert (values[0] == pytest.approx(sum(each))) == all_first


@of_every(
    [
        ("12 rps on average, 40 rps at peak, 8B", 12.0),
        ("presently 500 users on llama 3 8b, soon 4,000 users, 15 questions each per day", 60_000 / DAY),
        ("8B, 3 rps in January, 9 rps in December", 3.0),
    ],
    name=lambda case: case[0],
)
def test_two_figures_of_one_load_are_not_added(line: str, rate: float) -> None:
    assert interpret(line, CATALOG).values.get(RATE) == pytest.approx(rate)


@of_every(
    [
        ("how many users of Llama 4 Scout can we put on 8 H100? typical user: 5 prompts per hour", 5 / 3600),
        ("how many employees can one 8xH100 node serve with 8B if an employee asks 12 questions a day?", 12 / DAY),
        ("how many concurrent chats fit on 4x H100 with 8B when a user writes every 30 s?", 1 / 30),
    ],
    name=lambda case: case[0],
)
def test_what_one_of_them_does_is_no_load_where_their_number_is_asked(line: str, each: float) -> None:
    reading = interpret(line, CATALOG)
    assert RATE not in {*reading.values, *(question.path for question in reading.questions)}
    assert {one.path: one.value for one in reading.habits} == {HABIT: pytest.approx(each)}


def test_a_part_of_the_users_of_before_asks() -> None:
    reading = interpret("each 20 a day, a third of them active", CATALOG, known={USERS: 2000.0})
    assert reading.values[RATE] == pytest.approx(2000 / 3 * 20 / DAY)


def test_no_usual_habit_is_the_answer_at_hand_where_figures_of_demand_are_left() -> None:
    (question,) = interpret("8B, 600 lawyers, 12 branches, 5000 documents, 30% of them ask", CATALOG).questions
    assert question.choices[0].value is None
    assert "'5000', '30%'" in question.text


@of_every(
    [("and if we sign the firm, +900 lawyers", 1150), ("plus 900 lawyers", 1150), ("900 lawyers", 900)],
    name=lambda case: case[0],
)
def test_people_who_come_on_top_are_added_to_those_of_before(line: str, users: float) -> None:
    reading = interpret(line, CATALOG, known={USERS: 250.0, HABIT: 1e-3, RATE: 0.25})
    assert {one.path: one.value for one in reading.habits}[USERS] == users
