"""What a file fills into the form, and what is offered for a warning: whoever applies it has one warning less."""

import json
import re
from collections.abc import Mapping
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest

from agent.exports.json import json_text
from agent.session.stated_sentence import stated_in
from catalogs.catalog import Catalog
from commands.serve.answers.beyond_answer import fixes, imported
from commands.serve.answers.form import fields_of_sentence
from commands.serve.answers.page_parts import page_answer
from commands.serve.answers.work import Desk, asked, from_flags
from engine.method import forecast
from engine.plan import CapacityPlan, plan_json

FORM = {"model": "llama-3.1-70b", "rps": "20", "ttft-p95": "800ms", "max-gpus": "4", "input-tokens": "1500"}


@cache
def desk() -> Desk:
    return Desk(Catalog.load([]))


def planned(texts: Mapping[str, str]) -> CapacityPlan:
    question = asked([from_flags(texts)], desk()).completed()
    plan = forecast(question.spec, desk().facts, sources=question.sources, verify=False)
    assert isinstance(plan, CapacityPlan)
    return plan


def taken(name: str, text: str) -> tuple[dict[str, str], list[str]]:
    """Return the form after a file was taken, without its empty fields, and what is said of the file."""
    told: dict[str, Any] = json.loads(imported({"name": name, "text": text, "flags": FORM}, desk()).body)
    return {field: text for field, text in {**FORM, **told["flags"]}.items() if text}, told["notes"]


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_plan_takes_the_place_of_the_form() -> None:
    """Its load is another kind's, its targets are others and it has no ceiling: nothing of the form's own stays."""
    texts = {"model": "llama-3.1-8b", "concurrency": "16", "input-tokens": "600", "output-tokens": "100"}
    plan = planned(texts | {"gpu-type": "l4"})
    form, _ = taken("plan.json", json_text(plan_json(plan)))
    assert planned(form).spec == plan.spec
    assert not {"rps", "max-gpus"} & form.keys()


@pytest.mark.parametrize(
    "sentence",
    [
        "chat with llama 3.1 8B, 5 rps on l4, TTFT p95 2s",
        "a chatbot, 70B fp8 on 8 H100",
        "70B fp8 on H100, 20 rps, 1.5k in, 300 out, p95 TTFT 800ms",
        "llama 3.1 8B, 3M requests a day, 900 in, 150 out, at most 16 GPUs, reserved for a year",
    ],
)
def test_the_form_holds_what_a_sentence_says(sentence: str) -> None:
    """The page's plan is the terminal's: what a preset fills in is the preset's, hours of the day among it."""
    told = read_by_page(sentence, {})
    in_terminal = asked([stated_in(sentence, desk().facts, answered={}).statement], desk())
    assert asked([from_flags(told["flags"])], desk()).values == in_terminal.values
    assert not [note for note in told["notes"] if "has no field" in note]


@pytest.mark.parametrize("sentence", ["a month", "the", "hello", "make me a sandwich"])
def test_a_sentence_that_says_nothing_fills_nothing_and_is_told_what_is_needed(sentence: str) -> None:
    told = read_by_page(sentence, {})
    assert (told["flags"], told["understood"]) == ({}, False)
    assert "Still needed: a rate (rps 10" in told["notes"][-1]


AMBIGUOUS = [
    ("llama 3.1 8b on l4, 1M requests per day, 2k in, 500 out, budget $5000", {"budget": "5000"}),
    ("llama 3.1 8b on l4, 20 rps, 32 concurrent, 2k in, 500 out", {"concurrency": "32"}),
    ("llama 3.1 8b 10 rps 500 tokens", {"output-tokens": "500"}),
    ("llama 70b on 8 gpus, 2k in, 500 out", {"model": "llama-3.1-70b"}),
]


@pytest.mark.parametrize(("sentence", "field"), AMBIGUOUS, ids=[next(iter(field)) for _, field in AMBIGUOUS])
def test_what_a_sentence_leaves_open_is_offered_as_links_that_settle_it(sentence: str, field: dict[str, str]) -> None:
    """A link says the sentence and the field; nothing is filled before, and what is not settled is asked again."""
    told = read_by_page(sentence, {})
    assert not told["flags"].keys() & field.keys()
    links = [dict(parse_qsl(unescape(one))) for one in re.findall(r'href="/\?([^"]*)"', told["open"])]
    assert {"sentence": sentence, **field} in links
    assert len(links) > 1
    for one in links:
        settled = read_by_page(one.pop("sentence"), one)
        assert settled["open"] == ""
        assert one.items() <= settled["flags"].items()


