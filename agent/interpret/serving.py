"""What is served and how: model, precision of weights and KV cache, runtime, batch, prefix reuse, kind of traffic."""

import re
from typing import Final

from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.names.lexicon import Lexicon
from agent.interpret.refusals import STAYING
from agent.interpret.words.grammar import Amount, Match, Rule, matches_of, rules, tidy, whole
from catalogs.catalog import MODEL_NOISE
from catalogs.names import letters_of, words_of
from catalogs.units import show_count, show_percent

MOST_CHOICES: Final = 8
MOST_PARAMETERS: Final = 5e12
"""Of a model, in words or with its unit apart; more is something else."""
_SIZE: Final = rules(
    "n:num (unknown)? param unknown?",
    "n:num unknown? 'model'",
    "n:num b:('b' | 'bn') (?! slash)",  # seventy b
    "n:num",
)
_KV: Final = rules(
    "(p:prec | w:width) ('for' 'the'?)? kv",
    "kv ('cache' | link | colon | 'in' | 'at' | unknown){0,4} (p:prec | w:width)",
)
_WEIGHTS: Final = (Rule("(p:prec | w:width)"),)
_ACTIVATIONS: Final = (Rule("activation (link | colon | 'in' | 'at'){0,3} (p:prec | w:width)"),)
_FULL: Final = Rule("fullprecision")
_HALF: Final = Rule("halfprecision")
_BATCH: Final = rules(
    "(batchcap | 'batch') (link | colon | under | upto){0,3} n:num (?! token | percent | time | thing | user | "
    "event per)",
    "n:num (batchcap)",
)
_BUDGET: Final = Rule("tokenbudget (link | colon | under){0,3} n:num")
_CEILING: Final = Rule("'utilisation' 'ceiling' (link | colon){0,2} p:pct")
_MEMORY: Final = Rule("memutil (link | colon | under){0,3} (n:num | p:pct)")
_GREEDY: Final = Rule("greedy")
_SAMPLED: Final = {
    Rule(
        "(?<! gpu | gpunoun | node | 'ambient' | 'inlet' | 'room' | 'rack') temperature (link | colon){0,2} n:num "
        "(?! 'degrees' | 'degree' | 'c' | 'celsius')"
    ): (0.0, 2.0),
    Rule("topp ((link | colon){0,2} n:num)?"): (1.0, 1.0),
}
"""How people say that tokens are sampled, with the value at which it costs what greedy sampling does (top-p of 1 leaves
nothing out) and the largest that there is."""
_PREFIX: Final = rules(
    "(prefixhit | prefixcue) (near | colon | under){0,4} (p:pct | n:num (?! token | rateunit | event | thing | "
    "user | time | gpu | gpunoun | para | node))",
    "(prefixhit | prefixcue) near{0,4} comma approx{1,2} p:pct",  # cache hit should be high, say 85%
    "n:num prefixhit",
    "(kv | 'cache') p:pct ('hit' | 'hits')",
    "p:pct (near | incue | 'in'){0,4} (prefixhit | prefixcue)",
    "p:pct ('of' | 'the' | 'our' | 'each' | 'every' | 'all' | num | incue | context | token | unknown | link)"
    "{1,8} (prefixhit | shared | prefixcue | sysprompt)",
)
_CACHE: Final = "(prefixhit | prefixcue | (?<! 'kv' | 'redis' | 'semantic') ('cache' | 'caching'))"
_OF_PROMPTS: Final = (
    "(link | incue | token | event | 'in' | 'the' | 'any' | 'our' | 'each' | 'being' | 'comes' | 'from' | 'it' | "
    "'that' | 'one' | 'hits' | 'hit'){0,5}"
)
_UNCACHED: Final = rules(
    "(?<! pct | num) (neg | 'nothing' | 'none' | 'nobody' | 'disable' | 'empty' | 'cold' | ('turn' | 'turned' | "
    f"'switch' | 'switched') 'off') {_OF_PROMPTS} {_CACHE}",
    "('fresh' | 'unique' | neg ('repeated' | 'shared')) incue (?! token | num)",
    f"{_CACHE} (link | 'were' | 'does' | 'gets' | 'gives' | 'us' | 'turned' | 'switched' | 'runs' | 'stays'){{0,2}} "
    "('off' | 'disabled' | 'cold' | 'empty' | 'useless' | 'broken' | 'nothing' | neg ('work' | 'works' | 'hit' | "
    "'hits' | 'help' | 'helps' | 'allowed' | 'possible' | 'used' | 'available'))",
)
"""Nothing is found in the prefix cache, or there is none."""
_WIDTHS: Final[dict[float, tuple[str, ...]]] = {
    32.0: ("fp32",), 16.0: ("bf16",), 8.0: ("fp8", "int8"), 4.0: ("int4", "nvfp4", "mxfp4"),
}  # fmt: skip


