"""One replica of a plan as it is started in a cluster: its words, flags with their reasons, nodes, devices, seconds."""

import re
import shlex
from collections.abc import Iterator
from functools import cached_property
from math import ceil
from typing import Final

from msgspec import Struct

from agent.deployment.buckets import bucket_flags
from catalogs.catalog import Catalog
from catalogs.errors import InputError, quoted
from catalogs.records.serving import DevicePlugin, ServedRuntime
from catalogs.records.versions import is_older
from catalogs.units import show_seconds
from engine.plan import CapacityPlan, LaunchFlag

CONFIG_FILE: Final = "/etc/fleetcast/trtllm.yaml"
"""Where a pod finds the runtime's file of settings."""
NAMESPACE: Final = "llm"
RAY: Final = "ray"
LOAD_MARGIN: Final = 2.0
"""Times the reckoned start-up that a startup probe allows: storage is shared, and a first start compiles too."""
SHORTEST_STARTUP_S: Final = 300.0
SHM_GIB: Final = 2
"""Shared memory by accelerator, GiB: vLLM's docs/deployment/k8s.md has 2Gi for one, LWS' example of vLLM 15Gi for 8."""
NAME_LENGTH: Final = 40
"""Letters of an object's name: what controllers append must fit within Kubernetes' 63."""


class Words(Struct, frozen=True):
    """A command as a list of words."""

    program: tuple[str, ...]
    """With the model at its end."""
    flags: tuple[LaunchFlag, ...]


class Replica(Struct, frozen=True, dict=True):
    """A replica as it is deployed."""

    plan: CapacityPlan
    served: ServedRuntime
    plugin: DevicePlugin | None
    """None where no cluster's name for the device is known."""
    per_node: int
    """Accelerators of a node that a replica uses, at most."""
    words: Words

    @property
    def version(self) -> str:
        """Of the runtime that the plan rests on; empty for the newest."""
        return self.plan.chosen.runtime_version

    @property
    def model(self) -> str:
        """The model as the runtime is told to load it, and as its metrics call it."""
        return self.words.program[-1]

    @property
    def accelerators(self) -> int:
        """Of the whole replica."""
        return self.plan.chosen.accelerators_per_replica

    @property
    def nodes(self) -> int:
        """Pods of a replica."""
        return ceil(self.accelerators / self.per_node)

    @property
    def accelerators_per_pod(self) -> int:
        """What a pod requests."""
        return ceil(self.accelerators / self.nodes)

    @property
    def ranks(self) -> int:
        """Of data parallelism, each with metrics of its own."""
        return self.plan.chosen.data_parallel

    @cached_property
    def name(self) -> str:
        """The name of the plan's objects, as Kubernetes takes it: 'llama-3-1-70b'."""
        letters = re.sub(r"[^a-z0-9]+", "-", self.plan.chosen.model.lower()).strip("-")[:NAME_LENGTH].strip("-")
        return letters if letters[:1].isalpha() else f"model-{letters}".strip("-")

    @property
    def kind(self) -> str:
        """The kind of object that holds the replicas."""
        return "Deployment" if self.nodes == 1 else "LeaderWorkerSet"

    @property
    def api_version(self) -> str:
        """Of that kind."""
        return "apps/v1" if self.nodes == 1 else "leaderworkerset.x-k8s.io/v1"

    @property
    def starts_by_ray(self) -> bool:
        """Whether several nodes are made one by Ray."""
        since = self.served.starts_itself_since
        return self.nodes > 1 and since is not None and bool(self.version) and is_older(self.version, since)

    @property
    def start_s(self) -> float:
        """From a container's start to a replica that is ready, seconds: weights, warm-up and readiness."""
        parts = self.plan.autoscaling.reaction_parts_s
        return sum(parts.get(part, 0.0) for part in ("weights", "warm_up", "ready"))

    @property
    def start_why(self) -> str:
        """That in words."""
        parts = self.plan.autoscaling.reaction_parts_s
        named = {"weights": "weights", "warm_up": "compilation and graph capture", "ready": "readiness"}
        said = " + ".join(f"{name} {show_seconds(parts.get(part, 0.0))}" for part, name in named.items())
        return f"{said} = {show_seconds(self.start_s)}"

    @property
    def longest_start_s(self) -> float:
        """For which a startup probe waits, seconds."""
        return max(LOAD_MARGIN * self.start_s, SHORTEST_STARTUP_S)

    @property
    def image(self) -> str:
        """With a tag that is an input."""
        return f"{self.served.image}:{IMAGE_TAG}"

    @property
    def runtime_shown(self) -> str:
        """Name and version of the runtime."""
        return f"{self.served.name} {self.version}".strip()

    @cached_property
    def options(self) -> tuple[LaunchFlag, ...]:
        """Lines of the runtime's file of settings."""
        told = (LaunchFlag(name, value, "else it has no metrics") for name, value in self.served.options.items())
        return (*self.plan.chosen.options, *told)

    @cached_property
    def flags(self) -> tuple[LaunchFlag, ...]:
        """All flags: the plan's, those by which it is reached and watched, and the targets as buckets."""
        return (*self.words.flags, *self._flags_to_be_reached(), *bucket_flags(self.plan, self.served, self.version))

    def _flags_to_be_reached(self) -> Iterator[LaunchFlag]:
        served = self.served
        listen = served.listen.format(port=served.port).split()
        for flag, value in zip(listen[::2], listen[1::2], strict=True):
            why = (
                "the port of Service and probes"
                if value.isdecimal()
                else "answer probes and clients, not this host alone"
            )
            yield LaunchFlag(flag, value, why)
        if served.metrics_flags:
            yield LaunchFlag(served.metrics_flags, "", "else it has no metrics")
        if served.ranks_flag and self.ranks > 1:
            yield LaunchFlag(served.ranks_flag, "", f"else one of {self.ranks} data-parallel ranks is counted")


