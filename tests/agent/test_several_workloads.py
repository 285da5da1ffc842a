"""Several workloads in one conversation: never a mixture of them, and none of them lost."""

import pytest

from agent.dialogue import step
from agent.talk.state import State
from tests.agent.talks import ports, words

RATE = "traffic.requests_per_s"
FIRST = "chat: llama 3.1 8b, 5 rps, 800/150"


def told(*lines: str) -> tuple[State, str]:
    """Where lines lead, and what the last one is answered with."""
    state, says = State(), ()
    for line in lines:
        state, says = step(state, line, ports())
    return state, words(says)


def values(state: State) -> dict[str, object]:
    """By workload: rate, lengths, model, targets and cards."""
    paths = (RATE, "tokens.input.mean", "tokens.output.mean", "model", "hardware.accelerators")
    drafts = {state.workload: state} | {draft.name: draft.state for draft in state.apart}
    return {name: tuple(one.values.get(path) for path in paths) for name, one in drafts.items()}


@pytest.mark.parametrize(
    ("line", "name", "own"),
    [
        ("plus a nightly job: 86400 requests a day, 1k in, 100 out", "nightly job", (1, 1000, 100)),
        ("and another team needs 2 rps with 5k prompts and 200 out", "team", (2, 5000, 200)),
        ("second use case: discharge letters, 8640 a day, 6k in, 900 out", "discharge letters", (0.1, 6000, 900)),
        ("another workload: lore writer, 1 rps, 3k in 1.2k out", "lore writer", (1, 3000, 1200)),
        ("Außerdem ein zweiter Dienst: Übersetzung, 5 Anfragen/s, 1.000 Token rein, 900 raus", "übersetzung",
         (5, 1000, 900)),
    ],
)  # fmt: skip
def test_a_workload_told_later_is_of_its_own(line: str, name: str, own: tuple[float, ...]) -> None:
    state, said = told(FIRST, line)
    assert "is a workload of its own beside chat" in said
    both = values(state)
    assert both["chat"] == (5, 800, 150, "llama-3.1-8b", None)
    assert both[name] == (*own, "llama-3.1-8b", None)


def test_what_all_share_is_said_once_and_what_is_of_one_stays_there() -> None:
    lines = ("translation: qwen3 32b, 2 rps, 700/700", "on L40S", "also a tagger: llama 3.1 8b, 9 rps, 400/10")
    state, _ = told(*lines, "the tagger on L4", "both in eu-central-1", "translation: 3 rps, not 2")
    both = values(state)
    assert both["translation"] == (3, 700, 700, "qwen3-32b", ("l40s",))
    assert both["tagger"] == (9, 400, 10, "llama-3.1-8b", ("l4",))
    assert all(one.values["money.region"] == "eu-central-1" for one in (state, state.apart[0].state))
    assert "is none of the workloads" in words(step(state, "reviewer: 4 rps", ports())[1])
    assert values(step(state, "back", ports())[0])["translation"][0] == 2


def test_rows_that_come_one_by_one_are_workloads_with_a_bill_of_all() -> None:
    rows = (
        "| service | rps | in | out |",
        "|---|---|---|---|",
        "| search | 25 | 600 | 80 |",
        "| draft | 3 | 2500 | 900 |",
    )
    state, said = told(*rows, "llama 3.1 8b", "draft should run on H200", "", "")
    assert values(state) == {
        "search": (25, 600, 80, "llama-3.1-8b", None),
        "draft": (3, 2500, 900, "llama-3.1-8b", ("h200-sxm-141gb",)),
    }
    assert "draft: fleet 1 × H200" in said and "together: monthly $" in said
    pooled = words(step(state, "what if I run them in one pool", ports())[1])
    assert "draft and search" in pooled
    left, said = step(state, "drop draft, that goes to an API", ports())
    assert (left.apart, left.workload) == ((), "search") and "search goes on" in words(said)
