"""Each field of the table is found at every door: flag, help, spec file, question, review, report, what-if, missing."""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import pytest
import typer

from agent.after_plan.whatif import understood
from agent.collect.review import review
from agent.dialogue import step
from agent.fields import readers
from agent.fields.demand import PRESET
from agent.fields.field import Field, Flag
from agent.fields.system import DIMENSION
from agent.fields.table import FIELDS, TABLE
from agent.interpret import interpret
from agent.report.blocks import Report
from agent.report.plan.workload_section import workload_table
from agent.report.rendering.plain import plain_text
from agent.session.ports import ports_of
from agent.statements.flags import flag_values
from agent.statements.merged import collected
from agent.statements.spec_files import known_paths, spec_file
from agent.talk.answer_display import value_shown
from agent.talk.requests import WhatIf
from agent.talk.slots import BY_ID, SLOTS, slot_called, slot_of
from agent.talk.speech import Talk
from agent.talk.state import State
from catalogs import units
from catalogs.catalog import Catalog
from catalogs.errors import IncompleteInput
from catalogs.units import TERM_WORDS
from commands.forecast import app
from engine.workload import REQUIRED, Source, Statement, Target, Term, nested
from tests.every import of_every

TEXTS: Final = {
    readers.read_growth: "20",
    readers.read_hourly_usd: "2.5",
    readers.read_kilowatts: "40kW",
    readers.read_default_targets: "none",
    readers.read_sampling: "top-p",
    readers.read_task: "generate",
    readers.read_length: "240",
    readers.read_hidden_tokens: "2k tokens",
    readers.read_start: "240",
    readers.read_level: "95",
    readers.read_milliseconds: "800ms",
    readers.read_monthly_usd: "$20k",
    readers.read_multiple: "2x",
    readers.read_names: "h100",
    readers.read_not_negative: "0.5",
    readers.read_positive: "2",
    readers.read_size: "8B",
    readers.read_spares: "2",
    readers.read_term: "spot",
    readers.read_years: "18 months",
    units.read_rate: "600/min",
    units.read_share: "50%",
    units.read_tokens: "2k",
    units.read_whole: "8",
}
"""A text for each reader of numbers, by the reader."""
NAMES: Final = {
    "model": "llama-3.1-8b",
    "precision.weights": "fp8",
    "precision.kv_cache": "fp8",
    "serving.runtime": "sglang",
    "money.provider": "aws",
    "money.region": "us-east-1",
    "money.excluded_providers": "aws",
    PRESET: "chat",
}
UNREAD: Final[dict[str, Any]] = {
    "tokens.input.values": (500.0, 700.0),
    "tokens.output.values": (200.0, 300.0),
    "traffic.hourly_profile": (1.0,) * 24,
    "targets": ({"metric": "ttft", "percentile": "p95", "seconds": 0.8},),
    "money.stands_in_for": "Frankfurt",
}
"""Values of fields that no text gives."""
NEEDED: Final[dict[str, Any]] = {
    "model": "llama-3.1-8b",
    "traffic.requests_per_s": 5.0,
    "tokens.input.mean": 500,
    "tokens.output.mean": 200,
}
FLAGS: Final = [row for rows in TABLE.values() for row in rows if row.flag]
IN_SPEC: Final = sorted(known_paths() - {PRESET, "architecture"})


def text_of(flag: Flag) -> str:
    assert flag.read is not None
    return NAMES[flag.path] if flag.path in NAMES and flag.flag != "--model-size" else TEXTS[flag.read]


def value_of(path: str) -> Any:
    """Return a value that a field may have."""
    field = FIELDS[path]
    if path in UNREAD:
        return UNREAD[path]
    return field.read(text_of(field), path) if field.read else 2.0


@cache
def catalog() -> Catalog:
    return Catalog.load()


@cache
def options() -> dict[str, Any]:
    command = typer.main.get_command(app)
    return {name: option for option in command.params for name in option.opts}


def test_the_table_holds_every_field_of_the_spec_and_no_other() -> None:
    others = {path for path in FIELDS if path.startswith((DIMENSION, "targets."))}
    assert set(FIELDS) - others == known_paths()
    assert set(TERM_WORDS) == set(get_args(Term))


