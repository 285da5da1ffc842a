"""Configs beyond the catalog: read by any family's field names, from a file, from a hub on the loopback interface."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.errors import InputError
from catalogs.huggingface import architecture_from_config, config_from_file
from catalogs.matrices import total_parameters
from catalogs.records.models import GroupedAttention, LatentAttention, LinearAttention, MixtureFeedForward
from tests.catalogs.test_models import MODELS
from tests.draws import draws
from tests.llama_config import LLAMA

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "tests" / "fixtures" / "configs"


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.json")), ids=lambda file: file.stem)
def test_a_config_gives_the_dimensions_of_the_catalog(file: Path):
    read, entry = architecture_from_config(config_from_file(file), name=file.stem), MODELS[file.stem]
    assert Counter(read.layers) == Counter(entry.layers)
    for name in ("hidden_size", "vocabulary", "tied_embeddings", "native_precision", "quantised_parts"):
        assert getattr(read, name) == getattr(entry, name), name
    if not entry.extra_parameters:
        assert total_parameters(read) == total_parameters(entry)


@pytest.mark.parametrize(
    ("config", "billions"),
    [
        pytest.param(
            {
                "model_type": "gpt2",
                "n_embd": 1600,
                "n_layer": 48,
                "n_head": 25,
                "n_positions": 1024,
                "vocab_size": 50257,
            },
            1.558,
            id="gpt2",
        ),
        pytest.param(
            {
                "model_type": "gptj",
                "n_embd": 4096,
                "n_layer": 28,
                "n_head": 16,
                "n_positions": 2048,
                "vocab_size": 50400,
            },
            6.051,
            id="gptj",
        ),
        pytest.param(
            {
                "model_type": "gpt_neox",
                "hidden_size": 6144,
                "num_hidden_layers": 44,
                "num_attention_heads": 64,
                "intermediate_size": 24576,
                "vocab_size": 50432,
                "max_position_embeddings": 2048,
            },
            20.555,
            id="gpt_neox",
        ),
        pytest.param(
            {
                "model_type": "opt",
                "hidden_size": 4096,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "ffn_dim": 16384,
                "vocab_size": 50272,
                "max_position_embeddings": 2048,
            },
            6.658,
            id="opt",
        ),
        pytest.param(
            {
                "model_type": "bloom",
                "hidden_size": 4096,
                "n_layer": 30,
                "n_head": 32,
                "vocab_size": 250880,
                "seq_length": 2048,
            },
            7.069,
            id="bloom",
        ),
        pytest.param(
            {
                "model_type": "falcon",
                "hidden_size": 4544,
                "num_hidden_layers": 32,
                "num_attention_heads": 71,
                "multi_query": True,
                "vocab_size": 65024,
                "max_position_embeddings": 2048,
            },
            6.922,
            id="falcon",
        ),
        pytest.param(
            {
                "model_type": "dbrx",
                "d_model": 6144,
                "n_layers": 40,
                "n_heads": 48,
                "max_seq_len": 32768,
                "vocab_size": 100352,
                "attn_config": {"kv_n_heads": 8},
                "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4},
            },
            131.597,
            id="dbrx",
        ),
        pytest.param(
            {
                "model_type": "jamba",
                "hidden_size": 4096,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "intermediate_size": 14336,
                "vocab_size": 65536,
                "max_position_embeddings": 262144,
                "num_experts": 16,
                "num_experts_per_tok": 2,
                "expert_layer_period": 2,
                "expert_layer_offset": 1,
                "attn_layer_period": 8,
                "attn_layer_offset": 4,
                "mamba_d_state": 16,
                "mamba_d_conv": 4,
                "mamba_expand": 2,
            },
            51.57,
            id="jamba",
        ),
        pytest.param(
            {
                "model_type": "granitemoehybrid",
                "hidden_size": 1536,
                "num_hidden_layers": 40,
                "num_attention_heads": 12,
                "num_key_value_heads": 4,
                "intermediate_size": 512,
                "shared_intermediate_size": 1024,
                "num_local_experts": 64,
                "num_experts_per_tok": 6,
                "vocab_size": 100352,
                "tie_word_embeddings": True,
                "max_position_embeddings": 131072,
                "layer_types": (["mamba"] * 9 + ["attention"]) * 4,
                "mamba_n_heads": 48,
                "mamba_d_head": 64,
                "mamba_d_state": 128,
                "mamba_n_groups": 1,
            },
            6.939,
            id="granitemoehybrid",
        ),
        pytest.param(
            {
                "model_type": "llama4",
                "text_config": {
                    "model_type": "llama4_text",
                    "hidden_size": 5120,
                    "num_hidden_layers": 48,
                    "num_attention_heads": 40,
                    "num_key_value_heads": 8,
                    "head_dim": 128,
                    "intermediate_size": 8192,
                    "intermediate_size_mlp": 16384,
                    "num_local_experts": 128,
                    "num_experts_per_tok": 1,
                    "interleave_moe_layer_step": 2,
                    "vocab_size": 202048,
                    "max_position_embeddings": 1048576,
                },
            },
            400.712,
            id="llama4, every second layer with experts",
        ),
    ],
)
def test_families_with_names_of_their_own_give_the_published_total(config, billions):
    model = architecture_from_config(config, name="a model")
    assert total_parameters(model) / 1e9 == pytest.approx(billions, rel=0.003)


def test_a_window_holds_where_the_config_says():
    windowed = architecture_from_config({**LLAMA, "model_type": "mistral", "sliding_window": 4096}, name="m")
    assert [group.attention.window for group in windowed.layers] == [4096]
    off = architecture_from_config(
        {**LLAMA, "model_type": "qwen2", "sliding_window": 4096, "use_sliding_window": False}, name="m"
    )
    assert [group.attention.window for group in off.layers] == [None]
    lettered = architecture_from_config(
        {**LLAMA, "model_type": "exaone4", "sliding_window": 4096, "sliding_window_pattern": "LLLG"}, name="m"
    )
    assert [(group.count, group.attention.window) for group in lettered.layers] == [(24, 4096), (8, None)]


def test_heads_that_differ_by_layer_are_kept():
    kv_heads = [4] * 20 + [1] * 12
    model = architecture_from_config(
        {**LLAMA, "model_type": "deci", "num_key_value_heads_per_layer": kv_heads}, name="m"
    )
    assert [(group.count, group.attention.kv_heads) for group in model.layers] == [(20, 4), (12, 1)]


def test_layers_that_read_the_cache_of_earlier_ones_store_none():
    """Gemma 4 E2B, as the catalog has it: the last 20 of 35 layers, with blocks twice as wide."""
    model = architecture_from_config(
        {
            "model_type": "gemma4_text",
            "hidden_size": 1536,
            "num_hidden_layers": 35,
            "num_attention_heads": 8,
            "num_key_value_heads": 1,
            "head_dim": 256,
            "global_head_dim": 512,
            "intermediate_size": 6144,
            "use_double_wide_mlp": True,
            "num_kv_shared_layers": 20,
            "sliding_window": 512,
            "layer_types": (["sliding_attention"] * 4 + ["full_attention"]) * 7,
            "vocab_size": 262_144,
            "max_position_embeddings": 131_072,
            "tie_word_embeddings": True,
        },
        name="m",
    )
    known = MODELS["gemma-4-e2b"]
    assert Counter({(g.attention, g.feed_forward): g.count for g in model.layers}) == Counter(
        {(g.attention, g.feed_forward): g.count for g in known.layers}
    )
    assert sum(g.count for g in model.layers if g.attention and g.attention.borrows_cache) == 20


def test_layers_that_do_nothing_are_left_out():
    """Nemotron Ultra: half of its blocks have neither attention nor a feed-forward block."""
    nothing = {"attention": {"no_op": True}, "ffn": {"no_op": True}}
    something = {"attention": {"n_heads_in_group": 4}, "ffn": {"intermediate_size": 14336}}
    blocks = [something, nothing, nothing, something]
    model = architecture_from_config({**LLAMA, "model_type": "nemotron-nas", "block_configs": blocks}, name="m")
    assert [group.count for group in model.layers] == [2]


@pytest.mark.parametrize(
    ("stored", "precision", "kv_precision", "static_scales"),
    [
        ({"torch_dtype": "float16"}, "fp16", None, False),
        ({"dtype": "float32"}, "fp32", None, False),
        ({}, "bf16", None, False),
        ({"quantization_config": {"quant_method": "fp8", "activation_scheme": "dynamic"}}, "fp8", None, False),
        ({"quantization_config": {"quant_method": "fp8", "activation_scheme": "static"}}, "fp8", None, True),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "int4", None, False),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8}}, "w8a16", None, False),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "int4", None, False),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "nf4", None, False),
        ({"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}, "fp8", "fp8", True),
        ({"quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8"}}, "nvfp4", "fp8", True),
        (
            {
                "quantization_config": {
                    "quant_method": "compressed-tensors",
                    "config_groups": {
                        "group_0": {
                            "weights": {"num_bits": 8, "type": "int"},
                            "input_activations": {"num_bits": 8, "type": "int", "dynamic": True},
                        }
                    },
                }
            },
            "int8",
            None,
            False,
        ),
        (
            {
                "quantization_config": {
                    "quant_method": "compressed-tensors",
                    "config_groups": {
                        "group_0": {"weights": {"num_bits": 4, "type": "int"}, "input_activations": None}
                    },
                }
            },
            "int4",
            None,
            False,
        ),
        (
            {
                "quantization_config": {
                    "quant_method": "compressed-tensors",
                    "kv_cache_scheme": {"num_bits": 8, "type": "float"},
                    "config_groups": {
                        "group_0": {
                            "weights": {"num_bits": 8, "type": "float"},
                            "input_activations": {"num_bits": 8, "type": "float", "dynamic": False},
                        }
                    },
                }
            },
            "fp8",
            "fp8",
            True,
        ),
    ],
)
def test_the_stored_precision_is_read(stored, precision, kv_precision, static_scales):
    model = architecture_from_config({**LLAMA, **stored}, name="owner/name")
    found = model.checkpoints[0]
    assert model.native_precision == precision
    assert (found.precision, found.kv_precision, found.static_scales) == (precision, kv_precision, static_scales)


def test_experts_alone_in_int4_are_seen():
    quantised = {
        "quant_method": "compressed-tensors",
        "ignore": ["lm_head", "re:.*self_attn.*", "re:.*shared_experts.*"],
        "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}, "input_activations": None}},
    }
    mixture = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 1024}
    model = architecture_from_config({**LLAMA, **mixture, "quantization_config": quantised}, name="m")
    assert (model.native_precision, model.quantised_parts) == ("int4", "experts")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "describes no model"),
        ({"name": "a package", "version": "1.0"}, "describes no model"),
        ({"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12}, "not a decoder"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "not a decoder"),
        ({**LLAMA, "architectures": ["LlamaForSequenceClassification"]}, "not a decoder"),
        ({"model_type": "deepseek_v4"}, "deepseek_v4"),
        ({**LLAMA, "compress_ratios": [0, 4, 128]}, "compresses"),
        ({key: LLAMA[key] for key in LLAMA if key != "hidden_size"}, "hidden_size"),
        ({key: LLAMA[key] for key in LLAMA if key != "vocab_size"}, "vocab_size"),
        ({key: LLAMA[key] for key in LLAMA if key != "intermediate_size"}, "intermediate_size"),
        ({**LLAMA, "num_attention_heads": 33}, "33"),
        ({**LLAMA, "num_key_value_heads": 5}, "5"),
        ({**LLAMA, "hidden_size": -4096}, "-4096"),
        ({**LLAMA, "hidden_size": "wide"}, "wide"),
        ({**LLAMA, "num_hidden_layers": 2.5}, "2.5"),
        ({**LLAMA, "layer_types": ["sparkling"] * 32}, "sparkling"),
        ({**LLAMA, "layer_types": ["full_attention"] * 3}, "32"),
        ({**LLAMA, "num_experts": 4, "num_experts_per_tok": 8}, "8"),
        ({**LLAMA, "model_type": "nemotron_h", "hybrid_override_pattern": "MXM"}, "MXM"),
        ({**LLAMA, "text_config": {"hidden_size": []}}, "[]"),
        ([1, 2], "list"),
        ("config", "str"),
    ],
)
def test_what_is_no_decoder_is_refused_in_a_sentence(config, said):
    with pytest.raises(InputError, match=r".{20,}") as refused:
        architecture_from_config(config, name="someone/something")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


SCALARS = st.none() | st.booleans() | st.integers(-10, 10**6) | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)
FIELDS = sorted({key for file in CONFIGS.glob("*.json") for key in json.loads(file.read_text())})


@settings(max_examples=draws(150), deadline=None)
@given(st.sampled_from(sorted(CONFIGS.glob("*.json"))), st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=3))
def test_any_value_in_any_field_is_read_or_refused(file, changes):
    try:
        model = architecture_from_config({**json.loads(file.read_text()), **changes}, name="m")
    except InputError as refused:
        assert "\n" not in str(refused)
    else:
        assert total_parameters(model) > 0


def test_a_folder_stands_for_the_config_in_it(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    assert config_from_file(tmp_path) == config_from_file(tmp_path / "config.json") == LLAMA


def test_quantisation_beside_the_config_is_read(tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    quantised = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}
    (tmp_path / "hf_quant_config.json").write_text(json.dumps(quantised))
    assert architecture_from_config(config_from_file(tmp_path), name="m").native_precision == "fp8"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"{'a': 1}", "line 1"),
        (b'{"hidden_size": 4096', "not JSON"),
        (b"\x00\x01\xff\xfe\x80garbage", "not text"),
        (b"[1, 2, 3]", "list"),
        (b"[" * 100_000, "not JSON"),
        (b" " * (9 * 2**20), "larger"),
    ],
)
def test_a_file_that_is_no_config_is_refused_in_a_sentence(tmp_path: Path, content: bytes, said: str):
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as refused:
        config_from_file(file)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_path_without_a_config_is_refused_in_a_sentence(tmp_path: Path):
    with pytest.raises(InputError, match="holds no config"):
        config_from_file(tmp_path)
    with pytest.raises(InputError, match="no file"):
        config_from_file(tmp_path / "absent.json")
    with pytest.raises(InputError, match="not a file"):
        config_from_file("/dev/null")


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class LoopbackHub:
    """A hub of a few repositories: what it was asked, and with which token."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    repositories: dict[str, dict[str, object]] = field(default_factory=dict)


