"""The catalog from small directories of its own; the built-in one is tested in test_built_in.py."""

import re
from pathlib import Path

import pytest

from catalogs.catalog import BUILT_IN, Catalog
from catalogs.errors import CatalogError, InputError, UnknownName

ACCELERATOR = """
[[accelerator]]
id = "{id}"
name = "{name}"
aliases = {aliases}
vendor = "Acme"
form = "PCIe"
architecture = "Roadrunner"
memory_type = "HBM3"
memory_gib = {memory}
memory_gb_per_s = 2000
power_w = 300
per_node = 8
source = "Acme's datasheet"
checked = 2026-11-01
[accelerator.peak_tflops]
bf16 = 300
[accelerator.link]
kind = "none"
gb_per_s = 0
domain = 1
"""
MODEL = """
[[model]]
id = "{id}"
name = "{name}"
family = "acme"
hidden_size = 4096
vocabulary = 32000
max_context = 8192
source = "its config.json"
checked = 2026-11-01
native_precision = "{precision}"
{extra}
[[model.layers]]
count = {layers}
attention = {{ kind = "grouped", heads = 32, kv_heads = 8, head_dim = 128 }}
feed_forward = {{ kind = "dense", intermediate = 14336 }}
"""
OFFER = """
[[offer]]
id = "{id}"
provider = "Acme Cloud"
region = "moon"
instance = "a.1"
accelerator = "{accelerator}"
accelerators = 1
on_demand_usd_per_hour = 2.5
source = "Acme's price list"
checked = 2026-11-01
"""


def accelerator(id: str = "acme-1", name: str = "Acme One", aliases: str = "[]", memory: str = "64") -> str:
    return ACCELERATOR.format(id=id, name=name, aliases=aliases, memory=memory)


def model(
    id: str = "acme-7b", name: str = "Acme 7B", precision: str = "bf16", extra: str = "", layers: object = 32
) -> str:
    return MODEL.format(id=id, name=name, precision=precision, extra=extra, layers=layers)


def written(directory: Path, text: str, file: str = "mine.toml") -> Path:
    path = directory / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return directory


def error_of(directory: Path) -> CatalogError:
    with pytest.raises(CatalogError) as error:
        Catalog.load([directory])
    assert "\n" not in str(error.value)
    return error.value


@pytest.mark.parametrize("file", ["mine.toml", "accelerators/mine.toml", "accelerators.toml"])
def test_own_entries_extend_the_catalog(tmp_path: Path, file: str) -> None:
    catalog = Catalog.load([written(tmp_path, accelerator(), file)])
    assert catalog.accelerator("acme one").memory_bytes == 64 * 2**30
    assert len(catalog.accelerators) == len(Catalog.load().accelerators) + 1


def test_one_file_may_hold_several_kinds(tmp_path: Path) -> None:
    text = accelerator() + model() + OFFER.format(id="acme", accelerator="acme-1")
    catalog = Catalog.load([written(tmp_path, text)])
    assert catalog.model("acme 7b").model.layer_count == 32
    assert [offer.instance for offer in catalog.offers_of("acme cloud")] == ["a.1"]
    assert [offer.instance for offer in catalog.offers_of("Acme One")] == ["a.1"]


def test_a_later_directory_overrides_by_id(tmp_path: Path) -> None:
    first = written(tmp_path / "first", accelerator(memory="64"))
    second = written(tmp_path / "second", accelerator(memory="96"))
    assert Catalog.load([first, second]).accelerators["acme-1"].memory_gib == 96
    assert Catalog.load([second, first]).accelerators["acme-1"].memory_gib == 64


def test_an_own_entry_takes_over_a_built_in_alias(tmp_path: Path) -> None:
    catalog = Catalog.load([written(tmp_path, accelerator(aliases='["H100"]'))])
    assert catalog.accelerator("h100").id == "acme-1"


def test_settings_beside_the_entries_are_no_catalog(tmp_path: Path) -> None:
    written(tmp_path, "provider = 'acme'", "settings.toml")
    assert Catalog.load([tmp_path]).directories == (BUILT_IN, tmp_path)


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere' does not exist"):
        Catalog.load([tmp_path / "nowhere"])
    with pytest.raises(InputError, match="is not a directory"):
        Catalog.load([written(tmp_path, "") / "mine.toml"])


