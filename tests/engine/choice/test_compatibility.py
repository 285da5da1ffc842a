"""Whether a model fits: by hand for a few, and by the law that what fits one fits a larger one."""

import pytest

from catalogs.catalog import Catalog
from engine.choice.compatibility import Compatibility, compatibility

CATALOG = Catalog.load()


def of(model: str, accelerator: str) -> Compatibility:
    return compatibility(CATALOG.model(model).model, CATALOG.accelerator(accelerator), CATALOG)


@pytest.mark.parametrize(
    ("model", "accelerator", "verdict", "accelerators"),
    [
        ("llama-3.1-8b", "H100", "compatible", 1),  # 16 GB of 80
        ("qwen2.5-32b", "H100", "marginal", 1),  # 65 GB of 80
        ("llama-3.1-70b", "H100", "incompatible", 2),  # 141 GB of 171 that two offer
        ("deepseek-v3", "H100", "incompatible", 16),  # 671 GB: two nodes of 640
        ("deepseek-v3", "B300", "incompatible", 4),
        ("llama-3.1-8b", "T4", "incompatible", 2),
    ],
)
def test_known_pairs(model: str, accelerator: str, verdict: str, accelerators: int) -> None:
    found = of(model, accelerator)
    assert (found.verdict, found.accelerators) == (verdict, accelerators)


def test_what_is_missing_and_what_would_fit_is_said() -> None:
    found = of("llama-3.1-70b", "H100")
    assert found.missing_gib == pytest.approx(141.1e9 / 2**30 + 6 - 71.6, rel=0.06)
    assert CATALOG.precisions[found.fits_in].bits < 8
    assert of("llama-3.1-8b", "T4").fits_in


def test_what_fits_an_accelerator_fits_one_with_more_memory() -> None:
    for model in list(CATALOG.models.values())[::12]:
        h100, h200 = (compatibility(model, CATALOG.accelerator(name), CATALOG) for name in ("H100", "H200"))
        order = ("compatible", "marginal", "incompatible")
        assert order.index(h200.verdict) <= order.index(h100.verdict), model.id
        assert (h200.missing_gib or 0) <= (h100.missing_gib or 0)


@pytest.mark.parametrize(
    ("model", "accelerator", "precision", "together", "accelerators"),
    [
        ("llama-3.1-70b", "rx-7900-xtx", "int4", 2, None),  # 35 GB of 48; BF16's 141 GB are more than the node's 96
        ("llama-3.1-70b", "L40S", "int8", 2, 4),  # 70 GB of 96; BF16's 141 GB of 192
        ("llama-3.1-70b", "H100", "", None, 2),  # one holds NVFP4
    ],
)
def test_several_in_another_precision_are_tried(
    model: str, accelerator: str, precision: str, together: int | None, accelerators: int | None
) -> None:
    found = of(model, accelerator)
    assert (found.together_in, found.accelerators_in, found.accelerators) == (precision, together, accelerators)
    assert bool(found.fits_in) == (not precision)
