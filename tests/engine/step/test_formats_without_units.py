"""What an accelerator runs of a format for which it has no matrix unit."""

import pytest

from catalogs.catalog import Catalog
from engine.step.rates import Unsupported, compute_unit, rates_for


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.mark.parametrize("name", ["H100 SXM", "A100 80GB SXM"])
def test_mxfp4_is_widened_to_16_bit_where_there_is_no_fp4_unit(catalog: Catalog, name: str) -> None:
    accelerator, mxfp4, bf16 = catalog.accelerator(name), catalog.precision("mxfp4"), catalog.precision("bf16")
    rates = rates_for(accelerator, catalog.runtime("vllm"), mxfp4, bf16, catalog.curves)
    wide = rates_for(accelerator, catalog.runtime("vllm"), bf16, bf16, catalog.curves)
    assert rates.compute == "bf16"
    assert rates.mixture_bytes == pytest.approx(4.25 / 8)
    assert rates.linear_input_bytes == 2.0
    # Reading a quarter of the bytes, at no more than the 16-bit rate of arithmetic.
    assert rates.linear.flops_per_s <= wide.linear.flops_per_s * 1.001


def test_mxfp4_runs_natively_where_there_is_an_fp4_unit(catalog: Catalog) -> None:
    assert compute_unit(catalog.accelerator("B200"), catalog.precision("mxfp4")) == "fp4"


@pytest.mark.parametrize(
    ("name", "precision", "instead"), [("H100 SXM", "nvfp4", "fp8"), ("A100 80GB SXM", "fp8", "bf16")]
)
def test_other_formats_are_refused_with_what_would_run_instead(
    catalog: Catalog, name: str, precision: str, instead: str
) -> None:
    with pytest.raises(Unsupported) as refusal:
        compute_unit(catalog.accelerator(name), catalog.precision(precision))
    assert refusal.value.instead.startswith(instead)
