"""The catalog as lists for programs and for the page's suggestions."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from catalogs.catalog import Catalog
from catalogs.matrices import total_parameters
from catalogs.records.models import DenseFeedForward, MixtureFeedForward, ModelArchitecture
from engine.plan import plain

KINDS: Final = ("accelerators", "models", "prices", "presets", "available_models")


@cache
def catalog_list(kind: str, directories: tuple[str, ...]) -> list[Any]:
    """Return the entries of a kind.

    Args:
        kind: one of ``KINDS``.
        directories: of the user's own entries.
    """
    facts = Catalog.load([Path(directory) for directory in directories])
    if kind == "available_models":
        return list(_available(facts))
    found: Any = getattr(facts, "offers" if kind == "prices" else kind)
    return [plain(entry) for entry in (found.values() if hasattr(found, "values") else found)]


def _available(facts: Catalog) -> Iterator[dict[str, Any]]:
    """Yield the models in the shape that calculators before this one gave them."""
    for model in facts.models.values():
        yield {
            "name": model.id,
            "hidden_dim": model.hidden_size,
            "ff_dim": feed_forward_width(model),
            "num_layers": sum(group.count for group in model.layers),
            "vocab_size": model.vocabulary,
            "seq_len": model.max_context,
            "family": model.family,
            "parameter_count": round(total_parameters(model) / 1e9, 3),
        }


def feed_forward_width(model: ModelArchitecture) -> int:
    """Return the width of a model's feed-forward blocks; of a mixture, that of the experts that a token meets."""
    widths = [0]
    for group in model.layers:
        match group.feed_forward:
            case DenseFeedForward(intermediate=width):
                widths.append(width)
            case MixtureFeedForward(experts_per_token=met, intermediate=width, shared_intermediate=shared):
                widths.append(met * width + shared)
    return max(widths)
