"""Several workloads: each with its best fleet alone, their load by the hour, what a fleet of all must do."""

from collections.abc import Sequence
from math import lcm, sqrt
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.facts import Record
from engine.arrays import Floats
from engine.choice.options import Option, Options, options
from engine.fleet.operating_points import loads_today
from engine.question.demand import demand_of
from engine.question.fleet_limits import without_ceilings
from engine.question.lengths import mixed_lengths
from engine.question.resolve import Question, refuse_small_steps, resolve
from engine.replica.latencies import mean_latency, percentile_latency, target_latency
from engine.replica.load import Load
from engine.workload import Availability, Hardware, Money, Precisions, Serving, Target, Tokens, WorkloadSpec

MOST_WORKLOADS = 4
"""All ways to group so many are tried: 15 for four."""


class Met(Struct, frozen=True):
    """What one workload meets on a fleet in its busiest hour there."""

    workload: str
    ttft_p95_s: float
    itl_s: float
    """Mean over its steps."""
    targets_s: tuple[float, ...]
    """Of each of its targets, in their order."""


class Workload(Struct, frozen=True):
    """One of several workloads, and the best fleet that it would have alone."""

    name: str
    found: Options
    best: Option
    targets: tuple[Target, ...]
    """That hold for it: its own, or the default ones."""

    @property
    def question(self) -> Question:
        """With its weights as it asks for them, or as they were published."""
        return self.found.searched[0][0]

    def met(self, *loads: Load) -> Met:
        """Return what it meets at the last batch of loads, the worst of them."""

        def latencies(load: Load) -> list[float]:
            usual = percentile_latency(load, "ttft", 0.95), mean_latency(load, "itl")
            return [float(one[0, -1]) for one in (*usual, *(target_latency(load, t) for t in self.targets))]

        ttft, itl, *others = map(max, zip(*map(latencies, loads), strict=True))
        return Met(self.name, ttft, itl, tuple(others))

    @property
    def alone(self) -> Met:
        """What it meets on its best fleet alone."""
        question, sized = self.found.searched[self.best.search]
        return self.met(loads_today(question, sized, np.array([self.best.row]))[1])

    @property
    def hourly(self) -> Floats:
        """Calls/s of each hour that a fleet must hold: with the burst of its peak minute, at the horizon."""
        spec = self.question.spec
        grown = max(spec.traffic.growth, 1.0)
        shape = np.array(demand_of(spec.traffic).hourly)
        return shape * float(self.question.mean_rate or 0.0) * spec.traffic.burst * grown


def workload_of(name: str, spec: WorkloadSpec, catalog: Catalog) -> Workload | None:
    """Return a workload with its best fleet; None where nothing meets its targets.

    Raises:
        InputError: it states no rate, or nothing of it can be resolved.
    """
    if spec.traffic.requests_per_s is None:
        raise InputError(
            f"{name} states no rate, which is what adds up with another's; give one, such as 10 requests/s"
        )
    found = options(spec, catalog, terms=(), precisions=False)
    ranked = found.best("cost", spec.money.term)
    if not ranked:
        return None
    return Workload(name, found, ranked[0], found.searched[0][0].spec.targets)


class Conflict(Exception):  # noqa: N818 — what it is
    """Two workloads ask for what one fleet cannot both be."""


def joined_question(questions: Sequence[Question], names: Sequence[str]) -> Question:
    """Return the question of all workloads on one fleet; its lengths and its rate are those of a moment: ``at_hour``.

    What one of them states of the runtime, its steps, its batch or its nodes holds for all.

    Args:
        questions: of the workloads, of one model.

    Raises:
        Conflict: what they state excludes each other, in words.
    """
    specs = [question.spec for question in questions]
    for name, spec in zip(names, specs, strict=True):
        if without_ceilings(spec.hardware) != spec.hardware:
            raise Conflict(f"the fleet of {name} is given or has a ceiling of its own")
    chosen = [{one.id for one in question.accelerators} for question in questions]
    both = set.intersection(*chosen)
    if not both:
        raise Conflict("no accelerator is allowed to all of them")
    windows = [spec.serving.context_window for spec in specs]
    serving = joined("serving", [replace(spec.serving, context_window=None) for spec in specs], Serving())
    availability = Availability(
        spare_replicas=max(spec.availability.spare_replicas for spec in specs),
        minimum_replicas=max(spec.availability.minimum_replicas for spec in specs),
    )
    weights, kv = ({getattr(question, what).id for question in questions} for what in ("weights", "kv_cache"))
    for what, formats in (("weights", weights), ("KV caches", kv)):
        if len(formats) > 1:
            raise Conflict(f"their {what} are in {' and '.join(sorted(formats))}")
    sampled = any(spec.tokens.sampling == "top_p" for spec in specs)
    spec = replace(
        specs[0],
        tokens=replace(
            specs[0].tokens,
            router_skew=max(spec.tokens.router_skew for spec in specs),
            sampling="top_p" if sampled else "greedy",
        ),
        precision=Precisions(weights=weights.pop(), kv_cache=kv.pop()),
        serving=replace(serving, context_window=None if None in windows else max(filter(None, windows))),
        money=joined_money([spec.money for spec in specs]),
        availability=availability,
        hardware=Hardware(
            accelerators=tuple(sorted(both)) if all(spec.hardware.accelerators for spec in specs) else (),
            accelerators_per_node=joined(
                "hardware",
                [Hardware(accelerators_per_node=s.hardware.accelerators_per_node) for s in specs],
                Hardware(),
            ).accelerators_per_node,
        ),
        targets=(),
        default_targets="none",
    )
    try:
        fleet = resolve(spec, questions[0].catalog)
        for question in questions:
            refuse_small_steps(replace(fleet, lengths=question.lengths))
    except InputError as error:
        raise Conflict(str(error)) from None
    return replace(fleet, accelerators=tuple(one for one in fleet.accelerators if one.id in both))


