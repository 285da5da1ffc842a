"""The conversation over HTTP: what it plans is what the page shows, and no line is said a second time."""

import asyncio
import base64
import json
import re
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from catalogs.catalog import Catalog
from commands.serve.answers.talk import new_key
from commands.serve.answers.work import Answer, Desk, answered, asked, from_flags
from commands.serve.application import Server
from commands.serve.settings import Settings

DESK = Desk(Catalog.load([]))
FORM = {"model": "llama-3.1-8b", "gpu-type": "l4", "rps": "3", "input-tokens": "500", "output-tokens": "200"}


class InProcess:
    """Answers as the pool's processes give them, each of which has nothing but what it is sent."""

    bodies: list[dict[str, Any]]

    def __init__(self) -> None:
        self.bodies = []

    async def answer(self, kind: str, body: bytes) -> Answer:
        self.bodies.append(json.loads(body))
        return answered(kind, body, DESK)


def said(lines: list[str], flags: dict[str, str]) -> tuple[list[dict[str, Any]], InProcess]:
    """Return the answers to lines of one conversation, and what the processes were sent."""
    new_key()
    server, pool = Server(Settings()), InProcess()
    server.pool = pool  # type: ignore[assignment]
    told: list[dict[str, Any]] = []
    for line in lines:
        body = {"line": line, "flags": flags, "state": told[-1]["state"] if told else ""}
        told.append(json.loads(asyncio.run(server.talked(json.dumps(body).encode())).body))
        assert "error" not in told[-1]
    return told, pool


@pytest.mark.parametrize(
    ("flags", "lines", "rate"),
    [
        (FORM, ["what if 9 rps", "keep 1", "replicas"], 9.0),
        ({"model": "llama-3.1-8b"}, ["2 rps, 500 in, 200 out", "go"], 2.0),
    ],
    ids=["a variant that is kept", "a form that was not complete"],
)
def test_the_plan_that_a_line_leaves_is_stated_as_a_form(flags: dict[str, str], lines: list[str], rate: float) -> None:
    """The page puts it into its fields, so that its link and its downloads are of the plan that was kept."""
    told, pool = said(lines, flags)
    for before, after in pairwise([{"plan": None}, *told]):
        assert bool(after["flags"]) == (after["plan"] != before["plan"]), "by the lines that left another plan"
    form = {name: text for name, text in next(one["flags"] for one in reversed(told) if one["flags"]).items() if text}
    spec = asked([from_flags(form)], DESK).completed().spec
    assert told[-1]["plan"]["spec"]["traffic"]["requests_per_s"] == spec.traffic.requests_per_s == rate
    assert form.keys() - {"rps", *flags} <= {"input-tokens", "output-tokens"}, "what nobody said is not said for them"
    assert [bool(body.get("held")) for body in pool.bodies] == [False, *(True for _ in lines[1:])]


@pytest.mark.parametrize("line", ["ttft p95 under 300 ms", "itl p95 under 30 ms"])
def test_a_target_of_the_form_is_tightened_by_a_line(line: str) -> None:
    """'plan 0 has that already' was said of every target that the form holds."""
    told, _ = said([line, "keep 1"], {**FORM, "ttft-p95": "800ms", "itl-p95": "50ms"})
    metric, seconds = ("ttft", 0.3) if line.startswith("ttft") else ("itl", 0.03)
    limits = {target["metric"]: target["seconds"] for target in told[-1]["plan"]["spec"]["targets"]}
    assert limits == {"ttft": 0.8, "itl": 0.05, metric: seconds}


def test_the_words_are_those_of_a_page_that_keeps_no_files() -> None:
    told, _ = said(["help", "what if 9 rps", "keep 1", "save", "thanks", "quit"], FORM)
    words = " ".join(text for one in told for text in one["said"])
    assert "what if traffic doubles" in words
    assert not re.search(r"fleetcast [a-z]|Shift-Tab|'save |resume|benchmark", words)


def test_what_is_held_answers_as_the_lines_do_and_only_the_servers_own_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A read-out makes no plan again; whoever sends what the server never gave is led there by the lines."""
    _, pool = said(["what if 9 rps", "replicas"], FORM)
    held = pool.bodies[-1]
    by_lines = answered("talk", json.dumps(held | {"held": None}).encode(), DESK)
    forged = base64.b64encode(b"0" * 32 + base64.b64decode(held["held"])[32:]).decode()
    assert answered("talk", json.dumps(held | {"held": forged}).encode(), DESK).body == by_lines.body
    monkeypatch.setattr("engine.method.forecast", None)
    assert answered("talk", json.dumps(held).encode(), DESK).body == by_lines.body
