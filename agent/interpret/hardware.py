"""Which accelerators, how many, on how many nodes; how a replica is split over them."""

from typing import Final

from agent.interpret.beside_wish.present import CAPACITY, plain_words
from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.replicas import read_replicas
from agent.interpret.words.grammar import Amount, Item, Match, Rule, matches_of, rules, whole
from catalogs.units import show_count

_TIMES: Final = "(times | 'of' | 'nvidia' | 'amd')?"
_NODES: Final = rules(
    f"n:num unknown? node ('of' | 'with' | 'each' | 'having' | paren | times | slash | comma){{0,3}} k:num "
    f"{_TIMES} unknown? (g:gpu | gpunoun)",
    "n:num g:gpu? unknown? node (per (site | unknown) | unknown){0,2} ('w' | slash | 'with' | 'each' | 'of' | "
    "paren){1,3} k:num (gpunoun | gpu)",  # two L40S servers per site w/ 4 cards
    "n:num (unknown | dgx | link){0,3} node ('of' | 'with') k:num (?= comma | stop | conj | paren | $)",
    "n:num 'n' times k:num times? (g:gpu | gpunoun)",  # 2n x 8 H100
    "n:num times? k:num times g:gpu",
    "k:num (times | unknown)? (gpunoun | gpu) pernode",
    "gpunoun pernode colon k:num",
    "node ('of' | 'with' | 'each' | 'having' | 'have' | unknown){1,2} k:num times? (gpunoun | gpu)",
    "k:num times g:gpu node",
    "(n:num times?)? k:num gpunoun g:gpu node",  # two 8-GPU H200 nodes
    "k:num times g:gpu 'each' (?= comma | stop | conj | $)",  # servers in Oslo that have 8x L40S each
    "(?<! slash) n:num (unknown){0,2} g:gpu? node (?! 'pool' | times num)",
    "node colon n:num (?! times | gpu | gpunoun | per | time | event | token | percent)",  # nodes: 2
)
_MOST: Final = rules(
    f"(under | upto) ('a' | 'of' | 'the' | 'total' | link){{0,2}} n:num {_TIMES} (g:gpu | gpunoun)",
    f"n:num {_TIMES} (g:gpu | gpunoun) ('max' | 'maximum' | 'tops' | under (?= comma | stop | conj | paren | $))",
    "('limit' | 'limited' | 'ceiling' | 'cap' | 'capped') (link | 'to' | 'at' | 'of'){1,2} n:num times? (g:gpu | "
    "gpunoun)",
)
_LEAST: Final = Rule(
    f"(?<! 'split' | 'spread') over ('a' | 'of'){{0,2}} n:num {_TIMES} unknown? (gpu? node | gpu | gpunoun)"
)
_POWER: Final = rules(
    "(under | upto | budget | 'limit' | 'cap' | 'power' | 'have' | 'got' | 'rack') (near | colon){0,4} p:power "
    "(?! per | slash | pernode | each)",
    "p:power (?! per | slash | pernode | each) near{0,3} (budget | 'limit' | 'max' | 'maximum' | 'cap' | 'ceiling' "
    "| 'tops' | 'power' | 'rack' | 'racks' | 'available')",
)
_DGX: Final = Rule(
    "n:(num | mult) times? dgx (?! (unknown | link){0,2} node ('of' | 'with') num) unknown? g:gpu? node?"
)
_COUNTS: Final = rules(
    f"n:num {_TIMES} (unknown | 'of' | 'the' | 'used')? g:gpu (?! gpunoun? per (replica | time))",  # 8xH100, two A100
    "g:gpu times n:num (?! per | time | event | token | rateunit | percent)",  # H100 x8
    "n:num (?! bytes) (unknown | gpus)? gpunoun (?! 'hour' | per | slash time | colon)",  # 16 GPUs, not 80 GB GPUs
    "gpunoun colon n:num (?! times | per | time | event | token | percent)",  # gpus: 8
)
_ONE: Final = Rule("g:gpu")
_OF_A_REPLICA: Final = rules(
    f"n:num {_TIMES} (g:gpu gpunoun? | gpunoun) (per | slash | 'for' 'each' | 'in' 'each') replica",
    "gpunoun per replica colon n:num",
    "r:num unknown? replica comma? (times | 'at' | slash | paren | 'with' | 'of' | 'each'){1,2} n:num times? "
    "(g:gpu | gpunoun)",
    "r:num (unknown | runtime)? replica near{0,2} comma? 'each' (link | 'with')? n:num times? (g:gpu | gpunoun)",
    "r:num (unknown | runtime)? replica (soft | comma | model | prec){1,5} n:num times? (g:gpu | gpunoun) ('in'? "
    "'each' | 'apiece' | (per | slash) replica)",
    "r:num times? n:num times g:gpu gpunoun? ('replica' | 'replicas')",  # 2 4xH100 replicas
    "(each | per) replica (link | colon | 'has' | 'with' | 'gets'){0,2} n:num times? (g:gpu | gpunoun)",
    f"replica ('of' | 'with' | 'on' | 'has' | 'have' | link){{1,3}} n:num {_TIMES} (g:gpu | gpunoun)",
)
_REPLICAS_OF: Final = Rule(
    "(?<! num | times) n:num t:times? ('nvidia' | 'amd')? g:gpu gpunoun? ('replica' | 'replicas')"
)
"""'2xL40S replicas': of two each, or two of them; not '4 replicas of L40S', which says which."""
_HOW_MANY: Final = Rule(
    "'how' 'many' ('more' | 'of' | 'such' | 'nvidia' | 'amd'){0,2} (gpu | gpunoun | 'these' | 'those' | 'them')"
)
"""Asks for the size of the fleet, which is then not given: 'on a single 4090 … how many of these do I need?'."""
_PARALLEL: Final = rules(
    "p:para (link | colon | dash){0,2} n:num (?! token | event | time | rateunit | textunit | user | percent)",
    "n:num way unknown? p:para",
)
MOST_STAGES: Final = 128
_WAYS: Final[dict[str, str]] = {
    "tp": "serving.tensor_parallel", "pp": "serving.pipeline_parallel", "ep": "serving.expert_parallel",
    "dp": "serving.data_parallel",
}  # fmt: skip


