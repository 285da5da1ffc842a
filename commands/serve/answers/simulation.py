"""A simulation for a client, in a process of its own that ends with its time or with the client."""

import asyncio
import json
import multiprocessing
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from commands.serve.answers.work import Desk, answered
from commands.serve.settings import Settings

POLL_S = 0.1


async def simulated(body: bytes, settings: Settings) -> AsyncIterator[bytes]:
    """Yield server-sent events: progress, then result or error. The process ends with its time or with the reader.

    Args:
        body: JSON: a spec, and ``requests`` and ``seed``.
        settings: of the server; they bound the work.
    """
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_simulate, args=(there, body, settings), daemon=True)
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


def _simulate(out: Connection, body: bytes, settings: Settings) -> None:
    from pathlib import Path

    from catalogs.catalog import Catalog
    from catalogs.errors import CatalogError, InputError
    from engine.load_test.plan_under_load import LoadTestSettings, simulate_plan
    from engine.plan import plain
    from engine.plan_file import read_plan

    desk = Desk(Catalog.load([Path(directory) for directory in settings.directories]), settings.allow_hub)
    try:
        tree = msgspec.json.decode(body or b"{}")
        if not isinstance(tree, dict):
            raise InputError("the body is no JSON object")
        requests, seed = tree.pop("requests", 20_000), tree.pop("seed", 0)
        if (
            isinstance(requests, bool)
            or not isinstance(requests, int)
            or not 1 <= requests <= settings.simulated_requests
        ):
            raise InputError(f"requests is {requests!r:.40}; 1 to {settings.simulated_requests:,} are simulated here")
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise InputError(f"seed is {seed!r:.40} where a whole number is expected")
        load = LoadTestSettings(requests=requests, seed=seed)
        made = answered("forecast", msgspec.json.encode(tree), desk)
        parsed = msgspec.json.decode(made.body)
        if made.status != 200 or parsed.get("answer") is None:
            raise InputError(parsed.get("error") or parsed.get("reason"))
        plan = read_plan(made.body.decode(), "the plan")
        result = simulate_plan(plan, desk.facts, load, progress=lambda done, whole: _told(out, done, whole))
        out.send(("result", plain(result)))
    except (InputError, CatalogError, msgspec.DecodeError) as error:
        out.send(("error", {"error": str(error)}))
    except Exception:
        out.send(("error", {"error": "this is a bug in fleetcast"}))
        raise


def _told(out: Connection, done: float, whole: float) -> None:
    out.send(("progress", {"done": done, "of": whole}))
