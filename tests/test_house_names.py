"""What a newcomer relies on: one name for one thing, short files, short functions, annotations that are types."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from package_syntax import CODE, nodes, syntax
from patina.cli.main import COMMANDS

PACKAGE = CODE / "patina"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py"))
TESTS = sorted(Path(__file__).parent.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 65
THE_LOOP = PACKAGE / "training" / "loop.py"
"""One flat story, which may be longer."""


def repeated(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def test_no_module_has_the_name_of_another():
    assert not repeated([path.name for path in FILES])


def test_no_public_class_has_the_name_of_another():
    classes = [node.name for path in FILES for node in syntax(path).body if isinstance(node, ast.ClassDef)]
    assert not repeated([name for name in classes if not name.startswith("_")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_are_short_and_annotations_are_types(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_FILE
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and path != THE_LOOP:
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name
        if isinstance(node, ast.AnnAssign):
            assert not isinstance(node.annotation, ast.Call), ast.unparse(node)


def test_test_files_are_short():
    assert {path.name for path in TESTS if path.read_text(encoding="utf-8").count("\n") > LONGEST_FILE} == set()


def test_commands_are_short():
    modules = {command.replace("-", "_") for command in COMMANDS}
    commands = [path for path in FILES if path.parent.name == "cli" and path.stem in modules]
    assert len(commands) == len(modules)
    assert {path.name for path in commands if path.read_text(encoding="utf-8").count("\n") > 60} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_messages_say_images_as_the_documentation_does(path):
    docstrings = {node.value for node in nodes(path) if isinstance(node, ast.Expr)}
    texts = [node.value for node in nodes(path) if isinstance(node, ast.Constant) and node not in docstrings]
    assert not [text for text in texts if isinstance(text, str) and re.search(r"\bpictures? | pictures?\b", text)]