def read_serving(draft: Draft) -> None:
    """Find the precisions, the limits of a batch and the share of prompts that repeats."""
    _activations(draft)
    _kv_cache(draft)
    _weights(draft)
    _limits(draft)
    _sampling(draft)
    _prefix(draft)


def read_names(draft: Draft, lexicon: Lexicon) -> None:
    """Find runtime, provider, region and kind of traffic; late, for rates may be of them: 20 chatbot requests/s."""
    for kind, path, shown in (
        ("runtime", "serving.runtime", "served by {}"),
        ("provider", "money.provider", "rented from {}"),
        ("region", "money.region", "in {}"),
        ("preset", "preset", "traffic like {}"),
    ):
        others = len({item.entries[0] for item in draft.sentence.items if item.has(kind)}) > 1
        for index, item in enumerate(draft.sentence.items):
            if item.has(kind) and not item.claimed:
                if kind == "preset" and others and item.word.endswith(_GENERAL_WORD):
                    draft.sentence.take(index)  # 'an assistant for RAG' is RAG
                    continue
                value = ",".join(item.entries)
                draft.found(path, index, index, [Option(value, shown.format(" or ".join(item.entries)))])
    _owner(draft, lexicon)
    _places(draft, lexicon)


def _owner(draft: Draft, lexicon: Lexicon) -> None:
    """Note the provider whose region was named by a code that only one has: 'us-east4' is gcp's."""
    if draft.has("money.provider") or draft.known.get("money.provider"):
        return
    for finding in draft.findings:
        region = lexicon.places.region(str(finding.options[0].value)) if finding.path == "money.region" else None
        if region is not None and any(mark.isdigit() for mark in region[1]):
            option = Option(region[0], f"{region[1]} is a region of {region[0]}")
            draft.findings.append(Finding("money.provider", (option,), finding.start, finding.end))
            return


_GENERAL_WORD: Final = "assistant"
"""Names a kind of traffic where no other is named."""
_WHERE: Final = frozenset(
    "in at from near region regions location zone : = to within inside hosted around on over datacenter datacenters "
    "dc only".split()
)
_AREA: Final = frozenset("region regions area datacenter datacenters dc stay stays remain remains only".split())
"""Behind a place that is meant as one."""

_ARE: Final = frozenset("are is sit sits live lives work works".split())
"""Before a place, behind a share: '40% of them are in EMEA' says where people are."""


