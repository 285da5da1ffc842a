"""Wishes that are no field of a plan: each is named, with what would be needed or where the plan ends."""

import re
from typing import Final

from agent.interpret.facts.draft import Draft
from agent.interpret.facts.leftovers import covered
from agent.interpret.facts.reading import Choice
from agent.interpret.words.grammar import Item, Sentence, matches_of, rules

REASONING: Final = "tokens.reasoning_tokens"
_DRAFT_MODEL: Final = rules(
    "('a' | 'an')? (model | num) unknown? draft 'model'?", "draft 'model' (link | colon){0,2} (model | num)"
)
_THINKING: Final = rules(
    "('with' | 'in' | 'using' | 'enable' | 'enabling') reasoning ('mode' | 'on' | 'enabled')? (?! token | num)",
    "reasoning ('mode' | 'on' | 'enabled') (?! token | num)",
)
_USUAL_THOUGHT: Final = {"everyday questions": 1000, "mathematics and code": 8000}
"""Hidden tokens of an answer, by judgement."""

CLOSED: Final = (
    r"chat-?gpt|gpt-?(?:3\.5|4|5)[\w.-]*|claude(?:[- ](?:\d[\d.]*|sonnet|opus|haiku))+|"
    r"gemini(?:[- ](?:\d[\d.]*|pro|flash|ultra))+|grok-?[34]\w*"
)
"""Names of models whose weights nobody else has."""
NOT_OPEN: Final = "its weights are not open"
MEDIA_MODELS: Final = (
    r"stable diffusion|sdxl|flux(?:\.\d)?|wan[- ]?2\.\d(?! ?ms)|hunyuan[- ]?video|sora(?:[- ]2)?|"
    r"mochi(?:[- ]1|(?=[- ]\d+b))|cogvideo\w*|ltx(?:[- ]?video)?"
)
"""Families of models that make pictures and video, as people write them."""
_WISHES: Final = tuple(
    (re.compile(rf"\b(?:{pattern})\b", re.I), text)
    for pattern, text in (
        (
            r"(?:eagle(?:-?\d)?\s+)?speculative\s+(?:decoding|sampling)|eagle-?\d|eagle|medusa|mtp|"
            r"multi-token prediction|draft model|lookahead decoding|self-speculation|speculation",
            "speculative decoding is not reckoned; without it the plan is on the safe side for latency",
        ),
        (CLOSED, f"{NOT_OPEN}, so that nobody else can serve it; name an open model, such as gpt-oss 120B"),
        (
            r"(?:multi-?)?lora(?:\s+adapters?)?s?|adapters?|qlora",
            "adapters are not reckoned; leave memory for them with a lower memory utilisation",
        ),
        (
            r"gdpr|hipaa|soc ?2|iso ?27001|fedramp|complian\w+|sovereign\w*|air-?gapped|confidential(?: computing)?|"
            r"data protection|privacy|secure|security|encrypt\w*",
            "rules and protection of data are not judged; name a region or a provider, or say 'on our own hardware'",
        ),
        (
            r"carbon(?:[- ]neutral)?|co2\w*|green|sustainab\w+|renewable\w*|emissions?|climate",
            "emissions need the grid's g CO2e per kWh (money.grid_g_co2e_per_kwh in a spec file)",
        ),
        (
            r"disaggregat\w+(?:\s+(?:prefill|serving|inference))?|p/d (?:split|disaggregation)",
            "prefill and decode on accelerators of their own are not planned",
        ),
        (
            r"(?:no|without) gpus?(?: at all)?|cpus? only|only (?:on )?cpus?|on cpus?",
            "a plan is of accelerators; of processors the catalog has a few, named as accelerators are",
        ),
        (
            r"whisper(?:[- ](?:large|small|turbo))?|asr|tts|speech[- ](?:to[- ]text|recognition)|text[- ]to[- ]speech|"
            r"transcri(?:be|bes|bing|ption)|diari[sz]ation",
            "out of scope are speech to text and text to speech: planned are models that read and write text",
        ),
        (
            r"(?:two |an? |\d+ )?(?:images?|photos?|pictures?|screenshots?|audio|speech|voice|videos?|"
            r"multi-?modal|vision)",
            "only tokens are reckoned; count what an image or a minute of sound takes as tokens of the prompt",
        ),
        (
            r"embeddings?|embed|embedding models?|re-?rank\w*",
            "embeddings and rankings are plans of their own: '--task embed' sizes a model that only reads",
        ),
        (
            r"fine-?tun\w+|pre-?train\w*|rlhf|train(?:ing)?\s+(?:an?|the|our)\b[^,.;]*|distil\w+",
            "a plan serves a model that is ready; a training run is reckoned by 'fleetcast train'",
        ),
        (
            rf"{MEDIA_MODELS}|diffusion|image generation|text[- ]to[- ](?:image|video|speech)",
            "out of scope is what makes no text",
        ),
        (
            r"batch (?:jobs?|processing|inference)|offline(?: (?:jobs?|batch|processing|inference))?|deadline",
            "a job with a deadline is planned by 'fleetcast batch'; here it is a rate, its requests over its time",
        ),
        (
            r"(?:each|either)(?: (?:site|zone|region|dc|one|of them))? (?:must |can |should |has to |needs to |to |"
            r"be able to |alone )+(?:carry|take|handle|hold|serve)\w* (?:the )?(?:whole|all|every\w*|full|entire)"
            r"[^,.;]*|active[-/ ]active",
            "a plan is of one place that carries all; each further one that does takes as many GPUs again",
        ),
        (r"kv (?:cache )?offload\w*|lmcache|offload\w*", "offloading of the KV cache is not reckoned"),
        (
            r"(?:very |ultra[- ]?)?(?:low(?:est)?[- ]latency|fast(?:est)?|quick(?:ly)?|responsive|"
            r"snappy|real-?time|instant(?:ly)?)",
            "how fast is a target: say 'p95 TTFT 800 ms' or '30 tokens/s per user'",
        ),
        (
            r"cheap(?:est|ly|er)?|affordable|low[- ]cost|inexpensive|cost[- ]effective|economical|save money",
            "a plan is the cheapest fleet that holds what is stated; a limit is a budget such as 'under $20k a month'",
        ),
        (
            r"(?:kubernetes|k8s|docker|helm|compose)(?:(?:,| and| with| or)? (?:kubernetes|k8s|docker|helm|compose))*",
            "what replicas are run by changes no count; files for it can be exported from the plan",
        ),
        (
            r"(?:istio|openshift|slurm|nomad|terraform|ansible|pulumi)(?:(?:,| and| with| or)? "
            r"(?:istio|openshift|slurm|nomad|terraform|ansible|pulumi))*",
            "what replicas are run by changes no count; files are written for Kubernetes, Helm and Docker Compose",
        ),
        (
            r"(?:high(?:est)? |best |good )?(?:quality|accura(?:cy|te))|hallucinat\w+|smart(?:est)?",
            "the quality of answers is not judged, only what serving takes",
        ),
    )
)


