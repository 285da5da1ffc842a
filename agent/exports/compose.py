"""A plan's replica as a Docker Compose file, for one machine."""

from collections.abc import Mapping
from typing import Any

from agent.exports import Format
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan

DRIVERS = {"NVIDIA": "nvidia"}
"""By vendor: the driver by which Compose reserves devices."""


def compose_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the file of one replica.

    Raises:
        InputError: the replica spans several machines.
    """
    from agent.deployment.objects import WEIGHTS_FOLDER, opening_of, settings_text, shm_gib, words_in
    from agent.deployment.replica import CONFIG_FILE, replica_of
    from agent.deployment.yaml_text import Noted, yaml_text
    from engine.plan import LaunchFlag

    replica = replica_of(plan, catalog)
    if replica.nodes > 1:
        raise InputError(
            f"a replica of this plan spans {replica.nodes} nodes, and Compose runs on one; export kubernetes"
        )
    served = replica.served
    *program, model = replica.words.program
    options = (
        [LaunchFlag("--extra_llm_api_options", CONFIG_FILE, "what has no flag of its own")] if replica.options else []
    )
    flags = [flag for flag in replica.flags if flag.value != "trtllm.yaml"]
    words: list[Any] = [*map(_escaped, program), _escaped(model)]
    for flag in (*flags, *options):
        words.append(Noted(_escaped(flag.flag), flag.why))
        words += map(_escaped, words_in(flag.value))
    weights: dict[str, Any] = {"weights": {}}
    one: dict[str, Any] = {
        "image": Noted(f"{served.image}:${{IMAGE_TAG:?}}", f"INPUT: IMAGE_TAG, the tag of {replica.runtime_shown}"),
        "entrypoint": [],
        "command": words,
        "ports": [f"{served.port}:{served.port}"],
        "environment": {
            "HF_HOME": WEIGHTS_FOLDER,
            "HF_TOKEN": Noted("${HF_TOKEN:-}", "INPUT: your Hugging Face token, for gated models"),
        },
        "shm_size": f"{shm_gib(replica)}g",
        "volumes": [f"weights:{WEIGHTS_FOLDER}"],
        "stop_grace_period": f"{max(30, round(plan.performance.at_peak.e2e_s.p99) + 1)}s",
        "healthcheck": {
            "test": ["CMD", "curl", "--fail", "--silent", f"http://localhost:{served.port}{served.health}"],
            "interval": "10s",
            "start_period": Noted(f"{replica.longest_start_s:.0f}s", replica.start_why),
        },
    }
    accelerator = catalog.accelerator(plan.chosen.accelerator)
    if driver := DRIVERS.get(accelerator.vendor):
        device = {"driver": driver, "count": replica.accelerators, "capabilities": ["gpu"]}
        one["deploy"] = {"resources": {"reservations": {"devices": [device]}}}
    tree: dict[str, Any] = {"name": replica.name, "services": {served.id: one}, "volumes": weights}
    if replica.options:
        one["configs"] = [{"source": "settings", "target": CONFIG_FILE}]
        tree["configs"] = {"settings": {"content": _escaped(settings_text(replica))}}
    return {"compose.yaml": yaml_text([tree], opening_of(replica, "One replica"))}


def _escaped(word: str) -> str:
    """Return a word in which Compose puts no variable."""
    return word.replace("$", "$$")


FORMAT = Format((), "the Compose file", compose_files, ("docker.compose", "docker", "compose"))
