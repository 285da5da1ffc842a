"""The limits under clients that are slow, leave, or flood: refused in one sentence, and served again afterwards."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra `web` is not installed")

from tests.commands.serve.server import SPEC, Server, set_to

PATIENCE_S = 0.5
ANSWER_S = 1.0
WAITING = 3


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with set_to(request_s=PATIENCE_S, body_s=PATIENCE_S, answer_s=ANSWER_S, waiting=WAITING) as running:
        yield running


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=20)


def posted(path: str, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n"
    return head.encode() + b"\r\n" + body


def asked(rate: float, **more: Any) -> dict[str, Any]:
    return {**SPEC, "traffic": {"requests_per_s": rate}, "verify": False, **more}


def test_a_body_that_drips_is_refused_and_holds_up_nobody(server: Server) -> None:
    with connected(server) as slow:
        slow.sendall(posted("/api/forecast", b"{", 100))
        assert server.json("/api/forecast", asked(2))[0] == 200
        answer = b""
        while b"did not come within" not in answer and (more := slow.recv(4000)):
            answer += more
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"did not come within" in answer


@pytest.mark.parametrize("head", [b"", b"POST /api/forec"])
def test_a_connection_on_which_no_request_comes_about_is_closed(server: Server, head: bytes) -> None:
    """A byte now and then does not keep it open either."""
    began = time.monotonic()
    with connected(server) as slow:
        slow.sendall(head)
        slow.settimeout(PATIENCE_S / 5)
        while time.monotonic() - began < 20:
            try:
                if not slow.recv(1):
                    break
            except TimeoutError:
                if head:
                    slow.sendall(b"a")
            except ConnectionError:
                break
        assert PATIENCE_S * 0.9 < time.monotonic() - began < 20


@pytest.mark.parametrize("begun", ["GET /", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: "])
def test_a_head_that_does_not_end_is_refused_by_its_length(server: Server, begun: str) -> None:
    """Not by patience alone: a fast client would fill the memory meanwhile. Bodies have a limit of their own."""
    with connected(server) as long:
        try:
            for piece in (begun.encode(), *[b"a" * 10_000] * 40):
                long.sendall(piece)
            assert long.recv(4000).startswith(b"HTTP/1.1 400")
        except ConnectionError:
            pass  # closed while it still sent
    assert server.ask("/api/forecast", b"{" + b" " * 200_000 + b"}")[0] in (400, 422)


def test_a_body_that_never_ends_after_its_answer_holds_no_connection(server: Server) -> None:
    """Bytes that drip after the answer do not keep it open, and such a body that ends leaves it to the next request."""
    began = time.monotonic()
    with connected(server) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n")
        assert answer_on(slow).startswith(b"HTTP/1.1 200")
        slow.settimeout(PATIENCE_S / 5)
        while time.monotonic() - began < 20:
            try:
                slow.sendall(b"a")
                if not slow.recv(4000):
                    break
            except TimeoutError:
                pass
            except ConnectionError:
                break
    assert PATIENCE_S * 0.9 < time.monotonic() - began < 20
    with connected(server) as whole:
        whole.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n")
        for body in (b"ab", b""):
            assert answer_on(whole).startswith(b"HTTP/1.1 200")
            whole.sendall(body + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer_on(whole).startswith(b"HTTP/1.1 200")


def answer_on(connection: socket.socket) -> bytes:
    """Return a health check's answer, whose head and body come one after the other."""
    answer = b""
    while not answer.endswith(b"}") and (more := connection.recv(4000)):
        answer += more
    return answer


def test_clients_that_leave_at_once_leave_no_work_behind(server: Server) -> None:
    for number in range(WAITING * 3):
        with connected(server) as gone:
            gone.sendall(posted("/api/forecast", json.dumps(asked(100 + number)).encode()))
    until = time.monotonic() + 60
    while waiting(server) and time.monotonic() < until:
        time.sleep(0.05)
    assert waiting(server) == 0
    assert server.json("/api/forecast", asked(3))[0] == 200