_MEDIA_SIZED: Final = re.compile(rf"\b(?:{MEDIA_MODELS})(?:[- ]\w+)?[- ]\d+(?:\.\d+)?b\b", re.I)
_CLOSED: Final = re.compile(rf"\b(?:{CLOSED})", re.I)


def name_closed(sentence: Sentence) -> None:
    """Let a number inside the name of a closed model be no figure: the 4 of gpt-4o-mini."""
    for found in _CLOSED.finditer(sentence.text):
        for index, item in enumerate(sentence.items):
            if found.start() <= item.start < item.end < found.end() and item.has("num"):
                sentence.merge(index, index, Item(frozenset({"opaque"}), item.start, item.end, item.word, numeric=True))


def read_drafts(draft: Draft) -> None:
    """Take the models that serve no text out of the sentence: one that only drafts, one that makes pictures."""
    for media in _MEDIA_SIZED.finditer(draft.sentence.text):
        for index, item in enumerate(draft.sentence.items):
            if media.start() <= item.start < media.end():
                draft.sentence.claim(index, index)
        note = f"{media.group()!r} is not used: out of scope is what makes no text"
        draft.notes.append((note, *media.span()))
    for match in matches_of(_DRAFT_MODEL, draft.sentence):
        others = (*draft.sentence.items[: match.first], *draft.sentence.items[match.last + 1 :])
        sized = any(item.has("model") or re.fullmatch(r"[\d.]+b", item.word) for item in others)
        if not sized and "model" not in draft.known:
            continue  # it is the only one
        draft.dropped.append(draft.sentence.span(match.first, match.last))
        draft.sentence.claim(match.first, match.last)


def read_thinking(draft: Draft) -> None:
    """Ask how many hidden tokens an answer has, where it is said that the model thinks and not how long."""
    if draft.has(REASONING):
        return
    for match in matches_of(_THINKING, draft.sentence):
        choices = tuple(
            Choice(float(tokens), f"{tokens:,} tokens, for {what}", usual=tokens == 1000)
            for what, tokens in _USUAL_THOUGHT.items()
        )
        said = " ".join(draft.sentence.words(match.first, match.last).split())
        text = f"{said!r}: how many hidden tokens does an answer have before its first word? Usual, by judgement:"
        draft.ask(REASONING, match.first, match.last, text, choices)
        return


def note_wishes(draft: Draft) -> None:
    """Note each wish that is in no value and no question."""
    taken, text = covered(draft), draft.sentence.text
    for pattern, note in _WISHES:
        for match in pattern.finditer(text):
            start, end = match.span()
            if not any(taken[start:end]):
                said = " ".join(match.group().split())
                draft.notes.append((f"{said!r} is not used: {note}", start, end))
                taken[start:end] = b"\x01" * (end - start)
                for index, item in enumerate(draft.sentence.items):
                    if start <= item.start < end:
                        draft.sentence.take(index)
