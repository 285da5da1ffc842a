"""What stands between the figures of a plan: step times by kernel, waits by cause, memory by part, factors of bands.

Each group is handed out by the functions that made the plan, on the replica and the fleet that the plan chose. Names
are dotted: the first step is the group's.
"""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.storage import weights_by_part
from catalogs.units import GIB, HOURS_PER_MONTH
from engine.bands.lookup import ENDS, CaseBand
from engine.fleet.bill import FleetSize
from engine.fleet.candidates import SEAT_SHARE, Candidates, measured_more, pool_ends
from engine.fleet.energy import power_curve_for
from engine.fleet.offers import COMMITTED, PricedOffer, instances_for
from engine.fleet.operating_points import CURVE, alone_parts
from engine.fleet.search import sized_at_rate
from engine.plan import CapacityPlan
from engine.planning.bands import Case, case_of
from engine.planning.bill import held_by_hour
from engine.planning.inverse import chosen_candidate
from engine.planning.thresholds import starts_from
from engine.planning.verdict import chosen_fleet
from engine.question.demand import WITHIN_HOUR
from engine.question.fleet_limits import HOST_POWER_SHARE, fewest_replicas
from engine.question.resolve import Question
from engine.replica.batches import capacity_batch
from engine.replica.latencies import mean_latency, share_beyond
from engine.replica.load import Load, Replicas
from engine.replica.performance import token_gaps
from engine.scaling.controller import TOLERANCE
from engine.scaling.starts import NOTICED_S
from engine.scaling.thresholds import FULL, KV_CEILING, STABILISATION_S, ttft_upper
from engine.step.memory import kv_parts, sequence_bytes
from engine.step.rates import peak_flops
from engine.step.table import SAMPLED_POSITIONS, TOKEN_GRID
from engine.workload import PERCENTILE_SHARES, Target

Values = Mapping[str, float]
READ_TO: Final = 0.005
"""Part of a percentile up to which it is read: shares beyond a time fall in steps where lengths are few."""


class At(NamedTuple):
    """A replica at one batch."""

    replicas: Replicas
    load: Load
    column: int

    def of(self, array: Any) -> float:
        """Return an array's value there."""
        return float(array[0, self.column])


class Workings:
    """The values behind one replica at its loads, each group made when one of its names is asked for."""

    def __init__(self, question: Question, candidates: Candidates, replicas: Replicas) -> None:
        self.question, self.candidates, self.replicas = question, candidates, replicas
        self._made: dict[str, Values] = {}

    @property
    def groups(self) -> "Mapping[str, Group]":
        """The groups by name."""
        return GROUPS

    def group(self, name: str) -> Values:
        """Return the values of a group by what follows the group's name; empty where there is no such group."""
        if name not in self._made:
            make = self.groups.get(name)
            self._made[name] = make.values(self) if make else {}
        return self._made[name]

    @cached_property
    def places(self) -> Mapping[str, At]:
        """The replica at each batch that is spoken of, by name."""
        return {}

    @cached_property
    def facts(self) -> frozenset[str]:
        """What is true of the replica, as formulas ask."""
        runtime = self.question.runtime
        low = pool_ends(self.candidates)
        true = {
            "logged": self.group("pool")["more_bytes"] != 0,
            "profiled": runtime.profile is not None,
            "free_share": runtime.utilises_free_memory,
            "reserved": runtime.step_reserve is not None,
            "low_too_small": bool(low and float(self.candidates.memory.longest[0]) > low[0]),
        }
        return frozenset(name for name, holds in true.items() if holds)


