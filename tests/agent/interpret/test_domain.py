"""Whether a line is about serving: in doubt the whole line is asked about, and what is out of scope is a part of it."""

import pytest

from agent.dialogue import step
from agent.interpret import interpret
from agent.interpret.domain import DOUBT, LOG
from agent.talk.state import Clarify, State
from catalogs.catalog import Catalog
from tests.agent.talks import ports
from tests.every import of_every

CATALOG = Catalog.load()
STATUES = "We need 16 replicas of the statue for the gallery shop, cast in resin, about 300 visitors per hour"


def test_a_doubtful_line_fills_nothing_before_a_yes_and_a_no_drops_all_of_it() -> None:
    state, _ = step(State(), STATUES, ports())
    assert isinstance(state.pending, Clarify)
    assert state.pending.question.text.endswith(DOUBT)
    assert not state.values
    yes, _ = step(state, "yes", ports())
    assert yes.values["hardware.replicas"] == 16
    no, _ = step(state, "no", ports())
    assert not no.values
    assert no.pending is None


@of_every(
    [
        "I drive a mixtral of petrol and ethanol, 8 x 7 litres, what throughput does the pump need a minute",
        "gemma stone 27 carat, 12 pieces, budget five grand, where's the cheapest place",
        "cache load h100 spring rated 120 kg, want 4 replicas in steel, p95 delivery 3 weeks, price in euros?",
        "毎日30人の客が来る居酒屋、ピークは平均の3倍、ビール何杯必要？",
        "每天三百人来餐厅吃饭，高峰是平均的两倍，需要多少张桌子？",
        "How many GPUs to TRAIN a 70B from scratch on 2T tokens in 60 days?",
    ],
    name=str,
)
def test_a_doubtful_first_line_that_asks_or_names_a_model_fills_nothing_either(text: str) -> None:
    state, _ = step(State(), text, ports())
    assert not state.values
    assert state.pending is None or (isinstance(state.pending, Clarify) and state.pending.question.text.endswith(DOUBT))


def test_what_would_be_asked_of_a_doubtful_line_is_asked_after_the_yes() -> None:
    (question,) = interpret('DROP TABLE plans; -- 10 requests/s\'; rm -rf / ; echo "llama 8b"', CATALOG).questions
    (yes,) = question.choices
    assert (question.path, yes.value) == ("traffic.requests_per_s", 10.0)
    assert [one.path for one in yes.then] == ["model"]


@of_every(
    [
        'RuntimeError: CUDA out of memory. GPU 0 has 79.11 GiB\n  File "/x/vllm/worker/model_runner.py", line 3',
        "Traceback (most recent call last):\n  File \"s.py\", line 8\nValueError: LLM(model='qwen2.5-7b')",
        "[2025-03-01 12:00:03] ERROR worker 4 died with SIGKILL, restarting (attempt 3/10), queue depth 500",
        "2025-03-01 12:00:03 ERROR vllm worker 4 died with SIGKILL on H100, attempt 3 of 10",
    ],
    name=str,
)
def test_a_stack_trace_is_said_to_be_one(text: str) -> None:
    assert interpret(text, CATALOG).objections == (LOG,)


@of_every(
    [
        "Pretrain a 1B on 200B tokens, 24 H100, how many weeks",
        "LoRA of Llama 8B on 9k samples, 2 epochs, one A100",
        "Stable Diffusion on 3 L4, 6 images a second, 25 steps",
        "clips of 4 s at 480p, 900 a day, Wan 14B on H200",
        "rig of 30 H100 mines at 0.07 $/kWh, pool takes 2 %",
        "Our bistro has 3 replicas of one stove, 90 guests at peak, TTFT (time to first tart) 7 minutes",
    ],
    name=str,
)
def test_other_work_in_our_words_fills_nothing(text: str) -> None:
    """None of these was learned from."""
    assert not interpret(text, CATALOG).values


