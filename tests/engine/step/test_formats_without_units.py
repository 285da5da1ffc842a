"""What an accelerator runs of a format for which it has no matrix unit."""

import pytest

from catalogs.catalog import Catalog
from engine.fleet.candidates import candidates
from engine.step.rates import Unsupported, compute_unit, rates_for
from tests.engine.asked import question as asked_of


def on(catalog: Catalog, accelerator: str, precision: str, runtime: str = "vllm") -> str:
    return compute_unit(catalog.accelerator(accelerator), catalog.precision(precision), catalog.runtime(runtime))


@pytest.mark.parametrize(
    ("name", "precision"),
    [("H100 SXM", "mxfp4"), ("A100 80GB SXM", "mxfp4"), ("RTX 3090", "fp8"), ("H100 SXM", "nvfp4"), ("L40S", "nvfp4")],
)
def test_vllm_widens_to_16_bit_where_there_is_no_unit(catalog: Catalog, name: str, precision: str) -> None:
    """Marlin: the weights are read in their own format and multiplied in 16 bit."""
    accelerator, narrow, bf16 = catalog.accelerator(name), catalog.precision(precision), catalog.precision("bf16")
    rates = rates_for(accelerator, catalog.runtime("vllm"), narrow, bf16, catalog.curves)
    wide = rates_for(accelerator, catalog.runtime("vllm"), bf16, bf16, catalog.curves)
    assert rates.compute == "bf16"
    assert rates.linear_input_bytes == 2.0
    assert rates.linear.flops_per_s <= wide.linear.flops_per_s * 1.001


def test_a_format_runs_natively_where_there_is_its_unit(catalog: Catalog) -> None:
    assert on(catalog, "B200", "mxfp4") == "fp4"
    assert on(catalog, "H100 SXM", "fp8") == "fp8"


@pytest.mark.parametrize(
    ("name", "precision", "runtime", "instead"),
    [
        ("H100 SXM", "nvfp4", "tensorrt-llm", "fp8"),
        ("A100 80GB SXM", "fp8", "tensorrt-llm", "bf16"),
        ("V100 SXM2 32GB", "fp8", "vllm", "bf16"),
        ("MI300X", "nvfp4", "vllm", "fp8"),
    ],
)
def test_what_no_kernel_does_is_refused_with_what_would_run_instead(
    catalog: Catalog, name: str, precision: str, runtime: str, instead: str
) -> None:
    with pytest.raises(Unsupported) as refusal:
        on(catalog, name, precision, runtime)
    assert refusal.value.instead.startswith(instead)


def test_the_runtime_that_would_is_named(catalog: Catalog) -> None:
    question = asked_of(
        {"hardware.accelerators": ["a100-sxm-80gb"], "precision.weights": "fp8", "serving.runtime": "tensorrt-llm"}
    )
    (refused,) = candidates(question)[1]
    assert "--runtime vllm" in refused.relaxations
