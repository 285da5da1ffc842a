"""The history keeps what was calculated without anybody waiting for the disk."""

import gc
from pathlib import Path

import pytest

from commands.serve import history
from commands.serve.history import History


def test_what_was_just_made_is_read_and_an_answer_that_repeats_is_kept_once(tmp_path: Path) -> None:
    """Whoever reads sees what is not written yet, in order; the same answer twice running is one calculation."""
    kept = History(tmp_path / "h.db")
    for answer in (b"1", b"1", b"2", b"1"):
        kept.keep("forecast", f"answer {answer.decode()}", "", answer)
    assert [one.title for one in kept.all()] == ["answer 1", "answer 2", "answer 1"]
    kept.keep("forecast", "the last again", "", b"1")
    newest = kept.all()[0]
    assert len(kept.all()) == 3
    assert (found := kept.get(newest.id)) and found.answer == b"1"
    assert kept.remove(newest.id)
    assert kept.get(newest.id) is None


def test_the_list_says_what_was_asked(tmp_path: Path) -> None:
    """Load and lengths of plans; nothing of what is no plan, or no JSON."""
    kept = History(tmp_path / "h.db")
    spec = '{"spec": {"traffic": {"requests_per_s": 7}, "tokens": {"input": {"mean": 1500}, "output": {"mean": 300}}}}'
    for answer in (spec, '{"model_name": "x"}'):
        kept.keep("forecast", "a plan", "", answer.encode())
    assert [one.asked for one in kept.all()] == ["", "7 requests/s, 1,500 in, 300 out"]


def test_no_more_than_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go as new ones come, whether they are written one by one or together."""
    monkeypatch.setattr(history, "MOST_KEPT", 50)
    kept = History(tmp_path / "h.db")
    for start in (0, 40):
        for at in range(start, start + 40):
            kept.keep("forecast", str(at), "", str(at).encode())
        kept.write()
    assert [int(one.title) for one in kept.all()] == list(range(79, 29, -1))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted as Linux lists them")
def test_no_file_stays_open(tmp_path: Path) -> None:
    """Each call closes the file itself: a server's garbage is rarely collected, and every open file holds its pages."""
    kept = History(tmp_path / "h.db")
    gc.disable()
    try:
        for at in range(3):
            kept.keep("forecast", str(at), "", str(at).encode())
            newest = kept.all()[0]
            assert (found := kept.get(newest.id)) and found.answer == str(at).encode()
        assert kept.remove(newest.id)
        opened = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    finally:
        gc.enable()
    assert kept.file not in opened
