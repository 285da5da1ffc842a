"""Which reply answers which act of ``acts.toml``."""

from collections.abc import Callable, Mapping
from typing import Final

from agent.after_plan.replies import choices, figures, grounds, load, losses, money, prose, scope, ways
from agent.after_plan.replies.asked import Asked
from agent.after_plan.sums import Explanation

REPLIES: Final[Mapping[str, Callable[[Asked], Explanation]]] = {
    "cost": money.cost,
    "budget_buys": money.budget_buys,
    "elsewhere": money.elsewhere,
    "own_or_rent": ways.own_or_rent,
    "api_or_self": ways.api_or_self,
    "token_volume": load.token_volume,
    "limit": load.limit,
    "fleet_holds": load.fleet_holds,
    "outgrow": load.outgrow,
    "utilisation": load.utilisation,
    "in_flight": load.in_flight,
    "failure": losses.failure,
    "startup": losses.startup,
    "latency": figures.latency,
    "meets": figures.meets,
    "memory": figures.memory,
    "context": figures.context,
    "autoscaler": figures.autoscaler,
    "power": figures.power,
    "instance": figures.instance,
    "fleet": figures.fleet,
    "interconnect": figures.interconnect,
    "storage": figures.storage,
    "start": figures.start,
    "load_test": figures.load_test,
    "other_models": choices.other_models,
    "runs_on": choices.runs_on,
    "cheaper_how": choices.cheaper_how,
    "faster_how": choices.faster_how,
    "certainty": grounds.certainty,
    "sources": grounds.sources,
    "assumptions": grounds.assumptions,
    "quality": grounds.quality,
    "licence": grounds.licence,
    "unknown_network": grounds.network,
    "unknown_supply": grounds.supply,
    "unknown_terms": grounds.terms,
    "unknown_future": grounds.future,
    "smalltalk": grounds.smalltalk,
    "unrelated": grounds.unrelated,
    "scope_training": ways.training,
    "scope_embeddings": scope.embeddings,
    "scope_media": scope.media,
    "scope_batch": scope.batch,
    "tender": prose.tender,
    "boss": prose.boss,
}
"""By act. The others are requests that ``whatif`` reads: change, compare, cheapest, why, keep, show."""
