"""What a misspelt word was meant to be: the one word of the vocabulary that is one slip away (two in long words)."""

from functools import cache, lru_cache
from itertools import combinations
from typing import Final

from agent.interpret.vocabulary import KINDS_OF, PHRASES

NEVER_FUZZY: Final = 4
"""Words of up to so many letters must be spelt right."""

TRUE_WORDS: Final = frozenset(
    "charts chart chars hat chat mouth mouths paces ages page hose house houses hoses worlds swords wards sward woods "
    "taken tone token broken spoken stoke tokes uses user used users east west test tests text rest quests guest "
    "guests query queries quarry tack tacks mask masks tasks stall tall calls cells call cell walls balls halls "
    "bell bells falls peal pearl speak spoke beak peaks peer pear beaks great grown crow crown grows glow flow throw "
    "growth rice rises rinse price prices prize nods modes mode models model notes note node server served serve serves "
    "services service sever severe several boxer machine host hosts hots most cost coast ghost post posts past "
    "print prints point points paint promote prompted prompting compete competition complete completes completed "
    "repeat reports report replay replays relay reply replied repair sponsor response responsible respond "
    "request requested requester requires required require inquest conquest sector sectors second record records "
    "recons minute minuet minted hour hours sour four our tour pour honor day says days bay may way lay week weak weeks "
    "seek month mouth monthly daily dairy yearly nearly early clearly fear rear bear hear dear near years tears "
    "budge budget gadget nudge bucket burst bursts bust thrust trust burnt bush spare share spares spark space spaces "
    "shared scared stared square squares spot spots sport sports shot slot slots stop stops input inputs impute "
    "outputs output outout outlet layout payout without within width height weight weights eight eighty eighth freight "
    "right night light tight thirty thirsty twenty seven eleven elven heaven even given driven five file files "
    "fine find mile million billion bullion trillion pillion thousand husband dozen frozen cozen hundred hunted "
    "single signal angle jingle double doubles trouble bubble triple tripe ripple tipple context contest contests "
    "contexts content contents contend concert concern concerned current currently concurrent occurrent coherent parallel "
    "inward forward onward generated generate generates general generals operate operated venerate under udder wonder "
    "below bellow elbow blow above love dove shove about abort shout around ground round across average beverage "
    "leverage typical topical atypical length lengthy strength long along lung size sizes side prize seize count counts "
    "county country countries account accounts mount court except expect expects accept accepts excerpt expert exclude "
    "include included includes including exclusive avoid avoids void never lever fever ever every very eerie each reach "
    "beach teach peach next text exact past last list lost least fast east prefix suffix prefixes perfect cached catch "
    "cache caches cashed ached match batch batches watch patch catches latch hatch bath baths bits bite bit kit fit hit "
    "chip ship ships chips chirp card cards cart car cards hard yard guard cares care device devices advice advise "
    "accelerate accelerated accelerating instance instances distance substance insurance instant replica replicas "
    "replicate replicated agents agent aged urgent gent client clients cline silent dient student students studio "
    "member members remember number numbers membrane staff stuff seats seat meats seals deal people purple peoples "
    "reader readers leader leaders header headers visitor visits visited custom customs costume customer consumer "
    "consumers employer employers employed employee deploy deploys deployed deployee explain explore develop developed "
    "develops developing development review reviews preview previews revive message massage messages passages passage "
    "session sessions season seasons lesson lessons mission missions version versions tension pension fusion fission "
    "turn turns tune tuns burn return returns train trains image images imagine manage managed manages damage article "
    "particle particles articles comment comments commend command commands document documents transcript transcripts "
    "ticket tickets cricket wicket picket emails email mails mail trial tails paper papers pager taper record invoice "
    "invoices voice voices contract contracts contact contacts contrast extract extracts summary summery primary "
    "translate translated translation transition transitions transaction transactions action actions transfer section "
    "sections question questions suggestion digestion search searches research researches stretch reach reached march "
    "steps stems step stop steep steeps chops hops shops hope hopes latency patency latent patient patients dates rates "
    "rate date ratio radio patio ration factor actor factors tractor doctor doctors factory stable table tables cable "
    "able unable state states static constant instants content sprint prints increase incrase decrease degrees degree "
    "release released releases decline recline define expand extend extended extends expend spend spent sends send lend "
    "afford effort ceiling feeling selling calling spending sending pending ending standing reserved deserved reserve "
    "observed commit commits summit omit commitment comment stream streams dream dreams team teams steam seam batches "
    "spending standby stand horizon horizons iron maximum maxim minimum aluminium medium factor weekly weakly meekly "
    "annually manually annual manual perhaps exactly exact equal equals mostly nicely ghostly costly generally generally "
    "generous sometimes something someone typed hypes types typing tying trying being bring going doing asking making "
    "taking baking waking masking issue tissue issues firing hiring wiring running ruining tuning burning getting "
    "setting letting betting writing waiting writhe write white while whole hole sole role total tonal vital wales "
    "reasons reason seasoning reasoning seasoned thinking linking sinking thought though through tough thoughts "
    "single singles shingle mingle mixed fixed prefixed affixed identical identify common commons comma summon shape "
    "sharing share spared flare stare square reuse reused refuse refused excuse abuse users repeated".split()
)  # fmt: skip
"""Words that are right as they are although they look like others: a stranger's vocabulary, not ours."""


