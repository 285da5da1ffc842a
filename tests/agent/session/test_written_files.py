import os
import stat
from pathlib import Path

import pytest

from agent.session.written_files import check_writable, write_files, write_whole
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


FOUR = {f"{number}.yaml": f"new {number}\n" for number in range(4)}


def _contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_a_folder_is_written_as_one_and_refused_unless_forced(tmp_path: Path) -> None:
    folder = tmp_path / "deploy"
    write_files(folder, FOUR, force=False)
    assert _contents(folder) == FOUR
    assert list(tmp_path.iterdir()) == [folder]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777 & ~mask, "as any new folder, not private to the writer"
    (folder / "mine.txt").write_text("kept")
    (folder / "2.yaml").write_text("edited")
    with pytest.raises(InputError, match="--force"):
        write_files(folder, FOUR, force=False)
    assert (folder / "2.yaml").read_text() == "edited"
    write_files(folder, FOUR, force=True)
    assert _contents(folder) == FOUR | {"mine.txt": "kept"}
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_is_not_written_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "deploy").write_text("a file")
    with pytest.raises(InputError, match="is a file, and 4 are written"):
        write_files(tmp_path / "deploy", FOUR, force=True)
    assert _contents(tmp_path) == {"deploy": "a file"}


@pytest.mark.parametrize("fails_at", range(4))
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_where_one_file_of_a_folder_fails_none_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int, there: bool, step: str
) -> None:
    folder = tmp_path / "deploy"
    before = {"1.yaml": "old 1\n", "3.yaml": "old 3\n", "mine.txt": "kept"} if there else {}
    if there:
        folder.mkdir()
        for name, text in before.items():
            (folder / name).write_text(text)
    left = [fails_at]
    replace_file = Path.replace

    def full(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")

    def replaced(path: Path, target: Path) -> Path:
        if path.name in FOUR and target.parent == folder and path.parent.name != ".before":
            full()
        elif target == folder:
            raise OSError(28, "No space left on device")
        return replace_file(path, target)

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", replaced)
    with pytest.raises(InputError, match="no space left"):
        write_files(folder, FOUR, force=True)
    assert folder.exists() == there
    assert (_contents(folder) if there else {}) == before
    assert list(tmp_path.iterdir()) == ([folder] if there else [])
