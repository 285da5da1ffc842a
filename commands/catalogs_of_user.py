"""What a command works with beside its arguments: the catalog with the user's own entries, the user's settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catalogs.catalog import Catalog

if TYPE_CHECKING:
    from engine.workload import Statement


def user_catalogs(extra: Sequence[Path] = ()) -> Catalog:
    """Return the built-in catalog, extended by the user's configuration directory and then by the extra ones.

    Raises:
        InputError: an extra directory does not exist.
        CatalogError: a file is broken.
    """
    return Catalog.load([*user_directories(), *extra])


def user_directories() -> list[Path]:
    """Return the user's configuration directory, where there is one."""
    own = own_directory()
    return [own] if own.is_dir() else []


def user_settings(extra: Sequence[Path] = ()) -> "list[Statement]":
    """Return what the settings.toml of the user's configuration directory says, then those of the extra ones.

    Raises:
        InputError: a settings file is broken.
    """
    from agent.statements.spec_files import settings_file

    statements = (settings_file(directory) for directory in (own_directory(), *extra))
    return [statement for statement in statements if statement is not None]


def own_directory() -> Path:
    """Return the user's configuration directory, whether or not it is there."""
    """Return where the user's settings and catalog entries are, there or not."""
    from platformdirs import user_config_path  # costs time that only commands with a catalog pay

    return user_config_path("fleetcast")