def test_corrupt_toml_names_the_file_and_the_line(tmp_path: Path) -> None:
    error = error_of(written(tmp_path, "[[accelerator]\nid = 1"))
    assert error.file == str(tmp_path / "mine.toml")
    assert "it is not TOML: " in str(error)
    assert "line 1" in str(error)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"# caf\xe9\n")
    assert "not UTF-8 text (byte 5)" in str(error_of(tmp_path))


def test_toml_nested_without_end_is_refused(tmp_path: Path) -> None:
    assert "mine.toml" in error_of(written(tmp_path, "a = " + "[" * 100_000)).file


def test_a_table_of_no_kind_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert "did you mean [[accelerator]]?" in str(error_of(written(tmp_path, "[[accelerators]]\nid = 'x'")))


def test_a_single_table_is_told_how_to_be_a_list(tmp_path: Path) -> None:
    assert "write [[model]] above each entry" in str(error_of(written(tmp_path, "[model]\nid = 'x'")))


def test_a_folder_holds_its_own_kind_alone(tmp_path: Path) -> None:
    assert "belongs in models" in str(error_of(written(tmp_path, model(), "accelerators/mine.toml")))


def test_a_misspelt_field_is_named_with_the_nearest(tmp_path: Path) -> None:
    error = error_of(written(tmp_path, accelerator().replace("memory_gib", "memmory_gib")))
    assert (error.entry, error.field) == ("accelerator 'acme-1'", "memmory_gib")
    assert "did you mean memory_gib?" in str(error)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    error = error_of(written(tmp_path, accelerator().replace("power_w = 300", "")))
    assert (error.field, str(error).endswith("it is missing")) == ("power_w", True)


def test_a_value_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    error = error_of(written(tmp_path, accelerator(memory='"a lot"')))
    assert error.field == "memory_gib"
    assert "'a lot': must be a number" in str(error)


@pytest.mark.parametrize("memory", ["0", "-80", "nan", "inf"])
def test_a_size_that_cannot_be_is_refused(tmp_path: Path, memory: str) -> None:
    assert error_of(written(tmp_path, accelerator(memory=memory))).field == "memory_gib"


def test_a_nested_field_is_named_as_the_file_has_it(tmp_path: Path) -> None:
    error = error_of(written(tmp_path, model().replace("kv_heads = 8", "kv_heads = 7")))
    assert error.field == "layers.0.attention"
    assert "heads 32 is not a multiple of kv_heads 7" in str(error)
    error = error_of(written(tmp_path, model().replace("kv_heads = 8", "kv_heds = 8")))
    assert error.field == "layers.0.attention.kv_heds"
    assert "did you mean kv_heads?" in str(error)


def test_an_entry_without_a_name_is_counted(tmp_path: Path) -> None:
    error = error_of(written(tmp_path, accelerator() + '[[accelerator]]\nname = "x"\n'))
    assert (error.entry, error.field) == ("accelerator no. 2", "id")
    assert "is not an entry" in str(error_of(written(tmp_path, "accelerator = [3]")))


def test_an_id_twice_in_one_directory_is_refused(tmp_path: Path) -> None:
    written(tmp_path, accelerator(), "a.toml")
    error = error_of(written(tmp_path, accelerator(), "b.toml"))
    assert error.file == str(tmp_path / "b.toml")
    assert "already in" in str(error)
    assert "a.toml" in str(error)


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        (OFFER.format(id="x", accelerator="acme-2"), "accelerator", "there is no accelerator 'acme-2'"),
        (accelerator().replace("power_w", 'kernels = "t4"\npower_w'), "kernels", "there is no kernel curve of 't4'"),
        (
            accelerator().replace("power_w", 'kernels = "l40s"\nfull_power = "mi9"\npower_w'),
            "full_power",
            "there is no accelerator 'mi9'",
        ),
        (model(precision="bf15"), "native_precision", "there is no precision 'bf15'"),
        (
            model(extra='checkpoints = [{ repository = "acme/x", precision = "fp9" }]'),
            "checkpoints.precision",
            "there is no precision 'fp9'",
        ),
    ],
)
def test_what_an_entry_refers_to_must_exist(tmp_path: Path, text: str, field: str, problem: str) -> None:
    error = error_of(written(tmp_path, text))
    assert error.field == field
    assert problem in str(error)