def _places(draft: Draft, lexicon: Lexicon) -> None:
    """Read where it shall run: a place after 'in', beside its provider or alone; of users it is asked."""
    items = draft.sentence.items
    provider = draft.value("money.provider") or draft.known.get("money.provider")
    coded, earlier = draft.has("money.region"), -1
    for index, item in enumerate(items):
        if not item.has("place") or item.claimed or coded:
            continue
        place = lexicon.places.places[item.entries[0]]
        codes = lexicon.places.codes_in(place, provider) if provider else ()
        value = codes[0] if len(codes) == 1 or (codes and place.latitude is not None) else place.id
        where = f"in {place.name}" if value == place.id else f"in {place.name}: {value} of {provider}"
        at = index - 1
        while at >= 0 and items[at].word in ("the", "our", "of"):
            at -= 1
        before = items[at] if at >= 0 else None
        after = items[index + 1] if index + 1 < len(items) else None
        alone = (before is None or before.has("comma", "stop", "provider")) and (
            after is None or after.has("comma", "stop", "provider", "or") or after.word in ("only", "hosted", "hosting")
        )
        spoken = items[max(0, index - 7) : index]
        share_is_there = any(one.has("pct") for one in spoken) and any(one.word in _ARE for one in spoken[-3:])
        if share_is_there or any(other.has("user") for other in spoken[-5:]):
            said = draft.sentence.words(index, index)
            note = (
                f"{said!r} is where users are: neither a count nor a price depends on it, and the way to them is not "
                f"reckoned; say 'hosted in {place.name}' for prices there"
            )
            draft.notes.append((note, item.start, item.end))
            draft.sentence.take(index)
            continue
        joined = earlier >= 0 and all(other.has("or", "conj", "comma") for other in items[earlier + 1 : index])
        if earlier >= 0:
            other = lexicon.places.places[items[earlier].entries[0]]
            if lexicon.places.inside(place, other) or lexicon.places.inside(other, place):
                continue
        around = range(max(0, index - 5), min(len(items), index + 4))
        kept = [n for n in around if items[n].word in STAYING and any(items[m].has("neg") for m in around if m < n)]
        if (
            alone
            or kept
            or joined
            or (after is not None and after.word in _AREA)
            or (before is not None and (before.word in _WHERE or before.has("in", "provider", "colon")))
        ):
            earlier = index
            said = draft.sentence.words(index, index)
            guessed = lexicon.places.called(said) is None
            first, last = min([index, *kept]), max([index, *kept])
            draft.found("money.region", first, last, [Option(value, f"{where} ({said!r})" if guessed else where)])


# --- the model --------------------------------------------------------------------------------------------------------


def read_model(draft: Draft, lexicon: Lexicon) -> None:
    """Find the model by its name or its bare size."""
    _named(draft, lexicon)
    _sized(draft)
    _of_a_family(draft, lexicon)


def _named(draft: Draft, lexicon: Lexicon) -> None:
    names = [item for item in draft.sentence.items if item.has("model") and not item.claimed]
    said = {item.entries[0] for item in names if len(item.entries) == 1}
    known = str(draft.known.get("model", ""))
    for index, item in enumerate(draft.sentence.items):
        if not item.has("model") or item.claimed:
            continue
        if len(item.entries) > 1 and not said.isdisjoint(item.entries):
            draft.sentence.take(index)  # 'Mistral 7B v0.3' says which 'mistral' is meant
            continue
        typed = draft.sentence.text[item.start : item.end]
        if len(item.entries) > 1 and known in item.entries:
            draft.found("model", index, index, [Option(known, f"model {known}, as before")])
            continue
        if len(item.entries) > 1:
            choices = [Choice(entry, entry) for entry in _newest_first(item.entries)[:MOST_CHOICES]]
            more = len(item.entries) - len(choices)
            rest = f" {more} more fit: name a version or a size." if more else ""
            draft.ask("model", index, index, f"{typed!r} may be several models: which?{rest}", choices)
            continue
        entry = item.entries[0]
        value = item.word if "/" in item.word or item.word.endswith(".json") else entry
        guessed = letters_of(item.word) != letters_of(typed) and not typed.endswith(item.word)
        read_as = f" ({typed!r} read as {item.word!r})" if guessed else ""
        if value == entry in lexicon.models.spellings and _has_other_name(item.word, entry, lexicon):
            read_as += f" ({typed!r} has its architecture and size, and no entry of its own)"
        draft.found("model", index, index, [Option(value, f"model {value}{read_as}")])
        if stored := lexicon.stored.get(item.word.lower()):
            echo = f"weights in {stored}, as the checkpoint is stored"
            draft.found("precision.weights", index, index, [Option(stored, echo)])


