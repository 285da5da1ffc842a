"""Changes after a plan as a grammar: each field of the workload by each form, two in a line, and in other languages."""

from itertools import permutations
from typing import Any, Final

import pytest

from agent.after_plan.whatif import understood
from agent.talk.requests import Cheapest, WhatIf
from tests.agent.after_plan.test_changes import AT_PEAK
from tests.agent.talks import ports

BASE: Final = {**AT_PEAK, "serving.tensor_parallel": 2, "money.term": "on_demand", "money.region": "us-east-1"}
OUT: Final = "tokens.output.mean"


def after(line: str) -> dict[str, Any]:
    """Return what differs from the plan after a line: the load at its peak, the targets by metric and percentile."""
    made = understood(line, BASE, ports()).request
    if not isinstance(made, WhatIf | Cheapest):
        return {"not read": line}
    values = {**BASE, **made.change.values, **dict.fromkeys(made.change.drops)}
    changed = {path: value for path, value in values.items() if value != BASE.get(path)}
    targets = changed.pop("targets", ())
    changed.pop("load.given_as", None)
    moved = [changed.pop(path, None) for path in ("traffic.requests_per_s", "traffic.peak_factor")]
    if any(moved):
        changed["peak"] = values["traffic.requests_per_s"] * values.get("traffic.peak_factor", 1.5)
    return {**changed, **{f"{one.metric} {one.percentile}": one.seconds for one in targets}}


def wrong(
    lines: str, expected: dict[str, Any], beside: frozenset[str] | set[str] = frozenset()
) -> list[tuple[str, dict[str, Any]]]:
    """Return the lines, between semicolons, that make another plan, and what they change.

    Args:
        beside: paths that may change as well: a region goes with its provider.
    """
    made = [(line, after(line)) for line in map(str.strip, " ".join(lines.split()).split(";"))]
    return [
        (line, got)
        for line, got in made
        if {path: value for path, value in got.items() if path in expected or path not in beside} != _near(expected)
    ]


def _near(expected: dict[str, Any]) -> dict[str, Any]:
    return {path: pytest.approx(v) if isinstance(v, int | float) else v for path, v in expected.items()}


