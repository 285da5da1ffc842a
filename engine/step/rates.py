"""How fast an accelerator runs the kernels of a serving framework: measured curves, or those of its nearest relative.

A curve's efficiencies are shares of the peaks on which it was fitted, so a measured accelerator uses those peaks; one
that inherits multiplies the shares with its own. Sources are in the catalog entries (catalogs/kernels).
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from catalogs.records.accelerators import Accelerator
from catalogs.records.constants import CONSTANTS, Constants
from catalogs.records.fitted import FittedConstants
from catalogs.records.kernels import DecodeFit, KernelCurve, RooflineFit
from catalogs.records.precisions import Precision
from catalogs.records.runtimes import ServingRuntime

Curves = Mapping[tuple[str, str], KernelCurve]

STATIC_SCALE_LAUNCH_S = 4e-6
"""Launch of an fp8 or nvfp4 product whose activation scales are in the checkpoint; the curves time dynamic scales.
Source: TensorRT-LLM Llama-3.1-70B-FP8 serving points, and AIConfigurator's own fp8_static mode."""


class Roofline(Struct, frozen=True):
    """seconds = t0 + ((flops/flops_per_s)^p + (bytes/bytes_per_s)^p)^(1/p)."""

    t0_s: float
    flops_per_s: float
    bytes_per_s: float
    p: float


class DecodeRate(Struct, frozen=True):
    """seconds = t0 + KV bytes/bytes_per_s · (1 + half/(batch · KV heads))."""

    t0_s: float
    bytes_per_s: float
    half: float


class Rates(Struct, frozen=True):
    """Everything that turns one replica's operations into seconds, for one accelerator, runtime and pair of formats."""

    linear: Roofline
    """Products with quantised weights."""
    linear_input_bytes: float
    plain: Roofline
    """Products with 16-bit weights: LM head, router, and what a checkpoint leaves unquantised."""
    mixture: Roofline
    decode: DecodeRate
    prefill: Roofline
    latent: tuple[tuple[float, Roofline], ...]
    """MLA decode, by attention heads per accelerator."""
    kv_bytes: float
    """Bytes per KV element."""
    all_reduce: tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]
    """By group size: message bytes, seconds."""
    measured_link_gb_per_s: float
    """One direction, of the accelerator on which ``all_reduce`` was measured."""
    constants: Mapping[str, float]
    """What the runtime spends beside the kernels on this accelerator, by name, times in seconds."""
    stage_overhead_s: float
    """What each pipeline stage beyond the first spends on its own host, for a part of the batch."""
    memory_bytes_per_s: float
    origin: str
    """'measured', or what was inherited from where."""
    compute: str
    """The matrix unit that runs the quantised products."""


Kernels = Literal["measured", "inherited", "foreign"]


def kernels_of(accelerator: Accelerator, accelerators: Mapping[str, Accelerator]) -> Kernels:
    """Return whether an accelerator's own kernels were measured, or a relative's, or another architecture's."""
    if accelerator.kernels is None:
        return "measured"
    same = accelerators[accelerator.kernels].architecture == accelerator.architecture
    return "inherited" if same else "foreign"


class Unsupported(Exception):  # noqa: N818 — the name says the error
    """The accelerator cannot run this format; ``instead`` says what it would run as, by which ``flag``."""

    def __init__(self, reason: str, instead: str, flag: str = "--precision") -> None:
        super().__init__(reason)
        self.reason = reason
        self.instead = instead
        self.flag = flag


_FALLBACK = {
    "vllm": ("vllm", "sglang", "trtllm"),
    "sglang": ("sglang", "vllm", "trtllm"),
    "trtllm": ("trtllm", "sglang", "vllm"),
}

_LINEAR_KEYS = {
    "fp32": ("bf16",),
    "bf16": ("bf16",),
    "fp16": ("bf16",),
    "fp8": ("fp8", "fp8_block", "bf16"),
    "int8": ("fp8", "bf16"),
    "nvfp4": ("nvfp4", "fp8", "bf16"),
    "mxfp4": ("nvfp4", "fp8", "bf16"),
    "int4": ("int4_wo", "bf16"),
}
"""Which measured products stand for a weight format, nearest first; other weight-only formats go as int4."""

_MIXTURE_KEYS = {
    "bf16": ("bf16",),
    "fp16": ("bf16",),
    "fp32": ("bf16",),
    "fp8": ("fp8_block", "fp8", "bf16"),
    "int8": ("fp8_block", "fp8", "bf16"),
    "nvfp4": ("nvfp4", "fp8_block", "bf16"),
    "mxfp4": ("mxfp4_mxfp8", "mxfp4", "int4_wo", "bf16"),
    "int4": ("int4_wo", "mxfp4", "bf16"),
}


