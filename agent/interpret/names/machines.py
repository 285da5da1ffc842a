"""Machines that providers rent out, by name: which accelerators they hold, and how many."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import Choice
from catalogs.catalog import Catalog
from catalogs.names import letters_of
from catalogs.records.prices import RentalOffer

if TYPE_CHECKING:
    from agent.interpret.names.lexicon import Lexicon

_WRITTEN: Final = re.compile(r"[A-Za-z][\w.-]*\w(?: [A-Z]+\d+X?\b(?: v\d\b)?)?", re.ASCII)
"""A machine as people write it; of Azure's the accelerator and the version may stand apart."""
_OWN_NAME: Final = re.compile(r"(?:Standard_)?[A-Za-z]\w*[._-][\w.-]*\w", re.ASCII)
_OF_A_CARD: Final = re.compile(r"[A-Z]+\d+\w*-(?:\d+GB|PCIe|sxm)|tpu-|gpu-[^_]+$")
"""A name that is hardly more than the accelerator's: 'A100-80GB' is an accelerator, whoever rents it out."""
_BY_PARTS: Final = re.compile(r"Standard_|[a-z]\d-")
"""Names of which the beginning is said too: 'ND96isr' of ND96isr_H100_v5, 'a3-highgpu' of a3-highgpu-8g."""
_SHORTEST: Final = 6
"""Letters of such a beginning."""


class Machine(Struct, frozen=True):
    """What a name of a machine stands for."""

    providers: tuple[str, ...]
    accelerators: tuple[str, ...]
    """Ids; several where the name leaves a choice."""
    size: int | None
    """Accelerators in one; None where the name leaves it open."""


class Machines:
    """The machines of a catalog's offers."""

    def __init__(self, catalog: Catalog) -> None:
        offers: dict[str, list[RentalOffer]] = defaultdict(list)
        for offer in catalog.offers:
            name = re.sub(r" \(.*\)$", "", offer.instance)
            if not _OWN_NAME.fullmatch(name) or not re.search(r"\d", name) or _OF_A_CARD.match(name):
                continue
            for spelling in _spellings(name):
                offers[spelling].append(offer)
        self._by_letters = {
            letters: Machine(
                tuple(sorted({offer.provider for offer in sold})),
                tuple(sorted({offer.accelerator for offer in sold})),
                sold[0].accelerators if len({offer.accelerators for offer in sold}) == 1 else None,
            )
            for letters, sold in offers.items()
        }

    def called(self, text: str) -> Machine | None:
        """Return the machine that a name means, in the plural too; None where it means none."""
        letters = letters_of(text)
        return self._by_letters.get(letters) or self._by_letters.get(letters.removesuffix("s"))

    def at(self, text: str, start: int) -> Iterator[tuple[int, Machine]]:
        """Yield the machines whose name begins at a place of a text, the longest name first, with where it ends."""
        written = _WRITTEN.match(text, start)
        words = written.group().split(" ") if written else []
        for count in range(len(words), 0, -1):
            name = " ".join(words[:count])
            if machine := self.called(name):
                yield start + len(name), machine


def _spellings(name: str) -> Iterator[str]:
    """Yield the letters by which a machine is known: its name, and of some its beginnings."""
    short = name.removeprefix("Standard_")
    yield from {letters_of(name), letters_of(short)}
    if _BY_PARTS.match(name):
        for mark in re.finditer("[_-]", short):
            if len(letters := letters_of(short[: mark.start()])) >= _SHORTEST:
                yield letters


def read_machines(draft: Draft, lexicon: "Lexicon") -> None:
    """Find machines by their names: their accelerators, how many are in one, how many machines, whose they are.

    A name that leaves the accelerator open is asked about.
    """
    items = draft.sentence.items
    for index, item in enumerate(items):
        said = draft.sentence.words(index, index)
        machine = lexicon.machines.called(said) if item.has("machine") and not item.claimed else None
        if machine is None or item.negated:
            continue
        if len(machine.accelerators) > 1:
            choices = [Choice((one,), one) for one in machine.accelerators]
            text = f"{said!r} may have several accelerators: which?"
            draft.ask("hardware.accelerators", index, index, text, choices)
            continue
        (accelerator,) = machine.accelerators
        counts = [index - 1] if index else []
        counts += [index + 2] if items[index + 1 : index + 2] and items[index + 1].has("x") else []
        count = next(
            (at for at in counts if items[at : at + 1] and items[at].has("num") and not items[at].claimed), None
        )
        if machine.size and count is not None:
            _machines(draft, count, said)
        echo = f"on {accelerator}{f', {machine.size} in a {said}' if machine.size else ''}"
        draft.found("hardware.accelerators", index, index, [Option((accelerator,), echo)])
        if machine.size:
            each = Option(machine.size, f"{machine.size} accelerator{'s' if machine.size > 1 else ''} a node")
            draft.found("hardware.accelerators_per_node", index, index, [each])
        named = draft.value("money.provider") or draft.known.get("money.provider")
        if len(machine.providers) == 1 and not draft.has("money.provider") and named != machine.providers[0]:
            owner = Option(machine.providers[0], f"{said} is of {machine.providers[0]}")
            draft.found("money.provider", index, index, [owner])
        draft.sentence.take(index)


def _machines(draft: Draft, at: int, said: str) -> None:
    """Note so many machines as nodes."""
    draft.read(
        "hardware.nodes", (at, at), draft.sentence.items[at].number,
        lambda v: int(v) if v == int(v) else v, lambda v, made: f"{v:g} × {said}",
    )  # fmt: skip
