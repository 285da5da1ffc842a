"""Several models beside each other on the same cards: in parts that the hardware splits off, or taking turns.

A part is a card with less of everything. MIG gives it slices of memory, their bandwidth, and multiprocessors of its
own. Engines that take turns (time-slicing) share a card of which each holds a part of the memory, as runtimes are told
by their share of it; while n of them have work each has 1/n of the time, as equal time slices give it (NVIDIA GPU
Operator, Time-Slicing GPUs). Each is planned as if the others always had work: a bound from above, which the duty
cycles of the others would only lower. Switching between them, and what it costs their caches, is not counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.records.accelerators import Accelerator, PeakRates
from catalogs.records.partitions import Partitioning, PartitionProfile
from engine.choice.sharing.workloads import Conflict, Met, Workload, joined_money
from engine.fleet.candidates import candidates
from engine.fleet.offers import OfferChoice, PricedOffer
from engine.fleet.prices import prices_of
from engine.fleet.search import doubt_of
from engine.fleet.size import replicas_for
from engine.question.fleet_limits import fewest_replicas, without_ceilings
from engine.question.resolve import Question
from engine.replica.batches import batch_at_rate, capacity_batch
from engine.workload import SPLIT

EIGHTHS = 8
"""Parts of the memory in which engines that take turns divide a card."""
DRIVER_SHARE = 0.98
"""Of a part's memory that software sees: 9.75 GiB of an eighth of the 79.6 GiB of an H100 (nvidia-smi mig -lgip)."""
MOST_PARTS = 48
"""Parts beyond which whole cards are filled anyway: sharing saves a workload no more than what it leaves of one card,
which of so many is as little as nobody shares cards for."""

How = Literal["slices", "turns"]


class Part(Struct, frozen=True):
    """A part of a card, as the accelerator that an engine in it sees."""

    card: Accelerator
    name: str
    accelerator: Accelerator


class Held(Struct, frozen=True):
    """What one replica of a workload carries in a part."""

    part: Part
    capacity: float
    """Calls/s within its targets."""


class Share(Struct, frozen=True):
    """One workload on shared cards."""

    workload: str
    part: str
    precision: str
    replicas: int
    """In parts of cards."""
    whole_cards: int
    """Beside those, cards of its own."""
    met: Met


class SharedCards(Struct, frozen=True):
    """Cards that several workloads share."""

    card: Accelerator
    cards: int
    """Of the fleet, those that one workload has alone among them."""
    shares: tuple[Share, ...]
    offer: PricedOffer
    monthly_usd: float


def shared_cards(workloads: Sequence[Workload], how: How) -> SharedCards:
    """Return the cheapest cards on which all workloads run beside each other.

    Args:
        workloads: of any models.
        how: in slices of the hardware, or taking turns.

    Raises:
        Conflict: there are none; why, in words.
    """
    for one in workloads:
        spec = one.question.spec
        if without_ceilings(spec.hardware) != spec.hardware:
            raise Conflict(f"the fleet of {one.name} is given or has a ceiling of its own")
        if (stated := max(getattr(spec.serving, name) or 1 for name in SPLIT)) > 1:
            raise Conflict(f"{one.name} is asked for with parallelism {stated}, and an engine in a part has one card")
    money = joined_money([one.question.spec.money for one in workloads])
    cards = _cards(workloads)
    parts = [part for card in cards for part in _parts(card, how, workloads)]
    wholes = [Part(card, "", card) for card in cards]
    held = [_held(one, parts) for one in workloads]
    whole = [_held(one, wholes) for one in workloads] if how == "turns" else [{} for _ in workloads]
    best: tuple[tuple[float, float], Accelerator, int, list[tuple[Held, int, int]], OfferChoice] | None = None
    spares = max(one.question.spec.availability.spare_replicas for one in workloads)
    for card in cards:
        asked = replace(workloads[0].question, spec=replace(workloads[0].question.spec, money=money))
        price = prices_of(asked, card)
        layouts = _turns(workloads, card, held, whole) if how == "turns" else _slices(workloads, card, held)
        for count, chosen in layouts:
            choice = price(count + spares, 1)
            if choice is None:
                break
            usd = choice.chosen.monthly_usd(choice.chosen.instances_for(count + spares, 1))
            ranked = round(usd, 6), -_headroom(workloads, chosen)
            if best is None or ranked < best[0]:
                best = ranked, card, count + spares, chosen, choice
    if best is None:
        part = "slice" if how == "slices" else "part"
        if any(all(any(one.part.card is card for one in some.values()) for some in held) for card in cards):
            raise Conflict(f"in {part}s of cards they would take more than {MOST_PARTS}, and fill whole ones anyway")
        raise Conflict(f"no {part} of a single card holds each of them within its targets")
    (usd, _), card, count, chosen, choice = best
    return SharedCards(
        card=card,
        cards=count,
        shares=tuple(_share(one, *row) for one, row in zip(workloads, chosen, strict=True)),
        offer=choice.chosen,
        monthly_usd=usd + money.other_monthly_usd,
    )