@pytest.fixture
def hub() -> Iterator[LoopbackHub]:
    state = LoopbackHub(
        repositories={
            "someone/tiny": {"config.json": LLAMA},
            "someone/moved": {"config.json": {**LLAMA, "num_hidden_layers": 16}},
            "someone/tiny-FP8": {
                "config.json": LLAMA,
                "hf_quant_config.json": {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}},
            },
            "someone/only-gguf": {"model.gguf": {}},
        }
    )

    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def respond(self) -> None:
            state.asked.append(f"{self.command} {self.path}")
            parts = self.path.split("?")[0].strip("/").split("/")
            repository = "/".join(parts[:2])
            if "resolve" in parts:  # the client also asks for paths of its own, without the token
                state.tokens.add(self.headers.get("Authorization"))
            if repository == "old/name":  # a renamed repository: a relative redirect, as the hub sends
                self.answer(307, Location=self.path.replace("old/name", "someone/moved"))
            elif repository == "someone/gated" and self.headers.get("Authorization") != "Bearer let-me-in":
                self.answer(403, X_Error_Code="GatedRepo", X_Error_Message="Access is restricted")
            elif repository == "someone/broken":
                self.answer(500)
            elif repository == "someone/slow":
                stopped.wait(20)
            elif len(parts) < 5 or parts[2] != "resolve":
                self.answer(404, X_Error_Code="RepoNotFound")
            elif repository == "someone/gated":
                self.file(LLAMA)
            elif repository not in state.repositories:
                self.answer(401, X_Error_Code="RepoNotFound", X_Error_Message="Invalid username or password.")
            elif parts[3] not in ("main", COMMIT):
                self.answer(404, X_Error_Code="RevisionNotFound")
            elif parts[4] not in state.repositories[repository]:
                self.answer(404, X_Error_Code="EntryNotFound")
            else:
                self.file(state.repositories[repository][parts[4]])

        def file(self, content: object) -> None:
            body = json.dumps(content).encode()
            self.answer(200, body, ETag=f'"{len(body)}"', X_Repo_Commit=COMMIT, Content_Type="application/json")

        do_GET = do_HEAD = respond  # noqa: N815 — the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    stopped.set()
    server.shutdown()
    thread.join()
    server.server_close()


