"""What a file or a path calls things reaches neither a terminal nor a shell as more than text."""

import json
import shlex
from pathlib import Path

import pytest

from tests.commands.conftest import Program
from tests.llama_config import LLAMA

CONFIG = LLAMA | {"architectures": ["LlamaForCausalLM"]}
LOAD = ("--rps", "2", "--input-tokens", "500", "--output-tokens", "200", "--gpu-type", "h100", "--no-verify")


def config(folder: Path, name: str, **more: int) -> str:
    file = folder / f"{name}.json"
    file.write_text(json.dumps(CONFIG | more), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("how", [(), ("--plain",), ("--full",)])
def test_a_field_of_a_config_steers_no_terminal(fleetcast: Program, tmp_path: Path, how: tuple[str, ...]) -> None:
    done = fleetcast("forecast", "--model", config(tmp_path, "m", **{"ngram_\x1b]0;x\x07": 2}), *LOAD, *how)
    assert done.code == 0 and "ngram_\\x1b]0;x\\x07" in done.out.replace("\n", "")
    assert not {"\x1b", "\x07"} & set(done.out + done.err)


def test_a_refusal_steers_no_terminal(fleetcast: Program, tmp_path: Path) -> None:
    model = config(tmp_path, "m", **{"layer_group_size\x1b[2J": 3})
    for refused in (fleetcast.refusal("forecast", "--model", model, *LOAD), fleetcast.refusal("forecast", "--\x9b2J")):
        assert not {"\x1b", "\x9b"} & set(refused)


@pytest.mark.parametrize(
    ("runtime", "precision"),
    [
        *((runtime, "bf16") for runtime in ("vllm", "sglang", "tensorrt-llm", "llama.cpp")),
        *((runtime, "int4") for runtime in ("vllm", "sglang", "tensorrt-llm")),
        ("llama.cpp", "q4_k_m"),
    ],
)
def test_a_path_is_one_word_of_the_command(fleetcast: Program, tmp_path: Path, runtime: str, precision: str) -> None:
    model = config(tmp_path, "a b;touch c $(id)")
    done = fleetcast("forecast", "--model", model, *LOAD, "--runtime", runtime, "--precision", precision, "--json")
    words = shlex.split(json.loads(done.out)["chosen"]["command"])
    assert sum("a b;touch c $(id)" in word for word in words) == 1