class PlanWorkings(Workings):
    """The values behind one plan."""

    def __init__(self, plan: CapacityPlan, catalog: Catalog) -> None:
        self.plan = plan
        question, candidate = chosen_candidate(plan, catalog)
        question = replace(question, spec=replace(question.spec, targets=self.targets))
        found = sized_at_rate(question, candidate, plan.replica_capacity.requests_per_s)
        chosen, record = chosen_fleet(question, found, found), plan.verification
        self.chosen = replace(chosen, simulated=record.targets) if record and record.sized else chosen
        """The plan's fleet with every part that the plan rounds or leaves out."""
        super().__init__(chosen.question, chosen.candidate.candidates, chosen.candidate.replicas)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets that held: those that were stated, or the default ones."""
        return tuple(Target(metric=t.metric, percentile=t.percentile, seconds=t.target_s) for t in self.plan.targets)

    @cached_property
    def places(self) -> Mapping[str, At]:
        """The replica at each batch that the plan speaks of, by name."""
        points, best = self.chosen.points, self.chosen.candidate
        names = ("at_mean", "at_peak", *(f"curve{place}" for place in range(len(CURVE))), "alone")
        at = {name: At(points.replicas, points.load, column) for column, name in enumerate(names)}
        others = {"saturated": best.replicas.saturated_batch, "capacity": best.batch[:, None]}
        for place, target in enumerate(self.targets):
            batch = capacity_batch(best.replicas, (target,), 1.0)
            if not np.isnan(batch[0, 0]):
                others[f"target{place}"] = batch
        return at | {name: At(best.replicas, best.replicas.at(batch), 0) for name, batch in others.items()}

    @cached_property
    def facts(self) -> frozenset[str]:
        """What is true of the plan, as formulas ask."""
        plan, spec, offer, replayed = self.plan, self.plan.spec, self.plan.chosen.offer, self.plan.replay
        size = plan.chosen.accelerators_per_replica
        corrected = {one.threshold for one in replayed.corrections} if replayed else set()
        curve, grown = self.chosen.points.curve, plan.autoscaling.target_utilisation
        fills = curve.load_at_kv_cache_usage(FULL)
        case = case_of(self.chosen)
        true = {
            "rate": spec.traffic.requests_per_s is not None,
            "clients": spec.traffic.concurrency is not None,
            "given": spec.traffic.unstated,
            "rented": offer is not None,
            "shared": offer is not None and offer.accelerators >= size,
            "owed": offer is not None and offer.term in COMMITTED,
            "own": offer is not None and offer.provider == "owned" and not spec.money.usd_per_accelerator_hour,
            "one_instance": plan.fleet.instances == 1,
            "simulated": plan.replica_capacity.binds.endswith("simulated") or plan.provenance.refine,
            "unmet": not plan.answer.meets_targets,
            "refined": plan.provenance.refine,
            "replayed": replayed is not None,
            "minimum_corrected": "minimum_replicas" in corrected,
            "window_corrected": "scale_down_window_s" in corrected,
            "pool_fills": fills is not None and fills * grown > 0,
            "ttft_moves": _ttft_upper(self) > curve.ttft_p95_at(plan.autoscaling.rps_per_replica),
            "never_within": case is not None and case.allowed is None,
        }
        return super().facts | {name for name, holds in true.items() if holds}


class Group(NamedTuple):
    """A group of values, and where they are from."""

    values: Callable[[Any], Values]
    source: str


def slug(name: str) -> str:
    """Return a name as one step of a path."""
    return re.sub(r"\W+", "_", name).strip("_")


def _by_place(values: Callable[[Workings, At], Mapping[str, float]]) -> Callable[[Workings], Values]:
    """Return the values of every place, by place and name."""

    def everywhere(workings: Workings) -> Values:
        return {
            f"{place}.{slug(name)}": value
            for place, at in workings.places.items()
            for name, value in values(workings, at).items()
        }

    return everywhere


# --- the replica at a load --------------------------------------------------------------------------------------------


def _load(_: Workings, at: At) -> Values:
    steps = {"step_s": at.load.step_s, "prompt_s": at.load.prompt_s, "batch": at.load.batch}
    return {name: at.of(array) for name, array in steps.items()}


def _wait(_: Workings, at: At) -> Values:
    return {name: float(part[0, at.column, 0]) for name, part in at.load.waits.parts.items()}


def _stall(_: Workings, at: At) -> Values:
    load = at.load
    of_token = mean_latency(load, "itl") - load.itl_s
    arrays = {"met": load.met, "wander": load.wander, "answer_s": load.stall.seconds, "each_token_s": of_token}
    return {name: at.of(array) for name, array in arrays.items()}


def _seat(_: Workings, at: At) -> Values:
    waits = at.load.waits
    return {"busy": float(waits.seat_busy[0, at.column, 0]), "wait_s": float(waits.seat_wait[0, at.column, 0])}


def _column(at: At) -> Any:
    return at.load.batch[:, at.column : at.column + 1]


def _averaged(at: At, parts: Mapping[str, Any]) -> Values:
    weights = at.replicas.lengths.prompt.weights
    return {name: float((part * weights).sum(axis=-1)[0, 0]) for name, part in parts.items()}


def _prefill(_: Workings, at: At) -> Values:
    costs = at.replicas.costs
    return _averaged(at, costs.own_prefill_parts(costs.at(_column(at))))


def _prompt(_: Workings, at: At) -> Values:
    costs = at.replicas.costs
    return _averaged(at, costs.prompt_parts(costs.opened(_column(at))[0]))


def _step(workings: Workings, at: At) -> Values:
    return at.replicas.costs.decoding_parts(_column(at), workings.candidates.step_parts())


def _grid_of(at: At) -> tuple[float, float, float]:
    """Return the tokens of the step table between which a batch lies, and where."""
    batch = max(at.of(at.load.batch), 1.0)
    high = min(max(int(np.searchsorted(TOKEN_GRID, batch)), 1), len(TOKEN_GRID) - 1)
    low, top = float(TOKEN_GRID[high - 1]), float(TOKEN_GRID[high])
    return low, top, (batch - low) / (top - low)


def _kernels(workings: Workings) -> Values:
    found, values = workings.candidates, dict[str, float]()
    peak, bandwidth = _peak(workings), float(found.rates[0].memory_bytes_per_s)
    for place, at in workings.places.items():
        for end, tokens in zip(("low", "high"), _grid_of(at), strict=False):
            for number, kernel in enumerate(found.kernels(tokens)):
                last = kernel.name == "LM head"
                own = f"{place}_{end}.{'LM_head' if last else f'{slug(kernel.name)}_{number}'}"
                if kernel.name == "experts" or kernel.beside:
                    continue
                values |= {
                    f"{own}.launches": kernel.launches,
                    f"{own}.flops": kernel.flops,
                    f"{own}.bytes": kernel.moved_bytes,
                    f"{own}.t0_s": kernel.t0_s,
                    f"{own}.p": kernel.p,
                    f"{own}.share_of_peak": kernel.flops_per_s / peak,
                    f"{own}.share_of_bandwidth": kernel.bytes_per_s / bandwidth,
                }
    return values


def _kernel_seconds(head: bool) -> Callable[[Workings], Values]:
    """Return the names of kernels, whose seconds a formula gives."""

    def names(workings: Workings) -> Values:
        owners = dict.fromkeys(name.rpartition(".")[0] for name in workings.group("kernel"))
        return {name: float("nan") for name in owners if name.endswith(".LM_head") == head}

    return names


def _gap(workings: Workings, at: At) -> Values:
    gaps, added = token_gaps(at.load, at.column)
    picks = {name: gaps.percentile(share) for name, share in PERCENTILE_SHARES.items()}
    return {name: float(added[int(np.argmin(np.abs(gaps.values - value)))]) for name, value in picks.items()}


def _latencies(workings: PlanWorkings) -> dict[tuple[str, str, str], float]:
    """Return the percentiles that the plan states, by place, metric and percentile."""
    performance, points = workings.plan.performance, workings.plan.replica_capacity.load_curve
    stated = {
        (place, metric, percentile): getattr(performance, place).latency_s(metric, percentile)
        for place in ("at_mean", "at_peak")
        for metric in ("ttft", "itl", "e2e")
        for percentile in PERCENTILE_SHARES
    }
    for number, point in enumerate(points):
        stated[f"curve{number}", "ttft", "p95"] = point.ttft_p95_s
        stated[f"curve{number}", "itl", "p95"] = point.itl_p95_s
    return stated


def _beyond(times: float) -> Callable[[PlanWorkings], Values]:
    """Return the shares of requests that take longer than so many times each percentile."""

    def shares(workings: PlanWorkings) -> Values:
        found = {}
        for (place, metric, percentile), seconds in _latencies(workings).items():
            at = workings.places[place]
            found[f"{place}.{metric}.{percentile}"] = at.of(
                share_beyond(at.load, metric, np.array([[times * seconds]]))
            )
        return found

    return shares


def _later_prompt(workings: PlanWorkings) -> Values:
    """Return the same of TTFT by prompt length: its share of the prompts, times P(wait > what its prefill leaves)."""
    found, weights = dict[str, float](), workings.question.lengths.prompt.weights
    for (place, metric, percentile), seconds in _latencies(workings).items():
        if metric == "ttft":
            at = workings.places[place]
            left = (1 + READ_TO) * seconds - at.load.own_prefill_s
            beyond = at.load.waits.longer_than(left)[0, at.column] * weights
            found |= {f"{place}.{percentile}.length{n}": float(share) for n, share in enumerate(beyond)}
    return found


def _late(workings: PlanWorkings) -> Values:
    """Return the share of requests beyond each target's limit; of a mean, how much of the limit it lies beyond it."""
    values = {}
    for number, target in enumerate(workings.targets):
        if at := workings.places.get(f"target{number}"):
            mean, limit = at.of(mean_latency(at.load, target.metric)), np.array([[target.seconds]])
            beyond = mean / target.seconds - 1 if target.percentile == "mean" else None
            values[f"target{number}"] = at.of(share_beyond(at.load, target.metric, limit)) if beyond is None else beyond
    return values