SET: Final = {
    "peak": (
        ("{} rps", "what if it is {} rps", "{} rps instead of 20", "from 20 to {} rps", "{} rps, not 20",
         "20 -> {} rps", "make the peak {}", "we get {} requests a second at peak"), 30.0,
    ),
    "tokens.input.mean": (
        ("prompts of {} tokens", "prompts are {}, not 1500", "{} tokens in instead of 1500", "input {}",
         "1500 -> {} in", "prompts go from 1500 to {}", "prompts with {} tokens", "prompts down to {}"), 900,
    ),
    "tokens.output.mean": (
        ("answers of {} tokens", "answers of {} not 300", "{} tokens out", "output {} instead of 300",
         "{} token answers", "answers go from 300 to {}", "shorten the answers to {} tokens"), 120,
    ),
    "ttft p95": (
        ("TTFT p95 {} ms", "and if p95 was {} instead", "what if p95 was {}", "ttft {}", "{} ms instead of 800",
         "ttft of {} ms instead of 800", "800 -> {} ms", "ttft target {}", "make the target {} ms", "p95 of {} ms",
         "the target is {} ms, not 800", "lower the ttft target to {} ms", "tighten the target to {} ms"), 400,
    ),
}  # fmt: skip
"""By field: how it is set, and to what."""
MULTIPLIED: Final = {
    ("peak", 20.0): {
        2.0: "twice the traffic; 2x the load; 100% more requests; traffic doubles; we get twice as many requests",
        0.5: "half the traffic; 50% less traffic; half as many questions; the load halves; lower the load by 50%",
        1 / 3: "traffic falls to a third; a third of the requests",
        1.5: "1.5x traffic; one and a half times the load; raise the load by 50%; half as much again",
    },
    ("tokens.input.mean", 1500): {
        2.0: "twice as long prompts; 2x longer prompts; prompts 100% longer; prompts double; 1500 more prompt tokens",
        0.5: "half as long prompts; prompts 50% shorter; half the input; prompts by half shorter; halve the prompts",
        1 / 3: "prompts a third as long; a third of the prompt tokens; prompts a third of that length",
    },
    ("tokens.output.mean", 300): {
        2.0: "twice as long answers; answers twice the length; 300 more answer tokens; the output doubles",
        0.5: "answers half as long; half the output; answers 150 tokens shorter; halve the answers",
        1 / 3: "a third of the output; answers a third as long",
    },
    ("ttft p95", 0.8): {
        2.0: "twice the ttft target; double the target; relax the ttft target by 100%",
        0.5: "half the ttft target; halve the TTFT target; a ttft target half as long; tighten the target by half",
    },
}
"""By field and its value in the plan: lines by the factor that they say."""
THINGS: Final = {
    ("model", "8B"): "8B instead; what about the 8b; 8b not 70b; from 70b to 8b",
    ("hardware.accelerators", ("h200-sxm-141gb",)): "on H200; H200 instead of H100; H200 not H100; "
    "from H100 to H200; drop the H100, use H200",
    ("precision.weights", "bf16"): "bf16; bf16 instead of fp8; bf16 not fp8; change precision from fp8 to bf16",
    ("money.provider", "gcp"): "on gcp; gcp instead of aws; gcp not aws; from aws to gcp; switch from aws to gcp",
    ("money.region", "eu-central-1"): "in frankfurt; frankfurt instead of virginia; Frankfurt, not Virginia",
    ("money.term", "spot"): "spot; spot instead of on demand; on spot instances",
    ("serving.tensor_parallel", 4): "TP4; tp 4 instead of tp 2; TP4 not TP2; with tp=4",
    ("serving.tensor_parallel", None): "drop the TP2; without TP2; forget tp2",
    ("hardware.accelerators", None): "drop the H100; any card",
    ("availability.spare_replicas", 1): "N+1; one spare; add a spare replica; plus one spare replica",
}
"""By field and what a line makes of it."""
SEVERAL: Final = (
    ("twice as long prompts and answers; prompts and answers twice as long", {"tokens.input.mean": 3000, OUT: 600}),
    ("3000 in 600 out; 3000/600; prompts 3000, answers 600", {"tokens.input.mean": 3000, OUT: 600}),
    ("itl 25 and ttft 600; ttft 600, itl 25; itl 25 and p95 600; p95 600 and itl 25; TTFT 600 ms and ITL 25 ms",
     {"ttft p95": 0.6, "itl p95": 0.025}),
    ("H200 and TP4; TP4 on H200", {"hardware.accelerators": ("h200-sxm-141gb",), "serving.tensor_parallel": 4}),
    ("H200 on spot; spot H200s", {"hardware.accelerators": ("h200-sxm-141gb",), "money.term": "spot"}),
    ("double the users but half the questions each; twice the users and half as many questions", {}),
    ("and 60% of that is the system prompt, always the same", {"tokens.prefix_hit": 0.6}),
    ("put it on 60% utilization; run the cards at 60 percent load; load the replicas to 60 %; plan for 60% saturation",
     {"serving.utilisation_ceiling": 0.6}),
    ("I said 6 s for p95 of the whole answer, not first token", {"e2e p95": 6.0}),
    ("drop the 70b, take the 8b", {"model": "8B"}),
    ("¿y con el doble de usuarios pero la mitad de preguntas cada uno?", {}),
)  # fmt: skip
"""Lines of several changes, and what they leave changed."""
ABROAD: Final = (
    ({"peak": 40.0}, """
        was wenn sich der Verkehr verdoppelt; deux fois plus de requêtes; el doble de tráfico;
        e se o tráfego dobrar?;
        e se il traffico raddoppia?; a co jeśli ruch się podwoi?; トラフィックが2倍になったら;
        ピークが2倍になったら;
        als het verkeer verdubbelt; 流量翻倍; doppelt so viele Anfragen; dwa razy więcej zapytań;
        il doppio del traffico"""),
    ({"peak": 10.0}, """
        halb so viele Anfragen; la moitié du trafic; moitié moins de requêtes; la mitad del tráfico;
        metade do tráfego;
        e con la metà delle richieste?; o połowę mniej zapytań; トラフィックが半分なら; de helft van het verkeer;
        一半的流量"""),
    ({"peak": 30.0}, """
        50 % mehr Verkehr; 50 % de trafic en plus; un 50 % más de tráfico; 50% a mais de tráfego;
        50% di traffico in più;
        50% więcej ruchu; 50% meer verkeer; トラフィックが50%増えたら; 流量增加50%"""),
    ({"peak": 35.0}, """
        35 statt 20 Anfragen pro Sekunde; 35 requêtes par seconde au lieu de 20; 35 rps zamiast 20;
        35 rps invece di 20;
        35 pedidos por segundo em vez de 20; 35 rps in plaats van 20"""),
    ({OUT: 150.0}, """
        Antworten halb so lang; des réponses deux fois plus courtes; respuestas la mitad de largas;
        risposte lunghe la metà;
        respostas com metade do tamanho; a co jeśli odpowiedzi będą o połowę krótsze?; 回答が半分の長さなら"""),
    ({OUT: 600.0}, """
        doppelt so lange Antworten; des réponses deux fois plus longues; respuestas el doble de largas;
        odpowiedzi po 600
        tokenów; risposte lunghe il doppio; 回答が2倍の長さなら; 回答が600トークンなら;
        antwoorden twee keer zo lang"""),
    ({"hardware.accelerators": ("h200-sxm-141gb",)}, """
        H200 statt H100; H200 au lieu de H100; ¿y si usamos H200 en vez de H100?; H200 em vez de H100;
        H200 zamiast H100;
        H200 invece di H100; H200 in plaats van H100; H200なら; 换成H200; H100の代わりにH200を使ったら"""),
    ({"tokens.input.mean": 3000}, """
        co jeśli prompty wzrosną do 3000 tokenów?; wat als de prompts 3000 tokens worden;
        e se os prompts forem 3000 tokens?; プロンプトが3000トークンになったら; 提示词变成3000个token会怎样"""),
    ({"availability.spare_replicas": 1}, """
        dodaj jedną zapasową replikę; voeg een reserve replica toe; aggiungi una replica di riserva;
        adiciona uma réplica de reserva; 予備のレプリカを1つ追加して; 予備を1台増やしたら; 再加一个备用副本"""),
    ({"money.region": "eu-central-1"}, """
        wat als we naar Frankfurt verhuizen; ¿y si nos mudamos a Fráncfort?"""),
    ({"tokens.prefix_hit": 0.5}, """
        ¿y si la mitad de los prompts vienen de la caché?; la moitié des prompts vient du cache"""),
)  # fmt: skip


