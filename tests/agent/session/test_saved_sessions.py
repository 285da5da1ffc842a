"""Sessions on disk: whole or as they were before, and a damaged one is one clear sentence."""

import json
from pathlib import Path

import pytest

from agent.session.ports import ports_of
from agent.session.running_session import RunningSession
from agent.session.saved_sessions import MOST_KEPT, Sessions, read_session
from agent.talk.state import State
from catalogs.catalog import Catalog
from catalogs.errors import InputError


@pytest.fixture(scope="module")
def session_in():  # type: ignore[no-untyped-def]
    ports = ports_of(Catalog.load())
    return lambda directory, name="one.json": RunningSession(ports, Sessions(directory, directory / name))


def test_each_accepted_line_is_kept_and_leads_to_the_same_state(session_in, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    session = session_in(tmp_path)
    for line in ("70B", "nonsense words", "20 rps", "gpt oss", "back", "500", "idk", "yes"):
        session.take(line)
        if session.state.past:
            assert read_session(tmp_path / "one.json").lines == session.state.lines
    again = session_in(tmp_path, "two.json")
    again.resume(again._sessions.latest())
    assert again.state == session.state
    assert again.state.past == session.state.past


def test_a_line_that_was_not_accepted_writes_nothing(session_in, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    session = session_in(tmp_path)
    session.take("nonsense words")
    session.take("help")
    assert not list(tmp_path.iterdir())


def test_what_changed_since_is_said(session_in, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    session = session_in(tmp_path)
    session.take("70B, 20 rps")
    path = tmp_path / "one.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree["values"]["traffic.requests_per_s"] = "25.0"
    path.write_text(json.dumps(tree), encoding="utf-8")
    says = session_in(tmp_path, "two.json").resume(read_session(path))
    assert "traffic.requests_per_s was 25.0 and is 20.0" in str(says)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"fleetcast_session": 99}',
        '{"fleetcast_session": 1, "lines": 3}',
        '{"lines": []}',
        "\ud800",
        "[" * 100_000,
    ],
)
def test_a_damaged_session_is_one_clear_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError) as raised:
        Sessions(tmp_path, tmp_path / "other.json").latest()
    assert "broken.json" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_without_a_session_resume_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no session to resume"):
        Sessions(tmp_path / "nowhere").latest()


def test_the_oldest_sessions_are_forgotten(tmp_path: Path) -> None:
    for number in range(MOST_KEPT + 5):
        Sessions(tmp_path, tmp_path / f"{number:03}.json").save(State())
    assert len(list(tmp_path.glob("*.json"))) == MOST_KEPT
    assert (tmp_path / f"{MOST_KEPT + 4:03}.json").exists()


def test_a_directory_that_refuses_stops_the_keeping_not_the_conversation(session_in, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("", encoding="utf-8")
    session = session_in(tmp_path / "file")
    assert "This session is not kept" in str(session.take("70B"))
    assert "This session is not kept" not in str(session.take("20 rps"))
    assert session.state.values["traffic.requests_per_s"] == 20
