"""The house rules: who may import whom, where I/O and the clock may be, and that the papers are true of the code."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import typer

from commands.program import COMMANDS
from tests.architecture import (
    PACKAGES,
    arrows_between_rooms,
    circles,
    files_of,
    floors,
    functions,
    modules_by_folder,
    parameters,
    parsed,
    public_functions,
    walked,
)
from tests.every import of_every

ROOT = Path(__file__).parents[1]
SHOWING = {"rich", "typer", "prompt_toolkit", "plotext", "click"}
"""Packages that talk to people."""
HEAVY = sys.stdlib_module_names | {"msgspec", "numpy", *PACKAGES}
"""What engine may import when it is imported; the rest is imported where it is used."""
CLOCK = {
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "perf_counter"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
}
CALLS_OF_PEOPLE = {"print", "input", "breakpoint", "exit", "quit"}

MARKDOWN = sorted([*ROOT.glob("*.md"), *(ROOT / "spec-kit").glob("*.md")])
PURE = sorted([*(ROOT / "catalogs").rglob("*.py"), *(ROOT / "engine").rglob("*.py")])


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every import with the top-level package that it names."""
    for node in walked(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node, node.module.partition(".")[0]


def test_the_rooms_import_each_other_only_downwards(tmp_path: Path) -> None:
    """import-linter's contracts in pyproject.toml: the layers, and one module alone that touches a network."""
    run = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", run, "--cache-dir", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " kept, 0 broken" in done.stdout


@of_every(PURE)
def test_facts_and_method_do_not_talk_to_people_or_read_the_clock(file: Path) -> None:
    tree = parsed(file)
    assert not {package for _, package in imports(tree)} & SHOWING
    for node in walked(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name):
                assert name not in CALLS_OF_PEOPLE, f"line {node.lineno} calls {name}"
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                assert (owner, name) not in CLOCK, f"line {node.lineno} reads the clock"
            case ast.Attribute(value=ast.Attribute(attr=owner), attr=name):
                assert (owner, name) not in CLOCK, f"line {node.lineno} reads the clock"


def test_one_module_alone_opens_connections() -> None:
    """Beside the contract on huggingface_hub: nobody else brings a client of their own."""
    clients = {"socket", "requests", "httpx", "aiohttp", "urllib3", "ftplib"}
    for room in ("agent", "catalogs", "engine"):
        for file in (ROOT / room).rglob("*.py"):
            tree = parsed(file)
            assert not {package for _, package in imports(tree)} & clients, file.name
            whole = {node.module for node in walked(tree) if isinstance(node, ast.ImportFrom)} | {
                alias.name for node in walked(tree) if isinstance(node, ast.Import) for alias in node.names
            }
            assert not whole & {"urllib.request", "http.client"}, file.name


def test_one_module_alone_knows_each_package_that_draws() -> None:
    """What is shown is built of blocks; to draw them otherwise, or with another package, is one module's matter."""
    alone = {
        "plotext": {"agent/report/rendering/chart.py"},
        "matplotlib": {"agent/report/accuracy_plot.py"},
        "prompt_toolkit": {"agent/session/line_editor.py"},
    }
    users: dict[str, set[str]] = {package: set() for package in alone}
    for file in files_of(ROOT):
        for package in {name for _, name in imports(parsed(file))} & set(alone):
            users[package].add(str(file.relative_to(ROOT)))
    assert users == alone


@of_every(PURE)
def test_facts_and_method_import_little(file: Path) -> None:
    """At import time the standard library, msgspec and (engine) numpy: a cold start pays for nothing else."""
    allowed = HEAVY - ({"numpy"} if ROOT / "catalogs" in file.parents else set())
    top_level = parsed(file).body
    for statement, package in imports(ast.Module(body=top_level, type_ignores=[])):
        if statement in top_level:
            assert package in allowed, f"line {statement.lineno} imports {package} for everyone"


@of_every(sorted((ROOT / "engine").rglob("*.py")))
def test_the_method_does_no_input_or_output(file: Path) -> None:
    doing = {"open", "read_text", "write_text", "read_bytes", "write_bytes", "unlink", "mkdir", "urlopen", "getenv"}
    for node in walked(parsed(file)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            assert name not in doing, f"line {node.lineno} calls {name}"


def test_the_rules_can_fail() -> None:
    """The walkers see what they forbid: an import inside a function, a call by attribute."""
    tree = ast.parse(
        "def f():\n    import rich.table\n    from typer import Exit\n    return datetime.datetime.now()\n"
    )
    assert {package for _, package in imports(tree)} == {"rich", "typer"}
    found = [n.func for n in walked(tree) if isinstance(n, ast.Call)]
    assert [(f.value.attr, f.attr) for f in found] == [("datetime", "now")]  # type: ignore[attr-defined]


# --- the shape: python tests/architecture.py prints it ---

MODULES_PER_FOLDER = 12
LARGER_FOLDERS = {
    "catalogs": "the catalog, what its parts share, and a module for each kind of file that is none of its entries",
    "catalogs/records": "a module for each family of kinds of entries",
    "commands": "a module for each command",
    "engine/planning": "a module for each part of a plan",
    "agent/lint": "a module for each kind of rule, and what rules read",
    "agent/exports": "a module for each format",
    "engine/simulation": "the loop that is compiled, and a module for each thing around it",
}
CODE_LINES_PER_FUNCTION = 80
LONGER_FUNCTIONS = {"engine/simulation/loop.py:advance": "the step of the simulator: compiled as one, it calls nothing"}
SHAPES = {"engine": (9, 99), "agent": (7, 46)}
"""Of a package: its floors and its arrows between rooms, at most: those of a new room come on top."""


def test_a_folder_is_read_at_a_glance() -> None:
    large = {folder for folder, modules in modules_by_folder(ROOT).items() if modules > MODULES_PER_FOLDER}
    assert large <= LARGER_FOLDERS.keys()


@of_every(SHAPES)
def test_rooms_stand_on_few_floors_and_none_on_itself(package: str) -> None:
    arrows = arrows_between_rooms(ROOT, package)
    most_floors, most_arrows = SHAPES[package]
    assert circles(arrows) == []
    assert floors(arrows) <= most_floors
    assert sum(map(len, arrows.values())) <= most_arrows


def test_a_function_fits_on_a_screen_or_two() -> None:
    longer = {function.name for function in functions(ROOT) if function.lines > CODE_LINES_PER_FUNCTION}
    assert longer <= LONGER_FUNCTIONS.keys()


def test_a_circle_of_rooms_is_found() -> None:
    arrows = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("b"), "d": frozenset("a")}
    assert circles(arrows) == [["b", "c"]]
    assert floors({"a": frozenset("bc"), "b": frozenset("c"), "c": frozenset()}) == 3


# --- the papers ---


@of_every(MARKDOWN)
def test_links_lead_somewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (file.parent / path).resolve() if path else file
        assert goal.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in anchors(goal), f"{target}: no such heading"


@of_every(MARKDOWN)
def test_code_paths_exist(file: Path) -> None:
    """`engine/plan.py` in a paper is a file or a folder of the repository; `engine/plan.plain` names a function."""
    text = re.sub(r"```.*?```", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    for path in re.findall(r"`((?:agent|catalogs|commands|engine|spec-kit|tests)/[\w./*-]*)`", text):
        if "*" in path:
            assert list(ROOT.glob(path)), f"{path} matches nothing"
        elif not (ROOT / path).exists():
            module, _, name = path.rpartition(".")
            source = ROOT / f"{module}.py"
            assert source.exists(), f"{path} does not exist"
            assert re.search(rf"^(def |class |){name}\b", source.read_text(encoding="utf-8"), re.MULTILINE), (
                f"{module}.py has no {name}"
            )


def test_the_drawing_of_the_floors_shows_those_that_are_held() -> None:
    """architecture.md draws a floor a line, its rooms between strokes, as pyproject.toml orders them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    held = {contract["containers"][0]: contract["layers"] for contract in contracts if "containers" in contract}
    text = (ROOT / "spec-kit" / "architecture.md").read_text(encoding="utf-8")
    drawn = {
        package: [" | ".join(room.strip() for room in floor[1].split("│")) for floor in re.finditer("│(.*)│", drawing)]
        for package, drawing in re.findall(r"^    (\w+)\n((?:    [┌│├└].*\n)+)", text, re.MULTILINE)
    }
    assert drawn == held


def test_methodology_has_the_sections_that_the_code_refers_to() -> None:
    headings = re.findall(
        r"^#+ (.+)$", (ROOT / "spec-kit" / "methodology.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    wanted = {
        name
        for file in PURE
        for name in re.findall(r"methodology\.md,? \(?\"([^\"]+)\"", file.read_text(encoding="utf-8"))
    }
    assert wanted, "the code refers to methodology.md by section"
    assert wanted <= set(headings)


def test_every_module_opens_with_what_it_is_for() -> None:
    for room in PACKAGES:
        for file in (ROOT / room).rglob("*.py"):
            assert ast.get_docstring(parsed(file)), f"{file.relative_to(ROOT)} has no docstring"


PARAMETERS_THAT_NEED_NO_WORDS = 2


def is_command(function: ast.FunctionDef) -> bool:
    """Return whether a function is a command, whose docstring is its --help: each option says there what it is."""
    return any("command" in ast.unparse(decorator) for decorator in function.decorator_list) or function.name.endswith(
        "_command"
    )


def is_described_by_its_record(parameter: ast.arg) -> bool:
    """Return whether a parameter is named as its record, which describes it: ``plan: CapacityPlan``."""
    record = ast.unparse(parameter.annotation).strip("'\"").removesuffix(" | None") if parameter.annotation else ""
    return record.isidentifier() and record.lower().endswith(parameter.arg.replace("_", "")) and record[0].isupper()


@of_every(files_of(ROOT))
def test_what_a_function_takes_is_described(file: Path) -> None:
    for name, function in public_functions(file):
        undescribed = [one for one in parameters(function) if not is_described_by_its_record(one)]
        if len(undescribed) > PARAMETERS_THAT_NEED_NO_WORDS and not is_command(function):
            assert "Args:" in (ast.get_docstring(function) or ""), f"line {function.lineno}: {name} has no Args"


@of_every(COMMANDS)
def test_every_option_of_a_command_says_what_it_is(name: str) -> None:
    command = typer.main.get_command(import_module(f"commands.{name.replace('-', '_')}").app)
    for part in (command, *getattr(command, "commands", {}).values()):
        assert [parameter.name for parameter in part.params if not parameter.help] == []


def anchors(file: Path) -> set[str]:
    """Return the anchors of a Markdown file's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


# --- what a repository must not hold ---


def tracked() -> list[Path]:
    """Return the files under version control; outside a clone (an unpacked archive) all that are not made by tools."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.splitlines()]
    made = {"__pycache__", "build", "dist"}
    inside = [f for f in ROOT.rglob("*") if f.is_file() and not made & set(f.parts)]
    return [f for f in inside if not any(part.startswith(".") for part in f.relative_to(ROOT).parts)]


def test_no_file_names_a_machine_or_a_registry() -> None:
    """Paths of one machine and hosts of package registries do not hold on the next one."""
    slash, dot = "/", r"\."
    forbidden = re.compile(
        rf"(?<![\w.]){slash}(work|tmp|root|opt|home){slash}|py{'pi'}{dot}org|pythonhosted{dot}org|npmjs{dot}(org|com)"
    )
    assert forbidden.search("cd " + slash + "tmp" + slash + "x"), "the pattern finds what it is for"
    for file in tracked():
        if not file.exists():
            continue
        text = file.read_bytes().decode("utf-8", errors="ignore")
        found = forbidden.search(text)
        assert not found, f"{file.relative_to(ROOT)} names {found.group() if found else ''}"
