"""What a scaler makes of a fleet: at rest, on the way to saturation, over the simulated day; as an HPA would."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from agent.lint.documents import Path, documents_in
from agent.lint.packs import Scaler, Trigger, pack_of
from agent.lint.promql import Seen, Selector, value_of
from agent.lint.watched import Watched, fleet_in, state_at, watched_by
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan, LoadPoint
from engine.question.demand import demand_of
from engine.scaling.controller import asked_on, policy_of
from engine.scaling.correction import FLAPS_A_DAY
from engine.scaling.demand_by_minute import demand_by_minute
from engine.scaling.replay import ReplayedMinutes, ReplicaLoads, replay

STEPS: Final = 200
"""Loads at which it is looked for the first ask."""
HPA_WINDOW_S: Final = 300.0
"""Before replicas are given back, where a scaler says nothing: the HPA's default."""
DOWN_WINDOW: Final = "autoscaling.aibrix.ai/scale-down-cooldown-window"
"""AIBrix' annotation for the same (vllm-project/aibrix pkg/controller/podautoscaler/types)."""
KEDA_MOST: Final = 100
"""Replicas at most where a scaler says nothing: KEDA's default."""
DAY_HOURS: Final = 24
MOST_DOUBLINGS: Final = 6
"""Of the window, where the scaler itself has no longest one."""


class Policy(Struct, frozen=True):
    """How many replicas may be added within a period."""

    kind: str
    value: float
    period_s: float


def asks(watched: Watched, trigger: Trigger, replicas: int, state: LoadPoint) -> int | None:
    """Return the replicas that a trigger asks for; None where nobody here can tell.

    Args:
        replicas: that serve.
    """
    if trigger.threshold is None or trigger.threshold <= 0:
        return None
    fleet = fleet_in(watched, replicas, state)
    if trigger.query is not None:
        seen = None if trigger.query.tree is None else value_of(trigger.query.tree, fleet)
    else:
        seen = _pod_value(watched, trigger.pod_metric, replicas, state)
    if seen is None or seen.value != seen.value:
        return None
    each = seen.value if trigger.metric_type in ("Value", "Utilization") else seen.value / replicas
    return asked_on(replicas, each, trigger.threshold)


def _pod_value(watched: Watched, name: str, replicas: int, state: LoadPoint) -> Seen | None:
    """Return a metric summed over pods that are asked themselves, by its name without the prefix."""
    fleet = fleet_in(watched, replicas, state)
    for metric in watched.served.metrics:
        if metric.name.rpartition(":")[2] == name or metric.name == name:
            value = fleet.of_one(Selector(metric.name, ()))
            return None if value is None else Seen(value * replicas * watched.ranks)
    return None


def wanted(watched: Watched, scaler: Scaler, replicas: int, state: LoadPoint) -> int | None:
    """Return the largest ask of a scaler's triggers; None where no trigger can be told."""
    found = [ask for trigger in scaler.triggers if (ask := asks(watched, trigger, replicas, state)) is not None]
    return max(found) if found else None


def known(watched: Watched, scaler: Scaler) -> bool:
    """Return whether every trigger of a scaler can be told at the end of the load curve."""
    end = state_at(watched.curve, "requests_per_s", watched.curve[-1].requests_per_s)
    return bool(scaler.triggers) and all(asks(watched, one, 1, end) is not None for one in scaler.triggers)


def first_ask(watched: Watched, scaler: Scaler, replicas: int) -> float | None:
    """Return the load of a replica, requests/s, from which a scaler asks for more; None where it never does.

    Args:
        replicas: that serve.
    """
    most = watched.curve[-1].requests_per_s
    for load in np.linspace(most / STEPS, most, STEPS).tolist():
        ask = wanted(watched, scaler, replicas, state_at(watched.curve, "requests_per_s", load))
        if ask is not None and ask > replicas:
            return float(load)
    return None


def rests(watched: Watched, scaler: Scaler) -> bool:
    """Return whether a scaler asks for no more than its minimum where nobody is there."""
    least = max(scaler.least or 0, 1)
    nobody = state_at(watched.curve, "requests_per_s", 0.0)
    ask = wanted(watched, scaler, least, nobody)
    return ask is None or ask <= least


def day(watched: Watched, scaler: Scaler) -> ReplayedMinutes | None:
    """Return the plan's simulated day under a scaler; None without a plan, or where clients wait for answers."""
    plan = watched.plan
    if plan is None or plan.spec.traffic.concurrency or len(watched.curve) < 2:
        return None
    mean = plan.performance.at_mean.requests_per_s * plan.fleet.working_replicas
    minutes = demand_by_minute(demand_of(plan.spec.traffic), mean, burstiness=plan.spec.traffic.burstiness)
    fields = ("requests_per_s", "in_flight", "waiting")
    loads = ReplicaLoads(
        **{field: np.array([getattr(point, field) for point in watched.curve]) for field in fields},
        within=np.ones(len(watched.curve)),
        waits_s=np.zeros(1),
        within_after=np.zeros(1),
    )
    policy = policy_of(plan.autoscaling, plan.fleet, plan.spec.availability.spare_replicas)
    start = max(policy.held_at(float(minutes.requests_per_s[0])), scaler.least or 1)
    return replay(minutes, loads, policy, Autoscaler(watched, scaler, start))


def flaps_allowed(plan: CapacityPlan) -> float:
    """Return how often replicas may be asked back: what a plan's own correction allows, or came to."""
    days = len(demand_of(plan.spec.traffic).hourly) / DAY_HOURS
    return max(FLAPS_A_DAY * days, plan.replay.flaps if plan.replay else 0)


