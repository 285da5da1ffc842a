"""The one table of fields, and the lookups that are derived from it."""

from collections.abc import Mapping
from typing import Final

from agent.fields.demand import TARGETS, TOKENS, TRAFFIC
from agent.fields.field import Field, Flag
from agent.fields.system import ACCELERATORS, DIMENSIONS, MODEL, SERVING
from agent.fields.upkeep import ANSWER, AVAILABILITY, MONEY, SCALING

TABLE: Final[Mapping[str, tuple[Flag, ...]]] = {
    "Traffic": TRAFFIC,
    "Tokens": TOKENS,
    "Model": MODEL,
    "Dimensions of a model of your own": DIMENSIONS,
    "Targets": TARGETS,
    "Accelerators": ACCELERATORS,
    "Serving": SERVING,
    "Availability and money": (*AVAILABILITY, *SCALING, *MONEY),
    "The answer": ANSWER,
}
"""Fields, and further flags for some of them, by the panel of --help in which they stand; in its order."""

FIELDS: Final[Mapping[str, Field]] = {
    row.path: row for rows in TABLE.values() for row in rows if isinstance(row, Field)
}
"""By path."""
