"""The conversation over HTTP: the same dialogue, its lines kept by the client and signed by the server."""

import base64
import hashlib
import hmac
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.exports.json import json_text
from catalogs.errors import InputError
from commands.serve.answers.work import Answer, Desk, from_flags, given_flags, refuse_outside

if TYPE_CHECKING:
    from agent.session.running_session import RunningSession
    from agent.statements.models import FoundModel
    from agent.talk.state import Ports

MOST_LINES: Final = 60
MOST_CHARACTERS: Final = 20_000
"""Of a line."""
MOST_SESSIONS: Final = 32
"""Sessions that a process remembers; others are led to the same state by their lines."""
_SECRET: Final = "FLEETCAST_SIGNING_KEY"
"""The environment variable by which the server hands its processes the key of the day."""
NO_FILES: Final = "The server writes no files; the page offers each format to download."


class _Talk(msgspec.Struct, frozen=True):
    """A conversation as far as it came."""

    flags: tuple[tuple[str, str], ...]
    """Of the page whose plan it is about; empty where it began with nothing."""
    lines: tuple[str, ...]


_SESSIONS: OrderedDict[_Talk, "RunningSession"] = OrderedDict()


def new_key() -> None:
    """Make the key with which states are signed, for this process and those that it starts."""
    os.environ[_SECRET] = os.urandom(32).hex()


def talked(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return what is said to a line, and the state after it.

    Raises InputError for a state that is not ours.
    """
    from agent.report.blocks import Report
    from agent.report.rendering.html import html
    from agent.report.rendering.plain import plain_text
    from agent.talk.speech import Data

    line, flags = tree.get("line"), given_flags(tree)
    so_far = _known(tree.get("state", "")) or _Talk(tuple(sorted(flags.items())), ())
    if not isinstance(line, str) or len(line) > MOST_CHARACTERS:
        raise InputError(f"line is a text of up to {MOST_CHARACTERS:,} characters")
    if len(so_far.lines) >= MOST_LINES:
        raise InputError(f"a conversation here has up to {MOST_LINES} lines; begin another")
    session = _session(so_far, desk)
    spoken = session.take(line)
    now = _Talk(so_far.flags, (*so_far.lines, line))
    _SESSIONS[now] = session
    while len(_SESSIONS) > MOST_SESSIONS:
        _SESSIONS.popitem(last=False)
    said = [(one.report if isinstance(one, Data) else Report(one.blocks)) for one in spoken]
    planned = session.state.branches[session.state.kept].capacity_plan if session.state.branches else None
    answer = {
        "said": [plain_text(report).strip() for report in said],
        "html": "".join(html(report) for report in said),
        "prompt": session.prompt,
        "done": session.done,
        "plan": None if planned is None else _plan(planned),
        "state": _signed(now),
    }
    return Answer(200, json_text(answer).encode())


def _plan(plan: Any) -> Any:
    from engine.plan import plan_json

    return plan_json(plan)


def _session(so_far: _Talk, desk: Desk) -> "RunningSession":
    """Return the session that a talk led to; nobody else has it. One about a page's plan begins with that."""
    from agent.session.running_session import RunningSession
    from agent.talk.speech import warned
    from agent.talk.state import State

    if (known := _SESSIONS.pop(so_far, None)) is not None:
        return known
    flags = dict(so_far.flags)
    if model := flags.get("model"):
        refuse_outside(model, desk)
    start = State(phase="review", statements=(from_flags(flags),)) if flags else None
    write = warned(NO_FILES)
    session = RunningSession(_ports(desk), None, start, write=lambda _: write)
    for line in ("", *so_far.lines) if flags else so_far.lines:
        session.take(line)
    return session


def _ports(desk: Desk) -> "Ports":
    """Return the functions around the dialogue: nothing of this machine is read, written or looked for."""
    from msgspec.structs import replace

    from agent.session.ports import ports_of

    inner = ports_of(desk.facts)

    def model(text: str) -> "FoundModel":
        refuse_outside(text, desk)
        return inner.model(text)

    return replace(inner, model=model, exists=lambda path: False, calibrated=None)


# --- the state that a client keeps ------------------------------------------------------------------------------------


def _signed(talk: _Talk) -> str:
    body = msgspec.json.encode(talk)
    return f"{base64.urlsafe_b64encode(body).decode()}.{_signature(body)}"


def _signature(body: bytes) -> str:
    return hmac.new(os.environ.get(_SECRET, "").encode(), body, hashlib.sha256).hexdigest()


def _known(state: object) -> _Talk | None:
    if state in ("", None):
        return None
    wrong = InputError("the state is not one that this server gave; begin the conversation anew")
    if not isinstance(state, str):
        raise wrong
    encoded, _, signature = state.rpartition(".")
    try:
        body = base64.urlsafe_b64decode(encoded.encode())
        if not hmac.compare_digest(signature.encode(), _signature(body).encode()):
            raise wrong
        return msgspec.json.decode(body, type=_Talk)
    except (ValueError, msgspec.DecodeError):
        raise wrong from None
