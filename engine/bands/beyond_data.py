"""The ways in which a case lies outside of everything that was measured, and the sentence that says so."""

from collections.abc import Iterator, Sequence

from catalogs.catalog import Catalog
from catalogs.matrices import total_parameters
from catalogs.records.accelerators import Accelerator
from catalogs.records.fitted import MeasuredKind
from catalogs.records.models import ModelArchitecture
from catalogs.records.precisions import Precision
from engine.bands.lookup import Architecture, architecture_of
from engine.step.rates import Kernels, kernels_of

BEYOND = 1.25
"""Times the largest model or the longest request that was measured, from which on a case lies outside."""
NAMES = {"dense": "dense model", "mixture": "mixture of experts", "latent": "MLA model", "hybrid": "hybrid model"}


def format_of(precision: Precision) -> str:
    """Return what formats that run alike are pooled under: '16-bit', 'fp8', '4-bit weight-only'."""
    if precision.weight_only:
        return f"{int(precision.bits)}-bit weight-only"
    return "16-bit" if precision.bits == 16 else precision.compute


def outside_note(
    accelerator: Accelerator, model: ModelArchitecture, weights: Precision, tokens: float, catalog: Catalog
) -> str | None:
    """Return in one sentence what of a case no measurement is like; None where it is among the data.

    Args:
        weights: their format.
        tokens: of a mean request, prompt and answer.
    """
    reasons = outside(accelerator, model, weights, tokens, catalog)
    if not reasons:
        return None
    return f"outside all data: {'; '.join(reasons)}; its bands are wide, and a guess"


def outside(
    accelerator: Accelerator, model: ModelArchitecture, weights: Precision, tokens: float, catalog: Catalog
) -> tuple[str, ...]:
    """Return what of a case no measurement is like, a clause for each reason; empty where it is among the data.

    Args:
        weights: their format.
        tokens: prompt and answer of one request, together.
        catalog: its measured kinds; without any nothing is known to be outside.
    """
    kinds = catalog.measured_kinds
    if not kinds:
        return ()
    return tuple(_reasons(kinds, accelerator, model, kernels_of(accelerator, catalog.accelerators), weights, tokens))


def _reasons(
    kinds: Sequence[MeasuredKind],
    accelerator: Accelerator,
    model: ModelArchitecture,
    kernels: Kernels,
    weights: Precision,
    tokens: float,
) -> Iterator[str]:
    architecture = architecture_of(model)
    if kernels == "foreign":  # else kernels were timed in every format, and bands know the rest of its kind
        yield from _unlike(kinds, accelerator, architecture, weights)
    same = [kind for kind in kinds if kind.model == architecture] or list(kinds)
    size, most = total_parameters(model), max(kind.most_parameters for kind in same)
    least = min(kind.least_parameters for kind in same)
    if size > BEYOND * most or size < least / BEYOND:
        extreme, limit = ("largest", most) if size > most else ("smallest", least)
        yield (
            f"the {extreme} {NAMES[architecture]} measured has {_billions(limit)} parameters, this one "
            f"{_billions(size)}"
        )
    longest = max(kind.longest_tokens for kind in kinds)
    if tokens > BEYOND * longest:
        yield f"the longest requests measured have {longest:,.0f} tokens, these {tokens:,.0f}"


def _unlike(
    kinds: Sequence[MeasuredKind], accelerator: Accelerator, architecture: Architecture, weights: Precision
) -> Iterator[str]:
    there = [kind for kind in kinds if kind.accelerator_architecture == accelerator.architecture]
    alike = [kind for kind in there if kind.model == architecture]
    if not there:
        yield f"no serving on {accelerator.architecture} is among the measurements"
    elif not alike:
        yield f"no {NAMES[architecture]} on {accelerator.architecture} is among the measurements"
    elif format_of(weights) not in {kind.format for kind in alike}:
        yield f"no {NAMES[architecture]} in {weights.name} on {accelerator.architecture} is among the measurements"


def _billions(parameters: float) -> str:
    billions = parameters / 1e9
    return f"{billions:,.0f} billion" if billions >= 100 else f"{billions:.3g} billion"
