"""The words of an estimate: its replica, its load, its latencies and its FLOPs."""

from agent.fields.value_display import precision_shown
from agent.report.blocks import Tone
from catalogs.units import show_count, show_figure, show_rate, show_seconds
from engine.estimate.estimate import Setup
from engine.estimate.load_kinds import GivenLoad
from engine.plan import split_shown

UNKNOWN = "–"


TONES: dict[str, Tone] = {"compatible": "good", "marginal": "warning", "incompatible": "bad"}


def setup_shown(setup: Setup) -> str:
    """Return '2 × H200 SXM 141GB (TP2): Llama 3.1 70B in BF16 on vllm 0.33'."""
    split = f" ({split_shown(setup)})" if setup.accelerators > 1 else ""
    where = f"{setup.accelerators} × {setup.accelerator_name}{split}"
    runtime = f"{setup.runtime} {setup.runtime_version}".strip()
    return f"{where}: {setup.model_name} in {precision_shown(setup.precision.weights)} on {runtime}"


def load_shown(load: GivenLoad) -> str:
    """Return a load as people say it: '64 clients', '3 requests/s', 'a static batch of 8', 'everything queued'."""
    value = load.value or 0.0
    match load.kind:
        case "concurrency":
            return f"{show_count(value)} client{'s' if value != 1 else ''}"
        case "rps":
            return show_rate(value)
        case "static_batch":
            return f"a static batch of {show_count(value)}"
        case _:
            return "everything queued"


def latency_shown(value: float | None) -> str:
    """Return '640 ms', or a dash where the figure is unknown."""
    return UNKNOWN if value is None else show_seconds(value)


def flops_shown(count: float) -> str:
    """Return '48.2 TFLOP'."""
    for unit, name in ((1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP")):
        if float(f"{count:.3g}") >= unit:
            return f"{show_figure(count / unit)} {name}"
    return f"{show_figure(count)} FLOP"
