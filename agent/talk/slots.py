"""The questions, in asking order; which fields each fills stands in the table of fields."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from agent.fields.table import FIELDS
from agent.report.blocks import Group, Paragraph
from agent.talk.speech import Talk

Values = Mapping[str, Any]


class Slot(Struct, frozen=True):
    """One question."""

    id: str
    """Also its name in ``edit`` and ``why``."""
    names: tuple[str, ...]
    """Other words for it."""
    ask: str
    why: str
    """What the answer changes, and by how much."""
    example: str
    enter: str = ""
    """What Enter does, where the question is asked and has a default."""
    default: str = ""
    """What stands without an answer; empty where one is needed."""
    default_reason: str = ""
    offered: bool = False
    """Not asked: its default is offered in the review."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields that it fills; the first is the one that a bare answer means."""
        return _PATHS[self.id]

    @property
    def path(self) -> str:
        """The field that a bare answer means."""
        return self.paths[0]


SLOTS: Final = (
    Slot(
        id="model",
        names=("llm", "weights model", "network"),
        ask="Which model do you want to serve? A name, a size such as 70B, owner/name on Hugging Face, or a "
        "config.json.",
        why="Its weights and KV cache decide how many GPUs one copy needs, and each token costs 2 FLOPs per active "
        "parameter: a 70B takes about nine times the work of an 8B.",
        example="Llama 3.1 70B",
    ),
    Slot(
        id="traffic",
        names=("rate", "rps", "load", "requests", "users", "qps", "volume"),
        ask="How much traffic, on average? Requests per second, minute or day; or users and how often each asks.",
        why="Replicas grow in proportion: twice the requests, about twice the GPUs.",
        example="20 rps, 5 million requests a day, 2,000 users with 3 questions an hour each",
    ),
    Slot(
        id="prompt",
        names=("input", "prompts", "prompt length", "input length", "input tokens", "inputs", "isl"),
        ask="How long is a prompt, everything included (system prompt, history, documents)? Tokens, words or pages.",
        why="Prompts are computed before the first token: twice the length takes about twice the prefill time, so TTFT "
        "and, for long prompts, the GPUs. They also fill the KV cache.",
        example="1.5k tokens, 800 words, a 3-page document",
    ),
    Slot(
        id="answer",
        names=("output", "answers", "answer length", "output length", "output tokens", "outputs", "osl", "response"),
        ask="And how long is an answer? Tokens or words; thinking tokens count.",
        why="Every answer token is one more step for its request: twice the length keeps each request about twice as "
        "long on a GPU. It usually moves the count more than the prompt does.",
        example="300 tokens, 200 words",
    ),
    Slot(
        id="precision",
        names=("format", "quantisation", "quantization", "dtype", "weights", "kv precision", "kv cache"),
        ask="Which precision for the weights?",
        enter="Enter keeps the checkpoint's own.",
        why="fp8 halves the bytes of bf16 and int4 quarters them: fewer GPUs per copy, and up to twice the tokens per "
        "second where the GPU computes in it.",
        example="fp8, bf16, int4",
        default="the checkpoint's own",
        default_reason="it is what its publisher tested",
    ),
    Slot(
        id="accelerator",
        names=("gpu", "gpus", "accelerators", "hardware", "card", "cards", "chip"),
        ask="Which GPU? Name one or several, or say what to leave out.",
        enter="Enter lets me choose the cheapest that works.",
        why="Memory decides how many hold one copy, bandwidth how fast answers come, and price the bill: for one load "
        "the dearest choice often costs three times the cheapest.",
        example="H100, A100 80GB or L40S, anything but H100",
        default="chosen among all",
        default_reason="the cheapest whole fleet that meets the targets",
    ),
    Slot(
        id="targets",
        names=("target", "latency", "slo", "sla", "ttft", "itl", "tpot", "latencies", "e2e"),
        ask="Which latency must hold? Until the first token (TTFT), between tokens (ITL) or for the whole answer "
        "(end to end), and for how many of 100 requests.",
        why="A tight target leaves GPUs partly idle: halving it can double the fleet, and below the hardware's floor "
        "nothing meets it.",
        example="p95 TTFT 800ms, p99 ITL 50ms",
        default="none",
        default_reason="the fleet is then sized to 85 % of saturation, whatever the latency",
        offered=True,
    ),
    Slot(
        id="peak",
        names=("peak factor", "peaks", "burst", "bursts", "burstiness", "busiest hour"),
        ask="How much busier than the average is the busiest hour?",
        why="The fleet is sized for the busiest hour: at 3 × the mean it is twice what 1.5 × needs.",
        example="peak 2x",
        default="1.5 × the mean",
        default_reason="a common daytime service; a public chat trace has 1.66",
        offered=True,
    ),
    Slot(
        id="growth",
        names=("grow", "horizon", "growth rate"),
        ask="How fast does traffic grow, and how far ahead should the plan reach?",
        why="It adds replicas to the maximum, not to today's fleet: 50 % a year over two years makes it 2.25 times.",
        example="50% a year, doubling every six months",
        default="none",
        default_reason="nobody said that it grows",
        offered=True,
    ),
    Slot(
        id="availability",
        names=("spares", "spare", "redundancy", "ha", "n+1", "spare replicas", "replicas"),
        ask="How many replicas may fail without anyone noticing?",
        why="Each spare is one more replica that is paid all month.",
        example="N+1, two spare replicas",
        default="no spare replicas",
        default_reason="spares are yours to ask for",
        offered=True,
    ),
    Slot(
        id="power",
        names=("power limit", "power budget", "kw", "watts", "rack"),
        ask="How much power may the whole fleet draw, its hosts included?",
        why="It is a ceiling on the fleet: an H100 with its share of the host is rated at 1.3 kW, so 40 kW hold 31.",
        example="40 kW",
        default="no limit",
        default_reason="what your racks can feed is yours to know",
        offered=True,
    ),
    Slot(
        id="prefix",
        names=("prefix cache", "prefix reuse", "cache", "prefix hit", "cache hit", "caching"),
        ask="What share of the prompt tokens repeats from one request to the next (system prompt, history)?",
        why="Cached tokens are not computed again: at 50 % the prefill work halves, and often a quarter of the GPUs "
        "go.",
        example="40% prefix hit",
        default="0 %",
        default_reason="the safe side; chat reaches 40 to 60 %",
        offered=True,
    ),
    Slot(
        id="money",
        names=("budget", "price", "cost", "provider", "region", "term", "prices", "costs"),
        ask="Any provider, region, term (on demand, spot, one or three years) or monthly budget?",
        why="The same GPU costs two to four times more at one provider than at another; a year's commitment saves 30 "
        "to 50 %.",
        example="AWS in us-east-1, spot, under $20k a month",
        default="the median on-demand offer",
        default_reason="cheapest and dearest stand beside it",
        offered=True,
    ),
)