@cache
def known_words() -> frozenset[str]:
    """Return every word of the vocabulary and of its phrases."""
    return frozenset(KINDS_OF) | {
        word for phrases in PHRASES.values() for phrase in phrases.split("|") for word in phrase.split()
    }


@cache
def _targets() -> dict[str, frozenset[str]]:
    """Return the words of the vocabulary by what is left of them when letters are dropped."""
    near: dict[str, set[str]] = {}
    for word in known_words():
        if len(word) > NEVER_FUZZY and word.isalpha():
            for shorter in _shortened(word, _slips(word)):
                near.setdefault(shorter, set()).add(word)
    return {shorter: frozenset(found) for shorter, found in near.items()}


@lru_cache(maxsize=8192)
def spelt(word: str) -> str:
    """Return the word of the vocabulary that is meant, or the word itself."""
    if word in known_words() or len(word) <= NEVER_FUZZY or len(word) > 20 or word in TRUE_WORDS or not word.isalpha():
        return word
    candidates: set[str] = set()
    for shorter in _shortened(word, _slips(word)):
        candidates |= _targets().get(shorter, frozenset())
    ranked = sorted(
        (distance, other)
        for other in candidates
        if other[0] == word[0]
        and abs(len(other) - len(word)) <= 2
        and (distance := _distance(word, other)) <= min(_slips(word), _slips(other))
    )
    return ranked[0][1] if ranked and (len(ranked) == 1 or ranked[0][0] < ranked[1][0] or _same_sense(ranked)) else word


def _same_sense(ranked: list[tuple[int, str]]) -> bool:
    """Whether the nearest words are forms of one word."""
    nearest = [word for distance, word in ranked if distance == ranked[0][0]]
    return len({word.rstrip("s") for word in nearest}) == 1


def _slips(word: str) -> int:
    return 2 if len(word) >= 9 else 1


def _shortened(word: str, count: int) -> set[str]:
    """Return the word and what is left of it without up to so many letters."""
    found = {word}
    for drop in range(1, count + 1):
        for kept in combinations(range(len(word)), len(word) - drop):
            found.add("".join(word[index] for index in kept))
    return found


def _distance(one: str, other: str) -> int:
    """Return how many letters were added, dropped, changed or swapped with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        new = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[j] + 1, new[-1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        before, row = row, new
    return row[-1]


def one_slip(one: str, other: str) -> bool:
    """Whether two words are one slip apart."""
    return abs(len(one) - len(other)) <= 1 and _distance(one, other) == 1
