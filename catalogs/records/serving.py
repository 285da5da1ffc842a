"""How a serving runtime is deployed and watched: image, ports, probes, metrics; and what a cluster calls a device."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field

from catalogs.records.accelerators import Accelerator, Held
from catalogs.records.facts import Fact, Identifier, Positive, PositiveInt, Record
from catalogs.records.versions import VERSION, is_older

Role = Literal[
    "running",
    "waiting",
    "kv_cache_usage",
    "ttft",
    "itl",
    "e2e",
    "requests",
    "preemptions",
    "prompt_tokens",
    "generation_tokens",
]
"""What a metric is to a plan: requests running and waiting, the KV pool's share in use, latencies, counters."""
Family = Literal["ttft", "itl", "e2e"]
"""Latencies whose histograms have buckets of their own."""


class Metric(Record):
    """A metric of a serving runtime, in the versions that emit it without being asked."""

    name: str
    """As it is scraped; a histogram without _bucket, _sum and _count."""
    kind: Literal["gauge", "counter", "histogram", "info"]
    role: Role | None = None
    """Of several with a role, the first that a version has is used."""
    labels: tuple[str, ...] = ()
    """Beside those of every metric."""
    since: Annotated[str, Meta(pattern=VERSION)] | None = None
    before: Annotated[str, Meta(pattern=VERSION)] | None = None
    """The first version that does not emit it."""
    instead: str = ""
    """What to use where it is gone."""
    note: str = ""

    def in_version(self, version: str) -> bool:
        """Return whether a version emits it; an empty version is the newest."""
        if not version:
            return self.before is None
        young = self.since is not None and is_older(version, self.since)
        return not young and (self.before is None or is_older(version, self.before))

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which its series are stored."""
        ends = ("_bucket", "_sum", "_count") if self.kind == "histogram" else ("",)
        return tuple(self.name + end for end in ends)


class BucketFlag(Record):
    """The flag that sets the buckets of a histogram."""

    flag: str
    family: str = ""
    """What the flag calls the histogram in a JSON object of several; empty where the flag is that of one alone, which
    the bounds follow as words."""
    since: Annotated[str, Meta(pattern=VERSION)] | None = None


class Image(Held):
    """A runtime's container image for some accelerators."""

    repository: str
    """Without a tag."""
    tag: str = ""
    """What is to be known of its tags: 'one for ROCm and the card, as v0.5.11-rocm700-mi35x'."""

    def names(self, repository: str) -> bool:
        """Return whether it is a repository, whatever stands in the places that are left open in its own."""
        begins, left_open, _ = self.repository.partition("INPUT-")
        return repository.startswith(begins) if left_open else repository == begins


Drain = Literal["itself", "flag", "hook"]
"""How answers in flight end before a replica does: it waits by itself, by a flag, or a hook before SIGTERM must."""


class ServedRuntime(Fact):
    """How a serving runtime is deployed and what it says of itself; the id is the runtime's."""

    images: tuple[Image, ...]
    """Of several that hold an accelerator, the first."""
    port: PositiveInt
    health: str
    """Path that answers when the model is loaded."""
    metrics_path: str
    listen: str
    """Flags with which it answers others than its own host; {port} stands for the port."""
    metrics_flags: str = ""
    """Flags without which it emits no metrics."""
    drains_itself: bool = False
    """At SIGTERM it waits for what is in flight."""
    drain_flag: str = ""
    """The flag, in seconds, without which it aborts what is in flight at SIGTERM."""
    drain_flag_since: Annotated[str, Meta(pattern=VERSION)] | None = None
    ranks_flag: str = ""
    """The flag without which only one rank of data parallelism is counted."""
    options: dict[str, str] = field(default_factory=dict)
    """Lines of its file of settings without which it emits no metrics."""
    headless: str = ""
    """The flag of those nodes of a replica that answer nobody."""
    leader_start: str = ""
    """A shell command before its own on the first of several nodes, in versions before ``starts_itself_since``."""
    worker_start: str = ""
    """Instead of its own on the others."""
    starts_itself_since: Annotated[str, Meta(pattern=VERSION)] | None = None
    one_node: bool = False
    """Several nodes are started by a launcher of their own, so that no pod can start them."""
    model_label: str = ""
    """The label whose value is the model; empty where none is."""
    model_label_since: Annotated[str, Meta(pattern=VERSION)] | None = None
    rank_label: str = ""
    """The label that tells ranks of data parallelism apart."""
    tensor_ranks: bool = False
    """Ranks of tensor parallelism repeat what their rank of data parallelism says, where all are asked to speak."""
    labels: tuple[str, ...] = ()
    """Of every metric."""
    other_prefixes: dict[str, str] = field(default_factory=dict)
    """By the prefix of its names: another under which a gateway or a wrapper emits the same."""
    tolerates_prefix: str = ""
    """Of those, the one that queries must find too."""
    buckets: dict[Family, tuple[Positive, ...]]
    """Bounds of the histograms, seconds."""
    bucket_flags: dict[Family, BucketFlag] = field(default_factory=dict)
    metrics: tuple[Metric, ...]

    def metric(self, role: Role, version: str) -> Metric | None:
        """Return the metric with a role in a version; None where it has none."""
        return next((one for one in self.metrics if one.role == role and one.in_version(version)), None)

    def image_for(self, accelerator: Accelerator) -> Image | None:
        """Return the container image for an accelerator; None where none is published."""
        return next((one for one in self.images if one.holds(accelerator)), None)

    def images_called(self, repository: str) -> list[Image]:
        """Return its images that are a repository."""
        return [one for one in self.images if one.names(repository)]

    def drains_by(self, version: str) -> Drain:
        """Return how a version ends what is in flight when it is told to end; an empty version is the newest."""
        since = self.drain_flag_since
        if self.drains_itself:
            return "itself"
        return "flag" if self.drain_flag and not (since and version and is_older(version, since)) else "hook"

    def called(self, series: str) -> Iterator[Metric]:
        """Yield the metrics, of any version, that are stored under a name."""
        yield from (one for one in self.metrics if series in one.series)

    def model_label_in(self, version: str) -> str:
        """Return the label with the model's name in a version; empty where it has none."""
        since = self.model_label_since
        return "" if since and version and is_older(version, since) else self.model_label

    def bucket_flag(self, family: Family, version: str) -> BucketFlag | None:
        """Return the flag that sets a histogram's buckets in a version."""
        flag = self.bucket_flags.get(family)
        return None if flag is None or (flag.since and version and is_older(version, flag.since)) else flag


class DevicePlugin(Fact):
    """How containers get some accelerators: from Kubernetes, and from Compose."""

    devices: Held
    resource: str = ""
    """That a pod requests; empty of those that no container reaches."""
    label: str = ""
    """Of nodes, whose value is the product; empty where no plugin sets one."""
    products: dict[Identifier, str] = field(default_factory=dict)
    """Values of the label by accelerator."""
    topology_label: str = ""
    """Of nodes, whose value is how the accelerators of a pod are wired."""
    topologies: dict[Identifier, dict[str, str]] = field(default_factory=dict)
    """Values of that label by accelerator and by how many a pod has."""
    driver: str = ""
    """By which Compose reserves devices."""
    compose: dict[str, str | bool | tuple[str, ...]] = field(default_factory=dict)
    """What a service has beside the usual; what holds {index} is written for each accelerator."""
    environment: dict[str, str] = field(default_factory=dict)
    """Of such a service."""
