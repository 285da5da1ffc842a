"""What a sentence refuses: 'not H100', 'no fp8', 'without A100 or L40S', 'H100 is not available'.

Refused accelerators and providers are excluded, unless another takes their place; anything else that is refused fills
nothing and is reported. 'No more than' and 'not sure' are phrases of their own and never come here.
"""

from typing import Final

from agent.interpret.facts.draft import Draft, Option
from agent.interpret.words.grammar import NAMES, NUMBERS, Item, Sentence
from catalogs.catalog import Catalog

REACH: Final = 5
"""Words between a refusal and what it refuses."""
_NOUN_REACH: Final = 2
"""After 'no' and 'without', which refuse the next noun: 'no budget, 20 rps'."""
_TERMS: Final = ("spot", "reserved", "ondemand", "owned")
_TARGETS: Final = NAMES | (NUMBERS - {"opaque"})
_APOLOGIES: Final = ("sorry", "wait", "oops", "actually", "pardon", ",", "i", "meant", "mean")
_BETWEEN: Final = frozenset("is are was seems looks way far much just simply we i : s can do -".split())
"""What may stand between a name and that it is refused."""
STAYING: Final = ("leave", "leaves", "outside")
"""What is not to be left is wanted: 'data must not leave Switzerland'."""
_LISTED: Final = ("or", "nor", "and", "/", ",", "neither")


def refuse(draft: Draft, catalog: Catalog) -> None:
    """Turn refused accelerators into exclusions and take whatever else is refused out of the sentence."""
    sentence = draft.sentence
    index = 0
    while index < len(sentence.items):
        if sentence.items[index].has("neg") and not sentence.items[index].claimed:
            refused = _refused(sentence, index)
            if refused and refused[0] > index and _takes_back(sentence.items[: refused[0] + 2], index):
                sentence.take(index)
                refused = []
            for target in refused:
                _drop(draft, index, target, catalog)
            index = max([index, *refused])
        index += 1


def _takes_back(opening: list[Item], index: int) -> bool:
    """Whether a 'no' that opens a line is of what was said before, and not of a figure: 'no sorry 15 req/s'.

    Args:
        opening: the items up to the one behind the figure.
        index: of the 'no'.
    """
    *before, figure, unit = opening
    apologies = all(item is opening[index] or item.word in _APOLOGIES for item in before)
    return opening[index].word == "no" and figure.has("num") and apologies and unit.has("event", "rateunit", "token")


def _refused(sentence: Sentence, index: int) -> list[int]:
    """Return the items that a refusal at an index refuses."""
    items = sentence.items
    if items[index].word == "toodear":  # of what stands before it alone
        return _before(items, index)
    reach = _NOUN_REACH if items[index].has("noun_neg") else REACH
    at = index + 1
    while at < len(items) and at - index <= reach + 1:
        item = items[at]
        if item.word in STAYING:
            return []
        if item.has(*_TERMS) and at == index + 1:
            return [at, *_also_excluded(items, index, at)]
        if item.has(*_TARGETS) and not item.claimed:
            counted = item.has("num") and at + 1 < len(items) and items[at + 1].has("gpu")
            if counted and items[index].word in ("anythingbut", "replacing"):
                return [at, at + 1]  # instead of 4 H100
            return _listed(items, at)
        if item.has("stop", "comma", "but", "under", "over", "paren") or (
            items[index].has("noun_neg") and _is_noun(item)
        ):
            break
        at += 1
    return [] if items[index].word == "replacing" else _before(items, index)


def _also_excluded(items: list[Item], index: int, at: int) -> list[int]:
    """Return the name that 'exclude spot and AWS' excludes beside a term of payment."""
    joined = at + 2 < len(items) and items[at + 1].word in _LISTED and items[at + 2].has(*NAMES)
    return [at + 2] if joined and items[index].word.startswith(("exclud", "avoid")) else []


def _is_noun(item: Item) -> bool:
    return item.has(
        "budget", "peak", "grow", "spare", "prefixcue", "prefixhit", "horizon", "latency", "context", "batch"
    )


def _listed(items: list[Item], first: int) -> list[int]:
    """Return the item and those of its list: 'A100, L40S or T4'."""
    found, at = [first], first + 1
    pending: list[int] = []
    while at + 1 < len(items) and items[at].word in _LISTED and items[at + 1].has(*NAMES):
        if items[first].kinds != items[at + 1].kinds:
            break
        pending.append(at + 1)
        if items[at].word != ",":
            found, pending = found + pending, []
        at += 2
    return found


def _before(items: list[Item], index: int) -> list[int]:
    """Return the name just before a refusal that refuses nothing after it: 'H100 is not available'."""
    at, following = index - 1, [item.word for item in items[index + 1 : index + 3]]
    must = items[index].word == "dont" and items[index].end - items[index].start > 7  # 'must not', 'should not'
    if must and not {"use", "used"} & set(following):
        return []  # 'losing an H100 must not hurt' refuses no H100
    while at >= 0 and index - at <= 3 and items[at].word in _BETWEEN:
        at -= 1
    if at >= 0 and items[at].has("gpu", "prec", "runtime", "provider") and not items[at].claimed:
        return [at]
    return []


def _drop(draft: Draft, refusal: int, target: int, catalog: Catalog) -> None:
    item = draft.sentence.items[target]
    first, last = min(refusal, target), max(refusal, target)
    others = (other for other in draft.sentence.items if other is not item and not other.negated)
    if draft.sentence.items[refusal].word == "replacing" and any(other.has(*item.kinds & NAMES) for other in others):
        draft.dropped.append(draft.sentence.span(first, last))  # 'H200 rather than H100' takes another, and bans none
    elif item.has("gpu", "gpus"):
        entries = item.entries
        if item.has("gpu") and len(entries) == 1:
            entries = catalog.accelerator_forms(draft.sentence.words(target, target), entries[0])
        names = " or ".join(entries) if item.has("gpu") else draft.sentence.words(target, target)
        draft.found("hardware.excluded", first, last, [Option(entries, f"not on {names}")])
    elif item.has("provider"):
        draft.found(
            "money.excluded_providers", first, last, [Option(item.entries, f"not from {' or '.join(item.entries)}")]
        )
    else:
        draft.dropped.append(draft.sentence.span(first, last))
    item.negated = True
    draft.sentence.take(target)
