"""Provenance: which program, catalog entries and kernels a plan was made from."""

import hashlib

from msgspec import UNSET

from catalogs.kept import kept
from catalogs.version import VERSION
from engine.fleet.search import SizedCandidates
from engine.plan import Provenance
from engine.planning.calibrated import applied
from engine.question.resolve import Question

METHOD = "roofline kernels with measured efficiencies; batch fixed point; closed-form waits"


def provenance_of(
    question: Question, best: SizedCandidates, method: str = "", *, verify: bool = True, refine: bool = False
) -> Provenance:
    """Return what the plan was made from.

    Args:
        best: the chosen candidate, an array of one.
        method: beyond that of the formulas.
        verify: as it was asked of ``engine.method.forecast``, to make the plan again.
        refine: likewise.
    """
    accelerator = best.candidates.accelerator(0)
    used = (question.model, question.runtime, question.weights, question.kv_cache, accelerator)
    origin = best.candidates.rates_at(0).origin
    return Provenance(
        program="fleetcast",
        version=VERSION,
        catalog=_digest(used),
        kernels=f"{accelerator.name}: kernel times {origin}",
        method="; ".join(filter(None, (METHOD, method))),
        runtime=question.runtime.release,
        verify=verify,
        refine=refine,
        calibration=applied(question, accelerator.id) or UNSET,
    )


@kept(256)
def _digest(entries: tuple[object, ...]) -> str:
    """Return the digest of frozen entries, whose texts take long to write."""
    return hashlib.sha256("\n".join(map(_written, entries)).encode()).hexdigest()[:16]


_written = kept(256)(repr)
