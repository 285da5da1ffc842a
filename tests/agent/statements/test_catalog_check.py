"""The check of a catalog file finds every problem, where reading stops at the first."""

from pathlib import Path

import pytest

from agent.statements.catalog_check import check_file
from catalogs.errors import CatalogError
from tests.catalogs.test_catalog import OFFER, accelerator, model, written


def problems(directory: Path, text: str, file: str = "mine.toml") -> list[tuple[str, str, str]]:
    """Return entry, field and sentence of each problem of a file."""
    written(directory, text, file)
    found = check_file(directory / file).problems
    assert all("\n" not in str(problem) for problem in found)
    return [(problem.entry, problem.field, str(problem).partition(": ")[2]) for problem in found]


def test_entries_may_refer_to_one_another(tmp_path: Path) -> None:
    text = OFFER.format(id="acme", accelerator="acme-1") + accelerator() + model()
    checked = check_file(written(tmp_path, text) / "mine.toml")
    assert (checked.counts, checked.problems) == ({"offer": 1, "accelerator": 1, "model": 1}, ())


def test_each_problem_of_each_entry_is_named(tmp_path: Path) -> None:
    broken = accelerator(memory="-3").replace("power_w", "powr_w").replace("per_node = 8", "")
    text = (
        broken
        + model(precision="bf15")
        + OFFER.format(id="x", accelerator="acme-2")
        + OFFER.format(id="y", accelerator="acme-1")
    )
    assert problems(tmp_path, text) == [
        ("accelerator 'acme-1'", "powr_w", "there is no such field; did you mean power_w?"),
        ("accelerator 'acme-1'", "memory_gib", "-3: must be greater than 0"),
        ("accelerator 'acme-1'", "per_node", "it is missing"),
        ("model 'acme-7b'", "native_precision", "there is no precision 'bf15'"),
        ("offer 'x'", "accelerator", "there is no accelerator 'acme-2'"),
    ]


def test_names_of_precisions_in_checkpoints_are_checked(tmp_path: Path) -> None:
    extra = (
        'checkpoints = [{ repository = "a/x", precision = "fp9", kv_precision = "fp7", formats = { head = "fp5" } }]'
    )
    found = problems(tmp_path, model(extra=extra))
    assert [(field, sentence) for _, field, sentence in found] == [
        ("checkpoints.precision", "there is no precision 'fp9'"),
        ("checkpoints.formats", "there is no precision 'fp5'"),
        ("checkpoints.kv_precision", "there is no precision 'fp7'"),
    ]


def test_kernels_are_those_of_an_accelerator_that_has_some(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, accelerator().replace("power_w", 'kernels = "t4"\npower_w'))
    assert problem == ("accelerator 'acme-1'", "kernels", "there is no kernel curve of 't4'")
    assert not problems(tmp_path, accelerator().replace("power_w", 'kernels = "l40s"\npower_w'))


def test_tables_are_checked_and_the_others_still_read(tmp_path: Path) -> None:
    text = '[[modle]]\nid = "x"\n[runtime]\nid = "y"\n' + model(precision="bf15")
    sentences = [sentence for _, _, sentence in problems(tmp_path, text)]
    assert sentences[0] == "'modle' is not a table of a catalog; did you mean [[model]]?"
    assert sentences[1:] == ["write [[runtime]] above each entry, not [runtime]", "there is no precision 'bf15'"]


def test_an_id_twice_in_a_file_and_a_list_as_id(tmp_path: Path) -> None:
    assert problems(tmp_path, model() + model()) == [("model 'acme-7b'", "", "an entry above has the same name")]
    assert [field for _, field, _ in problems(tmp_path, model().replace('"acme-7b"', "[7]"))] == ["id"]


def test_what_other_directories_hold_may_be_referred_to(tmp_path: Path) -> None:
    """Also where another file there is broken: that file has a check of its own."""
    others = written(tmp_path / "others", accelerator())
    written(others, "[[model]", "broken.toml")
    file = written(tmp_path, OFFER.format(id="acme", accelerator="acme-1")) / "mine.toml"
    assert [problem.field for problem in check_file(file).problems] == ["accelerator"]
    assert not check_file(file, [others]).problems


def test_a_file_without_entries_or_without_toml_is_said_to_be_so(tmp_path: Path) -> None:
    ((_, _, sentence),) = problems(tmp_path, "# nothing yet\n")
    assert sentence.startswith("it holds no entry; write [[model]]")
    with pytest.raises(CatalogError, match="it is not TOML"):
        problems(tmp_path, "[[model]")
    with pytest.raises(CatalogError, match="cannot be read"):
        check_file(tmp_path / "nowhere.toml")
