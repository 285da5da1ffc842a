"""Each number, name, place and wish of a line is in a value, a question, a note, or is named as not used."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.interpret import interpret
from agent.interpret.facts.reading import Reading
from catalogs.catalog import Catalog
from tests.draws import draws

CATALOG = Catalog.load()
TELLING = (
    "Frankfurt|in Europe|on AWS|Azure West Europe|near Tokyo|H100|8 H100|two A100 80GB|RTX 4090|no L40S|MI300X|"
    "Llama 3.1 70B|Deep Seek R1|Qwen3 32B|gpt-oss-120b|8B|fp8|int4|bf16|kv cache in fp8|vLLM|with SGLang|"
    "with EAGLE speculative decoding|LoRA adapters|with thinking|no consumer cards|data-centre GPUs|"
    "99.9 % availability|N+1|two node failures|the loss of 2 replicas|GDPR|carbon neutral|Kubernetes|"
    "low latency|cheapest|high quality|"
    "20 rps|5 million requests a day|2,000 users|12 questions a day each|600 rpm|peak 3x|bursts of 40 rps|"
    "prompts of 1.5k tokens|1500 in / 300 out|isl512|osl128|2048 in:512 out|answers of 400 words|context 32k|"
    "60% of the prompt is cached|p95 TTFT 800 ms|ITL 40 ms|30 tokens/s per user|latency under 2 s|growing 20% a year|"
    "3 rps today|9 in twelve months|under $20k a month|$3 per million tokens|spot|reserved 3 years|40 kW|"
    "Postgres|quokka|the Istanbul office|motorway|images|fine-tuning|embeddings|between 9 and 17|"
    "20 Anfragen pro Sekunde|1500 tokens en entrée|500 usuarios|--max-num-seqs 64|--port 8000|ttft_p95_ms: 900|"
    "--random-input-len 1024|--request-rate 8|--max-model-len 32768|tensor_parallel_size: 4|nvidia.com/gpu: 4|"
    "prompt_tokens: 3100|40 questions a day from each of 220 underwriters|a typical beekeeper asks 41 questions a day|"
    "221 falconers|each of 900 residents asks 3 questions a day|72,000 chats a day|five turns per chat|6 messages each|"
    "1,000 sessions an hour|3,001 users in January|9,000 in December|15 rps by Christmas|doubling every quarter|"
    "any single server drops out|a pod dying|bursts to 21 rps for a few seconds|getting 35 t/s for one user|"
    "behind nginx|Kafka|Whisper|inside Switzerland|hébergé à Paris|Standort Hamburg|350 juristes|15 Fragen pro Tag|"
    "presupuesto 6.000 dólares al mes|40M tokens a day in, 6M out|8 chunks x 400 tokens|300 token system prompt|"
    "Command R|DGX Spark|max 4 GPUs|at least 18 GPUs|AMD only|no spot|between 08:00 and 18:00 about 90,000 requests|"
    "12 (twelve) H200|two (2) seconds|how many GPUs|exactly 5 GPUs, no wait|peak x2.5|"
    "12 % of the daily 600,000 requests"
).split("|")
GLUE = st.sampled_from((", ", " ", " and ", "; ", ". ", " with ", " for ", "\n", " on ", " or "))
ORDINARY = st.sampled_from(("", "we need ", "please ", "our service has ", "it should run ", "I want "))


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    """A line and the pieces of which it is made."""
    pieces = draw(st.lists(st.sampled_from(TELLING), min_size=1, max_size=7, unique=True))
    text = draw(ORDINARY) + pieces[0]
    for piece in pieces[1:]:
        text += draw(GLUE) + piece
    return text, tuple(pieces)


def spoken_of(reading: Reading) -> str:
    """All that the reading says back."""
    said_values = [f"{one.words} {one.echo}" for one in (*reading.said_values, *reading.habits)]
    questions = [f"{question.words} {question.text}" for question in reading.questions]
    return "\n".join([*said_values, *questions, *reading.unused, *reading.objections, *reading.notes]).casefold()


_SMALL = frozenset(
    "of in on the a with no and or at en by per to is under over it each every today near for from between some can "
    "à hébergé only getting exactly how many typical about any few gpus gpu asks out random input len rate request "
    "prompt month year low requests day users usuarios questions tokens anfragen sekunde prompts entrée".split()
)
"""Words of a piece that tell nothing without its number or its name."""


@settings(max_examples=draws(400), deadline=None)
@given(lines())
def test_every_number_name_place_and_wish_of_a_line_is_told(line: tuple[str, tuple[str, ...]]) -> None:
    text, pieces = line
    spoken = spoken_of(interpret(text, CATALOG))
    if "nothing of it was taken" in spoken:
        return
    for piece in pieces:
        for word in re.findall(r"[^\W\d_]+|\d+", piece.casefold()):
            assert word in _SMALL or word in spoken, (word, piece)
