"""The conversation over HTTP: the same dialogue, its lines kept by the client and signed by the server.

Where a line led is kept by the server too (``held``), so that no process has to say all lines before it again.
"""

import base64
import hashlib
import hmac
import os
import pickle
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.exports.json import json_text
from catalogs.errors import InputError, listed
from commands.serve.answers.work import Answer, Desk, from_flags, given_flags, refuse_outside

if TYPE_CHECKING:
    from agent.session.running_session import RunningSession
    from agent.statements.models import FoundModel
    from agent.talk.state import Ports, State
    from engine.plan import CapacityPlan

MOST_LINES: Final = 60
MOST_CHARACTERS: Final = 20_000
"""Of a line."""
_SECRET: Final = "FLEETCAST_SIGNING_KEY"
"""The environment variable by which the server hands its processes the key of the day."""
NO_FILES: Final = "The server writes no files; the page offers each format to download."


class _Talk(msgspec.Struct, frozen=True):
    """A conversation as far as it came."""

    flags: tuple[tuple[str, str], ...]
    """Of the page whose plan it is about; empty where it began with nothing."""
    lines: tuple[str, ...]


def new_key() -> None:
    """Make the key with which states are signed, for this process and those that it starts."""
    os.environ[_SECRET] = os.urandom(32).hex()


def talked(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return what is said to a line, and the state after it.

    Raises InputError for a state that is not ours.
    """
    from agent.report.blocks import Paragraph, Report
    from agent.report.rendering.html import html
    from agent.report.rendering.plain import plain_text
    from agent.talk.speech import Data
    from commands.serve.answers.form import NO_FIELD, plan_fields
    from engine.plan import plan_json

    line, flags = tree.get("line"), given_flags(tree)
    so_far = _known(tree.get("state", "")) or _Talk(tuple(sorted(flags.items())), ())
    if not isinstance(line, str) or len(line) > MOST_CHARACTERS:
        raise InputError(f"line is a text of up to {MOST_CHARACTERS:,} characters")
    if len(so_far.lines) >= MOST_LINES:
        raise InputError(f"a conversation here has up to {MOST_LINES} lines; begin another")
    session = _session(so_far, tree.get("held"), desk)
    before = _planned(session)
    spoken = session.take(line)
    now = _signed(_Talk(so_far.flags, (*so_far.lines, line)))
    planned = _planned(session)
    said = [(one.report if isinstance(one, Data) else Report(one.blocks)) for one in spoken]
    fields = None
    if planned is not None and planned is not before:
        fields, left = plan_fields(plan_json(planned), desk)
        said += [Report((Paragraph(f"{NO_FIELD} {listed(left)}.", "warning"),))] if left else []
    answer = {
        "said": [plain_text(report).strip() for report in said],
        "html": "".join(html(report) for report in said),
        "prompt": session.prompt,
        "done": session.done,
        "plan": None if planned is None else plan_json(planned),
        "flags": fields,
        "state": now,
    }
    return Answer(200, json_text(answer).encode(), held=(now, _held(session.state)))


def _planned(session: "RunningSession") -> "CapacityPlan | None":
    """Return the plan that is kept; None where there is none."""
    return session.state.base.capacity_plan if session.state.branches else None


def _session(so_far: _Talk, held: object, desk: Desk) -> "RunningSession":
    """Return the session that a talk led to: as it was held, or by its lines. One about a page's begins with that."""
    from agent.session.running_session import RunningSession
    from agent.statements.merged import with_targets_listed
    from agent.talk.speech import warned
    from agent.talk.state import State

    flags = dict(so_far.flags)
    if model := flags.get("model"):
        refuse_outside(model, desk)
    start = State(phase="review", statements=(with_targets_listed(from_flags(flags)),)) if flags else None
    known = _state_held(held)
    write = warned(NO_FILES)
    session = RunningSession(_ports(desk), None, known or start, write=lambda _: write)
    for line in () if known else ("", *so_far.lines) if flags else so_far.lines:
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

    return replace(inner, model=model, exists=lambda path: False, files=False, calibrated=None)


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


def _held(state: "State") -> bytes:
    """Return a state as the server holds it for its processes; signed, since what is unpickled is run."""
    body = pickle.dumps(state)
    return bytes.fromhex(_signature(body)) + body


def _state_held(held: object) -> "State | None":
    if not isinstance(held, str):
        return None
    try:
        whole = base64.b64decode(held)
    except ValueError:
        return None
    signature, body = whole[:32], whole[32:]
    if not hmac.compare_digest(signature.hex(), _signature(body)):
        return None
    return pickle.loads(body)
