"""Texts of a plan may be anybody's: they stay texts in YAML and in a shell."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.deployment.yaml_text import Noted, yaml_text
from agent.exports import formats
from catalogs.errors import InputError
from engine.plan import CapacityPlan, LaunchFlag
from tests.agent.deployment.plans import CATALOG, plan_called

TEXTS = st.text() | st.sampled_from(
    ["no", "1e3", "0x1f", "~", "a: b", "- x", "%YAML", "\x85", "\u2028", "$(id)", "'", '"', "${X}"]
)
TREES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1), inner, max_size=3),
    max_leaves=8,
)


@given(TREES, st.text())
def test_yaml_reads_back_as_what_was_written(tree: object, note: str) -> None:
    written = yaml_text([{"noted": Noted(tree, note), "list": [Noted(tree, note)]}], [note])
    assert yaml.safe_load(written) == {"noted": tree, "list": [tree]}


def of_model(name: str) -> CapacityPlan:
    plan = plan_called("vllm")
    return replace(plan, chosen=replace(plan.chosen, model=name, model_name=name, command=f"vllm serve {name}"))


@pytest.mark.parametrize(
    "name", ["x; rm -rf ~", "$(touch pwned)", "`touch pwned`", "x' && touch pwned '", 'x" && touch pwned "']
)
def test_a_command_with_a_hostile_model_runs_nothing_else(name: str, tmp_path: Path) -> None:
    try:
        (script,) = formats()["command"].files(of_model(name), CATALOG).values()
    except InputError:
        return
    vllm = tmp_path / "bin" / "vllm"
    vllm.parent.mkdir()
    vllm.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    vllm.chmod(0o755)
    bash = shutil.which("bash")
    assert bash
    env = {"PATH": f"{vllm.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    run = subprocess.run([bash, "-c", str(script)], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[0] == "serve"
    assert [file.name for file in tmp_path.iterdir()] == ["bin"]


@pytest.mark.parametrize(
    "command", ["rm -rf /", "bash -c 'vllm serve x'", "vllm", "vllm serve", "vllm serve --api-key", "vllm serve 'x", ""]
)
def test_a_command_that_is_not_the_runtimes_is_refused(command: str) -> None:
    plan = plan_called("vllm")
    for format in ("command", "kubernetes", "compose"):
        with pytest.raises(InputError, match="command"):
            formats()[format].files(replace(plan, chosen=replace(plan.chosen, command=command)), CATALOG)


def test_flags_and_reasons_of_a_hostile_plan_stay_words(tmp_path: Path) -> None:
    flag = LaunchFlag("--x", "$(touch pwned) `touch pwned` $HOME", "why\ntouch pwned\n#")
    plan = plan_called("vllm")
    plan = replace(
        plan, chosen=replace(plan.chosen, flags=(flag,), needs="a\nb"), answer=replace(plan.answer, sentence="a\nb: c")
    )
    (script,) = formats()["command"].files(plan, CATALOG).values()
    body = str(script).replace("exec vllm", "printf '%s\\n'")
    run = subprocess.run(["/bin/bash", "-c", body], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split("--x\n")[1].partition("--host")[0] == "$(touch\npwned)\n`touch\npwned`\n$HOME\n"
    assert list(tmp_path.iterdir()) == []
    (manifest,) = formats()["kubernetes"].files(plan, CATALOG).values()
    args = list(yaml.safe_load_all(str(manifest)))[1]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "$$(touch" in args, "Kubernetes expands $(…) otherwise"
    (compose,) = formats()["compose"].files(plan, CATALOG).values()
    assert "$$HOME" in yaml.safe_load(str(compose))["services"]["vllm"]["command"]


@given(st.text(min_size=1))
def test_any_name_makes_objects_that_are_read_back(name: str) -> None:
    plan = plan_called("vllm")
    plan = replace(plan, chosen=replace(plan.chosen, model=name, model_name=name, accelerator_name=name))
    for format in ("kubernetes", "keda", "prometheus-rules"):
        (text,) = formats()[format].files(plan, CATALOG).values()
        for tree in yaml.safe_load_all(str(text)):
            assert tree["metadata"]["name"].replace("-", "").isalnum()
