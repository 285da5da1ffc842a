"""Containers that serve a model in what is looked through, or charts' values of one: what starts, on what."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from msgspec import Struct

from agent.deployment.objects import CHART_VALUES
from agent.lint.documents import Document, Path
from agent.lint.packs import WORKLOADS
from catalogs.catalog import Catalog
from catalogs.records.serving import Image, ServedRuntime

STARTS: Final = re.compile(
    r"vllm serve|vllm\.entrypoints|sglang[. ](?:launch_server|serve)|trtllm-serve|llama-server"
    r"|--model(?:-path)?(?=[ =]|$)"
)
"""Words by which a container serves a model."""
PROGRAMS: Final = {r"\bvllm\b": "vllm", r"\bsglang\b": "sglang", "trtllm-serve": "tensorrt-llm"}
"""Runtimes by a word of their commands."""
LOADED: Final = re.compile(r"(?:vllm serve|sglang serve|trtllm-serve(?: serve)?|llama-server -hf) (?P<model>[^\s-]\S*)")
MODEL_FLAGS: Final = ("--model-path", "--model", "-m", "-hf")
SHORT: Final[Mapping[str, str]] = {
    short: f"--{split}-parallel-size"
    for split, spellings in {
        "tensor": "-tp --tp --tp-size",
        "pipeline": "-pp --pp --pp-size",
        "data": "-dp --dp --dp-size --attn-dp-size",
        "expert": "--ep --ep-size",
    }.items()
    for short in spellings.split()
}
"""Other spellings of a flag: vllm/engine/arg_utils.py, sglang/srt/server_args.py, trtllm-serve (underscores are hyphens
to both)."""
THOUSANDS: Final = {"k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
"""Ends of whole numbers as vLLM reads them (vllm/engine/arg_utils.py, human_readable_int)."""


class Count(Struct, frozen=True):
    """A whole number and where it stands."""

    path: Path
    value: int


class Server(Struct, frozen=True, dict=True):
    """A container that serves a model, or a chart's values of one."""

    document: Document
    path: Path
    image: str
    words: tuple[str, ...]
    """Program and arguments."""
    replicas: Count | None
    """None where nothing says how many."""
    accelerators: Count | None
    """Of its pod."""

    @property
    def is_counted(self) -> bool:
        """Whether it is of an object whose replicas Kubernetes counts."""
        return self.path[0] == "spec" and self.document.at(("kind",)) in WORKLOADS

    @property
    def pods(self) -> int | None:
        """Of a replica; None where that is not said."""
        if "--nnodes" in self.flags or "ray" in self.words:
            size = self.document.at(("spec", "leaderWorkerTemplate", "size"))
            return size if isinstance(size, int) else None
        return 1 if self.path[0] == "services" or self.document.at(("kind",)) in ("Deployment", "Pod") else None

    @cached_property
    def model(self) -> str:
        """What it loads; empty where that is not said, or is a variable's."""
        named = LOADED.search(" ".join(self.words))
        first = self.words[0] if self.words and re.fullmatch(r"[\w-]+/[\w.-]+", self.words[0]) else ""
        by_flag = (value for name in MODEL_FLAGS if (value := self.flags.get(name)))
        said = next(by_flag, named["model"] if named else first)
        places = (("spec", "model", "uri"), ("modelArtifacts", "uri"))
        said = said or next((str(uri) for place in places if (uri := self.document.at(place))), "")
        return "" if "$" in said else said.removeprefix("hf://")

    @cached_property
    def served_names(self) -> frozenset[str]:
        """Names under which it answers; empty where that is not said, or is a variable's.

        Without --served-model-name vLLM and SGLang answer to what they load, whatever it is called; TensorRT-LLM to the
        last part of a folder's path.
        """
        said = self.flags.get("--served-model-name", "")
        if not said and self.document.at(("spec", "model", "uri")):
            said = str(self.document.at(("spec", "model", "name")) or "")
        elif not said and "--config" not in self.flags:
            folder = "trtllm-serve" in self.words and self.model.startswith(("/", "."))
            said = "" if folder else self.model
        names = [name.strip("\"'") for name in said.split()]
        return frozenset() if any("$" in name for name in names) else frozenset(names)

    @property
    def listens(self) -> int | None:
        """The port that its flags say; None where they do not."""
        port = self.flags.get("--port", "")
        return int(port) if port.isascii() and port.isdecimal() else None

    @property
    def pod(self) -> Path | None:
        """Where its pod is specified; None where it is no container of one."""
        return self.path[:-2] if self.path[-2:-1] == ("containers",) else None

    @property
    def tag(self) -> str:
        """Of its image."""
        return self.image.removeprefix(repository_of(self.image)).lstrip(":")

    @property
    def resource(self) -> str:
        """What Kubernetes calls the accelerators that it asks for; empty where that is not said."""
        name = self.accelerators.path[-1] if self.accelerators else ""
        return name if isinstance(name, str) and "/" in name else ""

    def runtimes(self, catalog: Catalog) -> list[ServedRuntime]:
        """Return the runtimes whose image it has; where that is nobody's, the one that its words start."""
        served, repository = catalog.serving.values(), repository_of(self.image)
        words = " ".join(self.words)
        named = [one for one in served if one.images_called(repository)]
        return named or [catalog.serving[one] for start, one in PROGRAMS.items() if re.search(start, words)][:1]

    def place_of(self, flag: str) -> Path:
        """Return where a flag stands, in one spelling; where the container does if nowhere."""
        for path, value in self.document.walk(self.path):
            written = value.partition("=")[0] if isinstance(value, str) else ""
            if flag in (spelt(written), *(name for name, field in CHART_VALUES.items() if path[-1] == field)):
                return path
        return self.path

    @cached_property
    def flags(self) -> dict[str, str]:
        """Values by flag, in one spelling; '' of a switch."""
        return dict(flags_in(self.words))


