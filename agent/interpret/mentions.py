"""Names in a sentence: models, accelerators, precisions, runtimes, providers, regions, kinds of traffic.

The catalog says what a name means; here it is only found: from a word that can begin a name, the longest span that
names something. Names are taken before numbers, so that the 3.1 of 'Llama 3.1' is no number.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from agent.interpret.grammar import Item, Sentence
from agent.interpret.spelling import known_words, one_slip
from catalogs.catalog import ACCELERATOR_NOISE, MODEL_NOISE, Catalog
from catalogs.checkpoints import read_checkpoint_name
from catalogs.errors import AmbiguousName, InputError, UnknownName
from catalogs.names import Named, Names, letters_of, words_of

LONGEST: Final = 8
"""Items in a name."""

_COMMON: Final = frozenset(
    "a b e h j k m p q r s t v x air base cache chat code coder command core data de distill dots edition exp expanse "
    "flash generation hl ii it large lightning linear lite medium micro mini nano next open plus pro reasoning seed "
    "server small soc solar step super terminus text think thinking tiny ultra ada apple arc center d g l mi max n nvl "
    "oam pcie platinum rapids sapphire sn sxm ti workstation ws xtx amd aws google intel nvidia meta vera spark ponte "
    "instruct turbo hf llm moe vl ocr text sea the gpu gpus card accelerator chip vecchio litepod c hgx dgx".split()
).union(MODEL_NOISE)
"""Words that cannot make a name by themselves."""
_WEAK: Final = frozenset(
    "aya bloom falcon gpt granite grace hy kimi ling maverick opt orin phi rubin scout thor yi grok moonlight".split()
)
"""Words of a name that mean other things too: they need a number or a second word beside them."""
_NO_HEAD: Final = frozenset("m1 m2 m3 m4".split())
_BY_NUMBER: Final = frozenset("3080 3090 4080 4090 5090".split())
_NO_PRECISION: Final = frozenset("half single q4 8bit 4bit 16bit 32bit f8 f16 f32 i8 i4 bnb".split())
_UNITS_AFTER: Final = (
    "event", "thing", "user", "time", "tshort", "rateunit", "tps", "token", "textunit", "percent", "gpunoun", "node",
    "times", "scaleword", "concurrent", "replica", "slash", "call", "bits",
)  # fmt: skip

_PROVIDERS: Final[Mapping[str, str]] = {
    "amazon": "aws",
    "amazon web services": "aws",
    "core weave": "coreweave",
    "datacrunch": "verda",
    "digital ocean": "digitalocean",
    "ec2": "aws",
    "fluid stack": "fluidstack",
    "gce": "gcp",
    "google cloud": "gcp",
    "google cloud platform": "gcp",
    "hot aisle": "hotaisle",
    "jarvis labs": "jarvislabs",
    "lambda cloud": "lambda",
    "lambda labs": "lambda",
    "massed compute": "massedcompute",
    "microsoft azure": "azure",
    "oracle": "oci",
    "oracle cloud": "oci",
    "run pod": "runpod",
    "tensor wave": "tensorwave",
    "together ai": "together",
    "vast": "vast.ai",
}
"""Other names of providers."""
_PROVIDER_AFTER_PREPOSITION: Final = frozenset({"lambda", "together", "vast", "crusoe", "oracle", "amazon", "hotaisle"})
"""Providers whose name is a word: only after on, at, from, with, using, via."""
_PREPOSITIONS: Final = frozenset(
    {"on", "at", "from", "with", "using", "via", "use", "in", "provider", "cloud", ":", "="}
)

_TRAFFIC: Final[Mapping[str, str]] = {
    "chat": "chatbot|chat bot|chat bots|chatbots|chat app|chat application|chat assistant|chat service|chat interface|"
    "ai assistant|virtual assistant|customer support|customer service|support bot|helpdesk|help desk|support assistant|"
    "chat workload|chat traffic|interactive chat|conversational assistant|support chat|customer support chat|"
    "chat product|assistant",
    "long-context-chat": "long context chat|document chat|chat with documents|chat with files|chat over documents",
    "rag": "rag|retrieval augmented|retrieval augmented generation|document qa|knowledge base|document search|"
    "question answering|rag pipeline",
    "code-completion": "code completion|code completions|autocomplete|code autocomplete|copilot|inline completion|"
    "code suggestions|autocompletion|ide completion",
    "summarization": "summarization|summarisation|summarize|summarise|summarizing|summarising|summarizes|summarises|"
    "summarizer|summariser|summarized|summarised|document summarization",
    "agentic-coding": "coding agent|coding agents|agentic coding|swe agent|software agent|code agent|code agents",
    "tool-agent": "tool agent|tool calling|function calling|tool use|tool using agent|ai agents|ai agent|agentic "
    "workflow",
    "reasoning": "reasoning model|reasoning workload|reasoning traffic|chain of thought|deep thinking",
    "batch": "offline batch|offline inference|offline processing|offline workload|batch job|batch jobs|batch "
    "processing|"
    "batch inference|batch workload|batch workloads|offline jobs|offline job|nightly batch|bulk processing|batch mode|"
    "batch pipeline|batch api|offline",
}
"""How people call a kind of traffic, by preset."""


@dataclass(frozen=True)
class _Kind:
    """The names of one kind of entry, indexed by their words."""

    spellings: Mapping[str, tuple[str, ...]]
    """By id."""

    @cached_property
    def by_word(self) -> dict[str, set[str]]:
        index: dict[str, set[str]] = {}
        for entry, spellings in self.spellings.items():
            for spelling in spellings:
                for word in words_of(spelling):
                    index.setdefault(word, set()).add(entry)
        return index

    @cached_property
    def families(self) -> frozenset[str]:
        """Words of letters alone that can be misspelt."""
        return frozenset(word for word in self.by_word if word.isalpha() and len(word) > 4 and word not in _COMMON)

    def candidates(self, words: Iterable[str], noise: frozenset[str]) -> set[str]:
        """Return the entries that have all the words; a bare number may be a size."""
        found: set[str] | None = None
        for word in words:
            if word in noise:
                continue
            entries = self.by_word.get(word, set())
            if word[0].isdigit() and word[-1].isdigit():
                entries = entries | self.by_word.get(f"{word}b", set()) | self.by_word.get(f"{word}gb", set())
            found = entries if found is None else found & entries
            if not found:
                return set()
        return found or set()


class _NamesAlone(Names):
    """Names that, where nothing is found, do not look for the nearest: most words of a sentence are no names."""

    def nearest(self, text: str, count: int = 3) -> tuple[str, ...]:
        return ()


class Lexicon:
    """The names of a catalog, as a sentence may say them."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.models = _Kind(
            {m.id: (m.id, m.name, *m.aliases, *(c.repository for c in m.checkpoints)) for m in catalog.models.values()}
        )
        self.accelerators = _Kind(
            {
                a.id: (a.id, a.name, *a.aliases, f"{a.vendor} {a.form} {a.architecture}")
                for a in catalog.accelerators.values()
            }
        )
        self._names = {
            "model": _NamesAlone(
                "model", [Named(m.id, (m.name, *m.aliases)) for m in catalog.models.values()], MODEL_NOISE
            ),
            "accelerator": _NamesAlone(
                "accelerator",
                [
                    Named(a.id, (a.name, *a.aliases), f"{a.vendor} {a.form} {a.architecture}")
                    for a in catalog.accelerators.values()
                ],
                ACCELERATOR_NOISE,
            ),
        }
        self.precisions = {
            letters_of(spelling): precision.id
            for precision in catalog.precisions.values()
            for spelling in (precision.id, precision.name, *precision.aliases)
            if letters_of(spelling) not in _NO_PRECISION
        }
        self.runtimes = {
            letters_of(spelling): runtime.id
            for runtime in catalog.runtimes.values()
            for spelling in (runtime.id, runtime.name, *runtime.aliases)
            if not re.search(r"other|generic|any |default|\bsrt\b", spelling.lower())
        }
        self.runtime_words = frozenset(name for name in self.runtimes if name.isalpha() and len(name) > 3)
        providers = {offer.provider for offer in catalog.offers}
        self.providers = {letters_of(name): name for name in providers} | {
            letters_of(name): provider for name, provider in _PROVIDERS.items() if provider in providers
        }
        self.regions = {offer.region.lower() for offer in catalog.offers} - {"", "us", "eu", "any", "global", "all"}
        self.presets = {
            letters_of(phrase): preset
            for preset, phrases in _TRAFFIC.items()
            if preset in catalog.presets
            for phrase in phrases.split("|")
        }
        self.heads = (
            frozenset(
                chunk
                for spellings in self.accelerators.spellings.values()
                for spelling in spellings[:-1]
                for chunk in re.split(r"[\s()/-]+", spelling.lower())
                if re.fullmatch(r"[a-z]{1,7}\d{1,4}[a-z]{0,3}", chunk)
                and not re.match(r"sxm|hbm|nvl|nvlink|gddr", chunk)
            )
            - _NO_HEAD
        )
        self._resolved: dict[tuple[str, str], tuple[str, ...]] = {}
        self.stored: dict[str, str] = {}
        """By what was said: the precision in which a named checkpoint is stored."""

    def model(self, text: str) -> tuple[str, ...]:
        """Return the ids of the models that a text may name."""
        return self._resolve("model", text)

    def accelerator(self, text: str) -> tuple[str, ...]:
        """Return the ids of the accelerators that a text may name."""
        return self._resolve("accelerator", text)

    def _resolve(self, kind: str, text: str) -> tuple[str, ...]:
        key = (kind, text.lower())
        if key not in self._resolved:
            try:
                if "/" not in text:
                    self._names[kind].find(read_checkpoint_name(text).model if kind == "model" else text)
                if kind == "model":
                    resolved = self.catalog.model(text)
                    found: tuple[str, ...] = (resolved.model.id,)
                    if resolved.checkpoint and resolved.precision != resolved.model.native_precision:
                        self.stored[text.lower()] = resolved.precision
                else:
                    found = (self.catalog.accelerator(text).id,)
            except AmbiguousName as error:
                found = error.hits
            except (UnknownName, InputError):
                found = ()
            self._resolved[key] = found
        return self._resolved[key]


