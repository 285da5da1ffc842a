"""How long a new replica takes before its weights load: a node that boots and an image that is pulled, by whose it is.

Estimates of 2026-11-29. A node with GPUs: 2 to 8 minutes until it is ready (Backend Engineering Essentials, BEE-30068);
5 to 10 on AKS with four A100, end to end "nearly 10" (Microsoft Q&A 12767836, 2026-05-11). Images of vLLM with CUDA are
10 to 20 GB (M. T., The GPU Cold Starts Nobody Warns You About), at 100 MB/s with unpacking; layers that are loaded as
they are read bring that to seconds (Amazon EKS, Run AI/ML inference workloads).
"""

from typing import Final, Literal

from msgspec.structs import replace

from engine.workload import Scaling, Term

ProviderKind = Literal["large cloud", "GPU cloud", "own"]
LARGE_CLOUDS: Final = frozenset({"aws", "azure", "gcp", "oci"})
NODE_S: Final[dict[ProviderKind, float]] = {"large cloud": 300.0, "GPU cloud": 300.0, "own": 0.0}
"""Of GPU clouds nobody publishes it: taken over from the large ones. Nodes of one's own run already."""
IMAGE_S: Final[dict[ProviderKind, float]] = {"large cloud": 180.0, "GPU cloud": 180.0, "own": 0.0}
"""A new node has no image; one's own has kept it."""

NOTICED_S: Final = 350.0
"""Until Kubernetes starts the pods of a node that is gone elsewhere: 50 s without a sign of it (the grace period of its
controller from 1.32 on), and 300 s that pods tolerate (kubernetes.io, Nodes; Taints and Tolerations)."""


def provider_kind(provider: str | None, term: Term) -> ProviderKind:
    """Return whose nodes they are."""
    if term == "owned":
        return "own"
    return "large cloud" if provider in LARGE_CLOUDS else "GPU cloud"


def with_starts(scaling: Scaling, provider: str | None, term: Term) -> Scaling:
    """Return the parts of a reaction with the times of a node and an image that nobody stated.

    Args:
        scaling: as it was asked; zero says that nodes, or images, are warm.
        provider: who rents out the nodes; None where nobody is known.
    """
    kind = provider_kind(provider, term)
    node = NODE_S[kind] if scaling.node_s is None else scaling.node_s
    image = IMAGE_S[kind] if scaling.image_s is None else scaling.image_s
    return replace(scaling, node_s=node, image_s=image)
