"""What a command works with beside its arguments: the catalog with the user's own entries, the user's settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from catalogs.catalog import Catalog

if TYPE_CHECKING:
    from engine.workload import Statement


def user_catalogs(extra: Sequence[Path] = (), calibration: str | None = None) -> Catalog:
    """Return the built-in catalog, extended by the user's configuration directory and then by the extra ones.

    Args:
        extra: directories.
        calibration: its name, or the path of its file.

    Raises:
        InputError: an extra directory does not exist, or no calibration is called so.
        CatalogError: a file is broken.
    """
    catalog = Catalog.load([*user_directories(), *extra])
    if calibration is None:
        return catalog
    from catalogs.calibration_files import calibration_file, read_calibration

    return catalog.with_calibration(read_calibration(calibration_file(calibration, own_directory())))


def calibrations_folder() -> Path:
    """Return the folder of the user's calibrations, which may not exist yet."""
    from catalogs.calibration_files import FOLDER

    return own_directory() / FOLDER


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
    from platformdirs import user_config_path  # costs time that only commands with a catalog pay

    return user_config_path("fleetcast")