@lru_cache(maxsize=4)
def lexicon_of(catalog: Catalog) -> Lexicon:
    """Return the names of a catalog; built once."""
    return Lexicon(catalog)


def name(sentence: Sentence, lexicon: Lexicon) -> None:
    """Put an item in the place of each name."""
    index = 0
    while index < len(sentence.items):
        opening = sentence.text[sentence.items[index].start]
        for finder in _FINDERS if opening.isalnum() else (_repository,) if opening in "/~." else ():
            found = finder(sentence, index, lexicon)
            if found is not None:
                last, item = found
                sentence.merge(index, last, item)
                break
        index += 1


Found = tuple[int, Item] | None


def _item(kind: str, sentence: Sentence, first: int, last: int, entries: tuple[str, ...], word: str = "") -> Item:
    start, end = sentence.span(first, last)
    typed = sentence.text[start:end]
    return Item(frozenset({kind}), start, end, word or typed.lower(), entries=entries)


def _slice_ends(sentence: Sentence, first: int) -> Iterable[int]:
    """Yield the last items of the spans that may be a name, longest first: nothing but blanks and hyphens between."""
    last = first
    while last + 1 < len(sentence.items) and last - first + 1 < LONGEST:
        gap = sentence.text[sentence.items[last].end : sentence.items[last + 1].start]
        following = sentence.items[last + 1]
        if gap.strip(" -_\u00a0") or following.word in {",", ";", "\n", "(", ")", ":", "=", "!", "?", "<", ">", "/"}:
            break
        if following.word == "." and not sentence.text[following.end : following.end + 1].isalnum():
            break
        last += 1
    return range(last, first - 1, -1)


