"""The page: one form, one answer, the calculations that were made. All is rendered here: nothing has to be built."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from gzip import compress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, select_autoescape
from msgspec import Struct
from starlette.concurrency import run_in_threadpool

from agent.exports import format_names
from agent.fields.table import TABLE
from agent.report.rendering.html import style_sheet
from catalogs.benchmark_files import SUFFIXES
from commands.serve.answers.catalog_lists import catalog_list
from commands.serve.documented import answer_of, body_of

if TYPE_CHECKING:
    from commands.serve.application import Server

SEED: Final = {
    "model": "llama-3.1-70b",
    "precision": "fp8",
    "gpu-type": "h100-sxm-80gb",
    "rps": "20",
    "input-tokens": "1500",
    "output-tokens": "300",
    "ttft-p95": "800ms",
}
"""The question of a page that nobody asked anything yet."""
FIRST: Final = ("model", "rps", "input-tokens", "output-tokens", "gpu-type")
"""Fields that stand unfolded."""
HINTS: Final = {"model": "A name of the catalog, or a size: 70B."}
"""Where a page takes less than a terminal."""
LISTS: Final = {"model": "models", "gpu-type": "accelerators", "preset": "presets", "exclude": "accelerators"}
"""Fields whose values the catalog suggests."""
OTHER: Final = frozenset({"sentence", "before", "verified"})
"""What else than fields stands in a link: ``before`` is the question of the page on which a sentence is said."""
MOST_COMPARED: Final = 4


class FormField(Struct, frozen=True):
    """A field of the form."""

    name: str
    label: str
    hint: str
    value: str
    suggestions: str
    """The id of the list that suggests values; empty where there is none."""


class _Question(Struct, frozen=True):
    """What is asked of the page."""

    texts: dict[str, str]
    """Of the form's fields."""
    notes: Sequence[str] = ()
    """What is said of the sentence."""
    sentence: str = ""
    open: str = ""
    """What the sentence leaves open, as HTML; then there is no plan of it yet."""
    objected: str = ""
    """What it cannot mean; then there is none until the fields say it otherwise."""


