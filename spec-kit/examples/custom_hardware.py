"""An accelerator of your own: an H100 whose memory is half again as fast, written as a catalog file and forecast.

Run with fleetcast installed: python custom_hardware.py
"""

import tempfile
from pathlib import Path

from catalogs.catalog import Catalog
from engine import CapacityPlan, NoPlan, forecast, spec_from

FASTER = 1.5
"""Memory bandwidth over that of the H100."""

ENTRY = """
[[accelerator]]
id = "h100-fast-memory"
name = "H100 with faster memory"
vendor = "NVIDIA"
form = "SXM5"
architecture = "Hopper"
memory_type = "HBM3E"
memory_gib = {memory_gib}
memory_gb_per_s = {memory_gb_per_s}
power_w = 700
pcie_generation = 5
per_node = 8
kernels = "h100-sxm-80gb"       # whose measured efficiencies it inherits
source = "what if: H100 SXM with {faster:g} × its memory bandwidth"
checked = 2026-01-01
confidence = "estimated"

[accelerator.peak_tflops]
bf16 = {bf16}
fp16 = {bf16}
fp8 = {fp8}

[accelerator.link]
kind = "NVLink4"
gb_per_s = 450
domain = 8
"""


def write_entry(directory: Path) -> None:
    """Write the accelerator into a catalog directory, beside which the built-in catalog stays as it is."""
    known = Catalog.load().accelerator("H100 SXM")
    peaks = known.peak_tflops
    text = ENTRY.format(
        memory_gib=known.memory_gib,
        memory_gb_per_s=known.memory_gb_per_s * FASTER,
        bf16=peaks.bf16,
        fp8=peaks.fp8,
        faster=FASTER,
    )
    (directory / "accelerators.toml").write_text(text, encoding="utf-8")


def plan_on(accelerator: str, catalog: Catalog) -> CapacityPlan:
    """Return the plan for short prompts and long answers: decoding, which waits for memory, is most of the work."""
    spec = spec_from(
        {
            "model": "llama 3.1 70b",
            "precision.weights": "fp8",
            "traffic.requests_per_s": 4,
            "tokens.input.mean": 200,
            "tokens.output.mean": 500,
            "targets": [{"metric": "itl", "percentile": "mean", "seconds": 0.03}],
            "hardware.accelerators": [accelerator],
            "serving.tensor_parallel": 4,
        }
    )
    plan = forecast(spec, catalog)
    if isinstance(plan, NoPlan):
        raise SystemExit(plan.sentence)
    return plan


def main() -> None:
    """Print the H100 beside the faster one at the same load."""
    with tempfile.TemporaryDirectory() as folder:
        write_entry(Path(folder))
        catalog = Catalog.load([Path(folder)])
        for name in ("H100 SXM", "H100 with faster memory"):
            plan = plan_on(name, catalog)
            itl, held = plan.performance.at_mean.itl_s.mean, plan.replica_capacity.requests_per_s
            print(f"{plan.chosen.accelerator_name:<24} ITL {itl * 1e3:.1f} ms, a replica holds {held:.2f} requests/s")
            print(f"{'':<24} {plan.provenance.kernels}")


if __name__ == "__main__":
    main()
