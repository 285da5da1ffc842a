"""A simulation for a client: its plan is made as all are, then simulated in a process that ends with its time."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from socket import socket
from typing import Any, Final

import msgspec

from catalogs.errors import InputError
from commands.serve.answers.work import Answer, Desk, asked, from_spec, planned, whole
from commands.serve.pool import framed, started
from commands.serve.settings import Settings

MOST_REQUESTS: Final = 200_000
"""Of one simulation."""
MOST_SEED: Final = 2**53
"""Up to which JSON's numbers are whole everywhere."""


def to_simulate(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return the plan that is simulated, with the requests and the seed.

    Args:
        tree: a spec, and perhaps ``requests`` and ``seed``.

    Raises InputError for what cannot be simulated, and where there is no plan.
    """
    requests, seed = whole(tree, "requests", 20_000, MOST_REQUESTS), whole(tree, "seed", 0, MOST_SEED, 0)
    spec = {name: value for name, value in tree.items() if name not in ("requests", "seed")}
    made = msgspec.json.decode(planned(asked([from_spec(spec)], desk), desk, verify=True).body)
    if made["answer"] is None:
        raise InputError(f"there is no plan to simulate: {made['reason']}")
    return Answer(200, msgspec.json.encode({"plan": made, "requests": requests, "seed": seed}))


async def simulated(prepared: bytes, settings: Settings) -> AsyncIterator[bytes]:
    """Yield server-sent events: progress, then result or error. The process ends with its time or with the reader.

    Args:
        prepared: what ``to_simulate`` answered.
        settings: of the server; they bound the work.
    """
    begun = await started(_simulate, prepared, settings.directories)
    until, name = asyncio.get_running_loop().time() + settings.simulation_s, "progress"
    try:
        while name == "progress":
            async with asyncio.timeout_at(until):
                name, data = await begun.received()
            yield _event(name, data)
    except TimeoutError:
        yield _event("error", {"error": f"the simulation took more than {settings.simulation_s:g} s"})
    except (EOFError, OSError):
        yield _event("error", {"error": "the simulation ended before it was done"})
    finally:
        begun.run.kill()
        begun.writer.close()


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, allow_nan=False)}\n\n".encode()


def _simulate(asker: socket, prepared: bytes, directories: tuple[str, ...]) -> None:
    from catalogs.catalog import Catalog
    from catalogs.errors import CatalogError
    from engine.load_test.plan_under_load import LoadTestSettings, simulate_plan
    from engine.plan import plain
    from engine.plan_file import read_plan

    def tell(name: str, data: Any) -> None:
        asker.sendall(framed((name, data)))

    def progress(done: float, whole: float) -> None:
        tell("progress", {"done": done, "of": whole})

    facts = Catalog.load([Path(directory) for directory in directories])
    tree = msgspec.json.decode(prepared)
    try:
        plan = read_plan(json.dumps(tree["plan"]), "the plan")
        load = LoadTestSettings(requests=tree["requests"], seed=tree["seed"])
        tell("result", plain(simulate_plan(plan, facts, load, progress=progress)))
    except (InputError, CatalogError) as error:
        tell("error", {"error": str(error)})
    except Exception:
        tell("error", {"error": "this is a bug in fleetcast"})
        raise