def _limits(workings: PlanWorkings) -> Values:
    replicas = workings.replicas
    values = {"ceiling": workings.question.spec.serving.utilisation_ceiling * float(replicas.saturated_rate[0, 0])}
    for number in range(len(workings.targets)):
        at = workings.places.get(f"target{number}")
        values[f"target{number}"] = at.of(at.load.requests_per_s) if at else 0.0
    return values


def _context(workings: Workings) -> Values:
    costs = workings.replicas.costs
    tables = costs.tables
    return {
        "sequence_s": float(costs.context_s[0, 0]),
        "extra": float(tables.decode_extra[0]),
        "further_sequence_s": float(tables.decode_further[0]),
        **({"sampling_s": float(tables.decode_sampling[0])} if tables.decode_sampling[0] else {}),
        "sampled_positions": float(tables.pipeline[0]) * SAMPLED_POSITIONS,
    }


def _lengths(workings: Workings) -> Values:
    lengths = workings.question.lengths
    return {"decode_steps": lengths.decoded, "prompt_tokens": lengths.prompt.mean, "answer_tokens": lengths.output.mean}


def _targets(workings: PlanWorkings) -> Values:
    peak = workings.plan.performance.at_peak
    of = {number: peak.latency_s(t.metric, t.percentile) for number, t in enumerate(workings.targets)}
    return {str(number): float(value) for number, value in of.items()}


