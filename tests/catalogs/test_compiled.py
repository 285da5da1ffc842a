import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalogs import compiled
from catalogs.compiled import parsed


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiled._directory.cache_clear()
    yield tmp_path / "cache" / "fleetcast" / "catalog"
    compiled._directory.cache_clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "facts.toml"
    file.write_text("a = 1\nday = 2026-01-02\n")
    return file


def test_a_kept_copy_says_what_the_file_says(file: Path, kept: Path) -> None:
    first = parsed(file)
    assert len(list(kept.iterdir())) == 1
    assert parsed(file) == first == {"a": 1, "day": first["day"]}


def test_a_changed_file_is_read_again(file: Path, kept: Path) -> None:
    parsed(file)
    about = file.stat()
    file.write_text("a = 2\nday = 2026-01-02\n")
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert parsed(file)["a"] == 2
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x05K\x01."])
def test_a_broken_copy_is_replaced(file: Path, kept: Path, content: bytes) -> None:
    parsed(file)
    (copy,) = kept.iterdir()
    copy.write_bytes(content)
    assert parsed(file)["a"] == 1
    assert copy.read_bytes() != content


def test_nothing_is_kept_of_a_users_own_file(file: Path, kept: Path) -> None:
    assert parsed(file, keep=False)["a"] == 1
    assert not kept.exists()


def test_a_directory_that_refuses_costs_nothing_but_time(file: Path, kept: Path) -> None:
    kept.parent.parent.write_text("in the way")
    assert parsed(file)["a"] == 1
    assert parsed(file)["a"] == 1