def add_page(app: FastAPI, server: "Server") -> None:
    """Add the routes of the page."""
    templates: Environment = Environment(loader=PackageLoader("commands.serve"), autoescape=select_autoescape())
    lists = {kind: _names(kind, server) for kind in set(LISTS.values())}

    def page(request: Request, name: str, **values: Any) -> Response:
        """Return a page, packed where the browser takes that: an answer is 60 kB with a link at each figure."""
        text = templates.get_template(name).render(**values)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return HTMLResponse(text, headers={"Vary": "Accept-Encoding"})
        packed = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return HTMLResponse(compress(text.encode(), compresslevel=1, mtime=0), headers=packed)

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> Response:
        asked = await _question(server, request)
        unused = [name for name in request.query_params if name not in field_names() | OTHER]
        notes = [*asked.notes, *(f"Not used of the link: {name[:40]}." for name in unused)]
        texts = asked.texts or ({} if asked.sentence else SEED)
        return page(
            request, "home.html", groups=_groups(texts), lists=lists,
            answer=await _answer(server, texts, asked.objected + asked.open),
            query=urlencode(texts), notes=notes, sentence=asked.sentence, open=asked.open, formats=format_names(),
            history=server.history is not None, most_bytes=server.settings.body_bytes, suffixes=",".join(SUFFIXES),
        )  # fmt: skip

    @app.get("/static/report.css", include_in_schema=False)
    async def style() -> Response:
        return Response(style_sheet(), media_type="text/css")

    @app.get("/answer", include_in_schema=False)
    async def answer(request: Request) -> Response:
        asked, verified = await _question(server, request), _verified(request)
        texts, query = asked.texts, urlencode(asked.texts)
        found = await _answer(server, texts, asked.open, verified=verified)
        made = page(request, "answer.html", answer=found, query=query, verified=verified, formats=format_names())
        open_too = urlencode({"sentence": asked.sentence}) + "&" if asked.open else ""
        made.headers["HX-Replace-Url"] = f"/?{open_too}{query}"
        return made

    @app.get("/explain", include_in_schema=False)
    async def explain(request: Request, path: str = "") -> Response:
        found = await _asked(server, "explain", {"flags": _texts(request), "path": path, "verify": _verified(request)})
        return page(request, "explained.html", path=path, html=found["html"], error=found["error"])

    @app.get("/front", include_in_schema=False)
    async def front(request: Request) -> Response:
        found = await _asked(server, "front", {"flags": _texts(request)})
        return page(request, "part.html", title="Cost against latency", **found)

    @app.get("/figures", include_in_schema=False)
    async def figures(request: Request) -> Response:
        texts, verified = _texts(request), _verified(request)
        found = await _asked(server, "figures", {"flags": texts, "verify": verified})
        query = urlencode(texts | ({"verified": "1"} if verified else {}))
        return page(request, "part.html", title="Every figure", query=query, **found)

    @app.post("/import", include_in_schema=False)
    async def imported(request: Request) -> Response:
        made = await server.pool.answer("import", await request.body())
        return Response(made.body, made.status, media_type="application/json")

    @app.get("/download/{name}", include_in_schema=False)
    async def download(name: str, request: Request) -> Response:
        body = msgspec.json.encode({"flags": _texts(request), "format": name})
        made = await server.pool.answer("download", body)
        if made.status != 200:
            return Response(made.body, made.status, media_type="application/json")
        file, _, content = made.body.partition(b"\n")
        disposition = {"Content-Disposition": f'attachment; filename="{file.decode()}"'}
        return Response(content, headers=disposition, media_type="application/octet-stream")

    @app.post("/api/talk", openapi_extra=body_of("talk"), responses=answer_of("talk"))
    async def talk(request: Request) -> Response:
        """One line of the conversation; the state is kept by the client."""
        made = await server.talked(await request.body())
        return Response(made.body, made.status, media_type="application/json")

    _add_history(app, server, page)


def _add_history(app: FastAPI, server: "Server", page: Callable[..., Response]) -> None:
    @app.get("/history", include_in_schema=False)
    async def history(request: Request) -> Response:
        kept = await run_in_threadpool(server.history.all) if server.history else []
        return page(request, "history.html", kept=kept, history=server.history, current=urlencode(_texts(request)))

    @app.post("/history/remove", include_in_schema=False)
    async def remove(number: str = Form()) -> Response:
        await server.removed(number)
        return RedirectResponse("/history", 303)

    @app.get("/compare", include_in_schema=False)
    async def compare(request: Request) -> Response:
        plans, notes = list[tuple[str, str, str]](), list[str]()
        if current := known(dict(parse_qsl(request.query_params.get("current", "")))):
            made = await server.pool.answer("download", msgspec.json.encode({"flags": current, "format": "json"}))
            if made.status == 200:
                plans.append(("this one", made.body.partition(b"\n")[2].decode(), f"/?{urlencode(current)}"))
            else:
                notes.append(f"This one has no plan: {msgspec.json.decode(made.body)['error']}")
        marked = list(dict.fromkeys(request.query_params.getlist("id")))
        room = MOST_COMPARED - len(plans)
        for number in marked[:room]:
            plan = await server.kept(number)
            if plan is None:
                notes.append(f"No calculation is kept as {number[:40]}.")
            else:
                shown = f"/?{plan.query}" if plan.query else f"/api/plans/{number}"
                plans.append((f"calculation {number}", plan.answer.decode(), shown))
        if len(marked) > room:
            notes.append(f"Up to {MOST_COMPARED} plans stand side by side: {len(marked) - room} are left out.")
        compared = await _asked(server, "beside", {"plans": plans})
        return page(request, "compare.html", html=compared["html"], notes=notes, error=compared["error"])


