import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs.checkpoints import read_checkpoint_name
from catalogs.errors import AmbiguousName, UnknownName
from catalogs.names import Named, Names, words_of

NOISE = frozenset({"nvidia", "instruct"})
NAMES = Names(
    "thing",
    [
        Named("llama-2-70b", ("Llama 2 70B",)),
        Named("llama-3.1-8b", ("Llama 3.1 8B",)),
        Named("llama-3.1-70b", ("Llama 3.1 70B",)),
        Named("llama-3.3-70b", ("Llama 3.3 70B",)),
        Named("mistral-7b-v0.3", ("Mistral 7B v0.3",)),
        Named("ministral-8b", ()),
        Named("qwen3-235b-a22b", ()),
        Named("qwen3-vl-235b-a22b", ()),
        Named("gpt-oss-120b", ()),
        Named("mixtral-8x7b", ()),
        Named("deepseek-v3", ()),
        Named("h100-sxm-80gb", ("H100 SXM5 80GB", "H100"), "NVIDIA SXM5"),
        Named("h100-pcie-80gb", ("H100 PCIe 80GB",), "NVIDIA PCIe"),
        Named("a10g", ("A10G",), "NVIDIA PCIe"),
        Named("mi300x", ("Instinct MI300X",), "AMD OAM"),
        Named("rtx-4090", ("GeForce RTX 4090",), "NVIDIA PCIe"),
    ],
    NOISE,
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("llama 3.1 70b", "llama-3.1-70b"),
        ("Llama-3.1-70B-Instruct", "llama-3.1-70b"),
        ("llama3.1-70b", "llama-3.1-70b"),
        ("70B llama 3.1", "llama-3.1-70b"),
        ("lama 3.1 70b", "llama-3.1-70b"),
        ("llama 3.1 70", "llama-3.1-70b"),
        ("LLAMA_3.3_70B", "llama-3.3-70b"),
        ("gpt oss 120", "gpt-oss-120b"),
        ("mixtral", "mixtral-8x7b"),
        ("mixtrl 8x7b", "mixtral-8x7b"),
        ("deepseek 3", "deepseek-v3"),
        ("deepsek v3", "deepseek-v3"),
        ("H100", "h100-sxm-80gb"),
        ("nvidia h100", "h100-sxm-80gb"),
        ("h100 sxm", "h100-sxm-80gb"),
        ("H100-80GB-SXM5", "h100-sxm-80gb"),
        ("h100 pcie", "h100-pcie-80gb"),
        ("4090", "rtx-4090"),
        ("rtx-4090-pcie", "rtx-4090"),
        ("mi 300 x", "mi300x"),
        ("a10g", "a10g"),
        ("qwen3 235b", "qwen3-235b-a22b"),
    ],
)
def test_what_people_say_finds_the_entry(said: str, meant: str) -> None:
    assert NAMES.find(said) == meant


def test_several_hits_are_offered_not_chosen() -> None:
    with pytest.raises(AmbiguousName) as offer:
        NAMES.find("llama 70b")
    assert set(offer.value.hits) == {"llama-2-70b", "llama-3.1-70b", "llama-3.3-70b"}
    assert "llama-3.1-70b" in str(offer.value)


@pytest.mark.parametrize("said", ["llama 3.2 70b", "llama 3.1 7b", "h1000", "h200", "a100", "gpt oss 12", "rtx 409"])
def test_digits_and_sizes_are_never_corrected(said: str) -> None:
    with pytest.raises(UnknownName) as refusal:
        NAMES.find(said)
    assert len(refusal.value.nearest) == 3


def test_words_of_two_spellings_do_not_make_a_third() -> None:
    """An A100 that a shop sells as a p4d is no P100; Llama 3.1 that is served as Hermes 4 is no Llama 4."""
    names = Names("thing", [Named("a100-sxm-40gb", ("p4d",)), Named("llama-3.1-70b", ("Hermes 4 70B",))])
    assert names.find("p4d") == names.find("a100") == "a100-sxm-40gb"
    assert names.find("hermes 70b") == names.find("llama 70b") == "llama-3.1-70b"
    for said in ("p100", "llama 4 70b", "hermes 3.1"):
        with pytest.raises(UnknownName):
            names.find(said)


@pytest.mark.parametrize("said", ["banana", "clammy", "menage", "agent", "vanilla", "quest"])
def test_a_word_of_another_beginning_is_no_misspelling(said: str) -> None:
    """'banana' is one letter from Kanana: a slip keeps the first letter, and what else is near is offered."""
    names = Names("model", [Named(id, ()) for id in ("kanana-1.5-15.7b", "llama-3.1-8b", "gemma-3-27b", "qwen3-32b")])
    with pytest.raises(UnknownName):
        names.find(said)


def test_the_nearest_three_are_named_best_first() -> None:
    with pytest.raises(UnknownName) as refusal:
        NAMES.find("llama 3.2 70b")
    assert set(refusal.value.nearest) <= {"llama-2-70b", "llama-3.1-70b", "llama-3.3-70b"}
    assert str(refusal.value).startswith("no thing is called 'llama 3.2 70b'; the nearest are llama-")


