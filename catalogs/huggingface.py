"""Models beyond the catalog: a config.json from a file or from the Hugging Face hub.

The only module that touches a network, and only when `config_from_hub` is called. The hub client's own settings hold:
HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE, HF_HOME.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catalogs.configs.architecture import architecture_from_config
from catalogs.errors import InputError, quoted

__all__ = ["architecture_from_config", "config_from_file", "config_from_hub"]

CONFIG, QUANTISATION = "config.json", "hf_quant_config.json"
"""The second is where NVIDIA's checkpoints of 2024 and 2025 say how they are quantised."""

LARGEST_CONFIG_BYTES = 8 * 2**20
"""The largest real one, with every layer spelt out, has 0.3 MB; more is some other file."""


def config_from_file(path: Path | str) -> Mapping[str, Any]:
    """Return the config in a file, or in the folder that holds config.json.

    Raises:
        InputError: there is none, or it is not a JSON object.
    """
    given = Path(path)
    file = given / CONFIG if given.is_dir() else given
    if not file.exists():
        where = (
            f"the folder {quoted(str(given))} holds no {CONFIG}" if given.is_dir() else f"no file {quoted(str(given))}"
        )
        raise InputError(f"{where}; give the path of a model's {CONFIG}, or of the folder that holds it")
    if not file.is_file():
        raise InputError(f"{quoted(str(file))} is not a file; give the path of a model's {CONFIG}")
    config = _json_object(file)
    if (
        not config.get("quantization_config")
        and file.name == CONFIG
        and (beside := file.with_name(QUANTISATION)).is_file()
    ):
        return _with_quantisation(config, _json_object(beside))
    return config


def config_from_hub(repository: str) -> Mapping[str, Any]:
    """Return the config of a repository on the hub, or of its copy in the local cache.

    Args:
        repository: owner/name.

    Raises:
        InputError: the repository or the file is missing, closed, or out of reach.
    """
    config = _json_object(_downloaded(repository, CONFIG))
    named_quantised = re.search(r"fp8|fp4|int8|int4|nvfp4|mxfp", repository, re.IGNORECASE)
    if config.get("quantization_config") or not named_quantised:
        return config
    try:
        beside = _downloaded(repository, QUANTISATION)
    except InputError:
        return config  # most repositories have none
    return _with_quantisation(config, _json_object(beside))


def _with_quantisation(config: Mapping[str, Any], quantised: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**config, "quantization": quantised.get("quantization") or quantised}


def _json_object(file: Path) -> Mapping[str, Any]:
    name = quoted(str(file))
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST_CONFIG_BYTES + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    if len(raw) > LARGEST_CONFIG_BYTES:
        raise InputError(f"{name} is larger than any {CONFIG}; give the small JSON file beside the weights")
    try:
        parsed = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not text; give a model's {CONFIG}, not its weights") from error
    except json.JSONDecodeError as error:
        raise InputError(f"{name} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}") from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{name} is not JSON that describes a model: {error}") from error
    if not isinstance(parsed, dict):
        raise InputError(f"{name} holds {type(parsed).__name__} where a {CONFIG} holds an object of fields")
    return parsed


def _downloaded(repository: str, filename: str) -> Path:
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url  # 0.3 s, and few need it

    with _quiet():
        try:
            # asked once beforehand, since the download retries a hub that is out of reach for a minute
            get_hf_file_metadata(hf_hub_url(repository, filename))
            return Path(hf_hub_download(repository, filename))
        except Exception as error:  # the client raises its own, httpx's, OSError and ValueError alike
            refusal = _why_not(error, repository, filename)
            if _is_final(error):
                raise refusal from error
        try:
            return Path(hf_hub_download(repository, filename, local_files_only=True))
        except OSError as absent:
            raise refusal from absent


def _is_final(error: Exception) -> bool:
    """Return whether the hub itself has said no, so that the local cache need not be asked."""
    from huggingface_hub import errors

    said_no = (errors.HFValidationError, errors.RepositoryNotFoundError, errors.EntryNotFoundError)
    return isinstance(error, said_no)


def _why_not(error: Exception, repository: str, filename: str) -> InputError:
    from huggingface_hub import errors

    name, instead = quoted(repository), f"or give the path of a {CONFIG}"
    match error:
        case errors.HFValidationError():
            reason = f"{name} is no repository id; it has the form owner/name, as in Qwen/Qwen3-8B, {instead}"
        case errors.GatedRepoError():
            reason = f"{name} is gated: accept its terms on the hub and set HF_TOKEN, {instead}"
        case errors.RepositoryNotFoundError():
            reason = f"the hub has no model {name}, or it is private: check its spelling, set HF_TOKEN, {instead}"
        case errors.OfflineModeIsEnabled():
            reason = f"{name} is not in the local cache and the hub is switched off (HF_HUB_OFFLINE), {instead}"
        case errors.EntryNotFoundError():
            reason = f"{name} holds no {filename}: it is not a transformers model (GGUF only?), {instead}"
        case errors.HfHubHTTPError():
            status = getattr(getattr(error, "response", None), "status_code", "an error")
            reason = f"the hub answered {status} for {name}; try again later, {instead}"
        case OSError():
            reason = f"the config of {name} cannot be kept in the local cache: {error.strerror or error}; set HF_HOME"
        case _:
            why = f"({type(error).__name__})"
            reason = (
                f"the hub cannot be reached for {name} {why} and the local cache has no {filename} of it, {instead}"
            )
    return InputError(reason)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the client's progress bars and notices off the user's screen."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    logger = logging.getLogger("huggingface_hub")
    level, had_bars = logger.level, not are_progress_bars_disabled()
    logger.setLevel(logging.ERROR)
    disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if had_bars:
            enable_progress_bars()