def _has_other_name(said: str, entry: str, lexicon: Lexicon) -> bool:
    """Whether a name has a word that its entry's lacks: 'Llama Guard 3 8B', which has the sizes of Llama 3.1 8B."""
    named = [word for one in lexicon.models.spellings[entry][:2] for word in words_of(one)]
    return any(
        ((word.isalpha() and len(word) > 2) or re.fullmatch(r"\d\.\d", word)) and word not in MODEL_NOISE
        and not any(word in one or (len(one) > 2 and one in word) for one in named)
        for word in words_of(said)
    )  # fmt: skip


def _newest_first(entries: tuple[str, ...]) -> list[str]:
    """Return models with the highest version first; of one version those with the fewest words beside it."""
    family = re.match(r"[a-z]+", entries[0])
    same = family.group() if family else ""

    def rank(entry: str) -> tuple[bool, float, int]:
        version = re.search(r"(\d+(?:\.\d+)?)(?=-|$)", entry)  # a size ends in b
        words = len(re.findall(r"(?<![a-z\d])[a-z]{2,}", entry))
        return not entry.startswith(same), -float(version[1]) if version else -1.0, words

    return sorted(entries, key=rank)


def _sized(draft: Draft) -> None:
    """Find a model's bare size: '70B', '70 billion parameters'."""
    for match in matches_of(_SIZE, draft.sentence):
        number = match["n"]
        if _counts_tokens(draft, match):
            continue
        written = draft.sentence.text[number.start : number.end].strip().lower()
        named = match.last > match.first
        if "b" in match:
            amount = number.number.times(1e9)
            if written.isalpha() and _stands_alone(draft, match.last) and amount.value <= MOST_PARAMETERS:
                _size(draft, match, amount)
            continue
        of_model = written.rstrip("s").endswith("billion") and any(item.has("model") for item in draft.sentence.items)
        if not named and not of_model and not (written[-1] in "bt" and written[-2:-1].isdigit()):
            continue
        if named and not written.endswith(("b", "bn", "billion", "t", "trillion", "m", "million")):
            continue
        if not named and not _stands_alone(draft, match.first):
            continue
        amount = number.number.times(1e6) if number.number.small_m else number.number
        if named and written.endswith(("m", "million")) and amount.value < 1e8:
            continue
        if draft.has("model") and _same_size(draft, amount.value):
            draft.sentence.claim(match.first, match.last)
            continue
        _size(draft, match, amount)


_TOKENS_AHEAD: Final = re.compile(
    r"\s*(?:(?:input|output|prompt|completion|generated)\s+)?tok|"
    r"\s*(?:in|out|input|output)\s*(?:and|,|/|\+|plus)\s*[\d.,]+\s?[bm]\w*\s*(?:in|out|input|output|tok)",
    re.I,
)
_TOKENS_BEFORE: Final = re.compile(r"tokens?[ _]?(?:count|total|sum|usage)?\s*[:=]?\s*$", re.I)
_SIDE_AHEAD: Final = re.compile(r"\s*(?:in|out|input|output|tok)", re.I)
_TOKENS_BEHIND: Final = re.compile(
    r"[\d.,]+\s?[bm]\w*\s*(?:(?:tokens?\s+)?(?:in|out|input|output)(?:\s+tokens?)?|tokens?)\s*(?:and|,|/|\+|plus)\s*$",
    re.I,
)


def _counts_tokens(draft: Draft, match: Match) -> bool:
    """Whether billions are of tokens: '9B in and 1.1B out per month', 'InputTokenCount 18.9B'."""
    start, end = draft.sentence.span(match.first, match.last)
    text = draft.sentence.text
    ahead = _TOKENS_AHEAD.match(text, end) is not None
    behind = _TOKENS_BEHIND.search(text[max(0, start - 40) : start]) and _SIDE_AHEAD.match(text, end)
    return ahead or behind is not None or _TOKENS_BEFORE.search(text[max(0, start - 40) : start]) is not None


