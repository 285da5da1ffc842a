"""The dialogue as a function: back restores exactly, no line raises, no number is lost, slots and spec go together."""

import re
from functools import cache
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.after_plan.beside.suggestions import questions_about
from agent.dialogue import step
from agent.exports import format_by_suffix, formats
from agent.fields.table import FIELDS
from agent.interpret.words.pasted import is_one_block
from agent.session.ports import ports_of
from agent.session.running_session import prompt_for
from agent.talk.keywords import keyword_in
from agent.talk.slots import ASKED, OFFERED, SLOTS, slot_called
from agent.talk.speech import Write
from agent.talk.state import Clarify, NameFile, State
from catalogs.records.facts import Record
from engine.plan import CapacityPlan
from engine.workload import Statement, WorkloadSpec, missing
from tests.agent.talks import ports, words
from tests.draws import draws
from tests.work import python_calls

pytestmark = pytest.mark.usefixtures("offline")

SENTENCE = "70B fp8 on H100, 20 rps, 1.5k in, 300 out"


def after(*lines: str, state: State | None = None) -> State:
    state = state or State()
    for line in lines:
        state, _ = step(state, line, ports())
    return state


@cache
def a_plan() -> State:
    return after(SENTENCE, "")


# --- slots ------------------------------------------------------------------------------------------------------------


def test_what_a_spec_requires_is_asked() -> None:
    assert {FIELDS[path].slot for path in missing({})} <= {slot.id for slot in ASKED}
    assert all(FIELDS[path].answers for path in missing({}))


def test_an_offered_slot_has_a_default_with_its_reason_and_an_asked_one_without_default_is_required() -> None:
    assert all(slot.default and slot.default_reason for slot in OFFERED)
    for slot in ASKED:
        assert bool(slot.default) != bool(set(slot.paths) & set(missing({})))


def test_every_slot_is_found_by_each_of_its_names_and_no_two_share_one() -> None:
    names = [name for slot in SLOTS for name in (slot.id, *slot.names)]
    assert len(names) == len(set(names))
    for slot in SLOTS:
        assert all(slot_called(name) is slot for name in (slot.id, *slot.names))


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: slot.id)
def test_each_example_of_a_slot_is_understood_where_it_is_asked(slot: Any) -> None:
    """An example that the reader would not take teaches something wrong."""
    for example in examples(slot.example):
        reading = ports().read(example, ports().catalog, asked_path=slot.path)
        filled = {said_value.path for said_value in reading.said_values} | {
            question.path for question in reading.questions
        }
        assert filled & set(slot.paths), example


def examples(text: str) -> list[str]:
    """Return the examples of a slot; a comma in a number or before 'or' joins them."""
    return [text] if "," not in text else [part for part in re.split(r",(?!\d)\s*", text) if part]


# --- back -------------------------------------------------------------------------------------------------------------

LINES = st.sampled_from(
    [
        SENTENCE, "70B", "llama 3 8b", "gpt oss", "20 rps", "5 million requests a day", "10-20 rps", "500", "300 out",
        "1.5k in", "8-bit", "fp8", "int4", "H100", "A100 or L40S", "not H100", "choose for me", "", "yes", "no", "1",
        "2", "idk", "default", "defaults", "skip", "review", "edit traffic", "edit answer to 100 tokens", "help", "why",
        "edit nothing", "why peak", "start over", "p95 TTFT 800ms", "peak 2x", "N+1", "it is a chatbot", "resume",
        "40% prefix hit", "under $20k a month", "save", "save plan.txt", "3 countries", "-5 rps", "99 rps", "8 GPUs",
        "actually 40 rps", "owner/unknown", "~nobody", "~/nothing.json",
    ]
)  # fmt: skip


