"""Print the shape of the house: `python tests/architecture.py [ROOT]`; tests/test_architecture.py holds its numbers.

A room is a folder of a package, or a module that stands in it alone. An arrow leads from a room to another that one of
its modules imports, wherever the import stands. The floor of a room is the longest way down to one that imports no
other. A line of code is one that is neither blank nor a comment, nor part of a docstring.
"""

import ast
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGES = ("commands", "agent", "engine", "catalogs")
Arrows = Mapping[str, frozenset[str]]


@cache
def parsed(file: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def walked(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Return a tree's nodes: the rules look at the same trees again and again."""
    return tuple(ast.walk(tree))


def files_of(root: Path) -> list[Path]:
    """Return the product's modules."""
    return sorted(file for package in PACKAGES for file in (root / package).rglob("*.py"))


def modules_by_folder(root: Path) -> dict[str, int]:
    """Return how many modules each folder holds; its __init__ is the folder's own page and no module of it."""
    folders = Counter(str(file.parent.relative_to(root)) for file in files_of(root) if file.name != "__init__.py")
    return dict(sorted(folders.items()))


def imported(file: Path, package: str) -> Iterator[str]:
    """Yield the dotted names below a package that a module imports: of modules, or of what stands in one."""
    for node in walked(parsed(file)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith(f"{package}."))


def arrows_between_rooms(root: Path, package: str) -> dict[str, frozenset[str]]:
    """Return the rooms of a package, each with the others that it imports."""
    folder = root / package
    rooms = {place.stem for place in folder.iterdir() if place.suffix == ".py" or (place / "__init__.py").exists()}
    arrows: dict[str, set[str]] = {room: set() for room in rooms - {"__init__"}}
    for file in folder.rglob("*.py"):
        room = file.relative_to(folder).parts[0].removesuffix(".py")
        if room != "__init__":  # it offers names of all rooms, and no room imports it
            arrows[room] |= {name.split(".")[1] for name in imported(file, package)} & arrows.keys() - {room}
    return {room: frozenset(others) for room, others in sorted(arrows.items())}


def circles(arrows: Arrows) -> list[list[str]]:
    """Return the sets of rooms that reach each other."""
    below = {room: reached(arrows, room) for room in arrows}
    groups = {frozenset(other for other in below[room] if room in below[other]) for room in arrows}
    return sorted(sorted(group) for group in groups if group)


def public_functions(file: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the functions and methods that a module offers, by name."""
    for node in parsed(file).body:
        members = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        for member in members:
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                yield member.name if member is node else f"{node.name}.{member.name}", member  # type: ignore[attr-defined]


def parameters(function: ast.FunctionDef) -> list[ast.arg]:
    """Return what a function is called with."""
    named = function.args
    return [p for p in (*named.posonlyargs, *named.args, *named.kwonlyargs) if p.arg not in ("self", "cls")]


def reached(arrows: Arrows, room: str) -> set[str]:
    """Return the rooms to which arrows lead from one."""
    seen: set[str] = set()
    left = set(arrows[room])
    while left:
        seen.add(place := left.pop())
        left |= arrows[place] - seen
    return seen


def floors(arrows: Arrows) -> int:
    """Return how many rooms the longest way down passes; there may be no circle."""

    @cache
    def floor(room: str) -> int:
        return 1 + max(map(floor, arrows[room]), default=0)

    return max(map(floor, arrows), default=0)


@dataclass(frozen=True, order=True)
class Function:
    """A function of the product."""

    lines: int
    """Of code, its signature and the functions in it included."""
    name: str


def code_lines(file: Path) -> set[int]:
    """Return the numbers of a module's lines of code."""
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    with file.open("rb") as opened:
        for token in tokenize.tokenize(opened.readline):
            if token.type not in layout and token.type != tokenize.ENCODING:
                lines |= set(range(token.start[0], token.end[0] + 1))
    for node in walked(parsed(file)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return lines


def functions(root: Path) -> list[Function]:
    """Return the product's functions, longest first."""
    found = []
    for file in files_of(root):
        code = code_lines(file)
        for node in walked(parsed(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own = code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
                found.append(Function(len(own), f"{file.relative_to(root)}:{node.name}"))
    return sorted(found, reverse=True)


def main(root: Path) -> None:
    """Print every number."""
    folders = modules_by_folder(root)
    for folder, modules in folders.items():
        print(f"{folder:24}{modules:>5} modules")
    for package in ("engine", "agent"):
        arrows = arrows_between_rooms(root, package)
        closed = circles(arrows)
        height = "no floors" if closed else f"{floors(arrows)} floors"
        print(f"{package}: {len(arrows)} rooms, {sum(map(len, arrows.values()))} arrows, {height}, circles: {closed}")
        for room, others in arrows.items():
            print(f"  {room:22} → {' '.join(sorted(others)) or '–'}")
    longest = functions(root)
    print(
        f"{len(longest)} functions, {sum(function.lines > 40 for function in longest)} of more than 40 lines of code:"
    )
    for function in longest[:5]:
        print(f"  {function.lines:>4} {function.name}")
    print(f"{sum(len(code_lines(file)) for file in files_of(root)):,} lines of code in {sum(folders.values())} modules")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
