"""After a plan, what is stated is planned, what is asked or supposed is tried beside it; 'undo' takes back either."""

from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any

from msgspec.structs import replace

from agent.dialogue import step
from agent.talk.state import Ports, State
from engine.plan import CapacityPlan
from engine.workload import Target
from tests.agent.talks import ports
from tests.draws import draws
from tests.every import of_every

FIRST = "llama 3.3 70b in bf16 on H100 on aws, 9 rps, 1100 in, 210 out, ttft p95 900ms, peak is 2x the mean"
QUESTIONS = (
    "why so many?",
    "what does it cost per user?",
    "what breaks first?",
    "thanks",
    "how sure are you",
    "what did you assume?",
    "which gpu is that?",
    "how many requests are in flight",
)
SUPPOSE = ("what if {}?", "what about {}?", "and with {}", "with {}", "how does it look with {}?", "{}?")
STATE = ("use {}", "make it {}", "ok, {} please", "let's go with {}", "it must be {}", "take {}", "it is {} now")
KEEP = ("keep that", "ok take that", "take it", "yes, do that")
UNDO = ("undo", "undo that", "no, undo", "back", "take that back")
Forms = tuple[tuple[str, ...], tuple[str, ...]]


def _target(seconds: float) -> tuple[Target, ...]:
    return (Target(metric="ttft", percentile="p95", seconds=seconds),)


FIELDS: Mapping[str, tuple[tuple[Any, ...], Callable[[Any], str], Callable[[Any], Any], Forms]] = {
    "hardware.accelerators": (
        ("H200", "L40S", "B200"),
        str,
        lambda said: ({"H200": "h200-sxm-141gb", "L40S": "l40s", "B200": "b200-sxm"}[said],),
        (("move it to {}", "we will use {}"), ("what would {} cost", "{}", "try {}")),
    ),
    "precision.weights": (
        ("fp8", "int4"),
        str,
        str,
        (("switch to {}", "the weights are in {}"), ("does {} help?", "suppose {}")),
    ),
    "traffic.requests_per_s": (
        (4, 16, 30),
        lambda value: f"{value} rps",
        float,
        (
            ("traffic is {} now", "change the traffic to {}"),
            ("how many GPUs for {}?", "{}", "if it were {}"),
        ),
    ),
    "tokens.input.mean": (
        (300, 2600),
        lambda value: f"prompts of {value} tokens",
        float,
        (("we have {}", "set {}"), ("suppose {}", "if we had {}")),
    ),
    "tokens.output.mean": (
        (90, 520),
        lambda value: f"answers of {value} tokens",
        float,
        (("we need {}", "set {}"), ("suppose {}", "if they were {}")),
    ),
    "targets": (
        (0.4, 1.5),
        lambda value: f"ttft p95 {value}s",
        _target,
        (("{} is enough", "{} must hold"), ("suppose {}", "if it is {}")),
    ),
    "availability.spare_replicas": (
        (1, 2),
        lambda value: f"N+{value}",
        int,
        (("we need {}", "add {}"), ("would {} cost much?", "try {}")),
    ),
    "money.term": (
        ("1", "3"),
        lambda value: f"reserved for {value} year{'s' * (value == '3')}",
        lambda value: f"reserved_{value}y",
        (("we will have it {}", "it is {}"), ("is it cheaper {}?", "suppose {}")),
    ),
    "tokens.prefix_hit": (
        (40, 70),
        lambda value: f"{value}% of the prompt cached",
        lambda value: value / 100,
        (("it is {}", "we have {}"), ("suppose {}", "if we had {}")),
    ),
    "money.provider": (
        ("gcp", "azure"),
        lambda value: f"on {value}",
        str,
        (("we are {}", "put it {}"), ("is it cheaper {}?", "what is it {}?")),
    ),
}


@cache
def planned() -> tuple[State, Ports]:
    """Return a conversation with a plan, and ports for which every spec has that plan: states alone are compared."""
    state, _ = step(State(), FIRST, ports())
    state, _ = step(state, "", ports())
    plan = state.base.plan
    assert isinstance(plan, CapacityPlan)
    return state, replace(
        ports(), plan=lambda spec, sources: replace(plan, spec=spec), sketch=lambda spec: replace(plan, spec=spec)
    )


def _holds(values: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {path: values.get(path) for path, value in wanted.items() if values.get(path) != value}


def converse(seed: int) -> None:
    """Hold a random conversation after a plan, and compare the state after each line with what must be so."""
    random, (state, alone) = Random(seed), planned()
    wanted = {path: state.values.get(path) for path in FIELDS}
    past: list[dict[str, Any]] = []
    tried: dict[str, Any] | None = None
    for _ in range(random.randint(3, 9)):
        kind = random.choice(("state", "state", "suppose", "suppose", "ask", "undo", "keep"))
        path = random.choice(list(FIELDS))
        values, words, value_of, (own_states, own_supposes) = FIELDS[path]
        said = random.choice([one for one in values if value_of(one) != wanted[path]])
        before = dict(wanted)
        if kind == "ask":
            line, tried = random.choice(QUESTIONS), None  # its answer may offer something else to take
        elif kind == "undo":
            if not past:
                continue
            line, wanted, tried = random.choice(UNDO), past.pop(), None
        elif kind == "keep":
            if tried is None:
                continue
            line, wanted, tried = random.choice(KEEP), tried, None
            past.append(before)
        elif kind == "state":
            line = random.choice((*STATE, *own_states)).format(words(said))
            wanted, tried = {**wanted, path: value_of(said)}, None
            past.append(before)
        else:
            line = random.choice((*SUPPOSE, *own_supposes)).format(words(said))
            last = state.branches[-1].values  # what 'and with' goes on from
            goes_on = {one: last.get(one) for one in FIELDS} if line.startswith("and ") else wanted
            tried = {**goes_on, path: value_of(said)}
            past.append(before)
        old, (state, _) = state, step(state, line, alone)
        wrong = _holds(state.base.values, wanted)
        assert not wrong, (kind, line, wrong, state.lines)
        if (
            kind == "suppose" and state.branches == old.branches
        ):  # answered without a variant, as 'is it cheaper on gcp'
            past.pop()
            tried = None
        elif kind == "suppose":
            wrong = _holds(state.branches[-1].values, tried or {})
            assert not wrong, (kind, line, wrong, state.lines)


@of_every(range(draws(60)))
def test_what_is_stated_is_planned_and_what_is_asked_is_tried(seed: int) -> None:
    converse(seed)
