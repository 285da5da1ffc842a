"""Whether a model fits an accelerator: on one, on how many, and in which precision it would."""

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.accelerators import Accelerator
from catalogs.records.models import ModelArchitecture
from catalogs.units import GIB
from engine.fleet.candidates import Candidates, candidates
from engine.plan import Verdict
from engine.question.resolve import Question, resolve
from engine.workload import SPLIT, Serving, WorkloadSpec, spec_from

ALONE = {f"serving.{name}": 1 for name in SPLIT}
PROMPT, ANSWER = 1000, 200
"""Tokens of the request that must fit beside the weights: an ordinary one."""


class Compatibility(Struct, frozen=True):
    """A model on an accelerator, in the precision of its own checkpoint."""

    model: str
    accelerator: str
    precision: str
    verdict: Verdict
    """On one accelerator."""
    missing_gib: float | None
    """What one accelerator lacks; None where it fits or where memory is not the reason."""
    accelerators: int | None
    """The fewest that hold a replica; None where no number does."""
    fits_in: str
    """The widest other precision with a known checkpoint in which one accelerator holds it; empty without one."""
    together_in: str
    """The precision, likewise, in which fewer together hold a replica than in its own; empty where one does or none."""
    accelerators_in: int | None
    """How many those are."""
    reason: str
    """Why it does not fit on one; empty where it does."""


def compatibility(model: ModelArchitecture, accelerator: Accelerator, catalog: Catalog) -> Compatibility:
    """Return whether a model fits an accelerator, served by the usual runtime, or by one that runs there."""
    usual = Serving().runtime
    runtimes = sorted(catalog.runtimes.values(), key=lambda one: one.id != usual)
    runtime = next((one.id for one in runtimes if one.platform_of(accelerator)), usual)
    try:
        question = resolve(_spec(model, accelerator, runtime), catalog)
        alone, why, missing = _alone(model, accelerator, catalog, runtime, question.weights.id)
        found, _ = candidates(question)
    except InputError as error:
        return Compatibility(
            model.id, accelerator.id, model.native_precision, "incompatible", None, None, "", "", None, str(error)
        )
    fewest = _fewest(found)
    others = _other_precision(question, accelerator, runtime, fewest) if alone is None else ("", "", None)
    fits_in, together_in, accelerators_in = others
    return Compatibility(
        model=model.id,
        accelerator=accelerator.id,
        precision=question.weights.id,
        verdict=_verdict(alone),
        missing_gib=missing,
        accelerators=fewest,
        fits_in=fits_in,
        together_in=together_in,
        accelerators_in=accelerators_in,
        reason=why,
    )


def _spec(model: ModelArchitecture, accelerator: Accelerator, runtime: str, **more: object) -> WorkloadSpec:
    room = model.max_context / (PROMPT + ANSWER) / 2
    return spec_from(
        {
            "model": model.id,
            "hardware.accelerators": [accelerator.id],
            "serving.runtime": runtime,
            "traffic.requests_per_s": 1,
            "tokens.input.mean": PROMPT * min(1.0, room),
            "tokens.output.mean": ANSWER * min(1.0, room),
            **more,
        }
    )


def _alone(
    model: ModelArchitecture, accelerator: Accelerator, catalog: Catalog, runtime: str, precision: str
) -> tuple[Candidates | None, str, float | None]:
    """Return the replica of one accelerator, or why there is none and what is missing, GiB."""
    found, rejected = candidates(
        resolve(_spec(model, accelerator, runtime, **ALONE, **{"precision.weights": precision}), catalog)
    )
    if len(found):
        return found, "", None
    first = rejected[0]
    short = None
    if first.needed is not None and first.available is not None and first.needed > first.available:
        short = (first.needed - first.available) / GIB
    return None, first.reason, short


def _verdict(alone: Candidates | None) -> Verdict:
    if alone is None:
        return "incompatible"
    tight = bool(np.all(alone.memory.tight))
    return "marginal" if tight else "compatible"


def _fewest(found: Candidates) -> int | None:
    return int(found.parallelism.accelerators.min()) if len(found) else None


def _other_precision(
    question: Question, accelerator: Accelerator, runtime: str, fewest: int | None
) -> tuple[str, str, int | None]:
    """Return the precision that one accelerator holds, else that of which fewer together hold a replica, and how many.

    Args:
        question: in the precision of the model's own checkpoint.
        fewest: accelerators that hold a replica in its own precision; None where no number does.
    """
    catalog, model = question.catalog, question.model
    gguf = question.runtime.id == "llama.cpp"
    stored = {one.precision for one in model.checkpoints if gguf == ("gguf" in one.repository.lower())}
    known = (catalog.precisions[name] for name in (*stored, *question.runtime.online) if name in catalog.precisions)
    together_in = ""
    for precision in sorted(known, key=lambda one: (-one.bits, one.id)):
        if precision.bits >= question.weights.bits:
            continue
        spec = _spec(model, accelerator, runtime, **{"precision.weights": precision.id})
        try:
            count = _fewest(candidates(resolve(spec, catalog))[0])
        except InputError:
            continue
        if count == 1:
            return precision.id, "", None
        if count and (fewest is None or count < fewest):
            together_in, fewest = precision.id, count
    return "", together_in, fewest if together_in else None
