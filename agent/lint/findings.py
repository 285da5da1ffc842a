"""What is wrong in a pack of rules: the rule, the place, a sentence and the fix."""

from typing import Final

from msgspec import Struct

from agent.lint.documents import Document, Path

RULES: Final = {
    "L0": "it can be read",
    "L1": "the metric exists in the version that runs",
    "L2": "the label exists",
    "L3": "a trigger's query yields one series",
    "L4": "every field does something",
    "L5": "an empty result is seen",
    "L6": "paths, ports and prefixes are those of what serves",
    "L7": "values of metadata are strings",
    "L8": "a trigger, or an alert, fires before saturation, is silent at rest and does not oscillate",
    "L9": "thresholds stand on buckets",
    "L10": "one autoscaler holds a target, with bounds and a fallback that work",
    "L11": "namespace and model are pinned",
    "L12": "probes outlast the load time, and grace periods an answer",
    "L13": "replicas and ranks are counted in the unit that scales",
    "L14": "what is started is what was planned",
    "L15": "what no plan knows is filled in",
    "L16": "a pod can run: its volumes are declared, and its image and nodes are those of its accelerators",
}
"""What holds of a sound pack, by the rule's name."""


class Finding(Struct, frozen=True):
    """A fault."""

    rule: str
    file: str
    line: int
    sentence: str
    fix: str

    @property
    def shown(self) -> str:
        """It in two lines."""
        return f"{self.file}:{self.line}: {self.rule} {self.sentence}\n    fix: {self.fix}"


def found(rule: str, document: Document, path: Path, sentence: str, fix: str) -> Finding:
    """Return a fault at a place.

    Args:
        rule: its name.
        sentence: what is wrong.
        fix: what would be right.
    """
    return Finding(rule, document.file, document.line(path), sentence, fix)
