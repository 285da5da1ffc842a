"""A simulation for a client: its plan is made as all are, then simulated in a process that ends with its time."""

import asyncio
import json
import multiprocessing
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import msgspec

from catalogs.errors import InputError, quoted
from commands.serve.answers.work import Answer, Desk, asked, from_spec, planned
from commands.serve.settings import Settings

POLL_S: Final = 0.1
MOST_REQUESTS: Final = 200_000
"""Of one simulation."""


def to_simulate(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return the plan that is simulated, with the requests and the seed.

    Args:
        tree: a spec, and perhaps ``requests`` and ``seed``.

    Raises InputError for what cannot be simulated, and where there is no plan.
    """
    requests, seed = _whole(tree, "requests", 20_000, 1), _whole(tree, "seed", 0, 0)
    if requests > MOST_REQUESTS:
        raise InputError(f"requests is {requests:,}; 1 to {MOST_REQUESTS:,} are simulated here")
    made = msgspec.json.decode(planned(asked([from_spec(tree)], desk), desk, verify=True).body)
    if made["answer"] is None:
        raise InputError(f"there is no plan to simulate: {made['reason']}")
    return Answer(200, msgspec.json.encode({"plan": made, "requests": requests, "seed": seed}))


def _whole(tree: dict[str, Any], name: str, default: int, least: int) -> int:
    value = tree.pop(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 or value < least:
        raise InputError(f"{name} is {quoted(value)} where a whole number from {least} on is expected")
    return int(value)


async def simulated(prepared: bytes, settings: Settings) -> AsyncIterator[bytes]:
    """Yield server-sent events: progress, then result or error. The process ends with its time or with the reader.

    Args:
        prepared: what ``to_simulate`` answered.
        settings: of the server; they bound the work.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(
        target=_simulate, args=(there, prepared, settings), daemon=True
    )
    process.start()
    there.close()
    until = asyncio.get_running_loop().time() + settings.simulation_s
    try:
        while True:
            if asyncio.get_running_loop().time() > until:
                yield _event("error", {"error": f"the simulation took more than {settings.simulation_s:g} s"})
                return
            if not here.poll():
                await asyncio.sleep(POLL_S)
                continue
            name, data = here.recv()
            yield _event(name, data)
            if name != "progress":
                return
    except EOFError:
        yield _event("error", {"error": "the simulation ended before it was done"})
    finally:
        process.kill()
        here.close()


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, allow_nan=False)}\n\n".encode()


def _simulate(out: Connection, prepared: bytes, settings: Settings) -> None:
    from catalogs.catalog import Catalog
    from catalogs.errors import CatalogError
    from engine.load_test.plan_under_load import LoadTestSettings, simulate_plan
    from engine.plan import plain
    from engine.plan_file import read_plan

    facts = Catalog.load([Path(directory) for directory in settings.directories])
    tree = msgspec.json.decode(prepared)
    try:
        plan = read_plan(json.dumps(tree["plan"]), "the plan")
        load = LoadTestSettings(requests=tree["requests"], seed=tree["seed"])
        out.send(("result", plain(simulate_plan(plan, facts, load, progress=lambda *done: _told(out, *done)))))
    except (InputError, CatalogError) as error:
        out.send(("error", {"error": str(error)}))
    except Exception:
        out.send(("error", {"error": "this is a bug in fleetcast"}))
        raise


def _told(out: Connection, done: float, whole: float) -> None:
    out.send(("progress", {"done": done, "of": whole}))
