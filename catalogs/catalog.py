"""The catalog: all entries, by id and by what people call them.

Each kind is read when it is first asked for, so that a command pays only for the kinds that it uses.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import date
from functools import cached_property
from math import log
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from catalogs.checkpoints import read_checkpoint_name
from catalogs.compiled import LazyEntries
from catalogs.entry_files import KINDS, Entries, Key, Spellings, kinds_in, read_entries
from catalogs.errors import CatalogError, InputError, UnknownName, listed, quoted
from catalogs.matrices import total_parameters
from catalogs.names import Named, Names, letters_of, words_of
from catalogs.records.accelerators import Accelerator, PowerCurve
from catalogs.records.api_prices import ApiModel
from catalogs.records.calibrations import Calibration
from catalogs.records.facts import Record
from catalogs.records.fitted import ErrorBand, FittedConstants, MeasuredKind, MeasuredSystem
from catalogs.records.kernels import KernelCurve
from catalogs.records.models import Checkpoint, MixtureFeedForward, ModelArchitecture, UnsupportedModel
from catalogs.records.partitions import Partitioning
from catalogs.records.places import Place, Places
from catalogs.records.precisions import Precision
from catalogs.records.presets import WorkloadPreset
from catalogs.records.prices import RegionFactors, RentalOffer
from catalogs.records.protocols import BenchmarkProtocol
from catalogs.records.providers import Provider
from catalogs.records.running_costs import RunningCost
from catalogs.records.runtimes import ServingRuntime
from catalogs.records.scenarios import Scenario
from catalogs.records.serving import DevicePlugin, ServedRuntime
from catalogs.records.training import TrainingRun
from catalogs.records.versions import written_version
from catalogs.records.workflows import AgentWorkflow

BUILT_IN: Final = Path(__file__).parent
_Kind = TypeVar("_Kind", bound=Record)
_CURVE: Final = "kernel curve of"

ACCELERATOR_NOISE: Final = frozenset(
    "nvidia amd intel apple instinct geforce tesla gpu gpus accelerator card edition chip the".split()
)
MODEL_NOISE: Final = frozenset("instruct it hf chat base pt meta nvidia model preview gguf the".split())
"""Words that a model's name may carry and that do not tell it from another."""

MODEL_OF_SIZE: Final[Mapping[float, str]] = MappingProxyType(
    {
        0.5: "qwen2.5-0.5b",
        1: "llama-3.2-1b",
        1.5: "qwen2.5-1.5b",
        3: "llama-3.2-3b",
        4: "qwen3-4b",
        # Not Llama-2-7B, whose 32 KV heads would overstate the cache of a 7B of today four times.
        7: "mistral-7b-v0.3",
        8: "llama-3.1-8b",
        9: "gemma-2-9b",
        12: "mistral-nemo-12b",
        13: "llama-2-13b",
        14: "qwen2.5-14b",
        20: "internlm2.5-20b",
        24: "mistral-small-24b",
        27: "gemma-3-27b",
        # Dense, though Qwen3-30B-A3B is nearer: whoever gives a bare size of 30 has not said that a tenth is active.
        30: "qwen3-32b",
        32: "qwen3-32b",
        34: "codellama-34b",
        40: "falcon-40b",
        65: "llama-3.1-70b",
        70: "llama-3.1-70b",
        72: "qwen2.5-72b",
        104: "command-r-plus",
        # From here on nothing that is usual is dense, but for 123, 175, 180 and 405.
        120: "gpt-oss-120b",
        123: "mistral-large-2411",
        141: "mixtral-8x22b",
        175: "bloom-176b",
        176: "bloom-176b",
        180: "falcon-180b",
        235: "qwen3-235b-a22b",
        405: "llama-3.1-405b",
        671: "deepseek-v3",
        1000: "kimi-k2",
    }
)
"""Billions of parameters that people say → the architecture that is best known at that size."""
_NAME_AND_VERSION: Final = re.compile(r"(.*?[^\W\d].*?)[\s:=_-]+(v?\d+\.\d[\w.-]*)", re.IGNORECASE)
"""A serving runtime with its version behind blanks or joints: 'vLLM 0.11', 'sglang v0.5.6', 'vllm==0.11.2'."""
NEAR_SIZE: Final = 0.05
"""Within this share of a size above, people mean it: 33 is a 32B."""
SIZE_TOLERANCE: Final = 0.15
"""Within this share a dense model's true size may stand for the size that was said."""


