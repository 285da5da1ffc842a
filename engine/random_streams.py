"""Random numbers: independent streams of a seed, so that what draws from one changes nothing that another draws."""

import numpy as np


# Quoted: numpy loads its generators, and what they need, when they are first named.
def stream(seed: int, which: int) -> "np.random.Generator":
    """Return the ``which``-th independent stream of random numbers of a seed."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, which))))