def read_hardware(draft: Draft) -> None:
    """Find accelerators and how they are used."""
    several = [draft.sentence.span(match.first, match.last) for match in _SEVERAL.matches(draft.sentence)]
    for match in matches_of(_OF_A_REPLICA, draft.sentence):
        _replica_of(draft, match)
    for match in _REPLICAS_OF.matches(draft.sentence):
        _replicas_of(draft, match)
    read_replicas(draft)
    _parallelism(draft)
    for match in _LEAST.matches(draft.sentence):
        _at_least(draft, match)
    for match in _DGX.matches(draft.sentence):
        _dgx(draft, match)
    for match in matches_of(_NODES, draft.sentence):
        _nodes(draft, match)
    for match in matches_of(_MOST, draft.sentence):
        _whole_number(draft, "hardware.max_accelerators", match, match["n"], "at most {} accelerators")
        _named(draft, match)
    _power(draft)
    for match in matches_of(_COUNTS, draft.sentence):
        _fleet(draft, match)
    for match in _ONE.matches(draft.sentence):
        _accelerator(draft, match["g"])
    _mixed(draft, several)
    _vendors(draft)
    _any(draft)


_SEVERAL: Final = Rule("num times? g:gpu (conj | comma){1,2} ('a' | 'an' | 'one' | num times?) h:gpu")


