"""Two or three questions that fit a plan: what would be worth asking next."""

from agent.report.blocks import Paragraph
from agent.talk.speech import Talk
from agent.talk.state import Branch, Ports
from catalogs.units import show_seconds
from engine.plan import CapacityPlan, TargetResult

MOST = 3


def suggestions(branch: Branch, ports: Ports) -> Talk:
    """Return what to ask next, each in words that are understood."""
    plan = branch.capacity_plan
    offered = questions_about(plan) if plan else ("cheapest", "with int4", "edit accelerator")
    shown = ", ".join(f"'{text}'" for text in offered[:MOST])
    save = " 'save plan.json' writes the plan." if plan and ports.files else ""
    return Talk((Paragraph(f"You could ask: {shown}.{save}", "quiet"),))


def questions_about(plan: CapacityPlan) -> tuple[str, ...]:
    """Return questions in the order in which they matter for a plan."""
    offered: list[str] = []
    missed = next((target for target in plan.targets if not target.met), None)
    if missed:
        offered.append(_eased(missed))
    if plan.cost.within_budget is False:
        offered.append("cheapest")
    if plan.chosen.precision.weights in ("bf16", "fp16") and plan.chosen.precision.activations != "fp8":
        offered.append("with fp8")
    if not plan.targets:
        offered.append("with p95 TTFT under 1 s")
    others = [other for other in plan.alternatives if other.accelerator != plan.chosen.accelerator]
    if others:
        offered.append(f"why not {others[0].accelerator_name}")
    offered.append(f"why {plan.fleet.accelerators} GPUs" if plan.fleet.accelerators > 1 else "why one GPU")
    if plan.spec.traffic.requests_per_s or plan.spec.traffic.concurrency:
        offered.append("what if traffic doubles")
    offered.append("full")
    return tuple(offered)


def _eased(target: TargetResult) -> str:
    """Ask for what the plan reaches, a tenth above."""
    seconds = float(f"{target.forecast_s * 1.1:.2g}")
    return f"with {target.name} {show_seconds(seconds)}"