def _bare_number_with_unit(sentence: Sentence, last: int, lexicon: Lexicon) -> bool:
    """Whether the last item is a number that belongs to what follows: 'Llama 3 8 GPUs', 'gpt-oss 120 rps'."""
    item = sentence.items[last]
    glued = sentence.text[item.start - 1 : item.start] in ("-", "_")
    if not item.has("num") or glued or not sentence.text[item.end - 1].isdigit():
        return False
    following = sentence.items[last + 1] if last + 1 < len(sentence.items) else None
    return following is not None and (following.has(*_UNITS_AFTER) or _head(following.word, lexicon))


def _head(word: str, lexicon: Lexicon) -> bool:
    return word in lexicon.heads or (word[-1:] == "s" and word[:-1] in lexicon.heads)


# --- models -----------------------------------------------------------------------------------------------------------

_REPOSITORY = re.compile(
    r"(?:https?://)?(?:huggingface\.co/|hf\.co/)?(?P<name>[A-Za-z][\w.-]*/[A-Za-z][\w.-]*\w)(?![\w/])"
)
_CONFIG = re.compile(r"(?:[A-Za-z]:)?[~./\w\\-]*[\w-]+\.json\b", re.ASCII)


def _repository(sentence: Sentence, index: int, lexicon: Lexicon) -> Found:
    """Find 'owner/name' and 'path/to/config.json'."""
    start = sentence.items[index].start
    if start and sentence.text[start - 1] in "/._~\\":
        return None
    text = sentence.text[start : start + 300]
    if (path := _CONFIG.match(text)) and (path.group().endswith("config.json") or "/" in path.group()):
        return _covering(sentence, index, start + path.end(), (path.group(),), path.group())
    match = _REPOSITORY.match(text)
    if not match:
        return None
    said = match["name"]
    owner, _, rest = said.partition("/")
    parts = re.findall(r"[a-z]+", said.lower())
    known = lexicon.models.by_word
    if lexicon.models.candidates(words_of(read_checkpoint_name(said).model), MODEL_NOISE) and lexicon.model(said):
        return _covering(sentence, index, start + match.end(), lexicon.model(said), said)
    plausible = any(character.isdigit() for character in rest) and len(rest) >= 4 and len(owner) >= 2
    if not plausible or any(
        part in known_words() and part not in known for part in (owner.lower(), rest.lower().rstrip("0123456789"))
    ):
        return None
    if any(_head(part, lexicon) or letters_of(part) in lexicon.precisions for part in (owner.lower(), rest.lower())):
        return None
    named = any(part in known and part not in _COMMON for part in parts)
    sized = re.search(r"\d+(?:\.\d+)?[bB](?![a-z])", rest)
    if named or sized or "huggingface" in match.group() or "hf.co" in match.group():
        return _covering(sentence, index, start + match.end(), (said,), said)
    return None


