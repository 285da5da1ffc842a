"""Files of YAML or JSON as trees whose every value knows its line."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from catalogs.errors import InputError, quoted

Path = tuple[str | int, ...]
MOST_VALUES: Final = 100_000
"""Of one file with the files that it holds as texts: an alias may stand for a tree of aliases, and no pack of rules
comes near."""

MOST_KEYS: Final = 3
"""That name a document without a kind."""


class Document(Struct, frozen=True):
    """One document of a file."""

    file: str
    tree: Any
    lines: Mapping[Path, int]
    """By path: where a value begins, or its key."""
    blocks: tuple[Path, ...] = ()
    """Texts that stand on lines of their own."""

    @property
    def shown(self) -> str:
        """What it is: 'Deployment llama', or 'a document of groups' where it has no kind."""
        kind, name = self.at(("kind",)), self.at(("metadata", "name"))
        if isinstance(kind, str):
            return f"{kind} {name}" if isinstance(name, str) else kind
        keys = list(self.tree)[:MOST_KEYS] if isinstance(self.tree, dict) else ()
        return f"a document of {', '.join(keys)}" if keys else "a document without keys"

    def line(self, path: Path) -> int:
        """Return the line of a value, or of what holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Any]]:
        """Yield every value below a path, with its own path."""
        value = self.at(path)
        yield path, value
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, _ in children:
            yield from self.walk((*path, key))

    def at(self, path: Path) -> Any:
        """Return the value at a path; None where there is none."""
        value = self.tree
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def table(self, path: Path) -> dict[str, Any]:
        """Return the table at a path; an empty one where there is none."""
        value = self.at(path)
        return value if isinstance(value, dict) else {}

    def rows(self, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield the tables of the list at a path, each with its own path."""
        value = self.at(path)
        for place, one in enumerate(value if isinstance(value, list) else ()):
            if isinstance(one, dict):
                yield (*path, place), one


def documents_in(text: str, file: str) -> list[Document]:
    """Return the documents of a file, those that hold nothing left out.

    Raises:
        InputError: it is no YAML; a template of Helm is none before it is rendered.
    """
    import yaml

    if "{{" in text and ("{{-" in text or ".Values" in text):
        raise InputError(f"{quoted(file)} is a template of Helm; give what `helm template` makes of it")
    try:
        left = iter(range(MOST_VALUES))
        found = [_document(node, file, left) for node in _nodes(text) if node is not None]
        return [*found, *(inner for one in found for inner in _within(one, left))]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise InputError(f"{quoted(file)} is no YAML: {getattr(error, 'problem', None) or error}{where}") from None
    except RecursionError:
        raise InputError(f"{quoted(file)} is nested too deeply") from None


def _nodes(text: str) -> Iterator[Any]:
    import yaml

    yield from yaml.compose_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


INNER: Final = ("expr", "query", "seriesQuery", "kind:")
"""A text that holds one of these may be a file: rules or a dashboard in a ConfigMap, settings of an adapter."""


def _within(outer: Document, left: Iterator[int]) -> Iterator[Document]:
    """Yield the files that a document holds as texts, with the lines of the whole.

    Args:
        outer: the document.
        left: of ``MOST_VALUES``, one for each value.
    """
    from yaml import YAMLError

    for path in outer.blocks:
        text = outer.at(path)
        if isinstance(text, str) and any(word in text for word in INNER):
            try:
                nodes = [node for node in _nodes(text) if node is not None]
                inner = [_document(node, outer.file, left, outer.line(path)) for node in nodes]
            except (YAMLError, RecursionError):
                continue  # a script or a sentence
            yield from (one for one in inner if isinstance(one.tree, dict))


def _document(node: Any, file: str, left: Iterator[int], above: int = 0) -> Document:
    from yaml import MappingNode, SequenceNode
    from yaml.constructor import SafeConstructor

    constructor = SafeConstructor()
    lines: dict[Path, int] = {}
    blocks: list[Path] = []

    def plain(node: Any, path: Path, begins: Any) -> Any:
        if next(left, None) is None:
            raise InputError(f"{quoted(file)} holds more than {MOST_VALUES:,} values")
        lines[path] = above + begins.start_mark.line + 1
        if isinstance(node, MappingNode):
            keys = ((str(key.value), key, value) for key, value in node.value)
            return {name: plain(value, (*path, name), key) for name, key, value in keys}
        if isinstance(node, SequenceNode):
            return [plain(value, (*path, place), value) for place, value in enumerate(node.value)]
        if node.style == "|":
            blocks.append(path)
        try:
            return constructor.construct_object(node)
        except Exception:  # a tag of somebody's own: its text is what there is
            return str(node.value)

    return Document(file, plain(node, (), node), lines, tuple(blocks))
