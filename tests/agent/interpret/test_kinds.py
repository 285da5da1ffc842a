"""Every sentence of a kind gives what it must, asks what it must, and says what of it was not used."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from agent.collect.beyond import out_of_scope
from agent.dialogue import step
from agent.interpret import interpret
from agent.interpret.facts.reading import Reading
from agent.session.ports import ports_of
from agent.session.stated_sentence import stated_in
from agent.talk.state import State
from catalogs.catalog import Catalog
from engine.workload import Target
from tests.every import of_every

CATALOG = Catalog.load()
FOLDER = Path(__file__).parent / "sentences"
KINDS = (
    *("languages", "pasted", "formats", "domains", "places", "failures", "wishes", "contradictions"),
    *("orders", "replacements", "shorthand", "fractions", "crowds", "chats", "told", "sums", "surges", "grown"),
    *(
        "keys",
        "withdrawn",
        "told_context",
        "parts",
        "strange",
        "prices",
        "several",
        "ordered",
        "tongues",
        "workloads",
        "shapes",
        "shares",
        "closed",
        "servers",
        "beside",
        "machines",
        "now",
        "stages",
    ),
)
PATHS = {
    "rate": "traffic.requests_per_s",
    "concurrency": "traffic.concurrency",
    "peak": "traffic.peak_factor",
    "surge": "traffic.surge_requests_per_s",
    "surge_s": "traffic.surge_s",
    "calls": "traffic.calls_per_request",
    "growth": "traffic.growth_per_year",
    "horizon": "traffic.horizon_years",
    "in": "tokens.input.mean",
    "out": "tokens.output.mean",
    "in95": "tokens.input.p95",
    "out95": "tokens.output.p95",
    "prefix": "tokens.prefix_hit",
    "thinking": "tokens.reasoning_tokens",
    "weights": "precision.weights",
    "kv": "precision.kv_cache",
    "gpus": "hardware.accelerators",
    "count": "hardware.accelerator_count",
    "replicas": "hardware.replicas",
    "power": "hardware.max_power_kw",
    "spares": "availability.spare_replicas",
    "context": "serving.context_window",
    "batch": "serving.batch_cap",
    "tp": "serving.tensor_parallel",
    "memory": "serving.memory_utilisation",
    "budget_tokens": "serving.token_budget",
    "runtime": "serving.runtime",
    "provider": "money.provider",
    "region": "money.region",
    "term": "money.term",
    "nodes": "hardware.nodes",
    "per_node": "hardware.accelerators_per_node",
}
CLASSES = {
    "consumer_excluded": ("hardware.excluded", lambda a: a.consumer),
    "outside_excluded": ("hardware.excluded", lambda a: a.consumer or a.form in ("SoC", "CPU")),
    "consumer_only": ("hardware.accelerators", lambda a: a.consumer and not a.announced_only),
    "amd_only": ("hardware.accelerators", lambda a: a.vendor == "AMD" and not a.announced_only),
}
"""Short names of what a sentence gives that is a class of accelerators."""


pytestmark = pytest.mark.usefixtures("offline")


def entries(kind: str, table: str = "sentence") -> list[dict[str, Any]]:
    return list(tomllib.loads((FOLDER / f"{kind}.toml").read_text("utf-8"))[table])


def plain(value: Any) -> Any:
    if isinstance(value, Target):
        return f"{value.metric} {value.percentile} {value.seconds:.6g}"
    return [plain(part) for part in value] if isinstance(value, tuple) else value


def expected_of(entry: dict[str, Any]) -> dict[str, Any]:
    """What a sentence must give, by path."""
    expected: dict[str, Any] = {}
    for name, value in entry.get("gives", {}).items():
        if name in CLASSES:
            path, holds = CLASSES[name]
            expected[path] = [a.id for a in CATALOG.accelerators.values() if holds(a)]
        else:
            expected[PATHS.get(name, name)] = value
    return expected


def spoken_of(reading: Reading) -> str:
    asked = [question.text for question in reading.questions]
    echoes = [said_value.echo for said_value in reading.said_values]
    return "\n".join([*asked, *echoes, *reading.unused, *reading.notes, *reading.objections]).casefold()


@of_every([e for kind in KINDS for e in entries(kind)], name=lambda e: f"{e['text']} [{e.get('asked', '')}]")
def test_a_sentence_of_a_kind(entry: dict[str, Any]) -> None:
    asked = entry.get("asked")
    reading = interpret(entry["text"], CATALOG, asked_path=PATHS.get(asked, asked))
    values = {path: plain(value) for path, value in reading.values.items() if not path.startswith("users.")}
    expected = expected_of(entry)
    refused = values.pop("money.excluded_providers", []) if "without" in entry else []
    assert set(entry.get("without", ())) <= set(refused)
    assert "nebius" not in refused
    assert values.keys() == expected.keys()
    for path, value in expected.items():
        assert values[path] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value), path
    if "asks" in entry or not entry.get("quiet"):
        assert {question.path for question in reading.questions} == {PATHS.get(a, a) for a in entry.get("asks", ())}
    if "first" in entry:  # what is offered first of the load
        rate = next(question for question in reading.questions if question.path == PATHS["rate"])
        assert rate.choices[0].value == pytest.approx(entry["first"], rel=1e-6)
    if not entry.get("quiet"):
        assert bool(reading.objections) == entry.get("objects", False)
    for words in entry.get("says", ()):
        assert words.casefold() in spoken_of(reading), words


@of_every(entries("users", "dialogue"), name=lambda entry: " / ".join(entry["lines"]))
def test_users_and_their_habits_over_several_turns(entry: dict[str, Any]) -> None:
    state, ports = State(), ports_of(CATALOG)
    for line in entry["lines"]:
        state, _ = step(state, line, ports)
    for name, value in entry.items():
        if name != "lines":
            assert state.values.get(PATHS[name]) == pytest.approx(value, rel=1e-6), name


def test_each_kind_has_at_least_ten_variations() -> None:
    assert all(len(entries(kind)) >= 10 for kind in KINDS)
    assert len(entries("users", "dialogue")) >= 10


UNASKED = [entry for kind in KINDS for entry in entries(kind) if "asked" not in entry]


@of_every(UNASKED[::4], name=lambda e: e["text"])
def test_the_same_line_means_the_same_in_a_sentence_and_as_the_first_line_of_a_conversation(
    entry: dict[str, Any],
) -> None:
    assert_means_the_same(entry)


@pytest.mark.thorough
@of_every([entry for number, entry in enumerate(UNASKED) if number % 4], name=lambda e: e["text"])
def test_the_lines_between_mean_the_same_too(entry: dict[str, Any]) -> None:
    assert_means_the_same(entry)


def assert_means_the_same(entry: dict[str, Any]) -> None:
    text = entry["text"].replace("\n", ", ")
    if out_of_scope(State(), text, ports_of(CATALOG)):
        return  # a training run is told where it is reckoned: a conversation about serving takes nothing of it
    said = stated_in(text, CATALOG, {})
    state, _ = step(State(), text, ports_of(CATALOG))
    heard = {path: value for path, value in state.values.items() if state.sources[path].kind == "said"}
    assert {path: value for path, value in said.statement.values.items() if path != "preset"}.items() <= heard.items()


def test_a_kind_of_traffic_is_said_with_what_it_fills_in_and_never_as_said() -> None:
    said = stated_in("claims assistant, 8B on H100, 5 rps, answers of 90 tokens", CATALOG, {})
    echo = next(echo for echo in said.echoes if echo.startswith("traffic like chat"))
    assert "prompt 1,155 tokens" in echo
    assert "211" not in echo
    assert "tokens.input.mean" not in said.statement.values
