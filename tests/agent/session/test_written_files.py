import os
import stat
from pathlib import Path

import pytest

from agent.session.written_files import check_writable, write_whole
from catalogs.errors import InputError


def test_a_new_file_holds_the_text_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write_whole(file, "größer\n", force=False)
    assert file.read_text(encoding="utf-8") == "größer\n"
    assert list(tmp_path.iterdir()) == [file]
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0o077 & ~_umask(), "as any new file, not private to the writer"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask & 0o077 | 0o011


def test_an_existing_file_is_kept_unless_forced_and_keeps_its_permissions(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("old")
    file.chmod(0o640)
    with pytest.raises(InputError, match="--force"):
        write_whole(file, "new", force=False)
    assert file.read_text() == "old"
    write_whole(file, "new", force=True)
    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_link_stays_a_link_to_the_file_that_is_written(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "real.json")
    write_whole(link, "new", force=True)
    assert link.is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_a_writer_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "plan.json"
    file.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="no space left"):
        write_whole(file, "new", force=True)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_is_known_before_the_work(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "such.json"):
        with pytest.raises(InputError):
            check_writable(path, force=True)
