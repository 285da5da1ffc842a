"""Serving runtimes: scheduler, platforms, overheads."""

from itertools import pairwise
from typing import Annotated, Any, Literal

from msgspec import Meta, field, to_builtins
from msgspec.structs import replace

from catalogs.errors import InputError, quoted
from catalogs.records.accelerators import Accelerator, Held
from catalogs.records.facts import Fact, Identifier, NonNegative, NonNegativeInt, Positive, PositiveInt, Record
from catalogs.records.flags import Flags
from catalogs.records.runtime_memory import (
    Communicators,
    DeviceLimits,
    ExpertPadding,
    PoolShares,
    PoolSpread,
    Profile,
    StepReserve,
)
from catalogs.records.validation import InvalidValues, record_of
from catalogs.records.versions import VERSION, EarlierVersions, is_older, merged, numbers_of


class AnswerReserve(Record):
    """Admission by what running requests may yet ask for: the rest of their client's most tokens, a share of it each.

    The share falls with every decoding step; where KV runs short all the same it becomes what those who stay have
    used of theirs, and with nothing to do it begins anew.
    """

    share: Annotated[float, Meta(gt=0, le=1)]
    """At the start."""
    least_share: Annotated[float, Meta(gt=0, le=1)]
    fall_steps: PositiveInt
    """Decoding steps within which it falls from the one to the other."""
    most_tokens: PositiveInt
    """Longer answers are reserved as this many tokens."""
    spare_tokens: NonNegativeInt = 0
    """Further tokens that must be free for who is admitted."""
    steps_ahead: NonNegativeInt
    """Decoding steps of those who stay for which the share provides after KV ran short."""
    fixed_whole: bool = False
    """Answers of clients that ignore the end of a sequence are reserved whole."""
    seated_until_decoding: bool = False
    """Who ended counts among those who run until the next decoding step, where steps overlap."""
    foresees_ends: bool = False
    """Who reaches what it asked for is not decoded once more while its end is not known yet; others are."""
    source: str


class Scheduler(Record):
    """How a serving runtime composes its steps: what a replica's queue and tails depend on."""

    token_budget: PositiveInt
    """Tokens that one step may carry."""
    max_sequences: PositiveInt
    """Requests that may run together."""
    mixed: bool
    """Prompts and decoding share a step; else prompts run in steps of their own."""
    chunked: bool
    """A prompt may be split over steps."""
    reserve_output: bool = False
    """Admits a request only when the KV for its whole answer is free (no preemption)."""
    reserve_asked: bool = False
    """What is set aside for an answer is what its client asks for (max_tokens), however long it comes out."""
    admit_whole_prompt: bool = False
    """Admits a request only when the KV of all its tokens so far is free, not that of its next chunk alone."""
    answer_reserve: AnswerReserve | None = None
    """Admits a request only when its prompt, its answer and a share of what runs may ask for are free; who has the
    shortest answer so far is preempted first and goes to the end of the line."""
    prefix_cache: bool = False
    """KV blocks that were given back can be found until others take them, by whom was preempted and by those whose
    prompts begin alike, which hold them once."""
    one_step_later: bool = False
    """An arrival can be scheduled one step later than the next: steps are scheduled while the one before runs."""
    release_one_step_later: bool = False
    """A request that ends keeps its seat and KV for one more scheduling, for the same reason."""
    poll_steps: PositiveInt = 1
    """Looks for arrivals only every so many decoding steps."""
    batch_wait_steps: NonNegativeInt = 0
    """Holds prompts back for up to so many decoding steps, to run more of them together."""
    prompts_per_step: PositiveInt | None = None
    """Most prompts in one step; null: as many as the token budget holds."""


class Platform(Held):
    """Accelerators that a serving runtime runs on, and what that takes."""

    needs: str = ""
    """What must be installed instead of the usual package, or beside it: 'the ROCm build of vLLM'."""
    without: tuple[str, ...] = ()
    """Flags of its command that say nothing there."""


class WeightOnly(Held):
    """Formats that a serving runtime widens to 16 bit before each product, where a card has no unit for them."""

    precisions: tuple[Identifier, ...]
    except_architectures: tuple[str, ...] = ()
    source: str


class ExpertKernel(Held):
    """The measured products that a runtime takes for experts in a format, where several were timed."""

    precision: Identifier
    static_scales: bool = False
    """Only of checkpoints that bring the scales of activations, one for each tensor."""
    curve: str
    """As a kernel curve's ``mixture`` calls it."""
    source: str


class TopPCost(Held):
    """What sampling with top-p, with or without top-k, takes beyond greedy sampling."""

    kernel: str
    """What finds the tokens that are kept."""
    ns_per_entry: NonNegative
    """For each decoding sequence and entry of its vocabulary, ns."""
    source: str


class UnknownModels(Record):
    """Models whose architecture is not among those that a runtime knows, by the beginnings of their ids."""

    models: Annotated[tuple[Identifier, ...], Meta(min_length=1)]
    source: str