# --- memory -----------------------------------------------------------------------------------------------------------


def _one(workings: Workings) -> Values:
    memory = workings.candidates.memory
    return {name: float(getattr(memory, name)[0]) for name in memory.__struct_fields__}


def _memory_parts(kind: str) -> Callable[[Workings], Values]:
    def parts(workings: Workings) -> Values:
        found = workings.candidates.memory_parts()[kind]
        return {slug(name): float(part[0]) for name, part in found.items()}

    return parts


def _model_parts(workings: Workings) -> Values:
    parts = weights_by_part(workings.question.model, workings.question.storage)
    return {slug(part): value for part, value in parts.items()}


def _kv_token(workings: Workings) -> Values:
    bytes_of_one = workings.question.kv_cache.bytes_per_element
    return {slug(name): part for name, part in kv_parts(workings.question.model, bytes_of_one).items()}


def _pool(workings: Workings) -> Values:
    question, found = workings.question, workings.candidates
    limit, element = np.array([float(question.context_limit)]), np.array([question.kv_cache.bytes_per_element])
    longest = sequence_bytes(question.model, limit, element, found.parallelism, question.runtime.pool_shares)
    pool, known = float(found.memory.kv_cache[0]), pool_ends(found) or ()
    ends = {name: (end - pool) / GIB for name, end in zip(("low_gib", "high_gib"), known, strict=False)}
    more = float(measured_more(question, found.accelerators)[0])
    own = {
        "more_bytes": more,
        "seat_share": SEAT_SHARE,
        "limit_tokens": float(limit[0]),
        "limit_bytes": max(float(longest[0]), 1.0),
    }
    return own | ends


