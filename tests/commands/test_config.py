import io
from pathlib import Path

import pytest

from tests.commands.conftest import Program

SMALL = ("forecast", "Llama 3.1 8B, 2 rps, 300 in, 100 out", "--json")


def test_a_default_that_is_set_is_taken_shown_and_taken_back(fleetcast: Program) -> None:
    assert fleetcast("config", "set", "gpu-type", "h100").code == 0
    assert fleetcast("config", "set", "--", "--ttft-p95", "900ms").code == 0
    assert fleetcast("config", "show", "--json").tree == {"hardware.accelerators": ["h100"], "targets.ttft.p95": 0.9}
    assert "900 ms" in fleetcast("config", "show").out
    assert fleetcast("config", "get", "ttft-p95").out == "900 ms\n"
    assert fleetcast("config", "get", "provider").out == ""
    plan = fleetcast(*SMALL).tree
    assert plan["spec"]["hardware"]["accelerators"] == ["h100-sxm-80gb"]
    assert plan["sources"]["targets"]["kind"] == "settings"
    assert fleetcast("config", "unset", "gpu-type").code == 0
    assert "hardware.accelerators" not in fleetcast("config", "show", "--json").tree
    assert "is not set, and nothing was changed" in fleetcast("config", "unset", "region").err


def test_a_target_that_is_set_holds_in_a_conversation(fleetcast: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sentence was taken: 'targets must be a list'."""
    fleetcast("config", "set", "--", "--ttft-p95", "900ms")
    lines = io.BytesIO(b"8B in FP8 on L4, 2 rps, 300 in, 100 out, itl p95 60 ms\nquit\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(lines))
    assert "targets: TTFT p95 within 900 ms, ITL p95 within 60 ms" in fleetcast("--plain").err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("gpu-tipe", "h100", "gpu-type"),
        ("provider", "awz", "aws"),
        ("rps", "abc", "abc"),
        ("gpu-type", "h10000", "h10000"),
        ("region", "mars", "mars"),
        ("ttft-p95", "0.8", "did you mean 0.8s?"),
    ],
)
def test_what_no_forecast_would_take_is_not_written(fleetcast: Program, name: str, value: str, said: str) -> None:
    fleetcast("config", "set", "term", "spot")
    file = Path(fleetcast("config", "path").out.strip())
    before = file.read_text()
    assert said in fleetcast.refusal("config", "set", name, value)
    assert file.read_text() == before


def test_an_editor_opens_the_file_and_what_it_left_wrong_is_said(
    fleetcast: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "true")
    assert fleetcast("config", "edit").code == 0
    assert Path(fleetcast("config", "path").out.strip()).is_file()
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "[trafic]" > "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(editor))
    assert "traffic" in fleetcast.refusal("config", "edit")
    monkeypatch.setenv("EDITOR", str(tmp_path / "none"))
    assert "cannot be started" in fleetcast.refusal("config", "edit")
