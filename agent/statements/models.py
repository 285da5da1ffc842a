"""What people write for a model: a catalog name, a bare size, a config.json, a repository of the hub."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import UnknownName, quoted
from catalogs.records.models import ModelArchitecture
from catalogs.units import read_billions

SIZE: Final = re.compile(r"[0-9.]+ ?[bBtTmM]?")
REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")


class FoundModel(Struct, frozen=True):
    """What a text turned out to be."""

    name: str
    """As it stands in a spec: a catalog id, a checkpoint's repository, the name of a config."""
    architecture: ModelArchitecture | None = None
    """Where no catalog holds it."""
    derived: str = ""
    """Why this model, where nobody named it: 'the best-known architecture of 70B'."""
    read_from: str = ""
    """Where the architecture was read."""
    embeds: bool = False
    """Whether it writes no text."""


class CatalogName(str):
    """A model's name of which the catalog alone is asked: a stranger's plan reads no file and asks no hub."""

    __slots__ = ()


def resolve_model(text: str, catalog: Catalog) -> FoundModel:
    """Return the model that a text names.

    Raises:
        UnknownName, AmbiguousName: the catalog holds none, or several, of that name.
        InputError: a config.json that cannot be read or is no decoder's, a hub that is out of reach.
    """
    said = text.strip()
    if isinstance(text, CatalogName):
        served = catalog.model(said)
        return FoundModel(served.checkpoint.repository if served.checkpoint else served.model.id)
    if SIZE.fullmatch(said):
        model = catalog.model_of_size(read_billions(said, "model size"))
        size = said if said[-1].isalpha() else f"{said}B"
        return FoundModel(model.id, derived=f"the best-known architecture of {size}")
    path = Path(said).expanduser()
    if said.endswith(".json") or said.startswith(("/", "./", "../", "~")) or said in (".", ".."):
        return _from_file(path)
    try:
        served = catalog.model(said)
    except UnknownName:
        if (path / "config.json").is_file() or path.is_file():
            return _from_file(path)
        if REPOSITORY.fullmatch(said):
            return _from_hub(said)
        raise
    embeds = bool(served.checkpoint and served.checkpoint.embeds)
    mended = f"no model is called {quoted(said)}; the nearest is taken" if served.misspelt else ""
    return FoundModel(
        served.checkpoint.repository if served.checkpoint else served.model.id, derived=mended, embeds=embeds
    )


def _from_file(path: Path) -> FoundModel:
    from catalogs.huggingface import architecture_from_config, config_from_file

    config = config_from_file(path)
    file = path.resolve()
    folder = file if file.is_dir() else file.parent
    # Most files are called config.json: the folder tells them apart.
    name = folder.name if file.is_dir() or file.stem == "config" else file.stem
    architecture = architecture_from_config(config, name=name or "config.json")
    return FoundModel(architecture.name, architecture, read_from=str(path))


def _from_hub(repository: str) -> FoundModel:
    from catalogs.huggingface import architecture_from_config, config_from_hub

    config = config_from_hub(repository)
    return FoundModel(repository, architecture_from_config(config, name=repository), read_from=f"hub: {repository}")
