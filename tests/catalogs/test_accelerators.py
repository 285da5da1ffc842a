import tomllib
from collections import Counter
from pathlib import Path

from catalogs.catalog import BUILT_IN, Catalog
from catalogs.names import letters_of
from catalogs.records.accelerators import Accelerator
from catalogs.records.facts import Confidence
from tests.every import of_every

CATALOG = Catalog.load()
ACCELERATORS = list(CATALOG.accelerators.values())

# The spellings under which published measurements name their accelerator.
MEASURED = {
    "a100": "a100-sxm-80gb",
    "a100-pcie": "a100-pcie-80gb",
    "a100-sxm-80gb": "a100-sxm-80gb",
    "a10g-pcie": "a10g",
    "a40-pcie": "a40",
    "b200": "b200-sxm",
    "b200-sxm-180gb": "b200-sxm",
    "b300-sxm-288gb": "b300-sxm",
    "gaudi2": "gaudi2",
    "gb10-dgx-spark-soc": "gb10",
    "gb200-nvl72": "gb200",
    "gb300": "gb300",
    "gh200-96gb": "gh200-96gb",
    "h100-nvl-94gb": "h100-nvl-94gb",
    "h100-pcie-80gb": "h100-pcie-80gb",
    "h100-sxm-80gb": "h100-sxm-80gb",
    "h20": "h20-96gb",
    "h200-sxm-141gb": "h200-sxm-141gb",
    "h800-sxm-80gb": "h800-sxm-80gb",
    "intel-data-center-gpu-max-1550-pvc": "max-1550",
    "l40-48gb": "l40",
    "l40s-48gb": "l40s",
    "m1-7-core-gpu-soc": "apple-m1",
    "m1-max-32-core-gpu-soc": "apple-m1-max",
    "m3-max-40-core-gpu-soc": "apple-m3-max",
    "mi250": "mi250",
    "mi300x-192gb": "mi300x",
    "nvidia-jetson-agx-orin-64g": "jetson-agx-orin-64gb",
    "rtx-3080-pcie": "rtx-3080",
    "rtx-3080-ti-pcie": "rtx-3080-ti",
    "rtx-3090-pcie": "rtx-3090",
    "rtx-3090-ti-pcie": "rtx-3090-ti",
    "rtx-4000-ada-pcie": "rtx-4000-ada",
    "rtx-4080-pcie": "rtx-4080",
    "rtx-4090-pcie": "rtx-4090",
    "rtx-5000-ada-pcie": "rtx-5000-ada",
    "rtx-6000-ada-pcie": "rtx-6000-ada",
    "rtx-a6000-pcie": "rtx-a6000",
    "rtx-pro-6000-blackwell-server-edition-pcie": "rtx-pro-6000-bse",
    "rx-7900-xtx-pcie": "rx-7900-xtx",
    "sn40l": "sn40l",
}
SAID = {
    "H100": "h100-sxm-80gb",
    "h100 sxm": "h100-sxm-80gb",
    "NVIDIA-H100-80GB-HBM3": "h100-sxm-80gb",
    "A100-80GB": "a100-sxm-80gb",
    "a100 80": "a100-sxm-80gb",
    "A100 40GB": "a100-sxm-40gb",
    "rtx4090": "rtx-4090",
    "MI300": "mi300x",
    "AMD MI300X": "mi300x",
    "RTX PRO 6000": "rtx-pro-6000-bse",
    "DGX Spark": "gb10",
    "TPU v6e": "tpu-v6e",
    "Trillium": "tpu-v6e",
    "V100": "v100-sxm2-16gb",
    "A16": "a16",
    "A2": "a2",
    "A800": "a800-sxm-80gb",
    "B100": "b100-sxm",
    "RTX 3060": "rtx-3060",
    "Titan RTX": "titan-rtx",
    "RTX 2080 Ti": "rtx-2080-ti",
    "RTX 4060 Ti 16GB": "rtx-4060-ti-16gb",
    "RTX 5080": "rtx-5080",
    "RTX 5070 Ti": "rtx-5070-ti",
    "5060 Ti": "rtx-5060-ti-16gb",
    "RTX A5000": "rtx-a5000",
    "Radeon Pro W7900": "radeon-pro-w7900",
    "R9700": "radeon-ai-pro-r9700",
    "MI100": "mi100",
    "MI300A": "mi300a",
    "Arc B580": "arc-b580",
    "Strix Halo": "ryzen-ai-max-395",
    "Ryzen AI Max+ 395": "ryzen-ai-max-395",
    "M4 Pro": "apple-m4-pro",
    "Apple M1 Ultra": "apple-m1-ultra",
    "H100 SXM 96GB": "h100-sxm-96gb",
    "GH200 144GB": "gh200-144gb",
    "p100": "p100-sxm2",
    "P40": "p40",
}
CURVES_OF_THEIR_OWN = {
    "a100-sxm-80gb",
    "h100-sxm-80gb",
    "h200-sxm-141gb",
    "b200-sxm",
    "b300-sxm",
    "gb200",
    "gb300",
    "l40s",
    "rtx-pro-6000-bse",
}