_PATHS: Final = {slot.id: tuple(field.path for field in FIELDS.values() if field.slot == slot.id) for slot in SLOTS}
BY_ID: Final = {slot.id: slot for slot in SLOTS}
ASKED: Final = tuple(slot for slot in SLOTS if not slot.offered)
OFFERED: Final = tuple(slot for slot in SLOTS if slot.offered)


def slot_called(name: str) -> Slot | None:
    """Return the slot that a word means, or that a path belongs to."""
    said = " ".join(name.lower().split()).removeprefix("the ").removeprefix("my ")
    named = (slot for slot in SLOTS if said in {slot.id, *slot.names} or said.removesuffix("s") == slot.id)
    return next(named, None) or slot_of(said)


def slot_of(path: str) -> Slot | None:
    """Return the slot that a path belongs to."""
    field = FIELDS.get(path)
    return BY_ID.get(field.slot) if field else None


def is_answered(slot: Slot, values: Values) -> bool:
    """Return whether the values answer a question."""
    return any(values.get(path) not in (None, ()) for path in slot.paths if FIELDS[path].answers)


def default_of(slot: Slot, values: Values) -> str:
    """Return what stands without an answer; empty where one is needed."""
    from engine.workload import FLEET  # the first prompt does not wait for the engine

    if slot.id == "traffic" and any(values.get(path) for path in FLEET):
        return "the largest rate that this fleet holds"
    return slot.default


def asking(slot: Slot, values: Values, now: str = "") -> Talk:
    """Return the question with its example.

    Args:
        now: the answer that stands, where it is asked again.
    """
    enter = slot.enter
    if slot.id == "traffic" and default_of(slot, values):
        enter = f"Enter asks for {default_of(slot, values)}."
    if now:
        enter = f"Now: {now}. Enter keeps it."
    text = f"{slot.ask} {enter}".rstrip()
    return Talk((Group((Paragraph(text), Paragraph(f"For example: {slot.example}.", "quiet"))),))