def repository_of(image: str) -> str:
    """Return an image without its tag."""
    folder, slash, name = image.rpartition("/")
    return folder + slash + name.partition(":")[0]


def served_models(servers: Sequence[Server]) -> frozenset[str]:
    """Return the names under which models are served; empty where an object does not say its own."""
    by_object: dict[int, frozenset[str]] = {}
    for one in servers:
        # Workers of several nodes say nothing, and answer nobody.
        by_object[id(one.document)] = by_object.get(id(one.document), frozenset()) | one.served_names
    return frozenset().union(*by_object.values()) if all(by_object.values()) else frozenset()


def flags_in(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the flags among words with their values, in one spelling."""
    flag = None
    values: list[str] = []
    for word in (*words, "--"):
        if re.match(r"--|-[a-z]", word):
            if flag:
                yield flag, " ".join(values)
            name, joined, value = word.partition("=")
            flag, values = spelt(name), [value] if joined else []
        else:
            values.append(word)


def spelt(flag: str) -> str:
    """Return a flag in the spelling in which two are compared."""
    flag = flag.replace("_", "-")
    return SHORT.get(flag, flag)


def same_value(one: str, other: str) -> bool:
    """Return whether two values of a flag mean the same: '8K' and '8192', '0.90' and '0.9', JSON in any order."""
    return one == other or _read(one) == _read(other)


def _read(text: str) -> object:
    if number := re.fullmatch(r"(\d+(?:\.\d+)?)([kmgKMG])", text):
        return float(number[1]) * THOUSANDS[number[2]]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.lower()


def servers_in(documents: Sequence[Document], catalog: Catalog) -> tuple[Server, ...]:
    """Return what serves a model in documents.

    Args:
        catalog: the facts: images of runtimes, and what clusters call devices.
    """
    images = tuple(one for served in catalog.serving.values() for one in served.images)
    resources = frozenset(plugin.resource for plugin in catalog.device_plugins.values())
    return tuple(one for document in documents for one in _servers(document, images, resources))


def _servers(document: Document, images: tuple[Image, ...], resources: frozenset[str]) -> Iterator[Server]:
    for path, value in document.walk():
        if not isinstance(value, dict) or "initContainers" in path:
            continue
        if isinstance(value.get("modelURL"), str):
            chart = (f"{value.get('repository', '')}:{value.get('tag', '')}", _chart_words(value))
            gpus = _count(document, (*path, "requestGPU"))
            yield Server(document, path, *chart, _count(document, (*path, "replicaCount")), gpus)
        image = value.get("image")
        if isinstance(image, str):
            words = tuple(word for name in ("entrypoint", "command", "args") for word in _words(value.get(name)))
            devices = _devices(document, path, resources)
            if STARTS.search(" ".join(words)) or any(one.names(repository_of(image)) for one in images) or devices:
                yield Server(document, path, image, words, _replicas(document, path), devices)


def _chart_words(values: Mapping[str, Any]) -> tuple[str, ...]:
    config = values.get("vllmConfig")
    config = config if isinstance(config, dict) else {}
    set_ = [(flag, config[name]) for flag, name in CHART_VALUES.items() if config.get(name) not in (None, False)]
    words = [flag if value is True else f"{flag}={value}" for flag, value in set_]
    return ("vllm", "serve", str(values["modelURL"]), *words, *_words(config.get("extraArgs")))


def _words(value: Any) -> Iterator[str]:
    """Yield the words of a command; of a script that a shell is given, its own."""
    listed = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    for word in map(str, listed):
        scripted = re.search(r"\s", word) and not word.lstrip().startswith(("{", "["))
        try:
            yield from shlex.split(word, comments=True) if scripted else [word]
        except ValueError:
            yield from word.split()


def _count(document: Document, path: Path) -> Count | None:
    value = document.at(path)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    return Count(path, value) if isinstance(value, int) and not isinstance(value, bool) else None


def _replicas(document: Document, path: Path) -> Count | None:
    """Return the number of replicas that stands nearest above a container."""
    above = (path[:length] for length in range(len(path), -1, -1))
    names = (("replicas",), ("deploy", "replicas"))
    return next((found for place in above for name in names if (found := _count(document, (*place, *name)))), None)


def _devices(document: Document, path: Path, resources: frozenset[str]) -> Count | None:
    """Return the accelerators that a container asks for, as Kubernetes or Compose has it."""
    for kind in ("limits", "requests"):
        for name in document.table((*path, "resources", kind)):
            if name in resources and (found := _count(document, (*path, "resources", kind, name))):
                return found
    return _count(document, (*path, "deploy", "resources", "reservations", "devices", 0, "count"))
