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
from catalogs.records.kernels import DecodeFit, ExpertFit, KernelCurve, RooflineFit
from catalogs.records.precisions import Precision
from catalogs.records.runtimes import ServingRuntime

Curves = Mapping[tuple[str, str], KernelCurve]

STATIC_SCALE_LAUNCH_S = 4e-6
"""Launch of an fp8 or nvfp4 product whose activation scales are in the checkpoint; the curves time dynamic scales.
Source: TensorRT-LLM Llama-3.1-70B-FP8 serving points, and AIConfigurator's own fp8_static mode."""

SUSTAINED_BY_POWER = 0.5
"""Exponent of the power limit by which a relative with less of it for its peak sustains less of the clock. Sources:
TTFT of TensorRT-LLM 0.9's static batches on H100 NVL beside SXM (0.47), MLPerf v6.0 offline of an MI355X capped at
1,000 of 1,400 W (0.52); spec-kit/accuracy.md, "Causes"."""


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
    narrow_compute: float
    """Columns of an expert's shard at which its products that compute bounds take twice as long."""
    narrow_memory: float
    """The same where memory bounds them."""
    expert_ranks: float
    """Exponent of the ranks over which experts are spread, by which FLOPs of ``mixture`` count more."""
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
    sampling_s: float
    """What sampling takes beyond greedy, for each decoding sequence and entry of its vocabulary."""
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
    measured: Accelerator | None = None,
    full_power: Accelerator | None = None,
    static_scales: bool = False,
    router_skew: float = 0.0,
    top_p: bool = False,
) -> Rates:
    """Return the rates of an accelerator under a runtime.

    Args:
        weights: format of the weights.
        kv_cache: format of the KV cache.
        curves: measured kernels, by accelerator and framework.
        fitted: constants fitted on served systems; those for this runtime and accelerator apply.
        measured: the accelerator whose kernels were, where it is another.
        full_power: the accelerator whose clock it is held against, where that is not the measured one.
        static_scales: activation scales come with the checkpoint, one for each tensor.
        router_skew: of a mixture, from balanced (0) to a power law of 1.2 (1).
        top_p: tokens are sampled with top-p, which costs nothing where nobody measured it.

    Raises:
        Unsupported: the accelerator has no unit for the format.
    """
    unit = compute_unit(accelerator, weights, runtime)
    kernels = _kernels_for(accelerator, full_power or measured or accelerator, runtime, curves)
    kv = "fp8" if kv_cache.bits < 12 else "bf16"
    constants = constants_for(runtime, accelerator, fitted)
    base = constants.in_base_units()
    quantised = constants.linear_compute if weights.bits < 16 else constants.plain_compute
    plain = kernels.roofline("gemm", ("bf16",))
    mixture, experts = _mixture(kernels, runtime, weights, unit, constants, static_scales)
    sampling = runtime.top_p_on(accelerator) if top_p else None
    return Rates(
        linear=_scaled(_linear(kernels, weights, unit, static_scales), quantised, constants.linear_memory),
        linear_input_bytes=1.0 if unit in ("fp8", "int8") else 0.5 if unit == "fp4" else 2.0,
        plain=_scaled(plain, constants.plain_compute, constants.linear_memory),
        mixture=mixture,
        narrow_compute=experts.narrow_compute,
        narrow_memory=experts.narrow_memory,
        expert_ranks=experts.ranks_exponent(router_skew),
        decode=_decode(kernels, kv, runtime.framework, constants),
        prefill=_scaled(
            kernels.roofline("prefill", (f"bf16/{kv}", "bf16/bf16", "fp8/fp8")),
            constants.prefill_compute,
            constants.prefill_compute,
        ),
        latent=tuple(
            (float(heads), _scaled(roof, constants.attention_memory, constants.attention_memory))
            for heads in (128, 16)
            if (roof := kernels.known_roofline("latent_decode", (f"{kv}/{heads}", f"bf16/{heads}")))
        ),
        kv_bytes=kv_cache.bytes_per_element,
        all_reduce=_all_reduce(kernels.order),
        measured_link_gb_per_s=(measured or accelerator).link.gb_per_s,
        constants=base,
        sampling_s=sampling.ns_per_entry * 1e-9 if sampling else 0.0,
        # One process that splits layers over devices has one host for all of them.
        stage_overhead_s=0.0 if runtime.splits_layers else base["step_overhead_s"],
        memory_bytes_per_s=kernels.memory_bytes_per_s,
        origin="measured" if kernels.own else f"inherited from {accelerator.kernels}",
        compute=unit,
    )