def peak_flops(accelerator: Accelerator, unit: str) -> float | None:
    """Return the dense peak of a matrix unit, FLOP/s; 16-bit formats stand in for each other."""
    peaks = accelerator.peak_tflops
    by_unit = {
        "fp32": peaks.tf32 or peaks.fp32,
        "bf16": peaks.bf16 or peaks.fp16 or peaks.fp32,
        "fp16": peaks.fp16 or peaks.bf16 or peaks.fp32,
        "fp8": peaks.fp8,
        "int8": peaks.int8,
        "fp4": peaks.fp4,
    }
    rate = by_unit[unit]
    return None if rate is None else rate * 1e12


def compute_unit(accelerator: Accelerator, weights: Precision, runtime: ServingRuntime) -> str:
    """Return the matrix unit that runs a weight format on an accelerator.

    Args:
        accelerator: that may have the format's own unit.
        weights: their format.
        runtime: that may widen them to 16 bit where there is none.

    Raises:
        Unsupported: the accelerator has no such unit and the runtime does not do without; says what would run instead.
    """
    if weights.weight_only:
        return "bf16"
    if peak_flops(accelerator, weights.compute) is not None:
        return weights.compute
    if runtime.widens(weights.id, accelerator):
        return "bf16"
    if weights.compute == "fp4" and peak_flops(accelerator, "fp8") is not None:
        raise Unsupported(f"{accelerator.name} has no FP4 unit", "fp8 (or weight-only int4)")
    raise Unsupported(f"{accelerator.name} has no {weights.compute.upper()} unit", "bf16 (or weight-only int4)")


def rates_for(
    accelerator: Accelerator,
    runtime: ServingRuntime,
    weights: Precision,
    kv_cache: Precision,
    curves: Curves,
    fitted: Iterable[FittedConstants] = (),
    *,
    measured_link_gb_per_s: float | None = None,
    static_scales: bool = False,
) -> Rates:
    """Return the rates of an accelerator under a runtime.

    Args:
        accelerator: that runs the kernels.
        runtime: whose kernels and overheads they are.
        weights: format of the weights.
        kv_cache: format of the KV cache.
        curves: measured kernels, by accelerator and framework.
        fitted: constants fitted on served systems; those for this runtime and accelerator apply.
        measured_link_gb_per_s: link of the accelerator that was measured, where it is another.
        static_scales: activation scales come with the checkpoint.

    Raises:
        Unsupported: the accelerator has no unit for the format.
    """
    unit = compute_unit(accelerator, weights, runtime)
    measured_on = accelerator.kernels or accelerator.id
    own = accelerator.kernels is None
    order = [curves[measured_on, name] for name in _FALLBACK[runtime.framework] if (measured_on, name) in curves]
    bandwidth = order[0].memory_gb_per_s * 1e9 if own else accelerator.memory_bytes_per_s

    def roofline(fit: RooflineFit, curve: KernelCurve, matrix_unit: str, *, static: bool = False) -> Roofline:
        fitted_unit = matrix_unit if matrix_unit in curve.peak_tflops else "bf16"
        peak = curve.peak_tflops[fitted_unit] * 1e12 if own and fitted_unit == matrix_unit else None
        peak = peak or peak_flops(accelerator, matrix_unit) or peak_flops(accelerator, "bf16") or 0.0
        t0 = STATIC_SCALE_LAUNCH_S if static else fit.t0_us * 1e-6
        return Roofline(t0, fit.compute * peak, min(fit.memory, 1.0) * bandwidth, fit.p)

    widened = unit == "bf16" and weights.compute in ("fp8", "fp4")
    linear_keys = _LINEAR_KEYS["int4" if widened else weights.id if weights.id in _LINEAR_KEYS else "int4"]
    as_integers = widened and weights.id not in ("mxfp4",)
    mixture_keys = _MIXTURE_KEYS["int4" if as_integers or weights.id not in _MIXTURE_KEYS else weights.id]
    quantised = weights.bits < 16
    key, fit, curve = _first(order, "gemm", linear_keys)
    linear = roofline(fit, curve, unit, static=static_scales and quantised and not widened and not weights.weight_only)
    if weights.compute == "int8" and not weights.weight_only and key == "fp8":
        linear = Roofline(
            fit.t0_us * 1e-6, fit.compute * (peak_flops(accelerator, "int8") or 0.0), linear.bytes_per_s, fit.p
        )
    _, plain_fit, plain_curve = _first(order, "gemm", ("bf16",))
    mixture_key, mixture_fit, mixture_curve = _first(order, "mixture", mixture_keys)
    mixture_unit = "bf16" if mixture_key in ("bf16", "int4_wo", "mxfp4") else unit
    kv = "fp8" if kv_cache.bits < 12 else "bf16"
    decode_fit = _decode(order, kv, runtime.framework)
    _, prefill_fit, prefill_curve = _first(order, "prefill", (f"bf16/{kv}", "bf16/bf16", "fp8/fp8"))
    latent = []
    for heads in (128, 16):
        found = _optional(order, "latent_decode", (f"{kv}/{heads}", f"bf16/{heads}"))
        if found:
            latent.append((float(heads), roofline(found[1], found[2], "bf16")))
    constants = constants_for(runtime, accelerator, fitted)
    base = constants.in_base_units()
    return Rates(
        linear=_scaled(
            linear, constants.linear_compute if quantised else constants.plain_compute, constants.linear_memory
        ),
        linear_input_bytes=1.0 if unit in ("fp8", "int8") else 0.5 if unit == "fp4" else 2.0,
        plain=_scaled(roofline(plain_fit, plain_curve, "bf16"), constants.plain_compute, constants.linear_memory),
        mixture=_scaled(
            roofline(mixture_fit, mixture_curve, mixture_unit), constants.mixture_compute, constants.mixture_memory
        ),
        decode=DecodeRate(
            decode_fit.t0_us * 1e-6,
            min(decode_fit.memory, 1.0)
            * bandwidth
            * constants.attention_memory
            * (constants.quantised_attention_memory if kv == "fp8" else 1.0),
            decode_fit.half,
        ),
        prefill=_scaled(
            roofline(prefill_fit, prefill_curve, "bf16"), constants.prefill_compute, constants.prefill_compute
        ),
        latent=tuple(
            (heads, _scaled(r, constants.attention_memory, constants.attention_memory)) for heads, r in latent
        ),
        kv_bytes=kv_cache.bytes_per_element,
        all_reduce=_all_reduce(order),
        measured_link_gb_per_s=measured_link_gb_per_s or accelerator.link.gb_per_s,
        constants=base,
        # One process that splits layers over devices has one host for all of them.
        stage_overhead_s=0.0 if runtime.splits_layers else base["step_overhead_s"],
        memory_bytes_per_s=bandwidth,
        origin="measured" if own else f"inherited from {measured_on}",
        compute=unit,
    )