def _size(draft: Draft, match: Match, amount: Amount) -> None:
    before = draft.sentence.items[max(0, match.first - 1) : match.first]
    if any(item.has("over", "under") for item in before) and len(amount.values) == 1:
        size, said = f"{amount.value / 1e9:g}B", draft.sentence.words(match.first - 1, match.last)
        choices = (Choice(size, f"one of {amount.value / 1e9:g} billion parameters"),)
        text = f"{said!r} is a bound of the model's size: which model shall it be?"
        draft.ask("model", match.first - 1, match.last, text, choices)
        return
    draft.read(
        "model", match, amount, lambda v: f"{v / 1e9:g}B", lambda v, made: f"a model of {v / 1e9:g} billion parameters"
    )


def _stands_alone(draft: Draft, index: int) -> bool:
    """Whether a number with a B is not of something else: 5B requests, $5B, revenue of 5B."""
    items = draft.sentence.items
    before = items[index - 1] if index else None
    after = items[index + 1] if index + 1 < len(items) else None
    if before is not None and (
        before.has("usd", "euro", "neg") or before.word in ("revenue", "worth", "valued", "raised")
    ):
        return False
    if after is not None and after.has("slash"):  # 70b/fp8/h100, but not 5B/day
        after = items[index + 2] if index + 2 < len(items) else None
        return after is None or not after.has("time", "tshort", "user", "event", "per")
    if after is not None and after.word in ("chat", "completion", "inference", "assistant"):
        return True  # an 8B chat, an 8B inference service
    kinds = ("event", "thing", "user", "token", "textunit", "usd", "euro", "time", "times", "percent", "per")
    return after is None or not after.has(*kinds)


def _of_a_family(draft: Draft, lexicon: Lexicon) -> None:
    """Join a size and a family that are named apart, 'seventy b, the llama one', into the models that are both."""
    sizes = [
        one for one in draft.findings if one.path == "model" and re.fullmatch(r"[\d.]+B", str(one.options[0].value))
    ]
    asked = [question for question in draft.questions if question[1] == "model"]
    items = [item for item in draft.sentence.items if item.has("model") and len(item.entries) > 1]
    if len(sizes) != 1 or len(asked) != 1 or len(items) != 1:
        return
    size = str(sizes[0].options[0].value).lower()
    both = [entry for entry in _newest_first(items[0].entries) if size in entry.split("-")]
    comma = re.match(r",(\d)(?!\d)", draft.sentence.text[items[0].end :])  # qwen 2,5 72b
    whole = lexicon.model(f"{items[0].word}{f'.{comma[1]}' if comma else ''} {size}")
    if len(whole) == 1 and (comma or whole[0] in both):
        both = list(whole)  # '70B Llama 3.1', as it is mostly said
        at = draft.sentence.items.index(items[0])
        draft.sentence.claim(at, at + (2 if comma else 0))
    if not both:
        return
    _, path, _, start, end = asked[0]
    draft.questions.remove(asked[0])
    draft.findings.remove(sizes[0])
    start, end = min(start, sizes[0].start), max(end, sizes[0].end)
    if len(both) == 1:
        draft.findings.append(Finding("model", (Option(both[0], f"model {both[0]}"),), start, end))
        return
    said = " ".join(draft.sentence.text[start:end].split())
    choices = tuple(Choice(entry, entry) for entry in both[:MOST_CHOICES])
    draft.questions.append((f"{said!r} may be several models: which?", path, choices, start, end))


def _same_size(draft: Draft, parameters: float) -> bool:
    named = draft.value("model")
    return isinstance(named, str) and f"{parameters / 1e9:g}b" in named.lower()


# --- precision --------------------------------------------------------------------------------------------------------


def _activations(draft: Draft) -> None:
    """Leave the format of activations out: the weights' kernels decide it."""
    for match in matches_of(_ACTIVATIONS, draft.sentence):
        draft.dropped.append(draft.sentence.span(match.first, match.last))
        draft.sentence.claim(match.first, match.last)


