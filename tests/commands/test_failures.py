import errno

import pytest

from catalogs.errors import CatalogError, IncompleteInput, InputError
from commands.failures import guarded


def told(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def work() -> int:
        raise error

    code = guarded(work)
    said = capsys.readouterr()
    assert said.out == ""
    return code, said.err


@pytest.fixture(autouse=True)
def _no_traceback_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEETCAST_DEBUG", raising=False)


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (InputError("no rate"), 2, "no rate"),
        (CatalogError("a.toml", "it is not TOML"), 2, "a.toml: it is not TOML"),
        (IncompleteInput(["a model"]), 5, "still needed: a model"),
        (OSError(errno.ENOSPC, "No space left", "/x"), 2, "'/x' cannot be written: no space left"),
        (ZeroDivisionError("by\nzero"), 1, "ZeroDivisionError: by zero"),
    ],
)
def test_each_error_has_its_sentence_and_its_code(
    error: Exception, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    came, said = told(error, capsys)
    assert came == code
    assert sentence in said
    assert said.count("\n") == 1


def test_an_interruption_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(KeyboardInterrupt(), capsys) == (130, "\n")


def test_a_traceback_is_a_variable_away(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FLEETCAST_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        told(ZeroDivisionError(), capsys)