class _Kernels(Struct, frozen=True):
    """The measured kernels that an accelerator runs by."""

    accelerator: Accelerator
    own: bool
    """They were measured on it: shares are of the curves' peaks, not of its entry's."""
    order: list[KernelCurve]
    """Of the runtime's framework first."""
    memory_bytes_per_s: float
    sums_in_half: bool
    sustained: float
    """Of its peaks, beside the share of theirs that the kernels reached where they were measured."""

    def find(self, kind: str, keys: tuple[str, ...]) -> tuple[str, RooflineFit, KernelCurve] | None:
        """Return the first fit of a kind, by key and then by framework, with its key and curve."""
        for key in keys:
            for curve in self.order:
                fits: dict[str, RooflineFit] = getattr(curve, kind)
                if key in fits:
                    return key, fits[key], curve
        return None

    def first(self, kind: str, keys: tuple[str, ...]) -> tuple[str, RooflineFit, KernelCurve]:
        """Return what ``find`` does; there must be one."""
        found = self.find(kind, keys)
        if found is None:
            raise LookupError(f"no measured {kind} curve for any of {', '.join(keys)}")
        return found

    def roof(self, fit: RooflineFit, curve: KernelCurve, unit: str, t0_s: float | None = None) -> Roofline:
        """Return the roofline of a fit on a matrix unit of the accelerator."""
        fitted_unit = unit if unit in curve.peak_tflops else "bf16"
        peak = curve.peak_tflops[fitted_unit] * 1e12 if self.own and fitted_unit == unit else None
        if self.sums_in_half and unit in ("bf16", "fp16") and self.accelerator.peak_tflops.fp16_accumulated:
            peak = self.accelerator.peak_tflops.fp16_accumulated * 1e12
        peak = peak or peak_flops(self.accelerator, unit) or peak_flops(self.accelerator, "bf16") or 0.0
        launch = fit.t0_us * 1e-6 if t0_s is None else t0_s
        compute = fit.compute * self.sustained * peak
        return Roofline(launch, compute, min(fit.memory, 1.0) * self.memory_bytes_per_s, fit.p)

    def known_roofline(self, kind: str, keys: tuple[str, ...]) -> Roofline | None:
        """Return what ``roofline`` does; None where none was measured."""
        found = self.find(kind, keys)
        return self.roof(*found[1:], "bf16") if found else None

    def roofline(self, kind: str, keys: tuple[str, ...]) -> Roofline:
        """Return the roofline of the first fit of a kind on 16-bit units; there must be one."""
        return self.roof(*self.first(kind, keys)[1:], "bf16")


def _kernels_for(
    accelerator: Accelerator, full_power: Accelerator, runtime: ServingRuntime, curves: Curves
) -> _Kernels:
    measured_on, own = accelerator.kernels or accelerator.id, accelerator.kernels is None
    order = [curves[measured_on, name] for name in _FALLBACK[runtime.framework] if (measured_on, name) in curves]
    bandwidth = order[0].memory_gb_per_s * 1e9 if own else accelerator.memory_bytes_per_s
    return _Kernels(accelerator, own, order, bandwidth, runtime.sums_in_half, sustained_share(accelerator, full_power))


def sustained_share(accelerator: Accelerator, full_power: Accelerator) -> float:
    """Return the share of its clock that an accelerator sustains of what a relative does of its own.

    Chips of one architecture draw power by what they compute; one that may draw less of it for its peak is slowed down.
    """
    if full_power.architecture != accelerator.architecture:
        return 1.0
    own, theirs = (each.power_w / (peak_flops(each, "bf16") or 1.0) for each in (accelerator, full_power))
    return min(own / theirs, 1.0) ** SUSTAINED_BY_POWER


