"""Provenance: which program, catalog entries and kernels a plan was made from."""

import hashlib

from msgspec import UNSET

from catalogs.version import VERSION
from engine.fleet.search import SizedCandidates
from engine.plan import Provenance
from engine.planning.calibrated import applied
from engine.question.resolve import Question

MOST_WRITTEN = 256
_WRITTEN: dict[int, tuple[object, str]] = {}
"""Texts of entries by their identity; the entries are kept with them, so that no other takes it."""

METHOD = "roofline kernels with measured efficiencies; batch fixed point; closed-form waits"


def provenance_of(
    question: Question, best: SizedCandidates, method: str = "", *, verify: bool = True, refine: bool = False
) -> Provenance:
    """Return what the plan was made from.

    Args:
        question: its catalog entries.
        best: the chosen candidate, an array of one.
        method: beyond that of the formulas.
        verify: as it was asked of ``engine.method.forecast``, to make the plan again.
        refine: likewise.
    """
    accelerator = best.candidates.accelerator(0)
    used = [question.model, question.runtime, question.weights, question.kv_cache, accelerator]
    digest = hashlib.sha256("\n".join(map(_written, used)).encode()).hexdigest()[:16]
    origin = best.candidates.rates[int(best.candidates.which[0])].origin
    return Provenance(
        program="fleetcast",
        version=VERSION,
        catalog=digest,
        kernels=f"{accelerator.name}: kernel times {origin}",
        method="; ".join(filter(None, (METHOD, method))),
        runtime=question.runtime.release,
        verify=verify,
        refine=refine,
        calibration=applied(question, accelerator.id) or UNSET,
    )


def _written(entry: object) -> str:
    """Return the text of a frozen entry; it takes long to write, and the same entries come again and again."""
    known = _WRITTEN.get(id(entry))
    if known is None:
        if len(_WRITTEN) >= MOST_WRITTEN:
            _WRITTEN.clear()
        known = _WRITTEN[id(entry)] = entry, repr(entry)
    return known[1]
