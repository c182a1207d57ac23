"""The layers of the package: imports point down or to named neighbours, and nothing imports in circles."""

import ast
from functools import cache
from pathlib import Path

from package_syntax import CODE, nodes

LAYERS = [
    {"version", "errors", "hints", "seeding", "settings", "settings_problems", "shipped", "torchvision_shim"},
    {"system"},
    {"imaging", "runs"},
    {"layers", "metrics", "losses", "conditions"},
    {"models", "data", "degradations"},
    {"training", "fidelity", "fitting", "exchange"},
    {"specs"},
    {"pipelines"},
    {"experiments", "studio"},
    {"cli", "api"},
    {"bench"},
]
"""Rooms and modules of the package, from the bottom to the top."""

NEIGHBOURS = {
    ("settings", "errors"),
    ("settings", "hints"),
    ("settings", "shipped"),
    ("settings_problems", "errors"),
    ("settings_problems", "hints"),
    ("losses", "metrics"),
    ("degradations", "models"),
    ("degradations", "data"),
}
"""Rooms of one layer, where the first may import the second."""

CODECS = {"imdecode", "imencode", "imread", "imwrite", "decode_jpeg", "encode_jpeg", "png_decode", "TiffFile"}
"""Functions that decode or encode picture files."""

COMMAND_LINE = {"argparse", "click", "typer"}
"""Libraries for command lines."""


@cache
def modules() -> dict[str, Path]:
    """Return the file of every module of the package."""
    found = {".".join(path.relative_to(CODE).with_suffix("").parts): path for path in CODE.glob("patina/**/*.py")}
    return {name.removesuffix(".__init__"): path for name, path in found.items()}


def syntax(module: str) -> list[ast.AST]:
    """Return every node of a module's syntax tree."""
    return nodes(modules()[module])


@cache
def imported(module: str) -> set[str]:
    """Return everything that a module imports at any depth of its code: modules, and names in modules."""
    found: set[str] = set()
    for node in syntax(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def imports() -> dict[str, set[str]]:
    """Return the modules of the package that every module imports."""
    return {module: imported(module) & set(modules()) - {"patina"} for module in modules()}


def room(module: str) -> str:
    """Return the folder of the package that a module is in, or the module itself at the top."""
    return module.removeprefix("patina.").split(".")[0]


def layer(module: str) -> int:
    """Return the number of a module's layer, from the bottom."""
    return next(level for level, rooms in enumerate(LAYERS) if room(module) in rooms)


def test_every_room_has_one_layer():
    assert {room(module) for module in modules()} - {"patina"} == set().union(*LAYERS)
    assert sum(map(len, LAYERS)) == len(set().union(*LAYERS))


def test_imports_point_down_or_to_named_neighbours():
    wrong = [
        f"{module} imports {target}"
        for module, targets in imports().items()
        for target in targets
        if module != "patina"
        and room(module) != room(target)
        and layer(target) >= layer(module)
        and (room(module), room(target)) not in NEIGHBOURS
    ]
    assert not wrong


def test_every_named_neighbour_is_imported():
    used = {(room(module), room(target)) for module, targets in imports().items() for target in targets}
    assert used >= NEIGHBOURS


def test_nothing_imports_in_circles():
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


def test_only_imaging_uses_codecs():
    users = set()
    for module in modules():
        attributes = [node for node in syntax(module) if isinstance(node, ast.Attribute)]
        names = {node.attr for node in attributes}
        opens = any(node.attr == "open" and ast.unparse(node) == "Image.open" for node in attributes)
        if names & CODECS or opens or "simplejpeg" in imported(module):
            users.add(room(module))
    assert users == {"imaging"}


def test_only_the_command_line_parses_arguments():
    users = {module for module in modules() if imported(module) & COMMAND_LINE}
    assert {room(module) for module in users} == {"cli", "bench"}
    assert not {module for module in modules() if room(module) not in {"cli", "bench"} and names_a_namespace(module)}


def names_a_namespace(module: str) -> bool:
    """Return whether a module names argparse's result."""
    names = (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "") for node in syntax(module))
    return "Namespace" in names
