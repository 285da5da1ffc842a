"""The plan in a line, the verdict on each target, and what a reader must be warned of."""

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from catalogs.records.accelerators import Accelerator
from catalogs.records.fitted import UNMEASURED
from catalogs.units import GIB, rounded_down, show_figure, show_rate
from engine.bands.beyond_data import outside_note
from engine.fleet.candidates import Candidates, longest_request, pool_ends
from engine.fleet.offers import EVERYWHERE
from engine.fleet.search import search
from engine.plan import Answer, Cost, Fleet, Memory, parallelism_shown
from engine.planning.calibrated import calibration_warnings
from engine.planning.launch import unsupported_note
from engine.planning.phrases import latency_shown
from engine.planning.verdict import Verdict
from engine.question.fleet_limits import tightest
from engine.question.resolve import Question


def answer_of(verdict: Verdict) -> Answer:
    """Return the plan in a line."""
    chosen = verdict.chosen
    question, fleet, found = chosen.question, chosen.fleet, chosen.candidate.candidates
    spec = question.spec
    limit = tightest(spec.hardware, found.unit_sizes.take(0))
    within = limit is None or fleet.maximum_accelerators <= limit.accelerators
    missed = [result.name for result in verdict.results if not result.met and result not in verdict.overturned]
    many, serve = ("s", "serve") if fleet.replicas > 1 else ("", "serves")
    replica = parallelism_shown(*found.parallelism.sizes(), always="")
    spare = f", {fleet.spares} of them spare," if fleet.spares else ""
    sentence = (
        f"{fleet.accelerators:,} × {found.accelerator(0).name}: {fleet.replicas:,} replica{many} of {replica}{spare} "
        f"{serve} {question.model.name} in {question.weights.name}"
    )
    if spec.traffic.unstated:
        peak, mean = (rounded_down(fleet.capacity_requests_per_s / x) for x in (1, spec.traffic.peak_factor))
        sentence += f", up to {show_rate(peak)} at the peak ({show_figure(mean)} on average)"
    if limit is not None and limit.flag in ("--gpus", "--nodes") and fleet.maximum_accelerators < limit.accelerators:
        sentence += f", of the {limit.counted(limit.count)} that there are"
    if limit is not None and not within:
        sentence += f"; more than the {limit.counted(limit.count)} allowed"
    elif missed:
        sentence += f"; it misses {', '.join(missed)}: nothing within what was asked meets all targets"
    if verdict.overturned:
        sentence += f"; simulated, it misses {', '.join(result.name for result in verdict.overturned)}"
    met = within and all(result.met for result in verdict.results)
    return Answer(met, sentence, fleet.capacity_requests_per_s, chosen.capacity.binds)


def warnings_of(verdict: Verdict, memory: Memory, bill: Cost) -> tuple[str, ...]:
    """Return the warnings, the one that matters most first.

    What a simulation found precedes what the formulas say: why what was asked is out of reach, then by how much.

    Args:
        verdict: on the plan's fleet.
    """
    chosen = verdict.chosen
    question, candidates, at_peak = chosen.question, chosen.candidate.candidates, chosen.points.at_peak
    spec, accelerator = question.spec, candidates.accelerator(0)
    warnings = [*verdict.warnings, *(miss.reason for miss in verdict.misses)]
    warnings += [
        f"{result.name} is {latency_shown(result.forecast_s)} at the peak, target {latency_shown(result.target_s)}"
        for result in verdict.results
        if not result.met and result not in verdict.overturned
    ]
    warnings += [
        f"{question.model.name}: {doubt}; compare its {question.parameters / 1e9:.4g} billion parameters with the "
        "model card"
        for doubt in question.model.doubts
    ]
    warnings += _cap_warning(question, candidates, chosen.fleet)
    if memory.verdict == "marginal":
        warnings.append(
            f"memory fits only just: weights take {memory.per_accelerator.weights_bytes / GIB:.1f} of "
            f"{memory.per_accelerator.total_bytes / GIB:.1f} GiB per accelerator"
        )
    warnings += _pool_warnings(question, candidates, memory, at_peak.in_flight)
    if bill.monthly_usd is None:
        warnings.append(bill.note)
    priced = chosen.candidate.offers[0]
    if priced and priced.chosen.stands_in_for and priced.chosen.region.casefold() in EVERYWHERE:
        warnings.append(f"{priced.chosen.provider} names no region: whether it serves from the one asked for is open")
    if bill.within_budget is False:
        warnings.append(
            f"over budget: {bill.monthly_usd or 0:,.0f} USD a month against {spec.money.monthly_budget_usd:,.0f}"
        )
    if at_peak.utilisation > 0.7 and not verdict.judged:
        warnings.append(
            f"at the peak a replica runs at {at_peak.utilisation:.0%} of saturation: closed forms misjudge p99 "
            "TTFT there by −25 to +60 %"
        )
    asked, taken = spec.serving.runtime.partition("@")[2], question.runtime.version
    if asked and asked != taken:
        warnings.append(f"{question.runtime.name} {asked} is newer than any that is known here: planned as {taken}")
    unlike = outside_note(accelerator, question.model, question.weights, spec.tokens.whole, question.catalog)
    cannot = unsupported_note(question, accelerator)
    warnings += [note for note in (cannot, unlike) if note]
    warnings += [
        f"{what} of {lengths.mean:,.0f} tokens on average with a p95 of {lengths.p95:,.0f} are more uneven than any "
        f"lognormal: planned with a p95 of {planned:,.0f}; their values in a spec file (tokens.{part}.values) say more"
        for what, part, lengths in (("prompts", "input", spec.tokens.input), ("answers", "output", spec.tokens.output))
        if (planned := lengths.beyond_lognormal) is not None
    ]
    if not spec.targets:
        warnings.append(
            "no latency target was given: the fleet is sized to "
            f"{spec.serving.utilisation_ceiling:.0%} of saturation, whatever the latency"
        )
    origin = candidates.rates_at(0).origin
    if origin != "measured":
        lowered = _lowered(question, accelerator)
        warnings.append(f"no kernel of {accelerator.name} was measured: efficiencies are {origin}{lowered}")
    warnings += calibration_warnings(question, accelerator.id)
    return tuple(warnings)


