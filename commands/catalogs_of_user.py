"""The catalog that a command works with: the built-in one, the user's own entries, the directories of this call."""

from collections.abc import Sequence
from pathlib import Path

from catalogs.catalog import Catalog


def user_catalogs(extra: Sequence[Path] = ()) -> Catalog:
    """Return the built-in catalog, extended by the user's configuration directory and then by the extra ones.

    Raises InputError where an extra directory does not exist, CatalogError where a file is broken.
    """
    from platformdirs import user_config_path  # noqa: PLC0415 — costs time that only commands with a catalog pay

    own = user_config_path("fleetcast")
    return Catalog.load([own, *extra] if own.is_dir() else extra)