@settings(max_examples=draws(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(LINES, min_size=1, max_size=8), LINES)
def test_back_after_any_accepted_line_restores_the_state_exactly(before: list[str], line: str) -> None:
    state = after(*before)
    if state.phase == "done":
        return
    new, _ = step(state, line, ports())
    if new is not state:
        restored, says = step(new, "back", ports())
        assert restored is state
        assert words(says)


def test_back_restores_across_a_line_that_filled_six_slots() -> None:
    state = after("8B")
    full = after("fp8 on H100, 20 rps, 1.5k in, 300 out, p95 TTFT 800ms", state=state)
    assert len(full.values) >= 6
    assert after("back", state=full) is state


def test_a_rate_that_is_always_at_its_peak_has_no_peak_above_it() -> None:
    line = "llama 3.1 8B on H100, 20 rps at peak, 1000 in, 200 out"
    always, usual = after(line, "2").values, after(line, "1").values
    assert always["traffic.requests_per_s"] == 20
    assert always["traffic.peak_factor"] == 1
    assert usual["traffic.requests_per_s"] == pytest.approx(20 / 1.5)
    assert "traffic.peak_factor" not in usual


def test_back_at_the_beginning_says_so() -> None:
    state, says = step(State(), "back", ports())
    assert state == State()
    assert "nothing before" in words(says)


def test_the_lines_of_a_state_lead_to_it_again() -> None:
    """What a saved session holds is enough."""
    state = after(
        "70B", "gpt oss", "back", "20 rps", "8-bit", "2", "500", "idk", "yes", "H100", "", "what if traffic doubles"
    )
    assert after(*state.lines) == state


# --- any text ---------------------------------------------------------------------------------------------------------

STARTS = [
    (),
    ("70B",),
    ("70B", "20 rps", "500", "200"),
    (SENTENCE,),
    (SENTENCE, "8-bit"),
    ("idk",),
    (SENTENCE, "edit traffic"),
]


def test_the_same_edit_again_asks_again() -> None:
    state = after(SENTENCE, "edit traffic")
    new, says = step(state, "EDIT TRAFFIC", ports())
    assert new is state
    assert "How much traffic" in words(says)


@settings(max_examples=draws(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(STARTS), st.text(max_size=60) | LINES)
def test_no_line_raises_and_something_is_said(start: tuple[str, ...], line: str) -> None:
    state = after(*start)
    new, says = step(state, line, ports())
    assert says or new.phase == "planned"
    assert prompt_for(new, ports())


@settings(max_examples=draws(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(max_size=60)
    | st.sampled_from(
        [
            "why",
            "why not",
            "why $",
            "keep",
            "keep 99",
            "show 7",
            "compare",
            "compare x",
            "save",
            "export",
            "cheapest",
            "half",
            "2x",
            "full 3",
            "and",
        ]
    )
)
def test_no_line_after_the_plan_raises(line: str) -> None:
    new, says = step(a_plan(), line, ports())
    assert says or new.pending or new.phase == "done"


@pytest.mark.parametrize(
    "line",
    [
        "\x00\x1b[31m",
        "🦙" * 30,
        "a" * 5000,
        "it was " * 70,
        "no wait it was " * 40,
        "target " * 70,
        "\u202e70B",
        "9" * 400,
        "1e999 rps",
        "save \x00.json",
    ],
)
def test_hostile_text_is_answered_in_words(line: str) -> None:
    for state in (State(), after(SENTENCE), a_plan()):
        new, says = step(state, line, ports())
        assert says or new is not state


NUMBERS = st.integers(min_value=2, max_value=9999)


@settings(max_examples=draws(60), deadline=None)
@given(NUMBERS, st.sampled_from(["{} countries", "we launch in {}", "response {} OK", "room {}", "version {}", "{}"]))
def test_every_number_said_is_used_or_reported(number: int, template: str) -> None:
    line = template.format(number)
    state, says = step(after("70B"), line, ports())
    used = str(number) in str(dict(state.values)) or str(number) in str(state.pending)
    assert used or str(number) in words(says).replace(",", "")


# --- the phases -------------------------------------------------------------------------------------------------------


def test_the_six_questions_come_in_order_and_the_defaults_never_block() -> None:
    state, prompts = State(), []
    for line in ("70B", "20 rps", "1500", "300", "", "", ""):
        prompts.append(prompt_for(state, ports()))
        state = after(line, state=state)
    assert prompts == ["model> ", "traffic> ", "prompt> ", "answer> ", "precision> ", "accelerator> ", "plan?> "]
    assert state.phase == "planned"


def test_a_bare_number_fills_only_the_slot_that_is_asked() -> None:
    assert dict(after("70B", "20").values) == {"model": "70B", "traffic.requests_per_s": 20}
    assert dict(after("70").values) == {"model": "70B"} or "model" in after("70").values


def test_a_checkpoint_that_names_its_precision_is_not_asked_for_it() -> None:
    state = after("RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8", "20 rps", "500", "200")
    assert prompt_for(state, ports()) == "accelerator> "


def test_a_fleet_that_is_given_may_ask_for_the_rate() -> None:
    state, says = step(State(), "70B fp8 on 8xH100, 1.5k in, 300 out", ports())
    assert "Enter asks for the largest rate that this fleet holds" in words(says)
    planned = after("", "", state=state)
    plan = planned.base.capacity_plan
    assert plan is not None
    assert plan.fleet.accelerators == 8
    assert plan.spec.traffic.requests_per_s is None


def test_a_second_value_is_asked_about_never_last_wins() -> None:
    state = after("70B", "20 rps", "500 in, 30 rps")
    assert isinstance(state.pending, Clarify)
    assert after("2", state=state).values["traffic.requests_per_s"] == 20
    assert after("30", state=state).values["traffic.requests_per_s"] == 30


def test_a_correction_replaces_and_says_what_it_replaces() -> None:
    state, says = step(after("70B", "20 rps"), "actually 30 rps", ports())
    assert state.values["traffic.requests_per_s"] == 30
    assert "before: 20 requests/s" in words(says)


def test_what_cannot_be_a_spec_is_refused_whole() -> None:
    state = after("70B")
    new, says = step(state, "20 rps, 120% prefix hit", ports())
    assert "prefix_hit" not in str(dict(new.values))
    assert "120" in words(says)


def test_the_review_marks_defaults_and_names_sources() -> None:
    _, says = step(after(SENTENCE), "review", ports())
    shown = words(says)
    assert 'traffic: 20 requests/s on average (said "20 rps")' in shown
    assert "peak: 1.5 × the mean (default: " in shown
    for slot in SLOTS:
        assert f"{slot.id}:" in shown


def test_the_review_warns_before_the_run_of_what_cannot_work() -> None:
    _, says = step(State(), "llama 3.1 70b fp8 on V100, 2 rps, 500 in, 200 out", ports())
    assert "Before you run it" in words(says)
    _, says = step(State(), "llama 3.1 8b bf16 on H100, 2 rps, 200k in, 200 out", ports())
    assert "Before you run it" in words(says)


def test_a_target_below_the_floor_is_warned_of() -> None:
    _, says = step(State(), f"{SENTENCE}, p95 ITL 1 ms", ports())
    assert "out of reach" in words(says)


def test_a_refused_question_stays_in_the_review() -> None:
    state = after("llama 3.1 8b bf16 on H100, 2 rps, 200k in, 200 out")
    new, says = step(state, "", ports())
    assert new is state
    assert "cannot be planned" in words(says)


def test_where_nothing_fits_full_shows_every_candidate_that_was_tried() -> None:
    state, says = step(after("deepseek v3 bf16 on 1 GPU, 10 rps, 500 in, 200 out", ""), "", ports())
    left = re.search(r"(\d+) more with 'full 0'", words(says))
    assert left
    every = words(step(state, "full 0", ports())[1])
    assert every.count("does not fit") - words(says).count("does not fit") == int(left[1])
    assert " more with " not in every


def test_edit_after_the_plan_leads_to_the_review_and_a_new_plan() -> None:
    state = after("edit traffic", "40 rps", state=a_plan())
    assert state.phase == "review"
    again = after("", state=state)
    assert again.kept == 1
    assert "40 requests/s" in again.base.label


def test_power_is_edited_reviewed_and_asked_about_after_the_plan() -> None:
    state, says = step(after(SENTENCE), "edit power to 40 kW", ports())
    assert state.values["hardware.max_power_kw"] == 40
    assert "at most 40 kW" in words(step(state, "review", ports())[1])
    assert "H100" in words(step(state, "why power", ports())[1])
    planned = after("", state=state)
    assert planned.base.capacity_plan is not None
    variant, says = step(planned, "what if we only have 20 kW", ports())
    assert variant.branches[-1].spec.hardware.max_power_kw == 20
    assert "at most 20 kW" in words(says)
    free, says = step(planned, "without a power limit", ports())
    assert free.branches[-1].spec.hardware.max_power_kw is None


def test_saving_asks_before_it_overwrites_and_about_other_endings() -> None:
    there = ports_of(ports().catalog)
    there = replace(there, exists=lambda path: path == "old.json")
    state, says = step(a_plan(), "save new.json", there)
    assert [one.path for one in says if isinstance(one, Write)] == ["new.json"]
    state, says = step(a_plan(), "save old.json", there)
    assert isinstance(state.pending, NameFile)
    assert not any(isinstance(one, Write) for one in says)
    _, says = step(state, "yes", there)
    assert [(one.path, one.overwrite) for one in says if isinstance(one, Write)] == [("old.json", True)]
    state, says = step(a_plan(), "save plan.txt", there)
    assert isinstance(state.pending, NameFile)
    assert ".json (the plan)" in state.pending.text
    _, says = step(state, "as it is", there)
    assert [one.path for one in says if isinstance(one, Write)] == ["plan.txt"]


@pytest.mark.parametrize("word", ["save", "export", "save the report as", "export it to"])
@pytest.mark.parametrize("name", [name for known in formats().values() for name in (f"x{s}" for s in known.suffixes)])
def test_a_plan_is_saved_in_the_format_that_its_name_ends_in(word: str, name: str) -> None:
    state = a_plan()
    plan = state.base.capacity_plan
    written = format_by_suffix(name)
    assert plan is not None
    assert written is not None
    says = step(state, f"{word} {name}", ports())[1]
    assert says == (Write(name, written.files(plan, ports().catalog), overwrite=False, what=written.content),)


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("export to kubernetes", "kubernetes.yaml"),
        ("please export it as k8s manifests", "kubernetes.yaml"),
        ("give me the KEDA rule", "keda.yaml"),
        ("can you generate a grafana dashboard", "dashboard.json"),
        ("write the alerts for prometheus", "prometheus-rules.yaml"),
        ("write a report for my manager", "plan.html"),
        ("I need the helm values", "helm-values"),
        ("create a docker compose file", "compose.yaml"),
    ],
)
def test_a_plan_is_exported_by_what_people_call_it(line: str, file: str) -> None:
    (write,) = step(a_plan(), line, ports())[1]
    assert isinstance(write, Write)
    assert (write.path, write.overwrite) == (file, False)
    taken = replace(ports(), exists=lambda path: path == file)
    (write,) = step(a_plan(), line, taken)[1]
    assert isinstance(write, Write)
    assert "-2" in write.path, "what is there is left alone"


@pytest.mark.parametrize(
    ("line", "file", "files"),
    [
        ("export kubernetes to k8s.yaml", "k8s.yaml", ["kubernetes.yaml"]),
        ("export keda to scale.yaml", "scale.yaml", ["keda.yaml"]),
        ("export prometheus-rules as alerts.yml", "alerts.yml", ["prometheus-rules.yaml"]),
        ("write the compose file to ./deploy/compose.yml.", "./deploy/compose.yml", ["compose.yaml"]),
        ("export helm values to charts/", "charts/", ["llm-d-modelservice.yaml", "llm-d-objects.yaml"]),
        ("export kubernetes as yaml", "kubernetes.yaml", ["kubernetes.yaml"]),
    ],
)
def test_an_export_goes_to_the_file_that_is_named(line: str, file: str, files: list[str]) -> None:
    (write,) = step(a_plan(), line, ports())[1]
    assert isinstance(write, Write)
    assert write.path == file and set(files) <= set(write.files)
    if file == "scale.yaml":
        asked, _ = step(a_plan(), line, replace(ports(), exists=lambda path: path == file))
        assert isinstance(asked.pending, NameFile) and "scale.yaml exists" in asked.pending.text
        for reply, path, overwrite in (("yes", file, True), ("other.yaml", "other.yaml", False)):
            (write,) = step(asked, reply, ports())[1]
            assert isinstance(write, Write)
            assert (write.path, write.overwrite, *write.files) == (path, overwrite, "keda.yaml")


def test_what_changed_since_another_plan_is_said_where_it_is_told() -> None:
    assert "fleetcast plans" in words(step(a_plan(), "what changed since last month's plan", ports())[1])


def test_an_export_that_a_plan_does_not_have_is_a_sentence() -> None:
    says = step(a_plan(), "give me the token-aware KEDA rule", ports())[1]
    assert not any(isinstance(one, Write) for one in says) or "keda.yaml" in str(says)


def test_start_over_keeps_what_the_user_settings_gave_and_back_returns() -> None:
    root = State(statements=(Statement("settings", {"money.provider": "aws"}, {}),))
    state = after(SENTENCE, state=root)
    fresh = after("start over", state=state)
    assert dict(fresh.values) == {"money.provider": "aws"}
    assert after("back", state=fresh) is state


def test_a_line_is_answered_with_little_work() -> None:
    """It takes some 2,100 calls; a plan takes forty times as many."""
    state, line = after("70B"), "20 rps, 500 in, 200 out, p95 TTFT 800ms"
    step(state, line, ports())  # everything is loaded
    assert python_calls(lambda: step(state, line, ports())) < 6000


def test_keywords_are_whole_lines() -> None:
    assert (
        keyword_in("back")
        and keyword_in("  Go BACK. ")
        and keyword_in("I don't know")
        and keyword_in("I don’t know yet")
    )
    assert keyword_in("save My Plan.json") == keyword_in("save My Plan.json")
    assert keyword_in("save My Plan.json").rest == "My Plan.json"  # type: ignore[union-attr]
    for text in (
        "back to back requests",
        "default region us-east-1",
        "skip the cache",
        "no more than 8 GPUs",
        "next year",
    ):
        assert keyword_in(text) is None


# --- suggestions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        SENTENCE,
        "8B on L4, 1 rps, 200 in, 100 out",
        f"{SENTENCE}, p95 ITL 1 ms",
        f"{SENTENCE}, under $1k a month",
        "70B fp8 on 8xH100, 1.5k in, 300 out, as much as it can",
    ],
)
def test_every_suggestion_is_understood(said: str) -> None:
    state = after(said, "", "")
    while state.phase != "planned":
        state = after("", state=state)
    plan = state.base.capacity_plan
    assert isinstance(plan, CapacityPlan)
    offered = questions_about(plan)
    assert len(offered) >= 2
    for question in offered:
        _, says = step(state, question, ports())
        shown = words(says)
        assert "I found no change" not in shown and "Why not what" not in shown and "cannot say why" not in shown, (
            question
        )