def _mixed(draft: Draft, spans: list[tuple[int, int]]) -> None:
    """Ask for the fleet where accelerators of several kinds are counted: 'two 4090s and a 3090'."""
    for start, end in spans:
        inside = [f for f in draft.findings if start <= f.start < end]
        kinds = [f for f in inside if f.path == "hardware.accelerators" and len(f.options) == 1]
        if len({f.options[0].value for f in kinds}) < 2:
            continue
        counts = [f for f in inside if f.path == "hardware.accelerator_count"]
        draft.findings[:] = [f for f in draft.findings if f not in counts]
        draft.findings[:] = [f for f in draft.findings if f not in kinds]
        choices = tuple(Choice(f.options[0].value, f.options[0].echo) for f in kinds)
        said = " ".join(draft.sentence.text[start:end].split())
        text = f"{said!r}: a plan is of one kind of accelerator at a time. For which of them? Say how many, too."
        draft.questions.append((text, "hardware.accelerators", choices, start, end))


def _power(draft: Draft) -> None:
    """Note the most that the fleet may draw; 'over 40 kW' bounds nothing, and is reported."""
    for match in matches_of(_POWER, draft.sentence):
        if not any(item.has("over") for item in match.items):
            read_power(draft, match.index("p"), match["p"].number)


def read_power(draft: Draft, index: int, watts: Amount) -> None:
    """Note a power, at an item of the sentence, as the ceiling on the fleet.

    Args:
        draft: that notes it.
        index: position of the item.
        watts: that were read.
    """
    draft.read(
        "hardware.max_power_kw", (index, index), watts, lambda v: float(f"{v / 1e3:.12g}"),
        lambda v, made: f"at most {show_count(made)} kW for the whole fleet, hosts included",
    )  # fmt: skip


def _replica_of(draft: Draft, match: Match) -> None:
    """Ask how a replica is split over the accelerators that it is said to have: across one node, as a rule."""
    count = match["n"].number.value
    said = match.said
    path = "serving.tensor_parallel"
    if "r" in match:
        _whole_number(draft, "hardware.replicas", match, match["r"], "exactly {} replicas")
    choices = (Choice(whole(count), f"tensor parallel over all {count:g}"),)
    _named(draft, match)
    draft.sentence.claim(match.first, match.last)
    if count > 1 and not draft.has(path):
        draft.ask(path, match.first, match.last, f"{said!r}: one copy of the model split over all {count:g}?", choices)


def _replicas_of(draft: Draft, match: Match) -> None:
    """Ask whether '2 x H100 replicas' are two, or of two accelerators each; several of one are of one each."""
    count = whole(match["n"].number.value)
    split, path = "serving.tensor_parallel", "hardware.replicas"
    _named(draft, match)
    if count == 1:
        several = match.sentence.items[match.last].word == "replicas"
        one = (split, "replicas of 1 accelerator each") if several else (path, "exactly 1 replica")
        draft.found(one[0], match.first, match.last, [Option(1, one[1])])
        return
    each = Choice(count, f"replicas of {count:g} accelerators each: tensor parallel over all {count:g}", split)
    number = Choice(count, f"exactly {count:g} replicas", path)
    said = match.said
    choices = (each, number) if "t" in match else (number, each)
    draft.ask(choices[0].path, match.first, match.last, f"{said!r}: so many replicas, or of so many each?", choices)


def _vendors(draft: Draft) -> None:
    """Read 'AMD only' as every accelerator of AMD, unless some are named."""
    for index, item in enumerate(draft.sentence.items):
        if item.has("gpus") and item.word == "not in data centres" and not item.negated:
            named = draft.sentence.words(index, index)
            echo = f"on {named}: not on {len(item.entries)} others of the catalog"
            draft.found("hardware.excluded", index, index, [Option(item.entries, echo)])
        elif item.has("gpus") and not item.negated and not draft.has("hardware.accelerators"):
            echo = f"on any of {draft.sentence.words(index, index)}'s {len(item.entries)} accelerators"
            draft.found("hardware.accelerators", index, index, [Option(item.entries, echo)])