def _is_widened(weights: Precision, unit: str) -> bool:
    """Return whether the accelerator has no unit for a format, so that it runs in 16 bit."""
    return unit == "bf16" and weights.compute in ("fp8", "fp4")


def _linear(kernels: _Kernels, weights: Precision, unit: str, static_scales: bool) -> Roofline:
    """Return the roofline of products with the weights, scales included."""
    widened = _is_widened(weights, unit)
    keys = _LINEAR_KEYS["int4" if widened else weights.id if weights.id in _LINEAR_KEYS else "int4"]
    key, fit, curve = kernels.first("gemm", keys)
    static = static_scales and weights.bits < 16 and not widened and not weights.weight_only
    roof = kernels.roof(fit, curve, unit, STATIC_SCALE_LAUNCH_S if static else None)
    if weights.compute == "int8" and not weights.weight_only and key == "fp8":
        peak = peak_flops(kernels.accelerator, "int8") or 0.0
        return Roofline(fit.t0_us * 1e-6, fit.compute * kernels.sustained * peak, roof.bytes_per_s, fit.p)
    return roof


def _mixture(
    kernels: _Kernels,
    runtime: ServingRuntime,
    weights: Precision,
    unit: str,
    constants: Constants,
    static_scales: bool,
) -> tuple[Roofline, ExpertFit]:
    """Return the roofline of the experts' grouped products, and the fit behind it."""
    widened = _is_widened(weights, unit)
    keys = expert_kernels(runtime, kernels.accelerator, weights, widened=widened, static_scales=static_scales)
    key, fit, curve = kernels.first("mixture", keys)
    assert isinstance(fit, ExpertFit)
    roof = kernels.roof(fit, curve, "bf16" if key in ("bf16", "int4_wo", "mxfp4") else unit)
    by_tensor = constants.tensor_scaled_compute if static_scales and key == "fp8" else 1.0
    return _scaled(roof, constants.mixture_compute * by_tensor, constants.mixture_memory), fit


def expert_kernels(
    runtime: ServingRuntime,
    accelerator: Accelerator,
    weights: Precision,
    *,
    widened: bool,
    static_scales: bool = False,
) -> tuple[str, ...]:
    """Return the measured products that stand for a runtime's experts on an accelerator, nearest first.

    Args:
        runtime: whose entry may say which kernel it takes.
        weights: format of the experts.
        widened: they are multiplied in 16 bit, since the accelerator has no unit for them.
        static_scales: their activations have one scale for each tensor, from the checkpoint.
    """
    if chosen := runtime.expert_kernel(weights.id, accelerator, static_scales=static_scales and not widened):
        return (chosen, *_MIXTURE_KEYS[weights.id])
    as_integers = (widened and weights.id != "mxfp4") or weights.id not in _MIXTURE_KEYS
    return _MIXTURE_KEYS["int4" if as_integers else weights.id]


def _decode(kernels: _Kernels, kv: str, own_framework: str, constants: Constants) -> DecodeRate:
    """Return the rate of decode attention over a KV cache in a format."""
    fit = _decode_fit(kernels.order, kv, own_framework)
    quantised = constants.quantised_attention_memory if kv == "fp8" else 1.0
    speed = min(fit.memory, 1.0) * kernels.memory_bytes_per_s * constants.attention_memory * quantised
    return DecodeRate(fit.t0_us * 1e-6, speed, fit.half)


def constants_for(runtime: ServingRuntime, accelerator: Accelerator, fitted: Iterable[FittedConstants]) -> Constants:
    """Return the constants of a runtime on an accelerator: factors multiply; of all else the most specific counts.

    Args:
        runtime: whose entry states its overheads.
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


def _decode_fit(order: list[KernelCurve], kv: str, own_framework: str) -> DecodeFit:
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