SCRIPT = """
import json, sys
from catalogs.errors import InputError
from catalogs.huggingface import architecture_from_config, config_from_hub
answers = []
for call in json.loads(sys.argv[1]):
    try:
        model = architecture_from_config(config_from_hub(**call), name=call["repository"])
        answers.append([model.layer_count, model.native_precision])
    except InputError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


def ask(home: Path, endpoint: str, *calls: dict[str, str], **settings_: str) -> list[object]:
    """Ask in a process of its own, since the client reads its environment when it is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    quiet = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    environment = {**kept, **quiet, "HF_HOME": str(home), "HF_ENDPOINT": endpoint, **settings_}
    command = [sys.executable, "-c", SCRIPT, json.dumps(calls)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_a_config_comes_from_the_hub_that_the_environment_names(hub: LoopbackHub, tmp_path: Path):
    answers = ask(
        tmp_path,
        hub.url,
        {"repository": "someone/tiny"},
        {"repository": "old/name"},
        {"repository": "someone/tiny-FP8"},
        HF_TOKEN="my-token",
    )
    assert answers == [[32, "bf16"], [16, "bf16"], [32, "fp8"]]
    assert hub.tokens == {"Bearer my-token"}
    assert list(tmp_path.rglob("config.json")), "HF_HOME holds the cache"


def test_a_gated_repository_opens_with_a_token(hub: LoopbackHub, tmp_path: Path):
    call = {"repository": "someone/gated"}
    (closed,) = ask(tmp_path, hub.url, call)
    assert "gated" in str(closed)
    assert "HF_TOKEN" in str(closed)
    assert ask(tmp_path, hub.url, call, HF_TOKEN="let-me-in") == [[32, "bf16"]]


def test_what_the_hub_does_not_have_is_said(hub: LoopbackHub, tmp_path: Path):
    missing, no_config, no_id = ask(
        tmp_path,
        hub.url,
        {"repository": "someone/absent"},
        {"repository": "someone/only-gguf"},
        {"repository": "not a/repository/id"},
    )
    assert "no model 'someone/absent'" in str(missing)
    assert "holds no config.json" in str(no_config)
    assert "owner/name" in str(no_id)


def test_offline_the_cache_answers_and_nothing_else(hub: LoopbackHub, tmp_path: Path):
    ask(tmp_path, hub.url, {"repository": "someone/tiny"})
    hub.asked.clear()
    cached, absent = ask(
        tmp_path, hub.url, {"repository": "someone/tiny"}, {"repository": "someone/moved"}, HF_HUB_OFFLINE="1"
    )
    assert cached == [32, "bf16"]
    assert "HF_HUB_OFFLINE" in str(absent)
    assert hub.asked == []


def test_a_hub_out_of_reach_is_said_and_the_cache_still_answers(hub: LoopbackHub, tmp_path: Path):
    ask(tmp_path, hub.url, {"repository": "someone/tiny"})
    cached, absent = ask(
        tmp_path, "http://127.0.0.1:9", {"repository": "someone/tiny"}, {"repository": "someone/moved"}
    )
    assert cached == [32, "bf16"]
    assert "cannot be reached" in str(absent)


def test_a_hub_that_fails_or_hangs_is_said(hub: LoopbackHub, tmp_path: Path):
    calls = ({"repository": "someone/broken"}, {"repository": "someone/slow"})
    broken, slow = ask(tmp_path, hub.url, *calls, HF_HUB_ETAG_TIMEOUT="1", HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert "answered 500 for 'someone/broken'" in str(broken)
    assert "cannot be reached for 'someone/slow'" in str(slow)


def test_nothing_of_the_client_is_imported_before_it_is_needed():
    code = "import sys, catalogs.huggingface; sys.exit('huggingface_hub' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_kinds_of_layers_are_told_apart():
    kinds = {
        "deepseek-v3": LatentAttention,
        "gpt-oss-20b": GroupedAttention,
        "qwen3-next-80b-a3b": LinearAttention,
        "nemotron-h-56b": LinearAttention,
    }
    for name, kind in kinds.items():
        model = architecture_from_config(config_from_file(CONFIGS / f"{name}.json"), name=name)
        assert any(isinstance(group.attention, kind) for group in model.layers), name
    model = architecture_from_config(config_from_file(CONFIGS / "deepseek-v3.json"), name="m")
    assert isinstance(model.layers[1].feed_forward, MixtureFeedForward)
    assert model.layers[1].feed_forward.shared_intermediate == 2048


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"num_mem_blocks": 2}, "num_mem_blocks"),
        ({"layer_group_size": 6}, "layer_group_size"),
        ({"num_kv_share_groups": 4, "kv_share_every": 2}, "kv_share_every"),
    ],
)
def test_what_the_cache_depends_on_and_nobody_reads_is_refused(fields, named):
    with pytest.raises(InputError, match=named):
        architecture_from_config({**LLAMA, **fields}, name="m")


