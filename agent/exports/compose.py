"""A plan's replica as a Docker Compose file, for one machine."""

from collections.abc import Mapping
from typing import Any

from agent.deployment.objects import EXIT_S, LEAST_GRACE_S, WEIGHTS_FOLDER, opening_of, settings_text, shm_gib, words_in
from agent.deployment.replica import CONFIG_FILE, replica_of
from agent.deployment.yaml_text import Noted, yaml_text
from agent.exports import Format
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan


def compose_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the file of one replica.

    Raises:
        InputError: the replica spans several machines.
    """
    replica = replica_of(plan, catalog)
    if replica.nodes > 1:
        raise InputError(
            f"a replica of this plan spans {replica.nodes} nodes, and Compose runs on one; export kubernetes"
        )
    served = replica.served
    *program, model = replica.words.program
    words: list[Any] = [*map(_escaped, program), _escaped(model)]
    for flag in replica.flags:
        words.append(Noted(_escaped(flag.flag), flag.why))
        words += map(_escaped, words_in(flag.value))
    weights: dict[str, Any] = {"weights": {}}
    one: dict[str, Any] = {
        "image": Noted(f"{replica.repository}:${{IMAGE_TAG:?}}", replica.tag_why),
        "entrypoint": [],
        "command": words,
        "ports": [f"{served.port}:{served.port}"],
        "environment": {
            "HF_HOME": WEIGHTS_FOLDER,
            "HF_TOKEN": Noted("${HF_TOKEN:-}", "INPUT: your Hugging Face token, for gated models"),
        },
        "shm_size": f"{shm_gib(replica)}g",
        "volumes": [f"weights:{WEIGHTS_FOLDER}"],
        "stop_grace_period": Noted(
            f"{max(LEAST_GRACE_S, replica.answer_s + EXIT_S)}s",
            f"{replica.runtime_shown} aborts what is in flight: take its traffic away before it stops"
            if replica.drains_by == "hook"
            else f"p99 of a whole answer, and {EXIT_S} s to exit",
        ),
        "healthcheck": {
            "test": ["CMD", "curl", "--fail", "--silent", f"http://localhost:{served.port}{served.health}"],
            "interval": "10s",
            "start_period": Noted(f"{replica.longest_start_s:.0f}s", replica.start_why),
        },
    }
    if replica.plugin and replica.plugin.driver:
        device = {"driver": replica.plugin.driver, "count": replica.accelerators, "capabilities": ["gpu"]}
        one["deploy"] = {"resources": {"reservations": {"devices": [device]}}}
    if replica.plugin:
        one["environment"] |= replica.plugin.environment
        one |= {name: _each(value, replica.accelerators) for name, value in replica.plugin.compose.items()}
    tree: dict[str, Any] = {"name": replica.name, "services": {served.id: one}, "volumes": weights}
    if replica.options:
        one["configs"] = [{"source": "settings", "target": CONFIG_FILE}]
        tree["configs"] = {"settings": {"content": _escaped(settings_text(replica))}}
    return {"compose.yaml": yaml_text([tree], opening_of(replica, "One replica"))}


def _each(value: str | bool | tuple[str, ...], accelerators: int) -> object:
    """Return a value of the catalog as a service has it; what holds {index} once for each accelerator."""
    if not isinstance(value, tuple):
        return value
    return [one.format(index=i) for one in value for i in range(accelerators if "{index}" in one else 1)]


def _escaped(word: str) -> str:
    """Return a word in which Compose puts no variable."""
    return word.replace("$", "$$")


FORMAT = Format((), "the Compose file", compose_files, ("docker.compose", "docker", "compose"))
