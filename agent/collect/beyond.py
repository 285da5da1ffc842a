"""What a first line wants that is no serving of text: said with what can be done; and models named by a purpose."""

import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from agent.talk.model_proposals import choice_of_model, purpose_in
from agent.talk.speech import Say, said
from agent.talk.state import Clarify, Ports, State, Step

_SERVES: Final = re.compile(
    r"\b(?:serv(?:e|es|ing)|inference|rps|qps|req/s|ttft|itl|requests?|users?|chat\w*|tokens? (?:in|out)|"
    r"after (?:training|fine-?tuning)|"
    r"fine-?tuned|deploy\w*)\b",
    re.I,
)
_OTHERS: Final = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.I), kept, text)
    for kept, pattern, text in (
        (
            "model",
            (
                r"fine-?tun(?:e|ing)|pre-?train(?:ing)?|(?:to |we |i |^)train(?: (?:an?|the|our|my))?|training|rlhf|"
                r"sft|distil\w*|continued pretraining"
            ),
            (
                "A training or fine-tuning run is no traffic, so I ask for none. 'fleetcast train --model llama-3.1-8b"
                " --tokens 1B --method lora --gpu-type H100' reckons it: memory, hours, days, money. Here I plan what"
                " serves the model once it is ready; for that say how many requests it gets."
            ),
        ),
        (
            "",
            r"embed(?:s|dings?|ding models?|ding)?|re-?rank(?:s|ing|er|ers)?|cross-?encoders?",
            (
                "Embedding and reranking models only read: 'fleetcast forecast --task embed --model qwen3-8b --rps 100 "
                "--input-tokens 500' sizes one, a text being one request (for a reranker, a query with one passage)."
            ),
        ),
        (
            "load",
            r"stable diffusion|diffusion|flux|sdxl|(?:image|video|music) generation|text[- ]to[-"
            r" ](?:image|video|speech)|"
            r"whisper|transcri\w+|speech[- ]to[- ]text|tts|asr",
            (
                "Models that make or hear pictures, sound and video are out of scope: their speed rests on other"
                " kernels. I plan models that read and write text; pictures in their prompts count as tokens."
            ),
        ),
        (
            "load",
            r"(?:overnight|nightly|offline|batch) (?:job|run|batch|inference|processing)|batch of|backlog|"
            r"(?:until|by|before) (?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow)|deadline|"
            r"(?:has to|have to|must) be (?:finished|done|ready|through) (?:by|before|between|until)",
            (
                'Work that has to be done by some time is planned by its deadline: fleetcast batch "10 million'
                ' documents by Friday with llama 3.1 8B on H100, 2k in, 200 out" says GPUs, hours and money. Here I'
                " plan traffic that waits for an answer."
            ),
        ),
    )
)
_SIZED_MODEL: Final = re.compile(r"\b[a-z][\w. -]*\d+(?:\.\d+)?b\b", re.I)
"""A model of language, to which what was heard goes on: 'whisper, then llama 3.1 8b summarises'."""
_BY_PURPOSE: Final = re.compile(
    r"\b(?:something|anything|a model|an? llm|one) (?:like|similar to|as good as|for)\b|\b(?:good|best|decent|popular|"
    r"small(?:est|er)?|tiny|cheap(?:est)?|coding|reasoning|chat|general[- ]purpose|open(?:[- ]source)?|recommended?)\b"
    r"(?: [\w-]+){0,3} (?:model|llm|ai|one)s?\b|\b(?:smallest|best|cheapest)(?: one)? that works\b|"
    r"\b(?:which|what) (?:model|llm)\b|\b(?:recommend|suggest) (?:me )?an? (?:model|llm)",
    re.I,
)


class OutOfScope(Struct, frozen=True):
    """What is said of a line that wants no text served."""

    says: tuple[Say, ...]
    kept: str
    """What of the line is kept for a service: nothing, the model alone, or the load beside a model or lengths."""


def out_of_scope(state: State, text: str) -> OutOfScope | None:
    """Return what can be done of a line that wants no text served; None where it wants that.

    Args:
        state: of a conversation without a plan.
        text: the line.
    """
    if _SERVES.search(text) or {"traffic.requests_per_s", "traffic.concurrency"} & {*state.values}:
        return None
    sounds = _SIZED_MODEL.search(text) and "then" in text.lower().split()
    found = (
        OutOfScope((said(answer),), kept)
        for pattern, kept, answer in _OTHERS
        if pattern.search(text) and not (sounds and "sound" in answer)
    )
    return next(found, None)


def with_model_for_purpose(state: State, heard: Step, text: str, ports: Ports) -> Step:
    """Propose models where a line names what one is for and none by name.

    Args:
        state: before the line.
        heard: the state after it, and what was said.
        text: the line.
        ports: of the conversation, to what lies outside it.
    """
    new, says = heard
    cue = _BY_PURPOSE.search(text)
    purpose = purpose_in(text) if cue else None
    asks = [new.pending.question.path] if isinstance(new.pending, Clarify) else []
    if purpose is None or cue is None or "model" in new.values or "model" in asks:
        return heard
    question = choice_of_model(purpose, cue[0], ports.catalog)
    waiting = (new.pending.question, *new.later) if isinstance(new.pending, Clarify) else new.later
    proposed = replace(new, pending=Clarify(question), later=waiting)
    return proposed, () if new is state else says
