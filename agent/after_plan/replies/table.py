"""Which reply answers which act of ``acts.toml``."""

from collections.abc import Callable, Mapping
from typing import Final

from agent.after_plan.replies import extremes, grounds, load, prose, scope, stated, ways
from agent.after_plan.replies.asked import Asked
from agent.after_plan.replies.bills import budget, ends, hours, money, places, unit_prices
from agent.after_plan.replies.choices import cheaper, faster, hardware, models
from agent.after_plan.replies.figures import autoscaler, latencies, machines, memory, overflow, started
from agent.after_plan.replies.running import (
    arrivals,
    at_once,
    held,
    idle_accelerators,
    losses,
    operations,
    rollout,
    sharing,
    text_languages,
    weak_points,
)
from agent.after_plan.sums import Explanation

_Replies = tuple[Callable[[Asked], Explanation], ...]
_BY_SUBJECT: Final[tuple[tuple[str, _Replies], ...]] = (
    ("", (money.cost, unit_prices.unit_price, ends.bill_range, hours.hours, budget.budget_buys, places.elsewhere)),
    ("", (ways.own_or_rent, ways.api_or_self, overflow.overflow, extremes.idle, idle_accelerators.idle_accelerators)),
    ("", (load.token_volume, load.stream, load.limit, load.fleet_holds, load.outgrow, load.utilisation)),
    ("", (held.at_load, held.more_or_fewer, held.users_of_load, held.fewest, extremes.spike)),
    ("", (arrivals.arrivals, at_once.in_flight, at_once.rate_meaning, text_languages.text_language)),
    ("", (losses.failure, losses.startup, rollout.rollout, autoscaler.autoscaler, sharing.pool)),
    ("", (latencies.latency, latencies.meets, extremes.floor, memory.memory, memory.context, memory.storage)),
    ("", (machines.fleet, machines.instance, machines.interconnect, machines.power)),
    ("", (started.start, started.load_test, operations.monitoring, operations.hands)),
    ("", (models.other_models, hardware.runs_on, cheaper.cheaper_how, cheaper.sensitivity, faster.faster_how)),
    ("", (grounds.certainty, grounds.sources, grounds.assumptions, weak_points.weak_points)),
    ("", (stated.included, stated.who_said, stated.reference, prose.tender, prose.boss)),
    ("", (grounds.quality, grounds.licence, grounds.legal, grounds.smalltalk, grounds.unrelated)),
    ("unknown_", (grounds.network, grounds.supply, grounds.terms, grounds.future, grounds.company)),
    ("scope_", (ways.training, scope.embeddings, scope.media, scope.batch)),
)
"""Replies, each of which has the name of the act that it answers behind this beginning of it."""
REPLIES: Final[Mapping[str, Callable[[Asked], Explanation]]] = {
    f"{beginning}{reply.__name__}": reply for beginning, replies in _BY_SUBJECT for reply in replies
}
"""By act. The others are requests that ``whatif`` reads: change, compare, cheapest, why, keep, show."""