class ResolvedModel(Struct, frozen=True):
    """A model that was named, and the checkpoint where the name was one's."""

    model: ModelArchitecture
    checkpoint: Checkpoint | None = None
    misspelt: bool = False
    """Whether the name was mended."""

    @property
    def precision(self) -> str:
        """The id of the weights' precision: the checkpoint's, else the model's own."""
        return self.checkpoint.precision if self.checkpoint else self.model.native_precision


class AcceleratorOffers(Struct, frozen=True, eq=False):
    """The offers of one accelerator, the same only as itself: what follows from them is kept by it."""

    offers: tuple[RentalOffer, ...]
    newest: date
    """Day of the newest offer of the whole catalog."""


def _by_id(kind: str, _: type[_Kind]) -> "cached_property[Mapping[str, _Kind]]":
    """Return the property of a catalog that is its entries of a kind, by id."""
    return cached_property(lambda catalog: LazyEntries(catalog._entries(kind).records))


def _all_of(kind: str, _: type[_Kind]) -> "cached_property[tuple[_Kind, ...]]":
    """Return the property of a catalog that is its entries of a kind."""
    return cached_property(lambda catalog: tuple(LazyEntries[Key, _Kind](catalog._entries(kind).records).values()))


def _called(kind: str, entries: "cached_property[Mapping[str, _Kind]]") -> "Callable[[Catalog, str], _Kind]":
    """Return the method of a catalog that finds the entry of a kind that a text names.

    It raises UnknownName or AmbiguousName where no entry has the name, or several have.
    """

    def entry(catalog: "Catalog", text: str) -> _Kind:
        return entries.__get__(catalog)[catalog._names(kind).find(text)]

    return entry


