"""The architecture as ARCHITECTURE.md draws it: imports point down, neighbours are named, nothing goes in circles."""

import ast
from pathlib import Path

CODE = Path(__file__).parents[1] / "code"

FLOORS = [
    {"version", "errors", "seeding", "settings", "torchvision_shim"},
    {"system"},
    {"imaging", "runs"},
    {"layers", "metrics", "losses", "conditions"},
    {"models", "data", "degradations"},
    {"training", "fidelity", "fitting"},
    {"specs"},
    {"pipelines"},
    {"experiments"},
    {"cli"},
    {"bench"},
]
NEIGHBOURS = {
    ("settings", "errors"),
    ("runs", "imaging"),
    ("imaging", "runs"),
    ("losses", "metrics"),
    ("degradations", "models"),
    ("degradations", "data"),
}
"""Parts of one floor that may import each other, in this direction."""


def modules() -> dict[str, Path]:
    """Return the file of every module of the package."""
    found = {".".join(path.relative_to(CODE).with_suffix("").parts): path for path in CODE.glob("patina/**/*.py")}
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


def imported_names(path: Path) -> set[str]:
    """Return what a file imports as a whole, at any depth of its code."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}


def imports() -> dict[str, set[str]]:
    """Return the modules of the package that each module imports, at any depth of its code."""
    names = modules()
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        targets = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                targets |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        found[name] = {target for target in targets if target in names and target != "patina"}
    return found


def part(module: str) -> str:
    return module.split(".")[1]


def floor(module: str) -> int:
    return next(level for level, parts in enumerate(FLOORS) if part(module) in parts)


def test_every_part_has_a_floor():
    known = set().union(*FLOORS)
    assert {part(module) for module in imports() if module != "patina"} == known


def test_imports_point_down_or_to_named_neighbours():
    wrong = [
        f"{module} imports {target}"
        for module, targets in imports().items()
        for target in targets
        if module != "patina"
        and part(module) != part(target)
        and floor(target) >= floor(module)
        and (part(module), part(target)) not in NEIGHBOURS
    ]
    assert not wrong


def test_no_circles():
    graph = imports()
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for target in graph[module]:
                visit(target, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_codecs_are_used_in_imaging_alone():
    codecs = ("imdecode", "imencode", "imread", "imwrite", "Image.open")
    sources = {path: path.read_text(encoding="utf-8") for path in CODE.glob("patina/**/*.py")}
    users = {path.parent.name for path, text in sources.items() if any(codec in text for codec in codecs)}
    assert users == {"imaging"}


def test_flags_are_known_in_the_command_line_alone():
    users = {module for module, path in modules().items() if "argparse" in imported_names(path)}
    assert {part(module) for module in users} <= {"cli", "bench"}