class ServingRuntime(Fact):
    """A serving runtime: its scheduler and what it costs beside the kernels."""

    framework: Literal["vllm", "sglang", "trtllm"]
    """Whose kernels it runs, as far as measurements go."""
    splits_layers: bool = False
    """Spreads a model over accelerators by layers unless told otherwise (pipeline, not tensor parallelism)."""
    # Constants that a fitted entry replaces; `Constants` says what each is. The first three have no usual value: a
    # runtime that left one out would be planned as if it cost nothing.
    step_overhead_us: NonNegative
    layer_overhead_us: NonNegative
    ttft_overhead_ms: NonNegative
    mixture_layer_overhead_us: NonNegative = 0.0
    sparse_layer_overhead_us: NonNegative = 0.0
    prompt_layer_overhead_us: NonNegative = 0.0
    mixture_prompt_layer_overhead_us: NonNegative = 0.0
    latent_prompt_layer_overhead_us: NonNegative = 0.0
    all_reduce_overhead_us: NonNegative = 0.0
    all_reduce_factor: Positive = 1.0
    sliding_windows: bool = True
    """Keeps and reads no more of a sliding layer than its window; else it runs as full attention."""
    memory_utilisation: Annotated[float, Meta(gt=0, le=1)]
    """Share of the accelerator's memory that it takes, or of what weights and activations leave free."""
    utilises_free_memory: bool = False
    """The share is of what they leave free."""
    runtime_gib: NonNegative
    """Per accelerator, GiB, whatever the model: context, libraries, what the driver keeps."""
    graph_layer_gib: NonNegative = 0.0
    """Captured graphs per layer that an accelerator holds, GiB, where they count before the KV cache is sized."""
    communicators: tuple[Communicators, ...] = ()
    """The first that holds of an accelerator is what it holds where tensor parallelism spans several."""
    profile: Profile | None = None
    """Null: its share of memory is of weights and KV cache alone, and steps run in what it leaves."""
    device_limits: tuple[DeviceLimits, ...] = ()
    """The first that holds of an accelerator goes before its scheduler's limits; by ascending memory."""
    step_reserve: StepReserve | None = None
    """Null: its share of memory is the same on every device."""
    pool_shares: PoolShares | None = None
    """Null: all that a request holds comes out of one pool."""
    pool_spread: tuple[PoolSpread, ...] = ()
    """The first that names an accelerator's architecture holds."""
    kv_block_tokens: PositiveInt = 16
    quantised_kv: dict[str, Identifier] = field(default_factory=dict)
    """KV precision that it uses by default for a weight precision, where that is not 16 bit."""
    kv_formats: dict[Identifier, str] = field(default_factory=dict)
    """What it calls each precision in which it keeps a KV cache; empty where that is left open."""
    kv_architectures: dict[Identifier, tuple[str, ...]] = field(default_factory=dict)
    """Architectures whose kernels read a precision of the KV cache, where not all do."""
    weights: tuple[Identifier, ...] = ()
    """Precisions of weights that it loads; empty where that is left open."""
    plugins: dict[Identifier, str] = field(default_factory=dict)
    """What must be installed besides to load a precision of weights."""
    lacks: tuple[UnknownModels, ...] = ()
    """Models that it cannot run."""
    scheduler: Scheduler
    fitted_on: str = ""
    """What the overheads were fitted on, and the residual."""
    online: dict[Identifier, str] = field(default_factory=dict)
    """Weight precisions that it makes of a 16-bit checkpoint as it loads, and what its flag calls them."""
    loads_whole: bool = False
    """It holds all of that checkpoint before it quantises."""
    sums_in_half: bool = False
    """Products of 16 bit are summed up in 16 bit, not 32."""
    expert_kernels: tuple[ExpertKernel, ...] = ()
    top_p: tuple[TopPCost, ...] = ()
    """The first that names an accelerator's vendor holds; empty where nobody measured it."""
    expert_padding: tuple[ExpertPadding, ...] = ()
    """The first that names an accelerator's architecture holds."""
    weight_only: tuple[WeightOnly, ...] = ()
    """What it runs without a unit."""
    platforms: tuple[Platform, ...] = ()
    """What it runs on; empty where it has no command of its own, which is then left open."""
    flags: Flags = Flags()
    """Of its command."""
    newest_version: Annotated[str, Meta(pattern=VERSION)] | None = None
    """Of those that are known, whose facts an entry states; null where versions are not told apart."""
    oldest_version: Annotated[str, Meta(pattern=VERSION)] | None = None
    versions: tuple[EarlierVersions, ...] = ()
    """What was otherwise before, newest first: what an older version says goes before what a newer one says."""
    version: str = ""
    """Of which these facts are, as ``at`` sets it; not for catalog files."""

    def __post_init__(self) -> None:
        if self.version:  # its entry was looked through
            return
        newest, oldest = self.newest_version, self.oldest_version
        if newest is None or oldest is None:
            if newest or oldest or self.versions:
                raise ValueError("state both newest_version and oldest_version, or neither and no versions")
            return
        for newer, older in pairwise((newest, *(one.before for one in self.versions), oldest)):
            if numbers_of(newer) < numbers_of(older):
                raise ValueError(f"versions stand newest first, but {older} comes after {newer}")
        for age, one in enumerate(self.versions, 1):
            try:
                self._before(age)
            except InvalidValues as error:
                raise ValueError(f"what differs before {one.before} is not valid: {error}") from error

    def _before(self, age: int, version: str = "") -> "ServingRuntime":
        """Return the record of a version before the first ``age`` of ``versions``; it knows of no other."""
        fields: dict[str, Any] = to_builtins(self)
        for one in self.versions[:age]:
            fields = merged(fields, one.differs)
        alone = {"newest_version": None, "oldest_version": None, "versions": (), "version": version}
        return record_of(ServingRuntime, fields | alone)

    def at(self, version: str = "") -> "ServingRuntime":
        """Return the runtime as it is in a version.

        Args:
            version: '0.11', '0.11.2'; empty for the newest that is known, which also stands for newer ones.

        Raises:
            InputError: it is older than the oldest that is known, or versions of this runtime are not told apart.
        """
        newest, oldest = self.newest_version, self.oldest_version
        if newest is None or oldest is None:
            if version:
                raise InputError(f"versions of {self.name} are not told apart here; leave {quoted(version)} out")
            return self
        if not version or is_older(newest, version):
            version = newest
        if is_older(version, oldest):
            raise InputError(
                f"{self.name} {version} is older than the oldest version that is known here; "
                f"{oldest} to {newest} are, like {self.id}@{newest}"
            )
        if version == self.version:
            return self
        age = sum(is_older(version, one.before) for one in self.versions)
        return self._before(age, version) if age else replace(self, version=version)

    @property
    def release(self) -> str:
        """Its name with its version: 'vLLM 0.11'."""
        return f"{self.name} {self.version}".strip()

    def platform_of(self, accelerator: Accelerator) -> Platform | None:
        """Return the platform of an accelerator; None where the runtime is not known to run on it."""
        return next((platform for platform in self.platforms if platform.holds(accelerator)), None)

    def runs(self, model: str) -> bool:
        """Return whether a model is not among those that it is known to lack."""
        return not any(model.startswith(one.models) for one in self.lacks)

    def expert_units(self, precision: str, accelerator: Accelerator) -> tuple[int, int]:
        """Return the multiples to which experts are filled up: of the hidden width, and of a shard of their own."""
        for one in self.expert_padding:
            if precision == one.precision and one.holds(accelerator):
                return one.hidden, one.intermediate
        return 1, 1

    def communicator_gib(self, accelerator: Accelerator) -> float:
        """Return what tensor parallelism holds on an accelerator for communication, GiB."""
        for one in self.communicators:
            if accelerator.link.kind.startswith(one.link) and one.holds(accelerator):
                return one.gib
        return 0.0

    def limits_on(self, accelerator: Accelerator) -> DeviceLimits | None:
        """Return the limits of a step on an accelerator, where they depend on its memory."""
        return next((one for one in self.device_limits if one.holds(accelerator)), None)

    def scheduler_on(self, accelerator: Accelerator) -> Scheduler:
        """Return its scheduler with the limits that it has by default on an accelerator."""
        limits = self.limits_on(accelerator)
        if limits is None:
            return self.scheduler
        sequences = limits.max_sequences or self.scheduler.max_sequences
        return replace(self.scheduler, token_budget=limits.token_budget, max_sequences=sequences)

    def started_with(self, scheduler: Scheduler) -> "ServingRuntime":
        """Return the runtime with a scheduler whose requests at most hold on every device.

        The tokens of a step that a device has by default stay: the share of memory follows from them.
        """
        limits = [replace(one, max_sequences=scheduler.max_sequences) for one in self.device_limits]
        return replace(self, scheduler=scheduler, device_limits=tuple(limits))

    def spread_on(self, accelerator: Accelerator) -> PoolSpread | None:
        """Return how far measured KV pools lay from computed ones on such accelerators; None where nobody knows."""
        return next((one for one in self.pool_spread if one.holds(accelerator)), None)

    def top_p_on(self, accelerator: Accelerator) -> TopPCost | None:
        """Return what sampling with top-p takes on an accelerator; None where nobody measured it."""
        return next((one for one in self.top_p if one.holds(accelerator)), None)

    def expert_kernel(self, precision: str, accelerator: Accelerator, *, static_scales: bool = False) -> str:
        """Return the measured products that it takes for experts in a format; empty where none is stated."""
        for one in self.expert_kernels:
            if one.precision == precision and one.holds(accelerator) and one.static_scales <= static_scales:
                return one.curve
        return ""

    def widens(self, precision: str, accelerator: Accelerator) -> bool:
        """Return whether it runs a format weight-only, in 16 bit, on an accelerator without a unit for it."""
        return any(
            precision in one.precisions
            and one.holds(accelerator)
            and accelerator.architecture not in one.except_architectures
            for one in self.weight_only
        )
