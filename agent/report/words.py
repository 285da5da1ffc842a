"""The words of a plan: what its metrics, terms, formats and sources are called, and how its rarer figures are shown."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from agent.report.blocks import Cell, Words
from catalogs.units import show_bytes, show_count, show_figure, show_rate, show_seconds, show_usd
from engine.plan import Assumption, CapacityPlan, Chosen, Cost, Memory, TargetResult
from engine.workload import Source

NO_PRICE = "no price"
_NOT_GPUS = ("tpu", "trainium", "inferentia", "trn", "inf", "gaudi", "xeon", "epyc", "sn40l")


def figure(plan: CapacityPlan, path: str, shown: Callable[[Any], str], after: str = "") -> Words:
    """Return a figure of a plan as a cell that knows which one it is; without its path where the plan has none there.

    Args:
        path: as in the plan's JSON: ``fleet.ledger.0.replicas``.
        shown: the figure's words.
        after: what follows them.
    """
    value: Any = plan
    for name in path.split("."):
        value = value[int(name)] if isinstance(value, tuple) else getattr(value, name)
    return Words(f"{shown(value)}{after}", path="" if value is None else path)


_ONES: Final = re.compile(r"(?<![\d.,])1 ((?:model |spare |thinking )?(?:request|replica|node|token|call|year|GPU))s\b")


def singular(text: str) -> str:
    """Return a text in which one of a thing stands in the singular: 1 request/s, 1 node."""
    return _ONES.sub(r"1 \1", text)


def accelerators_noun(chosen: Chosen, count: int = 2) -> str:
    """Return what people call so many of these accelerators: GPUs, unless they are none."""
    words = f"{chosen.accelerator} {chosen.accelerator_name}".lower().replace("-", " ").split()
    noun = "accelerators" if any(word.startswith(_NOT_GPUS) for word in words) else "GPUs"
    return noun.removesuffix("s") if count == 1 else noun


def start_lead(chosen: Chosen) -> str:
    """Return what stands above the command that starts a replica."""
    return f"Start each replica ({chosen.needs}) with:" if chosen.needs else "Start each replica with:"


def listed_names(names: Sequence[str]) -> str:
    """Return names as a sentence has them: 'a, b and c'."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def usd_shown(amount: float | None) -> str:
    """Return an amount, or that no price is known."""
    return NO_PRICE if amount is None else show_usd(amount)


def billed_shown(plan: CapacityPlan) -> str:
    """Return what whole instances bill beyond the accelerators that run, or nothing."""
    if plan.fleet.billed_accelerators <= plan.fleet.accelerators:
        return ""
    return f"{show_count(plan.fleet.billed_accelerators)} {accelerators_noun(plan.chosen)} billed"


def unknown_bill(cost: Cost) -> str:
    """Return why there is no bill."""
    return f"The bill is unknown: {sentence(cost.note)}" if cost.note else "The bill is unknown: no offer has a price."


def met_shown(met: bool) -> Words:
    """Return whether a target is met."""
    return Words("met", "good") if met else Words("missed", "bad")


def verdict_shown(target: TargetResult) -> str:
    """Return 'met', or by how much the target is missed."""
    if target.met:
        return "met" if target.forecast_s <= target.target_s * 1.001 else "met within its interval"
    ratio = target.forecast_s / target.target_s
    if ratio >= 2:
        return f"missed, {show_figure(ratio)} × the target"
    over = round(100 * (ratio - 1))
    return f"missed by {over} %" if over >= 1 else "missed"


def source_shown(source: Source | None) -> str:
    """Return where a value came from: 'flag --rps', 'said "10 rps"', 'default'."""
    if source is None:
        return "default"
    if source.kind == "said" and source.detail:
        return f'said "{shortened(source.detail, 48)}"'
    return f"{source.kind} {source.detail}".strip()


def amount_shown(value: float, unit: str) -> str:
    """Return a figure in the unit that a plan's record names, by the shower of its quantity."""
    match unit:
        case "s" | "seconds":
            return show_seconds(value)
        case "B" | "bytes":
            return show_bytes(value)
        case "USD":
            return show_usd(value)
        case "requests/s":
            return show_rate(value)
        case _:
            return f"{show_figure(value)} {unit}".strip()


