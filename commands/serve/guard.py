"""The door of the server: who may come in, how much at once, and what browsers are told not to do."""

import asyncio
import hmac
import time
from collections import OrderedDict
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.exceptions import HTTPException

from commands.serve.answers.work import failure
from commands.serve.settings import Settings

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
COOKIE: Final = "fleetcast-token"
MOST_CLIENTS: Final = 10_000
MOST_DRAINED: Final = 16_000_000
"""Bytes of a refused body that are still read."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN: Final = frozenset({"/healthz"})
"""Asked by whoever watches the server, who has no token."""


class Guard:
    """An ASGI application around another."""

    def __init__(self, application: Any, settings: Settings) -> None:
        self._inner, self._settings = application, settings
        self._names = LOOPBACK | {name.lower() for name in settings.names}
        self._any_name = "0.0.0.0" in settings.names or "::" in settings.names
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or say why not."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refused(scope, headers)
        if refused:
            if refused[0] == 401 and (to := self._let_in(scope)):
                await _redirect(send, *to)
            else:
                await self._drain(receive)
                await _say(send, *refused)
            return

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        if scope["method"] == "HEAD":  # as GET; whoever speaks HTTP leaves the body out
            scope = scope | {"method": "GET"}
        await self._inner(scope, self._limited(receive), sending)

    async def _drain(self, receive: Any) -> None:
        """Let a client that is refused end its body, within bounds: one that still sends does not read why."""
        taken, more = 0, True
        try:
            async with asyncio.timeout(self._settings.body_s):
                while more and taken < MOST_DRAINED:
                    message = await receive()
                    taken += len(message.get("body", b""))
                    more = message.get("more_body", False)
        except TimeoutError:
            return

    def _refused(self, scope: Any, headers: dict[str, str]) -> tuple[int, str] | None:
        """Return the status and the reason of a refusal; None for who may come in."""
        host = _host(headers.get("host", ""))
        if not self._any_name and host not in self._names:
            return 421, f"this server is not reached as {host[:80]!r}; --name {host[:80] or 'HOST'} would let it be"
        if scope["method"] not in READING and (reason := _foreign(headers, host)):
            return 403, reason
        if self._settings.token and scope["path"] not in OPEN and not self._knows(headers):
            return 401, "a token is needed: Authorization: Bearer …, or ?token=… once in a browser"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._settings.body_bytes:
            return 413, f"the body is larger than {self._settings.body_bytes:,} bytes, or of no known length"
        if not self._may_spend(str((scope.get("client") or ("",))[0])):
            return 429, f"more than {self._settings.requests_per_s_per_client} requests a second; ask again in a second"
        return None

    def _knows(self, headers: dict[str, str]) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Cookies of other programs on the same host come too, of whatever names.
        cookies = (one.strip().partition("=") for one in headers.get("cookie", "").split(";"))
        offered = [value for name, _, value in cookies if name == COOKIE]
        offered += [given.strip()] if scheme.lower() == "bearer" else []
        return sum(map(self._is_token, offered)) > 0  # all are compared, whichever is right

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), (self._settings.token or "").encode())

    def _let_in(self, scope: Any) -> tuple[str, str] | None:
        """Return where a browser goes that brings the token in its address, and the cookie that it gets."""
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        if scope["method"] != "GET" or not self._is_token((query.pop("token", None) or [""])[0]):
            return None
        rest = f"?{urlencode(query, doseq=True)}" if query else ""
        # Two slashes would begin another server's name.
        return (
            f"/{scope['path'].lstrip('/')}{rest}",
            f"{COOKIE}={self._settings.token}; HttpOnly; SameSite=Strict; Path=/",
        )

    def _may_spend(self, client: str) -> bool:
        """Take one from a client's bucket, which fills at its rate up to a second's worth."""
        rate, now = float(self._settings.requests_per_s_per_client), time.monotonic()
        left, then = self._spent.pop(client, (rate, now))
        left = min(rate, left + (now - then) * rate)
        self._spent[client] = (max(left - 1, 0.0), now)
        if len(self._spent) > MOST_CLIENTS:
            self._spent.popitem(last=False)
        return left >= 1

    def _limited(self, receive: Any) -> Any:
        taken, until = 0, time.monotonic() + self._settings.body_s
        whole = False

        async def limited() -> Any:
            nonlocal taken, whole
            if whole:  # what comes after the body is the client's leaving, which may take as long as it likes
                return await receive()
            try:
                async with asyncio.timeout(max(until - time.monotonic(), 0.01)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body did not come within {self._settings.body_s:g} s") from None
            taken += len(message.get("body", b""))
            if taken > self._settings.body_bytes:
                raise HTTPException(413, f"the body is larger than {self._settings.body_bytes:,} bytes")
            whole = not message.get("more_body", False)
            return message

        return limited


def _host(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def _foreign(headers: dict[str, str], host: str) -> str:
    """Return why a page of another site may not post here; empty where none does."""
    origin = headers.get("origin")
    if origin == "null":
        return "a page without an origin asks this"
    own = not origin or _host(origin.partition("//")[2]) == host
    if own and headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return ""
    return "a page of another site asks this; the server answers its own page and programs"


async def _redirect(send: Any, to: str, cookie: str) -> None:
    headers = [(b"location", quote(to, safe="/?&=%+,:").encode()), (b"set-cookie", cookie.encode())]
    await send({"type": "http.response.start", "status": 303, "headers": [*headers, *HEADERS]})
    await send({"type": "http.response.body", "body": b""})


async def _say(send: Any, status: int, sentence: str) -> None:
    answer = failure(status, sentence)
    again = [(b"retry-after", b"1")] if status in (429, 503) else []
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer.body)).encode()), *again]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *HEADERS]})
    await send({"type": "http.response.body", "body": answer.body})
