"""Recipes as hand-written YAML: settings on one line if they fit, ranges in brackets, no aliases."""

from typing import Any

import yaml
from yaml.reader import Reader

from patina.errors import one_line
from patina.system.yaml_files import PortableDumper

_WIDEST = 100
"""Characters of the settings that stand on one line."""


def recipe_text(values: Any) -> str:
    """Return a recipe, or a part of one, given as plain values, as YAML."""
    return yaml.dump(values, Dumper=_RecipeDumper, sort_keys=False, width=float("inf"))


def comment(text: str) -> str:
    """Return text, for example with the name of a file, as a comment that no character of it can end."""
    escaped = Reader.NON_PRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), one_line(text))
    return f"# {escaped}".rstrip()


class _RecipeDumper(PortableDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _is_plain(value: Any) -> bool:
    """Return whether a value fits on one line: scalars, lists of scalars, and short mappings to these."""
    if isinstance(value, dict):
        is_short = len(str(value)) <= _WIDEST
        return is_short and all(not isinstance(item, dict) and _is_plain(item) for item in value.values())
    return not isinstance(value, list) or all(not isinstance(item, dict | list) for item in value)


_RecipeDumper.add_representer(
    list, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=_is_plain(data))
)
_RecipeDumper.add_representer(
    dict, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=_is_plain(data))
)