PARTS = [
    (
        "we do ai npcs, 60k CCU, one line every 12 s. prompt 3500 tok, start within 300ms. Llama 3 8B finetune",
        "finetune",
    ),
    ("phone agent on llama 3.1 8b, 350 calls at once, output 35 tokens, STT takes 200 and TTS takes 250", "TTS"),
    ("OpenAI bill was $61k. Llama 3.3 70B, 12 rps, 2k in, 300 out. Need this by Thursday.", "Thursday"),
    ("we generate image captions with qwen2.5-vl-7b, 4 rps, 1.2k in, 80 out", "captions"),
    ("whisper → llama 3.2 3B → kokoro? Answers 60 tokens, prompt 1.5k tokens, 80 kiosks", "whisper"),
    ("RAG with bge embeddings and a reranker elsewhere, Llama 3.3 70B, 4 rps, prompt 5,000, answer 350", "reranker"),
    ("Benchmarked w/ genai-perf: 11 req/s a node for llama-3.1-405b. Now need 50 req/s, 2048 in, 256 out", "405b"),
]
"""What is out of scope beside a workload, and a word of it."""


@of_every(PARTS, name=lambda case: case[0])
def test_what_is_out_of_scope_takes_no_workload_away(text: str, word: str) -> None:
    state, says = step(State(), text, ports())
    assert state.values["tokens.output.mean" if "out" in text else "tokens.input.mean"]
    assert "model" in state.values
    assert word in str(says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "I want to fine-tune Llama 3.1 70B with QLoRA on 2M samples of 1,500 tokens, 3 epochs, batch 64",
            "fleetcast train",
        ),
        ("whisper-large-v3 realtime transcription, 500 parallel streams, p95 < 1s, T4 or L4?", "out of scope"),
        ("translate 4 million product texts until Friday", "fleetcast batch"),
        ("embeddings for 5 million documents a day", "--task embed"),
        ("embed 40M documents of 300 tokens with bge-m3 on L4 in one night", "--task embed"),
        ("generate a picture of a data centre full of H100s in the style of van gogh", "out of scope"),
    ],
)
def test_a_line_that_holds_no_workload_is_answered_with_scope_alone(text: str, says: str) -> None:
    state, told = step(State(), text, ports())
    assert says in str(told)
    assert state.values.keys() <= {"model"}


@of_every(
    [
        "POST /summarize, Qwen3 32B, 5 rps, 3,100 tokens in, 900 out",
        "Besides the nightly batch job: Qwen3 32B, 5 rps, 3,100 tokens in, 900 out",
        "claims_assistant: Qwen3 32B, 5 rps, 3,100 tokens in, 900 out",
        "| path | model | per day | in | out |\n|---|---|---|---|---|\n| /chat | Qwen3-32B | 410,000 | 3,100 | 900 |",
    ],
    name=str,
)
def test_the_name_of_an_endpoint_is_no_kind_of_traffic(text: str) -> None:
    reading = interpret(text, CATALOG)
    assert "preset" not in reading.values
    assert (reading.values["tokens.input.mean"], reading.values["tokens.output.mean"]) == (3100, 900)


def test_a_kind_of_traffic_is_asked_about_where_figures_of_lengths_beside_it_came_to_nothing() -> None:
    text = "support assistant, tickets of 9k and letters of some 700, Llama 3.1 70B, 5 rps"
    asked = {question.path: question for question in interpret(text, CATALOG).questions}
    assert "700" in asked["preset"].text
    assert asked["preset"].choices[0].value == "chat"


def test_no_target_of_a_kind_of_traffic_holds_where_none_is_wanted() -> None:
    state, _ = step(State(), "RAG on Qwen3 14B, 4 rps, TTFT whatever", ports())
    assert "targets" not in state.values
    assert state.values["tokens.prefix_hit"] == 0.31
    stated, _ = step(State(), "RAG on Qwen3 14B, 4 rps, no latency target but ITL p95 40 ms", ports())
    assert [target.metric for target in stated.values["targets"]] == ["itl"]
