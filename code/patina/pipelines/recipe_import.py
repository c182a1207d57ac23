"""Turn a Dataset Destroyer config.ini into a recipe, and name what has no counterpart."""

from typing import Any

import yaml


class _RecipeDumper(yaml.SafeDumper):
    """Writes a recipe as one writes it by hand: ranges and settings in a line, nothing by reference."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _is_plain(value: Any) -> bool:
    """Whether a value fits into a line: numbers and words, lists of them, and settings of both."""
    if isinstance(value, dict):
        return all(not isinstance(each, dict) and _is_plain(each) for each in value.values())
    return not isinstance(value, list) or all(not isinstance(each, dict | list) for each in value)


_RecipeDumper.add_representer(
    list, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=_is_plain(data))
)
_RecipeDumper.add_representer(
    dict, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=_is_plain(data))
)