def in_spec(path: str) -> bool:
    model: Any = WorkloadSpec
    *rooms, leaf = path.split(".")
    for room in rooms:
        if room not in model.__struct_fields__:
            return False
        model = get_type_hints(model)[room]
        if not (isinstance(model, type) and issubclass(model, Record)):
            return False
    return leaf in model.__struct_fields__


@pytest.mark.parametrize("start", [(), (SENTENCE,), (SENTENCE, ""), ("llama 70b",)], ids=str)
def test_what_a_word_means_is_told_everywhere_and_changes_nothing(start: tuple[str, ...]) -> None:
    state = after(*start)
    new, says = step(state, "what does TTFT mean?", ports())
    assert new is state
    assert "until the first token" in words(says)


def test_who_does_not_know_which_leaves_the_choice_out_and_gets_a_proposal() -> None:
    state = after("llama 70b")
    assert isinstance(state.pending, Clarify)
    state, says = step(state, "I don't know", ports())
    assert state.pending is None
    assert "Left out: 'llama 70b'" in words(says)
    assert after("idk", "yes", state=state).values["model"]


def test_a_choice_waits_on_while_something_else_is_edited() -> None:
    state = after("20 rps", "gpt oss", "edit traffic to 10 rps")
    assert isinstance(state.pending, Clarify)
    state = after("2", state=state)
    assert state.values["model"] == "gpt-oss-120b"
    assert state.values["traffic.requests_per_s"] == 10


