"""A server of the tests' own: started once a module, asked over loopback."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
SPEC: dict[str, Any] = {
    "model": "llama-3.1-8b",
    "traffic": {"requests_per_s": 5},
    "tokens": {"input": {"mean": 500}, "output": {"mean": 200}},
    "hardware": {"accelerators": ["h100"]},
}


class Server:
    """Where it is, and how it is asked."""

    def __init__(self, url: str, process: "subprocess.Popen[str]") -> None:
        self.url, self.process = url, process

    def ask(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None, method: str | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Return the status, the body and the headers of an answer."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"} if data is not None else {}
        asked = urllib.request.Request(self.url + path, data, {**kind, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def json(self, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Return the status and the tree of an answer."""
        status, text, _ = self.ask(path, body, **more)
        return status, json.loads(text)

    def made(self, path: str, body: Any) -> Any:
        """Return the tree of what was asked for, and of nothing that was refused."""
        status, tree = self.json(path, body)
        assert status == 200, tree
        return tree


@contextmanager
def serving(tmp: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a server on a free port, with a history of its own."""
    command = ["main.py", "serve", "--port", "0", "--workers", "1", "--history", str(tmp / "h.db"), *options]
    with started(command, environment or {}) as server:
        yield server


@contextmanager
def set_to(**settings: Any) -> Iterator[Server]:
    """Run a server on a free port with settings that no option has."""
    program = "import sys; from commands.serve.running import run; from commands.serve.settings import Settings; "
    with started(["-c", f"{program}run(Settings(port=0, **{settings!r}))"], {}) as server:
        yield server


@contextmanager
def started(command: list[str], environment: Mapping[str, str], place: Path = ROOT) -> Iterator[Server]:
    """Run a program of this interpreter in a checkout until it says where it listens, and end it afterwards."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=place, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        found = re.search(r"http://\S+:\d+", first)
        assert found, first
        yield Server(found[0].replace("0.0.0.0", "127.0.0.1"), process)
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()