def test_each_field_is_set_and_multiplied_by_each_form() -> None:
    missed = []
    for path, (forms, value) in SET.items():
        shown = {path: value / 1000 if "p95" in path else value}
        missed += wrong("; ".join(form.format(f"{value:g}") for form in forms), shown)
    for (path, own), lines in MULTIPLIED.items():
        for factor, said in lines.items():
            missed += wrong(said, {path: own * factor})
    assert not missed


def test_two_fields_in_a_line_are_both_changed() -> None:
    firsts = {path: (forms[0].format(f"{value:g}"), value) for path, (forms, value) in SET.items()}
    made = {path: [(said, value / 1000 if "p95" in path else value)] for path, (said, value) in firsts.items()}
    for (path, own), lines in MULTIPLIED.items():
        made[path] += [(said.split("; ")[0], own * factor) for factor, said in lines.items()]
    missed = []
    for one, other in permutations(made, 2):
        for first, value in made[one]:
            for second, also in made[other][:2]:
                missed += wrong(f"{first} and {second}", {one: value, other: also})
    assert not missed


def test_a_thing_takes_the_place_of_another_or_is_left_open() -> None:
    missed = [one for (path, value), said in THINGS.items() for one in wrong(said, {path: value}, {"money.region"})]
    missed += [one for said, expected in SEVERAL for one in wrong(said, expected)]
    assert not missed


def test_the_same_changes_are_read_in_other_languages() -> None:
    missed = [one for expected, said in ABROAD for one in wrong(said, expected)]
    assert not missed