def test_keys_that_a_plain_terminal_passes_on_are_no_words() -> None:
    state, says = step(State(), "\x1b[Z70B\x1b[31m, 20 rps\x1bOA", ports())
    assert state.values["model"] == "70B"
    assert state.values["traffic.requests_per_s"] == 20
    assert "Not used" not in words(says)


def test_a_question_is_no_name_of_a_model() -> None:
    for line in ("hello, what is this?", "👍👍👍", "x" * 500):
        state, says = step(State(), line, ports())
        assert state == State()
        assert "I found nothing to use" in words(says)


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("something like ChatGPT", "gpt-oss-120b"),
        ("a good coding model", "qwen3-coder-30b-a3b"),
        ("the smallest that works", "qwen3-4b-2507"),
        ("best model for coding, 20 rps", "qwen3-coder-30b-a3b"),
    ],
)
def test_who_names_a_purpose_is_offered_three_models_with_reasons(line: str, first: str) -> None:
    state, says = step(State(), line, ports())
    assert isinstance(state.pending, Clarify)
    assert state.pending.question.choices[0].value == first
    assert len(state.pending.question.choices) == 3
    assert "as of 20" in words(says)
    chosen = after("1", state=state)
    assert chosen.values["model"] == first


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("we want to fine-tune llama 70b on 8 H100", "fleetcast train"),
        ("train a 7B from scratch", "fleetcast train"),
        ("embeddings for 5 million documents a day", "--task embed"),
        ("whisper for our call centre", "out of scope"),
        ("batch job: 2 million prompts until friday", "fleetcast batch"),
    ],
)
def test_what_is_no_traffic_is_not_asked_for_its_traffic(line: str, instead: str) -> None:
    state, says = step(State(), line, ports())
    assert state == State()
    assert instead in words(says)
    assert "How much traffic" not in words(says)