# --- fleet, money, energy ---------------------------------------------------------------------------------------------


def _peak(workings: Workings) -> float:
    found = workings.candidates
    return peak_flops(found.accelerator(0), found.rates[0].compute) or 1.0


def _entry(workings: Workings) -> Values:
    accelerator = workings.candidates.accelerator(0)
    rates = workings.candidates.rates[0]
    return {
        "power_w": accelerator.power_w,
        "purchase_usd": accelerator.purchase_usd or 0.0,
        "peak_flops": _peak(workings),
        "memory_bytes_per_s": rates.memory_bytes_per_s,
        "host_share": HOST_POWER_SHARE,
        "noticed_s": NOTICED_S,
        "within_hour": WITHIN_HOUR,
    }


def _offers(workings: PlanWorkings) -> Values:
    choice = workings.chosen.candidate.offers[0]
    if choice is None:
        return {}
    size, replicas = workings.plan.chosen.accelerators_per_replica, workings.plan.fleet.replicas

    def priced(offer: PricedOffer, name: str) -> dict[str, float]:
        instances = instances_for(replicas, size, offer.accelerators)
        return {f"{name}_instances": float(instances), f"{name}_usd_per_hour": offer.usd_per_hour}

    own = {"usd_per_hour": choice.chosen.usd_per_hour, "accelerators": float(choice.chosen.accelerators)}
    return own | priced(choice.cheapest, "cheapest") | priced(choice.dearest, "dearest")


def _held(workings: PlanWorkings) -> Values:
    plan = workings.plan
    if plan.chosen.offer is None:
        return {}
    fleet, size = plan.fleet, plan.chosen.accelerators_per_replica
    sizes = FleetSize(size, fleet.replicas, fleet.minimum_replicas, fleet.maximum_replicas, fleet.spares)
    held = held_by_hour(workings.chosen, plan.autoscaling, sizes)
    return {"instances": sum(instances_for(one, size, plan.chosen.offer.accelerators) for one in held) / len(held)}


def _power(workings: Workings) -> Values:
    accelerator = workings.candidates.accelerator(0)
    curve = power_curve_for(accelerator, workings.question.catalog.power_curves.values())
    return {"idle": curve.idle, "running": curve.running, "saturated": curve.saturated} if curve else {}


def _demand(workings: PlanWorkings) -> Values:
    demand = workings.chosen.demand
    hours = {f"hour{number}": rate for number, rate in enumerate(demand.hourly)}
    rise, _ = demand.growth_parts(workings.plan.autoscaling.reaction_time_s)
    return hours | {"rise": rise, "trough": demand.trough, "mean_calls_per_s": workings.chosen.mean_rate}


def _start(workings: PlanWorkings) -> Values:
    offer = workings.plan.chosen.offer
    scaling = starts_from(workings.plan.spec, offer.provider if offer else None)
    return {"node_s": scaling.node_s or 0.0, "image_s": scaling.image_s or 0.0}


def _replayed(workings: PlanWorkings) -> Values:
    replay, headroom = workings.plan.replay, 1.0
    for one in replay.corrections if replay else ():
        if one.threshold == "target_utilisation":
            headroom *= one.planned / one.corrected
    return {"headroom": headroom, "hours": float(len(workings.chosen.demand.hourly))}


