"""HCL with the line of every value, by python-hcl2's grammar."""

from pathlib import Path
from typing import Any

from patina.errors import ConfigError
from patina.hints import install
from patina.system.yaml_files import LinedValue

_CONSTANTS = {"true": True, "false": False, "null": None}


def read_hcl_lines(text: str, source: Path) -> LinedValue:
    """Read HCL: attributes, and blocks as lists of mappings.

    Raises:
        ConfigError: python-hcl2 is not installed, the text is not valid HCL, or it contains more than plain values.
    """
    try:
        from hcl2 import parses_to_tree
        from lark.exceptions import LarkError
    except ImportError:
        raise ConfigError(f"{source}: HCL is read by python-hcl2, which is not installed: {install('hcl')}") from None
    try:
        tree = parses_to_tree(text if text.endswith("\n") else text + "\n")
    except (LarkError, RecursionError) as error:
        raise ConfigError(f"{source}: not valid HCL: {str(error).splitlines()[0]}") from None
    return LinedValue(_body(tree.children[0], source), 1)


def _body(body: Any, source: Path) -> dict[str, LinedValue]:
    """Return the attributes and blocks of a body."""
    found: dict[str, LinedValue] = {}
    for entry in body.children:
        if _kind(entry) not in ("attribute", "block"):
            continue
        name = entry.children[0].children[0]
        if entry.data == "attribute":
            found[str(name)] = LinedValue(_value(entry.children[2], source).value, name.line)
            continue
        inside = next(part for part in entry.children if _kind(part) == "body")
        block = LinedValue(_body(inside, source), name.line)
        found.setdefault(str(name), LinedValue([], name.line)).value.append(block)
    return found


def _value(node: Any, source: Path) -> LinedValue:
    """Return the value of an expression."""
    line = _line(node)
    kind = _kind(node)
    inside = [part for part in node.children if hasattr(part, "data") and part.data != "new_line_or_comment"]
    if kind == "expr_term" and len(inside) == 1:
        return _value(inside[0], source)
    if kind == "unary_op" and str(node.children[0]).strip() == "-":
        return LinedValue(-_value(inside[-1], source).value, line)
    if kind in ("int_lit", "float_lit", "literal_value"):
        text = str(node.children[0]).strip()
        return LinedValue(_CONSTANTS[text] if text in _CONSTANTS else _number(text), line)
    if kind == "string" and not any(_kind(part) == "interpolation" for text in inside for part in text.children):
        return LinedValue("".join(str(part) for text in inside for part in text.children), line)
    if kind == "tuple":
        return LinedValue([_value(part, source) for part in inside], line)
    if kind == "object":
        return LinedValue(dict(_entry(part, source) for part in inside if part.data == "object_elem"), line)
    raise ConfigError(f"{source}, line {line}: expected a number, a text, a list or a block, found an expression")


def _entry(entry: Any, source: Path) -> tuple[str, LinedValue]:
    """Return the key and the value of an object's entry."""
    key = entry.children[0]
    while _kind(key) in ("object_elem_key", "expr_term", "identifier"):
        key = key.children[0]
    name = str(key) if not hasattr(key, "data") else _value(key, source).value
    return str(name), LinedValue(_value(entry.children[2], source).value, _line(entry))


def _kind(node: Any) -> str:
    return str(getattr(node, "data", ""))


def _line(node: Any) -> int:
    """Return the line of a node's first word."""
    while hasattr(node, "data"):
        node = next(part for part in node.children if _kind(part) != "new_line_or_comment")
    return int(node.line)


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdigit() else float(text)