def _is_lost(draft: Draft, match: Match) -> bool:
    """Whether a count is of what may fail, and so no fleet: 'any single server drops out'; it is reported."""
    items, first, last = draft.sentence.items, match.first, match.last
    while first and not items[first - 1].has("comma", "stop"):
        first -= 1
    while last + 1 < len(items) and not items[last + 1].has("comma", "stop"):
        last += 1
    behind = items[match.first - 1].word if match.first else ""
    if behind not in ("any", "if", "when", "losing", "lose") and not any(
        i.has("fails") for i in items[first : last + 1]
    ):
        return False
    draft.dropped.append(draft.sentence.span(match.first, match.last))
    draft.sentence.claim(match.first, match.last)
    return True


def _nodes(draft: Draft, match: Match) -> None:
    if "n" in match and "k" not in match and _is_lost(draft, match):
        return
    if "n" in match and "k" not in match and _names_one(match):
        return
    if draft.sentence.items[match.last].word == "each" and not any(item.has("node") for item in draft.sentence.items):
        return
    a_ceiling = _is_ceiling(draft, match)
    if "n" in match and "k" in match and a_ceiling:
        each = match["k"].number.value
        draft.read(
            "hardware.max_accelerators", match, match["n"].number, lambda v: whole(v * each),
            lambda v, made: f"{v:g} nodes × {each:g} = at most {made:g} accelerators",
        )  # fmt: skip
    elif "n" in match and a_ceiling:
        _whole_number(draft, "hardware.max_nodes", match, match["n"], "at most {} nodes")
    elif "n" in match:
        _whole_number(draft, "hardware.nodes", match, match["n"], "{} nodes")
    if "k" in match:
        _whole_number(draft, "hardware.accelerators_per_node", match, match["k"], "{} accelerators a node")
        last = draft.sentence.items[match.last].word
        if "n" not in match and last in (*_ONE_MACHINE, "node") and CAPACITY.search(plain_words(draft.sentence.items)):
            draft.found("hardware.nodes", match.last, match.last, [Option(1, "1 node, of which you ask what it holds")])
    _named(draft, match)


_ONE_MACHINE: Final = ("host", "machine", "box", "server")


def _names_one(match: Match) -> bool:
    """Whether what follows a number above one is a single machine, which it then numbers: '2222 host'."""
    last = match.sentence.items[match.last].word
    return last in _ONE_MACHINE and match["n"].number.value > 1


def _is_ceiling(draft: Draft, match: Match) -> bool:
    """Whether a count of nodes is the most that may be: 'at most 4 nodes', '4 nodes max'."""
    items = draft.sentence.items
    before = items[max(0, match.first - 2) : match.first]
    if before and (before[-1].has("under", "upto") or (len(before) > 1 and before[0].has("under", "upto"))):
        return not before[-1].has("comma", "stop")
    after = items[match.last + 1] if match.last + 1 < len(items) else None
    return after is not None and after.word in ("max", "maximum", "tops")


def _at_least(draft: Draft, match: Match) -> None:
    """Take 'at least 8 GPUs' for no fleet: the plan finds how many; the number is reported."""
    _named(draft, match)
    draft.dropped.append(draft.sentence.span(match.first, match.last))
    draft.sentence.take(match.index("n"))


def _dgx(draft: Draft, match: Match) -> None:
    """Note so many nodes of eight: what a DGX or an HGX is."""
    _whole_number(draft, "hardware.nodes", match, match["n"], "{} nodes of 8 accelerators")
    eight = Option(8, "8 accelerators a node")
    draft.found("hardware.accelerators_per_node", match.first, match.last, [eight])
    _named(draft, match)