def _ttft_upper(workings: PlanWorkings) -> float:
    plan, ttft_at = workings.plan, workings.chosen.points.curve.ttft_p95_at
    own, at_capacity = ttft_at(plan.autoscaling.rps_per_replica), ttft_at(plan.replica_capacity.requests_per_s)
    return ttft_upper(workings.targets, own, at_capacity)[0]


def _scale(workings: PlanWorkings) -> Values:
    own = workings.chosen.points.curve.ttft_p95_at(workings.plan.replica_capacity.requests_per_s)
    limits = [target.seconds for target in workings.targets if target.metric == "ttft"]
    return {
        "ttft_limit_s": min(limits, default=own),
        "ttft_upper_s": _ttft_upper(workings),
        "kv_ceiling": KV_CEILING,
        "tolerance": TOLERANCE,
        "stabilisation_s": STABILISATION_S,
    }


SERIES: Final = ("in_flight", "waiting", "kv_cache_usage", "ttft_p95_s")


def _fit(workings: PlanWorkings) -> Values:
    plan, curve = workings.plan, workings.chosen.points.curve
    loads = {"planned": plan.autoscaling.rps_per_replica, "capacity": plan.replica_capacity.requests_per_s}
    full = curve.load_at_kv_cache_usage(FULL)
    if full is not None:
        loads["reaction_before_full"] = full * plan.autoscaling.target_utilisation
    values = {f"{place}.load": load for place, load in loads.items()}
    for place, load in loads.items():
        for series in SERIES:
            at = max(load, float(curve.requests_per_s[0])) if series == "ttft_p95_s" else load
            ends = curve.around(series, at)
            values |= {f"{place}.{series}.{n}": e for n, e in zip(("x0", "y0", "x1", "y1"), ends, strict=True)}
    return values


def _curve(workings: Workings) -> Values:
    """Return the names of what is read from the curve, whose values a formula gives."""
    places = dict.fromkeys(name.split(".")[0] for name in workings.group("fit"))
    return {f"{place}.{series}": float("nan") for place in places for series in SERIES}


# --- bands ------------------------------------------------------------------------------------------------------------


def _bands(case: Case | None) -> Mapping[str, CaseBand]:
    return {**case.bands, "e2e": case.bands["itl"]} if case else {}


def _band(workings: PlanWorkings) -> Values:
    case = case_of(workings.chosen)
    if case is None:
        return {}
    low, high = ENDS[workings.plan.spec.band]
    ends = {f"{metric}.quantile_low": band.quantiles[low] for metric, band in _bands(case).items()}
    ends |= {f"{metric}.quantile_high": band.quantiles[high] for metric, band in _bands(case).items()}
    within = dict(zip(("within.steps", "within.first_tokens"), case.allowed or (), strict=False))
    return ends | within | {"room.low": case.room[0], "room.high": case.room[1]}


def _band_part(workings: PlanWorkings) -> Values:
    bands = _bands(case_of(workings.chosen))
    return {f"{metric}.part{n}": part.deviation for metric, band in bands.items() for n, part in enumerate(band.parts)}


def _band_groups(workings: PlanWorkings) -> Values:
    bands = _bands(case_of(workings.chosen))
    return {f"part{n}": float(part.groups) for n, part in enumerate(bands["itl"].parts)} if bands else {}


