"""What the words of the field mean, for whoever asks: 'what is TTFT?', 'what does p95 mean'."""

import re
from typing import Final

_MEANINGS: Final[dict[str, str]] = {
    "ttft|time to first token": "TTFT is the time from sending a prompt until the first token of the answer arrives.",
    "itl|tpot|inter token latency": "ITL is the time between two tokens of an answer, once it has begun: 50 ms is "
    "20 tokens/s, faster than most people read.",
    "e2e|end to end|end to end latency": "End to end is the time from sending a prompt until its answer is complete.",
    "token|tokens": "A token is a piece of a word: 100 tokens are about 75 English words. Say words or pages if you "
    "rather count those.",
    "rps|qps|request per second|requests per second": "Requests per second, on average over the day. Say "
    "'5 million requests a day' or '2,000 users, 3 questions an hour each' if you rather count so.",
    "p95|p99|p50|percentile|percentiles": "A percentile is what so many of 100 requests stay within: p95 TTFT 800 ms "
    "means that 95 of 100 answers begin within 800 ms.",
    "precision|fp8|fp16|bf16|int8|int4|quantization|quantisation": "The precision is how many bits each weight takes: "
    "BF16 has 16, FP8 and INT8 have 8, INT4 has 4. Fewer bits need less memory and run faster, at some cost in "
    "quality.",
    "replica|replicas": "A replica is one copy of the model, on one GPU or on several that work as one.",
    "tp|pp|ep|dp|tensor parallel|tensor parallelism|pipeline parallel": "TP splits each layer over several GPUs, "
    "which together are one copy of the model (TP2: two); PP "
    "gives each GPU some of the layers, EP some of the experts; DP runs copies of the attention side by side.",
    "kv|kv cache": "The KV cache is the memory that each running request keeps on the GPU; it grows with every token.",
    "prefix|prefix cache|prefix caching|prefix reuse": "Where prompts begin alike (a system prompt, a chat's history), "
    "the part that repeats is kept and not computed again.",
    "peak|peak factor": "The peak factor is the busiest hour over the average hour of the day.",
    "gpu|gpus|accelerator|accelerators": "A GPU, or another accelerator, is the chip that runs the model; its memory "
    "has to hold the weights and the KV cache.",
    "prompt|input|input tokens": "The prompt is all that the model reads: system prompt, history, documents, question.",
    "spare|n+1|availability": "A spare replica runs beside those that are needed, so that one may fail.",
    "slo|sla|targets|target": "A target is the latency that a share of the requests must stay within, such as p95 "
    "TTFT 800 ms.",
}
_BY_TERM: Final = {term: meaning for terms, meaning in _MEANINGS.items() for term in terms.split("|")}
_ASKS: Final = re.compile(
    r"(?:and |so |(?:can|could|would) (?:yo)?u (?:please |pls )?|please )*"
    r"(?:what(?:'?s| is| are| does| do)|explain|define|meaning of)(?: (?:an?|the))? (?P<term>.+?)"
    r"(?: (?:even|actually|exactly|really|again|here|please|pls|to \S+ \S+|"
    r"(?:in|with) (?:\S+ )?\S+ (?:sentences?|words?)))*"
    r"(?: (?:mean|means|stand for))?(?: again| exactly| anyway| please| pls)?"
    r"(?:[,;.:?!]? (?:sorry,? )?"
    r"(?:like i'?m\b|i'?m |i am |(?:in|with) (?:plain|simple|easy|normal|lay\S*) |simply|briefly|"
    r"for (?:dummies|beginners|laymen|an? (?:beginner|layman|manager|lawyer|non\S*))).*)?",
    re.I,
)
"""Who asks may say for whom it is: 'explain ITL like I'm five', 'what does TP2 mean, I'm from finance'."""
_OURS: Final = re.compile(
    r"(?:\s*[,;&?]+\s*|\s+)(?:and |& )?(?:(?:what(?:'s| is| are)|how (?:much|high|big|long|many|fast) (?:is|are)) "
    r"(?:ours|mine|our (?:own|value|figure|number)s?|(?:it|that|the (?:value|figure|number)) (?:here|for us|"
    r"in (?:this|our|my) (?:plan|case)))|(?:do|should|must) (?:i|we) (?:really )?(?:have to |need to )?"
    r"(?:care|worry|bother|mind)(?: about (?:it|that|this))?|"
    r"how (?:many|much)(?: of (?:it|them))? (?:(?:do|have) (?:we|i) (?:have|got|run|need)|"
    r"are there|are ours|does (?:it|the plan) (?:have|take))|"
    r"(?:why )?does (?:it|that|this) (?:even )?matter(?: (?:here|for us|to us|to me))?|"
    r"is (?:it|that|ours|mine) (?:good|bad|ok(?:ay)?|fine|a problem)(?: here| for us)?)\W*$",
    re.I,
)
"""Behind what a word means: what the plan's own figure is, or whether it matters, which that figure says."""
_OF_A_LATENCY: Final = re.compile(
    r"(?:and |so )?what(?:'?s| is| are)(?: the| an?)? (?:ttft|itl|tpot|e2e|p(?:50|90|95|99)|time to first token|"
    r"end[- ]to[- ]end latency)"
    r"(?: again| exactly| here)?\W*",
    re.I,
)
"""The name of a latency alone: its word or its value, as in 'what's the ITL'; 'what does ITL mean' is of the word."""
_FIGURES: Final = {
    "ttft": "p95 of TTFT", "itl": "p95 of ITL", "e2e": "p95 of end to end", "p95": "p95 latency",
    "token": "how many tokens per second in all",
    "rps": "does the rate count what starts each second or what is in flight",
    "peak": "does the rate count what starts each second or what is in flight", "replica": "how many GPUs in all",
    "tp": "how many GPUs in all", "gpu": "how many GPUs in all", "kv": "how much memory is free",
    "prompt": "what is the longest prompt it takes", "slo": "does it meet the targets",
}  # fmt: skip
"""By the first name of a term: what asks for the plan's own figure of it."""


def meaning(line: str) -> str | None:
    """Return what a word means where a line asks for it and it is known; else None."""
    term = _ASKS.fullmatch(" ".join(re.sub(r"[-\"“”]", " ", _OURS.sub("", line)).split()).rstrip("?!. "))
    if term is None:
        return None
    word = term["term"].lower()
    return _BY_TERM.get(word) or _BY_TERM.get(re.sub(r"(?<=^.p)\s?\d+$", "", word))  # 'TP2'


def own_figure(line: str) -> str:
    """Return the question for the plan's figure where a line asks what a word means and what it is in the plan."""
    meant = meaning(line) if _OURS.search(line) or _OF_A_LATENCY.fullmatch(line.strip()) else None
    figure = next((_FIGURES.get(terms.split("|")[0], "") for terms, told in _MEANINGS.items() if told == meant), "")
    named = re.search(r"\bp(?:50|90|95|99)\b", line, re.I)
    return figure.replace("p95", named[0].lower()) if named else figure
