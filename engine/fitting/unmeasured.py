"""What kernels reach on architectures of which neither kernels nor serving were measured: a factor on the nearest's."""

from collections.abc import Iterator, Sequence
from math import exp

from catalogs.catalog import Catalog
from catalogs.records.fitted import UNMEASURED, StatedConstants
from catalogs.records.validation import record_of
from engine.fitting.files import constants_text
from engine.fitting.spread import LeftOutError, spreads_of
from engine.step.rates import kernels_of

KERNELS = (
    "linear_memory",
    "linear_compute",
    "plain_compute",
    "attention_memory",
    "prefill_compute",
    "mixture_compute",
    "mixture_memory",
)
"""Factors on the speed of kernels; that on attention holds for a cache of any format."""


def unmeasured_entry(errors: Sequence[LeftOutError], catalog: Catalog) -> Iterator[str]:
    """Yield the entry of architectures that were never measured, as TOML text; nothing where no such one was.

    Accelerators whose kernels are inherited from another maker's serve slower than these kernels promise: their
    software is younger, and what they are good at differs. Throughputs of those that were measured say by how much.

    Args:
        errors: of all points.
        catalog: with the fitted constants: architectures that these speak of are no such ones.
    """
    own = [error for error in errors if error.metric == "throughput"]
    foreign = sorted({error.accelerator for error in own if error.foreign})
    share = exp(min(spreads_of(own).foreign_shift, 0.0))
    known = {name for entry in catalog.fitted for name in entry.architectures}
    timed = {a.vendor for a in catalog.accelerators.values() if kernels_of(a, catalog.accelerators) == "measured"}
    known |= {a.architecture for a in catalog.accelerators.values() if a.vendor in timed}
    alone = {error.runtime for error in errors if error.metric == "stream"}
    architectures = tuple(sorted({a.architecture for a in catalog.accelerators.values()} - known))
    if not foreign or not architectures:
        return
    entry = record_of(
        StatedConstants,
        {
            "id": UNMEASURED,
            "runtimes": tuple(sorted(catalog.runtimes.keys() - alone)),
            "architectures": architectures,
            "fitted_on": "",
            **dict.fromkeys(KERNELS, float(f"{share:.3g}")),
        },
    )
    yield constants_text(entry, f"throughputs of {len(foreign)} accelerators: {', '.join(foreign)}", None)
