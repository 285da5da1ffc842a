"""A plan as a shell script that starts one replica, each flag with its reason beside it."""

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote

from agent.deployment.objects import words_in
from agent.deployment.replica import options_of, started_with, words_of
from agent.deployment.yaml_text import comment_line
from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan, LaunchFlag
from engine.planning.launch import CONFIG_FILE, setting_line


def script_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the script as one file; every word of the plan is quoted, and only its own variables are expanded."""
    words, served = words_of(plan, catalog), catalog.serving.get(plan.chosen.runtime)
    flags = started_with(words, plan, served, CONFIG_FILE) if served else words.flags
    options = options_of(plan, served) if served else plan.chosen.options
    chosen = plan.chosen
    head = [
        "#!/usr/bin/env bash",
        comment_line(f"One replica of a plan by {plan.provenance.program} {plan.provenance.version}:"),
        comment_line(plan.answer.sentence),
        comment_line(f"{chosen.accelerators_per_replica} × {chosen.accelerator_name}, {plan.provenance.runtime}"),
        *([comment_line(f"It takes {chosen.needs}.")] if chosen.needs else ()),
        "set -euo pipefail",
        *_settings(flags, options),
        "flags=(",
        *(line for flag in flags for line in _flag_lines(flag)),
        ")",
        f'exec {" ".join(quote(word) for word in words.program)} "${{flags[@]}}" "$@"',
    ]
    return {"command.sh": "\n".join(head) + "\n"}


def _settings(flags: Sequence[LaunchFlag], options: Sequence[LaunchFlag]) -> Iterator[str]:
    """Yield what must be set before the script runs, and the lines that write the runtime's file of settings."""
    values = " ".join(flag.value for flag in flags)
    for name, what in (("NODE_RANK", "the node's number, 0 on the first"), ("HEAD_NODE", "the first node's address")):
        if f"${name}" in values:
            yield f': "${{{name}:?set it to {what}}}"'
    if not options:
        return

    yield "cat > trtllm.yaml <<'END_OF_SETTINGS'"
    for option in options:
        line = setting_line(option)
        yield (
            line if line == quote(line).strip("'") and line.isprintable() else "# a line of the plan that is no setting"
        )
    yield "END_OF_SETTINGS"


def _flag_lines(flag: LaunchFlag) -> Iterator[str]:
    words = " ".join(_quoted(word) for word in (flag.flag, *words_in(flag.value)))
    yield f"  {words}  {comment_line(flag.why)}"


def _quoted(word: str) -> str:
    """Return a word as a shell takes it; of variables only those that a plan's flags name are left open."""
    for name in ("$NODE_RANK", "$HEAD_NODE"):
        if word.startswith(name):
            rest = word.removeprefix(name)
            return f'"{name}"{quote(rest) if rest else ""}'
    return quote(word)


FORMAT = Format((".sh",), "the command", script_files, ("shell script", "start(?:ing)? script", "script"))