# --- answers ----------------------------------------------------------------------------------------------------------


def _texts(request: Request) -> dict[str, str]:
    return known(request.query_params)


def _verified(request: Request) -> bool:
    return "verified" in request.query_params


def known(query: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of the form's fields that a link holds, by the fields' names."""
    return {name: text for name, text in query.items() if name in field_names() and text.strip()}


async def _asked(server: "Server", kind: str, tree: dict[str, Any]) -> dict[str, Any]:
    """Return what a process answers, with an error in place of what is shown where there is one."""
    found: dict[str, Any] = msgspec.json.decode((await server.pool.answer(kind, msgspec.json.encode(tree))).body)
    return {"html": "", "parts": {}, "error": "", **found}


async def _answer(
    server: "Server", texts: Mapping[str, str], still_open: str, *, verified: bool = False
) -> dict[str, Any]:
    """Return what stands in the place of the answer: no plan while it is open what is asked."""
    if still_open:
        return {"html": still_open, "title": ""}
    body = msgspec.json.encode({"flags": dict(texts), "verify": verified})
    made = await server.pool.answer("page", body)
    found: dict[str, Any] = msgspec.json.decode(made.body)
    if verified and server.history and found.get("plan"):
        from agent.exports.json import json_text

        plan = json_text(found["plan"]).encode()
        server.history.keep("page", found["title"], urlencode(texts), plan)
    return found if "html" in found else {"html": "", "title": "", "error": found.get("error", "")}


async def _question(server: "Server", request: Request) -> _Question:
    """Return what a request asks: its fields, which win over its sentence.

    Of a sentence in which nothing is understood the question before it stays.
    """
    texts, sentence = _texts(request), request.query_params.get("sentence", "").strip()
    if not sentence:
        return _Question(texts)
    made = await server.pool.answer("fields", msgspec.json.encode({"sentence": sentence, "flags": texts}))
    read = msgspec.json.decode(made.body)
    if not read.get("understood"):
        before = texts or known(dict(parse_qsl(request.query_params.get("before", ""))))
        return _Question(before, read.get("notes") or [read["error"]], sentence)
    return _Question(read["flags"], read["notes"], sentence, read["open"], read["objected"])


# --- the form ---------------------------------------------------------------------------------------------------------


@cache
def field_names() -> frozenset[str]:
    """Return the names of the form's fields, as links hold them."""
    return frozenset(row.flag.removeprefix("--") for rows in TABLE.values() for row in rows if row.flag)


def _groups(values: Mapping[str, str]) -> list[tuple[str, list[FormField], str]]:
    """Return the form's groups: a title, its fields, and what is set in it; the first has no title."""
    groups: list[tuple[str, list[FormField], str]] = []
    every = {row.flag.removeprefix("--"): row for rows in TABLE.values() for row in rows if row.flag}
    groups.append(("", [_field(name, every[name], values) for name in FIRST], ""))
    for title, rows in TABLE.items():
        fields = [
            _field(name, row, values) for row in rows if row.flag and (name := row.flag.removeprefix("--")) not in FIRST
        ]
        if fields:
            said = ", ".join(f"{field.label.lower()} {field.value}" for field in fields if field.value)
            groups.append((title, fields, said))
    return groups


def _field(name: str, row: Any, values: Mapping[str, str]) -> FormField:
    label = name.replace("-", " ")
    words = {"rps": "requests/s", "gpu-type": "accelerator"}.get(name, label)
    return FormField(
        name=name,
        label=words[0].upper() + words[1:]
        if not words.startswith(("ttft", "itl", "e2e", "tp", "pp"))
        else words.upper(),
        hint=HINTS.get(name, row.help),
        value=values.get(name, ""),
        suggestions=LISTS.get(name, ""),
    )


def _names(kind: str, server: "Server") -> list[tuple[str, str]]:
    return [(entry["id"], entry.get("name", "")) for entry in catalog_list(kind, server.settings.directories)]