IMAGE_TAG: Final = "INPUT-IMAGE-TAG"


def replica_of(plan: CapacityPlan, catalog: Catalog) -> Replica:
    """Return the replica that a plan deploys.

    Raises:
        InputError: its runtime has no such deployment, or its command is not one of its runtime.
    """
    chosen = plan.chosen
    served = catalog.serving.get(chosen.runtime)
    if served is None or chosen.runtime not in catalog.runtimes:
        known = ", ".join(catalog.serving)
        raise InputError(f"how {quoted(chosen.runtime)} is deployed is not known here; plans of {known} are exported")
    accelerator = catalog.accelerators.get(chosen.accelerator)
    if accelerator is None:
        raise InputError(f"the catalog has no accelerator {quoted(chosen.accelerator)}")
    per_node = plan.spec.hardware.accelerators_per_node or accelerator.per_node
    plugin = next((one for one in catalog.device_plugins.values() if one.vendor == accelerator.vendor), None)
    replica = Replica(plan, served, plugin, per_node, words_of(plan, catalog))
    if replica.nodes > 1 and served.one_node:
        raise InputError(
            f"{served.name} starts a replica of {replica.nodes} nodes by a launcher of its own ({chosen.needs}); "
            "plans whose replica is one node are exported"
        )
    return replica


def words_of(plan: CapacityPlan, catalog: Catalog) -> Words:
    """Return the command of a plan as words: its program is taken from the catalog, never from the plan.

    Raises:
        InputError: the plan has no command, or one that does not begin as its runtime's do.
    """
    from engine.planning.launch import program_of

    chosen = plan.chosen
    if not chosen.command:
        raise InputError("this plan has no command: its runtime does not run there, or has none")
    runtime = catalog.runtimes.get(chosen.runtime)
    if runtime is None:
        raise InputError(f"the catalog has no runtime {quoted(chosen.runtime)}")
    try:
        words = shlex.split(chosen.command)
    except ValueError:
        words = []
    program = program_of(runtime).split()
    at = next((i for i in range(2) if words[i : i + len(program)] == program), None)
    before = words[:at] if at else []
    if at is None or before not in ([], ["trtllm-llmapi-launch"]) or len(words) <= at + len(program):
        raise InputError(f"the command of this plan is not one of {runtime.name}: {quoted(chosen.command)}")
    rest = words[at + len(program) :]
    first = 2 if rest[0] in ("-m", "-hf") else 1  # llama.cpp names its model behind a flag
    if rest[first - 1].startswith("-"):
        raise InputError(f"the command of this plan names no model: {quoted(chosen.command)}")
    return Words((*before, *program, *rest[:first]), chosen.flags)