def test_a_tuned_model_that_is_served_is_planned() -> None:
    assert after("our fine-tuned llama 3.1 8b, 20 rps").values["traffic.requests_per_s"] == 20


@pytest.mark.parametrize(
    "text",
    [
        "8B\t12\nrps\t5",
        "- 8B in fp8\n- 12 rps",
        "model: 8B\nrps: 12",
        '{\n  "model": "8B",\n  "rps": 12\n}',
        "vllm serve m \\\n  --tensor-parallel-size 4",
        "```\n8B | 12 rps\n```\nall on H100, please",
        "> we want the 8B\n> at 12 rps\nwhat does that take",
        "10:02 ann: it is the 8B\n10:03 bo: 12 rps at the top",
        'requests_total{model="8B"} 120\nwe need twice that',
        "hour,requests\n08,5400\n09,14400\n10,19800",
        "prompt  900     6100\nanswer  200      800\nof the 8B",
    ],
)
def test_lines_of_a_table_a_list_or_a_file_belong_together_and_with_what_is_written_around_them(text: str) -> None:
    assert is_one_block(text)


@pytest.mark.parametrize("text", ["8B\n12 rps\n500", "8B", "is it cheap?\nwhy"])
def test_lines_that_answer_one_after_another_do_not(text: str) -> None:
    assert not is_one_block(text)