def calls_shown(plan: CapacityPlan, calls_per_s: float) -> str:
    """Return a rate of model calls with its unit, which is that of requests where each is one call."""
    return show_rate(calls_per_s, "requests/s" if plan.spec.traffic.calls_per_request == 1 else "calls/s")


def power_shown(watts: float) -> str:
    """Return '820 W' or '4.2 kW'."""
    return f"{show_figure(watts)} W" if watts < 1000 else f"{show_figure(watts / 1000)} kW"


def mass_shown(grams: float) -> str:
    """Return grams as '820 g', '4.2 kg' or '1.3 t'."""
    for unit, name in ((1e6, "t"), (1e3, "kg")):
        if grams >= unit:
            return f"{show_figure(grams / unit)} {name}"
    return f"{show_figure(grams)} g"


def budget_shown(cost: Cost) -> str:
    """Return whether the bill is within the budget, or nothing where there is none."""
    return {True: "within the budget", False: "over the budget", None: ""}[cost.within_budget]


def pool_facts(memory: Memory) -> tuple[tuple[str, Cell], ...]:
    """Return the KV pool of a replica in bytes, tokens and sequences, each with both ends of its band."""
    pool, tokens, fit = memory.kv_cache_pool_bytes, memory.kv_cache_tokens, memory.max_concurrent_sequences
    longer = f"{show_count(memory.max_concurrent_sequences_p95)} of p95 length"
    ends = (memory.band.low, memory.band.high) if memory.band else ()
    band = _between([show_bytes(end.kv_cache_pool_bytes) for end in ends])
    facts = [("KV pool of a replica", Words(f"{show_bytes(pool)}{band}", path="memory.kv_cache_pool_bytes"))]
    if tokens is not None:
        band = _between([show_count(round(end.kv_cache_tokens)) for end in ends])
        # As engines print it; requests with a window or a state take more for each of their tokens.
        whole = f"{show_count(round(tokens))}{band} in requests of full context"
        facts.append(("tokens that fit", Words(whole, path="memory.kv_cache_tokens")))
    band = _between([show_count(end.max_concurrent_sequences) for end in ends])
    fitting = f"{show_count(fit)}{band} of mean length, {longer}"
    facts.append(("sequences that fit", Words(fitting, path="memory.max_concurrent_sequences")))
    return tuple(facts)


def _between(ends: list[str]) -> str:
    return f" ({' to '.join(ends)})" if ends and ends[0] != ends[-1] else ""


def joined(*parts: str) -> str:
    """Return the parts that say anything, with commas."""
    return ", ".join(part for part in parts if part)


def share_met(share: float) -> str:
    """Return a share of requests, never rounded up to all of them: 99.2 %."""
    return "100 %" if share == 1 else f"{min(round(100 * share, 1), 99.9):g} %"


def fleet_shown(plan: CapacityPlan) -> str:
    """Return the accelerators of a plan's fleet: '20 × H100 SXM5 80GB'."""
    return f"{plan.fleet.accelerators} × {plan.chosen.accelerator_name}"


def capital(text: str) -> str:
    """Return a text that begins like a sentence."""
    return f"{text[:1].upper()}{text[1:]}"


def sentence(text: str) -> str:
    """Return a text that ends like a sentence."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, cut between words."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    return f"{kept.rsplit(' ', 1)[0].rstrip(' ,;:.') if ' ' in kept else kept}…"


def assumption_shown(item: Assumption, most: int | None = None) -> str:
    """Return an assumption and what it moves, in at most so many characters; the effect is cut last."""
    effect = sentence(item.effect)
    text = item.text.strip().rstrip(".") if effect else sentence(item.text)
    if most is None:
        return f"{text}; {effect}" if effect else text
    if not effect:
        return shortened(text, most)
    return shortened(f"{shortened(text, max(most // 3, most - len(effect) - 2))}; {effect}", most)
