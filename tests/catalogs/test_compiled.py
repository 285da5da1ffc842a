import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalogs import compiled, entry_files
from catalogs.catalog import Catalog


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiled._directory.cache_clear()
    yield tmp_path / "cache" / "fleetcast" / "catalog"
    compiled._directory.cache_clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "facts.toml"
    file.write_text("first")
    return file


@pytest.fixture
def read(file: Path, place: Path) -> Callable[..., str]:
    """Reads the file, and says so where it was not kept."""

    def read(name: str = "facts", versions: str = "1") -> str:
        read_now = []

        def make() -> str:
            read_now.append(True)
            return file.read_text()

        return compiled.cached_content(name, [file], versions, make) + (" anew" if read_now else "")

    return read


def test_a_file_is_read_once(read: Callable[..., str], place: Path) -> None:
    assert [read(), read()] == ["first anew", "first"]
    assert len(list(place.iterdir())) == 1


def test_a_changed_file_is_read_again(read: Callable[..., str], file: Path, place: Path) -> None:
    read()
    about = file.stat()
    file.write_text("other")
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert read() == "other anew"
    assert len(list(place.iterdir())) == 1


def test_another_version_or_name_reads_again(read: Callable[..., str]) -> None:
    read()
    assert read(versions="2") == "first anew"
    assert read(name="others", versions="2") == "first anew"
    assert read(versions="2") == "first"


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x05K\x01."])
def test_a_broken_copy_is_replaced(read: Callable[..., str], place: Path, content: bytes) -> None:
    read()
    (copy,) = place.iterdir()
    copy.write_bytes(content)
    assert [read(), read()] == ["first anew", "first"]


def test_a_directory_that_refuses_costs_nothing_but_time(read: Callable[..., str], place: Path) -> None:
    place.parent.parent.write_text("in the way")
    assert [read(), read()] == ["first anew", "first anew"]


def test_a_catalog_is_the_same_from_its_copy(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {kind: Catalog.load()._entries(kind) for kind in entry_files.KINDS}
    assert len(list(place.iterdir())) == len(entry_files.KINDS)
    monkeypatch.setattr(entry_files, "read_entry", lambda *_: pytest.fail("an entry was read again"))
    assert {kind: Catalog.load()._entries(kind) for kind in entry_files.KINDS} == first


def test_nothing_is_kept_of_a_users_own_files(place: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.toml").write_text("")
    entry_files.read_entries("model", [own])
    assert not place.exists()
