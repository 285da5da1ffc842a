"""Names in a sentence: models, accelerators, precisions, runtimes, providers, regions, kinds of traffic.

The catalog says what a name means; here it is only found: from a word that can begin a name, the longest span that
names something. Names are taken before numbers, so that the 3.1 of 'Llama 3.1' is no number.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from agent.interpret.names.lexicon import COMMON, Lexicon
from agent.interpret.names.model_names import model, repository, slipped, spoken
from agent.interpret.names.spans import (
    LONGEST,
    UNITS_AFTER,
    Found,
    bare_number_with_unit,
    is_head,
    name_item,
    slice_ends,
    too_weak,
)
from agent.interpret.words.grammar import UNKNOWN, Item, Sentence
from agent.interpret.words.ordinary import ORDINARY
from agent.interpret.words.spelling import known_words, one_slip
from catalogs.catalog import ACCELERATOR_NOISE
from catalogs.names import letters_of, words_of
from catalogs.records.places import Place
from catalogs.records.versions import written_version

_BY_NUMBER: Final = frozenset("3080 3090 4080 4090 5090".split())
"""Accelerators that people call by their number alone."""
_NUMBER_OF_A_CARD: Final = re.compile(r"[2-5]0[5-9]0")
_MACHINES_OF_ONE: Final = frozenset({"box", "rig", "pc", "build", "workstation"})
"""What stands behind a card that is called by its number."""
_PROVIDER_AFTER_PREPOSITION: Final = frozenset({"lambda", "together", "vast", "crusoe", "oracle", "amazon", "hotaisle"})
"""Providers whose name is a word: only after on, at, from, with, using, via."""
_FIRMS: Final = frozenset({"google", "microsoft"})
"""Providers that are known for other things as well: refused, listed behind another, or alone behind 'on'."""
LEAST_MISSPELT: Final = 7
"""Letters of a place's name from which a slip in it is read: 'Franfurt', but not 'Rom'."""
_ALONE: Final = frozenset({"only", "just", "exclusively", "but"})
_PREPOSITIONS: Final = frozenset(
    {"on", "at", "from", "with", "using", "via", "use", "in", "provider", "cloud", ":", "=", "not", "no", "without"}
    | {"avoid", "except", "exclude", "excluding", "anythingbut", "replacing", "forbids"}
)


def name(sentence: Sentence, lexicon: Lexicon) -> None:
    """Put an item in the place of each name."""
    index = 0
    while index < len(sentence.items):
        opening = sentence.text[sentence.items[index].start]
        for finder in _FINDERS if opening.isalnum() else (repository,) if opening in "/~." else ():
            found = finder(sentence, index, lexicon)
            if found is not None:
                last, item = found
                sentence.merge(index, last, item)
                break
        index += 1


# --- accelerators -----------------------------------------------------------------------------------------------------