def _lowered(question: Question, accelerator: Accelerator) -> str:
    """Return by how much kernels of an architecture that nobody measured are slower, and why; empty for any other."""
    entries = [entry for entry in question.catalog.fitted if entry.id == UNMEASURED]
    if not any(entry.applies_to(question.runtime.id, accelerator) for entry in entries):
        return ""
    return f", × {entries[0].stated['linear_memory']:.2f}: what such accelerators that were measured reached"


def _pool_warnings(question: Question, candidates: Candidates, memory: Memory, in_flight: float) -> Iterator[str]:
    """Say what a runtime may refuse or hold back where it finds the KV pool at the low end of its band.

    Args:
        candidates: the replica, an array of one.
        memory: of the replica, with the band.
        in_flight: requests running or waiting at the peak.
    """
    ends = pool_ends(candidates)
    if ends is None or memory.band is None:
        return
    low, high = ends[0] / GIB, ends[1] / GIB
    longest, fit = float(candidates.memory.longest[0]) / GIB, memory.band.low.max_concurrent_sequences
    range_shown = f"memory fits only just: the KV pool may be {low:.1f} to {high:.1f} GiB per accelerator"
    if longest > low:
        most = longest_request(question, candidates, ends[0])
        yield (
            f"{range_shown}, and one request of {question.longest_tokens:,.0f} tokens takes {longest:.1f}: "
            f"{question.runtime.name} may refuse to start{_what_helps(question, most)}"
        )
    elif (running := min(in_flight, float(candidates.seats[0]))) > fit:
        yield (
            f"{range_shown}, with room for {fit:,} to {memory.band.high.max_concurrent_sequences:,} requests, and the "
            f"peak runs {running:,.0f} together: some may wait or be computed anew{_what_helps(question, None)}"
        )


def _what_helps(question: Question, most: int | None) -> str:
    """Return which flags of the runtime make room, as a clause."""
    flags = question.runtime.flags
    ways = [flags.context.format(most)] if most and flags.context else []
    if flags.memory:
        ways.append(f"a larger {flags.memory.partition(' ')[0]}")
    if question.kv_cache.id == "bf16" and flags.kv_cache:
        ways.append(flags.kv_cache.format("fp8"))
    return f"; {' or '.join(ways)} makes room" if ways else ""


def _cap_warning(question: Question, candidates: Candidates, fleet: Fleet) -> list[str]:
    """Say what a batch cap costs: the fleet without it."""
    cap = question.spec.serving.batch_cap
    if not cap or candidates.seats_by_memory[0] <= cap:
        return []
    free_serving = replace(question.spec.serving, batch_cap=None)
    spec = replace(question.spec, serving=free_serving)
    free = replace(question, spec=spec, batch_cap=None)
    without = search(free)
    if not len(without.order):
        return []
    row = int(without.order[0])
    count, name = int(without.accelerators[row]), without.candidates.accelerator(row).name
    if count >= fleet.maximum_accelerators:
        return []
    batch = float(without.batch[row])
    return [
        f"the batch cap of {cap} costs {fleet.maximum_accelerators - count} accelerators: "
        f"{fleet.maximum_accelerators} with it, without the cap {count} × {name} (batch up to {np.floor(batch):.0f})"
    ]