@pytest.mark.parametrize(
    ("architecture", "vendor", "taken"),
    [("Ada", "NVIDIA", "l40s"), ("Hopper", "Acme", "h100-sxm-80gb"), ("Acme1", "Acme", "a100-sxm-80gb")],
)
def test_an_accelerator_of_ones_own_takes_the_kernels_of_the_measured_one_most_like_it(
    tmp_path: Path, architecture: str, vendor: str, taken: str
) -> None:
    """Of its architecture, then of its maker, then with a memory about as fast."""
    own = re.sub(r"(?m)^(architecture|vendor) = .*\n", "", accelerator())
    own = own.replace("memory_gib", f'architecture = "{architecture}"\nvendor = "{vendor}"\nmemory_gib')
    catalog = Catalog.load([written(tmp_path, own)])
    assert catalog.accelerators["acme-1"].kernels == taken


def test_a_curve_of_an_accelerator_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Also where other accelerators of one's own look for kernels among the curves."""
    curves = (BUILT_IN / "kernels" / "l40s.toml").read_text().replace('"l40s"', '"l40z"')
    error = error_of(written(tmp_path, accelerator(), "a.toml") and written(tmp_path, curves, "b.toml"))
    assert "there is no accelerator 'l40z'" in str(error)


def test_a_checkpoint_is_found_by_its_repository_or_without_its_owner(tmp_path: Path) -> None:
    extra = 'checkpoints = [{ repository = "AcmeAI/Acme-7B-Instruct-FP8", precision = "fp8", kv_precision = "fp8" }]'
    catalog = Catalog.load([written(tmp_path, model(extra=extra))])
    for said in ("AcmeAI/Acme-7B-Instruct-FP8", "acmeai/acme-7b-instruct-fp8", "Acme-7B-Instruct-FP8"):
        resolved = catalog.model(said)
        assert resolved.model.id == "acme-7b"
        assert resolved.checkpoint == resolved.model.checkpoints[0]


def test_a_repository_beyond_the_catalog_gives_model_and_precision(tmp_path: Path) -> None:
    catalog = Catalog.load([written(tmp_path, model() + model(id="acme-9b", name="Acme 9B", precision="mxfp4"))])
    assert catalog.model("someone/Acme-7B-Instruct").checkpoint is None
    assert catalog.model("someone/Acme-7B-Instruct").precision == "bf16"
    assert catalog.model("someone/Acme-7B-Instruct-AWQ").precision == "int4"
    assert catalog.model("acme 7b fp8").precision == "fp8"
    assert catalog.model("someone/Acme-7B-GGUF").precision == "q4_k_m"
    assert catalog.model("someone/Acme-9B-GGUF").precision == "mxfp4"


def test_a_repository_of_another_model_is_not_taken_for_one_that_is_like_it(tmp_path: Path) -> None:
    catalog = Catalog.load([written(tmp_path, model(id="acme-coder-7b", name="Acme Coder 7B"))])
    assert catalog.model("acme 7b").model.id == "acme-coder-7b"
    for said in ("acme/acme-7b", "acme/Acme-Coder-7B-Special"):
        with pytest.raises(UnknownName, match=r"config\.json path or a Hugging Face owner/name"):
            catalog.model(said)


def test_a_bare_size_without_a_well_known_model_is_the_nearest_dense_one(tmp_path: Path) -> None:
    catalog = Catalog((tmp_path,))
    written(tmp_path, model(layers=32) + model(id="acme-14b", name="Acme 14B", layers=64))
    assert catalog.model_of_size(7.0).id == "acme-7b"
    assert catalog.model_of_size(14.0).id == "acme-14b"
    with pytest.raises(InputError, match=r"within 15% of 50 billion parameters; the nearest sizes are .*acme-14b"):
        catalog.model_of_size(50)


def test_an_empty_catalog_refuses_by_name(tmp_path: Path) -> None:
    catalog = Catalog((tmp_path,))
    for find in (catalog.accelerator, catalog.model, catalog.runtime, catalog.preset, catalog.precision):
        with pytest.raises(UnknownName):
            find("anything")
    with pytest.raises(InputError, match="nearest sizes are none"):
        catalog.model_of_size(7)


def test_only_the_kinds_asked_for_are_read(tmp_path: Path) -> None:
    written(tmp_path, accelerator(), "accelerators/a.toml")
    written(tmp_path, "not toml", "models/b.toml")
    catalog = Catalog((tmp_path,))
    assert catalog.accelerator("acme one").id == "acme-1"
    with pytest.raises(CatalogError):
        _ = catalog.models


def test_other_fitted_constants_share_all_else_that_was_read() -> None:
    """A fit asks the same catalog under hundreds of constants: it may not read the files for each."""
    catalog = Catalog.load()
    models = catalog.models
    other = catalog.with_fitted([])
    assert other.fitted == () != catalog.fitted
    assert other.models is models