@of_every(FLAGS, name=lambda flag: flag.flag)
def test_its_flag_is_an_option_with_its_help_and_reads_its_text(flag: Flag) -> None:
    option = options()[flag.flag]
    assert (option.help, option.metavar) == (flag.help, flag.metavar)
    values, details = flag_values({flag.flag: (text_of(flag),)})
    assert set(values) == {flag.path}
    assert details == {flag.path: flag.flag}


@pytest.mark.parametrize("path", [path for path in IN_SPEC if path != "targets"])
def test_a_spec_file_may_hold_it_as_text_or_as_a_value(path: str, tmp_path: Path) -> None:
    value = value_of(path)
    texts = [text_of(FIELDS[path])] if FIELDS[path].read else []
    for stated in (value, *texts):
        file = tmp_path / "spec.json"
        file.write_text(json.dumps(nested({path: stated})))
        assert spec_file(str(file)).values == {path: value}


@of_every(IN_SPEC)
def test_the_report_shows_it_under_its_label(path: str) -> None:
    rivals = ("traffic.requests_per_s",) if path == "traffic.concurrency" else ()
    values = {name: value for name, value in NEEDED.items() if name not in rivals} | {path: value_of(path)}
    stated = collected([Statement("flag", values)], catalog()).completed()
    table = plain_text(Report((workload_table(stated.spec, {**stated.sources, path: Source("flag", "--it")}),)))
    assert FIELDS[path].label in table or path == "targets"
    assert "--it" in table


@of_every(path for path in IN_SPEC if path != "targets")
def test_the_review_shows_it_as_it_was_given(path: str) -> None:
    state = State(statements=(Statement("said", {**NEEDED, path: value_of(path)}),))
    (talk,) = review(state, ports_of(catalog()))
    assert isinstance(talk, Talk)
    assert value_shown(path, value_of(path)) in " ".join(plain_text(Report(talk.blocks)).split())


@of_every([field for field in FIELDS.values() if field.slot], name=lambda field: field.path)
def test_the_question_that_asks_for_it_is_edited_by_its_name(field: Field) -> None:
    slot = BY_ID[field.slot]
    assert slot_of(field.path) is slot is slot_called(field.path)
    state, _ = step(State(), f"edit {field.path}", ports_of(catalog()))
    assert state.editing == slot.id


@of_every(SLOTS)
def test_a_question_has_fields_and_one_of_them_answers_it(slot: Any) -> None:
    assert slot.paths
    assert any(FIELDS[path].answers for path in slot.paths)


PLAUSIBLE: Final = [field for field in FIELDS.values() if field.plausible]


@of_every(PLAUSIBLE, name=lambda field: field.path)
def test_a_bare_number_answers_it_and_one_out_of_range_is_objected_to(field: Field) -> None:
    assert field.plausible is not None
    number = 20 if field.show is units.show_percent else max(2, field.plausible.lowest)
    (said_value,) = interpret(f"{number:g}", catalog(), asked_path=field.path).said_values
    assert said_value.path == field.path
    assert field.plausible.lowest <= said_value.value <= field.plausible.highest
    beyond = interpret(f"{field.plausible.highest * 1000:.0f}", catalog(), asked_path=field.path)
    assert not beyond.said_values


@of_every([field for field in FIELDS.values() if field.absent], name=lambda field: field.path)
def test_a_what_if_does_without_it(field: Field) -> None:
    assert field.absent is not None
    words = field.absent.label.removeprefix("no ")
    some = (Target(metric="ttft", percentile="p95", seconds=1.0),) if field.path == "targets" else 2
    request = understood(f"what if there were no {words}", {**NEEDED, field.path: some}, ports_of(catalog())).request
    assert isinstance(request, WhatIf)
    assert request.change.values[field.path] == field.absent.value
    assert request.change.label == field.absent.label
    if field.absent.echo:
        (said_value,) = interpret("none", catalog(), asked_path=field.path).said_values
        assert (said_value.path, said_value.value) == (field.path, field.absent.value)


def test_what_is_missing_is_named_with_its_flags() -> None:
    with pytest.raises(IncompleteInput) as refusal:
        collected([], catalog()).completed()
    assert refusal.value.missing == tuple(FIELDS[path].missing for path in REQUIRED)
    assert all(f"({FIELDS[path].flag}" in FIELDS[path].missing for path in REQUIRED)