def test_a_family_that_exists_is_no_misspelling_of_another() -> None:
    """'mistral 8b' is like ministral-8b, but Mistral is a family of its own."""
    with pytest.raises(UnknownName):
        NAMES.find("mistral 8b")


def test_a_whole_name_leaves_no_word_out_and_is_rightly_spelt() -> None:
    assert NAMES.find("Llama-3.1-70B-Instruct", whole=True) == "llama-3.1-70b"
    for said in ("qwen3 235b", "lama-3.1-70b", "mixtral"):
        with pytest.raises(UnknownName):
            NAMES.find(said, whole=True)


def test_the_later_layer_wins_a_spelling() -> None:
    names = Names("thing", [Named("h100-sxm-80gb", ("H100",)), Named("mine", ("h100",), layer=1)])
    assert names.find("H100") == "mine"


@given(st.text(max_size=40))
def test_any_text_finds_one_or_is_refused(said: str) -> None:
    try:
        assert NAMES.find(said)
    except (UnknownName, AmbiguousName) as refusal:
        assert "\n" not in str(refusal)


@given(st.sampled_from(NAMES.entries), st.sampled_from([" ", "-", "_", "/"]))
def test_an_id_finds_itself_however_it_is_joined(entry: Named, joint: str) -> None:
    assert NAMES.find(entry.id.replace("-", joint)) == entry.id


def test_words_are_letters_numbers_and_sizes() -> None:
    assert words_of("Meta-Llama-3.1-70B") == ("meta", "llama", "3.1", "70b")
    assert words_of("A100 80G") == words_of("a100-80gb") == ("a", "100", "80gb")
    assert words_of("A10G") == ("a", "10", "g")
    assert words_of("Qwen3-30B-A3B") == ("qwen", "3", "30b", "a3b")


@pytest.mark.parametrize(
    ("repository", "model", "precision"),
    [
        ("RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8", "Meta-Llama-3.1-70B-Instruct", "fp8"),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "Llama-3.3-70B-Instruct", "fp8"),
        ("amd/Llama-3.1-70B-Instruct-FP8-KV", "Llama-3.1-70B-Instruct", "fp8"),
        ("nvidia/Llama-3.3-70B-Instruct-FP4", "Llama-3.3-70B-Instruct", "nvfp4"),
        ("nvidia/DeepSeek-R1-NVFP4", "DeepSeek-R1", "nvfp4"),
        ("x/Qwen2.5-7B-Instruct-AWQ", "Qwen2.5-7B-Instruct", "int4"),
        ("x/Qwen2.5-7B-Instruct-GPTQ-Int4", "Qwen2.5-7B-Instruct", "int4"),
        ("x/Qwen2.5-7B-Instruct-GPTQ-Int8", "Qwen2.5-7B-Instruct", "w8a16"),
        ("RedHatAI/Llama-3.1-8B-Instruct-quantized.w4a16", "Llama-3.1-8B-Instruct", "int4"),
        ("RedHatAI/Llama-3.1-8B-Instruct-quantized.w8a8", "Llama-3.1-8B-Instruct", "int8"),
        ("unsloth/Qwen3-8B-bnb-4bit", "Qwen3-8B", "nf4"),
        ("unsloth/Qwen3-8B-unsloth-bnb-4bit", "Qwen3-8B", "nf4"),
        ("hugging-quants/Llama-3.1-8B-BNB-NF4", "Llama-3.1-8B", "nf4"),
        ("Intel/Qwen3-8B-int4-AutoRound", "Qwen3-8B", "int4"),
        ("ISTA-DASLab/gemma-3-27b-it-GPTQ-4b-128g", "gemma-3-27b-it", "int4"),
        ("amd/gpt-oss-120b-w-mxfp4-a-fp8", "gpt-oss-120b", "mxfp4"),
        ("ggml-org/Qwen2.5-Coder-7B-Q8_0-GGUF", "Qwen2.5-Coder-7B", "q8_0"),
        ("someone/Llama-3.1-8B-Q4_K_M-GGUF", "Llama-3.1-8B", "q4_k_m"),
        ("ggml-org/gpt-oss-120b-GGUF", "gpt-oss-120b", "gguf"),
        ("someone/gpt-oss-20b-MXFP4", "gpt-oss-20b", "mxfp4"),
        ("someone/Llama-3.1-8B-BF16", "Llama-3.1-8B", "bf16"),
        ("llama 3.1 70b fp8", "llama 3.1 70b", "fp8"),
        ("meta-llama/Llama-3.3-70B-Instruct", "Llama-3.3-70B-Instruct", None),
    ],
)
def test_a_repository_says_its_model_and_precision(repository: str, model: str, precision: str | None) -> None:
    name = read_checkpoint_name(repository)
    assert (name.model, name.precision) == (model, precision)


def test_kv_precision_and_static_scales_are_read_from_the_name() -> None:
    assert read_checkpoint_name("amd/Llama-3.1-70B-Instruct-FP8-KV").kv_precision == "fp8"
    assert read_checkpoint_name("nvidia/Llama-3.1-8B-Instruct-FP8").static_scales
    assert not read_checkpoint_name("RedHatAI/Llama-3.1-8B-Instruct-FP8-dynamic").static_scales
