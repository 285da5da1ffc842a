"""What the API says of itself: bodies with examples that work, answers, failures."""

from typing import Any, Final

from msgspec import Struct

REQUEST: Final = {
    "model": "llama-3.1-70b",
    "precision": {"weights": "fp8"},
    "traffic": {"requests_per_s": 20},
    "tokens": {"input": {"mean": 1500}, "output": {"mean": 300}},
    "hardware": {"accelerators": ["h100"]},
    "targets": [{"metric": "ttft", "percentile": "p95", "seconds": 0.8}],
}
"""A spec, as `--spec` reads it."""
_OBJECT: Final = {"type": "object"}


class Body(Struct, frozen=True):
    """What an endpoint takes."""

    about: str
    example: dict[str, Any]
    properties: dict[str, Any] = {}
    required: tuple[str, ...] = ()


_SPEC: Final = {
    "model": {"type": "string", "description": "A name of the catalog, or a size: 70B."},
    "architecture": {**_OBJECT, "description": "Dimensions of a model that no catalog holds."},
    "precision": _OBJECT,
    "traffic": _OBJECT,
    "tokens": _OBJECT,
    "hardware": _OBJECT,
    "targets": {"description": "A list of metric, percentile and seconds; or times by metric and percentile."},
    "serving": _OBJECT,
    "availability": _OBJECT,
    "scaling": _OBJECT,
    "money": _OBJECT,
    "preset": {"type": "string"},
    "band": {"enum": [50, 80, 95]},
}
"""The fields of a spec; `/api/schema` has each in full."""
_VERIFY: Final = {"verify": {"type": "boolean", "description": "Whether the plan is simulated; true by default."}}

BODIES: Final[dict[str, Body]] = {
    "forecast": Body("The plan of a spec: what `fleetcast forecast --json` prints.", REQUEST, {**_SPEC, **_VERIFY}),
    "estimate": Body(
        "One replica at a load: what `fleetcast estimate --json` prints.",
        {
            **{key: REQUEST[key] for key in ("model", "tokens", "hardware")},
            "load": {"kind": "concurrency", "value": 32},
        },
        {**_SPEC, "load": _OBJECT},
        ("load",),
    ),
    "compare": Body(
        "Plans side by side: a spec over values of some of its fields.",
        {"spec": REQUEST, "over": {"hardware.accelerators": ["h100", "h200"]}, "verify": False},
        {"spec": _OBJECT, "over": {**_OBJECT, "additionalProperties": {"type": "array"}}, **_VERIFY},
        ("over",),
    ),
    "explain": Body(
        "How a figure of a plan came about: formula, inputs with their sources, what binds.",
        {"flags": {"model": "llama-3.1-8b", "preset": "chat", "rps": "10"}, "path": "performance.at_peak.ttft_s.p95"},
        {
            "plan": {**_OBJECT, "description": "As a forecast gives it; else flags."},
            "flags": {**_OBJECT, "description": "Of the question whose plan is meant, without their hyphens."},
            "path": {"type": "string", "examples": ["performance.at_peak.ttft_s.p95"]},
            **_VERIFY,
        },
        ("path",),
    ),
    "simulate": Body(
        "The plan of a spec under its load, request by request; progress comes as server-sent events.",
        {**REQUEST, "requests": 2000, "seed": 0},
        {**_SPEC, "requests": {"type": "integer"}, "seed": {"type": "integer"}},
    ),
    "understand": Body(
        "What a sentence says: the spec that was read, what is missing, asked and not used.",
        {"sentence": "70B fp8 on H100, 20 rps, 1.5k in, 300 out, p95 TTFT 800ms"},
        {"sentence": {"type": "string"}},
        ("sentence",),
    ),
    "talk": Body(
        "One line of the conversation; the state is kept by the client. Where it left another plan, flags is its form.",
        {"line": "70B fp8 on H100, 20 rps, 1.5k in, 300 out"},
        {
            "line": {"type": "string"},
            "flags": {**_OBJECT, "description": "Of the page whose plan is meant."},
            "state": {"type": "string", "description": "As the answer before gave it."},
        },
        ("line",),
    ),
    "calculate": Body(
        "Memory (GB, 1e9 bytes), FLOPs, latency (s) and parallelism of a model under a batch of equal prompts.",
        {"model_name": "llama-3.1-8b", "gpu": "h100", "seq_length": 2048, "batch_size": 8, "precision": "fp16"},
        {
            "calculation_type": {"type": "string", "default": "model"},
            "model_name": {"type": "string", "default": "custom"},
            "hidden_dim": {"type": "integer"},
            "ff_dim": {"type": "integer"},
            "num_layers": {"type": "integer"},
            "vocab_size": {"type": "integer"},
            "seq_length": {"type": "integer", "default": 2048},
            "batch_size": {"type": "integer", "default": 1},
            "gpu": {"type": "string"},
            "gpu_tflops": {"type": "number", "default": 312},
            "precision": {"type": "string", "default": "fp16"},
            "efficiency_factor": {"type": "number", "description": "Of compute; our own where it is left out."},
        },
    ),
    "model_scaling_analysis": Body(
        "How many accelerators of a memory a model takes, by tensor and by pipeline parallelism.",
        {
            "gpu_vram_gb": 16,
            "hidden_dimensions": 4096,
            "feedforward_dimensions": 11008,
            "num_layers": 32,
            "vocab_size": 32000,
        },
        {
            "gpu_vram_gb": {"type": "number"},
            "batch_size": {"type": "integer", "default": 1},
            "sequence_length": {"type": "integer", "default": 2048},
            "hidden_dimensions": {"type": "integer"},
            "feedforward_dimensions": {"type": "integer"},
            "num_layers": {"type": "integer"},
            "vocab_size": {"type": "integer"},
            "precision": {"type": "string", "default": "fp16"},
        },
        ("gpu_vram_gb", "hidden_dimensions", "feedforward_dimensions", "num_layers", "vocab_size"),
    ),
}
"""By the name of the endpoint."""

