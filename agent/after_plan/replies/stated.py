"""Who stated what a plan rests on, what its price holds, and what a line points at that is not there."""

import re
from typing import Final

from agent.after_plan.lines.accounts import figures_in, left_out
from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.figures.latencies import SERVER
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.moves import is_same, planned_in
from agent.fields.demand import RATE
from agent.interpret.traffic.peaks import load_shown
from agent.report.blocks import Bullets
from agent.report.words import source_shown, usd_shown
from agent.talk.answer_display import value_shown
from catalogs.units import TERM_WORDS, show_usd

_FIELDS: Final = (
    ("money.term", r"on[- ]demand|reserv\w+|spot|term|commit\w*|contract"),
    ("money.provider", r"aws|amazon|azure|gcp|google|provider|cloud"),
    ("money.region", r"region|frankfurt|europe|eu-\w+-\d|location|where it runs"),
    ("money.monthly_budget_usd", r"budget"),
    ("availability.spare_replicas", r"spares?|redundan\w+|n\+\d|stand-?by|reserve"),
    ("traffic.peak_factor", r"peaks?|busiest|1\.5 ?×?|factor"),
    ("traffic.growth_per_year", r"grow\w*"),
    ("tokens.prefix_hit", r"prefix|cache hit|cached"),
    ("tokens.output.mean", r"outputs?|answers?|replies|responses?|tokens? out"),
    ("tokens.input.mean", r"inputs?|prompts?|context|tokens? in"),
    ("targets", r"ttft|itl|p9\d|p50|targets?|slo|sla|latency|\d+ ?ms"),
    ("traffic.requests_per_s", r"rps|qps|requests?|rate|peaks?|traffic|load|\d+ ?/ ?s|(?:per|a|each) second"),
    ("precision.kv_cache", r"kv"),
    ("precision.weights", r"fp8|bf16|fp16|int4|int8|fp4|precision|quanti\w+"),
    ("hardware.accelerators", r"[abh]\d{2,3}s?|l40s?|mi\d+x?|gpus?|cards?|accelerators?"),
    ("serving.runtime", r"vllm|sglang|tensorrt|trt-?llm|runtime|engine"),
    ("serving.tensor_parallel", r"tp ?\d*|tensor\w*|parallel\w*"),
    ("model", r"llama|qwen|mistral|gpt-oss|deepseek|gemma|model"),
)  # fmt: skip
"""Paths, and words that name them; the first that a line has are meant."""


def who_said(asked: Asked) -> Explanation:
    """Return who stated what a line doubts: the user, in which words, or nobody, and what was taken then."""
    plan = asked.plan
    paths = [path for path, words in _FIELDS if asked.has(words)][:3] or _of_figures(asked)
    strange = left_out(asked.figures, (), plan)
    told = [f"{' and '.join(strange)} is nothing that the plan rests on."] if strange else []
    if not paths:
        return paragraphs(*(told or ["Which of them?"]), "'what did you assume' lists what was said and what was not.")
    told += [_stated(asked, path) for path in paths]
    assumed = [one.text for one in plan.assumptions if any(_alike(path, one.text) for path in paths)]
    return (
        *paragraphs(*told),
        *((Bullets(tuple(assumed), "Assumed where nothing was said:"),) if assumed else ()),
        *paragraphs("Say it as it is ('with 400 tokens out', 'reserved for 1 year') and a variant is planned with it."),
    )


_OF_UNITS: Final = {
    "rps": "traffic.requests_per_s", "tokens in": "tokens.input.mean", "tokens out": "tokens.output.mean",
    "ms": "targets", "s": "targets", "x": "traffic.peak_factor",
}  # fmt: skip


def _of_figures(asked: Asked) -> list[str]:
    """Return the paths whose value in the plan is a figure of the line: 'is the 20 measured'."""
    figures = [figure.number for figure in figures_in(asked.figures)]
    return [
        path
        for unit, path in _OF_UNITS.items()
        if any(is_same(figure, value) for figure in figures for value in planned_in(unit, asked.values))
    ]