def constants_for(runtime: ServingRuntime, accelerator: Accelerator, fitted: Iterable[FittedConstants]) -> Constants:
    """Return the constants of a runtime on an accelerator: factors multiply; of all else the most specific counts.

    Args:
        runtime: whose entry states its overheads.
        accelerator: that it runs on.
        fitted: entries for any runtime and accelerator; those that speak of these count.
    """
    values = {name: getattr(runtime, name) for name in CONSTANTS if name in ServingRuntime.__struct_fields__}
    matching = [entry for entry in fitted if entry.applies_to(runtime.id, accelerator)]
    for entry in sorted(matching, key=lambda entry: entry.specificity):
        for name, value in entry.stated.items():
            values[name] = values.get(name, 1.0) * value if CONSTANTS[name].multiplies else value
    return Constants(**values)


def _scaled(roof: Roofline, compute: float, memory: float) -> Roofline:
    return Roofline(roof.t0_s, roof.flops_per_s * compute, roof.bytes_per_s * memory, roof.p)


def _first(order: list[KernelCurve], kind: str, keys: tuple[str, ...]) -> tuple[str, RooflineFit, KernelCurve]:
    found = _optional(order, kind, keys)
    if found is None:
        raise LookupError(f"no measured {kind} curve for any of {', '.join(keys)}")
    return found


def _optional(
    order: list[KernelCurve], kind: str, keys: tuple[str, ...]
) -> tuple[str, RooflineFit, KernelCurve] | None:
    for key in keys:
        for curve in order:
            fits: dict[str, RooflineFit] = getattr(curve, kind)
            if key in fits:
                return key, fits[key], curve
    return None


def _decode(order: list[KernelCurve], kv: str, own_framework: str) -> DecodeFit:
    """The framework's own curve, else the fastest of the others'."""
    for key in (kv, "bf16"):
        fits = [(curve.framework, curve.decode[key]) for curve in order if key in curve.decode]
        if fits:
            own = [fit for framework, fit in fits if framework == own_framework]
            return own[0] if own else max((fit for _, fit in fits), key=lambda fit: fit.memory)
    raise LookupError("no measured decode attention curve")


def _all_reduce(order: list[KernelCurve]) -> tuple[tuple[int, tuple[float, ...], tuple[float, ...]], ...]:
    fastest: dict[str, dict[str, float]] = {}
    for curve in order:
        for group, table in curve.all_reduce.items():
            best = fastest.setdefault(group, dict(table))
            best |= {size: min(us, best.get(size, us)) for size, us in table.items()}
    rows = []
    for group in sorted(fastest, key=int):
        points = sorted((float(size), us * 1e-6) for size, us in fastest[group].items())
        rows.append((int(group), tuple(size for size, _ in points), tuple(seconds for _, seconds in points)))
    return tuple(rows)