NUMBERED: Final = {"parameters": [{"name": "number", "in": "path", "required": True, "schema": {"type": "string"}}]}
"""What the documentation says of an address of one calculation: whatever is no number is one that is not there."""

_FAILURE: Final = {
    "type": "object",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
    "additionalProperties": False,
}
_SAID: Final = {
    400: "Something cannot be read or meant.",
    401: "A token is needed.",
    403: "A page of another site asks.",
    404: "There is nothing here.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    421: "The server is not reached by this name.",
    422: "Something is missing; all of it is named.",
    429: "Too many requests a second.",
    503: "All processes are busy.",
    504: "The answer takes longer than it may.",
}


_ESTIMATE: Final = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "description": "incompatible where there is no estimate: figures are null."},
        "reason": {"type": ["string", "null"], "description": "Why there is none."},
        "relaxations": {"type": "array", "items": {"type": "string"}, "description": "Fields that would do, or none."},
    },
    "required": ["verdict", "reason", "relaxations"],
}
"""What tells an estimate from a load that one replica cannot carry."""
_PLAN: Final = {
    "type": "object",
    "properties": {
        "schema_version": {"type": "integer"},
        "answer": {"type": ["object", "null"], "description": "Null where there is no plan; then reason says why."},
        "reason": {"type": "string", "description": "Why there is no plan; the status is 200 all the same."},
        "rejected": {"type": "array", "description": "What was tried, and relaxations: fields that would do."},
        "spec": _OBJECT,
        "sources": _OBJECT,
    },
    "required": ["schema_version", "answer", "spec", "sources"],
}
"""The outline of a plan: `/api/schema` has it whole."""


def body_of(name: str) -> dict[str, Any]:
    """Return what the documentation says of an endpoint's body."""
    body = BODIES[name]
    schema = {"type": "object", "properties": body.properties, "required": list(body.required)}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": body.example}}}
    }


def answer_of(name: str) -> dict[int | str, dict[str, Any]]:
    """Return what the documentation says of an endpoint's answers."""
    legacy = name in ("calculate", "model_scaling_analysis")
    failures = [status for status in _SAID if status != 404 and not (legacy and status == 422)]
    schema = {"forecast": _PLAN, "estimate": _ESTIMATE}.get(name, _OBJECT)
    return {200: _content("application/json", schema, BODIES[name].about), **_failures(*failures)}


def read_only(kind: str, *more: int, token: int = 401) -> dict[int | str, dict[str, Any]]:
    """Return what the documentation says of the answers of an address that is only read.

    Args:
        kind: of JSON that it answers with.
        more: statuses of other failures.
        token: the status where a token is missing; 0 where none is asked for.
    """
    failures = _failures(*filter(None, (token, 421, 429)), *more)
    return {200: _content("application/json", {"type": kind}, "What there is."), **failures}


def text_of() -> dict[int | str, dict[str, Any]]:
    """Return what the documentation says of an address that answers in text."""
    return {200: _content("text/plain", {"type": "string"}, "Text."), **_failures(401, 421, 429)}


def events_of() -> dict[int | str, dict[str, Any]]:
    """Return what the documentation says of an address that answers in events."""
    events = "Events: progress with done and of, then result, or error."
    return {
        200: _content("text/event-stream", {"type": "string"}, events),
        **_failures(*(status for status in _SAID if status != 404)),
    }


def _content(media: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {"description": about, "content": {media: {"schema": schema}}}


def _failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: _content("application/json", _FAILURE, _SAID[status]) for status in statuses}
