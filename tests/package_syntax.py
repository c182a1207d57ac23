"""The package's modules and their syntax, parsed once for all tests of the house."""

import ast
from functools import cache
from pathlib import Path

CODE = Path(__file__).parents[1] / "code"


@cache
def syntax(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> list[ast.AST]:
    """Return every node of a module's syntax tree."""
    return list(ast.walk(syntax(path)))