def joined_money(moneys: Sequence[Money]) -> Money:
    """Return how the fleet of several workloads is paid: budgets and other costs add up, all refusals hold.

    Raises:
        Conflict: they are paid on different terms, or at different prices of their own; a price that only one of them
            has is no saving of the other's.
    """
    for name in ("term", "usd_per_accelerator_hour"):
        if len(said := {getattr(one, name) for one in moneys}) > 1:
            raise Conflict(f"they are paid by different money.{name}: {', '.join(sorted(map(str, said)))}")
    budgets = [one.monthly_budget_usd for one in moneys]
    alike = [replace(one, monthly_budget_usd=None, other_monthly_usd=0.0, excluded_providers=()) for one in moneys]
    money: Money = joined("money", alike, Money())
    return replace(
        money,
        monthly_budget_usd=None if None in budgets else sum(filter(None, budgets)),
        other_monthly_usd=sum(one.other_monthly_usd for one in moneys),
        excluded_providers=tuple(dict.fromkeys(name for one in moneys for name in one.excluded_providers)),
    )


def joined(room: str, records: Sequence[Any], default: Record) -> Any:
    """Return what several records of one kind say together: what one leaves at its default another may state.

    Args:
        room: of the spec, for a conflict's words.
        default: what a record says that states nothing.

    Raises:
        Conflict: two of them state one thing differently.
    """
    values: dict[str, Any] = {}
    for name in default.__struct_fields__:
        stated = {value for one in records if (value := getattr(one, name)) != getattr(default, name)}
        if len(stated) > 1:
            raise Conflict(f"they ask for different {room}.{name}: {', '.join(sorted(map(str, stated)))}")
        if stated:
            values[name] = stated.pop()
    return replace(default, **values)


def hourly_load(workloads: Sequence[Workload]) -> Floats:
    """Return calls/s by hour and workload, (hours, workloads): over a day, or over a week where one states a week."""
    hours = lcm(*(len(one.hourly) for one in workloads))
    return np.stack([np.resize(one.hourly, hours) for one in workloads], axis=1)


def unbettered_hours(load: Floats) -> Floats:
    """Return the hours of which no other asks for as much of every workload and more of one, each once."""
    distinct = np.unique(np.round(load, 9), axis=0)
    keep = [not any((other >= one).all() and (other > one).any() for other in distinct) for one in distinct]
    return distinct[np.array(keep)]


def at_hour(joined: Question, questions: Sequence[Question], calls: Floats) -> Question:
    """Return the question of all workloads at the calls/s of an hour.

    Arrivals of several processes together have a squared CV that is the mean of theirs, weighted by their rates: the
    asymptotic method of Whitt's Queueing Network Analyzer (Bell System Technical Journal 62, 1983), which errs upwards
    for a superposition of few.

    Args:
        joined: as ``joined_question`` returns it.
        calls: calls/s of each.
    """
    shares = calls / calls.sum()
    lengths = mixed_lengths([(float(s), one.lengths) for s, one in zip(shares, questions, strict=True)])
    squares = [one.spec.traffic.burstiness**2 for one in questions]
    traffic = replace(
        joined.spec.traffic,
        requests_per_s=float(calls.sum()),
        calls_per_request=1.0,
        peak_factor=1.0,
        burst=1.0,
        growth_per_year=0.0,
        hourly_profile=(),
        burstiness=sqrt(float(shares @ np.array(squares))),
    )
    tokens = Tokens(
        input=replace(joined.spec.tokens.input, mean=lengths.prompt.mean, cv=lengths.prompt.cv, p95=None, values=()),
        output=replace(joined.spec.tokens.output, mean=lengths.output.mean, cv=lengths.output.cv, p95=None, values=()),
        router_skew=joined.spec.tokens.router_skew,
        max_tokens=max(one.spec.tokens.max_tokens or 0 for one in questions) or None,
        sampling=joined.spec.tokens.sampling,
    )
    return replace(joined, lengths=lengths, spec=replace(joined.spec, traffic=traffic, tokens=tokens))
