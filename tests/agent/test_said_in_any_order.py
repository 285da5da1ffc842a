"""What is said stays said: random workloads, in any order, over lines, as answers or beside them, with questions."""

from collections.abc import Mapping
from random import Random
from typing import Any

from agent.collect.assumed import assumed
from agent.collect.said_values import with_values
from agent.dialogue import step
from agent.talk.questions import open_slot
from agent.talk.state import Clarify, State
from catalogs.catalog import Catalog
from engine.workload import Target
from tests.agent.talks import ports, words
from tests.draws import draws
from tests.every import of_every

CATALOG = Catalog.load()
MODELS = {"llama 3.1 8b": "llama-3.1-8b", "Qwen2.5 32B": "qwen2.5-32b", "gpt-oss 120b": "gpt-oss-120b"}
CARDS = {"H100": "h100-sxm-80gb", "L40S": "l40s", "B200": "b200-sxm"}
LEADS = ("", "", "", "ok ", "so ", "also ", "plus ", "oh and ", "well, ", "yes, ", "btw ")
TAILS = ("", "", "", " please", " I think", ", I guess", " then", ".")
JOINS = (", ", " and ", "; ", ". ")
BETWEEN = ("thanks", "hmm", "what can you do", "is that a lot?", "why do you ask?")


def drawn(random: Random) -> dict[str, tuple[Any, tuple[str, ...], tuple[str, ...]]]:
    """Return by path a value, lines that state it, and answers that give it where it is asked."""
    pick = random.choice
    name, card, precision = pick(list(MODELS)), pick(list(CARDS)), pick(("fp8", "int4"))
    rate, prompt, answer = pick((6, 20, 40)), pick((400, 1500, 3500)), pick((80, 250, 450))
    peak, hit, growth = pick((2, 2.5, 4)), pick((30, 60)), pick((20, 80))
    daily = 86400 * rate
    facts: dict[str, tuple[Any, tuple[str, ...], tuple[str, ...]]] = {
        "model": (MODELS[name], (name, f"the model is {name}", f"we want {name}"), (name, f"{name} please")),
        "traffic.requests_per_s": (
            rate,
            (f"{rate} rps", f"{rate} requests a second", f"{daily:,} requests a day", f"rate: {rate}/s"),
            (f"{rate} per second", f"{daily} daily", f"{60 * rate} a minute", f"maybe {rate} rps"),
        ),
        "tokens.input.mean": (
            prompt,
            (f"{prompt} in", f"prompts are {prompt} tokens", f"input length {prompt}", f"prompt {prompt}"),
            (f"{prompt}", f"about {prompt / 1000:g}k", f"{prompt} tok"),
        ),
        "tokens.output.mean": (
            answer,
            (f"{answer} out", f"answer {answer}", f"output length {answer}", f"replies of {answer} tokens"),
            (f"{answer}", f"~{answer}", f"about {answer} tokens"),
        ),
        "precision.weights": (precision, (precision, f"weights in {precision}"), (f"{precision} is fine",)),
        "hardware.accelerators": ((CARDS[card],), (f"on {card}", f"use {card}", f"gpu {card}"), (f"{card} please",)),
        "availability.spare_replicas": (1, ("one spare", "N+1", "plus one spare replica"), ()),
        "traffic.peak_factor": (peak, (f"peak is {peak}x the mean", f"peak factor {peak}"), ()),
        "tokens.prefix_hit": (hit / 100, (f"{hit}% of the prompt is cached", f"cache hit rate {hit}%"), ()),
        "traffic.growth_per_year": (growth / 100, (f"growing {growth}% a year", f"{growth}% growth per year"), ()),
        "money.provider": ("aws", ("on aws", "hosted on aws"), ()),
    }
    needed = list(facts)[:4]
    return {path: fact for path, fact in facts.items() if path in needed or random.random() < 0.5}


def told(random: Random, facts: Mapping[str, tuple[Any, tuple[str, ...], tuple[str, ...]]], asks: float) -> State:
    """Return the state after lines that state all of it, in some order, some of them as answers to what is asked."""
    state, left = State(), random.sample(list(facts), len(facts))
    while left:
        if random.random() < asks:
            state, _ = step(state, random.choice(BETWEEN), ports())
        asked = open_slot(state, ports()) if state.phase != "planned" and not state.pending else None
        answers = [path for path in left if asked and path in asked.paths and facts[path][2]]
        if answers and random.random() < 0.6:
            said = random.choice(facts[answers[0]][2])
            left.remove(answers[0])
        else:
            count = random.choice((1, 1, 2, 3))
            stated, left = left[:count], left[count:]
            parts = [random.choice(facts[path][1]) for path in stated]
            said = random.choice(JOINS).join(parts)
        lead = random.choice(LEADS)
        lead = "" if said[0].isdecimal() and lead == "plus " else lead  # 'plus 400' adds
        state, _ = step(state, f"{lead}{said}{random.choice(TAILS)}", ports())
    return state


@of_every(range(draws(80)))
def test_what_is_said_stays_said(seed: int) -> None:
    random = Random(seed)
    facts, asks = drawn(random), 0.08 if seed % 4 == 0 else 0.0
    if asks:
        facts.pop("traffic.growth_per_year", None)  # after the plan it is asked when the fleet is too small
    state = told(random, facts, asks)
    values = dict(state.base.values if state.branches else assumed(state, ports()).state.values)
    if isinstance(state.pending, Clarify):
        values |= {one.path or state.pending.question.path: one.value for one in state.pending.question.choices[:1]}
    values["model"] = str(values.get("model")).lower().replace(" ", "-")
    lost = {path: values.get(path) for path, (value, _, _) in facts.items() if values.get(path) != value}
    assert not lost, (lost, state.lines)


def test_what_is_named_anew_takes_the_place_of_what_was_said_and_says_so() -> None:
    state = State()
    for line in ("8 rps", "llama 3.1 8b", "on a T4?"):
        state, _ = step(state, line, ports())
    state, says = step(state, "hm, what about L4 on aws then", ports())
    assert (state.values["hardware.accelerators"], state.values["money.provider"]) == (("l4",), "aws")
    assert "On l4 (before: t4)." in words(says)
    state, says = step(state, "H100", ports())
    assert "Which holds?" in words(says), "without such a word it is asked"


@of_every(sorted(CATALOG.presets))
def test_a_stated_target_replaces_its_own_alone_of_those_that_the_kind_of_traffic_has(kind: str) -> None:
    """As at the flags: in one line with the kind, before it or behind it."""
    own = CATALOG.presets[kind].targets
    mine: dict[str, Any] = {"targets": (Target(metric="ttft", percentile="p95", seconds=3.0),)}
    for parts in (({"preset": kind, **mine},), ({"preset": kind}, mine), (mine, {"preset": kind})):
        state = State()
        for values in parts:
            state = with_values(state, dict(values), {}, ports())
        names = {f"{one.metric}_{one.percentile}_s": one.seconds for one in state.values["targets"]}
        assert names == {**own, "ttft_p95_s": 3.0}, parts
