"""Memory of a replica, the KV cache in it, how long a request may be, and the weights on disk."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.load import GPUS
from agent.after_plan.replies.running.held import longest_prompts
from agent.after_plan.sums import FIGURES, Explanation
from catalogs.errors import InputError
from catalogs.units import GB, GIB, show_bytes, show_count, show_figure, show_percent, show_seconds
from engine.choice.deployment.comparison import IMAGE_BYTES

_PAGE_TOKENS: Final = 650
"""Of a page of 500 English words, at 4 tokens for 3 words."""


def memory(asked: Asked) -> Explanation:
    """Return what is free of the KV pool at the peak, and what memory is taken by."""
    plan = asked.plan
    free, each = plan.memory.headroom, plan.memory.per_accelerator
    weights, kv, taken = (
        show_figure(size / GIB) for size in (each.weights_bytes, each.kv_cache_bytes, (1 - free) * each.kv_cache_bytes)
    )
    lead = (
        f"On each {plan.chosen.accelerator_name} weights take {weights} of {show_figure(each.total_bytes / GIB)} GiB"
        f" and the KV cache has {kv}: {taken} of them ({show_percent(1 - free)}) are taken in the busiest hour, and"
        f" {show_figure(free * each.kv_cache_bytes / GIB)} ({show_percent(free)}) are free."
    )
    pool = plan.memory.kv_cache_tokens or plan.memory.kv_cache_pool_bytes / plan.memory.kv_cache_bytes_per_token
    each_token, of_pool = plan.memory.kv_cache_bytes_per_token, plan.memory.kv_cache_pool_bytes / pool
    why = "with the copies that its accelerators keep of the same heads"
    if of_pool < each_token:
        why = "in the longest requests, by which the pool is counted: a sliding window keeps no more than itself"
    held = f" ({show_bytes(of_pool)} {why})" if abs(of_pool / each_token - 1) > 0.01 else ""
    token = (
        f"The pool of a replica holds {show_count(pool)} tokens, {show_count(pool * free)} of them free at the peak. A"
        f" token takes {show_bytes(each_token)} of KV over the replica{held}, a request of mean"
        f" length {show_bytes(plan.memory.kv_cache_bytes_per_sequence)}. When the pool is full, the runtime makes"
        " requests wait or begin anew; it does not run out of memory."
    )
    each_request = _kv_each(asked) if asked.has("kv|cache") and asked.has(_EACH_REQUEST) else ""
    return (*paragraphs(each_request, lead), *FIGURES["memory"](plan), *paragraphs(token))


_EACH_REQUEST: Final = (
    r"(?:per|each|every|an?|one|single|pro|par|por|je|of) (?:\w+ )?(?:requests?|sequences?|tokens?|users?|"
    r"conversations?|chats?|prompts?|anfragen?|requêtes?|petici\w+)"
)


def _kv_each(asked: Asked) -> str:
    """Return what a request and a token take of the KV cache, in GB where the line says GB, and in which format."""
    plan = asked.plan
    tokens, each = plan.spec.tokens, plan.memory.kv_cache_bytes_per_token
    whole = each * (tokens.input.mean + tokens.output.mean)

    def shown(size: float) -> str:
        return f"{show_figure(size / GB)} GB" if asked.has("gb") else show_bytes(size)

    mean, kept = shown(plan.memory.kv_cache_bytes_per_sequence), plan.chosen.precision.kv_cache.upper()
    return (
        f"A request of {show_count(tokens.input.mean)} + {show_count(tokens.output.mean)} tokens takes {shown(whole)}"
        f" of KV cache when it ends, {mean} on average while it is written: {show_bytes(each)} a token over the"
        f" replica, kept in {kept}. 'KV cache in FP8' halves what 16 bits take."
    )


def native_context(asked: Asked) -> int:
    """Return how many tokens a request may hold by the model, prompt and answer together; 0 where that is not known."""
    if architecture := asked.plan.spec.architecture:
        return architecture.max_context
    try:
        return asked.ports.catalog.model(asked.plan.chosen.model).model.max_context
    except InputError:
        return 0


def context(asked: Asked) -> Explanation:
    """Return how long one request may be, by the model and by the memory of a replica."""
    plan = asked.plan
    native = native_context(asked)
    most, pool = plan.spec.serving.context_window or native, plan.memory.kv_cache_tokens or 0
    number = re.search(r"\b(\d[\d,]*(?:\.\d+)?) ?(k)?\b(?:[ -]?(?:tokens?|pages?))?", asked.words)
    wanted = float(number[1].replace(",", "")) * (1000 if number[2] else 1) if number else 0.0
    if number and "page" in number[0]:
        wanted *= _PAGE_TOKENS
    asks = ""
    if wanted >= 1000 and most:
        fits = wanted <= min(native or most, pool or wanted)
        asks = (
            f"{'Yes' if fits else 'No'}: {show_count(wanted)} tokens in one request {'fit' if fits else 'do not fit'}; "
            + (f"the pool holds {show_figure(pool / wanted)} of them at once." if pool else "the pool is not known.")
        )
    lead = "The model's limit is not known."
    if most:
        each = (
            f" A replica's KV cache holds {show_count(pool)} tokens, {show_figure(pool / most)} such requests."
            if pool
            else ""
        )
        lead = (
            f"Prompt and answer together: {show_count(most)} tokens, about {show_count(most / _PAGE_TOKENS)}"
            f" pages.{each}"
        )
    mean = plan.spec.tokens.input.mean
    text = (
        f"The plan is for prompts of {show_count(mean)} tokens on average. The limit itself costs nothing; long prompts"
        f" do, by what they take of the pool and of others' latency: 'prompts of {show_count(min(most or 8192, 16000))}"
        " tokens' plans for them, 'with a context window of 32k' for a lower limit."
    )
    average = longest_prompts(asked) if asked.has(_AVERAGE) else ""
    return paragraphs(average, asks, lead, "" if average else text)


_AVERAGE: Final = (
    rf"(?:with|on|at|for|fix\w*|keep\w*)\b.*(?:{GPUS}).*how long (?:may|can|could)\b.*|"
    rf"how long (?:may|can|could)\b.*(?:{GPUS}|fleet)|average (?:prompt|input)|"
    r"(?:which|what) (?:prompt|input) (?:length|size)\b.*"
)
"""Words that ask how long prompts may be on a number of machines, and not how long a single one."""


def storage(asked: Asked) -> Explanation:
    """Return the size of the weights on disk and how long they take to load."""
    plan = asked.plan
    weights = plan.memory.weights_bytes
    speed = plan.spec.scaling.weights_bytes_per_s
    given = re.search(r"(\d+(?:\.\d+)?) ?(gb|mb|gbit)/s", asked.words)
    if given:
        speed = float(given[1]) * {"gb": GB, "mb": GB / 1000, "gbit": GB / 8}[given[2]]
    lead = (
        f"{show_bytes(weights)} of weights in {plan.chosen.precision.weights.upper()}, as they lie in memory; the"
        f" checkpoint on disk is about as large, so {show_bytes(2 * weights)} of disk on each node lets a new version"
        " lie beside the old one."
    )
    room = re.search(r"(\d+(?:\.\d+)?) ?(gb|gi?b?|ti?b|t)\b(?!/s)", asked.text, re.I)
    enough = ""
    if room:
        unit = GB if room[2].lower() == "gb" else GIB * (1024 if room[2][0] in "tT" else 1)
        there, needs = float(room[1]) * unit, weights + IMAGE_BYTES
        alone = "enough for one version alone" if there >= needs else "too little"
        verdict = "enough" if there >= needs + weights else alone
        sizes = f"{show_bytes(needs)} with the image, {show_bytes(needs + weights)} with two versions"
        enough = f"{room[0]} are {verdict}: {sizes}."
    return paragraphs(
        enough,
        lead,
        f"At {show_bytes(speed)}/s they are read in {show_seconds(weights / speed)}. The container image of a runtime"
        f" adds up to {show_figure(IMAGE_BYTES / GB)} GB.",
    )