def _fleet(draft: Draft, match: Match) -> None:
    """Note a count of accelerators; of those named as a DGX it counts the nodes."""
    if _is_lost(draft, match):
        return
    if "n" in match and draft.sentence.items[match.first].has("num") and _HOW_MANY.at_any(draft.sentence):
        said = match.said
        note = f"{said!r} is not taken for the fleet: how many it takes is what the plan finds"
        draft.note(match.first, match.last, note)
        _named(draft, match)
        draft.sentence.take(match.index("n"))
        return
    named = match["g"].word if "g" in match else ""
    if named.startswith(("dgx", "hgx")) and "spark" not in named:
        _dgx(draft, match)
        return
    path = "hardware.accelerator_count"
    before = draft.sentence.items[match.first - 1] if match.first else None
    if named and before is not None and before.has("num") and not before.claimed and "n" in match:
        count = match["n"].number.value  # one of several bare numbers: '1500 300 h100'
        said = draft.sentence.said(match.first - 1, match.last)
        choices = (Choice(whole(count), f"a fleet of {count:g} accelerators"),)
        _named(draft, match)
        draft.ask(path, match.first - 1, match.last, f"{said!r}: is that so many accelerators?", choices)
        return
    _whole_number(draft, path, match, match["n"], "a fleet of {} accelerators")
    _named(draft, match)


def _named(draft: Draft, match: Match) -> None:
    for item in match.items:
        if item.has("gpu"):
            _accelerator(draft, item)


def _accelerator(draft: Draft, item: Item) -> None:
    """Note an accelerator; one name may leave a choice."""
    index = draft.sentence.items.index(item)
    said = draft.sentence.words(index, index)
    if len(item.entries) == 1:
        entry = item.entries[0]
        for at, form in enumerate(draft.sentence.items):  # '2 H100 already bought (PCIe, 80GB)'
            if (
                form.word == "pcie"
                and draft.sentence.items[at - 1].has("paren", "comma")
                and entry.startswith(_ALSO_PCIE)
            ):
                entry = entry.replace("-sxm-", "-pcie-")
                draft.sentence.take(at)
        draft.found("hardware.accelerators", index, index, [Option((entry,), f"on {entry}")])
    else:
        choices = [Choice((entry,), entry) for entry in item.entries[:8]]
        draft.ask("hardware.accelerators", index, index, f"{said!r} may be several accelerators: which?", choices)
    draft.sentence.take(index)


_ALSO_PCIE: Final = ("h100-sxm-", "a100-sxm-", "v100-sxm-")
"""Accelerators whose name without a form is the SXM module, and which there are as cards as well."""


def _any(draft: Draft) -> None:
    """Read 'choose for me': every accelerator may be taken."""
    if draft.has("hardware.accelerators"):
        return
    about = draft.asked_path in ("hardware.accelerators", "hardware") or any(
        item.has("gpunoun") for item in draft.sentence.items
    )
    if not about and (draft.asked_path == "model" or any(item.word == "model" for item in draft.sentence.items)):
        return  # 'you choose the model'
    for index, item in enumerate(draft.sentence.items):
        if item.has("any") and not item.claimed and (about or "choose" in item.word or _names_choice(draft, item)):
            draft.found(
                "hardware.accelerators", index, index, [Option((), "any accelerator: the cheapest fleet that fits")]
            )
            return


def _names_choice(draft: Draft, item: Item) -> bool:
    said = draft.sentence.text[item.start : item.end].lower()
    return any(
        word in said for word in ("choose", "pick", "decide", "cheapest", "gpu", "accelerator", "recommend", "suggest")
    )


def _whole_number(draft: Draft, path: str, match: Match, number: Item, shown: str) -> None:
    draft.read(path, match, number.number, whole, lambda v, made: _counted(shown, v))


def _counted(shown: str, count: float) -> str:
    said = shown.format(f"{count:g}")
    return (
        said.replace("accelerators", "accelerator").replace("nodes", "node").replace("replicas", "replica")
        if count == 1
        else said
    )


def _parallelism(draft: Draft) -> None:
    for match in matches_of(_PARALLEL, draft.sentence):
        way = match["p"].word
        if way == "pp" and match["n"].number.value > MOST_STAGES:  # llama-bench: tokens of prompt processing
            draft.read(
                "tokens.input.mean", match, match["n"].number, whole,
                lambda v, made: f"prompts: {show_count(v)} tokens on average",
            )  # fmt: skip
            continue
        _whole_number(draft, _WAYS[way], match, match["n"], f"{way.upper()} {{}}")