def _headroom(workloads: Sequence[Workload], chosen: Sequence[tuple[Held, int, int]]) -> float:
    """Return by how much the parts carry more than is asked, of the workload with the least to spare."""
    return min(
        np.inf if whole else held.capacity * replicas / float(one.hourly.max())
        for one, (held, replicas, whole) in zip(workloads, chosen, strict=True)
    )


def _cards(workloads: Sequence[Workload]) -> list[Accelerator]:
    """Return the cards that all workloads may use and that engines of CUDA can share."""
    ids = set.intersection(*({one.id for one in w.question.accelerators} for w in workloads))
    named = any(w.question.spec.hardware.accelerators for w in workloads)
    first = workloads[0].question
    return [
        one
        for one in first.accelerators
        if one.id in ids and one.vendor == "NVIDIA" and (named or not doubt_of(first, one))
    ]


def _parts(card: Accelerator, how: How, workloads: Sequence[Workload]) -> Iterator[Part]:
    catalog = workloads[0].question.catalog
    if how == "slices":
        for split in (one for one in catalog.partitionings.values() if card.id in one.accelerators):
            for profile in split.profiles:
                yield Part(card, profile.name, slice_of(card, split, profile))
        return
    for eighths in range(1, EIGHTHS - len(workloads) + 2):
        share = 1 / len(workloads)
        name = f"{eighths}/{EIGHTHS} of the memory"
        yield Part(card, name, part_of(card, f"{eighths}/{EIGHTHS}", eighths / EIGHTHS, share, share))


def slice_of(card: Accelerator, split: Partitioning, profile: PartitionProfile) -> Accelerator:
    """Return a slice of a card as an accelerator."""
    memory = profile.memory_slices / split.memory_slices
    compute = profile.multiprocessors / split.multiprocessors
    return part_of(card, profile.name.replace(", ", "-").replace(" ", "-"), memory * DRIVER_SHARE, memory, compute)


def part_of(card: Accelerator, name: str, memory: float, bandwidth: float, compute: float) -> Accelerator:
    """Return a part of a card as an accelerator, with the efficiencies of the whole.

    Args:
        name: of the part, for its id.
        memory: share of the memory's size.
        bandwidth: share of its bandwidth.
        compute: share of the matrix rates.
    """
    peaks = card.peak_tflops
    rates = {name: rate * compute for name in peaks.__struct_fields__ if (rate := getattr(peaks, name)) is not None}
    return replace(
        card,
        id=f"{card.id}:{name}",
        memory_gib=card.memory_gib * memory,
        memory_gb_per_s=card.memory_gb_per_s * bandwidth,
        peak_tflops=PeakRates(**rates),
        kernels=card.kernels or card.id,
        per_node=1,
        link=replace(card.link, domain=1),
    )


def _alone(question: Question, accelerators: Sequence[Accelerator]) -> Question:
    """Return a question on parts of cards, an engine in each."""
    spec = question.spec
    one = replace(spec.serving, **dict.fromkeys(SPLIT, 1))
    return replace(question, accelerators=tuple(accelerators), spec=replace(spec, serving=one))


def _held(workload: Workload, parts: Sequence[Part]) -> Mapping[str, Held]:
    """Return what a replica of a workload carries in each part that holds it, by the part's id."""
    if not parts:
        return {}
    found, _ = candidates(_alone(workload.question, [part.accelerator for part in parts]))
    if not len(found):
        return {}
    replicas = found.fleet_replicas()
    batch = capacity_batch(replicas, workload.targets, workload.question.spec.serving.utilisation_ceiling)
    rates = replicas.rate(np.where(np.isnan(batch), 1.0, batch))
    by_id = {part.accelerator.id: part for part in parts}
    rows = ((found.accelerator(int(row)).id, float(rates[row, 0])) for row in np.flatnonzero(~np.isnan(batch[:, 0])))
    return {id: Held(by_id[id], capacity) for id, capacity in rows}


def _needed(workload: Workload, capacity: float) -> int:
    count = int(replicas_for(float(workload.hourly.max()), capacity))
    return max(count, fewest_replicas(workload.question.spec))


def _slices(
    workloads: Sequence[Workload], card: Accelerator, held: Sequence[Mapping[str, Held]]
) -> Iterator[tuple[int, list[tuple[Held, int, int]]]]:
    """Yield cards and what each workload has of them, for choices of profiles of which no other takes fewer cards.

    Those that may take the fewest come first, of equals what leaves most to spare, until no other can be as good.
    """
    splits = [one for one in workloads[0].question.catalog.partitionings.values() if card.id in one.accelerators]
    for split in splits:
        own = [[(p, h) for p in split.profiles if (h := some.get(slice_of(card, split, p).id))] for some in held]
        choices = []
        for choice in product(*own):
            chosen = [(h, _needed(one, h.capacity), 0) for one, (_, h) in zip(workloads, choice, strict=True)]
            counts = [count for _, count, _ in chosen]
            if sum(counts) <= MOST_PARTS:
                profiles = [profile for profile, _ in choice]
                least = -(
                    -sum(p.memory_slices * n for p, n in zip(profiles, counts, strict=True)) // split.memory_slices
                )
                choices.append((least, -_headroom(workloads, chosen), profiles, counts, chosen))
        fewest = MOST_PARTS + 1
        for least, _, profiles, counts, chosen in sorted(choices, key=lambda one: one[:2]):
            if least > fewest:
                break
            count = cards_for(split, profiles, counts)
            yield count, chosen
            if count == least:
                break
            fewest = min(fewest, count)


