"""Turn a Dataset Destroyer config.ini into a recipe, and name what has no counterpart."""

from pathlib import Path
from typing import Any

import yaml

from patina.degradations.dataset_destroyer import convert
from patina.degradations.recipe import parse_recipe
from patina.errors import PatinaError
from patina.system.atomic import write_text


def import_recipe(config: Path, out: Path) -> list[str]:
    """Write a recipe that does what a ``config.ini`` of Dataset Destroyer does.

    Args:
        config: the ``config.ini``.
        out: the recipe to write.

    Returns:
        What is lost or different, one remark a line; the recipe holds them as comments.

    Raises:
        PatinaError: the configuration cannot be read, or `out` exists.
    """
    if out.exists():
        raise PatinaError(f"{out} exists; name another file with -out")
    converted = convert(config)
    parse_recipe(converted.values, config)
    comments = "".join(f"# {line}\n" for line in [f"Made from {config.name}.", *converted.remarks])
    write_text(out, comments + yaml.dump(converted.values, Dumper=_RecipeDumper, sort_keys=False, width=100))
    return converted.remarks


class _RecipeDumper(yaml.SafeDumper):
    """Writes a recipe as people write it: ranges and settings on one line, no YAML aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _is_plain(value: Any) -> bool:
    """Return whether a value fits on one line: numbers and words, lists of them, and settings of both."""
    if isinstance(value, dict):
        return all(not isinstance(item, dict) and _is_plain(item) for item in value.values())
    return not isinstance(value, list) or all(not isinstance(item, dict | list) for item in value)


_RecipeDumper.add_representer(
    list, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=_is_plain(data))
)
_RecipeDumper.add_representer(
    dict, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=_is_plain(data))
)