@pytest.mark.parametrize(
    "line",
    [
        "is spot cheaper?",
        "why so many of them",
        "what if traffic doubles",
        "how much power does it draw?",
        "summarise it for my boss",
        "what would N+1 cost?",
    ],
)
def test_a_question_waits_for_no_default_and_sets_nothing(line: str) -> None:
    asked, _ = step(State(), "8B, 5 rps, 500 in, 200 out", ports())
    state, says = step(asked, line, ports())
    assert state.phase == "planned"
    assert state.branches[0].values == asked.values
    assert "Assumed: precision" in words(says)


@pytest.mark.parametrize(
    "line",
    [
        "is gcp cheaper?",
        "would H200 be faster?",
        "is H200 better than H100?",
        "should I use int4?",
        "can it run on 4 GPUs?",
        "do we need a spare?",
        "is 500 ms TTFT realistic?",
        "how much is reserved for a year?",
        "what does an a100 cost on aws?",
    ],
)
def test_a_question_before_everything_is_known_chooses_nothing_and_names_what_is_missing(line: str) -> None:
    asked, _ = step(State(), "8B fp8, 500 in, 200 out", ports())
    state, says = step(asked, line, ports())
    assert (state.values, state.pending) == (asked.values, None)
    assert "once there is a plan. Still needed: traffic" in words(says)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("how many H100 do I need for 20 rps?", "hardware.accelerators"),
        ("what does it cost at 20 rps on gcp?", "money.provider"),
        ("can we use H100s?", "hardware.accelerators"),
        ("what about H200?", "hardware.accelerators"),
    ],
)
def test_a_question_that_states_the_load_or_is_a_wish_is_taken(line: str, path: str) -> None:
    asked, _ = step(State(), "8B fp8, 500 in, 200 out", ports())
    assert path in step(asked, line, ports())[0].values


@pytest.mark.parametrize(
    "line",
    ["fp8?", "on H100", "is for internal use", "we are a law firm", "we launch in 2026 in 3 countries", "12 rps"],
)
def test_what_states_something_plans_nothing_yet(line: str) -> None:
    asked, _ = step(State(), "8B, 5 rps, 500 in, 200 out", ports())
    assert not step(asked, line, ports())[0].branches


@pytest.mark.parametrize("line", ["they come to our counters every morning", "signed in, I mean", "p95 of 2"])
def test_a_sentence_that_is_not_understood_is_no_model(line: str) -> None:
    state, says = step(State(), line, ports())
    assert "model" not in state.values
    assert "No model is called" not in words(says)
    assert "Still needed: model" in words(says)