def _kv_cache(draft: Draft) -> None:
    for match in matches_of(_KV, draft.sentence):
        _precision(draft, match, "precision.kv_cache", "KV cache")


def _weights(draft: Draft) -> None:
    for match in matches_of(_WEIGHTS, draft.sentence):
        _precision(draft, match, "precision.weights", "weights")
    for match in _HALF.matches(draft.sentence):
        draft.found("precision.weights", match.first, match.last, [Option("fp16", "weights in fp16")])
    for match in _FULL.matches(draft.sentence):
        draft.found("precision.weights", match.first, match.last, [Option("bf16", "weights in bf16, as published")])


def _precision(draft: Draft, match: Match, path: str, what: str) -> None:
    if "p" in match:
        entry = match["p"].entries[0]
        draft.found(path, match.first, match.last, [Option(entry, f"{what} in {entry}")])
        return
    width = match["w"].number
    entries = _WIDTHS.get(width.value, ())
    if not entries or len(width.values) > 1:
        return
    options = [Option(entry, f"{what} in {entry}", entry) for entry in entries]
    said = match.said
    draft.found(path, match.first, match.last, options, f"{said!r}: {' or '.join(entries)}?")


# --- the rest ---------------------------------------------------------------------------------------------------------


def _limits(draft: Draft) -> None:
    for match in matches_of(_BATCH, draft.sentence):
        draft.read(
            "serving.batch_cap",
            match,
            match["n"].number,
            whole,
            lambda v, made: f"at most {show_count(v)} requests in a batch",
        )
    for match in _BUDGET.matches(draft.sentence):
        draft.read(
            "serving.token_budget", match, match["n"].number, whole, lambda v, made: f"{show_count(v)} tokens a step"
        )
    for match in _MEMORY.matches(draft.sentence):
        amount = (match["n"] if "n" in match else match["p"]).number
        draft.read(
            "serving.memory_utilisation", match, amount, float, lambda v, made: f"{show_percent(v)} of the memory used"
        )
    for match in _CEILING.matches(draft.sentence):
        value = match["p"].number
        draft.read("serving.utilisation_ceiling", match, value, float, lambda v, made: f"planned for {show_percent(v)}")


def _sampling(draft: Draft) -> None:
    matches = list(_GREEDY.matches(draft.sentence))
    greedy = bool(matches)
    for rule, (as_greedy, most) in _SAMPLED.items():
        for match in rule.matches(draft.sentence):
            value = match["n"].number.value if "n" in match else None
            before = draft.sentence.items[max(0, match.first - 5) : match.first]
            of_a_machine = before and before[-1].has("under") and any(i.has("gpu", "gpunoun", "node") for i in before)
            if (value is None or 0 <= value <= most) and not of_a_machine:
                matches.append(match)
                greedy = greedy or value == as_greedy
    option = Option("greedy", "greedy sampling") if greedy else Option("top_p", "sampling with top-p")
    for match in matches:
        draft.found("tokens.sampling", match.first, match.last, [option])


def _prefix(draft: Draft) -> None:
    for match in matches_of(_PREFIX, draft.sentence):
        amount = (match["p"] if "p" in match else match["n"]).number
        if "p" not in match and amount.value > 100:
            continue  # tokens
        if "p" not in match and amount.value > 1:
            choices = (Choice(amount.value / 100, f"{amount.value:g} %"),) if amount.value < 100 else ()
            draft.ask(
                "tokens.prefix_hit", match.first, match.last, f"{amount.value:g}: a percentage of the prompt?", choices
            )
            continue
        draft.read(
            "tokens.prefix_hit",
            match,
            amount,
            tidy,
            lambda v, made: f"{show_percent(v)} of prompt tokens are cached already",
            claim=False,
        )
        draft.sentence.take(match.index("p" if "p" in match else "n"))  # and leave the length of those prompts
    for match in () if draft.has("tokens.prefix_hit") else matches_of(_UNCACHED, draft.sentence):
        draft.found("tokens.prefix_hit", match.first, match.last, [Option(0.0, "no prompt token is cached already")])