class Catalog(Struct, frozen=True, dict=True):
    """All facts; later directories extend and override the built-in one by id."""

    directories: tuple[Path, ...] = (BUILT_IN,)

    @classmethod
    def load(cls, directories: Sequence[Path] = ()) -> "Catalog":
        """Return the built-in catalog, extended by the TOML files of other directories.

        What the directories hold is read and checked at once, the built-in entries when they are first needed.

        Raises:
            InputError: a directory does not exist.
            CatalogError: an entry of a directory is broken.
        """
        for directory in directories:
            if not directory.is_dir():
                problem = "is not a directory" if directory.exists() else "does not exist"
                raise InputError(
                    f"the catalog directory {str(directory)!r} {problem}; give one that holds *.toml files"
                )
        catalog = cls((BUILT_IN, *directories))
        kinds = frozenset(kind for directory in directories for kind in kinds_in(directory))
        if "accelerator" in kinds:
            catalog._lend_kernels()
        catalog.check(kinds)
        return catalog

    # --- entries by id ---

    accelerators = _by_id("accelerator", Accelerator)
    models = _by_id("model", ModelArchitecture)
    unsupported_models = _by_id("unsupported", UnsupportedModel)
    """Models that cannot be modelled."""
    presets = _by_id("preset", WorkloadPreset)
    workflows = _by_id("workflow", AgentWorkflow)
    """What agents do for one task."""
    precisions = _by_id("precision", Precision)
    providers = _by_id("provider", Provider)
    """Who rents accelerators out, by the id that offers have."""
    power_curves = _by_id("power", PowerCurve)
    """By the id of the accelerator on which it was measured."""
    protocols = _by_id("protocol", BenchmarkProtocol)
    serving = _by_id("serving", ServedRuntime)
    """How runtimes are deployed and watched, by the runtime's id."""
    device_plugins = _by_id("device_plugin", DevicePlugin)
    partitionings = _by_id("partitioning", Partitioning)
    """How cards split in hardware."""
    scenarios = _by_id("scenario", Scenario)
    """Whole cases of serving a model."""
    running_costs = _by_id("running_cost", RunningCost)
    """What is paid beside accelerators."""
    api_models = _by_id("api_model", ApiModel)
    """Models behind an API, priced by the token."""

    @cached_property
    def runtimes(self) -> Mapping[str, ServingRuntime]:
        """Serving runtimes by id, each in the newest version that is known."""
        entries: Mapping[str, ServingRuntime] = LazyEntries(self._entries("runtime").records)
        return {id: entry.at() for id, entry in entries.items()}

    @cached_property
    def places(self) -> Places:
        """Cities with the regions of clouds, countries and continents."""
        places: Mapping[str, Place] = LazyEntries(self._entries("place").records)
        return Places(places)

    @cached_property
    def curves(self) -> Mapping[tuple[str, str], KernelCurve]:
        """Kernel curves by accelerator id and framework."""
        return LazyEntries(self._entries("curve").records)

    @property
    def checked(self) -> date:
        """The last day on which a figure of the catalog was compared with its source."""
        facts = (self.accelerators.values(), self.models.values(), self.runtimes.values(), self.offers)
        return max(fact.checked for kind in facts for fact in kind)

    # --- entries that nobody names ---

    region_factors = _all_of("region_factors", RegionFactors)
    """What families of instances cost in regions where they are not listed."""

    @cached_property
    def offers(self) -> tuple[RentalOffer, ...]:
        """What is listed, and in other regions what follows from it; what is listed wins."""
        listed: Mapping[str, RentalOffer] = LazyEntries(self._entries("offer").records)
        derived = {offer.id: offer for factors in self.region_factors for offer in factors.offers(listed.values())}
        return (*listed.values(), *(offer for id, offer in derived.items() if id not in listed))

    @cached_property
    def offers_by_accelerator(self) -> Mapping[str, AcceleratorOffers]:
        """Offers by the accelerator's id; those that nobody offers are not among them."""
        newest = max((offer.checked for offer in self.offers), default=date.min)
        found: dict[str, list[RentalOffer]] = {}
        for offer in self.offers:
            found.setdefault(offer.accelerator, []).append(offer)
        return {name: AcceleratorOffers(tuple(offers), newest) for name, offers in found.items()}

    fitted = _all_of("fitted", FittedConstants)
    """Constants fitted on served systems."""
    bands = _all_of("band", ErrorBand)
    """How far measurements lay from predictions, by kind of case."""
    measured_systems = _all_of("system", MeasuredSystem)
    """What of each runtime a fit has seen."""
    measured_kinds = _all_of("measured", MeasuredKind)
    """The kinds of cases that were measured."""
    training_runs = _all_of("training_run", TrainingRun)
    """Pretraining runs whose accelerator-hours were published."""

    @cached_property
    def calibration(self) -> Calibration | None:
        """What somebody's own measurements say of constants; none unless ``with_calibration`` brought it."""
        return None

    def with_fitted(self, constants: Iterable[FittedConstants]) -> "Catalog":
        """Return this catalog with other fitted constants; all else that was read is shared."""
        return self._with(fitted=tuple(constants))

    def with_calibration(self, calibration: Calibration | None) -> "Catalog":
        """Return this catalog with a calibration, or with none; all else that was read is shared."""
        return self._with(calibration=calibration)

    def _with(self, **facts: object) -> "Catalog":
        other = copy(self)
        other.__dict__.update(self.__dict__, **facts)  # a Struct's copy leaves what is cached behind
        return other

    # --- entries by what people say ---

    def accelerator(self, text: str) -> Accelerator:
        """Return the accelerator that the text names.

        Raises:
            UnknownName, AmbiguousName: no entry has the name, or several have.
        """
        return self.accelerators[self._names("accelerator").find(text)]

    def accelerator_forms(self, text: str, entry: str | None = None) -> tuple[str, ...]:
        """Return the ids that a refused name refuses: 'not H100' is no H100 of any form, 'not H100 PCIe' that one.

        Args:
            text: the name, as it was said.
            entry: the id of the entry that it names, where that is known.

        Raises:
            UnknownName, AmbiguousName: no entry has the name, or several have.
        """
        entry = self.accelerator(text).id if entry is None else entry
        product = entry.partition("-")[0]
        if letters_of(text).removesuffix("s") not in (product, f"nvidia{product}"):
            return (entry,)
        return tuple(i for i in self.accelerators if i == product or i.startswith(f"{product}-"))

    def runtime(self, text: str) -> ServingRuntime:
        """Return the serving runtime that the text names, in the version that it names: 'vLLM 0.11', 'vllm@0.11'.

        Raises:
            UnknownName, AmbiguousName: no entry has the name, or several have.
            InputError: what stands for a version is none, or none that is known.
        """
        id, version = self._runtime_and_version(text)
        return self.runtimes[id].at(version)

    def runtime_name(self, text: str) -> str:
        """Return the name by which a spec calls the serving runtime and version that the text names: 'vllm@0.11'.

        Raises:
            UnknownName, AmbiguousName, InputError: as ``runtime``.
        """
        id, version = self._runtime_and_version(text)
        self.runtimes[id].at(version)
        return f"{id}@{version}" if version else id

    def _runtime_and_version(self, text: str) -> tuple[str, str]:
        """Return the id of a serving runtime and the version that is said with it; empty where none is.

        Some entries stand for one version, as 'TensorRT-LLM 0.17': a whole name goes first.
        """
        names, (name, at, said) = self._names("runtime"), text.partition("@")
        if (said.strip() or not at) and (id := names.find_same_letters(f"{name} {said}")):
            return id, ""
        if at:
            id, version = names.find(name), written_version(said)
            newest = self.runtimes[id].newest_version
            if version is None and newest:
                raise InputError(
                    f"{quoted(said)} is not a version of {self.runtimes[id].name}; write it like {id}@{newest}"
                )
            return id, version or said
        if written := _NAME_AND_VERSION.fullmatch(text.strip()):
            with suppress(UnknownName):
                return names.find(written[1]), written_version(written[2]) or ""
        return names.find(text), ""

    preset = _called("preset", presets)
    workflow = _called("workflow", workflows)
    scenario = _called("scenario", scenarios)

    def api_model(self, text: str) -> ApiModel:
        """Return the model behind an API that the text names.

        Raises:
            UnknownName, AmbiguousName: no entry has the name, or several have.
        """
        names = self._names("api_model")
        return self.api_models[names.find_same_letters(text) or names.find(text)]

    def precision(self, text: str) -> Precision:
        """Return the precision that the text names, by its whole name or an alias.

        Raises:
            UnknownName: no entry has the name.
        """
        id = self._names("precision").find_same_letters(text)
        if id is None:
            raise self._names("precision").unknown(text)
        return self.precisions[id]

    def model(self, text: str) -> ResolvedModel:
        """Return the model that the text names, with the checkpoint where it names one.

        A repository that is not in the catalog is a known model where the rest of its name, without owner and
        precision, is a known checkpoint's, or, without such words as Instruct too, exactly a known name.

        Raises:
            UnknownName, AmbiguousName: no entry has the name, or several have.
            InputError: the name is that of a model that cannot be modelled; the reason is given.
        """
        said = text.strip()
        names = self._names("model")
        if id := names.find_same_letters(said):
            return ResolvedModel(self.models[id])
        if known := self._checkpoints.get(said.casefold()):
            return known
        name = read_checkpoint_name(said, self._publishers)
        model = self._by_checkpoint.get(letters_of(name.model))
        if model is None:
            try:
                model = self.models[names.find(name.model, whole=bool(name.owner))]
            except UnknownName:
                if unsupported := self._unsupported_model(name.model):
                    raise InputError(f"{quoted(said)} cannot be modelled: {unsupported.reason}") from None
                raise names.unknown(said) from None
        misspelt = not name.owner and names.misspelt(name.model)
        return ResolvedModel(model, name.checkpoint(said, model.native_precision), misspelt)

    def _unsupported_model(self, text: str) -> UnsupportedModel | None:
        """Return the model with the longest name with which the text begins, among those that cannot be modelled."""
        said = words_of(text)
        begins = [
            (len(words), id)
            for id, spellings in self.spellings("unsupported").items()
            for words in map(words_of, (spellings.name, *spellings.aliases))
            if said[: len(words)] == words
        ]
        return self.unsupported_models[max(begins)[1]] if begins else None

    def offers_of(self, text: str) -> tuple[RentalOffer, ...]:
        """Return the offers of an accelerator or of a provider, or the one with that id.

        Raises:
            UnknownName, AmbiguousName: the text names no accelerator either, or several.
        """
        said = letters_of(text)
        offers = tuple(offer for offer in self.offers if said in {letters_of(offer.id), letters_of(offer.provider)})
        if offers:
            return offers
        accelerator = self.accelerator(text).id
        return tuple(offer for offer in self.offers if offer.accelerator == accelerator)

    def spellings(self, kind: str) -> Mapping[str, Spellings]:
        """Return the spellings of the entries of a kind that has names, by id."""
        return cast(dict[str, Spellings], self._entries(kind).spellings)

    def model_of_size(self, billions: float) -> ModelArchitecture:
        """Return the best-known architecture near a bare size.

        Args:
            billions: parameters / 1e9.

        Raises:
            InputError: no dense model is within 15 %; the nearest sizes are named.
        """
        for size in sorted(MODEL_OF_SIZE, key=lambda size: abs(size - billions)):
            if abs(billions / size - 1) <= NEAR_SIZE and MODEL_OF_SIZE[size] in self.models:
                return self.models[MODEL_OF_SIZE[size]]
        sizes = {model.id: total_parameters(model) / 1e9 for model in self.models.values() if _is_dense(model)}
        nearest = sorted(sizes, key=lambda name: abs(sizes[name] - billions))
        if nearest and abs(sizes[nearest[0]] / billions - 1) <= SIZE_TOLERANCE:
            return self.models[nearest[0]]
        near = listed([f"{sizes[name]:.3g} ({name})" for name in nearest[:3]]) or "none"
        raise InputError(
            f"no dense model is within {SIZE_TOLERANCE:.0%} of {billions:g} billion parameters; "
            f"the nearest sizes are {near}, or name the model"
        )

    # --- checks ---

    def check(self, kinds: Iterable[str] = tuple(KINDS)) -> None:
        """Read every entry of the kinds and check that the entries to which it refers exist.

        Raises:
            CatalogError: the first entry that is broken, or refers to one that does not exist.
        """
        for kind in kinds:
            records: Mapping[Key, Record] = LazyEntries(self._entries(kind).records)
            for key, record in records.items():
                for field, problem in self.unknown(record):
                    name = key if isinstance(key, str) else " ".join(key)
                    raise CatalogError(self._entries(kind).files[key], problem, f"{kind} {name!r}", field)

    def unknown(self, record: Record, besides: Collection[tuple[str, str]] = ()) -> Iterator[tuple[str, str]]:
        """Yield each field of a record that refers to what is not there, with the problem in a clause.

        Args:
            record: of this catalog, or that may come into it.
            besides: kinds and ids of entries that are there, too.
        """
        for field, target, wanted, known in self._references(record):
            if target not in known and ("curve" if wanted == _CURVE else wanted, target) not in besides:
                yield field, f"there is no {wanted} {target!r}"

    # --- reading ---

    @cached_property
    def _read(self) -> dict[str, Entries]:
        return {}

    def _entries(self, kind: str) -> Entries:
        if kind not in self._read:
            self._read[kind] = read_entries(kind, self.directories)
        return self._read[kind]

    def _lend_kernels(self) -> None:
        """Let an accelerator whose kernels nobody measured, and that names none, take those of the measured one alike.

        That is one of its architecture, else of its maker, whose memory is about as fast.
        """
        entries = self._entries("accelerator")
        measured = [self.accelerators[id] for id in sorted({id for id, _ in self.curves}) if id in self.accelerators]
        for own in (self.accelerators[str(id)] for id, layer in entries.layers.items() if layer):
            if own.kernels is None and own not in measured:
                alike = min(
                    measured,
                    key=lambda one: (
                        one.architecture != own.architecture,
                        one.vendor != own.vendor,
                        abs(log(one.memory_gb_per_s / own.memory_gb_per_s)),
                    ),
                )
                entries.records[own.id] = replace(own, kernels=alike.id)

    def _references(self, record: Record) -> list[tuple[str, str, str, Collection[Key]]]:
        """Return the references of a record: the field, the id in it, the kind of entry meant, all ids of that kind."""
        match record:
            case PowerCurve():
                return [("id", record.id, "accelerator", self.accelerators)]
            case Provider():
                return [("seat", record.seat, "place", self.places.places)]
            case RentalOffer() | KernelCurve() | TrainingRun():
                return [("accelerator", record.accelerator, "accelerator", self.accelerators)]
            case Accelerator(kernels=str(kernels), full_power=powered):
                own = [("kernels", kernels, _CURVE, {accelerator for accelerator, _ in self.curves})]
                return own + ([("full_power", powered, "accelerator", self.accelerators)] if powered else [])
            case ModelArchitecture():
                named = [("native_precision", record.native_precision)]
                for checkpoint in record.checkpoints:
                    named.append(("checkpoints.precision", checkpoint.precision))
                    named += [("checkpoints.formats", format) for format in checkpoint.formats.values()]
                    if checkpoint.kv_precision:
                        named.append(("checkpoints.kv_precision", checkpoint.kv_precision))
            case ServingRuntime():
                named = [("quantised_kv", name) for pair in record.quantised_kv.items() for name in pair]
                named += [("kv_formats", name) for name in record.kv_formats]
                named += [("weights", name) for name in record.weights]
            case _:
                named = []
        return [(field, precision, "precision", self.precisions) for field, precision in named]

    # --- names ---

    @cached_property
    def _names_read(self) -> dict[str, Names]:
        return {}

    def _names(self, kind: str) -> Names:
        """Return the names of the entries of a kind, made when they are first asked for."""
        if kind not in self._names_read:
            layers, of_accelerators = self._entries(kind).layers, kind == "accelerator"
            entries = [
                Named(
                    id,
                    (spellings.name, *spellings.aliases),
                    _qualities(self.accelerators[id]) if of_accelerators else "",
                    layers[id],
                )
                for id, spellings in self.spellings(kind).items()
            ]
            noise = {"accelerator": ACCELERATOR_NOISE, "model": MODEL_NOISE}.get(kind, frozenset())
            hint = "a config.json path or a Hugging Face owner/name works too" if kind == "model" else ""
            self._names_read[kind] = Names(kind, entries, noise, hint)
        return self._names_read[kind]

    @cached_property
    def _checkpoints(self) -> Mapping[str, ResolvedModel]:
        """Models by a repository's whole name and by that name without its owner; the first of two stands."""
        known: dict[str, ResolvedModel] = {}
        stored = [(c.repository.casefold(), ResolvedModel(m, c)) for m in self.models.values() for c in m.checkpoints]
        for repository, resolved in stored:
            known.setdefault(repository, resolved)
        for repository, resolved in stored:
            known.setdefault(repository.rpartition("/")[2], resolved)
        return known

    @cached_property
    def _by_checkpoint(self) -> Mapping[str, ModelArchitecture]:
        """Models by the letters of a repository's name without owner and precision; the first of two stands."""
        known: dict[str, ModelArchitecture] = {}
        for model in self.models.values():
            for checkpoint in model.checkpoints:
                known.setdefault(letters_of(read_checkpoint_name(checkpoint.repository).model), model)
        return known

    @cached_property
    def _publishers(self) -> frozenset[str]:
        """The owners of all checkpoints, in lower case."""
        repositories = (
            repository for spellings in self.spellings("model").values() for repository in spellings.repositories
        )
        return frozenset(repository.partition("/")[0].lower() for repository in repositories)


def _qualities(entry: Accelerator) -> str:
    return f"{entry.vendor} {entry.form} {entry.architecture}"


def _is_dense(model: ModelArchitecture) -> bool:
    return not any(isinstance(group.feed_forward, MixtureFeedForward) for group in model.layers)