def cards_for(split: Partitioning, profiles: Sequence[PartitionProfile], counts: Sequence[int]) -> int:
    """Return the fewest cards that hold so many parts of each profile: exact, over all layouts of a card.

    Args:
        split: how the cards split.
        profiles: of the parts; one may stand several times.
        counts: parts of each.
    """
    wanted: dict[str, int] = {}
    kinds = {profile.name: profile for profile in profiles}
    for profile, count in zip(profiles, counts, strict=True):
        wanted[profile.name] = wanted.get(profile.name, 0) + count
    layouts = _layouts(split.memory_slices, tuple((p.memory_slices, p.starts) for p in kinds.values()))
    # Every count of each kind up to what is wanted, and whether the cards so far hold it: one card of any layout more.
    held = np.zeros([count + 1 for count in wanted.values()], dtype=bool)
    held.flat[0] = True
    cards = 0
    while not held.flat[-1]:
        cards += 1
        lefts = (
            [np.maximum(np.arange(size) - n, 0) for size, n in zip(held.shape, one, strict=True)] for one in layouts
        )
        held = np.any([held[np.ix_(*left)] for left in lefts], axis=0)
    return cards


def _covers(more: tuple[int, ...], less: tuple[int, ...]) -> bool:
    return all(a >= b for a, b in zip(more, less, strict=True))


@lru_cache(maxsize=256)
def _layouts(slices: int, kinds: tuple[tuple[int, tuple[int, ...]], ...]) -> tuple[tuple[int, ...], ...]:
    """Return how many parts of each kind, its size and where it may begin, lie beside each other on one card."""
    ends: list[set[tuple[int, ...]]] = [{(0,) * len(kinds)}, *(set[tuple[int, ...]]() for _ in range(slices))]
    for start, here in enumerate(ends[:-1]):
        ends[start + 1] |= here
        for which, (size, starts) in enumerate(kinds):
            if start in starts and start + size <= slices:
                ends[start + size] |= {tuple(n + (other == which) for other, n in enumerate(one)) for one in here}
    found = ends[-1]
    return tuple(one for one in found if any(one) and not any(_covers(o, one) for o in found if o != one))


def _turns(
    workloads: Sequence[Workload],
    card: Accelerator,
    held: Sequence[Mapping[str, Held]],
    whole: Sequence[Mapping[str, Held]],
) -> Iterator[tuple[int, list[tuple[Held, int, int]]]]:
    """Yield cards and what each workload has of them, for each division of the memory.

    So many cards run an engine of each workload; what these do not carry runs on cards of its own.
    """
    by_eighths = [{e: h for e in range(1, EIGHTHS) if (h := some.get(f"{card.id}:{e}/{EIGHTHS}"))} for some in held]
    for division in product(*(one.items() for one in by_eighths)):
        if sum(eighths for eighths, _ in division) > EIGHTHS:
            continue
        chosen = [h for _, h in division]
        needed = [_needed(one, h.capacity) for one, h in zip(workloads, chosen, strict=True)]
        if max(needed) <= MOST_PARTS:
            count, both, rest = min(_mixed(workloads, card, chosen, whole, needed))
            yield count, [(h, min(both, n), r) for h, n, r in zip(chosen, needed, rest, strict=True)]


def _mixed(
    workloads: Sequence[Workload],
    card: Accelerator,
    chosen: Sequence[Held],
    whole: Sequence[Mapping[str, Held]],
    needed: Sequence[int],
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield all cards, those that are shared, and those that each workload has alone."""
    for both in range(1, max(needed) + 1):
        rest = []
        for one, part, own, parts in zip(workloads, chosen, whole, needed, strict=True):
            left = float(one.hourly.max()) - both * part.capacity
            alone = own.get(card.id)
            if both >= parts:
                rest.append(0)
            elif alone is None:
                break
            else:
                rest.append(int(replicas_for(left, alone.capacity)))
        else:
            yield both + sum(rest), both, tuple(rest)


def _share(workload: Workload, held: Held, replicas: int, whole_cards: int) -> Share:
    """Return what a workload has and meets, each engine loaded in proportion to what it carries."""
    found, _ = candidates(_alone(workload.question, [held.part.accelerator]))
    one = found.fleet_replicas()
    carried = float(workload.hourly.max()) / replicas if not whole_cards else held.capacity
    load = one.at(batch_at_rate(one, np.array([[min(carried, held.capacity)]])))
    precision = workload.question.weights.id
    return Share(workload.name, held.part.name, precision, replicas, whole_cards, workload.met(load))