def _covering(sentence: Sentence, first: int, end: int, entries: tuple[str, ...], said: str) -> Found:
    last = first
    while last + 1 < len(sentence.items) and sentence.items[last + 1].start < end:
        last += 1
    item = _item("model", sentence, first, last, entries, said)
    item.end = max(end, item.end)
    return last, item


def _model(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    item = sentence.items[first]
    opening = words_of(sentence.text[item.start : item.end])
    if not opening or not opening[0].isalpha() or not _model_word(opening[0], lexicon):
        return None
    if letters_of(item.word) in lexicon.precisions:
        return None
    for last in _slice_ends(sentence, first):
        if _bare_number_with_unit(sentence, last, lexicon):
            continue
        start, end = sentence.span(first, last)
        if sentence.text[end : end + 1] == "+" and last + 1 < len(sentence.items):
            end, last = end + 1, last + 1
        typed = sentence.text[start:end]
        if any(
            letters_of(sentence.text[item.start : item.end]) in lexicon.precisions
            and sentence.text[item.start - 1 : item.start] == " "
            for item in sentence.items[first + 1 : last + 1]
        ):
            continue
        words = tuple(_family(word, lexicon) for word in words_of(read_checkpoint_name(typed).model))
        telling = [word for word in words if word.isalpha() and word not in _COMMON]
        if not telling and (last == first or not any(len(word) > 3 for word in words)):
            continue
        if letters_of(typed)[-1:] == "" or typed[-1] in ".-_":
            continue
        if all(word in _WEAK or word in _COMMON for word in words if word.isalpha()) and not _substantial(words):
            continue
        if not lexicon.models.candidates(words, MODEL_NOISE):
            continue
        respelt = _respelt(typed, lexicon)
        hits = lexicon.model(respelt)
        if not hits or (not telling and (len(hits) > 1 or len(words) < 2)):
            continue
        return last, _item("model", sentence, first, last, hits, respelt)
    return None


def _substantial(words: tuple[str, ...]) -> bool:
    return len(words) > 1 and (any(word[0].isdigit() for word in words) or len([w for w in words if len(w) > 2]) > 1)


def _model_word(word: str, lexicon: Lexicon) -> bool:
    return word in lexicon.models.by_word or _family(word, lexicon) != word


@lru_cache(maxsize=4096)
def _slipped(word: str, families: frozenset[str]) -> str:
    near = [family for family in families if family[0] == word[0] and one_slip(word, family)]
    return near[0] if len(near) == 1 else word


def _family(word: str, lexicon: Lexicon) -> str:
    """Return the family word that a misspelt one means."""
    if word in lexicon.models.by_word or len(word) < 4 or not word.isalpha() or word in known_words():
        return word
    return _slipped(word, lexicon.models.families)


def _respelt(typed: str, lexicon: Lexicon) -> str:
    return re.sub(r"[^\W\d_]{4,}", lambda found: _exchanged(found.group(), lexicon), typed)


def _exchanged(word: str, lexicon: Lexicon) -> str:
    family = _family(word.lower(), lexicon)
    return word if family == word.lower() else family


# --- accelerators -----------------------------------------------------------------------------------------------------


def _accelerator(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    item = sentence.items[first]
    typed = sentence.text[item.start : item.end].lower()
    opening = words_of(typed)
    if not opening:
        return None
    if typed in _BY_NUMBER:
        return _by_number(sentence, first, lexicon)
    known = lexicon.accelerators.by_word
    begins = _head(typed, lexicon) or (opening[0].isalpha() and opening[0] in known and len(opening[0]) > 1)
    joined = first + 1 < len(sentence.items) and sentence.text[item.end : sentence.items[first + 1].start + 3]
    if not begins and not (joined and re.match(r"-\d", joined) and len(typed) <= 3 and typed.isalpha()):
        return None
    for last in _slice_ends(sentence, first):
        if _bare_number_with_unit(sentence, last, lexicon):
            continue
        start, end = sentence.span(first, last)
        said = sentence.text[start:end].lower()
        singular = re.sub(r"(?<=[\dgxel])s(?=\W|$)", "", said) if letters_of(said)[-1:] == "s" else said
        for spelling in dict.fromkeys((said, singular)):
            words = words_of(spelling)
            telling = [w for w in words if w.isalpha() and (w not in _COMMON or w in ("max", "ultra"))]
            heads = [chunk for chunk in re.split(r"[\s-]+", spelling) if chunk in lexicon.heads]
            if (not telling and not heads) or (not heads and len(words) < 2 and words[0] not in _ARCHITECTURES):
                continue
            if all(word in _WEAK or word in _COMMON for word in words if word.isalpha()) and not _substantial(words):
                continue
            if not lexicon.accelerators.candidates(words, ACCELERATOR_NOISE):
                continue
            hits = lexicon.accelerator(spelling)
            if hits:
                return last, _item("gpu", sentence, first, last, hits)
    return None


_ARCHITECTURES: Final = frozenset(
    "tpu gaudi trainium inferentia trillium ironwood hopper blackwell xeon epyc jetson ampere".split()
)
"""Words that name accelerators without a number, several as a rule."""


def _by_number(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find a 4090 that is no number: counted ('8x 4090'), in the plural, or called a GPU."""
    item = sentence.items[first]
    before = sentence.items[first - 1].word if first else ""
    after = sentence.items[first + 1] if first + 1 < len(sentence.items) else None
    plural = after is not None and after.word == "s" and after.start == item.end
    counted = before in ("single", "a", "an", "one", "two", "three", "four", "six", "eight", "x", "×", "rtx", "geforce")
    if after is not None and after.has(*_UNITS_AFTER) and not after.has("gpunoun"):
        counted = False
    if counted or plural or (after is not None and after.has("gpunoun")):
        hits = lexicon.accelerator(sentence.text[item.start : item.end])
        last = first + 1 if plural else first
        return (last, _item("gpu", sentence, first, last, hits)) if hits else None
    if after is not None and after.word in ("ti", "xtx", "super"):
        hits = lexicon.accelerator(sentence.words(first, first + 1))
        return (first + 1, _item("gpu", sentence, first, first + 1, hits)) if hits else None
    return None


# --- names that are listed --------------------------------------------------------------------------------------------


def _listed(sentence: Sentence, first: int, names: Mapping[str, str], longest: int) -> tuple[int, str] | None:
    """Return the longest span whose letters are those of a listed name, and what it stands for."""
    for last in _slice_ends(sentence, first):
        if last - first + 1 <= longest:
            letters = letters_of(sentence.words(first, last))
            if letters in names:
                return last, names[letters]
    return None


def _precision(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    found = _listed(sentence, first, lexicon.precisions, 4)
    if not found or _bare_number_with_unit(sentence, found[0], lexicon):
        return None
    return found[0], _item("prec", sentence, first, found[0], (found[1],))


def _runtime(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    word = sentence.items[first].word
    if "." in sentence.text[sentence.items[first].end : sentence.items[first].end + 1] and word == "llama":
        rest = sentence.text[sentence.items[first].start :][:9].lower()
        if rest == "llama.cpp":
            last = first
            while sentence.items[last].end < sentence.items[first].start + 9:
                last += 1
            return last, _item("runtime", sentence, first, last, ("llama.cpp",))
    found = _listed(sentence, first, lexicon.runtimes, 3)
    if not found and len(word) > 4 and word.isalpha() and word not in known_words():
        meant = _slipped(word, lexicon.runtime_words)
        found = (first, lexicon.runtimes[meant]) if meant != word else None
    return (found[0], _item("runtime", sentence, first, found[0], (found[1],))) if found else None


def _provider(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    found = _listed(sentence, first, lexicon.providers, 3)
    if not found:
        return None
    said = letters_of(sentence.words(first, found[0]))
    before = sentence.items[first - 1].word if first else ""
    if said in _PROVIDER_AFTER_PREPOSITION and before not in _PREPOSITIONS:
        return None
    return found[0], _item("provider", sentence, first, found[0], (found[1],))


def _region(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    for last in _slice_ends(sentence, first):
        said = sentence.words(first, last).lower()
        if last - first < 4 and said in lexicon.regions and said not in ("secure", "community", "marketplace"):
            return last, _item("region", sentence, first, last, (said,))
    return None


def _preset(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    found = _listed(sentence, first, lexicon.presets, 4)
    return (found[0], _item("preset", sentence, first, found[0], (found[1],))) if found else None


_FINDERS: Final = (_repository, _accelerator, _runtime, _model, _precision, _provider, _region, _preset)
"""In this order at each item; the first that finds something has it."""
