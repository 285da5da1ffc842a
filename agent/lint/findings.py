"""What is wrong in a pack of rules: the rule, the place, a sentence and the fix."""

from msgspec import Struct

from agent.lint.documents import Document, Path


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
