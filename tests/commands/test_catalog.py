import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from catalogs.errors import CatalogError, InputError, UnknownName
from commands.catalog import app


@pytest.fixture(autouse=True)
def _no_entries_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def said(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("kind", ["accelerators", "models", "prices", "presets", "runtimes", "precisions"])
def test_each_kind_is_listed_and_as_a_json_list(kind: str) -> None:
    lines = said(kind).stdout.splitlines()
    entries = json.loads(said(kind, "--json").stdout)
    assert lines
    assert [entry["id"] for entry in entries] == [line.partition(": ")[0] for line in lines]
    assert all(entry["source"] for entry in entries)


def test_one_is_shown_with_its_source() -> None:
    shown = said("accelerators", "h100").stdout
    assert shown.startswith("id: h100-sxm-80gb\n")
    assert "\nsource: " in shown
    assert "\nchecked: 20" in shown


def test_json_of_one_is_a_list_too() -> None:
    entries = json.loads(said("precisions", "nvfp4", "--json").stdout)
    assert [entry["bits"] for entry in entries] == [4.5]


def test_a_name_of_several_lists_them() -> None:
    lines = said("models", "llama 70b").stdout.splitlines()
    assert len(lines) > 1
    assert {"llama-3.1-70b", "llama-3.3-70b"} <= {line.partition(": ")[0] for line in lines}


def test_prices_are_found_by_accelerator_and_by_provider() -> None:
    offers = json.loads(said("prices", "h100", "--json").stdout)
    assert {offer["accelerator"] for offer in offers} == {"h100-sxm-80gb"}
    provider = offers[0]["provider"]
    assert {offer["provider"] for offer in json.loads(said("prices", provider, "--json").stdout)} == {provider}


def test_an_unknown_name_is_an_input_error() -> None:
    assert isinstance(said("accelerators", "h1000").exception, UnknownName)


def test_own_entries_come_from_the_call_and_from_the_users_directory(tmp_path: Path) -> None:
    entry = '[[precision]]\nid = "fp6"\nname = "FP6"\nbits = 6\ncompute = "bf16"\nsource = "mine"\n'
    (tmp_path / "mine.toml").write_text(entry)
    assert "bits: 6\n" in said("precisions", "fp6", "--catalog", str(tmp_path)).stdout
    assert isinstance(said("precisions", "fp6").exception, UnknownName)
    own = tmp_path / "config" / "fleetcast"
    own.mkdir(parents=True)
    (own / "mine.toml").write_text(entry)
    assert "bits: 6\n" in said("precisions", "fp6").stdout
    (own / "mine.toml").write_text("[[precision]")
    assert isinstance(said("precisions").exception, CatalogError)


def test_one_model_shows_how_its_bytes_come_about() -> None:
    shown = said("models", "kimi-k2.5", "--plain").stdout
    assert "routed experts: parameters 1.01T, int4 571 GB at 4.5 bit, nvfp4 571 GB at 4.5 bit\n" in shown
    assert (
        "moonshotai/Kimi-K2.5: stored as int4, computed 595 GB, published 595 GB, computed / published 1.000\n" in shown
    )
    assert shown.endswith("KV cache of a token\nbf16: 68.6 KiB\nfp8: 34.3 KiB\n")
    (entry,) = json.loads(said("models", "kimi-k2.5", "--json").stdout)
    assert entry["bytes"]["checkpoints"][0]["parts"]["expert"]["bits"] == 4.5
    assert entry["bytes"]["kv_cache_bytes_per_token"]["bf16"] == 61 * 576 * 2
    assert "Checkpoints" not in said("models", "llama 70b").stdout


# --- the check of one's own entries -----------------------------------------------------------------------------------

PRECISION = '[[precision]]\nid = "{id}"\nname = "{id}"\nbits = {bits}\ncompute = "bf16"\nsource = "mine"\n'


def test_valid_entries_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(PRECISION.format(id="fp6", bits=6) + PRECISION.format(id="fp5", bits=5))
    checked = said("check", str(file))
    assert (checked.stdout, checked.exit_code) == ("2 precisions: all valid\n", 0)
    assert said("--check", str(file)).stdout == checked.stdout


def test_every_problem_is_a_line_and_the_exit_code_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        PRECISION.format(id="fp6", bits='"six"') + PRECISION.format(id="fp5", bits=5).replace("name", "nam")
    )
    checked = CliRunner().invoke(app, ["check", str(file)], standalone_mode=False)
    assert checked.return_value == 2
    also = CliRunner().invoke(app, ["--check", str(file)], standalone_mode=False)
    assert (also.return_value, also.stdout) == (2, checked.stdout)
    assert isinstance(said("--check", str(file), "models").exception, InputError)
    first, second = checked.stdout.splitlines()
    assert first.startswith(f"{file}, precision 'fp6', field bits: 'six': ")
    assert second == f"{file}, precision 'fp5', field nam: there is no such field; did you mean name?"


def test_a_broken_file_in_the_users_own_directory_can_be_checked(tmp_path: Path) -> None:
    own = tmp_path / "config" / "fleetcast"
    own.mkdir(parents=True)
    (own / "mine.toml").write_text(PRECISION.format(id="fp6", bits=-1))
    checked = CliRunner().invoke(app, ["check", str(own / "mine.toml")], standalone_mode=False)
    assert "field bits: " in checked.stdout
    assert isinstance(said("check", str(own / "none.toml")).exception, CatalogError)