def test_what_a_sentence_cannot_mean_stands_in_the_place_of_the_plan() -> None:
    told = read_by_page("llama 3.1 8b on l4, 5 rps, 500 in, 200 out, TTFT p95 0.01ms", {})
    assert "implausible" in told["objected"]


def read_by_page(sentence: str, flags: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(fields_of_sentence({"sentence": sentence, "flags": flags}, desk()).body)
    return told


def test_a_plan_of_a_preset_is_the_preset_again() -> None:
    plan = planned({"model": "llama-3.1-8b", "rps": "5", "preset": "chat", "input-tokens": "600", "gpu-type": "l4"})
    form, notes = taken("plan.json", json_text(plan_json(plan)))
    assert planned(form).spec == plan.spec
    assert (form["preset"], len(notes)) == ("chat", 1), "nothing of it is left out"


@pytest.mark.parametrize("texts", [{"model": "llama-3.1-8b", "rps": "5"}, {"rps": "5", "preset": "chat"}])
def test_what_is_still_needed_is_said_in_the_forms_words_and_can_be_applied(texts: dict[str, str]) -> None:
    told = json.loads(page_answer({"flags": texts}, desk()).body)["html"]
    assert "Still needed" in told
    assert "--" not in told
    proposed = [json.loads(unescape(one)) for one in re.findall(r'data-apply="([^"]*)"', told)]
    assert any(asked([from_flags(texts | one)], desk()).missing == () for one in proposed)


REFUSED: list[tuple[dict[str, str], list[dict[str, str]]]] = [
    ({"rps": "fast"}, []),
    ({"rps": "0"}, []),
    ({"rps": "'1"}, []),
    ({"prefix-hit": "50"}, [{"prefix-hit": "50%"}]),
    ({"growth-rate": "0.5"}, [{"growth-rate": "0.5%"}, {"growth-rate": "50%"}]),
    ({"term": "spott"}, [{"term": "spot"}]),
    ({"concurrency": "3"}, [{"rps": ""}, {"concurrency": ""}]),
    ({"tp": "3"}, [{"tp": "2"}]),
]


@pytest.mark.parametrize(("wrong", "offered"), REFUSED, ids=[str(wrong) for wrong, _ in REFUSED])
def test_only_what_works_is_offered_where_there_is_no_plan(
    wrong: dict[str, str], offered: list[dict[str, str]]
) -> None:
    """In the form's words, never the text that was refused, and with nothing that says that there is a plan."""
    texts = {"model": "llama-3.1-8b", "gpu-type": "l4", "rps": "3", "input-tokens": "500", "output-tokens": "200"}
    told = json.loads(page_answer({"flags": texts | wrong}, desk()).body)
    assert [json.loads(unescape(one)) for one in re.findall(r'data-apply="([^"]*)"', told["html"])] == offered
    assert not re.search(r"--[a-z]", told["html"])
    assert not told.get("planned")
    for changes in offered:
        form = {name: text for name, text in {**texts, **wrong, **changes}.items() if text}
        assert json.loads(page_answer({"flags": form}, desk()).body)["planned"]


def measured(input_tokens: str = "512", load: str = "16", points: int = 1, model: str = "llama-3.1-8b") -> str:
    columns = "model,accelerator,load,tp,engine,input_tokens,output_tokens,concurrency,ttft_ms_mean,itl_ms_mean\n"
    return columns + points * f"{model},h100-sxm-80gb,concurrency,1,vllm,{input_tokens},200,{load},50,10\n"


@pytest.mark.parametrize(("tokens", "filled"), [("1048577", "1048577"), ("1023.5", "1024"), ("512", "512")])
def test_a_field_is_filled_with_what_was_measured_as_far_as_it_takes_it(tokens: str, filled: str) -> None:
    form, notes = taken("points.csv", measured(tokens))
    assert form["input-tokens"] == filled
    assert any(tokens in note for note in notes) == (tokens != filled), "whatever is not filled as it stands is said"
    from_flags(form)  # each field takes its text


def test_a_name_that_looks_like_a_number_stays_a_name() -> None:
    assert taken("points.csv", measured(model="123456789"))[0]["model"] == "123456789"


def test_only_a_load_that_the_file_names_becomes_the_question() -> None:
    form, notes = taken("points.csv", measured(load="16"))
    assert (form["concurrency"], form.get("rps")) == ("16", None)
    assert "the last one's load is the question now" in notes[0]
    form, notes = taken("points.csv", measured(load=""))
    assert (form.get("concurrency"), form["rps"]) == (None, "20")
    assert "the load stays as it was" in notes[0]


def test_what_was_measured_takes_the_place_of_what_would_contradict_it() -> None:
    told = json.loads(
        imported({"name": "a.csv", "text": measured(), "flags": {"model-size": "70B", "rps": "3"}}, desk()).body
    )
    assert (told["flags"]["model-size"], told["flags"]["rps"]) == ("", "")


def test_the_points_of_the_file_are_counted_and_not_those_that_are_shown() -> None:
    notes = taken("points.csv", measured(points=51))[1]
    assert "51 points measured" in notes[0]
    assert "the first 40 are shown" in notes[0]
    assert "1 point measured" in taken("points.csv", measured())[1][0]


# --- what mends a warning ---------------------------------------------------------------------------------------------

QUESTION = {
    "model": "llama-3.1-70b", "precision": "fp16", "input-tokens": "500", "output-tokens": "200",
    "gpu-type": "a100-sxm-80gb", "rps": "50",
}  # fmt: skip


@pytest.mark.parametrize(
    "limit",
    [
        {"max-gpus": "8"},
        {"gpus": "8"},
        {"max-power": "5kW"},
        {"max-nodes": "1"},
        {"replicas": "2"},
        {"max-replicas": "2", "default-targets": "none"},
        {"max-gpus": "8", "max-nodes": "2"},
    ],
)
def test_a_limit_that_is_too_low_is_mended_by_that_limit(limit: dict[str, str]) -> None:
    """Links are followed as long as a limit of the question is offered: it ends, with a plan that keeps them all."""
    texts = QUESTION | limit
    for _ in range(len(limit) + 1):
        offered = offers(texts)
        assert {"default-targets": "none"} not in offered, "no target is in the way of a fleet's size"
        mends = next((changes for changes in offered if changes.keys() & limit.keys() - {"default-targets"}), None)
        if mends is None:
            break
        assert mends.keys() <= limit.keys()
        texts |= mends
    assert texts != QUESTION | limit
    assert planned(texts).answer.meets_targets


def test_a_plan_that_does_what_was_asked_is_offered_nothing_of_those_that_cannot() -> None:
    """Over all accelerators many cannot hold the model: that is no warning of the plan that can."""
    texts = {name: text for name, text in QUESTION.items() if name not in ("gpu-type", "precision")}
    assert any(miss.relaxations for miss in planned(texts).rejected)
    assert offers(texts) == []


WARNED = [
    ({"gpu-type": "h100", "budget": "5000"}, "over budget", "budget"),
    ({"gpu-type": "h100", "default-targets": "none"}, "no latency target was given", "default-targets"),
    ({"gpu-type": "h100", "runtime": "vllm@99.1"}, "vLLM 99.1 is newer", "runtime"),
    ({"ttft-p95": "150ms"}, "TTFT p95 is ", "ttft-p95"),
]


@pytest.mark.parametrize(("more", "warning", "field"), WARNED, ids=[field for _, _, field in WARNED])
def test_what_mends_a_warning_stands_with_it_and_mends_it(more: dict[str, str], warning: str, field: str) -> None:
    texts = QUESTION | {"rps": "10"} | more
    mended, _ = fixes(planned(texts), texts, desk())
    changes = next(
        change for said, found in mended.items() if said.startswith(warning) for change in found if field in change
    )
    after = planned({name: text for name, text in {**texts, **changes}.items() if text})
    assert not [said for said in after.warnings if said.startswith(warning)]


def offers(texts: Mapping[str, str]) -> list[dict[str, str]]:
    mended, other = fixes(planned(texts), texts, desk())
    return [change for found in (*mended.values(), other) for change in found]
