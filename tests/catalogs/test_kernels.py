from itertools import pairwise

import pytest

from catalogs.catalog import Catalog
from catalogs.records.kernels import DecodeFit, KernelCurve, RooflineFit
from tests.every import of_every

CATALOG = Catalog.load()
CURVES = CATALOG.curves
FRAMEWORKS = ("vllm", "sglang", "trtllm")
DTYPES = {"bf16", "fp8", "fp8_block", "int8", "nvfp4", "int4_wo", "int8_wo", "mxfp4", "mxfp4_mxfp8"}


def seconds(fit: RooflineFit, flops: float, moved: float, peak_tflops: float, gb_per_s: float) -> float:
    """The form in the docstring of RooflineFit, written out."""
    compute = flops / (fit.compute * peak_tflops * 1e12)
    memory = moved / (fit.memory * gb_per_s * 1e9)
    return fit.t0_us * 1e-6 + (compute**fit.p + memory**fit.p) ** (1 / fit.p)


def curve_name(curve: KernelCurve) -> str:
    return f"{curve.accelerator}/{curve.framework}"


def named_fits(curve: KernelCurve) -> list[tuple[str, RooflineFit | DecodeFit]]:
    groups = (curve.gemm, curve.mixture, curve.decode, curve.prefill, curve.latent_decode)
    return [(name, fit) for group in groups for name, fit in group.items()]


def test_nine_accelerators_are_measured_with_three_frameworks_each() -> None:
    assert len({accelerator for accelerator, _ in CURVES}) == 9
    assert set(CURVES) == {(accelerator, framework) for accelerator, _ in CURVES for framework in FRAMEWORKS}
    CATALOG.check(("curve",))


@of_every(CURVES.values(), name=curve_name)
def test_shares_are_physical(curve: KernelCurve) -> None:
    """A fit may pass 1 a little: fp8 MLA on the bf16 peak, and what an additive form puts on the memory."""
    for name, fit in named_fits(curve):
        assert 0 < fit.memory <= 1.1, name
        if isinstance(fit, RooflineFit):
            assert 0 < fit.compute <= 1.1, name
        assert fit.t0_us < 100, name
        assert fit.error <= 0.56, name


@of_every(CURVES.values(), name=curve_name)
def test_attention_never_beats_the_memory(curve: KernelCurve) -> None:
    for fit in (*curve.decode.values(), *curve.prefill.values(), *curve.latent_decode.values()):
        assert fit.memory <= 1


@of_every(CURVES.values(), name=curve_name)
def test_dtypes_are_the_ones_that_the_engine_asks_for(curve: KernelCurve) -> None:
    assert set(curve.gemm) | set(curve.mixture) <= DTYPES
    assert set(curve.decode) <= {"bf16", "fp8"}
    assert set(curve.prefill) <= {"bf16/bf16", "bf16/fp8", "fp8/fp8"}
    assert all(key.split("/")[0] in {"bf16", "fp8"} and int(key.split("/")[1]) for key in curve.latent_decode)


@of_every(CURVES.values(), name=curve_name)
def test_every_dtype_has_the_peak_of_its_unit(curve: KernelCurve) -> None:
    units = {"fp8": "fp8", "fp8_block": "fp8", "int8": "int8", "nvfp4": "fp4", "mxfp4_mxfp8": "fp8"}
    for dtype in (*curve.gemm, *curve.mixture):
        assert units.get(dtype, "bf16") in curve.peak_tflops


@of_every(CURVES.values(), name=curve_name)
def test_all_reduce_is_monotone_in_size(curve: KernelCurve) -> None:
    assert {"2", "4"} <= set(curve.all_reduce)
    for table in curve.all_reduce.values():
        sizes = sorted(int(size) for size in table)
        assert sizes[0] == 1024
        assert all(table[str(a)] <= table[str(b)] for a, b in pairwise(sizes))


@of_every(CURVES.values(), name=curve_name)
def test_all_reduce_sizes_are_bytes(curve: KernelCurve) -> None:
    """What a ring moves of 256 MiB cannot pass faster than the link; read as 2-byte elements it would."""
    accelerator = CATALOG.accelerators[curve.accelerator]
    for group, table in curve.all_reduce.items():
        n = int(group)
        bus = 2 * (n - 1) / n * 268435456 / (table["268435456"] * 1e-6)
        assert bus < 1.1 * accelerator.link.gb_per_s * 1e9


def test_kernels_timed_wrongly_are_left_out() -> None:
    for (accelerator, framework), curve in CURVES.items():
        if framework == "vllm":
            assert not {"fp8_block", "nvfp4"} & set(curve.gemm), accelerator
    assert CURVES["a100-sxm-80gb", "trtllm"].decode == {}


def test_a_large_bf16_product_on_h100() -> None:
    """4,096 × 8,192 × 8,192: 5.50e11 FLOP at the 0.797 of 989 TFLOP/s that was measured at M = 4,096 take 697 µs."""
    curve = CURVES["h100-sxm-80gb", "vllm"]
    m, n, k = 4096, 8192, 8192
    predicted = seconds(
        curve.gemm["bf16"],
        2 * m * n * k,
        2 * (n * k + m * k + m * n),
        curve.peak_tflops["bf16"],
        curve.memory_gb_per_s,
    )
    assert predicted == pytest.approx(697e-6, rel=0.15)


def test_a_small_bf16_product_on_h100_streams_its_weights() -> None:
    """M = 8 over a weight of 128 MiB: measured at 0.80 of 3.35 TB/s, 50 µs."""
    curve = CURVES["h100-sxm-80gb", "vllm"]
    predicted = seconds(
        curve.gemm["bf16"],
        2 * 8 * 8192 * 8192,
        2 * (8192 * 8192 + 2 * 8 * 8192),
        curve.peak_tflops["bf16"],
        curve.memory_gb_per_s,
    )
    assert predicted == pytest.approx(134.2e6 / (0.80 * 3.35e12), rel=0.15)


@pytest.mark.parametrize(("framework", "share"), [("vllm", 0.904), ("sglang", 0.899), ("trtllm", 0.873)])
def test_decode_attention_on_h100(framework: str, share: float) -> None:
    """Batch 64, 8 KV heads of 128, 4,096 tokens in 16 bit: 1.07 GB, measured at these shares of 3.35 TB/s."""
    curve = CURVES["h100-sxm-80gb", framework]
    fit = curve.decode["bf16"]
    moved = 2 * 64 * 8 * 128 * 4096 * 2
    predicted = fit.t0_us * 1e-6 + moved / (fit.memory * curve.memory_gb_per_s * 1e9) * (1 + fit.half / (64 * 8))
    assert predicted == pytest.approx(moved / (share * 3.35e12), rel=0.12)


def test_graph_captured_all_reduce_on_h100() -> None:
    """256 KiB over eight H100 took 10.8 µs with vLLM's kernel and 9.4 µs with SGLang's."""
    assert CURVES["h100-sxm-80gb", "vllm"].all_reduce["8"]["262144"] == 10.8
    assert CURVES["h100-sxm-80gb", "sglang"].all_reduce["8"]["262144"] == 9.4
