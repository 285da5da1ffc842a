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
from catalogs.records.accelerators import Accelerator
from catalogs.records.serving import DevicePlugin, Drain, Image, ServedRuntime
from catalogs.records.versions import is_older
from catalogs.units import show_seconds
from engine.plan import CapacityPlan, LaunchFlag
from engine.planning.launch import CONFIG_FILE as SETTINGS

CONFIG_FILE: Final = "/etc/fleetcast/trtllm.yaml"
"""Where a pod finds the runtime's file of settings."""
NAMESPACE: Final = "llm"
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
    accelerator: Accelerator
    plugin: DevicePlugin | None
    """None where no cluster's name for the device is known."""
    needs: str
    """What must be installed there instead of the usual package, or beside it."""
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
    def scale_target(self) -> dict[str, str]:
        """That object as autoscalers name it."""
        return {"apiVersion": self.api_version, "kind": self.kind, "name": self.name}

    @property
    def starts_by_ray(self) -> bool:
        """Whether several nodes are made one by Ray."""
        since = self.served.starts_itself_since
        return self.nodes > 1 and since is not None and bool(self.version) and is_older(self.version, since)

    @property
    def start_s(self) -> float:
        """From a container's start to a replica that is ready, seconds: weights, warm-up and readiness."""
        return start_s(self.plan)

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

    @cached_property
    def container(self) -> Image | None:
        """The runtime's container image for the accelerator; None where none is known."""
        return self.served.image_for(self.accelerator)

    @property
    def repository(self) -> str:
        """Of that image, an input where none is known."""
        return self.container.repository if self.container else "INPUT-IMAGE"

    @property
    def image(self) -> str:
        """With a tag that is an input."""
        return f"{self.repository}:{IMAGE_TAG}"

    @property
    def tag_why(self) -> str:
        """What is to be filled in there."""
        if self.container is None:
            build = self.needs.partition(",")[0] or self.runtime_shown
            return f"INPUT: an image with {build} for {self.accelerator.name}: none is known"
        more = f"; {self.container.tag}" if self.container.tag else ""
        return f"INPUT: the tag of {self.runtime_shown}{more}"

    @property
    def runtime_shown(self) -> str:
        """Name and version of the runtime."""
        return f"{self.served.name} {self.version}".strip()

    @property
    def drains_by(self) -> Drain:
        """How answers in flight end before the replica does."""
        return self.served.drains_by(self.version)

    @property
    def answer_s(self) -> int:
        """Within which 99 of 100 answers in flight at the peak end, seconds."""
        return longest_answer_s(self.plan)

    @cached_property
    def options(self) -> tuple[LaunchFlag, ...]:
        """Lines of the runtime's file of settings."""
        return options_of(self.plan, self.served)

    @cached_property
    def flags(self) -> tuple[LaunchFlag, ...]:
        """All flags with which it is started."""
        return started_with(self.words, self.plan, self.served, CONFIG_FILE)


def start_s(plan: CapacityPlan) -> float:
    """Return the seconds from a container's start to a replica that is ready: weights, warm-up and readiness."""
    parts = plan.autoscaling.reaction_parts_s
    return sum(parts.get(part, 0.0) for part in ("weights", "warm_up", "ready"))


def longest_answer_s(plan: CapacityPlan) -> int:
    """Return within which 99 of 100 answers at the peak end, whole seconds."""
    return ceil(plan.performance.at_peak.e2e_s.p99)


def options_of(plan: CapacityPlan, served: ServedRuntime) -> tuple[LaunchFlag, ...]:
    """Return the lines of a runtime's file of settings: the plan's, and those without which it has no metrics."""
    told = (LaunchFlag(name, value, "else it has no metrics") for name, value in served.options.items())
    return (*plan.chosen.options, *told)


def started_with(words: Words, plan: CapacityPlan, served: ServedRuntime, settings: str) -> tuple[LaunchFlag, ...]:
    """Return all flags of a replica: the plan's, those by which it is reached, watched and drained, its settings.

    Args:
        served: its runtime.
        settings: where it finds its file of settings.
    """
    named = next((flag.flag for flag in words.flags if flag.value == SETTINGS), "--extra_llm_api_options")
    own = (flag for flag in words.flags if flag.value != SETTINGS)
    file = [LaunchFlag(named, settings, "what has no flag of its own")] if options_of(plan, served) else ()
    version = plan.chosen.runtime_version
    return (*own, *_flags_to_be_served(plan, served), *bucket_flags(plan, served, version), *file)


def _flags_to_be_served(plan: CapacityPlan, served: ServedRuntime) -> Iterator[LaunchFlag]:
    listen = served.listen.format(port=served.port).split()
    for flag, value in zip(listen[::2], listen[1::2], strict=True):
        why = (
            "the port of Service and probes" if value.isdecimal() else "answer probes and clients, not this host alone"
        )
        yield LaunchFlag(flag, value, why)
    if served.metrics_flags:
        yield LaunchFlag(served.metrics_flags, "", "else it has no metrics")
    if served.ranks_flag and (ranks := plan.chosen.data_parallel) > 1:
        yield LaunchFlag(served.ranks_flag, "", f"else one of {ranks} data-parallel ranks is counted")
    if served.drains_by(plan.chosen.runtime_version) == "flag":
        answer = longest_answer_s(plan)
        why = f"p99 of a whole answer is {show_seconds(plan.performance.at_peak.e2e_s.p99)}; else SIGTERM aborts them"
        yield LaunchFlag(served.drain_flag, str(answer), why)


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
    plugin = next((one for one in catalog.device_plugins.values() if one.devices.holds(accelerator)), None)
    if plugin and not plugin.resource:
        raise InputError(
            f"no container reaches the GPU of {accelerator.name}; export command, which starts {served.name} there"
        )
    platform = catalog.runtimes[chosen.runtime].platform_of(accelerator)
    needs = platform.needs if platform else ""
    replica = Replica(plan, served, accelerator, plugin, needs, per_node, words_of(plan, catalog))
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