def _stated(asked: Asked, path: str) -> str:
    source, name = asked.plan.sources.get(path), path.replace("_", " ").replace(".", ", ")
    if source is None or source.kind == "default":
        taken = f": {source_shown(source)}" if source else ""
        return f"Nobody said anything of {name}; the plan takes what is usual{taken}."
    value = asked.values.get(path)
    given = load_shown(value, asked.values) if path == RATE and value else value_shown(path, value)
    shown = f" {given}" if value is not None else ""
    who = "Said by you" if source.kind == "said" else "Not stated in so many words"
    return f"{who}: {name}{shown}, {source_shown(source)}."


def _alike(path: str, text: str) -> bool:
    words = {
        "traffic.peak_factor": "busiest hour", "tokens.prefix_hit": "prefix", "precision.kv_cache": "KV cache",
        "serving.runtime": "served by", "targets": "target", "availability.spare_replicas": "spare",
        "traffic.growth_per_year": "grow",
    }  # fmt: skip
    return path in words and words[path].lower() in text.lower()


def included(asked: Asked) -> Explanation:
    """Return what the bill holds and what it leaves out."""
    plan, offer, cost = asked.plan, asked.plan.chosen.offer, asked.plan.cost
    other = (
        f" and {show_usd(cost.other_monthly_usd)} a month of other costs that you stated"
        if cost.other_monthly_usd
        else ""
    )
    rented = (
        f"{usd_shown(cost.monthly_usd)} a month is {plan.fleet.instances} whole {offer.instance} of {offer.provider},"
        f" {TERM_WORDS[offer.term]}, as listed{other}: with their CPUs, memory, network card and local disks, the power"
        " and the cooling, in dollars net of tax."
        if offer
        else f"{usd_shown(cost.monthly_usd)} a month, as listed{other}."
    )
    of_times = asked.has("network|latency|ttft|rtt") and not asked.has("bill|price|costs?|pay|invoice")
    out = (
        "VAT and other taxes", "traffic out to the internet and between zones, the load balancer",
        "storage for weights, images and logs; the cluster's own nodes and control plane",
        "support contracts and discounts, which only your provider knows",
        "people, monitoring, gateway and test machines",
    )  # fmt: skip
    return (
        *paragraphs(SERVER.replace("It", "A latency", 1) * of_times, rented),
        Bullets(out, "Not in it:"),
        *paragraphs("'--other-costs 3000' adds a sum a month; '$1.80 per GPU-hour' takes your own price."),
    )


_REGIONS: Final = r"regions?|countr\w+|zones?|places?"


def reference(asked: Asked) -> Explanation:
    """Ask which of several is meant, where a line points at one that nobody named."""
    branches = asked.state.branches
    if asked.has(_REGIONS) or asked.has("clouds?|providers?"):
        what, such = ("region", "in London") if asked.has(_REGIONS) else ("provider", "on azure")
        return paragraphs(
            f"Which one? No other {what} was named: say it, as in 'is it cheaper {such}', or 'is it cheaper elsewhere'"
            " for all of them."
        )
    if len(branches) > 1:
        shown = tuple(f"{branch.number}: {branch.label}" for branch in branches)
        return (
            *paragraphs("Which one? 'keep' or 'show' with its number takes or shows it."),
            Bullets(shown, "The plans:"),
        )
    return paragraphs(
        f"Which one? There is one plan, and nothing beside it: {asked.plan.answer.sentence.rstrip('.')}. Name what you"
        " mean, as in 'on H200', 'why not TP8', 'on azure', or 'which model could I run instead'."
    )


_WITHDRAWN: Final = re.compile(
    r"\b(?:leave|keep|ignore|forget|never ?mind|nvm|nevermind|wrong (?:window|chat|thread|channel|tab)|lass(?:en|t)?|"
    r"laisse|d[ée]ja\w*|bleibt|don'?t change|nothing to (?:change|do)|no changes?|unchanged|meant for|egal|vergiss|"
    r"oublie|olvid\w+|as (?:it )?is|disregard|skip it|mistake)\b",
    re.I,
)


def let_it_be(asked: Asked) -> str:
    """Return that nothing was changed, where a line takes itself back; empty where it does not."""
    return "Nothing was changed: the plan stands as it is." if _WITHDRAWN.search(asked.words) else ""