def test_there_are_at_least_fifty_five_accelerators_and_each_validates() -> None:
    assert len(ACCELERATORS) >= 55
    CATALOG.check(("accelerator",))


def test_no_id_is_written_twice() -> None:
    """The loader keeps one entry an id, so the files themselves are counted."""
    written = Counter(
        entry["id"]
        for file in (BUILT_IN / "accelerators").glob("*.toml")
        for entry in tomllib.loads(Path(file).read_text(encoding="utf-8"))["accelerator"]
    )
    assert written.most_common(1)[0][1] == 1
    assert set(written) == set(CATALOG.accelerators)


def test_every_spelling_belongs_to_one_accelerator() -> None:
    owners: dict[str, set[str]] = {}
    for entry in ACCELERATORS:
        for spelling in (entry.id, entry.name, *entry.aliases):
            owners.setdefault(letters_of(spelling), set()).add(entry.id)
    assert {spelling: ids for spelling, ids in owners.items() if len(ids) > 1} == {}


def test_no_alias_repeats_what_its_entry_says_already() -> None:
    for entry in ACCELERATORS:
        spellings = [letters_of(spelling) for spelling in (entry.name, *entry.aliases)]
        assert len(spellings) == len(set(spellings)), entry.id


@of_every([*MEASURED.items(), *SAID.items()])
def test_people_and_measurements_are_understood(said: str, expected: str) -> None:
    assert CATALOG.accelerator(said).id == expected


def test_accelerators_either_have_curves_of_their_own_or_borrow_from_one_that_has() -> None:
    assert {entry.id for entry in ACCELERATORS if entry.kernels is None} == CURVES_OF_THEIR_OWN
    assert {accelerator for accelerator, _ in CATALOG.curves} == CURVES_OF_THEIR_OWN
    assert {entry.kernels for entry in ACCELERATORS if entry.kernels} <= CURVES_OF_THEIR_OWN


@of_every(ACCELERATORS)
def test_figures_are_of_a_possible_machine(entry: Accelerator) -> None:
    peaks = entry.peak_tflops
    sixteen_bit = peaks.bf16 or peaks.fp16
    assert sixteen_bit, "no language model runs without a 16-bit rate"
    for wide, narrow in ((sixteen_bit, peaks.fp8), (peaks.fp8, peaks.fp4)):
        if wide and narrow:
            assert wide <= narrow <= 5 * wide
    # FLOP per byte between a desktop's and a hypothetical machine without memory.
    assert 5 < sixteen_bit * 1e3 / entry.memory_gb_per_s < 1000
    assert 8 <= entry.memory_gib <= 1024
    assert 10 <= entry.power_w <= 3000
    assert (entry.link.gb_per_s == 0) == (entry.link.domain == 1)


def test_usable_memory_is_at_most_the_labels_gib() -> None:
    labels = {
        "h100-sxm-80gb": 80,
        "a100-sxm-80gb": 80,
        "h200-sxm-141gb": 141,
        "b200-sxm": 180,
        "l40s": 48,
        "mi300x": 192,
    }
    for name, label in labels.items():
        assert 0.93 * label <= CATALOG.accelerators[name].memory_gib <= label


def test_only_what_is_not_for_sale_yet_is_announced() -> None:
    assert {entry.id for entry in ACCELERATORS if entry.announced_only} == {"rubin-sxm", "mi455x", "tpu-8t", "tpu-8i"}


def test_a_memory_entry_says_so_in_its_source_or_note() -> None:
    for entry in ACCELERATORS:
        if entry.confidence is Confidence.MEMORY:
            assert "memory" in f"{entry.source} {entry.note}", entry.id
