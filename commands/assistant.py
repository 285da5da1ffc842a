"""A language model of the user's own that may point at what a line says: an OpenAI-compatible server that they name.

It answers with an act and with words of the line, by field; what the words are worth, our own reader says. One that is
wrong, slow, dead or hostile changes nothing: no redirect is followed, no proxy asked, nothing but the two is read.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import decode

from agent.talk.assistance import Suggestion
from catalogs.errors import InputError, quoted

KEY: Final = "FLEETCAST_ASSIST_KEY"
"""Environment variable: what the server wants as a key; none is sent where it is not set."""
MODEL: Final = "FLEETCAST_ASSIST_MODEL"
"""Environment variable: the model's name at the server."""
_PATIENCE_S: Final = 5.0
"""For the whole answer: beyond it the line is taken as it was read."""
_LONGEST: Final = 64_000
"""Bytes of an answer that are read."""
_FAILURES: Final = 2
"""After so many in a row the server is not asked again."""


class _Message(Struct, frozen=True):
    content: str


class _Choice(Struct, frozen=True):
    message: _Message


class _Completion(Struct, frozen=True):
    choices: tuple[_Choice, ...]


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: a key is for the server that was named."""


def assistant_at(url: str) -> Callable[[str], Suggestion | None]:
    """Return a function from a line to what a server makes of it; None where it makes nothing that can be used.

    The first time that it does not, standard error says so.

    Raises:
        InputError: the address is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{quoted(url)} is no address of a server; http://localhost:8000/v1 is one")
    address = f"{url.rstrip('/')}/chat/completions"
    opener = build_opener(ProxyHandler({}), _NoRedirect())
    failures, told = 0, False

    def ask(line: str) -> Suggestion | None:
        nonlocal failures, told
        if failures >= _FAILURES:
            return None
        try:
            suggestion = _suggestion(opener, address, line)
        except (OSError, URLError, ValueError, DecodeError, ValidationError):
            failures += 1
            if not told:
                print(f"{url} gives no answer that can be used; lines are read without it.", file=sys.stderr)
            told = True
            return None
        failures = 0
        return suggestion

    return ask


def _suggestion(opener: OpenerDirector, address: str, line: str) -> Suggestion:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY):
        headers["Authorization"] = f"Bearer {key}"
    request = Request(address, json.dumps(_question(line)).encode(), headers)
    until = time.monotonic() + _PATIENCE_S
    received = b""
    with opener.open(request, timeout=_PATIENCE_S) as answer:
        while chunk := answer.read1(4096):
            received += chunk
            if len(received) > _LONGEST or time.monotonic() > until:
                raise ValueError("the answer is too long or too slow")
    completion = decode(received, type=_Completion)
    return decode(completion.choices[0].message.content if completion.choices else "", type=Suggestion)


def _question(line: str) -> dict[str, Any]:
    """Return the request: the acts and the fields that there are, the line, and the schema of the answer."""
    from agent.after_plan.acts.classifier import learned
    from agent.fields.table import FIELDS

    known = learned()
    acts = "\n".join(f"{act}: {reads}" for act, reads in zip(known.acts, known.reads, strict=True))
    fields = "\n".join(f"{field.path}: {field.help or field.label}" for field in FIELDS.values())
    text = (
        "A person plans servers for a language model. Say which act the line asks for (or none), and which fields it "
        "gives: for each the exact words of the line that give the value, copied, never a value of your own.\n\n"
        f"Acts:\n{acts}\n\nFields:\n{fields}"
    )
    fact = {"type": "object", "properties": {"path": {"type": "string"}, "words": {"type": "string"}}}
    schema = {
        "type": "object",
        "properties": {
            "act": {"type": "string", "enum": [*known.acts, ""]},
            "facts": {"type": "array", "items": fact | {"required": ["path", "words"], "additionalProperties": False}},
        },
        "required": ["act", "facts"],
        "additionalProperties": False,
    }
    return {
        "model": os.environ.get(MODEL, "default"),
        "temperature": 0,
        "max_tokens": 500,
        "messages": [{"role": "system", "content": text}, {"role": "user", "content": line}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reading", "strict": True, "schema": schema},
        },
    }
