"""A language model of the user's own: what it points at counts only where our reader finds it in the line's words."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from msgspec.structs import replace

from agent.dialogue import step
from agent.talk.state import Ports, State
from catalogs.errors import InputError
from commands import assistant
from tests.agent.talks import simulating, words

LINE = "our folks hammer it with about fifteen asks each tick, blorp 4k"


Server = Callable[..., str]


@pytest.fixture
def server() -> Iterator[Server]:
    """Start servers on loopback that answer with a content, or with a body; what they were asked is kept."""
    running: list[ThreadingHTTPServer] = []

    def start(content: Any = None, *, body: bytes | None = None, status: int = 200, wait_s: float = 0.0) -> str:
        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                start.asked.append((asked, self.headers.get("Authorization")))  # type: ignore[attr-defined]
                time.sleep(wait_s)
                said = content if isinstance(content, str) else json.dumps(content)
                sent = body if body is not None else json.dumps({"choices": [{"message": {"content": said}}]}).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", self.path)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        one = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        running.append(one)
        threading.Thread(target=one.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{one.server_port}/v1"

    start.asked = []  # type: ignore[attr-defined]
    yield start
    for one in running:
        one.shutdown()
        one.server_close()


def with_assistant(url: str) -> Ports:
    return replace(simulating(), assist=assistant.assistant_at(url))


def test_words_of_the_line_are_read_by_our_own_reader_and_said_to_come_from_the_assistant(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(assistant.KEY, "secret")
    url = server({"act": "", "facts": [{"path": "tokens.input.mean", "words": "4k"}]})
    state, says = step(State(), LINE, with_assistant(url))
    assert state.values["tokens.input.mean"] == 4000
    assert "Read by the assistant, from '4k'" in words(says)
    (asked, key), *_ = server.asked  # type: ignore[attr-defined]
    assert key == "Bearer secret"
    assert asked["messages"][-1]["content"] == LINE
    assert asked["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    "fact",
    [
        {"path": "tokens.input.mean", "words": "9k"},
        {"path": "tokens.nonsense", "words": "4k"},
        {"path": "model", "words": "hammer it with"},
        {"path": "tokens.input.mean", "words": ""},
        {"path": "hardware.accelerator_count", "words": "blorp"},
    ],
    ids=str,
)
def test_what_is_not_in_the_line_or_not_a_value_is_left_out(server: Server, fact: dict[str, str]) -> None:
    alone = step(State(), LINE, simulating())
    helped = step(State(), LINE, with_assistant(server({"act": "", "facts": [fact]})))
    assert helped == alone


@pytest.mark.parametrize(
    "answer",
    [
        {"body": b"not json"},
        {"body": b"x" * 200_000},
        {"body": b'{"choices": []}'},
        {"content": "I think you want H100s"},
        {"content": {"act": 7, "facts": "all"}},
        {"content": {"act": "rm -rf", "facts": []}},
        {"body": b"", "status": 500},
        {"body": b"", "status": 302},
        {"content": {"act": "", "facts": []}, "wait_s": 2.0},
    ],
    ids=str,
)
def test_a_wrong_slow_or_hostile_server_changes_nothing(
    server: Server, answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assistant, "_PATIENCE_S", 0.4)
    assert step(State(), LINE, with_assistant(server(**answer))) == step(State(), LINE, simulating())


def test_a_dead_server_is_asked_twice_and_no_more_and_that_it_is_dead_is_said_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ask = assistant.assistant_at("http://127.0.0.1:9/v1")
    assert [ask(LINE) for _ in range(3)] == [None] * 3
    assert (
        capsys.readouterr().err
        == "http://127.0.0.1:9/v1 gives no answer that can be used; lines are read without it.\n"
    )


def test_a_question_that_is_not_understood_may_be_named(server: Server) -> None:
    planned = State()
    for line in ("llama 3.1 8b fp8 on H100, 20 rps, 1.5k in, 300 out, p95 ttft 1s", ""):
        planned, _ = step(planned, line, simulating())
    helped = with_assistant(server({"act": "power", "facts": []}))
    _, says = step(planned, "how does that go together", helped)
    assert "Read by the assistant as: power." in words(says)
    assert "kW" in words(says)


def test_a_line_that_is_understood_is_nobody_elses_matter(server: Server) -> None:
    url = server({"act": "power", "facts": []})
    step(State(), "70B fp8 on H100, 20 rps, 1.5k in, 300 out", with_assistant(url))
    assert server.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", ["localhost", "ftp://somewhere/v1", "file:///etc/passwd", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="no address of a server"):
        assistant.assistant_at(url)
