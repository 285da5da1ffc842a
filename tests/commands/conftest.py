"""The program, run in this process as a shell would run it, for the tests of its commands."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from commands import main


@dataclass(frozen=True)
class Run:
    """What came of a run."""

    code: int
    out: str
    err: str

    @property
    def tree(self) -> Any:
        return json.loads(self.out)


MADE: dict[tuple[str, ...], bytes] = {}
"""Plans that were saved, by what was asked: each is made once."""


class Program:
    """Runs the program; its own output and that of the test never mix."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: object) -> Run:
        self._capture.readouterr()
        code = main([str(argument) for argument in arguments])
        said = self._capture.readouterr()
        return Run(code, said.out, said.err)

    def saved(self, file: Path, *asked: object) -> Path:
        """Return a file with the plan of a question, as `forecast --output` writes it."""
        key = tuple(map(str, asked))
        if key not in MADE:
            assert self("forecast", *asked, "--output", file).code == 0
            MADE[key] = file.read_bytes()
        file.write_bytes(MADE[key])
        return file

    def refusal(self, *arguments: object, code: int = 2) -> str:
        """Return the one sentence with which a run is refused: nothing else is said, and no traceback."""
        run = self(*arguments)
        assert run.code == code, run
        assert run.out == ""
        lines = run.err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("fleetcast: ")
        assert "bug" not in lines[0]
        return lines[0].removeprefix("fleetcast: ")


@pytest.fixture
def fleetcast(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Program:
    """The program, away from the entries, settings and sessions of whoever runs the tests."""
    for home in ("CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{home}_HOME", str(tmp_path / home.lower()))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.delenv("FLEETCAST_DEBUG", raising=False)
    return Program(capsys)