def waiting(server: Server) -> float:
    found = re.search(rb"^fleetcast_waiting (\S+)", server.ask("/metrics")[1], re.MULTILINE)
    assert found
    return float(found[1])


def test_a_flood_is_told_to_come_back_and_then_served(server: Server) -> None:
    with ThreadPoolExecutor(24) as clients:
        answers = list(clients.map(lambda n: server.ask("/api/forecast", asked(200 + n)), range(120)))
    statuses = Counter(status for status, _, _ in answers)
    assert set(statuses) == {200, 503}
    busy = next(answer for answer in answers if answer[0] == 503)
    assert json.loads(busy[1]) == {"error": "all processes are busy; ask again in a second"}
    assert busy[2]["retry-after"] == "1"
    assert server.json("/api/forecast", asked(4))[0] == 200


def test_a_client_that_asks_too_often_is_told_so_and_served_a_second_later() -> None:
    with set_to(requests_per_s_per_client=2) as server:
        answers = [server.ask("/healthz") for _ in range(12)]
        refused = [answer for answer in answers if answer[0] == 429]
        assert {answer[0] for answer in answers} == {200, 429}
        assert refused[0][2]["retry-after"] == "1"
        time.sleep(1.1)
        assert server.ask("/healthz")[0] == 200


def reckoning(server: Server) -> int:
    """Return the id of the process that reckons."""
    children = subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(server.process.pid)], text=True)
    return max(map(int, children.split()))


def test_a_process_that_has_ended_is_replaced(server: Server) -> None:
    assert server.json("/api/forecast", asked(6))[0] == 200
    os.kill(reckoning(server), signal.SIGKILL)
    assert server.json("/api/forecast", asked(7))[0] == 503
    assert server.json("/api/forecast", asked(7))[0] == 200


def test_a_second_interrupt_ends_it_at_once_without_a_word() -> None:
    with set_to() as server:
        assert server.ask("/healthz")[0] == 200
        for _ in range(2):
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.005)
        assert server.process.wait(20) == 0
        assert server.process.stderr
        assert server.process.stderr.read() == ""


MANY: dict[str, Any] = {
    "spec": {
        **{key: value for key, value in SPEC.items() if key != "hardware"},
        "targets": [{"metric": "ttft", "percentile": "p99", "seconds": 0.5}],
    },
    "over": {
        "model": ["llama-3.1-8b", "llama-3.1-70b", "qwen3-32b", "deepseek-v3"],
        "traffic.requests_per_s": [10, 30, 50, 70, 90, 110, 130, 150],
    },
}
"""Thirty-two plans over the whole catalog, each simulated: much more than the time that one answer has."""
FEW = {**MANY, "over": {"model": ["llama-3.1-8b"], "traffic.requests_per_s": [10, 30]}}


def test_an_answer_has_its_time_and_the_process_goes_on_with_the_next(server: Server) -> None:
    status, answer = server.json("/api/compare", MANY)
    assert status == 504, answer
    assert "longer than the 1 s" in answer["error"]
    assert server.json("/api/forecast", asked(5))[0] == 200


def test_the_time_of_an_answer_is_its_own(server: Server) -> None:
    """What else runs on the machine takes nothing of it."""
    with ThreadPoolExecutor(1) as client:
        answer = client.submit(server.json, "/api/compare", FEW)
        while not waiting(server) and not answer.done():
            pass
        os.kill(process := reckoning(server), signal.SIGSTOP)
        time.sleep(ANSWER_S * 1.1)
        os.kill(process, signal.SIGCONT)
        assert answer.result()[0] == 200


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_head() -> None:
    """Through Nagle's algorithm it would, on each connection that is kept."""
    from commands.serve.running import listening_at

    with (
        listening_at("127.0.0.1", 0) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
