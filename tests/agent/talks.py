"""What tests hold a conversation with: ports that plan by the formulas alone, and the words that were said."""

from functools import cache

from msgspec.structs import replace

from agent.report.blocks import Report
from agent.report.rendering.plain import plain_text
from agent.session.ports import ports_of
from agent.talk.speech import Data, Say, Talk
from agent.talk.state import Ports
from catalogs.catalog import Catalog
from engine.method import forecast


@cache
def simulating() -> Ports:
    """Return ports as the program has them, which simulate each plan."""
    return ports_of(Catalog.load())


@cache
def ports() -> Ports:
    """Return ports that plan by the formulas alone: what a line is taken for does not rest on the simulation."""
    facts = simulating().catalog
    return replace(simulating(), plan=lambda spec, sources: forecast(spec, facts, sources=sources, verify=False))


def words(says: tuple[Say, ...]) -> str:
    return "\n".join(
        plain_text(Report(one.blocks) if isinstance(one, Talk) else one.report)
        for one in says
        if isinstance(one, Talk | Data)
    )