def flaps_of(text: str, plan: CapacityPlan, catalog: Catalog) -> int:
    """Return how often replicas are asked back on a plan's simulated day under the scaler of a file."""
    pack = pack_of(documents_in(text, "the file"))
    watched = watched_by(pack, catalog, "", plan, ())
    if watched is None or not pack.scalers or not watched.curve:
        return 0
    run = day(watched, pack.scalers[0])
    return 0 if run is None else run.flaps


def steadied(text_of: Callable[[CapacityPlan], str], plan: CapacityPlan, catalog: Catalog) -> CapacityPlan:
    """Return a plan whose scale-down window is doubled while its simulated day oscillates under the scaler made of it.

    Args:
        text_of: the scaler's file, of a plan.
    """
    text = text_of(plan)
    for _ in range(MOST_DOUBLINGS):
        if flaps_of(text, plan, catalog) <= flaps_allowed(plan):
            break
        scaling = plan.autoscaling
        why = "the plan's, doubled while its simulated day asks back replicas that it has just given back"
        reasons = {**scaling.reasons, "scale_down_window_s": why}
        longer = replace(scaling, scale_down_window_s=2 * scaling.scale_down_window_s, reasons=reasons)
        changed = replace(plan, autoscaling=longer)
        if (next_text := text_of(changed)) == text:
            break  # the scaler's longest window stands there already
        plan, text = changed, next_text
    return plan


class Autoscaler:
    """A scaler of a pack in the place of the plan's controller: its triggers, bounds, window and policies."""

    def __init__(self, watched: Watched, scaler: Scaler, replicas: int) -> None:
        """Start with a fleet.

        Args:
            replicas: that serve.
        """
        self._watched, self._scaler = watched, scaler
        self._window_s = (down_window(scaler) or ((), HPA_WINDOW_S))[1]
        self._up = tuple(_policies(_behaviour(scaler).get("scaleUp") or {}))
        self._least = max(scaler.least or 0, 1)
        self._most = scaler.most or KEDA_MOST
        self._asks: deque[tuple[float, int]] = deque([(0.0, replicas)])
        self._sizes: deque[tuple[float, int]] = deque([(0.0, replicas)])

    def asked(self, now_s: float, replicas: int, in_flight: float, waiting: float, requests_per_s: float) -> int:
        """Take a look and return the replicas that are wanted, as ``engine.scaling.controller.Controller`` does.

        Args:
            replicas: that serve or start now.
            in_flight: requests running or waiting, over the whole fleet.
            waiting: of these, those that wait.
            requests_per_s: arrivals over the whole fleet since the last look.
        """
        each = max(replicas, 1)
        on_curve = state_at(self._watched.curve, "in_flight", in_flight / each)
        state = replace(
            on_curve, requests_per_s=requests_per_s / each, in_flight=in_flight / each, waiting=waiting / each
        )
        ask = wanted(self._watched, self._scaler, each, state)
        want = min(max(replicas if ask is None else ask, self._least), self._most)
        if want > replicas:
            want = min(want, max(self._ceiling(now_s, replicas), replicas))
        while self._asks and self._asks[0][0] < now_s - self._window_s:
            self._asks.popleft()
        self._asks.append((now_s, want))
        if want < replicas:
            want = min(replicas, max(asked for _, asked in self._asks))
        self._sizes.append((now_s, want))
        return want

    def _ceiling(self, now_s: float, replicas: int) -> int:
        """Return how many replicas the policies allow now: counted from the smallest size within each period."""
        if not self._up:
            return replicas + max(replicas * 15, 60)  # the HPA's default, over a minute
        allowed = []
        for policy in self._up:
            within = [size for at, size in self._sizes if at > now_s - policy.period_s]
            start = min([*within, replicas])
            more = policy.value if policy.kind == "Pods" else start * policy.value / 100
            allowed.append(start + ceil(more))
        longest = max(policy.period_s for policy in self._up)
        while self._sizes and self._sizes[0][0] < now_s - longest:
            self._sizes.popleft()
        return max(allowed)


def _seconds(written: Any) -> float:
    """Return a window: a number, or a duration as Go writes it; the default where there is none."""
    if isinstance(written, int | float):
        return float(written)
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)", str(written))
    return float(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2]] if match else HPA_WINDOW_S


BEHAVIOURS: Final = (
    ("advanced", "horizontalPodAutoscalerConfig", "behavior"),
    ("behavior",),
    ("autoScaling", "behavior"),
)
"""Where a scaler says how fast it goes."""


def _behaviour(scaler: Scaler) -> dict[str, Any]:
    places = ((*scaler.path, *path) for path in BEHAVIOURS)
    return next((found for place in places if isinstance(found := scaler.document.at(place), dict)), {})


def down_window(scaler: Scaler) -> tuple[Path, float] | None:
    """Return where a scaler says how long nobody must have wanted a replica that goes, and that, seconds; or None."""
    for path in BEHAVIOURS:
        place = (*scaler.path, *path, "scaleDown", "stabilizationWindowSeconds")
        if isinstance(scaler.document.at(place), int):
            return place, float(scaler.document.at(place))
    annotated = scaler.annotation(DOWN_WINDOW)
    return None if annotated is None else (("metadata", "annotations", DOWN_WINDOW), _seconds(annotated))


def _policies(rules: Any) -> Iterator[Policy]:
    listed = rules.get("policies") if isinstance(rules, dict) else None
    for one in listed if isinstance(listed, list) else ():
        try:
            yield Policy(str(one["type"]), float(one["value"]), float(one["periodSeconds"]))
        except (KeyError, TypeError, ValueError):
            continue
