"""The application: routes around the pool of processes, the history and the page."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any, Final

import msgspec
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import request_response

from agent.exports.json import json_text
from catalogs.version import VERSION
from commands.serve.answers.catalog_lists import KINDS as LISTED
from commands.serve.answers.catalog_lists import catalog_list
from commands.serve.answers.simulation import simulated
from commands.serve.answers.work import Answer, failure
from commands.serve.documented import BODIES, NUMBERED, answer_of, body_of, events_of, read_only, text_of
from commands.serve.history import History, Kept, number_in
from commands.serve.memory import Memory
from commands.serve.page import add_page
from commands.serve.pool import Pool
from commands.serve.settings import Settings

JSON: Final = "application/json"
LEGACY: Final = frozenset({"calculate", "scaling"})
"""Endpoints whose failures are all 400."""
MOST_TALKS: Final = 32 * 2**20
"""Bytes of conversations that are held; one of a dozen lines takes 80 kB. Others are told again by their lines."""


class Server:
    """What the routes share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = Pool(settings)
        self.history = History(settings.history) if settings.history else None
        self._talks = Memory[str, bytes](MOST_TALKS)
        """Conversations as far as they came, by the state that their clients keep."""
        self.simulating = asyncio.Semaphore(max(1, settings.workers // 2))
        self.registry = CollectorRegistry()
        self.requests = Counter("fleetcast_requests", "Requests by route and status.", ["route", "status"],
                                registry=self.registry)  # fmt: skip
        self.seconds = Histogram("fleetcast_answer_seconds", "Time to an answer.", ["route"], registry=self.registry)
        waiting = Gauge("fleetcast_waiting", "Requests that wait for a process.", registry=self.registry)
        waiting.set_function(lambda: self.pool.waiting)
        remembered = Gauge("fleetcast_remembered", "Answers given from memory.", registry=self.registry)
        remembered.set_function(lambda: self.pool.remembered)

    async def answer(self, kind: str, body: bytes, *, keep: bool = False, query: str = "") -> Answer:
        """Return the answer of a kind; keep it in the history where it is a calculation."""
        answer = await self.pool.answer(kind, body)
        if answer.status == 422 and kind in LEGACY:
            answer = Answer(400, answer.body)
        if keep and self.history and answer.status == 200 and answer.title:
            self.history.keep(kind, answer.title, query, answer.body)
        return answer

    async def talked(self, body: bytes) -> Answer:
        """Return the answer to a line of a conversation, which is handed to the process as the last line left it."""
        with suppress(ValueError, RecursionError):  # whatever is no line of a conversation is refused as it stands
            line: dict[str, Any] = msgspec.json.decode(body, type=dict)
            held = self._talks.get(str(line.get("state")))
            body = msgspec.json.encode(line | {"held": held})
        made = await self.pool.answer("talk", body)
        if made.held:
            self._talks.keep(*made.held, len(made.held[1]))
        return made

    async def kept(self, number: str) -> Kept | None:
        """Return the calculation that a client names; None where none is kept under it."""
        known = number_in(number)
        return await run_in_threadpool(self.history.get, known) if self.history and known is not None else None

    async def removed(self, number: str) -> bool:
        """Remove a calculation that a client names; whether there was one."""
        known = number_in(number)
        return bool(self.history and known is not None and await run_in_threadpool(self.history.remove, known))


def application(settings: Settings) -> FastAPI:
    """Return the application of a server, without its guard."""
    server = Server(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await server.pool.warm()
        gc.collect()
        gc.freeze()  # as in the processes: what was imported lives as long as the server
        yield
        server.pool.end()
        if server.history:
            await run_in_threadpool(server.history.write)

    app = FastAPI(
        title="fleetcast",
        version=VERSION,
        summary="Capacity planning for LLM serving",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.server = server
    app.add_middleware(Counted, server=server)
    _say_errors(app)
    for name, kind in (
        ("forecast", "forecast"),
        ("estimate", "estimate"),
        ("compare", "compare"),
        ("understand", "understand"),
        ("explain", "explain"),
        ("calculate", "calculate"),
        ("model_scaling_analysis", "scaling"),
    ):
        _add_reckoning(app, server, name, kind)
    _add_simulation(app, server)
    _add_catalog(app, server)
    _add_plans(app, server)
    _add_upkeep(app, server)
    add_page(app, server)
    app.mount("/static", StaticFiles(directory=str(files("commands.serve").joinpath("static"))), name="static")
    return app


def _respond(answer: Answer) -> Response:
    headers = {"Retry-After": "1"} if answer.status == 503 else None
    return Response(answer.body, answer.status, headers, JSON)


def _add_reckoning(app: FastAPI, server: Server, name: str, kind: str) -> None:
    async def reckon(request: Request) -> Response:
        return _respond(await server.answer(kind, await request.body(), keep=kind in ("forecast", "calculate")))

    reckon.__doc__ = BODIES[name].about
    app.router.add_api_route(
        f"/api/{name}",
        reckon,
        name=name,
        methods=["POST"],
        openapi_extra=body_of(name),
        responses=answer_of(name),
        route_class_override=_Straight,
    )


class _Straight(APIRoute):
    """A route to a function from a request to a response: FastAPI describes it, and finds nothing to do around it."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], **named: Any) -> None:
        super().__init__(path, endpoint, **named)
        self.app = request_response(endpoint)


def _add_simulation(app: FastAPI, server: Server) -> None:
    async def simulate(request: Request) -> Response:
        """The plan of a spec under its load, request by request; progress comes as server-sent events."""
        prepared = await server.answer("simulate", await request.body())
        if prepared.status != 200:
            return _respond(prepared)
        if server.simulating.locked():
            return _respond(failure(503, "another simulation is running; ask again in a minute"))

        async def events() -> AsyncIterator[bytes]:
            async with server.simulating:
                async for event in simulated(prepared.body, server.settings):
                    yield event

        return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    app.post("/api/simulate", openapi_extra=body_of("simulate"), responses=events_of())(simulate)


def _add_catalog(app: FastAPI, server: Server) -> None:
    def listed(kind: str) -> Callable[[], Awaitable[Response]]:
        async def entries() -> Response:
            tree = await run_in_threadpool(catalog_list, kind, server.settings.directories)
            return Response(json_text(tree).encode(), media_type=JSON)

        entries.__doc__ = f"The {kind.replace('_', ' ')} of the catalog."
        return entries

    for kind in LISTED:
        path = f"/api/catalog/{kind}" if kind != "available_models" else "/api/available_models"
        app.get(path, name=kind, responses=read_only("array"))(listed(kind))


def _add_plans(app: FastAPI, server: Server) -> None:
    @app.get("/api/plans", responses=read_only("array"))
    async def plans() -> Response:
        """The calculations that are kept, the newest first."""
        kept = await run_in_threadpool(server.history.all) if server.history else []
        return Response(msgspec.json.encode(kept), media_type=JSON)

    @app.get("/api/plans/{number}", responses=read_only("object", 404), openapi_extra=NUMBERED)
    async def plan(request: Request) -> Response:
        """The answer of a calculation that is kept."""
        number = request.path_params["number"]
        found = await server.kept(number)
        return _respond(_no_such(number)) if found is None else Response(found.answer, media_type=JSON)

    @app.delete("/api/plans/{number}", responses=read_only("object", 403, 404), openapi_extra=NUMBERED)
    async def remove(request: Request) -> Response:
        """Remove a calculation."""
        number = request.path_params["number"]
        done = await server.removed(number)
        return Response(b'{"removed": true}\n', media_type=JSON) if done else _respond(_no_such(number))


def _no_such(number: str) -> Answer:
    return failure(404, f"no calculation is kept as {number[:40]!r}")


def _add_upkeep(app: FastAPI, server: Server) -> None:
    @app.get("/api/schema", responses=read_only("object"))
    async def schema() -> Response:
        """The JSON schema of plans; `$defs.WorkloadSpec` in it is a spec's."""
        from engine.plan_file import plan_schema

        return Response(json_text(plan_schema()).encode(), media_type=JSON)

    @app.get("/healthz", responses=read_only("object", token=0))
    async def healthz() -> dict[str, str]:
        """Whether the server is up."""
        return {"status": "ok", "version": VERSION}

    @app.get("/metrics", responses=text_of())
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(generate_latest(server.registry), media_type="text/plain; version=0.0.4")


class Counted:
    """An ASGI application around another, whose answers it counts."""

    def __init__(self, app: Any, server: Server) -> None:
        self._inner, self._server = app, server

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request and count it, by its route and status."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        began = time.perf_counter()

        async def counting(message: Any) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "elsewhere")
                self._server.requests.labels(route, str(message["status"])).inc()
                self._server.seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._inner(scope, receive, counting)


def _say_errors(app: FastAPI) -> None:
    @app.exception_handler(StarletteHTTPException)
    async def said(_: Request, error: HTTPException) -> Response:
        taken = (error.headers or {}).get("Allow", "another method")
        known = {404: "there is nothing at this address", 405: f"this address takes {taken}"}
        sentence = known.get(error.status_code, str(error.detail))
        return JSONResponse({"error": sentence}, error.status_code, headers=error.headers)