def _accelerator(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    item = sentence.items[first]
    typed = sentence.text[item.start : item.end].lower()
    opening = words_of(typed)
    if not opening:
        return None
    if typed in _BY_NUMBER or re.match(r"[2-6][05]00 ada\b", sentence.text[item.start :][:8], re.I):
        return _by_number(sentence, first, lexicon)
    if spaced := _spaced(sentence, first, lexicon):
        return spaced
    known = lexicon.accelerators.by_word
    named = opening[0].isalpha() and opening[0] in known and len(opening[0]) > 1 and opening[0] not in _ENDINGS
    named = named and opening[0] not in known_words()  # a name may say what it is: one of four
    # The fifth version of something is no TPU: ND H100 v5.
    a_version = re.fullmatch(r"v\d", typed) and not (first and sentence.items[first - 1].word.startswith("tpu"))
    begins = (is_head(typed, lexicon) and not a_version) or named or _is_chip(sentence, first)
    joined = first + 1 < len(sentence.items) and sentence.text[item.end : sentence.items[first + 1].start + 3]
    if not begins and not (joined and re.match(r"-\d", joined) and len(typed) <= 3 and typed.isalpha()):
        return None
    for last in slice_ends(sentence, first):
        if bare_number_with_unit(sentence, last, lexicon) and not _numbers_a_card(sentence, first, last):
            continue
        start, end = sentence.span(first, last)
        said = sentence.text[start:end].lower()
        singular = re.sub(r"(?<=[\dgxel])s(?=\W|$)", "", said) if letters_of(said)[-1:] == "s" else said
        for spelling in dict.fromkeys((said, singular)):
            words = words_of(spelling)
            telling = [w for w in words if w.isalpha() and (w not in COMMON or w in _ENDINGS or words[:1] == ("m",))]
            heads = [chunk for chunk in re.split(r"[\s-]+", spelling) if chunk in lexicon.heads]
            if (not telling and not heads) or (not heads and len(words) < 2 and words[0] not in _ARCHITECTURES):
                continue
            if too_weak(words):
                continue
            if not lexicon.accelerators.candidates(words, ACCELERATOR_NOISE):
                continue
            hits = _usual(spelling, lexicon)
            if hits:
                return _with_memory(sentence, first, last, spelling, hits, lexicon)
    return None


_MEMORY: Final = re.compile(
    r"\s*(?:(,)|\()?\s*(?:mit|with|da|de|von|of|having|med|con|à|w/)?\s*(?:je|each|ciascuna|"
    r"cada)?\s*(?P<size>\d{2,3})\s?(?:GB|GiB|Go|G)\b(?(1)(?=\s*(?:[,;)]|\.?\s*$)))(?!\s*/|\s*(?:per second|of|for|free|"
    r"disks?|ssd|nvme|storage|(?:system )?ram|host|weights?|kv|cache|network|model)\b)",
    re.I,
)
"""How much memory a card has, behind its name: 'V100 with 32 GB'; after a comma where nothing says of what."""


def _with_memory(
    sentence: Sentence, first: int, last: int, said: str, hits: tuple[str, ...], lexicon: Lexicon
) -> tuple[int, Item]:
    """Return the name with the memory that is said behind it, where that tells forms of one card apart."""
    behind = _MEMORY.match(sentence.text, sentence.items[last].end)
    if behind is not None and not re.search(r"\d\s?gb", said):
        told = _usual(f"{said} {behind['size']}GB", lexicon)
        if told:
            end = last
            while end + 1 < len(sentence.items) and sentence.items[end + 1].start < behind.end():
                end += 1
            return end, name_item("gpu", sentence, first, end, told, said)
    unit = sentence.items[last + 1] if last + 1 < len(sentence.items) else None
    if unit is not None and unit.word in ("gb", "gib") and said[-1:].isdigit():
        last += 1  # its memory is in the name already: 'A100 80 GB'
    return last, name_item("gpu", sentence, first, last, hits)


def _whole_name(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find 'DGX Spark': a name all of whose words mean nothing alone."""
    found = _listed(sentence, first, lexicon.whole_names.get(sentence.items[first].word, {}), LONGEST)
    return (found[0], name_item("gpu", sentence, first, found[0], (found[1],))) if found else None


def _spaced(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find 'H 100' and 'B 200': a capital apart from its number."""
    if first + 1 >= len(sentence.items) or sentence.words(first, first) not in ("H", "A", "B", "L", "GH", "GB", "MI"):
        return None
    number, said = sentence.items[first + 1], sentence.words(first, first + 1)
    name = "".join(said.split())
    after = sentence.items[first + 2] if first + 2 < len(sentence.items) else None
    alone = after is None or after.has("comma", "stop", "paren", "conj", "or", "gpunoun", "on", "in", "percent")
    if not number.has("num") or not re.fullmatch(r"[A-Z]+ \d+", said) or not alone or name.lower() not in lexicon.heads:
        return None
    hits = lexicon.accelerator(name)
    return (first + 1, name_item("gpu", sentence, first, first + 1, hits)) if hits else None


def _numbers_a_card(sentence: Sentence, first: int, last: int) -> bool:
    """Whether a number names a card though a machine follows: 'an RTX 4090 box'."""
    following = sentence.items[last + 1] if last + 1 < len(sentence.items) else None
    of_a_line = first < last and sentence.items[last - 1].word in ("rtx", "geforce")
    return of_a_line and following is not None and following.has("node", "gpunoun")


_ENDINGS: Final = frozenset({"max", "ultra"})
"""Words that end the name of a chip and begin none: 'max 4 GPUs'."""


def _is_chip(sentence: Sentence, first: int) -> bool:
    """Whether 'M3' is followed by what makes it an accelerator: 'M3 Ultra'."""
    typed = sentence.text[sentence.items[first].start : sentence.items[first].end].lower()
    following = sentence.items[first + 1].word if first + 1 < len(sentence.items) else ""
    return re.fullmatch(r"m[1-9]", typed) is not None and (following in _ENDINGS or following == "pro")


def _usual(spelling: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Return what a name means; where its memory leaves a choice, the one that the name means without it."""
    hits = lexicon.accelerator(spelling)
    if len(hits) < 2:
        return hits
    usual = lexicon.accelerator(re.sub(r"[\s-]\d+\s?g(i?b)?\b", "", spelling))
    return usual if len(usual) == 1 and usual[0] in hits else hits


_ARCHITECTURES: Final = frozenset(
    "tpu gaudi trainium inferentia trillium ironwood hopper blackwell xeon epyc jetson ampere".split()
)
"""Words that name accelerators without a number, several as a rule."""


def _by_number(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find a 4090 that is no number: counted ('8x 4090'), in the plural, or called a GPU."""
    item = sentence.items[first]
    before = sentence.items[first - 1].word if first else ""
    after = sentence.items[first + 1] if first + 1 < len(sentence.items) else None
    if after is not None and after.word in ("ti", "xtx", "super", "ada"):
        hits = lexicon.accelerator(sentence.words(first, first + 1))
        return (first + 1, name_item("gpu", sentence, first, first + 1, hits)) if hits else None
    plural = after is not None and after.word == "s" and after.start == item.end
    counted = before in "single a an my one two three four six eight x × rtx geforce on".split()
    if after is not None and after.has(*UNITS_AFTER) and not after.has("gpunoun"):
        counted = False
    others = [one.word for one in sentence.items[max(0, first - 2) : first + 3] if one is not item]
    beside = "+" in others and any(map(_NUMBER_OF_A_CARD.fullmatch, others))  # '3090 + 3060'
    counted = counted or beside or (after is not None and after.word in _MACHINES_OF_ONE)
    if counted or plural or (after is not None and after.has("gpunoun")):
        hits = lexicon.accelerator(sentence.text[item.start : item.end])
        last = first + 1 if plural else first
        return (last, name_item("gpu", sentence, first, last, hits)) if hits else None
    return None


def _vendor(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find a maker that stands for all its accelerators: 'AMD only', 'no Intel', 'NVIDIA cards'."""
    item = sentence.items[first]
    if item.word not in lexicon.vendors:
        return None
    before = sentence.items[first - 1] if first else None
    after = sentence.items[first + 1] if first + 1 < len(sentence.items) else None
    alone = (before is not None and (before.has("neg") or before.word in _ALONE)) or (
        after is not None and (after.word in _ALONE or after.has("gpunoun"))
    )
    by_maker = before is not None and before.word in ("by", "from")
    alone = alone or (by_maker and any(other.has("gpunoun") for other in sentence.items[max(0, first - 4) : first]))
    if item.word in lexicon.providers:  # 'no AWS' refuses a cloud
        alone = after is not None and after.has("gpunoun")
    return (first, name_item("gpus", sentence, first, first, lexicon.vendors[item.word])) if alone else None


_CONSUMER: Final = re.compile(
    r"(?:consumer|gaming|desktop|hobby(?:ist)?|geforce)(?:[- ](?:grade|class|level))? (?:gpus?|cards?|hardware|"
    r"accelerators?|graphics cards?)\b",
    re.I,
)
_DATA_CENTRE: Final = re.compile(
    r"(?:data[- ]?cent(?:re|er)|server|enterprise)(?:[- ](?:grade|class|level))? (?:gpus?|cards?|accelerators?)\b", re.I
)


def _class(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find a class of accelerators: 'consumer cards', 'data-centre GPUs'."""
    rest = sentence.text[sentence.items[first].start :][:60]
    for pattern, entries in ((_CONSUMER, "consumer"), (_DATA_CENTRE, "not in data centres")):
        if found := pattern.match(rest):
            last = first
            end = sentence.items[first].start + found.end()
            while last + 1 < len(sentence.items) and sentence.items[last + 1].start < end:
                last += 1
            return last, name_item("gpus", sentence, first, last, lexicon.classes[entries], entries)
    return None


# --- names that are listed --------------------------------------------------------------------------------------------


def _listed(sentence: Sentence, first: int, names: Mapping[str, str], longest: int) -> tuple[int, str] | None:
    """Return the longest span whose letters are those of a listed name, and what it stands for."""
    for last in slice_ends(sentence, first):
        if last - first + 1 <= longest:
            letters = letters_of(sentence.words(first, last))
            if letters in names:
                return last, names[letters]
    return None


def _precision(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    found = _listed(sentence, first, lexicon.precisions, 4) or _four_bits(sentence, first)
    if not found or bare_number_with_unit(sentence, found[0], lexicon):
        return None
    return found[0], name_item("prec", sentence, first, found[0], (found[1],))


_QUANTISED: Final = re.compile(r"q4\W{0,2}(?:quant|gguf|weights|of\b|version)", re.I)


def _four_bits(sentence: Sentence, first: int) -> tuple[int, str] | None:
    """Return what 'q4' is behind a model or before what is quantised; elsewhere it is a quarter of a year."""
    if sentence.items[first].word != "q4":
        return None
    before = [item for item in sentence.items[max(0, first - 2) : first] if not item.has("paren", "comma")][-1:]
    of_a_model = any(item.has("model") or re.fullmatch(r"[\d.]+b", item.word) for item in before)
    quantised = _QUANTISED.match(sentence.text, sentence.items[first].start)
    return (first, "int4") if of_a_model or quantised else None


def _runtime(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    word = sentence.items[first].word
    if "." in sentence.text[sentence.items[first].end : sentence.items[first].end + 1] and word == "llama":
        rest = sentence.text[sentence.items[first].start :][:9].lower()
        if rest == "llama.cpp":
            last = first
            while sentence.items[last].end < sentence.items[first].start + 9:
                last += 1
            return last, name_item("runtime", sentence, first, last, ("llama.cpp",))
    one_letter = sentence.items[first].end - sentence.items[first].start == 1  # '7B o Llama 8B' is no ollama
    found = None if one_letter else _listed(sentence, first, lexicon.runtimes, 3)
    if not found and len(word) > 4 and word.isalpha() and word not in known_words():
        meant = slipped(word, lexicon.runtime_words)
        found = (first, lexicon.runtimes[meant]) if meant != word else None
    if not found:
        return None
    last, entry = found
    while sentence.items[last].word == "@":
        last -= 1
    if entry in lexicon.with_versions:
        last, version = _version(sentence, last, lexicon)
        entry = f"{entry}@{version}" if version else entry
    return last, name_item("runtime", sentence, first, last, (entry,))


_VERSION = re.compile(r"(?:@v?|\s+(?:version\s+v?|v))(\d+(?:\.\d+)*\w*)|(?:\s*@\s*|\s+)(\d+\.\d+[\w.]*)", re.IGNORECASE)
"""Behind a serving runtime's name: '@0.11', ' v0.15.1', ' version 0.11'; without a mark it has a point: ' 0.5.6'."""


def _version(sentence: Sentence, last: int, lexicon: Lexicon) -> tuple[int, str]:
    """Return the version behind a serving runtime's name, empty where there is none, and the item in which it ends."""
    said = _VERSION.match(sentence.text, sentence.items[last].end)
    version = said and written_version(said[1] or said[2].rstrip("."))
    if not said or not version:
        return last, ""
    end = last
    while end + 1 < len(sentence.items) and sentence.items[end + 1].start < said.end():
        end += 1
    return (last, "") if bare_number_with_unit(sentence, end, lexicon) else (end, version)


_DEMONYMS: Final = {
    "american": "united-states", "european": "europe", "british": "united-kingdom", "french": "france",
    "german": "germany", "dutch": "netherlands", "finnish": "finland", "canadian": "canada", "indian": "india",
}  # fmt: skip
_GROUP: Final = re.compile(
    r"(?:the )?(?:(?P<seat>us|u\.s\.|usa|uk|u\.k\.|eu|[a-z]+)(?:[- ](?:based|owned|run|controlled))? (?:cloud )?"
    r"(?:providers?|clouds?|vendors?|hosters?|companies|company)|hyper-?\s?scalers?|"
    r"(?:big|large) (?:three |four )?clouds?(?: providers?)?)\b",
    re.I,
)


def _group(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find the providers of a country, or the large ones: 'no US provider', 'European clouds', 'hyperscalers'."""
    found = _GROUP.match(sentence.text, sentence.items[first].start)
    if found is None:
        return None
    named = lexicon.hyperscalers
    if seat := found["seat"]:
        place = lexicon.places.places.get(_DEMONYMS.get(seat.lower(), "")) or lexicon.places.called(seat)
        countries = lexicon.places.places
        named = tuple(
            provider
            for provider, country in sorted(lexicon.seats.items())
            if place is not None and country in countries and lexicon.places.inside(countries[country], place)
        )
    last = first
    while last + 1 < len(sentence.items) and sentence.items[last + 1].start < found.end():
        last += 1
    return (last, name_item("provider", sentence, first, last, named)) if named else None


def _machine(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find a provider's machine by its name, and what is in it: 'p5.48xlarge', 'a3-highgpu-8g', 'ND96isr H100 v5'."""
    start = sentence.items[first].start
    if start and (sentence.text[start - 1].isalnum() or sentence.text[start - 1] in "-_."):
        return None
    for end, machine in lexicon.machines.at(sentence.text, start):
        last = first
        while last + 1 < len(sentence.items) and sentence.items[last + 1].start < end:
            last += 1
        item = name_item("gpu", sentence, first, last, machine.accelerators)
        return last, replace(item, kinds=frozenset({"gpu", "machine"}))
    return None


def _provider(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    found = _listed(sentence, first, lexicon.providers, 3)
    if not found:
        return None
    said = letters_of(sentence.words(first, found[0]))
    before = sentence.items[first - 1].word if first else ""
    after = sentence.items[found[0] + 1] if found[0] + 1 < len(sentence.items) else None
    if said in _FIRMS:
        refused = first > 0 and (sentence.items[first - 1].has("neg") or before in ("but", "avoid", "except"))
        alone = before in ("on", "provider", "cloud") and (after is None or after.has("comma", "stop", "or", "conj"))
        listed = first > 1 and sentence.items[first - 1].has("or", "conj") and sentence.items[first - 2].has("provider")
        if not (refused or alone or listed):
            return None
    if (
        said in _PROVIDER_AFTER_PREPOSITION
        and before not in _PREPOSITIONS
        and not (after is not None and after.has("spot", "reserved", "ondemand"))
        and not _in_a_list(sentence, first, found[0])
        and not _beside_another(sentence, first, found[0], lexicon)
    ):
        return None
    return found[0], name_item("provider", sentence, first, found[0], (found[1],))


def _beside_another(sentence: Sentence, first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether another provider is named beside this one: 'Lambda or CoreWeave'."""
    items = sentence.items
    behind = items[last + 2].word if items[last + 1 : last + 2] and items[last + 1].has("or", "conj") else ""
    ahead = items[first - 2].word if first > 1 and items[first - 1].has("or", "conj") else ""
    return letters_of(behind) in lexicon.providers or letters_of(ahead) in lexicon.providers


def _in_a_list(sentence: Sentence, first: int, last: int) -> bool:
    """Whether a capitalised word stands alone between commas: 'on demand, Lambda'."""
    before = sentence.items[first - 1] if first else None
    after = sentence.items[last + 1] if last + 1 < len(sentence.items) else None
    listed = (before is None or before.has("comma", "stop")) and (after is None or after.has("comma", "stop"))
    return listed and len(sentence.items) > 1 and sentence.text[sentence.items[first].start].isupper()


def _region(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    if sentence.items[first].has("region"):
        return None  # a code as it is written
    for last in slice_ends(sentence, first):
        said = sentence.words(first, last).lower()
        if last - first < 4 and said in lexicon.regions and said not in ("secure", "community", "marketplace"):
            return last, name_item("region", sentence, first, last, (said,))
        if last - first < 4 and (found := lexicon.places.region(said)) is not None:
            return last, name_item("region", sentence, first, last, (found[1],))
    return None


def _place(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find a city, a country or a continent; 'us' is one in capitals alone."""
    for last in slice_ends(sentence, first):
        said = sentence.words(first, last)
        if last - first >= 4 or len(said) < 2 or (said.lower() in ("us", "fra") and not said.isupper()):
            continue
        if last == first and sentence.items[first].has("verb"):
            continue  # 'usa' is a verb where it was put into English
        place = lexicon.places.called(said) or (
            _misspelt_place(sentence.items[first], lexicon) if last == first else None
        )
        if place is not None:
            return last, name_item("place", sentence, first, last, (place.id,))
    return None


def _misspelt_place(item: Item, lexicon: Lexicon) -> Place | None:
    """Return the place that an unknown word is one slip from: 'Franfurt'; none where several are as near."""
    word = item.word
    if len(word) < LEAST_MISSPELT or not word.isalpha() or item.kinds > UNKNOWN or word in ORDINARY:
        return None
    names = lexicon.places.by_letters
    near = {
        names[name] for name in names if name[0] == word[0] and len(name) >= LEAST_MISSPELT and one_slip(word, name)
    }
    return lexicon.places.places[near.pop()] if len(near) == 1 else None


_IDENTIFIER: Final = re.compile(r"(?:^|[\s|'\"`(=:,])/[\w./-]*$|\w_\w*$|://\S*$")
"""What stands before a word that is a part of an endpoint's path or of a name: '/summarize', 'claims_assistant'."""
_APART: Final = re.compile(
    r"\b(?:besides|apart from|aside from|except(?: for)?|other than|next to)\s(?:[\w-]+\s){0,3}$", re.I
)
"""What stands before a kind of traffic that is another: 'besides the nightly batch job the chat gets 8 rps'."""


def _preset(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    item, text = sentence.items[first], sentence.text
    before = text[max(0, item.start - 60) : item.start]
    if _IDENTIFIER.search(before) or _APART.search(before) or text[item.end : item.end + 1] == "_":
        return None  # the name of one endpoint says nothing of its lengths
    beside = sentence.items[max(0, first - 1) : first] + sentence.items[first + 1 : first + 2]
    alone = item.word == "chat" and len(sentence.items) > 1 and all(one.has("comma", "stop", "paren") for one in beside)
    found = (first, "chat") if alone else _listed(sentence, first, lexicon.presets, 4)
    return (found[0], name_item("preset", sentence, first, found[0], (found[1],))) if found else None


_FINDERS: Final = (
    _machine,
    _group,
    repository,
    _class,
    _whole_name,
    _accelerator,
    _vendor,
    _runtime,
    spoken,
    model,
    _precision,
    _provider,
    _region,
    _place,
    _preset,
)
"""In this order at each item; the first that finds something has it."""