GROUPS: Final[Mapping[str, Group]] = {
    "load": Group(_by_place(_load), "engine.replica.load.Replicas.at"),
    "wait_s": Group(_by_place(_wait), "engine.replica.queueing.Waits.parts"),
    "stall": Group(_by_place(_stall), "engine.replica.prefills.stall"),
    "seat": Group(_by_place(_seat), "engine.replica.queueing.wait_probability"),
    "prefill_s": Group(_by_place(_prefill), "engine.replica.steps.StepCosts.own_prefill_parts"),
    "prompt_s": Group(_by_place(_prompt), "engine.replica.steps.StepCosts.prompt_parts"),
    "step_s": Group(_by_place(_step), "engine.step.table.step_parts"),
    "grid": Group(_by_place(lambda _, at: {"between": _grid_of(at)[2]}), "engine.step.table.TOKEN_GRID"),
    "kernel": Group(_kernels, "engine.step.table.step_kernels; curves of catalogs/kernels"),
    "kernel_s": Group(_kernel_seconds(head=False), ""),
    "head_s": Group(_kernel_seconds(head=True), ""),
    "gap_s": Group(_by_place(_gap), "engine.replica.performance.token_gaps"),
    "later": Group(_beyond(1 + READ_TO), "engine.replica.latencies.share_beyond, a little later"),
    "sooner": Group(_beyond(1 - READ_TO), "engine.replica.latencies.share_beyond, a little sooner"),
    "later_prompt": Group(_later_prompt, "engine.replica.queueing.Waits.longer_than"),
    "late": Group(_late, "engine.replica.latencies.share_beyond"),
    "limit_of": Group(_limits, "engine.replica.batches.capacity_batch"),
    "share": Group(lambda _: PERCENTILE_SHARES, "the percentile's"),
    "kept": Group(
        lambda w: {f"target{n}": PERCENTILE_SHARES.get(t.percentile, 1.0) for n, t in enumerate(w.targets)},
        "the target's percentile",
    ),
    "shares": Group(
        lambda _: {f"curve{n}": share for n, share in enumerate(CURVE)}, "engine.fleet.operating_points.CURVE"
    ),
    "context": Group(_context, "engine.replica.steps.step_costs"),
    "lengths": Group(_lengths, "engine.question.lengths"),
    "target": Group(_targets, "at the peak hour"),
    "alone": Group(lambda w: {"budget_tokens": float(w.replicas.costs.budget[0, 0])}, "the runtime's step"),
    "alone_s": Group(
        lambda w: {slug(n): v for n, v in alone_parts(w.replicas.costs).items()},
        "engine.fleet.operating_points.alone_parts",
    ),
    "one": Group(_one, "engine.fleet.candidates.measure"),
    "part_weights": Group(_memory_parts("weights"), "engine.step.memory.weight_parts"),
    "part_activations": Group(_memory_parts("activations"), "engine.step.memory.activation_parts"),
    "part_runtime": Group(_memory_parts("runtime"), "engine.step.memory.runtime_parts"),
    "part_model": Group(_model_parts, "catalogs.storage.weights_by_part"),
    "part_kv": Group(_kv_token, "engine.step.memory.kv_parts"),
    "pool": Group(_pool, "engine.fleet.candidates"),
    "entry": Group(_entry, "the accelerator's entry, and constants beside it"),
    "offer": Group(_offers, "engine.fleet.offers"),
    "held_by_hour": Group(_held, "engine.planning.bill.held_by_hour"),
    "power": Group(_power, "catalogs/power.toml"),
    "demand": Group(_demand, "engine.question.demand"),
    "start": Group(_start, "engine/scaling/starts.py"),
    "replayed": Group(_replayed, "the replay"),
    "scale": Group(_scale, "engine.scaling.thresholds"),
    "fit": Group(_fit, "the replica's load curve"),
    "curve": Group(_curve, ""),
    "band": Group(_band, "catalogs/bands.toml"),
    "band_part": Group(_band_part, "catalogs/bands.toml"),
    "band_level": Group(_band_part, "catalogs/bands.toml"),
    "band_groups": Group(_band_groups, "catalogs/bands.toml"),
    "month": Group(lambda _: {"hours": HOURS_PER_MONTH}, "365 × 24 ÷ 12"),
    "fewest": Group(lambda w: {"replicas": float(fewest_replicas(w.plan.spec))}, "what was asked"),
    "given": Group(lambda w: {"replicas": float(w.plan.fleet.working_replicas)}, "the fleet that was given"),
    "ledger_replicas": Group(
        lambda w: {str(n): float(line.replicas) for n, line in enumerate(w.plan.fleet.ledger)}, "the ledger"
    ),
}
"""By name: values that no formula gives, and the names of those that one does."""