@pytest.mark.parametrize("fields", [{"ple_table_rows": 320_000_001}, {"ngram_vocab": 1000}, {"hc_streams": 4}])
def test_a_mechanism_that_nobody_reads_is_doubted_by_name(fields):
    (doubt,) = architecture_from_config({**LLAMA, **fields}, name="m").doubts
    assert next(iter(fields)) in doubt


def test_an_unknown_family_is_doubted_and_a_known_one_is_not():
    (doubt,) = architecture_from_config({**LLAMA, "model_type": "novel_lm"}, name="m").doubts
    assert "novel_lm" in doubt
    assert architecture_from_config(LLAMA, name="m").doubts == ()


@pytest.mark.parametrize(
    ("quantised", "precision", "bits"),
    [
        ({"quant_method": "gptq", "bits": 2, "group_size": 64}, "int2", 2.25),
        ({"quant_method": "gptq", "bits": 3, "group_size": 128}, "int3", 3.125),
        ({"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True}, "int4", 4.625),
        ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}}, "int4", 4.5),
        ({"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8WeightOnlyConfig"}}}, "w8a16", 8.0),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 128}, "int4", 4.125),
        ({"quant_method": "exl3", "bits": 3.0, "head_bits": 6}, "int4", 3.0),
        ({"group_size": 64, "bits": 6}, "int6", 6.5),
        (
            {"quant_method": "vptq", "config_for_layers": {
                "model.layers.0.self_attn.q_proj": {"vector_lens": [-1, 8], "num_centroids": [-1, 65536]}}},
            "int2", 2.0,
        ),
        (
            {"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4", "group_size": 32}}},
            "mxfp4", None,
        ),
    ],
)  # fmt: skip
def test_each_dialect_says_its_bits(quantised, precision, bits):
    checkpoint = architecture_from_config({**LLAMA, "quantization_config": quantised}, name="m").checkpoints[0]
    assert (checkpoint.precision, checkpoint.bits) == (precision, bits)


def test_a_way_of_quantising_that_is_not_known_is_never_taken_for_16_bit():
    model = architecture_from_config({**LLAMA, "quantization_config": {"quant_method": "novelq"}}, name="m")
    assert model.checkpoints[0].precision == "unknown"
    assert model.checkpoints[0].source == "novelq"


def test_mixed_groups_are_stored_each_in_its_own_format():
    """FP8 attention and NVFP4 feed-forward of a Llama 8B; first and last layers and the head left alone."""
    groups = {
        "group_0": {"targets": ["re:.*self_attn.*"], "weights": {"num_bits": 8, "type": "float"}},
        "group_1": {"targets": ["re:.*mlp.*"], "weights": {"num_bits": 4, "type": "float", "group_size": 16}},
    }
    ignored = ["lm_head", "model.layers.0.mlp.down_proj"]
    quantised = {"quant_method": "compressed-tensors", "config_groups": groups, "ignore": ignored}
    checkpoint = architecture_from_config({**LLAMA, "quantization_config": quantised}, name="m").checkpoints[0]
    assert checkpoint.precision == "nvfp4"
    assert checkpoint.formats == {"attention": "fp8"}
    assert 0 < checkpoint.wide["dense"] < 1 / LLAMA["num_hidden_layers"]
